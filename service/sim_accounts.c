#include "service/sim_accounts.h"

#include "base/io/fs_posix.h"

const char *
sim_secret(const char *path, struct arena *arena, struct err *err)
{
    struct buf text;
    const char *out = NULL;

    buf_init(&text, 4096);
    if (fs_read_all(fs_posix(), path, &text, err)) {
        while (text.len > 0 && strchr(" \r\n\t", text.ptr[text.len - 1]) != NULL)
            text.len--;
        out = arena_text(arena, buf_view(&text));
    }
    buf_fini(&text);
    return out;
}

static const char *
password_file_of(const struct config *config)
{
    if (config->broker.password_file != NULL)
        return config->broker.password_file;
    for (size_t i = 0; i < config->n_lanes; i++) {
        if (config->lanes[i].password_file != NULL)
            return config->lanes[i].password_file;
    }
    return NULL;
}

const char *
sim_password_beside(const struct config *config, const char *user, struct arena *arena)
{
    const char *known = password_file_of(config);
    struct buf path;

    if (known == NULL)
        return NULL;
    const char *slash = strrchr(known, '/');

    buf_init(&path, 4096);
    buf_put(&path, (struct view){known, slash == NULL ? 0 : (size_t)(slash + 1 - known)});
    buf_text(&path, user);
    const char *out = arena_text(arena, buf_view(&path));

    buf_fini(&path);
    return out;
}
