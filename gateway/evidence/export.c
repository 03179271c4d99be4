#include "gateway/evidence/export.h"

#include "gateway/evidence/bundle.h"
#include "gateway/evidence/crypt.h"
#include "gateway/evidence/evidence.h"
#include "gateway/evidence/note.h"
#include "gateway/evidence/report.h"
#include "gateway/evidence/wal.h"
#include "gateway/evidence/zipfile.h"

#include <sodium.h>
#include <stdio.h>

/* ---- which cases ---- */

typedef struct {
    export_case *cases;
    size_t n, cap;
    bool out_of_memory;
} selection;

/* Entries of one case come together only per case: collect one row per entry, merge afterwards. */
static bool select_entry(void *ctx, const reader_entry *e)
{
    selection *s = ctx;
    if (s->n > 0 && strcmp(s->cases[s->n - 1].kase, e->kase) == 0) {
        s->cases[s->n - 1].last = e->cseq;
        return true;
    }
    if (s->n == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 256;
        export_case *more = realloc(s->cases, cap * sizeof *more);
        s->out_of_memory = !more;
        if (!more)
            return false;
        s->cases = more;
        s->cap = cap;
    }
    export_case *c = &s->cases[s->n++];
    memcpy(c->kase, e->kase, sizeof c->kase);
    c->first = c->last = e->cseq;
    return true;
}

static int compare_cases(const void *a, const void *b)
{
    return strcmp(((const export_case *)a)->kase, ((const export_case *)b)->kase);
}

static void merge(selection *s)
{
    size_t n = 0;
    qsort(s->cases, s->n, sizeof *s->cases, compare_cases);
    for (size_t i = 0; i < s->n; i++) {
        export_case *last = n > 0 ? &s->cases[n - 1] : NULL;
        if (!last || strcmp(last->kase, s->cases[i].kase) != 0) {
            s->cases[n++] = s->cases[i];
            continue;
        }
        last->first = s->cases[i].first < last->first ? s->cases[i].first : last->first;
        last->last = s->cases[i].last > last->last ? s->cases[i].last : last->last;
    }
    s->n = n;
}

gw_code export_select(reader *r, const reader_query *q, bool whole, export_case **ret_cases,
                      size_t *ret_n, gw_err *err)
{
    selection s = {.n = 0};
    gw_code rc = reader_search(r, q, select_entry, &s, err);
    if (rc == GW_OK && s.out_of_memory)
        rc = gw_fail(err, GW_ENOMEM, "export");
    if (rc == GW_OK)
        merge(&s);
    if (rc == GW_OK && s.n == 0)
        rc = gw_fail(err, GW_ENOTFOUND, "no record matches");
    if (rc == GW_OK && s.n > EXPORT_CASES_MAX)
        rc = gw_fail(err, GW_ELIMIT, "%zu cases match, at most %d go into one bundle: narrow it",
                     s.n, EXPORT_CASES_MAX);
    for (size_t i = 0; rc == GW_OK && whole && i < s.n; i++) {
        uint8_t unused[READER_HASH];
        s.cases[i].first = 1;
        rc = reader_case_head(r, gw_str_of(s.cases[i].kase), &s.cases[i].last, unused, err);
    }
    if (rc != GW_OK) {
        free(s.cases);
        return rc;
    }
    *ret_cases = s.cases;
    *ret_n = s.n;
    return GW_OK;
}

/* ---- writing ---- */

typedef struct {
    reader *r;
    const export_order *o;
    zipfile_writer *zip;
    gw_buf manifest;
    report report;
    gw_arena *arena;
    gw_buf leaf, part, disclosures, content;
    gw_str source, debtor, case_name; /* of the case in work */
    uint32_t origins[BUNDLE_LOGS_MAX];
    size_t origin_n;
    export_summary sum;
    gw_code rc; /* of the visit in work */
    gw_err *err;
} bundle;

static gw_code add(bundle *b, const char *name, gw_str bytes)
{
    uint8_t hash[DIGEST_BYTES];
    char hex[DIGEST_HEX];
    gw_code rc = zipfile_add(b->zip, name, bytes, b->err);
    if (rc != GW_OK)
        return rc;
    digest_of(bytes.p, bytes.n, hash);
    gw_hex(hash, sizeof hash, hex);
    gw_buf_printf(&b->manifest, "%s  %s\n", hex, name);
    return gw_buf_code(&b->manifest, "the manifest", b->err);
}

static const char *ending_of(const char *media)
{
    static const struct {
        const char *media, *ending;
    } endings[] = {
        {"message/rfc822", "eml"},
        {"application/json", "json"},
        {"application/pdf", "pdf"},
        {"text/plain", "txt"},
        {"text/html", "html"},
        {"text/csv", "csv"},
        {"audio/wav", "wav"},
        {"audio/x-wav", "wav"},
        {"application/xml", "xml"},
        {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"},
    };
    for (size_t i = 0; i < GW_COUNT(endings); i++)
        if (strncmp(media, endings[i].media, strlen(endings[i].media)) == 0)
            return endings[i].ending;
    return "bin";
}

static void note_origin(bundle *b, uint32_t origin)
{
    for (size_t i = 0; i < b->origin_n; i++)
        if (b->origins[i] == origin)
            return;
    if (b->origin_n < BUNDLE_LOGS_MAX)
        b->origins[b->origin_n++] = origin;
}

static gw_code add_proof(bundle *b, const reader_entry *e, const char *name)
{
    gw_buf_clear(&b->part);
    gw_code rc = reader_proof(b->r, e, &b->part, b->err);
    note_origin(b, e->origin);
    return rc == GW_OK ? add(b, name, gw_buf_str(&b->part)) : rc;
}

/* One decrypted original, and its line in the disclosures. */
static gw_code add_content(bundle *b, const reader_entry *e, size_t i, const reader_content *c,
                           bool first)
{
    char name[ZIPFILE_NAME_MAX + 1];
    GW_AUTO_BUF gw_buf disclosure;
    gw_buf_init(&disclosure, 1024);
    gw_buf_clear(&b->content);
    gw_code rc = reader_blob(b->r, gw_buf_str(&b->leaf), i, &b->content, &disclosure, b->err);
    if (rc != GW_OK)
        return rc;
    snprintf(name, sizeof name, BUNDLE_CONTENT "%s/%llu-%zu-%s.%s", e->kase,
             (unsigned long long)e->cseq, i + 1, c->role, ending_of(c->media));
    if (!first)
        gw_buf_putc(&b->part, ',');
    gw_buf_putc(&b->part, '{');
    json_put_member_raw(&b->part, "disclosure", gw_buf_str(&disclosure));
    json_put_member_str(&b->part, "file", gw_str_of(name));
    json_put_member_str(&b->part, "id", gw_str_of(c->id));
    gw_buf_putc(&b->part, '}');
    b->sum.contents++;
    rc = add(b, name, gw_buf_str(&b->content));
    gw_buf_wipe(&b->content);
    return rc;
}

static gw_code put_contents(bundle *b, const reader_entry *e)
{
    reader_content contents[READER_CONTENTS_MAX];
    size_t n = 0;
    bool first = true;
    gw_code rc = reader_contents(b->r, gw_buf_str(&b->leaf), contents, &n, b->err);
    for (size_t i = 0; rc == GW_OK && i < n; i++) {
        if (strcmp(contents[i].role, "disclosures") == 0)
            continue; /* opened as private values */
        rc = add_content(b, e, i, &contents[i], first);
        first = false;
    }
    return rc;
}

static gw_code add_disclosures(bundle *b, const reader_entry *e, const record_view *v)
{
    char name[ZIPFILE_NAME_MAX + 1];
    snprintf(name, sizeof name, BUNDLE_DISCLOSURE "%s/%llu.json", e->kase,
             (unsigned long long)e->cseq);
    gw_buf_clear(&b->disclosures);
    if (b->o->redact || (!v->cmt && !v->blob))
        return GW_OK;
    gw_code rc = reader_disclosures(b->r, gw_buf_str(&b->leaf), &b->disclosures, b->err);
    gw_buf_clear(&b->part);
    gw_buf_puts(&b->part, "{\"contents\":[");
    if (rc == GW_OK)
        rc = put_contents(b, e);
    if (rc == GW_ENOTFOUND) { /* the key was destroyed */
        gw_buf_clear(&b->disclosures);
        return add(b, name, GW_STR("{\"erased\":1}"));
    }
    if (rc != GW_OK)
        return rc;
    gw_buf_puts(&b->part, "],\"private\":");
    gw_buf_put_str(&b->part, gw_buf_str(&b->disclosures));
    gw_buf_putc(&b->part, '}');
    rc = gw_buf_code(&b->part, "disclosures", b->err);
    return rc == GW_OK ? add(b, name, gw_buf_str(&b->part)) : rc;
}

static gw_code add_record(bundle *b, const reader_entry *e)
{
    char name[ZIPFILE_NAME_MAX + 1];
    record_view v;
    gw_buf_clear(&b->leaf);
    gw_arena_reset(b->arena);
    gw_code rc = reader_leaf(b->r, e, &b->leaf, b->err);
    if (rc == GW_OK)
        rc = record_parse(gw_buf_str(&b->leaf), b->arena, &v, b->err);
    snprintf(name, sizeof name, BUNDLE_RECORD "%s/%llu.json", e->kase, (unsigned long long)e->cseq);
    if (rc == GW_OK)
        rc = add(b, name, gw_buf_str(&b->leaf));
    snprintf(name, sizeof name, BUNDLE_PROOF "%s/%llu" BUNDLE_PROOF_END, e->kase,
             (unsigned long long)e->cseq);
    if (rc == GW_OK)
        rc = add_proof(b, e, name);
    if (rc == GW_OK)
        rc = add_disclosures(b, e, &v);
    if (rc != GW_OK)
        return rc;
    report_row row = {.record = &v,
                      .origin = reader_origin(b->r, e->origin),
                      .index = e->index,
                      .source = b->source,
                      .debtor = b->debtor,
                      .case_name = b->case_name,
                      .disclosures = gw_buf_str(&b->disclosures)};
    b->sum.records++;
    return report_add(&b->report, &row, b->arena, b->err);
}

static bool visit_record(void *ctx, const reader_entry *e)
{
    bundle *b = ctx;
    b->rc = add_record(b, e);
    return b->rc == GW_OK;
}

static gw_code add_case(bundle *b, const export_case *c)
{
    GW_AUTO(gw_arena_free) gw_arena *names = gw_arena_new(1 << 16);
    gw_str kase = gw_str_of(c->kase);
    if (!names)
        return gw_fail(b->err, GW_ENOMEM, "export");
    b->source = b->debtor = b->case_name = GW_STR("");
    gw_code rc = b->o->redact
                     ? GW_OK
                     : reader_who(b->r, kase, names, &b->source, &b->debtor, &b->case_name, b->err);
    if (rc != GW_OK && rc != GW_ENOTFOUND) /* an erased case has no names any more */
        return rc;
    report_case(&b->report, kase, b->source, b->debtor, b->case_name);
    reader_query q = {.case_pseudonym = kase, .cseq_first = c->first, .cseq_last = c->last};
    b->rc = GW_OK;
    rc = reader_search(b->r, &q, visit_record, b, b->err);
    rc = rc == GW_OK ? b->rc : rc;
    if (rc == GW_OK && b->sum.records > EXPORT_RECORDS_MAX)
        rc = gw_fail(b->err, GW_ELIMIT, "more than %d records: narrow the export",
                     EXPORT_RECORDS_MAX);
    return rc;
}

/* The log's own record of this export: leaf, proof, and the heads it commits to. */
static gw_code add_export_record(bundle *b)
{
    json_doc d;
    reader_entry e;
    if (b->o->answer.n == 0)
        return GW_OK;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(256 << 20);
    if (!arena)
        return gw_fail(b->err, GW_ENOMEM, "export");
    gw_code rc = json_parse(b->o->answer, arena, &d, b->err);
    if (rc != GW_OK)
        return rc;
    gw_str heads = json_get_str(&d, 0, "heads");
    int64_t index = json_get_int(&d, 0, "index", -1);
    uint32_t origin = reader_origin_number(b->r, json_get_str(&d, 0, "origin"));
    if (!heads.p || index < 0 || origin == 0)
        return gw_fail(b->err, GW_EINVAL, "the answer to the export request is malformed");
    rc = reader_at(b->r, origin, (uint64_t)index, &e, b->err);
    gw_buf_clear(&b->leaf);
    if (rc == GW_OK)
        rc = reader_leaf(b->r, &e, &b->leaf, b->err);
    if (rc == GW_OK)
        rc = add(b, BUNDLE_EXPORT_RECORD, gw_buf_str(&b->leaf));
    if (rc == GW_OK)
        rc = add_proof(b, &e, BUNDLE_EXPORT_PROOF);
    return rc == GW_OK ? add(b, BUNDLE_HEADS, heads) : rc;
}

static gw_code add_trust(bundle *b)
{
    GW_AUTO_BUF gw_buf policy;
    gw_buf_init(&policy, 64 * 1024);
    for (size_t i = 0; i < b->origin_n; i++) {
        char name[64];
        gw_buf_clear(&b->part);
        gw_code rc = reader_vkey(b->r, b->origins[i], &b->part, b->err);
        if (rc != GW_OK)
            return rc;
        gw_buf_puts(&policy, "log ");
        gw_buf_put_str(&policy, gw_buf_str(&b->part));
        snprintf(name, sizeof name, BUNDLE_TRUST "log-%u.vkey", b->origins[i]);
        rc = add(b, name, gw_buf_str(&b->part));
        if (rc != GW_OK)
            return rc;
    }
    gw_buf_puts(&policy, "quorum none\n");
    return add(b, BUNDLE_TRUST "policy.txt", gw_buf_str(&policy));
}

static gw_code sign_manifest(bundle *b, const uint8_t hash[DIGEST_BYTES])
{
    char name[NOTE_NAME_MAX + 1];
    uint8_t seed[CRYPT_KEY];
    note_signer signer;
    const char *origin = b->origin_n > 0 ? reader_origin(b->r, b->origins[0]) : NULL;
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, 4096);
    if (!b->o->log_key || !origin)
        return GW_OK;
    snprintf(name, sizeof name, "%s" BUNDLE_KEY_SUFFIX, origin);
    gw_buf_printf(&text, "%s\n%s\n", BUNDLE_NOTE_HEAD, origin);
    digest_put_b64(&text, hash, DIGEST_BYTES);
    gw_buf_putc(&text, '\n');
    gw_code rc = crypt_key_load(b->o->log_key, seed, b->err);
    if (rc == GW_OK)
        rc = note_signer_make(gw_str_of(name), NOTE_ED25519, seed, &signer, b->err);
    sodium_memzero(seed, sizeof seed);
    if (rc != GW_OK)
        return rc;
    gw_buf_clear(&b->part);
    rc = note_sign(&b->part, gw_buf_str(&text), &signer, 0, b->err);
    note_signer_wipe(&signer);
    if (rc == GW_OK)
        rc = zipfile_add(b->zip, BUNDLE_SIGNATURE, gw_buf_str(&b->part), b->err);
    b->sum.signed_manifest = rc == GW_OK;
    return rc;
}

static gw_code write_all(bundle *b)
{
    uint8_t hash[DIGEST_BYTES];
    gw_code rc = add(b, "mimetype", GW_STR(BUNDLE_MIME));
    report_begin(&b->report, b->o->title, b->o->made);
    for (size_t i = 0; rc == GW_OK && i < b->o->n; i++)
        rc = add_case(b, &b->o->cases[i]);
    if (rc == GW_OK)
        rc = add_export_record(b);
    if (rc == GW_OK)
        rc = add_trust(b);
    if (rc == GW_OK)
        rc = report_end(&b->report, b->err);
    if (rc == GW_OK)
        rc = add(b, "timeline.csv", gw_buf_str(&b->report.csv));
    if (rc == GW_OK)
        rc = add(b, "report.html", gw_buf_str(&b->report.html));
    if (rc != GW_OK)
        return rc;
    digest_of(b->manifest.data, b->manifest.n, hash);
    rc = zipfile_add(b->zip, BUNDLE_MANIFEST, gw_buf_str(&b->manifest), b->err);
    if (rc == GW_OK)
        rc = sign_manifest(b, hash);
    return rc == GW_OK ? zipfile_finish(b->zip, b->err) : rc;
}

gw_code export_bundle(reader *r, const export_order *o, export_summary *ret, gw_err *err)
{
    bundle b = {.r = r, .o = o, .err = err};
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(256 << 20);
    if (!arena)
        return gw_fail(err, GW_ENOMEM, "export");
    b.arena = arena;
    gw_buf_init(&b.manifest, (size_t)1 << 30);
    gw_buf_init(&b.leaf, WAL_LEAF_MAX);
    gw_buf_init(&b.part, BUNDLE_DISCLOSURES_MAX);
    gw_buf_init(&b.disclosures, BUNDLE_DISCLOSURES_MAX);
    gw_buf_init(&b.content, EVIDENCE_BLOB_MAX + 64);
    gw_code rc = zipfile_create(o->out, &b.zip, err);
    if (rc == GW_OK)
        rc = write_all(&b);
    zipfile_abandon(b.zip);
    report_done(&b.report);
    gw_buf_done(&b.manifest);
    gw_buf_done(&b.leaf);
    gw_buf_done(&b.part);
    gw_buf_done(&b.disclosures);
    gw_buf_done(&b.content);
    if (rc == GW_OK)
        *ret = b.sum;
    return rc == GW_OK ? rc : gw_wrap(err, rc, "export");
}
