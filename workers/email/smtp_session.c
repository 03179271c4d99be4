#include "workers/email/hygiene.h"
#include "workers/email/smtp_run.h"

#include <stdarg.h>
#include <stdio.h>

/* ---- libESMTP's events ---- */

/* Called when a message is done and libESMTP looks for another: wait for one, within limits. */
static void put_next(smtp_run *r)
{
    const smtp_config *c = &r->relay->config;
    if (r->over || r->finished >= c->session_messages || line_was_cut(r->line))
        return;
    channel_attempt *a = smtp_take(r->source, c->idle_ms);
    if (!a)
        return;
    if (line_is_stale(r->line)) /* closed while idle; nothing is lost by a new connection */
        r->over = a;
    else if (!smtp_message_begin(r, a))
        line_cut(r->line); /* out of memory: half a list of recipients must not go out */
}

static void on_mail(smtp_run *r)
{
    r->at = AT_MESSAGES;
    r->alive = true;
    r->seen.mail = smtp_reply_of(smtp_reverse_path_status(r->message));
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
    smtp_message_finish(r);
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
static void on_some_refused(smtp_run *r)
{
    if (some_to_accepted(r->current) && smtp_message_narrow(r))
        return;
    smtp_message_finish(r);
    put_next(r);
}

static void on_recipient(smtp_run *r, smtp_recipient_t rcpt)
{
    bool all_yes = true;
    for (size_t i = 0; i < r->current->task->to_n; i++) {
        if (r->rcpts[i] == rcpt)
            smtp_message_take_rcpt(r, i);
        if (r->rcpts[i] && r->current->outcome.recipients[i].code / 100 != 2)
            all_yes = false;
    }
    if (++r->answered == r->asked && r->current->task->to_n > 1 && !all_yes)
        on_some_refused(r);
}

static void on_message(smtp_run *r)
{
    r->seen.final_reply = true;
    r->seen.message = smtp_reply_of(smtp_message_transfer_status(r->message));
    smtp_message_finish(r);
    put_next(r);
}

static void on_tls(smtp_run *r, const SSL *ssl)
{
    r->at = AT_GREETING; /* EHLO is said again */
    snprintf(r->tls, sizeof r->tls, "%s %s", SSL_get_version(ssl), SSL_get_cipher_name(ssl));
}

static void on_event(smtp_session_t session, int event, void *arg, ...)
{
    (void)session;
    smtp_run *r = arg;
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

static smtp_link link_of(const smtp_run *r)
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

static void set_timeouts(smtp_run *r)
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

static bool set_up(smtp_run *r, auth_context_t *ret_auth)
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
    smtp_set_monitorcb(r->session, smtp_traffic, r, 0);
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

static void put_session_reply(smtp_run *r)
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
static void settle(smtp_run *r, bool may_retry)
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
        r->seen.message = smtp_reply_of(smtp_message_transfer_status(r->message));
    smtp_message_finish(r);
}

channel_attempt *smtp_session_run(smtp_relay *relay, channel_source *source, line *l,
                                  channel_attempt *first, bool *ret_worked)
{
    smtp_run *r = calloc(1, sizeof *r);
    auth_context_t auth = NULL;
    if (!r) {
        channel_decide(first, WIRE_LATER, 0, "no-memory");
        channel_report(source, first);
        return NULL;
    }
    *r = (smtp_run){.relay = relay, .source = source, .line = l};
    if (set_up(r, &auth) && smtp_message_begin(r, first)) {
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
        smtp_letter *gone = r->letters;
        r->letters = gone->next;
        free(gone);
    }
    free(r);
    return over;
}
