/* phone.h - the called party of the voice tests: sipp with a scenario of tests/workers/voice/sipp,
 * and the sound it plays: words, pauses and keys (RFC 4733) as a packet capture. */
#ifndef TEST_PHONE_H
#define TEST_PHONE_H

#include "gateway/base/buf.h"

#include <sys/types.h>

typedef struct {
    pid_t pid;
    int port;
    char dir[128];
} phone;

/* Are sipp and baresip there, and may sipp send from a capture (it needs a raw socket)? */
bool phone_possible(void);
/* What the called party lets hear: 'h' 100 ms of voice, '.' 100 ms of silence, a digit that key. */
void phone_start(phone *p, const char *scenario, const char *sound);
/* Ends sipp; true when the scenario went to its end. */
bool phone_stop(phone *p);

#endif
