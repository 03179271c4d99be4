#include "gateway/evidence/zipfile_format.h"

#include "gateway/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

enum { BUFFER = 1024 * 1024, VERSION = 45, FLAG_UTF8 = 0x0800, DATE_1980 = 0x0021 };

static void put(uint8_t **p, uint64_t v, int n)
{
    for (int i = 0; i < n; i++, v >>= 8)
        *(*p)++ = (uint8_t)v;
}

uint64_t zip_get(const uint8_t *p, int n)
{
    uint64_t v = 0;
    for (int i = n - 1; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

bool zipfile_name_is_good(const char *name, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!((name[i] >= 'a' && name[i] <= 'z') || (name[i] >= 'A' && name[i] <= 'Z') ||
              (name[i] >= '0' && name[i] <= '9') || (name[i] && strchr("._/@-", name[i]))))
            return false;
    return n > 0 && n <= ZIPFILE_NAME_MAX && name[0] != '/' && name[n - 1] != '/' &&
           !memmem(name, n, "..", 2);
}

static uint32_t table[8][256];

__attribute__((constructor)) static void fill_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++)
            c = c & 1 ? 0xEDB88320U ^ c >> 1 : c >> 1;
        table[0][i] = c;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int t = 1; t < 8; t++)
            table[t][i] = table[t - 1][i] >> 8 ^ table[0][table[t - 1][i] & 255];
}

uint32_t zipfile_crc32(uint32_t crc, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    crc = ~crc;
    for (; n >= 8; n -= 8, p += 8) {
        crc ^= (uint32_t)zip_get(p, 4);
        crc = table[7][crc & 255] ^ table[6][crc >> 8 & 255] ^ table[5][crc >> 16 & 255] ^
              table[4][crc >> 24] ^ table[3][p[4]] ^ table[2][p[5]] ^ table[1][p[6]] ^
              table[0][p[7]];
    }
    for (; n > 0; n--, p++)
        crc = table[0][(crc ^ *p) & 255] ^ crc >> 8;
    return ~crc;
}

/* Version needed, flags, method stored, time and date fixed, CRC, sizes, name length. */
static void put_common(uint8_t **p, const zipfile_member *m)
{
    put(p, VERSION, 2);
    put(p, FLAG_UTF8, 2);
    put(p, 0, 2);
    put(p, 0, 2);
    put(p, DATE_1980, 2);
    put(p, m->crc, 4);
    put(p, m->size, 4);
    put(p, m->size, 4);
    put(p, strlen(m->name), 2);
}

size_t zip_put_local(uint8_t *to, const zipfile_member *m)
{
    uint8_t *p = to;
    put(&p, 0x04034b50, 4);
    put_common(&p, m);
    put(&p, 0, 2); /* extra */
    memcpy(p, m->name, strlen(m->name));
    return (size_t)(p - to) + strlen(m->name);
}

size_t zip_put_central(uint8_t *to, const zipfile_member *m, uint64_t header_offset)
{
    uint8_t *p = to;
    bool far = header_offset >= zip_32;
    put(&p, 0x02014b50, 4);
    put(&p, 3 << 8 | VERSION, 2); /* made by: Unix */
    put_common(&p, m);
    put(&p, far ? ZIP_EXTRA64 : 0, 2);
    put(&p, 0, 2);              /* comment */
    put(&p, 0, 2);              /* disk */
    put(&p, 0, 2);              /* internal attributes */
    put(&p, 0100644U << 16, 4); /* a plain file */
    put(&p, far ? zip_32 : header_offset, 4);
    memcpy(p, m->name, strlen(m->name));
    p += strlen(m->name);
    if (far) {
        put(&p, 1, 2);
        put(&p, 8, 2);
        put(&p, header_offset, 8);
    }
    return (size_t)(p - to);
}

size_t zip_put_end(uint8_t to[ZIP_END64 + ZIP_LOCATOR + ZIP_END], uint64_t count, uint64_t offset,
                   uint64_t bytes)
{
    uint8_t *p = to;
    bool far = count >= UINT16_MAX || offset >= zip_32 || bytes >= zip_32;
    if (far) {
        put(&p, 0x06064b50, 4);
        put(&p, ZIP_END64 - 12, 8);
        put(&p, 3 << 8 | VERSION, 2);
        put(&p, VERSION, 2);
        put(&p, 0, 8); /* disks */
        put(&p, count, 8);
        put(&p, count, 8);
        put(&p, bytes, 8);
        put(&p, offset, 8);
        put(&p, 0x07064b50, 4);
        put(&p, 0, 4);
        put(&p, offset + bytes, 8);
        put(&p, 1, 4);
    }
    put(&p, 0x06054b50, 4);
    put(&p, 0, 4); /* disks */
    put(&p, far ? UINT16_MAX : count, 2);
    put(&p, far ? UINT16_MAX : count, 2);
    put(&p, far ? zip_32 : bytes, 4);
    put(&p, far ? zip_32 : offset, 4);
    put(&p, 0, 2); /* comment */
    return (size_t)(p - to);
}

struct zipfile_writer {
    char path[PATH_MAX], temp[PATH_MAX];
    int fd;
    uint64_t offset;
    uint64_t count;
    gw_buf out;
    gw_buf central;
};

gw_code zipfile_create(const char *path, zipfile_writer **ret, gw_err *err)
{
    zipfile_writer *z = calloc(1, sizeof *z);
    if (!z)
        return gw_fail(err, GW_ENOMEM, "creating %s", path);
    snprintf(z->path, sizeof z->path, "%s", path);
    if (snprintf(z->temp, sizeof z->temp, "%s.tmp", path) >= (int)sizeof z->temp) {
        free(z);
        return gw_fail(err, GW_ELIMIT, "the path is too long");
    }
    gw_buf_init(&z->out, 2 * BUFFER);
    gw_buf_init(&z->central, (size_t)1 << 32);
    z->fd = open(z->temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (z->fd < 0) {
        gw_code rc = gw_fail_errno(err, errno, "creating %s", z->temp);
        free(z);
        return rc;
    }
    *ret = z;
    return GW_OK;
}

static gw_code flush(zipfile_writer *z, gw_err *err)
{
    gw_code rc = gw_file_write_all(z->fd, z->out.data, z->out.n, err);
    gw_buf_clear(&z->out);
    return rc == GW_OK ? rc : gw_wrap(err, rc, "%s", z->temp);
}

static gw_code write_out(zipfile_writer *z, const void *bytes, size_t n, gw_err *err)
{
    gw_code rc = GW_OK;
    if (z->out.n + n > BUFFER)
        rc = flush(z, err);
    if (rc == GW_OK && n > BUFFER)
        rc = gw_file_write_all(z->fd, bytes, n, err);
    else if (rc == GW_OK)
        rc = gw_buf_put(&z->out, bytes, n);
    z->offset += n;
    return rc;
}

gw_code zipfile_add(zipfile_writer *z, const char *name, gw_str bytes, gw_err *err)
{
    uint8_t room[ZIP_LONGEST];
    zipfile_member m = {.name = name, .size = bytes.n};
    uint64_t at = z->offset;
    if (!zipfile_name_is_good(name, strlen(name)) || bytes.n >= zip_32 ||
        z->count == ZIPFILE_MEMBERS_MAX)
        return gw_fail(err, GW_ELIMIT, "'%.80s' cannot be a member of a bundle", name);
    m.crc = zipfile_crc32(0, bytes.p, bytes.n);
    gw_code rc = write_out(z, room, zip_put_local(room, &m), err);
    if (rc == GW_OK && bytes.n > 0)
        rc = write_out(z, bytes.p, bytes.n, err);
    if (rc != GW_OK)
        return rc;
    z->count++;
    gw_buf_put(&z->central, room, zip_put_central(room, &m, at));
    return gw_buf_code(&z->central, "the bundle's directory", err);
}

gw_code zipfile_finish(zipfile_writer *z, gw_err *err)
{
    uint8_t end[ZIP_END64 + ZIP_LOCATOR + ZIP_END];
    uint64_t offset = z->offset;
    gw_code rc = write_out(z, z->central.data, z->central.n, err);
    if (rc == GW_OK)
        rc = write_out(z, end, zip_put_end(end, z->count, offset, z->central.n), err);
    if (rc == GW_OK)
        rc = flush(z, err);
    if (rc == GW_OK && (fsync(z->fd) != 0 || rename(z->temp, z->path) != 0))
        rc = gw_fail_errno(err, errno, "finishing %s", z->path);
    if (rc == GW_OK)
        z->temp[0] = '\0';
    return rc;
}

void zipfile_abandon(zipfile_writer *z)
{
    if (!z)
        return;
    close(z->fd);
    if (z->temp[0])
        unlink(z->temp);
    gw_buf_done(&z->out);
    gw_buf_done(&z->central);
    free(z);
}
