/* "Did you mean": the nearest word by edits (Levenshtein, a swap of neighbours counts one). */
#include "alerting/rules/expr.h"

#define LONGEST 64

static size_t
min3(size_t a, size_t b, size_t c)
{
    const size_t ab = a < b ? a : b;

    return ab < c ? ab : c;
}

static size_t
edits(struct view a, struct view b)
{
    size_t rows[3][LONGEST + 1];
    size_t *older = rows[0], *old = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b.len; j++)
        old[j] = older[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            const bool same = a.ptr[i - 1] == b.ptr[j - 1];

            row[j] = min3(old[j] + 1, row[j - 1] + 1, old[j - 1] + !same);
            if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1])
                row[j] = min3(row[j], row[j], older[j - 2] + 1);
        }
        size_t *spare = older;

        older = old;
        old = row;
        row = spare;
    }
    return old[b.len];
}

const char *
suggest(struct view wrong, const char *const *words, size_t n)
{
    const char *best = NULL;
    size_t least = wrong.len / 3 + 1;

    if (wrong.len > LONGEST)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        const struct view word = view_of(words[i]);

        if (word.len > LONGEST)
            continue;
        const size_t distance = edits(wrong, word);

        if (distance < least || (distance == least && best == NULL && distance < word.len)) {
            least = distance;
            best = words[i];
        }
    }
    return best;
}
