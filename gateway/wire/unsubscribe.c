#include "gateway/wire/unsubscribe.h"

#include <sodium.h>

enum { PART = GW_ID_TEXT - 1 };

static void mac_of(const uint8_t key[GW_ID_KEY_BYTES], const gw_id *did, const gw_id *address,
                   gw_id *ret)
{
    gw_str parts[] = {GW_STR("u"),
                      {(const char *)did->b, sizeof did->b},
                      {(const char *)address->b, sizeof address->b}};
    gw_id_keyed(key, parts, GW_COUNT(parts), ret);
}

void unsubscribe_format(const uint8_t key[GW_ID_KEY_BYTES], const gw_id *did, const gw_id *address,
                        char ret_text[UNSUBSCRIBE_TEXT])
{
    gw_id mac;
    mac_of(key, did, address, &mac);
    gw_id_format(did, ret_text);
    gw_id_format(address, ret_text + PART);
    gw_id_format(&mac, ret_text + 2 * (size_t)PART);
}

bool unsubscribe_parse(const uint8_t key[GW_ID_KEY_BYTES], gw_str text, gw_id *ret_did,
                       gw_id *ret_address)
{
    gw_id part[3], mac;
    if (text.n != UNSUBSCRIBE_TEXT - 1)
        return false;
    for (size_t i = 0; i < GW_COUNT(part); i++)
        if (gw_id_parse((gw_str){text.p + i * PART, PART}, &part[i], NULL) != GW_OK)
            return false;
    mac_of(key, &part[0], &part[1], &mac);
    if (sodium_memcmp(mac.b, part[2].b, sizeof mac.b) != 0)
        return false;
    *ret_did = part[0];
    *ret_address = part[1];
    return true;
}
