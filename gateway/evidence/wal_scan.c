#include "gateway/evidence/wal_scan.h"

#include "gateway/evidence/crypt.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const char magic[8] = "DUNLWAL1";
enum { VERSION = 1, WINDOW = 1024 * 1024 };

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}
#define AUTO_CLOSE __attribute__((cleanup(close_fd)))

void wal_segment_path(const char *dir, uint32_t number, char ret[WAL_PATH])
{
    snprintf(ret, WAL_PATH, "%s/%06u.seg", dir, number);
}

gw_code wal_last_segment(const char *dir, uint32_t *ret, gw_err *err)
{
    uint32_t last = 0;
    uint32_t count = 0;
    DIR *d = opendir(dir);
    if (!d)
        return errno == ENOENT ? gw_fail(err, GW_ENOTFOUND, "%s does not exist", dir)
                               : gw_fail_errno(err, errno, "opening %s", dir);
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        unsigned number = 0;
        int n = 0;
        if (sscanf(e->d_name, "%6u.seg%n", &number, &n) != 1 || n != 10 || e->d_name[n] != '\0')
            continue;
        count++;
        last = number > last ? number : last;
    }
    closedir(d);
    if (count != last)
        return gw_fail(err, GW_ECORRUPT, "%s: %u segments but the last is number %u", dir, count,
                       last);
    *ret = last;
    return GW_OK;
}

void wal_header_write(const wal_header *h, uint8_t ret[WAL_HEADER])
{
    memset(ret, 0, WAL_HEADER);
    memcpy(ret, magic, sizeof magic);
    crypt_put_be(ret + 8, VERSION, 4);
    crypt_put_be(ret + 12, h->number, 4);
    memcpy(ret + 16, h->origin, DIGEST_BYTES);
    crypt_put_be(ret + 48, h->first, 8);
    memcpy(ret + 56, h->previous, DIGEST_BYTES);
    crypt_put_be(ret + 92, crypt_crc32c(0, ret, 92), 4);
}

static gw_code parse_header(const uint8_t *raw, uint32_t number, gw_str origin, const char *path,
                            wal_header *ret, gw_err *err)
{
    uint8_t hash[DIGEST_BYTES];
    if (memcmp(raw, magic, sizeof magic) != 0 || crypt_get_be(raw + 8, 4) != VERSION)
        return gw_fail(err, GW_ECORRUPT, "%s byte 0: not a segment of format %d", path, VERSION);
    if (crypt_get_be(raw + 88, 4) != 0 || crypt_get_be(raw + 92, 4) != crypt_crc32c(0, raw, 92))
        return gw_fail(err, GW_ECORRUPT, "%s byte 0: the segment header fails its checksum", path);
    wal_header h = {.number = (uint32_t)crypt_get_be(raw + 12, 4),
                    .first = crypt_get_be(raw + 48, 8)};
    memcpy(h.origin, raw + 16, DIGEST_BYTES);
    memcpy(h.previous, raw + 56, DIGEST_BYTES);
    digest_of(origin.p, origin.n, hash);
    if (h.number != number || memcmp(h.origin, hash, DIGEST_BYTES) != 0)
        return gw_fail(err, GW_ECORRUPT, "%s byte 0: segment %u of another log", path, h.number);
    *ret = h;
    return GW_OK;
}

static gw_code read_at(int fd, const char *path, void *to, size_t n, uint64_t offset, size_t *ret_n,
                       gw_err *err)
{
    size_t have = 0;
    while (have < n) {
        ssize_t got = pread(fd, (char *)to + have, n - have, (off_t)(offset + have));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return gw_fail_errno(err, errno, "reading %s", path);
        if (got == 0)
            break;
        have += (size_t)got;
    }
    *ret_n = have;
    return GW_OK;
}

static gw_code open_segment(const char *dir, uint32_t number, int *ret_fd, uint64_t *ret_bytes,
                            char ret_path[WAL_PATH], gw_err *err)
{
    struct stat st;
    wal_segment_path(dir, number, ret_path);
    int fd = open(ret_path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return gw_fail_errno(err, errno, "opening %s", ret_path);
    if (fstat(fd, &st) != 0 || st.st_size > WAL_SEGMENT_MAX) {
        close(fd);
        return gw_fail(err, GW_ECORRUPT, "%s is larger than a segment can be", ret_path);
    }
    *ret_fd = fd;
    *ret_bytes = (uint64_t)st.st_size;
    return GW_OK;
}

gw_code wal_header_read(const char *dir, uint32_t number, gw_str origin, wal_header *ret,
                        gw_err *err)
{
    char path[WAL_PATH];
    uint8_t raw[WAL_HEADER];
    uint64_t bytes;
    size_t n = 0;
    AUTO_CLOSE int fd = -1;
    gw_code rc = open_segment(dir, number, &fd, &bytes, path, err);
    if (rc == GW_OK)
        rc = read_at(fd, path, raw, sizeof raw, 0, &n, err);
    if (rc != GW_OK)
        return rc;
    if (n < sizeof raw)
        return gw_fail(err, GW_ECORRUPT, "%s: shorter than a segment header", path);
    return parse_header(raw, number, origin, path, ret, err);
}

gw_code wal_find_segment(const char *dir, gw_str origin, uint32_t last, uint64_t from,
                         uint32_t *ret, gw_err *err)
{
    for (uint32_t number = last; number > 0; number--) {
        wal_header h;
        gw_code rc = wal_header_read(dir, number, origin, &h, err);
        if (rc != GW_OK)
            return rc;
        if (h.first <= from || number == 1) {
            *ret = number;
            return GW_OK;
        }
    }
    return gw_fail(err, GW_ENOTFOUND, "%s holds no segment", dir);
}

/* A whole, good frame of this index at p (n bytes there)? Its length, or 0. */
static size_t frame_length(const uint8_t *p, size_t n, uint64_t index)
{
    if (n < WAL_FRAME + 1)
        return 0;
    uint32_t word = (uint32_t)crypt_get_be(p, 4);
    uint32_t length = word & ~WAL_GROUP_FLAG;
    if (length == 0 || length > WAL_LEAF_MAX || n - WAL_FRAME < length ||
        crypt_get_be(p + 8, 8) != index)
        return 0;
    uint32_t crc = crypt_crc32c(crypt_crc32c(0, p, 4), p + 8, 8 + length);
    return crypt_get_be(p + 4, 4) == crc ? WAL_FRAME + length : 0;
}

typedef struct {
    int fd;
    const char *path;
    uint8_t *bytes;
    size_t have, at;
    uint64_t offset; /* of bytes[at] in the file */
} window;

/* Keep what is unread and fill up behind it. */
static gw_code refill(window *w, gw_err *err)
{
    size_t got = 0;
    memmove(w->bytes, w->bytes + w->at, w->have - w->at);
    w->have -= w->at;
    w->at = 0;
    gw_code rc = read_at(w->fd, w->path, w->bytes + w->have, WINDOW - w->have, w->offset + w->have,
                         &got, err);
    w->have += got;
    return rc;
}

static gw_code scan_frames(window *w, uint64_t from, wal_visit visit, void *ctx, wal_scanned *s,
                           gw_err *err)
{
    for (;;) {
        if (w->have - w->at < WAL_FRAME + WAL_LEAF_MAX) {
            gw_code rc = refill(w, err);
            if (rc != GW_OK)
                return rc;
        }
        size_t n = frame_length(w->bytes + w->at, w->have - w->at, s->next);
        if (n == 0)
            return GW_OK;
        const uint8_t *p = w->bytes + w->at;
        if (visit && s->next >= from) {
            gw_str leaf = {(const char *)p + WAL_FRAME, n - WAL_FRAME};
            gw_code rc = visit(ctx, s->next, (wal_place){s->header.number, w->offset}, leaf, err);
            if (rc != GW_OK)
                return rc;
        }
        digest_update(&s->running, p, n);
        w->at += n;
        w->offset += n;
        s->next++;
        s->good_bytes += n;
    }
}

gw_code wal_scan(const char *dir, uint32_t number, gw_str origin, uint64_t from, wal_visit visit,
                 void *ctx, wal_scanned *ret, gw_err *err)
{
    char path[WAL_PATH];
    wal_scanned s = {.good_bytes = WAL_HEADER};
    AUTO_CLOSE int fd = -1;
    GW_AUTO_FREE uint8_t *bytes = malloc(WINDOW);
    if (!bytes)
        return gw_fail(err, GW_ENOMEM, "scanning the log");
    gw_code rc = open_segment(dir, number, &fd, &s.file_bytes, path, err);
    if (rc != GW_OK)
        return rc;
    window w = {.fd = fd, .path = path, .bytes = bytes};
    rc = refill(&w, err);
    if (rc != GW_OK)
        return rc;
    if (w.have < WAL_HEADER)
        return gw_fail(err, GW_ECORRUPT, "%s: shorter than a segment header", path);
    rc = parse_header(bytes, number, origin, path, &s.header, err);
    if (rc != GW_OK)
        return rc;
    s.next = s.header.first;
    digest_init(&s.running);
    digest_update(&s.running, bytes, WAL_HEADER);
    w.at = WAL_HEADER;
    w.offset = WAL_HEADER;
    rc = scan_frames(&w, from, visit, ctx, &s, err);
    if (rc != GW_OK)
        return rc;
    digest_state copy = s.running;
    digest_final(&copy, s.hash);
    *ret = s;
    return GW_OK;
}

/* A later group proves that the damaged one was durable once. Indexes of a torn group lie within
 * what one group can hold. */
static bool later_group_at(const uint8_t *p, size_t n, uint64_t next)
{
    if (n < WAL_FRAME + 1 || !(p[0] & 0x80))
        return false;
    uint64_t index = crypt_get_be(p + 8, 8);
    return index > next && index - next < WAL_GROUP_MAX && frame_length(p, n, index) > 0;
}

gw_code wal_tail_is_torn(const char *dir, const wal_scanned *s, bool *ret, gw_err *err)
{
    char path[WAL_PATH];
    uint64_t bytes;
    size_t n = 0;
    size_t rest = (size_t)(s->file_bytes - s->good_bytes);
    if (rest > WAL_GROUP_MAX) {
        *ret = false;
        return GW_OK;
    }
    AUTO_CLOSE int fd = -1;
    GW_AUTO_FREE uint8_t *tail = malloc(rest + 1);
    if (!tail)
        return gw_fail(err, GW_ENOMEM, "scanning the log");
    gw_code rc = open_segment(dir, s->header.number, &fd, &bytes, path, err);
    if (rc == GW_OK)
        rc = read_at(fd, path, tail, rest, s->good_bytes, &n, err);
    if (rc != GW_OK)
        return rc;
    bool later = false;
    for (size_t i = 1; i < n && !later; i++)
        later = later_group_at(tail + i, n - i, s->next);
    *ret = !later;
    return GW_OK;
}

gw_code wal_read(const char *dir, wal_place at, uint64_t index, gw_buf *ret_leaf, gw_err *err)
{
    char path[WAL_PATH];
    uint64_t bytes;
    size_t n = 0;
    uint8_t frame[WAL_FRAME + WAL_LEAF_MAX];
    AUTO_CLOSE int fd = -1;
    gw_code rc = open_segment(dir, at.segment, &fd, &bytes, path, err);
    if (rc == GW_OK) /* most leaves fit the first read */
        rc = read_at(fd, path, frame, 4096, at.offset, &n, err);
    if (rc == GW_OK && n == 4096 && (crypt_get_be(frame, 4) & ~WAL_GROUP_FLAG) > 4096 - WAL_FRAME)
        rc = read_at(fd, path, frame, sizeof frame, at.offset, &n, err);
    if (rc != GW_OK)
        return rc;
    size_t length = frame_length(frame, n, index);
    if (length == 0)
        return gw_fail(err, GW_ECORRUPT, "%s byte %llu: the frame of entry %llu fails its checksum",
                       path, (unsigned long long)at.offset, (unsigned long long)index);
    gw_buf_put(ret_leaf, frame + WAL_FRAME, length - WAL_FRAME);
    return gw_buf_code(ret_leaf, "leaf", err);
}

/* What a walk demands of a scanned segment: that it continues the one before and is whole. */
static gw_code check_walked(const char *dir, const wal_scanned *s, const wal_scanned *before,
                            bool last, bool tail_ok, gw_err *err)
{
    static const uint8_t zeros[DIGEST_BYTES];
    char path[WAL_PATH];
    wal_segment_path(dir, s->header.number, path);
    bool first = s->header.number == 1;
    if ((first && (s->header.first != 0 || memcmp(s->header.previous, zeros, DIGEST_BYTES) != 0)) ||
        (before && (s->header.first != before->next ||
                    memcmp(s->header.previous, before->hash, DIGEST_BYTES) != 0)))
        return gw_fail(err, GW_ECORRUPT, "%s byte 48: does not continue the segment before it",
                       path);
    if (s->good_bytes == s->file_bytes)
        return GW_OK;
    bool torn = false;
    if (last && tail_ok) {
        gw_code rc = wal_tail_is_torn(dir, s, &torn, err);
        if (rc != GW_OK)
            return rc;
    }
    if (torn)
        return GW_OK;
    return gw_fail(err, GW_ECORRUPT, "%s byte %llu: the frame of entry %llu fails its checksum",
                   path, (unsigned long long)s->good_bytes, (unsigned long long)s->next);
}

gw_code wal_walk(const char *dir, gw_str origin, uint64_t from, bool tail_ok, wal_visit visit,
                 void *ctx, uint64_t *ret_size, gw_err *err)
{
    uint32_t last = 0;
    uint32_t number = 0;
    wal_scanned s;
    wal_scanned before;
    bool have_before = false;
    gw_code rc = wal_last_segment(dir, &last, err);
    if (rc == GW_OK)
        rc = wal_find_segment(dir, origin, last, from, &number, err);
    for (; rc == GW_OK && number <= last; number++) {
        rc = wal_scan(dir, number, origin, from, visit, ctx, &s, err);
        if (rc == GW_OK)
            rc = check_walked(dir, &s, have_before ? &before : NULL, number == last, tail_ok, err);
        before = s;
        have_before = true;
    }
    if (rc == GW_OK)
        *ret_size = s.next;
    return rc;
}
