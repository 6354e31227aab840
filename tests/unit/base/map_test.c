#include "base/map.h"

#include "tests/unit/cmocka_all.h"

#include <stdio.h>

#define N 5000

static struct view
key_of(int i, char *text, size_t size)
{
    return (struct view){text, (size_t)snprintf(text, size, "key-%d", i * 7919 % N)};
}

static void
what_is_put_is_found_until_it_is_deleted(void **state)
{
    struct map map;
    struct arena arena;
    static int values[N];
    char text[32];

    (void)state;
    map_init(&map);
    arena_init(&arena);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < N; i++)
            assert_null(map_put(&map, key_of(i, text, sizeof(text)), &values[i]));
        assert_int_equal(map.len, N);
        for (int i = 0; i < N; i++)
            assert_ptr_equal(map_get(&map, key_of(i, text, sizeof(text))), &values[i]);
        const struct map_entry *sorted = map_sorted(&map, &arena);

        for (size_t i = 1; i < map.len; i++)
            assert_true(view_cmp(sorted[i - 1].key, sorted[i].key) < 0);
        for (int i = 0; i < N; i++)
            assert_ptr_equal(map_del(&map, key_of(i, text, sizeof(text))), &values[i]);
        assert_int_equal(map.len, 0);
        assert_null(map_get(&map, view_of("key-1")));
    }
    arena_fini(&arena);
    map_fini(&map);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_put_is_found_until_it_is_deleted)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
