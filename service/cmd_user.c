/*
 * user: who may log in to the console: accounts.json in the console's folder, written whole; a
 * running console reads it again within a second. A password comes from a file or standard input,
 * never from the command line.
 */
#include "base/io/fs_posix.h"
#include "console/accounts.h"
#include "model/grid.h"
#include "service/commands.h"
#include "service/configured.h"
#include "service/options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

struct asked {
    const char *config_dir, *state_dir, *role, *unit, *password_file;
    const char *verb, *name;
};

static int
fail(const char *text)
{
    (void)fprintf(stderr, "wallwatch user: %s\n", text);
    return EXIT_FOUND;
}

/* One line, of the file or of standard input. */
static bool
read_password(const char *file, char *out, size_t size, struct err *err)
{
    FILE *in = strcmp(file, "-") == 0 ? stdin : fopen(file, "re");
    const bool got = in != NULL && fgets(out, (int)size, in) != NULL;

    if (in != NULL && in != stdin)
        (void)fclose(in);
    if (!got)
        return err_set(err, ERR_IO, "no password in '%s'", file);
    out[strcspn(out, "\r\n")] = '\0';
    if (strlen(out) < PASSWORD_MIN_BYTES)
        return err_set(err, ERR_INPUT, "the password has %zu bytes, at least %d are needed",
            strlen(out), PASSWORD_MIN_BYTES);
    return true;
}

static bool
hash_password(const char *file, struct arena *arena, const char **out, struct err *err)
{
    char password[PASSWORD_MAX_BYTES + 2];
    char hash[crypto_pwhash_STRBYTES];
    bool fine = read_password(file, password, sizeof(password), err);

    if (fine && crypto_pwhash_str(hash, password, strlen(password),
                    crypto_pwhash_OPSLIMIT_INTERACTIVE, crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0)
        fine = err_set(err, ERR_FULL, "no memory for the hash");
    sodium_memzero(password, sizeof(password));
    if (fine)
        *out = arena_text(arena, view_of(hash));
    return fine;
}

static void
print_accounts(const struct accounts *accounts)
{
    for (size_t i = 0; i < accounts->len; i++) {
        const struct account *account = &accounts->at[i];

        (void)printf("%-24s %-11s %s\n", account->name, role_names[account->role],
            account->unit[0] != '\0' ? account->unit : "(all)");
    }
    (void)printf("%zu accounts\n", accounts->len);
}

static bool
fill_account(const struct asked *asked, const struct config *config, struct arena *arena,
    struct account *account, struct err *err)
{
    if (asked->role != NULL && !role_parse(view_of(asked->role), &account->role)) {
        return err_set(err, ERR_INPUT,
            "--role: '%s' is not a role, allowed are viewer, duty, dispatcher, repair, operator, "
            "auditor, admin",
            asked->role);
    }
    if (asked->unit != NULL && asked->unit[0] != '\0' &&
        unit_find(&config->grid, view_of(asked->unit)) == NULL)
        return err_set(err, ERR_INPUT, "--unit: '%s' is not a unit of grid.yaml", asked->unit);
    if (asked->unit != NULL)
        account->unit = arena_text(arena, view_of(asked->unit));
    return asked->password_file == NULL ||
           hash_password(asked->password_file, arena, &account->hash, err);
}

static bool
change(const struct asked *asked, const struct config *config, struct arena *arena,
    struct accounts *accounts, struct err *err)
{
    const struct view name = view_of(asked->name);
    const struct account *old = accounts_find(accounts, name);
    struct account account = old != NULL ? *old : (struct account){.unit = ""};
    const bool add = strcmp(asked->verb, "add") == 0;

    if (!account_name_valid(name)) {
        return err_set(err, ERR_INPUT,
            "'%.80s' is not a name, allowed are 1 to %d letters, digits, '-', '_' and '.'",
            asked->name, ACCOUNT_MAX_NAME);
    }
    if (add && old != NULL)
        return err_set(err, ERR_INPUT,
            "'%s' is there already\nhint: 'wallwatch user change' changes it", asked->name);
    if (!add && old == NULL)
        return err_set(err, ERR_GONE, "there is no '%s'", asked->name);
    if (strcmp(asked->verb, "remove") == 0) {
        *accounts = accounts_with(arena, accounts, name, NULL);
        return true;
    }
    if (add && (asked->role == NULL || asked->password_file == NULL))
        return err_set(err, ERR_INPUT, "add needs --role and --password-file");
    account.name = asked->name;
    if (!fill_account(asked, config, arena, &account, err))
        return false;
    *accounts = accounts_with(arena, accounts, name, &account);
    return true;
}

static bool
write_accounts(const char *path, const struct accounts *accounts, struct err *err)
{
    struct buf text;
    const mode_t mask = umask(077);

    buf_init(&text, ACCOUNTS_MAX_BYTES);
    accounts_write(accounts, &text);
    const bool fine =
        text.full ? err_set(err, ERR_FULL, "too many accounts: over %zu bytes", ACCOUNTS_MAX_BYTES)
                  : fs_replace(fs_posix(), path, buf_view(&text), err);

    buf_fini(&text);
    (void)umask(mask);
    return fine;
}

/* Two that change it at once come one after the other. */
static bool
lock_accounts(const char *state_dir, const char *folder, int *fd, struct err *err)
{
    char path[4200];

    if (!fs_posix()->make_dir(fs_posix()->self, state_dir, err) ||
        !fs_posix()->make_dir(fs_posix()->self, folder, err))
        return false;
    (void)snprintf(path, sizeof(path), "%s/accounts.lock", folder);
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*fd < 0 || flock(*fd, LOCK_EX) != 0)
        return err_set(err, ERR_IO, "'%s' cannot be locked (errno %d)", path, errno);
    return true;
}

static int
run(const struct asked *asked, const struct config *config)
{
    struct accounts accounts = {0};
    struct arena arena;
    struct buf text;
    struct err err = {0};
    char folder[4096];
    char path[4200];
    int fd = -1;
    int code = EXIT_FOUND;

    (void)snprintf(folder, sizeof(folder), "%s/console", config->state_dir);
    (void)snprintf(path, sizeof(path), "%s/accounts.json", folder);
    arena_init(&arena);
    buf_init(&text, ACCOUNTS_MAX_BYTES);
    bool fine = lock_accounts(config->state_dir, folder, &fd, &err) &&
                (fs_read_all(fs_posix(), path, &text, &err) || err.kind == ERR_GONE);

    if (fine && !accounts_parse(&arena, buf_view(&text), &accounts, &err)) {
        (void)err_wrap(&err, "%s", path);
        fine = false;
    }
    if (fine && strcmp(asked->verb, "list") == 0) {
        print_accounts(&accounts);
        code = EXIT_FINE;
    } else if (fine && change(asked, config, &arena, &accounts, &err) &&
               write_accounts(path, &accounts, &err)) {
        (void)printf("%s %s\n", asked->verb, asked->name);
        code = EXIT_FINE;
    } else {
        code = fail(err.text);
    }
    if (fd >= 0)
        (void)close(fd);
    buf_fini(&text);
    arena_fini(&arena);
    return code;
}

int
cmd_user(int argc, char **argv)
{
    struct asked asked = {.config_dir = CONFIG_DIR_DEFAULT};
    const struct option_row rows[] = {
        {"config", "DIR", "folder of the configuration (default " CONFIG_DIR_DEFAULT ")",
            &asked.config_dir, NULL},
        {"password-file", "FILE", "its first line is the password; -: standard input",
            &asked.password_file, NULL},
        {"role", "ROLE", "viewer, duty, dispatcher, repair, operator, auditor or admin",
            &asked.role, NULL},
        {"state", "DIR", "state folder (default: as site.yaml says)", &asked.state_dir, NULL},
        {"unit", "ID", "sees and touches this unit's subtree only ('': all)", &asked.unit, NULL},
    };
    const struct usage usage = {"user", "list | add NAME | change NAME | remove NAME",
        "Says who may log in to the console. A running console takes it over within a second;\n"
        "who is removed is logged out.",
        rows, ARRAY_LEN(rows), 1, 2};
    static const char *const verbs[] = {"list", "add", "change", "remove"};
    const char *args[2] = {NULL, NULL};
    struct config *config = NULL;
    bool known = false;
    int n_args;
    int code;

    if (!options_read(&usage, argc, argv, args, &n_args, &code))
        return code;
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        known = known || (strcmp(args[0], verbs[i]) == 0 && n_args == (i == 0 ? 1 : 2));
    if (!known) {
        (void)fprintf(stderr,
            "wallwatch user: '%s' is not a verb, or its NAME is missing; allowed are list, add "
            "NAME, change NAME, remove NAME\n",
            args[0]);
        return EXIT_USAGE;
    }
    asked.verb = args[0];
    asked.name = args[1];
    if (sodium_init() < 0)
        return fail("libsodium cannot start");
    if (!configured_read(asked.config_dir, asked.state_dir, &config))
        return EXIT_FOUND;
    code = run(&asked, config);
    config_unref(config);
    return code;
}
