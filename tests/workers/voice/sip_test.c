/* Calls over SIP: baresip dials, sipp is the called party. All calls are made at the same time, one
 * line each, before the tests look at what was reported. */
#include "tests/workers/voice/phone.h"
#include "workers/runtime/source.h"
#include "workers/voice/baresip.h"
#include "workers/voice/line.h"
#include "workers/voice/script.h"

#include <dirent.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define SECOND "          "
/* "Hello?", then keys when the question, and the details, have been asked. */
#define HELLO "...hhhh" SECOND SECOND SECOND "......"

enum { GO_MS = 1700000000 };

typedef struct {
    const char *name, *scenario, *sound;
    const char *program; /* of the line; NULL: baresip */
    phone phone;
    line_config config;
    baresip_config sip;
    char gateway[32];
    channel_source *source;
    channel_attempt *attempt;
    pthread_t thread;
    bool finished, phone_done;
} trial;

static char folder[] = "/tmp/dunlin-lines-XXXXXX";
static char dying[sizeof folder + 16];

enum {
    PROMISES,
    WRONG,
    STOPS,
    BUSY,
    UNKNOWN_NUMBER,
    RINGS,
    HANGS_UP,
    MACHINE,
    SILENT,
    DIES,
    ABSENT,
    TRIAL_COUNT
};

static trial trials[TRIAL_COUNT] = {
    [PROMISES] = {.name = "promises", .scenario = "answers", .sound = HELLO "1" SECOND "1"},
    [WRONG] = {.name = "wrong", .scenario = "answers", .sound = HELLO "2"},
    [STOPS] = {.name = "stops", .scenario = "presses-by-info", .sound = HELLO},
    [BUSY] = {.name = "busy", .scenario = "busy", .sound = ""},
    [UNKNOWN_NUMBER] = {.name = "unknown", .scenario = "no-such-number", .sound = ""},
    [RINGS] = {.name = "rings", .scenario = "rings", .sound = ""},
    [HANGS_UP] = {.name = "hangs-up", .scenario = "hangs-up", .sound = ""},
    [MACHINE] = {.name = "machine",
                 .scenario = "answers",
                 .sound = "...hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh" SECOND SECOND SECOND},
    [SILENT] = {.name = "silent", .scenario = "answers", .sound = SECOND},
    [DIES] = {.name = "dies", .scenario = "answers", .sound = HELLO, .program = dying},
    [ABSENT] = {.name = "absent", .scenario = "busy", .sound = "", .program = "no-such-baresip"},
};

static void on_report(void *arg, channel_attempt *a)
{
    trial *t = arg;
    assert_ptr_equal(a, t->attempt);
    t->finished = true;
}

static void put_script(gw_buf *out)
{
    static char ulaw[4000]; /* half a second */
    gw_err err = {0};
    script s = {.from = GW_STR("Example Creditor"),
                .locale = GW_STR("en"),
                .to = GW_STR("+15550100"),
                .promise_date = GW_STR("2026-03-01")};
    for (size_t i = 0; i < sizeof ulaw; i++)
        ulaw[i] = (char)(i / 10 % 2 ? 0x9A : 0x1A);
    for (int p = CALL_PART_NONE + 1; p < CALL_PART_COUNT; p++) {
        s.text[p] = gw_str_of(call_part_name((call_part)p));
        s.ulaw[p] = (gw_str){ulaw, sizeof ulaw};
    }
    assert_int_equal(script_put(&s, out, &err), GW_OK);
}

static wire_task task = {.deadline_ms = INT64_MAX};

static void *serve(void *arg)
{
    trial *t = arg;
    line_serve(&t->config, t->source);
    return NULL;
}

static void begin(trial *t)
{
    phone_start(&t->phone, t->scenario, t->sound);
    snprintf(t->gateway, sizeof t->gateway, "127.0.0.1:%d", t->phone.port);
    t->sip = (baresip_config){.folder = folder,
                              .program = t->program ? t->program : "baresip",
                              .modules = "/usr/lib/baresip/modules",
                              .local = "127.0.0.1",
                              .gateway = t->gateway,
                              .transport = "udp",
                              .user = "dunlin",
                              .domain = "127.0.0.1",
                              .auth_user = "",
                              .password = "",
                              .quiet_ms = 30000};
    t->config = (line_config){.trunk = &baresip_trunk,
                              .trunk_config = &t->sip,
                              .host = t->gateway,
                              .provider = "",
                              .plan = {.ring_ms = 2500,
                                       .listen_ms = 6000,
                                       .tone_ms = 10000,
                                       .answer_ms = 6000,
                                       .rounds = 1,
                                       .end_ms = 3000},
                              .no_answer_ms = 1111000,
                              .busy_ms = 222000,
                              .call_back_ms = 3333000};
    gw_err err = {0};
    assert_int_equal(baresip_check(&t->sip, &err), GW_OK);
    t->source = channel_source_new(on_report, t);
    t->attempt = channel_attempt_new(SCRIPT_BYTES_MAX);
    t->attempt->task = &task;
    t->attempt->go_wall_ms = GO_MS;
    t->attempt->go_at = gw_mono_now();
    put_script(&t->attempt->bytes);
    assert_true(channel_source_put(t->source, t->attempt));
    channel_source_close(t->source);
    assert_int_equal(pthread_create(&t->thread, NULL, serve, t), 0);
}

static int make_all_calls(void **state)
{
    (void)state;
    if (!phone_possible())
        return 0;
    assert_non_null(mkdtemp(folder));
    snprintf(dying, sizeof dying, "%s/dying", folder);
    FILE *f = fopen(dying, "we");
    fputs("#!/bin/sh\nexec timeout -s KILL 3 baresip \"$@\"\n", f);
    fclose(f);
    assert_int_equal(chmod(dying, 0700), 0);
    for (int i = 0; i < TRIAL_COUNT; i++)
        begin(&trials[i]);
    for (int i = 0; i < TRIAL_COUNT; i++)
        pthread_join(trials[i].thread, NULL);
    for (int i = 0; i < TRIAL_COUNT; i++)
        trials[i].phone_done = phone_stop(&trials[i].phone);
    return 0;
}

static int clean_up(void **state)
{
    (void)state;
    for (int i = 0; i < TRIAL_COUNT; i++) {
        channel_attempt_free(trials[i].attempt);
        channel_source_free(trials[i].source);
    }
    unlink(dying);
    rmdir(folder);
    return 0;
}

static const channel_outcome *outcome(int which)
{
    if (!phone_possible())
        skip();
    assert_true(trials[which].finished);
    return &trials[which].attempt->outcome;
}

static void assert_outcome(int which, const char *why, wire_result result, int code)
{
    const channel_outcome *o = outcome(which);
    if (strcmp(o->why, why) != 0) /* what happened when */
        print_message("%s: %.*s", trials[which].name, GW_STR_ARG(gw_buf_str(&o->raw)));
    assert_string_equal(o->why, why);
    assert_int_equal(o->result, result);
    assert_int_equal(o->code, code);
}

static void a_person_who_confirms_and_promises_is_reported_with_times_and_key(void **state)
{
    (void)state;
    assert_outcome(PROMISES, "right-party", WIRE_DELIVERED, 0);
    const channel_call *c = &outcome(PROMISES)->call;
    assert_string_equal(c->amd, "human");
    assert_string_equal(c->right_party, "yes");
    assert_string_equal(c->pressed, "promise");
    assert_string_equal(c->promise_date, "2026-03-01");
    assert_string_equal(c->ended_by, "us");
    assert_true(c->dialled_ms >= GO_MS && c->dialled_ms <= c->ring_ms);
    assert_in_range(c->answer_ms - c->ring_ms, 200, 5000);
    assert_in_range(c->end_ms - c->answer_ms, 3500, 20000);
    assert_true(trials[PROMISES].phone_done); /* it got our BYE */
}

static void a_person_who_says_no_is_told_nothing_and_not_called_again(void **state)
{
    (void)state;
    assert_outcome(WRONG, "wrong-party", WIRE_REFUSED, 0);
    assert_string_equal(outcome(WRONG)->call.right_party, "no");
    assert_null(strstr(outcome(WRONG)->raw.data, "details"));
}

static void a_key_sent_by_sip_info_counts_as_well(void **state)
{
    (void)state;
    assert_outcome(STOPS, "stop-pressed", WIRE_REFUSED, 0);
    assert_string_equal(outcome(STOPS)->call.pressed, "stop");
}

static void busy_is_tried_again_and_keeps_its_cause(void **state)
{
    (void)state;
    assert_outcome(BUSY, "busy", WIRE_LATER, 486);
    assert_int_equal(outcome(BUSY)->call.cause, 17);
    assert_int_equal(outcome(BUSY)->retry_after_ms, 222000);
    assert_int_equal(outcome(BUSY)->call.answer_ms, -1);
}

static void a_number_that_does_not_exist_is_refused(void **state)
{
    (void)state;
    assert_outcome(UNKNOWN_NUMBER, "no-such-number", WIRE_REFUSED, 404);
}

static void nobody_answers_within_the_limit(void **state)
{
    (void)state;
    assert_outcome(RINGS, "no-answer", WIRE_LATER, 0);
    const channel_call *c = &outcome(RINGS)->call;
    assert_in_range(c->end_ms - c->dialled_ms, 2400, 6000);
    assert_int_equal(outcome(RINGS)->retry_after_ms, 1111000);
    assert_true(trials[RINGS].phone_done); /* it got our CANCEL */
}

static void who_hangs_up_at_once_has_ended_the_call_themselves(void **state)
{
    (void)state;
    assert_outcome(HANGS_UP, "hung-up", WIRE_REFUSED, 0);
    assert_string_equal(outcome(HANGS_UP)->call.ended_by, "them");
}

static void a_machine_gets_the_limited_message_after_its_greeting(void **state)
{
    (void)state;
    assert_outcome(MACHINE, "message-left", WIRE_DELIVERED, 0);
    assert_string_equal(outcome(MACHINE)->call.amd, "machine");
    assert_string_equal(outcome(MACHINE)->call.right_party, "unasked");
    assert_null(strstr(outcome(MACHINE)->raw.data, "asking"));
}

static void silence_is_not_taken_for_a_person(void **state)
{
    (void)state;
    assert_outcome(SILENT, "message-left", WIRE_DELIVERED, 0);
    assert_string_equal(outcome(SILENT)->call.amd, "unsure");
    assert_null(strstr(outcome(SILENT)->raw.data, "asking"));
}

static void a_line_that_dies_in_a_call_makes_it_unknown(void **state)
{
    (void)state;
    assert_outcome(DIES, "line-lost", WIRE_UNKNOWN, 0);
    assert_true(outcome(DIES)->call.answer_ms > 0);
}

static void a_line_that_cannot_be_started_has_called_nobody(void **state)
{
    (void)state;
    assert_outcome(ABSENT, "not-placed", WIRE_LATER, 0);
    assert_null(outcome(ABSENT)->call.amd);
}

static void nothing_is_left_of_a_line_and_nothing_was_recorded(void **state)
{
    (void)state;
    if (!phone_possible())
        skip();
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));)
        if (e->d_name[0] != '.')
            assert_string_equal(e->d_name, "dying");
    closedir(d);
}

static void what_a_killed_worker_left_is_swept_and_nothing_else(void **state)
{
    (void)state;
    char dir[] = "/tmp/dunlin-sweep-XXXXXX", dead[64], own[64], file[96];
    assert_non_null(mkdtemp(dir));
    snprintf(dead, sizeof dead, "%s/line-2147483646-abcdef", dir); /* above every pid_max */
    snprintf(own, sizeof own, "%s/line-%d-abcdef", dir, (int)getpid());
    snprintf(file, sizeof file, "%s/accounts", dead);
    assert_int_equal(mkdir(dead, 0700) | mkdir(own, 0700), 0);
    FILE *f = fopen(file, "we");
    assert_non_null(f);
    fclose(f);
    baresip_sweep(dir);
    assert_int_equal(access(dead, F_OK), -1);
    assert_int_equal(rmdir(own), 0);
    assert_int_equal(rmdir(dir), 0);
    baresip_sweep(dir); /* a folder that is not there yet */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_person_who_confirms_and_promises_is_reported_with_times_and_key),
        cmocka_unit_test(a_person_who_says_no_is_told_nothing_and_not_called_again),
        cmocka_unit_test(a_key_sent_by_sip_info_counts_as_well),
        cmocka_unit_test(busy_is_tried_again_and_keeps_its_cause),
        cmocka_unit_test(a_number_that_does_not_exist_is_refused),
        cmocka_unit_test(nobody_answers_within_the_limit),
        cmocka_unit_test(who_hangs_up_at_once_has_ended_the_call_themselves),
        cmocka_unit_test(a_machine_gets_the_limited_message_after_its_greeting),
        cmocka_unit_test(silence_is_not_taken_for_a_person),
        cmocka_unit_test(a_line_that_dies_in_a_call_makes_it_unknown),
        cmocka_unit_test(a_line_that_cannot_be_started_has_called_nobody),
        cmocka_unit_test(what_a_killed_worker_left_is_swept_and_nothing_else),
        cmocka_unit_test(nothing_is_left_of_a_line_and_nothing_was_recorded),
    };
    return cmocka_run_group_tests(tests, make_all_calls, clean_up);
}
