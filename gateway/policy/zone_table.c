#include "gateway/policy/zone.h"

#include <pthread.h>

/* Open hashing on the name. The system has some 600 zones, so it grows three or four times in its
 * life; aliases (PRC, Asia/Shanghai) are separate entries. */
struct zone_table {
    pthread_rwlock_t lock;
    zone **slots; /* power of two, at most half full */
    size_t cap, n;
};

enum { FIRST_SLOTS = 64 };

zone_table *zone_table_new(void)
{
    zone_table *t = calloc(1, sizeof *t);
    zone **slots = calloc(FIRST_SLOTS, sizeof(zone *));
    if (!t || !slots || pthread_rwlock_init(&t->lock, NULL) != 0) {
        free(t);
        free(slots);
        return NULL;
    }
    t->slots = slots;
    t->cap = FIRST_SLOTS;
    return t;
}

void zone_table_free(zone_table *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->cap; i++)
        zone_close(t->slots[i]);
    free(t->slots);
    pthread_rwlock_destroy(&t->lock);
    free(t);
}

static size_t hash_of(gw_str name)
{
    uint32_t h = 2166136261U; /* FNV-1a */
    for (size_t i = 0; i < name.n; i++)
        h = (h ^ (unsigned char)name.p[i]) * 16777619U;
    return h;
}

/* The slot that holds name, or the free one where it belongs. */
static zone **slot_of(zone **slots, size_t cap, gw_str name)
{
    size_t at = hash_of(name) & (cap - 1);
    while (slots[at] && !gw_str_is(name, zone_name(slots[at])))
        at = (at + 1) & (cap - 1);
    return &slots[at];
}

static bool grow(zone_table *t)
{
    size_t cap = t->cap * 2;
    zone **slots = calloc(cap, sizeof(zone *));
    if (!slots)
        return false;
    for (size_t i = 0; i < t->cap; i++)
        if (t->slots[i])
            *slot_of(slots, cap, gw_str_of(zone_name(t->slots[i]))) = t->slots[i];
    free(t->slots);
    t->slots = slots;
    t->cap = cap;
    return true;
}

/* Two threads may have opened the same zone at once; the first one in stays. Takes z. */
static const zone *add(zone_table *t, gw_str name, zone *z, gw_err *err)
{
    if (t->n * 2 >= t->cap && !grow(t)) {
        zone_close(z);
        gw_fail(err, GW_ENOMEM, "remembering time zone %.*s", GW_STR_ARG(name));
        return NULL;
    }
    zone **slot = slot_of(t->slots, t->cap, name);
    if (*slot) {
        zone_close(z);
        return *slot;
    }
    *slot = z;
    t->n++;
    return z;
}

const zone *zone_table_get(zone_table *t, gw_str name, gw_err *err)
{
    pthread_rwlock_rdlock(&t->lock);
    const zone *found = *slot_of(t->slots, t->cap, name);
    pthread_rwlock_unlock(&t->lock);
    if (found)
        return found;
    zone *z = NULL;
    if (zone_open(name, &z, err) != GW_OK)
        return NULL;
    pthread_rwlock_wrlock(&t->lock);
    found = add(t, name, z, err);
    pthread_rwlock_unlock(&t->lock);
    return found;
}
