#include "service/sim_play.h"

#include "base/io/clock_posix.h"
#include "service/sim_bad.h"
#include "service/sim_csv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define REPLAY_EVERY SPAN_MS(250)
#define PAYLOAD_MAX_BYTES ((size_t)1024 * 1024)

static uint64_t
draw(struct sim_run *run)
{
    return sim_hash((uint64_t)run->opt->seed, ++run->drawn);
}

static const struct sim_bad *
draw_bad(struct sim_run *run)
{
    if (run->opt->bad == 0 || sim_unit(draw(run)) * 100 >= (double)run->opt->bad)
        return NULL;
    return sim_bad_at(draw(run) % sim_bad_count());
}

/* False: the window of its connection is full; nothing was drawn or sent. */
static bool
send_next(struct sim_run *run, struct sim_device *device, struct view row, struct instant now)
{
    struct sim_message msg = {.device = device->code, .boot = device->boot, .sent = now};
    char topic[600];

    if (sim_links_full(run->links, device->timer.key / SIM_PER_LINK))
        return false;
    const struct sim_bad *bad = draw_bad(run);

    buf_reset(&run->payload);
    sim_device_say(device, now, bad == NULL ? SIM_GOOD : bad->twist, row, &run->payload, &msg.at);
    msg.topic = device->topic;
    msg.parts = device->script->parts > 0 && row.len == 0 ? device->script->parts : 1;
    if (bad != NULL) {
        sim_bad_spoil(bad, &run->payload);
        sim_bad_topic(bad, device->topic, topic, sizeof(topic));
        msg.topic = topic;
        msg.bad = bad->name;
        msg.parts = bad->readable ? msg.parts : 0;
    }
    msg.payload = buf_view(&run->payload);
    msg.seq = device->seq;
    msg.fault = device->fault == NULL ? NULL : device->fault->name;
    sim_links_send(run->links, device->timer.key / SIM_PER_LINK, &msg);
    return true;
}

static void
start_faults(struct sim_run *run, struct instant now)
{
    struct sim_order any;

    for (size_t i = 0; i < run->orders.len; i++) {
        struct sim_order *order = &run->orders.at[i];

        if (order->fault == NULL || instant_cmp(order->at, now) > 0)
            continue;
        sim_device_fault(order->device, order->fault, order->part, now);
        timers_set(&run->fleet.timers, &order->device->timer, now);
        order->fault = NULL;
    }
    while (run->opt->fault_rate > 0 && instant_cmp(run->next_fault, now) <= 0) {
        if (sim_fleet_any_fault(&run->fleet, draw(run), &any) && any.device->fault == NULL) {
            sim_device_fault(any.device, any.fault, any.part, now);
            timers_set(&run->fleet.timers, &any.device->timer, now);
        }
        run->next_fault = instant_add(run->next_fault,
            SPAN_US((int64_t)(2 * sim_unit(draw(run)) * 3.6e9 / (double)run->opt->fault_rate) + 1));
    }
}

static void
show_progress(struct sim_run *run, struct instant now)
{
    if (!run->opt->progress || instant_cmp(now, run->next_line) < 0)
        return;
    const struct sim_totals t = sim_links_totals(run->links);

    run->next_line = instant_add(now, SPAN_S(1));
    (void)fprintf(stderr,
        "\r%5" PRId64 " s  sent %" PRIu64 "  acknowledged %" PRIu64 "  waiting %" PRIu64
        "  refused %" PRIu64 "  connections %zu ",
        instant_since(now, run->start).us / 1000000, t.sent, t.acknowledged, t.waiting, t.refused,
        t.connected);
}

void
sim_play_fleet(struct sim_run *run)
{
    while (!*run->opt->stopped) {
        const struct instant now = clock_wall();
        struct timer *timer = NULL;
        bool full = false;

        if (instant_cmp(now, run->end) >= 0)
            return;
        start_faults(run, now);
        while (!full && (timer = timers_pop(&run->fleet.timers, now)) != NULL) {
            struct sim_device *device = sim_fleet_of_timer(&run->fleet, timer);

            full = !send_next(run, device, (struct view){"", 0}, now);
            if (full)
                timers_set(&run->fleet.timers, timer, now);
            else
                sim_fleet_next(&run->fleet, device, timer->when, now);
        }
        show_progress(run, now);
        const struct span left = instant_since(timers_next(&run->fleet.timers), clock_wall());

        sim_links_wait(run->links, full || left.us > 100000 ? SPAN_MS(full ? 5 : 100)
                                                            : SPAN_US(left.us < 1 ? 1 : left.us));
    }
}

static bool
read_line(FILE *file, char **line, size_t *cap, struct view *out)
{
    const ssize_t len = getline(line, cap, file);

    if (len < 0)
        return false;
    *out = (struct view){*line, (size_t)len};
    while (out->len > 0 && (out->ptr[out->len - 1] == '\n' || out->ptr[out->len - 1] == '\r'))
        out->len--;
    return true;
}

bool
sim_play_file(struct sim_run *run, struct arena *arena, struct err *err)
{
    FILE *file = fopen(run->opt->replay, "re");
    char *line = NULL;
    size_t cap = 0;
    struct view text;
    struct sim_csv csv;
    struct buf row;
    double gap = (double)REPLAY_EVERY.us / (double)run->opt->speed;
    size_t i = 0;

    if (run->opt->rate > 0)
        gap = 1e6 / (double)run->opt->rate;
    if (file == NULL || !read_line(file, &line, &cap, &text)) {
        free(line);
        if (file != NULL)
            (void)fclose(file);
        return err_set(err, ERR_GONE, "--replay: '%s' cannot be read", run->opt->replay);
    }
    buf_init(&row, 65536);
    const bool good = sim_csv_header(arena, text, &csv, err);

    for (size_t k = 0; good && k < csv.n; k++)
        csv.names[k] = sim_script_column(run->fleet.at[0].script, csv.names[k]);

    while (good && !*run->opt->stopped && instant_cmp(clock_wall(), run->end) < 0 &&
           read_line(file, &line, &cap, &text)) {
        const struct instant due = instant_add(run->start, SPAN_US((int64_t)((double)i * gap)));
        struct instant now = clock_wall();

        buf_reset(&row);
        sim_csv_row(&csv, text, &row);
        while (!*run->opt->stopped && instant_cmp(now, due) < 0) {
            sim_links_wait(run->links, SPAN_US(instant_since(due, now).us));
            now = clock_wall();
        }
        while (!*run->opt->stopped && row.len > 0 &&
               !send_next(run, &run->fleet.at[i % run->fleet.n], buf_view(&row), now))
            sim_links_wait(run->links, SPAN_MS(5));
        show_progress(run, now);
        i++;
    }
    buf_fini(&row);
    free(line);
    (void)fclose(file);
    return good;
}
