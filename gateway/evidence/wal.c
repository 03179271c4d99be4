#include "gateway/evidence/wal.h"

#include "gateway/base/file.h"
#include "gateway/evidence/crypt.h"
#include "gateway/evidence/wal_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct wal {
    char *dir;
    char *origin;
    size_t segment_bytes;
    int fd;
    uint32_t segment;
    uint64_t size;  /* entries that are durable */
    uint64_t bytes; /* of the current segment that are durable */
    digest_state running;
    gw_buf group;
    uint64_t group_n;
    bool failed;
};

static gw_code dead(gw_err *err)
{
    return gw_fail(err, GW_EIO,
                   "the evidence log failed to sync earlier; restart the process to recover");
}

/* The header goes in by rename, so a segment is never seen without one. */
static gw_code start_segment(wal *w, uint32_t number, const uint8_t previous[DIGEST_BYTES],
                             gw_err *err)
{
    char path[WAL_PATH];
    uint8_t raw[WAL_HEADER];
    wal_header h = {.number = number, .first = w->size};
    digest_of(w->origin, strlen(w->origin), h.origin);
    memcpy(h.previous, previous, DIGEST_BYTES);
    wal_header_write(&h, raw);
    wal_segment_path(w->dir, number, path);
    gw_code rc = gw_file_replace(path, (gw_str){(char *)raw, sizeof raw}, 0600, err);
    if (rc != GW_OK)
        return rc;
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0)
        return gw_fail_errno(err, errno, "opening %s", path);
    if (w->fd >= 0)
        close(w->fd);
    w->fd = fd;
    w->segment = number;
    w->bytes = WAL_HEADER;
    digest_init(&w->running);
    digest_update(&w->running, raw, sizeof raw);
    return GW_OK;
}

static gw_code cut_tail(const char *dir, const wal_scanned *s, gw_err *err)
{
    char path[WAL_PATH];
    wal_segment_path(dir, s->header.number, path);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return gw_fail_errno(err, errno, "opening %s", path);
    gw_code rc = GW_OK;
    if (ftruncate(fd, (off_t)s->good_bytes) != 0 || fsync(fd) != 0)
        rc = gw_fail_errno(err, errno, "cutting the torn tail of %s", path);
    close(fd);
    return rc;
}

/* Judge what lies behind the last whole frame of the last segment. */
static gw_code judge_tail(wal *w, const wal_scanned *s, uint64_t at_least, wal_recovery *r,
                          gw_err *err)
{
    bool torn = false;
    char path[WAL_PATH];
    wal_segment_path(w->dir, s->header.number, path);
    if (s->good_bytes < s->file_bytes) {
        gw_code rc = wal_tail_is_torn(w->dir, s, &torn, err);
        if (rc != GW_OK)
            return rc;
        if (!torn || s->next < at_least)
            return gw_fail(err, GW_ECORRUPT,
                           "%s byte %llu: entry %llu fails its checksum although it was durable; "
                           "nothing is repaired, restore this file from a copy",
                           path, (unsigned long long)s->good_bytes, (unsigned long long)s->next);
        r->cut_bytes = s->file_bytes - s->good_bytes;
        r->cut_segment = s->header.number;
    }
    if (s->next < at_least)
        return gw_fail(err, GW_ECORRUPT,
                       "the log ends at entry %llu but %llu were durable before: an old copy was "
                       "restored, or segments are missing",
                       (unsigned long long)s->next, (unsigned long long)at_least);
    return torn ? cut_tail(w->dir, s, err) : GW_OK;
}

static gw_code recover(wal *w, uint32_t last, uint64_t at_least, uint64_t from, wal_visit visit,
                       void *ctx, wal_recovery *r, gw_err *err)
{
    uint32_t number = 0;
    wal_scanned s;
    gw_str origin = gw_str_of(w->origin);
    gw_code rc = wal_find_segment(w->dir, origin, last, from, &number, err);
    for (; rc == GW_OK; number++) {
        rc = wal_scan(w->dir, number, origin, from, visit, ctx, &s, err);
        if (rc != GW_OK || number == last)
            break;
        if (s.good_bytes != s.file_bytes)
            return gw_fail(err, GW_ECORRUPT,
                           "%s/%06u.seg byte %llu: entry %llu fails its checksum; nothing is "
                           "repaired, restore this file from a copy",
                           w->dir, number, (unsigned long long)s.good_bytes,
                           (unsigned long long)s.next);
    }
    if (rc == GW_OK)
        rc = judge_tail(w, &s, at_least, r, err);
    if (rc != GW_OK)
        return rc;
    char path[WAL_PATH];
    wal_segment_path(w->dir, last, path);
    w->fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (w->fd < 0)
        return gw_fail_errno(err, errno, "opening %s", path);
    w->segment = last;
    w->size = s.next;
    w->bytes = s.good_bytes;
    w->running = s.running;
    return GW_OK;
}

gw_code wal_open(const char *dir, gw_str origin, size_t segment_bytes, uint64_t at_least,
                 uint64_t from, wal_visit visit, void *ctx, wal **ret, wal_recovery *ret_recovery,
                 gw_err *err)
{
    uint32_t last = 0;
    wal_recovery r = {.size = 0};
    GW_AUTO(wal_close) wal *w = calloc(1, sizeof *w);
    if (!w || !(w->dir = strdup(dir)) || !(w->origin = strndup(origin.p, origin.n)))
        return gw_fail(err, GW_ENOMEM, "opening the evidence log");
    w->fd = -1;
    w->segment_bytes = segment_bytes ? segment_bytes : WAL_SEGMENT_DEFAULT;
    gw_buf_init(&w->group, WAL_GROUP_MAX);
    gw_code rc = gw_dir_make(dir, 0700, err);
    if (rc == GW_OK)
        rc = wal_last_segment(dir, &last, err);
    if (rc == GW_OK && last == 0 && at_least > 0)
        return gw_fail(err, GW_ECORRUPT, "%s is empty but %llu entries were durable before", dir,
                       (unsigned long long)at_least);
    if (rc == GW_OK) {
        static const uint8_t zeros[DIGEST_BYTES];
        rc = last ? recover(w, last, at_least, from, visit, ctx, &r, err)
                  : start_segment(w, 1, zeros, err);
    }
    if (rc != GW_OK)
        return rc;
    r.size = w->size;
    *ret_recovery = r;
    *ret = w;
    w = NULL;
    return GW_OK;
}

void wal_close(wal *w)
{
    if (!w)
        return;
    if (w->fd >= 0)
        close(w->fd);
    gw_buf_done(&w->group);
    free(w->dir);
    free(w->origin);
    free(w);
}

uint64_t wal_size(const wal *w)
{
    return w->size;
}

gw_code wal_begin(wal *w, gw_err *err)
{
    gw_buf_clear(&w->group);
    w->group_n = 0;
    if (w->failed)
        return dead(err);
    if (w->bytes < w->segment_bytes)
        return GW_OK;
    uint8_t hash[DIGEST_BYTES];
    digest_state copy = w->running;
    digest_final(&copy, hash);
    gw_code rc = start_segment(w, w->segment + 1, hash, err);
    w->failed = rc == GW_EIO;
    return rc;
}

gw_code wal_add(wal *w, gw_str leaf, wal_place *ret_place, gw_err *err)
{
    uint8_t head[WAL_FRAME];
    if (leaf.n == 0 || leaf.n > WAL_LEAF_MAX)
        return gw_fail(err, GW_ELIMIT, "an entry must have 1 to %d bytes", WAL_LEAF_MAX);
    wal_place place = {w->segment, w->bytes + w->group.n};
    crypt_put_be(head, leaf.n | (w->group_n == 0 ? WAL_GROUP_FLAG : 0), 4);
    crypt_put_be(head + 8, w->size + w->group_n, 8);
    uint32_t crc = crypt_crc32c(0, head, 4);
    crc = crypt_crc32c(crc, head + 8, 8);
    crypt_put_be(head + 4, crypt_crc32c(crc, leaf.p, leaf.n), 4);
    gw_buf_put(&w->group, head, sizeof head);
    gw_buf_put_str(&w->group, leaf);
    gw_code rc = gw_buf_code(&w->group, "one group of entries", err);
    if (rc != GW_OK)
        return rc;
    w->group_n++;
    *ret_place = place;
    return GW_OK;
}

gw_code wal_commit(wal *w, gw_err *err)
{
    if (w->failed)
        return dead(err);
    if (w->group_n == 0)
        return GW_OK;
    gw_code rc = gw_file_write_all(w->fd, w->group.data, w->group.n, err);
    if (rc != GW_OK) { /* nothing was promised yet: take back what was written */
        w->failed = rc != GW_ENOSPC || ftruncate(w->fd, (off_t)w->bytes) != 0;
        return gw_wrap(err, w->failed ? GW_EIO : rc, "evidence log");
    }
    if (fdatasync(w->fd) != 0) {
        w->failed = true;
        return gw_fail_errno(err, EIO, "syncing the evidence log");
    }
    digest_update(&w->running, w->group.data, w->group.n);
    w->bytes += w->group.n;
    w->size += w->group_n;
    w->group_n = 0;
    gw_buf_clear(&w->group);
    return GW_OK;
}
