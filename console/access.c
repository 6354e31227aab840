#include "console/access.h"

#include "base/check.h"

#include <string.h>

const char *const role_names[ROLES] = {
    "viewer", "duty", "dispatcher", "repair", "operator", "auditor", "admin"};

const struct route routes[ROUTES] = {
    {"POST", "/api/v1/session", ROUTE_LOGIN, RIGHT_OPEN, true},
    {"DELETE", "/api/v1/session", ROUTE_LOGOUT, RIGHT_SESSION, true},
    {"GET", "/api/v1/session", ROUTE_SESSION, RIGHT_SESSION, false},
    {"GET", "/api/v1/alerts", ROUTE_ALERTS, RIGHT_LOOK, false},
    {"GET", "/api/v1/alerts/{alert}", ROUTE_ALERT, RIGHT_LOOK, false},
    {"POST", "/api/v1/alerts/{alert}/commands", ROUTE_COMMAND, RIGHT_ACT, true},
    {"POST", "/api/v1/lanes/{lane}/commands", ROUTE_REPORT, RIGHT_ACT, true},
    {"GET", "/api/v1/events", ROUTE_EVENTS, RIGHT_LOOK, false},
    {"GET", "/api/v1/state", ROUTE_STATE, RIGHT_LOOK, false},
    {"GET", "/api/v1/trail", ROUTE_TRAIL, RIGHT_TRAIL, false},
};

#define BIT(right) (1U << (right))
#define LOOKS (BIT(RIGHT_OPEN) | BIT(RIGHT_SESSION) | BIT(RIGHT_LOOK))

static const unsigned rights_of[ROLES] = {
    [ROLE_VIEWER] = LOOKS,
    [ROLE_DUTY] = LOOKS | BIT(RIGHT_ACT),
    [ROLE_DISPATCHER] = LOOKS | BIT(RIGHT_ACT),
    [ROLE_REPAIR] = LOOKS | BIT(RIGHT_ACT),
    [ROLE_OPERATOR] = LOOKS | BIT(RIGHT_ACT),
    [ROLE_AUDITOR] = LOOKS | BIT(RIGHT_TRAIL),
    [ROLE_ADMIN] = LOOKS | BIT(RIGHT_ACT) | BIT(RIGHT_TRAIL),
};

#define ROLE_BIT(role) (1U << (role))
#define CENTRE (ROLE_BIT(ROLE_DISPATCHER) | ROLE_BIT(ROLE_ADMIN))
#define EVERY (ROLE_BIT(ROLE_DUTY) | CENTRE)

static const struct {
    const char *command;
    unsigned roles;
} commands[] = {
    {"acknowledge", EVERY},
    {"comment", EVERY | ROLE_BIT(ROLE_REPAIR) | ROLE_BIT(ROLE_OPERATOR)},
    {"dispatch", CENTRE},
    {"extend", CENTRE},
    {"false-alarm", EVERY},
    {"merge", CENTRE},
    {"report", EVERY},
    {"return", EVERY},
    {"settle", EVERY},
    {"verify", CENTRE},
};

bool
role_parse(struct view name, enum role *out)
{
    for (int i = 0; i < ROLES; i++) {
        if (view_is(name, role_names[i])) {
            *out = (enum role)i;
            return true;
        }
    }
    return false;
}

/* The next level of a path; false at its end. */
static bool
level(struct view *path, struct view *out)
{
    if (path->len == 0 || path->ptr[0] != '/')
        return false;
    *path = (struct view){path->ptr + 1, path->len - 1};
    const char *slash = path->len == 0 ? NULL : memchr(path->ptr, '/', path->len);

    out->ptr = path->ptr;
    out->len = slash == NULL ? path->len : (size_t)(slash - path->ptr);
    *path = (struct view){path->ptr + out->len, path->len - out->len};
    return true;
}

static bool
matches(const struct route *route, struct view path, struct view *id)
{
    struct view want = view_of(route->path);
    struct view a;
    struct view b;

    while (level(&want, &a)) {
        if (!level(&path, &b))
            return false;
        if (a.len > 0 && a.ptr[0] == '{' && b.len > 0)
            *id = b;
        else if (!view_eq(a, b))
            return false;
    }
    return path.len == 0;
}

const struct route *
route_find(struct view method, struct view path, struct view *id, bool *known)
{
    *known = false;
    for (int i = 0; i < ROUTES; i++) {
        struct view found = {"", 0};

        if (!matches(&routes[i], path, &found))
            continue;
        *known = true;
        *id = found;
        if (view_is(method, routes[i].method))
            return &routes[i];
    }
    return NULL;
}

bool
access_allows(enum role role, enum right right)
{
    CHECK(role < ROLES && right < RIGHTS);
    return (rights_of[role] & BIT(right)) != 0;
}

bool
access_command(enum role role, struct view command)
{
    CHECK(role < ROLES);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (view_is(command, commands[i].command))
            return (commands[i].roles & ROLE_BIT(role)) != 0;
    }
    return false;
}
