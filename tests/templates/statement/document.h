/* document.h - statements for the tests, read from JSON text. */
#ifndef TEST_DOCUMENT_H
#define TEST_DOCUMENT_H

#include "templates/statement/statement.h"

typedef struct {
    gw_arena *arena;
    const statement *s;
    gw_err err;
} document;

/* Read text as a statement; ret->s stays NULL on failure. */
gw_code document_read(document *ret, gw_str text);
/* As above, and the test fails unless it works. */
void document_open(document *ret, gw_str text);
void document_close(document *d);
/* Head of a document up to "items":[ ; the caller goes on with elements and "]}". */
void document_head(gw_buf *b, const char *locale);
/* One item; comma before it unless it is the first. */
void document_item(gw_buf *b, int n, const char *description, const char *due, long long amount,
                   long long paid, const char *currency);

#endif
