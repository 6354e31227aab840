#include "alerting/escalation/policy.h"

const struct policy *
policy_find(const struct policy_set *set, struct view id)
{
    size_t from = 0, to = set->len;

    while (from < to) {
        const size_t mid = from + (to - from) / 2;
        const int cmp = view_cmp(id, view_of(set->at[mid].id));

        if (cmp == 0)
            return &set->at[mid];
        if (cmp < 0)
            to = mid;
        else
            from = mid + 1;
    }
    return NULL;
}
