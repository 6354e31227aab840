/*
 * A lane's configuration: at start what `current` names in the state folder (the very first start
 * applies by itself), on SIGHUP the new one, loaded on the pool and fed as INPUT_CONFIG.
 */
#include "base/io/fs_posix.h"
#include "base/log.h"
#include "service/configured.h"
#include "service/lane.h"

#include <inttypes.h>
#include <stdio.h>

static void
load_new(uv_work_t *work)
{
    struct lane *lane = work->data;
    uint32_t version;

    lane->reloaded = NULL;
    lane->reload_err = (struct err){0};
    if (!config_current(lane->fs, lane->state_dir, &version, &lane->reload_err))
        return;
    if (version == lane->reload_version)
        return;
    if (!config_load_version(
            lane->fs, lane->state_dir, version, &lane->reloaded, &lane->reload_err))
        lane->reloaded = NULL;
}

static void
take_over(struct lane *lane)
{
    char body[64];

    if (lane->reloaded == NULL) {
        if (lane->reload_err.kind != ERR_NONE)
            log_error("config.reload", "text=\"%s\" next=\"version %" PRIu32 " stays in force\"",
                lane->reload_err.text, lane->config->version);
        return;
    }
    if (lane->closing) {
        config_unref(lane->reloaded);
        return;
    }
    (void)snprintf(body, sizeof(body), "{\"version\":%" PRIu32 "}", lane->reloaded->version);
    *VEC_PUSH(&lane->eras) =
        (struct lane_era){lane->intake.judged, lane->reloaded->version, config_ref(lane->reloaded)};
    lane_use_config_take(lane, lane->reloaded);
    lane->reloaded = NULL;
    lane_load_keys(lane);
    lane_feed(lane, INPUT_CONFIG, view_of(body));
    log_info("config.in_force", "version=%" PRIu32, lane->config->version);
}

static void
after_load(uv_work_t *work, int status)
{
    struct lane *lane = work->data;

    (void)status;
    lane->reloading = false;
    take_over(lane);
    /* applied once more while this one was being read */
    if (lane->reload_again)
        lane_reload(lane);
}

void
lane_reload(struct lane *lane)
{
    if (lane->reloading)
        lane->reload_again = true;
    if (lane->reloading || lane->closing)
        return;
    lane->reload_again = false;
    lane->reloading = true;
    lane->reload_version = lane->config->version;
    lane->reload_work.data = lane;
    CHECK(uv_queue_work(lane->loop, &lane->reload_work, load_new, after_load) == 0);
}

/* A key that cannot be read is no reason to be deaf for all others: its sender is refused. */
void
lane_load_keys(struct lane *lane)
{
    const struct config *config = lane->config;

    arena_reset(&lane->keys_arena);
    lane->keys = ARENA_ARRAY(&lane->keys_arena, config->n_clients, struct sender_key);
    lane->n_keys = 0;
    for (size_t i = 0; i < config->n_clients; i++) {
        const struct client *client = &config->clients[i];
        struct view key;
        struct err err;

        if (!configured_key(client->key_file, &lane->keys_arena, &key, &err)) {
            log_error("client.key", "client=%s text=\"%s\"", client->id, err.text);
            continue;
        }
        lane->keys[lane->n_keys++] = (struct sender_key){client->id, key};
    }
}
