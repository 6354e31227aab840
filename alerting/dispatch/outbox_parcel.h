/* outbox_parcel: how parcels are kept: by id, by case, and in the checkpoint. Inside the outbox. */
#pragma once

#include "alerting/dispatch/outbox.h"
#include "base/map.h"

#define PARCEL_MAX_ADDRESSES 64 /* more are never tried */

struct outbox {
    struct map parcels;  /* id -> struct parcel, owned */
    struct map by_alert; /* case -> its first parcel */
    struct timers timers;
};

struct parcel *parcel_new(const struct parcel_label *label, size_t n);
void parcel_address(struct parcel *parcel, size_t i, const struct channel *channel,
    const char *channel_id, const char *to);
/* From now on the outbox owns it. */
void outbox_take_parcel(struct outbox *outbox, struct parcel *parcel);
