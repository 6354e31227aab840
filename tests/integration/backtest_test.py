"""A back-test tells what a changed rule would have done with what is stored, and tells nobody else."""
import json
import shutil

from harness.process import wait_for
from harness.site import charger


def folder(site, name, change):
    """A copy of the configuration beside it, with changed charger rules."""
    import yaml
    other = site.folder / name
    shutil.copytree(site.config, other)
    path = other / "rules/charger.yaml"
    rules = yaml.safe_load(path.read_text())
    change(next(r for r in rules if r["rule"] == "charger-hot"))
    path.write_text(yaml.safe_dump(rules, allow_unicode=True, sort_keys=False))
    return other


def backtest(site, config, *args, ok=(0,)):
    done = site.run("backtest", "--from", "-1h", "--config", config, *args, ok=ok, place=False)
    return done.stdout


def test_a_back_test_shows_what_a_change_would_have_done(site):
    site.lane("plant")
    site.lane("fire")
    hot, warm = charger(site, 4), charger(site, 5)
    for temp in (58, 63, 66, 45):
        hot.say(ports=[{"port": "3", "port_temp": temp}])
    warm.say(ports=[{"port": "1", "port_temp": 62}])
    site.device("estate/xuhui/TL-02/fire/FA-0002/event", b"\xff not json")
    wait_for("all is stored", lambda: site.value("SELECT count(*) FROM telemetry.charger") == 5 and
             site.value("SELECT count(*) FROM ops.reject") == 1)
    wait_for("the case is copied", lambda: site.value(
        "SELECT count(*) FROM alerting.event WHERE body->'snapshot'->>'subject' = 'CH-0005/1'"))
    for lane in site.lanes.values():
        lane.stop()
    events = site.value("SELECT count(*) FROM alerting.event")

    same = json.loads(backtest(site, site.config, "--json"))
    assert same["changes"] == {"added": 0, "earlier": 0, "gone": 0, "later": 0, "same": len(same["alerts"])}
    found = {(a["rule"], a["subject"]): a for a in same["alerts"]}
    assert found["charger-hot", "CH-0004/3"]["severity"] == "orange"
    assert ("charger-hot", "CH-0005/1") in found
    assert any(rule == "unreadable" for rule, _ in found), "a message nobody could read is an alert here too"
    recorded = site.value("SELECT (body->>'at')::timestamptz FROM alerting.event WHERE body->>'event' = 'opened'"
                          " AND body->'snapshot'->>'subject' = 'CH-0004/3'")
    assert found["charger-hot", "CH-0004/3"]["before"].startswith(recorded.strftime("%Y-%m-%dT%H:%M:%S.%f"))

    higher = folder(site, "higher", lambda rule: rule.update(when="port_temp > 65°C"))
    page = site.folder / "page.html"
    text = backtest(site, higher, "--json", "--html", page)
    changed = json.loads(text)
    assert changed["changes"]["gone"] == 1 and changed["changes"]["later"] == 1 and changed["changes"]["added"] == 0
    change = {(a["rule"], a["subject"]): a["change"] for a in changed["alerts"]}
    assert change["charger-hot", "CH-0004/3"] == "later" and change["charger-hot", "CH-0005/1"] == "gone"
    assert changed["after"]["calls"] < changed["before"]["calls"]
    assert "charger-hot" in page.read_text() and "<script" not in page.read_text()
    lower = folder(site, "lower", lambda rule: rule.update(when="port_temp > 57°C"))
    assert json.loads(backtest(site, lower, "--json", "--against", higher))["changes"]["earlier"] == 1
    assert "alerts that change" in backtest(site, lower, "--lang", "en")

    assert site.value("SELECT count(*) FROM alerting.event") == events, "nothing was told or recorded"
    again = json.loads(backtest(site, higher, "--json", "--from", same["from"], "--to", same["to"]))
    once_more = json.loads(backtest(site, higher, "--json", "--from", same["from"], "--to", same["to"]))
    assert again == once_more


def test_a_back_test_says_what_it_cannot_do(site):
    wrong = site.run("backtest", "--from", "yesterday", ok=(2,))
    assert "'yesterday' is not a time" in wrong.stderr
    broken = folder(site, "broken", lambda rule: rule.update(when="port_temp > 60kg"))
    done = site.run("backtest", "--config", broken, ok=(1,), place=False)
    assert "rules/charger.yaml" in done.stderr
