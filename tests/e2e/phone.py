"""A called party for voice tests: sipp with a scenario of tests/workers/voice/sipp, and what it lets
hear, as a packet capture: 'h' 100 ms of voice, '.' 100 ms of silence, a digit that key (RFC 4733).
"""
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import time

import suite

LOUD, SILENT = 0x9A, 0xFF
AUDIO, EVENT = 0, 101  # payload types of the scenarios' SDP


def available():
    suite.need_program("sipp")
    suite.need_program("baresip")
    suite.need_program("espeak-ng")
    if os.geteuid() != 0:
        suite.skip("sipp plays a capture through a raw socket, which only root may open")


def capture(sound):
    out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)]
    moment, stamp, serial = 0, 0, 1

    def packet(kind, marker, payload):
        nonlocal moment, serial
        rtp = struct.pack("!BBHII", 0x80, kind | (0x80 if marker else 0), serial, stamp, 0x1234)
        udp = struct.pack("!HHHH", 6000, 6000, 8 + len(rtp + payload), 0) + rtp + payload
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0,
                         b"\x7f\0\0\1", b"\x7f\0\0\1") + udp
        frame = b"\0" * 12 + b"\x08\0" + ip
        out.append(struct.pack("<IIII", moment // 1000, moment % 1000 * 1000, len(frame), len(frame)) + frame)
        moment += 20
        serial += 1

    for c in sound:
        if c.isdigit():
            for i in range(1, 9):
                end = i > 5
                packet(EVENT, i == 1, struct.pack("!BBH", int(c), (0x80 if end else 0) | 10,
                                                  min(i, 6) * 160))
            stamp += 8 * 160
            continue
        for _ in range(5):
            wave = bytes((LOUD ^ 0x80 if k // 10 % 2 else LOUD) if c == "h" else SILENT
                         for k in range(160))
            packet(AUDIO, False, wave)
            stamp += 160
    return b"".join(out)


class Phone:
    """One call is taken, on the port given (the same for one phone after another)."""

    def __init__(self, scenario, sound, port):
        self.folder = tempfile.mkdtemp(prefix="dunlin-phone-", dir="/tmp")
        with open(os.path.join(self.folder, "sound.pcap"), "wb") as file:
            file.write(capture(sound))
        path = os.path.join(suite.SOURCE, "tests", "workers", "voice", "sipp", scenario + ".xml")
        self.process = subprocess.Popen(
            ["sipp", "-sf", path, "-i", "127.0.0.1", "-mi", "127.0.0.1", "-p", str(port), "-mp",
             str(20000 + os.getpid() % 3000 * 4), "-m", "1", "-nostdin", "-timeout", "120"],
            cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, preexec_fn=suite.die_with_parent)
        self.wait_bound(port)

    @staticmethod
    def wait_bound(port):
        for _ in range(500):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                try:
                    s.bind(("127.0.0.1", port))
                except OSError:
                    return
            time.sleep(0.01)
        raise TimeoutError("sipp does not listen")

    def ended(self, patience_s):
        """The scenario went to its end."""
        try:
            return self.process.wait(patience_s) == 0
        except subprocess.TimeoutExpired:
            return False

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
