#include "gateway/wire/provider_sign.h"
#include "gateway/wire/provider_crypto.h"
#include "gateway/wire/provider_part.h"

#include "gateway/base/id.h"
#include "gateway/base/time.h"

#include <stdio.h>
#include <strings.h>

typedef struct {
    const provider *p;
    const provider_request *r;
    const provider_secrets *s;
    provider_url url;
    gw_wall now;
    gw_str nonce;
    gw_buf *headers, *query;
    gw_err *err;
} signer;

void provider_signature_init(provider_signature *s)
{
    gw_buf_init(&s->headers, PROVIDER_SIGNATURE_MAX);
    gw_buf_init(&s->query, PROVIDER_SIGNATURE_MAX);
}

void provider_signature_done(provider_signature *s)
{
    gw_buf_wipe(&s->headers);
    gw_buf_wipe(&s->query);
    gw_buf_done(&s->headers);
    gw_buf_done(&s->query);
}

static gw_code need(const signer *s, const char *what, gw_str value)
{
    return value.n ? GW_OK
                   : gw_fail(s->err, GW_EINVAL, "provider %s: %s is missing", s->p->name, what);
}

static void put_header(signer *s, const char *name, gw_str value)
{
    gw_buf_puts(s->headers, name);
    gw_buf_puts(s->headers, ": ");
    gw_buf_put_str(s->headers, value);
    gw_buf_putc(s->headers, '\n');
}

/* ---- the simple ones ---- */

static gw_code sign_none(signer *s)
{
    (void)s;
    return GW_OK;
}

static gw_code sign_basic(signer *s)
{
    gw_str user = provider_setting(s->p, "user");
    gw_str password = provider_secret(s->s, "password");
    gw_code rc = need(s, "settings.user", user);
    if (rc == GW_OK)
        rc = need(s, "secret password", password);
    if (rc != GW_OK)
        return rc;
    GW_AUTO_BUF gw_buf plain;
    gw_buf_init(&plain, PROVIDER_SIGNATURE_MAX);
    gw_buf_put_str(&plain, user);
    gw_buf_putc(&plain, ':');
    gw_buf_put_str(&plain, password);
    gw_buf_puts(s->headers, "authorization: Basic ");
    crypto_put_base64(s->headers, gw_buf_str(&plain));
    gw_buf_putc(s->headers, '\n');
    gw_buf_wipe(&plain);
    return GW_OK;
}

static gw_code sign_bearer(signer *s)
{
    gw_str token = provider_secret(s->s, "token");
    gw_code rc = need(s, "secret token", token);
    if (rc != GW_OK)
        return rc;
    gw_buf_puts(s->headers, "authorization: Bearer ");
    gw_buf_put_str(s->headers, token);
    gw_buf_putc(s->headers, '\n');
    return GW_OK;
}

static gw_code sign_kannel(signer *s)
{
    gw_str user = provider_setting(s->p, "user");
    gw_str password = provider_secret(s->s, "password");
    gw_code rc = need(s, "settings.user", user);
    if (rc == GW_OK)
        rc = need(s, "secret password", password);
    if (rc != GW_OK)
        return rc;
    gw_buf_puts(s->query, "username=");
    provider_put_escaped(s->query, user);
    gw_buf_puts(s->query, "&password=");
    provider_put_escaped(s->query, password);
    return GW_OK;
}

/* ---- Vonage: JWT, RFC 7519 with RS256 ---- */

static gw_code sign_vonage(signer *s)
{
    enum { LIFE_S = 300 };
    gw_str app = provider_setting(s->p, "application_id");
    gw_str key = provider_secret(s->s, "private_key");
    gw_code rc = need(s, "settings.application_id", app);
    if (rc == GW_OK)
        rc = need(s, "secret private_key", key);
    if (rc != GW_OK)
        return rc;
    GW_AUTO_BUF gw_buf claims;
    GW_AUTO_BUF gw_buf token;
    gw_buf_init(&claims, PROVIDER_SIGNATURE_MAX);
    gw_buf_init(&token, PROVIDER_SIGNATURE_MAX);
    gw_buf_putc(&claims, '{');
    json_put_member_str(&claims, "application_id", app);
    json_put_member_int(&claims, "exp", s->now.ms / 1000 + LIFE_S);
    json_put_member_int(&claims, "iat", s->now.ms / 1000);
    json_put_member_str(&claims, "jti", s->nonce);
    gw_buf_putc(&claims, '}');
    crypto_put_base64url(&token, GW_STR("{\"alg\":\"RS256\",\"typ\":\"JWT\"}"));
    gw_buf_putc(&token, '.');
    crypto_put_base64url(&token, gw_buf_str(&claims));
    gw_buf_puts(s->headers, "authorization: Bearer ");
    gw_buf_put_str(s->headers, gw_buf_str(&token));
    gw_buf_putc(s->headers, '.');
    rc = crypto_put_rs256(s->headers, key, gw_buf_str(&token), s->err);
    gw_buf_putc(s->headers, '\n');
    return rc == GW_OK ? rc : gw_wrap(s->err, rc, "provider %s", s->p->name);
}

/* ---- canonical requests of the clouds ---- */

enum { SIGNED_MAX = PROVIDER_PAIRS_MAX + 8 };

static int by_name(const void *a, const void *b)
{
    const provider_pair *x = a;
    const provider_pair *y = b;
    size_t n = x->name.n < y->name.n ? x->name.n : y->name.n;
    int c = strncasecmp(x->name.p, y->name.p, n);
    return c ? c : (x->name.n > y->name.n) - (x->name.n < y->name.n);
}

static void put_lower(gw_buf *out, gw_str s)
{
    for (size_t i = 0; i < s.n; i++)
        gw_buf_putc(out, s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] + 32) : s.p[i]);
}

static int by_bytes(const void *a, const void *b)
{
    const gw_str *x = a;
    const gw_str *y = b;
    size_t n = x->n < y->n ? x->n : y->n;
    int c = memcmp(x->p, y->p, n);
    return c ? c : (x->n > y->n) - (x->n < y->n);
}

/* Our own encoding is the canonical one already: only the order is missing. '=' sorts before every
 * byte a name may have but '-' and '.', so fields are compared up to it first. */
static int by_field(const void *a, const void *b)
{
    gw_str x = *(const gw_str *)a;
    gw_str y = *(const gw_str *)b;
    const char *ex = memchr(x.p, '=', x.n);
    const char *ey = memchr(y.p, '=', y.n);
    gw_str nx = {x.p, ex ? (size_t)(ex - x.p) : x.n};
    gw_str ny = {y.p, ey ? (size_t)(ey - y.p) : y.n};
    int c = by_bytes(&nx, &ny);
    return c ? c : by_bytes(&x, &y);
}

static void put_sorted_query(gw_buf *out, gw_str query)
{
    gw_str fields[2 * PROVIDER_PAIRS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < query.n && n < GW_COUNT(fields);) {
        const char *end = memchr(query.p + i, '&', query.n - i);
        size_t len = end ? (size_t)(end - query.p) - i : query.n - i;
        fields[n++] = (gw_str){query.p + i, len};
        i += len + 1;
    }
    qsort(fields, n, sizeof *fields, by_field);
    for (size_t i = 0; i < n; i++) {
        if (i)
            gw_buf_putc(out, '&');
        gw_buf_put_str(out, fields[i]);
    }
}

static void put_names(gw_buf *out, const provider_pair *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (i)
            gw_buf_putc(out, ';');
        put_lower(out, list[i].name);
    }
}

/* Method, path, query, headers, their names, hash of the body: one a line. */
static void put_canonical(const signer *s, gw_str query, const provider_pair *list, size_t n,
                          const char *body_hash, gw_buf *out)
{
    gw_buf_put_str(out, s->r->method);
    gw_buf_putc(out, '\n');
    gw_buf_put_str(out, s->url.path.n ? s->url.path : GW_STR("/"));
    gw_buf_putc(out, '\n');
    gw_buf_put_str(out, query);
    gw_buf_putc(out, '\n');
    for (size_t i = 0; i < n; i++) {
        put_lower(out, list[i].name);
        gw_buf_putc(out, ':');
        gw_buf_put_str(out, list[i].value);
        gw_buf_putc(out, '\n');
    }
    gw_buf_putc(out, '\n');
    put_names(out, list, n);
    gw_buf_putc(out, '\n');
    gw_buf_puts(out, body_hash);
}

static void put_hmac_hex(gw_buf *out, gw_str key, gw_str text)
{
    uint8_t mac[SHA256_BYTES];
    char hex[HEX256_TEXT];
    crypto_hmac_sha256(key, text, mac);
    gw_hex(mac, sizeof mac, hex);
    gw_buf_puts(out, hex);
}

static bool has_prefix(gw_str s, const char *prefix)
{
    size_t n = strlen(prefix);
    return s.n >= n && strncasecmp(s.p, prefix, n) == 0;
}

static gw_str header_of(const provider_request *r, const char *name)
{
    for (size_t i = 0; i < r->header_n; i++)
        if (r->headers[i].name.n == strlen(name) && has_prefix(r->headers[i].name, name))
            return r->headers[i].value;
    return (gw_str){NULL, 0};
}

/* "2023-10-26T10:22:32Z" */
static void utc_seconds(gw_wall now, char ret[GW_TIME_TEXT])
{
    gw_time_format(now, ret);
    memcpy(ret + 19, "Z", 2);
}

/* ---- Aliyun ---- */

static size_t aliyun_headers(const signer *s, gw_str host, const char *hash, const char *date,
                             provider_pair list[SIGNED_MAX])
{
    size_t n = 0;
    list[n++] = (provider_pair){GW_STR("host"), host};
    list[n++] = (provider_pair){GW_STR("x-acs-content-sha256"), gw_str_of(hash)};
    list[n++] = (provider_pair){GW_STR("x-acs-date"), gw_str_of(date)};
    list[n++] = (provider_pair){GW_STR("x-acs-signature-nonce"), s->nonce};
    for (size_t i = 0; i < s->r->header_n; i++)
        if (has_prefix(s->r->headers[i].name, "x-acs-") ||
            has_prefix(s->r->headers[i].name, "content-type"))
            list[n++] = s->r->headers[i];
    qsort(list, n, sizeof *list, by_name);
    return n;
}

static gw_code sign_aliyun(signer *s)
{
    gw_str id = provider_setting(s->p, "access_key_id");
    gw_str secret = provider_secret(s->s, "access_key_secret");
    gw_code rc = need(s, "settings.access_key_id", id);
    if (rc == GW_OK)
        rc = need(s, "secret access_key_secret", secret);
    if (rc != GW_OK)
        return rc;
    char hash[HEX256_TEXT], date[GW_TIME_TEXT], canonical[HEX256_TEXT];
    GW_AUTO_BUF gw_buf text;
    GW_AUTO_BUF gw_buf query;
    GW_AUTO_BUF gw_buf host;
    gw_buf_init(&text, 2 * PROVIDER_REQUEST_MAX);
    gw_buf_init(&query, PROVIDER_REQUEST_MAX);
    gw_buf_init(&host, 300);
    provider_url_host(&s->url, &host);
    crypto_sha256_hex(s->r->body, hash);
    utc_seconds(s->now, date);
    provider_pair list[SIGNED_MAX];
    size_t n = aliyun_headers(s, gw_buf_str(&host), hash, date, list);
    put_sorted_query(&query, s->url.query);
    put_canonical(s, gw_buf_str(&query), list, n, hash, &text);
    crypto_sha256_hex(gw_buf_str(&text), canonical);
    gw_buf_clear(&text);
    gw_buf_puts(&text, "ACS3-HMAC-SHA256\n");
    gw_buf_puts(&text, canonical);
    put_header(s, "x-acs-content-sha256", gw_str_of(hash));
    put_header(s, "x-acs-date", gw_str_of(date));
    put_header(s, "x-acs-signature-nonce", s->nonce);
    gw_buf_puts(s->headers, "authorization: ACS3-HMAC-SHA256 Credential=");
    gw_buf_put_str(s->headers, id);
    gw_buf_puts(s->headers, ",SignedHeaders=");
    put_names(s->headers, list, n);
    gw_buf_puts(s->headers, ",Signature=");
    put_hmac_hex(s->headers, secret, gw_buf_str(&text));
    gw_buf_putc(s->headers, '\n');
    return gw_buf_code(&text, "a canonical request", s->err);
}

/* ---- Tencent ---- */

/* Key of the day: HMAC("TC3" + secret, date) -> service -> "tc3_request". */
static void tencent_key(gw_str secret, const char *day, gw_str service, uint8_t ret[SHA256_BYTES])
{
    GW_AUTO_BUF gw_buf first;
    gw_buf_init(&first, PROVIDER_SECRET_MAX + 8);
    gw_buf_puts(&first, "TC3");
    gw_buf_put_str(&first, secret);
    uint8_t key[SHA256_BYTES];
    crypto_hmac_sha256(gw_buf_str(&first), gw_str_of(day), key);
    gw_buf_wipe(&first);
    gw_str step = {(const char *)key, sizeof key};
    uint8_t next[SHA256_BYTES];
    crypto_hmac_sha256(step, service, next);
    memcpy(key, next, sizeof key);
    crypto_hmac_sha256(step, GW_STR("tc3_request"), ret);
    explicit_bzero(key, sizeof key);
    explicit_bzero(next, sizeof next);
}

static gw_code sign_tencent(signer *s)
{
    gw_str id = provider_setting(s->p, "secret_id");
    gw_str service = provider_setting(s->p, "service");
    gw_str secret = provider_secret(s->s, "secret_key");
    gw_code rc = need(s, "settings.secret_id", id);
    if (rc == GW_OK)
        rc = need(s, "settings.service", service);
    if (rc == GW_OK)
        rc = need(s, "secret secret_key", secret);
    if (rc != GW_OK)
        return rc;
    char hash[HEX256_TEXT], day[GW_DATE_TEXT];
    GW_AUTO_BUF gw_buf text;
    GW_AUTO_BUF gw_buf host;
    gw_buf_init(&text, 2 * PROVIDER_REQUEST_MAX);
    gw_buf_init(&host, 300);
    provider_url_host(&s->url, &host);
    crypto_sha256_hex(s->r->body, hash);
    const provider_pair list[] = {{GW_STR("content-type"), header_of(s->r, "content-type")},
                                  {GW_STR("host"), gw_buf_str(&host)}};
    put_canonical(s, s->url.query, list, GW_COUNT(list), hash, &text);
    crypto_sha256_hex(gw_buf_str(&text), hash);
    int64_t seconds = s->now.ms / 1000;
    gw_date_format((int32_t)(seconds / 86400), day);
    gw_buf_clear(&text);
    gw_buf_printf(&text, "TC3-HMAC-SHA256\n%lld\n%s/%.*s/tc3_request\n%s", (long long)seconds, day,
                  GW_STR_ARG(service), hash);
    uint8_t key[SHA256_BYTES];
    tencent_key(secret, day, service, key);
    gw_buf_printf(s->headers, "x-tc-timestamp: %lld\n", (long long)seconds);
    gw_buf_printf(s->headers,
                  "authorization: TC3-HMAC-SHA256 Credential=%.*s/%s/%.*s/tc3_request, "
                  "SignedHeaders=content-type;host, Signature=",
                  GW_STR_ARG(id), day, GW_STR_ARG(service));
    put_hmac_hex(s->headers, (gw_str){(const char *)key, sizeof key}, gw_buf_str(&text));
    gw_buf_putc(s->headers, '\n');
    explicit_bzero(key, sizeof key);
    return gw_buf_code(&text, "a canonical request", s->err);
}

/* ---- Standard Webhooks ---- */

gw_code provider_standard_mac(gw_str key, gw_str id, gw_str timestamp, gw_str body, gw_buf *out)
{
    static const char prefix[] = "whsec_";
    uint8_t raw[256], mac[SHA256_BYTES];
    size_t n = 0;
    if (key.n > sizeof prefix - 1 && memcmp(key.p, prefix, sizeof prefix - 1) == 0) {
        key.p += sizeof prefix - 1;
        key.n -= sizeof prefix - 1;
    }
    if (!crypto_base64_decode(key, raw, sizeof raw, &n) || n == 0)
        return GW_EINVAL;
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, HOOK_BODY_MAX + 512);
    gw_buf_put_str(&text, id);
    gw_buf_putc(&text, '.');
    gw_buf_put_str(&text, timestamp);
    gw_buf_putc(&text, '.');
    gw_buf_put_str(&text, body);
    crypto_hmac_sha256((gw_str){(const char *)raw, n}, gw_buf_str(&text), mac);
    explicit_bzero(raw, sizeof raw);
    return text.code == GW_OK ? crypto_put_base64(out, (gw_str){(const char *)mac, sizeof mac})
                              : text.code;
}

static gw_code sign_standard(signer *s)
{
    gw_str key = provider_secret(s->s, "key");
    gw_code rc = need(s, "secret key", key);
    if (rc != GW_OK)
        return rc;
    char seconds[24];
    snprintf(seconds, sizeof seconds, "%lld", (long long)(s->now.ms / 1000));
    put_header(s, "webhook-id", s->nonce);
    put_header(s, "webhook-timestamp", gw_str_of(seconds));
    gw_buf_puts(s->headers, "webhook-signature: v1,");
    rc = provider_standard_mac(key, s->nonce, gw_str_of(seconds), s->r->body, s->headers);
    gw_buf_putc(s->headers, '\n');
    return rc == GW_OK ? rc
                       : gw_fail(s->err, GW_EINVAL,
                                 "provider %s: secret key is not whsec_ and base64", s->p->name);
}

static gw_code (*const schemes[PROVIDER_SIGN_COUNT])(signer *s) = {
    [PROVIDER_SIGN_NONE] = sign_none,       [PROVIDER_SIGN_BASIC] = sign_basic,
    [PROVIDER_SIGN_BEARER] = sign_bearer,   [PROVIDER_SIGN_KANNEL] = sign_kannel,
    [PROVIDER_SIGN_VONAGE] = sign_vonage,   [PROVIDER_SIGN_ALIYUN] = sign_aliyun,
    [PROVIDER_SIGN_TENCENT] = sign_tencent, [PROVIDER_SIGN_STANDARD] = sign_standard,
};

gw_code provider_sign(const provider *p, const provider_request *r, const provider_secrets *secrets,
                      gw_wall now, gw_str nonce, provider_signature *ret, gw_err *err)
{
    signer s = {.p = p,
                .r = r,
                .s = secrets,
                .now = now,
                .nonce = nonce,
                .headers = &ret->headers,
                .query = &ret->query,
                .err = err};
    if (!provider_url_parse(r->url, &s.url))
        return gw_fail(err, GW_EINVAL, "provider %s: the request's URL is none", p->name);
    gw_code rc = schemes[p->sign](&s);
    if (rc == GW_OK)
        rc = gw_buf_code(&ret->headers, "a signature", err);
    return rc == GW_OK ? gw_buf_code(&ret->query, "a signature", err) : rc;
}
