#include "service/client_account.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct client *
find_client(const struct config *config, const char *id)
{
    for (size_t i = 0; i < config->n_clients; i++) {
        const struct client *client = &config->clients[i];

        if (id != NULL ? strcmp(client->id, id) == 0 : client->commands)
            return client;
    }
    return NULL;
}

bool
client_account(
    const struct config *config, const char *id, struct client_account *out, struct err *err)
{
    const char *other = config->broker.password_file != NULL ? config->broker.password_file
                        : config->n_lanes > 0                ? config->lanes[0].password_file
                                                             : NULL;

    *out = (struct client_account){.client = find_client(config, id)};
    if (out->client == NULL) {
        return err_set(err, ERR_CONFIG,
            "clients: '%s' is not there\nhint: declare a client with 'commands: true' in site.yaml "
            "and name it with --as",
            id != NULL ? id : "one with commands: true");
    }
    out->options.host = config->broker.host;
    out->options.port = config->broker.port;
    if (other != NULL) {
        const char *slash = strrchr(other, '/');
        const int len = slash != NULL ? (int)(slash - other) + 1 : 0;

        (void)snprintf(out->beside, sizeof(out->beside), "%.*s%s", len, other, out->client->id);
        out->options.username = out->client->id;
        out->options.password_file = out->beside;
    }
    (void)snprintf(
        out->client_id, sizeof(out->client_id), "%s-%ld", out->client->id, (long)getpid());
    out->options.client_id = out->client_id;
    return true;
}
