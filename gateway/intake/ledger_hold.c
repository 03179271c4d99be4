/* ledger_hold.c - what stops every contact of a debtor, and the hours it stated. */
#include "gateway/intake/ledger_part.h"

#include "gateway/policy/hours.h"
#include "gateway/wire/event.h"

/* ---- holds ---- */

gw_code ledger_hold(const fold *f)
{
    static const char *const members[] = {"state", "until", "by", "reason"};
    gw_str kind = json_get_str(f->body, 0, "kind");
    bool set = gw_str_is(json_get_str(f->body, 0, "state"), "set");
    stored old;
    gw_code rc = part_read(f, &f->debtor->debtor, "h:", kind, &old);
    if (rc != GW_OK || part_find_act(f, &old) != NEW_ACT)
        return rc;
    if (!set && !json_get_str(f->body, 0, "reason").n)
        return part_reject(f, "invalid",
                           "releasing a hold is an act with a name and a reason; say why it may be "
                           "released",
                           "/reason");
    PART_BUF(object);
    PART_BUF(fact);
    PART_BUF(priv);
    for (size_t i = 0; i < GW_COUNT(members); i++)
        part_copy(f, &object, members[i]);
    json_put_member_int(&object, "rx", f->event->now.ms);
    part_put_seen(f, &object, &old);
    part_copy(f, &fact, "kind");
    part_copy(f, &fact, "state");
    part_copy(f, &fact, "until");
    part_copy(f, &priv, "id");
    part_copy(f, &priv, "by");
    part_copy(f, &priv, "reason");
    rc = part_set_debtor(f, "h:", kind, &object);
    return rc == GW_OK
               ? part_record(f, EVENT_HOLD, GW_STR(""), set ? "set" : "released", &fact, &priv)
               : rc;
}

/* ---- hours the debtor stated ---- */

static const char *wrong_hours(const fold *f)
{
    int from = hours_minute(json_get_str(f->body, 0, "from"));
    int to = hours_minute(json_get_str(f->body, 0, "to"));
    if (from < 0)
        return "/from";
    return to < 0 || to <= from ? "/to" : NULL;
}

gw_code ledger_hours(const fold *f)
{
    static const char *const members[] = {"state", "use", "channel", "days",
                                          "from",  "to",  "by",      "reason"};
    gw_str name = json_get_str(f->body, 0, "hours");
    bool set = gw_str_is(json_get_str(f->body, 0, "state"), "set");
    stored old;
    gw_code rc = part_read(f, &f->debtor->debtor, "w:", name, &old);
    if (rc != GW_OK || part_find_act(f, &old) != NEW_ACT)
        return rc;
    const char *wrong = set ? wrong_hours(f) : NULL;
    if (wrong)
        return part_reject(f, "invalid",
                           "hours are local times like 09:00, to later than from, at most 24:00; a "
                           "window over midnight is two windows",
                           wrong);
    if (set && !json_get_str(f->body, 0, "use").n)
        return part_reject(f, "invalid", "say whether these hours are the only ones, or never",
                           "/use");
    PART_BUF(object);
    PART_BUF(fact);
    PART_BUF(priv);
    for (size_t i = 0; i < GW_COUNT(members); i++)
        part_copy(f, &object, members[i]);
    json_put_member_int(&object, "rx", f->event->now.ms);
    part_put_seen(f, &object, &old);
    part_copy(f, &fact, "state");
    part_copy(f, &fact, "use");
    part_copy(f, &fact, "channel");
    part_copy(f, &fact, "from");
    part_copy(f, &fact, "to");
    part_copy(f, &priv, "id");
    part_copy(f, &priv, "hours");
    part_copy(f, &priv, "days");
    part_copy(f, &priv, "by");
    part_copy(f, &priv, "reason");
    rc = part_set_debtor(f, "w:", name, &object);
    return rc == GW_OK
               ? part_record(f, EVENT_HOURS, GW_STR(""), set ? "set" : "released", &fact, &priv)
               : rc;
}
