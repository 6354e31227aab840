"""Disks that are full, broken or damaged, kills at any moment, clocks that jump (design section 11)."""
import datetime
import hashlib
import json
import os
import pathlib
import random
import subprocess
import time

import pytest

from harness.process import WALLWATCH, wait_for
from harness.receiver import Receiver
from harness.site import charger, lift, only_webhook, panel

PAD = "x" * 60000  # a message of this size fills a segment quickly


def is_rule(rule, **want):
    def look(topic, body):
        return bool(body) and body["rule"] == rule and all(body[k] == v for k, v in want.items())
    return look


def own(board, lane, rule, seconds=15, **want):
    """The alert of Wallwatch about itself."""
    return board.wait(f"{rule} {want}", f"wallwatch/alert/{lane}/", is_rule(rule, **want), seconds)[2]


@pytest.fixture
def small_disk(tmp_path):
    """mount(size) -> a folder on a disk of that size of its own."""
    mounted = []

    def mount(size):
        folder = tmp_path / f"disk{len(mounted)}"
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder, leave=0):
    """A file that leaves so many bytes free."""
    free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
    filler = pathlib.Path(folder) / "filler"
    with open(filler, "wb") as f:
        os.posix_fallocate(f.fileno(), 0, max(1, free - leave))
    return filler


def small(make_site, state=None, lane="fire", **changes):
    """A site whose lane has the smallest journal there may be."""
    def change(data):
        if state:
            data["state_dir"] = str(state)
        data["lanes"][lane]["journal"] = {"max_size": "16MiB", "keep": "1m"}
        data["lanes"][lane].update(changes)
    site = make_site(change)
    site.state = pathlib.Path(site.data["state_dir"])
    return site.prepare()


def events(site, lane):
    """The ledger's events in order, each (body as text, as parsed)."""
    done = subprocess.run([WALLWATCH, "journal", "show", site.state / f"lane-{lane}", "--ledger", "--json"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = []
    for line in done.stdout.splitlines():
        record = json.loads(line)
        if record["kind"] == "event":
            found.append((record["body"], json.loads(record["body"])))
    return found


def check_chain(site, lane):
    """Every event follows from the one before: n by one, hash over the last hash and its own text."""
    last, n = b"\0" * 32, 0
    for text, event in events(site, lane):
        assert event["n"] == n + 1, f"event {event['n']} follows {n}"
        bare = text.replace(f'"hash":"{event["hash"]}",', "", 1)
        want = hashlib.blake2b(last + bare.encode(), digest_size=32).hexdigest()
        assert event["hash"] == want, f"event {event['n']}: the chain is broken"
        assert event["prev"] == last.hex(), f"event {event['n']}: prev"
        last, n = bytes.fromhex(want), event["n"]
    return n


def big(device, n, **fields):
    for _ in range(n):
        device.say(note=PAD, **fields)


def test_a_fire_lane_on_a_full_disk_goes_on_judging_and_says_so(make_site, small_disk):
    disk = small_disk("96M")
    site = small(make_site, disk / "state")
    lane = site.lane("fire")
    board = site.client()
    filler = fill(disk)
    noisy = panel(site, 3)
    big(noisy, 80, part="1-001", alarm=False)
    case = own(board, "fire", "p1-suspended", condition="true")
    assert case["severity"] == "red"
    began = time.time()
    panel(site, 2).say(part="1-023", alarm=True)
    at, topic, fire = board.wait("a fire, without a disk", "wallwatch/alert/fire/", is_rule("fire"), 5)
    assert at - began < 3
    # a command is taken, and answered
    said = site.run("alert", "acknowledge", fire["alert"], "--by", "wu-min", "--until", "20m").stdout
    assert "acknowledged" in said
    filler.unlink()
    own(board, "fire", "p1-suspended", condition="false")
    wait_for("ready again", lane.ready)
    assert lane.metric("wallwatch_journal_memory_only") > 0
    panel(site, 5).say(part="1-023", alarm=True)
    board.wait("the next fire", "wallwatch/alert/fire/", is_rule("fire", compound="TL-05"), 5)
    wait_for("all is stored", lambda: lane.metric("wallwatch_records_waiting") == 0, 20)
    assert site.value("SELECT count(*) FROM telemetry.fire") == 82
    site.run("audit", "--lane", "fire")
    assert lane.stop() == 0
    lane.start()
    assert "id=replay.differs" not in lane.text()
    site.run("audit", "--lane", "fire")


def test_a_fire_lane_starts_on_a_full_disk_and_what_was_in_memory_only_is_missed(make_site, small_disk):
    disk = small_disk("96M")
    site = small(make_site, disk / "state")
    lane = site.lane("fire")
    board = site.client()
    big(panel(site, 3), 3, part="1-001", alarm=False)
    wait_for("stored", lambda: site.value("SELECT count(*) FROM telemetry.fire") == 3)
    site.postgres.kill()
    filler = fill(disk)
    noisy = panel(site, 4)
    big(noisy, 80, part="1-001", alarm=False)
    own(board, "fire", "p1-suspended", condition="true")
    wait_for("all is judged", lambda: lane.metric("wallwatch_readings_total") >= 83)
    in_memory = lane.metric("wallwatch_journal_memory_only")
    assert in_memory > 0
    lane.kill_alone()
    lane.start(ready=0)
    panel(site, 2).say(part="1-023", alarm=True)
    board.wait("a fire, started on a full disk", "wallwatch/alert/fire/", is_rule("fire"), 15)
    own(board, "fire", "lost")
    filler.unlink()
    wait_for("ready", lane.ready, 20)
    site.postgres.start()
    noisy.say(part="1-001", alarm=False)
    wait_for("what is on disk is stored", lambda: site.value(
        "SELECT count(*) FROM telemetry.fire WHERE alarm > 0") == 1, 30)
    wait_for("all", lambda: lane.metric("wallwatch_records_waiting") == 0, 30)
    found = json.loads(site.run("audit", "--lane", "fire", "--json", ok=None).stdout)
    fire = found["lanes"][0]
    assert fire["missing"] > 0 and fire["gaps"][0]["device"] == "FA-0004", found
    assert not fire["findings"], found


def test_plant_gives_up_the_oldest_at_95_percent_and_the_books_balance(make_site):
    site = small(make_site, lane="plant")
    lane = site.lane("plant")
    board = site.client()
    device = lift(site, 3)
    device.say(speed=0.0)
    wait_for("stored", lambda: site.value("SELECT count(*) FROM telemetry.elevator") == 1, 20)
    site.postgres.kill()
    sent = 401
    big(device, 400, speed=0.0)  # half as much again as the quota
    board.wait("shed", "wallwatch/alert/plant/", is_rule("shed"), 40)
    filling = own(board, "plant", "journal-filling")
    assert filling["severity"] == "orange"
    big(device, 100, speed=0.0)  # it goes on taking
    sent += 100
    wait_for("all is judged", lambda: lane.metric("wallwatch_readings_total") >= sent, 20)
    site.postgres.start()
    wait_for("all that is left is stored", lambda: lane.metric("wallwatch_records_waiting") == 0, 40)
    found = json.loads(site.run("audit", "--lane", "plant", "--json").stdout)
    shed = sum(hour["shed"] for hour in found["lanes"][0]["hours"])
    stored = site.value("SELECT count(*) FROM telemetry.elevator")
    assert shed > 0 and found["balanced"]
    assert site.value("SELECT sum(shed) FROM ops.batch") == shed
    # shed counts records; the canary's are among them
    canaries = site.value("SELECT sum(own) FROM ops.batch")
    assert stored < sent <= stored + shed
    assert found["lanes"][0]["missing"] == sent - stored, (found, stored, sent, canaries)
    own(board, "plant", "shed", 60, condition="false")
    own(board, "plant", "journal-filling", 60, condition="false")


def test_a_fire_lane_at_its_quota_gives_up_nothing_and_goes_on_in_memory(make_site):
    site = small(make_site)
    lane = site.lane("fire")
    board = site.client()
    noisy = panel(site, 3)
    noisy.say(part="1-001", alarm=False)
    wait_for("stored", lambda: site.value("SELECT count(*) FROM telemetry.fire") == 1, 20)
    site.postgres.kill()
    big(noisy, 360, part="1-001", alarm=False)  # over 20 MiB: the quota, the reserve and some more
    case = own(board, "fire", "p1-suspended", condition="true")
    assert case["severity"] == "red"
    panel(site, 2).say(part="1-023", alarm=True)
    board.wait("a fire, over the quota", "wallwatch/alert/fire/", is_rule("fire"), 5)
    assert lane.metric("wallwatch_journal_memory_only") > 0
    assert not (site.state / "lane-fire/journal/reserve").exists()
    site.postgres.start()
    wait_for("all is stored", lambda: site.value("SELECT count(*) FROM telemetry.fire") == 362, 40)
    assert site.value("SELECT sum(shed) FROM ops.batch") == 0
    own(board, "fire", "p1-suspended", 30, condition="false")
    assert not [b for _, _, b in board.seen("wallwatch/alert/fire/") if b and b["rule"] == "shed"]
    site.run("audit", "--lane", "fire")


class Strace:
    """Makes system calls of a running process fail: on one file, or (path None) on all."""

    def __init__(self, lane, inject, path=None):
        args = ["strace", "-f", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", f"inject=fdatasync:{inject}"]
        if path:
            args += ["-P", str(path)]
        self.pid = lane.popen.pid
        self.popen = subprocess.Popen(args + ["-p", str(self.pid)], stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for("strace is attached", self.attached)

    def attached(self):
        assert self.popen.poll() is None
        tracers = [p.read_text().split("TracerPid:\t")[1].split("\n")[0]
                   for p in pathlib.Path(f"/proc/{self.pid}/task").glob("*/status")]
        return all(t == str(self.popen.pid) for t in tracers)

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.popen.terminate()
        self.popen.wait()


def current_segment(lane, log):
    """The file that the lane writes this log to now."""
    for fd in pathlib.Path(f"/proc/{lane.popen.pid}/fd").iterdir():
        path = os.readlink(fd)
        flags = int((fd.parent.parent / f"fdinfo/{fd.name}").read_text().split("flags:\t")[1].split()[0], 8)
        if f"/{log}/" in path and path.endswith(".seg") and flags & os.O_ACCMODE != os.O_RDONLY:
            return path
    raise AssertionError(f"no {log} is open")


def test_a_fire_lane_whose_journal_cannot_be_synced_goes_on_in_a_new_file(site):
    lane = site.lane("fire")
    board = site.client()
    path = current_segment(lane, "journal")
    with Strace(lane, "error=EIO", path):
        panel(site, 2).say(part="1-023", alarm=True)
        board.wait("the fire", "wallwatch/alert/fire/", is_rule("fire"), 5)
        own(board, "fire", "disk-trouble")
        assert current_segment(lane, "journal") != path
    lane.kill_alone()
    lane.start()
    panel(site, 5).say(part="1-023", alarm=True)
    wait_for("both rows", lambda: site.value("SELECT count(*) FROM telemetry.fire") == 2, 30)
    wait_for("all", lambda: lane.metric("wallwatch_records_waiting") == 0, 30)
    site.run("audit", "--lane", "fire")
    check_chain(site, "fire")


def test_a_fire_lane_without_any_disk_goes_on_from_memory_and_comes_back(site):
    lane = site.lane("fire")
    board = site.client()
    with Strace(lane, "error=EIO"):
        panel(site, 2).say(part="1-023", alarm=True)
        board.wait("the fire", "wallwatch/alert/fire/", is_rule("fire"), 5)
        own(board, "fire", "p1-suspended", condition="true")
        assert not lane.metric("wallwatch_outbox_waiting") > 5
    own(board, "fire", "p1-suspended", condition="false", subject="fire-journal")
    wait_for("ready", lane.ready)
    panel(site, 5).say(part="1-023", alarm=True)
    board.wait("the next fire", "wallwatch/alert/fire/", is_rule("fire", compound="TL-05"), 5)
    wait_for("both rows", lambda: site.value("SELECT count(*) FROM telemetry.fire") == 2, 30)
    site.run("audit", "--lane", "fire")


def test_no_event_number_is_used_twice_after_a_ledger_that_was_in_memory_only(site):
    lane = site.lane("fire")
    board = site.client()
    marker = site.state / "lane-fire/ledger-whole"
    assert marker.exists()
    with Strace(lane, "error=EIO"):
        panel(site, 2).say(part="1-023", alarm=True)
        board.wait("the fire", "wallwatch/alert/fire/", is_rule("fire"), 5)
        own(board, "fire", "p1-suspended", condition="true", subject="fire-ledger")
        assert not marker.exists()
        lane.kill_alone()
    told = max(body["n"] for _, _, body in board.seen("wallwatch/alert/fire/") if body)
    lane.start()
    assert marker.exists()
    panel(site, 5).say(part="1-023", alarm=True)
    _, _, case = board.wait("the next fire", "wallwatch/alert/fire/", is_rule("fire", compound="TL-05"), 5)
    assert case["n"] > told and case["epoch"] > 1000
    lane.kill_alone()
    lane.start()
    assert "id=replay.differs" not in lane.text() and lane.text().count("id=numbers.doubt") == 1


def test_a_plant_lane_whose_journal_cannot_be_synced_ends_and_loses_nothing(site):
    lane = site.lane("plant")
    device = lift(site, 3)
    for _ in range(20):
        device.say(speed=0.0)
    with Strace(lane, "error=EIO", current_segment(lane, "journal")):
        for _ in range(50):
            device.say(speed=0.0)
        wait_for("it ends", lambda: not lane.alive())
    assert lane.popen.returncode == -6
    for _ in range(20):
        device.say(speed=0.0)
    lane.start()
    wait_for("all rows", lambda: site.value("SELECT count(*) FROM telemetry.elevator") == 90, 30)
    wait_for("all", lambda: lane.metric("wallwatch_records_waiting") == 0, 30)
    site.run("audit", "--lane", "plant")


def test_a_plant_lane_whose_ledger_cannot_be_synced_goes_on_in_a_new_file(site):
    lane = site.lane("plant")
    board = site.client()
    path = current_segment(lane, "ledger")
    with Strace(lane, "error=EIO", path):
        charger(site, 4).say(part="1", port_temp=65)
        board.wait("the alert", "wallwatch/alert/plant/", is_rule("charger-hot"), 5)
        own(board, "plant", "disk-trouble", subject="plant-ledger")
        assert current_segment(lane, "ledger") != path
    lane.kill_alone()
    lane.start()
    assert "id=replay.differs" not in lane.text()
    check_chain(site, "plant")


def pictures(site, lane):
    """What the retained topics show, complete: {topic: case}."""
    board = site.client(subscribe=(f"wallwatch/alert/{lane}/#", f"wallwatch/status/{lane}"))

    def complete():
        shown = {t: b for _, t, b in board.seen("wallwatch/alert/") if b}
        cleared = {t for _, t, b in board.seen("wallwatch/alert/") if not b}
        status = board.seen("wallwatch/status/")
        live = {t: b for t, b in shown.items() if t not in cleared}
        return live if status and status[-1][2].get("up") and status[-1][2]["open"] == len(live) else None
    return wait_for("the board is complete", complete)


def same(before, after):
    """Ids, states, deadlines, everything but the epoch."""
    assert {t: dict(b, epoch=0) for t, b in before.items()} == {t: dict(b, epoch=0) for t, b in after.items()}


def checkpoints(site, lane):
    return sorted((site.state / f"lane-{lane}/checkpoint").iterdir())


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def halve(path):
    os.truncate(path, path.stat().st_size // 2)


def empty(path):
    os.truncate(path, 0)


@pytest.mark.parametrize("damage", [flip, halve, empty])
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(site, damage):
    lane = site.lane("fire")
    board = site.client()
    panel(site, 2).say(part="1-023", alarm=True)
    board.wait("the fire", "wallwatch/alert/fire/", is_rule("fire"))
    lane.stop()
    lane.start()
    wait_for("two checkpoints", lambda: len(checkpoints(site, "fire")) == 2)
    panel(site, 5).say(part="1-023", alarm=True)
    board.wait("another", "wallwatch/alert/fire/", is_rule("fire", compound="TL-05"))
    before = pictures(site, "fire")
    lane.stop()
    older, newest = checkpoints(site, "fire")
    damage(newest)
    lane.start()
    assert "id=checkpoint.unreadable" in lane.text() and "id=replay.differs" not in lane.text()
    same(before, pictures(site, "fire"))
    wait_for("a good one again", lambda: newest in checkpoints(site, "fire") and newest.stat().st_size > 100)
    lane.kill_alone()
    for path in checkpoints(site, "fire"):
        damage(path)
    lane.start()
    assert "id=replay.differs" not in lane.text()
    same(before, pictures(site, "fire"))
    check_chain(site, "fire")


def oldest(site, lane, log):
    return min((site.state / f"lane-{lane}" / log).glob("*.seg"))


def test_a_lane_whose_state_is_lost_watches_on_and_names_what_it_no_longer_knows(site):
    lane = site.lane("fire")
    board = site.client()
    panel(site, 2).say(part="1-023", alarm=True)
    _, _, gone = board.wait("a fire", "wallwatch/alert/fire/", is_rule("fire"))
    lane.stop()
    lane.start()
    panel(site, 5).say(part="1-023", alarm=True)
    _, _, kept = board.wait("another", "wallwatch/alert/fire/", is_rule("fire", compound="TL-05"))
    wait_for("two checkpoints", lambda: len(checkpoints(site, "fire")) == 2)
    lane.stop()
    for log in ("journal", "ledger"):  # as after a day
        oldest(site, "fire", log).unlink()
    for path in checkpoints(site, "fire"):
        flip(path)
    last = events(site, "fire")[-1][1]
    lane.start()
    assert own(board, "fire", "state-lost", subject="fire")["severity"] == "red"
    own(board, "fire", "state-lost", subject=gone["alert"])
    shown = [b["alert"] for b in pictures(site, "fire").values()]
    assert kept["alert"] in shown and gone["alert"] not in shown
    panel(site, 7).say(part="1-023", alarm=True)
    board.wait("the next fire", "wallwatch/alert/fire/", is_rule("fire", compound="TL-07"), 5)
    lane.stop()
    after = [e for _, e in events(site, "fire")]
    first = next(e for e in after if e["n"] > last["n"])
    assert first["prev"] == last["hash"]  # the chain goes on
    assert len({e["n"] for e in after}) == len(after)
    lane.start()
    assert lane.text().count("id=state.lost ledger_from") == 1 and "id=replay.differs" not in lane.text()


def test_kills_at_any_moment_keep_ids_states_and_deadlines(site):
    chance = random.Random(20261124)
    lane = site.lane("plant")
    board = site.client()
    charger(site, 4).say(part="1", port_temp=65)
    _, _, hot = board.wait("open", "wallwatch/alert/plant/", is_rule("charger-hot"))
    began = time.time()
    charger(site, 8).say(part="2", power=1500)  # pending for 30 s
    device = lift(site, 3)
    before = pictures(site, "plant")
    kills = 0
    while time.time() - began < 26:
        for _ in range(chance.randrange(5)):
            device.say(speed=0.0)
        lane.kill_alone()
        kills += 1
        lane.start(ready=0)
        time.sleep(chance.uniform(0.0, 2.0))  # the moment of the kill is what varies
    wait_for("ready", lane.ready, 20)
    same({t: b for t, b in before.items() if b["rule"] == "charger-hot"},
         {t: b for t, b in pictures(site, "plant").items() if b["rule"] == "charger-hot"})
    at, _, power = board.wait("what was pending opens", "wallwatch/alert/plant/", is_rule("charger-overpower"), 30)
    assert 29.9 <= at - began <= 33, at - began
    assert "id=replay.differs" not in lane.text()
    lane.kill_alone()
    lane.start()
    after = pictures(site, "plant")
    assert {b["alert"] for b in after.values()} >= {hot["alert"], power["alert"]}
    n = check_chain(site, "plant")
    assert kills >= 8 and n > kills
    seen = {}  # over MQTT, too, no number stands for two pictures of a case
    for _, topic, body in board.seen("wallwatch/alert/plant/"):
        if body:
            bare = json.dumps(dict(body, epoch=0), sort_keys=True)
            assert seen.setdefault((topic, body["n"]), bare) == bare


def steps_after(data, name, *after):
    for policy in data["policies"]:
        if policy["policy"] == name:
            for step, time_ in zip(policy["steps"], after):
                step["after"] = time_


def told(site, lane, case):
    """What the steps of the policy told, in order; a climb for another reason is none of them."""
    return [e for _, e in events(site, lane) if e["alert"] == case and e["event"] == "told"]


def down_and_up(site, lane, seconds, meanwhile=lambda case, at: None):
    """A fire; the lane is killed at once, and comes back when so much time has passed since."""
    board = site.client()
    panel(site, 2).say(part="1-023", alarm=True)
    at, topic, case = board.wait("the fire", "wallwatch/alert/fire/", is_rule("fire"))
    lane.kill_alone()
    meanwhile(case, at)
    time.sleep(max(0.0, at + seconds - time.time()))
    lane.start()
    return case["alert"], board


@pytest.fixture
def quick_site(make_site):
    """The point at once, the station after 3 s, the subdistrict after 6 s."""
    site = make_site()
    site.edit("policies.yaml", lambda data: steps_after(data, "fire-unconfirmed", "0s", "3s", "6s"))
    return site.prepare()


def test_what_fell_due_while_the_lane_was_down_happens_once_in_order_and_says_how_late(quick_site):
    site = quick_site
    lane = site.lane("fire")
    case, board = down_and_up(site, lane, 8)
    wait_for("both steps", lambda: len(told(site, "fire", case)) == 3)
    lane.kill_alone()
    lane.start()
    steps = told(site, "fire", case)
    assert [e["tier"] for e in steps] == ["point", "station", "subdistrict"], steps
    late = [e["late_us"] for e in steps]
    assert late[0] == 0 and 4.5e6 <= late[1] <= 12e6 and late[1] - late[2] == 3000000, late
    notices = {}
    for _, _, body in board.seen("wallwatch/notice/"):
        if body.get("notice") and body["alert"]["alert"] == case and body["step"] in (1, 2):
            notices.setdefault((body["step"], body["unit"], *body["to"]), set()).add(body["notice"])
            assert body["late_us"] == late[body["step"]], body
    assert {key[0] for key in notices} == {1, 2} and all(len(ids) == 1 for ids in notices.values()), notices
    check_chain(site, "fire")


@pytest.mark.parametrize("signed", [1, 4])
def test_an_acknowledgement_signed_while_the_lane_was_down_cancels_what_waits_for_it(quick_site, signed):
    site = quick_site
    lane = site.lane("fire")

    def acknowledge(case, at):
        time.sleep(max(0.0, at + signed - time.time()))
        env = site.envelope("cli", {"command": "acknowledge", "alert": case["alert"], "by": "wu-min"})
        site.client("cli", ()).publish("wallwatch/command/fire", env)

    case, board = down_and_up(site, lane, 8, acknowledge)
    board.wait("acknowledged", "wallwatch/alert/fire/", is_rule("fire", state="acknowledged"))
    time.sleep(1.5)  # nothing more comes: a step never fires after what it waits for has happened
    assert [e["tier"] for e in told(site, "fire", case)] == ["point"]
    check_chain(site, "fire")


@pytest.mark.parametrize("step", [3600, -3600])
def test_a_wall_clock_that_jumps_is_taken_over_once_and_deadlines_keep_their_time(make_site, tmp_path, step):
    site = make_site()
    receiver = Receiver()
    only_webhook(site, receiver)
    site.edit("policies.yaml", lambda data: steps_after(data, "charger-orange", "0s", "80s"))
    site.prepare()
    stamp = tmp_path / "time"
    stamp.write_text("+0\n")
    lane = site.lane("plant", start=False)
    lane.env.update(LD_PRELOAD="/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
                    FAKETIME_TIMESTAMP_FILE=str(stamp), FAKETIME_DONT_FAKE_MONOTONIC="1", FAKETIME_NO_CACHE="1")
    lane.start()
    board = site.client()
    charger(site, 4).say(part="1", port_temp=65)
    began, topic, _ = board.wait("the alert", "wallwatch/alert/plant/", is_rule("charger-hot"))
    _, _, before = board.wait("its next step", topic, lambda t, b: b and b["next"] and b["next"]["tier"] == "station")
    stamp.write_text(f"{step:+d}\n")
    jumped = time.time()
    own(board, "plant", "clock-rebased", 75)
    assert 55 <= time.time() - jumped <= 75
    _, _, moved = board.wait("the deadline is shown anew", topic,
                             lambda t, b: b and b["next"] and b["next"]["at"] != before["next"]["at"])
    assert abs(instant(moved["next"]["at"]) - instant(before["next"]["at"]) - step) < 1
    at, _, _ = board.wait("it climbs", topic, lambda t, b: b and b["tier"] == "station", 40)
    assert 79.5 <= at - began <= 83, at - began
    rules = {b["rule"] for _, _, b in board.seen("wallwatch/alert/plant/") if b}
    assert rules <= {"charger-hot", "clock-rebased", "wallwatch-down"}, rules  # fire does not run here
    rebased = {b["alert"] for _, _, b in board.seen("wallwatch/alert/plant/") if is_rule("clock-rebased")(None, b)}
    assert len(rebased) == 1
    charger(site, 8).say(part="1", port_temp=65)
    board.wait("it goes on", "wallwatch/alert/plant/", is_rule("charger-hot", compound="TL-08"), 5)
    lane.kill_alone()
    lane.start()
    assert "id=replay.differs" not in lane.text()
    check_chain(site, "plant")
    receiver.close()


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
