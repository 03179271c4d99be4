/* A file of excuses as somebody might edit it. What is taken is whole: every row has a code that
 * the questions find again, an outcome of the closed list or none, and days where its answer names
 * a date; the same file beside itself has the same codes. What is refused says why. */
#include "gateway/dispatch/desk_excuse.h"
#include "gateway/dispatch/desk_outcome.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    GW_AUTO(desk_excuses_free) desk_excuses *e = desk_excuses_new();
    gw_str text = {(const char *)data, n};
    gw_err err = {0};
    size_t rows;
    if (!e || n > DESK_EXCUSE_BYTES_MAX)
        return 0;
    if (desk_excuses_add(e, "f", text, &err) != GW_OK) {
        assert(err.text[0]);
        return 0;
    }
    const desk_excuse *list = desk_excuses_of(e, GW_STR("xx-YY"), &rows);
    assert(rows <= DESK_EXCUSES_MAX);
    for (size_t i = 0; i < rows; i++) {
        const desk_excuse *x = &list[i];
        assert(desk_excuse_known(e, gw_str_of(x->code)));
        assert(!x->outcome[0] || desk_outcome_named(gw_str_of(x->outcome)));
        assert((x->days > 0) == (strstr(x->answer, "{{date}}") != NULL));
        assert(x->days >= 0 && x->days <= DESK_EXCUSE_DAYS_MAX);
    }
    assert(desk_excuses_add(e, "g", text, &err) == GW_OK);
    return 0;
}
