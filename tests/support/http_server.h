/* http_server.h - a small scripted HTTP/1.1 server for tests: port 0 on loopback, a thread per
 * connection, and rules that make it slow, rude or wrong; it keeps what it got.
 *
 * Without a rule it answers 200 with an empty JSON object. A rule applies to requests by number (in
 * order of arrival, from 0); the first that fits acts.
 * Thread: rules before the first request; the record from any thread. */
#ifndef TESTS_HTTP_SERVER_H
#define TESTS_HTTP_SERVER_H

#include "gateway/base/buf.h"

typedef enum {
    HTTP_REPLY,       /* send `reply` */
    HTTP_REPLY_CLOSE, /* and close */
    HTTP_CLOSE,       /* read the request, close without a word */
    HTTP_HANG,        /* read the request, say nothing */
    HTTP_REPLY_HANG,  /* send `reply`, which promises more, and say nothing more */
    HTTP_FLOOD,       /* send `reply`, then bytes without end */
} http_act;

typedef struct {
    int first, last;  /* numbers of requests; last -1 = all later ones */
    const char *path; /* prefix; NULL = any */
    http_act act;
    const char *reply;
    int delay_ms; /* before acting */
} http_rule;

typedef struct {
    const char *cert_file, *key_file; /* PEM: speaks TLS */
} http_server_options;

typedef struct http_server http_server;
http_server *http_server_start(const http_server_options *o); /* NULL: plain */
void http_server_rules(http_server *s, const http_rule *rules, size_t n);
int http_server_port(const http_server *s);
/* Requests read whole so far; path is a prefix, NULL = any. */
int http_server_count(http_server *s, const char *path);
/* The n-th request, head and body; the caller frees it. */
char *http_server_request(http_server *s, int n);
int http_server_connections(http_server *s);
void http_server_stop(http_server *s);

#endif
