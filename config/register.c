#include "config/register.h"

#include <stdlib.h>

static const char *
normal(struct view text, int column, struct arena *arena)
{
    char shown[DAY_TEXT_BYTES];
    struct day day;

    if (column == COLUMN_INSTALLED && day_parse(text, &day))
        return arena_text(arena, view_of(day_text(day, shown)));
    return text.len == 0 ? "" : arena_text(arena, text);
}

static int
compare_codes(const void *a, const void *b)
{
    const struct register_row *left = a, *right = b;

    return strcmp(left->cells[COLUMN_CODE], right->cells[COLUMN_CODE]);
}

static void
take_row(
    const struct csv_row *csv, const int *columns, struct arena *arena, struct register_table *out)
{
    struct register_row *row = &out->at[out->len];

    for (int i = 0; i < DEVICE_COLUMNS; i++)
        row->cells[i] = "";
    for (size_t i = 0; i < csv->n; i++) {
        if (columns[i] >= 0)
            row->cells[columns[i]] = normal(csv->fields[i], columns[i], arena);
    }
    if (row->cells[COLUMN_CODE][0] != '\0')
        out->len++;
}

/* Sorted; of rows with one code the first stays. */
static void
sort_rows(struct register_table *table)
{
    size_t len = 0;

    if (table->len == 0)
        return;
    qsort(table->at, table->len, sizeof(*table->at), compare_codes);
    for (size_t i = 0; i < table->len; i++) {
        if (len == 0 || compare_codes(&table->at[len - 1], &table->at[i]) != 0)
            table->at[len++] = table->at[i];
    }
    table->len = len;
}

void
register_read(struct view text, struct arena *arena, struct register_table *out)
{
    int columns[CSV_MAX_COLUMNS];
    size_t lines = 1, n_columns = 0;
    struct csv_row row;
    struct words what;
    struct mark at;
    struct csv csv;

    for (size_t i = 0; i < text.len; i++)
        lines += text.ptr[i] == '\n';
    *out = (struct register_table){ARENA_ARRAY(arena, lines, struct register_row), 0};
    csv_open(&csv, text);
    for (;;) {
        const enum csv_result result = csv_next(&csv, arena, &row, &at, &what);

        if (result == CSV_END)
            break;
        if (result == CSV_FLAW)
            continue;
        if (n_columns == 0) {
            n_columns = row.n;
            for (size_t i = 0; i < row.n; i++)
                columns[i] = device_column(row.fields[i]);
        } else if (row.n == n_columns) {
            take_row(&row, columns, arena, out);
        }
    }
    sort_rows(out);
}

void
register_merge(const struct register_table *base, const struct register_table *added,
    struct arena *arena, struct register_table *out)
{
    struct register_row *at = ARENA_ARRAY(arena, base->len + added->len, struct register_row);
    size_t i = 0, j = 0, len = 0;

    while (i < base->len || j < added->len) {
        const int cmp = i == base->len    ? 1
                        : j == added->len ? -1
                                          : compare_codes(&base->at[i], &added->at[j]);

        at[len++] = cmp < 0 ? base->at[i] : added->at[j];
        i += cmp <= 0;
        j += cmp >= 0;
    }
    *out = (struct register_table){at, len};
}

static void
put_cell(const char *text, struct buf *out)
{
    if (strpbrk(text, ",\"") == NULL) {
        buf_text(out, text);
        return;
    }
    buf_char(out, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"')
            buf_char(out, '"');
        buf_char(out, *text);
    }
    buf_char(out, '"');
}

void
register_put_row(const struct register_row *row, const bool *columns, struct buf *out)
{
    for (int i = 0, n = 0; i < DEVICE_COLUMNS; i++) {
        if (!columns[i])
            continue;
        if (n++ > 0)
            buf_char(out, ',');
        put_cell(row->cells[i], out);
    }
    buf_char(out, '\n');
}

void
register_write(const struct register_table *table, struct buf *out)
{
    bool columns[DEVICE_COLUMNS] = {0};
    struct register_row header;

    for (int i = 0; i < DEVICE_COLUMNS; i++) {
        columns[i] = i < REQUIRED_COLUMNS;
        header.cells[i] = device_columns[i];
        for (size_t row = 0; row < table->len && !columns[i]; row++)
            columns[i] = table->at[row].cells[i][0] != '\0';
    }
    register_put_row(&header, columns, out);
    for (size_t row = 0; row < table->len; row++)
        register_put_row(&table->at[row], columns, out);
}

static void
put_whole(char sign, const struct register_row *row, struct buf *out)
{
    buf_printf(out, "%c %s", sign, row->cells[COLUMN_CODE]);
    for (int i = COLUMN_CODE + 1; i < DEVICE_COLUMNS; i++) {
        if (row->cells[i][0] != '\0')
            buf_printf(out, " %s=%s", device_columns[i], row->cells[i]);
    }
    buf_char(out, '\n');
}

static bool
put_changes(const struct register_row *from, const struct register_row *to, struct buf *out)
{
    bool changed = false;

    for (int i = 0; i < DEVICE_COLUMNS; i++) {
        if (strcmp(from->cells[i], to->cells[i]) == 0)
            continue;
        buf_printf(out, "~ %s %s: '%s' -> '%s'\n", to->cells[COLUMN_CODE], device_columns[i],
            from->cells[i], to->cells[i]);
        changed = true;
    }
    return changed;
}

struct register_diff
register_compare(
    const struct register_table *from, const struct register_table *to, struct buf *out)
{
    struct register_diff diff = {0};
    size_t i = 0, j = 0;

    while (i < from->len || j < to->len) {
        const int cmp = i == from->len ? 1
                        : j == to->len ? -1
                                       : compare_codes(&from->at[i], &to->at[j]);

        if (cmp < 0) {
            put_whole('-', &from->at[i++], out);
            diff.removed++;
        } else if (cmp > 0) {
            put_whole('+', &to->at[j++], out);
            diff.added++;
        } else {
            diff.changed += put_changes(&from->at[i++], &to->at[j++], out);
        }
    }
    return diff;
}
