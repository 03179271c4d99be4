/* receipt.h - what a provider says afterwards about a message, in our own words; one vocabulary for
 * callbacks (/hooks/<provider>), for answers to a PULL, and for the reminder that keeps the result.
 *
 * Own reference: wire_own_format names one attempt of one reminder; a worker gives it to the
 * provider wherever the provider hands such a thing back (callback URL, client reference, out_id),
 * so that a receipt finds its reminder although our own OUTCOME is not booked yet. It is 30 to 35
 * characters of [0-9a-z-] and nobody can guess one: the reminder id is a keyed hash.
 * STORED FORMAT: two digits of the shard, the reminder's 26 characters, '-', the attempt.
 *
 * Pure; any thread. Strings are borrowed. */
#ifndef WIRE_RECEIPT_H
#define WIRE_RECEIPT_H

#include "gateway/base/id.h"

enum { WIRE_OWN_TEXT = 40, WIRE_OWN_ATTEMPT_MAX = 1000000 };

/* Ordered: a later one says more. Everything from WIRE_RECEIPT_DELIVERED on is final. */
typedef enum {
    WIRE_RECEIPT_NONE,      /* says nothing we know; kept, changes nothing */
    WIRE_RECEIPT_ACCEPTED,  /* the provider has it */
    WIRE_RECEIPT_SENT,      /* handed on towards the person: to the operator, to the exchange */
    WIRE_RECEIPT_DELIVERED, /* reached the device or mailbox; nobody claims that it was read */
    WIRE_RECEIPT_FAILED,    /* final no, after the carrier had taken it */
    WIRE_RECEIPT_EXPIRED,   /* its validity ended before it reached anybody */
    WIRE_RECEIPT_REJECTED,  /* the provider or operator refused it (content, sender, number) */
    WIRE_RECEIPT_STATE_COUNT
} wire_receipt_state;

/* How far a receipt can be believed. Only the last two count; UNSIGNED waits for a pull. */
typedef enum {
    WIRE_AUTH_UNSIGNED, /* anybody who knows the address could have sent it */
    WIRE_AUTH_SIGNED,   /* its bytes verify under a secret shared with the provider */
    WIRE_AUTH_PULLED,   /* we asked the provider ourselves */
    WIRE_AUTH_COUNT
} wire_auth;

extern const char *const wire_receipt_states[WIRE_RECEIPT_STATE_COUNT];
/* "none", "accepted", ... and "unsigned", "signed", "pulled": stored and shown. */
const char *wire_receipt_state_name(wire_receipt_state s);
bool wire_receipt_state_parse(gw_str name, wire_receipt_state *ret);
static inline bool wire_receipt_is_final(wire_receipt_state s)
{
    return s >= WIRE_RECEIPT_DELIVERED;
}
const char *wire_auth_name(wire_auth a);
bool wire_auth_parse(gw_str name, wire_auth *ret);

void wire_own_format(uint8_t shard, const gw_id *rid, int attempt, char ret_text[WIRE_OWN_TEXT]);
/* The own reference of a TASK: the shard is in its tok. False when tok or rid is not the gateway's.
 */
bool wire_own_of_task(gw_str rid, gw_str tok, int attempt, char ret_text[WIRE_OWN_TEXT]);
/* False when it is no reference of ours. */
bool wire_own_parse(gw_str text, uint8_t *ret_shard, gw_id *ret_rid, int *ret_attempt);

#endif
