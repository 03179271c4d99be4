/* bundle_render.c - facts checked against the manifest, then one part rendered. */
#include "templates/engine/guard.h"
#include "templates/engine/manifest.h"

enum { NOT_THERE = UINT32_MAX };

typedef bool (*fact_test)(const json_doc *d, uint32_t node);

/* Follow a dotted name from node; lists are entered element by element, and an empty list has
 * nothing to find. */
static bool test_fact(const json_doc *d, uint32_t node, const char *path, fact_test good)
{
    if (json_kind_of(d, node) == JSON_ARRAY) {
        uint32_t behind = json_at(d, node)->next;
        if (json_at(d, node)->count == 0)
            return good(d, NOT_THERE);
        for (uint32_t at = json_first(node); at < behind; at = json_at(d, at)->next)
            if (!test_fact(d, at, path, good))
                return false;
        return true;
    }
    if (*path == '\0')
        return good(d, node);
    char part[MUSTACHE_NAME_MAX + 1];
    size_t n = strcspn(path, ".");
    if (n > MUSTACHE_NAME_MAX)
        return good(d, NOT_THERE);
    memcpy(part, path, n);
    part[n] = '\0';
    uint32_t next = json_member(d, node, part);
    return next ? test_fact(d, next, path + n + (path[n] == '.'), good) : good(d, NOT_THERE);
}

static bool is_supplied(const json_doc *d, uint32_t node)
{
    return node != NOT_THERE && json_kind_of(d, node) != JSON_NULL &&
           (json_kind_of(d, node) != JSON_STRING || json_at(d, node)->len);
}

static bool starts_with(gw_str s, const char *head)
{
    size_t n = strlen(head);
    return s.n > n && memcmp(s.p, head, n) == 0;
}

/* A link goes into href="...": javascript: and data: addresses, spaces and quotes stay out. */
static bool is_link_or_absent(const json_doc *d, uint32_t node)
{
    if (!is_supplied(d, node))
        return true;
    if (json_kind_of(d, node) != JSON_STRING)
        return false;
    gw_str s = json_str(d, node);
    if (!starts_with(s, "https://") && !starts_with(s, "http://"))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7F || strchr("\"'<>\\`", s.p[i]))
            return false;
    return true;
}

gw_code template_manifest_check(const template_manifest *m, const json_doc *data, gw_err *err)
{
    for (size_t i = 0; i < m->required.count; i++)
        if (!test_fact(data, 0, m->required.name[i], is_supplied))
            return gw_fail(err, GW_EREFUSED,
                           "template %s/%s: the required fact %s is missing or empty; supply it",
                           m->locale, m->name, m->required.name[i]);
    for (size_t i = 0; i < m->urls.count; i++)
        if (!test_fact(data, 0, m->urls.name[i], is_link_or_absent))
            return gw_fail(err, GW_EREFUSED,
                           "template %s/%s: %s must be an http:// or https:// address", m->locale,
                           m->name, m->urls.name[i]);
    return GW_OK;
}

/* A subject's file ends in a line feed like any text file; the header has none. */
static gw_code finish_subject(gw_buf *out, size_t started, gw_err *err)
{
    if (out->n > started && out->data[out->n - 1] == '\n')
        out->n--;
    if (out->n > started && out->data[out->n - 1] == '\r')
        out->n--;
    if (out->data)
        out->data[out->n] = '\0';
    gw_str subject = {out->data + started, out->n - started};
    const char *why = subject.n == 0                     ? "is empty"
                      : subject.n > TEMPLATE_SUBJECT_MAX ? "is longer than 998 bytes"
                      : mustache_breaks_header(subject)  ? "has more than one line, or a control "
                                                           "character"
                                                         : NULL;
    return why ? gw_fail(err, GW_EREFUSED, "subject.mustache: the subject %s", why) : GW_OK;
}

gw_code template_bundle_render(const template_bundle *b, template_part part, const json_doc *data,
                               bool strict, gw_buf *out, gw_err *err)
{
    const mustache *m = template_bundle_part(b, part);
    if (!m)
        return gw_fail(err, GW_ENOTFOUND, "template %s/%s has no part %s",
                       template_bundle_locale(b), template_bundle_name(b),
                       template_part_name(part));
    gw_code rc = strict ? template_bundle_check(b, data, err) : GW_OK;
    if (rc != GW_OK)
        return rc;
    size_t started = out->n;
    mustache_mode mode = {.escape = template_part_escape(part), .strict = strict};
    mode.optional = template_bundle_optional(b, &mode.optional_count);
    rc = mustache_render(m, data, &mode, out, err);
    if (rc == GW_OK && part == TEMPLATE_SUBJECT)
        rc = finish_subject(out, started, err);
    if (rc == GW_OK && strict)
        rc = template_bundle_guard(b, part, (gw_str){out->data + started, out->n - started}, data,
                                   err);
    if (rc == GW_OK)
        return GW_OK;
    out->n = started;
    if (out->data)
        out->data[started] = '\0';
    return gw_wrap(err, rc, "template %s/%s", template_bundle_locale(b), template_bundle_name(b));
}
