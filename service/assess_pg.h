/* assess_pg: the cases that were filed in a span of time, with their stories, from the copy of the
 * lanes' ledgers. Blocking and read-only, for tools. */
#pragma once

#include "alerting/assessment/assess.h"
#include "base/err.h"
#include "config/config.h"

#include <libpq-fe.h>

struct assess_ask {
    struct instant from, to, as_of;
    const char *unit; /* only its subtree; "": all */
};

/* Texts live in arena; assess_free the cases. */
MUST_USE bool assess_read(PGconn *pg, const struct config *config, const struct assess_ask *ask,
    struct arena *arena, struct assess_case **cases, size_t *n, struct err *err);
void assess_free(struct assess_case *cases, size_t n);
