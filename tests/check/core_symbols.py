#!/usr/bin/python3
"""The other wall: what the pure library needs from outside must be on core-symbols.txt."""
import fnmatch
import pathlib
import subprocess
import sys


def undefined(library):
    out = subprocess.run(["nm", "-A", library], capture_output=True, text=True, check=True).stdout
    need, have = {}, set()
    for line in out.splitlines():
        place, _, rest = line.rpartition(":")
        fields = rest.split()
        if len(fields) == 2 and fields[0] == "U":
            need.setdefault(fields[1], place.rsplit(":", 1)[-1])
        elif len(fields) == 3 and fields[1] in "TDBRVWC":
            have.add(fields[2])
    return {name: where for name, where in need.items() if name not in have}


def foreign(symbols, allowed):
    return {name: where for name, where in symbols.items()
            if not any(fnmatch.fnmatchcase(name, pattern) for pattern in allowed)}


table = pathlib.Path(__file__).with_name("core-symbols.txt").read_text().splitlines()
allowed = [line.split("#")[0].strip() for line in table if line.split("#")[0].strip()]
if set(foreign({"open": "x.o", "strlen": "x.o", "time": "y.o"}, allowed)) != {"open", "time"}:
    sys.exit("core_symbols.py: selftest: open and time must be foreign, strlen must not")
bad = foreign(undefined(sys.argv[1]), allowed)
for name, where in sorted(bad.items()):
    print(f"{where}: {name} is not on core-symbols.txt")
sys.exit(1 if bad else 0)
