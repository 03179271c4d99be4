/* task_guard.c - what the content guard must know of the rules: the member "guard" of a task. */
#include "gateway/dispatch/task_guard.h"

enum { NEEDS_MAX = 64, OPT_OUTS_MAX = 32 };

static void open_list(gw_buf *b, const char *name)
{
    json_put_name(b, name);
    gw_buf_putc(b, '[');
}

static gw_code put_needs(const task_facts_input *in, gw_buf *b, gw_err *err)
{
    const policy_required *needs[NEEDS_MAX];
    size_t n = policy_needs(&in->facts->policy, in->rules, in->now, needs, NEEDS_MAX);
    if (n > NEEDS_MAX)
        return gw_fail(err, GW_ELIMIT, "the packs together ask for more than %d texts", NEEDS_MAX);
    open_list(b, "needs");
    for (size_t i = 0; i < n; i++) {
        gw_buf_puts(b, i ? ",{" : "{");
        json_put_member_str(b, "pack", gw_str_of(needs[i]->pack));
        json_put_member_str(b, "need", gw_str_of(needs[i]->need));
        gw_buf_putc(b, '}');
    }
    gw_buf_putc(b, ']');
    return GW_OK;
}

static gw_code put_opt_outs(const task_facts_input *in, gw_buf *b, gw_err *err)
{
    const policy_opt_out *rows[OPT_OUTS_MAX];
    size_t n =
        policy_opt_outs(&in->facts->policy, in->rules, in->now, in->locale, rows, OPT_OUTS_MAX);
    if (n > OPT_OUTS_MAX)
        return gw_fail(err, GW_ELIMIT, "the packs together have more than %d opt-out wordings",
                       OPT_OUTS_MAX);
    open_list(b, "opt_outs");
    for (size_t i = 0; i < n; i++) {
        gw_buf_puts(b, i ? ",{" : "{");
        json_put_member_str(b, "pack", gw_str_of(rows[i]->pack));
        json_put_member_str(b, "wording", gw_str_of(rows[i]->wording));
        open_list(b, "words");
        for (size_t k = 0; k < rows[i]->word_n; k++) {
            if (k)
                gw_buf_putc(b, ',');
            json_put_string(b, gw_str_of(rows[i]->words[k]));
        }
        gw_buf_puts(b, "]}");
    }
    gw_buf_putc(b, ']');
    return GW_OK;
}

/* The dates among the job's own facts on which no business is done where the debtor is. */
static void put_closed(const task_facts_input *in, gw_buf *b)
{
    const json_doc *j = &in->reminder->doc;
    uint32_t facts = in->reminder->facts;
    size_t n = 0;
    open_list(b, "closed");
    for (uint32_t m = facts ? json_first(facts) : 0; facts && m < json_at(j, facts)->next;
         m = json_at(j, m + 1)->next) {
        int32_t day;
        gw_str s = json_kind_of(j, m + 1) == JSON_STRING ? json_raw(j, m + 1) : (gw_str){NULL, 0};
        if (s.n != GW_DATE_TEXT - 1 || gw_date_parse(s, &day, NULL) != GW_OK ||
            policy_is_business_day(&in->facts->policy, in->rules, in->now, day))
            continue;
        if (n++)
            gw_buf_putc(b, ',');
        json_put_string(b, s);
    }
    gw_buf_putc(b, ']');
}

gw_code task_guard_put(const task_facts_input *in, gw_buf *out, gw_err *err)
{
    bool confirms = strcmp(in->facts->policy.purpose, POLICY_PURPOSE_CONFIRM) == 0;
    gw_code rc = GW_OK;
    if (!in->rules || confirms) /* an answer to the person's own message: packs ask nothing of it */
        return GW_OK;
    json_put_name(out, "guard");
    gw_buf_putc(out, '{');
    rc = put_needs(in, out, err);
    if (rc == GW_OK)
        rc = put_opt_outs(in, out, err);
    put_closed(in, out);
    gw_buf_putc(out, '}');
    return rc;
}
