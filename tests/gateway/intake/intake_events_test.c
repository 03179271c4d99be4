/* Events through real sockets onto a real redis-server: what they build on, bind and wake. */
#include "tests/gateway/intake/talk.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void events_of_one_message_build_on_each_other(void **unused)
{
    (void)unused;
    reply r = ask(dealer, "item",
                  (const char *[]){"{\"id\":\"e1\",\"debtor\":\"de\",\"due\":\"2013-02-01\","
                                   "\"amount_minor\":100,\"currency\":\"EUR\"}",
                                   "{\"id\":\"e2\",\"debtor\":\"de\",\"due\":\"2013-02-01\","
                                   "\"amount_minor\":100,\"currency\":\"EUR\"}"},
                  2);
    says(&r, 0, "accepted");
    says(&r, 1, "accepted");
#define PAY(id, item, amount)                                                                      \
    "{\"id\":\"" id "\",\"debtor\":\"de\",\"item\":\"" item "\",\"amount_minor\":" amount          \
    ",\"currency\":\"EUR\",\"at\":\"2013-02-01T00:00:00Z\"}"
    r = ask(dealer, "payment",
            (const char *[]){PAY("p1", "e1", "60"), PAY("p1", "e1", "60"), PAY("p2", "e1", "41"),
                             PAY("p3", "e1", "40"), PAY("p4", "e2", "1"), PAY("p5", "e9", "1")},
            6);
    says(&r, 0, "accepted");
    says(&r, 1, "duplicate");
    says(&r, 2, "overpaid");
    says(&r, 3, "accepted");
    says(&r, 4, "accepted");
    says(&r, 5, "unknown-item");
    gw_id did;
    state_debtor d;
    gw_err err = {0};
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(1 << 20);
    intake_debtor_id(server.id_key, GW_STR("erp"), GW_STR("de"), &did);
    assert_int_equal(state_load_debtors(store, &did, 1, arena, &d, &err), GW_OK);
    assert_int_equal(d.debtor.version, 5);
    assert_non_null(strstr(state_get(&d.items, "i:e1").p, "\"state\":\"paid\""));
    assert_non_null(strstr(state_get(&d.items, "i:e2").p, "\"paid_minor\":1"));
}

/* ---- what is said at an address (bind.h) ---- */

static void debtor_at(char text[TEXT], const char *id, const char *email)
{
    snprintf(text, TEXT,
             "{\"id\":\"%s\",\"name\":\"N\",\"role\":\"company\",\"zone\":\"Europe/Berlin\","
             "\"contacts\":[{\"role\":\"primary\",\"name\":\"P\",\"email\":\"%s\",\"designated\":"
             "true}]}",
             id, email);
}

static void stop_of(char text[TEXT], const char *debtor, const char *email)
{
    snprintf(text, TEXT,
             "{\"id\":\"stop-%s\",\"debtor\":\"%s\",\"channel\":\"email\",\"address\":\"%s\","
             "\"status\":\"withdrawn\",\"source\":\"letter\"}",
             debtor, debtor, email);
}

static bool is_withdrawn(const char *source, const char *debtor, const char *email)
{
    gw_id did;
    gw_err err = {0};
    state_debtor found;
    char field[128];
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(1 << 20);
    intake_debtor_id(server.id_key, gw_str_of(source), gw_str_of(debtor), &did);
    assert_int_equal(state_load_debtors(store, &did, 1, arena, &found, &err), GW_OK);
    snprintf(field, sizeof field, "o:email:%s", email);
    gw_str value = state_get(&found.debtor, field);
    return value.n && memmem(value.p, value.n, "\"withdrawn\"", 11);
}

static void an_opt_out_answered_for_one_debtor_binds_the_address_of_all(void **unused)
{
    (void)unused;
    static const char at[] = "shared@debtor.example.test";
    char a[TEXT], b[TEXT], c[TEXT], stop_text[TEXT];
    void *zmq;
    void *crm = intake_server_connect(&server, &server.crm, &zmq);
    debtor_at(a, "bind-a", at);
    debtor_at(b, "bind-b", at);
    debtor_at(c, "bind-c", at);
    stop_of(stop_text, "bind-a", at);
    reply r = ask(dealer, "debtor", (const char *[]){a, b}, 2);
    says(&r, 0, "accepted");
    says(&r, 1, "accepted");
    r = ask_one("consent", stop_text);
    says(&r, 0, "accepted");
    assert_true(is_withdrawn("erp", "bind-a", at));
    assert_true(is_withdrawn("erp", "bind-b", at));
    r = ask(crm, "debtor", (const char *[]){c}, 1); /* another billing system, later */
    says(&r, 0, "accepted");
    assert_true(is_withdrawn("crm", "bind-c", at));
    r = ask(crm, "debtor", (const char *[]){c}, 1);
    says(&r, 0, "duplicate");
    hang_up(crm, zmq);
}

static void a_refused_opt_out_binds_nobody(void **unused)
{
    (void)unused;
    static const char at[] = "refused@debtor.example.test";
    char a[TEXT], b[TEXT], stop_text[TEXT];
    debtor_at(a, "ref-a", at);
    debtor_at(b, "ref-b", at);
    reply r = ask_one("debtor", a);
    says(&r, 0, "accepted");
    snprintf(stop_text, TEXT,
             "{\"id\":\"stop-x\",\"debtor\":\"ref-a\",\"channel\":\"email\",\"address\":\"%s\","
             "\"status\":\"withdrawn\",\"source\":\"letter\",\"until\":\"2030-01-01T00:00:00Z\"}",
             at);
    r = ask_one("consent", stop_text);
    says(&r, 0, "invalid");
    r = ask_one("debtor", b);
    says(&r, 0, "accepted");
    assert_false(is_withdrawn("erp", "ref-b", at));
}

static void many_events_of_one_debtor_go_through_in_one_message(void **unused)
{
    (void)unused;
    enum { PAYMENTS = 40 };
    static char text[PAYMENTS][TEXT];
    const char *bodies[PAYMENTS];
    ask_one("item", "{\"id\":\"mi\",\"debtor\":\"md\",\"due\":\"2013-02-01\",\"amount_minor\":40,"
                    "\"currency\":\"EUR\"}");
    for (int i = 0; i < PAYMENTS; i++) {
        snprintf(text[i], TEXT,
                 "{\"id\":\"mp%d\",\"debtor\":\"md\",\"item\":\"mi\",\"amount_minor\":1,"
                 "\"currency\":\"EUR\"}",
                 i);
        bodies[i] = text[i];
    }
    reply r = ask(dealer, "payment", bodies, PAYMENTS);
    for (size_t i = 0; i < PAYMENTS; i++)
        says(&r, i, "accepted");
}

/* The id of a thing is one debtor's; what would have been stored on top of it is looked at again.
 */
static void events_of_another_debtor_under_a_known_id_are_conflicts(void **unused)
{
    (void)unused;
#define ITEM(id, debtor)                                                                           \
    "{\"id\":\"" id "\",\"debtor\":\"" debtor                                                      \
    "\",\"due\":\"2013-02-01\",\"amount_minor\":100,\"currency\":\"EUR\"}"
#define PAID(id, debtor, item)                                                                     \
    "{\"id\":\"" id "\",\"debtor\":\"" debtor "\",\"item\":\"" item                                \
    "\",\"amount_minor\":10,\"currency\":\"EUR\"}"
    reply r = ask(dealer, "item",
                  (const char *[]){ITEM("o1", "own"), ITEM("o1", "foe"), ITEM("f1", "foe"),
                                   ITEM("o1", "own"), ITEM("f2", "foe")},
                  5);
    static const char *const items[] = {"accepted", "conflict", "accepted", "duplicate",
                                        "accepted"};
    for (size_t i = 0; i < GW_COUNT(items); i++)
        says(&r, i, items[i]);
    r = ask(dealer, "payment",
            (const char *[]){PAID("op", "own", "o1"), PAID("op", "foe", "f1"),
                             PAID("fp", "foe", "f1"), PAID("op", "own", "o1")},
            4);
    static const char *const payments[] = {"accepted", "conflict", "accepted", "duplicate"};
    for (size_t i = 0; i < GW_COUNT(payments); i++)
        says(&r, i, payments[i]);
    static const struct {
        const char *verb, *own, *foe;
    } rows[] = {
        {"promise", "{\"id\":\"om\",\"debtor\":\"own\",\"date\":\"2013-02-03\"}",
         "{\"id\":\"om\",\"debtor\":\"foe\",\"date\":\"2013-02-03\"}"},
        {"dispute", "{\"id\":\"ou\",\"debtor\":\"own\",\"state\":\"open\"}",
         "{\"id\":\"ou\",\"debtor\":\"foe\",\"state\":\"open\"}"},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        r = ask_one(rows[i].verb, rows[i].own);
        says(&r, 0, "accepted");
        r = ask_one(rows[i].verb, rows[i].foe);
        says(&r, 0, "conflict");
        says(&r, 0, "another debtor");
    }
    r = ask_one("item", ITEM("o1", "foe")); /* changing it is no way around */
    says(&r, 0, "conflict");
    gw_id did;
    state_debtor d;
    gw_err err = {0};
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(1 << 20);
    intake_debtor_id(server.id_key, GW_STR("erp"), GW_STR("foe"), &did);
    assert_int_equal(state_load_debtors(store, &did, 1, arena, &d, &err), GW_OK);
    static const char *const absent[] = {"i:o1", "y:op", "m:om", "u:ou"};
    for (size_t i = 0; i < GW_COUNT(absent); i++)
        assert_null(state_get(&d.items, absent[i]).p);
    assert_non_null(strstr(state_get(&d.items, "i:f1").p, "\"paid_minor\":10"));
    assert_int_equal(d.debtor.version, 3);
}

static void a_refused_event_does_not_keep_its_id(void **unused)
{
    (void)unused;
    reply r = ask_one("item", ITEM("right-item", "right"));
    says(&r, 0, "accepted");
    r = ask_one("payment", PAID("moved", "wrong", "right-item"));
    says(&r, 0, "unknown-item");
    r = ask_one("payment", PAID("moved", "right", "right-item"));
    says(&r, 0, "accepted");
}

/* What protects a debtor is never refused for an id that was used elsewhere. */
static void acts_that_protect_count_whatever_their_id(void **unused)
{
    (void)unused;
    static const char *const debtors[] = {"act-1", "act-2"};
    char text[TEXT];
    uint64_t before = accepted_reminders();
    for (size_t i = 0; i < GW_COUNT(debtors); i++) {
        snprintf(text, TEXT,
                 "{\"id\":\"act\",\"debtor\":\"%s\",\"kind\":\"lawyer\",\"state\":\"set\",\"by\":"
                 "\"legal\"}",
                 debtors[i]);
        reply r = ask_one("hold", text);
        says(&r, 0, "accepted");
        snprintf(
            text, TEXT,
            "{\"id\":\"act\",\"debtor\":\"%s\",\"channel\":\"email\",\"address\":"
            "\"a@%s.example.test\",\"status\":\"withdrawn\",\"source\":\"call\",\"confirm\":true}",
            debtors[i], debtors[i]);
        r = ask_one("consent", text);
        says(&r, 0, "accepted");
        gw_id did;
        state_debtor d;
        gw_err err = {0};
        GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(1 << 20);
        intake_debtor_id(server.id_key, GW_STR("erp"), gw_str_of(debtors[i]), &did);
        assert_int_equal(state_load_debtors(store, &did, 1, arena, &d, &err), GW_OK);
        char field[64];
        snprintf(field, sizeof field, "o:email:a@%s.example.test", debtors[i]);
        assert_non_null(strstr(state_get(&d.debtor, field).p, "withdrawn"));
    }
    /* the job "opt-out:act" is the first debtor's: one confirmation under that id, not two */
    assert_int_equal(accepted_reminders(), before + 1);
}

typedef struct {
    int first;
    int accepted;
} payer;

static void *pay_many(void *arg)
{
    payer *p = arg;
    void *zmq;
    void *socket = intake_server_connect(&server, &server.erp, &zmq);
    for (int i = 0; i < 20; i++) {
        char text[TEXT];
        snprintf(text, sizeof text,
                 "{\"id\":\"r%d\",\"debtor\":\"race\",\"item\":\"x\",\"amount_minor\":1,"
                 "\"currency\":\"EUR\",\"at\":\"2013-02-01T00:00:00Z\"}",
                 p->first + i);
        send_frames(socket, (const char *[]){"DUN1", "payment", "q", text}, 4);
        reply r;
        if (receive(socket, PATIENCE_MS, &r) && strstr(r.text[0], "accepted"))
            p->accepted++;
    }
    hang_up(socket, zmq);
    return NULL;
}

static void racing_payments_are_all_counted_once(void **unused)
{
    (void)unused;
    payer payers[3] = {{0, 0}, {100, 0}, {200, 0}};
    pthread_t threads[3];
    ask_one("item", "{\"id\":\"x\",\"debtor\":\"race\",\"due\":\"2013-02-01\",\"amount_minor\":60,"
                    "\"currency\":\"EUR\"}");
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, pay_many, &payers[i]), 0);
    int accepted = 0;
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        accepted += payers[i].accepted;
    }
    assert_int_equal(accepted, 60);
    reply r = ask_one("payment", "{\"id\":\"last\",\"debtor\":\"race\",\"item\":\"x\","
                                 "\"amount_minor\":1,\"currency\":\"EUR\"}");
    says(&r, 0, "overpaid");
}

static void an_accepted_event_leaves_a_record_and_wakes_the_debtor(void **unused)
{
    (void)unused;
    ask_one("hold", "{\"id\":\"hold-1\",\"debtor\":\"held\",\"kind\":\"lawyer\",\"state\":\"set\","
                    "\"by\":\"legal\"}");
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(64 << 20);
    gw_err err = {0};
    gw_str from[STATE_SHARDS] = {{NULL, 0}};
    state_outbox_entry *entries;
    size_t n;
    gw_id did;
    bool found = false;
    assert_int_equal(state_outbox_read(store, from, 4096, 0, arena, &entries, &n, &err), GW_OK);
    for (size_t i = 0; i < n; i++)
        found |= strcmp(entries[i].rec.event, EVENT_HOLD) == 0 &&
                 gw_str_is(entries[i].rec.debtor, "held") && gw_str_is(entries[i].rec.why, "set");
    assert_true(found);
    intake_debtor_id(server.id_key, GW_STR("erp"), GW_STR("held"), &did);
    state_due_entry *due;
    uint8_t mask[STATE_SHARDS] = {0};
    mask[state_shard(&did)] = 1;
    bool woken = false;
    assert_int_equal(
        state_due(store, mask, 'w', gw_clock_now(server.clock), 65536, arena, &due, &n, &err),
        GW_OK);
    for (size_t i = 0; i < n; i++)
        woken |= due[i].kind == 'd' && memcmp(due[i].id.b, did.b, sizeof did.b) == 0;
    assert_true(woken);
}

static void a_job_wakes_dispatch_in_its_shard_and_an_event_everywhere(void **unused)
{
    (void)unused;
    char text[TEXT];
    gw_id did;
    job(text, "wakes", "");
    intake_debtor_id(server.id_key, GW_STR("erp"), GW_STR("d1"), &did);
    atomic_store(&told_jobs, 0);
    atomic_store(&told_changed, 0);
    ask_one("submit", text);
    assert_int_equal(atomic_load(&told_jobs), UINT64_C(1) << state_shard(&did));
    assert_int_equal(atomic_load(&told_changed), 0);
    atomic_store(&told_jobs, 0);
    ask_one("submit", text); /* a duplicate is no news */
    reply r = ask_one("item", "{\"id\":\"wakes\",\"debtor\":\"d1\",\"due\":\"2013-02-01\","
                              "\"amount_minor\":1,\"currency\":\"EUR\"}");
    says(&r, 0, "accepted");
    assert_int_equal(atomic_load(&told_jobs), 0);
    assert_true(atomic_load(&told_changed) == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_of_one_message_build_on_each_other),
        cmocka_unit_test(many_events_of_one_debtor_go_through_in_one_message),
        cmocka_unit_test(an_opt_out_answered_for_one_debtor_binds_the_address_of_all),
        cmocka_unit_test(a_refused_opt_out_binds_nobody),
        cmocka_unit_test(events_of_another_debtor_under_a_known_id_are_conflicts),
        cmocka_unit_test(a_refused_event_does_not_keep_its_id),
        cmocka_unit_test(acts_that_protect_count_whatever_their_id),
        cmocka_unit_test(racing_payments_are_all_counted_once),
        cmocka_unit_test(an_accepted_event_leaves_a_record_and_wakes_the_debtor),
        cmocka_unit_test(a_job_wakes_dispatch_in_its_shard_and_an_event_everywhere),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
