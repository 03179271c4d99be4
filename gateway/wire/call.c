#include "gateway/wire/call.h"

#include <limits.h>

typedef struct {
    call_state in;
    call_event on;
    call_state then;
    unsigned acts;
    call_part part;
    call_end end;         /* NONE leaves what is noted */
    call_party party;     /* UNASKED leaves it */
    call_pressed pressed; /* NOTHING leaves it */
} call_row;

#define PLAY(p)  CALL_DO_PLAY, CALL_PART_##p
#define QUIET    0, CALL_PART_NONE
#define HANG_UP  CALL_DO_HANG_UP, CALL_PART_NONE
#define REPORT   CALL_DO_REPORT, CALL_PART_NONE
#define KEEP_END CALL_END_NONE
#define SAME     CALL_PARTY_UNASKED, CALL_PRESSED_NOTHING
#define WHO(p)   CALL_PARTY_##p, CALL_PRESSED_NOTHING
#define KEY(k)   CALL_PARTY_UNASKED, CALL_PRESSED_##k

/* Reading help. The end noted so far is what the call counts as if it closes now: answered and
 * nothing said yet is HUNG_UP, a message being played is MESSAGE_CUT. A person who presses keys
 * while we still listen is no machine. Once the line is to go down only its end is waited for. */
static const call_row rows[] = {
    /* in            on                 then            act, part            end           who, key
     */
    /* clang-format off */
    {CALL_IDLE,      CALL_ON_DIAL,      CALL_DIALLING,  CALL_DO_DIAL, CALL_PART_NONE, CALL_END_LINE_LOST, SAME},

    {CALL_DIALLING,  CALL_ON_RINGING,   CALL_RINGING,   QUIET,          KEEP_END,            SAME},
    {CALL_DIALLING,  CALL_ON_ANSWERED,  CALL_LISTENING, CALL_DO_LISTEN, CALL_PART_NONE, CALL_END_HUNG_UP, SAME},
    {CALL_DIALLING,  CALL_ON_TIMER,     CALL_ENDING,    HANG_UP,        CALL_END_NO_ANSWER,  SAME},
    {CALL_DIALLING,  CALL_ON_CLOSED,    CALL_OVER,      REPORT,         KEEP_END,            SAME},
    {CALL_DIALLING,  CALL_ON_NOT_PLACED, CALL_OVER,     REPORT,         CALL_END_NOT_PLACED, SAME},
    {CALL_DIALLING,  CALL_ON_LOST,      CALL_OVER,      REPORT,         CALL_END_LINE_LOST,  SAME},

    {CALL_RINGING,   CALL_ON_RINGING,   CALL_RINGING,   QUIET,          KEEP_END,            SAME},
    {CALL_RINGING,   CALL_ON_ANSWERED,  CALL_LISTENING, CALL_DO_LISTEN, CALL_PART_NONE, CALL_END_HUNG_UP, SAME},
    {CALL_RINGING,   CALL_ON_TIMER,     CALL_ENDING,    HANG_UP,        CALL_END_NO_ANSWER,  SAME},
    {CALL_RINGING,   CALL_ON_CLOSED,    CALL_OVER,      REPORT,         KEEP_END,            SAME},
    {CALL_RINGING,   CALL_ON_LOST,      CALL_OVER,      REPORT,         CALL_END_LINE_LOST,  SAME},

    {CALL_LISTENING, CALL_ON_HUMAN,     CALL_ASKING,    PLAY(ASK),      CALL_END_HUNG_UP,    WHO(UNKNOWN)},
    {CALL_LISTENING, CALL_ON_MACHINE,   CALL_TONE,      QUIET,          CALL_END_NO_TONE,    SAME},
    {CALL_LISTENING, CALL_ON_UNSURE,    CALL_MESSAGE,   PLAY(MESSAGE),  CALL_END_MESSAGE_CUT, SAME},
    {CALL_LISTENING, CALL_ON_TIMER,     CALL_MESSAGE,   PLAY(MESSAGE),  CALL_END_MESSAGE_CUT, SAME},
    {CALL_LISTENING, CALL_ON_KEY_1,     CALL_ASKING,    PLAY(ASK),      CALL_END_HUNG_UP,    WHO(UNKNOWN)},
    {CALL_LISTENING, CALL_ON_KEY_2,     CALL_ASKING,    PLAY(ASK),      CALL_END_HUNG_UP,    WHO(UNKNOWN)},
    {CALL_LISTENING, CALL_ON_KEY_3,     CALL_ASKING,    PLAY(ASK),      CALL_END_HUNG_UP,    WHO(UNKNOWN)},
    {CALL_LISTENING, CALL_ON_KEY_9,     CALL_ASKING,    PLAY(ASK),      CALL_END_HUNG_UP,    WHO(UNKNOWN)},
    {CALL_LISTENING, CALL_ON_KEY_OTHER, CALL_ASKING,    PLAY(ASK),      CALL_END_HUNG_UP,    WHO(UNKNOWN)},
    {CALL_LISTENING, CALL_ON_CLOSED,    CALL_OVER,      REPORT,         KEEP_END,            SAME},
    {CALL_LISTENING, CALL_ON_LOST,      CALL_OVER,      REPORT,         CALL_END_LINE_LOST,  SAME},

    {CALL_TONE,      CALL_ON_QUIET,     CALL_MESSAGE,   PLAY(MESSAGE),  CALL_END_MESSAGE_CUT, SAME},
    {CALL_TONE,      CALL_ON_TIMER,     CALL_ENDING,    HANG_UP,        CALL_END_NO_TONE,    SAME},
    {CALL_TONE,      CALL_ON_CLOSED,    CALL_OVER,      REPORT,         KEEP_END,            SAME},
    {CALL_TONE,      CALL_ON_LOST,      CALL_OVER,      REPORT,         CALL_END_LINE_LOST,  SAME},

    {CALL_ASKING,    CALL_ON_KEY_1,     CALL_DETAILS,   PLAY(DETAILS),  CALL_END_RIGHT_PARTY, WHO(YES)},
    {CALL_ASKING,    CALL_ON_KEY_2,     CALL_BYE,       PLAY(BYE),      CALL_END_WRONG_PARTY, WHO(NO)},
    {CALL_ASKING,    CALL_ON_KEY_3,     CALL_NOTED,     PLAY(NOTED),    CALL_END_CALL_LATER, KEY(LATER)},
    {CALL_ASKING,    CALL_ON_KEY_9,     CALL_NOTED,     PLAY(NOTED),    CALL_END_STOP_PRESSED, KEY(STOP)},
    {CALL_ASKING,    CALL_ON_KEY_OTHER, CALL_ASKING,    QUIET,          KEEP_END,            SAME},
    {CALL_ASKING,    CALL_ON_TIMER,     CALL_ASKING,    PLAY(ASK),      KEEP_END,            SAME},
    {CALL_ASKING,    CALL_ON_SPENT,     CALL_TELLING,   PLAY(MESSAGE),  CALL_END_NOT_CONFIRMED, SAME},
    {CALL_ASKING,    CALL_ON_CLOSED,    CALL_OVER,      REPORT,         KEEP_END,            SAME},
    {CALL_ASKING,    CALL_ON_LOST,      CALL_OVER,      REPORT,         CALL_END_LINE_LOST,  SAME},

    {CALL_DETAILS,   CALL_ON_KEY_1,     CALL_NOTED,     PLAY(NOTED),    KEEP_END,            KEY(PROMISE)},
    {CALL_DETAILS,   CALL_ON_KEY_2,     CALL_NOTED,     PLAY(NOTED),    KEEP_END,            KEY(DISPUTE)},
    {CALL_DETAILS,   CALL_ON_KEY_3,     CALL_NOTED,     PLAY(NOTED),    CALL_END_CALL_LATER, KEY(LATER)},
    {CALL_DETAILS,   CALL_ON_KEY_9,     CALL_NOTED,     PLAY(NOTED),    KEEP_END,            KEY(STOP)},
    {CALL_DETAILS,   CALL_ON_KEY_OTHER, CALL_DETAILS,   QUIET,          KEEP_END,            SAME},
    {CALL_DETAILS,   CALL_ON_TIMER,     CALL_DETAILS,   PLAY(DETAILS),  KEEP_END,            SAME},
    {CALL_DETAILS,   CALL_ON_SPENT,     CALL_BYE,       PLAY(BYE),      KEEP_END,            SAME},
    {CALL_DETAILS,   CALL_ON_CLOSED,    CALL_OVER,      REPORT,         KEEP_END,            SAME},
    {CALL_DETAILS,   CALL_ON_LOST,      CALL_OVER,      REPORT,         CALL_END_LINE_LOST,  SAME},

    {CALL_NOTED,     CALL_ON_KEY_9,     CALL_NOTED,     QUIET,          KEEP_END,            KEY(STOP)},
    {CALL_NOTED,     CALL_ON_TIMER,     CALL_ENDING,    HANG_UP,        KEEP_END,            SAME},
    {CALL_NOTED,     CALL_ON_CLOSED,    CALL_OVER,      REPORT,         KEEP_END,            SAME},
    {CALL_NOTED,     CALL_ON_LOST,      CALL_OVER,      REPORT,         KEEP_END,            SAME},

    {CALL_BYE,       CALL_ON_KEY_9,     CALL_NOTED,     PLAY(NOTED),    KEEP_END,            KEY(STOP)},
    {CALL_BYE,       CALL_ON_TIMER,     CALL_ENDING,    HANG_UP,        KEEP_END,            SAME},
    {CALL_BYE,       CALL_ON_CLOSED,    CALL_OVER,      REPORT,         KEEP_END,            SAME},
    {CALL_BYE,       CALL_ON_LOST,      CALL_OVER,      REPORT,         KEEP_END,            SAME},

    {CALL_MESSAGE,   CALL_ON_KEY_9,     CALL_NOTED,     PLAY(NOTED),    CALL_END_STOP_PRESSED, KEY(STOP)},
    {CALL_MESSAGE,   CALL_ON_TIMER,     CALL_ENDING,    HANG_UP,        CALL_END_MESSAGE_LEFT, SAME},
    {CALL_MESSAGE,   CALL_ON_CLOSED,    CALL_OVER,      REPORT,         KEEP_END,            SAME},
    {CALL_MESSAGE,   CALL_ON_LOST,      CALL_OVER,      REPORT,         CALL_END_LINE_LOST,  SAME},

    {CALL_TELLING,   CALL_ON_KEY_1,     CALL_DETAILS,   PLAY(DETAILS),  CALL_END_RIGHT_PARTY, WHO(YES)},
    {CALL_TELLING,   CALL_ON_KEY_2,     CALL_BYE,       PLAY(BYE),      CALL_END_WRONG_PARTY, WHO(NO)},
    {CALL_TELLING,   CALL_ON_KEY_9,     CALL_NOTED,     PLAY(NOTED),    CALL_END_STOP_PRESSED, KEY(STOP)},
    {CALL_TELLING,   CALL_ON_TIMER,     CALL_ENDING,    HANG_UP,        KEEP_END,            SAME},
    {CALL_TELLING,   CALL_ON_CLOSED,    CALL_OVER,      REPORT,         KEEP_END,            SAME},
    {CALL_TELLING,   CALL_ON_LOST,      CALL_OVER,      REPORT,         CALL_END_LINE_LOST,  SAME},

    {CALL_ENDING,    CALL_ON_RINGING,   CALL_ENDING,    QUIET,          KEEP_END,            SAME},
    {CALL_ENDING,    CALL_ON_ANSWERED,  CALL_ENDING,    HANG_UP,        KEEP_END,            SAME},
    {CALL_ENDING,    CALL_ON_QUIET,     CALL_ENDING,    QUIET,          KEEP_END,            SAME},
    {CALL_ENDING,    CALL_ON_TIMER,     CALL_OVER,      REPORT,         KEEP_END,            SAME},
    {CALL_ENDING,    CALL_ON_CLOSED,    CALL_OVER,      REPORT,         KEEP_END,            SAME},
    {CALL_ENDING,    CALL_ON_LOST,      CALL_OVER,      REPORT,         KEEP_END,            SAME},
    /* clang-format on */
};

/* ---- waits ---- */

static const struct {
    call_part part;       /* its length counts first */
    size_t wait;          /* member of call_plan added to it; 0 none */
    bool rounds, goes_on; /* is asked again; the limit of the state before stays */
} limits[CALL_STATE_COUNT] = {
    [CALL_DIALLING] = {CALL_PART_NONE, offsetof(call_plan, ring_ms), false, false},
    [CALL_RINGING] = {CALL_PART_NONE, offsetof(call_plan, ring_ms), false, true},
    [CALL_LISTENING] = {CALL_PART_NONE, offsetof(call_plan, listen_ms), false, false},
    [CALL_TONE] = {CALL_PART_NONE, offsetof(call_plan, tone_ms), false, false},
    [CALL_ASKING] = {CALL_PART_ASK, offsetof(call_plan, answer_ms), true, false},
    [CALL_DETAILS] = {CALL_PART_DETAILS, offsetof(call_plan, answer_ms), true, false},
    [CALL_NOTED] = {CALL_PART_NOTED, 0, false, false},
    [CALL_BYE] = {CALL_PART_BYE, 0, false, false},
    [CALL_MESSAGE] = {CALL_PART_MESSAGE, 0, false, false},
    [CALL_TELLING] = {CALL_PART_MESSAGE, 0, false, false},
    [CALL_ENDING] = {CALL_PART_NONE, offsetof(call_plan, end_ms), false, false},
};

static void set_limit(call *c, const call_plan *plan, gw_mono now)
{
    call_state s = c->state;
    if (s == CALL_IDLE || s == CALL_OVER) {
        c->due_ms = INT64_MAX;
        return;
    }
    if (limits[s].goes_on)
        return;
    int64_t wait = plan->part_ms[limits[s].part];
    if (limits[s].wait) /* ring_ms is not the first member of call_plan: 0 means none */
        wait += *(const int *)(const void *)((const char *)plan + limits[s].wait);
    c->due_ms = now.ms + wait;
}

/* ---- stepping ---- */

void call_init(call *c)
{
    *c = (call){.amd = CALL_ON_DIAL, .due_ms = INT64_MAX};
}

void call_close(call *c, int sip, int cause)
{
    if (c->state == CALL_ENDING) /* we hung up first */
        return;
    c->sip = sip;
    c->cause = sip ? call_q850(sip) : cause;
    c->remote = true;
    if (c->state == CALL_DIALLING || c->state == CALL_RINGING)
        c->end = cause && !sip ? call_end_of_cause(cause, c->state == CALL_RINGING)
                               : call_end_of_status(sip, c->state == CALL_RINGING);
}

static const call_row *find(call_state in, call_event on)
{
    for (size_t i = 0; i < GW_COUNT(rows); i++)
        if (rows[i].in == in && rows[i].on == on)
            return &rows[i];
    return NULL;
}

/* The row, or where there is no question to ask that of whoever was not recognised. */
static const call_row *row_of(const call *c, call_event on, const call_plan *plan)
{
    const call_row *row = find(c->state, on);
    if (row && row->part == CALL_PART_ASK && plan->part_ms[CALL_PART_ASK] == 0)
        return find(c->state, CALL_ON_UNSURE);
    return row;
}

static void note(call *c, call_event on, gw_mono now)
{
    switch (on) {
    case CALL_ON_DIAL:
        c->dialled = now;
        break;
    case CALL_ON_RINGING:
        if (c->rang.ms == 0)
            c->rang = now;
        break;
    case CALL_ON_ANSWERED:
        c->answered = now;
        break;
    case CALL_ON_HUMAN:
    case CALL_ON_MACHINE:
    case CALL_ON_UNSURE:
        c->amd = on;
        break;
    default:
        break;
    }
}

call_effects call_step(call *c, call_event on, const call_plan *plan, gw_mono now)
{
    if (on == CALL_ON_TIMER && limits[c->state].rounds && c->round >= plan->rounds)
        on = CALL_ON_SPENT;
    if (on == CALL_ON_TIMER && c->state == CALL_LISTENING)
        c->amd = CALL_ON_UNSURE;
    const call_row *row = row_of(c, on, plan);
    if (!row) {
        c->unexpected++;
        return (call_effects){0, CALL_PART_NONE};
    }
    note(c, on, now);
    bool plays = row->acts & CALL_DO_PLAY;
    c->round = c->state != row->then ? 1 : c->round + plays;
    bool moved = c->state != row->then || plays;
    c->state = row->then;
    if (row->end != CALL_END_NONE)
        c->end = row->end;
    if (row->party != CALL_PARTY_UNASKED)
        c->party = row->party;
    if (row->pressed != CALL_PRESSED_NOTHING)
        c->pressed = row->pressed;
    if (moved)
        set_limit(c, plan, now);
    if (c->state == CALL_OVER || (c->state == CALL_ENDING && c->ended.ms == 0))
        c->ended = c->ended.ms ? c->ended : now;
    return (call_effects){row->acts, row->part};
}

call_event call_key(char c)
{
    switch (c) {
    case '1':
        return CALL_ON_KEY_1;
    case '2':
        return CALL_ON_KEY_2;
    case '3':
        return CALL_ON_KEY_3;
    case '9':
        return CALL_ON_KEY_9;
    default:
        return CALL_ON_KEY_OTHER;
    }
}

/* ---- names ---- */

static const char *const state_names[CALL_STATE_COUNT] = {
    [CALL_IDLE] = "idle",           [CALL_DIALLING] = "dialling", [CALL_RINGING] = "ringing",
    [CALL_LISTENING] = "listening", [CALL_TONE] = "tone",         [CALL_ASKING] = "asking",
    [CALL_DETAILS] = "details",     [CALL_NOTED] = "noted",       [CALL_BYE] = "bye",
    [CALL_MESSAGE] = "message",     [CALL_TELLING] = "telling",   [CALL_ENDING] = "ending",
    [CALL_OVER] = "over",
};

static const char *const event_names[CALL_EVENT_COUNT] = {
    [CALL_ON_DIAL] = "",
    [CALL_ON_RINGING] = "ringing",
    [CALL_ON_ANSWERED] = "answered",
    [CALL_ON_HUMAN] = "human",
    [CALL_ON_MACHINE] = "machine",
    [CALL_ON_UNSURE] = "unsure",
    [CALL_ON_QUIET] = "quiet",
    [CALL_ON_KEY_1] = "key-1",
    [CALL_ON_KEY_2] = "key-2",
    [CALL_ON_KEY_3] = "key-3",
    [CALL_ON_KEY_9] = "key-9",
    [CALL_ON_KEY_OTHER] = "key-other",
    [CALL_ON_TIMER] = "timer",
    [CALL_ON_SPENT] = "spent",
    [CALL_ON_CLOSED] = "closed",
    [CALL_ON_NOT_PLACED] = "not-placed",
    [CALL_ON_LOST] = "lost",
};

static const char *const part_names[CALL_PART_COUNT] = {
    [CALL_PART_NONE] = "",       [CALL_PART_ASK] = "ask", [CALL_PART_DETAILS] = "details",
    [CALL_PART_NOTED] = "noted", [CALL_PART_BYE] = "bye", [CALL_PART_MESSAGE] = "message",
};

const char *call_state_name(call_state s)
{
    return state_names[s];
}

const char *call_event_name(call_event e)
{
    return event_names[e];
}

const char *call_part_name(call_part p)
{
    return part_names[p];
}

const char *call_party_name(call_party p)
{
    static const char *const names[] = {
        [CALL_PARTY_UNASKED] = "unasked",
        [CALL_PARTY_UNKNOWN] = "unknown",
        [CALL_PARTY_YES] = "yes",
        [CALL_PARTY_NO] = "no",
    };
    return names[p];
}

const char *call_pressed_name(call_pressed p)
{
    static const char *const names[] = {
        [CALL_PRESSED_NOTHING] = "",        [CALL_PRESSED_PROMISE] = "promise",
        [CALL_PRESSED_DISPUTE] = "dispute", [CALL_PRESSED_LATER] = "later",
        [CALL_PRESSED_STOP] = "stop",
    };
    return names[p];
}
