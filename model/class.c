#include "model/class.h"

const struct class *
class_find(const struct class_table *table, struct view name)
{
    for (size_t i = 0; i < table->len; i++) {
        if (view_is(name, table->at[i].name))
            return &table->at[i];
    }
    return NULL;
}

int
field_find(const struct class *class, struct view name)
{
    for (size_t i = 0; i < class->n_fields; i++) {
        if (view_is(name, class->fields[i].name))
            return (int)i;
    }
    return -1;
}

const struct field_code *
field_code_by_name(const struct field *field, struct view name)
{
    for (size_t i = 0; i < field->n_codes; i++) {
        if (view_is(name, field->codes[i].name))
            return &field->codes[i];
    }
    return NULL;
}

const struct field_code *
field_code_by_number(const struct field *field, double number)
{
    for (size_t i = 0; i < field->n_codes; i++) {
        /* codes are whole numbers, so they compare exactly */
        if (field->codes[i].number == number)
            return &field->codes[i];
    }
    return NULL;
}
