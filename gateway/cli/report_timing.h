/* report_timing.h - what the files of `dunlin report timing` share. Private to gateway/cli. */
#ifndef DUNLIN_CLI_REPORT_TIMING_H
#define DUNLIN_CLI_REPORT_TIMING_H

#include "gateway/timing/insight.h"

#include <stdio.h>

/* All x-Closed entries of the log in one pass. source NULL: every one; from, to: event time in ms,
 * 0 not restricted. ret_skipped: entries that could not be read as a contact. */
gw_code report_timing_read(const char *evidence_dir, const char *source, int64_t from, int64_t to,
                           insight *x, uint64_t *ret_skipped, gw_err *err) GW_NODISCARD;

/* One entry's public facts. False: they are no closed contact. */
bool report_timing_contact(gw_str facts_json, insight_contact *ret);

void report_timing_text(const insight *x, uint64_t skipped, FILE *out);
void report_timing_json(const insight *x, uint64_t skipped, gw_buf *out);
/* index.html and, as SVG and PNG, curve-<channel>.* and calibration.* in dir, which is made when
 * missing. */
gw_code report_timing_page(const insight *x, uint64_t skipped, const char *dir, gw_err *err)
    GW_NODISCARD;
/* One picture of each kind, drawn. Without contacts it says so. */
gw_code report_draw_curve(const insight_group *all, unsigned channel, const char *dir, gw_err *err)
    GW_NODISCARD;
gw_code report_draw_calibration(const insight_group *all, const char *dir, gw_err *err)
    GW_NODISCARD;

#endif
