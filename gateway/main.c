/* dunlin-gateway - receives, remembers, decides, hands out, records. See roles.h for the parts.
 *
 *     dunlin-gateway --data DIR [--config FILE] [--roles intake,dispatch,recorder,http]
 *                    [--channels email,sms,voice]
 *
 * --channels names those that workers are expected for, instead of workers.channels.
 * SIGHUP reads config/windows.jsonc, the rule packs and calendars again; a file with a fault is
 * refused and the old stays in force. SIGTERM and SIGINT drain: intake closes, nothing new is
 * claimed, what is in flight is waited for, the log gets a last checkpoint, exit 0. Exit 1 refused
 * or failed, 2 usage, 75 the state store is not reachable. Logs (standard error) hold ids, codes
 * and counts only. */
#include "gateway/roles.h"

#include "gateway/base/log.h"

#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { EXIT_USAGE = 2 };

typedef struct {
    const char *data, *config, *roles, *channels;
} options;

static bool parse_options(int argc, char **argv, options *ret)
{
    static const struct option known[] = {
        {"data", required_argument, NULL, 'd'},  {"config", required_argument, NULL, 'c'},
        {"roles", required_argument, NULL, 'r'}, {"channels", required_argument, NULL, 'n'},
        {"version", no_argument, NULL, 'V'},     {0}};
    options o = {.roles = "intake,dispatch,recorder,http"};
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (c == 'V') {
            puts("dunlin-gateway " DUNLIN_VERSION);
            exit(0);
        }
        const char **to = c == 'd'   ? &o.data
                          : c == 'c' ? &o.config
                          : c == 'r' ? &o.roles
                          : c == 'n' ? &o.channels
                                     : NULL;
        if (!to)
            return false;
        *to = optarg;
    }
    *ret = o;
    return o.data && optind == argc;
}

/* Tell systemd (sd_notify(3)): one datagram to the socket it named. Silent without one. */
static void notify(const char *what)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (!path || strlen(path) >= sizeof to.sun_path)
        return;
    memcpy(to.sun_path, path, strlen(path));
    if (to.sun_path[0] == '@')
        to.sun_path[0] = '\0'; /* abstract name */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    ssize_t ignored = sendto(fd, what, strlen(what), MSG_NOSIGNAL, (struct sockaddr *)&to, n);
    (void)ignored;
    close(fd);
}

static void reload(roles *r)
{
    gw_err err = {0};
    gw_code rc = roles_reload(r, &err);
    if (rc == GW_OK)
        gw_log(GW_LOG_INFO, "windows and rules read again", NULL);
    else
        gw_log(GW_LOG_ERROR, "windows or rules refused, the old ones stay in force",
               "code=%s text=\"%s\"", gw_code_name(rc), err.text);
}

int main(int argc, char **argv)
{
    options o;
    gw_err err = {0};
    sigset_t stop;
    int sig = 0;
    gw_log_setup("dunlin-gateway", GW_LOG_INFO);
    if (!parse_options(argc, argv, &o)) {
        fprintf(stderr, "dunlin-gateway --data DIR [--config FILE] "
                        "[--roles intake,dispatch,recorder,http] [--channels email,sms,voice]\n");
        return EXIT_USAGE;
    }
    /* Before any thread starts, so that all inherit it and only sigwait below takes them. */
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &stop, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (sodium_init() < 0)
        gw_bug("sodium_init");

    GW_AUTO(config_free) config *c = NULL;
    roles *r = NULL;
    gw_code rc = config_load(o.config, o.data, &c, &err);
    if (rc == GW_OK)
        rc = roles_start(c, o.roles, o.channels, &r, &err);
    if (rc != GW_OK) {
        gw_log(GW_LOG_ERROR, "not started", "code=%s text=\"%s\"", gw_code_name(rc), err.text);
        return gw_exit_code(rc);
    }
    gw_log(GW_LOG_INFO, "gateway ready", "roles=%s", o.roles);
    notify("READY=1");
    while (sigwait(&stop, &sig) == 0 && sig == SIGHUP)
        reload(r);
    gw_log(GW_LOG_INFO, "draining", "signal=%d", sig);
    notify("STOPPING=1");
    roles_stop(r);
    gw_log(GW_LOG_INFO, "stopped", NULL);
    return 0;
}
