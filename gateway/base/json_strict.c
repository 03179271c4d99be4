#include "gateway/base/json_strict.h"

#include <stdio.h>

gw_code json_fail(const json_doc *d, uint32_t node, gw_err *err, const char *fmt, ...)
{
    char pointer[JSON_POINTER_TEXT];
    char text[200];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    json_pointer(d, node, pointer);
    return gw_fail(err, GW_EINVAL, "%s: %s", *pointer ? pointer : "/", text);
}

static const char *plain_name(const char *name)
{
    return name + (*name == '!');
}

gw_code json_check_members(const json_doc *d, uint32_t object, const char *const *names, size_t n,
                           gw_err *err)
{
    if (json_kind_of(d, object) != JSON_OBJECT)
        return json_fail(d, object, err, "an object is expected here");
    uint32_t end = json_at(d, object)->next;
    for (uint32_t a = json_first(object); a < end; a = json_at(d, a + 1)->next) {
        gw_str name = json_str(d, a);
        size_t i = 0;
        while (i < n && !gw_str_is(name, plain_name(names[i])))
            i++;
        if (i == n)
            return json_fail(d, a + 1, err, "unknown member; correct its name or remove it");
    }
    for (size_t i = 0; i < n; i++)
        if (names[i][0] == '!' && !json_member(d, object, plain_name(names[i])))
            return json_fail(d, object, err, "member \"%s\" is missing", plain_name(names[i]));
    return GW_OK;
}

static gw_code need(const json_doc *d, uint32_t object, const char *name, json_kind kind,
                    const char *what, uint32_t *ret, gw_err *err)
{
    uint32_t at = json_member(d, object, name);
    if (!at)
        return json_fail(d, object, err, "member \"%s\" is missing", name);
    if (json_kind_of(d, at) != kind)
        return json_fail(d, at, err, "%s is expected", what);
    *ret = at;
    return GW_OK;
}

gw_code json_need_str(const json_doc *d, uint32_t object, const char *name, size_t max_bytes,
                      gw_str *ret, gw_err *err)
{
    uint32_t at = 0;
    gw_code rc = need(d, object, name, JSON_STRING, "a string", &at, err);
    if (rc != GW_OK)
        return rc;
    gw_str s = json_str(d, at);
    if (!s.p)
        return gw_fail(err, GW_ENOMEM, "reading a JSON string");
    if (s.n == 0)
        return json_fail(d, at, err, "the string is empty");
    if (s.n > max_bytes)
        return json_fail(d, at, err, "longer than %zu bytes", max_bytes);
    *ret = s;
    return GW_OK;
}

gw_code json_need_int(const json_doc *d, uint32_t object, const char *name, int64_t min,
                      int64_t max, int64_t *ret, gw_err *err)
{
    uint32_t at = 0;
    gw_code rc = need(d, object, name, JSON_INT, "a whole number", &at, err);
    if (rc != GW_OK)
        return rc;
    int64_t i = json_at(d, at)->i;
    if (i < min || i > max)
        return json_fail(d, at, err, "a whole number from %lld to %lld is expected", (long long)min,
                         (long long)max);
    *ret = i;
    return GW_OK;
}

gw_code json_need_array(const json_doc *d, uint32_t object, const char *name, uint32_t max,
                        uint32_t *ret, gw_err *err)
{
    uint32_t at = 0;
    gw_code rc = need(d, object, name, JSON_ARRAY, "an array", &at, err);
    if (rc != GW_OK)
        return rc;
    if (json_at(d, at)->count > max)
        return json_fail(d, at, err, "more than %u elements", max);
    *ret = at;
    return GW_OK;
}

gw_code json_need_choice(const json_doc *d, uint32_t object, const char *name,
                         const char *const *choices, size_t n, size_t *ret, gw_err *err)
{
    uint32_t at = 0;
    gw_code rc = need(d, object, name, JSON_STRING, "a string", &at, err);
    if (rc != GW_OK)
        return rc;
    gw_str s = json_str(d, at);
    char list[120] = "";
    for (size_t i = 0; i < n; i++) {
        if (gw_str_is(s, choices[i])) {
            *ret = i;
            return GW_OK;
        }
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", choices[i]);
    }
    return json_fail(d, at, err, "one of %s is expected", list);
}
