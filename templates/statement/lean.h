/* lean.h - a face reduced to what statements write (inside of templates/statement).
 *
 * Cairo makes a subset of each face for every document, and what that costs grows with the face,
 * not with the document: it clears tables for each of the face's glyphs (1 MB for Zen Hei's
 * 45,000), reads its whole index, and searches its character map backwards for every glyph it
 * meets. So the face is reduced once, by HarfBuzz, when the context is made (some 20 ms): outlines,
 * widths and name stay as they are; hints are dropped, which are for screens and were half of the
 * bytes embedded; so are characters that are not usual. Those are still drawn, with the whole face.
 * Thread: the owner of the statement_pdf. */
#ifndef STATEMENT_LEAN_H
#define STATEMENT_LEAN_H

#include "gateway/base/err.h"

#include <cairo.h>
#include <stdint.h>

typedef enum {
    LEAN_LATIN, /* letters and signs of Europe; with a character map, so that Cairo writes one byte
                 * for a letter of Windows-1252 */
    LEAN_CJK, /* those and GB 2312: 6,763 hanzi and their punctuation; without a character map: its
               * many short pieces would be searched for every glyph, and the text is told with the
               * glyphs */
} lean_characters;

typedef struct lean_face lean_face;

/* Reduce the first face of a font file. GW_ENOTFOUND the file is missing or no such font;
 * GW_ENOMEM. */
gw_code lean_face_new(const char *path, lean_characters characters, lean_face **ret, gw_err *err)
    GW_NODISCARD;
void lean_face_free(lean_face *f);

/* The glyph of a character, 0 when it was not kept. */
uint32_t lean_face_glyph(const lean_face *f, uint32_t code_point);
/* The face at a size in points, unhinted. Returned to the caller: cairo_scaled_font_destroy; it may
 * outlive f. */
cairo_scaled_font_t *lean_face_scaled(const lean_face *f, double size);

#endif
