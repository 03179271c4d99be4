/* request.h - reads and exports leave a record, also when another process holds the log.
 *
 * A command writes DIR/requests/<id>.json (temp and rename) and waits for <id>.done; the writer's
 * evidence_tick logs an x-Export record and answers. Without a gateway the command opens the log
 * itself and calls evidence_export directly. The record's facts: kind, scope, request, cases and
 * `heads` = SHA-256 of the heads text ("<case> <cseq> <hash>" a line, sorted), so the log itself
 * says how long each case was when the export was asked for. request
 * {"by","cases":[pseudonym...],"kind","scope","v":1} answer  {"heads","index","origin"} or
 * {"error"} `by` (who asked) is a private value of the record. Thread: any. */
#ifndef EVIDENCE_REQUEST_H
#define EVIDENCE_REQUEST_H

#include "gateway/base/id.h"
#include "gateway/evidence/evidence.h"

enum {
    REQUEST_CASES_MAX = 200000,
    REQUEST_BYTES_MAX = 16 * 1024 * 1024,
    REQUEST_A_TURN = 16, /* files looked at by one tick */
};

typedef struct {
    const char *kind;  /* "export", "search", "csv", "proof" */
    const char *scope; /* "case", "debtor", "job", "period" */
    gw_str by;
    const gw_id *cases;
    size_t n;
} request;

/* Log the x-Export record and sign; the answer (JSON as above) is appended to ret. GW_ENOTFOUND a
 * case has no record. */
gw_code evidence_export(evidence *ev, const request *q, gw_buf *ret_answer, gw_err *err)
    GW_NODISCARD;

/* Leave a request for the process that holds the log; ret_id names it. */
gw_code request_leave(const char *dir, const request *q, char ret_id[GW_ID_TEXT], gw_err *err)
    GW_NODISCARD;
/* Its answer, once there: GW_EBUSY not yet. The answer file is removed. */
gw_code request_answer(const char *dir, const char *id, gw_buf *ret, gw_err *err) GW_NODISCARD;

#endif
