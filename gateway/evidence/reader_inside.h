/* reader_inside.h - what the files behind reader.h and stray.h share. */
#ifndef EVIDENCE_READER_INSIDE_H
#define EVIDENCE_READER_INSIDE_H

#include "gateway/base/id.h"
#include "gateway/evidence/crypt.h"
#include "gateway/evidence/reader.h"

/* The content key of a case; wipe it. GW_ENOTFOUND erased, GW_EREFUSED no tenant key. */
gw_code reader_case_key(reader *r, const gw_id *kase, uint8_t key[CRYPT_KEY], gw_err *err)
    GW_NODISCARD;
/* Folder above the years of blob segments. */
gw_code reader_blob_base(reader *r, char *ret, size_t cap, gw_err *err) GW_NODISCARD;

#endif
