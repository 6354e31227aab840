/* test_scenarios: the scenarios of a configuration, DIR/tests/<any name>.scn (docs/rules.md). */
#pragma once

#include "config/config.h"

/* Runs them all and prints what did not come as expected, how many there were, and which rules none
 * of them raises. False if one failed or could not be read. */
MUST_USE bool test_scenarios(const char *dir, const struct config *config, enum lang lang);
