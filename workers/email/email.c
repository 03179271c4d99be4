#include "workers/email/email.h"

#include "gateway/base/id.h"
#include "gateway/base/time.h"
#include "templates/content/context.h"
#include "workers/email/address.h"
#include "workers/email/compose.h"

#include <sodium.h>
#include <stdio.h>

typedef struct {
    email_config config;
    gw_buf strings[6]; /* our copies of what config points to */
    smtp_relay *relay;
} email;

typedef struct {
    context_bench *context;
    statement_pdf *pdf; /* made when first needed: loading fonts takes a while */
    gw_buf subject, text, html, pdf_bytes, csv_bytes, url;
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
    gw_buf_init(&b->subject, TEMPLATE_SUBJECT_MAX * 2);
    gw_buf_init(&b->text, MUSTACHE_OUTPUT_MAX);
    gw_buf_init(&b->html, MUSTACHE_OUTPUT_MAX);
    gw_buf_init(&b->pdf_bytes, COMPOSE_BYTES_MAX);
    gw_buf_init(&b->csv_bytes, COMPOSE_BYTES_MAX);
    gw_buf_init(&b->url, 4096);
    *ret_bench = b;
    return GW_OK;
}

static void bench_free(void *p)
{
    bench *b = p;
    if (!b)
        return;
    context_bench_free(b->context);
    statement_pdf_free(b->pdf);
    gw_buf *bufs[] = {&b->subject, &b->text, &b->html, &b->pdf_bytes, &b->csv_bytes, &b->url};
    for (size_t i = 0; i < GW_COUNT(bufs); i++)
        gw_buf_done(bufs[i]);
    free(b);
}

static gw_code render(bench *b, const template_bundle *bundle, const context *c, gw_err *err)
{
    gw_buf *bufs[] = {&b->subject, &b->text, &b->html};
    static const template_part parts[] = {TEMPLATE_SUBJECT, TEMPLATE_TEXT, TEMPLATE_HTML};
    for (size_t i = 0; i < GW_COUNT(parts); i++) {
        gw_buf_clear(bufs[i]);
        if (parts[i] == TEMPLATE_HTML && !template_bundle_has(bundle, TEMPLATE_HTML))
            continue;
        gw_code rc = template_bundle_render(bundle, parts[i], &c->doc, true, bufs[i], err);
        if (rc != GW_OK)
            return gw_wrap(err, rc, "%s", template_part_name(parts[i]));
    }
    return GW_OK;
}

/* "对账单-2013-02.pdf" for Chinese readers, "statement-2013-02.pdf" for others. */
static gw_str file_name(gw_arena *arena, gw_str locale, int32_t day, const char *suffix)
{
    char name[64];
    gw_date d = gw_date_of_day(day);
    bool chinese = locale.n >= 2 && memcmp(locale.p, "zh", 2) == 0;
    int n = snprintf(name, sizeof name, "%s-%04d-%02d.%s", chinese ? "对账单" : "statement", d.year,
                     d.month, suffix);
    char *kept = gw_arena_copy(arena, (gw_str){name, (size_t)n});
    return (gw_str){kept, kept ? (size_t)n : 0};
}

static gw_code attach_pdf(bench *b, const statement *s, gw_err *err)
{
    gw_code rc = b->pdf ? GW_OK : statement_pdf_new(NULL, &b->pdf, err);
    gw_buf_clear(&b->pdf_bytes);
    return rc == GW_OK ? statement_write_pdf(b->pdf, s, &b->pdf_bytes, err) : rc;
}

static gw_code attach(const email *e, bench *b, channel_attempt *a, const context *c,
                      compose_attachment *list, size_t *ret_n, gw_err *err)
{
    if (c->level == CONTEXT_STATEMENT_NONE)
        return GW_OK;
    const statement *s = c->statement;
    gw_code rc = GW_OK;
    bool csv = c->level == CONTEXT_STATEMENT_DETAILED || !e->config.pdf;
    if (e->config.pdf) {
        rc = attach_pdf(b, s, err);
        list[(*ret_n)++] = (compose_attachment){file_name(a->arena, s->locale, s->date, "pdf"),
                                                "application/pdf", gw_buf_str(&b->pdf_bytes)};
    }
    if (rc == GW_OK && csv) {
        gw_buf_clear(&b->csv_bytes);
        rc = statement_write_csv(s, &b->csv_bytes, err);
        list[(*ret_n)++] =
            (compose_attachment){file_name(a->arena, s->locale, s->date, "csv"),
                                 "text/csv; charset=utf-8", gw_buf_str(&b->csv_bytes)};
    }
    return rc == GW_OK ? rc : gw_wrap(err, rc, "statement");
}

static gw_str config_str(const char *z)
{
    return gw_str_of(z ? z : "");
}

static wire_sender sender_of(const email *e, const wire_task *t)
{
    wire_sender from = t->from;
    if (from.address.n == 0) {
        from.address = config_str(e->config.from_address);
        if (from.name.n == 0)
            from.name = config_str(e->config.from_name);
    }
    if (from.reply_to.n == 0)
        from.reply_to = config_str(e->config.reply_to);
    return from;
}

static const gw_str mailto_scheme = {"mailto:", 7};

static bool is_mailto(gw_str uri)
{
    return uri.n > mailto_scheme.n && memcmp(uri.p, mailto_scheme.p, mailto_scheme.n) == 0;
}

/* Where an objection goes by mail: the task's own mailto URI wins, without what RFC 6068 allows
 * behind a '?' (the subject is ours). */
static gw_str unsubscribe_mailto(const email *e, const wire_task *t)
{
    gw_str uri = t->from.unsubscribe;
    if (!is_mailto(uri))
        return config_str(e->config.unsubscribe_mailto);
    const char *query = memchr(uri.p, '?', uri.n);
    size_t end = query ? (size_t)(query - uri.p) : uri.n;
    return (gw_str){uri.p + mailto_scheme.n, end - mailto_scheme.n};
}

/* The task's own unsubscribe URL wins; "{id}" in it becomes the reminder's id. */
static gw_str unsubscribe_url(const email *e, bench *b, const wire_task *t)
{
    gw_str uri = t->from.unsubscribe;
    gw_str url = uri.n && !is_mailto(uri) ? uri : config_str(e->config.unsubscribe_url);
    gw_buf_clear(&b->url);
    for (size_t i = 0; i < url.n; i++) {
        if (url.n - i >= 4 && memcmp(url.p + i, "{id}", 4) == 0) {
            gw_buf_put_str(&b->url, t->ref.rid);
            i += 3;
        } else {
            gw_buf_putc(&b->url, url.p[i]);
        }
    }
    return gw_buf_str(&b->url);
}

/* Messages of one case share a root, so that a mail reader shows them as one thread (RFC 5322
 * §3.6.4). The root is a hash: it says nothing, and any worker finds the same. */
static gw_str thread_id(channel_attempt *a, gw_str message_id)
{
    const wire_task *t = a->task;
    gw_str domain = address_domain(message_id);
    if (t->reference.n == 0 || domain.n == 0)
        return (gw_str){NULL, 0};
    unsigned char hash[16];
    char hex[33], line[ADDRESS_BYTES_MAX + 1];
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, sizeof hash);
    crypto_generichash_update(&state, (const unsigned char *)t->source.p, t->source.n);
    crypto_generichash_update(&state, (const unsigned char *)"", 1);
    crypto_generichash_update(&state, (const unsigned char *)t->reference.p, t->reference.n);
    crypto_generichash_final(&state, hash, sizeof hash);
    gw_hex(hash, sizeof hash, hex);
    int n = snprintf(line, sizeof line, "case.%s@%.*s", hex, GW_STR_ARG(domain));
    if (n <= 0 || n >= (int)sizeof line)
        return (gw_str){NULL, 0};
    char *kept = gw_arena_copy(a->arena, (gw_str){line, (size_t)n});
    return (gw_str){kept, kept ? (size_t)n : 0};
}

/* The task's, or rid@<sender's domain>: stable over attempts either way. */
static gw_str message_id_of(channel_attempt *a, const wire_sender *from)
{
    const wire_task *t = a->task;
    if (t->message_id.n)
        return t->message_id;
    char line[ADDRESS_BYTES_MAX + 64];
    gw_str domain = address_domain(from->address);
    int n = snprintf(line, sizeof line, "%.*s@%.*s", GW_STR_ARG(t->ref.rid), GW_STR_ARG(domain));
    char *kept = n < (int)sizeof line ? gw_arena_copy(a->arena, (gw_str){line, (size_t)n}) : NULL;
    return (gw_str){kept, kept ? (size_t)n : 0};
}

static void split_recipients(const wire_task *t, header_mailbox *to, size_t *to_n,
                             header_mailbox *cc, size_t *cc_n)
{
    for (size_t i = 0; i < t->to_n; i++) {
        header_mailbox box = {t->to[i].name, t->to[i].address};
        if (gw_str_is(t->to[i].kind, "cc"))
            cc[(*cc_n)++] = box;
        else
            to[(*to_n)++] = box;
    }
}

static gw_code prepare(void *self, void *bench_ptr, channel_attempt *a,
                       const template_bundle *bundle, gw_err *err)
{
    email *e = self;
    bench *b = bench_ptr;
    const wire_task *t = a->task;
    wire_sender from = sender_of(e, t);
    gw_str url = unsubscribe_url(e, b, t);
    context_settings settings = {unsubscribe_mailto(e, t), url, from};
    context c;
    gw_code rc = context_build(b->context, a->facts, t, &settings, a->arena, &c, err);
    if (rc == GW_OK)
        rc = render(b, bundle, &c, err);
    compose_attachment files[COMPOSE_ATTACHMENTS_MAX];
    header_mailbox to[WIRE_RECIPIENTS_MAX], cc[WIRE_RECIPIENTS_MAX];
    compose_mail mail = {.id = t->ref.rid,
                         .date_ms = t->now_ms,
                         .from = {from.name, from.address},
                         .reply_to = from.reply_to,
                         .to = to,
                         .cc = cc,
                         .subject = gw_buf_str(&b->subject),
                         .locale = t->locale,
                         .unsubscribe_mailto = settings.opt_out_email,
                         .unsubscribe_url = url,
                         .text = gw_buf_str(&b->text),
                         .html = gw_buf_str(&b->html),
                         .attachments = files};
    if (rc == GW_OK)
        rc = attach(e, b, a, &c, files, &mail.attachment_n, err);
    if (rc != GW_OK)
        return rc;
    split_recipients(t, to, &mail.to_n, cc, &mail.cc_n);
    a->message_id = mail.message_id = message_id_of(a, &from);
    mail.thread_id = thread_id(a, a->message_id);
    return compose(&mail, &a->bytes, err);
}

static void serve(void *self, channel_source *source)
{
    email *e = self;
    if (e->config.transport == EMAIL_SMTP)
        smtp_serve(e->relay, source);
    else
        outbox_serve(&e->config.outbox, source);
}

static void watch(void *self)
{
    email *e = self;
    if (e->relay)
        smtp_watch(e->relay);
}

static void email_close(void *self)
{
    email *e = self;
    if (!e)
        return;
    smtp_relay_free(e->relay);
    for (size_t i = 0; i < GW_COUNT(e->strings); i++)
        gw_buf_done(&e->strings[i]);
    free(e);
}

/* Replace *z by a copy that the driver owns. */
static gw_code keep(email *e, size_t at, const char **z, gw_err *err)
{
    gw_buf_init(&e->strings[at], 4096);
    gw_buf_puts(&e->strings[at], *z ? *z : "");
    *z = e->strings[at].data;
    return gw_buf_code(&e->strings[at], "an e-mail setting", err);
}

static gw_code check(const email_config *c, gw_err *err)
{
    const struct {
        const char *value, *what;
        bool needed;
    } addresses[] = {{c->from_address, "email.from.address", false},
                     {c->reply_to, "email.reply_to", false},
                     {c->unsubscribe_mailto, "email.unsubscribe.mailto", false}};
    for (size_t i = 0; i < GW_COUNT(addresses); i++) {
        gw_str s = config_str(addresses[i].value);
        gw_code rc = s.n ? address_check(s, addresses[i].what, err) : GW_OK;
        if (rc != GW_OK)
            return rc;
    }
    gw_str url = config_str(c->unsubscribe_url);
    if (url.n && (url.n < 9 || memcmp(url.p, "https://", 8) != 0))
        return gw_fail(err, GW_EINVAL, "email.unsubscribe.url must begin with https://");
    return header_check(config_str(c->from_name), "email.from.name", err);
}

gw_code email_channel(const email_config *config, channel *ret, gw_err *err)
{
    gw_code rc = check(config, err);
    if (rc != GW_OK)
        return rc;
    email *e = calloc(1, sizeof *e);
    if (!e)
        return gw_fail(err, GW_ENOMEM, "starting the e-mail channel");
    e->config = *config;
    e->config.outbox.suffix = ".eml";
    const char **strings[] = {&e->config.from_name,       &e->config.from_address,
                              &e->config.reply_to,        &e->config.unsubscribe_mailto,
                              &e->config.unsubscribe_url, &e->config.outbox.folder};
    for (size_t i = 0; i < GW_COUNT(strings) && rc == GW_OK; i++)
        rc = keep(e, i, strings[i], err);
    if (rc == GW_OK && config->transport == EMAIL_SMTP) {
        e->config.smtp.sender = e->config.from_address;
        rc = smtp_relay_new(&e->config.smtp, &e->relay, err);
    }
    if (rc != GW_OK) {
        email_close(e);
        return rc;
    }
    *ret = (channel){.name = "email",
                     .self = e,
                     .bench_new = bench_new,
                     .bench_free = bench_free,
                     .prepare = prepare,
                     .serve = serve,
                     .watch = watch,
                     .close = email_close};
    return GW_OK;
}
