#!/usr/bin/python3
"""Writes the SQL files named on the command line as a C table (base/io/schema.h)."""
import pathlib
import re
import sys

out = pathlib.Path(sys.argv[1])
files = sorted(pathlib.Path(name) for name in sys.argv[2:])
text = ['#include "base/io/schema.h"', ""]
rows = []
for number, path in enumerate(files, 1):
    found = re.fullmatch(r"(\d{4})_[a-z0-9_]+\.sql", path.name)
    if not found or int(found.group(1)) != number:
        sys.exit(f"{path}: the name is not {number:04d}_words.sql: numbers go up by one")
    sql = path.read_bytes()
    # Bytes, not a string literal: C promises only 4095 characters of those.
    lines = [", ".join(f"0x{b:02x}" for b in sql[i:i + 16]) for i in range(0, len(sql), 16)]
    text.append(f"static const unsigned char sql_{number}[] = {{\n    " + ",\n    ".join(lines) + "};\n")
    rows.append(f'    {{{number}, "{path.name}", {{(const char *)sql_{number}, sizeof(sql_{number})}}}},')
text.append("const struct schema_file schema_files[] = {\n" + "\n".join(rows) + "\n};")
text.append(f"const size_t schema_len = {len(files)};")
text.append(f"const uint32_t schema_version = {len(files)};")
out.write_text("\n".join(text) + "\n")
