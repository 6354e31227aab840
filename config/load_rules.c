/* rules/<name>.yaml: lists of rules. Their expressions are compiled by alerting/rules. */
#include "config/load.h"

#include "alerting/engine/builtin.h"

struct stage_item {
    struct item is;
    const char *when, *clear, *policy;
    int severity;
    struct span after;
};

static const struct key stage_keys[] = {
    {.name = "name", .type = KEY_ID, .required = true, .at = offsetof(struct stage_item, is.name)},
    {.name = "when", .type = KEY_TEXT, .required = true, .at = offsetof(struct stage_item, when)},
    {.name = "clear", .type = KEY_TEXT, .at = offsetof(struct stage_item, clear)},
    {.name = "severity",
        .type = KEY_WORD,
        .at = offsetof(struct stage_item, severity),
        .choices = severity_names,
        .n_choices = SEVERITY_COUNT},
    {.name = "policy", .type = KEY_ID, .at = offsetof(struct stage_item, policy)},
    {.name = "after",
        .type = KEY_SPAN,
        .at = offsetof(struct stage_item, after),
        .min = "1s",
        .max = "7d"},
};
static const struct shape stage_shape = {
    stage_keys, ARRAY_LEN(stage_keys), sizeof(struct stage_item), NULL};

struct rule_item {
    struct item is;
    const char *class;
    struct words title;
    int severity, per;
    const char *when, *clear, *policy;
    struct span for_, clear_for, hold;
    struct texts inhibited_by;
    bool latch;
    struct items stages;
    struct texts dispatch;
    struct texts folds; /* it gathers the cases of these and has no `when` */
    int64_t least, percent;
    struct span within;
};

static const struct key rule_keys[] = {
    {.name = "rule", .type = KEY_ID, .required = true, .at = offsetof(struct rule_item, is.name)},
    {.name = "class", .type = KEY_NAME, .at = offsetof(struct rule_item, class)},
    {.name = "title", .type = KEY_WORDS, .required = true, .at = offsetof(struct rule_item, title)},
    {.name = "severity",
        .type = KEY_WORD,
        .required = true,
        .at = offsetof(struct rule_item, severity),
        .choices = severity_names,
        .n_choices = SEVERITY_COUNT},
    {.name = "per",
        .type = KEY_WORD,
        .at = offsetof(struct rule_item, per),
        .choices = per_names,
        .n_choices = PER_RULES + 1},
    {.name = "when", .type = KEY_TEXT, .at = offsetof(struct rule_item, when)},
    {.name = "clear", .type = KEY_TEXT, .at = offsetof(struct rule_item, clear)},
    {.name = "for",
        .type = KEY_SPAN,
        .at = offsetof(struct rule_item, for_),
        .min = "1s",
        .max = "7d"},
    {.name = "clear_for",
        .type = KEY_SPAN,
        .at = offsetof(struct rule_item, clear_for),
        .min = "1s",
        .max = "7d"},
    {.name = "hold",
        .type = KEY_SPAN,
        .at = offsetof(struct rule_item, hold),
        .min = "1s",
        .max = "7d"},
    {.name = "inhibited_by", .type = KEY_TEXTS, .at = offsetof(struct rule_item, inhibited_by)},
    {.name = "latch", .type = KEY_BOOL, .at = offsetof(struct rule_item, latch)},
    {.name = "policy", .type = KEY_ID, .at = offsetof(struct rule_item, policy)},
    {.name = "stages",
        .type = KEY_LIST,
        .at = offsetof(struct rule_item, stages),
        .shape = &stage_shape},
    {.name = "dispatch", .type = KEY_TEXTS, .at = offsetof(struct rule_item, dispatch)},
    {.name = "folds", .type = KEY_TEXTS, .at = offsetof(struct rule_item, folds)},
    {.name = "least",
        .type = KEY_INT,
        .at = offsetof(struct rule_item, least),
        .min = "2",
        .max = "10000"},
    {.name = "percent",
        .type = KEY_INT,
        .at = offsetof(struct rule_item, percent),
        .min = "1",
        .max = "100"},
    {.name = "within",
        .type = KEY_SPAN,
        .at = offsetof(struct rule_item, within),
        .min = "1s",
        .max = "1h"},
};
const struct shape rule_shape = {rule_keys, ARRAY_LEN(rule_keys), sizeof(struct rule_item), NULL};

/* A file's list, appended. */
static bool
append_file(struct loader *loader, const struct node *root, struct items *rules, size_t *cap)
{
    struct items file = {0};
    const bool whole = schema_read_list(&loader->schema, root, &rule_shape, &file);

    if (rules->len + file.len > *cap) {
        *cap = (rules->len + file.len) * 2;
        void *more = arena_array(loader->schema.scratch, *cap, rule_shape.size);

        if (rules->len > 0)
            memcpy(more, rules->at, rules->len * rule_shape.size);
        rules->at = more;
    }
    if (file.len > 0)
        memcpy(items_at(rules, &rule_shape, rules->len), file.at, file.len * rule_shape.size);
    rules->len += file.len;
    return whole;
}

/* The rules module gives its hint behind the text. */
static const char *
cut_hint(char *text)
{
    char *hint = strstr(text, "\nhint: ");

    if (hint == NULL)
        return NULL;
    *hint = '\0';
    return hint + strlen("\nhint: ");
}

static const struct expr *
compile(struct loader *loader, const struct rule_item *item, const struct class *class,
    const struct node *map, const char *key)
{
    const struct node *node = node_child(map, key);
    const struct expr *expr = NULL;
    struct expr_mistake mistake = {0};

    if (node == NULL)
        return NULL;
    if (expr_compile_words(
            loader->schema.arena, node->text, class, (enum per)item->per, &expr, &mistake))
        return expr;
    const char *hint = cut_hint(mistake.err.text), *hint_zh = cut_hint(mistake.zh);

    report_inside(loader->schema.reporter, node, mistake.column, "bad-expression", "%s%.0s",
        "%.0s%s", mistake.err.text, mistake.zh);
    if (hint != NULL && hint_zh != NULL)
        report_hint(loader->schema.reporter, "%s%.0s", "%.0s%s", hint, hint_zh);
    return NULL;
}

static const char *
policy_id(struct loader *loader, const struct node *map, const char *id)
{
    if (id == NULL)
        return "";
    if (policy_find(&loader->config->policies, view_of(id)) == NULL)
        report_stranger(loader, node_about(map, "policy"), KIND_POLICY, view_of(id));
    return id;
}

/* The only stage of a rule without stages. */
static void
make_single(struct loader *loader, const struct rule_item *item, const struct class *class,
    struct stage *stage)
{
    *stage = (struct stage){
        .name = "",
        .when = compile(loader, item, class, item->is.node, "when"),
        .clear = compile(loader, item, class, item->is.node, "clear"),
        .severity = (enum severity)item->severity,
        .policy = policy_id(loader, item->is.node, item->policy),
    };
}

static void
make_stage(struct loader *loader, const struct rule_item *item, const struct class *class,
    const struct stage_item *from, struct stage *stage)
{
    const struct node *node = from->is.node;
    const bool own = node_child(node, "severity") != NULL;

    *stage = (struct stage){
        .name = from->is.name,
        .when = compile(loader, item, class, node, "when"),
        .clear = compile(loader, item, class, node, "clear"),
        .severity = (enum severity)(own ? from->severity : item->severity),
        .policy = from->policy != NULL ? policy_id(loader, node, from->policy)
                                       : policy_id(loader, item->is.node, item->policy),
        .after = from->after,
    };
}

static void
check_stages(struct loader *loader, const struct rule_item *item, const struct rule *rule)
{
    struct reporter *reporter = loader->schema.reporter;
    const struct node *node = item->is.node;
    static const char *const alone[] = {"when", "clear"};

    for (size_t i = 0; i < ARRAY_LEN(alone); i++) {
        if (node_child(node, alone[i]) != NULL)
            report(reporter, node_about(node, alone[i]), "useless-key",
                "stands in each stage of a rule that has stages", "有 stages 时应写在每一阶段中");
    }
    if (item->stages.len == 0 || item->stages.len > RULE_MAX_STAGES) {
        report(reporter, node_about(node, "stages"), "wrong-number",
            "has %zu stages, allowed are 1 to %d", "有 %zu 个阶段, 允许 1 至 %d 个",
            item->stages.len, RULE_MAX_STAGES);
    }
    for (size_t i = 0; i < rule->n_stages; i++) {
        const struct stage_item *stage = items_at(&item->stages, &stage_shape, i);

        if (i == 0 && stage->after.us > 0) {
            report(reporter, node_about(stage->is.node, "after"), "useless-key",
                "the first stage has no stage before it to wait after",
                "第一阶段之前没有阶段可等待");
        }
        if (i > 0 && rule->stages[i].severity > rule->stages[i - 1].severity)
            report(reporter, node_about(stage->is.node, "severity"), "wrong-order",
                "a later stage is never milder than the one before", "后一阶段不能比前一阶段更轻");
    }
}

static void
check_dispatch(struct loader *loader, const struct texts *dispatch)
{
    for (size_t i = 0; i < dispatch->len; i++) {
        if (strcmp(dispatch->at[i], CENTRE_PROPERTY) != 0 &&
            centre_find(&loader->config->grid, view_of(dispatch->at[i])) == NULL)
            report_stranger(loader, dispatch->nodes[i], KIND_CENTRE, view_of(dispatch->at[i]));
    }
}

static void
check_name(struct loader *loader, const struct rule_item *item)
{
    if (builtin_find(view_of(item->is.name)) != NULL) {
        report(loader->schema.reporter, node_about(item->is.node, "rule"), "reserved-name",
            "'%s' is an alert of wallwatch about itself, a rule cannot have its name",
            "'%s' 是本程序自身的告警, 规则不能用此名", item->is.name);
    }
}

static void
refuse_keys(struct loader *loader, const struct rule_item *item, const char *const *keys, size_t n,
    bool folds)
{
    for (size_t i = 0; i < n; i++) {
        if (node_child(item->is.node, keys[i]) == NULL)
            continue;
        if (folds) {
            report(loader->schema.reporter, node_about(item->is.node, keys[i]), "useless-key",
                "has no meaning in a rule that has folds", "有 folds 的规则不能有此项");
        } else {
            report(loader->schema.reporter, node_about(item->is.node, keys[i]), "useless-key",
                "has a meaning only in a rule that has folds", "只有带 folds 的规则才能有此项");
        }
    }
}

/* Not among the rules that could be made: unknown, a folding itself, or wrong and reported. */
static void
report_not_gathered(
    struct loader *loader, const struct node *node, const char *name, const struct items *items)
{
    for (size_t i = 0; i < items->len; i++) {
        const struct rule_item *item = items_at(items, &rule_shape, i);

        if (strcmp(item->is.name, name) != 0)
            continue;
        if (item->folds.len > 0) {
            report(loader->schema.reporter, node, "folded-twice", "rule '%s' has folds itself",
                "规则 '%s' 自身带有 folds", name);
        }
        return;
    }
    report_stranger(loader, node, KIND_RULE, view_of(name));
}

/* What it gathers must be there, less grave than itself, and never red: no storm silences a fire.
 */
static void
check_gathers(struct loader *loader, const struct rule_item *item, const struct items *items)
{
    struct reporter *reporter = loader->schema.reporter;

    for (size_t i = 0; i < item->folds.len; i++) {
        const struct node *node = item->folds.nodes[i];
        const struct rule *rule = rule_find(&loader->config->rules, view_of(item->folds.at[i]));

        if (rule == NULL) {
            report_not_gathered(loader, node, item->folds.at[i], items);
            continue;
        }
        if (rule->red) {
            report(reporter, node, "red-folded", "rule '%s' is red, each of its cases is told",
                "规则 '%s' 为红色, 每一案件都须通知", rule->id);
        } else if (rule->stages[rule->n_stages - 1].severity < (enum severity)item->severity) {
            report(reporter, node_about(item->is.node, "severity"), "wrong-order",
                "is milder than rule '%s', which it folds", "轻于所归并的规则 '%s'", rule->id);
        }
    }
}

static void
make_folding(struct loader *loader, const struct items *items, const struct rule_item *item,
    struct folding *folding)
{
    static const char *const useless[] = {
        "class", "when", "clear", "for", "hold", "inhibited_by", "latch", "stages"};
    struct stage *stage = ARENA_NEW(loader->schema.arena, struct stage);

    refuse_keys(loader, item, useless, ARRAY_LEN(useless), true);
    check_dispatch(loader, &item->dispatch);
    check_gathers(loader, item, items);
    if (item->per == PER_DEVICE) {
        report(loader->schema.reporter, node_about(item->is.node, "per"), "missing-key",
            "a rule that has folds is per gateway, zone, building or compound",
            "有 folds 的规则应为 per gateway, zone, building 或 compound");
    }
    *stage = (struct stage){.name = "",
        .severity = (enum severity)item->severity,
        .policy = policy_id(loader, item->is.node, item->policy)};
    *folding = (struct folding){
        .rule = {.id = item->is.name,
            .class = folding_class(),
            .title = item->title,
            .per = (enum per)item->per,
            .clear_for = item->clear_for,
            .stages = stage,
            .n_stages = 1,
            .dispatch = item->dispatch.at,
            .n_dispatch = item->dispatch.len},
        .gathers = item->folds.at,
        .n_gathers = item->folds.len,
        .least = item->least > 0 ? (uint32_t)item->least : 3,
        .percent = (uint32_t)item->percent,
        .within = item->within.us > 0 ? item->within : SPAN_MIN(5),
    };
}

/* No rule silences a fire, and one that looks at other subjects says nothing about these. */
static void
check_inhibitors(struct loader *loader, const struct rule_item *item, const struct rule *rule)
{
    struct reporter *reporter = loader->schema.reporter;

    if (item->inhibited_by.len > 0 && rule->red) {
        report(reporter, node_about(item->is.node, "inhibited_by"), "red-inhibited",
            "a red rule is inhibited by nothing", "红色规则不能被抑制");
    }
    for (size_t i = 0; i < item->inhibited_by.len; i++) {
        const struct node *node = item->inhibited_by.nodes[i];
        const struct rule *other =
            rule_find(&loader->config->rules, view_of(item->inhibited_by.at[i]));

        if (other == NULL) {
            report_stranger(loader, node, KIND_RULE, view_of(item->inhibited_by.at[i]));
        } else if (other == rule || other->class != rule->class || other->per != rule->per) {
            report(reporter, node, "other-subject",
                "rule '%s' must be another one of the same class and per",
                "规则 '%s' 须为同类同 per 的另一规则", other->id);
        }
    }
}

/* After the rules that they gather. */
static void
load_foldings(struct loader *loader, const struct items *items)
{
    struct folding *foldings = ARENA_ARRAY(loader->schema.scratch, items->len, struct folding);
    size_t n = 0;

    for (size_t i = 0; i < items->len; i++) {
        const struct rule_item *item = items_at(items, &rule_shape, i);

        const struct rule *rule = rule_find(&loader->config->rules, view_of(item->is.name));

        if (rule != NULL)
            check_inhibitors(loader, item, rule);
        if (item->folds.len > 0)
            make_folding(loader, items, item, &foldings[n++]);
    }
    foldings_make(loader->schema.arena, &loader->config->rules, foldings, n);
}

static void
check_plain(struct loader *loader, const struct rule_item *item)
{
    static const char *const useless[] = {"folds", "least", "percent", "within"};

    refuse_keys(loader, item, useless, ARRAY_LEN(useless), false);
    if (item->per == PER_GATEWAY) {
        report(loader->schema.reporter, node_about(item->is.node, "per"), "wrong-value",
            "only a rule that has folds is per gateway", "只有带 folds 的规则才能 per gateway");
    }
    if (item->class == NULL) {
        report(loader->schema.reporter, item->is.node, "missing-key", "'class' is missing",
            "缺少 'class'");
    }
}

static bool
make_rule(struct loader *loader, const struct rule_item *item, struct rule *rule)
{
    const struct class *class =
        item->class == NULL ? NULL : class_find(&loader->config->classes, view_of(item->class));
    const bool staged = node_child(item->is.node, "stages") != NULL;
    const size_t n = !staged                              ? 1
                     : item->stages.len < RULE_MAX_STAGES ? item->stages.len
                                                          : RULE_MAX_STAGES;
    struct stage *stages = ARENA_ARRAY(loader->schema.arena, n, struct stage);

    check_plain(loader, item);
    check_dispatch(loader, &item->dispatch);
    if (class == NULL) {
        if (item->class != NULL)
            report_stranger(
                loader, node_about(item->is.node, "class"), KIND_CLASS, view_of(item->class));
        return false;
    }
    *rule = (struct rule){
        .id = item->is.name,
        .class = class,
        .title = item->title,
        .per = (enum per)item->per,
        .for_ = item->for_,
        .clear_for = item->clear_for,
        .hold = item->hold,
        .inhibited_by = item->inhibited_by.at,
        .n_inhibited_by = item->inhibited_by.len,
        .latch = item->latch,
        .stages = stages,
        .n_stages = n,
        .dispatch = item->dispatch.at,
        .n_dispatch = item->dispatch.len,
    };
    if (!staged && item->when == NULL) {
        report(loader->schema.reporter, item->is.node, "missing-key",
            "'when' is missing, or 'stages'", "缺少 'when' 或 'stages'");
    }
    if (!staged)
        make_single(loader, item, class, &stages[0]);
    for (size_t i = 0; i < n && staged; i++)
        make_stage(loader, item, class, items_at(&item->stages, &stage_shape, i), &stages[i]);
    if (staged)
        check_stages(loader, item, rule);
    for (size_t i = 0; i < n; i++) {
        if (stages[i].when == NULL)
            return false; /* reported; it can be neither printed nor judged */
    }
    return n > 0;
}

void
load_rules(struct loader *loader)
{
    const struct yaml_files files = load_folder(loader, "rules");
    bool whole = !files.partial;
    struct items items = {0};
    size_t cap = 0, n = 0;

    for (size_t i = 0; i < files.len; i++)
        whole = append_file(loader, files.at[i], &items, &cap) && whole;
    loader->names[KIND_RULE].partial = !whole;
    sort_items(loader, &items, &rule_shape);
    set_names(loader, KIND_RULE, &items, &rule_shape);
    struct rule *rules = ARENA_ARRAY(loader->schema.scratch, items.len, struct rule);

    loader->rule_nodes = ARENA_ARRAY(loader->schema.scratch, items.len, const struct node *);
    for (size_t i = 0; i < items.len; i++) {
        const struct rule_item *item = items_at(&items, &rule_shape, i);

        check_name(loader, item);
        if (item->folds.len == 0 && make_rule(loader, item, &rules[n]))
            loader->rule_nodes[n++] = item->is.node;
    }
    loader->config->rules = ruleset_make(loader->schema.arena, rules, n, &loader->config->classes);
    load_foldings(loader, &items);
    check_rules(loader);
}
