/* What a judgement rested on: the rule's fields as they are known of the subject's members. */
#include "alerting/rules/state.h"

static int
compare_facts(const struct fact *a, const struct fact *b)
{
    int cmp = instant_cmp(a->at, b->at);

    if (cmp == 0)
        cmp = view_cmp(a->code, b->code);
    if (cmp == 0)
        cmp = view_cmp(a->part, b->part);
    return cmp != 0 ? cmp : strcmp(a->field->name, b->field->name);
}

/* Keeps the newest max, oldest first. */
static void
insert(struct fact *out, size_t *n, size_t max, const struct fact *fact)
{
    size_t at = *n;

    while (at > 0 && compare_facts(&out[at - 1], fact) > 0)
        at--;
    if (*n < max) {
        memmove(&out[at + 1], &out[at], (*n - at) * sizeof(*out));
        (*n)++;
    } else if (at > 0) {
        memmove(&out[0], &out[1], --at * sizeof(*out));
    } else {
        return;
    }
    out[at] = *fact;
}

static void
add_member(const struct facts *facts, const struct member *member, const struct plan *plan,
    struct fact *out, size_t *n, size_t max)
{
    const struct class *class = member->layout->class;

    for (size_t i = 0; i < class->n_fields; i++) {
        const struct known *known = &member->known[i];
        struct fact fact = {.code = member->self.code,
            .part = member->self.part,
            .field = &class->fields[i],
            .value = {.field = (uint16_t)i, .text = {"", 0}}};

        if (!bit_get(member->have, i) || !bit_get(plan->fields, i))
            continue;
        fact.at = (struct instant){known->at + facts->moved};
        if (class->fields[i].type == FIELD_TEXT)
            fact.value.text = (struct view){known->text->bytes, known->text->len};
        else
            fact.value.number = known->number;
        insert(out, n, max, &fact);
    }
}

size_t
facts_evidence(const struct facts *facts, const struct rule *rule, const struct subject *subject,
    struct fact *out, size_t max)
{
    const struct layout *layout = &facts->layouts[rule->class->index];
    const struct member *member;
    size_t p = 0, n = 0;

    while (p < layout->n_plans && layout->plans[p].rule != rule)
        p++;
    if (p == layout->n_plans || max == 0)
        return 0;
    if (subject->per == PER_DEVICE) {
        member = member_find(facts, layout->class, subject->code, subject->part);
        if (member != NULL)
            add_member(facts, member, &layout->plans[p], out, &n, max);
        return n;
    }
    const struct group *group = group_find(facts, layout->class, subject->key);

    for (size_t i = 0; group != NULL && i < group->len; i++)
        add_member(facts, group->members[i], &layout->plans[p], out, &n, max);
    return n;
}
