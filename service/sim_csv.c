#include "service/sim_csv.h"

#include "base/json.h"

static struct view
next_cell(struct view *rest, char separator, bool *more)
{
    const char *end = rest->len == 0 ? NULL : memchr(rest->ptr, separator, rest->len);
    const size_t len = end == NULL ? rest->len : (size_t)(end - rest->ptr);
    struct view cell = {rest->ptr, len};

    *more = end != NULL;
    *rest = *more ? (struct view){rest->ptr + len + 1, rest->len - len - 1} : (struct view){"", 0};
    if (cell.len >= 2 && cell.ptr[0] == '"' && cell.ptr[cell.len - 1] == '"')
        cell = (struct view){cell.ptr + 1, cell.len - 2};
    return cell;
}

bool
sim_csv_header(struct arena *arena, struct view line, struct sim_csv *out, struct err *err)
{
    struct sim_csv csv = {.separator = ','};
    bool more = true;

    if (line.len >= 3 && memcmp(line.ptr, "\xEF\xBB\xBF", 3) == 0)
        line = (struct view){line.ptr + 3, line.len - 3};
    if (line.len > 0 && memchr(line.ptr, ';', line.len) != NULL)
        csv.separator = ';';
    while (more) {
        const struct view cell = next_cell(&line, csv.separator, &more);
        char *name = arena_text(arena, cell);

        if (cell.len == 0 || csv.n == SIM_CSV_COLUMNS) {
            return err_set(err, ERR_INPUT,
                "header: column %zu has no name, or there are more than %d columns", csv.n + 1,
                SIM_CSV_COLUMNS);
        }
        for (char *c = name; *c != '\0'; c++) {
            if (*c >= 'A' && *c <= 'Z')
                *c = (char)(*c + 32);
            else if (!(*c >= 'a' && *c <= 'z') && !(*c >= '0' && *c <= '9'))
                *c = '_';
        }
        csv.names[csv.n++] = name;
    }
    *out = csv;
    return true;
}

void
sim_csv_row(const struct sim_csv *csv, struct view line, struct buf *out)
{
    struct json_writer json;
    struct buf text;
    bool more = true;
    size_t at = 0;

    buf_init(&text, 65536);
    for (size_t i = 0; i < csv->n && more; i++) {
        const struct view cell = next_cell(&line, csv->separator, &more);
        const bool number = json_check(cell, JSON_NUMBER_BYTES, &at) == JSON_FINE &&
                            strchr("-0123456789", cell.ptr[0]) != NULL;

        if (cell.len == 0)
            continue;
        buf_printf(out, "%s\"%s\":", out->len > 0 ? "," : "", csv->names[i]);
        if (number) {
            buf_put(out, cell);
            continue;
        }
        buf_reset(&text);
        json_begin(&json, &text);
        json_view(&json, NULL, cell);
        json_end(&json);
        buf_put(out, buf_view(&text));
    }
    buf_fini(&text);
}
