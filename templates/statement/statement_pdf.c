/* The PDF of a statement: a drawing run into Cairo; before it, unless the statement is short, a
 * measuring run that counts the pages. Cairo writes no document id and takes the creation date from
 * us, so equal input gives equal bytes. */
#include "gateway/base/time.h"
#include "templates/statement/letter.h"

#include <cairo-pdf.h>
#include <inttypes.h>
#include <stdio.h>
#include <zlib.h>

enum {
    FORMATTERS_KEPT = 4,
    LETTER_TEXT_BYTES = 4096,
    SHORT_ITEMS = 12, /* as many lines usually fit on one page */
    SHORT_PAGES = 2,
};

struct statement_pdf {
    fonts fonts;
    canvas canvas;
    formatter *formatters[FORMATTERS_KEPT];
    size_t formatter_next;
};

/* ---- texts ---- */

static gw_str keep(letter *l, gw_str text)
{
    if (text.n >= LETTER_SLOT_BYTES && l->code == GW_OK)
        l->code = gw_fail(l->err, GW_ELIMIT, "statement: a formatted value is too long");
    if (l->code != GW_OK)
        return GW_STR("");
    char *slot = l->slots[l->slot++ % LETTER_SLOTS];
    memcpy(slot, text.p, text.n);
    return (gw_str){slot, text.n};
}

typedef gw_code amount_format(formatter *, int64_t, gw_str, gw_buf *, gw_err *);

static gw_str put_amount(letter *l, amount_format *format, const statement_total *t, int64_t minor)
{
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, LETTER_SLOT_BYTES);
    gw_code rc = format(l->f, minor, gw_str_of(t->currency), &b, l->err);
    if (l->code == GW_OK)
        l->code = rc;
    return keep(l, gw_buf_str(&b));
}

gw_str letter_amount(letter *l, const statement_total *t, int64_t minor)
{
    return put_amount(l, format_amount, t, minor);
}

gw_str letter_money(letter *l, const statement_total *t, int64_t minor)
{
    return put_amount(l, format_money, t, minor);
}

gw_str letter_day(letter *l, int32_t day)
{
    char text[GW_DATE_TEXT];
    gw_date_format(day, text);
    return keep(l, gw_str_of(text));
}

gw_str letter_long_date(letter *l, int32_t day)
{
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, LETTER_SLOT_BYTES);
    gw_code rc = format_date(l->f, day, &b, l->err);
    if (l->code == GW_OK)
        l->code = rc;
    return keep(l, gw_buf_str(&b));
}

gw_str letter_count(letter *l, int64_t n)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, n);
    return keep(l, gw_str_of(text));
}

gw_str letter_fill(letter *l, gw_buf *b, label which, gw_str first, gw_str second)
{
    gw_buf_clear(b);
    statement_label_fill(b, l->c->language, which, first, second);
    return gw_buf_str(b);
}

/* ---- the context ---- */

void statement_pdf_free(statement_pdf *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < FORMATTERS_KEPT; i++)
        formatter_free(p->formatters[i]);
    canvas_done(&p->canvas);
    fonts_close(&p->fonts);
    free(p);
}

gw_code statement_pdf_new(const statement_fonts *files, statement_pdf **ret, gw_err *err)
{
    GW_AUTO(statement_pdf_free) statement_pdf *p = calloc(1, sizeof *p);
    if (!p)
        return gw_fail(err, GW_ENOMEM, "opening statement fonts");
    gw_code rc = fonts_open(files, &p->fonts, err);
    if (rc == GW_OK)
        rc = canvas_init(&p->canvas, &p->fonts, err);
    if (rc != GW_OK)
        return rc;
    *ret = p;
    p = NULL;
    return GW_OK;
}

/* Numbers are written in the language of the labels: a German comma under an English heading would
 * be read wrongly. */
static gw_code formatter_for(statement_pdf *p, gw_str locale, formatter **ret, gw_err *err)
{
    bool english = locale.n >= 2 && (locale.p[0] | 0x20) == 'e' && (locale.p[1] | 0x20) == 'n' &&
                   (locale.n == 2 || locale.p[2] == '-');
    if (statement_language_of(locale) == LANGUAGE_EN && !english)
        locale = GW_STR("en");
    for (size_t i = 0; i < FORMATTERS_KEPT; i++)
        if (p->formatters[i] && gw_str_eq(formatter_locale(p->formatters[i]), locale)) {
            *ret = p->formatters[i];
            return GW_OK;
        }
    formatter *fresh;
    gw_code rc = formatter_new(locale, &fresh, err);
    if (rc != GW_OK)
        return rc;
    formatter **slot = &p->formatters[p->formatter_next++ % FORMATTERS_KEPT];
    formatter_free(*slot);
    *ret = *slot = fresh;
    return GW_OK;
}

/* ---- compression ---- */

/* Cairo 1.16 compresses every stream at zlib's default level and has no setting for it: that was
 * 38 % of the time of a page, most of it spent on outlines of glyphs, which get a seventh smaller.
 * This program's deflateInit_ is found before zlib's own. In a short statement it lets faces be as
 * they are, and takes the fastest level for pages and less memory, which zlib would have to clear
 * first. Long ones, and everybody else in this process, get what they ask for. */
typedef enum { AS_ASKED, QUICK_PAGES, QUICK_FACES } compression;

static _Thread_local compression how;

int ZEXPORT deflateInit_(z_streamp stream, int level, const char *version, int stream_size)
{
    enum { WINDOW_BITS = 14, MEM_LEVEL = 7 };
    if (how == AS_ASKED)
        return deflateInit2_(stream, level, Z_DEFLATED, MAX_WBITS, MAX_MEM_LEVEL - 1,
                             Z_DEFAULT_STRATEGY, version, stream_size);
    return deflateInit2_(stream, how == QUICK_FACES ? Z_NO_COMPRESSION : Z_BEST_SPEED, Z_DEFLATED,
                         WINDOW_BITS, MEM_LEVEL, Z_DEFAULT_STRATEGY, version, stream_size);
}

/* ---- writing ---- */

static cairo_status_t to_buffer(void *arg, const unsigned char *bytes, unsigned int n)
{
    return gw_buf_put(arg, bytes, n) == GW_OK ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

/* Cairo's setters want C strings, and texts from JSON need not end in NUL. */
static void set_metadata(cairo_surface_t *surface, letter *l)
{
    char day[GW_DATE_TEXT], instant[GW_DATE_TEXT + 16];
    gw_date_format(l->s->date, day);
    snprintf(instant, sizeof instant, "%sT00:00:00Z", day);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, instant);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_MOD_DATE, instant);
    gw_buf_clear(&l->text);
    gw_buf_puts(&l->text, statement_label(l->c->language, LABEL_TITLE));
    gw_buf_printf(&l->text, " %s", day);
    if (l->text.data)
        cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, l->text.data);
    gw_buf_clear(&l->text);
    gw_buf_put_str(&l->text, l->s->creditor.name);
    if (l->text.data)
        cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_AUTHOR, l->text.data);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATOR, "Dunlin");
}

static void run(letter *l, cairo_t *cr)
{
    canvas_begin(l->c, cr, statement_language_of(l->s->locale), letter_page_begins,
                 letter_page_ends, l);
    letter_head(l);
    letter_tables(l);
    letter_summary(l);
    canvas_end(l->c);
}

static gw_code outcome(const letter *l, cairo_status_t status, const gw_buf *ret, gw_err *err)
{
    if (l->code != GW_OK)
        return l->code;
    if (l->c->code != GW_OK)
        return gw_fail(err, l->c->code, "statement: laying out a text");
    if (l->c->missing)
        return gw_fail(err, GW_EINVAL,
                       "statement: no font face has the character U+%04" PRIX32
                       "; name a font file that has it",
                       l->c->missing);
    gw_code rc = gw_buf_code(ret, "the statement's PDF", err);
    if (rc == GW_OK && status != CAIRO_STATUS_SUCCESS)
        rc = gw_fail(err, status == CAIRO_STATUS_NO_MEMORY ? GW_ENOMEM : GW_EINVAL,
                     "statement: writing PDF: %s", cairo_status_to_string(status));
    return rc;
}

static gw_code draw(letter *l, gw_buf *ret, gw_err *err)
{
    size_t before = ret->n;
    cairo_surface_t *surface =
        cairo_pdf_surface_create_for_stream(to_buffer, ret, PAGE_WIDTH, PAGE_HEIGHT);
    cairo_t *cr = cairo_create(surface);
    bool quick = l->c->pages <= SHORT_PAGES;
    set_metadata(surface, l);
    how = quick ? QUICK_PAGES : AS_ASKED;
    run(l, cr);
    cairo_status_t status = cairo_status(cr);
    cairo_destroy(cr);
    how = quick ? QUICK_FACES : AS_ASKED;
    cairo_surface_finish(surface);
    how = AS_ASKED;
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_status(surface);
    cairo_surface_destroy(surface);
    gw_code rc = outcome(l, status, ret, err);
    if (rc != GW_OK)
        ret->n = before;
    return rc;
}

gw_code statement_write_pdf(statement_pdf *p, const statement *s, gw_buf *ret, gw_err *err)
{
    letter l = {.c = &p->canvas, .s = s, .err = err};
    gw_code rc = formatter_for(p, s->locale, &l.f, err);
    if (rc != GW_OK)
        return rc;
    gw_buf_init(&l.text, LETTER_TEXT_BYTES);
    gw_buf_init(&l.margin, LETTER_TEXT_BYTES);
    size_t before = ret->n;
    l.c->pages = 1;
    if (s->item_n > SHORT_ITEMS) {
        run(&l, NULL);
        l.c->pages = l.c->page;
    }
    rc = draw(&l, ret, err);
    if (rc == GW_OK && l.c->page != l.c->pages) { /* short, and yet more than a page */
        ret->n = before;
        l.c->pages = l.c->page;
        rc = draw(&l, ret, err);
    }
    gw_buf_done(&l.text);
    gw_buf_done(&l.margin);
    return rc;
}
