/* accept.c - the fast path of submit: ids to the register, then jobs to dunlin_accept. */
#include "gateway/base/crash.h"
#include "gateway/state/calls.h"
#include "gateway/state/head.h"

enum { CALL_JOBS = 512, JOB_ARGS = 3 };

typedef struct {
    state *s;
    const state_job *jobs;
    const uint32_t *pick; /* the jobs of this run, as indexes into jobs and ret */
    gw_wall now;
    uint32_t outbox_max;
    gw_arena *arena;
    state_accepted *ret;
    gw_buf head; /* one packed field a */
} accepting;

static gw_code check_job(const state_job *j, gw_err *err)
{
    const struct {
        const char *name;
        gw_str value;
    } names[] = {{"source", j->source},
                 {"debtor", j->debtor},
                 {"case", j->case_id},
                 {"job", j->job},
                 {"channel", j->channel}};
    for (size_t i = 0; i < GW_COUNT(names); i++)
        if (names[i].value.n > STATE_NAME_MAX)
            return gw_fail(err, GW_ELIMIT, "job: its %s is longer than %d bytes", names[i].name,
                           STATE_NAME_MAX);
    if (j->body.n > STATE_BODY_MAX)
        return gw_fail(err, GW_ELIMIT, "job: its body is larger than %d bytes", STATE_BODY_MAX);
    return GW_OK;
}

static const state_job *job_at(const void *self, size_t item)
{
    const accepting *a = self;
    return &a->jobs[a->pick[item]];
}

static uint8_t shard_of(const void *self, size_t item)
{
    return state_shard(&job_at(self, item)->did);
}

static size_t bytes_of(const void *self, size_t item)
{
    return job_at(self, item)->body.n;
}

static void put_head(const void *self)
{
    const accepting *a = self;
    conn_arg_int(a->s, a->outbox_max);
}

static size_t args_of(const void *self, size_t item)
{
    (void)self, (void)item;
    return JOB_ARGS;
}

static void put_job(void *self, size_t item)
{
    accepting *a = self;
    const state_job *j = job_at(a, item);
    gw_buf_clear(&a->head);
    head_pack(j, a->now, &a->head);
    if (a->head.code != GW_OK)
        a->s->out.code = a->head.code;
    char listed[2 * GW_ID_TEXT];
    gw_id_format(&j->did, listed);
    gw_id_format(&j->rid, listed + GW_ID_TEXT - 1);
    conn_arg_key(a->s, state_shard(&j->did), "r:", &j->rid);
    conn_arg(a->s, (gw_str){listed, (size_t)2 * (GW_ID_TEXT - 1)});
    conn_arg(a->s, gw_buf_str(&a->head));
}

/* The reminder that is there already: a job tells all in field a, a ladder step at and b. */
static gw_code take_existing(accepting *a, const state_job *job, redisReply *const *r, bool step,
                             state_accepted *ret, gw_err *err)
{
    gw_str parts[HEAD_PARTS] = {{0}}, body;
    gw_code rc = GW_OK;
    if (step) {
        ret->accepted_ms = conn_int(r[0], 0);
        body = conn_text(r[1]);
    } else {
        rc = head_unpack(conn_text(r[0]), NULL, parts, err);
        if (rc != GW_OK)
            return rc;
        ret->accepted_ms = strtoll(parts[HEAD_AT].p, NULL, 10); /* a comma ends it */
        body = parts[HEAD_BODY];
    }
    ret->code = gw_str_eq(body, job->body) ? STATE_DUPLICATE : STATE_DIFFERENT;
    if (ret->code == STATE_DUPLICATE)
        return GW_OK;
    ret->stored_body = (gw_str){gw_arena_copy(a->arena, body), body.n};
    return ret->stored_body.p ? GW_OK
                              : gw_fail(err, GW_ENOMEM, "a stored body does not fit the arena");
}

static const struct {
    char letter;
    uint8_t extra; /* elements it brings */
    state_accept_code code;
} letters[] = {
    {'A', 0, STATE_ACCEPTED},
    {'B', 0, STATE_BUSY},
    {'J', 1, STATE_UNSURE}, /* the body decides: take_existing */
    {'S', 2, STATE_UNSURE},
};

/* rooms: a letter for each shard of the call, in order. */
static gw_code note_rooms(accepting *a, const uint32_t *items, size_t n, gw_str rooms, gw_err *err)
{
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t shard = shard_of(a, items[i]);
        uint64_t bit = UINT64_C(1) << shard;
        if (i > 0 && shard == shard_of(a, items[i - 1]))
            continue;
        if (k == rooms.n)
            return conn_unexpected("dunlin_accept", err);
        a->s->roomy = rooms.p[k++] == 'R' ? a->s->roomy | bit : a->s->roomy & ~bit;
    }
    return GW_OK;
}

static gw_code take_answer(void *self, const uint32_t *items, size_t n, const redisReply *r,
                           gw_err *err)
{
    accepting *a = self;
    if (r->type != REDIS_REPLY_ARRAY || r->elements < 2 || conn_text(r->element[0]).n != n)
        return conn_unexpected("dunlin_accept", err);
    const char *codes = r->element[0]->str;
    gw_code known = note_rooms(a, items, n, conn_text(r->element[1]), err);
    if (known != GW_OK)
        return known;
    size_t at = 2;
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < GW_COUNT(letters) && letters[k].letter != codes[i])
            k++;
        if (k == GW_COUNT(letters) || at + letters[k].extra > r->elements)
            return conn_unexpected("dunlin_accept", err);
        state_accepted got = {.code = letters[k].code};
        if (got.code == STATE_ACCEPTED)
            got.accepted_ms = a->now.ms;
        gw_code rc = letters[k].extra == 0 ? GW_OK
                                           : take_existing(a, job_at(a, items[i]), r->element + at,
                                                           letters[k].extra == 2, &got, err);
        if (rc != GW_OK)
            return rc;
        at += letters[k].extra;
        a->ret[a->pick[items[i]]] = got;
    }
    return GW_OK;
}

static gw_code run(accepting *a, const uint32_t *pick, size_t n, uint32_t outbox_max, gw_err *err)
{
    static const calls_plan plan = {
        .doing = "accepting jobs",
        .call_max = CALL_JOBS,
        .shard_of = shard_of,
        .bytes_of = bytes_of,
        .function = "dunlin_accept",
        .head_args = 1,
        .put_head = put_head,
        .args_of = args_of,
        .put = put_job,
        .take = take_answer,
    };
    a->pick = pick;
    a->outbox_max = outbox_max;
    return calls_run(a->s, &plan, a, n, err);
}

/* Which of the jobs' shards have an outbox at its bound. Those that had half their room or more
 * when we last accepted something there are not asked; if others filled one since, dunlin_accept
 * finds out, at the price of a few ids that wait for their job. */
static gw_code find_full(const accepting *a, size_t n, uint64_t *ret, gw_err *err)
{
    uint64_t asked = 0, full = 0;
    for (size_t i = 0; i < n; i++)
        asked |= UINT64_C(1) << state_shard(&a->jobs[i].did);
    if (n <= a->outbox_max / 2)
        asked &= ~a->s->roomy;
    if (!asked) {
        *ret = 0;
        return GW_OK;
    }
    gw_code rc = conn_begin(a->s, false, err);
    for (unsigned k = 0; k < STATE_SHARDS && rc == GW_OK; k++)
        if (asked >> k & 1) {
            conn_command(a->s, 2, "XLEN");
            conn_arg_key(a->s, k, "out", NULL);
        }
    for (unsigned k = 0; k < STATE_SHARDS && rc == GW_OK; k++) {
        CONN_REPLY *r = NULL;
        if (!(asked >> k & 1))
            continue;
        rc = conn_reply(a->s, &r, err);
        if (rc == GW_OK && conn_int(r, 0) >= a->outbox_max)
            full |= UINT64_C(1) << k;
    }
    conn_end(a->s);
    if (rc == GW_OK)
        *ret = full;
    return rc == GW_OK ? GW_OK : gw_wrap(err, rc, "accepting jobs");
}

typedef struct {
    uint32_t *open, *full; /* indexes of jobs */
    size_t open_n, full_n;
    state_use *uses; /* of the open ones */
    state_reserved *reserved;
} sorted;

/* Reserve the ids of the open jobs; those that are this debtor's stay in the list. */
static gw_code reserve(accepting *a, sorted *x, gw_err *err)
{
    for (size_t i = 0; i < x->open_n; i++)
        x->uses[i] = (state_use){a->jobs[x->open[i]].rid, a->jobs[x->open[i]].did};
    gw_code rc = state_reserve(a->s, x->uses, x->open_n, x->reserved, err);
    size_t kept = 0;
    for (size_t i = 0; i < x->open_n; i++) {
        if (x->reserved[i] == STATE_TAKEN)
            a->ret[x->open[i]].code = STATE_ELSEWHERE;
        if (x->reserved[i] == STATE_RESERVED || x->reserved[i] == STATE_ITS_OWN)
            x->open[kept++] = x->open[i];
    }
    x->open_n = kept;
    return rc;
}

/* A job of a shard without room is not reserved, so that refused jobs leave nothing behind; it is
 * asked for with room for none, which finds those that were accepted before. */
static gw_code accept_all(accepting *a, size_t n, sorted *x, gw_err *err)
{
    const uint32_t outbox_max = a->outbox_max;
    uint64_t full = 0;
    gw_code rc = find_full(a, n, &full, err);
    if (rc != GW_OK)
        return rc;
    for (uint32_t i = 0; i < n; i++)
        if (full >> state_shard(&a->jobs[i].did) & 1)
            x->full[x->full_n++] = i;
        else
            x->open[x->open_n++] = i;
    rc = reserve(a, x, err);
    GW_CRASH_POINT("accept-after-reserve");
    if (rc == GW_OK)
        rc = run(a, x->open, x->open_n, outbox_max, err);
    return rc == GW_OK ? run(a, x->full, x->full_n, 0, err) : rc;
}

gw_code state_accept(state *s, const state_job *jobs, size_t n, gw_wall now, uint32_t outbox_max,
                     gw_arena *arena, state_accepted *ret, gw_err *err)
{
    for (size_t i = 0; i < n; i++)
        ret[i] = (state_accepted){.code = STATE_UNSURE};
    for (size_t i = 0; i < n; i++) {
        gw_code rc = check_job(&jobs[i], err);
        if (rc != GW_OK)
            return rc;
    }
    accepting a = {
        .s = s, .jobs = jobs, .now = now, .outbox_max = outbox_max, .arena = arena, .ret = ret};
    sorted x = {
        .open = malloc((n + 1) * sizeof *x.open),
        .full = malloc((n + 1) * sizeof *x.full),
        .uses = malloc((n + 1) * sizeof *x.uses),
        .reserved = malloc((n + 1) * sizeof *x.reserved),
    };
    gw_buf_init(&a.head, HEAD_MAX);
    gw_code rc = x.open && x.full && x.uses && x.reserved
                     ? accept_all(&a, n, &x, err)
                     : gw_fail(err, GW_ENOMEM, "accepting jobs");
    gw_buf_done(&a.head);
    free(x.open);
    free(x.full);
    free(x.uses);
    free(x.reserved);
    return rc;
}
