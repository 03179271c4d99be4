/* tell.h - the gateway itself tells the ledger something: an opt-out that came as a reply, a hold
 * until a person has read one. The same fold, the same evidence, the same idempotence as for what
 * billing systems send (gateway/intake/ledger.h).
 *
 * Thread: that of the store. */
#ifndef INTAKE_TELL_H
#define INTAKE_TELL_H

#include "gateway/intake/ledger.h"
#include "gateway/state/state.h"

/* Billing systems that are senders of their own. */
typedef struct bind_apart {
    const char *const *names;
    size_t n;
} bind_apart;

typedef struct {
    state *store;
    const uint8_t *id_key;
    gw_wall now;
    gw_arena *arena;
    const bind_apart *apart; /* NULL: all billing systems are one sender (bind.h) */
} teller;

/* Fold body (JSON, valid by the verb's schema, carrying an id) into the debtor of source, and
 * commit. A duplicate is GW_OK. GW_ECONFLICT the id was used with another content; GW_EINVAL the
 * ledger rejects it; GW_EBUSY the debtor keeps moving; else the store's. */
gw_code tell(const teller *t, verb v, gw_str source, gw_str debtor, gw_str body, gw_err *err)
    GW_NODISCARD;

#endif
