#include "tests/support/http_server.h"

#include "tests/support/must.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { REQUESTS_MAX = 20000, CONNECTIONS_MAX = 4096, REQUEST_MAX = 1 << 20 };

struct http_server {
    int fd, port;
    SSL_CTX *tls;
    const http_rule *rules;
    size_t rule_n;
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    char *requests[REQUESTS_MAX];
    int n;
    int fds[CONNECTIONS_MAX];
    pthread_t threads[CONNECTIONS_MAX];
    int connections;
    bool stopping;
};

typedef struct {
    http_server *server;
    int fd;
    SSL *ssl;
    gw_buf in;
} connection;

static ssize_t conn_read(connection *c, char *p, size_t n)
{
    return c->ssl ? SSL_read(c->ssl, p, (int)n) : read(c->fd, p, n);
}

static bool conn_write(connection *c, const char *p, size_t n)
{
    while (n) {
        ssize_t w = c->ssl ? SSL_write(c->ssl, p, (int)n) : send(c->fd, p, n, MSG_NOSIGNAL);
        if (w <= 0)
            return false;
        p += w;
        n -= (size_t)w;
    }
    return true;
}

static void nap(int ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

/* One request into c->in; false at the end. */
static bool read_request(connection *c)
{
    char piece[4096];
    gw_buf_clear(&c->in);
    for (;;) {
        char *head = c->in.n ? strstr(c->in.data, "\r\n\r\n") : NULL;
        if (head) {
            char *length = strcasestr(c->in.data, "\r\ncontent-length:");
            size_t body = length && length < head ? strtoul(length + 17, NULL, 10) : 0;
            if (c->in.n >= (size_t)(head - c->in.data) + 4 + body)
                return true;
        }
        ssize_t n = conn_read(c, piece, sizeof piece);
        if (n <= 0)
            return false;
        gw_buf_put(&c->in, piece, (size_t)n);
    }
}

static bool path_fits(const char *request, const char *path)
{
    const char *at = strchr(request, ' ');
    return !path || (at && strncmp(at + 1, path, strlen(path)) == 0);
}

static int keep(http_server *s, const char *request)
{
    pthread_mutex_lock(&s->lock);
    MUST(s->n < REQUESTS_MAX);
    int number = s->n;
    s->requests[s->n++] = strdup(request);
    pthread_mutex_unlock(&s->lock);
    return number;
}

static void hang(connection *c)
{
    char byte;
    while (conn_read(c, &byte, 1) > 0)
        ;
}

static void flood(connection *c)
{
    char piece[4096];
    memset(piece, 'x', sizeof piece);
    while (conn_write(c, piece, sizeof piece))
        ;
}

static bool act(connection *c, int number)
{
    static const http_rule usual = {.act = HTTP_REPLY,
                                    .reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"};
    const http_rule *r = &usual;
    for (size_t i = c->server->rule_n; i-- > 0;) {
        const http_rule *x = &c->server->rules[i];
        if (number >= x->first && (x->last < 0 || number <= x->last) &&
            path_fits(c->in.data, x->path))
            r = x;
    }
    if (r->delay_ms)
        nap(r->delay_ms);
    if (r->reply && !conn_write(c, r->reply, strlen(r->reply)))
        return false;
    if (r->act == HTTP_HANG || r->act == HTTP_REPLY_HANG)
        hang(c);
    if (r->act == HTTP_FLOOD)
        flood(c);
    return r->act == HTTP_REPLY;
}

static void *serve(void *arg)
{
    connection *c = arg;
    gw_buf_init(&c->in, REQUEST_MAX);
    bool up = true;
    if (c->server->tls) {
        c->ssl = SSL_new(c->server->tls);
        SSL_set_fd(c->ssl, c->fd);
        up = SSL_accept(c->ssl) == 1;
    }
    while (up && read_request(c))
        up = act(c, keep(c->server, c->in.data));
    if (c->ssl)
        SSL_free(c->ssl);
    shutdown(c->fd, SHUT_RDWR);
    gw_buf_done(&c->in);
    free(c);
    return NULL;
}

static void *accept_all(void *arg)
{
    http_server *s = arg;
    for (;;) {
        int fd = accept(s->fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        connection *c = calloc(1, sizeof *c);
        *c = (connection){.server = s, .fd = fd};
        pthread_mutex_lock(&s->lock);
        MUST(s->connections < CONNECTIONS_MAX);
        s->fds[s->connections] = fd;
        pthread_create(&s->threads[s->connections++], NULL, serve, c);
        pthread_mutex_unlock(&s->lock);
    }
}

http_server *http_server_start(const http_server_options *o)
{
    http_server *s = calloc(1, sizeof *s);
    MUST(s);
    signal(SIGPIPE, SIG_IGN);
    pthread_mutex_init(&s->lock, NULL);
    if (o && o->cert_file) {
        s->tls = SSL_CTX_new(TLS_server_method());
        MUST(SSL_CTX_use_certificate_file(s->tls, o->cert_file, SSL_FILETYPE_PEM) == 1);
        MUST(SSL_CTX_use_PrivateKey_file(s->tls, o->key_file, SSL_FILETYPE_PEM) == 1);
    }
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    MUST(bind(s->fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(s->fd, 1024) == 0);
    getsockname(s->fd, (struct sockaddr *)&at, &n);
    s->port = ntohs(at.sin_port);
    pthread_create(&s->thread, NULL, accept_all, s);
    return s;
}

void http_server_rules(http_server *s, const http_rule *rules, size_t n)
{
    s->rules = rules;
    s->rule_n = n;
}

int http_server_port(const http_server *s)
{
    return s->port;
}

int http_server_count(http_server *s, const char *path)
{
    int n = 0;
    pthread_mutex_lock(&s->lock);
    for (int i = 0; i < s->n; i++)
        n += path_fits(s->requests[i], path);
    pthread_mutex_unlock(&s->lock);
    return n;
}

char *http_server_request(http_server *s, int n)
{
    pthread_mutex_lock(&s->lock);
    char *copy = n < s->n ? strdup(s->requests[n]) : NULL;
    pthread_mutex_unlock(&s->lock);
    return copy;
}

int http_server_connections(http_server *s)
{
    pthread_mutex_lock(&s->lock);
    int n = s->connections;
    pthread_mutex_unlock(&s->lock);
    return n;
}

void http_server_stop(http_server *s)
{
    if (!s)
        return;
    shutdown(s->fd, SHUT_RDWR);
    close(s->fd);
    pthread_join(s->thread, NULL);
    for (int i = 0; i < s->connections; i++) {
        shutdown(s->fds[i], SHUT_RDWR);
        pthread_join(s->threads[i], NULL);
        close(s->fds[i]);
    }
    for (int i = 0; i < s->n; i++)
        free(s->requests[i]);
    SSL_CTX_free(s->tls);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
