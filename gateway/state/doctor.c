/* doctor.c - is this Redis fit to stand behind an acknowledgement? The rows say what and why. */
#include "gateway/state/doctor.h"

#include "gateway/state/function.h"

#include <stdio.h>

typedef struct {
    state_finding *at;
    size_t cap, n;
} findings;

static void add(findings *f, state_severity severity, const char *name, const char *what,
                const char *remedy)
{
    if (f->n == f->cap)
        return;
    state_finding *x = &f->at[f->n++];
    *x = (state_finding){.severity = severity, .name = name};
    snprintf(x->what, sizeof x->what, "%s", what);
    snprintf(x->remedy, sizeof x->remedy, "%s", remedy);
}

/* ---- CONFIG ---- */

typedef enum { MUST_BE, MUST_NOT_BE, MUST_NOT_START } rule_kind;

/* Measured, Redis 7.0.15, fsync stalled 1.5 s, then kill -9: everysec lost 277,000 to 1.3 million
 * acknowledged writes, because write() itself waits for the background fsync. */
static const struct {
    const char *key;
    rule_kind rule;
    state_severity severity;
    const char *value, *what, *remedy;
} settings[] = {
    {"appendonly", MUST_BE, STATE_FATAL, "yes",
     "without the append-only file a restart forgets acknowledged jobs", "set appendonly yes"},
    {"appendfsync", MUST_BE, STATE_FATAL, "always",
     "acknowledged jobs are lost in a crash: with everysec and a slow disk up to 1.3 million "
     "acknowledged writes were measured lost",
     "set appendfsync always"},
    {"no-appendfsync-on-rewrite", MUST_BE, STATE_FATAL, "no",
     "during a rewrite of the append-only file nothing is synced",
     "set no-appendfsync-on-rewrite no"},
    {"maxmemory-policy", MUST_NOT_START, STATE_FATAL, "allkeys-",
     "Redis may evict reminders when memory is short", "set maxmemory-policy noeviction"},
    {"maxmemory-policy", MUST_NOT_START, STATE_WARNING, "volatile-",
     "eviction is on, though no key of ours expires", "set maxmemory-policy noeviction"},
    {"aof-load-truncated", MUST_BE, STATE_NOTE, "yes",
     "after a torn last write Redis refuses to start until redis-check-aof has run",
     "nothing if that is meant; the torn write was never acknowledged"},
    {"maxmemory", MUST_NOT_BE, STATE_NOTE, "0",
     "no memory limit: the kernel kills Redis before it can answer busy",
     "set maxmemory to about two thirds of the machine"},
};

static bool breaks(rule_kind rule, gw_str got, const char *value)
{
    switch (rule) {
    case MUST_BE:
        return !gw_str_is(got, value);
    case MUST_NOT_BE:
        return gw_str_is(got, value);
    case MUST_NOT_START:
        return got.n >= strlen(value) && memcmp(got.p, value, strlen(value)) == 0;
    }
    return true;
}

static gw_code look_at_config(state *s, findings *f, gw_err *err)
{
    for (size_t i = 0; i < GW_COUNT(settings); i++) {
        conn_command(s, 3, "CONFIG");
        conn_arg_z(s, "GET");
        conn_arg_z(s, settings[i].key);
    }
    bool forbidden = false;
    for (size_t i = 0; i < GW_COUNT(settings); i++) {
        CONN_REPLY *r = NULL;
        gw_code rc = conn_reply(s, &r, err);
        if (rc == GW_EREFUSED || rc == GW_ECORRUPT) { /* NOPERM, or renamed away: unknown command */
            forbidden = true;
            continue;
        }
        if (rc != GW_OK)
            return rc;
        if (r->type != REDIS_REPLY_ARRAY || r->elements != 2)
            return conn_unexpected("CONFIG GET", err);
        gw_str got = conn_text(r->element[1]);
        if (!breaks(settings[i].rule, got, settings[i].value))
            continue;
        char what[192];
        snprintf(what, sizeof what, "%s is %.*s: %s", settings[i].key, got.n < 32 ? (int)got.n : 32,
                 got.p, settings[i].what);
        add(f, settings[i].severity, settings[i].key, what, settings[i].remedy);
    }
    if (forbidden)
        add(f, STATE_WARNING, "config",
            "we may not read CONFIG, so nobody checked that acknowledged writes are on disk",
            "allow CONFIG GET to our user, or check appendonly yes, appendfsync always, "
            "noeviction");
    return GW_OK;
}

/* ---- INFO ---- */

/* Value of "key:value\r\n" in the text of INFO. */
static gw_str info(gw_str all, const char *key)
{
    size_t n = strlen(key);
    for (const char *p = all.p; p && p < all.p + all.n;) {
        size_t left = all.n - (size_t)(p - all.p);
        const char *end = memchr(p, '\n', left);
        size_t line = end ? (size_t)(end - p) : left;
        if (line > n && memcmp(p, key, n) == 0 && p[n] == ':') {
            gw_str v = {p + n + 1, line - n - 1};
            while (v.n && v.p[v.n - 1] == '\r')
                v.n--;
            return v;
        }
        p = end ? end + 1 : NULL;
    }
    return (gw_str){NULL, 0};
}

static const struct {
    const char *key;
    rule_kind rule;
    state_severity severity;
    const char *value, *what, *remedy;
} facts[] = {
    {"aof_last_write_status", MUST_BE, STATE_FATAL, "ok",
     "the last write of the append-only file failed", "free disk space, see the log of Redis"},
    {"aof_last_bgrewrite_status", MUST_BE, STATE_WARNING, "ok",
     "the last rewrite of the append-only file failed, so it keeps growing",
     "free disk space, then BGREWRITEAOF"},
    {"role", MUST_NOT_BE, STATE_FATAL, "slave", "this Redis is a replica and takes no writes",
     "point the configuration at the primary"},
    {"cluster_enabled", MUST_NOT_BE, STATE_WARNING, "1",
     "this is a cluster node: one connection reaches only its own slots",
     "use one primary with replicas; the keys are ready for a cluster, the connection is not"},
};

static void look_at_replicas(gw_str text, findings *f)
{
    gw_str replicas = info(text, "connected_slaves");
    gw_str good = info(text, "min_slaves_good_slaves"); /* present only with min-replicas */
    if (replicas.n && !gw_str_is(replicas, "0") && !good.n)
        add(f, STATE_WARNING, "min-replicas-to-write",
            "replicas exist, but writes are accepted while none of them follows",
            "set min-replicas-to-write 1; a failover may still lose the newest acknowledged "
            "writes");
}

static void look_at_version(gw_str text, findings *f)
{
    gw_str version = info(text, "redis_version");
    int major = 0;
    for (size_t i = 0; i < version.n && version.p[i] >= '0' && version.p[i] <= '9'; i++)
        major = major * 10 + (version.p[i] - '0');
    if (major >= 7)
        return;
    char what[192];
    snprintf(what, sizeof what, "Redis %.*s has no functions: 7.0 or later is needed",
             version.n < 16 ? (int)version.n : 16, version.n ? version.p : "?");
    add(f, STATE_FATAL, "redis_version", what, "upgrade Redis");
}

static gw_code look_at_info(state *s, findings *f, gw_err *err)
{
    conn_command(s, 1, "INFO");
    CONN_REPLY *r = NULL;
    gw_code rc = conn_reply(s, &r, err);
    if (rc == GW_EREFUSED || rc == GW_ECORRUPT) {
        add(f, STATE_WARNING, "info", "we may not ask for INFO: version and health are unchecked",
            "allow INFO to our user");
        return GW_OK;
    }
    if (rc != GW_OK)
        return rc;
    gw_str text = conn_text(r);
    look_at_version(text, f);
    for (size_t i = 0; i < GW_COUNT(facts); i++) {
        gw_str got = info(text, facts[i].key);
        if (got.n && breaks(facts[i].rule, got, facts[i].value))
            add(f, facts[i].severity, facts[i].key, facts[i].what, facts[i].remedy);
    }
    look_at_replicas(text, f);
    return GW_OK;
}

gw_code doctor_server(state *s, state_finding *ret, size_t cap, size_t *ret_n, gw_err *err)
{
    findings f = {.at = ret, .cap = cap};
    gw_code rc = conn_begin(s, false, err);
    if (rc == GW_OK)
        rc = look_at_info(s, &f, err);
    if (rc == GW_OK)
        rc = look_at_config(s, &f, err);
    conn_end(s);
    if (rc == GW_OK)
        *ret_n = f.n;
    return rc;
}

/* ---- functions and meta, only looked at ---- */

static const struct {
    state_severity severity;
    const char *what, *remedy;
} matches[] = {
    [FUNCTION_SAME] = {STATE_NOTE, NULL, NULL},
    [FUNCTION_UNSEEN] = {STATE_NOTE, "we may not read the loaded functions; their revision is ours",
                         "allow FUNCTION LIST to our user"},
    [FUNCTION_ABSENT] = {STATE_WARNING, "the functions of dunlin1 are not loaded",
                         "start a gateway, or load gateway/state/dunlin.lua by hand"},
    [FUNCTION_OLDER] = {STATE_WARNING, "the loaded functions are not this version's",
                        "start a gateway of this version: it replaces them"},
    [FUNCTION_NEWER] = {STATE_NOTE, "the loaded functions are of a later version, same format",
                        "upgrade this program when convenient"},
    [FUNCTION_FOREIGN] = {STATE_FATAL, "the loaded functions are of another stored format",
                          "use the program version that wrote this store"},
};

gw_code state_doctor(state *s, state_finding *ret, size_t cap, size_t *ret_n, gw_err *err)
{
    size_t n = 0;
    function_match match = FUNCTION_ABSENT;
    gw_code rc = doctor_server(s, ret, cap, &n, err);
    if (rc == GW_OK)
        rc = function_look(s, &match, err);
    if (rc != GW_OK)
        return rc;
    findings f = {.at = ret, .cap = cap, .n = n};
    if (matches[match].what)
        add(&f, matches[match].severity, "functions", matches[match].what, matches[match].remedy);
    *ret_n = f.n;
    return GW_OK;
}
