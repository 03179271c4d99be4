/* verdict.h - the answers of intake, one JSON object per body.
 *
 *     {"verdict":"accepted","id":"job-1","receipt":"<26
 * characters>","at":"2013-01-02T10:00:00.000Z"}
 *     {"verdict":"duplicate", ... receipt and at of the first}
 *     {"verdict":"rejected","code":"invalid","reason":"what, and what to do","pointer":"/due"}
 *     {"verdict":"busy","retry_after_ms":250}
 *
 * Codes of rejected are stable; clients may branch on them:
 *     malformed        not the frames or the JSON of this protocol
 *     invalid          the body breaks its schema
 *     conflict         the id was used before with another content
 *     unknown-debtor   unknown-item   unknown-job
 *     refused          this key may not do that
 *     overpaid         the payment is larger than what is open
 *     wrong-currency   it differs from the item's
 *     too-late         the reminder has left or is final
 *     too-large        a named limit
 *     third-party      it asks to write to somebody who is no party of the debt
 *     unavailable      this gateway does not run the part that answers
 *
 * Each function appends one object to the buffer. Thread: any. */
#ifndef INTAKE_VERDICT_H
#define INTAKE_VERDICT_H

#include "gateway/base/buf.h"
#include "gateway/base/clock.h"

enum { VERDICT_MAX = 1024 }; /* bytes of one verdict; longer reasons are cut */

void verdict_accepted(gw_buf *b, gw_str id, gw_str receipt, gw_wall at);
void verdict_duplicate(gw_buf *b, gw_str id, gw_str receipt, gw_wall at);
/* pointer: RFC 6901 into the body, NULL = none. reason never repeats a value of the body. */
void verdict_rejected(gw_buf *b, const char *code, const char *reason, const char *pointer);
void verdict_busy(gw_buf *b, int retry_after_ms);

#endif
