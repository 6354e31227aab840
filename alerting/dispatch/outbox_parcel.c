#include "alerting/dispatch/outbox_parcel.h"

#include "base/check.h"

#include <stdlib.h>

static char *
copy_text(const char *text)
{
    const size_t len = strlen(text);
    char *copy = mem_alloc(len + 1);

    memcpy(copy, text, len + 1);
    return copy;
}

static char *
copy_view(struct view text)
{
    char *copy = mem_alloc(text.len + 1);

    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return copy;
}

struct parcel *
parcel_new(const struct parcel_label *label, size_t n)
{
    struct parcel *parcel = mem_zalloc(1, sizeof(*parcel));
    struct parcel_label *own = &parcel->label;

    *own = *label;
    own->id = parcel->texts[0] = copy_text(label->id);
    own->alert = parcel->texts[1] = copy_text(label->alert);
    own->recipient = parcel->texts[2] = copy_text(label->recipient);
    own->person = parcel->texts[3] = copy_text(label->person);
    own->behind = parcel->texts[4] = copy_text(label->behind);
    own->officers = parcel->texts[5] = copy_text(label->officers);
    parcel->n = n;
    parcel->deliveries = mem_zalloc(n, sizeof(struct delivery));
    parcel->ladder = (struct parcel_timer){.parcel = parcel, .delivery = -1};
    parcel->ladder.timer.key = hash_bytes(view_of(own->id));
    return parcel;
}

void
parcel_address(struct parcel *parcel, size_t i, const struct channel *channel,
    const char *channel_id, const char *to)
{
    struct delivery *delivery = &parcel->deliveries[i];

    delivery->channel = channel;
    delivery->channel_id = copy_text(channel_id);
    delivery->to = copy_text(to);
    delivery->due = (struct parcel_timer){.parcel = parcel, .delivery = (int)i};
    delivery->due.timer.key = parcel->ladder.timer.key + 1 + i;
}

static void
parcel_free(struct parcel *parcel)
{
    for (size_t i = 0; i < ARRAY_LEN(parcel->texts); i++)
        free(parcel->texts[i]);
    for (size_t i = 0; i < parcel->n; i++) {
        free(parcel->deliveries[i].channel_id);
        free(parcel->deliveries[i].to);
    }
    free(parcel->deliveries);
    free(parcel);
}

struct outbox *
outbox_new(void)
{
    struct outbox *outbox = mem_zalloc(1, sizeof(*outbox));

    map_init(&outbox->parcels);
    map_init(&outbox->by_alert);
    timers_init(&outbox->timers);
    return outbox;
}

void
outbox_free(struct outbox *outbox)
{
    struct arena arena;

    if (outbox == NULL)
        return;
    arena_init(&arena);
    const struct map_entry *entries = map_sorted(&outbox->parcels, &arena);

    for (size_t i = 0; i < outbox->parcels.len; i++)
        parcel_free(entries[i].value);
    arena_fini(&arena);
    map_fini(&outbox->parcels);
    map_fini(&outbox->by_alert);
    timers_fini(&outbox->timers);
    free(outbox);
}

void
outbox_take_parcel(struct outbox *outbox, struct parcel *parcel)
{
    const struct view alert = view_of(parcel->label.alert);

    CHECK(map_put(&outbox->parcels, view_of(parcel->label.id), parcel) == NULL);
    /* Kept in order of ids, so that a loaded outbox walks them as the saved one did. */
    struct parcel *first = map_get(&outbox->by_alert, alert);

    if (first == NULL || strcmp(parcel->label.id, first->label.id) < 0) {
        parcel->next = first;
        map_put(&outbox->by_alert, alert, parcel);
        return;
    }
    while (first->next != NULL && strcmp(first->next->label.id, parcel->label.id) < 0)
        first = first->next;
    parcel->next = first->next;
    first->next = parcel;
}

struct parcel *
outbox_find(struct outbox *outbox, struct view id)
{
    return map_get(&outbox->parcels, id);
}

void
outbox_delivery_id(const struct parcel *parcel, int delivery, struct buf *out)
{
    buf_printf(out, "%s-%d", parcel->label.id, delivery);
}

struct parcel *
outbox_find_delivery(struct outbox *outbox, struct view id, int *delivery)
{
    size_t dash = id.len;
    int number = 0;

    while (dash > 0 && id.ptr[dash - 1] != '-')
        dash--;
    if (dash == 0 || dash == id.len || id.len - dash > 2)
        return NULL;
    for (size_t i = dash; i < id.len; i++) {
        if (id.ptr[i] < '0' || id.ptr[i] > '9')
            return NULL;
        number = number * 10 + (id.ptr[i] - '0');
    }
    struct parcel *parcel = map_get(&outbox->parcels, view_bytes(id.ptr, dash - 1));

    if (parcel == NULL || (size_t)number >= parcel->n)
        return NULL;
    *delivery = number;
    return parcel;
}

struct parcel *
outbox_of(const struct outbox *outbox, struct view alert)
{
    return map_get(&outbox->by_alert, alert);
}

size_t
outbox_len(const struct outbox *outbox)
{
    return outbox->parcels.len;
}

void
outbox_drop(struct outbox *outbox, struct parcel *parcel)
{
    const struct view alert = view_of(parcel->label.alert);
    struct parcel *before = map_get(&outbox->by_alert, alert);

    if (before != parcel) {
        while (before->next != parcel)
            before = before->next;
        before->next = parcel->next;
    } else if (parcel->next != NULL) {
        map_put(&outbox->by_alert, alert, parcel->next);
    } else {
        map_del(&outbox->by_alert, alert);
    }
    map_del(&outbox->parcels, view_of(parcel->label.id));
    timers_cancel(&outbox->timers, &parcel->ladder.timer);
    for (size_t i = 0; i < parcel->n; i++)
        timers_cancel(&outbox->timers, &parcel->deliveries[i].due.timer);
    parcel_free(parcel);
}

void
outbox_drop_case(struct outbox *outbox, struct view alert)
{
    struct parcel *parcel;

    while ((parcel = outbox_of(outbox, alert)) != NULL)
        outbox_drop(outbox, parcel);
}

static const struct channel *
find_channel(const struct channel_set *channels, const char *id)
{
    for (size_t i = 0; i < channels->len; i++) {
        if (strcmp(channels->at[i].id, id) == 0)
            return &channels->at[i];
    }
    return NULL;
}

void
outbox_configure(struct outbox *outbox, const struct channel_set *channels)
{
    struct arena arena;

    arena_init(&arena);
    const struct map_entry *entries = map_sorted(&outbox->parcels, &arena);

    for (size_t i = 0; i < outbox->parcels.len; i++) {
        struct parcel *parcel = entries[i].value;

        for (size_t k = 0; k < parcel->n; k++) {
            struct delivery *delivery = &parcel->deliveries[k];

            delivery->channel = find_channel(channels, delivery->channel_id);
        }
    }
    arena_fini(&arena);
}

static void
save_timer(const struct timer *timer, struct buf *out)
{
    pack_instant(out, timer->slot == 0 ? INSTANT_NEVER : timer->when);
}

static void
save_parcel(const struct parcel *parcel, struct buf *out)
{
    const struct parcel_label *own = &parcel->label;

    pack_text(out, own->id);
    pack_text(out, own->alert);
    pack_u8(out, (uint8_t)own->kind);
    pack_u8(out, (uint8_t)own->severity);
    pack_text(out, own->recipient);
    pack_text(out, own->person);
    pack_text(out, own->behind);
    pack_text(out, own->officers);
    pack_u8(out, (uint8_t)own->tier);
    pack_i64(out, own->step);
    pack_u8(out, own->repeat);
    pack_u8(out, own->fell_through);
    pack_instant(out, own->due);
    pack_i64(out, own->late.us);
    pack_instant(out, parcel->made);
    pack_u8(out, parcel->overdue);
    save_timer(&parcel->ladder.timer, out);
    pack_u32(out, (uint32_t)parcel->n);
    for (size_t i = 0; i < parcel->n; i++) {
        const struct delivery *delivery = &parcel->deliveries[i];

        pack_text(out, delivery->channel_id);
        pack_text(out, delivery->to);
        pack_u8(out, (uint8_t)delivery->state);
        pack_u32(out, delivery->attempts);
        save_timer(&delivery->due.timer, out);
    }
}

void
outbox_save(const struct outbox *outbox, struct buf *out)
{
    struct arena arena;

    arena_init(&arena);
    const struct map_entry *entries = map_sorted(&outbox->parcels, &arena);

    pack_u32(out, (uint32_t)outbox->parcels.len);
    for (size_t i = 0; i < outbox->parcels.len; i++)
        save_parcel(entries[i].value, out);
    arena_fini(&arena);
}

static const char *
load_text(struct arena *arena, struct unpack *in)
{
    return arena_text(arena, unpack_view(in));
}

static void
load_timer(struct outbox *outbox, struct timer *timer, struct unpack *in)
{
    const struct instant when = unpack_instant(in);

    if (instant_cmp(when, INSTANT_NEVER) != 0)
        timers_set(&outbox->timers, timer, when);
}

static void
load_delivery(struct outbox *outbox, struct parcel *parcel, size_t i,
    const struct channel_set *channels, struct unpack *in)
{
    char *channel_id = copy_view(unpack_view(in));
    char *to = copy_view(unpack_view(in));
    struct delivery *delivery = &parcel->deliveries[i];

    parcel_address(parcel, i, find_channel(channels, channel_id), channel_id, to);
    free(channel_id);
    free(to);
    delivery->state = (enum delivery_state)unpack_u8(in);
    delivery->attempts = unpack_u32(in);
    in->bad = in->bad || delivery->state >= DELIVERY_STATES;
    load_timer(outbox, &delivery->due.timer, in);
}

static void
load_parcel(struct outbox *outbox, const struct channel_set *channels, struct arena *arena,
    struct unpack *in)
{
    struct parcel_label label = {0};

    label.id = load_text(arena, in);
    label.alert = load_text(arena, in);
    label.kind = (enum parcel_kind)unpack_u8(in);
    label.severity = (enum severity)unpack_u8(in);
    label.recipient = load_text(arena, in);
    label.person = load_text(arena, in);
    label.behind = load_text(arena, in);
    label.officers = load_text(arena, in);
    label.tier = (enum tier)unpack_u8(in);
    label.step = (int)unpack_i64(in);
    label.repeat = unpack_u8(in) != 0;
    label.fell_through = unpack_u8(in) != 0;
    label.due = unpack_instant(in);
    label.late.us = unpack_i64(in);

    const struct instant made = unpack_instant(in);
    const bool overdue = unpack_u8(in) != 0;
    const struct instant ladder = unpack_instant(in);
    const size_t n = unpack_count(in, 1);

    if (label.kind > PARCEL_ORDER || label.severity >= SEVERITY_COUNT || label.tier >= TIER_COUNT ||
        n > PARCEL_MAX_ADDRESSES || outbox_find(outbox, view_of(label.id)))
        in->bad = true;
    if (in->bad)
        return;
    struct parcel *parcel = parcel_new(&label, n);

    parcel->made = made;
    parcel->overdue = overdue;
    outbox_take_parcel(outbox, parcel);
    if (instant_cmp(ladder, INSTANT_NEVER) != 0)
        timers_set(&outbox->timers, &parcel->ladder.timer, ladder);
    for (size_t i = 0; i < n; i++)
        load_delivery(outbox, parcel, i, channels, in);
}

bool
outbox_load(struct outbox *outbox, const struct channel_set *channels, struct unpack *in)
{
    struct arena arena;
    const size_t n = unpack_count(in, 1);

    arena_init(&arena);
    for (size_t i = 0; i < n && !in->bad; i++) {
        load_parcel(outbox, channels, &arena, in);
        arena_reset(&arena);
    }
    arena_fini(&arena);
    return !in->bad;
}
