#include "tests/support/redis_server.h"

#include "gateway/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READY_MS = 20000, POLL_MS = 5 };

struct redis_server {
    char dir[80];
    char socket[96];
    char log[96];
    const char *const *extra;
    pid_t pid;
};

static _Noreturn void become_redis(const redis_server *s)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const char *argv[16 + REDIS_SERVER_EXTRA_MAX] = {
        "redis-server", DUNLIN_REDIS_CONF, "--dir", s->dir,       "--unixsocket",
        s->socket,      "--logfile",       s->log,  "--loglevel", "warning",
    };
    size_t n = 0;
    while (argv[n])
        n++;
    for (size_t i = 0; s->extra && s->extra[i] && i < REDIS_SERVER_EXTRA_MAX; i++)
        argv[n++] = s->extra[i];
    int null = open("/dev/null", O_RDWR);
    if (null >= 0)
        dup2(null, STDIN_FILENO);
    union {
        const char **in;
        char *const *out;
    } args = {argv};
    execvp("redis-server", args.out);
    fprintf(stderr, "redis-server: %s\n", strerror(errno));
    _exit(127);
}

/* Whether PING is answered with PONG: not yet listening, loading its data and dying all say no. */
static bool answers(const redis_server *s)
{
    static const char ping[] = "PING\r\n";
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    strncpy(to.sun_path, s->socket, sizeof to.sun_path - 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    char reply[8] = "";
    struct pollfd p = {.fd = fd, .events = POLLIN};
    bool good = connect(fd, (struct sockaddr *)&to, sizeof to) == 0 &&
                send(fd, ping, sizeof ping - 1, MSG_NOSIGNAL) > 0 && poll(&p, 1, 1000) == 1 &&
                read(fd, reply, sizeof reply - 1) > 0 && strncmp(reply, "+PONG", 5) == 0;
    close(fd);
    return good;
}

static bool launch(redis_server *s)
{
    unlink(s->socket);
    pid_t pid = fork();
    if (pid == 0)
        become_redis(s);
    if (pid < 0) {
        fprintf(stderr, "redis_server: fork: %s\n", strerror(errno));
        return false;
    }
    s->pid = pid;
    int64_t until = gw_mono_now().ms + READY_MS;
    while (!answers(s)) {
        if (waitpid(pid, NULL, WNOHANG) == pid) {
            s->pid = 0;
            fprintf(stderr, "redis_server: ended at once, see %s\n", s->log);
            return false;
        }
        if (gw_mono_now().ms > until) {
            fprintf(stderr, "redis_server: no answer within %d ms\n", READY_MS);
            redis_server_kill(s);
            return false;
        }
        poll(NULL, 0, POLL_MS);
    }
    return true;
}

redis_server *redis_server_start(const char *const *extra)
{
    redis_server *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->extra = extra;
    const char *tmp = getenv("TMPDIR");
    bool fits = tmp && *tmp == '/' && strlen(tmp) < 32; /* a socket path holds 107 bytes */
    snprintf(s->dir, sizeof s->dir, "%s/dunlin-redis-XXXXXX", fits ? tmp : "/tmp");
    if (!mkdtemp(s->dir)) {
        fprintf(stderr, "redis_server: %s: %s\n", s->dir, strerror(errno));
        free(s);
        return NULL;
    }
    snprintf(s->socket, sizeof s->socket, "%s/r.sock", s->dir);
    snprintf(s->log, sizeof s->log, "%s/r.log", s->dir);
    if (!launch(s)) {
        redis_server_free(s);
        return NULL;
    }
    return s;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

void redis_server_free(redis_server *s)
{
    if (!s)
        return;
    redis_server_kill(s);
    nftw(s->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(s);
}

const char *redis_server_socket(const redis_server *s)
{
    return s->socket;
}

const char *redis_server_dir(const redis_server *s)
{
    return s->dir;
}

pid_t redis_server_pid(const redis_server *s)
{
    return s->pid;
}

void redis_server_kill(redis_server *s)
{
    if (s->pid <= 0)
        return;
    kill(s->pid, SIGKILL);
    while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    s->pid = 0;
}

bool redis_server_restart(redis_server *s)
{
    redis_server_kill(s);
    return launch(s);
}

void redis_server_stop(redis_server *s)
{
    if (s->pid > 0) /* 0 would be our own process group */
        kill(s->pid, SIGSTOP);
}

void redis_server_continue(redis_server *s)
{
    if (s->pid > 0)
        kill(s->pid, SIGCONT);
}
