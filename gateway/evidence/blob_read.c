#include "gateway/evidence/blob.h"
#include "gateway/evidence/evidence.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char mark[4] = {'B', 'L', 'O', 'B'};

gw_code blob_disclosure(const blob_ref *r, const uint8_t key[CRYPT_KEY], gw_str plain, gw_buf *ret)
{
    uint8_t salt[RECORD_SALT];
    uint8_t hash[DIGEST_BYTES];
    char value[DIGEST_HEX + 2];
    vault_salt(key, &r->id, r->role, salt);
    digest_of(plain.p, plain.n, hash);
    value[0] = '"';
    gw_hex(hash, sizeof hash, value + 1);
    value[DIGEST_HEX] = '"';
    return record_disclosure_put(ret, salt, r->role, (gw_str){value, DIGEST_HEX + 1});
}

void blob_ref_put(gw_buf *b, const blob_ref *r)
{
    char text[DIGEST_HEX];
    gw_buf_puts(b, "{");
    json_put_member_str(b, "cmt", r->cmt);
    gw_id_format(&r->id, text);
    json_put_member_str(b, "id", gw_str_of(text));
    gw_id_format(&r->key, text);
    json_put_member_str(b, "key", gw_str_of(text));
    json_put_member_str(b, "media", r->media);
    json_put_member_int(b, "off", (int64_t)r->off);
    json_put_member_str(b, "role", r->role);
    json_put_member_str(b, "seg", r->seg);
    gw_hex(r->sha256, sizeof r->sha256, text);
    json_put_member_str(b, "sha256", gw_str_of(text));
    json_put_member_int(b, "size", (int64_t)r->size);
    gw_buf_puts(b, "}");
}

gw_code blob_ref_parse(const json_doc *d, uint32_t node, blob_ref *ret, gw_err *err)
{
    blob_ref r = {.size = 0};
    if (json_kind_of(d, node) != JSON_OBJECT || json_at(d, node)->count != 9)
        return gw_fail(err, GW_EINVAL, "blob reference: an object of nine members is expected");
    int64_t off = json_get_int(d, node, "off", -1);
    int64_t size = json_get_int(d, node, "size", -1);
    r.cmt = json_get_str(d, node, "cmt");
    r.role = json_get_str(d, node, "role");
    r.media = json_get_str(d, node, "media");
    r.seg = json_get_str(d, node, "seg");
    if (gw_id_parse(json_get_str(d, node, "id"), &r.id, NULL) != GW_OK ||
        gw_id_parse(json_get_str(d, node, "key"), &r.key, NULL) != GW_OK ||
        !digest_read_hex(json_get_str(d, node, "sha256"), r.sha256, DIGEST_BYTES) || off < 0 ||
        size < 0 || size > EVIDENCE_BLOB_MAX || r.cmt.n != DIGEST_B64URL - 1 || r.role.n == 0 ||
        r.role.n > BLOB_ROLE_MAX || !r.media.p || r.media.n > BLOB_MEDIA_MAX || r.seg.n != 11 ||
        r.seg.p[4] != '/')
        return gw_fail(err, GW_EINVAL, "blob reference: a member is missing or malformed");
    for (size_t i = 0; i < r.seg.n; i++)
        if (i != 4 && (r.seg.p[i] < '0' || r.seg.p[i] > '9'))
            return gw_fail(err, GW_EINVAL, "blob reference: seg is <year>/<six digits>");
    r.off = (uint64_t)off;
    r.size = (uint64_t)size;
    *ret = r;
    return GW_OK;
}

static gw_code damaged(const char *path, uint64_t off, const char *what, gw_err *err)
{
    return gw_fail(err, GW_ECORRUPT, "%s byte %llu: %s", path, (unsigned long long)off, what);
}

/* The frame at p is whole, has this id, and its checksum holds. */
static const char *frame_fault(const uint8_t *p, size_t n, const gw_id *id)
{
    if (n < BLOB_FRAME + CRYPT_OVERHEAD || memcmp(p, mark, sizeof mark) != 0)
        return "no content begins here";
    size_t sealed = crypt_get_be(p + 4, 4);
    if (sealed > n - BLOB_FRAME)
        return "the content is cut off";
    if (id && memcmp(p + 12, id->b, GW_ID_BYTES) != 0)
        return "another content lies here";
    if (crypt_get_be(p + 8, 4) != crypt_crc32c(0, p + 12, GW_ID_BYTES + sealed))
        return "the content fails its checksum";
    return NULL;
}

gw_code blob_read(const char *base, const blob_ref *r, gw_buf *ret_sealed, gw_err *err)
{
    char path[PATH_MAX];
    uint8_t hash[DIGEST_BYTES];
    snprintf(path, sizeof path, "%s/%.4s/seg-%.6s.bin", base, r->seg.p, r->seg.p + 5);
    size_t want = BLOB_FRAME + CRYPT_OVERHEAD + r->size;
    GW_AUTO_FREE uint8_t *frame = malloc(want);
    if (!frame)
        return gw_fail(err, GW_ENOMEM, "reading a content");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? damaged(path, 0, "the file is missing", err)
                               : gw_fail_errno(err, errno, "opening %s", path);
    size_t have = 0;
    ssize_t got = 1;
    while (have < want && got > 0) {
        got = pread(fd, frame + have, want - have, (off_t)(r->off + have));
        have += got > 0 ? (size_t)got : 0;
    }
    int why = errno;
    close(fd);
    if (got < 0)
        return gw_fail_errno(err, why, "reading %s", path);
    const char *fault = frame_fault(frame, have, &r->id);
    if (!fault && crypt_get_be(frame + 4, 4) != CRYPT_OVERHEAD + r->size)
        fault = "the content has another size";
    if (!fault) {
        digest_of(frame + BLOB_FRAME, CRYPT_OVERHEAD + r->size, hash);
        if (memcmp(hash, r->sha256, sizeof hash) != 0)
            fault = "the content is not the one the log names";
    }
    if (fault)
        return damaged(path, r->off, fault, err);
    gw_buf_put(ret_sealed, frame + BLOB_FRAME, CRYPT_OVERHEAD + r->size);
    return gw_buf_code(ret_sealed, "content", err);
}

gw_code blob_unseal(const blob_ref *r, const uint8_t key[CRYPT_KEY], gw_str sealed, gw_buf *ret,
                    gw_err *err)
{
    static const char what[] = "dunlin blob 1";
    GW_AUTO_BUF gw_buf ad;
    gw_buf_init(&ad, 128);
    gw_buf_put(&ad, what, sizeof what);
    gw_buf_put(&ad, r->id.b, GW_ID_BYTES);
    gw_buf_put_str(&ad, r->role);
    if (sealed.n < CRYPT_OVERHEAD)
        return gw_fail(err, GW_ECORRUPT, "a content is too short");
    char *to = gw_buf_reserve(ret, sealed.n - CRYPT_OVERHEAD + 1);
    if (!to || ad.code != GW_OK)
        return gw_buf_code(ret, "content", err);
    if (!crypt_unseal(key, gw_buf_str(&ad), (const uint8_t *)sealed.p, sealed.n, (uint8_t *)to))
        return gw_fail(err, GW_ECORRUPT, "a content does not open with its case's key");
    ret->n += sealed.n - CRYPT_OVERHEAD;
    ret->data[ret->n] = '\0';
    return GW_OK;
}

static gw_code check_frames(const char *path, const uint8_t *p, size_t n, uint64_t *ret_frames,
                            uint64_t *ret_torn, gw_err *err)
{
    static const char head[] = "DUNLBLB1";
    uint64_t frames = 0;
    size_t at = BLOB_HEADER;
    if (n < BLOB_HEADER) { /* a crash right after the file was made */
        *ret_frames = 0;
        *ret_torn = n;
        return GW_OK;
    }
    if (memcmp(p, head, BLOB_HEADER) != 0)
        return damaged(path, 0, "not a blob segment of format 1", err);
    for (; at < n; frames++) {
        const char *fault = frame_fault(p + at, n - at, NULL);
        bool tail = fault && !memmem(p + at + 1, n - at - 1, mark, sizeof mark);
        if (fault && !tail)
            return damaged(path, at, fault, err);
        if (fault)
            break;
        at += BLOB_FRAME + crypt_get_be(p + at + 4, 4);
    }
    *ret_frames = frames;
    *ret_torn = n - at;
    return GW_OK;
}

/* A segment file's bytes, mapped; unmap_segment gives them back. An empty file has p NULL. */
static gw_code map_segment(const char *path, gw_str *ret, gw_err *err)
{
    struct stat st;
    void *map = NULL;
    gw_code rc = GW_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return gw_fail_errno(err, errno, "opening %s", path);
    if (fstat(fd, &st) != 0)
        rc = gw_fail_errno(err, errno, "reading %s", path);
    else if (st.st_size > 0 &&
             (map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED)
        rc = gw_fail_errno(err, errno, "mapping %s", path);
    close(fd);
    if (rc == GW_OK)
        *ret = (gw_str){map, (size_t)st.st_size};
    return rc;
}

static void unmap_segment(gw_str s)
{
    if (s.p)
        munmap((void *)(uintptr_t)s.p, s.n);
}

gw_code blob_check_segment(const char *path, uint64_t *ret_frames, uint64_t *ret_torn, gw_err *err)
{
    gw_str bytes;
    gw_code rc = map_segment(path, &bytes, err);
    if (rc != GW_OK)
        return rc;
    rc = check_frames(path, (const uint8_t *)bytes.p, bytes.n, ret_frames, ret_torn, err);
    unmap_segment(bytes);
    return rc;
}

gw_code blob_each_frame(const char *path, blob_frame_visit visit, void *ctx, gw_err *err)
{
    gw_str bytes;
    gw_code rc = map_segment(path, &bytes, err);
    if (rc != GW_OK)
        return rc;
    const uint8_t *p = (const uint8_t *)bytes.p;
    for (size_t at = BLOB_HEADER; at < bytes.n && !frame_fault(p + at, bytes.n - at, NULL);) {
        size_t sealed = crypt_get_be(p + at + 4, 4);
        gw_id id;
        memcpy(id.b, p + at + 12, sizeof id.b);
        visit(ctx, &id, (gw_str){bytes.p + at + BLOB_FRAME, sealed});
        at += BLOB_FRAME + sealed;
    }
    unmap_segment(bytes);
    return GW_OK;
}
