/* smtp_session.h - one libESMTP session, from connecting to its end, with all that goes over it.
 * Inside of smtp.c. Thread: the session's own. */
#ifndef EMAIL_SMTP_SESSION_H
#define EMAIL_SMTP_SESSION_H

#include "workers/email/line.h"
#include "workers/email/smtp.h"
#include "workers/email/smtp_outcome.h"

#include <openssl/ssl.h>

struct smtp_relay {
    smtp_config config; /* defaults filled in; strings are in `strings` */
    gw_buf strings[7];
    gw_buf password;
    SSL_CTX *tls;
    line_set *lines;
    pthread_mutex_t lock;
    int failures;          /* sessions in a row that did not come to a message */
    int64_t hold_until_ms; /* monotonic; no session is started before */
};

/* Send `first` and then what the source has, over one session. Every attempt taken is reported,
 * except one of which nothing was sent and that may go first over a new session: it is returned.
 * *ret_worked: the session got as far as MAIL. */
channel_attempt *smtp_session_run(smtp_relay *r, channel_source *source, line *l,
                                  channel_attempt *first, bool *ret_worked);

#endif
