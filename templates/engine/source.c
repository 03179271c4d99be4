#include "templates/engine/source.h"

#include "gateway/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>

static const char extension[] = ".mustache";

static void close_dir_cleanup(DIR **d)
{
    if (*d)
        closedir(*d);
}
#define AUTO_DIR __attribute__((cleanup(close_dir_cleanup)))

bool template_is_mustache_file(const char *name, size_t *ret_stem)
{
    size_t n = strlen(name);
    size_t tail = sizeof extension - 1;
    if (n <= tail || memcmp(name + n - tail, extension, tail) != 0)
        return false;
    *ret_stem = n - tail;
    return true;
}

static gw_code read_in(const char *dir, const char *name, gw_buf *ret, size_t ceiling, gw_err *err)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
        return gw_fail(err, GW_ELIMIT, "the path of %s is longer than %d bytes", name, PATH_MAX);
    gw_buf_init(ret, ceiling);
    return gw_file_read(path, ret, err);
}

static bool has_partial(const template_source *s, gw_str name)
{
    for (size_t i = 0; i < s->partial_count; i++)
        if (gw_str_is(name, s->partials[i].name))
            return true;
    return false;
}

static gw_code add_partial(template_source *s, const char *where, const char *dir, const char *file,
                           size_t stem, gw_err *err)
{
    if (has_partial(s, (gw_str){file, stem}))
        return GW_OK; /* the template's own one goes before the locale's */
    if (s->partial_count == MUSTACHE_PARTIALS_MAX)
        return gw_fail(err, GW_ELIMIT, "%s: more than %d partials", dir, MUSTACHE_PARTIALS_MAX);
    template_partial *p = &s->partials[s->partial_count];
    p->where = where;
    p->name = strndup(file, stem);
    if (!p->name)
        return gw_fail(err, GW_ENOMEM, "reading partials: out of memory");
    s->partial_count++;
    return read_in(dir, file, &p->text, MUSTACHE_TEMPLATE_MAX, err);
}

static gw_code read_partials(template_source *s, const char *where, gw_err *err)
{
    char dir[PATH_MAX];
    if (snprintf(dir, sizeof dir, "%s/%s", s->dir, where) >= (int)sizeof dir)
        return gw_fail(err, GW_ELIMIT, "the path %s is longer than %d bytes", s->dir, PATH_MAX);
    AUTO_DIR DIR *d = opendir(dir);
    if (!d && errno == ENOENT)
        return GW_OK;
    if (!d)
        return gw_fail_errno(err, errno, "opening %s", dir);
    const struct dirent *e;
    while ((e = readdir(d))) {
        size_t stem;
        if (e->d_name[0] == '.' || !template_is_mustache_file(e->d_name, &stem))
            continue;
        gw_code rc = add_partial(s, where, dir, e->d_name, stem, err);
        if (rc != GW_OK)
            return rc;
    }
    return GW_OK;
}

static gw_code add_file(template_source *s, const char *file, gw_err *err)
{
    size_t stem;
    template_part part;
    if (file[0] == '.' || strcmp(file, "template.json") == 0 || strcmp(file, "partials") == 0)
        return GW_OK;
    if (template_is_mustache_file(file, &stem) &&
        template_part_parse((gw_str){file, stem}, &part)) {
        s->has[part] = true;
        return read_in(s->dir, file, &s->parts[part], MUSTACHE_TEMPLATE_MAX, err);
    }
    if (s->stray_count < TEMPLATE_STRAY_MAX && !(s->stray[s->stray_count++] = strdup(file)))
        return gw_fail(err, GW_ENOMEM, "reading %s: out of memory", s->dir);
    return GW_OK;
}

static gw_code read_files(template_source *s, gw_err *err)
{
    AUTO_DIR DIR *d = opendir(s->dir);
    if (!d && errno == ENOENT)
        return gw_fail(err, GW_ENOTFOUND, "the template folder %s does not exist", s->dir);
    if (!d)
        return gw_fail_errno(err, errno, "opening %s", s->dir);
    const struct dirent *e;
    while ((e = readdir(d))) {
        gw_code rc = add_file(s, e->d_name, err);
        if (rc != GW_OK)
            return rc;
    }
    return GW_OK;
}

/* A locale without word lists is lint's to complain about. */
static gw_code read_words(template_source *s, gw_err *err)
{
    gw_err own = {0};
    gw_code rc = read_in(s->dir, "../lint.json", &s->words, TEMPLATE_WORDS_BYTES_MAX, &own);
    return rc == GW_OK || rc == GW_ENOTFOUND ? GW_OK : gw_fail(err, rc, "%s", own.text);
}

/* realpath, so that "." and a trailing slash still tell the folder's name and locale. */
static gw_code place(template_source *s, const char *dir, gw_err *err)
{
    if (!realpath(dir, s->dir))
        return errno == ENOENT
                   ? gw_fail(err, GW_ENOTFOUND, "the template folder %s does not exist", dir)
                   : gw_fail_errno(err, errno, "template folder %s", dir);
    char *slash = strrchr(s->dir, '/');
    s->folder = slash + 1;
    const char *before = slash;
    while (before > s->dir && before[-1] != '/')
        before--;
    snprintf(s->locale, sizeof s->locale, "%.*s", (int)(slash - before), before);
    return GW_OK;
}

gw_code template_source_read(const char *dir, template_source **ret_source, gw_err *err)
{
    GW_AUTO(template_source_free) template_source *s = calloc(1, sizeof *s);
    if (!s)
        return gw_fail(err, GW_ENOMEM, "reading %s: out of memory", dir);
    gw_code rc = place(s, dir, err);
    if (rc == GW_OK)
        rc = read_in(s->dir, "template.json", &s->manifest, TEMPLATE_MANIFEST_BYTES_MAX, err);
    if (rc == GW_OK)
        rc = read_words(s, err);
    if (rc == GW_OK)
        rc = read_files(s, err);
    if (rc == GW_OK)
        rc = read_partials(s, "partials", err);
    if (rc == GW_OK)
        rc = read_partials(s, "../partials", err);
    if (rc != GW_OK)
        return rc;
    *ret_source = s;
    s = NULL;
    return GW_OK;
}

void template_source_free(template_source *s)
{
    if (!s)
        return;
    gw_buf_done(&s->manifest);
    gw_buf_done(&s->words);
    for (size_t i = 0; i < TEMPLATE_PART_COUNT; i++)
        gw_buf_done(&s->parts[i]);
    for (size_t i = 0; i < s->partial_count; i++) {
        free(s->partials[i].name);
        gw_buf_done(&s->partials[i].text);
    }
    for (size_t i = 0; i < s->stray_count; i++)
        free(s->stray[i]);
    free(s);
}

size_t template_source_partials(const template_source *s,
                                mustache_source ret_partials[MUSTACHE_PARTIALS_MAX])
{
    for (size_t i = 0; i < s->partial_count; i++)
        ret_partials[i] = (mustache_source){s->partials[i].name, gw_buf_str(&s->partials[i].text)};
    return s->partial_count;
}
