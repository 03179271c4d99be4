/* api.c - /v1/<verb>: the verbs of intake over HTTP. */
#include "gateway/base/json.h"
#include "gateway/http/exchange.h"

#include <strings.h>

static const char json_type[] = "application/json";
static const char lines_type[] = "application/x-ndjson";

static const char *header(const exchange *x, const char *name)
{
    return MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name);
}

/* ---- who asks ---- */

static const bearer *authenticate(http *h, exchange *x, verb v)
{
    const char *authorization = header(x, MHD_HTTP_HEADER_AUTHORIZATION);
    const bearer *t = bearers_find(h->tokens, authorization ? gw_str_of(authorization) : GW_STR(""),
                                   gw_mono_now());
    if (!t) {
        x->challenge = true;
        exchange_refuse(x, MHD_HTTP_UNAUTHORIZED, "unauthorized",
                        "a bearer token is expected; `dunlin token make` makes one");
        return NULL;
    }
    if (!bearer_may(t, v)) {
        exchange_refuse(x, MHD_HTTP_FORBIDDEN, "refused", "this token's scopes do not include it");
        return NULL;
    }
    return t;
}

/* ---- bodies ---- */

typedef struct {
    gw_str *at;
    size_t n;
    bool too_many;
} bodies;

static void add(bodies *b, gw_str one)
{
    b->too_many = b->too_many || b->n == INTAKE_BODIES_MAX;
    if (!b->too_many)
        b->at[b->n++] = one;
}

static void split_lines(gw_str all, bodies *ret)
{
    for (size_t at = 0; at < all.n;) {
        const char *end = memchr(all.p + at, '\n', all.n - at);
        size_t n = end ? (size_t)(end - all.p) - at : all.n - at;
        gw_str line = {all.p + at, n};
        at += n + 1;
        if (line.n && line.p[line.n - 1] == '\r')
            line.n--;
        if (line.n)
            add(ret, line);
    }
}

/* Each element as it is written. */
static gw_code split_array(gw_str all, gw_arena *arena, bodies *ret, gw_err *err)
{
    json_doc d;
    gw_code rc = json_parse(all, arena, &d, err);
    if (rc != GW_OK)
        return rc;
    uint32_t end = json_at(&d, 0)->next;
    for (uint32_t e = json_first(0); e < end; e = json_at(&d, e)->next) {
        if (json_kind_of(&d, e) != JSON_OBJECT)
            return gw_fail(err, GW_EINVAL, "each element of the array must be a JSON object");
        add(ret, json_raw(&d, e));
    }
    return GW_OK;
}

static char first_byte(gw_str s)
{
    size_t i = 0;
    while (i < s.n && strchr(" \t\r\n", s.p[i]))
        i++;
    return i < s.n ? s.p[i] : '\0';
}

static gw_code split(exchange *x, gw_arena *arena, bodies *ret, gw_err *err)
{
    const char *type = header(x, MHD_HTTP_HEADER_CONTENT_TYPE);
    gw_str all = gw_buf_str(&x->body);
    gw_code rc = GW_OK;
    *ret = (bodies){.at = gw_arena_alloc(arena, INTAKE_BODIES_MAX * sizeof(gw_str))};
    if (!ret->at)
        return gw_fail(err, GW_ENOMEM, "out of memory");
    x->lines = type && strncasecmp(type, lines_type, sizeof lines_type - 1) == 0;
    x->batch = x->lines || first_byte(all) == '[';
    if (x->lines)
        split_lines(all, ret);
    else if (x->batch)
        rc = split_array(all, arena, ret, err);
    else
        add(ret, all);
    if (rc == GW_OK && (ret->n == 0 || ret->too_many))
        rc = gw_fail(err, GW_EINVAL, "a request has 1 to %d bodies", INTAKE_BODIES_MAX);
    return rc;
}

static void refuse_busy(exchange *x)
{
    x->retry_after_s = 1;
    exchange_refuse(x, MHD_HTTP_SERVICE_UNAVAILABLE, "busy", "try again in a moment");
}

void api_work(http *h, exchange *x)
{
    gw_err err;
    bodies list;
    verb v = verb_find(x->tail);
    if (v == VERB_COUNT) {
        exchange_refuse(x, MHD_HTTP_NOT_FOUND, "unknown-verb",
                        "the verbs are those of intake: submit, item, payment, query, ...");
        return;
    }
    const bearer *t = authenticate(h, x, v);
    if (!t)
        return;
    gw_code rc = split(x, h->arena, &list, &err);
    if (rc == GW_ENOMEM) {
        refuse_busy(x);
        return;
    }
    if (rc != GW_OK) {
        exchange_refuse(x, MHD_HTTP_BAD_REQUEST, "malformed", err.text);
        return;
    }
    if (!http_door_begin(h, x, v, t->role, gw_str_of(t->name)))
        return;
    for (; x->bodies < list.n; x->bodies++)
        if (!door_body(h->door, list.at[x->bodies])) {
            x->in_door = false; /* what is in is stored; sent again it is a duplicate */
            refuse_busy(x);
            return;
        }
}

/* ---- the answer ---- */

/* Status of a single body: what its verdict says in HTTP's words (RFC 9110 §15). */
static int status_of(exchange *x, gw_str verdict, gw_arena *arena)
{
    static const struct {
        const char *code;
        int status;
    } rows[] = {
        {"malformed", MHD_HTTP_BAD_REQUEST},       {"invalid", MHD_HTTP_UNPROCESSABLE_CONTENT},
        {"conflict", MHD_HTTP_CONFLICT},           {"too-late", MHD_HTTP_CONFLICT},
        {"unknown-debtor", MHD_HTTP_NOT_FOUND},    {"unknown-item", MHD_HTTP_NOT_FOUND},
        {"unknown-job", MHD_HTTP_NOT_FOUND},       {"refused", MHD_HTTP_FORBIDDEN},
        {"too-large", MHD_HTTP_CONTENT_TOO_LARGE}, {"unavailable", MHD_HTTP_NOT_IMPLEMENTED},
    };
    json_doc d;
    if (json_parse(verdict, arena, &d, NULL) != GW_OK)
        return MHD_HTTP_OK;
    gw_str word = json_get_str(&d, 0, "verdict");
    if (gw_str_is(word, "busy")) {
        int64_t ms = json_get_int(&d, 0, "retry_after_ms", 1000);
        x->retry_after_s = (int)((ms + 999) / 1000);
        return MHD_HTTP_SERVICE_UNAVAILABLE;
    }
    if (!gw_str_is(word, "rejected"))
        return MHD_HTTP_OK;
    gw_str code = json_get_str(&d, 0, "code");
    for (size_t i = 0; i < GW_COUNT(rows); i++)
        if (gw_str_is(code, rows[i].code))
            return rows[i].status;
    return MHD_HTTP_UNPROCESSABLE_CONTENT;
}

void api_finish(http *h, exchange *x)
{
    int status = MHD_HTTP_OK;
    if (!x->batch)
        status = status_of(x, door_verdict(h->door, x->request, 0), h->arena);
    if (x->batch && !x->lines)
        gw_buf_putc(&x->answer, '[');
    for (size_t i = 0; i < x->bodies; i++) {
        if (i && !x->lines)
            gw_buf_putc(&x->answer, ',');
        gw_buf_put_str(&x->answer, door_verdict(h->door, x->request, i));
        if (x->lines)
            gw_buf_putc(&x->answer, '\n');
    }
    gw_buf_puts(&x->answer, x->lines ? "" : x->batch ? "]\n" : "\n");
    exchange_say(x, status, x->lines ? lines_type : json_type);
}
