/* evidence_internal.h - shared by evidence.c (options, printing) and evidence_do.c (the work). */
#ifndef GATEWAY_CLI_EVIDENCE_INTERNAL_H
#define GATEWAY_CLI_EVIDENCE_INTERNAL_H

#include "gateway/base/json.h"
#include "gateway/cli/evidence.h"
#include "gateway/evidence/export.h"
#include "gateway/evidence/fsck.h"
#include "gateway/evidence/reader.h"

#include <limits.h>

typedef struct {
    const char *data, *kase, *debtor, *job, *from, *to, *source, *event, *out_file, *limit, *origin;
    const char *index;
    const char *json, *redact, *quick; /* flags: NULL or "" */
    FILE *out, *errors;
    char dir[PATH_MAX], log_key[PATH_MAX], tenant_key[PATH_MAX], id_key[PATH_MAX];
    char rid[27]; /* of --job, once found */
    bool has_tenant_key, has_log_key;
} evidence_command;

gw_code evidence_cmd_export(evidence_command *c, gw_err *err);
gw_code evidence_cmd_search(evidence_command *c, gw_err *err);
gw_code evidence_cmd_csv(evidence_command *c, gw_err *err);
gw_code evidence_cmd_proof(evidence_command *c, gw_err *err);
gw_code evidence_cmd_checkpoint(evidence_command *c, gw_err *err);
gw_code evidence_cmd_fsck(evidence_command *c, gw_err *err);

/* Leave an x-Export record for the cases; the answer (request.h) is appended to ret. */
gw_code evidence_cmd_record(const evidence_command *c, reader *r, const char *kind,
                            const char *scope, const export_case *cases, size_t n, gw_buf *ret,
                            gw_err *err);

#endif
