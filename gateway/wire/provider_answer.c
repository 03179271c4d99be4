/* provider_answer.c - what an HTTP answer means, by the provider's own rows, then by everybody's.
 */
#include "gateway/wire/provider_part.h"

#include "gateway/wire/provider_hook.h"

#include <stdio.h>

gw_str provider_scalar(const json_doc *d, uint32_t node)
{
    switch (json_kind_of(d, node)) {
    case JSON_STRING:
        return json_str(d, node);
    case JSON_NULL:
    case JSON_ARRAY:
    case JSON_OBJECT:
        return (gw_str){NULL, 0};
    default:
        return json_raw(d, node);
    }
}

bool provider_state_of(const provider *p, uint32_t section, gw_str word, wire_receipt_state *ret)
{
    const json_doc *d = &p->file.doc;
    uint32_t states = json_member(d, section, "states");
    for (uint32_t m = json_first(states); m < json_at(d, states)->next; m = json_at(d, m + 1)->next)
        if (gw_str_eq(json_str(d, m), word))
            return wire_receipt_state_parse(json_str(d, m + 1), ret);
    return false;
}

/* ---- fields of an answer ---- */

typedef struct {
    const provider *p;
    uint32_t section;
    gw_str body;
    gw_arena *arena;
    json_doc doc;
    bool json; /* the body is JSON, in doc */
} reader;

static void open_body(reader *r)
{
    gw_err ignored = {0};
    if (gw_str_is(json_get_str(&r->p->file.doc, r->section, "format"), "json"))
        r->json = json_parse(r->body, r->arena, &r->doc, &ignored) == GW_OK;
}

/* Text before the first colon or line break: Kannel's "0: Accepted for delivery". */
static gw_str first_word(gw_str body)
{
    size_t n = 0;
    while (n < body.n && body.p[n] != ':' && body.p[n] != '\n' && body.p[n] != '\r')
        n++;
    return (gw_str){body.p, n};
}

/* Codes and ids are kept in evidence and compared: short, printable, no spaces around. */
static gw_str tidy(gw_str s)
{
    enum { LONGEST = 100 };
    if (s.n > LONGEST)
        return (gw_str){NULL, 0};
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || (unsigned char)s.p[i] >= 0x7F)
            return (gw_str){NULL, 0};
    return s;
}

static gw_str field(reader *r, const char *member)
{
    const json_doc *d = &r->p->file.doc;
    gw_str name = json_get_str(d, r->section, member);
    gw_str format = json_get_str(d, r->section, "format");
    if (gw_str_is(format, "text"))
        return strcmp(member, "code") == 0 ? tidy(first_word(r->body)) : (gw_str){NULL, 0};
    if (name.n == 0)
        return (gw_str){NULL, 0};
    if (gw_str_is(format, "form")) {
        char plain[128];
        snprintf(plain, sizeof plain, "%.*s", GW_STR_ARG(name));
        return tidy(provider_field(r->body, plain, r->arena));
    }
    uint32_t node = r->json ? json_resolve(&r->doc, name) : UINT32_MAX;
    return node == UINT32_MAX ? (gw_str){NULL, 0} : tidy(provider_scalar(&r->doc, node));
}

/* ---- rules ---- */

static bool http_matches(const json_doc *d, uint32_t list, int http)
{
    char text[8];
    snprintf(text, sizeof text, "%03d", http);
    for (uint32_t i = json_first(list); i < json_at(d, list)->next; i = json_at(d, i)->next) {
        gw_str s = json_str(d, i);
        if (s.p[0] == text[0] && (s.p[1] == 'x' || memcmp(s.p, text, 3) == 0))
            return true;
    }
    return false;
}

static bool code_matches(const json_doc *d, uint32_t rule, gw_str code)
{
    uint32_t list = json_member(d, rule, "codes");
    if (!list)
        return true;
    for (uint32_t i = json_first(list); i < json_at(d, list)->next; i = json_at(d, i)->next)
        if (gw_str_eq(json_str(d, i), code))
            return true;
    return false;
}

static const char *const verdict_words[] = {
    [PROVIDER_TOOK] = "accepted",
    [PROVIDER_LATER] = "later",
    [PROVIDER_REFUSED] = "refused",
    [PROVIDER_UNCLEAR] = "unclear",
};

static provider_verdict verdict_of(gw_str word)
{
    for (size_t i = 0; i < GW_COUNT(verdict_words); i++)
        if (gw_str_is(word, verdict_words[i]))
            return (provider_verdict)i;
    return PROVIDER_UNCLEAR;
}

/* What the codes of HTTP mean when the provider's own rows are silent. A server that failed (500,
 * 502, 504) may have taken the message before; one that is overloaded or does not know us has not.
 */
static const struct {
    int from, to;
    provider_verdict verdict;
    const char *why;
} everybody[] = {
    {429, 429, PROVIDER_LATER, "throttled"},      {503, 503, PROVIDER_LATER, "unavailable"},
    {401, 401, PROVIDER_LATER, "not-authorized"}, {403, 404, PROVIDER_LATER, "not-authorized"},
    {407, 407, PROVIDER_LATER, "not-authorized"}, {300, 399, PROVIDER_LATER, "redirected"},
    {400, 499, PROVIDER_REFUSED, "refused"},      {500, 599, PROVIDER_UNCLEAR, "server-error"},
};

static void by_rules(reader *r, int http, provider_answer *ret)
{
    const json_doc *d = &r->p->file.doc;
    uint32_t rules = json_member(d, r->section, "rules");
    for (uint32_t i = json_first(rules); i < json_at(d, rules)->next; i = json_at(d, i)->next) {
        if (!http_matches(d, json_member(d, i, "http"), http) || !code_matches(d, i, ret->code))
            continue;
        gw_str why = json_get_str(d, i, "why");
        ret->verdict = verdict_of(json_get_str(d, i, "then"));
        char *kept = why.n ? gw_arena_copy(r->arena, why) : NULL;
        ret->why = kept ? kept : verdict_words[ret->verdict];
        return;
    }
    for (size_t i = 0; i < GW_COUNT(everybody); i++)
        if (http >= everybody[i].from && http <= everybody[i].to) {
            ret->verdict = everybody[i].verdict;
            ret->why = everybody[i].why;
            return;
        }
}

void provider_read_answer(const provider *p, int http, gw_str body, gw_arena *arena,
                          provider_answer *ret)
{
    reader r = {.p = p, .section = p->answer, .body = body, .arena = arena};
    open_body(&r);
    *ret = (provider_answer){.verdict = PROVIDER_UNCLEAR,
                             .why = "bad-answer",
                             .state = WIRE_RECEIPT_NONE,
                             .id = field(&r, "id"),
                             .code = field(&r, "code")};
    bool garbage = gw_str_is(json_get_str(&p->file.doc, p->answer, "format"), "json") && !r.json;
    if (garbage && http >= 200 && http < 300)
        return; /* a row for 2xx must not read garbage as a yes */
    by_rules(&r, http, ret);
}

void provider_read_query(const provider *p, int http, gw_str body, gw_arena *arena,
                         provider_answer *ret)
{
    reader r = {.p = p, .section = p->query_answer, .body = body, .arena = arena};
    const json_doc *d = &p->file.doc;
    uint32_t absent = json_member(d, p->query_answer, "absent");
    open_body(&r);
    *ret = (provider_answer){.verdict = PROVIDER_UNCLEAR,
                             .why = "bad-answer",
                             .state = WIRE_RECEIPT_NONE,
                             .id = field(&r, "id"),
                             .code = field(&r, "code")};
    if (absent && http_matches(d, absent, http)) {
        ret->verdict = PROVIDER_TOOK;
        ret->why = "absent";
        return;
    }
    if (http < 200 || http > 299)
        return;
    if (provider_state_of(p, p->query_answer, field(&r, "state"), &ret->state)) {
        ret->verdict = PROVIDER_TOOK;
        ret->why = "found";
        ret->found = true;
    }
}
