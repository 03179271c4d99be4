/* history.h - what is remembered of one debtor: its last closed contacts, at most 256 bytes.
 *
 * The value keeps the contacts themselves, not what a model made of them: a model fitted tonight
 * reads the same history tomorrow, an explanation can be computed again years later, and the
 * nightly fit needs no log beside these values.
 *
 * Stored form, version 1 (all numbers little endian):
 *     byte 0      version = 1
 *     byte 1      contacts that follow, 0..HISTORY_MAX
 *     bytes 2-3   contacts ever closed, saturating at 65535
 *     bytes 4-7   local day number of the newest contact
 *     bytes 8-11  CRC-32 (IEEE 802.3) of all other bytes
 *     then 3 bytes each, oldest first, as history_contact packs them
 * To change it: a new version byte, and a reader that still takes this one.
 *
 * Thread: any; pure. */
#ifndef TIMING_HISTORY_H
#define TIMING_HISTORY_H

#include "gateway/base/buf.h"
#include "gateway/timing/cell.h"

enum {
    HISTORY_BYTES_MAX = 256,
    HISTORY_HEAD = 12,
    HISTORY_CONTACT = 3,
    HISTORY_MAX = (HISTORY_BYTES_MAX - HISTORY_HEAD) / HISTORY_CONTACT, /* 81 */
    HISTORY_LATE_MAX = 15, /* hours after the contact a late reaction can be told apart */
};

/* What came of a contact before its horizon ended. The trust a signal deserves is in history_trust:
 * opens are no signal, a click is often a scanner's. LATE: no answer then, but a reaction later on
 * the same day, whose hour says more than the contact's. */
typedef enum {
    RESULT_NONE,   /* nothing within the horizon */
    RESULT_CLICK,  /* a person's click */
    RESULT_ANSWER, /* a reply, an answered call */
    RESULT_PAID,   /* a promise made or kept, a payment */
    RESULT_LATE,   /* an answer `late` hours after the contact */
    RESULT_COUNT
} history_result;

/* Who chose the hour. FORCED: a person or a rule did; never used for off-policy estimates. */
typedef enum { CHOSE_BEST, CHOSE_EXPLORE, CHOSE_HOLDOUT, CHOSE_FORCED } history_chooser;

typedef struct {
    uint8_t channel, daytype, hour;
    uint8_t result;  /* history_result */
    uint8_t late;    /* RESULT_LATE: hours, 1..15 */
    uint8_t chooser; /* history_chooser */
    uint8_t gap;     /* days since the contact before, 0..127 saturating; unknown 0 */
} history_contact;

typedef struct {
    uint32_t n;    /* contacts below, oldest first */
    uint32_t ever; /* contacts ever closed */
    int32_t day;   /* local day of the newest */
    history_contact contacts[HISTORY_MAX];
} history;

/* Weight of an observation with that result. */
float history_trust(history_result r);
/* The contact got an answer in its own hour. */
static inline bool history_is_yes(history_result r)
{
    return r == RESULT_CLICK || r == RESULT_ANSWER || r == RESULT_PAID;
}

/* Read a stored value. Empty text is an empty history. GW_ECORRUPT: length, checksum or a field is
 * wrong; GW_EINVAL: a version this program does not know. *ret is then an empty history: the
 * debtor gets the shared model, never a guess from damaged bytes. */
gw_code history_read(gw_str stored, history *ret, gw_err *err) GW_NODISCARD;

/* Append one contact to what was read; the oldest falls out when it is full. */
void history_push(history *h, const history_contact *c, int32_t day);
/* Append one closed contact to a stored value, without unpacking it: the oldest falls out when it
 * is full. stored: n bytes in use (0 = empty), room for HISTORY_BYTES_MAX. day: local day of the
 * contact, for the gap. Returns the bytes now in use. An unreadable value is begun anew. */
size_t history_add(uint8_t stored[HISTORY_BYTES_MAX], size_t n, const history_contact *c,
                   int32_t day);

#endif
