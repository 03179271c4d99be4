/* facts_consent.h - what the debtor allowed, and what is known about its addresses and hours: the
 * part of a reminder's facts that comes from the consent ledger.
 *
 * Fail closed: of entries that disagree the later one holds, of two with the same moment the
 * withdrawal; of several suppressions the hardest. Mail addresses are compared without case.
 * Ownership and threads as facts.h; pure. */
#ifndef GATEWAY_DISPATCH_FACTS_CONSENT_H
#define GATEWAY_DISPATCH_FACTS_CONSENT_H

#include "gateway/dispatch/facts.h"

/* Consent, standing and suppression of one recipient, whose address is set already; `designated` is
 * taken back when its role is on the list of third parties. */
void facts_consent_recipient(const facts_context *ctx, const view_debtor *d, const view_reminder *r,
                             const view_contact *contact, policy_recipient *recipient);

/* Is there an opt-out that this reminder confirms? (purpose opt-out-confirmation) */
bool facts_confirmation_due(const view_debtor *d, const view_reminder *r);

/* Hours the debtor stated and hours of the house, for the reminder's channel. GW_ENOMEM. */
gw_code facts_windows(const facts_context *ctx, const view_debtor *d, const view_reminder *r,
                      gw_arena *arena, policy_facts *ret, gw_err *err) GW_NODISCARD;

#endif
