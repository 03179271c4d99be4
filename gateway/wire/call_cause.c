/* call_cause.c - what carriers' answers mean: SIP status or Q.850 cause -> how the call ended.
 *
 * Status codes: RFC 3261 §21. Causes of a status: RFC 3398 §8.2.6.1, table SIP to ISUP; what a
 * cause means: ITU-T Q.850 (05/2018) and RFC 3398 §7.2.4.1. Only for calls that were not answered.
 * A status or cause without a row goes by its class. */
#include "gateway/wire/call.h"

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

/* 16 and 31, "normal", say that a call was cleared, not that nobody took it: no row. */
static const struct {
    int q850;
    call_end end;
} causes[] = {
    {1, CALL_END_NO_SUCH_NUMBER},   {2, CALL_END_CARRIER_LATER},
    {3, CALL_END_NO_SUCH_NUMBER},   {17, CALL_END_BUSY},
    {18, CALL_END_NO_ANSWER},       {19, CALL_END_NO_ANSWER},
    {20, CALL_END_NO_ANSWER},       {21, CALL_END_DECLINED},
    {22, CALL_END_NO_SUCH_NUMBER},  {23, CALL_END_NO_SUCH_NUMBER},
    {26, CALL_END_NO_SUCH_NUMBER},  {27, CALL_END_CARRIER_LATER},
    {28, CALL_END_NO_SUCH_NUMBER},  {29, CALL_END_CARRIER_REFUSED},
    {87, CALL_END_CARRIER_REFUSED}, {88, CALL_END_CARRIER_REFUSED},
    {102, CALL_END_NO_ANSWER},      {111, CALL_END_CARRIER_LATER},
    {127, CALL_END_CARRIER_LATER},
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

call_end call_end_of_cause(int cause, bool rang)
{
    for (size_t i = 0; i < GW_COUNT(causes); i++)
        if (causes[i].q850 == cause)
            return causes[i].end;
    if (cause >= 32 && cause < 48) /* resource unavailable */
        return CALL_END_CARRIER_LATER;
    if (cause >= 48 && cause < 80) /* service or option not available, not implemented */
        return CALL_END_CARRIER_REFUSED;
    /* Cleared, or no cause: a phone that rang may have been picked up meanwhile. */
    return rang || cause ? CALL_END_LINE_LOST : CALL_END_CARRIER_LATER;
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
