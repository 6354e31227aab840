#include "model/measure.h"

#include "base/check.h"

#include <stdio.h>

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
    {"kWh/min", "power", 60000, 0},
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
    {"/s", "frequency", 1, 0},
    {"/min", "frequency", 1.0 / 60.0, 0},
    {"/h", "frequency", 1.0 / 3600.0, 0},
    {"rpm", "rotation", 1, 0},
    {"m/s", "speed", 1, 0},
    {"mm/s", "speed", 0.001, 0},
    {"km/h", "speed", 1.0 / 3.6, 0},
    {"m/min", "speed", 1.0 / 60.0, 0},
    {"cm/min", "speed", 0.01 / 60.0, 0},
    {"cm/h", "speed", 0.01 / 3600.0, 0},
    {"mm/min", "speed", 0.001 / 60.0, 0},
    {"mm/h", "speed", 0.001 / 3600.0, 0},
    {"m/s²", "acceleration", 1, 0},
    {"mm/s²", "acceleration", 0.001, 0},
    {"gn", "acceleration", 9.80665, 0},
    {"m/s/min", "acceleration", 1.0 / 60.0, 0},
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
    /* how fast the others change; base: that of their base unit, each minute */
    {"kPa/min", "pressure change", 1, 0},
    {"kPa/s", "pressure change", 60, 0},
    {"kPa/h", "pressure change", 1.0 / 60.0, 0},
    {"Pa/min", "pressure change", 0.001, 0},
    {"Pa/s", "pressure change", 0.001 * 60, 0},
    {"Pa/h", "pressure change", 0.001 / 60, 0},
    {"MPa/min", "pressure change", 1000, 0},
    {"MPa/s", "pressure change", 1000 * 60, 0},
    {"MPa/h", "pressure change", 1000.0 / 60, 0},
    {"bar/min", "pressure change", 100, 0},
    {"bar/s", "pressure change", 100 * 60, 0},
    {"bar/h", "pressure change", 100.0 / 60, 0},
    {"V/min", "voltage change", 1, 0},
    {"V/s", "voltage change", 60, 0},
    {"V/h", "voltage change", 1.0 / 60.0, 0},
    {"A/min", "current change", 1, 0},
    {"A/s", "current change", 60, 0},
    {"A/h", "current change", 1.0 / 60.0, 0},
    {"W/min", "power change", 1, 0},
    {"W/s", "power change", 60, 0},
    {"W/h", "power change", 1.0 / 60.0, 0},
    {"kW/min", "power change", 1000, 0},
    {"kW/s", "power change", 1000 * 60, 0},
    {"kW/h", "power change", 1000.0 / 60, 0},
    {"VA/min", "apparent power change", 1, 0},
    {"VA/s", "apparent power change", 60, 0},
    {"VA/h", "apparent power change", 1.0 / 60.0, 0},
    {"Ω/min", "resistance change", 1, 0},
    {"Ω/s", "resistance change", 60, 0},
    {"Ω/h", "resistance change", 1.0 / 60.0, 0},
    {"rpm/min", "rotation change", 1, 0},
    {"rpm/s", "rotation change", 60, 0},
    {"rpm/h", "rotation change", 1.0 / 60.0, 0},
    {"°/min", "angle change", 1, 0},
    {"°/s", "angle change", 60, 0},
    {"°/h", "angle change", 1.0 / 60.0, 0},
    {"kg/min", "mass change", 1, 0},
    {"kg/s", "mass change", 60, 0},
    {"kg/h", "mass change", 1.0 / 60.0, 0},
    {"N/min", "force change", 1, 0},
    {"N/s", "force change", 60, 0},
    {"N/h", "force change", 1.0 / 60.0, 0},
    {"%/min", "fraction change", 1, 0},
    {"%/s", "fraction change", 60, 0},
    {"%/h", "fraction change", 1.0 / 60.0, 0},
    {"ppm/min", "fraction change", 1e-4, 0},
    {"ppm/s", "fraction change", 1e-4 * 60, 0},
    {"ppm/h", "fraction change", 1e-4 / 60, 0},
    {"%LEL/min", "explosive limit change", 1, 0},
    {"%LEL/s", "explosive limit change", 60, 0},
    {"%LEL/h", "explosive limit change", 1.0 / 60.0, 0},
    {"%RH/min", "relative humidity change", 1, 0},
    {"%RH/s", "relative humidity change", 60, 0},
    {"%RH/h", "relative humidity change", 1.0 / 60.0, 0},
    {"%/m/min", "obscuration change", 1, 0},
    {"%/m/s", "obscuration change", 60, 0},
    {"%/m/h", "obscuration change", 1.0 / 60.0, 0},
    {"dB/m/min", "attenuation change", 1, 0},
    {"dB/m/s", "attenuation change", 60, 0},
    {"dB/m/h", "attenuation change", 1.0 / 60.0, 0},
    {"mg/L/min", "mass concentration change", 1, 0},
    {"mg/L/s", "mass concentration change", 60, 0},
    {"mg/L/h", "mass concentration change", 1.0 / 60.0, 0},
    {"NTU/min", "turbidity change", 1, 0},
    {"NTU/s", "turbidity change", 60, 0},
    {"NTU/h", "turbidity change", 1.0 / 60.0, 0},
    {"pH/min", "acidity change", 1, 0},
    {"pH/s", "acidity change", 60, 0},
    {"pH/h", "acidity change", 1.0 / 60.0, 0},
    {"µS/cm/min", "conductivity change", 1, 0},
    {"µS/cm/s", "conductivity change", 60, 0},
    {"µS/cm/h", "conductivity change", 1.0 / 60.0, 0},
    {"lx/min", "illuminance change", 1, 0},
    {"lx/s", "illuminance change", 60, 0},
    {"lx/h", "illuminance change", 1.0 / 60.0, 0},
    {"dB/min", "sound level change", 1, 0},
    {"dB/s", "sound level change", 60, 0},
    {"dB/h", "sound level change", 1.0 / 60.0, 0},
    {"dBm/min", "signal level change", 1, 0},
    {"dBm/s", "signal level change", 60, 0},
    {"dBm/h", "signal level change", 1.0 / 60.0, 0},
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
measure_rate(const struct measure *measure)
{
    char name[32];
    size_t base = 0;

    while (strcmp(measures[base].dimension, measure->dimension) != 0)
        base++;
    (void)snprintf(name, sizeof(name), "%s/min", measures[base].name);
    return find_name(view_of(name));
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
