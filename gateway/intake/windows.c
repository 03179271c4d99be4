#include "gateway/intake/windows.h"

#include "gateway/base/json.h"
#include "gateway/base/time.h"
#include "gateway/wire/event.h"

enum { STORED_MAX = 2 * HOUSE_FILE_BYTES_MAX, DIFF_MAX = 256 * 1024, PRIV_MAX = 640 * 1024 };

gw_str windows_in_force(const state_hash *control)
{
    return control ? state_get(control, WINDOWS_FIELD) : (gw_str){NULL, 0};
}

gw_code windows_read(gw_str stored, house_windows **ret, gw_err *err)
{
    enum { ROOM = 8 << 20 };
    json_doc d;
    *ret = NULL;
    if (!stored.n)
        return GW_OK;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ROOM);
    if (!arena)
        return gw_fail(err, GW_ENOMEM, "reading the windows in force");
    gw_code rc = json_parse(stored, arena, &d, err);
    uint32_t at =
        rc == GW_OK && json_kind_of(&d, 0) == JSON_OBJECT ? json_member(&d, 0, "windows") : 0;
    if (rc == GW_ENOMEM)
        return rc;
    if (!at || house_windows_parse("windows in force", json_raw(&d, at), ret, err) != GW_OK)
        return gw_fail(err, GW_ECORRUPT, "the windows in force cannot be read");
    return GW_OK;
}

static void put_stored(gw_buf *b, const windows_act *act, const house_windows *h)
{
    char now[GW_TIME_TEXT];
    gw_time_format(act->now, now);
    gw_buf_putc(b, '{');
    json_put_member_str(b, "by", act->by);
    json_put_member_str(b, "since", gw_str_of(now));
    if (act->reason.n)
        json_put_member_str(b, "reason", act->reason);
    json_put_member_str(b, "hash", gw_str_of(house_windows_hash(h)));
    json_put_member_raw(b, "windows", house_windows_canonical(h));
    gw_buf_putc(b, '}');
}

static void put_fact(gw_buf *b, const house_windows *before, const house_windows *h)
{
    gw_buf_putc(b, '{');
    json_put_member_str(b, "what", GW_STR("windows"));
    json_put_member_str(b, "hash", gw_str_of(house_windows_hash(h)));
    if (before)
        json_put_member_str(b, "before", gw_str_of(house_windows_hash(before)));
    json_put_member_int(b, "windows", (int64_t)house_windows_count(h));
    gw_buf_putc(b, '}');
}

static void put_priv(gw_buf *b, const windows_act *act, gw_str stored, gw_str diff)
{
    gw_buf_putc(b, '{');
    json_put_member_str(b, "by", act->by);
    json_put_member_str(b, "key", act->key);
    if (act->reason.n)
        json_put_member_str(b, "reason", act->reason);
    json_put_member_str(b, "control", stored);
    json_put_member_str(b, "diff", diff);
    gw_buf_putc(b, '}');
}

static gw_code record(state *store, const windows_act *act, const house_windows *before,
                      const house_windows *h, gw_str stored, gw_err *err)
{
    GW_AUTO_BUF gw_buf fact;
    GW_AUTO_BUF gw_buf priv;
    GW_AUTO_BUF gw_buf diff;
    gw_buf_init(&fact, 1024);
    gw_buf_init(&priv, PRIV_MAX);
    gw_buf_init(&diff, DIFF_MAX);
    (void)house_windows_diff(before, h, &diff);
    put_fact(&fact, before, h);
    put_priv(&priv, act, stored, gw_buf_str(&diff));
    gw_code rc = gw_buf_code(&priv, "a change of windows", err);
    if (rc != GW_OK)
        return rc;
    state_record rec = {.event = EVENT_POLICY,
                        .t = act->now,
                        .why = GW_STR("windows"),
                        .fact = gw_buf_str(&fact),
                        .priv = gw_buf_str(&priv)};
    state_txn txn = {.debtor_version = -1, .version = -1, .records = &rec, .record_n = 1};
    state_verdict verdict;
    rc = state_apply(store, &txn, 1, &verdict, err);
    return rc == GW_OK && verdict != STATE_OK ? gw_fail(err, GW_EBUSY, "recording a change") : rc;
}

gw_code windows_apply(state *store, const char *name, gw_str text, const windows_act *act,
                      gw_arena *arena, bool *ret_changed, gw_err *err)
{
    GW_AUTO(house_windows_free) house_windows *h = NULL;
    GW_AUTO(house_windows_free) house_windows *before = NULL;
    GW_AUTO_BUF gw_buf stored;
    state_hash control;
    gw_err old = {0};
    gw_buf_init(&stored, STORED_MAX);
    gw_code rc = house_windows_parse(name, text, &h, err);
    if (rc == GW_OK)
        rc = state_control_get(store, arena, &control, err);
    if (rc != GW_OK)
        return rc;
    gw_code readable = windows_read(windows_in_force(&control), &before, &old);
    *ret_changed = readable != GW_OK || !before ||
                   strcmp(house_windows_hash(before), house_windows_hash(h)) != 0;
    if (!*ret_changed)
        return GW_OK;
    put_stored(&stored, act, h);
    rc = gw_buf_code(&stored, "the windows", err);
    /* The record first: what is in force was always announced in the log before. */
    if (rc == GW_OK)
        rc = record(store, act, before, h, gw_buf_str(&stored), err);
    if (rc == GW_OK)
        rc = state_control_set(store, GW_STR(WINDOWS_FIELD), gw_buf_str(&stored), err);
    return rc;
}
