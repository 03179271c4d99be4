/* plant.h - an SMS or voice driver in a folder of its own, its sending thread, and a scripted
 * provider.
 *
 * plant_new makes the folder and the server, the test writes providers/NAME.jsonc and secrets into
 * it, plant_open starts the driver with them. */
#ifndef TESTS_PROVIDERS_PLANT_H
#define TESTS_PROVIDERS_PLANT_H

#include "tests/support/http_server.h"
#include "workers/providers/route.h"
#include "workers/runtime/source.h"
#include "workers/sms/sms.h"
#include "workers/voice/voice.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { PLANT_ATTEMPTS = 64, PLANT_NOW = 1358848800 };

#define REPLY(status, body, more) "HTTP/1.1 " status "\r\n" more "Connection: close\r\n\r\n" body

typedef struct {
    char dir[64];
    http_server *server;
    channel driver;
    channel_source *source;
    template_bundle *bundle;
    void *bench;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    channel_attempt *attempts[PLANT_ATTEMPTS], *reported[PLANT_ATTEMPTS];
    size_t n, reported_n;
} plant;

/* What its template makes of the facts of an attempt. */
extern const char plant_text[];

plant *plant_new(void);
/* name: below the folder. */
void plant_write(const plant *p, const char *name, const char *text, unsigned mode);
/* names: "a,b". creditor: is the source the creditor of its debts? Borrowed. */
void plant_open(plant *p, const char *names, const bool *creditor);
/* The same with calls through providers. */
void plant_open_voice(plant *p, const char *names, const bool *creditor);
void plant_stop(plant *p);

/* An attempt whose window ends in left_s seconds. */
channel_attempt *plant_attempt(plant *p, int64_t left_s);
void plant_prepare(plant *p, channel_attempt *a);
void plant_wait(plant *p, size_t reports);
/* Prepare one, send it, wait for its outcome. */
channel_attempt *plant_send(plant *p);

#endif
