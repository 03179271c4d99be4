#include "workers/email/context.h"

#include "gateway/base/time.h"

#include <stdio.h>

enum { NAME_MAX_BYTES = 120 };

struct context_bench {
    formatter *formatters[CONTEXT_FORMATTERS_MAX];
    size_t n, oldest;
};

context_bench *context_bench_new(void)
{
    return calloc(1, sizeof(context_bench));
}

void context_bench_free(context_bench *b)
{
    for (size_t i = 0; b && i < b->n; i++)
        formatter_free(b->formatters[i]);
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

typedef struct {
    const json_doc *in;
    formatter *f;
    gw_buf *out;
    gw_buf text; /* one formatted value */
    gw_err *err;
} builder;

static void put_member_text(builder *b, const char *name)
{
    json_put_member_str(b->out, name, gw_buf_str(&b->text));
}

static gw_code put_money(builder *b, const char *name, int64_t minor, gw_str currency)
{
    gw_buf_clear(&b->text);
    gw_code rc = format_money(b->f, minor, currency, &b->text, b->err);
    if (rc == GW_OK)
        put_member_text(b, name);
    return rc;
}

/* The long date, and the plain one beside it unless `object` of the facts has that itself. */
static gw_code put_date(builder *b, uint32_t object, const char *name, int32_t day)
{
    char iso[GW_DATE_TEXT];
    char plain[NAME_MAX_BYTES + 8];
    gw_buf_clear(&b->text);
    gw_code rc = format_date(b->f, day, &b->text, b->err);
    if (rc != GW_OK)
        return rc;
    put_member_text(b, name);
    gw_date_format(day, iso);
    snprintf(plain, sizeof plain, "%s_iso", name);
    if (json_member(b->in, object, plain) == 0)
        json_put_member_str(b->out, plain, gw_str_of(iso));
    return GW_OK;
}

static bool is_date(gw_str s, int32_t *ret_day)
{
    return s.n == 10 && gw_date_parse(s, ret_day, NULL) == GW_OK;
}

static gw_code put_value(builder *b, uint32_t node, gw_str currency);

/* "amount_minor" gives "amount"; an "amount" of the facts' own is left alone. */
static gw_code put_minor(builder *b, uint32_t object, gw_str name, const json_node *value,
                         gw_str currency)
{
    static const char suffix[] = "_minor";
    size_t cut = sizeof suffix - 1;
    if (value->kind != JSON_INT || currency.n == 0 || name.n <= cut || name.n > NAME_MAX_BYTES ||
        memcmp(name.p + name.n - cut, suffix, cut) != 0)
        return GW_OK;
    char shown[NAME_MAX_BYTES + 1];
    memcpy(shown, name.p, name.n - cut);
    shown[name.n - cut] = '\0';
    if (json_member(b->in, object, shown) != 0)
        return GW_OK;
    return put_money(b, shown, value->i, currency);
}

static gw_code put_member(builder *b, uint32_t object, uint32_t name_node, gw_str currency)
{
    uint32_t value = json_at(b->in, name_node)->next;
    gw_str name = json_str(b->in, name_node);
    if (!name.p)
        return gw_fail(b->err, GW_ENOMEM, "reading the facts");
    int32_t day;
    bool label = gw_str_is(name, "id") || gw_str_is(name, "reference");
    if (!label && json_kind_of(b->in, value) == JSON_STRING && name.n <= NAME_MAX_BYTES &&
        is_date(json_raw(b->in, value), &day)) {
        char z[NAME_MAX_BYTES + 1];
        memcpy(z, name.p, name.n);
        z[name.n] = '\0';
        return put_date(b, object, z, day);
    }
    gw_code rc = put_minor(b, object, name, json_at(b->in, value), currency);
    if (rc != GW_OK)
        return rc;
    if (b->out->n && b->out->data[b->out->n - 1] != '{')
        gw_buf_putc(b->out, ',');
    gw_buf_putc(b->out, '"');
    gw_buf_put_str(b->out, json_raw(b->in, name_node));
    gw_buf_put(b->out, "\":", 2);
    return put_value(b, value, currency);
}

static gw_str currency_of(const builder *b, uint32_t object, gw_str inherited)
{
    gw_str own = json_get_str(b->in, object, "currency");
    return own.n ? own : inherited;
}

static gw_code put_value(builder *b, uint32_t node, gw_str currency)
{
    const json_node *v = json_at(b->in, node);
    gw_code rc = GW_OK;
    if (v->kind == JSON_ARRAY) {
        gw_buf_putc(b->out, '[');
        uint32_t child = json_first(node);
        for (uint32_t i = 0; i < v->count && rc == GW_OK; i++) {
            if (i)
                gw_buf_putc(b->out, ',');
            rc = put_value(b, child, currency);
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
            rc = put_member(b, node, name, own);
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

static void open_member(builder *b, const char *name, char bracket)
{
    json_put_name(b->out, name);
    gw_buf_putc(b->out, bracket);
}

static void put_text_if(builder *b, const char *name, gw_str value)
{
    if (value.n)
        json_put_member_str(b->out, name, value);
}

/* ---- from the statement ---- */

static gw_code put_totals(builder *b, const statement *s)
{
    gw_code rc = GW_OK;
    if (json_member(b->in, 0, "totals") != 0)
        return GW_OK;
    open_member(b, "totals", '[');
    for (size_t i = 0; i < s->total_n && rc == GW_OK; i++) {
        const statement_total *t = &s->totals[i];
        const struct {
            const char *name;
            int64_t minor;
        } rows[] = {{"balance", t->balance},
                    {"overdue", t->overdue},
                    {"items", t->items},
                    {"charges", t->charges},
                    {"credits", t->credits}};
        gw_buf_puts(b->out, i ? ",{" : "{");
        json_put_member_str(b->out, "currency", gw_str_of(t->currency));
        for (size_t r = 0; r < GW_COUNT(rows) && rc == GW_OK; r++)
            rc = put_money(b, rows[r].name, rows[r].minor, gw_str_of(t->currency));
        gw_buf_putc(b->out, '}');
    }
    gw_buf_putc(b->out, ']');
    return rc;
}

/* "EUR 10.00, USD 5.00" */
static gw_code put_sum(builder *b, const statement *s, const char *name, bool overdue)
{
    gw_code rc = GW_OK;
    char minor[NAME_MAX_BYTES + 8];
    snprintf(minor, sizeof minor, "%s_minor", name);
    if (json_member(b->in, 0, name) != 0 || json_member(b->in, 0, minor) != 0)
        return GW_OK;
    gw_buf_clear(&b->text);
    for (size_t i = 0; i < s->total_n && rc == GW_OK; i++) {
        const statement_total *t = &s->totals[i];
        if (i)
            gw_buf_puts(&b->text, ", ");
        rc = format_money(b->f, overdue ? t->overdue : t->balance, gw_str_of(t->currency), &b->text,
                          b->err);
    }
    if (rc == GW_OK && s->total_n)
        put_member_text(b, name);
    return rc;
}

static gw_code put_statement(builder *b, const statement *s)
{
    int oldest = 0;
    gw_code rc = put_totals(b, s);
    if (rc == GW_OK)
        rc = put_sum(b, s, "total_open", false);
    if (rc == GW_OK)
        rc = put_sum(b, s, "total_overdue", true);
    for (size_t i = 0; i < s->item_n; i++)
        if (s->items[i].days_overdue > oldest)
            oldest = s->items[i].days_overdue;
    if (json_member(b->in, 0, "item_count") == 0)
        json_put_member_int(b->out, "item_count", (int64_t)s->item_n);
    if (json_member(b->in, 0, "days_overdue") == 0)
        json_put_member_int(b->out, "days_overdue", oldest);
    return rc;
}

/* ---- the top ---- */

static void put_default(builder *b, const char *name, gw_str value)
{
    if (value.n && json_member(b->in, 0, name) == 0)
        json_put_member_str(b->out, name, value);
}

static void put_settings(builder *b, const wire_task *task, const context_settings *s)
{
    put_default(b, "reference", task->reference);
    put_default(b, "unsubscribe", s->opt_out_url.n ? s->opt_out_url : s->opt_out_email);
    if ((s->opt_out_email.n || s->opt_out_url.n) && json_member(b->in, 0, "opt_out") == 0) {
        open_member(b, "opt_out", '{');
        put_text_if(b, "email", s->opt_out_email);
        put_text_if(b, "url", s->opt_out_url);
        gw_buf_putc(b->out, '}');
    }
    if (json_member(b->in, 0, "sender") == 0) {
        open_member(b, "sender", '{');
        put_text_if(b, "name", s->from.name);
        put_text_if(b, "email", s->from.address);
        gw_buf_putc(b->out, '}');
    }
}

static gw_code put_top(builder *b, const wire_task *task, const context_settings *settings,
                       const statement *s, gw_str locale)
{
    gw_code rc = GW_OK;
    gw_str currency = currency_of(b, 0, (gw_str){NULL, 0});
    gw_buf_putc(b->out, '{');
    uint32_t name = json_first(0);
    for (uint32_t i = 0; i < json_at(b->in, 0)->count && rc == GW_OK; i++) {
        rc = put_member(b, 0, name, currency);
        name = json_at(b->in, json_at(b->in, name)->next)->next;
    }
    if (rc == GW_OK && json_member(b->in, 0, "date") == 0)
        rc = put_date(b, 0, "date", (int32_t)(task->now_ms / GW_MS_PER_DAY));
    put_default(b, "locale", locale);
    put_settings(b, task, settings);
    if (rc == GW_OK && s)
        rc = put_statement(b, s);
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

/* A job's own list of items need not make a statement; only an attached one has to. */
static gw_code read_statement(const json_doc *facts, context_level level, gw_arena *arena,
                              const statement **ret, gw_err *err)
{
    uint32_t items = json_member(facts, 0, "items");
    if (level == CONTEXT_STATEMENT_NONE && (!items || json_at(facts, items)->count == 0))
        return GW_OK;
    gw_err own = {0};
    gw_code rc = statement_from_json(facts, 0, arena, ret, &own);
    if (rc == GW_OK || level == CONTEXT_STATEMENT_NONE)
        return rc == GW_ENOMEM ? gw_fail(err, rc, "building the statement") : GW_OK;
    return gw_fail(err, rc, "statement: %s", own.text);
}

gw_code context_build(context_bench *bench, gw_str facts_text, const wire_task *task,
                      const context_settings *settings, gw_arena *arena, context *ret, gw_err *err)
{
    json_doc facts;
    const statement *s = NULL;
    context_level level;
    gw_code rc = json_parse(facts_text, arena, &facts, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "facts");
    if (json_kind_of(&facts, 0) != JSON_OBJECT)
        return gw_fail(err, GW_EINVAL, "facts: a JSON object is expected");
    rc = read_level(&facts, &level, err);
    if (rc == GW_OK)
        rc = read_statement(&facts, level, arena, &s, err);
    if (rc != GW_OK)
        return rc;

    gw_str locale = task->locale.n ? task->locale : s ? s->locale : GW_STR("en");
    builder b = {.in = &facts, .err = err};
    GW_AUTO_BUF gw_buf out;
    gw_buf_init(&out, CONTEXT_BYTES_MAX);
    b.out = &out;
    gw_buf_init(&b.text, 4096);
    rc = formatter_for(bench, locale, &b.f, err);
    if (rc == GW_OK)
        rc = put_top(&b, task, settings, s, locale);
    if (rc == GW_OK)
        rc = gw_buf_code(&out, "the data for the template", err);
    gw_buf_done(&b.text);
    if (rc != GW_OK)
        return rc;
    char *kept = gw_arena_copy(arena, gw_buf_str(&out));
    if (!kept)
        return gw_fail(err, GW_ENOMEM, "building the data for the template");
    rc = json_parse((gw_str){kept, out.n}, arena, &ret->doc, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "the data for the template");
    ret->statement = s;
    ret->level = level;
    return GW_OK;
}
