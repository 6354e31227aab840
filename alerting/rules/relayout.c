/* A new configuration: values are kept by the names of fields, ends of counts by their text. */
#include "alerting/rules/state.h"

#include <stdlib.h>

#define STRANGER_KEPT SPAN_DAYS(1)

void
known_set_text(struct known *known, struct view text)
{
    if (known->text == NULL || known->text->len != text.len) {
        free(known->text);
        known->text = mem_alloc(sizeof(*known->text) + text.len);
        known->text->len = (uint32_t)text.len;
    }
    if (text.len > 0)
        memcpy(known->text->bytes, text.ptr, text.len);
}

static void
free_block(struct member *member)
{
    const struct class *class = member->layout->class;

    for (size_t i = 0; i < class->n_fields; i++) {
        if (class->fields[i].type == FIELD_TEXT)
            free(member->known[i].text);
    }
    for (size_t i = 0; i < member->layout->n_windows; i++)
        window_fini(&member->windows[i]);
    free(member->known);
    member->known = NULL;
}

static void
free_member(struct member *member)
{
    if (member->known != NULL)
        free_block(member);
    member_parts_free(member);
    free(member->name);
    free(member);
}

/* Its subject may still be named by a case; nothing else of it is left. */
static void
retire(struct facts *facts, struct member *member)
{
    free_block(member);
    member_parts_free(member);
    member->self.listed = NULL;
    timers_cancel(&facts->timers, &member->timer);
    VEC_PUSH(&facts->gone)->member = member;
}

static void
move_fields(struct member *member, const struct member *old)
{
    const struct class *from = old->layout->class, *to = member->layout->class;

    memset(member->have, 0, sizeof(member->have));
    memset(member->suspect, 0, sizeof(member->suspect));
    for (size_t i = 0; i < from->n_fields; i++) {
        const int field = field_find(to, view_of(from->fields[i].name));

        if (!bit_get(old->have, i) || field < 0 || to->fields[field].type != from->fields[i].type)
            continue;
        member->known[field] = old->known[i];
        old->known[i].text = NULL; /* moved */
        bit_put(member->have, (size_t)field, true);
        bit_put(member->suspect, (size_t)field, bit_get(old->suspect, i));
    }
}

static void
move_counts(struct member *member, const struct member *old)
{
    for (size_t i = 0; i < member->layout->n_counts; i++) {
        for (size_t j = 0; j < old->layout->n_counts; j++) {
            if (view_eq(member->layout->counts[i].text, old->layout->counts[j].text))
                member->stopped[i] = old->stopped[j];
        }
    }
}

static void
move_windows(struct member *member, struct member *old)
{
    for (size_t i = 0; i < member->layout->n_windows; i++) {
        for (size_t j = 0; j < old->layout->n_windows; j++) {
            if (!view_eq(member->layout->windows[i].text, old->layout->windows[j].text))
                continue;
            member->windows[i] = old->windows[j];
            old->windows[j] = (struct window){0};
        }
    }
}

static void
move_member(struct member *member, const struct layout *layout)
{
    struct member old = *member;

    member_block(member, layout);
    move_fields(member, &old);
    move_counts(member, &old);
    move_windows(member, &old);
    memset(member->groups, 0, sizeof(member->groups));
    free_block(&old);
}

/* The silence of a device that another lane hears is that lane's to judge. */
static bool
is_heard_here(const struct facts *facts, const struct device *device)
{
    return facts->opt.lane == NULL || device->lane == NULL ||
           strcmp(facts->opt.lane, device->lane) == 0;
}

/* Who was taken off the list, or was listed under another class, is forgotten; who never was on it
 * stays as unlisted as he is, unless he was not heard for a day. Members have the new layout and
 * still the old place here. */
static bool
stays(const struct facts *facts, const struct member *member, int64_t clock)
{
    const struct device *device;

    if (member->self.listed == NULL)
        return clock - member->root->heard <= STRANGER_KEPT.us;
    device = device_find(facts->opt.devices, member->self.code);
    return device != NULL && device->class->index == member->layout->class->index &&
           is_heard_here(facts, device);
}

void
members_list(struct facts *facts, int64_t clock)
{
    for (size_t i = 0; i < facts->opt.devices->len; i++) {
        const struct device *device = &facts->opt.devices->at[i];

        if (!is_heard_here(facts, device))
            continue;
        struct member *root =
            member_get(facts, device->class, view_of(device->code), view_of(""), clock);

        member_place(facts, root, device, root->self.compound);
    }
}

void
members_recount(struct facts *facts, int64_t clock)
{
    const struct moment moment = {.clock = clock, .at_clock = clock};
    struct arena arena;

    facts->first = NULL;
    arena_init(&arena);
    const struct map_entry *entries = map_sorted(&facts->members, &arena);

    for (size_t i = 0; i < facts->members.len; i++) {
        struct member *member = entries[i].value;

        member_refresh(member, &moment);
        timers_cancel(&facts->timers, &member->timer);
        member_arm(facts, member, facts->ticked);
    }
    arena_fini(&arena);
}

void
members_relayout(struct facts *facts, const struct layout *old, size_t n_old, int64_t clock)
{
    const struct class_table *classes = facts->opt.classes;
    struct arena arena;

    arena_init(&arena);
    const size_t n_groups = facts->groups.len, n_members = facts->members.len;
    const struct map_entry *groups = map_sorted(&facts->groups, &arena);
    const struct map_entry *members = map_sorted(&facts->members, &arena);

    for (size_t i = 0; i < n_groups; i++)
        group_reset(facts, groups[i].value, groups[i].key);
    for (size_t i = 0; i < n_members; i++) {
        struct member *member = members[i].value;

        CHECK(member->layout >= old && member->layout < old + n_old);
        const struct class *class = class_find(classes, view_of(member->layout->class->name));

        if (class != NULL) {
            move_member(member, &facts->layouts[class->index]);
            if (stays(facts, member, clock))
                continue;
        }
        (void)map_del(&facts->members, members[i].key);
        retire(facts, member);
    }
    members = map_sorted(&facts->members, &arena);
    for (size_t i = 0; i < facts->members.len; i++) {
        struct member *member = members[i].value;

        member_place(facts, member, device_find(facts->opt.devices, member->self.code),
            member->self.compound);
    }
    arena_fini(&arena);
    members_list(facts, clock);
}

void
members_free(struct facts *facts)
{
    struct arena arena;

    arena_init(&arena);
    const struct map_entry *entries = map_sorted(&facts->members, &arena);

    for (size_t i = 0; i < facts->members.len; i++)
        free_member(entries[i].value);
    entries = map_sorted(&facts->groups, &arena);
    for (size_t i = 0; i < facts->groups.len; i++) {
        struct group *group = entries[i].value;

        free(group->name);
        free(group->members);
        free(group->tallies);
        free(group->counts);
        free(group);
    }
    entries = map_sorted(&facts->names, &arena);
    for (size_t i = 0; i < facts->names.len; i++)
        free(entries[i].value);
    for (size_t i = 0; i < facts->gone.len; i++)
        free_member(facts->gone.at[i].member);
    arena_fini(&arena);
    map_fini(&facts->members);
    map_fini(&facts->groups);
    map_fini(&facts->names);
    VEC_FREE(&facts->gone);
}
