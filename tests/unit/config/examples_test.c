/* Every shipped example holds, and stays harmless however its bytes are damaged. */
#include "config/examples.h"

#include "base/io/fs_posix.h"
#include "base/json.h"
#include "tests/unit/cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static struct arena whole, scratch;
static struct config *config;
static struct examples examples;

static bool
holds(struct view bytes, struct view text)
{
    for (size_t i = 0; text.len > 0 && i + text.len <= bytes.len; i++) {
        if (memcmp(bytes.ptr + i, text.ptr, text.len) == 0)
            return true;
    }
    return text.len == 0;
}

static bool
is_json(const struct example *example)
{
    return example->profile->frame.kind == FRAME_NONE;
}

/* No reading that is not in the bytes: names and texts stand there as they are (an escape is
 * another spelling of its text), numbers are numbers, and what is wrong has a reason. */
static void
check_decoded(const struct example *example, const struct decoded *out)
{
    const struct view payload = example->message.payload;
    const bool plain = is_json(example) && !holds(payload, view_of("\\"));

    assert_true(out->verdict == VERDICT_STORED || out->verdict == VERDICT_REJECTED);
    assert_true((out->verdict == VERDICT_REJECTED) == (out->n_readings == 0 && out->n_rejects > 0));
    assert_true(out->n_readings <= NORMALISE_MAX_PARTS);
    for (size_t i = 0; i < out->n_readings; i++) {
        const struct reading *r = &out->readings[i];

        assert_true(r->n_values > 0 && r->part.len <= PART_BYTES && utf8_valid(r->part));
        assert_true(!plain || holds(payload, r->part));
        for (size_t j = 0; j < r->n_values; j++) {
            const struct field *field = &r->class->fields[r->values[j].field];

            assert_true(isfinite(r->values[j].number) && utf8_valid(r->values[j].text));
            assert_true(!plain || holds(payload, r->values[j].text));
            if (field->type == FIELD_CODE)
                assert_non_null(field_code_by_number(field, r->values[j].number));
            if (field->type == FIELD_BOOL)
                assert_true(r->values[j].number == 0 || r->values[j].number == 1);
        }
    }
    for (size_t i = 0; i < out->n_rejects; i++)
        assert_true(
            out->rejects[i].reason[0] != '\0' && utf8_valid(view_of(out->rejects[i].detail)));
}

/* The bytes are copied to a room of their length, so that a sanitizer sees a read past its end. */
static struct decoded
decode(const struct example *example, const char *bytes, size_t len)
{
    struct example changed = *example;
    char *exact = malloc(len == 0 ? 1 : len);
    struct decoded out;

    assert_non_null(exact);
    if (len > 0)
        memcpy(exact, bytes, len);
    changed.message.payload = (struct view){exact, len};
    arena_reset(&scratch);
    example_decode(config, &changed, &scratch, &out);
    check_decoded(&changed, &out);
    free(exact);
    return out;
}

static void
every_example_gives_what_it_expects(void **state)
{
    struct problems differences;

    (void)state;
    assert_true(examples.len > 40);
    for (size_t i = 0; i < examples.len; i++) {
        arena_reset(&scratch);
        example_run(config, &examples.at[i], &scratch, &differences);
        for (size_t j = 0; j < differences.len; j++)
            print_error("%s:%d: %s\n", differences.at[j].file, differences.at[j].line,
                differences.at[j].text.en);
        assert_int_equal(differences.len, 0);
    }
}

static void
cut_at_any_byte_a_message_is_a_reject(void **state)
{
    (void)state;
    for (size_t i = 0; i < examples.len; i++) {
        const struct example *example = &examples.at[i];
        const struct view payload = example->message.payload;

        for (size_t len = 0; len < payload.len; len++) {
            const struct decoded out = decode(example, payload.ptr, len);

            if (is_json(example)) {
                assert_int_equal(out.verdict, VERDICT_REJECTED);
                assert_int_equal(out.n_readings, 0);
                assert_false(out.wants_receipt);
            }
        }
    }
}

static void
with_any_bit_flipped_a_message_says_only_what_is_in_its_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < examples.len; i++) {
        const struct view payload = examples.at[i].message.payload;
        char *bytes = malloc(payload.len + 1);

        assert_non_null(bytes);
        memcpy(bytes, payload.ptr, payload.len);
        for (size_t bit = 0; bit < payload.len * 8; bit++) {
            bytes[bit / 8] = (char)(bytes[bit / 8] ^ (1 << bit % 8));
            (void)decode(&examples.at[i], bytes, payload.len);
            bytes[bit / 8] = (char)(bytes[bit / 8] ^ (1 << bit % 8));
        }
        free(bytes);
    }
}

static void
doubled_a_message_is_a_reject_and_turned_round_it_does_no_harm(void **state)
{
    (void)state;
    for (size_t i = 0; i < examples.len; i++) {
        const struct example *example = &examples.at[i];
        const struct view payload = example->message.payload;
        char *bytes = malloc(payload.len * 2 + 1);

        assert_non_null(bytes);
        memcpy(bytes, payload.ptr, payload.len);
        memcpy(bytes + payload.len, payload.ptr, payload.len);
        const struct decoded out = decode(example, bytes, payload.len * 2);

        if (is_json(example))
            assert_int_equal(out.verdict, VERDICT_REJECTED);
        for (size_t j = 0; j < payload.len; j++)
            bytes[j] = payload.ptr[payload.len - 1 - j];
        (void)decode(example, bytes, payload.len);
        free(bytes);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_example_gives_what_it_expects),
        cmocka_unit_test(cut_at_any_byte_a_message_is_a_reject),
        cmocka_unit_test(with_any_bit_flipped_a_message_says_only_what_is_in_its_bytes),
        cmocka_unit_test(doubled_a_message_is_a_reject_and_turned_round_it_does_no_harm),
    };
    struct problems problems;

    arena_init(&whole);
    arena_init(&scratch);
    config = config_load(fs_posix(), SOURCE_ROOT "/config/default", &whole, &problems);
    if (config == NULL || !examples_load(fs_posix(), SOURCE_ROOT "/config/default", config, &whole,
                              &examples, &problems))
        return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);

    config_unref(config);
    arena_fini(&scratch);
    arena_fini(&whole);
    return failed;
}
