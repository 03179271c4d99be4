"""A gateway under test: its folder, its processes, and an independent ZeroMQ client for it.

The client knows the intake protocol from gateway/intake/README.md only; nothing of libdunlin is used.
"""
import json
import os
import shutil
import signal
import subprocess
import time

import zmq

import suite

SANITIZER_MARKS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer",
                   ": runtime error: ")
PATIENCE_S = 120
ONCE_S = 15  # for one try of a request that may be repeated
CREDITOR = {"*": {"creditor": {"name": "Example Creditor Ltd",
                               "email": "receivables@creditor.example.test"},
                  "signature": {"name": "A. Sample", "title": "Head of Accounts Receivable"}}}


def settings(smtp_port=None, clock_start=None, **more):
    """The shipped configuration, changed where a test must: movable clock, the test's mail server."""
    out = {"clock": {"movable": True},
           "evidence": {"origin": "e2e.example.test/log", "node": "e2e"},
           "email": {"transport": "outbox"}, "sources": CREDITOR}
    if clock_start:
        out["clock"]["start"] = clock_start
    if smtp_port:
        out["email"] = {"transport": "smtp",
                        "smtp": {"host": "127.0.0.1", "port": smtp_port, "tls": "none"}}
    for section, values in more.items():
        out.setdefault(section, {}).update(values)
    return out


def milliseconds(when):
    """"2013-01-02T10:00:00Z" as the gateway writes it."""
    return when.removesuffix("Z") + ".000Z"


class Gateway:
    """`dunlin up` on a folder of its own."""

    def __init__(self, folder, config, environment=None, once_s=ONCE_S):
        self.bin = os.path.join(suite.BUILD, "bin")
        for program in ("dunlin", "dunlin-gateway", "dunlin-worker", "dunlin-verify"):
            suite.need_file(os.path.join(self.bin, program))
        self.folder = folder
        self.once_s = once_s
        self.data = os.path.join(folder, "data")
        self.environment = dict(os.environ, **(environment or {}))
        self.context = zmq.Context()
        self.sockets = {}
        self.serial = 0
        self.up = None
        # The configuration lies beside links to what is shipped, so that its paths hold.
        home = os.path.join(folder, "config")
        os.makedirs(home, exist_ok=True)
        shipped = set(os.listdir(os.path.join(suite.SOURCE, "config")))
        for name in shipped - {"dunlin.jsonc", "quickstart.jsonc", "loader", "CMakeLists.txt", "README.md"}:
            link = os.path.join(home, name)
            if not os.path.lexists(link):
                os.symlink(os.path.join(suite.SOURCE, "config", name), link)
        self.config = os.path.join(home, "dunlin.jsonc")
        config = dict(config)
        config.setdefault("templates", {}).setdefault("dir",
                                                      os.path.join(suite.SOURCE, "templates"))
        with open(self.config, "w", encoding="utf-8") as file:
            json.dump(config, file, indent=1)

    def own_copy(self, *names):
        """These folders of the configuration may be changed by the test."""
        for name in names:
            path = os.path.join(os.path.dirname(self.config), name)
            os.unlink(path)
            shutil.copytree(os.path.join(suite.SOURCE, "config", name), path)

    # ---- processes ----

    def publish_templates(self):
        store = os.path.join(self.data, "templates")
        os.makedirs(store, mode=0o700, exist_ok=True)
        self.run("template", "publish", os.path.join(suite.SOURCE, "templates"), "--store", store)

    def start(self, channels="email"):
        self.publish_templates()
        with open(os.path.join(self.folder, "up.log"), "ab") as log:
            self.up = subprocess.Popen(
                [os.path.join(self.bin, "dunlin"), "up", "--data", self.data, "--config",
                 self.config, "--with", channels], stdout=log, stderr=log, env=self.environment,
                preexec_fn=suite.die_with_parent)
        self.wait_ready()
        return self

    def wait_ready(self):
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if self.up.poll() is not None:
                raise RuntimeError("dunlin up ended: " + self.logs())
            try:
                self.query({"what": "status"}, patience_s=1)
                return
            except (TimeoutError, OSError, zmq.ZMQError):
                time.sleep(0.05)
        raise TimeoutError("gateway not ready: " + self.logs())

    def log_lines(self):
        """(name, lines) of every log of this folder."""
        paths = [os.path.join(self.folder, "up.log")]
        folder = os.path.join(self.data, "logs")
        if os.path.isdir(folder):
            paths += [os.path.join(folder, n) for n in sorted(os.listdir(folder))]
        for path in paths:
            if os.path.exists(path):
                with open(path, encoding="utf-8", errors="replace") as file:
                    yield os.path.basename(path), file.read().splitlines()

    def logs(self, lines=15):
        return "\n".join(f"{name}: {line}" for name, all_lines in self.log_lines()
                         for line in all_lines[-lines:])

    def check_logs(self):
        """What a sanitizer found in one of the processes fails the test that ran them."""
        for name, lines in self.log_lines():
            for n, line in enumerate(lines):
                if any(mark in line for mark in SANITIZER_MARKS):
                    raise RuntimeError(f"{name}: " + "\n".join(lines[n:n + 40]))

    def stop(self, patience_s=PATIENCE_S):
        """SIGTERM; the seconds it took. Kills what does not stop and says so."""
        began = time.monotonic()
        if self.up and self.up.poll() is None:
            self.up.send_signal(signal.SIGTERM)
            try:
                self.up.wait(patience_s)
            except subprocess.TimeoutExpired:
                for pid in self.children().values():
                    os.kill(pid, signal.SIGKILL)
                self.up.kill()
                self.up.wait()
                raise TimeoutError("dunlin up did not stop: " + self.logs()) from None
        self.close_sockets()
        self.check_logs()
        return time.monotonic() - began

    def close_sockets(self):
        for s in self.sockets.values():
            s.close(0)
        self.sockets = {}

    def children(self):
        """{program: pid} of the processes `dunlin up` runs now."""
        out = {}
        names = {"redis-server": "redis", "dunlin-gateway": "gateway", "dunlin-worker": "worker"}
        task = f"/proc/{self.up.pid}/task/{self.up.pid}/children"
        with open(task, encoding="ascii") as file:
            pids = [int(p) for p in file.read().split()]
        for pid in pids:
            try:
                with open(f"/proc/{pid}/comm", encoding="ascii") as file:
                    name = file.read().strip()
                with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                    ended = file.read().rsplit(")", 1)[1].split()[0] == "Z"
            except OSError:
                continue
            if name in names and not ended:
                out[names[name]] = pid
        return out

    def wait_gone(self, programs, patience_s):
        """After dunlin up was killed its children end by themselves. Waits for those of them."""
        end = time.monotonic() + patience_s
        while time.monotonic() < end:
            alive = 0
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    with open(f"/proc/{pid}/cmdline", "rb") as file:
                        line = file.read()
                except OSError:
                    continue
                alive += self.data.encode() in line and any(p.encode() in line for p in programs)
            if not alive:
                return
            time.sleep(0.05)
        raise TimeoutError(f"{programs} of a dead dunlin up live on: " + self.logs())

    def kill(self, name):
        """SIGKILL to one of ours; its pid, or None when it is not running just now."""
        pid = self.children().get(name)
        if pid:
            os.kill(pid, signal.SIGKILL)
        return pid

    # ---- the wire ----

    def socket(self, who):
        if who not in self.sockets:
            keys = os.path.join(self.data, "keys")
            with open(os.path.join(keys, "secret", who + ".key"), encoding="ascii") as file:
                secret = file.read().strip().encode()
            with open(os.path.join(keys, "gateway.pub"), encoding="ascii") as file:
                server = file.read().strip().encode()
            s = self.context.socket(zmq.DEALER)
            s.setsockopt(zmq.LINGER, 0)
            s.setsockopt(zmq.RECONNECT_IVL, 20)
            s.setsockopt(zmq.RECONNECT_IVL_MAX, 200)
            s.curve_serverkey = server
            s.curve_secretkey = secret
            s.curve_publickey = zmq.curve_public(secret)
            s.connect("ipc://" + os.path.join(self.data, "run", "intake.sock"))
            self.sockets[who] = s
        return self.sockets[who]

    def exchange(self, who, frames, request, patience_s):
        """Raw frames there, the frames of the answer to `request` back."""
        s = self.socket(who)
        s.send_multipart(frames)
        end = time.monotonic() + patience_s
        while True:
            left = end - time.monotonic()
            if left <= 0 or not s.poll(left * 1000):
                s.close(0)  # an answer that comes later must not be taken for another's
                del self.sockets[who]
                raise TimeoutError(f"no answer to {frames[:3]}")
            got = s.recv_multipart()
            if got[:2] == [b"DUN1", request]:
                return got[2:]

    def request(self, who, verb, bodies, patience_s=PATIENCE_S):
        """One request; the answers in order. Raises TimeoutError when none comes."""
        self.serial += 1
        request = b"%d" % self.serial
        frames = [b"DUN1", verb.encode(), request] + [
            json.dumps(b, ensure_ascii=False, separators=(",", ":")).encode() for b in bodies]
        return [json.loads(f) for f in self.exchange(who, frames, request, patience_s)]

    def submit(self, verb, bodies, who="local", acks=None, clock=None):
        """Send bodies until each has a verdict other than busy; acknowledgements go into acks, with
        the moment the gateway's clock showed meanwhile."""
        answers = [None] * len(bodies)
        todo = list(range(len(bodies)))
        end = time.monotonic() + PATIENCE_S
        while todo:
            if time.monotonic() > end:
                raise TimeoutError(f"{len(todo)} of {verb} without a verdict\n{self.logs()}")
            try:
                got = self.request(who, verb, [bodies[i] for i in todo], patience_s=self.once_s)
            except TimeoutError:
                continue  # the same ids again: idempotency makes that safe
            again = []
            for i, answer in zip(todo, got):
                if answer.get("verdict") == "busy":
                    again.append(i)
                else:
                    answers[i] = answer
            if again:
                time.sleep(0.05)
            todo = again
        if acks is not None:
            for body, answer in zip(bodies, answers):
                acks.write(json.dumps({"verb": verb, "source": who, "clock": clock, "body": body,
                                       "answer": answer}) + "\n")
            acks.flush()
        return answers

    def query(self, body, patience_s=PATIENCE_S):
        return self.request("operator", "query", [body], patience_s)[0]

    def jobs(self, **which):
        """Every reminder the gateway knows of, page by page."""
        cursor = None
        while True:
            body = {"what": "jobs", "limit": 1000, **which}
            if cursor:
                body["cursor"] = cursor
            answer = self.query(body)
            yield from answer["jobs"]
            cursor = answer.get("cursor")
            if not cursor:
                return

    def clock(self):
        return self.query({"what": "clock"}, self.once_s)

    def clock_set(self, when, patience_s=600):
        """Move the manual clock to RFC 3339 time `when` and wait until all due work is done."""
        end = time.monotonic() + patience_s
        while True:
            answer = self.submit("clock", [{"set": when}], who="operator")[0]
            if answer.get("verdict") == "rejected":
                raise RuntimeError(f"clock set {when}: {answer}")
            clock = self.settle(end - time.monotonic())
            if clock["now"] == milliseconds(when):
                return clock  # else it died on the way and stands where it had come to

    def settle(self, patience_s=600):
        """Wait until the clock stands where it was sent and nothing is left to do there."""
        end = time.monotonic() + patience_s
        clock = None
        while time.monotonic() < end:
            try:
                clock = self.clock()
            except TimeoutError:
                continue
            if clock.get("idle") and clock.get("now") == clock.get("target"):
                return clock
            time.sleep(0.005)
        raise TimeoutError(f"the gateway does not come to rest: {clock}\n{self.logs()}")

    # ---- programs ----

    def run(self, *args, program="dunlin", check=True, **more):
        done = subprocess.run(
            [os.path.join(self.bin, program), *args], capture_output=True, text=True, check=False,
            env=dict(self.environment, DUNLIN_DATA_DIR=self.data, DUNLIN_CONFIG=self.config),
            **more)
        if check and done.returncode != 0:
            raise RuntimeError(f"{program} {' '.join(args)} ended with {done.returncode}: "
                               f"{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done
