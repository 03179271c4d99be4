#include "gateway/wire/worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { ROOM = 1 << 20 };

static gw_str encoded(const wire_header *h, gw_buf *b)
{
    gw_err err = {0};
    gw_buf_init(b, ROOM);
    assert_int_equal(wire_encode(h, b, &err), GW_OK);
    return gw_buf_str(b);
}

static gw_code decode(const char *type, gw_str json, gw_arena *arena, wire_header *ret, gw_err *err)
{
    return wire_decode(gw_str_of(type), json, arena, ret, err);
}

static const wire_ref some_ref = {GW_STR("r1"), 2, GW_STR("t1")};

static void a_task_survives_the_round_trip(void **state)
{
    (void)state;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ROOM);
    GW_AUTO_BUF gw_buf b;
    wire_header h = {.type = WIRE_TASK};
    h.task = (wire_task){
        .ref = some_ref,
        .source = GW_STR("erp"),
        .template = GW_STR("overdue@3"),
        .now_ms = 5,
        .deadline_ms = INT64_MAX,
        .from = {.address = GW_STR("ar@example.test"), .name = GW_STR("A \"R\"\n")},
        .to = {{.address = GW_STR("a@example.test"), .kind = GW_STR("to")},
               {.address = GW_STR("b@example.test"),
                .kind = GW_STR("cc"),
                .role = GW_STR("owner")}},
        .to_n = 2,
        .manual_clock = true,
    };
    wire_header back;
    gw_err err = {0};
    assert_int_equal(decode("TASK", encoded(&h, &b), arena, &back, &err), GW_OK);
    assert_int_equal(back.type, WIRE_TASK);
    assert_true(gw_str_is(back.task.ref.rid, "r1"));
    assert_int_equal(back.task.ref.attempt, 2);
    assert_true(gw_str_is(back.task.from.name, "A \"R\"\n"));
    assert_int_equal(back.task.to_n, 2);
    assert_true(gw_str_is(back.task.to[1].role, "owner"));
    assert_true(gw_str_is(back.task.to[1].kind, "cc"));
    assert_true(back.task.deadline_ms == INT64_MAX);
    assert_true(back.task.manual_clock);
    assert_int_equal(back.task.locale.n, 0);
}

static void an_outcome_survives_the_round_trip(void **state)
{
    (void)state;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ROOM);
    GW_AUTO_BUF gw_buf b;
    wire_header h = {.type = WIRE_OUTCOME};
    h.outcome = (wire_outcome){
        .ref = some_ref,
        .outcome = WIRE_LATER,
        .code = 451,
        .enhanced = GW_STR("4.7.1"),
        .why = GW_STR("greylisted"),
        .retry_after_ms = -1,
        .remote_host = GW_STR("mx.example.test"),
        .recipients = {{.index = 0, .code = 250}, {.index = 1, .code = 451}},
        .recipient_n = 2,
    };
    wire_header back;
    gw_err err = {0};
    assert_int_equal(decode("OUTCOME", encoded(&h, &b), arena, &back, &err), GW_OK);
    assert_int_equal(back.outcome.outcome, WIRE_LATER);
    assert_true(back.outcome.retry_after_ms == -1);
    assert_true(gw_str_is(back.outcome.remote_host, "mx.example.test"));
    assert_int_equal(back.outcome.remote_tls.n, 0);
    assert_int_equal(back.outcome.recipient_n, 2);
    assert_int_equal(back.outcome.recipients[1].code, 451);
}

static void every_type_has_a_name_that_parses_back(void **state)
{
    (void)state;
    for (int i = 0; i < WIRE_TYPE_COUNT; i++) {
        wire_type t;
        assert_true(wire_type_parse(gw_str_of(wire_type_name((wire_type)i)), &t));
        assert_int_equal(t, i);
        assert_in_range(wire_payload_frames(t), 0, WIRE_PAYLOADS_MAX);
    }
}

static void a_header_the_other_side_would_refuse_is_not_written(void **state)
{
    (void)state;
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, ROOM);
    gw_err err = {0};
    wire_header h = {.type = WIRE_GO, .go = {.ref = {GW_STR("r"), 0, GW_STR("t")}}};
    assert_int_equal(wire_encode(&h, &b, &err), GW_EINVAL);
    assert_non_null(strstr(err.text, "attempt"));
    h = (wire_header){.type = WIRE_WANT};
    assert_int_equal(wire_encode(&h, &b, &err), GW_EINVAL);
}

static void wrong_members_are_refused_by_name_and_unknown_ones_skipped(void **state)
{
    (void)state;
    static const struct {
        const char *type, *json, *names;
    } rows[] = {
        {"READY", "{\"worker\":\"w\",\"channel\":\"email\"}", "credit"},
        {"READY", "{\"worker\":\"w\",\"channel\":\"email\",\"credit\":-1}", "credit"},
        {"READY", "{\"worker\":\"w\",\"channel\":\"email\",\"credit\":1.5}", "credit"},
        {"READY", "{\"worker\":7,\"channel\":\"email\",\"credit\":1}", "worker"},
        {"READY", "[]", "object"},
        {"READY", "{", "JSON"},
        {"SHOUT", "{}", "unknown type"},
        {"GO", "{\"rid\":\"r\",\"attempt\":9999999,\"tok\":\"t\",\"now_ms\":1}", "attempt"},
        {"OUTCOME", "{\"rid\":\"r\",\"attempt\":1,\"tok\":\"t\",\"outcome\":\"great\"}", "outcome"},
        {"OUTCOME",
         "{\"rid\":\"r\",\"attempt\":1,\"tok\":\"t\",\"outcome\":\"later\",\"code\":0,"
         "\"recipients\":[{\"index\":100,\"code\":0}]}",
         "index"},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ROOM);
        wire_header h;
        gw_err err = {0};
        assert_int_not_equal(decode(rows[i].type, gw_str_of(rows[i].json), arena, &h, &err), GW_OK);
        assert_non_null(strstr(err.text, rows[i].names));
    }
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ROOM);
    wire_header h;
    gw_err err = {0};
    assert_int_equal(decode("DRAIN", GW_STR("{\"later\":1}"), arena, &h, &err), GW_OK);
}

static void a_task_for_more_recipients_than_smtp_takes_is_refused(void **state)
{
    (void)state;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ROOM);
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, ROOM);
    gw_buf_puts(&b,
                "{\"rid\":\"r\",\"attempt\":1,\"tok\":\"t\",\"source\":\"s\",\"template\":\"x\","
                "\"now_ms\":1,\"deadline_ms\":2,\"from\":{},\"manual_clock\":false,\"to\":[");
    for (int i = 0; i <= WIRE_RECIPIENTS_MAX; i++)
        gw_buf_printf(&b, "%s{\"address\":\"a%d@example.test\",\"kind\":\"to\"}", i ? "," : "", i);
    gw_buf_puts(&b, "]}");
    wire_header h;
    gw_err err = {0};
    assert_int_equal(decode("TASK", gw_buf_str(&b), arena, &h, &err), GW_EINVAL);
    assert_non_null(strstr(err.text, "\"to\""));
}

static void a_question_and_its_answer_survive_the_round_trip(void **state)
{
    (void)state;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ROOM);
    GW_AUTO_BUF gw_buf b;
    wire_header back;
    gw_err err = {0};
    wire_header ask = {.type = WIRE_PULL,
                       .pull = {GW_STR("q1"), GW_STR("own"), GW_STR("twilio"), GW_STR("SM1"),
                                GW_STR("+15550100001"), 1357000000000}};
    assert_int_equal(decode("PULL", encoded(&ask, &b), arena, &back, &err), GW_OK);
    assert_true(gw_str_is(back.pull.provider_ref, "SM1"));
    assert_true(back.pull.sent_ms == 1357000000000);

    GW_AUTO_BUF gw_buf c;
    wire_header say = {.type = WIRE_PULLED,
                       .pulled = {.id = GW_STR("q1"),
                                  .verdict = WIRE_PULLED_KNOWN,
                                  .state = WIRE_RECEIPT_EXPIRED,
                                  .at_ms = -1}};
    assert_int_equal(decode("PULLED", encoded(&say, &c), arena, &back, &err), GW_OK);
    assert_int_equal(back.pulled.verdict, WIRE_PULLED_KNOWN);
    assert_int_equal(back.pulled.state, WIRE_RECEIPT_EXPIRED);
    assert_true(back.pulled.at_ms == -1);
    gw_str odd = GW_STR("{\"id\":\"q\",\"verdict\":\"known\",\"state\":\"read\"}");
    assert_int_equal(decode("PULLED", odd, arena, &back, &err), GW_EINVAL);
}

static void an_own_reference_is_read_back_and_nothing_else_is_taken_for_one(void **state)
{
    (void)state;
    char text[WIRE_OWN_TEXT];
    gw_id rid, back;
    uint8_t shard;
    int attempt;
    gw_id_random(&rid);
    wire_own_format(63, &rid, 12, text);
    assert_true(wire_own_parse(gw_str_of(text), &shard, &back, &attempt));
    assert_int_equal(shard, 63);
    assert_int_equal(attempt, 12);
    assert_memory_equal(&rid, &back, sizeof rid);
    for (size_t cut = 0; cut < strlen(text) - 1; cut++)
        assert_false(wire_own_parse((gw_str){text, cut}, &shard, &back, &attempt));
    text[0] = '6', text[1] = '4';
    assert_false(wire_own_parse(gw_str_of(text), &shard, &back, &attempt));
    wire_own_format(3, &rid, 1, text);
    text[strlen(text) - 1] = '0';
    assert_false(wire_own_parse(gw_str_of(text), &shard, &back, &attempt));
    strcat(text, "1");
    assert_false(wire_own_parse(gw_str_of(text), &shard, &back, &attempt));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_and_its_answer_survive_the_round_trip),
        cmocka_unit_test(an_own_reference_is_read_back_and_nothing_else_is_taken_for_one),
        cmocka_unit_test(a_task_survives_the_round_trip),
        cmocka_unit_test(an_outcome_survives_the_round_trip),
        cmocka_unit_test(every_type_has_a_name_that_parses_back),
        cmocka_unit_test(a_header_the_other_side_would_refuse_is_not_written),
        cmocka_unit_test(wrong_members_are_refused_by_name_and_unknown_ones_skipped),
        cmocka_unit_test(a_task_for_more_recipients_than_smtp_takes_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
