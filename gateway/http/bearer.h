/* bearer.h - bearer tokens of the HTTP API (RFC 6750): who may say what.
 *
 * A token is a file <data>/keys/tokens/NAME.json, mode 0600, as the other keys are files:
 *     {"v":1,"role":"client"|"operator"|"agent","scopes":["submit","query",...],"sha256":"<hex>","made":ms}
 * The token itself (BEARER_PREFIX and 52 characters, 256 random bits) is shown once when it is made
 * and only its SHA-256 is kept: with that much entropy a plain hash cannot be searched. A client's
 * NAME is its billing system (source). Scopes are verbs of the protocol, or "all". Removing the
 * file revokes the token within BEARER_RECHECK_MS.
 *
 * Thread: bearers_* one owner, bearer_make and bearer_revoke any. */
#ifndef HTTP_BEARER_H
#define HTTP_BEARER_H

#include "gateway/base/clock.h"
#include "gateway/base/id.h"
#include "gateway/wire/verb.h"
#include "gateway/wire/zap.h"

#define BEARER_PREFIX "dunlin_"

enum {
    BEARER_TEXT = sizeof BEARER_PREFIX + 2 * (GW_ID_TEXT - 1),
    BEARERS_MAX = 1000,
    BEARER_FILE_MAX = 4096,
    BEARER_RECHECK_MS = 1000,
};

typedef struct {
    char name[ZAP_NAME_MAX + 1];
    zap_role role;   /* ZAP_CLIENT, ZAP_OPERATOR, or ZAP_AGENT: call and query only */
    uint32_t scopes; /* bit verb */
    int64_t made_ms;
    uint8_t sha256[32];
} bearer;

/* Make the file; ret_text is the token, to be wiped by the caller after showing it. scopes: verbs
 * separated by commas, or "all". GW_EEXIST there is one of that name; GW_EINVAL. */
gw_code bearer_make(const char *folder, const char *name, zap_role role, const char *scopes,
                    gw_wall now, char ret_text[BEARER_TEXT], gw_err *err) GW_NODISCARD;
gw_code bearer_revoke(const char *folder, const char *name, gw_err *err) GW_NODISCARD;
/* All of a folder, by name; *ret is malloc'ed. A file that cannot be read is left out and counted.
 */
gw_code bearer_list(const char *folder, bearer **ret, size_t *ret_n, size_t *ret_bad, gw_err *err)
    GW_NODISCARD;
/* "submit,query" or "all" into ret. */
void bearer_scopes_text(uint32_t scopes, gw_buf *ret);

typedef struct bearers bearers;

bearers *bearers_new(const char *folder); /* NULL when out of memory */
void bearers_free(bearers *t);
GW_CLEANUP_FUNC(bearers, bearers_free)
/* The token a request carries in "Authorization: Bearer ..."; NULL: none of ours. Borrowed until
 * the next call. Compared in constant time. */
const bearer *bearers_find(bearers *t, gw_str authorization, gw_mono now);
static inline bool bearer_may(const bearer *t, verb v)
{
    return (t->scopes >> (unsigned)v) & 1;
}

#endif
