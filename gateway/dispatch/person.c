#include "gateway/dispatch/person.h"

#include "gateway/base/log.h"
#include "gateway/policy/count.h"

void person_id(const uint8_t *id_key, gw_str person, gw_id *ret)
{
    gw_str parts[] = {GW_STR("p"), person};
    gw_id_keyed(id_key, parts, GW_COUNT(parts), ret);
}

gw_code person_load(state *store, const uint8_t *id_key, view_debtor *const *debtors, size_t n,
                    gw_arena *arena, gw_err *err)
{
    gw_id *ids = gw_arena_alloc(arena, (n + 1) * sizeof *ids);
    view_debtor **whose = gw_arena_alloc(arena, (n + 1) * sizeof *whose);
    state_debtor *raw = gw_arena_alloc(arena, (n + 1) * sizeof *raw);
    size_t m = 0;
    if (!ids || !whose || !raw)
        return gw_fail(err, GW_ENOMEM, "loading persons");
    for (size_t i = 0; i < n; i++)
        if (debtors[i]->person.n) {
            whose[m] = debtors[i];
            person_id(id_key, debtors[i]->person, &ids[m++]);
        }
    gw_code rc = m ? state_load_debtors(store, ids, m, arena, raw, err) : GW_OK;
    for (size_t i = 0; i < m && rc == GW_OK; i++) {
        whose[i]->person_id = ids[i];
        whose[i]->person_hash = &raw[i].debtor;
    }
    return rc;
}

static const char *field_at(const policy_cap *cap, int before, gw_arena *arena)
{
    char name[COUNT_NAME_TEXT];
    count_name(cap, before, name);
    return gw_arena_copy(arena, gw_str_of(name));
}

static bool fill_take(const policy_cap *cap, gw_arena *arena, state_cap *to)
{
    const char **with = gw_arena_alloc(arena, ((size_t)cap->before + 1) * sizeof *with);
    *to = (state_cap){.field = field_at(cap, 0, arena), .max = cap->max, .with = with};
    for (int k = 1; with && k <= cap->before && cap->max != INT64_MAX; k++) {
        with[to->with_n] = field_at(cap, k, arena);
        if (!with[to->with_n++])
            return false;
    }
    return with && to->field;
}

bool person_reserve(const gw_id *person, const policy_cap *caps, size_t n, gw_arena *arena,
                    state_txn *ret, bool *ret_failed)
{
    state_cap *takes = gw_arena_alloc(arena, (n + 1) * sizeof *takes);
    const char **gives = gw_arena_alloc(arena, (n + 1) * sizeof *gives);
    state_txn t = {
        .shard = state_shard(person), .did = person, .debtor_version = -1, .version = -1};
    *ret_failed = !takes || !gives;
    for (size_t i = 0; i < n && !*ret_failed; i++) {
        if (caps[i].scope != POLICY_OF_PERSON)
            continue;
        *ret_failed = !fill_take(&caps[i], arena, &takes[t.take_n]);
        if (caps[i].check_only) /* as in change.c: taken and given back at once */
            gives[t.give_n++] = takes[t.take_n].field;
        t.take_n++;
    }
    t.takes = takes;
    t.gives = gives;
    *ret = t;
    return t.take_n > 0 || *ret_failed;
}

bool person_count(const gw_id *person, const policy_cap *caps, size_t n, bool answered,
                  bool effective, gw_arena *arena, state_txn *ret, bool *ret_failed)
{
    state_cap *takes = gw_arena_alloc(arena, (n + 1) * sizeof *takes);
    gw_id *id = gw_arena_alloc(arena, sizeof *id);
    size_t m = 0;
    *ret_failed = !takes || !id;
    for (size_t i = 0; i < n && !*ret_failed; i++) {
        if (caps[i].scope != POLICY_OF_PERSON || caps[i].check_only)
            continue;
        const char *field = field_at(&caps[i], 0, arena);
        *ret_failed = !field;
        if (field && count_stays(gw_str_of(field), answered, effective))
            takes[m++] = (state_cap){.field = field, .max = INT64_MAX};
    }
    if (*ret_failed || m == 0)
        return false;
    *id = *person;
    *ret = (state_txn){.shard = state_shard(id),
                       .did = id,
                       .debtor_version = -1,
                       .version = -1,
                       .takes = takes,
                       .take_n = m};
    return true;
}

gw_code person_take(state *store, const view_debtor *d, const policy_cap *caps, size_t n,
                    gw_arena *arena, const gw_id **ret_id, gw_err *err)
{
    state_txn t;
    state_verdict v;
    bool failed = false;
    *ret_id = NULL;
    if (!d->person_hash || !person_reserve(&d->person_id, caps, n, arena, &t, &failed))
        return failed ? gw_fail(err, GW_ENOMEM, "reserving a person's contact") : GW_OK;
    if (failed)
        return gw_fail(err, GW_ENOMEM, "reserving a person's contact");
    gw_code rc = state_apply(store, &t, 1, &v, err);
    if (rc == GW_OK && v != STATE_OK)
        rc = gw_fail(err, GW_EBUSY, "the person has had as many contacts as the caps allow");
    if (rc == GW_OK)
        *ret_id = &d->person_id;
    return rc;
}

static void follow(state *store, const state_txn *t, state_verdict v)
{
    state_verdict ignored;
    gw_err err = {0};
    if (t->then && v == STATE_OK && state_apply(store, t->then, 1, &ignored, &err) != GW_OK)
        gw_log(GW_LOG_WARN, "a person's counter stays as it is", "text=\"%s\"", err.text);
}

bool person_return(gw_str names, bool call, bool answered, bool effective, gw_arena *arena,
                   state_txn *ret, bool *ret_failed)
{
    char *text = gw_arena_copy(arena, names);
    const char **gives = gw_arena_alloc(arena, STATE_CAPS_MAX * sizeof *gives);
    gw_id *id = gw_arena_alloc(arena, sizeof *id);
    size_t n = 0;
    *ret_failed = !text || !gives || !id;
    if (*ret_failed)
        return false;
    for (char *save = NULL, *p = strtok_r(text, " ", &save); p && n < STATE_CAPS_MAX;
         p = strtok_r(NULL, " ", &save)) {
        gw_str person, name;
        if (!count_of_person(gw_str_of(p), &person, &name) ||
            gw_id_parse(person, id, NULL) != GW_OK ||
            (call && count_stays(name, answered, effective)))
            continue;
        gives[n++] = name.p;
    }
    *ret = (state_txn){.shard = state_shard(id),
                       .did = id,
                       .debtor_version = -1,
                       .version = -1,
                       .gives = gives,
                       .give_n = n};
    return n > 0;
}

void person_undo(state *store, gw_str names, gw_arena *arena)
{
    state_txn t;
    state_verdict ignored;
    gw_err err = {0};
    bool failed;
    if (names.n && person_return(names, false, false, false, arena, &t, &failed) &&
        state_apply(store, &t, 1, &ignored, &err) != GW_OK)
        gw_log(GW_LOG_WARN, "a person's counter stays as it is", "text=\"%s\"", err.text);
}

bool person_retake(gw_str names, gw_arena *arena, state_txn *t, bool *ret_failed)
{
    char *text = gw_arena_copy(arena, names);
    state_cap *takes = gw_arena_alloc(arena, STATE_CAPS_MAX * sizeof *takes);
    gw_id *id = gw_arena_alloc(arena, sizeof *id);
    size_t n = 0;
    *ret_failed = !text || !takes || !id;
    if (*ret_failed)
        return false;
    for (char *save = NULL, *p = strtok_r(text, " ", &save); p && n < STATE_CAPS_MAX;
         p = strtok_r(NULL, " ", &save)) {
        gw_str person, name;
        if (count_of_person(gw_str_of(p), &person, &name) && gw_id_parse(person, id, NULL) == GW_OK)
            takes[n++] = (state_cap){.field = name.p, .max = INT64_MAX};
    }
    if (n == 0)
        return false;
    if (!t->did)
        *t = (state_txn){.shard = state_shard(id), .did = id, .debtor_version = -1, .version = -1};
    t->takes = takes;
    t->take_n = n;
    return true;
}

gw_code person_apply(state *store, const state_txn *txns, size_t n, state_verdict *ret, gw_err *err)
{
    for (size_t i = 0; i < n; i++)
        ret[i] = STATE_UNKNOWN;
    gw_code rc = state_apply(store, txns, n, ret, err);
    for (size_t i = 0; i < n; i++)
        follow(store, &txns[i], ret[i]);
    return rc;
}
