"""Hostile input through every door of a running system: frames, JSON, fields, sizes, keys, tables.

Each must get a clear verdict (what, where, what to do), nothing of it may be half accepted (counts
and the seeded debtor stay as they were), and the processes must live (same process ids).

    hostile.py [--folder KEPT] [--seed N]
"""
import argparse
import copy
import glob
import json
import os
import random
import re
import socket
import sys

import suite

suite.need_zmq()
import zmq  # noqa: E402
import gateway  # noqa: E402  (needs zmq)

DEBTOR = {"id": "K-1", "name": "Careful Customer", "role": "company", "zone": "Europe/Berlin",
          "locale": "en", "contacts": [{"role": "primary", "name": "Accounts",
                                        "email": "accounts@k-1.example.test", "designated": True}]}
GOOD = {
    "submit": {"id": "job-1", "debtor": "K-1", "channel": "email", "template": "payment-reminder"},
    "item": {"id": "R-1", "debtor": "K-1", "due": "2013-02-01", "amount_minor": 12300,
             "currency": "EUR"},
    "payment": {"id": "p-1", "debtor": "K-1", "item": "R-0", "amount_minor": 100,
                "currency": "EUR", "at": "2013-01-01T00:00:00Z"},
    "promise": {"id": "m-1", "debtor": "K-1", "item": "R-0", "date": "2013-02-01"},
    "dispute": {"id": "d-1", "debtor": "K-1", "item": "R-0", "state": "open"},
    "debtor": dict(DEBTOR, id="K-2"),
    "consent": {"id": "c-1", "debtor": "K-1", "channel": "email", "status": "withdrawn",
                "address": "accounts@k-1.example.test", "source": "phone call"},
    "hold": {"id": "h-1", "debtor": "K-1", "kind": "legal", "state": "set", "by": "counsel"},
    "hours": {"id": "w-1", "debtor": "K-1", "hours": "nights", "state": "set", "use": "never",
              "from": "20:00", "to": "24:00", "by": "clerk"},
    "cancel": {"job": "job-0"},
}
SEED_ITEM = dict(GOOD["item"], id="R-0", state="disputed")  # held: nothing leaves meanwhile
MIB = 1024 * 1024


def encode(body):
    return json.dumps(body, ensure_ascii=False).encode()


class Hostile:
    def __init__(self, gw, report, rng):
        self.gw, self.report, self.rng = gw, report, rng
        self.tried = 0

    # ---- what must not change ----

    def snapshot(self):
        status = self.gw.query({"what": "status"})
        debtor = self.gw.query({"what": "debtor", "source": "local", "debtor": "K-1"})
        items = self.gw.query({"what": "items", "source": "local", "debtor": "K-1"})
        return {"reminders": status["reminders"], "debtor": debtor, "items": items,
                "processes": self.gw.children()}

    def unchanged(self, before, after, door):
        for what in before:
            self.report.check(before[what] == after[what], f"{door}: {what} as before",
                              lambda: f"{before[what]} became {after[what]}"[:300])

    # ---- verdicts ----

    def send(self, verb, bodies, request=None, patience_s=30):
        request = request if request is not None else b"%d" % self.rng.randrange(10 ** 9)
        frames = [b"DUN1", verb.encode(), request, *bodies]
        return [json.loads(f) for f in self.gw.exchange("local", frames, request, patience_s)]

    def rejected(self, door, what, answer, code=None, pointer=None, reason=None):
        """The answer must be a rejection that helps."""
        self.tried += 1
        good = (answer.get("verdict") == "rejected" and answer.get("code")
                and len(answer.get("reason", "")) > 8)
        if code:
            good = good and answer.get("code") in (code if isinstance(code, tuple) else (code,))
        if pointer:
            good = good and answer.get("pointer", "").startswith(pointer)
        if reason:
            good = good and reason in answer["reason"]
        self.report.check(good, f"{door}: refused with a reason", f"{what}: {answer}"[:300])


# ---- 1. envelopes ----

def envelopes(h):
    gw = h.gw
    valid = encode(GOOD["submit"])
    cases = {
        "another protocol": [b"DUN2", b"submit", b"r1", valid],
        "an unknown verb": [b"DUN1", b"destroy", b"r1", valid],
        "no body": [b"DUN1", b"submit", b"r1"],
        "binary verb": [b"DUN1", b"\x00\xff" * 40, b"r1", valid],
        "five thousand bodies": [b"DUN1", b"submit", b"r1"] + [valid] * 5000,
    }
    for what, frames in cases.items():
        answers = [json.loads(f) for f in gw.exchange("local", frames, b"r1", 30)]
        h.rejected("envelopes", what, answers[0])
        h.report.check(len(answers) == 1, "envelopes: one verdict for the message", what)
    for frames in ([b"DUN1"], [b"DUN1", b"submit"], [b"DUN1", b"submit", b"x" * 129, valid]):
        h.rejected("envelopes", f"{len(frames)} frames",
                   json.loads(gw.exchange("local", frames, b"", 30)[0]))
    s = gw.socket("local")
    for _ in range(300):
        s.send_multipart([h.rng.randbytes(h.rng.choice((0, 1, 4, 30, 300)))
                          for _ in range(h.rng.randrange(1, 9))])
        h.tried += 1
    answer = h.send("query", [encode({"what": "job", "job": "none"})])[0]
    h.report.check(answer["code"] == "unknown-job", "envelopes: answers after three hundred random messages",
                   str(answer)[:200])


def raw_bytes(h):
    """Not even ZeroMQ."""
    for name in ("intake.sock", "workers.sock"):
        for _ in range(20):
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(os.path.join(h.gw.data, "run", name))
                try:
                    s.sendall(h.rng.choice((b"GET / HTTP/1.1\r\n\r\n", b"\xff" + b"\x00" * 8 + b"\x7f\x03",
                                            h.rng.randbytes(5000))))
                except OSError:
                    pass  # hung up on already
                h.tried += 1


def strangers(h):
    """A key nobody allowed, and no key at all: not one byte of an answer."""
    endpoint = "ipc://" + os.path.join(h.gw.data, "run", "intake.sock")
    with open(os.path.join(h.gw.data, "keys", "gateway.pub"), encoding="ascii") as file:
        server = file.read().strip().encode()
    for what in ("an unknown key", "no key"):
        s = h.gw.context.socket(zmq.DEALER)
        s.setsockopt(zmq.LINGER, 0)
        if what == "an unknown key":
            s.curve_publickey, s.curve_secretkey = zmq.curve_keypair()
            s.curve_serverkey = server
        s.connect(endpoint)
        s.send_multipart([b"DUN1", b"query", b"1", encode({"what": "status"})], zmq.DONTWAIT)
        h.report.check(not s.poll(700), "strangers: no answer", what)
        h.tried += 1
        s.close(0)


# ---- 2. JSON ----

def json_suite(h):
    folder = suite.need_file(os.path.join(suite.VECTORS, "jsontestsuite", "test_parsing"))
    paths = sorted(glob.glob(os.path.join(folder, "*.json")))
    bodies = []
    for path in paths:
        with open(path, "rb") as file:
            bodies.append(file.read())
    for verb in GOOD:
        for path, answer in zip(paths, h.send(verb, bodies)):
            name = os.path.basename(path)
            # All n_ are broken; y_ and i_ are JSON, or what strict reading refuses, but no body.
            code = ("malformed", "too-large") if name.startswith("n_") else \
                ("malformed", "invalid", "too-large")
            h.rejected("JSON", f"{verb} {name}", answer, code=code)


def truncated(h):
    for verb, body in GOOD.items():
        text = encode(body)
        for n, answer in enumerate(h.send(verb, [text[:n] for n in range(len(text))])):
            h.rejected("JSON", f"{verb} cut at byte {n}", answer, code="malformed")
        for bad in (text + b"}", text + text, b"\xef\xbb\xbf" + text, text + b"\x00",
                    text[:-1] + b',"id":"twice"}', text.replace(b'"id"', b"'id'", 1),
                    text[:-1] + b',"x":"\xff\xfe"}', text[:-1] + b',"x":NaN}'):
            if bad != text:
                h.rejected("JSON", f"{verb} {bad[-20:]}", h.send(verb, [bad])[0],
                           code=("malformed", "invalid"))


# ---- 3. fields ----

WRONG = {"string": ({}, 7, None, True, []), "integer": ("12", 1.5, {}, None, True, [1], 1e300),
         "array": ({}, "x", 7), "object": ("x", 7, []), "boolean": ("true", 1, {})}


def wrong_types(h):
    for verb, good in GOOD.items():
        with open(os.path.join(suite.SOURCE, "config", "schema", verb + ".json"),
                  encoding="utf-8") as file:
            schema = json.load(file)
        tries = []
        for name, rule in schema["properties"].items():
            tries += [(name, value) for value in WRONG.get(rule.get("type"), ())]
            if rule.get("type") == "string":
                tries += [(name, "line\r\nbreak"), (name, "x" * 70000), (name, "\u0001")]
            if "enum" in rule:
                tries.append((name, "nonsense"))
        answers = h.send(verb, [encode(dict(good, **{n: v})) for n, v in tries])
        for (name, value), answer in zip(tries, answers):
            if len(encode(value)) > 65536:
                h.rejected("fields", f"{verb} {name} huge", answer, code="too-large")
            else:
                h.rejected("fields", f"{verb} {name} {value!r}"[:80], answer,
                           code=("invalid", "malformed", "refused"),
                           pointer="/" + name if answer.get("code") == "invalid" else None)
        h.rejected("fields", f"{verb} unknown member",
                   h.send(verb, [encode(dict(good, nonsense=1))])[0], code="invalid",
                   pointer="/nonsense")
        for name in schema.get("required", ()):
            body = {k: v for k, v in good.items() if k != name}
            h.rejected("fields", f"{verb} without {name}", h.send(verb, [encode(body)])[0],
                       code="invalid", reason=name)


def bad_values(h):
    amounts = [0, -1, 10 ** 15 + 1, 2 ** 63 - 1, 2 ** 63, 10 ** 30]
    cases = [("item", {"amount_minor": a}, "invalid", "/amount_minor") for a in amounts]
    cases += [("payment", {"amount_minor": a}, "invalid", "/amount_minor") for a in amounts]
    cases += [("item", {"currency": c}, "invalid", "/currency") for c in ("XXY", "eur", "EURO", "")]
    cases += [("item", {"due": d}, "invalid", "/due")
              for d in ("2013-02-30", "01/02/2013", "2013-2-1", "2013-02-01T00:00:00Z", "")]
    cases += [("item", {"paid_minor": 99999999}, "invalid", None)]
    cases += [("payment", {"amount_minor": 10 ** 14}, ("overpaid", "invalid"), None),
              ("payment", {"currency": "USD"}, "wrong-currency", None),
              ("payment", {"item": "no-such"}, "unknown-item", None),
              ("payment", {"debtor": "no-such"}, ("unknown-item", "unknown-debtor"), None),
              ("cancel", {"job": "no-such"}, "unknown-job", None),
              ("item", {"source": "somebody-else"}, ("refused", "invalid"), None)]
    for address in ("a@b\r\nBcc: thief@elsewhere.example.test", "a@b\n.example.test", "a b@c.test",
                    "a@@b.test", "@b.test", "a@", "a@b.test\r", "<a@b.test>", "a@b.test, c@d.test",
                    "x" * 300 + "@b.test", "a\u0000@b.test"):
        body = copy.deepcopy(GOOD["debtor"])
        body["contacts"][0]["email"] = address
        cases.append(("debtor", {"contacts": body["contacts"]}, ("invalid", "malformed"), None))
    for phone in ("0151 1234", "+", "+49\r\n1", "+1234567890123456", "123"):
        cases.append(("debtor", {"contacts": [{"role": "primary", "name": "A", "phone": phone}]},
                      "invalid", "/contacts/0/phone"))
    for zone in ("../../etc/passwd", "/etc/localtime", "Europe/Berlin\n", "Berlin time", ""):
        cases.append(("debtor", {"zone": zone}, "invalid", "/zone"))
    cases.append(("debtor", {"name": "A\r\nB"}, "invalid", "/name"))
    for verb, change, code, pointer in cases:
        answer = h.send(verb, [encode(dict(GOOD[verb], **change))])[0]
        h.rejected("values", f"{verb} {change}"[:90], answer, code=code, pointer=pointer)


# ---- 4. sizes ----

def resident_mib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) / 1024


def sizes(h):
    pid = h.gw.children()["gateway"]
    before = resident_mib(pid)
    huge = b'{"id":"' + b"x" * (30 * MIB) + b'"}'
    for _ in range(3):
        answers = h.send("submit", [huge, b"{}"])
        h.rejected("sizes", "30 MB body", answers[0], code="too-large")
        h.rejected("sizes", "the body beside it", answers[1], code="invalid")
    answers = h.send("submit", [b"[" * (12 * MIB)] * 3)
    h.rejected("sizes", "36 MB message", answers[0], code="too-large")
    deep = b"[" * 30000 + b"]" * 30000
    h.rejected("sizes", "30,000 deep", h.send("item", [deep])[0], code="too-large")
    s = h.gw.socket("local")
    s.send_multipart([b"DUN1", b"submit", b"r1", b"x" * (40 * MIB)])
    h.report.check(not s.poll(1500), "sizes: a frame above the limit gets no answer", "40 MB frame")
    s.close(0)
    del h.gw.sockets["local"]
    answer = h.send("query", [encode({"what": "job", "job": "none"})])[0]
    h.report.check(answer["code"] == "unknown-job", "sizes: a new connection is served", str(answer)[:200])
    grown = resident_mib(pid) - before
    h.report.check(grown < 200, "sizes: memory stays bounded", f"{grown:.0f} MiB more")


# ---- 5. tables ----

HEAD = "Customer,Customer ID,Invoice No,Contract Amount,Paid,Unpaid,Due Date,Currency,Zone,Contact Name,Email\n"
ROW = "Good Ltd,G-1,INV-1,100.00,0,100.00,2013-02-01,EUR,Europe/Berlin,Ada,ada@good.example.test\n"


def with_cell(name, value):
    cells = ROW.rstrip("\n").split(",")
    cells[HEAD.rstrip("\n").split(",").index(name)] = value
    return HEAD + ROW.replace("INV-1", "INV-0") + ",".join(cells) + "\n"


TABLES = [
    # what, bytes, words the refusal must have (line and column, or what is missing)
    ("an unknown column", HEAD.replace("Zone", "Star Sign") + ROW, ("Star Sign",)),
    ("no due date column", HEAD.replace("Due Date", "#x") + ROW, ("due",)),
    ("a column twice", HEAD.replace("Zone", "Currency") + ROW, ("currency",)),
    ("no header at all", ROW + ROW, ("line 1",)),
    ("empty file", "", ()),
    ("missing value", with_cell("Due Date", ""), ("line 3", "due date")),
    ("missing customer", with_cell("Customer", "").replace("G-1", "", 2), ("line",)),
    ("missing invoice number", with_cell("Invoice No", ""), ("line 3", "invoice no")),
    ("CR LF in an address", with_cell("Email", '"ada@good.example.test\r\nBcc: x@y.test"'),
     ("line 3", "email")),
    ("LF in a name", with_cell("Contact Name", '"Ada\nLovelace"'), ("line 3", "contact name")),
    ("two addresses", with_cell("Email", '"a@b.test, c@d.test"'), ("line 3", "email")),
    ("day-first date", with_cell("Due Date", "01/02/2013"), ("line 3", "due date")),
    ("impossible date", with_cell("Due Date", "2013-02-30"), ("line 3", "due date")),
    ("amount in words", with_cell("Contract Amount", "hundred"), ("line 3", "contract amount")),
    ("amount with exponent", with_cell("Contract Amount", "1e5"), ("line 3", "contract amount")),
    ("amount with three decimals", with_cell("Unpaid", "100.005"), ("line 3", "unpaid")),
    ("amount that overflows", with_cell("Contract Amount", "9" * 30), ("line 3", "contract amount")),
    ("negative amount", with_cell("Paid", "-5.00"), ("line 3", "paid")),
    ("sums that disagree", with_cell("Unpaid", "40.00"), ("line 3",)),
    ("unknown currency", with_cell("Currency", "XXY"), ("line 3", "currency")),
    ("unknown zone", with_cell("Zone", "Mars/Olympus"), ("line 3", "zone")),
    ("too many cells", HEAD + ROW.rstrip("\n") + ",,,surplus\n", ("line 2",)),
    ("too few cells", HEAD + "Good Ltd,G-1\n", ("line 2",)),
    ("an open quote", HEAD + ROW.replace("Ada", '"Ada'), ("line 2",)),
    ("a NUL byte", HEAD + ROW.replace("Ada", "A\0da"), ("line 2",)),
    ("a contradiction", HEAD + ROW + ROW.replace("INV-1", "INV-2").replace("Europe/Berlin",
                                                                           "Asia/Tokyo"),
     ("line 3", "zone")),
    ("the same invoice twice", HEAD + ROW + ROW.replace("100.00", "200.00"), ("line 3",)),
    ("not UTF-8", (HEAD + ROW).encode().replace(b"Ada", b"\xff\xfe"), ("line 2",)),
    ("UTF-16", (HEAD + ROW).encode("utf-16"), ()),
    ("a BOM in the second line", HEAD + "\ufeff" + ROW.replace("G-1", "\ufeffG-1"), ("line 2",)),
    ("a program", bytes(range(256)) * 4000, ()),
]


def tables(h):
    path = os.path.join(h.gw.folder, "table.csv")
    for what, text, words in TABLES:
        with open(path, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        done = h.gw.run("import", path, check=False)
        h.tried += 1
        said = done.stderr
        h.report.check(done.returncode == 1 and len(said) > 10 and "accepted" not in said,
                       "tables: refused as a whole, exit code 1",
                       f"{what}: exit {done.returncode}: {said}"[:300])
        h.report.check(all(w.lower() in said.lower() for w in words),
                       "tables: the refusal names line and column", f"{what}: {said}"[:300])


def good_table(h):
    """The same table as it should be, with a byte order mark as spreadsheets write it."""
    path = os.path.join(h.gw.folder, "table.csv")
    with open(path, "wb") as file:
        file.write(b"\xef\xbb\xbf" + (HEAD + ROW).replace("\n", "\r\n").encode())
    done = h.gw.run("import", path, check=False)
    h.report.check(done.returncode == 0, "tables: with BOM and CR LF a good one is taken",
                   done.stderr)
    items = h.gw.query({"what": "items", "source": "local", "debtor": "G-1"})
    h.report.check(len(items.get("items", [])) == 1, "tables: and its item is there", str(items)[:200])


# ---- all of it ----

DOORS = (envelopes, raw_bytes, strangers, json_suite, truncated, wrong_types, bad_values, sizes,
         tables)


def run(folder, seed):
    report = suite.Report()
    gw = gateway.Gateway(folder, gateway.settings(clock_start="2013-01-01T00:00:00Z"))
    try:
        gw.start()
        h = Hostile(gw, report, random.Random(seed))
        for verb, body in (("debtor", DEBTOR), ("item", SEED_ITEM)):
            answer = gw.submit(verb, [body])[0]
            assert answer["verdict"] == "accepted", answer
        gw.clock_set("2013-01-01T01:00:00Z")
        before = h.snapshot()
        for door in DOORS:
            door(h)
            after = h.snapshot()
            h.unchanged(before, after, door.__name__.replace("_", " "))
        for verb in ("debtor", "item", "submit"):
            answer = h.send(verb, [encode(GOOD[verb])])[0]
            report.check(answer.get("verdict") == "accepted", "after all that, good bodies are taken",
                         f"{verb}: {answer}")
        good_table(h)
        logs = gw.logs(1000)
        report.check("thief" not in logs and "Careful" not in logs,
                     "no value of a body is in a log", "found")
        print(f"{h.tried} hostile inputs, seed {seed}")
    finally:
        gw.stop()
    report.print()
    return 1 if report.count() else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder")
    parser.add_argument("--seed", type=int, default=20130102)
    args = parser.parse_args()
    suite.need_file(suite.VECTORS)
    with suite.Folder(args.folder) as folder:
        sys.exit(run(folder, args.seed))


if __name__ == "__main__":
    main()
