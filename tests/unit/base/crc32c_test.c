#include "base/crc32c.h"

#include "tests/unit/cmocka_all.h"

static void
the_check_value_is_that_of_the_rfc(void **state)
{
    char zeros[32] = {0};

    (void)state;
    assert_int_equal(crc32c(0, view_of("123456789")), 0xe3069283);
    assert_int_equal(crc32c_table(0, view_of("123456789")), 0xe3069283);
    assert_int_equal(crc32c(0, view_bytes(zeros, sizeof(zeros))), 0x8a9136aa);
    assert_int_equal(crc32c(0, view_of("")), 0);
}

static void
instruction_and_table_agree_at_every_length_and_in_pieces(void **state)
{
    char bytes[300];

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 7919 % 251);
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        const uint32_t whole = crc32c(0, view_bytes(bytes, len));
        const size_t cut = len / 3;

        assert_int_equal(whole, crc32c_table(0, view_bytes(bytes, len)));
        assert_int_equal(
            whole, crc32c(crc32c(0, view_bytes(bytes, cut)), view_bytes(bytes + cut, len - cut)));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_check_value_is_that_of_the_rfc),
        cmocka_unit_test(instruction_and_table_agree_at_every_length_and_in_pieces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
