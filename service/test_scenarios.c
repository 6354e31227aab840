#include "service/test_scenarios.h"

#include "base/io/fs_posix.h"
#include "base/vec.h"
#include "scenario/scenario.h"

#include <stdio.h>
#include <stdlib.h>

#define SUFFIX ".scn"

struct name {
    char *text;
};

struct run {
    const struct config *config;
    enum lang lang;
    bool *raised; /* by rule, then by folding */
    VEC(struct name) names;
    /* one scenario */
    const char *file; /* "tests/lifts.scn" */
    size_t failures;
    struct arena arena;
    VEC(struct device) own; /* devices that only it has */
    struct device_table devices;
    struct engine_options options;
};

static void
print_failure(void *arg, int line, const char *at, const struct words *what)
{
    struct run *run = arg;

    run->failures++;
    (void)printf("%s:%d: %s: %s\n", run->file, line, at, words_in(what, run->lang));
}

static void
note_raised(void *arg, const char *rule)
{
    const struct run *run = arg;
    const struct ruleset *rules = &run->config->rules;
    const struct rule *found = rule_find(rules, view_of(rule));

    if (found != NULL)
        run->raised[found - rules->at] = true;
    for (size_t i = 0; i < rules->n_foldings; i++) {
        if (strcmp(rules->foldings[i].rule.id, rule) == 0)
            run->raised[rules->len + i] = true;
    }
}

static bool
add_device(void *arg, const char *code, const char *class_name, const char *compound_id,
    const char *zone, struct err *err)
{
    struct run *run = arg;
    const struct device *listed = device_find(&run->config->devices, view_of(code));
    const struct class *class = class_find(&run->config->classes, view_of(class_name));
    const struct compound *compound = compound_find(&run->config->grid, view_of(compound_id));

    if (class == NULL || compound == NULL) {
        return err_set(err, ERR_INPUT, "'%s' is not a %s of this configuration",
            class == NULL ? class_name : compound_id, class == NULL ? "class" : "compound");
    }
    if (!device_code_valid(view_of(code)))
        return err_set(err, ERR_INPUT, "'%s' is not a device's code", code);
    if (listed != NULL) {
        return (listed->class == class && listed->compound == compound) ||
               err_set(err, ERR_INPUT, "'%s' is listed as %s in %s", code, listed->class->name,
                   listed->compound->id);
    }
    struct device *own = VEC_PUSH(&run->own);

    own->code = arena_text(&run->arena, view_of(code));
    own->key = device_key(view_of(code));
    own->class = class;
    own->profile = class->profiles[0];
    own->compound = compound;
    own->building = own->gateway = own->name = "";
    own->zone = arena_text(&run->arena, view_of(zone));
    return true;
}

static int
compare_codes(const void *a, const void *b)
{
    return strcmp(((const struct device *)a)->code, ((const struct device *)b)->code);
}

/* The listed devices and its own. */
static void
join_devices(struct run *run)
{
    const struct device_table *listed = &run->config->devices;
    const size_t len = listed->len + run->own.len;
    struct device *all = ARENA_ARRAY(&run->arena, len, struct device);

    if (listed->len > 0)
        memcpy(all, listed->at, listed->len * sizeof(*all));
    memcpy(all + listed->len, run->own.at, run->own.len * sizeof(*all));
    qsort(all, len, sizeof(*all), compare_codes);
    for (size_t i = 0; i < len; i++)
        (void)map_put(&run->devices.by_code, view_of(all[i].code), &all[i]);
    run->devices.at = all;
    run->devices.len = len;
    run->options.devices = &run->devices;
}

/* A lane judges the silence of its own devices only: the script's first one says which it is. */
static const struct lane_config *
find_lane(const struct config *config, const struct device *device)
{
    for (size_t i = 0; device != NULL && device->lane != NULL && i < config->n_lanes; i++) {
        if (strcmp(config->lanes[i].name, device->lane) == 0)
            return &config->lanes[i];
    }
    return &config->lanes[config->n_lanes - 1];
}

static bool
configure(void *arg, const char *name, const char *device, const struct engine_options **out,
    struct err *err)
{
    struct run *run = arg;
    const struct config *config = run->config;

    if (name[0] != '\0' && strcmp(name, "..") != 0)
        return err_set(err, ERR_INPUT, "'%s': these scenarios are about config ..", name);
    config_engine_options(
        config, find_lane(config, device_find(&config->devices, view_of(device))), &run->options);
    if (run->own.len > 0)
        join_devices(run);
    *out = &run->options;
    return true;
}

static void
add_name(void *arg, const char *name)
{
    struct run *run = arg;
    const size_t len = strlen(name);

    if (len > strlen(SUFFIX) && strcmp(name + len - strlen(SUFFIX), SUFFIX) == 0)
        VEC_PUSH(&run->names)->text = strdup(name);
}

static int
compare_names(const void *a, const void *b)
{
    return strcmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

/* False: it failed, or could not be read. */
static bool
run_file(struct run *run, const char *folder, const char *name)
{
    const struct scenario_host host = {.arg = run,
        .configure = configure,
        .device = add_device,
        .failed = print_failure,
        .raised = note_raised};
    char *path = fs_join(folder, name), *shown = fs_join("tests", name);
    struct buf text;
    struct err err = {0};

    run->file = shown;
    run->failures = 0;
    arena_init(&run->arena);
    map_init(&run->devices.by_code);
    buf_init(&text, SCENARIO_MAX_BYTES);
    if (fs_read_all(fs_posix(), path, &text, &err)) {
        scenario_run(buf_view(&text), &host);
    } else {
        (void)printf("%s: %s\n", shown, err.text);
        run->failures++;
    }
    buf_fini(&text);
    VEC_FREE(&run->own);
    map_fini(&run->devices.by_code);
    arena_fini(&run->arena);
    free(path);
    free(shown);
    return run->failures == 0;
}

static void
print_coverage(const struct run *run)
{
    const struct ruleset *rules = &run->config->rules;
    size_t n = 0;

    for (size_t i = 0; i < rules->len + rules->n_foldings; i++) {
        if (run->raised[i])
            continue;
        if (n++ == 0)
            (void)printf(run->lang == LANG_ZH ? "没有场景触发的规则:" : "raised by no scenario:");
        (void)printf(
            " %s", i < rules->len ? rules->at[i].id : rules->foldings[i - rules->len].rule.id);
    }
    if (n > 0)
        (void)printf("\n");
}

bool
test_scenarios(const char *dir, const struct config *config, enum lang lang)
{
    struct run run = {.config = config, .lang = lang};
    char *folder = fs_join(dir, "tests");
    struct err err = {0};
    size_t failed = 0;

    run.raised = mem_zalloc(config->rules.len + config->rules.n_foldings + 1, sizeof(bool));
    /* no folder: no scenarios */
    (void)fs_posix()->list(fs_posix()->self, folder, add_name, &run, &err);
    if (run.names.len > 1)
        qsort(run.names.at, run.names.len, sizeof(run.names.at[0]), compare_names);
    for (size_t i = 0; i < run.names.len; i++) {
        failed += !run_file(&run, folder, run.names.at[i].text);
        free(run.names.at[i].text);
    }
    print_coverage(&run);
    (void)printf(lang == LANG_ZH ? "%zu 个场景, %zu 个失败\n" : "%zu scenarios, %zu failed\n",
        run.names.len, failed);
    VEC_FREE(&run.names);
    free(run.raised);
    free(folder);
    return failed == 0;
}
