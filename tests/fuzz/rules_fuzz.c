/* Rule packs, calendars, prefix tables, signatures and ladders as somebody might edit them. What is
 * accepted can be used: a decision with the pack and a plan with the ladder always come to an
 * answer. The first byte chooses the kind of file. */
#include "gateway/ladder/ladder.h"
#include "gateway/policy/policy.h"
#include "gateway/policy/regions.h"
#include "gateway/policy/sign.h"

#include <assert.h>

enum { INPUT_MAX = 16 * 1024, ARENA_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void try_rules(gw_str text, bool calendar, gw_arena *arena)
{
    static zone *z;
    GW_AUTO(policy_rules_free) policy_rules *r = policy_rules_new();
    const policy_recipient to = {.address = GW_STR("a@b.example.test"),
                                 .role = GW_STR("primary"),
                                 .designated = true,
                                 .consent = CONSENT_GRANTED};
    gw_err err = {0};
    if (!r || (!z && zone_open(GW_STR("Australia/Lord_Howe"), &z, &err) != GW_OK))
        return;
    gw_code rc = calendar ? policy_rules_add_calendar(r, "f", text, &err)
                          : policy_rules_add_pack(r, "f", text, &err);
    if (rc != GW_OK || policy_rules_seal(r, &err) != GW_OK) {
        assert(err.text[0]);
        return;
    }
    const char *channels[] = {"email", "sms", "voice", "desk"};
    for (size_t i = 0; i < GW_COUNT(channels); i++) {
        policy_facts facts = {.channel = channels[i],
                              .debtor_role = GW_STR("company"),
                              .zone = z,
                              .recipients = &to,
                              .recipient_n = 1,
                              .channel_ready = true,
                              .clock_ok = true,
                              .template_known = true};
        policy_decision d;
        assert(policy_decide(&facts, r, (gw_wall){INT64_C(1728000000000)}, arena, &d, &err) ==
               GW_OK);
        assert(d.verdict != POLICY_LATER || d.next_ms > d.now.ms);
    }
}

static void try_regions(gw_str text)
{
    static const char *const numbers[] = {"+16175550100", "+8613800000000", "+1", "+", "", "0170"};
    GW_AUTO(regions_free) regions *r = NULL;
    gw_err err = {0};
    if (regions_parse("f", text, &r, &err) != GW_OK) {
        assert(err.text[0]);
        return;
    }
    for (size_t i = 0; i < GW_COUNT(numbers); i++) {
        const regions_row *row = regions_of_number(r, gw_str_of(numbers[i]));
        assert(!row ||
               (row->zone_n > 0 && strncmp(row->prefix, numbers[i] + 1, strlen(row->prefix)) == 0));
    }
}

/* Nobody made a key for it, so nothing may count as signed. */
static void try_signature(gw_str text)
{
    sign_key key = {.name = "counsel"};
    gw_err err = {0};
    assert(sign_check(GW_STR("{}"), text, &key, 1) != POLICY_SIGNED);
    if (sign_key_parse(text, &key, &err) != GW_OK)
        assert(err.text[0]);
}

static void try_ladder(gw_str text, gw_arena *arena)
{
    GW_AUTO(ladder_free) ladder *l = NULL;
    gw_err err = {0};
    if (ladder_parse("f", text, &l, &err) != GW_OK) {
        assert(err.text[0]);
        return;
    }
    for (int32_t today = 19980; today < 20020; today++) {
        const ladder_item item = {.due_day = 20000,
                                  .issued_day = 19970,
                                  .open_minor = 1,
                                  .tone_reached = today % 4 - 1,
                                  .last_sent_day = LADDER_NO_DAY};
        ladder_plan_result plan;
        assert(ladder_plan(l, &item, today, arena, &plan, &err) == GW_OK);
        for (size_t i = 0; i < plan.n; i++)
            assert(plan.entries[i].fate != LADDER_PLANNED ||
                   plan.entries[i].not_after_day >= today);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ARENA_MAX);
    if (n < 1 || n > INPUT_MAX || !arena)
        return 0;
    gw_str text = {(const char *)data + 1, n - 1};
    if (data[0] == 'l')
        try_ladder(text, arena);
    else if (data[0] == 'r')
        try_regions(text);
    else if (data[0] == 's')
        try_signature(text);
    else
        try_rules(text, data[0] == 'c', arena);
    return 0;
}
