#include "gateway/dispatch/model_keep.h"

#include "gateway/base/file.h"
#include "gateway/timing/model_file.h"

#include <stdio.h>

gw_code model_keep_load(const char *file, timing_model **ret, gw_err *err)
{
    GW_AUTO_BUF gw_buf bytes;
    gw_buf_init(&bytes, MODEL_FILE_MAX);
    gw_code rc = gw_file_read(file, &bytes, err);
    return rc == GW_OK ? timing_model_read(gw_buf_str(&bytes), ret, err) : rc;
}

static bool is_version(gw_str v)
{
    if (v.n != MODEL_VERSION_TEXT - 1)
        return false;
    for (size_t i = 0; i < v.n; i++)
        if (!strchr("0123456789abcdef", v.p[i]) || !v.p[i])
            return false;
    return true;
}

gw_code model_keep_version(const char *file, gw_str version, timing_model **ret, gw_err *err)
{
    char path[MODEL_PATH_MAX + 64];
    GW_AUTO(timing_model_free) timing_model *m = NULL;
    if (!is_version(version))
        return gw_fail(err, GW_EINVAL, "that is no version of a model");
    snprintf(path, sizeof path, "%.900s.versions/%.*s.model", file, GW_STR_ARG(version));
    gw_code rc = model_keep_load(path, &m, err);
    if (rc == GW_ENOTFOUND && (rc = model_keep_load(file, &m, err)) == GW_OK &&
        !gw_str_is(version, m->version))
        rc = gw_fail(err, GW_ENOTFOUND,
                     "version %.*s of the timing model is not kept here: restore %s.versions",
                     GW_STR_ARG(version), file);
    if (rc == GW_OK && !gw_str_is(version, m->version))
        rc = gw_fail(err, GW_ECORRUPT, "%s is another version than its name says", path);
    if (rc != GW_OK)
        return rc;
    *ret = m;
    m = NULL;
    return GW_OK;
}

gw_code model_keep_name(timing_model *m, gw_err *err)
{
    GW_AUTO_BUF gw_buf bytes;
    gw_buf_init(&bytes, MODEL_FILE_MAX);
    gw_code rc = timing_model_write(m, &bytes, err);
    if (rc == GW_OK)
        timing_model_version(gw_buf_str(&bytes), m->version);
    return rc;
}

gw_code model_keep_store(const char *file, timing_model *m, gw_err *err)
{
    char path[MODEL_PATH_MAX + 64];
    GW_AUTO_BUF gw_buf bytes;
    gw_buf_init(&bytes, MODEL_FILE_MAX);
    gw_code rc = timing_model_write(m, &bytes, err);
    snprintf(path, sizeof path, "%.900s.versions", file);
    if (rc == GW_OK)
        rc = gw_dir_make(path, 0750, err);
    if (rc != GW_OK)
        return rc;
    timing_model_version(gw_buf_str(&bytes), m->version);
    snprintf(path, sizeof path, "%.900s.versions/%s.model", file, m->version);
    rc = gw_file_replace(path, gw_buf_str(&bytes), 0640, err);
    return rc == GW_OK ? gw_file_replace(file, gw_buf_str(&bytes), 0640, err) : rc;
}

gw_code model_keep_part(const char *file, const timing_model *m, gw_err *err)
{
    char path[MODEL_PATH_MAX + 64];
    GW_AUTO_BUF gw_buf bytes;
    gw_buf_init(&bytes, MODEL_FILE_MAX);
    gw_code rc = timing_model_write(m, &bytes, err);
    snprintf(path, sizeof path, "%.900s.part", file);
    return rc == GW_OK ? gw_file_replace(path, gw_buf_str(&bytes), 0640, err) : rc;
}
