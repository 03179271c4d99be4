#include "gateway/verify/verify.h"

#include "gateway/verify/check.h"

#include <stdio.h>

enum { ARENA = 160 * 1024 * 1024 };

const char *verify_verdict_name(verify_verdict v)
{
    static const char *const names[VERIFY_VERDICTS] = {
        [VERIFY_VALID] = "valid",
        [VERIFY_REDACTED] = "valid-redacted",
        [VERIFY_ERASED] = "erased",
        [VERIFY_INVALID] = "invalid",
    };
    return (unsigned)v < VERIFY_VERDICTS ? names[v] : "?";
}

void check_say(check *c, bool fatal, const char *fmt, ...)
{
    char text[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    c->r.valid = c->r.valid && !fatal;
    if (c->o->on_note)
        c->o->on_note(c->o->ctx, fatal, text);
}

gw_code verify_keys(gw_str text, note_key *ret, size_t cap, size_t *ret_n, gw_err *err)
{
    while (text.n > 0) {
        const char *eol = memchr(text.p, '\n', text.n);
        gw_str line = {text.p, eol ? (size_t)(eol - text.p) : text.n};
        text = (gw_str){line.p + line.n + (eol != NULL), text.n - line.n - (eol != NULL)};
        if (line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        if (line.n == 0 || line.p[0] == '#')
            continue;
        if (*ret_n == cap)
            return gw_fail(err, GW_ELIMIT, "at most %zu keys", cap);
        gw_code rc = note_key_parse(line, &ret[*ret_n], err);
        if (rc != GW_OK)
            return rc;
        ++*ret_n;
    }
    return GW_OK;
}

static bool begins(const char *name, const char *with)
{
    return strncmp(name, with, strlen(with)) == 0;
}

static bool ends(const char *name, const char *with)
{
    size_t n = strlen(name);
    size_t w = strlen(with);
    return n >= w && strcmp(name + n - w, with) == 0;
}

/* Keys the bundle brings along: used when the caller gives none, and said so. */
static gw_code load_keys(check *c)
{
    gw_err err = {.code = GW_OK};
    if (c->o->n > 0) {
        c->key_n = c->o->n < VERIFY_KEYS_MAX ? c->o->n : VERIFY_KEYS_MAX;
        memcpy(c->keys, c->o->keys, c->key_n * sizeof *c->keys);
        return GW_OK;
    }
    c->keys_from_bundle = true;
    for (size_t i = 0; i < zipfile_count(c->zip); i++) {
        const zipfile_member *m = zipfile_at(c->zip, i);
        if (!begins(m->name, BUNDLE_TRUST) || !ends(m->name, ".vkey"))
            continue;
        if (m->size > CHECK_VKEY_MAX || !check_read(c, m->name, &c->part) ||
            verify_keys(gw_buf_str(&c->part), c->keys, VERIFY_KEYS_MAX, &c->key_n, &err) != GW_OK)
            check_say(c, true, "%s is not a key", m->name);
    }
    check_say(c, false,
              "the key came from the bundle itself: this shows that the bundle agrees with itself, "
              "not who made it; give the log's published key with --vkey");
    return GW_OK;
}

static void check_first(check *c)
{
    bool good = zipfile_count(c->zip) > 0 && strcmp(zipfile_at(c->zip, 0)->name, "mimetype") == 0 &&
                check_read(c, "mimetype", &c->part) && gw_str_is(gw_buf_str(&c->part), BUNDLE_MIME);
    if (!good)
        check_say(c, true, "it does not begin with its mimetype");
}

static void check_names(check *c)
{
    static const char *const folders[] = {BUNDLE_RECORD,  BUNDLE_PROOF, BUNDLE_DISCLOSURE,
                                          BUNDLE_CONTENT, BUNDLE_TRUST, "META-INF/"};
    static const char *const files[] = {"mimetype",      BUNDLE_EXPORT_RECORD, BUNDLE_EXPORT_PROOF,
                                        BUNDLE_HEADS,    "timeline.csv",       "report.html",
                                        BUNDLE_MANIFEST, BUNDLE_SIGNATURE};
    for (size_t i = 0; i < zipfile_count(c->zip); i++) {
        const char *name = zipfile_at(c->zip, i)->name;
        bool known = false;
        for (size_t k = 0; k < GW_COUNT(folders); k++)
            known = known || begins(name, folders[k]);
        for (size_t k = 0; k < GW_COUNT(files); k++)
            known = known || strcmp(name, files[k]) == 0;
        if (!known)
            check_say(c, true, "%s does not belong in a bundle", name);
    }
}

static gw_code check_all(check *c)
{
    check_first(c);
    check_names(c);
    gw_code rc = load_keys(c);
    for (size_t i = 0; rc == GW_OK && i < zipfile_count(c->zip); i++)
        if (begins(zipfile_at(c->zip, i)->name, BUNDLE_RECORD))
            rc = check_record(c, zipfile_at(c->zip, i));
    if (rc == GW_OK && c->r.records == 0)
        check_say(c, true, "it holds no record");
    if (rc == GW_OK)
        rc = check_heads(c);
    if (rc == GW_OK)
        rc = check_manifest(c);
    c->r.valid = c->r.valid && c->r.by_verdict[VERIFY_INVALID] == 0;
    return rc;
}

gw_code verify_bundle(const verify_order *o, verify_result *ret, gw_err *err)
{
    GW_AUTO(zipfile_close) zipfile *zip = NULL;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ARENA);
    GW_AUTO(gw_arena_free) gw_arena *arena_2 = gw_arena_new(ARENA);
    GW_AUTO_FREE check *c = calloc(1, sizeof *c);
    if (!arena || !arena_2 || !c)
        return gw_fail(err, GW_ENOMEM, "verifying");
    gw_code rc = zipfile_open(o->bundle, &zip, err);
    if (rc != GW_OK)
        return rc;
    c->o = o;
    c->zip = zip;
    c->r.valid = true;
    c->arena = arena;
    c->arena_2 = arena_2;
    c->err = err;
    gw_buf_init(&c->leaf, CHECK_LEAF_MAX);
    gw_buf_init(&c->proof, TLOGPROOF_BYTES_MAX);
    gw_buf_init(&c->part, BUNDLE_DISCLOSURES_MAX);
    rc = check_all(c);
    if (rc == GW_OK)
        *ret = c->r;
    gw_buf_done(&c->leaf);
    gw_buf_done(&c->proof);
    gw_buf_done(&c->part);
    free(c->cases);
    return rc;
}
