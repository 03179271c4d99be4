/* rules_part.h - what the files behind `dunlin rules` share. Private to gateway/cli. */
#ifndef DUNLIN_CLI_RULES_PART_H
#define DUNLIN_CLI_RULES_PART_H

#include "gateway/cli/options.h"
#include "gateway/policy/rules.h"

typedef struct {
    const cli_common *c;
    const char *key, *by, *reason; /* options, NULL: not given */
} rules_command;

/* All files of the configuration. */
gw_code rules_load(const cli_common *c, policy_rules **ret, gw_err *err) GW_NODISCARD;

/* ---- rules_sign.c ---- */

/* RFC 8785 text of one file that is a good pack, calendar or table of prefixes; free() it. */
gw_code rules_read_canonical(const char *path, char **ret, gw_err *err) GW_NODISCARD;
gw_code rules_make_key(const rules_command *r, gw_err *err) GW_NODISCARD;
gw_code rules_sign(const rules_command *r, gw_err *err) GW_NODISCARD;

/* ---- rules_force.c: of a running gateway ---- */

gw_code rules_show(const rules_command *r, gw_err *err) GW_NODISCARD;
gw_code rules_diff_in_force(const rules_command *r, gw_err *err) GW_NODISCARD;
gw_code rules_apply_files(const rules_command *r, gw_err *err) GW_NODISCARD;

#endif
