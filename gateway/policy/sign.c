#include "gateway/policy/sign.h"

#include "gateway/base/id.h"

#include <sodium.h>

static const char signature_head[] = "dunlin-rules-signature-1\n";
static const char key_head[] = "dunlin-rules-key-1 ";
static const char context[] = "dunlin rules 1\n";

static bool take(gw_str *s, const char *literal)
{
    size_t n = strlen(literal);
    if (s->n < n || memcmp(s->p, literal, n) != 0)
        return false;
    s->p += n;
    s->n -= n;
    return true;
}

/* Up to `end`, which is taken as well; letters, digits and . _ - only. */
static bool take_name(gw_str *s, char end, char ret[SIGN_NAME_MAX + 1])
{
    size_t n = 0;
    while (n < s->n && s->p[n] != end) {
        char c = s->p[n];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '.' || c == '_' || c == '-';
        if (!good || n == SIGN_NAME_MAX)
            return false;
        n++;
    }
    if (n == 0 || n == s->n)
        return false;
    memcpy(ret, s->p, n);
    ret[n] = '\0';
    s->p += n + 1;
    s->n -= n + 1;
    return true;
}

/* All that is left: hex, and one line break at the end. */
static bool take_hex(gw_str s, uint8_t *ret, size_t bytes)
{
    size_t n = 0;
    if (s.n && s.p[s.n - 1] == '\n')
        s.n--;
    return s.n == 2 * bytes && sodium_hex2bin(ret, bytes, s.p, s.n, NULL, &n, NULL) == 0 &&
           n == bytes;
}

gw_code sign_key_parse(gw_str text, sign_key *ret, gw_err *err)
{
    sign_key k;
    if (!take(&text, key_head) || !take_name(&text, ' ', k.name) ||
        !take_hex(text, k.key, sizeof k.key))
        return gw_fail(err, GW_EINVAL,
                       "not a rules key; `dunlin rules key NAME` makes a pair of them");
    *ret = k;
    return GW_OK;
}

void sign_key_write(const sign_key *k, gw_buf *out)
{
    char hex[2 * sizeof k->key + 1];
    gw_hex(k->key, sizeof k->key, hex);
    gw_buf_printf(out, "%s%s %s\n", key_head, k->name, hex);
}

static bool message(gw_str canonical, gw_buf *ret)
{
    gw_buf_init(ret, sizeof context + canonical.n);
    gw_buf_puts(ret, context);
    gw_buf_put_str(ret, canonical);
    return ret->code == GW_OK;
}

void sign_make(gw_str canonical, const char *key_name, const uint8_t secret[SIGN_SECRET_BYTES],
               gw_buf *out)
{
    uint8_t signature[crypto_sign_BYTES];
    char hex[2 * sizeof signature + 1];
    GW_AUTO_BUF gw_buf m;
    if (!message(canonical, &m)) {
        out->code = GW_ENOMEM;
        return;
    }
    crypto_sign_detached(signature, NULL, (const uint8_t *)m.data, m.n, secret);
    gw_hex(signature, sizeof signature, hex);
    gw_buf_printf(out, "%skey %s\ned25519 %s\n", signature_head, key_name, hex);
}

policy_signature sign_check(gw_str canonical, gw_str text, const sign_key *keys, size_t n)
{
    uint8_t signature[crypto_sign_BYTES];
    char name[SIGN_NAME_MAX + 1];
    if (text.n == 0)
        return POLICY_UNSIGNED;
    if (!take(&text, signature_head) || !take(&text, "key ") || !take_name(&text, '\n', name) ||
        !take(&text, "ed25519 ") || !take_hex(text, signature, sizeof signature))
        return POLICY_SIGNATURE_BAD;
    GW_AUTO_BUF gw_buf m;
    if (!message(canonical, &m))
        return POLICY_SIGNATURE_BAD;
    for (size_t i = 0; i < n; i++)
        if (strcmp(keys[i].name, name) == 0 &&
            crypto_sign_verify_detached(signature, (const uint8_t *)m.data, m.n, keys[i].key) == 0)
            return POLICY_SIGNED;
    return POLICY_SIGNATURE_BAD;
}
