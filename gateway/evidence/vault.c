#include "gateway/evidence/vault.h"

#include "gateway/evidence/sqlite.h"

#include <pthread.h>
#include <sodium.h>
#include <sys/stat.h>

enum {
    WAYS = 4,
    SETS = VAULT_CACHE_CASES / WAYS,
    WRAPPED = CRYPT_KEY + CRYPT_OVERHEAD,
    FORMAT = 1
};

typedef struct {
    gw_id name; /* keyed id of (source, debtor, case); zero: free */
    vault_case value;
} slot;

enum { Q_SUBJECT, Q_CASE, Q_ADD_SUBJECT, Q_ADD_CASE, Q_WHO, Q_FIND, Q_ALL, Q_SOURCES, Q_COUNT };

static const char *const queries[Q_COUNT] = {
    [Q_SUBJECT] = "SELECT sid FROM subject WHERE source = ?1 AND debtor = ?2",
    [Q_CASE] = "SELECT cid, key FROM vcase WHERE sid = ?1 AND name = ?2",
    [Q_ADD_SUBJECT] = "INSERT INTO subject(sid, source, debtor) VALUES(?1, ?2, ?3)",
    [Q_ADD_CASE] = "INSERT INTO vcase(cid, sid, name, key) VALUES(?1, ?2, ?3, ?4)",
    [Q_WHO] = "SELECT s.source, s.debtor, c.name, c.key, s.sid FROM vcase c JOIN subject s "
              "ON s.sid = c.sid WHERE c.cid = ?1",
    [Q_FIND] = "SELECT c.cid FROM vcase c JOIN subject s ON s.sid = c.sid WHERE (?1 IS NULL OR "
               "s.source = ?1) AND (?2 IS NULL OR s.debtor = ?2) AND (?3 IS NULL OR c.name = ?3)",
    [Q_SOURCES] = "SELECT source FROM subject WHERE debtor = '' ORDER BY source LIMIT ?1",
    [Q_ALL] = "SELECT s.source, s.debtor, c.name, c.key, s.sid, c.cid FROM vcase c LEFT JOIN "
              "subject s ON s.sid = c.sid",
};

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS subject(sid BLOB PRIMARY KEY, source TEXT NOT NULL, debtor TEXT "
    "NOT NULL, UNIQUE(source, debtor)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS vcase(cid BLOB PRIMARY KEY, sid BLOB NOT NULL, name TEXT NOT NULL, "
    "key BLOB NOT NULL, UNIQUE(sid, name)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS subject_debtor ON subject(debtor);"
    "CREATE INDEX IF NOT EXISTS vcase_name ON vcase(name);"
    "PRAGMA user_version = 1;";

struct vault {
    pthread_mutex_t lock;
    sqlite3 *db;
    sqlite3_stmt *q[Q_COUNT];
    uint8_t tenant[CRYPT_KEY];
    uint8_t naming[GW_ID_KEY_BYTES]; /* of this process: keys of the cache */
    slot *cache;                     /* SETS x WAYS */
    uint8_t turn;
    crypt_pool pool;
    bool pending, failed;
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

static gw_code prepare(vault *v, bool read_only, gw_err *err)
{
    gw_code rc = GW_OK;
    int version = version_of(v->db);
    if (version > FORMAT)
        return gw_fail(err, GW_EINVAL, "vault: format %d is newer than this program", version);
    if (!read_only)
        rc = sql_exec(v->db,
                      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; "
                      "PRAGMA secure_delete = ON; PRAGMA cache_size = -65536; "
                      "PRAGMA wal_autocheckpoint = 16384;",
                      "vault", err);
    if (rc == GW_OK && !read_only && version < FORMAT)
        rc = sql_exec(v->db, schema, "vault", err);
    for (int i = 0; rc == GW_OK && i < Q_COUNT; i++)
        rc = sql_prepare(v->db, queries[i], &v->q[i], err);
    return rc;
}

/* One row is enough to see a wrong tenant key before anything is written under it. */
static gw_code try_tenant_key(vault *v, gw_err *err)
{
    sqlite3_stmt *s = NULL;
    gw_id cid;
    bool any = false;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(1 << 16);
    gw_str out[3];
    uint8_t key[CRYPT_KEY];
    if (!arena)
        return gw_fail(err, GW_ENOMEM, "opening the vault");
    if (sqlite3_prepare_v2(v->db, "SELECT cid FROM vcase LIMIT 1", -1, &s, NULL) == SQLITE_OK &&
        sqlite3_step(s) == SQLITE_ROW && sql_str(s, 0).n == GW_ID_BYTES) {
        memcpy(cid.b, sql_str(s, 0).p, GW_ID_BYTES);
        any = true;
    }
    sqlite3_finalize(s);
    if (!any)
        return GW_OK;
    gw_code rc = vault_who(v, &cid, arena, &out[0], &out[1], &out[2], key, err);
    sodium_memzero(key, sizeof key);
    if (rc == GW_ECORRUPT)
        return gw_fail(err, GW_EINVAL,
                       "the tenant key does not open this vault: is it another installation's?");
    return rc;
}

gw_code vault_open(const char *path, const uint8_t tenant_key[CRYPT_KEY], bool read_only,
                   vault **ret, gw_err *err)
{
    GW_AUTO(vault_close) vault *v = calloc(1, sizeof *v);
    if (!v || !(v->cache = calloc(VAULT_CACHE_CASES, sizeof *v->cache)))
        return gw_fail(err, GW_ENOMEM, "opening the vault");
    pthread_mutex_init(&v->lock, NULL);
    if (tenant_key)
        memcpy(v->tenant, tenant_key, CRYPT_KEY);
    randombytes_buf(v->naming, sizeof v->naming);
    gw_code rc = sql_open(path, read_only, &v->db, err);
    if (rc == GW_OK && !read_only)
        chmod(path, 0600);
    if (rc == GW_OK)
        rc = prepare(v, read_only, err);
    if (rc == GW_OK && tenant_key)
        rc = try_tenant_key(v, err);
    if (rc != GW_OK)
        return rc;
    *ret = v;
    v = NULL;
    return GW_OK;
}

void vault_close(vault *v)
{
    if (!v)
        return;
    for (int i = 0; i < Q_COUNT; i++)
        sqlite3_finalize(v->q[i]);
    sqlite3_close(v->db);
    if (v->cache) {
        sodium_memzero(v->cache, VAULT_CACHE_CASES * sizeof *v->cache);
        pthread_mutex_destroy(&v->lock);
    }
    free(v->cache);
    sodium_memzero(v->tenant, sizeof v->tenant);
    free(v);
}

void vault_salt(const uint8_t key[CRYPT_KEY], const gw_id *id, gw_str name,
                uint8_t ret[RECORD_SALT])
{
    uint8_t mac[CRYPT_MAC];
    gw_str parts[] = {GW_STR("salt"), {(const char *)id->b, GW_ID_BYTES}, name};
    crypt_hmac((gw_str){(const char *)key, CRYPT_KEY}, parts, GW_COUNT(parts), mac);
    memcpy(ret, mac, RECORD_SALT);
}

/* What a wrapped key is bound to. */
static gw_code put_binding(gw_buf *b, gw_str sid, gw_str cid, gw_str source, gw_str debtor,
                           gw_str name)
{
    gw_str parts[] = {sid, cid, source, debtor, name};
    gw_buf_puts(b, "dunlin vault key 1");
    for (size_t i = 0; i < GW_COUNT(parts); i++) {
        gw_buf_printf(b, "|%zu|", parts[i].n);
        gw_buf_put_str(b, parts[i]);
    }
    return b->code;
}

static gw_code fail_for_ever(vault *v, gw_err *err)
{
    v->failed = true;
    return gw_wrap(err, GW_EIO, "vault");
}

static gw_code begin(vault *v, gw_err *err)
{
    if (v->pending)
        return GW_OK;
    gw_code rc = sql_exec(v->db, "BEGIN IMMEDIATE", "vault", err);
    v->pending = rc == GW_OK;
    return rc;
}

static gw_code run(vault *v, sqlite3_stmt *s, gw_err *err)
{
    int rc = sqlite3_step(s);
    gw_code code = rc == SQLITE_DONE ? GW_OK : sql_fail(v->db, "vault", err);
    sqlite3_reset(s);
    return code;
}

static gw_code subject(vault *v, gw_str source, gw_str debtor, gw_id *ret, gw_err *err)
{
    sqlite3_stmt *s = v->q[Q_SUBJECT];
    sql_text(s, 1, source);
    sql_text(s, 2, debtor);
    int step = sqlite3_step(s);
    if (step == SQLITE_ROW && sql_str(s, 0).n == GW_ID_BYTES)
        memcpy(ret->b, sql_str(s, 0).p, GW_ID_BYTES);
    else if (step != SQLITE_DONE)
        return sql_fail(v->db, "vault", err);
    sqlite3_reset(s);
    if (step == SQLITE_ROW)
        return GW_OK;
    gw_code rc = begin(v, err);
    if (rc != GW_OK)
        return rc;
    crypt_random(&v->pool, ret->b, GW_ID_BYTES);
    s = v->q[Q_ADD_SUBJECT];
    sql_blob(s, 1, ret->b, GW_ID_BYTES);
    sql_text(s, 2, source);
    sql_text(s, 3, debtor);
    return run(v, s, err);
}

static bool unwrap(const vault *v, gw_str sid, gw_str cid, gw_str source, gw_str debtor,
                   gw_str name, gw_str wrapped, uint8_t key[CRYPT_KEY])
{
    GW_AUTO_BUF gw_buf ad;
    gw_buf_init(&ad, 4096);
    return put_binding(&ad, sid, cid, source, debtor, name) == GW_OK && wrapped.n == WRAPPED &&
           crypt_unseal(v->tenant, gw_buf_str(&ad), (const uint8_t *)wrapped.p, wrapped.n, key);
}

static gw_str id_str(const gw_id *id)
{
    return (gw_str){(const char *)id->b, GW_ID_BYTES};
}

static gw_code new_case(vault *v, gw_str source, gw_str debtor, gw_str name, vault_case *c,
                        gw_err *err)
{
    uint8_t wrapped[WRAPPED];
    GW_AUTO_BUF gw_buf ad;
    gw_buf_init(&ad, 4096);
    gw_code rc = begin(v, err);
    if (rc != GW_OK)
        return rc;
    crypt_random(&v->pool, c->kase.b, GW_ID_BYTES);
    randombytes_buf(c->key, sizeof c->key);
    if (put_binding(&ad, id_str(&c->subject), id_str(&c->kase), source, debtor, name) != GW_OK)
        return gw_buf_code(&ad, "vault", err);
    crypt_seal(&v->pool, v->tenant, gw_buf_str(&ad), c->key, sizeof c->key, wrapped);
    sqlite3_stmt *s = v->q[Q_ADD_CASE];
    sql_blob(s, 1, c->kase.b, GW_ID_BYTES);
    sql_blob(s, 2, c->subject.b, GW_ID_BYTES);
    sql_text(s, 3, name);
    sql_blob(s, 4, wrapped, sizeof wrapped);
    c->fresh = true;
    return run(v, s, err);
}

static gw_code find_case(vault *v, gw_str source, gw_str debtor, gw_str name, vault_case *c,
                         gw_err *err)
{
    gw_code rc = subject(v, source, GW_STR(""), &c->sender, err);
    if (rc == GW_OK)
        rc = subject(v, source, debtor, &c->subject, err);
    if (rc != GW_OK)
        return rc;
    sqlite3_stmt *s = v->q[Q_CASE];
    sql_blob(s, 1, c->subject.b, GW_ID_BYTES);
    sql_text(s, 2, name);
    int step = sqlite3_step(s);
    bool opened = false;
    if (step == SQLITE_ROW && sql_str(s, 0).n == GW_ID_BYTES) {
        memcpy(c->kase.b, sql_str(s, 0).p, GW_ID_BYTES);
        opened = unwrap(v, id_str(&c->subject), id_str(&c->kase), source, debtor, name,
                        sql_str(s, 1), c->key);
    }
    rc = step == SQLITE_ROW || step == SQLITE_DONE ? GW_OK : sql_fail(v->db, "vault", err);
    sqlite3_reset(s);
    if (step == SQLITE_ROW && !opened)
        return gw_fail(err, GW_ECORRUPT, "vault: a wrapped key does not open; restore vault.db");
    return rc == GW_OK && step == SQLITE_DONE ? new_case(v, source, debtor, name, c, err) : rc;
}

static slot *set_of(vault *v, const gw_id *name)
{
    uint64_t h;
    memcpy(&h, name->b, sizeof h);
    return &v->cache[h % SETS * WAYS];
}

static gw_code get_locked(vault *v, gw_str source, gw_str debtor, gw_str name, vault_case *ret,
                          gw_err *err)
{
    gw_id id;
    gw_str parts[] = {source, debtor, name};
    if (v->failed)
        return gw_fail(err, GW_EIO, "the vault failed earlier; restart the process to recover");
    gw_id_keyed(v->naming, parts, GW_COUNT(parts), &id);
    slot *set = set_of(v, &id);
    for (int i = 0; i < WAYS; i++)
        if (memcmp(set[i].name.b, id.b, GW_ID_BYTES) == 0) {
            *ret = set[i].value;
            return GW_OK;
        }
    vault_case c = {.fresh = false};
    bool others = v->pending;
    gw_code rc = find_case(v, source, debtor, name, &c, err);
    if (rc != GW_OK && v->pending && sqlite3_get_autocommit(v->db)) {
        v->pending = false; /* SQLite undid the transaction: keys given out before are lost */
        return others ? fail_for_ever(v, err) : rc;
    }
    if (rc != GW_OK)
        return rc;
    slot *to = &set[v->turn++ % WAYS];
    to->name = id;
    to->value = c;
    to->value.fresh = false;
    *ret = c;
    sodium_memzero(&c, sizeof c);
    return GW_OK;
}

gw_code vault_get(vault *v, gw_str source, gw_str debtor, gw_str name, vault_case *ret, gw_err *err)
{
    if (source.n > VAULT_NAME_MAX || debtor.n > VAULT_NAME_MAX || name.n > VAULT_NAME_MAX)
        return gw_fail(err, GW_ELIMIT, "source, debtor id and case have at most %d bytes each",
                       VAULT_NAME_MAX);
    pthread_mutex_lock(&v->lock);
    gw_code rc = get_locked(v, source, debtor, name, ret, err);
    pthread_mutex_unlock(&v->lock);
    return rc;
}

gw_code vault_flush(vault *v, gw_err *err)
{
    gw_code rc = GW_OK;
    pthread_mutex_lock(&v->lock);
    if (v->failed)
        rc = gw_fail(err, GW_EIO, "the vault failed earlier; restart the process to recover");
    else if (v->pending) {
        rc = sql_exec(v->db, "COMMIT", "vault", err);
        bool undone = rc != GW_OK && sqlite3_get_autocommit(v->db);
        if (rc == GW_EIO || undone)
            rc = fail_for_ever(v, err);
        v->pending = rc != GW_OK; /* a full disk: the transaction waits for the next flush */
    }
    pthread_mutex_unlock(&v->lock);
    return rc;
}

static gw_code who_locked(vault *v, const gw_id *kase, gw_arena *arena, gw_str out[3], uint8_t *key,
                          gw_err *err)
{
    sqlite3_stmt *s = v->q[Q_WHO];
    sql_blob(s, 1, kase->b, GW_ID_BYTES);
    int step = sqlite3_step(s);
    if (step == SQLITE_DONE)
        return gw_fail(err, GW_ENOTFOUND, "the case is not in the vault: never seen, or erased");
    if (step != SQLITE_ROW)
        return sql_fail(v->db, "vault", err);
    for (int i = 0; i < 3; i++) {
        out[i].n = sql_str(s, i).n;
        out[i].p = gw_arena_copy(arena, sql_str(s, i));
        if (!out[i].p)
            return gw_fail(err, GW_ENOMEM, "reading the vault");
    }
    if (key && !unwrap(v, sql_str(s, 4), id_str(kase), out[0], out[1], out[2], sql_str(s, 3), key))
        return gw_fail(err, GW_ECORRUPT, "vault: a wrapped key does not open");
    return GW_OK;
}

gw_code vault_who(vault *v, const gw_id *kase, gw_arena *arena, gw_str *ret_source,
                  gw_str *ret_debtor, gw_str *ret_name, uint8_t *ret_key, gw_err *err)
{
    gw_str out[3];
    pthread_mutex_lock(&v->lock);
    gw_code rc = who_locked(v, kase, arena, out, ret_key, err);
    sqlite3_reset(v->q[Q_WHO]);
    pthread_mutex_unlock(&v->lock);
    if (rc != GW_OK)
        return rc;
    *ret_source = out[0];
    *ret_debtor = out[1];
    *ret_name = out[2];
    return GW_OK;
}

gw_code vault_find(vault *v, gw_str source, gw_str debtor, gw_str name, vault_visit visit,
                   void *ctx, gw_err *err)
{
    gw_str args[] = {source, debtor, name};
    sqlite3_stmt *s = v->q[Q_FIND];
    gw_code rc = GW_OK;
    pthread_mutex_lock(&v->lock);
    for (int i = 0; i < 3; i++) {
        if (args[i].p)
            sql_text(s, i + 1, args[i]);
        else
            sqlite3_bind_null(s, i + 1);
    }
    int step;
    while (rc == GW_OK && (step = sqlite3_step(s)) == SQLITE_ROW) {
        gw_id cid;
        if (sql_str(s, 0).n != GW_ID_BYTES)
            continue;
        memcpy(cid.b, sql_str(s, 0).p, GW_ID_BYTES);
        rc = visit(ctx, &cid, err);
    }
    if (rc == GW_OK && step != SQLITE_DONE)
        rc = sql_fail(v->db, "vault", err);
    sqlite3_reset(s);
    pthread_mutex_unlock(&v->lock);
    return rc;
}

gw_code vault_sources(vault *v, gw_arena *arena, gw_str **ret, size_t *ret_n, gw_err *err)
{
    sqlite3_stmt *s = v->q[Q_SOURCES];
    gw_str *names = gw_arena_alloc(arena, VAULT_SOURCES_MAX * sizeof *names);
    size_t n = 0;
    int step = SQLITE_DONE;
    gw_code rc = names ? GW_OK : gw_fail(err, GW_ENOMEM, "reading the vault");
    pthread_mutex_lock(&v->lock);
    sqlite3_bind_int(s, 1, VAULT_SOURCES_MAX);
    while (rc == GW_OK && (step = sqlite3_step(s)) == SQLITE_ROW) {
        names[n] = (gw_str){gw_arena_copy(arena, sql_str(s, 0)), sql_str(s, 0).n};
        if (!names[n++].p)
            rc = gw_fail(err, GW_ENOMEM, "reading the vault");
    }
    if (rc == GW_OK && step != SQLITE_DONE)
        rc = sql_fail(v->db, "vault", err);
    sqlite3_reset(s);
    pthread_mutex_unlock(&v->lock);
    if (rc == GW_OK) {
        *ret = names;
        *ret_n = n;
    }
    return rc;
}

gw_code vault_check(vault *v, uint64_t *ret_cases, gw_err *err)
{
    sqlite3_stmt *s = v->q[Q_ALL];
    gw_code rc = GW_OK;
    uint64_t n = 0;
    pthread_mutex_lock(&v->lock);
    int step;
    while (rc == GW_OK && (step = sqlite3_step(s)) == SQLITE_ROW) {
        uint8_t key[CRYPT_KEY];
        char text[GW_ID_TEXT] = "?";
        gw_id cid;
        if (sql_str(s, 5).n == GW_ID_BYTES) {
            memcpy(cid.b, sql_str(s, 5).p, GW_ID_BYTES);
            gw_id_format(&cid, text);
        }
        if (!unwrap(v, sql_str(s, 4), sql_str(s, 5), sql_str(s, 0), sql_str(s, 1), sql_str(s, 2),
                    sql_str(s, 3), key))
            rc = gw_fail(err, GW_ECORRUPT, "vault: the key of case %s does not open", text);
        sodium_memzero(key, sizeof key);
        n++;
    }
    if (rc == GW_OK && step != SQLITE_DONE)
        rc = sql_fail(v->db, "vault", err);
    sqlite3_reset(s);
    pthread_mutex_unlock(&v->lock);
    if (rc == GW_OK)
        *ret_cases = n;
    return rc;
}
