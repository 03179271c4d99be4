#include "templates/statement/lean.h"

#include <cairo-ft.h>
#include <hb-subset.h>
#include <unicode/ucnv.h>
#include <unicode/uset.h>

/* What FreeType reads: lives as long as Cairo knows the face. */
typedef struct {
    hb_blob_t *bytes;
    FT_Library library;
    FT_Face face;
} source;

struct lean_face {
    cairo_font_face_t *face;
    hb_map_t *glyphs; /* of characters */
};

static const cairo_user_data_key_t source_key;

static void source_free(void *p)
{
    source *s = p;
    if (s->face)
        FT_Done_Face(s->face);
    if (s->library)
        FT_Done_FreeType(s->library);
    hb_blob_destroy(s->bytes);
    free(s);
}

/* ---- which characters ---- */

static void add_latin(hb_set_t *set)
{
    hb_set_add_range(set, 0x0020, 0x052F);
    hb_set_add_range(set, 0x2010, 0x2026);
    hb_set_add(set, 0x20AC);
}

static bool add_gb2312(hb_set_t *set)
{
    UErrorCode code = U_ZERO_ERROR;
    UConverter *converter = ucnv_open("GB2312", &code);
    USet *characters = uset_openEmpty();
    ucnv_getUnicodeSet(converter, characters, UCNV_ROUNDTRIP_SET, &code);
    int32_t n = U_SUCCESS(code) ? uset_getItemCount(characters) : 0;
    for (int32_t i = 0; i < n; i++) {
        UChar32 first, last;
        if (uset_getItem(characters, i, &first, &last, NULL, 0, &code) == 0)
            hb_set_add_range(set, (hb_codepoint_t)first, (hb_codepoint_t)last);
    }
    uset_close(characters);
    ucnv_close(converter);
    return U_SUCCESS(code);
}

/* ---- reducing ---- */

static hb_subset_input_t *what_to_keep(lean_characters characters)
{
    static const hb_tag_t for_shapers[] = {HB_TAG('G', 'S', 'U', 'B'), HB_TAG('G', 'P', 'O', 'S'),
                                           HB_TAG('G', 'D', 'E', 'F'), HB_TAG('k', 'e', 'r', 'n')};
    hb_subset_input_t *input = hb_subset_input_create_or_fail();
    if (!input)
        return NULL;
    hb_set_t *drop = hb_subset_input_set(input, HB_SUBSET_SETS_DROP_TABLE_TAG);
    hb_set_t *keep = hb_subset_input_unicode_set(input);
    bool known = true;
    hb_subset_input_set_flags(input, HB_SUBSET_FLAGS_NO_HINTING);
    for (size_t i = 0; i < GW_COUNT(for_shapers); i++)
        hb_set_add(drop, for_shapers[i]);
    add_latin(keep);
    if (characters == LEAN_CJK) {
        known = add_gb2312(keep);
        hb_set_add(drop, HB_TAG('c', 'm', 'a', 'p'));
    }
    if (known && hb_set_allocation_successful(keep) && hb_set_allocation_successful(drop))
        return input;
    hb_subset_input_destroy(input);
    return NULL;
}

static hb_map_t *glyphs_of(hb_subset_plan_t *plan, const hb_set_t *characters)
{
    const hb_map_t *before = hb_subset_plan_unicode_to_old_glyph_mapping(plan);
    const hb_map_t *after = hb_subset_plan_old_to_new_glyph_mapping(plan);
    hb_map_t *glyphs = hb_map_create();
    hb_codepoint_t c = HB_SET_VALUE_INVALID;
    while (hb_set_next(characters, &c))
        if (hb_map_has(before, c))
            hb_map_set(glyphs, c, hb_map_get(after, hb_map_get(before, c)));
    return glyphs;
}

/* The reduced file and where its glyphs are; false when HarfBuzz can or will not. */
static bool reduce(hb_face_t *whole, lean_characters characters, lean_face *f, hb_blob_t **ret)
{
    hb_subset_input_t *input = what_to_keep(characters);
    hb_subset_plan_t *plan = input ? hb_subset_plan_create_or_fail(whole, input) : NULL;
    hb_face_t *reduced = plan ? hb_subset_plan_execute_or_fail(plan) : NULL;
    if (reduced) {
        f->glyphs = glyphs_of(plan, hb_subset_input_unicode_set(input));
        *ret = hb_face_reference_blob(reduced);
    }
    hb_face_destroy(reduced);
    hb_subset_plan_destroy(plan);
    hb_subset_input_destroy(input);
    return reduced && hb_map_allocation_successful(f->glyphs) && hb_blob_get_length(*ret) > 0;
}

static bool open_source(source *s)
{
    unsigned n;
    const char *bytes = hb_blob_get_data(s->bytes, &n);
    return FT_Init_FreeType(&s->library) == 0 &&
           FT_New_Memory_Face(s->library, (const FT_Byte *)bytes, (FT_Long)n, 0, &s->face) == 0;
}

static bool give_to_cairo(lean_face *f, source *s)
{
    f->face =
        cairo_ft_font_face_create_for_ft_face(s->face, FT_LOAD_NO_HINTING | FT_LOAD_NO_BITMAP);
    return cairo_font_face_status(f->face) == CAIRO_STATUS_SUCCESS &&
           cairo_font_face_set_user_data(f->face, &source_key, s, source_free) ==
               CAIRO_STATUS_SUCCESS;
}

gw_code lean_face_new(const char *path, lean_characters characters, lean_face **ret, gw_err *err)
{
    lean_face *f = calloc(1, sizeof *f);
    source *s = calloc(1, sizeof *s);
    hb_blob_t *file = hb_blob_create_from_file_or_fail(path);
    hb_face_t *whole = file ? hb_face_create(file, 0) : NULL;
    gw_code rc = f && s ? GW_OK : gw_fail(err, GW_ENOMEM, "opening statement fonts");
    if (rc == GW_OK && (!whole || hb_face_get_glyph_count(whole) == 0))
        rc = gw_fail(err, GW_ENOTFOUND, "statement font %s is missing or no font", path);
    if (rc == GW_OK && !(reduce(whole, characters, f, &s->bytes) && open_source(s)))
        rc = gw_fail(err, GW_ENOTFOUND, "statement font %s cannot be reduced", path);
    if (rc == GW_OK && give_to_cairo(f, s))
        s = NULL; /* now Cairo's */
    else if (rc == GW_OK)
        rc = gw_fail(err, GW_ENOMEM, "opening statement fonts");
    hb_face_destroy(whole);
    hb_blob_destroy(file);
    if (rc == GW_OK) {
        *ret = f;
        return rc;
    }
    lean_face_free(f);
    if (s)
        source_free(s);
    return rc;
}

void lean_face_free(lean_face *f)
{
    if (!f)
        return;
    cairo_font_face_destroy(f->face);
    hb_map_destroy(f->glyphs);
    free(f);
}

uint32_t lean_face_glyph(const lean_face *f, uint32_t code_point)
{
    return hb_map_has(f->glyphs, code_point) ? hb_map_get(f->glyphs, code_point) : 0;
}

cairo_scaled_font_t *lean_face_scaled(const lean_face *f, double size)
{
    cairo_matrix_t scale, identity;
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_matrix_init_scale(&scale, size, size);
    cairo_matrix_init_identity(&identity);
    cairo_scaled_font_t *made = cairo_scaled_font_create(f->face, &scale, &identity, options);
    cairo_font_options_destroy(options);
    return made;
}
