#include "service/sim_hook_mhd.h"

#include "base/arena.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <microhttpd.h>

struct sim_hook {
    struct MHD_Daemon *daemon;
    const char *asleep;
    bool quiet;
};

bool
sim_listed(const char *list, struct view id)
{
    while (list != NULL && *list != '\0') {
        const size_t len = strcspn(list, ",");

        if (view_eq((struct view){list, len}, id))
            return true;
        list += list[len] == ',' ? len + 1 : len;
    }
    return false;
}

/* The first call brings the head, the next ones the body, the last one nothing. */
static enum MHD_Result
on_request(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
    const char *version, const char *body, size_t *len, void **seen)
{
    const struct sim_hook *hook = arg;
    static int mark;

    (void)version;
    (void)body;
    if (*seen == NULL || *len > 0) {
        *seen = &mark;
        *len = 0;
        return MHD_YES;
    }
    if (!hook->quiet)
        (void)printf("webhook %s %s\n", method, url);
    const char *last = strrchr(url, '/');
    const bool asleep = last != NULL && sim_listed(hook->asleep, view_of(last + 1));
    struct MHD_Response *response =
        MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    const enum MHD_Result result = MHD_queue_response(
        connection, asleep ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_OK, response);

    MHD_destroy_response(response);
    return result;
}

bool
sim_hook_open(struct sim_hook **out, uint16_t port, const char *asleep, bool quiet, struct err *err)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sim_hook *hook = mem_zalloc(1, sizeof(*hook));

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    hook->asleep = asleep;
    hook->quiet = quiet;
    hook->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, port, NULL, NULL, on_request,
        hook, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_END);
    if (hook->daemon == NULL) {
        free(hook);
        return err_set(err, ERR_IO, "--hook-port: 127.0.0.1:%u cannot be listened on", port);
    }
    *out = hook;
    return true;
}

void
sim_hook_close(struct sim_hook *hook)
{
    if (hook == NULL)
        return;
    MHD_stop_daemon(hook->daemon);
    free(hook);
}
