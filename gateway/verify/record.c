#include "gateway/verify/check.h"

#include "gateway/base/time.h"

#include <stdio.h>

bool check_read(check *c, const char *name, gw_buf *b)
{
    gw_err err = {.code = GW_OK};
    const zipfile_member *m = zipfile_find(c->zip, name);
    gw_buf_clear(b);
    if (!m) {
        snprintf(c->why, sizeof c->why, "%s is missing", name);
        return false;
    }
    if (zipfile_read(c->zip, m, b, &err) == GW_OK)
        return true;
    snprintf(c->why, sizeof c->why, "%s", err.text);
    return false;
}

/* The same checkpoint ends most proofs: its signature is verified once. */
static bool known_note(const check *c, const uint8_t hash[DIGEST_BYTES], size_t *ret)
{
    for (size_t i = 0; i < CHECK_NOTES; i++)
        if (c->notes[i].used && memcmp(c->notes[i].hash, hash, DIGEST_BYTES) == 0) {
            *ret = i;
            return true;
        }
    return false;
}

static bool learn_note(check *c, const tlogproof *p, const merkle_hash *leaf,
                       const uint8_t hash[DIGEST_BYTES], size_t *ret)
{
    gw_err err = {.code = GW_OK};
    tlogproof_verified v;
    if (tlogproof_verify(p, leaf, c->keys, c->key_n, &v, &err) != GW_OK) {
        snprintf(c->why, sizeof c->why, "%s", err.text);
        return false;
    }
    size_t i = c->note_turn++ % CHECK_NOTES;
    memcpy(c->notes[i].hash, hash, DIGEST_BYTES);
    c->notes[i].used = true;
    c->notes[i].size = v.checkpoint.size;
    c->notes[i].root = v.checkpoint.root;
    snprintf(c->notes[i].origin, sizeof c->notes[i].origin, "%.*s",
             GW_STR_ARG(v.checkpoint.origin));
    if (v.checkpoint.size > c->r.tree_size) {
        c->r.tree_size = v.checkpoint.size;
        memcpy(c->r.origin, c->notes[i].origin, sizeof c->r.origin);
    }
    *ret = i;
    return true;
}

bool check_proof(check *c, const char *name, const merkle_hash *leaf, uint64_t *ret_index,
                 uint64_t *ret_size, const char **ret_origin)
{
    gw_err err = {.code = GW_OK};
    tlogproof p;
    uint8_t hash[DIGEST_BYTES];
    size_t i;
    if (!check_read(c, name, &c->proof))
        return false;
    if (tlogproof_parse(gw_buf_str(&c->proof), &p, &err) != GW_OK) {
        snprintf(c->why, sizeof c->why, "proof: %s", err.text);
        return false;
    }
    digest_of(p.note.p, p.note.n, hash);
    if (!known_note(c, hash, &i)) {
        if (!learn_note(c, &p, leaf, hash, &i))
            return false;
    } else if (!merkle_inclusion_holds(leaf, p.index, c->notes[i].size, p.proof, p.n,
                                       &c->notes[i].root)) {
        snprintf(c->why, sizeof c->why, "the record is not entry %llu of the signed tree",
                 (unsigned long long)p.index);
        return false;
    }
    *ret_index = p.index;
    *ret_size = c->notes[i].size;
    *ret_origin = c->notes[i].origin;
    return true;
}

/* ---- chain ---- */

static bool read_path(const zipfile_member *m, char kase[GW_ID_TEXT], uint64_t *ret_cseq)
{
    const char *p = m->name + sizeof BUNDLE_RECORD - 1;
    const char *slash = strchr(p, '/');
    gw_id id;
    if (!slash || slash - p != GW_ID_TEXT - 1)
        return false;
    memcpy(kase, p, GW_ID_TEXT - 1);
    kase[GW_ID_TEXT - 1] = '\0';
    size_t n = strlen(slash + 1);
    return gw_id_parse(gw_str_of(kase), &id, NULL) == GW_OK && n > 5 &&
           strcmp(slash + 1 + n - 5, ".json") == 0 &&
           note_read_decimal((gw_str){slash + 1, n - 5}, ret_cseq) && *ret_cseq > 0;
}

static check_case *begin_case(check *c, const char kase[GW_ID_TEXT], uint64_t cseq)
{
    if (c->case_n == c->case_cap) {
        size_t cap = c->case_cap ? 2 * c->case_cap : 16;
        check_case *more = realloc(c->cases, cap * sizeof *more);
        if (!more)
            return NULL;
        c->cases = more;
        c->case_cap = cap;
    }
    check_case *k = &c->cases[c->case_n++];
    memset(k, 0, sizeof *k);
    memcpy(k->kase, kase, GW_ID_TEXT);
    k->first = cseq;
    c->last_tb.ms = INT64_MIN;
    c->r.cases++;
    return k;
}

static bool chain_holds(check *c, const check_case *k, const record_view *v, uint64_t cseq)
{
    if (!gw_str_is(v->kase, k->kase) || v->cseq != cseq)
        snprintf(c->why, sizeof c->why, "the record is number %llu of another place than its name",
                 (unsigned long long)v->cseq);
    else if (k->last != 0 && cseq != k->last + 1)
        snprintf(c->why, sizeof c->why, "record %llu of the case is missing before it",
                 (unsigned long long)k->last + 1);
    else if (k->last != 0 && memcmp(v->cprev, k->last_hash.b, DIGEST_BYTES) != 0)
        snprintf(c->why, sizeof c->why, "it does not continue the record before it");
    else
        return true;
    return false;
}

static bool times_hold(check *c, const record_view *v)
{
    bool stepped = v->clock_step != c->last_step; /* the log recorded that its clock went back */
    bool back = v->tb.ms < c->last_tb.ms;
    c->last_tb = v->tb;
    c->last_step = v->clock_step;
    if (back && !stepped) {
        snprintf(c->why, sizeof c->why, "it was logged before the record that precedes it");
        return false;
    }
    return true;
}

/* ---- what it commits to ---- */

/* Does this disclosure array open the commitment? */
static bool opens(const json_doc *d, uint32_t disclosure, gw_str commitment)
{
    char text[DIGEST_B64URL];
    return json_kind_of(d, disclosure) == JSON_ARRAY && json_at(d, disclosure)->count == 3 &&
           record_commitment(json_raw(d, disclosure), text) == GW_OK && gw_str_is(commitment, text);
}

static bool private_holds(check *c, const record_view *v, const json_doc *d, uint32_t list,
                          uint32_t *ret_open)
{
    *ret_open = 0;
    for (uint32_t at = list + 1; at < json_at(d, list)->next; at = json_at(d, at)->next) {
        bool shaped = json_kind_of(d, at) == JSON_ARRAY && json_at(d, at)->count == 3 &&
                      json_kind_of(d, at + 1) == JSON_STRING &&
                      json_kind_of(d, json_at(d, at + 1)->next) == JSON_STRING;
        gw_str name = shaped ? json_str(d, json_at(d, at + 1)->next) : GW_STR("");
        gw_str commitment = {NULL, 0};
        for (uint32_t m = v->cmt ? v->cmt + 1 : 0; v->cmt && m < json_at(&v->doc, v->cmt)->next;
             m = json_at(&v->doc, m + 1)->next)
            if (shaped && gw_str_eq(json_str(&v->doc, m), name))
                commitment = json_str(&v->doc, m + 1);
        if (!shaped || !commitment.p || !opens(d, at, commitment)) {
            snprintf(c->why, sizeof c->why, "a disclosed value is not the one committed to");
            return false;
        }
        ++*ret_open;
    }
    return true;
}

static void hash_piece(void *ctx, const void *bytes, size_t n)
{
    digest_update(ctx, bytes, n);
}

/* The content file has the hash that the disclosure [salt, role, hash] and the leaf commit to. */
static bool content_holds(check *c, const record_view *v, const json_doc *d, uint32_t at)
{
    char name[ZIPFILE_NAME_MAX + 1];
    char hex[DIGEST_HEX];
    uint8_t hash[DIGEST_BYTES];
    digest_state s;
    gw_err err = {.code = GW_OK};
    gw_str id = json_get_str(d, at, "id");
    gw_str file = json_get_str(d, at, "file");
    uint32_t disclosure = json_member(d, at, "disclosure");
    const json_doc *l = &v->doc;
    uint32_t ref = 0;
    for (uint32_t b = v->blob ? v->blob + 1 : 0; v->blob && b < json_at(l, v->blob)->next;
         b = json_at(l, b)->next)
        if (id.n > 0 && json_kind_of(l, b) == JSON_OBJECT &&
            gw_str_eq(json_get_str(l, b, "id"), id))
            ref = b;
    if (!ref || !disclosure || !opens(d, disclosure, json_get_str(l, ref, "cmt"))) {
        snprintf(c->why, sizeof c->why, "a content is not one the record commits to");
        return false;
    }
    uint32_t role = json_at(d, disclosure + 1)->next;
    gw_str want = json_str(d, json_at(d, role)->next);
    snprintf(name, sizeof name, "%.*s", GW_STR_ARG(file));
    const zipfile_member *m = file.n <= ZIPFILE_NAME_MAX ? zipfile_find(c->zip, name) : NULL;
    if (!m || strncmp(name, BUNDLE_CONTENT, sizeof BUNDLE_CONTENT - 1) != 0) {
        snprintf(c->why, sizeof c->why, "content %s is missing", name);
        return false;
    }
    c->r.contents++;
    digest_init(&s);
    if (zipfile_stream(c->zip, m, hash_piece, &s, &err) != GW_OK) {
        snprintf(c->why, sizeof c->why, "%s", err.text);
        return false;
    }
    digest_final(&s, hash);
    gw_hex(hash, sizeof hash, hex);
    if (!gw_str_is(want, hex) || json_get_int(l, ref, "size", -1) != (int64_t)m->size) {
        snprintf(c->why, sizeof c->why, "%s is not the content the record commits to", name);
        return false;
    }
    return true;
}

static uint32_t contents_named(const record_view *v)
{
    uint32_t n = 0;
    for (uint32_t b = v->blob ? v->blob + 1 : 0; v->blob && b < json_at(&v->doc, v->blob)->next;
         b = json_at(&v->doc, b)->next)
        n += json_kind_of(&v->doc, b) != JSON_OBJECT ||
             !gw_str_is(json_get_str(&v->doc, b, "role"), "disclosures");
    return n;
}

static verify_verdict open_disclosures(check *c, const record_view *v, const json_doc *d)
{
    uint32_t private = json_member(d, 0, "private");
    uint32_t contents = json_member(d, 0, "contents");
    uint32_t open = 0;
    if (json_get_int(d, 0, "erased", 0) == 1)
        return VERIFY_ERASED;
    if (!private || !contents || json_kind_of(d, private) != JSON_ARRAY ||
        json_kind_of(d, contents) != JSON_ARRAY) {
        snprintf(c->why, sizeof c->why, "its disclosures are malformed");
        return VERIFY_INVALID;
    }
    if (!private_holds(c, v, d, private, &open))
        return VERIFY_INVALID;
    for (uint32_t at = contents + 1; at < json_at(d, contents)->next; at = json_at(d, at)->next)
        if (json_kind_of(d, at) != JSON_OBJECT || !content_holds(c, v, d, at)) {
            if (!c->why[0])
                snprintf(c->why, sizeof c->why, "its disclosures are malformed");
            return VERIFY_INVALID;
        }
    uint32_t committed = v->cmt ? json_at(&v->doc, v->cmt)->count : 0;
    bool all = open == committed && json_at(d, contents)->count == contents_named(v);
    return all ? VERIFY_VALID : VERIFY_REDACTED;
}

static verify_verdict disclosures_hold(check *c, const char *kase, const record_view *v)
{
    char name[ZIPFILE_NAME_MAX + 1];
    gw_err err = {.code = GW_OK};
    json_doc d;
    snprintf(name, sizeof name, BUNDLE_DISCLOSURE "%s/%llu.json", kase,
             (unsigned long long)v->cseq);
    if (!zipfile_find(c->zip, name))
        return v->cmt || v->blob ? VERIFY_REDACTED : VERIFY_VALID;
    gw_arena_reset(c->arena_2);
    if (!check_read(c, name, &c->part))
        return VERIFY_INVALID;
    if (json_parse(gw_buf_str(&c->part), c->arena_2, &d, &err) != GW_OK) {
        snprintf(c->why, sizeof c->why, "disclosures: %s", err.text);
        return VERIFY_INVALID;
    }
    return open_disclosures(c, v, &d);
}

/* ---- one record ---- */

static verify_verdict judge(check *c, check_case *k, uint64_t cseq, gw_str leaf, record_view *v)
{
    char name[ZIPFILE_NAME_MAX + 1];
    merkle_hash hash;
    uint64_t index;
    uint64_t size;
    const char *origin;
    gw_err err = {.code = GW_OK};
    bool good = record_parse(leaf, c->arena, v, &err) == GW_OK;
    if (!good) {
        *v = (record_view){.cseq = cseq};
        snprintf(c->why, sizeof c->why, "%s", err.text);
    }
    merkle_leaf(leaf, &hash);
    snprintf(name, sizeof name, BUNDLE_PROOF "%s/%llu" BUNDLE_PROOF_END, k->kase,
             (unsigned long long)cseq);
    verify_verdict verdict = VERIFY_INVALID;
    if (good && check_proof(c, name, &hash, &index, &size, &origin) && chain_holds(c, k, v, cseq) &&
        times_hold(c, v))
        verdict = disclosures_hold(c, k->kase, v);
    k->last = cseq;
    k->last_hash = hash;
    return verdict;
}

gw_code check_record(check *c, const zipfile_member *m)
{
    char kase[GW_ID_TEXT] = "";
    uint64_t cseq = 0;
    record_view v = {.cseq = 0};
    c->why[0] = '\0';
    gw_arena_reset(c->arena);
    if (!read_path(m, kase, &cseq)) {
        check_say(c, true, "%s is no name of a record", m->name);
        return GW_OK;
    }
    check_case *k = c->case_n > 0 ? &c->cases[c->case_n - 1] : NULL;
    int order = k ? strcmp(kase, k->kase) : 1;
    if (order < 0)
        check_say(c, true, "%s is out of order", m->name);
    if (order != 0 && !(k = begin_case(c, kase, cseq)))
        return gw_fail(c->err, GW_ENOMEM, "verifying");
    verify_verdict verdict = VERIFY_INVALID;
    if (check_read(c, m->name, &c->leaf))
        verdict = judge(c, k, cseq, gw_buf_str(&c->leaf), &v);
    c->r.records++;
    c->r.by_verdict[verdict]++;
    char t[GW_TIME_TEXT] = "";
    if (v.event.n > 0)
        gw_time_format(v.t, t);
    verify_record r = {.kase = kase,
                       .cseq = cseq,
                       .event = v.event,
                       .t = gw_str_of(t),
                       .verdict = verdict,
                       .why = verdict == VERIFY_INVALID ? c->why : NULL};
    if (c->o->on_record)
        c->o->on_record(c->o->ctx, &r);
    return GW_OK;
}
