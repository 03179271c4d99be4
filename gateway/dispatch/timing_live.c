#include "gateway/dispatch/timing_live.h"

#include "gateway/base/file.h"
#include "gateway/base/log.h"
#include "gateway/timing/model_file.h"

#include <sys/stat.h>

struct timing_live {
    const char *path;
    timing_model *model;
    struct timespec written;
    ino_t inode;
    gw_mono next;
};

timing_live *timing_live_new(const char *path)
{
    timing_live *t = calloc(1, sizeof *t);
    if (t)
        t->path = path && *path ? path : NULL;
    return t;
}

void timing_live_free(timing_live *t)
{
    if (!t)
        return;
    timing_model_free(t->model);
    free(t);
}

static gw_code read_model(const char *path, timing_model **ret, gw_err *err)
{
    GW_AUTO_BUF gw_buf bytes;
    gw_buf_init(&bytes, MODEL_FILE_MAX);
    gw_code rc = gw_file_read(path, &bytes, err);
    return rc == GW_OK ? timing_model_read(gw_buf_str(&bytes), ret, err) : rc;
}

void timing_live_look(timing_live *t, gw_mono now)
{
    struct stat st;
    if (!t || !t->path || now.ms < t->next.ms)
        return;
    t->next.ms = now.ms + TIMING_LIVE_LOOK_MS;
    if (stat(t->path, &st) != 0 ||
        (st.st_ino == t->inode && st.st_mtim.tv_sec == t->written.tv_sec &&
         st.st_mtim.tv_nsec == t->written.tv_nsec))
        return;
    gw_err err = {0};
    timing_model *fresh = NULL;
    t->inode = st.st_ino;
    t->written = st.st_mtim;
    if (read_model(t->path, &fresh, &err) != GW_OK) {
        gw_log(GW_LOG_ERROR, "timing model not used", "text=\"%s\"", err.text);
        return;
    }
    timing_model_free(t->model);
    t->model = fresh;
    gw_log(GW_LOG_INFO, "timing model", "kind=%c contacts=%llu", fresh->kind,
           (unsigned long long)fresh->contacts);
}

const timing_model *timing_live_model(const timing_live *t)
{
    return t ? t->model : NULL;
}
