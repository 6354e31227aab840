/*
 * peers: who of the other processes of this site is alive, and whose task it is to say so.
 *
 * Each lane publishes its status every second, with a will. A peer is down when its will was
 * heard or nothing for 15 s; the first by name of those that live speaks for all. Only time in
 * which we could hear counts. Pure: what was heard comes in with its time, changes go out.
 */
#pragma once

#include "base/arena.h"
#include "base/instant.h"
#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PEER_SILENCE SPAN_S(15)
#define PEER_DIFFERS SPAN_S(10)

struct peer {
    const char *name; /* borrowed */
    bool said_down;   /* its will */
    struct instant heard;
    uint32_t version;          /* of the configuration; 0: not known */
    struct instant same_since; /* last time its version was ours */
    bool down, differs;        /* as last reported */
};

struct peers {
    const char *self;
    struct peer *at; /* by name, without self; in the caller's arena */
    size_t len;
    bool hearing;
};

struct peer_change {
    const struct peer *peer;
    const char *code; /* fact of engine/builtin.h: "wallwatch-down" or "config-mismatch" */
    bool on;
};

/* names in any order, borrowed. */
void peers_init(struct peers *peers, struct arena *arena, const char *self,
    const char *const *names, size_t n_names);
/* A status of that name with that time of its own; old ones (retained) prove no life. */
void peers_heard(struct peers *peers, struct view name, bool up, uint32_t version,
    struct instant at, struct instant now);
/* hearing: the connection over which statuses come is up. At most 2 * peers->len changes. */
size_t peers_check(struct peers *peers, bool hearing, uint32_t version, struct instant now,
    struct peer_change *changes);
