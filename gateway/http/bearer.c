#include "gateway/http/bearer.h"

#include "gateway/base/file.h"
#include "gateway/base/json.h"
#include "gateway/base/log.h"

#include <dirent.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

enum { PATH_MAX_BYTES = 1200, ARENA = 1 << 20, SUFFIX = 5 };

/* ---- names and scopes ---- */

static bool name_is_good(const char *name)
{
    size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
    return n > 0 && n <= ZAP_NAME_MAX && name[n] == '\0' && name[0] != '.';
}

static gw_code path_of(const char *folder, const char *name, char ret[PATH_MAX_BYTES], gw_err *err)
{
    if (!name_is_good(name))
        return gw_fail(err, GW_EINVAL, "a token's name has 1 to %d of [A-Za-z0-9._-]",
                       ZAP_NAME_MAX);
    int n = snprintf(ret, PATH_MAX_BYTES, "%s/%s.json", folder, name);
    return n < PATH_MAX_BYTES ? GW_OK : gw_fail(err, GW_ELIMIT, "the token folder is too deep");
}

static uint32_t all_scopes(zap_role role)
{
    uint32_t bits = 0;
    if (role == ZAP_AGENT)
        return UINT32_C(1) << VERB_CALL | UINT32_C(1) << VERB_QUERY;
    for (int v = 0; v < VERB_COUNT; v++)
        if (role == ZAP_OPERATOR || (!verb_of((verb)v)->operators_only && v != VERB_CALL))
            bits |= UINT32_C(1) << v;
    return bits;
}

static gw_code parse_scopes(const char *text, zap_role role, uint32_t *ret, gw_err *err)
{
    uint32_t bits = 0;
    for (const char *p = text; *p; p += *p == ',') {
        size_t n = strcspn(p, ",");
        verb v = verb_find((gw_str){p, n});
        if (gw_str_is((gw_str){p, n}, "all"))
            bits |= all_scopes(role);
        else if (v == VERB_COUNT || !(all_scopes(role) >> (unsigned)v & 1))
            return gw_fail(
                err, GW_EINVAL,
                "scopes are verbs (submit, item, payment, query, ...) separated by "
                "commas, or all; some are for operators, call is for agents and operators");
        else
            bits |= UINT32_C(1) << v;
        p += n;
    }
    if (!bits)
        return gw_fail(err, GW_EINVAL, "name at least one scope");
    *ret = bits;
    return GW_OK;
}

void bearer_scopes_text(uint32_t scopes, gw_buf *ret)
{
    bool first = true;
    for (int v = 0; v < VERB_COUNT; v++) {
        if (!(scopes >> v & 1))
            continue;
        gw_buf_printf(ret, "%s%s", first ? "" : ",", verb_of((verb)v)->name);
        first = false;
    }
}

/* ---- making ---- */

static void random_text(char ret[BEARER_TEXT])
{
    gw_id halves[2];
    for (size_t i = 0; i < GW_COUNT(halves); i++)
        gw_id_random(&halves[i]);
    memcpy(ret, BEARER_PREFIX, sizeof BEARER_PREFIX - 1);
    gw_id_format(&halves[0], ret + sizeof BEARER_PREFIX - 1);
    gw_id_format(&halves[1], ret + sizeof BEARER_PREFIX - 1 + GW_ID_TEXT - 1);
    sodium_memzero(halves, sizeof halves);
}

gw_code bearer_make(const char *folder, const char *name, zap_role role, const char *scopes,
                    gw_wall now, char ret_text[BEARER_TEXT], gw_err *err)
{
    char path[PATH_MAX_BYTES], text[BEARER_TEXT], hex[65];
    uint8_t digest[32];
    uint32_t bits = 0;
    gw_code rc = path_of(folder, name, path, err);
    if (rc == GW_OK)
        rc = parse_scopes(scopes, role, &bits, err);
    if (rc == GW_OK && access(path, F_OK) == 0)
        rc = gw_fail(err, GW_EEXIST, "there is a token of that name; revoke it first");
    if (rc == GW_OK)
        rc = gw_dir_make(folder, 0700, err);
    if (rc != GW_OK)
        return rc;
    random_text(text);
    crypto_hash_sha256(digest, (const unsigned char *)text, BEARER_TEXT - 1);
    gw_hex(digest, sizeof digest, hex);
    GW_AUTO_BUF gw_buf json;
    GW_AUTO_BUF gw_buf list;
    gw_buf_init(&json, BEARER_FILE_MAX);
    gw_buf_init(&list, BEARER_FILE_MAX);
    bearer_scopes_text(bits, &list);
    gw_buf_putc(&json, '{');
    json_put_member_int(&json, "v", 1);
    json_put_member_str(&json, "role", gw_str_of(zap_role_name(role)));
    json_put_member_str(&json, "scopes", gw_buf_str(&list));
    json_put_member_str(&json, "sha256", gw_str_of(hex));
    json_put_member_int(&json, "made", now.ms);
    gw_buf_puts(&json, "}\n");
    rc = gw_buf_code(&json, "a token file", err);
    if (rc == GW_OK)
        rc = gw_file_replace(path, gw_buf_str(&json), 0600, err);
    if (rc == GW_OK)
        memcpy(ret_text, text, sizeof text);
    sodium_memzero(text, sizeof text);
    return rc;
}

gw_code bearer_revoke(const char *folder, const char *name, gw_err *err)
{
    char path[PATH_MAX_BYTES];
    gw_code rc = path_of(folder, name, path, err);
    if (rc != GW_OK)
        return rc;
    if (unlink(path) == 0)
        return GW_OK;
    return errno == ENOENT ? gw_fail(err, GW_ENOTFOUND, "there is no token of that name")
                           : gw_fail_errno(err, errno, "removing a token");
}

/* ---- reading ---- */

static bool parse_role(gw_str name, zap_role *ret)
{
    static const zap_role roles[] = {ZAP_CLIENT, ZAP_OPERATOR, ZAP_AGENT};
    for (size_t i = 0; i < GW_COUNT(roles); i++)
        if (gw_str_is(name, zap_role_name(roles[i]))) {
            *ret = roles[i];
            return true;
        }
    return false;
}

static bool read_token(const char *path, const char *name, gw_arena *arena, bearer *ret)
{
    GW_AUTO_BUF gw_buf text;
    gw_err err;
    json_doc d;
    size_t n = 0;
    bearer t = {0};
    gw_buf_init(&text, BEARER_FILE_MAX);
    gw_arena_reset(arena);
    if (gw_file_read(path, &text, &err) != GW_OK ||
        json_parse(gw_buf_str(&text), arena, &d, &err) != GW_OK ||
        json_kind_of(&d, 0) != JSON_OBJECT || json_get_int(&d, 0, "v", 0) != 1)
        return false;
    gw_str role = json_get_str(&d, 0, "role"), hex = json_get_str(&d, 0, "sha256");
    if (!parse_role(role, &t.role))
        return false;
    char *scopes = gw_arena_copy(arena, json_get_str(&d, 0, "scopes"));
    if (!scopes || parse_scopes(scopes, t.role, &t.scopes, &err) != GW_OK || hex.n != 64 ||
        sodium_hex2bin(t.sha256, sizeof t.sha256, hex.p, hex.n, NULL, &n, NULL) != 0 ||
        n != sizeof t.sha256)
        return false;
    snprintf(t.name, sizeof t.name, "%s", name);
    t.made_ms = json_get_int(&d, 0, "made", 0);
    *ret = t;
    return true;
}

static int is_token_file(const struct dirent *e)
{
    size_t n = strlen(e->d_name);
    return n > SUFFIX && n - SUFFIX <= ZAP_NAME_MAX && strcmp(e->d_name + n - SUFFIX, ".json") == 0;
}

gw_code bearer_list(const char *folder, bearer **ret, size_t *ret_n, size_t *ret_bad, gw_err *err)
{
    struct dirent **names = NULL;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ARENA);
    int n = scandir(folder, &names, is_token_file, alphasort);
    bearer *list = calloc((size_t)(n > 0 ? n : 0) + 1, sizeof *list);
    *ret_n = *ret_bad = 0;
    for (int i = 0; i < n; i++) {
        char path[PATH_MAX_BYTES], name[ZAP_NAME_MAX + 1];
        snprintf(name, sizeof name, "%.*s", (int)strlen(names[i]->d_name) - SUFFIX,
                 names[i]->d_name);
        int len = snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
        if (list && arena && *ret_n < BEARERS_MAX && len < (int)sizeof path &&
            read_token(path, name, arena, &list[*ret_n]))
            (*ret_n)++;
        else
            (*ret_bad)++;
        free(names[i]);
    }
    free(names);
    if (!list || !arena) {
        free(list);
        return gw_fail(err, GW_ENOMEM, "reading tokens");
    }
    *ret = list;
    return GW_OK;
}

/* ---- looking one up ---- */

struct bearers {
    char *folder;
    bearer *list;
    size_t n, bad;
    gw_mono looked;
    bool loaded;
};

bearers *bearers_new(const char *folder)
{
    bearers *t = calloc(1, sizeof *t);
    if (t && !(t->folder = strdup(folder))) {
        free(t);
        return NULL;
    }
    return t;
}

void bearers_free(bearers *t)
{
    if (!t)
        return;
    free(t->folder);
    free(t->list);
    free(t);
}

/* A folder that cannot be read admits nobody. */
static void reload(bearers *t, gw_mono now)
{
    gw_err err;
    size_t bad = 0;
    if (t->loaded && now.ms - t->looked.ms < BEARER_RECHECK_MS)
        return;
    free(t->list);
    t->list = NULL;
    t->n = 0;
    if (bearer_list(t->folder, &t->list, &t->n, &bad, &err) != GW_OK)
        t->n = 0;
    if (bad && bad != t->bad)
        gw_log(GW_LOG_WARN, "token files that cannot be read are not valid", "files=%zu", bad);
    t->bad = bad;
    t->looked = now;
    t->loaded = true;
}

const bearer *bearers_find(bearers *t, gw_str authorization, gw_mono now)
{
    static const char scheme[] = "Bearer ";
    const size_t head = sizeof scheme - 1;
    uint8_t digest[32];
    const bearer *found = NULL;
    reload(t, now);
    if (authorization.n != head + BEARER_TEXT - 1 ||
        strncasecmp(authorization.p, scheme, head) != 0)
        return NULL;
    crypto_hash_sha256(digest, (const unsigned char *)authorization.p + head, BEARER_TEXT - 1);
    for (size_t i = 0; i < t->n; i++)
        if (sodium_memcmp(digest, t->list[i].sha256, sizeof digest) == 0)
            found = &t->list[i];
    return found;
}
