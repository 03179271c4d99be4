/* count.h - the stored names of cap counters and of conversations, in a debtor's hash.
 *
 *   c:voice:2026-03-04            calls begun on that local day, all debts of this debtor
 *   c:*:2026-03-04                contacts over all channels
 *   c:voice.a:2026-03-04          of them answered; .e with effective talk
 *   c:voice#9c0f...:2026-03-04    about one debt (its key); c:voice#:2026-03-04 about no single
 *                                 one: it counts for every debt
 *   c:voice:2026-03-04T13         in that hour of UTC, for caps per hours
 *   t:*  t:#9c0f...  t:#          ms of the last conversation: any, about one debt, about no single
 *
 * Whoever begins a contact takes all counters policy_caps_at names, at once, before it dials or
 * sends. "Answered" and "effective" are taken too, because two calls under way could both be
 * answered; the outcome gives back what did not come true (count_stays). A conversation is written
 * in the same transition as the outcome it came from.
 *
 * The person's counters (scope person) have the same names, in the hash of the person. A reminder
 * remembers which ones it took as "p:<id of the person>:<name>".
 *
 * STORED FORMAT: rebuilding the state from the evidence (`dunlin rebuild`) writes these names.
 * Thread: any; pure. */
#ifndef POLICY_COUNT_H
#define POLICY_COUNT_H

#include "gateway/policy/policy.h"

enum { COUNT_NAME_TEXT = 64, COUNT_DEBT_TEXT = 17 };

/* Key of a debt (an item's id, or the case's where there is no item): 16 hex digits, the same for
 * the same id for ever. Empty for an empty id. */
void count_debt_key(gw_str debt_id, char ret_key[COUNT_DEBT_TEXT]);

/* The name of a counter `before` buckets ahead of the cap's own (0: its own). */
void count_name(const policy_cap *cap, int before, char ret_name[COUNT_NAME_TEXT]);

/* Read a stored field; false when it is no counter, or one about another debt than `debt`. scope:
 * what a name without a debt means in this hash, SENDER or PERSON. ret->field points into name. */
bool count_read(gw_str name, int64_t used, gw_str debt, policy_scope scope, policy_count *ret);

/* Take "p:<person>:<name>" apart; false when the entry is no person's. name ends where entry does.
 */
bool count_of_person(gw_str entry, gw_str *ret_person, gw_str *ret_name);

/* Does a counter taken for a call stay, given how the call went? True for everything but ".a" of a
 * call that was not answered and ".e" of one without effective talk. */
bool count_stays(gw_str name, bool answered, bool effective);

/* The two fields a conversation is written to, value ms since 1970 UTC, decimal: "t:*", and
 * "t:#<debt>", which without a debt is "t:#" and counts for every debt. */
void count_talk_names(gw_str debt, char ret_names[2][COUNT_NAME_TEXT]);

#endif
