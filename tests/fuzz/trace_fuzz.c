/* A stranger's trace: people whose days are in order and inside the window, or a reason with a
 * line. */
#include "gateway/timing/lab/trace.h"
#include "gateway/timing/lab/world.h"

#include <assert.h>

enum { INPUT_MAX = 32 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    GW_AUTO(trace_free) trace *t = NULL;
    gw_err err = {0};
    if (n == 0 || n > INPUT_MAX)
        return 0;
    FILE *f = fmemopen((void *)(uintptr_t)data, n, "r");
    assert(f);
    gw_code rc = trace_read(f, WORLD_WINDOW, 0, &t, &err);
    fclose(f);
    if (rc != GW_OK) {
        assert(err.text[0]);
        return 0;
    }
    for (size_t i = 0; i < trace_describe(t).persons_used; i++) {
        trace_person p = trace_person_at(t, i);
        assert(p.n >= trace_describe(t).days_least);
        for (size_t d = 0; d < p.n; d++) {
            assert(p.days[d].hours & WORLD_WINDOW);
            assert(d == 0 || p.days[d].day > p.days[d - 1].day);
        }
    }
    return 0;
}
