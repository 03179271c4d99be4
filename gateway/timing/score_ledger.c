/* score_ledger.c - invoices with their dates, replayed day by day.
 *
 * The day after an invoice was due, if it is still open, somebody would ask: that is the decision,
 * made from what the customer had done until the evening before. What was settled on the day of a
 * decision is known only after it. */
#include "gateway/base/time.h"
#include "gateway/timing/score_part.h"
#include "gateway/timing/willing.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>

static const char *const customer_names[] = {"customerid", "customer",  "debtor",     "debtorid",
                                             "account",    "accountid", "custnumber", NULL};
static const char *const due_names[] = {"duedate", "due", "dueindate", NULL};
static const char *const settled_names[] = {"settleddate", "settled",   "paiddate", "paidon",
                                            "paymentdate", "cleardate", NULL};
static const char *const issued_names[] = {"invoicedate", "issued", "issueddate", "documentdate",
                                           NULL};
static const char *const amount_names[] = {"invoiceamount", "amount", "totalopenamount", "total",
                                           NULL};
static const char *const disputed_names[] = {"disputed", "dispute", NULL};

bool score_is_ledger(const score_sheet *s)
{
    return score_column(s, customer_names) >= 0 && score_column(s, due_names) >= 0 &&
           score_column(s, settled_names) >= 0;
}

enum { NO_DAY = INT32_MAX };

typedef struct {
    size_t row;
    gw_str customer;
    size_t who;
    int32_t issued, due, settled; /* settled NO_DAY: open */
    double amount;
    bool disputed;
} invoice;

/* In order of what is known first on one day. */
typedef enum { ON_DECIDE, ON_ISSUE, ON_SETTLE } event_kind;

typedef struct {
    int32_t day;
    event_kind kind;
    uint32_t invoice;
} event;

typedef struct {
    willing_past past;
    size_t first, n; /* its invoices, in the list ordered by customer */
} customer;

typedef struct {
    const score_sheet *s;
    const score_options *o;
    score_table *t;
    invoice *list;
    customer *customers;
    size_t n, customer_n;
    int32_t last; /* newest day in the table */
    bool day_first;
} ledger;

/* ---- reading ---- */

/* a/b/yyyy, with the month first unless the table shows otherwise; or an ISO day, time cut off. */
static bool read_day(gw_str cell, bool day_first, int32_t *ret)
{
    int a, b, year, used = 0;
    char text[32];
    if (cell.n == 0 || cell.n >= sizeof text)
        return false;
    memcpy(text, cell.p, cell.n);
    text[cell.n] = 0;
    if (sscanf(text, "%d/%d/%d%n", &a, &b, &year, &used) == 3 &&
        (text[used] == 0 || text[used] == ' ')) {
        char iso[GW_DATE_TEXT + 24];
        snprintf(iso, sizeof iso, "%04d-%02d-%02d", year, day_first ? b : a, day_first ? a : b);
        return gw_date_parse(gw_str_of(iso), ret, NULL) == GW_OK;
    }
    size_t n = cell.n > 10 && (cell.p[10] == ' ' || cell.p[10] == 'T') ? 10 : cell.n;
    return gw_date_parse((gw_str){cell.p, n}, ret, NULL) == GW_OK;
}

static bool shows_day_first(const score_sheet *s, int column)
{
    for (size_t r = 0; r < s->row_n; r++) {
        int a, b, y;
        gw_str cell = s->rows[r][column];
        if (cell.n < 32 && sscanf(cell.p, "%d/%d/%d", &a, &b, &y) == 3 && a > 12)
            return true;
    }
    return false;
}

static gw_code bad_day(const ledger *l, size_t r, int column, gw_err *err)
{
    return gw_fail(err, GW_EINVAL,
                   "CSV line %u, column %.*s: a day is expected, 2013-01-31 or 1/31/2013",
                   l->s->line[r], (int)(l->s->header[column].n < 60 ? l->s->header[column].n : 60),
                   l->s->header[column].p);
}

static gw_code read_invoice(ledger *l, size_t r, gw_err *err)
{
    const score_sheet *s = l->s;
    int due = score_column(s, due_names);
    int settled = score_column(s, settled_names);
    int issued = score_column(s, issued_names);
    int amount = score_column(s, amount_names);
    int disputed = score_column(s, disputed_names);
    invoice *i = &l->list[r];
    double number;
    *i = (invoice){.row = r, .customer = s->rows[r][score_column(s, customer_names)]};
    i->settled = NO_DAY;
    if (!read_day(s->rows[r][due], l->day_first, &i->due))
        return bad_day(l, r, due, err);
    if (!(score_number(s->rows[r][settled], &number) && isnan(number)) &&
        !read_day(s->rows[r][settled], l->day_first, &i->settled))
        return bad_day(l, r, settled, err);
    i->issued = i->due;
    if (issued >= 0 && !read_day(s->rows[r][issued], l->day_first, &i->issued))
        return bad_day(l, r, issued, err);
    if (amount >= 0 && score_number(s->rows[r][amount], &number) && isfinite(number))
        i->amount = number;
    uint8_t yes = 0;
    if (disputed >= 0 && score_outcome(s, r, disputed, &yes, NULL) == GW_OK)
        i->disputed = yes;
    if (i->issued > l->last)
        l->last = i->issued;
    if (i->settled != NO_DAY && i->settled > l->last)
        l->last = i->settled;
    return GW_OK;
}

static int by_customer(const void *a, const void *b)
{
    const invoice *x = a;
    const invoice *y = b;
    size_t n = x->customer.n < y->customer.n ? x->customer.n : y->customer.n;
    int c = memcmp(x->customer.p, y->customer.p, n);
    if (c == 0)
        c = (x->customer.n > y->customer.n) - (x->customer.n < y->customer.n);
    return c ? c : (x->row > y->row) - (x->row < y->row);
}

static void find_customers(ledger *l)
{
    qsort(l->list, l->n, sizeof *l->list, by_customer);
    for (size_t i = 0; i < l->n; i++) {
        if (i == 0 || !gw_str_eq(l->list[i].customer, l->list[i - 1].customer))
            l->customers[l->customer_n++] = (customer){.first = i};
        l->list[i].who = l->customer_n - 1;
        l->customers[l->customer_n - 1].n++;
    }
}

/* ---- replaying ---- */

static int by_time(const void *a, const void *b)
{
    const event *x = a;
    const event *y = b;
    if (x->day != y->day)
        return x->day < y->day ? -1 : 1;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return (x->invoice > y->invoice) - (x->invoice < y->invoice);
}

static willing_now now_of(const ledger *l, const invoice *asked, int32_t day)
{
    const customer *c = &l->customers[asked->who];
    willing_now now = {.amount = asked->amount};
    for (size_t k = c->first; k < c->first + c->n; k++) {
        const invoice *i = &l->list[k];
        if (i->issued >= day || i->settled < day)
            continue;
        now.open += i->amount;
        if (i->due < day) {
            now.overdue += i->amount;
            now.days_overdue = fmax(now.days_overdue, day - i->due);
        }
    }
    return now;
}

static void decide(ledger *l, const invoice *i, int32_t day)
{
    score_table *t = l->t;
    int32_t end = i->due + l->o->horizon_days;
    if (i->settled < day) {
        t->settled_before++;
        return;
    }
    if (i->settled > end && end > l->last) {
        t->censored++;
        return;
    }
    willing_now now = now_of(l, i, day);
    willing_columns(&l->customers[i->who].past, day, &now, t->x + t->n * t->column_n);
    t->y[t->n] = i->settled <= end;
    t->line[t->n] = l->s->line[i->row];
    t->at[t->n] = day;
    t->known[t->n] = (i->settled <= end ? i->settled : end) + 0.5;
    t->n++;
}

static void replay(ledger *l, const event *events, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        const invoice *i = &l->list[events[k].invoice];
        willing_past *past = &l->customers[i->who].past;
        if (events[k].kind == ON_DECIDE) {
            decide(l, i, events[k].day);
        } else if (events[k].kind == ON_SETTLE) {
            willing_settled(past, i->settled, i->settled - i->due, i->disputed);
            willing_payment(past, i->settled, false);
        } else {
            willing_pass(past, events[k].day);
        }
    }
}

static gw_code run(ledger *l, gw_err *err)
{
    event *events = calloc(3 * l->n + 1, sizeof *events);
    size_t n = 0;
    if (!events)
        return gw_fail(err, GW_ENOMEM, "replaying a ledger: out of memory");
    for (uint32_t i = 0; i < l->n; i++) {
        events[n++] = (event){l->list[i].issued, ON_ISSUE, i};
        events[n++] = (event){l->list[i].due + 1, ON_DECIDE, i};
        if (l->list[i].settled != NO_DAY)
            events[n++] = (event){l->list[i].settled, ON_SETTLE, i};
    }
    qsort(events, n, sizeof *events, by_time);
    replay(l, events, n);
    free(events);
    return l->t->n >= SCORE_ROWS_MIN
               ? GW_OK
               : gw_fail(err, GW_EINVAL,
                         "only %zu invoices were open on the day after they were due and have a "
                         "known outcome; %d are needed",
                         l->t->n, SCORE_ROWS_MIN);
}

gw_code score_read_ledger(const score_sheet *s, const score_options *o, score_table *t, gw_err *err)
{
    ledger l = {.s = s, .o = o, .t = t, .n = s->row_n, .last = INT32_MIN};
    snprintf(t->outcome, sizeof t->outcome, "paid_within_%d_days", o->horizon_days);
    t->column_n = WILLING_COLUMN_COUNT;
    for (size_t i = 0; i < WILLING_COLUMN_COUNT; i++)
        score_name(t->names[i], gw_str_of(willing_column_name((willing_column)i)));
    l.day_first = shows_day_first(s, score_column(s, due_names));
    l.list = calloc(l.n, sizeof *l.list);
    l.customers = calloc(l.n, sizeof *l.customers);
    gw_code rc = score_rows(t, s->row_n, err);
    if (rc == GW_OK && (!l.list || !l.customers))
        rc = gw_fail(err, GW_ENOMEM, "replaying a ledger: out of memory");
    for (size_t r = 0; r < l.n && rc == GW_OK; r++)
        rc = read_invoice(&l, r, err);
    if (rc == GW_OK) {
        find_customers(&l);
        rc = run(&l, err);
    }
    free(l.list);
    free(l.customers);
    return rc;
}
