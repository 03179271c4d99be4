#include "gateway/evidence/evidence.h"
#include "tests/gateway/evidence/place.h"

#include "gateway/base/arena.h"
#include "gateway/base/file.h"
#include "gateway/base/time.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void a_repeated_append_adds_nothing(void **state)
{
    place *p = *state;
    GW_AUTO(evidence_close) evidence *ev = place_open(p);
    place_append(p, ev, 0, 20);
    uint64_t size = place_size(ev);
    place_append(p, ev, 0, 20);
    assert_int_equal(place_size(ev), size);
    place_append(p, ev, 20, 21);
    assert_int_equal(place_size(ev), size + 1);
}

static void positions_survive_a_restart_and_a_deleted_index(void **state)
{
    place *p = *state;
    gw_str last[EVIDENCE_SHARDS];
    char index[160];
    evidence *ev = place_open(p);
    place_append(p, ev, 0, 20);
    evidence_close(ev);
    snprintf(index, sizeof index, "%s/index", p->dir);
    for (int round = 0; round < 2; round++) {
        ev = place_open(p);
        evidence_positions(ev, last);
        assert_true(gw_str_is(last[4], "1359000000002-5")); /* draft 19: debtor 4 */
        assert_int_equal(last[63].n, 0);
        uint64_t size = place_size(ev);
        place_append(p, ev, 0, 20);
        assert_int_equal(place_size(ev), size);
        evidence_close(ev);
        place_remove(index);
    }
}

static void two_writers_of_one_log_refuse_each_other(void **state)
{
    place *p = *state;
    evidence *second = NULL;
    gw_err err = {0};
    GW_AUTO(evidence_close) evidence *ev = place_open(p);
    assert_int_equal(place_try_open(p, &second, &err), GW_EBUSY);
    assert_null(second);
}

static void another_log_key_is_refused(void **state)
{
    place *p = *state;
    evidence *ev = place_open(p);
    gw_err err = {0};
    evidence_close(ev);
    p->cfg.log_key = p->tenant_key;
    assert_int_equal(place_try_open(p, &ev, &err), GW_EINVAL);
    assert_non_null(strstr(err.text, "another log key"));
}

static void another_tenant_key_does_not_open_the_vault(void **state)
{
    place *p = *state;
    evidence *ev = place_open(p);
    gw_err err = {0};
    evidence_close(ev);
    p->cfg.tenant_key = p->log_key;
    assert_int_equal(place_try_open(p, &ev, &err), GW_EINVAL);
    assert_non_null(strstr(err.text, "tenant key"));
}

static void no_personal_data_is_found_outside_vault_and_keys(void **state)
{
    place *p = *state;
    char where[PATH_MAX];
    char path[160];
    static const char *const folders[] = {"log", "index", "state", "blob", "requests"};
    static const char *const words[] = {"Erika",  "Mustermann", PLACE_ADDRESS,
                                        "please", "INV-1",      "D-1"};
    evidence *ev = place_open(p);
    place_append(p, ev, 0, 40);
    evidence_close(ev);
    for (size_t f = 0; f < GW_COUNT(folders); f++)
        for (size_t w = 0; w < GW_COUNT(words); w++) {
            snprintf(path, sizeof path, "%s/%s", p->dir, folders[f]);
            if (place_holds(path, words[w], where))
                fail_msg("'%s' is in %s", words[w], where);
        }
    assert_true(place_holds(place_log_file(p, "wal"), "SubmissionAcceptance", where));
}

static void a_draft_that_cannot_be_read_is_logged_and_set_aside(void **state)
{
    place *p = *state;
    char where[PATH_MAX];
    gw_err err = {0};
    GW_AUTO(evidence_close) evidence *ev = place_open(p);
    evidence_draft d = place_draft(p, 0, 5);
    d.fact = GW_STR("{\"secret\": 1.5");
    d.priv = GW_STR("[]");
    d.event = "no event";
    d.why = GW_STR("\xff\xfe");
    uint64_t size = place_size(ev);
    assert_int_equal(evidence_append(ev, &d, 1, &err), GW_OK);
    assert_int_equal(place_size(ev), size + 1);
    assert_true(place_holds(place_log_file(p, "wal"),
                            "\"fact\":{\"malformed\":\"event,why,fact,priv\"}", where));
    assert_false(place_holds(p->dir, "secret", where));
    d.outbox_pos = GW_STR("99-1-1");
    assert_int_equal(evidence_append(ev, &d, 1, &err), GW_EINVAL);
}

static void a_new_year_begins_a_log_that_names_the_final_head_of_the_old_one(void **state)
{
    place *p = *state;
    char where[PATH_MAX];
    char path[256];
    gw_wall t;
    gw_err err = {0};
    GW_AUTO(evidence_close) evidence *ev = place_open(p);
    place_append(p, ev, 0, 10);
    assert_int_equal(gw_time_parse(GW_STR("2014-01-01T00:00:00Z"), &t, &err), GW_OK);
    gw_clock_set(p->clock, t);
    place_append(p, ev, 10, 15);
    snprintf(path, sizeof path, "%s/log/evidence.example.test/dunlin/2014/wal", p->dir);
    assert_true(place_holds(path, "\"prev_origin\":\"evidence.example.test/dunlin/2013\"", where));
    assert_true(place_holds(path, "\"prev_size\":12", where)); /* x-Start, ten, x-Rotate */
    assert_true(place_holds(path, "\"cseq\":3", where));       /* cases go on over the year */
    assert_int_equal(place_size(ev), 6);
    gw_clock_set(p->clock, (gw_wall){t.ms - 1000});
    place_append(p, ev, 15, 20); /* a clock set back does not reopen the old log */
    assert_int_equal(place_size(ev), 12);
    assert_true(place_holds(path, "x-ClockStep", where));
    evidence_close(ev);
    ev = place_open(p);
    assert_int_equal(place_size(ev), 13);
}

static void news_is_signed_within_a_second_of_ticks(void **state)
{
    place *p = *state;
    gw_err err = {0};
    GW_AUTO_BUF gw_buf before;
    GW_AUTO_BUF gw_buf after;
    gw_buf_init(&before, 4096);
    gw_buf_init(&after, 4096);
    GW_AUTO(evidence_close) evidence *ev = place_open(p);
    gw_mono now = gw_mono_now();
    place_append(p, ev, 0, 3);
    assert_int_equal(gw_file_read(place_log_file(p, "checkpoint"), &before, &err), GW_OK);
    assert_int_equal(evidence_tick(ev, now, &err), GW_OK);
    assert_int_equal(gw_file_read(place_log_file(p, "checkpoint"), &after, &err), GW_OK);
    assert_true(gw_str_eq(gw_buf_str(&before), gw_buf_str(&after)));
    now.ms = gw_mono_now().ms + EVIDENCE_CHECKPOINT_MS;
    gw_buf_clear(&after);
    assert_int_equal(evidence_tick(ev, now, &err), GW_OK);
    assert_int_equal(gw_file_read(place_log_file(p, "checkpoint"), &after, &err), GW_OK);
    assert_non_null(strstr(after.data, "/2013\n4\n"));
}

static void an_old_copy_of_the_log_is_refused(void **state)
{
    place *p = *state;
    char copy[160];
    gw_err err = {0};
    evidence *ev = place_open(p);
    place_append(p, ev, 0, 3);
    evidence_close(ev);
    snprintf(copy, sizeof copy, "%s/old", p->root);
    place_copy(p->dir, copy);
    ev = place_open(p);
    place_append(p, ev, 3, 6);
    evidence_close(ev);
    char log[200];
    char old[200];
    snprintf(log, sizeof log, "%s/log", p->dir);
    snprintf(old, sizeof old, "%s/log", copy);
    place_remove(log);
    place_copy(old, log);
    assert_int_equal(place_try_open(p, &ev, &err), GW_ECORRUPT);
}

static void lost_tiles_are_made_again_from_the_log(void **state)
{
    place *p = *state;
    char where[PATH_MAX];
    GW_AUTO_BUF gw_buf before;
    gw_err err = {0};
    gw_buf_init(&before, 1 << 20);
    evidence *ev = place_open(p);
    place_append(p, ev, 0, 600);
    evidence_close(ev);
    assert_int_equal(gw_file_read(place_log_file(p, "tile/0/001"), &before, &err), GW_OK);
    place_remove(place_log_file(p, "tile"));
    ev = place_open(p);
    evidence_close(ev);
    assert_true(place_holds(place_log_file(p, "wal"), "\"tiles_rebuilt\":1", where));
    GW_AUTO_BUF gw_buf after;
    gw_buf_init(&after, 1 << 20);
    assert_int_equal(gw_file_read(place_log_file(p, "tile/0/001"), &after, &err), GW_OK);
    assert_true(gw_str_eq(gw_buf_str(&before), gw_buf_str(&after)));
}

typedef struct {
    evidence *ev;
    int number;
    gw_code rc;
} worker;

static void *put_contents(void *arg)
{
    worker *w = arg;
    char name[16];
    snprintf(name, sizeof name, "D-%d", w->number);
    for (int i = 0; w->rc == GW_OK && i < 40; i++) {
        GW_AUTO_BUF gw_buf ref;
        gw_buf_init(&ref, 4096);
        w->rc = evidence_blob_put(w->ev, GW_STR("erp"), gw_str_of(name), GW_STR("INV"), "message",
                                  "message/rfc822", GW_STR("Subject: hello"), &ref, NULL);
        if (w->rc == GW_OK && i % 8 == 0)
            w->rc = evidence_blob_sync(w->ev, NULL);
    }
    return NULL;
}

static void contents_are_put_while_entries_are_appended(void **state)
{
    place *p = *state;
    pthread_t threads[3];
    worker w[3];
    gw_err err = {0};
    GW_AUTO(evidence_close) evidence *ev = place_open(p);
    for (int i = 0; i < 3; i++) {
        w[i] = (worker){ev, i, GW_OK};
        assert_int_equal(pthread_create(&threads[i], NULL, put_contents, &w[i]), 0);
    }
    for (unsigned n = 0; n < 100; n += 10) {
        place_append(p, ev, n, n + 10);
        assert_int_equal(evidence_tick(ev, (gw_mono){gw_mono_now().ms + 5000}, &err), GW_OK);
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(w[i].rc, GW_OK);
    }
    assert_int_equal(place_size(ev), 101);
}

static void a_lost_head_is_not_signed_over(void **state)
{
    place *p = *state;
    char head[160];
    gw_err err = {0};
    evidence *ev = place_open(p);
    evidence_close(ev);
    snprintf(head, sizeof head, "%s/state/head", p->dir);
    assert_int_equal(unlink(head), 0);
    assert_int_equal(place_try_open(p, &ev, &err), GW_ECORRUPT);
    assert_non_null(strstr(err.text, "copy it there"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, place_new, place_done)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_repeated_append_adds_nothing),
        TEST(positions_survive_a_restart_and_a_deleted_index),
        TEST(two_writers_of_one_log_refuse_each_other),
        TEST(another_log_key_is_refused),
        TEST(another_tenant_key_does_not_open_the_vault),
        TEST(no_personal_data_is_found_outside_vault_and_keys),
        TEST(a_draft_that_cannot_be_read_is_logged_and_set_aside),
        TEST(a_new_year_begins_a_log_that_names_the_final_head_of_the_old_one),
        TEST(news_is_signed_within_a_second_of_ticks),
        TEST(an_old_copy_of_the_log_is_refused),
        TEST(lost_tiles_are_made_again_from_the_log),
        TEST(contents_are_put_while_entries_are_appended),
        TEST(a_lost_head_is_not_signed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
