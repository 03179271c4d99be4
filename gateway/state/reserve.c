/* reserve.c - the register of ids: each belongs to one debtor. */
#include "gateway/state/calls.h"

enum { CALL_USES = 1024, USE_ARGS = 2, USE_BYTES = 2 * GW_ID_TEXT };

typedef struct {
    state *s;
    const state_use *uses;
    state_reserved *ret;
} reserving;

static uint8_t shard_of(const void *self, size_t item)
{
    return state_shard(&((const reserving *)self)->uses[item].id);
}

static size_t bytes_of(const void *self, size_t item)
{
    (void)self, (void)item;
    return USE_BYTES;
}

static size_t args_of(const void *self, size_t item)
{
    (void)self, (void)item;
    return USE_ARGS;
}

static void put_use(void *self, size_t item)
{
    const reserving *x = self;
    conn_arg_id(x->s, &x->uses[item].id);
    conn_arg_id(x->s, &x->uses[item].did);
}

static gw_code take_answer(void *self, const uint32_t *items, size_t n, const redisReply *r,
                           gw_err *err)
{
    static const char letters[] = "NSO"; /* in the order of state_reserved */
    const reserving *x = self;
    gw_str got = conn_text(r);
    if (got.n != n)
        return conn_unexpected("dunlin_reserve", err);
    for (size_t i = 0; i < n; i++) {
        const char *at = memchr(letters, got.p[i], sizeof letters - 1);
        if (!at)
            return conn_unexpected("dunlin_reserve", err);
        x->ret[items[i]] = (state_reserved)(at - letters);
    }
    return GW_OK;
}

gw_code state_reserve(state *s, const state_use *uses, size_t n, state_reserved *ret, gw_err *err)
{
    static const calls_plan plan = {
        .doing = "reserving ids",
        .call_max = CALL_USES,
        .shard_of = shard_of,
        .bytes_of = bytes_of,
        .function = "dunlin_reserve",
        .args_of = args_of,
        .put = put_use,
        .take = take_answer,
    };
    for (size_t i = 0; i < n; i++)
        ret[i] = STATE_UNANSWERED;
    reserving x = {s, uses, ret};
    return calls_run(s, &plan, &x, n, err);
}
