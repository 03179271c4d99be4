/* smtp_server.h - a small real SMTP server for tests: port 0 on loopback, a thread per connection,
 * rules that make it slow, rude or wrong at any step, and a record of the exact bytes it got.
 *
 * Without rules it offers PIPELINING, SIZE, DSN, 8BITMIME, ENHANCEDSTATUSCODES (and STARTTLS, AUTH
 * where set up) and takes every message. Rules are tried in order; the first that fits acts.
 * Thread: rules before the first connection; the record from any thread. */
#ifndef TESTS_SMTP_SERVER_H
#define TESTS_SMTP_SERVER_H

#include "gateway/base/buf.h"

typedef enum {
    AT_GREETING,
    AT_EHLO,
    AT_STARTTLS,
    AT_AUTH,
    AT_MAIL,
    AT_RCPT,
    AT_DATA,
    AT_BODY, /* after the first line of content */
    AT_DOT,  /* after the final dot */
    AT_RSET,
    AT_QUIT,
    AT_NEXT, /* after the reply to the final dot, before another command is read */
} smtp_at;

typedef enum {
    DO_REPLY,       /* send `reply` and go on */
    DO_REPLY_CLOSE, /* send it and close */
    DO_CLOSE,       /* close without a word */
    DO_HANG,        /* say nothing until the client goes away */
    DO_TLS_AFTER,   /* AT_STARTTLS: send `reply`, then begin TLS as if nothing were wrong */
    DO_DRIP,        /* send `reply` one byte each delay_ms, for ever if `reply` is empty */
} smtp_do;

typedef struct {
    smtp_at at;
    int connection;    /* from 0; -1 = any */
    int message;       /* on that connection, from 0; -1 = any */
    const char *match; /* part of the command line, NULL = any */
    smtp_do act;
    const char *reply; /* with CRLF */
    int delay_ms;      /* before acting (DRIP: between bytes) */
} smtp_rule;

typedef struct {
    const char *cert_file, *key_file; /* PEM: offers STARTTLS */
    bool tls13;                       /* up to TLS 1.3 with two session tickets; else as it comes */
    bool no_dsn, no_pipelining;
    const char *auth_user, *auth_password; /* offers AUTH PLAIN LOGIN and wants it */
} smtp_options;

typedef struct {
    int connection;
    bool tls, accepted; /* accepted: a 2xx was sent for it */
    char *mail;         /* the MAIL line without CRLF */
    char *rcpts;        /* accepted RCPT lines, each with LF */
    char *data;         /* content, dot-stuffing undone, final dot left out */
    size_t data_n;
    int64_t at_us; /* monotonic, when the final dot was there */
} smtp_record;

typedef struct smtp_server smtp_server;

smtp_server *smtp_server_start(const smtp_options *options); /* NULL options: plain */
void smtp_server_rule(smtp_server *s, smtp_rule rule);
int smtp_server_port(const smtp_server *s);
/* Close all, join, free. Records taken before stay valid until then. */
void smtp_server_stop(smtp_server *s);

/* Wait until n messages are recorded (whole content received); false after timeout_ms. */
bool smtp_server_wait(smtp_server *s, size_t n, int timeout_ms);
size_t smtp_server_count(smtp_server *s);
const smtp_record *smtp_server_record(smtp_server *s, size_t i);
int smtp_server_connections(smtp_server *s);
int smtp_server_handshakes(smtp_server *s);
/* Everything commands said outside of content, in order, all connections. Copied; free it. */
char *smtp_server_commands(smtp_server *s);

/* ---- certificates (tls_cert.c) ---- */

typedef enum { CERT_GOOD, CERT_EXPIRED, CERT_WRONG_NAME, CERT_SELF_SIGNED } cert_kind;
/* Write dir/ca.pem, dir/<kind>.pem and dir/<kind>.key for localhost and 127.0.0.1 (P-256). */
void tls_cert_make(const char *dir, cert_kind kind, char ret_cert[256], char ret_key[256]);
/* The CA that signs all but CERT_SELF_SIGNED: made once a process. */
void tls_cert_ca(const char *dir, char ret_ca[256]);

#endif
