/* device show: all that is known of one device. */
#include "service/device.h"

#include "base/io/clock_posix.h"
#include "base/json.h"
#include "ingest/normalise/profile.h"
#include "service/configured.h"
#include "service/options.h"
#include "service/report_config.h"

#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

struct showing {
    const struct device *device;
    enum lang lang;
    size_t n;
};

static bool
zh(const struct showing *showing)
{
    return showing->lang == LANG_ZH;
}

static void
label(const struct showing *showing, const char *en, const char *zh_text)
{
    (void)printf("%s: ", zh(showing) ? zh_text : en);
}

static void
print_text(const struct showing *showing, const char *en, const char *zh_text, const char *text)
{
    if (text[0] == '\0')
        return;
    label(showing, en, zh_text);
    (void)printf("%s\n", text);
}

static void
print_place(const struct showing *showing)
{
    const struct device *device = showing->device;
    const struct compound *compound = device->compound;

    label(showing, "compound", "小区");
    (void)printf("%s %s\n", compound->id, words_in(&compound->name, showing->lang));
    print_text(showing, "building", "楼栋", device->building);
    print_text(showing, "zone", "防护区", device->zone);
    label(showing, "side", "位置");
    (void)printf("%s\n", device->side == SIDE_INSIDE ? "inside" : "outside");
    for (int tier = 0; tier < TIER_COUNT; tier++) {
        const struct unit *unit = compound->units[tier];

        if (unit != NULL)
            (void)printf("%s: %s %s\n", words_in(&tier_titles[tier], showing->lang), unit->id,
                words_in(&unit->name, showing->lang));
    }
}

static void
print_register(const struct showing *showing, const struct config *config)
{
    const struct device *device = showing->device;
    const struct span interval =
        device->interval.us > 0 ? device->interval : device->class->interval;
    char day[DAY_TEXT_BYTES], span[SPAN_TEXT_BYTES];

    (void)printf("%s %s\n", device->code, device->name);
    label(showing, "class", "类别");
    (void)printf("%s %s\n", device->class->name, words_in(&device->class->title, showing->lang));
    print_text(showing, "profile", "厂商方案", device->profile->name);
    print_place(showing);
    print_text(showing, "gateway", "网关", device->gateway);
    print_text(showing, "lane", "通道", device->lane != NULL ? device->lane : "");
    if (device->installed.year != 0) {
        label(showing, "installed", "安装日期");
        (void)printf(zh(showing) ? "%s (%d 年)\n" : "%s (%d years)\n",
            day_text(device->installed, day),
            day_age(device->installed, clock_wall(),
                zone_offset(&config->grid.calendar.zone, clock_wall())));
    }
    label(showing, "expected every", "预期间隔");
    (void)printf("%s\n", span_text(interval, span));
    for (size_t i = 0; i < device->n_rated; i++) {
        label(showing, "rated", "额定值");
        (void)printf("%s %g %s\n", device->rated[i].name, device->rated[i].number,
            device->rated[i].measure->name);
    }
    for (size_t i = 0; i < device->n_tags; i++)
        print_text(showing, "tag", "标签", device->tags[i]);
}

static void
print_value(const struct showing *showing, const struct field *field, const cJSON *value)
{
    const struct field_code *code =
        cJSON_IsNumber(value) ? field_code_by_number(field, value->valuedouble) : NULL;

    (void)printf("    %s (%s): ", field->name, words_in(&field->title, showing->lang));
    if (cJSON_IsString(value)) {
        for (const char *at = value->valuestring; *at != '\0'; at++)
            (void)putchar((unsigned char)*at < ' ' || *at == 0x7f ? '.' : *at);
        (void)putchar('\n');
    } else if (field->type == FIELD_BOOL) {
        (void)printf("%s\n", value->valuedouble != 0 ? "true" : "false");
    } else if (code != NULL) {
        (void)printf("%s %s\n", code->name, words_in(&code->title, showing->lang));
    } else {
        (void)printf("%g %s\n", value->valuedouble, field->measure->name);
    }
}

static void
print_last(void *arg, const struct devices_row *row)
{
    struct showing *showing = arg;
    const struct class *class = showing->device->class;
    cJSON *values = cJSON_Parse(row->texts[3]);

    showing->n++;
    label(showing, "last values", "最近读数");
    (void)printf("%s%s%s\n", row->texts[1], row->texts[0][0] != '\0' ? ", " : "", row->texts[0]);
    for (size_t i = 0; i < class->n_fields; i++) {
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(values, class->fields[i].name);

        if (cJSON_IsNumber(value) || cJSON_IsString(value))
            print_value(showing, &class->fields[i], value);
    }
    cJSON_Delete(values);
}

static void
print_alert(void *arg, const struct devices_row *row)
{
    struct showing *showing = arg;

    showing->n++;
    (void)printf("    %s %s %s %s %s %s\n", row->texts[0], row->texts[2], row->texts[3],
        row->texts[5], row->texts[1], zh(showing) ? row->texts[6] : row->texts[7]);
}

static void
print_heard(const struct showing *showing, const struct heard_table *table)
{
    const struct heard *heard = heard_of(table, showing->device->code);
    const enum device_state state = device_state_of(table, showing->device, heard);
    const struct instant *stored =
        heard != NULL ? map_get(&table->stored, view_of(heard->lane)) : NULL;
    char at[INSTANT_TEXT_BYTES], span[SPAN_TEXT_BYTES];

    label(showing, "state", "状态");
    (void)printf("%s\n", words_in(&device_state_titles[state], showing->lang));
    if (heard == NULL || heard->at.us == 0)
        return;
    label(showing, "last heard", "最近上报");
    (void)printf("%s, %s %s %s\n", instant_text(heard->at, at), heard->class_name, heard->compound,
        heard->lane);
    if (state == DEVICE_SILENT && stored != NULL) {
        const int64_t silent = instant_since(*stored, heard->at).us;

        label(showing, "silent for", "失联时长");
        (void)printf("%s\n", span_text(SPAN_S(silent / 1000000), span));
    }
}

static bool
show(struct device_view *view, struct showing *showing, struct err *err)
{
    const struct device *device = showing->device;
    char skew[32];

    print_register(showing, view->config);
    print_heard(showing, &view->heard);
    if (!devices_skew(view->pg, device, skew, err))
        return false;
    if (skew[0] != '\0') {
        (void)printf(zh(showing) ? "时钟偏差: %s s (24 小时内接收时间减设备时间的最小值)\n"
                                 : "skew: %s s (least received - device time of 24 h)\n",
            skew);
    }
    if (!devices_last(view->pg, device, print_last, showing, err))
        return false;
    showing->n = 0;
    label(showing, "open alerts", "未结告警");
    (void)putchar('\n');
    if (!devices_alerts(view->pg, device->code, print_alert, showing, err))
        return false;
    if (showing->n == 0)
        (void)printf("    %s\n", zh(showing) ? "无" : "none");
    return true;
}

static int
not_listed(const struct device_view *view, const char *code)
{
    const struct heard *heard = heard_of(&view->heard, code);
    char at[INSTANT_TEXT_BYTES];

    (void)fprintf(stderr, "wallwatch device show: '%s' is not listed\n", code);
    if (heard != NULL) {
        (void)fprintf(stderr,
            "heard last %s as %s in '%s' by lane %s\nhint: 'wallwatch device adopt %s' lists it\n",
            heard->at.us != 0 ? instant_text(heard->at, at) : "as a retained message only",
            heard->class_name, heard->compound, heard->lane, code);
    }
    return EXIT_FOUND;
}

int
device_show(int argc, char **argv)
{
    const char *dir = CONFIG_DIR_DEFAULT, *lang_name = NULL, *args[1];
    struct showing showing = {0};
    struct device_view view;
    struct err err = {0};
    int n_args, code;
    const struct option_row rows[] = {
        {"config", "DIR", "folder of the configuration (default " CONFIG_DIR_DEFAULT ")", &dir,
            NULL},
        {"lang", "LANG", "language, zh or en (default: en, zh if LANG says so)", &lang_name, NULL},
    };
    const struct usage usage = {"device show", "CODE",
        "Shows a listed device: identity, where it stands, the units above it, when it was last\n"
        "heard, its clock's skew, the newest values of each part, its open alerts.",
        rows, ARRAY_LEN(rows), 1, 1};

    if (!options_read(&usage, argc, argv, args, &n_args, &code))
        return code;
    if (!report_config_lang("device show", lang_name, &showing.lang))
        return EXIT_USAGE;
    code = EXIT_FOUND;
    if (device_open("device show", dir, &view)) {
        showing.device = device_find(&view.config->devices, view_of(args[0]));
        if (showing.device == NULL)
            code = not_listed(&view, args[0]);
        else if (show(&view, &showing, &err))
            code = EXIT_FINE;
        else
            (void)fprintf(stderr, "wallwatch device show: %s\n", err.text);
    }
    device_close(&view);
    return code;
}
