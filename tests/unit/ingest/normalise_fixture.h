/* Three classes of the field with their profiles, and two listed machines, for tests of normalise.
 */
#pragma once

#include "ingest/normalise/normalise.h"

#include <math.h>

#define FIX_FIELD(n, t, lo, hi)                                                                    \
    {                                                                                              \
        .name = (n), .type = (t), .measure = &fix_bare, .min = (lo), .max = (hi)                   \
    }
#define FIX_PATH(p, f)                                                                             \
    {                                                                                              \
        .path = (p), .field = (f), .scale = 1                                                      \
    }

static const struct measure fix_bare = {"", "", 1, 0};
static const struct measure fix_celsius = {"°C", "temperature", 1, 0};

/* Flags and numbers as strings, a status code of its own, local time (ES1500). */
static const struct field_code fix_moving[] = {
    {0, "stopped", {0}}, {1, "up", {0}}, {2, "down", {0}}};
static const struct field fix_lift_fields[] = {
    {.name = "moving",
        .type = FIELD_CODE,
        .measure = &fix_bare,
        .codes = fix_moving,
        .n_codes = 3,
        .min = -INFINITY,
        .max = INFINITY},
    FIX_FIELD("passengers", FIELD_BOOL, 0, 1),
    FIX_FIELD("doors_closed", FIELD_BOOL, 0, 1),
    FIX_FIELD("speed", FIELD_REAL, -10, 10),
    FIX_FIELD("floor", FIELD_INT, -9, 200),
    FIX_FIELD("note", FIELD_TEXT, 0, 0),
    FIX_FIELD("online", FIELD_BOOL, 0, 1),
};
static const struct profile_code fix_fault_codes[] = {
    {{"0", 1}, 0}, {{"1", 1}, 1}, {{"going-down", 10}, 2}};
static const struct profile_field fix_lift_paths[] = {
    {.path = "state.status", .field = 0, .scale = 1, .codes = fix_fault_codes, .n_codes = 3},
    {.path = "state.people", .field = 1, .scale = 1, .text_numbers = true},
    {.path = "state.open", .field = 2, .scale = 1, .text_numbers = true, .invert = true},
    {.path = "state.speed", .field = 3, .scale = 0.1, .text_numbers = true},
    {.path = "state.floor_no", .field = 4, .scale = 1, .offset = -1},
    FIX_PATH("note", 5),
    FIX_PATH("online", 6),
};
static const struct profile fix_lift = {.name = "es1500",
    .times = &(const struct profile_time){"time", TIME_LOCAL},
    .n_times = 1,
    .boot = "boot",
    .sequence = "seq",
    .device = "id",
    .tests = &(const struct profile_field){.path = "state.maintain", .text_numbers = true},
    .n_tests = 1,
    .receipt = "msg",
    .fields = fix_lift_paths,
    .n_fields = ARRAY_LEN(fix_lift_paths)};

static const struct field fix_charger_fields[] = {
    {.name = "port_temp", .type = FIELD_REAL, .measure = &fix_celsius, .min = -40, .max = 150},
    FIX_FIELD("power", FIELD_REAL, 0, 3000),
    FIX_FIELD("smoke", FIELD_BOOL, 0, 1),
};
static const struct profile_field fix_charger_paths[] = {
    FIX_PATH("t", 0), FIX_PATH("p", 1), FIX_PATH("cabinet.smoke", 2)};
static const struct profile fix_charger = {.name = "plain",
    .parts = "ports[]",
    .part = "n",
    .times = &(const struct profile_time){"ts", TIME_UNIX_MS},
    .n_times = 1,
    .sequence = "seq",
    .fields = fix_charger_paths,
    .n_fields = ARRAY_LEN(fix_charger_paths)};

static const struct field fix_fire_fields[] = {
    FIX_FIELD("alarm", FIELD_BOOL, 0, 1), FIX_FIELD("manual", FIELD_BOOL, 0, 1)};
static const struct profile_field fix_fire_paths[] = {FIX_PATH("alarm", 0), FIX_PATH("manual", 1)};
static const struct profile fix_fire = {.name = "plain",
    .times = &(const struct profile_time){"at", TIME_RFC3339},
    .n_times = 1,
    .sequence = "serial",
    .tests = &(const struct profile_field){.path = "test", .text_numbers = true},
    .n_tests = 1,
    .receipt = "serial",
    .fields = fix_fire_paths,
    .n_fields = ARRAY_LEN(fix_fire_paths)};

static const struct profile *const fix_profiles[] = {&fix_charger, &fix_lift, &fix_fire};
static const struct class fix_classes[] = {
    {.name = "charger",
        .index = 0,
        .fields = fix_charger_fields,
        .n_fields = ARRAY_LEN(fix_charger_fields),
        .profiles = &fix_profiles[0],
        .n_profiles = 1},
    {.name = "elevator",
        .index = 1,
        .fields = fix_lift_fields,
        .n_fields = ARRAY_LEN(fix_lift_fields),
        .profiles = &fix_profiles[1],
        .n_profiles = 1},
    {.name = "fire",
        .index = 2,
        .fields = fix_fire_fields,
        .n_fields = ARRAY_LEN(fix_fire_fields),
        .profiles = &fix_profiles[2],
        .n_profiles = 1},
};
static const struct compound fix_compound = {.id = "JX-03"};
static struct device fix_devices[] = {
    {.code = "CH-1", .class = &fix_classes[0], .profile = &fix_charger, .compound = &fix_compound},
    {.code = "EL-1", .class = &fix_classes[1], .profile = &fix_lift, .compound = &fix_compound},
};
static const struct topic_pattern fix_patterns[] = {
    {"GIOT-GW/UL/{device}", NULL, NULL}, {"raw/+/{device}/#", &fix_classes[2], &fix_fire}};
static struct device_table fix_table;
static const struct normalise_options fix_options = {.lane = "plant",
    .classes = {fix_classes, ARRAY_LEN(fix_classes)},
    .devices = &fix_table,
    .patterns = fix_patterns,
    .n_patterns = ARRAY_LEN(fix_patterns)};

static inline void
fix_init(void)
{
    map_init(&fix_table.by_code);
    for (size_t i = 0; i < ARRAY_LEN(fix_devices); i++) {
        fix_devices[i].key = device_key(view_of(fix_devices[i].code));
        (void)map_put(&fix_table.by_code, view_of(fix_devices[i].code), &fix_devices[i]);
    }
    fix_table.at = fix_devices;
    fix_table.len = ARRAY_LEN(fix_devices);
}

static inline void
fix_fini(void)
{
    map_fini(&fix_table.by_code);
}
