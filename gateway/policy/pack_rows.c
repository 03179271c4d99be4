/* pack_rows.c - the lists of a rule pack: each row a number and where it comes from. */
#include "gateway/policy/note.h"
#include "gateway/policy/pack.h"

enum { CHANNELS_AND_ALL = POLICY_CHANNEL_COUNT + 1 };

/* In the order of policy_channel; "*", all of them, last. */
static const char *const channels[CHANNELS_AND_ALL] = {"email", "sms",  "voice", "letter",
                                                       "visit", "desk", "*"};

static gw_code need_channel(const json_doc *d, uint32_t row, const char *member, bool all,
                            policy_channel *ret, gw_err *err)
{
    size_t i = 0;
    gw_code rc = json_need_choice(d, row, member, channels,
                                  all ? CHANNELS_AND_ALL : POLICY_CHANNEL_COUNT, &i, err);
    *ret = (policy_channel)i;
    return rc;
}

static gw_code need_text(const json_doc *d, uint32_t row, const char *member, const char **ret,
                         gw_err *err)
{
    gw_str s;
    gw_code rc = json_need_str(d, row, member, PACK_NOTE_MAX, &s, err);
    if (rc == GW_OK)
        *ret = gw_arena_copy(d->arena, s);
    return rc == GW_OK && !*ret ? gw_fail(err, GW_ENOMEM, "out of memory") : rc;
}

static gw_code maybe_text(const json_doc *d, uint32_t row, const char *member,
                          const char *otherwise, const char **ret, gw_err *err)
{
    *ret = otherwise;
    return json_member(d, row, member) ? need_text(d, row, member, ret, err) : GW_OK;
}

/* ---- windows ---- */

static bool clock_minutes(gw_str s, int *ret)
{
    if (s.n != 5 || s.p[2] != ':')
        return false;
    for (size_t i = 0; i < 5; i++)
        if (i != 2 && (s.p[i] < '0' || s.p[i] > '9'))
            return false;
    int h = (s.p[0] - '0') * 10 + s.p[1] - '0';
    int m = (s.p[3] - '0') * 10 + s.p[4] - '0';
    if (m > 59 || h * 60 + m > ZONE_DAY_MINUTES)
        return false;
    *ret = h * 60 + m;
    return true;
}

static gw_code need_clock(const json_doc *d, uint32_t row, const char *member, int *ret,
                          gw_err *err)
{
    gw_str s;
    gw_code rc = json_need_str(d, row, member, 5, &s, err);
    if (rc == GW_OK && !clock_minutes(s, ret))
        rc = json_fail(d, json_member(d, row, member), err,
                       "a clock time from 00:00 to 24:00 is expected");
    return rc;
}

static gw_code need_days(const json_doc *d, uint32_t row, uint8_t *ret, gw_err *err)
{
    static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday"};
    uint32_t list;
    uint8_t bits = 0;
    gw_code rc = json_need_array(d, row, "days", GW_COUNT(names), &list, err);
    if (rc != GW_OK)
        return rc;
    for (uint32_t e = json_first(list); e < json_at(d, list)->next; e = json_at(d, e)->next) {
        size_t i = 0;
        while (i < GW_COUNT(names) &&
               !(json_kind_of(d, e) == JSON_STRING && gw_str_is(json_str(d, e), names[i])))
            i++;
        if (i == GW_COUNT(names) || (bits & (1U << i)))
            return json_fail(d, e, err, "each of mon tue wed thu fri sat sun holiday at most once");
        bits |= (uint8_t)(1U << i);
    }
    if (bits == 0)
        return json_fail(d, list, err, "name at least one day");
    *ret = bits;
    return GW_OK;
}

static gw_code read_window(const json_doc *d, uint32_t row, pack *p, gw_err *err)
{
    static const char *const members[] = {"!channel", "!days", "!from", "!to", NOTE_MEMBERS};
    policy_channel channel = POLICY_EMAIL;
    int from = 0;
    int to = 0;
    pack_window w = {.weekdays = 0};
    gw_code rc = json_check_members(d, row, members, GW_COUNT(members), err);
    if (rc == GW_OK)
        rc = need_channel(d, row, "channel", false, &channel, err);
    if (rc == GW_OK)
        rc = need_days(d, row, &w.weekdays, err);
    if (rc == GW_OK)
        rc = need_clock(d, row, "from", &from, err);
    if (rc == GW_OK)
        rc = need_clock(d, row, "to", &to, err);
    if (rc == GW_OK)
        rc = note_read(d, row, &w.draft, err);
    if (rc != GW_OK)
        return rc;
    if (from >= to)
        return json_fail(d, row, err,
                         "\"from\" must be before \"to\"; split a window over midnight into two");
    if (p->window_n[channel] == POLICY_WINDOWS_MAX)
        return json_fail(d, row, err, "more than %d windows for a channel", POLICY_WINDOWS_MAX);
    w.from = (int16_t)from;
    w.to = (int16_t)to;
    p->opens[channel] = p->opens[channel] || !w.draft;
    p->draft = p->draft || w.draft;
    p->windows[channel][p->window_n[channel]++] = w;
    return GW_OK;
}

/* ---- caps ---- */

static gw_code read_span(const json_doc *d, uint32_t row, pack_cap *c, gw_err *err)
{
    static const char *const periods[] = {"day"};
    int64_t span = 1;
    size_t i;
    int said = (json_member(d, row, "per") != 0) + (json_member(d, row, "days") != 0) +
               (json_member(d, row, "hours") != 0);
    if (said != 1)
        return json_fail(d, row, err, "one of \"per\", \"days\" and \"hours\" is expected");
    c->hourly = json_member(d, row, "hours") != 0;
    gw_code rc = json_member(d, row, "per")
                     ? json_need_choice(d, row, "per", periods, GW_COUNT(periods), &i, err)
                 : c->hourly ? json_need_int(d, row, "hours", 1, POLICY_CAP_HOURS_MAX, &span, err)
                             : json_need_int(d, row, "days", 1, POLICY_CAP_DAYS_MAX, &span, err);
    c->span = (int16_t)span;
    return rc;
}

static gw_code read_scope(const json_doc *d, uint32_t row, bool person, policy_scope *ret,
                          gw_err *err)
{
    static const char *const names[] = {"sender", "channel", "debt", "person"};
    static const policy_scope scopes[] = {POLICY_OF_SENDER, POLICY_OF_SENDER, POLICY_OF_DEBT,
                                          POLICY_OF_PERSON};
    size_t i = 0;
    if (!json_member(d, row, "scope"))
        return GW_OK;
    gw_code rc = json_need_choice(d, row, "scope", names, person ? 4 : 3, &i, err);
    *ret = scopes[i];
    return rc;
}

static bool same_cap(const pack_cap *a, const pack_cap *b)
{
    return a->channel == b->channel && a->counting == b->counting && a->scope == b->scope &&
           a->hourly == b->hourly && a->span == b->span;
}

static gw_code read_cap(const json_doc *d, uint32_t row, pack *p, gw_err *err)
{
    static const char *const members[] = {"!field", "!max",  "per",   "days",
                                          "hours",  "count", "scope", NOTE_MEMBERS};
    static const char *const countings[] = {"placed", "answered", "effective"};
    pack_cap c = {.scope = POLICY_OF_SENDER};
    size_t counting = 0;
    gw_code rc = json_check_members(d, row, members, GW_COUNT(members), err);
    if (rc == GW_OK)
        rc = need_channel(d, row, "field", true, &c.channel, err);
    if (rc == GW_OK)
        rc = json_need_int(d, row, "max", 0, 1000, &c.max, err);
    if (rc == GW_OK)
        rc = read_span(d, row, &c, err);
    if (rc == GW_OK && json_member(d, row, "count"))
        rc = json_need_choice(d, row, "count", countings, GW_COUNT(countings), &counting, err);
    if (rc == GW_OK)
        rc = read_scope(d, row, true, &c.scope, err);
    if (rc == GW_OK)
        rc = note_read(d, row, &c.draft, err);
    if (rc != GW_OK)
        return rc;
    c.counting = (policy_counting)counting;
    for (size_t i = 0; i < p->cap_n; i++)
        if (same_cap(&p->caps[i], &c))
            return json_fail(d, row, err, "a second cap for the same count");
    p->draft = p->draft || c.draft;
    p->caps[p->cap_n++] = c;
    return GW_OK;
}

static gw_code read_cool_down(const json_doc *d, uint32_t row, pack *p, gw_err *err)
{
    static const char *const members[] = {"!field", "!days", "scope", NOTE_MEMBERS};
    pack_cool_down c = {.scope = POLICY_OF_SENDER};
    int64_t days = 0;
    gw_code rc = json_check_members(d, row, members, GW_COUNT(members), err);
    if (rc == GW_OK)
        rc = need_channel(d, row, "field", true, &c.channel, err);
    if (rc == GW_OK)
        rc = json_need_int(d, row, "days", 1, 366, &days, err);
    if (rc == GW_OK)
        rc = read_scope(d, row, false, &c.scope, err);
    if (rc == GW_OK)
        rc = note_read(d, row, &c.draft, err);
    if (rc != GW_OK)
        return rc;
    c.days = (int16_t)days;
    p->draft = p->draft || c.draft;
    p->cool_downs[p->cool_down_n++] = c;
    return GW_OK;
}

/* ---- consent and addresses ---- */

static gw_code read_consent(const json_doc *d, uint32_t row, pack *p, gw_err *err)
{
    static const char *const members[] = {"!channel", "!mode", "purpose", "dialled", NOTE_MEMBERS};
    static const char *const dialled[] = {"machine"};
    static const char *const modes[] = {"opt-out", "opt-in"};
    pack_consent_row c = {.mode = PACK_CONSENT_SILENT};
    size_t mode = 0, only;
    gw_code rc = json_check_members(d, row, members, GW_COUNT(members), err);
    if (rc == GW_OK)
        rc = need_channel(d, row, "channel", false, &c.channel, err);
    if (rc == GW_OK)
        rc = json_need_choice(d, row, "mode", modes, GW_COUNT(modes), &mode, err);
    if (rc == GW_OK)
        rc = maybe_text(d, row, "purpose", NULL, &c.purpose, err);
    c.machine = json_member(d, row, "dialled") != 0;
    if (rc == GW_OK && c.machine)
        rc = json_need_choice(d, row, "dialled", dialled, GW_COUNT(dialled), &only, err);
    if (rc == GW_OK)
        rc = note_read(d, row, &c.draft, err);
    if (rc != GW_OK)
        return rc;
    for (size_t i = 0; i < p->consent_n; i++)
        if (p->consents[i].channel == c.channel &&
            gw_str_eq(gw_str_of(p->consents[i].purpose), gw_str_of(c.purpose)))
            return json_fail(d, row, err, "a second consent mode for the same channel");
    c.mode = mode == 0 ? PACK_CONSENT_OPT_OUT : PACK_CONSENT_OPT_IN;
    p->draft = p->draft || c.draft;
    p->consents[p->consent_n++] = c;
    return GW_OK;
}

static gw_code read_verified(const json_doc *d, uint32_t row, pack *p, gw_err *err)
{
    static const char *const members[] = {"!channel", NOTE_MEMBERS};
    pack_verified *v = &p->verified[p->verified_n];
    gw_code rc = json_check_members(d, row, members, GW_COUNT(members), err);
    if (rc == GW_OK)
        rc = need_channel(d, row, "channel", false, &v->channel, err);
    if (rc == GW_OK)
        rc = note_read(d, row, &v->draft, err);
    p->draft = p->draft || v->draft;
    p->verified_n += rc == GW_OK;
    return rc;
}

/* ---- what the message must say, how long it is kept ---- */

static gw_code read_content(const json_doc *d, uint32_t row, pack *p, gw_err *err)
{
    static const char *const members[] = {"!channel", "!need", "text", NOTE_MEMBERS};
    policy_required *r = &p->required[p->required_n];
    gw_code rc = json_check_members(d, row, members, GW_COUNT(members), err);
    if (rc == GW_OK)
        rc = need_channel(d, row, "channel", true, &r->channel, err);
    if (rc == GW_OK)
        rc = need_text(d, row, "need", &r->need, err);
    if (rc == GW_OK)
        rc = maybe_text(d, row, "text", "", &r->text, err);
    if (rc == GW_OK)
        rc = note_read(d, row, &r->draft, err);
    r->pack = p->id;
    p->draft = p->draft || r->draft;
    p->required_n += rc == GW_OK;
    return rc;
}

static gw_code read_opt_out(const json_doc *d, uint32_t row, pack *p, gw_err *err)
{
    static const char *const members[] = {"!channel", "!locale", "!wording", "!words",
                                          NOTE_MEMBERS};
    policy_opt_out *o = &p->opt_outs[p->opt_out_n];
    uint32_t list = 0;
    gw_code rc = json_check_members(d, row, members, GW_COUNT(members), err);
    if (rc == GW_OK)
        rc = need_channel(d, row, "channel", false, &o->channel, err);
    if (rc == GW_OK)
        rc = need_text(d, row, "locale", &o->locale, err);
    if (rc == GW_OK)
        rc = need_text(d, row, "wording", &o->wording, err);
    if (rc == GW_OK)
        rc = json_need_array(d, row, "words", POLICY_WORDS_MAX, &list, err);
    if (rc == GW_OK)
        rc = note_read(d, row, &o->draft, err);
    if (rc != GW_OK)
        return rc;
    for (uint32_t e = json_first(list); e < json_at(d, list)->next; e = json_at(d, e)->next) {
        if (json_kind_of(d, e) != JSON_STRING || json_str(d, e).n == 0)
            return json_fail(d, e, err, "a word is expected");
        o->words[o->word_n] = gw_arena_copy(d->arena, json_str(d, e));
        if (!o->words[o->word_n++])
            return gw_fail(err, GW_ENOMEM, "out of memory");
    }
    o->pack = p->id;
    p->draft = p->draft || o->draft;
    p->opt_out_n++;
    return GW_OK;
}

static gw_code read_retention(const json_doc *d, uint32_t row, pack *p, gw_err *err)
{
    static const char *const members[] = {"!class", "!days", NOTE_MEMBERS};
    policy_retention *r = &p->retentions[p->retention_n];
    int64_t days = 0;
    gw_code rc = json_check_members(d, row, members, GW_COUNT(members), err);
    if (rc == GW_OK)
        rc = need_text(d, row, "class", &r->record_class, err);
    if (rc == GW_OK)
        rc = json_need_int(d, row, "days", 1, 36500, &days, err);
    if (rc == GW_OK)
        rc = note_read(d, row, &r->draft, err);
    r->days = (int32_t)days;
    r->pack = p->id;
    p->draft = p->draft || r->draft;
    p->retention_n += rc == GW_OK;
    return rc;
}

static gw_code read_deadline(const json_doc *d, uint32_t row, pack *p, gw_err *err)
{
    static const char *const members[] = {"!name", "!business_days", NOTE_MEMBERS};
    policy_deadline *x = &p->deadlines[p->deadline_n];
    int64_t days = 0;
    gw_code rc = json_check_members(d, row, members, GW_COUNT(members), err);
    if (rc == GW_OK)
        rc = need_text(d, row, "name", &x->name, err);
    if (rc == GW_OK)
        rc = json_need_int(d, row, "business_days", 1, 250, &days, err);
    if (rc == GW_OK)
        rc = note_read(d, row, &x->draft, err);
    if (rc == GW_OK && !p->workdays_id[0])
        rc = json_fail(d, row, err, "business days need a calendar: set \"workdays\"");
    x->business_days = (int)days;
    x->pack = p->id;
    p->draft = p->draft || x->draft;
    p->deadline_n += rc == GW_OK;
    return rc;
}

static const struct {
    const char *member;
    uint32_t max;
    bool needed;
    gw_code (*read)(const json_doc *d, uint32_t row, pack *p, gw_err *err);
} lists[] = {
    {"windows", POLICY_WINDOWS_MAX *POLICY_CHANNEL_COUNT, true, read_window},
    {"caps", POLICY_CAPS_MAX, true, read_cap},
    {"cool_downs", POLICY_ROWS_MAX, false, read_cool_down},
    {"consent", POLICY_ROWS_MAX, true, read_consent},
    {"verified", POLICY_CHANNEL_COUNT, false, read_verified},
    {"content", POLICY_ROWS_MAX, false, read_content},
    {"opt_out", POLICY_ROWS_MAX, false, read_opt_out},
    {"retention", POLICY_ROWS_MAX, false, read_retention},
    {"deadlines", POLICY_ROWS_MAX, false, read_deadline},
};

gw_code pack_read_rows(const json_doc *d, pack *p, gw_err *err)
{
    for (size_t i = 0; i < GW_COUNT(lists); i++) {
        uint32_t list;
        if (!lists[i].needed && !json_member(d, 0, lists[i].member))
            continue;
        gw_code rc = json_need_array(d, 0, lists[i].member, lists[i].max, &list, err);
        for (uint32_t e = json_first(list); rc == GW_OK && e < json_at(d, list)->next;
             e = json_at(d, e)->next)
            rc = lists[i].read(d, e, p, err);
        if (rc != GW_OK)
            return rc;
    }
    return GW_OK;
}
