/*
 * devices: what the loader of devices.csv, the import of a register and their tests share.
 *
 * A column is a row of device_columns; its cell is read in load_device_cells.c. Inside config, and
 * for service/cmd_device.
 */
#pragma once

#include "base/map.h"
#include "config/csv.h"
#include "config/load.h"

enum device_column {
    COLUMN_CODE,
    COLUMN_CLASS,
    COLUMN_COMPOUND,
    COLUMN_PROFILE,
    COLUMN_BUILDING,
    COLUMN_ZONE,
    COLUMN_GATEWAY,
    COLUMN_NAME,
    COLUMN_SIDE,
    COLUMN_INSTALLED,
    COLUMN_INTERVAL,
    COLUMN_RATED,
    COLUMN_INVERT,
    COLUMN_TAGS,
    DEVICE_COLUMNS,
};

extern const char *const device_columns[DEVICE_COLUMNS];
#define REQUIRED_COLUMNS 3 /* the first ones */
/* The column of that name, also of an older name; -1: none. */
int device_column(struct view name);

struct device_rows { /* devices.csv while it is being read */
    struct loader *loader;
    const struct source *source;
    struct csv_row row;
    int place[DEVICE_COLUMNS]; /* in the file; -1: not there */
    size_t n_columns;
    struct map texts; /* text -> the one copy of it */
};

struct view device_cell(const struct device_rows *rows, enum device_column column);
struct mark device_mark(const struct device_rows *rows, enum device_column column);
/* Fills device from the cells of the row. False: reported, it has no code; *good is false if it is
 * no device for another reason. */
bool device_read_cells(struct device_rows *rows, struct device *device, bool *good);
