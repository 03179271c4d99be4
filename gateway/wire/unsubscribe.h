/* unsubscribe.h - the token of a one-click unsubscribe link (RFC 8058): /u/<token>.
 *
 * It names a debtor and one of its addresses by their keyed hashes and carries a MAC, so the link
 * holds no personal data, cannot be made up, and needs no table. 78 characters of [0-9a-z]; it does
 * not expire: who wants no more mail may say so with any mail they still have. Pure; any thread. */
#ifndef WIRE_UNSUBSCRIBE_H
#define WIRE_UNSUBSCRIBE_H

#include "gateway/base/id.h"

enum { UNSUBSCRIBE_TEXT = 3 * (GW_ID_TEXT - 1) + 1 };

/* address: the hash of gateway/state/mark.h. */
void unsubscribe_format(const uint8_t key[GW_ID_KEY_BYTES], const gw_id *did, const gw_id *address,
                        char ret_text[UNSUBSCRIBE_TEXT]);
/* False: not made under this key. In constant time as far as the MAC goes. */
bool unsubscribe_parse(const uint8_t key[GW_ID_KEY_BYTES], gw_str text, gw_id *ret_did,
                       gw_id *ret_address);

#endif
