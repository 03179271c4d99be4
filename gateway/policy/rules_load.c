#include "gateway/base/file.h"
#include "gateway/policy/pack.h"
#include "gateway/policy/sign.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>

typedef struct {
    policy_rules *r;
    sign_key keys[SIGN_KEYS_MAX];
    size_t key_n;
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

typedef gw_code each_fn(loading *l, const char *path, gw_str text, gw_err *err);

static gw_code each_file(loading *l, const char *dir, const char *file, each_fn *each, gw_err *err)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", dir, file) >= (int)sizeof path)
        return gw_fail(err, GW_ELIMIT, "path is longer than %d bytes", PATH_MAX);
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, POLICY_RULES_BYTES_MAX);
    gw_code rc = gw_file_read(path, &text, err);
    return rc == GW_OK ? each(l, path, gw_buf_str(&text), err) : rc;
}

static gw_code each_in(loading *l, const char *dir, int (*filter)(const struct dirent *),
                       each_fn *each, size_t *ret_n, gw_err *err)
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
            rc = each_file(l, dir, entries[i]->d_name, each, err);
        free(entries[i]);
    }
    free(entries);
    *ret_n = (size_t)n;
    return rc;
}

/* ---- one file ---- */

static gw_code add_key(loading *l, const char *path, gw_str text, gw_err *err)
{
    if (l->key_n == SIGN_KEYS_MAX)
        return gw_fail(err, GW_ELIMIT, "more than %d rules keys", SIGN_KEYS_MAX);
    gw_code rc = sign_key_parse(text, &l->keys[l->key_n], err);
    l->key_n += rc == GW_OK;
    return rc == GW_OK ? GW_OK : gw_wrap(err, rc, "%s", path);
}

/* A signature that cannot be read is none, and says so. */
static policy_signature signature_of(const loading *l, const char *path, const char *canonical)
{
    char sig[PATH_MAX];
    gw_err err = {0};
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, SIGN_TEXT_MAX);
    if (snprintf(sig, sizeof sig, "%s.sig", path) >= (int)sizeof sig)
        return POLICY_SIGNATURE_BAD;
    gw_code rc = gw_file_read(sig, &text, &err);
    if (rc == GW_ENOTFOUND)
        return POLICY_UNSIGNED;
    if (rc != GW_OK || text.n == 0)
        return POLICY_SIGNATURE_BAD;
    return sign_check(gw_str_of(canonical), gw_buf_str(&text), l->keys, l->key_n);
}

static gw_code note_signature(loading *l, const char *path, policy_signature s, gw_err *err)
{
    policy_rules *r = l->r;
    const char *slash = strrchr(path, '/');
    if (s == POLICY_SIGNED)
        return GW_OK;
    if (r->doubtful_n == PACK_FILES_MAX)
        return gw_fail(err, GW_ELIMIT, "more than %d files of rules", PACK_FILES_MAX);
    pack_doubt *d = &r->doubtful[r->doubtful_n++];
    snprintf(d->name, sizeof d->name, "%s", slash ? slash + 1 : path);
    d->signature = s;
    return GW_OK;
}

static gw_code add_calendar(loading *l, const char *path, gw_str text, gw_err *err)
{
    policy_rules *r = l->r;
    gw_code rc = policy_rules_add_calendar(r, path, text, err);
    if (rc != GW_OK)
        return rc;
    const char *canonical = calendar_canonical(r->calendars[r->calendar_n - 1]);
    return note_signature(l, path, signature_of(l, path, canonical), err);
}

static gw_code add_pack(loading *l, const char *path, gw_str text, gw_err *err)
{
    gw_code rc = policy_rules_add_pack(l->r, path, text, err);
    if (rc != GW_OK)
        return rc;
    pack *p = l->r->packs[l->r->pack_n - 1];
    p->signature = signature_of(l, path, p->canonical);
    return note_signature(l, path, p->signature, err);
}

static gw_code add_regions(loading *l, const char *path, gw_str text, gw_err *err)
{
    gw_code rc = policy_rules_add_regions(l->r, path, text, err);
    if (rc != GW_OK)
        return rc;
    return note_signature(l, path, signature_of(l, path, regions_canonical(l->r->regions)), err);
}

/* ---- all of them ---- */

/* The folder may be missing: then no number's region is known. */
static gw_code load_regions(loading *l, const char *rules_dir, gw_err *err)
{
    char dir[PATH_MAX];
    size_t n = 0;
    if (snprintf(dir, sizeof dir, "%s/regions", rules_dir) >= (int)sizeof dir)
        return gw_fail(err, GW_ELIMIT, "path is longer than %d bytes", PATH_MAX);
    gw_err missing = {0};
    gw_code rc = each_in(l, dir, is_rules_file, add_regions, &n, &missing);
    if (rc == GW_ENOTFOUND)
        return GW_OK;
    return rc == GW_OK ? GW_OK : gw_fail(err, rc, "%s", missing.text);
}

static gw_code load_keys(loading *l, const char *dir, gw_err *err)
{
    size_t n = 0;
    gw_err missing = {0};
    gw_code rc = dir ? each_in(l, dir, is_key_file, add_key, &n, &missing) : GW_OK;
    if (rc == GW_ENOTFOUND)
        return GW_OK;
    return rc == GW_OK ? GW_OK : gw_fail(err, rc, "%s", missing.text);
}

static gw_code load_all(loading *l, const char *rules_dir, const char *calendars_dir,
                        const char *keys_dir, gw_err *err)
{
    size_t n = 0;
    gw_code rc = load_keys(l, keys_dir, err);
    if (rc == GW_OK)
        rc = each_in(l, calendars_dir, is_rules_file, add_calendar, &n, err);
    if (rc == GW_OK)
        rc = load_regions(l, rules_dir, err);
    if (rc == GW_OK)
        rc = each_in(l, rules_dir, is_rules_file, add_pack, &n, err);
    if (rc == GW_OK && n == 0)
        rc = gw_fail(err, GW_ENOTFOUND, "folder %s has no *.jsonc; without rules nothing is sent",
                     rules_dir);
    return rc == GW_OK ? policy_rules_seal(l->r, err) : rc;
}

gw_code policy_rules_load_signed(const char *rules_dir, const char *calendars_dir,
                                 const char *keys_dir, policy_rules **ret, gw_err *err)
{
    GW_AUTO(policy_rules_free) policy_rules *r = policy_rules_new();
    loading l = {.r = r};
    if (!r)
        return gw_fail(err, GW_ENOMEM, "loading the rule packs");
    gw_code rc = load_all(&l, rules_dir, calendars_dir, keys_dir, err);
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

const char *policy_rules_doubtful(const policy_rules *r, size_t n, policy_signature *ret)
{
    if (n >= r->doubtful_n)
        return NULL;
    *ret = r->doubtful[n].signature;
    return r->doubtful[n].name;
}
