/* smtp.h - the SMTP transport, on libESMTP with guards around what it gets wrong.
 *
 * One smtp_relay per process: the relay's address, the TLS context, the password, the watchdog.
 * Each sending thread runs smtp_serve: it opens a session when there is work, sends up to
 * session_messages over it (added from libESMTP's events), keeps it open idle_ms, and opens the
 * next.
 *
 * Guards, each for a fault seen in libESMTP 1.1.0 (Debian 12):
 *  - outcomes come from reply codes and from how far the content got, never from return values
 *    (smtp_outcome.h);
 *  - our own SSL_CTX in every session (its cached one is used after free), TLS 1.2 at most (its
 *    reader stalls on TLS 1.3 tickets) and at least, host name and chain checked by OpenSSL during
 *    the handshake, SNI set by us;
 *  - a reply that arrives in plain text behind the one to STARTTLS ends the session;
 *  - addresses pass address_check; the message passes compose and is handed on byte by byte;
 *  - all its timeouts are set by us; a watchdog shuts a session down whose message takes longer
 *    than message_ms in all, which no timeout of its own covers (a peer sending a byte a second);
 *  - its monitor is never written anywhere, so a password cannot reach a log.
 * The process must ignore SIGPIPE and have HOME and XDG_CONFIG_HOME point to an empty folder
 * (libESMTP looks for certificates there): smtp_process_setup does both.
 *
 * One message goes to all its recipients in one transaction. With more than one recipient the
 * answers to RCPT are awaited before DATA: if no `to` recipient is accepted nothing is sent, if
 * some recipient is refused the message goes to the others and the refusal is in the outcome. */
#ifndef EMAIL_SMTP_H
#define EMAIL_SMTP_H

#include "workers/runtime/channel.h"

typedef enum {
    SMTP_TLS_NONE,     /* plain text; with a user only to a loopback address */
    SMTP_TLS_STARTTLS, /* TLS if offered, and then with a valid certificate */
    SMTP_TLS_REQUIRED, /* TLS or nothing */
} smtp_tls;

enum {
    SMTP_DSN_SUCCESS = 1, /* RFC 3461 NOTIFY */
    SMTP_DSN_FAILURE = 2,
    SMTP_DSN_DELAY = 4,
};

typedef struct {
    const char *host; /* name or address */
    int port;
    smtp_tls tls;
    const char *ca_file;       /* PEM; NULL = the system's */
    const char *user;          /* NULL = no AUTH */
    const char *password_file; /* mode 0600 or stricter; a final newline is not part of it */
    const char *hostname;      /* EHLO; NULL = the machine's name */
    const char *envelope_from; /* MAIL FROM of all messages; NULL = the task's sender, or ... */
    const char *sender;        /* ... this where the task names none */
    unsigned dsn;              /* SMTP_DSN_*, asked for where offered; 0 = do not ask */
    int session_messages;      /* 0 = 100; libESMTP's memory grows until the session ends */
    int idle_ms;               /* 0 = 30000 */
    int greeting_ms, envelope_ms, data_ms, transfer_ms, final_ms; /* 0 = RFC 5321 §4.5.3.2 */
    int connect_ms;                                               /* 0 = 30000 */
    int message_ms; /* 0 = 900000: watchdog, all of one message */
} smtp_config;

typedef struct smtp_relay smtp_relay;

/* Ignore SIGPIPE, make `private_home` (0700) and point HOME and XDG_CONFIG_HOME there. Once, before
 * threads are started. */
gw_code smtp_process_setup(const char *private_home, gw_err *err) GW_NODISCARD;

/* Check the configuration, load CA certificates and the password; connects to nothing.
 * GW_EINVAL, GW_ENOTFOUND, GW_EREFUSED (a password over plain text, a password file others can
 * read), GW_ENOMEM. */
gw_code smtp_relay_new(const smtp_config *config, smtp_relay **ret_relay, gw_err *err) GW_NODISCARD;
void smtp_relay_free(smtp_relay *r);
GW_CLEANUP_FUNC(smtp_relay, smtp_relay_free)

/* Body of a sending thread. */
void smtp_serve(smtp_relay *r, channel_source *source);
/* The watchdog's beat: about once a second, from a thread that does not serve. */
void smtp_watch(smtp_relay *r);

#endif
