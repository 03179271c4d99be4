#include "templates/engine/store.h"

#include "gateway/base/file.h"
#include "gateway/base/id.h"
#include "templates/engine/folders.h"
#include "templates/engine/locale.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

enum {
    FOLDER_MODE = 0755,
    VERSION_MODE = 0444, /* a published version is never written again */
    CURRENT_MODE = 0644,
    LOCALES_MAX = 64, /* looked at when a translation is picked */
};

static bool is_version(gw_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
            return false;
    return s.n == TEMPLATE_VERSION_TEXT - 1;
}

/* Names come from callers too (a job names its template), and become path parts. */
static bool is_path_part(const char *s)
{
    size_t n = strlen(s);
    return n > 0 && n <= TEMPLATE_NAME_MAX && s[0] != '.' && !strchr(s, '/');
}

static GW_PRINTF(2, 3) gw_code make_path(char ret_path[PATH_MAX], const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(ret_path, PATH_MAX, fmt, ap);
    va_end(ap);
    return n < PATH_MAX ? GW_OK : GW_ELIMIT;
}

static gw_code check_hash(gw_str json, const char *version, gw_err *err)
{
    uint8_t digest[crypto_hash_sha256_BYTES];
    char text[TEMPLATE_VERSION_TEXT];
    crypto_hash_sha256(digest, (const unsigned char *)json.p, json.n);
    gw_hex(digest, sizeof digest, text);
    if (strcmp(text, version) != 0)
        return gw_fail(err, GW_ECORRUPT,
                       "template version %s does not hash to its name; publish it again from its "
                       "folder after removing the file",
                       version);
    return GW_OK;
}

gw_code template_store_load(const char *store, const char *version, gw_buf *ret_json, gw_err *err)
{
    char path[PATH_MAX];
    if (!is_version(gw_str_of(version)))
        return gw_fail(err, GW_EINVAL, "a template version is 64 lower-case hex digits");
    if (make_path(path, "%s/%s.json", store, version) != GW_OK)
        return gw_fail(err, GW_ELIMIT, "the store's path is longer than %d bytes", PATH_MAX);
    size_t started = ret_json->n;
    gw_code rc = gw_file_read(path, ret_json, err);
    if (rc == GW_OK) {
        gw_str json = gw_buf_str(ret_json);
        rc = check_hash((gw_str){json.p + started, json.n - started}, version, err);
    }
    if (rc == GW_OK)
        return GW_OK;
    ret_json->n = started;
    ret_json->code = GW_OK;
    if (ret_json->data)
        ret_json->data[started] = '\0';
    return rc;
}

static gw_code write_version(const char *store, const template_bundle *b, gw_err *err)
{
    GW_AUTO_BUF gw_buf there;
    char path[PATH_MAX];
    gw_buf_init(&there, TEMPLATE_BUNDLE_MAX);
    gw_code rc = template_store_load(store, template_bundle_version(b), &there, err);
    if (rc != GW_ENOTFOUND)
        return rc; /* published before, or damaged */
    if (make_path(path, "%s/%s.json", store, template_bundle_version(b)) != GW_OK)
        return gw_fail(err, GW_ELIMIT, "the store's path is longer than %d bytes", PATH_MAX);
    return gw_file_replace(path, template_bundle_json(b), VERSION_MODE, err);
}

gw_code template_store_publish(const char *store, const template_bundle *b, gw_err *err)
{
    char dir[PATH_MAX];
    char path[PATH_MAX];
    char line[TEMPLATE_VERSION_TEXT + 1];
    if (make_path(dir, "%s/current/%s", store, template_bundle_locale(b)) != GW_OK ||
        make_path(path, "%s/current/%s/%s", store, template_bundle_locale(b),
                  template_bundle_name(b)) != GW_OK)
        return gw_fail(err, GW_ELIMIT, "the store's path is longer than %d bytes", PATH_MAX);
    gw_code rc = gw_dir_make(dir, FOLDER_MODE, err);
    if (rc == GW_OK)
        rc = write_version(store, b, err);
    int n = snprintf(line, sizeof line, "%s\n", template_bundle_version(b));
    if (rc == GW_OK)
        rc = gw_file_replace(path, (gw_str){line, (size_t)n}, CURRENT_MODE, err);
    return rc == GW_OK ? GW_OK
                       : gw_wrap(err, rc, "publishing template %s/%s", template_bundle_locale(b),
                                 template_bundle_name(b));
}

typedef struct {
    const char *store;
    size_t count;
} tree;

static gw_code publish_one(void *arg, const char *dir, gw_err *err)
{
    tree *t = arg;
    GW_AUTO(template_bundle_free) template_bundle *b = NULL;
    gw_code rc = template_bundle_load(dir, &b, err);
    if (rc == GW_OK)
        rc = template_store_publish(t->store, b, err);
    t->count += rc == GW_OK;
    return rc;
}

gw_code template_store_publish_tree(const char *store, const char *dir, size_t *ret_count,
                                    gw_err *err)
{
    tree t = {.store = store};
    gw_code rc = template_folder_each(dir, publish_one, &t, err);
    if (rc == GW_OK)
        *ret_count = t.count;
    return rc;
}

gw_code template_store_current(const char *store, const char *locale, const char *name,
                               char ret_version[TEMPLATE_VERSION_TEXT], gw_err *err)
{
    char path[PATH_MAX];
    if (!is_path_part(locale) || !is_path_part(name))
        return gw_fail(err, GW_EINVAL,
                       "a template's locale and name are words of at most %d bytes without '/'",
                       TEMPLATE_NAME_MAX);
    if (make_path(path, "%s/current/%s/%s", store, locale, name) != GW_OK)
        return gw_fail(err, GW_ELIMIT, "the store's path is longer than %d bytes", PATH_MAX);
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, TEMPLATE_VERSION_TEXT + 1);
    gw_code rc = gw_file_read(path, &text, err);
    if (rc == GW_ENOTFOUND)
        return gw_fail(err, rc, "template %s/%s was never published; dunlin template publish",
                       locale, name);
    if (rc == GW_OK && text.n == TEMPLATE_VERSION_TEXT && text.data[text.n - 1] == '\n')
        text.n--;
    if (rc == GW_OK && is_version(gw_buf_str(&text))) {
        memcpy(ret_version, text.data, text.n);
        ret_version[text.n] = '\0';
        return GW_OK;
    }
    if (rc != GW_OK && rc != GW_ELIMIT)
        return rc;
    return gw_fail(err, GW_ECORRUPT, "%s does not hold a template version; publish %s again", path,
                   name);
}

typedef struct {
    char text[LOCALES_MAX][TEMPLATE_NAME_MAX + 1];
    gw_str names[LOCALES_MAX];
    size_t count;
} locale_list;

static void close_dir_cleanup(DIR **d)
{
    if (*d)
        closedir(*d);
}

/* Locales in which the template has a current version. */
static gw_code list_locales(const char *store, const char *name, locale_list *ret, gw_err *err)
{
    char path[PATH_MAX];
    if (make_path(path, "%s/current", store) != GW_OK)
        return gw_fail(err, GW_ELIMIT, "the store's path is longer than %d bytes", PATH_MAX);
    __attribute__((cleanup(close_dir_cleanup))) DIR *d = opendir(path);
    if (!d && errno != ENOENT)
        return gw_fail_errno(err, errno, "opening %s", path);
    const struct dirent *e;
    while (d && ret->count < LOCALES_MAX && (e = readdir(d))) {
        if (!is_path_part(e->d_name) ||
            make_path(path, "%s/current/%s/%s", store, e->d_name, name) != GW_OK ||
            access(path, R_OK) != 0)
            continue;
        char *text = ret->text[ret->count];
        snprintf(text, sizeof ret->text[0], "%.*s", TEMPLATE_NAME_MAX, e->d_name);
        ret->names[ret->count++] = gw_str_of(text);
    }
    return GW_OK;
}

gw_code template_store_pick(const char *store, const char *name, const char *wanted_locale,
                            const char *fallback_locale, char ret_locale[TEMPLATE_NAME_MAX + 1],
                            char ret_version[TEMPLATE_VERSION_TEXT], gw_err *err)
{
    locale_list list = {.count = 0};
    if (!is_path_part(name))
        return gw_fail(err, GW_EINVAL,
                       "a template's name is a word of at most %d bytes without '/'",
                       TEMPLATE_NAME_MAX);
    gw_code rc = list_locales(store, name, &list, err);
    if (rc != GW_OK)
        return rc;
    int at = template_locale_pick(gw_str_of(wanted_locale), list.names, list.count,
                                  gw_str_of(fallback_locale));
    if (at < 0)
        return gw_fail(err, GW_ENOTFOUND,
                       "template %s is not published in %.40s or the default %.40s; publish it",
                       name, wanted_locale, fallback_locale);
    rc = template_store_current(store, list.text[at], name, ret_version, err);
    if (rc == GW_OK)
        memcpy(ret_locale, list.text[at], sizeof list.text[at]);
    return rc;
}
