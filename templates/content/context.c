#include "gateway/base/time.h"
#include "templates/content/context_builder.h"

struct context_bench {
    formatter *formatters[CONTEXT_FORMATTERS_MAX];
    size_t n, oldest;
    gw_buf data; /* kept between reminders */
};

context_bench *context_bench_new(void)
{
    context_bench *b = calloc(1, sizeof *b);
    if (b)
        gw_buf_init(&b->data, CONTEXT_BYTES_MAX);
    return b;
}

void context_bench_free(context_bench *b)
{
    for (size_t i = 0; b && i < b->n; i++)
        formatter_free(b->formatters[i]);
    if (b)
        gw_buf_done(&b->data);
    free(b);
}

/* Making a formatter costs milliseconds, so the last few locales are kept, oldest thrown out. */
static gw_code formatter_for(context_bench *b, gw_str locale, formatter **ret, gw_err *err)
{
    for (size_t i = 0; i < b->n; i++)
        if (gw_str_eq(formatter_locale(b->formatters[i]), locale)) {
            *ret = b->formatters[i];
            return GW_OK;
        }
    formatter *made = NULL;
    gw_code rc = formatter_new(locale, &made, err);
    if (rc != GW_OK)
        return rc;
    size_t at = b->n;
    if (b->n == CONTEXT_FORMATTERS_MAX) {
        at = b->oldest++ % CONTEXT_FORMATTERS_MAX;
        formatter_free(b->formatters[at]);
    } else {
        b->n++;
    }
    b->formatters[at] = *ret = made;
    return GW_OK;
}

void context_put_member_text(context_builder *b, const char *name)
{
    json_put_member_str(b->out, name, gw_buf_str(&b->text));
}

gw_code context_put_money(context_builder *b, const char *name, int64_t minor, gw_str currency)
{
    gw_buf_clear(&b->text);
    gw_code rc = format_money(b->f, minor, currency, &b->text, b->err);
    if (rc == GW_OK)
        context_put_member_text(b, name);
    return rc;
}

gw_code context_put_date(context_builder *b, uint32_t object, const char *name, int32_t day)
{
    char iso[GW_DATE_TEXT];
    char plain[CONTEXT_NAME_MAX + 8];
    size_t length = strlen(name);
    gw_buf_clear(&b->text);
    gw_code rc = format_date(b->f, day, &b->text, b->err);
    if (rc != GW_OK)
        return rc;
    context_put_member_text(b, name);
    gw_date_format(day, iso);
    memcpy(plain, name, length);
    memcpy(plain + length, "_iso", sizeof "_iso");
    if (object == CONTEXT_OURS || json_member(b->in, object, plain) == 0)
        json_put_member_str(b->out, plain, gw_str_of(iso));
    return GW_OK;
}

static bool is_date(gw_str s, int32_t *ret_day)
{
    return s.n == 10 && gw_date_parse(s, ret_day, NULL) == GW_OK;
}

/* "amount_minor" gives "amount"; an "amount" of the facts' own is left alone. */
static gw_code put_minor(context_builder *b, uint32_t object, gw_str name, const json_node *value,
                         gw_str currency)
{
    static const char suffix[] = "_minor";
    size_t cut = sizeof suffix - 1;
    if (value->kind != JSON_INT || currency.n == 0 || name.n <= cut || name.n > CONTEXT_NAME_MAX ||
        memcmp(name.p + name.n - cut, suffix, cut) != 0)
        return GW_OK;
    char shown[CONTEXT_NAME_MAX + 1];
    memcpy(shown, name.p, name.n - cut);
    shown[name.n - cut] = '\0';
    if (json_member(b->in, object, shown) != 0)
        return GW_OK;
    return context_put_money(b, shown, value->i, currency);
}

gw_code context_put_member(context_builder *b, uint32_t object, uint32_t name_node, gw_str currency)
{
    uint32_t value = json_at(b->in, name_node)->next;
    gw_str name = json_str(b->in, name_node);
    if (!name.p)
        return gw_fail(b->err, GW_ENOMEM, "reading the facts");
    int32_t day;
    bool label = gw_str_is(name, "id") || gw_str_is(name, "reference");
    if (!label && json_kind_of(b->in, value) == JSON_STRING && name.n <= CONTEXT_NAME_MAX &&
        is_date(json_raw(b->in, value), &day)) {
        char z[CONTEXT_NAME_MAX + 1];
        memcpy(z, name.p, name.n);
        z[name.n] = '\0';
        return context_put_date(b, object, z, day);
    }
    gw_code rc = put_minor(b, object, name, json_at(b->in, value), currency);
    if (rc != GW_OK)
        return rc;
    if (b->out->n && b->out->data[b->out->n - 1] != '{')
        gw_buf_putc(b->out, ',');
    gw_buf_putc(b->out, '"');
    gw_buf_put_str(b->out, json_raw(b->in, name_node));
    gw_buf_put(b->out, "\":", 2);
    return context_put_value(b, value, currency);
}

static gw_str currency_of(const context_builder *b, uint32_t object, gw_str inherited)
{
    gw_str own = json_get_str(b->in, object, "currency");
    return own.n ? own : inherited;
}

gw_code context_put_value(context_builder *b, uint32_t node, gw_str currency)
{
    const json_node *v = json_at(b->in, node);
    gw_code rc = GW_OK;
    if (v->kind == JSON_ARRAY) {
        gw_buf_putc(b->out, '[');
        uint32_t child = json_first(node);
        for (uint32_t i = 0; i < v->count && rc == GW_OK; i++) {
            if (i)
                gw_buf_putc(b->out, ',');
            rc = context_put_value(b, child, currency);
            child = json_at(b->in, child)->next;
        }
        gw_buf_putc(b->out, ']');
        return rc;
    }
    if (v->kind == JSON_OBJECT) {
        gw_str own = currency_of(b, node, currency);
        gw_buf_putc(b->out, '{');
        uint32_t name = json_first(node);
        for (uint32_t i = 0; i < v->count && rc == GW_OK; i++) {
            rc = context_put_member(b, node, name, own);
            name = json_at(b->in, json_at(b->in, name)->next)->next;
        }
        gw_buf_putc(b->out, '}');
        return rc;
    }
    const char *quote = v->kind == JSON_STRING ? "\"" : "";
    gw_buf_puts(b->out, quote);
    gw_buf_put_str(b->out, json_raw(b->in, node));
    gw_buf_puts(b->out, quote);
    return GW_OK;
}

void context_open_member(context_builder *b, const char *name, char bracket)
{
    json_put_name(b->out, name);
    gw_buf_putc(b->out, bracket);
}

void context_put_text_if(context_builder *b, const char *name, gw_str value)
{
    if (value.n)
        json_put_member_str(b->out, name, value);
}

/* ---- the top ---- */

static void put_default(context_builder *b, const char *name, gw_str value)
{
    if (value.n && json_member(b->in, 0, name) == 0)
        json_put_member_str(b->out, name, value);
}

static void open_default(context_builder *b, const char *name, bool *ret_open)
{
    *ret_open = json_member(b->in, 0, name) == 0;
    if (*ret_open)
        context_open_member(b, name, '{');
}

/* Where an objection goes: the configured address, else one that is read anyway. */
static gw_str opt_out_email(const context_settings *s)
{
    if (s->opt_out_email.n)
        return s->opt_out_email;
    return s->from.reply_to.n ? s->from.reply_to : s->from.address;
}

static void put_people(context_builder *b, const wire_task *task, const context_settings *s)
{
    bool open;
    gw_str out = opt_out_email(s);
    open_default(b, "opt_out", &open);
    if (open) {
        context_put_text_if(b, "email", out);
        context_put_text_if(b, "url", s->opt_out_url);
        gw_buf_putc(b->out, '}');
    }
    put_default(b, "unsubscribe", s->opt_out_url.n ? s->opt_out_url : out);
    open_default(b, "sender", &open);
    if (open) {
        context_put_text_if(b, "name", s->from.name);
        context_put_text_if(b, "email", s->from.address);
        gw_buf_putc(b->out, '}');
    }
    open_default(b, "recipient", &open);
    if (open) {
        uint32_t contact = json_member(b->in, 0, "contact");
        uint32_t debtor = json_member(b->in, 0, "debtor");
        gw_str name = contact ? json_get_str(b->in, contact, "name") : task->to[0].name;
        gw_str role = contact ? json_get_str(b->in, contact, "role") : task->to[0].role;
        if (name.n == 0)
            name = task->to[0].name;
        if (name.n == 0 && debtor)
            name = json_get_str(b->in, debtor, "name");
        context_put_text_if(b, "name", name);
        context_put_text_if(b, "role", role);
        gw_buf_putc(b->out, '}');
    }
}

static gw_code put_facts(context_builder *b, const statement *s)
{
    gw_code rc = GW_OK;
    gw_str currency = currency_of(b, 0, (gw_str){NULL, 0});
    uint32_t name = json_first(0);
    for (uint32_t i = 0; i < json_at(b->in, 0)->count && rc == GW_OK; i++) {
        uint32_t value = json_at(b->in, name)->next;
        if (s && gw_str_is(json_raw(b->in, name), "items"))
            rc = context_put_items(b, s, value);
        else
            rc = context_put_member(b, 0, name, currency);
        name = json_at(b->in, value)->next;
    }
    return rc;
}

static gw_code put_top(context_builder *b, const wire_task *task, const context_settings *settings,
                       const statement *s, gw_str locale)
{
    if (gw_date_parse(json_get_str(b->in, 0, "date"), &b->today, NULL) != GW_OK)
        b->today = (int32_t)(task->now_ms / GW_MS_PER_DAY);
    gw_buf_putc(b->out, '{');
    gw_code rc = put_facts(b, s);
    if (rc == GW_OK && json_member(b->in, 0, "today") == 0)
        rc = context_put_date(b, 0, "today", b->today);
    put_default(b, "locale", locale);
    put_default(b, "reference", task->reference);
    put_people(b, task, settings);
    if (rc == GW_OK && s)
        rc = context_put_statement(b, s);
    gw_buf_putc(b->out, '}');
    return rc;
}

static gw_code read_level(const json_doc *facts, context_level *ret, gw_err *err)
{
    static const char *const names[] = {"none", "summary", "detailed"};
    gw_str level = json_get_str(facts, 0, "statement");
    *ret = CONTEXT_STATEMENT_NONE;
    if (level.n == 0)
        return GW_OK;
    for (size_t i = 0; i < GW_COUNT(names); i++)
        if (gw_str_is(level, names[i])) {
            *ret = (context_level)i;
            return GW_OK;
        }
    return gw_fail(err, GW_EINVAL, "/statement must be none, summary or detailed");
}

/* A statement without a locale of its own is written in the task's. */
static gw_code give_locale(const json_doc *facts, gw_str locale, gw_arena *arena,
                           const statement **s, gw_err *err)
{
    if (!*s || locale.n == 0 || json_member(facts, 0, "locale") != 0)
        return GW_OK;
    statement *own = gw_arena_alloc(arena, sizeof *own);
    if (!own)
        return gw_fail(err, GW_ENOMEM, "building the statement");
    *own = **s;
    own->locale = locale;
    *s = own;
    return GW_OK;
}

/* A job's own list of items need not make a statement; only an attached one has to. */
static gw_code read_statement(const json_doc *facts, const wire_task *task, gw_arena *arena,
                              context *ret, gw_err *err)
{
    gw_err own = {0};
    uint32_t items = json_member(facts, 0, "items");
    gw_code rc = read_level(facts, &ret->level, err);
    ret->statement = NULL;
    if (rc != GW_OK)
        return rc;
    bool none = ret->level == CONTEXT_STATEMENT_NONE;
    if (none && (!items || json_at(facts, items)->count == 0))
        return GW_OK;
    rc = statement_from_json(facts, 0, arena, &ret->statement, &own);
    if (rc == GW_OK)
        return give_locale(facts, task->locale, arena, &ret->statement, err);
    if (none && rc != GW_ENOMEM)
        return GW_OK;
    return gw_fail(err, rc, "statement: %s", own.text);
}

static gw_code write_data(context_builder *b, const wire_task *task,
                          const context_settings *settings, gw_arena *arena, context *ret)
{
    const statement *s = ret->statement;
    gw_str locale = task->locale.n ? task->locale : s ? s->locale : GW_STR("en");
    gw_code rc = put_top(b, task, settings, s, locale);
    if (rc == GW_OK)
        rc = gw_buf_code(b->out, "the data for the template", b->err);
    if (rc != GW_OK)
        return rc;
    char *kept = gw_arena_copy(arena, gw_buf_str(b->out));
    if (!kept)
        return gw_fail(b->err, GW_ENOMEM, "building the data for the template");
    rc = json_parse((gw_str){kept, b->out->n}, arena, &ret->doc, b->err);
    return rc == GW_OK ? rc : gw_wrap(b->err, rc, "the data for the template");
}

gw_code context_build(context_bench *bench, gw_str facts_text, const wire_task *task,
                      const context_settings *settings, gw_arena *arena, context *ret, gw_err *err)
{
    json_doc facts;
    context made;
    gw_code rc = json_parse(facts_text, arena, &facts, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "facts");
    if (json_kind_of(&facts, 0) != JSON_OBJECT)
        return gw_fail(err, GW_EINVAL, "facts: a JSON object is expected");
    rc = read_statement(&facts, task, arena, &made, err);
    if (rc != GW_OK)
        return rc;

    const statement *s = made.statement;
    context_builder b = {.in = &facts, .out = &bench->data, .err = err};
    gw_buf_clear(&bench->data);
    gw_buf_init(&b.text, 4096);
    rc = formatter_for(bench,
                       task->locale.n ? task->locale
                       : s            ? s->locale
                                      : GW_STR("en"),
                       &b.f, err);
    if (rc == GW_OK)
        rc = write_data(&b, task, settings, arena, &made);
    gw_buf_done(&b.text);
    if (rc == GW_OK)
        *ret = made;
    return rc;
}
