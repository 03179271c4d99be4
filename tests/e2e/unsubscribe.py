"""One-click unsubscribe, end to end: the link of a real mail, and what it does.

The mail lies in the outbox folder; its List-Unsubscribe is followed as a mail program does (RFC 8058).
"""
import argparse
import email
import email.policy
import glob
import os
import sys
import urllib.error
import urllib.parse
import urllib.request

import suite

suite.need_zmq()
import gateway  # noqa: E402
import sms  # noqa: E402

PUBLIC = "https://dunlin.example.test"


def expect(report, good, what):
    report.check(good, "a link opts out by POST and by nothing else", what)


def mails(gw):
    out = []
    for path in sorted(glob.glob(os.path.join(gw.data, "outbox", "*", "*.eml"))):
        with open(path, "rb") as file:
            out.append(email.message_from_binary_file(file, policy=email.policy.default))
    return out


def call(gw, url, data=None):
    path = urllib.parse.urlsplit(url).path
    try:
        with urllib.request.urlopen(gw.http + path, data=data, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def withdrawn(gw):
    debtor = gw.query({"what": "debtor", "debtor": "K-1", "source": "local"})
    return [c for c in debtor["consents"] if c["status"] == "withdrawn"]


def job(name):
    return {"id": name, "debtor": "K-1", "channel": "email", "template": "payment-reminder",
            "facts": sms.FACTS}


def play(gw, report):
    for answer in gw.submit("debtor", [sms.customer(1)]):
        expect(report, answer["verdict"] == "accepted", f"{answer}")
    gw.submit("submit", [job("one")])
    gw.clock_set("2013-01-03T12:00:00Z")
    sent = mails(gw)
    expect(report, len(sent) == 1, f"{len(sent)} mails")
    if report.count():
        return
    header = str(sent[0]["List-Unsubscribe"])
    link = next(part.strip(" <>") for part in header.split(",") if "https:" in part)
    expect(report, link.startswith(PUBLIC + "/u/"), header)
    expect(report, sent[0]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click", "RFC 8058")
    expect(report, "K-1" not in link and "example.test" not in link.removeprefix(PUBLIC), link)

    status, page = call(gw, link)
    expect(report, status == 200 and 'method="post"' in page, page)
    expect(report, not withdrawn(gw), "reading the page changes nothing")
    status, page = call(gw, link, b"List-Unsubscribe=One-Click")
    expect(report, status == 200, page)
    expect(report, [c["channel"] for c in withdrawn(gw)] == ["email"], f"{withdrawn(gw)}")
    expect(report, call(gw, link[:-1] + ("0" if link[-1] != "0" else "1"), b"")[0] == 404,
           "a link made up is nothing")
    gw.submit("submit", [job("two")])
    gw.clock_set("2013-01-03T13:00:00Z")
    expect(report, len(mails(gw)) == 1, "nothing is sent after it")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder")
    args = parser.parse_args()
    with suite.Folder(args.folder) as folder:
        report = suite.Report()
        port = suite.free_port()
        gw = gateway.Gateway(folder, gateway.settings(
            clock_start="2013-01-02T10:00:00Z",
            http={"endpoint": f"127.0.0.1:{port}", "public_url": PUBLIC}))
        gw.http = f"http://127.0.0.1:{port}"
        try:
            gw.start("email")
            play(gw, report)
        finally:
            gw.stop()
        report.print()
        return 1 if report.count() else 0


if __name__ == "__main__":
    sys.exit(main())
