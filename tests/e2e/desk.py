"""The call desk of a running system: two agents with keys of their own race for tasks, the gateway is
killed at the named points of a call and between its acts, and in the end the evidence must tell one
story: each call dialled once, counted once, its outcome on record once.

    desk.py [--folder KEPT] [--calls N]
"""
import argparse
import datetime
import os
import sys
import threading
import time

import suite

suite.need_zmq()
import bundle  # noqa: E402
import gateway  # noqa: E402  (needs zmq)

START = "2013-01-04T06:00:00Z"  # a Friday; the calls of day -3 are due on Monday
DAY = "2013-01-07T16:30:00Z"    # in the window of Berlin, all moments of the day have passed
AGENTS = ("bob", "eve")
OUTCOMES = (
    {"outcome": "promise", "right_party": True, "promise_date": "2013-01-15", "note": "said so"},
    {"outcome": "no-answer"},
    {"outcome": "refused", "right_party": True, "excuse": "cash-short"},
    {"outcome": "voicemail"},
    {"outcome": "dispute", "right_party": True, "excuse": "quality-dispute"},
)


def debtor(n):
    return {"id": f"K-{n}", "name": f"Customer {n}", "role": "company", "zone": "Europe/Berlin",
            "locale": "en",
            "contacts": [{"role": "primary", "name": "Accounts", "phone": f"+4917139200{n % 100:02d}",
                          "email": f"accounts@k-{n}.example.test", "designated": True}]}


def item(n):
    return {"id": f"R-{n}", "debtor": f"K-{n}", "due": "2013-01-10", "amount_minor": 10000 * (n + 1),
            "currency": "EUR"}


class Agent(threading.Thread):
    """Works until nothing is open. Its own client: sockets belong to one thread."""

    def __init__(self, gw, name, order):
        super().__init__(daemon=True)
        self.name, self.order, self.done, self.error = name, order, [], None
        self.gw = gateway.Gateway(gw.folder, gateway.settings(), once_s=2)

    def act(self, **body):
        """Until there is a verdict: an act may be repeated."""
        return self.gw.submit("call", [body], who=self.name)[0]

    def run(self):
        try:
            self.work()
        except Exception as e:  # noqa: BLE001  (told by the main thread)
            self.error = repr(e)
        finally:
            self.gw.close_sockets()

    def work(self):
        while True:
            got = self.act(do="next")
            if got.get("task") is None:
                if got["verdict"] == "accepted":
                    return
                raise RuntimeError(f"next: {got}")
            task = {"task": got["id"], "source": "local"}
            n = len(self.done)
            if n == 1:
                self.order("dial-after-commit")
            dialled = self.act(do="dial", **task)
            if dialled["verdict"] != "accepted":
                raise RuntimeError(f"dial: {dialled}")
            if n == 2:
                self.order("call-record-before-commit")
            said = dict(OUTCOMES[(n + AGENTS.index(self.name)) % len(OUTCOMES)],
                        id=f"{self.name}-{n}", **task)
            first = self.act(do="record", **said)
            again = self.act(do="record", **said)
            self.done.append((got["id"], said["outcome"], first, again, dialled))


def expect(report, good, rule, what=""):
    report.check(good, rule, what if isinstance(what, str) else repr(what))


def plant(folder, order):
    gw = gateway.Gateway(folder, gateway.settings(clock_start=START),
                         environment={"DUNLIN_CRASH_FILE": order}, once_s=2)
    gw.start()
    for name in AGENTS:
        gw.run("key", "--agent", name)
    time.sleep(1.1)  # the list of keys is read again within a second
    return gw


def check_keys(gw, report):
    """An agent's key works the desk and nothing else; a billing system's does not work it."""
    for verb, body in (("item", item(0)), ("consent", {"id": "c", "debtor": "K-0", "status": "granted",
                                                       "channel": "voice", "source": "x", "scope": "all"}),
                       ("query", {"what": "status"}), ("pause", {})):
        answer = gw.submit(verb, [body], who="bob")[0]
        expect(report, answer.get("code") == "refused", "an agent's key works the desk only",
               f"{verb}: {answer}")
    answer = gw.submit("call", [{"do": "next"}])[0]
    expect(report, answer.get("code") == "refused", "billing does not work the desk", answer)
    for body in ({}, {"do": "insult"}, {"do": "next", "outcome": "shouted"}, {"do": "next", "more": 1}):
        answer = gw.submit("call", [body], who="bob")[0]
        expect(report, answer.get("code") == "invalid", "a body outside the schema is refused", answer)


def work_the_desk(gw, order, report):
    """Both agents at once; the gateway dies at the named points on the way."""
    lock = threading.Lock()

    def die_at(point):
        with lock:
            end = time.monotonic() + 20
            while os.path.exists(order) and time.monotonic() < end:
                time.sleep(0.02)
            with open(order + ".new", "w", encoding="ascii") as file:
                file.write(f"{point}:1\n")
            os.rename(order + ".new", order)

    agents = [Agent(gw, name, die_at) for name in AGENTS]
    for a in agents:
        a.start()
    for a in agents:
        a.join(120)
        expect(report, not a.is_alive() and a.error is None, "every agent comes to its end",
               f"{a.name}: {a.error}")
    return [(a.name, *d) for a in agents for d in a.done]


def check_work(gw, done, calls, report):
    tasks = [d[1] for d in done]
    expect(report, len(tasks) == calls and len(set(tasks)) == calls,
           "every open task was worked once, by one agent", sorted(tasks))
    for _, task, outcome, first, again, dialled in done:
        expect(report, first["verdict"] in ("accepted", "duplicate"), "every outcome is booked",
               f"{task}: {first}")
        expect(report, again["verdict"] == "duplicate", "an outcome told twice is a duplicate",
               f"{task}: {again}")
        expect(report, dialled["task"]["contact"]["number"].startswith("+49"),
               "who dials gets the number", task)
        state = gw.query({"what": "job", "source": "local", "job": task})["state"]
        wanted = "planned" if outcome in ("no-answer", "voicemail") else "delivered"
        expect(report, state == wanted, "the outcome decides what comes next",
               f"{task} {outcome}: {state}")


def check_evidence(folder, done, report):
    records = bundle.read_all(folder)
    by_case = {}
    for r in records:
        by_case.setdefault(r.case, []).append(r)
    rid_of = {d[1]: d[5]["receipt"] for d in done}
    for _, task, outcome, *_ in done:
        mine = sorted((r for r in records if r.rid == rid_of[task]), key=lambda r: r.cseq)
        intents = [r for r in mine if r.ev == "x-AttemptIntent"]
        calls = [r for r in mine if r.ev == "x-Call"]
        expect(report, len(intents) == 1 and len(calls) == 1,
               "one intent and one outcome a call, whatever died", f"{task}: {[r.ev for r in mine]}")
        if not intents or not calls:
            continue
        expect(report, intents[0].cseq < calls[0].cseq, "the intent stands before the outcome", task)
        expect(report, calls[0].why == outcome and calls[0].fact["announced"] == "yes",
               "the record says what was said", f"{task}: {calls[0].why}")
        event = {"promise": "x-Promise", "dispute": "x-Dispute"}.get(outcome)
        case = [r for r in by_case[mine[0].case] if r.ev in ("x-Promise", "x-Dispute")]
        expect(report, [r.ev for r in case] == ([event] if event else []),
               "what it triggers is on record once", f"{task}: {[r.ev for r in case]}")
    text = repr([r.fact for r in records])
    expect(report, "said so" not in text and "+4917" not in text,
           "no note and no number in public facts")


def left_alone(gw, report):
    """A call that was begun and never told about is unknown, and stays so over days and a kill -9."""
    gw.clock_set("2013-01-08T16:30:00Z")
    got = gw.submit("call", [{"do": "next"}], who="bob")[0]
    expect(report, got.get("task") is not None, "what reached nobody is open again the next day", got)
    if not got.get("task"):
        return
    gw.submit("call", [{"do": "dial", "task": got["id"], "source": "local"}], who="bob")
    gw.kill("gateway")
    until = datetime.datetime.fromisoformat("2013-01-08T17:45:00+00:00")
    gw.clock_set(until.strftime("%Y-%m-%dT%H:%M:%SZ"))
    state = gw.query({"what": "job", "source": "local", "job": got["id"]})["state"]
    expect(report, state == "unknown", "a call without a word is unknown", state)
    said = {"do": "record", "task": got["id"], "source": "local", "id": "late", "outcome": "no-result",
            "right_party": True}
    answer = gw.submit("call", [said], who="bob")[0]
    expect(report, answer.get("state") == "delivered", "until the agent says", answer)


def run(folder, calls):
    report = suite.Report()
    order = os.path.join(folder, "crash.order")
    gw = plant(folder, order)
    try:
        check_keys(gw, report)
        gw.submit("debtor", [debtor(n) for n in range(calls)])
        gw.submit("item", [item(n) for n in range(calls)])
        gw.clock_set(DAY)
        rows = gw.query({"what": "calls", "limit": 1000})["calls"]
        expect(report, len(rows) == calls and {r["state"] for r in rows} == {"open"},
               "every call of the day is open", f"{len(rows)} of {calls}")
        ranks = [r["rank"] for r in rows]
        expect(report, ranks == sorted(ranks, reverse=True), "the best comes first", ranks[:5])
        began = time.monotonic()
        done = work_the_desk(gw, order, report)
        expect(report, not os.path.exists(order), "the gateway died where it was told to", "the last order stands")
        print(f"{len(done)} calls by {len(AGENTS)} agents in {time.monotonic() - began:.1f} s")
        gw.settle()
        check_work(gw, done, calls, report)
        gw.run("evidence", "export", "--source", "local", "--from", "2012-01-01", "--to",
               "2015-01-01", "--out", os.path.join(folder, "evidence.zip"))
        check_evidence(folder, done, report)
        left_alone(gw, report)
        gw.stop()
        done = gw.run("evidence", "fsck", check=False)
        expect(report, done.returncode == 0, "the log verifies", done.stdout[-500:])
    finally:
        gw.stop()
    report.print()
    return 1 if report.count() else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=12)
    parser.add_argument("--folder", help="keep everything in this folder")
    args = parser.parse_args()
    with suite.Folder(args.folder) as folder:
        sys.exit(run(folder, args.calls))


if __name__ == "__main__":
    main()
