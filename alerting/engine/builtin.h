/*
 * builtin: the alerts of Wallwatch about itself, as a table. A fact that is on is a case like any
 * other: rule id = code, class `wallwatch`, subject = what the fact names.
 *
 * Their recipients are those of the compound if the subject is a listed device, else all units of
 * the highest tier; their policy is the default of their severity.
 */
#pragma once

#include "alerting/rules/rules.h"
#include "base/view.h"

#include <stddef.h>

/* A code that is not in the table is our own mistake and gives NULL. */
const struct rule *builtin_find(struct view code);
/* i-th in order of codes, NULL after the last. */
const struct rule *builtin_at(size_t i);
/* The class that they carry. */
const struct class *builtin_class(void);
