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
    int from, to;
    const char *officer, *deputy;
};

static const struct key shift_keys[] = {
    {.name = "from", .type = KEY_CLOCK, .required = true, .at = offsetof(struct shift_item, from)},
    {.name = "to", .type = KEY_CLOCK, .required = true, .at = offsetof(struct shift_item, to)},
    {.name = "officer",
        .type = KEY_ID,
        .required = true,
        .at = offsetof(struct shift_item, officer)},
    {.name = "deputy", .type = KEY_ID, .at = offsetof(struct shift_item, deputy)},
};
static const struct shape shift_shape = {
    shift_keys, ARRAY_LEN(shift_keys), sizeof(struct shift_item), NULL};

struct roster_item {
    struct item is;
    struct items shifts;
};

static const struct key roster_keys[] = {
    {.name = "unit", .type = KEY_ID, .required = true, .at = offsetof(struct roster_item, is.name)},
    {.name = "shifts",
        .type = KEY_LIST,
        .required = true,
        .at = offsetof(struct roster_item, shifts),
        .shape = &shift_shape},
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
static const struct shape rosters_shape = {
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
person_of(struct loader *loader, const struct shift_item *item, const char *key, const char *id)
{
    if (id == NULL)
        return NULL;
    const struct person *person = person_find(&loader->config->grid, view_of(id));

    if (person == NULL)
        report_stranger(loader, node_about(item->is.node, key), KIND_PERSON, view_of(id));
    return person;
}

/* Minutes of the day that more than one or none of the shifts has. */
static void
check_day(struct loader *loader, const struct roster_item *roster)
{
    unsigned char day[1440] = {0};
    bool twice = false;
    int hole = -1;

    for (size_t i = 0; i < roster->shifts.len; i++) {
        const struct shift_item *item = items_at(&roster->shifts, &shift_shape, i);
        int minute = item->from % 1440;

        do {
            twice = twice || day[minute] > 0;
            day[minute] = 1;
            minute = (minute + 1) % 1440;
        } while (minute != item->to % 1440);
    }
    for (int minute = 1439; minute >= 0; minute--) {
        if (day[minute] == 0)
            hole = minute;
    }
    const struct node *node = node_about(roster->is.node, "shifts");

    if (hole >= 0) {
        report(loader->schema.reporter, node, "roster-hole",
            "nobody is on duty in '%s' at %02d:%02d", "'%s' 在 %02d:%02d 无人值班", roster->is.name,
            hole / 60, hole % 60);
        report_is_warning(loader->schema.reporter);
    }
    if (twice) {
        report(loader->schema.reporter, node, "roster-overlap",
            "shifts of '%s' overlap, the first one counts", "'%s' 的班次重叠, 以前面的为准",
            roster->is.name);
        report_is_warning(loader->schema.reporter);
    }
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
    struct shift *shifts = ARENA_ARRAY(loader->schema.arena, roster->shifts.len, struct shift);
    size_t n = 0;

    for (size_t i = 0; i < roster->shifts.len; i++) {
        const struct shift_item *item = items_at(&roster->shifts, &shift_shape, i);
        const struct person *officer = person_of(loader, item, "officer", item->officer);
        const struct person *deputy = person_of(loader, item, "deputy", item->deputy);

        if (officer != NULL)
            shifts[n++] = (struct shift){item->from, item->to, officer, deputy};
    }
    unit->shifts = shifts;
    unit->n_shifts = n;
    check_day(loader, roster);
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
    make_persons(loader, &item.persons);
    sort_items(loader, &item.rosters, &roster_shape);
    for (size_t i = 0; i < item.rosters.len; i++)
        make_roster(loader, items_at(&item.rosters, &roster_shape, i));
}
