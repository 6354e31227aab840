/*
 * The lane's side of post. A publish is in one of two queues (urgent, normal) until the window has
 * room, then in `handed` until the child reports it. A child that is gone takes what was handed
 * with it (-1); what is queued may wait for the next one.
 *
 * Each child has its own handles, which end in their close callbacks, so that the next can start
 * while the last one is still being swept away.
 */
#include "alerting/dispatch/post_uv.h"

#include "alerting/dispatch/post_wire.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_MS 5000
#define SILENCE_MS 20000
#define TICK_MS 250
#define RESPAWN_FIRST_MS 100
#define RESPAWN_LAST_MS 2000
#define CLOSE_MS 2000
#define READ_BYTES 65536

struct parcel {
    struct parcel *next;
    uint64_t seq, token;
    post_done_fn *done;
    uint64_t since; /* ms of the loop: when queued, then when handed over */
    struct view topic, payload;
    bool retained;
    char bytes[]; /* topic and payload */
};

struct queue {
    struct parcel *first;
    struct parcel **last;
};

enum reach {
    REACH_UNKNOWN, /* a child is being started or makes its first connection */
    REACH_UP,
    REACH_DOWN,
};

struct child {
    struct post *post; /* NULL: forgotten, only to be swept away */
    uv_process_t process;
    uv_pipe_t pipe;
    int open_handles;
    bool running;
    struct buf in;
    char bytes[READ_BYTES];
};

struct post {
    struct post_options opt;
    char *program; /* opt.program, as uv_spawn wants it */
    struct arena arena;
    struct child *child;
    uv_timer_t tick, respawn;
    int open_handles;
    enum reach reach;
    uint64_t respawn_ms;
    struct queue urgent, normal, handed;
    size_t n_waiting, n_handed;
    uint64_t last_seq;
    bool closing;
    void (*on_closed)(void *arg);
    void *closed_arg;
};

struct sending {
    uv_write_t req;
    struct buf bytes;
};

static void start_child(struct post *post);

static void
queue_init(struct queue *queue)
{
    queue->first = NULL;
    queue->last = &queue->first;
}

static void
queue_put(struct queue *queue, struct parcel *parcel)
{
    parcel->next = NULL;
    *queue->last = parcel;
    queue->last = &parcel->next;
}

static struct parcel *
queue_take(struct queue *queue, struct parcel **at)
{
    struct parcel *parcel = *at;

    *at = parcel->next;
    if (queue->last == &parcel->next)
        queue->last = at;
    return parcel;
}

static void
complete(struct post *post, struct parcel *parcel, int reason)
{
    post->n_waiting--;
    if (parcel->done != NULL && !post->closing)
        parcel->done(post->opt.arg, parcel->token, reason);
    free(parcel);
}

/* Those that have waited so long. A completion may publish again, to the end of the queue. */
static void
fail_older(struct post *post, struct queue *queue, uint64_t age_ms)
{
    const uint64_t now = uv_now(post->opt.loop);
    const uint64_t last_seq = post->last_seq;

    while (queue->first != NULL && queue->first->seq <= last_seq &&
           queue->first->since + age_ms <= now) {
        struct parcel *parcel = queue_take(queue, &queue->first);

        if (queue == &post->handed)
            post->n_handed--;
        complete(post, parcel, -1);
    }
}

static void
tell(struct post *post, enum reach reach, const char *why)
{
    const bool was_up = post->reach == REACH_UP;
    const bool was_down = post->reach == REACH_DOWN;

    post->reach = reach;
    if (post->closing || (reach == REACH_UP ? was_up : was_down && reach == REACH_DOWN))
        return;
    post->opt.on_state(post->opt.arg, reach == REACH_UP, why);
}

/* Writing. */

static void
on_written(uv_write_t *req, int status)
{
    struct sending *sending = req->data;

    (void)status; /* a broken pipe is seen by the reader */
    buf_fini(&sending->bytes);
    free(sending);
}

static struct sending *
new_sending(void)
{
    struct sending *sending = mem_zalloc(1, sizeof(*sending));

    buf_init(&sending->bytes, POST_MAX_FRAME_BYTES + 8);
    sending->req.data = sending;
    return sending;
}

static void
send_to(struct child *child, struct sending *sending)
{
    uv_buf_t out = uv_buf_init(sending->bytes.ptr, (unsigned)sending->bytes.len);

    if (uv_write(&sending->req, (uv_stream_t *)&child->pipe, &out, 1, on_written) != 0)
        on_written(&sending->req, 0);
}

static void
hand_over(struct post *post, struct queue *queue)
{
    struct parcel *parcel = queue_take(queue, &queue->first);
    struct sending *sending = new_sending();

    parcel->since = uv_now(post->opt.loop);
    queue_put(&post->handed, parcel);
    post->n_handed++;
    post_wire_publish(
        &sending->bytes, parcel->seq, parcel->topic, parcel->payload, parcel->retained);
    send_to(post->child, sending);
}

static void
pump(struct post *post)
{
    if (post->child == NULL || post->reach != REACH_UP)
        return;
    while (post->n_handed < POST_WINDOW && post->urgent.first != NULL)
        hand_over(post, &post->urgent);
    while (post->n_handed < POST_WINDOW && post->normal.first != NULL)
        hand_over(post, &post->normal);
}

/* A child's end. */

static void
maybe_closed(struct post *post)
{
    if (!post->closing || post->child != NULL || post->open_handles > 0)
        return;
    struct queue *const queues[] = {&post->urgent, &post->normal, &post->handed};

    for (size_t i = 0; i < ARRAY_LEN(queues); i++) {
        while (queues[i]->first != NULL)
            free(queue_take(queues[i], &queues[i]->first));
    }
    void (*on_closed)(void *arg) = post->on_closed;
    void *arg = post->closed_arg;

    arena_fini(&post->arena);
    free(post);
    if (on_closed != NULL)
        on_closed(arg);
}

static void
on_handle_closed(uv_handle_t *handle)
{
    struct post *post = handle->data;

    post->open_handles--;
    maybe_closed(post);
}

static void
on_child_handle_closed(uv_handle_t *handle)
{
    struct child *child = handle->data;
    struct post *post = child->post;

    if (--child->open_handles > 0)
        return;
    post->open_handles--;
    buf_fini(&child->in);
    free(child);
    maybe_closed(post);
}

static void
close_timers(struct post *post)
{
    if (uv_is_closing((uv_handle_t *)&post->tick))
        return;
    uv_close((uv_handle_t *)&post->tick, on_handle_closed);
    uv_close((uv_handle_t *)&post->respawn, on_handle_closed);
}

static void
on_respawn(uv_timer_t *timer)
{
    start_child(timer->data);
}

/* Its end of the pipe is closed, it speaks nonsense, or it is silent for too long. */
static void
lose_child(struct post *post, const char *why)
{
    struct child *child = post->child;

    post->child = NULL;
    if (child->running)
        (void)uv_process_kill(&child->process, SIGKILL);
    uv_close((uv_handle_t *)&child->pipe, on_child_handle_closed);
    if (post->closing) {
        close_timers(post);
        return;
    }
    log_warning("post.lost", "why='%s' unreported=%zu again_ms=%llu", why, post->n_handed,
        (unsigned long long)post->respawn_ms);
    (void)uv_timer_start(&post->respawn, on_respawn, post->respawn_ms, 0);
    post->respawn_ms *= 2;
    if (post->respawn_ms > RESPAWN_LAST_MS)
        post->respawn_ms = RESPAWN_LAST_MS;
    tell(post, REACH_DOWN, why);
    post->reach = REACH_UNKNOWN; /* the next child decides; until then what is queued waits */
    fail_older(post, &post->handed, 0);
}

static void
on_exit_of_child(uv_process_t *process, int64_t status, int signal_number)
{
    struct child *child = process->data;

    child->running = false;
    if (!child->post->closing && child->post->child == child)
        log_warning("post.exit", "status=%lld signal=%d", (long long)status, signal_number);
    /* What it wrote before it died is still in the pipe: its end decides, not the exit. */
    uv_close((uv_handle_t *)process, on_child_handle_closed);
}

/* Reading. */

static void
on_done(struct post *post, const struct post_frame *frame)
{
    for (struct parcel **at = &post->handed.first; *at != NULL; at = &(*at)->next) {
        if ((*at)->seq != frame->seq)
            continue;
        struct parcel *parcel = queue_take(&post->handed, at);

        post->n_handed--;
        complete(post, parcel, frame->reason);
        return;
    }
}

static void
on_state(struct post *post, const struct post_frame *frame)
{
    char why[512];
    const size_t len = frame->payload.len < sizeof(why) ? frame->payload.len : sizeof(why) - 1;

    if (len > 0)
        memcpy(why, frame->payload.ptr, len);
    why[len] = '\0';
    tell(post, frame->flag ? REACH_UP : REACH_DOWN, why);
    if (frame->flag) {
        post->respawn_ms = RESPAWN_FIRST_MS;
        return;
    }
    fail_older(post, &post->urgent, 0);
    fail_older(post, &post->normal, 0);
}

/* False: not ours. */
static bool
take_frame(struct post *post, const struct post_frame *frame)
{
    switch (frame->kind) {
    case POST_STATE:
        on_state(post, frame);
        return true;
    case POST_DONE:
        on_done(post, frame);
        return true;
    case POST_MESSAGE:
        if (!post->closing)
            post->opt.on_message(post->opt.arg, frame->topic, frame->payload, frame->flag);
        return true;
    case POST_CONFIG:
    case POST_PUBLISH:
    case POST_CLOSE:
        break;
    }
    return false;
}

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct child *child = handle->data;

    (void)suggested;
    *out = uv_buf_init(child->bytes, sizeof(child->bytes));
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes)
{
    struct child *child = stream->data;
    struct post *post = child->post;
    struct post_frame frame;
    enum post_wire got = POST_WIRE_MORE;
    size_t used = 0;
    size_t done = 0;

    if (post->child != child || n == 0)
        return;
    if (n < 0) {
        lose_child(post, "the post child has ended");
        return;
    }
    buf_put(&child->in, view_bytes(bytes->base, (size_t)n));
    while (!child->in.full) {
        const struct view rest = {child->in.ptr + done, child->in.len - done};

        got = post_wire_read(rest, &frame, &used);
        if (got != POST_WIRE_FRAME || !take_frame(post, &frame))
            break;
        done += used;
        got = POST_WIRE_MORE;
    }
    buf_consume(&child->in, done);
    if (got != POST_WIRE_MORE || child->in.full)
        lose_child(post, "the post child speaks nonsense");
    else
        pump(post);
}

/* A child's start. */

static int
spawn(struct post *post, struct child *child)
{
    static char verb[] = "post";
    char *args[] = {post->program, verb, NULL};
    uv_stdio_container_t stdio[4] = {{.flags = UV_IGNORE}, {.flags = UV_INHERIT_FD, .data.fd = 2},
        {.flags = UV_INHERIT_FD, .data.fd = 2},
        {.flags = (uv_stdio_flags)(UV_CREATE_PIPE | UV_READABLE_PIPE | UV_WRITABLE_PIPE),
            .data.stream = (uv_stream_t *)&child->pipe}};
    const uv_process_options_t options = {.exit_cb = on_exit_of_child,
        .file = post->program,
        .args = args,
        .stdio_count = 4,
        .stdio = stdio};

    return uv_spawn(post->opt.loop, &child->process, &options);
}

static void
send_config(struct post *post)
{
    const struct post_config config = {.host = post->opt.host,
        .port = post->opt.port,
        .client_id = post->opt.client_id,
        .username = post->opt.username,
        .password_file = post->opt.password_file,
        .will_topic = post->opt.will_topic,
        .will_body = post->opt.will_body,
        .filters = post->opt.filters,
        .n_filters = post->opt.n_filters};
    struct sending *sending = new_sending();

    post_wire_config(&sending->bytes, &config);
    send_to(post->child, sending);
}

static void
start_child(struct post *post)
{
    struct child *child = mem_zalloc(1, sizeof(*child));

    child->post = post;
    post->child = child;
    post->open_handles++; /* the child as a whole */
    post->reach = REACH_UNKNOWN;
    child->open_handles = 2;
    child->process.data = child;
    child->pipe.data = child;
    buf_init(&child->in, POST_MAX_FRAME_BYTES + READ_BYTES + 8);
    CHECK(uv_pipe_init(post->opt.loop, &child->pipe, 0) == 0);
    child->pipe.data = child;
    const int rc = spawn(post, child);

    child->process.data = child;
    child->running = rc == 0;
    if (rc != 0) {
        log_error("post.spawn", "program=%s why='%s'", post->opt.program, uv_strerror(rc));
        uv_close((uv_handle_t *)&child->process, on_child_handle_closed);
        lose_child(post, "the post child cannot be started");
        return;
    }
    (void)uv_read_start((uv_stream_t *)&child->pipe, on_alloc, on_read);
    send_config(post);
}

/* Ends waiting that is too long: for a first connection, and for a child's report. */
static void
on_tick(uv_timer_t *timer)
{
    struct post *post = timer->data;
    const uint64_t patience = post->reach == REACH_DOWN ? 0 : WAIT_MS;

    if (post->closing) {
        if (post->child != NULL && post->child->running)
            (void)uv_process_kill(&post->child->process, SIGKILL);
        return;
    }
    if (post->reach != REACH_UP) {
        fail_older(post, &post->urgent, patience);
        fail_older(post, &post->normal, patience);
    }
    if (post->child != NULL && post->handed.first != NULL &&
        post->handed.first->since + SILENCE_MS <= uv_now(post->opt.loop))
        lose_child(post, "the post child reports nothing");
}

static const char *
copy_text(struct arena *arena, const char *text)
{
    return text == NULL ? NULL : arena_text(arena, view_of(text));
}

struct post *
post_open(const struct post_options *opt)
{
    struct post *post = mem_zalloc(1, sizeof(*post));
    const char **filters;

    arena_init(&post->arena);
    post->opt = *opt;
    filters = ARENA_ARRAY(&post->arena, opt->n_filters, const char *);
    for (size_t i = 0; i < opt->n_filters; i++)
        filters[i] = copy_text(&post->arena, opt->filters[i]);
    post->opt.filters = filters;
    post->program = arena_text(&post->arena, view_of(opt->program));
    post->opt.program = post->program;
    post->opt.host = copy_text(&post->arena, opt->host);
    post->opt.client_id = copy_text(&post->arena, opt->client_id);
    post->opt.username = copy_text(&post->arena, opt->username);
    post->opt.password_file = copy_text(&post->arena, opt->password_file);
    post->opt.will_topic = copy_text(&post->arena, opt->will_topic);
    post->opt.will_body = copy_text(&post->arena, opt->will_body);
    queue_init(&post->urgent);
    queue_init(&post->normal);
    queue_init(&post->handed);
    post->respawn_ms = RESPAWN_FIRST_MS;
    CHECK(uv_timer_init(opt->loop, &post->tick) == 0);
    CHECK(uv_timer_init(opt->loop, &post->respawn) == 0);
    post->open_handles = 2;
    post->tick.data = post;
    post->respawn.data = post;
    (void)uv_timer_start(&post->tick, on_tick, TICK_MS, TICK_MS);
    /* From the loop: on_state may not be called before post_open has returned. */
    (void)uv_timer_start(&post->respawn, on_respawn, 0, 0);
    return post;
}

void
post_close(struct post *post, void (*on_closed)(void *arg), void *arg)
{
    CHECK(!post->closing);
    post->closing = true;
    post->on_closed = on_closed;
    post->closed_arg = arg;
    if (post->child == NULL) {
        close_timers(post);
        return;
    }
    if (post->reach == REACH_UP) {
        while (post->urgent.first != NULL)
            hand_over(post, &post->urgent);
        while (post->normal.first != NULL)
            hand_over(post, &post->normal);
    }
    struct sending *sending = new_sending();

    post_wire_close(&sending->bytes);
    send_to(post->child, sending);
    (void)uv_timer_stop(&post->respawn);
    (void)uv_timer_start(&post->tick, on_tick, CLOSE_MS, CLOSE_MS);
}

bool
post_up(const struct post *post)
{
    return post->reach == REACH_UP;
}

void
post_publish(struct post *post, struct view topic, struct view payload, bool retained, bool urgent,
    uint64_t token, post_done_fn *done)
{
    CHECK(!post->closing);
    CHECK(topic.len <= POST_MAX_TOPIC_BYTES && payload.len <= POST_MAX_PAYLOAD_BYTES);
    struct parcel *parcel = mem_alloc(sizeof(*parcel) + topic.len + payload.len);

    *parcel = (struct parcel){.seq = ++post->last_seq,
        .token = token,
        .done = done,
        .since = uv_now(post->opt.loop),
        .topic = {parcel->bytes, topic.len},
        .payload = {parcel->bytes + topic.len, payload.len},
        .retained = retained};
    memcpy(parcel->bytes, topic.ptr, topic.len);
    if (payload.len > 0)
        memcpy(parcel->bytes + topic.len, payload.ptr, payload.len);
    queue_put(urgent ? &post->urgent : &post->normal, parcel);
    post->n_waiting++;
    pump(post);
    if (post->reach == REACH_DOWN)
        (void)uv_timer_start(&post->tick, on_tick, 0, TICK_MS);
}

size_t
post_waiting(const struct post *post)
{
    return post->n_waiting;
}

int
post_child_pid(const struct post *post)
{
    return post->child != NULL && post->child->running ? uv_process_get_pid(&post->child->process)
                                                       : 0;
}
