/*
 * csv: strict comma-separated rows (RFC 4180): UTF-8, a BOM at the start is skipped, LF or CRLF.
 *
 * A field may stand in quotes, a quote inside is doubled. What is laxer is a flaw with its place;
 * reading goes on in the next line. Pure; fields point into the text or, if they held doubled
 * quotes, into arena.
 */
#pragma once

#include "base/arena.h"
#include "config/source.h"
#include "model/words.h"

#define CSV_MAX_COLUMNS 32

struct csv {
    struct view text;
    size_t at;
    int line; /* of at, from 1 */
};

struct csv_row {
    int line;
    size_t n;
    struct view fields[CSV_MAX_COLUMNS];
    int columns[CSV_MAX_COLUMNS]; /* where each begins, in characters from 1 */
};

enum csv_result { CSV_ROW, CSV_FLAW, CSV_END };

void csv_open(struct csv *csv, struct view text);
/* FLAW: *at and *what are filled, row is not. Empty lines are passed over. */
enum csv_result csv_next(
    struct csv *csv, struct arena *arena, struct csv_row *row, struct mark *at, struct words *what);
/* What a spreadsheet saves that is no comma-separated UTF-8; told by the beginning of the text. */
enum csv_dialect { CSV_COMMA, CSV_SEPARATOR, CSV_UTF16 };
enum csv_dialect csv_dialect(struct view text);
/* Is it Chinese text of a spreadsheet that does not write UTF-8 (GB2312 and GBK are parts of
 * GB18030)? *at: its first character. Damaged UTF-8 is not. */
bool csv_is_gb18030(struct view text, struct mark *at);
