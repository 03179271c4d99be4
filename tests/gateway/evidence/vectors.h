/* vectors.h - where the public test vectors lie; tests skip themselves where they are missing. */
#ifndef TESTS_EVIDENCE_VECTORS_H
#define TESTS_EVIDENCE_VECTORS_H

#include "gateway/base/arena.h"
#include "gateway/base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Parse DUNLIN_VECTORS/name (or ../shared/vectors/name beside the project). Text and nodes live in
 * the arena. Skips the test when the file is missing. */
void vectors_load(const char *name, gw_arena *arena, json_doc *ret);
/* Path of a vector file or folder, in a static buffer. */
const char *vectors_path(const char *name);

/* Bytes of a hex string member, in the arena. */
gw_str vectors_hex(const json_doc *d, uint32_t node, gw_arena *arena);

#endif
