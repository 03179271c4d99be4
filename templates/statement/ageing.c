#include "templates/statement/ageing.h"
#include "gateway/base/money.h"

/* Days after the due day at which a bucket ends. */
static const struct {
    int last_day;
    statement_age age;
} buckets[] = {{0, AGE_NOT_DUE}, {30, AGE_1_30}, {60, AGE_31_60}, {90, AGE_61_90}};

statement_age statement_age_of(int days_after_due)
{
    for (size_t i = 0; i < GW_COUNT(buckets); i++)
        if (days_after_due <= buckets[i].last_day)
            return buckets[i].age;
    return AGE_OVER_90;
}

gw_code ageing_items(int32_t date, statement_item *items, size_t n, gw_err *err)
{
    for (size_t i = 0; i < n; i++) {
        statement_item *it = &items[i];
        int days = (int)(date - it->due);
        it->days_overdue = days > 0 && it->amount > it->paid ? days : 0;
        it->age = statement_age_of(days);
        gw_code rc = money_sub(it->amount, it->paid, &it->open, err);
        if (rc != GW_OK)
            return rc;
    }
    return GW_OK;
}

/* Adding to several sums in a row with one check at the end. */
typedef struct {
    gw_code code;
    gw_err *err;
} sums;

static void add(sums *s, int64_t *sum, int64_t amount)
{
    if (s->code == GW_OK)
        s->code = money_add(*sum, amount, sum, s->err);
}

static void add_item(sums *s, statement_total *t, const statement_item *it)
{
    if (it->open < 0) { /* paid beyond its amount: the surplus is the debtor's money */
        add(s, &t->credits, -it->open);
        return;
    }
    add(s, &t->aged[it->age], it->open);
    add(s, &t->items, it->open);
    if (it->age != AGE_NOT_DUE)
        add(s, &t->overdue, it->open);
    if (it->disputed)
        add(s, &t->disputed, it->open);
}

gw_code ageing_totals(const statement *s, statement_total *totals, gw_err *err)
{
    sums sum = {GW_OK, err};
    for (size_t i = 0; i < s->item_n; i++)
        add_item(&sum, &totals[s->items[i].currency], &s->items[i]);
    for (size_t i = 0; i < s->charge_n; i++)
        add(&sum, &totals[s->charges[i].currency].charges, s->charges[i].amount);
    for (size_t i = 0; i < s->credit_n; i++)
        add(&sum, &totals[s->credits[i].currency].credits, s->credits[i].amount);
    for (size_t i = 0; i < s->total_n; i++) {
        statement_total *t = &totals[i];
        add(&sum, &t->balance, t->items);
        add(&sum, &t->balance, t->charges);
        add(&sum, &t->balance, -t->credits);
    }
    return sum.code;
}
