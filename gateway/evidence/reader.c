#include "gateway/evidence/reader.h"

#include "gateway/base/file.h"
#include "gateway/evidence/blob.h"
#include "gateway/evidence/evidence.h"
#include "gateway/evidence/index.h"
#include "gateway/evidence/reader_inside.h"
#include "gateway/evidence/tiles.h"
#include "gateway/evidence/tlogproof.h"
#include "gateway/evidence/vault.h"

#include <limits.h>
#include <sodium.h>
#include <stdio.h>

enum { LOGS_MAX = 256, LEAF_ARENA = 16 * 1024 * 1024, PROOF_TRIES = 3 };

/* One log as this reader sees it. */
typedef struct {
    char origin[256];
    char dir[PATH_MAX];
    char base[256];      /* origin without its year */
    bool has_checkpoint; /* note and tiles below are of one checkpoint */
    gw_buf note;
    uint64_t size;
    tiles_reader *tiles;
} one_log;

struct reader {
    char dir[PATH_MAX];
    vault *vault;
    evindex *index;
    bool has_key;
    one_log *logs[LOGS_MAX]; /* by number, loaded when first asked for */
    uint32_t log_n;
    char (*events)[RECORD_EVENT_MAX + 4];
    size_t event_n;
    gw_arena *arena;
};

static gw_code open_vault(reader *r, const reader_config *cfg, gw_err *err)
{
    char path[PATH_MAX + 32];
    uint8_t key[CRYPT_KEY];
    snprintf(path, sizeof path, "%s/vault/vault.db", r->dir);
    gw_code rc = cfg->tenant_key ? crypt_key_load(cfg->tenant_key, key, err) : GW_OK;
    if (rc == GW_OK)
        rc = vault_open(path, cfg->tenant_key ? key : NULL, true, &r->vault, err);
    r->has_key = cfg->tenant_key != NULL;
    sodium_memzero(key, sizeof key);
    return rc;
}

gw_code reader_open(const reader_config *cfg, reader **ret, gw_err *err)
{
    char path[PATH_MAX + 32];
    if (sodium_init() < 0)
        return gw_fail(err, GW_EIO, "libsodium finds no source of randomness");
    GW_AUTO(reader_close) reader *r = calloc(1, sizeof *r);
    if (!r || !(r->arena = gw_arena_new(LEAF_ARENA)) ||
        !(r->events = calloc(EVINDEX_EVENTS_MAX, sizeof *r->events)))
        return gw_fail(err, GW_ENOMEM, "opening the evidence");
    if (snprintf(r->dir, sizeof r->dir, "%s", cfg->dir) >= PATH_MAX / 2)
        return gw_fail(err, GW_ELIMIT, "the evidence folder's path is too long");
    snprintf(path, sizeof path, "%s/index/index.db", r->dir);
    gw_code rc = evindex_open(path, true, &r->index, err);
    if (rc == GW_OK)
        rc = open_vault(r, cfg, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "evidence");
    *ret = r;
    r = NULL;
    return GW_OK;
}

void reader_close(reader *r)
{
    if (!r)
        return;
    for (uint32_t i = 0; i < LOGS_MAX; i++) {
        if (!r->logs[i])
            continue;
        gw_buf_done(&r->logs[i]->note);
        free(r->logs[i]->tiles);
        free(r->logs[i]);
    }
    vault_close(r->vault);
    evindex_close(r->index);
    free(r->events);
    gw_arena_free(r->arena);
    free(r);
}

/* ---- logs ---- */

static gw_code get_log(reader *r, uint32_t origin, one_log **ret, gw_err *err)
{
    char name[256];
    if (origin == 0 || origin >= LOGS_MAX)
        return gw_fail(err, GW_ENOTFOUND, "log %u is not in the index", origin);
    if (r->logs[origin]) {
        *ret = r->logs[origin];
        return GW_OK;
    }
    gw_code rc = evindex_origin_name(r->index, origin, name, err);
    if (rc != GW_OK)
        return rc;
    one_log *l = calloc(1, sizeof *l);
    if (!l)
        return gw_fail(err, GW_ENOMEM, "reading log %u", origin);
    memcpy(l->origin, name, sizeof name);
    memcpy(l->base, name, sizeof name);
    char *slash = strrchr(l->base, '/');
    if (slash)
        *slash = '\0';
    if (snprintf(l->dir, sizeof l->dir, "%s/log/%s", r->dir, name) >= PATH_MAX)
        gw_bug("path was checked at open");
    gw_buf_init(&l->note, NOTE_BYTES_MAX);
    r->logs[origin] = l;
    *ret = l;
    return GW_OK;
}

uint32_t reader_origins(reader *r)
{
    one_log *l;
    while (r->log_n + 1 < LOGS_MAX && get_log(r, r->log_n + 1, &l, NULL) == GW_OK)
        r->log_n++;
    return r->log_n;
}

const char *reader_origin(reader *r, uint32_t origin)
{
    one_log *l;
    return get_log(r, origin, &l, NULL) == GW_OK ? l->origin : NULL;
}

uint32_t reader_origin_number(reader *r, gw_str name)
{
    for (uint32_t i = 1; i <= reader_origins(r); i++)
        if (gw_str_is(name, reader_origin(r, i)))
            return i;
    return 0;
}

void reader_refresh(reader *r)
{
    for (uint32_t i = 0; i < LOGS_MAX; i++)
        if (r->logs[i])
            r->logs[i]->has_checkpoint = false;
}

/* Note and partial tiles of one checkpoint; a writer may publish the next ones meanwhile. */
static gw_code load_checkpoint(one_log *l, gw_err *err)
{
    char path[PATH_MAX + 16];
    note_checkpoint c;
    gw_code rc = GW_OK;
    if (l->has_checkpoint)
        return GW_OK;
    if (!l->tiles && !(l->tiles = malloc(sizeof *l->tiles)))
        return gw_fail(err, GW_ENOMEM, "reading tiles");
    snprintf(path, sizeof path, "%s/checkpoint", l->dir);
    for (int i = 0; i < PROOF_TRIES; i++) {
        gw_buf_clear(&l->note);
        rc = gw_file_read(path, &l->note, err);
        if (rc == GW_OK && note_checkpoint_parse(gw_buf_str(&l->note), &c, err) != GW_OK)
            return gw_wrap(err, GW_ECORRUPT, "%s", path);
        if (rc == GW_OK)
            rc = tiles_reader_init(l->tiles, l->dir, c.size, err);
        if (rc != GW_ENOTFOUND)
            break;
    }
    if (rc != GW_OK)
        return rc;
    l->size = c.size;
    l->has_checkpoint = true;
    return GW_OK;
}

gw_code reader_checkpoint(reader *r, uint32_t origin, gw_buf *ret_note, uint64_t *ret_size,
                          gw_err *err)
{
    one_log *l;
    gw_code rc = get_log(r, origin, &l, err);
    if (rc == GW_OK)
        rc = load_checkpoint(l, err);
    if (rc != GW_OK)
        return rc;
    gw_buf_put_str(ret_note, gw_buf_str(&l->note));
    *ret_size = l->size;
    return gw_buf_code(ret_note, "checkpoint", err);
}

gw_code reader_vkey(reader *r, uint32_t origin, gw_buf *ret, gw_err *err)
{
    char path[PATH_MAX + 32];
    one_log *l;
    gw_code rc = get_log(r, origin, &l, err);
    if (rc != GW_OK)
        return rc;
    snprintf(path, sizeof path, "%s/keys/log.vkey", l->dir);
    return gw_file_read(path, ret, err);
}

gw_code reader_proof(reader *r, const reader_entry *e, gw_buf *ret, gw_err *err)
{
    one_log *l;
    merkle_hash proof[MERKLE_PROOF_MAX];
    size_t n = 0;
    gw_code rc = get_log(r, e->origin, &l, err);
    if (rc == GW_OK)
        rc = load_checkpoint(l, err);
    if (rc == GW_OK && e->index >= l->size)
        rc = gw_fail(err, GW_EBUSY, "entry %llu is not signed yet; try again in a second",
                     (unsigned long long)e->index);
    if (rc != GW_OK)
        return rc;
    merkle_source s = tiles_reader_source(l->tiles);
    rc = merkle_inclusion(&s, e->index, l->size, proof, &n, err);
    if (rc != GW_OK)
        return rc;
    tlogproof_put(ret, e->index, proof, n, gw_buf_str(&l->note));
    return gw_buf_code(ret, "proof", err);
}

/* ---- entries ---- */

static const char *event_name(reader *r, gw_str name)
{
    for (size_t i = 0; i < r->event_n; i++)
        if (gw_str_is(name, r->events[i]))
            return r->events[i];
    if (r->event_n == EVINDEX_EVENTS_MAX || name.n >= sizeof r->events[0])
        return "?";
    char *to = r->events[r->event_n++];
    memcpy(to, name.p, name.n);
    to[name.n] = '\0';
    return to;
}

static void take(reader *r, const evindex_entry *e, reader_entry *ret)
{
    *ret = (reader_entry){.origin = e->origin,
                          .index = e->index,
                          .cseq = e->cseq,
                          .t = e->t,
                          .tb = e->tb,
                          .event = event_name(r, e->event),
                          .segment = e->place.segment,
                          .offset = e->place.offset};
    gw_id_format(&e->kase, ret->kase);
}

gw_code reader_leaf(reader *r, const reader_entry *e, gw_buf *ret, gw_err *err)
{
    char path[PATH_MAX + 8];
    one_log *l;
    gw_code rc = get_log(r, e->origin, &l, err);
    if (rc != GW_OK)
        return rc;
    snprintf(path, sizeof path, "%s/wal", l->dir);
    return wal_read(path, (wal_place){e->segment, e->offset}, e->index, ret, err);
}

typedef struct {
    reader *r;
    reader_entry *found;
    size_t n, cap, limit;
    bool out_of_memory;
    gw_id *cases;
    size_t case_n, case_cap;
} gathering;

static bool gather(void *ctx, const evindex_entry *e)
{
    gathering *g = ctx;
    if (g->n == g->limit)
        return false;
    if (g->n == g->cap) {
        size_t cap = g->cap ? 2 * g->cap : 256;
        reader_entry *more = realloc(g->found, cap * sizeof *more);
        g->out_of_memory = !more;
        if (!more)
            return false;
        g->found = more;
        g->cap = cap;
    }
    take(g->r, e, &g->found[g->n++]);
    return true;
}

static gw_code gather_case(void *ctx, const gw_id *kase, gw_err *err)
{
    gathering *g = ctx;
    if (g->case_n == g->case_cap) {
        size_t cap = g->case_cap ? 2 * g->case_cap : 64;
        gw_id *more = realloc(g->cases, cap * sizeof *more);
        if (!more)
            return gw_fail(err, GW_ENOMEM, "search");
        g->cases = more;
        g->case_cap = cap;
    }
    g->cases[g->case_n++] = *kase;
    return GW_OK;
}

static int compare_entries(const void *a, const void *b)
{
    const reader_entry *x = a;
    const reader_entry *y = b;
    if (x->origin != y->origin)
        return x->origin < y->origin ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* The cases a query names; none named: *ret_any false and everything is searched. */
static gw_code find_cases(gathering *g, const reader_query *q, bool *ret_any, gw_err *err)
{
    gw_id id;
    static const gw_str unset = {NULL, 0};
    *ret_any = q->case_pseudonym.n > 0 || q->source.n > 0 || q->debtor.n > 0 || q->case_id.n > 0;
    if (q->case_pseudonym.n > 0) {
        gw_code rc = gw_id_parse(q->case_pseudonym, &id, err);
        return rc == GW_OK ? gather_case(g, &id, err) : rc;
    }
    if (!*ret_any)
        return GW_OK;
    gw_code rc =
        vault_find(g->r->vault, q->source.n ? q->source : unset, q->debtor.n ? q->debtor : unset,
                   q->case_id.n ? q->case_id : unset, gather_case, g, err);
    if (rc == GW_OK && g->case_n == 0)
        rc = gw_fail(err, GW_ENOTFOUND, "no evidence of this %s",
                     q->case_id.n  ? "case"
                     : q->debtor.n ? "debtor"
                                   : "source");
    return rc;
}

static gw_code search(gathering *g, const reader_query *q, gw_err *err)
{
    bool any;
    evindex_query x = {.rid = q->rid,
                       .event = q->event,
                       .has_from = q->from.ms != 0,
                       .has_to = q->to.ms != 0,
                       .from = q->from,
                       .to = q->to,
                       .cseq_first = q->cseq_first,
                       .cseq_last = q->cseq_last,
                       .limit = g->limit};
    gw_code rc = find_cases(g, q, &any, err);
    if (rc == GW_OK && !any)
        rc = evindex_search(g->r->index, &x, gather, g, err);
    for (size_t i = 0; rc == GW_OK && i < g->case_n; i++) {
        x.kase = &g->cases[i];
        rc = evindex_search(g->r->index, &x, gather, g, err);
    }
    if (rc == GW_OK && g->out_of_memory)
        rc = gw_fail(err, GW_ENOMEM, "search");
    if (rc == GW_OK && q->rid.n > 0 && g->n == 0)
        rc = gw_fail(err, GW_ENOTFOUND, "no evidence of this job");
    return rc;
}

gw_code reader_search(reader *r, const reader_query *q, reader_visit visit, void *ctx, gw_err *err)
{
    gathering g = {.r = r, .limit = q->limit ? q->limit : READER_LIMIT};
    gw_code rc = search(&g, q, err);
    if (rc == GW_OK) {
        qsort(g.found, g.n, sizeof *g.found, compare_entries);
        for (size_t i = 0; i < g.n; i++)
            if (!visit(ctx, &g.found[i]))
                break;
    }
    free(g.found);
    free(g.cases);
    return rc;
}

gw_code reader_at(reader *r, uint32_t origin, uint64_t index, reader_entry *ret, gw_err *err)
{
    evindex_entry e;
    gw_code rc = evindex_at(r->index, origin, index, &e, err);
    if (rc == GW_OK)
        take(r, &e, ret);
    return rc;
}

gw_code reader_case_head(reader *r, gw_str case_pseudonym, uint64_t *ret_cseq,
                         uint8_t ret_hash[READER_HASH], gw_err *err)
{
    gw_id id;
    gw_code rc = gw_id_parse(case_pseudonym, &id, err);
    return rc == GW_OK ? evindex_head(r->index, &id, ret_cseq, ret_hash, err) : rc;
}

/* ---- private values and contents ---- */

gw_code reader_who(reader *r, gw_str case_pseudonym, gw_arena *arena, gw_str *ret_source,
                   gw_str *ret_debtor, gw_str *ret_case, gw_err *err)
{
    gw_id id;
    gw_code rc = gw_id_parse(case_pseudonym, &id, err);
    return rc == GW_OK
               ? vault_who(r->vault, &id, arena, ret_source, ret_debtor, ret_case, NULL, err)
               : rc;
}

gw_code reader_sources(reader *r, gw_arena *arena, gw_str **ret, size_t *ret_n, gw_err *err)
{
    return vault_sources(r->vault, arena, ret, ret_n, err);
}

static gw_code parse_refs(reader *r, gw_str leaf, record_view *v, blob_ref *refs, size_t *ret_n,
                          gw_err *err)
{
    size_t n = 0;
    gw_arena_reset(r->arena);
    gw_code rc = record_parse(leaf, r->arena, v, err);
    if (rc == GW_OK && v->blob) {
        const json_doc *d = &v->doc;
        for (uint32_t at = v->blob + 1; rc == GW_OK && at < json_at(d, v->blob)->next;
             at = json_at(d, at)->next)
            rc = n < READER_CONTENTS_MAX
                     ? blob_ref_parse(d, at, &refs[n++], err)
                     : gw_fail(err, GW_ELIMIT, "a record with more than %d contents",
                               READER_CONTENTS_MAX);
    }
    *ret_n = n;
    return rc;
}

gw_code reader_contents(reader *r, gw_str leaf, reader_content ret[READER_CONTENTS_MAX],
                        size_t *ret_n, gw_err *err)
{
    record_view v;
    blob_ref refs[READER_CONTENTS_MAX];
    gw_code rc = parse_refs(r, leaf, &v, refs, ret_n, err);
    for (size_t i = 0; rc == GW_OK && i < *ret_n; i++) {
        gw_id_format(&refs[i].id, ret[i].id);
        snprintf(ret[i].role, sizeof ret[i].role, "%.*s", GW_STR_ARG(refs[i].role));
        snprintf(ret[i].media, sizeof ret[i].media, "%.*s", GW_STR_ARG(refs[i].media));
        ret[i].size = refs[i].size;
    }
    return rc;
}

gw_code reader_case_key(reader *r, const gw_id *kase, uint8_t key[CRYPT_KEY], gw_err *err)
{
    gw_str unused[3];
    if (!r->has_key)
        return gw_fail(err, GW_EREFUSED, "contents need the tenant key");
    return vault_who(r->vault, kase, r->arena, &unused[0], &unused[1], &unused[2], key, err);
}

gw_code reader_blob_base(reader *r, char *ret, size_t cap, gw_err *err)
{
    one_log *l;
    gw_code rc = get_log(r, 1, &l, err);
    if (rc == GW_OK && snprintf(ret, cap, "%s/blob/%s", r->dir, l->base) >= (int)cap)
        rc = gw_fail(err, GW_ELIMIT, "the evidence folder's path is too long");
    return rc;
}

static gw_code open_ref(reader *r, const blob_ref *ref, gw_buf *ret, gw_buf *ret_disclosure,
                        gw_err *err)
{
    char base[PATH_MAX + 300];
    uint8_t key[CRYPT_KEY];
    GW_AUTO_BUF gw_buf sealed;
    gw_buf_init(&sealed, EVIDENCE_BLOB_MAX + CRYPT_OVERHEAD);
    gw_code rc = reader_case_key(r, &ref->key, key, err);
    if (rc == GW_OK)
        rc = reader_blob_base(r, base, sizeof base, err);
    if (rc != GW_OK)
        return rc;
    size_t from = ret->n;
    rc = blob_read(base, ref, &sealed, err);
    if (rc == GW_OK)
        rc = blob_unseal(ref, key, gw_buf_str(&sealed), ret, err);
    if (rc == GW_OK && ret_disclosure) {
        blob_disclosure(ref, key, (gw_str){ret->data + from, ret->n - from}, ret_disclosure);
        rc = gw_buf_code(ret_disclosure, "disclosure", err);
    }
    sodium_memzero(key, sizeof key);
    return rc;
}

gw_code reader_blob(reader *r, gw_str leaf, size_t n, gw_buf *ret, gw_buf *ret_disclosure,
                    gw_err *err)
{
    record_view v;
    blob_ref refs[READER_CONTENTS_MAX];
    size_t count;
    gw_code rc = parse_refs(r, leaf, &v, refs, &count, err);
    if (rc == GW_OK && n >= count)
        rc = gw_fail(err, GW_ENOTFOUND, "the record has %zu contents", count);
    return rc == GW_OK ? open_ref(r, &refs[n], ret, ret_disclosure, err) : rc;
}

/* Salts come from the leaf's id and the case's key; values from the content of role disclosures. */
static gw_code put_disclosures(const json_doc *d, const uint8_t key[CRYPT_KEY], const gw_id *leaf,
                               gw_buf *ret)
{
    for (uint32_t at = 1; at < d->nodes[0].next; at = json_at(d, at + 1)->next) {
        uint8_t salt[RECORD_SALT];
        gw_str name = json_str(d, at);
        vault_salt(key, leaf, name, salt);
        if (at > 1)
            gw_buf_putc(ret, ',');
        record_disclosure_put(ret, salt, name, record_text(d, at + 1));
    }
    return ret->code;
}

gw_code reader_disclosures(reader *r, gw_str leaf, gw_buf *ret, gw_err *err)
{
    record_view v;
    blob_ref refs[READER_CONTENTS_MAX];
    size_t n;
    json_doc d;
    gw_id id;
    uint8_t key[CRYPT_KEY];
    GW_AUTO_BUF gw_buf plain;
    gw_buf_init(&plain, EVIDENCE_BLOB_MAX);
    gw_code rc = parse_refs(r, leaf, &v, refs, &n, err);
    if (rc == GW_OK)
        rc = gw_id_parse(v.id, &id, err);
    gw_buf_putc(ret, '[');
    for (size_t i = 0; rc == GW_OK && v.cmt && i < n; i++) {
        if (!gw_str_is(refs[i].role, "disclosures"))
            continue;
        rc = open_ref(r, &refs[i], &plain, NULL, err);
        if (rc == GW_OK)
            rc = json_parse(gw_buf_str(&plain), r->arena, &d, err);
        if (rc == GW_OK)
            rc = reader_case_key(r, &refs[i].key, key, err);
        if (rc == GW_OK)
            rc = put_disclosures(&d, key, &id, ret);
        sodium_memzero(key, sizeof key);
        break;
    }
    gw_buf_putc(ret, ']');
    gw_buf_wipe(&plain);
    return rc == GW_OK ? gw_buf_code(ret, "disclosures", err) : rc;
}
