#include "gateway/base/file.h"
#include "gateway/policy/optout.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>

static int is_word_file(const struct dirent *e)
{
    size_t n = strlen(e->d_name);
    return n > 6 && e->d_name[0] != '.' && strcmp(e->d_name + n - 6, ".jsonc") == 0;
}

static gw_code add_file(optout_words *w, const char *dir, const char *file, gw_err *err)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", dir, file) >= (int)sizeof path)
        return gw_fail(err, GW_ELIMIT, "path is longer than %d bytes", PATH_MAX);
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, OPTOUT_FILE_BYTES_MAX);
    gw_code rc = gw_file_read(path, &text, err);
    return rc == GW_OK ? optout_words_add(w, path, gw_buf_str(&text), err) : rc;
}

gw_code optout_words_load(const char *dir, optout_words **ret, gw_err *err)
{
    struct dirent **entries;
    GW_AUTO(optout_words_free) optout_words *w = optout_words_new();
    if (!w)
        return gw_fail(err, GW_ENOMEM, "loading the opt-out words");
    int n = scandir(dir, &entries, is_word_file, alphasort);
    if (n < 0)
        return errno == ENOENT ? gw_fail(err, GW_ENOTFOUND, "folder %s does not exist", dir)
                               : gw_fail_errno(err, errno, "listing folder %s", dir);
    gw_code rc =
        n ? GW_OK
          : gw_fail(err, GW_ENOTFOUND, "folder %s has no *.jsonc: no opt-out could be read", dir);
    for (int i = 0; i < n; i++) {
        if (rc == GW_OK)
            rc = add_file(w, dir, entries[i]->d_name, err);
        free(entries[i]);
    }
    free(entries);
    if (rc != GW_OK)
        return rc;
    *ret = w;
    w = NULL;
    return GW_OK;
}
