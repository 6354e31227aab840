/*
 * configured: how every command comes to its configuration and its secrets.
 *
 * Reads files; prints the problems of a folder in the way of `check`. Thread: any, not the loop of
 * a running lane.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/view.h"
#include "config/config.h"

#define CONFIG_DIR_DEFAULT "/etc/wallwatch"

/* What is in force: what `current` names in the state folder. Nothing was ever applied: the folder
 * config_dir is checked and applied now. state_dir NULL: as config_dir's site.yaml says. On false
 * it has printed why. */
MUST_USE bool configured_current(
    const char *config_dir, const char *state_dir, struct config **out);
/* The password of an account, without the end of its line. */
MUST_USE bool configured_secret(
    const char *file, struct arena *arena, struct view *out, struct err *err);
/* The key of a signature (envelope_key). */
MUST_USE bool configured_key(
    const char *file, struct arena *arena, struct view *out, struct err *err);
