#include "gateway/dispatch/load.h"

#include "gateway/dispatch/person.h"

void load_debtor_id(const uint8_t *id_key, gw_str source, gw_str debtor, gw_id *ret_did)
{
    gw_str parts[] = {GW_STR("d"), source, debtor};
    gw_id_keyed(id_key, parts, GW_COUNT(parts), ret_did);
}

void load_reminder_id(const uint8_t *id_key, gw_str source, gw_str job, gw_id *ret_rid)
{
    gw_str parts[] = {GW_STR("r"), source, job};
    gw_id_keyed(id_key, parts, GW_COUNT(parts), ret_rid);
}

typedef struct {
    gw_id *dids;
    uint32_t *slots; /* 0 empty, else index + 1 into dids */
    size_t n, mask;
} did_set;

static bool did_set_init(did_set *s, size_t n, gw_arena *arena)
{
    size_t slots = 16;
    while (slots < 2 * n)
        slots *= 2;
    s->mask = slots - 1;
    s->n = 0;
    s->dids = gw_arena_alloc(arena, (n + 1) * sizeof *s->dids);
    s->slots = gw_arena_alloc(arena, slots * sizeof *s->slots);
    return s->dids && s->slots;
}

static size_t did_set_index(did_set *s, const gw_id *did)
{
    uint32_t h;
    memcpy(&h, did->b + 4, sizeof h);
    size_t at = h & s->mask;
    for (; s->slots[at]; at = (at + 1) & s->mask)
        if (memcmp(s->dids[s->slots[at] - 1].b, did->b, sizeof did->b) == 0)
            return s->slots[at] - 1;
    s->dids[s->n] = *did;
    s->slots[at] = (uint32_t)++s->n;
    return s->n - 1;
}

static gw_code attach_debtors(state *store, const uint8_t *id_key, loaded *list, size_t n,
                              did_set *set, const uint32_t *index, gw_arena *arena, gw_err *err)
{
    state_debtor *raw = gw_arena_alloc(arena, (set->n + 1) * sizeof *raw);
    view_debtor *views = gw_arena_alloc(arena, (set->n + 1) * sizeof *views);
    gw_code *codes = gw_arena_alloc(arena, (set->n + 1) * sizeof *codes);
    view_debtor **good = gw_arena_alloc(arena, (set->n + 1) * sizeof *good);
    size_t good_n = 0;
    if (!raw || !views || !codes || !good)
        return gw_fail(err, GW_ENOMEM, "loading %zu debtors", set->n);
    gw_code rc = set->n ? state_load_debtors(store, set->dids, set->n, arena, raw, err) : GW_OK;
    if (rc != GW_OK)
        return rc;
    for (size_t i = 0; i < set->n; i++) {
        codes[i] = view_debtor_read(&raw[i], arena, &views[i], err);
        if (codes[i] != GW_OK && codes[i] != GW_ECORRUPT)
            return codes[i];
        if (codes[i] == GW_OK)
            good[good_n++] = &views[i];
    }
    rc = person_load(store, id_key, good, good_n, arena, err);
    if (rc != GW_OK)
        return rc;
    for (size_t i = 0; i < n; i++) {
        if (list[i].code != GW_OK)
            continue;
        list[i].code = codes[index[i]];
        list[i].d = codes[index[i]] == GW_OK ? &views[index[i]] : NULL;
    }
    return GW_OK;
}

gw_code load_reminders(state *store, const uint8_t *id_key, const state_ref *refs, size_t n,
                       bool with_debtors, gw_arena *arena, loaded **ret, gw_err *err)
{
    state_reminder *raw = gw_arena_alloc(arena, (n + 1) * sizeof *raw);
    loaded *list = gw_arena_alloc(arena, (n + 1) * sizeof *list);
    uint32_t *index = gw_arena_alloc(arena, (n + 1) * sizeof *index);
    did_set set;
    if (!raw || !list || !index || !did_set_init(&set, n, arena))
        return gw_fail(err, GW_ENOMEM, "loading %zu reminders", n);
    gw_code rc = n ? state_load_reminders(store, refs, n, arena, raw, err) : GW_OK;
    for (size_t i = 0; i < n && rc == GW_OK; i++) {
        list[i].ref = refs[i];
        list[i].code = view_reminder_read(&raw[i], arena, &list[i].r, err);
        if (list[i].code == GW_ENOTFOUND)
            continue;
        rc = list[i].code;
        load_debtor_id(id_key, list[i].r.source, list[i].r.debtor, &list[i].did);
        index[i] = (uint32_t)did_set_index(&set, &list[i].did);
    }
    if (rc == GW_OK && with_debtors)
        rc = attach_debtors(store, id_key, list, n, &set, index, arena, err);
    if (rc == GW_OK)
        *ret = list;
    return rc;
}
