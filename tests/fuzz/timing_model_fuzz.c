/* A model file: chances only, which give a chance for every hour, or refused with a reason. The
 * input overwrites a good file from the place its first four bytes name; the checksum is put right.
 */
#include "gateway/timing/crc.h"
#include "gateway/timing/model_file.h"

#include <assert.h>

enum { PLACE_BYTES = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static timing_model *blank_model(void)
{
    timing_model *m = timing_model_new();
    assert(m);
    m->has_curves = true;
    for (unsigned k = 0; k < ARCHETYPES; k++)
        memcpy(m->curves.curve[k], m->tables.population, sizeof m->curves.curve[k]);
    for (unsigned g = 0; g < TIMING_SEGMENTS; g++)
        for (unsigned i = 0; i < ARCHETYPE_COMPONENTS; i++)
            m->curves.prior[g][i] = 1.0F / ARCHETYPE_COMPONENTS;
    m->kind = MODEL_B;
    return m;
}

static void check(const timing_model *m)
{
    history h = {0};
    timing_question q = {.channel = 2, .daytype = 1, .allowed = UINT32_C(0xFFFFFF)};
    timing_estimate e;
    timing_predict(m, &h, &q, &e);
    for (unsigned x = 0; x < TIMING_HOURS; x++)
        assert(e.mean[x] > 0 && e.mean[x] < 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static gw_buf good = {.ceiling = MODEL_FILE_MAX};
    static char bytes[MODEL_FILE_MAX];
    gw_err err = {0};
    uint32_t place;
    if (good.n == 0) {
        GW_AUTO(timing_model_free) timing_model *blank = blank_model();
        assert(timing_model_write(blank, &good, NULL) == GW_OK);
    }
    if (n < PLACE_BYTES)
        return 0;
    memcpy(&place, data, PLACE_BYTES);
    place %= (uint32_t)good.n;
    n -= PLACE_BYTES;
    memcpy(bytes, good.data, good.n);
    memcpy(bytes + place, data + PLACE_BYTES, n < good.n - place ? n : good.n - place);
    uint32_t crc = timing_crc((gw_str){bytes, good.n - sizeof crc});
    memcpy(bytes + good.n - sizeof crc, &crc, sizeof crc);
    GW_AUTO(timing_model_free) timing_model *m = NULL;
    if (timing_model_read((gw_str){bytes, good.n}, &m, &err) == GW_OK)
        check(m);
    else
        assert(err.text[0]);
    return 0;
}
