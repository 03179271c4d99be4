#include "gateway/intake/ledger.h"

#include "gateway/intake/intake.h"
#include "gateway/wire/event.h"

#include <stdio.h>

enum { JOB_FIELDS = 9, ACCEPT_FACT = 64, ACCEPT_PRIV = 256 };

static gw_str fact_of(gw_str name, gw_str value, size_t room, gw_arena *arena)
{
    GW_AUTO_BUF gw_buf b;
    char z[16];
    gw_buf_init(&b, room);
    snprintf(z, sizeof z, "%.*s", GW_STR_ARG(name));
    gw_buf_putc(&b, '{');
    json_put_member_str(&b, z, value);
    gw_buf_putc(&b, '}');
    char *text = b.code == GW_OK ? gw_arena_copy(arena, gw_buf_str(&b)) : NULL;
    return (gw_str){text, text ? b.n : 0};
}

/* The job in the same form as one that was submitted. */
static gw_code add_job(const ledger_event *e, const ledger_result *r, const uint8_t *id_key,
                       gw_arena *arena, state_txn *t, gw_err *err)
{
    gw_id *rid = gw_arena_alloc(arena, sizeof *rid);
    char *at = gw_arena_alloc(arena, 24);
    char *rid_text = gw_arena_alloc(arena, GW_ID_TEXT);
    state_field *sets = gw_arena_alloc(arena, JOB_FIELDS * sizeof *sets);
    state_record *records = gw_arena_alloc(arena, 2 * sizeof *records);
    gw_str fact = fact_of(GW_STR("channel"), r->job_channel, ACCEPT_FACT, arena);
    gw_str priv = fact_of(GW_STR("job"), r->job, ACCEPT_PRIV, arena);
    if (!rid || !at || !rid_text || !sets || !records || !fact.p || !priv.p)
        return gw_fail(err, GW_ENOMEM, "creating a confirmation: out of memory");
    intake_reminder_id(id_key, e->source, r->job, rid);
    gw_id_format(rid, rid_text);
    int n = snprintf(at, 24, "%lld", (long long)e->now.ms);
    const state_field fields[JOB_FIELDS] = {
        {GW_STR("k"), GW_STR("j")}, {GW_STR("src"), e->source},      {GW_STR("deb"), e->debtor},
        {GW_STR("cas"), r->job},    {GW_STR("job"), r->job},         {GW_STR("ch"), r->job_channel},
        {GW_STR("b"), r->job_body}, {GW_STR("at"), {at, (size_t)n}}, {GW_STR("s"), GW_STR("A")},
    };
    memcpy(sets, fields, sizeof fields);
    records[0] = r->record;
    records[1] = (state_record){.event = EVENT_ACCEPTED,
                                .t = e->now,
                                .source = e->source,
                                .debtor = e->debtor,
                                .case_id = r->job,
                                .rid = {rid_text, GW_ID_TEXT - 1},
                                .why = GW_STR("opt-out-confirmation"),
                                .fact = fact,
                                .priv = priv,
                                .with_body = true};
    t->rid = rid;
    t->version = 0;
    t->sets = sets;
    t->n = JOB_FIELDS;
    t->lane = 'w';
    t->due_ms = e->now.ms;
    t->records = records;
    t->record_n = 2;
    return GW_OK;
}

void ledger_txn_drop_job(state_txn *t)
{
    t->rid = NULL;
    t->version = -1;
    t->sets = NULL;
    t->n = 0;
    t->lane = 0;
    t->record_n = 1; /* the event's own */
}

gw_code ledger_txn(const state_debtor *debtor, const ledger_event *event,
                   const ledger_result *result, const uint8_t *id_key, gw_arena *arena,
                   state_txn *ret, gw_err *err)
{
    state_txn t = {
        .shard = state_shard(&debtor->did),
        .did = &debtor->did,
        .debtor_version = (int64_t)debtor->debtor.version,
        .debtor_sets = result->debtor_sets,
        .debtor_n = result->debtor_n,
        .item_sets = result->item_sets,
        .item_n = result->item_n,
        .version = -1,
        .wake_debtor = true,
        .wake_at = event->now,
        .records = &result->record,
        .record_n = 1,
    };
    gw_code rc = result->job.n ? add_job(event, result, id_key, arena, &t, err) : GW_OK;
    if (rc == GW_OK)
        *ret = t;
    return rc;
}
