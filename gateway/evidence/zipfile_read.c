#include "gateway/evidence/zipfile_format.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 256 * 1024 };

struct zipfile {
    int fd;
    uint64_t bytes;
    size_t n, cap;
    zipfile_member *members;
    char *names; /* all names, NUL-terminated, one behind the other */
    size_t names_n, names_cap;
    uint32_t *table; /* open hash table of member number + 1 */
    size_t slots;
};

static gw_code read_at(zipfile *z, void *to, size_t n, uint64_t offset, gw_err *err)
{
    size_t have = 0;
    while (have < n) {
        ssize_t got = pread(z->fd, (char *)to + have, n - have, (off_t)(offset + have));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return gw_fail_errno(err, errno, "reading the bundle");
        if (got == 0)
            return gw_fail(err, GW_ECORRUPT, "bundle byte %llu: the file ends here",
                           (unsigned long long)(offset + have));
        have += (size_t)got;
    }
    return GW_OK;
}

static gw_code altered(uint64_t at, const char *what, gw_err *err)
{
    return gw_fail(err, GW_ECORRUPT, "bundle byte %llu: %s", (unsigned long long)at, what);
}

typedef struct {
    uint64_t count, offset, bytes;
} directory;

/* Find the directory from the end of the file, then demand that the end is exactly what we write
 * for it. */
static gw_code read_end(zipfile *z, directory *ret, gw_err *err)
{
    uint8_t have[ZIP_END64 + ZIP_LOCATOR + ZIP_END];
    uint8_t want[sizeof have];
    directory d;
    if (z->bytes < ZIP_END)
        return gw_fail(err, GW_EINVAL, "not an evidence bundle: shorter than any ZIP file");
    size_t n = z->bytes < sizeof have ? ZIP_END : sizeof have;
    gw_code rc = read_at(z, have, n, z->bytes - n, err);
    if (rc != GW_OK)
        return rc;
    const uint8_t *end = have + n - ZIP_END;
    d.count = zip_get(end + 10, 2);
    d.bytes = zip_get(end + 12, 4);
    d.offset = zip_get(end + 16, 4);
    if (n == sizeof have && (d.count == UINT16_MAX || d.bytes == zip_32 || d.offset == zip_32)) {
        d.count = zip_get(have + 32, 8);
        d.bytes = zip_get(have + 40, 8);
        d.offset = zip_get(have + 48, 8);
    }
    if (d.count > ZIPFILE_MEMBERS_MAX)
        return gw_fail(err, GW_ELIMIT, "a bundle has at most %d members", ZIPFILE_MEMBERS_MAX);
    size_t length = zip_put_end(want, d.count, d.offset, d.bytes);
    if (length > n || memcmp(want, have + n - length, length) != 0)
        return gw_fail(err, zip_get(end, 4) == 0x06054b50 ? GW_ECORRUPT : GW_EINVAL,
                       "not an evidence bundle as dunlin writes it: the end record differs");
    if (d.offset > z->bytes || d.bytes > z->bytes - d.offset ||
        d.offset + d.bytes + length != z->bytes || d.count * ZIP_CENTRAL > d.bytes)
        return altered(z->bytes - length, "the directory does not fit the file", err);
    *ret = d;
    return GW_OK;
}

static uint64_t hash_name(const char *name, size_t n)
{
    uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)name[i]) * UINT64_C(1099511628211);
    return h ^ h >> 29;
}

/* Slot of a name: where it is, or the free one where it belongs. */
static size_t slot_of(const zipfile *z, const char *name)
{
    size_t at = hash_name(name, strlen(name)) & (z->slots - 1);
    while (z->table[at] && strcmp(z->members[z->table[at] - 1].name, name) != 0)
        at = (at + 1) & (z->slots - 1);
    return at;
}

/* One central header at p: fill m, then demand the bytes we would write for it. */
static gw_code take_central(zipfile *z, const uint8_t *p, size_t n, uint64_t at, uint64_t expected,
                            size_t *ret_length, gw_err *err)
{
    uint8_t want[ZIP_LONGEST];
    zipfile_member *m = &z->members[z->n];
    size_t name = n >= ZIP_CENTRAL ? zip_get(p + 28, 2) : 0;
    if (name == 0 || name > ZIPFILE_NAME_MAX || n < ZIP_CENTRAL + name ||
        !zipfile_name_is_good((const char *)p + ZIP_CENTRAL, name))
        return altered(at, "a directory entry is malformed", err);
    char *copy = z->names + z->names_n;
    memcpy(copy, p + ZIP_CENTRAL, name);
    copy[name] = '\0';
    *m = (zipfile_member){.name = copy,
                          .crc = (uint32_t)zip_get(p + 16, 4),
                          .size = zip_get(p + 24, 4),
                          .offset = expected + ZIP_LOCAL + name};
    size_t length = zip_put_central(want, m, expected);
    if (length > n || memcmp(want, p, length) != 0)
        return altered(at, "a directory entry differs from what dunlin writes", err);
    size_t slot = slot_of(z, copy);
    if (z->table[slot])
        return altered(at, "a member's name occurs twice", err);
    z->names_n += name + 1;
    z->n++;
    z->table[slot] = (uint32_t)z->n;
    *ret_length = length;
    return GW_OK;
}

static gw_code check_local(zipfile *z, const zipfile_member *m, gw_err *err)
{
    uint8_t want[ZIP_LONGEST];
    uint8_t have[ZIP_LONGEST];
    size_t n = zip_put_local(want, m);
    uint64_t at = m->offset - n;
    if (m->offset > z->bytes || m->size > z->bytes - m->offset)
        return altered(at, "a member reaches behind the end of the file", err);
    gw_code rc = read_at(z, have, n, at, err);
    if (rc == GW_OK && memcmp(want, have, n) != 0)
        return altered(at, "a member's header differs from the directory", err);
    return rc;
}

static gw_code read_directory(zipfile *z, const directory *d, gw_err *err)
{
    GW_AUTO_FREE uint8_t *window = malloc(PIECE);
    size_t have = 0;
    uint64_t from = d->offset; /* of window[0] */
    uint64_t end = d->offset + d->bytes;
    uint64_t expected = 0; /* where the next member must begin */
    if (!window)
        return gw_fail(err, GW_ENOMEM, "reading the bundle");
    size_t at = 0;
    for (uint64_t i = 0; i < d->count; i++) {
        size_t length = 0;
        if (have - at < ZIP_LONGEST && from + have < end) {
            memmove(window, window + at, have - at);
            from += at;
            have -= at;
            at = 0;
            size_t more =
                end - from - have < PIECE - have ? (size_t)(end - from - have) : PIECE - have;
            gw_code rc = read_at(z, window + have, more, from + have, err);
            if (rc != GW_OK)
                return rc;
            have += more;
        }
        gw_code rc = take_central(z, window + at, have - at, from + at, expected, &length, err);
        if (rc == GW_OK)
            rc = check_local(z, &z->members[z->n - 1], err);
        if (rc != GW_OK)
            return rc;
        at += length;
        expected = z->members[z->n - 1].offset + z->members[z->n - 1].size;
    }
    if (from + at != end || expected != d->offset)
        return altered(expected, "bytes that belong to no member", err);
    return GW_OK;
}

gw_code zipfile_open(const char *path, zipfile **ret, gw_err *err)
{
    struct stat st;
    directory d = {0};
    GW_AUTO(zipfile_close) zipfile *z = calloc(1, sizeof *z);
    if (!z)
        return gw_fail(err, GW_ENOMEM, "opening %s", path);
    z->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (z->fd < 0)
        return errno == ENOENT ? gw_fail(err, GW_ENOTFOUND, "%s does not exist", path)
                               : gw_fail_errno(err, errno, "opening %s", path);
    if (fstat(z->fd, &st) != 0 || !S_ISREG(st.st_mode))
        return gw_fail(err, GW_EINVAL, "%s is not a file", path);
    z->bytes = (uint64_t)st.st_size;
    gw_code rc = read_end(z, &d, err);
    if (rc != GW_OK)
        return rc;
    for (z->slots = 16; z->slots < 2 * d.count; z->slots *= 2)
        ;
    z->members = calloc(d.count + 1, sizeof *z->members);
    z->table = calloc(z->slots, sizeof *z->table);
    z->names = malloc(d.bytes - d.count * ZIP_CENTRAL + d.count + 1); /* names and their NULs */
    if (!z->members || !z->table || !z->names)
        return gw_fail(err, GW_ENOMEM, "opening %s", path);
    rc = read_directory(z, &d, err);
    if (rc != GW_OK)
        return rc;
    *ret = z;
    z = NULL;
    return GW_OK;
}

void zipfile_close(zipfile *z)
{
    if (!z)
        return;
    if (z->fd >= 0)
        close(z->fd);
    free(z->members);
    free(z->names);
    free(z->table);
    free(z);
}

size_t zipfile_count(const zipfile *z)
{
    return z->n;
}

const zipfile_member *zipfile_at(const zipfile *z, size_t i)
{
    return &z->members[i];
}

const zipfile_member *zipfile_find(const zipfile *z, const char *name)
{
    size_t slot = slot_of(z, name);
    return z->table[slot] ? &z->members[z->table[slot] - 1] : NULL;
}

gw_code zipfile_stream(zipfile *z, const zipfile_member *m, zipfile_piece piece, void *ctx,
                       gw_err *err)
{
    GW_AUTO_FREE uint8_t *room = malloc(m->size < PIECE ? m->size + 1 : PIECE);
    uint32_t crc = 0;
    if (!room)
        return gw_fail(err, GW_ENOMEM, "reading %s", m->name);
    for (uint64_t at = 0; at < m->size;) {
        size_t n = m->size - at < PIECE ? (size_t)(m->size - at) : PIECE;
        gw_code rc = read_at(z, room, n, m->offset + at, err);
        if (rc != GW_OK)
            return rc;
        crc = zipfile_crc32(crc, room, n);
        piece(ctx, room, n);
        at += n;
    }
    if (crc != m->crc)
        return gw_fail(err, GW_ECORRUPT, "%s: its bytes fail the checksum of the bundle", m->name);
    return GW_OK;
}

static void append(void *ctx, const void *bytes, size_t n)
{
    gw_buf_put(ctx, bytes, n);
}

gw_code zipfile_read(zipfile *z, const zipfile_member *m, gw_buf *ret, gw_err *err)
{
    gw_code rc = zipfile_stream(z, m, append, ret, err);
    return rc == GW_OK ? gw_buf_code(ret, m->name, err) : rc;
}
