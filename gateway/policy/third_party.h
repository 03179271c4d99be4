/* third_party.h - the roles a reminder is never written to: the debtor's customers, suppliers,
 * tenderers, family. The list is data, config/third_parties.jsonc:
 *   {"format": 1, "roles": ["customer", "business partner", ...]}
 * Compared after Unicode NFKC and case folding, with blanks, hyphens and underscores alike; a
 * plural s at the end counts as none.
 *
 * Pure but for third_party_load. Thread: build in one thread, then any. */
#ifndef POLICY_THIRD_PARTY_H
#define POLICY_THIRD_PARTY_H

#include "gateway/base/buf.h"

enum {
    THIRD_PARTY_FILE_BYTES_MAX = 64 * 1024,
    THIRD_PARTY_ROLES_MAX = 512,
    THIRD_PARTY_ROLE_MAX = 64
};

typedef struct third_party third_party;

/* GW_EINVAL with the place, GW_ELIMIT, GW_ENOMEM. name is what errors call the text. */
gw_code third_party_parse(const char *name, gw_str text, third_party **ret, gw_err *err)
    GW_NODISCARD;
gw_code third_party_load(const char *path, third_party **ret, gw_err *err) GW_NODISCARD;
void third_party_free(third_party *t);
GW_CLEANUP_FUNC(third_party, third_party_free)

/* Is that role on the list? t NULL: there is no list, nothing is. */
bool third_party_has(const third_party *t, gw_str role);

#endif
