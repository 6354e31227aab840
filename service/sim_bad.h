/*
 * sim_bad: messages as the field sends them on its worst days, from a good one. Pure.
 */
#pragma once

#include "base/buf.h"
#include "service/sim_device.h"

struct sim_bad {
    const char *name;     /* the ledger's word */
    enum sim_twist twist; /* done while the payload is made */
    bool topic_device;    /* a device that nobody knows */
    bool topic_class;     /* a class that nobody knows */
    bool readable;        /* it ends as a reading, not as a reject alone */
};

/* NULL after the last. */
const struct sim_bad *sim_bad_at(size_t i);
size_t sim_bad_count(void);
/* Changes the bytes of a payload, for the kinds that do. */
void sim_bad_spoil(const struct sim_bad *bad, struct buf *payload);
/* The topic it goes to; out has size bytes. */
void sim_bad_topic(const struct sim_bad *bad, const char *topic, char *out, size_t size);
