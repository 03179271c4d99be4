/* rules.h - rule packs: who may be contacted when, how often and with what consent, as data.
 *
 * A pack is a file of config/rules/: JSON with comments, read strictly (an unknown member is
 * refused by name). Where several packs apply the strictest wins: windows are intersected, every
 * cap and cool-down counts, the stronger consent is needed. A pack that says nothing about a
 * channel leaves it to the others; when none says anything the policy holds.
 *
 *   {"format": 2, "id": "us-regf", "version": "1", "title": "...", "roles": ["consumer"],
 *    "applies": {"regions": ["US-MA"], "zones": ["America/New_York"], "senders": ["third-party"],
 *                "from": "2021-11-30", "until": "2030-01-01"},
 *    "location": "debtor" | "all-plausible",
 *    "holidays": "house" | null, "workdays": "us-federal" | null,
 *    "windows":   [{"channel": "email", "days": ["mon", ..., "holiday"], "from": "08:00",
 *                   "to": "20:00", NOTE}],
 *    "caps":      [{"field": "*" | channel, "max": 7, "per": "day" | "days": 7 | "hours": 24,
 *                   "count": "placed" | "answered" | "effective",
 *                   "scope": "debt" | "sender" | "channel" | "person", NOTE}],
 *    "cool_downs":[{"field": "voice", "days": 7, "scope": "debt" | "sender", NOTE}],
 *    "consent":   [{"channel": "email", "mode": "opt-out" | "opt-in", "purpose": "...",
 *                   "dialled": "machine" (of calls: not those of people), NOTE}],
 *    "verified":  [{"channel": "voice", NOTE}],
 *    "content":   [{"channel": "sms", "need": "opt-out", "text": "id of the wording", NOTE}],
 *    "opt_out":   [{"channel": "sms", "locale": "en", "wording": "...", "words": ["STOP"], NOTE}],
 *    "retention": [{"class": "contact", "days": 1095, NOTE}],
 *    "deadlines": [{"name": "honour-opt-out", "business_days": 10, NOTE}]}
 * NOTE: "source", "read" (a date), "confidence", "draft" (note.h). Everything from "applies" on may
 * be left out but windows, caps, consent and holidays, which a pack states even when empty.
 *
 * - applies: where and when (applies.c). A pack counts from POLICY_DAYS before its first day, since
 *   decisions reach that far.
 * - location all-plausible: hours must suit every zone the recipients' numbers may be in, too.
 * - Windows are local clock times of the debtor's zone, "to" may be "24:00". On a holiday of the
 *   pack's calendar only windows with the day "holiday" are open; a day of a year the calendar does
 *   not know is closed; a shifted working day is the weekday it is worked as.
 * - caps slide: "days": 7 is the contact's own local day and the six before. "hours" counts whole
 *   hours of UTC, one more than said, so never less. Scope "channel" is "sender" with a channel as
 *   field: all debts of this debtor with this sender.
 * - draft rows restrict, but what only drafts allow is not allowed.
 *
 * Calendars: calendar.h, files of config/calendars/. Number prefixes: regions.h, files of
 * config/rules/regions/. Signatures: sign.h.
 *
 * Thread: build in one thread; after policy_rules_seal nothing changes and any thread may read. */
#ifndef POLICY_RULES_H
#define POLICY_RULES_H

#include "gateway/base/buf.h"

enum {
    POLICY_PACKS_MAX = 1024, /* a multiple of 64 */
    POLICY_CALENDARS_MAX = 256,
    POLICY_WINDOWS_MAX = 32,           /* of one pack and channel */
    POLICY_CAPS_MAX = 16,              /* of one pack */
    POLICY_ROWS_MAX = 32,              /* of any other list of a pack */
    POLICY_WORDS_MAX = 32,             /* of one opt-out wording */
    POLICY_COUNTERS_MAX = 24,          /* kinds of counters all packs together may need */
    POLICY_CAP_DAYS_MAX = 31,          /* longest sliding window of days */
    POLICY_CAP_HOURS_MAX = 30,         /* and of hours */
    POLICY_HOLIDAYS_MAX = 2048,        /* of one calendar */
    POLICY_CALENDAR_YEARS_MAX = 64,    /* of one calendar */
    POLICY_RULES_BYTES_MAX = 1 << 20,  /* of one file */
    POLICY_SET_BYTES_MAX = 600 * 1024, /* of all of them as one text: it is kept in one record */
    POLICY_HASH_TEXT = 65,             /* SHA-256 in hex, with NUL */
};

/* Channels the policy knows. The desk is work for one of our own people and contacts nobody, so
 * recipients, consent and caps do not concern it; its windows do. */
typedef enum {
    POLICY_EMAIL,
    POLICY_SMS,
    POLICY_VOICE,
    POLICY_LETTER, /* by post or courier, and ... */
    POLICY_VISIT,  /* ... in person: tasks for people, in the debtor's hours */
    POLICY_DESK,
    POLICY_CHANNEL_COUNT
} policy_channel;

/* Channel of a name, POLICY_CHANNEL_COUNT if unknown; and back. */
policy_channel policy_channel_of(gw_str name);
const char *policy_channel_name(policy_channel c);

/* Bit of a debtor role (company 1, consumer 2, guarantor 4), 0 if unknown. */
unsigned policy_role_of(gw_str name);
/* Name of one role's bit, "unknown" for anything else. */
const char *policy_role_name(unsigned role);

typedef struct policy_rules policy_rules;

/* NULL when out of memory. */
policy_rules *policy_rules_new(void);
void policy_rules_free(policy_rules *r);
GW_CLEANUP_FUNC(policy_rules, policy_rules_free)

/* Add one file's text (with comments). name is what errors call it, e.g. "rules/default.jsonc".
 * GW_EINVAL with line or pointer and remedy, GW_EEXIST an id twice, GW_ELIMIT, GW_ENOMEM. After a
 * failure the set is as it was. */
gw_code policy_rules_add_calendar(policy_rules *r, const char *name, gw_str text, gw_err *err)
    GW_NODISCARD;
gw_code policy_rules_add_pack(policy_rules *r, const char *name, gw_str text, gw_err *err)
    GW_NODISCARD;
gw_code policy_rules_add_regions(policy_rules *r, const char *name, gw_str text, gw_err *err)
    GW_NODISCARD;
/* Resolve calendars and fix the hash. At least one pack is needed. */
gw_code policy_rules_seal(policy_rules *r, gw_err *err) GW_NODISCARD;

/* SHA-256 over the canonical JSON of every pack and calendar, in order of kind and id: it changes
 * when any number changes, not when a comment does. Goes into every decision. */
const char *policy_rules_hash(const policy_rules *r);

/* ---- signatures: who stands behind a pack (sign.h) ---- */

typedef enum { POLICY_UNSIGNED, POLICY_SIGNED, POLICY_SIGNATURE_BAD } policy_signature;

struct sign_keys;

/* Add one file with its signature: `json` a pack, calendar or table of prefixes as `kind` says.
 * name: as errors call it; what stands behind the last slash is kept. signature n 0: none. A
 * signature that does not fit is no failure: policy_rules_doubtful tells. Errors as
 * policy_rules_add_pack. */
typedef enum { POLICY_FILE_CALENDAR, POLICY_FILE_REGIONS, POLICY_FILE_PACK } policy_file_kind;
gw_code policy_rules_add_file(policy_rules *r, policy_file_kind kind, const char *name, gw_str json,
                              gw_str signature, const struct sign_keys *keys, gw_err *err)
    GW_NODISCARD;

/* The n-th file that was loaded and is not signed by a known key, NULL past the end. */
const char *policy_rules_doubtful(const policy_rules *r, size_t n, policy_signature *ret);
/* GW_EREFUSED naming the first such file, and what to do; GW_OK when there is none. */
gw_code policy_rules_all_signed(const policy_rules *r, gw_err *err) GW_NODISCARD;

/* ---- the whole set as one text, so that all gateways use the same (rules_set.c) ---- */

/* Append {"format":1,"files":[{"kind":"calendar"|"regions"|"pack","name","signature"?,"json"}]} of
 * sealed rules: the canonical JSON of each, with its signature. GW_ELIMIT past
 * POLICY_SET_BYTES_MAX. */
gw_code policy_rules_write_set(const policy_rules *r, gw_buf *out, gw_err *err) GW_NODISCARD;
/* Read it back, check the signatures against keys (NULL: none is known), and seal. GW_EINVAL,
 * GW_ELIMIT, GW_ENOMEM, GW_EEXIST. */
gw_code policy_rules_read_set(gw_str text, const struct sign_keys *keys, policy_rules **ret,
                              gw_err *err) GW_NODISCARD;
/* Append what changed, for people: "+ pack us-ma, version 1" for a new file, "- ..." for one that
 * is gone, else the changed values (rules_diff.h) under a line "pack us-ma:". Nothing when equal.
 * before NULL: there were none. */
gw_code policy_rules_diff(const policy_rules *before, const policy_rules *after, gw_buf *out,
                          gw_err *err) GW_NODISCARD;

/* ---- for lists, doctor, lint and the content guard ---- */

typedef struct {
    const char *id, *version, *title, *holidays, *workdays; /* calendars "" when none */
    const char *canonical;                                  /* RFC 8785 text */
    policy_signature signature;
    bool draft;          /* some row is not verified */
    size_t rows, drafts; /* numbers in it, and how many of them are not verified */
    unsigned roles;
} policy_pack_info;

/* The n-th pack in order of id; false past the end. */
bool policy_rules_pack(const policy_rules *r, size_t n, policy_pack_info *ret);

/* Texts a message must hold. need: "opt-out", "identity", "creditor", "balance", "dispute-path",
 * ... a word the content guard knows; text: id of a wording of the templates, may be "". */
typedef struct {
    const char *pack, *need, *text;
    policy_channel channel;
    bool draft;
} policy_required;

typedef struct {
    const char *pack, *locale, *wording;
    const char *words[POLICY_WORDS_MAX];
    size_t word_n;
    policy_channel channel;
    bool draft;
} policy_opt_out;

typedef struct {
    const char *pack, *record_class;
    int32_t days;
    bool draft;
} policy_retention;

typedef struct {
    const char *pack, *name;
    int business_days;
    bool draft;
} policy_deadline;

/* The day by which the deadline called name runs out for what happened on `day`: the earliest over
 * all packs that know it, each by its own calendar. False: no pack knows it, or a calendar does not
 * know a year on the way. */
bool policy_rules_deadline(const policy_rules *r, const char *name, int32_t day, int32_t *ret_day);

/* The n-th row over all packs, NULL past the end. */
const policy_opt_out *policy_rules_opt_out(const policy_rules *r, size_t n);
/* Longest time any pack wants a class of records kept, days; 0 when none says. */
int32_t policy_rules_retention(const policy_rules *r, const char *record_class);

/* The day `business_days` working days after `day` in the calendar called id, and what day that is
 * whether or not it is one. False: unknown calendar or a year it does not know, so nobody can tell.
 */
bool policy_business_day(const policy_rules *r, const char *id, int32_t day, int business_days,
                         int32_t *ret_day);

/* ---- rules_load.c: the only functions here that touch files ---- */

/* All *.vkey of a folder; a missing folder has none. */
gw_code policy_keys_load(const char *keys_dir, struct sign_keys *ret, gw_err *err) GW_NODISCARD;

/* All *.jsonc of both folders and of rules_dir/regions, in name order, sealed. A file beside a pack
 * with ".sig" behind its name is its signature; keys_dir holds the public keys that may sign
 * (*.vkey), NULL: no key, everything counts as unsigned. GW_ENOTFOUND when rules_dir has none.
 * Whether an unsigned pack may be used is the caller's to say. */
gw_code policy_rules_load(const char *rules_dir, const char *calendars_dir, policy_rules **ret,
                          gw_err *err) GW_NODISCARD;
gw_code policy_rules_load_signed(const char *rules_dir, const char *calendars_dir,
                                 const char *keys_dir, policy_rules **ret, gw_err *err)
    GW_NODISCARD;

/* Call for the path of each file that would be loaded, as long as each returns GW_OK. Errors as
 * loading, and its own. */
typedef gw_code policy_path_fn(void *arg, const char *path, gw_err *err);
gw_code policy_rules_paths(const char *rules_dir, const char *calendars_dir, policy_path_fn *each,
                           void *arg, gw_err *err) GW_NODISCARD;

#endif
