/* tls.h - the TLS side of an SMTP client (RFC 3207, RFC 8446 left out on purpose).
 *
 * TLS 1.2 only: libESMTP stalls on the session tickets of TLS 1.3. Chain and host name (or address)
 * are checked by OpenSSL inside the handshake, so a wrong certificate ends it. SNI is sent for host
 * names, which libESMTP does not do. Thread: a context may serve many threads. */
#ifndef EMAIL_TLS_H
#define EMAIL_TLS_H

#include "gateway/base/err.h"

#include <openssl/ssl.h>

/* host is borrowed for the context's life. ca_file NULL or "": the system's authorities.
 * GW_EINVAL (no certificate in ca_file), GW_ENOMEM. */
gw_code tls_client_new(const char *host, const char *ca_file, SSL_CTX **ret_ctx, gw_err *err)
    GW_NODISCARD;

#endif
