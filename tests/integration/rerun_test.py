"""After a profile is mended, stored rejects become rows with their original times, and nobody is called."""
import datetime
import json

from harness.process import wait_for
from harness.site import Device

UTC = datetime.timezone.utc
BROKEN = {"flow": "flow", "level": "level"}
MENDED = {"flow": {"path": "flow", "scale": 0.001}, "level": "level", "outlet_pressure": "op", "set_pressure": "sp"}


def profile(site, fields):
    site.edit("classes/water.yaml", lambda data: data["profiles"]["plain"].update(fields=fields))


def rerun(site, *args):
    return json.loads(site.run("rejects", "--rerun", "--json", *args).stdout)


def test_rejects_become_rows_once_with_their_times_and_the_books_balance(make_site):
    site = make_site()
    profile(site, BROKEN)
    site.prepare()
    site.lane("plant")
    pump = Device(site, "estate/xuhui/TL-01/water/WP-0001/telemetry")
    at = (datetime.datetime.now(UTC) - datetime.timedelta(hours=3)).replace(microsecond=250000)
    body = pump.say(_at=at, op=5, sp=400)  # a rule would call about it
    site.device(pump.topic, body)  # nobody understood it, so the device says it again: a duplicate
    pump.say(_at=at + datetime.timedelta(seconds=1), flow=3000, level=2)  # litres: out of range, kept and named
    pump.say(_at=at + datetime.timedelta(seconds=2), flow="n/a", op=6)
    pump.say(_at=at + datetime.timedelta(seconds=3), flow=7)
    site.device(pump.topic, b"no JSON")
    site.device("estate/xuhui/TL-01/kettle/K-1/telemetry", {"op": 1})
    wait_for("stored", lambda: site.value("SELECT count(*) FROM ops.reject") == 5 and
             site.value("SELECT count(*) FROM telemetry.water") == 2)
    assert site.sql("SELECT flow, suspect FROM telemetry.water ORDER BY time") == [(3000, 2), (7, 0)]

    assert rerun(site)["done"] == 0, "with the old profile there is nothing new"
    profile(site, MENDED)
    site.run("apply")
    assert rerun(site, "--profile", "meokon")["records"] == 0 and rerun(site, "--device", "WP-0002")["records"] == 0
    assert rerun(site, "--to", "1h")["records"] == 0 and rerun(site, "--reason", "range", "--from", "1h")["mended"] == 1
    done = rerun(site, "--profile", "plain")
    assert (done["done"], done["readings"], done["still"]) == (2, 2, 1), done

    rows = site.sql("SELECT time, outlet_pressure, flow, level, suspect, server_time FROM telemetry.water ORDER BY time")
    assert rows == [(at, 5, None, None, 0, False),
                    (at + datetime.timedelta(seconds=1), None, 3, 2, 0, False),
                    (at + datetime.timedelta(seconds=2), 6, None, None, 2, False),
                    (at + datetime.timedelta(seconds=3), None, 7, None, 0, False)]
    assert sorted(site.sql("SELECT reason, verdict FROM ops.reject")) == sorted([
        ("no-fields", "rerun"), ("range", "rerun"),
        ("type", "rejected"), ("json-syntax", "rejected"), ("unknown-class", "rejected")]), \
        site.sql("SELECT reason, detail, verdict, run FROM ops.reject")
    again = rerun(site)
    assert (again["readings"], again["mended"], again["turned"]) == (0, 0, 0), again
    assert site.value("SELECT count(*) FROM telemetry.water") == 4
    assert site.value("SELECT count(*) FROM ops.touched WHERE class = 'water' AND device IS NOT NULL") > 0, "rolled up anew"
    assert not site.sql("SELECT body FROM alerting.case WHERE starts_with(subject, 'WP-')"), "nobody judged them"
    found = json.loads(site.run("audit", "--json", "--lane", "plant", "--wait", "20").stdout)
    assert found["balanced"], found
    # the books notice when a rerun's row is gone, or a reject lost its verdict
    site.sql_do("DELETE FROM telemetry.water WHERE outlet_pressure = 5")
    site.sql_do("UPDATE ops.reject SET verdict = 'rejected' WHERE reason = 'range'")
    broken = json.loads(site.run("audit", "--json", "--lane", "plant", "--wait", "20", ok=(1,)).stdout)
    texts = " ".join(f["text"] for lane in broken["lanes"] for f in lane["findings"])
    assert "readings" in texts and "reruns" in texts and "rejects" in texts, texts
