/* notify: sd_notify, the three lines of it that we need (Debian's libsystemd for one datagram would
 * be the larger part). Without NOTIFY_SOCKET it does nothing. */
#pragma once

/* "READY=1", "STOPPING=1", "WATCHDOG=1", "STATUS=..." */
void notify(const char *state);
