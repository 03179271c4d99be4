#include "gateway/intake/ledger.h"

#include "gateway/base/time.h"
#include "gateway/intake/ledger_part.h"

#include <stdio.h>

/* Digest of the body: the members' digests joined by exclusive or, so that their order does not
 * count; names are unique. It only recognises repetitions of the same client, it proves nothing. */
static gw_code digest(fold *f)
{
    static const uint8_t key[GW_ID_KEY_BYTES];
    GW_AUTO_BUF gw_buf value;
    gw_buf_init(&value, LEDGER_OBJECT_MAX);
    gw_id sum = {0};
    const char *skipped = f->event->verb == VERB_CONSENT ? "of" : "source";
    uint32_t end = json_at(f->body, 0)->next;
    for (uint32_t m = json_first(0); m < end; m = json_at(f->body, m + 1)->next) {
        gw_str name = json_str(f->body, m);
        if (gw_str_is(name, skipped))
            continue;
        gw_buf_clear(&value);
        gw_code rc = json_canonical(f->body, m + 1, &value, f->err);
        if (rc != GW_OK)
            return rc;
        gw_id one;
        gw_id_keyed(key, (gw_str[]){name, gw_buf_str(&value)}, 2, &one);
        for (size_t i = 0; i < sizeof sum.b; i++)
            sum.b[i] ^= one.b[i];
    }
    char *text = gw_arena_alloc(f->arena, GW_ID_TEXT);
    if (!text)
        return gw_fail(f->err, GW_ENOMEM, "folding an event: out of memory");
    gw_id_format(&sum, text);
    f->sum = gw_str_of(text);
    return GW_OK;
}

/* ---- stored objects ---- */

gw_code part_read(const fold *f, const state_hash *hash, const char *prefix, gw_str id, stored *ret)
{
    char name[LEDGER_NAME_MAX];
    int n = snprintf(name, sizeof name, "%s%.*s", prefix, GW_STR_ARG(id));
    *ret = (stored){0};
    if (n >= (int)sizeof name)
        return gw_fail(f->err, GW_ELIMIT, "folding an event: a name is too long");
    gw_str text = state_get(hash, name);
    if (!text.p)
        return GW_OK;
    gw_code rc = json_parse(text, f->arena, &ret->doc, f->err);
    if (rc == GW_ELIMIT) /* of the arena: the stored object was within the limits once */
        return gw_fail(f->err, GW_ENOMEM, "folding an event: out of memory");
    if (rc != GW_OK || json_kind_of(&ret->doc, 0) != JSON_OBJECT)
        return gw_fail(f->err, GW_ECORRUPT, "a stored object %s... of a debtor cannot be read",
                       prefix);
    ret->exists = true;
    return GW_OK;
}

bool part_is_same(const fold *f, const stored *s)
{
    return s->exists && gw_str_eq(json_get_str(&s->doc, 0, "sum"), f->sum);
}

gw_wall part_received(const stored *s)
{
    return (gw_wall){json_get_int(&s->doc, 0, "rx", 0)};
}

/* ---- verdicts ---- */

gw_code part_reject(const fold *f, const char *code, const char *reason, const char *pointer)
{
    f->out->verdict = LEDGER_REJECTED;
    f->out->code = code;
    f->out->reason = reason;
    f->out->pointer = pointer;
    return GW_OK;
}

gw_code part_duplicate(const fold *f, gw_wall first)
{
    f->out->verdict = LEDGER_DUPLICATE;
    f->out->at = first;
    return GW_OK;
}

/* ---- building ---- */

void part_open(gw_buf *b)
{
    gw_buf_putc(b, '{');
}

void part_copy(const fold *f, gw_buf *b, const char *name)
{
    uint32_t at = json_member(f->body, 0, name);
    if (!at)
        return;
    if (json_kind_of(f->body, at) == JSON_STRING)
        json_put_member_str(b, name, json_str(f->body, at));
    else
        json_put_member_raw(b, name, json_raw(f->body, at));
}

void part_copy_moment(const fold *f, gw_buf *b, const char *name)
{
    char text[GW_TIME_TEXT];
    gw_str s = json_get_str(f->body, 0, name);
    if (!s.n) {
        gw_time_format(f->event->now, text);
        s = gw_str_of(text);
    }
    json_put_member_str(b, name, s);
}

void part_stamp(const fold *f, gw_buf *b)
{
    json_put_member_int(b, "rx", f->event->now.ms);
    json_put_member_str(b, "sum", f->sum);
}

gw_code part_close(const fold *f, gw_buf *b, gw_str *ret)
{
    gw_buf_putc(b, '}');
    gw_code rc = gw_buf_code(b, "a stored object of a debtor", f->err);
    if (rc != GW_OK)
        return rc;
    char *copy = gw_arena_copy(f->arena, gw_buf_str(b));
    if (!copy)
        return gw_fail(f->err, GW_ENOMEM, "folding an event: out of memory");
    *ret = (gw_str){copy, b->n};
    return GW_OK;
}

static gw_code field_of(const fold *f, const char *prefix, gw_str id, gw_buf *object,
                        state_field *ret)
{
    GW_AUTO_BUF gw_buf name;
    gw_buf_init(&name, LEDGER_NAME_MAX);
    gw_buf_puts(&name, prefix);
    gw_buf_put_str(&name, id);
    char *copy = gw_arena_copy(f->arena, gw_buf_str(&name));
    if (!copy || name.code != GW_OK)
        return gw_fail(f->err, GW_ENOMEM, "folding an event: out of memory");
    ret->name = (gw_str){copy, name.n};
    return part_close(f, object, &ret->value);
}

gw_code part_set_item(const fold *f, const char *prefix, gw_str id, gw_buf *object)
{
    return field_of(f, prefix, id, object, &f->out->item_sets[f->out->item_n++]);
}

gw_code part_set_debtor(const fold *f, const char *prefix, gw_str id, gw_buf *object)
{
    return field_of(f, prefix, id, object, &f->out->debtor_sets[f->out->debtor_n++]);
}

gw_code part_record(const fold *f, const char *event, gw_str case_id, const char *why, gw_buf *fact,
                    gw_buf *priv)
{
    state_record r = {
        .event = event,
        .t = f->event->now,
        .source = f->event->source,
        .debtor = f->event->debtor,
        .case_id = case_id,
        .rid = GW_STR(""),
        .why = gw_str_of(why),
        .blobs = GW_STR(""),
    };
    json_put_member_str(fact, "receipt", f->event->receipt);
    json_put_member_str(priv, "verb", gw_str_of(verb_of(f->event->verb)->name));
    json_put_member_str(priv, "body", json_raw(f->body, 0));
    gw_code rc = part_close(f, fact, &r.fact);
    if (rc == GW_OK)
        rc = part_close(f, priv, &r.priv);
    f->out->record = r;
    return rc;
}

/* ---- the fold ---- */

static gw_code (*const folds[VERB_COUNT])(const fold *) = {
    [VERB_ITEM] = ledger_item,       [VERB_PAYMENT] = ledger_payment,
    [VERB_PROMISE] = ledger_promise, [VERB_DISPUTE] = ledger_dispute,
    [VERB_DEBTOR] = ledger_debtor,   [VERB_CONSENT] = ledger_consent,
    [VERB_HOLD] = ledger_hold,       [VERB_CANCEL] = ledger_cancel_item,
    [VERB_HOURS] = ledger_hours,
};

/* A debtor that billing never described gets its names, so that policy can say what is missing. */
static void name_new_debtor(const fold *f)
{
    ledger_result *out = f->out;
    if (f->debtor->debtor.version != 0)
        return;
    out->debtor_sets[out->debtor_n++] = (state_field){GW_STR("src"), f->event->source};
    out->debtor_sets[out->debtor_n++] = (state_field){GW_STR("deb"), f->event->debtor};
}

gw_code ledger_fold(const state_debtor *debtor, const ledger_event *event, gw_arena *arena,
                    ledger_result *ret, gw_err *err)
{
    ledger_result out = {.verdict = LEDGER_ACCEPTED, .at = event->now};
    fold f = {debtor, event, event->body, arena, &out, err, {NULL, 0}};
    if (!folds[event->verb])
        gw_bug("a verb that is no event reached the ledger");
    gw_code rc = digest(&f);
    if (rc == GW_OK && debtor->items.n >= LEDGER_FIELDS_MAX)
        rc = part_reject(&f, "too-large",
                         "this debtor has 20000 items and events; archive closed ones in billing "
                         "and use a new debtor id",
                         NULL);
    else if (rc == GW_OK)
        rc = folds[event->verb](&f);
    if (rc != GW_OK)
        return rc;
    if (out.verdict == LEDGER_ACCEPTED)
        name_new_debtor(&f);
    *ret = out;
    return GW_OK;
}

/* ---- applying a result in memory ---- */

static gw_code patch_hash(state_hash *hash, const state_field *sets, size_t n, gw_arena *arena,
                          gw_err *err)
{
    if (n == 0)
        return GW_OK;
    state_field *fields = gw_arena_alloc(arena, (hash->n + n) * sizeof *fields);
    if (!fields)
        return gw_fail(err, GW_ENOMEM, "applying an event: out of memory");
    if (hash->n)
        memcpy(fields, hash->fields, hash->n * sizeof *fields);
    hash->fields = fields;
    for (size_t s = 0; s < n; s++) {
        size_t i = 0;
        while (i < hash->n && !gw_str_eq(fields[i].name, sets[s].name))
            i++;
        fields[i] = sets[s];
        hash->n += i == hash->n;
    }
    return GW_OK;
}

gw_code ledger_patch(state_debtor *debtor, const ledger_result *result, gw_arena *arena,
                     gw_err *err)
{
    gw_code rc = patch_hash(&debtor->debtor, result->debtor_sets, result->debtor_n, arena, err);
    if (rc == GW_OK)
        rc = patch_hash(&debtor->items, result->item_sets, result->item_n, arena, err);
    if (rc != GW_OK)
        return rc;
    debtor->debtor.version++;
    debtor->items.version = debtor->debtor.version;
    return GW_OK;
}
