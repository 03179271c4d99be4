/* cause.c - what carriers' answers mean: SIP status -> how the call ended, and its Q.850 cause.
 *
 * Status codes: RFC 3261 §21. Causes: RFC 3398 §8.2.6.1, table SIP to ISUP. Only for calls that
 * were not answered. A status without a row goes by its class. */
#include "workers/voice/call.h"

static const struct {
    int sip, q850;
    call_end end;
} statuses[] = {
    {400, 41, CALL_END_CARRIER_LATER},   {401, 21, CALL_END_CARRIER_REFUSED},
    {402, 21, CALL_END_CARRIER_REFUSED}, {403, 21, CALL_END_CARRIER_REFUSED},
    {404, 1, CALL_END_NO_SUCH_NUMBER},   {405, 63, CALL_END_CARRIER_REFUSED},
    {406, 79, CALL_END_CARRIER_REFUSED}, {407, 21, CALL_END_CARRIER_REFUSED},
    {408, 102, CALL_END_NO_ANSWER},      {410, 22, CALL_END_NO_SUCH_NUMBER},
    {480, 18, CALL_END_NO_ANSWER},       {484, 28, CALL_END_NO_SUCH_NUMBER},
    {485, 1, CALL_END_NO_SUCH_NUMBER},   {486, 17, CALL_END_BUSY},
    {487, 0, CALL_END_NO_ANSWER},        {488, 0, CALL_END_CARRIER_REFUSED},
    {500, 41, CALL_END_CARRIER_LATER},   {501, 79, CALL_END_CARRIER_REFUSED},
    {502, 38, CALL_END_CARRIER_LATER},   {503, 41, CALL_END_CARRIER_LATER},
    {504, 102, CALL_END_CARRIER_LATER},  {600, 17, CALL_END_BUSY},
    {603, 21, CALL_END_DECLINED},        {604, 1, CALL_END_NO_SUCH_NUMBER},
    {606, 0, CALL_END_CARRIER_REFUSED},
};

static const struct {
    const char *name;
    wire_result result;
} ends[CALL_END_COUNT] = {
    [CALL_END_NONE] = {"", WIRE_UNKNOWN},
    [CALL_END_RIGHT_PARTY] = {"right-party", WIRE_DELIVERED},
    [CALL_END_MESSAGE_LEFT] = {"message-left", WIRE_DELIVERED},
    [CALL_END_MESSAGE_CUT] = {"message-cut", WIRE_DELIVERED},
    [CALL_END_NOT_CONFIRMED] = {"not-confirmed", WIRE_DELIVERED},
    [CALL_END_WRONG_PARTY] = {"wrong-party", WIRE_REFUSED},
    [CALL_END_STOP_PRESSED] = {"stop-pressed", WIRE_REFUSED},
    [CALL_END_CALL_LATER] = {"call-later", WIRE_LATER},
    [CALL_END_HUNG_UP] = {"hung-up", WIRE_REFUSED},
    [CALL_END_NO_TONE] = {"machine-no-tone", WIRE_LATER},
    [CALL_END_NO_ANSWER] = {"no-answer", WIRE_LATER},
    [CALL_END_BUSY] = {"busy", WIRE_LATER},
    [CALL_END_DECLINED] = {"declined", WIRE_REFUSED},
    [CALL_END_NO_SUCH_NUMBER] = {"no-such-number", WIRE_REFUSED},
    [CALL_END_CARRIER_LATER] = {"carrier-later", WIRE_LATER},
    [CALL_END_CARRIER_REFUSED] = {"carrier-refused", WIRE_REFUSED},
    [CALL_END_NOT_PLACED] = {"not-placed", WIRE_LATER},
    [CALL_END_LINE_LOST] = {"line-lost", WIRE_UNKNOWN},
};

call_end call_end_of_status(int sip, bool rang)
{
    for (size_t i = 0; i < GW_COUNT(statuses); i++)
        if (statuses[i].sip == sip)
            return statuses[i].end;
    if (sip >= 600)
        return CALL_END_DECLINED;
    if (sip >= 500)
        return CALL_END_CARRIER_LATER;
    if (sip >= 400)
        return CALL_END_CARRIER_REFUSED;
    /* No final answer: a phone that rang may have been picked up meanwhile. */
    return rang ? CALL_END_LINE_LOST : CALL_END_CARRIER_LATER;
}

int call_q850(int sip)
{
    for (size_t i = 0; i < GW_COUNT(statuses); i++)
        if (statuses[i].sip == sip)
            return statuses[i].q850;
    return 0;
}

const char *call_end_name(call_end e)
{
    return ends[e].name;
}

wire_result call_end_result(call_end e)
{
    return ends[e].result;
}
