/* locale.h - which translation a debtor gets (L5). Pure. Thread: any. */
#ifndef TEMPLATES_ENGINE_LOCALE_H
#define TEMPLATES_ENGINE_LOCALE_H

#include "gateway/base/buf.h"

/* The best of the available locales for the wanted one, in this order:
 *   1. wanted itself; then wanted without its last subtag, and so on (RFC 4647 §3.4): zh-Hant-TW,
 *      zh-Hant, zh
 *   2. another locale of the same language: the first in byte order
 *   3. fallback, if it is available
 * Letters compare without case and '_' as '-'. Returns its index, or -1 when nothing fits: then
 * nothing may be sent, a person must choose. wanted may be empty. */
int template_locale_pick(gw_str wanted, const gw_str *available, size_t count, gw_str fallback);

#endif
