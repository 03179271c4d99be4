/* context_builder.h - the pieces context.c and context_statement.c share. Inside of context.h. */
#ifndef CONTENT_CONTEXT_BUILDER_H
#define CONTENT_CONTEXT_BUILDER_H

#include "templates/content/context.h"

enum { CONTEXT_NAME_MAX = 120 }; /* bytes of a member name that is looked at */
#define CONTEXT_OURS UINT32_MAX  /* "object" that is not one of the facts */

typedef struct {
    const json_doc *in;
    formatter *f;
    gw_buf *out;
    gw_buf text;   /* one formatted value */
    int32_t today; /* the facts' date, else the UTC day of the task */
    gw_err *err;
} context_builder;

void context_put_member_text(context_builder *b, const char *name);
gw_code context_put_money(context_builder *b, const char *name, int64_t minor, gw_str currency);
/* The long date, and the plain one as <name>_iso unless `object` of the facts has that itself. */
gw_code context_put_date(context_builder *b, uint32_t object, const char *name, int32_t day);
/* One member of the facts, by the rules of context.h. */
gw_code context_put_member(context_builder *b, uint32_t object, uint32_t name_node,
                           gw_str currency);
gw_code context_put_value(context_builder *b, uint32_t node, gw_str currency);
void context_open_member(context_builder *b, const char *name, char bracket);
void context_put_text_if(context_builder *b, const char *name, gw_str value);

/* context_statement.c: the facts' items in the statement's words. */
gw_code context_put_items(context_builder *b, const statement *s, uint32_t items);
/* Totals, ages, the due date: all of context.h that comes from the statement as a whole. */
gw_code context_put_statement(context_builder *b, const statement *s);

#endif
