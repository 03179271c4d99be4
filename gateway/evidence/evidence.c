#include "gateway/evidence/store.h"

#include "gateway/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

enum { REQUESTS_EVERY_MS = 250, ISS_MAX = 128 };

static gw_code check_base(const char *base, gw_err *err)
{
    static const char what[] =
        "the origin base must be parts of [A-Za-z0-9._-] joined by '/', at most 160 bytes";
    size_t n = base ? strlen(base) : 0;
    if (n == 0 || n > 160 || base[0] == '/' || base[n - 1] == '/' || strstr(base, "..") ||
        strstr(base, "//"))
        return gw_fail(err, GW_EINVAL, "%s", what);
    for (size_t i = 0; i < n; i++)
        if (!((base[i] >= 'a' && base[i] <= 'z') || (base[i] >= 'A' && base[i] <= 'Z') ||
              (base[i] >= '0' && base[i] <= '9') || strchr("._-/", base[i])))
            return gw_fail(err, GW_EINVAL, "%s", what);
    return GW_OK;
}

/* The last member: in the order of RFC 8785 nothing stands behind it. */
static void put_rules(evidence *ev, const char *hash)
{
    ev->iss.n = ev->iss_fixed_n;
    if (hash)
        json_put_member_str(&ev->iss, "rules", gw_str_of(hash));
    gw_buf_putc(&ev->iss, '}');
}

/* Who wrote a record: the same for every leaf until other rules are in force. */
static gw_code make_iss(evidence *ev, const evidence_config *cfg, gw_err *err)
{
    const struct {
        const char *name, *value;
    } parts[] = {
        {"build", cfg->build},
        {"cfg", cfg->config_hash},
        {"node", cfg->node},
    };
    gw_buf_init(&ev->iss, 2048);
    gw_buf_putc(&ev->iss, '{');
    for (size_t i = 0; i < GW_COUNT(parts); i++) {
        if (!parts[i].value)
            continue;
        if (strlen(parts[i].value) > ISS_MAX)
            return gw_fail(err, GW_EINVAL, "evidence: %s is longer than %d bytes", parts[i].name,
                           ISS_MAX);
        json_put_member_str(&ev->iss, parts[i].name, gw_str_of(parts[i].value));
    }
    ev->iss_fixed_n = ev->iss.n;
    if (cfg->rules_hash && strlen(cfg->rules_hash) > ISS_MAX)
        return gw_fail(err, GW_EINVAL, "evidence: rules is longer than %d bytes", ISS_MAX);
    put_rules(ev, cfg->rules_hash);
    return gw_buf_code(&ev->iss, "issuer", err);
}

void evidence_set_rules(evidence *ev, const char *rules_hash)
{
    if (strlen(rules_hash) > ISS_MAX)
        gw_bug("a hash longer than ISS_MAX");
    pthread_mutex_lock(&ev->lock);
    put_rules(ev, rules_hash);
    pthread_mutex_unlock(&ev->lock);
}

static gw_code take_lock(evidence *ev, gw_err *err)
{
    char path[PATH_MAX + ORIGIN_MAX + 32];
    snprintf(path, sizeof path, "%s/lock", ev->dir);
    ev->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (ev->lock_fd < 0)
        return gw_fail_errno(err, errno, "opening %s", path);
    if (flock(ev->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK
                   ? gw_fail(err, GW_EBUSY, "%s: another process writes this evidence log", path)
                   : gw_fail_errno(err, errno, "locking %s", path);
    return GW_OK;
}

static gw_code make_folders(evidence *ev, const evidence_config *cfg, gw_err *err)
{
    static const char *const folders[] = {"log", "blob", "vault", "index", "requests", "state"};
    char path[PATH_MAX];
    gw_code rc = gw_dir_make(ev->dir, 0700, err);
    for (size_t i = 0; rc == GW_OK && i < GW_COUNT(folders); i++) {
        snprintf(path, sizeof path, "%s/%s", cfg->dir, folders[i]);
        if (i + 1 == GW_COUNT(folders) && cfg->state_dir)
            snprintf(path, sizeof path, "%s", cfg->state_dir);
        rc = gw_dir_make(path, 0700, err);
    }
    snprintf(ev->state_head, sizeof ev->state_head, "%.4000s/head", path);
    return rc;
}

static gw_code load_keys(evidence *ev, const evidence_config *cfg, gw_err *err)
{
    uint8_t mac[CRYPT_MAC];
    gw_str what = GW_STR("dunlin record ids");
    gw_code rc = crypt_key_load(cfg->log_key, ev->seed, err);
    if (rc == GW_OK)
        rc = crypt_key_load(cfg->tenant_key, ev->tenant, err);
    if (rc != GW_OK)
        return rc;
    crypt_hmac((gw_str){(char *)ev->tenant, CRYPT_KEY}, &what, 1, mac);
    memcpy(ev->id_key, mac, sizeof ev->id_key);
    return GW_OK;
}

static gw_code open_parts(evidence *ev, gw_err *err)
{
    char path[PATH_MAX + ORIGIN_MAX + 32];
    snprintf(path, sizeof path, "%s/vault/vault.db", ev->dir);
    gw_code rc = vault_open(path, ev->tenant, false, &ev->vault, err);
    snprintf(path, sizeof path, "%s/index/index.db", ev->dir);
    if (rc == GW_OK)
        rc = evindex_open(path, false, &ev->index, err);
    snprintf(path, sizeof path, "%s/blob/%s", ev->dir, ev->base);
    if (rc == GW_OK)
        rc = blob_open(path, ev->segment_bytes, &ev->blob, err);
    return rc;
}

static gw_code first_records(evidence *ev, const wal_recovery *r, gw_err *err)
{
    gw_code rc = GW_OK;
    int year = current_year_of(gw_clock_now(ev->clock));
    if (r->cut_bytes > 0) {
        char fact[128];
        snprintf(fact, sizeof fact, "{\"cut_bytes\":%llu,\"segment\":%u,\"size\":%llu}",
                 (unsigned long long)r->cut_bytes, r->cut_segment, (unsigned long long)r->size);
        rc = group_log_own(ev, "x-Recovery", gw_str_of(fact), err);
    }
    if (rc == GW_OK && year > ev->year && wal_size(ev->wal) > 0)
        return current_rotate(ev, year, err);
    if (rc == GW_OK)
        rc = current_start_record(ev, err);
    return rc == GW_OK ? current_checkpoint(ev, err) : rc;
}

static void release(evidence *ev)
{
    current_close(ev);
    blob_close(ev->blob);
    evindex_close(ev->index);
    vault_close(ev->vault);
    if (ev->lock_fd >= 0)
        close(ev->lock_fd);
    for (size_t i = 0; i < GW_COUNT(ev->part); i++)
        gw_buf_done(&ev->part[i]);
    gw_buf_done(&ev->plain);
    gw_buf_done(&ev->group.leaves);
    gw_buf_done(&ev->clk);
    gw_buf_done(&ev->iss);
    gw_arena_free(ev->arena);
    sodium_memzero(ev->seed, sizeof ev->seed);
    sodium_memzero(ev->tenant, sizeof ev->tenant);
    sodium_memzero(ev->id_key, sizeof ev->id_key);
    pthread_mutex_destroy(&ev->lock);
    free(ev);
}

static evidence *new_evidence(const evidence_config *cfg, const gw_clock *clock)
{
    evidence *ev = calloc(1, sizeof *ev);
    if (!ev)
        return NULL;
    pthread_mutex_init(&ev->lock, NULL);
    ev->lock_fd = -1;
    ev->clock = clock;
    ev->last_tb.ms = INT64_MIN;
    ev->segment_bytes = cfg->segment_bytes;
    snprintf(ev->dir, sizeof ev->dir, "%s", cfg->dir);
    snprintf(ev->base, sizeof ev->base, "%s", cfg->origin_base);
    for (size_t i = 0; i < GW_COUNT(ev->part); i++)
        gw_buf_init(&ev->part[i], 4 << 20);
    gw_buf_init(&ev->plain, EVIDENCE_BLOB_MAX);
    gw_buf_init(&ev->group.leaves, GROUP_BYTES + (1 << 20));
    gw_buf_init(&ev->clk, 512);
    ev->arena = gw_arena_new(DRAFT_ARENA);
    return ev;
}

gw_code evidence_open(const evidence_config *cfg, const gw_clock *clock, evidence **ret,
                      gw_err *err)
{
    wal_recovery recovery = {.size = 0};
    if (sodium_init() < 0)
        return gw_fail(err, GW_EIO, "libsodium finds no source of randomness");
    gw_code rc = check_base(cfg->origin_base, err);
    if (rc == GW_OK && strlen(cfg->dir) > PATH_MAX / 2)
        rc = gw_fail(err, GW_ELIMIT, "the evidence folder's path is too long");
    if (rc != GW_OK)
        return rc;
    evidence *ev = new_evidence(cfg, clock);
    if (!ev)
        return gw_fail(err, GW_ENOMEM, "opening the evidence log");
    rc = ev->arena ? make_iss(ev, cfg, err) : gw_fail(err, GW_ENOMEM, "opening the evidence log");
    if (rc == GW_OK)
        rc = make_folders(ev, cfg, err);
    if (rc == GW_OK)
        rc = take_lock(ev, err);
    if (rc == GW_OK)
        rc = load_keys(ev, cfg, err);
    if (rc == GW_OK)
        rc = open_parts(ev, err);
    if (rc == GW_OK)
        rc = current_open(ev, &recovery, err);
    if (rc == GW_OK)
        rc = first_records(ev, &recovery, err);
    if (rc != GW_OK) {
        release(ev);
        return gw_wrap(err, rc, "evidence");
    }
    *ret = ev;
    return GW_OK;
}

void evidence_close(evidence *ev)
{
    if (!ev)
        return;
    if (!ev->failed)
        (void)!current_checkpoint(ev, NULL);
    release(ev);
}

/* A later year begins a new log; an earlier one (a clock set back) stays in the newest. */
static gw_code in_this_year(evidence *ev, gw_err *err)
{
    int year = current_year_of(gw_clock_now(ev->clock));
    return year > ev->year ? current_rotate(ev, year, err) : GW_OK;
}

static gw_code check_positions(const evidence_draft *drafts, size_t n, gw_err *err)
{
    int shard;
    evindex_outbox o;
    for (size_t i = 0; i < n; i++)
        if (drafts[i].outbox_pos.n > 0 && !evindex_outbox_parse(drafts[i].outbox_pos, &shard, &o))
            return gw_fail(err, GW_EINVAL, "draft %zu: outbox position must be NN-<ms>-<seq>", i);
    return GW_OK;
}

static gw_code dead(gw_err *err)
{
    return gw_fail(err, GW_EIO, "the evidence log failed earlier; restart the process to recover");
}

gw_code evidence_append(evidence *ev, const evidence_draft *drafts, size_t n, gw_err *err)
{
    gw_code rc = check_positions(drafts, n, err);
    if (rc != GW_OK)
        return rc;
    pthread_mutex_lock(&ev->lock);
    rc = ev->failed ? dead(err) : in_this_year(ev, err);
    for (size_t done = 0, taken = 0; rc == GW_OK && done < n; done += taken)
        rc = group_log(ev, drafts + done, n - done, &taken, err);
    ev->failed = ev->failed || rc == GW_EIO;
    pthread_mutex_unlock(&ev->lock);
    return rc;
}

gw_code evidence_positions(evidence *ev, gw_str ret_last[EVIDENCE_SHARDS])
{
    pthread_mutex_lock(&ev->lock);
    for (int i = 0; i < EVIDENCE_SHARDS; i++) {
        ev->last_text[i][0] = '\0';
        if (ev->last[i].any)
            snprintf(ev->last_text[i], sizeof ev->last_text[i], "%llu-%llu",
                     (unsigned long long)ev->last[i].ms, (unsigned long long)ev->last[i].seq);
        ret_last[i] = gw_str_of(ev->last_text[i]);
    }
    pthread_mutex_unlock(&ev->lock);
    return GW_OK;
}

gw_code evidence_blob_put(evidence *ev, gw_str source, gw_str debtor, gw_str case_id,
                          const char *role, const char *media, gw_str bytes, gw_buf *ret_ref,
                          gw_err *err)
{
    vault_case c;
    if (bytes.n > EVIDENCE_BLOB_MAX)
        return gw_fail(err, GW_ELIMIT, "a content is at most %d bytes", EVIDENCE_BLOB_MAX);
    gw_code rc = vault_get(ev->vault, source, debtor, case_id, &c, err);
    if (rc == GW_OK)
        rc = blob_put(ev->blob, &c, role, media, bytes, ret_ref, err);
    sodium_memzero(&c, sizeof c);
    return rc;
}

gw_code evidence_blob_sync(evidence *ev, gw_err *err)
{
    gw_code rc = vault_flush(ev->vault, err);
    return rc == GW_OK ? blob_sync(ev->blob, err) : rc;
}

gw_code evidence_checkpoint(evidence *ev, gw_err *err)
{
    pthread_mutex_lock(&ev->lock);
    gw_code rc = ev->failed ? dead(err) : current_checkpoint(ev, err);
    pthread_mutex_unlock(&ev->lock);
    return rc;
}

gw_code evidence_tick(evidence *ev, gw_mono now, gw_err *err)
{
    gw_code rc = GW_OK;
    pthread_mutex_lock(&ev->lock);
    if (ev->failed)
        rc = dead(err);
    if (rc == GW_OK && now.ms - ev->requests_read.ms >= REQUESTS_EVERY_MS) {
        ev->requests_read = now;
        rc = in_this_year(ev, err);
        if (rc == GW_OK)
            rc = request_serve(ev, err);
    }
    if (rc == GW_OK && ev->news && now.ms - ev->news_since.ms >= EVIDENCE_CHECKPOINT_MS)
        rc = current_checkpoint(ev, err);
    pthread_mutex_unlock(&ev->lock);
    return rc;
}

void evidence_size(evidence *ev, char ret_origin[256], uint64_t *ret_size)
{
    pthread_mutex_lock(&ev->lock);
    snprintf(ret_origin, 256, "%s", ev->origin);
    *ret_size = wal_size(ev->wal);
    pthread_mutex_unlock(&ev->lock);
}
