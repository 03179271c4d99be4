/* voice_settings.c - the row of the voice channel: configuration in, driver out. */
#include "gateway/base/file.h"
#include "workers/channels.h"
#include "workers/voice/script.h"
#include "workers/voice/voice.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

enum {
    PASSWORD_MAX = 256,
    REMOTE_THREADS = 2, /* each has room for half of WORKER_CREDIT_MAX requests */
    LISTEN_MS = 6000,   /* to recognise who answered: amd.h needs 4.7 s for a long greeting */
    TONE_MS = 30000,    /* machines' greetings are hardly longer */
    END_MS = 5000,
    QUIET_MS = LISTEN_MS + TONE_MS + 10000,
    PARTS_MS = 240000, /* for what a call says, when a drain waits for its end */
};

/* Folders and secrets of this process; a worker serves one channel, once. */
static struct {
    char outbox[CONFIG_PATH_BYTES], run[CONFIG_PATH_BYTES];
    gw_buf password;
} kept;

static gw_code read_password(const char *path, gw_err *err)
{
    struct stat st;
    gw_buf *p = &kept.password;
    gw_buf_init(p, PASSWORD_MAX);
    if (!path[0])
        return gw_buf_putc(p, '\0');
    if (stat(path, &st) != 0)
        return gw_fail_errno(err, errno, "voice.sip.password_file %s", path);
    if (st.st_mode & (S_IRWXG | S_IRWXO))
        return gw_fail(err, GW_EREFUSED,
                       "voice.sip.password_file %s can be read by others; chmod 600", path);
    gw_code rc = gw_file_read(path, p, err);
    while (rc == GW_OK && p->n && (p->data[p->n - 1] == '\n' || p->data[p->n - 1] == '\r'))
        p->data[--p->n] = '\0';
    if (rc == GW_OK && (p->n == 0 || memchr(p->data, 0, p->n)))
        rc = gw_fail(err, GW_EINVAL, "voice.sip.password_file %s holds no password", path);
    return rc;
}

static line_config line_settings(const config *c)
{
    return (line_config){.plan = {.ring_ms = (int)c->voice_ring_ms,
                                  .listen_ms = LISTEN_MS,
                                  .tone_ms = TONE_MS,
                                  .answer_ms = (int)c->voice_answer_ms,
                                  .rounds = (int)c->voice_rounds,
                                  .end_ms = END_MS},
                         .no_answer_ms = (int)c->voice_no_answer_ms,
                         .busy_ms = (int)c->voice_busy_ms,
                         .call_back_ms = (int)c->voice_call_back_ms};
}

static baresip_config sip_settings(const config *c)
{
    return (baresip_config){.folder = kept.run,
                            .program = c->sip_program,
                            .modules = c->sip_modules,
                            .local = c->sip_local,
                            .gateway = c->sip_gateway,
                            .transport = c->sip_protocol,
                            .user = c->sip_user,
                            .domain = c->sip_domain,
                            .auth_user = c->sip_auth_user,
                            .password = kept.password.data,
                            .quiet_ms = QUIET_MS};
}

/* Asterisk's own limits lie behind ours: they count when nobody is there any more to keep ours. */
static ari_config ari_settings(const config *c)
{
    enum { LATER_MS = 10000 };
    int64_t longest_ms = c->voice_ring_ms + LISTEN_MS + TONE_MS + PARTS_MS;
    return (ari_config){.sounds = c->ari_sounds,
                        .ring_s = (int)((c->voice_ring_ms + LATER_MS) / 1000),
                        .call_s = (int)((longest_ms + LATER_MS) / 1000)};
}

static voice_transport transport_of(const char *word)
{
    static const char *const words[] = {[VOICE_OUTBOX] = "outbox",
                                        [VOICE_SIP] = "sip",
                                        [VOICE_ARI] = "ari",
                                        [VOICE_PROVIDER] = "provider"};
    for (size_t i = 0; i < GW_COUNT(words); i++)
        if (strcmp(word, words[i]) == 0)
            return (voice_transport)i;
    return VOICE_OUTBOX;
}

static bool is_creditor(const void *arg, gw_str source)
{
    return strcmp(config_source_of(arg, source)->sender, "creditor") == 0;
}

static gw_code open_voice(const config *c, const char *transport, worker_config *work, channel *ret,
                          gw_err *err)
{
    voice_transport kind = transport_of(transport ? transport : c->voice_transport);
    config_data_path(c, "outbox", kept.outbox);
    config_data_path(c, "run/voice", kept.run);
    gw_code rc = read_password(c->sip_password_file, err);
    if (rc != GW_OK)
        return rc;
    bool remote = kind == VOICE_PROVIDER;
    work->send_threads = remote ? REMOTE_THREADS : (int)c->voice_lines;
    /* What waits for a line could miss its window; requests wait for nobody. */
    work->credit = (int)(remote ? c->voice_credit : c->voice_lines);
    work->message_bytes_max = SCRIPT_BYTES_MAX;
    work->drain_ms = (int)c->voice_ring_ms + PARTS_MS;
    voice_config chosen = {
        .transport = kind,
        .speak = {c->tts_command, c->tts_voices, (int)c->tts_limit_ms},
        .promise_days = (int)c->voice_promise_days,
        .line = line_settings(c),
        .sip = sip_settings(c),
        .ari = ari_settings(c),
        .outbox = {.folder = kept.outbox, .sync = true},
        .fleet = {.names = kind == VOICE_ARI ? c->ari_provider : c->voice_providers,
                  .config_dir = c->dir,
                  .data_dir = c->data,
                  .channel = "voice",
                  .callback_url = c->voice_callback_url,
                  .is_creditor = is_creditor,
                  .arg = c}};
    return voice_channel(&chosen, ret, err);
}

const channel_program voice_program = {"voice", "outbox|sip|ari|provider", open_voice};
