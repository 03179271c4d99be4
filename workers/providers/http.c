#include "workers/providers/http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    URL_MAX_BYTES = 64 * 1024,
    LINE_MAX_BYTES = 16 * 1024,
    BUFFER_BYTES = 1024, /* of each request under way; answers are short */
};

typedef struct transfer {
    http_engine *engine;
    const http_rules *rules;
    CURL *easy;
    struct curl_slist *headers;
    gw_buf url, answer;
    size_t body_read;
    http_done done;
    void *arg;
    int writes;     /* how often the request was about to be written */
    bool forbidden; /* the address was */
    bool too_large;
    int64_t retry_after_ms;
    struct transfer *next, **at; /* of those under way */
} transfer;

struct http_engine {
    CURLM *multi;
    gw_clock *clock; /* the system's */
    transfer *first;
    size_t running;
};

/* ---- libcurl's callbacks ---- */

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
    transfer *t = arg;
    (void)purpose;
    if (!http_address_allowed(&to->addr, t->rules->loopback)) {
        t->forbidden = true;
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* Just before the request is written, on a fresh or a kept connection. */
static int before_write(void *arg, char *remote, char *local, int remote_port, int local_port)
{
    transfer *t = arg;
    (void)remote;
    (void)local;
    (void)remote_port;
    (void)local_port;
    if (t->writes && !t->rules->idempotent)
        return CURL_PREREQFUNC_ABORT; /* libcurl's own second try */
    t->writes++;
    return CURL_PREREQFUNC_OK;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
    transfer *t = arg;
    if (gw_buf_put(&t->answer, bytes, size * n) == GW_OK)
        return size * n;
    t->too_large = true;
    return 0;
}

/* Delay seconds or an HTTP date (RFC 9110 §10.2.3). */
static int64_t retry_after(const char *value, gw_wall now)
{
    char *end;
    long long seconds = strtoll(value, &end, 10);
    if (end == value) {
        time_t at = curl_getdate(value, NULL);
        seconds = at < 0 ? -1 : (long long)at - now.ms / 1000;
        if (at < 0)
            return -1;
    }
    if (seconds < 0)
        seconds = 0;
    return (seconds < HTTP_RETRY_AFTER_MAX_S ? seconds : HTTP_RETRY_AFTER_MAX_S) * 1000;
}

static size_t on_header(char *bytes, size_t size, size_t n, void *arg)
{
    static const char name[] = "retry-after:";
    enum { NAME = sizeof name - 1 };
    transfer *t = arg;
    size_t len = size * n;
    char value[64];
    if (len > NAME && len < NAME + sizeof value && strncasecmp(bytes, name, NAME) == 0) {
        memcpy(value, bytes + NAME, len - NAME);
        value[len - NAME] = '\0';
        t->retry_after_ms = retry_after(value + strspn(value, " \t"), http_now(t->engine));
    }
    return len;
}

/* ---- one transfer ---- */

static void transfer_free(transfer *t)
{
    if (!t)
        return;
    if (t->easy)
        curl_easy_cleanup(t->easy);
    curl_slist_free_all(t->headers);
    gw_buf_wipe(&t->url); /* a scheme may have put a password into it */
    gw_buf_done(&t->url);
    gw_buf_done(&t->answer);
    free(t);
}

/* "Name: value\n" lines. The list's copies hold secrets for as long as the transfer. */
static bool add_headers(transfer *t, gw_str lines)
{
    GW_AUTO_BUF gw_buf line;
    gw_buf_init(&line, LINE_MAX_BYTES);
    for (size_t i = 0; i < lines.n;) {
        const char *end = memchr(lines.p + i, '\n', lines.n - i);
        size_t n = end ? (size_t)(end - lines.p) - i : lines.n - i;
        gw_buf_clear(&line);
        gw_buf_put_str(&line, (gw_str){lines.p + i, n});
        struct curl_slist *more =
            line.code == GW_OK ? curl_slist_append(t->headers, line.data) : NULL;
        if (!more)
            return false;
        t->headers = more;
        i += n + 1;
    }
    gw_buf_wipe(&line);
    struct curl_slist *more = curl_slist_append(t->headers, "Expect:"); /* no 100-continue */
    t->headers = more ? more : t->headers;
    return more != NULL;
}

static void wipe_headers(struct curl_slist *l)
{
    for (; l; l = l->next)
        explicit_bzero(l->data, strlen(l->data));
}

static bool starts_with(gw_str url, const char *scheme)
{
    size_t n = strlen(scheme);
    return url.n > n && memcmp(url.p, scheme, n) == 0;
}

static bool url_allowed(gw_str url, bool loopback)
{
    return starts_with(url, "https://") || (loopback && starts_with(url, "http://"));
}

static void set_rules(transfer *t)
{
    CURL *c = t->easy;
    const http_rules *r = t->rules;
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, r->loopback ? "http,https" : "https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, t);
    curl_easy_setopt(c, CURLOPT_PREREQFUNCTION, before_write);
    curl_easy_setopt(c, CURLOPT_PREREQDATA, t);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)r->connect_ms);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)r->total_ms);
    curl_easy_setopt(c, CURLOPT_MAXAGE_CONN, (long)HTTP_IDLE_S);
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(c, CURLOPT_BUFFERSIZE, (long)BUFFER_BYTES);
    curl_easy_setopt(c, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, r->alone ? 1L : 0L);
    curl_easy_setopt(c, CURLOPT_FORBID_REUSE, r->alone ? 1L : 0L);
    curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
    if (r->ca_file)
        curl_easy_setopt(c, CURLOPT_CAINFO, r->ca_file);
}

static gw_code set_request(transfer *t, const http_request *r, gw_err *err)
{
    CURL *c = t->easy;
    gw_buf_put_str(&t->url, r->url);
    if (t->url.code != GW_OK || !add_headers(t, r->headers))
        return gw_fail(err, GW_ELIMIT, "an HTTP request is too large");
    set_rules(t);
    CURLcode code = curl_easy_setopt(c, CURLOPT_URL, t->url.data);
    if (gw_str_is(r->method, "POST")) {
        curl_easy_setopt(c, CURLOPT_POST, 1L);
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)r->body.n); /* first: how much to copy */
        if (code == CURLE_OK)
            code = curl_easy_setopt(c, CURLOPT_COPYPOSTFIELDS, r->body.n ? r->body.p : "");
    } else {
        curl_easy_setopt(c, CURLOPT_HTTPGET, 1L);
        if (gw_str_is(r->method, "DELETE"))
            curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, "DELETE");
    }
    /* Over TLS: wait for the first connection to say whether it carries many (HTTP/2), instead of
     * opening one each. */
    curl_easy_setopt(c, CURLOPT_PIPEWAIT, (long)starts_with(r->url, "https://"));
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, t->headers);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(c, CURLOPT_PRIVATE, t);
    gw_buf_wipe(&t->url); /* libcurl has its own copy */
    gw_buf_done(&t->url);
    return code == CURLE_OK ? GW_OK : gw_fail(err, GW_EINVAL, "%s", curl_easy_strerror(code));
}

gw_code http_start(http_engine *e, const http_request *r, http_done done, void *arg, gw_err *err)
{
    if (!url_allowed(r->url, r->rules->loopback))
        return gw_fail(err, GW_EINVAL, "only https is allowed, and http to this machine");
    transfer *t = calloc(1, sizeof *t);
    if (!t)
        return gw_fail(err, GW_ENOMEM, "starting an HTTP request");
    *t = (transfer){.engine = e, .rules = r->rules, .done = done, .arg = arg, .retry_after_ms = -1};
    gw_buf_init(&t->url, URL_MAX_BYTES);
    gw_buf_init(&t->answer, r->rules->response_max);
    t->easy = curl_easy_init();
    gw_code rc = t->easy ? set_request(t, r, err) : gw_fail(err, GW_ENOMEM, "starting a request");
    if (rc == GW_OK && curl_multi_add_handle(e->multi, t->easy) != CURLM_OK)
        rc = gw_fail(err, GW_ENOMEM, "starting an HTTP request");
    if (rc != GW_OK) {
        transfer_free(t);
        return rc;
    }
    t->next = e->first;
    t->at = &e->first;
    if (e->first)
        e->first->at = &t->next;
    e->first = t;
    e->running++;
    return GW_OK;
}

/* ---- what came of it ---- */

/* Why nothing left, by libcurl's code. */
static const struct {
    CURLcode code;
    const char *why;
} unsent[] = {
    {CURLE_COULDNT_RESOLVE_HOST, "resolve-failed"},
    {CURLE_COULDNT_CONNECT, "connect-failed"},
    {CURLE_OPERATION_TIMEDOUT, "connect-timeout"},
    {CURLE_SSL_CONNECT_ERROR, "tls"},
    {CURLE_PEER_FAILED_VERIFICATION, "tls"},
    {CURLE_SSL_CACERT_BADFILE, "tls"},
    {CURLE_SSL_CERTPROBLEM, "tls"},
    {CURLE_SSL_CIPHER, "tls"},
    {CURLE_SSL_ISSUER_ERROR, "tls"},
    {CURLE_UNSUPPORTED_PROTOCOL, "scheme-forbidden"},
};

static const char *why_unsent(const transfer *t, CURLcode code)
{
    if (t->forbidden)
        return "address-forbidden";
    for (size_t i = 0; i < GW_COUNT(unsent); i++)
        if (unsent[i].code == code)
            return unsent[i].why;
    return "connect-failed";
}

static http_result result_of(transfer *t, CURLcode code)
{
    long status = 0, version = 0;
    char *scheme = NULL;
    http_result r = {.retry_after_ms = t->retry_after_ms, .body = GW_STR("")};
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(t->easy, CURLINFO_HTTP_VERSION, &version);
    curl_easy_getinfo(t->easy, CURLINFO_SCHEME, &scheme);
    snprintf(r.tls, sizeof r.tls, "%s%s",
             scheme && strcasecmp(scheme, "https") == 0 && t->writes ? "TLS" : "",
             version == CURL_HTTP_VERSION_2_0 ? " h2" : "");
    r.status = (int)status;
    if (!t->writes) {
        r.stage = HTTP_NOT_SENT;
        r.why = why_unsent(t, code);
    } else if (code == CURLE_OK) {
        r.stage = HTTP_ANSWERED;
        r.body = gw_buf_str(&t->answer);
    } else if (status >= 300 || (t->too_large && status >= 200)) {
        r.stage = HTTP_ANSWERED; /* the body is missing; what the status says stands */
    } else {
        r.stage = HTTP_SENT;
        r.why = code == CURLE_OPERATION_TIMEDOUT ? "no-answer" : "line-dropped";
    }
    return r;
}

static void finish(transfer *t, CURLcode code)
{
    http_result r = result_of(t, code);
    http_engine *e = t->engine;
    curl_multi_remove_handle(e->multi, t->easy);
    *t->at = t->next;
    if (t->next)
        t->next->at = t->at;
    e->running--;
    t->done(t->arg, &r);
    wipe_headers(t->headers);
    transfer_free(t);
}

void http_step(http_engine *e, int wait_ms)
{
    int running = 0, left = 0;
    curl_multi_perform(e->multi, &running);
    bool news = false;
    for (CURLMsg *m; (m = curl_multi_info_read(e->multi, &left));) {
        transfer *t = NULL;
        CURLcode code = m->data.result;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t);
        finish(t, code);
        news = true;
    }
    if (!news && wait_ms > 0)
        curl_multi_poll(e->multi, NULL, 0, wait_ms, NULL);
}

size_t http_running(const http_engine *e)
{
    return e->running;
}

void http_wake(http_engine *e)
{
    curl_multi_wakeup(e->multi);
}

gw_wall http_now(const http_engine *e)
{
    return gw_clock_now(e->clock);
}

/* ---- the engine ---- */

static void setup_library(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        gw_bug("libcurl does not start");
}

gw_code http_engine_new(int connections, http_engine **ret, gw_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, setup_library);
    http_engine *e = calloc(1, sizeof *e);
    if (e) {
        e->multi = curl_multi_init();
        e->clock = gw_clock_new();
    }
    if (!e || !e->multi || !e->clock) {
        http_engine_free(e);
        return gw_fail(err, GW_ENOMEM, "starting the HTTP client");
    }
    curl_multi_setopt(e->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    curl_multi_setopt(e->multi, CURLMOPT_MAXCONNECTS, (long)connections);
    *ret = e;
    return GW_OK;
}

void http_engine_free(http_engine *e)
{
    if (!e)
        return;
    while (e->first) {
        transfer *t = e->first;
        e->first = t->next;
        curl_multi_remove_handle(e->multi, t->easy);
        wipe_headers(t->headers);
        transfer_free(t);
    }
    curl_multi_cleanup(e->multi);
    gw_clock_free(e->clock);
    free(e);
}
