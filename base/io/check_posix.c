#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

void
check_failed(const char *cond, const char *file, int line)
{
    (void)fprintf(stderr, "%s:%d: CHECK failed: %s\n", file, line, cond);
    abort();
}
