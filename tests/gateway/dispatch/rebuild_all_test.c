/* A mixed day, Redis lost, everything made again from the log: all that is stored about debtors,
 * reminders, persons and addresses, field by field. What is left out is named here, with why. */
#include "gateway/dispatch/booker.h"
#include "gateway/dispatch/load.h"
#include "gateway/dispatch/person.h"
#include "gateway/dispatch/query.h"
#include "gateway/dispatch/rebuild.h"
#include "gateway/state/inbox.h"
#include "gateway/state/mark.h"
#include "gateway/wire/hook_entry.h"
#include "tests/gateway/dispatch/rig.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_MAX = 2048, KEYS_MAX = 512 };

static optout_words *words;

/* ---- all that is stored ---- */

typedef struct {
    char *lines[LINES_MAX];
    size_t n;
} snapshot;

/* Not made again, and why that opens nothing. */
static const char *const left_out[] = {
    "v",    /* counts transitions; only compared with itself */
    "due",  /* what is not final is decided anew, from the same facts */
    "plan", /* ... with its explanation */
    "tok",  /* leases and attempts under way die with their gateway */
    "st",   /* starts without an outcome: a worker's fault, not a contact */
    "out",  /* the last outcome in full: it is in the log */
    "th",   /* what the timing model learned; it moves inside what policy allows */
    "tw",   "tg", "td",
};

static bool is_left_out(gw_str name)
{
    if (name.n > 3 && memcmp(name.p, "tc:", 3) == 0) /* the timing model's as well */
        return true;
    for (size_t i = 0; i < GW_COUNT(left_out); i++)
        if (gw_str_is(name, left_out[i]))
            return true;
    return false;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A final state, or "not yet": planned, held and accepted begin again as accepted. */
static gw_str stable(gw_str name, gw_str value)
{
    return gw_str_is(name, "s") && value.n && !strchr("DXRUQ", value.p[0]) ? GW_STR("-") : value;
}

static void put_hash(snapshot *s, const char *what, const state_hash *h)
{
    gw_str letter = state_get(h, "s");
    bool open = letter.n && !strchr("DXRUQ", letter.p[0]);
    for (size_t i = 0; i < h->n; i++) {
        const state_field *f = &h->fields[i];
        if (is_left_out(f->name) || !f->value.n || (open && gw_str_is(f->name, "why")))
            continue;
        gw_str value = stable(f->name, f->value);
        assert_true(s->n < LINES_MAX);
        assert_true(asprintf(&s->lines[s->n++], "%s %.*s=%.*s", what, GW_STR_ARG(f->name),
                             GW_STR_ARG(value)) > 0);
    }
}

/* Every key of the store, so that nothing that is stored one day escapes the comparison. */
static snapshot take(rig *r)
{
    snapshot s = {.n = 0};
    redisContext *c = redisConnectUnix(redis_server_socket(r->redis));
    assert_non_null(c);
    redisReply *keys = redisCommand(c, "KEYS dl:{*");
    gw_arena_reset(r->arena);
    for (size_t i = 0; i < keys->elements; i++) {
        const char *rest = strchr(keys->element[i]->str, '}') + 2;
        gw_id id;
        if ((rest[0] != 'd' && rest[0] != 'r') || rest[1] != ':')
            continue;
        assert_int_equal(gw_id_parse(gw_str_of(rest + 2), &id, &r->err), GW_OK);
        state_debtor debtor;
        state_reminder reminder;
        state_ref ref = {id, (uint8_t)atoi(strchr(keys->element[i]->str, '{') + 1)};
        if (rest[0] == 'd') {
            assert_int_equal(state_load_debtors(r->store, &id, 1, r->arena, &debtor, &r->err),
                             GW_OK);
            put_hash(&s, rest, &debtor.debtor);
            put_hash(&s, rest, &debtor.items);
        } else {
            assert_int_equal(state_load_reminders(r->store, &ref, 1, r->arena, &reminder, &r->err),
                             GW_OK);
            put_hash(&s, rest, &reminder.reminder);
        }
    }
    freeReplyObject(keys);
    redisFree(c);
    qsort(s.lines, s.n, sizeof s.lines[0], by_text);
    return s;
}

/* Marks: what leads from an address or a provider's id, and replies nobody has read. */
static void take_marks(rig *r, snapshot *s)
{
    redisContext *c = redisConnectUnix(redis_server_socket(r->redis));
    s->n = 0;
    for (int shard = 0; shard < STATE_SHARDS; shard++) {
        redisReply *all = redisCommand(c, "ZRANGE dl:{%02d}:x 0 -1", shard);
        for (size_t i = 0; i < all->elements; i++)
            assert_true(asprintf(&s->lines[s->n++], "%02d %s", shard, all->element[i]->str) > 0);
        freeReplyObject(all);
    }
    redisFree(c);
}

static bool has(const snapshot *s, const char *part)
{
    for (size_t i = 0; i < s->n; i++)
        if (strstr(s->lines[i], part))
            return true;
    return false;
}

static void is_same(const snapshot *before, const snapshot *after)
{
    size_t a = 0, b = 0;
    int differences = 0;
    while (a < before->n || b < after->n) {
        int order = a == before->n  ? 1
                    : b == after->n ? -1
                                    : strcmp(before->lines[a], after->lines[b]);
        if (order < 0)
            fprintf(stderr, "lost:  %s\n", before->lines[a++]);
        else if (order > 0)
            fprintf(stderr, "new:   %s\n", after->lines[b++]);
        else
            a++, b++;
        differences += order != 0;
    }
    assert_int_equal(differences, 0);
}

/* ---- a day ---- */

static void inbox(rig *r, const hook_entry *e)
{
    GW_AUTO_BUF gw_buf text;
    booker *b;
    bool busy;
    gw_buf_init(&text, 1 << 20);
    assert_int_equal(hook_entry_put(e, &text, &r->err), GW_OK);
    state_inbox_item item = {7, gw_buf_str(&text)};
    assert_int_equal(state_inbox_add(r->store, &item, 1, &r->err), GW_OK);
    booker_config c = {.config = &r->config, .dispatch = r->d, .words = words};
    assert_int_equal(booker_open(&c, &b, &r->err), GW_OK);
    if (booker_step(b, true, &busy, &r->err) != GW_OK)
        fail_msg("%s", r->err.text);
    booker_close(b);
}

static void reply(rig *r, const char *from, const char *text, const char *ref)
{
    hook_entry e = {.kind = ENTRY_INBOUND,
                    .provider = GW_STR("testsms"),
                    .auth = WIRE_AUTH_SIGNED,
                    .rx_ms = gw_clock_now(r->clock).ms,
                    .ref = gw_str_of(ref),
                    .from = gw_str_of(from),
                    .text = gw_str_of(text),
                    .raw = gw_str_of(text)};
    inbox(r, &e);
}

static void receipt(rig *r, const rig_task *t, wire_receipt_state says)
{
    char own[WIRE_OWN_TEXT];
    assert_true(wire_own_of_task(gw_str_of(t->rid), gw_str_of(t->tok), t->attempt, own));
    hook_entry e = {.kind = ENTRY_RECEIPT,
                    .provider = GW_STR("testmail"),
                    .auth = WIRE_AUTH_SIGNED,
                    .rx_ms = gw_clock_now(r->clock).ms,
                    .own = gw_str_of(own),
                    .state = says,
                    .raw = GW_STR("raw")};
    inbox(r, &e);
}

static void debtor(rig *r, const char *id, const char *mail, const char *phone)
{
    char json[1024];
    snprintf(json, sizeof json,
             "{\"id\":\"%s\",\"name\":\"GmbH\",\"role\":\"company\",\"zone\":\"Europe/Berlin\","
             "\"locale\":\"en\",\"person\":\"p-1\",\"contacts\":[{\"role\":\"primary\",\"name\":"
             "\"E\",\"email\":\"%s\",\"phone\":\"%s\",\"designated\":true}]}",
             id, mail, phone);
    rig_tell_of(r, id, VERB_DEBTOR, json);
}

static const wire_call talked = {.amd = {"human", 5},
                                 .right_party = {"yes", 3},
                                 .ended_by = {"us", 2},
                                 .dialled_ms = RIG_MONDAY_10H,
                                 .ring_ms = RIG_MONDAY_10H + 900,
                                 .answer_ms = RIG_MONDAY_10H + 4000,
                                 .end_ms = RIG_MONDAY_10H + 60000};

static void call_about(rig *r, const char *job, const wire_call *how)
{
    rig_task t;
    rig_submit_on(r, "voice", job, ",\"case\":\"i1\"");
    rig_expect_task(r, 1, &t);
    rig_send_intent(r, 1, &t);
    assert_int_equal(rig_expect(r, 1, &t), WIRE_GO);
    rig_send_call(r, 1, &t, WIRE_DELIVERED, "right-party", how);
    assert_int_equal(rig_expect(r, 1, &t), WIRE_SEEN);
}

static void mail(rig *r, const char *job, wire_result result)
{
    rig_task t;
    rig_submit(r, job, "");
    rig_expect_task(r, 0, &t);
    rig_send_intent(r, 0, &t);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_GO);
    rig_send_outcome(r, 0, &t, result, result == WIRE_LATER ? 30 * RIG_DAY : -1);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_SEEN);
    if (result == WIRE_DELIVERED) {
        receipt(r, &t, WIRE_RECEIPT_SENT);
        receipt(r, &t, WIRE_RECEIPT_DELIVERED);
    }
}

static void read_by_ann(rig *r, const char *who)
{
    GW_AUTO(query_free) query *q = NULL;
    GW_AUTO_BUF gw_buf said;
    state_mark *open;
    size_t n;
    static const gw_id all;
    char json[256];
    json_doc body;
    gw_buf_init(&said, 1 << 16);
    assert_int_equal(state_mark_find(r->store, 'q', &all, r->arena, &open, &n, &r->err), GW_OK);
    assert_true(n > 0);
    snprintf(json, sizeof json,
             "{\"source\":\"erp\",\"debtor\":\"%s\",\"reply\":\"%.26s\",\"by\":\"ann\"}", who,
             open[0].value.p + GW_ID_TEXT);
    assert_int_equal(json_parse(gw_str_of(json), r->arena, &body, &r->err), GW_OK);
    assert_int_equal(query_new(&r->config, r->d, &q, &r->err), GW_OK);
    const intake_ask ask = {.verb = VERB_REPLY,
                            .role = ZAP_OPERATOR,
                            .who = GW_STR("ann"),
                            .source = GW_STR("erp"),
                            .body = &body,
                            .now = gw_clock_now(r->clock),
                            .store = r->store,
                            .arena = r->arena};
    if (query_act(q, &ask, &said, &r->err) != GW_OK)
        fail_msg("%s", r->err.text);
}

static void a_day(rig *r)
{
    rig_crash(r);
    r->config.channels |= 1U << POLICY_VOICE;
    rig_open(r);
    debtor(r, "d1", "erika@debtor.example.test", "+4930123456");
    debtor(r, "d2", "two@debtor.example.test", "+4930123456");
    debtor(r, "d3", "three@debtor.example.test", "+49301999003");
    rig_tell(r, VERB_ITEM,
             "{\"id\":\"i1\",\"debtor\":\"d1\",\"due\":\"2013-03-01\",\"amount_minor\":10000,"
             "\"currency\":\"EUR\",\"ladder\":\"none\"}");
    rig_join(r, 0, 4);
    rig_join_on(r, "voice", 1, 4);
    r->provider = "testmail";
    r->provider_ref = "ref-1";
    mail(r, "m1", WIRE_DELIVERED);
    r->provider = r->provider_ref = NULL;
    mail(r, "m2", WIRE_LATER);
    rig_leave(r, 0); /* a claim without an intent leaves no trace: nothing can have left */
    rig_set(r, gw_clock_now(r->clock).ms + RIG_DAY);
    call_about(r, "v1", &talked);
    r->debtor = "d2";
    rig_submit(r, "m3", ",\"not_before\":\"2013-05-01T00:00:00Z\"");
    r->debtor = NULL;
    rig_tell_of(r, "d3", VERB_CONSENT,
                "{\"id\":\"x1\",\"debtor\":\"d3\",\"channel\":\"email\",\"address\":"
                "\"three@debtor.example.test\",\"status\":\"suppressed\",\"suppression\":\"legal\","
                "\"source\":\"court\"}");
    rig_tell_of(r, "d3", VERB_HOLD,
                "{\"id\":\"h1\",\"debtor\":\"d3\",\"kind\":\"insolvency\",\"state\":\"set\","
                "\"by\":\"ann\",\"reason\":\"filed\"}");
    rig_tell_of(r, "d3", VERB_HOURS,
                "{\"id\":\"w1\",\"debtor\":\"d3\",\"hours\":\"nights\",\"state\":\"set\",\"use\":"
                "\"never\",\"from\":\"19:00\",\"to\":\"24:00\",\"by\":\"ann\"}");
    reply(r, "+4930123456", "STOP", "in-1");          /* binds d1 and d2 */
    reply(r, "+15550100777", "STOP", "in-2");         /* nobody's number */
    reply(r, "+49301999003", "who is this?", "in-3"); /* waits for a person */
    read_by_ann(r, "d3");
    rig_set(r, gw_clock_now(r->clock).ms + 60000);
    reply(r, "+49301999003", "my lawyer will write", "in-4");
    rig_settle(r);
}

static void everything_that_rules_or_repetitions_need_comes_out_of_the_log(void **cm)
{
    rig *r = *cm;
    rebuild_result result;
    static snapshot marks_before, marks_after;
    a_day(r);
    snapshot before = take(r);
    take_marks(r, &marks_before);
    static const char *const parts[] = {
        " y={", " t:*=", " ft=1", " s:", " z:", " c:voice.e:", " h:review", " x:legal:", " o:sms:"};
    for (size_t i = 0; i < GW_COUNT(parts); i++) /* the day was as mixed as it should be */
        if (!has(&before, parts[i]))
            fail_msg("nothing like %s is stored", parts[i]);
    rig_log(r);
    rig_lose_store(r);
    const rebuild_order o = {.evidence_dir = r->paths[0],
                             .tenant_key = r->paths[2],
                             .id_key = r->id_key,
                             .state = r->config.state,
                             .now = gw_clock_now(r->clock)};
    if (rebuild_run(&o, r->ev, &result, &r->err) != GW_OK)
        fail_msg("%s", r->err.text);
    snapshot after = take(r);
    take_marks(r, &marks_after);
    is_same(&before, &after);
    is_same(&marks_before, &marks_after);

    /* And nothing forbidden became possible. */
    rig_open(r);
    rig_leave(r, 1);
    rig_settle(r);
    char talk[64];
    rig_debtor_field(r, "t:*", talk, sizeof talk);
    assert_true(strtoll(talk, NULL, 10) >= RIG_MONDAY_10H);
    debtor(r, "d9", "nine@debtor.example.test", "+15550100777"); /* the stranger */
    char field[512];
    gw_id did;
    state_debtor d;
    load_debtor_id(r->id_key, GW_STR("erp"), GW_STR("d9"), &did);
    assert_int_equal(state_load_debtors(r->store, &did, 1, r->arena, &d, &r->err), GW_OK);
    snprintf(field, sizeof field, "%.*s", GW_STR_ARG(state_get(&d.debtor, "o:sms:+15550100777")));
    assert_non_null(strstr(field, "withdrawn"));
    for (size_t i = 0; i < before.n; i++)
        free(before.lines[i]);
    for (size_t i = 0; i < after.n; i++)
        free(after.lines[i]);
    for (size_t i = 0; i < marks_before.n; i++)
        free(marks_before.lines[i]);
    for (size_t i = 0; i < marks_after.n; i++)
        free(marks_after.lines[i]);
}

static int load_words(void **cm)
{
    (void)cm;
    char dir[512];
    gw_err err;
    const char *source = getenv("DUNLIN_SOURCE");
    snprintf(dir, sizeof dir, "%s/config/optout", source ? source : ".");
    return optout_words_load(dir, &words, &err) == GW_OK ? 0 : -1;
}

static int drop_words(void **cm)
{
    (void)cm;
    optout_words_free(words);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            everything_that_rules_or_repetitions_need_comes_out_of_the_log, rig_start, rig_stop),
    };
    return cmocka_run_group_tests(tests, load_words, drop_words);
}
