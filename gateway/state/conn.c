#include "gateway/state/conn.h"

#include "gateway/base/file.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>

enum { PASSWORD_FILE_MAX = 1024 };

static struct timeval timeval_of(int ms)
{
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000L};
}

/* ---- opening and closing ---- */

static gw_code read_password(state *s, const char *path, gw_err *err)
{
    GW_AUTO_BUF gw_buf file;
    gw_buf_init(&file, PASSWORD_FILE_MAX);
    gw_code rc = gw_file_read(path, &file, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "reading the state store's password file");
    gw_str all = gw_buf_str(&file);
    while (all.n && (all.p[all.n - 1] == '\n' || all.p[all.n - 1] == '\r'))
        all.n--;
    const char *nl = all.n ? memchr(all.p, '\n', all.n) : NULL;
    if (nl) {
        gw_buf_put(&s->user, all.p, (size_t)(nl - all.p));
        all = (gw_str){nl + 1, all.n - (size_t)(nl + 1 - all.p)};
    }
    gw_buf_put_str(&s->password, all);
    bool bad = all.n == 0 || memchr(all.p, '\n', all.n);
    gw_buf_wipe(&file);
    if (bad)
        return gw_fail(err, GW_EINVAL,
                       "password file %s: expected one line (password) or two (user, password)",
                       path);
    return gw_buf_code(&s->password, "state store password", err);
}

gw_code state_open(const state_config *config, state **ret_s, gw_err *err)
{
    if (!config->unix_socket && (!config->host || config->port <= 0 || config->port > 65535))
        return gw_fail(err, GW_EINVAL, "state store: give a unix socket, or a host and a port");
    state *s = calloc(1, sizeof *s);
    if (!s)
        return gw_fail(err, GW_ENOMEM, "opening the state store");
    gw_buf_init(&s->out, CONN_BUFFER_MAX);
    gw_buf_init(&s->user, PASSWORD_FILE_MAX);
    gw_buf_init(&s->password, PASSWORD_FILE_MAX);
    s->unix_socket = config->unix_socket ? strdup(config->unix_socket) : NULL;
    s->host = config->unix_socket ? NULL : strdup(config->host);
    s->port = config->port;
    s->timeout_ms = config->timeout_ms > 0 ? config->timeout_ms : CONN_TIMEOUT_MS;
    gw_code rc =
        s->unix_socket || s->host ? GW_OK : gw_fail(err, GW_ENOMEM, "opening the state store");
    if (rc == GW_OK && config->password_file)
        rc = read_password(s, config->password_file, err);
    if (rc != GW_OK) {
        state_close(s);
        return rc;
    }
    struct sigaction now; /* hiredis writes with write(2): a lost peer would end the process */
    if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN);
    *ret_s = s;
    return GW_OK;
}

void conn_drop(state *s)
{
    if (s->redis)
        redisFree(s->redis);
    s->redis = NULL;
    s->stale = false;
    s->pending = 0;
    s->args_left = 0;
    gw_buf_clear(&s->out);
}

void state_close(state *s)
{
    if (!s)
        return;
    conn_drop(s);
    gw_buf_done(&s->out);
    gw_buf_wipe(&s->user);
    gw_buf_done(&s->user);
    gw_buf_wipe(&s->password);
    gw_buf_done(&s->password);
    free(s->unix_socket);
    free(s->host);
    free(s);
}

/* ---- connecting ---- */

static gw_code unreachable(state *s, const char *why, gw_err *err)
{
    s->backoff_ms = s->backoff_ms ? 2 * s->backoff_ms : CONN_BACKOFF_MIN_MS;
    if (s->backoff_ms > CONN_BACKOFF_MAX_MS)
        s->backoff_ms = CONN_BACKOFF_MAX_MS;
    s->retry_at_ms = gw_mono_now().ms + s->backoff_ms;
    return gw_fail(err, GW_EBUSY, "state store is not reachable (%s): is Redis running at %s?", why,
                   s->unix_socket ? s->unix_socket : s->host);
}

static gw_code authenticate(state *s, gw_err *err)
{
    if (!s->password.n)
        return GW_OK;
    conn_command(s, s->user.n ? 3 : 2, "AUTH");
    if (s->user.n)
        conn_arg(s, gw_buf_str(&s->user));
    conn_arg(s, gw_buf_str(&s->password));
    CONN_REPLY *r = NULL;
    gw_code rc = conn_reply(s, &r, err);
    gw_buf_wipe(&s->out);
    return rc == GW_OK ? rc : gw_wrap(err, rc, "signing in to the state store");
}

static gw_code connect_now(state *s, gw_err *err)
{
    if (gw_mono_now().ms < s->retry_at_ms)
        return gw_fail(err, GW_EBUSY, "state store is not reachable; trying again shortly");
    struct timeval limit = timeval_of(s->timeout_ms);
    s->redis = s->unix_socket ? redisConnectUnixWithTimeout(s->unix_socket, limit)
                              : redisConnectWithTimeout(s->host, s->port, limit);
    if (!s->redis || s->redis->err) {
        char why[sizeof s->redis->errstr];
        snprintf(why, sizeof why, "%s", s->redis ? s->redis->errstr : "out of memory");
        conn_drop(s);
        return unreachable(s, why, err);
    }
    redisSetTimeout(s->redis, limit);
    s->current_timeout_ms = s->timeout_ms;
    gw_err why = {0};
    gw_code rc = authenticate(s, &why);
    if (rc != GW_OK) {
        conn_drop(s);
        gw_code busy = unreachable(s, "no answer to AUTH", err);
        return rc == GW_EREFUSED ? gw_fail(err, rc, "%s", why.text) : busy;
    }
    s->backoff_ms = 0;
    s->retry_at_ms = 0;
    return GW_OK;
}

/* A server that went away between two calls is noticed before anything is sent, so that the call is
 * plainly "not done" rather than "unknown". */
static bool peer_closed(const redisContext *c)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    return poll(&p, 1, 0) != 0; /* between calls nothing may be readable */
}

gw_code conn_begin(state *s, bool writes, gw_err *err)
{
    s->writes = false;
    s->sent = false;
    s->pending = 0;
    gw_buf_clear(&s->out);
    if (s->redis && (s->stale || s->redis->err || peer_closed(s->redis)))
        conn_drop(s);
    if (!s->redis) {
        gw_code rc = connect_now(s, err);
        if (rc != GW_OK)
            return rc;
    }
    conn_timeout(s, s->timeout_ms);
    s->writes = writes;
    s->sent = false;
    return GW_OK;
}

void conn_timeout(state *s, int timeout_ms)
{
    if (!s->redis || timeout_ms == s->current_timeout_ms)
        return;
    redisSetTimeout(s->redis, timeval_of(timeout_ms));
    s->current_timeout_ms = timeout_ms;
}

/* ---- commands ---- */

static void put_count(state *s, char mark, size_t n)
{
    char text[24];
    char *p = text + sizeof text;
    *--p = '\n';
    *--p = '\r';
    do
        *--p = (char)('0' + n % 10);
    while (n /= 10);
    *--p = mark;
    gw_buf_put(&s->out, p, (size_t)(text + sizeof text - p));
}

void conn_arg(state *s, gw_str arg)
{
    s->args_left--;
    put_count(s, '$', arg.n);
    char *to = gw_buf_reserve(&s->out, arg.n + 2);
    if (!to)
        return;
    if (arg.n)
        memcpy(to, arg.p, arg.n);
    to[arg.n] = '\r';
    to[arg.n + 1] = '\n';
    s->out.n += arg.n + 2;
}

void conn_arg_z(state *s, const char *arg)
{
    conn_arg(s, gw_str_of(arg));
}

void conn_arg_int(state *s, int64_t value)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%" PRId64, value);
    conn_arg(s, (gw_str){text, (size_t)n});
}

void conn_arg_id(state *s, const gw_id *id)
{
    char text[GW_ID_TEXT];
    gw_id_format(id, text);
    conn_arg(s, (gw_str){text, GW_ID_TEXT - 1});
}

void conn_arg_member(state *s, char kind, const gw_id *id)
{
    char text[2 + GW_ID_TEXT] = {kind, ':'};
    gw_id_format(id, text + 2);
    conn_arg(s, (gw_str){text, sizeof text - 1});
}

void conn_arg_of_debtor(state *s, const gw_id *did, const char *after)
{
    char id[GW_ID_TEXT], text[2 * GW_ID_TEXT];
    gw_id_format(did, id);
    int n = snprintf(text, sizeof text, "(%s%s", id, after);
    conn_arg(s, (gw_str){text, (size_t)n});
    n = snprintf(text, sizeof text, "(%s~", id); /* behind every letter of an id */
    conn_arg(s, (gw_str){text, (size_t)n});
}

void conn_arg_key(state *s, unsigned shard, const char *kind, const gw_id *id)
{
    char text[CONN_KEY_TEXT] = "dl:{00}:";
    text[4] = (char)('0' + shard / 10);
    text[5] = (char)('0' + shard % 10);
    size_t n = 8 + strlen(kind);
    if (n + GW_ID_TEXT > sizeof text)
        gw_bug("key kind too long");
    memcpy(text + 8, kind, n - 8);
    if (id) {
        gw_id_format(id, text + n);
        n += GW_ID_TEXT - 1;
    }
    conn_arg(s, (gw_str){text, n});
}

void conn_command(state *s, int argc, const char *name)
{
    if (s->args_left)
        gw_bug("a command of the state store has another number of arguments than announced");
    put_count(s, '*', (size_t)argc);
    s->args_left = argc;
    conn_arg_z(s, name);
    s->pending++;
}

/* ---- failures ---- */

static const struct {
    const char *prefix;
    gw_code code;
    const char *text;
} refusals[] = {
    {"LOADING", GW_EBUSY, "is loading its data after a start"},
    {"READONLY", GW_EBUSY, "is a read-only replica: point the configuration at the primary"},
    {"MISCONF", GW_EBUSY, "cannot write to its disk: see its log and free space"},
    {"OOM", GW_EBUSY, "is at its memory limit: raise maxmemory"},
    {"NOREPLICAS", GW_EBUSY, "misses the replicas that min-replicas-to-write asks for"},
    {"MASTERDOWN", GW_EBUSY, "is a replica without its primary"},
    {"BUSY ", GW_EBUSY, "is held up by a slow script"},
    {"CLUSTERDOWN", GW_EBUSY, "is a cluster that is down"},
    {"TRYAGAIN", GW_EBUSY, "is a cluster moving slots"},
    {"MOVED", GW_EREFUSED, "is one node of a cluster: give a single primary"},
    {"ASK", GW_EREFUSED, "is one node of a cluster: give a single primary"},
    {"NOAUTH", GW_EREFUSED, "wants a password: set the password file"},
    {"WRONGPASS", GW_EREFUSED, "refuses user or password: check the password file"},
    {"NOPERM", GW_EREFUSED, "forbids this to our user: see deploy/redis/README.md"},
    {"ERR Function not found", GW_ENOTFOUND,
     "has lost the functions of dunlin1, so perhaps its data: run dunlin doctor, then restart"},
};

static gw_code refusal(const redisReply *r, gw_err *err)
{
    for (size_t i = 0; i < GW_COUNT(refusals); i++)
        if (strncmp(r->str, refusals[i].prefix, strlen(refusals[i].prefix)) == 0)
            return gw_fail(err, refusals[i].code, "state store %s", refusals[i].text);
    /* the first word only: the rest may quote arguments */
    int n = (int)strcspn(r->str, " ");
    return gw_fail(err, GW_ECORRUPT, "state store answered an unexpected error (%.*s)",
                   n < 40 ? n : 40, r->str);
}

static gw_code lost(state *s, gw_err *err)
{
    bool timeout = s->redis && s->redis->err == REDIS_ERR_IO &&
                   (errno == EAGAIN || errno == EWOULDBLOCK || errno == ETIMEDOUT);
    bool unknown = s->writes && s->sent;
    conn_drop(s);
    const char *why = timeout ? "did not answer in time" : "closed the connection";
    return unknown ? gw_fail(err, GW_ETIMEOUT,
                             "state store %s; whether the change happened is unknown", why)
                   : gw_fail(err, GW_EBUSY, "state store is not reachable (it %s)", why);
}

gw_code conn_flush(state *s, gw_err *err)
{
    if (!s->redis)
        return gw_fail(err, GW_EBUSY, "state store is not reachable");
    if (s->out.code != GW_OK) {
        gw_code rc = gw_buf_code(&s->out, "one call to the state store", err);
        bool unknown = s->writes && s->sent;
        conn_drop(s); /* half a command must never be sent */
        return unknown ? GW_ETIMEOUT : rc;
    }
    if (!s->out.n)
        return GW_OK;
    if (s->args_left)
        gw_bug("a command of the state store has another number of arguments than announced");
    s->sent = true;
    int done = 0;
    int rc = redisAppendFormattedCommand(s->redis, s->out.data, s->out.n);
    gw_buf_clear(&s->out);
    while (rc == REDIS_OK && !done)
        rc = redisBufferWrite(s->redis, &done);
    return rc == REDIS_OK ? GW_OK : lost(s, err);
}

gw_code conn_reply(state *s, redisReply **ret, gw_err *err)
{
    gw_code rc = conn_flush(s, err);
    if (rc != GW_OK)
        return rc;
    void *r = NULL;
    if (redisGetReply(s->redis, &r) != REDIS_OK || !r)
        return lost(s, err);
    s->pending--;
    redisReply *reply = r;
    if (reply->type == REDIS_REPLY_ERROR) {
        rc = refusal(reply, err);
        s->stale = s->stale || strncmp(reply->str, "READONLY", 8) == 0;
        freeReplyObject(reply);
        return rc;
    }
    *ret = reply;
    return GW_OK;
}

void conn_end(state *s)
{
    while (s->redis && s->pending) {
        CONN_REPLY *r = NULL;
        gw_code rc = conn_reply(s, &r, NULL);
        if (rc == GW_ETIMEOUT || !s->redis)
            return;
    }
}

/* ---- replies ---- */

int64_t conn_int(const redisReply *r, int64_t otherwise)
{
    if (!r)
        return otherwise;
    if (r->type == REDIS_REPLY_INTEGER)
        return r->integer;
    if (r->type != REDIS_REPLY_STRING || !r->len)
        return otherwise;
    char *end;
    errno = 0;
    long long v = strtoll(r->str, &end, 10);
    return errno || end != r->str + r->len ? otherwise : v;
}

gw_code conn_rid(const redisReply *r, gw_id *ret, gw_err *err)
{
    gw_str text = conn_text(r);
    size_t skip = text.n > GW_ID_TEXT - 1 ? GW_ID_TEXT - 1 : 0;
    return gw_id_parse((gw_str){text.p + skip, text.n - skip}, ret, err);
}

gw_code conn_unexpected(const char *what, gw_err *err)
{
    return gw_fail(err, GW_ECORRUPT, "state store: unexpected shape of the answer to %s", what);
}

gw_code conn_copy(gw_arena *arena, const redisReply *r, gw_str *ret, gw_err *err)
{
    gw_str text = conn_text(r);
    if (text.p) {
        char *p = gw_arena_copy(arena, text);
        if (!p)
            return gw_fail(err, GW_ENOMEM, "state store: the answer does not fit the arena");
        text.p = p;
    }
    *ret = text;
    return GW_OK;
}
