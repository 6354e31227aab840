/* site.yaml: what belongs to the place of installation, not to the grid. */
#include "config/load.h"

#include "alerting/dispatch/letter.h"
#include "config/topic.h"

struct broker_item {
    struct item is;
    const char *host, *username, *password_file;
    int64_t port;
};

static const struct key broker_keys[] = {
    {.name = "host",
        .type = KEY_TEXT,
        .required = true,
        .at = offsetof(struct broker_item, host),
        .max = "253"},
    {.name = "port",
        .type = KEY_INT,
        .at = offsetof(struct broker_item, port),
        .min = "1",
        .max = "65535",
        .fallback = "1883"},
    {.name = "username", .type = KEY_TEXT, .at = offsetof(struct broker_item, username)},
    {.name = "password_file", .type = KEY_TEXT, .at = offsetof(struct broker_item, password_file)},
};
static const struct shape broker_shape = {
    broker_keys, ARRAY_LEN(broker_keys), sizeof(struct broker_item), NULL};

struct database_item {
    struct item is;
    const char *connection, *password_file;
};

static const struct key database_keys[] = {
    {.name = "connection",
        .type = KEY_TEXT,
        .required = true,
        .at = offsetof(struct database_item, connection)},
    {.name = "password_file",
        .type = KEY_TEXT,
        .at = offsetof(struct database_item, password_file)},
};
static const struct shape database_shape = {
    database_keys, ARRAY_LEN(database_keys), sizeof(struct database_item), "connection"};

struct journal_item {
    struct item is;
    uint64_t max_size;
    struct span keep;
};

static const struct key journal_keys[] = {
    {.name = "max_size",
        .type = KEY_BYTES,
        .at = offsetof(struct journal_item, max_size),
        .min = "16MiB",
        .max = "16TiB",
        .fallback = "8GiB"},
    {.name = "keep",
        .type = KEY_SPAN,
        .at = offsetof(struct journal_item, keep),
        .min = "1m",
        .max = "30d",
        .fallback = "24h"},
};
static const struct shape journal_shape = {
    journal_keys, ARRAY_LEN(journal_keys), sizeof(struct journal_item), NULL};

struct lane_item {
    struct item is;
    struct texts filters;
    bool life_safety;
    const char *sync;
    struct journal_item journal;
    int64_t port;
    const char *username, *password_file;
};

static const struct key lane_keys[] = {
    {.name = "filters",
        .type = KEY_TEXTS,
        .required = true,
        .at = offsetof(struct lane_item, filters)},
    {.name = "life_safety", .type = KEY_BOOL, .at = offsetof(struct lane_item, life_safety)},
    {.name = "sync", .type = KEY_TEXT, .at = offsetof(struct lane_item, sync), .fallback = "each"},
    {.name = "journal",
        .type = KEY_OBJECT,
        .at = offsetof(struct lane_item, journal),
        .shape = &journal_shape,
        .fallback = "{}"},
    {.name = "port",
        .type = KEY_INT,
        .at = offsetof(struct lane_item, port),
        .min = "0",
        .max = "65535"},
    {.name = "username", .type = KEY_TEXT, .at = offsetof(struct lane_item, username)},
    {.name = "password_file", .type = KEY_TEXT, .at = offsetof(struct lane_item, password_file)},
};
static const struct shape lane_shape = {
    lane_keys, ARRAY_LEN(lane_keys), sizeof(struct lane_item), NULL};

struct channel_item {
    struct item is;
    int kind;
    const char *url, *secret_file, *next_secret_file, *book_file, *from, *username, *password_file,
        *accept;
    struct texts form;
    struct span timeout;
};

static const char *const channel_kinds[] = {"mqtt", "webhook", "deadman", "email", "sms"};
_Static_assert(ARRAY_LEN(channel_kinds) == CHANNEL_KINDS, "a name for each kind");
static const struct key channel_keys[] = {
    {.name = "kind",
        .type = KEY_WORD,
        .required = true,
        .at = offsetof(struct channel_item, kind),
        .choices = channel_kinds,
        .n_choices = ARRAY_LEN(channel_kinds)},
    {.name = "url", .type = KEY_TEXT, .at = offsetof(struct channel_item, url)},
    {.name = "secret_file", .type = KEY_TEXT, .at = offsetof(struct channel_item, secret_file)},
    {.name = "next_secret_file",
        .type = KEY_TEXT,
        .at = offsetof(struct channel_item, next_secret_file)},
    {.name = "book_file", .type = KEY_TEXT, .at = offsetof(struct channel_item, book_file)},
    {.name = "from", .type = KEY_TEXT, .at = offsetof(struct channel_item, from), .max = "200"},
    {.name = "username", .type = KEY_TEXT, .at = offsetof(struct channel_item, username)},
    {.name = "password_file", .type = KEY_TEXT, .at = offsetof(struct channel_item, password_file)},
    {.name = "form", .type = KEY_TEXTS, .at = offsetof(struct channel_item, form)},
    {.name = "accept", .type = KEY_TEXT, .at = offsetof(struct channel_item, accept), .max = "200"},
    {.name = "timeout",
        .type = KEY_SPAN,
        .at = offsetof(struct channel_item, timeout),
        .min = "100ms",
        .max = "60s",
        .fallback = "5s"},
};
static const struct shape channel_shape = {
    channel_keys, ARRAY_LEN(channel_keys), sizeof(struct channel_item), NULL};

struct client_item {
    struct item is;
    const char *key_file, *centre, *unit;
    bool commands;
};

static const struct key client_keys[] = {
    {.name = "key_file",
        .type = KEY_TEXT,
        .required = true,
        .at = offsetof(struct client_item, key_file)},
    {.name = "commands", .type = KEY_BOOL, .at = offsetof(struct client_item, commands)},
    {.name = "centre", .type = KEY_ID, .at = offsetof(struct client_item, centre)},
    {.name = "unit", .type = KEY_ID, .at = offsetof(struct client_item, unit)},
};
static const struct shape client_shape = {
    client_keys, ARRAY_LEN(client_keys), sizeof(struct client_item), NULL};

struct pattern_item {
    struct item is;
    const char *pattern, *class, *profile;
};

static const struct key pattern_keys[] = {
    {.name = "pattern",
        .type = KEY_TEXT,
        .required = true,
        .at = offsetof(struct pattern_item, pattern),
        .max = "250"},
    {.name = "class", .type = KEY_NAME, .at = offsetof(struct pattern_item, class)},
    {.name = "profile", .type = KEY_NAME, .at = offsetof(struct pattern_item, profile)},
};
static const struct shape pattern_shape = {
    pattern_keys, ARRAY_LEN(pattern_keys), sizeof(struct pattern_item), NULL};

struct limits_item {
    struct item is;
    int64_t device_rate, device_burst;
};

static const struct key limits_keys[] = {
    {.name = "device_rate",
        .type = KEY_INT,
        .at = offsetof(struct limits_item, device_rate),
        .min = "1",
        .max = "100000",
        .fallback = "20"},
    {.name = "device_burst",
        .type = KEY_INT,
        .at = offsetof(struct limits_item, device_burst),
        .min = "1",
        .max = "1000000",
        .fallback = "200"},
};
static const struct shape limits_shape = {
    limits_keys, ARRAY_LEN(limits_keys), sizeof(struct limits_item), NULL};

struct console_item {
    struct item is;
    const char *address, *client;
    int64_t port;
};

static const struct key console_keys[] = {
    {.name = "address",
        .type = KEY_TEXT,
        .at = offsetof(struct console_item, address),
        .fallback = "127.0.0.1",
        .max = "64"},
    {.name = "port",
        .type = KEY_INT,
        .required = true,
        .at = offsetof(struct console_item, port),
        .min = "1",
        .max = "65535"},
    {.name = "client",
        .type = KEY_ID,
        .at = offsetof(struct console_item, client),
        .fallback = "console"},
};
static const struct shape console_shape = {
    console_keys, ARRAY_LEN(console_keys), sizeof(struct console_item), NULL};

struct site_item {
    struct item is;
    struct broker_item broker;
    struct database_item database;
    const char *state_dir, *zone;
    struct items lanes, channels, clients, patterns;
    struct limits_item limits;
    struct console_item console;
};

static const struct key site_keys[] = {
    {.name = "broker",
        .type = KEY_OBJECT,
        .required = true,
        .at = offsetof(struct site_item, broker),
        .shape = &broker_shape},
    {.name = "database",
        .type = KEY_OBJECT,
        .at = offsetof(struct site_item, database),
        .shape = &database_shape},
    {.name = "state_dir",
        .type = KEY_TEXT,
        .at = offsetof(struct site_item, state_dir),
        .fallback = "/var/lib/wallwatch"},
    {.name = "zone",
        .type = KEY_TEXT,
        .at = offsetof(struct site_item, zone),
        .fallback = "Asia/Shanghai",
        .max = "64"},
    {.name = "lanes",
        .type = KEY_MAP,
        .required = true,
        .at = offsetof(struct site_item, lanes),
        .shape = &lane_shape,
        .names = KEY_NAME},
    {.name = "channels",
        .type = KEY_MAP,
        .required = true,
        .at = offsetof(struct site_item, channels),
        .shape = &channel_shape,
        .names = KEY_ID},
    {.name = "clients",
        .type = KEY_MAP,
        .at = offsetof(struct site_item, clients),
        .shape = &client_shape,
        .names = KEY_ID},
    {.name = "console",
        .type = KEY_OBJECT,
        .at = offsetof(struct site_item, console),
        .shape = &console_shape},
    {.name = "patterns",
        .type = KEY_LIST,
        .at = offsetof(struct site_item, patterns),
        .shape = &pattern_shape},
    {.name = "limits",
        .type = KEY_OBJECT,
        .at = offsetof(struct site_item, limits),
        .shape = &limits_shape,
        .fallback = "{}"},
};
const struct shape site_shape = {site_keys, ARRAY_LEN(site_keys), sizeof(struct site_item), NULL};

static bool
text_has(const char *text, const char *part)
{
    return text != NULL && strstr(text, part) != NULL;
}

static void
make_broker(struct loader *loader, const struct site_item *site)
{
    const struct broker_item *broker = &site->broker;

    loader->config->broker = (struct broker){
        .host = broker->host,
        .port = (int)broker->port,
        .username = broker->username,
        .password_file = resolve_path(loader, broker->password_file),
    };
    if (text_has(site->database.connection, "password=")) {
        report(loader->schema.reporter, node_about(site->database.is.node, "connection"),
            "secret-value", "holds a password, secrets are named files",
            "含有密码, 密钥只能以文件名给出");
        report_hint(loader->schema.reporter, "put it into a file and name that in password_file",
            "请把密码放入文件, 并在 password_file 中写文件名");
    }
    loader->config->database = site->database.connection;
    loader->config->database_password_file = resolve_path(loader, site->database.password_file);
    loader->config->state_dir = resolve_path(loader, site->state_dir);
    loader->config->device_rate = (uint32_t)site->limits.device_rate;
    loader->config->device_burst = (uint32_t)site->limits.device_burst;
}

static bool
begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static void
check_url(struct loader *loader, const struct channel_item *item)
{
    const struct node *node = node_about(item->is.node, "url");
    const bool needed = item->kind != CHANNEL_MQTT, mail = item->kind == CHANNEL_EMAIL;

    if (item->url == NULL && needed) {
        report(loader->schema.reporter, item->is.node, "missing-key", "'url' is missing for a %s",
            "缺少 'url' (%s)", channel_kinds[item->kind]);
    } else if (item->url != NULL && !needed) {
        report(loader->schema.reporter, node, "useless-key", "an mqtt channel has no url",
            "mqtt 渠道没有 url");
    } else if (item->url != NULL && mail && !begins(item->url, "smtp://") &&
               !begins(item->url, "smtps://")) {
        report(loader->schema.reporter, node, "bad-url",
            "'%s' is no mail server, allowed are smtp:// and smtps://",
            "'%s' 不是邮件服务器, 允许 smtp:// 和 smtps://", item->url);
    } else if (item->url != NULL && !mail && !begins(item->url, "http://") &&
               !begins(item->url, "https://")) {
        report(loader->schema.reporter, node, "bad-url",
            "'%s' is not an address, allowed are http:// and https://",
            "'%s' 不是地址, 允许 http:// 和 https://", item->url);
    } else if (text_has(item->url, "@")) {
        report(loader->schema.reporter, node, "secret-value",
            "holds a user or a password, secrets are named files",
            "含有用户或密码, 密钥只能以文件名给出");
    }
    if (item->secret_file != NULL && item->kind != CHANNEL_WEBHOOK && item->kind != CHANNEL_SMS)
        report(loader->schema.reporter, node_about(item->is.node, "secret_file"), "useless-key",
            "only a webhook is signed", "只有 webhook 需要签名");
    if (item->next_secret_file != NULL && item->secret_file == NULL)
        report(loader->schema.reporter, node_about(item->is.node, "next_secret_file"),
            "missing-key", "'secret_file' is missing beside it", "缺少 'secret_file'");
}

/* Keys that mean nothing for another kind of channel. */
static void
check_foreign_keys(struct loader *loader, const struct channel_item *item)
{
    const struct {
        const char *key;
        bool given;
        unsigned kinds; /* bit per kind */
    } keys[] = {
        {"next_secret_file", item->next_secret_file != NULL, 1U << CHANNEL_WEBHOOK},
        {"book_file", item->book_file != NULL, 1U << CHANNEL_EMAIL | 1U << CHANNEL_SMS},
        {"from", item->from != NULL, 1U << CHANNEL_EMAIL},
        {"username", item->username != NULL, 1U << CHANNEL_EMAIL},
        {"password_file", item->password_file != NULL, 1U << CHANNEL_EMAIL},
        {"form", item->form.len > 0, 1U << CHANNEL_SMS},
        {"accept", item->accept != NULL, 1U << CHANNEL_SMS},
    };

    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (keys[i].given && (keys[i].kinds >> item->kind & 1U) == 0) {
            report(loader->schema.reporter, node_about(item->is.node, keys[i].key), "useless-key",
                "a channel of kind %s has no '%s'", "%s 渠道没有 '%s'", channel_kinds[item->kind],
                keys[i].key);
        }
    }
}

static void
check_letters(struct loader *loader, const struct channel_item *item)
{
    if (item->kind == CHANNEL_EMAIL && item->from == NULL) {
        report(loader->schema.reporter, item->is.node, "missing-key", "'from' is missing for mail",
            "缺少 'from' (email)");
    } else if (item->kind == CHANNEL_EMAIL && !letter_address_valid(view_of(item->from))) {
        report(loader->schema.reporter, node_about(item->is.node, "from"), "wrong-value",
            "'%s' is not an address of mail", "'%s' 不是邮件地址", item->from);
    }
    if (item->kind == CHANNEL_EMAIL && (item->username == NULL) != (item->password_file == NULL)) {
        report(loader->schema.reporter, item->is.node, "missing-key",
            "'username' and 'password_file' go together",
            "'username' 与 'password_file' 须同时给出");
    }
    if (item->kind == CHANNEL_SMS && item->form.len == 0)
        report(loader->schema.reporter, item->is.node, "missing-key",
            "'form' is missing: what the gateway wants", "缺少 'form': 网关需要的字段");
    for (size_t i = 0; i < item->form.len; i++) {
        if (!letter_field_valid(item->form.at[i])) {
            report(loader->schema.reporter, item->form.nodes[i], "wrong-value",
                "'%s' is no field of a form, allowed is name=value, with {to}, {zh}, {en}, {id} "
                "and "
                "{secret} in the value",
                "'%s' 不是表单字段, 应为 name=value, 值中可用 {to}, {zh}, {en}, {id}, {secret}",
                item->form.at[i]);
        }
    }
}

static void
make_channels(struct loader *loader, struct site_item *site)
{
    sort_items(loader, &site->channels, &channel_shape);
    set_names(loader, KIND_CHANNEL, &site->channels, &channel_shape);
    loader->channels = ARENA_ARRAY(loader->schema.arena, site->channels.len, struct channel);
    for (size_t i = 0; i < site->channels.len; i++) {
        const struct channel_item *item = items_at(&site->channels, &channel_shape, i);

        check_url(loader, item);
        check_foreign_keys(loader, item);
        check_letters(loader, item);
        loader->channels[i] = (struct channel){
            .id = item->is.name,
            .kind = (enum channel_kind)item->kind,
            .url = item->url,
            .secret_file = resolve_path(loader, item->secret_file),
            .next_secret_file = resolve_path(loader, item->next_secret_file),
            .timeout = item->timeout,
            .book_file = resolve_path(loader, item->book_file),
            .from = item->from,
            .username = item->username,
            .password_file = resolve_path(loader, item->password_file),
            .form = item->form.at,
            .n_form = item->form.len,
            .accept = item->accept,
        };
    }
    loader->config->channels = (struct channel_set){loader->channels, site->channels.len};
}

static struct span
sync_of(struct loader *loader, const struct lane_item *item)
{
    struct span sync = {0};

    if (strcmp(item->sync, "each") == 0)
        return sync;
    if (!span_parse(view_of(item->sync), &sync) || sync.us < 1000 || sync.us > SPAN_S(10).us) {
        report(loader->schema.reporter, node_about(item->is.node, "sync"), "bad-sync",
            "'%s' is not a way to sync, allowed are each and 1ms to 10s",
            "'%s' 不是同步方式, 允许 each 和 1ms 至 10s", item->sync);
        sync = (struct span){0};
    }
    return sync;
}

static void
check_filters(struct loader *loader, const struct lane_item *item)
{
    for (size_t i = 0; i < item->filters.len; i++) {
        const char *filter = item->filters.at[i];

        if (!filter_valid(view_of(filter))) {
            report(loader->schema.reporter, item->filters.nodes[i], "bad-filter",
                "'%s' is not a topic filter, allowed are levels between '/', '+' for one and a "
                "last '#' for the rest",
                "'%s' 不是主题过滤器, 允许以 '/' 分层, '+' 代表一层, 末层 '#' 代表其余", filter);
        } else if (filter_matches(view_of(filter), view_of("wallwatch/status/x"))) {
            report(loader->schema.reporter, item->filters.nodes[i], "bad-filter",
                "'%s' takes in what wallwatch itself says", "'%s' 会收到本程序自己的消息", filter);
        }
    }
    if (item->filters.len == 0)
        report(loader->schema.reporter, node_about(item->is.node, "filters"), "empty-value",
            "names no filter, so the lane takes nothing in", "没有过滤器, 此通道收不到消息");
}

static void
make_lanes(struct loader *loader, struct site_item *site)
{
    struct lane_config *lanes =
        ARENA_ARRAY(loader->schema.arena, site->lanes.len, struct lane_config);

    sort_items(loader, &site->lanes, &lane_shape);
    loader->site_lanes = node_about(site->is.node, "lanes");
    for (size_t i = 0; i < site->lanes.len; i++) {
        const struct lane_item *item = items_at(&site->lanes, &lane_shape, i);

        if (strchr(item->is.name, '_') != NULL)
            report(loader->schema.reporter, item->is.node, "bad-name",
                "a lane's name has letters and digits only", "通道名只能含字母和数字");
        check_filters(loader, item);
        lanes[i] = (struct lane_config){
            .name = item->is.name,
            .filters = item->filters.at,
            .n_filters = item->filters.len,
            .life_safety = item->life_safety,
            .sync = sync_of(loader, item),
            .journal_max_bytes = item->journal.max_size,
            .journal_keep = item->journal.keep,
            .port = (int)item->port,
            .username = item->username,
            .password_file = resolve_path(loader, item->password_file),
        };
        for (size_t j = 0; j < i && item->port > 0; j++) {
            if (lanes[j].port == lanes[i].port) {
                report(loader->schema.reporter, node_about(item->is.node, "port"), "port-taken",
                    "lane '%s' has port %d already", "端口已被通道 '%s' 使用: %d", lanes[j].name,
                    lanes[j].port);
            }
        }
    }
    loader->config->lanes = lanes;
    loader->config->n_lanes = site->lanes.len;
    if (site->lanes.len == 0)
        report(loader->schema.reporter, node_about(site->is.node, "lanes"), "empty-value",
            "names no lane", "没有通道");
}

static void
make_zone(struct loader *loader, const struct site_item *site)
{
    const char *text = site->zone != NULL ? site->zone : "Asia/Shanghai";

    CHECK(zone_parse(view_of("Asia/Shanghai"), &loader->config->grid.calendar.zone));
    if (zone_parse(view_of(text), &loader->config->grid.calendar.zone))
        return;
    report(loader->schema.reporter, node_about(site->is.node, "zone"), "bad-zone",
        "'%s' is not a zone, allowed are Asia/Shanghai and POSIX texts like CST-8",
        "'%s' 不是时区, 允许 Asia/Shanghai 和 POSIX 写法, 如 CST-8", text);
    report_hint(loader->schema.reporter,
        "with summer time write 'CET-1CEST,M3.5.0,M10.5.0/3': the sign is minus east of Greenwich",
        "有夏令时写作 'CET-1CEST,M3.5.0,M10.5.0/3': 东经用减号");
}

void
load_site(struct loader *loader)
{
    const struct node *root = load_yaml(loader, "site.yaml", "");
    struct site_item *site = ARENA_NEW(loader->schema.scratch, struct site_item);

    loader->names[KIND_CHANNEL].partial =
        root == NULL || !schema_read(&loader->schema, root, &site_shape, site);
    if (root == NULL || root->kind != NODE_MAP)
        return;
    loader->site = site;
    make_zone(loader, site);
    make_broker(loader, site);
    make_channels(loader, site);
    make_lanes(loader, site);
}

static void
make_patterns(struct loader *loader, const struct site_item *site)
{
    struct config *config = loader->config;
    struct topic_pattern *patterns =
        ARENA_ARRAY(loader->schema.arena, site->patterns.len, struct topic_pattern);

    loader->pattern_nodes =
        ARENA_ARRAY(loader->schema.scratch, site->patterns.len, const struct node *);
    for (size_t i = 0; i < site->patterns.len; i++) {
        const struct pattern_item *item = items_at(&site->patterns, &pattern_shape, i);
        const struct class *class = NULL;

        loader->pattern_nodes[i] = item->is.node;
        patterns[i].pattern = item->pattern;
        if (!pattern_valid(view_of(item->pattern))) {
            report(loader->schema.reporter, node_about(item->is.node, "pattern"), "bad-pattern",
                "'%s' is not a pattern, allowed are levels between '/' and whole levels {device}, "
                "{compound}, {class}, with {device} once",
                "'%s' 不是主题样式, 允许以 '/' 分层, 整层 {device}, {compound}, {class}, "
                "其中 {device} 一次",
                item->pattern);
        }
        if (item->class != NULL) {
            class = class_find(&config->classes, view_of(item->class));
            if (class == NULL)
                report_stranger(
                    loader, node_about(item->is.node, "class"), KIND_CLASS, view_of(item->class));
        }
        patterns[i].class = class;
        if (item->profile != NULL && class != NULL) {
            patterns[i].profile = profile_of(
                loader, class, node_about(item->is.node, "profile"), view_of(item->profile));
        } else if (item->profile != NULL && item->class == NULL) {
            report(loader->schema.reporter, node_about(item->is.node, "profile"), "missing-key",
                "'class' is missing, whose profile it is",
                "缺少 'class', 不知是哪一类设备的厂商方案");
        }
    }
    config->patterns = patterns;
    config->n_patterns = site->patterns.len;
}

static void
make_console(struct loader *loader, const struct site_item *site)
{
    struct config *config = loader->config;
    const struct console_item *item = &site->console;

    if (item->port == 0)
        return;
    config->console.address = item->address;
    config->console.port = (int)item->port;
    for (size_t i = 0; i < config->n_clients; i++) {
        if (strcmp(config->clients[i].id, item->client) == 0 && config->clients[i].commands)
            config->console.client = &config->clients[i];
    }
    if (config->console.client == NULL) {
        report(loader->schema.reporter, item->is.node, "no-such-client",
            "'%s' is not a client that may send commands", "'%s' 不是可以发命令的客户端",
            item->client);
    }
}

void
load_clients(struct loader *loader)
{
    const struct site_item *site = loader->site;
    struct config *config = loader->config;

    if (site == NULL)
        return;
    struct items items = site->clients;
    struct client *clients = ARENA_ARRAY(loader->schema.arena, items.len, struct client);

    sort_items(loader, &items, &client_shape);
    for (size_t i = 0; i < items.len; i++) {
        const struct client_item *item = items_at(&items, &client_shape, i);

        clients[i] = (struct client){
            .id = item->is.name,
            .key_file = resolve_path(loader, item->key_file),
            .commands = item->commands,
        };
        if (item->centre != NULL) {
            clients[i].centre = centre_find(&config->grid, view_of(item->centre));
            if (clients[i].centre == NULL)
                report_stranger(loader, node_about(item->is.node, "centre"), KIND_CENTRE,
                    view_of(item->centre));
        }
        if (item->unit != NULL) {
            clients[i].unit = unit_find(&config->grid, view_of(item->unit));
            if (clients[i].unit == NULL)
                report_stranger(
                    loader, node_about(item->is.node, "unit"), KIND_UNIT, view_of(item->unit));
        }
        if (!item->commands && item->centre == NULL) {
            report(loader->schema.reporter, item->is.node, "useless-client",
                "may neither send commands nor answer for a centre",
                "既不能发命令, 也不代表任何中心");
        }
    }
    config->clients = clients;
    config->n_clients = items.len;
    make_console(loader, site);
    make_patterns(loader, site);
}
