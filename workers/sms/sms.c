#include "workers/sms/sms.h"

#include "gateway/base/gsm.h"
#include "gateway/base/time.h"
#include "templates/content/context.h"
#include "workers/providers/route.h"

typedef struct {
    sms_config config;
    gw_buf folder; /* our copy */
    fleet *fleet;  /* NULL: the outbox */
} sms;

typedef struct {
    context_bench *context;
    gw_buf text;
} bench;

static gw_code bench_new(void *self, void **ret_bench, gw_err *err)
{
    (void)self;
    bench *b = calloc(1, sizeof *b);
    if (b)
        b->context = context_bench_new();
    if (!b || !b->context) {
        free(b);
        return gw_fail(err, GW_ENOMEM, "starting a preparing thread");
    }
    gw_buf_init(&b->text, SMS_TEXT_MAX);
    *ret_bench = b;
    return GW_OK;
}

static void bench_free(void *p)
{
    bench *b = p;
    if (!b)
        return;
    context_bench_free(b->context);
    gw_buf_done(&b->text);
    free(b);
}

/* ITU-T E.164 §6.2.1: at most 15 digits, country code first. */
static bool is_e164(gw_str s)
{
    if (s.n < 8 || s.n > 16 || s.p[0] != '+' || s.p[1] == '0')
        return false;
    for (size_t i = 1; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return true;
}

static gw_code check_recipient(const wire_task *t, gw_err *err)
{
    if (t->to_n != 1 || !gw_str_is(t->to[0].kind, "to"))
        return gw_fail(err, GW_EREFUSED, "an SMS has exactly one recipient and no copies");
    return is_e164(t->to[0].address)
               ? GW_OK
               : gw_fail(err, GW_EINVAL, "the recipient's number is not E.164 (+ and 7-15 digits)");
}

static gw_code check_text(gw_str text, gw_err *err)
{
    if (text.n == 0)
        return gw_fail(err, GW_EREFUSED, "the rendered SMS is empty");
    for (size_t i = 0; i < text.n; i++)
        if (((unsigned char)text.p[i] < 0x20 && text.p[i] != '\n') || text.p[i] == 0x7F)
            return gw_fail(err, GW_EINVAL, "the rendered SMS holds a control character");
    return GW_OK;
}

static gw_code render(const sms *s, bench *b, channel_attempt *a, const template_bundle *bundle,
                      context *ret_context, gw_str *ret_text, gsm_size *ret_size, gw_err *err)
{
    const wire_task *t = a->task;
    context_settings settings = {{NULL, 0}, t->from.unsubscribe, t->from};
    gw_buf_clear(&b->text);
    gw_code rc = check_recipient(t, err);
    if (rc == GW_OK)
        rc = context_build(b->context, a->facts, t, &settings, a->arena, ret_context, err);
    if (rc == GW_OK)
        rc = template_bundle_render(bundle, TEMPLATE_SMS, &ret_context->doc, true, &b->text, err);
    if (rc != GW_OK)
        return rc;
    b->text.n = b->text.n ? gsm_plain(b->text.data, b->text.n) : 0;
    gw_str text = gw_buf_str(&b->text);
    rc = check_text(text, err);
    if (rc == GW_OK)
        rc = gsm_measure(text, ret_size, err);
    if (rc == GW_OK && ret_size->parts > (uint32_t)s->config.parts_max)
        rc = gw_fail(err, GW_ELIMIT, "the SMS has %u parts, sms.parts_max is %d", ret_size->parts,
                     s->config.parts_max);
    *ret_text = text;
    return rc;
}

static gw_code prepare(void *self, void *bench_ptr, channel_attempt *a,
                       const template_bundle *bundle, gw_err *err)
{
    sms *s = self;
    gw_str text;
    gsm_size size;
    context c;
    char until[GW_TIME_TEXT];
    gw_code rc = render(s, bench_ptr, a, bundle, &c, &text, &size, err);
    if (rc != GW_OK)
        return rc;
    const route_message m = {.text = text,
                             .unicode = !size.gsm,
                             .data = &c.doc,
                             .validity_max_ms = s->config.validity_max_ms};
    gw_buf *out = &a->bytes;
    gw_time_format((gw_wall){a->task->deadline_ms}, until);
    a->message_id = a->task->message_id;
    gw_buf_putc(out, '{');
    json_put_member_str(out, "alphabet", gw_str_of(size.gsm ? "gsm7" : "ucs2"));
    json_put_member_int(out, "parts", size.parts);
    if (s->fleet)
        rc = route_prepare(s->fleet, a, bundle, &m, err);
    if (rc != GW_OK)
        return rc;
    json_put_member_str(out, "text", text);
    json_put_member_str(out, "to", a->task->to[0].address);
    json_put_member_int(out, "units", size.units);
    json_put_member_str(out, "valid_until", gw_str_of(until));
    gw_buf_puts(out, "}\n");
    return gw_buf_code(out, "an SMS", err);
}

static void serve(void *self, channel_source *source)
{
    sms *s = self;
    if (s->fleet)
        route_serve(s->fleet, source);
    else
        outbox_serve(&s->config.outbox, source);
}

static void ask(void *self, const wire_pull *question, gw_arena *arena, wire_pulled *ret,
                gw_buf *ret_raw)
{
    sms *s = self;
    route_ask(s->fleet, question, arena, ret, ret_raw);
}

static void sms_close(void *self)
{
    sms *s = self;
    if (!s)
        return;
    fleet_free(s->fleet);
    gw_buf_done(&s->folder);
    free(s);
}

gw_code sms_channel(const sms_config *config, channel *ret, gw_err *err)
{
    sms *s = calloc(1, sizeof *s);
    if (!s)
        return gw_fail(err, GW_ENOMEM, "starting the SMS channel");
    s->config = *config;
    gw_buf_init(&s->folder, 4096);
    gw_buf_puts(&s->folder, config->outbox.folder);
    s->config.outbox.folder = s->folder.data;
    s->config.outbox.suffix = ".sms.json";
    gw_code rc = gw_buf_code(&s->folder, "the outbox folder", err);
    if (rc == GW_OK && config->transport == SMS_PROVIDER)
        rc = fleet_new(&config->fleet, &s->fleet, err);
    if (rc != GW_OK) {
        sms_close(s);
        return rc;
    }
    *ret = (channel){.name = "sms",
                     .self = s,
                     .alone = fleet_has_rate(s->fleet),
                     .bench_new = bench_new,
                     .bench_free = bench_free,
                     .prepare = prepare,
                     .serve = serve,
                     .ask = s->fleet ? ask : NULL,
                     .close = sms_close};
    return GW_OK;
}
