#include "tests/scenario/fixture.h"

#include "base/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define PLAIN_BOOL(field_name, keeps)                                                              \
    {                                                                                              \
        .name = (field_name), .title = {field_name, field_name}, .type = FIELD_BOOL, .min = 0,     \
        .max = 1, .edge = (keeps)                                                                  \
    }
#define REAL(field_name)                                                                           \
    {                                                                                              \
        .name = (field_name), .title = {field_name, field_name}, .type = FIELD_REAL,               \
        .min = -INFINITY, .max = INFINITY                                                          \
    }

static const struct field_code door_codes[] = {
    {0, "closed", {"关", "closed"}}, {1, "open", {"开", "open"}}};

static struct field charger_fields[] = {REAL("port_temp")};
static struct field elevator_fields[] = {PLAIN_BOOL("moving", false),
    {.name = "doors",
        .title = {"门", "doors"},
        .type = FIELD_CODE,
        .codes = door_codes,
        .n_codes = 2},
    PLAIN_BOOL("passengers", false)};
static struct field fire_fields[] = {
    PLAIN_BOOL("alarm", true), REAL("battery"), PLAIN_BOOL("manual", true)};

static struct class classes[] = {
    {.name = "charger",
        .index = 0,
        .title = {"充电桩", "charger"},
        .interval = {60000000},
        .fields = charger_fields,
        .n_fields = ARRAY_LEN(charger_fields)},
    {.name = "elevator",
        .index = 1,
        .title = {"电梯", "lift"},
        .interval = {60000000},
        .fields = elevator_fields,
        .n_fields = ARRAY_LEN(elevator_fields)},
    {.name = "fire",
        .index = 2,
        .title = {"火警", "fire alarm"},
        .interval = {3600000000},
        .fields = fire_fields,
        .n_fields = ARRAY_LEN(fire_fields)},
};

static const struct channel channels[] = {
    {.id = "hook", .kind = CHANNEL_WEBHOOK, .url = "http://hook/", .timeout = {10000000}},
    {.id = "mqtt", .kind = CHANNEL_MQTT, .timeout = {10000000}},
    {.id = "sms", .kind = CHANNEL_WEBHOOK, .url = "http://sms/", .timeout = {10000000}},
};

static const struct address board[] = {{&channels[1], ""}};
static const struct address phone_chen[] = {{&channels[0], "chen"}, {&channels[2], "chen"}};
static const struct address phone_li[] = {{&channels[0], "li"}};
static const struct address phone_wang[] = {{&channels[0], "wang"}, {&channels[2], "wang"}};
static const struct address phone_zhao[] = {{&channels[0], "zhao"}};
static const struct address firm[] = {{&channels[0], "firm"}};
static const struct address micro[] = {{&channels[1], ""}};
static const struct address repair[] = {{&channels[1], ""}, {&channels[0], "repair"}};

static const struct person persons[] = {
    {.id = "chen", .name = {"陈", "Chen"}, .addresses = phone_chen, .n_addresses = 2},
    {.id = "li", .name = {"李", "Li"}, .addresses = phone_li, .n_addresses = 1},
    {.id = "wang", .name = {"王", "Wang"}, .addresses = phone_wang, .n_addresses = 2},
    {.id = "zhao", .name = {"赵", "Zhao"}, .addresses = phone_zhao, .n_addresses = 1},
};

static const struct shift point_shifts[] = {{0, 1440, &persons[2], &persons[1]}};
static const struct shift station_shifts[] = {{0, 1440, &persons[0], NULL}};
/* At night, 00:00 to 08:00 local time, there is nobody: a hole. */
static const struct shift street_shifts[] = {{480, 1440, &persons[3], NULL}};
static const struct shift district_shifts[] = {{0, 1440, &persons[3], NULL}};

static struct unit units[] = {
    {.id = "d1",
        .name = {"d1", "d1"},
        .tier = TIER_DISTRICT,
        .shifts = district_shifts,
        .n_shifts = 1},
    {.id = "p1",
        .name = {"p1", "p1"},
        .tier = TIER_POINT,
        .parent = &units[3],
        .shifts = point_shifts,
        .n_shifts = 1,
        .addresses = board,
        .n_addresses = 1},
    {.id = "s1",
        .name = {"s1", "s1"},
        .tier = TIER_SUBDISTRICT,
        .parent = &units[0],
        .shifts = street_shifts,
        .n_shifts = 1},
    {.id = "t1",
        .name = {"t1", "t1"},
        .tier = TIER_STATION,
        .parent = &units[2],
        .shifts = station_shifts,
        .n_shifts = 1},
};

static const struct centre centres[] = {
    {.id = "lift-firm",
        .name = {"维保单位", "Lift firm"},
        .addresses = firm,
        .n_addresses = 1,
        .receive_within = {60000000},
        .accept_within = {180000000},
        .arrive_within = {1800000000},
        .next = &centres[2]},
    {.id = "micro-station",
        .name = {"微型消防站", "Micro fire station"},
        .addresses = micro,
        .n_addresses = 1},
    {.id = "repair-centre",
        .name = {"应急维修中心", "Repair centre"},
        .addresses = repair,
        .n_addresses = 2,
        .receive_within = {60000000},
        .accept_within = {180000000},
        .arrive_within = {1800000000}},
};

static const struct hours working_hours[] = {{510, 690}, {780, 1050}};

static const struct compound compounds[] = {
    {.id = "JX-03",
        .name = {"嘉兴三村", "JX-03"},
        .point = &units[1],
        .units = {&units[1], &units[3], &units[2], &units[0]}},
    {.id = "JX-04", /* without a point: its routes fall through */
        .name = {"嘉兴四村", "JX-04"},
        .point = &units[3],
        .units = {NULL, &units[3], &units[2], &units[0]}},
};

#define STEP(step_tier, minutes, waits_for)                                                        \
    {                                                                                              \
        .tier = (step_tier), .after = {(int64_t)(minutes)*60000000}, .unless = (waits_for)         \
    }

static const struct policy_step lift_steps[] = {
    STEP(TIER_POINT, 0, UNLESS_NEVER),
    STEP(TIER_STATION, 3, UNLESS_ACKNOWLEDGED),
    STEP(TIER_SUBDISTRICT, 15, UNLESS_ARRIVED),
    STEP(TIER_DISTRICT, 30, UNLESS_SETTLED),
};
static const struct policy_step slow_steps[] = {
    STEP(TIER_POINT, 0, UNLESS_NEVER),
    STEP(TIER_STATION, 10, UNLESS_ACKNOWLEDGED),
    STEP(TIER_SUBDISTRICT, 30, UNLESS_ACKNOWLEDGED),
    STEP(TIER_DISTRICT, 120, UNLESS_ACKNOWLEDGED),
};
static const struct policy_step unconfirmed_steps[] = {
    STEP(TIER_POINT, 0, UNLESS_NEVER),
    STEP(TIER_STATION, 1, UNLESS_ACKNOWLEDGED),
    STEP(TIER_SUBDISTRICT, 2, UNLESS_ACKNOWLEDGED),
};
static const struct policy_step confirmed_steps[] = {
    STEP(TIER_POINT, 0, UNLESS_NEVER),
    STEP(TIER_STATION, 0, UNLESS_NEVER),
    STEP(TIER_SUBDISTRICT, 0, UNLESS_NEVER),
    STEP(TIER_DISTRICT, 0, UNLESS_NEVER),
    STEP(TIER_DISTRICT, 3, UNLESS_ACKNOWLEDGED),
};

static const struct policy policies[] = {
    {.id = "fire-confirmed", .steps = confirmed_steps, .n_steps = 5, .repeat = {60000000}},
    {.id = "fire-unconfirmed", .steps = unconfirmed_steps, .n_steps = 3},
    {.id = "lift", .steps = lift_steps, .n_steps = 4, .repeat = {600000000}},
    {.id = "slow", .steps = slow_steps, .n_steps = 4},
};
static const struct policy *const class_policies[3] = {NULL, NULL, NULL};

static void
add(struct fixture *fixture, const char *code, const char *class_name, const char *compound,
    const char *zone)
{
    struct device *device = ARENA_NEW(&fixture->arena, struct device);

    device->code = arena_text(&fixture->arena, view_of(code));
    device->key = device_key(view_of(code));
    device->class = class_find(&fixture->options.classes, view_of(class_name));
    device->compound = compound_find(&fixture->grid, view_of(compound));
    device->building = "b1";
    device->zone = arena_text(&fixture->arena, view_of(zone));
    device->gateway = device->name = "";
    CHECK(device->class != NULL && device->compound != NULL);
    map_put(&fixture->devices.by_code, view_of(device->code), device);
}

/* The table is in order of codes. */
static void
sort_devices(struct fixture *fixture)
{
    struct map *by_code = &fixture->devices.by_code;
    const struct map_entry *entries = map_sorted(by_code, &fixture->arena);
    struct device *all = ARENA_ARRAY(&fixture->arena, by_code->len, struct device);

    for (size_t i = 0; i < by_code->len; i++) {
        all[i] = *(const struct device *)entries[i].value;
        map_put(by_code, view_of(all[i].code), &all[i]);
    }
    fixture->devices.at = all;
    fixture->devices.len = by_code->len;
}

void
fixture_device(struct fixture *fixture, const char *code, const char *class_name,
    const char *compound, const char *zone)
{
    add(fixture, code, class_name, compound, zone);
    sort_devices(fixture);
}

void
fixture_chargers(struct fixture *fixture, int n)
{
    char code[32];

    for (int i = 0; i < n; i++) {
        (void)snprintf(code, sizeof(code), "CH-%06d", i);
        add(fixture, code, "charger", "JX-03", "");
    }
    sort_devices(fixture);
}

static const struct expr *
compile(struct fixture *fixture, const char *text, const struct class *class, enum per per)
{
    const struct expr *expr = NULL;
    struct err err = {0};
    int column = 0;

    if (!expr_compile(&fixture->arena, view_of(text), class, per, &expr, &column, &err)) {
        (void)fprintf(stderr, "%s: column %d: %s\n", text, column, err.text);
        abort();
    }
    return expr;
}

static struct stage *
stages(struct fixture *fixture, const struct rule *rule, const char *when, const char *clear,
    enum severity severity)
{
    struct stage *stage = ARENA_NEW(&fixture->arena, struct stage);

    stage->name = "";
    stage->policy = "";
    stage->severity = severity;
    stage->when = compile(fixture, when, rule->class, rule->per);
    if (clear != NULL)
        stage->clear = compile(fixture, clear, rule->class, rule->per);
    return stage;
}

static void
fire_rule(struct fixture *fixture, struct rule *rule)
{
    static const char *const dispatch[] = {"micro-station"};
    struct stage *two = ARENA_ARRAY(&fixture->arena, 2, struct stage);

    *rule = (struct rule){.id = "fire",
        .class = &classes[2],
        .title = {"火警", "Fire"},
        .per = PER_ZONE,
        .latch = true,
        .dispatch = dispatch,
        .n_dispatch = 1,
        .stages = two,
        .n_stages = 2};
    two[0] = (struct stage){.name = "unconfirmed",
        .policy = "fire-unconfirmed",
        .severity = SEVERITY_RED,
        .when = compile(fixture, "alarm", rule->class, PER_ZONE)};
    two[1] = (struct stage){.name = "confirmed",
        .policy = "fire-confirmed",
        .severity = SEVERITY_RED,
        .after = {180000000},
        .when = compile(
            fixture, "manual or count(alarm, same zone, 120s) >= 2", rule->class, PER_ZONE)};
}

static void
make_rules(struct fixture *fixture, int variant)
{
    static const char *const lift_dispatch[] = {"lift-firm"};
    struct rule rules[5];
    size_t n = 0;

    memset(rules, 0, sizeof(rules));
    if (variant == 0) {
        struct rule *hot = &rules[n++];

        hot->id = "charger-hot";
        hot->class = &classes[0];
        hot->title = (struct words){"充电端口过热", "Charging port hot"};
        hot->stages = stages(fixture, hot, "port_temp > 60", "port_temp < 50", SEVERITY_ORANGE);
        hot->n_stages = 1;
    }
    fire_rule(fixture, &rules[n++]);
    struct rule *trapped = &rules[n++];

    trapped->id = "lift-trapped";
    trapped->class = &classes[1];
    trapped->title = (struct words){"电梯困人", "Passengers trapped"};
    trapped->for_ = SPAN_S(variant == 0 ? 45 : 55);
    trapped->latch = true;
    trapped->dispatch = lift_dispatch;
    trapped->n_dispatch = 1;
    trapped->stages = stages(
        fixture, trapped, "not moving and doors == closed and passengers", NULL, SEVERITY_RED);
    trapped->n_stages = 1;
    struct rule *battery = &rules[n++];

    battery->id = "smoke-battery";
    battery->class = &classes[2];
    battery->title = (struct words){"电量低", "Battery low"};
    battery->stages = stages(fixture, battery, "battery < 20", "battery > 30", SEVERITY_YELLOW);
    battery->n_stages = 1;
    battery->clear_for = SPAN_S(10);
    fixture->rules = ruleset_make(&fixture->arena, rules, n, &fixture->options.classes);
}

void
fixture_init(struct fixture *fixture, int variant)
{
    *fixture = (struct fixture){0};
    arena_init(&fixture->arena);
    for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
        struct field *fields = (struct field *)(uintptr_t)classes[i].fields;

        for (size_t k = 0; k < classes[i].n_fields; k++)
            fields[k].measure = measure_find(view_of(""));
    }
    fixture->options.classes = (struct class_table){classes, ARRAY_LEN(classes)};
    fixture->grid = (struct grid){.units = units,
        .n_units = ARRAY_LEN(units),
        .compounds = compounds,
        .n_compounds = ARRAY_LEN(compounds),
        .centres = centres,
        .n_centres = ARRAY_LEN(centres),
        .persons = persons,
        .n_persons = ARRAY_LEN(persons),
        .calendar = {.zone = {.offset_s = 28800},
            .week = {true, true, true, true, true},
            .hours = working_hours,
            .n_hours = 2}};
    map_init(&fixture->devices.by_code);
    fixture->policies =
        (struct policy_set){.at = policies, .len = ARRAY_LEN(policies), .by_class = class_policies};
    for (int side = 0; side < 2; side++) {
        fixture->policies.by_severity[SEVERITY_RED][side] = &policies[2];
        fixture->policies.by_severity[SEVERITY_ORANGE][side] = &policies[3];
        fixture->policies.by_severity[SEVERITY_YELLOW][side] = &policies[3];
        fixture->policies.by_severity[SEVERITY_BLUE][side] = &policies[3];
    }
    fixture->channels = (struct channel_set){channels, ARRAY_LEN(channels)};
    make_rules(fixture, variant);
    fixture->options.lane = "test";
    fixture->options.life_safety = true;
    fixture->options.config_version = (uint32_t)(variant + 1);
    fixture->options.devices = &fixture->devices;
    fixture->options.grid = &fixture->grid;
    fixture->options.rules = &fixture->rules;
    fixture->options.policies = &fixture->policies;
    fixture->options.channels = &fixture->channels;
    fixture->options.device_rate = 20;
    fixture->options.device_burst = 200;
    fixture_device(fixture, "CH-0007", "charger", "JX-03", "");
    fixture_device(fixture, "CH-0008", "charger", "JX-04", "");
    fixture_device(fixture, "LIFT-1", "elevator", "JX-03", "");
    fixture_device(fixture, "SD-1", "fire", "JX-03", "z1");
    fixture_device(fixture, "SD-2", "fire", "JX-03", "z1");
    fixture_device(fixture, "SD-3", "fire", "JX-03", "z2");
}

void
fixture_fold(struct fixture *fixture, uint32_t least)
{
    static const char *const gathers[] = {"charger-hot", "smoke-battery"};
    struct stage *stage = ARENA_NEW(&fixture->arena, struct stage);

    *stage = (struct stage){.name = "", .policy = "", .severity = SEVERITY_ORANGE};
    const struct folding folding = {.rule = {.id = "storm",
                                        .class = folding_class(),
                                        .title = {"同因告警", "One cause"},
                                        .per = PER_COMPOUND,
                                        .clear_for = SPAN_S(30),
                                        .stages = stage,
                                        .n_stages = 1},
        .gathers = gathers,
        .n_gathers = 2,
        .least = least,
        .within = SPAN_MIN(5)};

    foldings_make(&fixture->arena, &fixture->rules, &folding, 1);
}

void
fixture_fini(struct fixture *fixture)
{
    map_fini(&fixture->devices.by_code);
    arena_fini(&fixture->arena);
}
