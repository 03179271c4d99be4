/* query_reply.c - what people wrote back: shown with the debtor and with the job whose case it is,
 * listed while a person still has to read it, and closed by that person. */
#include "gateway/dispatch/query_part.h"
#include "gateway/dispatch/reply.h"

#include "gateway/state/mark.h"
#include "gateway/wire/event.h"

#include <stdio.h>

enum { ID = GW_ID_TEXT - 1, TRIES = 5, TEXT_MAX = 64 * 1024 };

static bool is_reply(const state_field *f)
{
    return f->name.n == sizeof REPLY_FIELD - 1 + ID &&
           memcmp(f->name.p, REPLY_FIELD, sizeof REPLY_FIELD - 1) == 0;
}

/* One stored reply with its id; at is a time for people. */
static gw_code put_reply(const state_field *f, const json_doc *d, gw_buf *b)
{
    static const char *const words[] = {"channel", "authenticity", "class",   "why",     "case",
                                        "text",    "from",         "read_by", "taken_by"};
    gw_buf_putc(b, '{');
    json_put_member_str(b, "reply", (gw_str){f->name.p + sizeof REPLY_FIELD - 1, ID});
    query_put_time(b, "at", json_get_int(d, 0, "at", 0));
    for (size_t i = 0; i < GW_COUNT(words); i++)
        query_put_text(b, words[i], json_get_str(d, 0, words[i]));
    query_put_time(b, "taken_until", json_get_int(d, 0, "taken_until", 0));
    json_put_member_bool(b, "open", json_get_bool(d, 0, "open", false));
    gw_buf_putc(b, '}');
    return b->code;
}

gw_code query_put_replies(const state_hash *debtor, gw_str case_id, gw_arena *arena, gw_buf *ret,
                          gw_err *err)
{
    size_t n = 0;
    json_put_name(ret, "replies");
    gw_buf_putc(ret, '[');
    for (size_t i = 0; i < debtor->n; i++) {
        const state_field *f = &debtor->fields[i];
        json_doc d;
        if (!is_reply(f))
            continue;
        gw_code rc = json_parse(f->value, arena, &d, err);
        if (rc != GW_OK)
            return rc;
        if (case_id.n && !gw_str_eq(json_get_str(&d, 0, "case"), case_id))
            continue;
        if (n++)
            gw_buf_putc(ret, ',');
        put_reply(f, &d, ret);
    }
    gw_buf_putc(ret, ']');
    return GW_OK;
}

gw_code query_case_replies(query *q, const intake_ask *ask, const loaded *l, gw_buf *ret,
                           gw_err *err)
{
    (void)q;
    gw_str case_id = l->r.case_id.n ? l->r.case_id : l->r.job;
    return l->d ? query_put_replies(l->d->hash, case_id, ask->arena, ret, err) : GW_OK;
}

/* ---- what waits for a person ---- */

static bool parse_listed(gw_str value, gw_id *ret_did, gw_str *ret_reply)
{
    if (value.n != 2 * ID + 1 || value.p[ID] != '.' ||
        gw_id_parse((gw_str){value.p, ID}, ret_did, NULL) != GW_OK)
        return false;
    *ret_reply = (gw_str){value.p + ID + 1, ID};
    return true;
}

static gw_code put_listed(const intake_ask *ask, gw_str value, size_t *n, gw_buf *ret, gw_err *err)
{
    char name[sizeof REPLY_FIELD + ID];
    gw_id did;
    gw_str reply;
    state_debtor d;
    json_doc doc;
    if (!parse_listed(value, &did, &reply))
        return GW_OK;
    gw_code rc = state_load_debtors(ask->store, &did, 1, ask->arena, &d, err);
    if (rc != GW_OK)
        return rc;
    memcpy(name, REPLY_FIELD, sizeof REPLY_FIELD - 1);
    memcpy(name + sizeof REPLY_FIELD - 1, reply.p, ID);
    name[sizeof name - 1] = '\0';
    state_field f = {gw_str_of(name), state_get(&d.debtor, name)};
    gw_str source = state_get(&d.debtor, "src");
    /* Listed before it was stored, or another billing system's. */
    if (!f.value.p || (ask->source.n && !gw_str_eq(source, ask->source)) ||
        json_parse(f.value, ask->arena, &doc, NULL) != GW_OK ||
        !json_get_bool(&doc, 0, "open", false))
        return GW_OK;
    gw_buf_puts(ret, (*n)++ ? ",{" : "{");
    json_put_member_str(ret, "source", source);
    json_put_member_str(ret, "debtor", state_get(&d.debtor, "deb"));
    gw_buf_puts(ret, ",\"reply\":");
    put_reply(&f, &doc, ret);
    gw_buf_putc(ret, '}');
    return GW_OK;
}

gw_code query_replies(query *q, const intake_ask *ask, gw_buf *ret, gw_err *err)
{
    static const gw_id all;
    state_mark *found;
    size_t n, put = 0;
    (void)q;
    gw_code rc = state_mark_find(ask->store, 'q', &all, ask->arena, &found, &n, err);
    if (rc != GW_OK)
        return rc;
    gw_buf_puts(ret, "{\"replies\":[");
    for (size_t i = 0; i < n && put < QUERY_LIST_MAX && rc == GW_OK; i++)
        rc = put_listed(ask, found[i].value, &put, ret, err);
    gw_buf_puts(ret, "]}");
    return rc;
}

/* ---- a person has read it ---- */

typedef enum { REPLY_READ, REPLY_TAKE, REPLY_RELEASE, REPLY_ACTS } reply_act;
static const struct {
    const char *name, *why;
} acts[REPLY_ACTS] = {[REPLY_READ] = {"read", "reply-read"},
                      [REPLY_TAKE] = {"take", "reply-taken"},
                      [REPLY_RELEASE] = {"release", "reply-released"}};

static bool is_changed_by_acts(gw_str member, reply_act act)
{
    return gw_str_is(member, "read_by") || gw_str_is(member, "taken_by") ||
           gw_str_is(member, "taken_until") || (act == REPLY_READ && gw_str_is(member, "open"));
}

/* Somebody else has it, and still time for it. */
static gw_code check_taken(const intake_ask *ask, const json_doc *d, gw_str by, gw_err *err)
{
    gw_str has = json_get_str(d, 0, "taken_by");
    bool late = json_get_int(d, 0, "taken_until", 0) <= ask->now.ms;
    return !has.n || late || gw_str_eq(has, by)
               ? GW_OK
               : gw_fail(err, GW_ECONFLICT, "another person has taken that reply");
}

/* The stored text after the act: other members stay as they are. */
static gw_code put_after(const intake_ask *ask, const json_doc *d, reply_act act, gw_str by,
                         gw_buf *text, gw_err *err)
{
    uint32_t end = json_at(d, 0)->next;
    gw_buf_putc(text, '{');
    for (uint32_t m = json_first(0); m < end; m = json_at(d, m + 1)->next) {
        char *member = gw_arena_copy(ask->arena, json_str(d, m));
        if (!member)
            return gw_fail(err, GW_ENOMEM, "working on a reply");
        if (is_changed_by_acts(gw_str_of(member), act))
            continue;
        if (json_kind_of(d, m + 1) == JSON_STRING)
            json_put_member_str(text, member, json_str(d, m + 1));
        else
            json_put_member_raw(text, member, json_raw(d, m + 1));
    }
    if (act == REPLY_READ)
        json_put_member_str(text, "read_by", by);
    if (act == REPLY_TAKE) {
        json_put_member_str(text, "taken_by", by);
        json_put_member_int(text, "taken_until", ask->now.ms + REPLY_TAKE_MS);
    }
    gw_buf_putc(text, '}');
    return GW_OK;
}

static gw_code change_reply(const intake_ask *ask, const state_debtor *d, gw_str name, gw_str by,
                            reply_act act, state_verdict *ret, gw_err *err)
{
    json_doc doc;
    char *z = gw_arena_copy(ask->arena, name);
    gw_str stored = z ? state_get(&d->debtor, z) : GW_STR("");
    if (!stored.n)
        return gw_fail(err, GW_ENOTFOUND, "this debtor has no such reply");
    gw_code rc = json_parse(stored, ask->arena, &doc, err);
    if (rc != GW_OK)
        return rc;
    GW_AUTO_BUF gw_buf text;
    GW_AUTO_BUF gw_buf priv;
    gw_buf_init(&text, TEXT_MAX);
    gw_buf_init(&priv, 3 * TEXT_MAX);
    if (act != REPLY_READ && !json_get_bool(&doc, 0, "open", false))
        return gw_fail(err, GW_ECONFLICT, "that reply was read already");
    rc = check_taken(ask, &doc, by, err);
    if (rc == GW_OK)
        rc = put_after(ask, &doc, act, by, &text, err);
    if (rc != GW_OK)
        return rc;
    gw_buf_putc(&priv, '{');
    json_put_member_str(&priv, "by", by);
    query_put_text(&priv, "reason", json_get_str(ask->body, 0, "reason"));
    json_put_member_str(&priv, "reply", (gw_str){name.p + sizeof REPLY_FIELD - 1, ID});
    json_put_member_str(&priv, "shown", gw_buf_str(&text));
    gw_buf_putc(&priv, '}');
    rc = gw_buf_code(&text, "a reply", err);
    state_record record = {.event = EVENT_OPERATOR,
                           .t = ask->now,
                           .source = state_get(&d->debtor, "src"),
                           .debtor = state_get(&d->debtor, "deb"),
                           .case_id = json_get_str(&doc, 0, "case"),
                           .rid = GW_STR(""),
                           .why = gw_str_of(acts[act].why),
                           .priv = gw_buf_str(&priv)};
    state_field set = {name, gw_buf_str(&text)};
    state_txn txn = {.shard = state_shard(&d->did),
                     .did = &d->did,
                     .debtor_version = (int64_t)d->debtor.version,
                     .debtor_sets = &set,
                     .debtor_n = 1,
                     .version = -1,
                     .records = &record,
                     .record_n = 1};
    return rc == GW_OK ? state_apply(ask->store, &txn, 1, ret, err) : rc;
}

/* Whose reply it is: of the debtor who is named; without one, by the list of what is open. */
static gw_code find_owner(query *q, const intake_ask *ask, gw_str reply, gw_id *ret, gw_err *err)
{
    static const gw_id all;
    gw_str debtor = json_get_str(ask->body, 0, "debtor");
    state_mark *found;
    size_t n;
    if (debtor.n) {
        if (!ask->source.n)
            return gw_fail(err, GW_EINVAL, "name the source of the debtor");
        load_debtor_id(q->cfg->id_key, ask->source, debtor, ret);
        return GW_OK;
    }
    gw_code rc = state_mark_find(ask->store, 'q', &all, ask->arena, &found, &n, err);
    for (size_t i = 0; i < n && rc == GW_OK; i++) {
        gw_str listed;
        if (parse_listed(found[i].value, ret, &listed) && gw_str_eq(listed, reply))
            return GW_OK;
    }
    return rc != GW_OK ? rc
                       : gw_fail(err, GW_ENOTFOUND,
                                 "no open reply has that id; name source and debtor for another");
}

static gw_code unlist(const intake_ask *ask, const gw_id *did, gw_str reply, gw_err *err)
{
    static const gw_id all;
    char value[3 * GW_ID_TEXT], did_text[GW_ID_TEXT];
    gw_id_format(did, did_text);
    int m = snprintf(value, sizeof value, "%s.%.*s", did_text, GW_STR_ARG(reply));
    state_mark mark = {state_shard(did), 'q', all, {value, (size_t)m}};
    return state_mark_remove(ask->store, &mark, 1, err);
}

gw_code act_reply(query *q, const intake_ask *ask, gw_buf *ret, gw_err *err)
{
    gw_str reply = json_get_str(ask->body, 0, "reply");
    gw_str what = json_get_str(ask->body, 0, "do");
    gw_str by = json_get_str(ask->body, 0, "by");
    char name[2 * GW_ID_TEXT];
    gw_id did, id;
    state_debtor d;
    size_t act = what.n ? 0 : REPLY_READ;
    while (what.n && act < REPLY_ACTS && !gw_str_is(what, acts[act].name))
        act++;
    if (act == REPLY_ACTS || gw_id_parse(reply, &id, NULL) != GW_OK)
        return gw_fail(err, GW_EINVAL, "name the reply, and read, take or release");
    int n = snprintf(name, sizeof name, REPLY_FIELD "%.*s", GW_STR_ARG(reply));
    gw_code rc = find_owner(q, ask, reply, &did, err);
    for (int i = 0; i < TRIES && rc == GW_OK; i++) {
        state_verdict verdict = STATE_UNKNOWN;
        rc = state_load_debtors(ask->store, &did, 1, ask->arena, &d, err);
        if (rc == GW_OK)
            rc = change_reply(ask, &d, (gw_str){name, (size_t)n}, by.n ? by : ask->who,
                              (reply_act)act, &verdict, err);
        if (rc != GW_OK || verdict != STATE_OK)
            continue; /* it moved meanwhile: look again */
        rc = act == REPLY_READ ? unlist(ask, &did, reply, err) : GW_OK;
        if (rc == GW_OK)
            verdict_accepted(ret, reply, reply, ask->now);
        return rc;
    }
    return rc != GW_OK ? rc : gw_fail(err, GW_EBUSY, "the debtor keeps moving; try again");
}
