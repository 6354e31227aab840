"""The writer against a real PostgreSQL: exactly once, whatever happens to the connection.

tests/integration/writer_driver.c feeds made-up records; what must be in the database is a function
of their number."""
import os
import pathlib
import random
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time

import psycopg
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("WALLWATCH_BUILD", ROOT / "build"))
DRIVER = BUILD / "tests/integration/writer_driver"


@pytest.fixture
def database(postgres):
    name = postgres.new_database()
    done = subprocess.run([DRIVER, "migrate", postgres.conninfo(name)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    return name


class Writer:
    """A writer_driver that runs; its lines are read as they come."""

    def __init__(self, conninfo, n, lane="plant", journal=1, rows_only=False):
        env = dict(os.environ, **({"WRITER_DRIVER_ROWS": "1"} if rows_only else {}))
        self.process = subprocess.Popen([DRIVER, "write", conninfo, lane, str(journal), str(n)],
                                        stdout=subprocess.PIPE, text=True, env=env)
        self.lines = []
        self.came = threading.Condition()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            with self.came:
                self.lines.append(line.strip())
                self.came.notify_all()

    def wait_line(self, pattern, seconds=20):
        with self.came:
            found = self.came.wait_for(
                lambda: next((line for line in self.lines if re.search(pattern, line)), None), seconds)
        assert found, f"no line {pattern!r} in {self.lines}"
        return found

    def finish(self, seconds=60):
        try:
            code = self.process.wait(seconds)
        finally:
            self.process.kill()
        assert code == 0, (code, self.lines)
        return self.lines


def check(connection, n, src=1, rows_only=False):
    """Every record is there once, and the books say so."""
    def value(sql):
        return connection.execute(sql).fetchone()[0]
    kinds = [0 if rows_only else i % 10 for i in range(n)]
    lifts = sum(1 for kind in kinds if kind < 6)
    chargers = 2 * kinds.count(6)
    for table, want in (("telemetry.elevator", lifts), ("telemetry.charger", chargers),
                        ("ops.reject", kinds.count(9))):
        assert value(f"SELECT count(*) FROM {table} WHERE src = {src}") == want, table
        assert value(f"SELECT count(DISTINCT (pos, idx)) FROM {table} WHERE src = {src}") == want, table
    assert value(f"SELECT pos FROM ops.mark WHERE src = {src}") == n * 100
    assert value(f"SELECT sum(records) FROM ops.batch WHERE src = {src}") == n
    assert value(f"SELECT sum(readings) FROM ops.batch WHERE src = {src}") == lifts + chargers
    assert value(f"""SELECT count(*) FROM (SELECT from_pos, lag(to_pos, 1, 0) OVER (ORDER BY to_pos) AS before
        FROM ops.batch WHERE src = {src}) AS b WHERE from_pos <> before""") == 0


def test_rows_arrive_once_and_the_books_balance(postgres, database):
    lines = Writer(postgres.conninfo(database), 20000).finish()
    assert lines[0] == "ready 0 1" and lines[-1] == "closed"
    with postgres.connect(database) as c:
        check(c, 20000)
        assert c.execute("SELECT count(*) FROM ops.seen").fetchone()[0] == 420
        assert c.execute("SELECT note FROM telemetry.elevator WHERE pos = 100").fetchone()[0] == "bad ? byte"
        assert c.execute("""SELECT count(*) FROM pg_indexes WHERE schemaname = 'telemetry'
            AND indexdef ~ 'brin|device, part, "time"'""").fetchone()[0] >= 6


def test_a_second_start_goes_on_at_the_mark_with_a_new_epoch(postgres, database):
    Writer(postgres.conninfo(database), 3000).finish()
    lines = Writer(postgres.conninfo(database), 5000).finish()
    assert lines[0] == "ready 300000 2"
    with postgres.connect(database) as c:
        check(c, 5000)


def test_another_journal_begins_at_the_first_record_and_the_old_one_is_remembered(postgres, database):
    Writer(postgres.conninfo(database), 1000, journal=1).finish()
    assert Writer(postgres.conninfo(database), 1500, journal=2).finish()[0] == "ready 0 2"
    assert Writer(postgres.conninfo(database), 2000, journal=1).finish()[0] == "ready 100000 3"
    with postgres.connect(database) as c:
        check(c, 2000, src=1)
        check(c, 1500, src=c.execute("SELECT max(src) FROM ops.journal").fetchone()[0])


def test_two_lanes_make_the_same_chunks_and_devices_at_once(postgres, database):
    writers = [Writer(postgres.conninfo(database), 10000, lane=lane) for lane in ("plant", "fire", "third")]
    for writer in writers:
        writer.finish()
    with postgres.connect(database) as c:
        for src, in c.execute("SELECT src FROM ops.journal").fetchall():
            check(c, 10000, src=src)
        assert c.execute("SELECT count(*) FROM ops.seen").fetchone()[0] == 420


def test_killed_backends_lose_and_double_nothing(postgres, database):
    rng = random.Random(7)
    writer = Writer(postgres.conninfo(database), 150000)
    kills = 0
    with postgres.connect() as c:
        while writer.process.poll() is None and kills < 25:
            time.sleep(rng.uniform(0, 0.12))
            kills += c.execute("""SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                WHERE application_name = 'wallwatch writer plant' AND datname = %s""", [database]).fetchone()[0]
    writer.finish()
    assert kills >= 5
    with postgres.connect(database) as c:
        # a kill between the number and its commit leaves a hole in the numbers
        check(c, 150000, c.execute("SELECT src FROM ops.journal").fetchone()[0])


class Proxy:
    """A unix socket in front of the server that cuts the n-th COMMIT: before it is sent on, or
    after the server has answered it and before the client hears."""

    def __init__(self, server_socket, when, numbers):
        self.folder = tempfile.mkdtemp(prefix="wwp", dir="/tmp")
        self.server = server_socket
        self.when, self.numbers, self.seen = when, numbers, 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(f"{self.folder}/.s.PGSQL.5432")
        self.listener.listen()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{self.server}/.s.PGSQL.5432")
        cut = threading.Event()
        threading.Thread(target=self.answers, args=(server, client, cut), daemon=True).start()
        while data := self.receive(client):
            if b"COMMIT\0" in data:
                self.seen += 1
                if self.seen in self.numbers:
                    if self.when == "after":
                        cut.set()
                        server.sendall(data)
                        return
                    break
            server.sendall(data)
        self.end(client, server)

    def answers(self, server, client, cut):
        while data := self.receive(server):
            if cut.is_set():
                break
            try:
                client.sendall(data)
            except OSError:
                break
        self.end(client, server)

    @staticmethod
    def end(*sockets):
        for s in sockets:
            try:
                s.shutdown(socket.SHUT_RDWR)  # close() would not wake the other thread
            except OSError:
                pass

    @staticmethod
    def receive(s):
        try:
            return s.recv(1 << 16)
        except OSError:
            return b""

    def close(self):
        self.listener.close()
        shutil.rmtree(self.folder)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_to_commit_doubles_nothing(postgres, database, when):
    proxy = Proxy(postgres.socket, when, {1, 2, 4})
    lines = Writer(f"host={proxy.folder} dbname={database} user=postgres", 30000).finish()
    proxy.close()
    marks = [line for line in lines if line.startswith("ready")]
    assert len(marks) == 4, lines
    # The mark that is found says whether that COMMIT happened.
    assert (marks[1] == "ready 0 1") == (when == "before"), marks
    with postgres.connect(database) as c:
        check(c, 30000)


def test_one_bad_row_is_set_apart_and_the_other_4999_are_stored(postgres, database):
    with postgres.connect(database) as c:
        c.execute("ALTER TABLE telemetry.elevator ADD CONSTRAINT not_666 CHECK (speed <> 666)")
    lines = Writer(postgres.conninfo(database), 5000, rows_only=True).finish()
    assert [line for line in lines if line.startswith("quarantine 1 ")], lines
    with postgres.connect(database) as c:
        assert c.execute("SELECT count(*), count(DISTINCT pos) FROM telemetry.elevator").fetchone() == (4999, 4999)
        assert c.execute("SELECT pos, reason, device, class FROM ops.reject").fetchall() == [
            (66700, "database", "EL-00066", "elevator")]
        assert c.execute("SELECT count(*), sum(readings), sum(rejects), sum(records) FROM ops.batch").fetchone() == (
            1, 4999, 1, 5000)


def test_when_half_of_all_rows_are_refused_the_table_is_blamed(postgres, database):
    with postgres.connect(database) as c:
        c.execute("ALTER TABLE telemetry.elevator ADD CONSTRAINT wrong CHECK (speed < 0)")
        writer = Writer(postgres.conninfo(database), 5000, rows_only=True)
        writer.wait_line("^away schema-behind .*wrong")
        assert c.execute("SELECT count(*) FROM ops.reject").fetchone()[0] == 0
        c.execute("ALTER TABLE telemetry.elevator DROP CONSTRAINT wrong")
        writer.finish()
        check(c, 5000, rows_only=True)


def test_a_dropped_chunk_is_made_anew(postgres, database):
    with postgres.connect(database) as c:
        writer = Writer(postgres.conninfo(database), 200000, rows_only=True)
        writer.wait_line("^stored")
        names = [row[0] for row in c.execute("""SELECT inhrelid::regclass::text FROM pg_inherits
            WHERE inhparent = 'telemetry.elevator'::regclass""").fetchall()]
        c.execute(f"DROP TABLE {names[0]}")
        writer.finish()
        assert c.execute("SELECT count(*) FROM ops.reject").fetchone()[0] == 0
        assert c.execute("SELECT pos FROM ops.mark").fetchone()[0] == 20000000


@pytest.mark.parametrize("damage, repair", [
    ("ALTER TABLE telemetry.elevator RENAME TO gone", "ALTER TABLE telemetry.gone RENAME TO elevator"),
    ("ALTER TABLE telemetry.elevator DROP COLUMN speed", None),
    ("ALTER TABLE telemetry.elevator ALTER COLUMN speed TYPE text",
     "ALTER TABLE telemetry.elevator ALTER COLUMN speed TYPE double precision USING speed::double precision"),
    ("ALTER TABLE ops.reject RENAME TO gone", "ALTER TABLE ops.gone RENAME TO reject"),
    ("REVOKE INSERT ON telemetry.charger FROM wallwatch_writer", "GRANT INSERT ON telemetry.charger TO wallwatch_writer"),
])
@pytest.mark.parametrize("at", ["start", "run"])
def test_a_schema_that_does_not_fit_is_waited_for(postgres, database, damage, repair, at):
    with postgres.connect(database) as c:
        c.execute(f"DROP ROLE IF EXISTS w_{database}")
        c.execute(f"CREATE ROLE w_{database} LOGIN IN ROLE wallwatch_writer")
        if at == "start":
            c.execute(damage)
        writer = Writer(postgres.conninfo(database, f"w_{database}"), 60000)
        if at == "run":
            writer.wait_line("^stored")
            c.execute(damage)
        writer.wait_line("^away schema-behind .*run wallwatch migrate")
        assert c.execute("SELECT count(*) FROM ops.batch WHERE rejects > rejected").fetchone()[0] == 0
        if repair:
            c.execute(repair)
        else:
            subprocess.run([DRIVER, "migrate", postgres.conninfo(database)], check=True)
        writer.finish()
        check(c, 60000)


def test_a_server_that_stops_and_starts_is_waited_for(postgres, database):
    writer = Writer(postgres.conninfo(database), 400000)
    writer.wait_line("^stored")
    postgres.stop()
    writer.wait_line("^away - ")
    postgres.start()
    writer.finish()
    with postgres.connect(database) as c:
        check(c, 400000)


def test_a_newer_owner_of_the_lane_ends_the_older(postgres, database):
    with postgres.connect(database) as c:
        writer = Writer(postgres.conninfo(database), 10**7)
        writer.wait_line("^stored")
        c.execute("UPDATE ops.lane SET epoch = 5")
        writer.wait_line("^away lane-fenced .*epoch 5, ours is 1")
        before = c.execute("SELECT pos FROM ops.mark").fetchone()
        time.sleep(0.5)
        assert c.execute("SELECT pos FROM ops.mark").fetchone() == before
        assert writer.process.poll() is None
        writer.process.kill()


def test_a_read_only_server_is_waited_for(postgres, database):
    with postgres.connect(database) as c:
        c.execute(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
        writer = Writer(postgres.conninfo(database), 1000)
        writer.wait_line("^away - .*read-only")
        c.execute("SET default_transaction_read_only = off")
        c.execute(f"ALTER DATABASE {database} RESET default_transaction_read_only")
        writer.finish()
        check(c, 1000)


def test_a_fail_over_that_lost_the_last_second_is_filled_again(postgres, database):
    Writer(postgres.conninfo(database), 30000).finish()
    with postgres.connect(database) as c:
        # as if the last transactions had never reached the standby
        mark = c.execute("SELECT to_pos FROM ops.batch ORDER BY to_pos LIMIT 1").fetchone()[0]
        for table in ("telemetry.elevator", "telemetry.charger", "ops.reject"):
            c.execute(f"DELETE FROM {table} WHERE pos > {mark}")
        c.execute(f"DELETE FROM ops.batch WHERE to_pos > {mark}")
        c.execute(f"UPDATE ops.mark SET pos = {mark}")
        assert Writer(postgres.conninfo(database), 30000).finish()[0] == f"ready {mark} 2"
        check(c, 30000)


def test_migrate_again_does_nothing_and_a_newer_schema_is_refused(postgres, database):
    def migrate():
        return subprocess.run([DRIVER, "migrate", postgres.conninfo(database)], capture_output=True, text=True)
    assert migrate().stdout == ""
    with postgres.connect(database) as c:
        c.execute("INSERT INTO ops.migration VALUES (99, '0099_future.sql', 'x')")
        done = migrate()
        assert done.returncode == 1 and "knows only" in done.stdout and "hint:" in done.stdout
        writer = Writer(postgres.conninfo(database), 10)
        writer.wait_line("^away schema-behind .*version 99, this program needs .*install the newer program")
        writer.process.kill()
        c.execute("DELETE FROM ops.migration WHERE version = 99")
        c.execute("UPDATE ops.migration SET checksum = 'x' WHERE version = 2")
        assert "other bytes" in migrate().stdout
        c.execute("ALTER TABLE telemetry.charger ALTER COLUMN port_temp TYPE text")


def test_a_changed_type_is_refused_at_migrate(postgres, database):
    with postgres.connect(database) as c:
        c.execute("ALTER TABLE telemetry.charger ALTER COLUMN port_temp TYPE text")
    done = subprocess.run([DRIVER, "migrate", postgres.conninfo(database)], capture_output=True, text=True)
    assert done.returncode == 1
    assert "field 'port_temp' is text in the database and would be double precision now" in done.stdout


def test_unbelievable_times_get_no_chunk(postgres, database):
    with postgres.connect(database) as c:
        for at in ("now() - interval '2 years'", "now() + interval '3 days'"):
            with pytest.raises(psycopg.errors.DatetimeFieldOverflow):
                c.execute(f"SELECT telemetry.ensure_chunk('elevator', {at})")
        assert c.execute("SELECT telemetry.ensure_chunk('elevator', now() - interval '21 days')").fetchone()[0]
        assert not c.execute("SELECT telemetry.ensure_chunk('elevator', now() - interval '21 days')").fetchone()[0]


def test_the_roles_may_do_what_they_must_and_no_more(postgres, database):
    with postgres.connect(database) as c:
        c.execute("SELECT telemetry.ensure_chunk('elevator', now())")
        for role, may, may_not in (
            ("wallwatch_writer", ["SELECT telemetry.ensure_chunk('charger', now())",
                                  "INSERT INTO ops.lane VALUES ('x', 1)"],
             ["DELETE FROM ops.batch", "UPDATE ops.reject SET verdict = 'rerun'", "DROP TABLE telemetry.elevator",
              "SELECT telemetry.ensure_class('x', 'x', '[]')", "DELETE FROM telemetry.elevator",
              "UPDATE alerting.event SET n = 2"]),
            ("wallwatch_reader", ["SELECT * FROM telemetry.elevator", "SELECT * FROM alerting.case",
                                  "SELECT * FROM grid.current_device"],
             ["INSERT INTO ops.lane VALUES ('y', 1)", "SELECT telemetry.ensure_chunk('charger', now())"]),
            ("wallwatch_console", ["SELECT * FROM alerting.order"], ["DELETE FROM alerting.event"]),
        ):
            c.execute(f"SET ROLE {role}")
            for sql in may:
                c.execute(sql)
            for sql in may_not:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    c.execute(sql)
            c.execute("RESET ROLE")


def test_every_table_and_column_is_described_in_both_languages(postgres, database):
    with postgres.connect(database) as c:
        missing = c.execute("""SELECT format('%s.%s', c.oid::regclass, a.attname) FROM pg_class c
            JOIN pg_namespace n ON n.oid = c.relnamespace
            LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p')
            WHERE n.nspname IN ('telemetry', 'alerting', 'grid', 'ops') AND c.relkind IN ('r', 'p', 'v')
            AND (obj_description(c.oid) IS NULL OR obj_description(c.oid) !~ ' / .*[一-龥]'
                OR a.attnum IS NOT NULL AND coalesce(col_description(c.oid, a.attnum), '') !~ ' / .*[一-龥]')""").fetchall()
        assert missing == []


def statements():
    """Every SQL statement of the _pg files: static const char sql_NAME[] = "...";"""
    for path in sorted(ROOT.glob("*/**/*_pg.c")):
        if "build" in path.relative_to(ROOT).parts[0]:
            continue
        for name, text in re.findall(r'static const char (sql_\w+)\[\] =\s*((?:"(?:[^"\\]|\\.)*"\s*)+);', path.read_text()):
            sql = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', text)).replace('\\"', '"')
            if re.match(r"(SELECT|INSERT|UPDATE|DELETE|WITH)\b", sql):
                yield pytest.param(sql, id=f"{path.relative_to(ROOT)}:{name}")


@pytest.mark.parametrize("sql", statements())
def test_every_statement_fits_the_schema(prepared, sql):
    prepared.execute(f"PREPARE s AS {sql}")
    prepared.execute("DEALLOCATE s")


@pytest.fixture(scope="module")
def prepared(server):
    server.start()
    name = server.new_database()
    subprocess.run([DRIVER, "migrate", server.conninfo(name)], check=True, capture_output=True)
    with server.connect(name) as c:
        yield c
