/* Random facts against an oracle that asks one instant at a time and shares no code with decide.c
 * but the zone lookups. DUNLIN_CASES sets how many; the seed is fixed. */
#include "gateway/base/json.h"
#include "gateway/base/time.h"
#include "gateway/policy/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum { CASES = 100000, PEOPLE_MAX = 4, HOLDS_MAX = 3, COUNTS_MAX = 12 };

static uint64_t rng;

static uint64_t roll(void)
{
    uint64_t z = (rng += UINT64_C(0x9E3779B97F4A7C15)); /* splitmix64 */
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static int64_t upto(int64_t n)
{
    return (int64_t)(roll() % (uint64_t)n);
}

static bool one_in(int n)
{
    return upto(n) == 0;
}

/* ---- two packs, the numbers of which the oracle below knows by heart ---- */

#define NOTE "\"source\":\"test\",\"read\":\"2026-01-01\",\"confidence\":\"house\""
#define WORK "\"days\":[\"mon\",\"tue\",\"wed\",\"thu\",\"fri\"]"

static const char calendar[] =
    "{\"format\":1,\"id\":\"cal\",\"title\":\"t\",\"years\":[2024,2025,2026,2027,2028]," NOTE
    ",\"days\":["
    "{\"every\":\"12-25\",\"name\":\"x\"},"
    "{\"date\":\"2026-03-30\",\"name\":\"y\"}]}";
static const char house[] =
    "{\"format\":2,\"id\":\"a\",\"version\":\"1\",\"title\":\"t\",\"roles\":[\"company\","
    "\"consumer\"],\"holidays\":\"cal\",\"windows\":["
    "{\"channel\":\"email\"," WORK ",\"from\":\"01:30\",\"to\":\"20:00\"," NOTE "},"
    "{\"channel\":\"email\",\"days\":[\"sun\"],\"from\":\"02:15\",\"to\":\"04:00\"," NOTE "},"
    "{\"channel\":\"voice\"," WORK ",\"from\":\"09:00\",\"to\":\"12:00\"," NOTE "},"
    "{\"channel\":\"voice\"," WORK ",\"from\":\"13:00\",\"to\":\"18:00\"," NOTE "}],"
    "\"caps\":[{\"field\":\"*\",\"per\":\"day\",\"max\":3," NOTE "},"
    "{\"field\":\"voice\",\"per\":\"day\",\"max\":1," NOTE "}],"
    "\"consent\":[{\"channel\":\"email\",\"mode\":\"opt-out\"," NOTE "},"
    "{\"channel\":\"voice\",\"mode\":\"opt-out\"," NOTE "}]}";
static const char strict[] =
    "{\"format\":2,\"id\":\"b\",\"version\":\"1\",\"title\":\"t\",\"roles\":[\"consumer\"],"
    "\"holidays\":null,\"windows\":["
    "{\"channel\":\"email\",\"days\":[\"mon\",\"tue\",\"sun\"],\"from\":\"00:00\",\"to\":\"09:"
    "00\"," NOTE "}],"
    "\"caps\":[{\"field\":\"*\",\"per\":\"day\",\"max\":1," NOTE "}],"
    "\"consent\":[{\"channel\":\"voice\",\"mode\":\"opt-in\"," NOTE "}]}";

typedef struct {
    policy_rules *rules;
    zone_table *zones;
    gw_arena *arena;
} fixture;

static int setup(void **state)
{
    static fixture f;
    gw_err err = {0};
    f.rules = policy_rules_new();
    f.zones = zone_table_new();
    f.arena = gw_arena_new(1 << 20);
    if (policy_rules_add_calendar(f.rules, "cal", gw_str_of(calendar), &err) != GW_OK ||
        policy_rules_add_pack(f.rules, "a", gw_str_of(house), &err) != GW_OK ||
        policy_rules_add_pack(f.rules, "b", gw_str_of(strict), &err) != GW_OK ||
        policy_rules_seal(f.rules, &err) != GW_OK) {
        fprintf(stderr, "%s\n", err.text);
        return -1;
    }
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

/* ---- the oracle ---- */

static bool channel_is(const policy_facts *f, const char *name)
{
    return f->channel && strcmp(f->channel, name) == 0;
}

static bool consumer(const policy_facts *f)
{
    return gw_str_is(f->debtor_role, "consumer");
}

static bool window_open(const policy_facts *f, int weekday, int minute)
{
    if (channel_is(f, "voice"))
        return weekday <= 5 &&
               ((minute >= 540 && minute < 720) || (minute >= 780 && minute < 1080));
    bool house_open = weekday == 7 ? minute >= 135 && minute < 240
                                   : weekday <= 5 && minute >= 90 && minute < 1200;
    bool strict_open = (weekday <= 2 || weekday == 7) && minute < 540;
    return house_open && (!consumer(f) || strict_open);
}

static int64_t used(const policy_facts *f, const char *field, int32_t day)
{
    int64_t sum = 0;
    for (size_t i = 0; i < f->count_n; i++)
        if (f->counts[i].day == day && gw_str_is(f->counts[i].field, field))
            sum += f->counts[i].used;
    return sum;
}

static bool capped(const policy_facts *f, int32_t day)
{
    return used(f, "*", day) >= (consumer(f) ? 1 : 3) ||
           (channel_is(f, "voice") && used(f, "voice", day) >= 1);
}

/* May this go out at t? Everything the rules say, for one instant. */
static bool oracle_time(const policy_facts *f, int64_t t)
{
    zone_time l = zone_local(f->zone, (gw_wall){t});
    gw_date date = gw_date_of_day(l.day);
    bool holiday = (date.month == 12 && date.day == 25) ||
                   (date.year == 2026 && date.month == 3 && date.day == 30);
    for (size_t i = 0; i < f->hold_n; i++)
        if (f->holds[i].until_ms == 0 || f->holds[i].until_ms > t)
            return false;
    return t >= f->promise_until_ms && t >= f->not_before_ms &&
           (f->not_after_ms == 0 || t < f->not_after_ms) &&
           window_open(f, gw_day_weekday(l.day), l.minute) && !holiday && !capped(f, l.day);
}

static bool oracle_rest(const policy_facts *f)
{
    bool usable = false;
    bool opt_in = channel_is(f, "voice") && consumer(f);
    for (size_t i = 0; i < f->recipient_n; i++) {
        const policy_recipient *r = &f->recipients[i];
        if (!r->designated)
            return false;
        if (!r->copy &&
            (r->consent == CONSENT_WITHDRAWN || (opt_in && r->consent == CONSENT_UNKNOWN)))
            return false;
        usable = usable || (!r->copy && r->address.n);
    }
    return f->clock_ok && !f->paused && f->channel_ready && f->template_known && f->zone &&
           usable && !(f->item_known && (f->item_paid || f->item_disputed)) &&
           (channel_is(f, "email") || channel_is(f, "voice")) &&
           (gw_str_is(f->debtor_role, "company") || consumer(f));
}

/* ---- random facts ---- */

typedef struct {
    policy_facts facts;
    policy_recipient people[PEOPLE_MAX];
    policy_hold holds[HOLDS_MAX];
    policy_count counts[COUNTS_MAX];
    int64_t now;
} story;

static int64_t near(int64_t now, int days)
{
    return now + (upto(2 * days * 1440) - days * INT64_C(1440)) * GW_MS_PER_MINUTE;
}

static void invent(const fixture *f, story *s)
{
    static const char *const zones[] = {"Europe/Berlin",  "America/New_York", "Australia/Lord_Howe",
                                        "Asia/Shanghai",  "Africa/Cairo",     "Pacific/Apia",
                                        "Asia/Kathmandu", "America/Santiago"};
    static const char *const channels[] = {"email", "email", "voice", "voice", "sms", "telex"};
    static const char *const roles[] = {"company", "consumer", "company", "consumer", "guarantor"};
    static const char *const fields[] = {"*", "*", "email", "voice", "sms"};
    memset(s, 0, sizeof *s);
    s->now = INT64_C(1767225600000) + upto(365 * INT64_C(86400000)); /* some instant of 2026 */
    bool clean = one_in(2); /* half of the stories have nothing but time against them */
    policy_facts *x = &s->facts;
    x->channel = channels[upto(clean ? 4 : 6)];
    x->debtor_role = gw_str_of(roles[upto(clean ? 4 : 5)]);
    x->zone = clean || !one_in(20)
                  ? zone_table_get(f->zones, gw_str_of(zones[upto(GW_COUNT(zones))]), NULL)
                  : NULL;
    x->recipients = s->people;
    x->recipient_n = clean ? 1 : (size_t)upto(PEOPLE_MAX);
    for (size_t i = 0; i < x->recipient_n; i++)
        s->people[i] = (policy_recipient){
            .address = one_in(20) && !clean ? GW_STR("") : GW_STR("a@b.example.test"),
            .role = GW_STR("primary"),
            .designated = clean || !one_in(15),
            .copy = i > 0 && one_in(2),
            .consent = clean ? CONSENT_GRANTED : (policy_consent)upto(3)};
    x->holds = s->holds;
    x->hold_n = clean || one_in(2) ? 0 : (size_t)upto(HOLDS_MAX + 1);
    for (size_t i = 0; i < x->hold_n; i++)
        s->holds[i] = (policy_hold){GW_STR("dispute"), one_in(4) ? 0 : near(s->now, 20)};
    x->item_known = one_in(2);
    x->item_paid = !clean && one_in(8);
    x->item_disputed = !clean && one_in(8);
    x->promise_until_ms = one_in(3) ? near(s->now, 40) : 0;
    x->not_before_ms = one_in(3) ? near(s->now, 20) : 0;
    x->not_after_ms = one_in(3) ? near(s->now, 20) : 0;
    x->channel_ready = clean || !one_in(15);
    x->clock_ok = clean || !one_in(15);
    x->template_known = clean || !one_in(15);
    x->paused = clean || !one_in(15) ? NULL : "all";
    x->counts = s->counts;
    x->count_n = (size_t)upto(COUNTS_MAX + 1);
    for (size_t i = 0; i < x->count_n; i++)
        s->counts[i] =
            (policy_count){.field = gw_str_of(fields[upto(GW_COUNT(fields))]),
                           .day = (int32_t)(s->now / GW_MS_PER_DAY) + (int32_t)upto(16) - 1,
                           .used = upto(4)};
}

static policy_decision decide(const fixture *f, const story *s, int64_t now)
{
    policy_decision d;
    gw_arena_reset(f->arena);
    assert_int_equal(policy_decide(&s->facts, f->rules, (gw_wall){now}, f->arena, &d, NULL), GW_OK);
    return d;
}

#define must(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail_msg("case %d: %s", n, #condition);                                                \
    } while (0)

static int cases(int otherwise)
{
    const char *text = getenv("DUNLIN_CASES");
    return text ? atoi(text) : otherwise; // NOLINT(cert-err34-c): a developer's knob
}

static void check_intervals(const story *s, const policy_decision *d, int n)
{
    must(d->allowed_n > 0);
    must(d->next_ms == d->allowed[0].from_ms);
    must((d->verdict == POLICY_ALLOW) == (d->next_ms == s->now));
    must(d->next_ms >= s->now);
    for (size_t i = 0; i < d->allowed_n; i++) {
        policy_interval x = d->allowed[i];
        must(x.from_ms < x.to_ms);
        must(i == 0 || x.from_ms > d->allowed[i - 1].to_ms);
        must(oracle_time(&s->facts, x.from_ms));
        must(oracle_time(&s->facts, x.to_ms - 1));
        must(oracle_time(&s->facts, x.from_ms + upto(x.to_ms - x.from_ms)));
        must(!oracle_time(&s->facts, x.to_ms) || x.to_ms == d->allowed[d->allowed_n - 1].to_ms);
    }
}

/* No instant that the oracle allows is missing between now and the end of what was answered. */
static void check_nothing_is_missing(const story *s, const policy_decision *d, int n)
{
    int64_t end = d->allowed[d->allowed_n - 1].to_ms;
    for (int i = 0; i < 8; i++) {
        int64_t t = s->now + upto(end - s->now);
        bool inside = false;
        for (size_t k = 0; k < d->allowed_n; k++)
            inside = inside || (t >= d->allowed[k].from_ms && t < d->allowed[k].to_ms);
        must(inside == oracle_time(&s->facts, t));
    }
}

static void a_contact_is_never_allowed_where_one_rule_forbids_it(void **state)
{
    fixture *f = *state;
    int seen[5] = {0};
    rng = 42;
    for (int n = 0; n < cases(CASES); n++) {
        story s;
        invent(f, &s);
        policy_decision d = decide(f, &s, s.now);
        seen[d.verdict]++;
        bool open = d.verdict <= POLICY_LATER;
        must(!open || oracle_rest(&s.facts));
        must(open == (d.allowed_n > 0));
        must(d.verdict != POLICY_ALLOW || oracle_time(&s.facts, s.now));
        if (oracle_rest(&s.facts) && oracle_time(&s.facts, s.now))
            must(d.verdict == POLICY_ALLOW);
        if (!open)
            continue;
        check_intervals(&s, &d, n);
        check_nothing_is_missing(&s, &d, n);
        int64_t next = d.next_ms;
        policy_decision again = decide(f, &s, next);
        must(again.verdict == POLICY_ALLOW && again.next_ms == next);
    }
    for (int v = 0; v < 5; v++) /* the stories reach every verdict */
        assert_true(seen[v] > 0);
}

/* ---- the explanation alone gives the verdict again ---- */

static int rank(gw_str verdict)
{
    static const char *const names[] = {"pass", "limit", "hold", "withdraw", "refuse"};
    for (int i = 0; i < 5; i++)
        if (gw_str_is(verdict, names[i]))
            return i;
    return -1;
}

static const char *recompute(const json_doc *doc)
{
    static const char *const verdicts[] = {"allow", "later", "hold", "withdraw", "refuse"};
    int worst = 0;
    uint32_t list = json_member(doc, 0, "checks");
    for (uint32_t c = json_first(list); c < json_at(doc, list)->next; c = json_at(doc, c)->next) {
        int r = rank(json_get_str(doc, c, "verdict"));
        if (r == 1 && !json_member(doc, c, "next"))
            r = 2; /* a limit that leaves nothing */
        worst = r > worst ? r : worst;
    }
    return verdicts[worst];
}

static void the_explanation_alone_gives_the_verdict_again(void **state)
{
    fixture *f = *state;
    rng = 7;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(1 << 20);
    GW_AUTO_BUF gw_buf json;
    gw_buf_init(&json, 1 << 16);
    for (int n = 0; n < cases(CASES) / 40; n++) {
        story s;
        json_doc doc;
        gw_err err = {0};
        invent(f, &s);
        policy_decision d = decide(f, &s, s.now);
        gw_buf_clear(&json);
        gw_arena_reset(arena);
        assert_int_equal(policy_explain_json(&d, &json), GW_OK);
        if (json_parse(gw_buf_str(&json), arena, &doc, &err) != GW_OK)
            fail_msg("%s: %s", err.text, json.data);
        must(gw_str_is(json_get_str(&doc, 0, "verdict"), recompute(&doc)));
        must(gw_str_is(json_get_str(&doc, 0, "packs"), policy_rules_hash(f->rules)));
        must(json_at(&doc, json_member(&doc, 0, "checks"))->count == POLICY_RULE_COUNT);
        must(d.verdict == POLICY_ALLOW || json_get_str(&doc, 0, "sentence").n > 0);
        must(strstr(json.data, "example.test") == NULL);
    }
}

/* ---- nonsense gets an answer too ---- */

static int64_t wild(void)
{
    static const int64_t odd[] = {
        0, 1, -1, INT64_MIN, INT64_MAX, -5, INT64_MAX - 1, INT64_MIN + 1, INT64_C(253402300800000)};
    return one_in(2) ? odd[upto(GW_COUNT(odd))] : (int64_t)roll();
}

static void any_bytes_in_the_facts_get_an_answer(void **state)
{
    fixture *f = *state;
    rng = 99;
    for (int n = 0; n < cases(CASES) / 8; n++) {
        story s;
        invent(f, &s);
        policy_facts *x = &s.facts;
        x->promise_until_ms = wild();
        x->not_before_ms = wild();
        x->not_after_ms = one_in(2) ? 0 : wild();
        for (size_t i = 0; i < x->hold_n; i++)
            s.holds[i].until_ms = wild();
        for (size_t i = 0; i < x->count_n; i++) {
            s.counts[i].used = wild();
            s.counts[i].day = (int32_t)wild();
        }
        for (size_t i = 0; i < x->recipient_n; i++)
            s.people[i].consent = (policy_consent)(upto(7));
        if (one_in(9))
            x->channel = NULL;
        policy_decision d = decide(f, &s, wild());
        must((unsigned)d.verdict <= POLICY_REFUSE);
        must(d.verdict == POLICY_ALLOW || *d.why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_contact_is_never_allowed_where_one_rule_forbids_it),
        cmocka_unit_test(the_explanation_alone_gives_the_verdict_again),
        cmocka_unit_test(any_bytes_in_the_facts_get_an_answer),
    };
    return cmocka_run_group_tests_name("decide_property", tests, setup, teardown);
}
