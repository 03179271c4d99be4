"""An operator's SMSC as Kannel sees it: SMPP 3.4 (§4, §5; receipts as in appendix B), for one link.

Numbers decide what becomes of a message: `fates` maps an address to "DELIVRD", "UNDELIV", "EXPIRED"
(a receipt says so), or to a number: the command_status that refuses it at once. Receipts of several
are sent out of order, and each twice, as real SMSCs do now and then.
"""
import socket
import struct
import threading

BIND_TRANSCEIVER, SUBMIT_SM, DELIVER_SM, UNBIND, ENQUIRE_LINK = 0x09, 0x04, 0x05, 0x06, 0x15
RESP = 0x80000000
RECEIPT = 0x04  # esm_class of a delivery receipt


def c_string(data, at):
    end = data.index(b"\0", at)
    return data[at:end].decode("latin-1"), end + 1


class Smsc:
    def __init__(self, fates, hold=0):
        """hold: receipts are kept until so many are there, then sent last first."""
        self.fates, self.hold = fates, hold
        self.submitted = []  # {"to", "validity", "text"}
        self.waiting = []
        self.sequence = 1000
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def conf(self):
        return f"""group = smsc
smsc = smpp
smsc-id = SMPP
host = 127.0.0.1
port = {self.port}
transceiver-mode = true
system-type = test
address-range = ""
smsc-username = test
smsc-password = test
reconnect-delay = 1
"""

    def stop(self):
        self.server.close()

    def serve(self):
        while True:
            try:
                link, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(link,), daemon=True).start()

    def talk(self, link):
        try:
            while True:
                head = link.recv(16, socket.MSG_WAITALL)
                if len(head) < 16:
                    return
                length, command, _, number = struct.unpack(">IIII", head)
                body = link.recv(length - 16, socket.MSG_WAITALL) if length > 16 else b""
                self.answer(link, command, number, body)
        except OSError:
            pass

    def send(self, link, command, status, number, body=b""):
        link.sendall(struct.pack(">IIII", 16 + len(body), command, status, number) + body)

    def answer(self, link, command, number, body):
        if command == BIND_TRANSCEIVER:
            self.send(link, command | RESP, 0, number, b"test\0")
        elif command == SUBMIT_SM:
            self.submit(link, number, body)
        elif command in (ENQUIRE_LINK, UNBIND):
            self.send(link, command | RESP, 0, number)

    def submit(self, link, number, body):
        at = c_string(body, 0)[1] + 2
        at = c_string(body, at)[1] + 2
        to, at = c_string(body, at)
        at += 3
        _, at = c_string(body, at)
        validity, at = c_string(body, at)
        _, _, _, _, size = body[at:at + 5]
        self.submitted.append({"to": to, "validity": validity, "text": body[at + 5:at + 5 + size]})
        fate = self.fates.get(to, "DELIVRD")
        if isinstance(fate, int):
            self.send(link, SUBMIT_SM | RESP, fate, number, b"\0")
            return
        name = str(len(self.submitted))
        self.send(link, SUBMIT_SM | RESP, 0, number, name.encode() + b"\0")
        self.waiting.append((name, to, fate))
        if len(self.waiting) >= self.hold:
            for one in reversed(self.waiting):
                self.receipt(link, *one)
                self.receipt(link, *one)
            self.waiting = []

    def receipt(self, link, name, to, fate):
        text = (f"id:{name} sub:001 dlvrd:001 submit date:1301021000 done date:1301021001 "
                f"stat:{fate} err:000 text:").encode()
        body = (b"\0" + b"\x01\x01" + to.encode() + b"\0" + b"\x05\0" + b"Dunlin\0" +
                bytes([RECEIPT, 0, 0]) + b"\0\0" + bytes([0, 0, 0, 0, len(text)]) + text)
        self.sequence += 1
        self.send(link, DELIVER_SM, 0, self.sequence, body)
