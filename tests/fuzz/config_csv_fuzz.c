/* Any bytes as devices.csv: rows of UTF-8 fields with their places, flaws, an end. */
#include "base/check.h"
#include "base/json.h"
#include "config/csv.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct csv_row row;
    struct arena arena;
    struct words what = {0};
    struct mark at;
    struct csv csv;
    int line = 0;

    arena_init(&arena);
    csv_open(&csv, view_bytes(data, size));
    for (;;) {
        const enum csv_result result = csv_next(&csv, &arena, &row, &at, &what);

        if (result == CSV_END)
            break;
        CHECK(row.line > line);
        line = row.line;
        if (result == CSV_FLAW) {
            CHECK(what.en != NULL && what.zh != NULL && at.line == line && at.column >= 1);
            continue;
        }
        CHECK(row.n >= 1 && row.n <= CSV_MAX_COLUMNS);
        for (size_t i = 0; i < row.n; i++) {
            CHECK(utf8_valid(row.fields[i]));
            CHECK(row.columns[i] >= 1 && (i == 0 || row.columns[i] > row.columns[i - 1]));
        }
    }
    CHECK(csv.at == size);
    if (csv_is_gb18030(view_bytes(data, size), &at))
        CHECK(at.line >= 1 && at.column >= 1);
    arena_fini(&arena);
    return 0;
}
