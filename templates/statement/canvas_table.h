/* canvas_table.h - tables whose head is repeated on every page (inside of templates/statement). */
#ifndef STATEMENT_CANVAS_TABLE_H
#define STATEMENT_CANVAS_TABLE_H

#include "templates/statement/canvas.h"

enum { TABLE_COLUMNS_MAX = 8 };

typedef struct {
    label heading;
    double width; /* the widths of a table add up to PAGE_BREADTH */
    canvas_align align;
    bool wraps; /* the cell may take several lines */
} column;

typedef struct table {
    const column *columns;
    size_t n;
} table;

typedef struct {
    gw_str cells[TABLE_COLUMNS_MAX];
    gw_str note; /* small grey text below the cell of note_column, up to the right edge; or empty */
    size_t note_column;
    bool strong; /* a row of totals */
} table_row;

/* Heading (may be empty) and head of the table; kept on one page with a first row. */
void table_begin(canvas *c, const table *t, gw_str heading);
void table_put(canvas *c, const table_row *row);
void table_end(canvas *c);
/* The head once more, after a page break. */
void table_repeat_head(canvas *c);

#endif
