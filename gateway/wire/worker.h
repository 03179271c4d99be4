/* worker.h - what gateway and workers say to each other: frame types and their JSON headers.
 *
 * CURVE, worker DEALER to gateway ROUTER. A message is the frames
 *     "DUNW1", type, header, payload...
 * where header is a JSON object and the payload frames are raw bytes (wire_payload_frames tells how
 * many). The life of a task, in order:
 *
 *     worker                        gateway
 *     READY {worker channel credit} ->               credit = tasks it can take now, in all
 *                                   <- TASK          + facts JSON
 *     WANT {template}               ->               only if it does not have that version
 *                                   <- TEMPLATE      + bundle bytes
 *     INTENT {ref sha256 ..}        ->               + exact message bytes
 *                                   <- GO | ABORT    GO: the intent is durable, send now
 *     OUTCOME {ref outcome ..}      ->               + private raw reply text (may be empty)
 *                                   <- SEEN          durable; until then OUTCOME is repeated
 *                                   <- PULL {id own provider ref address sent_ms}
 *     PULLED {id state code ..}     ->               + private raw answer; what the provider says
 *                                                    became of a message (a receipt we asked for)
 *     HEARTBEAT {boot}              <->
 *     DRAIN {}                      <->              no new tasks, finish what is in hand
 *
 * A worker touches the network only after GO. Every answer repeats rid, attempt and tok; a tok that
 * is not the current one is stale and ignored by the receiver.
 *
 * Decoding is strict about what it knows (kind, presence, limits) and skips members it does not
 * know, so that gateway and workers of neighbouring versions can talk. Both sides use only these
 * functions.
 *
 * Ownership: decoded strings borrow the frame or the arena. Thread: pure, any. */
#ifndef WIRE_WORKER_H
#define WIRE_WORKER_H

#include "gateway/base/arena.h"
#include "gateway/wire/receipt.h"

#define WIRE_WORKER_PROTOCOL "DUNW1"
/* why of a delivered OUTCOME whose message went to a local folder: no carrier saw it. */
#define WIRE_WHY_OUTBOX "outbox"
/* why of a LATER about an intent that never got GO, and now never will: nothing can have left. */
#define WIRE_WHY_NO_GO "go-not-given"

enum {
    WIRE_HEADER_MAX = 256 * 1024,        /* bytes of one JSON header */
    WIRE_RECIPIENTS_MAX = 100,           /* RFC 5321 §4.5.3.1.8: servers must take 100 */
    WIRE_MESSAGE_MAX = 48 * 1024 * 1024, /* bytes of one payload frame, for ZMQ_MAXMSGSIZE */
    WIRE_PAYLOADS_MAX = 1,
};

typedef enum {
    WIRE_READY,
    WIRE_TASK,
    WIRE_WANT,
    WIRE_TEMPLATE,
    WIRE_INTENT,
    WIRE_GO,
    WIRE_ABORT,
    WIRE_OUTCOME,
    WIRE_SEEN,
    WIRE_HEARTBEAT,
    WIRE_DRAIN,
    WIRE_PULL,
    WIRE_PULLED,
    WIRE_TYPE_COUNT
} wire_type;

typedef enum {
    WIRE_DELIVERED, /* carrier took it for that recipient set */
    WIRE_LATER,     /* certainly not delivered; worth another attempt */
    WIRE_REFUSED,   /* carrier's final no */
    WIRE_UNKNOWN,   /* cannot know; never resent by itself */
    WIRE_RESULT_COUNT
} wire_result;

/* One attempt of one reminder. */
typedef struct {
    gw_str rid;  /* reminder id text */
    int attempt; /* 1, 2, ... */
    gw_str tok;  /* token of this claim */
} wire_ref;

typedef struct {
    gw_str worker;  /* stable name of the process, e.g. "email-1" */
    gw_str channel; /* "email" | "sms" | "voice" */
    int credit;     /* 0..100000: tasks that may be outstanding together */
    bool alone;     /* it keeps a carrier's rate: others of its channel that say so stand by */
} wire_ready;

typedef struct {
    gw_str role, name, address; /* address: mailbox or E.164 */
    gw_str kind;                /* "to" | "cc" */
} wire_recipient;

typedef struct {
    gw_str name, address;
    gw_str reply_to;    /* may be empty */
    gw_str unsubscribe; /* List-Unsubscribe URI, may be empty */
} wire_sender;

typedef struct {
    wire_ref ref;
    gw_str source;   /* billing system */
    gw_str template; /* exact template version */
    gw_str locale;
    int64_t now_ms;      /* gateway's clock when it wrote this (may be manual) */
    int64_t deadline_ms; /* nothing may leave after this moment of that clock */
    wire_sender from;
    gw_str message_id; /* without angle brackets; stable over attempts */
    gw_str reference;  /* human case reference, may be empty */
    bool manual_clock;
    size_t to_n; /* at least 1 */
    /* Last, so that who keeps a task for long need not keep room for recipients it does not have
     * (wire_task_bytes). */
    wire_recipient to[WIRE_RECIPIENTS_MAX];
} wire_task;
/* Bytes of a task up to its last recipient. */
static inline size_t wire_task_bytes(size_t to_n)
{
    return offsetof(wire_task, to) + to_n * sizeof(wire_recipient);
}

typedef struct {
    gw_str template;
} wire_template;

typedef struct {
    wire_ref ref;
    gw_str sha256; /* lower-case hex of the payload frame */
    gw_str message_id;
    int64_t bytes; /* length of the payload frame */
} wire_intent;

typedef struct {
    wire_ref ref;
    int64_t now_ms;
} wire_go;

typedef struct {
    wire_ref ref;
    gw_str why; /* reason code, "" on SEEN */
} wire_abort;

typedef struct {
    int index;       /* into wire_task.to */
    int code;        /* SMTP or provider code, 0 = none seen */
    gw_str enhanced; /* RFC 3463 "5.1.1", may be empty */
} wire_recipient_result;

/* How an automated call went. Moments are ms of the gateway's clock, -1 when they did not come. */
typedef struct {
    gw_str amd; /* who answered: "human", "machine", "unsure", "none" (nobody, or not judged);
                   empty: it was no call */
    gw_str right_party;  /* "unasked", "unknown", "yes", "no": what the key said */
    gw_str pressed;      /* "promise", "dispute", "later", "stop"; empty: nothing */
    gw_str promise_date; /* with "promise": the day it stands for, yyyy-mm-dd */
    gw_str ended_by;     /* "us", "them" */
    int64_t dialled_ms, ring_ms, answer_ms, end_ms;
    int cause; /* ITU-T Q.850, 0 none */
} wire_call;

typedef struct {
    wire_ref ref;
    wire_result outcome;
    int code;               /* of the whole message, 0 = none seen */
    gw_str enhanced;        /* may be empty */
    gw_str why;             /* reason code without personal data, e.g. "connect-refused" */
    int64_t retry_after_ms; /* -1 = the worker has no opinion */
    gw_str remote_host;     /* carrier's host name, may be empty */
    gw_str remote_tls;      /* "TLSv1.2 ECDHE-...", empty = plain */
    gw_str provider;        /* descriptor that was used, e.g. "twilio"; empty: none (e-mail) */
    gw_str provider_ref;    /* its id of the message, for receipts without own reference */
    wire_call call;         /* channel voice */
    wire_recipient_result recipients[WIRE_RECIPIENTS_MAX];
    size_t recipient_n;
} wire_outcome;

/* Ask the provider what became of a message: to corroborate an unsigned receipt, or to resolve an
 * attempt whose outcome is unknown. A worker that cannot ask answers WIRE_PULLED_CANNOT. */
typedef struct {
    gw_str id;           /* of the question; PULLED repeats it */
    gw_str own;          /* own reference of the attempt (receipt.h) */
    gw_str provider;     /* descriptor name */
    gw_str provider_ref; /* may be empty */
    gw_str address;      /* recipient; some providers are asked by number and day */
    int64_t sent_ms;     /* about when it was sent */
} wire_pull;

typedef enum {
    WIRE_PULLED_KNOWN,   /* state says what the provider knows */
    WIRE_PULLED_ABSENT,  /* the provider never had it: nothing left */
    WIRE_PULLED_NOT_NOW, /* no usable answer; ask again later */
    WIRE_PULLED_CANNOT,  /* this provider cannot be asked */
    WIRE_PULLED_COUNT
} wire_pulled_verdict;

typedef struct {
    gw_str id;
    wire_pulled_verdict verdict;
    wire_receipt_state state;
    gw_str code;         /* the provider's own word, may be empty */
    gw_str provider_ref; /* may be empty */
    int64_t at_ms;       /* when the provider says it happened; -1: it does not say */
} wire_pulled;

typedef struct {
    gw_str boot; /* random id of this process start; a changed one means a restart */
} wire_heartbeat;

typedef struct {
    wire_type type; /* says which member counts */
    union {
        wire_ready ready;
        wire_task task;
        wire_template template; /* WANT and TEMPLATE */
        wire_intent intent;
        wire_go go;
        wire_abort abort;
        wire_outcome outcome;
        wire_ref seen;
        wire_heartbeat heartbeat;
        wire_pull pull;
        wire_pulled pulled;
    };
} wire_header;

/* "READY", "TASK", ... */
const char *wire_type_name(wire_type type);
bool wire_type_parse(gw_str name, wire_type *ret_type);
/* Payload frames behind the header: 0 or 1. */
int wire_payload_frames(wire_type type);
/* "delivered", "later", "refused", "unknown" */
const char *wire_result_name(wire_result result);

/* Append the JSON header. GW_EINVAL if a required text is empty or a number out of its range (a
 * message the other side would refuse is not sent), else the buffer's code. */
gw_code wire_encode(const wire_header *h, gw_buf *ret, gw_err *err) GW_NODISCARD;
/* Read frames 1 and 2 of a message. GW_EINVAL names the type and member. */
gw_code wire_decode(gw_str type, gw_str json, gw_arena *arena, wire_header *ret, gw_err *err)
    GW_NODISCARD;

#endif
