/* act.c - what people order: cancel a job, try again, move the clock. Each act is a row of life.h
 * and a record that names who. */
#include "gateway/dispatch/person.h"
#include "gateway/dispatch/query_part.h"

#include "gateway/dispatch/change.h"
#include "gateway/wire/event.h"

enum { WHO_MAX = 8192, TRIES = 5 };

static gw_str named_by(const intake_ask *ask)
{
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, WHO_MAX);
    gw_str by = json_get_str(ask->body, 0, "by");
    gw_buf_putc(&b, '{');
    json_put_member_str(&b, "by", by.n ? by : ask->who);
    json_put_member_str(&b, "key", ask->who);
    query_put_text(&b, "reason", json_get_str(ask->body, 0, "reason"));
    gw_buf_putc(&b, '}');
    char *text = gw_arena_copy(ask->arena, gw_buf_str(&b));
    return (gw_str){text, text ? b.n : 0};
}

/* One try: what is stored now, one move of its life. *ret_moved false: this state does not know the
 * act (that is recorded all the same). */
static gw_code try_act(query *q, const intake_ask *ask, life_event on, const char *why,
                       loaded **ret_l, life_move *ret_move, bool *ret_moved,
                       state_verdict *ret_verdict, gw_err *err)
{
    state_txn txn;
    gw_code rc = query_find_job(q, ask, ret_l, err);
    if (rc != GW_OK)
        return rc;
    loaded *l = *ret_l;
    change c = {.now = ask->now,
                .shard = state_shard(&l->did),
                .did = &l->did,
                .debtor_version = -1,
                .why = why,
                .due_ms = ask->now.ms,
                .call = on == ON_RETRY, /* placed, and nobody was talked to */
                .priv = named_by(ask)};
    rc = change_build(&c, &l->r, on, ask->arena, &txn, ret_move, ret_moved, err);
    if (rc == GW_OK)
        rc = person_apply(ask->store, &txn, 1, ret_verdict, err);
    return rc;
}

static gw_code act_on_job(query *q, const intake_ask *ask, life_event on, const char *why,
                          const char *too_late, gw_buf *ret, gw_err *err)
{
    for (int i = 0; i < TRIES; i++) {
        loaded *l;
        life_move move;
        bool moved;
        state_verdict verdict;
        gw_code rc = try_act(q, ask, on, why, &l, &move, &moved, &verdict, err);
        if (rc != GW_OK)
            return rc;
        if (verdict == STATE_STALE)
            continue; /* it moved meanwhile: look again */
        if (!moved || (move.effects & DO_NOTE))
            return gw_fail(err, GW_ECONFLICT, "the reminder is %s: %s",
                           life_state_name((life_state)l->r.state), too_late);
        char rid[GW_ID_TEXT];
        gw_id_format(&l->r.rid, rid);
        verdict_accepted(ret, l->r.job, gw_str_of(rid), ask->now);
        query_wake(q, 0, UINT64_MAX);
        return GW_OK;
    }
    return gw_fail(err, GW_EBUSY, "the reminder keeps moving; try again");
}

/* ---- the clock ---- */

static gw_code record_clock(const intake_ask *ask, const char *what, gw_err *err)
{
    GW_AUTO_BUF gw_buf fact;
    gw_buf_init(&fact, 256);
    gw_buf_putc(&fact, '{');
    json_put_member_str(&fact, "what", gw_str_of(what));
    query_put_text(&fact, "set", json_get_str(ask->body, 0, "set"));
    gw_buf_putc(&fact, '}');
    state_record record = {.event = EVENT_OPERATOR,
                           .t = ask->now,
                           .why = GW_STR("clock"),
                           .fact = gw_buf_str(&fact),
                           .priv = named_by(ask)};
    state_txn txn = {.debtor_version = -1, .version = -1, .records = &record, .record_n = 1};
    state_verdict verdict;
    return state_apply(ask->store, &txn, 1, &verdict, err);
}

static gw_code act_clock(query *q, const intake_ask *ask, gw_buf *ret, gw_err *err)
{
    clock_walk *walk = q->cfg->walk;
    gw_wall target;
    if (!walk)
        return gw_fail(err, GW_EREFUSED,
                       "this gateway's clock does not move; clock.movable allows it");
    bool release = json_member(ask->body, 0, "release") != 0;
    gw_code rc = record_clock(ask, release ? "release" : "set", err);
    if (rc != GW_OK)
        return rc;
    if (release) {
        rc = state_clock_set(ask->store, NULL, err);
        if (rc == GW_OK)
            clock_walk_release(walk);
    } else {
        rc = gw_time_parse(json_get_str(ask->body, 0, "set"), &target, err);
        if (rc == GW_OK)
            rc = clock_walk_to(walk, target, err);
        gw_wall now = gw_clock_now(q->cfg->clock);
        if (rc == GW_OK)
            rc = state_clock_set(ask->store, &now, err);
    }
    if (rc != GW_OK)
        return rc;
    verdict_accepted(ret, GW_STR("clock"), GW_STR(""), gw_clock_now(q->cfg->clock));
    query_wake(q, 0, UINT64_MAX);
    return GW_OK;
}

gw_code query_act(void *context, const intake_ask *ask, gw_buf *ret_json, gw_err *err)
{
    switch (ask->verb) {
    case VERB_CANCEL:
        return act_on_job(context, ask, ON_WITHDRAW, "cancelled",
                          "it cannot be called back any more", ret_json, err);
    case VERB_RETRY:
        return act_on_job(context, ask, ON_RETRY, "retry",
                          "only unknown and parked ones are tried again", ret_json, err);
    case VERB_CALL:
        return desk_call(context, ask, ret_json, err);
    case VERB_REPLY:
        return act_reply(context, ask, ret_json, err);
    case VERB_CLOCK:
        return act_clock(context, ask, ret_json, err);
    default:
        return gw_fail(err, GW_EINVAL, "this act is not dispatch's");
    }
}
