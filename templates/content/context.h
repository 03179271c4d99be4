/* context.h - what a template may say: the task's facts as the recipient's locale writes them.
 *
 * Facts are the JSON object of the TASK's payload frame (gateway/dispatch/task_facts.h writes it):
 * a statement document (templates/statement/statement.h) with more members beside it. They pass
 * through to the template as they are, with these additions and changes, at any depth:
 *   "X_minor": 123450        in an object that has, or lies in one that has, "currency": "USD" adds
 *                            "X": "USD 1,234.50", unless there is an "X" already
 *   "due": "2013-02-01"      any text that is a calendar date becomes the locale's long date; the
 *                            plain one stays as "due_iso". Members "id" and "reference" are left.
 * At the top, unless the facts have them:
 *   "locale", "reference", "today" (the facts' date, else the UTC day of the task)
 *   "recipient": {"name", "role"}    "contact" of the facts, else the first recipient
 *   "sender": {"name", "email"}
 *   "opt_out": {"email", "url"}, "unsubscribe"   where an objection goes: as configured, else the
 *                                                address replies go to
 * and, when the facts list items that make a statement:
 *   "items"[]                "reference" (else the id), "due_date", "amount", "paid", "open",
 *                            "days_overdue", "overdue", "disputed" are there for every item
 *   "totals"                 [{currency, balance, overdue, charges, credits, items}]
 *   "total_open", "total_overdue"  the sums, several currencies joined by ", "
 *   "item_count", "one_item", "overdue" (is anything?), "statement_date"
 *   "due_date", "days_until_due", "days_overdue"   of the item the reminder is about, else of the
 *                            earliest open one
 * "statement" ("none", "summary", "detailed"; absent is none) says what is attached.
 *
 * Thread: a context_bench has one owner; building is pure otherwise. */
#ifndef CONTENT_CONTEXT_H
#define CONTENT_CONTEXT_H

#include "gateway/base/json.h"
#include "gateway/wire/worker.h"
#include "templates/statement/statement.h"

enum { CONTEXT_FORMATTERS_MAX = 16, CONTEXT_BYTES_MAX = 4 << 20 };

/* Formatters of the locales met lately. */
typedef struct context_bench context_bench;
context_bench *context_bench_new(void); /* NULL when out of memory */
void context_bench_free(context_bench *b);
GW_CLEANUP_FUNC(context_bench, context_bench_free)

typedef enum {
    CONTEXT_STATEMENT_NONE,
    CONTEXT_STATEMENT_SUMMARY, /* the PDF alone; the CSV where PDFs are switched off */
    CONTEXT_STATEMENT_DETAILED /* the CSV, and the PDF unless switched off */
} context_level;

typedef struct {
    gw_str opt_out_email, opt_out_url; /* may be empty */
    wire_sender from;
} context_settings;

typedef struct {
    json_doc doc;               /* what the template is rendered with */
    const statement *statement; /* NULL when the facts list no items that make one */
    context_level level;        /* never more than NONE without a statement */
} context;

/* Everything returned lives in the arena. GW_EINVAL with a JSON pointer, GW_ELIMIT, GW_ENOTFOUND
 * (no such locale), GW_ENOMEM. */
gw_code context_build(context_bench *bench, gw_str facts, const wire_task *task,
                      const context_settings *settings, gw_arena *arena, context *ret, gw_err *err)
    GW_NODISCARD;

#endif
