/* Input: "class/profile" and a newline, then a payload for that profile of the default
 * configuration; another first line: a profile chosen by its first byte. */
#include "base/io/fs_posix.h"
#include "base/json.h"
#include "config/examples.h"

#include <math.h>
#include <stdio.h>

/* NOLINTNEXTLINE(readability-identifier-naming) */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct arena whole;
static struct config *config;

static void
choose(struct view name, struct example *example)
{
    size_t n = 0, wanted = name.len > 0 ? (unsigned char)name.ptr[0] : 0;

    for (size_t i = 0; i < config->classes.len; i++)
        n += config->classes.at[i].n_profiles;
    wanted %= n;
    n = 0;
    for (size_t i = 0; i < config->classes.len; i++) {
        const struct class *class = &config->classes.at[i];

        for (size_t j = 0; j < class->n_profiles; j++, n++) {
            char both[128];

            (void)snprintf(both, sizeof(both), "%s/%s", class->name, class->profiles[j]->name);
            if (!view_is(name, both) && n != wanted)
                continue;
            example->class = class;
            example->profile = class->profiles[j];
            if (view_is(name, both))
                return;
        }
    }
}

static void
check_reading(const struct reading *reading)
{
    CHECK(reading->n_values > 0 && reading->part.len <= PART_BYTES && utf8_valid(reading->part));
    CHECK(!reading->test || reading->suspect == 0);
    for (size_t i = 0; i < reading->n_values; i++) {
        const struct field_value *value = &reading->values[i];
        const struct field *field = &reading->class->fields[value->field];

        CHECK(isfinite(value->number) && utf8_valid(value->text));
        CHECK(i == 0 || reading->values[i - 1].field < value->field);
        CHECK(field->type != FIELD_BOOL || value->number == 0 || value->number == 1);
        CHECK(field->type != FIELD_CODE || field_code_by_number(field, value->number) != NULL);
    }
}

/* Any bytes give a verdict, bounded, with nothing in it that Postgres would refuse. */
/* NOLINTNEXTLINE(readability-identifier-naming) */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct example example = {.device = "EX-1", .message.received = {INT64_C(1795503400000000)}};
    struct problems problems;
    struct arena arena;
    struct decoded out;
    char topic[160];
    size_t line = 0;

    if (config == NULL) {
        arena_init(&whole);
        config = config_load(fs_posix(), SOURCE_ROOT "/config/default", &whole, &problems);
        CHECK(config != NULL);
    }
    while (line < size && data[line] != '\n')
        line++;
    choose(view_bytes(data, line), &example);
    (void)snprintf(topic, sizeof(topic), "estate/e/EX/%s/EX-1/telemetry", example.class->name);
    example.message.topic = view_of(topic);
    if (line < size)
        example.message.payload = view_bytes(data + line + 1, size - line - 1);
    arena_init(&arena);
    example_decode(config, &example, &arena, &out);
    CHECK((out.verdict == VERDICT_REJECTED) == (out.n_readings == 0 && out.n_rejects > 0));
    CHECK(out.n_readings <= NORMALISE_MAX_PARTS && out.n_rejects <= NORMALISE_MAX_REJECTS + 1);
    for (size_t i = 0; i < out.n_readings; i++)
        check_reading(&out.readings[i]);
    for (size_t i = 0; i < out.n_rejects; i++)
        CHECK(utf8_valid(view_of(out.rejects[i].detail)) && out.rejects[i].reason != NULL);
    arena_fini(&arena);
    return 0;
}
