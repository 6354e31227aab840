"""Bad input, bad configuration, missing servers: a counted reject or one clear line."""
import datetime
import json

import pytest

from harness.process import free_port, wait_for
from harness.site import lift, panel

GOOD = {"moving": False, "doors": "open"}
BAD = {  # name -> (topic below estate/xuhui, payload)
    "malformed": ("TL-03/elevator/EL-0003/telemetry", b'{"moving": tru'),
    "empty": ("TL-03/elevator/EL-0003/telemetry", b""),
    "trailing": ("TL-03/elevator/EL-0003/telemetry", b"{} {}"),
    "oversized": ("TL-03/elevator/EL-0003/telemetry", b'{"moving": "' + b"x" * 70000 + b'"}'),
    "deep": ("TL-03/elevator/EL-0003/telemetry", b"[" * 2000 + b"]" * 2000),
    "not utf-8": ("TL-03/elevator/EL-0003/telemetry", b'{"doors": "\xff\xfe"}'),
    "nul": ("TL-03/elevator/EL-0003/telemetry", b'{"doors": "a\\u0000b"}'),
    "duplicate key": ("TL-03/elevator/EL-0003/telemetry", b'{"moving": true, "moving": false}'),
    "infinite": ("TL-03/elevator/EL-0003/telemetry", b'{"speed": 1e999}'),
    "wrong type": ("TL-03/elevator/EL-0003/telemetry", b'{"speed": {"a": 1}}'),
    "out of range": ("TL-03/elevator/EL-0003/telemetry", b'{"temperature": 9999}'),
    "spreadsheet date": ("TL-03/elevator/EL-0003/telemetry", b'{"vibration": "31. Jul"}'),
    "unknown class": ("TL-03/teapot/EL-0003/telemetry", b'{"moving": true}'),
    "short topic": ("TL-03/elevator", b'{"moving": true}'),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_message_is_a_reject_with_its_bytes_and_the_next_one_is_taken(site, name):
    lane = site.lane("plant")
    topic, payload = BAD[name]
    site.device(f"estate/xuhui/{topic}", payload)
    lift(site).say(**GOOD)
    wait_for("the good one is stored", lambda: site.value(
        "SELECT count(*) FROM telemetry.elevator WHERE doors IS NOT NULL AND moving IS NOT NULL") == 1)
    reason, raw = site.sql("SELECT reason, raw FROM ops.reject")[0]
    assert reason
    assert bytes(raw) == payload or bytes(raw) in payload, "what was rejected is kept"
    assert lane.ready()
    site.run("audit")


def test_an_unreadable_message_on_a_fire_topic_raises_an_alert(site):
    site.lane("fire")
    board = site.client()
    site.device("estate/xuhui/TL-02/fire/FA-0002/event", b"\x40\x40garbage")
    board.wait("unreadable", "wallwatch/alert/fire/", lambda t, b: b and b["rule"] == "unreadable")


def test_wrong_clocks_are_marked_and_never_lost(site):
    site.lane("fire")
    board = site.client()
    device = panel(site)
    now = datetime.datetime.now(datetime.timezone.utc)
    for n, days in enumerate((-400, -31, 1, 4000)):
        device.say(_at=now + datetime.timedelta(days=days), part=f"1-{n:03d}", alarm=False)
    device.say(_at=now - datetime.timedelta(days=2), part="1-100", alarm=True)
    wait_for("all stored", lambda: site.value("SELECT count(*) FROM telemetry.fire") == 5)
    assert site.value("SELECT count(*) FROM telemetry.fire WHERE server_time") == 4
    assert site.value("SELECT count(*) FROM telemetry.fire WHERE time < now() - interval '1 day'") == 1
    board.wait("a fire is raised at any age", "wallwatch/alert/fire/", lambda t, b: b and b["rule"] == "fire")


def test_an_unknown_device_is_taken_in_and_listed(site):
    site.lane("fire")
    board = site.client()
    site.device("estate/xuhui/TL-02/fire/FA-9999/event", {"part": "1-001", "alarm": True, "boot": 1, "seq": 1})
    board.wait("its fire is a fire", "wallwatch/alert/fire/", lambda t, b: b and b["rule"] == "fire")
    board.wait("and it is told that nobody knows it", "wallwatch/alert/fire/",
               lambda t, b: b and b["rule"] == "unlisted" and b["severity"] == "blue")
    wait_for("stored", lambda: site.value("SELECT count(*) FROM telemetry.fire") == 1)


def test_a_retained_or_repeated_clear_does_not_clear_a_fire(site):
    site.lane("fire")
    board = site.client()
    device = panel(site)
    device.say(part="1-001", alarm=True)
    _, topic, _ = board.wait("fire", "wallwatch/alert/fire/", lambda t, b: b and b["rule"] == "fire")
    site.field.publish(device.topic, json.dumps({"part": "1-001", "alarm": False}), retain=True)
    wait_for("stored", lambda: site.value("SELECT count(*) FROM telemetry.fire") == 2)
    assert board.seen(topic)[-1][2]["state"] == "open"


def test_a_wrong_configuration_is_refused_with_every_mistake(site):
    path = site.config / "rules/charger.yaml"
    path.write_text(path.read_text().replace("port_temp >= 60°C", "port_temp >= 60kg").replace(
        "severity: yellow", "severity: yelow"))
    done = site.run("apply", ok=(1,))
    text = done.stdout + done.stderr
    assert "60kg" in text and "yelow" in text and "rules/charger.yaml:" in text
    assert "^" in text and "hint:" in text or "提示" in text
    done = site.run("check", ok=(1,))


def said(process, *words):
    """Lines of warnings and errors that hold all of the words."""
    return [line for line in process.text().splitlines()
            if ("level=error" in line or "level=warning" in line) and all(w in line for w in words)]


def test_a_missing_broker_and_a_missing_database_are_named_and_waited_for(make_site):
    def away(data):
        data["broker"]["port"] = free_port()
        data["database"]["connection"] = "host=/nonexistent dbname=nothing user=nobody"
    site = make_site(away)
    site.broker.start()  # writes the password files; the lane asks at another port
    site.run("apply")
    lane = site.lane("plant", start=False)
    lane.start(ready=0)
    wait_for("says which broker", lambda: said(lane, f"127.0.0.1:{site.data['broker']['port']}", "tries again"), 15)
    wait_for("says which database", lambda: said(lane, "/nonexistent", "the journal keeps"), 15)
    assert lane.alive(), "it waits"
    assert len(said(lane, str(site.data["broker"]["port"]))) <= 3, "one line, not one for each try"
    assert lane.stop() == 0


def test_a_database_that_refuses_the_account_is_named_and_the_lane_goes_on(make_site):
    def stranger(data):
        data["database"]["connection"] = data["database"]["connection"].replace("user=postgres", "user=stranger")
    site = make_site(stranger)
    site.broker.start()
    site.run("apply")
    lane = site.lane("fire")
    wait_for("says so", lambda: said(lane, "store.away", "stranger"), 15)
    board = site.client()
    panel(site).say(part="1-001", alarm=True)
    board.wait("a fire is a fire", "wallwatch/alert/fire/", lambda t, b: b and b["rule"] == "fire")
    assert lane.stop() == 0


def test_tools_say_in_one_line_what_is_missing(make_site):
    def away(data):
        data["broker"]["port"] = free_port()
        data["database"]["connection"] = "host=/nonexistent dbname=nothing user=nobody"
    site = make_site(away)
    site.broker.start()
    site.run("apply")
    for command, word in ((("alert", "list"), str(site.data["broker"]["port"])), (("migrate",), "/nonexistent"),
                          (("audit",), "/nonexistent"), (("simulate", "--seconds", "1", "--quiet"), str(site.data["broker"]["port"]))):
        done = site.run(*command, ok=(1,))
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        assert lines and lines[0].startswith(f"wallwatch {command[0]}:") and word in done.stderr, done.stderr
        assert len(lines) <= 3, "one line and a hint"


def test_a_wrong_password_is_named(make_site):
    site = make_site()
    site.prepare()
    wrong = site.folder / "wrong"
    wrong.write_text("not the password")
    site.data["lanes"]["plant"]["password_file"] = str(wrong)
    site.write()
    site.run("apply")
    lane = site.lane("plant", start=False)
    lane.start(ready=0)
    wait_for("says so", lambda: "lane-plant" in lane.text() and "password" in lane.text(), 15)
    assert "not the password" not in lane.text()
    assert lane.stop() == 0
