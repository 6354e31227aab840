/*
 * access: who may do what, as two tables: the routes of the console and the rights of the roles.
 *
 * The one place in which it is decided; what is not listed is denied. A route is found by method
 * and path; a session's role must have its right. What a role sees is cut by its unit besides
 * (board_each and board_find get it as scope). Pure.
 */
#pragma once

#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>

enum role {
    ROLE_VIEWER,     /* looks */
    ROLE_DUTY,       /* duty officer of a tier: takes, settles, reports */
    ROLE_DISPATCHER, /* the grid management centre: sends orders, verifies, returns, extends */
    ROLE_REPAIR,     /* the emergency repair centre */
    ROLE_OPERATOR,   /* tunes the files; here: looks and comments */
    ROLE_AUDITOR,    /* looks, reads the trail */
    ROLE_ADMIN,
    ROLES,
};
extern const char *const role_names[ROLES];
bool role_parse(struct view name, enum role *out);

enum right {
    RIGHT_OPEN,    /* without a session */
    RIGHT_SESSION, /* whoever is logged in */
    RIGHT_LOOK,
    RIGHT_ACT,   /* some commands: access_command says which */
    RIGHT_TRAIL, /* who did and saw what */
    RIGHTS,
};

enum route_name {
    ROUTE_LOGIN,
    ROUTE_LOGOUT,
    ROUTE_SESSION,
    ROUTE_ALERTS,
    ROUTE_ALERT,
    ROUTE_COMMAND,
    ROUTE_REPORT,
    ROUTE_EVENTS,
    ROUTE_STATE,
    ROUTE_TRAIL,
    ROUTES,
};

struct route {
    const char *method;
    const char *path; /* a level {x} is any one level */
    enum route_name name;
    enum right right;
    bool changes; /* needs the same origin */
};
extern const struct route routes[ROUTES];

/* NULL: there is none; *known: the path is one, by another method. id: what stands for {x}. */
const struct route *route_find(struct view method, struct view path, struct view *id, bool *known);
bool access_allows(enum role role, enum right right);
/* A command by its name, as interfaces.md lists them. */
bool access_command(enum role role, struct view command);
