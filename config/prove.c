/*
 * Proofs about the whole: every topic has one owner, and no rule spans lanes.
 */
#include "config/load.h"
#include "config/topic.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const streams[] = {"telemetry", "event", "status"};

/* One lane owns what all filters with equal claim to a topic say; more is an error. */
static const struct lane_config *
owner_of(const struct config *config, const char *topic, const struct lane_config **rival)
{
    const struct lane_config *owner = config_lane_of(config, view_of(topic));
    const char *best = NULL;

    *rival = NULL;
    if (owner == NULL)
        return NULL;
    for (size_t j = 0; j < owner->n_filters; j++) {
        const struct view filter = view_of(owner->filters[j]);

        if (filter_matches(filter, view_of(topic)) &&
            (best == NULL || filter_compare(filter, view_of(best)) > 0))
            best = owner->filters[j];
    }
    for (size_t i = 0; i < config->n_lanes; i++) {
        const struct lane_config *lane = &config->lanes[i];

        for (size_t j = 0; best != NULL && lane != owner && j < lane->n_filters; j++) {
            if (filter_matches(view_of(lane->filters[j]), view_of(topic)) &&
                filter_compare(view_of(lane->filters[j]), view_of(best)) == 0)
                *rival = lane;
        }
    }
    return owner;
}

static const char *
district_of(const struct compound *compound)
{
    const struct unit *district = compound->units[TIER_DISTRICT];

    return district != NULL ? district->id : "-";
}

struct claim { /* a device's topics */
    const struct lane_config *owner;
    bool flawed; /* reported already */
};

/* All streams of a device must have one and the same owner. */
static struct claim
claim_device(struct loader *loader, const struct compound *compound, const struct class *class,
    const char *device)
{
    struct claim claim = {0};

    for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
        const struct lane_config *rival;
        char topic[512];

        (void)snprintf(topic, sizeof(topic), "estate/%s/%s/%s/%s/%s", district_of(compound),
            compound->id, class->name, device, streams[i]);
        const struct lane_config *owner = owner_of(loader->config, topic, &rival);
        const struct node *node = loader->site_lanes;

        if (owner == NULL) {
            report(loader->schema.reporter, node, "no-owner", "no lane takes in '%s'",
                "没有通道接收 '%s'", topic);
            report_hint(loader->schema.reporter, "add a filter for it, or 'estate/#' to a lane",
                "请为它加一个过滤器, 或在某通道加 'estate/#'");
        } else if (rival != NULL) {
            report(loader->schema.reporter, node, "two-owners",
                "lanes '%s' and '%s' have the same claim to '%s'",
                "通道 '%s' 与 '%s' 对 '%s' 有同等权利", owner->name, rival->name, topic);
        } else if (i > 0 && owner != claim.owner) {
            report(loader->schema.reporter, node, "split-device",
                "lanes '%s' and '%s' share the streams of one device: '%s'",
                "通道 '%s' 与 '%s' 分占同一设备的主题: '%s'", claim.owner->name, owner->name,
                topic);
        } else {
            claim.owner = owner;
            continue;
        }
        report_is_proof(loader->schema.reporter);
        claim.flawed = true;
        return claim;
    }
    return claim;
}

/* Does a filter name single devices? Then devices of one compound may be in several lanes. */
static bool
names_devices(const struct config *config)
{
    for (size_t i = 0; i < config->n_lanes; i++) {
        for (size_t j = 0; j < config->lanes[i].n_filters; j++) {
            const struct view level = topic_level(view_of(config->lanes[i].filters[j]), 4);

            if (level.ptr != NULL && !view_is(level, "+") && !view_is(level, "#"))
                return true;
        }
    }
    return false;
}

/* A rule by zone, building or compound looks at devices of one class in one compound. */
static void
prove_spans(struct loader *loader, const struct claim *usual)
{
    const struct config *config = loader->config;
    const size_t n_classes = config->classes.len;

    for (size_t i = 0; i < config->devices.len; i++) {
        const struct device *device = &config->devices.at[i];
        const size_t compound = (size_t)(device->compound - config->grid.compounds);
        const struct claim *most = &usual[compound * n_classes + device->class->index];

        if (most->flawed)
            continue;
        const struct claim claim =
            claim_device(loader, device->compound, device->class, device->code);

        if (claim.flawed || claim.owner == most->owner)
            continue;
        for (size_t j = 0; j < config->rules.len; j++) {
            const struct rule *rule = &config->rules.at[j];

            if (rule->class != device->class || rule->per == PER_DEVICE)
                continue;
            report(loader->schema.reporter, loader->rule_nodes[j], "rule-spans-lanes",
                "rule '%s' looks across lanes '%s' and '%s' in compound '%s'",
                "规则 '%s' 跨越通道 '%s' 与 '%s' (小区 '%s')", rule->id, most->owner->name,
                claim.owner->name, device->compound->id);
            report_is_proof(loader->schema.reporter);
        }
    }
}

static void
prove_patterns(struct loader *loader)
{
    const struct config *config = loader->config;

    for (size_t i = 0; i < config->n_patterns; i++) {
        const struct view pattern = view_of(config->patterns[i].pattern);
        const struct lane_config *rival;
        struct buf topic;

        buf_init(&topic, 1024);
        topic_sample(pattern, &topic);
        buf_char(&topic, '\0');
        if (owner_of(config, topic.ptr, &rival) == NULL) {
            report(loader->schema.reporter, loader->pattern_nodes[i], "no-owner",
                "no lane takes in '%.*s'", "没有通道接收 '%.*s'", VIEW_ARG(pattern));
            report_is_proof(loader->schema.reporter);
        }
        buf_fini(&topic);
    }
}

void
prove_lanes(struct loader *loader)
{
    const struct config *config = loader->config;
    const struct grid *grid = &config->grid;
    const size_t n_classes = config->classes.len;

    /* a proof about what is wrong anyway would only repeat it */
    if (report_spoiled(loader->schema.reporter, "site.yaml") ||
        report_spoiled(loader->schema.reporter, "grid.yaml"))
        return;
    struct claim *usual =
        ARENA_ARRAY(loader->schema.scratch, grid->n_compounds * n_classes, struct claim);

    for (size_t j = 0; j < n_classes; j++) {
        bool flawed = false;

        for (size_t i = 0; i < grid->n_compounds; i++) {
            struct claim *claim = &usual[i * n_classes + j];

            /* one complaint a class, not one a compound */
            if (!flawed)
                *claim =
                    claim_device(loader, &grid->compounds[i], &config->classes.at[j], ANY_DEVICE);
            claim->flawed = claim->flawed || flawed;
            flawed = claim->flawed;
        }
    }
    prove_patterns(loader);
    if (names_devices(config))
        prove_spans(loader, usual);
}
