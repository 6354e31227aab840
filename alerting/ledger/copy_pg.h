/*
 * copy: the ledger's copy in Postgres (alerting.*), on a connection of its own.
 *
 *   ledger -> copy -> alerting.event, case, order, evidence
 *
 * Reads the ledger behind its own mark in alerting.ledger_mark, in batches of one transaction
 * each, mark included. Events are inserted once; cases and orders are upserted from the snapshot
 * an event carries, only by a newer event: copying twice does no harm, so a lost COMMIT needs no
 * care beyond reading the mark again. An event that Postgres refuses goes to alerting.unreadable.
 *
 * Thread: loop. Time: the loop's, for back-off.
 */
#pragma once

#include "base/wal.h"

#include <uv.h>

struct ledger_copy;

struct ledger_copy_options {
    uv_loop_t *loop;
    const char *conninfo, *password_file;        /* copied; password_file NULL: none */
    const char *lane;                            /* copied */
    struct wal *ledger;                          /* borrowed until ledger_copy_close */
    void (*on_copied)(void *arg, uint64_t mark); /* committed up to here; also after a connect */
    void (*on_away)(void *arg, const char *why); /* may come many times */
    void *arg;
};

struct ledger_copy *ledger_copy_open(const struct ledger_copy_options *opt);
/* Nothing but on_closed comes afterwards. */
void ledger_copy_close(struct ledger_copy *copy, void (*on_closed)(void *arg), void *arg);
/* There may be something new. Cheap: call it whenever something was appended. */
void ledger_copy_wake(struct ledger_copy *copy);
