#include "gateway/evidence/blob.h"

#include "gateway/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const char head[BLOB_HEADER] = {'D', 'U', 'N', 'L', 'B', 'L', 'B', '1'};
static const char mark[4] = {'B', 'L', 'O', 'B'};

struct blob {
    pthread_mutex_t lock;
    char *base;
    size_t segment_bytes;
    int year;
    int fd;
    unsigned number;
    uint64_t bytes; /* of the segment, with what is buffered */
    gw_buf buffer;
    crypt_pool pool;
    bool unsynced, failed;
};

gw_code blob_open(const char *base, size_t segment_bytes, blob **ret, gw_err *err)
{
    blob *b = calloc(1, sizeof *b);
    if (!b || !(b->base = strdup(base))) {
        free(b);
        return gw_fail(err, GW_ENOMEM, "opening the blob store");
    }
    pthread_mutex_init(&b->lock, NULL);
    b->fd = -1;
    b->segment_bytes = segment_bytes ? segment_bytes : 64 * 1024 * 1024;
    gw_buf_init(&b->buffer, 80 * 1024 * 1024);
    *ret = b;
    return GW_OK;
}

void blob_close(blob *b)
{
    if (!b)
        return;
    if (b->fd >= 0)
        close(b->fd);
    gw_buf_done(&b->buffer);
    pthread_mutex_destroy(&b->lock);
    free(b->base);
    free(b);
}

static gw_code write_buffer(blob *b, gw_err *err)
{
    if (b->buffer.n == 0)
        return GW_OK;
    uint64_t written = b->bytes - b->buffer.n;
    gw_code rc = gw_file_write_all(b->fd, b->buffer.data, b->buffer.n, err);
    if (rc != GW_OK) { /* the buffer stays: a full disk may get room again */
        b->failed = rc != GW_ENOSPC || ftruncate(b->fd, (off_t)written) != 0;
        return gw_wrap(err, b->failed ? GW_EIO : rc, "blob store");
    }
    gw_buf_clear(&b->buffer);
    b->unsynced = true;
    return GW_OK;
}

static gw_code sync_file(blob *b, gw_err *err)
{
    gw_code rc = write_buffer(b, err);
    if (rc != GW_OK || !b->unsynced)
        return rc;
    if (fdatasync(b->fd) != 0) {
        b->failed = true;
        return gw_fail_errno(err, EIO, "syncing the blob store");
    }
    b->unsynced = false;
    return GW_OK;
}

static gw_code start_segment(blob *b, gw_err *err)
{
    char path[PATH_MAX];
    int fd = -1;
    unsigned number = b->number;
    snprintf(path, sizeof path, "%s/%d", b->base, b->year);
    gw_code rc = gw_dir_make(path, 0700, err);
    if (rc != GW_OK)
        return rc;
    do {
        if (++number > 999999)
            return gw_fail(err, GW_ELIMIT, "the blob store of %d is full", b->year);
        snprintf(path, sizeof path, "%s/%d/seg-%06u.bin", b->base, b->year, number);
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    } while (fd < 0 && errno == EEXIST);
    if (fd < 0)
        return gw_fail_errno(err, errno, "creating %s", path);
    rc = gw_file_write_all(fd, head, sizeof head, err);
    *strrchr(path, '/') = '\0';
    if (rc == GW_OK)
        rc = gw_dir_sync(path, err);
    if (rc != GW_OK) {
        close(fd);
        return rc;
    }
    b->fd = fd;
    b->number = number;
    b->bytes = sizeof head;
    b->unsynced = true;
    return GW_OK;
}

static gw_code end_segment(blob *b, gw_err *err)
{
    if (b->fd < 0)
        return GW_OK;
    gw_code rc = sync_file(b, err);
    if (rc != GW_OK)
        return rc;
    close(b->fd);
    b->fd = -1;
    return GW_OK;
}

void blob_year(blob *b, int year)
{
    pthread_mutex_lock(&b->lock);
    if (b->year != year && end_segment(b, NULL) == GW_OK) {
        b->year = year;
        b->number = 0;
    }
    pthread_mutex_unlock(&b->lock);
}

static gw_code make_room(blob *b, size_t n, gw_err *err)
{
    gw_code rc = GW_OK;
    if (b->fd >= 0 && b->bytes > BLOB_HEADER && b->bytes + n > b->segment_bytes)
        rc = end_segment(b, err);
    if (rc == GW_OK && b->fd < 0)
        rc = start_segment(b, err);
    if (rc == GW_OK && b->buffer.n > BLOB_BUFFER)
        rc = write_buffer(b, err);
    return rc;
}

static gw_str binding(const gw_id *id, gw_str role, char room[64 + BLOB_ROLE_MAX])
{
    static const char what[] = "dunlin blob 1";
    memcpy(room, what, sizeof what);
    memcpy(room + sizeof what, id->b, GW_ID_BYTES);
    memcpy(room + sizeof what + GW_ID_BYTES, role.p, role.n);
    return (gw_str){room, sizeof what + GW_ID_BYTES + role.n};
}

/* Frame and seal into the buffer; tells where it lies and its hash. */
static gw_code add_frame(blob *b, const vault_case *c, gw_str plain, blob_ref *r, gw_err *err)
{
    char room[64 + BLOB_ROLE_MAX];
    size_t sealed = plain.n + CRYPT_OVERHEAD;
    gw_code rc = make_room(b, BLOB_FRAME + sealed, err);
    if (rc != GW_OK)
        return rc;
    uint8_t *p = (uint8_t *)gw_buf_reserve(&b->buffer, BLOB_FRAME + sealed);
    if (!p) {
        rc = gw_buf_code(&b->buffer, "content waiting to be written", err);
        b->buffer.code = GW_OK; /* what is in there is whole; only this one did not fit */
        return rc;
    }
    memcpy(p, mark, sizeof mark);
    crypt_put_be(p + 4, sealed, 4);
    memcpy(p + 12, r->id.b, GW_ID_BYTES);
    crypt_seal(&b->pool, c->key, binding(&r->id, r->role, room), plain.p, plain.n, p + BLOB_FRAME);
    crypt_put_be(p + 8, crypt_crc32c(0, p + 12, GW_ID_BYTES + sealed), 4);
    digest_of(p + BLOB_FRAME, sealed, r->sha256);
    r->off = b->bytes;
    b->buffer.n += BLOB_FRAME + sealed;
    b->bytes += BLOB_FRAME + sealed;
    return GW_OK;
}

static bool word_is_good(gw_str s, size_t max, const char *more)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9') ||
              (s.p[i] && strchr(more, s.p[i]))))
            return false;
    return s.n > 0 && s.n <= max;
}

#define MEDIA_EXTRA "-+./;= _ABCDEFGHIJKLMNOPQRSTUVWXYZ\"'"

gw_code blob_put(blob *b, const vault_case *c, const char *role, const char *media, gw_str bytes,
                 gw_buf *ret_ref, gw_err *err)
{
    char commitment[DIGEST_B64URL];
    char seg[32];
    blob_ref r = {.key = c->kase, .role = gw_str_of(role), .media = gw_str_of(media)};
    if (!word_is_good(r.role, BLOB_ROLE_MAX, "-"))
        return gw_fail(err, GW_EINVAL, "blob role must be 1-%d of [a-z0-9-]", BLOB_ROLE_MAX);
    if (!word_is_good(r.media, BLOB_MEDIA_MAX, MEDIA_EXTRA))
        return gw_fail(err, GW_EINVAL, "media type is malformed");
    pthread_mutex_lock(&b->lock);
    crypt_random(&b->pool, r.id.b, GW_ID_BYTES);
    pthread_mutex_unlock(&b->lock);
    r.size = bytes.n;
    GW_AUTO_BUF gw_buf disclosure;
    gw_buf_init(&disclosure, 1024);
    gw_code rc = blob_disclosure(&r, c->key, bytes, &disclosure);
    if (rc == GW_OK)
        rc = record_commitment(gw_buf_str(&disclosure), commitment);
    if (rc != GW_OK)
        return gw_fail(err, rc, "blob reference: out of memory");
    pthread_mutex_lock(&b->lock);
    rc = b->failed ? gw_fail(err, GW_EIO, "the blob store failed earlier; restart to recover")
                   : add_frame(b, c, bytes, &r, err);
    snprintf(seg, sizeof seg, "%d/%06u", b->year, b->number);
    pthread_mutex_unlock(&b->lock);
    if (rc != GW_OK)
        return rc;
    r.cmt = gw_str_of(commitment);
    r.seg = gw_str_of(seg);
    blob_ref_put(ret_ref, &r);
    return gw_buf_code(ret_ref, "blob reference", err);
}

gw_code blob_sync(blob *b, gw_err *err)
{
    pthread_mutex_lock(&b->lock);
    gw_code rc = b->failed
                     ? gw_fail(err, GW_EIO, "the blob store failed earlier; restart to recover")
                     : sync_file(b, err);
    pthread_mutex_unlock(&b->lock);
    return rc;
}
