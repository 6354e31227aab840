/* report_config: what check and apply print about a configuration. */
#pragma once

#include "config/config.h"

#include <stdio.h>

/* --lang, else the environment's LANG; false has printed what is wrong with name. */
MUST_USE bool report_config_lang(const char *command, const char *name, enum lang *out);
/* All problems, then a line with what was found. config NULL: it has errors. */
void report_config(
    FILE *to, const struct config *config, const struct problems *problems, enum lang lang);
