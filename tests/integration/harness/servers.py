"""The real broker and the real database, private, on free ports, in the test's folder."""
import pathlib
import subprocess

import psycopg

from .process import ROOT, Process, free_port, wait_for


def run(*args, **kw):
    done = subprocess.run([str(a) for a in args], capture_output=True, text=True, **kw)
    assert done.returncode == 0, f"{args}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout.strip()


class Postgres:
    """deploy/private-postgres, one for the test run; each test has a database of its own."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.socket = None
        self.serial = 0
        self.done = []  # databases that nobody needs any more

    def start(self):
        self.socket = run(ROOT / "deploy/private-postgres", "start", self.folder)
        return self

    def stop(self):
        run(ROOT / "deploy/private-postgres", "stop", self.folder)

    def kill(self):
        run(ROOT / "deploy/private-postgres", "kill", self.folder)

    def remove(self):
        run(ROOT / "deploy/private-postgres", "remove", self.folder)

    def conninfo(self, database="postgres", user="postgres"):
        return f"host={self.socket} dbname={database} user={user}"

    def connect(self, database="postgres"):
        return psycopg.connect(self.conninfo(database), autocommit=True)

    def new_database(self):
        self.serial += 1
        name = f"t{self.serial}"
        with self.connect() as c:
            while self.done:
                c.execute(f"DROP DATABASE IF EXISTS {self.done.pop()} WITH (FORCE)")
            c.execute(f"CREATE DATABASE {name}")
        return name


class Broker(Process):
    """mosquitto as deploy/private-broker starts it: accounts, ACL, persistence."""

    def __init__(self, folder, accounts):
        self.folder = pathlib.Path(folder)
        self.port = free_port()
        super().__init__([ROOT / "deploy/private-broker", self.folder, self.port, *accounts],
                         self.folder.with_suffix(".log"))

    def start(self):
        super().start()
        wait_for("broker listens", self.listens)
        return self

    def listens(self):
        import socket
        assert self.alive(), self.tail()
        with socket.socket() as s:
            s.settimeout(1)
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def password(self, user):
        return (self.secret(user)).read_text().strip()

    def secret(self, user):
        """The file with that account's password."""
        return self.folder / "secrets" / user
