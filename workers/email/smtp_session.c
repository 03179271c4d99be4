#include "workers/email/smtp_session.h"

#include "gateway/base/crash.h"
#include "gateway/base/log.h"
#include "workers/email/hygiene.h"

#include <auth-client.h>
#include <libesmtp.h>
#include <stdarg.h>
#include <stdio.h>

enum { REPLY_TEXT_MAX = 512 };

/* How far the session itself has come: the last thing we said before the first MAIL. */
typedef enum { AT_CONNECT, AT_GREETING, AT_STARTTLS, AT_HANDSHAKE, AT_AUTH, AT_MESSAGES } phase;

/* What libESMTP has been given for one message. It outlives the attempt, which may be gone when a
 * confused session asks for an old message's content; it must never get another's. */
typedef struct letter {
    struct run *run;
    struct letter *next;
} letter;

typedef struct run {
    smtp_relay *relay;
    channel_source *source;
    line *line;
    smtp_session_t session;
    phase at;
    char reply[REPLY_TEXT_MAX]; /* of the session: greeting, EHLO, STARTTLS, AUTH; what fits */
    size_t reply_n;
    bool replied_to; /* we have said something since */
    bool injected;   /* somebody spoke in plain text behind STARTTLS */
    bool quitting;   /* QUIT was said: the session's reply stays what it was */
    char tls[CHANNEL_TLS_MAX];

    channel_attempt *current;
    smtp_message_t message;
    letter *letter;                              /* of the current message */
    letter *letters;                             /* all of this session */
    smtp_recipient_t rcpts[WIRE_RECIPIENTS_MAX]; /* by index into task.to; NULL = left out */
    size_t asked, answered;
    size_t content_at;
    smtp_seen seen;
    bool alive;            /* something was read for the current message */
    int finished;          /* messages that were reported over this session */
    bool narrowed;         /* the current message goes to fewer recipients than it has */
    channel_attempt *over; /* taken, to be sent over another session */
} run;

static void put_next(run *r);

/* ---- one message ---- */

static const char *content(void **ctx, int *len, void *arg)
{
    (void)ctx; /* libESMTP would free it */
    letter *asked = arg;
    run *r = asked->run;
    if (asked != r->letter || !r->current) {
        if (len)
            *len = 0;
        line_cut(r->line);
        return NULL;
    }
    gw_str bytes = gw_buf_str(&r->current->bytes);
    if (!len) {
        r->content_at = 0;
        r->seen.content_begun = true;
        line_cork(r->line, true);
        return NULL;
    }
    size_t n = bytes.n - r->content_at;
    const char *p = bytes.p + r->content_at;
    r->content_at = bytes.n;
    *len = (int)n;
    if (n == 0)
        line_cork(r->line, false); /* the rest and the final dot go out at once */
    return n ? p : NULL;
}

static char *arena_z(channel_attempt *a, gw_str s)
{
    return gw_arena_copy(a->arena, s);
}

static const char *envelope_from(run *r)
{
    const smtp_config *c = &r->relay->config;
    if (c->envelope_from[0])
        return c->envelope_from;
    gw_str from = r->current->task->from.address;
    return from.n ? arena_z(r->current, from) : c->sender;
}

static bool fits_xtext(gw_str address)
{
    size_t n = 0; /* libESMTP encodes into 256 bytes and prints "(null)" when it does not fit */
    for (size_t i = 0; i < address.n; i++)
        n += address.p[i] == '+' || address.p[i] == '=' ? 3 : 1;
    return n < 250;
}

static bool add_recipient(run *r, size_t i)
{
    static const struct {
        unsigned ours;
        int theirs;
    } notify[] = {{SMTP_DSN_SUCCESS, Notify_SUCCESS},
                  {SMTP_DSN_FAILURE, Notify_FAILURE},
                  {SMTP_DSN_DELAY, Notify_DELAY}};
    gw_str address = r->current->task->to[i].address;
    char *z = arena_z(r->current, address);
    r->rcpts[i] = z ? smtp_add_recipient(r->message, z) : NULL;
    if (!r->rcpts[i])
        return false;
    int flags = 0;
    for (size_t n = 0; n < GW_COUNT(notify); n++)
        if (r->relay->config.dsn & notify[n].ours)
            flags |= notify[n].theirs;
    if (flags) {
        smtp_dsn_set_notify(r->rcpts[i], (enum notify_flags)flags);
        if (fits_xtext(address))
            smtp_dsn_set_orcpt(r->rcpts[i], "rfc822", z);
    }
    r->asked++;
    return true;
}

/* Recipients that said no keep their code; the others are asked (again). */
static bool put_message(run *r)
{
    const wire_task *t = r->current->task;
    const char *from = envelope_from(r);
    r->letter = calloc(1, sizeof *r->letter);
    if (!r->letter || !from)
        return false;
    r->letter->run = r;
    r->letter->next = r->letters;
    r->letters = r->letter;
    r->message = smtp_add_message(r->session);
    if (!r->message)
        return false;
    r->seen = (smtp_seen){0};
    r->asked = r->answered = 0;
    r->alive = false;
    smtp_set_reverse_path(r->message, from);
    smtp_set_messagecb(r->message, content, r->letter);
    smtp_size_set_estimate(r->message, r->current->bytes.n);
    if (r->relay->config.dsn) {
        smtp_dsn_set_ret(r->message, Ret_HDRS);
        char *rid = arena_z(r->current, t->ref.rid);
        if (rid)
            smtp_dsn_set_envid(r->message, rid);
    }
    for (size_t i = 0; i < t->to_n; i++) {
        r->rcpts[i] = NULL;
        int code = r->current->outcome.recipients[i].code;
        bool out = r->narrowed && (code < 200 || code > 299);
        if (!out && !add_recipient(r, i))
            return false;
    }
    return true;
}

static smtp_reply reply_of(const smtp_status_t *s)
{
    if (!s)
        return (smtp_reply){0};
    return (smtp_reply){s->code, {s->enh_class, s->enh_subject, s->enh_detail}, s->text};
}

/* One line of the private reply text: "RCPT 0 250 2.1.5 Ok". */
static void keep_text(channel_attempt *a, const char *step, int index, const smtp_reply *reply)
{
    if (reply->code == 0)
        return;
    gw_buf *raw = &a->outcome.raw;
    gw_buf_puts(raw, step);
    if (index >= 0)
        gw_buf_printf(raw, " %d", index);
    gw_buf_printf(raw, " %d ", reply->code);
    if (reply->enhanced[0])
        gw_buf_printf(raw, "%d.%d.%d ", reply->enhanced[0], reply->enhanced[1], reply->enhanced[2]);
    size_t n = reply->text ? strlen(reply->text) : 0;
    while (n && (reply->text[n - 1] == '\n' || reply->text[n - 1] == '\r'))
        n--;
    gw_buf_put(raw, n ? reply->text : "", n);
    gw_buf_putc(raw, '\n');
}

static void take_recipient_reply(run *r, size_t i)
{
    smtp_reply reply = reply_of(smtp_recipient_status(r->rcpts[i]));
    channel_recipient *to = &r->current->outcome.recipients[i];
    to->code = reply.code;
    to->enhanced[0] = '\0';
    if (reply.enhanced[0])
        snprintf(to->enhanced, sizeof to->enhanced, "%d.%d.%d", reply.enhanced[0],
                 reply.enhanced[1], reply.enhanced[2]);
    keep_text(r->current, "RCPT", (int)i, &reply);
}

static void finish(run *r)
{
    channel_attempt *a = r->current;
    r->current = NULL;
    line_busy(r->line, false);
    keep_text(a, "MAIL", -1, &r->seen.mail);
    keep_text(a, r->seen.content_begun ? "DOT" : "DATA", -1, &r->seen.message);
    r->seen.watchdog = line_was_cut(r->line) && !r->injected;
    smtp_decide(a, &r->seen);
    snprintf(a->outcome.remote_host, sizeof a->outcome.remote_host, "%s", r->relay->config.host);
    snprintf(a->outcome.remote_tls, sizeof a->outcome.remote_tls, "%s", r->tls);
    GW_CRASH_POINT("worker-after-send");
    channel_report(r->source, a);
    r->finished++;
}

static bool begin(run *r, channel_attempt *a)
{
    r->current = a;
    r->narrowed = false;
    a->outcome.recipient_n = a->task->to_n;
    for (size_t i = 0; i < a->task->to_n; i++)
        a->outcome.recipients[i] = (channel_recipient){.index = (int)i};
    line_busy(r->line, true);
    return put_message(r);
}

/* ---- libESMTP's events ---- */

/* Called when a message is done and libESMTP looks for another: wait for one, within limits. */
static void put_next(run *r)
{
    const smtp_config *c = &r->relay->config;
    if (r->over || r->finished >= c->session_messages || line_was_cut(r->line))
        return;
    channel_attempt *a = smtp_take(r->source, c->idle_ms);
    if (!a)
        return;
    if (line_is_stale(r->line)) /* closed while idle; nothing is lost by a new connection */
        r->over = a;
    else if (!begin(r, a))
        line_cut(r->line); /* out of memory: half a list of recipients must not go out */
}

static void on_mail(run *r)
{
    r->at = AT_MESSAGES;
    r->alive = true;
    r->seen.mail = reply_of(smtp_reverse_path_status(r->message));
    if (r->seen.mail.code / 100 == 2) {
        /* With several recipients DATA waits for their answers: see on_recipient. Set here and not
         * with the message: the one before may still be looking at it. */
        smtp_option_require_all_recipients(r->session, r->current->task->to_n > 1);
        return;
    }
    if (r->seen.mail.code == 421 && r->finished > 0) { /* enough for one session, says the relay */
        r->over = r->current;
        r->current = NULL;
        return;
    }
    finish(r);
    put_next(r);
}

static bool some_to_accepted(const channel_attempt *a)
{
    for (size_t i = 0; i < a->task->to_n; i++)
        if (a->outcome.recipients[i].code / 100 == 2 && !gw_str_is(a->task->to[i].kind, "cc"))
            return true;
    return false;
}

/* All answers are in and some were no. libESMTP drops the transaction (RSET); what goes next over
 * the session is the same message to those who said yes, or the next message. */
static void on_some_refused(run *r)
{
    if (some_to_accepted(r->current)) {
        r->narrowed = true;
        if (put_message(r))
            return;
    }
    finish(r);
    put_next(r);
}

static void on_recipient(run *r, smtp_recipient_t rcpt)
{
    bool all_yes = true;
    for (size_t i = 0; i < r->current->task->to_n; i++) {
        if (r->rcpts[i] == rcpt)
            take_recipient_reply(r, i);
        if (r->rcpts[i] && r->current->outcome.recipients[i].code / 100 != 2)
            all_yes = false;
    }
    if (++r->answered == r->asked && r->current->task->to_n > 1 && !all_yes)
        on_some_refused(r);
}

static void on_message(run *r)
{
    r->seen.final_reply = true;
    r->seen.message = reply_of(smtp_message_transfer_status(r->message));
    finish(r);
    put_next(r);
}

static void on_tls(run *r, const SSL *ssl)
{
    r->at = AT_GREETING; /* EHLO is said again */
    snprintf(r->tls, sizeof r->tls, "%s %s", SSL_get_version(ssl), SSL_get_cipher_name(ssl));
}

static void on_event(smtp_session_t session, int event, void *arg, ...)
{
    (void)session;
    run *r = arg;
    va_list args;
    va_start(args, arg);
    switch (event) {
    case SMTP_EV_CONNECT:
        r->at = AT_GREETING;
        r->reply_n = 0;
        line_connected(r->line);
        break;
    case SMTP_EV_MAILSTATUS:
        if (r->current)
            on_mail(r);
        break;
    case SMTP_EV_RCPTSTATUS:
        (void)va_arg(args, const char *);
        if (r->current)
            on_recipient(r, va_arg(args, smtp_recipient_t));
        break;
    case SMTP_EV_MESSAGESENT:
        if (r->current)
            on_message(r);
        break;
    case SMTP_EV_STARTTLS_OK:
        on_tls(r, va_arg(args, SSL *));
        break;
    case SMTP_EV_WRONG_PEER_CERTIFICATE: {
        /* libESMTP compares with the DNS canonical name and knows no addresses; OpenSSL has
         * compared with the configured host during the handshake, and that is what counts. */
        int *ok = va_arg(args, int *);
        (void)va_arg(args, char *);
        SSL *ssl = va_arg(args, SSL *);
        *ok = SSL_get_verify_result(ssl) == X509_V_OK;
        break;
    }
    case SMTP_EV_EXTNA_STARTTLS:
        r->at = AT_STARTTLS;
        break;
    default: /* every other question keeps libESMTP's cautious answer */
        break;
    }
    va_end(args);
}

/* Is a whole reply there (RFC 5321 §4.2: its last line has a space behind the code), and how much
 * stands behind it? */
static bool reply_is_whole(const run *r, size_t *ret_behind)
{
    for (size_t at = 0; at < r->reply_n;) {
        const char *end = memchr(r->reply + at, '\n', r->reply_n - at);
        size_t next = end ? (size_t)(end - r->reply) + 1 : r->reply_n;
        if (!end)
            return false;
        if (next - at < 4 || r->reply[at + 3] != '-') {
            *ret_behind = r->reply_n - next;
            return true;
        }
        at = next;
    }
    return false;
}

/* Plain text behind the answer to STARTTLS would be taken for text that came over TLS: libESMTP
 * keeps what it has read (the response injection of CVE-2021-38371). */
static void watch_starttls(run *r)
{
    size_t behind = 0;
    bool whole = reply_is_whole(r, &behind);
    if (behind > 0 || r->reply_n == sizeof r->reply) {
        gw_log(GW_LOG_WARN, "plain text behind the answer to STARTTLS, line cut", NULL);
        r->injected = true;
        line_cut(r->line);
    }
    if (whole && r->reply[0] == '2')
        r->at = AT_HANDSHAKE;
}

/* Sees both directions in plain text, so nothing of what we say is kept: it may be a password. */
static void on_traffic(const char *buf, int n, int writing, void *arg)
{
    static const struct {
        const char *verb;
        phase at;
    } verbs[] = {{"STARTTLS", AT_STARTTLS}, {"AUTH", AT_AUTH}, {"MAIL", AT_MESSAGES}};
    run *r = arg;
    if (r->at == AT_MESSAGES || r->quitting || n <= 0)
        return;
    if (writing) {
        r->quitting = n >= 4 && memcmp(buf, "QUIT", 4) == 0;
        for (size_t i = 0; i < GW_COUNT(verbs); i++)
            if ((size_t)n >= strlen(verbs[i].verb) &&
                memcmp(buf, verbs[i].verb, strlen(verbs[i].verb)) == 0)
                r->at = verbs[i].at;
        r->replied_to = true;
        return;
    }
    if (r->replied_to)
        r->reply_n = 0;
    r->replied_to = false;
    size_t room = sizeof r->reply - r->reply_n;
    size_t kept = (size_t)n < room ? (size_t)n : room;
    memcpy(r->reply + r->reply_n, buf, kept);
    r->reply_n += kept;
    if (r->at == AT_STARTTLS)
        watch_starttls(r);
}

static int on_login(auth_client_request_t request, char **result, int fields, void *arg)
{
    const smtp_relay *relay = arg;
    for (int i = 0; i < fields; i++) {
        union {
            const char *given;
            char *mine;
        } answer = {.given = ""};
        if (request[i].flags & AUTH_USER)
            answer.given = relay->config.user;
        else if (request[i].flags & AUTH_PASS)
            answer.given = relay->password.data;
        result[i] = answer.mine;
    }
    return 1;
}

/* ---- the session ---- */

static smtp_link link_of(const run *r)
{
    static const smtp_link links[] = {
        [AT_CONNECT] = SMTP_LINK_CONNECT, [AT_GREETING] = SMTP_LINK_GREETING,
        [AT_STARTTLS] = SMTP_LINK_TLS,    [AT_HANDSHAKE] = SMTP_LINK_TLS,
        [AT_AUTH] = SMTP_LINK_AUTH,       [AT_MESSAGES] = SMTP_LINK_DROPPED,
    };
    int e = smtp_errno();
    if (r->at == AT_CONNECT && e >= SMTP_ERR_EAI_ADDRFAMILY && e <= SMTP_ERR_EAI_SOCKTYPE)
        return SMTP_LINK_RESOLVE;
    return links[r->at];
}

static void set_timeouts(run *r)
{
    const smtp_config *c = &r->relay->config;
    const struct {
        int which, ms;
    } rows[] = {{Timeout_GREETING, c->greeting_ms},
                {Timeout_ENVELOPE, c->envelope_ms},
                {Timeout_DATA, c->data_ms},
                {Timeout_TRANSFER, c->transfer_ms},
                {Timeout_DATA2, c->final_ms}};
    for (size_t i = 0; i < GW_COUNT(rows); i++)
        smtp_set_timeout(r->session, rows[i].which | Timeout_OVERRIDE_RFC2822_MINIMUM, rows[i].ms);
}

static bool set_up(run *r, auth_context_t *ret_auth)
{
    static const enum starttls_option tls[] = {
        [SMTP_TLS_NONE] = Starttls_DISABLED,
        [SMTP_TLS_STARTTLS] = Starttls_ENABLED,
        [SMTP_TLS_REQUIRED] = Starttls_REQUIRED,
    };
    const smtp_config *c = &r->relay->config;
    char server[CHANNEL_HOST_MAX + 16];
    snprintf(server, sizeof server, "%s:%d", c->host, c->port);
    r->session = smtp_create_session();
    if (!r->session || !smtp_set_server(r->session, server))
        return false;
    if (c->hostname[0])
        smtp_set_hostname(r->session, c->hostname);
    smtp_set_eventcb(r->session, on_event, r);
    smtp_set_monitorcb(r->session, on_traffic, r, 0);
    set_timeouts(r);
    smtp_starttls_enable(r->session, tls[c->tls]);
    if (r->relay->tls)
        smtp_starttls_set_ctx(r->session, r->relay->tls); /* takes a reference of its own */
    if (!c->user[0])
        return true;
    *ret_auth = auth_create_context();
    if (!*ret_auth)
        return false;
    auth_set_mechanism_flags(*ret_auth, AUTH_PLUGIN_PLAIN, 0);
    auth_set_interact_cb(*ret_auth, on_login, r->relay);
    return smtp_auth_set_context(r->session, *ret_auth) != 0;
}

static void put_session_reply(run *r)
{
    int code = 0;
    if (r->at == AT_MESSAGES || r->reply_n < 3)
        return;
    for (int i = 0; i < 3; i++)
        code = r->reply[i] >= '0' && r->reply[i] <= '9' ? code * 10 + r->reply[i] - '0' : 0;
    r->seen.session.code = code >= 400 && code <= 599 ? code : 0;
    gw_buf_printf(&r->current->outcome.raw, "SESSION %.*s", (int)r->reply_n, r->reply);
}

/* The session is over and a message is left in it. */
static void settle(run *r, bool may_retry)
{
    bool untouched = !r->alive && !r->seen.content_begun;
    if (untouched && may_retry) {
        r->over = r->current;
        r->current = NULL;
        line_busy(r->line, false);
        gw_buf_clear(&r->over->outcome.raw);
        return;
    }
    r->seen.link = link_of(r);
    put_session_reply(r);
    /* The reply may stand there although libESMTP could make no sense of it: kept, not believed. */
    if (r->message && r->seen.content_begun)
        r->seen.message = reply_of(smtp_message_transfer_status(r->message));
    finish(r);
}

channel_attempt *smtp_session_run(smtp_relay *relay, channel_source *source, line *l,
                                  channel_attempt *first, bool *ret_worked)
{
    run *r = calloc(1, sizeof *r);
    auth_context_t auth = NULL;
    if (!r) {
        channel_decide(first, WIRE_LATER, 0, "no-memory");
        channel_report(source, first);
        return NULL;
    }
    *r = (run){.relay = relay, .source = source, .line = l};
    if (set_up(r, &auth) && begin(r, first)) {
        line_begin_connect(l);
        smtp_start_session(r->session); /* its answer means nothing: what was seen does */
    } else {
        r->current = first;
    }
    /* A session's first message bears its failure; a later one may have met a closing line. */
    if (r->current)
        settle(r, r->current != first);
    line_end(l);
    *ret_worked = r->at == AT_MESSAGES;
    channel_attempt *over = r->over;
    if (r->session)
        smtp_destroy_session(r->session);
    if (auth)
        auth_destroy_context(auth);
    while (r->letters) {
        letter *gone = r->letters;
        r->letters = gone->next;
        free(gone);
    }
    free(r);
    return over;
}
