#include "gateway/wire/schema.h"

#include "gateway/base/file.h"
#include "gateway/wire/schema_node.h"

#include <stdio.h>

enum { ARENA_MAX = 4 * 1024 * 1024 };

typedef struct {
    const char *name;
    const json_doc *doc;
    schema *out;
    gw_err *err;
} compiler;

static gw_code refuse(const compiler *c, uint32_t at, const char *what)
{
    char pointer[JSON_POINTER_TEXT];
    json_pointer(c->doc, at, pointer);
    return gw_fail(c->err, GW_EINVAL, "schema %s, %s: %s", c->name, pointer[0] ? pointer : "/",
                   what);
}

static gw_code no_memory(const compiler *c)
{
    return gw_fail(c->err, GW_ENOMEM, "schema %s: out of memory", c->name);
}

static gw_code compile_node(const compiler *c, uint32_t at, uint32_t *ret_index);

/* ---- one function per keyword: value is the keyword's value, index the schema being filled ----
 */

static gw_code type_bit(const compiler *c, uint32_t value, uint8_t *types)
{
    static const struct {
        const char *name;
        uint8_t bit;
    } rows[] = {
        {"null", MUST_BE_NULL},       {"boolean", MUST_BE_BOOLEAN},
        {"integer", MUST_BE_INTEGER}, {"number", MUST_BE_NUMBER | MUST_BE_INTEGER},
        {"string", MUST_BE_STRING},   {"array", MUST_BE_ARRAY},
        {"object", MUST_BE_OBJECT},
    };
    if (json_kind_of(c->doc, value) == JSON_STRING)
        for (size_t i = 0; i < GW_COUNT(rows); i++)
            if (gw_str_is(json_str(c->doc, value), rows[i].name)) {
                *types |= rows[i].bit;
                return GW_OK;
            }
    return refuse(c, value, "a type is one of null boolean integer number string array object");
}

static gw_code take_type(const compiler *c, uint32_t value, uint32_t index)
{
    uint8_t *types = &c->out->nodes[index].types;
    if (json_kind_of(c->doc, value) != JSON_ARRAY)
        return type_bit(c, value, types);
    gw_code rc = GW_OK;
    uint32_t end = json_at(c->doc, value)->next;
    for (uint32_t e = json_first(value); e < end && rc == GW_OK; e = json_at(c->doc, e)->next)
        rc = type_bit(c, e, types);
    return rc;
}

static gw_code take_properties(const compiler *c, uint32_t value, uint32_t index)
{
    const json_node *object = json_at(c->doc, value);
    if (object->kind != JSON_OBJECT || object->count > SCHEMA_PROPERTIES_MAX)
        return refuse(c, value, "properties must be an object of at most 64 members");
    schema_property *list = gw_arena_alloc(c->out->arena, (object->count + 1) * sizeof *list);
    if (!list)
        return no_memory(c);
    uint8_t n = 0;
    for (uint32_t p = json_first(value); p < object->next; p = json_at(c->doc, p + 1)->next) {
        gw_str name = json_str(c->doc, p);
        char *copy = gw_arena_copy(c->out->arena, name);
        if (!copy)
            return no_memory(c);
        list[n].name = (gw_str){copy, name.n};
        gw_code rc = compile_node(c, p + 1, &list[n].node);
        if (rc != GW_OK)
            return rc;
        n++;
    }
    c->out->nodes[index].properties = list;
    c->out->nodes[index].property_n = n;
    return GW_OK;
}

/* Looked at after all other keywords: it needs the properties. */
static gw_code take_required(const compiler *c, uint32_t value, uint32_t index)
{
    schema_node *node = &c->out->nodes[index];
    if (json_kind_of(c->doc, value) != JSON_ARRAY)
        return refuse(c, value, "required must be a list of names");
    uint32_t end = json_at(c->doc, value)->next;
    for (uint32_t e = json_first(value); e < end; e = json_at(c->doc, e)->next) {
        uint8_t i = 0;
        while (i < node->property_n && !(json_kind_of(c->doc, e) == JSON_STRING &&
                                         gw_str_eq(node->properties[i].name, json_str(c->doc, e))))
            i++;
        if (i == node->property_n)
            return refuse(c, e, "a required member must be among the properties");
        node->required |= UINT64_C(1) << i;
    }
    return GW_OK;
}

static gw_code take_additional(const compiler *c, uint32_t value, uint32_t index)
{
    json_kind kind = json_kind_of(c->doc, value);
    if (kind != JSON_FALSE && kind != JSON_TRUE)
        return refuse(c, value, "additionalProperties must be false or true");
    c->out->nodes[index].closed = kind == JSON_FALSE;
    return GW_OK;
}

static gw_code take_values(const compiler *c, uint32_t first, uint32_t end, uint32_t n,
                           uint32_t index)
{
    gw_str *values = gw_arena_alloc(c->out->arena, (n + 1) * sizeof *values);
    uint8_t *kinds = gw_arena_alloc(c->out->arena, n + 1);
    if (!values || !kinds)
        return no_memory(c);
    uint32_t i = 0;
    for (uint32_t e = first; e < end; e = json_at(c->doc, e)->next, i++) {
        json_kind kind = json_kind_of(c->doc, e);
        if (kind == JSON_ARRAY || kind == JSON_OBJECT)
            return refuse(c, e, "only scalars can be listed here");
        gw_str s = kind == JSON_STRING ? json_str(c->doc, e) : json_raw(c->doc, e);
        char *copy = gw_arena_copy(c->out->arena, s);
        if (!copy)
            return no_memory(c);
        values[i] = (gw_str){copy, s.n};
        kinds[i] = (uint8_t)kind;
    }
    c->out->nodes[index].allowed = values;
    c->out->nodes[index].allowed_kinds = kinds;
    c->out->nodes[index].allowed_n = n;
    return GW_OK;
}

static gw_code take_enum(const compiler *c, uint32_t value, uint32_t index)
{
    const json_node *v = json_at(c->doc, value);
    if (v->kind != JSON_ARRAY || v->count == 0)
        return refuse(c, value, "enum must be a list of at least one value");
    return take_values(c, json_first(value), v->next, v->count, index);
}

static gw_code take_const(const compiler *c, uint32_t value, uint32_t index)
{
    return take_values(c, value, json_at(c->doc, value)->next, 1, index);
}

static gw_code take_count(const compiler *c, uint32_t value, uint32_t *ret)
{
    const json_node *v = json_at(c->doc, value);
    if (v->kind != JSON_INT || v->i < 0 || v->i >= UINT32_MAX)
        return refuse(c, value, "a count from 0 up is expected");
    *ret = (uint32_t)v->i;
    return GW_OK;
}

#define TAKE_COUNT(function, member)                                                               \
    static gw_code function(const compiler *c, uint32_t value, uint32_t index)                     \
    {                                                                                              \
        return take_count(c, value, &c->out->nodes[index].member);                                 \
    }
TAKE_COUNT(take_min_length, min_length)
TAKE_COUNT(take_max_length, max_length)
TAKE_COUNT(take_min_items, min_items)
TAKE_COUNT(take_max_items, max_items)
TAKE_COUNT(take_max_properties, max_properties)

static gw_code take_bound(const compiler *c, uint32_t value, int64_t *ret, bool *ret_has)
{
    if (json_kind_of(c->doc, value) != JSON_INT)
        return refuse(c, value, "an integer within int64 is expected");
    *ret = json_at(c->doc, value)->i;
    *ret_has = true;
    return GW_OK;
}

static gw_code take_minimum(const compiler *c, uint32_t value, uint32_t index)
{
    schema_node *n = &c->out->nodes[index];
    return take_bound(c, value, &n->min, &n->has_min);
}

static gw_code take_maximum(const compiler *c, uint32_t value, uint32_t index)
{
    schema_node *n = &c->out->nodes[index];
    return take_bound(c, value, &n->max, &n->has_max);
}

static gw_code take_items(const compiler *c, uint32_t value, uint32_t index)
{
    uint32_t items;
    gw_code rc = compile_node(c, value, &items);
    if (rc == GW_OK)
        c->out->nodes[index].items = items + 1;
    return rc;
}

static gw_code take_format(const compiler *c, uint32_t value, uint32_t index)
{
    format_check check =
        json_kind_of(c->doc, value) == JSON_STRING ? format_find(json_str(c->doc, value)) : NULL;
    if (!check)
        return refuse(c, value, "there is no such format");
    c->out->nodes[index].format = check;
    return GW_OK;
}

static gw_code take_note(const compiler *c, uint32_t value, uint32_t index)
{
    (void)c;
    (void)value;
    (void)index;
    return GW_OK;
}

static const struct {
    const char *name;
    gw_code (*take)(const compiler *, uint32_t value, uint32_t index);
    bool last; /* looked at in a second round */
} keywords[] = {
    {"type", take_type, false},
    {"properties", take_properties, false},
    {"required", take_required, true},
    {"additionalProperties", take_additional, false},
    {"enum", take_enum, false},
    {"const", take_const, false},
    {"minLength", take_min_length, false},
    {"maxLength", take_max_length, false},
    {"minimum", take_minimum, false},
    {"maximum", take_maximum, false},
    {"items", take_items, false},
    {"minItems", take_min_items, false},
    {"maxItems", take_max_items, false},
    {"maxProperties", take_max_properties, false},
    {"format", take_format, false},
    {"title", take_note, false},
    {"description", take_note, false},
    {"default", take_note, false},
    {"examples", take_note, false},
    {"$schema", take_note, false},
    {"$id", take_note, false},
    {"$comment", take_note, false},
};

static gw_code take_keyword(const compiler *c, uint32_t name, uint32_t index, bool last)
{
    for (size_t k = 0; k < GW_COUNT(keywords); k++)
        if (gw_str_is(json_str(c->doc, name), keywords[k].name))
            return keywords[k].last == last ? keywords[k].take(c, name + 1, index) : GW_OK;
    return refuse(c, name, "this keyword is not supported; remove it or extend schema.c");
}

static gw_code compile_node(const compiler *c, uint32_t at, uint32_t *ret_index)
{
    if (json_kind_of(c->doc, at) != JSON_OBJECT)
        return refuse(c, at, "a schema must be an object");
    if (c->out->n == SCHEMA_NODES_MAX)
        return refuse(c, at, "more than 1024 subschemas");
    uint32_t index = c->out->n++;
    c->out->nodes[index] = (schema_node){
        .max_length = UINT32_MAX, .max_items = UINT32_MAX, .max_properties = UINT32_MAX};
    uint32_t end = json_at(c->doc, at)->next;
    for (int round = 0; round < 2; round++)
        for (uint32_t m = json_first(at); m < end; m = json_at(c->doc, m + 1)->next) {
            gw_code rc = take_keyword(c, m, index, round == 1);
            if (rc != GW_OK)
                return rc;
        }
    *ret_index = index;
    return GW_OK;
}

gw_code schema_compile(const char *name, gw_str text, schema **ret_schema, gw_err *err)
{
    GW_AUTO(schema_free) schema *s = calloc(1, sizeof *s);
    GW_AUTO(gw_arena_free) gw_arena *scratch = gw_arena_new(ARENA_MAX);
    if (s)
        s->arena = gw_arena_new(ARENA_MAX);
    if (s && s->arena)
        s->nodes = gw_arena_alloc(s->arena, SCHEMA_NODES_MAX * sizeof *s->nodes);
    if (!scratch || !s || !s->nodes)
        return gw_fail(err, GW_ENOMEM, "schema %s: out of memory", name);
    json_doc doc;
    gw_code rc = json_parse(text, scratch, &doc, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "schema %s", name);
    compiler c = {name, &doc, s, err};
    uint32_t root;
    rc = compile_node(&c, 0, &root);
    if (rc != GW_OK)
        return rc;
    *ret_schema = s;
    s = NULL;
    return GW_OK;
}

gw_code schema_load(const char *path, schema **ret_schema, gw_err *err)
{
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, SCHEMA_FILE_MAX);
    gw_code rc = gw_file_read(path, &b, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "schema");
    return schema_compile(path, gw_buf_str(&b), ret_schema, err);
}

void schema_free(schema *s)
{
    if (!s)
        return;
    gw_arena_free(s->arena);
    free(s);
}
