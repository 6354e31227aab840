#include "alerting/rules/lex.h"

#include "alerting/rules/expr.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* What people type who think in another language, or on a Chinese keyboard. */
static const struct {
    const char *wrong, *right;
} slips[] = {
    {"&&", "and"},
    {"||", "or"},
    {"<>", "!="},
    {"=<", "<="},
    {"=>", ">="},
    {"!", "not"},
    {"&", "and"},
    {"|", "or"},
    {"（", "("},
    {"）", ")"},
    {"，", ","},
    {"＞", ">"},
    {"＜", "<"},
    {"≥", ">="},
    {"≤", "<="},
    {"≠", "!="},
    {"＝", "=="},
    {"×", "*"},
    {"÷", "/"},
    {"－", "-"},
    {"＋", "+"},
    {"“", "\""},
    {"”", "\""},
};

/* Longest first. */
static const char *const signs[] = {
    "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "(", ")", ","};

int
lex_column(const struct lexer *lexer, size_t offset)
{
    int column = 1;

    for (size_t i = 0; i < offset && i < lexer->text.len; i++)
        column += ((unsigned char)lexer->text.ptr[i] & 0xc0) != 0x80;
    return column;
}

bool
mistake_set(struct expr_mistake *mistake, int column, const char *en, const char *zh, va_list args)
{
    char text[ERR_TEXT_BYTES];
    va_list again;

    va_copy(again, args);
    (void)vsnprintf(text, sizeof(text), en, args);
    (void)vsnprintf(mistake->zh, sizeof(mistake->zh), zh, again);
    va_end(again);
    mistake->column = column;
    return err_set(&mistake->err, ERR_CONFIG, "%s", text);
}

bool
lex_fail(struct lexer *lexer, size_t offset, const char *en, const char *zh, ...)
{
    va_list args;

    va_start(args, zh);
    (void)mistake_set(lexer->mistake, lex_column(lexer, offset), en, zh, args);
    va_end(args);
    return false;
}

static int
byte_at(const struct lexer *lexer, size_t pos)
{
    return pos < lexer->text.len ? (unsigned char)lexer->text.ptr[pos] : -1;
}

static bool
is_name_byte(int c)
{
    return c == '_' || (c >= 0 && c < 0x80 && isalnum(c));
}

/* Letters of a unit: "°C", "m³/h", "%LEL". */
static bool
is_unit_byte(int c)
{
    return c >= 0x80 || c == '%' || c == '/' || is_name_byte(c);
}

static bool
starts_with(const struct lexer *lexer, size_t pos, const char *what)
{
    const size_t len = strlen(what);

    return len <= lexer->text.len - pos && memcmp(lexer->text.ptr + pos, what, len) == 0;
}

/* The unit at pos, as long as it can be: "A/2" is ampere and a division. */
static bool
read_unit(struct lexer *lexer, size_t number, size_t pos)
{
    size_t end = pos;

    while (is_unit_byte(byte_at(lexer, end)))
        end++;
    for (size_t stop = end; stop > pos; stop--) {
        const int next = byte_at(lexer, stop);
        const struct view name = {lexer->text.ptr + pos, stop - pos};
        const struct measure *measure = measure_find(name);

        if (measure == NULL || (stop < end && next != '/'))
            continue;
        lexer->token.measure = measure;
        lexer->pos = stop;
        return true;
    }
    const struct view unit = {lexer->text.ptr + pos, end - pos};

    return lex_fail(lexer, number,
        "'%.*s' is not a unit\nhint: write the number with a unit such as °C, %%, kPa, m/s or min.",
        "'%.*s' 不是单位\nhint: 数值后请写单位, 如 °C, %%, kPa, m/s, min", VIEW_ARG(unit));
}

static bool
is_joining_word(struct view word)
{
    return view_is(word, "and") || view_is(word, "or") || view_is(word, "not");
}

/* "6/h" is six times an hour; a division by a field of that name has spaces around it. */
static bool
is_frequency(const struct lexer *lexer, size_t pos)
{
    static const char *const units[] = {"/s", "/min", "/h"};

    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (starts_with(lexer, pos, units[i]) &&
            !is_unit_byte(byte_at(lexer, pos + strlen(units[i]))))
            return true;
    }
    return false;
}

/* A unit may stand one space away, but "45 and x" has none. */
static bool
read_unit_if_any(struct lexer *lexer, size_t number)
{
    size_t pos = lexer->pos;
    size_t end;

    if (is_frequency(lexer, pos))
        return read_unit(lexer, number, pos);
    while (byte_at(lexer, pos) == ' ')
        pos++;
    for (end = pos; is_name_byte(byte_at(lexer, end));)
        end++;
    if (!is_unit_byte(byte_at(lexer, pos)) || byte_at(lexer, pos) == '/')
        return true;
    if (is_joining_word((struct view){lexer->text.ptr + pos, end - pos}))
        return true;
    for (size_t i = 0; i < sizeof(slips) / sizeof(slips[0]); i++) {
        if (starts_with(lexer, pos, slips[i].wrong))
            return true;
    }
    return read_unit(lexer, number, pos);
}

static bool
read_number(struct lexer *lexer)
{
    const size_t start = lexer->pos;
    size_t pos = start;
    char text[64];

    while (isdigit(byte_at(lexer, pos)))
        pos++;
    if (byte_at(lexer, pos) == '.' && isdigit(byte_at(lexer, pos + 1))) {
        for (pos++; isdigit(byte_at(lexer, pos));)
            pos++;
    }
    if (byte_at(lexer, pos) == 'e') {
        const int sign = byte_at(lexer, pos + 1);
        const size_t digits = pos + (sign == '+' || sign == '-' ? 2 : 1);

        if (isdigit(byte_at(lexer, digits))) {
            for (pos = digits; isdigit(byte_at(lexer, pos));)
                pos++;
        }
    }
    const size_t len = pos - start;

    if (len >= sizeof(text))
        return lex_fail(lexer, start, "a number of %zu digits is too long", "%zu 位的数太长", len);
    memcpy(text, lexer->text.ptr + start, len);
    text[len] = '\0';
    lexer->token = (struct token){.kind = TOKEN_NUMBER,
        .start = start,
        .view = {lexer->text.ptr + start, len},
        .number = strtod(text, NULL),
        .measure = measure_find(view_of(""))};
    if (!isfinite(lexer->token.number))
        return lex_fail(lexer, start, "'%s' is too large", "'%s' 太大", text);
    lexer->pos = pos;
    return read_unit_if_any(lexer, start);
}

static bool
read_text(struct lexer *lexer)
{
    const size_t start = lexer->pos;
    const int quote = byte_at(lexer, start);

    for (size_t pos = start + 1;; pos++) {
        const int c = byte_at(lexer, pos);

        if (c < 0)
            return lex_fail(
                lexer, start, "a text without its closing %c", "文本缺少结尾的 %c", quote);
        if (c < 0x20)
            return lex_fail(
                lexer, pos, "a text may not hold control characters", "文本中不能有控制字符");
        if (c == '\\') {
            const int next = byte_at(lexer, ++pos);

            if (next != '\\' && next != '"' && next != '\'') {
                return lex_fail(lexer, pos - 1, "after '\\' only \\, \" or ' may stand in a text",
                    "文本中 '\\' 之后只能是 \\, \" 或 '");
            }
            continue;
        }
        if (c == quote) {
            lexer->token = (struct token){.kind = TOKEN_TEXT,
                .start = start,
                .view = {lexer->text.ptr + start + 1, pos - start - 1}};
            lexer->pos = pos + 1;
            return true;
        }
    }
}

static bool
read_sign(struct lexer *lexer)
{
    const size_t pos = lexer->pos;
    size_t len = 1;

    for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
        if (!starts_with(lexer, pos, signs[i]))
            continue;
        if (signs[i][0] == '<' && byte_at(lexer, pos + 1) == '>')
            break;
        len = strlen(signs[i]);
        lexer->token =
            (struct token){.kind = TOKEN_SIGN, .start = pos, .view = {lexer->text.ptr + pos, len}};
        lexer->pos = pos + len;
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(slips); i++) {
        if (starts_with(lexer, pos, slips[i].wrong)) {
            return lex_fail(lexer, pos, "'%s' is not known here\nhint: write '%s'.",
                "此处不认识 '%s'\nhint: 写作 '%s'", slips[i].wrong, slips[i].right);
        }
    }
    if (byte_at(lexer, pos) == '=')
        return lex_fail(lexer, pos, "'=' is not a comparison\nhint: write '=='.",
            "'=' 不是比较\nhint: 写作 '=='");
    if (byte_at(lexer, pos) < 0x20 || byte_at(lexer, pos) == 0x7f)
        return lex_fail(lexer, pos, "a control character cannot stand here", "此处不能有控制字符");
    while (((unsigned)byte_at(lexer, pos + len) & 0xc0) == 0x80 && byte_at(lexer, pos + len) >= 0)
        len++;
    return lex_fail(lexer, pos, "'%.*s' cannot stand here", "此处不能有 '%.*s'", (int)len,
        lexer->text.ptr + pos);
}

bool
lex_next(struct lexer *lexer)
{
    int c;

    while ((c = byte_at(lexer, lexer->pos)) == ' ' || c == '\t' || c == '\n' || c == '\r')
        lexer->pos++;
    if (c < 0) {
        lexer->token = (struct token){.kind = TOKEN_END, .start = lexer->pos, .view = {"", 0}};
        return true;
    }
    if (isdigit(c))
        return read_number(lexer);
    if (c == '"' || c == '\'')
        return read_text(lexer);
    if (!is_name_byte(c))
        return read_sign(lexer);
    const size_t start = lexer->pos;

    while (is_name_byte(byte_at(lexer, lexer->pos)))
        lexer->pos++;
    lexer->token = (struct token){
        .kind = TOKEN_NAME, .start = start, .view = {lexer->text.ptr + start, lexer->pos - start}};
    return true;
}

bool
lex_span(struct lexer *lexer, struct span least, struct span most, struct span *out)
{
    size_t pos = lexer->pos;
    char least_text[SPAN_TEXT_BYTES], most_text[SPAN_TEXT_BYTES];

    while (byte_at(lexer, pos) == ' ')
        pos++;
    const size_t start = pos;

    while (is_unit_byte(byte_at(lexer, pos)))
        pos++;
    const struct view text = {lexer->text.ptr + start, pos - start};

    if (!span_parse(text, out) || out->us < least.us || out->us > most.us) {
        return lex_fail(lexer, start,
            "'%.*s' is not a length of time, allowed are %s to %s\nhint: write '5m' for five "
            "minutes.",
            "'%.*s' 不是时长, 允许 %s 至 %s\nhint: 五分钟写作 '5m'", VIEW_ARG(text),
            span_text(least, least_text), span_text(most, most_text));
    }
    lexer->pos = pos;
    return lex_next(lexer);
}

bool
lex_digit_follows(const struct lexer *lexer)
{
    size_t pos = lexer->pos;

    while (byte_at(lexer, pos) == ' ')
        pos++;
    return byte_at(lexer, pos) >= '0' && byte_at(lexer, pos) <= '9';
}

int64_t
lex_intervals(struct lexer *lexer)
{
    static const char word[] = "intervals";
    size_t pos = lexer->pos;
    int64_t n = 0;

    while (byte_at(lexer, pos) == ' ')
        pos++;
    for (; byte_at(lexer, pos) >= '0' && byte_at(lexer, pos) <= '9' && n < 10000; pos++)
        n = n * 10 + (byte_at(lexer, pos) - '0');
    if (byte_at(lexer, pos) != ' ')
        return 0;
    while (byte_at(lexer, pos) == ' ')
        pos++;
    for (size_t i = 0; word[i] != '\0'; i++, pos++) {
        if (byte_at(lexer, pos) != word[i])
            return 0;
    }
    lexer->pos = pos;
    return n;
}
