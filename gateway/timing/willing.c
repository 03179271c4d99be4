#include "gateway/timing/willing.h"

#include <math.h>

static const struct {
    const char *name, *sentence;
} columns[WILLING_COLUMN_COUNT] = {
    [WILLING_HISTORY] = {"history", "number of bills settled so far"},
    [WILLING_LATE_SHARE] = {"late_share", "share of bills paid late"},
    [WILLING_MEAN_LATE] = {"mean_days_late", "days late on average"},
    [WILLING_LAST_LATE] = {"last_days_late", "days late the last time"},
    [WILLING_TREND] = {"lateness_trend", "whether lateness grows"},
    [WILLING_SINCE_PAYMENT] = {"days_since_payment", "days since the last payment"},
    [WILLING_PARTIAL_SHARE] = {"partial_share", "share of payments that left a rest"},
    [WILLING_PROMISES_KEPT] = {"promises_kept", "promises kept"},
    [WILLING_PROMISES_BROKEN] = {"promises_broken", "promises broken"},
    [WILLING_OVERDUE_SHARE] = {"overdue_share", "share of the open amount that is overdue"},
    [WILLING_DAYS_OVERDUE] = {"days_overdue", "age of the oldest overdue bill"},
    [WILLING_DISPUTED_SHARE] = {"disputed_share", "share of bills disputed"},
    [WILLING_UNANSWERED] = {"unanswered", "contacts without an answer"},
    [WILLING_AMOUNT] = {"amount_log10", "size of the amount"},
};

const char *willing_column_name(willing_column c)
{
    return columns[c].name;
}

const char *willing_column_sentence(const char *name)
{
    for (size_t i = 0; i < GW_COUNT(columns); i++)
        if (strcmp(columns[i].name, name) == 0)
            return columns[i].sentence;
    return name;
}

const char *willing_band_name(willing_band b)
{
    static const char *const names[] = {"low", "middle", "high"};
    return names[b];
}

/* ---- the past ---- */

void willing_pass(willing_past *w, double day)
{
    if (!w->any) {
        *w = (willing_past){.at = day, .last_late = NAN, .last_payment = NAN, .any = true};
        return;
    }
    if (day <= w->at)
        return;
    double f = exp2(-(day - w->at) / WILLING_HALF_LIFE_DAYS);
    double *const counters[] = {&w->settled, &w->late,      &w->late_days, &w->disputed,
                                &w->items,   &w->payments,  &w->partial,   &w->kept,
                                &w->broken,  &w->unanswered};
    for (size_t i = 0; i < GW_COUNT(counters); i++)
        *counters[i] *= f;
    w->at = day;
}

void willing_settled(willing_past *w, double day, double days_late, bool disputed)
{
    willing_pass(w, day);
    w->settled++;
    w->items++;
    w->late += days_late > 0;
    w->late_days += fmax(0, days_late);
    w->disputed += disputed;
    w->last_late = fmax(0, days_late);
}

void willing_payment(willing_past *w, double day, bool partial)
{
    willing_pass(w, day);
    w->payments++;
    w->partial += partial;
    w->last_payment = w->at;
}

void willing_promise(willing_past *w, double day, bool kept)
{
    willing_pass(w, day);
    *(kept ? &w->kept : &w->broken) += 1;
}

void willing_unanswered(willing_past *w, double day)
{
    willing_pass(w, day);
    w->unanswered++;
}

static double share(double part, double whole)
{
    return whole > 0.01 ? part / whole : (double)NAN;
}

void willing_columns(const willing_past *past, double day, const willing_now *now,
                     double ret[WILLING_COLUMN_COUNT])
{
    willing_past w = *past;
    willing_pass(&w, day);
    double mean = share(w.late_days, w.settled);
    ret[WILLING_HISTORY] = w.settled;
    ret[WILLING_LATE_SHARE] = share(w.late, w.settled);
    ret[WILLING_MEAN_LATE] = mean;
    ret[WILLING_LAST_LATE] = w.last_late;
    ret[WILLING_TREND] = w.last_late - mean;
    ret[WILLING_SINCE_PAYMENT] = fmax(0, day - w.last_payment);
    if (!isfinite(w.last_payment))
        ret[WILLING_SINCE_PAYMENT] = NAN;
    ret[WILLING_PARTIAL_SHARE] = share(w.partial, w.payments);
    ret[WILLING_PROMISES_KEPT] = w.kept;
    ret[WILLING_PROMISES_BROKEN] = w.broken;
    ret[WILLING_OVERDUE_SHARE] = share(now->overdue, now->open);
    ret[WILLING_DAYS_OVERDUE] = now->days_overdue;
    ret[WILLING_DISPUTED_SHARE] = share(w.disputed, w.items);
    ret[WILLING_UNANSWERED] = w.unanswered;
    ret[WILLING_AMOUNT] = now->amount > 0 ? log10(now->amount) : (double)NAN;
}

/* ---- judging ---- */

static void put_reason(willing_score *s, const char *column, double part)
{
    int at = WILLING_REASONS;
    while (at > 0 && fabs(part) > fabs(s->reasons[at - 1].part))
        at--;
    if (at == WILLING_REASONS)
        return;
    memmove(&s->reasons[at + 1], &s->reasons[at],
            (size_t)(WILLING_REASONS - at - 1) * sizeof s->reasons[0]);
    s->reasons[at] = (willing_reason){column, part};
}

static const char *override_of(const willing_facts *f)
{
    return f->stop         ? "stop"
           : f->vulnerable ? "vulnerable"
           : f->hardship   ? "hardship"
           : f->dispute    ? "dispute"
                           : "";
}

/* Rows: band; columns: able unknown, yes, no. */
static const char *const grid[3][3] = {
    [WILLING_LOW] = {"unwilling", "unwilling-able", "unwilling-unable"},
    [WILLING_MIDDLE] = {"undecided", "undecided", "undecided"},
    [WILLING_HIGH] = {"willing", "willing-able", "willing-unable"},
};

void willing_place(willing_score *s, double pays, const willing_facts *facts)
{
    s->pays = pays;
    s->band = pays < WILLING_BELOW   ? WILLING_LOW
              : pays > WILLING_ABOVE ? WILLING_HIGH
                                     : WILLING_MIDDLE;
    s->override = override_of(facts);
    s->segment = s->override[0] ? "held" : grid[s->band][facts->hardship ? ABLE_NO : facts->able];
}

void willing_judge(const additive *m, bool y_pays, const double *x, const willing_facts *facts,
                   willing_score *ret)
{
    double parts[ADDITIVE_COLUMNS_MAX];
    willing_score s = {0};
    double p = additive_predict(m, x, parts);
    for (size_t i = 0; i < additive_columns(m); i++)
        put_reason(&s, additive_name(m, i), y_pays ? parts[i] : -parts[i]);
    willing_place(&s, y_pays ? p : 1 - p, facts);
    *ret = s;
}
