#include "config/load_targets.h"

/* What a file that says nothing has is the first. */
static const char *const clock_names[] = {"default", "natural", "working"};
static const struct key target_keys[] = {
    {.name = "file",
        .type = KEY_SPAN,
        .at = offsetof(struct target_item, file),
        .min = "1s",
        .max = "90d"},
    {.name = "acknowledge",
        .type = KEY_SPAN,
        .at = offsetof(struct target_item, acknowledge),
        .min = "1s",
        .max = "90d"},
    {.name = "dispatch",
        .type = KEY_SPAN,
        .at = offsetof(struct target_item, dispatch),
        .min = "1s",
        .max = "90d"},
    {.name = "settle",
        .type = KEY_SPAN,
        .at = offsetof(struct target_item, settle),
        .min = "1s",
        .max = "90d"},
    {.name = "verify",
        .type = KEY_SPAN,
        .at = offsetof(struct target_item, verify),
        .min = "1s",
        .max = "90d"},
    {.name = "close",
        .type = KEY_SPAN,
        .at = offsetof(struct target_item, close),
        .min = "1s",
        .max = "90d"},
    {.name = "clock",
        .type = KEY_WORD,
        .at = offsetof(struct target_item, clock),
        .choices = clock_names,
        .n_choices = ARRAY_LEN(clock_names)},
};
static const struct shape target_shape = {
    target_keys, ARRAY_LEN(target_keys), sizeof(struct target_item), NULL};

static const struct key targets_keys[] = {
    {.name = "red",
        .type = KEY_OBJECT,
        .at = offsetof(struct targets_item, of[SEVERITY_RED]),
        .shape = &target_shape},
    {.name = "orange",
        .type = KEY_OBJECT,
        .at = offsetof(struct targets_item, of[SEVERITY_ORANGE]),
        .shape = &target_shape},
    {.name = "yellow",
        .type = KEY_OBJECT,
        .at = offsetof(struct targets_item, of[SEVERITY_YELLOW]),
        .shape = &target_shape},
    {.name = "blue",
        .type = KEY_OBJECT,
        .at = offsetof(struct targets_item, of[SEVERITY_BLUE]),
        .shape = &target_shape},
};
const struct shape targets_shape = {
    targets_keys, ARRAY_LEN(targets_keys), sizeof(struct targets_item), NULL};

static void
take(struct span *to, struct span said)
{
    if (said.us > 0)
        *to = said;
}

void
make_targets(const struct targets_item *item, struct assess_targets *out)
{
    *out = assess_targets_default;
    for (int severity = 0; severity < SEVERITY_COUNT; severity++) {
        const struct target_item *said = &item->of[severity];
        struct assess_target *target = &out->of[severity];

        take(&target->file, said->file);
        take(&target->acknowledge, said->acknowledge);
        take(&target->dispatch, said->dispatch);
        take(&target->settle, said->settle);
        take(&target->verify, said->verify);
        take(&target->close, said->close);
        if (said->clock > 0)
            target->working = said->clock == 2;
    }
}
