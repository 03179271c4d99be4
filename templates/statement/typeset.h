/* typeset.h - plain text to glyphs without the shaper (inside of templates/statement).
 *
 * Nearly everything on a statement is Latin, Greek, Cyrillic or Chinese: one character, one glyph,
 * and pairs of ASCII letters drawn together by kerning. Laid out through Pango that took three
 * quarters of a statement's time. Text with any other character (Arabic, Thai, combining marks,
 * emoji) is not plain; the canvas gives all of it to Pango. Ligatures are left out on purpose, so
 * that every letter can be copied from the document.
 * Thread: the owner of the statement_pdf. */
#ifndef STATEMENT_TYPESET_H
#define STATEMENT_TYPESET_H

#include "templates/statement/fonts.h"

enum {
    TYPESET_BYTES = 4096, /* longest text; limits of the model lie far below */
    TYPESET_LINES = 512,
    TYPESET_FONTS = 2,
    KERN_FIRST = 0x21,
    KERN_LAST = 0x7E,
    KERN_SPAN = KERN_LAST - KERN_FIRST + 1,
    KNOWN_SLOTS = 1024, /* a power of two */
};

/* What is known of a character, remembered in the slot its code point falls into. */
typedef struct {
    cairo_scaled_font_t *drawn;   /* the lean face, or the whole one if that has not got it */
    uint32_t code_point;          /* 0: the slot is empty */
    uint32_t glyph;               /* of drawn */
    float advance;                /* points */
    uint8_t font;                 /* index into faces[], TYPESET_FONTS if neither has it */
    bool cjk;                     /* a line may break on either side */
    bool never_first, never_last; /* of a line */
} known_glyph;

/* Whole tells widths, kerning and the glyphs the lean face lacks. */
typedef struct {
    PangoFont *whole;
    const lean_face *lean;      /* borrowed */
    cairo_scaled_font_t *drawn; /* lean, at the size */
} typeset_face;

/* The faces at one size, in order of preference. */
typedef struct {
    typeset_face faces[TYPESET_FONTS];
    float (*kern)[KERN_SPAN]; /* pairs of ASCII in faces[0], points; NAN not yet asked for */
    known_glyph *known;       /* KNOWN_SLOTS */
} typeset_font;

typedef struct {
    cairo_scaled_font_t *drawn;
    uint32_t glyph;
    uint16_t offset, bytes; /* its character in the text */
    uint8_t font;
    bool may_break; /* a line may end behind it */
    bool blank;     /* a space: not drawn at the end of a line */
    float advance;  /* points, kerning to the next one included */
} typeset_glyph;

typedef struct {
    size_t first, end; /* glyphs */
    double width;
} typeset_line;

/* Glyphs of one font and colour on their way to Cairo. Each call costs Cairo several microseconds,
 * so the cells of a table row travel together. */
typedef struct {
    cairo_scaled_font_t *drawn;
    char text[TYPESET_BYTES];
    size_t bytes;
    cairo_glyph_t glyphs[TYPESET_BYTES];
    cairo_text_cluster_t clusters[TYPESET_BYTES];
    size_t n;
} typeset_batch;

typedef struct {
    gw_str text; /* borrowed until drawn */
    const typeset_font *font;
    typeset_glyph glyphs[TYPESET_BYTES];
    size_t n;
    typeset_line lines[TYPESET_LINES];
    size_t line_n;
    typeset_batch batch;
} typeset;

/* Load the two faces at a size in points; they are borrowed. */
gw_code typeset_font_open(typeset_font *f, PangoContext *context, const statement_font *first,
                          const statement_font *second, double size, gw_err *err) GW_NODISCARD;
void typeset_font_done(typeset_font *f);

typeset *typeset_new(void);
void typeset_free(typeset *t);

/* Lay out the text in lines of at most width points (negative: one line). False if it is not plain
 * (see above) or too long; lines and glyphs are then undefined. */
bool typeset_lay_out(typeset *t, const typeset_font *f, double width, gw_str text);
/* Draw line i with its baseline beginning at x, y. It reaches Cairo at the latest with
 * typeset_flush, which must come before the colour, the scale or the page changes. */
void typeset_show(typeset *t, cairo_t *cr, size_t i, double x, double y);
void typeset_flush(typeset *t, cairo_t *cr);

#endif
