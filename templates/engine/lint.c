/* lint.c - folders: one template, one locale, or all of them. */
#include "templates/engine/lint.h"

#include "gateway/base/file.h"
#include "templates/engine/folders.h"
#include "templates/engine/lint_internal.h"

#include <stdio.h>

static void read_words(lint_report *report, const char *locale_dir, lint_words **ret)
{
    char path[PATH_MAX];
    GW_AUTO_BUF gw_buf text;
    gw_err err = {0};
    gw_buf_init(&text, LINT_WORDS_MAX);
    snprintf(path, sizeof path, "%s/lint.json", locale_dir);
    gw_code rc = gw_file_read(path, &text, &err);
    if (rc == GW_OK)
        rc = lint_words_parse(gw_buf_str(&text), ret, &err);
    if (rc != GW_OK)
        lint_add(report, rc == GW_ENOTFOUND ? LINT_WARNING : LINT_ERROR, "word-list", path, 0,
                 "%s%s", err.text,
                 rc == GW_ENOTFOUND ? "; threats and false claims are not looked for" : "");
}

static gw_code lint_one(lint_report *report, const char *dir, const lint_words *words, gw_err *err)
{
    GW_AUTO(template_source_free) template_source *s = NULL;
    gw_code rc = template_source_read(dir, &s, err);
    if (rc == GW_OK)
        lint_template(report, dir, s, words);
    return rc;
}

static gw_code lint_locale(lint_report *report, const char *dir, gw_err *err)
{
    TEMPLATE_AUTO_NAMES template_names templates = {.count = 0};
    GW_AUTO(lint_words_free) lint_words *words = NULL;
    gw_code rc = template_folder_list(dir, template_folder_is_one, &templates, err);
    if (rc == GW_OK)
        read_words(report, dir, &words);
    for (size_t i = 0; rc == GW_OK && i < templates.count; i++) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s/%s", dir, templates.name[i]);
        rc = lint_one(report, path, words, err);
    }
    return rc;
}

/* A template that one locale has and another lacks falls back to a language the debtor may not
 * read. */
static void compare_locales(lint_report *report, const char *root, const char *have,
                            const char *other, gw_err *err)
{
    char dir[PATH_MAX];
    char path[PATH_MAX];
    TEMPLATE_AUTO_NAMES template_names templates = {.count = 0};
    snprintf(dir, sizeof dir, "%s/%s", root, have);
    if (template_folder_list(dir, template_folder_is_one, &templates, err) != GW_OK)
        return;
    for (size_t i = 0; i < templates.count; i++) {
        if (snprintf(path, sizeof path, "%s/%s/%s", root, other, templates.name[i]) < PATH_MAX &&
            !template_folder_is_one(path))
            lint_add(report, LINT_WARNING, "untranslated", path, 0,
                     "%s has this template, %s does not; translate it", have, other);
    }
}

static gw_code lint_root(lint_report *report, const char *root, const template_names *locales,
                         gw_err *err)
{
    for (size_t i = 0; i < locales->count; i++) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s/%s", root, locales->name[i]);
        gw_code rc = lint_locale(report, path, err);
        if (rc != GW_OK)
            return rc;
        for (size_t k = 0; k < locales->count; k++)
            if (k != i)
                compare_locales(report, root, locales->name[i], locales->name[k], err);
    }
    return GW_OK;
}

gw_code template_lint(const char *dir, lint_report *report, gw_err *err)
{
    TEMPLATE_AUTO_NAMES template_names locales = {.count = 0};
    if (strlen(dir) + (size_t)2 * NAME_MAX + 3 > PATH_MAX)
        return gw_fail(err, GW_ELIMIT, "the folder's path is longer than %d bytes", PATH_MAX);
    if (template_folder_is_one(dir)) {
        char locale_dir[PATH_MAX];
        GW_AUTO(lint_words_free) lint_words *words = NULL;
        snprintf(locale_dir, sizeof locale_dir, "%s/..", dir);
        read_words(report, locale_dir, &words);
        return lint_one(report, dir, words, err);
    }
    if (template_folder_is_locale(dir))
        return lint_locale(report, dir, err);
    gw_code rc = template_folder_list(dir, template_folder_is_locale, &locales, err);
    if (rc == GW_OK && locales.count == 0)
        return gw_fail(err, GW_ENOTFOUND,
                       "%s holds no templates; a template is a folder <locale>/<name>/ with "
                       "template.json",
                       dir);
    return rc == GW_OK ? lint_root(report, dir, &locales, err) : rc;
}
