/* source.h - a template's folder as it lies on disk, read but not judged.
 *
 * Shared by bundle_load.c, which makes a bundle of it, and lint, which tells everything that is
 * wrong with it. Thread: any. */
#ifndef TEMPLATES_ENGINE_SOURCE_H
#define TEMPLATES_ENGINE_SOURCE_H

#include "templates/engine/manifest.h"

#include <limits.h>

enum {
    TEMPLATE_MANIFEST_BYTES_MAX = 64 * 1024,
    TEMPLATE_WORDS_BYTES_MAX = 256 * 1024, /* as LINT_WORDS_MAX */
    TEMPLATE_STRAY_MAX = 16,               /* files told about that are no part of a template */
};

typedef struct {
    char *name;        /* without folder and extension */
    const char *where; /* its folder, seen from the template's */
    gw_buf text;
} template_partial;

typedef struct {
    char dir[PATH_MAX];
    const char *folder;        /* last component of dir, points into it */
    char locale[NAME_MAX + 1]; /* the one before it */
    gw_buf manifest;
    gw_buf words; /* the locale's lint.json; n 0: none */
    gw_buf parts[TEMPLATE_PART_COUNT];
    bool has[TEMPLATE_PART_COUNT];
    template_partial partials[MUSTACHE_PARTIALS_MAX]; /* own ones first, then the locale's */
    size_t partial_count;
    char *stray[TEMPLATE_STRAY_MAX];
    size_t stray_count;
} template_source;

/* Read the folder. GW_ENOTFOUND without template.json, GW_ELIMIT, GW_EIO, GW_ENOMEM. */
gw_code template_source_read(const char *dir, template_source **ret_source, gw_err *err)
    GW_NODISCARD;
void template_source_free(template_source *s);
GW_CLEANUP_FUNC(template_source, template_source_free)

/* The partials as the compiler wants them; borrowed from s. */
size_t template_source_partials(const template_source *s,
                                mustache_source ret_partials[MUSTACHE_PARTIALS_MAX]);

/* Does name end in ".mustache" behind at least one byte? */
bool template_is_mustache_file(const char *name, size_t *ret_stem);

#endif
