/* fixture: one made-up class for the tests of rules. */
#pragma once

#include "alerting/rules/rules.h"

#include <math.h>

static const struct field_code fixture_doors[] = {
    {1, "closed", {"关", "closed"}}, {2, "open", {"开", "open"}}, {3, "moving", {"动", "moving"}}};

enum { F_ALARM, F_AMBIENT, F_BATTERY, F_DOORS, F_MANUAL, F_MOVING, F_PORT_TEMP, F_POWER, F_STATE };

/* measures are written by fixture_class() */
static struct field fixture_fields[] = {
    {.name = "alarm", .type = FIELD_BOOL, .edge = true},
    {.name = "ambient", .type = FIELD_REAL},
    {.name = "battery", .type = FIELD_INT},
    {.name = "doors",
        .type = FIELD_CODE,
        .codes = fixture_doors,
        .n_codes = ARRAY_LEN(fixture_doors)},
    {.name = "manual", .type = FIELD_BOOL, .edge = true},
    {.name = "moving", .type = FIELD_BOOL},
    {.name = "port_temp", .type = FIELD_REAL},
    {.name = "power", .type = FIELD_REAL},
    {.name = "state", .type = FIELD_TEXT},
};

static struct class fixture = {
    .name = "thing", .fields = fixture_fields, .n_fields = ARRAY_LEN(fixture_fields)};

static const struct class *
fixture_class(void)
{
    static const char *const measures[] = {"", "°F", "%", "", "", "", "°C", "kW", ""};

    for (size_t i = 0; i < ARRAY_LEN(fixture_fields); i++) {
        fixture_fields[i].measure = measure_find(view_of(measures[i]));
        fixture_fields[i].min = -INFINITY;
        fixture_fields[i].max = INFINITY;
    }
    fixture.interval = SPAN_S(60);
    return &fixture;
}
