/* smtp_run.h - one session under way, shared by the files of smtp_session.h. Inside of it.
 *
 *   smtp_session.c   the session: set up, events, what is left when it is over
 *   smtp_message.c   one message: handed to libESMTP, its replies, its outcome
 *   smtp_traffic.c   both directions in plain text: how far the session came, injected replies */
#ifndef EMAIL_SMTP_RUN_H
#define EMAIL_SMTP_RUN_H

#include "workers/email/smtp_session.h"

#include <auth-client.h>
#include <libesmtp.h>

enum { REPLY_TEXT_MAX = 512 };

/* How far the session itself has come: the last thing we said before the first MAIL. */
typedef enum {
    AT_CONNECT,
    AT_GREETING,
    AT_STARTTLS,
    AT_HANDSHAKE,
    AT_AUTH,
    AT_MESSAGES
} smtp_phase;

/* What libESMTP has been given for one message. It outlives the attempt, which may be gone when a
 * confused session asks for an old message's content; it must never get another's. */
typedef struct smtp_letter {
    struct smtp_run *run;
    struct smtp_letter *next;
} smtp_letter;

typedef struct smtp_run {
    smtp_relay *relay;
    channel_source *source;
    line *line;
    smtp_session_t session;
    smtp_phase at;
    char reply[REPLY_TEXT_MAX]; /* of the session: greeting, EHLO, STARTTLS, AUTH; what fits */
    size_t reply_n;
    bool replied_to; /* we have said something since */
    bool injected;   /* somebody spoke in plain text behind STARTTLS */
    bool quitting;   /* QUIT was said: the session's reply stays what it was */
    char tls[CHANNEL_TLS_MAX];

    channel_attempt *current;
    smtp_message_t message;
    smtp_letter *letter;                         /* of the current message */
    smtp_letter *letters;                        /* all of this session */
    smtp_recipient_t rcpts[WIRE_RECIPIENTS_MAX]; /* by index into task.to; NULL = left out */
    size_t asked, answered;
    size_t content_at;
    smtp_seen seen;
    bool alive;            /* something was read for the current message */
    int finished;          /* messages that were reported over this session */
    bool narrowed;         /* the current message goes to fewer recipients than it has */
    channel_attempt *over; /* taken, to be sent over another session */
} smtp_run;

/* smtp_message.c */

/* Take up an attempt: it is the current one, and in libESMTP's list. False: out of memory. */
bool smtp_message_begin(smtp_run *r, channel_attempt *a);
/* The current one again, to the recipients that have not said no. */
bool smtp_message_narrow(smtp_run *r);
smtp_reply smtp_reply_of(const smtp_status_t *s);
void smtp_message_take_rcpt(smtp_run *r, size_t i);
/* Decide and report the current one. */
void smtp_message_finish(smtp_run *r);

/* smtp_traffic.c: libESMTP's monitor; arg is the run. Keeps nothing of what we say. */
void smtp_traffic(const char *buf, int n, int writing, void *arg);

#endif
