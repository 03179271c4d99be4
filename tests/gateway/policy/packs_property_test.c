/* Random debtors, counters and moments against packs with everything a pack can say, judged by an
 * oracle that asks one instant at a time and knows the packs' numbers by heart. It shares no code
 * with the decision but the zone look-ups. DUNLIN_CASES sets how many; the seed is fixed, or
 * DUNLIN_SEED. */
#include "gateway/base/time.h"
#include "gateway/policy/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum { CASES = 100000, COUNTS_MAX = 14, PROBES = 6 };

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

/* ---- the packs ---- */

#define NOTE "\"source\":\"test\",\"read\":\"2026-01-01\",\"confidence\":\"house\""
#define DRAFT                                                                                      \
    "\"source\":\"test\",\"read\":\"2026-01-01\",\"confidence\":\"general\",\"draft\":true"
#define WORK  "\"days\":[\"mon\",\"tue\",\"wed\",\"thu\",\"fri\"]"
#define DAILY "\"days\":[\"mon\",\"tue\",\"wed\",\"thu\",\"fri\",\"sat\",\"sun\"]"

/* 2026-03-02 (Mon) closed, 2026-03-07 (Sat) worked as a Wednesday; nothing known of 2027. */
static const char calendar_text[] =
    "{\"format\":1,\"id\":\"cal\",\"title\":\"t\",\"years\":[2025,2026]," NOTE ",\"days\":["
    "{\"date\":\"2026-03-02\",\"name\":\"closed\"},"
    "{\"date\":\"2026-03-07\",\"name\":\"worked\",\"work\":\"wed\"}]}";
static const char regions_text[] =
    "{\"format\":1,\"id\":\"r\",\"title\":\"t\"," NOTE ",\"prefixes\":["
    "{\"prefix\":\"1\",\"region\":\"US\",\"zones\":[\"America/New_York\",\"America/Los_Angeles\"]},"
    "{\"prefix\":\"1617\",\"region\":\"US-MA\",\"zones\":[\"America/New_York\"]},"
    "{\"prefix\":\"49\",\"region\":\"DE\",\"zones\":[\"Europe/Berlin\"]}]}";
static const char *const packs[] = {
    /* everywhere: hours, calendar, consent, a cap over all channels and one per three hours */
    "{\"format\":2,\"id\":\"all\",\"version\":\"1\",\"title\":\"t\",\"roles\":[\"company\","
    "\"consumer\"],"
    "\"holidays\":\"cal\",\"windows\":["
    "{\"channel\":\"voice\"," WORK ",\"from\":\"06:00\",\"to\":\"20:00\"," NOTE "},"
    "{\"channel\":\"sms\"," WORK ",\"from\":\"06:00\",\"to\":\"20:00\"," NOTE "},"
    "{\"channel\":\"email\"," DAILY ",\"from\":\"00:00\",\"to\":\"24:00\"," NOTE "}],"
    "\"caps\":[{\"field\":\"*\",\"max\":4,\"days\":3,\"scope\":\"person\"," NOTE "},"
    "{\"field\":\"sms\",\"max\":2,\"hours\":3," NOTE "}],"
    "\"consent\":[{\"channel\":\"voice\",\"mode\":\"opt-out\"," NOTE "},"
    "{\"channel\":\"sms\",\"mode\":\"opt-out\"," NOTE "},"
    "{\"channel\":\"email\",\"mode\":\"opt-out\"," DRAFT "}]}",
    /* the US, third parties and consumers only, from April 2026: sliding caps per debt, rest */
    "{\"format\":2,\"id\":\"us\",\"version\":\"1\",\"title\":\"t\",\"roles\":[\"consumer\"],"
    "\"applies\":{\"regions\":[\"US\"],\"senders\":[\"third-party\"],\"from\":\"2026-04-01\"},"
    "\"location\":\"all-plausible\",\"holidays\":null,\"windows\":["
    "{\"channel\":\"voice\"," DAILY ",\"from\":\"08:00\",\"to\":\"21:00\"," NOTE "}],"
    "\"caps\":[{\"field\":\"voice\",\"max\":3,\"days\":7,\"scope\":\"debt\"," NOTE "},"
    "{\"field\":\"voice\",\"max\":1,\"per\":\"day\",\"count\":\"answered\",\"scope\":"
    "\"sender\"," NOTE "}],"
    "\"cool_downs\":[{\"field\":\"voice\",\"days\":5,\"scope\":\"debt\"," NOTE "}],"
    "\"consent\":[{\"channel\":\"sms\",\"mode\":\"opt-in\",\"purpose\":\"reminder\"," NOTE "}]}",
    /* Massachusetts */
    "{\"format\":2,\"id\":\"ma\",\"version\":\"1\",\"title\":\"t\",\"roles\":[\"consumer\","
    "\"company\"],"
    "\"applies\":{\"regions\":[\"US-MA\"],\"zones\":[\"America/New_York\"]},\"holidays\":null,"
    "\"windows\":[{\"channel\":\"voice\"," DAILY ",\"from\":\"10:00\",\"to\":\"16:00\"," DRAFT "}],"
    "\"caps\":[],\"consent\":[],\"verified\":[{\"channel\":\"sms\"," NOTE "}]}"};

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
    gw_code rc = policy_rules_add_calendar(f.rules, "cal", gw_str_of(calendar_text), &err);
    if (rc == GW_OK)
        rc = policy_rules_add_regions(f.rules, "r", gw_str_of(regions_text), &err);
    for (size_t i = 0; i < GW_COUNT(packs) && rc == GW_OK; i++)
        rc = policy_rules_add_pack(f.rules, "p", gw_str_of(packs[i]), &err);
    if (rc == GW_OK)
        rc = policy_rules_seal(f.rules, &err);
    if (rc != GW_OK)
        fprintf(stderr, "%s\n", err.text);
    *state = &f;
    return rc == GW_OK ? 0 : -1;
}

static int teardown(void **state)
{
    fixture *f = *state;
    policy_rules_free(f->rules);
    zone_table_free(f->zones);
    gw_arena_free(f->arena);
    return 0;
}

/* ---- stories ---- */

typedef struct {
    policy_facts facts;
    policy_recipient to;
    policy_count counts[COUNTS_MAX];
    int64_t now;
    const zone *new_york, *los_angeles, *berlin;
} story;

static const char *const channels[] = {"voice", "voice", "sms", "email"};

static void invent_counts(story *s)
{
    static const char *const fields[] = {"*", "voice", "sms"};
    policy_facts *x = &s->facts;
    x->count_n = (size_t)upto(COUNTS_MAX + 1);
    int32_t today = (int32_t)(s->now / GW_MS_PER_DAY);
    int32_t hour = (int32_t)(s->now / GW_MS_PER_HOUR);
    for (size_t i = 0; i < x->count_n; i++) {
        bool hourly = one_in(3);
        s->counts[i] = (policy_count){.field = gw_str_of(fields[upto(3)]),
                                      .day = hourly ? hour - (int32_t)upto(6) + 1
                                                    : today - (int32_t)upto(9) + 1,
                                      .used = one_in(30) ? -1 : upto(3),
                                      .counting = one_in(4) ? POLICY_ANSWERED : POLICY_PLACED,
                                      .scope = (policy_scope)upto(3),
                                      .hourly = hourly};
    }
}

static void invent(const fixture *f, story *s)
{
    static const char *const zones[] = {"America/New_York", "America/Los_Angeles", "Europe/Berlin",
                                        "Australia/Lord_Howe", "Etc/UTC"};
    static const char *const regions[] = {"", "", "US", "US-MA", "US-CA", "DE"};
    static const char *const numbers[] = {"+16175550100", "+12135550100", "+4930555010",
                                          "a@b.example.test", "+8610555010"};
    memset(s, 0, sizeof *s);
    s->new_york = zone_table_get(f->zones, GW_STR("America/New_York"), NULL);
    s->los_angeles = zone_table_get(f->zones, GW_STR("America/Los_Angeles"), NULL);
    s->berlin = zone_table_get(f->zones, GW_STR("Europe/Berlin"), NULL);
    s->now = INT64_C(1771200000000) + upto(300 * INT64_C(86400000)); /* from 2026-02-16 on */
    if (one_in(2)) /* around the calendar's special days, a clock change and the first of April */
        s->now = INT64_C(1771804800000) + upto(40 * INT64_C(86400000));
    policy_facts *x = &s->facts;
    x->channel = channels[upto(4)];
    x->purpose = one_in(4) ? "statement" : "reminder";
    x->debtor_role = one_in(2) ? GW_STR("company") : GW_STR("consumer");
    x->zone = zone_table_get(f->zones, gw_str_of(zones[upto(5)]), NULL);
    x->region = gw_str_of(regions[upto(6)]);
    x->sender = (policy_sender)upto(3);
    x->debt = one_in(3) ? GW_STR("") : GW_STR("00112233445566ff");
    x->is_person = one_in(2);
    s->to = (policy_recipient){.address = gw_str_of(numbers[upto(5)]),
                               .role = GW_STR("primary"),
                               .designated = true,
                               .consent = one_in(12)  ? CONSENT_WITHDRAWN
                                          : one_in(2) ? CONSENT_GRANTED
                                                      : CONSENT_UNKNOWN,
                               .standing =
                                   one_in(3) ? POLICY_ADDRESS_VERIFIED : POLICY_ADDRESS_UNSTATED};
    x->recipients = &s->to;
    x->recipient_n = 1;
    x->channel_ready = x->clock_ok = x->template_known = true;
    x->talked_ms = one_in(3) ? s->now - upto(9 * INT64_C(86400000)) : 0;
    x->talked_debt_ms = one_in(3) ? s->now - upto(9 * INT64_C(86400000)) : 0;
    x->not_before_ms = one_in(5) ? s->now + upto(20 * INT64_C(86400000)) : 0;
    x->not_after_ms = one_in(5) ? s->now + upto(20 * INT64_C(86400000)) : 0;
    x->counts = s->counts;
    invent_counts(s);
}

/* ---- the oracle ---- */

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static bool country_is(const story *s, const char *country)
{
    const policy_facts *x = &s->facts;
    bool by_number = is(country, "US") ? gw_str_is(s->to.address, "+16175550100") ||
                                             gw_str_is(s->to.address, "+12135550100")
                                       : gw_str_is(s->to.address, "+4930555010");
    const char *zone_of = x->zone == s->new_york || x->zone == s->los_angeles ? "US"
                          : x->zone == s->berlin                              ? "DE"
                          : is(zone_name(x->zone), "Etc/UTC")                 ? ""
                                                                              : "AU";
    return is(zone_of, country) || by_number ||
           (x->region.n >= 2 && memcmp(x->region.p, country, 2) == 0);
}

static bool nowhere(const story *s)
{
    return s->facts.region.n == 0 && is(zone_name(s->facts.zone), "Etc/UTC") &&
           (gw_str_is(s->to.address, "a@b.example.test") ||
            gw_str_is(s->to.address, "+8610555010"));
}

static bool us_applies(const story *s)
{
    const policy_facts *x = &s->facts;
    int64_t last = (x->not_before_ms > s->now ? x->not_before_ms : s->now) + 15 * GW_MS_PER_DAY;
    return gw_str_is(x->debtor_role, "consumer") && x->sender != POLICY_SENDER_CREDITOR &&
           last / GW_MS_PER_DAY >= 20544 /* 2026-04-01 */ && (nowhere(s) || country_is(s, "US"));
}

static bool ma_applies(const story *s)
{
    const policy_facts *x = &s->facts;
    if (nowhere(s) || gw_str_is(x->region, "US-MA") || gw_str_is(s->to.address, "+16175550100"))
        return true;
    bool coarse =
        gw_str_is(x->region, "US") || ((x->zone == s->new_york || x->zone == s->los_angeles ||
                                        gw_str_is(s->to.address, "+12135550100")) &&
                                       !gw_str_is(x->region, "US-CA"));
    return coarse && x->zone == s->new_york;
}

static int weekday_of(zone_time l)
{
    return l.day == 20519 /* 2026-03-07 */ ? 3 : gw_day_weekday(l.day);
}

static bool us_hours(const zone *z, int64_t t)
{
    int minute = zone_local(z, (gw_wall){t}).minute;
    return minute >= 480 && minute < 1260;
}

static bool hours_open(const story *s, int64_t t)
{
    const policy_facts *x = &s->facts;
    zone_time l = zone_local(x->zone, (gw_wall){t});
    if (!is(x->channel, "email") && (weekday_of(l) > 5 || l.minute < 360 || l.minute >= 1200))
        return false;
    if (!is(x->channel, "voice"))
        return true;
    if (us_applies(s)) {
        bool la = gw_str_is(s->to.address, "+12135550100"); /* prefix 1: either coast */
        bool ny = la || gw_str_is(s->to.address, "+16175550100");
        if (!us_hours(x->zone, t) || (ny && !us_hours(s->new_york, t)) ||
            (la && !us_hours(s->los_angeles, t)) ||
            (gw_str_is(s->to.address, "+4930555010") && !us_hours(s->berlin, t)))
            return false;
    }
    return !ma_applies(s) || (l.minute >= 600 && l.minute < 960);
}

static bool closed(const story *s, int64_t t)
{
    int32_t day = zone_local(s->facts.zone, (gw_wall){t}).day;
    return day == 20514 /* 2026-03-02 */ || gw_date_of_day(day).year > 2026;
}

static int64_t sum(const story *s, const char *field, policy_counting counting, policy_scope scope,
                   bool hourly, int32_t from, int32_t to)
{
    int64_t n = 0;
    for (size_t i = 0; i < s->facts.count_n; i++) {
        const policy_count *c = &s->counts[i];
        if (gw_str_is(c->field, field) && c->counting == counting && c->scope == scope &&
            c->hourly == hourly && c->day >= from && c->day <= to)
            n += c->used < 0 ? 1000 : c->used;
    }
    return n;
}

static bool capped(const story *s, int64_t t)
{
    const policy_facts *x = &s->facts;
    int32_t day = zone_local(x->zone, (gw_wall){t}).day;
    int32_t hour = (int32_t)(t / GW_MS_PER_HOUR);
    policy_scope debt = x->debt.n ? POLICY_OF_DEBT : POLICY_OF_SENDER;
    if (sum(s, "*", POLICY_PLACED, POLICY_OF_SENDER, false, day - 2, day) >= 4 ||
        (x->is_person && sum(s, "*", POLICY_PLACED, POLICY_OF_PERSON, false, day - 2, day) >= 4))
        return true;
    if (is(x->channel, "sms") &&
        sum(s, "sms", POLICY_PLACED, POLICY_OF_SENDER, true, hour - 3, hour) >= 2)
        return true;
    if (!is(x->channel, "voice") || !us_applies(s))
        return false;
    return sum(s, "voice", POLICY_PLACED, debt, false, day - 6, day) >= 3 ||
           sum(s, "voice", POLICY_ANSWERED, POLICY_OF_SENDER, false, day, day) >= 1;
}

static bool resting(const story *s, int64_t t)
{
    const policy_facts *x = &s->facts;
    int64_t talked = x->debt.n ? x->talked_debt_ms : x->talked_ms;
    if (!is(x->channel, "voice") || !us_applies(s) || talked == 0)
        return false;
    int32_t day = zone_local(x->zone, (gw_wall){t}).day;
    int32_t first = zone_local(x->zone, (gw_wall){talked}).day;
    return day >= first && day < first + 5;
}

static bool oracle_time(const story *s, int64_t t)
{
    const policy_facts *x = &s->facts;
    return t >= x->not_before_ms && (x->not_after_ms == 0 || t < x->not_after_ms) &&
           hours_open(s, t) && !closed(s, t) && !capped(s, t) && !resting(s, t);
}

static bool oracle_rest(const story *s)
{
    const policy_facts *x = &s->facts;
    bool sms = is(x->channel, "sms");
    bool unknown_number = gw_str_is(s->to.address, "+8610555010");
    if (is(x->channel, "email")) /* only a draft row speaks of consent by mail */
        return false;
    if (s->to.consent == CONSENT_WITHDRAWN)
        return false;
    if (sms && us_applies(s) && is(x->purpose, "reminder") && s->to.consent != CONSENT_GRANTED)
        return false;
    if (sms && ma_applies(s) && s->to.standing != POLICY_ADDRESS_VERIFIED)
        return false;
    return !(is(x->channel, "voice") && us_applies(s) && unknown_number);
}

/* ---- comparing ---- */

#define must(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail_msg("case %ld: %s", n, #condition);                                               \
    } while (0)

static long knob(const char *name, long otherwise)
{
    const char *text = getenv(name);
    return text ? atol(text) : otherwise; // NOLINT(cert-err34-c): a developer's knob
}

static void check_open(const story *s, const policy_decision *d, long n)
{
    must(d->allowed_n > 0 && d->next_ms == d->allowed[0].from_ms && d->next_ms >= s->now);
    must(d->window_end_ms == d->allowed[0].to_ms);
    must((d->verdict == POLICY_ALLOW) == (d->next_ms == s->now));
    for (size_t i = 0; i < d->allowed_n; i++) {
        policy_interval x = d->allowed[i];
        must(x.from_ms < x.to_ms);
        must(oracle_time(s, x.from_ms) && oracle_time(s, x.to_ms - 1));
        must(oracle_time(s, x.from_ms + upto(x.to_ms - x.from_ms)));
    }
    int64_t end = d->allowed[d->allowed_n - 1].to_ms;
    for (int i = 0; i < PROBES; i++) {
        int64_t t = s->now + upto(end - s->now);
        bool inside = false;
        for (size_t k = 0; k < d->allowed_n; k++)
            inside = inside || (t >= d->allowed[k].from_ms && t < d->allowed[k].to_ms);
        must(inside == oracle_time(s, t));
    }
}

/* The steps name what each pack did; without a step that limits, nothing was limited by packs. */
static void check_steps(const policy_decision *d, long n)
{
    for (size_t i = 0; i < d->step_n; i++)
        must(d->steps[i].pack != NULL && d->steps[i].rule != NULL);
    for (size_t c = 0; c < d->check_n; c++) {
        const policy_check *check = &d->checks[c];
        bool of_packs = is(check->rule, "quiet-hours") || is(check->rule, "holidays") ||
                        is(check->rule, "caps") || is(check->rule, "cool-down");
        bool limited = false;
        for (size_t i = 0; i < d->step_n; i++)
            limited = limited || (d->steps[i].limits && is(d->steps[i].rule, check->rule));
        must(!of_packs || check->verdict != POLICY_CHECK_LIMIT || limited);
    }
}

static void no_contact_is_allowed_that_a_pack_forbids(void **state)
{
    fixture *f = *state;
    long seen[5] = {0};
    rng = (uint64_t)knob("DUNLIN_SEED", 2026);
    for (long n = 0; n < knob("DUNLIN_CASES", CASES); n++) {
        story s;
        policy_decision d;
        invent(f, &s);
        gw_arena_reset(f->arena);
        assert_int_equal(policy_decide(&s.facts, f->rules, (gw_wall){s.now}, f->arena, &d, NULL),
                         GW_OK);
        seen[d.verdict]++;
        bool open = d.verdict <= POLICY_LATER;
        must(!open || oracle_rest(&s));
        must(open == (d.allowed_n > 0));
        must(d.verdict != POLICY_ALLOW || oracle_time(&s, s.now));
        if (oracle_rest(&s) && oracle_time(&s, s.now))
            must(d.verdict == POLICY_ALLOW);
        if (open)
            check_open(&s, &d, n);
        check_steps(&d, n);
    }
    assert_true(seen[POLICY_ALLOW] > 0 && seen[POLICY_LATER] > 0 && seen[POLICY_HOLD] > 0);
}

/* What policy_caps_at says to reserve is what the decision counted with: with every counter it
 * looks at one short of its cap the contact fits, and after taking them it does not. */
static void what_is_reserved_is_what_was_decided(void **state)
{
    fixture *f = *state;
    rng = 5;
    long fitted = 0;
    for (long n = 0; n < knob("DUNLIN_CASES", CASES) / 4; n++) {
        story s;
        policy_decision d;
        policy_cap caps[POLICY_TAKES_MAX];
        invent(f, &s);
        gw_arena_reset(f->arena);
        assert_int_equal(policy_decide(&s.facts, f->rules, (gw_wall){s.now}, f->arena, &d, NULL),
                         GW_OK);
        if (d.verdict != POLICY_ALLOW)
            continue;
        size_t cap_n = policy_caps_at(&s.facts, f->rules, (gw_wall){s.now}, caps);
        must(cap_n > 0);
        for (size_t i = 0; i < cap_n; i++) {
            policy_scope scope = caps[i].scope;
            int64_t used = sum(&s, caps[i].field, caps[i].counting, scope, caps[i].hourly,
                               caps[i].day - caps[i].before, caps[i].day);
            must(used < caps[i].max);
            for (size_t k = 0; k < i; k++) /* one counter grows once */
                must(caps[i].check_only || caps[k].check_only || caps[k].scope != scope ||
                     caps[k].counting != caps[i].counting || caps[k].hourly != caps[i].hourly ||
                     !is(caps[k].field, caps[i].field));
        }
        fitted++;
    }
    assert_true(fitted > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_contact_is_allowed_that_a_pack_forbids),
        cmocka_unit_test(what_is_reserved_is_what_was_decided),
    };
    return cmocka_run_group_tests_name("packs_property", tests, setup, teardown);
}
