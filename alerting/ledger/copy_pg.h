/*
 * copy: the ledger's copy in Postgres (alerting.*), on a connection of its own.
 *
 * Reads the ledger behind its own mark in alerting.ledger_mark and inserts each event once; cases
 * and orders are upserted from the snapshot an event carries. Thread: loop.
 */
#pragma once

#include "base/wal.h"

#include <uv.h>

struct ledger_copy;

struct ledger_copy_options {
    uv_loop_t *loop;
    const char *conninfo, *password_file;
    const char *lane;
    struct wal *ledger;
    void (*on_copied)(void *arg, uint64_t mark); /* committed up to here */
    void (*on_away)(void *arg, const char *why);
    void *arg;
};

struct ledger_copy *ledger_copy_open(const struct ledger_copy_options *opt);
void ledger_copy_close(struct ledger_copy *copy, void (*on_closed)(void *arg), void *arg);
/* There may be something new. */
void ledger_copy_wake(struct ledger_copy *copy);
