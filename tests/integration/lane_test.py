"""One lane as a process: real broker, real webhooks, with and without its database."""
import json
import os
import signal
import time
import urllib.error
import urllib.request

import pytest

from harness.process import wait_for
from harness.receiver import Receiver


@pytest.fixture
def hooked(make_site):
    """A site whose webhooks come here."""
    receiver = Receiver()

    def change(data):
        channel = data["channels"]["duty-webhook"]
        channel["url"] = receiver.url
    site = make_site(change).prepare()
    receiver.key = site.key("duty-webhook")
    site.receiver = receiver
    return site


def say(site, code, class_, compound, **fields):
    fields.setdefault("time", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    site.device(f"estate/xuhui/{compound}/{class_}/{code}/telemetry", json.dumps(fields))


def fire(site, code="FA-0002", compound="TL-02", part="1-023"):
    say(site, code, "fire", compound, part=part, alarm=True)


def is_fire(topic, body):
    return bool(body) and body["rule"] == "fire"


def command(site, client, lane, sender="cli", **body):
    env = site.envelope(sender, body)
    client.publish(f"wallwatch/command/{lane}", env)
    return client.wait("answer", f"wallwatch/answer/{sender}/{env['id']}")[2]


def post(lane, path, data, headers):
    request = urllib.request.Request(f"http://127.0.0.1:{lane.port}{path}", data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as e:
        return e.code


def pid_of(site, lane):
    try:
        return int((site.state / f"run/{lane}.pid").read_text())
    except (OSError, ValueError):
        return 0


def test_a_fire_reaches_topic_notice_webhook_and_repair_centre(hooked):
    site = hooked
    site.lane("fire")
    board = site.client()
    centre = site.client("repair-centre", ["wallwatch/dispatch/repair-centre/+"])
    began = time.time()
    fire(site)
    at, topic, body = board.wait("alert topic", "wallwatch/alert/fire/", is_fire)
    assert body["severity"] == "red" and body["lane"] == "fire"
    assert topic.split("/")[-1] == body["alert"] and body["alert"].startswith("fire-")
    assert at - began < 3
    board.wait("notice", "wallwatch/notice/", lambda t, b: b["alert"]["alert"] == body["alert"])
    centre.wait("order", "wallwatch/dispatch/repair-centre/")
    # nobody answers over MQTT: the webhook is next
    wait_for("webhook", lambda: site.receiver.calls, 30)
    assert not site.receiver.bad, "a webhook without a right signature"


def test_an_answered_order_and_a_settled_case_end_it(site):
    site.lane("fire")
    board = site.client()
    person = site.client("cli", ["wallwatch/answer/cli/#"])
    centre = site.client("repair-centre", ["wallwatch/dispatch/repair-centre/+"])
    fire(site)
    _, topic, case = board.wait("alert", "wallwatch/alert/fire/", is_fire)
    _, _, order = centre.wait("order", "wallwatch/dispatch/repair-centre/")
    for answer in ("received", "accepted", "arrived", "done"):
        env = site.envelope("repair-centre", {"answer": answer, "order": order["order"], "by": "crew-7"})
        centre.publish(f"wallwatch/dispatch/repair-centre/{order['order']}/reply", env)
        board.wait(answer, topic, lambda t, b: b and any(
            o["order"] == order["order"] and o["state"] == answer for o in b["orders"]))
    for verb in ("acknowledge", "settle", "verify"):
        got = command(site, person, "fire", command=verb, alert=case["alert"], by="wu-min", reason="test")
        assert got["ok"], got
    board.wait("verified", topic, lambda t, b: not b or b["state"] in ("verified", "closed"))


def test_an_answer_by_http_counts_and_a_wrong_key_does_not(site):
    lane = site.lane("fire")
    board = site.client()
    centre = site.client("repair-centre", ["wallwatch/dispatch/repair-centre/+"])
    fire(site)
    _, topic, _ = board.wait("alert", "wallwatch/alert/fire/", is_fire)
    _, _, order = centre.wait("order", "wallwatch/dispatch/repair-centre/")

    def answer(env):
        return post(lane, "/answer", env["body"].encode(), {
            "webhook-id": env["id"], "webhook-timestamp": str(env["timestamp"]),
            "webhook-signature": env["signature"], "webhook-sender": env["sender"]})
    good = site.envelope("repair-centre", {"answer": "accepted", "order": order["order"], "by": "crew-7"})
    assert answer(dict(good, body=good["body"] + " ")) == 401
    assert answer(dict(good, sender="nobody")) == 401
    assert answer(dict(good, timestamp="soon")) == 400
    assert answer(site.envelope("repair-centre", {"answer": "accepted", "order": "fire-ffffffffffffffff",
                                                  "by": "crew-7"})) == 404, "an order nobody gave"
    assert answer(good) == 202
    board.wait("accepted", topic, lambda t, b: b and any(
        o["order"] == order["order"] and o["state"] == "accepted" for o in b["orders"]))
    assert lane.metric("wallwatch_refused_total") == 3


def test_a_killed_lane_knows_its_case_again_and_goes_on(site):
    lane = site.lane("fire")
    board = site.client()
    fire(site)
    _, topic, before = board.wait("alert", "wallwatch/alert/fire/", is_fire)
    lane.kill_alone()
    fire(site, part="1-024")  # kept by the broker
    lane.start()
    _, _, after = board.wait("second detector confirms", topic, lambda t, b: b and b["stage"] == "confirmed")
    assert after["alert"] == before["alert"] and after["opened"] == before["opened"]
    assert after["epoch"] == before["epoch"] + 1
    assert "id=replay.differs" not in lane.text()


def test_twenty_kills_leave_one_case_and_the_same_history(site):
    board = site.client()
    lane = site.lane("fire")  # once: so that the broker keeps for it
    for i in range(20):
        lane.kill_alone()
        lane.start(ready=0)
        fire(site, part=f"1-{i:03d}")
        time.sleep(0.03 * (i % 7))
    wait_for("ready", lane.ready)
    board.wait("all parts are members", "wallwatch/alert/fire/",
               lambda t, b: is_fire(t, b) and len(b["members"]) == 20, seconds=20)
    cases = {b["alert"] for _, _, b in board.seen("wallwatch/alert/fire/") if is_fire(None, b)}
    assert len(cases) == 1
    assert "id=replay.differs" not in lane.text(), lane.tail()
    assert lane.stop() == 0


def test_a_clean_stop_writes_a_checkpoint_and_exits_with_0(site):
    lane = site.lane("fire")
    board = site.client()
    board.wait("status", "wallwatch/status/fire", lambda t, b: b["up"] and b["connected"])
    assert lane.stop() == 0
    board.wait("status says down", "wallwatch/status/fire", lambda t, b: not b["up"])
    assert list((site.state / "lane-fire/checkpoint").iterdir())
    assert pid_of(site, "fire") == 0
    lane.start()
    assert "differences=0" in lane.text()
    assert lane.text().count("records=0 events=0 differences=0") == 2, "a clean stop leaves nothing to replay"


def test_a_second_instance_is_told_that_the_lane_runs(site):
    site.lane("fire")
    second = site.run("lane", "fire", ok=(1,))
    assert str(pid_of(site, "fire")) in second.stderr, second.stderr


def test_a_broker_that_comes_later_is_waited_for(site):
    site.broker.kill()
    lane = site.lane("fire", start=False)
    lane.start(ready=0)
    wait_for("says that the broker is away", lambda: "mqtt.state" in lane.text())
    assert not lane.ready()
    site.broker.start()
    wait_for("ready", lane.ready, 20)


def test_a_wrong_password_is_one_clear_line_and_is_tried_again(make_site):
    def change(data):
        data["lanes"]["fire"]["password_file"] = data["lanes"]["plant"]["password_file"]
    site = make_site(change).prepare()
    lane = site.lane("fire", start=False)
    lane.start(ready=0)
    wait_for("refused", lambda: "state=refused" in lane.text())
    assert not lane.ready()
    site.broker.secret("lane-plant").write_text(site.broker.password("lane-fire"))
    wait_for("ready with the right one", lane.ready, 20)


def test_the_canary_passes_all_stops(site):
    lane = site.lane("fire")
    for stop in ("journaled", "judged", "told", "stored"):
        wait_for(stop, lambda: lane.metric(f'wallwatch_canary_seconds{{stop="{stop}"}}') > 0)


def test_a_lane_that_dies_is_reported_by_the_other(site):
    site.lane("fire")
    plant = site.lane("plant")
    board = site.client()
    plant.kill()
    _, _, case = board.wait("wallwatch-down", "wallwatch/alert/fire/",
                            lambda t, b: b and b["rule"] == "wallwatch-down", seconds=40)
    assert case["subject"] == "plant" and case["severity"] == "red"
    plant.start()
    board.wait("cleared again", "wallwatch/alert/fire/",
               lambda t, b: b and b["rule"] == "wallwatch-down" and b["condition"] == "false", seconds=20)


def test_what_is_judged_is_stored_also_after_postgres_was_away(site):
    site.lane("fire")
    board = site.client()
    fire(site)
    wait_for("a row", lambda: site.value("SELECT count(*) FROM telemetry.fire") == 1)
    site.postgres.kill()
    fire(site, "FA-0005", "TL-05")
    board.wait("alert without the database", "wallwatch/alert/fire/",
               lambda t, b: is_fire(t, b) and b["compound"] == "TL-05", seconds=3)
    site.postgres.start()
    wait_for("both rows", lambda: site.value("SELECT count(*) FROM telemetry.fire") == 2, 30)


def test_a_full_journal_gives_up_the_oldest_and_says_so(make_site):
    def small(data):
        data["lanes"]["plant"]["journal"] = {"max_size": "16MiB", "keep": "1m"}
    site = make_site(small).prepare()
    lane = site.lane("plant")
    board = site.client()
    site.postgres.kill()
    filler = "x" * 60000
    for n in range(330):  # 20 MB
        say(site, "EL-0003", "elevator", "TL-03", moving=False, filler=filler, n=n)
    board.wait("shed is an alert", "wallwatch/alert/plant/", lambda t, b: b and b["rule"] == "shed", seconds=20)
    assert lane.ready()
    site.postgres.start()
    wait_for("all has a verdict", lambda: lane.metric("wallwatch_records_waiting") == 0, 30)
    assert site.value("SELECT sum(shed) FROM ops.batch") > 0
    site.run("audit")


def test_a_cold_start_without_postgres_tells_a_fire_within_three_seconds(hooked):
    site = hooked
    site.postgres.kill()
    lane = site.lane("fire")
    board = site.client()
    began = time.time()
    fire(site)
    at, _, _ = board.wait("alert", "wallwatch/alert/fire/", is_fire, seconds=3)
    assert at - began < 3
    assert lane.stop() == 0


def test_a_new_version_is_taken_over_while_running(site):
    lane = site.lane("fire")
    board = site.client()
    board.wait("version 1", "wallwatch/status/fire", lambda t, b: b["config"] == 1)
    rules = site.config / "rules/fire.yaml"
    rules.write_text(rules.read_text().replace("en: Fire}", "en: Fire alarm}"))
    site.run("apply")
    lane.signal(signal.SIGHUP)
    board.wait("version 2", "wallwatch/status/fire", lambda t, b: b["config"] == 2)
    fire(site)
    _, _, case = board.wait("alert", "wallwatch/alert/fire/", is_fire)
    assert case["title"]["en"] == "Fire alarm" and case["config"] == 2
    lane.kill_alone()
    lane.start()
    assert "id=replay.differs" not in lane.text()


def test_the_command_line_shows_and_acts(site):
    site.lane("fire")
    board = site.client()
    fire(site)
    _, _, case = board.wait("alert", "wallwatch/alert/fire/", is_fire)
    assert case["alert"] in site.run("alert", "list").stdout
    assert json.loads(site.run("alert", "show", case["alert"]).stdout)["alert"] == case["alert"]
    said = site.run("alert", "acknowledge", case["alert"], "--by", "wu-min", "--until", "20m").stdout
    assert "now acknowledged" in said, said
    site.run("alert", "settle", "fire-0000000000000000", ok=(1,))
    site.run("alert", "dance", "x", ok=(2,))


def test_run_starts_lanes_restarts_them_and_leaves_no_child(site):
    boss = site.spawn("run", "run")
    lanes = [site.lane(name, start=False) for name in ("fire", "plant")]

    def ready(lane):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{lane.port}/ready", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False
    for lane in lanes:
        wait_for(f"{lane.name} ready", lambda: ready(lane), 20)
    pid = pid_of(site, "fire")
    os.kill(pid, signal.SIGKILL)
    wait_for("another fire", lambda: pid_of(site, "fire") not in (0, pid), 20)
    wait_for("fire ready", lambda: ready(lanes[0]), 20)
    pids = [pid_of(site, name) for name in ("fire", "plant")]
    assert boss.stop() == 0, boss.tail()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
