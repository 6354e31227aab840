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

/* For a process that starts: what is in force, what `current` names in the state folder. Nothing
 * was ever applied: the folder config_dir is checked and applied now, if it has that lane (NULL:
 * any). state_dir NULL: as config_dir's site.yaml says; else it takes that one's place. On false it
 * has printed why. */
MUST_USE bool configured_start(
    const char *config_dir, const char *state_dir, const char *lane, struct config **out);
/* For a tool: the same, but nothing is applied; if nothing ever was, the folder as it is. */
MUST_USE bool configured_read(const char *config_dir, const char *state_dir, struct config **out);
/* False has said which lanes there are. */
MUST_USE bool configured_lane(const struct config *config, const char *lane, struct err *err);
/* The password of an account, without the end of its line. */
MUST_USE bool configured_secret(
    const char *file, struct arena *arena, struct view *out, struct err *err);
/* The key of a signature (envelope_key). */
MUST_USE bool configured_key(
    const char *file, struct arena *arena, struct view *out, struct err *err);
