"""What people press: every command over the command line; and who may not, with a reason on record."""
import json
import time

import pytest

from harness.process import wait_for
from harness.site import charger


@pytest.fixture
def plant(site):
    site.lane("plant")
    site.board = site.client()
    return site


def hot(site, n=4, port=1):
    """A case of a hot port: (topic, case)."""
    pile = charger(site, n)
    pile.boot = port
    pile.say(ports=[{"port": port, "port_temp": 70}])
    _, topic, case = site.board.wait("a hot port", "wallwatch/alert/plant/", lambda t, b: b and
                                     b["rule"] == "charger-hot" and b["compound"] == f"TL-{n:02d}" and b["part"] == str(port))
    return topic, case


def press(site, verb, ident, *args, ok=(0,), **kw):
    done = site.run("alert", verb, ident, "--as", "cli", "--by", "wang-wei", "--json",
                    *args, *[w for k, v in kw.items() for w in (f"--{k}", v)], ok=ok)
    return json.loads(done.stdout) if done.stdout.strip() else done


def shown(site, topic, what, condition, seconds=5):
    return site.board.wait(what, topic, lambda t, b: condition(b), seconds)[2]


def events(site, alert, event):
    """Bodies of the ledger's copy, oldest first; waits until there is one."""
    def look():
        return [b for (b,) in site.sql("SELECT body FROM alerting.event WHERE body->>'event' = %s AND "
                                       "body->>'alert' IS NOT DISTINCT FROM %s ORDER BY n", event, alert)]
    return wait_for(f"event {event} of {alert}", look, 15, 0.1)


def test_acknowledge_promises_a_time_and_lapses_by_itself(plant):
    topic, case = hot(plant)
    press(plant, "acknowledge", case["alert"], "--until", "4s", reason="on my way")
    taken = shown(plant, topic, "taken", lambda b: b and b["state"] == "acknowledged")
    assert taken["acknowledged"]["by"] == "wang-wei"
    shown(plant, topic, "lapsed", lambda b: b and b["state"] == "open" and b["acknowledged"] is None, 10)
    (event,) = events(plant, case["alert"], "acknowledged")
    assert event["who"] == "wang-wei" and event["why"] == "on my way" and event["sender"] == "cli"
    assert events(plant, case["alert"], "lapsed")
    assert press(plant, "acknowledge", case["alert"], "--until", "2020-01-01T00:00:00Z", ok=(1,))["ok"] is False


def test_dispatch_sends_an_order_to_the_centre(plant):
    centre = plant.client("repair-centre", ("wallwatch/dispatch/repair-centre/#",))
    topic, case = hot(plant)
    press(plant, "dispatch", case["alert"], centre="repair-centre", reason="needs an electrician")
    _, _, order = centre.wait("the order", "wallwatch/dispatch/repair-centre/", lambda t, b: "centre" in b)
    assert order["alert"]["alert"] == case["alert"]
    shown(plant, topic, "in the picture", lambda b: b and [o for o in b["orders"] if o["centre"] == "repair-centre"])
    assert press(plant, "dispatch", case["alert"], centre="nobody", ok=(1,))["text"]["en"] == "no such centre"


def test_settle_and_verify_end_a_case(plant):
    topic, case = hot(plant)
    press(plant, "settle", case["alert"], reason="plug pulled")
    settled = shown(plant, topic, "settled", lambda b: b and b["state"] == "resolved")
    assert settled["loop"] == "point", "in the self loop"
    press(plant, "verify", case["alert"], reason="cool")
    # verified and still hot: it is not forgotten; cool it is closed and its topic cleared
    charger(plant).say(boot=9, ports=[{"port": 1, "port_temp": 30}])
    plant.board.wait("gone from the board", topic, lambda t, b: b == b"" or b["state"] in ("verified", "closed"))
    assert events(plant, case["alert"], "verified")
    assert press(plant, "settle", "plant-0000000000000000", ok=(1,))["text"]["en"] == "no such open case"


def test_false_alarm_closes_with_its_reason(plant):
    topic, case = hot(plant)
    press(plant, "false-alarm", case["alert"], reason="sun on the sensor")
    (event,) = events(plant, case["alert"], "false-alarm")
    assert event["why"] == "sun on the sensor"
    plant.board.wait("off the board", topic, lambda t, b: b == b"" or b["state"] in ("false-alarm", "closed"))


def test_comment_changes_nothing_but_the_record(plant):
    topic, case = hot(plant)
    press(plant, "comment", case["alert"], reason="neighbour called too")
    (event,) = events(plant, case["alert"], "comment")
    assert event["why"] == "neighbour called too"
    assert plant.board.seen(topic)[-1][2]["state"] == "open"


def test_report_opens_a_case_by_hand_that_is_told_and_joins_what_is_open(plant):
    answer = press(plant, "report", "plant", device="EL-0007", severity="orange", title="grinding noise", reason="a call")
    assert answer["ok"] and answer["alert"].startswith("plant-")
    _, topic, case = plant.board.wait("the case", "wallwatch/alert/plant/", lambda t, b: b and b["rule"] == "reported")
    assert case["severity"] == "orange" and case["compound"] == "TL-07" and case["class"] == "elevator"
    assert case["title"]["en"] == "grinding noise" and case["alert"] == answer["alert"]
    plant.board.wait("somebody is told", "wallwatch/notice/", lambda t, b: b.get("alert", {}).get("alert") == case["alert"])
    again = press(plant, "report", "plant", device="EL-0007", title="still grinding")
    assert again["alert"] == case["alert"] and "joined" in again["text"]["en"]
    nowhere = press(plant, "report", "plant", device="EL-9999", ok=(1,))
    assert nowhere["text"]["en"] == "no such device"
    by_place = press(plant, "report", "plant", compound="TL-03", title="smell of gas", severity="red")
    assert by_place["ok"]
    plant.board.wait("in its compound", "wallwatch/alert/plant/", lambda t, b: b and b["alert"] == by_place["alert"] and
                     b["compound"] == "TL-03" and b["severity"] == "red")


def test_return_goes_to_the_next_tier_at_once(plant):
    topic, case = hot(plant)
    assert shown(plant, topic, "at the point", lambda b: b and b["tier"] == "point")
    press(plant, "acknowledge", case["alert"])
    press(plant, "return", case["alert"], reason="not our building")
    back = shown(plant, topic, "one tier up", lambda b: b and b["tier"] == "station")
    assert back["state"] == "open"
    assert events(plant, case["alert"], "returned")[0]["why"] == "not our building"


def test_extend_puts_the_next_step_off_and_needs_a_reason(plant):
    topic, case = hot(plant)
    before = shown(plant, topic, "next step", lambda b: b and b["next"])
    assert press(plant, "extend", case["alert"], "--for", "30m", ok=(1,))["text"]["en"] == "a reason is needed"
    press(plant, "extend", case["alert"], "--for", "30m", tier="station", reason="parts come at noon")
    after = shown(plant, topic, "later", lambda b: b and b["next"] and b["next"]["at"] != before["next"]["at"])
    from datetime import datetime
    moved = datetime.fromisoformat(after["next"]["at"]) - datetime.fromisoformat(before["next"]["at"])
    assert moved.total_seconds() == 1800


def test_merge_makes_one_case_of_two(plant):
    stays_topic, stays = hot(plant, 4, 1)
    goes_topic, goes = hot(plant, 4, 2)
    press(plant, "merge", goes["alert"], into=stays["alert"], reason="same pile")
    plant.board.wait("one is gone", goes_topic, lambda t, b: b == b"" or b["state"] in ("closed", "merged"))
    shown(plant, stays_topic, "the other has it", lambda b: b and any("CH-0004" in json.dumps(m) for m in b["members"]))
    assert press(plant, "merge", stays["alert"], into=stays["alert"], ok=(1,))["ok"] is False


def test_wrong_words_on_the_command_line_are_wrong_use(plant):
    for words in (("dance", "plant-1"), ("settle",), ("settle", "plant/+"), ("extend", "plant-1", "--for", "soon")):
        done = plant.run("alert", *words, ok=(2,))
        assert done.stderr.startswith("wallwatch alert:"), done.stderr
    nobody = plant.run("alert", "settle", "plant-1", "--as", "nobody", ok=(1,))
    assert "'nobody'" in nobody.stderr and "hint:" in nobody.stderr


# ---- who may not

def send(site, envelope, wait=True):
    """Over the console's account; the answer, or None if there is none within a second."""
    before = len(site.board.seen(f"wallwatch/answer/{envelope['sender']}/{envelope['id']}"))
    site.board.publish("wallwatch/command/plant", envelope)
    try:
        return wait_for("answer", lambda: site.board.seen(f"wallwatch/answer/{envelope['sender']}/{envelope['id']}")[before:],
                        5 if wait else 1)[-1][2]
    except AssertionError:
        assert not wait, "no answer"
        return None


def refused(site, why, n=1):
    """The refusal is an event of the ledger, with its reason."""
    wait_for(f"refused: {why}", lambda: site.value("SELECT count(*) FROM alerting.event WHERE body->>'event' = 'refused' "
                                                   "AND body->>'why' = %s", why) >= n, 10, 0.1)


def test_forged_unsigned_and_foreign_commands_do_nothing_and_are_on_record(plant):
    lane = plant.lane("plant")
    topic, case = hot(plant)
    body = {"alert": case["alert"], "by": "mallory", "command": "false-alarm", "reason": "hush"}
    forged = plant.envelope("cli", body)
    forged["signature"] = "v1," + "A" * 43 + "="

    def told(envelope, why):
        """A declared sender is told at once why; nobody else has a topic to be told on."""
        answer = send(plant, envelope)
        assert not answer["ok"] and answer["text"]["en"] == why and answer["text"]["zh"]
    told(forged, "signature is wrong")
    refused(plant, "signature is wrong")
    other_key = plant.envelope("console", body)
    other_key["sender"] = "cli"  # signed with another's key
    told(other_key, "signature is wrong")
    changed = plant.envelope("cli", body)
    changed["body"] = changed["body"].replace("hush", "hush!")  # changed after it was signed
    told(changed, "signature is wrong")
    refused(plant, "signature is wrong", 3)
    unsigned = plant.envelope("cli", body)
    del unsigned["signature"]
    assert send(plant, unsigned, wait=False) is None
    stranger = plant.envelope("cli", body)
    stranger["sender"] = "mallory"
    assert send(plant, stranger, wait=False) is None
    refused(plant, "sender is not a declared client")
    centre = plant.envelope("repair-centre", body)  # a key of its own, but no right to command
    told(centre, "this client may not send commands")
    refused(plant, "this client may not send commands")
    for junk in ("", "{", "null", "[]", '"x"', json.dumps({"body": 7})):
        plant.board.publish("wallwatch/command/plant", junk)
    wait_for("all are counted", lambda: lane.metric("wallwatch_refused_total") == 12)
    assert plant.board.seen(topic)[-1][2]["state"] == "open"
    assert plant.value("SELECT count(*) FROM alerting.event WHERE body->>'event' = 'false-alarm'") == 0
    assert lane.ready()


def test_stale_and_future_commands_are_refused_but_what_raises_is_taken(plant):
    topic, case = hot(plant)
    for shift, words in ((-600, "older than 5 minutes"), (600, "signed in the future")):
        for verb in ("acknowledge", "false-alarm", "settle"):
            answer = send(plant, plant.envelope("cli", {"alert": case["alert"], "by": "li-na", "command": verb, "reason": "x"},
                                                timestamp=int(time.time()) + shift))
            assert not answer["ok"] and words in answer["text"]["en"], (verb, answer)
    assert plant.board.seen(topic)[-1][2]["state"] == "open"
    late = send(plant, plant.envelope("cli", {"by": "li-na", "command": "report", "device": "EL-0003", "reason": "",
                                              "severity": "red", "title": "smoke"}, timestamp=int(time.time()) - 7200))
    assert late["ok"], "what raises is accepted late"
    assert len(events(plant, case["alert"], "command-refused")) == 6


def test_a_command_that_is_played_again_gets_the_same_answer_and_does_nothing(plant):
    topic, case = hot(plant)
    first = plant.envelope("cli", {"alert": case["alert"], "by": "li-na", "command": "acknowledge", "reason": "once"})
    answer = send(plant, first)
    assert answer["ok"]
    send(plant, plant.envelope("cli", {"alert": case["alert"], "by": "li-na", "command": "return", "reason": "no"}))
    assert send(plant, first) == answer
    # also over a kill: the ring of answers is state of the engine
    lane = plant.lane("plant")
    lane.kill_alone()
    lane.start()
    assert send(plant, first) == answer
    shown(plant, topic, "still returned", lambda b: b and b["state"] == "open")
    assert plant.board.seen(topic)[-1][2]["state"] == "open"
    assert len(events(plant, case["alert"], "acknowledged")) == 1


def test_a_client_of_one_unit_touches_only_its_own_subtree(make_site):
    def one_unit(data):
        data["clients"]["console"]["unit"] = "tianlin-west"
    plant = make_site(one_unit).prepare()
    plant.lane("plant")
    plant.board = plant.client()
    topic, case = hot(plant, 2)
    units = case["units"]
    assert units["station"] != "tianlin-west"
    answer = send(plant, plant.envelope("console", {"alert": case["alert"], "by": "x", "command": "settle", "reason": "y"}))
    assert not answer["ok"] and "outside" in answer["text"]["en"]
    into = send(plant, plant.envelope("console", {"by": "x", "command": "report", "device": "EL-0002", "reason": "", "title": "z"}))
    assert not into["ok"] and "outside" in into["text"]["en"]


def test_a_command_that_was_signed_while_the_lane_was_down_counts_at_its_time(plant):
    topic, case = hot(plant)
    lane = plant.lane("plant")
    lane.kill_alone()
    envelope = plant.envelope("cli", {"alert": case["alert"], "by": "li-na", "command": "acknowledge", "reason": "seen on the phone"})
    plant.board.publish("wallwatch/command/plant", envelope)
    time.sleep(1.5)
    lane.start()
    taken = shown(plant, topic, "taken", lambda b: b and b["state"] == "acknowledged", 10)
    from datetime import datetime
    at = datetime.fromisoformat(taken["acknowledged"]["at"]).timestamp()
    assert envelope["timestamp"] - 1 <= at <= envelope["timestamp"] + 3
