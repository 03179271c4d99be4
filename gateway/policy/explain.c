#include "gateway/base/json.h"
#include "gateway/base/time.h"
#include "gateway/policy/policy.h"

static const char *const verdict_names[] = {"allow", "later", "hold", "withdraw", "refuse"};
static const char *const check_names[] = {"pass", "limit", "hold", "withdraw", "refuse"};

static const struct {
    const char *why, *sentence, *remedy;
} reasons[] = {
    {"clock-unsure", "The gateway's clock cannot be trusted.",
     "Set the machine's time, then let the gateway check it again."},
    {"paused", "An operator has paused this.", "Resume it when the reason for the pause is gone."},
    {"paid", "The item is paid.", "Nothing to do."},
    {"disputed", "The debtor disputes the item.", "Settle the dispute and mark it resolved."},
    {"hold-dispute", "The debtor is on hold: dispute.", "Release the hold once it is settled."},
    {"hold-cease-contact", "The debtor asked not to be contacted.",
     "Respect it; only a release by compliance ends this hold."},
    {"hold-lawyer", "The debtor is represented by a lawyer.",
     "Write to the lawyer outside the gateway."},
    {"hold-insolvency", "The debtor is insolvent.", "File the claim with the administrator."},
    {"hold-deceased", "The debtor has died.", "Hand the case to compliance."},
    {"hold-vulnerable", "The debtor is marked vulnerable.",
     "Let a person decide how to go on, then release the hold."},
    {"hold-legal", "The case is on legal hold.", "Wait for compliance to release it."},
    {"hold-other", "The debtor is on hold.", "Look at the hold's reason and release it."},
    {"promise", "The debtor has promised to pay; the promise and its grace still run.",
     "Wait; reminders go on by themselves when the promise is broken."},
    {"not-before", "It is not to go out before its start.", "Wait."},
    {"expired", "Its last sensible moment has passed.", "Submit a new reminder if one is needed."},
    {"zone-unknown", "The debtor's time zone is not known, so neither are its quiet hours.",
     "Send the debtor again with a zone such as Europe/Berlin."},
    {"role-unknown", "The debtor's role is not known.",
     "Send the debtor again with role company, consumer or guarantor."},
    {"no-rules", "No rule pack covers a debtor of this role.",
     "Add a rule pack for this role to config/rules."},
    {"third-party", "A recipient is neither the debtor nor a contact the debtor designated.",
     "None: third parties are not contacted about a debt."},
    {"no-recipient", "There is no usable recipient for this channel.",
     "Add a designated contact with an address for the channel."},
    {"too-many-recipients", "There are more recipients than a reminder may have.",
     "Name fewer contacts."},
    {"address-leaked", "The address was once seen to reach a third party.",
     "Never use it again; ask the debtor for another one."},
    {"address-unverified", "It is not verified that this address is the debtor's.",
     "Verify the address with the debtor, then send the debtor again."},
    {"suppressed-legal", "The address is on the list of those who must never be contacted.",
     "None: such an entry does not expire."},
    {"suppressed-bounce", "Messages to this address came back.",
     "Ask the debtor for a working address, or wait for the suppression to end."},
    {"content-blocked", "The content guard found text that must not be sent.",
     "Mend the template; `dunlin template lint` shows where."},
    {"provider-forbids", "The provider must not carry this kind of text to this country.",
     "Use another channel, or a provider whose terms allow it."},
    {"debtor-hours", "The debtor asked not to be contacted at this time.",
     "Wait for the hours the debtor named."},
    {"operator-hours", "It is outside the send window of this source, ladder or template.",
     "Wait, or change the window with `dunlin window apply`."},
    {"nothing-to-confirm", "There is no opt-out that waits for its confirmation.",
     "Nothing to do: an opt-out is confirmed exactly once."},
    {"opted-out", "The recipient has withdrawn consent for this address.",
     "Use another channel; only a new consent changes this."},
    {"consent-missing", "This channel needs consent, and none is recorded for the address.",
     "Record the consent with its source, or use another channel."},
    {"consent-rule-missing", "No rule pack says what consent this channel needs.",
     "Add a consent row for the channel to a rule pack."},
    {"template-unknown", "The template is not known to this gateway.",
     "Publish the template, or correct its name."},
    {"channel-unknown", "The channel is not known.", "Use email, sms or voice."},
    {"channel-unavailable", "No worker serves this channel.", "Start a worker for the channel."},
    {"outside-window", "It is outside the hours in which this channel may be used.",
     "Wait for the next window."},
    {"no-window", "No rule pack opens a window for this channel.",
     "Add a windows row for the channel to a rule pack."},
    {"no-time-left", "No allowed moment is left before it expires.",
     "Submit it again with a later not_after."},
    {"holiday", "It is a holiday in the calendar of the rules.", "Wait for the next working day."},
    {"cap-reached", "The debtor has had as many contacts on these days as the cap allows.",
     "Wait for a day with room; caps are never lifted for one reminder."},
};

const char *policy_verdict_name(policy_verdict v)
{
    return (unsigned)v < GW_COUNT(verdict_names) ? verdict_names[v] : "?";
}

const char *policy_check_verdict_name(policy_check_verdict v)
{
    return (unsigned)v < GW_COUNT(check_names) ? check_names[v] : "?";
}

const char *policy_why_sentence(const char *why)
{
    for (size_t i = 0; i < GW_COUNT(reasons); i++)
        if (strcmp(reasons[i].why, why) == 0)
            return reasons[i].sentence;
    return "";
}

const char *policy_why_remedy(const char *why)
{
    for (size_t i = 0; i < GW_COUNT(reasons); i++)
        if (strcmp(reasons[i].why, why) == 0)
            return reasons[i].remedy;
    return "";
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
    return gw_buf_puts(out, "]}");
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
    }
    return gw_buf_printf(out, "Rules: %s\n", d->pack_hash);
}
