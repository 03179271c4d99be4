#include "workers/voice/baresip.h"

#include "gateway/base/clock.h"
#include "gateway/base/file.h"
#include "workers/voice/baresip_files.h"
#include "workers/voice/sound.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    READY_MS = 10000, /* from its start until its control port answers */
    RETRY_MS = 20,
    STOP_MS = 2000,
    WAV_MAX = 64 << 20,
    IN_MAX = 4 * CTRL_FRAME_MAX,
    ARENA_MAX = 1 << 20,
};

struct baresip {
    const baresip_config *config;
    char folder[PATH_MAX];
    pid_t pid;
    int fd;          /* control connection */
    int part;        /* number of the last part's file */
    bool part_there; /* it is still to be removed */
    gw_buf in;
    gw_arena *arena;
};

/* ---- its files ---- */

static void part_path(const baresip *b, char ret[PATH_MAX])
{
    snprintf(ret, PATH_MAX, "%s/part-%d.wav", b->folder, b->part);
}

static void remove_part(baresip *b)
{
    char path[PATH_MAX];
    part_path(b, path);
    if (b->part_there)
        (void)unlink(path);
    b->part_there = false;
}

static void remove_folder(const char *folder)
{
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));)
        if (e->d_name[0] != '.')
            (void)unlinkat(dirfd(d), e->d_name, 0);
    if (d)
        closedir(d);
    (void)rmdir(folder);
}

void baresip_sweep(const char *folder)
{
    DIR *d = opendir(folder);
    char path[PATH_MAX];
    for (struct dirent *e; d && (e = readdir(d));) {
        int pid = 0;
        bool line = sscanf(e->d_name, "line-%d-", &pid) == 1 && pid > 0;
        if (line && kill(pid, 0) != 0 && errno == ESRCH &&
            snprintf(path, sizeof path, "%s/%s", folder, e->d_name) < (int)sizeof path)
            remove_folder(path);
    }
    if (d)
        closedir(d);
}

/* ---- its process ---- */

/* A free port: the kernel's choice, given back at once. Whoever is quicker than baresip makes the
 * start fail, and the line is started anew with the next call. */
static int free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = fd >= 0 && bind(fd, (struct sockaddr *)&at, n) == 0 &&
                getsockname(fd, (struct sockaddr *)&at, &n) == 0;
    if (fd >= 0)
        close(fd);
    return good ? ntohs(at.sin_port) : 0;
}

/* In the child, after fork in a process with threads: async-signal-safe calls only. What baresip
 * prints holds numbers, so it goes nowhere. */
_Noreturn static void become(char *const *argv, int nowhere, pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(1);
    setsid();
    for (int fd = 0; fd < 3; fd++)
        dup2(nowhere, fd);
    execvp(argv[0], argv);
    _exit(127);
}

static gw_code spawn(baresip *b, gw_err *err)
{
    char program[PATH_MAX], flag[] = "-f";
    snprintf(program, sizeof program, "%s", b->config->program);
    char *argv[] = {program, flag, b->folder, NULL};
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nowhere < 0)
        return gw_fail_errno(err, errno, "opening /dev/null");
    pid_t parent = getpid();
    b->pid = fork();
    if (b->pid == 0)
        become(argv, nowhere, parent);
    close(nowhere);
    return b->pid > 0 ? GW_OK : gw_fail_errno(err, errno, "starting %s", program);
}

static bool has_ended(baresip *b)
{
    if (b->pid > 0 && waitpid(b->pid, NULL, WNOHANG) == b->pid)
        b->pid = 0;
    return b->pid <= 0;
}

static gw_code connect_ctrl(baresip *b, int port, gw_err *err)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int64_t until = gw_mono_now().ms + READY_MS;
    while (gw_mono_now().ms < until) {
        if (has_ended(b))
            return gw_fail(err, GW_EIO, "%s ended at its start; is it installed?",
                           b->config->program);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0) {
            b->fd = fd;
            return GW_OK;
        }
        if (fd >= 0)
            close(fd);
        (void)poll(NULL, 0, RETRY_MS);
    }
    return gw_fail(err, GW_ETIMEOUT, "%s does not open its control port", b->config->program);
}

gw_code baresip_start(const baresip_config *c, baresip **ret, gw_err *err)
{
    GW_AUTO(baresip_stop) baresip *b = calloc(1, sizeof *b);
    if (!b)
        return gw_fail(err, GW_ENOMEM, "starting a line");
    b->config = c;
    b->fd = -1;
    gw_buf_init(&b->in, IN_MAX);
    b->arena = gw_arena_new(ARENA_MAX);
    int port = free_port();
    if (!b->arena || port == 0)
        return gw_fail(err, GW_ENOMEM, "starting a line");
    gw_code rc = gw_dir_make(c->folder, 0700, err);
    if (rc != GW_OK)
        return rc;
    int n = snprintf(b->folder, sizeof b->folder, "%s/line-%d-XXXXXX", c->folder, (int)getpid());
    if (n <= 0 || n >= (int)sizeof b->folder - 32 || !mkdtemp(b->folder)) {
        b->folder[0] = '\0';
        return gw_fail_errno(err, errno, "making the folder of a line");
    }
    rc = baresip_files(c, b->folder, port, err);
    if (rc == GW_OK)
        rc = spawn(b, err);
    if (rc == GW_OK)
        rc = connect_ctrl(b, port, err);
    if (rc != GW_OK)
        return rc;
    *ret = b;
    b = NULL;
    return GW_OK;
}

static void end_process(baresip *b)
{
    static const int signals[] = {SIGTERM, SIGKILL};
    for (size_t i = 0; i < GW_COUNT(signals) && !has_ended(b); i++) {
        kill(b->pid, signals[i]);
        int64_t until = gw_mono_now().ms + STOP_MS;
        while (!has_ended(b) && gw_mono_now().ms < until)
            (void)poll(NULL, 0, RETRY_MS);
    }
}

void baresip_stop(baresip *b)
{
    if (!b)
        return;
    end_process(b);
    if (b->fd >= 0)
        close(b->fd);
    if (b->folder[0])
        remove_folder(b->folder);
    gw_buf_done(&b->in);
    gw_arena_free(b->arena);
    free(b);
}

/* ---- saying and hearing ---- */

static gw_code say(baresip *b, const char *command, gw_str params, gw_err *err)
{
    GW_AUTO_BUF gw_buf out;
    gw_buf_init(&out, 2 * CTRL_COMMAND_MAX);
    ctrl_put(&out, command, params);
    for (size_t at = 0; at < out.n;) {
        ssize_t n = send(b->fd, out.data + at, out.n - at, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return gw_fail_errno(err, errno, "telling baresip to %s", command);
        at += (size_t)n;
    }
    return gw_buf_code(&out, "a command", err);
}

gw_code baresip_dial(baresip *b, gw_str number, gw_err *err)
{
    char uri[512];
    int n = snprintf(uri, sizeof uri, "sip:%.*s@%s;transport=%s", GW_STR_ARG(number),
                     b->config->gateway, b->config->transport);
    if (n >= (int)sizeof uri)
        return gw_fail(err, GW_ELIMIT, "voice.sip.gateway is too long");
    return say(b, "dial", (gw_str){uri, (size_t)n}, err);
}

gw_code baresip_hang_up(baresip *b, gw_err *err)
{
    return say(b, "hangup", GW_STR(""), err);
}

gw_code baresip_play(baresip *b, gw_str ulaw, int silence_ms, gw_err *err)
{
    char path[PATH_MAX], device[PATH_MAX + 8];
    GW_AUTO_BUF gw_buf wav;
    remove_part(b);
    b->part++;
    b->part_there = true;
    part_path(b, path);
    gw_buf_init(&wav, WAV_MAX);
    sound_put_pcm_wav(ulaw, silence_ms, &wav);
    gw_code rc = gw_buf_code(&wav, "a part of the script", err);
    int fd = rc == GW_OK ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    if (rc == GW_OK && fd < 0)
        rc = gw_fail_errno(err, errno, "writing a part of the script");
    if (rc == GW_OK)
        rc = gw_file_write_all(fd, wav.data, wav.n, err);
    if (fd >= 0)
        close(fd);
    int n = snprintf(device, sizeof device, "aufile,%s", path);
    return rc == GW_OK ? say(b, "ausrc", (gw_str){device, (size_t)n}, err) : rc;
}

/* More bytes; false when none came in time. */
static gw_code hear(baresip *b, int wait_ms, bool *ret_came, gw_err *err)
{
    struct pollfd fd = {b->fd, POLLIN, 0};
    *ret_came = poll(&fd, 1, wait_ms) > 0;
    if (!*ret_came)
        return GW_OK;
    enum { CHUNK = 4096 };
    char *to = gw_buf_reserve(&b->in, CHUNK);
    if (!to)
        return gw_fail(err, GW_ECLOSED, "baresip says too much at once");
    ssize_t n = recv(b->fd, to, CHUNK, 0);
    if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
        return gw_fail(err, GW_ECLOSED, "baresip has closed its control connection");
    if (n > 0)
        b->in.n += (size_t)n;
    return GW_OK;
}

gw_code baresip_next(baresip *b, int wait_ms, trunk_event *ret, gw_err *err)
{
    bool whole, came = true;
    *ret = (trunk_event){.kind = TRUNK_OTHER};
    gw_arena_reset(b->arena);
    gw_code rc = ctrl_take(&b->in, b->arena, &whole, ret, err);
    if (rc == GW_OK && !whole)
        rc = hear(b, wait_ms, &came, err);
    if (rc == GW_OK && !whole && came)
        rc = ctrl_take(&b->in, b->arena, &whole, ret, err);
    if (rc != GW_OK)
        return gw_wrap(err, GW_ECLOSED, "the line");
    if (ret->kind == TRUNK_RESPONSE) /* it has read what it was told to play */
        remove_part(b);
    return GW_OK;
}

/* ---- as a trunk ---- */

static gw_code trunk_open(const void *config, void **ret, gw_err *err)
{
    baresip *b;
    gw_code rc = baresip_start(config, &b, err);
    if (rc == GW_OK)
        *ret = b;
    return rc;
}

static void trunk_close(void *b)
{
    baresip_stop(b);
}

/* SIP has a Call-ID of its own. */
static gw_code trunk_dial(void *b, gw_str number, gw_str own, gw_err *err)
{
    (void)own;
    return baresip_dial(b, number, err);
}

static gw_code trunk_play(void *b, gw_str ulaw, int silence_ms, gw_err *err)
{
    return baresip_play(b, ulaw, silence_ms, err);
}

static gw_code trunk_hang_up(void *b, gw_err *err)
{
    return baresip_hang_up(b, err);
}

static gw_code trunk_next(void *b, int wait_ms, trunk_event *ret, gw_err *err)
{
    return baresip_next(b, wait_ms, ret, err);
}

const trunk_driver baresip_trunk = {trunk_open, trunk_close,   trunk_dial,
                                    trunk_play, trunk_hang_up, trunk_next};
