/* status.c - /healthz and /metrics: is it well, and what has it done. No personal data in either.
 */
#include "gateway/base/json.h"
#include "gateway/base/tally.h"
#include "gateway/dispatch/life.h"
#include "gateway/http/exchange.h"

static const char metrics_type[] = "text/plain; version=0.0.4; charset=utf-8";

/* ---- health ---- */

void health_work(http *h, exchange *x)
{
    gw_err err;
    uint64_t waiting = 0;
    bool store = state_inbox_size(h->store, &waiting, &err) == GW_OK;
    bool log = !h->cfg.recorder || recorder_ok(h->cfg.recorder);
    bool lease = true;
    if (h->cfg.dispatch) {
        dispatch_status *s = gw_arena_alloc(h->arena, sizeof *s);
        if (s)
            dispatch_get_status(h->cfg.dispatch, s);
        lease = s && s->store_ok && s->lease_ok;
    }
    bool good = store && log && lease;
    gw_buf_putc(&x->answer, '{');
    json_put_member_bool(&x->answer, "ok", good);
    json_put_member_bool(&x->answer, "store", store);
    if (h->cfg.recorder)
        json_put_member_bool(&x->answer, "evidence", log);
    if (h->cfg.dispatch)
        json_put_member_bool(&x->answer, "dispatch", lease);
    gw_buf_puts(&x->answer, "}\n");
    exchange_say(x, good ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, "application/json");
}

/* ---- metrics ---- */

static void gauge(gw_buf *b, const char *name, const char *help, int64_t value)
{
    gw_buf_printf(b, "# HELP %s %s\n# TYPE %s gauge\n%s %lld\n", name, help, name, name,
                  (long long)value);
}

static void put_reminders(gw_buf *b, const uint64_t by_state[128])
{
    static const char letters[] = "APHCSDXRUQ";
    gw_buf_puts(b, "# HELP dunlin_reminders reminders by state\n# TYPE dunlin_reminders gauge\n");
    for (const char *s = letters; *s; s++)
        gw_buf_printf(b, "dunlin_reminders{state=\"%s\"} %llu\n", life_state_name((life_state)*s),
                      (unsigned long long)by_state[(unsigned char)*s]);
}

static void put_store(http *h, gw_buf *b)
{
    uint64_t by_state[128], outbox, inbox;
    int64_t next = INT64_MAX;
    gw_err err;
    bool up = state_counts(h->store, by_state, &outbox, &err) == GW_OK &&
              state_next_due(h->store, "wesvk", &next, &err) == GW_OK &&
              state_inbox_size(h->store, &inbox, &err) == GW_OK;
    gauge(b, "dunlin_store_up", "1 while the state store answers", up);
    if (!up)
        return;
    int64_t late = next == INT64_MAX ? 0 : http_now(h).ms - next;
    put_reminders(b, by_state);
    gauge(b, "dunlin_outbox_entries", "evidence records waiting for the log", (int64_t)outbox);
    gauge(b, "dunlin_inbox_entries", "receipts and replies waiting to be booked", (int64_t)inbox);
    gauge(b, "dunlin_queue_age_seconds", "how long the oldest due entry is overdue",
          late > 0 ? late / 1000 : 0);
}

static void put_dispatch(http *h, gw_buf *b)
{
    dispatch_status *s = gw_arena_alloc(h->arena, sizeof *s);
    if (!s)
        return;
    dispatch_get_status(h->cfg.dispatch, s);
    gauge(b, "dunlin_workers", "workers connected", (int64_t)s->worker_n);
    gauge(b, "dunlin_shards", "shards leased by this gateway", s->shards);
    gauge(b, "dunlin_in_flight", "tasks given to workers and not finished",
          (int64_t)(s->claimed + s->sending));
    gauge(b, "dunlin_lease_ok", "1 while this gateway may send", s->lease_ok);
}

static void put_http(http *h, gw_buf *b)
{
    intake_counts c;
    const union MHD_DaemonInfo *open =
        MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
    gauge(b, "dunlin_http_connections", "HTTP connections open",
          open ? (int64_t)open->num_connections : 0);
    door_count(h->door, &c);
    const struct {
        const char *verdict;
        uint64_t n;
    } rows[] = {{"accepted", c.accepted},
                {"duplicate", c.duplicate},
                {"rejected", c.rejected},
                {"busy", c.busy},
                {"answered", c.answered}};
    gw_buf_puts(b, "# TYPE dunlin_http_verdicts_total counter\n");
    for (size_t i = 0; i < GW_COUNT(rows); i++)
        gw_buf_printf(b, "dunlin_http_verdicts_total{verdict=\"%s\"} %llu\n", rows[i].verdict,
                      (unsigned long long)rows[i].n);
}

void metrics_work(http *h, exchange *x)
{
    gw_buf *b = &x->answer;
    put_store(h, b);
    if (h->cfg.recorder)
        gauge(b, "dunlin_evidence_ok", "1 while evidence can be written",
              recorder_ok(h->cfg.recorder));
    if (h->cfg.dispatch)
        put_dispatch(h, b);
    put_http(h, b);
    tally_write(b);
    exchange_say(x, MHD_HTTP_OK, metrics_type);
}
