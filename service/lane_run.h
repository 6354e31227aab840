/* lane_run: one lane until it is told to stop; returns the exit code. boot is borrowed. */
#pragma once

#include "config/config.h"

int lane_run(struct config *boot, const char *name, const char *program);
