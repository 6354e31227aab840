"""Processes that tests start: each is stopped by its own pid, its output is kept."""
import fcntl
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("WALLWATCH_BUILD", ROOT / "build/gcc"))
WALLWATCH = str(BUILD / "service/wallwatch")


def free_port():
    """A port nobody holds now; taken from below the range of outgoing connections. It stays ours
    until this process ends, by a lock: test runs beside each other never get the same one."""
    folder = pathlib.Path("/tmp/wallwatch-test-ports")
    folder.mkdir(mode=0o777, exist_ok=True)
    for port in range(20000 + os.getpid() * 7 % 10000, 32000):
        lock = open(folder / str(port), "a")
        with socket.socket() as s:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                s.bind(("127.0.0.1", port))
            except OSError:
                lock.close()
                continue
        free_port.locks.append(lock)
        return port
    raise RuntimeError("no free port")


free_port.locks = []


def wait_for(what, condition, seconds=10.0, every=0.02):
    """Polls until condition() gives something true, and returns it; never waits longer than needed."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(every)


def remove(folder):
    """A folder and what deploy/private-broker put elsewhere for it, behind a link."""
    for link in [p for p in folder.rglob("*") if p.is_symlink()]:
        if str(link.readlink()).startswith("/var/tmp/wallwatch-"):
            shutil.rmtree(link.readlink(), ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


class Process:
    def __init__(self, args, log, env=None, cwd=None):
        self.args, self.log = [str(a) for a in args], pathlib.Path(log)
        self.env = dict(os.environ, **(env or {}))
        self.cwd = cwd
        self.popen = None

    def start(self):
        assert not self.alive(), "already running"
        with open(self.log, "ab") as out:
            self.popen = subprocess.Popen(self.args, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                          env=self.env, cwd=self.cwd, start_new_session=True)
        return self

    def alive(self):
        return self.popen is not None and self.popen.poll() is None

    def signal(self, number):
        if self.alive():
            self.popen.send_signal(number)

    def stop(self, seconds=15):
        """SIGTERM, and what it says then; a process that does not go is a failure."""
        if self.popen is None:
            return None
        self.signal(signal.SIGTERM)
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.args[:3]} did not stop within {seconds} s:\n{self.tail()}")

    def kill(self):
        if self.popen is not None:
            try:
                os.killpg(self.popen.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.popen.wait()

    def kill_alone(self):
        """kill -9 of this process only: its children must notice by themselves."""
        self.signal(signal.SIGKILL)
        self.popen.wait()

    def text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def tail(self, lines=30):
        return "\n".join(self.text().splitlines()[-lines:])
