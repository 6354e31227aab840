/*
 * What must hold of any payload, whatever the protocol. Input: a byte of dialect, then the payload.
 * With the top bit set the payload is what the protocol wraps: it gets marks, length and checksum
 * that fit, so that the fuzzer reaches what stands behind them.
 */
#pragma once

#include "base/json.h"
#include "ingest/normalise/frames/frame.h"
#include "tests/unit/ingest/frame_make.h"

#include <stdlib.h>

#include <cjson/cJSON.h>

#define WRAPPED 0x80

static void
check_name(const char *name, const char *const *names)
{
    while (*names != NULL && strcmp(*names, name) != 0)
        names++;
    CHECK(*names != NULL);
}

static void
check_record(const struct cJSON *record, const char *const *names)
{
    const struct cJSON *part = record->child;

    CHECK(cJSON_IsObject(record) && strcmp(part->string, "part") == 0);
    CHECK(strlen(part->valuestring) <= 32);
    for (const struct cJSON *item = record->child; item != NULL; item = item->next) {
        CHECK(item->string != NULL && (item->next == NULL || item->next->prev == item));
        check_name(item->string, names);
        CHECK(!cJSON_IsNumber(item) || (item->valuedouble > -1e15 && item->valuedouble < 1e15));
    }
}

static void
check_frames(const struct frame_dialect *dialect, struct view payload)
{
    struct frame_out out;
    struct arena arena;
    size_t n = 0;
    size_t at = 0;

    arena_init(&arena);
    frame_decode(dialect, payload, &arena, &out);
    const struct cJSON *records = cJSON_GetObjectItemCaseSensitive(out.root, "records");
    const struct frame_values values = frame_values_of(dialect->kind);

    for (const struct cJSON *item = out.root->child; item != records; item = item->next)
        check_name(item->string, values.root);
    for (const struct cJSON *record = records->child; record != NULL; record = record->next, n++)
        check_record(record, values.record);
    CHECK(n == out.n_records && n <= FRAME_MAX_RECORDS);
    CHECK(out.n_flaws <= FRAME_MAX_FLAWS && (out.more == 0 || out.n_flaws == FRAME_MAX_FLAWS));
    for (size_t i = 0; i < out.n_flaws; i++) {
        CHECK(out.flaws[i].check < FRAME_CHECKS && out.flaws[i].at <= payload.len);
        CHECK(out.flaws[i].raw.len <= payload.len);
    }
    /* It is JSON that would pass where JSON comes in. */
    char *text = cJSON_PrintUnformatted(out.root);

    CHECK(text != NULL && json_check(view_of(text), (size_t)1 << 24, &at) == JSON_FINE);
    free(text);
    const struct view answer =
        frame_answer(dialect, &out, (struct instant){INT64_C(1795503400000000)}, &arena);

    CHECK(answer.len <= 2 * FRAME_CONFIRM_BYTES * (payload.len + 1));
    if (answer.len > 0 && dialect->kind == FRAME_GBT26875) { /* what we say checks out */
        struct frame_out again;

        frame_decode(dialect, answer, &arena, &again);
        CHECK(again.n_heads == 0 && again.n_records == 0);
        for (size_t i = 0; i < again.n_flaws && answer.len <= FRAME_MAX_BYTES; i++)
            CHECK(again.flaws[i].check == FRAME_CHECK_DEVICE); /* to more than one */
    }
    arena_fini(&arena);
}
