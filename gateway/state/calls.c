#include "gateway/state/calls.h"

typedef struct {
    uint32_t first, n; /* range of order */
} range;

typedef struct {
    state *s;
    const calls_plan *plan;
    void *self;
    uint32_t *order; /* element numbers by shard, stable */
    range open[CALLS_OPEN];
    size_t oldest, count;
    gw_code refused; /* first error reply */
} run;

/* Counting sort. */
static uint32_t *by_shard(const calls_plan *plan, const void *self, size_t n)
{
    uint32_t *order = malloc(n * sizeof *order);
    if (!order)
        return NULL;
    uint32_t at[STATE_SHARDS + 1] = {0};
    for (size_t i = 0; i < n; i++)
        at[plan->shard_of(self, i) + 1]++;
    for (size_t k = 0; k < STATE_SHARDS; k++)
        at[k + 1] += at[k];
    for (size_t i = 0; i < n; i++)
        order[at[plan->shard_of(self, i)]++] = (uint32_t)i;
    return order;
}

static gw_code read_oldest(run *x, gw_err *err)
{
    range c = x->open[x->oldest];
    x->oldest = (x->oldest + 1) % CALLS_OPEN;
    x->count--;
    CONN_REPLY *r = NULL;
    gw_err one = {0};
    gw_code rc = conn_reply(x->s, &r, &one);
    if (rc == GW_OK)
        rc = x->plan->take(x->self, x->order + c.first, c.n, r, &one);
    if (rc == GW_OK || (x->s->redis && x->refused != GW_OK))
        return GW_OK;
    if (err)
        *err = one;
    if (!x->s->redis)
        return rc;
    x->refused = rc;
    return GW_OK;
}

/* One command: its shards as keys, then for each their number of items and those. */
static void send_call(run *x, range c)
{
    const calls_plan *plan = x->plan;
    const uint32_t *items = x->order + c.first;
    uint32_t in_shard[STATE_SHARDS] = {0};
    size_t keys = 0, args = 3 + plan->head_args;
    for (uint32_t i = 0; i < c.n; i++) {
        keys += in_shard[plan->shard_of(x->self, items[i])]++ == 0;
        args += plan->args_of(x->self, items[i]);
    }
    conn_command(x->s, (int)(args + 2 * keys), "FCALL");
    conn_arg_z(x->s, plan->function);
    conn_arg_int(x->s, (int64_t)keys);
    for (unsigned k = 0; k < STATE_SHARDS; k++)
        if (in_shard[k])
            conn_arg_key(x->s, k, "", NULL);
    if (plan->put_head)
        plan->put_head(x->self);
    for (uint32_t i = 0; i < c.n;) {
        uint32_t n = in_shard[plan->shard_of(x->self, items[i])];
        conn_arg_int(x->s, n);
        for (; n > 0; n--)
            plan->put(x->self, items[i++]);
    }
}

static gw_code run_all(run *x, size_t n, gw_err *err)
{
    for (uint32_t from = 0; from < n;) {
        range c = {from, 0};
        size_t bytes = 0;
        while (from < n && c.n < x->plan->call_max && bytes < CALLS_BYTES) {
            bytes += x->plan->bytes_of(x->self, x->order[from++]);
            c.n++;
        }
        gw_code rc = x->count == CALLS_OPEN ? read_oldest(x, err) : GW_OK;
        if (rc != GW_OK)
            return rc;
        send_call(x, c);
        x->open[(x->oldest + x->count++) % CALLS_OPEN] = c;
        rc = conn_flush(x->s, err);
        if (rc != GW_OK)
            return rc;
    }
    return GW_OK;
}

gw_code calls_run(state *s, const calls_plan *plan, void *self, size_t n, gw_err *err)
{
    run x = {.s = s, .plan = plan, .self = self};
    if (n == 0)
        return GW_OK;
    if (n > STATE_BATCH_MAX)
        return gw_fail(err, GW_ELIMIT, "%s: more than %d in one batch", plan->doing,
                       STATE_BATCH_MAX);
    GW_AUTO_FREE uint32_t *order = by_shard(plan, self, n);
    if (!order)
        return gw_fail(err, GW_ENOMEM, "%s", plan->doing);
    x.order = order;
    gw_code rc = conn_begin(s, true, err);
    if (rc == GW_OK)
        rc = run_all(&x, n, err);
    while (rc == GW_OK && x.count)
        rc = read_oldest(&x, err);
    conn_end(s);
    if (rc == GW_OK)
        rc = x.refused;
    return rc == GW_OK ? GW_OK : gw_wrap(err, rc, "%s", plan->doing);
}
