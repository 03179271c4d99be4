#include "gateway/wire/provider_crypto.h"

#include "gateway/base/id.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

static void digest_hex(const EVP_MD *md, gw_str s, char *ret)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (EVP_Digest(s.p ? s.p : "", s.n, hash, &n, md, NULL) != 1)
        gw_bug("OpenSSL has no such digest");
    gw_hex(hash, n, ret);
}

void crypto_sha256_hex(gw_str s, char ret[HEX256_TEXT])
{
    digest_hex(EVP_sha256(), s, ret);
}

void crypto_md5_hex(gw_str s, char ret[33])
{
    digest_hex(EVP_md5(), s, ret);
}

static void hmac(const EVP_MD *md, gw_str key, gw_str s, uint8_t *ret)
{
    unsigned n = 0;
    if (!HMAC(md, key.p ? key.p : "", (int)key.n, (const unsigned char *)(s.p ? s.p : ""), s.n, ret,
              &n))
        gw_bug("OpenSSL has no such HMAC");
}

void crypto_hmac_sha256(gw_str key, gw_str s, uint8_t ret[SHA256_BYTES])
{
    hmac(EVP_sha256(), key, s, ret);
}

void crypto_hmac_sha1(gw_str key, gw_str s, uint8_t ret[SHA1_BYTES])
{
    hmac(EVP_sha1(), key, s, ret);
}

gw_code crypto_put_base64(gw_buf *out, gw_str s)
{
    char *at = gw_buf_reserve(out, 4 * ((s.n + 2) / 3) + 1);
    if (at)
        out->n +=
            (size_t)EVP_EncodeBlock((unsigned char *)at, (const unsigned char *)s.p, (int)s.n);
    return out->code;
}

gw_code crypto_put_base64url(gw_buf *out, gw_str s)
{
    size_t from = out->n;
    if (crypto_put_base64(out, s) != GW_OK)
        return out->code;
    for (size_t i = from; i < out->n; i++)
        out->data[i] = out->data[i] == '+' ? '-' : out->data[i] == '/' ? '_' : out->data[i];
    while (out->n > from && out->data[out->n - 1] == '=')
        out->n--;
    out->data[out->n] = '\0';
    return GW_OK;
}

static int sextet(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

bool crypto_base64_decode(gw_str s, uint8_t *ret, size_t max, size_t *ret_n)
{
    size_t n = 0;
    uint32_t bits = 0;
    int have = 0;
    while (s.n && s.p[s.n - 1] == '=')
        s.n--;
    for (size_t i = 0; i < s.n; i++) {
        int v = sextet(s.p[i]);
        if (v < 0)
            return false;
        bits = bits << 6 | (uint32_t)v;
        have += 6;
        if (have < 8)
            continue;
        have -= 8;
        if (n == max)
            return false;
        ret[n++] = (uint8_t)(bits >> have);
    }
    *ret_n = n;
    return s.n % 4 != 1;
}

gw_code crypto_put_rs256(gw_buf *out, gw_str pem, gw_str s, gw_err *err)
{
    unsigned char signature[1024];
    size_t n = sizeof signature;
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool rsa = key && EVP_PKEY_base_id(key) == EVP_PKEY_RSA;
    bool good = rsa && ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
                EVP_DigestSign(ctx, signature, &n, (const unsigned char *)s.p, s.n) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    BIO_free(bio);
    if (!good)
        return gw_fail(err, GW_EINVAL, "the private key is no PEM file with an RSA key");
    return crypto_put_base64url(out, (gw_str){(const char *)signature, n});
}

bool crypto_equal(gw_str a, gw_str b)
{
    return a.n == b.n && CRYPTO_memcmp(a.p, b.p, a.n) == 0;
}
