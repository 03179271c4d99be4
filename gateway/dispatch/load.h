/* load.h - reminders with their debtors, read from the store in two round trips, whatever their
 * number; a debtor that several of them share is read once. */
#ifndef GATEWAY_DISPATCH_LOAD_H
#define GATEWAY_DISPATCH_LOAD_H

#include "gateway/dispatch/view.h"

typedef struct {
    state_ref ref;
    gw_code code; /* GW_OK; GW_ENOTFOUND no such reminder; GW_ECORRUPT the debtor is unreadable */
    view_reminder r;      /* valid unless GW_ENOTFOUND */
    const view_debtor *d; /* valid when GW_OK */
    gw_id did;
} loaded;

/* A failure is the store's or memory's and leaves nothing usable. with_debtors false: d stays NULL.
 * id_key: GW_ID_KEY_BYTES, for the debtor's id. Everything lives in the arena. */
gw_code load_reminders(state *store, const uint8_t *id_key, const state_ref *refs, size_t n,
                       bool with_debtors, gw_arena *arena, loaded **ret, gw_err *err) GW_NODISCARD;
/* The id of a debtor, the same that intake uses. */
void load_debtor_id(const uint8_t *id_key, gw_str source, gw_str debtor, gw_id *ret_did);
void load_reminder_id(const uint8_t *id_key, gw_str source, gw_str job, gw_id *ret_rid);

#endif
