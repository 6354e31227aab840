/*
 * Canonical bytes of what is known. By names, in order of keys; clocks as distances from now, so
 * that a state does not depend on how often the link was down. Marks, tallies, counts of groups
 * and timers are made anew.
 *
 *   u8 version | u8 flags | instant now | i64 ticked | u32 n | n members by class/code/part
 *   member: class code part compound | i64 heard | i64 newest | i64 tested
 *           | u16 fields | u16 counts | u16 windows
 *   field:  name | u8 type | i64 at | i64 heard | u8 suspect | f64 or text
 *   count:  text | i64 stopped
 *   window: text | u8 in clock | u16 n | n buckets (window.c)
 */
#include "alerting/rules/state.h"

#define VERSION 3

enum { FLAG_STARTED = 1, FLAG_UP = 2, FLAG_ALL_DUE = 4 };

/* The two ends stay what they are. */
static int64_t
shifted(int64_t clock, int64_t by)
{
    return clock == CLOCK_NEVER || clock == CLOCK_NOW ? clock : clock + by;
}

static void
save_field(const struct facts *facts, const struct member *member, size_t i, int64_t clock,
    struct buf *out)
{
    const struct field *field = &member->layout->class->fields[i];
    const struct known *known = &member->known[i];

    pack_text(out, field->name);
    pack_u8(out, (uint8_t)field->type);
    pack_i64(out, known->at + facts->moved);
    pack_i64(out, known->heard - clock);
    pack_u8(out, bit_get(member->suspect, i));
    if (field->type == FIELD_TEXT)
        pack_view(out, (struct view){known->text->bytes, known->text->len});
    else
        pack_f64(out, known->number);
}

static bool
has_count(const struct member *member, size_t i)
{
    return member->stopped[i] != CLOCK_NEVER;
}

/* Slots are in the order of rules; texts are distinct, so the order is kept by them. */
static void
save_counts(const struct member *member, int64_t clock, struct buf *out)
{
    const struct layout *layout = member->layout;
    struct view last = {NULL, 0};

    for (;;) {
        size_t next = layout->n_counts;

        for (size_t i = 0; i < layout->n_counts; i++) {
            const struct view text = layout->counts[i].text;

            if (has_count(member, i) && (last.ptr == NULL || view_cmp(text, last) > 0) &&
                (next == layout->n_counts || view_cmp(text, layout->counts[next].text) < 0))
                next = i;
        }
        if (next == layout->n_counts)
            return;
        last = layout->counts[next].text;
        pack_view(out, last);
        pack_i64(out, shifted(member->stopped[next], -clock));
    }
}

/* What windows of count(condition, span) are in; the others are in stored times. */
static int64_t
window_shift(const struct facts *facts, const struct window_slot *slot, int64_t clock)
{
    return slot->node->kind == EXPR_TIMES ? -clock : facts->moved;
}

static void
save_windows(const struct facts *facts, const struct member *member, int64_t clock, struct buf *out)
{
    const struct layout *layout = member->layout;
    struct view last = {NULL, 0};

    for (;;) {
        size_t next = layout->n_windows;

        for (size_t i = 0; i < layout->n_windows; i++) {
            const struct view text = layout->windows[i].text;

            if (member->windows[i].len > 0 && (last.ptr == NULL || view_cmp(text, last) > 0) &&
                (next == layout->n_windows || view_cmp(text, layout->windows[next].text) < 0))
                next = i;
        }
        if (next == layout->n_windows)
            return;
        last = layout->windows[next].text;
        pack_view(out, last);
        pack_u8(out, layout->windows[next].node->kind == EXPR_TIMES);
        window_save(
            &member->windows[next], window_shift(facts, &layout->windows[next], clock), out);
    }
}

static void
save_member(const struct facts *facts, const struct member *member, int64_t clock, struct buf *out)
{
    const struct layout *layout = member->layout;
    uint16_t n_fields = 0, n_counts = 0, n_windows = 0;

    for (size_t i = 0; i < layout->class->n_fields; i++)
        n_fields = (uint16_t)(n_fields + bit_get(member->have, i));
    for (size_t i = 0; i < layout->n_counts; i++)
        n_counts = (uint16_t)(n_counts + has_count(member, i));
    for (size_t i = 0; i < layout->n_windows; i++)
        n_windows = (uint16_t)(n_windows + (member->windows[i].len > 0));
    pack_text(out, layout->class->name);
    pack_view(out, member->self.code);
    pack_view(out, member->self.part);
    pack_view(out, member->self.compound);
    pack_i64(out, member->root == member ? member->heard - clock : 0);
    pack_i64(out, shifted(member->newest, facts->moved));
    pack_i64(out, shifted(member->tested, facts->moved));
    pack_u16(out, n_fields);
    pack_u16(out, n_counts);
    pack_u16(out, n_windows);
    for (size_t i = 0; i < layout->class->n_fields; i++) {
        if (bit_get(member->have, layout->by_name[i]))
            save_field(facts, member, layout->by_name[i], clock, out);
    }
    save_counts(member, clock, out);
    save_windows(facts, member, clock, out);
}

void
facts_save(const struct facts *facts, struct buf *out)
{
    const int64_t clock = facts_clock(facts, facts->now);
    struct arena arena;

    arena_init(&arena);
    const struct map_entry *entries = map_sorted(&facts->members, &arena);

    pack_u8(out, VERSION);
    pack_u8(out, (uint8_t)((facts->started ? FLAG_STARTED : 0) | (facts->up ? FLAG_UP : 0) |
                           (facts->all_due ? FLAG_ALL_DUE : 0)));
    pack_instant(out, facts->now);
    pack_i64(out, shifted(facts->ticked, -clock));
    pack_u32(out, (uint32_t)facts->members.len);
    for (size_t i = 0; i < facts->members.len; i++)
        save_member(facts, entries[i].value, clock, out);
    arena_fini(&arena);
}

/* member NULL: of a class that there is no more. */
static void
load_field(struct member *member, struct unpack *in, int64_t clock)
{
    const struct class *class = member == NULL ? NULL : member->layout->class;
    const struct view name = unpack_view(in);
    const uint8_t type = unpack_u8(in);
    const int64_t at = unpack_i64(in);
    const int64_t heard = unpack_i64(in) + clock;
    const uint8_t suspect = unpack_u8(in);
    const struct view text = type == FIELD_TEXT ? unpack_view(in) : view_of("");
    const double number = type == FIELD_TEXT ? 0 : unpack_f64(in);
    const int i = class == NULL ? -1 : field_find(class, name);

    if (in->bad || i < 0 || class->fields[i].type != type || bit_get(member->have, (size_t)i))
        return;
    member->known[i] = (struct known){.at = at, .heard = heard};
    bit_put(member->have, (size_t)i, true);
    bit_put(member->suspect, (size_t)i, suspect != 0);
    if (type == FIELD_TEXT) {
        member->known[i].text = NULL;
        known_set_text(&member->known[i], text);
    } else {
        member->known[i].number = number;
    }
}

static void
load_count(struct member *member, struct unpack *in, int64_t clock)
{
    const struct view text = unpack_view(in);
    const int64_t stopped = shifted(unpack_i64(in), clock);

    for (size_t i = 0; member != NULL && i < member->layout->n_counts; i++) {
        if (view_eq(member->layout->counts[i].text, text))
            member->stopped[i] = stopped;
    }
}

static bool
load_window(struct member *member, struct unpack *in, int64_t clock)
{
    const struct view text = unpack_view(in);
    const int64_t by = unpack_u8(in) != 0 ? clock : 0;
    struct window window = {0};
    const bool good = window_load(&window, by, in);

    for (size_t i = 0; good && member != NULL && i < member->layout->n_windows; i++) {
        if (!view_eq(member->layout->windows[i].text, text) || member->windows[i].len > 0)
            continue;
        member->windows[i] = window;
        return true;
    }
    window_fini(&window);
    return good;
}

static bool
load_member(struct facts *facts, struct unpack *in, int64_t clock)
{
    const struct class *class = class_find(facts->opt.classes, unpack_view(in));
    const struct view code = unpack_view(in);
    const struct view part = unpack_view(in);
    const struct view compound = unpack_view(in);
    const int64_t heard = unpack_i64(in) + clock;
    const int64_t newest = unpack_i64(in);
    const int64_t tested = unpack_i64(in);
    const uint16_t n_fields = unpack_u16(in), n_counts = unpack_u16(in);
    const uint16_t n_windows = unpack_u16(in);
    struct member *member = NULL;

    if (in->bad || code.len > DEVICE_CODE_BYTES || part.len > PART_BYTES ||
        n_fields > CLASS_MAX_FIELDS)
        return false;
    if (class != NULL) {
        member = member_get(facts, class, code, part, heard);
        member->newest = newest;
        member->tested = tested;
        if (part.len == 0)
            member->heard = heard;
        member_place(facts, member, device_find(facts->opt.devices, code), compound);
    }
    for (uint16_t i = 0; i < n_fields && !in->bad; i++)
        load_field(member, in, clock);
    for (uint16_t i = 0; i < n_counts && !in->bad; i++)
        load_count(member, in, clock);
    for (uint16_t i = 0; i < n_windows && !in->bad; i++) {
        if (!load_window(member, in, clock))
            return false;
    }
    return !in->bad;
}

bool
facts_load(struct facts *facts, struct unpack *in, struct err *err)
{
    const uint8_t version = unpack_u8(in);
    const uint8_t flags = unpack_u8(in);
    const struct instant now = unpack_instant(in);
    const int64_t ticked = shifted(unpack_i64(in), now.us);
    const size_t n = unpack_count(in, 40);

    if (in->bad || version != VERSION)
        return err_set(err, ERR_INPUT, "facts: version %d, needed is %d", version, VERSION);
    facts->now = now;
    facts->started = (flags & FLAG_STARTED) != 0;
    facts->up = (flags & FLAG_UP) != 0;
    facts->all_due = (flags & FLAG_ALL_DUE) != 0;
    facts->moved = 0;
    facts->offset = 0;
    facts->frozen = now.us;
    facts->ticked = ticked;
    for (size_t i = 0; i < n; i++) {
        if (!load_member(facts, in, now.us))
            return err_set(err, ERR_INPUT, "facts: member %zu of %zu cannot be read", i + 1, n);
    }
    members_recount(facts, now.us);
    return true;
}
