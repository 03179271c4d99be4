/* up.c - `dunlin up`: everything on one machine under one supervisor. */
#include "gateway/cli/up.h"

#include "gateway/base/file.h"
#include "gateway/base/log.h"
#include "gateway/cli/options.h"
#include "gateway/cli/setup.h"
#include "gateway/cli/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
    CHILDREN_MAX = 8,
    REDIS_START_MS = 60000, /* loading a large append-only file takes its time */
    REDIS_POLL_MS = 20,
    GATEWAY_PATIENCE_MS = 30000,
    WORKER_PATIENCE_MS = 20000,
    REDIS_PATIENCE_MS = 30000,
};

/* Who stops when: the gateway drains while the workers still answer, Redis goes last. */
enum { STOP_GATEWAY, STOP_WORKERS, STOP_REDIS };

typedef struct {
    const config *config;
    const char *config_file;
    char programs[CONFIG_PATH_BYTES]; /* folder of our programs */
    char redis_conf[CONFIG_PATH_BYTES];
    char redis_dir[CONFIG_PATH_BYTES];
    char logs[CHILDREN_MAX][CONFIG_PATH_BYTES];
    char paths[CHILDREN_MAX][CONFIG_PATH_BYTES + 32];
    char channels[64];
    supervise_child children[CHILDREN_MAX];
    size_t n;
} plant;

static supervise_child *add_child(plant *p, const char *name, int rank, int patience_ms)
{
    if (p->n == CHILDREN_MAX)
        gw_bug("more children than CHILDREN_MAX");
    char relative[64];
    snprintf(relative, sizeof relative, "logs/%s.log", name);
    config_data_path(p->config, relative, p->logs[p->n]);
    supervise_child *c = &p->children[p->n];
    *c = (supervise_child){
        .name = name, .log_path = p->logs[p->n], .stop_rank = rank, .patience_ms = patience_ms};
    p->n++;
    return c;
}

static void add_arguments(supervise_child *c, const char *const *args, size_t n)
{
    if (n >= SUPERVISE_ARGS_MAX)
        gw_bug("more arguments than SUPERVISE_ARGS_MAX");
    for (size_t i = 0; i < n; i++)
        memcpy(&c->argv[i], &args[i], sizeof args[i]); /* execvp wants char *, it does not write */
}

static void add_redis(plant *p)
{
    config_data_path(p->config, "redis", p->redis_dir);
    supervise_child *c = add_child(p, "redis", STOP_REDIS, REDIS_PATIENCE_MS);
    const char *args[] = {"redis-server", p->redis_conf,  "--dir",
                          p->redis_dir,   "--unixsocket", p->config->redis_socket};
    add_arguments(c, args, GW_COUNT(args));
}

/* option, value: one more argument of this program. */
static void add_program(plant *p, const char *name, const char *program, const char *option,
                        const char *value, int rank, int patience_ms)
{
    char *path = p->paths[p->n];
    snprintf(path, sizeof p->paths[0], "%s/%s", p->programs, program);
    supervise_child *c = add_child(p, name, rank, patience_ms);
    const char *args[7] = {path, "--data", p->config->data};
    size_t n = 3;
    if (*p->config_file) {
        args[n++] = "--config";
        args[n++] = p->config_file;
    }
    args[n++] = option;
    args[n++] = value;
    add_arguments(c, args, n);
}

/* `--with email,sms`: one worker process each. */
static gw_code add_workers(plant *p, const char *with, gw_err *err)
{
    static const char *const known[] = {"email", "sms", "voice"};
    snprintf(p->channels, sizeof p->channels, "%s", with);
    char *rest = NULL;
    for (char *c = strtok_r(p->channels, ",", &rest); c; c = strtok_r(NULL, ",", &rest)) {
        size_t i = 0;
        while (i < GW_COUNT(known) && strcmp(known[i], c) != 0)
            i++;
        if (i == GW_COUNT(known))
            return gw_fail(err, GW_EINVAL, "--with %s: channels are email, sms and voice", c);
        add_program(p, c, "dunlin-worker", "--channel", c, STOP_WORKERS, WORKER_PATIENCE_MS);
    }
    return GW_OK;
}

static bool redis_answers(const char *socket_path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (strlen(socket_path) >= sizeof to.sun_path)
        return false;
    strcpy(to.sun_path, socket_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    struct timeval patience = {.tv_sec = 1};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    char reply[8] = "";
    bool good = connect(fd, (struct sockaddr *)&to, sizeof to) == 0 &&
                send(fd, "PING\r\n", 6, MSG_NOSIGNAL) == 6 && recv(fd, reply, 7, 0) >= 5 &&
                memcmp(reply, "+PONG", 5) == 0;
    close(fd);
    return good;
}

static gw_code wait_for_redis(const plant *p, gw_err *err)
{
    gw_mono from = gw_mono_now();
    while (!redis_answers(p->config->redis_socket)) {
        if (gw_mono_now().ms - from.ms > REDIS_START_MS)
            return gw_fail(err, GW_ETIMEOUT, "redis-server did not answer in %d s; see %s",
                           REDIS_START_MS / 1000, p->children[0].log_path);
        nanosleep(&(struct timespec){.tv_nsec = REDIS_POLL_MS * 1000000L}, NULL);
    }
    return GW_OK;
}

static gw_code take_lock(const config *c, gw_err *err)
{
    char path[CONFIG_PATH_BYTES];
    config_data_path(c, "run/up.lock", path);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return gw_fail_errno(err, errno, "opening %s", path);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return gw_fail(err, GW_EBUSY, "dunlin is already up on %s; stop it first", c->data);
    }
    return GW_OK; /* held until the process ends */
}

/* Socket paths have 107 bytes (unix(7)); a deep data folder is better told now than found later. */
static gw_code check_socket_paths(const config *c, gw_err *err)
{
    const char *paths[] = {c->redis_socket, c->intake_endpoint, c->worker_endpoint};
    for (size_t i = 0; i < GW_COUNT(paths); i++)
        if ((paths[i][0] == '/' || strncmp(paths[i], "ipc://", 6) == 0) && strlen(paths[i]) > 112)
            return gw_fail(err, GW_ELIMIT,
                           "%s is too long for a socket; use a data folder with a shorter path",
                           paths[i]);
    return GW_OK;
}

static gw_code start_all(plant *p, gw_err *err)
{
    for (size_t i = 0; i < p->n; i++) {
        gw_code rc = supervise_start(&p->children[i], err);
        if (rc == GW_OK && strcmp(p->children[i].name, "redis") == 0)
            rc = wait_for_redis(p, err);
        if (rc != GW_OK)
            return rc;
        printf("started %-8s pid %d, log %s\n", p->children[i].name, (int)p->children[i].pid,
               p->children[i].log_path);
    }
    printf("data %s\nintake %s\n", p->config->data, p->config->intake_endpoint);
    printf("stop it with ^C or SIGTERM; `dunlin status --data %s` looks inside\n", p->config->data);
    fflush(stdout);
    return GW_OK;
}

static gw_code plan_children(plant *p, const char *with, gw_err *err)
{
    gw_code rc = cli_program_folder(p->programs, err);
    if (rc == GW_OK && p->config->redis_private) {
        rc =
            cli_shipped_file("deploy/redis/private.conf", "redis/private.conf", p->redis_conf, err);
        add_redis(p);
    }
    add_program(p, "gateway", "dunlin-gateway", "--channels", with, STOP_GATEWAY,
                GATEWAY_PATIENCE_MS);
    return rc == GW_OK ? add_workers(p, with, err) : rc;
}

int up_cli(int argc, char **argv)
{
    const char *with = "email";
    const cli_option own[] = {{"--with", &with, "channels, e.g. email,sms"}};
    cli_common common;
    gw_err err = {0};
    int rc = cli_parse(argc, argv, own, GW_COUNT(own), 0, &common, &err);
    if (rc != 0)
        return rc;
    gw_log_setup("dunlin-up", GW_LOG_INFO);
    static plant p;
    p = (plant){.config = common.config, .config_file = common.config->file};
    supervise_init();
    gw_code code = check_socket_paths(common.config, &err);
    if (code == GW_OK)
        code = setup_data_folder(common.config, &err);
    if (code == GW_OK)
        code = take_lock(common.config, &err);
    if (code == GW_OK)
        code = plan_children(&p, with, &err);
    if (code == GW_OK)
        code = start_all(&p, &err);
    if (code == GW_OK)
        supervise_run(p.children, p.n, NULL, NULL);
    else
        supervise_stop(p.children, p.n);
    cli_done(&common);
    return code == GW_OK ? 0 : cli_fail(&common, code, &err);
}
