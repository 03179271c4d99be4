/* rules_set.c - all rules as one text and back, and what changed between two sets. */
#include "gateway/policy/pack.h"
#include "gateway/policy/rules_diff.h"
#include "gateway/policy/sign.h"

enum { ARENA_BYTES = 64 << 20 };

static const char *const kind_names[] = {"calendar", "regions", "pack"};

static gw_code full(const gw_buf *out, gw_err *err)
{
    if (out->code == GW_ELIMIT)
        return gw_fail(err, GW_ELIMIT,
                       "all rules together have more than %d bytes; remove packs nobody needs",
                       POLICY_SET_BYTES_MAX);
    return gw_buf_code(out, "the set of rules", err);
}

/* ---- one entry after another, in the order of a sealed set ---- */

typedef struct {
    policy_file_kind kind;
    const char *id, *version, *canonical;
} entry;

static size_t entry_count(const policy_rules *r)
{
    return r ? r->calendar_n + (r->regions != NULL) + r->pack_n : 0;
}

static entry entry_at(const policy_rules *r, size_t n)
{
    if (n < r->calendar_n)
        return (entry){POLICY_FILE_CALENDAR, calendar_id(r->calendars[n]), "",
                       calendar_canonical(r->calendars[n])};
    n -= r->calendar_n;
    if (r->regions && n == 0)
        return (entry){POLICY_FILE_REGIONS, "number prefixes", "", regions_canonical(r->regions)};
    const pack *p = r->packs[n - (r->regions != NULL)];
    return (entry){POLICY_FILE_PACK, p->id, p->version, p->canonical};
}

/* ---- writing ---- */

static const pack_file *file_of(const policy_rules *r, const char *canonical)
{
    for (size_t i = 0; i < r->file_n; i++)
        if (r->files[i].canonical == canonical)
            return &r->files[i];
    return NULL;
}

static void put_entry(const policy_rules *r, const entry *e, gw_buf *out)
{
    const pack_file *f = file_of(r, e->canonical);
    gw_buf_putc(out, '{');
    json_put_member_str(out, "kind", gw_str_of(kind_names[e->kind]));
    json_put_member_str(out, "name", gw_str_of(f ? f->name : e->id));
    if (f && f->signed_text)
        json_put_member_str(out, "signature", gw_str_of(f->signed_text));
    json_put_member_raw(out, "json", gw_str_of(e->canonical));
    gw_buf_putc(out, '}');
}

gw_code policy_rules_write_set(const policy_rules *r, gw_buf *out, gw_err *err)
{
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, POLICY_SET_BYTES_MAX);
    gw_buf_puts(&text, "{\"format\":1,\"files\":[");
    for (size_t i = 0; i < entry_count(r); i++) {
        const entry e = entry_at(r, i);
        if (i)
            gw_buf_putc(&text, ',');
        put_entry(r, &e, &text);
    }
    gw_buf_puts(&text, "]}");
    gw_code rc = full(&text, err);
    if (rc != GW_OK)
        return rc;
    gw_buf_put_str(out, gw_buf_str(&text));
    return full(out, err);
}

/* ---- reading ---- */

static gw_code read_entry(policy_rules *r, const json_doc *d, uint32_t at, const sign_keys *keys,
                          gw_err *err)
{
    if (json_kind_of(d, at) != JSON_OBJECT)
        return gw_fail(err, GW_EINVAL, "set of rules: a file must be an object");
    uint32_t json = json_member(d, at, "json");
    gw_str kind = json_get_str(d, at, "kind");
    gw_str name = json_get_str(d, at, "name");
    char text[sizeof r->files->name];
    size_t k = 0;
    while (k < GW_COUNT(kind_names) && !gw_str_is(kind, kind_names[k]))
        k++;
    if (k == GW_COUNT(kind_names) || !json || name.n == 0 || name.n >= sizeof text ||
        memchr(name.p, '/', name.n))
        return gw_fail(err, GW_EINVAL, "set of rules: a file without kind, name or json");
    memcpy(text, name.p, name.n);
    text[name.n] = '\0';
    return policy_rules_add_file(r, (policy_file_kind)k, text, json_raw(d, json),
                                 json_get_str(d, at, "signature"), keys, err);
}

gw_code policy_rules_read_set(gw_str text, const sign_keys *keys, policy_rules **ret, gw_err *err)
{
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ARENA_BYTES);
    GW_AUTO(policy_rules_free) policy_rules *r = policy_rules_new();
    json_doc d;
    if (!arena || !r)
        return gw_fail(err, GW_ENOMEM, "reading the set of rules");
    gw_code rc = json_parse(text, arena, &d, err);
    if (rc != GW_OK)
        return rc;
    uint32_t files = json_kind_of(&d, 0) == JSON_OBJECT ? json_member(&d, 0, "files") : 0;
    if (!files || json_kind_of(&d, files) != JSON_ARRAY || json_get_int(&d, 0, "format", 0) != 1)
        return gw_fail(err, GW_EINVAL, "set of rules: format 1 with a list of files is expected");
    for (uint32_t i = json_first(files); rc == GW_OK && i < json_at(&d, files)->next;
         i = json_at(&d, i)->next)
        rc = read_entry(r, &d, i, keys, err);
    if (rc == GW_OK)
        rc = policy_rules_seal(r, err);
    if (rc != GW_OK)
        return rc;
    *ret = r;
    r = NULL;
    return GW_OK;
}

/* ---- what changed ---- */

static int order(const entry *a, const entry *b)
{
    return a->kind != b->kind ? (int)a->kind - (int)b->kind : strcmp(a->id, b->id);
}

static void put_line(const entry *e, const char *sign, gw_buf *out)
{
    gw_buf_printf(out, "%s %s %s%s%s\n", sign, kind_names[e->kind], e->id,
                  *e->version ? ", version " : "", e->version);
}

static gw_code put_values(const entry *a, const entry *b, gw_buf *out, gw_err *err)
{
    if (strcmp(a->canonical, b->canonical) == 0)
        return GW_OK;
    gw_buf_printf(out, "%s %s:\n", kind_names[b->kind], b->id);
    return rules_diff(gw_str_of(a->canonical), gw_str_of(b->canonical), false, out, err);
}

gw_code policy_rules_diff(const policy_rules *before, const policy_rules *after, gw_buf *out,
                          gw_err *err)
{
    size_t a = 0;
    size_t b = 0;
    gw_code rc = GW_OK;
    while (rc == GW_OK && (a < entry_count(before) || b < entry_count(after))) {
        const entry x = a < entry_count(before) ? entry_at(before, a) : (entry){.id = ""};
        const entry y = b < entry_count(after) ? entry_at(after, b) : (entry){.id = ""};
        int c = a == entry_count(before) ? 1 : b == entry_count(after) ? -1 : order(&x, &y);
        if (c < 0)
            put_line(&x, "-", out);
        else if (c > 0)
            put_line(&y, "+", out);
        else
            rc = put_values(&x, &y, out, err);
        a += c <= 0;
        b += c >= 0;
    }
    return rc == GW_OK ? gw_buf_code(out, "the differences", err) : rc;
}
