"""Many submitted jobs for many debtors, the same every time, and what chaos has in common."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import suite  # noqa: E402

# Zones whose windows all are open at 10:00 UTC.
ZONES = ("Europe/Berlin", "Asia/Kolkata", "Asia/Shanghai", "Africa/Nairobi")
MONDAY = "2013-01-07T10:00:00Z"

# A lost process is noticed within a second instead of five, so that a minute holds many deaths.
QUICK = {
    "workers": {"heartbeat_ms": 200, "lost_ms": 1000},
    "dispatch": {"lease_ttl_ms": 1000, "recovery_grace_ms": 700},
    "redis": {"timeout_ms": 1000},
    # Chance may take the worker away over the same reminder again and again; that parks it, which is
    # right, but here it shall take more than bad luck.
    "retry": {"poison_starts": 10},
}


def debtor(n):
    return {"id": f"L-{n}", "name": f"Load {n} Ltd", "role": "company",
            "zone": ZONES[n % len(ZONES)], "locale": "en",
            "contacts": [{"role": "primary", "name": "Accounts",
                          "email": f"accounts@l-{n}.example.test", "designated": True}]}


def job(n, debtors):
    """The n-th job; debtors take turns."""
    amount = 1000 + n
    return {"id": f"job-{n}", "debtor": f"L-{n % debtors}", "case": f"C-{n}", "channel": "email",
            "template": "payment-reminder",
            "facts": {"items": [{"id": f"C-{n}", "due": "2013-01-02", "amount_minor": amount,
                                 "paid_minor": 0, "open_minor": amount, "currency": "EUR",
                                 "days_overdue": 5}]}}


def paid_item(n, debtors):
    """The n-th item and its payment: events for intake, and nothing for the ladder to ask."""
    item = {"id": f"item-{n}", "debtor": f"L-{n % debtors}", "amount_minor": 5000, "currency": "EUR"}
    return (("item", {**item, "issued": "2013-01-01", "due": "2014-12-01"}),
            ("payment", {**item, "id": f"paid-{n}", "item": item["id"]}))


def jobs_of_debtors(gw, debtors, path):
    """What the gateway says of every reminder of these debtors, as check.py reads it."""
    states = {}
    with open(path, "w", encoding="utf-8") as out:
        for d in debtors:
            for found in gw.jobs(source="local", debtor=d):
                states[found["state"]] = states.get(found["state"], 0) + 1
                out.write(json.dumps(found) + "\n")
    return states


def export_and_verify(gw, folder):
    """Everything as a bundle; then stop, and let the programs look at log and bundle."""
    bundle = os.path.join(folder, "evidence.zip")
    gw.run("evidence", "export", "--source", "local", "--from", "2012-01-01", "--to", "2015-01-01",
           "--out", bundle)
    gw.stop()
    for name, done in (("dunlin evidence fsck", gw.run("evidence", "fsck", check=False)),
                       ("dunlin-verify", gw.run(bundle, program="dunlin-verify", check=False))):
        print(f"  {name} ended with {done.returncode}")
        if done.returncode != 0:
            raise RuntimeError(f"{name}: {done.stdout[-3000:]}{done.stderr[-3000:]}")
