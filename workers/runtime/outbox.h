/* outbox.h - the transport that contacts nobody: each message becomes a file.
 *
 * <folder>/<yyyy-mm-dd>/<rid><suffix>, written beside its name and renamed, so that a file that is
 * there is whole. The day is the UTC day of GO's clock, so a replay under the manual clock lands in
 * the replayed days. Writing the same reminder again replaces the file with the same bytes. With
 * sync the file and its folder are fsynced before the attempt is reported; sessions batch what is
 * queued into one folder sync. Outcome: delivered, code 0, why "outbox". A full or broken disk is
 * `later`.
 *
 * Thread: outbox_serve is the body of sending threads, several may run. */
#ifndef WORKERS_OUTBOX_H
#define WORKERS_OUTBOX_H

#include "workers/runtime/channel.h"

enum { OUTBOX_BATCH_MAX = 64 };

typedef struct {
    const char *folder;
    const char *suffix; /* names the channel: ".eml", ".sms.json" */
    bool sync;
    /* A second file beside the first, or NULL: append its bytes; none appended, none written. */
    gw_code (*also)(const channel_attempt *a, gw_buf *out, gw_err *err);
    const char *also_suffix;
} outbox_config;

void outbox_serve(const outbox_config *config, channel_source *source);

#endif
