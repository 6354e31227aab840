/*
 * sim_link: the MQTT connections of a simulated fleet (MQTT 5, QoS 1), and the ledger of what was
 * sent: one JSON line for each message, written when the broker has answered, or at the end.
 *
 * Ledger keys: answer (the reason code of the PUBACK; 16: nobody subscribes; null: none came), at
 * (the device's time), bad (kind, null for a good one), boot, device, fault, hash (first 16 hex
 * digits of BLAKE2b-256 of the payload), parts, sent (our clock), seq, token, topic.
 *
 * Threads: one caller; the library's write answers, under a lock. Messages wait in
 * memory while the broker is away, at most SIM_WINDOW for each connection.
 */
#pragma once

#include "base/err.h"
#include "base/instant.h"
#include "base/view.h"

#include <stdint.h>
#include <stdio.h>

struct sim_links;

struct sim_link_options {
    const char *host;
    int port;
    const char *user, *password; /* NULL: none */
    size_t links;
    FILE *ledger; /* NULL: none; borrowed */
};

#define SIM_WINDOW 1000 /* messages of one connection without an answer */

struct sim_message {
    const char *topic, *device;
    struct view payload;
    uint64_t boot, seq;
    struct instant at, sent;
    size_t parts;      /* readings that should come of it */
    const char *fault; /* NULL: none */
    const char *bad;   /* NULL: a good one */
};

struct sim_totals {
    uint64_t sent, acknowledged, unheard, refused, lost, bad;
    uint64_t waiting;
    uint64_t reasons[256]; /* of what was refused */
    size_t connected;
};

MUST_USE bool sim_links_open(
    struct sim_links **out, const struct sim_link_options *opt, struct err *err);
/* number: of the connection. As many wait for an answer there as may: wait. */
bool sim_links_full(struct sim_links *links, size_t number);
void sim_links_send(struct sim_links *links, size_t number, const struct sim_message *msg);
/* Until an answer came, or for so long. */
void sim_links_wait(struct sim_links *links, struct span most);
struct sim_totals sim_links_totals(struct sim_links *links);
/* Waits for the last answers, writes the rest of the ledger, ends the connections. */
struct sim_totals sim_links_close(struct sim_links *links, struct span patience);
