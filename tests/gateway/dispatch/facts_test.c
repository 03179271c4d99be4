/* Facts, decisions and task documents from loaded state: pure, no store. */
#include "gateway/dispatch/facts.h"
#include "gateway/dispatch/task_facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { ROOM = 16 << 20, FIELDS = 32 };

#define NOON INT64_C(1362394800000) /* 2013-03-04T11:00:00Z, 12:00 in Berlin */

typedef struct {
    gw_arena *arena;
    zone_table *zones;
    state_field debtor[FIELDS], items[FIELDS];
    size_t debtor_n, item_n;
    view_debtor d;
    view_reminder r;
    reminder_facts f;
    facts_context ctx;
} world;

static const char debtor_body[] =
    "{\"id\":\"d1\",\"name\":\"Debtor GmbH\",\"role\":\"company\",\"zone\":\"Europe/Berlin\","
    "\"contacts\":[{\"id\":\"k1\",\"role\":\"primary\",\"name\":\"E\",\"email\":\"e@d.example."
    "test\","
    "\"phone\":\"+491\",\"designated\":true},"
    "{\"role\":\"owner\",\"name\":\"O\",\"email\":\"e@d.example.test\",\"designated\":true},"
    "{\"role\":\"partner\",\"name\":\"P\",\"email\":\"p@p.example.test\",\"designated\":false}]}";

static int start(void **cm)
{
    world *w = calloc(1, sizeof *w);
    w->arena = gw_arena_new(ROOM);
    w->zones = zone_table_new();
    w->ctx = (facts_context){.zones = w->zones,
                             .promise_grace_days = 2,
                             .channels_ready = 1U << POLICY_EMAIL,
                             .clock_ok = true};
    w->debtor[w->debtor_n++] = (state_field){GW_STR("src"), GW_STR("erp")};
    w->debtor[w->debtor_n++] = (state_field){GW_STR("deb"), GW_STR("d1")};
    w->debtor[w->debtor_n++] = (state_field){GW_STR("b"), GW_STR(debtor_body)};
    *cm = w;
    return 0;
}

static int stop(void **cm)
{
    world *w = *cm;
    gw_arena_free(w->arena);
    zone_table_free(w->zones);
    free(w);
    return 0;
}

static void of_debtor(world *w, const char *name, const char *json)
{
    w->debtor[w->debtor_n++] = (state_field){gw_str_of(name), gw_str_of(json)};
}

static void of_items(world *w, const char *name, const char *json)
{
    w->items[w->item_n++] = (state_field){gw_str_of(name), gw_str_of(json)};
}

static const policy_facts *facts(world *w, const char *more)
{
    static char body[1024];
    gw_err err = {0};
    snprintf(body, sizeof body,
             "{\"id\":\"j1\",\"debtor\":\"d1\",\"channel\":\"email\",\"template\":\"letter\"%s}",
             more);
    state_field fields[] = {
        {GW_STR("s"), GW_STR("A")},     {GW_STR("src"), GW_STR("erp")},
        {GW_STR("deb"), GW_STR("d1")},  {GW_STR("job"), GW_STR("j1")},
        {GW_STR("cas"), GW_STR("c1")},  {GW_STR("ch"), GW_STR("email")},
        {GW_STR("b"), gw_str_of(body)},
    };
    state_debtor loaded = {.debtor = {7, w->debtor, w->debtor_n},
                           .items = {7, w->items, w->item_n}};
    state_reminder reminder = {.reminder = {1, fields, GW_COUNT(fields)}};
    state_debtor *kept = gw_arena_alloc(w->arena, sizeof *kept);
    *kept = loaded;
    assert_int_equal(view_debtor_read(kept, w->arena, &w->d, &err), GW_OK);
    assert_int_equal(view_reminder_read(&reminder, w->arena, &w->r, &err), GW_OK);
    assert_true(w->r.readable);
    assert_int_equal(facts_of_reminder(&w->ctx, &w->d, &w->r, true, w->arena, &w->f, &err), GW_OK);
    return &w->f.policy;
}

/* ---- recipients ---- */

static void a_contact_is_found_by_role_or_id_and_the_default_is_primary(void **cm)
{
    world *w = *cm;
    assert_true(gw_str_is(facts(w, "")->recipients[0].address, "e@d.example.test"));
    assert_true(gw_str_is(facts(w, ",\"to\":\"k1\"")->recipients[0].role, "primary"));
    assert_true(gw_str_is(facts(w, ",\"to\":\"owner\"")->recipients[0].role, "owner"));
    assert_int_equal(facts(w, ",\"to\":\"nobody\"")->recipient_n, 0);
}

static void somebody_not_designated_is_marked_and_never_dropped_silently(void **cm)
{
    world *w = *cm;
    const policy_facts *f = facts(w, ",\"cc\":[\"partner\"]");
    assert_int_equal(f->recipient_n, 2);
    assert_false(f->recipients[1].designated);
    assert_true(f->recipients[1].copy);
}

static void one_mailbox_gets_one_message_whatever_roles_it_has(void **cm)
{
    world *w = *cm;
    assert_int_equal(facts(w, ",\"cc\":[\"owner\"]")->recipient_n, 1);
}

static void a_contact_without_an_address_on_the_channel_is_none(void **cm)
{
    world *w = *cm;
    w->debtor[2].value = GW_STR("{\"id\":\"d1\",\"name\":\"D\",\"contacts\":[{\"role\":\"primary\","
                                "\"name\":\"E\",\"phone\":\"+491\",\"designated\":true}]}");
    assert_int_equal(facts(w, "")->recipient_n, 0);
}

/* ---- consent ---- */

static policy_consent consent(world *w)
{
    return facts(w, "")->recipients[0].consent;
}

static void a_withdrawal_counts_for_its_address_channel_or_everything(void **cm)
{
    world *w = *cm;
    assert_int_equal(consent(w), CONSENT_UNKNOWN);
    of_debtor(w, "o:email:other@d.example.test", "{\"status\":\"withdrawn\",\"at_ms\":5}");
    assert_int_equal(consent(w), CONSENT_UNKNOWN);
    of_debtor(w, "o:sms:*", "{\"status\":\"withdrawn\",\"scope\":\"channel\",\"at_ms\":5}");
    assert_int_equal(consent(w), CONSENT_UNKNOWN);
    of_debtor(w, "o:email:e@d.example.test", "{\"status\":\"granted\",\"at_ms\":5}");
    assert_int_equal(consent(w), CONSENT_GRANTED);
    of_debtor(w, "o:email:*", "{\"status\":\"withdrawn\",\"scope\":\"channel\",\"at_ms\":6}");
    assert_int_equal(consent(w), CONSENT_WITHDRAWN);
}

static void of_two_entries_with_the_same_moment_the_withdrawal_holds(void **cm)
{
    world *w = *cm;
    of_debtor(w, "o:*:*", "{\"status\":\"withdrawn\",\"scope\":\"all\",\"at_ms\":5}");
    of_debtor(w, "o:email:e@d.example.test", "{\"status\":\"granted\",\"at_ms\":5}");
    assert_int_equal(consent(w), CONSENT_WITHDRAWN);
}

static void a_grant_for_another_purpose_is_none(void **cm)
{
    world *w = *cm;
    of_debtor(w, "o:email:e@d.example.test",
              "{\"status\":\"granted\",\"purpose\":\"statement\",\"at_ms\":5}");
    assert_int_equal(consent(w), CONSENT_UNKNOWN);
    assert_int_equal(facts(w, ",\"purpose\":\"statement\"")->recipients[0].consent,
                     CONSENT_GRANTED);
}

/* ---- items ---- */

#define OPEN "{\"case\":\"c1\",\"due\":\"2013-03-01\",\"amount_minor\":100,\"paid_minor\":40,"
#define REST "\"currency\":\"EUR\",\"state\":\"open\"}"
#define PAID                                                                                       \
    "{\"case\":\"c1\",\"due\":\"2013-03-01\",\"amount_minor\":100,\"paid_minor\":100,"             \
    "\"currency\":\"EUR\",\"state\":\"paid\"}"

static void a_case_is_paid_when_nothing_of_it_is_open(void **cm)
{
    world *w = *cm;
    assert_false(facts(w, "")->item_known);
    of_items(w, "i:i1", PAID);
    assert_true(facts(w, "")->item_paid);
    of_items(w, "i:i2", OPEN REST);
    assert_false(facts(w, "")->item_paid);
    assert_true(gw_str_is(w->f.item->id, "i2"));
}

static void a_dispute_of_the_account_is_one_of_every_item(void **cm)
{
    world *w = *cm;
    of_items(w, "i:i1", OPEN REST);
    assert_false(facts(w, "")->item_disputed);
    of_items(w, "u:u1", "{\"state\":\"open\"}");
    assert_true(facts(w, "")->item_disputed);
}

static void a_promise_pauses_until_its_day_and_the_grace_have_passed_there(void **cm)
{
    world *w = *cm;
    of_items(w, "i:i1", OPEN REST);
    of_items(w, "m:m1", "{\"item\":\"i1\",\"date\":\"2013-03-08\",\"state\":\"open\"}");
    /* 2013-03-11T00:00 in Berlin */
    assert_int_equal(facts(w, "")->promise_until_ms, INT64_C(1362956400000));
    of_items(w, "m:m1", "{\"item\":\"i2\",\"date\":\"2013-04-08\",\"state\":\"open\"}");
    assert_int_equal(facts(w, "")->promise_until_ms, INT64_C(1362956400000));
}

static void a_broken_promise_pauses_nothing(void **cm)
{
    world *w = *cm;
    of_items(w, "i:i1", OPEN REST);
    of_items(w, "m:m1", "{\"item\":\"i1\",\"date\":\"2013-03-08\",\"state\":\"broken\"}");
    assert_int_equal(facts(w, "")->promise_until_ms, 0);
}

/* ---- the rest ---- */

static void counters_pauses_holds_and_zones_reach_the_policy(void **cm)
{
    world *w = *cm;
    state_field pause = {GW_STR("template:letter"), GW_STR("{}")};
    state_hash control = {1, &pause, 1};
    w->ctx.control = &control;
    of_debtor(w, "c:email:2013-03-04", "2");
    of_debtor(w, "c:*:2013-03-04", "3");
    of_debtor(w, "h:lawyer", "{\"state\":\"set\",\"by\":\"ann\"}");
    of_debtor(w, "h:other", "{\"state\":\"released\",\"by\":\"ann\"}");
    const policy_facts *f = facts(w, "");
    assert_int_equal(f->count_n, 2);
    assert_int_equal(f->counts[0].used, 2);
    assert_true(gw_str_is(f->counts[1].field, "*"));
    assert_int_equal(f->hold_n, 1);
    assert_string_equal(f->paused, "template:letter");
    assert_non_null(f->zone);
    assert_true(f->channel_ready);
}

/* Rules about automatic calls leave those of people alone, so a machine is never taken for a
 * person. */
static void a_machine_makes_the_contact_unless_the_step_is_a_task_for_people(void **cm)
{
    world *w = *cm;
    assert_false(facts(w, "")->by_person);
    assert_false(facts(w, ",\"kind\":\"send\"")->by_person);
    assert_true(facts(w, ",\"kind\":\"task\"")->by_person);
}

static void an_unknown_zone_is_no_zone(void **cm)
{
    world *w = *cm;
    w->debtor[2].value = GW_STR("{\"id\":\"d1\",\"zone\":\"Mars/Olympus\",\"contacts\":[]}");
    assert_null(facts(w, "")->zone);
}

static void a_stored_text_that_is_no_json_is_an_error_not_an_empty_view(void **cm)
{
    world *w = *cm;
    gw_err err = {0};
    of_items(w, "i:i1", "{broken");
    state_debtor loaded = {.debtor = {7, w->debtor, w->debtor_n},
                           .items = {7, w->items, w->item_n}};
    assert_int_equal(view_debtor_read(&loaded, w->arena, &w->d, &err), GW_ECORRUPT);
}

static void the_task_document_shows_open_items_the_cases_first(void **cm)
{
    world *w = *cm;
    gw_err err = {0};
    json_doc doc;
    of_items(w, "i:a", "{\"due\":\"2013-01-01\",\"amount_minor\":5,\"currency\":\"EUR\"}");
    of_items(w, "i:z", OPEN REST);
    of_items(w, "i:p", PAID);
    of_items(w, "y:p1",
             "{\"item\":\"z\",\"amount_minor\":40,\"currency\":\"EUR\",\"at\":"
             "\"2013-03-03T23:30:00Z\"}");
    facts(w,
          ",\"facts\":{\"pay_link\":\"https:\\/\\/x.example.test\",\"items\":[1],\"date\":\"x\"}");
    task_facts_input in = {&w->d,      &w->r,        &w->f,  GW_STR("{\"name\":\"C\"}"),
                           GW_STR(""), GW_STR("en"), {NOON}, NULL};
    GW_AUTO_BUF gw_buf out;
    gw_buf_init(&out, TASK_FACTS_MAX);
    assert_int_equal(task_facts_json(&in, w->arena, &out, &err), GW_OK);
    assert_int_equal(json_parse(gw_buf_str(&out), w->arena, &doc, &err), GW_OK);
    uint32_t items = json_member(&doc, 0, "items");
    assert_int_equal(json_at(&doc, items)->count, 2);
    assert_true(gw_str_is(json_get_str(&doc, json_first(items), "id"), "z"));
    assert_int_equal(json_get_int(&doc, json_first(items), "open_minor", 0), 60);
    assert_int_equal(json_get_int(&doc, json_first(items), "days_overdue", 0), 3);
    assert_true(gw_str_is(json_get_str(&doc, 0, "date"), "2013-03-04"));
    assert_true(gw_str_is(json_get_str(&doc, 0, "pay_link"), "https://x.example.test"));
    uint32_t payments = json_member(&doc, 0, "payments");
    assert_true(gw_str_is(json_get_str(&doc, json_first(payments), "date"), "2013-03-04"));
}

#define NOTE "\"source\":\"test\",\"read\":\"2013-01-01\",\"confidence\":\"house\""

static policy_rules *asking_rules(void)
{
    static const char calendar[] =
        "{\"format\":1,\"id\":\"town\",\"title\":\"t\",\"years\":[2013]," NOTE ",\"days\":[{"
        "\"date\":\"2013-03-06\",\"name\":\"Town fair\"}]}";
    static const char pack[] =
        "{\"format\":2,\"id\":\"asks\",\"version\":\"1\",\"title\":\"t\",\"roles\":[\"company\"],"
        "\"holidays\":null,\"workdays\":\"town\",\"windows\":[],\"caps\":[],\"consent\":[],"
        "\"content\":[{\"channel\":\"*\",\"need\":\"identity\"," NOTE "},{\"channel\":\"sms\","
        "\"need\":\"opt-out\"," NOTE "}],\"opt_out\":[{\"channel\":\"email\",\"locale\":\"en\","
        "\"wording\":\"Say STOP\",\"words\":[\"STOP\"]," NOTE "},{\"channel\":\"email\","
        "\"locale\":\"de\",\"wording\":\"Sagen Sie STOPP\",\"words\":[\"STOPP\"]," NOTE "}]}";
    gw_err err = {0};
    policy_rules *r = policy_rules_new();
    if (policy_rules_add_calendar(r, "town", gw_str_of(calendar), &err) != GW_OK ||
        policy_rules_add_pack(r, "asks", gw_str_of(pack), &err) != GW_OK ||
        policy_rules_seal(r, &err) != GW_OK)
        fail_msg("%s", err.text);
    return r;
}

/* Text of the document's member guard, in static storage. */
static const char *guard_of(world *w, const policy_rules *rules, const char *more)
{
    static char text[2048];
    gw_err err = {0};
    json_doc doc;
    GW_AUTO_BUF gw_buf out;
    gw_buf_init(&out, TASK_FACTS_MAX);
    facts(w, more);
    task_facts_input in = {&w->d,      &w->r,           &w->f,  GW_STR("{\"name\":\"C\"}"),
                           GW_STR(""), GW_STR("en-GB"), {NOON}, rules};
    if (task_facts_json(&in, w->arena, &out, &err) != GW_OK)
        fail_msg("%s", err.text);
    assert_int_equal(json_parse(gw_buf_str(&out), w->arena, &doc, &err), GW_OK);
    uint32_t guard = json_member(&doc, 0, "guard");
    snprintf(text, sizeof text, "%.*s", GW_STR_ARG(guard ? json_raw(&doc, guard) : GW_STR("none")));
    return text;
}

static void the_task_document_says_what_the_packs_ask_of_the_message(void **cm)
{
    world *w = *cm;
    GW_AUTO(policy_rules_free) policy_rules *rules = asking_rules();
    /* 2013-03-06 is a fair, 07 a Thursday, 09 a Saturday; nobody knows 2014. A guard of the job's
     * own is none. */
    assert_string_equal(
        guard_of(w, rules,
                 ",\"facts\":{\"pay_by\":\"2013-03-06\",\"reply_by\":\"2013-03-07\",\"a\":"
                 "\"2013-03-09\",\"b\":\"2014-03-06\",\"guard\":{\"needs\":[]}}"),
        "{\"needs\":[{\"pack\":\"asks\",\"need\":\"identity\"}],\"opt_outs\":[{\"pack\":\"asks\","
        "\"wording\":\"Say STOP\",\"words\":[\"STOP\"]}],\"closed\":[\"2013-03-06\",\"2013-03-09\","
        "\"2014-03-06\"]}");
    assert_string_equal(guard_of(w, rules, ",\"purpose\":\"opt-out-confirmation\""), "none");
}

int main(void)
{
#define promise(f) cmocka_unit_test_setup_teardown(f, start, stop)
    const struct CMUnitTest tests[] = {
        promise(a_contact_is_found_by_role_or_id_and_the_default_is_primary),
        promise(somebody_not_designated_is_marked_and_never_dropped_silently),
        promise(one_mailbox_gets_one_message_whatever_roles_it_has),
        promise(a_contact_without_an_address_on_the_channel_is_none),
        promise(a_withdrawal_counts_for_its_address_channel_or_everything),
        promise(of_two_entries_with_the_same_moment_the_withdrawal_holds),
        promise(a_grant_for_another_purpose_is_none),
        promise(a_case_is_paid_when_nothing_of_it_is_open),
        promise(a_dispute_of_the_account_is_one_of_every_item),
        promise(a_promise_pauses_until_its_day_and_the_grace_have_passed_there),
        promise(a_broken_promise_pauses_nothing),
        promise(counters_pauses_holds_and_zones_reach_the_policy),
        promise(a_machine_makes_the_contact_unless_the_step_is_a_task_for_people),
        promise(an_unknown_zone_is_no_zone),
        promise(a_stored_text_that_is_no_json_is_an_error_not_an_empty_view),
        promise(the_task_document_shows_open_items_the_cases_first),
        promise(the_task_document_says_what_the_packs_ask_of_the_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
