#include "gateway/timing/history.h"

#include "gateway/timing/crc.h"

#include <string.h>

enum { VERSION = 1, GAP_MAX = 127, EVER_MAX = 65535 };

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static uint32_t checksum(const uint8_t *v, size_t n)
{
    uint32_t c = timing_crc_more(UINT32_MAX, v, 8);
    return ~timing_crc_more(c, v + HISTORY_HEAD, n - HISTORY_HEAD);
}

float history_trust(history_result r)
{
    static const float trust[RESULT_COUNT] = {
        [RESULT_NONE] = 1, [RESULT_CLICK] = 0.4F, [RESULT_ANSWER] = 1,
        [RESULT_PAID] = 2, [RESULT_LATE] = 1,
    };
    return trust[r < RESULT_COUNT ? r : RESULT_NONE];
}

/* ---- one contact in 24 bits: channel 2, day type 1, hour 5, result 3, late 4, chooser 2, gap 7 */

static uint32_t pack(const history_contact *c, uint32_t gap)
{
    return (uint32_t)c->channel | (uint32_t)c->daytype << 2 | (uint32_t)c->hour << 3 |
           (uint32_t)c->result << 8 | (uint32_t)c->late << 11 | (uint32_t)c->chooser << 15 |
           gap << 17;
}

static bool unpack(const uint8_t *p, history_contact *c)
{
    uint32_t v = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
    *c = (history_contact){
        .channel = v & 3,
        .daytype = (v >> 2) & 1,
        .hour = (v >> 3) & 31,
        .result = (v >> 8) & 7,
        .late = (v >> 11) & 15,
        .chooser = (v >> 15) & 3,
        .gap = (uint8_t)(v >> 17),
    };
    return c->channel < TIMING_CHANNELS && c->hour < TIMING_HOURS && c->result < RESULT_COUNT &&
           (c->result == RESULT_LATE) == (c->late > 0) && c->hour + c->late < TIMING_HOURS;
}

static const char *fault_of(const uint8_t *v, size_t n)
{
    if (n < HISTORY_HEAD || n > HISTORY_BYTES_MAX ||
        n != HISTORY_HEAD + (size_t)HISTORY_CONTACT * v[1])
        return "its length is wrong";
    if (checksum(v, n) != get32(v + 8))
        return "its checksum is wrong";
    return NULL;
}

gw_code history_read(gw_str stored, history *ret, gw_err *err)
{
    const uint8_t *v = (const uint8_t *)stored.p;
    ret->n = ret->ever = 0;
    ret->day = 0;
    if (stored.n == 0)
        return GW_OK;
    if (v[0] != VERSION)
        return gw_fail(err, GW_EINVAL, "timing history of version %d; this program reads %d", v[0],
                       VERSION);
    const char *fault = fault_of(v, stored.n);
    for (uint32_t i = 0; !fault && i < v[1]; i++)
        if (!unpack(v + HISTORY_HEAD + (size_t)i * HISTORY_CONTACT, &ret->contacts[i]))
            fault = "a contact in it is impossible";
    if (fault)
        return gw_fail(err, GW_ECORRUPT,
                       "timing history not used: %s; the debtor gets the shared model", fault);
    ret->n = v[1];
    ret->ever = (uint32_t)v[2] | (uint32_t)v[3] << 8;
    ret->day = (int32_t)get32(v + 4);
    return GW_OK;
}

static uint8_t gap_between(int32_t newest, int32_t day)
{
    int64_t gap = (int64_t)day - newest;
    return (uint8_t)(gap < 0 ? 0 : gap > GAP_MAX ? GAP_MAX : gap);
}

void history_push(history *h, const history_contact *c, int32_t day)
{
    if (h->n == HISTORY_MAX)
        memmove(h->contacts, h->contacts + 1, --h->n * sizeof *c);
    history_contact *to = &h->contacts[h->n++];
    *to = *c;
    to->gap = h->ever ? gap_between(h->day, day) : 0;
    h->day = h->ever && day < h->day ? h->day : day;
    h->ever += h->ever < EVER_MAX;
}

size_t history_add(uint8_t stored[HISTORY_BYTES_MAX], size_t n, const history_contact *c,
                   int32_t day)
{
    if (n == 0 || stored[0] != VERSION || fault_of(stored, n)) {
        memset(stored, 0, HISTORY_HEAD);
        stored[0] = VERSION;
        put32(stored + 4, (uint32_t)day);
        n = HISTORY_HEAD;
    }
    uint8_t gap = gap_between((int32_t)get32(stored + 4), day);
    if (stored[1] == HISTORY_MAX) {
        memmove(stored + HISTORY_HEAD, stored + HISTORY_HEAD + HISTORY_CONTACT,
                (HISTORY_MAX - 1) * HISTORY_CONTACT);
        n -= HISTORY_CONTACT;
    } else {
        stored[1]++;
    }
    uint32_t v = pack(c, gap);
    for (int i = 0; i < HISTORY_CONTACT; i++)
        stored[n + (size_t)i] = (uint8_t)(v >> (8 * i));
    n += HISTORY_CONTACT;
    uint32_t ever = ((uint32_t)stored[2] | (uint32_t)stored[3] << 8) + 1;
    ever = ever > EVER_MAX ? EVER_MAX : ever;
    stored[2] = (uint8_t)ever;
    stored[3] = (uint8_t)(ever >> 8);
    if (gap > 0)
        put32(stored + 4, (uint32_t)day);
    put32(stored + 8, checksum(stored, n));
    return n;
}
