#include "workers/voice/ari.h"

#include "gateway/base/file.h"
#include "gateway/base/id.h"
#include "gateway/wire/provider_url.h"
#include "workers/voice/ari_event.h"
#include "workers/voice/ari_socket.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    APP_BYTES = 128,
    PATH_BYTES = 2 * PATH_MAX,
    ANSWER_MAX = 64 * 1024,
    ARENA_MAX = 4 << 20,
    FIRST_PAUSE_MS = 200, /* before the event stream is opened again; doubles */
    LOUD_DBOV = -20,
    SILENT_DBOV = -127,
};

typedef struct {
    const ari_config *config;
    http_engine *engine;
    ari_socket *socket; /* NULL: lost */
    gw_arena *arena;    /* of one dial, one event */
    gw_buf message, answer;
    http_stage stage; /* of the last answer */
    int status;
    bool answered;
    char app[APP_BYTES];
    char channel[WIRE_OWN_TEXT]; /* of the call; "" none, or it is down */
    bool up;                     /* told that it is established */
    bool refused;                /* to be told: nobody was called */
    bool doubt;                  /* nothing has shown yet that the call is there */
    bool talking;
    gw_mono talk_since;
    int part;
    char file[PATH_MAX]; /* of the part that is played; "" none */
} ari;

/* ---- one request ---- */

static void on_answer(void *arg, const http_result *r)
{
    ari *a = arg;
    a->answered = true;
    a->stage = r->stage;
    a->status = r->status;
    gw_buf_clear(&a->answer);
    gw_buf_put_str(&a->answer, r->body);
    if (r->retry_after_ms > 0)
        carrier_block(a->config->carrier, gw_mono_now(), r->retry_after_ms);
}

static void send_request(ari *a, const provider_request *r)
{
    gw_err err = {0};
    a->answered = false;
    a->stage = HTTP_NOT_SENT;
    a->status = 0;
    if (carrier_start(a->engine, a->config->carrier, r, on_answer, a, &err) != GW_OK)
        return;
    while (!a->answered)
        http_step(a->engine, 1000);
}

/* path: behind /ari, escaped. True: 2xx. */
static bool ask(ari *a, const char *method, const gw_buf *path)
{
    GW_AUTO_BUF gw_buf url;
    gw_buf_init(&url, PATH_BYTES + 512);
    gw_buf_put_str(&url, a->config->carrier->p->base_url);
    gw_buf_puts(&url, "/ari");
    gw_buf_put_str(&url, gw_buf_str(path));
    const provider_request r = {.method = gw_str_of(method), .url = gw_buf_str(&url)};
    a->status = 0;
    if (url.code != GW_OK || path->code != GW_OK)
        return false;
    send_request(a, &r);
    return a->stage == HTTP_ANSWERED && a->status / 100 == 2;
}

/* Of our channel; rest: "", "/variable?..." */
static bool ask_channel(ari *a, const char *method, const char *rest)
{
    GW_AUTO_BUF gw_buf path;
    gw_buf_init(&path, PATH_BYTES);
    gw_buf_printf(&path, "/channels/%s%s", a->channel, rest);
    return ask(a, method, &path);
}

/* ---- life ---- */

static void remove_file(ari *a)
{
    if (a->file[0])
        (void)unlink(a->file);
    a->file[0] = '\0';
}

static gw_code open_socket(ari *a, gw_err *err)
{
    char path[APP_BYTES + 64];
    snprintf(path, sizeof path, "/ari/events?app=%s", a->app);
    return ari_socket_open(a->config->carrier, gw_str_of(path), &a->socket, err);
}

static void ari_close(void *trunk)
{
    ari *a = trunk;
    if (!a)
        return;
    if (a->channel[0])
        (void)ask_channel(a, "DELETE", ""); /* it may still be up */
    ari_socket_close(a->socket);
    http_engine_free(a->engine);
    remove_file(a);
    gw_arena_free(a->arena);
    gw_buf_done(&a->message);
    gw_buf_done(&a->answer);
    free(a);
}
GW_CLEANUP_FUNC(ari, ari_close)

static void name_app(ari *a)
{
    gw_str base = provider_setting(a->config->carrier->p, "app");
    char text[GW_ID_TEXT];
    gw_id id;
    gw_id_random(&id);
    gw_id_format(&id, text);
    snprintf(a->app, sizeof a->app, "%.*s-%s", (int)(base.n < 64 ? base.n : 64), base.p, text);
}

static gw_code ari_open(const void *config, void **ret, gw_err *err)
{
    GW_AUTO(ari_close) ari *a = calloc(1, sizeof *a);
    if (!a)
        return gw_fail(err, GW_ENOMEM, "opening a line to Asterisk");
    a->config = config;
    gw_buf_init(&a->message, ARI_SOCKET_MESSAGE);
    gw_buf_init(&a->answer, ANSWER_MAX);
    a->arena = gw_arena_new(ARENA_MAX);
    if (!a->arena)
        return gw_fail(err, GW_ENOMEM, "opening a line to Asterisk");
    name_app(a);
    gw_code rc = http_engine_new(1, &a->engine, err);
    if (rc == GW_OK)
        rc = open_socket(a, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "provider %s", a->config->carrier->p->name);
    *ret = a;
    a = NULL;
    return GW_OK;
}

/* ---- acting ---- */

/* After a lost answer: is the channel there? */
static bool appears(ari *a)
{
    int64_t until = gw_mono_now().ms + ARI_DOUBT_MS;
    while (!ask_channel(a, "GET", "")) {
        if (gw_mono_now().ms >= until)
            return false;
        (void)poll(NULL, 0, FIRST_PAUSE_MS);
    }
    return true;
}

static void judge_dial(ari *a)
{
    provider_answer answer;
    if (a->stage == HTTP_ANSWERED)
        provider_read_answer(a->config->carrier->p, a->status, gw_buf_str(&a->answer), a->arena,
                             &answer);
    bool no = a->stage == HTTP_NOT_SENT ||
              (a->stage == HTTP_ANSWERED &&
               (answer.verdict == PROVIDER_LATER || answer.verdict == PROVIDER_REFUSED));
    if (no) {
        a->refused = true;
        a->channel[0] = '\0';
    } else if (a->stage != HTTP_ANSWERED || answer.verdict != PROVIDER_TOOK) {
        a->doubt = !appears(a);
    }
}

static gw_code ari_dial(void *trunk, gw_str number, gw_str own, gw_err *err)
{
    ari *a = trunk;
    carrier *c = a->config->carrier;
    char ring[16], longest[16];
    int64_t wait_ms;
    provider_request r;
    gw_arena_reset(a->arena);
    snprintf(ring, sizeof ring, "%d", a->config->ring_s);
    snprintf(longest, sizeof longest, "%d", a->config->call_s);
    const provider_pair vars[] = {{GW_STR("app"), gw_str_of(a->app)},
                                  {GW_STR("ring_s"), gw_str_of(ring)},
                                  {GW_STR("call_s"), gw_str_of(longest)}};
    const provider_values v = {
        .to = number, .ref = own, .idempotency = own, .vars = vars, .var_n = GW_COUNT(vars)};
    a->up = a->talking = a->doubt = false;
    gw_err why = {0};
    if (own.n >= sizeof a->channel || carrier_take(c, gw_mono_now(), &wait_ms) != CARRIER_TAKEN) {
        a->refused = true;
        return GW_OK;
    }
    gw_code rc = provider_build(c->p, c->p->request, &v, a->arena, &r, &why);
    if (rc == GW_OK) {
        snprintf(a->channel, sizeof a->channel, "%.*s", GW_STR_ARG(own));
        send_request(a, &r);
        judge_dial(a);
    }
    carrier_release(c);
    a->refused = a->refused || rc != GW_OK;
    (void)err;
    return GW_OK;
}

static gw_code write_part(ari *a, gw_str ulaw, gw_err *err)
{
    remove_file(a);
    a->part++;
    snprintf(a->file, sizeof a->file, "%s/dunlin-%s-%d.ulaw", a->config->sounds, a->channel,
             a->part);
    int fd = open(a->file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (fd < 0) {
        a->file[0] = '\0';
        return gw_fail_errno(err, errno, "writing a part of the script");
    }
    gw_code rc = gw_file_write_all(fd, ulaw.p, ulaw.n, err);
    close(fd);
    return rc;
}

static void put_playback(const ari *a, gw_buf *out)
{
    gw_buf_printf(out, "%s-%d", a->channel, a->part);
}

static void stop_playing(ari *a)
{
    GW_AUTO_BUF gw_buf path;
    gw_buf_init(&path, PATH_BYTES);
    if (!a->file[0])
        return;
    gw_buf_puts(&path, "/playbacks/");
    put_playback(a, &path);
    (void)ask(a, "DELETE", &path); /* 404: it has ended by itself */
}

/* The channel is silent when nothing is played. */
static gw_code ari_play(void *trunk, gw_str ulaw, int silence_ms, gw_err *err)
{
    ari *a = trunk;
    (void)silence_ms;
    stop_playing(a);
    gw_code rc = write_part(a, ulaw, err);
    if (rc != GW_OK)
        return rc;
    GW_AUTO_BUF gw_buf path;
    gw_buf_init(&path, PATH_BYTES);
    gw_buf_printf(&path, "/channels/%s/play/", a->channel);
    put_playback(a, &path);
    gw_buf_puts(&path, "?media=sound%3A");
    (void)provider_put_escaped(&path, (gw_str){a->file, strlen(a->file) - strlen(".ulaw")});
    return ask(a, "POST", &path)
               ? GW_OK
               : gw_fail(err, GW_EIO, "Asterisk does not play (HTTP %d)", a->status);
}

static gw_code ari_hang_up(void *trunk, gw_err *err)
{
    enum { GONE = 404 };
    ari *a = trunk;
    bool good = ask_channel(a, "DELETE", "") || a->status == GONE;
    return good ? GW_OK : gw_fail(err, GW_EIO, "Asterisk does not hang up (HTTP %d)", a->status);
}

static void hear(ari *a)
{
    char rest[96];
    snprintf(rest, sizeof rest, "/variable?variable=TALK_DETECT%%28set%%29&value=%d",
             ARI_SILENCE_MS);
    (void)ask_channel(a, "POST", rest); /* without it nobody is taken for a person */
}

/* ---- what it says ---- */

static bool is_loud(const ari *a)
{
    return a->talking && gw_mono_now().ms - a->talk_since.ms >= ARI_TALK_MS;
}

static void put_level(bool loud, trunk_event *ret)
{
    *ret = (trunk_event){.kind = TRUNK_LEVEL, .level = loud ? LOUD_DBOV : SILENT_DBOV};
}

static void on_talk(ari *a, bool on, trunk_event *ret)
{
    if (on && !a->talking)
        a->talk_since = gw_mono_now();
    put_level(is_loud(a), ret);
    a->talking = on;
}

static void on_news(ari *a, const trunk_event *e, trunk_event *ret)
{
    *ret = *e;
    if (e->kind == TRUNK_CLOSED) {
        a->channel[0] = '\0';
        remove_file(a);
    }
    if (e->kind != TRUNK_ESTABLISHED)
        return;
    if (a->up)
        ret->kind = TRUNK_OTHER;
    else
        hear(a);
    a->up = true;
}

static bool is_current(const ari *a, gw_str playback)
{
    GW_AUTO_BUF gw_buf own;
    gw_buf_init(&own, 128);
    put_playback(a, &own);
    return a->file[0] && gw_str_eq(playback, gw_buf_str(&own));
}

static gw_code on_event(ari *a, const ari_event *e, trunk_event *ret, gw_err *err)
{
    if (e->kind == ARI_REPLACED)
        return gw_fail(err, GW_ECLOSED, "another program reads the events of this line");
    if (!e->ours)
        return GW_OK;
    a->doubt = false;
    switch (e->kind) {
    case ARI_TALK:
        on_talk(a, e->on, ret);
        return GW_OK;
    case ARI_PLAYED:
        if (is_current(a, e->playback))
            remove_file(a);
        return GW_OK;
    case ARI_NOT_PLAYED:
        return is_current(a, e->playback)
                   ? gw_fail(err, GW_ECLOSED, "Asterisk could not play a part of the script")
                   : GW_OK;
    default:
        on_news(a, &e->event, ret);
        return GW_OK;
    }
}

/* ---- when it cannot be heard ---- */

/* Is the call there? What that says becomes an event. */
static gw_code look(ari *a, trunk_event *ret, gw_err *err)
{
    trunk_event e = {.kind = TRUNK_OTHER};
    if (!ask_channel(a, "GET", "") ||
        ari_channel_read(gw_buf_str(&a->answer), a->arena, &e.kind, err) != GW_OK)
        return gw_fail(err, GW_ECLOSED, "nobody knows what became of a call (HTTP %d)", a->status);
    a->doubt = false;
    on_news(a, &e, ret);
    return GW_OK;
}

/* A new stream of the same application has the channel again, if Asterisk kept the application;
 * asking for it twice does no harm. */
static void subscribe(ari *a)
{
    GW_AUTO_BUF gw_buf path;
    gw_buf_init(&path, PATH_BYTES);
    gw_buf_printf(&path, "/applications/%s/subscription?eventSource=channel%%3A%s", a->app,
                  a->channel);
    (void)ask(a, "POST", &path);
}

static gw_code recover(ari *a, trunk_event *ret, gw_err *err)
{
    ari_socket_close(a->socket);
    a->socket = NULL;
    a->talking = false;
    if (!a->channel[0])
        return gw_fail(err, GW_ECLOSED, "the event stream of Asterisk is gone");
    gw_code rc = GW_ECLOSED;
    int pause = FIRST_PAUSE_MS;
    for (int i = 0; i < ARI_TRIES && rc != GW_OK; i++, pause *= 2) {
        (void)poll(NULL, 0, pause);
        rc = open_socket(a, err);
    }
    if (rc != GW_OK)
        return gw_wrap(err, GW_ECLOSED, "a call is not heard any more");
    subscribe(a);
    return look(a, ret, err);
}

static gw_code ari_next(void *trunk, int wait_ms, trunk_event *ret, gw_err *err)
{
    ari *a = trunk;
    bool came;
    ari_event e;
    *ret = (trunk_event){.kind = TRUNK_OTHER};
    if (a->refused) {
        a->refused = false;
        ret->kind = TRUNK_RESPONSE;
        return GW_OK;
    }
    gw_arena_reset(a->arena);
    gw_code rc = ari_socket_next(a->socket, a->doubt ? 0 : wait_ms, &a->message, &came, err);
    if (rc == GW_OK && came)
        rc = ari_event_read(gw_buf_str(&a->message), gw_str_of(a->channel), a->arena, &e, err);
    if (rc != GW_OK)
        return recover(a, ret, err);
    if (came)
        return on_event(a, &e, ret, err);
    if (a->doubt) /* what was said while we asked is read, and none of it was about the call */
        return gw_fail(err, GW_ECLOSED, "nobody knows whether a call was begun");
    if (a->up && a->channel[0])
        put_level(is_loud(a), ret);
    return GW_OK;
}

/* ---- the folder ---- */

/* What is older than an hour belongs to a worker that is gone: no call is that long. */
static void sweep(const char *folder)
{
    enum { OLD_S = 3600 };
    static const char prefix[] = "dunlin-";
    DIR *d = opendir(folder);
    struct stat st;
    time_t now = time(NULL);
    for (struct dirent *e; d && (e = readdir(d));)
        if (strncmp(e->d_name, prefix, sizeof prefix - 1) == 0 && strstr(e->d_name, ".ulaw") &&
            fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
            now - st.st_mtime > OLD_S)
            (void)unlinkat(dirfd(d), e->d_name, 0);
    if (d)
        closedir(d);
}

gw_code ari_check(const ari_config *c, gw_err *err)
{
    if (c->sounds[0] != '/')
        return gw_fail(err, GW_EINVAL, "voice.ari.sounds must be an absolute path");
    if (strlen(c->sounds) > PATH_MAX - 2 * WIRE_OWN_TEXT)
        return gw_fail(err, GW_EINVAL, "voice.ari.sounds is too long");
    if (access(c->sounds, W_OK | X_OK) != 0)
        return gw_fail_errno(err, errno, "voice.ari.sounds %s", c->sounds);
    sweep(c->sounds);
    return GW_OK;
}

const trunk_driver ari_trunk = {ari_open, ari_close, ari_dial, ari_play, ari_hang_up, ari_next};
