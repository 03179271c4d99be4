/* template_publish.c - `dunlin template publish` and `diff`. */
#include "gateway/cli/template_internal.h"
#include "templates/engine/folders.h"
#include "templates/engine/lint.h"
#include "templates/engine/store.h"

enum { OUTPUT_MAX = 8 * 1024 * 1024, DIFF_ARENA = 64 * 1024 * 1024 };

typedef struct {
    const template_command *c;
    gw_buf out;
} run_state;

/* The published version of the same template, "" when there is none. */
static gw_code find_current(const char *store, const template_bundle *b,
                            char ret_version[TEMPLATE_VERSION_TEXT], gw_err *err)
{
    ret_version[0] = '\0';
    gw_code rc = template_store_current(store, template_bundle_locale(b), template_bundle_name(b),
                                        ret_version, err);
    return rc == GW_ENOTFOUND ? GW_OK : rc;
}

static gw_code refuse_lint_errors(const char *dir, gw_err *err)
{
    GW_AUTO(lint_report_free) lint_report *r = lint_report_new();
    gw_code rc = r ? template_lint(dir, r, err) : gw_fail(err, GW_ENOMEM, "out of memory");
    for (size_t i = 0; rc == GW_OK && i < lint_report_size(r); i++) {
        const lint_finding *f = lint_report_at(r, i);
        if (f->severity == LINT_ERROR)
            return gw_fail(err, GW_EREFUSED,
                           "%s has %zu lint errors, the first at %s:%u: %.80s; see dunlin template "
                           "lint",
                           dir, lint_report_count(r, LINT_ERROR), f->file, f->line, f->text);
    }
    return rc;
}

static void put_published(run_state *s, const template_bundle *b, const char *before)
{
    const char *version = template_bundle_version(b);
    bool same = strcmp(before, version) == 0;
    if (!s->c->json) {
        gw_buf_printf(&s->out, "%s %s/%s %s\n", version, template_bundle_locale(b),
                      template_bundle_name(b),
                      same        ? "unchanged"
                      : before[0] ? "changed"
                                  : "new");
        return;
    }
    gw_buf_puts(&s->out, s->out.n ? ",{" : "{");
    json_put_member_str(&s->out, "locale", gw_str_of(template_bundle_locale(b)));
    json_put_member_str(&s->out, "name", gw_str_of(template_bundle_name(b)));
    json_put_member_str(&s->out, "previous", gw_str_of(before));
    json_put_member_str(&s->out, "version", gw_str_of(version));
    gw_buf_putc(&s->out, '}');
}

static gw_code publish_one(void *arg, const char *dir, gw_err *err)
{
    run_state *s = arg;
    char before[TEMPLATE_VERSION_TEXT];
    GW_AUTO(template_bundle_free) template_bundle *b = NULL;
    gw_code rc = refuse_lint_errors(dir, err);
    if (rc == GW_OK)
        rc = template_bundle_load(dir, &b, err);
    if (rc == GW_OK)
        rc = find_current(s->c->store, b, before, err);
    if (rc == GW_OK)
        rc = template_store_publish(s->c->store, b, err);
    if (rc == GW_OK)
        put_published(s, b, before);
    return rc;
}

/* ---- diff ---- */

typedef struct {
    gw_str *line;
    size_t count;
} lines;

static gw_code split_lines(gw_str text, gw_arena *arena, lines *ret, gw_err *err)
{
    size_t count = 0;
    for (size_t i = 0; i < text.n; i++)
        count += text.p[i] == '\n';
    ret->count = 0;
    ret->line = gw_arena_alloc(arena, (count + 1) * sizeof *ret->line);
    if (!ret->line)
        return gw_fail(err, GW_ENOMEM, "comparing: out of memory");
    while (text.n) {
        const char *lf = memchr(text.p, '\n', text.n);
        size_t n = lf ? (size_t)(lf - text.p) : text.n;
        ret->line[ret->count++] = (gw_str){text.p, n};
        n += lf != NULL;
        text = (gw_str){text.p + n, text.n - n};
    }
    return GW_OK;
}

/* What is left between the common head and the common tail, old before new. */
static void put_changed_lines(gw_buf *out, const lines *old, const lines *now)
{
    size_t head = 0;
    size_t tail = 0;
    size_t least = old->count < now->count ? old->count : now->count;
    while (head < least && gw_str_eq(old->line[head], now->line[head]))
        head++;
    while (tail < least - head &&
           gw_str_eq(old->line[old->count - 1 - tail], now->line[now->count - 1 - tail]))
        tail++;
    gw_buf_printf(out, "@@ line %zu @@\n", head + 1);
    for (size_t i = head; i < old->count - tail; i++)
        gw_buf_printf(out, "-%.*s\n", GW_STR_ARG(old->line[i]));
    for (size_t i = head; i < now->count - tail; i++)
        gw_buf_printf(out, "+%.*s\n", GW_STR_ARG(now->line[i]));
}

typedef struct {
    run_state *s;
    gw_arena *arena;
    const template_bundle *b;
    json_doc old, now;
    size_t changed;
} comparison;

static gw_str value_text(const json_doc *d, uint32_t node)
{
    if (!node)
        return (gw_str){"", 0};
    return json_kind_of(d, node) == JSON_STRING ? json_str(d, node) : json_raw(d, node);
}

static gw_code compare_member(comparison *k, const char *group, const char *name, uint32_t old_node,
                              uint32_t now_node, gw_err *err)
{
    gw_buf *out = &k->s->out;
    gw_str old = value_text(&k->old, old_node);
    gw_str now = value_text(&k->now, now_node);
    lines old_lines;
    lines now_lines;
    if ((old_node != 0) == (now_node != 0) && gw_str_eq(old, now))
        return GW_OK;
    if (k->s->c->json) {
        gw_buf_puts(out, k->changed++ ? "," : "");
        gw_buf_printf(out, "\"%s%s%s\"", group, *group ? "/" : "", name);
        return GW_OK;
    }
    k->changed++;
    gw_code rc = split_lines(old, k->arena, &old_lines, err);
    if (rc == GW_OK)
        rc = split_lines(now, k->arena, &now_lines, err);
    if (rc != GW_OK)
        return rc;
    gw_buf_printf(out, "%s/%s: %s%s%s %s\n", template_bundle_locale(k->b),
                  template_bundle_name(k->b), group, *group ? "/" : "", name,
                  !old_node   ? "added"
                  : !now_node ? "removed"
                              : "changed");
    put_changed_lines(out, &old_lines, &now_lines);
    return GW_OK;
}

/* Members of both objects: those of the new one, then those only the old one has. */
static gw_code compare_group(comparison *k, const char *group, gw_err *err)
{
    uint32_t old = json_member(&k->old, 0, group);
    uint32_t now = json_member(&k->now, 0, group);
    gw_code rc = GW_OK;
    for (uint32_t at = json_first(now); rc == GW_OK && at < json_at(&k->now, now)->next;
         at = json_at(&k->now, at + 1)->next) {
        const char *name = gw_arena_copy(k->arena, json_str(&k->now, at));
        if (!name)
            return gw_fail(err, GW_ENOMEM, "comparing: out of memory");
        rc = compare_member(k, group, name, json_member(&k->old, old, name), at + 1, err);
    }
    for (uint32_t at = json_first(old); rc == GW_OK && at < json_at(&k->old, old)->next;
         at = json_at(&k->old, at + 1)->next) {
        const char *name = gw_arena_copy(k->arena, json_str(&k->old, at));
        if (!name)
            return gw_fail(err, GW_ENOMEM, "comparing: out of memory");
        if (!json_member(&k->now, now, name))
            rc = compare_member(k, group, name, at + 1, 0, err);
    }
    return rc;
}

static gw_code compare_with(run_state *s, const template_bundle *b, const char *version,
                            gw_err *err)
{
    static const char *const groups[] = {"manifest", "partials", "parts"};
    GW_AUTO_BUF gw_buf old;
    gw_buf_init(&old, TEMPLATE_BUNDLE_MAX);
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(DIFF_ARENA);
    comparison k = {.s = s, .arena = arena, .b = b};
    gw_code rc = arena ? GW_OK : gw_fail(err, GW_ENOMEM, "out of memory");
    if (rc == GW_OK)
        rc = template_store_load(s->c->store, version, &old, err);
    if (rc == GW_OK)
        rc = json_parse(gw_buf_str(&old), arena, &k.old, err);
    if (rc == GW_OK)
        rc = json_parse(template_bundle_json(b), arena, &k.now, err);
    for (size_t i = 0; rc == GW_OK && i < GW_COUNT(groups); i++)
        rc = compare_group(&k, groups[i], err);
    return rc;
}

static gw_code diff_one(void *arg, const char *dir, gw_err *err)
{
    run_state *s = arg;
    char current[TEMPLATE_VERSION_TEXT];
    GW_AUTO(template_bundle_free) template_bundle *b = NULL;
    gw_code rc = template_bundle_load(dir, &b, err);
    if (rc == GW_OK)
        rc = find_current(s->c->store, b, current, err);
    if (rc != GW_OK)
        return rc;
    if (s->c->json) {
        gw_buf_puts(&s->out, s->out.n ? ",{" : "{");
        json_put_member_str(&s->out, "current", gw_str_of(current));
        json_put_member_str(&s->out, "locale", gw_str_of(template_bundle_locale(b)));
        json_put_member_str(&s->out, "name", gw_str_of(template_bundle_name(b)));
        json_put_member_str(&s->out, "version", gw_str_of(template_bundle_version(b)));
        json_put_name(&s->out, "changed");
        gw_buf_putc(&s->out, '[');
    } else if (!current[0]) {
        gw_buf_printf(&s->out, "%s/%s: never published\n", template_bundle_locale(b),
                      template_bundle_name(b));
    }
    if (current[0])
        rc = compare_with(s, b, current, err);
    if (s->c->json)
        gw_buf_puts(&s->out, "]}");
    return rc;
}

static gw_code run_each(const template_command *c,
                        gw_code (*visit)(void *arg, const char *dir, gw_err *err), gw_err *err)
{
    run_state s = {.c = c};
    GW_AUTO_BUF gw_buf whole;
    gw_buf_init(&whole, OUTPUT_MAX);
    gw_buf_init(&s.out, OUTPUT_MAX);
    gw_code rc = GW_OK;
    for (size_t i = 0; rc == GW_OK && i < c->dir_count; i++)
        rc = template_folder_each(c->dirs[i], visit, &s, err);
    if (rc == GW_OK)
        rc = gw_buf_code(&s.out, "output", err);
    if (c->json)
        gw_buf_putc(&whole, '[');
    gw_buf_put_str(&whole, gw_buf_str(&s.out));
    if (c->json)
        gw_buf_puts(&whole, "]\n");
    gw_buf_done(&s.out);
    return rc == GW_OK ? template_print(c, &whole, err) : rc;
}

gw_code template_cmd_publish(const template_command *c, gw_err *err)
{
    return run_each(c, publish_one, err);
}

gw_code template_cmd_diff(const template_command *c, gw_err *err)
{
    return run_each(c, diff_one, err);
}
