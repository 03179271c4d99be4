/* export.h - one ZIP with records, proofs, private values and contents, ready for a court.
 *
 * Layout: bundle.h. The members are written one after the other; only the timeline and the
 * directory are kept in memory. Thread: one owner at a time. */
#ifndef EVIDENCE_EXPORT_H
#define EVIDENCE_EXPORT_H

#include "gateway/evidence/reader.h"

enum { EXPORT_RECORDS_MAX = 1000000, EXPORT_CASES_MAX = 200000 };

typedef struct {
    char kase[READER_ID_TEXT];
    uint64_t first, last; /* cseq; the whole case: 1 .. its head */
} export_case;

/* The cases a query touches, sorted. whole: each from its first record to its head (the right thing
 * for a case, debtor or job); else the gapless range of the records found (a period).
 * ret_cases is freed by the caller. GW_ENOTFOUND nothing matches. */
gw_code export_select(reader *r, const reader_query *q, bool whole, export_case **ret_cases,
                      size_t *ret_n, gw_err *err) GW_NODISCARD;

typedef struct {
    const char *out; /* path of the ZIP */
    gw_str title;    /* for the report, e.g. "case INV-7" */
    gw_wall made;
    const export_case *cases;
    size_t n;
    gw_str answer;       /* what evidence_export answered; empty: nobody recorded this export */
    bool redact;         /* leave out private values, contents and names */
    const char *log_key; /* to sign the manifest, NULL: not signed */
} export_order;

typedef struct {
    uint64_t records, contents;
    bool signed_manifest;
} export_summary;

/* GW_EBUSY: a record is not signed yet; GW_ECORRUPT: something in the store does not verify. */
gw_code export_bundle(reader *r, const export_order *o, export_summary *ret, gw_err *err)
    GW_NODISCARD;

#endif
