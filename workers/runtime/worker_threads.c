#include "workers/runtime/worker_inside.h"

#include <openssl/evp.h>
#include <unistd.h>

enum { BENCH_STOP_MS = 500 }; /* how often an idle preparing thread looks whether it is to end */

void worker_wake(worker *w)
{
    uint64_t one = 1;
    ssize_t ignored = write(w->wake_fd, &one, sizeof one);
    (void)ignored; /* full means it is awake already */
}

/* From preparing and sending threads. */
void worker_give_back(void *arg, channel_attempt *a)
{
    worker *w = arg;
    bool first;
    attempt_queue_put(&w->done, a, &first);
    if (first)
        worker_wake(w);
}

/* ---- preparing threads ---- */

/* Looked up by name once: OpenSSL 3 takes as long for that as for two kilobytes. */
static EVP_MD *sha256;

static void find_sha256(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

static gw_code hash_bytes(job *j, gw_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    unsigned char hash[32];
    pthread_once(&once, find_sha256);
    if (!sha256 ||
        EVP_Digest(j->attempt->bytes.data, j->attempt->bytes.n, hash, NULL, sha256, NULL) != 1)
        return gw_fail(err, GW_ENOMEM, "hashing a message");
    gw_hex(hash, sizeof hash, j->hash);
    return GW_OK;
}

/* Reasons of a message that could not be made. */
static const struct {
    gw_code code;
    wire_result result;
    const char *why;
} failures[] = {
    {GW_EINVAL, WIRE_REFUSED, "prepare-invalid"},   {GW_EREFUSED, WIRE_REFUSED, "prepare-refused"},
    {GW_ELIMIT, WIRE_REFUSED, "prepare-limit"},     {GW_ENOTFOUND, WIRE_REFUSED, "prepare-missing"},
    {GW_ECORRUPT, WIRE_REFUSED, "prepare-corrupt"}, {GW_EBLOCKED, WIRE_REFUSED, "content-guard"},
};

static void decide_failure(channel_attempt *a, gw_code code, const char *text)
{
    channel_decide(a, WIRE_LATER, 0, "prepare-failed");
    for (size_t i = 0; i < GW_COUNT(failures); i++)
        if (failures[i].code == code)
            channel_decide(a, failures[i].result, 0, failures[i].why);
    gw_buf_puts(&a->outcome.raw, text);
}

void *worker_prepare(void *arg)
{
    worker *w = arg;
    void *bench = NULL;
    bool empty = false;
    pthread_setname_np(pthread_self(), "prepare"); /* what top -H and deploy/bench show */
    while (!attempt_queue_is_closed(&w->to_prepare, &empty) || !empty) {
        channel_attempt *a = attempt_queue_take(&w->to_prepare, BENCH_STOP_MS);
        if (!a)
            continue;
        job *j = a->owner;
        gw_err err = {0};
        j->prepared = bench ? GW_OK : w->driver->bench_new(w->driver->self, &bench, &err);
        if (j->prepared == GW_OK)
            j->prepared = w->driver->prepare(w->driver->self, bench, a, j->bundle, &err);
        if (j->prepared == GW_OK)
            j->prepared = hash_bytes(j, &err);
        if (j->prepared != GW_OK)
            decide_failure(a, j->prepared, err.text);
        worker_give_back(w, a);
    }
    if (bench)
        w->driver->bench_free(bench);
    return NULL;
}

void *worker_send(void *arg)
{
    worker *w = arg;
    pthread_setname_np(pthread_self(), "send");
    w->driver->serve(w->driver->self, w->source);
    return NULL;
}
