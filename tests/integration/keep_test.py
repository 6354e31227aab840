"""Chunks: made ahead and on demand, made small, dropped by policy; nothing waits for it, and the books balance."""
import json
import os
import pathlib
import subprocess
import threading

import psycopg
import pytest

from harness.process import ROOT

BUILD = pathlib.Path(os.environ.get("WALLWATCH_BUILD", ROOT / "build"))
DRIVER = BUILD / "tests/integration/writer_driver"
N = 20000


@pytest.fixture
def filled(postgres):
    """20,000 records of the writer, as old as a test wants them."""
    name = postgres.new_database()
    subprocess.run([DRIVER, "migrate", postgres.conninfo(name)], check=True, capture_output=True)
    subprocess.run([DRIVER, "write", postgres.conninfo(name), "plant", "1", str(N)], check=True, capture_output=True, timeout=30)
    with postgres.connect(name) as c:
        c.execute("DELETE FROM ops.touched")
        yield c


def policy(c, keep, pack=None, width="1 day"):
    c.execute("INSERT INTO ops.policy SELECT class, 'reading', %s, %s, %s FROM telemetry.class "
              "ON CONFLICT (class, level) DO UPDATE SET keep = excluded.keep, pack = excluded.pack", (keep, pack, width))


def age(c, days):
    """All that is stored becomes so much older: rows, chunks and batches."""
    chunks = c.execute("SELECT chunk, class, name, low, high FROM ops.chunk WHERE level = 'reading' AND state = 'made'").fetchall()
    for chunk, of_class, name, low, high in chunks:
        c.execute(f"ALTER TABLE telemetry.{of_class} DETACH PARTITION {name}")
        c.execute(f"UPDATE {name} SET time = time - %s * interval '1 day', received = received - %s * interval '1 day'", (days, days))
        c.execute(f"ALTER TABLE telemetry.{of_class} ATTACH PARTITION {name} FOR VALUES FROM ('{low - days_of(days)}') TO ('{high - days_of(days)}')")
        c.execute(f"ALTER TABLE {name} RENAME TO {name.split('.')[1]}_old")
        c.execute("UPDATE ops.chunk SET name = name || '_old', low = low - %s * interval '1 day', high = high - %s * interval '1 day' WHERE chunk = %s", (days, days, chunk))
    c.execute("UPDATE ops.batch SET committed = committed - %s * interval '1 day'", (days,))


def days_of(n):
    import datetime
    return datetime.timedelta(days=n)


def keep(c, most=100):
    said = []
    for _ in range(most):
        what = c.execute("SELECT ops.keep_step()").fetchone()[0]
        if what is None:
            return said
        said.append(what)
    raise AssertionError(said)


def balance(c):
    return (c.execute("SELECT * FROM ops.audit_balance(1)").fetchall() + c.execute("SELECT * FROM ops.audit_tiles(1)").fetchall()
            + c.execute("SELECT * FROM ops.audit_doubles(1)").fetchall())


def count(c, of_class="elevator"):
    return c.execute(f"SELECT count(*), sum(pos), sum(speed) FROM telemetry.{of_class}").fetchone()


def test_old_chunks_are_made_small_and_say_the_same(filled):
    c = filled
    policy(c, "90 days", "7 days")
    age(c, 20)
    c.execute("VACUUM ANALYZE")
    before = count(c), c.execute("SELECT device, part, time, speed, note FROM telemetry.elevator WHERE device = "
                                 "(SELECT min(device) FROM telemetry.elevator) ORDER BY time").fetchall()
    size = dict(c.execute("SELECT class, bytes::float / rows FROM ops.storage_age WHERE age = 'old'").fetchall())
    said = keep(c)
    assert any("packed:" in what for what in said), said
    assert before == (count(c), c.execute("SELECT device, part, time, speed, note FROM telemetry.elevator WHERE device = "
                                          "(SELECT min(device) FROM telemetry.elevator) ORDER BY time").fetchall())
    packed = dict(c.execute("SELECT class, bytes::float / rows FROM ops.storage_age WHERE age = 'packed'").fetchall())
    print("bytes per reading", size, packed)
    assert packed["elevator"] < 0.8 * size["elevator"], (size, packed)
    assert balance(c) == [] and keep(c) == []
    # a row that comes late still finds its place, and so does a new column
    c.execute("INSERT INTO telemetry.elevator SELECT (jsonb_populate_record(e, '{\"pos\": 999999999}')).* FROM telemetry.elevator e LIMIT 1")
    c.execute("SELECT telemetry.ensure_class('elevator', 'Lift / 电梯', '[{\"name\": \"load\", \"type\": \"number\", \"comment\": \"load / 载重\"}]')")
    assert c.execute("SELECT count(*) FROM telemetry.elevator WHERE pos = 999999999 AND load IS NULL").fetchone()[0] == 1


def test_a_row_that_comes_while_a_chunk_is_copied_is_not_lost(filled):
    c = filled
    policy(c, "90 days", "7 days")
    age(c, 20)
    while True:
        what = c.execute("SELECT ops.keep_step()").fetchone()[0]
        if " copied" in what and "elevator" in what:
            break
    n = count(c)[0]
    c.execute("INSERT INTO telemetry.elevator SELECT (jsonb_populate_record(e, '{\"pos\": 999999999}')).* FROM telemetry.elevator e LIMIT 1")
    said = keep(c)
    assert any("late rows came" in what for what in said), said
    assert count(c)[0] == n + 1
    c.execute("UPDATE ops.chunk SET changed = NULL")
    assert any("elevator" in what and "packed:" in what for what in keep(c)) and count(c)[0] == n + 1


def test_what_is_too_old_goes_and_the_books_balance_and_say_so(filled, postgres):
    c = filled
    policy(c, "30 days")
    age(c, 40)
    c.execute("INSERT INTO alerting.evidence VALUES ('a', 'plant', 1, '{}')")
    # nothing goes that waits to be rolled up
    c.execute("INSERT INTO ops.touched (class, time) SELECT 'elevator', min(time) FROM telemetry.elevator")
    keep(c)
    assert count(c)[0] > 0 and c.execute("SELECT count(*) FROM telemetry.charger").fetchone()[0] == 0
    c.execute("DELETE FROM ops.touched")
    planned = c.execute("SELECT class, what, due < now(), rows > 0, bytes > 0 FROM ops.storage_plan WHERE what = 'drop' AND due < now()").fetchall()
    assert [row[0] for row in planned] == ["elevator"] * len(planned) and planned
    # intake holds the parent: the keeper gives way, says so, and comes again
    with psycopg.connect(postgres.conninfo(c.info.dbname)) as writer:
        writer.execute("SELECT count(*) FROM telemetry.elevator")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            c.execute("SELECT ops.keep_step()")
    detached = c.execute("SELECT ops.keep_step()").fetchone()[0]
    assert "detached" in detached and balance(c) == [], "between the two steps too"
    # a device that comes back now gets a chunk of the same days
    low = c.execute("SELECT low FROM ops.chunk WHERE state = 'detached'").fetchone()[0]
    assert c.execute("SELECT telemetry.ensure_chunk('elevator', %s)", (low,)).fetchone()[0]
    said = keep(c)
    assert count(c)[0] == 0 and balance(c) == [], said
    lost = c.execute("SELECT dropped_readings FROM ops.afterwards").fetchone()[0]
    assert lost == c.execute("SELECT sum(readings) FROM ops.batch").fetchone()[0] > 0
    assert c.execute("SELECT count(*) FROM alerting.evidence").fetchone()[0] == 1
    assert c.execute("SELECT count(*) FROM ops.batch").fetchone()[0] <= 2, "old batches are one line an hour"
    # a batch that claims more than went is still found
    c.execute("UPDATE ops.batch SET readings = readings + 1")
    assert balance(c) != []


def test_roll_ups_of_dropped_readings_stay_as_they_were(filled):
    c = filled
    c.execute("SELECT rollup.ensure_class('elevator', interval '1 minute', '[{\"name\": \"speed\", \"kind\": \"number\"}]')")
    policy(c, "30 days")
    age(c, 40)
    c.execute("INSERT INTO ops.touched (class, time) SELECT DISTINCT 'elevator', date_trunc('minute', time) FROM telemetry.elevator")
    while c.execute("SELECT rollup.step(1000)").fetchone()[0] > 0:
        pass
    rolled = c.execute("SELECT sum(rows) FROM rollup.elevator_minute").fetchone()[0]
    keep(c)
    assert rolled > 0 and count(c)[0] == 0
    # a late message of one device may not wipe out what the others said
    c.execute("INSERT INTO ops.touched (class, time, device) SELECT 'elevator', min(time), NULL FROM rollup.elevator_minute")
    while c.execute("SELECT rollup.step(1000)").fetchone()[0] > 0:
        pass
    assert c.execute("SELECT sum(rows) FROM rollup.elevator_minute").fetchone()[0] == rolled


def test_chunks_are_as_long_as_the_rate_asks_and_any_believable_time_finds_one(filled):
    c = filled
    c.execute("INSERT INTO ops.policy VALUES ('charger', 'reading', '90 days', NULL, '7 days'), ('elevator', 'reading', '90 days', NULL, '6 hours')")
    for of_class, chunks in (("charger", 1), ("elevator", 4)):
        # a device that returns after three weeks, and a whole year of believable days
        assert c.execute(f"SELECT telemetry.ensure_chunk('{of_class}', now() - interval '21 days')").fetchone()[0]
        assert not c.execute(f"SELECT telemetry.ensure_chunk('{of_class}', now() - interval '21 days')").fetchone()[0]
        span = c.execute("SELECT count(*), max(high) - min(low) FROM ops.chunk WHERE class = %s AND high < now() - interval '10 days'", (of_class,)).fetchone()
        assert span[0] == chunks and span[1].days == (7 if chunks == 1 else 1)
    for day in range(0, 30):
        c.execute("SELECT telemetry.ensure_chunk('charger', now() - %s * interval '1 day')", (day,))
        c.execute("INSERT INTO telemetry.charger (device, time, received, pos, src, config, idx, suspect, server_time, under_test, part) "
                  "VALUES (1, now() - %s * interval '1 day', now(), 10^10 + %s, 2, 1, 0, 0, false, false, '')", (day, day))
    # tomorrow's are there before midnight, and quiet classes get long ones
    assert any("made ahead" in what for what in keep(c))
    assert c.execute("SELECT count(*) FROM ops.chunk WHERE class = 'elevator' AND low <= now() + interval '1 day' AND high > now() + interval '1 day'").fetchone()[0] == 1
    c.execute("ANALYZE")
    c.execute("SELECT ops.measure_width()")
    assert c.execute("SELECT width FROM ops.policy WHERE class = 'charger'").fetchone()[0].days == 7


def test_housekeeping_holds_up_no_writer(filled, postgres):
    """The writer goes on while everything that is old is packed and dropped."""
    c = filled
    policy(c, "30 days", "7 days")
    age(c, 20)
    stop = threading.Event()
    said = []

    def housekeeping():
        with postgres.connect(c.info.dbname) as other:
            while not stop.is_set():
                try:
                    said.append(other.execute("SELECT ops.keep_step()").fetchone()[0])
                except psycopg.errors.LockNotAvailable:
                    said.append("gave way")
    keeper = threading.Thread(target=housekeeping)
    keeper.start()
    try:
        done = subprocess.run([DRIVER, "write", postgres.conninfo(c.info.dbname), "plant", "1", str(3 * N)], capture_output=True, text=True, timeout=60)
    finally:
        stop.set()
        keeper.join()
    assert done.returncode == 0 and "away" not in done.stdout, (done.stdout, said)
    assert any(what and "packed:" in what for what in said), said
    assert balance(c) == []


def test_the_class_files_say_what_is_kept_and_storage_shows_the_plan(site):
    assert "water reading: kept 90" in site.run("migrate").stdout or site.value(
        "SELECT keep = interval '90 days' AND pack = interval '7 days' FROM ops.policy WHERE class = 'water' AND level = 'reading'")
    site.edit("classes/water.yaml", lambda data: data.update(keep={"raw": "400h"}))
    wrong = site.run("migrate", "--check").stdout
    assert "policy of water reading: kept 16.7 days, packed after 7" in wrong
    site.run("migrate")
    site.value("SELECT telemetry.ensure_chunk('water', now() - interval '20 days')")
    plan = json.loads(site.run("storage", "--plan", "--json").stdout)["plan"]
    due = [row for row in plan if row["class"] == "water" and row["what"] == "drop" and row["due_now"]]
    assert len(due) == 1 and due[0]["level"] == "reading" and due[0]["bytes"] > 0
    assert "water" in site.run("storage", "--plan").stdout
    site.edit("classes/water.yaml", lambda data: data.update(keep={"raw": "5s"}))
    assert "keep" in site.run("check", str(site.config), ok=(1,), place=False).stdout
