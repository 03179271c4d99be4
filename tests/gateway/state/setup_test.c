#include "tests/gateway/state/fixture.h"

#include "gateway/base/file.h"
#include "gateway/state/function.h"

#include <stdio.h>
#include <string.h>

static state *open_on(redis_server *redis, const char *password_file)
{
    gw_err err = {0};
    state *s = NULL;
    state_config config = {.unix_socket = redis_server_socket(redis),
                           .password_file = password_file,
                           .timeout_ms = FIXTURE_TIMEOUT_MS};
    assert_int_equal(state_open(&config, &s, &err), GW_OK);
    return s;
}

static bool found(const state_finding *all, size_t n, const char *name, state_severity severity)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(all[i].name, name) == 0 && all[i].severity == severity)
            return true;
    return false;
}

static void a_store_that_could_lose_acknowledged_jobs_is_refused(void **cm)
{
    (void)cm;
    static const char *const rows[][3] = {
        {"--appendfsync", "everysec", "appendfsync"},
        {"--appendonly", "no", "appendonly"},
        {"--maxmemory-policy", "allkeys-lru", "maxmemory-policy"},
        {"--no-appendfsync-on-rewrite", "yes", "no-appendfsync-on-rewrite"},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        const char *const extra[] = {rows[i][0], rows[i][1], NULL};
        GW_AUTO(redis_server_free) redis_server *redis = redis_server_start(extra);
        assert_non_null(redis);
        GW_AUTO(state_close) state *s = open_on(redis, NULL);
        gw_err err = {0};
        assert_int_equal(state_setup(s, &err), GW_EREFUSED);
        assert_non_null(strstr(err.text, rows[i][2]));
        state_finding all[STATE_FINDINGS_MAX];
        size_t n = 0;
        assert_int_equal(state_doctor(s, all, STATE_FINDINGS_MAX, &n, &err), GW_OK);
        assert_true(found(all, n, rows[i][2], STATE_FATAL));
    }
}

static void the_private_configuration_gives_the_doctor_nothing_to_warn_of(void **cm)
{
    fixture *f = *cm;
    state_finding all[STATE_FINDINGS_MAX];
    size_t n = 0;
    assert_ok(f, state_doctor(f->s, all, STATE_FINDINGS_MAX, &n, &f->err));
    for (size_t i = 0; i < n; i++)
        if (all[i].severity != STATE_NOTE)
            fail_msg("%s: %s", all[i].name, all[i].what);
}

static void functions_and_data_survive_a_crash_without_a_new_setup(void **cm)
{
    fixture *f = *cm;
    assert_true(redis_server_restart(f->redis));
    assert_int_equal(accept_one(f, job_of(1, 2, "x"), 1, OUTBOX_MAX).code, STATE_ACCEPTED);
}

static void load_library(fixture *f, int format, int revision)
{
    char text[300];
    snprintf(text, sizeof text,
             "#!lua name=dunlin1\nredis.register_function{function_name='dunlin_version', "
             "flags={'no-writes'}, callback=function() return {%d, %d} end}",
             format, revision);
    redisReply *r = redisCommand(f->raw, "FUNCTION LOAD REPLACE %s", text);
    assert_non_null(r);
    assert_int_not_equal(r->type, REDIS_REPLY_ERROR);
    freeReplyObject(r);
}

static bool accepts(fixture *f)
{
    state_job job = job_of(1, 2, "x");
    state_accepted got;
    return state_accept(f->s, &job, 1, (gw_wall){1}, OUTBOX_MAX, f->arena, &got, &f->err) == GW_OK;
}

static void older_functions_are_replaced_and_other_formats_refused(void **cm)
{
    fixture *f = *cm;
    const struct {
        int format, revision;
        gw_code setup;
        bool replaced;
    } rows[] = {
        {dunlin_lua_format, 0, GW_OK, true},
        {dunlin_lua_format, dunlin_lua_revision, GW_OK, true}, /* ours, with another text */
        {dunlin_lua_format, 99, GW_OK, false},
        {dunlin_lua_format - 1, 99, GW_EREFUSED, false},
        {dunlin_lua_format + 1, 1, GW_EREFUSED, false},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        load_library(f, rows[i].format, rows[i].revision);
        assert_int_equal(state_setup(f->s, &f->err), rows[i].setup);
        assert_int_equal(accepts(f), rows[i].replaced);
    }
}

static void lost_functions_are_an_error_that_says_so_until_the_next_setup(void **cm)
{
    fixture *f = *cm;
    freeReplyObject(redisCommand(f->raw, "FUNCTION FLUSH"));
    state_job job = job_of(1, 2, "x");
    state_accepted got;
    assert_int_equal(state_accept(f->s, &job, 1, (gw_wall){1}, OUTBOX_MAX, f->arena, &got, &f->err),
                     GW_ENOTFOUND);
    assert_non_null(strstr(f->err.text, "functions"));
    assert_ok(f, state_setup(f->s, &f->err));
    assert_true(accepts(f));
}

static void data_of_another_format_is_refused_and_left_alone(void **cm)
{
    fixture *f = *cm;
    freeReplyObject(redisCommand(f->raw, "HSET dl:meta format 1"));
    size_t n;
    char *before = snapshot(f, &n);
    assert_int_equal(state_setup(f->s, &f->err), GW_EREFUSED);
    assert_non_null(strstr(f->err.text, "format 1"));
    assert_unchanged(f, before, n);
}

static void a_user_without_config_is_served_with_a_warning(void **cm)
{
    fixture *f = *cm;
    freeReplyObject(
        redisCommand(f->raw, "ACL SETUSER dunlin on >s3cret ~dl:* +@all -config -eval"));
    freeReplyObject(redisCommand(f->raw, "ACL SETUSER default off"));
    char path[128];
    snprintf(path, sizeof path, "%s/password", redis_server_dir(f->redis));
    assert_ok(f, gw_file_replace(path, GW_STR("dunlin\ns3cret\n"), 0600, &f->err));
    GW_AUTO(state_close) state *s = open_on(f->redis, path);
    assert_ok(f, state_setup(s, &f->err));
    state_finding all[STATE_FINDINGS_MAX];
    size_t n = 0;
    assert_ok(f, state_doctor(s, all, STATE_FINDINGS_MAX, &n, &f->err));
    assert_true(found(all, n, "config", STATE_WARNING));

    assert_ok(f, gw_file_replace(path, GW_STR("dunlin\nwrong\n"), 0600, &f->err));
    GW_AUTO(state_close) state *stranger = open_on(f->redis, path);
    assert_int_equal(state_setup(stranger, &f->err), GW_EREFUSED);
    assert_non_null(strstr(f->err.text, "password"));
    assert_null(strstr(f->err.text, "wrong"));
}

static void an_absent_store_is_busy_and_the_text_says_where_it_was_looked_for(void **cm)
{
    (void)cm;
    gw_err err = {0};
    GW_AUTO(state_close) state *s = NULL;
    state_config config = {.unix_socket = "/nonexistent/r.sock"};
    assert_int_equal(state_open(&config, &s, &err), GW_OK);
    assert_int_equal(state_setup(s, &err), GW_EBUSY);
    assert_non_null(strstr(err.text, "/nonexistent/r.sock"));
}

static void a_tcp_connection_serves_as_well(void **cm)
{
    (void)cm;
    gw_err err = {0};
    for (int port = 20000 + (int)(gw_mono_now().ms % 20000), tries = 0; tries < 5;
         port += 7, tries++) {
        char text[8];
        snprintf(text, sizeof text, "%d", port);
        const char *const extra[] = {"--port", text, "--bind", "127.0.0.1", NULL};
        GW_AUTO(redis_server_free) redis_server *redis = redis_server_start(extra);
        if (!redis)
            continue; /* the port was taken */
        GW_AUTO(state_close) state *s = NULL;
        state_config config = {.host = "127.0.0.1", .port = port};
        assert_int_equal(state_open(&config, &s, &err), GW_OK);
        assert_int_equal(state_setup(s, &err), GW_OK);
        return;
    }
    fail_msg("no free port found");
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, fixture_start, fixture_stop)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_that_could_lose_acknowledged_jobs_is_refused),
        T(the_private_configuration_gives_the_doctor_nothing_to_warn_of),
        T(functions_and_data_survive_a_crash_without_a_new_setup),
        T(older_functions_are_replaced_and_other_formats_refused),
        T(lost_functions_are_an_error_that_says_so_until_the_next_setup),
        T(data_of_another_format_is_refused_and_left_alone),
        T(a_user_without_config_is_served_with_a_warning),
        cmocka_unit_test(an_absent_store_is_busy_and_the_text_says_where_it_was_looked_for),
        cmocka_unit_test(a_tcp_connection_serves_as_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
