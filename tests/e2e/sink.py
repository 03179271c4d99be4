"""Mail servers of the tests: Postfix's smtp-sink, which keeps every mail it accepted as a file, and
a whole Postfix of the test's own that relays into it. Both listen on the loopback only."""
import hashlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time

import suite

PATIENCE_S = 30
POSTFIX_PROGRAMS = "/usr/lib/postfix/sbin"


def wait_for_port(port, process, name):
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if process is not None and process.poll() is not None:
            raise RuntimeError(f"{name} ended with {process.returncode}")
        with socket.socket() as s:
            s.settimeout(1)
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"{name} does not listen on port {port}")


class Sink:
    """smtp-sink -d: one file per mail transaction, written only when the final dot was answered."""

    def __init__(self, folder, options=()):
        self.folder = os.path.join(folder, "sink")
        os.makedirs(self.folder, exist_ok=True)
        self.port = suite.free_port()
        self.command = [suite.need_program("smtp-sink")]
        if os.geteuid() == 0:
            self.command += ["-u", "root"]
        self.command += [*options, "-d", os.path.join(self.folder, "mail."),
                         f"127.0.0.1:{self.port}", "256"]
        self.log = os.path.join(folder, "sink.log")
        self.process = None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log,
                                            preexec_fn=suite.die_with_parent)
        wait_for_port(self.port, self.process, "smtp-sink")
        return self

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(PATIENCE_S)

    def count(self):
        return len(os.listdir(self.folder))


MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = {programs}
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
inet_interfaces = loopback-only
inet_protocols = ipv4
myhostname = relay.example.test
mydestination =
mynetworks = 127.0.0.0/8
local_recipient_maps =
alias_maps =
alias_database =
relayhost = [127.0.0.1]:{sink}
smtpd_relay_restrictions = permit_mynetworks, reject
smtp_tls_security_level = none
smtpd_tls_security_level = none
smtputf8_enable = no
biff = no
"""

MASTER_CF = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp      unix  - - n - - smtp
relay     unix  - - n - - smtp
showq     unix  n - n - - showq
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """A Postfix with configuration and queue of its own; the system's instance is not touched."""

    def __init__(self, folder, sink_port):
        if os.geteuid() != 0:
            suite.skip("a Postfix of one's own needs root")
        self.program = suite.need_program("postfix")
        self.port = suite.free_port()
        self.folder = os.path.join(folder, "postfix")
        self.config = os.path.join(self.folder, "etc")
        owner = pwd.getpwnam("postfix")
        for name in ("etc", "queue", "data"):
            os.makedirs(os.path.join(self.folder, name), exist_ok=True)
        os.chown(os.path.join(self.folder, "data"), owner.pw_uid, owner.pw_gid)
        os.chmod(folder, 0o755)  # its daemons run as postfix and have to get through
        values = {"folder": self.folder, "programs": POSTFIX_PROGRAMS, "sink": sink_port,
                  "port": self.port}
        for name, text in (("main.cf", MAIN_CF), ("master.cf", MASTER_CF)):
            with open(os.path.join(self.config, name), "w", encoding="ascii") as file:
                file.write(text.format(**values))

    def run(self, *what):
        return subprocess.run([self.program, "-c", self.config, *what], capture_output=True,
                              text=True, check=False)

    def start(self):
        done = self.run("start")
        if done.returncode != 0:
            raise RuntimeError("postfix start: " + done.stdout + done.stderr + self.log())
        wait_for_port(self.port, None, "postfix")
        return self

    def stop(self):
        if os.path.isdir(self.config):
            self.run("stop")

    def log(self):
        path = os.path.join(self.folder, "mail.log")
        if not os.path.exists(path):
            return ""
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def queued(self):
        """Mails that have not left yet."""
        n = 0
        for name in ("incoming", "active", "deferred", "maildrop", "hold"):
            for _, _, files in os.walk(os.path.join(self.folder, "queue", name)):
                n += len(files)
        return n

    def wait_empty(self):
        end = time.monotonic() + PATIENCE_S
        while self.queued():
            if time.monotonic() > end:
                raise TimeoutError("postfix does not empty its queue: " + self.log()[-2000:])
            time.sleep(0.05)

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


# ---- reading what the sink kept ----

SINK_HEADERS = (b"X-Client-Addr:", b"X-Client-Proto:", b"X-Helo-Args:", b"X-Mail-Args:",
                b"X-Rcpt-Args:")
TRANSPORT_HEADERS = (b"Received:", b"Return-Path:", b"Delivered-To:", b"X-Original-To:")


class Mail:
    """One mail of the sink. `content` is what the worker sent, with LF line ends: headers the
    transport put on top are taken off."""

    def __init__(self, path):
        with open(path, "rb") as file:
            lines = file.read().split(b"\n")
        self.name = os.path.basename(path)
        self.recipients = []
        at = 0
        in_transport = False
        while at < len(lines):
            line = lines[at]
            if line.startswith(SINK_HEADERS + TRANSPORT_HEADERS):
                in_transport = True
                if line.startswith(b"X-Rcpt-Args:"):
                    inside = line.split(b"<", 1)[1].split(b">", 1)[0]
                    self.recipients.append(inside.decode())
            elif not (in_transport and line[:1] in (b" ", b"\t")):
                break
            at += 1
        # The sink ends each file with one line of its own.
        self.content = b"\n".join(lines[at:])[:-1]
        self.sha256 = hashlib.sha256(self.content).hexdigest()

    def header(self, name):
        head = self.content.split(b"\n\n", 1)[0].decode("ascii", "replace").split("\n")
        for i, line in enumerate(head):
            if line.lower().startswith(name.lower() + ":"):
                value = line[len(name) + 1:]
                for more in head[i + 1:]:
                    if more[:1] not in (" ", "\t"):
                        break
                    value += more
                return value.strip()
        return None


def mails(folder):
    folder = os.path.join(folder, "sink")
    return [Mail(os.path.join(folder, name)) for name in sorted(os.listdir(folder))]
