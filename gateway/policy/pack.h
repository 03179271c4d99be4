/* pack.h - rule packs, calendars and number regions in memory, shared by the parsers (pack.c,
 * pack_rows.c, calendar.c, regions.c) and the decision. Private to gateway/policy. */
#ifndef POLICY_PACK_H
#define POLICY_PACK_H

#include "gateway/base/json_strict.h"
#include "gateway/base/jsonc.h"
#include "gateway/policy/calendar.h"
#include "gateway/policy/policy.h"
#include "gateway/policy/regions.h"

enum {
    PACK_NAME_MAX = 64,
    PACK_NOTE_MAX = 1024,
    PACK_ZONES_MAX = 64,
    PACK_PLACES_MAX = 32,
    PACK_FILES_MAX = POLICY_PACKS_MAX + POLICY_CALENDARS_MAX + 1,
    PACK_MASK_WORDS = POLICY_PACKS_MAX / 64,
    PACK_HOLIDAY_BIT = 7, /* in pack_window.weekdays: open on holidays of the pack's calendar */
};

/* Local clock minutes [from, to) on the weekdays whose bit is set (bit 0 Monday). */
typedef struct {
    uint8_t weekdays;
    int16_t from, to;
    bool draft;
} pack_window;

typedef struct {
    policy_channel channel; /* POLICY_CHANNEL_COUNT stands for "*", all channels together */
    policy_counting counting;
    policy_scope scope;
    bool hourly, draft;
    int16_t span; /* local days with the contact's own, or hours */
    int64_t max;
} pack_cap;

typedef struct {
    policy_channel channel;
    policy_scope scope; /* DEBT or SENDER */
    int16_t days;       /* local days with that of the conversation */
    bool draft;
} pack_cool_down;

/* In order of strength: the higher wins. */
typedef enum { PACK_CONSENT_SILENT, PACK_CONSENT_OPT_OUT, PACK_CONSENT_OPT_IN } pack_consent;

typedef struct {
    policy_channel channel;
    pack_consent mode;
    const char *purpose; /* NULL: every purpose */
    bool machine;        /* of calls: only those that a machine dials */
    bool draft;
} pack_consent_row;

typedef struct {
    policy_channel channel;
    bool draft;
} pack_verified;

typedef struct {
    int32_t from_day, until_day; /* [from, until), INT32_MIN / INT32_MAX when not stated */
    unsigned roles, senders;     /* bits; senders: 1 << policy_sender */
    const char *places[PACK_PLACES_MAX];
    size_t place_n; /* 0: everywhere */
    const char *zones[PACK_ZONES_MAX];
    size_t zone_n;
    bool all_plausible; /* hours must suit every zone the debtor may plausibly be in */
} pack_applies;

typedef struct pack {
    char id[PACK_NAME_MAX + 1], version[PACK_NAME_MAX + 1], title[PACK_NOTE_MAX + 1];
    char holidays_id[PACK_NAME_MAX + 1], workdays_id[PACK_NAME_MAX + 1]; /* "" = none */
    char *canonical;
    policy_signature signature;
    jsonc_file file; /* keeps the texts the rows borrow */
    pack_applies applies;
    bool draft;                          /* some row is */
    const calendar *holidays, *workdays; /* resolved by seal */
    pack_window windows[POLICY_CHANNEL_COUNT][POLICY_WINDOWS_MAX];
    size_t window_n[POLICY_CHANNEL_COUNT];
    bool opens[POLICY_CHANNEL_COUNT]; /* a window row that is not a draft */
    pack_cap caps[POLICY_CAPS_MAX];
    size_t cap_n;
    pack_cool_down cool_downs[POLICY_ROWS_MAX];
    size_t cool_down_n;
    pack_consent_row consents[POLICY_ROWS_MAX];
    size_t consent_n;
    pack_verified verified[POLICY_CHANNEL_COUNT];
    size_t verified_n;
    policy_required required[POLICY_ROWS_MAX];
    size_t required_n;
    policy_opt_out opt_outs[POLICY_ROWS_MAX];
    size_t opt_out_n;
    policy_retention retentions[POLICY_ROWS_MAX];
    size_t retention_n;
    policy_deadline deadlines[POLICY_ROWS_MAX];
    size_t deadline_n;
} pack;

/* A counter some cap of some pack looks at, so it is kept whoever is contacted. */
typedef struct {
    policy_channel channel;
    policy_counting counting;
    policy_scope scope;
    bool hourly;
} pack_counter;

/* Where a pack, calendar or table of prefixes came from, and who stands behind it. */
typedef struct {
    char name[256];        /* without folder */
    const char *canonical; /* of what was read from it: tells which it is */
    char *signed_text;     /* its signature, NULL none */
    policy_signature signature;
} pack_file;

struct policy_rules {
    pack *packs[POLICY_PACKS_MAX];
    size_t pack_n;
    calendar *calendars[POLICY_CALENDARS_MAX];
    size_t calendar_n;
    regions *regions; /* NULL: no table of number prefixes */
    pack_counter counters[POLICY_COUNTERS_MAX];
    size_t counter_n;
    uint64_t everywhere[PACK_MASK_WORDS];          /* packs without places */
    uint64_t of_country[26 * 26][PACK_MASK_WORDS]; /* packs that name a place in the country */
    pack_file files[PACK_FILES_MAX];
    size_t file_n;
    bool sealed;
    char hash[POLICY_HASH_TEXT];
};

/* Parse one file's text; *ret is the caller's (pack_free). */
gw_code pack_parse(const char *name, gw_str text, pack **ret, gw_err *err) GW_NODISCARD;
void pack_free(pack *p);
GW_CLEANUP_FUNC(pack, pack_free)

/* ---- pack_rows.c: the lists of a pack ---- */

gw_code pack_read_rows(const json_doc *d, pack *p, gw_err *err) GW_NODISCARD;
/* Copy a short text member. */
gw_code pack_copy_name(const json_doc *d, uint32_t object, const char *member, size_t max,
                       char *out, gw_err *err) GW_NODISCARD;

/* ---- applies.c: which packs concern a debtor ---- */

typedef struct {
    gw_str stated;                             /* region of the debtor's address, may be empty */
    const char *number[POLICY_RECIPIENTS_MAX]; /* regions of its numbers */
    size_t number_n;
    const zone *zone; /* the debtor's, may be NULL */
} applies_place;

/* Packs that may apply to role and place, in id order, for contacts within the local days
 * [first_day, last_day]. Whatever is not known applies. Returns how many. */
size_t applies_list(const policy_rules *r, unsigned role, policy_sender sender,
                    const applies_place *place, int32_t first_day, int32_t last_day,
                    const pack *ret[POLICY_PACKS_MAX]);
void applies_index(policy_rules *r);

#endif
