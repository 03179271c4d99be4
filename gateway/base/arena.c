#include "gateway/base/arena.h"

#include <stdalign.h>

enum { BLOCK_BYTES = 64 * 1024, SMALL_BYTES = 1024, SHARE = 4 };

typedef struct block {
    struct block *next;
    size_t used, cap;
    alignas(max_align_t) char bytes[];
} block;

struct gw_arena {
    block *head;
    size_t ceiling, total;
    size_t least; /* size of a block */
};

gw_arena *gw_arena_new(size_t ceiling)
{
    gw_arena *a = calloc(1, sizeof *a);
    if (a)
        *a = (gw_arena){.ceiling = ceiling, .least = BLOCK_BYTES};
    return a;
}

gw_arena *gw_arena_new_small(size_t ceiling)
{
    gw_arena *a = gw_arena_new(ceiling);
    if (a)
        a->least = SMALL_BYTES;
    return a;
}

static void free_blocks(block *b)
{
    while (b) {
        block *next = b->next;
        free(b);
        b = next;
    }
}

void gw_arena_free(gw_arena *a)
{
    if (!a)
        return;
    free_blocks(a->head);
    free(a);
}

void gw_arena_reset(gw_arena *a)
{
    a->total = 0;
    if (!a->head)
        return;
    /* keep one block of ordinary size; a huge one would pin memory for ever */
    block *keep = a->head->cap == BLOCK_BYTES ? a->head : NULL;
    free_blocks(keep ? keep->next : a->head);
    a->head = keep;
    if (keep) {
        keep->next = NULL;
        keep->used = 0;
    }
}

/* A small arena grows by a share of what it holds, so that little is left unused at its end. */
static size_t block_size(const gw_arena *a, size_t need)
{
    size_t cap = a->total / SHARE > a->least ? a->total / SHARE : a->least;
    if (cap > BLOCK_BYTES)
        cap = BLOCK_BYTES;
    return need > cap ? need : cap;
}

void *gw_arena_alloc(gw_arena *a, size_t n)
{
    size_t align = alignof(max_align_t);
    if (n > a->ceiling)
        return NULL;
    size_t need = (n + align - 1) / align * align;
    if (a->total + need > a->ceiling)
        return NULL;
    block *b = a->head;
    if (!b || b->cap - b->used < need) {
        size_t cap = block_size(a, need);
        b = malloc(sizeof *b + cap);
        if (!b)
            return NULL;
        *b = (block){.next = a->head, .cap = cap};
        a->head = b;
    }
    void *p = b->bytes + b->used;
    b->used += need;
    a->total += need;
    memset(p, 0, need);
    return p;
}

char *gw_arena_copy(gw_arena *a, gw_str s)
{
    char *p = gw_arena_alloc(a, s.n + 1);
    if (p && s.n)
        memcpy(p, s.p, s.n);
    return p;
}
