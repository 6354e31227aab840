"""What a person meets who only has the README and --help."""
import json
import subprocess
import time

from harness.process import WALLWATCH, wait_for


def wallwatch(*args):
    return subprocess.run([WALLWATCH, *map(str, args)], capture_output=True, text=True, timeout=60)


def status(client, lane):
    found = client.seen(f"wallwatch/status/{lane}")
    return found[-1][2] if found else {}


def test_a_folder_that_is_not_there_is_one_line(tmp_path):
    done = wallwatch("check", "--config", tmp_path / "none")
    assert done.returncode == 1
    assert "is not a folder" in done.stdout and done.stdout.count("\n") == 2, done.stdout


def test_only_a_lane_that_exists_puts_a_configuration_in_force(make_site):
    site = make_site()
    done = wallwatch("lane", "nowhere", "--config", site.config)
    assert done.returncode == 1 and "allowed are 'fire', 'plant'" in done.stderr
    done = wallwatch("alert", "list", "--config", site.config)
    assert done.returncode == 1
    assert not (site.state / "config").exists()


def test_a_threshold_is_taken_over_while_the_lane_runs_and_a_version_comes_back(site):
    site.lane("plant")
    client = site.client()
    wait_for("version 1", lambda: status(client, "plant").get("config") == 1)
    rules = site.config / "rules/charger.yaml"
    text = rules.read_text()
    assert "port_temp >= 60" in text
    rules.write_text(text.replace("port_temp >= 60", "port_temp >= 61"))
    site.run("apply")
    wait_for("version 2", lambda: status(client, "plant").get("config") == 2)
    site.run("config", "rollback", 1)
    wait_for("version 1 again", lambda: status(client, "plant").get("config") == 1)
    done = site.run("apply", "--version", 7, ok=(1,))
    assert "configuration 7" in done.stderr
    listed = site.run("config", "list").stdout.splitlines()
    assert [line[:8].split() for line in listed] == [["*", "1"], ["2"]]
    differs = site.run("config", "diff", 1, 2, ok=(1,)).stdout
    assert "rule charger-hot" in differs and "changed" in differs and "+  when: port_temp >= 61" in differs
    assert "rules unchanged" in differs and "devices: 0 added, 0 removed" in differs
    assert site.run("config", "show", 2, "rules/charger.yaml").stdout == rules.read_text()
    assert "no file" in site.run("config", "show", 2, "../../../etc/passwd", ok=(1,)).stderr
    assert "wrong words" in site.run("config", "forget", 2, ok=(2,)).stderr


def test_rejects_names_what_could_not_be_read(site):
    site.lane("plant")
    site.device("estate/xuhui/TL-01/elevator/EL-0001/telemetry", "{")
    site.device("estate/xuhui/TL-01/nothing/EL-0001/telemetry", "{}")
    wait_for("both are stored", lambda: site.value("SELECT count(*) FROM ops.reject") == 2)
    lines = [json.loads(line) for line in site.run("rejects", "--json").stdout.splitlines()]
    assert [line["reason"] for line in lines] == ["json-syntax", "unknown-class"]
    assert lines[0]["device"] == "EL-0001" and lines[0]["lane"] == "plant"
    assert site.run("rejects", "--limit", 1).stdout.splitlines()[-1] == "1 rejects"
    assert site.run("rejects", "--since", time.strftime("%Y-01-01T00:00:00Z", time.gmtime(2**32))).stdout == "0 rejects\n"
    site.run("rejects", "--since", "yesterday", ok=(2,))
    site.run("rejects", "--lane", "nowhere", ok=(1,))


def test_a_command_to_a_lane_that_is_not_there_is_refused_at_once(site):
    done = site.run("alert", "acknowledge", "nowhere-0123456789abcdef", ok=(1,))
    assert "'nowhere' is not a lane" in done.stderr
