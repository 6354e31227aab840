"""audit against a database with a planted fault: each must be reported, and nothing else.
And the ledger's copy."""
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("WALLWATCH_BUILD", ROOT / "build"))
DRIVER = BUILD / "tests/integration/writer_driver"
WALLWATCH = BUILD / "service/wallwatch"
RECORDS = 20000


def write(conninfo, journal=None, n=RECORDS):
    env = dict(os.environ, **({"WRITER_DRIVER_JOURNAL": str(journal)} if journal else {}))
    done = subprocess.run([DRIVER, "write", conninfo, "plant", "1", str(n)], capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stdout + done.stderr


class Books:
    """A database that the writer has filled from a real journal, and the question."""

    def __init__(self, postgres, folder):
        self.name = postgres.new_database()
        self.conninfo = postgres.conninfo(self.name)
        self.postgres = postgres
        subprocess.run([DRIVER, "migrate", self.conninfo], check=True, capture_output=True)
        self.config = folder / "config"
        shutil.copytree(ROOT / "config/default", self.config)
        site = self.config / "site.yaml"
        text = re.sub(r"connection: .*", f"connection: {self.conninfo}", site.read_text())
        site.write_text(re.sub(r"(?m)^state_dir: .*", f"state_dir: {folder}/state", text))
        self.journal = folder / "state/lane-plant/journal"
        self.journal.parent.mkdir(parents=True)
        write(self.conninfo, self.journal)

    def audit(self, *more):
        done = subprocess.run([WALLWATCH, "audit", "--config", self.config, "--json", "--wait", "0", *more],
                              capture_output=True, text=True)
        assert done.returncode in (0, 1) and done.stdout, done.stderr
        found = json.loads(done.stdout)
        assert found["balanced"] == (done.returncode == 0)
        return found

    def kinds(self):
        return sorted({f["kind"] for lane in self.audit()["lanes"] for f in lane["findings"]})

    def do(self, *statements):
        with self.postgres.connect(self.name) as c:
            for sql in statements:
                c.execute(sql)


@pytest.fixture(scope="module")
def master(server, tmp_path_factory):
    server.start()
    return Books(server, tmp_path_factory.mktemp("books"))


@pytest.fixture
def books(master):
    """Each test gets its own copy of the filled database."""
    name = master.name
    with master.postgres.connect() as c:
        c.execute(f"CREATE DATABASE {name}_copy TEMPLATE {name}")
    master.name = f"{name}_copy"
    site = master.config / "site.yaml"
    site.write_text(site.read_text().replace(f"dbname={name} ", f"dbname={name}_copy "))
    yield master
    site.write_text(site.read_text().replace(f"dbname={name}_copy ", f"dbname={name} "))
    with master.postgres.connect() as c:
        c.execute(f"DROP DATABASE {name}_copy WITH (FORCE)")
    master.name = name


def test_what_the_writer_wrote_balances(books):
    found = books.audit()
    plant = next(lane for lane in found["lanes"] if lane["lane"] == "plant")
    assert found["balanced"] and plant["findings"] == []
    source, = plant["sources"]
    assert source["on_disk"] and source["compared"] == source["records"] == RECORDS and source["waiting"] == 0
    assert sum(hour["records"] for hour in plant["hours"]) == RECORDS
    done = subprocess.run([WALLWATCH, "audit", "--config", books.config, "--lane", "plant"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.endswith("the books balance\n")


SOME = "(SELECT min(pos) FROM telemetry.elevator)"


@pytest.mark.parametrize("kinds, statements", [
    (["rows"], [f"DELETE FROM telemetry.elevator WHERE pos = {SOME}"]),
    (["double", "rows"], [f"INSERT INTO telemetry.elevator SELECT * FROM telemetry.elevator WHERE pos = {SOME}"]),
    # one gone and one twice in the same batch: the sums still fit
    (["double"], [f"INSERT INTO telemetry.elevator SELECT * FROM telemetry.elevator WHERE pos = {SOME}",
                  "DELETE FROM telemetry.elevator WHERE pos = (SELECT min(pos) FROM telemetry.elevator "
                  f"WHERE pos > {SOME})"]),
    (["rows"], ["DELETE FROM telemetry.charger WHERE pos = (SELECT min(pos) FROM telemetry.charger) AND idx = 1"]),
    (["rows"], ["DELETE FROM ops.reject WHERE pos = (SELECT min(pos) FROM ops.reject)"]),
    (["double", "rows"], ["INSERT INTO ops.reject SELECT * FROM ops.reject WHERE pos = (SELECT min(pos) FROM ops.reject)"]),
    (["gap", "rows"], ["DELETE FROM ops.batch WHERE to_pos = (SELECT min(to_pos) FROM ops.batch)"]),
    (["mark", "rows"], ["DELETE FROM ops.batch WHERE to_pos = (SELECT max(to_pos) FROM ops.batch)"]),
    (["overlap"], ["UPDATE ops.batch SET from_pos = from_pos - 10 WHERE to_pos = (SELECT max(to_pos) FROM ops.batch)"]),
    (["mark"], ["UPDATE ops.mark SET pos = pos + 100"]),
    (["records"], ["UPDATE ops.batch SET records = records - 1, own = own - 1 WHERE to_pos = (SELECT min(to_pos) FROM ops.batch)"]),
    (["rows"], ["UPDATE telemetry.elevator SET pos = 10^15 WHERE pos = (SELECT max(pos) FROM telemetry.elevator)"]),
])
def test_a_planted_fault_is_reported_by_its_name(books, kinds, statements):
    books.do(*statements)
    found = books.kinds()
    # frames at the moved border may be counted too; what was planted must be there
    assert set(kinds) <= set(found) and set(found) <= set(kinds) | {"records"}, found


def test_what_is_not_stored_yet_is_said_and_is_no_fault(books):
    before = books.audit()["lanes"]
    books.do("DELETE FROM telemetry.elevator WHERE pos > (SELECT min(to_pos) FROM ops.batch)",
             "DELETE FROM telemetry.charger WHERE pos > (SELECT min(to_pos) FROM ops.batch)",
             "DELETE FROM ops.reject WHERE pos > (SELECT min(to_pos) FROM ops.batch)",
             "UPDATE ops.mark SET pos = (SELECT min(to_pos) FROM ops.batch)",
             "DELETE FROM ops.batch WHERE to_pos > (SELECT min(to_pos) FROM ops.batch)")
    found = books.audit()
    plant = next(lane for lane in found["lanes"] if lane["lane"] == "plant")
    assert found["balanced"] and plant["sources"][0]["waiting"] > 0, (before, found)


def test_holes_in_the_numbers_of_a_device_are_shown(books):
    books.do("UPDATE telemetry.elevator SET sequence = sequence + 5 WHERE sequence > 20 AND device = "
             "(SELECT device FROM ops.seen WHERE code = 'EL-00001')")
    found = books.audit()
    plant = next(lane for lane in found["lanes"] if lane["lane"] == "plant")
    assert plant["missing"] == 5 and plant["gaps"][0]["device"] == "EL-00001" and found["balanced"]


def ledger_line(i, **more):
    kind = i % 10
    line = {"answer": 0, "bad": None, "boot": 1, "device": f"EL-{i % 600:05}", "parts": 2 if kind == 6 else 1,
            "sent": "2026-11-24T00:00:00.000000Z", "seq": i // 600}
    return {**line, **more}


def test_each_message_of_the_simulators_ledger_is_looked_for(books, tmp_path):
    stored = [i for i in range(RECORDS) if i % 10 < 7]
    path = tmp_path / "sent.jsonl"

    def audit(lines):
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return books.audit("--ledger", str(path))
    good = [ledger_line(i) for i in stored]
    found = audit(good)
    assert found["balanced"] and found["ledger"]["found"] == len(stored), found["ledger"]
    # what the broker never answered for, and what was spoilt on purpose, may be missing
    found = audit(good + [ledger_line(7, answer=None, seq=10**6), ledger_line(7, answer=135, seq=10**6),
                          ledger_line(7, bad="utf8", seq=10**6)])
    assert found["balanced"]
    found = audit(good + [ledger_line(7, seq=10**6)])
    assert not found["balanced"] and found["ledger"]["lost"] == 1
    assert "EL-00007: boot 1, sequence 1000000" in found["ledger"]["findings"][0]["text"]
    books.do("INSERT INTO telemetry.elevator SELECT (t.r).* FROM (SELECT jsonb_populate_record(e, "
             "'{\"pos\": 99}') AS r FROM telemetry.elevator e WHERE device = "
             "(SELECT device FROM ops.seen WHERE code = 'EL-00003') LIMIT 1) AS t")
    found = audit(good)
    assert not found["balanced"] and found["ledger"]["doubled"] == 1 and found["ledger"]["lost"] == 0


# --- the ledger's copy


def case(n, alert, state="open", orders=()):
    return {"alert": alert, "at": f"2026-11-24T06:00:{n % 60:02}.000000Z", "event": "changed", "hash": "x", "n": n,
            "prev": "y", "who": "wang", "why": "检查",
            "snapshot": {"alert": alert, "rule": "r", "severity": "red", "state": state, "n": n, "opened":
                         "2026-11-24T06:00:00.000000Z", "orders": list(orders), "title": {"zh": "火警", "en": "Fire"},
                         "units": {"point": "p1"}, "acknowledged": None},
            **({"evidence": {"readings": [1]}} if n == 1 else {})}


def copy(postgres, database, folder, events, before=None):
    lines = [e if isinstance(e, str) else json.dumps(e, ensure_ascii=False, sort_keys=True) for e in events]
    subprocess.run([DRIVER, "ledger", folder], input="\n".join(lines) + "\n", text=True, check=True)
    process = subprocess.Popen([DRIVER, "copy", postgres.conninfo(database), "fire", folder],
                               stdout=subprocess.PIPE, text=True)
    if before:
        before(process)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, out
    return out


def test_the_ledger_is_copied_once_and_cases_show_their_newest_state(postgres, tmp_path):
    database = postgres.new_database()
    subprocess.run([DRIVER, "migrate", postgres.conninfo(database)], check=True, capture_output=True)
    events = [case(n, f"fire-{n % 7}", "open" if n < 1000 else "closed",
                   [{"order": f"o{n % 7}", "centre": "c", "state": "issued" if n < 1000 else "done", "at":
                     "2026-11-24T06:00:00.000000Z"}]) for n in range(1, 2001)]
    mixed = [line for event in events for line in ("an input", event)]
    copy(postgres, database, tmp_path / "ledger", mixed[:2500])
    out = copy(postgres, database, tmp_path / "ledger", mixed[2500:])
    assert out.startswith("copied ") and not out.startswith("copied 0\n")  # it went on at its mark
    with postgres.connect(database) as c:
        assert c.execute("SELECT count(*), min(n), max(n) FROM alerting.event").fetchone() == (2000, 1, 2000)
        assert c.execute("SELECT count(*), min(n), count(*) FILTER (WHERE state = 'closed') FROM alerting.case").fetchone() == (7, 1994, 7)
        assert c.execute("SELECT count(*) FROM alerting.order WHERE state = 'done'").fetchone()[0] == 7
        assert c.execute("SELECT count(*) FROM alerting.evidence").fetchone()[0] == 1
        # the text is the ledger's, byte for byte: the hash chain can be checked here
        assert c.execute("SELECT body::text FROM alerting.event WHERE n = 5").fetchone()[0] == json.dumps(
            events[4], ensure_ascii=False, sort_keys=True)
        # a mark that was lost means copying again, which changes nothing
        c.execute("UPDATE alerting.ledger_mark SET pos = 0")
        c.execute("UPDATE alerting.case SET n = 10^6, state = 'newer' WHERE alert = 'fire-1'")
        copy(postgres, database, tmp_path / "ledger", [])
        assert c.execute("SELECT count(*) FROM alerting.event").fetchone()[0] == 2000
        assert c.execute("SELECT state FROM alerting.case WHERE alert = 'fire-1'").fetchone()[0] == "newer"


def test_an_event_that_postgres_refuses_is_kept_apart_and_holds_up_nothing(postgres, tmp_path):
    database = postgres.new_database()
    subprocess.run([DRIVER, "migrate", postgres.conninfo(database)], check=True, capture_output=True)
    events = [case(n, "fire-1") for n in range(1, 301)]
    events[150] = {**case(151, "fire-1"), "at": "no time"}
    copy(postgres, database, tmp_path / "ledger", events)
    with postgres.connect(database) as c:
        assert c.execute("SELECT count(*) FROM alerting.event").fetchone()[0] == 299
        lane, raw = c.execute("SELECT lane, convert_from(raw, 'UTF8') FROM alerting.unreadable").fetchone()
        assert lane == "fire" and json.loads(raw) == events[150]


def test_the_copy_waits_for_migrate(postgres, tmp_path):
    database = postgres.new_database()

    def later(process):
        assert "away" in process.stdout.readline()
        subprocess.run([DRIVER, "migrate", postgres.conninfo(database)], check=True, capture_output=True)
    copy(postgres, database, tmp_path / "ledger", [case(1, "fire-1")], later)
    with postgres.connect(database) as c:
        assert c.execute("SELECT count(*) FROM alerting.event").fetchone()[0] == 1
