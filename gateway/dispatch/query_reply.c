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
    static const char *const words[] = {"channel", "authenticity", "class",  "why",
                                        "case",    "text",         "read_by"};
    gw_buf_putc(b, '{');
    json_put_member_str(b, "reply", (gw_str){f->name.p + sizeof REPLY_FIELD - 1, ID});
    query_put_time(b, "at", json_get_int(d, 0, "at", 0));
    for (size_t i = 0; i < GW_COUNT(words); i++)
        query_put_text(b, words[i], json_get_str(d, 0, words[i]));
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

static gw_code close_reply(const intake_ask *ask, const state_debtor *d, gw_str name, gw_str by,
                           state_verdict *ret, gw_err *err)
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
    gw_buf_init(&priv, TEXT_MAX);
    gw_buf_putc(&text, '{');
    uint32_t end = json_at(&doc, 0)->next;
    for (uint32_t m = json_first(0); m < end; m = json_at(&doc, m + 1)->next) {
        char *member = gw_arena_copy(ask->arena, json_str(&doc, m));
        if (!member)
            return gw_fail(err, GW_ENOMEM, "closing a reply");
        if (strcmp(member, "open") == 0 || strcmp(member, "read_by") == 0)
            continue;
        if (json_kind_of(&doc, m + 1) == JSON_STRING)
            json_put_member_str(&text, member, json_str(&doc, m + 1));
        else
            json_put_member_raw(&text, member, json_raw(&doc, m + 1));
    }
    json_put_member_str(&text, "read_by", by);
    gw_buf_putc(&text, '}');
    gw_buf_putc(&priv, '{');
    json_put_member_str(&priv, "by", by);
    query_put_text(&priv, "reason", json_get_str(ask->body, 0, "reason"));
    gw_buf_putc(&priv, '}');
    rc = gw_buf_code(&text, "a reply", err);
    state_record record = {.event = EVENT_OPERATOR,
                           .t = ask->now,
                           .source = state_get(&d->debtor, "src"),
                           .debtor = state_get(&d->debtor, "deb"),
                           .case_id = json_get_str(&doc, 0, "case"),
                           .rid = GW_STR(""),
                           .why = GW_STR("reply-read"),
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

gw_code act_reply(query *q, const intake_ask *ask, gw_buf *ret, gw_err *err)
{
    static const gw_id all;
    gw_str reply = json_get_str(ask->body, 0, "reply"),
           debtor = json_get_str(ask->body, 0, "debtor");
    gw_str by = json_get_str(ask->body, 0, "by");
    char name[2 * GW_ID_TEXT], value[3 * GW_ID_TEXT], did_text[GW_ID_TEXT];
    gw_id did, id;
    state_debtor d;
    if (!ask->source.n || gw_id_parse(reply, &id, NULL) != GW_OK)
        return gw_fail(err, GW_EINVAL, "name source, debtor and reply");
    int n = snprintf(name, sizeof name, REPLY_FIELD "%.*s", GW_STR_ARG(reply));
    load_debtor_id(q->cfg->id_key, ask->source, debtor, &did);
    for (int i = 0; i < TRIES; i++) {
        state_verdict verdict = STATE_UNKNOWN;
        gw_code rc = state_load_debtors(ask->store, &did, 1, ask->arena, &d, err);
        if (rc == GW_OK)
            rc = close_reply(ask, &d, (gw_str){name, (size_t)n}, by.n ? by : ask->who, &verdict,
                             err);
        if (rc != GW_OK)
            return rc;
        if (verdict != STATE_OK)
            continue; /* it moved meanwhile: look again */
        gw_id_format(&did, did_text);
        int m = snprintf(value, sizeof value, "%s.%.*s", did_text, GW_STR_ARG(reply));
        state_mark mark = {state_shard(&did), 'q', all, {value, (size_t)m}};
        rc = state_mark_remove(ask->store, &mark, 1, err);
        if (rc == GW_OK)
            verdict_accepted(ret, reply, reply, ask->now);
        return rc;
    }
    return gw_fail(err, GW_EBUSY, "the debtor keeps moving; try again");
}
