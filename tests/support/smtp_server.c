#include "tests/support/smtp_server.h"
#include "tests/support/must.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { RULES_MAX = 32, RECORDS_MAX = 100000, CONNECTIONS_MAX = 4096, LINE_MAX_BYTES = 4096 };

struct smtp_server {
    smtp_options options;
    SSL_CTX *tls;
    int listener, port;
    pthread_t acceptor;
    smtp_rule rules[RULES_MAX];
    size_t rule_n;
    pthread_mutex_t lock;
    pthread_cond_t news;
    smtp_record *records;
    size_t record_n;
    pthread_t threads[CONNECTIONS_MAX];
    int fds[CONNECTIONS_MAX];
    int connection_n, handshake_n;
    gw_buf commands;
    atomic_bool stopping;
};

typedef struct {
    smtp_server *s;
    int fd, id, message;
    SSL *ssl;
    char in[16384];
    size_t in_at, in_n;
    bool authenticated;
    gw_buf mail, rcpts, data;
} conn;

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

static bool send_bytes(conn *c, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t done = c->ssl ? SSL_write(c->ssl, p, (int)n) : send(c->fd, p, n, MSG_NOSIGNAL);
        if (done <= 0)
            return false;
        p += done;
        n -= (size_t)done;
    }
    return true;
}

static bool say(conn *c, const char *text)
{
    return send_bytes(c, text, strlen(text));
}

static int get_byte(conn *c)
{
    if (c->in_at == c->in_n) {
        ssize_t n =
            c->ssl ? SSL_read(c->ssl, c->in, sizeof c->in) : recv(c->fd, c->in, sizeof c->in, 0);
        if (n <= 0)
            return -1;
        c->in_n = (size_t)n;
        c->in_at = 0;
    }
    return (unsigned char)c->in[c->in_at++];
}

/* One line without CRLF; -1 at the end. A line of content keeps bare CR and LF inside. */
static ssize_t get_line(conn *c, char *line, size_t max)
{
    size_t n = 0;
    int last = 0, b;
    while ((b = get_byte(c)) >= 0) {
        if (b == '\n' && last == '\r') {
            line[n - 1] = '\0';
            return (ssize_t)n - 1;
        }
        if (n + 1 >= max)
            return -1;
        line[n++] = (char)b;
        last = b;
    }
    return -1;
}

static void pause_ms(int ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
    nanosleep(&t, NULL);
}

static bool peer_is_gone(conn *c)
{
    struct pollfd p = {.fd = c->fd, .events = POLLRDHUP};
    return c->s->stopping || (poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR)));
}

static void hang(conn *c)
{
    while (!peer_is_gone(c))
        pause_ms(5);
}

static void drip(conn *c, const char *reply, int each_ms)
{
    for (size_t i = 0; !peer_is_gone(c); i++) {
        char b = reply && reply[0] ? reply[i] : "250-slow\r\n"[i % 10];
        if (reply && reply[0] && !reply[i])
            return;
        if (!send_bytes(c, &b, 1))
            return;
        pause_ms(each_ms);
    }
}

typedef enum { ACTED_NOT, ACTED, ACTED_CLOSED, ACTED_TLS } acted;

static acted act(conn *c, smtp_at at, const char *line)
{
    for (size_t i = 0; i < c->s->rule_n; i++) {
        const smtp_rule *r = &c->s->rules[i];
        if (r->at != at || (r->connection >= 0 && r->connection != c->id) ||
            (r->message >= 0 && r->message != c->message) ||
            (r->match && (!line || !strstr(line, r->match))))
            continue;
        if (r->delay_ms && r->act != DO_DRIP)
            pause_ms(r->delay_ms);
        if (r->act == DO_HANG)
            hang(c);
        if (r->act == DO_DRIP)
            drip(c, r->reply, r->delay_ms);
        if (r->act == DO_REPLY || r->act == DO_REPLY_CLOSE || r->act == DO_TLS_AFTER)
            say(c, r->reply);
        if (r->act == DO_TLS_AFTER)
            return ACTED_TLS;
        return r->act == DO_REPLY || (r->act == DO_DRIP && r->reply && r->reply[0]) ? ACTED
                                                                                    : ACTED_CLOSED;
    }
    return ACTED_NOT;
}

/* Act by rule, else say what is usual. False: the connection is to be closed. */
static bool answer(conn *c, smtp_at at, const char *line, const char *usual)
{
    acted done = act(c, at, line);
    return done == ACTED || (done == ACTED_NOT && say(c, usual));
}

static bool rule_reply_is_positive(conn *c, smtp_at at, const char *line)
{
    for (size_t i = 0; i < c->s->rule_n; i++) {
        const smtp_rule *r = &c->s->rules[i];
        if (r->at == at && (r->connection < 0 || r->connection == c->id) &&
            (r->message < 0 || r->message == c->message) &&
            (!r->match || (line && strstr(line, r->match))))
            return (r->act == DO_REPLY || r->act == DO_DRIP) && r->reply && r->reply[0] == '2';
    }
    return true;
}

static void note(conn *c, const char *line)
{
    pthread_mutex_lock(&c->s->lock);
    gw_buf_puts(&c->s->commands, line);
    gw_buf_putc(&c->s->commands, '\n');
    pthread_mutex_unlock(&c->s->lock);
}

static void record(conn *c, bool accepted)
{
    smtp_server *s = c->s;
    pthread_mutex_lock(&s->lock);
    MUST(s->record_n < RECORDS_MAX);
    smtp_record *r = &s->records[s->record_n++];
    *r = (smtp_record){.connection = c->id,
                       .tls = c->ssl != NULL,
                       .accepted = accepted,
                       .mail = strdup(c->mail.data ? c->mail.data : ""),
                       .rcpts = strdup(c->rcpts.data ? c->rcpts.data : ""),
                       .at_us = now_us()};
    r->data_n = c->data.n;
    r->data = malloc(c->data.n + 1);
    memcpy(r->data, c->data.data ? c->data.data : "", c->data.n);
    r->data[c->data.n] = '\0';
    pthread_cond_broadcast(&s->news);
    pthread_mutex_unlock(&s->lock);
}

static bool take_content(conn *c)
{
    char *line = malloc(1 << 20);
    ssize_t n;
    bool first = true, going = true;
    gw_buf_clear(&c->data);
    while (going && (n = get_line(c, line, 1 << 20)) >= 0) {
        if (n == 1 && line[0] == '.')
            break;
        size_t skip = line[0] == '.' ? 1 : 0;
        gw_buf_put(&c->data, line + skip, (size_t)n - skip);
        gw_buf_put(&c->data, "\r\n", 2);
        if (first)
            going = act(c, AT_BODY, NULL) != ACTED_CLOSED;
        first = false;
    }
    free(line);
    if (!going || n < 0)
        return false;
    record(c, rule_reply_is_positive(c, AT_DOT, NULL));
    going = answer(c, AT_DOT, NULL, "250 2.0.0 Ok: queued as TEST\r\n");
    if (going)
        going = act(c, AT_NEXT, NULL) != ACTED_CLOSED;
    c->message++;
    gw_buf_clear(&c->mail);
    gw_buf_clear(&c->rcpts);
    return going;
}

static bool start_tls(conn *c, const char *line)
{
    acted done = act(c, AT_STARTTLS, line);
    if (done == ACTED || done == ACTED_CLOSED)
        return done == ACTED;
    if (done == ACTED_NOT && !say(c, "220 2.0.0 Ready\r\n"))
        return false;
    SSL *ssl = SSL_new(c->s->tls);
    SSL_set_fd(ssl, c->fd);
    if (SSL_accept(ssl) != 1) {
        SSL_free(ssl);
        return false;
    }
    c->ssl = ssl;
    c->in_at = c->in_n = 0;
    pthread_mutex_lock(&c->s->lock);
    c->s->handshake_n++;
    pthread_mutex_unlock(&c->s->lock);
    return true;
}

static bool greet(conn *c, const char *line)
{
    const smtp_options *o = &c->s->options;
    char text[512];
    snprintf(text, sizeof text,
             "250-sink.example.test\r\n%s%s%s%s250-8BITMIME\r\n"
             "250-ENHANCEDSTATUSCODES\r\n250 SIZE 40000000\r\n",
             o->no_pipelining ? "" : "250-PIPELINING\r\n", o->no_dsn ? "" : "250-DSN\r\n",
             o->cert_file && !c->ssl ? "250-STARTTLS\r\n" : "",
             o->auth_user && (c->ssl || !o->cert_file) ? "250-AUTH PLAIN LOGIN\r\n" : "");
    return answer(c, AT_EHLO, line, text);
}

static size_t from_base64(const char *text, char *out, size_t max)
{
    unsigned char bin[1024];
    size_t n = strlen(text);
    if (n % 4 || n / 4 * 3 > sizeof bin || n / 4 * 3 >= max)
        return 0;
    int got = EVP_DecodeBlock(bin, (const unsigned char *)text, (int)n);
    if (got < 0)
        return 0;
    while (n && text[n - 1] == '=') {
        got--;
        n--;
    }
    memcpy(out, bin, (size_t)got);
    return (size_t)got;
}

static bool authenticate(conn *c, char *line)
{
    const smtp_options *o = &c->s->options;
    char wanted[512], got[512], reply[LINE_MAX_BYTES];
    acted done = act(c, AT_AUTH, line);
    if (done != ACTED_NOT)
        return done == ACTED;
    if (strncasecmp(line, "AUTH PLAIN ", 11) == 0) {
        size_t user = strlen(o->auth_user), password = strlen(o->auth_password);
        size_t n = from_base64(line + 11, got, sizeof got);
        wanted[0] = 0;
        memcpy(wanted + 1, o->auth_user, user + 1);
        memcpy(wanted + 2 + user, o->auth_password, password);
        /* the authorization id before the first NUL may be empty or the user */
        const char *tail = memchr(got, 0, n);
        size_t tail_n = tail ? n - (size_t)(tail - got) : 0;
        c->authenticated = tail_n == user + password + 2 && memcmp(tail, wanted, tail_n) == 0;
    } else if (strcasecmp(line, "AUTH LOGIN") == 0 || strncasecmp(line, "AUTH LOGIN ", 11) == 0) {
        bool ok = true;
        const char *parts[] = {o->auth_user, o->auth_password};
        for (int i = 0; i < 2; i++) {
            say(c, i ? "334 UGFzc3dvcmQ6\r\n" : "334 VXNlcm5hbWU6\r\n");
            if (get_line(c, reply, sizeof reply) < 0)
                return false;
            size_t n = from_base64(reply, got, sizeof got);
            ok = ok && n == strlen(parts[i]) && memcmp(got, parts[i], n) == 0;
        }
        c->authenticated = ok;
    }
    return say(c, c->authenticated ? "235 2.7.0 Ok\r\n" : "535 5.7.8 No\r\n");
}

static bool take_rcpt(conn *c, const char *line)
{
    bool yes = rule_reply_is_positive(c, AT_RCPT, line);
    if (!answer(c, AT_RCPT, line, "250 2.1.5 Ok\r\n"))
        return false;
    if (yes) {
        gw_buf_puts(&c->rcpts, line);
        gw_buf_putc(&c->rcpts, '\n');
    }
    return true;
}

static bool take_mail(conn *c, const char *line)
{
    if (c->s->options.auth_user && !c->authenticated)
        return say(c, "530 5.7.0 Authentication required\r\n");
    gw_buf_clear(&c->mail);
    gw_buf_clear(&c->rcpts);
    gw_buf_puts(&c->mail, line);
    return answer(c, AT_MAIL, line, "250 2.1.0 Ok\r\n");
}

static bool take_data(conn *c, const char *line)
{
    acted done = act(c, AT_DATA, line);
    if (done == ACTED_CLOSED)
        return false;
    if (done == ACTED) /* a rule that says 354 lets the content come */
        for (size_t i = 0; i < c->s->rule_n; i++)
            if (c->s->rules[i].at == AT_DATA && c->s->rules[i].reply[0] == '3')
                return take_content(c);
    if (done == ACTED)
        return true;
    if (c->rcpts.n == 0)
        return say(c, "554 5.5.1 No valid recipients\r\n");
    return say(c, "354 End with a dot\r\n") && take_content(c);
}

static bool command(conn *c, char *line)
{
    note(c, line);
    if (strncasecmp(line, "EHLO ", 5) == 0)
        return greet(c, line);
    if (strcasecmp(line, "STARTTLS") == 0)
        return start_tls(c, line);
    if (strncasecmp(line, "AUTH ", 5) == 0)
        return authenticate(c, line);
    if (strncasecmp(line, "MAIL FROM:", 10) == 0)
        return take_mail(c, line);
    if (strncasecmp(line, "RCPT TO:", 8) == 0)
        return take_rcpt(c, line);
    if (strcasecmp(line, "DATA") == 0)
        return take_data(c, line);
    if (strcasecmp(line, "RSET") == 0)
        return answer(c, AT_RSET, line, "250 2.0.0 Ok\r\n");
    if (strcasecmp(line, "QUIT") == 0) {
        answer(c, AT_QUIT, line, "221 2.0.0 Bye\r\n");
        return false;
    }
    return say(c, "502 5.5.2 What?\r\n");
}

static void *serve_connection(void *arg)
{
    conn *c = arg;
    char line[LINE_MAX_BYTES];
    gw_buf_init(&c->mail, 1 << 16);
    gw_buf_init(&c->rcpts, 1 << 20);
    gw_buf_init(&c->data, 64 << 20);
    if (answer(c, AT_GREETING, NULL, "220 sink.example.test ESMTP\r\n"))
        while (get_line(c, line, sizeof line) >= 0)
            if (!command(c, line))
                break;
    if (c->ssl) {
        SSL_shutdown(c->ssl);
        SSL_free(c->ssl);
    }
    pthread_mutex_lock(&c->s->lock);
    close(c->fd);
    c->s->fds[c->id] = -1;
    pthread_mutex_unlock(&c->s->lock);
    gw_buf_done(&c->mail);
    gw_buf_done(&c->rcpts);
    gw_buf_done(&c->data);
    free(c);
    return NULL;
}

static void *accept_all(void *arg)
{
    smtp_server *s = arg;
    for (;;) {
        int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            return NULL;
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        conn *c = calloc(1, sizeof *c);
        c->s = s;
        c->fd = fd;
        pthread_mutex_lock(&s->lock);
        MUST(s->connection_n < CONNECTIONS_MAX);
        c->id = s->connection_n++;
        s->fds[c->id] = fd;
        pthread_create(&s->threads[c->id], NULL, serve_connection, c);
        pthread_mutex_unlock(&s->lock);
    }
}

static SSL_CTX *make_tls(const smtp_options *o)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    MUST(SSL_CTX_use_certificate_chain_file(ctx, o->cert_file) == 1);
    MUST(SSL_CTX_use_PrivateKey_file(ctx, o->key_file, SSL_FILETYPE_PEM) == 1);
    if (o->tls13)
        SSL_CTX_set_num_tickets(ctx, 2);
    return ctx;
}

smtp_server *smtp_server_start(const smtp_options *options)
{
    signal(SIGPIPE, SIG_IGN);
    smtp_server *s = calloc(1, sizeof *s);
    if (options)
        s->options = *options;
    s->records = calloc(RECORDS_MAX, sizeof *s->records);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->news, NULL);
    gw_buf_init(&s->commands, 64 << 20);
    if (s->options.cert_file)
        s->tls = make_tls(&s->options);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    MUST(bind(s->listener, (struct sockaddr *)&at, sizeof at) == 0);
    MUST(listen(s->listener, 512) == 0);
    MUST(getsockname(s->listener, (struct sockaddr *)&at, &n) == 0);
    s->port = ntohs(at.sin_port);
    pthread_create(&s->acceptor, NULL, accept_all, s);
    return s;
}

void smtp_server_rule(smtp_server *s, smtp_rule rule)
{
    MUST(s->rule_n < RULES_MAX);
    s->rules[s->rule_n++] = rule;
}

int smtp_server_port(const smtp_server *s)
{
    return s->port;
}

void smtp_server_stop(smtp_server *s)
{
    shutdown(s->listener, SHUT_RDWR);
    pthread_join(s->acceptor, NULL);
    close(s->listener);
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    for (int i = 0; i < s->connection_n; i++)
        if (s->fds[i] >= 0)
            shutdown(s->fds[i], SHUT_RDWR);
    pthread_mutex_unlock(&s->lock);
    for (int i = 0; i < s->connection_n; i++)
        pthread_join(s->threads[i], NULL);
    for (size_t i = 0; i < s->record_n; i++) {
        free(s->records[i].mail);
        free(s->records[i].rcpts);
        free(s->records[i].data);
    }
    SSL_CTX_free(s->tls);
    gw_buf_done(&s->commands);
    free(s->records);
    pthread_cond_destroy(&s->news);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

bool smtp_server_wait(smtp_server *s, size_t n, int timeout_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += timeout_ms % 1000 * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    pthread_mutex_lock(&s->lock);
    while (s->record_n < n)
        if (pthread_cond_timedwait(&s->news, &s->lock, &until) != 0)
            break;
    bool there = s->record_n >= n;
    pthread_mutex_unlock(&s->lock);
    return there;
}

#define LOCKED(s, type, value)                                                                     \
    pthread_mutex_lock(&(s)->lock);                                                                \
    type result = (value);                                                                         \
    pthread_mutex_unlock(&(s)->lock);                                                              \
    return result

size_t smtp_server_count(smtp_server *s)
{
    LOCKED(s, size_t, s->record_n);
}

const smtp_record *smtp_server_record(smtp_server *s, size_t i)
{
    LOCKED(s, const smtp_record *, i < s->record_n ? &s->records[i] : NULL);
}

int smtp_server_connections(smtp_server *s)
{
    LOCKED(s, int, s->connection_n);
}

int smtp_server_handshakes(smtp_server *s)
{
    LOCKED(s, int, s->handshake_n);
}

char *smtp_server_commands(smtp_server *s)
{
    LOCKED(s, char *, strdup(s->commands.data ? s->commands.data : ""));
}
