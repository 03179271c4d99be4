/* function.h - the Redis Functions library dunlin1: its text, and making sure the server runs it.
 *
 * FORMAT is the stored format, REVISION counts changes of the text within a format. Rules at start:
 * absent: load. Newer format: refuse. Older revision, or the same with another text: replace. Newer
 * revision of our format: keep it, a newer gateway shares this store. */
#ifndef DUNLIN_STATE_FUNCTION_H
#define DUNLIN_STATE_FUNCTION_H

#include "gateway/state/conn.h"

#define FUNCTION_LIBRARY "dunlin1"

extern const unsigned char dunlin_lua[];
extern const size_t dunlin_lua_bytes;
extern const int dunlin_lua_format, dunlin_lua_revision; /* FORMAT, REVISION in the text */

typedef enum {
    FUNCTION_SAME,    /* exactly our text */
    FUNCTION_UNSEEN,  /* our revision; its text may not be read (ACL) */
    FUNCTION_ABSENT,  /* not loaded */
    FUNCTION_OLDER,   /* replace it */
    FUNCTION_NEWER,   /* same format, later revision: fine */
    FUNCTION_FOREIGN, /* another format: refuse */
} function_match;

gw_code function_look(state *s, function_match *ret, gw_err *err) GW_NODISCARD;
gw_code function_load(state *s, gw_err *err) GW_NODISCARD;

#endif
