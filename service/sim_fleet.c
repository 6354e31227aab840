#include "service/sim_fleet.h"

#include "base/io/fs_posix.h"

#include <stdio.h>
#include <stdlib.h>

#define SCRIPT_MAX_BYTES 262144

struct maker {
    const struct config *config;
    const struct sim_fleet_options *opt;
    struct arena *arena;
    const struct sim_script **scripts; /* by the class's index; NULL: none */
    struct sim_fleet *out;
    struct instant now;
    struct err *err;
};

static bool
read_script(struct maker *m, const struct class *class, const struct sim_script **out)
{
    struct sim_script *script = ARENA_NEW(m->arena, struct sim_script);
    char path[4096];
    struct buf text;

    (void)snprintf(path, sizeof(path), "%s/simulate/%s.txt", m->opt->dir, class->name);
    buf_init(&text, SCRIPT_MAX_BYTES);
    bool good = fs_read_all(fs_posix(), path, &text, m->err);

    *out = NULL;
    if (good) {
        good = sim_script_parse(m->arena, path, buf_view(&text), script, m->err);
        *out = good && (!m->opt->replay || script->replay != NULL) ? script : NULL;
    } else if (m->err->kind == ERR_GONE) {
        good = true;
        m->out->silent++;
    }
    buf_fini(&text);
    return good;
}

static void
add_device(
    struct maker *m, const char *code, const struct class *class, const struct compound *compound)
{
    const struct sim_script *script = m->scripts[class - m->config->classes.at];
    const struct unit *district = compound->units[TIER_DISTRICT];
    struct sim_device *device = &m->out->at[m->out->n];
    char topic[512];

    if (script == NULL)
        return;
    const int len = snprintf(topic, sizeof(topic), "estate/%s/%s/%s/%s/%s",
        district == NULL ? "-" : district->id, compound->id, class->name, code, script->stream);
    const struct view whole = {topic, (size_t)len};

    if (m->opt->lane != NULL) {
        const struct lane_config *lane = config_lane_of(m->config, whole);

        if (lane == NULL || strcmp(lane->name, m->opt->lane) != 0)
            return;
    }
    *device = (struct sim_device){.script = script,
        .code = code,
        .topic = arena_text(m->arena, whole),
        .seed = sim_hash(m->opt->seed, device_key(view_of(code))),
        .boot = m->opt->boot};
    if (script->parts > 0)
        device->parts = ARENA_ARRAY(m->arena, script->parts, struct sim_place);
    device->timer.key = m->out->n++;
}

static void
add_made_up(struct maker *m, size_t n)
{
    const struct config *config = m->config;

    if (config->classes.len == 0 || config->grid.n_compounds == 0)
        return;
    /* At most one round too many for each class that is silent or of another lane. */
    for (size_t i = 0; m->out->n < n && i < n * (config->classes.len + 1); i++) {
        char code[32];

        (void)snprintf(code, sizeof(code), "SIM-%06zu", i);
        add_device(m, arena_text(m->arena, view_of(code)),
            &config->classes.at[i % config->classes.len],
            &config->grid.compounds[i / config->classes.len % config->grid.n_compounds]);
    }
}

/* Thins the register out to n, evenly, so that every class stays. */
static void
thin_out(struct sim_fleet *fleet, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        fleet->at[i] = fleet->at[i * fleet->n / n];
        fleet->at[i].timer.key = i;
    }
    fleet->n = n;
}

bool
sim_fleet_make(const struct config *config, const struct sim_fleet_options *opt, struct instant now,
    struct arena *arena, struct sim_fleet *out, struct err *err)
{
    struct sim_fleet fleet = {.stretch = 1};
    struct maker m = {.config = config,
        .opt = opt,
        .arena = arena,
        .scripts = ARENA_ARRAY(arena, config->classes.len, const struct sim_script *),
        .out = &fleet,
        .now = now,
        .err = err};
    const size_t room = config->devices.len > opt->devices ? config->devices.len : opt->devices;
    double natural = 0;

    for (size_t i = 0; i < config->classes.len; i++) {
        if (!read_script(&m, &config->classes.at[i], &m.scripts[i]))
            return false;
    }
    fleet.at = ARENA_ARRAY(arena, room, struct sim_device);
    for (size_t i = 0; i < config->devices.len; i++) {
        const struct device *device = &config->devices.at[i];

        add_device(&m, device->code, device->class, device->compound);
    }
    if (opt->devices > fleet.n && opt->made_up)
        add_made_up(&m, opt->devices);
    if (opt->devices > fleet.n) {
        return err_set(err, ERR_CONFIG,
            "--devices: '%zu' are more than the %zu that can be played\nhint: Add --made-up to "
            "play "
            "machines that no register knows.",
            opt->devices, fleet.n);
    }
    if (opt->devices > 0)
        thin_out(&fleet, opt->devices);
    if (fleet.n == 0) {
        return err_set(err, ERR_CONFIG,
            "no machine can be played\nhint: Each class needs a file %s/simulate/CLASS.txt.",
            opt->dir);
    }
    for (size_t i = 0; i < fleet.n; i++)
        natural += 1e6 / (double)fleet.at[i].script->every.us;
    if (opt->rate > 0)
        fleet.stretch = natural / (double)opt->rate;
    timers_init(&fleet.timers);
    for (size_t i = 0; i < fleet.n && !opt->replay; i++) {
        const double phase = sim_unit(sim_hash(fleet.at[i].seed, 99));

        timers_set(&fleet.timers, &fleet.at[i].timer,
            instant_add(now,
                SPAN_US((int64_t)(phase * fleet.stretch * (double)fleet.at[i].script->every.us))));
    }
    *out = fleet;
    return true;
}

void
sim_fleet_fini(struct sim_fleet *fleet)
{
    timers_fini(&fleet->timers);
}

struct sim_device *
sim_fleet_of_timer(const struct sim_fleet *fleet, const struct timer *timer)
{
    return &fleet->at[timer->key];
}

void
sim_fleet_next(
    struct sim_fleet *fleet, struct sim_device *device, struct instant due, struct instant now)
{
    const double us = fleet->stretch * (double)device->script->every.us;
    struct instant next = instant_add(due, SPAN_US((int64_t)us + 1));

    /* After a second of delay (the broker was away) nothing is made up for. */
    if (instant_since(now, next).us > 1000000)
        next = now;
    if (device->fault != NULL)
        next = instant_min(next, instant_add(device->fault_until, SPAN_MS(1)));
    timers_set(&fleet->timers, &device->timer, next);
}

/* NAME, DEVICE, PART, AFTER of a fault; views into text. */
static void
split_order(const char *text, struct view part[4])
{
    const char *at = strchr(text, '@');

    for (size_t i = 0; i < 4; i++)
        part[i] = (struct view){"", 0};
    part[0] = at == NULL ? view_of(text) : (struct view){text, (size_t)(at - text)};
    if (at == NULL)
        return;
    const char *device = at + 1;
    const char *after = strchr(device, '@');
    const size_t len = after == NULL ? strlen(device) : (size_t)(after - device);
    const char *slash = memchr(device, '/', len);

    part[1] = (struct view){device, slash == NULL ? len : (size_t)(slash - device)};
    if (slash != NULL)
        part[2] = (struct view){slash + 1, len - (size_t)(slash + 1 - device)};
    if (after != NULL)
        part[3] = view_of(after + 1);
}

bool
sim_fleet_order(const struct sim_fleet *fleet, const char *text, struct instant start,
    struct sim_order *out, struct err *err)
{
    struct sim_order order = {.at = start, .part = 1};
    struct view part[4];
    struct span after;
    bool known = false;

    split_order(text, part);
    for (size_t i = 0; i < fleet->n && order.fault == NULL; i++) {
        struct sim_device *device = &fleet->at[i];

        if (part[1].len > 0 && !view_is(part[1], device->code))
            continue;
        known = true;
        order.device = device;
        order.fault = sim_script_fault(device->script, part[0]);
    }
    if (!known) {
        return err_set(err, ERR_CONFIG, "--fault: '%s': there is no machine '%.*s' in the fleet",
            text, VIEW_ARG(part[1]));
    }
    if (order.fault == NULL) {
        return err_set(err, ERR_CONFIG,
            "--fault: '%s': its class has no fault '%.*s'\nhint: See simulate/CLASS.txt.", text,
            VIEW_ARG(part[0]));
    }
    if (part[2].len > 0)
        order.part = (size_t)strtoul(part[2].ptr, NULL, 10);
    if (order.part == 0 || (order.fault->of_part && order.part > order.device->script->parts)) {
        return err_set(err, ERR_CONFIG, "--fault: '%s': the machine has parts 1 to %zu", text,
            order.device->script->parts);
    }
    if (part[3].len > 0) {
        if (!span_parse(part[3], &after)) {
            return err_set(err, ERR_CONFIG,
                "--fault: '%s': '%.*s' is not a length of time, allowed as 30s", text,
                VIEW_ARG(part[3]));
        }
        order.at = instant_add(start, after);
    }
    *out = order;
    return true;
}

bool
sim_fleet_any_fault(const struct sim_fleet *fleet, uint64_t hash, struct sim_order *out)
{
    struct sim_device *device = &fleet->at[hash % fleet->n];
    const struct sim_script *script = device->script;

    if (script->n_faults == 0)
        return false;
    *out = (struct sim_order){.device = device,
        .fault = &script->faults[sim_hash(hash, 1) % script->n_faults],
        .part = 1 + sim_hash(hash, 2) % (script->parts == 0 ? 1 : script->parts)};
    return true;
}
