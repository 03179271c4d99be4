#include "gateway/evidence/index.h"

#include "gateway/evidence/note.h"
#include "gateway/evidence/sqlite.h"

#include <stdio.h>

enum { WAYS = 4, SETS = EVINDEX_CACHE_CASES / WAYS, FORMAT = 1 };

#define POS(origin, index) ((int64_t)((uint64_t)(origin) << 40 | (index)))
#define INDEX_MASK         ((UINT64_C(1) << 40) - 1)

static const char schema[] =
    "CREATE TABLE origin(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
    "CREATE TABLE evname(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
    "CREATE TABLE outbox(shard INTEGER PRIMARY KEY, ms INTEGER NOT NULL, seq INTEGER NOT NULL);"
    "CREATE TABLE kase(id INTEGER PRIMARY KEY, cid BLOB NOT NULL UNIQUE, rcp BLOB, cseq INTEGER "
    "NOT "
    "NULL, hash BLOB NOT NULL, pos INTEGER NOT NULL);"
    "CREATE TABLE leaf(pos INTEGER PRIMARY KEY, seg INTEGER NOT NULL, off INTEGER NOT NULL, t "
    "INTEGER NOT NULL, tb INTEGER NOT NULL, ev INTEGER NOT NULL, kase INTEGER NOT NULL, cseq "
    "INTEGER NOT NULL, rid BLOB);"
    "CREATE INDEX leaf_case ON leaf(kase, cseq);"
    "CREATE INDEX leaf_rid ON leaf(rid) WHERE rid IS NOT NULL;"
    "CREATE INDEX leaf_time ON leaf(t);"
    "PRAGMA user_version = 1;";

#define SELECT_ENTRY                                                                               \
    "SELECT l.pos, l.seg, l.off, l.t, l.tb, e.name, k.cid, l.cseq FROM leaf l JOIN kase k ON "     \
    "k.id = l.kase JOIN evname e ON e.id = l.ev"

enum {
    Q_ORIGIN,
    Q_ADD_ORIGIN,
    Q_ORIGIN_NAME,
    Q_SIZE,
    Q_EVENT,
    Q_ADD_EVENT,
    Q_HEAD,
    Q_ADD_CASE,
    Q_SET_CASE,
    Q_ADD_LEAF,
    Q_SET_OUTBOX,
    Q_POSITIONS,
    Q_AT,
    Q_COUNT
};

static const struct {
    const char *text;
    bool writes;
} queries[Q_COUNT] = {
    [Q_ORIGIN] = {"SELECT id FROM origin WHERE name = ?1", false},
    [Q_ADD_ORIGIN] = {"INSERT INTO origin(name) VALUES(?1)", true},
    [Q_ORIGIN_NAME] = {"SELECT name FROM origin WHERE id = ?1", false},
    [Q_SIZE] = {"SELECT max(pos) FROM leaf WHERE pos >= ?1 AND pos < ?2", false},
    [Q_EVENT] = {"SELECT id FROM evname WHERE name = ?1", false},
    [Q_ADD_EVENT] = {"INSERT INTO evname(name) VALUES(?1)", true},
    [Q_HEAD] = {"SELECT id, cseq, hash FROM kase WHERE cid = ?1", false},
    [Q_ADD_CASE] = {"INSERT INTO kase(cid, rcp, cseq, hash, pos) VALUES(?1, ?2, ?3, ?4, ?5)", true},
    [Q_SET_CASE] = {"UPDATE kase SET cseq = ?1, hash = ?2, pos = ?3 WHERE id = ?4", true},
    [Q_ADD_LEAF] =
        {"INSERT INTO leaf(pos, seg, off, t, tb, ev, kase, cseq, rid) VALUES(?1, ?2, ?3, "
         "?4, ?5, ?6, ?7, ?8, ?9)",
         true},
    [Q_SET_OUTBOX] = {"INSERT OR REPLACE INTO outbox(shard, ms, seq) VALUES(?1, ?2, ?3)", true},
    [Q_POSITIONS] = {"SELECT shard, ms, seq FROM outbox", false},
    [Q_AT] = {SELECT_ENTRY " WHERE l.pos = ?1", false},
};

typedef struct {
    gw_id cid;
    bool used;
    int64_t row;
    uint64_t cseq;
    uint8_t hash[DIGEST_BYTES];
} head;

typedef struct {
    char name[68];
    int64_t row;
} event;

struct evindex {
    sqlite3 *db;
    sqlite3_stmt *q[Q_COUNT];
    head *heads; /* SETS x WAYS */
    unsigned turn;
    event *events;
    size_t event_n;
    char at_event[68];                      /* of the entry evindex_at answered last */
    evindex_outbox touched[EVINDEX_SHARDS]; /* positions to store with the transaction */
};

static int version_of(sqlite3 *db)
{
    sqlite3_stmt *s = NULL;
    int version = -1;
    if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &s, NULL) == SQLITE_OK &&
        sqlite3_step(s) == SQLITE_ROW)
        version = sqlite3_column_int(s, 0);
    sqlite3_finalize(s);
    return version;
}

static gw_code prepare(evindex *x, bool read_only, gw_err *err)
{
    gw_code rc = GW_OK;
    int version = version_of(x->db);
    if (version > FORMAT || (read_only && version != FORMAT))
        return gw_fail(err, GW_EINVAL,
                       "the evidence index has format %d, this program knows %d; delete the folder "
                       "index and let the gateway rebuild it",
                       version, FORMAT);
    if (!read_only)
        rc = sql_exec(x->db,
                      "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; "
                      "PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 16384;",
                      "index", err);
    if (rc == GW_OK && version == 0)
        rc = sql_exec(x->db, schema, "index", err);
    for (int i = 0; rc == GW_OK && i < Q_COUNT; i++)
        if (!read_only || !queries[i].writes)
            rc = sql_prepare(x->db, queries[i].text, &x->q[i], err);
    return rc;
}

gw_code evindex_open(const char *path, bool read_only, evindex **ret, gw_err *err)
{
    GW_AUTO(evindex_close) evindex *x = calloc(1, sizeof *x);
    if (!x || !(x->heads = calloc(EVINDEX_CACHE_CASES, sizeof *x->heads)) ||
        !(x->events = calloc(EVINDEX_EVENTS_MAX, sizeof *x->events)))
        return gw_fail(err, GW_ENOMEM, "opening the index");
    gw_code rc = sql_open(path, read_only, &x->db, err);
    if (rc == GW_OK)
        rc = prepare(x, read_only, err);
    if (rc != GW_OK)
        return rc;
    *ret = x;
    x = NULL;
    return GW_OK;
}

void evindex_close(evindex *x)
{
    if (!x)
        return;
    for (int i = 0; i < Q_COUNT; i++)
        sqlite3_finalize(x->q[i]);
    sqlite3_close(x->db);
    free(x->heads);
    free(x->events);
    free(x);
}

/* Step a statement that answers at most one row; *ret_row tells. Reset it afterwards. */
static gw_code one(evindex *x, sqlite3_stmt *s, bool *ret_row, gw_err *err)
{
    int step = sqlite3_step(s);
    *ret_row = step == SQLITE_ROW;
    return step == SQLITE_ROW || step == SQLITE_DONE ? GW_OK : sql_fail(x->db, "index", err);
}

static gw_code run(evindex *x, sqlite3_stmt *s, gw_err *err)
{
    bool row;
    gw_code rc = one(x, s, &row, err);
    sqlite3_reset(s);
    return rc;
}

/* Row number of a name in origin or evname, made when missing and `add` is not negative. */
static gw_code name_row(evindex *x, int find, int add, gw_str name, int64_t *ret, gw_err *err)
{
    bool row;
    sqlite3_stmt *s = x->q[find];
    sql_text(s, 1, name);
    gw_code rc = one(x, s, &row, err);
    if (rc == GW_OK && row)
        *ret = sqlite3_column_int64(s, 0);
    sqlite3_reset(s);
    if (rc != GW_OK || row)
        return rc;
    if (!x->q[add])
        return gw_fail(err, GW_ENOTFOUND, "'%.*s' is not in the index", GW_STR_ARG(name));
    sql_text(x->q[add], 1, name);
    rc = run(x, x->q[add], err);
    *ret = sqlite3_last_insert_rowid(x->db);
    return rc;
}

gw_code evindex_origin(evindex *x, const char *name, uint32_t *ret, gw_err *err)
{
    int64_t row = 0;
    gw_code rc = name_row(x, Q_ORIGIN, Q_ADD_ORIGIN, gw_str_of(name), &row, err);
    if (rc == GW_OK)
        *ret = (uint32_t)row;
    return rc;
}

gw_code evindex_origin_name(evindex *x, uint32_t origin, char ret[256], gw_err *err)
{
    bool row;
    sqlite3_stmt *s = x->q[Q_ORIGIN_NAME];
    sqlite3_bind_int64(s, 1, origin);
    gw_code rc = one(x, s, &row, err);
    if (rc == GW_OK && row)
        snprintf(ret, 256, "%.*s", GW_STR_ARG(sql_str(s, 0)));
    sqlite3_reset(s);
    return rc == GW_OK && !row ? gw_fail(err, GW_ENOTFOUND, "log %u is not in the index", origin)
                               : rc;
}

gw_code evindex_size(evindex *x, uint32_t origin, uint64_t *ret, gw_err *err)
{
    bool row;
    sqlite3_stmt *s = x->q[Q_SIZE];
    sqlite3_bind_int64(s, 1, POS(origin, 0));
    sqlite3_bind_int64(s, 2, POS(origin + 1, 0));
    gw_code rc = one(x, s, &row, err);
    if (rc == GW_OK)
        *ret = row && sqlite3_column_type(s, 0) == SQLITE_INTEGER
                   ? ((uint64_t)sqlite3_column_int64(s, 0) & INDEX_MASK) + 1
                   : 0;
    sqlite3_reset(s);
    return rc;
}

static head *set_of(evindex *x, const gw_id *cid)
{
    uint64_t h;
    memcpy(&h, cid->b, sizeof h); /* pseudonyms are random: any eight bytes are a hash */
    return &x->heads[h % SETS * WAYS];
}

/* The head of a case from cache or table; NULL: the case has none yet. */
static gw_code find_head(evindex *x, const gw_id *cid, head **ret, gw_err *err)
{
    head *set = set_of(x, cid);
    bool row;
    for (int i = 0; i < WAYS; i++)
        if (set[i].used && memcmp(set[i].cid.b, cid->b, GW_ID_BYTES) == 0) {
            *ret = &set[i];
            return GW_OK;
        }
    sqlite3_stmt *s = x->q[Q_HEAD];
    sql_blob(s, 1, cid->b, GW_ID_BYTES);
    gw_code rc = one(x, s, &row, err);
    *ret = NULL;
    if (rc == GW_OK && row && sql_str(s, 2).n == DIGEST_BYTES) {
        *ret = &set[x->turn++ % WAYS];
        **ret = (head){.cid = *cid,
                       .used = true,
                       .row = sqlite3_column_int64(s, 0),
                       .cseq = (uint64_t)sqlite3_column_int64(s, 1)};
        memcpy((*ret)->hash, sql_str(s, 2).p, DIGEST_BYTES);
    }
    sqlite3_reset(s);
    return rc;
}

gw_code evindex_head(evindex *x, const gw_id *kase, uint64_t *ret_cseq,
                     uint8_t ret_hash[DIGEST_BYTES], gw_err *err)
{
    head *h;
    gw_code rc = find_head(x, kase, &h, err);
    if (rc != GW_OK)
        return rc;
    if (!h)
        return gw_fail(err, GW_ENOTFOUND, "the case has no record");
    *ret_cseq = h->cseq;
    memcpy(ret_hash, h->hash, DIGEST_BYTES);
    return GW_OK;
}

gw_code evindex_begin(evindex *x, gw_err *err)
{
    memset(x->touched, 0, sizeof x->touched);
    return sql_exec(x->db, "BEGIN IMMEDIATE", "index", err);
}

void evindex_rollback(evindex *x)
{
    sqlite3_exec(x->db, "ROLLBACK", NULL, NULL, NULL);
    memset(x->heads, 0, EVINDEX_CACHE_CASES * sizeof *x->heads);
    x->event_n = 0;
}

gw_code evindex_commit(evindex *x, gw_err *err)
{
    gw_code rc = GW_OK;
    sqlite3_stmt *s = x->q[Q_SET_OUTBOX];
    for (int i = 0; rc == GW_OK && i < EVINDEX_SHARDS; i++) {
        if (!x->touched[i].any)
            continue;
        sqlite3_bind_int(s, 1, i);
        sqlite3_bind_int64(s, 2, (int64_t)x->touched[i].ms);
        sqlite3_bind_int64(s, 3, (int64_t)x->touched[i].seq);
        rc = run(x, s, err);
    }
    return rc == GW_OK ? sql_exec(x->db, "COMMIT", "index", err) : rc;
}

static gw_code event_row(evindex *x, gw_str name, int64_t *ret, gw_err *err)
{
    for (size_t i = 0; i < x->event_n; i++)
        if (gw_str_is(name, x->events[i].name)) {
            *ret = x->events[i].row;
            return GW_OK;
        }
    gw_code rc = name_row(x, Q_EVENT, Q_ADD_EVENT, name, ret, err);
    if (rc == GW_OK && x->event_n < EVINDEX_EVENTS_MAX && name.n < sizeof x->events[0].name) {
        event *e = &x->events[x->event_n++];
        memcpy(e->name, name.p, name.n);
        e->name[name.n] = '\0';
        e->row = *ret;
    }
    return rc;
}

static gw_code put_head(evindex *x, const evindex_entry *e, int64_t *ret_row, gw_err *err)
{
    head *h;
    gw_code rc = find_head(x, &e->kase, &h, err);
    if (rc != GW_OK)
        return rc;
    if (h) {
        sqlite3_stmt *s = x->q[Q_SET_CASE];
        sqlite3_bind_int64(s, 1, (int64_t)e->cseq);
        sql_blob(s, 2, e->hash, DIGEST_BYTES);
        sqlite3_bind_int64(s, 3, POS(e->origin, e->index));
        sqlite3_bind_int64(s, 4, h->row);
        rc = run(x, s, err);
    } else {
        static const gw_id none;
        sqlite3_stmt *s = x->q[Q_ADD_CASE];
        sql_blob(s, 1, e->kase.b, GW_ID_BYTES);
        if (memcmp(e->rcp.b, none.b, GW_ID_BYTES) != 0)
            sql_blob(s, 2, e->rcp.b, GW_ID_BYTES);
        else
            sqlite3_bind_null(s, 2);
        sqlite3_bind_int64(s, 3, (int64_t)e->cseq);
        sql_blob(s, 4, e->hash, DIGEST_BYTES);
        sqlite3_bind_int64(s, 5, POS(e->origin, e->index));
        rc = run(x, s, err);
        h = &set_of(x, &e->kase)[x->turn++ % WAYS];
        *h = (head){.cid = e->kase, .used = rc == GW_OK, .row = sqlite3_last_insert_rowid(x->db)};
    }
    h->cseq = e->cseq;
    memcpy(h->hash, e->hash, DIGEST_BYTES);
    *ret_row = h->row;
    return rc;
}

/* A reminder id is stored as its 16 bytes, any other text as it is. */
static gw_str rid_key(gw_str rid, gw_id *room)
{
    if (gw_id_parse(rid, room, NULL) == GW_OK)
        return (gw_str){(const char *)room->b, GW_ID_BYTES};
    return rid;
}

gw_code evindex_add(evindex *x, const evindex_entry *e, gw_err *err)
{
    int64_t ev = 0;
    int64_t kase = 0;
    gw_id room;
    gw_code rc = event_row(x, e->event, &ev, err);
    if (rc == GW_OK)
        rc = put_head(x, e, &kase, err);
    if (rc != GW_OK)
        return rc;
    sqlite3_stmt *s = x->q[Q_ADD_LEAF];
    gw_str rid = rid_key(e->rid, &room);
    sqlite3_bind_int64(s, 1, POS(e->origin, e->index));
    sqlite3_bind_int64(s, 2, e->place.segment);
    sqlite3_bind_int64(s, 3, (int64_t)e->place.offset);
    sqlite3_bind_int64(s, 4, e->t.ms);
    sqlite3_bind_int64(s, 5, e->tb.ms);
    sqlite3_bind_int64(s, 6, ev);
    sqlite3_bind_int64(s, 7, kase);
    sqlite3_bind_int64(s, 8, (int64_t)e->cseq);
    if (rid.n > 0)
        sql_blob(s, 9, rid.p, rid.n);
    else
        sqlite3_bind_null(s, 9);
    if (e->shard >= 0 && e->shard < EVINDEX_SHARDS)
        x->touched[e->shard] = e->outbox;
    return run(x, s, err);
}

gw_code evindex_positions(evindex *x, evindex_outbox ret[EVINDEX_SHARDS], gw_err *err)
{
    sqlite3_stmt *s = x->q[Q_POSITIONS];
    int step;
    memset(ret, 0, EVINDEX_SHARDS * sizeof *ret);
    while ((step = sqlite3_step(s)) == SQLITE_ROW) {
        int shard = sqlite3_column_int(s, 0);
        if (shard >= 0 && shard < EVINDEX_SHARDS)
            ret[shard] = (evindex_outbox){(uint64_t)sqlite3_column_int64(s, 1),
                                          (uint64_t)sqlite3_column_int64(s, 2), true};
    }
    gw_code rc = step == SQLITE_DONE ? GW_OK : sql_fail(x->db, "index", err);
    sqlite3_reset(s);
    return rc;
}

bool evindex_outbox_parse(gw_str text, int *ret_shard, evindex_outbox *ret)
{
    if (text.n < 6 || text.p[2] != '-')
        return false;
    const char *dash = memchr(text.p + 3, '-', text.n - 3);
    if (!dash || text.p[0] < '0' || text.p[0] > '9' || text.p[1] < '0' || text.p[1] > '9')
        return false;
    int shard = (text.p[0] - '0') * 10 + text.p[1] - '0';
    evindex_outbox o = {.any = true};
    if (shard >= EVINDEX_SHARDS ||
        !note_read_decimal((gw_str){text.p + 3, (size_t)(dash - text.p - 3)}, &o.ms) ||
        !note_read_decimal((gw_str){dash + 1, (size_t)(text.p + text.n - dash - 1)}, &o.seq))
        return false;
    *ret_shard = shard;
    *ret = o;
    return true;
}

/* ---- search ---- */

static gw_code search_text(const evindex_query *q, gw_buf *b, gw_err *err)
{
    const struct {
        bool on;
        const char *text;
    } conditions[] = {
        {q->kase != NULL, " AND l.kase = (SELECT id FROM kase WHERE cid = ?1)"},
        {q->rid.n > 0, " AND l.rid = ?2"},
        {q->event.n > 0, " AND l.ev = (SELECT id FROM evname WHERE name = ?3)"},
        {q->has_from, " AND l.t >= ?4"},
        {q->has_to, " AND l.t < ?5"},
        {q->cseq_first > 0, " AND l.cseq >= ?6"},
        {q->cseq_last > 0, " AND l.cseq <= ?7"},
    };
    gw_buf_puts(b, SELECT_ENTRY " WHERE 1");
    for (size_t i = 0; i < GW_COUNT(conditions); i++)
        if (conditions[i].on)
            gw_buf_puts(b, conditions[i].text);
    gw_buf_puts(b, " ORDER BY l.pos");
    if (q->limit > 0)
        gw_buf_printf(b, " LIMIT %zu", q->limit);
    return gw_buf_code(b, "search", err);
}

static void bind_search(sqlite3_stmt *s, const evindex_query *q, gw_id *room)
{
    if (q->kase)
        sql_blob(s, 1, q->kase->b, GW_ID_BYTES);
    if (q->rid.n > 0) {
        gw_str rid = rid_key(q->rid, room);
        sql_blob(s, 2, rid.p, rid.n);
    }
    if (q->event.n > 0)
        sql_text(s, 3, q->event);
    sqlite3_bind_int64(s, 4, q->from.ms);
    sqlite3_bind_int64(s, 5, q->to.ms);
    sqlite3_bind_int64(s, 6, (int64_t)q->cseq_first);
    sqlite3_bind_int64(s, 7, (int64_t)q->cseq_last);
}

static bool read_row(sqlite3_stmt *s, evindex_entry *e)
{
    uint64_t pos = (uint64_t)sqlite3_column_int64(s, 0);
    gw_str cid = sql_str(s, 6);
    *e = (evindex_entry){
        .origin = (uint32_t)(pos >> 40),
        .index = pos & INDEX_MASK,
        .place = {(uint32_t)sqlite3_column_int64(s, 1), (uint64_t)sqlite3_column_int64(s, 2)},
        .t = {sqlite3_column_int64(s, 3)},
        .tb = {sqlite3_column_int64(s, 4)},
        .event = sql_str(s, 5),
        .cseq = (uint64_t)sqlite3_column_int64(s, 7),
        .shard = -1,
    };
    if (cid.n != GW_ID_BYTES)
        return false;
    memcpy(e->kase.b, cid.p, GW_ID_BYTES);
    return true;
}

void evindex_snapshot(evindex *x)
{
    sqlite3_exec(x->db, "COMMIT", NULL, NULL, NULL); /* of the snapshot before, if any */
    sqlite3_exec(x->db, "BEGIN", NULL, NULL, NULL);
}

gw_code evindex_at(evindex *x, uint32_t origin, uint64_t index, evindex_entry *ret, gw_err *err)
{
    bool row;
    sqlite3_stmt *s = x->q[Q_AT];
    sqlite3_bind_int64(s, 1, POS(origin, index));
    gw_code rc = one(x, s, &row, err);
    if (rc == GW_OK && !row)
        rc =
            gw_fail(err, GW_ENOTFOUND, "entry %llu is not in the index", (unsigned long long)index);
    evindex_entry e;
    if (rc == GW_OK && !read_row(s, &e))
        rc = gw_fail(err, GW_ECORRUPT, "index: a row is malformed; delete the folder index");
    if (rc == GW_OK) {
        snprintf(x->at_event, sizeof x->at_event, "%.*s", GW_STR_ARG(e.event));
        e.event = gw_str_of(x->at_event);
        *ret = e;
    }
    sqlite3_reset(s);
    return rc;
}

gw_code evindex_search(evindex *x, const evindex_query *q, evindex_visit visit, void *ctx,
                       gw_err *err)
{
    sqlite3_stmt *s = NULL;
    gw_id room;
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, 2048);
    gw_code rc = search_text(q, &text, err);
    if (rc != GW_OK)
        return rc;
    if (sqlite3_prepare_v2(x->db, text.data, (int)text.n, &s, NULL) != SQLITE_OK)
        return sql_fail(x->db, "search", err);
    bind_search(s, q, &room);
    int step;
    bool more = true;
    while (more && (step = sqlite3_step(s)) == SQLITE_ROW) {
        evindex_entry e;
        if (!read_row(s, &e)) {
            rc = gw_fail(err, GW_ECORRUPT, "index: a row is malformed; delete the folder index");
            break;
        }
        more = visit(ctx, &e);
    }
    if (rc == GW_OK && more && step != SQLITE_DONE)
        rc = sql_fail(x->db, "search", err);
    sqlite3_finalize(s);
    return rc;
}
