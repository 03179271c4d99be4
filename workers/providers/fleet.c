#include "workers/providers/fleet.h"

#include "gateway/base/id.h"

#include <stdio.h>

enum { QUERY_AFTER_MS = 2000, FULL_WAIT_MS = 100 };

static void carrier_free(carrier *c)
{
    if (!c)
        return;
    provider_secrets_done(&c->secrets);
    provider_free(c->p);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static void fill_carrier(carrier *c)
{
    const provider *p = c->p;
    snprintf(c->ca_file, sizeof c->ca_file, "%.*s", GW_STR_ARG(p->ca_file));
    gw_str url = p->base_url;
    const char *host = memchr(url.p, '/', url.n);
    size_t from = host ? (size_t)(host - url.p) + 2 : 0;
    snprintf(c->host, sizeof c->host, "%.*s", (int)(url.n - from), url.p + from);
    c->rules = (http_rules){.loopback = p->loopback,
                            .idempotent = p->idempotent,
                            .ca_file = p->ca_file.n ? c->ca_file : NULL,
                            .connect_ms = p->connect_ms,
                            .total_ms = p->total_ms,
                            .response_max = (size_t)p->response_bytes};
    rate_init(&c->rate, p->per_second, p->burst, gw_mono_now());
}

static gw_code add(fleet *f, const fleet_config *config, const char *name, gw_err *err)
{
    if (f->n == FLEET_MAX)
        return gw_fail(err, GW_ELIMIT, "more than %d providers", FLEET_MAX);
    if (fleet_named(f, gw_str_of(name)))
        return gw_fail(err, GW_EINVAL, "provider %s is named twice", name);
    carrier *c = calloc(1, sizeof *c);
    if (!c)
        return gw_fail(err, GW_ENOMEM, "opening provider %s", name);
    pthread_mutex_init(&c->lock, NULL);
    f->carriers[f->n++] = c;
    gw_code rc = provider_load(config->config_dir, name, &c->p, err);
    if (rc == GW_OK && !gw_str_is(c->p->channel, config->channel))
        rc = gw_fail(err, GW_EINVAL, "provider %s does not carry %s", name, config->channel);
    if (rc == GW_OK)
        rc = provider_secrets_load(c->p, config->data_dir, &c->secrets, err);
    if (rc == GW_OK)
        fill_carrier(c);
    return rc;
}

gw_code fleet_new(const fleet_config *config, fleet **ret, gw_err *err)
{
    GW_AUTO(fleet_free) fleet *f = calloc(1, sizeof *f);
    char names[FLEET_MAX * (PROVIDER_NAME_MAX + 1)];
    char *rest = NULL;
    if (!f)
        return gw_fail(err, GW_ENOMEM, "opening the providers");
    f->query_after_ms = config->query_after_ms ? config->query_after_ms : QUERY_AFTER_MS;
    f->is_creditor = config->is_creditor;
    f->arg = config->arg;
    snprintf(f->callback_url, sizeof f->callback_url, "%s", config->callback_url);
    if (strlen(config->names) >= sizeof names)
        return gw_fail(err, GW_ELIMIT, "more than %d providers", FLEET_MAX);
    snprintf(names, sizeof names, "%s", config->names);
    for (char *name = strtok_r(names, ", ", &rest); name; name = strtok_r(NULL, ", ", &rest)) {
        gw_code rc = add(f, config, name, err);
        if (rc != GW_OK)
            return rc;
    }
    if (f->n == 0)
        return gw_fail(err, GW_EINVAL, "no provider is named; see config/providers/README.md");
    *ret = f;
    f = NULL;
    return GW_OK;
}

void fleet_free(fleet *f)
{
    for (size_t i = 0; f && i < f->n; i++)
        carrier_free(f->carriers[i]);
    free(f);
}

bool fleet_has_rate(const fleet *f)
{
    for (size_t i = 0; f && i < f->n; i++)
        if (f->carriers[i]->p->per_second)
            return true;
    return false;
}

carrier *fleet_named(const fleet *f, gw_str name)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->carriers[i]->p && gw_str_is(name, f->carriers[i]->p->name))
            return f->carriers[i];
    return NULL;
}

carrier_verdict carrier_take(carrier *c, gw_mono now, int64_t *ret_wait_ms)
{
    carrier_verdict v = CARRIER_TAKEN;
    pthread_mutex_lock(&c->lock);
    if (c->blocked_until.ms > now.ms) {
        *ret_wait_ms = c->blocked_until.ms - now.ms;
        v = CARRIER_BLOCKED;
    } else if (c->under_way >= c->p->concurrency) {
        *ret_wait_ms = FULL_WAIT_MS; /* one that ends wakes its thread earlier */
        v = CARRIER_WAIT;
    } else {
        *ret_wait_ms = rate_take(&c->rate, now);
        v = *ret_wait_ms ? CARRIER_WAIT : CARRIER_TAKEN;
    }
    c->under_way += v == CARRIER_TAKEN;
    pthread_mutex_unlock(&c->lock);
    return v;
}

void carrier_release(carrier *c)
{
    pthread_mutex_lock(&c->lock);
    c->under_way--;
    pthread_mutex_unlock(&c->lock);
}

void carrier_block(carrier *c, gw_mono now, int64_t wait_ms)
{
    pthread_mutex_lock(&c->lock);
    if (now.ms + wait_ms > c->blocked_until.ms)
        c->blocked_until.ms = now.ms + wait_ms;
    pthread_mutex_unlock(&c->lock);
}

/* ---- a request ---- */

static void request_nonce(char ret[GW_ID_TEXT])
{
    gw_id id;
    gw_id_random(&id);
    gw_id_format(&id, ret);
}

gw_code carrier_start(http_engine *e, carrier *c, const provider_request *r, http_done done,
                      void *arg, gw_err *err)
{
    char nonce[GW_ID_TEXT];
    provider_signature sig;
    GW_AUTO_BUF gw_buf url;
    gw_buf_init(&url, PROVIDER_REQUEST_MAX + PROVIDER_SIGNATURE_MAX);
    request_nonce(nonce);
    provider_signature_init(&sig);
    gw_code rc = provider_sign(c->p, r, &c->secrets, http_now(e), gw_str_of(nonce), &sig, err);
    gw_buf_put_str(&url, r->url);
    if (sig.query.n) {
        gw_buf_putc(&url, memchr(r->url.p, '?', r->url.n) ? '&' : '?');
        gw_buf_put_str(&url, gw_buf_str(&sig.query));
    }
    for (size_t i = 0; i < r->header_n; i++)
        gw_buf_printf(&sig.headers, "%.*s: %.*s\n", GW_STR_ARG(r->headers[i].name),
                      GW_STR_ARG(r->headers[i].value));
    if (rc == GW_OK)
        rc = gw_buf_code(&sig.headers, "an HTTP request", err);
    if (rc == GW_OK)
        rc = gw_buf_code(&url, "an HTTP request", err);
    const http_request request = {r->method, gw_buf_str(&url), gw_buf_str(&sig.headers), r->body,
                                  &c->rules};
    if (rc == GW_OK)
        rc = http_start(e, &request, done, arg, err);
    provider_signature_done(&sig);
    gw_buf_wipe(&url);
    return rc;
}
