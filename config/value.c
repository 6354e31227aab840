/* The simple values of the configuration, as text. */
#include "config/schema.h"

#include <math.h>
#include <stdlib.h>

#define NUMBER_MAX_BYTES 40

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool
value_int(struct view text, int64_t *out)
{
    int64_t n = 0;
    size_t at = text.len > 0 && text.ptr[0] == '-' ? 1 : 0;

    if (at == text.len || text.len - at > 16)
        return false;
    const bool minus = at == 1;

    for (; at < text.len; at++) {
        if (!is_digit(text.ptr[at]))
            return false;
        n = n * 10 + (text.ptr[at] - '0');
    }
    *out = minus ? -n : n;
    return true;
}

bool
value_real(struct view text, double *out)
{
    char copy[NUMBER_MAX_BYTES + 1];
    char *end;

    if (text.len == 0 || text.len > NUMBER_MAX_BYTES)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        /* strtod takes more: blanks, hexadecimal, infinity */
        if (!is_digit(text.ptr[i]) && strchr("+-.eE", text.ptr[i]) == NULL)
            return false;
    }
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    const double value = strtod(copy, &end);

    if (*end != '\0' || end == copy || !isfinite(value))
        return false;
    *out = value;
    return true;
}

bool
value_bytes(struct view text, uint64_t *out)
{
    static const struct {
        const char *name;
        int shift;
    } sizes[] = {{"TiB", 40}, {"GiB", 30}, {"MiB", 20}, {"KiB", 10}, {"B", 0}};
    int64_t n;

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        const size_t len = strlen(sizes[i].name);

        if (text.len <= len || memcmp(text.ptr + text.len - len, sizes[i].name, len) != 0)
            continue;
        const struct view digits = {text.ptr, text.len - len};

        if (!value_int(digits, &n) || n < 0 || (uint64_t)n > UINT64_MAX >> (sizes[i].shift + 1))
            return false;
        *out = (uint64_t)n << sizes[i].shift;
        return true;
    }
    return false;
}

bool
value_clock(struct view text, int *out)
{
    int64_t hour, minute;

    if (text.len != 5 || text.ptr[2] != ':' || !value_int((struct view){text.ptr, 2}, &hour) ||
        !value_int((struct view){text.ptr + 3, 2}, &minute))
        return false;
    if (hour < 0 || minute < 0 || minute > 59 || hour * 60 + minute > 1440)
        return false;
    *out = (int)(hour * 60 + minute);
    return true;
}

static bool
made_of(struct view text, size_t max, const char *others, bool capitals)
{
    if (text.len == 0 || text.len > max)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.ptr[i];
        const bool letter = (c >= 'a' && c <= 'z') || (capitals && c >= 'A' && c <= 'Z');

        if (!letter && !is_digit(c) && (c == '\0' || strchr(others, c) == NULL))
            return false;
    }
    return true;
}

bool
value_id(struct view text)
{
    return made_of(text, 64, "-", false) && text.ptr[0] != '-';
}

bool
value_name(struct view text)
{
    return made_of(text, 48, "_", false) && text.ptr[0] != '_' && !is_digit(text.ptr[0]);
}

bool
value_code(struct view text)
{
    return made_of(text, 64, "._:-", true) && strchr("._:-", text.ptr[0]) == NULL;
}
