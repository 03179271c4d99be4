#include "gateway/policy/house.h"

#include "gateway/base/id.h"
#include "gateway/base/json_strict.h"
#include "gateway/base/jsonc.h"
#include "gateway/policy/hours.h"

#include <sodium.h>
#include <stdio.h>

enum { ARENA_MAX = 1 << 20, WEEK_MINUTES = 7 * 1440 };

typedef enum { BY_SOURCE, BY_LADDER, BY_TEMPLATE, BY_CHANNEL, SELECTOR_COUNT } selector;
static const char *const selector_names[] = {"source", "ladder", "template", "channel"};

typedef struct {
    gw_str id, by[SELECTOR_COUNT]; /* n 0: any */
    uint8_t days;
    int16_t from, to;
    unsigned set; /* number of its selectors among the file's */
} row;

struct house_windows {
    gw_arena *arena;
    row rows[HOUSE_WINDOWS_MAX];
    size_t n;
    unsigned set_n;
    gw_str canonical;
    char hash[HOUSE_HASH_TEXT];
};

void house_windows_free(house_windows *h)
{
    if (!h)
        return;
    gw_arena_free(h->arena);
    free(h);
}

/* ---- reading ---- */

static bool has_same_selectors(const row *a, const row *b)
{
    for (int i = 0; i < SELECTOR_COUNT; i++)
        if (!gw_str_eq(a->by[i], b->by[i]))
            return false;
    return true;
}

static gw_code keep(house_windows *h, gw_str s, gw_str *ret, gw_err *err)
{
    const char *copy = gw_arena_copy(h->arena, s);
    if (!copy)
        return gw_fail(err, GW_ENOMEM, "reading windows: out of memory");
    *ret = (gw_str){copy, s.n};
    return GW_OK;
}

static gw_code read_selectors(house_windows *h, const json_doc *d, uint32_t node, row *r,
                              gw_err *err)
{
    gw_code rc = GW_OK;
    for (int i = 0; i < SELECTOR_COUNT && rc == GW_OK; i++) {
        gw_str s;
        if (!json_member(d, node, selector_names[i]))
            continue;
        rc = json_need_str(d, node, selector_names[i], HOUSE_SELECTOR_MAX, &s, err);
        if (rc == GW_OK)
            rc = keep(h, s, &r->by[i], err);
    }
    if (rc == GW_OK && r->by[BY_CHANNEL].n &&
        policy_channel_of(r->by[BY_CHANNEL]) == POLICY_CHANNEL_COUNT)
        rc = json_fail(d, json_member(d, node, "channel"), err,
                       "email, sms, voice, letter, visit or desk is expected");
    return rc;
}

static gw_code read_hours(const json_doc *d, uint32_t node, row *r, gw_err *err)
{
    gw_str from, to;
    gw_code rc = json_need_str(d, node, "from", 5, &from, err);
    if (rc == GW_OK)
        rc = json_need_str(d, node, "to", 5, &to, err);
    if (rc != GW_OK)
        return rc;
    r->from = hours_minute(from);
    r->to = hours_minute(to);
    r->days = hours_days(d, json_member(d, node, "days"));
    if (r->from < 0 || r->to <= r->from)
        return json_fail(d, node, err,
                         "from and to are local times like 09:00, to later than from and at most "
                         "24:00; a window over midnight is two windows");
    if (r->days == 0)
        return json_fail(d, json_member(d, node, "days"), err,
                         "a list of mon, tue, wed, thu, fri, sat, sun is expected");
    return GW_OK;
}

static gw_code read_row(house_windows *h, const json_doc *d, uint32_t node, gw_err *err)
{
    static const char *const members[] = {"!id",     "source", "ladder", "template",
                                          "channel", "days",   "!from",  "!to"};
    row *r = &h->rows[h->n];
    gw_str id;
    gw_code rc = json_check_members(d, node, members, GW_COUNT(members), err);
    if (rc == GW_OK)
        rc = json_need_str(d, node, "id", HOUSE_ID_MAX, &id, err);
    if (rc == GW_OK)
        rc = keep(h, id, &r->id, err);
    for (size_t i = 0; i < h->n && rc == GW_OK; i++)
        if (gw_str_eq(h->rows[i].id, r->id))
            rc = gw_fail(err, GW_EEXIST, "window %.*s is there twice", GW_STR_ARG(r->id));
    if (rc == GW_OK)
        rc = read_selectors(h, d, node, r, err);
    if (rc == GW_OK)
        rc = read_hours(d, node, r, err);
    if (rc != GW_OK)
        return rc;
    r->set = h->set_n;
    for (size_t i = 0; i < h->n; i++)
        if (has_same_selectors(&h->rows[i], r))
            r->set = h->rows[i].set;
    h->set_n += r->set == h->set_n;
    h->n++;
    return GW_OK;
}

/* ---- windows that exclude each other ---- */

static bool may_meet(const row *a, const row *b)
{
    for (int i = 0; i < SELECTOR_COUNT; i++)
        if (a->by[i].n && b->by[i].n && !gw_str_eq(a->by[i], b->by[i]))
            return false;
    return true;
}

static void mark_set(const house_windows *h, unsigned set, bool minutes[WEEK_MINUTES])
{
    memset(minutes, 0, WEEK_MINUTES);
    for (size_t i = 0; i < h->n; i++) {
        const row *r = &h->rows[i];
        for (int day = 0; r->set == set && day < 7; day++)
            if (r->days >> day & 1)
                memset(minutes + day * 1440 + r->from, 1, (size_t)(r->to - r->from));
    }
}

static bool have_common_minute(const house_windows *h, unsigned a, unsigned b)
{
    bool first[WEEK_MINUTES], second[WEEK_MINUTES];
    mark_set(h, a, first);
    mark_set(h, b, second);
    for (int i = 0; i < WEEK_MINUTES; i++)
        if (first[i] && second[i])
            return true;
    return false;
}

static gw_code check_together(const house_windows *h, gw_err *err)
{
    for (size_t i = 0; i < h->n; i++)
        for (size_t k = i + 1; k < h->n; k++) {
            const row *a = &h->rows[i];
            const row *b = &h->rows[k];
            if (a->set != b->set && may_meet(a, b) && !have_common_minute(h, a->set, b->set))
                return gw_fail(err, GW_EINVAL,
                               "windows %.*s and %.*s concern the same reminders and have no "
                               "common hour: nothing of theirs could ever be sent",
                               GW_STR_ARG(a->id), GW_STR_ARG(b->id));
        }
    return GW_OK;
}

static gw_code fix_hash(house_windows *h, const jsonc_file *f, gw_err *err)
{
    uint8_t digest[crypto_hash_sha256_BYTES];
    char *text = NULL;
    gw_code rc = jsonc_canonical(f, &text, err);
    if (rc == GW_OK)
        rc = keep(h, gw_str_of(text), &h->canonical, err);
    free(text);
    if (rc != GW_OK)
        return rc;
    crypto_hash_sha256(digest, (const unsigned char *)h->canonical.p, h->canonical.n);
    gw_hex(digest, sizeof digest, h->hash);
    return GW_OK;
}

static gw_code read_file(house_windows *h, const jsonc_file *f, gw_err *err)
{
    static const char *const members[] = {"!format", "!windows"};
    const json_doc *d = &f->doc;
    int64_t format;
    uint32_t list;
    gw_code rc = json_check_members(d, 0, members, GW_COUNT(members), err);
    if (rc == GW_OK)
        rc = json_need_int(d, 0, "format", 1, 1, &format, err);
    if (rc == GW_OK)
        rc = json_need_array(d, 0, "windows", HOUSE_WINDOWS_MAX, &list, err);
    if (rc != GW_OK)
        return rc;
    for (uint32_t at = json_first(list); at < json_at(d, list)->next && rc == GW_OK;
         at = json_at(d, at)->next)
        rc = read_row(h, d, at, err);
    if (rc == GW_OK)
        rc = check_together(h, err);
    return rc == GW_OK ? fix_hash(h, f, err) : rc;
}

gw_code house_windows_parse(const char *name, gw_str text, house_windows **ret, gw_err *err)
{
    GW_AUTO_JSONC jsonc_file f = {0};
    GW_AUTO(house_windows_free) house_windows *h = calloc(1, sizeof *h);
    if (!h || !(h->arena = gw_arena_new(ARENA_MAX)))
        return gw_fail(err, GW_ENOMEM, "reading windows: out of memory");
    gw_code rc = jsonc_open(text, HOUSE_FILE_BYTES_MAX, &f, err);
    if (rc == GW_OK)
        rc = read_file(h, &f, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "%s", name);
    *ret = h;
    h = NULL;
    return GW_OK;
}

/* ---- using ---- */

size_t house_windows_count(const house_windows *h)
{
    return h ? h->n : 0;
}

gw_str house_windows_canonical(const house_windows *h)
{
    return h->canonical;
}

const char *house_windows_hash(const house_windows *h)
{
    return h->hash;
}

static bool concerns(const row *r, const house_subject *s)
{
    const gw_str is[SELECTOR_COUNT] = {s->source, s->ladder, s->template, s->channel};
    for (int i = 0; i < SELECTOR_COUNT; i++)
        if (r->by[i].n && !gw_str_eq(r->by[i], is[i]))
            return false;
    return true;
}

size_t house_windows_of(const house_windows *h, const house_subject *s, policy_window *ret)
{
    unsigned sets[POLICY_GROUPS_MAX];
    unsigned set_n = 0;
    size_t n = 0;
    for (size_t i = 0; h && i < h->n; i++) {
        const row *r = &h->rows[i];
        unsigned group = 0;
        if (!concerns(r, s))
            continue;
        while (group < set_n && sets[group] != r->set)
            group++;
        if (group == set_n && set_n < POLICY_GROUPS_MAX)
            sets[set_n++] = r->set;
        ret[n++] = (policy_window){.whose = POLICY_WINDOW_OPERATOR,
                                   .group = (uint8_t)group,
                                   .weekdays = r->days,
                                   .from = r->from,
                                   .to = r->to};
    }
    return n;
}

/* ---- differences ---- */

static void put_days(gw_buf *b, uint8_t days)
{
    static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    const char *comma = "";
    if (days == HOURS_EVERY_DAY)
        gw_buf_puts(b, "every day");
    for (int i = 0; i < 7 && days != HOURS_EVERY_DAY; i++) {
        if (!(days >> i & 1))
            continue;
        gw_buf_printf(b, "%s%s", comma, names[i]);
        comma = ",";
    }
}

static void put_row(gw_buf *b, const row *r)
{
    for (int i = 0; i < SELECTOR_COUNT; i++)
        if (r->by[i].n)
            gw_buf_printf(b, " %s %.*s", selector_names[i], GW_STR_ARG(r->by[i]));
    gw_buf_putc(b, ' ');
    put_days(b, r->days);
    gw_buf_printf(b, " %02d:%02d-%02d:%02d", r->from / 60, r->from % 60, r->to / 60, r->to % 60);
}

static const row *named(const house_windows *h, gw_str id)
{
    for (size_t i = 0; h && i < h->n; i++)
        if (gw_str_eq(h->rows[i].id, id))
            return &h->rows[i];
    return NULL;
}

static bool is_same_row(const row *a, const row *b)
{
    return has_same_selectors(a, b) && a->days == b->days && a->from == b->from && a->to == b->to;
}

gw_code house_windows_diff(const house_windows *a, const house_windows *b, gw_buf *ret)
{
    for (size_t i = 0; a && i < a->n; i++) {
        const row *old = &a->rows[i];
        const row *new = named(b, old->id);
        if (new &&is_same_row(old, new))
            continue;
        gw_buf_printf(ret, "%c %.*s%s", new ? '~' : '-', GW_STR_ARG(old->id), new ? ":" : "");
        put_row(ret, old);
        if (new) {
            gw_buf_puts(ret, " ->");
            put_row(ret, new);
        }
        gw_buf_putc(ret, '\n');
    }
    for (size_t i = 0; b && i < b->n; i++) {
        if (named(a, b->rows[i].id))
            continue;
        gw_buf_printf(ret, "+ %.*s", GW_STR_ARG(b->rows[i].id));
        put_row(ret, &b->rows[i]);
        gw_buf_putc(ret, '\n');
    }
    return ret->code;
}
