"""A real Kannel: bearerbox, smsbox and its fake SMSC, on free ports of the loopback."""
import os
import re
import socket
import subprocess
import time
import urllib.parse

import suite

FAKESMSC = "/usr/lib/kannel/test/fakesmsc"
PATIENCE_S = 30

CONF = """group = core
admin-port = {admin}
smsbox-port = {smsbox}
smsbox-interface = 127.0.0.1
admin-password = unused
dlr-storage = internal
sms-outgoing-queue-limit = 1000000

{smsc}
group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {sendsms}
sendsms-interface = 127.0.0.1
global-sender = 13013
http-request-retry = 60
http-queue-delay = 1

group = sendsms-user
username = dunlin
password = {password}
max-messages = 10
concatenation = true

group = sms-service
keyword = default
max-messages = 0
catch-all = true
{service}
"""

FAKE = """group = smsc
smsc = fake
smsc-id = FAKE
port = {port}
connect-allow-ip = 127.0.0.1
"""


def available():
    return all(map(os.path.exists, (suite.need_program("bearerbox"), suite.need_program("smsbox"),
                                    suite.need_file(FAKESMSC))))


def unescape_bytes(text):
    return urllib.parse.unquote_to_bytes(text.replace("+", " "))


def unescape(text, wide):
    return unescape_bytes(text).decode("utf-16-be") if wide else text


class Kannel:
    """smsc: the configuration of other SMSC links, instead of the fake one."""

    def __init__(self, folder, smsc=None, service="text = \"\"", password="kannel-secret"):
        available()
        self.folder = os.path.join(folder, "kannel")
        os.makedirs(self.folder, exist_ok=True)
        self.password = password
        self.ports = {n: suite.free_port() for n in ("admin", "smsbox", "sendsms", "fake")}
        self.processes = []
        self.fake = smsc is None
        self.conf = os.path.join(self.folder, "kannel.conf")
        with open(self.conf, "w", encoding="utf-8") as file:
            file.write(CONF.format(smsc=smsc or FAKE.format(port=self.ports["fake"]),
                                   password=password, service=service, **self.ports))

    def run(self, name, *command):
        log = open(os.path.join(self.folder, name + ".log"), "wb")
        p = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log,
                             cwd=self.folder, preexec_fn=suite.die_with_parent)
        log.close()
        self.processes.append(p)
        return p

    def log(self, name):
        with open(os.path.join(self.folder, name + ".log"), encoding="utf-8",
                  errors="replace") as file:
            return file.read()

    def wait_port(self, name):
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.ports[name])) == 0:
                    return
            time.sleep(0.05)
        raise TimeoutError(f"Kannel's {name} port does not open: " +
                           self.log("bearerbox")[-1500:])

    def wait_log(self, name, text):
        end = time.monotonic() + PATIENCE_S
        while text not in self.log(name):
            if time.monotonic() > end:
                raise TimeoutError(f"{text} not in {name}: " + self.log(name)[-1500:])
            time.sleep(0.05)

    def start(self):
        self.run("bearerbox", suite.need_program("bearerbox"), "-v", "1", self.conf)
        self.wait_port("smsbox")
        if self.fake:
            self.wait_port("fake")
            self.sink = self.run("fakesmsc", FAKESMSC, "-H", "127.0.0.1", "-r",
                                 str(self.ports["fake"]))
        self.run("smsbox", suite.need_program("smsbox"), "-v", "1", self.conf)
        self.wait_port("sendsms")
        return self

    def stop(self):
        for p in reversed(self.processes):
            p.kill()
            p.wait()
            p.stdin.close()
        self.processes = []

    def say(self, sender, text):
        """A person writes to us. The fake SMSC says only what it was started with: another one,
        whose log is "fakesmsc-2"."""
        self.sink.kill()
        self.sink.wait()
        self.sink = self.run("fakesmsc-2", FAKESMSC, "-H", "127.0.0.1", "-r",
                             str(self.ports["fake"]), "-m", "1", f"{sender} 13013 text {text}")

    def received(self, log="fakesmsc"):
        """[(to, "text" or "ucs-2", text)], parts joined again, as the fake SMSC got them."""
        whole, parts = [], {}
        for line in self.log(log).splitlines():
            m = re.search(r"Got message \d+: <(\S+) (\S+) (\S+) (.*)>$", line)
            if not m:
                continue
            _, to, kind, content = m.groups()
            if kind != "udh":
                whole.append((to, kind, unescape(content, kind == "ucs-2")))
                continue
            header, _, content = content.split(" ", 2)
            _, _, _, reference, of, number = unescape_bytes(header)
            got = parts.setdefault((to, reference), {})
            got[number] = unescape_bytes(content)
            if len(got) == of:
                raw = b"".join(got[i + 1] for i in range(of))
                wide = b"\0" in raw
                whole.append((to, "ucs-2" if wide else "text",
                              raw.decode("utf-16-be" if wide else "utf-8")))
                del parts[(to, reference)]
        return whole
