/* schema.h - checks JSON documents against our subset of JSON Schema 2020-12.
 *
 * Keywords: type (one name or a list), properties, required, additionalProperties (false or true),
 * enum, const, minLength, maxLength (characters, not bytes), minimum, maximum (integers), items,
 * minItems, maxItems, maxProperties, format; and the annotations $schema, $id, $comment, title,
 * description, default, examples. A schema with any other keyword is refused when it is compiled,
 * so nothing in a schema file is ever ignored.
 * Stricter than the standard: "integer" is a whole number within int64 written without fraction or
 * exponent (1.0 is none), and a format is an assertion.
 *
 * Formats (format.h has their definitions): date-time date email e164 iso4217 iana-zone region id
 * line locale.
 *
 * A compiled schema never changes: any thread may check with it. */
#ifndef WIRE_SCHEMA_H
#define WIRE_SCHEMA_H

#include "gateway/base/json.h"

enum {
    SCHEMA_FILE_MAX = 256 * 1024,
    SCHEMA_NODES_MAX = 1024,    /* subschemas in one file */
    SCHEMA_PROPERTIES_MAX = 64, /* properties of one object */
};

typedef struct schema schema;

/* Compile a schema text; name is for error texts. GW_EINVAL says which keyword, where. */
gw_code schema_compile(const char *name, gw_str text, schema **ret_schema, gw_err *err)
    GW_NODISCARD;
gw_code schema_load(const char *path, schema **ret_schema, gw_err *err) GW_NODISCARD;
void schema_free(schema *s);
GW_CLEANUP_FUNC(schema, schema_free)

typedef struct {
    char pointer[JSON_POINTER_TEXT]; /* RFC 6901, "" = the document */
    char what[224];                  /* what is wrong and what is expected; no value is repeated */
} schema_fault;

/* Does the subtree at node hold to the schema? False: the first fault in document order (missing
 * members last). Memory: strings with escapes are read into the document's arena. */
bool schema_check(const schema *s, const json_doc *doc, uint32_t node, schema_fault *ret_fault);

#endif
