#!/usr/bin/python3
"""schema.py PROGRAM ROOT: the JSON Schemas of the configuration, ROOT/config/default/schema, are what
`check --schema` writes; each shipped file names its schema and fits it; the usual mistakes do not."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import jsonschema
import yaml

program, root = sys.argv[1], pathlib.Path(sys.argv[2])
default, base = root / "config/default", root / "tests/golden/config/base"
bad = []


class Loader(yaml.SafeLoader):
    """As YAML 1.2 and editors have it: no dates, no sexagesimal numbers, only true and false."""


Loader.yaml_implicit_resolvers = {}
for tag, form, first in [("bool", r"true|false", "tf"), ("int", r"[-+]?[0-9]+", "-+0123456789"),
                         ("float", r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?", "-+.0123456789"),
                         ("null", r"~|null|", ["~", "n", ""])]:
    Loader.add_implicit_resolver("tag:yaml.org,2002:" + tag, re.compile(f"^(?:{form})$"), first)


def expect(truth, what):
    if not truth:
        bad.append(what)
        print(what)


def read(text):
    return yaml.load(text, Loader)


def errors(kind, value):
    return [f"{list(e.path)}: {e.message[:300]}" for e in validators[kind].iter_errors(value)]


def kind_of(path):
    folder = path.parent.name
    return folder if folder in ("classes", "examples", "rules") else path.stem


with tempfile.TemporaryDirectory() as fresh:
    subprocess.run([program, "check", "--schema", fresh], check=True, stdout=subprocess.DEVNULL)
    names = sorted(os.listdir(fresh))
    for name in names:
        text = (pathlib.Path(fresh) / name).read_text()
        shipped = default / "schema" / name
        if os.environ.get("UPDATE_GOLDEN"):
            shipped.write_text(text)
        expect(shipped.exists() and shipped.read_text() == text, f"{name}: not what the tables say")
    expect(names == sorted(p.name for p in (default / "schema").iterdir()), "schemas too many or too few")
    validators = {name.split(".")[0]: jsonschema.Draft7Validator(json.loads((pathlib.Path(fresh) / name).read_text()))
                  for name in names}

for validator in validators.values():
    validator.check_schema(validator.schema)
files = sorted(default.rglob("*.yaml"))
expect(len(files) >= 30, "the shipped files are not found")
for path in files + sorted(base.rglob("*.yaml")):
    found = errors(kind_of(path), read(path.read_text()))
    expect(not found, f"{path}: {found[:3]}")
for path in files:
    line = path.read_text().splitlines()[0]
    expect(line.startswith("# yaml-language-server: $schema="), f"{path}: names no schema")
    named = (path.parent / line.split("=", 1)[1]).resolve()
    expect(named == (default / "schema" / f"{kind_of(path)}.schema.json").resolve(), f"{path}: names {named}")

for kind, old, new in [
        ("rules", "severity:", "severitty:"), ("rules", "severity: red", "severity: purple"),
        ("rules", "for: 45s", "for: 45"), ("rules", "- rule: lift-trapped", "- rule: Lift_Trapped"),
        ("classes", "interval: 60s", "interval: often"), ("classes", "type: bool", "type: boolean"),
        ("site", "life_safety: true", "life_safety: perhaps"), ("site", "max_size:", "maxsize:"),
        ("grid", "tier: district", "tier: city"), ("policies", "unless: acknowledged", "unless: acked"),
        ("calendar", "year:", "yaer:"), ("rosters", "officer:", "oficer:"),
        ("examples", "payload:", "paylod:")]:
    folder = {"rules": default / "rules/elevator.yaml", "classes": default / "classes/elevator.yaml",
              "examples": default / "classes/examples/elevator-plain.yaml"}.get(kind, default / f"{kind}.yaml")
    text = folder.read_text()
    expect(old in text, f"{folder}: has no '{old}'")
    expect(errors(kind, read(text.replace(old, new, 1))), f"{kind}: '{new}' passes")
print(f"{len(files)} files, {len(validators)} schemas, {len(bad)} wrong")
sys.exit(1 if bad else 0)
