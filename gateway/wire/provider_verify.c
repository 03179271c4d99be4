/* provider_verify.c - is this callback from whom it says? */
#include "gateway/wire/provider_crypto.h"
#include "gateway/wire/provider_hook.h"
#include "gateway/wire/provider_part.h"

#include "gateway/base/id.h"

#include <stdio.h>
#include <strings.h>

typedef struct {
    const provider *p;
    const hook_request *c;
    const provider_secrets *s;
    gw_wall now;
    gw_arena *arena;
    int64_t signed_at_ms;
} verifier;

static provider_authenticity verdict(bool good)
{
    return good ? PROVIDER_SIGNED : PROVIDER_FORGED;
}

/* Digits only, seconds since 1970; within the replay window of now? */
static provider_authenticity in_window(verifier *v, gw_str seconds)
{
    int64_t t = 0;
    if (seconds.n == 0 || seconds.n > 12)
        return PROVIDER_FORGED;
    for (size_t i = 0; i < seconds.n; i++) {
        if (seconds.p[i] < '0' || seconds.p[i] > '9')
            return PROVIDER_FORGED;
        t = t * 10 + (seconds.p[i] - '0');
    }
    v->signed_at_ms = t * 1000;
    int64_t age = v->now.ms - v->signed_at_ms;
    return age > PROVIDER_REPLAY_MS || age < -PROVIDER_REPLAY_MS ? PROVIDER_STALE : PROVIDER_SIGNED;
}

static provider_authenticity verify_none(verifier *v)
{
    (void)v;
    return PROVIDER_UNSIGNED;
}

/* ---- Twilio ---- */

static int by_field_name(const void *a, const void *b)
{
    const provider_pair *x = a;
    const provider_pair *y = b;
    size_t n = x->name.n < y->name.n ? x->name.n : y->name.n;
    int c = memcmp(x->name.p, y->name.p, n);
    if (c || x->name.n != y->name.n)
        return c ? c : (x->name.n > y->name.n) - (x->name.n < y->name.n);
    n = x->value.n < y->value.n ? x->value.n : y->value.n;
    c = memcmp(x->value.p, y->value.p, n);
    return c ? c : (x->value.n > y->value.n) - (x->value.n < y->value.n);
}

/* The URL, then each field's name and value, decoded and sorted. */
static bool twilio_text(verifier *v, gw_str form, gw_buf *out)
{
    enum { FIELDS_MAX = 256 };
    provider_pair *list = gw_arena_alloc(v->arena, FIELDS_MAX * sizeof *list);
    size_t n = 0;
    if (!list)
        return false;
    for (size_t at = 0; at < form.n;) {
        const char *end = memchr(form.p + at, '&', form.n - at);
        size_t len = end ? (size_t)(end - form.p) - at : form.n - at;
        gw_str field = {form.p + at, len};
        at += len + 1;
        if (field.n == 0)
            continue;
        const char *eq = memchr(field.p, '=', field.n);
        size_t name_n = eq ? (size_t)(eq - field.p) : field.n;
        if (n == FIELDS_MAX)
            return false;
        list[n].name = provider_unescape((gw_str){field.p, name_n}, v->arena);
        list[n].value =
            eq ? provider_unescape((gw_str){eq + 1, field.n - name_n - 1}, v->arena) : GW_STR("");
        if (!list[n].name.p || !list[n].value.p)
            return false;
        n++;
    }
    qsort(list, n, sizeof *list, by_field_name);
    gw_buf_put_str(out, v->c->url);
    for (size_t i = 0; i < n; i++) { /* the same pair twice counts once, as in Twilio's libraries */
        if (i && by_field_name(&list[i], &list[i - 1]) == 0)
            continue;
        gw_buf_put_str(out, list[i].name);
        gw_buf_put_str(out, list[i].value);
    }
    return out->code == GW_OK;
}

static bool is_twilio_mac(gw_str token, gw_str text, gw_str given)
{
    uint8_t mac[SHA1_BYTES];
    GW_AUTO_BUF gw_buf b64;
    gw_buf_init(&b64, 64);
    crypto_hmac_sha1(token, text, mac);
    crypto_put_base64(&b64, (gw_str){(const char *)mac, sizeof mac});
    return crypto_equal(gw_buf_str(&b64), given);
}

static provider_authenticity verify_twilio(verifier *v)
{
    gw_str token = provider_secret(v->s, "password");
    gw_str given = hook_header_of(v->c, "x-twilio-signature");
    if (token.n == 0 || given.n == 0)
        return PROVIDER_FORGED;
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, 2 * HOOK_BODY_MAX);
    gw_str body_hash = provider_field(v->c->query, "bodySHA256", v->arena);
    if (body_hash.p) {
        char hash[HEX256_TEXT];
        crypto_sha256_hex(v->c->body, hash);
        return verdict(crypto_equal(gw_str_of(hash), body_hash) &&
                       is_twilio_mac(token, v->c->url, given));
    }
    return verdict(twilio_text(v, v->c->body, &text) &&
                   is_twilio_mac(token, gw_buf_str(&text), given));
}

/* ---- Vonage: Authorization: Bearer JWT, HS256, payload_hash ---- */

static bool jwt_part(verifier *v, gw_str b64, json_doc *ret)
{
    gw_err ignored = {0};
    uint8_t *raw = gw_arena_alloc(v->arena, b64.n + 1);
    size_t n = 0;
    if (!raw || !crypto_base64_decode(b64, raw, b64.n, &n))
        return false;
    return json_parse((gw_str){(const char *)raw, n}, v->arena, ret, &ignored) == GW_OK &&
           json_kind_of(ret, 0) == JSON_OBJECT;
}

static provider_authenticity check_claims(verifier *v, const json_doc *claims)
{
    char hash[HEX256_TEXT], seconds[24];
    crypto_sha256_hex(v->c->body, hash);
    if (!crypto_equal(gw_str_of(hash), json_get_str(claims, 0, "payload_hash")))
        return PROVIDER_FORGED;
    snprintf(seconds, sizeof seconds, "%lld", (long long)json_get_int(claims, 0, "iat", -1));
    return in_window(v, gw_str_of(seconds));
}

static provider_authenticity verify_vonage(verifier *v)
{
    static const char bearer[] = "Bearer ";
    enum { PREFIX = sizeof bearer - 1, TOKEN_MAX = 8192 };
    gw_str key = provider_secret(v->s, "signature_secret");
    gw_str h = hook_header_of(v->c, "authorization");
    if (key.n == 0 || h.n <= PREFIX || h.n > TOKEN_MAX || strncasecmp(h.p, bearer, PREFIX) != 0)
        return PROVIDER_FORGED;
    gw_str token = {h.p + PREFIX, h.n - PREFIX};
    const char *first = memchr(token.p, '.', token.n);
    const char *last = memrchr(token.p, '.', token.n);
    if (!first || last == first)
        return PROVIDER_FORGED;
    size_t head_n = (size_t)(first - token.p);
    size_t signed_n = (size_t)(last - token.p);
    uint8_t given[SHA256_BYTES], mac[SHA256_BYTES];
    size_t n = 0;
    if (!crypto_base64_decode((gw_str){last + 1, token.n - signed_n - 1}, given, sizeof given, &n))
        return PROVIDER_FORGED;
    crypto_hmac_sha256(key, (gw_str){token.p, signed_n}, mac);
    json_doc head, claims;
    if (!crypto_equal((gw_str){(const char *)mac, sizeof mac}, (gw_str){(const char *)given, n}) ||
        !jwt_part(v, (gw_str){token.p, head_n}, &head) ||
        !gw_str_is(json_get_str(&head, 0, "alg"), "HS256") ||
        !jwt_part(v, (gw_str){first + 1, signed_n - head_n - 1}, &claims))
        return PROVIDER_FORGED;
    return check_claims(v, &claims);
}

/* ---- our own MAC in the URL ---- */

gw_code provider_callback_mac(const provider_secrets *s, gw_str ref, char ret[PROVIDER_MAC_TEXT],
                              gw_err *err)
{
    gw_str key = provider_secret(s, "callback_key");
    uint8_t mac[SHA256_BYTES];
    if (key.n == 0)
        return gw_fail(err, GW_EINVAL, "secret callback_key is missing");
    crypto_hmac_sha256(key, ref, mac);
    gw_hex(mac, (PROVIDER_MAC_TEXT - 1) / 2, ret);
    return GW_OK;
}

static provider_authenticity verify_url_mac(verifier *v)
{
    gw_err ignored = {0};
    char mac[PROVIDER_MAC_TEXT];
    gw_str ref = provider_field(v->c->query, "ref", v->arena);
    gw_str given = provider_field(v->c->query, "mac", v->arena);
    if (ref.n == 0 || provider_callback_mac(v->s, ref, mac, &ignored) != GW_OK)
        return PROVIDER_FORGED;
    return verdict(crypto_equal(gw_str_of(mac), given));
}

/* ---- Baidu: header "signature" and "timestamp" ---- */

static provider_authenticity verify_baidu(verifier *v)
{
    gw_str token = provider_secret(v->s, "token");
    gw_str seconds = hook_header_of(v->c, "timestamp");
    gw_str given = hook_header_of(v->c, "signature");
    char md5[33];
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, HOOK_BODY_MAX + PROVIDER_SECRET_MAX);
    if (token.n == 0 || given.n == 0)
        return PROVIDER_FORGED;
    gw_buf_put_str(&text, token);
    gw_buf_put_str(&text, seconds);
    gw_buf_put_str(&text, v->c->body);
    crypto_md5_hex(gw_buf_str(&text), md5);
    gw_buf_wipe(&text);
    if (text.code != GW_OK || !crypto_equal(gw_str_of(md5), given))
        return PROVIDER_FORGED;
    return in_window(v, seconds.n > 10 ? (gw_str){seconds.p, seconds.n - 3} : seconds); /* ms */
}

/* ---- Standard Webhooks: several signatures, for rotation ---- */

static provider_authenticity verify_standard(verifier *v)
{
    gw_str key = provider_secret(v->s, "key");
    gw_str id = hook_header_of(v->c, "webhook-id");
    gw_str seconds = hook_header_of(v->c, "webhook-timestamp");
    gw_str list = hook_header_of(v->c, "webhook-signature");
    GW_AUTO_BUF gw_buf mac;
    gw_buf_init(&mac, 128);
    gw_buf_puts(&mac, "v1,");
    if (key.n == 0 || id.n == 0 || seconds.n == 0 ||
        provider_standard_mac(key, id, seconds, v->c->body, &mac) != GW_OK)
        return PROVIDER_FORGED;
    bool good = false;
    for (size_t i = 0; i < list.n;) {
        const char *end = memchr(list.p + i, ' ', list.n - i);
        size_t n = end ? (size_t)(end - list.p) - i : list.n - i;
        good = crypto_equal(gw_buf_str(&mac), (gw_str){list.p + i, n}) || good;
        i += n + 1;
    }
    return good ? in_window(v, seconds) : PROVIDER_FORGED;
}

static provider_authenticity (*const schemes[PROVIDER_VERIFY_COUNT])(verifier *v) = {
    [PROVIDER_VERIFY_NONE] = verify_none,     [PROVIDER_VERIFY_TWILIO] = verify_twilio,
    [PROVIDER_VERIFY_VONAGE] = verify_vonage, [PROVIDER_VERIFY_URL_MAC] = verify_url_mac,
    [PROVIDER_VERIFY_BAIDU] = verify_baidu,   [PROVIDER_VERIFY_STANDARD] = verify_standard,
};

provider_authenticity provider_verify(const provider *p, const hook_request *r,
                                      const provider_secrets *s, gw_wall now, gw_arena *arena,
                                      int64_t *ret_signed_at_ms)
{
    verifier v = {.p = p, .c = r, .s = s, .now = now, .arena = arena};
    provider_authenticity a = r->body.n > HOOK_BODY_MAX ? PROVIDER_FORGED : schemes[p->verify](&v);
    *ret_signed_at_ms = v.signed_at_ms;
    return a;
}
