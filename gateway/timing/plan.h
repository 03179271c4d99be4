/* plan.h - from allowed intervals to the moment of one reminder.
 *
 * The day is the first allowed local day. An hour is a candidate when any allowed instant of that
 * day shows it on the debtor's clock (in a 23- or 25-hour day: the hour the clock shows) and the
 * channel has room in it (room.h; an hour with less room is only for those who gain most by it). Of
 * the hour chosen the moment is drawn evenly from its allowed instants, so that a best hour shared
 * by 100,000 debtors is spread over the whole of it, moved to the next minute with room, and never
 * leaves what policy allows.
 *
 * Pure; any thread. The same input gives the same moment and, by record.h, the same explanation. */
#ifndef TIMING_PLAN_H
#define TIMING_PLAN_H

#include "gateway/policy/zone.h"
#include "gateway/timing/choose.h"
#include "gateway/timing/room.h"

enum { TIMING_PARTS_MAX = 64 }; /* allowed parts of one local hour */

typedef struct {
    const zone_span *allowed; /* in order and apart */
    size_t allowed_n;
    const zone *zone;
    uint8_t channel, segment;
    bool day_off; /* the first allowed day counts as weekend */
    bool holdout;
    uint64_t seed;           /* stable for the reminder */
    const timing_room *room; /* NULL: no limit */
} timing_wish;

typedef struct {
    gw_wall at;
    int32_t day;
    timing_question question; /* without the hours in `full` */
    uint32_t full;            /* hours policy allows and capacity does not give to this debtor */
    int64_t moved_ms;         /* from the instant drawn to the one with room */
    timing_choice choice;
    zone_span parts[TIMING_PARTS_MAX]; /* allowed instants of the hour chosen */
    size_t part_n;
} timing_moment;

typedef enum { TIMING_PLANNED, TIMING_NOTHING, TIMING_FULL } timing_planned;

/* NOTHING: no allowed instants, or no zone. FULL: no room on this day. *ret is then untouched. */
timing_planned timing_plan(const timing_model *m, const history *h, const timing_wish *w,
                           timing_moment *ret);

/* The instant that seed draws from these parts, each instant as likely. n at least 1. */
int64_t timing_draw_instant(const zone_span *parts, size_t n, uint64_t seed);

/* 0 e-mail, 1 SMS, 2 voice and people's calls; -1 for any other channel. */
int timing_channel_of(const char *channel);
/* Segment of a debtor's role: 1 company, 2 consumer, 3 guarantor, 0 unknown. Nothing else about the
 * person enters. */
uint8_t timing_segment_of(gw_str role);
/* So many of 100 debtors, always the same ones, get a random allowed hour. */
bool timing_is_holdout(const uint8_t *debtor_id, size_t n, unsigned percent);

#endif
