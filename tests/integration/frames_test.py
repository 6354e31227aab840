"""Binary frames all the way: from the broker to a case, a confirmation, a row; or to a denial and an alert."""
import datetime

from harness.process import wait_for

PANEL = "estate/xuhui/TL-02/fire/FA-0002/event"
RECEIPT = "wallwatch/receipt/FA-0002"


def frame(serial, state, position=3):
    """GB/T 26875.3: one smoke detector's state, now."""
    now = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=8)))
    time = bytes([now.second, now.minute, now.hour, now.day, now.month, now.year % 100])
    unit = (bytes([2, 1, 1, 1, 40, 10, 0, position, 0]) + state.to_bytes(2, "little")
            + "二楼走廊".encode("gb18030").ljust(31) + time)
    inside = (serial.to_bytes(2, "little") + b"\x01\x00" + time + bytes([42, 0, 0, 0, 0, 1]) + bytes([5, 0, 0, 0, 0, 0])
              + len(unit).to_bytes(2, "little") + b"\x02" + unit)
    return b"@@" + inside + bytes([sum(inside) & 255]) + b"##"


def test_a_frame_becomes_a_case_and_is_confirmed_and_a_broken_one_is_denied_and_said(site):
    devices = site.config / "devices.csv"
    devices.write_text(devices.read_text().replace("FA-0002,fire,TL-02,,", "FA-0002,fire,TL-02,gbt26875,"))
    site.run("apply")
    lane = site.lane("fire")
    board = site.client()

    def answers():
        return [body for _, _, body in board.seen(RECEIPT, parse=False)]

    good = frame(7, 0x0003)
    site.device(PANEL, good)
    _, _, case = board.wait("the case", "wallwatch/alert/fire/", lambda t, b: b and b["rule"] == "fire")
    assert case["severity"] == "red" and case["stage"] == "unconfirmed"
    wait_for("the confirmation", lambda: len(answers()) == 1)
    assert answers()[0][26] == 3 and answers()[0][2:4] == b"\x07\x00"
    assert answers()[0][12:18] == good[18:24] and answers()[0][18:24] == good[12:18]

    broken = bytearray(frame(8, 0x0001))
    broken[36] ^= 2  # a fire that nobody sent
    site.device(PANEL, bytes(broken))
    board.wait("unreadable", "wallwatch/alert/fire/", lambda t, b: b and b["rule"] == "unreadable")
    wait_for("the denial", lambda: len(answers()) == 2)
    assert answers()[1][26] == 6

    # a second detector in the same payload as a broken frame: both are heard of
    site.device(PANEL, bytes(broken) + frame(9, 0x0003, position=4))
    board.wait("confirmed", "wallwatch/alert/fire/", lambda t, b: b and b.get("stage") == "confirmed")
    wait_for("denied and confirmed", lambda: len(answers()) == 3)
    assert answers()[2][26] == 6 and answers()[2][30 + 26] == 3

    wait_for("stored", lambda: site.value("SELECT count(*) FROM telemetry.fire") == 2)
    assert site.sql("SELECT part, alarm FROM telemetry.fire ORDER BY part") == [("1.1-10-3", True), ("1.1-10-4", True)]
    reason, detail, raw = site.sql("SELECT reason, detail, raw FROM ops.reject ORDER BY pos")[0]
    assert reason == "frame-sum" and "checksum at byte 75" in detail and bytes(raw) == bytes(broken)
    assert lane.metric("wallwatch_receipts_total") == 3
    assert 0 < lane.metric("wallwatch_receipt_seconds_max") < 5
    site.run("audit")
