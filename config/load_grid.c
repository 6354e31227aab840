/* grid.yaml: units, compounds, centres. */
#include "config/load.h"

struct kind_item {
    struct item is;
    struct texts tell;
};

static const struct key kind_keys[] = {
    {.name = "tell", .type = KEY_TEXTS, .required = true, .at = offsetof(struct kind_item, tell)},
};
static const struct shape kind_shape = {
    kind_keys, ARRAY_LEN(kind_keys), sizeof(struct kind_item), "tell"};

struct unit_item {
    struct item is;
    struct words name;
    int tier;
    const char *parent, *code;
    struct items tell, recipients;
};

static const struct key unit_keys[] = {
    {.name = "unit", .type = KEY_ID, .required = true, .at = offsetof(struct unit_item, is.name)},
    {.name = "name", .type = KEY_WORDS, .required = true, .at = offsetof(struct unit_item, name)},
    {.name = "tier",
        .type = KEY_WORD,
        .required = true,
        .at = offsetof(struct unit_item, tier),
        .choices = tier_names,
        .n_choices = TIER_COUNT},
    {.name = "parent", .type = KEY_ID, .at = offsetof(struct unit_item, parent)},
    {.name = "code", .type = KEY_CODE, .at = offsetof(struct unit_item, code)},
    {.name = "tell",
        .type = KEY_LIST,
        .at = offsetof(struct unit_item, tell),
        .shape = &address_shape},
    {.name = "recipients",
        .type = KEY_MAP,
        .at = offsetof(struct unit_item, recipients),
        .shape = &kind_shape,
        .names = KEY_NAME},
};
static const struct shape unit_shape = {
    unit_keys, ARRAY_LEN(unit_keys), sizeof(struct unit_item), NULL};

struct place_item {
    struct item is;
    int64_t x, y;
};

static const struct key place_keys[] = {
    {.name = "x",
        .type = KEY_INT,
        .required = true,
        .at = offsetof(struct place_item, x),
        .min = "0",
        .max = "10000"},
    {.name = "y",
        .type = KEY_INT,
        .required = true,
        .at = offsetof(struct place_item, y),
        .min = "0",
        .max = "10000"},
};
static const struct shape place_shape = {
    place_keys, ARRAY_LEN(place_keys), sizeof(struct place_item), NULL};

struct compound_item {
    struct item is;
    struct words name;
    const char *unit, *code, *property;
    int side;
    struct texts buildings, zones;
    struct place_item place;
};

static const char *const side_names[] = {"inside", "outside"};

static const struct key compound_keys[] = {
    {.name = "compound",
        .type = KEY_CODE,
        .required = true,
        .at = offsetof(struct compound_item, is.name)},
    {.name = "name",
        .type = KEY_WORDS,
        .required = true,
        .at = offsetof(struct compound_item, name)},
    {.name = "unit", .type = KEY_ID, .required = true, .at = offsetof(struct compound_item, unit)},
    {.name = "code", .type = KEY_CODE, .at = offsetof(struct compound_item, code)},
    {.name = "property", .type = KEY_ID, .at = offsetof(struct compound_item, property)},
    {.name = "side",
        .type = KEY_WORD,
        .at = offsetof(struct compound_item, side),
        .choices = side_names,
        .n_choices = ARRAY_LEN(side_names)},
    {.name = "buildings", .type = KEY_TEXTS, .at = offsetof(struct compound_item, buildings)},
    {.name = "zones", .type = KEY_TEXTS, .at = offsetof(struct compound_item, zones)},
    {.name = "place",
        .type = KEY_OBJECT,
        .at = offsetof(struct compound_item, place),
        .shape = &place_shape},
};
static const struct shape compound_shape = {
    compound_keys, ARRAY_LEN(compound_keys), sizeof(struct compound_item), NULL};

struct within_item {
    struct item is;
    struct span receive, accept, arrive, finish;
};

static const struct key within_keys[] = {
    {.name = "receive",
        .type = KEY_SPAN,
        .at = offsetof(struct within_item, receive),
        .min = "1s",
        .max = "7d"},
    {.name = "accept",
        .type = KEY_SPAN,
        .at = offsetof(struct within_item, accept),
        .min = "1s",
        .max = "7d"},
    {.name = "arrive",
        .type = KEY_SPAN,
        .at = offsetof(struct within_item, arrive),
        .min = "1s",
        .max = "7d"},
    {.name = "finish",
        .type = KEY_SPAN,
        .at = offsetof(struct within_item, finish),
        .min = "1s",
        .max = "90d"},
};
static const struct shape within_shape = {
    within_keys, ARRAY_LEN(within_keys), sizeof(struct within_item), NULL};

struct centre_item {
    struct item is;
    struct words name;
    struct items tell;
    struct within_item within;
    const char *next;
};

static const struct key centre_keys[] = {
    {.name = "centre",
        .type = KEY_ID,
        .required = true,
        .at = offsetof(struct centre_item, is.name)},
    {.name = "name", .type = KEY_WORDS, .required = true, .at = offsetof(struct centre_item, name)},
    {.name = "tell",
        .type = KEY_LIST,
        .required = true,
        .at = offsetof(struct centre_item, tell),
        .shape = &address_shape},
    {.name = "within",
        .type = KEY_OBJECT,
        .at = offsetof(struct centre_item, within),
        .shape = &within_shape,
        .fallback = "{}"},
    {.name = "next", .type = KEY_ID, .at = offsetof(struct centre_item, next)},
};
static const struct shape centre_shape = {
    centre_keys, ARRAY_LEN(centre_keys), sizeof(struct centre_item), NULL};

struct grid_item {
    struct item is;
    struct items units, compounds, centres;
};

static const struct key grid_keys[] = {
    {.name = "units",
        .type = KEY_LIST,
        .required = true,
        .at = offsetof(struct grid_item, units),
        .shape = &unit_shape},
    {.name = "compounds",
        .type = KEY_LIST,
        .required = true,
        .at = offsetof(struct grid_item, compounds),
        .shape = &compound_shape},
    {.name = "centres",
        .type = KEY_LIST,
        .at = offsetof(struct grid_item, centres),
        .shape = &centre_shape},
};
const struct shape grid_shape = {grid_keys, ARRAY_LEN(grid_keys), sizeof(struct grid_item), NULL};

/* The row with that id in a table sorted by it: an index, or -1. */
static int
index_of(const struct items *items, const struct shape *shape, const char *id)
{
    for (size_t i = 0; i < items->len; i++) {
        if (strcmp(((const struct item *)items_at(items, shape, i))->name, id) == 0)
            return (int)i;
    }
    return -1;
}

static void
set_parent(struct loader *loader, const struct unit_item *item, size_t i)
{
    struct unit *unit = &loader->units[i];

    if (item->parent == NULL) {
        if (unit->tier != TIER_DISTRICT)
            report(loader->schema.reporter, item->is.node, "missing-key",
                "'parent' is missing, only a district has none", "缺少 'parent', 只有区没有上级");
        return;
    }
    const struct unit *parent = unit_find(&loader->config->grid, view_of(item->parent));
    const struct node *node = node_about(item->is.node, "parent");

    if (parent == NULL) {
        report_stranger(loader, node, KIND_UNIT, view_of(item->parent));
        return;
    }
    if (parent->tier <= unit->tier) {
        report(loader->schema.reporter, node, "wrong-tier",
            "'%s' is a %s, a parent stands above a %s", "'%s' 的层级是 %s, 上级必须高于 %s",
            item->parent, tier_names[parent->tier], tier_names[unit->tier]);
        return;
    }
    unit->parent = parent;
}

static void
make_units(struct loader *loader, struct items *units)
{
    sort_items(loader, units, &unit_shape);
    set_names(loader, KIND_UNIT, units, &unit_shape);
    loader->units = ARENA_ARRAY(loader->schema.arena, units->len, struct unit);
    loader->unit_nodes = ARENA_ARRAY(loader->schema.scratch, units->len, const struct node *);
    for (size_t i = 0; i < units->len; i++) {
        const struct unit_item *item = items_at(units, &unit_shape, i);
        struct unit *unit = &loader->units[i];

        loader->unit_nodes[i] = item->is.node;
        unit->id = item->is.name;
        unit->name = item->name;
        unit->tier = (enum tier)item->tier;
        unit->code = item->code != NULL ? item->code : "";
        unit->addresses = make_addresses(loader, &item->tell, &unit->n_addresses);
    }
    loader->config->grid.units = loader->units;
    loader->config->grid.n_units = units->len;
    for (size_t i = 0; i < units->len; i++)
        set_parent(loader, items_at(units, &unit_shape, i), i);
}

/* After units and centres: who is told besides, by class. */
static void
make_kinds(struct loader *loader, const struct items *units)
{
    const struct grid *grid = &loader->config->grid;

    for (size_t i = 0; i < units->len; i++) {
        const struct items *items =
            &((struct unit_item *)items_at(units, &unit_shape, i))->recipients;
        struct besides *besides = ARENA_ARRAY(loader->schema.arena, items->len, struct besides);

        for (size_t j = 0; j < items->len; j++) {
            const struct kind_item *item = items_at(items, &kind_shape, j);

            besides[j] = (struct besides){item->is.name, item->tell.at, item->tell.len};
            if (class_find(&loader->config->classes, view_of(item->is.name)) == NULL)
                report_stranger(loader, item->is.node, KIND_CLASS, view_of(item->is.name));
            for (size_t k = 0; k < item->tell.len; k++) {
                const struct view id = view_of(item->tell.at[k]);

                if (unit_find(grid, id) == NULL && centre_find(grid, id) == NULL)
                    report_stranger(loader, item->tell.nodes[k], KIND_UNIT, id);
            }
        }
        loader->units[i].besides = besides;
        loader->units[i].n_besides = items->len;
    }
}

static const struct centre *
property_of(struct loader *loader, const struct compound_item *item)
{
    if (item->property == NULL)
        return NULL;
    const struct centre *centre = centre_find(&loader->config->grid, view_of(item->property));

    if (centre == NULL)
        report_stranger(
            loader, node_about(item->is.node, "property"), KIND_CENTRE, view_of(item->property));
    return centre;
}

static void
make_compounds(struct loader *loader, struct items *compounds)
{
    const struct grid *grid = &loader->config->grid;

    sort_items(loader, compounds, &compound_shape);
    set_names(loader, KIND_COMPOUND, compounds, &compound_shape);
    loader->compounds = ARENA_ARRAY(loader->schema.arena, compounds->len, struct compound);
    loader->compound_nodes =
        ARENA_ARRAY(loader->schema.scratch, compounds->len, const struct node *);
    for (size_t i = 0; i < compounds->len; i++) {
        const struct compound_item *item = items_at(compounds, &compound_shape, i);
        struct compound *compound = &loader->compounds[i];

        loader->compound_nodes[i] = item->is.node;
        compound->id = item->is.name;
        compound->name = item->name;
        compound->code = item->code != NULL ? item->code : "";
        compound->side = (enum side)item->side;
        compound->property = property_of(loader, item);
        compound->buildings = item->buildings.at;
        compound->n_buildings = item->buildings.len;
        compound->zones = item->zones.at;
        compound->n_zones = item->zones.len;
        compound->x = item->place.is.node != NULL ? (int)item->place.x : -1;
        compound->y = item->place.is.node != NULL ? (int)item->place.y : -1;
        compound->point = unit_find(grid, view_of(item->unit));
        if (compound->point == NULL)
            report_stranger(
                loader, node_about(item->is.node, "unit"), KIND_UNIT, view_of(item->unit));
        for (const struct unit *unit = compound->point; unit != NULL; unit = unit->parent)
            compound->units[unit->tier] = unit;
    }
    loader->config->grid.compounds = loader->compounds;
    loader->config->grid.n_compounds = compounds->len;
}

/* next of next of ... must end. */
static void
check_chain(struct loader *loader, const struct items *centres)
{
    for (size_t i = 0; i < centres->len; i++) {
        const struct centre *at = &loader->centres[i];

        for (size_t steps = 0; at != NULL && steps <= centres->len; steps++)
            at = at->next;
        if (at == NULL)
            continue;
        const struct centre_item *item = items_at(centres, &centre_shape, i);

        report(loader->schema.reporter, node_about(item->is.node, "next"), "circle",
            "goes round in a circle and never ends", "形成循环, 没有尽头");
        loader->centres[i].next = NULL;
    }
}

static void
make_centres(struct loader *loader, struct items *centres)
{
    sort_items(loader, centres, &centre_shape);
    set_names(loader, KIND_CENTRE, centres, &centre_shape);
    loader->centres = ARENA_ARRAY(loader->schema.arena, centres->len, struct centre);
    for (size_t i = 0; i < centres->len; i++) {
        const struct centre_item *item = items_at(centres, &centre_shape, i);
        struct centre *centre = &loader->centres[i];

        *centre = (struct centre){
            .id = item->is.name,
            .name = item->name,
            .receive_within = item->within.receive,
            .accept_within = item->within.accept,
            .arrive_within = item->within.arrive,
            .finish_within = item->within.finish,
        };
        centre->addresses = make_addresses(loader, &item->tell, &centre->n_addresses);
        if (item->tell.len == 0)
            report(loader->schema.reporter, node_about(item->is.node, "tell"), "empty-value",
                "names no channel, so no order arrives", "没有渠道, 派单无法送达");
        if (strcmp(item->is.name, CENTRE_PROPERTY) == 0) {
            report(loader->schema.reporter, node_about(item->is.node, "centre"), "reserved-name",
                "'%s' is the word of rules for each compound's own property firm",
                "'%s' 在规则中指各小区自己的物业公司", item->is.name);
        }
        if (unit_find(&loader->config->grid, view_of(item->is.name)) != NULL) {
            report(loader->schema.reporter, node_about(item->is.node, "centre"), "duplicate-name",
                "'%s' is a unit already, `tell` could mean both",
                "'%s' 已是网格单元, `tell` 会有歧义", item->is.name);
        }
    }
    for (size_t i = 0; i < centres->len; i++) {
        const struct centre_item *item = items_at(centres, &centre_shape, i);

        if (item->next == NULL)
            continue;
        const int next = index_of(centres, &centre_shape, item->next);

        if (next >= 0)
            loader->centres[i].next = &loader->centres[next];
        else
            report_stranger(
                loader, node_about(item->is.node, "next"), KIND_CENTRE, view_of(item->next));
    }
    check_chain(loader, centres);
    loader->config->grid.centres = loader->centres;
    loader->config->grid.n_centres = centres->len;
}

void
load_grid(struct loader *loader)
{
    const struct node *root = load_yaml(loader, "grid.yaml", "");
    struct grid_item item = {0};

    if (root == NULL || !schema_read(&loader->schema, root, &grid_shape, &item)) {
        loader->names[KIND_UNIT].partial = true;
        loader->names[KIND_COMPOUND].partial = true;
        loader->names[KIND_CENTRE].partial = true;
    }
    if (root == NULL || root->kind != NODE_MAP)
        return;
    make_units(loader, &item.units);
    make_centres(loader, &item.centres);
    make_compounds(loader, &item.compounds);
    make_kinds(loader, &item.units);
}
