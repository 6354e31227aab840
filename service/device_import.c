/*
 * device import, device adopt: a new register is checked whole, shown as a difference, and only
 * then written. All or nothing: one bad row and devices.csv stays as it is.
 */
#include "service/device.h"

#include "base/io/clock_posix.h"
#include "base/io/fs_posix.h"
#include "config/register.h"
#include "config/store.h"
#include "service/configured.h"
#include "service/options.h"
#include "service/report_config.h"

#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 4096

struct import {
    const char *command, *dir, *name;
    bool merge, yes;
    enum lang lang;
    struct arena arena;
    struct buf text; /* of the file, UTF-8 */
};

static int
fail(const struct import *import, const char *text)
{
    (void)fprintf(stderr, "wallwatch %s: %s\n", import->command, text);
    return EXIT_FOUND;
}

static bool
zh(const struct import *import)
{
    return import->lang == LANG_ZH;
}

/* What spreadsheets write in China becomes UTF-8. */
static bool
convert(struct import *import, struct err *err)
{
    iconv_t how = iconv_open("UTF-8", "GB18030");
    struct buf out;
    char chunk[4096];
    char *from = import->text.ptr;
    size_t left = import->text.len;
    bool ok = how != (iconv_t)-1; /* NOLINT(performance-no-int-to-ptr): as iconv says it */

    buf_init(&out, SOURCE_MAX_CSV_BYTES);
    while (ok && left > 0) {
        char *to = chunk;
        size_t room = sizeof(chunk);
        const size_t before = left;
        const size_t done = iconv(how, &from, &left, &to, &room);

        buf_put(&out, (struct view){chunk, sizeof(chunk) - room});
        ok = done != (size_t)-1 || left < before;
    }
    if (how != (iconv_t)-1) /* NOLINT(performance-no-int-to-ptr) */
        (void)iconv_close(how);
    if (!ok || out.full) {
        buf_fini(&out);
        return err_set(err, ERR_INPUT, "'%s' cannot be converted from GB18030", import->name);
    }
    buf_fini(&import->text);
    import->text = out;
    (void)printf(
        zh(import) ? "%s: 已由 GB18030 转换为 UTF-8\n" : "%s: converted from GB18030 to UTF-8\n",
        import->name);
    return true;
}

/* Those of the register: what it says of other files is for check to tell. */
static void
print_warnings(const struct problems *problems, const char *name, enum lang lang)
{
    for (size_t i = 0; i < problems->len; i++) {
        struct buf text;

        if (strcmp(problems->at[i].file, name) != 0)
            continue;
        buf_init(&text, (size_t)1 << 16);
        problem_print(&problems->at[i], lang, &text);
        (void)fprintf(stderr, "%.*s", VIEW_ARG(buf_view(&text)));
        buf_fini(&text);
    }
}

/* The folder with another register; problems are printed. NULL: there are errors. */
static struct config *
try_register(struct import *import, const char *name, struct view text)
{
    const struct source source = {.name = name, .text = text, .root = ""};
    struct problems problems;
    struct config *config = config_load_from(&(struct config_place){.fs = fs_posix(),
                                                 .dir = import->dir,
                                                 .base = import->dir,
                                                 .devices = &source,
                                                 .today = clock_wall()},
        &import->arena, &problems);

    if (config == NULL)
        report_config(stderr, NULL, &problems, import->lang);
    else
        print_warnings(&problems, name, import->lang);
    return config;
}

static bool
read_present(struct import *import, struct view *out)
{
    char path[PATH_BYTES];
    struct err err = {0};
    struct buf text;

    (void)snprintf(path, sizeof(path), "%s/devices.csv", import->dir);
    buf_init(&text, SOURCE_MAX_CSV_BYTES);
    const bool ok = fs_read_all(fs_posix(), path, &text, &err) || err.kind == ERR_GONE;

    *out = arena_copy(&import->arena, buf_view(&text));
    buf_fini(&text);
    if (!ok)
        (void)fail(import, err.text);
    return ok;
}

/* True: somebody said yes. */
static bool
agreed(const struct import *import)
{
    char answer[16] = "";

    if (import->yes)
        return true;
    if (isatty(STDIN_FILENO) != 1) {
        (void)fprintf(stderr, "wallwatch %s: %s\n", import->command,
            zh(import) ? "没有写入: 无人可问\n提示: 加 --yes 则直接写入"
                       : "nothing was written: there is nobody to ask\n"
                         "hint: with --yes it is written without asking");
        return false;
    }
    (void)printf(
        zh(import) ? "写入 %s/devices.csv? [y/N] " : "write %s/devices.csv? [y/N] ", import->dir);
    (void)fflush(stdout);
    if (fgets(answer, sizeof(answer), stdin) == NULL || (answer[0] != 'y' && answer[0] != 'Y')) {
        (void)printf(zh(import) ? "没有写入\n" : "nothing was written\n");
        return false;
    }
    return true;
}

static int
write_register(const struct import *import, const struct register_table *table)
{
    char path[PATH_BYTES];
    struct err err = {0};
    struct buf text;

    (void)snprintf(path, sizeof(path), "%s/devices.csv", import->dir);
    buf_init(&text, SOURCE_MAX_CSV_BYTES);
    register_write(table, &text);
    const bool ok = text.full ? err_set(&err, ERR_FULL, "the register is over 256 MiB")
                              : fs_replace(fs_posix(), path, buf_view(&text), &err);

    buf_fini(&text);
    if (!ok)
        return fail(import, err.text);
    (void)printf(zh(import) ? "已写入 %s, %zu 台设备\n"
                              "'wallwatch apply --config %s' 使其生效; 之后 'wallwatch migrate' "
                              "更新数据库中的副本\n"
                            : "%s written, %zu devices\n"
                              "'wallwatch apply --config %s' brings it into force, 'wallwatch "
                              "migrate' then copies it to the database\n",
        path, table->len, import->dir);
    return EXIT_FINE;
}

/* What changes, asked for, written. */
static int
bring(const struct import *import, const struct register_table *present,
    const struct register_table *table)
{
    struct buf lines;

    buf_init(&lines, (size_t)1 << 30);
    const struct register_diff diff = register_compare(present, table, &lines);

    (void)printf("%.*s", VIEW_ARG(buf_view(&lines)));
    buf_fini(&lines);
    (void)printf(
        zh(import) ? "新增 %zu, 变更 %zu, 删除 %zu\n" : "%zu added, %zu changed, %zu removed\n",
        diff.added, diff.changed, diff.removed);
    if (diff.added + diff.changed + diff.removed == 0)
        return EXIT_FINE;
    return agreed(import) ? write_register(import, table) : EXIT_FOUND;
}

/* Merged rows are checked again, as the file that they will be. */
static bool
fits_merged(struct import *import, const struct register_table *table)
{
    struct buf text;

    buf_init(&text, SOURCE_MAX_CSV_BYTES);
    register_write(table, &text);
    struct config *config = try_register(import, "devices.csv", buf_view(&text));

    buf_fini(&text);
    config_unref(config);
    return config != NULL;
}

/* A header alone is an export that went wrong far sooner than an estate without devices. */
static int
refuse_empty(const struct import *import, size_t n)
{
    (void)fprintf(stderr,
        zh(import) ? "wallwatch %s: 没有写入: '%s' 中没有任何设备, 将删除全部 %zu 台\n"
                     "提示: --merge 只新增和替换, 不删除; 若要删除设备, 请在 devices.csv "
                     "中删去相应的行\n"
                   : "wallwatch %s: nothing was written: '%s' has no device, all %zu would be "
                     "removed\n"
                     "hint: with --merge a file adds and replaces and removes nothing; to remove "
                     "devices, take their lines out of devices.csv\n",
        import->command, import->name, n);
    return EXIT_FOUND;
}

static int
import_text(struct import *import)
{
    struct register_table present, table;
    struct view old;
    struct config *config;

    if (!read_present(import, &old))
        return EXIT_FOUND;
    if (import->merge && old.len > 0) { /* its flaws would be rows that are lost */
        config = try_register(import, "devices.csv", old);
        if (config == NULL)
            return fail(import, "the present configuration has errors, see above");
        config_unref(config);
    }
    config = try_register(import, import->name, buf_view(&import->text));
    if (config == NULL)
        return fail(import, zh(import) ? "没有写入, 错误见上" : "nothing was written, see above");
    config_unref(config);
    register_read(old, &import->arena, &present);
    register_read(buf_view(&import->text), &import->arena, &table);
    if (!import->merge && table.len == 0 && present.len > 0)
        return refuse_empty(import, present.len);
    if (import->merge) {
        const struct register_table added = table;

        register_merge(&present, &added, &import->arena, &table);
        if (!fits_merged(import, &table))
            return fail(
                import, zh(import) ? "没有写入, 错误见上" : "nothing was written, see above");
    }
    return bring(import, &present, &table);
}

int
device_import(int argc, char **argv)
{
    const char *lang_name = NULL, *args[1];
    struct import import = {.command = "device import", .dir = CONFIG_DIR_DEFAULT};
    struct err err = {0};
    struct mark at;
    int n_args, code;
    const struct option_row rows[] = {
        {"config", "DIR", "folder of the configuration (default " CONFIG_DIR_DEFAULT ")",
            &import.dir, NULL},
        {"lang", "LANG", "language of the messages, zh or en (default: en, zh if LANG says so)",
            &lang_name, NULL},
        {"merge", NULL, "FILE holds some devices: add and replace, remove nothing", NULL,
            &import.merge},
        {"yes", NULL, "write without asking", NULL, &import.yes},
    };
    const struct usage usage = {"device import", "FILE",
        "Checks FILE as the new devices.csv, shows what it adds, changes and removes, asks, and\n"
        "writes it. All or nothing: with one bad row nothing is written, and every bad row is\n"
        "told. FILE is the whole register (with --merge: some rows of it; a row is a whole\n"
        "device), so one without a single device is refused; UTF-8 or GB18030, columns in any\n"
        "order. 'wallwatch apply' then brings it into force. Exit code 1 if it was not written.",
        rows, ARRAY_LEN(rows), 1, 1};

    if (!options_read(&usage, argc, argv, args, &n_args, &code))
        return code;
    if (!report_config_lang("device import", lang_name, &import.lang))
        return EXIT_USAGE;
    import.name = args[0];
    arena_init(&import.arena);
    buf_init(&import.text, SOURCE_MAX_CSV_BYTES);
    if (!fs_read_all(fs_posix(), import.name, &import.text, &err) ||
        (csv_is_gb18030(buf_view(&import.text), &at) && !convert(&import, &err)))
        code = fail(&import, err.text);
    else
        code = import_text(&import);
    buf_fini(&import.text);
    arena_fini(&import.arena);
    return code;
}

/* Class and compound that were not given are those under which it was heard. */
static bool
fill_in(const char *dir, struct arena *arena, struct register_row *row)
{
    struct device_view view;
    const struct heard *heard = NULL;
    bool ok = device_open("device adopt", dir, &view);

    if (ok)
        heard = heard_of(&view.heard, row->cells[COLUMN_CODE]);
    if (ok && heard == NULL) {
        (void)fprintf(stderr,
            "wallwatch device adopt: '%s' was never heard\nhint: give --class and --compound\n",
            row->cells[COLUMN_CODE]);
    } else if (heard != NULL) {
        if (row->cells[COLUMN_CLASS][0] == '\0')
            row->cells[COLUMN_CLASS] = arena_text(arena, view_of(heard->class_name));
        if (row->cells[COLUMN_COMPOUND][0] == '\0')
            row->cells[COLUMN_COMPOUND] = arena_text(arena, view_of(heard->compound));
    }
    device_close(&view);
    return heard != NULL;
}

static int
adopt(struct import *import, struct register_row *row)
{
    const struct register_table one = {row, 1};
    struct register_table present;
    struct view old;

    if (!read_present(import, &old))
        return EXIT_FOUND;
    register_read(old, &import->arena, &present);
    for (size_t i = 0; i < present.len; i++) {
        if (strcmp(present.at[i].cells[COLUMN_CODE], row->cells[COLUMN_CODE]) == 0) {
            return fail(import, zh(import) ? "此设备已登记\n提示: 'wallwatch apply' 使其生效"
                                           : "the device is listed already\n"
                                             "hint: 'wallwatch apply' brings it into force");
        }
    }
    if ((row->cells[COLUMN_CLASS][0] == '\0' || row->cells[COLUMN_COMPOUND][0] == '\0') &&
        !fill_in(import->dir, &import->arena, row))
        return EXIT_FOUND;
    register_write(&one, &import->text);
    return import_text(import);
}

int
device_adopt(int argc, char **argv)
{
    const char *lang_name = NULL, *args[1];
    struct import import = {.command = "device adopt",
        .dir = CONFIG_DIR_DEFAULT,
        .name = "command line",
        .merge = true,
        .yes = true};
    struct register_row row;
    int n_args, code;

    for (int i = 0; i < DEVICE_COLUMNS; i++)
        row.cells[i] = "";
    const struct option_row rows[] = {
        {"building", "TEXT", "where it stands", &row.cells[COLUMN_BUILDING], NULL},
        {"class", "NAME", "its class (default: as it is heard)", &row.cells[COLUMN_CLASS], NULL},
        {"compound", "CODE", "its compound (default: as it is heard)", &row.cells[COLUMN_COMPOUND],
            NULL},
        {"config", "DIR", "folder of the configuration (default " CONFIG_DIR_DEFAULT ")",
            &import.dir, NULL},
        {"install-date", "DAY", "2019-05-01, or the year", &row.cells[COLUMN_INSTALLED], NULL},
        {"lang", "LANG", "language of the messages, zh or en (default: en, zh if LANG says so)",
            &lang_name, NULL},
        {"name", "TEXT", "its name for people", &row.cells[COLUMN_NAME], NULL},
        {"profile", "NAME", "its vendor profile", &row.cells[COLUMN_PROFILE], NULL},
        {"zone", "TEXT", "its zone", &row.cells[COLUMN_ZONE], NULL},
    };
    const struct usage usage = {"device adopt", "CODE",
        "Adds a row for a device that is heard and not listed to devices.csv; the register is\n"
        "checked as by import. 'wallwatch apply' then brings it into force.",
        rows, ARRAY_LEN(rows), 1, 1};

    if (!options_read(&usage, argc, argv, args, &n_args, &code))
        return code;
    if (!report_config_lang("device adopt", lang_name, &import.lang))
        return EXIT_USAGE;
    row.cells[COLUMN_CODE] = args[0];
    arena_init(&import.arena);
    buf_init(&import.text, SOURCE_MAX_CSV_BYTES);
    code = adopt(&import, &row);
    buf_fini(&import.text);
    arena_fini(&import.arena);
    return code;
}
