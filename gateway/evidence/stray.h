/* stray.h - contents that lie in the blob segments though no entry of the log names them.
 *
 * The bytes of a message are durable before its worker may send it, the entry that names them is
 * logged a moment later. So when the log ends early (the store was lost before the recorder had
 * read everything), the attempts that are missing in it left their bytes here: encrypted under the
 * key of a case, without saying which. Trying the keys of the cases that come into question tells.
 *
 * Attempts that were called off leave strays too: a hit means "may have been sent", nothing more.
 * Thread: one owner at a time. */
#ifndef EVIDENCE_STRAY_H
#define EVIDENCE_STRAY_H

#include "gateway/base/id.h"
#include "gateway/evidence/reader.h"

typedef struct {
    const char *role;     /* of the contents, "message" */
    gw_str first_segment; /* "<year>/NNNNNN": older segments are not looked at; n 0: all */
    bool (*is_named)(void *ctx, const gw_id *content); /* an entry names it */
    void *ctx;
    const gw_id *cases; /* those that come into question */
    size_t case_n;
    bool *ret_hit; /* per case: a stray opens with its key */
} stray_order;

/* *ret_strays: contents no entry names. GW_EREFUSED the reader has no tenant key; GW_EIO,
 * GW_ENOMEM. */
gw_code stray_find(reader *r, const stray_order *o, uint64_t *ret_strays, gw_err *err) GW_NODISCARD;

#endif
