"""An HTTP receiver that records what it gets, and fails in the ways that receivers fail."""
import base64
import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """behave(n, id) -> one of: 200 or another status, "hang", "drop" (work done, answer lost), "twice"
    (two answers to one request). effects: id -> how often it was carried out by a receiver that knows
    no ids; done: the same by one that honours them, in order."""

    def __init__(self, key=b"", behave=lambda n, id: 200, port=0):
        self.key, self.behave = key, behave
        self.calls, self.effects, self.bad, self.done = [], {}, [], []
        self.lock = threading.Lock()
        self.release = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.take(self, body)

            def do_GET(self):
                with outer.lock:
                    outer.calls.append({"path": self.path, "at": time.time(), "get": True})
                self.answer(200)

            def answer(self, status):
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda request, address: None  # a peer may hang up: that is the test
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, handler, body):
        ident = handler.headers.get("webhook-id", "")
        with self.lock:
            n = len(self.calls)
            call = {"path": handler.path, "id": ident, "at": time.time(), "body": json.loads(body),
                    "signed": self.signed(handler.headers, body)}
            self.calls.append(call)
            if not call["signed"]:
                self.bad.append(call)
        what = self.behave(n, ident)
        if what == "hang":
            self.release.wait(60)
            return
        if what in (200, "drop", "twice"):
            with self.lock:
                if ident not in self.effects:
                    self.done.append(ident)
                self.effects[ident] = self.effects.get(ident, 0) + 1
        if what == "drop":
            handler.close_connection = True
            handler.connection.close()
            return
        if what == "twice":
            handler.answer(200)
            what = 200
        handler.answer(what)

    def signed(self, headers, body):
        if not self.key:
            return True
        stamp = headers.get("webhook-timestamp", "")
        text = f"{headers.get('webhook-id', '')}.{stamp}.".encode() + body
        want = base64.b64encode(hmac.new(self.key, text, hashlib.sha256).digest()).decode()
        given = [s.partition(",")[2] for s in headers.get("webhook-signature", "").split()]
        return any(hmac.compare_digest(want, g) for g in given)

    def bodies(self):
        with self.lock:
            return [c["body"] for c in self.calls if "body" in c]

    def close(self):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()
