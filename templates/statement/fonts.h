/* fonts.h - a font map that knows just the faces of statements (inside of templates/statement).
 *
 * Fontconfig would choose by what the machine has installed; with a private configuration of three
 * files the same statement looks the same, and has the same bytes, on every machine. */
#ifndef STATEMENT_FONTS_H
#define STATEMENT_FONTS_H

#include "templates/statement/lean.h"
#include "templates/statement/statement.h"

#include <pango/pangocairo.h>

enum { FONT_FAMILY_BYTES = 128 };

typedef struct {
    char family[FONT_FAMILY_BYTES];
    lean_face *lean;
} statement_font;

typedef struct {
    PangoFontMap *map; /* the whole faces */
    statement_font latin, cjk;
} fonts;

/* files may be NULL (Debian's). GW_ENOTFOUND names a file that is missing or no font; GW_ENOMEM.
 * Thread: the map belongs to the calling thread. */
gw_code fonts_open(const statement_fonts *files, fonts *ret, gw_err *err) GW_NODISCARD;
void fonts_close(fonts *f);

#endif
