#include "gateway/dispatch/recorder.h"

#include "gateway/base/crash.h"
#include "gateway/base/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

enum {
    BLOCK_MS = 100,
    REST_MS = 200,
    REST_MAX_MS = 50,
    ARENA = 512 << 20,
    BATCH = 2048,
    POS_TEXT = 64
};

struct recorder {
    state *store;
    evidence *ev;
    void (*failed)(void *arg);
    void *arg;
    gw_arena *arena;
    pthread_t thread;
    bool running, trim_again;
    int64_t worked_ms;                 /* of the last turn, without waiting for entries */
    char last[STATE_SHARDS][POS_TEXT]; /* logged stream id per shard */
    _Atomic bool stop, ok;
    _Atomic uint64_t moved;
};

static void rest(int ms)
{
    struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

/* ---- one group ---- */

static bool to_drafts(recorder *r, const state_outbox_entry *e, size_t n, evidence_draft **ret)
{
    evidence_draft *list = gw_arena_alloc(r->arena, n * sizeof *list);
    for (size_t i = 0; i < n && list; i++) {
        const state_record *rec = &e[i].rec;
        char *pos = gw_arena_alloc(r->arena, POS_TEXT);
        if (!pos)
            return false;
        int len = snprintf(pos, POS_TEXT, "%02d-%.*s", e[i].shard, GW_STR_ARG(e[i].stream_id));
        list[i] = (evidence_draft){.outbox_pos = {pos, (size_t)len},
                                   .event = rec->event,
                                   .t = rec->t,
                                   .source = rec->source,
                                   .debtor = rec->debtor,
                                   .case_id = rec->case_id,
                                   .rid = rec->rid,
                                   .attempt = rec->attempt,
                                   .why = rec->why,
                                   .level = rec->level,
                                   .fact = rec->fact,
                                   .priv = rec->priv,
                                   .body = e[i].body,
                                   .blobs = rec->blobs};
    }
    *ret = list;
    return list != NULL;
}

static void set_ok(recorder *r, bool ok, const gw_err *err, const char *doing)
{
    if (atomic_exchange(&r->ok, ok) == ok)
        return;
    if (ok)
        gw_log(GW_LOG_INFO, "evidence is written again", NULL);
    else
        gw_log(GW_LOG_ERROR, "evidence cannot be written: nothing is sent",
               "doing=%s code=%s text=\"%s\"", doing, gw_code_name(err->code), err->text);
}

/* What cannot be trimmed now is trimmed in a later turn; `last` keeps it from being read again.
 * group: its last entry per shard. When an earlier trim failed, or a predecessor died before it,
 * all that is logged goes with it; else a shard without news would keep what is logged already. */
static void trim(recorder *r, const gw_str group[STATE_SHARDS])
{
    gw_err err = {0};
    gw_str through[STATE_SHARDS];
    for (int i = 0; i < STATE_SHARDS; i++)
        through[i] = r->trim_again ? gw_str_of(r->last[i]) : group[i];
    r->trim_again = state_outbox_trim_all(r->store, through, &err) != GW_OK;
    if (r->trim_again)
        gw_log(GW_LOG_WARN, "outbox not trimmed yet", "code=%s", gw_code_name(err.code));
}

static gw_code move_group(recorder *r, const state_outbox_entry *e, size_t n, gw_err *err)
{
    evidence_draft *drafts;
    gw_str through[STATE_SHARDS] = {{NULL, 0}};
    if (!to_drafts(r, e, n, &drafts))
        return gw_fail(err, GW_ENOMEM, "moving %zu records", n);
    gw_code rc = evidence_append(r->ev, drafts, n, err);
    if (rc != GW_OK)
        return rc;
    GW_CRASH_POINT("recorder-after-append");
    for (size_t i = 0; i < n; i++) {
        through[e[i].shard] = e[i].stream_id;
        snprintf(r->last[e[i].shard], POS_TEXT, "%.*s", GW_STR_ARG(e[i].stream_id));
    }
    atomic_fetch_add(&r->moved, n);
    GW_CRASH_POINT("recorder-before-trim");
    trim(r, through);
    return GW_OK;
}

/* Entries moved, or -1 after a failure (waited already). */
static int turn(recorder *r, int block_ms)
{
    gw_err err = {0};
    gw_str last[STATE_SHARDS];
    state_outbox_entry *e;
    size_t n;
    gw_arena_reset(r->arena);
    for (int i = 0; i < STATE_SHARDS; i++)
        last[i] = gw_str_of(r->last[i]);
    if (state_outbox_read(r->store, last, BATCH, block_ms, r->arena, &e, &n, &err) != GW_OK) {
        rest(REST_MS); /* dispatch sees the same store fail and says so */
        return -1;
    }
    gw_mono began = gw_mono_now();
    if (r->trim_again && n == 0)
        trim(r, last);
    gw_code rc = n ? move_group(r, e, n, &err) : GW_OK;
    const char *doing = "append";
    if (rc == GW_OK) {
        doing = "checkpoint";
        rc = evidence_tick(r->ev, gw_mono_now(), &err);
    }
    set_ok(r, rc == GW_OK, &err, doing);
    r->worked_ms = gw_mono_now().ms - began.ms;
    if (rc == GW_OK)
        return (int)n;
    if (rc == GW_EIO || rc == GW_ECORRUPT) {
        atomic_store(&r->stop, true);
        r->failed(r->arg);
        return -1;
    }
    rest(REST_MS);
    return -1;
}

/* After a group that was not full it rests as long as that took: what comes meanwhile shares the
 * next group's syncs. Nothing that is sent waits for the log, so this costs nobody time, and at a
 * thousand jobs a second it is a third of the recorder's work. */
static void *run(void *arg)
{
    recorder *r = arg;
    pthread_setname_np(pthread_self(), "recorder");
    while (!atomic_load(&r->stop)) {
        r->worked_ms = 0;
        int moved = turn(r, BLOCK_MS);
        if (moved > 0 && moved < BATCH)
            rest(r->worked_ms < REST_MAX_MS ? (int)r->worked_ms : REST_MAX_MS);
    }
    return NULL;
}

/* ---- start and stop ---- */

/* Where the log stands: what was appended but not trimmed before a crash is not read again. */
static gw_code recover_positions(recorder *r, gw_err *err)
{
    gw_str last[EVIDENCE_SHARDS];
    gw_code rc = evidence_positions(r->ev, last);
    if (rc != GW_OK)
        return gw_fail(err, rc, "reading the log's positions");
    for (int i = 0; i < EVIDENCE_SHARDS; i++)
        if (last[i].n < POS_TEXT)
            snprintf(r->last[i], POS_TEXT, "%.*s", GW_STR_ARG(last[i]));
    return GW_OK;
}

gw_code recorder_start(const state_config *config, evidence *ev, void (*failed)(void *arg),
                       void *arg, recorder **ret, gw_err *err)
{
    recorder *r = calloc(1, sizeof *r);
    if (!r)
        return gw_fail(err, GW_ENOMEM, "starting the recorder");
    r->ev = ev;
    r->failed = failed;
    r->arg = arg;
    atomic_init(&r->ok, true);
    r->arena = gw_arena_new(ARENA);
    gw_code rc = r->arena ? state_open(config, &r->store, err)
                          : gw_fail(err, GW_ENOMEM, "starting the recorder");
    r->trim_again = true; /* the one before may have died between append and trim */
    if (rc == GW_OK)
        rc = recover_positions(r, err);
    if (rc == GW_OK && pthread_create(&r->thread, NULL, run, r) != 0)
        rc = gw_fail(err, GW_ENOMEM, "starting the recorder's thread");
    r->running = rc == GW_OK;
    if (rc != GW_OK) {
        recorder_stop(r);
        return rc;
    }
    *ret = r;
    return GW_OK;
}

void recorder_stop(recorder *r)
{
    if (!r)
        return;
    bool failed = atomic_exchange(&r->stop, true);
    if (r->running)
        pthread_join(r->thread, NULL);
    gw_err err = {0};
    if (r->running && !failed) {
        while (turn(r, 0) > 0)
            ;
        if (evidence_checkpoint(r->ev, &err) != GW_OK)
            gw_log(GW_LOG_WARN, "no last checkpoint", "code=%s", gw_code_name(err.code));
    }
    state_close(r->store);
    gw_arena_free(r->arena);
    free(r);
}

bool recorder_ok(const recorder *r)
{
    return atomic_load(&r->ok);
}

uint64_t recorder_moved(const recorder *r)
{
    return atomic_load(&r->moved);
}
