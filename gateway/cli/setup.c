#include "gateway/cli/setup.h"

#include "gateway/base/file.h"
#include "gateway/base/id.h"
#include "gateway/wire/curve.h"

#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

static const char *const folders[] = {
    "keys",     "keys/clients", "keys/operators", "keys/agents", "keys/workers", "keys/secret",
    "evidence", "templates",    "outbox",         "redis",       "run",          "logs",
};

static const struct {
    const char *list, *name;
} local_keys[] = {
    {"clients", "local"},
    {"operators", "operator"},
    {"workers", "worker"},
};

static const char *const hex_keys[] = {"keys/log.key", "keys/tenant.key", "keys/id.key"};

static gw_code make_hex_key(const config *c, const char *name, gw_err *err)
{
    char path[CONFIG_PATH_BYTES];
    config_data_path(c, name, path);
    if (access(path, F_OK) == 0)
        return GW_OK;
    uint8_t key[GW_ID_KEY_BYTES];
    char text[2 * GW_ID_KEY_BYTES + 2];
    randombytes_buf(key, sizeof key);
    gw_hex(key, sizeof key, text);
    text[2 * GW_ID_KEY_BYTES] = '\n';
    text[2 * GW_ID_KEY_BYTES + 1] = '\0';
    gw_code rc = gw_file_replace(path, gw_str_of(text), 0600, err);
    sodium_memzero(key, sizeof key);
    sodium_memzero(text, sizeof text);
    return rc;
}

static gw_code make_pair(const char *secret_path, const char *public_path, gw_err *err)
{
    curve_pair pair;
    gw_code rc = curve_generate(&pair, err);
    if (rc == GW_OK)
        rc = curve_save(&pair, secret_path, public_path, err);
    curve_wipe(&pair);
    return rc;
}

gw_code setup_key(const config *c, const char *list, const char *name, gw_err *err)
{
    char relative[256];
    char secret_path[CONFIG_PATH_BYTES];
    char public_path[CONFIG_PATH_BYTES];
    snprintf(relative, sizeof relative, "keys/secret/%s.key", name);
    config_data_path(c, relative, secret_path);
    snprintf(relative, sizeof relative, "keys/%s/%s.pub", list, name);
    config_data_path(c, relative, public_path);
    gw_code rc = make_pair(secret_path, public_path, err);
    return rc == GW_OK ? GW_OK : gw_wrap(err, rc, "making a key for %s", name);
}

static gw_code make_gateway_key(const config *c, gw_err *err)
{
    char secret_path[CONFIG_PATH_BYTES];
    char public_path[CONFIG_PATH_BYTES];
    config_data_path(c, "keys/gateway.key", secret_path);
    config_data_path(c, "keys/gateway.pub", public_path);
    return access(secret_path, F_OK) == 0 ? GW_OK : make_pair(secret_path, public_path, err);
}

gw_code setup_data_folder(const config *c, gw_err *err)
{
    char path[CONFIG_PATH_BYTES];
    for (size_t i = 0; i < GW_COUNT(folders); i++) {
        config_data_path(c, folders[i], path);
        gw_code rc = gw_dir_make(path, 0700, err);
        if (rc != GW_OK)
            return rc;
    }
    for (size_t i = 0; i < GW_COUNT(hex_keys); i++) {
        gw_code rc = make_hex_key(c, hex_keys[i], err);
        if (rc != GW_OK)
            return rc;
    }
    gw_code rc = make_gateway_key(c, err);
    for (size_t i = 0; rc == GW_OK && i < GW_COUNT(local_keys); i++) {
        rc = setup_key(c, local_keys[i].list, local_keys[i].name, err);
        if (rc == GW_EEXIST)
            rc = GW_OK; /* made by an earlier start */
    }
    return rc;
}
