#include "base/check.h"
#include "base/json.h"
#include "ingest/normalise/frames/frame.h"
#include "ingest/normalise/frames/gb18030.h"
#include "tests/unit/cmocka_all.h"
#include "tests/unit/ingest/frame_make.h"

#include <stdio.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

static struct arena arena;
static struct made all[MAKE_MAX];
static size_t n_all;

static struct frame_out
decode(const struct frame_dialect *dialect, struct view payload)
{
    struct frame_out out;

    frame_decode(dialect, payload, &arena, &out);
    return out;
}

static struct frame_out
decode_made(const struct made *made)
{
    char room[2 * sizeof(made->bytes)];
    const struct view payload = made_payload(made, room);

    return decode(&(struct frame_dialect){.kind = made->kind}, arena_copy(&arena, payload));
}

static void
assert_tree(const struct frame_out *out, const char *expected)
{
    char *text = cJSON_PrintUnformatted(out->root);

    assert_non_null(text);
    if (strcmp(text, expected) != 0)
        fail_msg("\n%s\ninstead of\n%s", text, expected);
    free(text);
}

static const struct made *
made_of(enum frame_kind kind, const char *name)
{
    for (size_t i = 0; i < n_all; i++) {
        if (all[i].kind == kind && strcmp(all[i].name, name) == 0)
            return &all[i];
    }
    fail_msg("%s", name);
    return NULL;
}

static void
assert_made(enum frame_kind kind, const char *name, const char *expected)
{
    const struct frame_out out = decode_made(made_of(kind, name));

    assert_int_equal(out.n_flaws, 0);
    assert_tree(&out, expected);
}

static bool
same_records(const struct frame_out *a, const struct frame_out *b)
{
    char *left = cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(a->root, "records"));
    char *right = cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(b->root, "records"));
    const bool same = strcmp(left, right) == 0;

    free(left);
    free(right);
    return same;
}

static void
a_good_frame_is_read_without_a_flaw(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_all; i++) {
        const struct frame_out out = decode_made(&all[i]);

        if (out.n_flaws > 0)
            fail_msg("%s: check %d at %zu", all[i].name, (int)out.flaws[0].check, out.flaws[0].at);
        assert_non_null(cJSON_GetObjectItemCaseSensitive(out.root, "device"));
    }
    assert_made(FRAME_GBT26875, "device-config",
        "{\"device\":\"01000000002a\",\"identity\":\"7-1349524326\",\"time\":1795503398000,"
        "\"records\":[{\"part\":\"\",\"kind\":\"device-config\",\"text\":\"信\"}]}");
}

static void
a_frame_cut_at_any_byte_is_one_flaw_and_nothing_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_all; i++) {
        char room[2 * sizeof(all[i].bytes)];
        const struct view payload = made_payload(&all[i], room);

        for (size_t len = 0; len < payload.len; len++) {
            /* exactly as long as it is, so that a sanitizer sees a read past the end */
            char *cut = malloc(len + 1);

            assert_non_null(cut);
            memcpy(cut, payload.ptr, len);
            const struct frame_out out =
                decode(&(struct frame_dialect){.kind = all[i].kind}, (struct view){cut, len});

            assert_int_equal(out.n_records, 0);
            assert_int_equal(out.n_flaws, 1);
            assert_false(out.flaws[0].kept);
            free(cut);
        }
        arena_reset(&arena);
    }
}

/* A hex digit in the other case says the same. */
static void
assert_nothing_or_the_same(const struct made *made, struct view payload, size_t bit)
{
    const struct frame_out good = decode_made(made);

    for (int any = 0; any < 2; any++) {
        const struct frame_dialect dialect = {.kind = made->kind, .any_length = any == 1};
        const struct frame_out out = decode(&dialect, payload);

        if (out.n_flaws == 0)
            assert_true(same_records(&out, &good));
        else if (out.n_records != 0)
            fail_msg("%s: bit %zu", made->name, bit);
    }
}

static void
a_frame_with_any_bit_flipped_is_a_flaw_or_says_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_all; i++) {
        char room[2 * sizeof(all[i].bytes)];
        char bad[2 * sizeof(all[i].bytes)];
        const struct view payload = made_payload(&all[i], room);

        for (size_t bit = 0; bit < payload.len * 8; bit++) {
            memcpy(bad, payload.ptr, payload.len);
            bad[bit / 8] = (char)(bad[bit / 8] ^ 1 << bit % 8);
            assert_nothing_or_the_same(&all[i], (struct view){bad, payload.len}, bit);
            arena_reset(&arena);
        }
    }
}

static struct view
join(const struct made *const *parts, size_t n)
{
    char *text = arena_alloc(&arena, n * 2 * sizeof(parts[0]->bytes));
    size_t len = 0;

    for (size_t i = 0; i < n; i++) {
        char room[2 * sizeof(parts[i]->bytes)];
        const struct view payload = made_payload(parts[i], room);

        memcpy(text + len, payload.ptr, payload.len);
        len += payload.len;
    }
    return (struct view){text, len};
}

static void
several_frames_in_one_payload_are_read_in_their_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_all; i++) {
        for (size_t j = 0; j < n_all; j++) {
            if (all[i].kind != all[j].kind)
                continue;
            const struct frame_dialect dialect = {.kind = all[i].kind};
            const struct made *const pair[] = {&all[i], &all[j]};
            const struct frame_out first = decode_made(&all[i]);
            const struct frame_out second = decode_made(&all[j]);
            const struct frame_out out = decode(&dialect, join(pair, 2));

            assert_int_equal(out.n_flaws, 0);
            assert_int_equal(out.n_records, first.n_records + second.n_records);
            assert_int_equal(out.n_heads, first.n_heads + second.n_heads);
            assert_null(cJSON_GetObjectItemCaseSensitive(out.root, "identity"));
            arena_reset(&arena);
        }
    }
}

static void
a_good_frame_is_read_whatever_stands_before_or_behind_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_all; i++) {
        const struct frame_dialect dialect = {.kind = all[i].kind};
        struct made bad = all[i];

        bad.bytes[8] ^= 0x10;
        const struct made *const before[] = {&bad, &all[i]};
        const struct made *const behind[] = {&all[i], &bad};
        const struct frame_out good = decode_made(&all[i]);
        struct frame_out out = decode(&dialect, join(before, 2));

        assert_true(same_records(&out, &good));
        assert_int_equal(out.n_flaws, 1);
        assert_int_equal(out.flaws[0].check, FRAME_CHECK_SUM);
        assert_int_equal(out.flaws[0].raw.len, bad.len);
        out = decode(&dialect, join(behind, 2));
        assert_true(same_records(&out, &good));
        assert_int_equal(out.n_flaws, 1);
        assert_null(cJSON_GetObjectItemCaseSensitive(out.root, "identity"));
        arena_reset(&arena);
    }
}

static void
halves_that_have_changed_places_are_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_all; i++) {
        const struct frame_dialect dialect = {.kind = all[i].kind};
        char room[2 * sizeof(all[i].bytes)];
        char turned[2 * sizeof(all[i].bytes)];
        const struct view payload = made_payload(&all[i], room);

        for (size_t at = 1; at < payload.len; at++) {
            memcpy(turned, payload.ptr + at, payload.len - at);
            memcpy(turned + payload.len - at, payload.ptr, at);
            const struct frame_out out = decode(&dialect, (struct view){turned, payload.len});

            assert_int_equal(out.n_records, 0);
            assert_true(out.n_flaws > 0);
            arena_reset(&arena);
        }
    }
}

static void
a_flaw_says_what_failed_at_which_byte(void **state)
{
    struct made made = *made_of(FRAME_GBT26875, "device-state"); /* 39 bytes */
    struct frame_out out;

    (void)state;
    made.bytes[27 + 2] ^= 2; /* a fire that is not in the frame as it was sent */
    out = decode_made(&made);
    assert_int_equal(out.flaws[0].check, FRAME_CHECK_SUM);
    assert_int_equal(out.flaws[0].at, 36);
    assert_int_equal(
        (uint8_t)(out.flaws[0].expected - out.flaws[0].found), 2); /* 0x49 became 0x4B */
    made = *made_of(FRAME_GBT26875, "device-state");
    made.bytes[38] = '!';
    out = decode_made(&made);
    assert_int_equal(out.flaws[0].check, FRAME_CHECK_END);
    assert_int_equal(out.flaws[0].at, 37);
    assert_int_equal(out.flaws[0].found, 0x2321);
    assert_int_equal(out.flaws[0].expected, 0x2323);
    made = *made_of(FRAME_DNY, "alarm");
    made.bytes[4] = 1;
    out = decode_made(&made);
    assert_int_equal(out.flaws[0].check, FRAME_CHECK_LENGTH);
    assert_int_equal(out.flaws[0].at, 3);
    out = decode(
        &(struct frame_dialect){.kind = FRAME_MEOKON}, view_of("a5 5a 00 00 29 53 4x 50 32"));
    assert_int_equal(out.n_flaws, 1);
    assert_int_equal(out.flaws[0].check, FRAME_CHECK_HEX);
    assert_int_equal(out.flaws[0].at, 19);
    assert_int_equal(out.flaws[0].found, 'x');
    made = make_dny("unknown", 0x77, "00");
    out = decode_made(&made);
    assert_int_equal(out.flaws[0].check, FRAME_CHECK_TYPE);
    assert_int_equal(out.flaws[0].at, 11);
    made = make_gbt26875("unknown", 2, "82 01 00");
    out = decode_made(&made);
    assert_int_equal(out.flaws[0].check, FRAME_CHECK_TYPE);
    assert_int_equal(out.flaws[0].at, 27);
    assert_int_equal(out.n_heads, 1); /* it came whole: to repeat it would not help */
}

static void
a_wrong_length_field_is_suspect_unless_the_dialect_knows_it(void **state)
{
    struct made made = *made_of(FRAME_GBT26875, "device-state");
    const struct frame_out good = decode_made(&made);
    const uint8_t was = (uint8_t)made.bytes[24];

    (void)state;
    for (int length = 0; length < 256; length++) {
        if (length == was)
            continue;
        made.bytes[24] = (char)length;
        uint8_t sum = 0;

        for (size_t i = 2; i < 36; i++)
            sum = (uint8_t)(sum + (uint8_t)made.bytes[i]);
        made.bytes[36] = (char)sum;
        struct frame_out out = decode_made(&made);

        assert_int_equal(out.n_flaws, 1);
        assert_int_equal(out.flaws[0].check, FRAME_CHECK_LENGTH);
        assert_int_equal(out.flaws[0].at, 24);
        assert_int_equal(out.flaws[0].expected, 9);
        assert_true(out.flaws[0].kept);
        assert_true(same_records(&out, &good));
        out = decode(&(struct frame_dialect){.kind = FRAME_GBT26875, .any_length = true},
            (struct view){made.bytes, made.len});
        assert_int_equal(out.n_flaws, 0);
        assert_true(same_records(&out, &good));
    }
}

static void
a_number_of_objects_that_does_not_fit_is_suspect(void **state)
{
    struct made made = make_gbt26875("one too many", 2, "15 02 49 " MAKE_TIME);
    struct frame_out out = decode_made(&made);

    (void)state;
    assert_int_equal(out.n_records, 1);
    assert_int_equal(out.flaws[0].check, FRAME_CHECK_COUNT);
    assert_int_equal(out.flaws[0].found, 2);
    assert_int_equal(out.flaws[0].expected, 1);
    assert_true(out.flaws[0].kept);
    made = make_gbt26875("none whole", 2, "15 01 49");
    out = decode_made(&made);
    assert_int_equal(out.n_records, 0);
    assert_int_equal(out.n_flaws, 1);
    assert_false(out.flaws[0].kept);
    made = make_gbt26875("text longer than the unit", 2, "1a 01 ff 4142");
    out = decode_made(&made);
    assert_int_equal(out.n_records, 0);
    assert_int_equal(out.n_flaws, 1);
    made = make_dny("fewer ports than said", 0x21, "6b09 ff 00 01 0c 19 61");
    out = decode_made(&made);
    assert_int_equal(out.n_records, 0);
    assert_int_equal(out.flaws[0].check, FRAME_CHECK_COUNT);
    made = make_meokon("more records than bytes", "34c8003c 0258 0102006401f4021a6b053500 0219");
    out = decode_made(&made);
    assert_int_equal(out.n_records, 0);
    assert_int_equal(out.flaws[0].check, FRAME_CHECK_COUNT);
}

static void
side_traffic_of_a_charger_is_nothing_wrong(void **state)
{
    const struct frame_dialect dialect = {.kind = FRAME_DNY};
    const struct made *alarm = made_of(FRAME_DNY, "alarm");
    char text[200];
    struct frame_out out = decode(&dialect, view_of("link"));

    (void)state;
    assert_int_equal(out.n_flaws + out.n_records, 0);
    out = decode(&dialect, view_of("8986000011223344556F"));
    assert_int_equal(out.n_flaws + out.n_records, 0);
    const struct made whole = {.bytes = "89860000112233445566linklink", .len = 28};
    size_t len = 0;

    memcpy(text, whole.bytes, whole.len);
    len += whole.len;
    memcpy(text + len, alarm->bytes, alarm->len);
    len += alarm->len;
    memcpy(text + len, whole.bytes + 24, 4);
    len += 4;
    out = decode(&dialect, (struct view){text, len});
    assert_int_equal(out.n_flaws, 0);
    assert_int_equal(out.n_records, 1);
    out = decode(&dialect, view_of("lin"));
    assert_int_equal(out.n_flaws, 1);
    out = decode(&dialect, view_of("898600001122334455"));
    assert_int_equal(out.n_flaws, 1);
}

static void
buffered_records_go_back_from_the_last_by_the_interval(void **state)
{
    char rest[64 + 600 * 4] = "34c8003c02580102006401f4021a6b053500";

    (void)state;
    for (size_t i = 0, len = strlen(rest); i < 600; i++, len += 4)
        (void)snprintf(rest + len, 5, "%04zx", i);
    const struct made made = make_meokon("600 records", rest);
    const struct frame_out out = decode_made(&made);

    assert_int_equal(out.n_flaws, 0);
    assert_int_equal(out.n_records, 600);
    const struct cJSON *records = cJSON_GetObjectItemCaseSensitive(out.root, "records");
    const struct cJSON *first = records->child;
    const struct cJSON *last = records->child->prev;

    assert_true(cJSON_GetObjectItem(first, "time")->valuedouble == 1795503360000.0 - 599 * 60000.0);
    assert_true(cJSON_GetObjectItem(first, "pressure")->valuedouble == 0);
    assert_null(cJSON_GetObjectItem(first, "high")); /* what is true now is not true of then */
    assert_true(cJSON_GetObjectItem(last, "time")->valuedouble == 1795503360000.0);
    assert_true(cJSON_GetObjectItem(last, "pressure")->valuedouble == 599);
    assert_non_null(cJSON_GetObjectItem(last, "high"));
}

static void
more_than_the_limit_is_said_and_not_read(void **state)
{
    const struct made *frame = made_of(FRAME_GBT26875, "system-state");
    const size_t n = FRAME_MAX_BYTES / frame->len;
    char *text = malloc(n * frame->len);
    struct frame_out out;

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < n; i++)
        memcpy(text + i * frame->len, frame->bytes, frame->len);
    out = decode(
        &(struct frame_dialect){.kind = FRAME_GBT26875}, (struct view){text, n * frame->len});
    assert_int_equal(out.n_records, FRAME_MAX_RECORDS);
    assert_true(out.n_flaws > 0);
    assert_int_equal(out.flaws[0].check, FRAME_CHECK_MANY);
    free(text);
    text = calloc(1, FRAME_MAX_BYTES + 1);
    assert_non_null(text);
    memset(text, '@', FRAME_MAX_BYTES + 1); /* all start marks */
    out = decode(
        &(struct frame_dialect){.kind = FRAME_GBT26875}, (struct view){text, FRAME_MAX_BYTES + 1});
    assert_int_equal(out.n_flaws, 1);
    out = decode(
        &(struct frame_dialect){.kind = FRAME_GBT26875}, (struct view){text, FRAME_MAX_BYTES});
    assert_int_equal(out.n_flaws, 1);
    free(text);
}

static void
a_frame_of_another_charger_is_neither_read_nor_confirmed(void **state)
{
    struct made other = *made_of(FRAME_DNY, "alarm");
    const struct made *const three[] = {
        made_of(FRAME_DNY, "alarm"), &other, made_of(FRAME_DNY, "alarm")};

    (void)state;
    make_dny_other(&other);
    const struct frame_out out = decode(&(struct frame_dialect){.kind = FRAME_DNY}, join(three, 3));

    assert_int_equal(out.n_records, 2);
    assert_int_equal(out.n_heads, 2);
    assert_int_equal(out.heads[0].device, 0x04A00201);
    assert_int_equal(out.heads[1].device, 0x04A00201);
    assert_int_equal(out.n_flaws, 1);
    assert_int_equal(out.flaws[0].check, FRAME_CHECK_DEVICE);
    assert_int_equal(out.flaws[0].at, other.len + 5);
    assert_int_equal(out.flaws[0].found, 0x04A00209);
    assert_int_equal(out.flaws[0].expected, 0x04A00201);
    assert_false(out.flaws[0].kept);
}

/* A fire must raise, whoever tells it. */
static void
a_fire_of_another_transmission_device_is_read_and_suspect(void **state)
{
    struct made other = *made_of(FRAME_GBT26875, "call-point");
    const struct made *const pair[] = {made_of(FRAME_GBT26875, "device-state"), &other};

    (void)state;
    other.bytes[12]++;
    other.bytes[other.len - 3]++;
    const struct frame_out out =
        decode(&(struct frame_dialect){.kind = FRAME_GBT26875}, join(pair, 2));

    assert_int_equal(out.n_records, 2);
    assert_int_equal(out.n_heads, 2);
    assert_int_equal(out.n_flaws, 1);
    assert_int_equal(out.flaws[0].check, FRAME_CHECK_DEVICE);
    assert_true(out.flaws[0].kept);
}

static void
a_frame_whose_sum_is_wrong_is_denied_and_the_others_confirmed(void **state)
{
    const struct frame_dialect dialect = {.kind = FRAME_GBT26875, .confirm = true};
    struct made bad = *made_of(FRAME_GBT26875, "device-state");
    const struct made *const pair[] = {&bad, made_of(FRAME_GBT26875, "call-point")};
    struct frame_out out;

    (void)state;
    bad.bytes[29] ^= 2;
    out = decode(&dialect, join(pair, 2));
    const struct view answer =
        frame_answer(&dialect, &out, (struct instant){INT64_C(1795503400000000)}, &arena);

    assert_int_equal(answer.len, 60);
    assert_int_equal(answer.ptr[26], 6);
    assert_int_equal(answer.ptr[30 + 26], 3);
    /* serial and version as they came, the addresses the other way round, our time */
    assert_memory_equal(answer.ptr + 2, bad.bytes + 2, 4);
    assert_memory_equal(answer.ptr + 6, "\x28\x38\x0e\x18\x0b\x1a", 6);
    assert_memory_equal(answer.ptr + 12, bad.bytes + 18, 6);
    assert_memory_equal(answer.ptr + 18, bad.bytes + 12, 6);
    const struct frame_out again = decode(&dialect, answer);

    assert_int_equal(again.n_flaws, 0); /* a confirmation checks out, and is not answered */
    assert_int_equal(again.n_heads, 0);
}

static void
texts_of_devices_become_utf8(void **state)
{
    static const struct {
        const char *bytes, *text;
    } rows[] = {
        {"\xb6\xfe\xc2\xa5 A1  ", "二楼 A1"},
        {"\xa3\xb1\xb2\xe3", "１层"},
        {"\x81\x30\x84\x36", "¥"},            /* four bytes: U+00A5 */
        {"\x94\x39\xda\x33", "💩"},            /* four bytes beyond the basic plane */
        {"\x8f\x30\x81\x30", "\xef\xbf\xbd"}, /* four bytes of nothing */
        {"a\x80z", "a\xef\xbf\xbdz"},
        {"\xb6\xfe\xc2", "二\xef\xbf\xbd"}, /* cut in the middle of a character */
        {"\xff\xff", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"a\x01\x1f\x7f"
         "b",
            "a   b"},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct view text = gb18030_text(view_of(rows[i].bytes), &arena);

        if (!view_is(text, rows[i].text))
            fail_msg("row %zu: '%.*s'", i, VIEW_ARG(text));
    }
    /* whatever two to four bytes there are, it is UTF-8 */
    for (uint32_t lead = 0; lead < 0x10000; lead++) {
        for (uint32_t behind = 0; behind < 0x10000; behind += 0x511) {
            const char bytes[4] = {
                (char)(lead >> 8), (char)lead, (char)(behind >> 8), (char)behind};

            assert_true(utf8_valid(gb18030_text((struct view){bytes, 4}, &arena)));
        }
        arena_reset(&arena);
    }
    assert_true(view_is(gb18030_text((struct view){"ab\0cd", 5}, &arena), "ab"));
}

/* One bit for each name that was seen. */
static uint64_t
seen_names(const struct cJSON *object, const char *const *names)
{
    uint64_t seen = 0;

    for (const struct cJSON *item = object->child; item != NULL; item = item->next) {
        size_t i = 0;

        if (cJSON_IsArray(item))
            continue;
        while (names[i] != NULL && strcmp(names[i], item->string) != 0)
            i++;
        if (names[i] == NULL)
            fail_msg("'%s' is not in the list of values", item->string);
        seen |= UINT64_C(1) << i;
    }
    return seen;
}

struct seen {
    uint64_t root, record;
};

static void
see(struct seen *seen, const struct made *made, enum frame_layout layout)
{
    char room[2 * sizeof(made->bytes)];
    const struct frame_values values = frame_values_of(made->kind);
    const struct frame_out out =
        decode(&(struct frame_dialect){.kind = made->kind, .layout = layout},
            arena_copy(&arena, made_payload(made, room)));
    const struct cJSON *record = cJSON_GetObjectItemCaseSensitive(out.root, "records")->child;

    seen[made->kind].root |= seen_names(out.root, values.root);
    for (; record != NULL; record = record->next)
        seen[made->kind].record |= seen_names(record, values.record);
}

static void
assert_all_seen(const char *const *names, uint64_t seen)
{
    for (size_t i = 0; names[i] != NULL; i++) {
        assert_true(i < 64);
        if ((seen >> i & 1) == 0)
            fail_msg("no frame has '%s'", names[i]);
    }
}

static void
the_list_of_values_is_all_that_a_frame_can_give_and_nothing_else(void **state)
{
    struct seen seen[FRAME_KINDS] = {0};
    struct made made;
    char text[64];

    (void)state;
    for (size_t i = 0; i < n_all; i++)
        see(seen, &all[i], FRAME_LAYOUT_STANDARD);
    for (unsigned type = 1; type <= 12; type++) {
        (void)snprintf(text, sizeof(text), "03 01 0101 19 01000000 %02x 0100 " MAKE_TIME, type);
        made = make_gbt26875("analogue", 2, text);
        see(seen, &made, FRAME_LAYOUT_STANDARD);
    }
    made = make_gbt26875("every operation", 2, "04 01 0101 ff 01 " MAKE_TIME);
    see(seen, &made, FRAME_LAYOUT_STANDARD);
    made = make_gbt26875("every operation", 2, "18 01 ff 01 " MAKE_TIME);
    see(seen, &made, FRAME_LAYOUT_STANDARD);
    made = make_gbt26875("nbiot", 2,
        "02 01 8101 81 01000000 0004 02"
        "000000000000000000000000000000000000000000000000"
        "03 e600 c4 100e 000000000000");
    see(seen, &made, FRAME_LAYOUT_NBIOT);
    made = make_meokon("three sensors",
        "05 9c 0e10 0001 22 00 000100020003000400050006 000100020003 6b053500 000100020003");
    see(seen, &made, FRAME_LAYOUT_STANDARD);
    for (enum frame_kind kind = FRAME_NONE + 1; kind < FRAME_KINDS; kind++) {
        assert_all_seen(frame_values_of(kind).root, seen[kind].root);
        assert_all_seen(frame_values_of(kind).record, seen[kind].record);
    }
}

static int
setup(void **state)
{
    (void)state;
    arena_init(&arena);
    n_all = make_all(all);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_frame_is_read_without_a_flaw),
        cmocka_unit_test(a_frame_cut_at_any_byte_is_one_flaw_and_nothing_is_read),
        cmocka_unit_test(a_frame_with_any_bit_flipped_is_a_flaw_or_says_the_same),
        cmocka_unit_test(several_frames_in_one_payload_are_read_in_their_order),
        cmocka_unit_test(a_good_frame_is_read_whatever_stands_before_or_behind_it),
        cmocka_unit_test(halves_that_have_changed_places_are_nothing),
        cmocka_unit_test(a_flaw_says_what_failed_at_which_byte),
        cmocka_unit_test(a_wrong_length_field_is_suspect_unless_the_dialect_knows_it),
        cmocka_unit_test(a_number_of_objects_that_does_not_fit_is_suspect),
        cmocka_unit_test(side_traffic_of_a_charger_is_nothing_wrong),
        cmocka_unit_test(buffered_records_go_back_from_the_last_by_the_interval),
        cmocka_unit_test(more_than_the_limit_is_said_and_not_read),
        cmocka_unit_test(a_frame_of_another_charger_is_neither_read_nor_confirmed),
        cmocka_unit_test(a_fire_of_another_transmission_device_is_read_and_suspect),
        cmocka_unit_test(a_frame_whose_sum_is_wrong_is_denied_and_the_others_confirmed),
        cmocka_unit_test(texts_of_devices_become_utf8),
        cmocka_unit_test(the_list_of_values_is_all_that_a_frame_can_give_and_nothing_else),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
