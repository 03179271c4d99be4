#include "gateway/evidence/tiles.h"

#include "gateway/base/file.h"
#include "gateway/evidence/crypt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum {
    FULL = TILES_WIDTH,
    ENTRIES = -1,
    BUNDLE_MAX = FULL * (2 + 65535),
    SYNC_ONE_BY_ONE = 16, /* more files than this: one syncfs is cheaper than so many fsyncs */
};

/* ---- names ---- */

static void put_number(char *to, size_t cap, uint64_t n)
{
    char groups[7][4];
    int count = 0;
    do {
        snprintf(groups[count++], sizeof groups[0], "%03u", (unsigned)(n % 1000));
        n /= 1000;
    } while (n > 0 && count < 7);
    size_t at = 0;
    while (count > 0 && at < cap) {
        count--;
        at += (size_t)snprintf(to + at, cap - at, count > 0 ? "x%s/" : "%s", groups[count]);
    }
}

void tiles_path(const char *dir, int level, uint64_t n, unsigned width, char ret[PATH_MAX])
{
    char number[40];
    char folder[16] = "entries";
    char part[16] = "";
    put_number(number, sizeof number, n);
    if (level != ENTRIES)
        snprintf(folder, sizeof folder, "%d", level);
    if (width < FULL)
        snprintf(part, sizeof part, ".p/%u", width);
    if (snprintf(ret, PATH_MAX, "%s/tile/%s/%s%s", dir, folder, number, part) >= PATH_MAX)
        gw_bug("tile path");
}

/* Where a file waits until it is synced and gets its name. */
static void waiting_path(const char *path, char ret[PATH_MAX])
{
    if (snprintf(ret, PATH_MAX, "%s.tmp", path) >= PATH_MAX)
        gw_bug("tile path");
}

/* ---- reading ---- */

gw_code tiles_read(const char *dir, unsigned level, uint64_t n, unsigned width, merkle_hash *ret,
                   gw_err *err)
{
    char path[PATH_MAX];
    GW_AUTO_BUF gw_buf bytes;
    gw_buf_init(&bytes, FULL * DIGEST_BYTES);
    tiles_path(dir, (int)level, n, width, path);
    gw_code rc = gw_file_read(path, &bytes, err);
    if (rc == GW_ENOTFOUND) { /* the writer itself may look at a tile before it has its name */
        char waiting[PATH_MAX];
        waiting_path(path, waiting);
        rc = gw_file_read(waiting, &bytes, NULL);
    }
    if (rc == GW_ELIMIT || (rc == GW_OK && bytes.n != width * DIGEST_BYTES))
        return gw_fail(err, GW_ECORRUPT, "%s: has not %u hashes", path, width);
    if (rc == GW_OK)
        memcpy(ret, bytes.data, bytes.n);
    return rc;
}

/* Root of 2^h hashes. */
static void fold(const merkle_hash *hash, unsigned h, merkle_hash *ret)
{
    merkle_hash work[FULL];
    size_t n = (size_t)1 << h;
    memcpy(work, hash, n * sizeof *work);
    for (; n > 1; n /= 2)
        for (size_t i = 0; i < n / 2; i++)
            merkle_node(&work[2 * i], &work[2 * i + 1], &work[i]);
    *ret = work[0];
}

static unsigned edge_width(uint64_t size, unsigned level)
{
    return (unsigned)(size >> (8 * level) & (FULL - 1));
}

static gw_code load_edge(const char *dir, uint64_t size, merkle_hash edge[TILES_LEVELS][FULL],
                         gw_err *err)
{
    gw_code rc = GW_OK;
    for (unsigned level = 0; rc == GW_OK && level < TILES_LEVELS; level++) {
        unsigned width = edge_width(size, level);
        if (width > 0)
            rc = tiles_read(dir, level, size >> (8 * (level + 1)), width, edge[level], err);
    }
    return rc;
}

gw_code tiles_reader_init(tiles_reader *r, const char *dir, uint64_t size, gw_err *err)
{
    memset(r, 0, sizeof *r);
    r->dir = dir;
    r->size = size;
    return load_edge(dir, size, r->edge, err);
}

static gw_code cached(tiles_reader *r, unsigned level, uint64_t n, const merkle_hash **ret,
                      gw_err *err)
{
    for (size_t i = 0; i < GW_COUNT(r->cache); i++)
        if (r->cache[i].width == FULL && r->cache[i].level == level && r->cache[i].n == n) {
            *ret = r->cache[i].hash;
            return GW_OK;
        }
    unsigned at = r->turn++ % GW_COUNT(r->cache);
    r->cache[at].width = 0;
    gw_code rc = tiles_read(r->dir, level, n, FULL, r->cache[at].hash, err);
    if (rc != GW_OK)
        return rc;
    r->cache[at].width = FULL;
    r->cache[at].level = level;
    r->cache[at].n = n;
    *ret = r->cache[at].hash;
    return GW_OK;
}

/* A node of the tree lies 'height' levels above hashes of tile level 'level'. */
typedef struct {
    unsigned level, height;
    uint64_t tile;
    unsigned at;
} place;

static place place_of(unsigned node_level, uint64_t index)
{
    uint64_t first = index << (node_level % 8);
    return (place){node_level / 8, node_level % 8, first / FULL, (unsigned)(first % FULL)};
}

static gw_code file_node(void *ctx, unsigned level, uint64_t index, merkle_hash *ret, gw_err *err)
{
    tiles_reader *r = ctx;
    const merkle_hash *hash;
    place p = place_of(level, index);
    uint64_t full = p.level < TILES_LEVELS ? r->size >> (8 * (p.level + 1)) : 0;
    unsigned width = p.tile < full ? FULL : edge_width(r->size, p.level);
    if (p.level >= TILES_LEVELS || p.tile > full || p.at + (1U << p.height) > width)
        return gw_fail(err, GW_EINVAL, "the tree of %llu has no such node",
                       (unsigned long long)r->size);
    hash = r->edge[p.level];
    gw_code rc = p.tile < full ? cached(r, p.level, p.tile, &hash, err) : GW_OK;
    if (rc == GW_OK)
        fold(hash + p.at, p.height, ret);
    return rc;
}

merkle_source tiles_reader_source(tiles_reader *r)
{
    return (merkle_source){file_node, r};
}

/* ---- writing ---- */

struct tiles {
    char *dir;
    uint64_t size;
    merkle_hash edge[TILES_LEVELS][FULL]; /* edge_width(size, L) hashes of each */
    gw_buf bundle;                        /* the entries of edge[0], in bundle form */
    char **waiting;                       /* final paths of files that lie under their .tmp name */
    size_t waiting_n, waiting_cap;
    uint64_t published, published_before; /* sizes whose partial tiles are kept */
    tiles_reader reader;                  /* full tiles for consistency proofs */
};

static gw_code edge_node(void *ctx, unsigned level, uint64_t index, merkle_hash *ret, gw_err *err)
{
    tiles *t = ctx;
    place p = place_of(level, index);
    if (p.level < TILES_LEVELS && p.tile == t->size >> (8 * (p.level + 1))) {
        fold(t->edge[p.level] + p.at, p.height, ret);
        return GW_OK;
    }
    t->reader.size = t->size;
    return file_node(&t->reader, level, index, ret, err);
}

gw_code tiles_root(tiles *t, merkle_hash *ret, gw_err *err)
{
    merkle_source s = {edge_node, t};
    return merkle_root(&s, t->size, ret, err);
}

gw_code tiles_consistency(tiles *t, uint64_t size1, merkle_hash ret[MERKLE_PROOF_MAX],
                          size_t *ret_n, gw_err *err)
{
    merkle_source s = {edge_node, t};
    return merkle_consistency(&s, size1, t->size, ret, ret_n, err);
}

uint64_t tiles_size(const tiles *t)
{
    return t->size;
}

/* The bundle on disk must hold exactly the entries the edge hashes say. */
static gw_code check_bundle(const tiles *t, const char *path, gw_err *err)
{
    size_t at = 0;
    unsigned n = 0;
    while (at + 2 <= t->bundle.n && n < edge_width(t->size, 0)) {
        size_t length = crypt_get_be((const uint8_t *)t->bundle.data + at, 2);
        merkle_hash h;
        if (t->bundle.n - at - 2 < length)
            break;
        merkle_leaf((gw_str){t->bundle.data + at + 2, length}, &h);
        if (!merkle_equal(&h, &t->edge[0][n]))
            break;
        at += 2 + length;
        n++;
    }
    if (at != t->bundle.n || n != edge_width(t->size, 0))
        return gw_fail(err, GW_ECORRUPT, "%s byte %zu: does not hold the signed entries", path, at);
    return GW_OK;
}

static gw_code continue_tree(tiles *t, const merkle_hash *root, gw_err *err)
{
    gw_code rc = load_edge(t->dir, t->size, t->edge, err);
    if (rc == GW_OK && edge_width(t->size, 0) > 0) {
        char path[PATH_MAX];
        tiles_path(t->dir, ENTRIES, t->size / FULL, edge_width(t->size, 0), path);
        rc = gw_file_read(path, &t->bundle, err);
        if (rc == GW_OK)
            rc = check_bundle(t, path, err);
    }
    merkle_hash now;
    if (rc == GW_OK)
        rc = tiles_root(t, &now, err);
    if (rc == GW_OK && !merkle_equal(&now, root))
        rc = gw_fail(err, GW_ECORRUPT, "the tiles of %s do not give the root signed at size %llu",
                     t->dir, (unsigned long long)t->size);
    return rc;
}

gw_code tiles_open(const char *dir, uint64_t size, const merkle_hash *root, tiles **ret,
                   gw_err *err)
{
    GW_AUTO(tiles_close) tiles *t = calloc(1, sizeof *t);
    if (!t || !(t->dir = strdup(dir)))
        return gw_fail(err, GW_ENOMEM, "opening the tiles of %s", dir);
    gw_buf_init(&t->bundle, BUNDLE_MAX);
    t->reader.dir = t->dir;
    t->size = t->published = t->published_before = size;
    gw_code rc = size > 0 ? continue_tree(t, root, err) : GW_OK;
    if (rc != GW_OK)
        return rc;
    *ret = t;
    t = NULL;
    return GW_OK;
}

void tiles_close(tiles *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->waiting_n; i++)
        free(t->waiting[i]);
    free(t->waiting);
    gw_buf_done(&t->bundle);
    free(t->dir);
    free(t);
}

static gw_code remember(tiles *t, const char *path, gw_err *err)
{
    if (t->waiting_n == t->waiting_cap) {
        size_t cap = t->waiting_cap ? 2 * t->waiting_cap : 32;
        char **more = realloc(t->waiting, cap * sizeof *more);
        if (!more)
            return gw_fail(err, GW_ENOMEM, "writing tiles");
        t->waiting = more;
        t->waiting_cap = cap;
    }
    char *copy = strdup(path);
    if (!copy)
        return gw_fail(err, GW_ENOMEM, "writing tiles");
    t->waiting[t->waiting_n++] = copy;
    return GW_OK;
}

static gw_code make_parent(const char *path, gw_err *err)
{
    char dir[PATH_MAX];
    snprintf(dir, sizeof dir, "%s", path);
    *strrchr(dir, '/') = '\0';
    return gw_dir_make(dir, 0700, err);
}

static gw_code write_waiting(tiles *t, int level, uint64_t n, unsigned width, gw_str bytes,
                             gw_err *err)
{
    char path[PATH_MAX];
    char waiting[PATH_MAX];
    tiles_path(t->dir, level, n, width, path);
    waiting_path(path, waiting);
    int fd = open(waiting, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 && errno == ENOENT) {
        gw_code rc = make_parent(path, err);
        if (rc != GW_OK)
            return rc;
        fd = open(waiting, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    }
    if (fd < 0)
        return gw_fail_errno(err, errno, "creating %s", waiting);
    gw_code rc = gw_file_write_all(fd, bytes.p, bytes.n, err);
    close(fd);
    return rc == GW_OK ? remember(t, path, err) : gw_wrap(err, rc, "%s", waiting);
}

static gw_str hash_bytes(const merkle_hash *h, unsigned n)
{
    return (gw_str){(const char *)h, (size_t)n * DIGEST_BYTES};
}

gw_code tiles_add(tiles *t, gw_str entry, const merkle_hash *leaf, gw_err *err)
{
    uint8_t length[2];
    gw_code rc = GW_OK;
    unsigned at = edge_width(t->size, 0);
    if (at == 0)
        gw_buf_clear(&t->bundle);
    crypt_put_be(length, entry.n, 2);
    gw_buf_put(&t->bundle, length, sizeof length);
    gw_buf_put_str(&t->bundle, entry);
    rc = gw_buf_code(&t->bundle, "an entry bundle", err);
    t->edge[0][at] = *leaf;
    uint64_t size = t->size + 1;
    if (rc == GW_OK && at == FULL - 1)
        rc = write_waiting(t, ENTRIES, t->size / FULL, FULL, gw_buf_str(&t->bundle), err);
    for (unsigned level = 0; rc == GW_OK && edge_width(size, level) == 0; level++) {
        if (level + 1 == TILES_LEVELS)
            return gw_fail(err, GW_ELIMIT, "the log is full");
        rc = write_waiting(t, (int)level, t->size >> (8 * (level + 1)), FULL,
                           hash_bytes(t->edge[level], FULL), err);
        fold(t->edge[level], 8, &t->edge[level + 1][edge_width(t->size, level + 1)]);
    }
    if (rc == GW_OK)
        t->size = size;
    return rc;
}

static gw_code sync_waiting(tiles *t, gw_err *err)
{
    char path[PATH_MAX];
    for (size_t i = 0; i < t->waiting_n; i++) {
        waiting_path(t->waiting[i], path);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        bool all = t->waiting_n > SYNC_ONE_BY_ONE;
        int failed = fd < 0 || (all ? syncfs(fd) : fdatasync(fd)) != 0;
        int why = errno;
        if (fd >= 0)
            close(fd);
        if (failed)
            return gw_fail_errno(err, why, "syncing %s", path);
        if (all)
            return GW_OK;
    }
    return GW_OK;
}

/* Names, then the folders that hold them; files come in runs of the same folder. */
static gw_code name_waiting(tiles *t, gw_err *err)
{
    char dir[PATH_MAX] = "";
    for (size_t i = 0; i < t->waiting_n; i++) {
        char waiting[PATH_MAX];
        char now[PATH_MAX];
        waiting_path(t->waiting[i], waiting);
        if (rename(waiting, t->waiting[i]) != 0)
            return gw_fail_errno(err, errno, "renaming %s", waiting);
        snprintf(now, sizeof now, "%s", t->waiting[i]);
        *strrchr(now, '/') = '\0';
        if (strcmp(dir, now) != 0 && *dir) {
            gw_code rc = gw_dir_sync(dir, err);
            if (rc != GW_OK)
                return rc;
        }
        memcpy(dir, now, sizeof dir);
    }
    return *dir ? gw_dir_sync(dir, err) : GW_OK;
}

static gw_code write_partials(tiles *t, gw_err *err)
{
    gw_code rc = GW_OK;
    for (unsigned level = 0; rc == GW_OK && level < TILES_LEVELS; level++) {
        unsigned width = edge_width(t->size, level);
        if (width > 0)
            rc = write_waiting(t, (int)level, t->size >> (8 * (level + 1)), width,
                               hash_bytes(t->edge[level], width), err);
    }
    unsigned width = edge_width(t->size, 0);
    if (rc == GW_OK && width > 0)
        rc = write_waiting(t, ENTRIES, t->size / FULL, width, gw_buf_str(&t->bundle), err);
    return rc;
}

static void drop_partial(tiles *t, int level, uint64_t size)
{
    char path[PATH_MAX];
    unsigned of = level == ENTRIES ? 0 : (unsigned)level;
    unsigned width = edge_width(size, of);
    uint64_t n = size >> (8 * (of + 1));
    bool kept = (n == t->size >> (8 * (of + 1)) && width == edge_width(t->size, of)) ||
                (n == t->published >> (8 * (of + 1)) && width == edge_width(t->published, of));
    if (width == 0 || kept)
        return;
    tiles_path(t->dir, level, n, width, path);
    unlink(path);
    *strrchr(path, '/') = '\0';
    rmdir(path); /* stays while it holds newer ones */
}

gw_code tiles_publish(tiles *t, gw_err *err)
{
    if (t->size == t->published && t->waiting_n == 0)
        return GW_OK;
    gw_code rc = write_partials(t, err);
    if (rc == GW_OK)
        rc = sync_waiting(t, err);
    if (rc == GW_OK)
        rc = name_waiting(t, err);
    if (rc != GW_OK)
        return rc;
    for (size_t i = 0; i < t->waiting_n; i++)
        free(t->waiting[i]);
    t->waiting_n = 0;
    for (int level = ENTRIES; level < TILES_LEVELS; level++)
        drop_partial(t, level, t->published_before);
    t->published_before = t->published;
    t->published = t->size;
    return GW_OK;
}
