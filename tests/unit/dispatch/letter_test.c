/* What a mail and a form for a gateway look like, and who is found in a book. */
#include "alerting/dispatch/letter.h"

#include "tests/unit/cmocka_all.h"

static struct arena arena;

static struct letter
read(const char *body)
{
    struct letter letter;

    assert_true(letter_read(&arena, view_of("fire-0011-0"), view_of(body), &letter));
    return letter;
}

static void
a_body_without_words_is_no_letter(void **state)
{
    struct letter letter;

    (void)state;
    arena_init(&arena);
    assert_false(letter_read(&arena, view_of("x"), view_of("{\"text\":{\"zh\":\"a\"}}"), &letter));
    assert_false(letter_read(&arena, view_of("x"), view_of("{}"), &letter));
    assert_false(letter_read(&arena, view_of("x"), view_of("no"), &letter));
    arena_fini(&arena);
}

static void
a_mail_has_its_headers_once_and_its_words_in_base64(void **state)
{
    struct buf out;

    (void)state;
    arena_init(&arena);
    buf_init(&out, 65536);
    const struct letter letter = read(
        "{\"text\":{\"en\":\"[red] Fire: JX-03.\",\"zh\":\"【红色】火警：嘉兴三村。电池 3。\"}}");

    letter_mail(&letter, "watch@example.org", view_of("wang@example.org"),
        (struct instant){INT64_C(1795482000000000)}, &out);
    buf_char(&out, '\0');
    const char *text = out.ptr;

    assert_non_null(strstr(text, "From: Wallwatch <watch@example.org>\r\n"));
    assert_non_null(strstr(text, "To: <wang@example.org>\r\n"));
    /* the first sentence: 【红色】火警：嘉兴三村 */
    assert_non_null(
        strstr(text, "Subject: =?UTF-8?B?44CQ57qi6Imy44CR54Gr6K2m77ya5ZiJ5YW05LiJ5p2R?=\r\n"));
    assert_non_null(strstr(text, "Date: Tue, 24 Nov 2026 01:00:00 +0000\r\n"));
    assert_non_null(strstr(text, "Message-ID: <fire-0011-0@wallwatch>\r\n"));
    for (const char *line = text; *line != '\0';) {
        const char *end = strstr(line, "\r\n");

        assert_non_null(end);
        assert_true(end - line <= 78);
        line = end + 2;
    }
    buf_fini(&out);
    arena_fini(&arena);
}

static void
a_long_subject_is_cut_between_characters(void **state)
{
    struct buf out;
    char body[2048] = "{\"text\":{\"en\":\"x\",\"zh\":\"";

    (void)state;
    arena_init(&arena);
    buf_init(&out, 65536);
    for (int i = 0; i < 100; i++)
        strcat(body, "汉"); /* NOLINT: it fits */
    strcat(body, "\"}}");   /* NOLINT */
    const struct letter letter = read(body);

    letter_mail(&letter, "a@b", view_of("c@d"), (struct instant){0}, &out);
    buf_char(&out, '\0');
    assert_null(strstr(out.ptr, "?=\r\nDate") == NULL ? out.ptr : NULL);
    /* 42 bytes are 14 characters a piece: 56 of base64 */
    assert_non_null(strstr(out.ptr, "?=\r\n =?UTF-8?B?"));
    buf_fini(&out);
    arena_fini(&arena);
}

static void
a_form_holds_what_the_gateway_wants(void **state)
{
    static const char *const fields[] = {
        "mobile={to}", "sign=k:{secret}", "text={en} & {id}", "x="};
    struct buf out;

    (void)state;
    arena_init(&arena);
    buf_init(&out, 65536);
    const struct letter letter = read("{\"text\":{\"en\":\"a b\",\"zh\":\"火\"}}");

    letter_form(&letter, fields, 4, view_of("+8613"), view_of("s&t"), &out);
    assert_true(
        view_is(buf_view(&out), "mobile=%2B8613&sign=k%3As%26t&text=a%20b%20%26%20fire-0011-0&x="));
    assert_true(letter_field_valid("mobile={to}"));
    assert_false(letter_field_valid("mobile={phone}"));
    assert_false(letter_field_valid("mobile"));
    assert_false(letter_field_valid("={to}"));
    buf_fini(&out);
    arena_fini(&arena);
}

static void
a_book_gives_one_address_and_nothing_that_breaks_a_header(void **state)
{
    const struct view book = view_of(
        "# people\nwang  wang@example.org\r\nli\tli@example.org # deputy\nbad a<b@c\nnone\n");
    struct view out;

    (void)state;
    assert_true(letter_address(book, view_of("wang"), &out));
    assert_true(view_is(out, "wang@example.org"));
    assert_true(letter_address(book, view_of("li"), &out));
    assert_true(view_is(out, "li@example.org"));
    assert_false(letter_address(book, view_of("bad"), &out));
    assert_false(letter_address(book, view_of("none"), &out));
    assert_false(letter_address(book, view_of("zhao"), &out));
    assert_false(letter_address(book, view_of("#"), &out));
    assert_false(letter_address(book, view_of(""), &out));
    assert_false(letter_address_valid(view_of("a@b\r\nBcc:x")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_without_words_is_no_letter),
        cmocka_unit_test(a_mail_has_its_headers_once_and_its_words_in_base64),
        cmocka_unit_test(a_long_subject_is_cut_between_characters),
        cmocka_unit_test(a_form_holds_what_the_gateway_wants),
        cmocka_unit_test(a_book_gives_one_address_and_nothing_that_breaks_a_header),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
