#include "tests/templates/statement/document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

gw_code document_read(document *ret, gw_str text)
{
    *ret = (document){.arena = gw_arena_new(64 << 20)};
    json_doc d;
    gw_code rc = json_parse(text, ret->arena, &d, &ret->err);
    if (rc != GW_OK)
        fail_msg("the test's JSON: %s", ret->err.text);
    /* The model borrows from the document's nodes, which live in the arena, not from d itself. */
    return statement_from_json(&d, 0, ret->arena, &ret->s, &ret->err);
}

void document_open(document *ret, gw_str text)
{
    if (document_read(ret, text) != GW_OK)
        fail_msg("%s", ret->err.text);
}

void document_close(document *d)
{
    gw_arena_free(d->arena);
}

void document_head(gw_buf *b, const char *locale)
{
    gw_buf_printf(b,
                  "{\"creditor\":{\"name\":\"Dunlin Works\",\"address\":\"1 Shore Road\\nHarbour\","
                  "\"email\":\"ar@dunlin.example.test\",\"payment\":[\"Account 0000 0000\"]},"
                  "\"debtor\":{\"name\":\"湖滨贸易有限公司\",\"id\":\"C-100\"},"
                  "\"date\":\"2013-03-20\",\"locale\":\"%s\",\"items\":[",
                  locale);
}

void document_item(gw_buf *b, int n, const char *description, const char *due, long long amount,
                   long long paid, const char *currency)
{
    gw_buf_printf(b,
                  "%s{\"id\":\"INV-%d\",\"description\":\"%s\",\"issued\":\"2013-01-02\","
                  "\"due\":\"%s\",\"amount_minor\":%lld,\"paid_minor\":%lld,\"currency\":\"%s\"}",
                  b->n && b->data[b->n - 1] == '[' ? "" : ",", n, description, due, amount, paid,
                  currency);
}
