/* jsonc.h - JSON with comments, for files that people edit.
 *
 * Configuration, rule packs and ladders may carry // line and slash-star block comments. They are
 * blanked before json_parse sees the text; outside input never comes this way. Thread: any; pure.
 */
#ifndef GW_JSONC_H
#define GW_JSONC_H

#include "gateway/base/buf.h"

/* Overwrite every comment in text with spaces, in place. Line breaks stay and nothing moves, so
 * byte offsets in later errors still point into the file. Comment marks inside strings are text.
 * GW_EINVAL when a block comment does not end; the text is then half blanked. */
gw_code json_strip_comments(gw_buf *text, gw_err *err) GW_NODISCARD;

/* Line (1-based) of a byte offset, for errors about a file. */
size_t json_line_of(gw_str text, size_t offset);

#endif
