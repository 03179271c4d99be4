/* channel.h - the contract every channel driver (email, sms, voice) fulfils.
 *
 * A task from the gateway becomes an attempt. The runtime carries it through
 *     prepare (bytes exist) -> INTENT (the gateway makes them durable) -> GO -> serve -> OUTCOME
 * and the driver supplies the two steps that know the channel. Promises of every driver:
 *
 *  1. prepare builds the exact bytes and does no network I/O. The same task, facts and template
 *     give the same bytes, on any machine, on every attempt.
 *  2. prepare runs on a preparing thread and may take as long as rendering takes; it must not wait
 *     for anything outside the process, but for a program it starts itself, for a limited time
 *     (voice: the one that speaks).
 *  3. The network is touched only inside serve, and only for an attempt that channel_take handed
 *     out: the runtime hands it out only after GO, and never past the task's deadline.
 *  4. What leaves is what prepare built. Framing of the carrier (SMTP dot-stuffing, HTTP headers)
 *     is added, nothing else is changed.
 *  5. serve may block in the carrier's protocol, but every wait in it has a limit from the
 *     configuration, and watch (called about once a second by another thread) breaks what the
 *     protocol library cannot.
 *  6. Each attempt that was taken is reported exactly once, whatever happened. What the carrier
 *     said is a value: delivered, later, refused or unknown.
 *  7. When the line drops, the outcome is `later` only if the carrier cannot have taken the message
 *     (its content was not begun, or a negative reply was read); else it is `unknown`.
 *  8. Attempts are not repeated by the driver once content may have left. Repeating before that,
 *     within one attempt, is the driver's choice and invisible to the gateway.
 *  9. When channel_take answers NULL and channel_is_closed says so, serve finishes its session
 *     politely and returns. Work in hand is finished first.
 * 10. Nothing in an outcome except `raw` may hold an address, a name or message text; `raw` is
 *     stored encrypted.
 *
 * Ownership: an attempt belongs to the runtime; the driver borrows it between take and report. */
#ifndef WORKERS_CHANNEL_H
#define WORKERS_CHANNEL_H

#include "gateway/base/clock.h"
#include "gateway/wire/receipt.h"
#include "gateway/wire/worker.h"
#include "templates/engine/bundle.h"

enum {
    CHANNEL_RAW_MAX = 64 * 1024, /* bytes of reply text kept for the evidence */
    CHANNEL_WHY_MAX = 64,        /* bytes of a reason code, with NUL */
    CHANNEL_HOST_MAX = 256,
    CHANNEL_TLS_MAX = 96,
    CHANNEL_ENHANCED_MAX = 16, /* "5.7.1" with NUL */
    CHANNEL_PROVIDER_MAX = 64,
    CHANNEL_FEW = 4,       /* recipients there is always room for */
    CHANNEL_DAY_TEXT = 11, /* "2026-03-01" with NUL */
};

typedef struct {
    int index; /* into wire_task.to */
    int code;  /* 0 = none seen */
    char enhanced[CHANNEL_ENHANCED_MAX];
} channel_recipient;

/* How a call went (wire_call): words are static texts. */
typedef struct {
    const char *amd; /* NULL: it was no call */
    const char *right_party, *pressed, *ended_by;
    char promise_date[CHANNEL_DAY_TEXT];
    int64_t dialled_ms, ring_ms, answer_ms, end_ms; /* gateway's clock; -1 did not come */
    int cause;
} channel_call;

typedef struct {
    wire_result result;
    int code; /* of the whole message, 0 = none seen */
    char enhanced[CHANNEL_ENHANCED_MAX];
    char why[CHANNEL_WHY_MAX]; /* reason code, e.g. "connect-refused"; see the driver's table */
    int64_t retry_after_ms;    /* -1 = no opinion */
    char remote_host[CHANNEL_HOST_MAX];
    char remote_tls[CHANNEL_TLS_MAX];
    char provider[CHANNEL_PROVIDER_MAX];         /* descriptor used; empty: none */
    char provider_ref[2 * CHANNEL_PROVIDER_MAX]; /* its id of the message */
    channel_recipient *recipients;               /* room for those of the task */
    channel_recipient few[CHANNEL_FEW];
    size_t recipient_n;
    channel_call call;
    gw_buf raw; /* the carrier's replies, private */
} channel_outcome;

/* One attempt. prepare fills bytes and message_id, serve fills outcome. */
typedef struct channel_attempt {
    gw_arena *arena;       /* lives as long as the attempt */
    const wire_task *task; /* borrowed from the arena */
    gw_str facts;          /* JSON text, in the arena */
    gw_buf bytes;          /* exact message */
    gw_str message_id;     /* as the message carries it; in the arena */
    void *prepared;        /* the driver's own, from prepare to serve; in the arena */
    int64_t go_wall_ms;    /* gateway's clock in GO */
    gw_mono go_at;         /* our clock when GO arrived */
    channel_outcome outcome;
    void *owner;                  /* the runtime's */
    struct channel_attempt *next; /* queues */
} channel_attempt;

/* Set the outcome's result, code and reason; the other members as they were. */
void channel_decide(channel_attempt *a, wire_result result, int code, const char *why);

/* Our reference of the attempt, for whom we tell it to (receipt.h). */
void channel_own(const channel_attempt *a, char ret[WIRE_OWN_TEXT]);

/* ---- where serve gets its work (source.c) ---- */

typedef struct channel_source channel_source;

/* The next attempt to transmit, waiting at most wait_ms (0 = do not wait). NULL when there was none
 * in time or the source is closed. Thread: any. */
channel_attempt *channel_take(channel_source *s, int wait_ms);
/* Give an attempt back with its outcome filled in. Thread: any. */
void channel_report(channel_source *s, channel_attempt *a);
/* Will channel_take never answer with work again? */
bool channel_is_closed(channel_source *s);
/* Is the worker shutting down? What is queued is still to be transmitted, but no time is to be
 * spent on waiting for better moments. */
bool channel_is_draining(channel_source *s);
/* Is it past the task's deadline, by the gateway's clock? For drivers that keep attempts waiting.
 */
bool channel_is_late(const channel_attempt *a);

/* Call wake(arg) whenever work was put or the source was closed: for drivers that wait for
 * something else meanwhile. It is called with the runtime's thread and must not block. off ends
 * that; afterwards arg is not used any more. */
void channel_on_work(channel_source *s, void (*wake)(void *arg), void *arg);
void channel_off_work(channel_source *s, void *arg);

/* ---- what a driver is ---- */

typedef struct channel {
    const char *name; /* "email": the word in READY and in --channel */
    void *self;       /* the driver's state, first argument of every function */
    bool alone;       /* it keeps a carrier's rate: one process of it works at a time */

    /* A preparing thread's own tools (formatters, fonts); made and freed in that thread. */
    gw_code (*bench_new)(void *self, void **ret_bench, gw_err *err);
    void (*bench_free)(void *bench);
    /* Build a->bytes and a->message_id. GW_EINVAL, GW_EREFUSED, GW_ELIMIT: this task can never be
     * sent (the outcome is `refused`); GW_ENOMEM and others: `later`. Texts of err name members
     * and limits, never values. */
    gw_code (*prepare)(void *self, void *bench, channel_attempt *a, const template_bundle *b,
                       gw_err *err);
    /* The body of one sending thread: take, transmit, report until the source is closed. */
    void (*serve)(void *self, channel_source *source);
    /* Once a second, from the runtime's thread: break sessions that hang. May be NULL. */
    void (*watch)(void *self);
    /* Ask the carrier what became of a message (PULL); may take as long as the carrier's limits
     * say. One call at a time, in a thread of its own. NULL: this channel cannot be asked. Texts of
     * ret live in arena; raw is the carrier's answer, private. */
    void (*ask)(void *self, const wire_pull *question, gw_arena *arena, wire_pulled *ret,
                gw_buf *ret_raw);
    void (*close)(void *self);
} channel;

#endif
