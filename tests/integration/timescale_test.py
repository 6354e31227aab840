"""Both drivers: all of the schema on a real TimescaleDB, and the same answers from the same readings."""
import json
import shutil
import subprocess

import psycopg
import pytest

from harness.process import ROOT, WALLWATCH, Process, wait_for

NODE = ROOT / "tests/timescale"
READINGS = 200_000
SPAN = "4 hours"  # across a midnight: two chunks
DEVICES = 50


class Timescale(Process):
    """tests/timescale/server.mjs: PostgreSQL 17 with the extension, one client at a time."""

    def __init__(self, folder):
        super().__init__(["node", NODE / "server.mjs"], folder / "timescale.log")

    def start(self):
        super().start()
        wait_for("TimescaleDB listens", lambda: '"port"' in self.text() or not self.alive(), 120, 0.1)
        assert self.alive(), self.tail()
        line = next(line for line in self.text().splitlines() if '"port"' in line)
        # libpq's own start-up wishes would be refused by the socket
        self.conninfo = (f"host=127.0.0.1 port={json.loads(line)['port']} user=postgres password=postgres dbname=postgres "
                         "sslmode=disable gssencmode=disable options='-c client_min_messages=warning'")
        return self


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The shipped configuration with a few devices: a message over some hundred kB ends the WebAssembly server."""
    folder = tmp_path_factory.mktemp("timescale")
    shutil.copytree(ROOT / "config/default", folder / "config")
    path = folder / "config/devices.csv"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:1] + [line for line in lines if ",elevator," in line][:20]))
    return folder


def migrate(folder, conninfo, *args):
    return subprocess.run([WALLWATCH, "migrate", "--config", folder / "config", "--database", conninfo, *args],
                          capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def timescale(folder):
    if not (NODE / "node_modules").is_dir():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=NODE, check=True, capture_output=True, timeout=300)
    server = Timescale(folder).start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def drivers(folder, timescale, server):
    """The same readings in both, rolled up; {"plain": conninfo, "timescale": conninfo}"""
    server.start()
    found = {"plain": server.conninfo(server.new_database()), "timescale": timescale.conninfo}
    with psycopg.connect(found["plain"]) as c:
        begin = c.execute("SELECT date_trunc('day', now(), 'UTC') - interval '2 days 2 hours'").fetchone()[0]
    for driver, conninfo in found.items():
        done = migrate(folder, conninfo, *(["--driver", driver] if driver == "timescale" else []))
        assert done.returncode == 0, done.stderr
        assert f"driver {driver} chosen" in done.stdout
        with psycopg.connect(conninfo, autocommit=True, prepare_threshold=None) as c:
            fill(c, begin)
    return found


def fill(c, begin):
    """A function of the number of the reading; quarters, so that sums are exact in any order."""
    for hours in (0, 4):
        assert c.execute("SELECT telemetry.ensure_chunk('elevator', %s + %s * interval '1 hour')", (begin, hours)).fetchone()[0]
    for low in range(0, READINGS, 20_000):
        c.execute(f"""INSERT INTO telemetry.elevator (device, time, received, committed, pos, src, config, idx, suspect, server_time,
                under_test, part, speed, floor, moving, doors, position)
            SELECT 1000 + g %% {DEVICES}, %s::timestamptz + g * (interval '{SPAN}' / {READINGS}), %s::timestamptz, %s::timestamptz, g, 1, 0, 0, 0,
                false, false, '', (g * 7919 %% 400) / 4.0, CASE WHEN g %% 3 = 0 THEN g %% 30 END, (g / {DEVICES} %% 7 < 3)::integer,
                g / {DEVICES} %% 11 / 5, 'F' || g %% 30
            FROM generate_series({low}, {low + 19_999}) AS g""", (begin, begin, begin))
    c.execute(f"INSERT INTO ops.touched (class, time) SELECT 'elevator', t FROM generate_series(%s::timestamptz, "
              f"%s::timestamptz + interval '{SPAN}' - interval '1 minute', '1 minute') AS t", (begin, begin))
    while c.execute("SELECT rollup.step(100)").fetchone()[0] > 0:
        pass


def digest(table):
    return f"SELECT count(*), md5(string_agg(t::text, '|' ORDER BY device, part, time)) FROM {table} AS t"


QUESTIONS = {
    "readings": digest("telemetry.elevator"),
    "minutes": digest("rollup.elevator_minute"),
    "hours": digest("rollup.elevator_hour"),
    "days": digest("rollup.elevator_day"),
    "classes": "SELECT * FROM telemetry.class ORDER BY class",
    "chunks": "SELECT class, level, name, low, high, state FROM ops.chunk ORDER BY name",
    "policies": "SELECT * FROM ops.policy ORDER BY class, level",
    "plan": "SELECT class, level, name, low, high, what, due FROM ops.storage_plan ORDER BY name, what",
    "storage": "SELECT class, level, chunks FROM ops.storage ORDER BY class, level",
    "devices": "SELECT code, class, compound, state FROM grid.device_state ORDER BY code",
    "buckets": "SELECT telemetry.time_bucket('15 minutes', time) AS at, device, count(*), min(speed), max(speed), avg(speed) "
               "FROM telemetry.elevator GROUP BY 1, 2 ORDER BY 1, 2",
    "last of each": "SELECT DISTINCT ON (device) device, time, speed, position FROM telemetry.elevator ORDER BY device, time DESC",
    "claims": "SELECT * FROM ops.audit_balance(1)",
    "doubles": "SELECT * FROM ops.audit_doubles(1)",
    **{f"series by {points}": f"SELECT * FROM (SELECT min(time) AS begin FROM telemetry.elevator) AS b, rollup.series('elevator', 1007, '', "
       f"'speed', begin, begin + interval '{SPAN}', {points}) ORDER BY time" for points in (4, 240, 100_000)},
}


def answers(conninfo):
    with psycopg.connect(conninfo, autocommit=True, prepare_threshold=None) as c:
        c.execute("SET timezone = 'UTC'")
        return {what: c.execute(sql).fetchall() for what, sql in QUESTIONS.items()}


def test_both_drivers_give_the_same_answers(drivers):
    plain, timescale = (answers(drivers[name]) for name in ("plain", "timescale"))
    assert plain["readings"][0][0] == READINGS and plain["minutes"][0][0] == 240 * DEVICES and len(plain["series by 100000"]) == READINGS // DEVICES
    for what in QUESTIONS:
        assert plain[what] == timescale[what], what


def test_the_tables_are_hypertables_and_time_bucket_is_the_extension_s(drivers):
    with psycopg.connect(drivers["timescale"], autocommit=True, prepare_threshold=None) as c:
        hypertables = [r[0] for r in c.execute("SELECT hypertable_name FROM timescaledb_information.hypertables ORDER BY 1")]
        assert hypertables == [r[0] for r in c.execute("SELECT class FROM telemetry.class ORDER BY 1")]
        assert c.execute("SELECT driver, license, packs FROM ops.storage_driver").fetchone() == ("timescale", "timescale", True)
        for width in ("7 seconds", "5 minutes", "1 hour", "1 day", "1 week", "10 days", "1 month", "5 months", "1 year"):
            assert c.execute("SELECT count(*) FROM generate_series(timestamptz '1998-12-30 01:02:03+00', '2027-01-01', '37 hours') AS t "
                             "WHERE telemetry.time_bucket(%s::interval, t) <> public.time_bucket(%s::interval, t, 'UTC')",
                             (width, width)).fetchone()[0] == 0, width


def test_the_driver_stays_what_it_is(drivers, folder):
    for driver, other in (("timescale", "plain"), ("plain", "timescale")):
        assert migrate(folder, drivers[driver]).returncode == 0, "later migrates keep it"
        refused = migrate(folder, drivers[driver], "--driver", other)
        assert refused.returncode == 1 and f"is '{driver}', chosen at its first migrate, and cannot become '{other}'" in refused.stderr


def test_a_server_without_the_extension_refuses_it(folder, server):
    refused = migrate(folder, server.conninfo(server.new_database()), "--driver", "timescale")
    assert refused.returncode == 1 and "the extension timescaledb is not installed" in refused.stderr


def test_old_chunks_are_compressed_and_dropped_by_policy(drivers):
    with psycopg.connect(drivers["timescale"], autocommit=True, prepare_threshold=None) as c:
        before = c.execute(QUESTIONS["readings"]).fetchone()
        fresh = c.execute("SELECT sum(table_bytes + index_bytes) FROM ops.storage WHERE class = 'elevator' AND level = 'reading'").fetchone()[0]
        c.execute("DELETE FROM ops.touched")
        c.execute("UPDATE ops.policy SET pack = '1 hour' WHERE class = 'elevator' AND level = 'reading'")
        said = keep(c)
        assert sum("packed" in line for line in said) == 2, said
        assert c.execute(QUESTIONS["readings"]).fetchone() == before
        packed = c.execute("SELECT sum(table_bytes + index_bytes) FROM ops.storage WHERE class = 'elevator' AND level = 'reading'").fetchone()[0]
        assert packed < fresh / 3, f"{fresh} -> {packed} bytes"
        late = "INSERT INTO telemetry.elevator SELECT (r).* FROM (SELECT r FROM telemetry.elevator r ORDER BY time LIMIT 1) AS x RETURNING time"
        assert c.execute(late).fetchone(), "a late row comes to a packed chunk"
        c.execute("UPDATE ops.policy SET keep = '1 day' WHERE class = 'elevator' AND level = 'reading'")
        said = keep(c)
        assert sum("dropped by policy" in line for line in said) == 2, said
        assert c.execute("SELECT count(*) FROM telemetry.elevator").fetchone()[0] == 0
        assert c.execute("SELECT count(*), sum(rows) FROM ops.chunk WHERE state = 'dropped'").fetchone() == (2, READINGS + 1)
        assert c.execute("SELECT count(*) FROM rollup.elevator_minute").fetchone()[0] == 240 * DEVICES, "roll-ups stay"


def keep(c):
    said = []
    while len(said) < 100:
        line = c.execute("SELECT ops.keep_step()").fetchone()[0]
        if line is None:
            break
        said.append(line)
    return said
