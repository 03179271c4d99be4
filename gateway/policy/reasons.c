/* reasons.c - what each reason code means, for people. */
#include "gateway/policy/policy.h"

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
    {"hold-minor", "The debtor is said to be a minor.",
     "Talk to the legal guardian only; release the hold when the age is proven."},
    {"hold-review", "Somebody wrote words that a person must read first.",
     "Read the reply (`dunlin reply list`), act on it, then release the hold with the reason."},
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
    {"rules-unreadable",
     "The rules in force cannot be read from the store, or are not signed as they must be.",
     "Look at the gateway's log, then put good rules in force with `dunlin rules apply`."},
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
    {"draft-only", "Only rules that nobody has verified (draft) would allow this.",
     "Have counsel check the pack's numbers, clear the draft mark and sign the pack."},
    {"number-region-unknown", "The region of the number is not known, so neither is its clock.",
     "Add its prefix to config/rules/regions, or use another channel."},
    {"calendar-unknown", "The calendar of the rules does not know that year.",
     "Add the year's holidays to the calendar in config/calendars."},
    {"cool-down", "There was a conversation; the rules ask for some days of rest after it.",
     "Wait until the days have passed."},
    {"too-many-caps", "More caps apply than one contact can reserve at once.",
     "Merge caps of the packs that apply; `dunlin explain` lists them."},
    {"no-window", "No rule pack opens a window for this channel.",
     "Add a windows row for the channel to a rule pack."},
    {"no-time-left", "No allowed moment is left before it expires.",
     "Submit it again with a later not_after."},
    {"holiday", "It is a holiday in the calendar of the rules.", "Wait for the next working day."},
    {"cap-reached", "The debtor has had as many contacts on these days as the cap allows.",
     "Wait for a day with room; caps are never lifted for one reminder."},
};

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
