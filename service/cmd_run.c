/*
 * run: the supervisor of one configuration on one machine: a child for each lane and one for the
 * console if site.yaml has one, restarted with
 * back-off when it dies, its lines passed on with its name in front. SIGTERM and SIGHUP go to all
 * children; a child dies with us whatever happens to us (PR_SET_PDEATHSIG).
 */
#include "base/log.h"
#include "service/commands.h"
#include "service/configured.h"
#include "service/notify_posix.h"
#include "service/options.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>
#include <uv.h>

#define BACK_OFF_MIN_MS 500
#define BACK_OFF_MAX_MS 30000
#define LIVED_MS 60000 /* a child that lived so long starts again at once */
#define STOP_AT_MOST_MS 12000
#define LINE_BYTES 4096

struct child {
    struct supervisor *boss;
    const char *name, *lane; /* lane NULL: the console */
    pid_t pid;               /* 0: not running */
    uv_pipe_t pipe;
    bool pipe_open;
    uv_timer_t again;
    uint64_t started, back_off;
    char line[LINE_BYTES];
    size_t line_len;
    char *argv[8]; /* in the supervisor's arena */
};

struct supervisor {
    uv_loop_t *loop;
    const char *config_dir, *state_dir;
    char program[4096];
    struct arena arena;
    struct child *children;
    size_t n_children;
    uv_signal_t signals[4];
    uv_timer_t watchdog, give_up;
    bool stopping;
    int code;
};

static void start_child(struct child *child);

static void
pass_line(struct child *child)
{
    (void)fprintf(stderr, "%s| %.*s\n", child->name, (int)child->line_len, child->line);
    child->line_len = 0;
}

static void
on_alloc(uv_handle_t *handle, size_t want, uv_buf_t *out)
{
    struct child *child = handle->data;

    (void)want;
    if (child->line_len == LINE_BYTES)
        pass_line(child);
    *out = uv_buf_init(child->line + child->line_len, (unsigned)(LINE_BYTES - child->line_len));
}

static void
on_pipe_closed(uv_handle_t *handle)
{
    struct child *child = handle->data;

    child->pipe_open = false;
}

static void
on_output(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct child *child = stream->data;

    (void)buf;
    if (n < 0) {
        if (child->line_len > 0)
            pass_line(child);
        uv_close((uv_handle_t *)stream, on_pipe_closed);
        return;
    }
    char *start = child->line;
    char *end = child->line + child->line_len + (size_t)n;
    char *newline;

    while ((newline = memchr(start, '\n', (size_t)(end - start))) != NULL) {
        (void)fprintf(stderr, "%s| %.*s\n", child->name, (int)(newline - start), start);
        start = newline + 1;
    }
    child->line_len = (size_t)(end - start);
    memmove(child->line, start, child->line_len);
}

/* In the child: only calls that are safe after fork. */
_Noreturn static void
become_lane(const struct child *child, int out, pid_t parent)
{
    sigset_t none;

    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(1);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL); /* NOLINT(concurrency-mt-unsafe): one thread */
    (void)dup2(out, STDOUT_FILENO);
    (void)dup2(out, STDERR_FILENO);
    (void)execv(child->boss->program, child->argv);
    _exit(127);
}

static void
on_again(uv_timer_t *timer)
{
    start_child(timer->data);
}

static void
start_later(struct child *child)
{
    (void)uv_timer_start(&child->again, on_again, child->back_off, 0);
}

static void
start_child(struct child *child)
{
    struct supervisor *boss = child->boss;
    const pid_t self = getpid();
    int fds[2];

    if (boss->stopping)
        return;
    /* The last one's output is still being read: its pipe is used again when it has closed. */
    if (child->pipe_open || pipe(fds) != 0) {
        start_later(child);
        return;
    }
    (void)fcntl(fds[0], F_SETFD, FD_CLOEXEC);
    (void)fcntl(fds[1], F_SETFD, FD_CLOEXEC);
    child->pid = fork();
    if (child->pid == 0)
        become_lane(child, fds[1], self);
    (void)close(fds[1]);
    if (child->pid < 0) {
        log_error("run.fork", "child=%s errno=%d", child->name, errno);
        child->pid = 0;
        (void)close(fds[0]);
        start_later(child);
        return;
    }
    child->started = uv_now(boss->loop);
    child->pipe.data = child;
    (void)uv_pipe_init(boss->loop, &child->pipe, 0);
    (void)uv_pipe_open(&child->pipe, fds[0]);
    (void)uv_read_start((uv_stream_t *)&child->pipe, on_alloc, on_output);
    child->pipe_open = true;
    log_info("run.started", "child=%s pid=%ld", child->name, (long)child->pid);
}

static void
close_all(struct supervisor *boss)
{
    for (size_t i = 0; i < boss->n_children; i++)
        uv_close((uv_handle_t *)&boss->children[i].again, NULL);
    for (size_t i = 0; i < ARRAY_LEN(boss->signals); i++)
        uv_close((uv_handle_t *)&boss->signals[i], NULL);
    uv_close((uv_handle_t *)&boss->watchdog, NULL);
    uv_close((uv_handle_t *)&boss->give_up, NULL);
}

static void
child_gone(struct child *child, int status)
{
    struct supervisor *boss = child->boss;
    const uint64_t lived = uv_now(boss->loop) - child->started;

    child->pid = 0;
    if (boss->stopping) {
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            boss->code = EXIT_FOUND;
        for (size_t i = 0; i < boss->n_children; i++) {
            if (boss->children[i].pid != 0)
                return;
        }
        close_all(boss);
        return;
    }
    child->back_off = lived > LIVED_MS                        ? BACK_OFF_MIN_MS
                      : child->back_off * 2 > BACK_OFF_MAX_MS ? BACK_OFF_MAX_MS
                                                              : child->back_off * 2;
    log_error("run.died", "child=%s how=%s code=%d next=\"again in %llu ms\"", child->name,
        WIFSIGNALED(status) ? "signal" : "exit",
        WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
        (unsigned long long)child->back_off);
    start_later(child);
}

static void
on_child(struct supervisor *boss)
{
    for (size_t i = 0; i < boss->n_children; i++) {
        int status;

        if (boss->children[i].pid != 0 &&
            waitpid(boss->children[i].pid, &status, WNOHANG) == boss->children[i].pid)
            child_gone(&boss->children[i], status);
    }
}

static void
tell_children(struct supervisor *boss, int number)
{
    for (size_t i = 0; i < boss->n_children; i++) {
        if (boss->children[i].pid != 0)
            (void)kill(boss->children[i].pid, number);
    }
}

static void
on_give_up(uv_timer_t *timer)
{
    struct supervisor *boss = timer->data;

    log_error("run.stop", "text=\"a child did not stop in time\" next=SIGKILL");
    tell_children(boss, SIGKILL);
}

static void
on_signal(uv_signal_t *handle, int number)
{
    struct supervisor *boss = handle->data;
    bool any = false;

    if (number == SIGCHLD) {
        on_child(boss);
        return;
    }
    if (number == SIGHUP) {
        tell_children(boss, SIGHUP);
        return;
    }
    if (boss->stopping)
        return;
    boss->stopping = true;
    notify("STOPPING=1");
    tell_children(boss, SIGTERM);
    for (size_t i = 0; i < boss->n_children; i++) {
        any = any || boss->children[i].pid != 0;
        (void)uv_timer_stop(&boss->children[i].again);
    }
    if (any)
        (void)uv_timer_start(&boss->give_up, on_give_up, STOP_AT_MOST_MS, 0);
    else
        close_all(boss);
}

static void
on_watchdog(uv_timer_t *timer)
{
    (void)timer;
    notify("WATCHDOG=1");
}

static void
make_words(struct child *child)
{
    const struct supervisor *boss = child->boss;
    const char *words[] = {"wallwatch", child->lane == NULL ? "console" : "lane", child->lane,
        "--config", boss->config_dir, boss->state_dir != NULL ? "--state" : NULL, boss->state_dir};
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (words[i] != NULL)
            child->argv[n++] = arena_text(&child->boss->arena, view_of(words[i]));
    }
}

static int
supervise(struct supervisor *boss, const struct config *config)
{
    const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
    uv_loop_t loop;

    (void)uv_loop_init(&loop);
    boss->loop = &loop;
    arena_init(&boss->arena);
    boss->n_children = config->n_lanes + (config->console.client != NULL ? 1 : 0);
    boss->children = mem_zalloc(boss->n_children, sizeof(*boss->children));
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        boss->signals[i].data = boss;
        (void)uv_signal_init(&loop, &boss->signals[i]);
        (void)uv_signal_start(&boss->signals[i], on_signal, numbers[i]);
    }
    boss->watchdog.data = boss->give_up.data = boss;
    (void)uv_timer_init(&loop, &boss->watchdog);
    (void)uv_timer_init(&loop, &boss->give_up);
    (void)uv_timer_start(&boss->watchdog, on_watchdog, 1000, 1000);
    for (size_t i = 0; i < boss->n_children; i++) {
        struct child *child = &boss->children[i];

        child->boss = boss;
        child->lane = i < config->n_lanes ? config->lanes[i].name : NULL;
        child->name = child->lane != NULL ? child->lane : "console";
        make_words(child);
        child->back_off = BACK_OFF_MIN_MS;
        child->again.data = child;
        (void)uv_timer_init(&loop, &child->again);
        start_child(child);
    }
    notify("READY=1");
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&loop);
    free(boss->children);
    arena_fini(&boss->arena);
    return boss->code;
}

int
cmd_run(int argc, char **argv)
{
    static struct supervisor boss = {.config_dir = CONFIG_DIR_DEFAULT};
    const struct option_row rows[] = {
        {"config", "DIR", "folder of the configuration (default " CONFIG_DIR_DEFAULT ")",
            &boss.config_dir, NULL},
        {"state", "DIR", "state folder (default: as site.yaml says)", &boss.state_dir, NULL},
    };
    const struct usage usage = {"run", "",
        "Runs all lanes of one configuration on this machine until SIGTERM, and starts again what\n"
        "dies. SIGHUP goes to all of them: they take over the version that is in force now.",
        rows, ARRAY_LEN(rows), 0, 0};
    struct config *config = NULL;
    const char *args[1];
    int n_args;
    int code;

    if (!options_read(&usage, argc, argv, args, &n_args, &code))
        return code;
    log_setup(LOG_INFO, "run");
    const ssize_t len = readlink("/proc/self/exe", boss.program, sizeof(boss.program) - 1);

    if (len <= 0 || sodium_init() < 0) {
        (void)fprintf(stderr, "wallwatch run: /proc/self/exe or libsodium is not there\n");
        return EXIT_FOUND;
    }
    boss.program[len] = '\0';
    if (!configured_start(boss.config_dir, boss.state_dir, NULL, &config))
        return EXIT_FOUND;
    code = supervise(&boss, config);
    config_unref(config);
    return code;
}
