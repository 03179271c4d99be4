/* desk_attach.c - verb `call`: attach. A page that shows what was done (the signed overdue note,
 * the courier's receipt) becomes an encrypted content of the case's evidence.
 *
 * A page larger than a body comes in parts, each a content and a record of its own, under ids of
 * their own: part n of parts. The bytes are durable before the record that refers to them. */
#include "gateway/dispatch/desk.h"

#include "gateway/intake/verdict.h"
#include "gateway/wire/event.h"

#include <sodium.h>
#include <stdio.h>

enum { PART_BYTES_MAX = 45000, REF_MAX = 4096, ROOM = INTAKE_BODY_MAX };

static gw_code decode(desk *k, gw_str *ret)
{
    gw_str text = json_get_str(k->ask->body, 0, "base64");
    unsigned char *bytes = gw_arena_alloc(k->ask->arena, ROOM);
    size_t n = 0;
    *ret = (gw_str){NULL, 0};
    if (!bytes)
        return desk_no_memory(k);
    if (sodium_base642bin(bytes, ROOM, text.p, text.n, NULL, &n, NULL,
                          sodium_base64_VARIANT_ORIGINAL) == 0 &&
        n > 0 && n <= PART_BYTES_MAX)
        *ret = (gw_str){(const char *)bytes, n};
    return GW_OK;
}

static gw_str case_of(const view_reminder *r)
{
    return r->case_id.n ? r->case_id : r->job;
}

static gw_code keep_bytes(desk *k, const view_reminder *r, gw_str bytes, gw_buf *refs)
{
    evidence *ev = k->q->cfg->evidence;
    char *media = gw_arena_copy(k->ask->arena, json_get_str(k->ask->body, 0, "media"));
    if (!media)
        return desk_no_memory(k);
    gw_buf_putc(refs, '[');
    gw_code rc = evidence_blob_put(ev, r->source, r->debtor, case_of(r), "attachment", media, bytes,
                                   refs, k->err);
    gw_buf_putc(refs, ']');
    return rc == GW_OK ? evidence_blob_sync(ev, k->err) : rc;
}

static gw_code commit(desk *k, const loaded *l, desk_memory *m, gw_str sum, gw_str bytes,
                      gw_str refs, state_verdict *ret)
{
    const json_doc *body = k->ask->body;
    char rid[GW_ID_TEXT];
    GW_AUTO_BUF gw_buf fact;
    gw_buf_init(&fact, 1024);
    gw_buf_putc(&fact, '{');
    json_put_member_str(&fact, "channel", l->r.channel);
    json_put_member_int(&fact, "part", json_get_int(body, 0, "part", 1));
    json_put_member_int(&fact, "parts", json_get_int(body, 0, "parts", 1));
    json_put_member_int(&fact, "bytes", (int64_t)bytes.n);
    gw_buf_putc(&fact, '}');
    gw_id_format(&l->r.rid, rid);
    desk_memory_add(m, json_get_str(body, 0, "id"), sum, k->ask->now.ms);
    const state_field set = {GW_STR("dk"), desk_memory_text(m, k->ask->arena)};
    const state_record record = {.event = EVENT_TASK,
                                 .t = k->ask->now,
                                 .source = l->r.source,
                                 .debtor = l->r.debtor,
                                 .case_id = case_of(&l->r),
                                 .rid = gw_str_of(rid),
                                 .attempt = l->r.attempts,
                                 .why = GW_STR("attached"),
                                 .fact = gw_buf_str(&fact),
                                 .priv = desk_priv(k, (gw_str){NULL, 0}),
                                 .blobs = refs};
    const state_txn t = {.shard = state_shard(&l->did),
                         .did = &l->did,
                         .debtor_version = -1,
                         .rid = &l->r.rid,
                         .version = l->r.version,
                         .sets = &set,
                         .n = 1,
                         .records = &record,
                         .record_n = 1};
    if (!set.value.p || !record.priv.p)
        return desk_no_memory(k);
    return state_apply(k->ask->store, &t, 1, ret, k->err);
}

/* Its own agent, or an operator, to a task that somebody has had. */
static gw_code may_attach(const desk *k, const view_reminder *r)
{
    if (!k->q->cfg->evidence)
        return gw_fail(k->err, GW_EREFUSED, "this gateway keeps no evidence; ask one that does");
    if (!view_is_task(r) || r->agent.n == 0)
        return gw_fail(k->err, GW_ECONFLICT, "nobody has taken that task yet");
    if (k->ask->role != ZAP_OPERATOR && !gw_str_eq(r->agent, k->agent))
        return gw_fail(k->err, GW_ECONFLICT, "the task was another agent's");
    return GW_OK;
}

static void answer(const desk *k, const loaded *l, gw_buf *ret)
{
    char rid[GW_ID_TEXT];
    gw_id_format(&l->r.rid, rid);
    verdict_accepted(ret, json_get_str(k->ask->body, 0, "id"), gw_str_of(rid), k->ask->now);
}

gw_code desk_attach(desk *k, gw_buf *ret)
{
    gw_str bytes, sum;
    GW_AUTO_BUF gw_buf refs;
    gw_buf_init(&refs, REF_MAX);
    gw_code rc = decode(k, &bytes);
    if (rc == GW_OK && bytes.n == 0) {
        verdict_rejected(ret, "invalid", "1 to 45000 bytes in base64 (RFC 4648 with padding)",
                         "/base64");
        return GW_OK;
    }
    if (rc == GW_OK)
        rc = desk_digest(k, &sum);
    for (int i = 0; i < DESK_TRIES && rc == GW_OK; i++) {
        loaded *l;
        desk_memory m;
        state_verdict verdict;
        bool known;
        rc = desk_find(k, &l);
        if (rc == GW_OK)
            rc = may_attach(k, &l->r);
        if (rc == GW_OK)
            rc = desk_look_back(k, l, sum, &m, &known, ret);
        if (rc != GW_OK || known)
            return rc;
        if (refs.n == 0)
            rc = keep_bytes(k, &l->r, bytes, &refs);
        if (rc == GW_OK)
            rc = commit(k, l, &m, sum, bytes, gw_buf_str(&refs), &verdict);
        if (rc == GW_OK && verdict == STATE_OK) {
            answer(k, l, ret);
            return GW_OK;
        }
    }
    return rc != GW_OK ? rc : desk_keeps_moving(k);
}
