/* channels.h - the channels dunlin-worker serves, one row each (main.c), and what a row supplies.
 *
 * A row turns the configuration into a driver (runtime/channel.h). The first of its transports is
 * the shipped one: it writes into the local outbox and contacts nobody. */
#ifndef WORKERS_CHANNELS_H
#define WORKERS_CHANNELS_H

#include "config/loader/config.h"
#include "workers/runtime/worker.h"

typedef struct {
    const char *name;       /* "email": the word of --channel */
    const char *transports; /* "outbox|smtp" */
    /* The driver for this transport (NULL: as configured), and in work what depends on the channel:
     * credit, send_threads, message_bytes_max. ret is closed by ret->close(ret->self). */
    gw_code (*open)(const config *c, const char *transport, worker_config *work, channel *ret,
                    gw_err *err);
} channel_program;

extern const channel_program email_program; /* email/email_settings.c */
extern const channel_program sms_program;   /* sms/sms_settings.c */
extern const channel_program voice_program; /* voice/voice_settings.c */

#endif
