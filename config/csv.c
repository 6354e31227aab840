#include "config/csv.h"

#include "base/json.h"

#define BREAK_MAX_BYTES 1000 /* of a quoted text over several lines */

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

/* Where the quote that csv->at stands in ends in a later line; 0: it just was never closed. The
 * next quote is an opening one if it begins a field, and then nothing is known. */
static size_t
closed_below(const struct csv *csv)
{
    const size_t limit = csv->at + BREAK_MAX_BYTES;
    size_t at = csv->at;

    while (at < csv->text.len && at < limit && csv->text.ptr[at] != '"')
        at++;
    if (at == csv->text.len || at == limit || strchr(",\r\n", csv->text.ptr[at - 1]) != NULL)
        return 0;
    const struct csv behind = {.text = csv->text, .at = at + 1};

    return at_end_of_line(&behind) || csv->text.ptr[at + 1] == ',' ? at : 0;
}

static void
unclosed(struct csv *csv, struct words *what)
{
    const size_t end = csv->at < csv->text.len ? closed_below(csv) : 0;

    *what = (struct words){"引号没有在本行结束", "the quote does not end in its line"};
    if (end == 0)
        return;
    *what = (struct words){
        "引号内有换行, 一台设备只占一行", "a line break stands in quotes, a row is one line"};
    for (; csv->at < end; csv->at++)
        csv->line += csv->text.ptr[csv->at] == '\n';
}

static bool
quoted_field(struct csv *csv, struct arena *arena, struct view *out, struct words *what)
{
    const size_t from = ++csv->at;
    size_t doubled = 0;

    for (;; csv->at++) {
        const char *p = csv->text.ptr + csv->at;

        if (csv->at == csv->text.len || (unsigned char)*p < 0x20) {
            unclosed(csv, what);
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

    *at = (struct mark){row->line, column}; /* a row may have gone on below its line */
    next_line(csv);
    return good ? CSV_ROW : CSV_FLAW;
}

enum csv_dialect
csv_dialect(struct view text)
{
    size_t len = 0, even = 0, odd = 0; /* zero bytes at even and odd places of the first ones */

    for (size_t i = 0; i < text.len && i < 64; i++) {
        even += text.ptr[i] == '\0' && i % 2 == 0;
        odd += text.ptr[i] == '\0' && i % 2 == 1;
    }
    if (text.len >= 2 && (memcmp(text.ptr, "\xff\xfe", 2) == 0 ||
                             memcmp(text.ptr, "\xfe\xff", 2) == 0 || even > 8 || odd > 8))
        return CSV_UTF16;
    while (len < text.len && text.ptr[len] != '\n')
        len++;
    if (len == 0 || memchr(text.ptr, ',', len) != NULL)
        return CSV_COMMA;
    for (size_t i = 0; i < len; i++) {
        if (text.ptr[i] == ';' || text.ptr[i] == '\t' ||
            (i + 3 <= len &&
                (memcmp(text.ptr + i, "，", 3) == 0 || memcmp(text.ptr + i, "；", 3) == 0)))
            return CSV_SEPARATOR;
    }
    return CSV_COMMA;
}

static bool
in(unsigned char c, unsigned char from, unsigned char to)
{
    return c >= from && c <= to;
}

/* Bytes of the GB18030 character at the start, 1, 2 or 4; 0: there is none. */
static size_t
gb18030_char(const unsigned char *p, size_t len)
{
    if (p[0] < 0x80)
        return 1;
    if (len < 2 || !in(p[0], 0x81, 0xfe))
        return 0;
    if (in(p[1], 0x40, 0xfe) && p[1] != 0x7f)
        return 2;
    return len >= 4 && in(p[1], 0x30, 0x39) && in(p[2], 0x81, 0xfe) && in(p[3], 0x30, 0x39) ? 4 : 0;
}

bool
csv_is_gb18030(struct view text, struct mark *at)
{
    size_t foreign = 0, fine = 0; /* characters that are not, or are, of UTF-8 */
    struct mark mark = {1, 1};

    for (size_t i = 0; i < text.len;) {
        const struct view rest = {text.ptr + i, text.len - i};
        const size_t n = utf8_char(rest);

        foreign += n == 0 && (unsigned char)text.ptr[i] >= 0x80; /* NUL: a flaw of its row */
        fine += n > 1;
        if (foreign == 0) {
            mark.column = text.ptr[i] == '\n' ? 1 : mark.column + 1;
            mark.line += text.ptr[i] == '\n';
        }
        i += n == 0 ? 1 : n;
    }
    if (foreign == 0 || foreign <= fine)
        return false;
    for (size_t i = 0, n; i < text.len; i += n) {
        n = gb18030_char((const unsigned char *)text.ptr + i, text.len - i);
        if (n == 0)
            return false;
    }
    *at = mark;
    return true;
}
