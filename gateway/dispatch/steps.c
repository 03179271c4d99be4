#include "gateway/dispatch/steps.h"

enum { BODY_MAX = 16 * 1024 };

static void put_time(gw_buf *b, const char *name, int64_t ms)
{
    char text[GW_TIME_TEXT];
    gw_time_format((gw_wall){ms}, text);
    json_put_member_str(b, name, gw_str_of(text));
}

static void put_roles(gw_buf *b, const char *name, const char *const *roles, size_t n)
{
    if (n == 0)
        return;
    json_put_name(b, name);
    gw_buf_putc(b, '[');
    for (size_t i = 0; i < n; i++) {
        if (i)
            gw_buf_putc(b, ',');
        json_put_string(b, gw_str_of(roles[i]));
    }
    gw_buf_putc(b, ']');
}

static gw_str take(gw_buf *b, gw_arena *arena)
{
    char *text = b->code == GW_OK ? gw_arena_copy(arena, gw_buf_str(b)) : NULL;
    return (gw_str){text, text ? b->n : 0};
}

static gw_str job_id(const ladder *l, const ladder_step *s, gw_str item, gw_arena *arena)
{
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, STATE_NAME_MAX);
    gw_buf_put_str(&b, item);
    gw_buf_printf(&b, "#%s#%s", ladder_id(l), s->id);
    return take(&b, arena);
}

static gw_str body_of(const ladder *l, const ladder_step *s, const view_debtor *d,
                      const view_item *item, const ladder_reminder *r, gw_arena *arena)
{
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, BODY_MAX);
    gw_buf_putc(&b, '{');
    json_put_member_str(&b, "id", r->job);
    json_put_member_str(&b, "debtor", d->id);
    json_put_member_str(&b, "case", item->case_id.n ? item->case_id : item->id);
    json_put_member_str(&b, "channel", gw_str_of(s->channel));
    json_put_member_str(&b, "template", gw_str_of(s->template_name));
    json_put_member_str(&b, "purpose", GW_STR("reminder"));
    if (s->to_n)
        json_put_member_str(&b, "to", gw_str_of(s->to[0]));
    put_roles(&b, "fallback", s->to + 1, s->to_n ? s->to_n - 1 : 0);
    put_roles(&b, "cc", s->cc, s->cc_n);
    put_time(&b, "not_before", r->not_before_ms);
    put_time(&b, "not_after", r->not_after_ms);
    json_put_member_int(&b, "tone", s->tone);
    json_put_member_str(&b, "item", item->id);
    json_put_member_str(&b, "ladder", gw_str_of(ladder_id(l)));
    json_put_member_str(&b, "ladder_version", gw_str_of(ladder_version(l)));
    json_put_member_str(&b, "step", gw_str_of(s->id));
    json_put_member_str(&b, "kind", gw_str_of(ladder_kind_name(s->kind)));
    json_put_member_str(&b, "statement", gw_str_of(ladder_statement_name(s->statement)));
    if (s->term_days) {
        json_put_member_int(&b, "term_days", s->term_days);
        json_put_member_str(&b, "calendar", gw_str_of(s->calendar));
    }
    gw_buf_putc(&b, '}');
    return take(&b, arena);
}

/* Reasons that will not change: the step is shown as withdrawn. "tone" may change. */
static bool is_for_good(const char *why)
{
    return strcmp(why, "stale") == 0 || strcmp(why, "before-issue") == 0 || strcmp(why, "gap") == 0;
}

gw_code steps_of_item(const ladder *l, const view_debtor *d, const view_item *item, const zone *z,
                      int32_t today, const steps_sent *sent, gw_arena *arena, ladder_reminder **ret,
                      size_t *ret_n, bool *ret_later, gw_err *err)
{
    ladder_item facts = {.due_day = item->due,
                         .issued_day = item->issued == VIEW_NO_DAY ? LADDER_NO_DAY : item->issued,
                         .closed = item->closed,
                         .open_minor = item->amount - item->paid,
                         .tone_reached = sent->tone_reached,
                         .last_sent_day = sent->last_sent_day};
    ladder_plan_result plan;
    gw_code rc = ladder_plan(l, &facts, today, arena, &plan, err);
    if (rc != GW_OK)
        return rc;
    ladder_reminder *list = gw_arena_alloc(arena, (plan.n + 1) * sizeof *list);
    size_t n = 0;
    if (!list)
        return gw_fail(err, GW_ENOMEM, "planning a ladder");
    *ret_later = false;
    for (size_t i = 0; i < plan.n; i++) {
        const ladder_entry *e = &plan.entries[i];
        bool skipped = e->fate == LADDER_SKIPPED;
        if (skipped && !is_for_good(e->why)) {
            *ret_later = true;
            continue;
        }
        ladder_reminder *r = &list[n++];
        r->skip = skipped ? e->why : NULL;
        r->catch_up = e->catch_up;
        r->not_before_ms = zone_instant(z, e->not_before_day, 0).ms;
        r->not_after_ms = zone_instant(z, e->not_after_day, ZONE_DAY_MINUTES).ms;
        r->job = job_id(l, e->step, item->id, arena);
        r->body = body_of(l, e->step, d, item, r, arena);
        if (!r->job.p || !r->body.p)
            return gw_fail(err, GW_ENOMEM, "planning a ladder");
    }
    *ret = list;
    *ret_n = n;
    return GW_OK;
}
