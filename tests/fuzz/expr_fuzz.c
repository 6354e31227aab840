/* Whatever compiles prints a text that compiles to the same text; what does not has a column. */
#include "alerting/rules/rules.h"

#include <math.h>
#include <stddef.h>
#include <stdint.h>

/* NOLINTNEXTLINE(readability-identifier-naming) */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct field_code codes[] = {
    {1, "closed", {"关", "closed"}}, {2, "open", {"开", "open"}}, {3, "hot", {"热", "hot"}}};

static struct field fields[] = {
    {.name = "alarm", .type = FIELD_BOOL},
    {.name = "doors", .type = FIELD_CODE, .codes = codes, .n_codes = ARRAY_LEN(codes)},
    {.name = "hot", .type = FIELD_BOOL},
    {.name = "n", .type = FIELD_INT},
    {.name = "state", .type = FIELD_TEXT},
    {.name = "t", .type = FIELD_REAL},
    {.name = "u", .type = FIELD_REAL},
    {.name = "w", .type = FIELD_REAL},
};
static const char *const measures[] = {"", "", "", "", "", "°C", "°F", "kW"};
static const struct class class = {
    .name = "thing", .fields = fields, .n_fields = ARRAY_LEN(fields)};

static struct view
print(const struct expr *expr, struct buf *out)
{
    buf_init(out, (size_t)1 << 20);
    expr_print(expr, out);
    CHECK(!out->full);
    return buf_view(out);
}

int
/* NOLINTNEXTLINE(readability-identifier-naming) */
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct view text = {(const char *)data, size};
    const enum per per = size % 2 == 0 ? PER_DEVICE : PER_ZONE;
    const struct expr *expr = NULL, *again = NULL;
    struct err err = {0};
    struct arena arena;
    struct buf first, second;
    int column = 0;

    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        fields[i].measure = measure_find(view_of(measures[i]));
    arena_init(&arena);
    if (!expr_compile(&arena, text, &class, per, &expr, &column, &err)) {
        CHECK(column >= 1 && (size_t)column <= size + 1);
        CHECK(err.kind == ERR_CONFIG && err.text[0] != '\0');
        arena_fini(&arena);
        return 0;
    }
    const struct view printed = print(expr, &first);

    /* a canonical text may be longer than what was written: 1e300 in one unit for another */
    if (printed.len <= 2000) {
        CHECK(expr_compile(&arena, printed, &class, per, &again, &column, &err));
        CHECK(view_eq(printed, print(again, &second)));
        buf_fini(&second);
    }
    buf_fini(&first);
    arena_fini(&arena);
    return 0;
}
