/* redis_server.h - a real redis-server for tests: its own folder, a unix socket, durable writes.
 *
 * Started with deploy/redis/private.conf (appendonly yes, appendfsync always, noeviction, save "")
 * in a mkdtemp folder under TMPDIR (/tmp). It can be killed like a crash, stopped so that it holds
 * its connections but answers nothing, and started again on the same data. The server dies with the
 * test process even when that is killed.
 *
 *     GW_AUTO(redis_server_free) redis_server *redis = redis_server_start(NULL);
 *     if (!redis) skip();
 *     ... .unix_socket = redis_server_socket(redis) ...
 *
 * Functions that fail print why on standard error. Thread: one owner; the server ends with the
 * thread that started it, so start it from main. */
#ifndef DUNLIN_TEST_REDIS_SERVER_H
#define DUNLIN_TEST_REDIS_SERVER_H

#include "gateway/base/err.h"

#include <stdbool.h>
#include <sys/types.h>

enum { REDIS_SERVER_EXTRA_MAX = 32 };

typedef struct redis_server redis_server;

/* Start it and wait until it answers PING. extra: NULL-terminated further arguments that override
 * private.conf, e.g. {"--appendfsync", "everysec", NULL}, or NULL; borrowed until free.
 * NULL when redis-server is missing or does not come up. */
redis_server *redis_server_start(const char *const *extra);
/* Kill it, remove its folder. Accepts NULL. */
void redis_server_free(redis_server *s);
GW_CLEANUP_FUNC(redis_server, redis_server_free)

const char *redis_server_socket(const redis_server *s); /* absolute path of the unix socket */
const char *redis_server_dir(const redis_server *s);    /* its data folder */
pid_t redis_server_pid(const redis_server *s);          /* 0 while it is down */

/* SIGKILL and wait for its end: a crash. */
void redis_server_kill(redis_server *s);
/* Start again on the same data (kills first if it runs); false when it does not come up. */
bool redis_server_restart(redis_server *s);
/* SIGSTOP / SIGCONT: alive, connected, silent. */
void redis_server_stop(redis_server *s);
void redis_server_continue(redis_server *s);

#endif
