#include "gateway/policy/hours.h"

int16_t hours_minute(gw_str s)
{
    if (s.n != 5 || s.p[2] != ':')
        return -1;
    for (size_t i = 0; i < 5; i++)
        if (i != 2 && (s.p[i] < '0' || s.p[i] > '9'))
            return -1;
    int hours = (s.p[0] - '0') * 10 + s.p[1] - '0';
    int minutes = (s.p[3] - '0') * 10 + s.p[4] - '0';
    bool good = minutes < 60 && (hours < 24 || (hours == 24 && minutes == 0));
    return (int16_t)(good ? hours * 60 + minutes : -1);
}

uint8_t hours_days(const json_doc *d, uint32_t node)
{
    static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    unsigned bits = 0;
    if (!node)
        return HOURS_EVERY_DAY;
    if (json_kind_of(d, node) != JSON_ARRAY)
        return 0;
    for (uint32_t at = json_first(node); at < json_at(d, node)->next; at = json_at(d, at)->next) {
        unsigned bit = 0;
        for (unsigned i = 0; i < GW_COUNT(names); i++)
            if (json_kind_of(d, at) == JSON_STRING && gw_str_is(json_str(d, at), names[i]))
                bit = 1U << i;
        if (!bit)
            return 0;
        bits |= bit;
    }
    return (uint8_t)bits;
}
