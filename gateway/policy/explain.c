#include "gateway/base/json.h"
#include "gateway/base/time.h"
#include "gateway/policy/pack.h"

enum { STEP_TEXT_MAX = 8 * 1024 };

static const char *const verdict_names[] = {"allow", "later", "hold", "withdraw", "refuse"};
static const char *const check_names[] = {"pass", "limit", "hold", "withdraw", "refuse"};

const char *policy_verdict_name(policy_verdict v)
{
    return (unsigned)v < GW_COUNT(verdict_names) ? verdict_names[v] : "?";
}

const char *policy_check_verdict_name(policy_check_verdict v)
{
    return (unsigned)v < GW_COUNT(check_names) ? check_names[v] : "?";
}

static gw_str utc(int64_t ms, char text[GW_TIME_TEXT])
{
    gw_time_format((gw_wall){ms}, text);
    return (gw_str){text, GW_TIME_TEXT - 1};
}

/* ---- JSON ---- */

static void put_time(gw_buf *out, const char *name, int64_t ms)
{
    char text[GW_TIME_TEXT];
    json_put_member_str(out, name, utc(ms, text));
}

static void put_input(gw_buf *out, const policy_input *in)
{
    switch (in->kind) {
    case POLICY_IN_INT:
        json_put_member_int(out, in->name, in->i);
        return;
    case POLICY_IN_TIME:
        put_time(out, in->name, in->i);
        return;
    case POLICY_IN_MINUTE:
        json_put_name(out, in->name);
        gw_buf_printf(out, "\"%02d:%02d\"", (int)(in->i / 60), (int)(in->i % 60));
        return;
    case POLICY_IN_TEXT:
        json_put_member_str(out, in->name, gw_str_of(in->text));
        return;
    }
}

static void put_check(gw_buf *out, const policy_check *c)
{
    gw_buf_putc(out, '{');
    json_put_member_str(out, "rule", gw_str_of(c->rule));
    json_put_member_str(out, "verdict", gw_str_of(policy_check_verdict_name(c->verdict)));
    if (*c->why)
        json_put_member_str(out, "why", gw_str_of(c->why));
    if (c->next_ms && c->next_ms != INT64_MAX)
        put_time(out, "next", c->next_ms);
    json_put_name(out, "inputs");
    gw_buf_putc(out, '{');
    for (size_t i = 0; i < c->input_n; i++)
        put_input(out, &c->inputs[i]);
    gw_buf_puts(out, "}}");
}

/* ---- what a pack said ---- */

static void put_days(gw_buf *out, unsigned bits)
{
    static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday"};
    if ((bits & 0x7f) == 0x7f)
        gw_buf_puts(out, "daily");
    for (size_t i = (bits & 0x7f) == 0x7f ? 7 : 0; i < GW_COUNT(names); i++)
        if (bits & (1U << i))
            gw_buf_printf(out, "%s%s", out->n && out->data[out->n - 1] == ' ' ? "" : ",", names[i]);
}

static void put_windows(gw_buf *out, const pack *p, policy_channel channel)
{
    for (size_t i = 0; i < p->window_n[channel]; i++) {
        const pack_window *x = &p->windows[channel][i];
        gw_buf_puts(out, i ? ", " : "only ");
        put_days(out, x->weekdays);
        gw_buf_printf(out, " %02d:%02d-%02d:%02d%s", x->from / 60, x->from % 60, x->to / 60,
                      x->to % 60, x->draft ? " (draft)" : "");
    }
    if (p->applies.all_plausible)
        gw_buf_puts(out, ", in every zone its numbers may be in");
}

static void put_cap(gw_buf *out, const pack_cap *c)
{
    static const char *const counts[] = {"contacts", "answered calls", "calls with effective talk"};
    static const char *const scopes[] = {"this sender", "this debt", "this person"};
    gw_buf_printf(out, "at most %lld %s%s%s in %d %s, of %s", (long long)c->max,
                  counts[c->counting], c->channel == POLICY_CHANNEL_COUNT ? "" : " by ",
                  c->channel == POLICY_CHANNEL_COUNT ? "" : policy_channel_name(c->channel),
                  c->span,
                  c->hourly      ? "hours"
                  : c->span == 1 ? "day"
                                 : "days",
                  scopes[c->scope]);
}

static bool rule_is(const policy_step *s, const char *rule)
{
    return strcmp(s->rule, rule) == 0;
}

static void put_says(gw_buf *out, const policy_decision *d, const policy_step *s)
{
    const pack *p = s->pack;
    if (rule_is(s, "role-known"))
        gw_buf_printf(out, "applies: %s", p->title);
    else if (rule_is(s, "address-standing"))
        gw_buf_puts(out, "addresses of this channel must be verified");
    else if (rule_is(s, "consent"))
        gw_buf_puts(out, p->consents[s->row].mode == PACK_CONSENT_OPT_IN
                             ? "only with consent (opt-in)"
                             : "until consent is withdrawn (opt-out)");
    else if (rule_is(s, "content"))
        gw_buf_printf(out, "the message must hold: %s", p->required[s->row].need);
    else if (rule_is(s, "quiet-hours"))
        put_windows(out, p, policy_channel_of(gw_str_of(d->channel)));
    else if (rule_is(s, "holidays"))
        gw_buf_printf(out, "%s of calendar %s",
                      s->row == CALENDAR_UNKNOWN ? "days in years unknown" : "holidays",
                      p->holidays_id);
    else if (rule_is(s, "cool-down"))
        gw_buf_printf(out, "%d days of rest after a conversation about %s",
                      p->cool_downs[s->row].days,
                      p->cool_downs[s->row].scope == POLICY_OF_DEBT ? "this debt" : "any debt");
    else if (rule_is(s, "caps"))
        put_cap(out, &p->caps[s->row]);
}

static void put_step(gw_buf *out, const policy_decision *d, const policy_step *s)
{
    GW_AUTO_BUF gw_buf says;
    gw_buf_init(&says, STEP_TEXT_MAX);
    put_says(&says, d, s);
    gw_buf_putc(out, '{');
    json_put_member_str(out, "rule", gw_str_of(s->rule));
    json_put_member_str(out, "pack", gw_str_of(s->pack->id));
    json_put_member_str(out, "version", gw_str_of(s->pack->version));
    if (s->draft)
        json_put_member_bool(out, "draft", true);
    json_put_member_str(out, "says", gw_buf_str(&says));
    if (s->limits)
        json_put_member_bool(out, "limits", true);
    if (s->next_ms && s->next_ms != INT64_MAX)
        put_time(out, "next", s->next_ms);
    gw_buf_putc(out, '}');
}

static void put_steps(gw_buf *out, const policy_decision *d)
{
    json_put_name(out, "steps");
    gw_buf_putc(out, '[');
    for (size_t i = 0; i < d->step_n; i++) {
        if (i)
            gw_buf_putc(out, ',');
        put_step(out, d, &d->steps[i]);
    }
    gw_buf_putc(out, ']');
}

gw_code policy_explain_json(const policy_decision *d, gw_buf *out)
{
    gw_buf_putc(out, '{');
    json_put_member_str(out, "verdict", gw_str_of(policy_verdict_name(d->verdict)));
    json_put_member_str(out, "rule", gw_str_of(d->rule));
    json_put_member_str(out, "why", gw_str_of(d->why));
    json_put_member_str(out, "sentence", gw_str_of(policy_why_sentence(d->why)));
    json_put_member_str(out, "remedy", gw_str_of(policy_why_remedy(d->why)));
    put_time(out, "now", d->now.ms);
    if (d->next_ms)
        put_time(out, "next", d->next_ms);
    if (d->window_end_ms)
        put_time(out, "window_end", d->window_end_ms);
    if (d->zone)
        json_put_member_str(out, "zone", gw_str_of(zone_name(d->zone)));
    json_put_member_str(out, "packs", gw_str_of(d->pack_hash));
    json_put_name(out, "allowed");
    gw_buf_putc(out, '[');
    for (size_t i = 0; i < d->allowed_n; i++) {
        char from[GW_TIME_TEXT];
        char to[GW_TIME_TEXT];
        utc(d->allowed[i].from_ms, from);
        utc(d->allowed[i].to_ms, to);
        gw_buf_printf(out, "%s[\"%s\",\"%s\"]", i ? "," : "", from, to);
    }
    gw_buf_putc(out, ']');
    json_put_name(out, "checks");
    gw_buf_putc(out, '[');
    for (size_t i = 0; i < d->check_n; i++) {
        if (i)
            gw_buf_putc(out, ',');
        put_check(out, &d->checks[i]);
    }
    gw_buf_putc(out, ']');
    put_steps(out, d);
    return gw_buf_putc(out, '}');
}

/* ---- text ---- */

static void put_local(gw_buf *out, const zone *z, int64_t ms)
{
    char text[GW_TIME_TEXT];
    if (!z) {
        utc(ms, text);
        gw_buf_puts(out, text);
        return;
    }
    static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    zone_time t = zone_local(z, (gw_wall){ms});
    char date[GW_DATE_TEXT];
    int offset = t.offset_s < 0 ? -t.offset_s : t.offset_s;
    gw_date_format(t.day, date);
    gw_buf_printf(out, "%s %s %02d:%02d (%s, UTC%c%02d:%02d)", days[gw_day_weekday(t.day) - 1],
                  date, t.minute / 60, t.minute % 60, zone_name(z), t.offset_s < 0 ? '-' : '+',
                  offset / 3600, offset / 60 % 60);
}

static void put_text_input(gw_buf *out, const policy_input *in, const zone *z)
{
    gw_buf_printf(out, " %s=", in->name);
    switch (in->kind) {
    case POLICY_IN_INT:
        gw_buf_printf(out, "%lld", (long long)in->i);
        return;
    case POLICY_IN_TIME:
        put_local(out, z, in->i);
        return;
    case POLICY_IN_MINUTE:
        gw_buf_printf(out, "%02d:%02d", (int)(in->i / 60), (int)(in->i % 60));
        return;
    case POLICY_IN_TEXT:
        gw_buf_puts(out, in->text);
        return;
    }
}

static void put_head(gw_buf *out, const policy_decision *d)
{
    static const char *const heads[] = {"It may go out now.", "Not now, but later.",
                                        "On hold until something changes.", "Withdrawn.",
                                        "Refused for good."};
    gw_buf_printf(out, "%s", heads[d->verdict]);
    if (*d->why)
        gw_buf_printf(out, " %s (%s, rule %s)\nWhat to do: %s", policy_why_sentence(d->why), d->why,
                      d->rule, policy_why_remedy(d->why));
    gw_buf_puts(out, "\nNow it is ");
    put_local(out, d->zone, d->now.ms);
    gw_buf_puts(out, ".\n");
    if (d->verdict == POLICY_LATER)
        gw_buf_puts(out, "First permitted moment: ");
    if (d->verdict == POLICY_HOLD && d->next_ms)
        gw_buf_puts(out, "It is looked at again: ");
    if (d->verdict == POLICY_LATER || (d->verdict == POLICY_HOLD && d->next_ms)) {
        put_local(out, d->zone, d->next_ms);
        gw_buf_putc(out, '\n');
    }
}

/* Below its rule, what each pack said to it. */
static void put_text_steps(gw_buf *out, const policy_decision *d, const char *rule)
{
    for (size_t i = 0; i < d->step_n; i++) {
        const policy_step *s = &d->steps[i];
        if (!rule_is(s, rule))
            continue;
        gw_buf_printf(out, "             %s %s%s: ", s->pack->id, s->pack->version,
                      s->draft ? " (draft)" : "");
        put_says(out, d, s);
        if (s->limits && s->next_ms != INT64_MAX) {
            gw_buf_puts(out, ", leaves it from ");
            put_local(out, d->zone, s->next_ms);
        } else if (s->limits) {
            gw_buf_puts(out, ", leaves nothing");
        }
        gw_buf_putc(out, '\n');
    }
}

gw_code policy_explain_text(const policy_decision *d, gw_buf *out)
{
    put_head(out, d);
    for (size_t i = 0; i < d->check_n; i++) {
        const policy_check *c = &d->checks[i];
        gw_buf_printf(out, "  %-8s %-16s", policy_check_verdict_name(c->verdict), c->rule);
        if (*c->why)
            gw_buf_printf(out, " %s", policy_why_sentence(c->why));
        for (size_t k = 0; k < c->input_n; k++)
            put_text_input(out, &c->inputs[k], d->zone);
        if (c->next_ms && c->next_ms != INT64_MAX) {
            gw_buf_puts(out, " next=");
            put_local(out, d->zone, c->next_ms);
        }
        gw_buf_putc(out, '\n');
        put_text_steps(out, d, c->rule);
    }
    return gw_buf_printf(out, "Rules: %s\n", d->pack_hash);
}
