#!/usr/bin/env python3
"""Consent, holds, windows, rules, the content guard, and the loss of Redis, through the command line and a
whole gateway that writes into its outbox folder.
"""
import argparse
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import suite
suite.need_zmq()
import gateway  # noqa: E402  (needs zmq)

DEBTOR = {"id": "K-1", "name": "Court & Sons Ltd", "role": "company", "zone": "Europe/Berlin",
          "locale": "en", "contacts": [{"role": "primary", "name": "Accounts",
                                        "email": "accounts@k-1.example.test", "designated": True}]}
ITEM = {"id": "R-1", "debtor": "K-1", "due": "2013-01-01", "amount_minor": 12300,
        "currency": "EUR", "reference": "INV-1", "ladder": "none"}
ADDRESS = "accounts@k-1.example.test"
TABLE = ("Customer,Customer ID,Invoice No,Contract Amount,Paid,Unpaid,Due Date,Currency,Zone,"
         "Contact Name,Email\nGood Ltd,G-1,INV-1,100.00,0,100.00,2013-02-01,EUR,Europe/Berlin,Ada,"
         "ada@good.example.test\n")
MORNINGS = """// our mornings
{"format": 1, "windows": [{"id": "mornings", "channel": "email", "from": "09:00", "to": "11:30"}]}"""


def job(name, **more):
    return dict({"id": name, "debtor": "K-1", "case": "R-1", "channel": "email",
                 "template": "payment-reminder"}, **more)


class Story:
    def __init__(self, gw, report):
        self.gw, self.report = gw, report

    def check(self, good, rule, what=""):
        self.report.check(good, rule, str(what)[-600:])

    def tell(self, verb, body):
        answer = self.gw.submit(verb, [body])[0]
        self.check(answer["verdict"] == "accepted", f"{verb} is taken", answer)

    def job(self, name):
        return self.gw.query({"what": "job", "source": "local", "job": name})

    def mails(self):
        return glob.glob(os.path.join(self.gw.data, "outbox", "**", "*.eml"), recursive=True)

    def write(self, name, text):
        path = os.path.join(self.gw.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    # ---- the parts ----

    def windows(self):
        gw = self.gw
        good = self.write("good.jsonc", MORNINGS)
        bad = self.write("bad.jsonc", MORNINGS.replace("11:30", "08:30"))
        apart = self.write("apart.jsonc", MORNINGS.replace(
            "}]", '}, {"id": "noon", "source": "local", "from": "12:00", "to": "13:00"}]'))
        self.check(gw.run("window", "lint", good).returncode == 0, "windows: a good file is good")
        for path, word in ((bad, "/windows/0"), (apart, "mornings")):
            done = gw.run("window", "lint", path, check=False)
            self.check(done.returncode == 1 and word in done.stderr,
                       "windows: a bad file is refused with the place", done.stderr)
        done = gw.run("window", "diff", good)
        self.check("+ mornings" in done.stdout, "windows: diff shows what would come", done.stdout)
        gw.run("window", "apply", good, "--by", "ann", "--reason", "mornings work")
        done = gw.run("window", "diff", good)
        self.check("nothing would change" in done.stdout, "windows: and then nothing", done.stdout)
        done = gw.run("window", "apply", bad, check=False)
        shown = json.loads(gw.run("window", "show", "--json").stdout)
        self.check(done.returncode == 1 and shown["by"] == "ann" and
                   shown["windows"]["windows"][0]["to"] == "11:30",
                   "windows: a refused file leaves the old in force", shown)
        # SIGHUP takes the file beside the configuration; the shipped one has no windows.
        os.kill(gw.children()["gateway"], signal.SIGHUP)
        end = time.monotonic() + 20
        while shown["by"] != "SIGHUP" and time.monotonic() < end:
            time.sleep(0.1)
            shown = json.loads(gw.run("window", "show", "--json").stdout)
        self.check(shown["by"] == "SIGHUP" and not shown["windows"]["windows"],
                   "windows: SIGHUP takes the file of the configuration", shown)
        gw.run("window", "apply", good, "--by", "ann", "--reason", "again")

    def show_rules(self):
        return json.loads(self.gw.run("rules", "show", "--json").stdout)

    def edit(self, name, old, new):
        path = os.path.join(self.gw.folder, "config", name)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if old not in text:
            raise RuntimeError(f"{name} has no {old}")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace(old, new, 1))

    def hup_until(self, good, patience_s=20):
        os.kill(self.gw.children()["gateway"], signal.SIGHUP)
        end = time.monotonic() + patience_s
        while not good() and time.monotonic() < end:
            time.sleep(0.1)
        return good()

    def rules(self):
        gw = self.gw
        first = self.show_rules()
        self.check(first["by"] == "start", "rules: the first start puts the files in force", first["by"])
        done = gw.run("rules", "diff")
        self.check("nothing would change" in done.stdout, "rules: and diff finds nothing", done.stdout)
        self.edit("rules/default.jsonc", '"from": "08:00"', '"from": "08:15"')
        done = gw.run("rules", "diff")
        self.check("pack house-b2b" in done.stdout and '+ /windows/0/from "08:15"' in done.stdout,
                   "rules: diff shows the number that would change", done.stdout)
        self.check(self.show_rules() == first, "rules: an edited file alone changes nothing")
        gw.run("rules", "apply", "--by", "ann", "--reason", "counsel asked")
        now = self.show_rules()
        self.check(now["by"] == "ann" and now["reason"] == "counsel asked" and
                   now["hash"] != first["hash"], "rules: apply puts it in force with a name", now["by"])
        self.check(gw.query({"what": "status"})["rules"] == now["hash"],
                   "rules: decisions name the new hash")
        self.edit("rules/default.jsonc", '"from": "08:15"', '"from": "28:15"')
        done = gw.run("rules", "apply", check=False)
        self.check(done.returncode == 1 and "default.jsonc" in done.stderr,
                   "rules: a wrong file is refused with its name", done.stderr)
        refused = self.hup_until(lambda: "windows or rules refused" in gw.logs(200))
        self.check(refused and self.show_rules() == now, "rules: SIGHUP refuses it too, the old stay")
        self.edit("rules/default.jsonc", '"from": "28:15"', '"from": "08:30"')
        taken = self.hup_until(lambda: self.show_rules()["by"] == "SIGHUP")
        self.check(taken, "rules: SIGHUP takes good files", self.show_rules()["by"])
        self.edit("rules/default.jsonc", '"from": "08:30"', '"from": "08:00"')
        gw.run("rules", "apply", "--by", "ann", "--reason", "as before")

    def refuses_to_start(self, words):
        """dunlin up ends, or its gateway does again and again, and says why."""
        gw = self.gw
        with open(os.path.join(gw.folder, "up.log"), "ab") as log:
            gw.up = subprocess.Popen(
                [os.path.join(gw.bin, "dunlin"), "up", "--data", gw.data, "--config", gw.config,
                 "--with", "email"], stdout=log, stderr=log, env=gw.environment,
                preexec_fn=suite.die_with_parent)
        end = time.monotonic() + 30
        while words not in gw.logs(30) and time.monotonic() < end:
            time.sleep(0.05)
        said = words in gw.logs(30)
        gw.stop()
        return said

    def signatures(self):
        gw = self.gw
        gw.stop()
        with open(gw.config, encoding="utf-8") as file:
            settings = json.load(file)
        settings["rules"] = {"require_signature": True}
        with open(gw.config, "w", encoding="utf-8") as file:
            json.dump(settings, file)
        self.check(self.refuses_to_start("is not signed"), "signatures: unsigned rules do not start",
                   gw.logs(5))
        gw.run("rules", "key", "counsel")
        gw.run("rules", "sign", "--key", "counsel")
        self.check("0 files" in gw.run("rules", "verify").stdout, "signatures: one command signs all")
        gw.start()
        # What is in force was put there unsigned: nobody is contacted until signed rules are.
        other = dict(DEBTOR["contacts"][0], email="accounts@k-9.example.test")
        self.tell("debtor", dict(DEBTOR, id="K-9", contacts=[other]))
        tried = json.loads(gw.run("submit", "--dry-run", self.write(
            "sign.jsonl", json.dumps(job("s-1", debtor="K-9")) + "\n")).stdout.split("\n")[0])
        self.check(tried.get("why") == "rules-unreadable", "signatures: what was put in force unsigned holds", tried)
        gw.run("rules", "apply", "--by", "counsel", "--reason", "signed")
        before = self.show_rules()
        tried = json.loads(gw.run("submit", "--dry-run",
                                  os.path.join(gw.folder, "sign.jsonl")).stdout.split("\n")[0])
        self.check(tried["outcome"] in ("allow", "later"), "signatures: signed ones let it go", tried)
        self.edit("calendars/house.jsonc", '"01-01"', '"01-02"')
        done = gw.run("rules", "apply", check=False)
        self.check(done.returncode == 1 and "house.jsonc was changed after it was signed" in done.stderr
                   and self.show_rules() == before, "signatures: a bent calendar is refused", done.stderr)
        refused = self.hup_until(lambda: "house.jsonc was changed" in gw.logs(30))
        self.check(refused and self.show_rules() == before, "signatures: at a reload as well")
        gw.stop()
        self.check(self.refuses_to_start("house.jsonc was changed after it was signed"),
                   "signatures: and at the next start", gw.logs(5))

    def sending(self):
        self.tell("debtor", DEBTOR)
        self.tell("item", ITEM)
        self.tell("submit", job("j1"))
        self.gw.clock_set("2013-01-07T08:30:00Z")  # 09:30 in Berlin, a Monday
        self.check(self.job("j1")["state"] == "delivered", "a job goes in the window of the house",
                   self.job("j1"))
        self.tell("submit", job("j3", tone=1))  # the template's tone is 2
        self.gw.clock_set("2013-01-07T08:40:00Z")
        self.check(self.job("j3")["state"] == "parked" and self.job("j3")["why"] == "content-guard",
                   "the guard parks what is harsher than asked", self.job("j3"))

    def dry_runs(self):
        gw = self.gw
        before = gw.query({"what": "status"})["reminders"]
        lines = [job("dry-1"), job("dry-2", to="owner"), job("dry-3", channel="sms"),
                 job("dry-4", not_before="2013-02-05T10:00:00Z")]
        path = self.write("jobs.jsonl", "".join(json.dumps(x) + "\n" for x in lines))
        done = gw.run("submit", "--dry-run", path)
        out = [json.loads(x) for x in done.stdout.split("\n") if x]
        self.check([x["outcome"] for x in out] == ["allow", "hold", "hold", "later"],
                   "dry run: a file of jobs has its decisions", out)
        self.check(out[1]["why"] == "no-recipient" and
                   out[3]["planned_for"] >= "2013-02-05T10:00" and
                   "T08:00" <= out[3]["planned_for"][10:16] < "T10:30",  # mornings in Berlin
                   "dry run: with reasons and times", out)
        table = self.write("table.csv", TABLE)
        done = gw.run("import", "--dry-run", table, "--zone", "Europe/Berlin", "--currency", "EUR")
        out = [json.loads(x) for x in done.stdout.split("\n") if x]
        self.check(len(out) == 1 and len(out[0]["steps"]) >= 3 and
                   all("outcome" in x for x in out[0]["steps"]),
                   "dry run: a table has the steps of its ladders", out)
        self.check(gw.query({"what": "status"})["reminders"] == before and
                   "code" in gw.query({"what": "debtor", "source": "local", "debtor": "G-1"}),
                   "dry run: nothing is stored")

    def third_parties(self):
        for body in (job("t1", to="supplier"), job("t2", cc=["Customers"])):
            answer = self.gw.submit("submit", [body])[0]
            self.check(answer.get("code") == "third-party", "nobody outside is written to", answer)
        other = dict(DEBTOR, id="K-2")
        other["contacts"] = [dict(DEBTOR["contacts"][0], role="客户")]
        answer = self.gw.submit("debtor", [other])[0]
        self.check(answer.get("code") == "third-party", "nobody outside is designated", answer)

    def consent(self):
        gw = self.gw
        before = len(self.mails())
        lines = [{"of": "local", "id": "c1", "debtor": "K-1", "channel": "sms",
                  "address": "+4930123456", "status": "granted", "source": "contract",
                  "proof": {"media": "text/plain", "base64": "SSBhZ3JlZQ=="}},
                 {"of": "local", "id": "c2", "debtor": "K-1", "channel": "email", "address": ADDRESS,
                  "status": "withdrawn", "source": "reply STOP", "confirm": True}]
        path = self.write("consent.jsonl", "".join(json.dumps(x) + "\n" for x in lines))
        done = gw.run("consent", "import", path)
        self.check(done.stdout.count('"accepted"') == 2, "consent: import takes entries", done.stdout)
        done = gw.run("consent", "import", path)
        self.check(done.stdout.count('"duplicate"') == 2, "consent: and again does nothing",
                   done.stdout)
        gw.clock_set("2013-01-07T08:42:00Z")
        self.check(len(self.mails()) == before + 1, "consent: an opt-out is confirmed once",
                   self.mails())
        self.tell("submit", job("j4"))
        gw.clock_set("2013-01-07T09:00:00Z")
        self.check(self.job("j4")["state"] == "held" and self.job("j4")["why"] == "opted-out",
                   "consent: and nothing else goes", self.job("j4"))
        said = gw.run("explain", "j4").stdout
        self.check("withdrawn consent" in said, "consent: the explanation says why", said)
        shown = gw.run("consent", "show", "K-1").stdout
        self.check("withdrawn" in shown and "granted" in shown, "consent: show has both", shown)
        gw.settle()
        out = [json.loads(x) for x in gw.run("consent", "export", "--source", "local").stdout.split("\n")
               if x]
        self.check(sorted(x["id"] for x in out) == ["c1", "c2"] and out[0]["of"] == "local" and
                   out[0]["proof"]["base64"] == "SSBhZ3JlZQ==",
                   "consent: export is the ledger, proofs and all", out)

    def holds(self):
        gw = self.gw
        gw.run("hold", "id=h1", "debtor=K-1", "kind=vulnerable", "state=set", "by=ann",
               "reason=said so on the phone")
        done = gw.run("hold", "id=h2", "debtor=K-1", "kind=vulnerable", "state=released", "by=ann",
                      check=False)
        self.check(done.returncode == 1 and "reason" in done.stderr,
                   "holds: a release needs a reason", done.stderr)
        listed = gw.run("hold", "list", "--json").stdout
        self.check(json.loads(listed.split("\n")[0])["reason"] == "said so on the phone",
                   "holds: the list says who and why", listed)
        gw.run("hours", "id=w1", "debtor=K-1", "hours=mondays", "state=set", "use=never", "days=mon",
               "from=00:00", "to=24:00", "by=ann")

    def loss(self):
        gw = self.gw
        gw.settle()
        states = {j["job"]: j["state"] for j in gw.jobs(source="local", debtor="K-1")}
        debtor = gw.query({"what": "debtor", "source": "local", "debtor": "K-1"})
        mails = len(self.mails())
        rules = self.show_rules()
        gw.stop()
        shutil.rmtree(os.path.join(gw.data, "redis"))
        with open(os.path.join(gw.folder, "up.log"), "ab") as log:
            gw.up = subprocess.Popen(
                [os.path.join(gw.bin, "dunlin"), "up", "--data", gw.data, "--config", gw.config,
                 "--with", "email"], stdout=log, stderr=log, env=gw.environment,
                preexec_fn=suite.die_with_parent)
        end = time.monotonic() + 60
        while "dunlin rebuild" not in gw.logs(50) and time.monotonic() < end:
            time.sleep(0.1)
        self.check("dunlin rebuild" in gw.logs(50), "loss: the gateway refuses an empty store",
                   gw.logs(5))
        code = 75
        while code == 75 and time.monotonic() < end:
            done = gw.run("rebuild", "--json", check=False)
            code = done.returncode
        self.check(code == 0, "loss: rebuild makes the state again", done.stderr)
        print(done.stdout.strip())
        if code != 0:
            return
        gw.wait_ready()
        self.check(gw.run("rebuild", check=False).returncode in (1, 75),
                   "loss: rebuild does not touch a store in use")
        again = gw.query({"what": "debtor", "source": "local", "debtor": "K-1"})
        self.check(again == debtor, "loss: the debtor is as before", f"{debtor}\n{again}")
        self.check(self.show_rules() == rules, "loss: and the rules in force")
        gw.clock_set("2013-01-08T09:30:00Z")
        after = {j["job"]: j["state"] for j in gw.jobs(source="local", debtor="K-1")}
        self.check(after == states, "loss: so are its reminders", f"{states}\n{after}")
        self.check(len(self.mails()) == mails, "loss: nothing is sent twice", self.mails())


def run(folder):
    report = suite.Report()
    gw = gateway.Gateway(folder, gateway.settings(clock_start="2013-01-07T08:00:00Z"))
    story = Story(gw, report)
    try:
        gw.own_copy("rules", "calendars")
        gw.start()
        for part in (story.rules, story.windows, story.sending, story.dry_runs, story.third_parties,
                     story.consent, story.holds, story.loss, story.signatures):
            part()
    finally:
        gw.stop()
    report.print()
    return 1 if report.count() else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder")
    args = parser.parse_args()
    with suite.Folder(args.folder) as folder:
        sys.exit(run(folder))


if __name__ == "__main__":
    main()
