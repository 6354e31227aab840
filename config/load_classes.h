/* load_classes: what the loaders of classes and of their profiles share. */
#pragma once

#include "config/load.h"

struct keep_item {
    struct item is;
    struct class_keep keep;
};

struct class_item {
    struct item is;
    struct words title;
    struct span interval;
    struct keep_item keep;
    int64_t coverage;
    struct items fields, rated, profiles;
};

extern const struct shape profile_shape;
void make_profiles(struct loader *loader, const struct class_item *item, struct class *class);
