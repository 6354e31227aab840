"""`wallwatch replay`: the record of a lane follows from its inputs, and a forged one is found (P7)."""
import json
import shutil
import signal
import struct

from harness.site import charger
from lane_test import command

HEADER = 64


def crc32c_table():
    table = []
    for n in range(256):
        for _ in range(8):
            n = (n >> 1) ^ (0x82F63B78 if n & 1 else 0)
        table.append(n)
    return table


TABLE = crc32c_table()


def crc32c(seed, data):
    crc = seed ^ 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def frames(path):
    """The whole frames of a segment: [(type, body)], and its raw header; the test's own reader."""
    data = path.read_bytes()
    seed, at, out = struct.unpack_from("<I", data, 60)[0], HEADER, []
    while at + 8 <= len(data):
        length, crc = struct.unpack_from("<II", data, at)
        body = data[at + 8:at + 8 + length]
        if length == 0 or crc32c(seed, data[at:at + 4] + body) != crc:
            break
        out.append(body)
        at += 8 + length
    return data[:HEADER], seed, out


def rewrite(path, change):
    """change(frames) on the last segment of a ledger, with right checksums: a forger's work."""
    header, seed, old = frames(path)
    out = header
    for body in change(old):
        head = struct.pack("<I", len(body))
        out += head + struct.pack("<I", crc32c(seed, head + body)) + body
    path.write_bytes(out)


def is_event(frame, word):
    return frame[1] == 2 and json.loads(frame[24:]).get("event") == word


def hot(site, n, temp=70):
    charger(site, n).say(ports=[{"port": 1, "port_temp": temp}])


def case_at(board, compound):
    return board.wait(f"a case in {compound}", "wallwatch/alert/plant/", lambda t, b: b and b["rule"] == "charger-hot"
                      and b["compound"] == compound)[2]


def replay(site, what, *args, code=0):
    done = site.run("replay", what, "--json", *args, ok=None)
    assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout)


def test_a_life_with_commands_faults_and_versions_replays_as_it_was_recorded_and_a_forged_one_does_not(site):
    lane = site.lane("plant")
    board, person = site.client(), site.client("cli", ["wallwatch/answer/cli/#"])
    hot(site, 4)
    first = case_at(board, "TL-04")
    assert command(site, person, "plant", command="acknowledge", alert=first["alert"], by="wu-min", reason="on my way")["ok"]
    site.device("estate/xuhui/TL-04/charger/CH-0004/telemetry", "{not json")
    lane.kill_alone()
    hot(site, 5)  # kept by the broker

    def milder(data):
        next(r for r in data if r["rule"] == "charger-hot")["when"] = "port_temp > 65°C"
    site.edit("rules/charger.yaml", milder)
    site.run("apply")
    lane.start()
    second = case_at(board, "TL-05")

    def milder_still(data):
        next(r for r in data if r["rule"] == "charger-hot")["when"] = "port_temp > 68°C"
    site.edit("rules/charger.yaml", milder_still)
    site.run("apply")
    lane.signal(signal.SIGHUP)
    board.wait("version 3", "wallwatch/status/plant", lambda t, b: b.get("config") == 3)
    hot(site, 6, 67)
    hot(site, 7)
    third = case_at(board, "TL-07")

    running = replay(site, "plant")
    assert running["same"] and running["events"] > 10 and running["inputs"] > 5, "while the lane runs"
    one = replay(site, "plant", "--until", second["alert"])
    assert one["opening"]["alert"] == second["alert"] and one["opening"]["snapshot"]["config"] == second["config"]
    basis = one["opening"]["basis"]
    assert "port_temp > 65" in basis["rule"] and basis["config"] == second["config"] and len(basis["config_hash"]) == 32
    assert json.loads(basis["message"]["payload"])["ports"] == [{"port": 1, "port_temp": 70}]
    assert basis["message"]["device_time"] and basis["message"]["received"] <= basis["judged"]
    board.wait("its notice says so", "wallwatch/notice/", lambda t, b: b["alert"]["alert"] == second["alert"]
               and b["basis"] == basis)
    assert lane.alive() and lane.stop() == 0
    folder = site.state / "lane-plant"
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    whole = replay(site, folder)
    assert whole["same"] and whole["checkpoints"] >= 1 and "from" not in whole and whole["unwritten"] == 0
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before, "a replay writes nothing"
    gone = site.run("replay", folder, "--until", "plant-0000000000000000", ok=(1,))
    assert "does not open in this ledger" in gone.stderr

    def forged(name, change):
        copy = site.folder / name / "lane-plant"
        shutil.copytree(folder, copy)
        last = sorted((copy / "ledger").glob("*.seg"))[-1]
        rewrite(last, change)
        found = replay(site, copy, "--state", site.state, code=1)
        assert not found["same"]
        return found["difference"]

    def opening(list_):
        return next(i for i, f in enumerate(list_) if is_event(f, "opened") and third["alert"].encode() in f)

    other = forged("other", lambda fs: [f.replace(b'"red"', b'"rad"').replace(b'"orange"', b'"orangE"')
                                        if i == opening(fs) else f for i, f in enumerate(fs)])
    assert other["kind"] == "other" and third["alert"] in other["recorded"] and third["alert"] in other["computed"]
    missing = forged("missing", lambda fs: [f for i, f in enumerate(fs) if i != opening(fs)])
    assert missing["kind"] in ("not-on-record", "other") and third["alert"] in missing["computed"]
    extra = forged("extra", lambda fs: fs[:opening(fs) + 1] + fs[opening(fs):])
    assert extra["kind"] in ("not-computed", "other") and third["alert"] in extra["recorded"]
    # An input that is gone: what followed from it was never said.
    refused = forged("input", lambda fs: [f for f in fs if not (f[1] == 1 and f[2] == 10)])
    assert refused["kind"]
    # A reading changed in the journal: what is on record does not follow from it.
    copy = site.folder / "reading" / "lane-plant"
    shutil.copytree(folder, copy)
    for path in sorted((copy / "journal").glob("*.seg")):
        rewrite(path, lambda fs: [f.replace(b'"port_temp": 70', b'"port_temp": 50') for f in fs])
    assert replay(site, copy, "--state", site.state, code=1)["difference"]["kind"]
    text = site.run("replay", copy, "--state", site.state, "--lang", "en", ok=(1,)).stdout
    assert "differs at" in text and "on record:" in text and "computed:" in text
