/* email.h - the e-mail driver: facts and template in, a message out, by SMTP or into the outbox.
 *
 * Fulfils workers/runtime/channel.h. Reason codes (outcome.why) are the rows of smtp_outcome.c and
 * outbox.c; errors of prepare become "invalid", "refused", "limit" in the runtime. */
#ifndef EMAIL_EMAIL_H
#define EMAIL_EMAIL_H

#include "workers/email/smtp.h"
#include "workers/runtime/outbox.h"

typedef enum { EMAIL_OUTBOX, EMAIL_SMTP } email_transport;

typedef struct {
    email_transport transport;
    const char *from_name, *from_address; /* used when the task names no sender */
    const char *reply_to;                 /* may be NULL or "" as all below */
    const char *unsubscribe_mailto;
    const char *unsubscribe_url; /* https; "{id}" stands for the reminder's id */
    bool pdf;                    /* attach the statement as PDF too */
    outbox_config outbox;
    smtp_config smtp;
} email_config;

/* Check the settings and make the driver; nothing is sent. config and its strings are copied.
 * GW_EINVAL (an address or URL that is none), errors of smtp_relay_new. The driver is closed by
 * ret->close(ret->self). */
gw_code email_channel(const email_config *config, channel *ret, gw_err *err) GW_NODISCARD;

#endif
