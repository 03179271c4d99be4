/* score_table.h - a CSV table as examples for the willingness score: what was known when, and what
 * came of it.
 *
 * Three kinds are told apart by their header (case, blanks, '_', '.' and '-' do not matter):
 *
 *   ledger   one invoice a row: customer, due date, settled date; also amount, issued date,
 * disputed. Each invoice that is still open on the day after it was due is an example, decided on
 *            that day from what its customer had done until then; y = settled within the horizon.
 *   monthly  one account a row, a month a column: late1..lateN with bill1.. and paid1.. (shares of
 * the limit) and limit_k, oldest first; or PAY_0, PAY_2.. with BILL_AMT1.., PAY_AMT1.. and
 *            LIMIT_BAL, newest first. The outcome is a column of 0 and 1.
 *   generic  any other table: each column of numbers, or of two words, is used; outcome as above.
 *
 * The outcome column is the one named, else default_next, default payment next month, paid_next,
 * default, paid, outcome, label, target or y, else the last column when it holds only 0 and 1. A
 * name with "default", "late", "bad" or "churn" in it means that 1 is the bad end, so that pays = 1
 * - p.
 *
 * Ids and marks of a person (age, sex, family, education, nationality, religion, address, postcode
 * ...) are never used; `left_out` says what was not used and why.
 *
 * Pure: text in, table out. Thread: any. */
#ifndef TIMING_SCORE_TABLE_H
#define TIMING_SCORE_TABLE_H

#include "gateway/base/buf.h"

enum {
    SCORE_ROWS_MAX = 2000000,
    SCORE_COLUMNS_MAX = 128, /* of the model */
    SCORE_NAME_MAX = 64,
    SCORE_ROWS_MIN = 20,
};

typedef enum { SCORE_LEDGER, SCORE_MONTHLY, SCORE_GENERIC } score_kind;

typedef struct {
    const char *outcome; /* NULL: found by name */
    int horizon_days;    /* ledger: paid within these days after the due date; 1..3650 */
} score_options;

typedef struct {
    char name[SCORE_NAME_MAX];
    const char *why; /* static: "personal", "identifier", "text", "constant", "outcome-after" */
} score_left_out;

typedef struct {
    score_kind kind;
    char outcome[SCORE_NAME_MAX];
    bool y_pays;
    char names[SCORE_COLUMNS_MAX][SCORE_NAME_MAX];
    size_t column_n;
    size_t n;
    double *x; /* n rows of column_n values, NAN missing */
    uint8_t *y;
    uint32_t *line; /* of the file */
    double *at;     /* when each was decided, rising */
    double *known;  /* when its outcome was known: it may teach decisions after that only */
    size_t settled_before, censored; /* ledger: paid until due; outcome not known yet */
    score_left_out left_out[SCORE_COLUMNS_MAX];
    size_t left_out_n;
} score_table;

/* GW_EINVAL names line, column and remedy; GW_ELIMIT; GW_ENOMEM. */
gw_code score_table_read(gw_str csv, const score_options *options, score_table **ret, gw_err *err)
    GW_NODISCARD;
void score_table_free(score_table *t);
GW_CLEANUP_FUNC(score_table, score_table_free)

const char *score_kind_name(score_kind k);

#endif
