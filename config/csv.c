#include "config/csv.h"

#include "base/json.h"

void
csv_open(struct csv *csv, struct view text)
{
    const bool bom = text.len >= 3 && memcmp(text.ptr, "\xef\xbb\xbf", 3) == 0;

    *csv = (struct csv){.text = text, .at = bom ? 3 : 0, .line = 1};
}

static bool
at_end_of_line(const struct csv *csv)
{
    const char *p = csv->text.ptr + csv->at;

    return csv->at == csv->text.len || p[0] == '\n' ||
           (p[0] == '\r' && csv->at + 1 < csv->text.len && p[1] == '\n');
}

static void
next_line(struct csv *csv)
{
    while (csv->at < csv->text.len && csv->text.ptr[csv->at] != '\n')
        csv->at++;
    if (csv->at < csv->text.len)
        csv->at++;
    csv->line++;
}

static bool
plain_field(struct csv *csv, struct view *out, struct words *what)
{
    const size_t from = csv->at;

    while (!at_end_of_line(csv) && csv->text.ptr[csv->at] != ',') {
        const unsigned char c = (unsigned char)csv->text.ptr[csv->at];

        if (c == '"') {
            *what = (struct words){
                "引号出现在没有加引号的字段中", "a quote stands in a field that is not quoted"};
            return false;
        }
        if (c < 0x20) {
            *what = (struct words){"字段中有控制字符", "a control character stands in the field"};
            return false;
        }
        csv->at++;
    }
    *out = (struct view){csv->text.ptr + from, csv->at - from};
    return true;
}

static bool
quoted_field(struct csv *csv, struct arena *arena, struct view *out, struct words *what)
{
    const size_t from = ++csv->at;
    size_t doubled = 0;

    for (;; csv->at++) {
        const char *p = csv->text.ptr + csv->at;

        if (csv->at == csv->text.len || (unsigned char)*p < 0x20) {
            *what = (struct words){"引号没有在本行结束", "the quote does not end in its line"};
            return false;
        }
        if (*p != '"')
            continue;
        if (csv->at + 1 == csv->text.len || p[1] != '"')
            break;
        doubled++;
        csv->at++;
    }
    const struct view raw = {csv->text.ptr + from, csv->at - from};

    csv->at++;
    if (!at_end_of_line(csv) && csv->text.ptr[csv->at] != ',') {
        *what = (struct words){"引号之后还有文字", "text follows the closing quote"};
        return false;
    }
    *out = raw;
    if (doubled > 0) {
        char *copy = arena_alloc(arena, raw.len);
        size_t n = 0;

        for (size_t i = 0; i < raw.len; i++) {
            copy[n++] = raw.ptr[i];
            if (raw.ptr[i] == '"')
                i++;
        }
        *out = (struct view){copy, n};
    }
    return true;
}

static int
count_chars(const char *from, size_t len)
{
    int n = 0;

    for (size_t i = 0; i < len; i++)
        n += ((unsigned char)from[i] & 0xc0) != 0x80;
    return n;
}

static bool
read_row(struct csv *csv, struct arena *arena, struct csv_row *row, int *column, struct words *what)
{
    for (;;) {
        const size_t start = csv->at;

        if (row->n == CSV_MAX_COLUMNS) {
            *what = (struct words){"一行超过 32 个字段", "a row has more than 32 fields"};
            return false;
        }
        struct view *field = &row->fields[row->n];

        row->columns[row->n++] = *column;
        if (start < csv->text.len && csv->text.ptr[start] == '"') {
            if (!quoted_field(csv, arena, field, what))
                return false;
        } else if (!plain_field(csv, field, what)) {
            return false;
        }
        if (!utf8_valid(*field)) {
            *what = (struct words){"不是 UTF-8 文本", "the field is not UTF-8"};
            return false;
        }
        *column += count_chars(csv->text.ptr + start, csv->at - start) + 1;
        if (at_end_of_line(csv))
            return true;
        csv->at++;
    }
}

enum csv_result
csv_next(
    struct csv *csv, struct arena *arena, struct csv_row *row, struct mark *at, struct words *what)
{
    int column = 1;

    while (csv->at < csv->text.len && at_end_of_line(csv))
        next_line(csv);
    if (csv->at == csv->text.len)
        return CSV_END;
    row->line = csv->line;
    row->n = 0;
    const bool good = read_row(csv, arena, row, &column, what);

    *at = (struct mark){csv->line, column};
    next_line(csv);
    return good ? CSV_ROW : CSV_FLAW;
}
