/* arena.h - memory that lives exactly as long as one piece of work.
 *
 * gw_arena_reset gives everything back at once and keeps the first block, so steady work allocates
 * nothing. Thread: one owner at a time. */
#ifndef GW_ARENA_H
#define GW_ARENA_H

#include "gateway/base/buf.h"

typedef struct gw_arena gw_arena;

/* ceiling: most bytes alive at once; an allocation past it answers NULL. NULL when out of memory.
 */
gw_arena *gw_arena_new(size_t ceiling);
/* For many that live at the same time: begins small and grows by a quarter, so that little work
 * takes little. */
gw_arena *gw_arena_new_small(size_t ceiling);
void gw_arena_free(gw_arena *a);
GW_CLEANUP_FUNC(gw_arena, gw_arena_free)
void gw_arena_reset(gw_arena *a);

/* Zeroed memory aligned for any type, or NULL (ceiling or memory). Freed by reset or free. */
void *gw_arena_alloc(gw_arena *a, size_t n);
/* Copy with a NUL behind it; NULL as above. */
char *gw_arena_copy(gw_arena *a, gw_str s);

#endif
