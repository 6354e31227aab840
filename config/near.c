#include "config/report.h"

#include <limits.h>

#define NEAR_MAX_BYTES 64

static int
min3(int a, int b, int c)
{
    const int ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/* Optimal string alignment: insert, delete, replace and the swap of two neighbours cost one. Bytes,
 * not characters: good enough for names. */
static int
distance(struct view a, struct view b)
{
    int rows[3][NEAR_MAX_BYTES + 1];

    for (size_t j = 0; j <= b.len; j++)
        rows[1][j] = (int)j;
    for (size_t i = 1; i <= a.len; i++) {
        int *const now = rows[(i + 1) % 3];
        const int *const before = rows[i % 3];
        const int *const older = rows[(i + 2) % 3];

        now[0] = (int)i;
        for (size_t j = 1; j <= b.len; j++) {
            const bool same = a.ptr[i - 1] == b.ptr[j - 1];

            now[j] = min3(before[j] + 1, now[j - 1] + 1, before[j - 1] + (same ? 0 : 1));
            if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1] &&
                older[j - 2] + 1 < now[j])
                now[j] = older[j - 2] + 1;
        }
    }
    return rows[(a.len + 1) % 3][b.len];
}

const char *
nearest(struct view name, const char *const *names, size_t n_names)
{
    const char *best = NULL;
    int best_cost = INT_MAX;
    bool tie = false;

    if (name.len == 0 || name.len > NEAR_MAX_BYTES)
        return NULL;
    for (size_t i = 0; i < n_names; i++) {
        const struct view other = view_of(names[i]);

        if (other.len > NEAR_MAX_BYTES || other.len > name.len + 3 || name.len > other.len + 3)
            continue;
        const int cost = distance(name, other);

        if (cost > best_cost)
            continue;
        tie = cost == best_cost;
        best_cost = cost;
        best = names[i];
    }
    /* a third of the letters may differ, at most three */
    const int allowed = name.len < 3 ? 1 : (int)(name.len < 9 ? (name.len + 2) / 3 : 3);

    /* of two that are equally near neither was meant more than the other */
    return best_cost <= allowed && !tie ? best : NULL;
}
