"""An Asterisk, as far as its REST interface is documented (docs.asterisk.org, read 2026-11-25): channels
that are originated, played to and hung up over HTTP, and their events over a WebSocket. What the called
party does is a function of the channel; so is how the server misbehaves.
"""
import base64
import hashlib
import http.server
import json
import os
import socket
import struct
import threading
import time
import urllib.parse

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3
PATIENCE_S = 20


class Gone(Exception):
    """The channel is down; the party has nothing more to do."""


class Channel:
    def __init__(self, asterisk, query, body):
        self.asterisk = asterisk
        self.id = query["channelId"]
        self.app = query["app"]
        self.number = query["endpoint"].split("/")[1].split("@")[0]
        self.query, self.body = query, body
        self.state = "Down"
        self.plays = []      # (playback id, bytes) in order
        self.listens = False  # TALK_DETECT is set
        self.down = False
        self.news = threading.Condition()

    # ---- what the party does ----

    def say(self, kind, **members):
        self.asterisk.say(self.app, kind, channel=self.snapshot(), **members)

    def snapshot(self):
        return {"id": self.id, "state": self.state, "name": f"PJSIP/trunk-{self.id[-4:]}",
                "caller": {"name": "", "number": ""}, "dialplan": {"context": "default"}}

    def ring(self):
        self.state = "Ringing"
        self.asterisk.say(self.app, "Dial", dialstatus="RINGING", peer=self.snapshot())
        self.say("ChannelStateChange")

    def answer(self):
        self.state = "Up"
        self.say("ChannelStateChange")
        self.say("StasisStart", args=[self.id])

    def hello(self, words_s=0.6):
        """A person; TALK_DETECT says "talking" first, whoever is there."""
        self.until(lambda: self.listens, "TALK_DETECT")
        self.talk(0.2)
        time.sleep(0.3)
        self.talk(words_s)

    def talk(self, seconds):
        self.say("ChannelTalkingStarted")
        time.sleep(seconds)
        self.say("ChannelTalkingFinished", duration=int(seconds * 1000) - 200)

    def wait_play(self, n):
        self.until(lambda: len(self.plays) >= n, f"part {n}")
        time.sleep(0.1)

    def key(self, digit):
        self.say("ChannelDtmfReceived", digit=digit, duration_ms=120)

    def end(self, cause, unheard=False):
        with self.news:
            if self.down:
                return
            self.down = True
            self.news.notify_all()
        with self.asterisk.lock:
            del self.asterisk.channels[self.id]
        if not unheard:
            self.say("ChannelHangupRequest", cause=cause)
            self.say("StasisEnd")
            self.say("ChannelDestroyed", cause=cause, cause_txt="")

    def until(self, condition, what):
        with self.news:
            if not self.news.wait_for(lambda: condition() or self.down, PATIENCE_S):
                raise TimeoutError(f"{self.number}: {what}")
            if not condition():
                raise Gone()

    def wait_down(self):
        self.until(lambda: self.down, "hang-up")


class Socket:
    """The server's side of one WebSocket (RFC 6455): text out, pings answered."""

    def __init__(self, connection):
        self.connection = connection
        self.lock = threading.Lock()

    def send(self, opcode, data):
        head = bytes([0x80 | opcode])
        head += bytes([len(data)]) if len(data) < 126 else struct.pack("!BH", 126, len(data))
        try:
            with self.lock:
                self.connection.sendall(head + data)
        except OSError:
            pass

    def read(self):
        try:
            while True:
                head = self.exactly(2)
                size = head[1] & 127
                if size == 126:
                    size = struct.unpack("!H", self.exactly(2))[0]
                mask = self.exactly(4) if head[1] & 128 else bytes(4)
                data = bytes(b ^ mask[i % 4] for i, b in enumerate(self.exactly(size)))
                if head[0] & 15 == 8:
                    return
                if head[0] & 15 == 9:
                    self.send(10, data)
        except OSError:
            return

    def exactly(self, n):
        out = b""
        while len(out) < n:
            more = self.connection.recv(n - len(out))
            if not more:
                raise OSError("closed")
            out += more
        return out

    def drop(self):
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class Asterisk:
    """party(channel) runs in a thread of its own for every call; dial(channel) says how the request is
    answered: None as it should be, else (status, whether the call is made, seconds before the answer)."""

    def __init__(self, user, password, party, dial):
        self.party, self.dial = party, dial
        self.auth = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self.channels, self.calls, self.sockets, self.refused = {}, [], {}, 0
        self.failures = []
        self.lock = threading.Lock()
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                owner.handle(self)

            do_POST = do_DELETE = do_GET

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        for s in list(self.sockets.values()):
            s.drop()
        self.server.server_close()

    def say(self, app, kind, **members):
        s = self.sockets.get(app)
        if s:
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000+0000", time.gmtime())
            s.send(1, json.dumps({"type": kind, "timestamp": stamp, "application": app, **members}).encode())

    def handle(self, h):
        url = urllib.parse.urlsplit(h.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        body = h.rfile.read(int(h.headers.get("content-length", 0)))
        path = url.path.split("/")[2:]
        if h.headers.get("authorization") != self.auth:
            self.refused += 1
            return self.reply(h, 401, {"message": "Unauthorized"})
        if path == ["events"]:
            return self.upgrade(h, query["app"])
        if path == ["channels"]:
            return self.originate(h, query, json.loads(body or b"{}"))
        if path[0] == "playbacks":
            return self.reply(h, 204)
        if path[0] == "applications":
            return self.reply(h, 200, {"name": path[1]})
        return self.channel(h, path, query)

    def reply(self, h, status, body=None):
        data = json.dumps(body).encode() if body is not None else b""
        try:
            h.send_response(status)
            h.send_header("content-length", str(len(data)))
            if status != 204:
                h.send_header("content-type", "application/json")
            h.end_headers()
            h.wfile.write(data)
        except OSError:
            pass

    def upgrade(self, h, app):
        accept = base64.b64encode(hashlib.sha1(h.headers["sec-websocket-key"].encode() + GUID).digest())
        s = Socket(h.connection)
        with s.lock:  # it is known before the client can know that it is open
            with self.lock:
                self.sockets[app] = s
            h.send_response(101)
            for name, value in (("upgrade", "websocket"), ("connection", "Upgrade"),
                                ("sec-websocket-accept", accept.decode())):
                h.send_header(name, value)
            h.end_headers()
            h.wfile.flush()
        s.read()
        h.close_connection = True

    def originate(self, h, query, body):
        channel = Channel(self, query, body)
        status, made, wait_s = self.dial(channel) or (200, True, 0)
        with self.lock:
            self.calls.append(channel)
            if made:
                self.channels[channel.id] = channel
        if made:
            threading.Thread(target=self.run, args=(channel,), daemon=True).start()
        time.sleep(wait_s)
        self.reply(h, status, channel.snapshot() if status == 200 else {"message": "no"})

    def run(self, channel):
        try:
            self.party(channel)
        except Gone:
            pass
        except Exception as error:  # the test says so at its end
            self.failures.append(f"{channel.number}: {error!r}")

    def channel(self, h, path, query):
        with self.lock:
            channel = self.channels.get(path[1])
        if not channel:
            return self.reply(h, 404, {"message": "Channel not found"})
        if h.command == "GET":
            return self.reply(h, 200, channel.snapshot())
        if h.command == "DELETE":
            self.reply(h, 204)
            return channel.end(16)
        if path[2] == "variable":
            with channel.news:
                channel.listens = query["variable"] == "TALK_DETECT(set)"
                channel.news.notify_all()
            return self.reply(h, 204)
        return self.play(h, channel, path[3], query["media"])

    def play(self, h, channel, playback, media):
        file = media.removeprefix("sound:") + ".ulaw"
        with open(file, "rb") as f:
            sound = f.read()
        target = {"id": playback, "media_uri": media, "target_uri": f"channel:{channel.id}", "language": "en"}
        self.reply(h, 201, dict(target, state="queued"))
        self.say(channel.app, "PlaybackStarted", playback=dict(target, state="playing"))
        with channel.news:
            channel.plays.append((playback, sound, os.stat(file).st_mode & 0o777))
            channel.news.notify_all()

    def finish_play(self, channel, state):
        self.say(channel.app, "PlaybackFinished", playback={
            "id": channel.plays[-1][0], "target_uri": f"channel:{channel.id}", "media_uri": "", "state": state})
