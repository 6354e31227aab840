/*
 * sqlstate: what the writer does about each class of error that the server reports. Pure: a table.
 *
 * A row is blamed only for what can be a row's fault. Everything else means "the database is away,
 * keep the journal": the mark stands still and nothing is lost.
 */
#pragma once

enum sql_decision {
    SQL_AGAIN,      /* connect anew at once and read the mark */
    SQL_WAIT,       /* the same after a while: the server is in trouble */
    SQL_MIGRATE,    /* the same, and say that the schema is not ours: wallwatch migrate */
    SQL_QUARANTINE, /* a row is bad: find it, put it with the rejects, go on */
};

/* NULL or unknown codes: SQL_WAIT. */
enum sql_decision sqlstate_decide(const char *sqlstate);
