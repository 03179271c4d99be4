/* query_try.c - a dry run (Q10): what would become of a job, or of the steps of an item's ladder.
 * The debtor is the stored one, with what the body says about it folded on top in memory; deciding
 * is the same function as everywhere else. Nothing is written. */
#include "gateway/dispatch/query_part.h"
#include "gateway/dispatch/steps.h"

#include "gateway/intake/ledger.h"

typedef struct {
    query *q;
    const intake_ask *ask;
    decide_context ctx;
    gw_wall now;
    state_debtor raw;
    view_debtor d;
    gw_buf *ret;
    gw_err *err;
} trial;

/* ---- the debtor as it would be ---- */

static gw_code open_part(trial *x, uint32_t node, json_doc *ret)
{
    return json_parse(json_raw(x->ask->body, node), x->ask->arena, ret, x->err);
}

static gw_code fold_part(trial *x, const char *member, verb v, gw_str debtor, bool *ret_rejected)
{
    uint32_t node = json_member(x->ask->body, 0, member);
    json_doc *doc = gw_arena_alloc(x->ask->arena, sizeof *doc);
    ledger_result result;
    if (!node || *ret_rejected)
        return GW_OK;
    gw_code rc = doc ? open_part(x, node, doc) : gw_fail(x->err, GW_ENOMEM, "trying");
    if (rc != GW_OK)
        return rc;
    const ledger_event event = {.verb = v,
                                .source = x->ask->source,
                                .debtor = debtor,
                                .body = doc,
                                .now = x->now,
                                .receipt = GW_STR("none"),
                                .third_parties = x->q->cfg->third_parties};
    rc = ledger_fold(&x->raw, &event, x->ask->arena, &result, x->err);
    if (rc != GW_OK || result.verdict == LEDGER_DUPLICATE)
        return rc;
    if (result.verdict == LEDGER_ACCEPTED)
        return ledger_patch(&x->raw, &result, x->ask->arena, x->err);
    *ret_rejected = true;
    gw_buf_putc(x->ret, '{');
    json_put_member_str(x->ret, "outcome", GW_STR("rejected"));
    json_put_member_str(x->ret, "code", gw_str_of(result.code));
    json_put_member_str(x->ret, "reason", gw_str_of(result.reason));
    gw_buf_putc(x->ret, '}');
    return GW_OK;
}

static gw_str debtor_named(const trial *x)
{
    const json_doc *d = x->ask->body;
    uint32_t job = json_member(d, 0, "job");
    uint32_t item = json_member(d, 0, "item");
    return job ? json_get_str(d, job, "debtor") : json_get_str(d, item, "debtor");
}

static gw_code load_debtor(trial *x, bool *ret_rejected)
{
    gw_id did;
    gw_str debtor = debtor_named(x);
    gw_code rc = query_context(x->q, x->ask, &x->ctx, x->err);
    load_debtor_id(x->q->cfg->id_key, x->ask->source, debtor, &did);
    if (rc == GW_OK)
        rc = state_load_debtors(x->ask->store, &did, 1, x->ask->arena, &x->raw, x->err);
    x->raw.did = did;
    if (rc == GW_OK)
        rc = fold_part(x, "debtor", VERB_DEBTOR, debtor, ret_rejected);
    if (rc == GW_OK)
        rc = fold_part(x, "item", VERB_ITEM, debtor, ret_rejected);
    return rc == GW_OK ? view_debtor_read(&x->raw, x->ask->arena, &x->d, x->err) : rc;
}

/* ---- deciding ---- */

static gw_code put_decision(trial *x, char kind, gw_str job, gw_str case_id, gw_str body)
{
    const state_field fields[] = {
        {GW_STR("s"), GW_STR("A")},
        {GW_STR("k"), kind == 'l' ? GW_STR("l") : GW_STR("j")},
        {GW_STR("src"), x->ask->source},
        {GW_STR("deb"), debtor_named(x)},
        {GW_STR("cas"), case_id},
        {GW_STR("job"), job},
        {GW_STR("b"), body},
    };
    state_reminder fresh = {.reminder = {.version = 1, .n = GW_COUNT(fields)}};
    view_reminder *r = gw_arena_alloc(x->ask->arena, sizeof *r);
    decision *d = gw_arena_alloc(x->ask->arena, sizeof *d);
    fresh.reminder.fields = gw_arena_alloc(x->ask->arena, sizeof fields);
    if (!r || !d || !fresh.reminder.fields)
        return gw_fail(x->err, GW_ENOMEM, "trying");
    memcpy(fresh.reminder.fields, fields, sizeof fields);
    load_reminder_id(x->q->cfg->id_key, x->ask->source, job, &fresh.rid);
    gw_code rc = view_reminder_read(&fresh, x->ask->arena, r, x->err);
    if (rc != GW_OK)
        return rc;
    r->channel = json_get_str(&r->doc, 0, "channel");
    rc = decide(&x->ctx, &x->d, r, x->now, x->ask->arena, d, x->err);
    if (rc != GW_OK)
        return rc;
    gw_buf_putc(x->ret, '{');
    json_put_member_str(x->ret, "job", job);
    json_put_member_str(x->ret, "channel", r->channel);
    json_put_member_str(x->ret, "outcome", gw_str_of(policy_verdict_name(d->policy.verdict)));
    query_put_text(x->ret, "rule", gw_str_of(d->rule));
    query_put_text(x->ret, "why", gw_str_of(d->why));
    query_put_text(x->ret, "sentence", gw_str_of(policy_why_sentence(d->why)));
    if (d->on == ON_PLAN)
        query_put_time(x->ret, "planned_for", d->due_ms);
    query_put_time(x->ret, "next", d->next_ms);
    gw_buf_putc(x->ret, '}');
    return GW_OK;
}

static gw_code try_job(trial *x, uint32_t node)
{
    gw_str job = json_get_str(x->ask->body, node, "id");
    gw_str case_id = json_get_str(x->ask->body, node, "case");
    return put_decision(x, 'j', job, case_id.n ? case_id : job, json_raw(x->ask->body, node));
}

/* ---- ladders ---- */

static const ladder *ladder_of(const trial *x, const view_item *item)
{
    const dispatch_config *c = x->q->cfg;
    const char *usual = NULL;
    for (size_t i = 0; i < c->source_n; i++) {
        const char *name = c->sources[i].name;
        bool other = !name || strcmp(name, "*") == 0;
        if ((other && !usual) || (!other && gw_str_is(x->ask->source, name)))
            usual = c->sources[i].ladder;
    }
    gw_str name = item->ladder.n ? item->ladder : gw_str_of(usual ? usual : "");
    for (size_t i = 0; i < c->ladder_n && name.n; i++)
        if (gw_str_is(name, ladder_id(c->ladders[i])))
            return c->ladders[i];
    return NULL;
}

static gw_code put_step(trial *x, const view_item *item, const ladder_reminder *step)
{
    if (!step->skip)
        return put_decision(x, 'l', step->job, item->case_id.n ? item->case_id : item->id,
                            step->body);
    gw_buf_putc(x->ret, '{');
    json_put_member_str(x->ret, "job", step->job);
    json_put_member_str(x->ret, "outcome", GW_STR("withdraw"));
    json_put_member_str(x->ret, "why", gw_str_of(step->skip));
    gw_buf_putc(x->ret, '}');
    return GW_OK;
}

static gw_code put_steps(trial *x, const view_item *item)
{
    const ladder *l = ladder_of(x, item);
    const zone *z = x->d.zone.n ? zone_table_get(x->q->cfg->zones, x->d.zone, NULL) : NULL;
    const steps_sent sent = {LADDER_TONE_NOTHING, LADDER_NO_DAY};
    ladder_reminder *steps = NULL;
    size_t n = 0;
    bool later = false;
    gw_code rc = GW_OK;
    if (l && z && !item->settled && item->due != VIEW_NO_DAY)
        rc = steps_of_item(l, &x->d, item, z, zone_local(z, x->now).day, &sent, x->ask->arena,
                           &steps, &n, &later, x->err);
    gw_buf_putc(x->ret, '{');
    json_put_member_str(x->ret, "item", item->id);
    if (!z)
        json_put_member_str(x->ret, "why", GW_STR("zone-unknown"));
    else if (!l)
        json_put_member_str(x->ret, "why", GW_STR("no-ladder"));
    json_put_name(x->ret, "steps");
    gw_buf_putc(x->ret, '[');
    for (size_t i = 0; i < n && rc == GW_OK; i++) {
        if (i)
            gw_buf_putc(x->ret, ',');
        rc = put_step(x, item, &steps[i]);
    }
    gw_buf_puts(x->ret, "]}");
    return rc;
}

static gw_code try_item(trial *x, uint32_t node)
{
    gw_str id = json_get_str(x->ask->body, node, "id");
    for (size_t i = 0; i < x->d.item_n; i++)
        if (gw_str_eq(x->d.items[i].id, id))
            return put_steps(x, &x->d.items[i]);
    return gw_fail(x->err, GW_ECORRUPT, "the item that was just folded is not there");
}

gw_code query_try(query *q, const intake_ask *ask, gw_buf *ret, gw_err *err)
{
    trial x = {.q = q, .ask = ask, .now = ask->now, .ret = ret, .err = err};
    gw_str at = json_get_str(ask->body, 0, "at");
    uint32_t job = json_member(ask->body, 0, "job");
    uint32_t item = json_member(ask->body, 0, "item");
    bool rejected = false;
    if (!ask->source.n)
        return gw_fail(err, GW_EINVAL, "name the billing system in member source");
    if (at.n && gw_time_parse(at, &x.now, err) != GW_OK)
        return GW_EINVAL;
    gw_code rc = load_debtor(&x, &rejected);
    if (rc != GW_OK || rejected)
        return rc;
    return job ? try_job(&x, job) : try_item(&x, item);
}
