#include "gateway/evidence/store.h"

#include "gateway/base/file.h"
#include "gateway/base/time.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum { YEARS_MAX = 256, INDEX_BATCH = 4096 };

int current_year_of(gw_wall t)
{
    int64_t days = t.ms / GW_MS_PER_DAY - (t.ms % GW_MS_PER_DAY < 0);
    return gw_date_of_day((int32_t)days).year;
}

static int compare_ints(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

gw_code current_years(const char *dir, const char *base, int *ret, size_t cap, size_t *ret_n,
                      gw_err *err)
{
    char path[PATH_MAX];
    size_t n = 0;
    if (snprintf(path, sizeof path, "%s/log/%s", dir, base) >= (int)sizeof path)
        return gw_fail(err, GW_ELIMIT, "the evidence folder's path is too long");
    DIR *d = opendir(path);
    if (!d && errno != ENOENT)
        return gw_fail_errno(err, errno, "opening %s", path);
    for (struct dirent *e = d ? readdir(d) : NULL; e && n < cap; e = readdir(d)) {
        char *end = NULL;
        long year = strtol(e->d_name, &end, 10);
        if (strlen(e->d_name) == 4 && *end == '\0' && year > 0)
            ret[n++] = (int)year;
    }
    if (d)
        closedir(d);
    qsort(ret, n, sizeof *ret, compare_ints);
    *ret_n = n;
    return GW_OK;
}

static void name_log(const evidence *ev, int year, char ret_origin[ORIGIN_MAX + 1],
                     char ret_dir[PATH_MAX])
{
    if (snprintf(ret_origin, ORIGIN_MAX + 1, "%s/%04d", ev->base, year) > ORIGIN_MAX ||
        snprintf(ret_dir, PATH_MAX, "%s/log/%s", ev->dir, ret_origin) >= PATH_MAX)
        gw_bug("origin was checked at open");
}

static void wal_dir_of(const char *log_dir, char ret[PATH_MAX])
{
    if (snprintf(ret, PATH_MAX, "%s/wal", log_dir) >= PATH_MAX)
        gw_bug("path was checked at open");
}

/* ---- bringing what is derived up to the log ---- */

typedef struct {
    evidence *ev;
    uint64_t indexed; /* the index knows entries below this */
    uint64_t treed;   /* so do the tiles, below this */
    size_t batch;
    gw_arena *arena;
} replay;

static gw_code replay_index(replay *r, uint64_t index, wal_place at, gw_str leaf, gw_err *err)
{
    evindex_entry e;
    gw_code rc = GW_OK;
    if (r->batch == 0)
        rc = evindex_begin(r->ev->index, err);
    if (rc == GW_OK)
        rc = group_entry(r->ev, index, at, leaf, &e, r->arena, err);
    if (rc == GW_OK)
        rc = evindex_add(r->ev->index, &e, err);
    gw_arena_reset(r->arena);
    if (rc == GW_OK && ++r->batch == INDEX_BATCH) {
        rc = evindex_commit(r->ev->index, err);
        r->batch = 0;
    }
    return rc;
}

static gw_code must_be_signed_root(evidence *ev, gw_err *err)
{
    merkle_hash root;
    gw_code rc = tiles_root(ev->tiles, &root, err);
    if (rc == GW_OK && !merkle_equal(&root, &ev->signed_root))
        rc = gw_fail(err, GW_ECORRUPT, "the entries of %s do not give the root signed at size %llu",
                     ev->log_dir, (unsigned long long)ev->signed_size);
    return rc;
}

static gw_code replay_entry(void *ctx, uint64_t index, wal_place at, gw_str leaf, gw_err *err)
{
    replay *r = ctx;
    gw_code rc = GW_OK;
    if (index >= r->indexed)
        rc = replay_index(r, index, at, leaf, err);
    if (rc == GW_OK && r->ev->tiles && index >= r->treed) {
        merkle_hash hash;
        merkle_leaf(leaf, &hash);
        rc = tiles_add(r->ev->tiles, leaf, &hash, err);
        if (rc == GW_OK && index + 1 == r->ev->signed_size)
            rc = must_be_signed_root(r->ev, err);
    }
    return rc;
}

static gw_code replay_end(replay *r, gw_code rc, gw_err *err)
{
    if (rc == GW_OK && r->batch > 0)
        rc = evindex_commit(r->ev->index, err);
    if (rc != GW_OK)
        evindex_rollback(r->ev->index);
    return rc;
}

gw_code current_catch_up_index(evidence *ev, gw_err *err)
{
    char dir[PATH_MAX];
    uint64_t size = 0;
    replay r = {.ev = ev, .treed = UINT64_MAX};
    if (!ev->index_behind)
        return GW_OK;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(DRAFT_ARENA);
    if (!arena)
        return gw_fail(err, GW_ENOMEM, "catching up the index");
    r.arena = arena;
    wal_dir_of(ev->log_dir, dir);
    gw_code rc = evindex_size(ev->index, ev->origin_id, &r.indexed, err);
    if (rc == GW_OK)
        rc = replay_end(
            &r,
            wal_walk(dir, gw_str_of(ev->origin), r.indexed, false, replay_entry, &r, &size, err),
            err);
    ev->index_behind = rc != GW_OK;
    return rc;
}

/* The tree at the signed head from its tiles, or, where those are missing or damaged, from nothing:
 * then every entry is hashed again on the way. *ret_from: entries from there on are to be added. */
static gw_code open_tiles(evidence *ev, uint64_t *ret_from, gw_err *err)
{
    gw_code rc = tiles_open(ev->log_dir, ev->signed_size, &ev->signed_root, &ev->tiles, err);
    *ret_from = ev->signed_size;
    if (rc != GW_ENOTFOUND && rc != GW_ECORRUPT)
        return rc;
    ev->tiles_rebuilt = true;
    *ret_from = 0;
    return tiles_open(ev->log_dir, 0, NULL, &ev->tiles, err);
}

static gw_code catch_up_tiles(evidence *ev, gw_err *err)
{
    char dir[PATH_MAX];
    uint64_t size = 0;
    replay r = {.ev = ev, .indexed = UINT64_MAX};
    if (ev->tiles)
        return GW_OK;
    wal_dir_of(ev->log_dir, dir);
    gw_code rc = open_tiles(ev, &r.treed, err);
    if (rc == GW_OK)
        rc = wal_walk(dir, gw_str_of(ev->origin), r.treed, false, replay_entry, &r, &size, err);
    if (rc != GW_OK) {
        tiles_close(ev->tiles);
        ev->tiles = NULL;
    }
    return rc;
}

/* ---- heads ---- */

/* DIR/state/head holds the three lines of a checkpoint: the last size and root ever signed. */
static gw_code read_head(const evidence *ev, gw_buf *room, note_checkpoint *ret, gw_err *err)
{
    gw_code rc = gw_file_read(ev->state_head, room, err);
    if (rc == GW_OK && note_checkpoint_parse(gw_buf_str(room), ret, err) != GW_OK)
        return gw_fail(err, GW_ECORRUPT, "%s: not origin, size and root", ev->state_head);
    return rc;
}

static gw_code read_published(const char *log_dir, gw_buf *room, note_checkpoint *ret, gw_err *err)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/checkpoint", log_dir) >= PATH_MAX)
        return gw_fail(err, GW_ELIMIT, "the evidence folder's path is too long");
    gw_code rc = gw_file_read(path, room, err);
    if (rc == GW_OK && note_checkpoint_parse(gw_buf_str(room), ret, err) != GW_OK)
        return gw_fail(err, GW_ECORRUPT, "%s: not a checkpoint", path);
    return rc;
}

/* The signed head this log must extend. A log with a checkpoint but without its head is refused:
 * somebody took away what guards against signing two histories. */
static gw_code load_head(evidence *ev, gw_err *err)
{
    GW_AUTO_BUF gw_buf head_text;
    GW_AUTO_BUF gw_buf note_text;
    note_checkpoint head;
    note_checkpoint published = {.size = 0};
    gw_buf_init(&head_text, NOTE_BYTES_MAX);
    gw_buf_init(&note_text, NOTE_BYTES_MAX);
    gw_code rc_head = read_head(ev, &head_text, &head, err);
    if (rc_head != GW_OK && rc_head != GW_ENOTFOUND)
        return rc_head;
    gw_code rc = read_published(ev->log_dir, &note_text, &published, err);
    if (rc != GW_OK && rc != GW_ENOTFOUND)
        return rc;
    bool ours = rc_head == GW_OK && gw_str_is(head.origin, ev->origin);
    ev->signed_size = ours ? head.size : 0;
    if (ours)
        ev->signed_root = head.root;
    ev->published_size = published.size;
    if (published.size > ev->signed_size ||
        (published.size > 0 && published.size == ev->signed_size &&
         !merkle_equal(&published.root, &head.root)))
        return gw_fail(
            err, GW_ECORRUPT,
            "%s is missing, older than the published checkpoint, or disagrees with it; if "
            "the checkpoint is the right one, copy it there",
            ev->state_head);
    return GW_OK;
}

static gw_code keep_vkey(evidence *ev, gw_err *err)
{
    char path[PATH_MAX];
    GW_AUTO_BUF gw_buf want;
    GW_AUTO_BUF gw_buf have;
    gw_buf_init(&want, 1024);
    gw_buf_init(&have, 1024);
    note_key_put(&want, &ev->signer.key);
    gw_buf_putc(&want, '\n');
    if (snprintf(path, sizeof path, "%s/keys", ev->log_dir) >= PATH_MAX - 16)
        return gw_fail(err, GW_ELIMIT, "the evidence folder's path is too long");
    gw_code rc = gw_dir_make(path, 0700, err);
    strcat(path, "/log.vkey");
    if (rc == GW_OK)
        rc = gw_file_read(path, &have, err);
    if (rc == GW_ENOTFOUND)
        return gw_file_replace(path, gw_buf_str(&want), 0644, err);
    if (rc == GW_OK && !gw_str_eq(gw_buf_str(&want), gw_buf_str(&have)))
        return gw_fail(err, GW_EINVAL,
                       "%s is of another key: this log was begun with another log "
                       "key",
                       path);
    return rc;
}

gw_code current_checkpoint(evidence *ev, gw_err *err)
{
    merkle_hash root;
    merkle_hash proof[MERKLE_PROOF_MAX];
    size_t n = 0;
    char path[PATH_MAX];
    GW_AUTO_BUF gw_buf text;
    GW_AUTO_BUF gw_buf note;
    gw_buf_init(&text, NOTE_BYTES_MAX);
    gw_buf_init(&note, NOTE_BYTES_MAX);
    gw_code rc = catch_up_tiles(ev, err);
    uint64_t size = rc == GW_OK ? tiles_size(ev->tiles) : 0;
    if (rc == GW_OK && size == ev->published_size) {
        ev->news = false;
        return GW_OK;
    }
    if (rc == GW_OK)
        rc = tiles_publish(ev->tiles, err);
    if (rc == GW_OK)
        rc = tiles_root(ev->tiles, &root, err);
    if (rc == GW_OK && ev->signed_size > 0)
        rc = tiles_consistency(ev->tiles, ev->signed_size, proof, &n, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "checkpoint");
    if (ev->signed_size > 0 &&
        !merkle_consistency_holds(ev->signed_size, size, proof, n, &ev->signed_root, &root)) {
        ev->failed = true;
        return gw_fail(err, GW_ECORRUPT,
                       "the tree of %llu does not extend the signed one of %llu: "
                       "nothing is signed",
                       (unsigned long long)size, (unsigned long long)ev->signed_size);
    }
    note_checkpoint_put(&text, gw_str_of(ev->origin), size, &root);
    rc = gw_buf_code(&text, "checkpoint", err);
    if (rc == GW_OK)
        rc = gw_file_replace(ev->state_head, gw_buf_str(&text), 0600, err);
    if (rc != GW_OK)
        return rc;
    ev->signed_size = size;
    ev->signed_root = root;
    rc = note_sign(&note, gw_buf_str(&text), &ev->signer, 0, err);
    if (snprintf(path, sizeof path, "%s/checkpoint", ev->log_dir) >= PATH_MAX)
        gw_bug("path was checked at open");
    if (rc == GW_OK)
        rc = gw_file_replace(path, gw_buf_str(&note), 0644, err);
    if (rc != GW_OK)
        return rc;
    ev->published_size = size;
    ev->news = false;
    return GW_OK;
}

/* ---- opening ---- */

/* Entries of an earlier, closed log that the index lacks (it was deleted). */
static gw_code index_closed_log(evidence *ev, int year, gw_err *err)
{
    char dir[PATH_MAX];
    uint64_t size = 0;
    replay r = {.ev = ev, .treed = UINT64_MAX};
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(DRAFT_ARENA);
    if (!arena)
        return gw_fail(err, GW_ENOMEM, "indexing %d", year);
    r.arena = arena;
    name_log(ev, year, ev->origin, ev->log_dir);
    wal_dir_of(ev->log_dir, dir);
    gw_code rc = evindex_origin(ev->index, ev->origin, &ev->origin_id, err);
    if (rc == GW_OK)
        rc = evindex_size(ev->index, ev->origin_id, &r.indexed, err);
    if (rc == GW_OK)
        rc = replay_end(
            &r,
            wal_walk(dir, gw_str_of(ev->origin), r.indexed, false, replay_entry, &r, &size, err),
            err);
    if (rc == GW_OK && r.indexed > size)
        rc =
            gw_fail(err, GW_ECORRUPT, "%s holds %llu entries, its index %llu: segments are missing",
                    dir, (unsigned long long)size, (unsigned long long)r.indexed);
    return rc;
}

static gw_code open_log(evidence *ev, int year, wal_recovery *ret, gw_err *err)
{
    char dir[PATH_MAX];
    replay r = {.ev = ev};
    name_log(ev, year, ev->origin, ev->log_dir);
    ev->year = year;
    wal_dir_of(ev->log_dir, dir);
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(DRAFT_ARENA);
    if (!arena)
        return gw_fail(err, GW_ENOMEM, "opening the log of %d", year);
    r.arena = arena;
    gw_code rc = gw_dir_make(ev->log_dir, 0700, err);
    if (rc == GW_OK)
        rc = note_signer_make(gw_str_of(ev->origin), NOTE_ED25519, ev->seed, &ev->signer, err);
    if (rc == GW_OK)
        rc = keep_vkey(ev, err);
    if (rc == GW_OK)
        rc = load_head(ev, err);
    if (rc == GW_OK)
        rc = evindex_origin(ev->index, ev->origin, &ev->origin_id, err);
    if (rc == GW_OK)
        rc = evindex_size(ev->index, ev->origin_id, &r.indexed, err);
    if (rc == GW_OK)
        rc = open_tiles(ev, &r.treed, err);
    if (rc != GW_OK)
        return rc;
    uint64_t at_least = r.indexed > ev->signed_size ? r.indexed : ev->signed_size;
    uint64_t from = r.indexed < r.treed ? r.indexed : r.treed;
    rc = wal_open(dir, gw_str_of(ev->origin), ev->segment_bytes, at_least, from, replay_entry, &r,
                  &ev->wal, ret, err);
    rc = replay_end(&r, rc, err);
    if (rc == GW_OK)
        blob_year(ev->blob, year);
    return rc;
}

/* Time and clock step of the last entry of the log, so that going back is noticed over restarts. */
static gw_code load_clock(evidence *ev, gw_err *err)
{
    uint64_t size = wal_size(ev->wal);
    char dir[PATH_MAX];
    evindex_entry e;
    record_view v;
    if (size == 0)
        return GW_OK;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(DRAFT_ARENA);
    GW_AUTO_BUF gw_buf leaf;
    gw_buf_init(&leaf, WAL_LEAF_MAX);
    if (!arena)
        return gw_fail(err, GW_ENOMEM, "reading the last entry");
    wal_dir_of(ev->log_dir, dir);
    gw_code rc = evindex_at(ev->index, ev->origin_id, size - 1, &e, err);
    if (rc == GW_OK)
        rc = wal_read(dir, e.place, size - 1, &leaf, err);
    if (rc == GW_OK)
        rc = record_parse(gw_buf_str(&leaf), arena, &v, err);
    if (rc != GW_OK)
        return rc;
    ev->last_tb = v.tb;
    ev->clock_step = v.clock_step;
    return GW_OK;
}

gw_code current_open(evidence *ev, wal_recovery *ret, gw_err *err)
{
    int years[YEARS_MAX];
    size_t n = 0;
    gw_code rc = current_years(ev->dir, ev->base, years, YEARS_MAX, &n, err);
    for (size_t i = 0; rc == GW_OK && i + 1 < n; i++)
        rc = index_closed_log(ev, years[i], err);
    if (rc == GW_OK)
        rc = open_log(ev, n ? years[n - 1] : current_year_of(gw_clock_now(ev->clock)), ret, err);
    if (rc == GW_OK)
        rc = evindex_positions(ev->index, ev->last, err);
    return rc == GW_OK ? load_clock(ev, err) : rc;
}

void current_close(evidence *ev)
{
    wal_close(ev->wal);
    tiles_close(ev->tiles);
    note_signer_wipe(&ev->signer);
    ev->wal = NULL;
    ev->tiles = NULL;
}

/* Final head of the log before this one, when there is one. */
static gw_code put_previous(evidence *ev, gw_buf *fact, gw_err *err)
{
    int years[YEARS_MAX];
    size_t n = 0;
    char origin[ORIGIN_MAX + 1];
    char dir[PATH_MAX];
    note_checkpoint c;
    gw_code rc = current_years(ev->dir, ev->base, years, YEARS_MAX, &n, err);
    if (rc != GW_OK || n < 2 || wal_size(ev->wal) > 0)
        return rc;
    GW_AUTO_BUF gw_buf note;
    gw_buf_init(&note, NOTE_BYTES_MAX);
    name_log(ev, years[n - 2], origin, dir);
    rc = read_published(dir, &note, &c, err);
    if (rc != GW_OK)
        return rc;
    char root[DIGEST_HEX];
    gw_hex(c.root.b, sizeof c.root.b, root);
    json_put_member_str(fact, "prev_origin", c.origin);
    json_put_member_str(fact, "prev_root", gw_str_of(root));
    json_put_member_int(fact, "prev_size", (int64_t)c.size);
    return GW_OK;
}

gw_code current_start_record(evidence *ev, gw_err *err)
{
    GW_AUTO_BUF gw_buf fact;
    gw_buf_init(&fact, 2048);
    gw_buf_putc(&fact, '{');
    gw_code rc = put_previous(ev, &fact, err);
    json_put_member_str(&fact, "program", GW_STR("dunlin " DUNLIN_VERSION));
    if (ev->tiles_rebuilt)
        json_put_member_int(&fact, "tiles_rebuilt", 1);
    gw_buf_putc(&fact, '}');
    if (rc == GW_OK)
        rc = gw_buf_code(&fact, "x-Start", err);
    return rc == GW_OK ? group_log_own(ev, "x-Start", gw_buf_str(&fact), err) : rc;
}

gw_code current_rotate(evidence *ev, int year, gw_err *err)
{
    char fact[ORIGIN_MAX + 32];
    wal_recovery unused;
    snprintf(fact, sizeof fact, "{\"next\":\"%s/%04d\"}", ev->base, year);
    gw_code rc = group_log_own(ev, "x-Rotate", gw_str_of(fact), err);
    if (rc == GW_OK)
        rc = current_checkpoint(ev, err);
    if (rc != GW_OK)
        return rc;
    current_close(ev);
    rc = open_log(ev, year, &unused, err);
    if (rc == GW_OK)
        rc = current_start_record(ev, err);
    if (rc == GW_OK)
        rc = current_checkpoint(ev, err);
    if (rc != GW_OK)
        ev->failed = true; /* between two logs: the next open finishes what was begun */
    return rc;
}
