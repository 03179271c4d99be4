#include "workers/email/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdbool.h>

static bool is_ip(const char *host)
{
    unsigned char bin[16];
    return inet_pton(AF_INET, host, bin) == 1 || inet_pton(AF_INET6, host, bin) == 1;
}

/* libESMTP makes the SSL object itself; this is called on it before the ClientHello is built. */
static void name_server(const SSL *ssl, int where, int ret)
{
    (void)ret;
    void *host = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), 0);
    if (where != SSL_CB_HANDSHAKE_START || !host ||
        SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name))
        return;
    union {
        const SSL *given;
        SSL *mine;
    } s = {.given = ssl};
    SSL_ctrl(s.mine, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, host);
}

static int set_names(SSL_CTX *ctx, const char *host)
{
    X509_VERIFY_PARAM *p = SSL_CTX_get0_param(ctx);
    if (is_ip(host))
        return X509_VERIFY_PARAM_set1_ip_asc(p, host);
    X509_VERIFY_PARAM_set_hostflags(p, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    union {
        const char *given;
        void *data;
    } name = {.given = host};
    SSL_CTX_set_ex_data(ctx, 0, name.data); /* 0 is the application's */
    SSL_CTX_set_info_callback(ctx, name_server);
    return X509_VERIFY_PARAM_set1_host(p, host, 0);
}

gw_code tls_client_new(const char *host, const char *ca_file, SSL_CTX **ret_ctx, gw_err *err)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (!ctx)
        return gw_fail(err, GW_ENOMEM, "preparing TLS");
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    bool own = ca_file && ca_file[0];
    int loaded = own ? SSL_CTX_load_verify_locations(ctx, ca_file, NULL)
                     : SSL_CTX_set_default_verify_paths(ctx);
    gw_code rc = GW_OK;
    if (loaded != 1)
        rc = gw_fail(err, GW_EINVAL, "%s holds no certificate in PEM form",
                     own ? ca_file : "the system's certificate folder");
    else if (set_names(ctx, host) != 1)
        rc = gw_fail(err, GW_ENOMEM, "preparing TLS");
    ERR_clear_error();
    if (rc != GW_OK) {
        SSL_CTX_free(ctx);
        return rc;
    }
    *ret_ctx = ctx;
    return GW_OK;
}
