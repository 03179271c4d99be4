"""Processes die; no acknowledged job is lost, nobody is contacted twice, the log verifies.

    chaos.py random [--jobs N] [--customers N] [--seconds N] [--calm N]
                                   kill -9 of gateway, worker and Redis at random moments while
                                   receivables are replayed and jobs submitted
    chaos.py points [--rounds N]   death at each named crash point (CONTRACT in gateway/base/crash.h)
    chaos.py stop                  SIGTERM under load drains; a killed supervisor is started again

The seed is printed; --seed repeats the same choices. Afterwards tests/e2e/check.py, which shares
nothing with this, compares acknowledgements, mails and evidence.
"""
import argparse
import datetime
import os
import random
import subprocess
import sys
import threading
import time

import load  # sets the path to tests/e2e
import suite

suite.need_zmq()
import gateway  # noqa: E402  (needs zmq)
import receivables  # noqa: E402
import sink  # noqa: E402

POINTS = ("intake-before-accept", "accept-after-reserve", "intake-after-accept",
          "events-after-reserve", "plan-before-commit", "claim-after-commit", "intent-after-blob",
          "intent-after-commit", "go-sent", "outcome-before-commit",
          "outcome-after-commit", "recorder-after-append", "recorder-before-trim",
          "worker-after-go", "worker-after-send", "worker-before-outcome")
ONCE_S = 0.7  # a request that met a dying gateway is sent again after this


class Chaos:
    def __init__(self, folder, args, environment=None, sink_options=()):
        self.folder, self.args = folder, args
        self.rng = random.Random(args.seed)
        self.began = time.monotonic()
        self.sink = sink.Sink(folder, sink_options).start()
        self.gw = gateway.Gateway(folder, gateway.settings(
            smtp_port=self.sink.port, clock_start="2012-01-02T00:00:00Z", **load.QUICK), environment,
            ONCE_S)
        self.acks = open(os.path.join(folder, "acks.jsonl"), "w", encoding="utf-8")
        self.now = None
        self.jobs = self.items = 0
        self.debtors = set()

    def say(self, text):
        print(f"[{time.monotonic() - self.began:6.1f} s] {text}", flush=True)

    def submit(self, verb, bodies):
        for answer in self.gw.submit(verb, bodies, acks=self.acks, clock=self.now):
            if answer["verdict"] not in ("accepted", "duplicate"):
                raise RuntimeError(f"{verb}: {answer}")
        if verb == "debtor":
            self.debtors.update(b["id"] for b in bodies)

    def submit_jobs(self, n, debtors):
        for at in range(0, n, 500):
            batch = [load.job(self.jobs + i, debtors) for i in range(min(500, n - at))]
            self.submit("submit", batch)
            self.jobs += len(batch)

    def make_debtors(self, n):
        for at in range(0, n, 500):
            self.submit("debtor", [load.debtor(i) for i in range(at, min(n, at + 500))])

    def clock_set(self, now):
        self.gw.clock_set(now)
        self.now = now

    def finish(self):
        """All processes up, everything that is due done, then the verdict of the checker."""
        after = datetime.datetime.fromisoformat(self.now.replace("Z", "+00:00"))
        for _ in range(4):  # what a cap or a pause before a retry moved goes out on these days
            after += datetime.timedelta(days=7)
            self.clock_set(after.strftime("%Y-%m-%dT%H:%M:%SZ"))
        states = load.jobs_of_debtors(self.gw, sorted(self.debtors),
                                      os.path.join(self.folder, "jobs.jsonl"))
        self.say(f"{self.jobs} jobs acknowledged, {self.sink.count()} mails in the sink; "
                 + ", ".join(f"{n} {s}" for s, n in sorted(states.items())))
        self.acks.close()
        load.export_and_verify(self.gw, self.folder)
        self.sink.stop()
        check = os.path.join(os.path.dirname(gateway.__file__), "check.py")
        return subprocess.run([sys.executable, check, self.folder], check=False).returncode

    def close(self):
        try:
            self.gw.stop()
        finally:
            self.sink.stop()


# ---- random deaths ----

class Killer(threading.Thread):
    """Kills one of the three every now and then, by chance alone."""

    def __init__(self, gw, rng, calm):
        super().__init__(daemon=True)
        self.gw, self.rng, self.calm = gw, rng, calm
        self.ended = threading.Event()
        self.deaths = {"gateway": 0, "worker": 0, "redis": 0}

    def run(self):
        while not self.ended.wait(self.rng.uniform(0.5, 3.0) * self.calm):
            name = self.rng.choice(sorted(self.deaths))
            self.deaths[name] += self.gw.kill(name) is not None

    def stop(self):
        self.ended.set()
        self.join()


def random_deaths(folder, args):
    c = Chaos(folder, args)
    killer = None
    try:
        c.gw.start()
        events = receivables.events(args.customers)
        debtors = max(20, args.jobs // 10)
        share = -(-args.jobs // len(events))
        c.say(f"{args.jobs} jobs of {debtors} debtors and {len(events)} days of {args.customers} "
              "customers")
        killer = Killer(c.gw, c.rng, args.calm)
        killer.start()
        until = time.monotonic() + args.seconds
        for date, verbs in events:
            c.clock_set(date.isoformat() + "T10:00:00Z")
            if not c.jobs:
                c.make_debtors(debtors)
            for verb, bodies in verbs:
                c.submit(verb, bodies)
            c.submit_jobs(min(share, args.jobs - c.jobs), debtors)
        while time.monotonic() < until:  # the deaths go on while days pass
            date += datetime.timedelta(days=1)
            c.clock_set(date.isoformat() + "T10:00:00Z")
        killer.stop()
        c.say(f"killed: {killer.deaths}")
        return c.finish()
    finally:
        if killer:
            killer.stop()
        c.close()


# ---- named points ----

def weekday_after(now):
    t = datetime.datetime.fromisoformat(now.replace("Z", "+00:00")) + datetime.timedelta(days=1)
    while t.weekday() > 4:
        t += datetime.timedelta(days=1)
    return t.strftime("%Y-%m-%dT10:00:00Z")


def named_points(folder, args):
    order = os.path.join(folder, "crash.order")
    c = Chaos(folder, args, {"DUNLIN_CRASH_FILE": order})
    try:
        c.gw.start()
        c.clock_set(load.MONDAY)
        c.make_debtors(200)
        missed = []
        for turn in range(args.rounds):
            for point in POINTS:
                n = 1 if turn == 0 else c.rng.randint(2, 6)
                c.clock_set(weekday_after(c.now))
                with open(order + ".new", "w", encoding="ascii") as file:
                    file.write(f"{point}:{n}\n")
                os.rename(order + ".new", order)
                for _ in range(n + 4):  # a batch may pass a point once only
                    for verb, body in load.paid_item(c.items, 200):
                        c.submit(verb, [body])
                    c.items += 1
                    c.submit_jobs(20, 200)
                    c.gw.settle()
                    if not os.path.exists(order):
                        break
                else:
                    os.unlink(order)
                    missed.append(f"{point}:{n}")
        c.say(f"{args.rounds * len(POINTS) - len(missed)} deaths at {len(POINTS)} named points")
        if missed:
            print("  never reached: " + ", ".join(missed))
        return c.finish() or (1 if missed else 0)
    finally:
        c.close()


# ---- stopping ----

def in_flight(gw):
    status = gw.query({"what": "status"}, patience_s=10)["dispatch"]
    return status["claimed"] + status["sending"]


def orderly_stops(folder, args):
    """The mail server takes its time, so that there is always something in flight."""
    bound_s = 30
    c = Chaos(folder, args, sink_options=("-w", "1"))
    failures = unknown = 0
    try:
        c.gw.start()
        c.clock_set(load.MONDAY)
        c.make_debtors(100)
        for how in ("SIGTERM", "SIGTERM", "kill -9 of dunlin up"):
            c.submit_jobs(40, 100)
            end = time.monotonic() + 20
            while not in_flight(c.gw):
                if time.monotonic() > end:
                    raise TimeoutError("nothing is in flight: " + c.gw.logs())
            if how == "SIGTERM":
                took = c.gw.stop()
                c.say(f"SIGTERM: stopped in {took:.1f} s with exit code {c.gw.up.returncode}, "
                      f"{c.sink.count()} mails so far")
                failures += took > bound_s or c.gw.up.returncode != 0
            else:
                c.gw.up.kill()
                c.gw.up.wait()
                c.gw.close_sockets()
                # The worker may stay a minute, to tell the next gateway what became of its mails.
                c.gw.wait_gone(("dunlin-gateway", "redis-server"), bound_s)
                c.say(f"{how}: gateway and Redis are gone too")
            c.gw.start()
            c.gw.settle()
            if how == "SIGTERM":  # only a death may leave something unknown
                unknown = c.gw.query({"what": "status"})["reminders"]["unknown"]
            c.clock_set(weekday_after(c.now))
        code = c.finish()
        c.gw.wait_gone(("dunlin-gateway", "redis-server", "dunlin-worker"), bound_s)
        print(f"  {unknown} unknown after orderly stops (0 expected)")
        return code or (1 if failures or unknown else 0)
    finally:
        c.close()


MODES = {"random": random_deaths, "points": named_points, "stop": orderly_stops}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=MODES)
    parser.add_argument("--jobs", type=int, default=5000)
    parser.add_argument("--customers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=45, help="of deaths, at least")
    parser.add_argument("--calm", type=float, default=1, help="so many times longer between deaths")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seed", type=int, default=random.randrange(10 ** 6))
    parser.add_argument("--folder", help="keep everything in this folder")
    args = parser.parse_args()
    suite.need_file(receivables.path())
    print(f"seed {args.seed}", flush=True)
    with suite.Folder(args.folder) as folder:
        sys.exit(MODES[args.mode](folder, args))


if __name__ == "__main__":
    main()
