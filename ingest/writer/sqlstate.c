#include "ingest/writer/sqlstate.h"

#include "base/check.h"

#include <stddef.h>
#include <string.h>

/* The longest prefix decides, so exceptions stand beside their class. */
static const struct {
    const char *prefix;
    enum sql_decision decision;
} decisions[] = {
    {"08", SQL_AGAIN},      /* connection */
    {"0A", SQL_MIGRATE},    /* feature not supported: not the tables we know */
    {"21", SQL_MIGRATE},    /* cardinality: a trigger or rule that is not ours */
    {"22", SQL_QUARANTINE}, /* data: out of range, bad encoding */
    {"22P03", SQL_MIGRATE}, /* binary form does not fit: the column has another type */
    {"22P04", SQL_MIGRATE}, /* COPY stream does not fit: other columns */
    {"23", SQL_QUARANTINE}, /* constraint, or no chunk for that time */
    {"23503", SQL_AGAIN},   /* ops.journal lost our src (fail-over): register again */
    {"25", SQL_AGAIN},      /* transaction state that we did not expect */
    {"25006", SQL_WAIT},    /* read-only: a standby, or set so by a person */
    {"26", SQL_AGAIN},      /* prepared statement is gone */
    {"28", SQL_WAIT},       /* not let in: password, pg_hba.conf */
    {"34", SQL_AGAIN},      /* cursor */
    {"3D", SQL_WAIT},       /* no such database */
    {"3F", SQL_MIGRATE},    /* no such schema */
    {"40", SQL_AGAIN},      /* serialization, deadlock */
    {"42", SQL_MIGRATE},    /* no such table, column, function; no right to it */
    {"44", SQL_QUARANTINE}, /* WITH CHECK OPTION */
    {"53", SQL_WAIT},       /* out of disk, memory, connections */
    {"54", SQL_QUARANTINE}, /* program limit: the row is too big */
    {"55", SQL_WAIT},       /* object in use, lock not available */
    {"57", SQL_AGAIN},      /* shut down, cancelled, terminated */
    {"57P03", SQL_WAIT},    /* starting up or in recovery */
    {"58", SQL_WAIT},       /* the server's files */
    {"72", SQL_AGAIN},      /* snapshot too old */
    {"F0", SQL_WAIT},       /* its configuration */
    {"HV", SQL_WAIT},       /* foreign data */
    {"P0", SQL_MIGRATE},    /* raised by a function that is not ours */
    {"XX", SQL_WAIT},       /* internal: corruption */
};

enum sql_decision
sqlstate_decide(const char *sqlstate)
{
    enum sql_decision decision = SQL_WAIT;
    size_t longest = 0;

    for (size_t i = 0; sqlstate != NULL && i < ARRAY_LEN(decisions); i++) {
        const size_t len = strlen(decisions[i].prefix);

        if (len > longest && strncmp(sqlstate, decisions[i].prefix, len) == 0) {
            longest = len;
            decision = decisions[i].decision;
        }
    }
    return decision;
}
