/*
 * pgconn: one non-blocking PostgreSQL connection on the loop.
 *
 *     waiting -> resolving -> connecting -> ready <-> busy
 *        ^____________________________________________|   (lost; back-off 0.2 s .. 5 s)
 *
 * It connects again by itself until closed. One request at a time; a request completes exactly
 * once, from the loop, never inside the call that started it; when the connection is lost it
 * completes with PGCONN_LOST, and on_lost follows. Names of hosts are resolved by uv_getaddrinfo
 * (PQconnectStart would block); unix sockets need none. Never pipeline mode: COPY hangs in it.
 * It logs nothing: what it knows goes to on_lost. Thread: loop. Time: the loop's, for back-off.
 */
#pragma once

#include "base/err.h"
#include "base/view.h"

#include <libpq-fe.h>
#include <uv.h>

struct pgconn;

struct pgconn_options {
    uv_loop_t *loop;
    const char *conninfo;        /* copied; without password */
    const char *password_file;   /* copied; NULL: none; read at each connect, never logged */
    const char *name;            /* copied; application_name */
    void (*on_ready)(void *arg); /* (again) connected, nothing prepared */
    void (*on_lost)(void *arg, const char *why); /* also after a failed first connect */
    void *arg;
};

enum pgconn_status {
    PGCONN_OK,
    PGCONN_ERROR, /* the server refused: result holds SQLSTATE and message */
    PGCONN_LOST,  /* no answer, or a FATAL one: it may or may not have happened; no result */
};

/* result is freed after the call. The connection is ready again: the next request may start. */
typedef void pgconn_done_fn(void *arg, enum pgconn_status status, const PGresult *result);

struct pgconn *pgconn_open(const struct pgconn_options *opt);
/* A request in flight never completes; on_closed is all that still comes. */
void pgconn_close(struct pgconn *conn, void (*on_closed)(void *arg), void *arg);
bool pgconn_ready(const struct pgconn *conn); /* connected and not busy */
/* Drops the connection (and with it locks and transaction) from the loop, says on_lost(why), and
 * connects anew after delay_ms at least. For who no longer knows in what state the session is. */
void pgconn_again(struct pgconn *conn, const char *why, uint64_t delay_ms);

/* One statement with text parameters (NULL entries are SQL NULL), results in text. CHECKs ready.
 * sql and params are copied. */
void pgconn_query(struct pgconn *conn, const char *sql, int n_params, const char *const *params,
    pgconn_done_fn *done, void *arg);
/* COPY ... FROM STDIN (FORMAT binary) with all bytes at hand; data is borrowed until done. */
void pgconn_copy_in(
    struct pgconn *conn, const char *sql, struct view data, pgconn_done_fn *done, void *arg);
