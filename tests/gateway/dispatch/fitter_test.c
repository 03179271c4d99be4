/* The nightly fit: due once a day, alone, recorded, resumable, without those who are switched off.
 */
#include "tests/gateway/dispatch/rig.h"

#include "gateway/base/file.h"
#include "gateway/dispatch/fit_run.h"
#include "gateway/dispatch/fitter.h"
#include "gateway/dispatch/model_keep.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum { DEBTORS = 60, EACH = 50, HOUR = 2 };

static rig *of(void **cm)
{
    return *cm;
}

static char model_path[200];

/* 3000 closed contacts: enough to seek archetypes. */
static void put_histories(rig *r)
{
    state_txn txns[DEBTORS];
    state_field sets[DEBTORS][4];
    state_verdict verdicts[DEBTORS];
    gw_id dids[DEBTORS];
    static uint8_t values[DEBTORS][HISTORY_BYTES_MAX];
    for (unsigned i = 0; i < DEBTORS; i++) {
        size_t n = 0;
        for (unsigned k = 0; k < EACH; k++) {
            history_contact c = {.hour = (uint8_t)(8 + (i + k) % 12)};
            c.result = c.hour == 15 && k % 2 ? RESULT_ANSWER : RESULT_NONE;
            n = history_add(values[i], n, &c, (int32_t)k);
        }
        dids[i] = (gw_id){{(uint8_t)i, 1}};
        sets[i][0] = (state_field){GW_STR("th"), {(const char *)values[i], n}};
        sets[i][1] = (state_field){GW_STR("tg"), GW_STR("1")};
        sets[i][2] = (state_field){GW_STR("src"), i % 2 ? GW_STR("erp") : GW_STR("billing")};
        sets[i][3] = (state_field){GW_STR("deb"), GW_STR("d")};
        txns[i] = (state_txn){.shard = state_shard(&dids[i]),
                              .did = &dids[i],
                              .debtor_version = 0,
                              .version = -1,
                              .debtor_sets = sets[i],
                              .debtor_n = 4};
    }
    assert_int_equal(state_apply(r->store, txns, DEBTORS, verdicts, &r->err), GW_OK);
    for (unsigned i = 0; i < DEBTORS; i++)
        assert_int_equal(verdicts[i], STATE_OK);
}

static int start(void **cm)
{
    if (rig_start(cm) != 0)
        return -1;
    rig *r = of(cm);
    snprintf(model_path, sizeof model_path, "%s/timing.model", r->dir);
    r->config.timing_model = model_path;
    put_histories(r);
    return 0;
}

static fit_order order(rig *r)
{
    return (fit_order){.file = model_path,
                       .by = "operator",
                       .sources = r->config.sources,
                       .source_n = r->config.source_n,
                       .now = {RIG_MONDAY_10H},
                       .options = {.steps = 3, .threads = 1, .seed = 1, .go_on = true}};
}

static bool is_there(const char *suffix)
{
    char path[260];
    snprintf(path, sizeof path, "%s%s", model_path, suffix);
    return access(path, F_OK) == 0;
}

static void a_fit_is_due_once_a_day_at_its_hour(void **cm)
{
    (void)cm;
    int32_t today = fitter_day(HOUR, (gw_wall){RIG_MONDAY_10H});
    assert_false(fitter_is_due(today, HOUR, (gw_wall){RIG_MONDAY_10H}));
    assert_false(fitter_is_due(today, HOUR, (gw_wall){RIG_MONDAY_10H + 16 * RIG_HOUR}));
    /* 10 in Berlin is 9 UTC: 17 hours later it is 2 */
    assert_true(fitter_is_due(today, HOUR, (gw_wall){RIG_MONDAY_10H + 17 * RIG_HOUR}));
    assert_true(fitter_is_due(today - 3, HOUR, (gw_wall){RIG_MONDAY_10H}));
    assert_false(fitter_is_due(INT32_MIN, HOUR, (gw_wall){RIG_MONDAY_10H}));
}

static void a_fit_keeps_its_version_and_is_on_record(void **cm)
{
    rig *r = of(cm);
    fit_done done;
    const fit_order o = order(r);
    GW_AUTO(timing_model_free) timing_model *used = NULL;
    GW_AUTO(timing_model_free) timing_model *kept = NULL;
    assert_int_equal(fit_run(r->store, &o, &done, &r->err), GW_OK);
    assert_int_equal(done.report.persons, DEBTORS);
    assert_int_equal(done.report.contacts, DEBTORS * EACH);
    assert_true(done.report.judges > 0);
    assert_int_equal(done.kind == MODEL_B, done.report.loss_b < done.report.loss_a);
    assert_int_equal(model_keep_load(model_path, &used, &r->err), GW_OK);
    assert_string_equal(used->version, done.version);
    assert_int_equal(model_keep_version(model_path, gw_str_of(done.version), &kept, &r->err),
                     GW_OK);
    state_outbox_entry *e;
    size_t n;
    bool found = false;
    gw_str none[STATE_SHARDS] = {{NULL, 0}};
    assert_int_equal(state_outbox_read(r->store, none, 1000, 0, r->arena, &e, &n, &r->err), GW_OK);
    for (size_t i = 0; i < n; i++)
        found = found ||
                (strcmp(e[i].rec.event, "x-Model") == 0 && strstr(e[i].rec.fact.p, done.version));
    assert_true(found);
}

static void the_histories_of_a_source_that_is_off_are_left_out(void **cm)
{
    rig *r = of(cm);
    fit_done done;
    const fit_order o = order(r);
    rig_pause(r, "timing:billing", true);
    assert_int_equal(fit_run(r->store, &o, &done, &r->err), GW_OK);
    assert_int_equal(done.report.persons, DEBTORS / 2);
}

static void two_fits_of_one_file_do_not_run_at_once(void **cm)
{
    rig *r = of(cm);
    fit_done done;
    char path[260];
    const fit_order o = order(r);
    snprintf(path, sizeof path, "%s.lock", model_path);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(fit_run(r->store, &o, &done, &r->err), GW_EBUSY);
    close(fd);
    assert_int_equal(fit_run(r->store, &o, &done, &r->err), GW_OK);
}

static bool stop_at_once(void *arg, unsigned done, unsigned all, double log_likelihood)
{
    (void)arg;
    (void)all;
    (void)log_likelihood;
    return done < 2;
}

static void a_fit_that_is_stopped_goes_on_where_it_was(void **cm)
{
    rig *r = of(cm);
    fit_done done;
    fit_order o = order(r);
    o.options.progress = stop_at_once;
    assert_int_equal(fit_run(r->store, &o, &done, &r->err), GW_EBUSY);
    assert_true(is_there(".part"));
    assert_false(is_there(""));
    o.options.progress = NULL;
    assert_int_equal(fit_run(r->store, &o, &done, &r->err), GW_OK);
    assert_false(is_there(".part"));
    assert_true(is_there(""));
}

/* The thread looks at the clock twice a second. */
static bool comes(const char *suffix)
{
    for (int i = 0; i < 600 && !is_there(suffix); i++)
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    return is_there(suffix);
}

static void the_gateway_fits_by_itself_when_its_clock_passes_the_hour(void **cm)
{
    rig *r = of(cm);
    fitter *f = NULL;
    assert_int_equal(fitter_start(&r->config, -1, &f, &r->err), GW_OK);
    assert_null(f);
    assert_int_equal(fitter_start(&r->config, HOUR, &f, &r->err), GW_OK);
    assert_true(comes(".day"));
    assert_false(is_there(""));
    gw_clock_set(r->clock, (gw_wall){RIG_MONDAY_10H + 17 * RIG_HOUR});
    assert_true(comes(""));
    fitter_stop(f);
}

static void a_night_that_was_missed_is_made_up_for(void **cm)
{
    rig *r = of(cm);
    fitter *f = NULL;
    char path[260], text[16];
    snprintf(path, sizeof path, "%s.day", model_path);
    int n = snprintf(text, sizeof text, "%d\n",
                     fitter_day(HOUR, (gw_wall){RIG_MONDAY_10H - 3 * RIG_DAY}));
    assert_int_equal(gw_file_replace(path, (gw_str){text, (size_t)n}, 0600, &r->err), GW_OK);
    assert_int_equal(fitter_start(&r->config, HOUR, &f, &r->err), GW_OK);
    assert_true(comes(""));
    fitter_stop(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fit_is_due_once_a_day_at_its_hour),
        cmocka_unit_test_setup_teardown(a_fit_keeps_its_version_and_is_on_record, start, rig_stop),
        cmocka_unit_test_setup_teardown(the_histories_of_a_source_that_is_off_are_left_out, start,
                                        rig_stop),
        cmocka_unit_test_setup_teardown(two_fits_of_one_file_do_not_run_at_once, start, rig_stop),
        cmocka_unit_test_setup_teardown(a_fit_that_is_stopped_goes_on_where_it_was, start,
                                        rig_stop),
        cmocka_unit_test_setup_teardown(the_gateway_fits_by_itself_when_its_clock_passes_the_hour,
                                        start, rig_stop),
        cmocka_unit_test_setup_teardown(a_night_that_was_missed_is_made_up_for, start, rig_stop),
    };
    return cmocka_run_group_tests_name("nightly fit", tests, NULL, NULL);
}
