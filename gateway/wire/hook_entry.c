#include "gateway/wire/hook_entry.h"

#include "gateway/base/utf8.h"

#include <sodium.h>
#include <stdio.h>

#define BASE64 sodium_base64_VARIANT_ORIGINAL

static const char *const kinds[ENTRY_KIND_COUNT] = {
    [ENTRY_RECEIPT] = "receipt",
    [ENTRY_INBOUND] = "inbound",
    [ENTRY_ASK] = "ask",
};

/* ---- writing ---- */

/* The longest beginning of at most max bytes that does not end inside a character. */
static size_t cut(gw_str s, size_t max)
{
    if (s.n <= max)
        return s.n;
    while (max && ((unsigned char)s.p[max] & 0xc0) == 0x80)
        max--;
    return max;
}

static bool is_utf8(gw_str s)
{
    for (size_t at = 0, n; at < s.n; at += n)
        if ((n = gw_utf8_length(s.p + at, s.n - at)) == 0)
            return false;
    return true;
}

static void put_text(gw_buf *b, const char *name, gw_str value, size_t max)
{
    char plain[HOOK_TEXT_MAX];
    if (!value.n)
        return;
    value.n = cut(value, max);
    bool good = is_utf8(value);
    for (size_t i = 0; i < value.n; i++)
        plain[i] = (char)(!good && (unsigned char)value.p[i] >= 0x80 ? '?'
                          : value.p[i] == '\0'                       ? ' '
                                                                     : value.p[i]);
    json_put_member_str(b, name, (gw_str){plain, value.n});
}

static void put_raw(gw_buf *b, gw_str raw)
{
    size_t room = sodium_base64_encoded_len(raw.n, BASE64); /* with its NUL */
    if (!raw.n)
        return;
    json_put_name(b, "raw");
    gw_buf_putc(b, '"');
    char *to = gw_buf_reserve(b, room);
    if (to) {
        sodium_bin2base64(to, room, (const unsigned char *)raw.p, raw.n, BASE64);
        b->n += room - 1;
    }
    gw_buf_putc(b, '"');
}

gw_code hook_entry_put(const hook_entry *e, gw_buf *ret, gw_err *err)
{
    gw_buf_putc(ret, '{');
    json_put_member_int(ret, "v", 1);
    json_put_member_str(ret, "kind", gw_str_of(kinds[e->kind]));
    put_text(ret, "provider", e->provider, HOOK_WORD_MAX);
    json_put_member_str(ret, "auth", gw_str_of(wire_auth_name(e->auth)));
    json_put_member_int(ret, "rx", e->rx_ms);
    put_text(ret, "own", e->own, HOOK_WORD_MAX);
    put_text(ret, "ref", e->ref, HOOK_WORD_MAX);
    json_put_member_str(ret, "state", gw_str_of(wire_receipt_state_name(e->state)));
    put_text(ret, "code", e->code, HOOK_WORD_MAX);
    if (e->at_ms > 0)
        json_put_member_int(ret, "at", e->at_ms);
    put_text(ret, "from", e->from, HOOK_WORD_MAX);
    put_text(ret, "to", e->to, HOOK_WORD_MAX);
    put_text(ret, "text", e->text, HOOK_TEXT_MAX);
    put_text(ret, "sha256", e->sha256, HOOK_WORD_MAX);
    put_raw(ret, e->raw);
    gw_buf_putc(ret, '}');
    return gw_buf_code(ret, "an inbox entry", err);
}

/* ---- reading ---- */

static bool get_raw(const json_doc *d, gw_arena *arena, gw_str *ret)
{
    gw_str text = json_get_str(d, 0, "raw");
    size_t n = 0;
    *ret = (gw_str){NULL, 0};
    if (!text.n)
        return true;
    char *bytes = gw_arena_alloc(arena, text.n);
    if (!bytes || sodium_base642bin((unsigned char *)bytes, text.n, text.p, text.n, NULL, &n, NULL,
                                    BASE64) != 0)
        return false;
    *ret = (gw_str){bytes, n};
    return true;
}

static bool get_kind(gw_str name, hook_entry_kind *ret)
{
    for (int i = 0; i < ENTRY_KIND_COUNT; i++)
        if (gw_str_is(name, kinds[i])) {
            *ret = (hook_entry_kind)i;
            return true;
        }
    return false;
}

gw_code hook_entry_get(gw_str bytes, gw_arena *arena, hook_entry *ret, gw_err *err)
{
    json_doc d;
    hook_entry e = {0};
    gw_code rc = json_parse(bytes, arena, &d, err);
    if (rc == GW_ENOMEM)
        return rc;
    bool good = rc == GW_OK && json_kind_of(&d, 0) == JSON_OBJECT &&
                json_get_int(&d, 0, "v", 0) == 1 &&
                get_kind(json_get_str(&d, 0, "kind"), &e.kind) &&
                wire_auth_parse(json_get_str(&d, 0, "auth"), &e.auth) &&
                wire_receipt_state_parse(json_get_str(&d, 0, "state"), &e.state) &&
                get_raw(&d, arena, &e.raw);
    if (!good)
        return gw_fail(err, GW_ECORRUPT, "an inbox entry is not of a form this version knows");
    e.provider = json_get_str(&d, 0, "provider");
    e.rx_ms = json_get_int(&d, 0, "rx", 0);
    e.own = json_get_str(&d, 0, "own");
    e.ref = json_get_str(&d, 0, "ref");
    e.code = json_get_str(&d, 0, "code");
    e.at_ms = json_get_int(&d, 0, "at", 0);
    e.from = json_get_str(&d, 0, "from");
    e.to = json_get_str(&d, 0, "to");
    e.text = json_get_str(&d, 0, "text");
    e.sha256 = json_get_str(&d, 0, "sha256");
    *ret = e;
    return GW_OK;
}

void hook_entry_digest(const hook_entry *e, gw_id *ret)
{
    static const uint8_t key[GW_ID_KEY_BYTES]; /* it recognises repetitions, it proves nothing */
    char at[24];
    int n = snprintf(at, sizeof at, "%lld", (long long)e->at_ms);
    gw_str parts[] = {gw_str_of(kinds[e->kind]),
                      e->provider,
                      gw_str_of(wire_auth_name(e->auth)),
                      e->own,
                      e->ref,
                      gw_str_of(wire_receipt_state_name(e->state)),
                      e->code,
                      {at, (size_t)n},
                      e->from,
                      e->to,
                      e->text};
    gw_id_keyed(key, parts, GW_COUNT(parts), ret);
}
