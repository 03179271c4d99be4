#include "workers/email/smtp_run.h"

#include <stdio.h>

static const char *content(void **ctx, int *len, void *arg)
{
    (void)ctx; /* libESMTP would free it */
    smtp_letter *asked = arg;
    smtp_run *r = asked->run;
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

static const char *envelope_from(smtp_run *r)
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

static bool add_recipient(smtp_run *r, size_t i)
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
static bool put_message(smtp_run *r)
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

smtp_reply smtp_reply_of(const smtp_status_t *s)
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

void smtp_message_take_rcpt(smtp_run *r, size_t i)
{
    smtp_reply reply = smtp_reply_of(smtp_recipient_status(r->rcpts[i]));
    channel_recipient *to = &r->current->outcome.recipients[i];
    to->code = reply.code;
    to->enhanced[0] = '\0';
    if (reply.enhanced[0])
        snprintf(to->enhanced, sizeof to->enhanced, "%d.%d.%d", reply.enhanced[0],
                 reply.enhanced[1], reply.enhanced[2]);
    keep_text(r->current, "RCPT", (int)i, &reply);
}

void smtp_message_finish(smtp_run *r)
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
    channel_report(r->source, a);
    r->finished++;
}

bool smtp_message_begin(smtp_run *r, channel_attempt *a)
{
    r->current = a;
    r->narrowed = false;
    a->outcome.recipient_n = a->task->to_n;
    for (size_t i = 0; i < a->task->to_n; i++)
        a->outcome.recipients[i] = (channel_recipient){.index = (int)i};
    line_busy(r->line, true);
    return put_message(r);
}

bool smtp_message_narrow(smtp_run *r)
{
    r->narrowed = true;
    return put_message(r);
}
