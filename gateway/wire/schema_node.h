/* schema_node.h - the compiled form of a schema; shared by schema.c (compiles) and schema_check.c
 * (checks), nobody else. */
#ifndef WIRE_SCHEMA_NODE_H
#define WIRE_SCHEMA_NODE_H

#include "gateway/wire/format.h"
#include "gateway/wire/schema.h"

enum {
    MUST_BE_NULL = 1 << 0,
    MUST_BE_BOOLEAN = 1 << 1,
    MUST_BE_INTEGER = 1 << 2,
    MUST_BE_NUMBER = 1 << 3, /* any number; kept as text when it is not an integer */
    MUST_BE_STRING = 1 << 4,
    MUST_BE_ARRAY = 1 << 5,
    MUST_BE_OBJECT = 1 << 6,
};

typedef struct {
    gw_str name;
    uint32_t node; /* index of the member's schema */
} schema_property;

/* Lengths and counts: the unset maximum is UINT32_MAX. */
typedef struct {
    uint8_t types; /* MUST_BE_ bits, 0 = any */
    bool closed;   /* additionalProperties false */
    bool has_min, has_max;
    uint8_t property_n;
    uint32_t items; /* index + 1 of the schema of elements, 0 = any */
    uint32_t min_length, max_length, min_items, max_items, max_properties;
    int64_t min, max;
    uint64_t required; /* bit = index into properties */
    format_check format;
    const schema_property *properties;
    const gw_str *allowed; /* enum or const: raw JSON of scalars, strings with their quotes off */
    const uint8_t *allowed_kinds;
    uint32_t allowed_n;
} schema_node;

struct schema {
    gw_arena *arena;
    schema_node *nodes;
    uint32_t n;
};

#endif
