/* state.h - what the gateway remembers, kept in Redis: reminders, debtors, the schedule, the
 * outbox.
 *
 * This folder is the only one that knows Redis and its keys (dunlin.lua has the layout and its
 * version). Everything of one debtor lives in one of 64 shards; a transition changes a reminder,
 * its debtor, its place in the schedule and the counters, and appends the evidence records to the
 * shard's outbox, in one atomic step or not at all. A step that was answered is on disk
 * (`appendfsync always`; state_setup refuses anything weaker).
 *
 * A `state` is one connection. Thread: one owner at a time; open one per thread. All calls take
 * arrays and pipeline inside, so one call with many elements is far cheaper than many calls.
 * The process must not die of SIGPIPE; state_open ignores that signal if nobody has handled it yet.
 *
 * Errors every call may answer, besides what its own comment says:
 * - GW_EBUSY: the store is not reachable or refuses work (loading, read only, disk, memory,
 * replicas missing). What ret[] does not report as done was not done. It reconnects by itself, with
 * back-off.
 * - GW_ETIMEOUT: the connection was lost or too slow after a write was sent, which may or may not
 * have happened. Read again before deciding; accepts may simply be repeated.
 * - GW_ENOTFOUND: the functions of dunlin1 are gone from the server, so perhaps its data too.
 * - GW_EREFUSED: password or rights are wrong.
 * - GW_ECORRUPT: the store answers something this program never wrote.
 * - GW_EINVAL: the caller broke a rule named here. GW_ELIMIT: a named limit. GW_ENOMEM: arena or
 * heap.
 *
 * Texts never hold debtor names, addresses or bodies.
 *
 * Strings in arguments are borrowed for the call; strings in results live in the caller's arena and
 * have a NUL behind them. */
#ifndef DUNLIN_STATE_H
#define DUNLIN_STATE_H

#include "gateway/base/arena.h"
#include "gateway/base/clock.h"
#include "gateway/base/id.h"

enum {
    STATE_SHARDS = 64, /* fixed at first start; part of the stored format */
    STATE_BODY_MAX =
        256 * 1024, /* bytes of one job's body; past about 3900 it costs extra memory */
    STATE_VALUE_MAX = 256 * 1024,   /* bytes of one field's value */
    STATE_RULES_MAX = 1024 * 1024,  /* bytes of one set of rules */
    STATE_NAME_MAX = 1024,          /* bytes of a field name, source, debtor, case or job id */
    STATE_FIELDS_MAX = 1000,        /* fields one transition sets in one hash */
    STATE_RECORDS_MAX = 16,         /* outbox records of one transition */
    STATE_RECORD_MAX = 1024 * 1024, /* bytes of one outbox record, all parts together */
    STATE_CAPS_MAX = 16,            /* caps one transition takes, and gives back */
    STATE_CAP_WINDOW_MAX = 64,      /* further counters one cap looks at */
    STATE_BATCH_MAX = 65536,        /* elements of one array argument */
    STATE_OUTBOX_READ_MAX = 4096,   /* entries of one state_outbox_read */
    STATE_DUE_MAX = 65536,          /* entries of one state_due */
    STATE_LIST_MAX = 1000,          /* reminders on one page of state_list */
    STATE_FINDINGS_MAX = 32,        /* enough room for state_doctor */
};

typedef struct state state;

typedef struct {
    const char *unix_socket; /* absolute path, or NULL: host and port */
    const char *host;        /* IPv4/IPv6 address or name; plain text, so loopback or a tunnel */
    int port;
    const char *password_file; /* NULL none. One line: password. Two lines: user, password. */
    int timeout_ms;            /* connect, and each answer; 0 = 5000 */
} state_config;

/* Only remembers the configuration (copied) and reads the password file; the first call connects.
 */
gw_code state_open(const state_config *config, state **ret_s, gw_err *err) GW_NODISCARD;
void state_close(state *s); /* accepts NULL */
GW_CLEANUP_FUNC(state, state_close)

/* Call once per process before anything else. Refuses (GW_EREFUSED) a Redis that could lose what it
 * acknowledged and data or functions of a newer format; loads the function library dunlin1 when
 * it is absent or older; creates dl:meta at the first start. */
gw_code state_setup(state *s, gw_err *err) GW_NODISCARD;

typedef enum { STATE_NOTE, STATE_WARNING, STATE_FATAL } state_severity; /* FATAL: setup refuses */
typedef struct {
    state_severity severity;
    const char *name; /* stable word such as "appendfsync"; static storage */
    char what[192];   /* what was found and why it matters */
    char remedy[192]; /* what to do about it */
} state_finding;
/* Everything about this Redis that an operator should know; no finding = all well. Changes nothing.
 */
gw_code state_doctor(state *s, state_finding *ret, size_t cap, size_t *ret_n, gw_err *err)
    GW_NODISCARD;

/* ---- identity and reading ---- */

static inline uint8_t state_shard(const gw_id *did)
{
    return did->b[0] & (STATE_SHARDS - 1);
}

typedef struct {
    gw_str name, value; /* in a set: value.p NULL deletes the field; "" is a value */
} state_field;
typedef struct {
    uint64_t version; /* 0 = does not exist */
    state_field *fields;
    size_t n;
} state_hash;
typedef struct {
    gw_id did;
    state_hash debtor, items; /* items.version equals debtor.version */
} state_debtor;
typedef struct {
    gw_id rid;
    uint8_t shard; /* of its debtor */
} state_ref;
typedef struct {
    gw_id rid;
    state_hash reminder;
} state_reminder;

/* n 0 and p NULL if absent. */
gw_str state_get(const state_hash *h, const char *name);

/* Plain reads, one answer per id in order. A debtor that changes between reading its two hashes
 * gets the older version number, so that a transition based on it answers STATE_DEBTOR_MOVED. */
gw_code state_load_debtors(state *s, const gw_id *dids, size_t n, gw_arena *arena,
                           state_debtor *ret, gw_err *err) GW_NODISCARD;
gw_code state_load_reminders(state *s, const state_ref *refs, size_t n, gw_arena *arena,
                             state_reminder *ret, gw_err *err) GW_NODISCARD;
/* Ids of a debtor's reminders that are not final (final_too: then the final ones), in id order.
 * Without those that are accepted and no more: they are in lane a (state_due), and state_list finds
 * them. */
gw_code state_debtor_reminders(state *s, const gw_id *did, bool final_too, gw_arena *arena,
                               gw_id **ret, size_t *ret_n, gw_err *err) GW_NODISCARD;

/* ---- the register of ids: what an id names belongs to one debtor ---- */

/* A job or an event lives in its debtor's shard, which cannot tell that the same id was used for
 * another debtor. So ids are written down in the shard of the id itself, durably, before anything
 * is stored under them. A crash in between leaves an id that only its debtor can use; nothing takes
 * an entry away, as nothing takes away what it names. */
typedef struct {
    gw_id id;  /* rid of a job, receipt of an event: keyed ids */
    gw_id did; /* for whom it is used */
} state_use;
typedef enum {
    STATE_RESERVED,  /* for this debtor, now */
    STATE_ITS_OWN,   /* it was this debtor's already */
    STATE_TAKEN,     /* it is another debtor's; nothing changed */
    STATE_UNANSWERED /* only when the call failed */
} state_reserved;
/* On failure ret[] still tells what was answered before it; the rest is STATE_UNANSWERED. */
gw_code state_reserve(state *s, const state_use *uses, size_t n, state_reserved *ret, gw_err *err)
    GW_NODISCARD;

/* ---- accepting jobs: the fast path of submit ---- */

typedef struct {
    gw_id rid, did;
    gw_str source, debtor, case_id, job, channel, body;
} state_job;
typedef enum {
    STATE_ACCEPTED,  /* durable, in lane a; its SubmissionAcceptance is in the outbox */
    STATE_DUPLICATE, /* the same bytes were accepted before, at accepted_ms */
    STATE_DIFFERENT, /* this rid has another body: stored_body and accepted_ms say which */
    STATE_ELSEWHERE, /* this rid was used for another debtor; nothing changed */
    STATE_BUSY,      /* the shard's outbox is at its bound; the job is not stored */
    STATE_UNSURE,    /* only when the call failed: not answered */
} state_accept_code;
typedef struct {
    state_accept_code code;
    int64_t accepted_ms;
    gw_str stored_body; /* DIFFERENT only: compare canonical forms */
} state_accepted;
/* Reserves each rid for its debtor, then creates each reminder in state A with fields k=j src deb
 * cas job ch b at did. outbox_max bounds each shard's outbox stream. The evidence record has event
 * SubmissionAcceptance, t = now, fact
 * {"channel":ch}, priv {"job":job} and the body; it is built when the outbox is read.
 * On failure ret[] still tells what was answered before it; the rest is STATE_UNSURE. */
gw_code state_accept(state *s, const state_job *jobs, size_t n, gw_wall now, uint32_t outbox_max,
                     gw_arena *arena, state_accepted *ret, gw_err *err) GW_NODISCARD;

/* ---- transitions ---- */

/* One outbox record = what the recorder turns into one evidence leaf. All text UTF-8. */
typedef struct {
    const char *event; /* gateway/wire/event.h */
    gw_wall t;
    gw_str source, debtor, case_id;
    gw_str rid; /* text or empty */
    int attempt;
    gw_str why;
    int level;
    gw_str fact; /* public, no personal data: flat JSON object of strings and integers */
    gw_str priv; /* private JSON object: each value becomes a salted commitment, stored encrypted */
    bool with_body; /* the reminder's stored body is private content 'submission'; needs rid */
    gw_str blobs;   /* JSON array of references to blobs already stored durably, or empty */
} state_record;

/* A cap: the sum of counters `field` and `with` (for sliding windows: the days before) must be
 * below max; then `field` grows by one. Counters live in the debtor hash and do not move its
 * version. */
typedef struct {
    const char *field; /* "c:<channel or *>:<YYYY-MM-DD>" */
    int64_t max;
    const char *const *with;
    size_t with_n;
} state_cap;

/* One atomic transition. Checks come first, in the order of state_verdict; then everything or
 * nothing is written. Transitions of one shard in one call are done in order, each on what
 * those before it left. Zeroed members ask for nothing, except the two versions: 0 is "must not
 * exist", so set -1 where no check is meant.
 *
 * Kept by the state and refused in sets: fields v, due, did and a of reminders, v of debtors,
 * and the cap counters (c:...). k src deb cas job ch at may not be deleted. A created reminder gets
 * its did written, and due = due_ms is written whenever lane is a real lane. did, where given with
 * a rid, is that reminder's own. Due and wake moments are kept within 0 .. 10^13-1 ms (year 2286).
 */
typedef struct state_txn state_txn;
struct state_txn {
    uint8_t shard;
    char lane; /* of the reminder: 0 leave as is; '-' in no lane; 'w' 'e' 's' 'v' 'f' 'k' be in that
                  one at due_ms; f holds what is in flight: nobody serves it, a successor finds it
                  there; k is the desk's */
    bool ranked;  /* with a lane: an open task (state O) is listed by rank, the highest first */
    int64_t rank; /* 53 bits */
    bool unwake_debtor; /* take d<did> out of lane w (its work is done), before wake_debtor */
    bool wake_debtor;   /* have d<did> in lane w, due at wake_at or earlier if it is so already */
    int64_t due_ms;
    gw_wall wake_at;
    uint64_t fence;                 /* of state_lease; 0 = needs no lease (intake's acts) */
    const gw_id *did;               /* NULL: no debtor in it (a reminder knows its own) */
    int64_t debtor_version;         /* -1 no check; 0 must not exist; else must equal */
    const state_field *debtor_sets; /* any set in these two moves the debtor's version by one */
    size_t debtor_n;
    const state_field *item_sets;
    size_t item_n;
    const gw_id *rid; /* NULL: no reminder in it */
    int64_t version;  /* of the reminder: -1 no check, but it must exist; 0 create (needs did, and s
                         among sets); else must equal. Every transition moves it by one. */
    const state_field *sets; /* field s among them (one letter) drives counters and indexes */
    size_t n;
    const state_cap *takes; /* all must fit, then all are taken */
    size_t take_n;
    const char *const *gives; /* counters given back; never below zero */
    size_t give_n;
    const state_record *records;
    size_t record_n;
    const state_txn *then; /* not the store's: one of another shard that the caller applies once
                              this one was answered STATE_OK, or NULL */
};
typedef enum {
    STATE_OK,
    STATE_FENCED,       /* the fence is not the newest of this shard */
    STATE_STALE,        /* the reminder's version differs, it exists already, or is missing */
    STATE_DEBTOR_MOVED, /* the debtor's version differs */
    STATE_CAPPED,       /* a cap is full */
    STATE_UNKNOWN,      /* only when the call failed: not answered */
} state_verdict;
/* On failure ret[] still tells what was answered before it; the rest is STATE_UNKNOWN. */
gw_code state_apply(state *s, const state_txn *txns, size_t n, state_verdict *ret, gw_err *err)
    GW_NODISCARD;

/* ---- leases: who dispatches a shard ---- */

/* Take or renew every shard that is free, expired (Redis's clock) or ours. ret_fence: the shard's
 * fencing number, 0 = somebody else's. It grows with each change of owner, so a slow former
 * owner gets STATE_FENCED. Renew at a third of ttl_ms. */
gw_code state_lease(state *s, const gw_id *owner, int ttl_ms, uint64_t ret_fence[STATE_SHARDS],
                    gw_err *err) GW_NODISCARD;
/* Give back what owner holds, so that another may take over at once. */
gw_code state_release(state *s, const gw_id *owner, gw_err *err) GW_NODISCARD;

/* ---- the schedule ---- */

typedef struct {
    uint8_t shard;
    char kind; /* 'r' reminder, 'd' debtor */
    gw_id id;
    int64_t score; /* due, ms */
} state_due_entry;
/* Up to limit entries of lane due at or before until in the shards whose mask byte is not 0,
 * soonest first. Only reads: an entry leaves its lane by a transition. With more due than limit,
 * shards get fair shares in turn. Lane a holds jobs from their acceptance to their first
 * transition, whichever that is: always due (score 0), oldest first within a shard. */
gw_code state_due(state *s, const uint8_t shard_mask[STATE_SHARDS], char lane, gw_wall until,
                  size_t limit, gw_arena *arena, state_due_entry **ret, size_t *ret_n, gw_err *err)
    GW_NODISCARD;
/* Earliest due moment in any of the lanes ("awesvk") over all shards; INT64_MAX when there is none.
 */
gw_code state_next_due(state *s, const char *lanes, int64_t *ret_ms, gw_err *err) GW_NODISCARD;

/* ---- the outbox: read, log durably, then trim ---- */

typedef struct {
    uint8_t shard;
    gw_str stream_id; /* "<ms>-<seq>", grows within a shard */
    state_record rec;
    gw_str body; /* with_body only; p NULL when the reminder no longer exists */
} state_outbox_entry;
/* Entries after last_ids (n 0 = from the start), at most limit, in order within each shard. Waits
 * up to block_ms when there are none (0 = does not wait); ret_n 0 then. */
gw_code state_outbox_read(state *s, const gw_str last_ids[STATE_SHARDS], size_t limit, int block_ms,
                          gw_arena *arena, state_outbox_entry **ret, size_t *ret_n, gw_err *err)
    GW_NODISCARD;
/* Forget entries up to and including through_id. Only after they are durable in the log. */
gw_code state_outbox_trim(state *s, uint8_t shard, gw_str through_id, gw_err *err) GW_NODISCARD;
/* The same for all shards at once; n 0 leaves a shard alone. */
gw_code state_outbox_trim_all(state *s, const gw_str through_ids[STATE_SHARDS], gw_err *err)
    GW_NODISCARD;

/* ---- overview ---- */

/* Reminders per state letter (index = the letter), and entries waiting in the outbox. */
gw_code state_counts(state *s, uint64_t ret_by_state[128], uint64_t *ret_outbox, gw_err *err)
    GW_NODISCARD;

typedef struct {
    const gw_id *did; /* reminders of this debtor, unfinished ones first ... */
    char by_state; /* ... or, without did, all in one of the indexed states H U Q; h: debtors that
                      were ever put on hold, their ids as rid */
} state_list_query;
enum { STATE_CURSOR_TEXT = 32 };
/* One page. cursor: "" first, then what ret_cursor said; it becomes "" after the last page.
 * Reminders that move meanwhile may be missed or seen twice, others are seen once. */
gw_code state_list(state *s, const state_list_query *query, const char *cursor, size_t limit,
                   gw_arena *arena, state_ref **ret, size_t *ret_n,
                   char ret_cursor[STATE_CURSOR_TEXT], gw_err *err) GW_NODISCARD;

/* Tasks in one of the states O (open), L (leased), T (being done), of all shards: the first limit
 * of them, highest rank first (only open ones have one). limit 1..STATE_LIST_MAX. */
gw_code state_tasks(state *s, char by_state, size_t limit, gw_arena *arena, state_ref **ret,
                    size_t *ret_n, gw_err *err) GW_NODISCARD;

/* The log whose gateways work on this store: set by the first that starts, and by a rebuild. A
 * store without it beside a log that has records was lost. *ret_known false: it is not set. */
gw_code state_log_known(state *s, bool *ret_known, gw_err *err) GW_NODISCARD;
gw_code state_log_set(state *s, gw_str origin, gw_err *err) GW_NODISCARD;
/* Nothing is stored but what a start writes: the format, a manual clock. */
gw_code state_is_empty(state *s, bool *ret_empty, gw_err *err) GW_NODISCARD;

/* ---- clock and pauses, seen by every gateway ---- */

/* *ret_manual false: the system's clock holds and *ret_t is untouched. */
gw_code state_clock_get(state *s, bool *ret_manual, gw_wall *ret_t, gw_err *err) GW_NODISCARD;
gw_code state_clock_set(state *s, const gw_wall *t /* NULL = release */, gw_err *err) GW_NODISCARD;

/* Pauses: field "all", "channel:email", "template:NAME" -> JSON {by, since}. */
gw_code state_control_get(state *s, gw_arena *arena, state_hash *ret, gw_err *err) GW_NODISCARD;
gw_code state_control_set(state *s, gw_str field, gw_str json /* p NULL = remove */, gw_err *err)
    GW_NODISCARD;

/* Sets of rules, by the hex SHA-256 of their text: the one in force and the one before it, which a
 * gateway may still be reading. Put: what is neither key nor keep (may be empty) is removed; text
 * at most STATE_RULES_MAX bytes. Get: GW_ENOTFOUND. */
gw_code state_rules_put(state *s, gw_str key, gw_str text, gw_str keep, gw_err *err) GW_NODISCARD;
gw_code state_rules_get(state *s, gw_str key, gw_arena *arena, gw_str *ret, gw_err *err)
    GW_NODISCARD;

#endif
