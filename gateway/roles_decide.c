/* roles_decide.c - what decisions are made with: rules, windows, ladders, sources, providers. */
#include "gateway/base/file.h"
#include "gateway/base/log.h"
#include "gateway/intake/windows.h"
#include "gateway/roles_internal.h"

#include <dirent.h>
#include <stdio.h>

enum { NAME_MAX_BYTES = 300, WINDOWS_ARENA = 16 << 20 };

/* ---- rules, ladders, sources ---- */

static int is_ladder(const struct dirent *e)
{
    size_t n = strlen(e->d_name);
    return n > 6 && strcmp(e->d_name + n - 6, ".jsonc") == 0;
}

static gw_code load_ladders(roles *r, gw_err *err)
{
    char dir[CONFIG_PATH_BYTES];
    struct dirent **names = NULL;
    gw_code rc = GW_OK;
    config_dir_path(r->c, "ladders", dir);
    int n = scandir(dir, &names, is_ladder, alphasort);
    for (int i = 0; i < n; i++) {
        char path[CONFIG_PATH_BYTES + NAME_MAX_BYTES];
        snprintf(path, sizeof path, "%s/%s", dir, names[i]->d_name);
        if (rc == GW_OK && r->ladder_n == DISPATCH_LADDERS_MAX)
            rc = gw_fail(err, GW_ELIMIT, "more than %d ladders", DISPATCH_LADDERS_MAX);
        if (rc == GW_OK)
            rc = ladder_load(path, &r->ladders[r->ladder_n], err);
        r->ladder_n += rc == GW_OK;
        free(names[i]);
    }
    free(names);
    return rc;
}

static policy_sender sender_named(const char *name)
{
    return strcmp(name, "creditor") == 0      ? POLICY_SENDER_CREDITOR
           : strcmp(name, "third-party") == 0 ? POLICY_SENDER_THIRD_PARTY
                                              : POLICY_SENDER_UNKNOWN;
}

static gw_code load_sources(roles *r, gw_err *err)
{
    static const gw_str none = {"*", 1};
    const config_source *other = config_source_of(r->c, none);
    r->sources = calloc(r->c->source_n + 1, sizeof *r->sources);
    r->apart_names = calloc(r->c->source_n + 1, sizeof *r->apart_names);
    if (!r->sources || !r->apart_names)
        return gw_fail(err, GW_ENOMEM, "reading the sources");
    for (size_t i = 0; i <= r->c->source_n; i++) {
        const config_source *s = i < r->c->source_n ? &r->c->sources[i] : other;
        r->sources[i] = (dispatch_source){.name = s->name,
                                          .creditor = s->creditor,
                                          .signature = s->signature,
                                          .locale = s->locale,
                                          .ladder = s->ladder,
                                          .timing_off = strcmp(s->timing, "off") == 0,
                                          .sender = sender_named(s->sender)};
        if (i < r->c->source_n && strcmp(s->opt_outs, "own") == 0)
            r->apart_names[r->apart.n++] = s->name;
    }
    r->apart.names = r->apart_names;
    return GW_OK;
}

/* What the providers of SMS forbid is a fact of every decision; their secrets are the workers'. */
static gw_code load_providers(roles *r, gw_err *err)
{
    char names[CONFIG_PATH_BYTES];
    char *rest = NULL;
    gw_code rc = GW_OK;
    if (strcmp(r->c->sms_transport, "provider") != 0)
        return GW_OK;
    snprintf(names, sizeof names, "%s", r->c->sms_providers);
    for (char *n = strtok_r(names, ", ", &rest); n && rc == GW_OK;
         n = strtok_r(NULL, ", ", &rest)) {
        if (r->provider_n == ROLES_PROVIDERS_MAX)
            return gw_fail(err, GW_ELIMIT, "sms.providers: more than %d", ROLES_PROVIDERS_MAX);
        rc = provider_load(r->c->dir, n, &r->providers[r->provider_n], err);
        r->provider_n += rc == GW_OK;
    }
    return rc;
}

gw_code roles_load_decisions(roles *r, gw_err *err)
{
    config_dir_path(r->c, "rules", r->rules_dir);
    config_dir_path(r->c, "calendars", r->calendars_dir);
    config_data_path(r->c, "keys/rules", r->rules_keys);
    r->rules_places = (rules_places){.rules = r->rules_dir,
                                     .calendars = r->calendars_dir,
                                     .keys = r->rules_keys,
                                     .must_be_signed = r->c->rules_require_signature};
    r->zones = zone_table_new();
    if (!r->zones)
        return gw_fail(err, GW_ENOMEM, "opening the zones");
    char outsiders[CONFIG_PATH_BYTES];
    config_dir_path(r->c, "third_parties.jsonc", outsiders);
    gw_code rc = rules_read_files(&r->rules_places, &r->rules, err);
    if (rc == GW_OK)
        rc = third_party_load(outsiders, &r->third_parties, err);
    if (rc == GW_OK)
        rc = load_providers(r, err);
    if (rc == GW_OK)
        rc = load_ladders(r, err);
    return rc == GW_OK ? load_sources(r, err) : rc;
}

/* ---- windows of the house ---- */

/* Put config/windows.jsonc in force. A missing file is no change. */
static gw_code take_windows(const roles *r, state *s, const char *by, const char *reason,
                            gw_err *err)
{
    char path[CONFIG_PATH_BYTES];
    bool changed = false;
    GW_AUTO_BUF gw_buf text;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(WINDOWS_ARENA);
    gw_buf_init(&text, HOUSE_FILE_BYTES_MAX);
    config_dir_path(r->c, "windows.jsonc", path);
    gw_code rc = arena ? gw_file_read(path, &text, err) : gw_fail(err, GW_ENOMEM, "windows");
    if (rc == GW_ENOTFOUND)
        return GW_OK;
    const windows_act act = {.by = gw_str_of(by),
                             .key = GW_STR("config/windows.jsonc"),
                             .reason = gw_str_of(reason),
                             .now = gw_clock_now(r->clock)};
    if (rc == GW_OK)
        rc = windows_apply(s, path, gw_buf_str(&text), &act, arena, &changed, err);
    if (rc == GW_OK && changed)
        gw_log(GW_LOG_INFO, "windows in force changed", "by=%s", by);
    return rc;
}

/* ---- rules ---- */

static gw_code take_rules(const roles *r, state *s, const char *by, const char *reason, gw_err *err)
{
    bool changed = false;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(WINDOWS_ARENA);
    const rules_act act = {.by = gw_str_of(by),
                           .key = GW_STR("config/rules"),
                           .reason = gw_str_of(reason),
                           .now = gw_clock_now(r->clock)};
    gw_code rc = arena ? rules_apply(s, &r->rules_places, &act, arena, &changed, err)
                       : gw_fail(err, GW_ENOMEM, "rules");
    if (rc == GW_OK && changed)
        gw_log(GW_LOG_INFO, "rules in force changed", "by=%s", by);
    return rc;
}

/* Which rules are in force was somebody's act; what lies in the files since is told, not taken. */
static void tell_other_rules(const roles *r, const state_hash *control)
{
    if (!memmem(rules_in_force(control).p, rules_in_force(control).n, policy_rules_hash(r->rules),
                strlen(policy_rules_hash(r->rules))))
        gw_log(GW_LOG_WARN,
               "the files of rules are not what is in force: see dunlin rules diff, apply", NULL);
}

/* ---- what is in force ---- */

/* From the files at the first start only: later what is in force was put there by an act. */
gw_code roles_first_start(const roles *r, gw_err *err)
{
    GW_AUTO(state_close) state *s = NULL;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(WINDOWS_ARENA);
    state_hash control;
    gw_code rc = arena ? state_open(&r->store, &s, err) : gw_fail(err, GW_ENOMEM, "windows");
    if (rc == GW_OK)
        rc = state_control_get(s, arena, &control, err);
    if (rc != GW_OK)
        return rc;
    if (rules_in_force(&control).n)
        tell_other_rules(r, &control);
    else
        rc = take_rules(r, s, "start", "first start", err);
    if (rc == GW_OK && !windows_in_force(&control).n)
        rc = take_windows(r, s, "start", "first start", err);
    return rc;
}

/* Each for itself: a fault in one keeps the other from nothing. */
gw_code roles_reload(roles *r, gw_err *err)
{
    GW_AUTO(state_close) state *s = NULL;
    gw_err second = {0};
    gw_code rc = state_open(&r->store, &s, err);
    if (rc != GW_OK)
        return rc;
    rc = take_windows(r, s, "SIGHUP", "reload", err);
    gw_code rules = take_rules(r, s, "SIGHUP", "reload", &second);
    if (rules == GW_OK)
        return rc;
    return rc == GW_OK ? gw_fail(err, rules, "%s", second.text)
                       : gw_wrap(err, rc, "%.80s; and", second.text);
}
