/* json_strict.h - reading members of configuration-like JSON with errors a person can act on.
 *
 * Every error names the place (RFC 6901 pointer), what is wrong and what would be right. For files
 * of our own (rule packs, ladders, calendars): the texts quote member names, never values.
 * Thread: any; pure. */
#ifndef GW_JSON_STRICT_H
#define GW_JSON_STRICT_H

#include "gateway/base/json.h"

/* The node must be an object whose members are all among names[0..n); GW_EINVAL else. A name that
 * begins with '!' is also required to be there. */
gw_code json_check_members(const json_doc *d, uint32_t object, const char *const *names, size_t n,
                           gw_err *err) GW_NODISCARD;

/* Typed members. A missing or ill-typed one is GW_EINVAL. */
gw_code json_need_str(const json_doc *d, uint32_t object, const char *name, size_t max_bytes,
                      gw_str *ret, gw_err *err) GW_NODISCARD;
gw_code json_need_int(const json_doc *d, uint32_t object, const char *name, int64_t min,
                      int64_t max, int64_t *ret, gw_err *err) GW_NODISCARD;
/* The node of an array member with at most max elements. */
gw_code json_need_array(const json_doc *d, uint32_t object, const char *name, uint32_t max,
                        uint32_t *ret, gw_err *err) GW_NODISCARD;
/* Index of a string member among choices[0..n). */
gw_code json_need_choice(const json_doc *d, uint32_t object, const char *name,
                         const char *const *choices, size_t n, size_t *ret, gw_err *err)
    GW_NODISCARD;

/* GW_EINVAL "<pointer of node>: <text>", for checks of one's own. */
gw_code json_fail(const json_doc *d, uint32_t node, gw_err *err, const char *fmt, ...)
    GW_PRINTF(4, 5);

#endif
