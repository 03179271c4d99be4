#include "gateway/evidence/stray.h"

#include "gateway/evidence/blob.h"
#include "gateway/evidence/reader_inside.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>

typedef struct {
    const stray_order *o;
    uint8_t (*keys)[CRYPT_KEY]; /* of the cases; all zero: erased */
    uint64_t strays;
} search;

static void try_keys(void *ctx, const gw_id *id, gw_str sealed)
{
    search *s = ctx;
    const stray_order *o = s->o;
    if (o->is_named(o->ctx, id))
        return;
    const blob_ref ref = {.id = *id, .role = gw_str_of(o->role)};
    s->strays++;
    for (size_t i = 0; i < o->case_n; i++) {
        GW_AUTO_BUF gw_buf plain;
        gw_err err = {0};
        gw_buf_init(&plain, sealed.n + 1);
        if (sodium_is_zero(s->keys[i], CRYPT_KEY) ||
            blob_unseal(&ref, s->keys[i], sealed, &plain, &err) != GW_OK)
            continue;
        gw_buf_wipe(&plain);
        o->ret_hit[i] = true;
        return;
    }
}

static int is_entry(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

static gw_code look_in_year(search *s, const char *base, const char *year, gw_err *err)
{
    char dir[PATH_MAX];
    struct dirent **names;
    gw_code rc = GW_OK;
    snprintf(dir, sizeof dir, "%s/%s", base, year);
    int n = scandir(dir, &names, is_entry, alphasort);
    if (n < 0)
        return gw_fail_errno(err, errno, "listing %s", dir);
    for (int i = 0; i < n; i++) {
        char path[PATH_MAX + NAME_MAX];
        char name[16];
        bool segment = strlen(names[i]->d_name) == 14 && strncmp(names[i]->d_name, "seg-", 4) == 0;
        snprintf(name, sizeof name, "%.4s/%.6s", year, segment ? names[i]->d_name + 4 : "");
        snprintf(path, sizeof path, "%s/%s", dir, names[i]->d_name);
        gw_str first = s->o->first_segment;
        if (rc == GW_OK && segment && (!first.n || strncmp(name, first.p, first.n) >= 0))
            rc = blob_each_frame(path, try_keys, s, err);
        free(names[i]);
    }
    free(names);
    return rc;
}

static gw_code look_everywhere(search *s, const char *base, gw_err *err)
{
    struct dirent **years;
    gw_code rc = GW_OK;
    int n = scandir(base, &years, is_entry, alphasort);
    if (n < 0)
        return errno == ENOENT ? GW_OK : gw_fail_errno(err, errno, "listing %s", base);
    for (int i = 0; i < n; i++) {
        if (rc == GW_OK && strlen(years[i]->d_name) == 4)
            rc = look_in_year(s, base, years[i]->d_name, err);
        free(years[i]);
    }
    free(years);
    return rc;
}

static gw_code load_keys(reader *r, search *s, gw_err *err)
{
    for (size_t i = 0; i < s->o->case_n; i++) {
        gw_code rc = reader_case_key(r, &s->o->cases[i], s->keys[i], err);
        if (rc == GW_ENOTFOUND)
            memset(s->keys[i], 0, CRYPT_KEY);
        else if (rc != GW_OK)
            return rc;
    }
    return GW_OK;
}

gw_code stray_find(reader *r, const stray_order *o, uint64_t *ret_strays, gw_err *err)
{
    char base[PATH_MAX];
    search s = {.o = o, .keys = calloc(o->case_n + 1, CRYPT_KEY)};
    if (!s.keys)
        return gw_fail(err, GW_ENOMEM, "looking for strays");
    gw_code rc = load_keys(r, &s, err);
    if (rc == GW_OK)
        rc = reader_blob_base(r, base, sizeof base, err);
    if (rc == GW_OK)
        rc = look_everywhere(&s, base, err);
    sodium_memzero(s.keys, (o->case_n + 1) * CRYPT_KEY);
    free(s.keys);
    if (rc == GW_OK)
        *ret_strays = s.strays;
    return rc;
}
