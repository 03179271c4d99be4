#include "templates/engine/manifest.h"

static const struct {
    const char *name;
    mustache_escape escape;
} parts[TEMPLATE_PART_COUNT] = {
    [TEMPLATE_SUBJECT] = {"subject", MUSTACHE_HEADER},
    [TEMPLATE_TEXT] = {"text", MUSTACHE_PLAIN},
    [TEMPLATE_HTML] = {"html", MUSTACHE_HTML},
    [TEMPLATE_SMS] = {"sms", MUSTACHE_PLAIN},
    [TEMPLATE_VOICE] = {"voice", MUSTACHE_PLAIN},
    [TEMPLATE_VOICE_ASK] = {"voice-ask", MUSTACHE_PLAIN},
    [TEMPLATE_VOICE_DETAILS] = {"voice-details", MUSTACHE_PLAIN},
    [TEMPLATE_VOICE_NOTED] = {"voice-noted", MUSTACHE_PLAIN},
    [TEMPLATE_VOICE_BYE] = {"voice-bye", MUSTACHE_PLAIN},
    [TEMPLATE_DESK] = {"desk", MUSTACHE_PLAIN},
};

const char *template_part_name(template_part part)
{
    return parts[part].name;
}

mustache_escape template_part_escape(template_part part)
{
    return parts[part].escape;
}

bool template_part_parse(gw_str name, template_part *ret_part)
{
    for (size_t i = 0; i < TEMPLATE_PART_COUNT; i++) {
        if (!gw_str_is(name, parts[i].name))
            continue;
        *ret_part = (template_part)i;
        return true;
    }
    return false;
}

typedef struct {
    const json_doc *d;
    gw_arena *arena;
    template_manifest *m;
    uint32_t at; /* node being read */
    gw_err *err;
} reader;

/* Names become folder names in the store, so they have no dots, slashes or spaces. */
static bool is_plain_name(gw_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    (c == '-' && i > 0);
        if (!good)
            return false;
    }
    return s.n > 0 && s.n <= TEMPLATE_NAME_MAX;
}

static gw_code read_name(reader *r, uint32_t node, const char *member, char *ret)
{
    gw_str s = json_kind_of(r->d, node) == JSON_STRING ? json_str(r->d, node) : (gw_str){NULL, 0};
    if (!s.p || !is_plain_name(s))
        return gw_fail(r->err, GW_EINVAL,
                       "%s must be 1 to %d letters, digits and inner hyphens in a string", member,
                       TEMPLATE_NAME_MAX);
    memcpy(ret, s.p, s.n);
    ret[s.n] = '\0';
    return GW_OK;
}

static gw_code read_tone(reader *r, uint32_t node)
{
    const json_node *n = json_at(r->d, node);
    if (n->kind != JSON_INT || n->i < TEMPLATE_TONE_MIN || n->i > TEMPLATE_TONE_MAX)
        return gw_fail(r->err, GW_EINVAL,
                       "tone must be 1 (friendly), 2 (neutral), 3 (firm), 4 (formal) or 5 (final)");
    r->m->tone = (int)n->i;
    return GW_OK;
}

static gw_code read_parts(reader *r, uint32_t node)
{
    const json_node *n = json_at(r->d, node);
    if (n->kind != JSON_ARRAY || n->count == 0)
        return gw_fail(r->err, GW_EINVAL, "parts must be a list of part names, at least one");
    for (uint32_t at = json_first(node); at < n->next; at = json_at(r->d, at)->next) {
        r->at = at;
        gw_str s = json_kind_of(r->d, at) == JSON_STRING ? json_str(r->d, at) : json_raw(r->d, at);
        template_part part;
        if (!template_part_parse(s, &part))
            return gw_fail(r->err, GW_EINVAL, "unknown part %.*s; there are " TEMPLATE_PART_NAMES,
                           s.n > 40 ? 40 : (int)s.n, s.p);
        if (r->m->parts[part])
            return gw_fail(r->err, GW_EINVAL, "part %s is listed twice", parts[part].name);
        r->m->parts[part] = true;
    }
    return GW_OK;
}

static bool is_fact_name(gw_str s)
{
    bool part_empty = true;
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] <= ' ' || (s.p[i] == '.' && part_empty))
            return false;
        part_empty = s.p[i] == '.';
    }
    return !part_empty && s.n <= MUSTACHE_NAME_MAX;
}

static bool all_digits(const char *p, size_t n)
{
    size_t digits = 0;
    while (digits < n && p[digits] >= '0' && p[digits] <= '9')
        digits++;
    return digits == n;
}

/* "/items/0/amount" -> "items.amount" in place: a pointer's indices mean "in each element". */
static void pointer_to_dotted(char *s)
{
    char *to = s;
    for (const char *from = s; *from == '/';) {
        size_t n = strcspn(from + 1, "/");
        if (n == 0 || !all_digits(from + 1, n)) {
            if (to != s)
                *to++ = '.';
            memmove(to, from + 1, n);
            to += n;
        }
        from += 1 + n;
    }
    *to = '\0';
}

static gw_code read_facts(reader *r, uint32_t node, const char *member, template_facts *ret)
{
    const json_node *n = json_at(r->d, node);
    if (n->kind != JSON_ARRAY)
        return gw_fail(r->err, GW_EINVAL, "%s must be a list of fact names", member);
    if (n->count > TEMPLATE_FACTS_MAX)
        return gw_fail(r->err, GW_ELIMIT, "%s has %u names; at most %d", member, n->count,
                       TEMPLATE_FACTS_MAX);
    ret->name = gw_arena_alloc(r->arena, (n->count + 1) * sizeof *ret->name);
    if (!ret->name)
        return gw_fail(r->err, GW_ENOMEM, "reading %s: out of memory", member);
    for (uint32_t at = json_first(node); at < n->next; at = json_at(r->d, at)->next) {
        r->at = at;
        gw_str s = json_kind_of(r->d, at) == JSON_STRING ? json_str(r->d, at) : (gw_str){"", 0};
        char *name = s.p ? gw_arena_copy(r->arena, s) : NULL;
        if (!name)
            return gw_fail(r->err, GW_ENOMEM, "reading %s: out of memory", member);
        if (name[0] == '/')
            pointer_to_dotted(name);
        if (!is_fact_name(gw_str_of(name)))
            return gw_fail(r->err, GW_EINVAL,
                           "%s: '%.60s' is no fact name; write creditor.name or /creditor/name",
                           member, name);
        if (template_facts_have(ret, gw_str_of(name)))
            return gw_fail(r->err, GW_EINVAL, "%s: %.60s is listed twice", member, name);
        ret->name[ret->count++] = name;
    }
    return GW_OK;
}

bool template_facts_have(const template_facts *f, gw_str name)
{
    for (size_t i = 0; i < f->count; i++)
        if (gw_str_is(name, f->name[i]))
            return true;
    return false;
}

typedef enum { M_NAME, M_LOCALE, M_PURPOSE, M_TONE, M_PARTS, M_REQUIRED, M_OPTIONAL, M_URLS } kind;

static const struct {
    const char *name;
    bool needed;
} members[] = {
    [M_NAME] = {"name", true},         [M_LOCALE] = {"locale", true},
    [M_PURPOSE] = {"purpose", true},   [M_TONE] = {"tone", true},
    [M_PARTS] = {"parts", true},       [M_REQUIRED] = {"required", true},
    [M_OPTIONAL] = {"optional", true}, [M_URLS] = {"urls", false},
};

static gw_code read_member(reader *r, kind k, uint32_t node)
{
    template_manifest *m = r->m;
    switch (k) {
    case M_NAME:
        return read_name(r, node, "name", m->name);
    case M_LOCALE:
        return read_name(r, node, "locale", m->locale);
    case M_PURPOSE:
        return read_name(r, node, "purpose", m->purpose);
    case M_TONE:
        return read_tone(r, node);
    case M_PARTS:
        return read_parts(r, node);
    case M_REQUIRED:
        return read_facts(r, node, "required", &m->required);
    case M_OPTIONAL:
        return read_facts(r, node, "optional", &m->optional);
    case M_URLS:
        return read_facts(r, node, "urls", &m->urls);
    }
    gw_bug("manifest member of no kind");
}

static gw_code refuse_unknown_members(reader *r, uint32_t node)
{
    uint32_t behind = json_at(r->d, node)->next;
    for (uint32_t at = json_first(node); at < behind; at = json_at(r->d, at + 1)->next) {
        gw_str name = json_str(r->d, at);
        bool known = false;
        r->at = at;
        for (size_t i = 0; i < GW_COUNT(members); i++)
            known = known || gw_str_is(name, members[i].name);
        if (!known)
            return gw_fail(r->err, GW_EINVAL, "unknown member %.*s; see manifest.h for the list",
                           name.n > 40 ? 40 : (int)name.n, name.p ? name.p : "");
    }
    return GW_OK;
}

static gw_code read_members(reader *r, uint32_t node)
{
    gw_code rc = refuse_unknown_members(r, node);
    for (size_t i = 0; rc == GW_OK && i < GW_COUNT(members); i++) {
        uint32_t value = json_member(r->d, node, members[i].name);
        r->at = value ? value : node;
        if (value)
            rc = read_member(r, (kind)i, value);
        else if (members[i].needed)
            rc = gw_fail(r->err, GW_EINVAL, "the member %s is missing", members[i].name);
    }
    return rc;
}

gw_code template_manifest_parse(const json_doc *d, uint32_t node, gw_arena *arena,
                                template_manifest *ret, uint32_t *ret_at, gw_err *err)
{
    template_manifest m = {0};
    reader r = {.d = d, .arena = arena, .m = &m, .at = node, .err = err};
    gw_code rc = json_kind_of(d, node) == JSON_OBJECT
                     ? read_members(&r, node)
                     : gw_fail(err, GW_EINVAL, "a manifest must be an object");
    for (size_t i = 0; rc == GW_OK && i < m.optional.count; i++)
        if (template_facts_have(&m.required, gw_str_of(m.optional.name[i])))
            rc = gw_fail(err, GW_EINVAL, "%.60s is both required and optional", m.optional.name[i]);
    if (rc == GW_OK)
        *ret = m;
    else if (ret_at)
        *ret_at = r.at;
    return rc;
}
