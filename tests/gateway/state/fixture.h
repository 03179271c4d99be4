/* fixture.h - one redis-server, one state, and short ways to say what tests say often. */
#ifndef DUNLIN_TEST_STATE_FIXTURE_H
#define DUNLIN_TEST_STATE_FIXTURE_H

#include "gateway/state/state.h"
#include "tests/support/redis_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <hiredis/hiredis.h>

enum { FIXTURE_TIMEOUT_MS = 2000, OUTBOX_MAX = 100000 };

typedef struct {
    redis_server *redis;
    redisContext *raw; /* for looking behind the state's back */
    state *s;
    gw_arena *arena;
    gw_err err;
} fixture;

/* Per-test set-up and tear-down for cmocka; *cm is a fixture. */
int fixture_start(void **cm);
int fixture_stop(void **cm);
/* The raw connection again, after a restart of Redis. */
void fixture_raw(fixture *f);

/* The same n gives the same id; id_in puts it into a shard. */
gw_id id_of(uint64_t n);
gw_id id_in(uint8_t shard, uint64_t n);

state_job job_of(uint64_t rid, uint64_t did, const char *body);
/* Accept one job at now; fails the test unless the call succeeds. */
state_accepted accept_one(fixture *f, state_job job, int64_t now_ms, uint32_t outbox_max);
/* Apply one transition; fails the test unless the call succeeds. */
state_verdict apply_one(fixture *f, state_txn t);
/* A transition on an existing reminder without other checks. */
state_txn txn_on(const gw_id *did, const gw_id *rid, int64_t version, const state_field *sets,
                 size_t n);
gw_str reminder_field(fixture *f, uint8_t shard, const gw_id *rid, const char *name);
gw_str debtor_field(fixture *f, const gw_id *did, const char *name);
state_hash load_reminder(fixture *f, uint8_t shard, const gw_id *rid);
state_debtor load_debtor(fixture *f, const gw_id *did);

/* Every key with its content, for "nothing changed". free() it. */
char *snapshot(fixture *f, size_t *ret_n);
void assert_unchanged(fixture *f, char *before /* freed */, size_t n);

#define FIELD(name, value) ((state_field){GW_STR(name), GW_STR(value)})
#define DROP(name)         ((state_field){GW_STR(name), {NULL, 0}})

#define assert_ok(f, call)                                                                         \
    do {                                                                                           \
        gw_code code_ = (call);                                                                    \
        if (code_ != GW_OK)                                                                        \
            fail_msg("%s: %s", gw_code_name(code_), (f)->err.text);                                \
    } while (0)

#endif
