/* calls.h - many elements to one function: ordered by shard, cut into calls, pipelined.
 *
 * Elements of one shard keep their order. A call carries several shards, one key each: Redis reads
 * a connection 16 KB at a time and syncs after each such piece, so many small calls cost one fsync
 * per few jobs and one large call costs one. A cluster would need a call per shard; the functions
 * allow both. A call is closed at plan->call_max elements or CALLS_BYTES of arguments, so that none
 * holds the server up for long; at most CALLS_OPEN are in flight. */
#ifndef DUNLIN_STATE_CALLS_H
#define DUNLIN_STATE_CALLS_H

#include "gateway/state/conn.h"

enum {
    CALLS_BYTES = 512 * 1024, /* a call is closed when its arguments reach this */
    CALLS_OPEN = 4,           /* bounds memory on both sides */
};

typedef struct {
    const char *doing; /* for errors: "accepting jobs" */
    size_t call_max;
    uint8_t (*shard_of)(const void *self, size_t item);
    size_t (*bytes_of)(const void *self, size_t item);
    const char *function;
    size_t head_args; /* arguments before the first shard's */
    void (*put_head)(const void *self);
    size_t (*args_of)(const void *self, size_t item);
    void (*put)(void *self, size_t item); /* append these arguments; failure stays in s->out.code */
    /* Take its answer. */
    gw_code (*take)(void *self, const uint32_t *items, size_t n, const redisReply *r, gw_err *err);
} calls_plan;

/* Run all n elements as one call of the public interface (conn_begin to conn_end, writing). A call
 * that the server refuses does not keep the others from being answered; the first refusal is
 * returned. */
gw_code calls_run(state *s, const calls_plan *plan, void *self, size_t n, gw_err *err) GW_NODISCARD;

#endif
