/* prepare_dump BUNDLE LOCALE FACTS.json OUT.eml [pdf|-] [UNSUBSCRIBE-URI] - what the e-mail driver
 * makes of a task; for compose_golden.py. Exit 1 with the reason on standard error when it refuses.
 */
#include "gateway/base/file.h"
#include "workers/email/compose.h"
#include "workers/email/email.h"
#include "workers/runtime/source.h"

#include <stdio.h>

static gw_code prepare(char **argv, bool pdf, const char *unsubscribe, gw_err *err)
{
    GW_AUTO(template_bundle_free) template_bundle *bundle = NULL;
    GW_AUTO(channel_attempt_free) channel_attempt *a = channel_attempt_new(COMPOSE_BYTES_MAX);
    GW_AUTO_BUF gw_buf facts;
    const email_config config = {.from_address = "billing@creditor.example.test",
                                 .from_name = "Creditor",
                                 .reply_to = "help@creditor.example.test",
                                 .unsubscribe_mailto = "stop@creditor.example.test",
                                 .unsubscribe_url = "https://creditor.example.test/stop/{id}",
                                 .pdf = pdf,
                                 .outbox = {.folder = "."}};
    channel driver;
    void *bench = NULL;
    gw_buf_init(&facts, 4 << 20);
    gw_code rc = template_bundle_load(argv[1], &bundle, err);
    if (rc == GW_OK)
        rc = gw_file_read(argv[3], &facts, err);
    if (rc == GW_OK)
        rc = email_channel(&config, &driver, err);
    if (rc == GW_OK)
        rc = driver.bench_new(driver.self, &bench, err);
    if (rc != GW_OK)
        return rc;
    wire_task *t = gw_arena_alloc(a->arena, sizeof *t);
    t->ref = (wire_ref){GW_STR("0123456789abcdefghjkmnpqrs"), 1, GW_STR("tok")};
    t->source = GW_STR("billing");
    t->locale = gw_str_of(argv[2]);
    t->from.unsubscribe = gw_str_of(unsubscribe);
    t->now_ms = 1358848800000; /* 2013-01-22T10:00:00Z */
    t->reference = GW_STR("INV-2013-001");
    t->to[0] = (wire_recipient){GW_STR("primary"), GW_STR("张三"),
                                GW_STR("zhang@debtor.example.test"), GW_STR("to")};
    t->to[1] = (wire_recipient){GW_STR("finance_head"), GW_STR("Müller, Eva"),
                                GW_STR("eva@debtor.example.test"), GW_STR("cc")};
    t->to_n = 2;
    a->task = t;
    a->facts = gw_buf_str(&facts);
    rc = driver.prepare(driver.self, bench, a, bundle, err);
    if (rc == GW_OK)
        rc = gw_file_replace(argv[4], gw_buf_str(&a->bytes), 0600, err);
    driver.bench_free(bench);
    driver.close(driver.self);
    return rc;
}

int main(int argc, char **argv)
{
    gw_err err = {0};
    if (argc < 5) {
        fputs("usage: prepare_dump BUNDLE LOCALE FACTS.json OUT.eml [pdf|-] [URI]\n", stderr);
        return 2;
    }
    bool pdf = argc > 5 && strcmp(argv[5], "pdf") == 0;
    if (prepare(argv, pdf, argc > 6 ? argv[6] : "", &err) == GW_OK)
        return 0;
    fprintf(stderr, "%s\n", err.text);
    return 1;
}
