#include "workers/voice/voice.h"

#include "gateway/base/log.h"
#include "gateway/base/time.h"
#include "gateway/wire/format.h"
#include "templates/content/context.h"
#include "workers/providers/route.h"
#include "workers/voice/script.h"
#include "workers/voice/sound.h"

#include <signal.h>
#include <stdio.h>

enum {
    FACTS_MAX = 4 << 20,
    PART_SECONDS_MAX = 120, /* longer speech is a mistake of the template */
    ULAW_MAX = PART_SECONDS_MAX * SOUND_RATE,
    GAP_MS = 1000, /* between parts in the outbox's WAV file */
};

typedef struct {
    voice_config config;
    bool speaks;
    fleet *fleet; /* transport provider only */
} voice;

typedef struct {
    context_bench *context;
    gw_arena *scratch; /* of one preparation: what is told is copied out of it */
    gw_buf facts, text, wav, ulaw;
} bench;

static const template_part part_of[CALL_PART_COUNT] = {
    [CALL_PART_ASK] = TEMPLATE_VOICE_ASK,     [CALL_PART_DETAILS] = TEMPLATE_VOICE_DETAILS,
    [CALL_PART_NOTED] = TEMPLATE_VOICE_NOTED, [CALL_PART_BYE] = TEMPLATE_VOICE_BYE,
    [CALL_PART_MESSAGE] = TEMPLATE_VOICE,
};

static gw_code bench_new(void *self, void **ret_bench, gw_err *err)
{
    (void)self;
    bench *b = calloc(1, sizeof *b);
    if (b) {
        b->context = context_bench_new();
        b->scratch = gw_arena_new(FACTS_MAX * 8);
    }
    if (!b || !b->context || !b->scratch) {
        if (b)
            gw_arena_free(b->scratch);
        free(b);
        return gw_fail(err, GW_ENOMEM, "starting a preparing thread");
    }
    gw_buf_init(&b->facts, FACTS_MAX);
    gw_buf_init(&b->text, SPEAK_TEXT_MAX);
    gw_buf_init(&b->wav, SOUND_WAV_MAX);
    gw_buf_init(&b->ulaw, ULAW_MAX);
    *ret_bench = b;
    return GW_OK;
}

static void bench_free(void *p)
{
    bench *b = p;
    if (!b)
        return;
    context_bench_free(b->context);
    gw_arena_free(b->scratch);
    gw_buf *bufs[] = {&b->facts, &b->text, &b->wav, &b->ulaw};
    for (size_t i = 0; i < GW_COUNT(bufs); i++)
        gw_buf_done(bufs[i]);
    free(b);
}

static gw_code check_recipient(const wire_task *t, gw_err *err)
{
    if (t->to_n != 1 || !gw_str_is(t->to[0].kind, "to"))
        return gw_fail(err, GW_EREFUSED, "a call has exactly one recipient and no copies");
    return format_e164(t->to[0].address) == NULL
               ? GW_OK
               : gw_fail(err, GW_EINVAL, "the recipient's number is not E.164 (+ and 7-15 digits)");
}

static gw_str keep(channel_attempt *a, gw_str s)
{
    char *p = gw_arena_copy(a->arena, s);
    return (gw_str){p, p ? s.n : 0};
}

/* The facts with "promise_date", the day the key for a promise stands for: billing's own, else so
 * many days from now. */
static gw_code add_promise_date(const voice *v, bench *b, channel_attempt *a, gw_str *ret_day,
                                gw_err *err)
{
    json_doc d;
    char day[GW_DATE_TEXT];
    gw_code rc = json_parse(a->facts, b->scratch, &d, err);
    if (rc != GW_OK || json_kind_of(&d, 0) != JSON_OBJECT)
        return gw_fail(err, GW_EINVAL, "the facts are no JSON object");
    gw_buf_clear(&b->facts);
    gw_str own = json_get_str(&d, 0, "promise_date");
    if (own.n || json_member(&d, 0, "promise_date")) {
        *ret_day = keep(a, own);
        gw_buf_put_str(&b->facts, a->facts);
        int32_t ignored;
        if (gw_date_parse(own, &ignored, err) != GW_OK)
            return gw_wrap(err, GW_EINVAL, "promise_date of the facts");
        return gw_buf_code(&b->facts, "the facts", err);
    }
    gw_date_format((int32_t)(a->task->now_ms / GW_MS_PER_DAY) + v->config.promise_days, day);
    char *kept = gw_arena_copy(a->arena, gw_str_of(day));
    *ret_day = gw_str_of(kept);
    gw_buf_putc(&b->facts, '{');
    json_put_member_str(&b->facts, "promise_date", gw_str_of(day));
    gw_str object = json_raw(&d, 0);
    gw_buf_puts(&b->facts, json_at(&d, 0)->count ? "," : "");
    gw_buf_put(&b->facts, object.p + 1, object.n - 1);
    return kept ? gw_buf_code(&b->facts, "the facts", err) : GW_ENOMEM;
}

/* Bytes of the white space or control character at p, 0 when it is none. Formatted amounts hold
 * no-break spaces, U+00A0 and U+202F, which not every speaker knows. */
static size_t blank_at(const char *p, size_t left)
{
    unsigned char c = (unsigned char)*p;
    if (c <= 0x20 || c == 0x7F)
        return 1;
    if (left >= 2 && memcmp(p, "\xC2\xA0", 2) == 0)
        return 2;
    return left >= 3 && memcmp(p, "\xE2\x80\xAF", 3) == 0 ? 3 : 0;
}

/* What is spoken: one line, with single spaces. */
static gw_str plain_text(gw_buf *b)
{
    size_t n = 0;
    for (size_t i = 0, skip; i < b->n; i += skip ? skip : 1) {
        skip = blank_at(b->data + i, b->n - i);
        if (!skip || (n && b->data[n - 1] != ' '))
            b->data[n++] = skip ? ' ' : b->data[i];
    }
    while (n && b->data[n - 1] == ' ')
        n--;
    b->n = n;
    return gw_buf_str(b);
}

static gw_code speak_part(const voice *v, bench *b, channel_attempt *a, gw_str text, gw_str *ret,
                          gw_err *err)
{
    gw_buf_clear(&b->wav);
    gw_buf_clear(&b->ulaw);
    gw_code rc = speak(&v->config.speak, a->task->locale, text, &b->wav, err);
    if (rc == GW_OK)
        rc = sound_from_wav(gw_buf_str(&b->wav), &b->ulaw, err);
    if (rc != GW_OK) /* a program that fails may work again: later, not refused */
        return gw_wrap(err, rc == GW_ELIMIT ? rc : GW_EIO, "speaking");
    *ret = keep(a, gw_buf_str(&b->ulaw));
    return ret->p ? GW_OK : gw_fail(err, GW_ENOMEM, "speaking");
}

static gw_code render_part(bench *b, channel_attempt *a, const template_bundle *t, const context *c,
                           call_part p, gw_str *ret, gw_err *err)
{
    const char *name = template_part_name(part_of[p]);
    gw_buf_clear(&b->text);
    gw_code rc = template_bundle_render(t, part_of[p], &c->doc, true, &b->text, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "%s", name);
    gw_str text = plain_text(&b->text);
    if (text.n == 0)
        return gw_fail(err, GW_EREFUSED, "%s: the rendered text is empty", name);
    *ret = keep(a, text);
    return ret->p ? GW_OK : gw_fail(err, GW_ENOMEM, "rendering %s", name);
}

static gw_code make_part(const voice *v, bench *b, channel_attempt *a, const template_bundle *t,
                         const context *c, call_part p, script *s, gw_err *err)
{
    gw_code rc = render_part(b, a, t, c, p, &s->text[p], err);
    if (rc != GW_OK || !v->speaks)
        return rc;
    rc = speak_part(v, b, a, s->text[p], &s->ulaw[p], err);
    return rc == GW_OK ? rc : gw_wrap(err, rc, "%s", template_part_name(part_of[p]));
}

/* XML 1.0 §2.4: what has a meaning of its own is escaped. */
static void put_xml(gw_str s, gw_buf *out)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        const char *as = c == '&'   ? "&amp;"
                         : c == '<' ? "&lt;"
                         : c == '>' ? "&gt;"
                         : c == '"' ? "&quot;"
                                    : NULL;
        if (as)
            gw_buf_puts(out, as);
        else
            gw_buf_putc(out, c);
    }
}

static gw_code prepare_requests(const voice *v, bench *b, channel_attempt *a,
                                const template_bundle *bundle, const context *c, gw_err *err)
{
    gw_str text;
    GW_AUTO_BUF gw_buf xml;
    gw_buf_init(&xml, 6 * SPEAK_TEXT_MAX);
    gw_code rc = render_part(b, a, bundle, c, CALL_PART_MESSAGE, &text, err);
    if (rc != GW_OK)
        return rc;
    put_xml(text, &xml);
    const provider_pair vars[] = {{GW_STR("language"), a->task->locale},
                                  {GW_STR("text_xml"), keep(a, gw_buf_str(&xml))}};
    const route_message m = {.text = text,
                             .unicode = true,
                             .data = &c->doc,
                             .validity_max_ms = GW_MS_PER_DAY,
                             .vars = vars,
                             .var_n = GW_COUNT(vars)};
    gw_buf_putc(&a->bytes, '{');
    rc = route_prepare(v->fleet, a, bundle, &m, err);
    if (rc != GW_OK)
        return rc;
    json_put_member_str(&a->bytes, "text", text);
    json_put_member_str(&a->bytes, "to", a->task->to[0].address);
    gw_buf_puts(&a->bytes, "}\n");
    gw_buf_fit(&a->bytes); /* thousands may be outstanding */
    return gw_buf_code(&a->bytes, "a call", err);
}

static gw_code prepare(void *self, void *bench_ptr, channel_attempt *a,
                       const template_bundle *bundle, gw_err *err)
{
    const voice *v = self;
    bench *b = bench_ptr;
    const wire_task *t = a->task;
    context_settings settings = {{NULL, 0}, t->from.unsubscribe, t->from};
    script s = {.from = t->from.name, .locale = t->locale};
    context c;
    gw_arena_reset(b->scratch);
    gw_code rc = check_recipient(t, err);
    if (rc == GW_OK)
        rc = add_promise_date(v, b, a, &s.promise_date, err);
    if (rc == GW_OK)
        rc = context_build(b->context, gw_buf_str(&b->facts), t, &settings, b->scratch, &c, err);
    a->message_id = t->message_id;
    if (rc == GW_OK && v->config.transport == VOICE_PROVIDER)
        return prepare_requests(v, b, a, bundle, &c, err);
    bool asks = template_bundle_has(bundle, TEMPLATE_VOICE_ASK);
    for (int p = CALL_PART_NONE + 1; p < CALL_PART_COUNT && rc == GW_OK; p++)
        if (asks || p == CALL_PART_MESSAGE)
            rc = make_part(v, b, a, bundle, &c, (call_part)p, &s, err);
    if (rc != GW_OK)
        return rc;
    s.to = t->to[0].address;
    return script_put(&s, &a->bytes, err);
}

/* All parts, one after the other, for whoever wants to hear what would have been said. */
static gw_code put_sound(const channel_attempt *a, gw_buf *out, gw_err *err)
{
    static const call_part order[] = {CALL_PART_ASK, CALL_PART_DETAILS, CALL_PART_NOTED,
                                      CALL_PART_BYE, CALL_PART_MESSAGE};
    enum { ULAW_SILENCE = 0xFF };
    script s;
    GW_AUTO_BUF gw_buf ulaw;
    gw_buf_init(&ulaw, GW_COUNT(order) * (size_t)(ULAW_MAX + SOUND_RATE));
    gw_code rc = script_read(gw_buf_str(&a->bytes), a->arena, &s, err);
    for (size_t i = 0; i < GW_COUNT(order) && rc == GW_OK; i++) {
        if (s.ulaw[order[i]].n == 0)
            continue;
        gw_buf_put_str(&ulaw, s.ulaw[order[i]]);
        for (int k = 0; k < GAP_MS * SOUND_RATE / 1000; k++)
            gw_buf_putc(&ulaw, (char)ULAW_SILENCE);
    }
    if (rc == GW_OK && ulaw.code == GW_OK && ulaw.n)
        sound_put_wav(gw_buf_str(&ulaw), out);
    return rc == GW_OK ? gw_buf_code(&ulaw, "the spoken parts", err) : rc;
}

static void serve(void *self, channel_source *source)
{
    const voice *v = self;
    if (v->config.transport == VOICE_SIP || v->config.transport == VOICE_ARI)
        line_serve(&v->config.line, source);
    else if (v->fleet)
        route_serve(v->fleet, source);
    else
        outbox_serve(&v->config.outbox, source);
}

static void ask(void *self, const wire_pull *question, gw_arena *arena, wire_pulled *ret,
                gw_buf *ret_raw)
{
    const voice *v = self;
    route_ask(v->fleet, question, arena, ret, ret_raw);
}

static void voice_close(void *self)
{
    voice *v = self;
    if (v)
        fleet_free(v->fleet);
    free(v);
}

static gw_code check(const voice_config *c, bool *ret_speaks, gw_err *err)
{
    if (c->transport == VOICE_PROVIDER) { /* it speaks itself */
        *ret_speaks = false;
        return GW_OK;
    }
    gw_code rc = speak_check(&c->speak, err);
    *ret_speaks = rc == GW_OK;
    if (c->transport == VOICE_OUTBOX && rc == GW_ENOTFOUND) {
        gw_log(GW_LOG_WARN, "scripts of calls have no sound", "text=\"%s\"", err->text);
        return GW_OK;
    }
    if (rc != GW_OK)
        return gw_wrap(err, rc, "voice.tts.command");
    return c->transport == VOICE_SIP   ? baresip_check(&c->sip, err)
           : c->transport == VOICE_ARI ? ari_check(&c->ari, err)
                                       : GW_OK;
}

/* What carries the calls of a line. */
static gw_code set_trunk(voice *v, gw_err *err)
{
    line_config *line = &v->config.line;
    line->provider = "";
    if (v->config.transport == VOICE_SIP) {
        line->trunk = &baresip_trunk;
        line->trunk_config = &v->config.sip;
        line->host = v->config.sip.gateway;
        baresip_sweep(v->config.sip.folder);
    }
    if (v->config.transport != VOICE_ARI)
        return GW_OK;
    if (v->fleet->n != 1)
        return gw_fail(err, GW_EINVAL, "voice.ari.provider names one provider");
    v->config.ari.carrier = v->fleet->carriers[0];
    v->config.ari.carrier->rules.alone = true; /* a call has few, and none may fail by that */
    line->trunk = &ari_trunk;
    line->trunk_config = &v->config.ari;
    line->host = v->config.ari.carrier->host;
    line->provider = v->config.ari.carrier->p->name;
    return GW_OK;
}

gw_code voice_channel(const voice_config *config, channel *ret, gw_err *err)
{
    bool speaks;
    gw_code rc = check(config, &speaks, err);
    if (rc != GW_OK)
        return rc;
    voice *v = calloc(1, sizeof *v);
    if (!v)
        return gw_fail(err, GW_ENOMEM, "starting the voice channel");
    v->config = *config;
    v->speaks = speaks;
    v->config.outbox.suffix = ".call.json";
    v->config.outbox.also = put_sound;
    v->config.outbox.also_suffix = ".wav";
    bool remote = config->transport == VOICE_PROVIDER || config->transport == VOICE_ARI;
    rc = remote ? fleet_new(&config->fleet, &v->fleet, err) : GW_OK;
    if (rc == GW_OK)
        rc = set_trunk(v, err);
    if (rc != GW_OK) {
        voice_close(v);
        return rc;
    }
    signal(SIGPIPE, SIG_IGN); /* a speaking program may end before it has read its text */
    *ret = (channel){.name = "voice",
                     .self = v,
                     .alone = fleet_has_rate(v->fleet),
                     .bench_new = bench_new,
                     .bench_free = bench_free,
                     .prepare = prepare,
                     .serve = serve,
                     .ask = v->fleet ? ask : NULL,
                     .close = voice_close};
    return GW_OK;
}
