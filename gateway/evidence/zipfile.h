/* zipfile.h - ZIP files (APPNOTE 6.3.9) with stored members only, written in one pass and read
 * strictly.
 *
 * Nothing is compressed, so every byte of a bundle lies under a checksum or in a field the reader
 * compares, a reader inflates nothing, and no size in it is a promise: the members' bytes are
 * there. What we write any unzip opens; what the reader takes is only what the writer makes:
 * members from byte 0 on without gaps, local and central headers that agree in every field, names
 * of [A-Za-z0-9._/@-] without "..", no two equal, no comments, no extra fields but ZIP64's.
 * Anything else is GW_ECORRUPT with its byte. ZIP64 is used where a count, size or offset needs it.
 *
 * Thread: one owner at a time. */
#ifndef EVIDENCE_ZIPFILE_H
#define EVIDENCE_ZIPFILE_H

#include "gateway/base/buf.h"

enum {
    ZIPFILE_NAME_MAX = 200,
    ZIPFILE_MEMBERS_MAX = 4000000,
};

/* ---- writing ---- */

typedef struct zipfile_writer zipfile_writer;

/* The file appears under path when zipfile_finish succeeds; until then under path.tmp. */
gw_code zipfile_create(const char *path, zipfile_writer **ret, gw_err *err) GW_NODISCARD;
gw_code zipfile_add(zipfile_writer *z, const char *name, gw_str bytes, gw_err *err) GW_NODISCARD;
gw_code zipfile_finish(zipfile_writer *z, gw_err *err) GW_NODISCARD;
/* Close; an unfinished file is removed. Accepts NULL. */
void zipfile_abandon(zipfile_writer *z);
GW_CLEANUP_FUNC(zipfile_writer, zipfile_abandon)

/* ---- reading ---- */

typedef struct {
    const char *name; /* NUL-terminated */
    uint64_t offset;  /* of the bytes */
    uint64_t size;
    uint32_t crc;
} zipfile_member;

typedef struct zipfile zipfile;

/* Reads and checks the whole structure; members come in file order. Keeps about 40 bytes a member
 * and its name in memory. GW_ENOTFOUND, GW_EINVAL not a ZIP of ours, GW_ECORRUPT, GW_ELIMIT. */
gw_code zipfile_open(const char *path, zipfile **ret, gw_err *err) GW_NODISCARD;
void zipfile_close(zipfile *z);
GW_CLEANUP_FUNC(zipfile, zipfile_close)

size_t zipfile_count(const zipfile *z);
const zipfile_member *zipfile_at(const zipfile *z, size_t i);
/* NULL: no such member. */
const zipfile_member *zipfile_find(const zipfile *z, const char *name);
/* Append a member's bytes, CRC-32 checked; GW_ELIMIT past the buffer's ceiling. */
gw_code zipfile_read(zipfile *z, const zipfile_member *m, gw_buf *ret, gw_err *err) GW_NODISCARD;
/* The same in pieces, for contents of any size. */
typedef void (*zipfile_piece)(void *ctx, const void *bytes, size_t n);
gw_code zipfile_stream(zipfile *z, const zipfile_member *m, zipfile_piece piece, void *ctx,
                       gw_err *err) GW_NODISCARD;

uint32_t zipfile_crc32(uint32_t crc, const void *bytes, size_t n);
bool zipfile_name_is_good(const char *name, size_t n);

#endif
