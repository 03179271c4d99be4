#include "templates/statement/canvas_table.h"

#define PAD_X     3.0
#define PAD_Y     3.0
#define GAP_ABOVE 14.0 /* before a heading */

static double inner(const column *col)
{
    return col->width - 2 * PAD_X;
}

static double head_height(canvas *c, const table *t)
{
    double most = 0.0;
    for (size_t i = 0; i < t->n; i++) {
        const column *col = &t->columns[i];
        double h = canvas_height(c, FACE_SMALL, inner(col), canvas_label(c, col->heading));
        most = h > most ? h : most;
    }
    return most + 2 * PAD_Y;
}

void table_repeat_head(canvas *c)
{
    const table *t = c->table;
    double height = head_height(c, t), x = PAGE_LEFT;
    canvas_shade(c, PAGE_LEFT, c->y, PAGE_BREADTH, height);
    for (size_t i = 0; i < t->n; i++) {
        const column *col = &t->columns[i];
        gw_str text = canvas_label(c, col->heading);
        double own = canvas_height(c, FACE_SMALL, inner(col), text);
        canvas_paragraph(c, FACE_SMALL, INK_ACCENT, x + PAD_X, c->y + height - PAD_Y - own,
                         inner(col), col->align, text);
        x += col->width;
    }
    c->y += height;
    canvas_rule(c, INK_ACCENT, 0.8, PAGE_LEFT, c->y, PAGE_BREADTH);
    c->y += 0.8;
}

void table_begin(canvas *c, const table *t, gw_str heading)
{
    double first_rows = 4 * canvas_line_height(FACE_TEXT) + 2 * PAD_Y;
    double title = heading.n ? canvas_line_height(FACE_HEADING) + 4.0 : 0.0;
    canvas_need(c, GAP_ABOVE + title + head_height(c, t) + first_rows);
    c->y += GAP_ABOVE;
    canvas_line(c, FACE_HEADING, INK_ACCENT, PAGE_LEFT, c->y, PAGE_BREADTH, ALIGN_LEFT, heading);
    c->y += title;
    c->table = t;
    table_repeat_head(c);
}

/* Left edge and breadth of the note: from its column to the end of the row. */
static double note_left(const table *t, const table_row *row)
{
    double x = PAGE_LEFT + PAD_X;
    for (size_t i = 0; i < row->note_column; i++)
        x += t->columns[i].width;
    return x;
}

static double note_breadth(const table *t, const table_row *row)
{
    return PAGE_RIGHT - PAD_X - note_left(t, row);
}

static double cell_height(canvas *c, const column *col, gw_str text)
{
    double line = canvas_line_height(FACE_TEXT);
    double h = col->wraps ? canvas_height(c, FACE_TEXT, inner(col), text) : line;
    return h > line ? h : line;
}

static double row_height(canvas *c, const table *t, const table_row *row)
{
    double most = 0.0;
    for (size_t i = 0; i < t->n; i++) {
        double h = cell_height(c, &t->columns[i], row->cells[i]);
        if (i == row->note_column)
            h += canvas_height(c, FACE_SMALL, note_breadth(t, row), row->note);
        most = h > most ? h : most;
    }
    return most + 2 * PAD_Y;
}

/* The note comes last: cells of one face and colour reach Cairo in one call. */
static void put_cells(canvas *c, const table *t, const table_row *row, double y)
{
    canvas_ink ink = row->strong ? INK_ACCENT : INK_TEXT;
    double x = PAGE_LEFT + PAD_X;
    for (size_t i = 0; i < t->n; i++) {
        const column *col = &t->columns[i];
        if (col->wraps)
            canvas_paragraph(c, FACE_TEXT, ink, x, y, inner(col), col->align, row->cells[i]);
        else
            canvas_line(c, FACE_TEXT, ink, x, y, inner(col), col->align, row->cells[i]);
        x += col->width;
    }
    if (row->note.n == 0)
        return;
    size_t at = row->note_column;
    double below = cell_height(c, &t->columns[at], row->cells[at]);
    canvas_paragraph(c, FACE_SMALL, INK_GREY, note_left(t, row), y + below, note_breadth(t, row),
                     ALIGN_LEFT, row->note);
}

void table_put(canvas *c, const table_row *row)
{
    const table *t = c->table;
    double height = row_height(c, t, row);
    canvas_need(c, height + 0.8);
    if (row->strong)
        canvas_shade(c, PAGE_LEFT, c->y, PAGE_BREADTH, height);
    if (c->cr)
        put_cells(c, t, row, c->y + PAD_Y);
    c->y += height;
    canvas_rule(c, row->strong ? INK_ACCENT : INK_RULE, 0.5, PAGE_LEFT, c->y, PAGE_BREADTH);
    c->y += 0.5;
}

void table_end(canvas *c)
{
    c->table = NULL;
}
