/* sim_hook: takes webhooks on 127.0.0.1, any path, and answers 200. A thread of its own. */
#pragma once

#include "base/err.h"
#include "base/view.h"

#include <stdint.h>

struct sim_hook;

/* quiet: no line on stdout for each. asleep: a list as sim_listed takes it, borrowed; a path that
 * ends in one of its ids gets 503. */
MUST_USE bool sim_hook_open(
    struct sim_hook **out, uint16_t port, const char *asleep, bool quiet, struct err *err);
void sim_hook_close(struct sim_hook *hook); /* NULL is fine */

/* True if id is in a list with commas; NULL is an empty one. */
bool sim_listed(const char *list, struct view id);
