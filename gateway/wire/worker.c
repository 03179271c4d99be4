#include "gateway/wire/worker.h"

#include "gateway/base/json.h"

#include <stdio.h>

typedef enum {
    TEXT,           /* required, not empty */
    MAYBE_TEXT,     /* absent and empty are the same */
    NUMBER,         /* int, required, min..max */
    NUMBER64,       /* int64_t, required, not negative */
    MAYBE_NUMBER64, /* absent is -1 */
    TRUTH,
    WORD,       /* an enum, by the names in `words` */
    PART,       /* object; its rows' offsets count from the same struct */
    MAYBE_PART, /* left out when its first row's text is empty */
    LIST        /* array of objects of `size` bytes; their number at `count` */
} field_kind;

typedef struct field {
    const char *name; /* NULL ends the table */
    field_kind kind;
    size_t offset;
    int64_t min, max; /* of a number, or of a list's length */
    const struct field *rows;
    size_t size, count;
    const char *const *words; /* of a WORD; its values count from 0 to max */
} field;

/* ROW(struct, member, name in JSON, kind); every struct with a ref has it first. */
#define ROW(s, m, n, k)                                                                            \
    {                                                                                              \
        .name = (n), .kind = (k), .offset = offsetof(s, m)                                         \
    }
#define INTEGER(s, m, n, a, b)                                                                     \
    {                                                                                              \
        .name = (n), .kind = NUMBER, .offset = offsetof(s, m), .min = (a), .max = (b)              \
    }
#define CHOICE(s, m, n, w)                                                                         \
    {                                                                                              \
        .name = (n), .kind = WORD, .offset = offsetof(s, m), .words = (w), .max = GW_COUNT(w) - 1  \
    }
#define REF_ROWS                                                                                   \
    ROW(wire_ref, rid, "rid", TEXT), INTEGER(wire_ref, attempt, "attempt", 1, 1000000),            \
        ROW(wire_ref, tok, "tok", TEXT)

static const char *const results[WIRE_RESULT_COUNT] = {
    [WIRE_DELIVERED] = "delivered",
    [WIRE_LATER] = "later",
    [WIRE_REFUSED] = "refused",
    [WIRE_UNKNOWN] = "unknown",
};

static const char *const pull_verdicts[WIRE_PULLED_COUNT] = {
    [WIRE_PULLED_KNOWN] = "known",
    [WIRE_PULLED_ABSENT] = "absent",
    [WIRE_PULLED_NOT_NOW] = "not-now",
    [WIRE_PULLED_CANNOT] = "cannot",
};
static const field ready_rows[] = {
    ROW(wire_ready, worker, "worker", TEXT),
    ROW(wire_ready, channel, "channel", TEXT),
    INTEGER(wire_ready, credit, "credit", 0, 100000),
    ROW(wire_ready, alone, "alone", TRUTH),
    {0},
};
static const field recipient_rows[] = {
    ROW(wire_recipient, role, "role", MAYBE_TEXT),
    ROW(wire_recipient, name, "name", MAYBE_TEXT),
    ROW(wire_recipient, address, "address", TEXT),
    ROW(wire_recipient, kind, "kind", TEXT),
    {0},
};
static const field sender_rows[] = {
    ROW(wire_task, from.name, "name", MAYBE_TEXT),
    ROW(wire_task, from.address, "address", MAYBE_TEXT),
    ROW(wire_task, from.reply_to, "reply_to", MAYBE_TEXT),
    ROW(wire_task, from.unsubscribe, "unsubscribe", MAYBE_TEXT),
    {0},
};
static const field task_rows[] = {
    REF_ROWS,
    ROW(wire_task, source, "source", TEXT),
    ROW(wire_task, template, "template", TEXT),
    ROW(wire_task, locale, "locale", MAYBE_TEXT),
    ROW(wire_task, now_ms, "now_ms", NUMBER64),
    ROW(wire_task, deadline_ms, "deadline_ms", NUMBER64),
    {.name = "from", .kind = PART, .rows = sender_rows},
    {.name = "to",
     .kind = LIST,
     .offset = offsetof(wire_task, to),
     .min = 1,
     .max = WIRE_RECIPIENTS_MAX,
     .rows = recipient_rows,
     .size = sizeof(wire_recipient),
     .count = offsetof(wire_task, to_n)},
    ROW(wire_task, message_id, "message_id", MAYBE_TEXT),
    ROW(wire_task, reference, "reference", MAYBE_TEXT),
    ROW(wire_task, manual_clock, "manual_clock", TRUTH),
    {0},
};
static const field template_rows[] = {ROW(wire_template, template, "template", TEXT), {0}};
static const field intent_rows[] = {
    REF_ROWS,
    ROW(wire_intent, sha256, "sha256", TEXT),
    ROW(wire_intent, message_id, "message_id", MAYBE_TEXT),
    ROW(wire_intent, bytes, "bytes", NUMBER64),
    {0},
};
static const field go_rows[] = {REF_ROWS, ROW(wire_go, now_ms, "now_ms", NUMBER64), {0}};
static const field abort_rows[] = {REF_ROWS, ROW(wire_abort, why, "why", TEXT), {0}};
static const field recipient_result_rows[] = {
    INTEGER(wire_recipient_result, index, "index", 0, WIRE_RECIPIENTS_MAX - 1),
    INTEGER(wire_recipient_result, code, "code", 0, 999999),
    ROW(wire_recipient_result, enhanced, "enhanced", MAYBE_TEXT),
    {0},
};
static const field remote_rows[] = {
    ROW(wire_outcome, remote_host, "host", MAYBE_TEXT),
    ROW(wire_outcome, remote_tls, "tls", MAYBE_TEXT),
    {0},
};
static const field call_rows[] = {
    ROW(wire_outcome, call.amd, "amd", MAYBE_TEXT),
    ROW(wire_outcome, call.right_party, "right_party", MAYBE_TEXT),
    ROW(wire_outcome, call.pressed, "pressed", MAYBE_TEXT),
    ROW(wire_outcome, call.promise_date, "promise_date", MAYBE_TEXT),
    ROW(wire_outcome, call.ended_by, "ended_by", MAYBE_TEXT),
    ROW(wire_outcome, call.dialled_ms, "dialled_ms", MAYBE_NUMBER64),
    ROW(wire_outcome, call.ring_ms, "ring_ms", MAYBE_NUMBER64),
    ROW(wire_outcome, call.answer_ms, "answer_ms", MAYBE_NUMBER64),
    ROW(wire_outcome, call.end_ms, "end_ms", MAYBE_NUMBER64),
    INTEGER(wire_outcome, call.cause, "cause", 0, 127),
    {0},
};
static const field outcome_rows[] = {
    REF_ROWS,
    CHOICE(wire_outcome, outcome, "outcome", results),
    INTEGER(wire_outcome, code, "code", 0, 999999),
    ROW(wire_outcome, enhanced, "enhanced", MAYBE_TEXT),
    ROW(wire_outcome, why, "why", MAYBE_TEXT),
    ROW(wire_outcome, retry_after_ms, "retry_after_ms", MAYBE_NUMBER64),
    {.name = "remote", .kind = MAYBE_PART, .rows = remote_rows},
    {.name = "call", .kind = MAYBE_PART, .rows = call_rows},
    ROW(wire_outcome, provider, "provider", MAYBE_TEXT),
    ROW(wire_outcome, provider_ref, "provider_ref", MAYBE_TEXT),
    {.name = "recipients",
     .kind = LIST,
     .offset = offsetof(wire_outcome, recipients),
     .max = WIRE_RECIPIENTS_MAX,
     .rows = recipient_result_rows,
     .size = sizeof(wire_recipient_result),
     .count = offsetof(wire_outcome, recipient_n)},
    {0},
};
static const field seen_rows[] = {REF_ROWS, {0}};
static const field heartbeat_rows[] = {ROW(wire_heartbeat, boot, "boot", TEXT), {0}};
static const field drain_rows[] = {{0}};
static const field pull_rows[] = {
    ROW(wire_pull, id, "id", TEXT),
    ROW(wire_pull, own, "own", TEXT),
    ROW(wire_pull, provider, "provider", TEXT),
    ROW(wire_pull, provider_ref, "provider_ref", MAYBE_TEXT),
    ROW(wire_pull, address, "address", MAYBE_TEXT),
    ROW(wire_pull, sent_ms, "sent_ms", NUMBER64),
    {0},
};
static const field pulled_rows[] = {
    ROW(wire_pulled, id, "id", TEXT),
    CHOICE(wire_pulled, verdict, "verdict", pull_verdicts),
    CHOICE(wire_pulled, state, "state", wire_receipt_states),
    ROW(wire_pulled, code, "code", MAYBE_TEXT),
    ROW(wire_pulled, provider_ref, "provider_ref", MAYBE_TEXT),
    ROW(wire_pulled, at_ms, "at_ms", MAYBE_NUMBER64),
    {0},
};

static const struct {
    const char *name;
    const field *rows;
    int payloads;
} types[WIRE_TYPE_COUNT] = {
    [WIRE_READY] = {"READY", ready_rows, 0},    [WIRE_TASK] = {"TASK", task_rows, 1},
    [WIRE_WANT] = {"WANT", template_rows, 0},   [WIRE_TEMPLATE] = {"TEMPLATE", template_rows, 1},
    [WIRE_INTENT] = {"INTENT", intent_rows, 1}, [WIRE_GO] = {"GO", go_rows, 0},
    [WIRE_ABORT] = {"ABORT", abort_rows, 0},    [WIRE_OUTCOME] = {"OUTCOME", outcome_rows, 1},
    [WIRE_SEEN] = {"SEEN", seen_rows, 0},       [WIRE_HEARTBEAT] = {"HEARTBEAT", heartbeat_rows, 0},
    [WIRE_DRAIN] = {"DRAIN", drain_rows, 0},    [WIRE_PULL] = {"PULL", pull_rows, 0},
    [WIRE_PULLED] = {"PULLED", pulled_rows, 1},
};

const char *wire_type_name(wire_type type)
{
    return types[type].name;
}

const char *wire_result_name(wire_result result)
{
    return results[result];
}

int wire_payload_frames(wire_type type)
{
    return types[type].payloads;
}

bool wire_type_parse(gw_str name, wire_type *ret_type)
{
    for (int i = 0; i < WIRE_TYPE_COUNT; i++) {
        if (!gw_str_is(name, types[i].name))
            continue;
        *ret_type = (wire_type)i;
        return true;
    }
    return false;
}

/* ---- encoding ---- */

typedef struct {
    const char *type;
    gw_buf *out;
    gw_err *err;
} encoder;

static gw_code wrong(const char *type, const char *name, const char *want, gw_err *err)
{
    return gw_fail(err, GW_EINVAL, "worker message %s: member \"%s\" must be %s", type, name, want);
}

static gw_code put_rows(const encoder *e, const field *rows, const char *base);

static gw_code put_text(const encoder *e, const field *f, const char *at)
{
    gw_str s = *(const gw_str *)(const void *)at;
    if (s.n)
        json_put_member_str(e->out, f->name, s);
    return s.n || f->kind == MAYBE_TEXT ? GW_OK : wrong(e->type, f->name, "a text", e->err);
}

static gw_code put_number(const encoder *e, const field *f, const char *at)
{
    int64_t v =
        f->kind == NUMBER ? *(const int *)(const void *)at : *(const int64_t *)(const void *)at;
    if (f->kind == MAYBE_NUMBER64 && v == -1)
        return GW_OK;
    if (v < f->min || (f->kind == NUMBER && v > f->max))
        return wrong(e->type, f->name, "a number in its range", e->err);
    json_put_member_int(e->out, f->name, v);
    return GW_OK;
}

static gw_code put_list(const encoder *e, const field *f, const char *base)
{
    size_t n = *(const size_t *)(const void *)(base + f->count);
    if (n < (size_t)f->min || n > (size_t)f->max)
        return wrong(e->type, f->name, "a list within its limits", e->err);
    json_put_name(e->out, f->name);
    gw_buf_putc(e->out, '[');
    for (size_t i = 0; i < n; i++) {
        if (i)
            gw_buf_putc(e->out, ',');
        gw_code rc = put_rows(e, f->rows, base + f->offset + i * f->size);
        if (rc != GW_OK)
            return rc;
    }
    gw_buf_putc(e->out, ']');
    return GW_OK;
}

static gw_code put_field(const encoder *e, const field *f, const char *base)
{
    const char *at = base + f->offset;
    switch (f->kind) {
    case TEXT:
    case MAYBE_TEXT:
        return put_text(e, f, at);
    case NUMBER:
    case NUMBER64:
    case MAYBE_NUMBER64:
        return put_number(e, f, at);
    case TRUTH:
        json_put_member_bool(e->out, f->name, *(const bool *)at);
        return GW_OK;
    case WORD: {
        unsigned word = *(const unsigned *)(const void *)at; /* an enum without negative values */
        if (word > (unsigned)f->max)
            return wrong(e->type, f->name, "a known word", e->err);
        json_put_member_str(e->out, f->name, gw_str_of(f->words[word]));
        return GW_OK;
    }
    case MAYBE_PART:
        if (((const gw_str *)(const void *)(base + f->rows[0].offset))->n == 0)
            return GW_OK;
        __attribute__((fallthrough));
    case PART:
        json_put_name(e->out, f->name);
        return put_rows(e, f->rows, base);
    case LIST:
        return put_list(e, f, base);
    }
    gw_bug("unknown kind of worker field");
}

static gw_code put_rows(const encoder *e, const field *rows, const char *base)
{
    gw_buf_putc(e->out, '{');
    for (const field *f = rows; f->name; f++) {
        gw_code rc = put_field(e, f, base);
        if (rc != GW_OK)
            return rc;
    }
    gw_buf_putc(e->out, '}');
    return GW_OK;
}

/* All members of the union start at the same address. */
gw_code wire_encode(const wire_header *h, gw_buf *ret, gw_err *err)
{
    if ((unsigned)h->type >= WIRE_TYPE_COUNT)
        gw_bug("unknown worker message type");
    encoder e = {types[h->type].name, ret, err};
    gw_code rc = put_rows(&e, types[h->type].rows, (const char *)&h->ready);
    return rc != GW_OK ? rc : gw_buf_code(ret, "worker message header", err);
}

/* ---- decoding ---- */

typedef struct {
    const char *type;
    const json_doc *doc;
    gw_err *err;
} decoder;

static gw_code get_rows(const decoder *d, const field *rows, uint32_t object, char *base);

static gw_code get_text(const decoder *d, const field *f, uint32_t node, char *at)
{
    gw_str s = GW_STR("");
    if (node && json_kind_of(d->doc, node) != JSON_STRING)
        return wrong(d->type, f->name, "a text", d->err);
    if (node)
        s = json_str(d->doc, node);
    if (!s.p)
        return gw_fail(d->err, GW_ENOMEM, "worker message %s: out of memory", d->type);
    if (f->kind == TEXT && s.n == 0)
        return wrong(d->type, f->name, "a text", d->err);
    *(gw_str *)(void *)at = s;
    return GW_OK;
}

static gw_code get_number(const decoder *d, const field *f, uint32_t node, char *at)
{
    int64_t v = -1;
    if (node || f->kind != MAYBE_NUMBER64) {
        if (!node || json_kind_of(d->doc, node) != JSON_INT)
            return wrong(d->type, f->name, "an integer", d->err);
        v = json_at(d->doc, node)->i;
        if (v < f->min || (f->kind == NUMBER && v > f->max))
            return wrong(d->type, f->name, "a number in its range", d->err);
    }
    if (f->kind == NUMBER)
        *(int *)(void *)at = (int)v;
    else
        *(int64_t *)(void *)at = v;
    return GW_OK;
}

static gw_code get_truth(const decoder *d, const field *f, uint32_t node, char *at)
{
    json_kind kind = node ? json_kind_of(d->doc, node) : JSON_NULL;
    if (kind != JSON_TRUE && kind != JSON_FALSE)
        return wrong(d->type, f->name, "true or false", d->err);
    *(bool *)at = kind == JSON_TRUE;
    return GW_OK;
}

static gw_code get_word(const decoder *d, const field *f, uint32_t node, char *at)
{
    gw_str s =
        node && json_kind_of(d->doc, node) == JSON_STRING ? json_str(d->doc, node) : GW_STR("");
    for (unsigned i = 0; i <= (unsigned)f->max; i++) {
        if (!gw_str_is(s, f->words[i]))
            continue;
        *(unsigned *)(void *)at = i;
        return GW_OK;
    }
    return wrong(d->type, f->name, "one of its known words", d->err);
}

static gw_code get_list(const decoder *d, const field *f, uint32_t node, char *base)
{
    uint32_t n = 0;
    if (node) {
        if (json_kind_of(d->doc, node) != JSON_ARRAY)
            return wrong(d->type, f->name, "a list", d->err);
        n = json_at(d->doc, node)->count;
    }
    if (n < (size_t)f->min || n > (size_t)f->max)
        return wrong(d->type, f->name, "a list within its limits", d->err);
    uint32_t child = json_first(node);
    for (uint32_t i = 0; i < n; i++, child = json_at(d->doc, child)->next) {
        gw_code rc = get_rows(d, f->rows, child, base + f->offset + i * f->size);
        if (rc != GW_OK)
            return rc;
    }
    *(size_t *)(void *)(base + f->count) = n;
    return GW_OK;
}

static gw_code get_field(const decoder *d, const field *f, uint32_t object, char *base)
{
    uint32_t node = json_member(d->doc, object, f->name);
    char *at = base + f->offset;
    switch (f->kind) {
    case TEXT:
    case MAYBE_TEXT:
        return get_text(d, f, node, at);
    case NUMBER:
    case NUMBER64:
    case MAYBE_NUMBER64:
        return get_number(d, f, node, at);
    case TRUTH:
        return get_truth(d, f, node, at);
    case WORD:
        return get_word(d, f, node, at);
    case MAYBE_PART:
        if (!node)
            return GW_OK;
        __attribute__((fallthrough));
    case PART:
        if (!node)
            return wrong(d->type, f->name, "an object", d->err);
        return get_rows(d, f->rows, node, base);
    case LIST:
        return get_list(d, f, node, base);
    }
    gw_bug("unknown kind of worker field");
}

static gw_code get_rows(const decoder *d, const field *rows, uint32_t object, char *base)
{
    if (json_kind_of(d->doc, object) != JSON_OBJECT)
        return gw_fail(d->err, GW_EINVAL, "worker message %s: an object is expected", d->type);
    for (const field *f = rows; f->name; f++) {
        gw_code rc = get_field(d, f, object, base);
        if (rc != GW_OK)
            return rc;
    }
    return GW_OK;
}

gw_code wire_decode(gw_str type, gw_str json, gw_arena *arena, wire_header *ret, gw_err *err)
{
    wire_header h;
    memset(&h, 0, sizeof h);
    if (!wire_type_parse(type, &h.type))
        return gw_fail(err, GW_EINVAL, "worker message of unknown type");
    const char *name = types[h.type].name;
    if (json.n > WIRE_HEADER_MAX)
        return gw_fail(err, GW_ELIMIT, "worker message %s: header larger than %d bytes", name,
                       WIRE_HEADER_MAX);
    json_doc doc;
    gw_code rc = json_parse(json, arena, &doc, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "worker message %s", name);
    decoder d = {name, &doc, err};
    rc = get_rows(&d, types[h.type].rows, 0, (char *)&h.ready);
    if (rc == GW_OK)
        *ret = h;
    return rc;
}
