#include "tests/support/smtp_sink.h"
#include "tests/support/must.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char path[] = "/usr/sbin/smtp-sink";

bool smtp_sink_is_here(void)
{
    return access(path, X_OK) == 0;
}

static int free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int bad = bind(fd, (struct sockaddr *)&at, sizeof at);
    bad |= getsockname(fd, (struct sockaddr *)&at, &n);
    MUST(!bad);
    close(fd);
    return ntohs(at.sin_port);
}

static bool answers(int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool yes = connect(fd, (struct sockaddr *)&at, sizeof at) == 0;
    close(fd);
    return yes;
}

static _Noreturn void become_sink(int port, const char *flag, const char *value)
{
    char where[32];
    const char *args[8] = {"smtp-sink"};
    int n = 1;
    snprintf(where, sizeof where, "127.0.0.1:%d", port);
    if (geteuid() == 0) {
        args[n++] = "-u";
        args[n++] = "nobody";
    }
    if (flag) {
        args[n++] = flag;
        args[n++] = value;
    }
    args[n++] = where;
    args[n++] = "512";
    union {
        const char **given;
        char **wanted;
    } argv = {.given = args};
    execv(path, argv.wanted);
    _exit(127);
}

smtp_sink smtp_sink_start(const char *flag, const char *value)
{
    enum { TRIES = 500, STEP_NS = 10000000 };
    smtp_sink s = {.port = free_port()};
    s.pid = fork();
    if (s.pid == 0)
        become_sink(s.port, flag, value);
    for (int i = 0; i < TRIES && !answers(s.port); i++)
        nanosleep(&(struct timespec){.tv_nsec = STEP_NS}, NULL);
    return s;
}

void smtp_sink_stop(smtp_sink *s)
{
    kill(s->pid, SIGTERM);
    waitpid(s->pid, NULL, 0);
}
