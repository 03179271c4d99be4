#include "gateway/intake/rules.h"

#include "gateway/base/id.h"
#include "gateway/base/json.h"
#include "gateway/base/time.h"
#include "gateway/policy/sign.h"
#include "gateway/wire/event.h"

#include <sodium.h>

enum { POINTER_MAX = 4096, DIFF_MAX = 128 * 1024, PRIV_MAX = STATE_RECORD_MAX - 8192 };

/* ---- files ---- */

gw_code rules_read_files(const rules_places *places, policy_rules **ret, gw_err *err)
{
    GW_AUTO(policy_rules_free) policy_rules *r = NULL;
    gw_code rc = policy_rules_load_signed(places->rules, places->calendars, places->keys, &r, err);
    if (rc == GW_OK && places->must_be_signed)
        rc = policy_rules_all_signed(r, err);
    if (rc != GW_OK)
        return rc;
    *ret = r;
    r = NULL;
    return GW_OK;
}

/* ---- what is in force ---- */

gw_str rules_in_force(const state_hash *control)
{
    return control ? state_get(control, RULES_FIELD) : (gw_str){NULL, 0};
}

static gw_str member_of(gw_str stored, const char *name, gw_arena *arena)
{
    json_doc d;
    if (!stored.n || json_parse(stored, arena, &d, NULL) != GW_OK ||
        json_kind_of(&d, 0) != JSON_OBJECT)
        return (gw_str){NULL, 0};
    return json_get_str(&d, 0, name);
}

gw_str rules_set_of(gw_str stored, gw_arena *arena)
{
    return member_of(stored, "set", arena);
}

static void digest_of(gw_str text, char ret[POLICY_HASH_TEXT])
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, (const unsigned char *)text.p, text.n);
    gw_hex(digest, sizeof digest, ret);
}

/* Whoever can write to the store must not be able to change a number: the set is what its hash
 * says, and signed by whom it must be. */
static gw_code read_set(gw_str text, gw_str stored, const rules_places *places, gw_arena *arena,
                        policy_rules **ret, gw_err *err)
{
    GW_AUTO(policy_rules_free) policy_rules *r = NULL;
    char digest[POLICY_HASH_TEXT];
    sign_keys keys;
    digest_of(text, digest);
    if (!gw_str_is(rules_set_of(stored, arena), digest))
        return gw_fail(err, GW_ECORRUPT, "the rules in force are not what was put in force");
    gw_code rc = policy_keys_load(places ? places->keys : NULL, &keys, err);
    if (rc == GW_OK)
        rc = policy_rules_read_set(text, &keys, &r, err);
    if (rc == GW_OK && !gw_str_is(member_of(stored, "hash", arena), policy_rules_hash(r)))
        rc = gw_fail(err, GW_ECORRUPT, "the rules in force are not what was put in force");
    if (rc == GW_OK && places && places->must_be_signed)
        rc = policy_rules_all_signed(r, err);
    if (rc != GW_OK)
        return rc;
    *ret = r;
    r = NULL;
    return GW_OK;
}

gw_code rules_fetch(state *store, gw_str stored, const rules_places *places, gw_arena *arena,
                    policy_rules **ret, gw_err *err)
{
    gw_str text;
    gw_str key = rules_set_of(stored, arena);
    if (!key.n)
        return gw_fail(err, GW_ECORRUPT, "what says which rules are in force cannot be read");
    gw_code rc = state_rules_get(store, key, arena, &text, err);
    return rc == GW_OK ? read_set(text, stored, places, arena, ret, err) : rc;
}

gw_code rules_restore(state *store, gw_str control, gw_str set, gw_arena *arena, gw_err *err)
{
    gw_str key = rules_set_of(control, arena);
    char digest[POLICY_HASH_TEXT];
    digest_of(set, digest);
    if (!gw_str_is(key, digest))
        return gw_fail(err, GW_ECORRUPT, "a set of rules is not what its record says");
    return state_rules_put(store, key, set, key, err);
}

/* ---- a change ---- */

typedef struct {
    state *store;
    const rules_act *act;
    gw_arena *arena;
    policy_rules *before, *after; /* before NULL: none, or nobody can read them */
    gw_str before_set;            /* key of the set before */
    char digest[POLICY_HASH_TEXT];
    gw_buf set, control;
} change;

static void change_done(change *c)
{
    policy_rules_free(c->before);
    policy_rules_free(c->after);
    gw_buf_done(&c->set);
    gw_buf_done(&c->control);
}

static void put_control(change *c)
{
    char now[GW_TIME_TEXT];
    gw_buf *b = &c->control;
    gw_time_format(c->act->now, now);
    gw_buf_putc(b, '{');
    json_put_member_str(b, "by", c->act->by);
    json_put_member_str(b, "since", gw_str_of(now));
    if (c->act->reason.n)
        json_put_member_str(b, "reason", c->act->reason);
    json_put_member_str(b, "hash", gw_str_of(policy_rules_hash(c->after)));
    json_put_member_str(b, "set", gw_str_of(c->digest));
    gw_buf_putc(b, '}');
}

static void put_fact(const change *c, gw_buf *b)
{
    policy_signature s;
    size_t doubtful = 0;
    while (policy_rules_doubtful(c->after, doubtful, &s))
        doubtful++;
    gw_buf_putc(b, '{');
    json_put_member_str(b, "what", GW_STR(RULES_FIELD));
    json_put_member_str(b, "hash", gw_str_of(policy_rules_hash(c->after)));
    if (c->before)
        json_put_member_str(b, "before", gw_str_of(policy_rules_hash(c->before)));
    json_put_member_str(b, "set", gw_str_of(c->digest));
    json_put_member_int(b, "unsigned", (int64_t)doubtful);
    gw_buf_putc(b, '}');
}

static gw_code put_priv(const change *c, gw_buf *b, gw_err *err)
{
    GW_AUTO_BUF gw_buf diff;
    gw_buf_init(&diff, DIFF_MAX);
    gw_code rc = policy_rules_diff(c->before, c->after, &diff, err);
    if (rc != GW_OK && diff.code == GW_ELIMIT) {
        /* The sets of both records show it in full. */
        gw_buf_clear(&diff);
        diff.code = GW_OK;
        gw_buf_puts(&diff, "more than is written here; compare the two sets\n");
        rc = GW_OK;
    }
    if (rc != GW_OK)
        return rc;
    gw_buf_putc(b, '{');
    json_put_member_str(b, "by", c->act->by);
    json_put_member_str(b, "key", c->act->key);
    if (c->act->reason.n)
        json_put_member_str(b, "reason", c->act->reason);
    json_put_member_str(b, "control", gw_buf_str(&c->control));
    json_put_member_str(b, "diff", gw_buf_str(&diff));
    json_put_member_str(b, "set", gw_buf_str(&c->set));
    gw_buf_putc(b, '}');
    return gw_buf_code(b, "a change of rules", err);
}

static gw_code record(const change *c, gw_err *err)
{
    GW_AUTO_BUF gw_buf fact;
    GW_AUTO_BUF gw_buf priv;
    gw_buf_init(&fact, POINTER_MAX);
    gw_buf_init(&priv, PRIV_MAX);
    put_fact(c, &fact);
    gw_code rc = put_priv(c, &priv, err);
    if (rc != GW_OK)
        return rc;
    state_record rec = {.event = EVENT_POLICY,
                        .t = c->act->now,
                        .why = GW_STR(RULES_FIELD),
                        .fact = gw_buf_str(&fact),
                        .priv = gw_buf_str(&priv)};
    state_txn txn = {.debtor_version = -1, .version = -1, .records = &rec, .record_n = 1};
    state_verdict verdict;
    rc = state_apply(c->store, &txn, 1, &verdict, err);
    return rc == GW_OK && verdict != STATE_OK ? gw_fail(err, GW_EBUSY, "recording a change") : rc;
}

/* What is in force, as far as it can be read: what cannot be read is to be replaced all the more.
 */
static gw_code look_before(change *c, const rules_places *places, gw_err *err)
{
    state_hash control;
    gw_err old = {0};
    gw_code rc = state_control_get(c->store, c->arena, &control, err);
    if (rc != GW_OK)
        return rc;
    gw_str stored = rules_in_force(&control);
    c->before_set = rules_set_of(stored, c->arena);
    /* Who signed what is being replaced does not matter any more. */
    const rules_places old_places = {.keys = places->keys};
    if (stored.n)
        rc = rules_fetch(c->store, stored, &old_places, c->arena, &c->before, &old);
    return rc == GW_EBUSY || rc == GW_EIO || rc == GW_ENOMEM ? gw_fail(err, rc, "%s", old.text)
                                                             : GW_OK;
}

static gw_code check_expected(const change *c, gw_err *err)
{
    const char *hash = policy_rules_hash(c->after);
    if (!c->act->expect.n || gw_str_is(c->act->expect, hash))
        return GW_OK;
    return gw_fail(err, GW_ECONFLICT,
                   "the gateway's files have the hash %.12s..., not %.*s...: they are not what you "
                   "have looked at",
                   hash, (int)(c->act->expect.n < 12 ? c->act->expect.n : 12), c->act->expect.p);
}

static gw_code put_in_force(change *c, gw_err *err)
{
    put_control(c);
    gw_code rc = gw_buf_code(&c->control, "the rules", err);
    /* The set and the record first: what is in force can be had, and was announced in the log. */
    if (rc == GW_OK)
        rc = state_rules_put(c->store, gw_str_of(c->digest), gw_buf_str(&c->set), c->before_set,
                             err);
    if (rc == GW_OK)
        rc = record(c, err);
    return rc == GW_OK
               ? state_control_set(c->store, GW_STR(RULES_FIELD), gw_buf_str(&c->control), err)
               : rc;
}

gw_code rules_apply(state *store, const rules_places *places, const rules_act *act, gw_arena *arena,
                    bool *ret_changed, gw_err *err)
{
    change c = {.store = store, .act = act, .arena = arena};
    gw_buf_init(&c.set, POLICY_SET_BYTES_MAX);
    gw_buf_init(&c.control, POINTER_MAX);
    gw_code rc = rules_read_files(places, &c.after, err);
    if (rc == GW_OK)
        rc = check_expected(&c, err);
    if (rc == GW_OK)
        rc = policy_rules_write_set(c.after, &c.set, err);
    if (rc == GW_OK)
        rc = look_before(&c, places, err);
    if (rc == GW_OK) {
        digest_of(gw_buf_str(&c.set), c.digest);
        *ret_changed = !c.before || !gw_str_is(c.before_set, c.digest);
        if (*ret_changed)
            rc = put_in_force(&c, err);
    }
    change_done(&c);
    return rc;
}
