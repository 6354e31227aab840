/*
 * rejects: what could not become readings, as Postgres holds it, oldest first.
 *
 * Read-only, blocking; for tools. Raw bytes stay in the database (ops.reject.raw).
 */
#pragma once

#include "base/err.h"

#include <stdint.h>

#include <libpq-fe.h>

struct reject_row { /* texts are valid until the call for it returns */
    const char *at; /* when it was received, RFC 3339, UTC */
    const char *lane;
    const char *reason, *class_name, *device, *detail;
    int64_t pos; /* of its record in the lane's journal */
    int32_t idx; /* number within the record */
    int64_t bytes;
    bool rerun; /* became readings later */
};

struct rejects_options {
    const char *since, *until;          /* received [since, until), RFC 3339; NULL: all */
    const char *lane, *device, *reason; /* NULL: all */
    int64_t limit;                      /* the newest so many */
};

MUST_USE bool rejects_run(PGconn *pg, const struct rejects_options *opt,
    void (*row)(void *arg, const struct reject_row *row), void *arg, struct err *err);
