"""SMS through a real Kannel: from the billing system's job to Kannel's fake SMSC and back by receipt.

    sms.py way     a job and a ladder step reach the SMSC once, each with the text that was recorded
                   before it left; Kannel's receipts come back to /hooks and move its delivery state
    sms.py smpp    the same over SMPP: Kannel as client of an SMSC that delivers, fails, expires, refuses,
                   and sends its receipts out of order and twice
    sms.py kill    the worker dies by kill -9 at every point of an SMS's way; nothing is sent twice
"""
import argparse
import datetime
import os
import shutil
import sys
import time
import urllib.error
import urllib.request

import suite

suite.need_zmq()
import gateway  # noqa: E402  (needs zmq)
import kannel  # noqa: E402
import smsc  # noqa: E402

CALLBACK_KEY = "callback-key-of-the-test"
POINTS = ("worker-after-go", "route-before-send", "route-after-answer", "route-before-report",
          "worker-before-outcome")


def use_kannel(gw, box, **changes):
    """The shipped kannel.jsonc with this Kannel's port, and its secrets."""
    home = os.path.join(os.path.dirname(gw.config), "providers")
    os.unlink(home)
    shutil.copytree(os.path.join(suite.SOURCE, "config", "providers"), home)
    path = os.path.join(home, "kannel.jsonc")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    text = text.replace("127.0.0.1:13013", f"127.0.0.1:{box.ports['sendsms']}")
    for old, new in changes.items():
        text = text.replace(old, new)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    secrets = os.path.join(gw.data, "secrets")
    os.makedirs(secrets, mode=0o700, exist_ok=True)
    for name, value in (("kannel.password", box.password), ("kannel.callback_key", CALLBACK_KEY)):
        with open(os.open(os.path.join(secrets, name), os.O_WRONLY | os.O_CREAT, 0o600), "w",
                  encoding="utf-8") as file:
            file.write(value + "\n")


def plant(folder, environment=None, service="text = \"\"", smsc_conf=None, **more):
    """service: what Kannel does with a message of a person; {url} is the gateway."""
    port = suite.free_port()
    url = f"http://127.0.0.1:{port}"
    box = kannel.Kannel(folder, smsc_conf, service=service.format(url=url))
    settings = gateway.settings(
        clock_start="2013-01-02T10:00:00Z", sms={"transport": "provider", "providers": "kannel"},
        http={"endpoint": f"127.0.0.1:{port}", "public_url": url, "providers": "kannel"}, **more)
    gw = gateway.Gateway(folder, settings, environment)
    gw.http = url
    use_kannel(gw, box)
    return box.start(), gw


def phone(n):
    """Numbers kept free for fiction by the German regulator (Bundesnetzagentur, read 2026-11-24)."""
    return f"+4917139200{n:02d}"


def customer(n, locale="en", name="Careful Customer"):
    return {"id": f"K-{n}", "name": name, "role": "company", "zone": "Europe/Berlin",
            "locale": locale,
            "contacts": [{"role": "primary", "name": name, "phone": phone(n),
                          "email": f"accounts@k-{n}.example.test", "designated": True}]}


def introduce(gw, numbers, locale="en"):
    debtors = [customer(n, locale) for n in numbers]
    for verb, bodies in (
            ("debtor", debtors),
            ("consent", [{"id": f"c-{n}", "debtor": f"K-{n}", "channel": "sms",
                          "status": "granted", "address": phone(n), "source": "contract"}
                         for n in numbers])):
        for answer in gw.submit(verb, bodies):
            assert answer["verdict"] == "accepted", answer


SHORT = {"items": [{"id": "R", "due": "2013-01-01", "amount_minor": 100, "paid_minor": 0,
                    "currency": "EUR"}], "currency": "EUR"}
FACTS = {"items": [{"id": "R-1", "reference": "R-1", "due": "2013-01-01", "amount_minor": 12300,
                    "paid_minor": 0, "currency": "EUR"}], "currency": "EUR"}


def job(name, n):
    return {"id": name, "debtor": f"K-{n}", "channel": "sms", "template": "payment-reminder",
            "facts": FACTS}


def expect(report, good, what):
    report.check(good, "an SMS goes its way once", what)


def wait_for(what, condition, patience_s=60):
    end = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.05)


def states(gw, numbers):
    return {j["job"]: j for n in numbers for j in gw.jobs(source="local", debtor=f"K-{n}")}


# ---- way ----

def deliveries(gw, names):
    return {n: gw.query({"what": "job", "source": "local", "job": n}).get("delivery") or {}
            for n in names}


def ladder_step(gw, box, report):
    """An open item of the ladder with-sms: its text message is due five days after the due date."""
    introduce(gw, [3])
    gw.submit("item", [{"id": "R-3", "debtor": "K-3", "due": "2013-01-02", "amount_minor": 45600,
                        "currency": "EUR", "ladder": "with-sms"}])
    gw.clock_set("2013-01-09T12:00:00Z")
    name = "R-3#with-sms#text-message"
    found = states(gw, [3]).get(name, {})
    expect(report, found.get("state") == "delivered",
           f"ladder step: {found}\n{gw.run('explain', name, check=False).stdout}")
    wait_for("the ladder's text", lambda: any(to == phone(3) for to, _, _ in box.received()))
    text = [text for to, _, text in box.received() if to == phone(3)]
    expect(report, len(text) == 1 and "R-3" in text[0] and "EUR 456.00" in text[0], f"{text}")
    wait_for("its receipt", lambda: deliveries(gw, [name])[name].get("state") == "delivered")


def forge(url, report):
    """Who does not know the MAC cannot report."""
    try:
        urllib.request.urlopen(url + "/hooks/kannel?ref=07" + "0" * 26 + "-1&mac=00&type=2")
        answer = 200
    except urllib.error.HTTPError as e:
        answer = e.code
    expect(report, answer == 403, f"a forged receipt is answered {answer}")


def way(folder, report):
    box, gw = plant(folder)
    try:
        gw.start("email,sms")
        introduce(gw, [1])
        introduce(gw, [2], "zh-CN")
        for answer in gw.submit("submit", [job("en", 1), job("zh", 2)]):
            expect(report, answer["verdict"] == "accepted", f"accepted: {answer}")
        gw.clock_set("2013-01-03T12:00:00Z")
        jobs = states(gw, [1, 2])
        for name in ("en", "zh"):
            expect(report, jobs[name]["state"] == "delivered",
                   f"{name}: {jobs[name]}\n{gw.run('explain', name, check=False).stdout}")
        if report.count():
            return
        wait_for("the SMSC got both", lambda: len(box.received()) >= 2)
        by_number = {to: (coding, text) for to, coding, text in box.received()}
        expect(report, len(box.received()) == 2, f"two messages: {box.received()}")
        coding, text = by_number[phone(1)]
        expect(report, coding == "text" and "STOP" in text and "EUR 123.00" in text,
               f"English: {text}")
        coding, text = by_number[phone(2)]
        expect(report, coding == "ucs-2" and "回复TD退订" in text, f"Chinese: {text}")
        wait_for(f"the receipts: {deliveries(gw, jobs)}", lambda: all(
            d.get("state") == "delivered" for d in deliveries(gw, jobs).values()))
        for name, d in deliveries(gw, jobs).items():
            expect(report, d.get("authenticity") == "signed", f"{name}: {d}")
        ladder_step(gw, box, report)
        forge(gw.http, report)
        expect(report, all(d["state"] == "delivered" for d in deliveries(gw, jobs).values()),
               "a forged receipt changes nothing")
    finally:
        gw.stop()
        box.stop()


# ---- smpp ----

def minutes_left(validity):
    """SMPP 3.4 §7.1.1: "YYMMDDhhmmsstnnp" absolute, here in UTC quarters."""
    then = datetime.datetime.strptime(validity[:12], "%y%m%d%H%M%S")
    shift = datetime.timedelta(minutes=15 * int(validity[13:15]))
    then = then - shift if validity[15] == "+" else then + shift
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    return (then - now).total_seconds() / 60


def smpp(folder, report):
    """A text of one part each; the window closes at 18:00 in Berlin, seven hours from 10:00 UTC."""
    fates = {phone(1): "DELIVRD", phone(2): "UNDELIV", phone(3): "EXPIRED", phone(4): 0x0B}
    operator = smsc.Smsc({n.lstrip("+"): f for n, f in fates.items()} | fates, hold=3)
    box, gw = plant(folder, smsc_conf=operator.conf())
    try:
        gw.start("sms")
        names = ["one", "two", "three", "four"]
        introduce(gw, [1, 2, 3, 4], "zh-CN")
        for answer in gw.submit("submit", [job(n, i + 1) | {"facts": SHORT}
                                           for i, n in enumerate(names)]):
            expect(report, answer["verdict"] == "accepted", f"accepted: {answer}")
        gw.clock_set("2013-01-03T12:00:00Z")
        wanted = dict(zip(names, ("delivered", "failed", "failed", "rejected")))
        try:
            wait_for("the receipts", lambda: all(
                deliveries(gw, [n])[n].get("state") == wanted[n] for n in names), 20)
        except TimeoutError:
            pass  # told by what follows
        for n, d in deliveries(gw, names).items():
            expect(report, d.get("state") == wanted[n], f"{n}: {d}")
        for s in operator.submitted:
            expect(report, 1 <= minutes_left(s["validity"]) <= 7 * 60,
                   f"nothing arrives after the window: {s['validity']}")
    finally:
        gw.stop()
        box.stop()
        operator.stop()


# ---- kill ----

def kill(folder, report):
    """One job a crash point; afterwards each job was sent at most once, and is sent or unknown."""
    crash = os.path.join(folder, "crash")
    box, gw = plant(folder, {"DUNLIN_CRASH_FILE": crash},
                    workers={"lost_ms": 1000}, dispatch={"recovery_grace_ms": 300})
    try:
        gw.start("sms")
        numbers = list(range(1, len(POINTS) + 1))
        introduce(gw, numbers)
        for n, point in zip(numbers, POINTS):
            before = gw.children().get("worker")
            with open(crash + ".new", "w", encoding="ascii") as file:
                file.write(point + ":1")
            os.rename(crash + ".new", crash)
            gw.submit("submit", [job(point, n)])
            wait_for(f"no crash at {point}", lambda: not os.path.exists(crash))
            wait_for("a new worker",
                     lambda b=before: gw.children().get("worker") not in (None, b))
        gw.clock_set("2013-01-04T12:00:00Z")
        time.sleep(1)  # what was sent is with the SMSC by now
        jobs = states(gw, numbers)
        sent = [to for to, _, _ in box.received()]
        for n, point in zip(numbers, POINTS):
            times = sent.count(phone(n))
            state = jobs[point]["state"]
            expect(report, times <= 1, f"{point}: sent {times} times")
            expect(report, state in ("delivered", "unknown"), f"{point}: {state}")
            expect(report, state != "delivered" or times == 1, f"{point}: delivered, yet not sent")
        expect(report, len(sent) >= 3, f"the points behind the sending were reached: {sent}")
    finally:
        gw.stop()
        box.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("way", "smpp", "kill"))
    parser.add_argument("--folder")
    args = parser.parse_args()
    kannel.available()
    with suite.Folder(args.folder) as folder:
        report = suite.Report()
        {"way": way, "smpp": smpp, "kill": kill}[args.what](folder, report)
        report.print()
        return 1 if report.count() else 0


if __name__ == "__main__":
    sys.exit(main())
