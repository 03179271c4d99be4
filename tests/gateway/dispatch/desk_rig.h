/* desk_rig.h - acts of agents and operators on a rig, and what they are answered. */
#ifndef TESTS_DISPATCH_DESK_RIG_H
#define TESTS_DISPATCH_DESK_RIG_H

#include "gateway/base/time.h"
#include "gateway/dispatch/query.h"
#include "tests/gateway/dispatch/rig.h"

#include <stdio.h>
#include <string.h>

/* Due 2013-03-01 (a Friday): the call's day +1 is Saturday, so it opens on Monday 03-04. */
static const char desk_item[] =
    "{\"id\":\"i1\",\"debtor\":\"d1\",\"due\":\"2013-03-01\",\"amount_minor\":1234500,"
    "\"currency\":\"EUR\",\"reference\":\"INV-1\"}";
#define CALL   "i1#default#call"
#define LETTER "i1#default#letter"
#define MONDAY INT64_C(1362355200000) /* 2013-03-04T00:00Z */

typedef struct {
    gw_code code;
    char text[128 * 1024];
} answer;

static inline rig *of(void **cm)
{
    return *cm;
}

static inline answer *ask_as(rig *r, zap_role role, const char *who, verb v, const char *json)
{
    static answer a;
    query *q = NULL;
    json_doc body;
    gw_err err = {0};
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(64 << 20);
    GW_AUTO_BUF gw_buf out;
    gw_buf_init(&out, sizeof a.text - 1);
    assert_int_equal(query_new(&r->config, r->d, &q, &err), GW_OK);
    assert_int_equal(json_parse(gw_str_of(json), arena, &body, &err), GW_OK);
    intake_ask ask = {.verb = v,
                      .role = role,
                      .who = gw_str_of(who),
                      .source = GW_STR("erp"),
                      .body = &body,
                      .now = gw_clock_now(r->clock),
                      .store = r->store,
                      .arena = arena};
    a.code = v == VERB_QUERY ? query_answer(q, &ask, &out, &err) : query_act(q, &ask, &out, &err);
    query_free(q);
    snprintf(a.text, sizeof a.text, "%.*s", a.code == GW_OK ? (int)out.n : 0,
             out.data ? out.data : "");
    if (a.code != GW_OK)
        snprintf(a.text, sizeof a.text, "%s: %s", gw_code_name(a.code), err.text);
    json_doc check;
    if (a.code == GW_OK && json_parse(gw_str_of(a.text), arena, &check, &err) != GW_OK)
        fail_msg("not JSON: %s: %s", err.text, a.text);
    return &a;
}

/* An agent's act; members: further members, e.g. ",\"outcome\":\"promise\"". */
static inline const char *act(rig *r, const char *agent, const char *what, const char *task,
                              const char *members)
{
    char body[2048];
    int n = snprintf(body, sizeof body, "{\"do\":\"%s\"%s%s%s%s}", what, task ? ",\"task\":\"" : "",
                     task ? task : "", task ? "\"" : "", members);
    assert_true(n < (int)sizeof body);
    return ask_as(r, ZAP_AGENT, agent, VERB_CALL, body)->text;
}

static inline const char *next(rig *r, const char *agent)
{
    return act(r, agent, "next", NULL, "");
}

static inline const char *list(rig *r)
{
    return ask_as(r, ZAP_OPERATOR, "ann", VERB_QUERY, "{\"what\":\"calls\"}")->text;
}

static inline void says(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" was expected in: %s", part, text);
}

static inline void lacks(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("\"%s\" was not expected in: %s", part, text);
}

/* The debtor and the item, and the clock at the moment at which the call opens. */
static inline void open_call(rig *r)
{
    rig_debtor(r);
    rig_tell(r, VERB_ITEM, desk_item);
    rig_settle(r);
    if (rig_state(r, CALL) == 'P') {
        rig_set(r, rig_due(r, CALL));
        rig_settle(r);
    }
    assert_int_equal(rig_state(r, CALL), 'O');
}

static inline void take_and_dial(rig *r)
{
    says(next(r, "bob"), "\"state\":\"leased\"");
    says(act(r, "bob", "dial", CALL, ""), "\"state\":\"calling\"");
    assert_int_equal(rig_state(r, CALL), 'T');
}

static inline void later(rig *r, int64_t ms)
{
    rig_set(r, gw_clock_now(r->clock).ms + ms);
    rig_settle(r);
}

#endif
