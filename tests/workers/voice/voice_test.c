/* From facts to a script: what the voice driver prepares, and what its outbox holds. */
#include "workers/voice/voice.h"

#include "gateway/base/file.h"
#include "templates/engine/bundle.h"
#include "workers/runtime/source.h"
#include "workers/voice/script.h"
#include "workers/voice/sound.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char facts[] =
    "{\"creditor\":{\"name\":\"Creditor Ltd\",\"email\":\"help@creditor.example.test\","
    "\"phone\":\"+1 555 0100\"},\"debtor\":{\"id\":\"D-1\",\"name\":\"Sample Trading\"},"
    "\"contact\":{\"name\":\"Jane Example\",\"role\":\"primary\"},\"case\":\"INV-1\","
    "\"reference\":\"INV-1\",\"date\":\"2013-02-22\",\"items\":[{\"id\":\"INV-1\","
    "\"issued\":\"2013-01-05\",\"due\":\"2013-02-04\",\"amount_minor\":123456,\"paid_minor\":0,"
    "\"open_minor\":123456,\"currency\":\"USD\",\"days_overdue\":18}]}";

static char folder[] = "/tmp/dunlin-voice-XXXXXX";
static char speaker[64]; /* a program that "speaks" 100 ms of the same tone for every text */

static int set_up(void **state)
{
    (void)state;
    gw_err err = {0};
    char path[64], ulaw[800];
    GW_AUTO_BUF gw_buf wav;
    assert_non_null(mkdtemp(folder));
    gw_buf_init(&wav, 4096);
    memset(ulaw, 0x9A, sizeof ulaw);
    sound_put_wav((gw_str){ulaw, sizeof ulaw}, &wav);
    snprintf(path, sizeof path, "%s/speech.wav", folder);
    snprintf(speaker, sizeof speaker, "cat %s", path);
    return gw_file_replace(path, gw_buf_str(&wav), 0600, &err) == GW_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static voice_config config(const char *command)
{
    return (voice_config){.speak = {command, "", 5000},
                          .promise_days = 7,
                          .outbox = {.folder = folder, .sync = false}};
}

typedef struct {
    channel driver;
    void *bench;
    template_bundle *bundle;
    channel_attempt *a;
    wire_task task;
    gw_code code;
    gw_err err;
    script s;
} made;

static void prepare_with(made *m, const voice_config *c, const char *template, const char *with,
                         const char *number)
{
    char dir[512];
    *m = (made){.a = channel_attempt_new(SCRIPT_BYTES_MAX)};
    snprintf(dir, sizeof dir, "%s/templates/%s", getenv("DUNLIN_SOURCE"), template);
    assert_int_equal(template_bundle_load(dir, &m->bundle, &m->err), GW_OK);
    gw_code opened = voice_channel(c, &m->driver, &m->err);
    if (opened != GW_OK)
        fail_msg("%s", m->err.text);
    assert_int_equal(m->driver.bench_new(m->driver.self, &m->bench, &m->err), GW_OK);
    m->task = (wire_task){
        .ref = {GW_STR("0123456789abcdefghjkmnpqrs"), 1, GW_STR("tok")},
        .source = GW_STR("billing"),
        .locale = gw_str_of(template_bundle_locale(m->bundle)),
        .now_ms = 1361527200000, /* 2013-02-22T10:00:00Z */
        .deadline_ms = INT64_MAX,
        .from = {.name = GW_STR("Creditor Ltd"), .address = GW_STR("help@creditor.example.test")},
        .to_n = 1,
        .reference = GW_STR("INV-1")};
    m->task.to[0] = (wire_recipient){GW_STR("primary"), GW_STR("Jane Example"), gw_str_of(number),
                                     GW_STR("to")};
    m->a->task = &m->task;
    m->a->facts = gw_str_of(with);
    m->a->go_at = gw_mono_now();
    m->code = m->driver.prepare(m->driver.self, m->bench, m->a, m->bundle, &m->err);
    gw_err err = {0};
    if (m->code == GW_OK && c->transport != VOICE_PROVIDER)
        assert_int_equal(script_read(gw_buf_str(&m->a->bytes), m->a->arena, &m->s, &err), GW_OK);
}

static void make_with(made *m, const char *command, const char *template, const char *with,
                      const char *number)
{
    voice_config c = config(command);
    prepare_with(m, &c, template, with, number);
}

static void make(made *m, const char *template)
{
    make_with(m, speaker, template, facts, "+15550100");
}

static void done(made *m)
{
    channel_attempt_free(m->a);
    m->driver.bench_free(m->bench);
    m->driver.close(m->driver.self);
    template_bundle_free(m->bundle);
}

static bool says(gw_str text, const char *what)
{
    return memmem(text.p, text.n, what, strlen(what)) != NULL;
}

static void amounts_are_spoken_only_in_the_details(void **state)
{
    (void)state;
    static const char *const templates[] = {"en/call-overdue",       "en/call-before-due",
                                            "en/payment-reminder",   "zh-CN/call-overdue",
                                            "zh-CN/call-before-due", "zh-CN/payment-reminder"};
    for (size_t i = 0; i < GW_COUNT(templates); i++) {
        made m;
        make(&m, templates[i]);
        assert_string_equal(m.err.text, "");
        for (int p = CALL_PART_NONE + 1; p < CALL_PART_COUNT; p++) {
            bool amount = says(m.s.text[p], "1,234.56");
            assert_int_equal(amount, p == CALL_PART_DETAILS);
            assert_int_equal(m.s.ulaw[p].n, 800);
            assert_false(says(m.s.text[p], "\n") || says(m.s.text[p], "\xC2\xA0"));
        }
        assert_true(says(m.s.text[CALL_PART_ASK], "Jane Example"));
        assert_true(gw_str_is(m.s.to, "+15550100"));
        done(&m);
    }
}

static void the_key_for_a_promise_stands_for_a_day_that_is_spoken(void **state)
{
    (void)state;
    made m;
    make(&m, "en/call-overdue");
    assert_true(gw_str_is(m.s.promise_date, "2013-03-01"));
    assert_true(says(m.s.text[CALL_PART_DETAILS], "March 1, 2013, press 1"));
    done(&m);
    make_with(
        &m, speaker, "en/call-overdue",
        "{\"promise_date\":\"2013-03-15\",\"creditor\":{\"name\":\"C\"},\"debtor\":{\"id\":\"D\","
        "\"name\":"
        "\"S\"},\"contact\":{\"name\":\"J\"},\"case\":\"I\",\"reference\":\"I\",\"date\":\"2013-02-"
        "22\","
        "\"items\":[{\"id\":\"I\",\"due\":\"2013-02-04\",\"amount_minor\":100,\"open_minor\":100,"
        "\"paid_minor\":0,\"currency\":\"USD\",\"days_overdue\":18}]}",
        "+15550100");
    assert_string_equal(m.err.text, "");
    assert_true(gw_str_is(m.s.promise_date, "2013-03-15"));
    done(&m);
}

static void the_same_task_gives_the_same_bytes(void **state)
{
    (void)state;
    made m, again;
    make(&m, "en/call-overdue");
    make(&again, "en/call-overdue");
    assert_true(gw_str_eq(gw_buf_str(&m.a->bytes), gw_buf_str(&again.a->bytes)));
    done(&m);
    done(&again);
}

static void a_template_of_one_message_has_no_question(void **state)
{
    (void)state;
    made m;
    make(&m, "en/opt-out-confirmation");
    assert_string_equal(m.err.text, "");
    assert_int_equal(m.s.ulaw[CALL_PART_ASK].n, 0);
    assert_int_equal(m.s.ulaw[CALL_PART_MESSAGE].n, 800);
    done(&m);
}

static void what_cannot_be_called_is_refused_and_what_cannot_be_spoken_comes_later(void **state)
{
    (void)state;
    made m;
    make_with(&m, speaker, "en/call-overdue", facts, "5550100");
    assert_int_equal(m.code, GW_EINVAL);
    assert_null(strstr(m.err.text, "5550100"));
    done(&m);
    make_with(&m, speaker, "en/formal-notice", facts, "+15550100");
    assert_int_equal(m.code, GW_ENOTFOUND);
    done(&m);
    make_with(&m, "false", "en/call-overdue", facts, "+15550100");
    assert_int_equal(m.code, GW_EIO);
    done(&m);
    make_with(&m, "echo no sound", "en/call-overdue", facts, "+15550100");
    assert_int_equal(m.code, GW_EIO);
    done(&m);
}

static void without_a_speaking_program_there_is_no_call_but_a_script(void **state)
{
    (void)state;
    made m;
    make_with(&m, "no-such-speaker", "en/call-overdue", facts, "+15550100");
    assert_int_equal(m.code, GW_OK);
    assert_true(says(m.s.text[CALL_PART_DETAILS], "1,234.56"));
    assert_int_equal(m.s.ulaw[CALL_PART_DETAILS].n, 0);
    done(&m);
    channel driver;
    gw_err err = {0};
    voice_config c = config("no-such-speaker");
    c.transport = VOICE_SIP;
    assert_int_equal(voice_channel(&c, &driver, &err), GW_ENOTFOUND);
    assert_non_null(strstr(err.text, "voice.tts.command"));
}

static void what_is_no_script_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "[]",
                                      "{}",
                                      "{\"parts\":1}",
                                      "{\"parts\":[1]}",
                                      "{\"parts\":[{\"name\":\"song\"}]}",
                                      "{\"parts\":[{\"name\":\"ask\",\"audio\":\"***\"}]}",
                                      "{\"parts\":[{\"name\":\"ask\",\"audio\":\"QUJD\"}]}"};
    for (size_t i = 0; i < GW_COUNT(bad); i++) {
        script s;
        gw_err err = {0};
        GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(1 << 20);
        assert_int_equal(script_read(gw_str_of(bad[i]), arena, &s, &err), GW_EINVAL);
    }
}

/* ---- HTTP providers ---- */

static bool is_creditor(const void *arg, gw_str source)
{
    (void)arg;
    return gw_str_is(source, "billing");
}

static void a_provider_is_given_the_limited_message_and_nothing_of_the_debt(void **state)
{
    (void)state;
    static const char odd[] =
        "{\"creditor\":{\"name\":\"A & B <Hangup/>\",\"phone\":\"+1 555 "
        "0100\"},\"debtor\":{\"id\":\"D\","
        "\"name\":\"S\"},\"contact\":{\"name\":\"Jane\"},\"case\":\"I\",\"reference\":\"I\","
        "\"date\":\"2013-02-22\",\"items\":[{\"id\":\"I\",\"due\":\"2013-02-04\",\"amount_minor\":"
        "123456,"
        "\"open_minor\":123456,\"paid_minor\":0,\"currency\":\"USD\",\"days_overdue\":18}]}";
    made m;
    gw_err err = {0};
    char path[512];
    voice_config c = config("");
    snprintf(path, sizeof path, "%s/secrets", folder);
    assert_int_equal(gw_dir_make(path, 0700, &err), GW_OK);
    snprintf(path, sizeof path, "%s/secrets/twilio.auth_token", folder);
    assert_int_equal(gw_file_replace(path, GW_STR("secret-token"), 0600, &err), GW_OK);
    snprintf(path, sizeof path, "%s/config", getenv("DUNLIN_SOURCE"));
    c.transport = VOICE_PROVIDER;
    c.fleet = (fleet_config){.names = "twilio-voice",
                             .config_dir = path,
                             .data_dir = folder,
                             .channel = "voice",
                             .callback_url = "https://us.example.test/hooks",
                             .is_creditor = is_creditor};
    prepare_with(&m, &c, "en/call-overdue", odd, "+15550100");
    assert_string_equal(m.err.text, "");
    gw_str bytes = gw_buf_str(&m.a->bytes);
    assert_true(says(bytes, "To=%2B15550100"));
    assert_true(says(bytes, "Say+language%3D%27en%27") || says(bytes, "Say%20language%3D%27en%27"));
    assert_true(says(bytes, "A%20%26amp%3B%20B%20%26lt%3BHangup") ||
                says(bytes, "A+%26amp%3B+B+%26lt%3BHangup"));
    assert_false(says(bytes, "1,234") || says(bytes, "1%2C234"));
    assert_false(says(bytes, "secret-token"));
    done(&m);
}

/* ---- the outbox ---- */

static bool reported;

static void on_report(void *arg, channel_attempt *a)
{
    (void)arg;
    reported = a->outcome.result == WIRE_DELIVERED && strcmp(a->outcome.why, "outbox") == 0;
}

static void *serve(void *arg)
{
    made *m = arg;
    m->driver.serve(m->driver.self, m->a->owner);
    return NULL;
}

static void the_outbox_holds_the_script_and_its_sound_and_calls_nobody(void **state)
{
    (void)state;
    made m;
    pthread_t thread;
    gw_err err = {0};
    char path[128];
    GW_AUTO_BUF gw_buf file;
    GW_AUTO_BUF gw_buf ulaw;
    GW_AUTO(channel_source_free) channel_source *source = channel_source_new(on_report, NULL);
    make(&m, "en/call-overdue");
    m.a->owner = source;
    m.a->go_wall_ms = m.task.now_ms;
    assert_true(channel_source_put(source, m.a));
    channel_source_close(source);
    pthread_create(&thread, NULL, serve, &m);
    pthread_join(thread, NULL);
    assert_true(reported);
    assert_null(m.a->outcome.call.amd);
    gw_buf_init(&file, SCRIPT_BYTES_MAX);
    gw_buf_init(&ulaw, SCRIPT_BYTES_MAX);
    snprintf(path, sizeof path, "%s/2013-02-22/%s.call.json", folder, m.task.ref.rid.p);
    assert_int_equal(gw_file_read(path, &file, &err), GW_OK);
    assert_true(gw_str_eq(gw_buf_str(&file), gw_buf_str(&m.a->bytes)));
    gw_buf_clear(&file);
    snprintf(path, sizeof path, "%s/2013-02-22/%s.wav", folder, m.task.ref.rid.p);
    assert_int_equal(gw_file_read(path, &file, &err), GW_OK);
    assert_int_equal(sound_from_wav(gw_buf_str(&file), &ulaw, &err), GW_OK);
    assert_int_equal(ulaw.n, 5 * (800 + SOUND_RATE));
    done(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amounts_are_spoken_only_in_the_details),
        cmocka_unit_test(the_key_for_a_promise_stands_for_a_day_that_is_spoken),
        cmocka_unit_test(the_same_task_gives_the_same_bytes),
        cmocka_unit_test(a_template_of_one_message_has_no_question),
        cmocka_unit_test(what_cannot_be_called_is_refused_and_what_cannot_be_spoken_comes_later),
        cmocka_unit_test(without_a_speaking_program_there_is_no_call_but_a_script),
        cmocka_unit_test(what_is_no_script_is_refused),
        cmocka_unit_test(a_provider_is_given_the_limited_message_and_nothing_of_the_debt),
        cmocka_unit_test(the_outbox_holds_the_script_and_its_sound_and_calls_nobody),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
