/* conn.h - one connection to Redis: commands in, replies out, and what a failure means.
 *
 * Private to gateway/state. A call runs conn_begin, then any number of command/reply steps, then
 * conn_end. Commands are appended to a buffer that is written when it is large or when a reply is
 * wanted, so everything between two replies is one pipeline. Replies come in the order of the
 * commands.
 *
 * After any failure of the connection it is thrown away (hiredis 0.14: a context is unusable after
 * a timeout or a protocol error) and the next conn_begin connects again: at once the first time,
 * then with a back-off that doubles from CONN_BACKOFF_MIN_MS to CONN_BACKOFF_MAX_MS. */
#ifndef DUNLIN_STATE_CONN_H
#define DUNLIN_STATE_CONN_H

#include "gateway/state/state.h"

#include <hiredis/hiredis.h>

enum {
    CONN_TIMEOUT_MS = 5000,
    CONN_BACKOFF_MIN_MS = 10,
    CONN_BACKOFF_MAX_MS = 1000,
    CONN_READS_MAX = 512,               /* plain reads in flight */
    CONN_BUFFER_MAX = 64 * 1024 * 1024, /* one command and what waits before it */
    CONN_KEY_TEXT = 64,                 /* room for any key of ours, NUL included */
};

struct state {
    redisContext *redis; /* NULL while not connected */
    char *unix_socket, *host;
    int port;
    gw_buf user, password; /* wiped at close */
    int timeout_ms, current_timeout_ms;
    int64_t retry_at_ms; /* monotonic; no connection attempt before */
    int backoff_ms;
    gw_buf out;     /* commands not handed to hiredis yet */
    bool writes;    /* this call may change data */
    bool sent;      /* something of this call left this process */
    bool stale;     /* this server is no longer the primary: connect anew before the next call */
    int args_left;  /* of the command being built: a wrong count would garble the connection */
    size_t pending; /* replies still to come */
    size_t outbox_active, due_active[128]; /* shards that had entries last time: fair shares */
    unsigned due_rotor;
    uint64_t roomy; /* shards whose outbox had half its room when we last accepted there */
};

/* Connect if need be. writes: decides whether a lost connection is GW_ETIMEOUT or GW_EBUSY. */
gw_code conn_begin(state *s, bool writes, gw_err *err) GW_NODISCARD;

/* Start a command of argc arguments, then give exactly that many. Failures are kept for conn_reply.
 */
void conn_command(state *s, int argc, const char *name);
void conn_arg(state *s, gw_str arg);
void conn_arg_z(state *s, const char *arg);
void conn_arg_int(state *s, int64_t value);
void conn_arg_id(state *s, const gw_id *id);
/* "r:<rid>" or "d:<did>": what is in a lane, and the last part of its key. */
void conn_arg_member(state *s, char kind, const gw_id *id);
/* Two arguments of ZRANGEBYLEX on "dl:{NN}:p" or "...:f": this debtor's reminders, behind rid text
 * after ("" = all). */
void conn_arg_of_debtor(state *s, const gw_id *did, const char *after);
/* Key "dl:{NN}:<kind>" or, with id, "dl:{NN}:<kind><id text>"; kind "" is the shard's prefix. */
void conn_arg_key(state *s, unsigned shard, const char *kind, const gw_id *id);

/* Write what is buffered. */
gw_code conn_flush(state *s, gw_err *err) GW_NODISCARD;
/* Next reply; the caller frees it with freeReplyObject. An error reply is an error here, mapped
 * (GW_EBUSY: that command was not executed) while the connection stays usable. */
gw_code conn_reply(state *s, redisReply **ret, gw_err *err) GW_NODISCARD;
/* Read and forget replies still due, so that the connection can be used again. */
void conn_end(state *s);
/* Forget the connection at once. */
void conn_drop(state *s);
/* The socket's answer timeout from now on; conn_begin sets it back to the configured one. */
void conn_timeout(state *s, int timeout_ms);

static inline void conn_reply_cleanup(redisReply **r)
{
    if (*r)
        freeReplyObject(*r);
}
#define CONN_REPLY __attribute__((cleanup(conn_reply_cleanup))) redisReply

/* Text of a string reply; p NULL for nil. */
static inline gw_str conn_text(const redisReply *r)
{
    bool text = r->type == REDIS_REPLY_STRING || r->type == REDIS_REPLY_STATUS;
    return text ? (gw_str){r->str, r->len} : (gw_str){NULL, 0};
}
/* An integer reply or a string of digits; otherwise for nil, absent or anything else. */
int64_t conn_int(const redisReply *r, int64_t otherwise);
/* The rid of "<rid>" or of "<did><rid>". */
gw_code conn_rid(const redisReply *r, gw_id *ret, gw_err *err) GW_NODISCARD;
/* Next reply as a hash: HGETALL. version is field v. */
gw_code conn_read_hash(state *s, gw_arena *arena, state_hash *ret, gw_err *err) GW_NODISCARD;
gw_code conn_unexpected(const char *what, gw_err *err);
/* Copy into the arena, with a NUL behind. GW_ENOMEM. */
gw_code conn_copy(gw_arena *arena, const redisReply *r, gw_str *ret, gw_err *err) GW_NODISCARD;

#endif
