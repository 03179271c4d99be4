/* read.h - members of a JSON object, checked, with the JSON pointer in every error (inside of
 * templates/statement). Null counts as absent. Thread: any; pure. */
#ifndef STATEMENT_READ_H
#define STATEMENT_READ_H

#include "gateway/base/json.h"

typedef struct {
    const json_doc *d;
    gw_arena *arena;
    gw_err *err;
} reader;

/* "statement /items/3/due: why". Returns code. */
gw_code read_refuse(reader *r, uint32_t node, gw_code code, const char *why);
/* The same about a member that is not there. */
gw_code read_missing(reader *r, uint32_t object, const char *name);
/* Node of the member, 0 when absent or null. */
uint32_t read_member(reader *r, uint32_t object, const char *name);

typedef enum {
    READ_OPTIONAL = 0,
    READ_REQUIRED = 1, /* must be there; a text must hold more than blanks */
    READ_LINES = 2,    /* the text may hold line breaks and tabs */
} read_how;

/* One text member: where its gw_str lies in the struct it belongs to. */
typedef struct {
    const char *name;
    size_t offset;
    size_t limit; /* bytes */
    int how;      /* read_how */
} read_text;

gw_code read_texts(reader *r, uint32_t object, const read_text *rows, size_t n, void *ret_struct)
    GW_NODISCARD;
/* A text node by itself, as an element of a list is. */
gw_code read_text_node(reader *r, uint32_t node, size_t limit, int how, gw_str *ret) GW_NODISCARD;
gw_code read_day(reader *r, uint32_t object, const char *name, int how, bool *ret_has,
                 int32_t *ret_day) GW_NODISCARD;
/* Integer of minor units between low and STATEMENT_AMOUNT_MAX. */
gw_code read_amount(reader *r, uint32_t object, const char *name, int how, int64_t low,
                    bool *ret_has, int64_t *ret) GW_NODISCARD;
gw_code read_flag(reader *r, uint32_t object, const char *name, bool *ret) GW_NODISCARD;
/* Array of at most limit elements; its first element is json_first(*ret_node), *ret_n may be 0. */
gw_code read_list(reader *r, uint32_t object, const char *name, int how, size_t limit,
                  uint32_t *ret_node, size_t *ret_n) GW_NODISCARD;

#endif
