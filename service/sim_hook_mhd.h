/* sim_hook: takes webhooks on 127.0.0.1, any path, and answers 200. A thread of its own. */
#pragma once

#include "base/err.h"

#include <stdint.h>

struct sim_hook;

/* quiet: no line on stdout for each. */
MUST_USE bool sim_hook_open(struct sim_hook **out, uint16_t port, bool quiet, struct err *err);
void sim_hook_close(struct sim_hook *hook); /* NULL is fine */
