#!/usr/bin/python3
"""Every header compiles alone."""
import json
import pathlib
import subprocess
import sys

root, build = map(pathlib.Path, sys.argv[1:3])
commands = json.loads((build / "compile_commands.json").read_text())
words = next(c["command"].split() for c in commands if "base/err.c" in c["file"])
options = [w for w in words if w.startswith(("-D", "-std", "-W", "-f")) and not w.startswith(("-fsanitize", "-Wp"))]
edge = subprocess.run(["pkg-config", "--cflags", "libpq", "libuv", "libcjson", "yaml-0.1", "libsodium",
                       "libcurl", "libmicrohttpd"], capture_output=True, text=True).stdout.split()
bad = 0
for header in sorted(root.rglob("*.h")):
    name = header.relative_to(root)
    if name.parts[0] in ("build", "var", "node_modules") or str(name).startswith("."):
        continue
    run = subprocess.run(["cc", *options, *edge, "-I", str(root), "-fsyntax-only", "-include",
                          str(name), "-x", "c", "/dev/null"], capture_output=True, text=True, cwd=root)
    if run.returncode:
        bad += 1
        print(f"{name}:\n{run.stderr}")
sys.exit(1 if bad else 0)
