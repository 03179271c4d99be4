#include "templates/format/locale.h"

#include <unicode/uloc.h>
#include <unicode/uregion.h>

/* ICU opens any name and falls back in silence, to its parent locale and then to the locale of the
 * process. So a tag counts as known only if ICU lists its language (and script) itself. */
static bool has_data(const char *name)
{
    for (int32_t i = 0; i < uloc_countAvailable(); i++)
        if (strcmp(uloc_getAvailable(i), name) == 0)
            return true;
    return false;
}

static bool is_known(const char *full, const char *language, const char *script,
                     const char *country)
{
    char name[ULOC_FULLNAME_CAPACITY];
    if (has_data(full)) /* also the groups of countries, such as es_419 */
        return true;
    if (!has_data(language))
        return false;
    if (script[0]) {
        size_t n = strlen(language);
        memcpy(name, language, n);
        name[n] = '_';
        memcpy(name + n + 1, script, strlen(script) + 1);
        if (!has_data(name))
            return false;
    }
    if (!country[0])
        return true;
    UErrorCode status = U_ZERO_ERROR;
    const URegion *region = uregion_getRegionFromCode(country, &status);
    return U_SUCCESS(status) && uregion_getType(region) == URGN_TERRITORY;
}

gw_code format_locale_name(gw_str tag, char ret_name[FORMAT_LOCALE_BYTES], gw_err *err)
{
    char text[FORMAT_LOCALE_BYTES];
    if (tag.n == 0 || tag.n >= sizeof text || memchr(tag.p, '\0', tag.n))
        return gw_fail(err, GW_EINVAL, "locale: write a tag such as zh-CN or en, at most %d bytes",
                       FORMAT_LOCALE_BYTES - 1);
    memcpy(text, tag.p, tag.n);
    text[tag.n] = '\0';

    char name[ULOC_FULLNAME_CAPACITY];
    char language[ULOC_LANG_CAPACITY], script[ULOC_SCRIPT_CAPACITY], country[ULOC_COUNTRY_CAPACITY];
    int32_t parsed = 0;
    UErrorCode status = U_ZERO_ERROR;
    int32_t n = uloc_forLanguageTag(text, name, sizeof name, &parsed, &status);
    uloc_getLanguage(name, language, sizeof language, &status);
    uloc_getScript(name, script, sizeof script, &status);
    uloc_getCountry(name, country, sizeof country, &status);
    bool plain = U_SUCCESS(status) && (size_t)parsed == tag.n && n < FORMAT_LOCALE_BYTES;
    size_t parts = strlen(language) + (script[0] ? strlen(script) + 1 : 0) +
                   (country[0] ? strlen(country) + 1 : 0);
    if (!plain || language[0] == '\0' || parts != (size_t)n)
        return gw_fail(err, GW_EINVAL,
                       "locale \"%s\": write language, script and region only, such as zh-CN",
                       text);
    if (!is_known(name, language, script, country))
        return gw_fail(err, GW_ENOTFOUND,
                       "locale \"%s\": no data for this language or no such region", text);
    memcpy(ret_name, name, (size_t)n + 1);
    return GW_OK;
}
