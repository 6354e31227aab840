"""The assessment of a month: its figures against a count in another language, each with its cases."""
import csv
import datetime
import io
import json
import random

UTC = datetime.timezone.utc
FIRST = datetime.datetime(2026, 10, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=8)))
AS_OF = datetime.datetime(2026, 11, 5, tzinfo=UTC)
LIMIT = {"red": 4, "orange": 24}  # hours to settle, as shipped
TAKE = {"red": 3, "orange": 15}   # minutes to take


def stamp(at):
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Story:
    """What happened to one case, and its events as the ledger has them."""

    def __init__(self, dice, i):
        self.id, self.severity = f"plant-{i:016x}", dice.choice(list(LIMIT))
        self.units = dice.choice([{"point": "tianlin-12", "station": "tianlin-east"}, {"point": None, "station": "tianlin-west"}])
        self.opened = FIRST + datetime.timedelta(minutes=dice.randrange(31 * 24 * 60))
        self.kind = dice.choice(["open", "false", "settled", "settled", "reworked", "merged"])
        self.take, self.settle = dice.randrange(1, 40), dice.randrange(60, 3000)
        self.loop = dice.choice(["point", "station", "subdistrict", "district"])
        self.events = []
        self.say(0, "opened", "open", began=stamp(self.opened - datetime.timedelta(seconds=30)))
        if self.kind == "merged":
            self.say(9, "merged", "closed")
        elif self.kind == "false":
            self.say(self.take, "false-alarm", "false-alarm")
        elif self.kind != "open":
            self.say(self.take, "acknowledged", "acknowledged")
            self.say(self.settle, "settled", "resolved", loop=self.loop)
            if self.kind == "reworked":
                self.say(self.settle + 1, "recurred", "reopened")
            else:
                self.say(self.settle + 5, "verified", "verified", loop=self.loop)
                self.say(self.settle + 5, "closed", "closed", loop=self.loop)

    def say(self, minute, event, state, loop=None, **more):
        self.events.append((self.opened + datetime.timedelta(minutes=minute), self.id, {
            "alert": self.id, "event": event, "who": "li", "why": "", "hash": "", "prev": "", **more,
            "snapshot": {"alert": self.id, "rule": "lift-offline", "class": "elevator", "subject": "=EL", "part": "",
                         "compound": "TL-01", "severity": self.severity, "state": state, "tier": "point", "loop": loop,
                         "title": {"zh": "<困人>", "en": "<trapped>"}, "opened": stamp(self.opened), "orders": [],
                         "units": {**self.units, "subdistrict": "tianlin", "district": "xuhui"}}}))


def fill(site, stories):
    events = sorted((e for s in stories for e in s.events), key=lambda e: (e[0], e[1]))
    for n, (at, _, body) in enumerate(events, 1):
        body.update(n=n, at=stamp(at))
    site.sql_do("SELECT alerting.copy_events('plant', %s::json)", json.dumps([e[2] for e in events]))


def report(site, *args, ok=(0,)):
    return site.run("report", "--month", "2026-10", "--as-of", stamp(AS_OF), *args, ok=ok).stdout


def test_figures_are_those_of_a_plain_count_and_name_their_cases(make_site):
    site = make_site()
    site.run("migrate")
    site.run("apply")
    dice = random.Random(6)
    stories = [Story(dice, i) for i in range(300)]
    fill(site, stories)
    found = json.loads(report(site, "--format", "json"))
    every = found["scopes"][0]["figures"]
    counted = [s for s in stories if s.kind != "merged"]
    work = [s for s in counted if s.kind != "false"]
    done = {s.id for s in work if s.kind == "settled"}
    in_time = {s.id for s in work if s.kind == "settled" and s.settle <= LIMIT[s.severity] * 60}

    def due(s):
        return s.id in done or s.opened + datetime.timedelta(hours=LIMIT[s.severity]) < AS_OF

    to_settle = {s.id for s in work if due(s)}
    assert set(every["settled"]["cases"]) == done
    assert set(every["settled"]["cases"]) | set(every["settled"]["others"]) == to_settle
    assert set(every["settled-in-time"]["cases"]) == in_time
    assert every["settled-in-time"]["n"] == len(in_time) and every["settled-in-time"]["of"] == len(to_settle)
    assert set(every["overdue-open"]["cases"]) == to_settle - done
    assert set(every["false-alarm"]["cases"]) == {s.id for s in counted if s.kind == "false"}
    assert set(every["reworked"]["cases"]) <= {s.id for s in work if s.kind == "reworked"}
    assert set(every["low-loops"]["cases"]) == {s.id for s in work if s.id in done and s.loop in ("point", "station")}
    taken = sorted(s.take for s in counted if s.kind not in ("open",))
    assert every["triage-time"]["median_s"] == 60 * taken[(len(taken) - 1) // 2]
    assert every["taken-in-time"]["n"] == sum(s.kind != "open" and s.take <= TAKE[s.severity] for s in counted)
    assert every["detection-time"]["mean_s"] == 30 and every["filed-in-time"]["n"] == len(counted)
    assert {n["alert"] for n in found["not_counted"]} == {s.id for s in stories if s.kind == "merged"}
    for scope in found["scopes"]:
        if scope["scope"] == "severity":
            assert set(scope["figures"]["settled"]["cases"]) == done & {s.id for s in stories if s.severity == scope["id"]}
    units = {s["id"]: s for s in found["scopes"] if s["scope"] == "unit"}
    assert units["xuhui"]["cases"] == units["tianlin"]["cases"] == len(counted)

    rows = list(csv.DictReader(io.StringIO(report(site, "--format", "csv").lstrip("\ufeff"), newline="")))
    settled = next(r for r in rows if r["scope"] == "all" and r["indicator"] == "settled")
    assert set(settled["cases"].split()) == done and settled["n"] == str(len(done))
    assert not any(cell[:1] in "=+-@" for r in rows for cell in r.values() if cell)

    page = report(site, "--format", "html", "--lang", "zh")
    assert "<script" not in page and "<困人>" not in page and "&lt;困人&gt;" in page and "按期处置率" in page
    assert all(f'id="{s.id}"' in page for s in counted)
    assert "<trapped>" not in report(site, "--format", "html", "--lang", "en")
    assert "settled-in-time" in report(site, "--lang", "en")
    text = report(site, "--format", "json", "--unit", "tianlin")
    assert json.loads(text)["scopes"][0]["cases"] == len(counted)
    assert "allowed" in site.run("report", "--month", "2026-13", ok=(2,)).stderr
    assert "allowed" in site.run("report", "--month", "2026-10", "--unit", "nowhere", ok=(2,)).stderr
