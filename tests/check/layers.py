#!/usr/bin/python3
"""The walls: #include lines against layers.txt, no cycles between folders, suffixes keep their
permission, base/ knows no word of the domain, and no class of machine is named outside files."""
import pathlib
import re
import subprocess
import sys

LIBRARIES = {  # header -> suffixes that may include it
    "uv.h": {"uv", "pg", "curl", "mhd", "paho"},
    "libpq-fe.h": {"pg"},
    "MQTTAsync.h": {"paho"},
    "curl/curl.h": {"curl"},
    "microhttpd.h": {"mhd"},
    "mosquitto.h": {"mosq"},
}
WORLD = {  # system headers that only suffixed files and service/ may include
    "unistd.h", "fcntl.h", "sys/stat.h", "sys/types.h", "sys/socket.h", "sys/file.h", "dirent.h",
    "time.h", "sys/time.h", "poll.h", "signal.h", "sys/wait.h", "sys/mman.h", "netinet/in.h",
    "arpa/inet.h", "sys/random.h", "sys/un.h", "sys/prctl.h", "sys/resource.h",
}
SUFFIXES = {"uv", "pg", "paho", "mosq", "curl", "mhd", "posix"}
DOMAIN = re.compile(r"\b\w*(device|alert|tier|sample|topic)\w*\b", re.I)

PROTOCOLS = "ingest/normalise/frames"  # say fire and smoke as their standards do, of any class


def class_names(root):
    """Of config/default: what a new kind of machine brings must be a file, so none is in the program."""
    return {p.stem for p in pathlib.Path(root, "config/default/classes").glob("*.yaml")}


def names_class(line, classes):
    return [text for text in re.findall(r'"((?:[^"\\]|\\.)*)"', line) if text in classes]


def suffix(path):
    last = path.stem.rsplit("_", 1)
    return last[1] if len(last) == 2 and last[1] in SUFFIXES else ""


def read_table(path):
    table = {}
    for line in path.read_text().splitlines():
        line = line.split("#")[0].strip()
        if line:
            folder, _, rest = line.partition(":")
            table[folder.strip()] = set(rest.split())
    return table


def check(root, table):
    bad = []
    edges = {}
    classes = class_names(root)
    tracked = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard", "*.c", "*.h"],
                             capture_output=True, text=True)
    names = tracked.stdout.split() if tracked.returncode == 0 else [
        str(p.relative_to(root)) for p in pathlib.Path(root).rglob("*.[ch]")]
    for name in sorted(names):
        path = pathlib.Path(name)
        full = pathlib.Path(root) / path
        folder = str(path.parent)
        if folder.split("/")[0] in ("tests", "bench", "build") or not full.exists():
            continue
        if folder not in table:
            bad.append(f"{name}: folder {folder} is not in layers.txt")
            continue
        mine = suffix(path)
        for number, line in enumerate(full.read_text(errors="replace").splitlines(), 1):
            where = f"{name}:{number}"
            if folder.split("/")[0] == "base" and DOMAIN.search(line):
                bad.append(f"{where}: base knows no domain word: {line.strip()}")
            if folder != PROTOCOLS and names_class(line, classes):
                bad.append(f"{where}: the program knows no class: {line.strip()}")
            found = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if not found:
                continue
            quote, header = found.groups()
            if quote == '"':
                target = str(pathlib.Path(header).parent)
                if target != folder:
                    edges.setdefault(folder, set()).add(target)
                    if target not in table[folder]:
                        bad.append(f"{where}: {folder} may not include {target}")
                if not mine and folder != "service" and suffix(pathlib.Path(header)):
                    bad.append(f"{where}: a pure file includes an edge: {header}")
            elif header in LIBRARIES:
                if folder != "service" and mine not in LIBRARIES[header]:
                    bad.append(f"{where}: <{header}> needs a suffix of {sorted(LIBRARIES[header])}")
            elif header in WORLD and not mine and folder != "service":
                bad.append(f"{where}: <{header}> touches the world, the file has no suffix")
    bad += cycles(edges)
    return bad


def cycles(edges):
    bad, done = [], set()

    def walk(folder, path):
        if folder in path:
            bad.append("cycle: " + " -> ".join(path[path.index(folder):] + [folder]))
            return
        if folder in done:
            return
        for target in sorted(edges.get(folder, ())):
            walk(target, path + [folder])
        done.add(folder)

    for folder in sorted(edges):
        walk(folder, [])
    return bad


def selftest():
    """The oracle is tested by planting what it should find."""
    import tempfile
    with tempfile.TemporaryDirectory() as top:
        root = pathlib.Path(top)
        for folder in ("base", "model", "service"):
            (root / folder).mkdir()
        (root / "base/a.c").write_text('#include "model/b.h"\n#include <unistd.h>\nint alert;\n')
        (root / "model/b.h").write_text('#include "base/a.h"\n#include <uv.h>\n')
        (root / "model/c.c").write_text('#include "model/d_uv.h"\nif (!strcmp(name, "teapot"))\n')
        (root / "config/default/classes").mkdir(parents=True)
        (root / "config/default/classes/teapot.yaml").touch()
        found = "\n".join(check(top, {"base": set(), "model": {"base"}, "service": set()}))
        for want in ("base may not include model", "cycle:", "<unistd.h>", "domain word", "<uv.h>",
                     "includes an edge", "knows no class"):
            if want not in found:
                sys.exit(f"layers.py: selftest: did not find {want!r} in:\n{found}")


selftest()
problems = check(sys.argv[1], read_table(pathlib.Path(__file__).with_name("layers.txt")))
print("\n".join(problems))
sys.exit(1 if problems else 0)
