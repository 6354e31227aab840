/*
 * send: one batch as one transaction; and what the two halves of the writer share. writer_pg.c has
 * life, handshake and the filling of batches, send_pg.c carries one out.
 */
#pragma once

#include "ingest/writer/batch.h"
#include "ingest/writer/sqlstate.h"
#include "ingest/writer/writer_pg.h"

struct pgconn;

enum writer_state {
    WRITER_AWAY,    /* connecting, or waiting before it connects */
    WRITER_SHAKING, /* connected; schema, epoch, journal, mark, tables */
    WRITER_OPEN,
    WRITER_FENCED, /* another process has a newer epoch */
    WRITER_CLOSED,
};

struct range { /* rows of one table that are still to be copied */
    size_t table, first, end;
};

struct send {
    bool busy;
    bool bisect;                /* every COPY under a savepoint */
    size_t table, day;          /* where ensure_chunk stands */
    VEC(struct range) todo;     /* last first */
    struct buf stream;          /* what COPY is sending */
    uint64_t quarantined, rows; /* rows: of the batch, before any was taken out */
    char why[160];              /* of the last bad row */
};

struct writer {
    struct writer_options opt;
    char *texts[3]; /* what opt's strings point to */
    enum writer_state state;
    struct pgconn *conn;
    uv_timer_t flush_timer; /* since the oldest record of the filling batch */
    unsigned failures;      /* since the last commit: back-off */
    size_t probe;           /* handshake: table that is looked at */
    bool told;              /* why the connection is about to be dropped */
    size_t handles;
    uint32_t epoch; /* 0: never had one */
    int32_t src;
    uint64_t mark;
    bool flush; /* send the filling batch as soon as possible */
    struct batch batches[2];
    struct batch *fill, *sent;
    struct map known;  /* devices that ops.seen was told of */
    struct map chunks; /* "class day": is there */
    struct send send;
    void (*on_closed)(void *arg);
    void *closed_arg;
};

/* Sends writer->sent; ends in writer_sent or writer_fail. */
void writer_send(struct writer *writer);
void writer_sent(struct writer *writer);
/* Gives up the connection and all that was not committed, and tells why. */
void writer_fail(struct writer *writer, enum sql_decision decision, const char *why);
/* The same for a server's answer. */
void writer_refused(struct writer *writer, const char *what, const void *result);
