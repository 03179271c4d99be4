/* smtp_sink.h - Postfix's smtp-sink(1) as a child process on a free port of 127.0.0.1. */
#ifndef TESTS_SMTP_SINK_H
#define TESTS_SMTP_SINK_H

#include <stdbool.h>
#include <sys/types.h>

typedef struct {
    pid_t pid;
    int port;
} smtp_sink;

/* Is it installed? */
bool smtp_sink_is_here(void);
/* flag and value go to its command line; both may be NULL. Waits until it answers. As root it runs
 * as nobody. */
smtp_sink smtp_sink_start(const char *flag, const char *value);
void smtp_sink_stop(smtp_sink *s);

#endif
