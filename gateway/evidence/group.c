#include "gateway/evidence/store.h"

#include "gateway/base/time.h"
#include "gateway/base/utf8.h"

#include <sodium.h>
#include <stdio.h>
#include <sys/timex.h>

enum { FACT, CMT, BLOB, SCRATCH };
enum { CLOCK_FRESH_MS = 1000 };

static const char event_malformed[] = "x-Malformed";
static const char event_clock_step[] = "x-ClockStep";

/* ---- small parts ---- */

static bool is_utf8(gw_str s)
{
    for (size_t i = 0; i < s.n;) {
        size_t n = gw_utf8_length(s.p + i, s.n - i);
        if (n == 0)
            return false;
        i += n;
    }
    return true;
}

static bool event_is_good(gw_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= 'A' && s.p[i] <= 'Z') ||
              (s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '-'))
            return false;
    return s.n > 0 && s.n <= RECORD_EVENT_MAX;
}

/* Where the logging time comes from and how good it is (adjtimex(2) asks nothing and sets nothing).
 */
static void read_clock(evidence *ev)
{
    struct timex tx = {.modes = 0};
    gw_buf *b = &ev->clk;
    bool manual = gw_clock_is_manual(ev->clock);
    gw_mono now = gw_mono_now();
    bool fresh = b->n > 0 && now.ms - ev->clock_read.ms < CLOCK_FRESH_MS &&
                 manual == ev->clk_manual && ev->group.clock_step == ev->clock_step;
    if (fresh)
        return;
    gw_buf_clear(b);
    gw_buf_putc(b, '{');
    if (!manual) {
        int state = adjtimex(&tx);
        int64_t offset = tx.status & STA_NANO ? tx.offset / 1000 : tx.offset;
        json_put_member_int(b, "err_us", tx.maxerror);
        json_put_member_int(b, "leap", state == TIME_INS ? 1 : state == TIME_DEL ? -1 : 0);
        json_put_member_int(b, "off_us", offset);
        json_put_member_str(b, "src", GW_STR("system"));
        json_put_member_int(b, "step", ev->group.clock_step);
        json_put_member_int(b, "sync", state >= 0 && !(tx.status & STA_UNSYNC));
    } else {
        json_put_member_str(b, "src", GW_STR("manual"));
        json_put_member_int(b, "step", ev->group.clock_step);
    }
    gw_buf_putc(b, '}');
    ev->clock_read = now;
    ev->clk_manual = manual;
}

static gw_str leaf_of(const group *g, size_t i)
{
    return (gw_str){g->leaves.data + g->leaf_at[i], g->leaf_n[i]};
}

/* ---- one draft ---- */

typedef struct {
    evidence *ev;
    const evidence_draft *d;
    vault_case kase;
    gw_id id;
    char malformed[128]; /* names of the parts that could not be read */
    gw_err *err;
} work;

static gw_code put_blob(work *w, const char *role, const char *media, gw_str bytes)
{
    gw_buf *b = &w->ev->part[BLOB];
    gw_buf_putc(b, b->n == 0 ? '[' : ',');
    w->ev->group.blobs = true;
    return blob_put(w->ev->blob, &w->kase, role, media, bytes, b, w->err);
}

/* Keep what cannot be read, encrypted, and say so in the leaf: nothing is dropped. */
static gw_code set_aside(work *w, const char *part, gw_str raw)
{
    char role[BLOB_ROLE_MAX + 1];
    size_t at = strlen(w->malformed);
    snprintf(w->malformed + at, sizeof w->malformed - at, "%s%s", at ? "," : "", part);
    snprintf(role, sizeof role, "malformed-%s", part);
    return put_blob(w, role, "application/octet-stream", raw);
}

static bool is_resource(gw_code rc)
{
    return rc == GW_ENOMEM || rc == GW_ENOSPC || rc == GW_EIO;
}

static gw_code take_fact(work *w)
{
    gw_buf *b = &w->ev->part[FACT];
    if (w->d->fact.n == 0)
        return GW_OK;
    gw_code rc = record_facts(w->d->fact, EVIDENCE_FACT_MAX, w->ev->arena, b, w->err);
    if (rc == GW_OK || is_resource(rc))
        return rc;
    gw_buf_clear(b);
    return set_aside(w, "fact", w->d->fact);
}

/* Canonical private values; each gets a salt and a commitment, together they are one content. */
static gw_code commit_priv(work *w, const json_doc *d)
{
    gw_buf *cmt = &w->ev->part[CMT];
    gw_buf *scratch = &w->ev->part[SCRATCH];
    gw_buf_putc(cmt, '{');
    for (uint32_t at = 1; at < d->nodes[0].next; at = json_at(d, at + 1)->next) {
        uint8_t salt[RECORD_SALT];
        char commitment[DIGEST_B64URL];
        gw_str name = json_str(d, at);
        vault_salt(w->kase.key, &w->id, name, salt);
        gw_buf_clear(scratch);
        gw_code rc = record_disclosure_put(scratch, salt, name, record_text(d, at + 1));
        if (rc == GW_OK)
            rc = record_commitment(gw_buf_str(scratch), commitment);
        if (rc != GW_OK)
            return gw_fail(w->err, rc, "commitment: out of memory");
        if (cmt->data[cmt->n - 1] != '{')
            gw_buf_putc(cmt, ',');
        json_put_string(cmt, name);
        gw_buf_putc(cmt, ':');
        json_put_string(cmt, gw_str_of(commitment));
    }
    gw_buf_putc(cmt, '}');
    gw_buf_wipe(scratch);
    return gw_buf_code(cmt, "commitments", w->err);
}

static bool priv_is_good(const json_doc *d)
{
    if (json_kind_of(d, 0) != JSON_OBJECT || d->nodes[0].count > EVIDENCE_PRIV_NAMES_MAX)
        return false;
    for (uint32_t at = 1; at < d->nodes[0].next; at = json_at(d, at + 1)->next)
        if (json_at(d, at)->len == 0 || json_str(d, at).n > RECORD_NAME_MAX)
            return false;
    return true;
}

static gw_code take_priv(work *w)
{
    json_doc d;
    gw_buf *plain = &w->ev->plain;
    if (w->d->priv.n == 0)
        return GW_OK;
    gw_buf_clear(plain);
    gw_code rc = json_parse(w->d->priv, w->ev->arena, &d, w->err);
    if (rc == GW_OK && !priv_is_good(&d))
        rc = gw_fail(w->err, GW_EINVAL, "priv");
    if (rc == GW_OK && d.nodes[0].count == 0)
        return GW_OK;
    if (rc == GW_OK)
        rc = json_canonical(&d, 0, plain, w->err);
    if (rc == GW_OK) /* again, so that members are sorted and values are canonical text */
        rc = json_parse(gw_buf_str(plain), w->ev->arena, &d, w->err);
    if (is_resource(rc))
        return rc;
    if (rc != GW_OK) {
        gw_buf_wipe(plain);
        return set_aside(w, "priv", w->d->priv);
    }
    rc = commit_priv(w, &d);
    if (rc == GW_OK)
        rc = put_blob(w, "disclosures", "application/json", gw_buf_str(plain));
    gw_buf_wipe(plain);
    return rc;
}

static gw_code put_refs(work *w, const json_doc *d)
{
    gw_buf *b = &w->ev->part[BLOB];
    if (json_kind_of(d, 0) != JSON_ARRAY || d->nodes[0].count > 32)
        return gw_fail(w->err, GW_EINVAL, "blobs: an array of at most 32 references is expected");
    for (uint32_t at = 1; at < d->nodes[0].next; at = json_at(d, at)->next) {
        blob_ref r;
        gw_code rc = blob_ref_parse(d, at, &r, w->err);
        if (rc != GW_OK)
            return rc;
        gw_buf_putc(b, b->n == 0 ? '[' : ',');
        blob_ref_put(b, &r);
    }
    return gw_buf_code(b, "blobs", w->err);
}

static gw_code take_blobs(work *w)
{
    json_doc d;
    gw_buf *b = &w->ev->part[BLOB];
    if (w->d->blobs.n == 0)
        return GW_OK;
    size_t before = b->n;
    gw_code rc = json_parse(w->d->blobs, w->ev->arena, &d, w->err);
    if (rc == GW_OK)
        rc = put_refs(w, &d);
    if (rc == GW_OK || is_resource(rc))
        return rc;
    b->n = before;
    b->code = GW_OK;
    return set_aside(w, "blobs", w->d->blobs);
}

static gw_code take_contents(work *w)
{
    gw_code rc = take_blobs(w);
    if (rc == GW_OK)
        rc = take_fact(w);
    if (rc == GW_OK)
        rc = take_priv(w);
    if (rc == GW_OK && w->d->body.n > 0)
        rc = put_blob(w, "submission", "application/json", w->d->body);
    return rc;
}

/* Short texts of the leaf itself: what does not fit is set aside and left out. */
static gw_code take_text(work *w, const char *part, gw_str *text, bool good)
{
    if (text->n == 0 || good)
        return GW_OK;
    gw_code rc = set_aside(w, part, *text);
    *text = GW_STR("");
    return rc;
}

static bool short_utf8(gw_str s)
{
    return s.n <= RECORD_TEXT_MAX && is_utf8(s);
}

static gw_code get_case(work *w)
{
    const evidence_draft *d = w->d;
    gw_code rc = vault_get(w->ev->vault, d->source, d->debtor, d->case_id, &w->kase, w->err);
    if (rc != GW_ELIMIT)
        return rc;
    /* Names no honest sender has: logged under the log's own case, the names set aside. */
    rc = vault_get(w->ev->vault, GW_STR(""), GW_STR(""), GW_STR(""), &w->kase, w->err);
    if (rc == GW_OK)
        rc = set_aside(w, "source", d->source);
    if (rc == GW_OK)
        rc = set_aside(w, "debtor", d->debtor);
    if (rc == GW_OK)
        rc = set_aside(w, "case", d->case_id);
    return rc;
}

/* ---- the group ---- */

static size_t head_slot(const group *g, const gw_id *kase)
{
    uint64_t h;
    memcpy(&h, kase->b, sizeof h);
    size_t at = h % GROUP_CASES;
    while (g->heads[at].cseq != 0 && memcmp(g->heads[at].kase.b, kase->b, GW_ID_BYTES) != 0)
        at = (at + 1) % GROUP_CASES;
    return at;
}

/* Head of the case as of this group. cseq 0: the case begins. */
static gw_code find_head(work *w, size_t slot)
{
    group *g = &w->ev->group;
    if (g->heads[slot].cseq != 0)
        return GW_OK;
    g->heads[slot].kase = w->kase.kase;
    if (w->kase.fresh)
        return GW_OK;
    gw_code rc = evindex_head(w->ev->index, &w->kase.kase, &g->heads[slot].cseq,
                              g->heads[slot].hash, w->err);
    return rc == GW_ENOTFOUND ? GW_OK : rc;
}

static gw_code put_malformed(work *w)
{
    gw_buf *b = &w->ev->part[FACT];
    if (!w->malformed[0])
        return GW_OK;
    /* parsed and sorted again: "malformed" goes where RFC 8785 wants it */
    gw_buf *scratch = &w->ev->part[SCRATCH];
    gw_buf_clear(scratch);
    gw_buf_puts(scratch, "{\"malformed\":");
    json_put_string(scratch, gw_str_of(w->malformed));
    if (b->n > 2) {
        gw_buf_putc(scratch, ',');
        gw_buf_put(scratch, b->data + 1, b->n - 1);
    } else {
        gw_buf_putc(scratch, '}');
    }
    gw_buf_clear(b);
    gw_code rc = gw_buf_code(scratch, "fact", w->err);
    if (rc == GW_OK)
        rc = record_facts(gw_buf_str(scratch), WAL_LEAF_MAX, w->ev->arena, b, w->err);
    if (rc == GW_OK || is_resource(rc))
        return rc;
    gw_buf_clear(b); /* the draft had a fact of that name: keep ours */
    gw_buf_puts(b, "{\"malformed\":");
    json_put_string(b, gw_str_of(w->malformed));
    gw_buf_putc(b, '}');
    return gw_buf_code(b, "fact", w->err);
}

static gw_code put_leaf(work *w, size_t slot, gw_str event, gw_str rid, gw_str why)
{
    evidence *ev = w->ev;
    group *g = &ev->group;
    gw_buf *refs = &ev->part[BLOB];
    bool named = w->d->source.n > 0;
    bool debtor = w->d->debtor.n > 0;
    if (refs->n > 0)
        gw_buf_putc(refs, ']');
    record_fields f = {
        .id = w->id,
        .event = event,
        .t = w->d->t,
        .tb = g->tb,
        .clk = gw_buf_str(&ev->clk),
        .iss = gw_buf_str(&ev->iss),
        .kase = w->kase.kase,
        .cseq = g->heads[slot].cseq + 1,
        .cprev = g->heads[slot].cseq ? g->heads[slot].hash : NULL,
        .snd = named ? &w->kase.sender : NULL,
        .rcp = debtor ? &w->kase.subject : NULL,
        .rid = rid,
        .attempt = w->d->attempt,
        .cmt = gw_buf_str(&ev->part[CMT]),
        .blob = gw_buf_str(refs),
        .fact = gw_buf_str(&ev->part[FACT]),
        .why = why,
        .obx = w->d->outbox_pos,
        .level = w->d->level,
    };
    gw_code rc = gw_buf_code(refs, "blobs", w->err);
    if (rc != GW_OK)
        return rc;
    g->leaf_at[g->n] = g->leaves.n;
    rc = record_put(&g->leaves, &f, w->err);
    if (rc != GW_OK)
        return rc;
    g->leaf_n[g->n] = g->leaves.n - g->leaf_at[g->n];
    return GW_OK;
}

/* The leaf is written: tell the wal, advance the case, remember what the index wants. */
static gw_code accept(work *w, size_t slot, gw_str event, gw_str rid)
{
    evidence *ev = w->ev;
    group *g = &ev->group;
    merkle_hash hash;
    evindex_entry *e = &g->entry[g->n];
    gw_str leaf = leaf_of(g, g->n);
    *e = (evindex_entry){.origin = ev->origin_id,
                         .index = wal_size(ev->wal) + g->n,
                         .t = w->d->t,
                         .tb = g->tb,
                         .event = event,
                         .kase = w->kase.kase,
                         .cseq = g->heads[slot].cseq + 1,
                         .rid = rid,
                         .shard = -1};
    gw_code rc = wal_add(ev->wal, leaf, &e->place, w->err);
    if (rc != GW_OK)
        return rc;
    if (w->d->debtor.n > 0)
        e->rcp = w->kase.subject;
    merkle_leaf(leaf, &hash);
    memcpy(e->hash, hash.b, DIGEST_BYTES);
    memcpy(g->heads[slot].hash, hash.b, DIGEST_BYTES);
    g->heads[slot].cseq = e->cseq;
    if (w->d->outbox_pos.n > 0) {
        evindex_outbox_parse(w->d->outbox_pos, &e->shard, &e->outbox);
        g->last[e->shard] = e->outbox;
    }
    g->n++;
    return GW_OK;
}

static void make_id(work *w)
{
    gw_str parts[] = {GW_STR("leaf"), gw_str_of(w->ev->base), w->d->outbox_pos};
    if (w->d->outbox_pos.n > 0)
        gw_id_keyed(w->ev->id_key, parts, GW_COUNT(parts), &w->id);
    else
        gw_id_random(&w->id);
}

static gw_code add_draft(evidence *ev, const evidence_draft *d, gw_err *err)
{
    work w = {.ev = ev, .d = d, .err = err};
    gw_str event = gw_str_of(d->event);
    gw_str rid = d->rid;
    gw_str why = d->why;
    gw_arena_reset(ev->arena);
    for (size_t i = 0; i < GW_COUNT(ev->part); i++)
        gw_buf_clear(&ev->part[i]);
    make_id(&w);
    gw_code rc = get_case(&w);
    size_t slot = head_slot(&ev->group, &w.kase.kase);
    if (rc == GW_OK)
        rc = find_head(&w, slot);
    if (rc == GW_OK)
        rc = take_text(&w, "event", &event, event_is_good(event));
    if (rc == GW_OK)
        rc = take_text(&w, "rid", &rid, short_utf8(rid));
    if (rc == GW_OK)
        rc = take_text(&w, "why", &why, short_utf8(why));
    if (event.n == 0)
        event = gw_str_of(event_malformed);
    if (rc == GW_OK)
        rc = take_contents(&w);
    if (rc == GW_OK)
        rc = put_malformed(&w);
    if (rc == GW_OK)
        rc = put_leaf(&w, slot, event, rid, why);
    if (rc == GW_OK)
        rc = accept(&w, slot, event, rid);
    sodium_memzero(&w.kase, sizeof w.kase);
    return rc;
}

/* A clock that went back is recorded before anything carries the earlier time. */
static gw_code note_clock(evidence *ev, gw_err *err)
{
    group *g = &ev->group;
    g->tb = gw_clock_now(ev->clock);
    bool back = g->tb.ms < ev->last_tb.ms;
    g->clock_step = ev->clock_step + back;
    read_clock(ev);
    if (!back)
        return GW_OK;
    char from[GW_TIME_TEXT];
    char fact[128];
    gw_time_format(ev->last_tb, from);
    snprintf(fact, sizeof fact, "{\"from\":\"%s\",\"src\":\"%s\"}", from,
             gw_clock_is_manual(ev->clock) ? "manual" : "system");
    evidence_draft d = {.event = event_clock_step, .t = g->tb, .fact = gw_str_of(fact)};
    return add_draft(ev, &d, err);
}

static gw_code begin(evidence *ev, gw_err *err)
{
    group *g = &ev->group;
    g->n = 0;
    g->blobs = false;
    gw_buf_clear(&g->leaves);
    memset(g->heads, 0, sizeof g->heads);
    memcpy(g->last, ev->last, sizeof g->last);
    gw_code rc = current_catch_up_index(ev, err);
    if (rc == GW_OK)
        rc = wal_begin(ev->wal, err);
    return rc == GW_OK ? note_clock(ev, err) : rc;
}

static gw_code index_group(evidence *ev, gw_err *err)
{
    group *g = &ev->group;
    gw_code rc = evindex_begin(ev->index, err);
    for (size_t i = 0; rc == GW_OK && i < g->n; i++)
        rc = evindex_add(ev->index, &g->entry[i], err);
    if (rc == GW_OK)
        rc = evindex_commit(ev->index, err);
    if (rc != GW_OK)
        evindex_rollback(ev->index);
    return rc;
}

/* Everything below the commit is derived: when it fails (a full disk), the entries stand, and the
 * next append or checkpoint catches up from the log. */
static void derive(evidence *ev)
{
    group *g = &ev->group;
    ev->index_behind = index_group(ev, NULL) != GW_OK;
    for (size_t i = 0; ev->tiles && i < g->n; i++) {
        merkle_hash hash;
        memcpy(hash.b, g->entry[i].hash, DIGEST_BYTES);
        if (tiles_add(ev->tiles, leaf_of(g, i), &hash, NULL) != GW_OK) {
            tiles_close(ev->tiles);
            ev->tiles = NULL;
        }
    }
}

static gw_code commit(evidence *ev, gw_err *err)
{
    group *g = &ev->group;
    gw_code rc = vault_flush(ev->vault, err);
    if (rc == GW_OK && g->blobs)
        rc = blob_sync(ev->blob, err);
    if (rc == GW_OK)
        rc = wal_commit(ev->wal, err);
    if (rc != GW_OK)
        return rc;
    memcpy(ev->last, g->last, sizeof ev->last);
    ev->last_tb = g->tb;
    ev->clock_step = g->clock_step;
    if (!ev->news)
        ev->news_since = gw_mono_now();
    ev->news = true;
    derive(ev);
    return GW_OK;
}

gw_code group_log(evidence *ev, const evidence_draft *drafts, size_t n, size_t *ret_taken,
                  gw_err *err)
{
    group *g = &ev->group;
    size_t i = 0;
    size_t own = 0;
    gw_code rc = begin(ev, err);
    own = g->n;
    for (; rc == GW_OK && i < n && g->n < GROUP_ENTRIES && g->leaves.n < GROUP_BYTES; i++) {
        int shard = 0;
        evindex_outbox o;
        if (drafts[i].outbox_pos.n > 0 && evindex_outbox_parse(drafts[i].outbox_pos, &shard, &o) &&
            !evindex_outbox_behind(&o, &g->last[shard]))
            continue; /* logged already */
        rc = add_draft(ev, &drafts[i], err);
    }
    if (rc == GW_OK && g->n > own)
        rc = commit(ev, err);
    if (rc == GW_OK)
        *ret_taken = i;
    else
        gw_buf_clear(&ev->clk); /* it may carry a step that was not logged */
    return rc;
}

gw_code group_log_own(evidence *ev, const char *event, gw_str fact, gw_err *err)
{
    size_t taken;
    evidence_draft d = {.event = event, .t = gw_clock_now(ev->clock), .fact = fact};
    return group_log(ev, &d, 1, &taken, err);
}

gw_code group_entry(evidence *ev, uint64_t index, wal_place at, gw_str leaf, evindex_entry *ret,
                    gw_arena *arena, gw_err *err)
{
    record_view v;
    gw_code rc = record_parse(leaf, arena, &v, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "entry %llu", (unsigned long long)index);
    merkle_hash hash;
    evindex_entry e = {.origin = ev->origin_id,
                       .index = index,
                       .place = at,
                       .t = v.t,
                       .tb = v.tb,
                       .event = v.event,
                       .cseq = v.cseq,
                       .rid = v.rid,
                       .shard = -1};
    merkle_leaf(leaf, &hash);
    memcpy(e.hash, hash.b, DIGEST_BYTES);
    rc = gw_id_parse(v.kase, &e.kase, err);
    if (rc == GW_OK && v.rcp.n > 0)
        rc = gw_id_parse(v.rcp, &e.rcp, err);
    if (rc == GW_OK && v.obx.n > 0 && !evindex_outbox_parse(v.obx, &e.shard, &e.outbox))
        rc = gw_fail(err, GW_ECORRUPT, "entry %llu: obx is malformed", (unsigned long long)index);
    if (rc == GW_OK)
        *ret = e;
    return rc;
}
