/* sms_settings.c - the row of the SMS channel: configuration in, driver out. */
#include "workers/channels.h"
#include "workers/sms/sms.h"

#include <stdio.h>

static bool is_creditor(const void *arg, gw_str source)
{
    return strcmp(config_source_of(arg, source)->sender, "creditor") == 0;
}

/* Receipts come to the gateway's own /hooks, unless another place is named. */
static void callback_url(const config *c, char ret[CONFIG_PATH_BYTES])
{
    if (*c->sms_callback_url || !*c->http_public_url)
        snprintf(ret, CONFIG_PATH_BYTES, "%s", c->sms_callback_url);
    else
        snprintf(ret, CONFIG_PATH_BYTES, "%s/hooks", c->http_public_url);
}

static gw_code open_sms(const config *c, const char *transport, worker_config *work, channel *ret,
                        gw_err *err)
{
    char outbox[CONFIG_PATH_BYTES], hooks[CONFIG_PATH_BYTES];
    bool real = strcmp(transport ? transport : c->sms_transport, "provider") == 0;
    config_data_path(c, "outbox", outbox);
    callback_url(c, hooks);
    work->credit = (int)c->sms_credit;
    work->send_threads = (int)c->sms_sessions;
    work->message_bytes_max = SMS_BYTES_MAX;
    const sms_config chosen = {.transport = real ? SMS_PROVIDER : SMS_OUTBOX,
                               .parts_max = (int)c->sms_parts_max,
                               .validity_max_ms = c->sms_validity_max_ms,
                               .outbox = {.folder = outbox, .sync = true},
                               .fleet = {.names = c->sms_providers,
                                         .config_dir = c->dir,
                                         .data_dir = c->data,
                                         .channel = "sms",
                                         .callback_url = hooks,
                                         .is_creditor = is_creditor,
                                         .arg = c}};
    return sms_channel(&chosen, ret, err);
}

const channel_program sms_program = {"sms", "outbox|provider", open_sms};
