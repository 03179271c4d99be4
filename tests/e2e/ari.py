"""Automated calls over an Asterisk's REST interface, end to end, against a server that follows its
documentation (asterisk.py) and misbehaves: lost answers, a dropped event stream, garbage, sounds that
cannot be played. Every call ends as the table in workers/README.md says, and none is dialled twice;
also not when the worker dies by kill -9 in the middle of one.
"""
import argparse
import base64
import json
import os
import shutil
import signal
import sys
import time

import suite

suite.need_zmq()
import asterisk  # noqa: E402
import bundle  # noqa: E402
import gateway  # noqa: E402  (needs zmq)

PASSWORD = "password-of-the-test"
RULE = "a call over ARI goes its way once"


def number(n):
    return f"+4917139200{n:02d}"  # kept free for fiction, Bundesnetzagentur


# ---- called parties ----

def person(c, *keys):
    c.ring()
    c.answer()
    c.hello()
    for n, key in enumerate(keys, 1):
        c.wait_play(n)
        c.key(key)
    c.wait_play(len(keys) + 1)
    c.wait_down()


def promises(c):
    person(c, "1", "1")


def is_wrong(c):
    person(c, "2")


def stops(c):
    person(c, "9")


def machine(c):
    c.ring()
    c.answer()
    c.until(lambda: c.listens, "TALK_DETECT")
    c.talk(3.6)
    c.wait_play(1)
    c.wait_down()


def silent(c):
    """Nobody speaks; TALK_DETECT's own first word must not count as a person."""
    c.ring()
    c.answer()
    c.until(lambda: c.listens, "TALK_DETECT")
    c.talk(0.2)
    c.wait_play(1)
    c.wait_down()


def busy(c):
    c.end(17)


def no_such_number(c):
    c.end(1)


def cleared(c):
    """Hung up with "normal" before we saw an answer: it may have been taken."""
    c.ring()
    c.end(16)


def rings(c):
    c.ring()
    c.wait_down()


def hears_nothing(c):
    c.ring()
    c.answer()
    c.hello()
    c.wait_play(1)
    c.asterisk.finish_play(c, "failed")
    c.wait_down()


def loses_the_stream(c):
    c.ring()
    c.answer()
    c.hello()
    c.wait_play(1)
    c.asterisk.sockets.pop(c.app).drop()
    end = time.monotonic() + asterisk.PATIENCE_S
    while c.app not in c.asterisk.sockets and time.monotonic() < end:
        time.sleep(0.02)
    time.sleep(0.3)
    c.key("1")
    c.wait_play(2)
    c.key("2")
    c.wait_play(3)
    c.wait_down()


def ends_unseen(c):
    c.ring()
    c.answer()
    c.hello()
    c.wait_play(1)
    c.end(16, unheard=True)
    c.asterisk.sockets.pop(c.app).drop()


def garbage(c):
    c.ring()
    c.asterisk.sockets[c.app].send(1, b"{\"type\":")
    time.sleep(1)
    c.answer()
    person_after(c)


def person_after(c):
    c.hello()
    c.wait_play(1)
    c.key("1")
    c.wait_play(2)
    c.key("1")
    c.wait_play(3)
    c.wait_down()


def nobody(_):
    raise AssertionError("this call was not to be made")


def quiet(_):
    """The call is never made, although nobody said no."""


# name, party, how the request is answered, then state, why, right party, key, parts heard
CALLS = [
    ("promises", promises, None, "delivered", "right-party", "yes", "promise", 3),
    ("is wrong", is_wrong, None, "refused", "wrong-party", "no", None, 2),
    ("stops", stops, None, "refused", "stop-pressed", "unknown", "stop", 2),
    ("machine", machine, None, "delivered", "message-left", "unasked", None, 1),
    ("silent", silent, None, "delivered", "message-left", "unasked", None, 1),
    ("busy", busy, None, "later", "busy", "unasked", None, 0),
    ("no such number", no_such_number, None, "refused", "no-such-number", "unasked", None, 0),
    ("cleared", cleared, None, "unknown", "line-lost", "unasked", None, 0),
    ("rings", rings, None, "later", "no-answer", "unasked", None, 0),
    ("hears nothing", hears_nothing, None, "unknown", "line-lost", "unknown", None, 1),
    ("loses the stream", loses_the_stream, None, "delivered", "right-party", "yes", "dispute", 3),
    ("ends unseen", ends_unseen, None, "unknown", "line-lost", "unknown", None, 1),
    ("garbage", garbage, None, "delivered", "right-party", "yes", "promise", 3),
    ("answer lost, call made", promises, (200, True, 4), "delivered", "right-party", "yes", "promise", 3),
    ("500, call made", promises, (500, True, 0), "delivered", "right-party", "yes", "promise", 3),
    ("409, call made", promises, (409, True, 0), "delivered", "right-party", "yes", "promise", 3),
    ("answer lost, no call", quiet, (200, False, 4), "unknown", "line-lost", "unasked", None, 0),
    ("500, no call", quiet, (500, False, 0), "unknown", "line-lost", "unasked", None, 0),
    ("400", nobody, (400, False, 0), "later", "not-placed", None, None, 0),
    ("429", nobody, (429, False, 0), "later", "not-placed", None, None, 0),
    ("503", nobody, (503, False, 0), "later", "not-placed", None, None, 0),
]
KILLED = len(CALLS) + 1


def of(channel):
    return int(channel.number[-2:])


def party(channel):
    n = of(channel)
    return is_asked(channel) if n == KILLED else CALLS[n - 1][1](channel)


def is_asked(c):
    """Whoever calls is gone then; a real Asterisk ends the call by its own limit."""
    c.ring()
    c.answer()
    c.hello()
    c.wait_play(1)


def dial(channel):
    n = of(channel)
    return None if n == KILLED else CALLS[n - 1][2]


# ---- the gateway ----

def plant(folder, server, sounds):
    gw = gateway.Gateway(folder, gateway.settings(
        clock_start="2013-01-02T10:00:00Z",
        voice={"transport": "ari", "lines": len(CALLS), "ring_ms": 5000, "ari": {"sounds": sounds},
               "tts": {"command": "espeak-ng --stdout -s 450 -v {language}"}},
        workers={"heartbeat_ms": 200, "lost_ms": 1500}, dispatch={"recovery_grace_ms": 300},
        retry={"attempts": 1}))  # the second try of a call is not what this is about
    home = os.path.join(os.path.dirname(gw.config), "providers")
    os.unlink(home)
    shutil.copytree(os.path.join(suite.SOURCE, "config", "providers"), home)
    path = os.path.join(home, "asterisk-ari.jsonc")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    text = text.replace("127.0.0.1:8088", f"127.0.0.1:{server.port}")
    text = text.replace('"per_second": 10, "burst": 10', '"per_second": 100, "burst": 100')
    text = text.replace('"total_ms": 10000', '"total_ms": 2500')
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    secrets = os.path.join(gw.data, "secrets")
    os.makedirs(secrets, mode=0o700, exist_ok=True)
    with open(os.open(os.path.join(secrets, "ari.password"), os.O_WRONLY | os.O_CREAT, 0o600), "w",
              encoding="utf-8") as file:
        file.write(PASSWORD + "\n")
    return gw


def introduce(gw, numbers):
    debtors = [{"id": f"K-{n}", "name": f"Customer {n}", "role": "company", "zone": "Europe/Berlin",
                "locale": "en", "contacts": [{"role": "primary", "name": "Jane Example", "phone": number(n),
                                              "email": f"accounts@k-{n}.example.test", "designated": True}]}
               for n in numbers]
    items = [{"id": f"R-{n}", "debtor": f"K-{n}", "due": "2013-01-01", "amount_minor": 12300,
              "currency": "EUR", "reference": f"R-{n}", "ladder": "none"} for n in numbers]
    consents = [{"id": f"c-{n}", "debtor": f"K-{n}", "channel": "voice", "status": "granted",
                 "address": number(n), "source": "contract"} for n in numbers]
    calls = [{"id": f"call-{n}", "debtor": f"K-{n}", "channel": "voice", "template": "call-overdue",
              "case": f"R-{n}"} for n in numbers]
    for verb, bodies in (("debtor", debtors), ("item", items), ("consent", consents), ("submit", calls)):
        for answer in gw.submit(verb, bodies):
            assert answer["verdict"] == "accepted", answer


def job(gw, n):
    return next(gw.jobs(source="local", debtor=f"K-{n}"))


def wait_for(what, condition, patience_s=60):
    end = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.05)


def records(gw, folder, n):
    path = os.path.join(folder, f"K-{n}.zip")
    gw.run("evidence", "export", "--debtor", f"K-{n}", "--source", "local", "--out", path)
    return bundle.read(path)


def check_call(gw, server, folder, n, report):
    name, _, _, state, why, right, pressed, heard = CALLS[n - 1]

    def expect(good, what):
        report.check(good, RULE, f"{name}: {what}")

    calls = [c for c in server.calls if of(c) == n]
    expect(len(calls) == 1, f"{len(calls)} calls")
    found = job(gw, n)
    expect(found["attempts"] == 1 and (state == "later" or found["state"] == state), f"{found}")
    list_ = records(gw, folder, n)
    ends = [r for r in list_ if r.fact.get("outcome")]
    expect(len(ends) == 1, f"{[(r.ev, r.fact) for r in list_]}")
    if report.count():
        return
    fact = ends[0].fact
    expect(ends[0].why == why, f"why {ends[0].why}, {fact}")
    expect(fact.get("right_party") == right and fact.get("pressed") == pressed, fact)
    expect(fact.get("recording") == ("none" if right else None), fact)
    expect(len(calls[0].plays) == heard, f"{len(calls[0].plays)} parts heard")
    script = json.loads(next(r for r in list_ if r.ev == "x-AttemptIntent").contents[0])
    said = {p["name"]: base64.b64decode(p["audio"]) for p in script["parts"]}
    order = ("ask", "details", "noted") if right == "yes" else ("ask", "bye" if right == "no" else "noted") \
        if right == "unknown" or right == "no" else ("message",)
    for part, (_, sound, mode) in zip(order, calls[0].plays):
        expect(len(sound) > 4000 and sound in said[part], f"{part} is not what was played")
        expect(mode == 0o640, f"mode {mode:o}")
    variables = calls[0].body.get("variables", {})
    expect(int(variables.get("TIMEOUT(absolute)", 0)) > 60, f"no limit of Asterisk's own: {variables}")
    expect(calls[0].id == calls[0].query["appArgs"] and 30 <= len(calls[0].id) <= 39, calls[0].id)


def all_calls(gw, server, folder, report):
    numbers = range(1, len(CALLS) + 1)
    introduce(gw, numbers)
    wait_for("every call to have an end", lambda: all(
        job(gw, n)["attempts"] and job(gw, n)["state"] not in ("claimed", "sending")
        for n in numbers), 90)
    for n in numbers:
        check_call(gw, server, folder, n, report)


def kill(gw, server, sounds, report):
    def expect(good, what):
        report.check(good, RULE, "kill: " + what)

    introduce(gw, [KILLED])
    wait_for("the question", lambda: any(of(c) == KILLED and c.plays for c in server.calls))
    before = gw.children()["worker"]
    os.kill(before, signal.SIGKILL)
    wait_for("a new worker", lambda: gw.children().get("worker") not in (None, before))
    gw.clock_set("2013-01-08T11:00:00Z")
    after = job(gw, KILLED)
    expect(after["state"] == "unknown" and after["attempts"] == 1, f"{after}")
    expect(sum(of(c) == KILLED for c in server.calls) == 1, "dialled again")
    left = os.listdir(sounds)
    expect(len(left) == 1, f"parts left: {left}")  # removed when it is an hour old


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder")
    args = parser.parse_args()
    suite.need_program("espeak-ng")
    server = asterisk.Asterisk("dunlin", PASSWORD, party, dial)
    with suite.Folder(args.folder) as folder:
        report = suite.Report()
        sounds = os.path.join(folder, "sounds")
        os.mkdir(sounds)
        gw = plant(folder, server, sounds)
        try:
            gw.start("voice")
            all_calls(gw, server, folder, report)
            report.check(not os.listdir(sounds), RULE, f"parts left: {os.listdir(sounds)}")
            if report.count():
                report.print()
                return 1
            kill(gw, server, sounds, report)
        finally:
            gw.stop()
            server.stop()
        report.check(not server.failures and not server.refused, RULE, f"{server.failures} {server.refused}")
        report.print()
        return 1 if report.count() else 0


if __name__ == "__main__":
    sys.exit(main())
