#include "gateway/base/file.h"
#include "gateway/policy/rules.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>

typedef gw_code add_fn(policy_rules *r, const char *name, gw_str text, gw_err *err);

static int is_rules_file(const struct dirent *e)
{
    size_t n = strlen(e->d_name);
    return n > 6 && e->d_name[0] != '.' && strcmp(e->d_name + n - 6, ".jsonc") == 0;
}

static gw_code add_file(policy_rules *r, const char *dir, const char *file, add_fn *add,
                        gw_err *err)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", dir, file) >= (int)sizeof path)
        return gw_fail(err, GW_ELIMIT, "path is longer than %d bytes", PATH_MAX);
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, POLICY_RULES_BYTES_MAX);
    gw_code rc = gw_file_read(path, &text, err);
    return rc == GW_OK ? add(r, path, gw_buf_str(&text), err) : rc;
}

static gw_code add_folder(policy_rules *r, const char *dir, add_fn *add, size_t *ret_n, gw_err *err)
{
    struct dirent **entries;
    int n = scandir(dir, &entries, is_rules_file, alphasort);
    if (n < 0 && errno == ENOENT)
        return gw_fail(err, GW_ENOTFOUND, "folder %s does not exist", dir);
    if (n < 0)
        return gw_fail_errno(err, errno, "listing folder %s", dir);
    gw_code rc = GW_OK;
    for (int i = 0; i < n; i++) {
        if (rc == GW_OK)
            rc = add_file(r, dir, entries[i]->d_name, add, err);
        free(entries[i]);
    }
    free(entries);
    *ret_n = (size_t)n;
    return rc;
}

gw_code policy_rules_load(const char *rules_dir, const char *calendars_dir, policy_rules **ret,
                          gw_err *err)
{
    size_t n = 0;
    GW_AUTO(policy_rules_free) policy_rules *r = policy_rules_new();
    if (!r)
        return gw_fail(err, GW_ENOMEM, "loading the rule packs");
    gw_code rc = add_folder(r, calendars_dir, policy_rules_add_calendar, &n, err);
    if (rc == GW_OK)
        rc = add_folder(r, rules_dir, policy_rules_add_pack, &n, err);
    if (rc == GW_OK && n == 0)
        rc = gw_fail(err, GW_ENOTFOUND, "folder %s has no *.jsonc; without rules nothing is sent",
                     rules_dir);
    if (rc == GW_OK)
        rc = policy_rules_seal(r, err);
    if (rc != GW_OK)
        return rc;
    *ret = r;
    r = NULL;
    return GW_OK;
}
