"""The console's API: what is open, live; who may see and press what; over a real broker and lane."""
import http.client
import json
import threading

import pytest

from harness.process import wait_for
from harness.site import charger, panel

PASSWORD = "correct horse battery"


class Browser:
    def __init__(self, site, name=None, password=PASSWORD):
        self.port, self.cookie = site.data["console"]["port"], None
        if name:
            assert self.login(name, password) == 204

    def login(self, name, password=PASSWORD):
        status, _, headers = self.ask("POST", "/api/v1/session", {"name": name, "password": password})
        if status == 204:
            self.set = headers["Set-Cookie"]
            self.cookie = self.set.split(";")[0]
        return status

    def headers(self, more=None):
        return {**({"Cookie": self.cookie} if self.cookie else {}), **(more or {})}

    def ask(self, method, path, body=None, headers=None):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        text = None if body is None else json.dumps(body)
        given = {"Content-Type": "application/json"} if text else {}
        c.request(method, path, text, self.headers({**given, **(headers or {})}))
        r = c.getresponse()
        data = r.read()
        c.close()
        return r.status, json.loads(data) if data else None, r.headers

    def get(self, path):
        status, body, _ = self.ask("GET", path)
        assert status == 200, body
        return body


class Stream:
    """Server-sent events, as they come: (event, id, data)."""

    def __init__(self, browser, last=None):
        self.got, self.ended = [], False
        self.c = http.client.HTTPConnection("127.0.0.1", browser.port, timeout=40)
        self.c.request("GET", "/api/v1/events", headers=browser.headers({"Last-Event-ID": last} if last else {}))
        self.r = self.c.getresponse()
        assert self.r.status == 200 and self.r.headers["Content-Type"] == "text/event-stream"
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        event = {}
        for line in self.r:
            line = line.decode().rstrip("\n")
            if line:
                key, _, value = line.partition(": ")
                event[key] = value
            elif event:
                self.got.append((event["event"], event["id"], json.loads(event["data"])))
                event = {}
        self.ended = True

    def seen(self, kind, condition=lambda data: True):
        return [e for e in list(self.got) if e[0] == kind and condition(e[2])]

    def wait(self, kind, condition=lambda data: True, seconds=10):
        wait_for(f"{kind} in {self.got[-5:]}", lambda: self.seen(kind, condition), seconds)
        return self.seen(kind, condition)[0]


def add(site, name, role, unit=""):
    path = site.folder / "password"
    path.write_text(PASSWORD + "\n")
    site.run("user", "add", name, "--role", role, "--unit", unit, "--password-file", path)


def listens(site):
    try:
        return Browser(site).ask("GET", "/api/v1/session")[0] == 401
    except ConnectionError:
        return False


@pytest.fixture
def site(make_site):
    site = make_site()
    site.prepare()
    for name, role, unit in (("wang", "duty", ""), ("admin", "admin", ""), ("viewer", "viewer", ""),
                             ("east", "duty", "tianlin-east"), ("other", "duty", "tianlin-west")):
        add(site, name, role, unit)
    site.lane("fire")
    site.console = site.spawn("console", "console")
    wait_for("the console", lambda: listens(site))
    return site



def test_a_fire_is_seen_live_taken_and_answered_within_its_unit_only(site):
    site.lane("plant")
    wang = Browser(site, "wang")
    assert "HttpOnly; SameSite=Strict" in wang.set and wang.set.startswith("__Host-")
    assert wang.get("/api/v1/session")["role"] == "duty"
    live = Stream(wang)
    live.wait("state", lambda s: s["state"] == "complete", 20)
    panel(site).say(part="1-001", alarm=True)
    _, ident, case = live.wait("case", lambda c: c["rule"] == "fire")
    alert = case["alert"]
    assert [a["alert"] for a in wang.get("/api/v1/alerts")["alerts"]] == [alert]

    # seen and touched in its own unit, not in another
    east, other = Browser(site, "east"), Browser(site, "other")
    assert east.get(f"/api/v1/alerts/{alert}")["alert"] == alert
    assert other.ask("GET", f"/api/v1/alerts/{alert}")[0] == 404
    assert other.get("/api/v1/alerts")["alerts"] == []
    command = {"command": "acknowledge", "reason": "on the way"}
    assert other.ask("POST", f"/api/v1/alerts/{alert}/commands", command)[0] == 404

    status, answer, _ = wang.ask("POST", f"/api/v1/alerts/{alert}/commands", command)
    assert status == 200 and answer["ok"] and answer["state"] == "acknowledged", answer
    live.wait("case", lambda c: c["state"] == "acknowledged" and c["acknowledged"]["by"] == "wang")

    # a stream that comes back goes on where it was; one of another run begins anew
    again = Stream(wang, ident)
    again.wait("case", lambda c: c["state"] == "acknowledged")
    assert not again.seen("reset")
    foreign = Stream(wang, "0123456789abcdef-5")
    foreign.wait("reset")

    # who did it is on the trail, which not everybody may read
    assert wang.ask("GET", "/api/v1/trail")[0] == 403
    trail = Browser(site, "admin").get("/api/v1/trail")
    assert any(t["what"] == "acknowledge" and t["by"] == "wang" and t["target"] == alert for t in trail)
    assert PASSWORD not in json.dumps(trail) and wang.cookie.partition("=")[2] not in json.dumps(trail)


def test_sessions_end_by_logout_and_by_removal_and_outlive_a_restart(site):
    wang, viewer = Browser(site, "wang"), Browser(site, "viewer")
    streams = Stream(wang), Stream(viewer)
    for s in streams:
        s.wait("state")
    site.console.kill()
    site.console.start()
    wait_for("the console", lambda: listens(site))
    assert wang.get("/api/v1/session")["name"] == "wang"
    streams = Stream(wang), Stream(viewer)
    for s in streams:
        s.wait("state")
    assert wang.ask("DELETE", "/api/v1/session")[0] == 204
    wait_for("the stream ends", lambda: streams[0].ended, 5)
    assert streams[0].seen("logout")
    assert wang.ask("GET", "/api/v1/alerts")[0] == 401
    assert not streams[1].ended
    site.run("user", "remove", "viewer")
    wait_for("the other stream ends", lambda: streams[1].ended, 5)
    assert viewer.ask("GET", "/api/v1/alerts")[0] == 401


def test_wrong_passwords_other_origins_and_roles_are_refused(site):
    nobody = Browser(site)
    assert nobody.login("nobody") == 401 and nobody.login("wang", "wrong password") == 401
    for path in ("/api/v1/alerts", "/api/v1/events", "/api/v1/state", "/api/v1/trail"):
        assert nobody.ask("GET", path)[0] == 401
    assert nobody.ask("GET", "/api/v1/nothing")[0] == 404
    assert nobody.ask("PUT", "/api/v1/alerts")[0] == 405
    assert nobody.ask("POST", "/api/v1/session", {"name": "wang", "password": PASSWORD},
                      {"Origin": "http://elsewhere.example"})[0] == 403
    assert nobody.ask("POST", "/api/v1/session", {"name": "wang", "password": PASSWORD},
                      {"Sec-Fetch-Site": "cross-site"})[0] == 403
    assert nobody.ask("POST", "/api/v1/session", {"name": ["wang"]})[0] == 400
    viewer = Browser(site, "viewer")
    status, problem, headers = viewer.ask("POST", "/api/v1/alerts/fire-0/commands", {"command": "settle"})
    assert status == 403 and problem["code"] == "not-allowed"
    assert headers["Content-Type"] == "application/problem+json"
    viewer.cookie += "x"
    assert viewer.ask("GET", "/api/v1/alerts")[0] == 401
    for _ in range(4):
        nobody.login("wang", "wrong password")
    assert nobody.login("wang") == 429
    assert nobody.login("admin") == 204


def test_it_never_says_complete_while_a_lane_is_silent(site):
    wang = Browser(site, "wang")  # the plant lane does not run
    live = Stream(wang)
    live.wait("state", lambda s: s["state"] == "incomplete", 20)
    assert not live.seen("state", lambda s: s["state"] == "complete")
    state = wang.get("/api/v1/state")
    lanes = {lane["lane"]: lane for lane in state["lanes"]}
    assert lanes["fire"]["up"] and not lanes["plant"]["up"] and not lanes["plant"]["heard"]
    site.lane("plant")
    live.wait("state", lambda s: s["state"] == "complete", 20)
    charger(site).say(part="1", port_temp=75.0)


def test_accounts_are_made_by_the_command_line_with_words_for_what_is_wrong(site):
    path = site.folder / "short"
    path.write_text("short\n")
    done = site.run("user", "add", "li", "--role", "duty", "--password-file", path, ok=(1,))
    assert "at least 10" in done.stderr
    assert "there already" in site.run("user", "add", "wang", "--role", "duty", "--password-file", path, ok=(1,)).stderr
    assert "not a role" in site.run("user", "change", "wang", "--role", "king", ok=(1,)).stderr
    assert "not a unit" in site.run("user", "change", "wang", "--unit", "moon", ok=(1,)).stderr
    assert "there is no" in site.run("user", "remove", "nobody", ok=(1,)).stderr
    site.run("user", "frobnicate", ok=(2,))
    listed = site.run("user", "list").stdout
    assert "wang" in listed and "tianlin-east" in listed and "$argon2" not in listed
    accounts = site.state / "console/accounts.json"
    assert accounts.stat().st_mode & 0o77 == 0 and PASSWORD not in accounts.read_text()
