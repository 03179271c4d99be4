#include "workers/voice/baresip_files.h"

#include "gateway/base/file.h"
#include "workers/voice/sound.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

enum { FILE_MAX = 16 * 1024, QUIET_MAX = 64 << 20 };

static gw_code check_word(const char *word, const char *what, gw_err *err)
{
    for (const char *p = word; *p; p++)
        if (*p <= ' ' || *p == 0x7F || strchr("<>;,\"", *p))
            return gw_fail(err, GW_EINVAL, "%s must not hold blanks, control characters or <>;,\"",
                           what);
    return GW_OK;
}

gw_code baresip_check(const baresip_config *c, gw_err *err)
{
    const struct {
        const char *value, *what;
        bool needed;
    } words[] = {
        {c->local, "voice.sip.local", false},
        {c->gateway, "voice.sip.gateway", true},
        {c->transport, "voice.sip.protocol", true},
        {c->user, "voice.sip.user", true},
        {c->domain, "voice.sip.domain", true},
        {c->auth_user, "voice.sip.auth_user", false},
        {c->password, "the password of voice.sip.password_file", false},
    };
    gw_code rc = GW_OK;
    for (size_t i = 0; i < GW_COUNT(words) && rc == GW_OK; i++) {
        rc = check_word(words[i].value, words[i].what, err);
        if (rc == GW_OK && words[i].needed && !words[i].value[0])
            rc = gw_fail(err, GW_EINVAL, "%s is needed for calls over SIP", words[i].what);
    }
    return rc;
}

static void put_config(gw_buf *b, const baresip_config *c, const char *folder, int ctrl_port)
{
    static const char *const modules[] = {"g711", "aubridge", "aufile", "vumeter"};
    gw_buf_puts(b, "poll_method epoll\n");
    if (c->local[0])
        gw_buf_printf(b, "sip_listen %s:0\n", c->local);
    gw_buf_printf(b,
                  "audio_source aufile,%s/quiet.wav\naudio_player aubridge,nowhere\n"
                  "audio_alert aubridge,nowhere\nausrc_srate 8000\nauplay_srate 8000\n"
                  "ausrc_channels 1\nauplay_channels 1\ncall_max_calls 1\n"
                  "jitter_buffer_delay 1-5\nmodule_path %s\n",
                  folder, c->modules);
    for (size_t i = 0; i < GW_COUNT(modules); i++)
        gw_buf_printf(b, "module %s.so\n", modules[i]);
    gw_buf_printf(b,
                  "module_tmp account.so\nmodule_app menu.so\nmodule_app ctrl_tcp.so\n"
                  "ctrl_tcp_listen 127.0.0.1:%d\nmenu_bell no\nredial_attempts 0\n",
                  ctrl_port);
}

static void put_account(gw_buf *b, const baresip_config *c)
{
    gw_buf_printf(b,
                  "<sip:%s@%s;transport=%s>;regint=0;answermode=manual;"
                  "audio_codecs=PCMU/8000/1,PCMA/8000/1",
                  c->user, c->domain, c->transport);
    if (c->auth_user[0])
        gw_buf_printf(b, ";auth_user=%s;auth_pass=%s", c->auth_user, c->password);
    gw_buf_putc(b, '\n');
}

static gw_code write_file(const char *folder, const char *name, gw_buf *b, gw_err *err)
{
    char path[PATH_MAX];
    gw_code rc = gw_buf_code(b, name, err);
    if (rc != GW_OK)
        return rc;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return gw_fail_errno(err, errno, "creating %s of a line", name);
    rc = gw_file_write_all(fd, gw_buf_str(b).p, b->n, err);
    close(fd);
    gw_buf_wipe(b);
    return rc;
}

gw_code baresip_files(const baresip_config *c, const char *folder, int ctrl_port, gw_err *err)
{
    GW_AUTO_BUF gw_buf text;
    GW_AUTO_BUF gw_buf quiet;
    gw_buf_init(&text, FILE_MAX);
    gw_buf_init(&quiet, QUIET_MAX);
    put_config(&text, c, folder, ctrl_port);
    gw_code rc = write_file(folder, "config", &text, err);
    put_account(&text, c);
    if (rc == GW_OK)
        rc = write_file(folder, "accounts", &text, err);
    if (rc == GW_OK)
        rc = write_file(folder, "contacts", &text, err);
    sound_put_pcm_wav((gw_str){"", 0}, c->quiet_ms, &quiet);
    return rc == GW_OK ? write_file(folder, "quiet.wav", &quiet, err) : rc;
}
