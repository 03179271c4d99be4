/* rules.h - the rule packs, calendars and number prefixes in force.
 *
 * Files of the configuration come into force at the first start, and later by an act with a name:
 * `dunlin rules apply` or SIGHUP. What is in force lies in the store, so that every gateway uses
 * the same set within a second and keeps it over a restart, whatever became of the files; each
 * change is recorded as x-PolicyChange with who, why, what changed and the whole set. A file with a
 * fault, and an unsigned one where signatures are required, is refused and the old set stays.
 *
 * Stored: field "rules" of the control hash, {"by","since","reason"?,"hash","set"}: hash is the one
 * in decisions (policy_rules_hash), set the SHA-256 of the set's text, under which it is stored. */
#ifndef INTAKE_RULES_H
#define INTAKE_RULES_H

#include "gateway/policy/rules.h"
#include "gateway/state/state.h"

#define RULES_FIELD "rules"

/* Where the files are, borrowed. */
typedef struct rules_places {
    const char *rules, *calendars, *keys; /* folders; keys: of public keys (*.vkey) */
    bool must_be_signed;
} rules_places;

typedef struct {
    gw_str by, key, reason; /* key: the name of the operator's key, or what made the change */
    gw_str expect;          /* hash the operator has looked at; n 0: whatever the files say */
    gw_wall now;
} rules_act;

/* Read the files, and check their signatures if they must be signed. Errors as
 * policy_rules_load_signed, GW_EREFUSED a signature is missing or does not fit. */
gw_code rules_read_files(const rules_places *places, policy_rules **ret, gw_err *err) GW_NODISCARD;
/* Put the files in force. *ret_changed false: they are. GW_ECONFLICT: they are not what act
 * expects. Other failures as rules_read_files, or the store's; what is in force stays. */
gw_code rules_apply(state *store, const rules_places *places, const rules_act *act, gw_arena *arena,
                    bool *ret_changed, gw_err *err) GW_NODISCARD;

/* What is in force: the stored object's text, n 0 none; and its member. */
gw_str rules_in_force(const state_hash *control);
gw_str rules_set_of(gw_str stored, gw_arena *arena);
/* Fetch and parse what is in force; stored is not empty. GW_ECORRUPT it is not what its hash says,
 * GW_EREFUSED it is not signed and must be, GW_ENOTFOUND, GW_ENOMEM, or the store's. */
gw_code rules_fetch(state *store, gw_str stored, const rules_places *places, gw_arena *arena,
                    policy_rules **ret, gw_err *err) GW_NODISCARD;
/* The set again after a loss of the store: control and set as the record holds them. */
gw_code rules_restore(state *store, gw_str control, gw_str set, gw_arena *arena, gw_err *err)
    GW_NODISCARD;

#endif
