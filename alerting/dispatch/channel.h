/* channel: a way out, as configured. Secrets are names of files, never values. */
#pragma once

#include "base/instant.h"
#include "base/view.h"

#include <stddef.h>

enum channel_kind {
    CHANNEL_MQTT,    /* wallwatch/notice/..., wallwatch/dispatch/...; delivered by a reply */
    CHANNEL_WEBHOOK, /* signed HTTP POST; delivered by 2xx */
    CHANNEL_DEADMAN, /* HTTP GET every 30 s while the last canary was judged */
    CHANNEL_EMAIL,   /* SMTP; delivered by 250 */
    CHANNEL_SMS,     /* a form posted to a gateway; delivered by 2xx and `accept` */
    CHANNEL_KINDS,
};

struct channel {
    const char *id;
    enum channel_kind kind;
    const char *url;              /* webhook, deadman; address.to is appended as a path if not "" */
    const char *secret_file;      /* webhook: key of the signature; sms: {secret}; NULL: none */
    const char *next_secret_file; /* webhook: signs too, while receivers change keys; NULL */
    struct span timeout;          /* of one attempt */
    const char *book_file;        /* email, sms: what `to` stands for; NULL: it is the address */
    const char *from;             /* email */
    const char *username, *password_file; /* email; NULL: none */
    const char *const *form;              /* sms: name=value */
    size_t n_form;
    const char *accept; /* sms: must stand in the answer; NULL: any 2xx will do */
};

struct channel_set {
    const struct channel *at; /* by id */
    size_t len;
};
