/* state: one script while it runs. Inside scenario only. */
#pragma once

#include "scenario/scenario.h"
#include "scenario/world.h"

#define SCRIPT_MAX_WORDS 64
#define SCRIPT_START_US INT64_C(1795482000000000) /* 2026-11-24T09:00:00+08:00, a Tuesday */

struct script {
    const struct scenario_host *host;
    struct world world;
    bool started, stopped; /* stopped: what follows would mean nothing */
    char config[256];
    int line;
    char text[1024], split[1024]; /* the line as it is, and cut into words */
    char *words[SCRIPT_MAX_WORDS];
    size_t n;
};

/* The i-th word; "" behind the last. */
const char *script_word(const struct script *script, size_t i);
bool script_has(const struct script *script, size_t from, const char *word);
/* detail: what it was instead, "" if that says nothing. */
void script_complain(struct script *script, const char *en, const char *zh, const char *detail);
/* The line cannot be understood: the rest is not run. */
void script_stop(struct script *script, const char *en, const char *zh, const char *detail);
/* "12:30", "12:30.500" since the start. */
const char *script_time(struct instant at, char out[32]);

/* checks.c: `expect ...` */
void script_expect(struct script *script);
