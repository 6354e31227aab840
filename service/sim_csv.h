/* sim_csv: the rows of a CSV file (; or , between the cells, a header first) as JSON members. Pure.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define SIM_CSV_COLUMNS 64

struct sim_csv {
    char separator;
    const char *names[SIM_CSV_COLUMNS]; /* lower case, what is no letter or digit is _ */
    size_t n;
};

/* line: without its end; names live in arena. */
MUST_USE bool sim_csv_header(
    struct arena *arena, struct view line, struct sim_csv *out, struct err *err);
/* "vibration":18.001,"humidity":"31. Jul": numbers as numbers, everything else as it is, as text;
 * empty cells are left out. */
void sim_csv_row(const struct sim_csv *csv, struct view line, struct buf *out);
