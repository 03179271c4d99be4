#include "gateway/base/time.h"
#include "gateway/policy/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

typedef struct {
    policy_rules *rules;
    zone_table *zones;
    gw_arena *arena;
    const zone *berlin;
} fixture;

static int setup(void **state)
{
    static fixture f;
    char rules[4096];
    char calendars[4096];
    const char *source = getenv("DUNLIN_SOURCE");
    gw_err err = {0};
    snprintf(rules, sizeof rules, "%s/config/rules", source ? source : ".");
    snprintf(calendars, sizeof calendars, "%s/config/calendars", source ? source : ".");
    if (policy_rules_load(rules, calendars, &f.rules, &err) != GW_OK) {
        fprintf(stderr, "%s\n", err.text);
        return -1;
    }
    f.zones = zone_table_new();
    f.arena = gw_arena_new(1 << 20);
    f.berlin = zone_table_get(f.zones, GW_STR("Europe/Berlin"), NULL);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    policy_rules_free(f->rules);
    zone_table_free(f->zones);
    gw_arena_free(f->arena);
    return 0;
}

static int64_t at(const char *text)
{
    gw_wall t = {0};
    assert_int_equal(gw_time_parse(gw_str_of(text), &t, NULL), GW_OK);
    return t.ms;
}

/* Wednesday 2026-03-04, 12:00 in Berlin */
static const char noon[] = "2026-03-04T12:00:00+01:00";

static policy_recipient people[3];
static policy_hold holds[2];
static policy_count counts[2];

/* Facts that nothing speaks against. */
static policy_facts clear_facts(const fixture *f)
{
    people[0] = (policy_recipient){
        .address = GW_STR("ap@acme.example.test"), .role = GW_STR("primary"), .designated = true};
    people[1] = (policy_recipient){.address = GW_STR("cfo@acme.example.test"),
                                   .role = GW_STR("finance_head"),
                                   .designated = true,
                                   .copy = true};
    return (policy_facts){.channel = "email",
                          .purpose = "reminder",
                          .debtor_role = GW_STR("company"),
                          .zone = f->berlin,
                          .recipients = people,
                          .recipient_n = 1,
                          .holds = holds,
                          .item_known = true,
                          .channel_ready = true,
                          .clock_ok = true,
                          .template_known = true,
                          .counts = counts};
}

static policy_decision decide(const fixture *f, const policy_facts *facts, int64_t now)
{
    policy_decision d = {0};
    gw_err err = {0};
    gw_arena_reset(f->arena);
    if (policy_decide(facts, f->rules, (gw_wall){now}, f->arena, &d, &err) != GW_OK)
        fail_msg("%s", err.text);
    assert_int_equal(d.check_n, POLICY_RULE_COUNT);
    return d;
}

static void expect(const policy_decision *d, policy_verdict verdict, const char *rule,
                   const char *why)
{
    if (d->verdict != verdict || strcmp(d->rule, rule) != 0 || strcmp(d->why, why) != 0)
        fail_msg("%s by %s (%s)", policy_verdict_name(d->verdict), d->rule, d->why);
    if (*why) {
        assert_true(*policy_why_sentence(why));
        assert_true(*policy_why_remedy(why));
    }
}

static void expect_next(const policy_decision *d, const char *next)
{
    char text[GW_TIME_TEXT];
    char want[GW_TIME_TEXT];
    gw_time_format((gw_wall){d->next_ms}, text);
    gw_time_format((gw_wall){at(next)}, want);
    assert_string_equal(text, want);
}

static void clear_facts_inside_the_window_are_allowed(void **state)
{
    fixture *f = *state;
    policy_facts facts = clear_facts(f);
    policy_decision d = decide(f, &facts, at(noon));
    expect(&d, POLICY_ALLOW, "", "");
    assert_true(d.next_ms == at(noon));
    assert_true(d.allowed[0].to_ms == at("2026-03-04T20:00:00+01:00"));
    assert_true(d.allowed[1].from_ms == at("2026-03-05T08:00:00+01:00"));
    assert_string_equal(d.pack_hash, policy_rules_hash(f->rules));
    int64_t most[2] = {0};
    for (size_t i = 0; i < d.cap_n; i++) {
        assert_false(d.caps[i].check_only);
        if (d.caps[i].scope == POLICY_OF_SENDER)
            most[strcmp(d.caps[i].field, "email") == 0] = d.caps[i].max;
        else /* kept for packs that do not apply here */
            assert_true(d.caps[i].max == INT64_MAX);
    }
    assert_int_equal(most[0], 2);
    assert_int_equal(most[1], 2);
}

static void a_zeroed_struct_holds(void **state)
{
    fixture *f = *state;
    policy_facts facts = {0};
    policy_decision d = decide(f, &facts, 0);
    assert_int_equal(d.verdict, POLICY_HOLD);
    assert_int_equal(d.allowed_n, 0);
}

static void nights_and_weekends_wait_for_the_next_window(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *now, *next;
    } rows[] = {
        {"2026-03-04T07:59:59.999+01:00", "2026-03-04T08:00:00+01:00"},
        {"2026-03-04T20:00:00+01:00", "2026-03-05T08:00:00+01:00"},
        {"2026-03-06T20:00:00+01:00", "2026-03-09T08:00:00+01:00"}, /* Friday evening */
        {"2026-03-28T12:00:00+01:00", "2026-03-30T08:00:00+02:00"}, /* over the clock change */
        {"2025-12-31T21:00:00+01:00", "2026-01-02T08:00:00+01:00"}, /* new year's day */
        {"2026-12-24T20:00:00+01:00", "2026-12-28T08:00:00+01:00"}, /* Christmas and a weekend */
        {"2028-02-28T20:00:00+01:00", "2028-02-29T08:00:00+01:00"}, /* a leap day */
    };
    policy_facts facts = clear_facts(f);
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        policy_decision d = decide(f, &facts, at(rows[i].now));
        assert_int_equal(d.verdict, POLICY_LATER);
        expect_next(&d, rows[i].next);
    }
    policy_decision d = decide(f, &facts, at("2026-03-04T20:00:00+01:00"));
    expect(&d, POLICY_LATER, "quiet-hours", "outside-window");
    d = decide(f, &facts, at("2026-01-01T12:00:00+01:00"));
    expect(&d, POLICY_LATER, "holidays", "holiday");
}

static void the_debtors_clock_counts_not_ours(void **state)
{
    fixture *f = *state;
    policy_facts facts = clear_facts(f);
    facts.zone = zone_table_get(f->zones, GW_STR("Asia/Shanghai"), NULL);
    policy_decision d = decide(f, &facts, at("2026-03-04T14:00:00Z"));
    expect(&d, POLICY_LATER, "quiet-hours", "outside-window");
    expect_next(&d, "2026-03-05T08:00:00+08:00");
    facts.zone = zone_table_get(f->zones, GW_STR("America/New_York"), NULL);
    d = decide(f, &facts, at("2026-03-04T14:00:00Z"));
    expect(&d, POLICY_ALLOW, "", "");
}

static void channels_have_their_own_windows(void **state)
{
    fixture *f = *state;
    policy_facts facts = clear_facts(f);
    facts.channel = "voice";
    policy_decision d = decide(f, &facts, at("2026-03-04T18:30:00+01:00"));
    expect(&d, POLICY_LATER, "quiet-hours", "outside-window");
    expect_next(&d, "2026-03-05T09:00:00+01:00");
}

static void whatever_is_unknown_holds(void **state)
{
    fixture *f = *state;
    policy_facts facts = clear_facts(f);
    facts.zone = NULL;
    policy_decision d = decide(f, &facts, at(noon));
    expect(&d, POLICY_HOLD, "zone-known", "zone-unknown");
    facts = clear_facts(f);
    facts.debtor_role = GW_STR("friend");
    d = decide(f, &facts, at(noon));
    expect(&d, POLICY_HOLD, "role-known", "role-unknown");
    facts.debtor_role = GW_STR("consumer"); /* only rules that nobody verified */
    d = decide(f, &facts, at(noon));
    expect(&d, POLICY_HOLD, "consent", "draft-only");
    facts.zone = zone_table_get(f->zones, GW_STR("America/Sao_Paulo"), NULL);
    d = decide(f, &facts, at(noon));
    expect(&d, POLICY_HOLD, "role-known", "no-rules");
    facts = clear_facts(f);
    facts.template_known = false;
    d = decide(f, &facts, at(noon));
    expect(&d, POLICY_HOLD, "template-known", "template-unknown");
    facts = clear_facts(f);
    facts.channel_ready = false;
    d = decide(f, &facts, at(noon));
    expect(&d, POLICY_HOLD, "channel-ready", "channel-unavailable");
    facts.channel = "pigeon";
    d = decide(f, &facts, at(noon));
    expect(&d, POLICY_HOLD, "consent", "channel-unknown");
    facts.channel = NULL;
    d = decide(f, &facts, at(noon));
    expect(&d, POLICY_HOLD, "consent", "channel-unknown");
    facts = clear_facts(f);
    facts.paused = "channel:email";
    d = decide(f, &facts, at(noon));
    expect(&d, POLICY_HOLD, "paused", "paused");
}

static void a_clock_in_doubt_holds_and_ends_nothing_for_good(void **state)
{
    fixture *f = *state;
    policy_facts facts = clear_facts(f);
    facts.clock_ok = false;
    facts.not_after_ms = at("2020-01-01T00:00:00Z");
    policy_decision d = decide(f, &facts, at(noon));
    expect(&d, POLICY_HOLD, "clock-ok", "clock-unsure");
}

static void paid_items_are_withdrawn_and_disputed_ones_held(void **state)
{
    fixture *f = *state;
    policy_facts facts = clear_facts(f);
    facts.item_disputed = true;
    policy_decision d = decide(f, &facts, at(noon));
    expect(&d, POLICY_HOLD, "item-disputed", "disputed");
    facts.item_paid = true;
    d = decide(f, &facts, at(noon));
    expect(&d, POLICY_WITHDRAW, "item-paid", "paid");
}

static void every_kind_of_hold_stops_contact(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *kind, *why;
    } rows[] = {{"dispute", "hold-dispute"},
                {"cease-contact", "hold-cease-contact"},
                {"lawyer", "hold-lawyer"},
                {"insolvency", "hold-insolvency"},
                {"deceased", "hold-deceased"},
                {"vulnerable", "hold-vulnerable"},
                {"minor", "hold-minor"},
                {"review", "hold-review"},
                {"legal", "hold-legal"},
                {"anything else", "hold-other"},
                {"", "hold-other"}};
    policy_facts facts = clear_facts(f);
    facts.hold_n = 1;
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        holds[0] = (policy_hold){gw_str_of(rows[i].kind), 0};
        policy_decision d = decide(f, &facts, at(noon));
        expect(&d, POLICY_HOLD, "holds", rows[i].why);
    }
    holds[0].until_ms = -5;
    policy_decision d = decide(f, &facts, at(noon));
    expect(&d, POLICY_HOLD, "holds", "hold-other");
}

static void a_dated_hold_ends_by_itself(void **state)
{
    fixture *f = *state;
    policy_facts facts = clear_facts(f);
    facts.hold_n = 2;
    holds[0] = (policy_hold){GW_STR("dispute"), at("2026-03-10T00:00:00+01:00")};
    holds[1] = (policy_hold){GW_STR("vulnerable"), at("2026-03-01T00:00:00+01:00")};
    policy_decision d = decide(f, &facts, at(noon));
    expect(&d, POLICY_LATER, "holds", "hold-dispute");
    expect_next(&d, "2026-03-10T08:00:00+01:00");
    d = decide(f, &facts, at("2026-03-10T08:00:00+01:00"));
    expect(&d, POLICY_ALLOW, "", "");
}

static void a_promise_pauses_until_its_grace_is_over(void **state)
{
    fixture *f = *state;
    policy_facts facts = clear_facts(f);
    facts.promise_until_ms = at("2026-06-10T00:00:00+02:00"); /* further than the days ahead */
    policy_decision d = decide(f, &facts, at(noon));
    expect(&d, POLICY_LATER, "promise", "promise");
    expect_next(&d, "2026-06-10T08:00:00+02:00");
    d = decide(f, &facts, at("2026-06-10T08:00:00+02:00"));
    expect(&d, POLICY_ALLOW, "", "");
}

static void a_reminder_waits_for_its_start_and_is_withdrawn_when_stale(void **state)
{
    fixture *f = *state;
    policy_facts facts = clear_facts(f);
    facts.not_before_ms = at("2026-03-06T15:00:00+01:00");
    policy_decision d = decide(f, &facts, at(noon));
    expect(&d, POLICY_LATER, "not-before", "not-before");
    expect_next(&d, "2026-03-06T15:00:00+01:00");
    facts.not_before_ms = 0;
    facts.not_after_ms = at(noon);
    d = decide(f, &facts, at(noon));
    expect(&d, POLICY_WITHDRAW, "not-after", "expired");
    d = decide(f, &facts, at(noon) - 1);
    expect(&d, POLICY_ALLOW, "", "");
    assert_int_equal(d.allowed_n, 1);
    assert_true(d.allowed[0].to_ms == at(noon));
    d = decide(f, &facts, at("2026-03-03T22:00:00+01:00"));
    expect(&d, POLICY_LATER, "quiet-hours", "outside-window");
    facts.not_after_ms = at("2026-03-04T08:00:00+01:00");
    d = decide(f, &facts, at("2026-03-03T22:00:00+01:00"));
    expect(&d, POLICY_HOLD, "quiet-hours", "no-time-left");
}

static void a_third_party_is_refused_for_good(void **state)
{
    fixture *f = *state;
    policy_facts facts = clear_facts(f);
    facts.recipient_n = 2;
    people[1].designated = false; /* even as a copy */
    policy_decision d = decide(f, &facts, at(noon));
    expect(&d, POLICY_REFUSE, "recipient-guard", "third-party");
    facts.recipient_n = 0;
    d = decide(f, &facts, at(noon));
    expect(&d, POLICY_HOLD, "recipient-guard", "no-recipient");
    facts = clear_facts(f);
    people[0].address = GW_STR("");
    d = decide(f, &facts, at(noon));
    expect(&d, POLICY_HOLD, "recipient-guard", "no-recipient");
    facts = clear_facts(f);
    people[0].copy = true;
    d = decide(f, &facts, at(noon));
    expect(&d, POLICY_HOLD, "recipient-guard", "no-recipient");
}

static void a_withdrawn_address_is_never_written_to(void **state)
{
    fixture *f = *state;
    policy_facts facts = clear_facts(f);
    people[0].consent = CONSENT_WITHDRAWN;
    policy_decision d = decide(f, &facts, at(noon));
    expect(&d, POLICY_HOLD, "consent", "opted-out");
    facts = clear_facts(f);
    facts.recipient_n = 2;
    people[1].consent = CONSENT_WITHDRAWN;
    d = decide(f, &facts, at(noon));
    expect(&d, POLICY_ALLOW, "", "");
    assert_int_equal(d.left_out, 2);
}

static void sms_needs_a_granted_consent(void **state)
{
    fixture *f = *state;
    policy_facts facts = clear_facts(f);
    facts.channel = "sms";
    policy_decision d = decide(f, &facts, at(noon));
    expect(&d, POLICY_HOLD, "consent", "consent-missing");
    people[0].consent = CONSENT_GRANTED;
    d = decide(f, &facts, at(noon));
    expect(&d, POLICY_ALLOW, "", "");
}

static void a_used_up_day_is_passed_over(void **state)
{
    fixture *f = *state;
    policy_facts facts = clear_facts(f);
    int32_t today = zone_local(f->berlin, (gw_wall){at(noon)}).day;
    facts.count_n = 2;
    counts[0] = (policy_count){.field = GW_STR("*"), .day = today, .used = 2};
    counts[1] = (policy_count){.field = GW_STR("email"), .day = today + 1, .used = 7};
    policy_decision d = decide(f, &facts, at(noon));
    expect(&d, POLICY_LATER, "caps", "cap-reached");
    expect_next(&d, "2026-03-06T08:00:00+01:00");
    assert_int_equal(d.caps[0].day, today + 2);
    counts[0].used = 1;
    d = decide(f, &facts, at(noon));
    expect(&d, POLICY_ALLOW, "", "");
    counts[0] = (policy_count){
        .field = GW_STR("sms"), .day = today, .used = 99}; /* another channel's count */
    d = decide(f, &facts, at(noon));
    expect(&d, POLICY_ALLOW, "", "");
    counts[0] = (policy_count){.field = GW_STR("*"), .day = today, .used = -1};
    d = decide(f, &facts, at(noon));
    expect(&d, POLICY_LATER, "caps", "cap-reached");
}

static void when_all_days_ahead_are_used_up_it_is_looked_at_again_later(void **state)
{
    fixture *f = *state;
    policy_facts facts = clear_facts(f);
    policy_count all[POLICY_DAYS];
    int32_t today = zone_local(f->berlin, (gw_wall){at(noon)}).day;
    for (int i = 0; i < POLICY_DAYS; i++)
        all[i] = (policy_count){.field = GW_STR("*"), .day = today + i, .used = 2};
    facts.counts = all;
    facts.count_n = POLICY_DAYS;
    policy_decision d = decide(f, &facts, at(noon));
    expect(&d, POLICY_HOLD, "caps", "cap-reached");
    expect_next(&d, "2026-03-18T00:00:00+01:00");
}

static void an_address_that_leaked_or_is_not_verified_holds(void **state)
{
    fixture *f = *state;
    policy_facts facts = clear_facts(f);
    people[0].standing = POLICY_ADDRESS_VERIFIED;
    policy_decision d = decide(f, &facts, at(noon));
    expect(&d, POLICY_ALLOW, "", "");
    people[0].standing = POLICY_ADDRESS_UNVERIFIED;
    d = decide(f, &facts, at(noon));
    expect(&d, POLICY_HOLD, "address-standing", "address-unverified");
    facts.recipient_n = 2;
    people[1].standing = POLICY_ADDRESS_LEAKED; /* a copy to a third party is one too */
    d = decide(f, &facts, at(noon));
    expect(&d, POLICY_HOLD, "address-standing", "address-leaked");
}

static void a_legal_suppression_never_ends_and_a_bounce_does(void **state)
{
    fixture *f = *state;
    policy_facts facts = clear_facts(f);
    people[0].suppression = POLICY_SUPPRESSED_BOUNCE;
    people[0].suppressed_until_ms = at("2026-03-09T12:00:00+01:00");
    policy_decision d = decide(f, &facts, at(noon));
    expect(&d, POLICY_LATER, "suppression", "suppressed-bounce");
    expect_next(&d, "2026-03-09T12:00:00+01:00");
    people[0].suppressed_until_ms = 0;
    d = decide(f, &facts, at(noon));
    expect(&d, POLICY_HOLD, "suppression", "suppressed-bounce");
    people[0].suppression = POLICY_SUPPRESSED_LEGAL;
    people[0].suppressed_until_ms = at("2026-03-01T12:00:00+01:00"); /* means nothing here */
    d = decide(f, &facts, at(noon));
    expect(&d, POLICY_HOLD, "suppression", "suppressed-legal");
}

static void blocked_content_and_a_provider_that_forbids_it_hold(void **state)
{
    fixture *f = *state;
    policy_facts facts = clear_facts(f);
    facts.content = POLICY_NO;
    facts.content_why = "threat";
    policy_decision d = decide(f, &facts, at(noon));
    expect(&d, POLICY_HOLD, "content", "content-blocked");
    facts.content = POLICY_YES;
    facts.eligible = POLICY_NO;
    d = decide(f, &facts, at(noon));
    expect(&d, POLICY_HOLD, "eligibility", "provider-forbids");
    facts.eligible = (policy_opinion)17;
    d = decide(f, &facts, at(noon));
    expect(&d, POLICY_HOLD, "eligibility", "provider-forbids");
}

static void the_debtors_own_hours_and_the_operators_narrow_the_window(void **state)
{
    fixture *f = *state;
    policy_facts facts = clear_facts(f);
    const policy_window rows[] = {
        {POLICY_WINDOW_DEBTOR, 0, 0x1f, 14 * 60, 22 * 60},
        {POLICY_WINDOW_NEVER, 0, 1U << 2, 14 * 60, 15 * 60}, /* Wednesday */
        {POLICY_WINDOW_OPERATOR, 0, 0x7f, 9 * 60, 12 * 60},
        {POLICY_WINDOW_OPERATOR, 0, 0x7f, 15 * 60 + 30, 17 * 60},
        {POLICY_WINDOW_OPERATOR, 1, 0x7f, 0, 16 * 60},
        {POLICY_WINDOW_OPERATOR, POLICY_GROUPS_MAX, 0x7f, 0, 1440},
    };
    static const struct {
        size_t rows;
        const char *rule, *why, *next, *end;
    } steps[] = {
        {1, "debtor-windows", "debtor-hours", "2026-03-04T14:00:00+01:00",
         "2026-03-04T20:00:00+01:00"},
        {2, "debtor-windows", "debtor-hours", "2026-03-04T15:00:00+01:00",
         "2026-03-04T20:00:00+01:00"},
        {4, "operator-windows", "operator-hours", "2026-03-04T15:30:00+01:00",
         "2026-03-04T17:00:00+01:00"},
        {5, "operator-windows", "operator-hours", "2026-03-04T15:30:00+01:00",
         "2026-03-04T16:00:00+01:00"},
    };
    facts.windows = rows;
    for (size_t i = 0; i < GW_COUNT(steps); i++) {
        facts.window_n = steps[i].rows;
        policy_decision d = decide(f, &facts, at(noon));
        expect(&d, POLICY_LATER, steps[i].rule, steps[i].why);
        expect_next(&d, steps[i].next);
        assert_true(d.window_end_ms == at(steps[i].end));
    }
    facts.window_n = 6; /* a group that does not exist opens nothing */
    policy_decision d = decide(f, &facts, at(noon));
    expect(&d, POLICY_HOLD, "operator-windows", "operator-hours");
}

static void nonsense_in_a_stated_window_closes_instead_of_opening(void **state)
{
    fixture *f = *state;
    policy_facts facts = clear_facts(f);
    policy_window row = {POLICY_WINDOW_DEBTOR, 0, 0x7f, 20 * 60, 8 * 60};
    facts.windows = &row;
    facts.window_n = 1;
    policy_decision d = decide(f, &facts, at(noon));
    expect(&d, POLICY_HOLD, "debtor-windows", "debtor-hours");
    row.whose = POLICY_WINDOW_NEVER;
    row.weekdays = 1U << 2;
    d = decide(f, &facts, at(noon));
    expect(&d, POLICY_LATER, "debtor-windows", "debtor-hours");
    expect_next(&d, "2026-03-05T08:00:00+01:00");
}

static void an_opt_out_is_confirmed_within_five_minutes_or_never(void **state)
{
    fixture *f = *state;
    policy_facts facts = clear_facts(f);
    facts.purpose = POLICY_PURPOSE_CONFIRM;
    people[0].consent = CONSENT_WITHDRAWN;
    facts.hold_n = 1;
    holds[0] = (policy_hold){GW_STR("cease-contact"), 0};
    int64_t night = at("2026-03-04T23:30:00+01:00");
    policy_decision d = decide(f, &facts, night);
    expect(&d, POLICY_HOLD, "consent", "nothing-to-confirm");
    facts.confirmation_due = true;
    d = decide(f, &facts, night);
    expect(&d, POLICY_ALLOW, "", "");
    assert_int_equal(d.allowed_n, 1);
    assert_true(d.window_end_ms == night + POLICY_CONFIRM_MS);
    assert_int_equal(d.cap_n, 0);
    people[0].suppression = POLICY_SUPPRESSED_LEGAL;
    d = decide(f, &facts, night);
    expect(&d, POLICY_HOLD, "suppression", "suppressed-legal");
    people[0].suppression = POLICY_SUPPRESSED_NOT;
    facts.not_before_ms = night + POLICY_CONFIRM_MS;
    d = decide(f, &facts, night);
    expect(&d, POLICY_HOLD, "consent", "no-time-left");
    facts.not_before_ms = 0;
    people[0].designated = false;
    d = decide(f, &facts, night);
    expect(&d, POLICY_REFUSE, "recipient-guard", "third-party");
}

static void what_a_message_must_hold_comes_from_the_packs_that_apply(void **state)
{
    fixture *f = *state;
    policy_facts facts = clear_facts(f);
    const policy_required *rows[16];
    facts.channel = "sms";
    facts.region = GW_STR("CN");
    facts.zone = zone_table_get(f->zones, GW_STR("Asia/Shanghai"), NULL);
    size_t n = policy_needs(&facts, f->rules, (gw_wall){at(noon)}, rows, GW_COUNT(rows));
    bool opt_out = false;
    assert_true(n > 0 && n < GW_COUNT(rows));
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(rows[i]->pack, "cn-sms");
        opt_out = opt_out || strcmp(rows[i]->need, "opt-out") == 0;
    }
    assert_true(opt_out);
    assert_int_equal(policy_needs(&facts, f->rules, (gw_wall){at(noon)}, rows, 0), n);
    facts = clear_facts(f);
    facts.region = GW_STR("BR");
    facts.zone = zone_table_get(f->zones, GW_STR("America/Sao_Paulo"), NULL);
    assert_int_equal(policy_needs(&facts, f->rules, (gw_wall){at(noon)}, rows, 16), 0);
}

static void a_deadline_counts_business_days_of_the_packs_calendar(void **state)
{
    fixture *f = *state;
    int32_t day = 0;
    int32_t end = 0;
    char text[GW_DATE_TEXT];
    assert_int_equal(gw_date_parse(GW_STR("2026-11-20"), &day, NULL), GW_OK);
    assert_true(policy_rules_deadline(f->rules, "validation", day, &end)); /* five of them */
    gw_date_format(end, text);
    assert_string_equal(text, "2026-11-30"); /* over Thanksgiving */
    assert_false(policy_rules_deadline(f->rules, "no such", day, &end));
    assert_int_equal(gw_date_parse(GW_STR("2030-12-30"), &day, NULL), GW_OK);
    assert_false(policy_rules_deadline(f->rules, "validation", day, &end)); /* 2031 is unknown */
}

static void the_desk_contacts_nobody_and_needs_no_recipient(void **state)
{
    fixture *f = *state;
    policy_facts facts = clear_facts(f);
    facts.channel = "desk";
    facts.recipient_n = 0;
    policy_decision d = decide(f, &facts, at(noon));
    expect(&d, POLICY_ALLOW, "", "");
    assert_int_equal(d.cap_n, 0);
}

static void all_rules_are_listed_in_order_even_after_a_refusal(void **state)
{
    fixture *f = *state;
    policy_facts facts = clear_facts(f);
    people[0].designated = false;
    facts.item_disputed = true;
    policy_decision d = decide(f, &facts, at("2026-03-04T23:00:00+01:00"));
    expect(&d, POLICY_REFUSE, "recipient-guard", "third-party");
    static const char *const order[] = {
        "clock-ok",       "paused",           "item-paid",        "item-disputed", "holds",
        "promise",        "not-before",       "not-after",        "suppression",   "zone-known",
        "role-known",     "recipient-guard",  "address-standing", "consent",       "template-known",
        "content",        "eligibility",      "channel-ready",    "quiet-hours",   "holidays",
        "debtor-windows", "operator-windows", "cool-down",        "caps"};
    for (size_t i = 0; i < GW_COUNT(order); i++)
        assert_string_equal(d.checks[i].rule, order[i]);
    assert_int_equal(d.checks[3].verdict, POLICY_CHECK_HOLD);
    assert_int_equal(d.checks[18].verdict, POLICY_CHECK_LIMIT);
}

static void the_explanation_speaks_to_people_and_holds_no_personal_data(void **state)
{
    fixture *f = *state;
    policy_facts facts = clear_facts(f);
    facts.promise_until_ms = at("2026-03-07T00:00:00+01:00");
    facts.hold_n = 1;
    holds[0] = (policy_hold){GW_STR("Mr. Secret called"), at("2026-03-05T00:00:00+01:00")};
    policy_decision d = decide(f, &facts, at("2026-03-04T23:00:00+01:00"));
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, 1 << 16);
    assert_int_equal(policy_explain_text(&d, &text), GW_OK);
    assert_non_null(strstr(text.data, "Not now, but later. The debtor has promised to pay"));
    assert_non_null(strstr(
        text.data, "First permitted moment: Mon 2026-03-09 08:00 (Europe/Berlin, UTC+01:00)"));
    assert_non_null(strstr(text.data, "limit    quiet-hours"));
    GW_AUTO_BUF gw_buf json;
    gw_buf_init(&json, 1 << 16);
    assert_int_equal(policy_explain_json(&d, &json), GW_OK);
    const gw_buf *both[] = {&text, &json};
    for (size_t i = 0; i < 2; i++) {
        assert_null(strstr(both[i]->data, "acme"));
        assert_null(strstr(both[i]->data, "Secret"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clear_facts_inside_the_window_are_allowed),
        cmocka_unit_test(a_zeroed_struct_holds),
        cmocka_unit_test(nights_and_weekends_wait_for_the_next_window),
        cmocka_unit_test(the_debtors_clock_counts_not_ours),
        cmocka_unit_test(channels_have_their_own_windows),
        cmocka_unit_test(whatever_is_unknown_holds),
        cmocka_unit_test(a_clock_in_doubt_holds_and_ends_nothing_for_good),
        cmocka_unit_test(paid_items_are_withdrawn_and_disputed_ones_held),
        cmocka_unit_test(every_kind_of_hold_stops_contact),
        cmocka_unit_test(a_dated_hold_ends_by_itself),
        cmocka_unit_test(a_promise_pauses_until_its_grace_is_over),
        cmocka_unit_test(a_reminder_waits_for_its_start_and_is_withdrawn_when_stale),
        cmocka_unit_test(a_third_party_is_refused_for_good),
        cmocka_unit_test(a_withdrawn_address_is_never_written_to),
        cmocka_unit_test(sms_needs_a_granted_consent),
        cmocka_unit_test(a_used_up_day_is_passed_over),
        cmocka_unit_test(when_all_days_ahead_are_used_up_it_is_looked_at_again_later),
        cmocka_unit_test(an_address_that_leaked_or_is_not_verified_holds),
        cmocka_unit_test(a_legal_suppression_never_ends_and_a_bounce_does),
        cmocka_unit_test(blocked_content_and_a_provider_that_forbids_it_hold),
        cmocka_unit_test(the_debtors_own_hours_and_the_operators_narrow_the_window),
        cmocka_unit_test(nonsense_in_a_stated_window_closes_instead_of_opening),
        cmocka_unit_test(an_opt_out_is_confirmed_within_five_minutes_or_never),
        cmocka_unit_test(what_a_message_must_hold_comes_from_the_packs_that_apply),
        cmocka_unit_test(a_deadline_counts_business_days_of_the_packs_calendar),
        cmocka_unit_test(the_desk_contacts_nobody_and_needs_no_recipient),
        cmocka_unit_test(all_rules_are_listed_in_order_even_after_a_refusal),
        cmocka_unit_test(the_explanation_speaks_to_people_and_holds_no_personal_data),
    };
    return cmocka_run_group_tests_name("decide", tests, setup, teardown);
}
