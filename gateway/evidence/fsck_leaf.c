#include "gateway/evidence/fsck_inside.h"

static void check_roots(fsck_walk *w, uint64_t size)
{
    merkle_hash root;
    bool head = w->head_seen && w->head.size == size && gw_str_is(w->head.origin, w->origin);
    if (size != w->published.size && !head)
        return;
    merkle_frontier_root(&w->tree, &root);
    if (size == w->published.size && !merkle_equal(&root, &w->published.root))
        fsck_fault(w, "%s/checkpoint: its root is not the root of the first %llu entries", w->dir,
                   (unsigned long long)size);
    if (head && !merkle_equal(&root, &w->head.root))
        fsck_fault(w, "%s: its root is not the root of the first %llu entries", w->state_head,
                   (unsigned long long)size);
}

static fsck_chain *find_chain(fsck_walk *w, const gw_id *kase)
{
    uint64_t h;
    memcpy(&h, kase->b, sizeof h);
    size_t at = h & (w->chain_slots - 1);
    while (w->chains[at].cseq && memcmp(w->chains[at].kase.b, kase->b, GW_ID_BYTES) != 0)
        at = (at + 1) & (w->chain_slots - 1);
    return &w->chains[at];
}

static gw_code grow_chains(fsck_walk *w, gw_err *err)
{
    if (w->r.cases * 2 < w->chain_slots)
        return GW_OK;
    fsck_chain *old = w->chains;
    size_t slots = w->chain_slots;
    size_t more = slots ? slots * 4 : 4096;
    fsck_chain *fresh = calloc(more, sizeof *fresh);
    if (!fresh)
        return gw_fail(err, GW_ENOMEM, "fsck");
    w->chains = fresh;
    w->chain_slots = more;
    for (size_t i = 0; i < slots; i++)
        if (old[i].cseq)
            *find_chain(w, &old[i].kase) = old[i];
    free(old);
    return GW_OK;
}

static void check_chain(fsck_walk *w, const record_view *v, const merkle_hash *hash)
{
    gw_id kase;
    if (gw_id_parse(v->kase, &kase, NULL) != GW_OK)
        return; /* record_parse looked */
    fsck_chain *c = find_chain(w, &kase);
    if (v->cseq != c->cseq + 1)
        fsck_fault_here(w, "record %llu of its case follows record %llu",
                        (unsigned long long)v->cseq, (unsigned long long)c->cseq);
    else if (c->cseq > 0 && memcmp(v->cprev, c->hash, DIGEST_BYTES) != 0)
        fsck_fault_here(w, "does not name the record of its case before it");
    w->r.cases += c->cseq == 0;
    c->kase = kase;
    c->cseq = v->cseq;
    memcpy(c->hash, hash->b, DIGEST_BYTES);
}

static void check_contents(fsck_walk *w, const record_view *v)
{
    const json_doc *d = &v->doc;
    for (uint32_t at = v->blob ? v->blob + 1 : 0; v->blob && at < json_at(d, v->blob)->next;
         at = json_at(d, at)->next) {
        blob_ref ref;
        gw_err err = {.code = GW_OK};
        GW_AUTO_BUF gw_buf sealed;
        gw_buf_init(&sealed, (size_t)1 << 30);
        gw_code rc = blob_ref_parse(d, at, &ref, &err);
        if (rc == GW_OK)
            rc = blob_read(w->blob_base, &ref, &sealed, &err);
        if (rc != GW_OK)
            fsck_fault_here(w, "%s", err.text);
        w->r.contents++;
    }
}

static void check_index(fsck_walk *w, uint64_t index, wal_place at, const record_view *v)
{
    evindex_entry e;
    gw_id kase;
    if (!w->index_db)
        return;
    gw_code rc = evindex_at(w->index_db, w->origin_id, index, &e, NULL);
    if (rc == GW_ENOTFOUND && index < w->published.size)
        fsck_fault_here(w, "missing in index/index.db; delete the folder index, it is made again");
    if (rc != GW_OK)
        return;
    bool same = gw_id_parse(v->kase, &kase, NULL) == GW_OK && e.place.segment == at.segment &&
                e.place.offset == at.offset && e.t.ms == v->t.ms && e.tb.ms == v->tb.ms &&
                e.cseq == v->cseq && memcmp(e.kase.b, kase.b, GW_ID_BYTES) == 0;
    if (!same)
        fsck_fault_here(w,
                        "index/index.db says otherwise; delete the folder index, it is made again");
}

static void check_time(fsck_walk *w, const record_view *v)
{
    if (v->tb.ms < w->last_tb.ms && v->clock_step == w->last_step)
        fsck_fault_here(w, "logged before the entry that precedes it");
    w->last_tb = v->tb;
    w->last_step = v->clock_step;
}

/* The first record of a later log carries the final head of the one before. */
static void check_link(fsck_walk *w, const record_view *v)
{
    uint8_t root[DIGEST_BYTES];
    const json_doc *d = &v->doc;
    if (!w->previous_origin[0])
        return;
    if (!v->fact || !gw_str_is(json_get_str(d, v->fact, "prev_origin"), w->previous_origin) ||
        json_get_int(d, v->fact, "prev_size", -1) != (int64_t)w->previous.size ||
        !digest_read_hex(json_get_str(d, v->fact, "prev_root"), root, DIGEST_BYTES) ||
        memcmp(root, w->previous.root.b, DIGEST_BYTES) != 0)
        fsck_fault_here(w, "does not carry the final head of %s", w->previous_origin);
}

gw_code fsck_entry(void *ctx, uint64_t index, wal_place at, gw_str leaf, gw_err *err)
{
    fsck_walk *w = ctx;
    merkle_hash hash;
    record_view v;
    gw_err why = {.code = GW_OK};
    w->at = at;
    w->index = index;
    merkle_leaf(leaf, &hash);
    merkle_frontier_add(&w->tree, &hash);
    fsck_tiles_add(w, index, leaf, &hash);
    check_roots(w, index + 1);
    gw_arena_reset(w->arena);
    w->r.entries++;
    gw_code rc = grow_chains(w, err);
    if (rc != GW_OK)
        return rc;
    if (record_parse(leaf, w->arena, &v, &why) != GW_OK) {
        fsck_fault_here(w, "%s", why.text);
        return GW_OK;
    }
    if (index == 0)
        check_link(w, &v);
    check_chain(w, &v, &hash);
    check_time(w, &v);
    check_index(w, index, at, &v);
    if (!w->o->quick)
        check_contents(w, &v);
    return GW_OK;
}
