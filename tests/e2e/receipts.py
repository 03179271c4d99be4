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


class Door:
    """Where the gateway listens; sms.plant wants an object with a url."""

    def __init__(self):
        self.port = suite.free_port()
        self.url = f"http://127.0.0.1:{self.port}/hooks"

    def get(self, path, data=None, headers=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=data,
                                         headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""


def plant(folder, door, environment=None, **more):
    return sms.plant(folder, door, environment,
                     http={"endpoint": f"127.0.0.1:{door.port}", "providers": "kannel"}, **more)


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

def check_forgeries(gw, door, report):
    job = shown(gw, "one")
    before = job["delivery"]
    # An own reference is shard, reminder, attempt. The test does not know the shard: it tries all,
    # and the 63 that lead nowhere must change nothing either.
    refs = [f"{shard:02d}{job['receipt']}-1" for shard in range(64)]
    bad = signed(refs[0], "2").replace("mac=", "mac=0")
    expect(report, door.get(bad)[0] == 403, "a wrong MAC is refused")
    expect(report, door.get("/hooks/nobody")[0] == 404, "an unknown provider is refused")
    for ref in refs:
        expect(report, door.get(signed(ref, "1"))[0] == 200, "a replay is acknowledged")
        expect(report, door.get(signed(ref, "8"))[0] == 200, "an old state is acknowledged")
    sms.wait_for("the inbox to be booked", lambda: "dunlin_inbox_entries 0\n" in
                 door.get("/metrics")[1])
    after = delivery(gw, "one")
    expect(report, after["state"] == before["state"] and not after.get("contradicted"), f"{after}")
    for ref in refs:
        door.get(signed(ref, "2"))  # the provider takes it back
    sms.wait_for("the contradiction", lambda: delivery(gw, "one").get("contradicted"))
    expect(report, delivery(gw, "one")["state"] == "delivered", "a final state never regresses")


def way(folder, report):
    door = Door()
    box, gw = plant(folder, door)
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
        status, health = door.get("/healthz")
        expect(report, status == 200 and json.loads(health)["ok"], health)
        check_forgeries(gw, door, report)
        metrics = door.get("/metrics")[1]
        expect(report, 'dunlin_outcomes_total{provider="kannel",class="delivered"} 1' in metrics,
               metrics)
        expect(report, sms.phone(1) not in metrics and "K-1" not in metrics, "personal data")
    finally:
        gw.stop()
        box.stop()


# ---- kill ----

def received(gw, name):
    """Evidence records of a job's receipts, from the log itself."""
    answer = gw.run("evidence", "search", "--case", name, "--source", "local",
                    "--debtor", shown(gw, name)["debtor"], "--json").stdout
    return answer.count("ReceivedFromNonERDS")


def kill(folder, report):
    door = Door()
    crash = os.path.join(folder, "crash")
    box, gw = plant(folder, door, {"DUNLIN_CRASH_FILE": crash},
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
                     door.get("/metrics")[1])
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
