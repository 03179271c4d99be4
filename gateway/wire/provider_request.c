/* provider_request.c - placeholders become a request. */
#include "gateway/wire/provider_part.h"

#include <stdio.h>

typedef struct {
    const provider *p;
    const provider_values *v;
    gw_arena *arena;
    gw_err *err;
    bool absent; /* a placeholder that may be missing was */
} builder;

/* ---- placeholders ---- */

bool provider_next_placeholder(gw_str text, size_t *at, gw_str *ret_name)
{
    for (size_t i = *at; i < text.n; i++) {
        if (text.p[i] != '{' || i + 1 == text.n || text.p[i + 1] < 'a' || text.p[i + 1] > 'z')
            continue;
        const char *end = memchr(text.p + i, '}', text.n - i);
        if (!end)
            return false;
        *ret_name = (gw_str){text.p + i + 1, (size_t)(end - text.p) - i - 1};
        *at = (size_t)(end - text.p) + 1;
        return true;
    }
    return false;
}

static bool cut_prefix(gw_str *s, const char *prefix)
{
    size_t n = strlen(prefix);
    if (s->n <= n || memcmp(s->p, prefix, n) != 0)
        return false;
    s->p += n;
    s->n -= n;
    return true;
}

static bool cut_suffix(gw_str *s, const char *suffix)
{
    size_t n = strlen(suffix);
    if (s->n <= n || memcmp(s->p + s->n - n, suffix, n) != 0)
        return false;
    s->n -= n;
    return true;
}

static gw_str decimal(builder *b, int64_t n)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%lld", (long long)n);
    char *kept = gw_arena_copy(b->arena, (gw_str){text, (size_t)len});
    return (gw_str){kept, kept ? (size_t)len : 0};
}

static gw_str get_to(builder *b)
{
    return b->v->to;
}
static gw_str get_digits(builder *b)
{
    gw_str to = b->v->to;
    return to.n && to.p[0] == '+' ? (gw_str){to.p + 1, to.n - 1} : to;
}
static gw_str get_text(builder *b)
{
    return b->v->text;
}
static gw_str get_ref(builder *b)
{
    return b->v->ref;
}
static gw_str get_idempotency(builder *b)
{
    return b->v->idempotency;
}
static gw_str get_callback(builder *b)
{
    return b->v->callback;
}
static gw_str get_id(builder *b)
{
    return b->v->id;
}
static gw_str get_minutes(builder *b)
{
    return decimal(b, b->v->valid_ms / 60000);
}
static gw_str get_seconds(builder *b)
{
    return decimal(b, b->v->valid_ms / 1000);
}
static gw_str get_coding(builder *b)
{
    return b->v->unicode ? GW_STR("2") : GW_STR("0");
}
static gw_str get_unicode(builder *b)
{
    return b->v->unicode ? GW_STR("true") : GW_STR("false");
}
static gw_str get_template(builder *b)
{
    return b->v->approval ? b->v->approval->template_id : (gw_str){NULL, 0};
}
static gw_str get_signature(builder *b)
{
    return b->v->approval ? b->v->approval->signature : (gw_str){NULL, 0};
}

/* Each variable of the approval with its value; as an object or as a list of strings. */
static gw_str params_text(builder *b, bool list)
{
    const json_doc *d = &b->p->file.doc;
    uint32_t params = b->v->approval ? b->v->approval->params : 0;
    GW_AUTO_BUF gw_buf out;
    gw_buf_init(&out, PROVIDER_REQUEST_MAX);
    gw_buf_putc(&out, list ? '[' : '{');
    for (uint32_t m = params ? json_first(params) : 0; params && m < json_at(d, params)->next;
         m = json_at(d, m + 1)->next) {
        uint32_t node = b->v->data ? json_resolve(b->v->data, json_str(d, m + 1)) : UINT32_MAX;
        gw_str value = node == UINT32_MAX ? (gw_str){NULL, 0} : provider_scalar(b->v->data, node);
        if (value.n == 0)
            return (gw_str){NULL, 0};
        if (out.n > 1)
            gw_buf_putc(&out, ',');
        if (!list) {
            json_put_string(&out, json_str(d, m));
            gw_buf_putc(&out, ':');
        }
        json_put_string(&out, value);
    }
    gw_buf_putc(&out, list ? ']' : '}');
    char *kept = out.code == GW_OK ? gw_arena_copy(b->arena, gw_buf_str(&out)) : NULL;
    return (gw_str){kept, kept ? out.n : 0};
}
static gw_str get_params(builder *b)
{
    return params_text(b, false);
}
static gw_str get_values(builder *b)
{
    return params_text(b, true);
}

/* may_lack: a member whose text needs it is left out when there is none; else that is an error. */
static const struct {
    const char *name;
    gw_str (*get)(builder *b);
    bool may_lack;
} placeholders[] = {
    {"to", get_to, false},
    {"to.digits", get_digits, false},
    {"text", get_text, false},
    {"ref", get_ref, false},
    {"idempotency", get_idempotency, true},
    {"callback", get_callback, true},
    {"id", get_id, false},
    {"valid.minutes", get_minutes, false},
    {"valid.seconds", get_seconds, false},
    {"coding", get_coding, false},
    {"unicode", get_unicode, false},
    {"approval.template", get_template, false},
    {"approval.signature", get_signature, true},
    {"approval.params", get_params, false},
    {"approval.values", get_values, false},
};

static gw_str bare_name(gw_str name)
{
    if (!cut_suffix(&name, ":number"))
        cut_suffix(&name, ":list");
    return name;
}

bool provider_placeholder_known(const provider *p, gw_str name)
{
    name = bare_name(name);
    gw_str rest = name;
    for (size_t i = 0; i < GW_COUNT(placeholders); i++)
        if (gw_str_is(name, placeholders[i].name))
            return true;
    if (cut_prefix(&rest, "var."))
        return true;
    if (!cut_prefix(&rest, "settings."))
        return false;
    for (size_t i = 0; i < p->setting_n; i++)
        if (gw_str_eq(p->settings[i].name, rest))
            return true;
    return false;
}

static gw_str pair_value(const provider_pair *list, size_t n, gw_str name)
{
    for (size_t i = 0; i < n; i++)
        if (gw_str_eq(list[i].name, name))
            return list[i].value;
    return (gw_str){NULL, 0};
}

static gw_code value_of(builder *b, gw_str name, gw_str *ret)
{
    gw_str rest = name = bare_name(name);
    bool may_lack = false;
    *ret = (gw_str){NULL, 0};
    if (cut_prefix(&rest, "settings."))
        *ret = pair_value(b->p->settings, b->p->setting_n, rest);
    else if (cut_prefix(&rest, "var."))
        *ret = pair_value(b->v->vars, b->v->var_n, rest);
    for (size_t i = 0; i < GW_COUNT(placeholders); i++)
        if (gw_str_is(name, placeholders[i].name)) {
            *ret = placeholders[i].get(b);
            may_lack = placeholders[i].may_lack;
        }
    if (ret->n == 0 && !may_lack)
        return gw_fail(b->err, GW_EINVAL, "provider %s: {%.*s} has no value for this message",
                       b->p->name, GW_STR_ARG(name));
    b->absent = b->absent || ret->n == 0;
    return GW_OK;
}

typedef gw_code (*put_value)(gw_buf *out, gw_str value);

/* text with its placeholders, their values written by put. */
static gw_code expand(builder *b, gw_str text, put_value put, put_value put_plain, gw_buf *out)
{
    size_t done = 0;
    gw_str name;
    b->absent = false;
    for (size_t at = 0; provider_next_placeholder(text, &at, &name);) {
        size_t open = (size_t)(name.p - text.p) - 1;
        gw_str value;
        gw_code rc = value_of(b, name, &value);
        if (rc != GW_OK)
            return rc;
        put_plain(out, (gw_str){text.p + done, open - done});
        put(out, value);
        done = at;
    }
    put_plain(out, (gw_str){text.p + done, text.n - done});
    return gw_buf_code(out, "a provider request", b->err);
}

/* ---- query and form ---- */

static gw_code put_fields(builder *b, uint32_t object, gw_buf *out)
{
    const json_doc *d = &b->p->file.doc;
    for (uint32_t m = json_first(object); m < json_at(d, object)->next;
         m = json_at(d, m + 1)->next) {
        size_t before = out->n;
        if (out->n)
            gw_buf_putc(out, '&');
        provider_put_escaped(out, json_str(d, m));
        gw_buf_putc(out, '=');
        gw_code rc = expand(b, json_str(d, m + 1), provider_put_escaped, provider_put_escaped, out);
        if (rc != GW_OK)
            return rc;
        if (b->absent) {
            out->n = before;
            out->data[before] = '\0';
        }
    }
    return gw_buf_code(out, "a provider request", b->err);
}

/* ---- JSON ---- */

static gw_code put_json(builder *b, uint32_t node, gw_buf *out, bool *ret_absent);

static gw_code put_json_string(builder *b, gw_str text, gw_buf *out)
{
    gw_str name;
    size_t at = 0;
    bool whole =
        provider_next_placeholder(text, &at, &name) && at == text.n && name.p == text.p + 1;
    gw_str bare = bare_name(name = whole ? name : GW_STR(""));
    if (whole && bare.n < name.n) { /* {x:number}, {x:list}: as JSON */
        gw_str value;
        b->absent = false;
        gw_code rc = value_of(b, name, &value);
        return rc == GW_OK ? gw_buf_put_str(out, value) : rc;
    }
    GW_AUTO_BUF gw_buf plain;
    gw_buf_init(&plain, PROVIDER_REQUEST_MAX);
    gw_code rc = expand(b, text, gw_buf_put_str, gw_buf_put_str, &plain);
    return rc == GW_OK ? json_put_string(out, gw_buf_str(&plain)) : rc;
}

static gw_code put_json_children(builder *b, uint32_t node, gw_buf *out)
{
    const json_doc *d = &b->p->file.doc;
    bool object = json_kind_of(d, node) == JSON_OBJECT;
    bool first = true;
    gw_buf_putc(out, object ? '{' : '[');
    for (uint32_t m = json_first(node); m < json_at(d, node)->next;) {
        uint32_t value = m + (object ? 1 : 0);
        size_t before = out->n;
        bool absent = false;
        if (!first)
            gw_buf_putc(out, ',');
        if (object) {
            json_put_string(out, json_str(d, m));
            gw_buf_putc(out, ':');
        }
        gw_code rc = put_json(b, value, out, &absent);
        if (rc != GW_OK)
            return rc;
        if (absent)
            out->n = before;
        first = first && absent;
        m = json_at(d, value)->next;
    }
    return gw_buf_putc(out, object ? '}' : ']');
}

static gw_code put_json(builder *b, uint32_t node, gw_buf *out, bool *ret_absent)
{
    const json_doc *d = &b->p->file.doc;
    gw_code rc;
    *ret_absent = false;
    switch (json_kind_of(d, node)) {
    case JSON_STRING:
        rc = put_json_string(b, json_str(d, node), out);
        *ret_absent = b->absent;
        return rc;
    case JSON_OBJECT:
    case JSON_ARRAY:
        return put_json_children(b, node, out);
    default:
        return gw_buf_put_str(out, json_raw(d, node));
    }
}

/* ---- the request ---- */

static gw_code keep(builder *b, const gw_buf *buf, gw_str *ret)
{
    gw_code rc = gw_buf_code(buf, "a provider request", b->err);
    if (rc != GW_OK)
        return rc;
    char *kept = gw_arena_copy(b->arena, gw_buf_str(buf));
    *ret = (gw_str){kept, kept ? buf->n : 0};
    return kept ? GW_OK : gw_fail(b->err, GW_ENOMEM, "building a provider request");
}

static gw_code build_url(builder *b, uint32_t node, gw_buf *out, provider_request *ret)
{
    const json_doc *d = &b->p->file.doc;
    uint32_t query = json_member(d, node, "query");
    GW_AUTO_BUF gw_buf fields;
    gw_buf_init(&fields, PROVIDER_REQUEST_MAX);
    gw_buf_put_str(out, b->p->base_url);
    gw_code rc =
        expand(b, json_get_str(d, node, "path"), provider_put_escaped, gw_buf_put_str, out);
    if (rc == GW_OK && query)
        rc = put_fields(b, query, &fields);
    if (rc != GW_OK)
        return rc;
    if (fields.n) {
        gw_buf_putc(out, '?');
        gw_buf_put_str(out, gw_buf_str(&fields));
    }
    return keep(b, out, &ret->url);
}

static gw_code build_headers(builder *b, uint32_t node, gw_buf *out, provider_request *ret)
{
    const json_doc *d = &b->p->file.doc;
    uint32_t headers = json_member(d, node, "headers");
    gw_code rc = GW_OK;
    for (uint32_t m = headers ? json_first(headers) : 0;
         headers && m < json_at(d, headers)->next && rc == GW_OK; m = json_at(d, m + 1)->next) {
        gw_buf_clear(out);
        rc = expand(b, json_str(d, m + 1), gw_buf_put_str, gw_buf_put_str, out);
        if (rc != GW_OK || b->absent)
            continue;
        for (size_t i = 0; i < out->n; i++)
            if ((unsigned char)out->data[i] < 0x20 || out->data[i] == 0x7F)
                return gw_fail(b->err, GW_EINVAL, "a header's value holds a control character");
        provider_pair *h = &ret->headers[ret->header_n++];
        h->name = json_str(d, m);
        rc = keep(b, out, &h->value);
    }
    return rc;
}

static gw_code build_body(builder *b, uint32_t node, gw_buf *out, provider_request *ret)
{
    const json_doc *d = &b->p->file.doc;
    uint32_t form = json_member(d, node, "form");
    uint32_t json = json_member(d, node, "json");
    bool absent;
    ret->body = GW_STR("");
    if (!form && !json)
        return GW_OK;
    gw_buf_clear(out);
    gw_code rc = form ? put_fields(b, form, out) : put_json(b, json, out, &absent);
    if (rc != GW_OK)
        return rc;
    ret->headers[ret->header_n++] =
        (provider_pair){GW_STR("content-type"), form ? GW_STR("application/x-www-form-urlencoded")
                                                     : GW_STR("application/json; charset=utf-8")};
    return keep(b, out, &ret->body);
}

gw_code provider_build(const provider *p, uint32_t node, const provider_values *v, gw_arena *arena,
                       provider_request *ret, gw_err *err)
{
    builder b = {p, v, arena, err, false};
    provider_request made = {.method = json_get_str(&p->file.doc, node, "method")};
    GW_AUTO_BUF gw_buf out;
    gw_buf_init(&out, PROVIDER_REQUEST_MAX);
    gw_code rc = build_url(&b, node, &out, &made);
    if (rc == GW_OK)
        rc = build_headers(&b, node, &out, &made);
    if (rc == GW_OK)
        rc = build_body(&b, node, &out, &made);
    if (rc == GW_OK)
        *ret = made;
    return rc;
}
