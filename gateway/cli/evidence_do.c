#include "gateway/base/file.h"
#include "gateway/base/time.h"
#include "gateway/cli/evidence_internal.h"
#include "gateway/evidence/crypt.h"
#include "gateway/evidence/evidence.h"
#include "gateway/evidence/note.h"
#include "gateway/evidence/report.h"
#include "gateway/evidence/request.h"

#include <pwd.h>
#include <sodium.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_TRIES = 150, ANSWER_PAUSE_MS = 100, ANSWER_MAX = 128 << 20 };

/* ---- what the options mean ---- */

static gw_code parse_time(const char *text, gw_wall *ret, gw_err *err)
{
    int32_t day;
    gw_str s = gw_str_of(text);
    if (gw_date_parse(s, &day, NULL) == GW_OK) {
        ret->ms = day * GW_MS_PER_DAY;
        return GW_OK;
    }
    return gw_time_parse(s, ret, NULL) == GW_OK
               ? GW_OK
               : gw_fail(err, GW_EINVAL, "'%s' is neither a date nor an RFC 3339 time", text);
}

static bool is_id(const char *text)
{
    gw_id id;
    return gw_id_parse(gw_str_of(text), &id, NULL) == GW_OK;
}

static bool found_one(void *ctx, const reader_entry *e)
{
    (void)e;
    *(bool *)ctx = true;
    return false;
}

/* A job id becomes its reminder id as intake makes it (keyed hash of source and job id), tried for
 * each source the vault knows unless one is named. */
static gw_code find_job(evidence_command *c, reader *r, gw_err *err)
{
    uint8_t key[GW_ID_KEY_BYTES];
    gw_str *sources = NULL;
    size_t n = 0;
    bool found = false;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(4 << 20);
    if (!arena)
        return gw_fail(err, GW_ENOMEM, "finding the job");
    gw_code rc = crypt_key_load(c->id_key, key, err);
    if (rc == GW_OK)
        rc = reader_sources(r, arena, &sources, &n, err);
    for (size_t i = 0; rc == GW_OK && !found && i < n; i++) {
        gw_id id;
        gw_str parts[] = {GW_STR("r"), sources[i], gw_str_of(c->job)};
        if (c->source && !gw_str_is(sources[i], c->source))
            continue;
        gw_id_keyed(key, parts, GW_COUNT(parts), &id);
        gw_id_format(&id, c->rid);
        reader_query q = {.rid = gw_str_of(c->rid), .limit = 1};
        (void)!reader_search(r, &q, found_one, &found, NULL);
    }
    sodium_memzero(key, sizeof key);
    if (rc == GW_OK && !found)
        rc = gw_fail(err, GW_ENOTFOUND, "no evidence of job '%s'", c->job);
    return rc;
}

/* --case takes the billing system's name of the case or its pseudonym; --job a job or reminder id.
 */
static gw_code make_query(evidence_command *c, reader *r, reader_query *q, gw_err *err)
{
    uint64_t limit = 0;
    gw_code rc = GW_OK;
    if (c->limit && !note_read_decimal(gw_str_of(c->limit), &limit))
        return gw_fail(err, GW_EINVAL, "--limit takes a number");
    *q = (reader_query){.source = gw_str_of(c->source),
                        .debtor = gw_str_of(c->debtor),
                        .event = gw_str_of(c->event),
                        .limit = (size_t)limit};
    if (c->kase && is_id(c->kase))
        q->case_pseudonym = gw_str_of(c->kase);
    else
        q->case_id = gw_str_of(c->kase);
    if (c->job && is_id(c->job))
        snprintf(c->rid, sizeof c->rid, "%s", c->job);
    else if (c->job)
        rc = find_job(c, r, err);
    q->rid = gw_str_of(c->rid);
    if (rc == GW_OK && c->from)
        rc = parse_time(c->from, &q->from, err);
    return rc == GW_OK && c->to ? parse_time(c->to, &q->to, err) : rc;
}

static gw_code open_reader(const evidence_command *c, reader **ret, gw_err *err)
{
    reader_config cfg = {.dir = c->dir, .tenant_key = c->has_tenant_key ? c->tenant_key : NULL};
    return reader_open(&cfg, ret, err);
}

/* ---- leaving a record ---- */

/* "uid 1000 (name)": private, it becomes a commitment. */
static gw_str who_asks(char room[128])
{
    struct passwd *pw = getpwuid(getuid());
    int n = snprintf(room, 128, "uid %u (%.64s)", (unsigned)getuid(), pw ? pw->pw_name : "?");
    return (gw_str){room, (size_t)n};
}

static void pause_a_little(void)
{
    struct timespec t = {.tv_nsec = ANSWER_PAUSE_MS * 1000000L};
    nanosleep(&t, NULL);
}

static gw_code ask_gateway(const evidence_command *c, const request *q, gw_buf *ret, gw_err *err)
{
    char id[GW_ID_TEXT];
    gw_code rc = request_leave(c->dir, q, id, err);
    for (int i = 0; rc == GW_OK && i < ANSWER_TRIES; i++) {
        rc = request_answer(c->dir, id, ret, err);
        if (rc != GW_EBUSY)
            return rc;
        rc = GW_OK;
        pause_a_little();
    }
    return rc == GW_OK ? gw_fail(err, GW_EBUSY, "the gateway did not record the request in 15 s")
                       : rc;
}

/* A log that is written under a manual clock is continued at its last moment, not at today's. */
static gw_code set_clock(reader *r, gw_clock *clock, gw_err *err)
{
    GW_AUTO_BUF gw_buf note;
    GW_AUTO_BUF gw_buf leaf;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(16 << 20);
    gw_buf_init(&note, NOTE_BYTES_MAX);
    gw_buf_init(&leaf, 65536);
    uint64_t size = 0;
    uint32_t origin = reader_origins(r);
    reader_entry e;
    record_view v;
    gw_code rc = reader_checkpoint(r, origin, &note, &size, err);
    if (rc == GW_OK)
        rc = reader_at(r, origin, size - 1, &e, err);
    if (rc == GW_OK)
        rc = reader_leaf(r, &e, &leaf, err);
    if (rc == GW_OK)
        rc = arena ? record_parse(gw_buf_str(&leaf), arena, &v, err)
                   : gw_fail(err, GW_ENOMEM, "reading the last record");
    if (rc != GW_OK)
        return rc;
    uint32_t clk = json_member(&v.doc, 0, "clk");
    if (clk && gw_str_is(json_get_str(&v.doc, clk, "src"), "manual"))
        gw_clock_set(clock, v.tb);
    return GW_OK;
}

static gw_code record_ourselves(const evidence_command *c, reader *r, const request *q, gw_buf *ret,
                                gw_err *err)
{
    char base[256];
    const char *origin = reader_origin(r, reader_origins(r));
    GW_AUTO(evidence_close) evidence *ev = NULL;
    GW_AUTO(gw_clock_free) gw_clock *clock = gw_clock_new();
    if (!origin)
        return gw_fail(err, GW_ENOTFOUND, "there is no log yet");
    if (!clock)
        return gw_fail(err, GW_ENOMEM, "opening the log");
    snprintf(base, sizeof base, "%s", origin);
    *strrchr(base, '/') = '\0';
    gw_code rc = set_clock(r, clock, err);
    evidence_config cfg = {.dir = c->dir,
                           .origin_base = base,
                           .log_key = c->log_key,
                           .tenant_key = c->tenant_key,
                           .node = "dunlin evidence",
                           .build = DUNLIN_VERSION};
    if (rc == GW_OK)
        rc = evidence_open(&cfg, clock, &ev, err);
    return rc == GW_OK ? evidence_export(ev, q, ret, err) : rc;
}

gw_code evidence_cmd_record(const evidence_command *c, reader *r, const char *kind,
                            const char *scope, const export_case *cases, size_t n, gw_buf *ret,
                            gw_err *err)
{
    char room[128];
    GW_AUTO_FREE gw_id *ids = calloc(n + 1, sizeof *ids);
    if (!ids)
        return gw_fail(err, GW_ENOMEM, "recording the export");
    for (size_t i = 0; i < n; i++) {
        gw_code rc = gw_id_parse(gw_str_of(cases[i].kase), &ids[i], err);
        if (rc != GW_OK)
            return rc;
    }
    request q = {.kind = kind, .scope = scope, .by = who_asks(room), .cases = ids, .n = n};
    gw_code rc = c->has_log_key && c->has_tenant_key
                     ? record_ourselves(c, r, &q, ret, err)
                     : gw_fail(err, GW_EBUSY, "the keys are not readable");
    if (rc == GW_EBUSY) /* somebody writes the log: a gateway, which answers requests */
        rc = ask_gateway(c, &q, ret, err);
    reader_refresh(r);
    return rc;
}

/* Reads are recorded where that is possible; a failure is told and does not stop the reader. */
static void record_read(const evidence_command *c, reader *r, const char *kind, const char *scope)
{
    GW_AUTO_BUF gw_buf answer;
    gw_err err = {.code = GW_OK};
    gw_buf_init(&answer, ANSWER_MAX);
    if (evidence_cmd_record(c, r, kind, scope, NULL, 0, &answer, &err) != GW_OK)
        fprintf(c->errors, "dunlin evidence: this read was not recorded: %s\n", err.text);
}

static const char *scope_of(const evidence_command *c)
{
    return c->kase ? "case" : c->job ? "job" : c->debtor ? "debtor" : "period";
}

/* ---- export ---- */

static gw_code check_answer(const gw_buf *answer, gw_err *err)
{
    json_doc d;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ANSWER_MAX);
    if (!arena)
        return gw_fail(err, GW_ENOMEM, "export");
    gw_code rc = json_parse(gw_buf_str(answer), arena, &d, err);
    gw_str error = rc == GW_OK ? json_get_str(&d, 0, "error") : GW_STR("");
    return rc == GW_OK && error.n > 0
               ? gw_fail(err, GW_EREFUSED, "the gateway refused: %.*s", GW_STR_ARG(error))
               : rc;
}

static void print_summary(const evidence_command *c, const export_summary *s, size_t cases,
                          bool recorded)
{
    if (c->json)
        fprintf(c->out,
                "{\"cases\":%zu,\"contents\":%llu,\"recorded\":%s,\"records\":%llu,"
                "\"signed\":%s}\n",
                cases, (unsigned long long)s->contents, recorded ? "true" : "false",
                (unsigned long long)s->records, s->signed_manifest ? "true" : "false");
    else
        fprintf(c->out, "%s: %llu records of %zu cases, %llu contents%s\n", c->out_file,
                (unsigned long long)s->records, cases, (unsigned long long)s->contents,
                s->signed_manifest ? "" : " (manifest not signed: log.key is not readable)");
}

gw_code evidence_cmd_export(evidence_command *c, gw_err *err)
{
    reader_query q;
    size_t n = 0;
    GW_AUTO(reader_close) reader *r = NULL;
    GW_AUTO_FREE export_case *cases = NULL;
    GW_AUTO_BUF gw_buf answer;
    gw_buf_init(&answer, ANSWER_MAX);
    bool period = !c->kase && !c->debtor && !c->job;
    if (period && (!c->from || !c->to))
        return gw_fail(err, GW_EINVAL,
                       "say what to export: --case, --debtor, --job, or --from and "
                       "--to");
    if (!c->has_tenant_key && !c->redact)
        return gw_fail(err, GW_EREFUSED,
                       "%s is not readable: contents cannot be opened; --redact leaves them out",
                       c->tenant_key);
    gw_code rc = open_reader(c, &r, err);
    if (rc == GW_OK)
        rc = make_query(c, r, &q, err);
    if (rc == GW_OK)
        rc = export_select(r, &q, !period, &cases, &n, err);
    if (rc != GW_OK)
        return rc;
    gw_err why = {.code = GW_OK};
    rc = evidence_cmd_record(c, r, "export", scope_of(c), cases, n, &answer, &why);
    if (rc == GW_OK)
        rc = check_answer(&answer, &why);
    if (rc != GW_OK) {
        fprintf(c->errors,
                "dunlin evidence: this export was not recorded, so it cannot prove that cases are "
                "complete: %s\n",
                why.text);
        gw_buf_clear(&answer);
    }
    char title[128];
    snprintf(title, sizeof title, "%s", period ? "period" : scope_of(c));
    GW_AUTO(gw_clock_free) gw_clock *clock = gw_clock_new();
    export_order o = {.out = c->out_file,
                      .title = gw_str_of(title),
                      .made = clock ? gw_clock_now(clock) : (gw_wall){0},
                      .cases = cases,
                      .n = n,
                      .answer = gw_buf_str(&answer),
                      .redact = c->redact != NULL,
                      .log_key = c->has_log_key ? c->log_key : NULL};
    export_summary sum;
    rc = export_bundle(r, &o, &sum, err);
    if (rc == GW_OK)
        print_summary(c, &sum, n, answer.n > 0);
    return rc;
}

/* ---- search and csv ---- */

typedef struct {
    const evidence_command *c;
    reader *r;
    gw_arena *arena;
    gw_buf leaf, disclosures;
    report report;
    bool csv;
    uint64_t n;
    gw_code rc;
    gw_err *err;
} listing;

static void print_text(listing *l, const reader_entry *e, const record_view *v, gw_str debtor,
                       gw_str name)
{
    char t[GW_TIME_TEXT];
    gw_str fact = v->fact ? json_raw(&v->doc, v->fact) : GW_STR("");
    gw_time_format(e->t, t);
    fprintf(l->c->out, "%s  %-14.*s %-14.*s %3llu  %-22s %.*s %.*s\n", t, GW_STR_ARG(debtor),
            GW_STR_ARG(name), (unsigned long long)e->cseq, e->event, GW_STR_ARG(v->why),
            GW_STR_ARG(fact));
}

static void print_json(listing *l, const reader_entry *e, gw_str source, gw_str debtor, gw_str name)
{
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, 256 * 1024);
    gw_buf_putc(&b, '{');
    json_put_member_str(&b, "case", name);
    json_put_member_str(&b, "debtor", debtor);
    json_put_member_int(&b, "index", (int64_t)e->index);
    json_put_member_str(&b, "origin", gw_str_of(reader_origin(l->r, e->origin)));
    json_put_member_raw(&b, "record", gw_buf_str(&l->leaf));
    json_put_member_str(&b, "source", source);
    gw_buf_puts(&b, "}\n");
    fwrite(b.data, 1, b.n, l->c->out);
}

static gw_code list_entry(listing *l, const reader_entry *e)
{
    record_view v;
    gw_str source = GW_STR("");
    gw_str debtor = GW_STR("");
    gw_str name = GW_STR("");
    gw_buf_clear(&l->leaf);
    gw_buf_clear(&l->disclosures);
    gw_arena_reset(l->arena);
    gw_code rc = reader_leaf(l->r, e, &l->leaf, l->err);
    if (rc == GW_OK)
        rc = record_parse(gw_buf_str(&l->leaf), l->arena, &v, l->err);
    if (rc == GW_OK && !l->c->redact)
        rc = reader_who(l->r, gw_str_of(e->kase), l->arena, &source, &debtor, &name, l->err);
    rc = rc == GW_ENOTFOUND ? GW_OK : rc; /* erased */
    if (rc != GW_OK)
        return rc;
    l->n++;
    if (!l->csv && l->c->json)
        print_json(l, e, source, debtor, name);
    else if (!l->csv)
        print_text(l, e, &v, debtor, name);
    if (!l->csv)
        return GW_OK;
    if (!l->c->redact && l->c->has_tenant_key)
        rc = reader_disclosures(l->r, gw_buf_str(&l->leaf), &l->disclosures, l->err);
    if (rc == GW_ENOTFOUND) {
        gw_buf_clear(&l->disclosures);
        rc = GW_OK;
    }
    report_row row = {.record = &v,
                      .origin = reader_origin(l->r, e->origin),
                      .index = e->index,
                      .source = source,
                      .debtor = debtor,
                      .case_name = name,
                      .disclosures = gw_buf_str(&l->disclosures)};
    return rc == GW_OK ? report_add(&l->report, &row, l->arena, l->err) : rc;
}

static bool visit(void *ctx, const reader_entry *e)
{
    listing *l = ctx;
    l->rc = list_entry(l, e);
    return l->rc == GW_OK;
}

static gw_code list(evidence_command *c, bool csv, gw_err *err)
{
    reader_query q;
    GW_AUTO(reader_close) reader *r = NULL;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(256 << 20);
    gw_code rc = arena ? open_reader(c, &r, err) : gw_fail(err, GW_ENOMEM, "search");
    if (rc == GW_OK)
        rc = make_query(c, r, &q, err);
    if (rc != GW_OK)
        return rc;
    listing l = {.c = c, .r = r, .arena = arena, .csv = csv, .err = err};
    gw_buf_init(&l.leaf, 65536);
    gw_buf_init(&l.disclosures, 80 << 20);
    report_begin(&l.report, GW_STR(""), (gw_wall){0});
    rc = reader_search(r, &q, visit, &l, err);
    rc = rc == GW_OK ? l.rc : rc;
    if (rc == GW_OK && csv)
        rc = gw_file_replace(c->out_file, gw_buf_str(&l.report.csv), 0600, err);
    if (rc == GW_OK && csv)
        fprintf(c->out, "%s: %llu records\n", c->out_file, (unsigned long long)l.n);
    report_done(&l.report);
    gw_buf_done(&l.leaf);
    gw_buf_done(&l.disclosures);
    if (rc == GW_OK)
        record_read(c, r, csv ? "csv" : "search", scope_of(c));
    return rc;
}

gw_code evidence_cmd_search(evidence_command *c, gw_err *err)
{
    return list(c, false, err);
}

gw_code evidence_cmd_csv(evidence_command *c, gw_err *err)
{
    return list(c, true, err);
}

/* ---- proof, checkpoint, fsck ---- */

gw_code evidence_cmd_proof(evidence_command *c, gw_err *err)
{
    uint64_t index;
    reader_entry e;
    GW_AUTO(reader_close) reader *r = NULL;
    GW_AUTO_BUF gw_buf proof;
    gw_buf_init(&proof, 256 * 1024);
    if (!note_read_decimal(gw_str_of(c->index), &index))
        return gw_fail(err, GW_EINVAL, "--index takes the number of an entry");
    gw_code rc = open_reader(c, &r, err);
    uint32_t origin = 0;
    if (rc == GW_OK)
        origin = c->origin ? reader_origin_number(r, gw_str_of(c->origin)) : reader_origins(r);
    if (rc == GW_OK && origin == 0)
        rc = gw_fail(err, GW_ENOTFOUND, "there is no such log");
    if (rc == GW_OK)
        rc = reader_at(r, origin, index, &e, err);
    if (rc == GW_OK)
        rc = reader_proof(r, &e, &proof, err);
    if (rc == GW_OK && c->out_file)
        rc = gw_file_replace(c->out_file, gw_buf_str(&proof), 0644, err);
    else if (rc == GW_OK)
        fwrite(proof.data, 1, proof.n, c->out);
    return rc;
}

gw_code evidence_cmd_checkpoint(evidence_command *c, gw_err *err)
{
    uint64_t size = 0;
    GW_AUTO(reader_close) reader *r = NULL;
    GW_AUTO_BUF gw_buf note;
    GW_AUTO_BUF gw_buf vkey;
    GW_AUTO_BUF gw_buf json;
    gw_buf_init(&note, NOTE_BYTES_MAX);
    gw_buf_init(&vkey, 4096);
    gw_buf_init(&json, 2 * NOTE_BYTES_MAX);
    gw_code rc = open_reader(c, &r, err);
    uint32_t origin = rc == GW_OK ? reader_origins(r) : 0;
    if (rc == GW_OK)
        rc = reader_checkpoint(r, origin, &note, &size, err);
    if (rc == GW_OK)
        rc = reader_vkey(r, origin, &vkey, err);
    if (rc != GW_OK)
        return rc;
    if (!c->json) {
        fprintf(c->out, "%s\n# verification key:\n# %s", note.data, vkey.data);
        return GW_OK;
    }
    gw_buf_putc(&json, '{');
    json_put_member_str(&json, "checkpoint", gw_buf_str(&note));
    json_put_member_str(&json, "origin", gw_str_of(reader_origin(r, origin)));
    json_put_member_int(&json, "size", (int64_t)size);
    json_put_member_str(&json, "vkey", (gw_str){vkey.data, vkey.n - (vkey.n > 0)});
    gw_buf_puts(&json, "}\n");
    fwrite(json.data, 1, json.n, c->out);
    return gw_buf_code(&json, "checkpoint", err);
}

static void print_fault(void *ctx, const char *text)
{
    const evidence_command *c = ctx;
    if (!c->json) {
        fprintf(c->out, "FAULT  %s\n", text);
        return;
    }
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, 16384);
    gw_buf_putc(&b, '{');
    json_put_member_str(&b, "fault", gw_str_of(text));
    gw_buf_puts(&b, "}\n");
    fwrite(b.data, 1, b.n, c->out);
}

gw_code evidence_cmd_fsck(evidence_command *c, gw_err *err)
{
    fsck_result f;
    fsck_order o = {.dir = c->dir,
                    .tenant_key = c->has_tenant_key ? c->tenant_key : NULL,
                    .quick = c->quick != NULL,
                    .on_fault = print_fault,
                    .ctx = c};
    gw_code rc = fsck_run(&o, &f, err);
    if (rc != GW_OK)
        return rc;
    fprintf(c->out,
            c->json ? "{\"cases\":%llu,\"contents\":%llu,\"entries\":%llu,\"faults\":%llu,"
                      "\"logs\":%llu,\"torn_bytes\":%llu,\"vault_keys\":%llu}\n"
                    : "%llu cases, %llu contents, %llu entries, %llu faults, %llu logs, %llu "
                      "unfinished bytes, %llu keys\n",
            (unsigned long long)f.cases, (unsigned long long)f.contents,
            (unsigned long long)f.entries, (unsigned long long)f.faults, (unsigned long long)f.logs,
            (unsigned long long)f.torn_bytes, (unsigned long long)f.vault_keys);
    return f.faults == 0 ? GW_OK
                         : gw_fail(err, GW_ECORRUPT, "%llu faults found; nothing was repaired",
                                   (unsigned long long)f.faults);
}
