/* report.h - a timeline for people: report.html and timeline.csv of a bundle.
 *
 * The words are careful: a carrier took a message, a receipt says it was delivered; nobody is said
 * to have read anything. The files repeat what the records say, they prove nothing themselves.
 * Thread: one owner at a time; pure. */
#ifndef EVIDENCE_REPORT_H
#define EVIDENCE_REPORT_H

#include "gateway/base/csv.h"
#include "gateway/evidence/record.h"

enum { REPORT_ROWS_MAX = 20000 }; /* rows of report.html; timeline.csv has all */

typedef struct {
    gw_buf html, csv;
    csv_writer writer;
    size_t rows;
} report;

typedef struct {
    const record_view *record;
    const char *origin;
    uint64_t index;
    gw_str source, debtor, case_name; /* empty once erased, or in a redacted bundle */
    gw_str disclosures;               /* JSON array of [salt, name, value], or empty */
} report_row;

void report_begin(report *r, gw_str title, gw_wall made);
/* The table of a case begins. */
void report_case(report *r, gw_str pseudonym, gw_str source, gw_str debtor, gw_str case_name);
gw_code report_add(report *r, const report_row *row, gw_arena *arena, gw_err *err) GW_NODISCARD;
gw_code report_end(report *r, gw_err *err) GW_NODISCARD;
void report_done(report *r);

/* What an event name means, in plain words; the name itself when we do not know it. */
gw_str report_meaning(gw_str event);

#endif
