/*
 * client_account: as whom a tool of the command line connects: a client of site.yaml that may send
 * commands, its account by the same name, its password beside the broker's.
 */
#pragma once

#include "config/config.h"
#include "service/client_paho.h"

struct client_account { /* options points into it and into config */
    const struct client *client;
    struct client_options options;
    char beside[4096];
    char client_id[128];
};

/* id NULL: the first client that may send commands. */
MUST_USE bool client_account(
    const struct config *config, const char *id, struct client_account *out, struct err *err);
