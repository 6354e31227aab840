/*
 * What it costs to understand a message: frames of each protocol beside JSON messages that say the
 * same (only what the profile maps), through normalise() with the shipped classes. Processor time,
 * the two sides in turn, the median of the rounds. usage: decode CONFIG
 */
#include "base/io/fs_posix.h"
#include "config/config.h"
#include "ingest/normalise/normalise.h"
#include "tests/unit/ingest/frame_make.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cjson/cJSON.h>

#define NOW ((struct instant){INT64_C(1795503400000000)})
#define ROUNDS 15
#define ROUND_NS 20e6

struct runner {
    struct profile profile;
    const char *topic;
    struct view payload;
    struct normalise_options opt;
    struct topic_pattern pattern;
    double ns[ROUNDS]; /* a message */
};

static double
cpu_ns(void)
{
    struct timespec at;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
    return (double)at.tv_sec * 1e9 + (double)at.tv_nsec;
}

static size_t
read_once(const struct runner *runner, struct arena *arena)
{
    const struct message msg = {
        .received = NOW, .topic = view_of(runner->topic), .payload = runner->payload};
    struct decoded out;

    arena_reset(arena);
    normalise(&runner->opt, &msg, arena, &out);
    CHECK(out.n_rejects == 0);
    return out.n_readings;
}

static double
measure(const struct runner *runner, struct arena *arena, size_t times)
{
    const double began = cpu_ns();

    for (size_t i = 0; i < times; i++)
        (void)read_once(runner, arena);
    return (cpu_ns() - began) / (double)times;
}

static int
by_size(const void *left, const void *right)
{
    const double a = *(const double *)left;
    const double b = *(const double *)right;

    return (a > b) - (a < b);
}

static double
median(double ns[ROUNDS])
{
    qsort(ns, ROUNDS, sizeof(ns[0]), by_size);
    return ns[ROUNDS / 2];
}

static bool
is_mapped(const struct profile *profile, const char *name)
{
    if (strcmp(name, "part") == 0 || strcmp(name, "time") == 0 || strcmp(name, "test") == 0)
        return true;
    for (size_t i = 0; i < profile->n_fields; i++) {
        if (strcmp(profile->fields[i].path, name) == 0)
            return true;
    }
    return false;
}

/* The frame as the JSON message that its profile would have been written for. */
static char *
as_json(const struct profile *profile, struct view payload, struct arena *arena)
{
    struct frame_out frames;

    frame_decode(&profile->frame, payload, arena, &frames);
    char *text = cJSON_PrintUnformatted(frames.root);
    cJSON *root = cJSON_Parse(text);

    free(text);
    cJSON *record = cJSON_GetObjectItemCaseSensitive(root, "records")->child;

    for (; record != NULL; record = record->next) {
        cJSON *next = NULL;

        for (cJSON *item = record->child; item != NULL; item = next) {
            next = item->next;
            if (!is_mapped(profile, item->string))
                cJSON_Delete(cJSON_DetachItemViaPointer(record, item));
        }
    }
    text = cJSON_PrintUnformatted(root);
    cJSON_Delete(root);
    return text;
}

static void
place(struct runner *runner, const struct config *config, const struct class *class)
{
    runner->pattern = (struct topic_pattern){
        "estate/{district}/{compound}/{class}/{device}/{stream}", class, &runner->profile};
    runner->opt = (struct normalise_options){.lane = "bench",
        .classes = config->classes,
        .devices = &config->devices,
        .patterns = &runner->pattern,
        .n_patterns = 1};
}

static void
compare(const struct config *config, const char *class_name, const char *profile_name,
    const struct made *made)
{
    const struct class *class = class_find(&config->classes, view_of(class_name));
    struct runner frame = {.topic = "estate/XH/TL-01/x/WWTS26110007/event"};
    struct runner json = {.topic = "estate/XH/TL-01/x/WWTS26110007/event"};
    char room[2 * sizeof(made->bytes)];
    struct arena arena;

    arena_init(&arena);
    for (size_t i = 0; i < class->n_profiles; i++) {
        if (strcmp(class->profiles[i]->name, profile_name) == 0)
            frame.profile = *class->profiles[i];
    }
    CHECK(frame.profile.name != NULL);
    frame.payload = made_payload(made, room);
    json.profile = frame.profile;
    json.profile.frame.kind = FRAME_NONE;
    char *text = as_json(&frame.profile, frame.payload, &arena);

    json.payload = view_of(text);
    place(&frame, config, class);
    place(&json, config, class);
    const size_t readings = read_once(&frame, &arena);

    CHECK(readings > 0 && read_once(&json, &arena) == readings);
    const size_t times = (size_t)(ROUND_NS / measure(&json, &arena, 200)) + 1;

    for (int i = 0; i < ROUNDS; i++) {
        frame.ns[i] = measure(&frame, &arena, times);
        json.ns[i] = measure(&json, &arena, times);
    }
    const double a = median(frame.ns);
    const double b = median(json.ns);

    printf("%-9s %-16s %3zu readings  frame %5zu bytes %8.0f ns   JSON %6zu bytes %8.0f ns   "
           "frame/JSON %.2f\n",
        profile_name, made->name, readings, frame.payload.len, a, json.payload.len, b, a / b);
    free(text);
    arena_fini(&arena);
}

static void
compare_all(const struct config *config)
{
    static struct made all[MAKE_MAX];
    const size_t n = make_all(all);
    char rest[64 + 60 * 4] = "34c8003c003c0102006401f4021a6b053500";

    for (size_t i = 0; i < n; i++) {
        if (strcmp(all[i].name, "component-state") == 0 || strcmp(all[i].name, "analogue") == 0 ||
            strcmp(all[i].name, "heartbeat") == 0)
            compare(config, "fire", "gbt26875", &all[i]);
        if (strcmp(all[i].name, "heartbeat-01") == 0 || strcmp(all[i].name, "live-06") == 0)
            compare(config, "charger", "dny", &all[i]);
        if (strcmp(all[i].name, "pressure-3") == 0)
            compare(config, "water", "meokon", &all[i]);
    }
    for (size_t i = 0, len = strlen(rest); i < 60; i++, len += 4)
        (void)snprintf(rest + len, 5, "%04zx", 500 + i);
    const struct made buffered = make_meokon("an hour (60)", rest);

    compare(config, "water", "meokon", &buffered);
}

int
main(int argc, char **argv)
{
    struct problems problems;
    struct arena arena;

    if (argc != 2) {
        (void)fprintf(stderr, "usage: %s CONFIG\n", argv[0]);
        return 2;
    }
    arena_init(&arena);
    struct config *config = config_load(fs_posix(), argv[1], &arena, &problems);

    if (config == NULL) {
        (void)fprintf(stderr, "%s: does not load, see wallwatch check\n", argv[1]);
        return 1;
    }
    compare_all(config);
    config_unref(config);
    arena_fini(&arena);
    return 0;
}
