#include "gateway/dispatch/query_part.h"

#include "gateway/dispatch/change.h"
#include "gateway/dispatch/delivery.h"
#include "gateway/dispatch/life.h"

/* ---- one reminder ---- */

static void put_reminder(gw_buf *b, const view_reminder *r)
{
    char rid[GW_ID_TEXT];
    gw_id_format(&r->rid, rid);
    json_put_member_str(b, "job", r->job);
    json_put_member_str(b, "state", gw_str_of(life_state_name((life_state)r->state)));
    query_put_text(b, "why", r->why);
    json_put_member_str(b, "source", r->source);
    json_put_member_str(b, "debtor", r->debtor);
    query_put_text(b, "case", r->case_id);
    json_put_member_str(b, "channel", r->channel);
    query_put_text(b, "template", r->template);
    if (life_is_final((life_state)r->state))
        query_put_time(b, "ended", r->ended_ms);
    else
        query_put_time(b, r->state == LIFE_HELD ? "looked_at_again" : "due", r->due_ms);
    json_put_member_int(b, "attempts", r->attempts);
    query_put_time(b, "accepted", r->accepted_ms);
    json_put_member_str(b, "receipt", gw_str_of(rid));
}

static void put_more(gw_buf *b, const view_reminder *r)
{
    json_put_member_str(b, "kind", r->kind == 'l' ? GW_STR("ladder-step") : GW_STR("job"));
    query_put_text(b, "purpose", r->purpose);
    query_put_text(b, "to", r->to);
    query_put_text(b, "item", r->item);
    query_put_text(b, "ladder", r->ladder);
    query_put_text(b, "step", r->step);
    query_put_text(b, "tone", r->tone);
    query_put_time(b, "not_before", r->not_before_ms);
    query_put_time(b, "not_after", r->not_after_ms);
    query_put_text(b, "template_version", r->template_version);
    query_put_text(b, "locale", r->template_locale);
    query_put_text(b, "caps", r->cap);
    if (view_is_task(r) && r->desk.n) {
        query_put_text(b, "agent", r->agent);
        json_put_member_int(b, "rank", r->rank);
        json_put_member_raw(b, "desk", r->desk);
    }
    json_put_member_int(b, "failed_attempts", r->failed);
    json_put_member_int(b, "starts_without_outcome", r->starts);
    if (r->plan.n)
        json_put_member_raw(b, "last_decision", r->plan);
    if (r->out.n)
        json_put_member_raw(b, "last_outcome", r->out);
}

/* What became of it after it left, in the words of receipts. */
static gw_code put_delivery(gw_buf *b, const view_reminder *r, gw_arena *arena, gw_err *err)
{
    delivery d;
    if (!r->delivery.n)
        return GW_OK;
    gw_code rc = delivery_read(r->delivery, arena, &d, err);
    if (rc != GW_OK)
        return rc;
    json_put_name(b, "delivery");
    gw_buf_putc(b, '{');
    json_put_member_str(b, "state", gw_str_of(wire_receipt_state_name(d.state)));
    if (d.state != WIRE_RECEIPT_NONE) {
        json_put_member_str(b, "authenticity", gw_str_of(wire_auth_name(d.auth)));
        json_put_member_int(b, "attempt", d.attempt);
        query_put_text(b, "provider", d.provider);
        query_put_text(b, "provider_ref", d.ref);
        query_put_text(b, "code", d.code);
        query_put_time(b, "at", d.at_ms);
        query_put_time(b, "received", d.rx_ms);
    }
    if (d.contradicted)
        json_put_member_bool(b, "contradicted", true);
    if (d.claimed != WIRE_RECEIPT_NONE)
        json_put_member_str(b, "unconfirmed", gw_str_of(wire_receipt_state_name(d.claimed)));
    json_put_member_int(b, "receipts", d.n);
    gw_buf_putc(b, '}');
    return GW_OK;
}

gw_code query_job(query *q, const intake_ask *ask, gw_buf *ret, gw_err *err)
{
    loaded *l;
    gw_code rc = query_find_job(q, ask, &l, err);
    if (rc != GW_OK)
        return rc;
    gw_buf_putc(ret, '{');
    put_reminder(ret, &l->r);
    put_more(ret, &l->r);
    rc = put_delivery(ret, &l->r, ask->arena, err);
    if (rc == GW_OK)
        rc = query_case_replies(q, ask, l, ret, err);
    if (rc != GW_OK)
        return rc;
    if (!life_is_final((life_state)l->r.state) && l->r.readable) {
        json_put_name(ret, "explain");
        rc = explain_reminder(q, ask, l->d, &l->r, ask->now, ret, err);
    }
    gw_buf_putc(ret, '}');
    return rc;
}

/* ---- lists ---- */

typedef struct {
    query *q;
    const intake_ask *ask;
    size_t limit, n;
    gw_buf *ret;
    gw_err *err;
} listing;

/* Load and append those of the asked source (and state, if that is to be looked at). */
static gw_code put_refs(listing *l, const state_ref *refs, size_t n, char only)
{
    loaded *list;
    gw_code rc = load_reminders(l->ask->store, l->q->cfg->id_key, refs, n, false, l->ask->arena,
                                &list, l->err);
    for (size_t i = 0; i < n && rc == GW_OK && l->n < l->limit; i++) {
        const view_reminder *r = &list[i].r;
        if (list[i].code == GW_ENOTFOUND || (only && r->state != only) ||
            (l->ask->source.n && !gw_str_eq(r->source, l->ask->source)))
            continue;
        gw_buf_puts(l->ret, l->n++ ? ",{" : "{");
        put_reminder(l->ret, r);
        gw_buf_putc(l->ret, '}');
    }
    return rc;
}

/* Accepted, planned and in-flight reminders, soonest first, as their lanes have them. */
static gw_code put_lane(listing *l, char lane, char only)
{
    uint8_t all[STATE_SHARDS];
    state_due_entry *due;
    size_t n, m = 0;
    memset(all, 1, sizeof all);
    if (l->n >= l->limit)
        return GW_OK;
    gw_code rc = state_due(l->ask->store, all, lane, (gw_wall){INT64_MAX}, QUERY_LIST_MAX,
                           l->ask->arena, &due, &n, l->err);
    state_ref *refs = rc == GW_OK ? gw_arena_alloc(l->ask->arena, (n + 1) * sizeof *refs) : NULL;
    if (rc != GW_OK || !refs)
        return rc != GW_OK ? rc : gw_fail(l->err, GW_ENOMEM, "listing jobs");
    for (size_t i = 0; i < n; i++)
        if (due[i].kind == 'r')
            refs[m++] = (state_ref){due[i].id, due[i].shard};
    return m ? put_refs(l, refs, m, only) : GW_OK;
}

static gw_code put_tasks(listing *l, char letter)
{
    state_ref *refs;
    size_t n, room = l->limit - l->n;
    if (room == 0)
        return GW_OK;
    gw_code rc = state_tasks(l->ask->store, letter, room < STATE_LIST_MAX ? room : STATE_LIST_MAX,
                             l->ask->arena, &refs, &n, l->err);
    return rc == GW_OK && n ? put_refs(l, refs, n, letter) : rc;
}

static gw_code put_indexed(listing *l, const state_list_query *asked, char only,
                           char cursor[STATE_CURSOR_TEXT])
{
    do {
        state_ref *refs;
        size_t n;
        char next[STATE_CURSOR_TEXT];
        size_t room = l->limit - l->n;
        if (room == 0)
            return GW_OK;
        gw_code rc =
            state_list(l->ask->store, asked, cursor, room, l->ask->arena, &refs, &n, next, l->err);
        if (rc == GW_OK && n)
            rc = put_refs(l, refs, n, only);
        if (rc != GW_OK)
            return rc;
        memcpy(cursor, next, sizeof next);
    } while (cursor[0]);
    return GW_OK;
}

static gw_code put_state(listing *l, char letter, char cursor[STATE_CURSOR_TEXT])
{
    state_list_query by_state = {.by_state = letter};
    gw_code rc = GW_OK;
    switch (letter) {
    case LIFE_HELD:
    case LIFE_UNKNOWN:
    case LIFE_PARKED:
        return put_indexed(l, &by_state, letter, cursor);
    case LIFE_ACCEPTED:
        return put_lane(l, 'a', letter);
    case LIFE_CLAIMED:
    case LIFE_SENDING:
        return put_lane(l, CHANGE_LANE_FLIGHT, letter);
    case LIFE_OPEN:
    case LIFE_LEASED:
    case LIFE_TALKING:
        return put_tasks(l, letter);
    case LIFE_PLANNED:
        for (const char *lane = "esvk"; *lane && rc == GW_OK; lane++)
            rc = put_lane(l, *lane, letter);
        return rc;
    default:
        return gw_fail(l->err, GW_EINVAL,
                       "ended reminders are listed by debtor only: name it in member debtor");
    }
}

/* Without state and debtor: what an operator looks for first. */
static gw_code put_overview(listing *l, char cursor[STATE_CURSOR_TEXT])
{
    static const char letters[] = "CSTLUQOHPA";
    gw_code rc = GW_OK;
    for (const char *s = letters; *s && rc == GW_OK; s++) {
        cursor[0] = '\0';
        rc = put_state(l, *s, cursor);
    }
    cursor[0] = '\0';
    return rc;
}

static gw_code letter_asked(const intake_ask *ask, char *ret, gw_err *err)
{
    gw_str name = json_get_str(ask->body, 0, "state");
    char *z = gw_arena_copy(ask->arena, name.n ? name : GW_STR(""));
    *ret = 0;
    if (!name.n)
        return GW_OK;
    *ret = z ? life_state_named(z) : 0;
    return *ret ? GW_OK
                : gw_fail(err, GW_EINVAL,
                          "state must be accepted, planned, held, open, leased, calling, claimed, "
                          "sending, "
                          "delivered, withdrawn, refused, unknown or parked");
}

gw_code query_jobs(query *q, const intake_ask *ask, gw_buf *ret, gw_err *err)
{
    listing l = {.q = q, .ask = ask, .ret = ret, .err = err};
    l.limit = (size_t)json_get_int(ask->body, 0, "limit", QUERY_LIST_DEFAULT);
    gw_str from = json_get_str(ask->body, 0, "cursor");
    gw_str debtor = json_get_str(ask->body, 0, "debtor");
    char cursor[STATE_CURSOR_TEXT] = "";
    char letter;
    gw_code rc = letter_asked(ask, &letter, err);
    if (rc == GW_OK && from.n >= sizeof cursor)
        rc = gw_fail(err, GW_EINVAL, "cursor is not one of ours");
    if (rc != GW_OK)
        return rc;
    if (from.n)
        memcpy(cursor, from.p, from.n);
    gw_buf_puts(ret, "{\"jobs\":[");
    if (debtor.n) {
        gw_id did;
        load_debtor_id(q->cfg->id_key, ask->source, debtor, &did);
        rc = put_indexed(&l, &(state_list_query){.did = &did}, letter, cursor);
    } else if (letter) {
        rc = put_state(&l, letter, cursor);
    } else {
        rc = put_overview(&l, cursor);
    }
    gw_buf_putc(ret, ']');
    query_put_text(ret, "cursor", gw_str_of(cursor));
    gw_buf_putc(ret, '}');
    return rc;
}
