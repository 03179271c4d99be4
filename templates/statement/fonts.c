#include "templates/statement/fonts.h"

#include <fontconfig/fontconfig.h>
/* needs fontconfig.h before it */
#include <fontconfig/fcfreetype.h>
#include <pango/pangofc-fontmap.h>
#include <stdio.h>

static const struct {
    const char *path, *package;
    lean_characters characters;
} defaults[] = {
    {"/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", "fonts-dejavu-core", LEAN_LATIN},
    {"/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc", "fonts-wqy-zenhei", LEAN_CJK},
};

/* Outlines only: Zen Hei carries bitmaps for screen sizes, and hinting depends on the resolution.
 */
static const char outlines[] =
    "<?xml version=\"1.0\"?><fontconfig><match target=\"font\">"
    "<edit name=\"embeddedbitmap\" mode=\"assign\"><bool>false</bool></edit>"
    "<edit name=\"hinting\" mode=\"assign\"><bool>false</bool></edit>"
    "</match></fontconfig>";

static bool read_family(const char *path, char ret_family[FONT_FAMILY_BYTES])
{
    int faces = 0;
    FcChar8 *family = NULL;
    FcPattern *pattern = FcFreeTypeQuery((const FcChar8 *)path, 0, NULL, &faces);
    bool found = pattern && FcPatternGetString(pattern, FC_FAMILY, 0, &family) == FcResultMatch &&
                 strlen((const char *)family) < FONT_FAMILY_BYTES;
    if (found)
        memcpy(ret_family, family, strlen((const char *)family) + 1);
    if (pattern)
        FcPatternDestroy(pattern);
    return found;
}

static gw_code add_files(FcConfig *config, const statement_fonts *files, fonts *f, gw_err *err)
{
    const char *given[] = {files->latin, files->cjk};
    statement_font *made[] = {&f->latin, &f->cjk};
    for (size_t i = 0; i < GW_COUNT(given); i++) {
        const char *path = given[i] ? given[i] : defaults[i].path;
        if (!read_family(path, made[i]->family) ||
            !FcConfigAppFontAddFile(config, (const FcChar8 *)path))
            return gw_fail(err, GW_ENOTFOUND, "statement font %s is missing or no font; install %s",
                           path, given[i] ? "it or name another file" : defaults[i].package);
        gw_code rc = lean_face_new(path, defaults[i].characters, &made[i]->lean, err);
        if (rc != GW_OK)
            return rc;
    }
    return GW_OK;
}

gw_code fonts_open(const statement_fonts *files, fonts *ret, gw_err *err)
{
    static const statement_fonts none = {0};
    fonts f = {0};
    FcConfig *config = FcConfigCreate();
    if (!config)
        return gw_fail(err, GW_ENOMEM, "opening statement fonts");
    gw_code rc = add_files(config, files ? files : &none, &f, err);
    if (rc == GW_OK &&
        (!FcConfigParseAndLoadFromMemory(config, (const FcChar8 *)outlines, FcTrue) ||
         !FcConfigBuildFonts(config)))
        rc = gw_fail(err, GW_ENOMEM, "opening statement fonts");
    if (rc == GW_OK && !(f.map = pango_cairo_font_map_new_for_font_type(CAIRO_FONT_TYPE_FT)))
        rc = gw_fail(err, GW_ENOTFOUND, "opening statement fonts: Pango has no FreeType support");
    if (rc == GW_OK) {
        pango_fc_font_map_set_config(PANGO_FC_FONT_MAP(f.map), config);
        /* one unit is one point */
        pango_cairo_font_map_set_resolution(PANGO_CAIRO_FONT_MAP(f.map), 72.0);
        *ret = f;
    } else {
        fonts_close(&f);
    }
    FcConfigDestroy(config); /* the map holds its own reference */
    return rc;
}

void fonts_close(fonts *f)
{
    if (f->map) /* Pango 1.50 keeps its reference to the configuration when the map goes */
        pango_fc_font_map_set_config(PANGO_FC_FONT_MAP(f->map), NULL);
    g_clear_object(&f->map);
    lean_face_free(f->latin.lean);
    lean_face_free(f->cjk.lean);
    *f = (fonts){0};
}
