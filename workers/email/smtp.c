#include "workers/email/smtp.h"

#include "gateway/base/file.h"
#include "workers/email/address.h"
#include "workers/email/hygiene.h"
#include "workers/email/smtp_session.h"
#include "workers/email/tls.h"

#include <arpa/inet.h>
#include <auth-client.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    TAKE_MS = 1000,
    PASSWORD_MAX = 1024,
    HOLD_FIRST_MS = 500, /* after a session that came to nothing; doubles up to ... */
    HOLD_MAX_MS = 30000,
    HOLD_STEP_MS = 50,
};

gw_code smtp_process_setup(const char *private_home, gw_err *err)
{
    gw_code rc = gw_dir_make(private_home, 0700, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "the private home of the mail library");
    signal(SIGPIPE, SIG_IGN);
    setenv("HOME", private_home, 1);
    setenv("XDG_CONFIG_HOME", private_home, 1);
    setenv("XDG_CONFIG_DIR", private_home, 1); /* the name libESMTP 1.1.0 asks for */
    auth_client_init();
    return GW_OK;
}

/* ---- the relay's settings ---- */

typedef struct {
    size_t offset;
    int otherwise, min, max;
    const char *name;
} bound;

static const bound bounds[] = {
    /* member                                    default   min    max       name in errors */
    {offsetof(smtp_config, session_messages), 100, 1, 1000, "messages per session"},
    {offsetof(smtp_config, idle_ms), 30000, 1, 300000, "idle time"},
    {offsetof(smtp_config, greeting_ms), 300000, 10, 600000, "greeting timeout"}, /* RFC 5321 */
    {offsetof(smtp_config, envelope_ms), 300000, 10, 600000, "envelope timeout"}, /* §4.5.3.2 */
    {offsetof(smtp_config, data_ms), 120000, 10, 600000, "DATA timeout"},
    {offsetof(smtp_config, transfer_ms), 180000, 10, 600000, "transfer timeout"},
    {offsetof(smtp_config, final_ms), 600000, 10, 1200000, "final reply timeout"},
    {offsetof(smtp_config, connect_ms), 30000, 10, 300000, "connect timeout"},
    {offsetof(smtp_config, message_ms), 900000, 10, 3600000, "message timeout"},
};

static gw_code fill_bounds(smtp_config *c, gw_err *err)
{
    for (size_t i = 0; i < GW_COUNT(bounds); i++) {
        int *value = (int *)((char *)c + bounds[i].offset);
        if (*value == 0)
            *value = bounds[i].otherwise;
        if (*value < bounds[i].min || *value > bounds[i].max)
            return gw_fail(err, GW_EINVAL, "smtp: the %s must be %d..%d", bounds[i].name,
                           bounds[i].min, bounds[i].max);
    }
    if (c->port < 1 || c->port > 65535)
        return gw_fail(err, GW_EINVAL, "smtp: the port must be 1..65535");
    return GW_OK;
}

static gw_code keep_strings(smtp_relay *r, gw_err *err)
{
    smtp_config *c = &r->config;
    const char **strings[] = {&c->host,     &c->ca_file,       &c->user,  &c->password_file,
                              &c->hostname, &c->envelope_from, &c->sender};
    for (size_t i = 0; i < GW_COUNT(strings); i++) {
        gw_buf_init(&r->strings[i], 4096);
        gw_buf_puts(&r->strings[i], *strings[i] ? *strings[i] : "");
        gw_code rc = gw_buf_code(&r->strings[i], "an smtp setting", err);
        if (rc != GW_OK)
            return rc;
        *strings[i] = r->strings[i].data;
    }
    return GW_OK;
}

static bool is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, host, &v6) == 1)
        return IN6_IS_ADDR_LOOPBACK(&v6);
    return strcmp(host, "localhost") == 0;
}

static gw_code read_password(smtp_relay *r, gw_err *err)
{
    const char *path = r->config.password_file;
    struct stat st;
    if (stat(path, &st) != 0)
        return gw_fail(err, GW_ENOTFOUND, "smtp: password file %s: %s", path, strerror(errno));
    if (st.st_mode & (S_IRWXG | S_IRWXO))
        return gw_fail(err, GW_EREFUSED, "smtp: password file %s can be read by others; chmod 600",
                       path);
    gw_code rc = gw_file_read(path, &r->password, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "smtp password");
    gw_buf *p = &r->password;
    while (p->n && (p->data[p->n - 1] == '\n' || p->data[p->n - 1] == '\r'))
        p->data[--p->n] = '\0';
    if (p->n == 0 || memchr(p->data, 0, p->n))
        return gw_fail(err, GW_EINVAL, "smtp: password file %s holds no password", path);
    return GW_OK;
}

static gw_code check(smtp_relay *r, gw_err *err)
{
    smtp_config *c = &r->config;
    gw_code rc = address_check_host(gw_str_of(c->host), "smtp host", err);
    if (rc == GW_OK && strlen(c->host) >= CHANNEL_HOST_MAX)
        rc = gw_fail(err, GW_ELIMIT, "smtp host is longer than %d bytes", CHANNEL_HOST_MAX - 1);
    if (rc == GW_OK && c->hostname[0])
        rc = address_check_host(gw_str_of(c->hostname), "smtp hostname", err);
    if (rc == GW_OK && c->envelope_from[0])
        rc = address_check(gw_str_of(c->envelope_from), "smtp envelope sender", err);
    if (rc == GW_OK && c->sender[0])
        rc = address_check(gw_str_of(c->sender), "smtp sender", err);
    if (rc == GW_OK)
        rc = fill_bounds(c, err);
    if (rc != GW_OK || !c->user[0])
        return rc;
    if (is_loopback(c->host))
        return read_password(r, err);
    if (c->tls == SMTP_TLS_NONE)
        return gw_fail(err, GW_EREFUSED,
                       "smtp: a password is not sent over plain text; "
                       "set tls to required or leave user empty");
    /* "If offered" would give the password to whoever takes the offer away. */
    c->tls = SMTP_TLS_REQUIRED;
    return read_password(r, err);
}

gw_code smtp_relay_new(const smtp_config *config, smtp_relay **ret_relay, gw_err *err)
{
    smtp_relay *r = calloc(1, sizeof *r);
    if (!r)
        return gw_fail(err, GW_ENOMEM, "preparing the mail relay");
    r->config = *config;
    pthread_mutex_init(&r->lock, NULL);
    gw_buf_init(&r->password, PASSWORD_MAX);
    gw_code rc = keep_strings(r, err);
    if (rc == GW_OK)
        rc = check(r, err);
    if (rc == GW_OK && r->config.tls != SMTP_TLS_NONE)
        rc = tls_client_new(r->config.host, r->config.ca_file, &r->tls, err);
    if (rc == GW_OK) {
        r->lines = line_set_new(r->config.port, r->config.connect_ms, r->config.message_ms);
        if (!r->lines)
            rc = gw_fail(err, GW_ENOMEM, "preparing the mail relay");
    }
    if (rc != GW_OK) {
        smtp_relay_free(r);
        return rc;
    }
    *ret_relay = r;
    return GW_OK;
}

void smtp_relay_free(smtp_relay *r)
{
    if (!r)
        return;
    gw_buf_wipe(&r->password);
    gw_buf_done(&r->password);
    for (size_t i = 0; i < GW_COUNT(r->strings); i++)
        gw_buf_done(&r->strings[i]);
    SSL_CTX_free(r->tls);
    line_set_free(r->lines);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

/* ---- sending ---- */

/* While the relay cannot be talked to, sessions are tried at growing intervals, so that a backlog
 * does not use up its attempts on a relay that is down. */
static void note_session(smtp_relay *r, bool worked)
{
    pthread_mutex_lock(&r->lock);
    if (worked) {
        r->failures = 0;
        r->hold_until_ms = 0;
    } else {
        int shift = r->failures < 6 ? r->failures : 6;
        int ms = HOLD_FIRST_MS << shift;
        r->failures++;
        r->hold_until_ms = gw_mono_now().ms + (ms < HOLD_MAX_MS ? ms : HOLD_MAX_MS);
    }
    pthread_mutex_unlock(&r->lock);
}

static void hold(smtp_relay *r, channel_source *source)
{
    for (;;) {
        pthread_mutex_lock(&r->lock);
        int64_t until = r->hold_until_ms;
        pthread_mutex_unlock(&r->lock);
        if (gw_mono_now().ms >= until || channel_is_draining(source))
            return;
        usleep(HOLD_STEP_MS * 1000);
    }
}

void smtp_serve(smtp_relay *r, channel_source *source)
{
    line l;
    line_init(&l, r->lines);
    channel_attempt *over = NULL;
    while (over || !channel_is_closed(source)) {
        hold(r, source);
        channel_attempt *a = over ? over : smtp_take(source, TAKE_MS);
        bool worked = false;
        over = NULL;
        if (!a)
            continue;
        over = smtp_session_run(r, source, &l, a, &worked);
        note_session(r, worked);
    }
    line_done(&l);
}

void smtp_watch(smtp_relay *r)
{
    line_watch(r->lines);
}
