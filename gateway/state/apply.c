/* apply.c - transitions to dunlin_apply. */
#include "gateway/state/calls.h"
#include "gateway/state/lane.h"
#include "gateway/state/record.h"

enum {
    CALL_TXNS = 256,
    HEADER_BYTES = 54, /* HEADER in dunlin.lua */
    HAS_WAKE = 1,
    HAS_UNWAKE = 2,
    IN_LANE = 1,
    NO_LANE = 2,
    RANKED = 3,
};
#define VERSION_MAX (INT64_C(1) << 53) /* Lua's numbers are doubles */

typedef struct {
    state *s;
    const state_txn *txns;
    gw_buf record; /* one packed record */
    state_verdict *ret;
} applying;

/* ---- rules ---- */

static gw_code check_fields(const state_field *f, size_t n, const char *const *reserved,
                            const char *what, gw_err *err)
{
    if (n > STATE_FIELDS_MAX)
        return gw_fail(err, GW_ELIMIT, "transition sets more than %d %s fields", STATE_FIELDS_MAX,
                       what);
    for (size_t i = 0; i < n; i++) {
        if (!f[i].name.n || f[i].name.n > STATE_NAME_MAX)
            return gw_fail(err, GW_EINVAL, "transition: a %s field name has %zu bytes (1..%d)",
                           what, f[i].name.n, STATE_NAME_MAX);
        if (f[i].value.n > STATE_VALUE_MAX)
            return gw_fail(err, GW_ELIMIT, "transition: a %s field is larger than %d bytes", what,
                           STATE_VALUE_MAX);
        for (size_t k = 0; reserved[k]; k++)
            if (gw_str_is(f[i].name, reserved[k]))
                return gw_fail(err, GW_EINVAL, "transition: %s field %s is kept by the state store",
                               what, reserved[k]);
    }
    return GW_OK;
}

static const state_field *find(const state_field *f, size_t n, const char *name)
{
    for (size_t i = n; i-- > 0;)
        if (gw_str_is(f[i].name, name))
            return &f[i];
    return NULL;
}

static gw_code check_reminder(const state_txn *t, gw_err *err)
{
    static const char *const reserved[] = {"v", "due", "did", "a", NULL};
    if (!t->rid)
        return t->n || t->lane
                   ? gw_fail(err, GW_EINVAL, "transition without rid sets reminder fields or lane")
                   : GW_OK;
    if (t->lane && t->lane != '-' && due_lane(t->lane) < 0)
        return gw_fail(err, GW_EINVAL, "transition: no lane '%c' (w e s v f k or -)", t->lane);
    if (t->ranked && (due_lane(t->lane) < 0 || t->rank <= -VERSION_MAX || t->rank >= VERSION_MAX))
        return gw_fail(err, GW_EINVAL, "transition: a rank needs a lane, and 53 bits");
    const state_field *st = find(t->sets, t->n, "s");
    if (st && (st->value.n != 1 || st->value.p[0] < 'A' || st->value.p[0] > 'Z'))
        return gw_fail(err, GW_EINVAL, "transition: state must be one letter A..Z");
    if (t->version == 0 && (!t->did || !st))
        return gw_fail(err, GW_EINVAL, "creating a reminder needs its did and its state");
    static const char *const identity[] = {"k", "src", "deb", "cas", "job", "ch", "at"};
    for (size_t i = 0; i < GW_COUNT(identity); i++) {
        const state_field *f = find(t->sets, t->n, identity[i]);
        if (f && !f->value.p)
            return gw_fail(err, GW_EINVAL, "transition: reminder field %s is never deleted",
                           identity[i]);
    }
    return check_fields(t->sets, t->n, reserved, "reminder", err);
}

static gw_code check_debtor(const state_txn *t, gw_err *err)
{
    static const char *const reserved[] = {"v", NULL};
    static const char *const none[] = {NULL};
    if (!t->did)
        return t->debtor_n || t->item_n || t->take_n || t->give_n || t->wake_debtor ||
                       t->unwake_debtor
                   ? gw_fail(err, GW_EINVAL, "transition without did sets, counts or wakes one")
                   : GW_OK;
    if (state_shard(t->did) != t->shard)
        return gw_fail(err, GW_EINVAL, "transition: shard %d is not the one of its debtor",
                       t->shard);
    for (size_t i = 0; i < t->debtor_n; i++) {
        const state_field *f = &t->debtor_sets[i];
        if (f->value.p && f->name.n >= 2 && memcmp(f->name.p, "c:", 2) == 0)
            return gw_fail(err, GW_EINVAL, "transition: cap counters are taken and given, not set");
    }
    gw_code rc = check_fields(t->debtor_sets, t->debtor_n, reserved, "debtor", err);
    return rc == GW_OK ? check_fields(t->item_sets, t->item_n, none, "item", err) : rc;
}

static bool name_fits(const char *name)
{
    return name && strncmp(name, "c:", 2) == 0 && strlen(name) <= STATE_NAME_MAX;
}

static gw_code check_caps(const state_txn *t, gw_err *err)
{
    if (t->take_n > STATE_CAPS_MAX || t->give_n > STATE_CAPS_MAX)
        return gw_fail(err, GW_ELIMIT, "transition has more than %d caps", STATE_CAPS_MAX);
    bool good = true;
    for (size_t i = 0; i < t->take_n; i++) {
        const state_cap *c = &t->takes[i];
        if (c->with_n > STATE_CAP_WINDOW_MAX)
            return gw_fail(err, GW_ELIMIT, "cap looks at more than %d further counters",
                           STATE_CAP_WINDOW_MAX);
        good = good && name_fits(c->field);
        for (size_t k = 0; k < c->with_n; k++)
            good = good && name_fits(c->with[k]);
    }
    for (size_t i = 0; i < t->give_n; i++)
        good = good && name_fits(t->gives[i]);
    return good ? GW_OK : gw_fail(err, GW_EINVAL, "a cap field is not named c:...");
}

static gw_code check_txn(const state_txn *t, gw_err *err)
{
    if (t->shard >= STATE_SHARDS)
        return gw_fail(err, GW_EINVAL, "transition: no shard %d", t->shard);
    if (t->record_n > STATE_RECORDS_MAX)
        return gw_fail(err, GW_ELIMIT, "transition has more than %d records", STATE_RECORDS_MAX);
    if (t->version >= VERSION_MAX || t->debtor_version >= VERSION_MAX ||
        t->fence >= (uint64_t)VERSION_MAX)
        return gw_fail(err, GW_EINVAL, "transition: a version is out of range");
    gw_code rc = check_reminder(t, err);
    for (size_t i = 0; i < t->record_n && rc == GW_OK; i++)
        rc = record_check(&t->records[i], err);
    if (rc == GW_OK)
        rc = check_debtor(t, err);
    return rc == GW_OK ? check_caps(t, err) : rc;
}

/* ---- sending ---- */

typedef struct {
    size_t set, del;
} tally;

/* Field s travels in the header. */
static bool is_state(const state_field *f)
{
    return f->name.n == 1 && f->name.p[0] == 's';
}

static tally count_fields(const state_field *f, size_t n)
{
    tally t = {0};
    for (size_t i = 0; i < n; i++)
        *(f[i].value.p ? &t.set : &t.del) += 1;
    return t;
}

static void put_sets(state *s, const state_field *f, size_t n, bool reminder)
{
    for (size_t i = 0; i < n; i++)
        if (f[i].value.p && !(reminder && is_state(&f[i]))) {
            conn_arg(s, f[i].name);
            conn_arg(s, f[i].value);
        }
}

static void put_deletes(state *s, const state_field *f, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!f[i].value.p)
            conn_arg(s, f[i].name);
}

/* What one transition is made of, counted in arguments. */
typedef struct {
    tally debtor, items, reminder;
    size_t take_args, lane_args;
} shape;

static shape shape_of(const state_txn *t)
{
    shape x = {
        .debtor = count_fields(t->debtor_sets, t->debtor_n),
        .items = count_fields(t->item_sets, t->item_n),
        .reminder = count_fields(t->sets, t->n),
        .lane_args = due_lane(t->lane) < 0 ? 0
                     : t->ranked           ? 3
                                           : 2,
    };
    for (size_t i = 0; i < t->n; i++)
        x.reminder.set -= is_state(&t->sets[i]);
    for (size_t i = 0; i < t->take_n; i++)
        x.take_args += 3 + t->takes[i].with_n;
    return x;
}

static size_t args_of(const void *self, size_t item)
{
    const state_txn *t = &((const applying *)self)->txns[item];
    shape x = shape_of(t);
    return 3 + 2 * (x.debtor.set + x.items.set + x.reminder.set) + x.debtor.del + x.items.del +
           x.reminder.del + x.take_args + t->give_n + t->record_n + x.lane_args;
}

static void put_byte(char **at, size_t v)
{
    *(*at)++ = (char)v;
}

static void put_short(char **at, size_t v)
{
    put_byte(at, v & 255);
    put_byte(at, v >> 8);
}

static void put_double(char **at, int64_t v)
{
    double d = (double)v;
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    for (int i = 0; i < 64; i += 8)
        put_byte(at, (bits >> i) & 255);
}

static void put_header(state *s, const state_txn *t, const shape *x)
{
    const state_field *st = find(t->sets, t->n, "s");
    char header[HEADER_BYTES];
    char *at = header;
    put_byte(&at, (t->wake_debtor ? HAS_WAKE : 0) | (t->unwake_debtor ? HAS_UNWAKE : 0));
    put_byte(&at, st ? (unsigned char)st->value.p[0] : 0);
    put_byte(&at, x->lane_args == 3 ? RANKED : x->lane_args ? IN_LANE : t->lane ? NO_LANE : 0);
    put_byte(&at, t->take_n);
    put_short(&at, x->take_args);
    put_short(&at, 2 * x->debtor.set);
    put_short(&at, x->debtor.del);
    put_short(&at, 2 * x->items.set);
    put_short(&at, x->items.del);
    put_short(&at, 2 * x->reminder.set);
    put_short(&at, x->reminder.del);
    put_short(&at, t->give_n);
    put_byte(&at, t->record_n);
    put_byte(&at, 0);
    put_double(&at, (int64_t)t->fence);
    put_double(&at, t->did ? t->debtor_version : -1);
    put_double(&at, t->version);
    put_double(&at, due_clamp(t->wake_at.ms));
    conn_arg(s, (gw_str){header, (size_t)(at - header)});
}

static void put_member(state *s, char kind, const gw_id *id)
{
    if (id)
        conn_arg_member(s, kind, id);
    else
        conn_arg_z(s, "");
}

static void put_caps(state *s, const state_txn *t)
{
    for (size_t i = 0; i < t->take_n; i++) {
        const state_cap *c = &t->takes[i];
        conn_arg_z(s, c->field);
        conn_arg_int(s, c->max);
        conn_arg_int(s, (int64_t)c->with_n);
        for (size_t k = 0; k < c->with_n; k++)
            conn_arg_z(s, c->with[k]);
    }
    for (size_t i = 0; i < t->give_n; i++)
        conn_arg_z(s, t->gives[i]);
}

static void put_txn(void *self, size_t item)
{
    applying *a = self;
    const state_txn *t = &a->txns[item];
    state *s = a->s;
    shape x = shape_of(t);
    put_header(s, t, &x);
    put_member(s, 'd', t->did);
    put_member(s, 'r', t->rid);
    put_sets(s, t->debtor_sets, t->debtor_n, false);
    put_deletes(s, t->debtor_sets, t->debtor_n);
    put_sets(s, t->item_sets, t->item_n, false);
    put_deletes(s, t->item_sets, t->item_n);
    put_sets(s, t->sets, t->n, true);
    put_deletes(s, t->sets, t->n);
    put_caps(s, t);
    for (size_t i = 0; i < t->record_n; i++) {
        gw_buf_clear(&a->record);
        record_pack(&t->records[i], &a->record);
        if (a->record.code != GW_OK)
            s->out.code = a->record.code;
        conn_arg(s, gw_buf_str(&a->record));
    }
    if (x.lane_args) {
        conn_arg_int(s, due_score(t->lane, t->due_ms));
        conn_arg_int(s, due_clamp(t->due_ms));
    }
    if (x.lane_args == 3)
        conn_arg_int(s, t->rank);
}

static uint8_t shard_of(const void *self, size_t item)
{
    return ((const applying *)self)->txns[item].shard;
}

static size_t bytes_of(const void *self, size_t item)
{
    const state_txn *t = &((const applying *)self)->txns[item];
    size_t bytes = HEADER_BYTES + (size_t)2 * GW_ID_TEXT;
    for (size_t i = 0; i < t->debtor_n; i++)
        bytes += t->debtor_sets[i].name.n + t->debtor_sets[i].value.n;
    for (size_t i = 0; i < t->item_n; i++)
        bytes += t->item_sets[i].name.n + t->item_sets[i].value.n;
    for (size_t i = 0; i < t->n; i++)
        bytes += t->sets[i].name.n + t->sets[i].value.n;
    for (size_t i = 0; i < t->record_n; i++)
        bytes += t->records[i].fact.n + t->records[i].priv.n + t->records[i].blobs.n;
    return bytes;
}

/* ---- the answer ---- */

static gw_code take_verdicts(void *self, const uint32_t *items, size_t n, const redisReply *r,
                             gw_err *err)
{
    static const char letters[] = "ofsdc"; /* in the order of state_verdict */
    applying *a = self;
    gw_str got = conn_text(r);
    if (got.n != n)
        return conn_unexpected("dunlin_apply", err);
    for (size_t i = 0; i < n; i++) {
        const char *at = memchr(letters, got.p[i], sizeof letters - 1);
        if (!at)
            return conn_unexpected("dunlin_apply", err);
        a->ret[items[i]] = (state_verdict)(at - letters);
    }
    return GW_OK;
}

gw_code state_apply(state *s, const state_txn *txns, size_t n, state_verdict *ret, gw_err *err)
{
    static const calls_plan plan = {
        .doing = "changing state",
        .call_max = CALL_TXNS,
        .shard_of = shard_of,
        .bytes_of = bytes_of,
        .function = "dunlin_apply",
        .args_of = args_of,
        .put = put_txn,
        .take = take_verdicts,
    };
    for (size_t i = 0; i < n; i++)
        ret[i] = STATE_UNKNOWN;
    for (size_t i = 0; i < n; i++) {
        gw_code rc = check_txn(&txns[i], err);
        if (rc != GW_OK)
            return rc;
    }
    applying a = {.s = s, .txns = txns, .ret = ret};
    gw_buf_init(&a.record, STATE_RECORD_MAX + 4096);
    gw_code rc = calls_run(s, &plan, &a, n, err);
    gw_buf_done(&a.record);
    return rc;
}
