"""gb18030_table.c: the characters of GB 18030, as Python's codec knows them. usage: OUTPUT"""
import sys


def decode(code):
    try:
        text = bytes(code).decode("gb18030")
    except UnicodeDecodeError:
        return 0
    return ord(text) if len(text) == 1 else 0


def two_bytes():
    trails = [t for t in range(0x40, 0xFF) if t != 0x7F]
    return [decode((lead, trail)) for lead in range(0x81, 0xFF) for trail in trails]


def four_bytes():
    """(linear, unicode) where a run of consecutive characters, or a hole (0), begins"""
    runs = [(0, 0)]
    for linear in range(39420):  # the rest of the basic plane
        rest, last = divmod(linear, 10)
        rest, third = divmod(rest, 126)
        first, second = divmod(rest, 10)
        found = decode((first + 0x81, second + 0x30, third + 0x81, last + 0x30))
        start, unicode = runs[-1]
        if found != (0 if unicode == 0 else unicode + linear - start):
            runs.append((linear, found))
    # the other planes are one run
    return runs + [(39420, 0), (189000, 0x10000), (189000 + 0x100000, 0)]


def main():
    two, four = two_bytes(), four_bytes()
    assert len(two) == 126 * 190 and max(two) < 0x10000 and four[0][0] == 0
    with open(sys.argv[1], "w") as out:
        out.write("/* Made by gb18030_table.py. */\n")
        out.write('#include "ingest/normalise/frames/gb18030.h"\n\n')
        out.write("const uint16_t gb18030_two[126 * GB18030_TRAILS] = {\n")
        for i in range(0, len(two), 16):
            out.write("    " + ", ".join(map(str, two[i:i + 16])) + ",\n")
        out.write("};\n\nconst struct gb18030_range gb18030_four[] = {\n")
        for linear, unicode in four:
            out.write(f"    {{{linear}, {unicode}}},\n")
        out.write(f"}};\nconst unsigned gb18030_n_four = {len(four)};\n")


main()
