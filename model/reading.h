/*
 * reading: what one message says of one part of one device, in the fields of its class.
 *
 * Made by ingest/normalise, stored by ingest/writer as one row, judged by alerting. Lives in the
 * arena of the message.
 */
#pragma once

#include "base/instant.h"
#include "base/view.h"
#include "model/class.h"
#include "model/device.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct field_value {
    uint16_t field; /* index in the class */
    double number;  /* FIELD_TEXT: 0 */
    struct view text;
};

/* Why a message is suspect (design section 11): it may raise, it never clears red or orange. */
enum suspect {
    SUSPECT_NO = 0,
    SUSPECT_RETAINED = 1,
    SUSPECT_CHECK = 2,    /* fails its own check but can be read */
    SUSPECT_IDENTITY = 4, /* names another device in its payload than in its topic */
    SUSPECT_SEQUENCE = 8, /* repeats an old sequence number */
    SUSPECT_LATE = 16,    /* older than the newest of its subject; set by the engine */
};

struct reading {
    struct view code;            /* the device's, from the topic */
    uint64_t device;             /* its key */
    const struct device *listed; /* NULL: not in devices.csv */
    const struct class *class;
    struct view compound; /* topic's; what is believed when unlisted or moved */
    struct view part;
    struct instant time; /* row time: the device's where believable, else received */
    struct instant received;
    struct instant said; /* had_time: the device's time, believable or not */
    bool server_time;    /* time is received, because there was none or it was not believable */
    bool had_time;       /* the device sent a time (believable or not) */
    uint8_t suspect;
    bool test;                        /* the device says that it is under test or inspection */
    const struct field_value *values; /* by field */
    size_t n_values;
    uint16_t idx; /* number within the record */
};

struct reject {
    const char *reason; /* stable word: "json-utf8", "range", "unknown-class", ... */
    char detail[160];   /* for a person: field, value, what is allowed */
    struct view raw;    /* the rejected bytes (the whole payload, or the part's text) */
    struct view code;   /* device, "" if unknown */
    struct view class_name;
    uint16_t idx;
};

enum verdict {
    VERDICT_STORED,
    VERDICT_REJECTED,
    VERDICT_DUPLICATE,
    VERDICT_OWN,
    VERDICT_SHED,
    VERDICT_COUNT,
};

extern const char *const verdict_names[VERDICT_COUNT];

/* One journal record, understood. */
struct decoded {
    uint64_t from, pos; /* positions before and after the record */
    struct instant received;
    enum verdict verdict;       /* STORED, REJECTED or OWN; the engine may turn it into DUPLICATE */
    bool dup;                   /* the broker's DUP flag */
    bool retained;              /* the broker had kept it */
    struct view topic, payload; /* as they came */
    /* of (device, boot, sequence) or (device, serial, time), if the profile names one; else 0 */
    uint64_t identity;
    uint64_t content; /* of topic and payload; 0 where there is an identity */
    /* what the identity was made of, if both are whole numbers: for accounts of gaps */
    bool sequenced;
    int64_t boot, sequence;
    const struct reading *readings;
    size_t n_readings;
    const struct reject *rejects;
    size_t n_rejects;
    bool lost;           /* a whole message in it could not be read, whatever else was */
    struct view code;    /* device of the topic, "" if it could not be read */
    const char *profile; /* that read it; NULL: the topic was not understood */
    bool wants_receipt;  /* an application receipt is asked for */
    struct view receipt; /* what to send back with it: the device's own message id */
    bool receipt_raw;    /* receipt is the whole answer, in the device's own protocol */
    uint64_t canary;     /* VERDICT_OWN: number of our canary message, else 0 */
};
