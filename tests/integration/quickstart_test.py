"""README's first command, as a new user gives it, on a copy of this tree."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from harness.process import ROOT


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    folder = tmp_path_factory.mktemp("quick") / "tree"
    names = subprocess.run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard"], capture_output=True,
                           text=True, check=True).stdout.split()
    for name in names:
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    yield folder
    assert not leftovers(folder), "nothing that was started is left"


def leftovers(folder):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            line = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(folder) in line and "pytest" not in line:
            found.append(line)
    return found


def quickstart(tree, *args):
    return subprocess.run([tree / "deploy/quickstart", *args], capture_output=True, text=True, timeout=500,
                          stdin=subprocess.DEVNULL)


def test_the_quick_start_shows_rows_alerts_climbs_and_notices_and_balances(tree):
    done = quickstart(tree, "--seconds", "45")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert "audit balances" in done.stdout
    assert not leftovers(tree)


def test_a_second_run_reuses_what_is_there_and_a_replay_ends_its_dates_as_rejects(tree, tmp_path):
    csv = tmp_path / "vibration.csv"
    csv.write_text("ball-bearing;humidity;vibration\n" + "93.7;74.0;18\n" * 150 + "93.7;74.0;31. Jul\n" * 50)
    done = quickstart(tree, "--replay", str(csv))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    rejects = [int(n) for n in re.findall(r"(\d+) rejects", done.stdout)]
    assert sum(rejects) >= 50, done.stdout
    assert "audit balances" in done.stdout


def test_quickstart_says_what_is_wrong_with_its_options(tree):
    assert quickstart(tree, "--seconds", "soon").returncode == 2
    assert quickstart(tree, "--sekonds", "1").returncode == 2
    assert "--replay" in quickstart(tree, "--help").stdout
