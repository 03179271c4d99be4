/* hook.c - /hooks/<provider>: what providers call back. Verified, put into the inbox durably, and
 * only then acknowledged; everything else is the booker's (gateway/dispatch/booker.h). */
#include "gateway/base/crash.h"
#include "gateway/base/json.h"
#include "gateway/base/log.h"
#include "gateway/base/tally.h"
#include "gateway/http/exchange.h"
#include "gateway/wire/event.h"
#include "gateway/wire/hook_entry.h"

#include <sodium.h>

enum {
    URL_MAX = HTTP_TARGET_MAX + 512,
    REFUSED_RECORD_MS = 60000, /* refused calls are recorded in sums, once a minute at most */
};

/* Aliyun asks for "code":0, Tencent for "result":0; the others look at the status alone. */
static const char thanks[] = "{\"code\":0,\"msg\":\"received\",\"result\":0,\"errmsg\":\"OK\"}\n";

/* ---- the request as it came ---- */

static enum MHD_Result add_header(void *context, enum MHD_ValueKind kind, const char *name,
                                  const char *value)
{
    hook_request *r = context;
    (void)kind;
    if (r->header_n == HOOK_HEADERS_MAX)
        return MHD_NO;
    r->headers[r->header_n++] =
        (hook_header){gw_str_of(name), value ? gw_str_of(value) : GW_STR("")};
    return MHD_YES;
}

static bool describe(http *h, exchange *x, hook_request *ret)
{
    GW_AUTO_BUF gw_buf url;
    gw_buf_init(&url, URL_MAX);
    gw_buf_puts(&url, h->cfg.public_url);
    gw_buf_puts(&url, x->target);
    char *copy = url.code == GW_OK ? gw_arena_copy(h->arena, gw_buf_str(&url)) : NULL;
    *ret = (hook_request){.method = x->post ? GW_STR("POST") : GW_STR("GET"),
                          .url = {copy, url.n},
                          .path = x->path,
                          .query = x->query,
                          .body = gw_buf_str(&x->body)};
    MHD_get_connection_values(x->connection, MHD_HEADER_KIND, add_header, ret);
    return copy != NULL;
}

/* ---- what is kept ---- */

/* Body, or the query of a call without one. */
static gw_str raw_of(const hook_request *r, const hook_event *e)
{
    return e->raw.n ? e->raw : r->body.n ? r->body : r->query;
}

static uint8_t shard_of(const hook_entry *e)
{
    uint8_t shard;
    gw_id id;
    int attempt;
    if (wire_own_parse(e->own, &shard, &id, &attempt))
        return shard;
    hook_entry_digest(e, &id);
    return state_shard(&id);
}

static bool keep(http *h, gw_str provider, const hook_request *r, const hook_reading *got,
                 const hook_event *e, gw_str sha256)
{
    gw_err err;
    GW_AUTO_BUF gw_buf text;
    hook_entry entry = {.kind = e->kind == HOOK_INBOUND ? ENTRY_INBOUND : ENTRY_RECEIPT,
                        .provider = provider,
                        .auth = got->auth,
                        .rx_ms = http_now(h).ms,
                        .own = e->own,
                        .ref = e->ref,
                        .state = e->state,
                        .code = e->code,
                        .at_ms = e->at_ms,
                        .from = e->from,
                        .to = e->to,
                        .text = e->text,
                        .sha256 = sha256,
                        .raw = raw_of(r, e)};
    gw_buf_init(&text, STATE_INBOX_ENTRY_MAX);
    if (hook_entry_put(&entry, &text, &err) != GW_OK)
        return false;
    char *copy = gw_arena_copy(h->arena, gw_buf_str(&text));
    if (!copy)
        return false;
    h->inbox[h->inbox_n++] = (state_inbox_item){shard_of(&entry), {copy, text.n}};
    return true;
}

static void refuse_busy(exchange *x)
{
    x->retry_after_s = 30;
    exchange_refuse(x, MHD_HTTP_SERVICE_UNAVAILABLE, "busy", "not kept; call again later");
}

static void keep_all(http *h, exchange *x, gw_str provider, const hook_request *r,
                     const hook_reading *got)
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    char *hex = gw_arena_alloc(h->arena, 2 * sizeof digest + 1);
    size_t before = h->inbox_n;
    bool room = hex && got->event_n <= h->inbox_room - h->inbox_n;
    if (room) {
        gw_str whole = r->body.n ? r->body : r->query;
        crypto_hash_sha256(digest, (const unsigned char *)whole.p, whole.n);
        gw_hex(digest, sizeof digest, hex);
    }
    for (size_t i = 0; i < got->event_n && room; i++)
        room = keep(h, provider, r, got, &got->events[i], gw_str_of(hex));
    if (!room) {
        h->inbox_n = before;
        refuse_busy(x);
        return;
    }
    x->in_inbox = true;
}

/* ---- the call ---- */

static void refused(http *h, exchange *x, gw_str provider, gw_code rc)
{
    static const struct {
        gw_code code;
        int status;
        const char *word, *reason;
    } rows[] = {
        {GW_ENOTFOUND, MHD_HTTP_NOT_FOUND, "unknown-provider", "no such provider is configured"},
        {GW_EREFUSED, MHD_HTTP_FORBIDDEN, "forged", "the signature does not verify"},
        {GW_EINVAL, MHD_HTTP_BAD_REQUEST, "unreadable", "not what this provider sends"},
        {GW_ELIMIT, MHD_HTTP_CONTENT_TOO_LARGE, "unreadable", "more than a callback may hold"},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        if (rows[i].code != rc)
            continue;
        h->refused.unknown += rc == GW_ENOTFOUND;
        h->refused.forged += rc == GW_EREFUSED;
        h->refused.unreadable += rc == GW_EINVAL || rc == GW_ELIMIT;
        /* Anybody can call under any name: only configured ones become a label. */
        tally_add("dunlin_hooks_total", "provider", rc == GW_ENOTFOUND ? GW_STR("?") : provider,
                  "result", gw_str_of(rows[i].word), 1);
        exchange_refuse(x, rows[i].status, rows[i].word, rows[i].reason);
        return;
    }
    refuse_busy(x);
}

void hook_work(http *h, exchange *x)
{
    gw_err err;
    gw_str provider = x->tail;
    hook_request *r = gw_arena_alloc(h->arena, sizeof *r);
    hook_reading *got = gw_arena_alloc(h->arena, sizeof *got);
    if (!r || !got || !describe(h, x, r) || h->inbox_size >= h->cfg.inbox_max) {
        refuse_busy(x);
        return;
    }
    if (!h->cfg.hooks.read || memchr(provider.p, '/', provider.n)) {
        refused(h, x, provider, GW_ENOTFOUND);
        return;
    }
    gw_code rc =
        h->cfg.hooks.read(h->cfg.hooks.context, provider, r, http_now(h), h->arena, got, &err);
    if (rc != GW_OK) {
        refused(h, x, provider, rc);
        return;
    }
    tally_add("dunlin_hooks_total", "provider", provider, "result",
              gw_str_of(wire_auth_name(got->auth)), 1);
    keep_all(h, x, provider, r, got);
}

void hook_finish(exchange *x, gw_code rc)
{
    GW_CRASH_POINT("hook-after-inbox");
    x->in_inbox = false;
    if (rc != GW_OK) {
        refuse_busy(x);
        return;
    }
    gw_buf_puts(&x->answer, thanks);
    exchange_say(x, MHD_HTTP_OK, "application/json");
}

/* ---- what was refused ---- */

void hook_tick(http *h)
{
    refused_hooks *r = &h->refused;
    gw_mono now = gw_mono_now();
    gw_err err;
    state_verdict verdict;
    if (r->forged + r->unknown + r->unreadable == 0 ||
        (r->recorded.ms && now.ms - r->recorded.ms < REFUSED_RECORD_MS))
        return;
    GW_AUTO_BUF gw_buf fact;
    gw_buf_init(&fact, 512);
    gw_buf_putc(&fact, '{');
    json_put_member_int(&fact, "forged", (int64_t)r->forged);
    json_put_member_int(&fact, "unknown_provider", (int64_t)r->unknown);
    json_put_member_int(&fact, "unreadable", (int64_t)r->unreadable);
    gw_buf_putc(&fact, '}');
    state_record record = {.event = EVENT_HOOK_REFUSED,
                           .t = http_now(h),
                           .source = GW_STR(""),
                           .debtor = GW_STR(""),
                           .case_id = GW_STR(""),
                           .rid = GW_STR(""),
                           .why = GW_STR("refused-calls"),
                           .fact = gw_buf_str(&fact)};
    state_txn txn = {.debtor_version = -1, .version = -1, .records = &record, .record_n = 1};
    if (state_apply(h->store, &txn, 1, &verdict, &err) != GW_OK)
        return; /* the sums wait for a store that answers */
    gw_log(GW_LOG_WARN, "callbacks refused", "forged=%llu unknown=%llu unreadable=%llu",
           (unsigned long long)r->forged, (unsigned long long)r->unknown,
           (unsigned long long)r->unreadable);
    *r = (refused_hooks){.recorded = now};
}
