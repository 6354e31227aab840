/*
 * sim_fleet: the machines to play: of the register, and made-up ones beyond it.
 */
#pragma once

#include "config/config.h"
#include "service/sim_device.h"

struct sim_fleet_options {
    const char *dir;  /* the configuration's; scripts are in dir/simulate/<class>.txt */
    const char *lane; /* only machines whose topic belongs to it; NULL: all */
    size_t devices;   /* 0: all of the register */
    bool made_up;     /* what the register lacks of `devices` is made up */
    bool replay;      /* only machines whose script has `replay` */
    int64_t rate;     /* messages a second of all; 0: as the scripts say */
    uint64_t seed, boot;
};

struct sim_fleet {
    struct sim_device *at;
    size_t n;
    double stretch; /* of the scripts' intervals, for the rate */
    struct timers timers;
    size_t silent; /* classes without a script */
};

/* Everything lives in arena but the timers. now: where the first messages are spread from. */
MUST_USE bool sim_fleet_make(const struct config *config, const struct sim_fleet_options *opt,
    struct instant now, struct arena *arena, struct sim_fleet *out, struct err *err);
void sim_fleet_fini(struct sim_fleet *fleet);
struct sim_device *sim_fleet_of_timer(const struct sim_fleet *fleet, const struct timer *timer);
/* Sets the timer of the next message after the one that was due at `due`. */
void sim_fleet_next(
    struct sim_fleet *fleet, struct sim_device *device, struct instant due, struct instant now);

struct sim_order { /* a fault to come */
    struct sim_device *device;
    const struct sim_state *fault;
    size_t part;
    struct instant at;
};

/* NAME[@[DEVICE][/PART][@AFTER]]: without a device, the first that has such a fault. */
MUST_USE bool sim_fleet_order(const struct sim_fleet *fleet, const char *text, struct instant start,
    struct sim_order *out, struct err *err);
/* Any fault of any machine, by hash; false: there is none. */
bool sim_fleet_any_fault(const struct sim_fleet *fleet, uint64_t hash, struct sim_order *out);
