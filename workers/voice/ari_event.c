#include "workers/voice/ari_event.h"

typedef struct {
    const json_doc *d;
    gw_str channel;
    ari_event *e;
} reading;

static gw_str text_at(const json_doc *d, const char *object, const char *member)
{
    uint32_t node = json_member(d, 0, object);
    return node ? json_get_str(d, node, member) : GW_STR("");
}

static trunk_kind kind_of_state(gw_str state)
{
    if (gw_str_is(state, "Ring") || gw_str_is(state, "Ringing"))
        return TRUNK_RINGING;
    return gw_str_is(state, "Up") ? TRUNK_ESTABLISHED : TRUNK_OTHER;
}

static void on_start(reading *r)
{
    r->e->event.kind = TRUNK_ESTABLISHED;
}

/* Up is said by StasisStart: before that the call is not ours to play to. */
static void on_state(reading *r)
{
    if (kind_of_state(text_at(r->d, "channel", "state")) == TRUNK_RINGING)
        r->e->event.kind = TRUNK_RINGING;
}

static void on_dial(reading *r)
{
    gw_str status = json_get_str(r->d, 0, "dialstatus");
    if (gw_str_is(status, "RINGING") || gw_str_is(status, "PROGRESS"))
        r->e->event.kind = TRUNK_RINGING;
}

static void on_key(reading *r)
{
    gw_str digit = json_get_str(r->d, 0, "digit");
    r->e->event.kind = TRUNK_KEY;
    r->e->event.key = digit.n == 1 ? digit.p[0] : '\0';
}

static void on_talk_begun(reading *r)
{
    r->e->kind = ARI_TALK;
    r->e->on = true;
}

static void on_talk_ended(reading *r)
{
    r->e->kind = ARI_TALK;
}

static void on_played(reading *r)
{
    r->e->kind =
        gw_str_is(text_at(r->d, "playback", "state"), "failed") ? ARI_NOT_PLAYED : ARI_PLAYED;
    r->e->playback = text_at(r->d, "playback", "id");
}

static void on_destroyed(reading *r)
{
    enum { CAUSE_MAX = 127 };
    int64_t cause = json_get_int(r->d, 0, "cause", 0);
    r->e->event.kind = TRUNK_CLOSED;
    r->e->event.cause = cause > 0 && cause <= CAUSE_MAX ? (int)cause : 0;
}

static void on_replaced(reading *r)
{
    r->e->kind = ARI_REPLACED;
}

static const struct {
    const char *type, *object, *id; /* where the channel's name is */
    void (*read)(reading *r);
} types[] = {
    {"StasisStart", "channel", "id", on_start},
    {"ChannelStateChange", "channel", "id", on_state},
    {"Dial", "peer", "id", on_dial},
    {"ChannelDtmfReceived", "channel", "id", on_key},
    {"ChannelTalkingStarted", "channel", "id", on_talk_begun},
    {"ChannelTalkingFinished", "channel", "id", on_talk_ended},
    {"PlaybackFinished", "playback", "target_uri", on_played},
    {"ChannelDestroyed", "channel", "id", on_destroyed},
};

/* "channel:<id>" of a playback, or the id itself. */
static bool is_ours(gw_str name, gw_str channel)
{
    static const char prefix[] = "channel:";
    size_t n = sizeof prefix - 1;
    if (name.n > n && memcmp(name.p, prefix, n) == 0)
        name = (gw_str){name.p + n, name.n - n};
    return channel.n && gw_str_eq(name, channel);
}

gw_code ari_event_read(gw_str json, gw_str channel, gw_arena *arena, ari_event *ret, gw_err *err)
{
    json_doc d;
    gw_code rc = json_parse(json, arena, &d, err);
    if (rc != GW_OK || json_kind_of(&d, 0) != JSON_OBJECT)
        return gw_fail(err, GW_EINVAL, "an event of Asterisk is no JSON object");
    ari_event e = {.kind = ARI_NEWS, .event.kind = TRUNK_OTHER};
    reading r = {&d, channel, &e};
    gw_str type = json_get_str(&d, 0, "type");
    if (gw_str_is(type, "ApplicationReplaced"))
        on_replaced(&r);
    for (size_t i = 0; i < GW_COUNT(types); i++) {
        if (!gw_str_is(type, types[i].type))
            continue;
        e.ours = is_ours(text_at(&d, types[i].object, types[i].id), channel);
        if (e.ours)
            types[i].read(&r);
    }
    *ret = e;
    return GW_OK;
}

gw_code ari_channel_read(gw_str json, gw_arena *arena, trunk_kind *ret, gw_err *err)
{
    json_doc d;
    gw_code rc = json_parse(json, arena, &d, err);
    gw_str state = rc == GW_OK ? json_get_str(&d, 0, "state") : GW_STR("");
    if (state.n == 0)
        return gw_fail(err, GW_EINVAL, "the answer about a call is no channel");
    *ret = kind_of_state(state);
    return GW_OK;
}
