/* willing.h - how willing is a debtor to pay, judged from behaviour alone.
 *
 * What is looked at is what the debtor did: payments, promises, lateness, answers. No age, sex,
 * family, nationality, religion, address or any other personal mark is ever a column. The score
 * helps a person or a ladder to choose a tone and an order of work; it never decides whether or how
 * often somebody may be contacted, and hardship, dispute, vulnerability and a stop request override
 * it whatever it says.
 *
 * "Willing" comes from the score, "able" only from what the debtor declared (hardship) or what
 * billing knows of instalments; without either, able is unknown, never guessed from the score.
 *
 * Pure; any thread. */
#ifndef TIMING_WILLING_H
#define TIMING_WILLING_H

#include "gateway/timing/additive.h"

/* The columns of the score, all as they stood when it was taken. NAN: not known. Decayed counters
 * lose half of what they hold in WILLING_HALF_LIFE_DAYS. */
typedef enum {
    WILLING_HISTORY,         /* settled items so far, decayed */
    WILLING_LATE_SHARE,      /* of settled items, those settled after they were due */
    WILLING_MEAN_LATE,       /* days late, mean over settled items */
    WILLING_LAST_LATE,       /* days late of the last settled item */
    WILLING_TREND,           /* last against mean: above 0 it gets worse */
    WILLING_SINCE_PAYMENT,   /* days since the last payment */
    WILLING_PARTIAL_SHARE,   /* of payments, those that left a rest */
    WILLING_PROMISES_KEPT,   /* decayed */
    WILLING_PROMISES_BROKEN, /* decayed */
    WILLING_OVERDUE_SHARE,   /* of open amounts, what is past due */
    WILLING_DAYS_OVERDUE,    /* of the item that is oldest past due; 0 none */
    WILLING_DISPUTED_SHARE,  /* of items, those that were disputed */
    WILLING_UNANSWERED,      /* contacts of the right party without any answer, decayed */
    WILLING_AMOUNT,          /* log10 of the amount asked for, in major units */
    WILLING_COLUMN_COUNT
} willing_column;

enum { WILLING_REASONS = 3, WILLING_HALF_LIFE_DAYS = 120 };

const char *willing_column_name(willing_column c); /* "late_share", ... */
/* What a person calls it, e.g. "share of bills paid late"; the name itself for an unknown column.
 */
const char *willing_column_sentence(const char *name);

/* ---- a debtor's past, fed event by event in order of time ---- */

typedef struct {
    double at; /* day of the last event */
    double settled, late, late_days, disputed, items, payments, partial, kept, broken, unanswered;
    double last_late, last_payment; /* NAN: none yet */
    bool any;
} willing_past;

/* Let the counters decay up to day (days since 1970-01-01; days before the last event are it). */
void willing_pass(willing_past *w, double day);
void willing_settled(willing_past *w, double day, double days_late, bool disputed);
void willing_payment(willing_past *w, double day, bool partial);
void willing_promise(willing_past *w, double day, bool kept);
void willing_unanswered(willing_past *w, double day);

/* What is open at the moment of scoring. */
typedef struct {
    double open, overdue; /* amounts, same unit */
    double days_overdue;
    double amount; /* asked for, in major units; 0 unknown */
} willing_now;

/* The past as columns at day; w itself is not changed. */
void willing_columns(const willing_past *w, double day, const willing_now *now,
                     double ret[WILLING_COLUMN_COUNT]);

/* ---- the score ---- */

typedef enum { WILLING_LOW, WILLING_MIDDLE, WILLING_HIGH } willing_band;
typedef enum { ABLE_UNKNOWN, ABLE_YES, ABLE_NO } willing_able;

/* Facts that override the score. */
typedef struct {
    bool hardship, dispute, vulnerable, stop;
    willing_able able; /* declared, or an instalment plan that is kept; hardship makes it ABLE_NO */
} willing_facts;

typedef struct {
    const char *column; /* borrowed from the model */
    double part;        /* log-odds it added to "pays", against the average */
} willing_reason;

typedef struct {
    double pays; /* probability of paying within the horizon */
    willing_band band;
    willing_reason reasons[WILLING_REASONS]; /* strongest first; part 0: fewer reasons */
    const char *segment;  /* "willing-able", "willing-unable", "unwilling-able", "unwilling-unable",
                             "willing", "unwilling", "undecided"; "held" when overridden */
    const char *override; /* "", or the fact that overrides: "vulnerable", ... */
} willing_score;

/* Below and above these probabilities a debtor counts as unwilling and willing. */
#define WILLING_BELOW 0.35
#define WILLING_ABOVE 0.65

/* y_pays: the model predicts paying (else it predicts default, and pays = 1 - p). x has the model's
 * columns. */
void willing_judge(const additive *m, bool y_pays, const double *x, const willing_facts *facts,
                   willing_score *ret);

/* Band and segment of a probability of paying that was predicted before; reasons stay. */
void willing_place(willing_score *s, double pays, const willing_facts *facts);

const char *willing_band_name(willing_band b); /* "low", "middle", "high" */

/* A trained model of the columns above, in their order. GW_EINVAL when it is of another table. */
gw_code willing_read(gw_str json, additive **ret, gw_err *err) GW_NODISCARD;

/* The model a gateway starts with, for paying within 7 or 30 days: set by hand, weak, and in the
 * direction that practice expects of each column; `dunlin timing score --save` trains a better one
 * on your own ledger. NULL: out of memory. */
additive *willing_prior(int days);

#endif
