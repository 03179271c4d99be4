/* locale.h - which locale tags the formatter takes (inside of templates/format). */
#ifndef FORMAT_LOCALE_H
#define FORMAT_LOCALE_H

#include "templates/format/format.h"

/* Check a BCP 47 tag of language, optional script and optional region, and give ICU's name for it
 * ("zh-CN" -> "zh_CN"). GW_EINVAL not such a tag, GW_ENOTFOUND no such language data or region.
 * Thread: any. */
gw_code format_locale_name(gw_str tag, char ret_name[FORMAT_LOCALE_BYTES], gw_err *err)
    GW_NODISCARD;

#endif
