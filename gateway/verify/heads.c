#include "gateway/verify/check.h"

#include <stdio.h>

/* ---- manifest: every byte of every member ---- */

enum { LINE_MAX_BYTES = 64 + 2 + ZIPFILE_NAME_MAX + 1 };

typedef struct {
    check *c;
    digest_state whole;
    char line[LINE_MAX_BYTES];
    size_t n;
    size_t member;
    bool good;
} manifest;

static void hash_piece(void *ctx, const void *bytes, size_t n)
{
    digest_update(ctx, bytes, n);
}

static bool line_holds(manifest *m)
{
    check *c = m->c;
    uint8_t want[DIGEST_BYTES];
    uint8_t have[DIGEST_BYTES];
    digest_state s;
    if (m->n < 67 || memcmp(m->line + 64, "  ", 2) != 0 ||
        !digest_read_hex((gw_str){m->line, 64}, want, DIGEST_BYTES) ||
        m->member >= zipfile_count(c->zip))
        return false;
    const zipfile_member *z = zipfile_at(c->zip, m->member++);
    if (!gw_str_is((gw_str){m->line + 66, m->n - 66}, z->name))
        return false;
    digest_init(&s);
    if (zipfile_stream(c->zip, z, hash_piece, &s, NULL) != GW_OK)
        return false;
    digest_final(&s, have);
    return memcmp(want, have, DIGEST_BYTES) == 0;
}

static void take_piece(void *ctx, const void *bytes, size_t n)
{
    manifest *m = ctx;
    const char *p = bytes;
    digest_update(&m->whole, bytes, n);
    for (size_t i = 0; i < n && m->good; i++) {
        if (p[i] != '\n') {
            m->good = m->n < sizeof m->line;
            if (m->good)
                m->line[m->n++] = p[i];
            continue;
        }
        m->good = line_holds(m);
        if (!m->good)
            check_say(m->c, true, BUNDLE_MANIFEST ": line %zu does not fit its member (%.*s)",
                      m->member, (int)(m->n > 66 ? m->n - 66 : 0), m->line + 66);
        m->n = 0;
    }
}

/* The exporter signs with the log's key under the name "<origin>/bundle". */
static bool bundle_key(const check *c, gw_str origin, note_key *ret)
{
    char name[2 * NOTE_NAME_MAX];
    for (size_t i = 0; i < c->key_n; i++) {
        if (c->keys[i].type != NOTE_ED25519 || !gw_str_is(origin, c->keys[i].name))
            continue;
        snprintf(name, sizeof name, "%s" BUNDLE_KEY_SUFFIX, c->keys[i].name);
        return note_key_make(gw_str_of(name), NOTE_ED25519, c->keys[i].pub, ret, NULL) == GW_OK;
    }
    return false;
}

static gw_str line_of(gw_str *text)
{
    const char *eol = text->n ? memchr(text->p, '\n', text->n) : NULL;
    gw_str line = {text->p, eol ? (size_t)(eol - text->p) : 0};
    *text = eol ? (gw_str){eol + 1, text->n - line.n - 1} : (gw_str){text->p, 0};
    return line;
}

static void check_signature(check *c, const uint8_t hash[DIGEST_BYTES])
{
    note_opened o;
    note_key key;
    uint8_t want[DIGEST_BYTES];
    size_t n = 0;
    gw_err err = {.code = GW_OK};
    if (!check_read(c, BUNDLE_SIGNATURE, &c->part)) {
        check_say(c, true, "%s", c->why);
        return;
    }
    gw_code rc = note_open(gw_buf_str(&c->part), NULL, 0, &o, &err);
    gw_str text = rc == GW_OK ? o.text : GW_STR("");
    gw_str head = line_of(&text);
    gw_str origin = line_of(&text);
    gw_str b64 = line_of(&text);
    bool shaped = rc == GW_OK && gw_str_is(head, BUNDLE_NOTE_HEAD) && text.n == 0 &&
                  digest_read_b64(b64, want, sizeof want, &n) && n == sizeof want;
    if (!shaped || memcmp(want, hash, DIGEST_BYTES) != 0)
        check_say(c, true, BUNDLE_SIGNATURE " is not about this manifest");
    else if (!bundle_key(c, origin, &key))
        check_say(c, true, BUNDLE_SIGNATURE " is of a log whose key is not known");
    else if (note_open(gw_buf_str(&c->part), &key, 1, &o, &err) != GW_OK)
        check_say(c, true, BUNDLE_SIGNATURE ": %s", err.text);
    else if (!(o.good & 1) || o.signatures != 1)
        check_say(c, true, BUNDLE_SIGNATURE " is not signed by the log's key alone");
    else
        c->r.signed_manifest = true;
}

gw_code check_manifest(check *c)
{
    uint8_t hash[DIGEST_BYTES];
    manifest m = {.c = c, .good = true};
    gw_err err = {.code = GW_OK};
    const zipfile_member *z = zipfile_find(c->zip, BUNDLE_MANIFEST);
    bool signed_too = zipfile_find(c->zip, BUNDLE_SIGNATURE) != NULL;
    if (!z) {
        check_say(c, true, BUNDLE_MANIFEST " is missing");
        return GW_OK;
    }
    digest_init(&m.whole);
    if (zipfile_stream(c->zip, z, take_piece, &m, &err) != GW_OK)
        check_say(c, true, "%s", err.text);
    digest_final(&m.whole, hash);
    if (m.good && (m.n != 0 || m.member + 1 + signed_too != zipfile_count(c->zip)))
        check_say(c, true, BUNDLE_MANIFEST " does not name every member");
    if (signed_too)
        check_signature(c, hash);
    else
        check_say(c, false,
                  "the manifest is not signed: report.html and timeline.csv are only checksummed, "
                  "rely on the records themselves");
    return GW_OK;
}

/* ---- heads: nothing was left off a case, and no case was left out ---- */

typedef struct {
    char kase[GW_ID_TEXT];
    uint64_t cseq;
    merkle_hash hash;
} head;

/* "<case> <cseq> <hex hash>" */
static bool read_head(gw_str line, head *ret)
{
    size_t id = GW_ID_TEXT - 1;
    if (line.n < id + 1 + 1 + 1 + 64 || line.p[id] != ' ' || line.p[line.n - 65] != ' ')
        return false;
    memcpy(ret->kase, line.p, id);
    ret->kase[id] = '\0';
    return note_read_decimal((gw_str){line.p + id + 1, line.n - 65 - id - 1}, &ret->cseq) &&
           digest_read_hex((gw_str){line.p + line.n - 64, 64}, ret->hash.b, DIGEST_BYTES);
}

static void check_case_head(check *c, const head *h, const check_case *k, bool whole)
{
    bool reaches = k->last == h->cseq && merkle_equal(&h->hash, &k->last_hash);
    if (k->last > h->cseq || (k->last == h->cseq && !reaches))
        check_say(c, true, "case %s: its last record is not the head the log names", k->kase);
    else if (whole && (!reaches || k->first != 1))
        check_say(c, true, "case %s is cut: records %llu to %llu of %llu are here", k->kase,
                  (unsigned long long)k->first, (unsigned long long)k->last,
                  (unsigned long long)h->cseq);
    if (!reaches || k->first != 1)
        c->r.complete = false;
}

/* Both lists ascend: walk them side by side. */
static void compare_heads(check *c, gw_str text, bool whole)
{
    size_t i = 0;
    head h;
    while (text.n > 0 || i < c->case_n) {
        gw_str rest = text;
        bool any = text.n > 0;
        if (any && !read_head(line_of(&rest), &h)) {
            check_say(c, true, BUNDLE_HEADS ": a line is malformed");
            return;
        }
        int order = !any ? 1 : i >= c->case_n ? -1 : strcmp(h.kase, c->cases[i].kase);
        if (order < 0)
            check_say(c, true, "case %s was exported but is not here", h.kase);
        else if (order > 0)
            check_say(c, true, "case %s is not among the heads of the export", c->cases[i].kase);
        else
            check_case_head(c, &h, &c->cases[i], whole);
        if (order <= 0)
            text = rest;
        if (order >= 0)
            i++;
    }
}

static bool export_record(check *c, gw_arena *arena, record_view *v)
{
    merkle_hash hash;
    uint64_t index;
    uint64_t size;
    const char *origin;
    gw_err err = {.code = GW_OK};
    if (!check_read(c, BUNDLE_EXPORT_RECORD, &c->leaf))
        return false;
    merkle_leaf(gw_buf_str(&c->leaf), &hash);
    if (!check_proof(c, BUNDLE_EXPORT_PROOF, &hash, &index, &size, &origin))
        return false;
    if (record_parse(gw_buf_str(&c->leaf), arena, v, &err) != GW_OK ||
        !gw_str_is(v->event, "x-Export") || !v->fact) {
        snprintf(c->why, sizeof c->why, "it is not an x-Export record");
        return false;
    }
    return true;
}

gw_code check_heads(check *c)
{
    uint8_t hash[DIGEST_BYTES];
    char hex[DIGEST_HEX];
    record_view v;
    c->r.complete = true;
    if (!zipfile_find(c->zip, BUNDLE_EXPORT_RECORD)) {
        c->r.complete = false;
        check_say(c, true,
                  "the log has no record of this export in it: whether cases were cut or left out "
                  "cannot be seen");
        return GW_OK;
    }
    gw_arena_reset(c->arena);
    if (!export_record(c, c->arena, &v)) {
        check_say(c, true, "the record of the export: %s", c->why);
        return GW_OK;
    }
    if (!check_read(c, BUNDLE_HEADS, &c->part)) {
        check_say(c, true, "%s", c->why);
        return GW_OK;
    }
    digest_of(gw_buf_str(&c->part).p, c->part.n, hash);
    gw_hex(hash, sizeof hash, hex);
    if (!gw_str_is(json_get_str(&v.doc, v.fact, "heads"), hex)) {
        check_say(c, true, BUNDLE_HEADS " is not what the record of the export names");
        return GW_OK;
    }
    bool whole = !gw_str_is(json_get_str(&v.doc, v.fact, "scope"), "period");
    compare_heads(c, gw_buf_str(&c->part), whole);
    return GW_OK;
}
