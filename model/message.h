/* message: what the broker delivered, before anybody has understood it. */
#pragma once

#include "base/instant.h"
#include "base/view.h"

#include <stdint.h>

struct message {
    struct instant received; /* our stamp, service time */
    struct view topic;
    struct view payload;
    uint8_t qos;
    bool retained;
    bool dup;
};
