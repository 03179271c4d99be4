#include "templates/engine/locale.h"

static char folded(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return c == '_' ? '-' : c;
}

static bool same(gw_str a, gw_str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (folded(a.p[i]) != folded(b.p[i]))
            return false;
    return true;
}

static gw_str language_of(gw_str locale)
{
    size_t n = 0;
    while (n < locale.n && folded(locale.p[n]) != '-')
        n++;
    return (gw_str){locale.p, n};
}

static gw_str without_last_subtag(gw_str locale)
{
    while (locale.n && folded(locale.p[locale.n - 1]) != '-')
        locale.n--;
    locale.n -= locale.n > 0;
    return locale;
}

static int find_exact(gw_str wanted, const gw_str *available, size_t count)
{
    for (size_t i = 0; wanted.n && i < count; i++)
        if (same(wanted, available[i]))
            return (int)i;
    return -1;
}

static bool comes_before(gw_str a, gw_str b)
{
    int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
    return order ? order < 0 : a.n < b.n;
}

static int find_same_language(gw_str wanted, const gw_str *available, size_t count)
{
    int best = -1;
    gw_str language = language_of(wanted);
    for (size_t i = 0; language.n && i < count; i++)
        if (same(language, language_of(available[i])) &&
            (best < 0 || comes_before(available[i], available[best])))
            best = (int)i;
    return best;
}

int template_locale_pick(gw_str wanted, const gw_str *available, size_t count, gw_str fallback)
{
    for (gw_str range = wanted; range.n; range = without_last_subtag(range)) {
        int at = find_exact(range, available, count);
        if (at >= 0)
            return at;
    }
    int at = find_same_language(wanted, available, count);
    return at >= 0 ? at : find_exact(fallback, available, count);
}
