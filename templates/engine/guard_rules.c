/* guard_rules.c - what the rule packs that apply ask of a message: texts it must hold, the wording
 * of the way out, and dates that are business days. The gateway says so in the data's member
 * "guard" (gateway/dispatch/task_guard.h). */
#include "templates/engine/guard_part.h"

#include "gateway/base/time.h"

#include <stdio.h>

enum { RULE_TEXT = 160, NAME_TEXT = 80 };

static bool is_mail(template_part p)
{
    return p == TEMPLATE_TEXT || p == TEMPLATE_HTML;
}

/* Where an amount or a way to object may stand: in a call only what the right party hears. */
static bool is_of_the_matter(template_part p)
{
    return is_mail(p) || p == TEMPLATE_SMS || p == TEMPLATE_VOICE_DETAILS;
}

static bool is_said_to_all(template_part p)
{
    return is_mail(p) || p == TEMPLATE_SMS || p == TEMPLATE_VOICE || p == TEMPLATE_VOICE_ASK;
}

static bool shows_any(const guard_look *l, const char *const *pointers)
{
    for (; *pointers; pointers++)
        if (guard_shows(l, *pointers))
            return true;
    return false;
}

static bool has_identity(const guard_look *l)
{
    return !is_said_to_all(l->part) || guard_shows(l, "/creditor/name");
}

static bool has_opt_out(const guard_look *l)
{
    static const char *const ways[] = {"/opt_out/email", "/opt_out/url", "/unsubscribe", NULL};
    if (l->part == TEMPLATE_SMS)
        return l->w && lint_words_have_opt_out(l->w, l->folded);
    return !is_mail(l->part) || shows_any(l, ways);
}

static bool has_balance(const guard_look *l)
{
    static const char *const sums[] = {"/total_open", "/total_overdue", "/item/open", NULL};
    return !is_of_the_matter(l->part) || shows_any(l, sums);
}

static bool has_dispute_path(const guard_look *l)
{
    static const char *const ways[] = {"/dispute_link", "/creditor/email", "/creditor/phone",
                                       "/creditor/address", NULL};
    return !is_of_the_matter(l->part) || shows_any(l, ways);
}

/* The words of legal threats are known, so look_words has looked for them. */
static bool knows_threats(const guard_look *l)
{
    for (uint32_t i = 0; l->w && i < l->w->count; i++)
        if (strcmp(l->w->rules[i].id, "legal-claim") == 0 &&
            l->w->rules[i].severity == LINT_ERROR && l->w->rules[i].count)
            return true;
    return false;
}

static const struct {
    const char *need;
    bool (*met)(const guard_look *l);
    const char *why;
} needs[] = {
    {"identity", has_identity, "who writes is not named"},
    {"creditor", has_identity, "the creditor is not named"},
    {"opt-out", has_opt_out, "no way out is offered"},
    {"balance", has_balance, "the amount is not stated"},
    {"dispute-path", has_dispute_path, "no way to object is named"},
    {"no-legal-threat", knows_threats, "the words of legal threats are not listed for it"},
};

static gw_code look_need(const guard_look *l, uint32_t row)
{
    char rule[RULE_TEXT];
    gw_str need = json_get_str(l->data, row, "need");
    gw_str pack = json_get_str(l->data, row, "pack");
    snprintf(rule, sizeof rule, "%.*s/%.*s", GW_STR_ARG(pack), GW_STR_ARG(need));
    for (size_t i = 0; i < GW_COUNT(needs); i++)
        if (gw_str_is(need, needs[i].need))
            return needs[i].met(l) ? GW_OK : guard_block(l, rule, needs[i].why);
    return guard_block(l, rule, "nobody knows how to look for what the pack asks for");
}

/* Member `name` of the data's guard, a list; 0 when there is none. */
static uint32_t list_of(const json_doc *d, const char *name)
{
    uint32_t guard = json_member(d, 0, "guard");
    uint32_t list =
        guard && json_kind_of(d, guard) == JSON_OBJECT ? json_member(d, guard, name) : 0;
    return list && json_kind_of(d, list) == JSON_ARRAY ? list : 0;
}

static gw_code each_row(const guard_look *l, const char *name,
                        gw_code (*look)(const guard_look *l, uint32_t row))
{
    gw_code rc = GW_OK;
    uint32_t list = list_of(l->data, name);
    for (uint32_t at = list ? json_first(list) : 0;
         rc == GW_OK && list && at < json_at(l->data, list)->next; at = json_at(l->data, at)->next)
        rc = json_kind_of(l->data, at) == JSON_OBJECT ? look(l, at)
                                                      : guard_block(l, name, "cannot be read");
    return rc;
}

gw_code guard_look_needs(const guard_look *l)
{
    return each_row(l, "needs", look_need);
}

/* ---- the wording of the way out ---- */

static bool has_phrase(gw_str folded, gw_str phrase)
{
    GW_AUTO_BUF gw_buf p;
    gw_buf_init(&p, 4096);
    lint_literal_fold(phrase, &p);
    for (size_t from = 0; p.n && p.code == GW_OK && from < folded.n;) {
        const char *at = memmem(folded.p + from, folded.n - from, p.data, p.n);
        if (!at)
            return false;
        if (lint_words_is_whole(folded, (size_t)(at - folded.p), gw_buf_str(&p)))
            return true;
        from = (size_t)(at - folded.p) + 1;
    }
    return false;
}

/* The pack's own wording; or one of our phrases, with a word that the pack lists as an opt-out. */
static gw_code look_wording(const guard_look *l, uint32_t row)
{
    char rule[RULE_TEXT];
    uint32_t words = json_member(l->data, row, "words");
    bool offered = has_phrase(l->folded, json_get_str(l->data, row, "wording"));
    bool ours = l->w && lint_words_have_opt_out(l->w, l->folded) && words &&
                json_kind_of(l->data, words) == JSON_ARRAY;
    for (uint32_t at = ours ? json_first(words) : 0;
         ours && !offered && at < json_at(l->data, words)->next; at = json_at(l->data, at)->next)
        offered = has_phrase(l->folded, json_str(l->data, at));
    snprintf(rule, sizeof rule, "%.*s/opt-out-wording",
             GW_STR_ARG(json_get_str(l->data, row, "pack")));
    return offered ? GW_OK : guard_block(l, rule, "the pack's way out is not offered");
}

gw_code guard_look_wordings(const guard_look *l)
{
    return l->part == TEMPLATE_SMS ? each_row(l, "opt_outs", look_wording) : GW_OK;
}

/* ---- dates ---- */

/* Dates that are not set by us: of the invoice, of today, or the debtor's own. */
static bool is_no_deadline(gw_str name)
{
    static const char *const names[] = {
        "date",      "today", "due_date",       "due",   "statement_date", "promise_date", "locale",
        "reference", "id",    "statement_date", "issued"};
    for (size_t i = 0; i < GW_COUNT(names); i++)
        if (gw_str_is(name, names[i]))
            return true;
    return name.n > 4 && memcmp(name.p + name.n - 4, "_iso", 4) == 0;
}

/* The day a member stands for: the content puts the locale's long date in its place and keeps the
 * plain one beside it. */
static gw_str plain_date(const guard_look *l, gw_str name, uint32_t value)
{
    char iso[NAME_TEXT];
    if (name.n + sizeof "_iso" > sizeof iso)
        return (gw_str){NULL, 0};
    snprintf(iso, sizeof iso, "%.*s_iso", GW_STR_ARG(name));
    gw_str kept = json_get_str(l->data, 0, iso);
    return kept.n ? kept : json_str(l->data, value);
}

static bool is_named_deadline(gw_str name)
{
    return gw_str_is(name, "deadline") || gw_str_is(name, "pay_by") ||
           gw_str_is(name, "respond_by");
}

static bool is_closed(const guard_look *l, gw_str date, int32_t day)
{
    enum { SATURDAY = 6 };
    uint32_t list = list_of(l->data, "closed");
    if (!list) /* nobody has looked at the debtor's calendar */
        return gw_day_weekday(day) >= SATURDAY;
    for (uint32_t at = json_first(list); at < json_at(l->data, list)->next;
         at = json_at(l->data, at)->next)
        if (json_kind_of(l->data, at) == JSON_STRING && gw_str_eq(json_str(l->data, at), date))
            return true;
    return false;
}

/* Every date of the facts that a reader sees and that lies ahead, whatever its name. */
static gw_code look_date(const guard_look *l, gw_str name, uint32_t value, int32_t today)
{
    char pointer[NAME_TEXT];
    int32_t day;
    gw_str date = plain_date(l, name, value);
    if (is_no_deadline(name) || date.n != GW_DATE_TEXT - 1 ||
        gw_date_parse(date, &day, NULL) != GW_OK)
        return GW_OK;
    snprintf(pointer, sizeof pointer, "/%.*s", GW_STR_ARG(name));
    bool counts = is_named_deadline(name) || (day > today && guard_shows(l, pointer));
    return counts && is_closed(l, date, day)
               ? guard_block(l, "deadline", "a deadline is no business day where the debtor is")
               : GW_OK;
}

gw_code guard_look_dates(const guard_look *l)
{
    const json_doc *d = l->data;
    gw_str now = json_get_str(d, 0, "today_iso");
    int32_t today = 0;
    gw_code rc = GW_OK;
    if (json_kind_of(d, 0) != JSON_OBJECT)
        return GW_OK;
    if (!now.n || gw_date_parse(now, &today, NULL) != GW_OK)
        today = INT32_MIN; /* then every date counts */
    for (uint32_t m = json_first(0); rc == GW_OK && m < json_at(d, 0)->next;
         m = json_at(d, m + 1)->next)
        if (json_kind_of(d, m + 1) == JSON_STRING)
            rc = look_date(l, json_str(d, m), m + 1, today);
    return rc;
}
