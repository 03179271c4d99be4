#include "gateway/evidence/fsck_inside.h"

#include "gateway/evidence/vault.h"

#include <dirent.h>
#include <ftw.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>

enum { ARENA = 64 << 20 };

void fsck_fault(fsck_walk *w, const char *fmt, ...)
{
    char text[PATH_MAX + 300];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    w->r.faults++;
    if (w->o->on_fault)
        w->o->on_fault(w->o->ctx, text);
}

void fsck_fault_here(fsck_walk *w, const char *fmt, ...)
{
    char what[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    fsck_fault(w, "%s/wal/%06u.seg byte %llu (entry %llu): %s", w->dir, w->at.segment,
               (unsigned long long)w->at.offset, (unsigned long long)w->index, what);
}

/* ---- one log ---- */

static void check_checkpoint(fsck_walk *w)
{
    char path[PATH_MAX + 32];
    note_key key;
    note_opened opened;
    gw_err err = {.code = GW_OK};
    GW_AUTO_BUF gw_buf vkey;
    gw_buf_init(&vkey, 4096);
    gw_buf_clear(&w->note);
    w->published.size = 0;
    snprintf(path, sizeof path, "%s/keys/log.vkey", w->dir);
    gw_code rc = gw_file_read(path, &vkey, &err);
    if (rc == GW_OK && (vkey.n == 0 || vkey.data[vkey.n - 1] != '\n'))
        rc = gw_fail(&err, GW_ECORRUPT, "it does not end in a newline");
    if (rc == GW_OK)
        rc = note_key_parse((gw_str){vkey.data, vkey.n - 1}, &key, &err);
    if (rc == GW_OK && strcmp(key.name, w->origin) != 0)
        rc = gw_fail(&err, GW_ECORRUPT, "it is the key of another log");
    if (rc != GW_OK) {
        fsck_fault(w, "%s: %s", path, err.text);
        return;
    }
    snprintf(path, sizeof path, "%s/checkpoint", w->dir);
    rc = gw_file_read(path, &w->note, &err);
    if (rc == GW_OK)
        rc = note_open(gw_buf_str(&w->note), &key, 1, &opened, &err);
    if (rc == GW_OK && !(opened.good & 1))
        rc = gw_fail(&err, GW_ECORRUPT, "it is not signed by the log's key");
    if (rc == GW_OK)
        rc = note_checkpoint_parse(opened.text, &w->published, &err);
    if (rc == GW_OK && !gw_str_is(w->published.origin, w->origin))
        rc = gw_fail(&err, GW_ECORRUPT, "it is of another log");
    if (rc != GW_OK) {
        w->published.size = 0;
        fsck_fault(w, "%s: %s", path, err.text);
    }
}

static gw_code check_log(fsck_walk *w, const char *base, int year, gw_err *err)
{
    char path[PATH_MAX + 32];
    gw_err why = {.code = GW_OK};
    uint64_t size = 0;
    snprintf(w->origin, sizeof w->origin, "%s/%04d", base, year);
    if (snprintf(w->dir, sizeof w->dir, "%s/log/%s", w->o->dir, w->origin) >= PATH_MAX ||
        snprintf(w->blob_base, sizeof w->blob_base, "%s/blob/%s", w->o->dir, base) >= PATH_MAX)
        return gw_fail(err, GW_ELIMIT, "the evidence folder's path is too long");
    w->tree.size = 0;
    if (!w->index_db || evindex_origin(w->index_db, w->origin, &w->origin_id, NULL) != GW_OK)
        w->origin_id = 0;
    check_checkpoint(w);
    if (w->index_db) /* what the checkpoint covers was in the index before it was published */
        evindex_snapshot(w->index_db);
    fsck_tiles_find(w);
    snprintf(path, sizeof path, "%s/wal", w->dir);
    gw_code rc = wal_walk(path, gw_str_of(w->origin), 0, true, fsck_entry, w, &size, &why);
    w->r.logs++;
    if (rc == GW_ENOMEM || rc == GW_EIO)
        return gw_wrap(err, rc, "%s", why.text);
    if (rc == GW_OK && size < w->published.size) { /* what looks torn was signed: say where */
        rc = wal_walk(path, gw_str_of(w->origin), size ? size - 1 : 0, false, NULL, NULL, &size,
                      &why);
        if (rc == GW_OK)
            rc = gw_fail(&why, GW_ECORRUPT, "%s: ends at entry %llu, the checkpoint covers %llu",
                         path, (unsigned long long)size, (unsigned long long)w->published.size);
    }
    if (rc != GW_OK)
        fsck_fault(w, "%s", why.text);
    for (; rc == GW_OK && w->partial_at < w->partial_n; w->partial_at++)
        fsck_fault(w, "%s/tile: a partial tile of %llu entries, more than the log has", w->dir,
                   (unsigned long long)w->partials[w->partial_at].size);
    bool ours = w->head_seen && gw_str_is(w->head.origin, w->origin);
    if (ours && (w->head.size < w->published.size || (rc == GW_OK && w->head.size > size)))
        fsck_fault(w, "%s: its size %llu does not fit the log", w->state_head,
                   (unsigned long long)w->head.size);
    w->previous = w->published;
    snprintf(w->previous_origin, sizeof w->previous_origin, "%s", w->origin);
    return GW_OK;
}

static int compare_ints(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Years of one base, found by their wal folders. */
static gw_code check_base(fsck_walk *w, const char *base, gw_err *err)
{
    int years[256];
    size_t n = 0;
    char path[PATH_MAX + 300];
    snprintf(path, sizeof path, "%s/log/%s", w->o->dir, base);
    DIR *d = opendir(path);
    for (struct dirent *e = d ? readdir(d) : NULL; e && n < GW_COUNT(years); e = readdir(d)) {
        char *end = NULL;
        long year = strtol(e->d_name, &end, 10);
        if (strlen(e->d_name) == 4 && *end == '\0' && year > 0)
            years[n++] = (int)year;
    }
    if (d)
        closedir(d);
    qsort(years, n, sizeof *years, compare_ints);
    gw_code rc = GW_OK;
    w->previous_origin[0] = '\0';
    w->last_tb.ms = INT64_MIN;
    for (size_t i = 0; rc == GW_OK && i < n; i++)
        rc = check_log(w, base, years[i], err);
    bool newest = w->head_seen && gw_str_is(w->head.origin, w->origin);
    if (rc == GW_OK && n > 0 && !newest)
        fsck_fault(w, "%s: is not about the newest log %s", w->state_head, w->origin);
    return rc;
}

/* ---- the store ---- */

static fsck_walk *walking; /* nftw passes no context; fsck_run is called by one thread */

static int check_blob_file(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    uint64_t frames = 0;
    uint64_t torn = 0;
    gw_err err = {.code = GW_OK};
    (void)st;
    (void)ftw;
    if (kind != FTW_F)
        return 0;
    if (blob_check_segment(path, &frames, &torn, &err) != GW_OK)
        fsck_fault(walking, "%s", err.text);
    walking->r.blob_segments++;
    walking->r.torn_bytes += torn;
    return 0;
}

static void check_vault(fsck_walk *w)
{
    char path[PATH_MAX + 32];
    uint8_t key[CRYPT_KEY];
    gw_err err = {.code = GW_OK};
    GW_AUTO(vault_close) vault *v = NULL;
    if (!w->o->tenant_key)
        return;
    snprintf(path, sizeof path, "%s/vault/vault.db", w->o->dir);
    gw_code rc = crypt_key_load(w->o->tenant_key, key, &err);
    if (rc == GW_OK)
        rc = vault_open(path, key, true, &v, &err);
    if (rc == GW_OK)
        rc = vault_check(v, &w->r.vault_keys, &err);
    sodium_memzero(key, sizeof key);
    if (rc != GW_OK)
        fsck_fault(w, "%s: %s", path, err.text);
}

static void load_head(fsck_walk *w)
{
    gw_err err = {.code = GW_OK};
    if (w->o->state_dir)
        snprintf(w->state_head, sizeof w->state_head, "%s/head", w->o->state_dir);
    else
        snprintf(w->state_head, sizeof w->state_head, "%s/state/head", w->o->dir);
    gw_code rc = gw_file_read(w->state_head, &w->head_text, &err);
    if (rc == GW_OK)
        rc = note_checkpoint_parse(gw_buf_str(&w->head_text), &w->head, &err);
    w->head_seen = rc == GW_OK;
    if (rc != GW_OK)
        fsck_fault(w, "%s: %s", w->state_head, err.text);
}

static char base_found[256];
static size_t base_skip;

/* The first folder that holds a wal names base and year: log/<base>/<year>/wal. */
static int find_base(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    if (kind != FTW_D || strcmp(path + ftw->base, "wal") != 0)
        return 0;
    snprintf(base_found, sizeof base_found, "%s", path + base_skip);
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(base_found, '/');
        if (slash)
            *slash = '\0';
    }
    return 1;
}

static gw_code check_store(fsck_walk *w, gw_err *err)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/log", w->o->dir);
    base_skip = strlen(path) + 1;
    base_found[0] = '\0';
    nftw(path, find_base, 16, FTW_PHYS);
    if (!base_found[0])
        return gw_fail(err, GW_ENOTFOUND, "%s holds no evidence log", w->o->dir);
    snprintf(path, sizeof path, "%s/index/index.db", w->o->dir);
    gw_err why = {.code = GW_OK};
    if (evindex_open(path, true, &w->index_db, &why) != GW_OK)
        fsck_fault(w, "%s", why.text);
    load_head(w);
    gw_code rc = check_base(w, base_found, err);
    if (rc != GW_OK)
        return rc;
    walking = w;
    snprintf(path, sizeof path, "%s/blob", w->o->dir);
    if (!w->o->quick)
        nftw(path, check_blob_file, 16, FTW_PHYS);
    check_vault(w);
    return GW_OK;
}

gw_code fsck_run(const fsck_order *o, fsck_result *ret, gw_err *err)
{
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ARENA);
    GW_AUTO_FREE fsck_walk *w = calloc(1, sizeof *w);
    if (!arena || !w)
        return gw_fail(err, GW_ENOMEM, "fsck");
    if (sodium_init() < 0)
        return gw_fail(err, GW_EIO, "libsodium finds no source of randomness");
    w->o = o;
    w->arena = arena;
    gw_buf_init(&w->note, NOTE_BYTES_MAX);
    gw_buf_init(&w->head_text, NOTE_BYTES_MAX);
    gw_buf_init(&w->bundle, FSCK_BUNDLE_BYTES);
    gw_code rc = check_store(w, err);
    if (rc == GW_OK)
        *ret = w->r;
    evindex_close(w->index_db);
    gw_buf_done(&w->note);
    gw_buf_done(&w->head_text);
    gw_buf_done(&w->bundle);
    free(w->chains);
    return rc;
}
