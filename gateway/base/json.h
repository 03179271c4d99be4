/* json.h - strict JSON reading (RFC 8259) into a flat array of nodes, without copying.
 *
 * json-c, even in strict mode, lets duplicate keys, single quotes, NaN and raw control bytes
 * through; everything that comes from outside passes this reader first. It refuses: invalid UTF-8,
 * a byte order mark, duplicate member names (compared after unescaping), lone surrogates, \u0000,
 * numbers outside the grammar, trailing bytes, and anything past the named limits. Integers outside
 * int64 and numbers with a fraction or exponent are kept as text (JSON_NUMBER), never as a binary
 * float.
 *
 * Nodes lie in document order: an object's members are alternating name and value nodes, children
 * follow their parent, node->next is the index just past the subtree. Node 0 is the document.
 *
 * Ownership: the document borrows the text and the arena. Thread: any, one owner at a time. */
#ifndef GW_JSON_H
#define GW_JSON_H

#include "gateway/base/arena.h"

enum {
    JSON_DEPTH_MAX = 32,
    JSON_NODES_MAX = 1 << 20,
    JSON_MEMBERS_MAX = 4096, /* names in one object; bounds the duplicate check */
    JSON_POINTER_TEXT = 160, /* bytes of an RFC 6901 pointer in a verdict, longer ones are cut */
};

typedef enum {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_INT,    /* fits int64: value in node->i */
    JSON_NUMBER, /* any other number: its text */
    JSON_STRING, /* text without quotes; node->escaped says whether escapes remain in it */
    JSON_ARRAY,
    JSON_OBJECT
} json_kind;

typedef struct {
    uint8_t kind; /* json_kind */
    bool escaped;
    uint32_t off, len; /* raw bytes in the text; strings without their quotes */
    uint32_t next;     /* index of the first node behind this subtree */
    uint32_t count;    /* elements of an array, members of an object */
    int64_t i;
} json_node;

typedef struct {
    const char *text;
    uint32_t len;
    uint32_t n;
    json_node *nodes;
    gw_arena *arena;
} json_doc;

/* Parse all of text. On failure err names the byte offset and what was expected; *ret is untouched.
 * GW_EINVAL not JSON or not allowed, GW_ELIMIT too deep/large, GW_ENOMEM. */
gw_code json_parse(gw_str text, gw_arena *arena, json_doc *ret, gw_err *err) GW_NODISCARD;

/* Value node of an object's member, or 0 when absent (node 0 is never a member). */
uint32_t json_member(const json_doc *d, uint32_t object, const char *name);
/* First child; the next sibling of node x is d->nodes[x].next. For objects children alternate. */
static inline uint32_t json_first(uint32_t node)
{
    return node + 1;
}
static inline const json_node *json_at(const json_doc *d, uint32_t node)
{
    return &d->nodes[node];
}
static inline json_kind json_kind_of(const json_doc *d, uint32_t node)
{
    return (json_kind)d->nodes[node].kind;
}
/* The bytes as written (strings without quotes and not unescaped; containers with brackets). */
static inline gw_str json_raw(const json_doc *d, uint32_t node)
{
    return (gw_str){d->text + d->nodes[node].off, d->nodes[node].len};
}
/* A string's value, unescaped (in the arena if it had escapes). p is NULL if memory ran out. */
gw_str json_str(const json_doc *d, uint32_t node);
/* Conveniences over members: the string / integer / boolean if it is there with that kind. */
gw_str json_get_str(const json_doc *d, uint32_t object,
                    const char *name); /* n 0, p NULL if absent */
int64_t json_get_int(const json_doc *d, uint32_t object, const char *name, int64_t otherwise);
bool json_get_bool(const json_doc *d, uint32_t object, const char *name, bool otherwise);

/* RFC 6901 pointer of a node, e.g. "/items/3/amount_minor"; "" is the document. */
void json_pointer(const json_doc *d, uint32_t node, char ret_text[JSON_POINTER_TEXT]);
/* Node an RFC 6901 pointer names, or UINT32_MAX. */
uint32_t json_resolve(const json_doc *d, gw_str pointer);

/* ---- writing (json_write.c) ---- */

/* Append s as a JSON string with quotes, escaped as RFC 8785 §3.2.2.2 asks. s must be UTF-8. */
gw_code json_put_string(gw_buf *b, gw_str s);
/* Append `"name":`, with a comma first unless the byte before is '{'. */
gw_code json_put_name(gw_buf *b, const char *name);
gw_code json_put_member_str(gw_buf *b, const char *name, gw_str value);
gw_code json_put_member_int(gw_buf *b, const char *name, int64_t value);
gw_code json_put_member_bool(gw_buf *b, const char *name, bool value);
/* value is JSON text already. */
gw_code json_put_member_raw(gw_buf *b, const char *name, gw_str value);

/* RFC 8785 canonical form of a document: members sorted by UTF-16 code units, no white space.
 * Numbers: integers only (any JSON_NUMBER is GW_EINVAL): evidence holds no floats. */
gw_code json_canonical(const json_doc *d, uint32_t node, gw_buf *ret, gw_err *err) GW_NODISCARD;

#endif
