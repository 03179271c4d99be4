"""Automated calls over SIP: from the billing system's job to a phone that is answered, and back.

A person answers, confirms who they are and promises to pay: the call is in the evidence with what was
said, its times and its keys, and the promise pauses the item. Then the worker dies by kill -9 in the
middle of a call: the phone hears us hang up, the call is unknown and is not dialled again.
"""
import argparse
import json
import os
import signal
import sys
import time

import suite

suite.need_zmq()
import bundle  # noqa: E402
import gateway  # noqa: E402  (needs zmq)
import phone  # noqa: E402

RULE = "a call goes its way once"
NUMBERS = {1: "+491713920001", 2: "+491713920002"}  # kept free for fiction, Bundesnetzagentur
HELLO = "..." + "hhhh" + 40 * "."


def debtor(n):
    return {"id": f"K-{n}", "name": f"Customer {n}", "role": "company", "zone": "Europe/Berlin",
            "locale": "en",
            "contacts": [{"role": "primary", "name": "Jane Example", "phone": NUMBERS[n],
                          "email": f"accounts@k-{n}.example.test", "designated": True}]}


def item(n):
    return {"id": f"R-{n}", "debtor": f"K-{n}", "due": "2013-01-01", "amount_minor": 12300,
            "currency": "EUR", "reference": f"R-{n}", "ladder": "none"}


def introduce(gw, n):
    for verb, body in (("debtor", debtor(n)), ("item", item(n)),
                       ("consent", {"id": f"c-{n}", "debtor": f"K-{n}", "channel": "voice",
                                    "status": "granted", "address": NUMBERS[n],
                                    "source": "contract"}),
                       ("submit", {"id": f"call-{n}", "debtor": f"K-{n}", "channel": "voice",
                                   "template": "call-overdue", "case": f"R-{n}"})):
        answer = gw.submit(verb, [body])[0]
        assert answer["verdict"] == "accepted", answer


def job(gw, n):
    return next(gw.jobs(source="local", debtor=f"K-{n}"))


def wait_for(what, condition, patience_s=60):
    end = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.05)


def promise(gw, port, folder, report):
    def expect(good, what):
        report.check(good, RULE, what)

    party = phone.Phone("answers", HELLO + "1" + 30 * "." + "1", port)
    try:
        introduce(gw, 1)
        gw.clock_set("2013-01-02T11:00:00Z")
        expect(party.ended(10), "the phone got our BYE")
    finally:
        party.stop()
    expect(job(gw, 1)["state"] == "delivered", f"{job(gw, 1)}\n{gw.logs()}")
    gw.run("evidence", "export", "--debtor", "K-1", "--source", "local", "--out",
           os.path.join(folder, "K-1.zip"))
    gw.run(os.path.join(folder, "K-1.zip"), program="dunlin-verify")
    records = bundle.read(os.path.join(folder, "K-1.zip"))
    intents = [r for r in records if r.ev == "x-AttemptIntent"]
    relayed = [r for r in records if r.ev == "RelayToNonERDS"]
    expect(len(intents) == 1 and len(relayed) == 1, f"one call: {[r.ev for r in records]}")
    if report.count():
        return
    script = json.loads(intents[0].contents[0])
    said = {p["name"]: p["text"] for p in script["parts"]}
    expect(script["to"] == NUMBERS[1], "the intent names the number")
    expect("EUR 123.00" in said["details"], said)
    expect(not any("123" in t for name, t in said.items() if name != "details"), said)
    expect(all(p["ms"] > 500 and p["audio"] for p in script["parts"]), "every part was spoken")
    fact = relayed[0].fact
    expect(fact.get("amd") == "human" and fact.get("right_party") == "yes" and
           fact.get("pressed") == "promise" and fact.get("recording") == "none", fact)
    expect(fact["dialled_ms"] <= fact["ring_ms"] < fact["answer_ms"] < fact["end_ms"], fact)
    promises = [r for r in records if r.ev == "x-Promise"]
    expect(len(promises) == 1 and script["promise_date"] in json.dumps(promises[0].private) +
           json.dumps(promises[0].fact), [(r.ev, r.fact, r.private) for r in records])


def kill(gw, port, report):
    def expect(good, what):
        report.check(good, RULE, what)

    party = phone.Phone("answers", HELLO, port)
    try:
        introduce(gw, 2)
        wait_for("the call to begin", lambda: job(gw, 2)["state"] == "sending")
        time.sleep(2)  # it rings for a third of a second and is answered
        before = gw.children()["worker"]
        os.kill(before, signal.SIGKILL)
        expect(party.ended(10), "the phone was hung up on, not left in silence")
        wait_for("a new worker", lambda: gw.children().get("worker") not in (None, before))
    finally:
        party.stop()
    gw.clock_set("2013-01-08T11:00:00Z")
    after = job(gw, 2)
    expect(after["state"] == "unknown" and after["attempts"] == 1, after)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder")
    args = parser.parse_args()
    phone.available()
    port = phone.free_port()
    with suite.Folder(args.folder) as folder:
        report = suite.Report()
        settings = gateway.settings(
            clock_start="2013-01-02T10:00:00Z",
            voice={"transport": "sip", "lines": 1, "sip": {
                "gateway": f"127.0.0.1:{port}", "local": "127.0.0.1", "domain": "127.0.0.1"}},
            workers={"heartbeat_ms": 200, "lost_ms": 3000}, dispatch={"recovery_grace_ms": 300})
        gw = gateway.Gateway(folder, settings)
        try:
            gw.start("voice")
            promise(gw, port, folder, report)
            kill(gw, port, report)
        finally:
            gw.stop()
        report.print()
        return 1 if report.count() else 0


if __name__ == "__main__":
    sys.exit(main())
