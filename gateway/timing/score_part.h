/* score_part.h - what the readers of the three kinds of table share. */
#ifndef TIMING_SCORE_PART_H
#define TIMING_SCORE_PART_H

#include "gateway/base/arena.h"
#include "gateway/timing/score_table.h"

enum { SCORE_CSV_COLUMNS_MAX = 256, SCORE_ARENA_MAX = 1 << 30 };

/* The file in memory: cells borrow the arena. */
typedef struct {
    gw_arena *arena;
    gw_str header[SCORE_CSV_COLUMNS_MAX];
    char plain[SCORE_CSV_COLUMNS_MAX][SCORE_NAME_MAX]; /* lower case, letters and digits only */
    size_t column_n;
    gw_str **rows; /* row_n rows of column_n cells */
    uint32_t *line;
    size_t row_n, row_cap;
} score_sheet;

/* Column of the first of these plain names (NULL ends the list), -1 when there is none. */
int score_column(const score_sheet *s, const char *const *names);
/* A cell's number; false for a text, NAN and true for an empty cell or NA, null, nan. */
bool score_number(gw_str cell, double *ret);
/* Make room for n rows of t->column_n values. */
gw_code score_rows(score_table *t, size_t n, gw_err *err) GW_NODISCARD;
void score_leave_out(score_table *t, gw_str name, const char *why);
void score_name(char ret[SCORE_NAME_MAX], gw_str name);
/* The 0 or 1 of row r in the outcome column. */
gw_code score_outcome(const score_sheet *s, size_t r, int column, uint8_t *ret, gw_err *err)
    GW_NODISCARD;

bool score_is_ledger(const score_sheet *s);
bool score_is_monthly(const score_sheet *s);
gw_code score_read_ledger(const score_sheet *s, const score_options *o, score_table *t, gw_err *err)
    GW_NODISCARD;
gw_code score_read_monthly(const score_sheet *s, int outcome, score_table *t, gw_err *err)
    GW_NODISCARD;
gw_code score_read_generic(const score_sheet *s, int outcome, score_table *t, gw_err *err)
    GW_NODISCARD;

#endif
