/* From values to marks, from marks to tallies, from tallies to judgements. */
#include "alerting/rules/state.h"

#include <stdlib.h>

/* A mark: whether the member takes part, and what its stage's `when` and `clear` are for it. */
enum {
    MARK_MEMBER = 1,
    MARK_YES = 2,
    MARK_UNKNOWN = 4,
    MARK_SUSPECT = 8,
    MARK_CLEAR = 16,
};

enum { COUNTING_IN = 1, COUNTING_UNKNOWN = 2 };

/* A part that never said a field of the rule has nothing to do with it: a panel is not a detector.
 */
static bool
takes_part(const struct member *member, const uint64_t *fields, bool fieldless)
{
    return fieldless ? member->root == member : bits_meet(member->have, fields);
}

static bool
plan_takes(const struct member *member, const struct plan *plan)
{
    return takes_part(member, plan->fields, plan->fieldless);
}

static void
tally_add(struct tally *tally, uint8_t mark, uint32_t n)
{
    if ((mark & MARK_MEMBER) == 0)
        return;
    tally->members += n;
    tally->yes += (mark & MARK_YES) != 0 ? n : 0;
    tally->sound += (mark & (MARK_YES | MARK_SUSPECT)) == MARK_YES ? n : 0;
    tally->unknown += (mark & MARK_UNKNOWN) != 0 ? n : 0;
    tally->suspect += (mark & MARK_SUSPECT) != 0 ? n : 0;
    tally->clear += (mark & MARK_CLEAR) != 0 ? n : 0;
}

static uint8_t
mark_stage(
    const struct member *member, const struct plan *plan, size_t i, const struct moment *moment)
{
    const struct stage *stage = &plan->rule->stages[i];
    const struct look look = look_at(member, &plan->uses, moment);
    enum truth when;
    uint8_t mark = MARK_MEMBER;

    if (!plan_takes(member, plan))
        return 0;
    when = expr_truth(stage->when, &look.world);
    if (when == TRUTH_TRUE)
        mark |= MARK_YES;
    if (when == TRUTH_UNKNOWN)
        mark |= MARK_UNKNOWN;
    if (bits_meet(member->suspect, plan->fields) || look_is_suspect(&look))
        mark |= MARK_SUSPECT;
    if (stage->clear != NULL && expr_truth(stage->clear, &look.world) == TRUTH_TRUE)
        mark |= MARK_CLEAR;
    return mark;
}

static void
mark_plan(struct member *member, const struct plan *plan, const struct moment *moment)
{
    struct group *group = member->groups[plan->rule->per];

    for (size_t i = 0; i < plan->rule->n_stages; i++) {
        uint8_t *mark = &member->marks[plan->mark + i];
        const uint8_t now = mark_stage(member, plan, i, moment);

        if (now == *mark)
            continue;
        tally_add(&group->tallies[plan->mark + i], *mark, UINT32_MAX); /* minus one */
        tally_add(&group->tallies[plan->mark + i], now, 1);
        *mark = now;
    }
}

static bool
put_counting(struct member *member, struct group *group, size_t slot, uint8_t now)
{
    const uint8_t old = member->counting[slot];

    group->counts[slot].in += (uint32_t)(now & COUNTING_IN) - (uint32_t)(old & COUNTING_IN);
    group->counts[slot].unknown +=
        (uint32_t)((now & COUNTING_UNKNOWN) != 0) - (uint32_t)((old & COUNTING_UNKNOWN) != 0);
    member->counting[slot] = now;
    return now != old;
}

/* True: the group's count has changed. */
static bool
recount(struct member *member, size_t slot, const struct moment *moment)
{
    const struct count_slot *count = &member->layout->counts[slot];
    struct group *group = member->groups[count->node->per];
    const struct look look = look_at(member, &count->uses, moment);
    const bool takes = takes_part(member, count->fields, count->fieldless);
    const enum truth truth = takes ? expr_truth(count->node->left, &look.world) : TRUTH_FALSE;
    int64_t *stopped = &member->stopped[slot];
    uint8_t counting = 0;

    if (!moment->passing && truth == TRUTH_TRUE)
        *stopped = CLOCK_NOW;
    else if (truth == TRUTH_TRUE ? moment->at_clock > *stopped
                                 : *stopped == CLOCK_NOW && !moment->passing)
        *stopped = moment->at_clock;
    if (*stopped != CLOCK_NEVER &&
        (*stopped == CLOCK_NOW || moment->clock < *stopped + count->node->span.us))
        counting = COUNTING_IN;
    else if (truth == TRUTH_UNKNOWN)
        counting = COUNTING_UNKNOWN;
    return put_counting(member, group, slot, counting);
}

static bool
plan_counts(const struct plan *plan, size_t slot)
{
    for (size_t i = 0; i < plan->uses.n_counts; i++) {
        if (plan->uses.counts[i].slot == slot)
            return true;
    }
    return false;
}

/* A count is the same for the whole group, so all of it is marked anew. */
static void
remark_group(const struct group *group, size_t slot, const struct moment *moment)
{
    const struct layout *layout = group->layout;

    for (size_t p = 0; p < layout->n_plans; p++) {
        if (!plan_counts(&layout->plans[p], slot))
            continue;
        for (size_t i = 0; i < group->len; i++)
            mark_plan(group->members[i], &layout->plans[p], moment);
    }
}

void
member_refresh(struct member *member, const struct moment *moment)
{
    const struct layout *layout = member->layout;

    member->unmarked = false;
    if (layout->n_marks == 0)
        return;
    for (size_t slot = 0; slot < layout->n_counts; slot++) {
        if (recount(member, slot, moment)) {
            remark_group(member->groups[layout->counts[slot].node->per], slot, moment);
        }
    }
    for (size_t p = 0; p < layout->n_plans; p++) {
        if (layout->plans[p].rule->per != PER_DEVICE)
            mark_plan(member, &layout->plans[p], moment);
    }
}

void
member_forget(struct member *member, enum per per)
{
    const struct layout *layout = member->layout;
    struct group *group = member->groups[per];

    for (size_t slot = 0; slot < layout->n_counts; slot++) {
        if (layout->counts[slot].node->per == per)
            (void)put_counting(member, group, slot, 0);
    }
    for (size_t p = 0; p < layout->n_plans; p++) {
        const struct plan *plan = &layout->plans[p];

        for (size_t i = 0; plan->rule->per == per && i < plan->rule->n_stages; i++) {
            tally_add(&group->tallies[plan->mark + i], member->marks[plan->mark + i], UINT32_MAX);
            member->marks[plan->mark + i] = 0;
        }
    }
}

static void
conclude(struct judgement *judgement, const struct tally *tallies)
{
    const struct rule *rule = judgement->rule;
    enum truth truth = TRUTH_FALSE;

    judgement->stage = -1;
    for (size_t i = 0; i < rule->n_stages; i++) {
        const struct tally *tally = &tallies[i];

        if (tally->yes > 0)
            judgement->stage = (int)i;
        truth = truth_or(truth, tally->yes > 0                              ? TRUTH_TRUE
                                : tally->unknown > 0 || tally->members == 0 ? TRUTH_UNKNOWN
                                                                            : TRUTH_FALSE);
    }
    judgement->truth = truth;
    if (rule->stages[0].clear == NULL)
        judgement->clear = truth == TRUTH_FALSE;
    else
        judgement->clear =
            truth != TRUTH_TRUE && tallies[0].members > 0 && tallies[0].clear == tallies[0].members;
    judgement->suspect =
        judgement->stage >= 0 ? tallies[judgement->stage].sound == 0 : tallies[0].suspect > 0;
}

static struct judgement *
add(struct facts *facts, const struct plan *plan, const struct subject *subject,
    const struct moment *moment)
{
    struct judgement *judgement = VEC_PUSH(&facts->out);

    *judgement = (struct judgement){.rule = plan->rule,
        .subject = subject,
        .late = moment->late,
        .since = moment->since,
        .member = view_of("")};
    return judgement;
}

static void
judge_member(struct facts *facts, const struct member *member, const struct plan *plan,
    const struct moment *moment)
{
    struct tally tallies[RULE_MAX_STAGES] = {0};

    if (!plan_takes(member, plan))
        return;
    for (size_t i = 0; i < plan->rule->n_stages; i++)
        tally_add(&tallies[i], mark_stage(member, plan, i, moment), 1);
    conclude(add(facts, plan, &member->self, moment), tallies);
}

/* The member that made it true: this one, or the first by key; else this one. */
static struct view
find_cause(
    const struct group *group, const struct member *member, const struct plan *plan, int stage)
{
    const size_t mark = plan->mark + (size_t)(stage < 0 ? 0 : stage);

    if (stage < 0 || (member->marks[mark] & MARK_YES) != 0)
        return member_label(member);
    for (size_t i = 0; i < group->len; i++) {
        if ((group->members[i]->marks[mark] & MARK_YES) != 0)
            return member_label(group->members[i]);
    }
    return member_label(member);
}

static void
judge_group(struct facts *facts, const struct member *member, const struct plan *plan,
    const struct moment *moment)
{
    const struct group *group = member->groups[plan->rule->per];
    struct judgement *judgement;

    if (group->tallies[plan->mark].members == 0)
        return; /* nobody in it has said anything of this rule yet */
    judgement = add(facts, plan, &group->self, moment);
    conclude(judgement, &group->tallies[plan->mark]);
    judgement->member = find_cause(group, member, plan, judgement->stage);
}

static bool
touches_silence(const struct member *member, const struct touch *touch, const struct plan *plan)
{
    for (size_t i = 0; i < plan->n_absents; i++) {
        const int64_t us = absence_us(member, plan->absents[i]);

        if ((touch->absent && touch->silence == us) || (touch->ended && touch->silence >= us))
            return true;
    }
    return false;
}

void
member_judge(struct facts *facts, struct member *member, const struct touch *touch,
    const struct moment *moment)
{
    const struct layout *layout = member->layout;

    for (size_t p = 0; p < layout->n_plans; p++) {
        const struct plan *plan = &layout->plans[p];
        const bool silence = touches_silence(member, touch, plan);

        if (!touch->all && !silence && !bits_meet(plan->fields, touch->fields) &&
            !(plan->uses.n_counts > 0 && touch->counts) && !(plan->ages && touch->aged))
            continue;
        if (plan->rule->per != PER_DEVICE) {
            judge_group(facts, member, plan, moment);
        } else if (silence) {
            const struct member *part;

            for (size_t i = 0; (part = member_part(member->root, i)) != NULL; i++)
                judge_member(facts, part, plan, moment);
        } else {
            judge_member(facts, member, plan, moment);
        }
    }
}

static int64_t
sooner(int64_t best, int64_t deadline, int64_t after)
{
    return deadline > after && deadline < best ? deadline : best;
}

int64_t
member_deadline(const struct member *member, int64_t clock)
{
    const struct layout *layout = member->layout;
    int64_t best = INT64_MAX;

    for (size_t i = 0; member->expiry > 0 && i < layout->class->n_fields; i++) {
        if (bit_get(member->have, i) && bit_get(layout->timed, i))
            best = sooner(best, member->known[i].heard + member->expiry, clock);
    }
    for (size_t p = 0; layout->n_absents > 0 && p < layout->n_plans; p++) {
        const struct plan *plan = &layout->plans[p];

        for (size_t i = 0; i < plan->n_absents && plan_takes(member, plan); i++)
            best = sooner(best, member->root->heard + absence_us(member, plan->absents[i]), clock);
    }
    for (size_t i = 0; i < layout->n_counts; i++) {
        if (member->stopped[i] != CLOCK_NEVER && member->stopped[i] != CLOCK_NOW)
            best = sooner(best, member->stopped[i] + layout->counts[i].node->span.us, clock);
    }
    for (size_t i = 0; layout->ages && i < layout->n_windows; i++) {
        const struct window *window = &member->windows[i];

        best = sooner(best, window_deadline(window, layout->windows[i].node, clock), clock);
    }
    return best;
}

struct touch
member_due(const struct member *member, int64_t clock)
{
    const struct layout *layout = member->layout;
    struct touch touch = {.silence = clock - member->root->heard};
    bool silent = false;

    for (size_t i = 0; member->expiry > 0 && i < layout->class->n_fields; i++) {
        if (bit_get(member->have, i) && bit_get(layout->timed, i) &&
            member->known[i].heard + member->expiry == clock)
            bit_put(touch.fields, i, true);
    }
    touch.absent = true;
    for (size_t p = 0; layout->n_absents > 0 && p < layout->n_plans; p++) {
        const struct plan *plan = &layout->plans[p];

        silent |= touches_silence(member, &touch, plan) && plan_takes(member, plan);
    }
    touch.absent = silent;
    for (size_t i = 0; i < layout->n_counts; i++) {
        touch.counts |= member->stopped[i] != CLOCK_NEVER && member->stopped[i] != CLOCK_NOW &&
                        member->stopped[i] + layout->counts[i].node->span.us == clock;
    }
    for (size_t i = 0; layout->ages && i < layout->n_windows; i++) {
        const struct window *window = &member->windows[i];

        touch.aged |= window_deadline(window, layout->windows[i].node, clock - 1) == clock;
    }
    return touch;
}

void
member_arm(struct facts *facts, struct member *member, int64_t clock)
{
    const int64_t deadline = member_deadline(member, clock);

    if (deadline == INT64_MAX || (member->timer.slot != 0 && member->timer.when.us <= deadline))
        return;
    timers_set(&facts->timers, &member->timer, (struct instant){deadline});
}

static int
compare_subjects(const struct judgement *a, const struct judgement *b)
{
    const int cmp = strcmp(a->rule->id, b->rule->id);

    return cmp != 0 ? cmp : view_cmp(a->subject->key, b->subject->key);
}

static int
compare_judgements(const void *a, const void *b)
{
    const struct judgement *one = a, *two = b;
    const int cmp = compare_subjects(one, two);

    return cmp != 0 ? cmp : view_cmp(one->member, two->member);
}

void
judgements_sort(struct facts *facts)
{
    size_t n = 0;

    if (facts->out.len < 2)
        return;
    qsort(facts->out.at, facts->out.len, sizeof(*facts->out.at), compare_judgements);
    /* a group that several of its members have touched is told of once */
    for (size_t i = 0; i < facts->out.len; i++) {
        if (n == 0 || compare_subjects(&facts->out.at[n - 1], &facts->out.at[i]) != 0)
            facts->out.at[n++] = facts->out.at[i];
    }
    facts->out.len = n;
}

static size_t
add_cause(
    const struct facts *facts, const struct member *member, size_t n, struct cause *out, size_t max)
{
    if (n < max) {
        const bool test = member->tested != CLOCK_NEVER;

        out[n] = (struct cause){.code = member->self.code,
            .test = test,
            .since = {test ? member->tested + facts->moved : 0}};
    }
    return n + 1;
}

size_t
facts_causes(const struct facts *facts, const struct rule *rule, const struct subject *subject,
    int stage, struct cause *out, size_t max)
{
    const struct layout *layout = &facts->layouts[rule->class->index];
    const struct member *member;
    const struct group *group;
    size_t n = 0, mark = 0;

    if (subject->per == PER_DEVICE) {
        member = member_find(facts, rule->class, subject->code, subject->part);
        return member == NULL ? 0 : add_cause(facts, member, 0, out, max);
    }
    group = group_find(facts, rule->class, subject->key);
    for (size_t p = 0; p < layout->n_plans; p++) {
        if (layout->plans[p].rule == rule)
            mark = layout->plans[p].mark + (size_t)stage;
    }
    for (size_t i = 0; group != NULL && i < group->len; i++) {
        if ((group->members[i]->marks[mark] & MARK_YES) != 0)
            n = add_cause(facts, group->members[i], n, out, max);
    }
    return n;
}
