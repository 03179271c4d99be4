#include "gateway/dispatch/house_live.h"

#include "gateway/base/log.h"
#include "gateway/intake/windows.h"

void house_live_init(house_live *h)
{
    *h = (house_live){.windows = NULL};
    gw_buf_init(&h->stored, STATE_VALUE_MAX);
}

void house_live_done(house_live *h)
{
    gw_buf_done(&h->stored);
    house_windows_free(h->windows);
}

void house_live_update(house_live *h, const state_hash *control)
{
    gw_str text = windows_in_force(control);
    house_windows *fresh = NULL;
    gw_err err = {0};
    if (gw_str_eq(text, gw_buf_str(&h->stored)))
        return;
    h->unreadable = windows_read(text, &fresh, &err) != GW_OK;
    if (h->unreadable)
        gw_log(GW_LOG_ERROR, "windows in force cannot be read: nothing is sent", "code=%s",
               gw_code_name(err.code));
    house_windows_free(h->windows);
    h->windows = fresh;
    gw_buf_clear(&h->stored);
    gw_buf_put_str(&h->stored, text);
}
