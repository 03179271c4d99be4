"""Receipts and replies of a real Kannel, through /hooks of the gateway, to what people see.

    receipts.py way    a job is delivered and its receipts say so; a reply of STOP opts out
    receipts.py kill   the gateway dies by kill -9 between a receipt's arrival and its booking, at
                       each point; every receipt is booked, once
"""
import argparse
import hashlib
import hmac
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request

import suite

suite.need_zmq()
import kannel  # noqa: E402
import sms  # noqa: E402

POINTS = ("hook-after-inbox", "booker-before-book", "booker-after-book", "booker-before-remove")


def get(gw, path):
    """What the gateway's HTTP door answers; 0: it does not."""
    try:
        with urllib.request.urlopen(gw.http + path, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def plant(folder, environment=None, **more):
    mac = hmac.new(sms.CALLBACK_KEY.encode(), b"inbound", hashlib.sha256).hexdigest()[:32]
    service = (f'get-url = "{{url}}/hooks/kannel?ref=inbound&mac={mac}&from=%p&to=%P&id=%I'
               '&text=%a"')
    return sms.plant(folder, environment, service=service, **more)


def expect(report, good, what):
    report.check(good, "a receipt is booked once and never lost", what)


def shown(gw, name):
    return gw.query({"what": "job", "job": name, "source": "local"})


def delivery(gw, name):
    return shown(gw, name).get("delivery", {})


def signed(ref, kind):
    """A callback as Kannel makes it out of the URL that our worker gave it."""
    mac = hmac.new(sms.CALLBACK_KEY.encode(), ref.encode(), hashlib.sha256).hexdigest()[:32]
    return "/hooks/kannel?" + urllib.parse.urlencode(
        {"ref": ref, "mac": mac, "type": kind, "code": ""})


# ---- way ----

def check_forgeries(gw, report):
    job = shown(gw, "one")
    before = job["delivery"]
    # An own reference is shard, reminder, attempt. The test does not know the shard: it tries all,
    # and the 63 that lead nowhere must change nothing either.
    refs = [f"{shard:02d}{job['receipt']}-1" for shard in range(64)]
    bad = signed(refs[0], "2").replace("mac=", "mac=0")
    expect(report, get(gw, bad)[0] == 403, "a wrong MAC is refused")
    expect(report, get(gw, "/hooks/nobody")[0] == 404, "an unknown provider is refused")
    for ref in refs:
        expect(report, get(gw, signed(ref, "1"))[0] == 200, "a replay is acknowledged")
        expect(report, get(gw, signed(ref, "8"))[0] == 200, "an old state is acknowledged")
    sms.wait_for("the inbox to be booked", lambda: "dunlin_inbox_entries 0\n" in
                 get(gw, "/metrics")[1])
    after = delivery(gw, "one")
    expect(report, after["state"] == before["state"] and not after.get("contradicted"), f"{after}")
    for ref in refs:
        get(gw, signed(ref, "2"))  # the provider takes it back
    sms.wait_for("the contradiction", lambda: delivery(gw, "one").get("contradicted"))
    expect(report, delivery(gw, "one")["state"] == "delivered", "a final state never regresses")


def way(folder, report):
    box, gw = plant(folder)
    try:
        gw.start("sms")
        sms.introduce(gw, [1])
        gw.submit("submit", [sms.job("one", 1)])
        gw.clock_set("2013-01-03T12:00:00Z")
        sms.wait_for("the delivery receipt",
                     lambda: delivery(gw, "one").get("state") == "delivered")
        d = delivery(gw, "one")
        expect(report, d["authenticity"] == "signed" and d["provider"] == "kannel", f"{d}")
        sms.wait_for("both receipts", lambda: delivery(gw, "one")["receipts"] == 2)
        status, health = get(gw, "/healthz")
        expect(report, status == 200 and json.loads(health)["ok"], health)
        check_forgeries(gw, report)
        check_reply(gw, box, report)
        metrics = get(gw, "/metrics")[1]
        expect(report, 'dunlin_outcomes_total{provider="kannel",class="delivered"} 2' in metrics,
               metrics)
        expect(report, sms.phone(1) not in metrics and "K-1" not in metrics, "personal data")
    finally:
        gw.stop()
        box.stop()


def check_reply(gw, box, report):
    """STOP by SMS: withdrawn, confirmed once, and nothing more is sent."""
    box.say(sms.phone(1), "STOP")
    debtor = {"what": "debtor", "debtor": "K-1", "source": "local"}
    sms.wait_for("the opt-out", lambda: any(
        c["status"] == "withdrawn" for c in gw.query(debtor)["consents"]))
    sms.wait_for("the confirmation", lambda: box.received("fakesmsc-2"))
    to, _, text = box.received("fakesmsc-2")[0]
    expect(report, to == sms.phone(1) and "EUR" not in text, f"a confirmation: {text}")
    replies = gw.query(debtor)["replies"]
    expect(report, [r["class"] for r in replies] == ["stop"], f"{replies}")
    expect(report, not replies[0]["open"] and replies[0]["case"] == "one", f"{replies}")
    expect(report, gw.query({"what": "replies"})["replies"] == [], "nobody has to read it")
    gw.submit("submit", [sms.job("two", 1)])
    gw.clock_set("2013-01-03T13:00:00Z")
    expect(report, shown(gw, "two")["state"] == "held", f"{shown(gw, 'two')}")
    expect(report, len(box.received("fakesmsc-2")) == 1, "one message after STOP")


# ---- kill ----

def received(gw, name):
    """Evidence records of a job's receipts, from the log itself."""
    answer = gw.run("evidence", "search", "--case", name, "--source", "local",
                    "--debtor", shown(gw, name)["debtor"], "--json").stdout
    return answer.count("ReceivedFromNonERDS")


def kill(folder, report):
    crash = os.path.join(folder, "crash")
    box, gw = plant(folder, {"DUNLIN_CRASH_FILE": crash},
                    workers={"lost_ms": 1000}, dispatch={"recovery_grace_ms": 300})
    try:
        gw.start("sms")
        numbers = list(range(1, len(POINTS) + 1))
        sms.introduce(gw, numbers)
        for n, point in zip(numbers, POINTS):
            before = gw.children().get("gateway")
            with open(crash + ".new", "w", encoding="ascii") as file:
                file.write(point + ":1")
            os.rename(crash + ".new", crash)
            gw.submit("submit", [sms.job(point, n)])
            sms.wait_for(f"no crash at {point}", lambda: not os.path.exists(crash))
            sms.wait_for("a new gateway",
                         lambda b=before: gw.children().get("gateway") not in (None, b))
            gw.wait_ready()
        gw.clock_set("2013-01-04T12:00:00Z")
        for point in POINTS:
            sms.wait_for(f"{point}: delivered",
                         lambda p=point: delivery(gw, p).get("state") == "delivered")
        sms.wait_for("everything is booked", lambda: "dunlin_inbox_entries 0\n" in
                     get(gw, "/metrics")[1])
        for point in POINTS:
            d = delivery(gw, point)
            expect(report, not d.get("contradicted"), f"{point}: {d}")
            sms.wait_for(f"{point}: the log has it", lambda p=point, n=d["receipts"]:
                         received(gw, p) >= n)
            expect(report, received(gw, point) == d["receipts"],
                   f"{point}: {received(gw, point)} records of {d['receipts']} receipts")
    finally:
        gw.stop()
        box.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("way", "kill"))
    parser.add_argument("--folder")
    args = parser.parse_args()
    kannel.available()
    with suite.Folder(args.folder) as folder:
        report = suite.Report()
        {"way": way, "kill": kill}[args.what](folder, report)
        report.print()
        return 1 if report.count() else 0


if __name__ == "__main__":
    sys.exit(main())
