/*
 * rerun: stored rejects through the normaliser again, after a profile was mended.
 *
 *   ops.reject -> ingest/normalise -> ops.rerun() -> telemetry.*, ops.rerun
 *
 * What becomes readable gets its rows with the original times, journal and position. Nobody judges
 * them and nobody is called: the engine is not asked. The verdict of the rejects becomes `rerun`;
 * what is still wrong stays a reject. Twice gives nothing new.
 *
 * Blocking; for tools. Time: one `now`, from the caller.
 */
#pragma once

#include "base/err.h"
#include "config/config.h"
#include "service/rejects_pg.h"

struct rerun_totals {
    uint64_t run;      /* its number in ops.rerun */
    uint64_t records;  /* that were looked at */
    uint64_t done;     /* of which rejects became readings, or are none any more */
    uint64_t readings; /* rows that are new */
    uint64_t mended;   /* rows that were there and are complete now */
    uint64_t turned;   /* rejects that are none any more */
    uint64_t refused;  /* records that the database refused, as it did before */
    char why[160];     /* of the last of them */
};

struct rerun_options {
    const struct rejects_options *which; /* its limit does not count */
    const char *profile;                 /* only what this one reads now; NULL: all */
    struct instant now;
};

MUST_USE bool rerun_run(PGconn *pg, const struct config *config, const struct rerun_options *opt,
    void (*progress)(void *arg, uint64_t done, uint64_t all), void *arg, struct rerun_totals *out,
    struct err *err);
