#include "gateway/base/gsm.h"
#include "gateway/base/utf8.h"
#include "templates/engine/lint_internal.h"

void lint_sms(const lint_job *j, const lint_literal *l)
{
    gsm_count count = {0};
    gw_str text = gw_buf_str(&l->text);
    for (size_t i = 0, n; i < text.n; i += n) {
        n = gw_utf8_length(text.p + i, text.n - i);
        n = n ? n : 1; /* the source was checked; a byte that is none counts as one */
        if (text.p[i] != '\1') {
            gsm_add(&count, gw_utf8_code_point(text.p + i, n));
            continue;
        }
        for (int k = 0; k < LINT_VALUE_COLUMNS; k++)
            gsm_add(&count, 'x');
    }
    gsm_size size = gsm_size_of(&count);
    lint_tell(j, LINT_NOTE, "sms-segments", "sms.mustache", 0,
              "about %u %s in %u part%s, with %d for each of %u values", size.units,
              size.gsm ? "GSM septets" : "UCS-2 units", size.parts, size.parts == 1 ? "" : "s",
              LINT_VALUE_COLUMNS, l->variables);
    if (size.parts > GSM_PARTS_MAX)
        lint_tell(j, LINT_ERROR, "sms-too-long", "sms.mustache", 0,
                  "about %u parts; carriers join at most %d; shorten it", size.parts,
                  GSM_PARTS_MAX);
}
