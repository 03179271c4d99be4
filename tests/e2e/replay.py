"""Two years of real receivables through the running system, in minutes, by the movable clock.

Items appear on their invoice date, disputes and payments on theirs; what is due in between goes out
by mail into smtp-sink, or through a real Postfix into it. Then the evidence is exported and check.py,
which shares nothing with this program, looks at what happened.

    replay.py [--customers N] [--postfix] [--folder KEPT]
"""
import argparse
import datetime
import json
import os
import subprocess
import sys
import time

import suite

suite.need_zmq()
import gateway  # noqa: E402  (needs zmq)
import receivables  # noqa: E402
import sink  # noqa: E402

CLOCK_START = "2012-01-02T00:00:00Z"
DAYS_AFTER = 3


def midnight(date):
    return date.isoformat() + "T00:00:00Z"


def feed(gw, events, acks):
    """Everything on its day; the clock walks through what falls due in between."""
    shown = time.monotonic()
    for n, (date, verbs) in enumerate(events):
        now = midnight(date)
        gw.clock_set(now)
        for verb, bodies in verbs:
            for body, answer in zip(bodies, gw.submit(verb, bodies, acks=acks, clock=now)):
                if answer["verdict"] != "accepted":
                    raise RuntimeError(f"{verb} {body}: {answer}")
        if time.monotonic() - shown > 10:
            shown = time.monotonic()
            print(f"  {date}, {n + 1} of {len(events)} days with events", flush=True)
    end = events[-1][0] + datetime.timedelta(days=DAYS_AFTER)
    gw.clock_set(midnight(end))


def list_jobs(gw, customers, path):
    with open(path, "w", encoding="utf-8") as out:
        for customer in customers:
            for job in gw.jobs(source="local", debtor=customer):
                out.write(json.dumps(job) + "\n")


def export(gw, folder):
    """Everything of the source as one bundle, then the log and the bundle verified by programs."""
    bundle = os.path.join(folder, "evidence.zip")
    gw.run("evidence", "export", "--source", "local", "--from", "2012-01-01", "--to", "2015-01-01",
           "--out", bundle)
    return bundle


def verify(gw, folder, bundle):
    for name, done in (("fsck", gw.run("evidence", "fsck", check=False)),
                       ("verify", gw.run(bundle, program="dunlin-verify", check=False))):
        with open(os.path.join(folder, name + ".txt"), "w", encoding="utf-8") as out:
            out.write(done.stdout + done.stderr)
        print(f"  {name} ended with {done.returncode}")
        if done.returncode != 0:
            raise RuntimeError(f"{name}: {done.stdout[-3000:]}{done.stderr[-3000:]}")


def run(args, folder):
    events = receivables.events(args.customers)
    customers = sorted({r["customerID"] for r in receivables.rows(args.customers)})
    began = time.monotonic()

    def say(text):
        print(f"[{time.monotonic() - began:6.1f} s] {text}", flush=True)

    mail = sink.Sink(folder).start()
    relay = None
    gw = None
    try:
        if args.postfix:
            relay = sink.Postfix(folder, mail.port).start()
            say(f"Postfix of our own on port {relay.port} relays into smtp-sink")
        gw = gateway.Gateway(folder, gateway.settings(
            smtp_port=relay.port if relay else mail.port, clock_start=CLOCK_START))
        gw.start()
        say(f"up: {len(customers)} customers, {len(events)} days with events, "
            f"{sum(len(b) for _, v in events for _, b in v)} events")
        with open(os.path.join(folder, "acks.jsonl"), "w", encoding="utf-8") as acks:
            feed(gw, events, acks)
        say(f"replayed until {gw.clock()['now']}")
        if relay:
            relay.wait_empty()
        list_jobs(gw, customers, os.path.join(folder, "jobs.jsonl"))
        bundle = export(gw, folder)
        say(f"exported {os.path.getsize(bundle)} bytes of evidence, {mail.count()} mails in the sink")
        gw.stop()
        verify(gw, folder, bundle)
        say("stopped, log and bundle verified")
    finally:
        for part in (gw, relay, mail):
            if part:
                part.stop()
    return subprocess.run([sys.executable, os.path.join(os.path.dirname(__file__), "check.py"),
                           folder, *(["--self-test"] if args.self_test else [])],
                          check=False).returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, help="only the first N customers")
    parser.add_argument("--postfix", action="store_true", help="through a real Postfix")
    parser.add_argument("--folder", help="keep everything in this folder")
    parser.add_argument("--self-test", action="store_true",
                        help="afterwards tamper with the results and expect check.py to notice")
    args = parser.parse_args()
    suite.need_file(receivables.path())
    with suite.Folder(args.folder) as folder:
        sys.exit(run(args, folder))


if __name__ == "__main__":
    main()
