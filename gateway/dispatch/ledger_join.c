#include "gateway/dispatch/ledger_join.h"

#include "gateway/policy/count.h"

#include <stdio.h>

static gw_code no_memory(const ledger_join *j)
{
    return gw_fail(j->err, GW_ENOMEM, "booking what follows from a contact: out of memory");
}

void ledger_join_open(ledger_join *j)
{
    gw_buf_init(&j->body, LEDGER_JOIN_BODY_MAX);
    j->version = (int64_t)j->debtor->debtor.version;
    j->rejected = NULL;
    j->debtor_n = j->item_n = j->record_n = j->said_n = 0;
    j->talk = (gw_str){NULL, 0};
}

void ledger_join_close(ledger_join *j)
{
    gw_buf_done(&j->body);
}

void ledger_join_begin(ledger_join *j, gw_str id, const char *suffix)
{
    GW_AUTO_BUF gw_buf whole;
    gw_buf_init(&whole, STATE_NAME_MAX);
    gw_buf_put_str(&whole, id);
    gw_buf_puts(&whole, suffix);
    gw_buf_clear(&j->body);
    gw_buf_putc(&j->body, '{');
    json_put_member_str(&j->body, "id", gw_buf_str(&whole));
    json_put_member_str(&j->body, "debtor", j->r->debtor);
}

static gw_code keep(ledger_join *j, const ledger_event *e, const ledger_result *out)
{
    if (out->verdict == LEDGER_REJECTED)
        j->rejected = j->rejected ? j->rejected : out;
    if (out->verdict != LEDGER_ACCEPTED)
        return GW_OK;
    if (j->record_n == LEDGER_JOIN_EVENTS_MAX)
        gw_bug("more events follow from a contact than there is room for");
    memcpy(j->debtor_sets + j->debtor_n, out->debtor_sets, out->debtor_n * sizeof(state_field));
    memcpy(j->item_sets + j->item_n, out->item_sets, out->item_n * sizeof(state_field));
    j->debtor_n += out->debtor_n;
    j->item_n += out->item_n;
    j->records[j->record_n++] = out->record;
    if (e->verb == VERB_CONSENT)
        j->said[j->said_n++] = e->body;
    return ledger_patch(j->debtor, out, j->arena, j->err);
}

gw_code ledger_join_event(ledger_join *j, verb v)
{
    json_doc *doc = gw_arena_alloc(j->arena, sizeof *doc);
    ledger_result *out = gw_arena_alloc(j->arena, sizeof *out);
    char *receipt = gw_arena_alloc(j->arena, GW_ID_TEXT);
    gw_buf_putc(&j->body, '}');
    char *text = j->body.code == GW_OK ? gw_arena_copy(j->arena, gw_buf_str(&j->body)) : NULL;
    if (!doc || !out || !receipt || !text)
        return no_memory(j);
    gw_id_format(&j->r->rid, receipt);
    gw_code rc = json_parse((gw_str){text, j->body.n}, j->arena, doc, j->err);
    const ledger_event e = {.verb = v,
                            .source = j->r->source,
                            .debtor = j->r->debtor,
                            .body = doc,
                            .now = j->now,
                            .receipt = gw_str_of(receipt)};
    if (rc == GW_OK)
        rc = ledger_fold(j->debtor, &e, j->arena, out, j->err);
    return rc == GW_OK ? keep(j, &e, out) : rc;
}

gw_str ledger_join_address(const ledger_join *j)
{
    const policy_facts *f = &j->decided->facts.policy;
    return f->recipient_n ? f->recipients[0].address : (gw_str){NULL, 0};
}

gw_code ledger_join_wrong_number(ledger_join *j, gw_str id, gw_str said_by)
{
    static const char *const channels[] = {"voice", "sms"};
    gw_str number = ledger_join_address(j);
    gw_code rc = GW_OK;
    for (size_t i = 0; i < GW_COUNT(channels) && number.n && rc == GW_OK; i++) {
        ledger_join_begin(j, id, i ? ":sms" : "");
        json_put_member_str(&j->body, "channel", gw_str_of(channels[i]));
        json_put_member_str(&j->body, "address", number);
        json_put_member_str(&j->body, "source", said_by);
        json_put_member_str(&j->body, "status", GW_STR("suppressed"));
        json_put_member_str(&j->body, "suppression", GW_STR("unverified"));
        json_put_member_str(&j->body, "scope", GW_STR("address"));
        rc = ledger_join_event(j, VERB_CONSENT);
    }
    return rc;
}

gw_code ledger_join_talk(ledger_join *j)
{
    char names[2][COUNT_NAME_TEXT];
    char at[24];
    int n = snprintf(at, sizeof at, "%lld", (long long)j->now.ms);
    char *value = gw_arena_copy(j->arena, (gw_str){at, (size_t)n});
    count_talk_names(j->decided->facts.policy.debt, names);
    for (size_t i = 0; i < GW_COUNT(names); i++) {
        char *name = gw_arena_copy(j->arena, gw_str_of(names[i]));
        if (!name || !value)
            return no_memory(j);
        j->debtor_sets[j->debtor_n++] = (state_field){gw_str_of(name), {value, (size_t)n}};
    }
    j->talk = (gw_str){names[1] + 3, strlen(names[1]) - 3}; /* behind "t:#" */
    j->talk.p = gw_arena_copy(j->arena, j->talk);
    return j->talk.p ? GW_OK : no_memory(j);
}

/* The outcome's own record is the first; its facts are an object with members. */
static gw_code put_talk(const ledger_join *j, state_record *outcome)
{
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, 2 * LEDGER_JOIN_BODY_MAX);
    gw_buf_put_str(&b, (gw_str){outcome->fact.p, outcome->fact.n - 1});
    gw_buf_printf(&b, ",\"talk\":\"#%.*s\"}", GW_STR_ARG(j->talk));
    char *text = b.code == GW_OK ? gw_arena_copy(j->arena, gw_buf_str(&b)) : NULL;
    outcome->fact = (gw_str){text, b.n};
    return text ? GW_OK : no_memory(j);
}

gw_code ledger_join_bind(const ledger_join *j, const teller *t)
{
    gw_code rc = GW_OK;
    for (size_t i = 0; i < j->said_n && rc == GW_OK; i++)
        rc = bind_said(t, &j->debtor->did, j->r->source, j->debtor, j->said[i], j->err);
    return rc;
}

gw_code ledger_join_into(ledger_join *j, state_txn *txn)
{
    size_t n = txn->record_n + LEDGER_JOIN_EVENTS_MAX;
    state_record *records = gw_arena_alloc(j->arena, n * sizeof *records);
    size_t before = txn->debtor_n;
    state_field *sets = gw_arena_alloc(j->arena, sizeof j->debtor_sets + sizeof j->item_sets +
                                                     before * sizeof *sets);
    if (!records || !sets)
        return no_memory(j);
    memcpy(records, txn->records, txn->record_n * sizeof *records);
    memcpy(records + txn->record_n, j->records, j->record_n * sizeof *records);
    memcpy(sets, j->item_sets, sizeof j->item_sets);
    state_field *debtor_sets = sets + LEDGER_JOIN_SETS_MAX;
    memcpy(debtor_sets, j->debtor_sets, sizeof j->debtor_sets);
    if (before)
        memcpy(debtor_sets + j->debtor_n, txn->debtor_sets, before * sizeof *sets);
    if (j->talk.p && txn->record_n) {
        gw_code rc = put_talk(j, &records[0]);
        if (rc != GW_OK)
            return rc;
    }
    txn->records = records;
    txn->record_n += j->record_n;
    txn->debtor_sets = debtor_sets;
    txn->debtor_n = before + j->debtor_n;
    txn->item_sets = sets;
    txn->item_n = j->item_n;
    txn->did = &j->debtor->did;
    txn->debtor_version = j->version;
    txn->wake_debtor = true;
    txn->wake_at = j->now;
    return GW_OK;
}
