/* unsubscribe.c - /u/<token>: the link of List-Unsubscribe (RFC 8058). Mail scanners follow links,
 * so GET changes nothing: it shows a page with a button, and the button posts. */
#include "gateway/wire/unsubscribe.h"
#include "gateway/base/json.h"
#include "gateway/base/log.h"
#include "gateway/base/tally.h"
#include "gateway/dispatch/view.h"
#include "gateway/http/exchange.h"
#include "gateway/state/mark.h"

enum { BODY_MAX = 4096, MINUTE_MS = 60000 };

static const char html[] = "text/html; charset=utf-8";

#define HEAD                                                                                       \
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" "            \
    "content=\"width=device-width\"><title>Unsubscribe</title><style>body{font:1.1em "             \
    "sans-serif;max-width:32em;margin:4em auto;padding:0 1em}button{font:inherit;padding:.6em "    \
    "1.2em}</style>"

static const char ask_page[] = HEAD
    "<h1>No more e-mail?</h1><p>Press the button and this address gets no more reminders by "
    "e-mail.<p>按下按钮，此邮箱将不再收到催款邮件。<form method=\"post\"><input type=\"hidden\" "
    "name=\"List-Unsubscribe\" value=\"One-Click\"><button>Unsubscribe · 退订</button></form>\n";
static const char done_page[] =
    HEAD "<h1>Done.</h1><p>This address gets no more reminders by e-mail. What is owed is not "
         "changed by this.<p>已退订。此邮箱将不再收到催款邮件；所欠款项不受影响。\n";

/* The address the link was made for; empty when the debtor no longer has it. */
static gw_str address_of(const http *h, const view_debtor *d, const gw_id *hash)
{
    for (size_t i = 0; i < d->contact_n; i++) {
        gw_id key;
        if (!d->contacts[i].email.n)
            continue;
        state_mark_address(h->cfg.intake.id_key, d->contacts[i].email, &key);
        if (memcmp(key.b, hash->b, sizeof key.b) == 0)
            return d->contacts[i].email;
    }
    return (gw_str){NULL, 0};
}

/* As the ledger wants it. Pressing twice within a minute is one act; later it is another one, for a
 * consent may have been given in between. */
static gw_code put_withdrawal(const http *h, const view_debtor *d, const gw_id *hash, gw_buf *ret,
                              gw_err *err)
{
    char id[GW_ID_TEXT];
    gw_str address = address_of(h, d, hash);
    gw_id_format(hash, id);
    gw_buf_putc(ret, '{');
    json_put_name(ret, "id");
    gw_buf_printf(ret, "\"one-click-%s-%lld\"", id, (long long)(http_now(h).ms / MINUTE_MS));
    json_put_member_str(ret, "of", d->source);
    json_put_member_str(ret, "debtor", d->id);
    json_put_member_str(ret, "channel", GW_STR("email"));
    json_put_member_str(ret, "status", GW_STR("withdrawn"));
    json_put_member_str(ret, "scope", address.n ? GW_STR("address") : GW_STR("channel"));
    if (address.n)
        json_put_member_str(ret, "address", address);
    json_put_member_str(ret, "source", GW_STR("one-click unsubscribe"));
    gw_buf_putc(ret, '}');
    return gw_buf_code(ret, "an opt-out", err);
}

static void busy(exchange *x)
{
    x->retry_after_s = 5;
    exchange_refuse(x, MHD_HTTP_SERVICE_UNAVAILABLE, "busy", "please try again in a moment");
}

static void withdraw(http *h, exchange *x, const gw_id *did, const gw_id *hash)
{
    gw_err err;
    state_debtor raw;
    view_debtor d;
    GW_AUTO_BUF gw_buf body;
    gw_buf_init(&body, BODY_MAX);
    gw_code rc = state_load_debtors(h->store, did, 1, h->arena, &raw, &err);
    if (rc == GW_OK)
        rc = view_debtor_read(&raw, h->arena, &d, &err);
    if (rc == GW_OK && d.version == 0) {
        exchange_refuse(x, MHD_HTTP_NOT_FOUND, "unknown", "this link is not valid any more");
        return;
    }
    if (rc == GW_OK)
        rc = put_withdrawal(h, &d, hash, &body, &err);
    if (rc != GW_OK) {
        gw_log(GW_LOG_WARN, "an unsubscribe could not be booked", "code=%s", gw_code_name(rc));
        busy(x);
        return;
    }
    if (!http_door_begin(h, x, VERB_CONSENT, ZAP_OPERATOR, GW_STR("unsubscribe")))
        return;
    if (!door_body(h->door, gw_buf_str(&body))) {
        x->in_door = false;
        busy(x);
    }
}

void unsubscribe_work(http *h, exchange *x)
{
    gw_id did, hash;
    if (!unsubscribe_parse(h->cfg.intake.id_key, x->tail, &did, &hash)) {
        exchange_refuse(x, MHD_HTTP_NOT_FOUND, "unknown", "this link is not one of ours");
        return;
    }
    if (x->post) {
        withdraw(h, x, &did, &hash);
        return;
    }
    gw_buf_puts(&x->answer, ask_page);
    exchange_say(x, MHD_HTTP_OK, html);
}

void unsubscribe_finish(http *h, exchange *x)
{
    json_doc d;
    gw_str verdict = door_verdict(h->door, x->request, 0);
    bool good = json_parse(verdict, h->arena, &d, NULL) == GW_OK;
    gw_str word = good ? json_get_str(&d, 0, "verdict") : GW_STR("");
    if (gw_str_is(word, "accepted") || gw_str_is(word, "duplicate")) {
        tally_one("dunlin_unsubscribes_total", "result", "withdrawn");
        gw_buf_puts(&x->answer, done_page);
        exchange_say(x, MHD_HTTP_OK, html);
        return;
    }
    if (gw_str_is(word, "rejected"))
        gw_log(GW_LOG_ERROR, "an unsubscribe was rejected", NULL);
    tally_one("dunlin_unsubscribes_total", "result", "failed");
    busy(x);
}
