#!/usr/bin/python3
"""check.py PROGRAM FOLDER: one mistake of each kind, and what `check` says of it.

A case is FOLDER/<name>.case: changes to a copy of FOLDER/base, a line "== en", what is printed in
English, a line "== zh", what is printed in Chinese. Changes:

    in FILE          then lines "-..." and "+...": this text (whole lines, once) becomes that one;
                     only "+" lines: added at the end. \\t \\r \\xNN are taken for these bytes
    remove FILE
    replace FILE     then "+" lines: all there is in it
    command WORDS    `WORDS` is run instead of `check`, in the folder

With UPDATE_GOLDEN=1 in the environment the expected parts are written; read the difference."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

program, folder = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2])


def to_bytes(lines):
    text = "".join(line + "\n" for line in lines).encode()
    text = re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes([int(m[1], 16)]), text)
    return text.replace(rb"\t", b"\t").replace(rb"\r", b"\r")


def change(root, verb, name, minus, plus):
    path = root / name
    if verb == "command":
        return
    if verb == "remove":
        path.unlink()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    old = path.read_bytes() if path.exists() else b""
    if verb == "replace":
        new = to_bytes(plus)
    elif not minus:
        new = old + to_bytes(plus)
    else:
        if old.count(to_bytes(minus)) != 1:
            raise SystemExit(f"{name}: not there once: {minus}")
        new = old.replace(to_bytes(minus), to_bytes(plus))
    path.write_bytes(new)


def prepare(root, lines):
    shutil.copytree(folder / "base", root)
    verb = name = None
    minus, plus = [], []
    for line in lines + ["end ."]:
        if not line:
            continue
        if line[0] in "+-":
            (plus if line[0] == "+" else minus).append(line[1:])
            continue
        if verb:
            change(root, verb, name, minus, plus)
        verb, name = line.split(" ", 1)
        minus, plus = [], []


def run(root, lang, command):
    at = ["--at", "2026-11-24T04:00:00Z"] if command == "check" else []
    done = subprocess.run([program, *command.split(), "--config", str(root), "--lang", lang, *at],
                          capture_output=True, text=True, timeout=60, cwd=root)
    return f"{done.stdout}{done.stderr}exit {done.returncode}\n"


def check(case):
    changes = case.read_text().split("== en\n")[0]
    with tempfile.TemporaryDirectory() as top:
        root = pathlib.Path(top) / "config"
        prepare(root, changes.splitlines())
        first = changes.splitlines()[0]
        command = first.removeprefix("command ") if first.startswith("command ") else "check"
        now = changes + "".join(f"== {lang}\n{run(root, lang, command)}" for lang in ("en", "zh"))
    if os.environ.get("UPDATE_GOLDEN"):
        case.write_text(now)
    if now == case.read_text():
        return True
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(now)
        file.flush()
        print(case.name)
        subprocess.run(["diff", "-u", str(case), file.name], check=False)
    return False


cases = sorted(folder.glob("*.case"))
bad = [case.name for case in cases if not check(case)]
print(f"{len(cases)} cases, {len(bad)} differ: {' '.join(bad)}")
sys.exit(1 if bad or len(cases) < 40 else 0)
