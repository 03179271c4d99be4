#include "gateway/wire/provider_hook.h"

#include "gateway/base/time.h"
#include "gateway/base/utf8.h"
#include "gateway/wire/provider_part.h"

#include <stdio.h>

/* ---- forms ---- */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

gw_str provider_unescape(gw_str s, gw_arena *arena)
{
    char *out = gw_arena_alloc(arena, s.n + 1);
    size_t n = 0;
    if (!out)
        return (gw_str){NULL, 0};
    for (size_t i = 0; i < s.n; i++) {
        int high = s.p[i] == '%' && i + 2 < s.n ? hex_digit(s.p[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(s.p[i + 2]) : -1;
        if (low >= 0) {
            out[n++] = (char)(high << 4 | low);
            i += 2;
        } else {
            out[n++] = s.p[i] == '+' ? ' ' : s.p[i];
        }
    }
    return (gw_str){out, n};
}

gw_str provider_field(gw_str form, const char *name, gw_arena *arena)
{
    for (size_t at = 0; at < form.n;) {
        const char *end = memchr(form.p + at, '&', form.n - at);
        size_t len = end ? (size_t)(end - form.p) - at : form.n - at;
        gw_str field = {form.p + at, len};
        at += len + 1;
        const char *eq = memchr(field.p, '=', field.n);
        size_t name_n = eq ? (size_t)(eq - field.p) : field.n;
        if (!gw_str_is(provider_unescape((gw_str){field.p, name_n}, arena), name))
            continue;
        return eq ? provider_unescape((gw_str){eq + 1, field.n - name_n - 1}, arena) : GW_STR("");
    }
    return (gw_str){NULL, 0};
}

/* ---- where things are ---- */

typedef struct {
    const provider *p;
    const hook_request *c;
    gw_arena *arena;
    gw_str query, form;
    json_doc doc;
    bool json;
    uint32_t element; /* of doc */
    gw_err *err;
} reader;

/* A pointer below the element: RFC 6901 knows only whole documents. */
static uint32_t resolve_below(reader *r, gw_str pointer)
{
    char base[JSON_POINTER_TEXT];
    char whole[JSON_POINTER_TEXT + 128];
    json_pointer(&r->doc, r->element, base);
    int n = snprintf(whole, sizeof whole, "%s%.*s", base, GW_STR_ARG(pointer));
    return n < (int)sizeof whole ? json_resolve(&r->doc, (gw_str){whole, (size_t)n}) : UINT32_MAX;
}

static gw_str look(reader *r, uint32_t section, const char *member)
{
    gw_str where = json_get_str(&r->p->file.doc, section, member);
    char name[128];
    if (where.n == 0)
        return (gw_str){NULL, 0};
    snprintf(name, sizeof name, "%.*s", GW_STR_ARG(where));
    if (name[0] == '?')
        return provider_field(r->query, name + 1, r->arena);
    if (name[0] != '/')
        return provider_field(r->form, name, r->arena);
    uint32_t node = r->json ? resolve_below(r, where) : UINT32_MAX;
    return node == UINT32_MAX ? (gw_str){NULL, 0} : provider_scalar(&r->doc, node);
}

/* Identifiers end up in logs of ids and in stored states: short and printable, else they count as
 * absent. */
static gw_str label(gw_str s)
{
    enum { LONGEST = 128 };
    if (s.n > LONGEST)
        return GW_STR("");
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= 0x20 || (unsigned char)s.p[i] >= 0x7F)
            return GW_STR("");
    return s.n ? s : GW_STR("");
}

/* ---- times ---- */

static int64_t digits_of(gw_str s)
{
    int64_t v = 0;
    if (s.n == 0 || s.n > 16)
        return -1;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return -1;
        v = v * 10 + (s.p[i] - '0');
    }
    return v;
}

static int64_t time_of(reader *r, uint32_t section, gw_str s)
{
    gw_str format = json_get_str(&r->p->file.doc, section, "at_format");
    gw_wall t;
    char text[40];
    gw_err ignored = {0};
    if (s.n == 0)
        return 0;
    if (gw_str_is(format, "unix") || gw_str_is(format, "unix-ms")) {
        int64_t v = digits_of(s);
        bool seconds = gw_str_is(format, "unix");
        return v < 0 || (seconds && v > INT64_MAX / 1000) ? 0 : seconds ? v * 1000 : v;
    }
    if (gw_str_is(format, "china") && s.n == 19) {
        snprintf(text, sizeof text, "%.10sT%.8s+08:00", s.p, s.p + 11);
        s = gw_str_of(text);
    }
    return gw_time_parse(s, &t, &ignored) == GW_OK ? t.ms : 0;
}

/* ---- receipts and messages ---- */

static gw_code read_receipt(reader *r, gw_str word, hook_event *ret)
{
    uint32_t cb = r->p->callback;
    gw_str code = label(look(r, cb, "code"));
    *ret = (hook_event){.kind = HOOK_RECEIPT,
                        .own = label(look(r, cb, "ref")),
                        .ref = label(look(r, cb, "id")),
                        .code = code.n ? code : label(word),
                        .at_ms = time_of(r, cb, look(r, cb, "at"))};
    if (ret->own.n == 0 && ret->ref.n == 0)
        return gw_fail(r->err, GW_EINVAL, "a receipt names neither our reference nor an id");
    if (!provider_state_of(r->p, cb, word, &ret->state))
        ret->state = WIRE_RECEIPT_NONE;
    return GW_OK;
}

static bool is_utf8(gw_str s)
{
    for (size_t i = 0, n; i < s.n; i += n) {
        n = gw_utf8_length(s.p + i, s.n - i);
        if (n == 0 || s.p[i] == '\0')
            return false;
    }
    return true;
}

static gw_code read_one(reader *r, hook_event *ret)
{
    uint32_t cb = r->p->callback;
    uint32_t in = json_member(&r->p->file.doc, cb, "inbound");
    gw_str word = look(r, cb, "state");
    if (word.n)
        return read_receipt(r, word, ret);
    gw_str text = in ? look(r, in, "text") : (gw_str){NULL, 0};
    if (!text.p)
        return gw_fail(r->err, GW_EINVAL, "the call has no state where the provider's file says");
    if (!is_utf8(text))
        return gw_fail(r->err, GW_EINVAL, "the text of a message is not UTF-8");
    *ret = (hook_event){.kind = HOOK_INBOUND,
                        .ref = label(look(r, in, "id")),
                        .at_ms = time_of(r, cb, look(r, in, "at")),
                        .from = label(look(r, in, "from")),
                        .to = label(look(r, in, "to")),
                        .text = text};
    return GW_OK;
}

static gw_code open_call(reader *r, uint32_t *ret_list)
{
    const json_doc *d = &r->p->file.doc;
    gw_str format = json_get_str(d, r->p->callback, "format");
    *ret_list = UINT32_MAX;
    r->form = gw_str_is(format, "query") ? r->c->query : r->c->body;
    if (!gw_str_is(format, "json"))
        return GW_OK;
    gw_code rc = json_parse(r->c->body, r->arena, &r->doc, r->err);
    if (rc != GW_OK)
        return gw_wrap(r->err, rc, "the call's body");
    r->json = true;
    if (!json_member(d, r->p->callback, "list"))
        return GW_OK;
    *ret_list = json_resolve(&r->doc, json_get_str(d, r->p->callback, "list"));
    if (*ret_list == UINT32_MAX || json_kind_of(&r->doc, *ret_list) != JSON_ARRAY)
        return gw_fail(r->err, GW_EINVAL, "the call has no list where the provider's file says");
    return json_at(&r->doc, *ret_list)->count <= HOOK_EVENTS_MAX
               ? GW_OK
               : gw_fail(r->err, GW_ELIMIT, "more than %d receipts in one call", HOOK_EVENTS_MAX);
}

static gw_code read_events(reader *r, hook_reading *ret)
{
    uint32_t list;
    gw_code rc = open_call(r, &list);
    if (rc != GW_OK)
        return rc;
    size_t n = list == UINT32_MAX ? 1 : json_at(&r->doc, list)->count;
    r->element = list == UINT32_MAX ? 0 : json_first(list);
    for (size_t i = 0; i < n && rc == GW_OK; i++) {
        hook_event *e = &ret->events[ret->event_n];
        rc = read_one(r, e);
        ret->event_n += rc == GW_OK;
        if (list != UINT32_MAX) /* the others of the list are about other people */
            e->raw = json_raw(&r->doc, r->element);
        if (r->json)
            r->element = json_at(&r->doc, r->element)->next;
    }
    return rc;
}

gw_code provider_read_hook(const provider *p, const provider_secrets *s, const hook_request *c,
                           gw_wall now, gw_arena *arena, hook_reading *ret, gw_err *err)
{
    reader r = {.p = p, .c = c, .arena = arena, .query = c->query, .err = err};
    if (!p->callback)
        return gw_fail(err, GW_EINVAL, "provider %s has no callbacks", p->name);
    if (c->body.n > HOOK_BODY_MAX)
        return gw_fail(err, GW_ELIMIT, "the call is larger than %d bytes", HOOK_BODY_MAX);
    hook_reading *made = gw_arena_alloc(arena, sizeof *made);
    if (!made)
        return gw_fail(err, GW_ENOMEM, "reading a call");
    provider_authenticity a = provider_verify(p, c, s, now, arena, &made->signed_at_ms);
    if (a == PROVIDER_FORGED || a == PROVIDER_STALE)
        return gw_fail(err, GW_EREFUSED, "provider %s: the signature is %s", p->name,
                       a == PROVIDER_STALE ? "too old" : "missing or wrong");
    made->auth = a == PROVIDER_SIGNED ? WIRE_AUTH_SIGNED : WIRE_AUTH_UNSIGNED;
    gw_code rc = read_events(&r, made);
    if (rc == GW_OK)
        *ret = *made;
    return rc;
}
