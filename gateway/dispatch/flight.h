/* flight.h - what this gateway has in flight: one entry per claimed or sending reminder.
 *
 * The table mirrors the state store; it is memory only. What it forgets in a crash is found again
 * in the lane of what is in flight (recovery.c). Thread: dispatch. */
#ifndef GATEWAY_DISPATCH_FLIGHT_H
#define GATEWAY_DISPATCH_FLIGHT_H

#include "gateway/base/clock.h"
#include "gateway/base/id.h"
#include "gateway/dispatch/view.h"

struct worker;

/* The token of an attempt: two digits of its shard, so that a late outcome finds its reminder, and
 * a random id. */
enum { TOKEN_TEXT = GW_ID_TEXT + 2 };
void token_make(uint8_t shard, char ret_tok[TOKEN_TEXT]);
/* -1 when it is no token of ours. */
int token_shard(gw_str tok);

typedef struct flight {
    struct flight *next; /* in its bucket */
    gw_id rid, did;
    uint8_t shard;
    char state;    /* 'C' or 'S' */
    bool go;       /* GO was handed to the socket, or may have been by a predecessor */
    bool unsent;   /* GO was certainly not given: nothing can have left */
    bool lost;     /* its worker is gone; since when is in `since` */
    bool unsure;   /* the store did not answer the intent: what it holds must be read */
    bool booked;   /* its outcome is being booked in this turn */
    bool innocent; /* taken back for our reasons: does not count as a start without outcome */
    char kind;     /* of the reminder */
    int attempt, starts, failed;
    int64_t version, debtor_version;
    int64_t deadline_ms; /* of the allowed interval, wall */
    gw_mono since;       /* of the present state or of the loss */
    char rid_text[GW_ID_TEXT], tok[TOKEN_TEXT];
    struct worker *worker; /* NULL after recovery or loss */
    /* what its records and changes need; strings follow the struct */
    gw_str source, debtor, case_id, channel, template_name, template_version, cap, message_id, to;
    int64_t not_after_ms;
} flight;

enum { FLIGHT_BUCKETS = 4096 };

typedef struct {
    flight *buckets[FLIGHT_BUCKETS];
    size_t n, claimed, sending;
} flight_table;

/* A flight for a reminder as loaded; strings are copied. to: JSON object of private recipients.
 * NULL when out of memory. Not in the table yet. */
flight *flight_new(const view_reminder *r, const gw_id *did, gw_str tok, gw_str cap,
                   gw_str template_version, gw_str message_id, gw_str to);
void flight_free(flight *f);
void flight_add(flight_table *t, flight *f);
flight *flight_find(const flight_table *t, const gw_id *rid);
/* Takes it out and frees it. */
void flight_remove(flight_table *t, flight *f);
void flight_set_state(flight_table *t, flight *f, char state);
/* Calls visit for every flight; it may remove the one it is given. */
void flight_each(flight_table *t, void (*visit)(void *arg, flight *f), void *arg);
void flight_clear(flight_table *t);
/* The stored reminder's fields as far as a change needs them, borrowed from the flight. */
void flight_view(const flight *f, view_reminder *ret);

#endif
