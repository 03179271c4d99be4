#include "gateway/cli/supervise.h"

#include "gateway/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What lived for STEADY_MS does not die in a loop: its next start does not wait any longer. */
enum { FIRST_PAUSE_MS = 200, LONGEST_PAUSE_MS = 10000, STEADY_MS = 1000, TICK_MS = 200 };

static sigset_t owned_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGCHLD);
    return set;
}

void supervise_init(void)
{
    sigset_t set = owned_signals();
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        gw_bug("sigprocmask");
}

static _Noreturn void become(supervise_child *child, int log_fd, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(127); /* the supervisor died before the line above */
    setpgid(0, 0);  /* ^C at the terminal reaches the supervisor only; it stops us in order */
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null_fd >= 0)
        dup2(null_fd, STDIN_FILENO);
    dup2(log_fd, STDOUT_FILENO);
    dup2(log_fd, STDERR_FILENO);
    execvp(child->argv[0], child->argv);
    _exit(127);
}

gw_code supervise_start(supervise_child *child, gw_err *err)
{
    int log_fd = open(child->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log_fd < 0)
        return gw_fail_errno(err, errno, "opening %s", child->log_path);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0)
        become(child, log_fd, parent);
    int saved = errno;
    close(log_fd);
    if (pid < 0)
        return gw_fail_errno(err, saved, "starting %s", child->name);
    child->pid = pid;
    child->started = gw_mono_now();
    return GW_OK;
}

static void plan_restart(supervise_child *c, int status)
{
    int64_t lived = gw_mono_now().ms - c->started.ms;
    if (lived > STEADY_MS || c->pause_ms == 0)
        c->pause_ms = FIRST_PAUSE_MS;
    else
        c->pause_ms = 2 * c->pause_ms < LONGEST_PAUSE_MS ? 2 * c->pause_ms : LONGEST_PAUSE_MS;
    c->pid = 0;
    c->start_at.ms = gw_mono_now().ms + c->pause_ms;
    gw_log(GW_LOG_WARN, "a process ended, it will be started again",
           "name=%s status=%d signal=%d restart_in_ms=%d", c->name,
           WIFEXITED(status) ? WEXITSTATUS(status) : -1, WIFSIGNALED(status) ? WTERMSIG(status) : 0,
           c->pause_ms);
}

static void reap(supervise_child *children, size_t n, bool restart)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (size_t i = 0; i < n; i++) {
            if (children[i].pid != pid)
                continue;
            children[i].pid = 0;
            if (restart)
                plan_restart(&children[i], status);
        }
}

static void restart_due(supervise_child *children, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        supervise_child *c = &children[i];
        gw_err err = {0};
        if (c->pid || gw_mono_now().ms < c->start_at.ms)
            continue;
        if (supervise_start(c, &err) != GW_OK)
            gw_log(GW_LOG_ERROR, "a process could not be started", "name=%s", c->name);
    }
}

/* The signal that arrived, or 0 after a tick. */
static int wait_signal(void)
{
    sigset_t set = owned_signals();
    struct timespec tick = {.tv_nsec = TICK_MS * 1000000L};
    int sig = sigtimedwait(&set, NULL, &tick);
    return sig > 0 ? sig : 0;
}

void supervise_run(supervise_child *children, size_t n, void (*on_tick)(void *), void *ctx)
{
    for (;;) {
        int sig = wait_signal();
        if (sig == SIGTERM || sig == SIGINT)
            break;
        reap(children, n, true);
        restart_due(children, n);
        if (on_tick)
            on_tick(ctx);
    }
    supervise_stop(children, n);
}

static bool any_alive(const supervise_child *children, size_t n, int rank)
{
    for (size_t i = 0; i < n; i++)
        if (children[i].pid && children[i].stop_rank == rank)
            return true;
    return false;
}

static void stop_rank(supervise_child *children, size_t n, int rank)
{
    gw_mono from = gw_mono_now();
    for (size_t i = 0; i < n; i++)
        if (children[i].pid && children[i].stop_rank == rank)
            kill(children[i].pid, SIGTERM);
    while (any_alive(children, n, rank)) {
        wait_signal();
        reap(children, n, false);
        for (size_t i = 0; i < n; i++) {
            supervise_child *c = &children[i];
            if (c->pid && c->stop_rank == rank && gw_mono_now().ms - from.ms > c->patience_ms) {
                gw_log(GW_LOG_WARN, "a process did not stop in time", "name=%s", c->name);
                kill(c->pid, SIGKILL);
            }
        }
    }
}

void supervise_stop(supervise_child *children, size_t n)
{
    int last = 0;
    for (size_t i = 0; i < n; i++)
        last = children[i].stop_rank > last ? children[i].stop_rank : last;
    for (int rank = 0; rank <= last; rank++)
        stop_rank(children, n, rank);
}
