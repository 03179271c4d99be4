/* The vectors beside the shipped packs: facts and the decision they must come to. Each file is
 * judged with its own pack, the number prefixes, and a pack that opens every hour, so that what
 * restricts is the pack itself. */
#include "gateway/base/file.h"
#include "gateway/base/jsonc.h"
#include "gateway/base/time.h"
#include "gateway/policy/count.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum { PATH_BYTES = 4096, FILE_BYTES = 1 << 20, COUNTS_MAX = 64, LEAST_VECTORS = 4 };

#define NOTE    "\"source\":\"test\",\"read\":\"2026-01-01\",\"confidence\":\"house\""
#define DAYS    "\"days\":[\"mon\",\"tue\",\"wed\",\"thu\",\"fri\",\"sat\",\"sun\",\"holiday\"]"
#define OPEN(c) "{\"channel\":\"" c "\"," DAYS ",\"from\":\"00:00\",\"to\":\"24:00\"," NOTE "}"
#define FREE(c) "{\"channel\":\"" c "\",\"mode\":\"opt-out\"," NOTE "}"

static const char open_pack[] =
    "{\"format\":2,\"id\":\"zz-open\",\"version\":\"1\",\"title\":\"always open\",\"roles\":["
    "\"company\",\"consumer\",\"guarantor\"],\"holidays\":null,\"windows\":[" OPEN("email") "," OPEN(
        "sms") "," OPEN("voice") "],\"caps\":[],\"consent\":[" FREE("email") "," FREE("sms") "," FREE("voice") "]}";

static char rules_dir[PATH_BYTES], calendars_dir[PATH_BYTES];
static zone_table *zones;

static void read_text(const char *dir, const char *name, gw_buf *ret)
{
    char path[2 * PATH_BYTES];
    gw_err err = {0};
    snprintf(path, sizeof path, "%s/%s", dir, name);
    gw_buf_init(ret, FILE_BYTES);
    if (gw_file_read(path, ret, &err) != GW_OK)
        fail_msg("%s", err.text);
}

static bool ends_in(const char *name, const char *tail)
{
    size_t n = strlen(name);
    size_t t = strlen(tail);
    return n > t && strcmp(name + n - t, tail) == 0;
}

static void add_file(policy_rules *r, const char *dir, const char *name,
                     gw_code (*add)(policy_rules *, const char *, gw_str, gw_err *))
{
    GW_AUTO_BUF gw_buf text;
    gw_err err = {0};
    read_text(dir, name, &text);
    if (add(r, name, gw_buf_str(&text), &err) != GW_OK)
        fail_msg("%s", err.text);
}

/* The rules one file of vectors is about. */
static policy_rules *rules_of(const char *pack)
{
    char name[PATH_BYTES];
    gw_err err = {0};
    policy_rules *r = policy_rules_new();
    DIR *d = opendir(calendars_dir);
    assert_non_null(d);
    for (struct dirent *e = readdir(d); e; e = readdir(d))
        if (ends_in(e->d_name, ".jsonc"))
            add_file(r, calendars_dir, e->d_name, policy_rules_add_calendar);
    closedir(d);
    snprintf(name, sizeof name, "%s.jsonc", pack);
    add_file(r, rules_dir, name, policy_rules_add_pack);
    add_file(r, rules_dir, "regions/e164.jsonc", policy_rules_add_regions);
    if (policy_rules_add_pack(r, "open", gw_str_of(open_pack), &err) != GW_OK ||
        policy_rules_seal(r, &err) != GW_OK)
        fail_msg("%s", err.text);
    return r;
}

static int64_t time_of(const json_doc *d, uint32_t object, const char *name)
{
    gw_wall t = {0};
    gw_str s = json_get_str(d, object, name);
    if (s.n && gw_time_parse(s, &t, NULL) != GW_OK)
        fail_msg("%s: not a time", name);
    return t.ms;
}

static size_t index_of(gw_str s, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (gw_str_is(s, names[i]))
            return i;
    if (s.n)
        fail_msg("%.*s: not a word of the vectors", GW_STR_ARG(s));
    return 0;
}

static size_t read_counts(const json_doc *d, uint32_t facts, policy_count *ret)
{
    static const char *const countings[] = {"placed", "answered", "effective"};
    static const char *const scopes[] = {"sender", "debt", "person"};
    uint32_t list = json_member(d, facts, "counts");
    size_t n = 0;
    for (uint32_t e = list ? json_first(list) : 0; list && e < json_at(d, list)->next;
         e = json_at(d, e)->next) {
        int32_t day;
        assert_int_equal(gw_date_parse(json_get_str(d, e, "day"), &day, NULL), GW_OK);
        ret[n++] = (policy_count){
            .field = json_get_str(d, e, "field"),
            .day = day,
            .used = json_get_int(d, e, "used", 1),
            .counting = (policy_counting)index_of(json_get_str(d, e, "count"), countings, 3),
            .scope = (policy_scope)index_of(json_get_str(d, e, "scope"), scopes, 3)};
    }
    return n;
}

/* Facts that nothing but time, place and counters speaks against. */
static void read_facts(const json_doc *d, uint32_t o, gw_arena *arena, policy_facts *ret)
{
    static const char *const consents[] = {"unknown", "granted", "withdrawn"};
    static const char *const senders[] = {"unknown", "creditor", "third-party"};
    static const char *const standings[] = {"unstated", "verified", "unverified", "leaked"};
    policy_recipient *to = gw_arena_alloc(arena, sizeof *to);
    policy_count *counts = gw_arena_alloc(arena, COUNTS_MAX * sizeof *counts);
    gw_str address = json_get_str(d, o, "address");
    gw_str zone_text = json_get_str(d, o, "zone");
    assert_non_null(to);
    assert_non_null(counts);
    *to = (policy_recipient){
        .address = address.n ? address : GW_STR("someone@example.test"),
        .role = GW_STR("primary"),
        .designated = true,
        .consent = (policy_consent)index_of(json_get_str(d, o, "consent"), consents, 3),
        .standing = (policy_standing)index_of(json_get_str(d, o, "standing"), standings, 4)};
    *ret =
        (policy_facts){.channel = gw_arena_copy(arena, json_get_str(d, o, "channel")),
                       .purpose = "reminder",
                       .by_person = json_get_bool(d, o, "by_person", false),
                       .debtor_role = json_get_str(d, o, "role"),
                       .zone = zone_text.n ? zone_table_get(zones, zone_text, NULL) : NULL,
                       .recipients = to,
                       .recipient_n = 1,
                       .counts = counts,
                       .count_n = read_counts(d, o, counts),
                       .channel_ready = true,
                       .clock_ok = true,
                       .template_known = true,
                       .sender = (policy_sender)index_of(json_get_str(d, o, "sender"), senders, 3),
                       .region = json_get_str(d, o, "region"),
                       .debt = json_get_str(d, o, "debt"),
                       .is_person = json_get_bool(d, o, "person", false),
                       .talked_debt_ms = time_of(d, o, "talked_debt"),
                       .talked_ms = time_of(d, o, "talked")};
    if (zone_text.n && !ret->zone)
        fail_msg("%.*s: no such zone", GW_STR_ARG(zone_text));
}

static void check_vector(const char *file, const policy_rules *r, const json_doc *d, uint32_t v,
                         gw_arena *arena)
{
    policy_facts facts;
    policy_decision got = {0};
    gw_err err = {0};
    char next[GW_TIME_TEXT] = "";
    gw_str name = json_get_str(d, v, "name");
    uint32_t expect = json_member(d, v, "expect");
    gw_wall now = {time_of(d, json_member(d, v, "facts"), "now")};
    read_facts(d, json_member(d, v, "facts"), arena, &facts);
    if (policy_decide(&facts, r, now, arena, &got, &err) != GW_OK)
        fail_msg("%s", err.text);
    if (got.next_ms)
        gw_time_format((gw_wall){got.next_ms}, next);
    int64_t want_next = time_of(d, expect, "next");
    if (!gw_str_is(json_get_str(d, expect, "verdict"), policy_verdict_name(got.verdict)) ||
        !gw_str_is(json_get_str(d, expect, "rule"), got.rule) ||
        !gw_str_is(json_get_str(d, expect, "why"), got.why) ||
        (want_next && want_next != got.next_ms))
        fail_msg("%s: %.*s: %s by %s (%s), next %s", file, GW_STR_ARG(name),
                 policy_verdict_name(got.verdict), got.rule, got.why, next);
}

static size_t check_file(const char *file)
{
    char pack[PATH_BYTES];
    snprintf(pack, sizeof pack, "%.*s", (int)(strlen(file) - strlen(".vectors.jsonc")), file);
    GW_AUTO(policy_rules_free) policy_rules *r = rules_of(pack);
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(8 << 20);
    GW_AUTO_JSONC jsonc_file doc = {0};
    GW_AUTO_BUF gw_buf text;
    gw_err err = {0};
    read_text(rules_dir, file, &text);
    if (jsonc_open(gw_buf_str(&text), FILE_BYTES, &doc, &err) != GW_OK)
        fail_msg("%s: %s", file, err.text);
    size_t n = 0;
    for (uint32_t v = json_first(0); v < json_at(&doc.doc, 0)->next;
         v = json_at(&doc.doc, v)->next, n++)
        check_vector(file, r, &doc.doc, v, arena);
    return n;
}

static void every_vector_beside_a_pack_comes_to_its_decision(void **state)
{
    (void)state;
    DIR *d = opendir(rules_dir);
    assert_non_null(d);
    int files = 0;
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        if (!ends_in(e->d_name, ".vectors.jsonc"))
            continue;
        files++;
        if (check_file(e->d_name) < LEAST_VECTORS)
            fail_msg("%s has fewer than %d vectors", e->d_name, LEAST_VECTORS);
    }
    closedir(d);
    assert_true(files >= 9);
}

static void every_pack_of_a_law_has_vectors_beside_it(void **state)
{
    (void)state;
    DIR *d = opendir(rules_dir);
    assert_non_null(d);
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        char path[2 * PATH_BYTES];
        bool law = ends_in(e->d_name, ".jsonc") && !ends_in(e->d_name, ".vectors.jsonc") &&
                   strcmp(e->d_name, "default.jsonc") != 0;
        if (!law)
            continue;
        snprintf(path, sizeof path, "%s/%.*s.vectors.jsonc", rules_dir,
                 (int)(strlen(e->d_name) - strlen(".jsonc")), e->d_name);
        FILE *f = fopen(path, "r");
        if (!f)
            fail_msg("%s has no vectors", e->d_name);
        fclose(f);
    }
    closedir(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_beside_a_pack_comes_to_its_decision),
        cmocka_unit_test(every_pack_of_a_law_has_vectors_beside_it),
    };
    const char *source = getenv("DUNLIN_SOURCE");
    snprintf(rules_dir, sizeof rules_dir, "%s/config/rules", source ? source : ".");
    snprintf(calendars_dir, sizeof calendars_dir, "%s/config/calendars", source ? source : ".");
    zones = zone_table_new();
    int failed = cmocka_run_group_tests_name("vectors", tests, NULL, NULL);
    zone_table_free(zones);
    return failed;
}
