#include "templates/engine/lint_internal.h"

enum { WORDS_ARENA_MAX = 4 * 1024 * 1024, PHRASES_MAX = 2000, PHRASE_MAX = 200 };

static bool parse_severity(gw_str s, lint_severity *ret)
{
    for (int i = LINT_NOTE; i <= LINT_ERROR; i++) {
        if (!gw_str_is(s, lint_severity_name((lint_severity)i)))
            continue;
        *ret = (lint_severity)i;
        return true;
    }
    return false;
}

static gw_code read_phrase(const json_doc *d, uint32_t node, gw_arena *arena, gw_str *ret,
                           gw_err *err)
{
    GW_AUTO_BUF gw_buf folded;
    gw_buf_init(&folded, PHRASE_MAX);
    if (json_kind_of(d, node) != JSON_STRING)
        return gw_fail(err, GW_EINVAL, "a phrase must be a string");
    lint_literal_fold(json_str(d, node), &folded);
    if (folded.n == 0 || folded.code != GW_OK)
        return gw_fail(err, GW_EINVAL, "a phrase must have 1 to %d bytes", PHRASE_MAX);
    ret->p = gw_arena_copy(arena, gw_buf_str(&folded));
    ret->n = folded.n;
    return ret->p ? GW_OK : gw_fail(err, GW_ENOMEM, "reading phrases: out of memory");
}

/* Without a list the rule is about every part. */
static bool read_parts(const json_doc *d, uint32_t list, lint_word_rule *rule)
{
    template_part part;
    for (int i = 0; i < TEMPLATE_PART_COUNT; i++)
        rule->parts[i] = !list;
    if (!list)
        return true;
    if (json_kind_of(d, list) != JSON_ARRAY)
        return false;
    for (uint32_t at = json_first(list); at < json_at(d, list)->next; at = json_at(d, at)->next) {
        if (json_kind_of(d, at) != JSON_STRING || !template_part_parse(json_str(d, at), &part))
            return false;
        rule->parts[part] = true;
    }
    return true;
}

static gw_code read_rule(const json_doc *d, uint32_t node, lint_words *w, gw_err *err)
{
    lint_word_rule *rule = &w->rules[w->count];
    gw_str id = json_get_str(d, node, "id");
    gw_str why = json_get_str(d, node, "why");
    uint32_t phrases = json_member(d, node, "phrases");
    uint32_t parts = json_member(d, node, "parts");
    if (!id.n || !why.n || !phrases || json_kind_of(d, phrases) != JSON_ARRAY ||
        json_at(d, phrases)->count > PHRASES_MAX || json_at(d, node)->count != (parts ? 5 : 4) ||
        !read_parts(d, parts, rule) ||
        !parse_severity(json_get_str(d, node, "severity"), &rule->severity))
        return gw_fail(
            err, GW_EINVAL,
            "rule %u must have id, why, severity (note, warning, error), a list of at most %d "
            "phrases, and if it is not about all parts a list of parts",
            w->count + 1, PHRASES_MAX);
    rule->id = gw_arena_copy(w->arena, id);
    rule->why = gw_arena_copy(w->arena, why);
    rule->phrases =
        gw_arena_alloc(w->arena, (json_at(d, phrases)->count + 1) * sizeof *rule->phrases);
    if (!rule->id || !rule->why || !rule->phrases)
        return gw_fail(err, GW_ENOMEM, "reading rules: out of memory");
    for (uint32_t at = json_first(phrases); at < json_at(d, phrases)->next;
         at = json_at(d, at)->next) {
        gw_code rc = read_phrase(d, at, w->arena, &rule->phrases[rule->count++], err);
        if (rc != GW_OK)
            return rc;
    }
    w->count++;
    return GW_OK;
}

static gw_code read_opt_out(const json_doc *d, lint_words *w, gw_err *err)
{
    uint32_t list = json_member(d, 0, "opt_out");
    if (!list)
        return GW_OK;
    if (json_kind_of(d, list) != JSON_ARRAY || json_at(d, list)->count > PHRASES_MAX)
        return gw_fail(err, GW_EINVAL, "opt_out must be a list of at most %d phrases", PHRASES_MAX);
    w->opt_out = gw_arena_alloc(w->arena, (json_at(d, list)->count + 1) * sizeof *w->opt_out);
    if (!w->opt_out)
        return gw_fail(err, GW_ENOMEM, "reading phrases: out of memory");
    for (uint32_t at = json_first(list); at < json_at(d, list)->next; at = json_at(d, at)->next) {
        gw_code rc = read_phrase(d, at, w->arena, &w->opt_out[w->opt_out_count++], err);
        if (rc != GW_OK)
            return rc;
    }
    return GW_OK;
}

/* Counting sort of the phrases by their first byte. */
static gw_code index_phrases(lint_words *w, gw_err *err)
{
    uint32_t total = 0;
    uint32_t next[256];
    for (uint32_t i = 0; i < w->count; i++)
        for (uint32_t k = 0; k < w->rules[i].count; k++, total++)
            w->first[(unsigned char)w->rules[i].phrases[k].p[0] + 1]++;
    for (int c = 0; c < 256; c++)
        w->first[c + 1] += w->first[c];
    memcpy(next, w->first, sizeof next);
    w->by_first = gw_arena_alloc(w->arena, (total + 1) * sizeof *w->by_first);
    if (!w->by_first)
        return gw_fail(err, GW_ENOMEM, "reading phrases: out of memory");
    for (uint32_t i = 0; i < w->count; i++)
        for (uint32_t k = 0; k < w->rules[i].count; k++)
            w->by_first[next[(unsigned char)w->rules[i].phrases[k].p[0]]++] = (lint_word_at){i, k};
    return GW_OK;
}

gw_code lint_words_parse(gw_str json, lint_words **ret_words, gw_err *err)
{
    GW_AUTO(lint_words_free) lint_words *w = calloc(1, sizeof *w);
    if (!w || !(w->arena = gw_arena_new(WORDS_ARENA_MAX)))
        return gw_fail(err, GW_ENOMEM, "reading word lists: out of memory");
    json_doc d;
    gw_code rc = json_parse(json, w->arena, &d, err);
    if (rc != GW_OK)
        return rc;
    uint32_t rules = json_member(&d, 0, "rules");
    if (!rules || json_kind_of(&d, rules) != JSON_ARRAY ||
        json_at(&d, rules)->count > LINT_RULES_MAX)
        return gw_fail(err, GW_EINVAL, "a word list needs a member rules with at most %d rules",
                       LINT_RULES_MAX);
    for (uint32_t at = json_first(rules); at < json_at(&d, rules)->next;
         at = json_at(&d, at)->next) {
        rc = read_rule(&d, at, w, err);
        if (rc != GW_OK)
            return rc;
    }
    rc = read_opt_out(&d, w, err);
    if (rc == GW_OK)
        rc = index_phrases(w, err);
    if (rc != GW_OK)
        return rc;
    *ret_words = w;
    w = NULL;
    return GW_OK;
}

void lint_words_free(lint_words *w)
{
    if (!w)
        return;
    gw_arena_free(w->arena);
    free(w);
}

static bool is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool lint_words_is_inside(gw_str text, size_t at)
{
    return at > 0 && is_word_byte(text.p[at]) && is_word_byte(text.p[at - 1]);
}

/* "sue" must not be found in "issue". */
bool lint_words_is_whole(gw_str text, size_t at, gw_str phrase)
{
    size_t behind = at + phrase.n;
    if (lint_words_is_inside(text, at))
        return false;
    return !(is_word_byte(phrase.p[phrase.n - 1]) && behind < text.n &&
             is_word_byte(text.p[behind]));
}

bool lint_words_have_opt_out(const lint_words *w, gw_str folded)
{
    for (uint32_t i = 0; i < w->opt_out_count; i++) {
        gw_str phrase = w->opt_out[i];
        for (size_t from = 0; from < folded.n;) {
            const char *at = memmem(folded.p + from, folded.n - from, phrase.p, phrase.n);
            if (!at)
                break;
            if (lint_words_is_whole(folded, (size_t)(at - folded.p), phrase))
                return true;
            from = (size_t)(at - folded.p) + 1;
        }
    }
    return false;
}

static void apply_phrase(const lint_job *j, const lint_literal *l, const lint_word_rule *rule,
                         gw_str phrase)
{
    gw_str text = gw_buf_str(&l->text);
    for (size_t from = 0; from < text.n;) {
        const char *at = memmem(text.p + from, text.n - from, phrase.p, phrase.n);
        if (!at)
            return;
        size_t offset = (size_t)(at - text.p);
        from = offset + phrase.n;
        if (!lint_words_is_whole(text, offset, phrase))
            continue;
        const lint_mark *mark = lint_literal_mark(l, offset);
        lint_tell(j, rule->severity, rule->id, mark->file, mark->line, "\"%.*s\": %s",
                  GW_STR_ARG(phrase), rule->why);
    }
}

void lint_words_apply(const lint_job *j, const lint_literal *l, template_part part)
{
    for (uint32_t i = 0; j->words && i < j->words->count; i++)
        for (uint32_t k = 0; j->words->rules[i].parts[part] && k < j->words->rules[i].count; k++)
            apply_phrase(j, l, &j->words->rules[i], j->words->rules[i].phrases[k]);
}
