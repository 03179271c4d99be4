#include "gateway/evidence/fsck_inside.h"

#include <ftw.h>
#include <stdio.h>

static void compare_file(fsck_walk *w, const char *path, gw_str want)
{
    GW_AUTO_BUF gw_buf have;
    gw_err err = {.code = GW_OK};
    gw_buf_init(&have, FSCK_BUNDLE_BYTES);
    if (gw_file_read(path, &have, &err) != GW_OK) {
        fsck_fault(w, "%s", err.text);
        return;
    }
    size_t at = 0;
    while (at < have.n && at < want.n && have.data[at] == want.p[at])
        at++;
    if (at < have.n || at < want.n)
        fsck_fault(w, "%s byte %zu: differs from what the log gives", path, at);
}

static void compare_tile(fsck_walk *w, int level, uint64_t n, unsigned width)
{
    char path[PATH_MAX];
    tiles_path(w->dir, level, n, width, path);
    gw_str want = level < 0 ? gw_buf_str(&w->bundle)
                            : (gw_str){(const char *)w->edge[level], (size_t)width * DIGEST_BYTES};
    compare_file(w, path, want);
}

static unsigned width_at(uint64_t size, unsigned level)
{
    return (unsigned)(size >> (8 * level) & (FSCK_FULL - 1));
}

static void subtree_root(const merkle_hash *leaves, merkle_hash *ret)
{
    merkle_frontier f = {.size = 0};
    for (size_t i = 0; i < FSCK_FULL; i++)
        merkle_frontier_add(&f, &leaves[i]);
    merkle_frontier_root(&f, ret);
}

static fsck_walk *walking; /* nftw passes no context; fsck_run is called by one thread */

/* "<L>/x001/234.p/17" or "entries/...": what tiles_path makes. */
static bool parse_partial(const char *name, fsck_partial *ret)
{
    fsck_partial p = {.level = -1};
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
    if (*end != '\0' || p.width == 0 || p.width >= FSCK_FULL || p.level >= TILES_LEVELS)
        return false;
    p.size = (p.n * FSCK_FULL + p.width) << (p.level > 0 ? 8 * p.level : 0);
    *ret = p;
    return true;
}

static int find_partial(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)ftw;
    fsck_walk *w = walking;
    const char *name = path + strlen(w->dir) + sizeof "/tile";
    if (kind != FTW_F || !strstr(name, ".p/") || w->partial_n == FSCK_PARTIALS_MAX)
        return 0;
    size_t n = strlen(path);
    if (n > 4 && strcmp(path + n - 4, ".tmp") == 0)
        return 0; /* a writer was interrupted before naming it */
    if (parse_partial(name, &w->partials[w->partial_n]))
        w->partial_n++;
    else
        fsck_fault(w, "%s: no name of a tile", path);
    return 0;
}

static int compare_partials(const void *a, const void *b)
{
    const fsck_partial *x = a;
    const fsck_partial *y = b;
    return x->size < y->size ? -1 : x->size > y->size;
}

void fsck_tiles_find(fsck_walk *w)
{
    char path[PATH_MAX + 8];
    snprintf(path, sizeof path, "%s/tile", w->dir);
    w->partial_n = w->partial_at = 0;
    walking = w;
    nftw(path, find_partial, 16, FTW_PHYS);
    qsort(w->partials, w->partial_n, sizeof *w->partials, compare_partials);
}

/* A gateway beside us published since: the partial tiles of our checkpoint may be gone. */
static bool checkpoint_moved(fsck_walk *w)
{
    char path[PATH_MAX + 32];
    GW_AUTO_BUF gw_buf now;
    gw_buf_init(&now, NOTE_BYTES_MAX);
    snprintf(path, sizeof path, "%s/checkpoint", w->dir);
    return gw_file_read(path, &now, NULL) == GW_OK &&
           !gw_str_eq(gw_buf_str(&now), gw_buf_str(&w->note));
}

void fsck_tiles_add(fsck_walk *w, uint64_t index, gw_str leaf, const merkle_hash *hash)
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
        compare_tile(w, -1, index / FSCK_FULL, FSCK_FULL);
    for (unsigned level = 0; level + 1 < TILES_LEVELS && width_at(size, level) == 0; level++) {
        if (due)
            compare_tile(w, (int)level, index >> (8 * (level + 1)), FSCK_FULL);
        subtree_root(w->edge[level], &w->edge[level + 1][width_at(index, level + 1)]);
    }
    for (; w->partial_at < w->partial_n && w->partials[w->partial_at].size <= size;
         w->partial_at++) {
        const fsck_partial *p = &w->partials[w->partial_at];
        if (size != w->published.size && !checkpoint_moved(w))
            compare_tile(w, p->level, p->n, p->width);
    }
    if (size != w->published.size || checkpoint_moved(w))
        return;
    for (unsigned level = 0; level < TILES_LEVELS; level++)
        if (width_at(size, level) > 0)
            compare_tile(w, (int)level, size >> (8 * (level + 1)), width_at(size, level));
    if (width_at(size, 0) > 0)
        compare_tile(w, -1, size / FSCK_FULL, width_at(size, 0));
}
