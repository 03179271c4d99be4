/* print.h - any JSON answer as text a person reads: objects as "name  value" lines, arrays of
 * objects as a table with a column per member of the first row. Control bytes are shown as '?', so
 * that no answer can move the cursor of a terminal. Thread: any. */
#ifndef DUNLIN_CLI_PRINT_H
#define DUNLIN_CLI_PRINT_H

#include "gateway/base/json.h"

#include <stdio.h>

enum { PRINT_COLUMNS_MAX = 16, PRINT_CELL_MAX = 48 };

void print_json(FILE *out, const json_doc *d, uint32_t node);

/* An array of objects as a table of the named members only, in that order. */
void print_columns(FILE *out, const json_doc *d, uint32_t array, const char *const *names,
                   size_t n);

#endif
