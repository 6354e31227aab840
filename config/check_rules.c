/* What each rule says is right, and still it cannot be meant so: one that can never be true, one
 * that clears while it raises, two that always say the same, a red one that nobody hears of. */
#include "config/load.h"

#include <stdio.h>

#define RED_MOST_FOR SPAN_MIN(10)

static const struct node *
stage_node(const struct node *rule, size_t i)
{
    const struct node *stages = node_child(rule, "stages");
    const struct node *stage = stages == NULL ? rule : stages->first;

    for (; stages != NULL && stage != NULL && i > 0; i--)
        stage = stage->next;
    return stage == NULL ? rule : stage;
}

static void
check_reach(struct loader *loader, const struct node *node, const struct stage *stage)
{
    struct reporter *reporter = loader->schema.reporter;
    struct buf where;

    buf_init(&where, 4096);
    if (expr_can_hold(stage->when, NULL, &where) == TRUTH_FALSE) {
        report(reporter, node_child(node, "when"), "never-true",
            "can never be true: no value that the class allows makes it so",
            "永远不成立: 类别允许的任何值都不能使其成立");
        report_is_proof(reporter);
        report_hint(reporter, "look at min and max of its fields", "请查看其字段的 min 与 max");
    } else if (expr_always_holds(stage->when)) {
        report(reporter, node_child(node, "when"), "always-true",
            "is always true: every value that the class allows makes it so",
            "总是成立: 类别允许的任何值都使其成立");
        report_is_proof(reporter);
    }
    buf_fini(&where);
}

static void
check_clear(struct loader *loader, const struct node *node, const struct stage *stage)
{
    struct reporter *reporter = loader->schema.reporter;
    struct buf where;

    if (stage->clear == NULL)
        return;
    buf_init(&where, 4096);
    if (expr_can_hold(stage->when, stage->clear, &where) == TRUTH_TRUE) {
        report(reporter, node_child(node, "clear"), "clear-overlaps",
            "'when' and 'clear' are both true for %.*s", "当 %.*s 时, when 与 clear 同时成立",
            VIEW_ARG(buf_view(&where)));
        report_is_proof(reporter);
        report_hint(reporter, "clear must begin beyond the limit that raises",
            "clear 的界限应在触发界限之外");
    } else if (expr_can_hold(stage->clear, NULL, &where) == TRUTH_FALSE) {
        report(reporter, node_child(node, "clear"), "never-true",
            "can never be true: no value that the class allows makes it so",
            "永远不成立: 类别允许的任何值都不能使其成立");
        report_is_proof(reporter);
    }
    buf_fini(&where);
}

/* A warning: the two may differ in what they do. */
static void
check_twins(struct loader *loader, size_t at, const struct view *texts)
{
    const struct ruleset *rules = &loader->config->rules;
    const struct rule *rule = &rules->at[at];

    for (size_t i = 0; i < at; i++) {
        const struct rule *other = &rules->at[i];

        if (other->class != rule->class || other->per != rule->per || !view_eq(texts[i], texts[at]))
            continue;
        report(loader->schema.reporter, node_child(stage_node(loader->rule_nodes[at], 0), "when"),
            "same-rule", "is true whenever rule '%s' is: each fault makes two cases",
            "与规则 '%s' 总是同时成立: 每次故障会产生两个案件", other->id);
        report_is_warning(loader->schema.reporter);
        return;
    }
}

/* The same by day and by night, and at once: a red case that waits is a fire that was silenced. */
static void
check_policy(struct loader *loader, const struct node *node, enum severity severity,
    const struct policy *policy)
{
    static const struct words colours[] = {
        [SEVERITY_RED] = {"红色", "red"}, [SEVERITY_ORANGE] = {"橙色", "orange"}};
    const struct words *colour = &colours[severity];
    bool at_once = severity != SEVERITY_RED;

    for (size_t i = 0; i < policy->n_steps; i++) {
        at_once = at_once || policy->steps[i].after.us == 0;
        if (policy->steps[i].clock != CLOCK_WORKING)
            continue;
        report(loader->schema.reporter, node, "grave-working-clock",
            "policy '%s' has a step on the working clock, a case that is %s%.0s would not climb at "
            "night",
            "策略 '%s' 有按工作时间计时的步骤, 夜间%.0s%s案件不会上报", policy->id, colour->en,
            colour->zh);
        report_is_proof(loader->schema.reporter);
        report_hint(loader->schema.reporter, "give it a policy with 'clock: natural' in every step",
            "请使用各步骤均为 'clock: natural' 的策略");
        break;
    }
    if (at_once)
        return;
    report(loader->schema.reporter, node, "red-late",
        "policy '%s' has no step 'after: 0s', nobody would be told of a red case at once",
        "策略 '%s' 没有 'after: 0s' 的步骤, 红色案件不会立即通知任何人", policy->id);
    report_is_proof(loader->schema.reporter);
}

static void
check_policies(struct loader *loader, const struct node *node, const struct rule *rule,
    const struct stage *stage)
{
    const struct policy_set *set = &loader->config->policies;
    const struct policy *policy = policy_find(set, view_of(stage->policy));

    if (stage->severity > SEVERITY_ORANGE ||
        report_spoiled(loader->schema.reporter, "policies.yaml"))
        return;
    if (policy == NULL && stage->policy[0] == '\0' && set->by_class != NULL)
        policy = set->by_class[rule->class->index];
    if (policy != NULL) {
        check_policy(loader, node_about(node, "policy"), stage->severity, policy);
        return;
    }
    for (int side = 0; side < 2 && stage->policy[0] == '\0'; side++) {
        policy = set->by_severity[stage->severity][side];
        if (policy != NULL && (side == 0 || policy != set->by_severity[stage->severity][0]))
            check_policy(loader, node, stage->severity, policy);
    }
}

static void
check_patience(struct loader *loader, const struct node *node, const struct rule *rule)
{
    if (!rule->red || rule->for_.us <= RED_MOST_FOR.us)
        return;
    report(loader->schema.reporter, node_about(node, "for"), "red-slow",
        "a red rule may wait at most 10m", "红色规则最多等待 10m");
    report_is_proof(loader->schema.reporter);
}

void
check_rules(struct loader *loader)
{
    const struct ruleset *rules = &loader->config->rules;
    struct view *texts = ARENA_ARRAY(loader->schema.scratch, rules->len, struct view);

    for (size_t i = 0; i < rules->len; i++) {
        const struct rule *rule = &rules->at[i];
        struct buf text;

        for (size_t k = 0; k < rule->n_stages; k++) {
            const struct node *node = stage_node(loader->rule_nodes[i], k);

            check_reach(loader, node, &rule->stages[k]);
            check_clear(loader, node, &rule->stages[k]);
            check_policies(loader, node, rule, &rule->stages[k]);
        }
        check_patience(loader, loader->rule_nodes[i], rule);
        buf_init(&text, (size_t)64 * 1024);
        expr_print(rule->stages[0].when, &text);
        texts[i] = arena_copy(loader->schema.scratch, buf_view(&text));
        buf_fini(&text);
        check_twins(loader, i, texts);
    }
}
