/*
 * The application unit: type, count, objects. A part is `system.address` of a facility, the same
 * with `-zone-number` for one of its components; '' is the transmission device itself. So the
 * states of different systems of one panel never overwrite each other.
 *
 * Bit 0 of a state is 1 in normal work and 0 under test: `test` is its opposite. What is set
 * beside it (a fire under test) is kept.
 */
#include "ingest/normalise/frames/gbt26875.h"

#include "ingest/normalise/frames/gb18030.h"

#define TEXT_BYTES 31
#define ADDRESS_BYTES 7 /* system, its address, component type, component address */

/* One object on its way. */
struct object {
    struct framing *f;
    struct view bytes;
    size_t at;
    struct cJSON *record;
};

struct bit {
    uint16_t mask;
    const char *name;
};

/* Components have the first eight; mains_fault is that of their own supply. */
static const struct bit state_bits[] = {
    {0x0002, "fire"},
    {0x0004, "fault"},
    {0x0008, "shielded"},
    {0x0010, "supervised"},
    {0x0020, "started"},
    {0x0040, "feedback"},
    {0x0080, "delayed"},
    {0x0100, "mains_fault"},
    {0x0200, "backup_fault"},
    {0x0400, "bus_fault"},
    {0x0800, "by_hand"},
    {0x1000, "config_changed"},
    {0x2000, "reset"},
};
#define COMPONENT_BITS 8
static const struct bit device_bits[] = {
    {0x02, "fire"},
    {0x04, "fault"},
    {0x08, "mains_fault"},
    {0x10, "backup_fault"},
    {0x20, "link_fault"},
    {0x40, "line_fault"},
};
static const struct bit operation_bits[] = {
    {0x01, "op_reset"},
    {0x02, "op_mute"},
    {0x08, "op_alarm_cleared"},
    {0x10, "op_self_test"},
    {0x40, "op_test"},
};
#define OPERATION_RESET 0x01
#define OPERATION_MANUAL 0x04
#define OPERATION_CLEARED 0x08
#define OPERATION_CONFIRM 0x20 /* on a facility; on the transmission device the guard's answer */

/* Component types by what they are; reserved and vendors' own ones are `other`. */
static const struct {
    uint8_t first, last;
    const char *name;
} component_kinds[] = {
    {1, 1, "panel"},
    {10, 13, "gas"},
    {16, 16, "electrical"},
    {17, 17, "residual_current"},
    {18, 18, "electrical_heat"},
    {21, 21, "loop"},
    {22, 22, "display"},
    {23, 23, "call_point"},
    {24, 24, "hydrant_button"},
    {25, 25, "detector"},
    {30, 37, "heat"},
    {40, 44, "smoke"},
    {50, 53, "combined"},
    {61, 69, "flame"},
    {74, 74, "gas"},
    {78, 78, "video"},
    {79, 79, "acoustic"},
    {81, 83, "control"},
    {84, 88, "module"},
    {91, 91, "pump"},
    {92, 92, "tank"},
    {95, 95, "pump"},
    {96, 96, "flow"},
    {97, 98, "valve"},
    {99, 99, "pressure"},
    {101, 101, "valve"},
    {102, 102, "door"},
    {103, 103, "damper"},
    {104, 104, "fan"},
    {105, 105, "pump"},
    {106, 106, "valve"},
    {111, 111, "fan"},
    {113, 116, "damper"},
    {117, 118, "door"},
    {121, 121, "sounder"},
};

static const char *
kind_of(uint8_t component)
{
    for (size_t i = 0; i < sizeof(component_kinds) / sizeof(component_kinds[0]); i++) {
        if (component >= component_kinds[i].first && component <= component_kinds[i].last)
            return component_kinds[i].name;
    }
    return "other";
}

/* Types 1 to 12: name and how many units of the value make one of the least. */
static const struct {
    const char *name;
    double per_unit;
} analogues[] = {
    {NULL, 1},
    {"events", 1},
    {"height", 100},
    {"temperature", 10},
    {"pressure", 0.01}, /* 0.1 MPa; pressure is in kPa */
    {"pressure", 10},
    {"gas", 10},
    {"duration", 1},
    {"voltage", 10},
    {"current", 10},
    {"flow", 10},
    {"air_volume", 10},
    {"air_speed", 1},
};

static void
put_bits(const struct object *o, const struct bit *bits, size_t n, uint16_t state)
{
    for (size_t i = 0; i < n; i++)
        frame_bool(o->f, o->record, bits[i].name, (state & bits[i].mask) != 0);
}

static void
put_time(const struct object *o, size_t at)
{
    const struct view six = view_part(o->bytes, at, 6);
    struct instant time;
    char room[GBT26875_TIME_DIGITS];

    if (gbt26875_time(o->f->dialect, six, &time)) {
        frame_instant(o->f, o->record, "time", time);
        return;
    }
    const struct view text = gbt26875_no_time(six, room);

    if (text.len > 0)
        frame_text(o->f, o->record, "time", text);
}

static void
put_text(const struct object *o, const char *name, size_t at, size_t len)
{
    const struct view text = gb18030_text(view_part(o->bytes, at, len), o->f->arena);

    if (text.len > 0)
        frame_text(o->f, o->record, name, text);
}

static uint16_t
state_at(const struct object *o, size_t at)
{
    return o->f->dialect->big_endian_state ? frame_u16be(o->bytes, at) : frame_u16le(o->bytes, at);
}

/* "1.2" of a facility, "1.2-10-3" of a component; longest 23 bytes. */
static bool
begin(struct object *o, const char *kind, bool component)
{
    const bool alone = o->f->dialect->layout == FRAME_LAYOUT_NBIOT; /* it is the device itself */
    char room[32];
    size_t len = frame_decimal(frame_u8(o->bytes, 0), room);

    room[len++] = '.';
    len += frame_decimal(frame_u8(o->bytes, 1), room + len);
    if (component) {
        room[len++] = '-';
        len += frame_decimal(frame_u16le(o->bytes, 3), room + len);
        room[len++] = '-';
        len += frame_decimal(frame_u16le(o->bytes, 5), room + len);
    }
    o->record = frame_record(o->f, (struct view){room, alone ? 0 : len}, kind);
    if (o->record == NULL)
        return false;
    frame_number(o->f, o->record, "system", frame_u8(o->bytes, 0));
    frame_number(o->f, o->record, "system_address", frame_u8(o->bytes, 1));
    if (component) {
        frame_number(o->f, o->record, "component", frame_u8(o->bytes, 2));
        frame_literal(o->f, o->record, "component_kind", kind_of(frame_u8(o->bytes, 2)));
        frame_number(o->f, o->record, "address", frame_u32le(o->bytes, 3));
    }
    return true;
}

static bool
begin_device(struct object *o, const char *kind)
{
    o->record = frame_record(o->f, (struct view){"", 0}, kind);
    return o->record != NULL;
}

static void
read_system_state(struct object *o)
{
    const uint16_t state = state_at(o, 2);

    if (!begin(o, "system-state", false))
        return;
    frame_number(o->f, o->record, "state", state);
    frame_bool(o->f, o->record, "test", (state & 1) == 0);
    put_bits(o, state_bits, sizeof(state_bits) / sizeof(state_bits[0]), state);
    frame_bool(o->f, o->record, "system_fire", (state & 2) != 0);
    put_time(o, 4);
}

/* A person's or a sprinkler's fire: call point, hydrant button, flow switch. */
static bool
is_manual(uint8_t component)
{
    return component == 23 || component == 24 || component == 96;
}

static void
put_component_state(struct object *o)
{
    const uint16_t state = state_at(o, ADDRESS_BYTES);
    const bool fire = (state & 2) != 0;

    frame_number(o->f, o->record, "state", state);
    frame_bool(o->f, o->record, "test", (state & 1) == 0);
    put_bits(o, state_bits, COMPONENT_BITS, state);
    frame_bool(
        o->f, o->record, is_manual(frame_u8(o->bytes, 2)) ? "manual_fire" : "detector_fire", fire);
}

/* In the nbiot layout, from at: kind of value, value, signal dBm, battery mV. */
static void
put_nbiot(const struct object *o, size_t at)
{
    const uint8_t type = frame_u8(o->bytes, at);
    const int16_t value = (int16_t)frame_u16le(o->bytes, at + 1);

    if (type > 0) {
        frame_number(o->f, o->record, "analogue", type);
        frame_number(o->f, o->record, "raw", value);
    }
    if (type > 0 && type < sizeof(analogues) / sizeof(analogues[0]))
        frame_number(o->f, o->record, analogues[type].name, value / analogues[type].per_unit);
    frame_number(o->f, o->record, "signal", (int8_t)frame_u8(o->bytes, at + 3));
    frame_number(o->f, o->record, "battery_mv", frame_u16le(o->bytes, at + 4));
}

static void
read_component_state(struct object *o)
{
    if (!begin(o, "component-state", true))
        return;
    put_component_state(o);
    if (o->f->dialect->layout == FRAME_LAYOUT_NBIOT) {
        frame_number(o->f, o->record, "fault_kind", frame_u8(o->bytes, 9));
        put_text(o, "text", 10, 24);
        put_nbiot(o, 34);
        return;
    }
    put_text(o, "text", 9, TEXT_BYTES);
    put_time(o, 40);
}

static void
read_analogue(struct object *o)
{
    const uint8_t type = frame_u8(o->bytes, ADDRESS_BYTES);
    const int16_t value = (int16_t)frame_u16le(o->bytes, 8);

    if (!begin(o, "analogue", true))
        return;
    if (o->f->dialect->layout == FRAME_LAYOUT_NBIOT) {
        put_nbiot(o, ADDRESS_BYTES);
        return;
    }
    frame_number(o->f, o->record, "analogue", type);
    frame_number(o->f, o->record, "raw", value);
    if (type > 0 && type < sizeof(analogues) / sizeof(analogues[0]))
        frame_number(o->f, o->record, analogues[type].name, value / analogues[type].per_unit);
    put_time(o, 10);
}

/* A bit that is not set says nothing, except that a reset or a cleared alarm ends the manual one.
 */
static void
put_operation(const struct object *o, size_t at, const char *confirm)
{
    const uint8_t flags = frame_u8(o->bytes, at);

    for (size_t i = 0; i < sizeof(operation_bits) / sizeof(operation_bits[0]); i++) {
        if ((flags & operation_bits[i].mask) != 0)
            frame_bool(o->f, o->record, operation_bits[i].name, true);
    }
    if ((flags & (OPERATION_MANUAL | OPERATION_RESET | OPERATION_CLEARED)) != 0)
        frame_bool(o->f, o->record, "manual_fire", (flags & OPERATION_MANUAL) != 0);
    if ((flags & OPERATION_CONFIRM) != 0)
        frame_bool(o->f, o->record, confirm, true);
    frame_number(o->f, o->record, "operator", frame_u8(o->bytes, at + 1));
    put_time(o, at + 2);
}

static void
read_system_operation(struct object *o)
{
    if (begin(o, "system-operation", false))
        put_operation(o, 2, "op_confirm");
}

static void
put_version(const struct object *o, size_t at)
{
    char room[24];
    size_t len = frame_decimal(frame_u8(o->bytes, at), room);

    room[len++] = '.';
    len += frame_decimal(frame_u8(o->bytes, at + 1), room + len);
    frame_text(o->f, o->record, "version", (struct view){room, len});
}

static void
read_system_version(struct object *o)
{
    if (begin(o, "system-version", false))
        put_version(o, 2);
}

static void
read_system_config(struct object *o)
{
    if (begin(o, "system-config", false))
        put_text(o, "text", 3, o->bytes.len - 3);
}

static void
read_component_config(struct object *o)
{
    if (begin(o, "component-config", true))
        put_text(o, "text", ADDRESS_BYTES, TEXT_BYTES);
}

static void
read_system_time(struct object *o)
{
    if (begin(o, "system-time", false))
        put_time(o, 2);
}

static void
read_device_state(struct object *o)
{
    const uint8_t state = frame_u8(o->bytes, 0);

    if (!begin_device(o, "device-state"))
        return;
    frame_number(o->f, o->record, "state", state);
    frame_bool(o->f, o->record, "test", (state & 1) == 0);
    put_bits(o, device_bits, sizeof(device_bits) / sizeof(device_bits[0]), state);
    frame_bool(o->f, o->record, "system_fire", (state & 2) != 0);
    put_time(o, 1);
}

static void
read_device_operation(struct object *o)
{
    if (begin_device(o, "device-operation"))
        put_operation(o, 0, "op_guard_answer");
}

static void
read_device_version(struct object *o)
{
    if (begin_device(o, "device-version"))
        put_version(o, 0);
}

static void
read_device_config(struct object *o)
{
    if (begin_device(o, "device-config"))
        put_text(o, "text", 1, o->bytes.len - 1);
}

static void
read_device_time(struct object *o)
{
    if (begin_device(o, "device-time"))
        put_time(o, 0);
}

static const struct data_type {
    uint8_t type;
    uint8_t bytes;     /* of an object; of one with a text: up to it */
    uint8_t length_at; /* where in an object the text's length is; 0xFF: there is none */
    void (*read)(struct object *o);
} data_types[] = {
    {1, 10, 0xFF, read_system_state},
    {2, 46, 0xFF, read_component_state},
    {3, 16, 0xFF, read_analogue},
    {4, 10, 0xFF, read_system_operation},
    {5, 4, 0xFF, read_system_version},
    {6, 3, 2, read_system_config},
    {7, 38, 0xFF, read_component_config},
    {8, 8, 0xFF, read_system_time},
    {21, 7, 0xFF, read_device_state},
    {24, 8, 0xFF, read_device_operation},
    {25, 2, 0xFF, read_device_version},
    {26, 1, 0, read_device_config},
    {28, 6, 0xFF, read_device_time},
};

static const struct data_type *
type_find(uint8_t type)
{
    for (size_t i = 0; i < sizeof(data_types) / sizeof(data_types[0]); i++) {
        if (data_types[i].type == type)
            return &data_types[i];
    }
    return NULL;
}

/* 0: the object is not whole. */
static size_t
object_size(const struct data_type *type, struct view unit, size_t at)
{
    size_t size = type->bytes;

    if (unit.len - at < size)
        return 0;
    if (type->length_at != 0xFF)
        size += frame_u8(unit, at + type->length_at);
    return unit.len - at < size ? 0 : size;
}

void
gbt26875_objects(struct framing *f, struct view unit, size_t at)
{
    struct frame_flaw flaw = {.at = at, .found = frame_u8(unit, 0), .raw = unit};
    const struct data_type *type = type_find(frame_u8(unit, 0));
    const size_t count = unit.len < 2 ? 0 : frame_u8(unit, 1);
    size_t from = 2;
    size_t n = 0;

    if (type == NULL) {
        flaw.check = FRAME_CHECK_TYPE;
        frame_flaw_add(f, &flaw);
        return;
    }
    while (n < count && f->out->n_records < FRAME_MAX_RECORDS) {
        const size_t size = object_size(type, unit, from);

        if (size == 0)
            break;
        type->read(&(struct object){f, view_part(unit, from, size), at + from, NULL});
        from += size;
        n++;
    }
    if (n == count && count > 0 && from == unit.len)
        return;
    flaw.check =
        n < count && f->out->n_records == FRAME_MAX_RECORDS ? FRAME_CHECK_MANY : FRAME_CHECK_COUNT;
    flaw.at = at + 1;
    flaw.found = count;
    flaw.expected = n;
    flaw.kept = n > 0;
    frame_flaw_add(f, &flaw);
}
