#include "gateway/dispatch/facts_eligible.h"
#include "gateway/wire/provider.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static provider *shipped(const char *name)
{
    char dir[600];
    gw_err err = {0};
    provider *p = NULL;
    snprintf(dir, sizeof dir, "%s/config", getenv("DUNLIN_SOURCE"));
    if (provider_load(dir, name, &p, &err) != GW_OK)
        fail_msg("%s", err.text);
    return p;
}

typedef struct {
    const char *channel, *purpose, *to;
    policy_sender sender;
    policy_opinion eligible;
    const char *why;
} row;

static void check(const row *rows, size_t n, const provider *const *list, size_t providers)
{
    const facts_context ctx = {.providers = list, .provider_n = providers};
    for (size_t i = 0; i < n; i++) {
        const policy_recipient to = {.address = gw_str_of(rows[i].to)};
        const view_reminder r = {.channel = gw_str_of(rows[i].channel)};
        policy_facts f = {.purpose = rows[i].purpose,
                          .recipients = &to,
                          .recipient_n = *rows[i].to ? 1 : 0,
                          .sender = rows[i].sender};
        facts_eligible(&ctx, &r, &f);
        if (f.eligible != rows[i].eligible ||
            (rows[i].why && (!f.eligible_why || strcmp(f.eligible_why, rows[i].why) != 0)))
            fail_msg("row %zu: %d, %s", i, f.eligible, f.eligible_why ? f.eligible_why : "");
    }
}

static void what_every_provider_forbids_is_no_and_one_that_does_not_makes_it_yes(void **cm)
{
    (void)cm;
    GW_AUTO(provider_free) provider *twilio = shipped("twilio");
    GW_AUTO(provider_free) provider *aliyun = shipped("aliyun-sms");
    GW_AUTO(provider_free) provider *kannel = shipped("kannel");
    static const row two[] = {
        {"sms", "reminder", "+8610000000000", POLICY_SENDER_CREDITOR, POLICY_YES, NULL},
        {"sms", "reminder", "+8610000000000", POLICY_SENDER_THIRD_PARTY, POLICY_NO,
         "dunning-forbidden"},
        {"sms", "reminder", "+8610000000000", POLICY_SENDER_UNKNOWN, POLICY_NO,
         "dunning-forbidden"},
        {"sms", "reminder", "+15550100123", POLICY_SENDER_CREDITOR, POLICY_YES, NULL},
        {"sms", POLICY_PURPOSE_CONFIRM, "+15550100123", POLICY_SENDER_THIRD_PARTY, POLICY_YES,
         NULL},
        {"email", "reminder", "+15550100123", POLICY_SENDER_UNKNOWN, POLICY_UNCHECKED, NULL},
        {"sms", "reminder", "", POLICY_SENDER_UNKNOWN, POLICY_UNCHECKED, NULL},
    };
    const provider *const strict[] = {twilio, aliyun};
    check(two, GW_COUNT(two), strict, 2);
    static const row aliyun_only[] = {
        {"sms", "reminder", "+8610000000000", POLICY_SENDER_CREDITOR, POLICY_NO,
         "dunning-forbidden"},
        {"sms", POLICY_PURPOSE_CONFIRM, "+15550100123", POLICY_SENDER_CREDITOR, POLICY_NO,
         "number-not-served"},
    };
    const provider *const one[] = {aliyun};
    check(aliyun_only, GW_COUNT(aliyun_only), one, 1);
    static const row with_kannel[] = {
        {"sms", "reminder", "+8610000000000", POLICY_SENDER_UNKNOWN, POLICY_YES, NULL}};
    const provider *const three[] = {aliyun, twilio, kannel};
    check(with_kannel, GW_COUNT(with_kannel), three, 3);
}

static void without_providers_nobody_is_asked(void **cm)
{
    (void)cm;
    static const row rows[] = {
        {"sms", "reminder", "+15550100123", POLICY_SENDER_UNKNOWN, POLICY_UNCHECKED, NULL}};
    check(rows, GW_COUNT(rows), NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_every_provider_forbids_is_no_and_one_that_does_not_makes_it_yes),
        cmocka_unit_test(without_providers_nobody_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
