/* canvas.h - pages, lines and paragraphs of a statement (inside of templates/statement).
 *
 * The same code runs twice over a long statement: first measuring (cr is NULL), which counts the
 * pages, then drawing, which can say "page 1 of 3". Units are points from the upper left corner of
 * an A4 page. Lines have a fixed height for each face, so that a line with Chinese in it is as high
 * as one without. Line breaks and tabs inside a text count as spaces; addresses are split before.
 * Thread: the owner of the statement_pdf. */
#ifndef STATEMENT_CANVAS_H
#define STATEMENT_CANVAS_H

#include "templates/statement/labels.h"
#include "templates/statement/typeset.h"

#define PAGE_WIDTH   595.28
#define PAGE_HEIGHT  841.89
#define PAGE_LEFT    42.0
#define PAGE_RIGHT   (PAGE_WIDTH - PAGE_LEFT)
#define PAGE_TOP     44.0
#define PAGE_BOTTOM  (PAGE_HEIGHT - 58.0) /* below lies the footer */
#define PAGE_BREADTH (PAGE_RIGHT - PAGE_LEFT)

typedef enum { FACE_TEXT, FACE_SMALL, FACE_HEADING, FACE_NAME, FACE_TITLE, FACE_COUNT } canvas_face;

typedef enum { INK_TEXT, INK_GREY, INK_ACCENT, INK_RULE, INK_SHADE, INK_COUNT } canvas_ink;
typedef enum { ALIGN_LEFT, ALIGN_RIGHT } canvas_align;

enum { CANVAS_RULES = 256 };

/* A rule waiting for the end of its page: drawn there all at once, since every change of colour in
 * the middle of a page costs Cairo another operation. */
typedef struct {
    canvas_ink ink;
    double x, y, width, thickness;
} canvas_line_rule;

typedef struct canvas canvas;
typedef void canvas_hook(canvas *c, void *arg);
struct table;

struct canvas {
    cairo_t *cr; /* NULL while measuring; borrowed */
    PangoContext *context;
    typeset_font fonts[LANGUAGE_COUNT][FACE_COUNT];
    typeset *set;                                     /* plain text */
    PangoLayout *layouts[LANGUAGE_COUNT][FACE_COUNT]; /* all other text */
    gw_buf text; /* the text at hand, with its breaks replaced */
    statement_language language;
    canvas_ink ink; /* colour Cairo has */
    canvas_line_rule rules[CANVAS_RULES];
    size_t rule_n;
    int page, pages;           /* pages: as counted or assumed before the drawing run */
    double y;                  /* where the next thing goes */
    const struct table *table; /* its head is repeated on a new page */
    canvas_hook *page_begins, *page_ends;
    void *arg;
    gw_code code;     /* first failure */
    uint32_t missing; /* first character no face has, 0 if none */
};

gw_code canvas_init(canvas *c, const fonts *f, gw_err *err) GW_NODISCARD;
void canvas_done(canvas *c);

/* Begin a run: hooks are set, page 1 begins. */
void canvas_begin(canvas *c, cairo_t *cr, statement_language language, canvas_hook *page_begins,
                  canvas_hook *page_ends, void *arg);
/* End the last page; c->page is the number of pages. */
void canvas_end(canvas *c);
/* Begin a new page unless so much height is left on this one. */
void canvas_need(canvas *c, double height);

double canvas_line_height(canvas_face face);
/* Height a paragraph would take. */
double canvas_height(canvas *c, canvas_face face, double width, gw_str text);
/* One line with its top at y. A text wider than width is made narrower, never cut: digits of an
 * amount must not vanish. */
void canvas_line(canvas *c, canvas_face face, canvas_ink ink, double x, double y, double width,
                 canvas_align align, gw_str text);
/* One line that may lose its end, for names that stand in full elsewhere. */
void canvas_line_cut(canvas *c, canvas_face face, canvas_ink ink, double x, double y, double width,
                     canvas_align align, gw_str text);
/* As many lines as the text takes; returns their height. */
double canvas_paragraph(canvas *c, canvas_face face, canvas_ink ink, double x, double y,
                        double width, canvas_align align, gw_str text);
/* A label of the canvas's language. */
gw_str canvas_label(const canvas *c, label which);

void canvas_rule(canvas *c, canvas_ink ink, double thickness, double x, double y, double width);
void canvas_shade(canvas *c, double x, double y, double width, double height);

#endif
