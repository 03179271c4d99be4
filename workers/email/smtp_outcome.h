/* smtp_outcome.h - from what was seen of one SMTP transaction to its outcome. Pure.
 *
 * The rules, first match wins (RFC 5321 §4.2.1, §6.1; RFC 1047 on the gap after the final dot):
 *     content not begun   a reply 5xx to MAIL, RCPT (every `to`) or DATA     refused
 *                         ... 530, 534, 535, 538 (our login is wanted)       later, "auth"
 *                         a reply 4xx                                        later
 *                         anything else: refused connection, no TLS,
 *                         a dropped line, a reply that makes no sense        later
 *     content begun       final reply 2xx and a `to` accepted                delivered
 *                         final reply 4xx                                    later
 *                         final reply 5xx                                    refused
 *                         no, late, or senseless final reply                 unknown
 * A 2xx to DATA itself is senseless: it is not a delivery. */
#ifndef EMAIL_SMTP_OUTCOME_H
#define EMAIL_SMTP_OUTCOME_H

#include "workers/runtime/channel.h"

typedef struct {
    int code; /* 0 = none */
    int enhanced[3];
    const char *text; /* borrowed, may be NULL */
} smtp_reply;

/* Why there was no transaction at all. */
typedef enum {
    SMTP_LINK_FINE,
    SMTP_LINK_RESOLVE,
    SMTP_LINK_CONNECT,
    SMTP_LINK_GREETING,
    SMTP_LINK_TLS,
    SMTP_LINK_AUTH,
    SMTP_LINK_DROPPED,
    SMTP_LINK_COUNT
} smtp_link;

typedef struct {
    smtp_link link;     /* why the session ended, if it did */
    smtp_reply session; /* last greeting, EHLO, STARTTLS or AUTH reply, where link says so */
    smtp_reply mail;    /* to MAIL FROM */
    smtp_reply message; /* to DATA while content_begun is false, else to the final dot */
    bool content_begun; /* the library asked for the content: bytes may have left */
    bool final_reply;   /* libESMTP accepted message as a well-formed answer */
    bool watchdog;      /* our watchdog cut the line */
} smtp_seen;

/* Fill a->outcome (result, code, enhanced, why) from seen and from the recipients' codes, which are
 * in a->outcome.recipients already. */
void smtp_decide(channel_attempt *a, const smtp_seen *seen);

#endif
