"""A tenth class of machine, by files alone: its table, its rows, its alert."""
from harness.process import wait_for

CLASS = """
class: boiler
title: {zh: 锅炉, en: Boiler}
interval: 60s
fields:
  pressure: {type: real, title: {zh: 压力, en: pressure}, unit: kPa, min: 0, max: 2000}
  flame: {type: bool, title: {zh: 火焰, en: flame}, edge: true}
  valve:
    type: code
    title: {zh: 阀门, en: valve}
    edge: true
    codes: {shut: 0, open: 1}
profiles:
  hotwell:
    time: at
    time_form: local
    text_numbers: true
    messages:
      - when: {kind: live}
        fields:
          pressure: {path: values.p, scale: 100}
          valve: {path: values.v, codes: {"1": open, "2": shut}}
          flame: values.flame
"""
RULE = """
- rule: boiler-pressure
  class: boiler
  title: {zh: 锅炉超压, en: Boiler pressure too high}
  severity: orange
  when: pressure > 900 kPa
"""
EXAMPLE = """
class: boiler
profile: hotwell
examples:
  - example: hot
    payload: '{"kind": "live", "values": {"p": "9.5", "v": 2}}'
    readings:
      - fields: {pressure: 950, valve: shut}
"""


def test_a_class_of_machines_that_nobody_knew_is_a_few_files(make_site):
    site = make_site()
    (site.config / "classes/boiler.yaml").write_text(CLASS)
    (site.config / "classes/examples/boiler.yaml").write_text(EXAMPLE)
    (site.config / "rules/boiler.yaml").write_text(RULE)
    devices = site.config / "devices.csv"
    header = devices.read_text().splitlines()[0].split(",")
    row = {"code": "BO-1", "class": "boiler", "compound": "TL-01", "invert": "flame"}
    lines = devices.read_text().splitlines()
    if "invert" not in header:
        lines = [line + ("," if i else ",invert") for i, line in enumerate(lines)]
        header.append("invert")
    lines.append(",".join(row.get(name, "") for name in header))
    devices.write_text("\n".join(lines) + "\n")
    tested = site.run("test")
    assert ", 0 failed" in tested.stdout and "boiler.yaml" not in tested.stdout
    site.prepare()
    site.lane("plant")
    board = site.client()
    site.device("estate/xuhui/TL-01/boiler/BO-1/telemetry",
                '{"kind": "live", "values": {"p": "9.51", "v": 2, "flame": "1"}}')
    _, _, case = board.wait("the case", "wallwatch/alert/plant/", lambda t, b: b and b["rule"] == "boiler-pressure", 10)
    assert case["severity"] == "orange" and case["title"]["zh"] == "锅炉超压"
    wait_for("the row is stored", lambda: site.value("SELECT count(*) FROM telemetry.boiler") == 1)
    # the burner's contact of this boiler is the other way round
    assert site.sql("SELECT pressure, valve, flame FROM telemetry.boiler") == [(951, 0, False)]


def test_a_class_grows_by_a_column_and_never_changes_one(site):
    def water(change):
        path = site.config / "classes/water.yaml"
        path.write_text(change(path.read_text()))
    water(lambda text: text.replace("fields:\n", "fields:\n  ripple: {type: real, title: {zh: 脉动, en: ripple}, unit: kPa}\n", 1))
    assert "column telemetry.water.ripple added" in site.run("migrate", "--check").stdout
    assert not site.value("SELECT count(*) FROM pg_attribute WHERE attname = 'ripple'"), "--check changed nothing"
    assert "column telemetry.water.ripple added" in site.run("migrate").stdout
    site.run("apply")
    site.lane("plant")
    code, compound = next(line.split(",")[:3:2] for line in (site.config / "devices.csv").read_text().splitlines()
                          if line.split(",")[1] == "water")
    site.device(f"estate/xuhui/{compound}/water/{code}/telemetry", {"ripple": 2.5})
    wait_for("the new column is filled", lambda: site.value("SELECT max(ripple) FROM telemetry.water") == 2.5)
    water(lambda text: text.replace("ripple: {type: real, title: {zh: 脉动, en: ripple}, unit: kPa}",
                                    "ripple: {type: text, title: {zh: 脉动, en: ripple}}"))
    refused = site.run("migrate", ok=(1,)).stderr
    assert "'ripple' is double precision in the database and would be text now" in refused and "another name" in refused
