/* call.h - one automated call as a table: state and event in, next state and effects out.
 *
 * Knows nothing of SIP, HTTP or sound. A driver dials, plays, hangs up and listens as it is told,
 * and says what happened; every driver (SIP, a provider's HTTP callbacks) shares this table.
 * Promises:
 *
 *  1. No part that speaks of the debt is played before a person has pressed the key that confirms
 *     who they are (CALL_DETAILS is reached by that key alone).
 *  2. An answering machine, and whoever was not recognised as a person, hears the limited-content
 *     message and nothing else.
 *  3. The key that stops calls works from the question on, whoever presses it.
 *  4. Every wait ends: each state has a limit.
 *
 * A call without a question (its part has no length) only tells the message, to whoever answers.
 *
 * Keys: at the question 1 yes, 2 no; at the details 1 promise, 2 dispute; at both 3 call me later,
 * 9 no more calls. Other keys change nothing.
 *
 * Pure; time is an argument (any clock in milliseconds that does not go back). Thread: any. */
#ifndef WIRE_CALL_H
#define WIRE_CALL_H

#include "gateway/base/clock.h"
#include "gateway/wire/worker.h"

typedef enum {
    CALL_IDLE,
    CALL_DIALLING,
    CALL_RINGING,
    CALL_LISTENING, /* answered: who is it? nothing is said yet */
    CALL_TONE,      /* a machine: until its greeting has ended */
    CALL_ASKING,    /* the right-party question */
    CALL_DETAILS,
    CALL_NOTED,   /* a key was pressed: thanks */
    CALL_BYE,     /* wrong party, or nothing was pressed after the details */
    CALL_MESSAGE, /* limited content, to a machine or to whoever was not recognised */
    CALL_TELLING, /* the same, to somebody who pressed nothing at the question */
    CALL_ENDING,  /* we hung up */
    CALL_OVER,
    CALL_STATE_COUNT
} call_state;

typedef enum {
    CALL_ON_DIAL,
    CALL_ON_RINGING,
    CALL_ON_ANSWERED,
    CALL_ON_HUMAN, /* amd.h */
    CALL_ON_MACHINE,
    CALL_ON_UNSURE,
    CALL_ON_QUIET,
    CALL_ON_KEY_1,
    CALL_ON_KEY_2,
    CALL_ON_KEY_3,
    CALL_ON_KEY_9,
    CALL_ON_KEY_OTHER,
    CALL_ON_TIMER,      /* call_due has come */
    CALL_ON_SPENT,      /* never said by drivers: the timer of the last round */
    CALL_ON_CLOSED,     /* the other side, or the network, ended it; call_close first */
    CALL_ON_NOT_PLACED, /* the command to dial was refused: nobody was called */
    CALL_ON_LOST,       /* the driver cannot know any more how the call goes on */
    CALL_EVENT_COUNT
} call_event;

/* What is spoken; each has a template part (voice.c). */
typedef enum {
    CALL_PART_NONE,
    CALL_PART_ASK,
    CALL_PART_DETAILS,
    CALL_PART_NOTED,
    CALL_PART_BYE,
    CALL_PART_MESSAGE,
    CALL_PART_COUNT
} call_part;

enum {
    CALL_DO_DIAL = 1 << 0,
    CALL_DO_PLAY = 1 << 1, /* effects.part, from its beginning */
    CALL_DO_LISTEN = 1 << 2,
    CALL_DO_HANG_UP = 1 << 3,
    CALL_DO_REPORT = 1 << 4, /* over: call_end_of says how */
};

typedef struct {
    unsigned acts;
    call_part part;
} call_effects;

/* How a call ended. Names are reason codes (why of the outcome): add, never rename. */
typedef enum {
    CALL_END_NONE,
    CALL_END_RIGHT_PARTY,
    CALL_END_MESSAGE_LEFT,
    CALL_END_MESSAGE_CUT,
    CALL_END_NOT_CONFIRMED,
    CALL_END_WRONG_PARTY,
    CALL_END_STOP_PRESSED,
    CALL_END_CALL_LATER,
    CALL_END_HUNG_UP,
    CALL_END_NO_TONE,
    CALL_END_NO_ANSWER,
    CALL_END_BUSY,
    CALL_END_DECLINED,
    CALL_END_NO_SUCH_NUMBER,
    CALL_END_CARRIER_LATER,
    CALL_END_CARRIER_REFUSED,
    CALL_END_NOT_PLACED,
    CALL_END_LINE_LOST,
    CALL_END_COUNT
} call_end;

typedef enum { CALL_PARTY_UNASKED, CALL_PARTY_UNKNOWN, CALL_PARTY_YES, CALL_PARTY_NO } call_party;

typedef enum {
    CALL_PRESSED_NOTHING,
    CALL_PRESSED_PROMISE,
    CALL_PRESSED_DISPUTE,
    CALL_PRESSED_LATER,
    CALL_PRESSED_STOP
} call_pressed;

/* Lengths of the parts and limits of the waits, milliseconds. */
typedef struct {
    int part_ms[CALL_PART_COUNT]; /* 0: there is no such part */
    int ring_ms;                  /* from dialling to the answer */
    int listen_ms;                /* to recognise who answered */
    int tone_ms;                  /* for a machine's greeting */
    int answer_ms;                /* for a key, after a question was played */
    int rounds;                   /* how often a question is played */
    int end_ms;                   /* for the line to say that it is down */
} call_plan;

/* All that is known about a call; about a hundred bytes, so that ten thousand may be outstanding.
 * Moments are 0 until they came. */
typedef struct {
    call_state state;
    call_end end;
    call_event amd; /* CALL_ON_HUMAN, _MACHINE, _UNSURE; CALL_ON_DIAL: not judged */
    call_party party;
    call_pressed pressed;
    int round;
    int sip;        /* status that ended it before an answer, 0 none seen */
    int cause;      /* ITU-T Q.850, of the network's or of the status; 0 none */
    int unexpected; /* events that had no row */
    bool remote;    /* the other side ended it */
    gw_mono dialled, rang, answered, ended;
    int64_t due_ms; /* when ON_TIMER is to be said; INT64_MAX never */
} call;

void call_init(call *c);
/* An event without a row changes nothing but c->unexpected. */
call_effects call_step(call *c, call_event on, const call_plan *plan, gw_mono now);
/* The key of a DTMF character; CALL_ON_KEY_OTHER for what has no meaning. */
call_event call_key(char c);
/* Before CALL_ON_CLOSED: the SIP status and the Q.850 cause that came, 0 when none did. The status
 * decides where there is one. */
void call_close(call *c, int sip, int cause);
/* What a status means that ended a call before it was answered (call_cause.c has the table). */
call_end call_end_of_status(int sip, bool rang);
/* The same of a Q.850 cause; 0: the network gave none. */
call_end call_end_of_cause(int cause, bool rang);
/* ITU-T Q.850 cause for a SIP status, RFC 3398 §8.2.6.1; 0 when it names none. */
int call_q850(int sip);

const char *call_end_name(call_end e); /* "right-party", ... */
wire_result call_end_result(call_end e);
const char *call_state_name(call_state s);
const char *call_event_name(call_event e);
const char *call_part_name(call_part p); /* "ask", "details", ... */
const char *call_party_name(call_party p);
const char *call_pressed_name(call_pressed p); /* "" for nothing */

#endif
