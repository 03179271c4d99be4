/* rules_sign.c - `dunlin rules key` and `sign`: who stands behind a file of the rules. */
#include "gateway/base/file.h"
#include "gateway/base/id.h"
#include "gateway/base/jsonc.h"
#include "gateway/cli/rules_part.h"
#include "gateway/policy/sign.h"

#include <sodium.h>
#include <stdio.h>

enum { PATH_BYTES = 2 * CONFIG_PATH_BYTES };

/* ---- one file ---- */

static bool is_kind(const json_doc *d, const char *member)
{
    return json_kind_of(d, 0) == JSON_OBJECT && json_member(d, 0, member) != 0;
}

/* It must be a good pack, calendar or table of prefixes. */
static gw_code check_file(const char *path, gw_str text, const json_doc *d, gw_err *err)
{
    GW_AUTO(policy_rules_free) policy_rules *r = policy_rules_new();
    if (!r)
        return gw_fail(err, GW_ENOMEM, "reading %s", path);
    if (is_kind(d, "windows"))
        return policy_rules_add_pack(r, path, text, err);
    if (is_kind(d, "prefixes"))
        return policy_rules_add_regions(r, path, text, err);
    return policy_rules_add_calendar(r, path, text, err);
}

gw_code rules_read_canonical(const char *path, char **ret, gw_err *err)
{
    GW_AUTO_JSONC jsonc_file file = {0};
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, POLICY_RULES_BYTES_MAX);
    gw_code rc = gw_file_read(path, &text, err);
    if (rc == GW_OK)
        rc = jsonc_open(gw_buf_str(&text), POLICY_RULES_BYTES_MAX, &file, err);
    if (rc == GW_OK)
        rc = check_file(path, gw_buf_str(&text), &file.doc, err);
    return rc == GW_OK ? jsonc_canonical(&file, ret, err) : rc;
}

/* ---- keys ---- */

static void key_paths(const cli_common *c, const char *name, char secret[PATH_BYTES],
                      char public[PATH_BYTES])
{
    char dir[CONFIG_PATH_BYTES];
    config_data_path(c->config, "keys/secret", dir);
    snprintf(secret, PATH_BYTES, "%s/rules-%s.key", dir, name);
    config_data_path(c->config, "keys/rules", dir);
    snprintf(public, PATH_BYTES, "%s/%s.vkey", dir, name);
}

static gw_code make_folders(const cli_common *c, gw_err *err)
{
    char dir[CONFIG_PATH_BYTES];
    config_data_path(c->config, "keys/secret", dir);
    gw_code rc = gw_dir_make(dir, 0700, err);
    config_data_path(c->config, "keys/rules", dir);
    return rc == GW_OK ? gw_dir_make(dir, 0755, err) : rc;
}

gw_code rules_make_key(const rules_command *r, gw_err *err)
{
    const cli_common *c = r->c;
    char secret_path[PATH_BYTES], public_path[PATH_BYTES];
    uint8_t secret[SIGN_SECRET_BYTES];
    char hex[2 * SIGN_SECRET_BYTES + 2];
    sign_key key = {.name = ""};
    GW_AUTO_BUF gw_buf text;
    GW_AUTO_BUF gw_buf had;
    gw_buf_init(&text, SIGN_TEXT_MAX);
    gw_buf_init(&had, SIGN_TEXT_MAX);
    crypto_sign_keypair(key.key, secret);
    snprintf(key.name, sizeof key.name, "%s", c->words[1]);
    sign_key_write(&key, &text);
    gw_code rc = strlen(c->words[1]) <= SIGN_NAME_MAX ? sign_key_parse(gw_buf_str(&text), &key, err)
                                                      : GW_EINVAL;
    if (rc != GW_OK)
        return gw_fail(err, GW_EINVAL, "a key's name has 1 to 64 of A-Z a-z 0-9 . _ -");
    key_paths(c, key.name, secret_path, public_path);
    if (gw_file_read(secret_path, &had, NULL) != GW_ENOTFOUND)
        return gw_fail(err, GW_EEXIST, "%s exists; choose another name, or remove it first",
                       secret_path);
    sodium_bin2hex(hex, sizeof hex - 1, secret, sizeof secret);
    hex[sizeof hex - 2] = '\n';
    rc = make_folders(c, err);
    if (rc == GW_OK)
        rc = gw_file_replace(secret_path, (gw_str){hex, sizeof hex - 1}, 0600, err);
    if (rc == GW_OK)
        rc = gw_file_replace(public_path, gw_buf_str(&text), 0644, err);
    sodium_memzero(secret, sizeof secret);
    sodium_memzero(hex, sizeof hex);
    if (rc == GW_OK && c->json)
        printf("{\"secret\":\"%s\",\"public\":\"%s\"}\n", secret_path, public_path);
    else if (rc == GW_OK)
        printf("secret key: %s (keep it off this machine when you can)\npublic key: %s (remove it "
               "to revoke)\n",
               secret_path, public_path);
    return rc;
}

static gw_code read_secret(const cli_common *c, const char *name, uint8_t ret[SIGN_SECRET_BYTES],
                           gw_err *err)
{
    char secret_path[PATH_BYTES], public_path[PATH_BYTES];
    size_t n = 0;
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, SIGN_TEXT_MAX);
    key_paths(c, name, secret_path, public_path);
    gw_code rc = gw_file_read(secret_path, &text, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "`dunlin rules key %s` makes it", name);
    bool good = sodium_hex2bin(ret, SIGN_SECRET_BYTES, text.data, text.n, "\n", &n, NULL) == 0 &&
                n == SIGN_SECRET_BYTES;
    gw_buf_wipe(&text);
    return good ? GW_OK : gw_fail(err, GW_EINVAL, "%s: 128 hex digits are expected", secret_path);
}

static gw_code sign_file(const cli_common *c, const char *key, const uint8_t *secret,
                         const char *path, gw_err *err)
{
    char sig[PATH_BYTES];
    GW_AUTO_FREE char *canonical = NULL;
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, SIGN_TEXT_MAX);
    if (snprintf(sig, sizeof sig, "%s.sig", path) >= (int)sizeof sig)
        return gw_fail(err, GW_ELIMIT, "%s: the path is too long", path);
    gw_code rc = rules_read_canonical(path, &canonical, err);
    if (rc != GW_OK)
        return rc;
    sign_make(gw_str_of(canonical), key, secret, &text);
    rc = gw_file_replace(sig, gw_buf_str(&text), 0644, err);
    if (rc == GW_OK)
        printf(c->json ? "{\"signed\":\"%s\"}\n" : "signed %s\n", path);
    return rc;
}

typedef struct {
    const rules_command *r;
    const uint8_t *secret;
} signer;

static gw_code sign_path(void *arg, const char *path, gw_err *err)
{
    const signer *s = arg;
    return sign_file(s->r->c, s->r->key, s->secret, path, err);
}

/* The files that are named, or all that the gateway would load. */
gw_code rules_sign(const rules_command *r, gw_err *err)
{
    uint8_t secret[SIGN_SECRET_BYTES];
    char rules[CONFIG_PATH_BYTES], calendars[CONFIG_PATH_BYTES];
    signer s = {r, secret};
    if (!r->key)
        return gw_fail(err, GW_EINVAL, "name the key: --key NAME");
    gw_code rc = read_secret(r->c, r->key, secret, err);
    for (size_t i = 1; rc == GW_OK && i < r->c->word_n; i++)
        rc = sign_path(&s, r->c->words[i], err);
    if (rc == GW_OK && r->c->word_n == 1) {
        config_dir_path(r->c->config, "rules", rules);
        config_dir_path(r->c->config, "calendars", calendars);
        rc = policy_rules_paths(rules, calendars, sign_path, &s, err);
    }
    sodium_memzero(secret, sizeof secret);
    return rc;
}
