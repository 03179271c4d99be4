#include "tests/support/must.h"
#include "tests/support/smtp_server.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

static EVP_PKEY *ca_key;
static X509 *ca_cert;

static void extend(X509 *cert, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *x = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    MUST(x);
    X509_add_ext(cert, x, -1);
    X509_EXTENSION_free(x);
}

static X509 *make(EVP_PKEY *key, const char *name, const char *names, long from_s, long until_s,
                  X509 *issuer, EVP_PKEY *issuer_key)
{
    static long serial = 1;
    X509 *cert = X509_new();
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
    X509_gmtime_adj(X509_getm_notBefore(cert), from_s);
    X509_gmtime_adj(X509_getm_notAfter(cert), until_s);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(issuer ? issuer : cert));
    extend(cert, NID_basic_constraints, names ? "CA:FALSE" : "critical,CA:TRUE");
    if (names)
        extend(cert, NID_subject_alt_name, names);
    MUST(X509_sign(cert, issuer_key ? issuer_key : key, EVP_sha256()) > 0);
    return cert;
}

static void save(const char *path, X509 *cert, EVP_PKEY *key)
{
    FILE *f = fopen(path, "w");
    MUST(f);
    if (cert)
        PEM_write_X509(f, cert);
    if (key)
        PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
    fclose(f);
}

static void need_ca(void)
{
    if (ca_cert)
        return;
    ca_key = EVP_EC_gen("P-256");
    ca_cert = make(ca_key, "test CA", NULL, -3600, 86400, NULL, NULL);
}

void tls_cert_ca(const char *dir, char ret_ca[256])
{
    need_ca();
    snprintf(ret_ca, 256, "%s/ca.pem", dir);
    save(ret_ca, ca_cert, NULL);
}

void tls_cert_make(const char *dir, cert_kind kind, char ret_cert[256], char ret_key[256])
{
    static const char *const names[] = {"good", "expired", "wrong", "self"};
    need_ca();
    EVP_PKEY *key = EVP_EC_gen("P-256");
    bool wrong = kind == CERT_WRONG_NAME, self = kind == CERT_SELF_SIGNED;
    X509 *cert =
        make(key, wrong ? "other.example.test" : "localhost",
             wrong ? "DNS:other.example.test" : "DNS:localhost,IP:127.0.0.1", -7200,
             kind == CERT_EXPIRED ? -3600 : 86400, self ? NULL : ca_cert, self ? NULL : ca_key);
    snprintf(ret_cert, 256, "%s/%s.pem", dir, names[kind]);
    snprintf(ret_key, 256, "%s/%s.key", dir, names[kind]);
    save(ret_cert, cert, NULL);
    save(ret_key, NULL, key);
    X509_free(cert);
    EVP_PKEY_free(key);
}
