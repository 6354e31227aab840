#include "service/metrics.h"

#include "tests/unit/cmocka_all.h"

static void
the_head_of_a_name_is_written_once_and_labels_are_escaped(void **state)
{
    struct buf out;
    struct metrics metrics = {.out = &out, .lane = "fire"};

    (void)state;
    buf_init(&out, 4096);
    metrics_put(&metrics, "a_total", "counter", "All.", NULL, NULL, 12345678901.0);
    metrics_put(&metrics, "b", "gauge", "Some.", "kind", "x\"\\\n", 0.25);
    metrics_put(&metrics, "b", "gauge", "Some.", "kind", "y", 0);
    buf_char(&out, '\0');
    assert_string_equal(out.ptr,
        "# HELP a_total All.\n# TYPE a_total counter\na_total{lane=\"fire\"} 12345678901\n"
        "# HELP b Some.\n# TYPE b gauge\nb{lane=\"fire\",kind=\"x\\\"\\\\\\n\"} 0.25\n"
        "b{lane=\"fire\",kind=\"y\"} 0\n");
    buf_fini(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_head_of_a_name_is_written_once_and_labels_are_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
