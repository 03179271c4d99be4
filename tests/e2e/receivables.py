"""The real receivables of shared/data as verbs for intake, the same every time.

The table has no addresses, zones or dates of dispute: contacts are made under example.test from the
customer id, each of its five country numbers (the data set's own) is given one time zone, and a
disputed invoice is disputed in one of three ways chosen by its number (see dispute()).
"""
import csv
import datetime
import os

import suite

ZONES = {"391": "America/New_York", "406": "Europe/Berlin", "770": "Asia/Shanghai",
         "818": "Asia/Kolkata", "897": "America/Sao_Paulo"}
LOCALES = {"770": "zh-CN"}
ROLES = {"primary": ("Accounts payable", "accounts"), "finance_head": ("Head of finance", "finance"),
         "owner": ("Owner", "owner")}

FROM_START, BEFORE_NOTICE, AFTER_NOTICE = range(3)
DISPUTED_AFTER_DAYS = {BEFORE_NOTICE: 12, AFTER_NOTICE: 25}  # from the invoice date; notice: day 20
RESOLVED_AFTER_DAYS = 16  # of every fifth dispute raised later


def path():
    return os.path.join(suite.DATA, "receivables-2012-2013.csv")


def day(text):
    return datetime.datetime.strptime(text, "%m/%d/%Y").date()


def rows(limit_customers=None):
    with open(path(), encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    chosen = set(sorted({r["customerID"] for r in table})[:limit_customers])
    return [r for r in table if r["customerID"] in chosen]


def address(customer, role):
    return f"{ROLES[role][1]}@{customer.lower()}.example.test"


def phone(customer):
    """One of the numbers kept free for fiction by the German regulator (Bundesnetzagentur, read
    2026-11-24), from the customer id: no rule of a number's region beside those of the zone."""
    n = sum(ord(c) * (i + 7) for i, c in enumerate(customer))
    return f"+4917139200{n % 100:02d}"


def debtor(row):
    customer = row["customerID"]
    return {
        "id": customer, "name": f"Customer {customer}", "role": "company",
        "zone": ZONES[row["countryCode"]], "locale": LOCALES.get(row["countryCode"], "en"),
        "contacts": [{"role": role, "name": name, "email": address(customer, role),
                      "phone": phone(customer), "designated": True}
                     for role, (name, _) in ROLES.items()]}


def minor(amount):
    whole, _, cents = amount.partition(".")
    return int(whole) * 100 + int((cents + "00")[:2])


def way_of_dispute(row):
    return int(row["invoiceNumber"]) % 3 if row["Disputed"] == "Yes" else None


def item(row):
    return {"id": row["invoiceNumber"], "debtor": row["customerID"],
            "issued": day(row["InvoiceDate"]).isoformat(), "due": day(row["DueDate"]).isoformat(),
            "amount_minor": minor(row["InvoiceAmount"]), "currency": "USD",
            "state": "disputed" if way_of_dispute(row) == FROM_START else "open"}


def disputes(row):
    """[(date, body)]: raised twelve days after the invoice, or 25 days after it (when the first mail
    has gone out), if it was not settled by then; every fifth of them is resolved again."""
    way = way_of_dispute(row)
    if way not in DISPUTED_AFTER_DAYS:
        return []
    raised = day(row["InvoiceDate"]) + datetime.timedelta(days=DISPUTED_AFTER_DAYS[way])
    resolved = raised + datetime.timedelta(days=RESOLVED_AFTER_DAYS)
    out = []
    number = int(row["invoiceNumber"])
    for when, state in ((raised, "open"), (resolved, "resolved")):
        if when < day(row["SettledDate"]) and (state == "open" or number // 3 % 5 == 0):
            out.append((when, {"id": "dispute-" + row["invoiceNumber"], "debtor": row["customerID"],
                               "item": row["invoiceNumber"], "state": state,
                               "at": when.isoformat() + "T00:00:00Z"}))
    return out


def payment(row):
    return {"id": "pay-" + row["invoiceNumber"], "debtor": row["customerID"],
            "item": row["invoiceNumber"], "amount_minor": minor(row["InvoiceAmount"]),
            "currency": "USD", "at": day(row["SettledDate"]).isoformat() + "T00:00:00Z"}


def events(limit_customers=None):
    """[(date, [(verb, [bodies])])] in order of date, from the first invoice on."""
    days = {}

    def add(when, verb, body):
        days.setdefault(when, {}).setdefault(verb, []).append(body)

    seen = set()
    table = rows(limit_customers)
    for row in sorted(table, key=lambda r: (day(r["InvoiceDate"]), r["invoiceNumber"])):
        if row["customerID"] not in seen:
            seen.add(row["customerID"])
            add(day(row["InvoiceDate"]), "debtor", debtor(row))
        add(day(row["InvoiceDate"]), "item", item(row))
        for when, body in disputes(row):
            add(when, "dispute", body)
        add(day(row["SettledDate"]), "payment", payment(row))
    order = ("debtor", "item", "dispute", "payment")
    return [(when, [(v, days[when][v]) for v in order if v in days[when]])
            for when in sorted(days)]
