"""Disks that are full, broken or damaged, kills at any moment, clocks that jump (design section 11)."""
import hashlib
import json
import os
import pathlib
import random
import subprocess
import time

import pytest

from harness.process import wait_for
from harness.site import lift, panel

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
    out = site.run("journal", "show", site.state / f"lane-{lane}", "--ledger", "--json").stdout
    found = []
    for line in out.splitlines():
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


@pytest.mark.slow
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
