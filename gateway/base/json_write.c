#include "gateway/base/json.h"

gw_code json_put_string(gw_buf *b, gw_str s)
{
    static const char short_from[] = "\b\t\n\f\r\"\\";
    static const char short_to[] = "btnfr\"\\";
    gw_buf_putc(b, '"');
    size_t plain = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        gw_buf_put(b, s.p + plain, i - plain);
        plain = i + 1;
        const char *at = c ? strchr(short_from, c) : NULL;
        if (at)
            gw_buf_put(b, (char[]){'\\', short_to[at - short_from]}, 2);
        else
            gw_buf_printf(b, "\\u%04x", c);
    }
    gw_buf_put(b, s.p + plain, s.n - plain);
    return gw_buf_putc(b, '"');
}

gw_code json_put_name(gw_buf *b, const char *name)
{
    if (b->n && b->data[b->n - 1] != '{')
        gw_buf_putc(b, ',');
    json_put_string(b, gw_str_of(name));
    return gw_buf_putc(b, ':');
}

gw_code json_put_member_str(gw_buf *b, const char *name, gw_str value)
{
    json_put_name(b, name);
    return json_put_string(b, value);
}

gw_code json_put_member_int(gw_buf *b, const char *name, int64_t value)
{
    json_put_name(b, name);
    return gw_buf_printf(b, "%lld", (long long)value);
}

gw_code json_put_member_bool(gw_buf *b, const char *name, bool value)
{
    json_put_name(b, name);
    return gw_buf_puts(b, value ? "true" : "false");
}

gw_code json_put_member_raw(gw_buf *b, const char *name, gw_str value)
{
    json_put_name(b, name);
    return gw_buf_put_str(b, value);
}

/* Sort key of a code unit order: UTF-16 puts U+10000.. (surrogates D800-DFFF) before U+E000-FFFF,
 * UTF-8 byte order does not; everything else agrees (RFC 8785 §3.2.3). */
static int utf16_rank(unsigned char c)
{
    if (c >= 0xF0)
        return 0xEE; /* four-byte sequences sort like surrogates: below EE and EF */
    if (c >= 0xEE)
        return c + 2;
    return c;
}

static int compare_names(gw_str a, gw_str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    for (size_t i = 0; i < n; i++) {
        unsigned char ca = (unsigned char)a.p[i];
        unsigned char cb = (unsigned char)b.p[i];
        if (ca == cb)
            continue;
        int ra = utf16_rank(ca);
        int rb = utf16_rank(cb);
        return ra != rb ? ra - rb : ca - cb;
    }
    return (a.n > b.n) - (a.n < b.n);
}

typedef struct {
    gw_str name;
    uint32_t value;
} member;

static int compare_members(const void *a, const void *b)
{
    return compare_names(((const member *)a)->name, ((const member *)b)->name);
}

static gw_code canonical_object(const json_doc *d, uint32_t node, gw_buf *ret, gw_err *err)
{
    uint32_t count = d->nodes[node].count;
    member *members = gw_arena_alloc(d->arena, (count + 1) * sizeof *members);
    if (!members)
        return gw_fail(err, GW_ENOMEM, "canonical JSON: out of memory");
    uint32_t i = 0;
    for (uint32_t a = node + 1; a < d->nodes[node].next; a = d->nodes[a + 1].next)
        members[i++] = (member){json_str(d, a), a + 1};
    qsort(members, count, sizeof *members, compare_members);
    gw_buf_putc(ret, '{');
    for (i = 0; i < count; i++) {
        if (i)
            gw_buf_putc(ret, ',');
        json_put_string(ret, members[i].name);
        gw_buf_putc(ret, ':');
        gw_code rc = json_canonical(d, members[i].value, ret, err);
        if (rc != GW_OK)
            return rc;
    }
    gw_buf_putc(ret, '}');
    return gw_buf_code(ret, "canonical JSON", err);
}

static gw_code canonical_array(const json_doc *d, uint32_t node, gw_buf *ret, gw_err *err)
{
    gw_buf_putc(ret, '[');
    for (uint32_t a = node + 1; a < d->nodes[node].next; a = d->nodes[a].next) {
        if (a != node + 1)
            gw_buf_putc(ret, ',');
        gw_code rc = json_canonical(d, a, ret, err);
        if (rc != GW_OK)
            return rc;
    }
    gw_buf_putc(ret, ']');
    return gw_buf_code(ret, "canonical JSON", err);
}

gw_code json_canonical(const json_doc *d, uint32_t node, gw_buf *ret, gw_err *err)
{
    switch (json_kind_of(d, node)) {
    case JSON_OBJECT:
        return canonical_object(d, node, ret, err);
    case JSON_ARRAY:
        return canonical_array(d, node, ret, err);
    case JSON_STRING:
        json_put_string(ret, json_str(d, node));
        break;
    case JSON_INT:
        gw_buf_printf(ret, "%lld", (long long)d->nodes[node].i);
        break;
    case JSON_NUMBER:
        return gw_fail(err, GW_EINVAL, "canonical JSON: only integers within int64 are allowed");
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
        gw_buf_put_str(ret, json_raw(d, node));
        break;
    }
    return gw_buf_code(ret, "canonical JSON", err);
}
