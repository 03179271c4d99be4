/* desk_statement.c - "send us the stamped statement": what an agent promised while talking.
 *
 * Recorded with the outcome, in the same atomic step, as field sw:<n> of the debtor: the job as it
 * is to be. Dispatch makes the job of it when it looks at the debtor next (wake.c): a letter that a
 * person stamps and posts, or a mail with the statement to a contact the debtor designated. Both go
 * the way of every reminder, through policy. Its deadline is the day the debtor was told; it is
 * listed until it is over, and from the day after it as late. */
#include "gateway/dispatch/desk.h"

#include "gateway/base/time.h"
#include "gateway/state/mark.h"

#include <stdio.h>

enum { BODY_MAX = 16 * 1024 };

/* ---- what may be promised ---- */

bool desk_statement_fits(const desk_outcome *o)
{
    return o->answered &&
           (o->trigger == DESK_CALL_BACK || (o->right_party && o->trigger != DESK_HARDSHIP));
}

bool desk_statement_day(gw_str text, gw_wall now, int32_t *ret_day)
{
    int32_t today = (int32_t)(now.ms / GW_MS_PER_DAY);
    return gw_date_parse(text, ret_day, NULL) == GW_OK && *ret_day >= today - 1 &&
           *ret_day <= today + DESK_STATEMENT_DAYS;
}

static bool has_address(const view_debtor *d, gw_str who, gw_str channel)
{
    const view_contact *c = view_contact_named(d, who, channel);
    return c && view_contact_address(c, channel).n > 0;
}

static bool reaches_somebody(const loaded *l, gw_str channel)
{
    bool found = has_address(l->d, l->r.to, channel);
    for (size_t i = 0; i < l->r.fallback_n && !found; i++)
        found = has_address(l->d, l->r.fallback[i], channel);
    return found;
}

/* ---- the job ---- */

static void put_roles(gw_buf *b, const view_reminder *r)
{
    if (r->to.n)
        json_put_member_str(b, "to", r->to);
    json_put_name(b, "fallback");
    gw_buf_putc(b, '[');
    for (size_t i = 0; i < r->fallback_n; i++) {
        if (i)
            gw_buf_putc(b, ',');
        json_put_string(b, r->fallback[i]);
    }
    gw_buf_putc(b, ']');
}

static void put_job(const loaded *l, int n, bool mail, int32_t day, gw_buf *b)
{
    const view_reminder *r = &l->r;
    char deadline[GW_DATE_TEXT];
    char id[STATE_NAME_MAX];
    snprintf(id, sizeof id, "%.*s#statement-%d", GW_STR_ARG(r->job), n);
    gw_date_format(day, deadline);
    gw_buf_putc(b, '{');
    json_put_member_str(b, "id", gw_str_of(id));
    json_put_member_str(b, "debtor", r->debtor);
    json_put_member_str(b, "case", r->case_id.n ? r->case_id : r->job);
    json_put_member_str(b, "channel", mail ? GW_STR("email") : GW_STR("letter"));
    json_put_member_str(b, "template", GW_STR("promised-statement"));
    json_put_member_str(b, "purpose", GW_STR("statement"));
    put_roles(b, r);
    query_put_text(b, "item", r->item);
    json_put_member_str(b, "kind", mail ? GW_STR("send") : GW_STR("task"));
    json_put_member_str(b, "statement", mail ? GW_STR("detailed") : GW_STR("none"));
    json_put_member_str(b, "deadline", gw_str_of(deadline));
    query_put_time(b, "not_after", ((int64_t)day + 1 + DESK_STATEMENT_GRACE) * GW_MS_PER_DAY);
    gw_buf_putc(b, '}');
}

gw_code desk_statement_add(const desk *k, const loaded *l, int n, ledger_join *j,
                           const char **ret_wrong)
{
    gw_str how = json_get_str(k->ask->body, 0, "statement_how");
    bool mail = gw_str_is(how, "mail");
    int32_t day;
    char name[24];
    GW_AUTO_BUF gw_buf body;
    gw_buf_init(&body, BODY_MAX);
    *ret_wrong = NULL;
    if (!desk_statement_day(json_get_str(k->ask->body, 0, "statement_by"), k->ask->now, &day))
        *ret_wrong = "a day from today on is needed, at most 60 days ahead";
    else if (!reaches_somebody(l, mail ? GW_STR("email") : GW_STR("letter")))
        *ret_wrong = mail ? "the contact has no mail address; add one, or record it as stamped"
                          : "the contact has no postal address; add one, or say "
                            "statement_how=mail";
    if (*ret_wrong)
        return GW_OK;
    put_job(l, n, mail, day, &body);
    int name_n = snprintf(name, sizeof name, DESK_STATEMENT_FIELD "%d", n);
    char *kept = gw_arena_copy(k->ask->arena, (gw_str){name, (size_t)name_n});
    char *text = body.code == GW_OK ? gw_arena_copy(k->ask->arena, gw_buf_str(&body)) : NULL;
    if (!kept || !text)
        return desk_no_memory(k);
    j->debtor_sets[j->debtor_n++] = (state_field){{kept, (size_t)name_n}, {text, body.n}};
    return GW_OK;
}

/* ---- the list ---- */

static void put_row(const desk *k, const loaded *l, gw_buf *b)
{
    const view_reminder *r = &l->r;
    const zone *z = l->d->zone.n ? zone_table_get(k->q->cfg->zones, l->d->zone, NULL) : NULL;
    int32_t today = z ? zone_local(z, k->ask->now).day : (int32_t)(k->ask->now.ms / GW_MS_PER_DAY);
    int32_t last = 0;
    bool known = gw_date_parse(r->deadline, &last, NULL) == GW_OK;
    gw_buf_putc(b, '{');
    json_put_member_str(b, "task", r->job);
    json_put_member_str(b, "state", gw_str_of(life_state_name((life_state)r->state)));
    query_put_text(b, "why", r->why);
    json_put_member_str(b, "source", r->source);
    json_put_member_str(b, "debtor", r->debtor);
    query_put_text(b, "name", l->d->name);
    json_put_member_str(b, "channel", r->channel);
    query_put_text(b, "deadline", r->deadline);
    json_put_member_bool(b, "late", known && today > last);
    gw_buf_putc(b, '}');
}

/* A mark whose job is not there is left alone: it was written first, and the job comes. */
static bool is_over(const loaded *l)
{
    return l->code == GW_OK && l->r.state != LIFE_UNKNOWN && life_is_final((life_state)l->r.state);
}

gw_code desk_statements(const desk *k, size_t limit, gw_buf *ret)
{
    state_mark *marks;
    loaded *list;
    size_t n, put = 0;
    gw_code rc = desk_load_marked(k, DESK_STATEMENT_MARK, &marks, &list, &n);
    json_put_name(ret, "promised");
    gw_buf_putc(ret, '[');
    for (size_t i = 0; i < n && rc == GW_OK; i++) {
        if (is_over(&list[i]))
            rc = state_mark_remove(k->ask->store, &marks[i], 1, k->err);
        if (list[i].code != GW_OK || is_over(&list[i]) || put == limit ||
            (k->ask->source.n && !gw_str_eq(k->ask->source, list[i].r.source)))
            continue;
        if (put++)
            gw_buf_putc(ret, ',');
        put_row(k, &list[i], ret);
    }
    gw_buf_putc(ret, ']');
    return rc;
}
