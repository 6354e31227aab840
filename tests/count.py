#!/usr/bin/python3
"""Adds up what a run of tests/run left in its folder and ends with "N passed, N failed". A test
program that ran no test, and a run without tests, count as failures."""
import json
import pathlib
import re
import sys
import xml.etree.ElementTree as xml


def from_meson(path):
    for line in path.read_text().splitlines():
        test = json.loads(line)
        name, output = test["name"], (test.get("stdout") or "") + (test.get("stderr") or "")
        inner = [int(n) for n in re.findall(r"\[  PASSED  \] (\d+) test", output)]
        broken = re.findall(r"\[  FAILED  \] (\S+)", output)
        good = test["result"] in ("OK", "EXPECTEDFAIL")
        if good:
            yield name, max(sum(inner), 1), 0
        else:
            yield name, sum(inner), max(len(set(broken) - {"tests"}), 1)


def from_pytest(path):
    for case in xml.parse(path).getroot().iter("testcase"):
        if case.find("skipped") is not None:
            yield case.get("name"), 0, 1  # a skipped test has proven nothing
        else:
            bad = case.find("failure") is not None or case.find("error") is not None
            yield case.get("name"), int(not bad), int(bad)


def from_notes(path):
    for line in path.read_text().splitlines():
        word, _, name = line.partition(" ")
        yield name, int(word == "pass"), int(word == "fail")


def main(folder):
    passed, failed, names = 0, 0, []
    for path in sorted(folder.iterdir()):
        reader = {".json": from_meson, ".xml": from_pytest}.get(path.suffix)
        if path.name == "notes":
            reader = from_notes
        for name, good, bad in reader(path) if reader else ():
            passed, failed = passed + good, failed + bad
            if bad:
                names.append(name)
    for name in names:
        print(f"failed: {name}")
    if passed + failed == 0:
        failed = 1
        print("failed: no test ran")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main(pathlib.Path(sys.argv[1])))
