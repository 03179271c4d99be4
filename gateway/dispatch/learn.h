/* learn.h - what the timing model learns from a debtor, when, and where it is kept.
 *
 * A contact is a message the carrier took (not one written to the outbox folder, nor one a receipt
 * says failed) or a call that was placed. It closes once, with the best that is known of it then:
 *
 *   call     at once: a person answered or not; a promise made in it counts as paid. What the
 *            debtor refused in it, or asked to stop, is a no: refusals are never counted for an
 * hour SMS      24 h for a reply, 7 days for a promise or payment e-mail   72 h for a reply, 7 days
 * for a promise or payment
 *
 * A payment or promise closes it at once; a reply closes it when the time for replies is over, in
 * case money follows. Each signal belongs to the last contact before it: a later contact about the
 * same item ends the wait for money of the one before, once its time for replies is over. No answer
 * yet is not no: until it closes, nothing is learned. Opt-outs are no answers, nor are replies
 * nobody vouches for. Bounces and opens say nothing about hours.
 *
 * STORED in the debtor's hash: th = history (timing/history.h, bytes), tg = segment as a digit,
 * td = first eight bytes (hex) of the reminders whose message is in it and left after tw,
 * tw = moment (ms): nothing that left then or before is learned any more, tc:<rid>:<attempt> =
 * "<ms> <a|n>" a call that was placed and not learned yet, written with its outcome. All of it
 * changes in one transition that checks the debtor's version, with one x-Closed record for each
 * contact: it is learned once whatever is repeated. An erased debtor loses it with the hash.
 *
 * Pure; any thread. */
#ifndef GATEWAY_DISPATCH_LEARN_H
#define GATEWAY_DISPATCH_LEARN_H

#include "gateway/dispatch/decide.h"
#include "gateway/dispatch/load.h"
#include "gateway/timing/history.h"

#define LEARN_HORIZON_MS (7 * GW_MS_PER_DAY) /* for money and promises */
#define LEARN_MEMORY_MS                                                                            \
    (60 * GW_MS_PER_DAY) /* a contact that left before is not learned any more */

enum {
    LEARN_AT_ONCE = 8,  /* contacts closed in one transition; the rest follows at the next look */
    LEARN_KEYS_MAX = 64 /* in td */
};

typedef struct {
    const view_debtor *d;
    const zone *zone;    /* NULL: nothing is learned */
    const loaded *known; /* every reminder of the debtor, final ones too */
    size_t known_n;
    gw_wall now;
    const decide_context *ctx; /* for the calendars; NULL: weekdays only */
} learn_ask;

typedef struct {
    state_field *sets;
    size_t set_n; /* 0: nothing closes now */
    state_record *records;
    size_t record_n;
    int64_t next_ms; /* when the next contact may close, INT64_MAX none */
} learned;

/* The debtor's history; empty when there is none or it is damaged. */
void learn_history(const view_debtor *d, history *ret);

/* What closes by now, in the arena. GW_ENOMEM. */
gw_code learn_closed(const learn_ask *ask, gw_arena *arena, learned *ret) GW_NODISCARD;

/* Field of a call that was placed, to be set with its outcome: heard is 'a' (a person answered) or
 * 'n'. GW_ENOMEM. */
gw_code learn_call(const gw_id *rid, int attempt, gw_wall at, char heard, gw_arena *arena,
                   state_field *ret) GW_NODISCARD;

/* Local days that count as weekend for this contact's model. */
bool learn_is_day_off(const decide_context *ctx, const view_debtor *d, const view_reminder *r,
                      int32_t day, gw_arena *arena);

#endif
