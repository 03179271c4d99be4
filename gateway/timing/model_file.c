#include "gateway/timing/model_file.h"

#include "gateway/timing/crc.h"

#include "gateway/base/id.h"

#include <math.h>
#include <sodium.h>

enum { FORMAT = 1 };

typedef struct {
    char magic[4];
    uint32_t format, kind, has_curves;
    uint64_t contacts;
    uint32_t tables_bytes, curves_bytes;
} head;

void timing_model_version(gw_str bytes, char ret[MODEL_VERSION_TEXT])
{
    unsigned char digest[MODEL_VERSION_TEXT / 2];
    crypto_generichash(digest, sizeof digest, (const unsigned char *)bytes.p, bytes.n, NULL, 0);
    gw_hex(digest, sizeof digest, ret);
}

gw_code timing_model_write(const timing_model *m, gw_buf *ret, gw_err *err)
{
    head h = {{'D', 'L', 'T', 'M'}, FORMAT,           (uint32_t)m->kind, m->has_curves,
              m->contacts,          sizeof m->tables, sizeof m->curves};
    gw_buf_put(ret, &h, sizeof h);
    gw_buf_put(ret, &m->tables, sizeof m->tables);
    gw_buf_put(ret, &m->curves, sizeof m->curves);
    uint32_t crc = timing_crc(gw_buf_str(ret));
    gw_buf_put(ret, &crc, sizeof crc);
    return gw_buf_code(ret, "a timing model", err);
}

static bool is_chance(const float *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!(p[i] > 0 && p[i] < 1))
            return false;
    return true;
}

/* What a model may hold: chances, and hours of a day. */
static bool is_sane(const timing_model *m)
{
    if (!is_chance(m->tables.population, TIMING_CELLS) ||
        !is_chance(&m->tables.segment[0][0], (size_t)TIMING_SEGMENTS * TIMING_CELLS))
        return false;
    for (unsigned r = 0; r < TIMING_ROWS; r++)
        if (m->tables.last[r] >= TIMING_HOURS || m->tables.first[r] > m->tables.last[r] ||
            !(m->tables.tried[r] >= 0))
            return false;
    return !m->has_curves ||
           (is_chance(&m->curves.curve[0][0], (size_t)ARCHETYPES * TIMING_CELLS) &&
            is_chance(&m->curves.prior[0][0], (size_t)TIMING_SEGMENTS * ARCHETYPE_COMPONENTS));
}

gw_code timing_model_read(gw_str bytes, timing_model **ret, gw_err *err)
{
    head h;
    uint32_t crc;
    GW_AUTO(timing_model_free) timing_model *m = timing_model_new();
    if (!m)
        return gw_fail(err, GW_ENOMEM, "reading a timing model");
    if (bytes.n < sizeof h || memcmp(bytes.p, "DLTM", 4) != 0)
        return gw_fail(err, GW_EINVAL, "this is no timing model; `dunlin timing fit` writes one");
    memcpy(&h, bytes.p, sizeof h);
    if (h.format != FORMAT || h.tables_bytes != sizeof m->tables ||
        h.curves_bytes != sizeof m->curves)
        return gw_fail(err, GW_EINVAL, "timing model of format %u; fit it again", h.format);
    size_t whole = sizeof h + sizeof m->tables + sizeof m->curves;
    if (bytes.n != whole + sizeof crc)
        return gw_fail(err, GW_ECORRUPT, "the timing model is cut off; fit it again");
    memcpy(&crc, bytes.p + whole, sizeof crc);
    if (crc != timing_crc((gw_str){bytes.p, whole}))
        return gw_fail(err, GW_ECORRUPT, "the timing model's checksum is wrong; fit it again");
    memcpy(&m->tables, bytes.p + sizeof h, sizeof m->tables);
    memcpy(&m->curves, bytes.p + sizeof h + sizeof m->tables, sizeof m->curves);
    m->kind = h.kind == MODEL_B ? MODEL_B : MODEL_A;
    m->has_curves = h.has_curves != 0;
    m->contacts = h.contacts;
    if (!is_sane(m) || (m->kind == MODEL_B && !m->has_curves))
        return gw_fail(err, GW_ECORRUPT, "the timing model holds impossible numbers; fit it again");
    if (m->has_curves)
        archetype_index_make(&m->curves, &m->tables, &m->index);
    timing_model_version(bytes, m->version);
    *ret = m;
    m = NULL;
    return GW_OK;
}
