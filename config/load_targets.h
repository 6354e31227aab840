/* load_targets: `targets` of policies.yaml: within what an assessment counts as in time. */
#pragma once

#include "alerting/assessment/assess.h"
#include "config/load.h"

struct target_item {
    struct item is;
    struct span file, acknowledge, dispatch, settle, verify, close;
    int clock; /* 0: not said */
};

struct targets_item {
    struct item is;
    struct target_item of[SEVERITY_COUNT];
};
extern const struct shape targets_shape;

/* What is not said is as assess_targets_default. */
void make_targets(const struct targets_item *item, struct assess_targets *out);
