/*
 * Values are not kept but drawn anew from a hash: of seed, place and number of the state for what
 * is drawn once a state, with the sequence for what is drawn each time. So 60,000 machines cost
 * little memory, and what one says does not depend on the others.
 */
#include "service/sim_device.h"

#include <inttypes.h>
#include <stdio.h>

/* splitmix64 */
uint64_t
sim_hash(uint64_t a, uint64_t b)
{
    uint64_t x = a + (b + 1) * UINT64_C(0x9E3779B97F4A7C15);

    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

double
sim_unit(uint64_t hash)
{
    return (double)(hash >> 11) / 9007199254740992.0;
}

/* One saying: what the renderer needs to look a name up. */
struct saying {
    const struct sim_device *device;
    const struct sim_state *state; /* of the machine or the part */
    const struct sim_place *place;
    size_t part; /* 1-based; 0: the machine itself */
    enum sim_twist twist;
    struct instant at;
    struct view row, parts;
};

static const struct sim_state *
move_on(struct sim_place *place, const struct sim_state *states, size_t n, uint64_t seed,
    struct instant now)
{
    if (n == 0)
        return NULL;
    /* The first state is any, somewhere in its middle. A long gap is not made up for. */
    if (place->entered == 0)
        place->entered = (uint32_t)(1 + seed % n);
    for (size_t i = 0; i < n && instant_cmp(place->until, now) <= 0; i++) {
        const bool first = place->until.us == 0;

        place->entered += !first;
        const struct sim_state *state = &states[(place->entered - 1) % n];
        const double length =
            (double)state->least.us +
            sim_unit(sim_hash(seed, place->entered)) * (double)(state->most.us - state->least.us);
        const struct instant from = i == 0 || first ? now : place->until;
        const double share = first ? sim_unit(sim_hash(seed, 77)) : 1;

        place->until = instant_add(from, SPAN_US((int64_t)(length * share) + 1));
    }
    return &states[(place->entered - 1) % n];
}

static const struct sim_value *
find_value(const struct sim_state *state, struct view name)
{
    for (size_t i = 0; state != NULL && i < state->n_values; i++) {
        if (view_is(name, state->values[i].name))
            return &state->values[i];
    }
    return NULL;
}

/* A word in place of a value must stand in quotes; quoted: it does already. */
static void
put_plain(const struct saying *say, const char *text, bool quoted, bool number, struct buf *out)
{
    if (say->twist == SIM_WRONG_TYPE)
        buf_text(out, quoted ? "31. Jul" : "\"31. Jul\"");
    else if (say->twist == SIM_RANGE && number)
        buf_text(out, "1000000000");
    else
        buf_text(out, text);
}

static void
put_value(const struct saying *say, const struct sim_value *value, uint64_t round, bool quoted,
    struct buf *out)
{
    uint64_t hash = sim_hash(say->device->seed, say->part);
    char text[64];

    for (const char *c = value->name; *c != '\0'; c++)
        hash = sim_hash(hash, (unsigned char)*c);
    hash = sim_hash(hash, value->kind == '~' ? say->device->seq : round);
    if (value->kind == 'w') {
        put_plain(say, value->text, quoted, !quoted, out);
    } else if (value->kind == '|') {
        size_t n = 1;
        const char *at = value->text;

        for (const char *c = at; *c != '\0'; c++)
            n += *c == '|';
        for (size_t skip = hash % n; skip > 0; skip--)
            at = strchr(at, '|') + 1;
        (void)snprintf(text, sizeof(text), "%.*s", (int)strcspn(at, "|"), at);
        put_plain(say, text, quoted, false, out);
    } else {
        (void)snprintf(text, sizeof(text), "%.*f", value->decimals,
            value->low + sim_unit(hash) * (value->high - value->low));
        put_plain(say, text, quoted, true, out);
    }
}

static bool
put_known(const struct saying *say, struct view name, struct buf *out)
{
    const struct sim_device *device = say->device;
    char text[INSTANT_TEXT_BYTES];

    if (view_is(name, "device")) {
        buf_text(out, device->code);
    } else if (view_is(name, "boot")) {
        buf_printf(out, "%" PRIu64, device->boot);
    } else if (view_is(name, "seq")) {
        buf_printf(out, "%" PRIu64, device->seq);
    } else if (view_is(name, "part")) {
        buf_printf(out, "%zu", say->part);
    } else if (view_is(name, "parts")) {
        buf_put(out, say->parts);
    } else if (view_is(name, "row")) {
        buf_put(out, say->row);
    } else if (view_is(name, "time")) {
        buf_text(out, instant_text(say->at, text));
    } else if (view_is(name, "time_ms")) {
        buf_printf(out, "%" PRId64, say->at.us / 1000);
    } else if (view_is(name, "time_s")) {
        buf_printf(out, "%" PRId64, say->at.us / 1000000);
    } else if (view_is(name, "time_local")) {
        const struct civil c = instant_civil(say->at, 8 * 3600);

        buf_printf(out, "%04d-%02d-%02d %02d:%02d:%02d.%03d", c.year, c.month, c.day, c.hour,
            c.minute, c.second, (int)(say->at.us / 1000 % 1000));
    } else {
        return false;
    }
    return true;
}

static void
put_name(const struct saying *say, struct view name, bool quoted, struct buf *out)
{
    const struct sim_device *device = say->device;
    const struct sim_state *fault = device->fault;
    const struct sim_value *value = NULL;
    uint64_t round = 0;

    if (put_known(say, name, out))
        return;
    if (fault != NULL && (!fault->of_part || say->part == device->fault_part))
        value = find_value(fault, name);
    if (value == NULL) {
        value = find_value(say->state, name);
        round = value == NULL ? 0 : say->place->entered;
    }
    if (value == NULL)
        value = find_value(&device->script->let, name);
    if (value == NULL)
        buf_text(out, quoted ? "" : "null"); /* not heard */
    else
        put_value(say, value, round, quoted, out);
}

static bool
name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static void
render(const struct saying *say, const char *template, struct buf *out)
{
    bool quoted = false;

    while (*template != '\0') {
        if (*template != '$') {
            quoted = quoted != (*template == '"');
            buf_char(out, *template ++);
            continue;
        }
        size_t len = 0;

        template ++;
        while (name_char(template[len]))
            len++;
        put_name(say, (struct view){template, len}, quoted, out);
        template += len;
    }
}

void
sim_device_fault(
    struct sim_device *device, const struct sim_state *fault, size_t part, struct instant now)
{
    const uint64_t drawn = sim_hash(device->seed, device->seq);
    const double length =
        (double)fault->least.us + sim_unit(drawn) * (double)(fault->most.us - fault->least.us);

    device->fault = fault;
    device->fault_part = part == 0 ? 1 : part;
    device->fault_until = instant_add(now, SPAN_US((int64_t)length));
}

void
sim_device_say(struct sim_device *device, struct instant now, enum sim_twist twist, struct view row,
    struct buf *out, struct instant *at)
{
    const struct sim_script *script = device->script;
    struct saying say = {.device = device, .twist = twist, .row = row, .place = &device->place};
    struct buf parts;

    device->seq++;
    say.at.us = (now.us > device->last.us ? now.us : device->last.us + 1000) / 1000 * 1000;
    if (say.at.us <= device->last.us)
        say.at.us = device->last.us + 1000;
    device->last = say.at;
    if (device->fault != NULL && instant_cmp(device->fault_until, now) <= 0)
        device->fault = NULL;
    if (twist == SIM_FUTURE)
        say.at = instant_add(say.at, SPAN_DAYS(1));
    if (twist == SIM_PAST)
        say.at = instant_add(say.at, SPAN_DAYS(-60));
    *at = say.at;
    buf_init(&parts, (size_t)64 * 1024);
    for (size_t i = 0; i < script->parts && script->part != NULL; i++) {
        const uint64_t seed = sim_hash(device->seed, i + 1);

        say.part = i + 1;
        say.place = &device->parts[i];
        say.state =
            move_on(&device->parts[i], script->part_states, script->n_part_states, seed, now);
        if (i > 0)
            buf_char(&parts, ',');
        render(&say, script->part, &parts);
    }
    say.part = 0;
    say.place = &device->place;
    say.state = move_on(&device->place, script->states, script->n_states, device->seed, now);
    say.parts = buf_view(&parts);
    render(&say, row.len > 0 ? script->replay : script->message, out);
    buf_fini(&parts);
}
