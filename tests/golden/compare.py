#!/usr/bin/python3
"""compare.py GOLDEN PROGRAM [ARG...]: what PROGRAM prints must be GOLDEN. With UPDATE_GOLDEN=1 in
the environment GOLDEN is written instead; look at the difference before you commit it."""
import difflib
import os
import pathlib
import subprocess
import sys

golden = pathlib.Path(sys.argv[1])
now = subprocess.run(sys.argv[2:], capture_output=True, text=True, check=True).stdout
if os.environ.get("UPDATE_GOLDEN"):
    golden.write_text(now)
old = golden.read_text() if golden.exists() else ""
diff = list(difflib.unified_diff(old.splitlines(), now.splitlines(), "golden", "now", lineterm=""))
print("\n".join(diff))
sys.exit(1 if diff else 0)
