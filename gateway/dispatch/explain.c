/* explain.c - why not sent, what blocks, when next: every rule, from the same decide() as dispatch.
 */
#include "gateway/dispatch/query_part.h"
#include "gateway/dispatch/unlearned.h"
#include "gateway/timing/record.h"

enum { TEXT_MAX = 64 * 1024 };

/* Who chose the hour, after what the rules say. */
static void put_moment_text(const decision *d, gw_arena *arena, gw_buf *text)
{
    if (d->on != ON_PLAN)
        return;
    if (text->n && text->data[text->n - 1] != '\n')
        gw_buf_putc(text, '\n');
    if (d->unlearned)
        gw_buf_puts(text, unlearned_sentence(d->unlearned));
    else
        timing_record_sentence(d->timing, arena, text);
}

gw_code explain_reminder(query *q, const intake_ask *ask, const view_debtor *d,
                         const view_reminder *r, gw_wall now, gw_buf *ret, gw_err *err)
{
    decide_context ctx;
    decision *decided = gw_arena_alloc(ask->arena, sizeof *decided);
    GW_AUTO_BUF gw_buf json;
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&json, TEXT_MAX);
    gw_buf_init(&text, TEXT_MAX);
    if (!decided)
        return gw_fail(err, GW_ENOMEM, "explaining");
    gw_code rc = query_context(q, ask, &ctx, err);
    if (rc == GW_OK)
        rc = decide(&ctx, d, r, now, ask->arena, decided, err);
    if (rc == GW_OK)
        rc = policy_explain_json(&decided->policy, &json);
    if (rc == GW_OK)
        rc = policy_explain_text(&decided->policy, &text);
    if (rc != GW_OK)
        return rc;
    gw_buf_putc(ret, '{');
    json_put_member_str(ret, "verdict", gw_str_of(policy_verdict_name(decided->policy.verdict)));
    query_put_text(ret, "rule", gw_str_of(decided->rule));
    query_put_text(ret, "why", gw_str_of(decided->why));
    if (decided->on == ON_PLAN) {
        query_put_time(ret, "planned_for", decided->due_ms);
        query_put_time(ret, "next", decided->next_ms);
    }
    if (decided->unlearned)
        json_put_member_str(ret, "timing_off", gw_str_of(decided->unlearned));
    if (decided->timing.n)
        json_put_member_raw(ret, "timing", decided->timing);
    put_moment_text(decided, ask->arena, &text);
    json_put_member_raw(ret, "policy", gw_buf_str(&json));
    json_put_member_str(ret, "text", gw_buf_str(&text));
    gw_buf_putc(ret, '}');
    return GW_OK;
}

static gw_wall moment_asked(const intake_ask *ask)
{
    gw_wall t;
    gw_str at = json_get_str(ask->body, 0, "at");
    return at.n && gw_time_parse(at, &t, NULL) == GW_OK ? t : ask->now;
}

/* A contact that nobody asked for: what would hold it, and when could it be? */
static gw_code explain_hypothetical(query *q, const intake_ask *ask, gw_buf *ret, gw_err *err)
{
    view_debtor *d;
    gw_code rc = query_find_debtor(q, ask, &d, err);
    if (rc != GW_OK)
        return rc;
    view_reminder r = {
        .kind = 'j',
        .state = LIFE_ACCEPTED,
        .readable = true,
        .source = ask->source,
        .debtor = d->id,
        .channel = json_get_str(ask->body, 0, "channel"),
        .purpose = json_get_str(ask->body, 0, "purpose"),
        .template = json_get_str(ask->body, 0, "template"),
        .item = json_get_str(ask->body, 0, "item"),
    };
    /* Without a template the question is about the rest of the rules. */
    if (!r.template.n)
        r.template_version = GW_STR("any");
    if (!r.channel.n)
        return gw_fail(err, GW_EINVAL, "name a job, or a debtor and a channel");
    return explain_reminder(q, ask, d, &r, moment_asked(ask), ret, err);
}

gw_code query_explain(query *q, const intake_ask *ask, gw_buf *ret, gw_err *err)
{
    loaded *l;
    if (!json_member(ask->body, 0, "job"))
        return explain_hypothetical(q, ask, ret, err);
    gw_code rc = query_find_job(q, ask, &l, err);
    if (rc == GW_OK && !l->r.readable)
        rc = gw_fail(err, GW_ECORRUPT, "the stored body of this job is not readable");
    return rc == GW_OK ? explain_reminder(q, ask, l->d, &l->r, moment_asked(ask), ret, err) : rc;
}
