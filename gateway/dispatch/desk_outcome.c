#include "gateway/dispatch/desk_outcome.h"

#include "gateway/base/err.h"

/* Reaching nobody is tried again (ON_AGAIN becomes ON_UNREACHED with the last try); what the person
 * said ends the task. "stop" counts without a right-party check: whoever asks for it is obeyed. */
static const desk_outcome rows[] = {
    /* name          kinds        life          answered effective right  trigger */
    {"no-answer", DESK_CALLS, ON_AGAIN, false, false, false, DESK_NOTHING,
     "Nobody answered, or the line was busy."},
    {"voicemail", DESK_CALLS, ON_AGAIN, false, false, false, DESK_NOTHING,
     "A machine answered; at most the voicemail text was left."},
    {"wrong-party", DESK_CALLS, ON_UNREACHED, true, false, false, DESK_WRONG,
     "The number is not the contact's."},
    {"no-result", DESK_TALKS, ON_REACHED, true, true, true, DESK_NOTHING,
     "The right party was reached; nothing was agreed."},
    {"promise", DESK_TALKS, ON_REACHED, true, true, true, DESK_PROMISE,
     "A date, and perhaps an amount, was promised."},
    {"dispute", DESK_TALKS, ON_REACHED, true, true, true, DESK_DISPUTE,
     "The claim, or one item, is contested."},
    {"refused", DESK_TALKS, ON_REACHED, true, true, true, DESK_NOTHING,
     "The debtor refuses to pay."},
    {"hardship", DESK_TALKS, ON_REACHED, true, true, true, DESK_HARDSHIP,
     "The debtor is in distress or cannot pay."},
    {"call-back", DESK_TALKS, ON_AGAIN, true, false, false, DESK_CALL_BACK,
     "They asked to be called at another time."},
    {"stop", DESK_TALKS, ON_REACHED, true, true, false, DESK_STOP,
     "They asked not to be contacted this way any more."},
    {"not-placed", DESK_ALL, ON_UNDONE, false, false, false, DESK_NOTHING,
     "It was not done after all; nobody was contacted."},
    {"not-in", DESK_VISITS, ON_AGAIN, false, false, false, DESK_NOTHING,
     "Nobody who could speak for the debtor was there."},
    {"signed", DESK_VISITS, ON_REACHED, true, true, true, DESK_NOTHING,
     "The debtor signed the overdue note; attach the signed page."},
    {"posted", DESK_LETTERS, ON_REACHED, false, false, false, DESK_NOTHING,
     "Handed to the carrier under the number recorded. Not more: whether it arrived comes later."},
    {"done", DESK_WORK, ON_REACHED, false, false, false, DESK_NOTHING, "It is done."},
    {"not-done", DESK_WORK | DESK_LETTERS, ON_UNREACHED, false, false, false, DESK_NOTHING,
     "It could not be done."},
};

const desk_outcome *desk_outcome_named(gw_str name)
{
    for (size_t i = 0; i < GW_COUNT(rows); i++)
        if (gw_str_is(name, rows[i].name))
            return &rows[i];
    return NULL;
}

const desk_outcome *desk_outcome_at(size_t n)
{
    return n < GW_COUNT(rows) ? &rows[n] : NULL;
}

bool desk_outcome_fits(const desk_outcome *o, gw_str channel)
{
    static const struct {
        const char *channel;
        desk_kinds kind;
    } kinds[] = {{"voice", DESK_CALLS}, {"letter", DESK_LETTERS}, {"visit", DESK_VISITS}};
    for (size_t i = 0; i < GW_COUNT(kinds); i++)
        if (gw_str_is(channel, kinds[i].channel))
            return o->kinds & kinds[i].kind;
    return o->kinds & DESK_WORK;
}
