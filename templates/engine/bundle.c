#include "templates/engine/bundle.h"

#include "gateway/base/id.h"
#include "templates/engine/guard.h"
#include "templates/engine/lint_internal.h"
#include "templates/engine/manifest.h"

#include <sodium.h>
#include <stdio.h>

enum {
    FORMAT = 1,
    ARENA_MAX = 16 * 1024 * 1024, /* document nodes, manifest texts and unescaped parts */
    FILE_NAME_MAX = 32,
};

struct template_bundle {
    gw_buf json;
    char version[TEMPLATE_VERSION_TEXT];
    gw_arena *arena; /* the manifest's texts */
    template_manifest manifest;
    lint_words *words; /* NULL: no guard */
    mustache *parts[TEMPLATE_PART_COUNT];
};

typedef struct {
    const json_doc *d;
    template_bundle *b;
    mustache_source partials[MUSTACHE_PARTIALS_MAX];
    size_t partial_count;
    gw_err *err;
} reader;

static gw_code read_partials(reader *r, uint32_t node)
{
    if (json_kind_of(r->d, node) != JSON_OBJECT)
        return gw_fail(r->err, GW_EINVAL, "partials must be an object");
    const json_node *n = json_at(r->d, node);
    if (n->count > MUSTACHE_PARTIALS_MAX)
        return gw_fail(r->err, GW_ELIMIT, "%u partials; at most %d", n->count,
                       MUSTACHE_PARTIALS_MAX);
    for (uint32_t at = json_first(node); at < n->next; at = json_at(r->d, at + 1)->next) {
        gw_str name = json_str(r->d, at);
        if (json_kind_of(r->d, at + 1) != JSON_STRING || name.n > MUSTACHE_NAME_MAX)
            return gw_fail(r->err, GW_EINVAL,
                           "a partial must be a string, its name at most 128 bytes");
        char *copy = name.p ? gw_arena_copy(r->d->arena, name) : NULL;
        gw_str text = json_str(r->d, at + 1);
        if (!copy || !text.p)
            return gw_fail(r->err, GW_ENOMEM, "reading partials: out of memory");
        r->partials[r->partial_count++] = (mustache_source){copy, text};
    }
    return GW_OK;
}

static gw_code read_part(reader *r, template_part part, uint32_t node)
{
    char file[FILE_NAME_MAX];
    snprintf(file, sizeof file, "%s.mustache", template_part_name(part));
    if (json_kind_of(r->d, node) != JSON_STRING)
        return gw_fail(r->err, GW_EINVAL, "%s must be a string", file);
    mustache_source source = {file, json_str(r->d, node)};
    if (!source.text.p)
        return gw_fail(r->err, GW_ENOMEM, "reading %s: out of memory", file);
    gw_code rc =
        mustache_compile(&source, r->partials, r->partial_count, &r->b->parts[part], r->err);
    if (rc != GW_OK)
        return rc;
    mustache_event missing;
    if (mustache_missing_partial(r->b->parts[part], &missing))
        return gw_fail(r->err, GW_EINVAL, "%s line %u: there is no partial %.*s; add its file",
                       missing.file, missing.line, GW_STR_ARG(missing.text));
    return GW_OK;
}

static gw_code read_parts(reader *r, uint32_t node)
{
    if (json_kind_of(r->d, node) != JSON_OBJECT)
        return gw_fail(r->err, GW_EINVAL, "parts must be an object");
    uint32_t known = 0;
    for (int i = 0; i < TEMPLATE_PART_COUNT; i++) {
        uint32_t value = json_member(r->d, node, template_part_name((template_part)i));
        if ((value != 0) != r->b->manifest.parts[i])
            return gw_fail(r->err, GW_EINVAL, "part %s is %s", template_part_name((template_part)i),
                           value ? "there but not listed in the manifest"
                                 : "listed in the manifest but not there");
        gw_code rc = value ? read_part(r, (template_part)i, value) : GW_OK;
        if (rc != GW_OK)
            return rc;
        known += value != 0;
    }
    if (known != json_at(r->d, node)->count)
        return gw_fail(r->err, GW_EINVAL, "unknown part; there are " TEMPLATE_PART_NAMES);
    return GW_OK;
}

static gw_code read_document(reader *r)
{
    const json_doc *d = r->d;
    uint32_t manifest = json_member(d, 0, "manifest");
    uint32_t partials = json_member(d, 0, "partials");
    uint32_t parts = json_member(d, 0, "parts");
    if (json_get_int(d, 0, "format", 0) != FORMAT)
        return gw_fail(r->err, GW_EINVAL, "not a template bundle of format %d; update this program",
                       FORMAT);
    uint32_t guard = json_member(d, 0, "guard");
    if (!manifest || !partials || !parts || json_at(d, 0)->count != (guard ? 5 : 4))
        return gw_fail(r->err, GW_EINVAL,
                       "the members must be format, guard, manifest, partials and parts");
    gw_code rc = template_manifest_parse(d, manifest, r->b->arena, &r->b->manifest, NULL, r->err);
    if (rc != GW_OK)
        return gw_wrap(r->err, rc, "manifest");
    if (guard)
        rc = lint_words_parse(json_raw(d, guard), &r->b->words, r->err);
    if (rc != GW_OK)
        return gw_wrap(r->err, rc, "guard");
    rc = read_partials(r, partials);
    return rc == GW_OK ? read_parts(r, parts) : rc;
}

/* The version is a hash of bytes, so there must be one way only to write a bundle. */
static gw_code check_canonical(const json_doc *d, gw_str json, gw_err *err)
{
    GW_AUTO_BUF gw_buf again;
    gw_buf_init(&again, TEMPLATE_BUNDLE_MAX);
    gw_code rc = json_canonical(d, 0, &again, err);
    if (rc != GW_OK)
        return rc;
    if (!gw_str_eq(gw_buf_str(&again), json))
        return gw_fail(err, GW_EINVAL, "the bundle is not in canonical form (RFC 8785)");
    return GW_OK;
}

gw_code template_bundle_parse(gw_str json, template_bundle **ret_bundle, gw_err *err)
{
    if (json.n > TEMPLATE_BUNDLE_MAX)
        return gw_fail(err, GW_ELIMIT, "template bundle of %zu bytes; at most %d", json.n,
                       TEMPLATE_BUNDLE_MAX);
    GW_AUTO(template_bundle_free) template_bundle *b = calloc(1, sizeof *b);
    GW_AUTO(gw_arena_free) gw_arena *work = gw_arena_new(ARENA_MAX);
    if (!b || !work || !(b->arena = gw_arena_new(ARENA_MAX)))
        return gw_fail(err, GW_ENOMEM, "reading template bundle: out of memory");
    gw_buf_init(&b->json, TEMPLATE_BUNDLE_MAX);
    gw_buf_put_str(&b->json, json);
    gw_code rc = gw_buf_code(&b->json, "template bundle", err);
    json_doc d;
    if (rc == GW_OK)
        rc = json_parse(gw_buf_str(&b->json), work, &d, err);
    if (rc == GW_OK)
        rc = check_canonical(&d, json, err);
    reader r = {.d = &d, .b = b, .err = err};
    if (rc == GW_OK)
        rc = read_document(&r);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "template bundle");
    uint8_t digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, (const unsigned char *)b->json.data, b->json.n);
    gw_hex(digest, sizeof digest, b->version);
    *ret_bundle = b;
    b = NULL;
    return GW_OK;
}

void template_bundle_free(template_bundle *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < TEMPLATE_PART_COUNT; i++)
        mustache_free(b->parts[i]);
    lint_words_free(b->words);
    gw_arena_free(b->arena);
    gw_buf_done(&b->json);
    free(b);
}

gw_str template_bundle_json(const template_bundle *b)
{
    return gw_buf_str(&b->json);
}

const char *template_bundle_version(const template_bundle *b)
{
    return b->version;
}

const char *template_bundle_name(const template_bundle *b)
{
    return b->manifest.name;
}

const char *template_bundle_locale(const template_bundle *b)
{
    return b->manifest.locale;
}

const char *template_bundle_purpose(const template_bundle *b)
{
    return b->manifest.purpose;
}

int template_bundle_tone(const template_bundle *b)
{
    return b->manifest.tone;
}

bool template_bundle_has(const template_bundle *b, template_part part)
{
    return b->parts[part] != NULL;
}

const mustache *template_bundle_part(const template_bundle *b, template_part part)
{
    return b->parts[part];
}

const char *const *template_bundle_required(const template_bundle *b, size_t *ret_count)
{
    *ret_count = b->manifest.required.count;
    return b->manifest.required.name;
}

const char *const *template_bundle_optional(const template_bundle *b, size_t *ret_count)
{
    *ret_count = b->manifest.optional.count;
    return b->manifest.optional.name;
}

gw_code template_bundle_check(const template_bundle *b, const json_doc *data, gw_err *err)
{
    return template_manifest_check(&b->manifest, data, err);
}

gw_code template_bundle_guard(const template_bundle *b, template_part part, gw_str rendered,
                              const json_doc *data, gw_err *err)
{
    return guard_check(b->words, &b->manifest, part, rendered, data, err);
}
