"""An SMTP server that records what it gets, and refuses in the ways that servers refuse."""
import socketserver
import threading


class MailServer:
    """behave(receiver) -> 250, or another status for RCPT; "hang": silent after the letter until release;
    "late": refused after the letter (451)."""

    def __init__(self, behave=lambda receiver: 250):
        self.letters, self.talk, self.release = [], [], threading.Event()
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def say(self, line):
                self.wfile.write(line.encode() + b"\r\n")

            def handle(self):
                self.say("220 test")
                sender, what = "", 250
                for raw in self.rfile:
                    line = raw.decode().strip()
                    outer.talk.append(line)
                    word = line[:4].upper()
                    if word == "MAIL":
                        sender = line
                    elif word == "RCPT":
                        receiver = line.split("<")[1].split(">")[0]
                        what = behave(receiver)
                        if isinstance(what, int) and what != 250:
                            self.say(f"{what} no")
                            continue
                    elif word == "DATA":
                        self.say("354 go")
                        text = b""
                        while not text.endswith(b"\r\n.\r\n"):
                            text += self.rfile.readline()
                        if what == "hang":
                            outer.release.wait(20)
                        if what == "late":
                            self.say("451 later")
                            continue
                        outer.letters.append({"from": sender, "to": receiver, "text": text})
                    elif word == "QUIT":
                        self.say("221 bye")
                        return
                    self.say("250 ok")

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads, allow_reuse_address = True, True

            def handle_error(self, request, address):
                pass  # a peer may hang up: that is the test

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"smtp://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
