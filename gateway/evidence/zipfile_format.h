/* zipfile_format.h - the records of a ZIP as we write them; shared by writer and reader.
 * Integers little-endian. Internal to zipfile*.c. */
#ifndef EVIDENCE_ZIPFILE_FORMAT_H
#define EVIDENCE_ZIPFILE_FORMAT_H

#include "gateway/evidence/zipfile.h"

enum {
    ZIP_LOCAL = 30,
    ZIP_CENTRAL = 46,
    ZIP_END = 22,
    ZIP_END64 = 56,
    ZIP_LOCATOR = 20,
    ZIP_EXTRA64 = 12, /* central: ZIP64 extra field with the 8-byte offset */
    ZIP_LONGEST = ZIP_CENTRAL + ZIPFILE_NAME_MAX + ZIP_EXTRA64,
};

static const uint32_t zip_32 = UINT32_MAX;

/* Header of a member in its two places; both return its length. A member is smaller than 4 GiB;
 * only its offset may need ZIP64. */
size_t zip_put_local(uint8_t *to, const zipfile_member *m);
size_t zip_put_central(uint8_t *to, const zipfile_member *m, uint64_t header_offset);
/* All that follows the central directory: ZIP64 records where needed, and the end record. */
size_t zip_put_end(uint8_t to[ZIP_END64 + ZIP_LOCATOR + ZIP_END], uint64_t count, uint64_t offset,
                   uint64_t bytes);

uint64_t zip_get(const uint8_t *p, int n);

#endif
