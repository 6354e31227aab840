#include "base/json.h"

#include "base/arena.h"
#include "tests/unit/cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static enum json_flaw
flaw_of(const char *text)
{
    size_t at = 0;

    return json_check(view_of(text), 65536, &at);
}

static void
assert_flaws(const char *const *texts, size_t n, enum json_flaw want)
{
    for (size_t i = 0; i < n; i++) {
        const enum json_flaw got = flaw_of(texts[i]);

        if (got != want)
            print_error("%s: %s\n", texts[i], json_flaw_name(got));
        assert_int_equal(got, want);
    }
}

#define ASSERT_ALL(want, ...)                                                                      \
    assert_flaws((const char *const[]){__VA_ARGS__},                                               \
        ARRAY_LEN(((const char *const[]){__VA_ARGS__})), (want))

static void
what_the_grammar_allows_is_accepted(void **state)
{
    (void)state;
    ASSERT_ALL(JSON_FINE, "{}", "[]", " \t\r\n{ } ", "0", "-0", "-0.0e-0", "1e308", "12.5E+3",
        "\"\"", "true", "false", "null", "[1,2,[3,{}],{\"a\":[]}]",
        "{\"a\":{\"a\":1},\"b\":{\"a\":2}}", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u4e2d\\ud83d\\ude00\"",
        "\"中文 😀\"", "\"\x7f\"",
        "123456789012345678901234567890123456789012345678901234567890123");
}

static void
what_it_does_not_allow_is_named(void **state)
{
    (void)state;
    ASSERT_ALL(JSON_EMPTY, "", "   ", "\n");
    ASSERT_ALL(JSON_SYNTAX, "{", "[", "[1,]", "{\"a\":1,}", "{\"a\"}", "{\"a\":}", "{a:1}", "{1:1}",
        "[1 2]", "]", "}", "[}", "{]", "'a'", "\"a", "\"\\x\"", "\"\\u12g4\"", "\"\\u12", "\"\\",
        "\"\t\"", "\"\n\"", "tru", "nul", "nan", "NaN", "Infinity", "[,1]", "{,}", "+1", ".5",
        "\xEF\xBB\xBF{}", "// x\n1");
    ASSERT_ALL(JSON_NUMBER, "01", "-", "-01", "1.", "1.e5", "1e", "1e+", "1e999", "-1e999", "[-a]",
        "00", "1234567890123456789012345678901234567890123456789012345678901234");
    ASSERT_ALL(JSON_TRAILING, "{} x", "1 2", "{}{}", "[]]", "true false", "0x10");
    ASSERT_ALL(JSON_UTF8, "\"\xff\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"",
        "\"\xe4\xb8\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800x\"", "\"\\ud800\\u0041\"",
        "{\"\x80\":1}");
    ASSERT_ALL(JSON_NUL, "\"\\u0000\"", "{\"a\\u0000b\":1}");
    size_t at = 0;

    assert_int_equal(json_check(view_bytes("\"a\0b\"", 5), 100, &at), JSON_SYNTAX);
    assert_int_equal(at, 2);
    assert_int_equal(json_check(view_bytes("1\0", 2), 100, &at), JSON_TRAILING);
    assert_int_equal(json_check(view_of("[1,2]"), 4, &at), JSON_SIZE);
    assert_int_equal(json_check(view_of("[1,2]"), 5, &at), JSON_FINE);
    assert_int_equal(at, 0);
}

static void
a_key_twice_in_one_object_is_found_however_it_is_written(void **state)
{
    size_t at = 0;

    (void)state;
    ASSERT_ALL(JSON_DUPLICATE, "{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}", "{\"\":1,\"\":2}",
        "[{\"b\":{\"x\":1,\"c\":[],\"x\":1}}]", "{\"中\":1,\"\\u4e2d\":1}",
        "{\"\\ud83d\\ude00\":1,\"😀\":2}", "{\"\\/\":1,\"/\":2}");
    ASSERT_ALL(JSON_FINE, "{\"a\":1,\"A\":2}", "{\"a\":{\"a\":{\"a\":1}}}", "{\"a\":1,\"a \":2}",
        "[{\"a\":1},{\"a\":1}]", "{\"\\u0061b\":1,\"a\":2}");
    assert_int_equal(json_check(view_of("{\"a\":1,\"a\":2}"), 100, &at), JSON_DUPLICATE);
    assert_int_equal(at, 7);
}

static void
a_duplicate_among_many_keys_is_found(void **state)
{
    struct buf text;
    size_t at = 0;

    (void)state;
    buf_init(&text, 1 << 20);
    for (int twin = 0; twin < 2; twin++) {
        buf_reset(&text);
        buf_char(&text, '{');
        for (int i = 0; i < 5000; i++)
            buf_printf(&text, "\"k%d\":0,", i);
        buf_printf(&text, "\"%s\":1}", twin ? "\\u006b77" : "z");
        assert_int_equal(
            json_check(buf_view(&text), 1 << 20, &at), twin ? JSON_DUPLICATE : JSON_FINE);
    }
    buf_fini(&text);
}

static void
depth_is_bounded(void **state)
{
    char text[4096];
    size_t at = 0;

    (void)state;
    memset(text, '[', sizeof(text));
    assert_int_equal(json_check(view_bytes(text, sizeof(text)), 65536, &at), JSON_DEPTH);
    assert_int_equal(at, JSON_MAX_DEPTH);
    memset(text + JSON_MAX_DEPTH, ']', JSON_MAX_DEPTH);
    assert_int_equal(
        json_check(view_bytes(text, (size_t)2 * JSON_MAX_DEPTH), 65536, &at), JSON_FINE);
}

/* The work per byte must not grow with the size: 64 KiB of the worst kinds in well under the time
 * that a quadratic comparison of 13,000 keys would take (about a second). */
static void
hostile_bytes_cost_no_more_than_their_length(void **state)
{
    struct buf text;
    size_t at = 0;

    (void)state;
    buf_init(&text, 65536);
    buf_char(&text, '{');
    for (int i = 0; text.len < 65000; i++)
        buf_printf(&text, "%s\"%x\":0", i > 0 ? "," : "", i);
    buf_char(&text, '}');
    const clock_t start = clock();

    for (int i = 0; i < 10; i++)
        assert_int_equal(json_check(buf_view(&text), 65536, &at), JSON_FINE);
    assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 2.0);
    buf_fini(&text);
}

static void
keys_come_out_sorted_in_any_order_of_writing(void **state)
{
    struct json_writer json;
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    json_begin(&json, &out);
    json_object(&json, NULL);
    json_int(&json, "z", -5);
    json_array(&json, "list");
    json_bool(&json, NULL, true);
    json_null(&json, NULL);
    json_object(&json, NULL);
    json_text(&json, "b", "2");
    json_text(&json, "a", "1");
    json_close(&json);
    json_array(&json, NULL);
    json_close(&json);
    json_close(&json);
    json_instant(&json, "at", (struct instant){INT64_C(1795503400123456)});
    json_object(&json, "empty");
    json_close(&json);
    json_raw(&json, "raw", view_of("{\"x\":1}"));
    json_close(&json);
    json_end(&json);
    assert_string_equal(out.ptr,
        "{\"at\":\"2026-11-24T06:56:40.123456Z\",\"empty\":{},\"list\":[true,null,"
        "{\"a\":\"1\",\"b\":\"2\"},[]],\"raw\":{\"x\":1},\"z\":-5}");
    buf_fini(&out);
}

static const char *
number_text(struct buf *out, double value)
{
    struct json_writer json;

    buf_reset(out);
    json_begin(&json, out);
    json_number(&json, NULL, value);
    json_end(&json);
    return out->ptr;
}

static void
numbers_read_back_as_the_same_double_in_the_shortest_form(void **state)
{
    struct buf out;
    uint64_t bits = 88172645463325252U;

    (void)state;
    buf_init(&out, 4096);
    assert_string_equal(number_text(&out, 0.1), "0.1");
    assert_string_equal(number_text(&out, 42), "42");
    assert_string_equal(number_text(&out, -0.0), "-0");
    assert_string_equal(number_text(&out, 1.0 / 3), "0.3333333333333333");
    assert_string_equal(number_text(&out, 0.1 + 0.2), "0.30000000000000004");
    assert_string_equal(number_text(&out, 9007199254740992.0), "9007199254740992");
    assert_string_equal(number_text(&out, NAN), "null");
    assert_string_equal(number_text(&out, -INFINITY), "null");
    for (int i = 0; i < 20000; i++) {
        double value = 0;

        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        memcpy(&value, &bits, sizeof(value));
        if (!isfinite(value))
            continue;
        assert_true(strtod(number_text(&out, value), NULL) == value);
        assert_int_equal(flaw_of(out.ptr), JSON_FINE);
    }
    buf_fini(&out);
}

static void
any_bytes_become_a_string_that_the_checker_accepts(void **state)
{
    struct json_writer json;
    struct buf out;
    unsigned char bytes[300];
    size_t at = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(i * 7);
    buf_init(&out, 4096);
    json_begin(&json, &out);
    json_object(&json, NULL);
    json_view(&json, "bad \xff key\n", view_bytes(bytes, sizeof(bytes)));
    json_view(&json, "good", view_bytes("中\"\\\n\x01\0.", 9));
    json_close(&json);
    json_end(&json);
    assert_int_equal(json_check(buf_view(&out), 4096, &at), JSON_FINE);
    assert_non_null(strstr(out.ptr, "\"good\":\"中\\\"\\\\\\n\\u0001\xEF\xBF\xBD.\""));
    buf_fini(&out);
}

static void
a_text_over_the_limit_sets_full(void **state)
{
    struct json_writer json;
    struct buf out;

    (void)state;
    buf_init(&out, 40);
    json_begin(&json, &out);
    json_object(&json, NULL);
    json_object(&json, "inner");
    json_text(&json, "long", "0123456789012345678901234567890123456789");
    json_close(&json);
    json_close(&json);
    json_end(&json);
    assert_true(out.full);
    buf_fini(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_grammar_allows_is_accepted),
        cmocka_unit_test(what_it_does_not_allow_is_named),
        cmocka_unit_test(a_key_twice_in_one_object_is_found_however_it_is_written),
        cmocka_unit_test(a_duplicate_among_many_keys_is_found),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(hostile_bytes_cost_no_more_than_their_length),
        cmocka_unit_test(keys_come_out_sorted_in_any_order_of_writing),
        cmocka_unit_test(numbers_read_back_as_the_same_double_in_the_shortest_form),
        cmocka_unit_test(any_bytes_become_a_string_that_the_checker_accepts),
        cmocka_unit_test(a_text_over_the_limit_sets_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
