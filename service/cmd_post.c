/* wallwatch post: the child of a lane that speaks MQTT outwards; started by the lane only. */
#include "alerting/dispatch/post_uv.h"
#include "base/log.h"
#include "service/commands.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define LANE_FD 3

int
cmd_post(int argc, char **argv)
{
    int type = 0;
    socklen_t len = sizeof(type);

    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        (void)printf(
            "usage: wallwatch post\n\nPublishes for a lane. A lane starts it, with a socket "
            "pair as descriptor 3; it is of no use to people.\n");
        return EXIT_FINE;
    }
    if (argc > 1 || getsockopt(LANE_FD, SOL_SOCKET, SO_TYPE, &type, &len) != 0 ||
        type != SOCK_STREAM) {
        (void)fprintf(
            stderr, "wallwatch post: descriptor 3 is not a socket: it is started by a lane\n");
        return EXIT_USAGE;
    }
    log_setup(LOG_INFO, "post");
    return post_main(LANE_FD);
}
