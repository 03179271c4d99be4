/* bench_mail.h - what e-mail tests share: attempts made by hand and a relay with one sending
 * thread. */
#ifndef TESTS_BENCH_MAIL_H
#define TESTS_BENCH_MAIL_H

#include "tests/support/smtp_server.h"
#include "workers/email/smtp.h"
#include "workers/runtime/source.h"

/* Three of them end the list: to, to, cc in the order given; NULL kind is "to". */
typedef struct {
    const char *address, *kind;
} rcpt;

/* An attempt that has had its GO: rid "r<number>", a small message. rcpts ends with a NULL address;
 * NULL is one recipient debtor@example.test. */
channel_attempt *mail_attempt(int number, const rcpt *rcpts);
/* Replace the message's bytes. */
void mail_attempt_bytes(channel_attempt *a, const char *bytes);

typedef struct mail_rig mail_rig;
/* Sending threads over config. */
mail_rig *mail_rig_start(const smtp_config *config, int threads);
void mail_rig_put(mail_rig *r, channel_attempt *a);
/* Wait for n outcomes in all (10 s), then answer the i-th reported. */
channel_attempt *mail_rig_outcome(mail_rig *r, size_t i);
/* The one with this rid; waits until n outcomes are there. */
channel_attempt *mail_rig_outcome_of(mail_rig *r, size_t n, const char *rid);
smtp_relay *mail_rig_relay(mail_rig *r);
/* Close the source, join, free. */
void mail_rig_stop(mail_rig *r);

/* Settings for a server of smtp_server.h: plain, short timeouts. */
smtp_config mail_config(const smtp_server *s);

#endif
