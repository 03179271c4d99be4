"""The independent checker: did what happened obey the promises, and is it what the data demands?

Reads the folder of a run (replay.py, chaos.py write it): what was acknowledged (acks.jsonl), what the
mail server accepted (sink/), what the evidence says (the exported bundles *.zip), what the gateway
itself says at the end (jobs.jsonl); and the shipped rule pack, calendar and ladder as data. It shares
no code with the gateway or with the driver but the reader of the sink's files, and uses Python's own
time zones. Exit code 0 when nothing is violated.

    check.py FOLDER [--self-test]     the self-test tampers with the facts and expects to be told
"""
import argparse
import collections
import copy
import datetime
import email
import email.policy
import email.utils
import json
import os
import sys
import zoneinfo

import bundle
import sink
import suite

UTC = datetime.timezone.utc
FOREVER = datetime.datetime(9999, 1, 1, tzinfo=UTC)
OUTCOMES = ("RelayToNonERDS", "RelayToNonERDSFailure", "x-AttemptUnknown")
MAY_HAVE_LEFT = {"RelayToNonERDS", "x-AttemptUnknown"}


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def jsonc(path):
    """JSON with // comments."""
    out = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            inside = False
            for i, c in enumerate(line):
                if c == '"' and line[i - 1:i] != "\\":
                    inside = not inside
                if not inside and line.startswith("//", i):
                    line = line[:i] + "\n"
                    break
            out.append(line)
    return json.loads("".join(out))


# ---- the rules, as data ----

class Rules:
    WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

    def __init__(self, source):
        pack = jsonc(os.path.join(source, "config", "rules", "default.jsonc"))
        calendar = jsonc(os.path.join(source, "config", "calendars", pack["holidays"] + ".jsonc"))
        self.ladder = jsonc(os.path.join(source, "config", "ladders", "default.jsonc"))
        self.steps = {s["id"]: s for s in self.ladder["steps"]}
        self.holidays = {d["every"] for d in calendar["days"] if "every" in d}
        self.dates = {d["date"] for d in calendar["days"] if "date" in d}
        self.window = {w["channel"]: w for w in pack["windows"]}
        self.caps = {c["field"]: c["max"] for c in pack["caps"]}

    def span(self, channel, day, zone):
        """The permitted span of a local day as two moments, or None."""
        w = self.window[channel]
        if (self.WEEKDAYS[day.weekday()] not in w["days"] or day.strftime("%m-%d") in self.holidays
                or day.isoformat() in self.dates):
            return None
        ends = []
        for text in (w["from"], w["to"]):
            hour, minute = map(int, text.split(":"))
            ends.append(datetime.datetime(day.year, day.month, day.day, hour, minute,
                                          tzinfo=zone).astimezone(UTC))
        return tuple(ends)

    def permits(self, channel, t, zone):
        span = self.span(channel, t.astimezone(zone).date(), zone)
        return span is not None and span[0] <= t < span[1]


# ---- what is known about a run ----

class Item:
    def __init__(self, body, at):
        self.id, self.debtor, self.body, self.at = body["id"], body["debtor"], body, at
        self.due = datetime.date.fromisoformat(body["due"])
        self.paid_at = FOREVER
        self.disputes = [[at, FOREVER]] if body.get("state") == "disputed" else []

    def disputed_at(self, t):
        return any(a <= t < b for a, b in self.disputes)


class Run:
    """Everything the checker looks at, as plain values, so that the self-test can bend them."""

    def __init__(self, folder):
        self.debtors, self.items, self.jobs_acked = {}, {}, {}
        self.events = collections.Counter()
        with open(os.path.join(folder, "acks.jsonl"), encoding="utf-8") as file:
            for line in file:
                self.take(json.loads(line))
        self.mails = sink.mails(folder)
        self.records = bundle.read_all(folder)
        self.jobs = []
        path = os.path.join(folder, "jobs.jsonl")
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                self.jobs = [json.loads(line) for line in file]

    def take(self, ack):
        if ack["answer"]["verdict"] not in ("accepted", "duplicate"):
            return
        body, verb = ack["body"], ack["verb"]
        at = moment(ack["clock"]) if ack.get("clock") else None
        self.events[verb] += 1
        if verb == "debtor":
            self.debtors[body["id"]] = body
        elif verb == "item":
            self.items[body["id"]] = Item(body, at)
        elif verb == "payment":
            self.items[body["item"]].paid_at = at
        elif verb == "dispute" and body["state"] == "open":
            self.items[body["item"]].disputes.append([at, FOREVER])
        elif verb == "dispute":
            self.items[body["item"]].disputes[-1][1] = at
        elif verb == "submit":
            self.jobs_acked[ack["answer"]["receipt"]] = body


class Facts:
    """The run, looked up the ways the rules need it."""

    def __init__(self, run, rules):
        self.run, self.rules = run, rules
        self.zone = {d: zoneinfo.ZoneInfo(b["zone"]) for d, b in run.debtors.items()}
        self.by_rid = collections.defaultdict(list)
        self.by_case = collections.defaultdict(list)
        for r in run.records:
            self.by_case[r.case].append(r)
            if r.rid:
                self.by_rid[r.rid].append(r)
        for records in self.by_case.values():
            records.sort(key=lambda r: r.cseq)
        self.step_of = {}  # rid -> (item, step)
        self.rid_of = {}
        for job in run.jobs:
            parts = job["job"].split("#")
            if len(parts) == 3 and parts[0] in run.items:
                self.step_of[job["receipt"]] = (run.items[parts[0]], parts[2])
                self.rid_of[(parts[0], parts[2])] = job["receipt"]
        self.state_of = {j["receipt"]: j["state"] for j in run.jobs}
        self.intents = [r for r in run.records if r.ev == "x-AttemptIntent"]
        self.sent_days = collections.Counter()
        for r in self.intents:
            if self.outcomes_of(r) & MAY_HAVE_LEFT:
                debtor = self.debtor_of(r.rid)
                if debtor:
                    self.sent_days[debtor, r.t.astimezone(self.zone[debtor]).date()] += 1

    def debtor_of(self, rid):
        if rid in self.step_of:
            return self.step_of[rid][0].debtor
        job = self.run.jobs_acked.get(rid)
        return job["debtor"] if job else None

    def outcomes_of(self, intent):
        """Events of the records that close an intent. Two, when it was unknown until its worker came
        back and told what became of it."""
        return {r.ev for r in self.by_rid[intent.rid]
                if r.attempt == intent.attempt and r.ev in OUTCOMES}


# ---- the rules of contact ----

def check_mails(f, report):
    """Sink against evidence."""
    by_id = collections.defaultdict(list)
    for m in f.run.mails:
        by_id[(m.header("Message-ID") or "").strip("<>")].append(m)
    for message_id, mails in by_id.items():
        report.check(len(mails) == 1, "no message reached the mail server twice",
                     f"{message_id}: {len(mails)} times")
    intents = collections.defaultdict(list)
    for r in f.intents:
        intents[r.fact.get("message_id")].append(r)
    for message_id, mails in by_id.items():
        found = intents.get(message_id, [])
        if not report.check(found, "every mail has an intent in the evidence", message_id):
            continue
        same = [r for r in found if any(
            c.replace(b"\r\n", b"\n") == mails[0].content for c in r.contents)]
        report.check(same, "the bytes of every mail are those of its intent", message_id)
        report.check(any(f.outcomes_of(r) & MAY_HAVE_LEFT for r in found),
                     "every mail has an outcome that admits it may have left", message_id)
        date = email.utils.parsedate_to_datetime(mails[0].header("Date"))
        report.check(any(abs((date - r.t).total_seconds()) < 60 for r in found),
                     "a mail's Date is the moment of its intent",
                     lambda: f"{message_id}: {date} but {[str(r.t) for r in found]}")
    for r in f.run.records:
        if r.ev == "RelayToNonERDS":
            sent = {i.fact.get("message_id") for i in f.by_rid[r.rid]
                    if i.ev == "x-AttemptIntent" and i.attempt == r.attempt}
            report.check(sent & by_id.keys(), "every delivery in the evidence reached the mail server",
                         f"{r.rid} attempt {r.attempt}")


def check_attempts(f, report):
    """Intent first, then an outcome; chains without gaps."""
    for r in f.intents:
        closing = [o for o in f.by_rid[r.rid] if o.attempt == r.attempt and o.ev in OUTCOMES]
        report.check(closing, "every intent has an outcome record", f"{r.rid} attempt {r.attempt}")
        report.check(all(o.case == r.case and o.cseq > r.cseq for o in closing),
                     "the intent stands before its outcome", f"{r.rid} attempt {r.attempt}")
    for rid, records in f.by_rid.items():
        relayed = [r for r in records if r.ev == "RelayToNonERDS"]
        report.check(len(relayed) <= 1, "no reminder was delivered twice", f"{rid}")
        opened = {r.attempt for r in records if r.ev == "x-AttemptIntent"}
        for r in records:
            if r.ev == "RelayToNonERDS":
                report.check(r.attempt in opened, "no delivery without an intent", f"{rid}")
    for case, records in f.by_case.items():
        good = True
        for i, r in enumerate(records):
            good = good and r.cseq == i + 1 and (i == 0 or r.cprev == records[i - 1].leaf_hash)
        report.check(good, "the records of a case are a chain without gaps", case)


def check_moments(f, report):
    """Never outside the window, after the payment, under a dispute, above the cap."""
    for r in f.intents:
        debtor = f.debtor_of(r.rid)
        if not report.check(debtor, "every intent belongs to an acknowledged item or job", r.rid):
            continue
        zone = f.zone[debtor]
        local = r.t.astimezone(zone)
        report.check(f.rules.permits("email", r.t, zone),
                     "nothing leaves outside the debtor's window", f"{r.rid}: {local}")
        if r.rid not in f.step_of:
            continue
        item, step = f.step_of[r.rid]
        report.check(r.t >= item.at, "nothing leaves before the item is known", f"{item.id} {step}")
        report.check(r.t < item.paid_at, "nothing leaves after the payment",
                     f"{item.id} {step}: {r.t}, paid {item.paid_at}")
        report.check(not item.disputed_at(r.t), "nothing leaves for a disputed item",
                     f"{item.id} {step}: {r.t}")
        paid = [p for p in f.by_case[r.case] if p.ev == "x-Payment"]
        report.check(all(p.cseq > r.cseq for p in paid) or len(f.by_case) == 0,
                     "in the evidence, no intent follows its item's payment", f"{item.id} {step}")
    most = min(f.rules.caps.get("*", 10 ** 9), f.rules.caps.get("email", 10 ** 9))
    for (debtor, day), n in f.sent_days.items():
        report.check(n <= most, "the daily cap of a debtor is kept", f"{debtor} {day}: {n}")


def address_of(debtor, role):
    for c in debtor["contacts"]:
        if c["role"] == role and c.get("email"):
            return c["email"] if c.get("designated") else None
    return None


def check_recipients(f, report):
    """Exactly whom the step names, all of them designated; and the letter is about the item."""
    for m in f.run.mails:
        rid = (m.header("Message-ID") or "").strip("<>").split("@")[0]
        debtor = f.run.debtors.get(f.debtor_of(rid))
        if not debtor:
            continue
        designated = {c["email"] for c in debtor["contacts"] if c.get("designated") and "email" in c}
        report.check(set(m.recipients) <= designated, "only designated contacts get mail", rid)
        report.check(len(set(m.recipients)) == len(m.recipients), "no mailbox gets a mail twice", rid)
        if rid not in f.step_of:
            continue
        item, name = f.step_of[rid]
        step = f.rules.steps[name]
        wanted = {address_of(debtor, r) for r in [step["to"], *step["cc"]]} - {None}
        report.check(set(m.recipients) == wanted, "a step's mail goes to those the ladder names",
                     lambda: f"{item.id} {name}: {sorted(m.recipients)}")
        report.check(about(m, item), "a mail names its item and carries a statement", f"{item.id} {name}")


def about(mail, item):
    """Does it name the item in its text, and carry a statement as PDF?"""
    message = email.message_from_bytes(mail.content, policy=email.policy.default)
    named = item.id in message.get_body(("plain",)).get_content()
    return named and any(p.get_content_type() == "application/pdf"
                         and p.get_content().startswith(b"%PDF-")
                         for p in message.iter_attachments())


# ---- what the data demands ----

SENT, NOT_SENT, EITHER = "sent", "not sent", "either"


class Demand:
    """What must become of one step of one item, worked out from the data and the rules alone. The
    exception is a day on which the cap was used up: that follows from which mail went first, so the
    gateway's recorded refusal is believed, after checking that the cap really was full."""

    def __init__(self, f, item, name, report):
        step = f.rules.steps[name]
        zone = f.zone[item.debtor]
        records = f.by_rid.get(f.rid_of.get((item.id, name)), [])
        self.channel = step["channel"]
        capped = {r.t.astimezone(zone).date() for r in records if r.why == "cap-reached"}
        first = max(item.due + datetime.timedelta(days=step["day"]),
                    datetime.date.fromisoformat(item.body["issued"]))
        if step["kind"] == "task":
            first = max(first, after_gap(f, item, first, zone))
        last = item.due + datetime.timedelta(days=step["day"] + step["valid_days"])
        self.first, self.last = first, last
        self.capped, self.disputed, self.maybe = 0, False, False
        self.verdict, self.why = NOT_SENT, "no day left"
        day = first
        while day <= last:
            if self.look_at(f, item, step, day, zone, capped, report):
                return
            day += datetime.timedelta(days=1)
        if self.maybe:
            self.verdict = EITHER

    def look_at(self, f, item, step, day, zone, capped, report):
        """True when this day settles it."""
        span = f.rules.span(step["channel"], day, zone)
        if span is None:
            return False
        if item.paid_at <= span[0]:
            self.verdict, self.why = (EITHER if self.maybe else NOT_SENT), "paid"
            return True
        open_spans = [span]
        for a, b in item.disputes:
            open_spans = [(x, y) for s, e in open_spans
                          for x, y in ((s, min(e, a)), (max(s, b), e)) if x < y]
        self.disputed = self.disputed or open_spans != [span]
        if not open_spans:
            self.why = "disputed"
            return False
        if day in capped:
            full = min(f.rules.caps["*"], f.rules.caps[self.channel])
            report.check(f.sent_days[item.debtor, day] >= full,
                         "a refusal for the cap stands on a day on which it was used up",
                         f"{item.debtor} {day}")
            self.capped += 1
            self.why = "capped"
            return False
        # Cut short by a dispute or the payment, the moment chosen may lie before or after the cut.
        if open_spans == [span] and item.paid_at >= span[1]:
            self.verdict, self.why = SENT, ""
            return True
        self.maybe = True
        if item.paid_at < span[1]:
            self.verdict, self.why = EITHER, "paid that day"
            return True
        return False


def after_gap(f, item, first, zone):
    """The first day that keeps the ladder's gap to what was sent about the item before."""
    sent = [r.t.astimezone(zone).date() for name in f.rules.steps
            for r in f.by_rid.get(f.rid_of.get((item.id, name)), [])
            if r.ev in ("RelayToNonERDS", "x-AttemptUnknown")]
    gap = datetime.timedelta(days=f.rules.ladder["gap_days"])
    return max([d + gap for d in sent if d <= first], default=first)


def check_task(f, item, name, records, c, report):
    """A step of people: with nobody at the desk it is open exactly when and where rules allow, is
    contacted by no one, and expires on record."""
    what = f"{item.id} {name}"
    opened = [r for r in records if r.ev == "x-Task" and r.why == "opened"]
    c["opened"] += bool(opened)
    report.check(not any(r.ev in ("x-AttemptIntent", *OUTCOMES) for r in records),
                 "nobody is called while nobody works the desk", what)
    for r in opened:
        zone = f.zone[item.debtor]
        report.check(f.rules.permits(f.rules.steps[name]["channel"], r.t, zone),
                     "a task opens inside the debtor's window only",
                     lambda r=r: f"{what}: {r.t.astimezone(zone)}")
        report.check(r.t < item.paid_at and not item.disputed_at(r.t),
                     "no task opens for a paid or disputed item", what)
    demand = Demand(f, item, name, report)
    c["demand " + demand.verdict] += 1
    report.check(demand.verdict != SENT or opened, "every task the data demands was open", what)
    report.check(demand.verdict != NOT_SENT or not opened,
                 "no task was open that the data forbids", lambda: f"{what}: {demand.why}")


def check_demand(f, report):
    """Every step of every item against its demand; counts per step."""
    counts = {name: collections.Counter() for name in f.rules.steps}
    for item in f.run.items.values():
        for name, step in f.rules.steps.items():
            rid = f.rid_of.get((item.id, name))
            records = f.by_rid.get(rid, [])
            what = f"{item.id} {name}"
            c = counts[name]
            c["steps"] += 1
            if not report.check(records or item.paid_at <= item.at,
                                "every step of every item is in the evidence", what):
                continue
            sent = any(r.ev in ("RelayToNonERDS", "x-AttemptUnknown") for r in records)
            ended = [r for r in records if r.ev == "x-Withdrawn"]
            refusals = {r.why for r in records if r.ev == "SubmissionRejection"}
            c["sent"] += sent
            c["withdrawn"] += bool(ended)
            for why in ("disputed", "cap-reached"):
                c[why] += why in refusals
            report.check(not records or sent != bool(ended),
                         "every step is either sent or withdrawn in the end", what)
            if step["kind"] != "send":
                check_task(f, item, name, records, c, report)
                continue
            demand = Demand(f, item, name, report)
            c["demand " + demand.verdict] += 1
            c["moved by cap"] += bool(demand.capped)
            for r in records:
                if r.ev == "x-AttemptIntent":
                    on = r.t.astimezone(f.zone[item.debtor]).date()
                    report.check(demand.first <= on <= demand.last, "a mail leaves on the days of its step",
                                 lambda on=on: f"{what}: {on}")
            report.check(demand.verdict != SENT or sent, "every mail the data demands was sent", what)
            report.check(demand.verdict != NOT_SENT or not sent,
                         "no mail was sent that the data forbids", lambda: f"{what}: {demand.why}")
            if demand.verdict == NOT_SENT and demand.why == "disputed":
                report.check("disputed" in refusals, "what a dispute held is on record as refused",
                             what)
    return counts


def check_acknowledged(f, report):
    """What was acknowledged is in the evidence, and the gateway's own view agrees with it."""
    seen = collections.Counter(r.ev for r in f.run.records)
    for verb, event in (("item", "x-Item"), ("payment", "x-Payment"), ("dispute", "x-Dispute"),
                        ("debtor", "x-Contact")):
        report.check(seen[event] >= f.run.events[verb],
                     "every acknowledged event has its record",
                     f"{f.run.events[verb]} {verb} acknowledged, {seen[event]} {event} recorded")
    for receipt in f.run.jobs_acked:
        events = [r.ev for r in f.by_rid.get(receipt, [])]
        report.check("SubmissionAcceptance" in events, "every acknowledged job has its acceptance",
                     receipt)
        report.check(receipt in f.state_of, "no acknowledged job is lost", receipt)
    for rid, state in f.state_of.items():
        relayed = any(r.ev == "RelayToNonERDS" for r in f.by_rid.get(rid, []))
        report.check((state == "delivered") == relayed,
                     "the gateway's state and the evidence agree", f"{rid}: {state}")


def check(run, rules):
    report = suite.Report()
    f = Facts(run, rules)
    for look in (check_mails, check_attempts, check_moments, check_recipients, check_acknowledged):
        look(f, report)
    counts = check_demand(f, report) if run.items else {}
    return report, counts, f


# ---- the self-test ----

def tampered(run, rules):
    """(what was done, the bent run, the rule that must notice)."""
    f = Facts(run, rules)
    sent = [r for r in f.intents if r.rid in f.step_of and "RelayToNonERDS" in f.outcomes_of(r)]
    victim = sent[len(sent) // 2]
    item = f.step_of[victim.rid][0]
    task = next(r for r in run.records if r.why == "opened" and r.rid in f.step_of
                and Demand(f, *f.step_of[r.rid], suite.Report()).verdict == SENT)

    def bent(change):
        other = copy.copy(run)
        other.mails, other.records = list(run.mails), list(run.records)
        other.items = {k: copy.copy(v) for k, v in run.items.items()}
        change(other)
        return other

    def replace(records, old, **changes):
        new = copy.copy(old)
        for name, value in changes.items():
            setattr(new, name, value)
        records[records.index(old)] = new

    def is_victim(m):
        return victim.rid in (m.header("Message-ID") or "")

    def other_bytes(r):
        n, mail = next((n, m) for n, m in enumerate(r.mails) if is_victim(m))
        r.mails[n] = copy.copy(mail)
        r.mails[n].content = mail.content + b"."

    def other_recipient(r):
        n, mail = next((n, m) for n, m in enumerate(r.mails) if is_victim(m))
        r.mails[n] = copy.copy(mail)
        r.mails[n].recipients = mail.recipients + ["neighbour@elsewhere.example.test"]

    def late_and_dropped(r):
        told = next(o for o in f.by_rid[victim.rid] if o.ev == "RelayToNonERDS")
        r.records.insert(0, copy.copy(told))
        r.records[0].ev = "x-AttemptUnknown"
        r.mails.remove(next(filter(is_victim, r.mails)))

    hour = datetime.timedelta(hours=1)
    return [
        ("a mail dropped", bent(lambda r: r.mails.remove(next(filter(is_victim, r.mails)))),
         "every delivery in the evidence reached the mail server"),
        ("a mail dropped whose delivery was told late", bent(late_and_dropped),
         "every delivery in the evidence reached the mail server"),
        ("a mail doubled", bent(lambda r: r.mails.append(next(filter(is_victim, r.mails)))),
         "no message reached the mail server twice"),
        ("a byte of a mail changed", bent(other_bytes),
         "the bytes of every mail are those of its intent"),
        ("a stranger among the recipients", bent(other_recipient),
         "only designated contacts get mail"),
        ("an intent removed", bent(lambda r: r.records.remove(victim)),
         "every mail has an intent in the evidence"),
        ("an outcome removed", bent(lambda r: [r.records.remove(o) for o in f.by_rid[victim.rid]
                                               if o.ev == "RelayToNonERDS"]),
         "every intent has an outcome record"),
        ("an intent moved into the night",
         bent(lambda r: replace(r.records, victim, t=victim.t + 14 * hour)),
         "nothing leaves outside the debtor's window"),
        ("a payment moved before a mail",
         bent(lambda r: setattr(r.items[item.id], "paid_at", victim.t - hour)),
         "nothing leaves after the payment"),
        ("a dispute opened before a mail",
         bent(lambda r: setattr(r.items[item.id], "disputes", [[victim.t - hour, FOREVER]])),
         "nothing leaves for a disputed item"),
        ("a due date moved by two months",
         bent(lambda r: setattr(r.items[item.id], "due", item.due + 60 * 24 * hour)),
         "a mail leaves on the days of its step"),
        ("a task opened in the night",
         bent(lambda r: replace(r.records, task, t=task.t + 14 * hour)),
         "a task opens inside the debtor's window only"),
        ("the opening of a task removed",
         bent(lambda r: [r.records.remove(o) for o in f.by_rid[task.rid] if o.why == "opened"]),
         "every task the data demands was open"),
    ]


def self_test(run, rules):
    missed = 0
    for what, other, rule in tampered(run, rules):
        report, _, _ = check(other, rules)
        noticed = rule in report.violations
        missed += not noticed
        print(f"  {'noticed' if noticed else 'MISSED':8} {what}")
    return missed


# ---- the program ----

COLUMNS = ("steps", "demand sent", "demand not sent", "demand either", "sent", "opened", "withdrawn",
           "disputed", "cap-reached", "moved by cap")


def print_counts(counts):
    if not counts:
        return
    print("counts per step (demand: worked out from the data; the rest: what the evidence says):")
    rows = [[name, *(c[x] for x in COLUMNS)] for name, c in counts.items()]
    total = [sum(c[x] for c in counts.values()) for x in COLUMNS]
    suite.table(("step", *COLUMNS), rows + [["total", *total]])


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--self-test", action="store_true")
    args = parser.parse_args()
    rules = Rules(suite.SOURCE)
    run = Run(args.folder)
    report, counts, f = check(run, rules)
    print(f"{len(run.items)} items, {len(run.jobs_acked)} jobs, {len(run.mails)} mails, "
          f"{len(run.records)} records, {len(f.intents)} intents, "
          f"{sum(1 for r in run.records if r.ev == 'x-AttemptUnknown')} unknown")
    print_counts(counts)
    report.print()
    bad = report.count()
    print(f"{bad} violations")
    if args.self_test:
        bad += self_test(run, rules)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
