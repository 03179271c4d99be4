/* desk_script.c - what the agent reads: whom to reach, the script for the case's tone with the
 * facts of now, the closed list of outcomes, and the answers to what people say.
 *
 * The number is shown from "dial" on: whoever calls has said so, and it is counted. Where a letter
 * goes is shown at once: it must be written first. */
#include "gateway/dispatch/desk.h"
#include "gateway/dispatch/task_facts.h"

#include "templates/content/context.h"
#include "templates/engine/bundle.h"

enum { SCRIPT_MAX = 256 * 1024, FRIENDLY = 1, FIRM = 2 };

typedef struct {
    desk *k;
    const loaded *l;
    const decision *decided;
    decide_template template;
    gw_str locale; /* of the formats */
} scripting;

void desk_bench_free(struct context_bench *b)
{
    context_bench_free(b);
}

static int32_t today_of(const decision *decided, gw_wall now)
{
    const zone *z = decided->facts.policy.zone;
    return z ? zone_local(z, now).day : (int32_t)(now.ms / GW_MS_PER_DAY);
}

/* ---- the script ---- */

/* The pinned version, unless the agent's language has a version of its own. */
static void pick(scripting *s)
{
    gw_str asked = json_get_str(s->k->ask->body, 0, "locale");
    decide_template own;
    s->template = s->decided->template;
    s->locale = gw_str_of(s->template.locale);
    if (!asked.n)
        return;
    s->locale = asked;
    if (template_cache_pick(s->k->q->templates, s->l->r.template, asked, &own) == GW_OK &&
        gw_str_is(asked, own.locale))
        s->template = own;
}

/* Friendly, firm or serious: a script says which of its sentences belongs to which. */
static void put_tone(gw_buf *b, const view_reminder *r)
{
    int tone = (int)view_int(r->tone, FIRM);
    json_put_member_bool(b, "tone_friendly", tone <= FRIENDLY);
    json_put_member_bool(b, "tone_firm", tone == FIRM);
    json_put_member_bool(b, "tone_serious", tone > FIRM);
}

/* What billing has agreed to offer for the item, and nothing else: each instalment with its
 * currency, so that amounts are written as the locale does. */
static void put_plan(const scripting *s, gw_buf *b)
{
    const view_item *item = s->decided->facts.item;
    json_doc j;
    if (!item || !item->plan.n || json_parse(item->plan, s->k->ask->arena, &j, NULL) != GW_OK ||
        json_kind_of(&j, 0) != JSON_ARRAY)
        return;
    json_put_name(b, "plan");
    gw_buf_putc(b, '[');
    for (uint32_t e = json_first(0), first = e; e < json_at(&j, 0)->next;
         e = json_at(&j, e)->next) {
        gw_buf_puts(b, e == first ? "{" : ",{");
        json_put_member_int(b, "amount_minor", json_get_int(&j, e, "amount_minor", 0));
        json_put_member_str(b, "currency", item->currency);
        json_put_member_str(b, "date", json_get_str(&j, e, "date"));
        gw_buf_putc(b, '}');
    }
    gw_buf_putc(b, ']');
}

/* The day on which a letter's term ends, counted in business days of the step's calendar from
 * today. Left out when the calendar does not know the year: a script that needs it is not rendered.
 */
static void put_term(const scripting *s, gw_buf *b)
{
    const json_doc *j = &s->l->r.doc;
    char text[GW_DATE_TEXT];
    int32_t day;
    int64_t days = json_get_int(j, 0, "term_days", 0);
    char *calendar = gw_arena_copy(s->k->ask->arena, json_get_str(j, 0, "calendar"));
    if (days <= 0 || days > LADDER_TERM_MAX || !calendar ||
        !policy_business_day(s->k->q->rules.rules, calendar, today_of(s->decided, s->k->ask->now),
                             (int)days, &day))
        return;
    gw_date_format(day, text);
    json_put_member_int(b, "term_days", days);
    json_put_member_str(b, "term_date", gw_str_of(text));
}

static gw_code put_facts(const scripting *s, gw_buf *b)
{
    desk *k = s->k;
    const dispatch_source *source = NULL;
    for (size_t i = 0; i < k->q->cfg->source_n; i++) {
        const dispatch_source *at = &k->q->cfg->sources[i];
        bool other = !at->name || strcmp(at->name, "*") == 0;
        if (gw_str_is(s->l->r.source, at->name ? at->name : "*") || (other && !source))
            source = at;
    }
    task_facts_input in = {.debtor = s->l->d,
                           .reminder = &s->l->r,
                           .facts = &s->decided->facts,
                           .creditor = source ? source->creditor : GW_STR("{}"),
                           .signature = source ? source->signature : (gw_str){NULL, 0},
                           .locale = s->locale,
                           .now = k->ask->now};
    gw_code rc = task_facts_json(&in, k->ask->arena, b, k->err);
    if (rc != GW_OK)
        return rc;
    b->n--; /* the closing brace: more members follow */
    put_tone(b, &s->l->r);
    put_plan(s, b);
    put_term(s, b);
    query_put_text(b, "promised_by", s->l->r.deadline);
    gw_buf_putc(b, '}');
    return gw_buf_code(b, "the facts of a script", k->err);
}

static gw_code build_context(const scripting *s, context *ret)
{
    desk *k = s->k;
    const dispatch_sender *from = &k->q->cfg->sender;
    wire_task *task = gw_arena_alloc(k->ask->arena, sizeof *task);
    GW_AUTO_BUF gw_buf facts;
    gw_buf_init(&facts, TASK_FACTS_MAX);
    if (!k->q->bench)
        k->q->bench = context_bench_new();
    if (!task || !k->q->bench)
        return gw_fail(k->err, GW_ENOMEM, "rendering a script");
    memset(task, 0, sizeof *task);
    task->now_ms = k->ask->now.ms;
    task->locale = s->locale;
    task->reference = task_reference(&s->l->r, &s->decided->facts);
    context_settings settings = {
        .from = {.name = gw_str_of(from->name ? from->name : ""),
                 .address = gw_str_of(from->address ? from->address : "")}};
    gw_code rc = put_facts(s, &facts);
    char *kept = rc == GW_OK ? gw_arena_copy(k->ask->arena, gw_buf_str(&facts)) : NULL;
    if (rc == GW_OK && !kept)
        rc = gw_fail(k->err, GW_ENOMEM, "rendering a script");
    return rc == GW_OK ? context_build(k->q->bench, (gw_str){kept, facts.n}, task, &settings,
                                       k->ask->arena, ret, k->err)
                       : rc;
}

static gw_code render(const scripting *s, gw_buf *out)
{
    desk *k = s->k;
    gw_str bytes;
    context c;
    GW_AUTO(template_bundle_free) template_bundle *bundle = NULL;
    gw_code rc =
        template_cache_bundle(k->q->templates, gw_str_of(s->template.version), &bytes, k->err);
    if (rc == GW_OK)
        rc = template_bundle_parse(bytes, &bundle, k->err);
    if (rc == GW_OK && !template_bundle_has(bundle, TEMPLATE_DESK))
        rc = gw_fail(k->err, GW_ENOTFOUND, "the template has no part desk");
    if (rc == GW_OK)
        rc = build_context(s, &c);
    return rc == GW_OK ? template_bundle_render(bundle, TEMPLATE_DESK, &c.doc, true, out, k->err)
                       : rc;
}

/* ---- around it ---- */

static void put_money(const scripting *s, gw_buf *b)
{
    const view_item *i = s->decided->facts.item;
    if (!i)
        return;
    json_put_member_str(b, "item", i->id);
    json_put_member_int(b, "open_minor", i->amount - i->paid);
    json_put_member_str(b, "currency", i->currency);
}

static void put_contact(const scripting *s, gw_buf *b)
{
    const reminder_facts *f = &s->decided->facts;
    bool voice = gw_str_is(s->l->r.channel, "voice");
    bool begun = !voice || s->l->r.state == LIFE_TALKING ||
                 gw_str_is(json_get_str(s->k->ask->body, 0, "do"), "dial");
    if (f->policy.recipient_n == 0)
        return;
    json_put_name(b, "contact");
    gw_buf_putc(b, '{');
    query_put_text(b, "name", f->contacts[0]->name);
    query_put_text(b, "role", f->contacts[0]->role);
    if (begun)
        query_put_text(b, voice ? "number" : "address", f->policy.recipients[0].address);
    gw_buf_putc(b, '}');
}

static void put_outcomes(gw_buf *b, gw_str channel)
{
    const desk_outcome *o;
    bool first = true;
    json_put_name(b, "outcomes");
    gw_buf_putc(b, '[');
    for (size_t i = 0; (o = desk_outcome_at(i)); i++) {
        if (channel.n && !desk_outcome_fits(o, channel))
            continue;
        gw_buf_puts(b, first ? "{" : ",{");
        first = false;
        json_put_member_str(b, "outcome", gw_str_of(o->name));
        json_put_member_str(b, "means", gw_str_of(o->means));
        gw_buf_putc(b, '}');
    }
    gw_buf_putc(b, ']');
}

/* The answer with its day filled in, as the locale writes it; the plain day where ICU has none. */
static void put_answer(const desk_excuse *e, int32_t today, formatter *f, gw_buf *b)
{
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, 2 * DESK_EXCUSE_TEXT_MAX);
    const char *at = e->days ? strstr(e->answer, "{{date}}") : NULL;
    if (!at) {
        json_put_member_str(b, "answer", gw_str_of(e->answer));
        return;
    }
    int32_t day = desk_working_day(today, e->days);
    char iso[GW_DATE_TEXT];
    gw_date_format(day, iso);
    gw_buf_put(&text, e->answer, (size_t)(at - e->answer));
    if (!f || format_date(f, day, &text, NULL) != GW_OK)
        gw_buf_puts(&text, iso);
    gw_buf_puts(&text, at + strlen("{{date}}"));
    json_put_member_str(b, "answer", gw_buf_str(&text));
    json_put_member_str(b, "by", gw_str_of(iso));
}

static void put_excuses(const query *q, gw_str locale, int32_t today, gw_buf *b)
{
    size_t n;
    const desk_excuse *rows = desk_excuses_of(q->excuses, locale, &n);
    GW_AUTO(formatter_free) formatter *f = NULL;
    if (n && formatter_new(locale, &f, NULL) != GW_OK)
        f = NULL;
    json_put_name(b, "excuses");
    gw_buf_putc(b, '[');
    for (size_t i = 0; i < n; i++) {
        gw_buf_puts(b, i ? ",{" : "{");
        json_put_member_str(b, "code", gw_str_of(rows[i].code));
        json_put_member_str(b, "says", gw_str_of(rows[i].says));
        put_answer(&rows[i], today, f, b);
        query_put_text(b, "outcome", gw_str_of(rows[i].outcome));
        gw_buf_putc(b, '}');
    }
    gw_buf_putc(b, ']');
}

static void put_script(const scripting *s, gw_buf *ret, gw_str *ret_script, gw_str *ret_version)
{
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, SCRIPT_MAX);
    gw_code rc = render(s, &text);
    if (rc != GW_OK) {
        json_put_member_str(ret, "no_script", gw_str_of(s->k->err->text));
        return;
    }
    json_put_member_str(ret, "script", gw_buf_str(&text));
    json_put_member_str(ret, "locale", s->locale);
    json_put_member_str(ret, "template_version", gw_str_of(s->template.version));
    if (!ret_script)
        return;
    char *kept = gw_arena_copy(s->k->ask->arena, gw_buf_str(&text));
    char *version = gw_arena_copy(s->k->ask->arena, gw_str_of(s->template.version));
    *ret_script = (gw_str){kept, kept ? text.n : 0};
    *ret_version = gw_str_of(version ? version : "");
}

gw_code desk_put_task(desk *k, const loaded *l, const decision *decided, const desk_memory *m,
                      gw_buf *ret, gw_str *ret_script, gw_str *ret_version)
{
    scripting s = {.k = k, .l = l, .decided = decided};
    const view_reminder *r = &l->r;
    pick(&s);
    json_put_name(ret, "task");
    gw_buf_putc(ret, '{');
    json_put_member_str(ret, "task", r->job);
    json_put_member_str(ret, "source", r->source);
    json_put_member_str(ret, "debtor", r->debtor);
    query_put_text(ret, "name", l->d->name);
    query_put_text(ret, "case", r->case_id);
    query_put_text(ret, "step", r->step);
    json_put_member_str(ret, "channel", r->channel);
    json_put_member_str(ret, "template", r->template);
    query_put_text(ret, "tone", r->tone);
    put_money(&s, ret);
    put_contact(&s, ret);
    json_put_member_int(ret, "rank", r->rank);
    json_put_member_int(ret, "tries", m->tries);
    json_put_member_bool(ret, "right_party", m->confirmed);
    query_put_time(ret, "closes", decided->deadline_ms);
    put_script(&s, ret, ret_script, ret_version);
    put_outcomes(ret, r->channel);
    put_excuses(k->q, s.locale, today_of(decided, k->ask->now), ret);
    gw_buf_putc(ret, '}');
    return gw_buf_code(ret, "a task", k->err);
}

gw_code query_call_codes(query *q, const intake_ask *ask, gw_buf *ret, gw_err *err)
{
    gw_str locale = json_get_str(ask->body, 0, "locale");
    gw_buf_putc(ret, '{');
    put_outcomes(ret, (gw_str){NULL, 0});
    put_excuses(q, locale.n ? locale : GW_STR("en"), (int32_t)(ask->now.ms / GW_MS_PER_DAY), ret);
    gw_buf_putc(ret, '}');
    return gw_buf_code(ret, "the codes of the desk", err);
}
