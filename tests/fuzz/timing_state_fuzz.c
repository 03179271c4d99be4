/* A debtor's state as Redis returns it: contacts that can be, which survive an update, or an empty
 * history with a reason. The checksum is put right first, so that the fields behind it are met. */
#include "gateway/timing/choose.h"
#include "gateway/timing/crc.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void put_checksum(uint8_t *v, size_t n)
{
    uint32_t c = timing_crc_more(UINT32_MAX, v, 8);
    c = ~timing_crc_more(c, v + HISTORY_HEAD, n - HISTORY_HEAD);
    for (int i = 0; i < 4; i++)
        v[8 + i] = (uint8_t)(c >> (8 * i));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static timing_model *m;
    uint8_t v[HISTORY_BYTES_MAX];
    history h;
    gw_err err = {0};
    if (n > sizeof v)
        return 0;
    if (!m)
        m = timing_model_new();
    memcpy(v, data, n);
    if (n >= HISTORY_HEAD)
        put_checksum(v, n);
    if (history_read((gw_str){(const char *)v, n}, &h, &err) != GW_OK) {
        assert(err.text[0] && h.n == 0);
        return 0;
    }
    timing_question q = {.channel = 1, .segment = 2, .allowed = UINT32_C(0xFFF) << 8};
    timing_choice c;
    assert(m && timing_choose(m, &h, &q, false, n, &c) && timing_allows(&q, c.hour));
    history_contact next = {.channel = 1, .hour = c.hour, .result = RESULT_ANSWER};
    history again;
    n = history_add(v, n, &next, h.day);
    assert(n <= sizeof v && history_read((gw_str){(const char *)v, n}, &again, &err) == GW_OK);
    assert(again.n == (h.n < HISTORY_MAX ? h.n + 1 : h.n));
    return 0;
}
