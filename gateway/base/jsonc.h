/* jsonc.h - JSON with comments, for files that people edit.
 *
 * Configuration, rule packs and ladders may carry // line and slash-star block comments. They are
 * blanked before json_parse sees the text; outside input never comes this way. Thread: any; pure.
 */
#ifndef GW_JSONC_H
#define GW_JSONC_H

#include "gateway/base/json.h"

/* Overwrite every comment in text with spaces, in place. Line breaks stay and nothing moves, so
 * byte offsets in later errors still point into the file. Comment marks inside strings are text.
 * GW_EINVAL when a block comment does not end; the text is then half blanked. */
gw_code json_strip_comments(gw_buf *text, gw_err *err) GW_NODISCARD;

/* Line (1-based) of a byte offset, for errors about a file. */
size_t json_line_of(gw_str text, size_t offset);

/* A whole file's text, opened: comments blanked, strictly parsed. */
typedef struct {
    gw_buf text;
    gw_arena *arena;
    json_doc doc; /* borrows the two above */
} jsonc_file;

/* ceiling: most bytes the text may have. *ret is to be closed also after a failure; zero it first.
 * GW_EINVAL, GW_ELIMIT, GW_ENOMEM as json_strip_comments and json_parse. */
gw_code jsonc_open(gw_str text, size_t ceiling, jsonc_file *ret, gw_err *err) GW_NODISCARD;
void jsonc_close(jsonc_file *f);
#define GW_AUTO_JSONC __attribute__((cleanup(jsonc_close)))

/* RFC 8785 text of the document, for hashes that do not change with comments; free() it. */
gw_code jsonc_canonical(const jsonc_file *f, char **ret, gw_err *err) GW_NODISCARD;

#endif
