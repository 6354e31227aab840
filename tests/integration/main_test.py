"""The main job, end to end: a message in, a row, a case, four tiers, notices and orders out."""
import json

import pytest

from harness.process import wait_for
from harness.receiver import Receiver
from harness.site import charger, lift, only_webhook, panel


def opened(board, lane, rule, seconds=5):
    at, topic, body = board.wait(f"case of {rule}", f"wallwatch/alert/{lane}/",
                                 lambda t, b: b and b["rule"] == rule, seconds)
    return at, topic, body


def test_a_fire_goes_from_the_detector_to_the_board_the_person_the_centre_and_the_tables(make_site):
    site = make_site()
    receiver = Receiver()
    only_webhook(site, receiver)
    site.prepare()
    lane = site.lane("fire")
    board = site.client()
    panel(site).say(part="1-001", alarm=True)
    _, topic, case = opened(board, "fire", "fire")
    assert topic.startswith("wallwatch/alert/fire/xuhui/tianlin/tianlin-east/tianlin-12/fire-")
    assert case["severity"] == "red" and case["state"] == "open" and case["stage"] == "unconfirmed"
    assert case["compound"] == "TL-02" and case["title"]["zh"] == "火警"
    wait_for("the centre and the person were told", lambda: {
        "micro-fire-station", "zhang-yong"} <= {c["path"].rsplit("/", 1)[-1] for c in receiver.calls} or {
        "micro-fire-station", "liu-yan"} <= {c["path"].rsplit("/", 1)[-1] for c in receiver.calls})
    assert not receiver.bad, "every webhook is signed"
    # a second detector confirms it: the same case, now for all tiers
    panel2 = panel(site)
    panel2.boot = 2
    panel2.say(part="1-002", alarm=True)
    board.wait("confirmed", topic, lambda t, b: b and b["stage"] == "confirmed")
    board.wait("told up to the district", topic, lambda t, b: b and b["tier"] == "district")
    wait_for("rows are stored", lambda: site.value("SELECT count(*) FROM telemetry.fire") == 2)
    wait_for("the case is copied", lambda: site.value(
        "SELECT count(*) FROM alerting.event WHERE body->>'event' = 'opened'") >= 1)
    assert lane.metric("wallwatch_cases_open{severity=\"red\"}") == 1
    audit = site.run("audit")
    assert audit.returncode == 0
    receiver.close()


def test_a_trapped_lift_is_told_after_its_time_and_not_before(make_site):
    def quick(data):
        for rule in data:
            if rule["rule"] == "lift-trapped":
                rule["for"] = "2s"
    site = make_site()
    site.edit("rules/elevator.yaml", quick)
    site.prepare()
    site.lane("plant")
    board = site.client()
    car = lift(site)
    import time
    began = time.time()
    car.say(moving=False, doors="closed", passengers=True, door_zone=False)
    at, _, case = opened(board, "plant", "lift-trapped", 6)
    assert 1.9 <= at - began <= 4.5
    assert case["severity"] == "red"
    orders = {json.loads(json.dumps(b))["centre"] for _, t, b in board.seen("wallwatch/dispatch/")
              if "reply" not in t and "centre" in b}
    wait_for("both centres have an order", lambda: {"lift-firm", "repair-centre"} <= {
        b["centre"] for _, t, b in board.seen("wallwatch/dispatch/") if not t.endswith("/reply")})
    assert orders is not None


def test_hysteresis_holds_a_hot_port_until_it_is_cool_and_a_port_is_a_subject_of_its_own(site):
    site.lane("plant")
    board = site.client()
    pile = charger(site)
    pile.say(ports=[{"port": 1, "port_temp": 61.5}, {"port": 2, "port_temp": 40}])
    _, topic, case = opened(board, "plant", "charger-hot")
    assert case["part"] == "1"
    pile.say(ports=[{"port": 1, "port_temp": 55}])
    pile.say(ports=[{"port": 2, "port_temp": 20}])
    wait_for("all stored", lambda: site.value("SELECT count(*) FROM telemetry.charger") == 4)
    assert board.seen(topic)[-1][2]["condition"] == "true"
    pile.say(ports=[{"port": 1, "port_temp": 49}])
    board.wait("the condition is false", topic, lambda t, b: b and b["condition"] == "false")
    assert board.seen(topic)[-1][2]["state"] == "open", "an orange case waits for a person"


def test_the_dialogue_of_an_order_over_mqtt(site):
    site.lane("fire")
    board = site.client()
    centre = site.client("micro-fire-station", ("wallwatch/dispatch/micro-fire-station/#",))
    panel(site).say(part="1-003", alarm=True)
    _, order_topic, order = centre.wait("an order", "wallwatch/dispatch/micro-fire-station/",
                                        lambda t, b: not t.endswith("/reply"))
    _, topic, _ = opened(board, "fire", "fire")

    def state():
        return {o["centre"]: o["state"] for o in board.seen(topic)[-1][2]["orders"]}.get("micro-fire-station")
    for answer in ("received", "accepted", "en-route", "arrived", "done"):
        centre.publish(order_topic + "/reply", site.envelope("micro-fire-station", {
            "answer": answer, "by": "team-1", "comment": "", "order": order["order"]}))
        wait_for(answer, lambda: state() == answer)
    # late, doubled, forged and foreign answers change nothing
    centre.publish(order_topic + "/reply", site.envelope("micro-fire-station", {
        "answer": "accepted", "by": "team-1", "comment": "", "order": order["order"]}))
    forged = site.envelope("micro-fire-station", {"answer": "refused", "by": "x", "comment": "", "order": order["order"]})
    forged["signature"] = "v1," + "A" * 43 + "="
    centre.publish(order_topic + "/reply", forged)
    centre.publish(order_topic + "/reply", site.envelope("lift-firm", {
        "answer": "refused", "by": "x", "comment": "", "order": order["order"]}))
    panel(site, 5).say(part="1-001", alarm=True)
    board.wait("the next fire", "wallwatch/alert/fire/", lambda t, b: b and b["compound"] == "TL-05")
    assert state() == "done"


def test_answers_come_by_signed_post_too(make_site):
    import time
    import urllib.error
    import urllib.request
    from harness.mqtt import signature
    site = make_site()
    receiver = Receiver()
    only_webhook(site, receiver)
    site.prepare()
    lane = site.lane("fire")
    board = site.client()
    panel(site).say(part="1-003", alarm=True)
    order = wait_for("an order by webhook", lambda: next(
        (b for b in receiver.bodies() if b.get("centre") == "micro-fire-station"), None))

    def post(body, key, sender="micro-fire-station", ident="a1"):
        stamp = str(int(time.time()))
        text = json.dumps(body)
        request = urllib.request.Request(
            f"http://127.0.0.1:{lane.port}/answer", text.encode(), method="POST",
            headers={"webhook-id": ident, "webhook-timestamp": stamp, "webhook-sender": sender,
                     "webhook-signature": signature(key, ident, stamp, text),
                     "content-type": "application/json"})
        try:
            return urllib.request.urlopen(request, timeout=5).status
        except urllib.error.HTTPError as e:
            return e.code
    body = {"answer": "accepted", "by": "team-1", "comment": "", "order": order["order"]}
    assert post(body, b"wrong key") in (401, 403)
    assert post(body, site.key("micro-fire-station")) in (200, 202, 204)
    _, topic, _ = opened(board, "fire", "fire")
    board.wait("accepted", topic, lambda t, b: b and any(
        o["state"] == "accepted" for o in b["orders"]))
    receiver.close()


def test_commands_from_the_command_line_get_an_answer_and_do_it_once(site):
    site.lane("plant")
    board = site.client()
    charger(site).say(ports=[{"port": 1, "port_temp": 70}])
    _, topic, case = opened(board, "plant", "charger-hot")
    said = site.run("alert", "acknowledge", case["alert"], "--as", "cli", "--by", "wang-wei")
    assert case["alert"] in said.stdout
    board.wait("acknowledged", topic, lambda t, b: b and b["state"] == "acknowledged" and
               b["acknowledged"]["by"] == "wang-wei")
    for verb in ("settle", "verify"):
        site.run("alert", verb, case["alert"], "--as", "cli", "--by", "wang-wei", "--reason", "cooled down")
    board.wait("verified", topic, lambda t, b: b == b"" or b and b["state"] in ("verified", "closed"))
    unknown = site.run("alert", "acknowledge", "plant-0000000000000000", "--as", "cli", ok=(1,))
    assert unknown.stderr or unknown.stdout
    # the same envelope twice: one event
    charger(site, 5).say(ports=[{"port": 1, "port_temp": 70}])
    _, topic, case = board.wait("second case", "wallwatch/alert/plant/", lambda t, b: b and b["compound"] == "TL-05")
    twice = site.envelope("console", {"alert": case["alert"], "by": "li-na", "command": "comment", "reason": "seen"})
    for _ in range(2):
        board.publish("wallwatch/command/plant", twice)
    wait_for("two answers", lambda: len(board.seen(f"wallwatch/answer/console/{twice['id']}")) == 2)
    wait_for("copied", lambda: site.value("SELECT count(*) FROM alerting.event WHERE body->>'event' = 'comment' "
                                          "OR body->>'command' = 'comment'") >= 1)
    assert site.value("SELECT count(*) FROM alerting.event WHERE body->>'why' = 'seen'") == 1


@pytest.mark.parametrize("lane", ["fire", "plant"])
def test_a_clean_stop_and_start_changes_nothing(site, lane):
    process = site.lane(lane)
    board = site.client()
    if lane == "fire":
        panel(site).say(part="1-001", alarm=True)
    else:
        charger(site).say(ports=[{"port": 1, "port_temp": 70}])
    _, topic, case = opened(board, lane, "fire" if lane == "fire" else "charger-hot")
    assert process.stop() == 0
    process.start()
    wait_for("shown again", lambda: [b for _, t, b in board.seen(topic) if b and b["epoch"] != case["epoch"]])
    again = board.seen(topic)[-1][2]
    assert again["alert"] == case["alert"] and again["opened"] == case["opened"]
    assert len({t for _, t, b in board.seen(f"wallwatch/alert/{lane}/") if b}) == 1, "one case, not two"
