/* task_facts.h - what a worker needs to render one reminder, as one JSON document.
 *
 * The document's root is a statement document (templates/statement/statement.h reads it as it is)
 * with more members beside it. Amounts are integers of minor units, days are "YYYY-MM-DD"; the
 * worker formats them in the debtor's locale.
 *
 *   {"creditor": {...}                     of the source, from the configuration
 *    "signature": {"name", "title"}         who signs, if the configuration says so
 *    "debtor":   {"id", "name", "role"?}
 *    "contact":  {"name", "role"}          the first recipient
 *    "case", "job", "reference"            reference: what people quote; the item's, else the case
 *    "channel", "purpose", "tone"?, "locale"
 *    "date":     the debtor's local day of now
 *    "statement": "none" | "summary" | "detailed"
 *    "item":     {...}                     the one item it is about, if it is about one
 *    "items":    [{...}]                   every open item of the debtor, the case's first, then by
 *                                          due day and id; billing's own list of the job when the
 *                                          gateway knows no item of the debtor
 *    "payments": [{...}]                   the newest, at most TASK_PAYMENTS_MAX
 *    "guard":    {...}                     what the rule packs ask of the message (task_guard.h)
 *    ...}                                  members of the job's own facts, unless named above
 * An item is {"id", "case"?, "reference"?, "description"?, "issued"?, "due", "amount_minor",
 * "paid_minor", "open_minor", "currency", "terms"?, "contract_minor"?, "disputed"?,
 * "days_overdue"}.
 *
 * Pure; any thread. */
#ifndef GATEWAY_DISPATCH_TASK_FACTS_H
#define GATEWAY_DISPATCH_TASK_FACTS_H

#include "gateway/dispatch/facts.h"

enum { TASK_FACTS_MAX = 4 * 1024 * 1024, TASK_PAYMENTS_MAX = 20 };

typedef struct {
    const view_debtor *debtor;
    const view_reminder *reminder;
    const reminder_facts *facts;
    gw_str creditor, signature; /* JSON object text; signature may be empty */
    gw_str locale;              /* of the template picked */
    gw_wall now;
    const policy_rules *rules; /* in force: what the content guard needs of them; NULL: no such */
} task_facts_input;

/* Append the document. GW_ELIMIT past TASK_FACTS_MAX or the buffer, GW_ENOMEM. */
gw_code task_facts_json(const task_facts_input *in, gw_arena *arena, gw_buf *out, gw_err *err)
    GW_NODISCARD;

/* What people quote about this reminder: the item's reference, else the case, else the job. */
gw_str task_reference(const view_reminder *r, const reminder_facts *f);

#endif
