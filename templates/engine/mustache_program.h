/* mustache_program.h - the compiled form, shared by compile, render and walk only.
 *
 * A program is an array of operations. Each template or partial is a unit: a range of them. A
 * section operation knows where it ends, so rendering is a walk over ranges. Everything lives in
 * the program's arena and never changes after compilation. */
#ifndef TEMPLATES_ENGINE_MUSTACHE_PROGRAM_H
#define TEMPLATES_ENGINE_MUSTACHE_PROGRAM_H

#include "templates/engine/mustache.h"

enum { NO_PARTIAL = UINT32_MAX };

typedef enum {
    OP_TEXT,
    OP_INDENT, /* start of an output line of a partial: its caller's indentation belongs here */
    OP_VARIABLE,
    OP_SECTION,
    OP_INVERTED,
    OP_PARTIAL,
} op_kind;

typedef struct {
    gw_str full;       /* as written, without surrounding space */
    uint32_t parts;    /* 0 is the implicit iterator "." */
    const char **part; /* each NUL-terminated, as json_member wants them */
} tag_name;

typedef struct {
    uint8_t kind; /* op_kind */
    bool raw;
    uint16_t unit;
    uint32_t line;
    uint32_t end;         /* sections: first operation behind the body */
    uint32_t partial;     /* OP_PARTIAL: its unit, or NO_PARTIAL */
    gw_str text;          /* OP_TEXT: bytes; OP_PARTIAL: indentation of a standalone tag */
    const tag_name *name; /* all but text and indent */
} op;

typedef struct {
    const char *name;
    uint32_t first, end; /* operations */
} unit;

struct mustache {
    gw_arena *arena;
    op *ops;
    uint32_t op_count;
    unit units[MUSTACHE_PARTIALS_MAX + 1]; /* 0 is the template itself */
    uint32_t unit_count;
};

#endif
