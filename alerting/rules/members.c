/* Members and groups: who there is, and who stands where. */
#include "alerting/rules/state.h"

#include <stdlib.h>

#define KEY_BYTES 512

struct key { /* bytes for a look-up, on the stack */
    char bytes[KEY_BYTES];
    size_t len;
};

static void
key_add(struct key *key, struct view bytes)
{
    CHECK(bytes.len <= sizeof(key->bytes) - key->len);
    if (bytes.len > 0)
        memcpy(key->bytes + key->len, bytes.ptr, bytes.len);
    key->len += bytes.len;
}

static struct view
key_view(const struct key *key)
{
    return (struct view){key->bytes, key->len};
}

static struct key
member_key(const struct class *class, struct view code, struct view part)
{
    struct key key;

    key.len = 0;
    key_add(&key, view_of(class->name));
    key_add(&key, view_of("/"));
    key_add(&key, code);
    key_add(&key, view_of("/"));
    key_add(&key, part);
    return key;
}

struct member *
member_find(
    const struct facts *facts, const struct class *class, struct view code, struct view part)
{
    const struct key key = member_key(class, code, part);

    return map_get(&facts->members, key_view(&key));
}

static char *
heap_copy(struct view bytes)
{
    char *copy = mem_alloc(bytes.len + 1);

    if (bytes.len > 0)
        memcpy(copy, bytes.ptr, bytes.len);
    copy[bytes.len] = '\0';
    return copy;
}

/* "device/CODE" or "device/CODE/PART": code and part are slices of it. */
static void
name_member(struct member *member, struct view code, struct view part)
{
    const size_t prefix = strlen("device/");
    struct key key;

    key.len = 0;
    key_add(&key, view_of("device/"));
    key_add(&key, code);
    if (part.len > 0) {
        key_add(&key, view_of("/"));
        key_add(&key, part);
    }
    member->self.per = PER_DEVICE;
    member->name = heap_copy(key_view(&key));
    member->self.key = (struct view){member->name, key.len};
    member->self.code = (struct view){member->self.key.ptr + prefix, code.len};
    member->self.part = (struct view){member->self.key.ptr + key.len - part.len, part.len};
    member->self.compound = view_of("");
    member->timer.key = hash_bytes(member->self.key);
}

struct view
member_label(const struct member *member)
{
    const size_t prefix = strlen("device/");

    return (struct view){member->self.key.ptr + prefix, member->self.key.len - prefix};
}

/* One block: values, windows, ends of counts, counting bits, marks. */
void
member_block(struct member *member, const struct layout *layout)
{
    const size_t n = layout->class->n_fields;
    const size_t bytes = n * sizeof(struct known) + layout->n_windows * sizeof(struct window) +
                         layout->n_counts * (sizeof(int64_t) + 1) + layout->n_marks;

    member->layout = layout;
    member->known = mem_zalloc(1, bytes > 0 ? bytes : 1);
    member->windows = (struct window *)(member->known + n);
    member->stopped = (int64_t *)(member->windows + layout->n_windows);
    member->counting = (uint8_t *)(member->stopped + layout->n_counts);
    member->marks = member->counting + layout->n_counts;
    for (size_t i = 0; i < layout->n_counts; i++)
        member->stopped[i] = CLOCK_NEVER;
}

static void
set_expiry(struct member *member)
{
    const struct device *listed = member->self.listed;
    const struct class *class = member->layout->class;
    const bool own = listed != NULL && listed->class == class && listed->interval.us > 0;
    const struct span interval = own ? listed->interval : class->interval;

    member->expiry = interval.us > 0 ? interval.us * 3 : 0;
}

static struct member *
make_member(struct facts *facts, const struct class *class, struct view code, struct view part,
    int64_t clock)
{
    struct member *member = mem_zalloc(1, sizeof(*member));
    const struct key key = member_key(class, code, part);

    name_member(member, code, part);
    member_block(member, &facts->layouts[class->index]);
    member->heard = clock;
    member->unmarked = true;
    member->newest = INT64_MIN;
    member->tested = CLOCK_NEVER;
    (void)map_put(&facts->members, key_view(&key), member);
    return member;
}

/* The first of them that is not before key. */
static size_t
place_among(struct member *const *members, size_t n, struct view key)
{
    size_t low = 0, high = n;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (view_cmp(members[middle]->self.key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct member *
member_part(const struct member *root, size_t i)
{
    if (i == 0)
        return root->root;
    return root->parts != NULL && i <= root->parts->len ? root->parts->at[i - 1] : NULL;
}

void
member_parts_free(struct member *root)
{
    if (root->parts != NULL)
        free(root->parts->at);
    free(root->parts);
    root->parts = NULL;
}

static void
add_part(struct member *root, struct member *member)
{
    if (root->parts == NULL)
        root->parts = mem_zalloc(1, sizeof(*root->parts));

    struct parts *parts = root->parts;
    const size_t at = place_among(parts->at, parts->len, member->self.key);

    if (parts->len == parts->cap) {
        parts->cap = parts->cap == 0 ? 4 : parts->cap * 2;
        parts->at = mem_resize(parts->at, parts->cap, sizeof(struct member *));
    }
    memmove(&parts->at[at + 1], &parts->at[at], (parts->len - at) * sizeof(struct member *));
    parts->at[at] = member;
    parts->len++;
}

struct member *
member_get(struct facts *facts, const struct class *class, struct view code, struct view part,
    int64_t clock)
{
    struct member *member = member_find(facts, class, code, part);
    struct member *root;

    if (member != NULL)
        return member;
    root = member_find(facts, class, code, view_of(""));
    if (root == NULL) {
        root = make_member(facts, class, code, view_of(""), clock);
        root->root = root;
        set_expiry(root);
    }
    if (part.len == 0)
        return root;
    member = make_member(facts, class, code, part, clock);
    member->root = root;
    add_part(root, member);
    member_place(facts, member, root->self.listed, root->self.compound);
    return member;
}

static struct view
intern(struct facts *facts, struct view name)
{
    char *text = map_get(&facts->names, name);

    if (text == NULL) {
        text = heap_copy(name);
        (void)map_put(&facts->names, name, text);
    }
    return (struct view){text, name.len};
}

/* Zone and building are the list's; who has none is alone in his own. */
static struct key
group_key(enum per per, const struct subject *of)
{
    const struct device *listed = of->listed;
    const char *place = listed == NULL ? "" : per == PER_ZONE ? listed->zone : listed->building;
    const bool alone = per != PER_COMPOUND && place[0] == '\0';
    struct key key;

    key.len = 0;
    key_add(&key, view_of(per_names[per]));
    key_add(&key, view_of("/"));
    if (per == PER_COMPOUND) {
        key_add(&key, of->compound);
        return key;
    }
    key_add(&key, alone ? view_of("") : view_of(listed->compound->id));
    key_add(&key, view_of("/"));
    key_add(&key, alone ? of->code : view_of(place));
    return key;
}

static void
group_arrays(struct group *group, const struct layout *layout)
{
    group->layout = layout;
    group->tallies = mem_zalloc(layout->n_marks + 1, sizeof(*group->tallies));
    group->counts = mem_zalloc(layout->n_counts + 1, sizeof(*group->counts));
}

struct group *
group_find(const struct facts *facts, const struct class *class, struct view subject_key)
{
    struct key key;

    key.len = 0;
    key_add(&key, view_of(class->name));
    key_add(&key, view_of("/"));
    key_add(&key, subject_key);
    return map_get(&facts->groups, key_view(&key));
}

static struct group *
group_get(struct facts *facts, enum per per, const struct member *member)
{
    const struct layout *layout = member->layout;
    const struct key name = group_key(per, &member->self);
    const struct view full = key_view(&name);
    struct group *group;
    struct key key;

    key.len = 0;
    key_add(&key, view_of(layout->class->name));
    key_add(&key, view_of("/"));
    key_add(&key, full);
    group = map_get(&facts->groups, key_view(&key));
    if (group != NULL)
        return group;
    group = mem_zalloc(1, sizeof(*group));
    group_arrays(group, layout);
    group->self.per = per;
    group->name = heap_copy(full);
    group->self.key = (struct view){group->name, full.len};
    group->self.part = view_of("");
    /* what follows the first '/' of compound/ID, the second of zone/COMPOUND/ID */
    const char *id = strchr(group->name, '/') + 1;

    if (per != PER_COMPOUND)
        id = strchr(id, '/') + 1;
    group->self.code = (struct view){id, full.len - (size_t)(id - group->name)};
    (void)map_put(&facts->groups, key_view(&key), group);
    return group;
}

static size_t
place_in(const struct group *group, const struct member *member)
{
    return place_among(group->members, group->len, member->self.key);
}

/* Who speaks for a group that lost its last member: the last one still does. */
static void
tell_group_subject(struct facts *facts, struct group *group)
{
    if (group->len == 0)
        return;
    group->self.listed = NULL;
    for (size_t i = 0; i < group->len && group->self.listed == NULL; i++)
        group->self.listed = group->members[i]->self.listed;
    if (group->self.per == PER_COMPOUND)
        group->self.compound = group->self.code;
    else if (group->self.listed == NULL)
        group->self.compound = group->members[0]->self.compound;
    else
        group->self.compound = intern(facts, view_of(group->self.listed->compound->id));
}

static void
join(struct facts *facts, struct group *group, struct member *member)
{
    const size_t at = place_in(group, member);

    if (group->len == group->cap) {
        group->cap = group->cap == 0 ? 4 : group->cap * 2;
        group->members = mem_resize(group->members, group->cap, sizeof(struct member *));
    }
    memmove(
        &group->members[at + 1], &group->members[at], (group->len - at) * sizeof(struct member *));
    group->members[at] = member;
    group->len++;
    member->groups[group->self.per] = group;
    tell_group_subject(facts, group);
}

/* Takes a member's marks and counts of this per out of the group. */
static void
leave(struct facts *facts, struct group *group, struct member *member)
{
    const size_t at = place_in(group, member);

    CHECK(at < group->len && group->members[at] == member);
    member_forget(member, group->self.per);
    group->len--;
    memmove(
        &group->members[at], &group->members[at + 1], (group->len - at) * sizeof(struct member *));
    member->groups[group->self.per] = NULL;
    tell_group_subject(facts, group);
}

void
group_reset(struct facts *facts, struct group *group, struct view key)
{
    free(group->tallies);
    free(group->counts);
    group->tallies = NULL;
    group->counts = NULL;
    group->layout = NULL;
    group->self.listed = NULL;
    group->len = 0;
    for (size_t i = 0; i < facts->opt.classes->len; i++) {
        const struct view name = view_of(facts->opt.classes->at[i].name);

        if (key.len > name.len && key.ptr[name.len] == '/' &&
            memcmp(key.ptr, name.ptr, name.len) == 0)
            group_arrays(group, &facts->layouts[i]);
    }
}

void
member_place(
    struct facts *facts, struct member *member, const struct device *listed, struct view compound)
{
    if (listed != NULL && compound.len == 0)
        compound = view_of(listed->compound->id);
    member->self.listed = listed;
    set_expiry(member);
    if (member->self.compound.ptr == NULL || !view_eq(member->self.compound, compound))
        member->self.compound = intern(facts, compound);
    for (enum per per = PER_ZONE; per <= PER_COMPOUND; per++) {
        if (!member->layout->pers[per])
            continue;
        struct group *old = member->groups[per];
        struct group *group = group_get(facts, per, member);

        if (old == group)
            continue;
        if (old != NULL)
            leave(facts, old, member);
        join(facts, group, member);
    }
}
