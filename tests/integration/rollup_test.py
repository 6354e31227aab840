"""Roll-ups say what the readings say, for a device that comes late too, and nothing is computed twice for nothing."""
import datetime
import json
import math

import pytest

from harness.process import wait_for
from harness.site import Device

UTC = datetime.timezone.utc


def minute_of(at, minutes):
    return (at + datetime.timedelta(minutes=minutes)).replace(second=0, microsecond=0)


@pytest.fixture
def charger(site):
    site.lane("plant")
    device = Device(site, "estate/xuhui/TL-04/charger/CH-0004/telemetry")
    # the hour before last: over, and whole
    begin = datetime.datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - datetime.timedelta(hours=2)
    return site, device, begin


def step(site):
    """All that is due; the lane's keeper may have been faster."""
    wait_for("everything that is due is rolled up", lambda: site.value("SELECT rollup.step(1000)") == 0, 20, 0.1)


def said(device, begin, seconds, **port):
    device.say(_at=begin + datetime.timedelta(seconds=seconds), ports=[{"port": "1", **port}])


def test_minutes_hours_and_days_are_what_the_readings_say(charger):
    site, device, begin = charger
    for second, temp, state in ((10, 20, "idle"), (40, 30, "charging"), (70, 40, "charging"), (3590, 10, "idle")):
        said(device, begin, second, port_temp=temp, state=state, energy=temp / 10)
    wait_for("stored", lambda: site.value("SELECT count(*) FROM telemetry.charger") == 4)
    step(site)
    minutes = site.sql("SELECT time, rows, (port_temp).n, (port_temp).min, (port_temp).max, (port_temp).mean, "
                       "(port_temp).last FROM rollup.charger_minute WHERE part = '1' ORDER BY time")
    assert minutes == [(begin, 2, 2, 20, 30, 25, 30), (minute_of(begin, 1), 1, 1, 40, 40, 40, 40),
                       (minute_of(begin, 59), 1, 1, 10, 10, 10, 10)]
    (hour,) = site.sql("SELECT time, rows, (port_temp).mean, (energy).rise, states FROM rollup.charger_hour WHERE part = '1'")
    assert hour[:3] == (begin, 4, 25)
    assert math.isclose(hour[3], 1 + 1 + 1), "2.0 3.0 4.0, then from zero to 1.0"
    # idle 30 s and the last 10 s; charging from second 40 for three intervals of 3 min after the last word
    assert {k: v for k, v in hour[4]["state"].items()} == {"0": [40, 2], "1": [570, 1]}
    (day,) = site.sql("SELECT rows, (port_temp).min, (port_temp).max, (port_temp).mean, (port_temp).last, states "
                      "FROM rollup.charger_day WHERE part = '1'") if begin.date() < datetime.datetime.now(UTC).date() else [None]
    if day:
        assert day[:5] == (4, 10, 40, 25, 10) and day[5]["state"]["1"] == [570, 1]


def test_what_comes_late_changes_its_own_buckets_and_no_others(charger):
    site, device, begin = charger
    for second in (10, 70):
        said(device, begin, second, port_temp=20)
    wait_for("stored", lambda: site.value("SELECT count(*) FROM telemetry.charger") == 2)
    step(site)
    before = dict(site.sql("SELECT time, xmin::text FROM rollup.charger_minute"))
    other = Device(site, "estate/xuhui/TL-05/charger/CH-0005/telemetry")
    said(other, begin, 75, port_temp=50)
    said(device, begin, 80, port_temp=60)
    wait_for("stored", lambda: site.value("SELECT count(*) FROM telemetry.charger") == 4)
    step(site)
    key = site.value("SELECT device FROM ops.seen WHERE code = 'CH-0004'")
    after = dict(site.sql("SELECT time, xmin::text FROM rollup.charger_minute WHERE device = %s", key))
    assert after[begin] == before[begin], "the minute that nobody touched was not computed again"
    assert site.value("SELECT (port_temp).max FROM rollup.charger_minute WHERE device = %s AND time = %s",
                      key, minute_of(begin, 1)) == 60
    assert site.value("SELECT (port_temp).n FROM rollup.charger_hour WHERE device = %s", key) == 3
    assert site.value("SELECT count(*) FROM rollup.charger_hour") == 2


def test_a_series_comes_from_the_coarsest_level_that_answers(charger):
    site, device, begin = charger
    for minute in range(0, 60, 10):
        said(device, begin, minute * 60 + 5, port_temp=minute)
    wait_for("stored", lambda: site.value("SELECT count(*) FROM telemetry.charger") == 6)
    step(site)
    key = site.value("SELECT device FROM ops.seen WHERE code = 'CH-0004'")

    def series(hours, points):
        return site.sql("SELECT * FROM rollup.series('charger', %s, '1', 'port_temp', %s, %s, %s)", key, begin,
                        begin + datetime.timedelta(hours=hours), points)
    assert [row[0] for row in series(1, 1000)] == ["reading"] * 6
    assert [row[0] for row in series(1, 60)] == ["minute"] * 6
    (hour,) = series(2, 2)
    assert hour == ("hour", begin, 6, 0, 50, 25, 50)
    now = Device(site, "estate/xuhui/TL-04/charger/CH-0004/telemetry", boot=2)
    now.say(ports=[{"port": "1", "port_temp": 99}])
    wait_for("stored", lambda: site.value("SELECT count(*) FROM telemetry.charger") == 7)
    fresh = series(3, 3)
    assert fresh[0] == hour and fresh[-1][4] == 99, "what is not over yet is there too"


def test_storage_shows_what_is_kept_and_how_fresh_it_is(charger):
    site, device, begin = charger
    said(device, begin, 10, port_temp=20)
    wait_for("stored", lambda: site.value("SELECT count(*) FROM telemetry.charger") == 1)
    step(site)
    shown = json.loads(site.run("storage", "--json").stdout)
    levels = {row["level"]: row for row in shown["tables"] if row["class"] == "charger"}
    assert set(levels) == {"reading", "minute", "hour", "day"}
    assert levels["reading"]["bytes"] > 0 and levels["minute"]["chunks"] == 1
    assert shown["waiting"] == site.value("SELECT count(DISTINCT (level, class, time)) FROM ops.touched")
    assert "charger" in site.run("storage").stdout
