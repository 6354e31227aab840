/*
 * decode: the pieces of normalise, each pure: topic -> names, JSON value -> field, JSON value ->
 * instant. Nobody else includes this.
 */
#pragma once

#include "ingest/normalise/normalise.h"
#include "ingest/normalise/reason.h"

struct cJSON;

struct topic_names { /* views into the topic; empty: not in it */
    struct view compound, class, device, stream;
    const struct topic_pattern *pattern; /* NULL: the estate tree */
};

/* False: no pattern matches. */
MUST_USE bool topic_read(
    const struct normalise_options *opt, struct view topic, struct topic_names *out);
/* One level: a word of its own, {name}, or +; # at the end takes the rest. */
bool topic_match(const char *pattern, struct view topic, struct topic_names *out);

/* The value at a path (profile.h), NULL if there is none or it is null. Case counts. */
const struct cJSON *path_find(const struct cJSON *root, const char *path);

#define SCALAR_BYTES 40
/* A string's bytes (into the tree), a number's shortest form, true or false (both in room). False
 * for objects, arrays and null. */
bool scalar_text(const struct cJSON *item, char room[SCALAR_BYTES], struct view *out);

enum fate {
    FATE_FINE,
    FATE_KEPT, /* wrong, but it could be read: value and reason */
    FATE_LOST, /* reason only */
    FATE_NONE, /* says nothing of this field */
};

/* Text values are copied into arena. */
enum fate value_read(const struct profile_field *rule, const struct field *field,
    const struct cJSON *item, struct arena *arena, struct field_value *out, enum reason *reason);

/* False: not a time of this form. */
MUST_USE bool time_read(enum time_form form, const struct cJSON *item, struct instant *out);

/* One record on its way. */
struct decoding {
    const struct normalise_options *opt;
    const struct message *msg;
    struct arena *arena;
    struct decoded *out;
    struct topic_names names;
    const struct device *listed;
    const struct class *class;
    const struct profile *profile;
    const struct cJSON *root;
    bool time_rejected; /* the root's time could not be read, and that has been said */
    bool framed; /* the tree is of frames: a record that the profile has no field for is fine */
    struct reading *readings;
    struct reject *rejects;
    size_t more; /* rejects beyond the limit */
    uint8_t suspect;
    const struct cJSON **root_fields; /* of each of the profile's fields, from the root */
    const struct cJSON **root_times, **root_tests;
    const struct cJSON *root_part; /* NULL: none */
};

/* One of the profile's messages, or the profile itself; NULL: none of them fits. */
const struct profile *message_find(const struct decoding *d, const struct cJSON *root);

/* At most max bytes of text, no character cut. */
struct view short_view(struct view text, size_t max);
/* The value as text, at most max bytes, in the arena. */
struct view render(struct decoding *d, const struct cJSON *item, size_t max);
/* The next reject, or NULL over the limit. The first carries the whole payload, so that it can be
 * run again; the others, to keep the sum bounded, what the caller adds. */
struct reject *add_reject(struct decoding *d, enum reason reason);
/* NULL is fine. Control characters become '?'. */
void set_detail(struct reject *reject, const char *fmt, ...) PRINTF_LIKE(2, 3);
void reject_field(struct decoding *d, const struct profile_field *rule, const struct cJSON *item,
    enum fate fate, enum reason reason);

/* A time that none of the profile's forms can read. */
void reject_time(struct decoding *d, const struct profile_time *time, const struct cJSON *item);

/* What the profile's protocol makes of the payload; flaws become rejects. */
const struct cJSON *read_frames(struct decoding *d, struct frame_out *frames);
/* d->root and what was found in it are there; fills d->out's readings. */
void read_parts(struct decoding *d);
