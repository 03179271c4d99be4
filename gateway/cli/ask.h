/* ask.h - talk to a running gateway: connect with a key of the data folder, send a verb, show what
 * came back.
 *
 * Keys: questions and operator's acts go under keys/secret/operator.key, what a billing system
 * sends under keys/secret/<source>.key (--source, default "local").
 * Thread: the main thread. */
#ifndef DUNLIN_CLI_ASK_H
#define DUNLIN_CLI_ASK_H

#include "gateway/base/json.h"
#include "gateway/cli/options.h"
#include "gateway/client/dunlin.h"

#define CLI_OPERATOR "operator"

enum { ASK_TIMEOUT_MS = 10000, ASK_BODY_BYTES = 64 * 1024, ASK_ARENA_BYTES = 64 * 1024 * 1024 };

/* Connect as the owner of keys/secret/<who>.key. timeout_ms 0: ASK_TIMEOUT_MS. */
gw_code ask_connect(const cli_common *c, const char *who, int timeout_ms, dunlin **ret, gw_err *err)
    GW_NODISCARD;

/* One verb with one body; the answer parsed into the arena. A verdict `rejected` becomes
 * GW_EREFUSED and `busy` GW_EBUSY with the gateway's reason. */
gw_code ask_once(dunlin *d, const char *verb, gw_str body, gw_arena *arena, json_doc *ret,
                 gw_err *err) GW_NODISCARD;

/* The same as operator, on a connection of its own that is closed again. timeout_ms as above. */
gw_code ask_operator(const cli_common *c, const char *verb, gw_str body, int timeout_ms,
                     gw_arena *arena, json_doc *ret, gw_err *err) GW_NODISCARD;

/* Connect as operator, ask, print the answer (JSON with --json, else as text), disconnect. Returns
 * the exit code. */
int ask_and_print(const cli_common *c, const char *verb, gw_str body);

#endif
