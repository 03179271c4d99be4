#include "gateway/wire/verb.h"

static const verb_row rows[VERB_COUNT] = {
    [VERB_SUBMIT] = {"submit", VERB_JOB, false, false},
    [VERB_ITEM] = {"item", VERB_EVENT, false, true},
    [VERB_PAYMENT] = {"payment", VERB_EVENT, false, true},
    [VERB_PROMISE] = {"promise", VERB_EVENT, false, true},
    [VERB_DISPUTE] = {"dispute", VERB_EVENT, false, true},
    [VERB_DEBTOR] = {"debtor", VERB_EVENT, false, false},
    [VERB_CONSENT] = {"consent", VERB_EVENT, false, false},
    [VERB_HOLD] = {"hold", VERB_EVENT, false, false},
    [VERB_HOURS] = {"hours", VERB_EVENT, false, false},
    [VERB_CANCEL] = {"cancel", VERB_ACT, false, false}, /* of an item it is an event (ledger.h) */
    [VERB_QUERY] = {"query", VERB_ASK, false, false},
    [VERB_CLOCK] = {"clock", VERB_ACT, true, false},
    [VERB_PAUSE] = {"pause", VERB_ACT, true, false},
    [VERB_RESUME] = {"resume", VERB_ACT, true, false},
    [VERB_WINDOWS] = {"windows", VERB_ACT, true, false},
    [VERB_RULES] = {"rules", VERB_ACT, true, false},
    [VERB_TRY] = {"try", VERB_ASK, false, false},
    [VERB_RETRY] = {"retry", VERB_ACT, true, false},
    [VERB_CALL] = {"call", VERB_ACT, false, false},  /* of agents and operators */
    [VERB_REPLY] = {"reply", VERB_ACT, true, false}, /* a person has read it */
};

const verb_row *verb_of(verb v)
{
    return &rows[v];
}

verb verb_find(gw_str name)
{
    for (int v = 0; v < VERB_COUNT; v++)
        if (gw_str_is(name, rows[v].name))
            return (verb)v;
    return VERB_COUNT;
}
