#include "gateway/base/json.h"
#include "gateway/base/utf8.h"

enum { FIRST_NODES = 32, HASHED_MEMBERS = 8 };

typedef struct {
    const char *p, *end, *start;
    json_node *nodes;
    uint32_t n, cap;
    gw_arena *arena;
    gw_err *err;
    gw_code rc;
} reader;

static bool refuse(reader *r, gw_code code, const char *what)
{
    if (r->rc == GW_OK)
        r->rc = gw_fail(r->err, code, "JSON byte %zu: %s", (size_t)(r->p - r->start), what);
    return false;
}

static bool add_node(reader *r, json_kind kind, const char *from, uint32_t *ret)
{
    if (r->n == r->cap) {
        uint32_t cap = r->cap ? r->cap * 4 : FIRST_NODES;
        if (r->n >= JSON_NODES_MAX)
            return refuse(r, GW_ELIMIT, "more than 1048576 values");
        json_node *more = gw_arena_alloc(r->arena, cap * sizeof *more);
        if (!more)
            return refuse(r, GW_ELIMIT, "document needs more memory than its limit");
        if (r->n)
            memcpy(more, r->nodes, r->n * sizeof *more);
        r->nodes = more;
        r->cap = cap;
    }
    r->nodes[r->n] = (json_node){.kind = (uint8_t)kind, .off = (uint32_t)(from - r->start)};
    *ret = r->n++;
    return true;
}

static void skip_space(reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'))
        r->p++;
}

static int hex4(const char *p, const char *end)
{
    int v = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int d = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
        if (d < 0)
            return -1;
        v = v * 16 + d;
    }
    return v;
}

static bool skip_escape(reader *r)
{
    if (r->end - r->p < 2)
        return refuse(r, GW_EINVAL, "text ends inside a string");
    char c = r->p[1];
    if (c != 'u') {
        if (!strchr("\"\\/bfnrt", c) || c == '\0')
            return refuse(r, GW_EINVAL, "unknown escape");
        r->p += 2;
        return true;
    }
    int u = hex4(r->p + 2, r->end);
    if (u < 0)
        return refuse(r, GW_EINVAL, "\\u needs four hex digits");
    if (u == 0)
        return refuse(r, GW_EINVAL, "\\u0000 is not allowed");
    if (u >= 0xDC00 && u <= 0xDFFF)
        return refuse(r, GW_EINVAL, "lone low surrogate");
    r->p += 6;
    if (u < 0xD800 || u > 0xDBFF)
        return true;
    int low = r->end - r->p >= 6 && r->p[0] == '\\' && r->p[1] == 'u' ? hex4(r->p + 2, r->end) : -1;
    if (low < 0xDC00 || low > 0xDFFF)
        return refuse(r, GW_EINVAL, "lone high surrogate");
    r->p += 6;
    return true;
}

/* Skip bytes that need no look, eight at a time: none below 0x20 or above 0x7f, no quote, no
 * backslash. May stop early, never late. */
static const char *skip_plain(const char *p, const char *end)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t highs = ones << 7;
    while (end - p >= 8) {
        uint64_t w;
        memcpy(&w, p, sizeof w);
        uint64_t quote = w ^ (ones * '"');
        uint64_t slash = w ^ (ones * '\\');
        uint64_t special = (w - ones * 0x20) | (quote - ones) | (slash - ones) | w;
        if (special & highs)
            break;
        p += 8;
    }
    return p;
}

static bool read_string(reader *r, uint32_t *ret)
{
    if (!add_node(r, JSON_STRING, r->p + 1, ret))
        return false;
    r->p++;
    while (r->p < r->end) {
        r->p = skip_plain(r->p, r->end);
        if (r->p == r->end)
            break;
        unsigned char c = (unsigned char)*r->p;
        if (c == '"') {
            json_node *node = &r->nodes[*ret];
            node->len = (uint32_t)(r->p - r->start) - node->off;
            node->next = r->n;
            r->p++;
            return true;
        }
        if (c < 0x20)
            return refuse(r, GW_EINVAL, "control byte inside a string");
        if (c == '\\') {
            r->nodes[*ret].escaped = true;
            if (!skip_escape(r))
                return false;
        } else if (c < 0x80) {
            r->p++;
        } else {
            size_t n = gw_utf8_length(r->p, (size_t)(r->end - r->p));
            if (n == 0)
                return refuse(r, GW_EINVAL, "invalid UTF-8");
            r->p += n;
        }
    }
    return refuse(r, GW_EINVAL, "text ends inside a string");
}

static const char *skip_digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

/* Value of the integer at p..end, false when it does not fit int64. */
static bool integer_value(const char *p, const char *end, int64_t *ret)
{
    bool minus = *p == '-';
    int64_t v = 0;
    for (p += minus; p < end; p++) {
        int d = *p - '0';
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_sub_overflow(v, d, &v))
            return false;
    }
    if (!minus && v == INT64_MIN)
        return false;
    *ret = minus ? v : -v;
    return true;
}

static bool read_number(reader *r, uint32_t *ret)
{
    const char *from = r->p;
    const char *p = from + (*from == '-');
    const char *whole = p;
    p = skip_digits(p, r->end);
    bool good = p > whole && (p - whole == 1 || *whole != '0');
    const char *whole_end = p;
    if (good && p < r->end && *p == '.') {
        const char *fraction = ++p;
        p = skip_digits(p, r->end);
        good = p > fraction;
    }
    if (good && p < r->end && (*p == 'e' || *p == 'E')) {
        p++;
        p += p < r->end && (*p == '+' || *p == '-');
        const char *exponent = p;
        p = skip_digits(p, r->end);
        good = p > exponent;
    }
    if (!good)
        return refuse(r, GW_EINVAL, "not a number");
    if (!add_node(r, JSON_NUMBER, from, ret))
        return false;
    json_node *node = &r->nodes[*ret];
    node->len = (uint32_t)(p - from);
    node->next = r->n;
    if (p == whole_end && integer_value(from, p, &node->i))
        node->kind = JSON_INT;
    r->p = p;
    return true;
}

static bool read_word(reader *r, uint32_t *ret)
{
    static const struct {
        const char *word;
        json_kind kind;
    } words[] = {{"true", JSON_TRUE}, {"false", JSON_FALSE}, {"null", JSON_NULL}};
    for (size_t i = 0; i < GW_COUNT(words); i++) {
        size_t n = strlen(words[i].word);
        if ((size_t)(r->end - r->p) < n || memcmp(r->p, words[i].word, n) != 0)
            continue;
        if (!add_node(r, words[i].kind, r->p, ret))
            return false;
        r->nodes[*ret].len = (uint32_t)n;
        r->nodes[*ret].next = r->n;
        r->p += n;
        return true;
    }
    return refuse(r, GW_EINVAL, "a value is expected here");
}

/* Unescape s into out (never longer than s); returns the length. The string was checked before. */
static size_t unescape(gw_str s, char *out)
{
    const char *end = s.p + s.n;
    char *o = out;
    for (const char *p = s.p; p < end;) {
        if (*p != '\\') {
            *o++ = *p++;
            continue;
        }
        static const char from[] = "\"\\/bfnrt";
        static const char to[] = "\"\\/\b\f\n\r\t";
        if (p[1] != 'u') {
            *o++ = to[strchr(from, p[1]) - from];
            p += 2;
            continue;
        }
        uint32_t u = (uint32_t)hex4(p + 2, end);
        p += 6;
        if (u >= 0xD800 && u <= 0xDBFF) {
            u = 0x10000 + ((u - 0xD800) << 10) + ((uint32_t)hex4(p + 2, end) - 0xDC00);
            p += 6;
        }
        if (u < 0x80) {
            *o++ = (char)u;
        } else if (u < 0x800) {
            *o++ = (char)(0xC0 | (u >> 6));
            *o++ = (char)(0x80 | (u & 63));
        } else if (u < 0x10000) {
            *o++ = (char)(0xE0 | (u >> 12));
            *o++ = (char)(0x80 | ((u >> 6) & 63));
            *o++ = (char)(0x80 | (u & 63));
        } else {
            *o++ = (char)(0xF0 | (u >> 18));
            *o++ = (char)(0x80 | ((u >> 12) & 63));
            *o++ = (char)(0x80 | ((u >> 6) & 63));
            *o++ = (char)(0x80 | (u & 63));
        }
    }
    return (size_t)(o - out);
}

gw_str json_str(const json_doc *d, uint32_t node)
{
    gw_str raw = json_raw(d, node);
    if (!d->nodes[node].escaped)
        return raw;
    char *out = gw_arena_alloc(d->arena, raw.n + 1);
    if (!out)
        return (gw_str){NULL, 0};
    return (gw_str){out, unescape(raw, out)};
}

static bool same_name(reader *r, uint32_t a, uint32_t b)
{
    const json_node *na = &r->nodes[a];
    const json_node *nb = &r->nodes[b];
    if (!na->escaped && !nb->escaped)
        return na->len == nb->len && memcmp(r->start + na->off, r->start + nb->off, na->len) == 0;
    json_doc d = {.text = r->start, .nodes = r->nodes, .arena = r->arena};
    gw_str sa = json_str(&d, a);
    gw_str sb = json_str(&d, b);
    if (!sa.p || !sb.p)
        return !refuse(r, GW_ELIMIT, "document needs more memory than its limit");
    return gw_str_eq(sa, sb);
}

static uint32_t name_hash(const reader *r, uint32_t name, char *scratch)
{
    const json_node *n = &r->nodes[name];
    gw_str s = {r->start + n->off, n->len};
    if (n->escaped)
        s = (gw_str){scratch, unescape(s, scratch)};
    uint32_t h = 2166136261U; /* FNV-1a */
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 16777619U;
    return h;
}

/* Duplicate names: pairwise for small objects, by an open hash table for larger ones. */
static bool names_are_unique(reader *r, uint32_t object)
{
    uint32_t count = r->nodes[object].count;
    uint32_t last = r->n;
    if (count <= HASHED_MEMBERS) {
        for (uint32_t a = object + 1; a < last; a = r->nodes[a + 1].next)
            for (uint32_t b = r->nodes[a + 1].next; b < last; b = r->nodes[b + 1].next)
                if (same_name(r, a, b))
                    return refuse(r, GW_EINVAL, "the object has a member name twice");
        return true;
    }
    uint32_t slots = 16;
    uint32_t longest = 0;
    while (slots < count * 2)
        slots *= 2;
    for (uint32_t a = object + 1; a < last; a = r->nodes[a + 1].next)
        longest = r->nodes[a].len > longest ? r->nodes[a].len : longest;
    uint32_t *table = gw_arena_alloc(r->arena, slots * sizeof *table);
    char *scratch = gw_arena_alloc(r->arena, longest + 1);
    if (!table || !scratch)
        return refuse(r, GW_ELIMIT, "document needs more memory than its limit");
    for (uint32_t a = object + 1; a < last; a = r->nodes[a + 1].next) {
        uint32_t at = name_hash(r, a, scratch) & (slots - 1);
        for (; table[at]; at = (at + 1) & (slots - 1))
            if (same_name(r, a, table[at]))
                return refuse(r, GW_EINVAL, "the object has a member name twice");
        table[at] = a;
    }
    return true;
}

static bool read_value(reader *r, int depth, uint32_t *ret);

static bool read_member(reader *r, int depth)
{
    uint32_t unused;
    skip_space(r);
    if (r->p >= r->end || *r->p != '"')
        return refuse(r, GW_EINVAL, "a member name in double quotes is expected");
    if (!read_string(r, &unused))
        return false;
    skip_space(r);
    if (r->p >= r->end || *r->p != ':')
        return refuse(r, GW_EINVAL, "':' is expected");
    r->p++;
    return read_value(r, depth, &unused);
}

static bool read_container(reader *r, int depth, uint32_t *ret)
{
    bool object = *r->p == '{';
    char close = object ? '}' : ']';
    uint32_t unused;
    if (depth >= JSON_DEPTH_MAX)
        return refuse(r, GW_ELIMIT, "nested deeper than 32");
    if (!add_node(r, object ? JSON_OBJECT : JSON_ARRAY, r->p, ret))
        return false;
    r->p++;
    skip_space(r);
    bool empty = r->p < r->end && *r->p == close;
    uint32_t count = 0;
    while (!empty) {
        if (!(object ? read_member(r, depth + 1) : read_value(r, depth + 1, &unused)))
            return false;
        if (++count > JSON_MEMBERS_MAX && object)
            return refuse(r, GW_ELIMIT, "an object has more than 4096 members");
        skip_space(r);
        if (r->p >= r->end)
            return refuse(r, GW_EINVAL, "text ends inside an array or object");
        if (*r->p == close)
            break;
        if (*r->p != ',')
            return refuse(r, GW_EINVAL, "',' or the closing bracket is expected");
        r->p++;
    }
    r->p++;
    json_node *node = &r->nodes[*ret];
    node->len = (uint32_t)(r->p - r->start) - node->off;
    node->next = r->n;
    node->count = count;
    return !object || names_are_unique(r, *ret);
}

static bool read_value(reader *r, int depth, uint32_t *ret)
{
    skip_space(r);
    if (r->p >= r->end)
        return refuse(r, GW_EINVAL, "a value is expected, the text ends");
    switch (*r->p) {
    case '{':
    case '[':
        return read_container(r, depth, ret);
    case '"':
        return read_string(r, ret);
    case '-':
    case '0' ... '9':
        return read_number(r, ret);
    default:
        return read_word(r, ret);
    }
}

gw_code json_parse(gw_str text, gw_arena *arena, json_doc *ret, gw_err *err)
{
    if (text.n >= UINT32_MAX)
        return gw_fail(err, GW_ELIMIT, "JSON text of %zu bytes is larger than 4 GiB", text.n);
    const char *from = text.p ? text.p : "";
    reader r = {.p = from, .start = from, .end = from + text.n, .arena = arena, .err = err};
    uint32_t root;
    if (!read_value(&r, 0, &root))
        return r.rc;
    skip_space(&r);
    if (r.p != r.end && !refuse(&r, GW_EINVAL, "bytes behind the document"))
        return r.rc;
    *ret = (json_doc){from, (uint32_t)text.n, r.n, r.nodes, arena};
    return GW_OK;
}

static bool name_is(const json_doc *d, uint32_t name, gw_str want)
{
    return gw_str_eq(d->nodes[name].escaped ? json_str(d, name) : json_raw(d, name), want);
}

static uint32_t find_member(const json_doc *d, uint32_t object, gw_str want)
{
    if (d->nodes[object].kind != JSON_OBJECT)
        return 0;
    for (uint32_t a = object + 1; a < d->nodes[object].next; a = d->nodes[a + 1].next)
        if (name_is(d, a, want))
            return a + 1;
    return 0;
}

uint32_t json_member(const json_doc *d, uint32_t object, const char *name)
{
    return find_member(d, object, gw_str_of(name));
}

gw_str json_get_str(const json_doc *d, uint32_t object, const char *name)
{
    uint32_t at = json_member(d, object, name);
    return at && d->nodes[at].kind == JSON_STRING ? json_str(d, at) : (gw_str){NULL, 0};
}

int64_t json_get_int(const json_doc *d, uint32_t object, const char *name, int64_t otherwise)
{
    uint32_t at = json_member(d, object, name);
    return at && d->nodes[at].kind == JSON_INT ? d->nodes[at].i : otherwise;
}

bool json_get_bool(const json_doc *d, uint32_t object, const char *name, bool otherwise)
{
    uint32_t at = json_member(d, object, name);
    if (!at || (d->nodes[at].kind != JSON_TRUE && d->nodes[at].kind != JSON_FALSE))
        return otherwise;
    return d->nodes[at].kind == JSON_TRUE;
}

static void put_pointer_name(gw_buf *b, gw_str name)
{
    gw_buf_putc(b, '/');
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '~')
            gw_buf_puts(b, "~0");
        else if (name.p[i] == '/')
            gw_buf_puts(b, "~1");
        else
            gw_buf_putc(b, name.p[i]);
    }
}

void json_pointer(const json_doc *d, uint32_t node, char ret_text[JSON_POINTER_TEXT])
{
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, JSON_POINTER_TEXT - 1);
    uint32_t at = 0;
    while (at != node) {
        bool object = d->nodes[at].kind == JSON_OBJECT;
        uint32_t child = at + 1;
        for (uint32_t i = 0;; i++) { /* the child whose subtree holds the node */
            uint32_t value = object ? child + 1 : child;
            if (node < d->nodes[value].next) {
                if (object)
                    put_pointer_name(&b, json_raw(d, child));
                else
                    gw_buf_printf(&b, "/%u", i);
                at = node == child ? node : value; /* a name is shown as its member */
                break;
            }
            child = d->nodes[value].next;
        }
    }
    gw_str s = gw_buf_str(&b);
    memcpy(ret_text, s.p, s.n);
    ret_text[s.n] = '\0';
}

static uint32_t element_at(const json_doc *d, uint32_t array, gw_str index)
{
    uint32_t want = 0;
    if (index.n == 0 || index.n > 7 || (index.n > 1 && index.p[0] == '0'))
        return UINT32_MAX;
    for (size_t i = 0; i < index.n; i++) {
        if (index.p[i] < '0' || index.p[i] > '9')
            return UINT32_MAX;
        want = want * 10 + (uint32_t)(index.p[i] - '0');
    }
    if (want >= d->nodes[array].count)
        return UINT32_MAX;
    uint32_t at = array + 1;
    while (want--)
        at = d->nodes[at].next;
    return at;
}

uint32_t json_resolve(const json_doc *d, gw_str pointer)
{
    uint32_t at = 0;
    size_t i = 0;
    while (i < pointer.n) {
        char part[JSON_POINTER_TEXT];
        size_t n = 0;
        if (pointer.p[i++] != '/')
            return UINT32_MAX;
        for (; i < pointer.n && pointer.p[i] != '/'; i++) {
            if (n == sizeof part)
                return UINT32_MAX;
            part[n++] = pointer.p[i];
            if (pointer.p[i] == '~' && i + 1 < pointer.n)
                part[n - 1] = pointer.p[++i] == '1' ? '/' : '~';
        }
        if (d->nodes[at].kind == JSON_ARRAY) {
            at = element_at(d, at, (gw_str){part, n});
        } else {
            at = find_member(d, at, (gw_str){part, n});
            at = at ? at : UINT32_MAX;
        }
        if (at == UINT32_MAX)
            return UINT32_MAX;
    }
    return at;
}
