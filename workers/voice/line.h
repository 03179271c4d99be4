/* line.h - the body of a sending thread: attempts become calls, one at a time, over one trunk.
 *
 * The call goes as call.h says. What it reports:
 *   result, why   call_end_result, call_end_name
 *   code          the SIP status that ended it unanswered
 *   call          times, recognition, right party, key (channel.h)
 *   raw           what happened when, a line each (no number, no text)
 *
 * A line that cannot be started, or that refuses the command to dial, has called nobody: later.
 * Once the command to dial may have been read and the line is lost: unknown. */
#ifndef VOICE_LINE_H
#define VOICE_LINE_H

#include "gateway/wire/call.h"
#include "workers/runtime/channel.h"
#include "workers/voice/trunk.h"

typedef struct {
    const trunk_driver *trunk;
    const void *trunk_config; /* borrowed */
    const char *host;         /* where calls go, for the outcome */
    const char *provider;     /* the trunk's file in config/providers; "" it has none */
    call_plan plan;           /* without the parts' lengths */
    int no_answer_ms;         /* until the next try after nobody answered */
    int busy_ms;              /* after busy, and after a carrier's failure */
    int call_back_ms;         /* after "call me later" */
} line_config;

/* config is borrowed. */
void line_serve(const line_config *config, channel_source *source);

#endif
