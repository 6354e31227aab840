#include "service/metrics.h"

#include <string.h>

static void
put_label(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, "%s=\"", name);
    for (const char *c = value; *c != '\0'; c++) {
        if (*c == '\n')
            buf_text(out, "\\n");
        else if (*c == '"' || *c == '\\')
            buf_printf(out, "\\%c", *c);
        else
            buf_char(out, *c);
    }
    buf_char(out, '"');
}

void
metrics_put(struct metrics *metrics, const char *name, const char *kind, const char *help,
    const char *label, const char *label_value, double value)
{
    struct buf *out = metrics->out;

    if (metrics->last == NULL || strcmp(metrics->last, name) != 0)
        buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
    metrics->last = name;
    buf_printf(out, "%s{", name);
    put_label(out, "lane", metrics->lane);
    if (label != NULL) {
        buf_char(out, ',');
        put_label(out, label, label_value);
    }
    /* 17 digits read back as the same double; whole numbers look whole. */
    buf_printf(out, "} %.17g\n", value);
}
