#include "gateway/base/file.h"
#include "gateway/policy/pack.h"
#include "gateway/policy/sign.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>

typedef struct {
    policy_rules *r;
    const sign_keys *keys;
} loading;

static bool ends_in(const struct dirent *e, const char *tail)
{
    size_t n = strlen(e->d_name);
    size_t t = strlen(tail);
    return n > t && e->d_name[0] != '.' && strcmp(e->d_name + n - t, tail) == 0;
}

/* Test vectors lie beside the packs they belong to. */
static int is_rules_file(const struct dirent *e)
{
    return ends_in(e, ".jsonc") && !ends_in(e, ".vectors.jsonc");
}

static int is_key_file(const struct dirent *e)
{
    return ends_in(e, ".vkey");
}

static gw_code each_file(void *arg, const char *dir, const char *file, policy_path_fn *each,
                         gw_err *err)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", dir, file) >= (int)sizeof path)
        return gw_fail(err, GW_ELIMIT, "path is longer than %d bytes", PATH_MAX);
    return each(arg, path, err);
}

static gw_code each_in(void *arg, const char *dir, int (*filter)(const struct dirent *),
                       policy_path_fn *each, size_t *ret_n, gw_err *err)
{
    struct dirent **entries;
    int n = scandir(dir, &entries, filter, alphasort);
    if (n < 0 && errno == ENOENT)
        return gw_fail(err, GW_ENOTFOUND, "folder %s does not exist", dir);
    if (n < 0)
        return gw_fail_errno(err, errno, "listing folder %s", dir);
    gw_code rc = GW_OK;
    for (int i = 0; i < n; i++) {
        if (rc == GW_OK)
            rc = each_file(arg, dir, entries[i]->d_name, each, err);
        free(entries[i]);
    }
    free(entries);
    *ret_n = (size_t)n;
    return rc;
}

/* ---- one file ---- */

static gw_code add_key(void *arg, const char *path, gw_err *err)
{
    sign_keys *k = arg;
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, SIGN_TEXT_MAX);
    if (k->n == SIGN_KEYS_MAX)
        return gw_fail(err, GW_ELIMIT, "more than %d rules keys", SIGN_KEYS_MAX);
    gw_code rc = gw_file_read(path, &text, err);
    if (rc == GW_OK)
        rc = sign_key_parse(gw_buf_str(&text), &k->list[k->n], err);
    k->n += rc == GW_OK;
    return rc == GW_OK ? GW_OK : gw_wrap(err, rc, "%s", path);
}

/* A signature that cannot be read is none that fits: its text is no signature. */
static void read_signature(const char *path, gw_buf *ret)
{
    static const char unreadable[] = "unreadable";
    char sig[PATH_MAX];
    gw_err err = {0};
    bool fits = snprintf(sig, sizeof sig, "%s.sig", path) < (int)sizeof sig;
    gw_code rc = fits ? gw_file_read(sig, ret, &err) : GW_ELIMIT;
    if (rc == GW_ENOTFOUND || (rc == GW_OK && ret->n > 0))
        return;
    gw_buf_clear(ret);
    gw_buf_puts(ret, unreadable);
}

static gw_code add_signed(const loading *l, policy_file_kind kind, const char *path, gw_err *err)
{
    GW_AUTO_BUF gw_buf text;
    GW_AUTO_BUF gw_buf signature;
    gw_buf_init(&text, POLICY_RULES_BYTES_MAX);
    gw_buf_init(&signature, SIGN_TEXT_MAX);
    read_signature(path, &signature);
    gw_code rc = gw_buf_code(&signature, "a signature", err);
    if (rc == GW_OK)
        rc = gw_file_read(path, &text, err);
    return rc == GW_OK ? policy_rules_add_file(l->r, kind, path, gw_buf_str(&text),
                                               gw_buf_str(&signature), l->keys, err)
                       : rc;
}

static gw_code add_calendar(void *arg, const char *path, gw_err *err)
{
    return add_signed(arg, POLICY_FILE_CALENDAR, path, err);
}

static gw_code add_pack(void *arg, const char *path, gw_err *err)
{
    return add_signed(arg, POLICY_FILE_PACK, path, err);
}

static gw_code add_regions(void *arg, const char *path, gw_err *err)
{
    return add_signed(arg, POLICY_FILE_REGIONS, path, err);
}

/* ---- all of them ---- */

/* The folder may be missing: then no number's region is known. */
static gw_code each_regions(void *arg, const char *rules_dir, policy_path_fn *each, gw_err *err)
{
    char dir[PATH_MAX];
    size_t n = 0;
    if (snprintf(dir, sizeof dir, "%s/regions", rules_dir) >= (int)sizeof dir)
        return gw_fail(err, GW_ELIMIT, "path is longer than %d bytes", PATH_MAX);
    gw_err missing = {0};
    gw_code rc = each_in(arg, dir, is_rules_file, each, &n, &missing);
    if (rc == GW_ENOTFOUND)
        return GW_OK;
    return rc == GW_OK ? GW_OK : gw_fail(err, rc, "%s", missing.text);
}

/* Calendars first, packs last. */
static gw_code each_of_all(void *arg, const char *rules_dir, const char *calendars_dir,
                           policy_path_fn *const each[3], gw_err *err)
{
    size_t n = 0;
    gw_code rc = each_in(arg, calendars_dir, is_rules_file, each[POLICY_FILE_CALENDAR], &n, err);
    if (rc == GW_OK)
        rc = each_regions(arg, rules_dir, each[POLICY_FILE_REGIONS], err);
    if (rc == GW_OK)
        rc = each_in(arg, rules_dir, is_rules_file, each[POLICY_FILE_PACK], &n, err);
    if (rc == GW_OK && n == 0)
        rc = gw_fail(err, GW_ENOTFOUND, "folder %s has no *.jsonc; without rules nothing is sent",
                     rules_dir);
    return rc;
}

gw_code policy_rules_paths(const char *rules_dir, const char *calendars_dir, policy_path_fn *each,
                           void *arg, gw_err *err)
{
    policy_path_fn *const all[] = {each, each, each};
    return each_of_all(arg, rules_dir, calendars_dir, all, err);
}

gw_code policy_keys_load(const char *keys_dir, sign_keys *ret, gw_err *err)
{
    size_t n = 0;
    sign_keys found = {.n = 0};
    gw_err missing = {0};
    gw_code rc = keys_dir ? each_in(&found, keys_dir, is_key_file, add_key, &n, &missing) : GW_OK;
    if (rc != GW_OK && rc != GW_ENOTFOUND)
        return gw_fail(err, rc, "%s", missing.text);
    *ret = found;
    return GW_OK;
}

gw_code policy_rules_load_signed(const char *rules_dir, const char *calendars_dir,
                                 const char *keys_dir, policy_rules **ret, gw_err *err)
{
    GW_AUTO(policy_rules_free) policy_rules *r = policy_rules_new();
    static policy_path_fn *const adds[] = {[POLICY_FILE_CALENDAR] = add_calendar,
                                           [POLICY_FILE_REGIONS] = add_regions,
                                           [POLICY_FILE_PACK] = add_pack};
    sign_keys keys;
    loading l = {.r = r, .keys = &keys};
    if (!r)
        return gw_fail(err, GW_ENOMEM, "loading the rule packs");
    gw_code rc = policy_keys_load(keys_dir, &keys, err);
    if (rc == GW_OK)
        rc = each_of_all(&l, rules_dir, calendars_dir, adds, err);
    if (rc == GW_OK)
        rc = policy_rules_seal(r, err);
    if (rc != GW_OK)
        return rc;
    *ret = r;
    r = NULL;
    return GW_OK;
}

gw_code policy_rules_load(const char *rules_dir, const char *calendars_dir, policy_rules **ret,
                          gw_err *err)
{
    return policy_rules_load_signed(rules_dir, calendars_dir, NULL, ret, err);
}
