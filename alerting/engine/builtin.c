#include "alerting/engine/builtin.h"

#include "base/check.h"

static const struct class wallwatch = {
    .name = "wallwatch",
    .title = {"本系统", "Wallwatch"},
};

static const struct stage red = {.name = "", .severity = SEVERITY_RED, .policy = ""};
static const struct stage orange = {.name = "", .severity = SEVERITY_ORANGE, .policy = ""};
static const struct stage yellow = {.name = "", .severity = SEVERITY_YELLOW, .policy = ""};
static const struct stage blue = {.name = "", .severity = SEVERITY_BLUE, .policy = ""};

#define ROW(code, colour, title_zh, title_en)                                                      \
    {                                                                                              \
        .id = (code), .class = &wallwatch, .title = {title_zh, title_en}, .per = PER_DEVICE,       \
        .stages = &(colour), .n_stages = 1                                                         \
    }

/* In order of codes. */
static const struct rule table[] = {
    ROW("calendar-missing", yellow, "缺少明年的放假安排", "Next year's holidays are missing"),
    ROW("canary-not-judged", red, "自检消息未被判断", "The canary is not judged"),
    ROW("canary-not-stored", yellow, "自检消息未入库", "The canary is not stored"),
    ROW("canary-not-told", red, "自检消息未发出", "The canary is not told"),
    ROW("clock-rebased", yellow, "系统时钟已校正", "The clock was moved"),
    ROW("clock-skewed", blue, "设备时钟偏差", "A device's clock is wrong"),
    ROW("config-mismatch", orange, "各进程配置版本不一致",
        "Processes run different configurations"),
    ROW("database-away", yellow, "数据库不可用", "The database is away"),
    ROW("disk-trouble", orange, "磁盘读写出错", "The disk gives errors"),
    ROW("flooding", yellow, "设备消息过多", "A device sends too much"),
    ROW("gap-possible", orange, "可能有消息丢失", "Messages may have been lost"),
    ROW("journal-filling", orange, "日志空间将满", "The journal fills up"),
    ROW("lane-fenced", red, "通道已由其他进程接管", "Another process owns this lane"),
    ROW("late-start", blue, "停机后启动", "Started after a time down"),
    ROW("lost", red, "有消息丢失", "Messages were lost"),
    ROW("moved", yellow, "设备在别处出现", "A device is heard from elsewhere"),
    ROW("p1-suspended", red, "消息无法落盘", "P1 suspended: messages are not kept on disk"),
    ROW("post-down", orange, "对外发送进程停止", "The sending process is down"),
    ROW("replay-differs", orange, "重放结果不一致", "A replay gives other alerts than on record"),
    ROW("roster-hole", orange, "值班表有空缺", "A roster has a hole ahead"),
    ROW("schema-behind", orange, "数据库结构过旧", "The database schema is behind"),
    ROW("shed", red, "消息被放弃", "Messages were given up"),
    ROW("state-lost", red, "通道状态丢失", "The state of a lane was lost"),
    ROW("steps-overdue", red, "应通知而未通知", "What was due has not been done"),
    ROW("unlisted", blue, "设备未登记", "A device is not listed"),
    ROW("unlisted-crowd", red, "未登记设备过多", "Too many devices are not listed"),
    ROW("unreadable", orange, "消息无法读懂", "A message cannot be read"),
    ROW("wallwatch-down", red, "监测进程停止", "A part of Wallwatch is down"),
    ROW("writer-quarantine", orange, "数据被隔离", "Rows were put aside"),
};

const struct class *
builtin_class(void)
{
    return &wallwatch;
}

const struct rule *
builtin_find(struct view code)
{
    size_t from = 0, to = ARRAY_LEN(table);

    while (from < to) {
        const size_t mid = from + (to - from) / 2;
        const int cmp = view_cmp(view_of(table[mid].id), code);

        if (cmp == 0)
            return &table[mid];
        if (cmp < 0)
            from = mid + 1;
        else
            to = mid;
    }
    return NULL;
}

const struct rule *
builtin_at(size_t i)
{
    return i < ARRAY_LEN(table) ? &table[i] : NULL;
}
