/* roles_open.c - the keys, the state store with its clock, the log. */
#include "gateway/base/file.h"
#include "gateway/base/log.h"
#include "gateway/base/time.h"
#include "gateway/roles_internal.h"

#include <sodium.h>
#include <time.h>
#include <unistd.h>

/* ---- keys ---- */

static gw_code read_hex_key(const config *c, const char *name, uint8_t ret[GW_ID_KEY_BYTES],
                            gw_err *err)
{
    char path[CONFIG_PATH_BYTES];
    size_t n = 0;
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, 256);
    config_data_path(c, name, path);
    gw_code rc = gw_file_read(path, &text, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "run `dunlin up` once, it makes the keys");
    bool good = sodium_hex2bin(ret, GW_ID_KEY_BYTES, text.data, text.n, "\n", &n, NULL) == 0 &&
                n == GW_ID_KEY_BYTES;
    gw_buf_wipe(&text);
    return good ? GW_OK : gw_fail(err, GW_EINVAL, "%s: 64 hex digits are expected", name);
}

gw_code roles_open_keys(roles *r, gw_err *err)
{
    char path[CONFIG_PATH_BYTES];
    gw_code rc = read_hex_key(r->c, "keys/id.key", r->id_key, err);
    config_data_path(r->c, "keys/gateway.key", path);
    return rc == GW_OK ? curve_load(path, &r->pair, err) : rc;
}

/* ---- the state store and the clock ---- */

gw_code roles_open_store(roles *r, gw_err *err)
{
    const config *c = r->c;
    r->store = (state_config){
        .unix_socket = *c->redis_socket ? c->redis_socket : NULL,
        .host = c->redis_host,
        .port = (int)c->redis_port,
        .password_file = *c->redis_password_file ? c->redis_password_file : NULL,
        .timeout_ms = (int)c->redis_timeout_ms,
    };
    GW_AUTO(state_close) state *s = NULL;
    gw_code rc = state_open(&r->store, &s, err);
    gw_mono from = gw_mono_now();
    while (rc == GW_OK) {
        rc = state_setup(s, err);
        if (rc != GW_EBUSY || gw_mono_now().ms - from.ms > ROLES_STORE_WAIT_MS)
            break;
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL); /* Redis is still starting */
        rc = GW_OK;
    }
    if (rc != GW_OK)
        return rc;

    gw_wall stored;
    bool manual;
    rc = state_clock_get(s, &manual, &stored, err);
    if (rc != GW_OK)
        return rc;
    if (manual && !c->clock_movable)
        return gw_fail(err, GW_EREFUSED,
                       "this data folder stands at a moved clock; set clock.movable, or release "
                       "the clock first");
    if (!manual && c->clock_movable && *c->clock_start) {
        rc = gw_time_parse(gw_str_of(c->clock_start), &stored, err);
        if (rc == GW_OK)
            rc = state_clock_set(s, &stored, err);
        manual = true;
    }
    if (rc == GW_OK && manual)
        gw_clock_set(r->clock, stored);
    return rc;
}

/* ---- evidence ---- */

/* The log cannot be trusted any more: a new start verifies and recovers it. */
static void evidence_failed(void *arg)
{
    (void)arg;
    gw_log(GW_LOG_ERROR, "the evidence log failed; the process ends", NULL);
    _exit(1);
}

/* A store that knows no log beside a log with records was lost: to go on would forget every
 * consent, cap and hold. */
static gw_code know_store(const roles *r, gw_err *err)
{
    GW_AUTO(state_close) state *s = NULL;
    gw_str last[EVIDENCE_SHARDS];
    char origin[256];
    uint64_t size;
    bool known = false;
    bool logged = false;
    gw_code rc = state_open(&r->store, &s, err);
    if (rc == GW_OK)
        rc = state_log_known(s, &known, err);
    if (rc != GW_OK || known)
        return rc;
    rc = evidence_positions(r->ev, last);
    if (rc != GW_OK)
        return gw_fail(err, rc, "reading the log's positions");
    for (int i = 0; i < EVIDENCE_SHARDS; i++)
        logged = logged || last[i].n > 0;
    if (logged)
        return gw_fail(err, GW_EREFUSED,
                       "the state store is empty but the evidence log is not: the store was lost. "
                       "Run `dunlin rebuild`; nothing is sent until then");
    evidence_size(r->ev, origin, &size);
    return state_log_set(s, gw_str_of(origin), err);
}

gw_code roles_open_evidence(roles *r, gw_err *err)
{
    char dir[CONFIG_PATH_BYTES], log_key[CONFIG_PATH_BYTES], tenant_key[CONFIG_PATH_BYTES];
    config_data_path(r->c, "evidence", dir);
    config_data_path(r->c, "keys/log.key", log_key);
    config_data_path(r->c, "keys/tenant.key", tenant_key);
    evidence_config ec = {.dir = dir,
                          .origin_base = r->c->evidence_origin,
                          .log_key = log_key,
                          .tenant_key = tenant_key,
                          .node = r->c->evidence_node,
                          .build = DUNLIN_VERSION,
                          .config_hash = r->c->hash,
                          .rules_hash = policy_rules_hash(r->rules)};
    gw_code rc = evidence_open(&ec, r->clock, &r->ev, err);
    if (rc == GW_OK)
        rc = know_store(r, err);
    if (rc == GW_OK)
        rc = recorder_start(&r->store, r->ev, evidence_failed, NULL, &r->recorder, err);
    return rc;
}
