#include "workers/email/smtp_outcome.h"

#include <stdio.h>

/* What a reply means for the step it answers. */
typedef enum {
    SAID_NOTHING, /* no reply, or one that makes no sense here */
    SAID_YES,
    SAID_LATER,
    SAID_NO,
    SAID_LOGIN, /* our login is wanted or wrong: a matter of configuration, not of this message */
    ANY
} said;

static said meaning(int code)
{
    if (code == 530 || code == 534 || code == 535 || code == 538)
        return SAID_LOGIN;
    if (code >= 200 && code <= 299)
        return SAID_YES;
    if (code >= 400 && code <= 499)
        return SAID_LATER;
    if (code >= 500 && code <= 599)
        return SAID_NO;
    return SAID_NOTHING;
}

/* All `to` recipients together: one that was accepted is enough. */
static said meaning_of_recipients(const channel_attempt *a, int *ret_at)
{
    static const said order[] = {SAID_YES, SAID_LOGIN, SAID_LATER, SAID_NOTHING, SAID_NO};
    for (size_t o = 0; o < GW_COUNT(order); o++)
        for (size_t i = 0; i < a->outcome.recipient_n; i++) {
            const channel_recipient *r = &a->outcome.recipients[i];
            bool is_cc = gw_str_is(a->task->to[r->index].kind, "cc");
            if (!is_cc && meaning(r->code) == order[o]) {
                *ret_at = (int)i;
                return order[o];
            }
        }
    *ret_at = -1;
    return SAID_NOTHING;
}

typedef enum { CODE_NONE, CODE_MAIL, CODE_RECIPIENT, CODE_MESSAGE, CODE_SESSION } code_of;

static const struct {
    bool begun; /* content */
    said mail, to, message;
    wire_result result;
    const char *why;
    code_of code;
} rules[] = {
    /* content  MAIL          RCPT          DATA or dot   outcome         why */
    {true, ANY, SAID_YES, SAID_YES, WIRE_DELIVERED, "accepted", CODE_MESSAGE},
    {true, ANY, ANY, SAID_LATER, WIRE_LATER, "message-later", CODE_MESSAGE},
    {true, ANY, ANY, SAID_LOGIN, WIRE_LATER, "auth", CODE_MESSAGE},
    {true, ANY, ANY, SAID_NO, WIRE_REFUSED, "message-refused", CODE_MESSAGE},
    {true, ANY, ANY, ANY, WIRE_UNKNOWN, "no-final-reply", CODE_MESSAGE},
    {false, SAID_LOGIN, ANY, ANY, WIRE_LATER, "auth", CODE_MAIL},
    {false, SAID_LATER, ANY, ANY, WIRE_LATER, "mail-later", CODE_MAIL},
    {false, SAID_NO, ANY, ANY, WIRE_REFUSED, "mail-refused", CODE_MAIL},
    {false, SAID_YES, SAID_LOGIN, ANY, WIRE_LATER, "auth", CODE_RECIPIENT},
    {false, SAID_YES, SAID_LATER, ANY, WIRE_LATER, "rcpt-later", CODE_RECIPIENT},
    {false, SAID_YES, SAID_NO, ANY, WIRE_REFUSED, "rcpt-refused", CODE_RECIPIENT},
    {false, SAID_YES, SAID_YES, SAID_LOGIN, WIRE_LATER, "auth", CODE_MESSAGE},
    {false, SAID_YES, SAID_YES, SAID_LATER, WIRE_LATER, "message-later", CODE_MESSAGE},
    {false, SAID_YES, SAID_YES, SAID_NO, WIRE_REFUSED, "message-refused", CODE_MESSAGE},
};

static const char *const links[SMTP_LINK_COUNT] = {
    [SMTP_LINK_FINE] = "bad-reply",
    [SMTP_LINK_RESOLVE] = "resolve-failed",
    [SMTP_LINK_CONNECT] = "connect-failed",
    [SMTP_LINK_GREETING] = "greeting",
    [SMTP_LINK_TLS] = "tls",
    [SMTP_LINK_AUTH] = "auth",
    [SMTP_LINK_DROPPED] = "line-dropped",
};

static void put_code(channel_attempt *a, const smtp_reply *r)
{
    a->outcome.code = r->code;
    a->outcome.enhanced[0] = '\0';
    if (r->enhanced[0])
        snprintf(a->outcome.enhanced, sizeof a->outcome.enhanced, "%d.%d.%d", r->enhanced[0],
                 r->enhanced[1], r->enhanced[2]);
}

static bool fits(said wanted, said got)
{
    return wanted == ANY || wanted == got;
}

void smtp_decide(channel_attempt *a, const smtp_seen *seen)
{
    int at;
    said mail = meaning(seen->mail.code);
    said to = meaning_of_recipients(a, &at);
    said message = seen->final_reply ? meaning(seen->message.code) : SAID_NOTHING;
    for (size_t i = 0; i < GW_COUNT(rules); i++) {
        if (rules[i].begun != seen->content_begun || !fits(rules[i].mail, mail) ||
            !fits(rules[i].to, to) || !fits(rules[i].message, message))
            continue;
        channel_decide(a, rules[i].result, 0, rules[i].why);
        if (rules[i].code == CODE_MAIL)
            put_code(a, &seen->mail);
        if (rules[i].code == CODE_MESSAGE)
            put_code(a, &seen->message);
        if (rules[i].code == CODE_RECIPIENT) {
            a->outcome.code = a->outcome.recipients[at].code;
            memcpy(a->outcome.enhanced, a->outcome.recipients[at].enhanced,
                   sizeof a->outcome.enhanced);
        }
        if (rules[i].result == WIRE_UNKNOWN && seen->watchdog)
            channel_decide(a, WIRE_UNKNOWN, a->outcome.code, "watchdog");
        return;
    }
    /* Nothing of the content left and no reply decides: the line is the reason. */
    channel_decide(a, WIRE_LATER, 0, seen->watchdog ? "watchdog" : links[seen->link]);
    put_code(a, &seen->session);
}
