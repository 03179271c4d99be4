/* optout_words.c - the word files of config/optout, read strictly. */
#include "gateway/base/json_strict.h"
#include "gateway/base/jsonc.h"
#include "gateway/policy/optout_part.h"

enum { ARENA_MAX = 4 * 1024 * 1024, RULES_MAX = 64 };

static const char *const scope_names[] = {
    [OPTOUT_ADDRESS] = "address",
    [OPTOUT_DEBT] = "debt",
    [OPTOUT_CHANNEL] = "channel",
    [OPTOUT_ALL] = "all",
};

const char *optout_scope_name(optout_scope s)
{
    return (unsigned)s < GW_COUNT(scope_names) ? scope_names[s] : "?";
}

const char *optout_kind_name(optout_kind k)
{
    static const char *const names[] = {
        [OPTOUT_OTHER] = "other",   [OPTOUT_HELP] = "help", [OPTOUT_PROMISE] = "promise",
        [OPTOUT_REVIEW] = "review", [OPTOUT_STOP] = "stop",
    };
    return (unsigned)k < GW_COUNT(names) ? names[k] : "?";
}

optout_words *optout_words_new(void)
{
    optout_words *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->arena = gw_arena_new(ARENA_MAX);
    w->list = w->arena ? gw_arena_alloc(w->arena, OPTOUT_PHRASES_MAX * sizeof *w->list) : NULL;
    if (w->list)
        return w;
    optout_words_free(w);
    return NULL;
}

void optout_words_free(optout_words *w)
{
    if (!w)
        return;
    gw_arena_free(w->arena);
    free(w);
}

/* ---- reading ---- */

typedef struct {
    optout_words *w;
    const json_doc *d;
    const char *language;
    gw_err *err;
} reader;

static gw_code keep(const reader *r, gw_str s, const char **ret)
{
    *ret = gw_arena_copy(r->w->arena, s);
    return *ret ? GW_OK : gw_fail(r->err, GW_ENOMEM, "reading opt-out words: out of memory");
}

static gw_code add_word(const reader *r, uint32_t node, const optout_word *like)
{
    optout_words *w = r->w;
    GW_AUTO_BUF gw_buf folded;
    gw_buf_init(&folded, OPTOUT_PHRASE_MAX);
    if (json_kind_of(r->d, node) != JSON_STRING)
        return json_fail(r->d, node, r->err, "a string is expected");
    if (!optout_fold(json_str(r->d, node), &folded) || folded.n == 0)
        return json_fail(r->d, node, r->err, "1 to %d bytes with a letter or digit are expected",
                         OPTOUT_PHRASE_MAX);
    if (w->n == OPTOUT_PHRASES_MAX)
        return gw_fail(r->err, GW_ELIMIT, "more than %d phrases in all languages",
                       OPTOUT_PHRASES_MAX);
    optout_word *word = &w->list[w->n];
    *word = *like;
    word->language = r->language;
    word->text.n = folded.n;
    gw_code rc = keep(r, gw_buf_str(&folded), &word->text.p);
    w->n += rc == GW_OK;
    return rc;
}

/* The phrases of a list member; an absent one has none. */
static gw_code add_list(const reader *r, uint32_t object, const char *member,
                        const optout_word *like)
{
    uint32_t list;
    if (!json_member(r->d, object, member))
        return GW_OK;
    gw_code rc = json_need_array(r->d, object, member, OPTOUT_PHRASES_MAX, &list, r->err);
    if (rc != GW_OK)
        return rc;
    for (uint32_t at = json_first(list); at < json_at(r->d, list)->next && rc == GW_OK;
         at = json_at(r->d, at)->next)
        rc = add_word(r, at, like);
    return rc;
}

static gw_code add_both(const reader *r, uint32_t object, optout_word like, word_use whole,
                        word_use within)
{
    like.use = whole;
    gw_code rc = add_list(r, object, "whole", &like);
    like.use = within;
    return rc == GW_OK ? add_list(r, object, "within", &like) : rc;
}

static gw_code add_stop(const reader *r, uint32_t row)
{
    static const char *const members[] = {"!scope", "channel", "whole", "within"};
    static const char *const channels[] = {"email", "sms", "voice"};
    optout_word like = {.channel = "", .why = ""};
    size_t scope;
    size_t channel = 0;
    gw_code rc = json_check_members(r->d, row, members, GW_COUNT(members), r->err);
    if (rc == GW_OK)
        rc = json_need_choice(r->d, row, "scope", scope_names, GW_COUNT(scope_names), &scope,
                              r->err);
    bool named = json_member(r->d, row, "channel") != 0;
    if (rc == GW_OK && named)
        rc = json_need_choice(r->d, row, "channel", channels, GW_COUNT(channels), &channel, r->err);
    if (rc != GW_OK)
        return rc;
    like.scope = (optout_scope)scope;
    if (named)
        like.channel = channels[channel];
    return add_both(r, row, like, WORD_STOP_WHOLE, WORD_STOP_WITHIN);
}

static gw_code add_review(const reader *r, uint32_t row)
{
    static const char *const members[] = {"!why", "!within"};
    optout_word like = {.use = WORD_REVIEW, .channel = ""};
    gw_str why;
    gw_code rc = json_check_members(r->d, row, members, GW_COUNT(members), r->err);
    if (rc == GW_OK)
        rc = json_need_str(r->d, row, "why", OPTOUT_NAME_MAX, &why, r->err);
    if (rc == GW_OK)
        rc = keep(r, why, &like.why);
    return rc == GW_OK ? add_list(r, row, "within", &like) : rc;
}

static gw_code add_rows(const reader *r, const char *member,
                        gw_code (*add)(const reader *, uint32_t))
{
    uint32_t list;
    gw_code rc = json_need_array(r->d, 0, member, RULES_MAX, &list, r->err);
    if (rc != GW_OK)
        return rc;
    for (uint32_t at = json_first(list); at < json_at(r->d, list)->next && rc == GW_OK;
         at = json_at(r->d, at)->next)
        rc = add(r, at);
    return rc;
}

static gw_code add_answers(const reader *r, const char *member, word_use whole, word_use within)
{
    static const char *const members[] = {"whole", "within"};
    uint32_t node = json_member(r->d, 0, member);
    const optout_word like = {.channel = "", .why = "wording"};
    if (!node)
        return GW_OK;
    gw_code rc = json_check_members(r->d, node, members, GW_COUNT(members), r->err);
    return rc == GW_OK ? add_both(r, node, like, whole, within) : rc;
}

static gw_code add_language(reader *r)
{
    optout_words *w = r->w;
    gw_str language;
    gw_code rc = json_need_str(r->d, 0, "language", OPTOUT_NAME_MAX, &language, r->err);
    for (size_t i = 0; i < w->language_n && rc == GW_OK; i++)
        if (gw_str_is(language, w->languages[i]))
            rc = gw_fail(r->err, GW_EEXIST, "language %s is there twice", w->languages[i]);
    if (rc == GW_OK && w->language_n == OPTOUT_LANGUAGES_MAX)
        rc = gw_fail(r->err, GW_ELIMIT, "more than %d languages", OPTOUT_LANGUAGES_MAX);
    if (rc == GW_OK)
        rc = keep(r, language, &r->language);
    if (rc == GW_OK)
        w->languages[w->language_n++] = r->language;
    return rc;
}

static gw_code read_file(reader *r)
{
    static const char *const members[] = {"!format", "!language",  "!stop",  "!review", "help",
                                          "promise", "!negations", "quotes", "own"};
    static const struct {
        const char *member;
        word_use use;
    } lists[] = {{"negations", WORD_NEGATION}, {"quotes", WORD_QUOTE}, {"own", WORD_OWN}};
    int64_t format;
    gw_code rc = json_check_members(r->d, 0, members, GW_COUNT(members), r->err);
    if (rc == GW_OK)
        rc = json_need_int(r->d, 0, "format", 1, 1, &format, r->err);
    if (rc == GW_OK)
        rc = add_language(r);
    if (rc == GW_OK)
        rc = add_rows(r, "stop", add_stop);
    if (rc == GW_OK)
        rc = add_rows(r, "review", add_review);
    if (rc == GW_OK)
        rc = add_answers(r, "help", WORD_HELP_WHOLE, WORD_HELP_WITHIN);
    if (rc == GW_OK)
        rc = add_answers(r, "promise", WORD_PROMISE_WHOLE, WORD_PROMISE_WITHIN);
    for (size_t i = 0; i < GW_COUNT(lists) && rc == GW_OK; i++)
        rc = add_list(r, 0, lists[i].member,
                      &(optout_word){.use = lists[i].use, .channel = "", .why = ""});
    return rc;
}

gw_code optout_words_add(optout_words *w, const char *name, gw_str text, gw_err *err)
{
    GW_AUTO_JSONC jsonc_file f = {0};
    gw_code rc = jsonc_open(text, OPTOUT_FILE_BYTES_MAX, &f, err);
    if (rc == GW_OK)
        rc = read_file(&(reader){w, &f.doc, NULL, err});
    return rc == GW_OK ? GW_OK : gw_wrap(err, rc, "%s", name);
}
