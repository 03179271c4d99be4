#include "templates/engine/folders.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static void close_dir_cleanup(DIR **d)
{
    if (*d)
        closedir(*d);
}
#define AUTO_DIR __attribute__((cleanup(close_dir_cleanup)))

void template_names_done(template_names *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->name[i]);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

gw_code template_folder_list(const char *dir, bool (*wanted)(const char *path), template_names *ret,
                             gw_err *err)
{
    AUTO_DIR DIR *d = opendir(dir);
    if (!d && (errno == ENOENT || errno == ENOTDIR))
        return gw_fail(err, GW_ENOTFOUND, "the folder %s does not exist", dir);
    if (!d)
        return gw_fail_errno(err, errno, "opening %s", dir);
    const struct dirent *e;
    while ((e = readdir(d)) && ret->count < TEMPLATE_FOLDERS_MAX) {
        char path[PATH_MAX];
        if (e->d_name[0] == '.' ||
            snprintf(path, sizeof path, "%s/%s", dir, e->d_name) >= PATH_MAX || !wanted(path))
            continue;
        if (!(ret->name[ret->count] = strdup(e->d_name)))
            return gw_fail(err, GW_ENOMEM, "reading %s: out of memory", dir);
        ret->count++;
    }
    qsort(ret->name, ret->count, sizeof ret->name[0], compare_names);
    return GW_OK;
}

bool template_folder_is_one(const char *path)
{
    char manifest[PATH_MAX];
    return snprintf(manifest, sizeof manifest, "%s/template.json", path) < PATH_MAX &&
           access(manifest, F_OK) == 0;
}

bool template_folder_is_locale(const char *path)
{
    TEMPLATE_AUTO_NAMES template_names found = {.count = 0};
    gw_err unused;
    return template_folder_list(path, template_folder_is_one, &found, &unused) == GW_OK &&
           found.count > 0;
}

static gw_code each_below(const char *dir, int levels,
                          gw_code (*visit)(void *arg, const char *template_dir, gw_err *err),
                          void *arg, gw_err *err)
{
    if (template_folder_is_one(dir))
        return visit(arg, dir, err);
    TEMPLATE_AUTO_NAMES template_names below = {.count = 0};
    gw_code rc = template_folder_list(
        dir, levels > 1 ? template_folder_is_locale : template_folder_is_one, &below, err);
    for (size_t i = 0; rc == GW_OK && i < below.count; i++) {
        char path[PATH_MAX];
        if (snprintf(path, sizeof path, "%s/%s", dir, below.name[i]) >= PATH_MAX)
            return gw_fail(err, GW_ELIMIT, "a path is longer than %d bytes", PATH_MAX);
        rc = each_below(path, levels - 1, visit, arg, err);
    }
    if (rc == GW_OK && below.count == 0)
        return gw_fail(err, GW_ENOTFOUND,
                       "%s holds no templates; a template is a folder <locale>/<name>/ with "
                       "template.json",
                       dir);
    return rc;
}

gw_code template_folder_each(const char *dir,
                             gw_code (*visit)(void *arg, const char *template_dir, gw_err *err),
                             void *arg, gw_err *err)
{
    return each_below(dir, template_folder_is_locale(dir) ? 1 : 2, visit, arg, err);
}
