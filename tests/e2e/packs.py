"""Debtors in the zones and roles of every shipped pack, through the running system, and a checker of
its own over what the mail server got: it knows the rules as numbers of this file, and local time from
Python's zoneinfo. What only unverified (draft) rules would allow must not be sent at all; with the
same packs verified by "counsel" it is sent, inside the hours and under the caps.

    packs.py [--folder KEPT]
"""
import argparse
import collections
import datetime
import email.utils
import json
import os
import re
import shutil
import sys
import zoneinfo

import suite

suite.need_zmq()
import gateway  # noqa: E402  (needs zmq)
import sink  # noqa: E402

CLOCK_START = "2026-11-02T00:00:00Z"
DAYS = 9
JOBS_A_DAY = 3
UTC = datetime.timezone.utc

# name, role, zone, region, hours of e-mail (None: nothing may be sent), contacts in so many days
Debtor = collections.namedtuple("Debtor", "name role zone region hours cap days")
HOUSE = ((0, 1, 2, 3, 4), 8, 20)
DAILY = (range(7), 8, 21)
DEBTORS = [
    Debtor("us-consumer", "consumer", "America/Los_Angeles", "US-CA", DAILY, None, 1),
    Debtor("us-nyc", "consumer", "America/New_York", "US-NY-NYC", DAILY, None, 1),
    Debtor("uk-consumer", "consumer", "Europe/London", "GB", DAILY, None, 1),
    Debtor("in-consumer", "consumer", "Asia/Kolkata", "IN", (range(7), 8, 19), None, 1),
    Debtor("cn-consumer", "consumer", "Asia/Shanghai", "CN", (range(7), 8, 22), None, 1),
    Debtor("de-consumer", "consumer", "Europe/Berlin", "DE", None, None, 1),  # no pack opens hours
    Debtor("br-consumer", "consumer", "America/Sao_Paulo", "BR", None, None, 1),  # no pack at all
    Debtor("us-company", "company", "America/Denver", "US-CO", HOUSE, 2, 1),
    Debtor("cn-company", "company", "Asia/Shanghai", "CN", HOUSE, 2, 1),
    Debtor("ne-company", "company", "Asia/Kathmandu", "NP", HOUSE, 2, 1),
    Debtor("lh-company", "company", "Australia/Lord_Howe", "AU", HOUSE, 2, 1),
    Debtor("no-guarantor", "guarantor", "Europe/Oslo", "NO", HOUSE, 2, 1),
]
VERIFIED_ONLY = {"us-consumer", "us-nyc", "uk-consumer", "in-consumer", "cn-consumer"}


def verify_packs(source, target):
    """A copy of the rules as counsel would leave them: every number read and the draft mark gone."""
    shutil.copytree(source, target)
    for name in os.listdir(target):
        path = os.path.join(target, name)
        if not name.endswith(".jsonc"):
            continue
        with open(path, encoding="utf-8") as file:
            text = file.read()
        text = re.sub(r'"confidence": "(secondary|general)", "draft": true',
                      '"confidence": "primary"', text)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


def debtor_body(d):
    return {"id": d.name, "name": "Debtor", "role": d.role, "zone": d.zone, "region": d.region,
            "locale": "en", "contacts": [{"role": "primary", "name": "Someone",
                                          "email": d.name + "@debtor.example.test",
                                          "designated": True}]}


def run(folder, verified):
    """Three jobs a day for each debtor; every mail the server got as (debtor, moment, account)."""
    os.makedirs(folder, exist_ok=True)
    mail = sink.Sink(folder).start()
    gw = None
    try:
        gw = gateway.Gateway(folder, gateway.settings(smtp_port=mail.port, clock_start=CLOCK_START))
        rules = os.path.join(folder, "config", "rules")
        if verified:
            os.unlink(rules)
            verify_packs(os.path.join(suite.SOURCE, "config", "rules"), rules)
        gw.start()
        feed(gw)
        states = collections.Counter(
            (d.name, job["state"]) for d in DEBTORS for job in gw.jobs(source="local", debtor=d.name))
        gw.stop()
    finally:
        for part in (gw, mail):
            if part:
                part.stop()
    got = []
    for message in sink.mails(folder):
        when = email.utils.parsedate_to_datetime(message.header("Date")).astimezone(UTC)
        name = message.recipients[0].split("@")[0]
        account = re.search(re.escape(name) + r"-\d", message.content.decode("ascii", "replace"))
        got.append((name, when, account.group(0)))
    return got, states


def feed(gw):
    day = datetime.datetime(2026, 11, 2, tzinfo=UTC)
    for body in map(debtor_body, DEBTORS):
        need(gw.submit("debtor", [body]))
        need(gw.submit("consent", [{"id": "c-" + body["id"], "debtor": body["id"], "channel": "email",
                                    "address": body["contacts"][0]["email"], "status": "granted",
                                    "source": "local", "at": "2026-11-01T00:00:00Z"}]))
    for n in range(DAYS):
        # Odd hours, so that every zone has some of its jobs come at night.
        gw.clock_set((day + datetime.timedelta(days=n, hours=5 * n % 24)).strftime("%Y-%m-%dT%H:00:00Z"))
        need(gw.submit("submit", [
            {"id": f"{d.name}-{n}-{k}", "debtor": d.name, "channel": "email",
             "template": "payment-reminder", "case": f"{d.name}-{k}",
             "facts": {"items": [{"id": f"{d.name}-{k}", "due": "2026-10-01", "amount_minor": 1000,
                                  "paid_minor": 0, "open_minor": 1000, "currency": "EUR",
                                  "days_overdue": 31}]}}
            for d in DEBTORS for k in range(JOBS_A_DAY)]))
    gw.clock_set((day + datetime.timedelta(days=DAYS + 3)).strftime("%Y-%m-%dT00:00:00Z"))


def need(answers):
    for answer in answers:
        if answer["verdict"] not in ("accepted", "duplicate"):
            raise RuntimeError(answer)


def over_account_cap(got):
    """New York City: at most three contacts about one account in any seven days."""
    dates = collections.defaultdict(list)
    zone = zoneinfo.ZoneInfo("America/New_York")
    for name, when, account in got:
        if name == "us-nyc":
            dates[account].append(when.astimezone(zone).date())
    week = datetime.timedelta(days=6)
    return [f"{account} had more than three contacts in the seven days to {date}"
            for account, all_dates in dates.items() for date in all_dates
            if sum(date - week <= other <= date for other in all_dates) > 3]


def faults(got, verified):
    """What the rules forbid and happened all the same."""
    out = []
    per_day = collections.Counter()
    for name, when, _ in got:
        d = next(x for x in DEBTORS if x.name == name)
        local = when.astimezone(zoneinfo.ZoneInfo(d.zone))
        if d.hours is None or (name in VERIFIED_ONLY and not verified):
            out.append(f"{name} was contacted at {local}, which nothing verified allows")
            continue
        days, first, last = d.hours
        if local.weekday() not in days or not first <= local.hour < last:
            out.append(f"{name} was contacted at {local}")
        per_day[name, local.date()] += 1
    for (name, date), n in per_day.items():
        d = next(x for x in DEBTORS if x.name == name)
        if d.cap and n > d.cap:
            out.append(f"{name} was contacted {n} times on {date}")
    out += over_account_cap(got)
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", help="keep everything in this folder")
    args = parser.parse_args()
    bad = []
    with suite.Folder(args.folder) as folder:
        for verified in (False, True):
            got, states = run(os.path.join(folder, "verified" if verified else "draft"), verified)
            reached = {name for name, *_ in got}
            expected = {d.name for d in DEBTORS if d.hours and (verified or d.name not in VERIFIED_ONLY)}
            print(f"verified={verified}: {len(got)} mails to {len(reached)} debtors")
            bad += faults(got, verified)
            bad += [f"{name} should have been reached" for name in expected - reached]
            held = {name for (name, state), n in states.items() if state == "held"}
            bad += [f"{d.name} is not held" for d in DEBTORS if d.name not in expected | held]
            # The checker can fail: the same mails three hours later, and twice.
            late = [(name, when + datetime.timedelta(hours=13), account)
                    for name, when, account in got]
            if not faults(late, verified) or not faults(got * 3, verified):
                bad.append("the checker finds nothing wrong with bent results")
    for line in bad:
        print("WRONG " + line)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
