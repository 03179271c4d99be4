#include "gateway/intake/marks.h"

size_t marks_of_debtor(const uint8_t *id_key, const gw_id *did, const json_doc *body,
                       gw_arena *arena, state_mark ret[MARKS_OF_DEBTOR_MAX])
{
    static const char *const members[] = {"email", "phone"};
    char id[GW_ID_TEXT];
    size_t n = 0;
    uint32_t contacts = json_member(body, 0, "contacts");
    gw_id_format(did, id);
    char *value = gw_arena_copy(arena, gw_str_of(id));
    if (!value || !contacts || json_kind_of(body, contacts) != JSON_ARRAY)
        return 0;
    uint32_t end = json_at(body, contacts)->next;
    for (uint32_t c = json_first(contacts); c < end; c = json_at(body, c)->next)
        for (size_t i = 0; i < GW_COUNT(members); i++) {
            gw_str address = json_get_str(body, c, members[i]);
            if (!address.n || n == MARKS_OF_DEBTOR_MAX)
                continue;
            ret[n] = (state_mark){0, 'a', {{0}}, {value, GW_ID_TEXT - 1}};
            state_mark_address(id_key, address, &ret[n].key);
            ret[n].shard = state_shard(&ret[n].key);
            n++;
        }
    return n;
}
