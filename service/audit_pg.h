/*
 * audit: P2 as a question that is asked from outside: does every journal record have one verdict,
 * and is what it holds in Postgres exactly once?
 *
 * Believes nothing that it can count: batches are laid against each other and the mark, rows in
 * the tables against the batches, frames in the journal files against the batches, and, if there
 * is one, the simulator's ledger against the rows. All of it in one snapshot, so lanes may run.
 * Whatever does not fit is a finding that names what and where.
 *
 * Blocking; for tools.
 */
#pragma once

#include "base/err.h"
#include "base/fs.h"
#include "base/vec.h"

#include <stdint.h>

#include <libpq-fe.h>

#define AUDIT_NAMED 20 /* of one kind are named one by one; the rest is a number */

struct audit_finding {
    const char *kind; /* stable word: "gap", "overlap", "mark", "rows", "double", ... */
    char text[256];
};

struct audit_source { /* one journal of the lane */
    uint32_t src;
    char journal[33];
    uint64_t mark;
    uint64_t batches, records, readings, rejects;
    bool on_disk;               /* its files are those in the state folder: */
    uint64_t compared, waiting; /* frames laid against batches; frames above the mark */
    uint64_t in_no_file;        /* records of batches where the files have a hole */
};

struct audit_hour {
    char hour[40];
    uint64_t counts[9]; /* audit_hour_names */
};
extern const char *const audit_hour_names[9];

struct audit_gap {
    char class[64], device[72];
    int64_t boot, first, last, missing;
};

struct audit_lane {
    const char *name;
    VEC(struct audit_source) sources;
    VEC(struct audit_hour) hours;
    VEC(struct audit_gap) gaps; /* the largest AUDIT_NAMED */
    uint64_t missing;           /* of all gaps */
    uint64_t shed;
    /* after their batches: records and rows that reruns of rejects gave, rows dropped by policy */
    uint64_t rerun_records, rerun_readings, dropped;
    VEC(struct audit_finding) findings;
};

struct audit_sent { /* the simulator's ledger against the rows */
    uint64_t lines, answered, found, bad, unanswered, short_rows;
    uint64_t lost, doubled;
    VEC(struct audit_finding) findings;
};

void audit_lane_fini(struct audit_lane *lane);
void audit_sent_fini(struct audit_sent *sent);

/* Begins the snapshot that all the others read in. */
MUST_USE bool audit_begin(PGconn *pg, struct err *err);
/* journal_dir: its journal's folder; what is not there any more is not compared. */
MUST_USE bool audit_lane_run(PGconn *pg, const struct fs *fs, const char *journal_dir,
    struct audit_lane *lane, struct err *err);
/* path: JSON lines as service/sim_link_paho.h describes them. */
MUST_USE bool audit_sent_run(
    PGconn *pg, const char *path, struct audit_sent *sent, struct err *err);
/* Not yet in Postgres: frames in the journal above its mark. 0 if the files are not there. */
MUST_USE bool audit_waiting(PGconn *pg, const struct fs *fs, const char *journal_dir,
    const char *lane, uint64_t *waiting, struct err *err);
