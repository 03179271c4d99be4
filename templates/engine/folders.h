/* folders.h - which folders hold templates: a template's own, a locale's, or the one of all
 * locales.
 *
 * Thread: any. */
#ifndef TEMPLATES_ENGINE_FOLDERS_H
#define TEMPLATES_ENGINE_FOLDERS_H

#include "gateway/base/buf.h"

#include <limits.h>

enum { TEMPLATE_FOLDERS_MAX = 512 }; /* entries of one folder that are looked at */

typedef struct {
    char *name[TEMPLATE_FOLDERS_MAX]; /* sorted by byte */
    size_t count;
} template_names;

void template_names_done(template_names *l);
static inline void template_names_done_cleanup(template_names *l)
{
    template_names_done(l);
}
#define TEMPLATE_AUTO_NAMES __attribute__((cleanup(template_names_done_cleanup)))

/* Does path hold a template.json? */
bool template_folder_is_one(const char *path);
/* Does path hold folders of templates? */
bool template_folder_is_locale(const char *path);
/* Names of the entries of dir that `wanted` accepts, dot files left out. ret starts zeroed.
 * GW_ENOTFOUND, GW_EIO, GW_ENOMEM. */
gw_code template_folder_list(const char *dir, bool (*wanted)(const char *path), template_names *ret,
                             gw_err *err) GW_NODISCARD;

/* Call visit with the path of each template below dir, whichever of the three kinds dir is; stops
 * at the first failure and returns it. GW_ENOTFOUND when there is none. */
gw_code template_folder_each(const char *dir,
                             gw_code (*visit)(void *arg, const char *template_dir, gw_err *err),
                             void *arg, gw_err *err) GW_NODISCARD;

#endif
