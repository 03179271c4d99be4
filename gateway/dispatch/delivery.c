#include "gateway/dispatch/delivery.h"

#define MOVE    DELIVERY_MOVE
#define SAME    DELIVERY_SAME
#define LATE    DELIVERY_LATE
#define CLASH   DELIVERY_CLASH
#define NOTHING DELIVERY_NOTHING

/* Row: what is known. Column: what a believable receipt of the same attempt says. The three ways of
 * not arriving agree with each other: the first one stands. */
/* clang-format off */
static const delivery_effect table[WIRE_RECEIPT_STATE_COUNT][WIRE_RECEIPT_STATE_COUNT] = {
    /*                         none     accepted sent  delivered failed expired rejected */
    [WIRE_RECEIPT_NONE]      = {NOTHING, MOVE,   MOVE, MOVE,     MOVE,  MOVE,   MOVE},
    [WIRE_RECEIPT_ACCEPTED]  = {NOTHING, SAME,   MOVE, MOVE,     MOVE,  MOVE,   MOVE},
    [WIRE_RECEIPT_SENT]      = {NOTHING, LATE,   SAME, MOVE,     MOVE,  MOVE,   MOVE},
    [WIRE_RECEIPT_DELIVERED] = {NOTHING, LATE,   LATE, SAME,     CLASH, CLASH,  CLASH},
    [WIRE_RECEIPT_FAILED]    = {NOTHING, LATE,   LATE, CLASH,    SAME,  SAME,   SAME},
    [WIRE_RECEIPT_EXPIRED]   = {NOTHING, LATE,   LATE, CLASH,    SAME,  SAME,   SAME},
    [WIRE_RECEIPT_REJECTED]  = {NOTHING, LATE,   LATE, CLASH,    SAME,  SAME,   SAME},
};
/* clang-format on */

static const char *const effect_names[DELIVERY_EFFECT_COUNT] = {
    [DELIVERY_REPEAT] = "repeat",          [DELIVERY_MOVE] = "new",
    [DELIVERY_SAME] = "said-again",        [DELIVERY_LATE] = "late",
    [DELIVERY_CLASH] = "contradicts",      [DELIVERY_CLAIM] = "to-be-confirmed",
    [DELIVERY_NOTHING] = "not-understood",
};

const char *delivery_effect_name(delivery_effect e)
{
    return effect_names[e];
}

/* ---- the fold ---- */

static bool was_seen(delivery *d, const gw_id *digest)
{
    for (size_t i = 0; i < d->seen_n; i++)
        if (memcmp(d->seen[i].b, digest->b, sizeof digest->b) == 0)
            return true;
    if (d->seen_n == DELIVERY_SEEN_MAX) {
        memmove(&d->seen[0], &d->seen[1], (DELIVERY_SEEN_MAX - 1) * sizeof d->seen[0]);
        d->seen_n--;
    }
    d->seen[d->seen_n++] = *digest;
    return false;
}

static delivery_effect effect_of(const delivery *d, wire_receipt_state says, int attempt)
{
    bool known = d->state != WIRE_RECEIPT_NONE;
    if (says == WIRE_RECEIPT_NONE)
        return NOTHING;
    if (!known || attempt == d->attempt)
        return table[d->state][says];
    if (d->state == WIRE_RECEIPT_DELIVERED)
        return says == WIRE_RECEIPT_DELIVERED ? SAME : LATE;
    return attempt > d->attempt || says == WIRE_RECEIPT_DELIVERED ? MOVE : LATE;
}

delivery_effect delivery_fold(delivery *d, const hook_entry *e, int attempt)
{
    gw_id digest;
    hook_entry_digest(e, &digest);
    if (was_seen(d, &digest))
        return DELIVERY_REPEAT;
    d->n++;
    delivery_effect effect = effect_of(d, e->state, attempt);
    if (e->auth == WIRE_AUTH_UNSIGNED) {
        if (effect != MOVE && effect != CLASH)
            return effect;
        d->claimed = e->state;
        return DELIVERY_CLAIM;
    }
    if (effect == CLASH)
        d->contradicted = true;
    if (effect == MOVE) {
        d->state = e->state;
        d->auth = e->auth;
        d->attempt = attempt;
        d->at_ms = e->at_ms;
        d->rx_ms = e->rx_ms;
        d->provider = e->provider;
        d->ref = e->ref;
        d->code = e->code;
    }
    bool no_answer = e->auth == WIRE_AUTH_PULLED && e->state == WIRE_RECEIPT_NONE;
    if (wire_receipt_is_final(d->state) || d->state == d->claimed || no_answer)
        d->claimed = WIRE_RECEIPT_NONE; /* what it said is known now, or nobody will confirm it */
    return effect;
}

/* ---- what it means for the life ---- */

life_event delivery_life_event(const delivery *d, life_state in, int attempts, bool *ret_wait)
{
    bool took = d->state == WIRE_RECEIPT_ACCEPTED || d->state == WIRE_RECEIPT_SENT ||
                d->state == WIRE_RECEIPT_DELIVERED;
    bool open = in == LIFE_SENDING || in == LIFE_CLAIMED;
    *ret_wait = open && d->attempt == attempts && d->state != WIRE_RECEIPT_NONE;
    if (d->state == WIRE_RECEIPT_NONE || *ret_wait)
        return LIFE_EVENT_COUNT;
    if (took)
        return ON_RECEIPT_TOOK;
    return d->attempt == attempts ? ON_RECEIPT_REFUSED : LIFE_EVENT_COUNT;
}

/* ---- the stored form ---- */

static gw_code corrupt(gw_err *err)
{
    return gw_fail(err, GW_ECORRUPT, "a reminder's delivery state cannot be read");
}

static bool read_seen(const json_doc *j, delivery *d)
{
    uint32_t list = json_member(j, 0, "seen");
    if (!list)
        return true;
    if (json_kind_of(j, list) != JSON_ARRAY || json_at(j, list)->count > DELIVERY_SEEN_MAX)
        return false;
    for (uint32_t c = json_first(list); c < json_at(j, list)->next; c = json_at(j, c)->next)
        if (json_kind_of(j, c) != JSON_STRING ||
            gw_id_parse(json_str(j, c), &d->seen[d->seen_n++], NULL) != GW_OK)
            return false;
    return true;
}

gw_code delivery_read(gw_str y, gw_arena *arena, delivery *ret, gw_err *err)
{
    delivery d = {0};
    json_doc j;
    if (y.n) {
        gw_code rc = json_parse(y, arena, &j, err);
        if (rc == GW_ENOMEM)
            return rc;
        if (rc != GW_OK || json_kind_of(&j, 0) != JSON_OBJECT || json_get_int(&j, 0, "v", 0) != 1 ||
            !wire_receipt_state_parse(json_get_str(&j, 0, "state"), &d.state) ||
            !wire_auth_parse(json_get_str(&j, 0, "auth"), &d.auth) || !read_seen(&j, &d))
            return corrupt(err);
        d.attempt = (int)json_get_int(&j, 0, "attempt", 0);
        d.at_ms = json_get_int(&j, 0, "at", 0);
        d.rx_ms = json_get_int(&j, 0, "rx", 0);
        d.provider = json_get_str(&j, 0, "provider");
        d.ref = json_get_str(&j, 0, "ref");
        d.code = json_get_str(&j, 0, "code");
        d.contradicted = json_get_bool(&j, 0, "contradicted", false);
        d.n = json_get_int(&j, 0, "n", 0);
        gw_str claimed = json_get_str(&j, 0, "claimed");
        if (claimed.n && !wire_receipt_state_parse(claimed, &d.claimed))
            return corrupt(err);
    }
    *ret = d;
    return GW_OK;
}

static void put_text(gw_buf *b, const char *name, gw_str value)
{
    if (value.n)
        json_put_member_str(b, name, value);
}

gw_code delivery_write(const delivery *d, gw_buf *ret, gw_err *err)
{
    gw_buf_putc(ret, '{');
    json_put_member_int(ret, "v", 1);
    json_put_member_str(ret, "state", gw_str_of(wire_receipt_state_name(d->state)));
    json_put_member_str(ret, "auth", gw_str_of(wire_auth_name(d->auth)));
    json_put_member_int(ret, "attempt", d->attempt);
    if (d->at_ms)
        json_put_member_int(ret, "at", d->at_ms);
    json_put_member_int(ret, "rx", d->rx_ms);
    put_text(ret, "provider", d->provider);
    put_text(ret, "ref", d->ref);
    put_text(ret, "code", d->code);
    if (d->contradicted)
        json_put_member_bool(ret, "contradicted", true);
    if (d->claimed != WIRE_RECEIPT_NONE)
        json_put_member_str(ret, "claimed", gw_str_of(wire_receipt_state_name(d->claimed)));
    json_put_member_int(ret, "n", d->n);
    json_put_name(ret, "seen");
    for (size_t i = 0; i < d->seen_n; i++) {
        char id[GW_ID_TEXT];
        gw_id_format(&d->seen[i], id);
        gw_buf_printf(ret, "%s\"%s\"", i ? "," : "[", id);
    }
    gw_buf_puts(ret, d->seen_n ? "]}" : "[]}");
    return gw_buf_code(ret, "a delivery state", err);
}
