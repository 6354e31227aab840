"""One lane as a process: real broker, real webhooks, with and without a database."""
import json
import signal
import time

import pytest

from harness.process import wait_for
from harness.site import Site


@pytest.fixture
def site(tmp_path):
    """Without a database: the alert path does not touch it."""
    s = Site(tmp_path / "site")
    yield s
    s.close()


@pytest.fixture
def stored(tmp_path, postgres):
    s = Site(tmp_path / "site", postgres)
    s.migrate()
    yield s
    s.close()


def fire(site, devices, code="FA-0002", compound="TL-02", part="1-023"):
    site.say(devices, code, "fire", compound, part=part, alarm=True)


def is_open(topic, body):
    return bool(body) and body["rule"] == "fire"


def test_a_fire_over_mqtt_reaches_topic_notice_webhook_and_repair_centre(site):
    site.start_lane("fire")
    board = site.client("console", "wallwatch/alert/#", "wallwatch/notice/#")
    centre = site.client("repair-centre", "wallwatch/dispatch/repair-centre/+")
    devices = site.client("simulator")
    began = time.time()
    fire(site, devices)
    at, topic, body = board.wait("alert topic", "wallwatch/alert/fire/", is_open)
    assert body["severity"] == "red" and body["lane"] == "fire"
    assert topic.split("/")[-1] == body["alert"] and body["alert"].startswith("fire-")
    assert at - began < 3
    board.wait("notice", "wallwatch/notice/", lambda t, b: b["alert"]["alert"] == body["alert"])
    centre.wait("order", "wallwatch/dispatch/repair-centre/")
    # nobody answers over MQTT: the webhook is next
    wait_for("webhook", lambda: site.receiver.calls, 30)
    assert not site.receiver.bad, "a webhook without a right signature"


def test_an_answered_order_and_a_settled_case_end_it(site):
    site.start_lane("fire")
    board = site.client("console", "wallwatch/alert/#")
    person = site.client("cli", "wallwatch/answer/cli/#")
    centre = site.client("repair-centre", "wallwatch/dispatch/repair-centre/+")
    fire(site, site.client("simulator"))
    _, topic, case = board.wait("alert", "wallwatch/alert/fire/", is_open)
    _, _, order = centre.wait("order", "wallwatch/dispatch/repair-centre/")
    for answer in ("received", "accepted", "arrived", "done"):
        env = site.envelope("repair-centre", {"answer": answer, "order": order["order"], "by": "crew-7"})
        centre.publish(f"wallwatch/dispatch/repair-centre/{order['order']}/reply", env)
        board.wait(answer, topic, lambda t, b: b and any(
            o["order"] == order["order"] and o["state"] == answer for o in b["orders"]))
    for command in ("acknowledge", "settle", "verify"):
        got = site.command(person, "fire", command=command, alert=case["alert"], by="wu-min", reason="test")
        assert got["ok"], got
    board.wait("topic cleared after closing", topic, lambda t, b: b == b"" or (b and b["state"] in ("verified", "closed")))


def test_an_answer_by_http_counts_and_a_wrong_key_does_not(site):
    site.start_lane("fire")
    board = site.client("console", "wallwatch/alert/#")
    centre = site.client("repair-centre", "wallwatch/dispatch/repair-centre/+")
    fire(site, site.client("simulator"))
    _, topic, case = board.wait("alert", "wallwatch/alert/fire/", is_open)
    _, _, order = centre.wait("order", "wallwatch/dispatch/repair-centre/")

    def post(env):
        return site.get("fire", "/answer", env["body"].encode(), {
            "webhook-id": env["id"], "webhook-timestamp": str(env["timestamp"]),
            "webhook-signature": env["signature"], "webhook-sender": env["sender"]})[0]
    body = {"answer": "accepted", "order": order["order"], "by": "crew-7"}
    good = site.envelope("repair-centre", body)
    assert post(dict(good, body=good["body"] + " ")) == 401
    assert post(dict(good, sender="nobody")) == 401
    assert post(dict(good, timestamp="soon")) == 400
    assert post(good) == 202
    board.wait("accepted", topic, lambda t, b: b and any(
        o["order"] == order["order"] and o["state"] == "accepted" for o in b["orders"]))
    assert site.metric("fire", "wallwatch_refused_total") == 2


def test_a_killed_lane_knows_its_case_again_and_goes_on(site):
    lane = site.start_lane("fire")
    board = site.client("console", "wallwatch/alert/#")
    devices = site.client("simulator")
    fire(site, devices)
    _, topic, before = board.wait("alert", "wallwatch/alert/fire/", is_open)
    lane.kill_alone()
    site.say(devices, "FA-0002", "fire", "TL-02", part="1-024", alarm=True)  # kept by the broker
    site.start_lane("fire")
    _, _, after = board.wait("second detector confirms", topic, lambda t, b: b and b["stage"] == "confirmed")
    assert after["alert"] == before["alert"] and after["opened"] == before["opened"]
    assert after["epoch"] == before["epoch"] + 1
    assert "code=replay-differs" not in lane.text()


def test_twenty_kills_leave_one_case_and_the_same_history(site):
    board = site.client("console", "wallwatch/alert/#")
    devices = site.client("simulator")
    lane = site.lane("fire")
    for i in range(20):
        lane.start()
        fire(site, devices, part=f"1-{i:03d}")
        time.sleep(0.05 * (i % 7))
        lane.kill_alone()
    site.start_lane("fire")
    board.wait("all parts are members", "wallwatch/alert/fire/",
               lambda t, b: is_open(t, b) and len(b["members"]) == 20, seconds=20)
    cases = {b["alert"] for _, _, b in board.seen("wallwatch/alert/fire/") if is_open(None, b)}
    assert len(cases) == 1
    assert "code=replay-differs" not in lane.text(), lane.tail()
    assert lane.stop() == 0


def test_a_clean_stop_writes_a_checkpoint_and_exits_with_0(site):
    lane = site.start_lane("fire")
    status = site.client("console", "wallwatch/status/fire")
    status.wait("status", "wallwatch/status/fire", lambda t, b: b["up"] and b["connected"])
    assert lane.stop() == 0
    status.wait("status says down", "wallwatch/status/fire", lambda t, b: not b["up"])
    assert list((site.state / "lane-fire/checkpoint").iterdir())
    assert not (site.state / "run/fire.pid").exists()
    again = site.start_lane("fire")
    assert "differences=0" in again.text()


def test_a_second_instance_is_told_that_the_lane_runs(site):
    site.start_lane("fire")
    second = site.wallwatch("lane", "fire", check=False)
    assert second.returncode == 1
    assert "pid" in second.stderr, second.stderr


def test_a_broker_that_comes_later_is_waited_for(site):
    site.broker.kill()
    lane = site.start_lane("fire", ready=False)
    wait_for("says that the broker is away", lambda: "mqtt.state" in lane.text() or "post.down" in lane.text())
    assert site.get("fire", "/ready")[0] == 503
    site.start_broker()
    site.wait_ready("fire", 20)


def test_a_wrong_password_is_one_clear_line(tmp_path):
    def other(text):
        return text.replace("secrets/lane-fire", "secrets/lane-plant")
    site = Site(tmp_path / "site", edit=other)
    try:
        lane = site.start_lane("fire", ready=False)
        wait_for("refused", lambda: "refused" in lane.text())
        assert lane.alive()
    finally:
        site.close()


def test_the_canary_passes_all_stops_and_the_other_lane_is_watched(stored):
    stored.start_lane("fire")
    stored.start_lane("plant")
    for stop in ("journaled", "judged", "told", "stored"):
        wait_for(stop, lambda: stored.metric("fire", "wallwatch_canary_seconds", stop=stop) > 0)
    board = stored.client("console", "wallwatch/alert/#")
    stored.lanes["plant"].kill()
    _, _, case = board.wait("wallwatch-down", "wallwatch/alert/fire/",
                            lambda t, b: b and b["rule"] == "wallwatch-down", seconds=40)
    assert case["subject"] == "plant" and case["severity"] == "red"
    stored.start_lane("plant")
    board.wait("cleared again", "wallwatch/alert/fire/",
               lambda t, b: b and b["rule"] == "wallwatch-down" and b["condition"] == "false", seconds=20)


def test_what_is_judged_is_stored_also_after_postgres_was_away(stored):
    stored.start_lane("fire")
    board = stored.client("console", "wallwatch/alert/#")
    devices = stored.client("simulator")
    fire(stored, devices)
    wait_for("a row", lambda: stored.query("SELECT count(*) FROM telemetry.fire")[0][0] == 1)
    stored.postgres.kill()
    fire(stored, devices, "FA-0005", "TL-05")
    board.wait("alert without the database", "wallwatch/alert/fire/",
               lambda t, b: is_open(t, b) and b["compound"] == "TL-05", seconds=3)
    stored.postgres.start()
    wait_for("both rows", lambda: stored.query("SELECT count(*) FROM telemetry.fire")[0][0] == 2, 30)
    wait_for("both cases", lambda: stored.query(
        "SELECT count(*) FROM alerting.event WHERE body::text LIKE '%opened%' AND body::text LIKE '%TL-0%'")[0][0] >= 2, 30)


def test_a_cold_start_without_postgres_tells_a_fire_within_three_seconds(stored):
    stored.postgres.kill()
    stored.start_lane("fire")
    board = stored.client("console", "wallwatch/alert/#")
    began = time.time()
    fire(stored, stored.client("simulator"))
    at, _, _ = board.wait("alert", "wallwatch/alert/fire/", is_open, seconds=3)
    assert at - began < 3
    assert stored.lanes["fire"].stop() == 0


def test_a_new_version_is_taken_over_while_running(site):
    lane = site.start_lane("fire")
    status = site.client("console", "wallwatch/status/fire")
    status.wait("version 1", "wallwatch/status/fire", lambda t, b: b["config"] == 1)
    rules = site.config / "rules/fire.yaml"
    rules.write_text(rules.read_text().replace("en: Fire}", "en: Fire alarm}"))
    site.wallwatch("apply")
    lane.signal(signal.SIGHUP)
    status.wait("version 2", "wallwatch/status/fire", lambda t, b: b["config"] == 2)
    board = site.client("console", "wallwatch/alert/#")
    fire(site, site.client("simulator"))
    _, _, case = board.wait("alert", "wallwatch/alert/fire/", is_open)
    assert case["title"]["en"] == "Fire alarm" and case["config"] == 2
    lane.kill_alone()
    again = site.start_lane("fire")
    assert "replay-differs" not in again.text()


def test_the_command_line_shows_and_acts(site):
    site.start_lane("fire")
    board = site.client("console", "wallwatch/alert/#")
    fire(site, site.client("simulator"))
    _, _, case = board.wait("alert", "wallwatch/alert/fire/", is_open)
    assert case["alert"] in site.wallwatch("alert", "list")
    assert json.loads(site.wallwatch("alert", "show", case["alert"]))["alert"] == case["alert"]
    said = site.wallwatch("alert", "acknowledge", case["alert"], "--by", "wu-min", "--until", "20m")
    assert "acknowledged" in said, said
    no = site.wallwatch("alert", "settle", "fire-0000000000000000", check=False)
    assert no.returncode == 1
    assert site.wallwatch("alert", "dance", "x", check=False).returncode == 2


def test_run_starts_lanes_restarts_them_and_leaves_no_child(site):
    from harness.process import WALLWATCH, Process
    boss = Process([WALLWATCH, "run", "--config", site.config], site.folder / "run.log").start()
    try:
        for lane in ("fire", "plant"):
            wait_for(f"{lane} ready", lambda: site.get(lane, "/ready")[0] == 200, 20)
        pid = int((site.state / "run/fire.pid").read_text())
        import os
        os.kill(pid, signal.SIGKILL)
        wait_for("another fire", lambda: (site.state / "run/fire.pid").exists() and
                 int((site.state / "run/fire.pid").read_text()) != pid, 20)
        wait_for("fire ready", lambda: site.get("fire", "/ready")[0] == 200, 20)
        pids = [int(p.read_text()) for p in (site.state / "run").glob("*.pid")]
        assert len(pids) == 2
        assert boss.stop() == 0
        for pid in pids:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)
    finally:
        boss.kill()
