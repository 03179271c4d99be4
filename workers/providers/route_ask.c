/* route_ask.c - what became of a message, asked for the gateway (PULL). */
#include "gateway/base/time.h"
#include "workers/providers/route_part.h"

typedef struct {
    const provider *p;
    gw_arena *arena;
    wire_pulled *ret;
    gw_buf *raw;
    bool done;
} question;

static void on_reply(void *arg, const http_result *r)
{
    question *q = arg;
    provider_answer answer;
    q->done = true;
    route_keep_raw(q->raw, q->p->name, r);
    if (r->stage != HTTP_ANSWERED)
        return;
    provider_read_query(q->p, r->status, r->body, q->arena, &answer);
    if (answer.verdict != PROVIDER_TOOK)
        return;
    char *code = gw_arena_copy(q->arena, answer.code.n ? answer.code : GW_STR(""));
    char *id = gw_arena_copy(q->arena, answer.id.n ? answer.id : GW_STR(""));
    q->ret->verdict = answer.found ? WIRE_PULLED_KNOWN : WIRE_PULLED_ABSENT;
    q->ret->state = answer.state;
    q->ret->code = gw_str_of(code ? code : "");
    q->ret->provider_ref = gw_str_of(id ? id : "");
}

/* The day it was sent, as Aliyun wants it: 20231115 at +08:00. */
static gw_str day_of(int64_t sent_ms, gw_arena *arena)
{
    enum { CHINA_MS = 8 * 3600 * 1000 };
    char day[GW_DATE_TEXT], plain[9];
    gw_date_format((int32_t)((sent_ms + CHINA_MS) / GW_MS_PER_DAY), day);
    memcpy(plain, day, 4);
    memcpy(plain + 4, day + 5, 2);
    memcpy(plain + 6, day + 8, 2);
    char *kept = gw_arena_copy(arena, (gw_str){plain, 8});
    return (gw_str){kept, kept ? 8 : 0};
}

void route_ask(fleet *f, const wire_pull *q, gw_arena *arena, wire_pulled *ret, gw_buf *ret_raw)
{
    carrier *c = fleet_named(f, q->provider);
    provider_request request;
    gw_err err = {0};
    *ret = (wire_pulled){.id = q->id, .verdict = WIRE_PULLED_CANNOT, .at_ms = -1};
    const provider_pair day = {GW_STR("day"), day_of(q->sent_ms, arena)};
    const provider_values v = {.to = q->address,
                               .ref = q->own,
                               .idempotency = q->own,
                               .id = q->provider_ref,
                               .vars = &day,
                               .var_n = 1};
    if (!c || !c->p->query || provider_build(c->p, c->p->query, &v, arena, &request, &err) != GW_OK)
        return;
    ret->verdict = WIRE_PULLED_NOT_NOW;
    GW_AUTO(http_engine_free) http_engine *engine = NULL;
    question asked = {c->p, arena, ret, ret_raw, false};
    if (http_engine_new(1, &engine, &err) != GW_OK ||
        carrier_start(engine, c, &request, on_reply, &asked, &err) != GW_OK)
        return;
    while (!asked.done)
        http_step(engine, 1000);
}
