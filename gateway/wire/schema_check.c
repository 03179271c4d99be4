#include "gateway/wire/schema_node.h"

#include <stdio.h>

typedef struct {
    const schema *s;
    const json_doc *doc;
    schema_fault *fault;
} checker;

static bool check_node(const checker *c, uint32_t index, uint32_t at);

static bool fault(const checker *c, uint32_t at, const char *fmt, ...) GW_PRINTF(3, 4);
static bool fault(const checker *c, uint32_t at, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(c->fault->what, sizeof c->fault->what, fmt, ap);
    va_end(ap);
    json_pointer(c->doc, at, c->fault->pointer);
    return false;
}

static const uint8_t kind_bits[] = {
    [JSON_NULL] = MUST_BE_NULL,   [JSON_FALSE] = MUST_BE_BOOLEAN, [JSON_TRUE] = MUST_BE_BOOLEAN,
    [JSON_INT] = MUST_BE_INTEGER, [JSON_NUMBER] = MUST_BE_NUMBER, [JSON_STRING] = MUST_BE_STRING,
    [JSON_ARRAY] = MUST_BE_ARRAY, [JSON_OBJECT] = MUST_BE_OBJECT,
};

static bool wrong_type(const checker *c, uint32_t at, uint8_t types)
{
    static const struct {
        uint8_t bit;
        const char *name;
    } rows[] = {
        {MUST_BE_NULL, "null"},        {MUST_BE_BOOLEAN, "true or false"},
        {MUST_BE_NUMBER, "a number"},  {MUST_BE_INTEGER, "a whole number within 64 bits"},
        {MUST_BE_STRING, "a string"},  {MUST_BE_ARRAY, "a list"},
        {MUST_BE_OBJECT, "an object"},
    };
    char list[128] = "";
    size_t n = 0;
    for (size_t i = 0; i < GW_COUNT(rows); i++)
        if (types & rows[i].bit && !(rows[i].bit == MUST_BE_INTEGER && types & MUST_BE_NUMBER))
            n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", n ? " or " : "", rows[i].name);
    return fault(c, at, "must be %s", list);
}

static uint32_t characters(gw_str s)
{
    uint32_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xC0) != 0x80;
    return n;
}

static bool check_string(const checker *c, const schema_node *n, uint32_t at)
{
    gw_str s = json_str(c->doc, at);
    if (!s.p)
        return fault(c, at, "needs more memory than this body may use");
    if (s.n > n->max_length || s.n < n->min_length || n->min_length > 1) {
        uint32_t have = characters(s);
        if (have > n->max_length)
            return fault(c, at, "must have at most %u characters", n->max_length);
        if (have < n->min_length)
            return fault(c, at, "must have at least %u characters", n->min_length);
    }
    const char *want = n->format ? n->format(s) : NULL;
    return want ? fault(c, at, "must be %s", want) : true;
}

static bool check_integer(const checker *c, const schema_node *n, uint32_t at)
{
    int64_t v = json_at(c->doc, at)->i;
    if (n->has_min && v < n->min)
        return fault(c, at, "must be at least %lld", (long long)n->min);
    if (n->has_max && v > n->max)
        return fault(c, at, "must be at most %lld", (long long)n->max);
    return true;
}

static bool check_array(const checker *c, const schema_node *n, uint32_t at)
{
    const json_node *v = json_at(c->doc, at);
    if (v->count < n->min_items)
        return fault(c, at, "must have at least %u elements", n->min_items);
    if (v->count > n->max_items)
        return fault(c, at, "must have at most %u elements", n->max_items);
    if (!n->items)
        return true;
    for (uint32_t e = json_first(at); e < v->next; e = json_at(c->doc, e)->next)
        if (!check_node(c, n->items - 1, e))
            return false;
    return true;
}

/* Index of the property, or property_n. Clients write members in the order of the manual more often
 * than not, so the search starts at `hint`. */
static uint8_t find_property(const schema_node *n, gw_str name, uint8_t hint)
{
    for (uint8_t k = 0; k < n->property_n; k++) {
        uint8_t i =
            hint + k < n->property_n ? (uint8_t)(hint + k) : (uint8_t)(hint + k - n->property_n);
        const gw_str *have = &n->properties[i].name;
        if (have->n == name.n && memcmp(have->p, name.p, name.n) == 0)
            return i;
    }
    return n->property_n;
}

static bool missing(const checker *c, const schema_node *n, uint32_t at, uint64_t absent)
{
    const gw_str *name = &n->properties[__builtin_ctzll(absent)].name;
    return fault(c, at, "member \"%.*s\" is missing; add it", GW_STR_ARG(*name));
}

static bool check_object(const checker *c, const schema_node *n, uint32_t at)
{
    const json_node *v = json_at(c->doc, at);
    uint64_t seen = 0;
    uint8_t hint = 0;
    if (v->count > n->max_properties)
        return fault(c, at, "must have at most %u members", n->max_properties);
    if (!n->property_n && !n->closed)
        return true;
    for (uint32_t m = json_first(at); m < v->next; m = json_at(c->doc, m + 1)->next) {
        gw_str name = json_str(c->doc, m);
        uint8_t i = find_property(n, name, hint);
        if (i == n->property_n) {
            if (n->closed)
                return fault(c, m + 1, "unknown member \"%.*s\"; remove it or check its spelling",
                             name.n < 64 ? (int)name.n : 64, name.p ? name.p : "");
            continue;
        }
        hint = (uint8_t)(i + 1 < n->property_n ? i + 1 : 0);
        seen |= UINT64_C(1) << i;
        if (!check_node(c, n->properties[i].node, m + 1))
            return false;
    }
    return (n->required & ~seen) == 0 || missing(c, n, at, n->required & ~seen);
}

static bool check_allowed(const checker *c, const schema_node *n, uint32_t at)
{
    json_kind kind = json_kind_of(c->doc, at);
    gw_str s = kind == JSON_STRING ? json_str(c->doc, at) : json_raw(c->doc, at);
    for (uint32_t i = 0; i < n->allowed_n; i++)
        if (n->allowed_kinds[i] == kind && gw_str_eq(n->allowed[i], s))
            return true;
    char list[160] = "";
    size_t used = 0;
    for (uint32_t i = 0; i < n->allowed_n && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%.*s",
                                 i == 0                  ? ""
                                 : i + 1 == n->allowed_n ? " or "
                                                         : ", ",
                                 GW_STR_ARG(n->allowed[i]));
    return fault(c, at, "must be %s", list);
}

static bool check_node(const checker *c, uint32_t index, uint32_t at)
{
    const schema_node *n = &c->s->nodes[index];
    json_kind kind = json_kind_of(c->doc, at);
    if (n->types && !(n->types & kind_bits[kind]))
        return wrong_type(c, at, n->types);
    if (n->allowed_n && !check_allowed(c, n, at))
        return false;
    switch (kind) {
    case JSON_STRING:
        return check_string(c, n, at);
    case JSON_INT:
        return check_integer(c, n, at);
    case JSON_NUMBER: /* bounds are for integers; what they bound must say type integer */
        return !(n->has_min || n->has_max) || fault(c, at, "must be a whole number within 64 bits");
    case JSON_ARRAY:
        return check_array(c, n, at);
    case JSON_OBJECT:
        return check_object(c, n, at);
    default:
        return true;
    }
}

bool schema_check(const schema *s, const json_doc *doc, uint32_t node, schema_fault *ret_fault)
{
    checker c = {s, doc, ret_fault};
    return check_node(&c, 0, node);
}
