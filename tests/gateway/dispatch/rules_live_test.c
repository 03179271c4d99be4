/* Rules put in force while the gateway runs: who, why, what changed, and who may not. */
#include "gateway/base/file.h"
#include "gateway/dispatch/core.h"
#include "gateway/dispatch/rebuild.h"
#include "gateway/intake/rules.h"
#include "gateway/policy/sign.h"
#include "tests/gateway/dispatch/rig.h"

#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>

#define NOTE "\"source\":\"test\",\"read\":\"2013-01-01\",\"confidence\":\"house\""

enum { PATIENCE_MS = 20000 };

static char folders[3][128]; /* rules, calendars, keys */
static rules_places places;

static void write_file(const char *folder, const char *name, gw_str text)
{
    char path[256];
    gw_err err = {0};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (gw_file_replace(path, text, 0644, &err) != GW_OK)
        fail_msg("%s", err.text);
}

static void write_pack(const char *from, const char *to)
{
    char text[2048];
    snprintf(
        text, sizeof text,
        "// the hours of the house\n{\"format\":2,\"id\":\"house\",\"version\":\"2\",\"title\":"
        "\"t\",\"roles\":[\"company\"],\"holidays\":null,\"windows\":[{\"channel\":\"email\","
        "\"days\":[\"mon\",\"tue\",\"wed\",\"thu\",\"fri\"],\"from\":\"%s\",\"to\":\"%s\"," NOTE
        "}],\"caps\":[],\"consent\":[{\"channel\":\"email\",\"mode\":\"opt-out\"," NOTE "}]}",
        from, to);
    write_file(folders[0], "house.jsonc", gw_str_of(text));
}

static void sign_pack(const uint8_t secret[SIGN_SECRET_BYTES])
{
    GW_AUTO(policy_rules_free) policy_rules *r = NULL;
    GW_AUTO_BUF gw_buf text;
    policy_pack_info p;
    gw_err err = {0};
    gw_buf_init(&text, SIGN_TEXT_MAX);
    assert_int_equal(policy_rules_load(folders[0], folders[1], &r, &err), GW_OK);
    assert_true(policy_rules_pack(r, 0, &p));
    sign_make(gw_str_of(p.canonical), "counsel", secret, &text);
    write_file(folders[0], "house.jsonc.sig", gw_buf_str(&text));
}

static void know_key(uint8_t ret_secret[SIGN_SECRET_BYTES])
{
    sign_key key = {.name = "counsel"};
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, SIGN_TEXT_MAX);
    crypto_sign_keypair(key.key, ret_secret);
    sign_key_write(&key, &text);
    write_file(folders[2], "counsel.vkey", gw_buf_str(&text));
}

static rig *of(void **cm)
{
    rig *r = *cm;
    static const char *const names[] = {"rules", "calendars", "vkeys"};
    for (size_t i = 0; i < GW_COUNT(names); i++) {
        snprintf(folders[i], sizeof folders[i], "%s/%s", r->dir, names[i]);
        assert_int_equal(mkdir(folders[i], 0755), 0);
    }
    places = (rules_places){folders[0], folders[1], folders[2], false};
    rig_crash(r);
    r->config.rules_places = &places;
    rig_open(r);
    return r;
}

static gw_code apply_expecting(rig *r, const char *expect, bool *ret_changed)
{
    const rules_act act = {.by = GW_STR("ann"),
                           .key = GW_STR("operator"),
                           .reason = GW_STR("the council moved the hours"),
                           .expect = gw_str_of(expect),
                           .now = gw_clock_now(r->clock)};
    gw_arena_reset(r->arena);
    return rules_apply(r->store, &places, &act, r->arena, ret_changed, &r->err);
}

static void apply(rig *r)
{
    bool changed = false;
    if (apply_expecting(r, "", &changed) != GW_OK)
        fail_msg("%s", r->err.text);
    assert_true(changed);
}

/* Pauses and rules are looked for a few times a second of real time. */
static void until(rig *r, const char *job, char letter)
{
    gw_mono from = gw_mono_now();
    while (rig_state(r, job) != letter && gw_mono_now().ms - from.ms < PATIENCE_MS)
        rig_turn(r);
    assert_int_equal(rig_state(r, job), letter);
}

/* So many turns that the dispatch has looked at the control hash since. */
static void look(rig *r)
{
    gw_mono from = gw_mono_now();
    while (gw_mono_now().ms - from.ms <= CORE_CONTROL_MS)
        rig_turn(r);
    rig_settle(r);
}

static const char *stored_rules(rig *r)
{
    static char text[4096];
    state_hash control;
    gw_arena_reset(r->arena);
    assert_int_equal(state_control_get(r->store, r->arena, &control, &r->err), GW_OK);
    snprintf(text, sizeof text, "%.*s", GW_STR_ARG(rules_in_force(&control)));
    return text;
}

static void hash_of_files(char ret[POLICY_HASH_TEXT])
{
    GW_AUTO(policy_rules_free) policy_rules *r = NULL;
    gw_err err = {0};
    assert_int_equal(rules_read_files(&places, &r, &err), GW_OK);
    snprintf(ret, POLICY_HASH_TEXT, "%s", policy_rules_hash(r));
}

static void a_reminder_that_was_planned_is_decided_anew_under_the_new_rules(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    char hash[POLICY_HASH_TEXT];
    rig_debtor(r);
    rig_submit(r, "j1", ",\"not_before\":\"2013-03-05T08:00:00Z\"");
    rig_settle(r);
    assert_int_equal(rig_state(r, "j1"), 'P');
    int64_t planned = rig_due(r, "j1");
    write_pack("14:00", "15:00");
    apply(r);
    look(r);
    hash_of_files(hash);
    assert_null(strstr(rig_fact(r, "j1", "x-Plan"), hash));
    assert_non_null(strstr(stored_rules(r), hash));
    rig_join(r, 0, 4);
    rig_set(r, planned); /* due by the old rules, outside of the hours of the new */
    assert_false(rig_try_task(r, 0, &t));
    assert_int_equal(rig_state(r, "j1"), 'P');
    assert_true(rig_due(r, "j1") >= RIG_MONDAY_10H + RIG_DAY + 4 * RIG_HOUR);
    assert_non_null(strstr(rig_fact(r, "j1", "x-Plan"), hash)); /* decisions name the new hash */
    rig_set(r, RIG_MONDAY_10H + RIG_DAY + 5 * RIG_HOUR - 60000);
    rig_deliver(r, 0, &t);
}

static void a_held_reminder_is_looked_at_again_when_the_rules_change(void **cm)
{
    rig *r = of(cm);
    rig_debtor(r);
    write_pack("10:00", "12:00");
    write_file(folders[0], "none.jsonc",
               GW_STR("{\"format\":2,\"id\":\"none\",\"version\":\"1\",\"title\":\"t\",\"roles\":"
                      "[\"company\"],\"holidays\":null,\"windows\":[],\"caps\":[{\"field\":\"*\","
                      "\"max\":0,\"per\":\"day\"," NOTE "}],\"consent\":[]}"));
    apply(r);
    look(r);
    rig_submit(r, "j1", "");
    rig_settle(r);
    assert_int_equal(rig_state(r, "j1"), 'H');
    assert_non_null(strstr(rig_fact(r, "j1", "SubmissionRejection"), "cap-reached"));
    char path[256];
    snprintf(path, sizeof path, "%s/none.jsonc", folders[0]);
    assert_int_equal(remove(path), 0);
    apply(r);
    until(r, "j1", 'P');
}

static void a_file_with_a_fault_leaves_the_old_rules_in_force(void **cm)
{
    rig *r = of(cm);
    bool changed = false;
    write_pack("08:00", "20:00");
    apply(r);
    char before[4096];
    snprintf(before, sizeof before, "%s", stored_rules(r));
    assert_non_null(strstr(before, "\"by\":\"ann\""));
    assert_non_null(strstr(before, "council"));
    write_pack("20:00", "08:00");
    assert_int_equal(apply_expecting(r, "", &changed), GW_EINVAL);
    assert_non_null(strstr(r->err.text, "house.jsonc"));
    write_pack("07:00", "20:00");
    assert_int_equal(apply_expecting(r, "0123456789abcdef", &changed), GW_ECONFLICT);
    assert_string_equal(stored_rules(r), before);
    write_pack("08:00", "20:00");
    assert_int_equal(apply_expecting(r, "", &changed), GW_OK);
    assert_false(changed); /* nothing to do, nothing recorded */
}

static void where_signatures_are_asked_for_nothing_else_comes_into_force(void **cm)
{
    rig *r = of(cm);
    uint8_t secret[SIGN_SECRET_BYTES];
    bool changed = false;
    places.must_be_signed = true;
    know_key(secret);
    write_pack("08:00", "20:00");
    assert_int_equal(apply_expecting(r, "", &changed), GW_EREFUSED);
    assert_non_null(strstr(r->err.text, "house.jsonc is not signed"));
    sign_pack(secret);
    apply(r);
    write_pack("00:00", "24:00"); /* the signature is of other numbers */
    assert_int_equal(apply_expecting(r, "", &changed), GW_EREFUSED);
    assert_non_null(strstr(r->err.text, "changed after it was signed"));
    write_file(folders[0], "house.jsonc.sig", GW_STR("dunlin-rules-signature-1\nkey counsel\n"));
    assert_int_equal(apply_expecting(r, "", &changed), GW_EREFUSED);
    sign_pack(secret);
    apply(r);
    char path[256];
    snprintf(path, sizeof path, "%s/counsel.vkey", folders[2]);
    assert_int_equal(remove(path), 0); /* the key is revoked */
    write_pack("09:00", "20:00");
    sign_pack(secret);
    assert_int_equal(apply_expecting(r, "", &changed), GW_EREFUSED);
}

static void rules_changed_inside_of_the_store_stop_everything_until_good_ones_are_there(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    uint8_t secret[SIGN_SECRET_BYTES];
    know_key(secret);
    places.must_be_signed = true;
    write_pack("08:00", "20:00");
    sign_pack(secret);
    apply(r);
    rig_debtor(r);
    rig_submit(r, "j1", ",\"not_before\":\"2013-03-04T12:00:00Z\"");
    rig_settle(r);
    /* somebody writes wider hours into the store, and a control field that fits */
    char control[4096];
    char fake[POLICY_HASH_TEXT];
    unsigned char digest[crypto_hash_sha256_BYTES];
    GW_AUTO(policy_rules_free) policy_rules *wide = NULL;
    GW_AUTO_BUF gw_buf set;
    gw_buf_init(&set, POLICY_SET_BYTES_MAX);
    write_pack("00:00", "24:00");
    assert_int_equal(policy_rules_load(folders[0], folders[1], &wide, &r->err), GW_OK);
    assert_int_equal(policy_rules_write_set(wide, &set, &r->err), GW_OK);
    crypto_hash_sha256(digest, (const unsigned char *)set.data, set.n);
    gw_hex(digest, sizeof digest, fake);
    snprintf(control, sizeof control, "{\"by\":\"ann\",\"hash\":\"%s\",\"set\":\"%s\"}",
             policy_rules_hash(wide), fake);
    assert_int_equal(
        state_rules_put(r->store, gw_str_of(fake), gw_buf_str(&set), GW_STR(""), &r->err), GW_OK);
    assert_int_equal(state_control_set(r->store, GW_STR(RULES_FIELD), gw_str_of(control), &r->err),
                     GW_OK);
    look(r);
    rig_join(r, 0, 4);
    rig_set(r, RIG_MONDAY_10H + 4 * RIG_HOUR);
    assert_false(rig_try_task(r, 0, &t));
    assert_int_equal(rig_state(r, "j1"), 'H');
    assert_non_null(strstr(rig_fact(r, "j1", "SubmissionRejection"), "rules-unreadable"));
    write_pack("08:00", "20:00");
    sign_pack(secret);
    apply(r);
    gw_mono from = gw_mono_now();
    bool got = false;
    while (!got && gw_mono_now().ms - from.ms < PATIENCE_MS)
        got = rig_try_task(r, 0, &t);
    assert_true(got);
}

static void after_a_loss_of_the_store_the_log_says_which_rules_are_in_force(void **cm)
{
    rig *r = of(cm);
    rebuild_result result;
    write_pack("08:00", "19:00");
    apply(r);
    write_pack("08:00", "18:00");
    apply(r);
    char before[4096];
    snprintf(before, sizeof before, "%s", stored_rules(r));
    write_pack("00:00", "24:00"); /* what lies in the files meanwhile does not count */
    rig_log(r);
    rig_lose_store(r);
    const rebuild_order o = {.evidence_dir = r->paths[0],
                             .tenant_key = r->paths[2],
                             .id_key = r->id_key,
                             .state = r->config.state,
                             .now = gw_clock_now(r->clock)};
    if (rebuild_run(&o, r->ev, &result, &r->err) != GW_OK)
        fail_msg("%s", r->err.text);
    assert_string_equal(stored_rules(r), before);
    GW_AUTO(policy_rules_free) policy_rules *again = NULL;
    if (rules_fetch(r->store, gw_str_of(before), &places, r->arena, &again, &r->err) != GW_OK)
        fail_msg("%s", r->err.text);
    rig_open(r);
}

int main(void)
{
#define promise(test) cmocka_unit_test_setup_teardown(test, rig_start, rig_stop)
    const struct CMUnitTest tests[] = {
        promise(a_reminder_that_was_planned_is_decided_anew_under_the_new_rules),
        promise(a_held_reminder_is_looked_at_again_when_the_rules_change),
        promise(a_file_with_a_fault_leaves_the_old_rules_in_force),
        promise(where_signatures_are_asked_for_nothing_else_comes_into_force),
        promise(rules_changed_inside_of_the_store_stop_everything_until_good_ones_are_there),
        promise(after_a_loss_of_the_store_the_log_says_which_rules_are_in_force),
    };
    return cmocka_run_group_tests_name("rules_live", tests, NULL, NULL);
}
