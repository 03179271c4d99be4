/* pack.h - rule packs in memory, shared by the parser (rules.c) and the decision (decide.c). */
#ifndef POLICY_PACK_H
#define POLICY_PACK_H

#include "gateway/policy/rules.h"

enum { PACK_NAME_MAX = 64, PACK_NOTE_MAX = 1024 };

/* Local clock minutes [from, to) on the weekdays whose bit is set (bit 0 Monday). */
typedef struct {
    uint8_t weekdays;
    int16_t from, to;
} pack_window;

typedef struct {
    policy_channel channel; /* POLICY_CHANNEL_COUNT stands for "*", all channels together */
    int64_t max;            /* contacts a local day */
} pack_cap;

/* In order of strength: the higher wins. */
typedef enum { PACK_CONSENT_SILENT, PACK_CONSENT_OPT_OUT, PACK_CONSENT_OPT_IN } pack_consent;

typedef struct {
    char id[PACK_NAME_MAX + 1];
    char *canonical; /* RFC 8785 text, owned */
    int32_t *days;   /* sorted, owned */
    size_t day_n;
    uint32_t every[13]; /* month 1..12: bit d = day d of that month, each year */
} pack_calendar;

typedef struct {
    char id[PACK_NAME_MAX + 1], version[PACK_NAME_MAX + 1];
    char calendar_id[PACK_NAME_MAX + 1]; /* "" = none */
    char *canonical;
    unsigned roles;
    const pack_calendar *calendar; /* resolved by seal */
    pack_window windows[POLICY_CHANNEL_COUNT][POLICY_WINDOWS_MAX];
    size_t window_n[POLICY_CHANNEL_COUNT];
    pack_cap caps[POLICY_CAPS_MAX];
    size_t cap_n;
    pack_consent consent[POLICY_CHANNEL_COUNT];
} pack;

struct policy_rules {
    pack *packs[POLICY_PACKS_MAX];
    size_t pack_n;
    pack_calendar *calendars[POLICY_CALENDARS_MAX];
    size_t calendar_n;
    bool sealed;
    char hash[POLICY_HASH_TEXT];
};

/* Parse one file's text; *ret is the caller's (pack_free, pack_calendar_free). */
gw_code pack_parse(const char *name, gw_str text, pack **ret, gw_err *err) GW_NODISCARD;
void pack_free(pack *p);
GW_CLEANUP_FUNC(pack, pack_free)
gw_code pack_calendar_parse(const char *name, gw_str text, pack_calendar **ret, gw_err *err)
    GW_NODISCARD;
void pack_calendar_free(pack_calendar *c);
GW_CLEANUP_FUNC(pack_calendar, pack_calendar_free)

bool pack_calendar_has(const pack_calendar *c, int32_t day);

#endif
