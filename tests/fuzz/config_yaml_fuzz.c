/* Any bytes as rules/x.yaml: a tree within its limits, or problems; both can be printed. */
#include "config/report.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static size_t
count(const struct node *node, int depth)
{
    size_t n = 1;

    CHECK(depth <= SOURCE_MAX_DEPTH);
    CHECK(node->at.line >= 1 && node->at.column >= 1);
    for (const struct node *child = node->first; child != NULL; child = child->next) {
        CHECK(child->parent == node);
        CHECK((child->key.ptr != NULL) == (node->kind == NODE_MAP));
        n += count(child, depth + 1);
    }
    return n;
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    const struct source source = {"x.yaml", view_bytes(data, size), "rules"};
    struct problems problems;
    struct arena arena;
    struct reporter reporter = {.arena = &arena};
    struct buf text;

    arena_init(&arena);
    const struct node *root = yaml_read(&source, &arena, &reporter);

    CHECK(root == NULL || count(root, 0) <= SOURCE_MAX_NODES);
    report_finish(&reporter, &problems);
    CHECK(root != NULL || problems.errors > 0);
    buf_init(&text, (size_t)4 << 20);
    for (size_t i = 0; i < problems.len; i++) {
        problem_print(&problems.at[i], LANG_EN, &text);
        problem_print(&problems.at[i], LANG_ZH, &text);
    }
    problems_json(&problems, &text);
    buf_fini(&text);
    arena_fini(&arena);
    return 0;
}
