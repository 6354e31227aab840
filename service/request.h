/*
 * request: from a signed envelope to the body of an engine input.
 *
 * What the sender wrote stays nested in `body`; id, sender and at are the envelope's: who signed
 * is who did it. Pure.
 */
#pragma once

#include "alerting/dispatch/envelope.h"
#include "base/buf.h"
#include "base/instant.h"

#include <stdbool.h>

#define REQUEST_MAX_BYTES 65536

struct request {
    const struct envelope *env;
    const char *unit;          /* command: the sender's subtree; NULL: all */
    const char *centre;        /* answer: the sender's; NULL: none */
    struct instant down_until; /* command: 0, or when the lane came back, if it was signed while
                                  the lane was down */
};

/* False: *why says what is wrong with the envelope's body, out is unchanged. */
MUST_USE bool request_write(const struct request *request, struct buf *out, const char **why);
