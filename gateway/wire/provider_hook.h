/* provider_hook.h - what a call of /hooks/<provider> says: receipts and messages, out of raw bytes.
 *
 * Where things are in the call is data (p->callback): a JSON pointer ("/out_id"), a field of the
 * form ("MessageSid"), or a field of the URL's query ("?ref"). A receipt names our own reference
 * (gateway/wire/receipt.h), the provider's id, or both. A word that "states" does not list becomes
 * WIRE_RECEIPT_NONE. A call without a state that has the text of "inbound" is a message to us.
 *
 * Thread: any; pure. */
#ifndef WIRE_PROVIDER_HOOK_H
#define WIRE_PROVIDER_HOOK_H

#include "gateway/wire/provider_sign.h"

/* Check the signature, then read. ret lives in the arena. GW_EREFUSED forged, or outside the replay
 * window; GW_EINVAL not what the provider's file says, GW_ELIMIT, GW_ENOMEM. On failure nothing of
 * the call counts. */
gw_code provider_read_hook(const provider *p, const provider_secrets *s, const hook_request *r,
                           gw_wall now, gw_arena *arena, hook_reading *ret, gw_err *err)
    GW_NODISCARD;

/* Field of a form or query, decoded into the arena; p NULL when absent. */
gw_str provider_field(gw_str form, const char *name, gw_arena *arena);

#endif
