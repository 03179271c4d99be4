#include "gateway/dispatch/fitter.h"

#include "gateway/base/file.h"
#include "gateway/base/log.h"
#include "gateway/dispatch/fit_run.h"
#include "gateway/dispatch/model_keep.h"
#include "gateway/dispatch/view.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

struct fitter {
    const dispatch_config *cfg;
    int hour;
    int32_t day; /* of the last fit */
    gw_mono not_before;
    _Atomic bool stop;
    pthread_t thread;
};

int32_t fitter_day(int hour, gw_wall now)
{
    return (int32_t)((now.ms - hour * GW_MS_PER_HOUR) / GW_MS_PER_DAY);
}

bool fitter_is_due(int32_t day, int hour, gw_wall now)
{
    return day != INT32_MIN && fitter_day(hour, now) > day;
}

static void day_path(const fitter *f, char path[MODEL_PATH_MAX + 8])
{
    snprintf(path, MODEL_PATH_MAX + 8, "%.1000s.day", f->cfg->timing_model);
}

static int32_t read_day(const fitter *f)
{
    char path[MODEL_PATH_MAX + 8];
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, 64);
    day_path(f, path);
    if (gw_file_read(path, &text, NULL) != GW_OK)
        return INT32_MIN;
    while (text.n && text.data[text.n - 1] == '\n')
        text.n--;
    return (int32_t)view_int(gw_buf_str(&text), INT32_MIN);
}

static gw_code write_day(fitter *f, int32_t day, gw_err *err)
{
    char path[MODEL_PATH_MAX + 8];
    char text[16];
    day_path(f, path);
    int n = snprintf(text, sizeof text, "%d\n", day);
    f->day = day;
    return gw_file_replace(path, (gw_str){text, (size_t)n}, 0640, err);
}

static bool on_progress(void *arg, unsigned done, unsigned all, double log_likelihood)
{
    fitter *f = arg;
    (void)done;
    (void)all;
    (void)log_likelihood;
    return !atomic_load(&f->stop);
}

static gw_code fit_tonight(fitter *f, gw_err *err)
{
    fit_done done;
    GW_AUTO(state_close) state *s = NULL;
    const fit_order o = {.file = f->cfg->timing_model,
                         .by = "night",
                         .sources = f->cfg->sources,
                         .source_n = f->cfg->source_n,
                         .now = gw_clock_now(f->cfg->clock),
                         .options = {.steps = FITTER_STEPS,
                                     .threads = 1,
                                     .seed = 1,
                                     .go_on = true,
                                     .progress = on_progress,
                                     .arg = f}};
    gw_code rc = state_open(&f->cfg->state, &s, err);
    if (rc == GW_OK)
        rc = fit_run(s, &o, &done, err);
    if (rc == GW_OK)
        gw_log(GW_LOG_INFO, "timing model fitted", "kind=%c contacts=%llu version=%s", done.kind,
               (unsigned long long)done.report.contacts, done.version);
    return rc;
}

static void look(fitter *f)
{
    gw_err err = {0};
    gw_wall now = gw_clock_now(f->cfg->clock);
    int32_t today = fitter_day(f->hour, now);
    gw_code rc = GW_OK;
    if (gw_mono_now().ms < f->not_before.ms)
        return;
    if (f->day == INT32_MIN || f->day > today) /* the first start, or a clock that was set back */
        rc = write_day(f, today, &err);
    else if (!fitter_is_due(f->day, f->hour, now))
        return;
    else if ((rc = fit_tonight(f, &err)) == GW_OK)
        rc = write_day(f, today, &err);
    if (rc == GW_OK || atomic_load(&f->stop))
        return;
    f->not_before.ms = gw_mono_now().ms + FITTER_AGAIN_MS;
    gw_log(GW_LOG_WARN, "timing model not fitted", "text=\"%s\"", err.text);
}

static void *run(void *arg)
{
    fitter *f = arg;
    /* On Linux the priority is the thread's own. */
    (void)setpriority(PRIO_PROCESS, 0, FITTER_NICE);
    while (!atomic_load(&f->stop)) {
        look(f);
        nanosleep(&(struct timespec){.tv_nsec = FITTER_LOOK_MS * 1000000L}, NULL);
    }
    return NULL;
}

gw_code fitter_start(const dispatch_config *config, int hour, fitter **ret, gw_err *err)
{
    if (hour < 0 || !config->timing_model || !*config->timing_model)
        return GW_OK;
    fitter *f = calloc(1, sizeof *f);
    if (!f)
        return gw_fail(err, GW_ENOMEM, "starting the nightly fit");
    f->cfg = config;
    f->hour = hour;
    f->day = read_day(f);
    if (pthread_create(&f->thread, NULL, run, f) != 0) {
        free(f);
        return gw_fail(err, GW_ENOMEM, "starting the nightly fit");
    }
    *ret = f;
    return GW_OK;
}

void fitter_stop(fitter *f)
{
    if (!f)
        return;
    atomic_store(&f->stop, true);
    pthread_join(f->thread, NULL);
    free(f);
}
