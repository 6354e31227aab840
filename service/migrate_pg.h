/*
 * migrate: brings the database to the schema of this program: numbered files, class tables, and
 * the copy of grid and devices. Blocking; for tools, never for a lane.
 *
 * Each file is one transaction with its line in ops.migration. Forward only: a database that is
 * newer than the program, or whose files differ from ours, is refused. lock_timeout 2 s: under
 * load it gives up with a line instead of standing in everybody's way.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "model/class.h"
#include "model/device.h"
#include "model/grid.h"

#include <libpq-fe.h>

struct migrate_options {
    const char *conninfo, *password_file; /* password_file NULL: none */
    struct class_table classes;
    const struct grid *grid; /* NULL: grid and devices are not copied */
    const struct device_table *devices;
    uint32_t config_version;
    const char *config_hash;
    const char *driver; /* plain or timescale; NULL: as chosen, at first what the server has */
    bool check;         /* does all of it in one transaction and takes it back */
};

/* A blocking connection for tools. NULL: err says why. Shared with audit. */
PGconn *tool_connect(const char *conninfo, const char *password_file, struct err *err);
/* ERR_CONFIG with a hint if the schema is not that of this program. */
MUST_USE bool tool_check_schema(PGconn *pg, struct err *err);
/* One statement with text parameters; NULL: err holds "what: the server's words". */
PGresult *tool_query(PGconn *pg, const char *what, const char *sql, int n_params,
    const char *const *params, struct err *err);

/* Appends a line to report for each thing that was done (or, with check, would be). */
MUST_USE bool migrate_run(const struct migrate_options *opt, struct buf *report, struct err *err);
