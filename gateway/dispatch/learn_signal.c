#include "gateway/dispatch/learn_signal.h"

#include "gateway/dispatch/learn.h"
#include "gateway/dispatch/reply.h"

static const int64_t reply_ms[] = {
    [CONTACT_EMAIL] = 72 * 60 * GW_MS_PER_MINUTE,
    [CONTACT_SMS] = 24 * 60 * GW_MS_PER_MINUTE,
    [CONTACT_VOICE] = 0,
};

static bool is_about(const contact *c, gw_str item)
{
    return item.n == 0 || !c->r || c->r->item.n == 0 || gw_str_eq(item, c->r->item);
}

/* When the next contact about the same left, INT64_MAX none. */
static int64_t next_about(const signal_case *k, size_t i)
{
    gw_str item = k->list[i].r ? k->list[i].r->item : (gw_str){NULL, 0};
    for (size_t j = i + 1; j < k->n; j++)
        if (k->list[j].left_ms > k->list[i].left_ms && is_about(&k->list[j], item))
            return k->list[j].left_ms;
    return INT64_MAX;
}

static int64_t next_on_channel(const signal_case *k, size_t i)
{
    for (size_t j = i + 1; j < k->n; j++)
        if (k->list[j].channel == k->list[i].channel && k->list[j].left_ms > k->list[i].left_ms)
            return k->list[j].left_ms;
    return INT64_MAX;
}

/* Money, or a promise of it, that this contact was the last one before. */
static bool is_paid(const signal_case *k, size_t i)
{
    const contact *c = &k->list[i];
    const view_debtor *d = k->d;
    int64_t next = next_about(k, i);
    int64_t end = c->left_ms + LEARN_HORIZON_MS;
    end = next < end ? next : end;
    end = k->now.ms < end ? k->now.ms : end;
    for (size_t p = 0; p < d->payment_n; p++)
        if (is_about(c, d->payments[p].item) && d->payments[p].at_ms > c->left_ms &&
            d->payments[p].at_ms <= end)
            return true;
    for (size_t p = 0; p < d->promise_n; p++) {
        json_doc j;
        if (!is_about(c, d->promises[p].item) ||
            json_parse(d->promises[p].body, k->arena, &j, NULL) != GW_OK)
            continue;
        int64_t at = json_get_int(&j, 0, "rx", 0);
        /* One made in a call was booked in the same moment. */
        if (at >= c->left_ms && at <= end)
            return true;
    }
    return false;
}

/* The first reply to it: when it came, 0 none. Nobody vouches for an unsigned one; whoever says
 * stop has not been reached well. */
static int64_t replied_at(const signal_case *k, size_t i)
{
    static const char *const channels[] = {"email", "sms", "voice"};
    const contact *c = &k->list[i];
    int64_t next = next_on_channel(k, i);
    int64_t end = c->left_ms + reply_ms[c->channel];
    int64_t first = 0;
    end = next < end ? next : end;
    for (size_t f = 0; f < k->d->hash->n; f++) {
        const state_field *field = &k->d->hash->fields[f];
        json_doc j;
        if (field->name.n < sizeof REPLY_FIELD ||
            memcmp(field->name.p, REPLY_FIELD, sizeof REPLY_FIELD - 1) != 0 ||
            json_parse(field->value, k->arena, &j, NULL) != GW_OK)
            continue;
        int64_t at = json_get_int(&j, 0, "at", 0);
        if (at > c->left_ms && at <= end && (!first || at < first) &&
            gw_str_is(json_get_str(&j, 0, "channel"), channels[c->channel]) &&
            !gw_str_is(json_get_str(&j, 0, "authenticity"), "unsigned") &&
            !gw_str_is(json_get_str(&j, 0, "class"), "stop"))
            first = at;
    }
    return first;
}

/* Within the hour it is an answer; later on the same day the hour of the reaction says more. A
 * reply of another day answers the contact, and no more is known about hours. */
static signal_seen answer_of(const signal_case *k, const contact *c, int64_t at)
{
    zone_time from = zone_local(k->zone, (gw_wall){c->left_ms});
    zone_time to = zone_local(k->zone, (gw_wall){at});
    int late = to.minute / 60 - from.minute / 60;
    bool answer = at - c->left_ms < 60 * GW_MS_PER_MINUTE || to.day != from.day || late <= 0 ||
                  late > HISTORY_LATE_MAX;
    return answer ? (signal_seen){RESULT_ANSWER, 0} : (signal_seen){RESULT_LATE, (uint8_t)late};
}

int64_t signal_closes(const signal_case *k, size_t i, signal_seen *ret)
{
    const contact *c = &k->list[i];
    int64_t replies_end = c->left_ms + reply_ms[c->channel];
    int64_t end = c->left_ms + LEARN_HORIZON_MS;
    *ret = (signal_seen){RESULT_NONE, 0};
    if (c->channel == CONTACT_VOICE && c->heard == 'a')
        *ret = (signal_seen){is_paid(k, i) ? RESULT_PAID : RESULT_ANSWER, 0};
    if (c->channel == CONTACT_VOICE)
        return c->left_ms;
    if (is_paid(k, i)) {
        *ret = (signal_seen){RESULT_PAID, 0};
        return c->left_ms;
    }
    int64_t reply = replied_at(k, i);
    if (reply) {
        *ret = answer_of(k, c, reply);
        return replies_end;
    }
    int64_t next = next_about(k, i);
    if (next <= k->now.ms && next < end)
        end = next > replies_end ? next : replies_end;
    return end;
}
