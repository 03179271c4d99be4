#include "gateway/policy/note.h"

#include "gateway/base/time.h"

enum { SOURCE_MAX = 1024, HOUSE = 0, PRIMARY = 1 };

gw_code note_read(const json_doc *d, uint32_t row, bool *ret_draft, gw_err *err)
{
    static const char *const confidence[] = {"house", "primary", "secondary", "general"};
    gw_str s;
    int32_t day;
    size_t i = 0;
    gw_code rc = json_need_str(d, row, "source", SOURCE_MAX, &s, err);
    if (rc == GW_OK)
        rc = json_need_str(d, row, "read", 10, &s, err);
    if (rc == GW_OK && gw_date_parse(s, &day, NULL) != GW_OK)
        rc = json_fail(d, json_member(d, row, "read"), err, "a date like 2026-01-31 is expected");
    if (rc == GW_OK)
        rc = json_need_choice(d, row, "confidence", confidence, GW_COUNT(confidence), &i, err);
    if (rc != GW_OK)
        return rc;
    uint32_t at = json_member(d, row, "draft");
    if (at && json_kind_of(d, at) != JSON_TRUE && json_kind_of(d, at) != JSON_FALSE)
        return json_fail(d, at, err, "true or false is expected");
    bool draft = json_get_bool(d, row, "draft", false);
    if (i > PRIMARY && !draft)
        return json_fail(d, row, err,
                         "a number whose primary text was not read needs \"draft\": true");
    *ret_draft = draft;
    return GW_OK;
}
