/* query_willing.c - how willing is this debtor to pay: the score over what the store knows of it.
 *
 * It informs people and orders their work; nothing in dispatch asks it whether to contact anybody.
 */
#include "gateway/base/money.h"
#include "gateway/dispatch/query_part.h"
#include "gateway/dispatch/unlearned.h"

#include "gateway/timing/willing.h"

#include <math.h>

typedef enum { PAID, SETTLED, PROMISED } past_kind;

typedef struct {
    int64_t at_ms;
    past_kind kind;
    double days_late;
    bool disputed, partial, kept;
} past_event;

static double day_of(int64_t ms)
{
    return (double)ms / (double)GW_MS_PER_DAY;
}

/* When the last money for an item came; VIEW_NO_TIME when none did. */
static int64_t paid_last(const view_debtor *d, gw_str item)
{
    int64_t last = VIEW_NO_TIME;
    for (size_t i = 0; i < d->payment_n; i++)
        if (gw_str_eq(d->payments[i].item, item) && d->payments[i].at_ms > last)
            last = d->payments[i].at_ms;
    return last;
}

static const view_item *item_named(const view_debtor *d, gw_str id)
{
    for (size_t i = 0; i < d->item_n; i++)
        if (gw_str_eq(d->items[i].id, id))
            return &d->items[i];
    return NULL;
}

/* An item paid in full counts as settled with its last payment; what billing closed without money
 * says nothing about willingness. */
static size_t list_items(const view_debtor *d, past_event *list)
{
    size_t n = 0;
    for (size_t i = 0; i < d->item_n; i++) {
        const view_item *it = &d->items[i];
        int64_t at = it->settled && !it->closed ? paid_last(d, it->id) : VIEW_NO_TIME;
        if (at == VIEW_NO_TIME || it->due == VIEW_NO_DAY)
            continue;
        list[n++] = (past_event){.at_ms = at,
                                 .kind = SETTLED,
                                 .days_late = floor(day_of(at)) - it->due,
                                 .disputed = it->disputed};
    }
    return n;
}

static size_t list_payments(const view_debtor *d, past_event *list)
{
    for (size_t i = 0; i < d->payment_n; i++) {
        const view_item *it = item_named(d, d->payments[i].item);
        list[i] = (past_event){.at_ms = d->payments[i].at_ms,
                               .kind = PAID,
                               .partial = it && d->payments[i].amount < it->amount};
    }
    return d->payment_n;
}

/* Only promises whose day is over: kept when the item was settled by then. */
static size_t list_promises(const view_debtor *d, int64_t now_ms, int grace_days, past_event *list)
{
    size_t n = 0;
    for (size_t i = 0; i < d->promise_n; i++) {
        const view_promise *p = &d->promises[i];
        const view_item *it = item_named(d, p->item);
        if (p->date == VIEW_NO_DAY || !it)
            continue;
        int64_t end = (p->date + grace_days + 1) * GW_MS_PER_DAY;
        if (end > now_ms)
            continue;
        int64_t paid = paid_last(d, p->item);
        list[n++] = (past_event){.at_ms = end,
                                 .kind = PROMISED,
                                 .kept = it->settled && paid != VIEW_NO_TIME && paid < end};
    }
    return n;
}

static int by_time(const void *a, const void *b)
{
    int64_t x = ((const past_event *)a)->at_ms;
    int64_t y = ((const past_event *)b)->at_ms;
    return (x > y) - (x < y);
}

static void remember(willing_past *past, const past_event *e)
{
    switch (e->kind) {
    case PAID:
        willing_payment(past, day_of(e->at_ms), e->partial);
        break;
    case SETTLED:
        willing_settled(past, day_of(e->at_ms), e->days_late, e->disputed);
        break;
    case PROMISED:
        willing_promise(past, day_of(e->at_ms), e->kept);
        break;
    }
}

static willing_now open_now(const view_debtor *d, int64_t now_ms)
{
    willing_now now = {0};
    double today = floor(day_of(now_ms));
    for (size_t i = 0; i < d->item_n; i++) {
        const view_item *it = &d->items[i];
        int exponent = 0;
        if (it->settled)
            continue;
        double rest = (double)(it->amount - it->paid);
        now.open += rest;
        if (money_currency(it->currency, &exponent) == GW_OK)
            now.amount += rest / pow(10, exponent);
        if (it->due == VIEW_NO_DAY || it->due >= today)
            continue;
        now.overdue += rest;
        now.days_overdue = fmax(now.days_overdue, today - it->due);
    }
    return now;
}

/* ---- what overrides the score ---- */

static bool held_for(const view_debtor *d, const char *kind, int64_t now_ms)
{
    for (size_t i = 0; i < d->hold_n; i++)
        if (gw_str_is(d->holds[i].kind, kind) &&
            (d->holds[i].until_ms == 0 || d->holds[i].until_ms > now_ms))
            return true;
    return false;
}

static bool ends_with(gw_str s, const char *end)
{
    size_t n = strlen(end);
    return s.n >= n && memcmp(s.p + s.n - n, end, n) == 0;
}

/* Able only as billing or the debtor says it: the segment "...-able" or "...-unable". */
static willing_facts facts_now(const view_debtor *d, int64_t now_ms)
{
    willing_facts f = {
        .hardship = held_for(d, "hardship", now_ms) || held_for(d, "insolvency", now_ms),
        .vulnerable = held_for(d, "vulnerable", now_ms) || held_for(d, "minor", now_ms),
        .dispute = held_for(d, "dispute", now_ms),
        .stop = held_for(d, "cease-contact", now_ms),
        .able = ends_with(d->segment, "-unable") ? ABLE_NO
                : ends_with(d->segment, "-able") ? ABLE_YES
                                                 : ABLE_UNKNOWN};
    for (size_t i = 0; i < d->item_n; i++)
        f.dispute = f.dispute || (!d->items[i].settled && d->items[i].disputed);
    for (size_t i = 0; i < d->consent_n; i++)
        f.stop = f.stop || (d->consents[i].scope == SCOPE_ALL && !d->consents[i].granted &&
                            !gw_str_is(d->consents[i].purpose, UNLEARNED_PURPOSE));
    return f;
}

static void put_score(gw_buf *b, const char *name, const additive *m, const double *x,
                      const willing_facts *facts)
{
    willing_score s;
    willing_judge(m, true, x, facts, &s);
    json_put_name(b, name);
    gw_buf_putc(b, '{');
    json_put_member_int(b, "percent", (int64_t)lround(100 * s.pays));
    json_put_member_str(b, "band", gw_str_of(willing_band_name(s.band)));
    json_put_member_str(b, "segment", gw_str_of(s.segment));
    query_put_text(b, "override", gw_str_of(s.override));
    json_put_name(b, "reasons");
    gw_buf_putc(b, '[');
    for (size_t i = 0; i < WILLING_REASONS && s.reasons[i].column; i++) {
        gw_buf_puts(b, i ? ",{" : "{");
        json_put_member_str(b, "factor", gw_str_of(willing_column_sentence(s.reasons[i].column)));
        json_put_member_str(b, "direction",
                            s.reasons[i].part < 0 ? GW_STR("against") : GW_STR("for"));
        json_put_member_int(b, "milli_log_odds", (int64_t)lround(1000 * s.reasons[i].part));
        gw_buf_putc(b, '}');
    }
    gw_buf_puts(b, "]}");
}

gw_code query_put_willing(query *q, const intake_ask *ask, const view_debtor *d, gw_buf *ret,
                          gw_err *err)
{
    size_t room = d->item_n + d->payment_n + d->promise_n + 1;
    past_event *list = gw_arena_alloc(ask->arena, room * sizeof *list);
    gw_wall now = ask->now;
    decide_context ctx;
    willing_past past = {0};
    double x[WILLING_COLUMN_COUNT];
    if (!list)
        return gw_fail(err, GW_ENOMEM, "scoring a debtor");
    gw_code rc = query_context(q, ask, &ctx, err);
    if (rc != GW_OK)
        return rc;
    const char *off = unlearned_why(&ctx.facts, d);
    size_t n = list_payments(d, list);
    n += list_items(d, list + n);
    n += list_promises(d, now.ms, q->cfg->promise_grace_days, list + n);
    qsort(list, n, sizeof *list, by_time);
    willing_pass(&past, n ? day_of(list[0].at_ms) : day_of(now.ms));
    for (size_t i = 0; i < n; i++)
        remember(&past, &list[i]);
    willing_now open = open_now(d, now.ms);
    willing_facts facts = facts_now(d, now.ms);
    willing_columns(&past, day_of(now.ms), &open, x);
    json_put_name(ret, "willingness");
    gw_buf_putc(ret, '{');
    if (off) { /* a score is profiling as well */
        json_put_member_str(ret, "off", gw_str_of(off));
        return gw_buf_putc(ret, '}');
    }
    put_score(ret, "within_7_days", q->willing[0], x, &facts);
    put_score(ret, "within_30_days", q->willing[1], x, &facts);
    return gw_buf_putc(ret, '}');
}
