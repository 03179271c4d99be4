#include "templates/statement/letter.h"

#define META_X      330.0 /* the block at the right: date, customer number, balance */
#define META_LABEL  92.0
#define FOOTER_Y    (PAGE_HEIGHT - 46.0)
#define PARTY_WIDTH 270.0

/* Lines of an address one below the other; returns their height. */
static double put_lines(canvas *c, canvas_face face, canvas_ink ink, double x, double y,
                        double width, canvas_align align, gw_str lines)
{
    double top = y;
    while (lines.n > 0) {
        const char *end = memchr(lines.p, '\n', lines.n);
        gw_str line = {lines.p, end ? (size_t)(end - lines.p) : lines.n};
        y += canvas_paragraph(c, face, ink, x, y, width, align, line);
        size_t passed = end ? line.n + 1 : line.n;
        lines = (gw_str){lines.p + passed, lines.n - passed};
    }
    return y - top;
}

static void letterhead(letter *l)
{
    canvas *c = l->c;
    const statement_party *from = &l->s->creditor;
    double left = c->y, right = c->y;
    left += canvas_paragraph(c, FACE_NAME, INK_ACCENT, PAGE_LEFT, left, PARTY_WIDTH, ALIGN_LEFT,
                             from->name);
    right += 4.0;
    right += put_lines(c, FACE_SMALL, INK_GREY, META_X, right, PAGE_RIGHT - META_X, ALIGN_RIGHT,
                       from->address);
    const gw_str contacts[] = {from->phone, from->email};
    for (size_t i = 0; i < GW_COUNT(contacts); i++)
        right += canvas_paragraph(c, FACE_SMALL, INK_GREY, META_X, right, PAGE_RIGHT - META_X,
                                  ALIGN_RIGHT, contacts[i]);
    c->y = (left > right ? left : right) + 8.0;
    canvas_rule(c, INK_ACCENT, 1.2, PAGE_LEFT, c->y, PAGE_BREADTH);
    c->y += 22.0;
}

static double recipient(letter *l, double y)
{
    canvas *c = l->c;
    const statement_party *to = &l->s->debtor;
    canvas_line(c, FACE_SMALL, INK_GREY, PAGE_LEFT, y, PARTY_WIDTH, ALIGN_LEFT,
                canvas_label(c, LABEL_TO));
    y += canvas_line_height(FACE_SMALL) + 3.0;
    y += canvas_paragraph(c, FACE_HEADING, INK_TEXT, PAGE_LEFT, y, PARTY_WIDTH, ALIGN_LEFT,
                          to->name);
    y += 2.0;
    y += put_lines(c, FACE_TEXT, INK_TEXT, PAGE_LEFT, y, PARTY_WIDTH, ALIGN_LEFT, to->address);
    return y;
}

static double meta_line(letter *l, double y, label what, canvas_face face, gw_str value)
{
    if (value.n == 0)
        return y;
    canvas *c = l->c;
    double x = META_X + META_LABEL;
    canvas_line(c, FACE_TEXT, INK_GREY, META_X, y, META_LABEL - 4.0, ALIGN_LEFT,
                canvas_label(c, what));
    y += canvas_paragraph(c, face, INK_TEXT, x, y, PAGE_RIGHT - x, ALIGN_RIGHT, value);
    return y + 3.0;
}

static double meta(letter *l, double y)
{
    const statement *s = l->s;
    y = meta_line(l, y, LABEL_STATEMENT_DATE, FACE_TEXT, letter_long_date(l, s->date));
    y = meta_line(l, y, LABEL_CUSTOMER, FACE_TEXT, s->debtor.id);
    for (size_t i = 0; i < s->total_n; i++) {
        const statement_total *t = &s->totals[i];
        y = meta_line(l, y, LABEL_BALANCE, FACE_TEXT, letter_money(l, t, t->balance));
        y = meta_line(l, y, LABEL_OVERDUE, FACE_TEXT, letter_money(l, t, t->overdue));
    }
    return y;
}

void letter_head(letter *l)
{
    letterhead(l);
    canvas *c = l->c;
    double left = recipient(l, c->y), right = meta(l, c->y);
    c->y = (left > right ? left : right) + 22.0;
    canvas_line(c, FACE_TITLE, INK_ACCENT, PAGE_LEFT, c->y, PAGE_BREADTH, ALIGN_LEFT,
                canvas_label(c, LABEL_TITLE));
    c->y += canvas_line_height(FACE_TITLE);
}

void letter_page_begins(canvas *c, void *arg)
{
    letter *l = arg;
    if (c->page == 1)
        return;
    double half = PAGE_BREADTH / 2 - 6.0;
    canvas_line_cut(c, FACE_SMALL, INK_GREY, PAGE_LEFT, c->y - 10.0, half, ALIGN_LEFT,
                    l->s->creditor.name);
    canvas_line_cut(c, FACE_SMALL, INK_GREY, PAGE_RIGHT - half, c->y - 10.0, half, ALIGN_RIGHT,
                    l->s->debtor.name);
    canvas_rule(c, INK_RULE, 0.5, PAGE_LEFT, c->y + 2.0, PAGE_BREADTH);
    c->y += 12.0;
}

void letter_page_ends(canvas *c, void *arg)
{
    letter *l = arg;
    if (!c->cr)
        return;
    canvas_rule(c, INK_RULE, 0.5, PAGE_LEFT, FOOTER_Y, PAGE_BREADTH);
    gw_buf_clear(&l->margin);
    gw_buf_put_str(&l->margin, canvas_label(c, LABEL_TITLE));
    gw_buf_puts(&l->margin, " · ");
    gw_buf_put_str(&l->margin, letter_day(l, l->s->date));
    if (l->s->debtor.id.n) {
        gw_buf_puts(&l->margin, " · ");
        gw_buf_put_str(&l->margin, l->s->debtor.id);
    }
    canvas_line_cut(c, FACE_SMALL, INK_GREY, PAGE_LEFT, FOOTER_Y + 5.0, PAGE_BREADTH * 0.7,
                    ALIGN_LEFT, gw_buf_str(&l->margin));
    gw_str page = letter_count(l, c->page), pages = letter_count(l, c->pages);
    canvas_line(c, FACE_SMALL, INK_GREY, PAGE_LEFT + PAGE_BREADTH * 0.7, FOOTER_Y + 5.0,
                PAGE_BREADTH * 0.3, ALIGN_RIGHT,
                letter_fill(l, &l->margin, LABEL_PAGE, page, pages));
}
