/*
 * load_mapping: how one kind of message becomes fields: the keys that a profile and each of its
 * messages have in common.
 */
#pragma once

#include "config/load.h"

struct mapping_item {
    struct item is;
    const char *parts, *part, *boot, *sequence, *device, *receipt;
    struct texts self, time, time_form;
    struct items test, fields;
    bool text_numbers, own_names;
};

/* The rows of its keys, for the table of a bigger struct that begins with it. */
#define MAPPING_KEYS                                                                               \
    {.name = "parts", .type = KEY_TEXT, .at = offsetof(struct mapping_item, parts)},               \
        {.name = "part", .type = KEY_TEXT, .at = offsetof(struct mapping_item, part)},             \
        {.name = "self",                                                                           \
            .type = KEY_TEXTS,                                                                     \
            .at = offsetof(struct mapping_item, self),                                             \
            .repeats = true},                                                                      \
        {.name = "time",                                                                           \
            .type = KEY_TEXTS,                                                                     \
            .at = offsetof(struct mapping_item, time),                                             \
            .repeats = true},                                                                      \
        {.name = "time_form",                                                                      \
            .type = KEY_TEXTS,                                                                     \
            .at = offsetof(struct mapping_item, time_form),                                        \
            .repeats = true},                                                                      \
        {.name = "boot", .type = KEY_TEXT, .at = offsetof(struct mapping_item, boot)},             \
        {.name = "sequence", .type = KEY_TEXT, .at = offsetof(struct mapping_item, sequence)},     \
        {.name = "device", .type = KEY_TEXT, .at = offsetof(struct mapping_item, device)},         \
        {.name = "test",                                                                           \
            .type = KEY_LIST,                                                                      \
            .at = offsetof(struct mapping_item, test),                                             \
            .shape = &source_shape,                                                                \
            .repeats = true},                                                                      \
        {.name = "receipt", .type = KEY_TEXT, .at = offsetof(struct mapping_item, receipt)},       \
        {.name = "text_numbers",                                                                   \
            .type = KEY_BOOL,                                                                      \
            .at = offsetof(struct mapping_item, text_numbers)},                                    \
        {.name = "own_names", .type = KEY_BOOL, .at = offsetof(struct mapping_item, own_names)},   \
    {                                                                                              \
        .name = "fields", .type = KEY_MAP, .at = offsetof(struct mapping_item, fields),            \
        .shape = &source_shape, .names = KEY_NAME, .repeats = true                                 \
    }

extern const struct shape source_shape; /* one place of a field's value */

/* A mapping while it is made. at[i].field: in nodes[i]; NULL: it stands under its own name. */
struct sources {
    struct profile_field *at;
    const struct node **nodes;
    size_t len;
};

/* The fields that the mapping itself names, with all that is wrong with them. text_numbers: also
 * without saying so. */
struct sources make_sources(struct loader *loader, const struct class *class,
    const struct mapping_item *item, bool text_numbers);
/* Those of the profile that the message does not name, then the message's. Complains where fields
 * are read alike from one path. */
struct sources join_sources(
    struct loader *loader, const struct class *class, struct sources ours, struct sources theirs);
/* What is not named stands under its own name. */
void add_own_names(struct loader *loader, const struct class *class, struct sources *sources);
/* Bools under no field's name: `test`. */
struct sources make_tests(struct loader *loader, const struct mapping_item *item);
/* The words that are known at each path; nodes are not needed any more. */
void finish_sources(struct loader *loader, const struct sources *sources);

/* The values of frames are a closed list: a path with another name would never be heard. */
void check_frame_paths(
    struct loader *loader, const struct mapping_item *item, enum frame_kind frame);
void check_path(struct loader *loader, const struct node *node, const char *path);
