"""One installation of Wallwatch in a test's folder: the shipped configuration with this place's
ports, keys and files, a database, a broker, and the processes of the program itself."""
import pathlib
import secrets
import shutil
import subprocess
import urllib.error
import urllib.request

import yaml

from .mqtt import Client, envelope
from .process import ROOT, WALLWATCH, Process, free_port, wait_for
from .servers import Broker


class Lane(Process):
    def __init__(self, site, name):
        super().__init__([WALLWATCH, "lane", name, "--config", site.config], site.folder / f"{name}.log")
        self.site, self.name = site, name
        self.port = site.data["lanes"][name]["port"]

    def start(self, ready=20):
        super().start()
        if ready:
            wait_for(f"lane {self.name} is ready\n{self.tail()}", self.ready, ready)
        return self

    def ready(self):
        assert self.alive(), f"lane {self.name} ended with {self.popen.returncode}:\n{self.tail()}"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/ready", timeout=2) as answer:
                return answer.status == 200 and self.alive()
        except (urllib.error.URLError, OSError):
            return False

    def metrics(self):
        """name or name{labels} -> value; the label lane is left out."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer:
            text = answer.read().decode()
        found = {}
        for line in text.splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                name = name.replace(f'lane="{self.name}",', "").replace(f'{{lane="{self.name}"}}', "")
                found[name] = float(value)
        return found

    def metric(self, name):
        return self.metrics().get(name, 0.0)


class Site:
    def __init__(self, folder, postgres, change=None):
        """change(data): edits site.yaml, as parsed, before it is written."""
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.postgres = postgres
        self.config = self.folder / "config"
        self.state = self.folder / "state"
        shutil.copytree(ROOT / "config/default", self.config)
        text = (self.config / "site.yaml").read_text()
        accounts = next(line for line in text.splitlines() if line.startswith("# quickstart accounts:"))
        self.broker = Broker(self.folder / "broker", accounts.partition(":")[2].split())
        self.data = yaml.safe_load(text)
        self.database = postgres.new_database()
        self.place()
        if change:
            change(self.data)
        self.write()
        # Always in working hours: whether a report of the night comes besides is no matter of the
        # hour at which tests run (tests/scenario has the nights).
        self.edit("calendar.yaml", lambda c: {
            "working_week": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
            "working_hours": [{"from": "00:00", "to": "24:00"}],
            "years": [{"year": y["year"], "holidays": []} for y in c["years"]]})
        self.lanes, self.others, self.clients = {}, [], []

    def place(self):
        d = self.data
        d["broker"]["port"] = self.broker.port
        d["database"]["connection"] = self.postgres.conninfo(self.database)
        d["state_dir"] = str(self.state)
        for lane in d["lanes"].values():
            lane["port"] = free_port()
            lane["password_file"] = str(self.broker.secret(lane["username"]))
        d["console"]["port"] = free_port()
        keys = self.folder / "keys"
        keys.mkdir()
        for name, entry in {**d["clients"], **d["channels"]}.items():
            field = "key_file" if "key_file" in entry else "secret_file" if "secret_file" in entry else None
            if field:
                path = keys / name
                path.write_text(secrets.token_hex(16))
                entry[field] = str(path)

    def write(self):
        (self.config / "site.yaml").write_text(yaml.safe_dump(self.data, allow_unicode=True))

    def edit(self, name, change):
        """Edits another file of the configuration, as parsed."""
        path = self.config / name
        data = yaml.safe_load(path.read_text())
        path.write_text(yaml.safe_dump(change(data) or data, allow_unicode=True, sort_keys=False))

    def key(self, name):
        return (self.folder / "keys" / name).read_bytes()

    def run(self, command, *args, ok=(0,), seconds=60, place=True):
        """place: with this site's --config."""
        where = ["--config", str(self.config)] if place else []
        done = subprocess.run([WALLWATCH, command, *map(str, args), *where],
                              capture_output=True, text=True, timeout=seconds)
        if ok is not None:
            assert done.returncode in ok, f"{command} {args}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def prepare(self):
        self.broker.start()
        self.run("migrate")
        self.run("apply")
        return self

    def lane(self, name, start=True):
        if name not in self.lanes:
            self.lanes[name] = Lane(self, name)
        if start and not self.lanes[name].alive():
            self.lanes[name].start()
        return self.lanes[name]

    def spawn(self, name, command, *args):
        """Another long-running subcommand."""
        p = Process([WALLWATCH, command, *args, "--config", self.config], self.folder / f"{name}.log")
        self.others.append(p)
        return p.start()

    def client(self, user="console", subscribe=("wallwatch/#",)):
        c = Client(self.broker.port, user, self.broker.password(user), subscribe)
        self.clients.append(c)
        return c

    def device(self, topic, body, user="simulator"):
        """One message of a device, acknowledged by the broker when this returns."""
        if not hasattr(self, "field") or not self.field.c.is_connected():
            self.field = self.client("simulator", ())
        self.field.publish(topic, body)

    def envelope(self, sender, body, **kw):
        return envelope(sender, self.key(sender), body, **kw)

    def sql(self, query, *args):
        with self.postgres.connect(self.database) as c:
            return c.execute(query, args).fetchall()

    def sql_do(self, query, *args):
        with self.postgres.connect(self.database) as c:
            c.execute(query, args)

    def value(self, query, *args):
        return self.sql(query, *args)[0][0]

    def close(self):
        for c in self.clients:
            c.close()
        for p in reversed(self.others):
            p.kill()
        for p in self.lanes.values():
            p.kill()
        self.broker.kill()
        self.postgres.done.append(self.database)


def only_webhook(site, receiver, first=True):
    """All persons and centres are told by the receiver: first of all, or after MQTT."""
    hook = next(c for c in site.data["channels"].values() if c["kind"] == "webhook")
    hook["url"] = receiver.url
    hook["timeout"] = "2s"
    receiver.key = pathlib.Path(hook["secret_file"]).read_bytes()
    site.write()

    def order(tell):
        tell.sort(key=lambda a: isinstance(a, str) if first else not isinstance(a, str))

    def persons(data):
        for person in data["persons"].values():
            order(person["tell"])

    def centres(data):
        for centre in data["centres"]:
            order(centre["tell"])

    site.edit("rosters.yaml", persons)
    site.edit("grid.yaml", centres)


class Device:
    """A device that numbers its messages, as a good one does."""

    def __init__(self, site, topic, boot=1):
        self.site, self.topic, self.boot, self.seq = site, topic, boot, 0

    def say(self, _at=None, **fields):
        import datetime
        self.seq += 1
        at = _at or datetime.datetime.now(datetime.timezone.utc)
        body = {"boot": self.boot, "seq": self.seq, "time": at.isoformat().replace("+00:00", "Z"), **fields}
        self.site.device(self.topic, body)
        return body


def panel(site, n=2):
    return Device(site, f"estate/xuhui/TL-{n:02d}/fire/FA-{n:04d}/event")


def lift(site, n=3):
    return Device(site, f"estate/xuhui/TL-{n:02d}/elevator/EL-{n:04d}/telemetry")


def charger(site, n=4):
    return Device(site, f"estate/xuhui/TL-{n:02d}/charger/CH-{n:04d}/telemetry")
