/* policy_bench SOURCE N - decisions a second on one core: all rules over one call to a
 * consumer of whom three shipped packs speak, fourteen local days ahead, at a thousand moments of a
 * year. Beside it the floor: one look-up of the local time, which no decision can do without.
 *
 * SOURCE is the project's folder. Prints {"n","decide_seconds","many_seconds","zone_seconds",
 * "allow","later"}; many: with a thousand packs of other countries beside the three. */
#include "gateway/base/file.h"
#include "gateway/base/time.h"
#include "gateway/policy/policy.h"
#include "tests/bench/bench.h"

#include <stdlib.h>

const char bench_usage_text[] = "policy_bench SOURCE N";

enum { MOMENTS = 1009, ARENA_BYTES = 1 << 20, PATH_BYTES = 4096 };

/* Over a whole year, so that clock changes have their share. */
static gw_wall moment(long i)
{
    static const int64_t year = INT64_C(1767225600000); /* 2026-01-01T00:00:00Z */
    return (gw_wall){year + (int64_t)(i % MOMENTS) * 31249000};
}

/* A pack of another country: it lies on the disk and never applies. */
static void add_foreign(policy_rules *r, int i)
{
    char text[1024];
    gw_err err = {0};
    snprintf(text, sizeof text,
             "{\"format\":2,\"id\":\"foreign-%d\",\"version\":\"1\",\"title\":\"t\",\"roles\":"
             "[\"consumer\"],\"applies\":{\"regions\":[\"Q%c\"]},\"holidays\":null,\"windows\":[{"
             "\"channel\":\"voice\",\"days\":[\"mon\"],\"from\":\"10:00\",\"to\":\"11:00\","
             "\"source\":\"bench\",\"read\":\"2026-01-01\",\"confidence\":\"house\"}],"
             "\"caps\":[],\"consent\":[]}",
             i, 'A' + i % 26);
    if (policy_rules_add_pack(r, "foreign", gw_str_of(text), &err) != GW_OK)
        bench_die("rules", err.text);
}

static void add_file(policy_rules *r, const char *source, const char *file,
                     gw_code (*add)(policy_rules *, const char *, gw_str, gw_err *))
{
    char path[PATH_BYTES];
    gw_err err = {0};
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, POLICY_RULES_BYTES_MAX);
    snprintf(path, sizeof path, "%s/config/%s", source, file);
    if (gw_file_read(path, &text, &err) != GW_OK || add(r, file, gw_buf_str(&text), &err) != GW_OK)
        bench_die("rules", err.text);
}

/* The three packs that apply to a consumer in Massachusetts, and foreign ones. */
static policy_rules *load_rules(const char *source, int foreign)
{
    gw_err err = {0};
    policy_rules *r = policy_rules_new();
    add_file(r, source, "calendars/us-federal.jsonc", policy_rules_add_calendar);
    add_file(r, source, "rules/regions/e164.jsonc", policy_rules_add_regions);
    add_file(r, source, "rules/us-ma.jsonc", policy_rules_add_pack);
    add_file(r, source, "rules/us-regf.jsonc", policy_rules_add_pack);
    add_file(r, source, "rules/us-tcpa.jsonc", policy_rules_add_pack);
    for (int i = 0; i < foreign; i++)
        add_foreign(r, i);
    if (policy_rules_seal(r, &err) != GW_OK)
        bench_die("rules", err.text);
    return r;
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

enum { FOREIGN = 1000, COUNTS = 4 };

int main(int argc, char **argv)
{
    if (argc != 3)
        bench_usage();
    long n = bench_number(argv[2], 1);
    gw_err err = {0};
    GW_AUTO(policy_rules_free) policy_rules *rules = load_rules(argv[1], 0);
    GW_AUTO(policy_rules_free) policy_rules *many = load_rules(argv[1], FOREIGN);
    GW_AUTO(zone_close) zone *z = NULL;
    if (zone_open(GW_STR("America/New_York"), &z, &err) != GW_OK)
        bench_die("zone", err.text);
    const policy_recipient to = {.address = GW_STR("+16175550100"),
                                 .role = GW_STR("primary"),
                                 .designated = true,
                                 .consent = CONSENT_GRANTED};
    policy_count counts[COUNTS];
    for (int i = 0; i < COUNTS; i++) /* calls about this and other debts, not over any cap */
        counts[i] = (policy_count){.field = GW_STR("voice"),
                                   .day = 20500 - 2 * i,
                                   .used = 1,
                                   .scope = i ? POLICY_OF_SENDER : POLICY_OF_DEBT};
    const policy_facts facts = {.channel = "voice",
                                .purpose = "reminder",
                                .debtor_role = GW_STR("consumer"),
                                .zone = z,
                                .region = GW_STR("US-MA"),
                                .sender = POLICY_SENDER_THIRD_PARTY,
                                .debt = GW_STR("00112233445566ff"),
                                .recipients = &to,
                                .recipient_n = 1,
                                .counts = counts,
                                .count_n = COUNTS,
                                .item_known = true,
                                .channel_ready = true,
                                .clock_ok = true,
                                .template_known = true};
    long verdicts[POLICY_REFUSE + 1] = {0};
    long again[POLICY_REFUSE + 1] = {0};
    double decide_seconds = decide_all(&facts, rules, n, verdicts);
    double many_seconds = decide_all(&facts, many, n, again);
    if (verdicts[POLICY_ALLOW] != again[POLICY_ALLOW])
        bench_die("decide", "packs that do not apply changed the decisions");
    printf("{\"n\":%ld,\"decide_seconds\":%.6f,\"many_seconds\":%.6f,\"zone_seconds\":%.6f,"
           "\"allow\":%ld,\"later\":%ld}\n",
           n, decide_seconds, many_seconds, look_up_all(z, n), verdicts[POLICY_ALLOW],
           verdicts[POLICY_LATER]);
    return 0;
}
