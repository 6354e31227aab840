"""The device register on the command line, from a bad file to a walk test that goes all the way."""
import json
import subprocess
import threading

from harness.process import WALLWATCH, wait_for
from harness.site import lift

HEADER = "code,class,compound,building,install_date,rated,tags\r\n"


def device(site, *args, ok=(0,)):
    done = subprocess.run([WALLWATCH, "device", *args, "--config", str(site.config)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode in ok, f"{args}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def listed(site, *args):
    return {row["code"]: row for row in map(json.loads, device(site, "list", "--json", *args).splitlines())}


def imports(site):
    register = site.config / "devices.csv"
    before = register.read_bytes()
    new = site.folder / "new.csv"
    new.write_bytes((HEADER + "EL-0003,elevator,TL-03,3号楼,1998/5/1,speed=1.75 m/s,old-lift\r\n"
                     "EL-0003,elevator,TL-03,,,,\r\nNEW-1,elevatr,TL-99,,1998/13/1,speed=fast,\r\n").encode())
    said = device(site, "import", new, "--yes", ok=(1,))
    for place in ("new.csv:3:1:", "new.csv:4:7:", "new.csv:4:15:", "new.csv:4:22:", "new.csv:4:32:"):
        assert place in said, said
    assert register.read_bytes() == before, "all or nothing"

    new.write_bytes((HEADER + "EL-0003,elevator,TL-03,3号楼,1998/5/1,speed=1.75 m/s,old-lift\r\n"
                     "NEW-1,elevator,TL-03,,2001,,\r\n").encode("gb18030"))
    said = device(site, "import", new, "--merge", ok=(1,))
    assert "~ EL-0003 install_date: '1998' -> '1998-05-01'" in said and "+ NEW-1 class=elevator" in said
    assert "1 added, 1 changed, 0 removed" in said and register.read_bytes() == before, "nobody said yes"
    said = device(site, "import", new, "--merge", "--yes")
    assert "wallwatch apply" in said and len(register.read_text().splitlines()) == len(before.splitlines()) + 1
    assert "0 added, 0 changed, 0 removed" in device(site, "import", new, "--merge", "--yes")


def test_a_register_is_imported_and_what_is_heard_is_shown(site):
    imports(site)
    site.run("apply")
    site.run("migrate")
    assert site.sql("SELECT installed::text, rated FROM grid.current_device WHERE code = 'EL-0003'") == [
        ("1998-05-01", {"speed": {"unit": "m/s", "value": 1.75}})]

    lane = site.lane("plant")
    board = site.client()
    lift(site).say(moving=False, doors="closed")
    site.device("estate/xuhui/TL-03/elevator/EL-9999/telemetry", {"moving": True})
    wait_for("both are stored", lambda: site.value("SELECT count(*) FROM ops.seen WHERE heard IS NOT NULL") == 2)

    rows = listed(site, "--compound", "TL-03", "--class", "elevator")
    assert rows["EL-0003"]["state"] == "heard" and rows["NEW-1"]["state"] == "never"
    assert set(listed(site, "--state", "heard")) == {"EL-0003"}
    shown = device(site, "show", "EL-0003")
    for words in ("1998-05-01", "speed 1.75 m/s", "tianlin", "doors (doors): closed", "state: heard"):
        assert words in shown, shown

    whole = json.loads(device(site, "coverage", "--json"))["rows"]
    row = next(r for r in whole if r["kind"] == "compound" and r["id"] == "TL-03")
    assert row["heard"] == 1 and row["silent"] == 0 and row["never"] == row["listed"] - 1 > 0
    assert next(r for r in whole if r["kind"] == "city")["listed"] > row["listed"]
    site.sql_do("UPDATE ops.seen SET heard = heard - interval '5 minutes' WHERE code = 'EL-0003'")
    assert set(listed(site, "--state", "silent")) == {"EL-0003"}
    assert site.value("SELECT state FROM grid.device_state WHERE code = 'EL-0003'") == "silent"

    assert set(listed(site, "--state", "unlisted")) == {"EL-9999"}
    assert "wallwatch device adopt EL-9999" in device(site, "list", "--state", "unlisted")
    _, topic, _ = board.wait("it is told", "wallwatch/alert/plant/", lambda t, b: b and b["rule"] == "unlisted")
    wait_for("the alert says how to adopt it", lambda: site.value(
        "SELECT count(*) FROM alerting.event WHERE starts_with(why, 'wallwatch device adopt EL-9999')") == 1)
    assert "+ EL-9999 class=elevator compound=TL-03" in device(site, "adopt", "EL-9999")
    assert "listed already" in device(site, "adopt", "EL-9999", ok=(1,))
    site.run("apply")
    assert listed(site, "--state", "unlisted") == {}
    site.device("estate/xuhui/TL-03/elevator/EL-9999/telemetry", {"moving": False})
    board.wait("its alert ends", topic, lambda t, b: not b or b["state"] == "closed")
    walks(site, lane)


def walks(site, lane):
    found = []
    walk = threading.Thread(target=lambda: found.append(
        device(site, "walk-test", "EL-0003", "--any", "--as", "console", "--wait", "30s", ok=(0, 1))))
    walk.start()
    sender = lift(site)
    while walk.is_alive():
        sender.say(moving=True, doors="closed")
        walk.join(0.5)
    for word in ("journaled", "judged", "told", "stored", "all the way"):
        assert word in found[0], found[0]
    assert "received is lacking" in device(site, "walk-test", "EL-0001", "--as", "console", "--wait", "1s", ok=(1,))
    assert "not listed" in device(site, "walk-test", "EL-0000", "--wait", "1s", ok=(1,))
    assert lane.ready()
    site.run("audit")


def test_wrong_use_is_said_and_is_2(site):
    for args in ((), ("burn",), ("list", "--state", "lost"), ("list", "--unit", "nowhere"), ("import",),
                 ("coverage", "--age", "old"), ("walk-test", "EL-0003", "--wait", "soon")):
        done = subprocess.run([WALLWATCH, "device", *args, *(["--config", str(site.config)] if args else [])],
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 2 and done.stderr, args
    for verb in ("import", "adopt", "list", "show", "coverage", "walk-test"):
        assert "usage: wallwatch device " + verb in device(site, verb, "--help")
