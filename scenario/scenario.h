/*
 * scenario: alerting as a script with a moving clock (docs/rules.md, Scenarios): text in, what did
 * not come as expected out. For `wallwatch test` as much as for our own tests.
 *
 *   text -> scenario -> world -> alerting/engine
 *
 * It knows no configuration: its host hands one over by the name that the script gives. Pure; time
 * is the script's, from 2026-11-24T09:00 +08:00, a Tuesday. Nothing is kept after it returns.
 */
#pragma once

#include "alerting/engine/engine.h"

#define SCENARIO_MAX_BYTES (1u << 20)

struct scenario_host {
    void *arg;
    /* Every input is also fed to a second engine that is saved and loaded before it. */
    bool twin;
    /* name: of the line `config`, "" if there is none; device: the first that is spoken of, or "".
     * What is handed over must live until scenario_run returns. */
    bool (*configure)(void *arg, const char *name, const char *device,
        const struct engine_options **out, struct err *err);
    /* A device that only this script has, before configure; NULL: only listed ones can be used. */
    bool (*device)(void *arg, const char *code, const char *class, const char *compound,
        const char *zone, struct err *err);
    /* Another form of the configuration; NULL: there is none. */
    const struct engine_options *(*variant)(void *arg, int n);
    /* line: 1-based; at: the line as it stands there, what: what is wrong or was instead. */
    void (*failed)(void *arg, int line, const char *at, const struct words *what);
    /* A case of this rule was opened; may be told more than once. NULL: nobody asks. */
    void (*raised)(void *arg, const char *rule);
};

void scenario_run(struct view text, const struct scenario_host *host);
