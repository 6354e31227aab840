/* fixture: a small configuration built by hand, for tests of the engine that need no files. */
#pragma once

#include "alerting/engine/engine.h"

struct fixture {
    struct arena arena;
    struct engine_options options;
    struct device_table devices;
    struct grid grid;
    struct ruleset rules;
    struct policy_set policies;
    struct channel_set channels;
};

/* variant 0: the usual one; 1: charger-hot is gone and lift-trapped waits 10 s longer. */
void fixture_init(struct fixture *fixture, int variant);
/* Storms of hot chargers and low batteries in a compound are folded. */
void fixture_fold(struct fixture *fixture, uint32_t least);
void fixture_fini(struct fixture *fixture);
/* A device that only this test has; before any engine sees the fixture. */
void fixture_device(struct fixture *fixture, const char *code, const char *class,
    const char *compound, const char *zone);
/* n more chargers in JX-03: CH-000000 and so on. */
void fixture_chargers(struct fixture *fixture, int n);
