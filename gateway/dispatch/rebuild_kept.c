/* rebuild_kept.c - what is kept beside a reminder's life: delivery states, replies, conversations,
 * what leads from a provider's id to a reminder. */
#include "gateway/dispatch/load.h"
#include "gateway/dispatch/rebuild_part.h"
#include "gateway/dispatch/reply.h"
#include "gateway/policy/count.h"
#include "gateway/state/mark.h"
#include "gateway/wire/event.h"
#include "gateway/wire/receipt.h"

#include <stdio.h>

static gw_code no_memory(const rebuild *b)
{
    return gw_fail(b->err, GW_ENOMEM, "rebuilding: out of memory");
}

static gw_str fact(const entry *e, const char *name)
{
    return e->v.fact ? json_get_str(&e->v.doc, e->v.fact, name) : (gw_str){NULL, 0};
}

/* Fields of a debtor, in the order of the log with what events of billing do to it. */
static gw_code set_debtor(rebuild *b, const gw_id *did, const state_field *sets, size_t n)
{
    state_debtor *d;
    ledger_result change = {.debtor_n = n};
    state_field *kept = gw_arena_alloc(b->arena, n * sizeof *kept);
    if (!kept)
        return no_memory(b);
    memcpy(kept, sets, n * sizeof *kept);
    memcpy(change.debtor_sets, sets, n * sizeof *sets);
    gw_code rc = rebuild_debtor(b, did, &d);
    if (rc != GW_OK)
        return rc;
    b->txns[b->txn_n++] = (state_txn){.shard = state_shard(did),
                                      .did = &d->did,
                                      .debtor_version = (int64_t)d->debtor.version,
                                      .debtor_sets = kept,
                                      .debtor_n = n,
                                      .version = -1};
    return ledger_patch(d, &change, b->arena, b->err);
}

/* ---- receipts ---- */

/* Field y as the record left it. A record of an older version does not have it: the receipt stays
 * in the log, the delivery state is not made again. */
gw_code rebuild_receipt(rebuild *b, entry *e)
{
    gw_str y;
    gw_id *rid = gw_arena_alloc(b->arena, sizeof *rid);
    state_field *set = gw_arena_alloc(b->arena, sizeof *set);
    if (!rid || !set)
        return no_memory(b);
    gw_code rc = rebuild_private(b, e, "y", &y);
    if (rc == GW_OK)
        rc = gw_id_parse(e->v.rid, rid, b->err);
    const rebuilt *known = rc == GW_OK ? rebuild_find(b, rid) : NULL;
    if (rc != GW_OK || !y.n || !known)
        return rc;
    *set = (state_field){GW_STR("y"), y};
    b->txns[b->txn_n++] = (state_txn){.shard = known->shard,
                                      .debtor_version = -1,
                                      .rid = rid,
                                      .version = -1,
                                      .sets = set,
                                      .n = 1};
    return GW_OK;
}

/* The provider's id of an attempt leads to it, for receipts that name nothing else. */
gw_code rebuild_provider(rebuild *b, const entry *e, const rebuilt *r)
{
    char own[WIRE_OWN_TEXT];
    gw_str ref = fact(e, "provider_ref");
    if (!ref.n || gw_str_is(e->v.event, EVENT_RECEIVED))
        return GW_OK;
    wire_own_format(r->shard, &r->rid, e->v.attempt, own);
    state_mark m = {.kind = 'p', .value = gw_str_of(own)};
    state_mark_provider(b->o->id_key, fact(e, "provider"), ref, &m.key);
    m.shard = state_shard(&m.key);
    return state_mark_add(b->store, &m, 1, b->err);
}

/* ---- conversations ---- */

/* "#<debt>" as the outcome's record says; "no": there was none. Records of older versions tell only
 * that it was the right party: then it counts for every debt, which holds the longest. */
gw_code rebuild_talk(rebuild *b, const entry *e)
{
    char names[2][COUNT_NAME_TEXT];
    state_field sets[2];
    char at[24];
    gw_str talk = fact(e, "talk");
    bool old = !talk.n && gw_str_is(fact(e, "right_party"), "yes") && fact(e, "outcome").n;
    if (!old && (!talk.n || talk.p[0] != '#'))
        return GW_OK;
    count_talk_names(old ? GW_STR("") : (gw_str){talk.p + 1, talk.n - 1}, names);
    int n = snprintf(at, sizeof at, "%lld", (long long)e->v.t.ms);
    for (size_t i = 0; i < GW_COUNT(sets); i++) {
        char *name = gw_arena_copy(b->arena, gw_str_of(names[i]));
        char *value = gw_arena_copy(b->arena, (gw_str){at, (size_t)n});
        if (!name || !value)
            return no_memory(b);
        sets[i] = (state_field){gw_str_of(name), {value, (size_t)n}};
    }
    gw_id did;
    load_debtor_id(b->o->id_key, e->source, e->debtor, &did);
    return set_debtor(b, &did, sets, GW_COUNT(sets));
}

/* ---- replies ---- */

static gw_code list_reply(rebuild *b, const gw_id *did, gw_str reply, bool open)
{
    char value[2 * GW_ID_TEXT];
    char did_text[GW_ID_TEXT];
    static const gw_id all;
    gw_id_format(did, did_text);
    int n = snprintf(value, sizeof value, "%s.%.*s", did_text, GW_STR_ARG(reply));
    state_mark m = {state_shard(did), 'q', all, {value, (size_t)n}};
    return open ? state_mark_add(b->store, &m, 1, b->err)
                : state_mark_remove(b->store, &m, 1, b->err);
}

/* A reply as people see it, or read by somebody: what the record shows. */
gw_code rebuild_reply(rebuild *b, entry *e)
{
    gw_str reply, shown;
    json_doc *doc = gw_arena_alloc(b->arena, sizeof *doc);
    gw_code rc = doc ? rebuild_private(b, e, "reply", &reply) : no_memory(b);
    if (rc == GW_OK)
        rc = rebuild_private(b, e, "shown", &shown);
    if (rc != GW_OK || reply.n != GW_ID_TEXT - 1 || !shown.n)
        return rc;
    char name[sizeof REPLY_FIELD + GW_ID_TEXT];
    int n = snprintf(name, sizeof name, REPLY_FIELD "%.*s", GW_STR_ARG(reply));
    char *kept = gw_arena_copy(b->arena, (gw_str){name, (size_t)n});
    rc = kept ? json_parse(shown, b->arena, doc, b->err) : no_memory(b);
    if (rc != GW_OK)
        return rc;
    /* A stranger's is kept under its address (reply.c). */
    gw_id did;
    load_debtor_id(b->o->id_key, e->source, e->debtor.n ? e->debtor : json_get_str(doc, 0, "from"),
                   &did);
    rc = list_reply(b, &did, reply, json_get_bool(doc, 0, "open", false));
    const state_field set = {{kept, (size_t)n}, shown};
    return rc == GW_OK ? set_debtor(b, &did, &set, 1) : rc;
}
