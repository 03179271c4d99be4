/* plan.h - from allowed intervals to the moment of one reminder, with the explanation.
 *
 * The day is the first allowed local day. An hour is a candidate when any allowed instant of that
 * day shows it on the debtor's clock (in a 23- or 25-hour day: the hour the clock shows). Of the
 * hour chosen the moment is drawn evenly from its allowed instants, so that a best hour shared by
 * 100,000 debtors is spread over the whole of it (28 a second over an hour) and never leaves what
 * policy allows.
 *
 * Pure; any thread. The same input gives the same moment and the same explanation, byte by byte. */
#ifndef TIMING_PLAN_H
#define TIMING_PLAN_H

#include "gateway/policy/zone.h"
#include "gateway/timing/choose.h"

typedef struct {
    const zone_span *allowed; /* in order and apart */
    size_t allowed_n;
    const zone *zone;
    uint8_t channel, segment;
    bool holiday; /* the first allowed day counts as weekend */
    bool holdout;
    uint64_t seed; /* stable for the reminder */
} timing_wish;

typedef struct {
    gw_wall at;
    int32_t day;
    timing_question question;
    timing_choice choice;
} timing_moment;

/* False without allowed instants or without a zone; *ret untouched. */
bool timing_plan(const timing_model *m, const history *h, const timing_wish *w, timing_moment *ret);

/* {"day","hour","channel","daytype","segment","allowed":[hours],"chooser","propensity_ppm",
 *  "explore_ppm","model","contacts","p_ppm":{"population","segment","debtor","final"},
 *  "level_pm","weight_pm","archetype"?,"archetype_pm"?,"history","seed"}: integers only, as
 * evidence asks. */
gw_code timing_explain(const timing_model *m, const history *h, const timing_wish *w,
                       const timing_moment *t, gw_buf *out);

/* 0 e-mail, 1 SMS, 2 voice and people's calls; -1 for any other channel. */
int timing_channel_of(const char *channel);
/* Segment of a debtor's role: 1 company, 2 consumer, 3 guarantor, 0 unknown. Nothing else about the
 * person enters. */
uint8_t timing_segment_of(gw_str role);
/* So many of 100 debtors, always the same ones, get a random allowed hour. */
bool timing_is_holdout(const uint8_t *debtor_id, size_t n, unsigned percent);

#endif
