/* email_settings.c - the row of the e-mail channel: configuration in, driver out. */
#include "workers/channels.h"
#include "workers/email/compose.h"
#include "workers/email/email.h"

static smtp_tls tls_of(const char *word)
{
    static const char *const words[] = {
        [SMTP_TLS_NONE] = "none",
        [SMTP_TLS_STARTTLS] = "opportunistic",
        [SMTP_TLS_REQUIRED] = "required",
    };
    for (size_t i = 0; i < GW_COUNT(words); i++)
        if (strcmp(word, words[i]) == 0)
            return (smtp_tls)i;
    return SMTP_TLS_REQUIRED;
}

static email_config settings(const config *c, const char *transport, const char *outbox)
{
    enum { FINAL_MS = 600000 }; /* RFC 5321 §4.5.3.2.6: giving up early makes an unknown */
    int silence = (int)c->smtp_timeout_ms;
    return (email_config){
        .transport = strcmp(transport ? transport : c->email_transport, "smtp") == 0 ? EMAIL_SMTP
                                                                                     : EMAIL_OUTBOX,
        .from_name = c->email_from_name,
        .from_address = c->email_from_address,
        .reply_to = c->email_reply_to,
        .unsubscribe_mailto = c->email_unsubscribe_mailto,
        .unsubscribe_url = c->email_unsubscribe_url,
        .pdf = strcmp(c->email_pdf, "yes") == 0,
        .outbox = {.folder = outbox, .sync = true},
        .smtp = {.host = c->smtp_host,
                 .port = (int)c->smtp_port,
                 .tls = tls_of(c->smtp_tls),
                 .ca_file = c->smtp_ca_file,
                 .user = c->smtp_user,
                 .password_file = c->smtp_password_file,
                 .hostname = c->smtp_hostname,
                 .dsn = c->smtp_dsn ? SMTP_DSN_SUCCESS | SMTP_DSN_FAILURE | SMTP_DSN_DELAY : 0,
                 .greeting_ms = silence,
                 .envelope_ms = silence,
                 .data_ms = silence,
                 .transfer_ms = silence,
                 .final_ms = silence > FINAL_MS ? silence : FINAL_MS}};
}

static gw_code open_email(const config *c, const char *transport, worker_config *work, channel *ret,
                          gw_err *err)
{
    char home[CONFIG_PATH_BYTES], outbox[CONFIG_PATH_BYTES];
    config_data_path(c, "run/worker-home", home);
    config_data_path(c, "outbox", outbox);
    gw_code rc = smtp_process_setup(home, err);
    if (rc != GW_OK)
        return rc;
    work->credit = (int)c->email_credit;
    work->send_threads = (int)c->email_sessions;
    work->message_bytes_max = COMPOSE_BYTES_MAX;
    email_config chosen = settings(c, transport, outbox);
    return email_channel(&chosen, ret, err);
}

const channel_program email_program = {"email", "outbox|smtp", open_email};
