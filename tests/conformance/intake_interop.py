#!/usr/bin/python3
"""An independent client: Debian's python3-zmq, written from gateway/intake/README.md alone."""
import json
import subprocess
import sys

try:
    import zmq
except ImportError:
    print("skipped: python3-zmq is not installed")
    sys.exit(77)


class Client:
    def __init__(self, served, name, kind=zmq.DEALER):
        self.context = zmq.Context()
        self.socket = self.context.socket(kind)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.curve_serverkey = served["server_key"].encode()
        self.socket.curve_publickey = served[name + "_public"].encode()
        self.socket.curve_secretkey = served[name + "_secret"].encode()
        self.socket.connect(served["endpoint"])

    def ask(self, verb, *bodies, request_id=b"q-1"):
        frames = [b"DUN1", verb.encode(), request_id]
        frames += [b if isinstance(b, bytes) else json.dumps(b).encode() for b in bodies]
        self.socket.send_multipart(frames)
        if not self.socket.poll(10000):
            raise AssertionError("no answer to " + verb)
        reply = self.socket.recv_multipart()
        assert reply[0] == b"DUN1" and reply[1] == request_id, reply[:2]
        return [json.loads(f) for f in reply[2:]]

    def close(self):
        self.socket.close()
        self.context.term()


def job(number, **more):
    return {"id": f"py-{number}", "debtor": "d-1", "channel": "email", "template": "letter", **more}


def a_batch_is_answered_in_order(erp):
    verdicts = erp.ask("submit", job(1), job(2, colour="red"), job(1), b"{", job(3))
    assert [v["verdict"] for v in verdicts] == [
        "accepted", "rejected", "duplicate", "rejected", "accepted"], verdicts
    assert verdicts[1]["code"] == "invalid" and verdicts[1]["pointer"] == "/colour"
    assert verdicts[3]["code"] == "malformed"
    assert verdicts[2]["receipt"] == verdicts[0]["receipt"]
    assert verdicts[2]["at"] == verdicts[0]["at"]


def the_same_content_written_otherwise_is_a_duplicate(erp):
    first = erp.ask("submit", job(4, facts={"a": 1, "b": "\u4e2d"}))[0]
    text = '{"facts" : {"b":"\u4e2d", "a":1}, "template":"letter","channel":"email","debtor":"d-1","id":"py-4"}'
    again = erp.ask("submit", text.encode())[0]
    assert again["verdict"] == "duplicate" and again["receipt"] == first["receipt"]
    assert erp.ask("submit", job(4))[0]["code"] == "conflict"


def an_account_is_kept(erp):
    item = {"id": "inv-1", "debtor": "d-1", "due": "2013-02-01", "amount_minor": 500, "currency": "CNY"}
    pay = {"id": "pay-1", "debtor": "d-1", "item": "inv-1", "amount_minor": 500, "currency": "CNY",
           "at": "2013-02-03T10:00:00+08:00"}
    assert erp.ask("item", item)[0]["verdict"] == "accepted"
    assert erp.ask("item", item)[0]["verdict"] == "duplicate"
    assert erp.ask("payment", pay)[0]["verdict"] == "accepted"
    assert erp.ask("payment", dict(pay, id="pay-2"))[0]["code"] == "overpaid"
    assert erp.ask("payment", dict(pay, id="pay-3", item="inv-9"))[0]["code"] == "unknown-item"


def roles_are_kept_apart(erp, ann):
    assert erp.ask("pause", {})[0]["code"] == "refused"
    assert erp.ask("submit", job(5, source="other"))[0]["code"] == "refused"
    assert ann.ask("submit", job(5))[0]["pointer"] == "/source"
    assert ann.ask("submit", job(5, source="erp"))[0]["verdict"] == "accepted"
    assert ann.ask("pause", {"channel": "sms"})[0]["verdict"] == "accepted"
    assert ann.ask("resume", {"channel": "sms"})[0]["verdict"] == "accepted"


def a_question_is_answered_with_an_object(erp):
    assert erp.ask("query", {"what": "status"}) == [{"what": "status", "source": "erp"}]


def limits_are_answered(erp):
    verdicts = erp.ask("submit", b" " * 70000, job(6))
    assert verdicts[0]["code"] == "too-large" and verdicts[1]["verdict"] == "accepted", verdicts
    verdicts = erp.ask("submit", *[b"{}"] * 4097)
    assert len(verdicts) == 1 and verdicts[0]["code"] == "too-large", verdicts
    assert erp.ask("shout", b"{}")[0]["code"] == "malformed"


def a_req_socket_works(served):
    req = Client(served, "erp", zmq.REQ)
    assert req.ask("submit", job(7))[0]["verdict"] == "accepted"
    req.close()


def an_unknown_key_gets_no_answer(served):
    public, secret = zmq.curve_keypair()
    stranger = Client(dict(served, x_public=public.decode(), x_secret=secret.decode()), "x")
    stranger.socket.send_multipart([b"DUN1", b"submit", b"q", b"{}"])
    assert not stranger.socket.poll(500)
    stranger.close()


def main():
    server = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    line = server.stdout.readline()
    if not line:
        return server.wait()
    served = json.loads(line)
    erp, ann = Client(served, "erp"), Client(served, "ann")
    try:
        a_batch_is_answered_in_order(erp)
        the_same_content_written_otherwise_is_a_duplicate(erp)
        an_account_is_kept(erp)
        roles_are_kept_apart(erp, ann)
        a_question_is_answered_with_an_object(erp)
        limits_are_answered(erp)
        a_req_socket_works(served)
        an_unknown_key_gets_no_answer(served)
    finally:
        erp.close()
        ann.close()
        server.stdin.close()
        code = server.wait(timeout=30)
    print("the independent client and the gateway understand each other")
    return code


if __name__ == "__main__":
    sys.exit(main())
