#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool
err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
{
    va_list args;

    err->kind = kind;
    va_start(args, fmt);
    (void)vsnprintf(err->text, sizeof(err->text), fmt, args);
    va_end(args);
    return false;
}

bool
err_wrap(struct err *err, const char *fmt, ...)
{
    char what[ERR_TEXT_BYTES];
    char old[ERR_TEXT_BYTES];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    memcpy(old, err->text, sizeof(old));
    const int len = snprintf(err->text, sizeof(err->text), "%s: %s", what, old);

    if (len < 0 || (size_t)len >= sizeof(err->text))
        err->text[sizeof(err->text) - 1] = '\0';
    return false;
}
