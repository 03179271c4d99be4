#include "templates/engine/guard_part.h"

enum { TEXT_MAX = 4 * 1024 * 1024 };

gw_code guard_block(const guard_look *l, const char *rule, const char *why)
{
    return gw_fail(l->err, GW_EBLOCKED, "content-guard: %s: %s in part %s", rule, why,
                   template_part_name(l->part));
}

/* ---- what a reader sees ---- */

/* One character that HTML writes as an entity; false: none begins here. */
static bool put_entity(gw_str text, size_t *at, gw_buf *ret)
{
    static const struct {
        gw_str entity;
        char c;
    } rows[] = {{GW_STR("&amp;"), '&'},  {GW_STR("&lt;"), '<'},   {GW_STR("&gt;"), '>'},
                {GW_STR("&quot;"), '"'}, {GW_STR("&#39;"), '\''}, {GW_STR("&#x27;"), '\''}};
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        gw_str e = rows[i].entity;
        if (e.n > text.n - *at || memcmp(text.p + *at, e.p, e.n) != 0)
            continue;
        gw_buf_putc(ret, rows[i].c);
        *at += e.n;
        return true;
    }
    return false;
}

/* HTML as a reader sees it: tags part words, what stands in them is not read, entities are their
 * characters. */
static void put_seen(gw_str text, gw_buf *ret)
{
    for (size_t i = 0; i < text.n;) {
        if (text.p[i] == '&' && put_entity(text, &i, ret))
            continue;
        if (text.p[i] != '<') {
            size_t n = 1;
            while (i + n < text.n && text.p[i + n] != '<' && text.p[i + n] != '&')
                n++;
            gw_buf_put(ret, text.p + i, n);
            i += n;
            continue;
        }
        gw_buf_putc(ret, ' ');
        while (i < text.n && text.p[i] != '>')
            i++;
        i += i < text.n;
    }
}

static gw_code fold(gw_str text, bool html, gw_buf *ret, gw_err *err)
{
    GW_AUTO_BUF gw_buf seen;
    gw_buf_init(&seen, TEXT_MAX);
    if (html)
        put_seen(text, &seen);
    gw_code rc = gw_buf_code(&seen, "a message", err);
    if (rc != GW_OK)
        return rc;
    lint_literal_fold(html ? gw_buf_str(&seen) : text, ret);
    return gw_buf_code(ret, "a message", err);
}

/* ---- words ---- */

/* Names and references of the data may be any word. */
static const char *const name_pointers[] = {
    "/debtor/name",      "/recipient/name", "/creditor/name",
    "/creditor/address", "/signature/name", "/signature/title",
    "/reference",        "/case",           "/job",
    "/pay_link",         "/dispute_link",
};

static bool holds(gw_str value, gw_str text, size_t at, size_t n)
{
    GW_AUTO_BUF gw_buf folded;
    gw_buf_init(&folded, 4096);
    lint_literal_fold(value, &folded);
    gw_str name = gw_buf_str(&folded);
    for (size_t from = 0; name.n > n && folded.code == GW_OK && from < text.n;) {
        const char *hit = memmem(text.p + from, text.n - from, name.p, name.n);
        size_t offset = hit ? (size_t)(hit - text.p) : SIZE_MAX;
        if (!hit || offset > at)
            return false;
        if (offset + name.n >= at + n)
            return true;
        from = offset + 1;
    }
    return false;
}

static bool holds_in_items(const guard_look *l, size_t at, size_t n)
{
    static const char *const members[] = {"reference", "description", "id"};
    uint32_t items = json_member(l->data, 0, "items");
    if (!items || json_kind_of(l->data, items) != JSON_ARRAY)
        return false;
    for (uint32_t i = json_first(items); i < json_at(l->data, items)->next;
         i = json_at(l->data, i)->next)
        for (size_t k = 0; k < GW_COUNT(members); k++)
            if (json_kind_of(l->data, i) == JSON_OBJECT &&
                holds(json_get_str(l->data, i, members[k]), l->folded, at, n))
                return true;
    return false;
}

static gw_str value_of(const guard_look *l, const char *pointer)
{
    uint32_t node = json_resolve(l->data, gw_str_of(pointer));
    bool text = node != UINT32_MAX && json_kind_of(l->data, node) == JSON_STRING;
    return text ? json_str(l->data, node) : (gw_str){NULL, 0};
}

static bool is_of_a_name(const guard_look *l, size_t at, gw_str phrase)
{
    if (memchr(phrase.p, ' ', phrase.n))
        return false;
    for (size_t i = 0; i < GW_COUNT(name_pointers); i++)
        if (holds(value_of(l, name_pointers[i]), l->folded, at, phrase.n))
            return true;
    return holds_in_items(l, at, phrase.n);
}

static gw_code look_words(const guard_look *l)
{
    if (!l->w)
        return guard_block(l, "no-words",
                           "the version carries no word lists, so nobody can look "
                           "for threats");
    gw_str text = l->folded;
    for (size_t at = 0; at < text.n; at++) {
        if (lint_words_is_inside(text, at))
            continue; /* no whole word begins here */
        unsigned char c = (unsigned char)text.p[at];
        for (uint32_t i = l->w->first[c]; i < l->w->first[c + 1]; i++) {
            const lint_word_rule *rule = &l->w->rules[l->w->by_first[i].rule];
            gw_str phrase = rule->phrases[l->w->by_first[i].phrase];
            if (rule->severity != LINT_ERROR || !rule->parts[l->part] || phrase.n > text.n - at ||
                memcmp(text.p + at, phrase.p, phrase.n) != 0 ||
                !lint_words_is_whole(text, at, phrase) || is_of_a_name(l, at, phrase))
                continue;
            return gw_fail(l->err, GW_EBLOCKED, "content-guard: %s: \"%.*s\" in part %s", rule->id,
                           GW_STR_ARG(phrase), template_part_name(l->part));
        }
    }
    return GW_OK;
}

/* ---- who writes, and the way out ---- */

static bool is_escaped(gw_str value)
{
    for (size_t i = 0; i < value.n; i++)
        if (strchr("&<>\"'", value.p[i]))
            return true;
    return false;
}

/* In HTML a value with characters that are written otherwise cannot be looked for as it is. */
bool guard_shows(const guard_look *l, const char *pointer)
{
    gw_str value = value_of(l, pointer);
    if (value.n == 0)
        return false;
    return (l->part == TEMPLATE_HTML && is_escaped(value)) ||
           memmem(l->rendered.p, l->rendered.n, value.p, value.n) != NULL;
}

static bool is_mail(template_part part)
{
    return part == TEMPLATE_TEXT || part == TEMPLATE_HTML;
}

static gw_code look_identity(const guard_look *l)
{
    bool named = is_mail(l->part) || l->part == TEMPLATE_SMS || l->part == TEMPLATE_VOICE;
    if (named && !guard_shows(l, "/creditor/name"))
        return guard_block(l, "no-identity", "the creditor is not named");
    if (is_mail(l->part) && !guard_shows(l, "/creditor/email") &&
        !guard_shows(l, "/creditor/phone") && !guard_shows(l, "/creditor/address"))
        return guard_block(l, "no-identity", "no address of the creditor stands");
    return GW_OK;
}

static gw_code look_opt_out(const guard_look *l)
{
    bool confirms = strcmp(l->m->purpose, TEMPLATE_PURPOSE_CONFIRM) == 0;
    if (is_mail(l->part) && !guard_shows(l, "/opt_out/email") && !guard_shows(l, "/opt_out/url") &&
        !guard_shows(l, "/unsubscribe"))
        return guard_block(l, "no-opt-out", "no way out is offered");
    if (l->part == TEMPLATE_SMS && l->w && l->w->opt_out_count && !confirms &&
        !lint_words_have_opt_out(l->w, l->folded))
        return guard_block(l, "no-opt-out", "no way out is offered");
    return GW_OK;
}

/* ---- tone ---- */

static gw_code look_tone(const guard_look *l)
{
    int64_t reached = json_get_int(l->data, 0, "tone", TEMPLATE_TONE_MAX);
    return l->m->tone > reached
               ? guard_block(l, "tone", "the template is harsher than the level reached")
               : GW_OK;
}

gw_code guard_check(const lint_words *w, const template_manifest *m, template_part part,
                    gw_str rendered, const json_doc *data, gw_err *err)
{
    static gw_code (*const looks[])(const guard_look *) = {
        look_words,       look_identity,       look_opt_out,    look_tone,
        guard_look_needs, guard_look_wordings, guard_look_dates};
    GW_AUTO_BUF gw_buf folded;
    gw_buf_init(&folded, TEXT_MAX);
    if (part == TEMPLATE_DESK)
        return GW_OK;
    gw_code rc = fold(rendered, part == TEMPLATE_HTML, &folded, err);
    const guard_look l = {w, m, part, rendered, gw_buf_str(&folded), data, err};
    for (size_t i = 0; i < GW_COUNT(looks) && rc == GW_OK; i++)
        rc = looks[i](&l);
    return rc;
}
