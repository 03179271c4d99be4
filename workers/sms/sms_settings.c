/* sms_settings.c - the row of the SMS channel: configuration in, driver out. */
#include "workers/channels.h"
#include "workers/sms/sms.h"

static gw_code open_sms(const config *c, const char *transport, worker_config *work, channel *ret,
                        gw_err *err)
{
    char outbox[CONFIG_PATH_BYTES];
    config_data_path(c, "outbox", outbox);
    work->credit = (int)c->sms_credit;
    work->send_threads = (int)c->sms_sessions;
    work->message_bytes_max = SMS_BYTES_MAX;
    if (strcmp(transport ? transport : c->sms_transport, "outbox") != 0)
        return gw_fail(err, GW_EINVAL, "sms.transport: only outbox is served so far");
    sms_config chosen = {.transport = SMS_OUTBOX,
                         .parts_max = (int)c->sms_parts_max,
                         .outbox = {.folder = outbox, .sync = true}};
    return sms_channel(&chosen, ret, err);
}

const channel_program sms_program = {"sms", "outbox", open_sms};
