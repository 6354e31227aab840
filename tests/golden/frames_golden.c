/* Prints the tree of a frame of each type, and the confirmation it gets; compared with
 * tests/golden/frames.txt, so that a value that has moved is seen in review. */
#include "tests/unit/ingest/frame_make.h"

#include <stdio.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

#define NOW ((struct instant){INT64_C(1795503400000000)}) /* 14:56:40 in Shanghai */

static void
print_answer(struct view answer)
{
    printf("  answer ");
    for (size_t i = 0; i < answer.len; i++)
        printf("%02x", (unsigned char)answer.ptr[i]);
    printf("\n");
}

static void
print_frame(const struct made *made, struct frame_dialect dialect)
{
    char room[2 * sizeof(made->bytes)];
    struct frame_out out;
    struct arena arena;

    arena_init(&arena);
    dialect.kind = made->kind;
    dialect.confirm = true;
    frame_decode(&dialect, made_payload(made, room), &arena, &out);
    printf("%s %s\n", frame_names[made->kind], made->name);
    for (const struct cJSON *item = out.root->child; item != NULL; item = item->next) {
        const struct cJSON *record = cJSON_IsArray(item) ? item->child : NULL;
        char *text = cJSON_PrintUnformatted(item);

        if (!cJSON_IsArray(item))
            printf("  %s: %s\n", item->string, text);
        free(text);
        for (; record != NULL; record = record->next) {
            text = cJSON_PrintUnformatted(record);
            printf("  %s\n", text);
            free(text);
        }
    }
    for (size_t i = 0; i < out.n_flaws; i++)
        printf("  flaw %d at %zu%s\n", (int)out.flaws[i].check, out.flaws[i].at,
            out.flaws[i].kept ? ", kept" : "");
    const struct view answer = frame_answer(&dialect, &out, NOW, &arena);

    if (answer.len > 0)
        print_answer(answer);
    arena_fini(&arena);
}

int
main(void)
{
    static struct made all[MAKE_MAX];
    const size_t n = make_all(all);
    struct made made;

    for (size_t i = 0; i < n; i++)
        print_frame(&all[i], (struct frame_dialect){0});
    printf("\n# dialects\n");
    made = make_gbt26875("bcd_time", 2, "15 01 01 004514241126");
    print_frame(&made, (struct frame_dialect){.bcd_time = true});
    made = make_gbt26875("not bcd", 2, "15 01 01 " MAKE_TIME);
    print_frame(&made, (struct frame_dialect){.bcd_time = true});
    made = make_gbt26875("big_endian_state", 2, "01 01 0101 0003 " MAKE_TIME);
    print_frame(&made, (struct frame_dialect){.big_endian_state = true});
    made = make_gbt26875("nbiot state", 2,
        "02 01 8101 81 01000000 0004 02"
        "000000000000000000000000000000000000000000000000"
        "03 e600 c4 100e 000000000000");
    print_frame(
        &made, (struct frame_dialect){.layout = FRAME_LAYOUT_NBIOT, .big_endian_state = true});
    made = make_gbt26875("nbiot value", 2, "03 01 8101 5c 01000000 02 ff01 b9 100e 000000");
    print_frame(&made, (struct frame_dialect){.layout = FRAME_LAYOUT_NBIOT});
    made = make_dny("ports from 1", 0x44, "01 01 00");
    print_frame(&made, (struct frame_dialect){.first_port = 1});
    return 0;
}
