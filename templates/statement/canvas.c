#include "gateway/base/utf8.h"
#include "templates/statement/canvas_table.h"

#include <stdio.h>

static const double sizes[FACE_COUNT] = {
    [FACE_TEXT] = 8.0,  [FACE_SMALL] = 7.0,  [FACE_HEADING] = 10.0,
    [FACE_NAME] = 14.0, [FACE_TITLE] = 20.0,
};

static const double inks[INK_COUNT][3] = {
    [INK_TEXT] = {0.13, 0.14, 0.16},   [INK_GREY] = {0.40, 0.43, 0.47},
    [INK_ACCENT] = {0.10, 0.22, 0.38}, [INK_RULE] = {0.80, 0.82, 0.85},
    [INK_SHADE] = {0.94, 0.95, 0.97},
};

/* Measured from the top of a line, in sizes of the face: the baseline and the next line. */
#define BASELINE 1.02
#define LEADING  1.38

/* Layouts of one language: its own face first, the other one for what that lacks. */
static gw_code open_faces(canvas *c, statement_language language, const statement_font *first,
                          const statement_font *second, gw_err *err)
{
    char both[2 * FONT_FAMILY_BYTES];
    snprintf(both, sizeof both, "%s,%s", first->family, second->family);
    PangoFontDescription *d = pango_font_description_new();
    pango_font_description_set_family(d, both);
    gw_code rc = GW_OK;
    for (size_t i = 0; rc == GW_OK && i < FACE_COUNT; i++) {
        pango_font_description_set_size(d, (int)(sizes[i] * PANGO_SCALE));
        PangoLayout *layout = pango_layout_new(c->context);
        pango_layout_set_font_description(layout, d);
        pango_layout_set_wrap(layout, PANGO_WRAP_WORD_CHAR);
        c->layouts[language][i] = layout;
        rc = typeset_font_open(&c->fonts[language][i], c->context, first, second, sizes[i], err);
    }
    pango_font_description_free(d);
    return rc;
}

gw_code canvas_init(canvas *c, const fonts *f, gw_err *err)
{
    *c = (canvas){0};
    gw_buf_init(&c->text, TYPESET_BYTES);
    c->set = typeset_new();
    c->context = pango_font_map_create_context(f->map);
    if (!c->set || !c->context)
        return gw_fail(err, GW_ENOMEM, "opening statement fonts");
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    pango_cairo_context_set_font_options(c->context, options);
    cairo_font_options_destroy(options);
    pango_context_set_round_glyph_positions(c->context, FALSE);
    pango_context_set_language(c->context, pango_language_from_string("zh-cn"));
    gw_code rc = open_faces(c, LANGUAGE_EN, &f->latin, &f->cjk, err);
    return rc == GW_OK ? open_faces(c, LANGUAGE_ZH, &f->cjk, &f->latin, err) : rc;
}

void canvas_done(canvas *c)
{
    for (size_t language = 0; language < LANGUAGE_COUNT; language++)
        for (size_t i = 0; i < FACE_COUNT; i++) {
            g_clear_object(&c->layouts[language][i]);
            typeset_font_done(&c->fonts[language][i]);
        }
    typeset_free(c->set);
    g_clear_object(&c->context);
    gw_buf_done(&c->text);
}

void canvas_begin(canvas *c, cairo_t *cr, statement_language language, canvas_hook *page_begins,
                  canvas_hook *page_ends, void *arg)
{
    c->cr = cr;
    c->language = language;
    c->page_begins = page_begins;
    c->page_ends = page_ends;
    c->arg = arg;
    c->table = NULL;
    c->ink = INK_COUNT;
    c->rule_n = 0;
    c->code = GW_OK;
    c->missing = 0;
    c->page = 1;
    c->y = PAGE_TOP;
    c->page_begins(c, arg);
}

static void use_ink(canvas *c, canvas_ink ink)
{
    if (c->ink == ink)
        return;
    typeset_flush(c->set, c->cr);
    cairo_set_source_rgb(c->cr, inks[ink][0], inks[ink][1], inks[ink][2]);
    c->ink = ink;
}

static void draw_rules(canvas *c)
{
    for (canvas_ink ink = 0; ink < INK_COUNT; ink++) {
        size_t n = 0;
        for (size_t i = 0; i < c->rule_n; i++) {
            const canvas_line_rule *r = &c->rules[i];
            if (r->ink != ink)
                continue;
            if (n++ == 0)
                use_ink(c, ink);
            cairo_rectangle(c->cr, r->x, r->y, r->width, r->thickness);
        }
        if (n > 0)
            cairo_fill(c->cr);
    }
    c->rule_n = 0;
}

void canvas_end(canvas *c)
{
    c->page_ends(c, c->arg);
    if (!c->cr)
        return;
    typeset_flush(c->set, c->cr);
    draw_rules(c);
    cairo_show_page(c->cr);
}

void canvas_need(canvas *c, double height)
{
    if (c->y + height <= PAGE_BOTTOM)
        return;
    canvas_end(c);
    c->page++;
    c->y = PAGE_TOP;
    c->page_begins(c, c->arg);
    if (c->table)
        table_repeat_head(c);
}

gw_str canvas_label(const canvas *c, label which)
{
    return gw_str_of(statement_label(c->language, which));
}

double canvas_line_height(canvas_face face)
{
    return sizes[face] * LEADING;
}

/* A text laid out by one of the two ways. */
typedef struct {
    canvas_face face;
    PangoLayout *layout; /* NULL: plain, it is in c->set */
    size_t lines;
} block;

/* Breaks, tabs and no-break spaces become spaces: Cairo embeds a glyph once for every character it
 * stands for, and a second subset of a face costs two thousand bytes. */
static void clean(canvas *c, gw_str text)
{
    gw_buf_clear(&c->text);
    char *to = gw_buf_reserve(&c->text, text.n);
    for (size_t i = 0; to && i < text.n; i++) {
        char letter = text.p[i];
        bool no_break = letter == '\xC2' && i + 1 < text.n && text.p[i + 1] == '\xA0';
        bool blank = no_break || letter == '\n' || letter == '\r' || letter == '\t';
        to[c->text.n++] = blank ? ' ' : letter;
        i += no_break;
    }
    if (c->code == GW_OK)
        c->code = c->text.code;
}

/* width < 0 for one line. */
static block lay_out(canvas *c, canvas_face face, double width, bool cut, gw_str text)
{
    clean(c, text);
    if (typeset_lay_out(c->set, &c->fonts[c->language][face], cut ? -1.0 : width,
                        gw_buf_str(&c->text)) &&
        !(cut && c->set->lines[0].width > width))
        return (block){face, NULL, c->set->line_n};
    PangoLayout *layout = c->layouts[c->language][face];
    pango_layout_set_ellipsize(layout, cut ? PANGO_ELLIPSIZE_END : PANGO_ELLIPSIZE_NONE);
    pango_layout_set_width(layout, width < 0 ? -1 : (int)(width * PANGO_SCALE));
    pango_layout_set_text(layout, gw_buf_str(&c->text).p, (int)c->text.n);
    return (block){face, layout, (size_t)pango_layout_get_line_count(layout)};
}

/* Remember the first character that no face has, for the error's text. Plain text has none. */
static void note_missing(canvas *c, const block *b)
{
    if (!b->layout || c->missing || pango_layout_get_unknown_glyphs_count(b->layout) == 0)
        return;
    c->missing = 0xFFFD;
    for (size_t i = 0; i < c->text.n;) {
        size_t len = gw_utf8_length(c->text.data + i, c->text.n - i);
        if (len == 0)
            return;
        pango_layout_set_text(b->layout, c->text.data + i, (int)len);
        if (pango_layout_get_unknown_glyphs_count(b->layout) > 0) {
            c->missing = gw_utf8_code_point(c->text.data + i, len);
            return;
        }
        i += len;
    }
}

static double width_of(canvas *c, const block *b, size_t line)
{
    if (!b->layout)
        return c->set->lines[line].width;
    PangoRectangle logical;
    pango_layout_line_get_extents(pango_layout_get_line_readonly(b->layout, (int)line), NULL,
                                  &logical);
    return (double)logical.width / PANGO_SCALE;
}

static void show_at(canvas *c, const block *b, size_t line, double x, double y)
{
    if (!b->layout) {
        typeset_show(c->set, c->cr, line, x, y);
        return;
    }
    typeset_flush(c->set, c->cr);
    cairo_move_to(c->cr, x, y);
    pango_cairo_show_layout_line(c->cr, pango_layout_get_line_readonly(b->layout, (int)line));
}

static void show(canvas *c, const block *b, size_t line, double x, double y, double width,
                 canvas_align align)
{
    double needs = width_of(c, b, line);
    double narrow = needs > width ? width / needs : 1.0;
    double left = align == ALIGN_RIGHT ? x + width - needs * narrow : x;
    double baseline = y + sizes[b->face] * BASELINE;
    if (narrow == 1.0) {
        show_at(c, b, line, left, baseline);
        return;
    }
    typeset_flush(c->set, c->cr);
    cairo_save(c->cr);
    cairo_translate(c->cr, left, baseline);
    cairo_scale(c->cr, narrow, narrow);
    show_at(c, b, line, 0.0, 0.0);
    typeset_flush(c->set, c->cr);
    cairo_restore(c->cr);
}

double canvas_height(canvas *c, canvas_face face, double width, gw_str text)
{
    if (text.n == 0)
        return 0.0;
    return (double)lay_out(c, face, width, false, text).lines * canvas_line_height(face);
}

double canvas_paragraph(canvas *c, canvas_face face, canvas_ink ink, double x, double y,
                        double width, canvas_align align, gw_str text)
{
    if (text.n == 0)
        return 0.0;
    block b = lay_out(c, face, width, false, text);
    if (c->cr) {
        use_ink(c, ink);
        for (size_t i = 0; i < b.lines; i++)
            show(c, &b, i, x, y + (double)i * canvas_line_height(face), width, align);
        note_missing(c, &b);
    }
    return (double)b.lines * canvas_line_height(face);
}

static void put_line(canvas *c, canvas_face face, canvas_ink ink, double x, double y, double width,
                     canvas_align align, bool cut, gw_str text)
{
    if (!c->cr || text.n == 0)
        return;
    block b = lay_out(c, face, cut ? width : -1.0, cut, text);
    use_ink(c, ink);
    show(c, &b, 0, x, y, width, align);
    note_missing(c, &b);
}

void canvas_line(canvas *c, canvas_face face, canvas_ink ink, double x, double y, double width,
                 canvas_align align, gw_str text)
{
    put_line(c, face, ink, x, y, width, align, false, text);
}

void canvas_line_cut(canvas *c, canvas_face face, canvas_ink ink, double x, double y, double width,
                     canvas_align align, gw_str text)
{
    put_line(c, face, ink, x, y, width, align, true, text);
}

void canvas_rule(canvas *c, canvas_ink ink, double thickness, double x, double y, double width)
{
    if (!c->cr)
        return;
    if (c->rule_n == CANVAS_RULES)
        draw_rules(c);
    c->rules[c->rule_n++] = (canvas_line_rule){ink, x, y, width, thickness};
}

void canvas_shade(canvas *c, double x, double y, double width, double height)
{
    if (!c->cr)
        return;
    use_ink(c, INK_SHADE);
    cairo_rectangle(c->cr, x, y, width, height);
    cairo_fill(c->cr);
}
