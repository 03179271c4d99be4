#include "gateway/cli/rebuild.h"

#include "gateway/base/json.h"
#include "gateway/base/time.h"
#include "gateway/cli/options.h"
#include "gateway/dispatch/rebuild.h"
#include "gateway/evidence/crypt.h"

#include <sodium.h>
#include <stdio.h>

typedef struct {
    char dir[CONFIG_PATH_BYTES], log_key[CONFIG_PATH_BYTES], tenant_key[CONFIG_PATH_BYTES];
    char id_key[CONFIG_PATH_BYTES];
} places;

static void find_places(const config *c, places *p)
{
    config_data_path(c, "evidence", p->dir);
    config_data_path(c, "keys/log.key", p->log_key);
    config_data_path(c, "keys/tenant.key", p->tenant_key);
    config_data_path(c, "keys/id.key", p->id_key);
}

static void tell(const cli_common *c, const rebuild_result *r)
{
    char ends[GW_TIME_TEXT] = "never";
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, 1024);
    if (r->log_ends.ms)
        gw_time_format(r->log_ends, ends);
    if (!c->json) {
        printf("%llu entries of the log: %llu events folded, %llu reminders made again\n"
               "%llu were in flight and become unknown, %llu may have been sent and are unknown\n"
               "%llu entries are erased\n"
               "the log ends at %s: ask the billing systems to send again what they sent since\n",
               (unsigned long long)r->entries, (unsigned long long)r->events,
               (unsigned long long)r->reminders, (unsigned long long)r->in_flight,
               (unsigned long long)r->unsure, (unsigned long long)r->erased, ends);
        return;
    }
    gw_buf_putc(&b, '{');
    json_put_member_int(&b, "entries", (int64_t)r->entries);
    json_put_member_int(&b, "events", (int64_t)r->events);
    json_put_member_int(&b, "reminders", (int64_t)r->reminders);
    json_put_member_int(&b, "in_flight", (int64_t)r->in_flight);
    json_put_member_int(&b, "unsure", (int64_t)r->unsure);
    json_put_member_int(&b, "erased", (int64_t)r->erased);
    json_put_member_str(&b, "log_ends", gw_str_of(ends));
    gw_buf_putc(&b, '}');
    printf("%s\n", b.data ? b.data : "{}");
}

static gw_code rebuild(const cli_common *c, rebuild_result *ret, gw_err *err)
{
    const config *f = c->config;
    places p;
    uint8_t id_key[CRYPT_KEY];
    find_places(f, &p);
    GW_AUTO(gw_clock_free) gw_clock *clock = gw_clock_new();
    GW_AUTO(evidence_close) evidence *ev = NULL;
    const evidence_config ec = {.dir = p.dir,
                                .origin_base = f->evidence_origin,
                                .log_key = p.log_key,
                                .tenant_key = p.tenant_key,
                                .node = f->evidence_node,
                                .build = DUNLIN_VERSION,
                                .config_hash = f->hash};
    gw_code rc =
        clock ? crypt_key_load(p.id_key, id_key, err) : gw_fail(err, GW_ENOMEM, "out of memory");
    gw_wall end = {0};
    if (rc == GW_OK && f->clock_movable)
        rc = rebuild_log_end(p.dir, &end, err);
    if (end.ms) /* what is written now belongs where the log stood */
        gw_clock_set(clock, end);
    if (rc == GW_OK)
        rc = evidence_open(&ec, clock, &ev, err);
    if (rc == GW_EBUSY)
        rc = gw_wrap(err, rc, "a gateway is running here; stop it first");
    const rebuild_order order = {
        .evidence_dir = p.dir,
        .tenant_key = p.tenant_key,
        .id_key = id_key,
        .state = {.unix_socket = *f->redis_socket ? f->redis_socket : NULL,
                  .host = f->redis_host,
                  .port = (int)f->redis_port,
                  .password_file = *f->redis_password_file ? f->redis_password_file : NULL,
                  .timeout_ms = (int)f->redis_timeout_ms},
        .clock_movable = f->clock_movable,
        .now = clock ? gw_clock_now(clock) : (gw_wall){0},
    };
    if (rc == GW_OK)
        rc = rebuild_run(&order, ev, ret, err);
    sodium_memzero(id_key, sizeof id_key);
    return rc;
}

int rebuild_cli(int argc, char **argv)
{
    cli_common c;
    gw_err err = {0};
    rebuild_result result = {0};
    int code = cli_parse(argc, argv, NULL, 0, 0, &c, &err);
    if (code != 0)
        return code;
    gw_code rc = rebuild(&c, &result, &err);
    if (rc == GW_OK)
        tell(&c, &result);
    else
        code = cli_fail(&c, rc, &err);
    cli_done(&c);
    return code;
}
