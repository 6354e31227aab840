/* rosters.yaml: the persons who can be told, and who of them is on duty when. */
#include "config/load.h"

struct person_item {
    struct item is;
    struct words name;
    struct items tell;
};

static const struct key person_keys[] = {
    {.name = "name", .type = KEY_WORDS, .required = true, .at = offsetof(struct person_item, name)},
    {.name = "tell",
        .type = KEY_LIST,
        .required = true,
        .at = offsetof(struct person_item, tell),
        .shape = &address_shape},
};
static const struct shape person_shape = {
    person_keys, ARRAY_LEN(person_keys), sizeof(struct person_item), NULL};

struct shift_item {
    struct item is;
    int from, to, start;
    const char *officer, *deputy, *anchor;
    int pattern; /* index in pattern_names */
    struct texts days, officers, deputies;
};

enum pattern { PATTERN_NONE, PATTERN_DAY, PATTERN_2X12, PATTERN_3X8, PATTERN_24ON48OFF };

static const char *const pattern_names[] = {"none", "day", "2x12", "3x8", "24on48off"};
static const struct {
    int per_day, minutes;
    size_t least, most; /* officers */
    enum shift_days days;
} patterns[] = {
    [PATTERN_NONE] = {0, 0, 0, 0, SHIFT_EVERY_DAY},
    [PATTERN_DAY] = {1, 540, 1, 64, SHIFT_WORKING_DAYS}, /* 8 hours and a break */
    [PATTERN_2X12] = {2, 720, 2, 64, SHIFT_EVERY_DAY},
    [PATTERN_3X8] = {3, 480, 3, 64, SHIFT_EVERY_DAY},
    [PATTERN_24ON48OFF] = {1, 1440, 3, 3, SHIFT_EVERY_DAY},
};

static const struct key shift_keys[] = {
    {.name = "from", .type = KEY_CLOCK, .at = offsetof(struct shift_item, from)},
    {.name = "to", .type = KEY_CLOCK, .at = offsetof(struct shift_item, to)},
    {.name = "officer", .type = KEY_ID, .at = offsetof(struct shift_item, officer)},
    {.name = "deputy", .type = KEY_ID, .at = offsetof(struct shift_item, deputy)},
    {.name = "days", .type = KEY_TEXTS, .at = offsetof(struct shift_item, days)},
    {.name = "pattern",
        .type = KEY_WORD,
        .at = offsetof(struct shift_item, pattern),
        .choices = pattern_names,
        .n_choices = ARRAY_LEN(pattern_names)},
    {.name = "start",
        .type = KEY_CLOCK,
        .at = offsetof(struct shift_item, start),
        .fallback = "08:30"},
    {.name = "anchor",
        .type = KEY_TEXT,
        .at = offsetof(struct shift_item, anchor),
        .fallback = "2026-01-01"},
    {.name = "officers", .type = KEY_TEXTS, .at = offsetof(struct shift_item, officers)},
    {.name = "deputies", .type = KEY_TEXTS, .at = offsetof(struct shift_item, deputies)},
};
static const struct shape shift_shape = {
    shift_keys, ARRAY_LEN(shift_keys), sizeof(struct shift_item), NULL};

struct change_item { /* an override or a swap */
    struct item is;
    const char *from, *to, *officer, *deputy, *why;
    struct texts between;
};

static const struct key cover_keys[] = {
    {.name = "from", .type = KEY_TEXT, .required = true, .at = offsetof(struct change_item, from)},
    {.name = "to", .type = KEY_TEXT, .required = true, .at = offsetof(struct change_item, to)},
    {.name = "officer",
        .type = KEY_ID,
        .required = true,
        .at = offsetof(struct change_item, officer)},
    {.name = "deputy", .type = KEY_ID, .at = offsetof(struct change_item, deputy)},
    {.name = "why", .type = KEY_TEXT, .at = offsetof(struct change_item, why)},
};
static const struct shape cover_shape = {
    cover_keys, ARRAY_LEN(cover_keys), sizeof(struct change_item), NULL};
static const struct key swap_keys[] = {
    {.name = "from", .type = KEY_TEXT, .required = true, .at = offsetof(struct change_item, from)},
    {.name = "to", .type = KEY_TEXT, .required = true, .at = offsetof(struct change_item, to)},
    {.name = "between",
        .type = KEY_TEXTS,
        .required = true,
        .at = offsetof(struct change_item, between)},
    {.name = "why", .type = KEY_TEXT, .at = offsetof(struct change_item, why)},
};
static const struct shape swap_shape = {
    swap_keys, ARRAY_LEN(swap_keys), sizeof(struct change_item), NULL};

struct roster_item {
    struct item is;
    struct items shifts, overrides, swaps, phone;
};

static const struct key roster_keys[] = {
    {.name = "unit", .type = KEY_ID, .required = true, .at = offsetof(struct roster_item, is.name)},
    {.name = "phone",
        .type = KEY_LIST,
        .at = offsetof(struct roster_item, phone),
        .shape = &address_shape},
    {.name = "shifts",
        .type = KEY_LIST,
        .required = true,
        .at = offsetof(struct roster_item, shifts),
        .shape = &shift_shape},
    {.name = "overrides",
        .type = KEY_LIST,
        .at = offsetof(struct roster_item, overrides),
        .shape = &cover_shape},
    {.name = "swaps",
        .type = KEY_LIST,
        .at = offsetof(struct roster_item, swaps),
        .shape = &swap_shape},
};
static const struct shape roster_shape = {
    roster_keys, ARRAY_LEN(roster_keys), sizeof(struct roster_item), NULL};

struct rosters_item {
    struct item is;
    struct items persons, rosters;
};

static const struct key rosters_keys[] = {
    {.name = "persons",
        .type = KEY_MAP,
        .required = true,
        .at = offsetof(struct rosters_item, persons),
        .shape = &person_shape,
        .names = KEY_ID},
    {.name = "rosters",
        .type = KEY_LIST,
        .required = true,
        .at = offsetof(struct rosters_item, rosters),
        .shape = &roster_shape},
};
const struct shape rosters_shape = {
    rosters_keys, ARRAY_LEN(rosters_keys), sizeof(struct rosters_item), NULL};

static void
make_persons(struct loader *loader, struct items *persons)
{
    sort_items(loader, persons, &person_shape);
    set_names(loader, KIND_PERSON, persons, &person_shape);
    loader->persons = ARENA_ARRAY(loader->schema.arena, persons->len, struct person);
    for (size_t i = 0; i < persons->len; i++) {
        const struct person_item *item = items_at(persons, &person_shape, i);
        struct person *person = &loader->persons[i];

        person->id = item->is.name;
        person->name = item->name;
        person->addresses = make_addresses(loader, &item->tell, &person->n_addresses);
        if (item->tell.len == 0)
            report(loader->schema.reporter, node_about(item->is.node, "tell"), "empty-value",
                "names no channel, so this person cannot be told", "没有渠道, 无法通知此人");
    }
    loader->config->grid.persons = loader->persons;
    loader->config->grid.n_persons = persons->len;
}

static const struct person *
person_of(struct loader *loader, const struct node *node, const char *id)
{
    if (id == NULL)
        return NULL;
    const struct person *person = person_find(&loader->config->grid, view_of(id));

    if (person == NULL)
        report_stranger(loader, node, KIND_PERSON, view_of(id));
    return person;
}

static bool
given(const struct item *item, const char *key)
{
    return node_child(item->node, key) != NULL;
}

/* [working], [free], [sat, sun] */
static void
read_days(struct loader *loader, const struct texts *texts, struct shift *shift)
{
    static const char *const names[] = {
        "mon", "tue", "wed", "thu", "fri", "sat", "sun", "working", "free"};
    const struct key day = {
        .name = "", .type = KEY_WORD, .choices = names, .n_choices = ARRAY_LEN(names)};

    for (size_t i = 0; i < texts->len; i++) {
        int index = 0;

        if (!schema_value(&loader->schema, texts->nodes[i], &day, &index))
            continue;
        if (index < 7)
            shift->weekdays |= 1U << index;
        else
            shift->days = index == 7 ? SHIFT_WORKING_DAYS : SHIFT_FREE_DAYS;
    }
}

struct shift_list {
    struct shift *at;
    size_t len, cap;
};

static void
add_plain(struct loader *loader, const struct shift_item *item, struct shift_list *out)
{
    static const char *const needed[] = {"from", "to", "officer"};
    static const char *const others[] = {"start", "anchor", "officers", "deputies"};
    bool whole = true;

    for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
        if (given(&item->is, needed[i]))
            continue;
        report(loader->schema.reporter, item->is.node, "missing-key", "'%s' is missing",
            "缺少 '%s'", needed[i]);
        whole = false;
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (given(&item->is, others[i]))
            report(loader->schema.reporter, node_about(item->is.node, others[i]), "useless-key",
                "goes with 'pattern' only", "只能与 'pattern' 同用");
    }
    if (item->from == 1440)
        report_midnight(loader, node_about(item->is.node, "from"));
    struct shift shift = {.from = item->from,
        .to = item->to,
        .officer = person_of(loader, node_about(item->is.node, "officer"), item->officer),
        .deputy = person_of(loader, node_about(item->is.node, "deputy"), item->deputy)};

    read_days(loader, &item->days, &shift);
    if (whole && shift.officer != NULL)
        *VEC_PUSH(out) = shift;
}

static bool
pattern_is_whole(struct loader *loader, const struct shift_item *item)
{
    static const char *const others[] = {"from", "to", "officer", "deputy"};
    const size_t n = item->officers.len;
    bool whole = true;

    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (!given(&item->is, others[i]))
            continue;
        report(loader->schema.reporter, node_about(item->is.node, others[i]), "useless-key",
            "does not go with 'pattern'", "不能与 'pattern' 同用");
        whole = false;
    }
    if (n < patterns[item->pattern].least || n > patterns[item->pattern].most) {
        report(loader->schema.reporter, node_about(item->is.node, "officers"), "wrong-number",
            "%zu officers for the pattern '%s', allowed are %zu to %zu",
            "有 %zu 名值班员, 班制 '%s' 需要 %zu 至 %zu 名", n, pattern_names[item->pattern],
            patterns[item->pattern].least, patterns[item->pattern].most);
        whole = false;
    }
    if (item->deputies.len > 0 && item->deputies.len != n) {
        report(loader->schema.reporter, node_about(item->is.node, "deputies"), "wrong-number",
            "%zu deputies for %zu officers", "有 %zu 名副班, 值班员有 %zu 名", item->deputies.len,
            n);
        report_hint(loader->schema.reporter,
            "give each officer a deputy, in the same order, or none",
            "请按同样顺序为每名值班员指定副班, 或都不指定");
        whole = false;
    }
    return whole;
}

/* The officers take turns from the anchor day on, slot by slot. */
static void
add_pattern(struct loader *loader, const struct shift_item *item, struct shift_list *out)
{
    const int per_day = patterns[item->pattern].per_day;
    const int minutes = patterns[item->pattern].minutes;
    const int n = (int)item->officers.len;
    int64_t anchor = 0;
    int cycle = 1;

    if (!pattern_is_whole(loader, item) ||
        !date_read(loader, node_about(item->is.node, "anchor"), view_of(item->anchor), &anchor))
        return;
    if (item->start == 1440) {
        report_midnight(loader, node_about(item->is.node, "start"));
        return;
    }
    while (cycle * per_day % n != 0)
        cycle++;
    for (int slot = 0; slot < cycle * per_day; slot++) {
        const int at = item->start + slot % per_day * minutes;
        const bool deputy = item->deputies.len > 0;
        struct shift shift = {.from = at % 1440,
            .to = (at + minutes) % 1440,
            .officer =
                person_of(loader, item->officers.nodes[slot % n], item->officers.at[slot % n]),
            .deputy = deputy ? person_of(loader, item->deputies.nodes[slot % n],
                                   item->deputies.at[slot % n])
                             : NULL,
            .days = patterns[item->pattern].days,
            .anchor = anchor,
            .cycle = cycle,
            .phase = (slot / per_day + at / 1440) % cycle};

        read_days(loader, &item->days, &shift);
        if (shift.officer == NULL)
            return;
        *VEC_PUSH(out) = shift;
    }
}

static bool
read_times(
    struct loader *loader, const struct change_item *item, struct instant *from, struct instant *to)
{
    if (!moment_read(loader, node_about(item->is.node, "from"), view_of(item->from), false, from) ||
        !moment_read(loader, node_about(item->is.node, "to"), view_of(item->to), true, to))
        return false;
    if (instant_cmp(*from, *to) < 0)
        return true;
    report(loader->schema.reporter, node_about(item->is.node, "to"), "wrong-order",
        "'%s' is not after '%s'", "'%s' 不晚于 '%s'", item->to, item->from);
    return false;
}

static void
make_covers(struct loader *loader, const struct items *items, struct unit *unit)
{
    struct cover *covers = ARENA_ARRAY(loader->schema.arena, items->len, struct cover);
    size_t n = 0;

    for (size_t i = 0; i < items->len; i++) {
        const struct change_item *item = items_at(items, &cover_shape, i);
        struct cover *cover = &covers[n];

        cover->officer = person_of(loader, node_about(item->is.node, "officer"), item->officer);
        cover->deputy = person_of(loader, node_about(item->is.node, "deputy"), item->deputy);
        if (!read_times(loader, item, &cover->from, &cover->to) || cover->officer == NULL)
            continue;
        for (size_t j = 0; j < n; j++) {
            if (cover->from.us >= covers[j].to.us || covers[j].from.us >= cover->to.us)
                continue;
            report(loader->schema.reporter, item->is.node, "roster-overlap",
                "overlaps another override of this unit", "与本单元的另一条替班时间重叠");
            break;
        }
        n++;
    }
    unit->covers = covers;
    unit->n_covers = n;
}

static void
make_swaps(struct loader *loader, const struct items *items, struct unit *unit)
{
    struct swap *swaps = ARENA_ARRAY(loader->schema.arena, items->len, struct swap);
    size_t n = 0;

    for (size_t i = 0; i < items->len; i++) {
        const struct change_item *item = items_at(items, &swap_shape, i);
        struct swap *swap = &swaps[n];

        if (item->between.len != 2 || strcmp(item->between.at[0], item->between.at[1]) == 0) {
            report(loader->schema.reporter, node_about(item->is.node, "between"), "wrong-number",
                "a swap is between two persons", "换班须在两人之间");
            continue;
        }
        for (size_t j = 0; j < 2; j++)
            swap->between[j] = person_of(loader, item->between.nodes[j], item->between.at[j]);
        if (read_times(loader, item, &swap->from, &swap->to) && swap->between[0] != NULL &&
            swap->between[1] != NULL)
            n++;
    }
    unit->swaps = swaps;
    unit->n_swaps = n;
}

static void
make_roster(struct loader *loader, const struct roster_item *roster)
{
    const struct unit *found = unit_find(&loader->config->grid, view_of(roster->is.name));

    if (found == NULL) {
        report_stranger(
            loader, node_about(roster->is.node, "unit"), KIND_UNIT, view_of(roster->is.name));
        return;
    }
    struct unit *unit = &loader->units[found - loader->units];
    struct shift_list list = {0};

    for (size_t i = 0; i < roster->shifts.len; i++) {
        const struct shift_item *item = items_at(&roster->shifts, &shift_shape, i);

        if (item->pattern == PATTERN_NONE)
            add_plain(loader, item, &list);
        else
            add_pattern(loader, item, &list);
    }
    struct shift *shifts = ARENA_ARRAY(loader->schema.arena, list.len, struct shift);

    for (size_t i = 0; i < list.len; i++)
        shifts[i] = list.at[i];
    unit->shifts = shifts;
    unit->n_shifts = list.len;
    VEC_FREE(&list);
    unit->phone = make_addresses(loader, &roster->phone, &unit->n_phone);
    make_covers(loader, &roster->overrides, unit);
    make_swaps(loader, &roster->swaps, unit);
    loader->roster_nodes[unit - loader->units] = node_about(roster->is.node, "shifts");
}

void
load_rosters(struct loader *loader)
{
    const struct node *root = load_yaml(loader, "rosters.yaml", "");
    struct rosters_item item = {0};

    loader->names[KIND_PERSON].partial =
        root == NULL || !schema_read(&loader->schema, root, &rosters_shape, &item);
    if (root == NULL || root->kind != NODE_MAP)
        return;
    loader->roster_nodes =
        ARENA_ARRAY(loader->schema.scratch, loader->config->grid.n_units, const struct node *);
    make_persons(loader, &item.persons);
    sort_items(loader, &item.rosters, &roster_shape);
    for (size_t i = 0; i < item.rosters.len; i++)
        make_roster(loader, items_at(&item.rosters, &roster_shape, i));
}
