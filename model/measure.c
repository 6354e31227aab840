#include "model/measure.h"

#include "base/check.h"

/* Order: dimensions together, the base unit first. A name means one thing only: "m" is metres
 * (minutes are "min"), "g" is grams (standard gravity is "gn"). */
static const struct measure measures[] = {
    {"", "", 1, 0},
    {"°C", "temperature", 1, 0},
    {"K", "temperature", 1, -273.15},
    {"°F", "temperature", 5.0 / 9.0, -160.0 / 9.0},
    {"°C/min", "temperature change", 1, 0},
    {"°C/s", "temperature change", 60, 0},
    {"°C/h", "temperature change", 1.0 / 60.0, 0},
    {"kPa", "pressure", 1, 0},
    {"Pa", "pressure", 0.001, 0},
    {"hPa", "pressure", 0.1, 0},
    {"MPa", "pressure", 1000, 0},
    {"bar", "pressure", 100, 0},
    {"mbar", "pressure", 0.1, 0},
    {"mH₂O", "pressure", 9.80665, 0}, /* a pump's head, in metres of water */
    {"V", "voltage", 1, 0},
    {"mV", "voltage", 0.001, 0},
    {"kV", "voltage", 1000, 0},
    {"A", "current", 1, 0},
    {"mA", "current", 0.001, 0},
    {"kA", "current", 1000, 0},
    {"W", "power", 1, 0},
    {"mW", "power", 0.001, 0},
    {"kW", "power", 1000, 0},
    {"MW", "power", 1e6, 0},
    {"VA", "apparent power", 1, 0},
    {"kVA", "apparent power", 1000, 0},
    {"kWh", "energy", 1, 0},
    {"Wh", "energy", 0.001, 0},
    {"MWh", "energy", 1000, 0},
    {"kJ", "energy", 1.0 / 3600.0, 0},
    {"J", "energy", 1.0 / 3.6e6, 0},
    {"Ω", "resistance", 1, 0},
    {"kΩ", "resistance", 1000, 0},
    {"MΩ", "resistance", 1e6, 0},
    {"Hz", "frequency", 1, 0},
    {"kHz", "frequency", 1000, 0},
    {"rpm", "rotation", 1, 0},
    {"m/s", "speed", 1, 0},
    {"mm/s", "speed", 0.001, 0},
    {"km/h", "speed", 1.0 / 3.6, 0},
    {"m/min", "speed", 1.0 / 60.0, 0},
    {"m/s²", "acceleration", 1, 0},
    {"mm/s²", "acceleration", 0.001, 0},
    {"gn", "acceleration", 9.80665, 0},
    {"m", "length", 1, 0},
    {"km", "length", 1000, 0},
    {"cm", "length", 0.01, 0},
    {"mm", "length", 0.001, 0},
    {"µm", "length", 1e-6, 0},
    {"°", "angle", 1, 0},
    {"m²", "area", 1, 0},
    {"m³", "volume", 1, 0},
    {"L", "volume", 0.001, 0},
    {"mL", "volume", 1e-6, 0},
    {"L/s", "flow", 1, 0},
    {"L/min", "flow", 1.0 / 60.0, 0},
    {"m³/h", "flow", 1.0 / 3.6, 0},
    {"m³/min", "flow", 1000.0 / 60.0, 0},
    {"s", "time", 1, 0},
    {"ms", "time", 0.001, 0},
    {"min", "time", 60, 0},
    {"h", "time", 3600, 0},
    {"d", "time", 86400, 0},
    {"y", "time", 31557600, 0}, /* 365.25 d */
    {"kg", "mass", 1, 0},
    {"g", "mass", 0.001, 0},
    {"t", "mass", 1000, 0},
    {"N", "force", 1, 0},
    {"kN", "force", 1000, 0},
    {"%", "fraction", 1, 0},
    {"‰", "fraction", 0.1, 0},
    {"ppm", "fraction", 1e-4, 0},
    {"ppb", "fraction", 1e-7, 0},
    {"%LEL", "explosive limit", 1, 0},
    {"%RH", "relative humidity", 1, 0},
    {"%/m", "obscuration", 1, 0},
    {"dB/m", "attenuation", 1, 0},
    {"mg/L", "mass concentration", 1, 0},
    {"g/L", "mass concentration", 1000, 0},
    {"µg/L", "mass concentration", 0.001, 0},
    {"mg/m³", "mass concentration", 0.001, 0},
    {"µg/m³", "mass concentration", 1e-6, 0},
    {"NTU", "turbidity", 1, 0},
    {"pH", "acidity", 1, 0},
    {"µS/cm", "conductivity", 1, 0},
    {"mS/cm", "conductivity", 1000, 0},
    {"lx", "illuminance", 1, 0},
    {"dB", "sound level", 1, 0},
    {"dBm", "signal level", 1, 0},
};

/* What keyboards and vendors write for the same thing. */
static const struct {
    const char *other, *name;
} aliases[] = {
    {"℃", "°C"},
    {"℉", "°F"},
    {"μm", "µm"}, /* U+03BC for U+00B5 */
    {"um", "µm"},
    {"μg/L", "µg/L"},
    {"μg/m³", "µg/m³"},
    {"μS/cm", "µS/cm"},
    {"ug/m3", "µg/m³"},
    {"mg/m3", "mg/m³"},
    {"m3", "m³"},
    {"m3/h", "m³/h"},
    {"m3/min", "m³/min"},
    {"m2", "m²"},
    {"m/s2", "m/s²"},
    {"Ohm", "Ω"},
    {"r/min", "rpm"},
    {"l", "L"},
    {"mg/l", "mg/L"},
    {"％", "%"},
    {"lux", "lx"},
    {"mH2O", "mH₂O"},
    {"ug/L", "µg/L"},
};

static const struct measure *
find_name(struct view name)
{
    for (size_t i = 0; i < ARRAY_LEN(measures); i++) {
        if (view_is(name, measures[i].name))
            return &measures[i];
    }
    return NULL;
}

const struct measure *
measure_find(struct view name)
{
    for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
        if (view_is(name, aliases[i].other))
            return find_name(view_of(aliases[i].name));
    }
    return find_name(name);
}

const struct measure *
measure_at(size_t i)
{
    return i < ARRAY_LEN(measures) ? &measures[i] : NULL;
}

double
measure_convert(double value, const struct measure *from, const struct measure *to)
{
    CHECK(strcmp(from->dimension, to->dimension) == 0);
    /* the same value must come back, also where factor and offset would round */
    if (from == to)
        return value;
    return (value * from->factor + from->offset - to->offset) / to->factor;
}
