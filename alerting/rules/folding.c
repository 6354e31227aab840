#include "alerting/rules/rules.h"
#include "base/digest.h"

#include <stdlib.h>

const struct class *
folding_class(void)
{
    static const struct class mixed = {
        .name = "mixed",
        .title = {"多类设备", "Several kinds"},
    };

    return &mixed;
}

bool
folding_gathers(const struct folding *folding, struct view rule_id)
{
    for (size_t i = 0; i < folding->n_gathers; i++) {
        if (view_is(rule_id, folding->gathers[i]))
            return true;
    }
    return false;
}

bool
folding_knows(const struct folding *folding, const struct ruleset *set, const struct class *class)
{
    for (size_t i = 0; i < folding->n_gathers; i++) {
        const struct rule *rule = rule_find(set, view_of(folding->gathers[i]));

        if (rule != NULL && rule->class == class)
            return true;
    }
    return false;
}

/* How narrow a place is. */
static int
width(enum per per)
{
    static const int widths[] = {[PER_DEVICE] = 0,
        [PER_GATEWAY] = 1,
        [PER_ZONE] = 2,
        [PER_BUILDING] = 3,
        [PER_COMPOUND] = 4};

    return widths[per];
}

static int
compare(const void *a, const void *b)
{
    const struct folding *one = a, *two = b;

    if (one->rule.per != two->rule.per)
        return width(one->rule.per) - width(two->rule.per);
    return strcmp(one->rule.id, two->rule.id);
}

static uint64_t
identity(const struct folding *folding)
{
    struct buf text;
    char span[SPAN_TEXT_BYTES];

    buf_init(&text, (size_t)64 * 1024);
    rule_print(&folding->rule, &text);
    buf_printf(&text, "least: %u\npercent: %u\nwithin: %s\n", folding->least, folding->percent,
        span_text(folding->within, span));
    for (size_t i = 0; i < folding->n_gathers; i++)
        buf_printf(&text, "folds: %s\n", folding->gathers[i]);
    CHECK(!text.full);
    const uint64_t key = digest_key(buf_view(&text));

    buf_fini(&text);
    return key;
}

void
foldings_make(struct arena *arena, struct ruleset *set, const struct folding *foldings, size_t n)
{
    struct folding *at = ARENA_ARRAY(arena, n, struct folding);

    if (n > 0) {
        memcpy(at, foldings, n * sizeof(*at));
        qsort(at, n, sizeof(*at), compare);
    }
    for (size_t i = 0; i < n; i++)
        at[i].rule.identity = identity(&at[i]);
    set->foldings = at;
    set->n_foldings = n;
}

const struct rule *
folding_find(const struct ruleset *set, struct view id)
{
    for (size_t i = 0; i < set->n_foldings; i++) {
        if (view_is(id, set->foldings[i].rule.id))
            return &set->foldings[i].rule;
    }
    return NULL;
}
