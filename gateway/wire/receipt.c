#include "gateway/wire/receipt.h"

#include <stdio.h>

enum { SHARDS = 64, SHARD_DIGITS = 2, RID = GW_ID_TEXT - 1 };

const char *const wire_receipt_states[WIRE_RECEIPT_STATE_COUNT] = {
    [WIRE_RECEIPT_NONE] = "none",         [WIRE_RECEIPT_ACCEPTED] = "accepted",
    [WIRE_RECEIPT_SENT] = "sent",         [WIRE_RECEIPT_DELIVERED] = "delivered",
    [WIRE_RECEIPT_FAILED] = "failed",     [WIRE_RECEIPT_EXPIRED] = "expired",
    [WIRE_RECEIPT_REJECTED] = "rejected",
};
static const char *const auths[WIRE_AUTH_COUNT] = {
    [WIRE_AUTH_UNSIGNED] = "unsigned",
    [WIRE_AUTH_SIGNED] = "signed",
    [WIRE_AUTH_PULLED] = "pulled",
};

static int index_of(const char *const *names, int n, gw_str name)
{
    int i = 0;
    while (i < n && !gw_str_is(name, names[i]))
        i++;
    return i;
}

const char *wire_receipt_state_name(wire_receipt_state s)
{
    return wire_receipt_states[s];
}

bool wire_receipt_state_parse(gw_str name, wire_receipt_state *ret)
{
    int i = index_of(wire_receipt_states, WIRE_RECEIPT_STATE_COUNT, name);
    if (i < WIRE_RECEIPT_STATE_COUNT)
        *ret = (wire_receipt_state)i;
    return i < WIRE_RECEIPT_STATE_COUNT;
}

const char *wire_auth_name(wire_auth a)
{
    return auths[a];
}

bool wire_auth_parse(gw_str name, wire_auth *ret)
{
    int i = index_of(auths, WIRE_AUTH_COUNT, name);
    if (i < WIRE_AUTH_COUNT)
        *ret = (wire_auth)i;
    return i < WIRE_AUTH_COUNT;
}

void wire_own_format(uint8_t shard, const gw_id *rid, int attempt, char ret_text[WIRE_OWN_TEXT])
{
    char id[GW_ID_TEXT];
    gw_id_format(rid, id);
    snprintf(ret_text, WIRE_OWN_TEXT, "%02u%s-%d", shard % SHARDS, id, attempt);
}

/* Decimal digits only, no leading zero but for zero itself; -1 otherwise. */
static int number_of(gw_str s, int max)
{
    int v = 0;
    if (s.n == 0 || s.n > 7)
        return -1;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return -1;
        v = v * 10 + s.p[i] - '0';
    }
    return v <= max ? v : -1;
}

bool wire_own_of_task(gw_str rid, gw_str tok, int attempt, char ret_text[WIRE_OWN_TEXT])
{
    gw_id id;
    int shard = tok.n > SHARD_DIGITS ? number_of((gw_str){tok.p, SHARD_DIGITS}, SHARDS - 1) : -1;
    if (shard < 0 || gw_id_parse(rid, &id, NULL) != GW_OK || attempt < 1 ||
        attempt > WIRE_OWN_ATTEMPT_MAX)
        return false;
    wire_own_format((uint8_t)shard, &id, attempt, ret_text);
    return true;
}

bool wire_own_parse(gw_str text, uint8_t *ret_shard, gw_id *ret_rid, int *ret_attempt)
{
    const size_t head = SHARD_DIGITS + RID + 1;
    gw_id id;
    if (text.n <= head || text.p[head - 1] != '-')
        return false;
    int shard = number_of((gw_str){text.p, SHARD_DIGITS}, SHARDS - 1);
    int attempt = number_of((gw_str){text.p + head, text.n - head}, WIRE_OWN_ATTEMPT_MAX);
    if (shard < 0 || attempt < 1 || text.p[head] == '0' ||
        gw_id_parse((gw_str){text.p + SHARD_DIGITS, RID}, &id, NULL) != GW_OK)
        return false;
    *ret_shard = (uint8_t)shard;
    *ret_rid = id;
    *ret_attempt = attempt;
    return true;
}
