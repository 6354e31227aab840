#include "model/device.h"

#include "base/digest.h"

const struct device *
device_find(const struct device_table *table, struct view code)
{
    return map_get(&table->by_code, code);
}

uint64_t
device_key(struct view code)
{
    return digest_key(code);
}

bool
device_code_valid(struct view code)
{
    if (code.len == 0 || code.len > DEVICE_CODE_BYTES)
        return false;
    for (size_t i = 0; i < code.len; i++) {
        const char c = code.ptr[i];
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        const bool other = (c >= '0' && c <= '9') || c == '.' || c == '_' || c == ':' || c == '-';

        if (!letter && !other)
            return false;
    }
    return true;
}
