/* policies.yaml: who must know, when; and which policy counts when a rule names none. */
#include "config/load.h"

#include "config/load_targets.h"

#include <stdlib.h>

#define POLICY_MAX_STEPS 64 /* escalation keeps a bit for each */

struct step_item {
    struct item is;
    int tier, unless, clock;
    struct span after;
    struct texts tell;
};

static const char *const unless_names[] = {"never", "acknowledged", "arrived", "settled"};
static const char *const clock_names[] = {"natural", "working"};
static const struct key step_keys[] = {
    {.name = "tier",
        .type = KEY_WORD,
        .required = true,
        .at = offsetof(struct step_item, tier),
        .choices = tier_names,
        .n_choices = TIER_COUNT},
    {.name = "after",
        .type = KEY_SPAN,
        .required = true,
        .at = offsetof(struct step_item, after),
        .min = "0s",
        .max = "90d"},
    {.name = "unless",
        .type = KEY_WORD,
        .at = offsetof(struct step_item, unless),
        .choices = unless_names,
        .n_choices = ARRAY_LEN(unless_names)},
    {.name = "clock",
        .type = KEY_WORD,
        .at = offsetof(struct step_item, clock),
        .choices = clock_names,
        .n_choices = ARRAY_LEN(clock_names)},
    {.name = "tell", .type = KEY_TEXTS, .at = offsetof(struct step_item, tell)},
};
static const struct shape step_shape = {
    step_keys, ARRAY_LEN(step_keys), sizeof(struct step_item), NULL};

struct policy_item {
    struct item is;
    struct items steps;
    struct span repeat, acknowledge_within, verify_within, settle_after;
};

static const struct key policy_keys[] = {
    {.name = "policy",
        .type = KEY_ID,
        .required = true,
        .at = offsetof(struct policy_item, is.name)},
    {.name = "steps",
        .type = KEY_LIST,
        .required = true,
        .at = offsetof(struct policy_item, steps),
        .shape = &step_shape},
    {.name = "repeat",
        .type = KEY_SPAN,
        .at = offsetof(struct policy_item, repeat),
        .min = "10s",
        .max = "7d"},
    {.name = "acknowledge_within",
        .type = KEY_SPAN,
        .at = offsetof(struct policy_item, acknowledge_within),
        .min = "1s",
        .max = "30d"},
    {.name = "verify_within",
        .type = KEY_SPAN,
        .at = offsetof(struct policy_item, verify_within),
        .min = "1s",
        .max = "30d"},
    {.name = "settle_after",
        .type = KEY_SPAN,
        .at = offsetof(struct policy_item, settle_after),
        .fallback = "10m",
        .min = "1s",
        .max = "7d"},
};
static const struct shape policy_shape = {
    policy_keys, ARRAY_LEN(policy_keys), sizeof(struct policy_item), NULL};

struct sides_item {
    struct item is;
    const char *inside, *outside;
};

static const struct key sides_keys[] = {
    {.name = "inside", .type = KEY_ID, .required = true, .at = offsetof(struct sides_item, inside)},
    {.name = "outside",
        .type = KEY_ID,
        .required = true,
        .at = offsetof(struct sides_item, outside)},
};
static const struct shape sides_shape = {
    sides_keys, ARRAY_LEN(sides_keys), sizeof(struct sides_item), NULL};

struct defaults_item {
    struct item is;
    struct sides_item of[SEVERITY_COUNT];
};

static const struct key defaults_keys[] = {
    {.name = "red",
        .type = KEY_OBJECT,
        .required = true,
        .at = offsetof(struct defaults_item, of[SEVERITY_RED]),
        .shape = &sides_shape},
    {.name = "orange",
        .type = KEY_OBJECT,
        .required = true,
        .at = offsetof(struct defaults_item, of[SEVERITY_ORANGE]),
        .shape = &sides_shape},
    {.name = "yellow",
        .type = KEY_OBJECT,
        .required = true,
        .at = offsetof(struct defaults_item, of[SEVERITY_YELLOW]),
        .shape = &sides_shape},
    {.name = "blue",
        .type = KEY_OBJECT,
        .required = true,
        .at = offsetof(struct defaults_item, of[SEVERITY_BLUE]),
        .shape = &sides_shape},
};
static const struct shape defaults_shape = {
    defaults_keys, ARRAY_LEN(defaults_keys), sizeof(struct defaults_item), NULL};

struct class_policy_item {
    struct item is;
    const char *policy;
};

static const struct key class_policy_keys[] = {
    {.name = "policy",
        .type = KEY_ID,
        .required = true,
        .at = offsetof(struct class_policy_item, policy)},
};
static const struct shape class_policy_shape = {
    class_policy_keys, ARRAY_LEN(class_policy_keys), sizeof(struct class_policy_item), "policy"};

struct policies_item {
    struct item is;
    struct items policies, classes;
    struct defaults_item defaults;
    struct targets_item targets;
};

static const struct key policies_keys[] = {
    {.name = "policies",
        .type = KEY_LIST,
        .required = true,
        .at = offsetof(struct policies_item, policies),
        .shape = &policy_shape},
    {.name = "defaults",
        .type = KEY_OBJECT,
        .required = true,
        .at = offsetof(struct policies_item, defaults),
        .shape = &defaults_shape},
    {.name = "classes",
        .type = KEY_MAP,
        .at = offsetof(struct policies_item, classes),
        .shape = &class_policy_shape,
        .names = KEY_NAME},
    {.name = "targets",
        .type = KEY_OBJECT,
        .at = offsetof(struct policies_item, targets),
        .shape = &targets_shape},
};
const struct shape policies_shape = {
    policies_keys, ARRAY_LEN(policies_keys), sizeof(struct policies_item), NULL};

static void
check_tell(struct loader *loader, const struct texts *tell)
{
    const struct grid *grid = &loader->config->grid;

    for (size_t i = 0; i < tell->len; i++) {
        const struct view id = view_of(tell->at[i]);

        if (centre_find(grid, id) == NULL && unit_find(grid, id) == NULL) {
            report_stranger(loader, tell->nodes[i],
                nearest(id, loader->names[KIND_UNIT].at, loader->names[KIND_UNIT].len) != NULL
                    ? KIND_UNIT
                    : KIND_CENTRE,
                id);
        }
    }
}

static int
compare_steps(const void *a, const void *b)
{
    const struct step_item *left = a;
    const struct step_item *right = b;

    if (left->after.us != right->after.us)
        return left->after.us < right->after.us ? -1 : 1;
    if (left->tier != right->tier)
        return left->tier < right->tier ? -1 : 1;
    return left->is.node->at.line - right->is.node->at.line;
}

static void
make_policy(struct loader *loader, const struct policy_item *item, struct policy *policy)
{
    const size_t len = item->steps.len <= POLICY_MAX_STEPS ? item->steps.len : POLICY_MAX_STEPS;
    struct policy_step *steps = ARENA_ARRAY(loader->schema.arena, len, struct policy_step);

    if (len == 0 || len < item->steps.len) {
        report(loader->schema.reporter, node_about(item->is.node, "steps"), "wrong-number",
            "has %zu steps, allowed are 1 to %d", "有 %zu 步, 允许 1 至 %d 步", item->steps.len,
            POLICY_MAX_STEPS);
    }
    qsort(item->steps.at, item->steps.len, sizeof(struct step_item), compare_steps);
    for (size_t i = 0; i < len; i++) {
        const struct step_item *step = items_at(&item->steps, &step_shape, i);

        check_tell(loader, &step->tell);
        steps[i] = (struct policy_step){
            .tier = (enum tier)step->tier,
            .after = step->after,
            .unless = (enum step_unless)step->unless,
            .clock = (enum step_clock)step->clock,
            .tell = step->tell.at,
            .n_tell = step->tell.len,
        };
    }
    *policy = (struct policy){
        .id = item->is.name,
        .steps = steps,
        .n_steps = len,
        .repeat = item->repeat,
        .acknowledge_within = item->acknowledge_within,
        .verify_within = item->verify_within,
        .settle_after = item->settle_after,
    };
}

static const struct policy *
policy_of(struct loader *loader, const struct node *node, const char *id)
{
    const struct policy *policy = policy_find(&loader->config->policies, view_of(id));

    if (policy == NULL)
        report_stranger(loader, node, KIND_POLICY, view_of(id));
    return policy;
}

static void
make_defaults(struct loader *loader, const struct defaults_item *item)
{
    for (int severity = 0; severity < SEVERITY_COUNT; severity++) {
        const struct sides_item *sides = &item->of[severity];

        if (sides->inside != NULL)
            loader->config->policies.by_severity[severity][SIDE_INSIDE] =
                policy_of(loader, node_about(sides->is.node, "inside"), sides->inside);
        if (sides->outside != NULL)
            loader->config->policies.by_severity[severity][SIDE_OUTSIDE] =
                policy_of(loader, node_about(sides->is.node, "outside"), sides->outside);
    }
}

static void
make_class_defaults(struct loader *loader, const struct items *items)
{
    const struct class_table *classes = &loader->config->classes;
    const struct policy **by_class =
        ARENA_ARRAY(loader->schema.arena, classes->len, const struct policy *);

    for (size_t i = 0; i < items->len; i++) {
        const struct class_policy_item *item = items_at(items, &class_policy_shape, i);
        const struct class *class = class_find(classes, view_of(item->is.name));

        if (class == NULL)
            report_stranger(loader, item->is.node, KIND_CLASS, view_of(item->is.name));
        else
            by_class[class->index] =
                policy_of(loader, node_about(item->is.node, "policy"), item->policy);
    }
    loader->config->policies.by_class = by_class;
}

void
load_policies(struct loader *loader)
{
    const struct node *root = load_yaml(loader, "policies.yaml", "");
    struct policies_item *item = ARENA_NEW(loader->schema.scratch, struct policies_item);

    loader->names[KIND_POLICY].partial =
        root == NULL || !schema_read(&loader->schema, root, &policies_shape, item);
    if (root == NULL)
        return;
    sort_items(loader, &item->policies, &policy_shape);
    set_names(loader, KIND_POLICY, &item->policies, &policy_shape);
    struct policy *policies = ARENA_ARRAY(loader->schema.arena, item->policies.len, struct policy);

    for (size_t i = 0; i < item->policies.len; i++)
        make_policy(loader, items_at(&item->policies, &policy_shape, i), &policies[i]);
    loader->config->policies.at = policies;
    loader->config->policies.len = item->policies.len;
    make_defaults(loader, &item->defaults);
    make_class_defaults(loader, &item->classes);
    make_targets(&item->targets, &loader->config->targets);
}
