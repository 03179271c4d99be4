#include "gateway/base/time.h"
#include "workers/providers/route_part.h"

#include <stdio.h>

/* Where receipts of this attempt go: <url>/<provider>?ref=..[&mac=..] */
static gw_code callback_of(const fleet *f, const carrier *c, const char *own, gw_arena *arena,
                           gw_str *ret, gw_err *err)
{
    char url[sizeof f->callback_url + PROVIDER_NAME_MAX + WIRE_OWN_TEXT + PROVIDER_MAC_TEXT + 16];
    char mac[PROVIDER_MAC_TEXT] = "";
    *ret = (gw_str){NULL, 0};
    if (!*f->callback_url || !c->p->callback)
        return GW_OK;
    gw_code rc = c->p->verify == PROVIDER_VERIFY_URL_MAC
                     ? provider_callback_mac(&c->secrets, gw_str_of(own), mac, err)
                     : GW_OK;
    int n = snprintf(url, sizeof url, "%s/%s?ref=%s%s%s", f->callback_url, c->p->name, own,
                     *mac ? "&mac=" : "", mac);
    char *kept = gw_arena_copy(arena, (gw_str){url, (size_t)n});
    *ret = (gw_str){kept, kept ? (size_t)n : 0};
    return rc;
}

/* A copy without the room for headers that it does not have. */
static const provider_request *keep_request(const provider_request *r, gw_arena *arena)
{
    size_t n = offsetof(provider_request, headers) + r->header_n * sizeof *r->headers;
    provider_request *kept = gw_arena_alloc(arena, n);
    if (kept)
        memcpy(kept, r, n);
    return kept;
}

static gw_code add_leg(const fleet *f, carrier *c, channel_attempt *a,
                       const provider_values *common, const provider_subject *subject,
                       route_plan *plan, gw_buf *unfit, gw_err *err)
{
    provider_values v = *common;
    provider_request made;
    const char *why = provider_unfit(c->p, subject, &v.approval);
    if (why) {
        gw_buf_printf(unfit, "%s%s: %s", unfit->n ? ", " : "", c->p->name, why);
        return GW_OK;
    }
    gw_code rc = callback_of(f, c, plan->own, a->arena, &v.callback, err);
    route_leg *leg = &plan->legs[plan->n];
    leg->carrier = c;
    if (rc == GW_OK)
        rc = provider_build(c->p, c->p->request, &v, a->arena, &made, err);
    if (rc == GW_OK && !(leg->request = keep_request(&made, a->arena)))
        rc = gw_fail(err, GW_ENOMEM, "choosing a provider");
    plan->n += rc == GW_OK;
    return rc;
}

static void put_requests(const route_plan *plan, gw_buf *out)
{
    json_put_name(out, "requests");
    gw_buf_putc(out, '[');
    for (size_t i = 0; i < plan->n; i++) {
        const provider_request *r = plan->legs[i].request;
        gw_buf_puts(out, i ? ",{" : "{");
        json_put_member_str(out, "body", r->body);
        json_put_name(out, "headers");
        gw_buf_putc(out, '[');
        for (size_t h = 0; h < r->header_n; h++) {
            gw_buf_puts(out, h ? ",[" : "[");
            json_put_string(out, r->headers[h].name);
            gw_buf_putc(out, ',');
            json_put_string(out, r->headers[h].value);
            gw_buf_putc(out, ']');
        }
        gw_buf_putc(out, ']');
        json_put_member_str(out, "method", r->method);
        json_put_member_str(out, "provider", gw_str_of(plan->legs[i].carrier->p->name));
        json_put_member_str(out, "url", r->url);
        gw_buf_putc(out, '}');
    }
    gw_buf_putc(out, ']');
}

/* The handset may get it until the window ends, counted from now less the slack. */
static gw_code validity(const wire_task *t, int64_t longest, int64_t *ret_ms, gw_err *err)
{
    int64_t left = t->deadline_ms - t->now_ms - ROUTE_SLACK_MS;
    if (left < GW_MS_PER_MINUTE)
        return gw_fail(err, GW_EBUSY, "the window closes in less than two minutes");
    *ret_ms = left < longest ? left : longest;
    return GW_OK;
}

gw_code route_prepare(const fleet *f, channel_attempt *a, const template_bundle *b,
                      const route_message *m, gw_err *err)
{
    const wire_task *t = a->task;
    route_plan *plan = gw_arena_alloc(a->arena, sizeof *plan);
    GW_AUTO_BUF gw_buf unfit;
    gw_buf_init(&unfit, 200);
    if (plan)
        plan->legs = gw_arena_alloc(a->arena, f->n * sizeof *plan->legs);
    if (!plan || !plan->legs)
        return gw_fail(err, GW_ENOMEM, "choosing a provider");
    channel_own(a, plan->own);
    const gw_str own = {plan->own, strlen(plan->own)};
    provider_values v = {.to = t->to[0].address,
                         .text = m->text,
                         .ref = own,
                         .idempotency = own,
                         .unicode = m->unicode,
                         .data = m->data,
                         .vars = m->vars,
                         .var_n = m->var_n};
    gw_code rc = validity(t, m->validity_max_ms, &v.valid_ms, err);
    const provider_subject subject = {
        .no_demand = strcmp(template_bundle_purpose(b), ROUTE_NO_DEMAND) == 0,
        .to = t->to[0].address,
        .name = gw_str_of(template_bundle_name(b)),
        .locale = gw_str_of(template_bundle_locale(b)),
        .version = t->template,
        .creditor = f->is_creditor && f->is_creditor(f->arg, t->source)};
    for (size_t i = 0; i < f->n && rc == GW_OK; i++)
        rc = add_leg(f, f->carriers[i], a, &v, &subject, plan, &unfit, err);
    if (rc != GW_OK)
        return rc;
    if (plan->n == 0)
        return gw_fail(err, GW_EREFUSED, "no provider may carry this (%.*s)",
                       GW_STR_ARG(gw_buf_str(&unfit)));
    plan->start_by_ms = t->now_ms + ROUTE_SLACK_MS;
    a->prepared = plan;
    put_requests(plan, &a->bytes);
    return GW_OK;
}
