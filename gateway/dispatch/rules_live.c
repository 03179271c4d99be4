#include "gateway/dispatch/rules_live.h"

#include "gateway/base/log.h"

enum { ARENA_BYTES = 32 << 20 };

void rules_live_init(rules_live *l, const policy_rules *start, const rules_places *places)
{
    *l = (rules_live){.rules = start, .places = places};
    gw_buf_init(&l->stored, STATE_VALUE_MAX);
}

void rules_live_done(rules_live *l)
{
    gw_buf_done(&l->stored);
    policy_rules_free(l->own);
    policy_rules_free(l->former);
}

static void take(rules_live *l, policy_rules *fresh)
{
    policy_rules_free(l->former);
    l->former = l->own;
    l->own = fresh;
    l->rules = fresh;
}

static void failed(rules_live *l, gw_code rc, const gw_err *err)
{
    if (!l->unreadable)
        gw_log(GW_LOG_ERROR, "the rules in force cannot be had: nothing is sent",
               "code=%s text=\"%s\"", gw_code_name(rc), err->text);
    l->unreadable = true;
}

void rules_live_update(rules_live *l, state *store, const state_hash *control, bool *ret_changed)
{
    gw_str text = rules_in_force(control);
    gw_err err = {0};
    policy_rules *fresh = NULL;
    if (ret_changed)
        *ret_changed = false;
    if (!l->places || !text.n || (!l->unreadable && gw_str_eq(text, gw_buf_str(&l->stored))))
        return;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ARENA_BYTES);
    gw_code rc = arena ? rules_fetch(store, text, l->places, arena, &fresh, &err) : GW_ENOMEM;
    if (rc != GW_OK) {
        failed(l, rc, &err);
        return;
    }
    l->unreadable = false;
    gw_buf_clear(&l->stored);
    gw_buf_put_str(&l->stored, text);
    if (ret_changed)
        *ret_changed = strcmp(policy_rules_hash(fresh), policy_rules_hash(l->rules)) != 0;
    take(l, fresh);
}
