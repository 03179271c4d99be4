/* event.h - names of evidence events, one list for everybody who writes or reads records.
 *
 * Names without a prefix are events of ETSI EN 319 522-1 (electronic registered delivery); names
 * with "x-" are ours. A record's further meaning is in its `why` and in its public facts. These
 * names are stored for years: add, never rename. */
#ifndef WIRE_EVENT_H
#define WIRE_EVENT_H

#define EVENT_ACCEPTED        "SubmissionAcceptance" /* a job was stored and acknowledged */
#define EVENT_REJECTED        "SubmissionRejection"  /* held or refused: fact.rule, fact.next_ms */
#define EVENT_PLAN            "x-Plan"               /* a due moment was set or moved */
#define EVENT_INTENT          "x-AttemptIntent"      /* durable before the first byte leaves */
#define EVENT_RELAYED         "RelayToNonERDS"       /* the carrier took the message */
#define EVENT_OUTBOX          "x-Outbox" /* written to a local folder, nobody contacted */
#define EVENT_RELAY_FAILED    "RelayToNonERDSFailure" /* the carrier refused, or try later */
#define EVENT_ATTEMPT_UNKNOWN "x-AttemptUnknown"      /* cannot know whether it left */
#define EVENT_WITHDRAWN       "x-Withdrawn"           /* paid, cancelled, disputed away, expired */
#define EVENT_PAYMENT         "x-Payment"
#define EVENT_PROMISE         "x-Promise"
#define EVENT_DISPUTE         "x-Dispute"
#define EVENT_HOLD            "x-Hold"
#define EVENT_CONSENT         "x-Consent"
#define EVENT_HOURS           "x-Hours"        /* hours the debtor stated */
#define EVENT_POLICY          "x-PolicyChange" /* windows or rules of the house changed: who, why */
#define EVENT_REBUILD         "x-Rebuild"      /* the state was made again from this log */
#define EVENT_TASK            "x-Task" /* work for a person: opened, leased, given back, confirmed */
#define EVENT_CALL            "x-Call"    /* what an agent did with it: the outcome, in why */
#define EVENT_CONTACT         "x-Contact" /* debtor facts: name, zone, contacts */
#define EVENT_ITEM            "x-Item"
#define EVENT_OPERATOR        "x-Operator"    /* an operator's act: pause, retry, clock */
#define EVENT_HOOK_REFUSED    "x-HookRefused" /* callbacks that were not believed, in sums */
#define EVENT_MODEL           "x-Model"       /* a timing model was fitted and put in force */
#define EVENT_CLOSED          "x-Closed" /* what came of a contact before its horizon ended (timing) */
#define EVENT_RECEIVED        "ReceivedFromNonERDS" /* receipt, reply or bounce came in */

#endif
