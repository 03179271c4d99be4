/* wal_scan.h - reading one segment file; shared by the writer's recovery and the readers.
 * Internal to wal*.c. Format: wal.h. */
#ifndef EVIDENCE_WAL_SCAN_H
#define EVIDENCE_WAL_SCAN_H

#include "gateway/evidence/wal.h"

#include <limits.h>

enum { WAL_PATH = PATH_MAX };

#define WAL_GROUP_FLAG 0x80000000U

typedef struct {
    uint32_t number;
    uint64_t first;
    uint8_t origin[DIGEST_BYTES], previous[DIGEST_BYTES];
} wal_header;

typedef struct {
    wal_header header;
    uint64_t next;       /* index behind the last whole frame */
    uint64_t good_bytes; /* offset behind the last whole frame */
    uint64_t file_bytes;
    uint8_t hash[DIGEST_BYTES]; /* of the first good_bytes bytes */
    digest_state running;       /* the same, still open */
} wal_scanned;

void wal_segment_path(const char *dir, uint32_t number, char ret[WAL_PATH]);
/* Number of the last segment, 0 none. Segments are 1..last without a gap, or GW_ECORRUPT. */
gw_code wal_last_segment(const char *dir, uint32_t *ret, gw_err *err) GW_NODISCARD;
void wal_header_write(const wal_header *h, uint8_t ret[WAL_HEADER]);
gw_code wal_header_read(const char *dir, uint32_t number, gw_str origin, wal_header *ret,
                        gw_err *err) GW_NODISCARD;

/* Number of the segment that holds entry `from` (or would be first to hold later ones). */
gw_code wal_find_segment(const char *dir, gw_str origin, uint32_t last, uint64_t from,
                         uint32_t *ret, gw_err *err) GW_NODISCARD;

/* Read frames from the beginning until the first that is not whole; entries >= from are visited.
 * That the scan ended before file_bytes is for the caller to judge. */
gw_code wal_scan(const char *dir, uint32_t number, gw_str origin, uint64_t from, wal_visit visit,
                 void *ctx, wal_scanned *ret, gw_err *err) GW_NODISCARD;

/* May the bytes behind a scan's good part be a group that was never finished? */
gw_code wal_tail_is_torn(const char *dir, const wal_scanned *s, bool *ret, gw_err *err)
    GW_NODISCARD;

#endif
