#include "gateway/evidence/fsck.h"

#include "gateway/base/file.h"
#include "gateway/evidence/blob.h"
#include "gateway/evidence/index.h"
#include "gateway/evidence/note.h"
#include "gateway/evidence/tiles.h"
#include "gateway/evidence/vault.h"
#include "gateway/evidence/wal.h"

#include <dirent.h>
#include <ftw.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>

enum {
    FULL = TILES_WIDTH,
    BUNDLE_BYTES = FULL * (2 + WAL_LEAF_MAX),
    ARENA = 64 << 20,
    PARTIALS_MAX = 4096
};

typedef struct {
    gw_id kase;
    uint64_t cseq; /* 0: free */
    uint8_t hash[DIGEST_BYTES];
} chain;

/* A partial tile found on disk: complete when the log had `size` entries. */
typedef struct {
    uint64_t size, n;
    int level; /* -1: entries */
    unsigned width;
} partial;

typedef struct {
    const fsck_order *o;
    fsck_result r;
    gw_arena *arena;
    evindex *index_db;
    chain *chains; /* open hash table over all logs: cases go on over the years */
    size_t chain_slots;
    char state_head[PATH_MAX];
    note_checkpoint head; /* state/head */
    gw_buf head_text;
    bool head_seen;

    /* the log in work */
    char origin[280], dir[PATH_MAX], blob_base[PATH_MAX];
    uint32_t origin_id;
    note_checkpoint published;
    gw_buf note;
    merkle_frontier tree;
    merkle_hash edge[TILES_LEVELS][FULL];
    gw_buf bundle;
    partial partials[PARTIALS_MAX]; /* by size; those of the last two checkpoints, usually */
    size_t partial_n, partial_at;
    wal_place at; /* of the entry in work */
    uint64_t index;
    gw_wall last_tb;
    int64_t last_step;
    note_checkpoint previous; /* final checkpoint of the log before */
    char previous_origin[280];
} walk;

static void fault(walk *w, const char *fmt, ...) GW_PRINTF(2, 3);
static void fault(walk *w, const char *fmt, ...)
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

/* The same about the entry in work. */
static void fault_here(walk *w, const char *fmt, ...) GW_PRINTF(2, 3);
static void fault_here(walk *w, const char *fmt, ...)
{
    char what[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    fault(w, "%s/wal/%06u.seg byte %llu (entry %llu): %s", w->dir, w->at.segment,
          (unsigned long long)w->at.offset, (unsigned long long)w->index_db, what);
}

/* ---- tiles ---- */

static void compare_file(walk *w, const char *path, gw_str want)
{
    GW_AUTO_BUF gw_buf have;
    gw_err err = {.code = GW_OK};
    gw_buf_init(&have, BUNDLE_BYTES);
    if (gw_file_read(path, &have, &err) != GW_OK) {
        fault(w, "%s", err.text);
        return;
    }
    size_t at = 0;
    while (at < have.n && at < want.n && have.data[at] == want.p[at])
        at++;
    if (at < have.n || at < want.n)
        fault(w, "%s byte %zu: differs from what the log gives", path, at);
}

static void compare_tile(walk *w, int level, uint64_t n, unsigned width)
{
    char path[PATH_MAX];
    tiles_path(w->dir, level, n, width, path);
    gw_str want = level < 0 ? gw_buf_str(&w->bundle)
                            : (gw_str){(const char *)w->edge[level], (size_t)width * DIGEST_BYTES};
    compare_file(w, path, want);
}

static unsigned width_at(uint64_t size, unsigned level)
{
    return (unsigned)(size >> (8 * level) & (FULL - 1));
}

static void subtree_root(const merkle_hash *leaves, merkle_hash *ret)
{
    merkle_frontier f = {.size = 0};
    for (size_t i = 0; i < FULL; i++)
        merkle_frontier_add(&f, &leaves[i]);
    merkle_frontier_root(&f, ret);
}

static walk *walking; /* nftw passes no context; fsck_run is called by one thread */

/* "<L>/x001/234.p/17" or "entries/...": what tiles_path makes. */
static bool parse_partial(const char *name, partial *ret)
{
    partial p = {.level = -1};
    char *end = NULL;
    const char *at = strchr(name, '/');
    if (!at)
        return false;
    if (strncmp(name, "entries/", 8) != 0)
        p.level = (int)strtol(name, &end, 10);
    for (at++; *at == 'x'; at = end + 1) {
        p.n = p.n * 1000 + strtoul(at + 1, &end, 10);
        if (*end != '/')
            return false;
    }
    p.n = p.n * 1000 + strtoul(at, &end, 10);
    if (strncmp(end, ".p/", 3) != 0)
        return false;
    p.width = (unsigned)strtoul(end + 3, &end, 10);
    if (*end != '\0' || p.width == 0 || p.width >= FULL || p.level >= TILES_LEVELS)
        return false;
    p.size = (p.n * FULL + p.width) << (p.level > 0 ? 8 * p.level : 0);
    *ret = p;
    return true;
}

static int find_partial(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)ftw;
    walk *w = walking;
    const char *name = path + strlen(w->dir) + sizeof "/tile";
    if (kind != FTW_F || !strstr(name, ".p/") || w->partial_n == PARTIALS_MAX)
        return 0;
    size_t n = strlen(path);
    if (n > 4 && strcmp(path + n - 4, ".tmp") == 0)
        return 0; /* a writer was interrupted before naming it */
    if (parse_partial(name, &w->partials[w->partial_n]))
        w->partial_n++;
    else
        fault(w, "%s: no name of a tile", path);
    return 0;
}

static int compare_partials(const void *a, const void *b)
{
    const partial *x = a;
    const partial *y = b;
    return x->size < y->size ? -1 : x->size > y->size;
}

static void find_partials(walk *w)
{
    char path[PATH_MAX + 8];
    snprintf(path, sizeof path, "%s/tile", w->dir);
    w->partial_n = w->partial_at = 0;
    walking = w;
    nftw(path, find_partial, 16, FTW_PHYS);
    qsort(w->partials, w->partial_n, sizeof *w->partials, compare_partials);
}

/* A gateway beside us published since: the partial tiles of our checkpoint may be gone. */
static bool checkpoint_moved(walk *w)
{
    char path[PATH_MAX + 32];
    GW_AUTO_BUF gw_buf now;
    gw_buf_init(&now, NOTE_BYTES_MAX);
    snprintf(path, sizeof path, "%s/checkpoint", w->dir);
    return gw_file_read(path, &now, NULL) == GW_OK &&
           !gw_str_eq(gw_buf_str(&now), gw_buf_str(&w->note));
}

/* Entry number `index` joins the tree; tiles it completes or the checkpoint needs are compared. */
static void add_to_tiles(walk *w, uint64_t index, gw_str leaf, const merkle_hash *hash)
{
    uint8_t length[2];
    uint64_t size = index + 1;
    bool due = size <= w->published.size;
    if (width_at(index, 0) == 0)
        gw_buf_clear(&w->bundle);
    crypt_put_be(length, leaf.n, 2);
    gw_buf_put(&w->bundle, length, 2);
    gw_buf_put_str(&w->bundle, leaf);
    w->edge[0][width_at(index, 0)] = *hash;
    if (width_at(size, 0) == 0 && due)
        compare_tile(w, -1, index / FULL, FULL);
    for (unsigned level = 0; level + 1 < TILES_LEVELS && width_at(size, level) == 0; level++) {
        if (due)
            compare_tile(w, (int)level, index >> (8 * (level + 1)), FULL);
        subtree_root(w->edge[level], &w->edge[level + 1][width_at(index, level + 1)]);
    }
    for (; w->partial_at < w->partial_n && w->partials[w->partial_at].size <= size;
         w->partial_at++) {
        const partial *p = &w->partials[w->partial_at];
        if (size != w->published.size && !checkpoint_moved(w))
            compare_tile(w, p->level, p->n, p->width);
    }
    if (size != w->published.size || checkpoint_moved(w))
        return;
    for (unsigned level = 0; level < TILES_LEVELS; level++)
        if (width_at(size, level) > 0)
            compare_tile(w, (int)level, size >> (8 * (level + 1)), width_at(size, level));
    if (width_at(size, 0) > 0)
        compare_tile(w, -1, size / FULL, width_at(size, 0));
}

static void check_roots(walk *w, uint64_t size)
{
    merkle_hash root;
    bool head = w->head_seen && w->head.size == size && gw_str_is(w->head.origin, w->origin);
    if (size != w->published.size && !head)
        return;
    merkle_frontier_root(&w->tree, &root);
    if (size == w->published.size && !merkle_equal(&root, &w->published.root))
        fault(w, "%s/checkpoint: its root is not the root of the first %llu entries", w->dir,
              (unsigned long long)size);
    if (head && !merkle_equal(&root, &w->head.root))
        fault(w, "%s: its root is not the root of the first %llu entries", w->state_head,
              (unsigned long long)size);
}

/* ---- leaves ---- */

static chain *find_chain(walk *w, const gw_id *kase)
{
    uint64_t h;
    memcpy(&h, kase->b, sizeof h);
    size_t at = h & (w->chain_slots - 1);
    while (w->chains[at].cseq && memcmp(w->chains[at].kase.b, kase->b, GW_ID_BYTES) != 0)
        at = (at + 1) & (w->chain_slots - 1);
    return &w->chains[at];
}

static gw_code grow_chains(walk *w, gw_err *err)
{
    if (w->r.cases * 2 < w->chain_slots)
        return GW_OK;
    chain *old = w->chains;
    size_t slots = w->chain_slots;
    size_t more = slots ? slots * 4 : 4096;
    chain *fresh = calloc(more, sizeof *fresh);
    if (!fresh)
        return gw_fail(err, GW_ENOMEM, "fsck");
    w->chains = fresh;
    w->chain_slots = more;
    for (size_t i = 0; i < slots; i++)
        if (old[i].cseq)
            *find_chain(w, &old[i].kase) = old[i];
    free(old);
    return GW_OK;
}

static void check_chain(walk *w, const record_view *v, const merkle_hash *hash)
{
    gw_id kase;
    if (gw_id_parse(v->kase, &kase, NULL) != GW_OK)
        return; /* record_parse looked */
    chain *c = find_chain(w, &kase);
    if (v->cseq != c->cseq + 1)
        fault_here(w, "record %llu of its case follows record %llu", (unsigned long long)v->cseq,
                   (unsigned long long)c->cseq);
    else if (c->cseq > 0 && memcmp(v->cprev, c->hash, DIGEST_BYTES) != 0)
        fault_here(w, "does not name the record of its case before it");
    w->r.cases += c->cseq == 0;
    c->kase = kase;
    c->cseq = v->cseq;
    memcpy(c->hash, hash->b, DIGEST_BYTES);
}

static void check_contents(walk *w, const record_view *v)
{
    const json_doc *d = &v->doc;
    for (uint32_t at = v->blob ? v->blob + 1 : 0; v->blob && at < json_at(d, v->blob)->next;
         at = json_at(d, at)->next) {
        blob_ref ref;
        gw_err err = {.code = GW_OK};
        GW_AUTO_BUF gw_buf sealed;
        gw_buf_init(&sealed, (size_t)1 << 30);
        gw_code rc = blob_ref_parse(d, at, &ref, &err);
        if (rc == GW_OK)
            rc = blob_read(w->blob_base, &ref, &sealed, &err);
        if (rc != GW_OK)
            fault_here(w, "%s", err.text);
        w->r.contents++;
    }
}

static void check_index(walk *w, uint64_t index, wal_place at, const record_view *v)
{
    evindex_entry e;
    gw_id kase;
    if (!w->index_db)
        return;
    gw_code rc = evindex_at(w->index_db, w->origin_id, index, &e, NULL);
    if (rc == GW_ENOTFOUND && index < w->published.size)
        fault_here(w, "missing in index/index.db; delete the folder index, it is made again");
    if (rc != GW_OK)
        return;
    bool same = gw_id_parse(v->kase, &kase, NULL) == GW_OK && e.place.segment == at.segment &&
                e.place.offset == at.offset && e.t.ms == v->t.ms && e.tb.ms == v->tb.ms &&
                e.cseq == v->cseq && memcmp(e.kase.b, kase.b, GW_ID_BYTES) == 0;
    if (!same)
        fault_here(w, "index/index.db says otherwise; delete the folder index, it is made again");
}

static void check_time(walk *w, const record_view *v)
{
    if (v->tb.ms < w->last_tb.ms && v->clock_step == w->last_step)
        fault_here(w, "logged before the entry that precedes it");
    w->last_tb = v->tb;
    w->last_step = v->clock_step;
}

/* The first record of a later log carries the final head of the one before. */
static void check_link(walk *w, const record_view *v)
{
    uint8_t root[DIGEST_BYTES];
    const json_doc *d = &v->doc;
    if (!w->previous_origin[0])
        return;
    if (!v->fact || !gw_str_is(json_get_str(d, v->fact, "prev_origin"), w->previous_origin) ||
        json_get_int(d, v->fact, "prev_size", -1) != (int64_t)w->previous.size ||
        !digest_read_hex(json_get_str(d, v->fact, "prev_root"), root, DIGEST_BYTES) ||
        memcmp(root, w->previous.root.b, DIGEST_BYTES) != 0)
        fault_here(w, "does not carry the final head of %s", w->previous_origin);
}

static gw_code check_entry(void *ctx, uint64_t index, wal_place at, gw_str leaf, gw_err *err)
{
    walk *w = ctx;
    merkle_hash hash;
    record_view v;
    gw_err why = {.code = GW_OK};
    w->at = at;
    w->index = index;
    merkle_leaf(leaf, &hash);
    merkle_frontier_add(&w->tree, &hash);
    add_to_tiles(w, index, leaf, &hash);
    check_roots(w, index + 1);
    gw_arena_reset(w->arena);
    w->r.entries++;
    gw_code rc = grow_chains(w, err);
    if (rc != GW_OK)
        return rc;
    if (record_parse(leaf, w->arena, &v, &why) != GW_OK) {
        fault_here(w, "%s", why.text);
        return GW_OK;
    }
    if (index == 0)
        check_link(w, &v);
    check_chain(w, &v, &hash);
    check_time(w, &v);
    check_index(w, index, at, &v);
    if (!w->o->quick)
        check_contents(w, &v);
    return GW_OK;
}

/* ---- one log ---- */

static void check_checkpoint(walk *w)
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
        fault(w, "%s: %s", path, err.text);
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
        fault(w, "%s: %s", path, err.text);
    }
}

static gw_code check_log(walk *w, const char *base, int year, gw_err *err)
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
    find_partials(w);
    snprintf(path, sizeof path, "%s/wal", w->dir);
    gw_code rc = wal_walk(path, gw_str_of(w->origin), 0, true, check_entry, w, &size, &why);
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
        fault(w, "%s", why.text);
    for (; rc == GW_OK && w->partial_at < w->partial_n; w->partial_at++)
        fault(w, "%s/tile: a partial tile of %llu entries, more than the log has", w->dir,
              (unsigned long long)w->partials[w->partial_at].size);
    bool ours = w->head_seen && gw_str_is(w->head.origin, w->origin);
    if (ours && (w->head.size < w->published.size || (rc == GW_OK && w->head.size > size)))
        fault(w, "%s: its size %llu does not fit the log", w->state_head,
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
static gw_code check_base(walk *w, const char *base, gw_err *err)
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
        fault(w, "%s: is not about the newest log %s", w->state_head, w->origin);
    return rc;
}

/* ---- the store ---- */

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
        fault(walking, "%s", err.text);
    walking->r.blob_segments++;
    walking->r.torn_bytes += torn;
    return 0;
}

static void check_vault(walk *w)
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
        fault(w, "%s: %s", path, err.text);
}

static void load_head(walk *w)
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
        fault(w, "%s: %s", w->state_head, err.text);
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

static gw_code check_store(walk *w, gw_err *err)
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
        fault(w, "%s", why.text);
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
    GW_AUTO_FREE walk *w = calloc(1, sizeof *w);
    if (!arena || !w)
        return gw_fail(err, GW_ENOMEM, "fsck");
    if (sodium_init() < 0)
        return gw_fail(err, GW_EIO, "libsodium finds no source of randomness");
    w->o = o;
    w->arena = arena;
    gw_buf_init(&w->note, NOTE_BYTES_MAX);
    gw_buf_init(&w->head_text, NOTE_BYTES_MAX);
    gw_buf_init(&w->bundle, BUNDLE_BYTES);
    gw_code rc = grow_chains(w, err);
    if (rc == GW_OK)
        rc = check_store(w, err);
    if (rc == GW_OK)
        *ret = w->r;
    evindex_close(w->index_db);
    gw_buf_done(&w->note);
    gw_buf_done(&w->head_text);
    gw_buf_done(&w->bundle);
    free(w->chains);
    return rc;
}
