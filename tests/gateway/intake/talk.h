/* talk.h - what the tests of intake share: a client's socket onto a real intake and its store, and
 * what dispatch was told. Thread: the test's; ask and receive belong to the owner of the socket. */
#ifndef TESTS_INTAKE_TALK_H
#define TESTS_INTAKE_TALK_H

#include "gateway/wire/event.h"
#include "tests/support/intake_server.h"

enum { PATIENCE_MS = 10000, GLANCE_MS = 300, VERDICTS_MAX = 64, TEXT = 700 };

typedef struct {
    char id[64];
    size_t n;
    char text[VERDICTS_MAX][TEXT];
} reply;

extern intake_server server;
extern void *dealer, *dealer_zmq; /* connected as the billing system erp */
extern state *store;
extern _Atomic uint64_t told_jobs, told_changed; /* what dispatch was told since somebody looked */

int start(void **unused);
int stop(void **unused);

void send_frames(void *socket, const char *const *frames, size_t n);
/* False when nothing came in time. */
bool receive(void *socket, int patience_ms, reply *ret);
reply ask(void *socket, const char *name, const char *const *bodies, size_t n);
reply ask_one(const char *name, const char *body);
void hang_up(void *socket, void *zmq);

void says(const reply *r, size_t i, const char *part);
void job(char ret[TEXT], const char *id, const char *more);
/* The member of a verdict up to its closing quote. */
void member(const char *verdict, const char *name, char ret[64]);
uint64_t accepted_reminders(void);

#endif
