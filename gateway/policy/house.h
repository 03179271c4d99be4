/* house.h - the hours in which the house itself wants to send: operators' windows per source,
 * ladder and template, as data (config/windows.jsonc):
 *   {"format": 1, "windows": [
 *     {"id": "erp-mornings", "source"?: "erp", "ladder"?: "default", "template"?:
 * "reminder-letter", "channel"?: "email", "days"?: ["mon", ...], "from": "09:00", "to": "12:00"}]}
 * A window without a selector concerns everything. Windows with the same selectors unite; sets with
 * different selectors that concern one reminder must all hold. They only ever narrow what policy
 * allows. Times are the debtor's local time.
 *
 * Pure. Thread: a set never changes; any thread may read it. */
#ifndef POLICY_HOUSE_H
#define POLICY_HOUSE_H

#include "gateway/policy/policy.h"

enum {
    HOUSE_WINDOWS_MAX = 256,
    HOUSE_FILE_BYTES_MAX = 64 * 1024,
    HOUSE_ID_MAX = 64,
    HOUSE_SELECTOR_MAX = 128,
    HOUSE_HASH_TEXT = 65,
};

typedef struct house_windows house_windows;

/* Text with comments; name is what errors call it. GW_EINVAL with line or pointer and remedy,
 * GW_EEXIST an id twice, GW_ELIMIT, GW_ENOMEM. Refused as well: two windows of which no reminder
 * could satisfy both at any hour of a week, because that would silently stop all sending. */
gw_code house_windows_parse(const char *name, gw_str text, house_windows **ret, gw_err *err)
    GW_NODISCARD;
void house_windows_free(house_windows *h);
GW_CLEANUP_FUNC(house_windows, house_windows_free)

/* NULL: none. */
size_t house_windows_count(const house_windows *h);
/* RFC 8785 text and the hex SHA-256 of it: the same for files that say the same. */
gw_str house_windows_canonical(const house_windows *h);
const char *house_windows_hash(const house_windows *h);

typedef struct {
    gw_str source, ladder, template, channel;
} house_subject;

/* The windows that concern the subject, as policy wants them; room for house_windows_count. Returns
 * how many. More than POLICY_GROUPS_MAX different selectors concern one reminder: the rest opens
 * nothing. */
size_t house_windows_of(const house_windows *h, const house_subject *s, policy_window *ret);

/* What changes from a to b (either may be NULL), one line each: "+ id ...", "- id ...",
 * "~ id: old -> new". Appends nothing when they are equal. */
gw_code house_windows_diff(const house_windows *a, const house_windows *b, gw_buf *ret);

#endif
