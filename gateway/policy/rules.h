/* rules.h - rule packs: who may be contacted when, how often and with what consent, as data.
 *
 * A pack is a file of config/rules/: JSON with comments, read strictly (an unknown member is
 * refused by name). Where several packs apply to a debtor's role the strictest wins: windows are
 * intersected, the lower cap counts, the stronger consent is needed. A pack that says nothing about
 * a channel leaves it to the others; when none says anything the policy holds.
 *
 *   {"format": 1, "id": "house-b2b", "version": "1", "title": "...", "roles": ["company"],
 *    "holidays": "house" | null,
 *    "windows": [{"channel": "email", "days": ["mon", ...], "from": "08:00", "to": "20:00", NOTE}],
 *    "caps":    [{"field": "*" | channel, "per": "day", "max": 2, NOTE}],
 *    "consent": [{"channel": "email", "mode": "opt-out" | "opt-in", NOTE}]}
 * NOTE: "source", "read" (a date), "confidence" (house, primary, secondary or general). Every
 * number carries one. Windows are local clock times of the debtor's zone, "to" may be "24:00".
 *
 * A calendar is a file of config/calendars/:
 *   {"format": 1, "id": "house", "title": "...", "days": [{"date": "2026-02-17", "name": "..."},
 *    {"every": "12-25", "name": "..."}]}
 *
 * Thread: build in one thread; after policy_rules_seal nothing changes and any thread may read. */
#ifndef POLICY_RULES_H
#define POLICY_RULES_H

#include "gateway/base/buf.h"

enum {
    POLICY_PACKS_MAX = 32,
    POLICY_CALENDARS_MAX = 64,
    POLICY_WINDOWS_MAX = 64,          /* of one pack */
    POLICY_CAPS_MAX = 8,              /* of one pack */
    POLICY_HOLIDAYS_MAX = 2048,       /* of one calendar */
    POLICY_RULES_BYTES_MAX = 1 << 20, /* of one file */
    POLICY_HASH_TEXT = 65,            /* SHA-256 in hex, with NUL */
};

/* Channels the policy knows. The desk is work for one of our own people and contacts nobody, so
 * recipients, consent and caps do not concern it; its windows do. */
typedef enum {
    POLICY_EMAIL,
    POLICY_SMS,
    POLICY_VOICE,
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
/* Resolve calendars and fix the hash. At least one pack is needed. */
gw_code policy_rules_seal(policy_rules *r, gw_err *err) GW_NODISCARD;

/* SHA-256 over the canonical JSON of every pack and calendar, in order of kind and id: it changes
 * when any number changes, not when a comment does. Goes into every decision. */
const char *policy_rules_hash(const policy_rules *r);

/* The n-th pack in order of id, NULL past the end: for lists and doctor. */
const char *policy_rules_pack(const policy_rules *r, size_t n, const char **ret_version);

/* ---- rules_load.c: the only function here that touches files ---- */

/* All *.jsonc of both folders, in name order, sealed. GW_ENOTFOUND when rules_dir has none. */
gw_code policy_rules_load(const char *rules_dir, const char *calendars_dir, policy_rules **ret,
                          gw_err *err) GW_NODISCARD;

#endif
