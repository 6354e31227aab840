/* channel: a way out, as configured. Secrets are names of files, never values. */
#pragma once

#include "base/instant.h"
#include "base/view.h"

#include <stddef.h>

enum channel_kind {
    CHANNEL_MQTT,    /* wallwatch/notice/..., wallwatch/dispatch/...; delivered by a reply */
    CHANNEL_WEBHOOK, /* signed HTTP POST; delivered by 2xx */
    CHANNEL_DEADMAN, /* HTTP GET every 30 s while the last canary was judged */
};

struct channel {
    const char *id;
    enum channel_kind kind;
    const char *url;         /* webhook, deadman; address.to is appended as a path if not "" */
    const char *secret_file; /* webhook: key of the signature; NULL: none */
    struct span timeout;     /* of one attempt */
};

struct channel_set {
    const struct channel *at; /* by id */
    size_t len;
};
