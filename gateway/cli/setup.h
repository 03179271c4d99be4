/* setup.h - the data folder of a machine: folders and keys made once, never replaced.
 *
 * keys/gateway.key|pub   CURVE pair of the gateway (billing systems and workers pin the .pub)
 * keys/clients|operators|workers/NAME.pub   who may connect (allow-lists)
 * keys/secret/NAME.key   secret keys made here for local use: operator, local (a source), worker
 * keys/log.key tenant.key id.key   32 random bytes as hex: checkpoint signing seed, wrapping key of
 *                                  the vault, key of the identifiers
 * Everything secret has mode 0600 below folders of mode 0700.
 * Thread: one process at a time per data folder (`dunlin up` holds run/up.lock). */
#ifndef DUNLIN_CLI_SETUP_H
#define DUNLIN_CLI_SETUP_H

#include "config/loader/config.h"

/* Make what is missing. */
gw_code setup_data_folder(const config *c, gw_err *err) GW_NODISCARD;
/* A new key pair for a source or operator: secret/NAME.key and <list>/NAME.pub, e.g. list
 * "clients". GW_EEXIST when NAME has one. */
gw_code setup_key(const config *c, const char *list, const char *name, gw_err *err) GW_NODISCARD;

#endif
