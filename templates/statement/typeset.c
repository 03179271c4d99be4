#include "templates/statement/typeset.h"
#include "gateway/base/utf8.h"

#include <hb.h>
#include <math.h>

/* Characters that stand for themselves whatever their neighbours are. */
static const struct {
    uint32_t first, last;
    bool cjk; /* a line may break on either side */
} plain_ranges[] = {
    {0x0020, 0x007E, false}, {0x00A1, 0x00AC, false}, {0x00AE, 0x017F, false},
    {0x0370, 0x0482, false}, {0x048A, 0x052F, false}, {0x2010, 0x2026, false},
    {0x20AC, 0x20AC, false}, {0x3000, 0x3029, true},  {0x3030, 0x303F, true},
    {0x3400, 0x4DBF, true},  {0x4E00, 0x9FFF, true},  {0xFF01, 0xFF60, true},
    {0xFFE0, 0xFFE6, true},
};

/* Punctuation that must not begin a line, and that must not end one (GB/T 15834-2011 §5.1). */
static const char *const never_first = "，。、；：！？）》」』】〕〉…—·％";
static const char *const never_last = "（《「『【〔〈￥";

static bool is_plain(uint32_t c, bool *ret_cjk)
{
    for (size_t i = 0; i < GW_COUNT(plain_ranges); i++)
        if (c <= plain_ranges[i].last) {
            *ret_cjk = plain_ranges[i].cjk;
            return c >= plain_ranges[i].first;
        }
    return false;
}

static bool is_among(const char *set, const char *p, size_t bytes)
{
    if (bytes == 1)
        return false;
    for (const char *s = set; *s; s += gw_utf8_length(s, 4))
        if (memcmp(s, p, bytes) == 0)
            return true;
    return false;
}

/* ---- fonts ---- */

static PangoFont *load(PangoContext *context, const char *family, double size)
{
    PangoFontDescription *d = pango_font_description_new();
    pango_font_description_set_family(d, family);
    pango_font_description_set_size(d, (int)(size * PANGO_SCALE));
    PangoFont *font = pango_context_load_font(context, d);
    pango_font_description_free(d);
    return font;
}

gw_code typeset_font_open(typeset_font *f, PangoContext *context, const statement_font *first,
                          const statement_font *second, double size, gw_err *err)
{
    const statement_font *const given[TYPESET_FONTS] = {first, second};
    bool loaded = true;
    for (size_t i = 0; i < TYPESET_FONTS; i++) {
        typeset_face *face = &f->faces[i];
        face->whole = load(context, given[i]->family, size);
        face->lean = given[i]->lean;
        face->drawn = lean_face_scaled(face->lean, size);
        loaded =
            loaded && face->whole && cairo_scaled_font_status(face->drawn) == CAIRO_STATUS_SUCCESS;
    }
    f->kern = malloc(KERN_SPAN * sizeof *f->kern);
    f->known = calloc(KNOWN_SLOTS, sizeof *f->known);
    if (!loaded || !f->kern || !f->known)
        return gw_fail(err, GW_ENOMEM, "opening statement fonts");
    for (size_t i = 0; i < KERN_SPAN; i++)
        for (size_t k = 0; k < KERN_SPAN; k++)
            f->kern[i][k] = NAN;
    return GW_OK;
}

void typeset_font_done(typeset_font *f)
{
    for (size_t i = 0; i < TYPESET_FONTS; i++) {
        g_clear_object(&f->faces[i].whole);
        cairo_scaled_font_destroy(f->faces[i].drawn);
    }
    free(f->kern);
    free(f->known);
    *f = (typeset_font){0};
}

typeset *typeset_new(void)
{
    typeset *t = malloc(sizeof *t);
    if (!t)
        return NULL;
    t->n = t->line_n = t->batch.n = t->batch.bytes = 0;
    t->batch.drawn = NULL;
    return t;
}

void typeset_free(typeset *t)
{
    free(t);
}

static float points(hb_position_t p)
{
    return (float)p / PANGO_SCALE;
}

static float advance_of(PangoFont *font, uint32_t glyph)
{
    return points(hb_font_get_glyph_h_advance(pango_font_get_hb_font(font), glyph));
}

/* What the shaper puts between two ASCII letters, without ligatures. */
static float shape_kern(PangoFont *font, const char *pair)
{
    static const hb_feature_t features[] = {
        {HB_TAG('l', 'i', 'g', 'a'), 0, 0, (unsigned)-1},
        {HB_TAG('c', 'l', 'i', 'g'), 0, 0, (unsigned)-1},
    };
    hb_buffer_t *buffer = hb_buffer_create();
    hb_buffer_add_utf8(buffer, pair, 2, 0, 2);
    hb_buffer_guess_segment_properties(buffer);
    hb_shape(pango_font_get_hb_font(font), buffer, features, GW_COUNT(features));
    unsigned n = 0;
    const hb_glyph_info_t *info = hb_buffer_get_glyph_infos(buffer, &n);
    const hb_glyph_position_t *at = hb_buffer_get_glyph_positions(buffer, NULL);
    float kern = 0.0F;
    if (n == 2)
        kern = points(at[0].x_advance) - advance_of(font, info[0].codepoint);
    hb_buffer_destroy(buffer);
    return kern;
}

static float kern_between(const typeset_font *f, char a, char b)
{
    if (a < KERN_FIRST || a > KERN_LAST || b < KERN_FIRST || b > KERN_LAST)
        return 0.0F;
    float *kern = &f->kern[a - KERN_FIRST][b - KERN_FIRST];
    if (isnan(*kern))
        *kern = shape_kern(f->faces[0].whole, (const char[]){a, b, '\0'});
    return *kern;
}

/* ---- layout ---- */

/* Where the character is and what is drawn for it. */
static void fill_glyph(const typeset_font *f, known_glyph *k)
{
    hb_codepoint_t glyph = 0;
    while (k->font < TYPESET_FONTS &&
           !hb_font_get_nominal_glyph(pango_font_get_hb_font(f->faces[k->font].whole),
                                      k->code_point, &glyph))
        k->font++;
    if (k->font == TYPESET_FONTS)
        return;
    const typeset_face *face = &f->faces[k->font];
    uint32_t kept = lean_face_glyph(face->lean, k->code_point);
    k->advance = advance_of(face->whole, glyph);
    k->glyph = kept ? kept : glyph;
    k->drawn = kept ? face->drawn : pango_cairo_font_get_scaled_font(PANGO_CAIRO_FONT(face->whole));
}

static const known_glyph *find_glyph(const typeset_font *f, uint32_t c, const char *p, size_t bytes)
{
    known_glyph *k = &f->known[c % KNOWN_SLOTS];
    if (k->code_point == c)
        return k;
    *k = (known_glyph){.code_point = c, .font = TYPESET_FONTS};
    if (!is_plain(c, &k->cjk))
        return k;
    k->never_first = is_among(never_first, p, bytes);
    k->never_last = is_among(never_last, p, bytes);
    k->font = 0;
    fill_glyph(f, k);
    return k;
}

static bool find_glyphs(typeset *t)
{
    gw_str s = t->text;
    bool cjk_before = false;
    t->n = 0;
    for (size_t i = 0; i < s.n;) {
        size_t len = gw_utf8_length(s.p + i, s.n - i);
        uint32_t c = len ? gw_utf8_code_point(s.p + i, len) : 0;
        typeset_glyph *g = &t->glyphs[t->n];
        const known_glyph *k = c ? find_glyph(t->font, c, s.p + i, len) : NULL;
        if (!k || k->font == TYPESET_FONTS)
            return false;
        *g = (typeset_glyph){.drawn = k->drawn,
                             .glyph = k->glyph,
                             .advance = k->advance,
                             .font = k->font,
                             .offset = (uint16_t)i,
                             .bytes = (uint16_t)len,
                             .blank = c == ' ' || c == 0x3000};
        g->may_break = g->blank || c == '-' || c == '/' || (k->cjk && !k->never_last);
        if (t->n > 0) {
            typeset_glyph *before = g - 1;
            if (k->cjk && !cjk_before && !before->blank)
                before->may_break = true;
            if (k->never_first)
                before->may_break = false;
            if (g->font == 0 && before->font == 0)
                before->advance += kern_between(t->font, s.p[before->offset], s.p[i]);
        }
        cjk_before = k->cjk;
        t->n++;
        i += len;
    }
    return true;
}

static bool add_line(typeset *t, size_t first, size_t end)
{
    if (t->line_n == TYPESET_LINES)
        return false;
    while (end > first && t->glyphs[end - 1].blank)
        end--;
    double width = 0.0;
    for (size_t i = first; i < end; i++)
        width += (double)t->glyphs[i].advance;
    t->lines[t->line_n++] = (typeset_line){first, end, width};
    return true;
}

/* Greedy: as much as fits, back to the last place where a line may end; a word longer than a line
 * is broken anywhere. */
static bool break_lines(typeset *t, double width)
{
    t->line_n = 0;
    size_t first = 0, good = 0;
    double used = 0.0;
    for (size_t i = 0; width >= 0 && i < t->n; i++) {
        const typeset_glyph *g = &t->glyphs[i];
        if (!g->blank && used + (double)g->advance > width && i > first) {
            size_t end = good > first ? good : i;
            if (!add_line(t, first, end))
                return false;
            first = end;
            used = 0.0;
            for (size_t k = first; k < i; k++)
                used += (double)t->glyphs[k].advance;
        }
        used += (double)g->advance;
        if (g->may_break)
            good = i + 1;
    }
    return add_line(t, first, t->n);
}

bool typeset_lay_out(typeset *t, const typeset_font *f, double width, gw_str text)
{
    if (text.n > TYPESET_BYTES)
        return false;
    t->text = text;
    t->font = f;
    return find_glyphs(t) && break_lines(t, width);
}

/* ---- drawing ---- */

void typeset_flush(typeset *t, cairo_t *cr)
{
    typeset_batch *b = &t->batch;
    if (b->n > 0) {
        cairo_set_scaled_font(cr, b->drawn);
        cairo_show_text_glyphs(cr, b->text, (int)b->bytes, b->glyphs, (int)b->n, b->clusters,
                               (int)b->n, 0);
    }
    b->n = b->bytes = 0;
}

/* Each glyph is its own cluster, so that the text can be searched and copied. */
void typeset_show(typeset *t, cairo_t *cr, size_t i, double x, double y)
{
    const typeset_line *line = &t->lines[i];
    typeset_batch *b = &t->batch;
    for (size_t at = line->first; at < line->end; at++) {
        const typeset_glyph *g = &t->glyphs[at];
        if (b->drawn != g->drawn || b->bytes + g->bytes > TYPESET_BYTES)
            typeset_flush(t, cr);
        b->drawn = g->drawn;
        memcpy(b->text + b->bytes, t->text.p + g->offset, g->bytes);
        b->bytes += g->bytes;
        b->glyphs[b->n] = (cairo_glyph_t){g->glyph, x, y};
        b->clusters[b->n] = (cairo_text_cluster_t){g->bytes, 1};
        b->n++;
        x += (double)g->advance;
    }
}
