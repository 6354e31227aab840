/*
 * device: what the verbs of `wallwatch device` share. Each verb is a command of its own, with its
 * own --help; cmd_device.c finds the one that was named.
 */
#pragma once

#include "config/config.h"
#include "service/commands.h"
#include "service/devices_pg.h"

command_fn device_import, device_adopt, device_list, device_show, device_coverage, device_walk_test;

struct device_filter { /* NULL, 0: any */
    const char *class_name, *compound, *unit, *tag;
    int age; /* whole years and more; a device without a date is not */
};

/* False: it has said which name is not known; the command was used wrongly. */
MUST_USE bool device_filter_check(
    const char *command, const struct device_filter *filter, const struct config *config);
bool device_passes(const struct device_filter *filter, const struct device *device,
    const struct config *config, struct instant now);
/* "15y" or "15"; false has printed. */
MUST_USE bool device_read_age(const char *command, const char *text, int *out);

struct device_view { /* a configuration and what was heard, for a verb that only reads */
    struct config *config;
    struct arena arena;
    PGconn *pg;
    struct heard_table heard;
};

/* False: it has printed why; device_close all the same. */
MUST_USE bool device_open(const char *command, const char *dir, struct device_view *view);
void device_close(struct device_view *view);
