/*
 * backtest_pg: stored readings and rejects in the order in which they came, for backtest.
 *
 * One connection and one COPY per class, and one for rejects, merged by (received, journal,
 * position). Blocking; for tools.
 */
#pragma once

#include "base/err.h"
#include "service/backtest.h"

struct backtest_span {
    struct instant from, to; /* of receiving: [from, to) */
};

/* Feeds all of it, and ends the backtest. database: whose connection is used. progress is called
 * now and then with the time that has been reached. Rows of lanes that the configuration does not
 * have are counted in *foreign. */
MUST_USE bool backtest_rows(struct backtest *backtest, const struct config *database,
    const struct backtest_span *span, void (*progress)(void *arg, struct instant at), void *arg,
    uint64_t *foreign, struct err *err);
