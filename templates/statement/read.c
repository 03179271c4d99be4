#include "templates/statement/read.h"
#include "gateway/base/time.h"
#include "gateway/base/utf8.h"
#include "templates/statement/statement.h"

#include <inttypes.h>
#include <stdio.h>

gw_code read_refuse(reader *r, uint32_t node, gw_code code, const char *why)
{
    char pointer[JSON_POINTER_TEXT];
    json_pointer(r->d, node, pointer);
    return gw_fail(r->err, code, "statement %s: %s", pointer, why);
}

gw_code read_missing(reader *r, uint32_t object, const char *name)
{
    char pointer[JSON_POINTER_TEXT];
    json_pointer(r->d, object, pointer);
    return gw_fail(r->err, GW_EINVAL, "statement %s/%s: missing", pointer, name);
}

uint32_t read_member(reader *r, uint32_t object, const char *name)
{
    uint32_t node = json_member(r->d, object, name);
    return node && json_kind_of(r->d, node) != JSON_NULL ? node : 0;
}

/* Characters that would change how the rest of a page or file reads. */
static const char *forbidden(uint32_t c, int how)
{
    bool is_break = c == '\n' || c == '\r' || c == '\t';
    if (is_break)
        return how & READ_LINES ? NULL : "must be one line";
    if (c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x2028 || c == 0x2029)
        return "holds a control character";
    if ((c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069))
        return "holds a control of writing direction, which could reorder amounts";
    return NULL;
}

static const char *fault_of(gw_str s, int how)
{
    bool blank = true;
    for (size_t i = 0; i < s.n;) {
        size_t len = gw_utf8_length(s.p + i, s.n - i);
        if (len == 0)
            return "not UTF-8";
        uint32_t c = gw_utf8_code_point(s.p + i, len);
        const char *why = forbidden(c, how);
        if (why)
            return why;
        blank =
            blank && (c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == 0xA0 || c == 0x3000);
        i += len;
    }
    return blank && (how & READ_REQUIRED) ? "must not be empty" : NULL;
}

gw_code read_text_node(reader *r, uint32_t node, size_t limit, int how, gw_str *ret)
{
    if (json_kind_of(r->d, node) != JSON_STRING)
        return read_refuse(r, node, GW_EINVAL, "must be a string");
    gw_str s = json_str(r->d, node);
    if (!s.p)
        return read_refuse(r, node, GW_ENOMEM, "out of memory");
    if (s.n > limit) {
        char why[48];
        snprintf(why, sizeof why, "longer than %zu bytes", limit);
        return read_refuse(r, node, GW_ELIMIT, why);
    }
    const char *fault = fault_of(s, how);
    if (fault)
        return read_refuse(r, node, GW_EINVAL, fault);
    *ret = s;
    return GW_OK;
}

gw_code read_texts(reader *r, uint32_t object, const read_text *rows, size_t n, void *ret_struct)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t node = read_member(r, object, rows[i].name);
        if (!node && (rows[i].how & READ_REQUIRED))
            return read_missing(r, object, rows[i].name);
        if (!node)
            continue;
        gw_str s;
        gw_code rc = read_text_node(r, node, rows[i].limit, rows[i].how, &s);
        if (rc != GW_OK)
            return rc;
        memcpy((char *)ret_struct + rows[i].offset, &s, sizeof s);
    }
    return GW_OK;
}

gw_code read_day(reader *r, uint32_t object, const char *name, int how, bool *ret_has,
                 int32_t *ret_day)
{
    uint32_t node = read_member(r, object, name);
    if (!node)
        return how & READ_REQUIRED ? read_missing(r, object, name) : GW_OK;
    if (json_kind_of(r->d, node) != JSON_STRING ||
        gw_date_parse(json_str(r->d, node), ret_day, NULL) != GW_OK)
        return read_refuse(r, node, GW_EINVAL, "must be a calendar date such as \"2013-01-22\"");
    if (ret_has)
        *ret_has = true;
    return GW_OK;
}

gw_code read_amount(reader *r, uint32_t object, const char *name, int how, int64_t low,
                    bool *ret_has, int64_t *ret)
{
    uint32_t node = read_member(r, object, name);
    if (!node)
        return how & READ_REQUIRED ? read_missing(r, object, name) : GW_OK;
    if (json_kind_of(r->d, node) != JSON_INT)
        return read_refuse(r, node, GW_EINVAL, "must be an integer of minor units, such as 5594");
    int64_t v = json_at(r->d, node)->i;
    if (v < low || v > STATEMENT_AMOUNT_MAX) {
        char why[80];
        snprintf(why, sizeof why, "must be between %" PRId64 " and %" PRId64 " minor units", low,
                 (int64_t)STATEMENT_AMOUNT_MAX);
        return read_refuse(r, node, GW_EINVAL, why);
    }
    if (ret_has)
        *ret_has = true;
    *ret = v;
    return GW_OK;
}

gw_code read_flag(reader *r, uint32_t object, const char *name, bool *ret)
{
    uint32_t node = read_member(r, object, name);
    if (!node)
        return GW_OK;
    json_kind kind = json_kind_of(r->d, node);
    if (kind != JSON_TRUE && kind != JSON_FALSE)
        return read_refuse(r, node, GW_EINVAL, "must be true or false");
    *ret = kind == JSON_TRUE;
    return GW_OK;
}

gw_code read_list(reader *r, uint32_t object, const char *name, int how, size_t limit,
                  uint32_t *ret_node, size_t *ret_n)
{
    uint32_t node = read_member(r, object, name);
    if (!node)
        return how & READ_REQUIRED ? read_missing(r, object, name) : GW_OK;
    if (json_kind_of(r->d, node) != JSON_ARRAY)
        return read_refuse(r, node, GW_EINVAL, "must be a list");
    size_t n = json_at(r->d, node)->count;
    if (n > limit) {
        char why[48];
        snprintf(why, sizeof why, "more than %zu elements", limit);
        return read_refuse(r, node, GW_ELIMIT, why);
    }
    *ret_node = node;
    *ret_n = n;
    return GW_OK;
}
