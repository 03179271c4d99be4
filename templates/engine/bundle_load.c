/* bundle_load.c - a folder becomes the one canonical document, which is then parsed like any other:
 * what is loaded and what a worker receives go through the same checks. */
#include "templates/engine/source.h"

#include <stdio.h>

enum { ARENA_MAX = 16 * 1024 * 1024 };

typedef struct {
    const template_source *s;
    bool used[MUSTACHE_PARTIALS_MAX];
} usage;

static void note_partial(void *arg, const mustache_event *e)
{
    usage *u = arg;
    for (size_t i = 0; e->tag == MUSTACHE_PARTIAL && i < u->s->partial_count; i++)
        if (gw_str_is(e->text, u->s->partials[i].name))
            u->used[i] = true;
}

/* Only the partials a part reaches belong to the bundle: changing another template's partial must
 * not make a new version of this one. */
static gw_code find_used_partials(usage *u, gw_err *err)
{
    mustache_source partials[MUSTACHE_PARTIALS_MAX];
    size_t count = template_source_partials(u->s, partials);
    for (int i = 0; i < TEMPLATE_PART_COUNT; i++) {
        if (!u->s->has[i])
            continue;
        GW_AUTO(mustache_free) mustache *m = NULL;
        char file[32];
        snprintf(file, sizeof file, "%s.mustache", template_part_name((template_part)i));
        mustache_source part = {file, gw_buf_str(&u->s->parts[i])};
        gw_code rc = mustache_compile(&part, partials, count, &m, err);
        if (rc != GW_OK)
            return rc;
        mustache_walk(m, note_partial, u);
    }
    return GW_OK;
}

static void write_document(const usage *u, gw_buf *out)
{
    const template_source *s = u->s;
    gw_buf_puts(out, "{\"format\":1");
    if (s->words.n)
        json_put_member_raw(out, "guard", gw_buf_str(&s->words));
    json_put_member_raw(out, "manifest", gw_buf_str(&s->manifest));
    gw_buf_puts(out, ",\"partials\":{");
    for (size_t i = 0; i < s->partial_count; i++)
        if (u->used[i])
            json_put_member_str(out, s->partials[i].name, gw_buf_str(&s->partials[i].text));
    gw_buf_puts(out, "},\"parts\":{");
    for (int i = 0; i < TEMPLATE_PART_COUNT; i++)
        if (s->has[i])
            json_put_member_str(out, template_part_name((template_part)i),
                                gw_buf_str(&s->parts[i]));
    gw_buf_puts(out, "}}");
}

static gw_code canonical_document(const usage *u, gw_buf *ret, gw_err *err)
{
    GW_AUTO_BUF gw_buf written;
    gw_buf_init(&written, TEMPLATE_BUNDLE_MAX);
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ARENA_MAX);
    if (!arena)
        return gw_fail(err, GW_ENOMEM, "loading template: out of memory");
    write_document(u, &written);
    gw_code rc = gw_buf_code(&written, "template bundle", err);
    json_doc d;
    if (rc == GW_OK)
        rc = json_parse(gw_buf_str(&u->s->manifest), arena, &d, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "template.json");
    if (u->s->words.n && (rc = json_parse(gw_buf_str(&u->s->words), arena, &d, err)) != GW_OK)
        return gw_wrap(err, rc, "lint.json");
    rc = json_parse(gw_buf_str(&written), arena, &d, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "a part or partial is not UTF-8 text");
    return json_canonical(&d, 0, ret, err);
}

static gw_code check_place(const template_source *s, const template_bundle *b, gw_err *err)
{
    if (strcmp(s->folder, template_bundle_name(b)) != 0)
        return gw_fail(err, GW_EINVAL, "template.json: name is %s but the folder is %s",
                       template_bundle_name(b), s->folder);
    if (strcmp(s->locale, template_bundle_locale(b)) != 0)
        return gw_fail(err, GW_EINVAL, "template.json: locale is %s but the folder above is %s",
                       template_bundle_locale(b), s->locale);
    return GW_OK;
}

static gw_code build(const template_source *s, template_bundle **ret_bundle, gw_err *err)
{
    GW_AUTO(template_bundle_free) template_bundle *b = NULL;
    GW_AUTO_BUF gw_buf json;
    usage u = {.s = s};
    gw_buf_init(&json, TEMPLATE_BUNDLE_MAX);
    gw_code rc = find_used_partials(&u, err);
    if (rc == GW_OK)
        rc = canonical_document(&u, &json, err);
    if (rc == GW_OK)
        rc = template_bundle_parse(gw_buf_str(&json), &b, err);
    if (rc == GW_OK)
        rc = check_place(s, b, err);
    if (rc != GW_OK)
        return rc;
    *ret_bundle = b;
    b = NULL;
    return GW_OK;
}

gw_code template_bundle_load(const char *dir, template_bundle **ret_bundle, gw_err *err)
{
    GW_AUTO(template_source_free) template_source *s = NULL;
    gw_code rc = template_source_read(dir, &s, err);
    if (rc != GW_OK)
        return rc;
    if (s->stray_count)
        return gw_fail(err, GW_EINVAL, "%s/%s is no part of a template; remove or rename it", dir,
                       s->stray[0]);
    rc = build(s, ret_bundle, err);
    return rc == GW_OK ? GW_OK : gw_wrap(err, rc, "%s", dir);
}
