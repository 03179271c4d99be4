"""What every end-to-end test needs: where things are, when to skip, and how to say what happened."""
import ctypes
import os
import shutil
import signal
import socket
import sys
import tempfile

SKIP = 77  # ctest's SKIP_RETURN_CODE

SOURCE = os.environ.get("DUNLIN_SOURCE") or os.path.abspath(
    os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.environ.get("DUNLIN_BUILD") or os.path.join(SOURCE, "build", "dev")
SHARED = os.path.join(SOURCE, "..", "shared")
DATA = os.environ.get("DUNLIN_DATA") or os.path.join(SHARED, "data")
VECTORS = os.environ.get("DUNLIN_VECTORS") or os.path.join(SHARED, "vectors")


def skip(why):
    print("skipped: " + why)
    sys.exit(SKIP)


def need_file(path):
    if not os.path.exists(path):
        skip(f"{path} is not there")
    return path


def need_program(name):
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not found:
        skip(f"{name} is not installed (deploy/packages.txt)")
    return found


def need_zmq():
    try:
        import zmq
    except ImportError:
        skip("python3-zmq is not installed (deploy/packages.txt)")
    if not zmq.has("curve"):
        skip("this ZeroMQ was built without CURVE")


def die_with_parent():
    """For Popen's preexec_fn: a test that is killed leaves nothing running."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def end_on_sigterm():
    """SIGTERM runs the tidying of `finally` too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))


def free_port():
    """A port nobody listens on now. Only for programs that cannot choose one themselves."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Folder:
    """A folder of the test's own, with a short path for sockets; removed at the end unless the test
    failed or `keep` is given."""

    def __init__(self, keep=None):
        end_on_sigterm()
        self.kept = keep is not None
        self.path = keep or tempfile.mkdtemp(prefix="dunlin-", dir="/tmp")
        os.makedirs(self.path, exist_ok=True)

    def __enter__(self):
        return self.path

    def __exit__(self, kind, value, trace):
        if kind is None or (kind is SystemExit and value.code in (0, None, SKIP)):
            if not self.kept:
                shutil.rmtree(self.path, ignore_errors=True)
        else:
            print(f"the folder of this run is kept: {self.path}", file=sys.stderr)
        return False


class Report:
    """Violations are collected, so that one run shows all of them."""

    SHOWN = 10

    def __init__(self):
        self.violations = {}
        self.checked = {}

    def check(self, good, rule, what):
        self.checked[rule] = self.checked.get(rule, 0) + 1
        if not good:
            self.violations.setdefault(rule, []).append(what() if callable(what) else what)
        return good

    def count(self):
        return sum(len(v) for v in self.violations.values())

    def print(self):
        for rule in sorted(self.checked):
            bad = self.violations.get(rule, [])
            print(f"  {'VIOLATED' if bad else 'holds':8}  {self.checked[rule]:7} x  {rule}"
                  + (f": {len(bad)} times" if bad else ""))
            for what in bad[:self.SHOWN]:
                print(f"            - {what}")


def table(head, rows):
    """Aligned columns: text left, numbers right."""
    texts = [[str(c) for c in r] for r in [head] + rows]
    widths = [max(len(r[i]) for r in texts) for i in range(len(head))]
    for n, row in enumerate(texts):
        cells = [c.rjust(w) if n and isinstance(rows[n - 1][i], int) else c.ljust(w)
                 for i, (c, w) in enumerate(zip(row, widths))]
        print("  " + "  ".join(cells).rstrip())
