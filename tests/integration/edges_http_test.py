"""base/io/http_mhd and alerting/dispatch/webhook_curl against real peers that fail."""
import base64
import email
import email.policy
import http.client
import json
import os
import signal
import socket
import subprocess
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from harness.mail import MailServer
from harness.process import BUILD, free_port, wait_for
from harness.receiver import Receiver

DRIVERS = BUILD / "tests/integration/drivers"
KEY = b"0123456789abcdef0123456789abcdef"


class Driver:
    def __init__(self, name, *args):
        self.lines = []
        self.popen = subprocess.Popen([str(DRIVERS / name), *map(str, args)], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.popen.stdout:
            self.lines.append(line.rstrip("\n"))

    def said(self, word, seconds=10):
        wait_for(f"{word!r} in {self.lines}", lambda: any(x.startswith(word) for x in list(self.lines)),
                 seconds)
        return next(x for x in self.lines if x.startswith(word))

    def write(self, *words):
        self.popen.stdin.write(" ".join(map(str, words)) + "\n")
        self.popen.stdin.flush()


# The server.

@pytest.fixture
def server():
    d = Driver("edges_http", 0, 1000)
    d.port = int(d.said("port").split()[1])
    yield d
    d.popen.kill()
    d.popen.wait()


def ask(server, method, path, body=None, headers=None):
    c = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    c.request(method, path, body, headers or {})
    r = c.getresponse()
    text = r.read().decode()
    c.close()
    return r.status, text


def test_a_request_reaches_the_handler_whole_and_once(server):
    assert ask(server, "GET", "/metrics?q=a%20b") == (200, "1 GET /metrics id=- q=a b body=")
    assert ask(server, "POST", "/made", "x" * 1000, {"webhook-id": "n-1"}) == \
        (201, "2 POST /made id=n-1 q=- body=" + "x" * 1000)
    assert ask(server, "GET", "/nothing")[0] == 500


def test_a_body_over_the_limit_is_refused_with_or_without_its_length(server):
    assert ask(server, "POST", "/", "x" * 1001)[0] == 413
    chunks = (b"y" * 100 for _ in range(20))
    assert ask(server, "POST", "/", chunks)[0] == 413  # http.client sends chunks then
    assert ask(server, "GET", "/")[1].startswith("1 ")  # the handler saw none of them


def test_heads_that_are_too_long_are_refused_and_slow_ones_hold_up_nobody(server):
    assert ask(server, "GET", "/" + "a" * 3000)[0] == 414
    slow = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
    for s in slow:
        s.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Le")
    start = time.monotonic()
    assert ask(server, "GET", "/")[0] == 200
    assert time.monotonic() - start < 1
    for s in slow:
        s.close()


def test_rubbish_is_answered_or_cut_and_the_next_request_is_served(server):
    for rubbish in (b"\0\0\0\0", b"GET\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
                    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", os.urandom(3000)):
        with socket.create_connection(("127.0.0.1", server.port)) as s:
            s.sendall(rubbish)
            s.settimeout(0.3)
            try:
                s.recv(4096)
            except (TimeoutError, ConnectionResetError):
                pass  # half a head: it may wait for the rest, up to 15 s
    assert ask(server, "GET", "/")[0] == 200


def test_it_listens_on_loopback_only_and_closes_cleanly_with_a_request_under_way(server):
    listening = open("/proc/net/tcp").read().lower()
    assert f"0100007f:{server.port:04x} " in listening and f"00000000:{server.port:04x} " not in listening
    s = socket.create_connection(("127.0.0.1", server.port))
    s.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nab")
    server.popen.send_signal(signal.SIGTERM)
    server.said("closed")
    assert server.popen.wait(5) == 0
    s.close()


def open_to(server, path):
    c = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    c.request("GET", path)
    return c


def test_a_stream_sleeps_is_woken_and_ends(server):
    c = open_to(server, "/stream")
    r = c.getresponse()
    assert r.status == 200 and r.getheader("Content-Type") == "text/event-stream"
    for word in (b"one", b"two", b"x" * 900):
        ask(server, "POST", "/say", word)
        assert r.read(len(word)) == word
    ask(server, "POST", "/say", "end")
    assert r.read() == b"end"
    server.said("gone")
    c.close()


def test_a_reader_that_goes_away_is_noticed_at_the_next_word(server):
    c = open_to(server, "/stream")
    c.getresponse()
    c.sock.close() if c.sock else None
    c.close()
    for _ in range(50):
        ask(server, "POST", "/say", "x" * 900)
        if "gone" in server.lines:
            break
    server.said("gone")
    assert ask(server, "GET", "/")[0] == 200


def test_an_answer_can_wait_and_others_are_served_meanwhile(server):
    c = open_to(server, "/wait")
    wait_for("the question", lambda: int(ask(server, "GET", "/")[1].split()[0]) > 1)
    ask(server, "GET", "/go")
    r = c.getresponse()
    assert (r.status, r.read(), r.getheader("Cache-Control")) == (202, b"released", "max-age=5")
    c.close()


def test_closing_ends_streams_and_cancels_answers_that_wait(server):
    stream, wait = open_to(server, "/stream"), open_to(server, "/wait")
    stream.getresponse()
    wait_for("the question", lambda: int(ask(server, "GET", "/")[1].split()[0]) > 2)
    server.popen.send_signal(signal.SIGTERM)
    server.said("cancelled")
    server.said("gone")
    assert server.popen.wait(5) == 0
    for c in (stream, wait):
        c.close()


def test_a_port_in_use_is_told_in_words(server):
    other = Driver("edges_http", server.port, 1000)
    assert "Address already in use" in other.said("error")
    assert other.popen.wait(5) == 1


# The client.

@pytest.fixture
def sender():
    d = Driver("edges_webhook")
    yield d
    d.popen.kill()
    d.popen.wait()


def secret(folder, text):
    path = folder / "key"
    path.write_text(text)
    return path


@pytest.mark.parametrize("text", [KEY.decode() + "\n", "whsec_" + base64.b64encode(KEY).decode()])
def test_a_webhook_is_signed_and_its_status_is_told(sender, tmp_path, text):
    receiver = Receiver(key=KEY, behave=lambda n, ident: 500 if ident == "n-2" else 200)
    for ident in ("n-1", "n-2"):
        sender.write("post", receiver.url, ident, secret(tmp_path, text), 3000, '{"notice": "1"}')
    assert sender.said("done n-1") == "done n-1 200 "
    assert sender.said("done n-2") == "done n-2 500 "
    assert [c["signed"] for c in receiver.calls] == [True, True]
    sender.write("get", receiver.url, 3000)
    assert sender.said("done get") == "done get 200 "


def test_receivers_that_hang_drop_or_are_away_are_status_0_with_words(sender, tmp_path):
    receiver = Receiver(key=KEY, behave=lambda n, ident: "hang" if ident == "hang" else "drop")
    key = secret(tmp_path, KEY.decode())
    start = time.monotonic()
    sender.write("post", receiver.url, "hang", key, 700, "{}")
    sender.write("post", receiver.url, "drop", key, 3000, "{}")
    sender.write("post", f"http://127.0.0.1:{free_port()}/", "away", key, 3000, "{}")
    assert sender.said("done drop").startswith("done drop 0 ")
    assert "connect" in sender.said("done away")
    assert "imed out" in sender.said("done hang")
    assert 0.6 < time.monotonic() - start < 2.5
    receiver.release.set()


def test_redirects_proxies_other_schemes_and_bad_keys_are_not_followed(sender, tmp_path):
    receiver = Receiver(behave=lambda n, ident: 302)
    key = secret(tmp_path, KEY.decode())
    sender.write("post", receiver.url, "redirect", key, 3000, "{}")
    assert sender.said("done redirect") == "done redirect 302 "
    sender.write("post", "file:///etc/passwd", "file", key, 3000, "{}")
    assert sender.said("done file").startswith("done file 0 ")
    sender.write("post", receiver.url, "nokey", tmp_path / "nowhere", 3000, "{}")
    assert str(tmp_path / "nowhere") in sender.said("done nokey 0")
    (tmp_path / "short").write_text("short\n")
    sender.write("post", receiver.url, "short", tmp_path / "short", 3000, "{}")
    assert "shorter than 16 bytes" in sender.said("done short 0")
    assert sender.lines.index("sent") < sender.lines.index(sender.said("done redirect"))
    assert len(receiver.calls) == 1


def test_an_endless_answer_is_cut_and_its_status_counts(sender, tmp_path):
    listener = socket.create_server(("127.0.0.1", 0))

    def flood():
        s, _ = listener.accept()
        s.recv(65536)
        s.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        try:
            while True:
                s.send(b"z" * 65536)
        except OSError:
            pass

    threading.Thread(target=flood, daemon=True).start()
    sender.write("post", f"http://127.0.0.1:{listener.getsockname()[1]}/", "flood", "-", 5000, "{}")
    assert sender.said("done flood", 4) == "done flood 200 "
    listener.close()


def test_a_name_that_does_not_resolve_blocks_nothing(sender):
    sender.write("post", "http://no-such-host.invalid/", "name", "-", 2000, "{}")
    assert sender.said("done name").startswith("done name 0 ")
    assert not any(x.startswith("late") for x in sender.lines)


def test_closing_gives_up_what_is_under_way(sender):
    receiver = Receiver(behave=lambda n, ident: "hang")
    sender.write("post", receiver.url, "hang", "-", 30000, "{}")
    wait_for("the call", lambda: receiver.calls)
    sender.write("quit")
    sender.said("closed")
    assert sender.popen.wait(5) == 0
    receiver.release.set()


def test_while_keys_change_hands_both_sign(sender, tmp_path):
    new = b"fedcba9876543210fedcba9876543210"
    (tmp_path / "new").write_bytes(new)
    receivers = [Receiver(key=KEY), Receiver(key=new), Receiver(key=b"another key of somebody else")]
    for i, receiver in enumerate(receivers):
        sender.write("post", receiver.url, f"n-{i}", f"{secret(tmp_path, KEY.decode())},{tmp_path / 'new'}", 3000, "{}")
        sender.said(f"done n-{i} 200")
    assert [r.calls[0]["signed"] for r in receivers] == [True, True, False]


# Letters.

BODY = json.dumps({"text": {"zh": "【红色】火警：嘉兴三村。", "en": "[red] Fire: JX-03."}}, ensure_ascii=False)


def book(folder):
    path = folder / "book"
    path.write_text("wang wang@example.org\nli li@example.org\nphone +8613800000000\n")
    return path


def test_a_mail_is_delivered_when_the_server_has_taken_it_and_not_before(sender, tmp_path):
    answers = {"wang@example.org": 250, "li@example.org": 550}
    server = MailServer(lambda receiver: answers[receiver])
    for name in ("wang", "li", "zhao"):
        sender.write("mail", server.url, f"n-{name}", name, book(tmp_path), 3000, BODY)
    assert sender.said("done n-wang") == "done n-wang 250 "
    assert sender.said("done n-li").startswith("done n-li 550 ")
    assert "has no usable address of 'zhao'" in sender.said("done n-zhao 0")
    letter = email.message_from_bytes(server.letters[0]["text"], policy=email.policy.default)
    assert len(server.letters) == 1 and server.letters[0]["to"] == "wang@example.org"
    assert letter["subject"] == "【红色】火警：嘉兴三村" and letter["message-id"] == "<n-wang@wallwatch>"
    assert "[red] Fire: JX-03." in letter.get_content()
    # what a name stands for is in no line that somebody might log
    assert not any("example.org" in x for x in sender.lines)


def test_a_mail_that_is_put_off_or_not_answered_is_not_delivered(sender, tmp_path):
    server = MailServer(lambda receiver: "late" if receiver[0] == "w" else "hang")
    sender.write("mail", server.url, "late", "wang", book(tmp_path), 9000, BODY)
    sender.write("mail", server.url, "hang", "li", book(tmp_path), 700, BODY)
    sender.write("mail", f"smtp://127.0.0.1:{free_port()}", "away", "li", book(tmp_path), 9000, BODY)
    assert sender.said("done late").startswith("done late 451 ")
    assert sender.said("done hang").startswith("done hang 0 ")
    assert sender.said("done away").startswith("done away 0 ")
    server.release.set()


def test_a_text_message_is_delivered_when_the_gateway_says_so_in_its_answer(sender, tmp_path):
    class Gateway(BaseHTTPRequestHandler):
        asked = []

        def do_POST(self):
            form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
            self.asked.append(form)
            answer = b'{"code":0}' if form["id"] == ["n-1"] else b'{"code":17,"why":"no credit"}'
            self.send_response(200)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for ident in ("n-1", "n-2"):
        sender.write("sms", f"http://127.0.0.1:{server.server_address[1]}/send", ident, "phone", book(tmp_path), 3000, BODY)
    assert sender.said("done n-1") == "done n-1 200 "
    assert "lacks" in sender.said("done n-2 0")
    assert Gateway.asked[0]["mobile"] == ["+8613800000000"]
    assert Gateway.asked[0]["text"] == ["【红色】火警：嘉兴三村。"]
    assert not any("13800000000" in x for x in sender.lines)
    server.shutdown()
