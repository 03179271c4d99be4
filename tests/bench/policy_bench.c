/* policy_bench SOURCE N - decisions a second on one core: all rules of the shipped pack over one
 * reminder, seventeen checks and fourteen local days ahead, at a thousand moments of a week. Beside
 * it the floor: one look-up of the local time, which no decision can do without.
 *
 * SOURCE is the project's folder. Prints {"n","decide_seconds","zone_seconds","allow","later"}. */
#include "gateway/base/time.h"
#include "gateway/policy/policy.h"
#include "tests/bench/bench.h"

#include <stdlib.h>

const char bench_usage_text[] = "policy_bench SOURCE N";

enum { MOMENTS = 1009, ARENA_BYTES = 1 << 20, PATH_BYTES = 4096 };

static gw_wall moment(long i)
{
    static const int64_t monday = INT64_C(1772409600000); /* 2026-03-02T00:00:00Z */
    return (gw_wall){monday + (int64_t)(i % MOMENTS) * 599000};
}

static policy_rules *load_rules(const char *source)
{
    char rules[PATH_BYTES], calendars[PATH_BYTES];
    policy_rules *ret = NULL;
    gw_err err = {0};
    snprintf(rules, sizeof rules, "%s/config/rules", source);
    snprintf(calendars, sizeof calendars, "%s/config/calendars", source);
    if (policy_rules_load(rules, calendars, &ret, &err) != GW_OK)
        bench_die("rules", err.text);
    return ret;
}

static double decide_all(const policy_facts *facts, const policy_rules *rules, long n,
                         long ret_verdicts[POLICY_REFUSE + 1])
{
    gw_arena *arena = gw_arena_new(ARENA_BYTES);
    gw_err err = {0};
    if (!arena)
        bench_die("arena", "out of memory");
    int64_t start = bench_cpu_ns();
    for (long i = 0; i < n; i++) {
        policy_decision d;
        if (policy_decide(facts, rules, moment(i), arena, &d, &err) != GW_OK)
            bench_die("decide", err.text);
        ret_verdicts[d.verdict]++;
        gw_arena_reset(arena);
    }
    double seconds = (double)(bench_cpu_ns() - start) / 1e9;
    gw_arena_free(arena);
    return seconds;
}

static double look_up_all(const zone *z, long n)
{
    volatile int seen = 0; /* the look-up's answer must be wanted, or the compiler drops it */
    int64_t start = bench_cpu_ns();
    for (long i = 0; i < n; i++)
        seen += zone_local(z, moment(i)).minute;
    (void)seen;
    return (double)(bench_cpu_ns() - start) / 1e9;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        bench_usage();
    long n = bench_number(argv[2], 1);
    gw_err err = {0};
    GW_AUTO(policy_rules_free) policy_rules *rules = load_rules(argv[1]);
    GW_AUTO(zone_close) zone *z = NULL;
    if (zone_open(GW_STR("Europe/Berlin"), &z, &err) != GW_OK)
        bench_die("zone", err.text);
    const policy_recipient to = {.address = GW_STR("ap@lakeside.example.test"),
                                 .role = GW_STR("primary"),
                                 .designated = true};
    const policy_facts facts = {.channel = "email",
                                .purpose = "reminder",
                                .debtor_role = GW_STR("company"),
                                .zone = z,
                                .recipients = &to,
                                .recipient_n = 1,
                                .item_known = true,
                                .channel_ready = true,
                                .clock_ok = true,
                                .template_known = true};
    long verdicts[POLICY_REFUSE + 1] = {0};
    double decide_seconds = decide_all(&facts, rules, n, verdicts);
    printf(
        "{\"n\":%ld,\"decide_seconds\":%.6f,\"zone_seconds\":%.6f,\"allow\":%ld,\"later\":%ld}\n",
        n, decide_seconds, look_up_all(z, n), verdicts[POLICY_ALLOW], verdicts[POLICY_LATER]);
    return 0;
}
