#include "gateway/evidence/report.h"

#include "gateway/base/time.h"

static const struct {
    const char *event, *words;
} meanings[] = {
    {"SubmissionAcceptance", "Order to contact the debtor accepted and stored"},
    {"SubmissionRejection", "Contact held back or refused by a rule"},
    {"x-Plan", "Time of the contact planned"},
    {"x-AttemptIntent", "About to send these exact bytes (recorded before the first byte left)"},
    {"RelayToNonERDS", "Handed over to the carrier, who took it"},
    {"x-Outbox", "Written to a local folder; nobody was contacted"},
    {"RelayToNonERDSFailure", "The carrier did not take it"},
    {"x-AttemptUnknown", "Attempt interrupted; whether it left is not known"},
    {"x-Withdrawn", "Contact withdrawn before sending"},
    {"x-Task", "Work for a person: opened, taken, given back"},
    {"x-Call", "What an agent did with it, and what came of it"},
    {"x-Payment", "Payment reported by the creditor"},
    {"x-Promise", "Promise to pay"},
    {"x-Dispute", "Dispute opened or resolved"},
    {"x-Hold", "Hold set or released"},
    {"x-Consent", "Consent granted or withdrawn"},
    {"x-Contact", "Debtor's contact details received"},
    {"x-Item", "Open item received or changed"},
    {"x-Operator", "Act of an operator"},
    {"ReceivedFromNonERDS", "Receipt, reply or bounce came in from outside"},
    {"x-Start", "The log was opened"},
    {"x-Rotate", "The log of the year was closed"},
    {"x-Recovery", "After a crash: an unfinished tail was cut"},
    {"x-ClockStep", "The clock was set back"},
    {"x-Export", "Evidence was read or exported"},
    {"x-Malformed", "A record arrived that could not be read; kept as it was"},
};

static const char *const levels[] = {"intent", "asserted by us", "unauthenticated answer",
                                     "authenticated carrier", "authenticated acknowledgement"};

gw_str report_meaning(gw_str event)
{
    for (size_t i = 0; i < GW_COUNT(meanings); i++)
        if (gw_str_is(event, meanings[i].event))
            return gw_str_of(meanings[i].words);
    return event;
}

static void put_html(gw_buf *b, gw_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        const char *escape = c == '<'   ? "&lt;"
                             : c == '>' ? "&gt;"
                             : c == '&' ? "&amp;"
                             : c == '"' ? "&quot;"
                                        : NULL;
        if (escape)
            gw_buf_puts(b, escape);
        else
            gw_buf_putc(b, c);
    }
}

static void put_cell(gw_buf *b, gw_str s)
{
    gw_buf_puts(b, "<td>");
    put_html(b, s);
    gw_buf_puts(b, "</td>");
}

void report_begin(report *r, gw_str title, gw_wall made)
{
    static const char *const columns[] = {
        "happened", "logged",    "log",      "entry", "case",          "source",
        "debtor",   "case name", "number",   "event", "meaning",       "reason",
        "level",    "attempt",   "reminder", "facts", "private values"};
    char time[GW_TIME_TEXT];
    memset(r, 0, sizeof *r);
    gw_buf_init(&r->html, 256 << 20);
    gw_buf_init(&r->csv, (size_t)1 << 30);
    csv_start(&r->writer, &r->csv);
    for (size_t i = 0; i < GW_COUNT(columns); i++)
        csv_put_text(&r->writer, gw_str_of(columns[i]));
    csv_end_row(&r->writer);
    gw_time_format(made, time);
    gw_buf_puts(&r->html,
                "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Evidence"
                "</title><style>body{font:14px sans-serif;margin:2em}table{border-collapse:collapse"
                "}td,th{border:1px solid #999;padding:3px 6px;vertical-align:top;text-align:left}"
                "</style></head><body>\n<h1>Evidence: ");
    put_html(&r->html, title);
    gw_buf_printf(&r->html, "</h1>\n<p>Made %s.</p>\n", time);
    gw_buf_puts(
        &r->html,
        "<p>This page repeats the records in this file for reading. The records, their proofs and "
        "the signed checkpoints are the evidence; check them with <code>dunlin-verify</code>, "
        "offline.</p>\n<p>They show what was recorded, when at the latest, and that it was not "
        "changed afterwards. They do not show that what was recorded was true, nor that anybody "
        "read a message. Without an outside witness or timestamp the times are the operator's own "
        "assertion. This is not a qualified registered delivery service.</p>\n");
}

static void end_table(report *r)
{
    if (r->rows > 0)
        gw_buf_puts(&r->html, "</table>\n");
}

void report_case(report *r, gw_str pseudonym, gw_str source, gw_str debtor, gw_str case_name)
{
    if (r->rows >= REPORT_ROWS_MAX)
        return;
    end_table(r);
    gw_buf_puts(&r->html, "<h2>Case ");
    put_html(&r->html, case_name.n ? case_name : pseudonym);
    gw_buf_puts(&r->html, "</h2>\n<p>Debtor ");
    put_html(&r->html, debtor.n ? debtor : GW_STR("(none)"));
    gw_buf_puts(&r->html, ", source ");
    put_html(&r->html, source.n ? source : GW_STR("(none)"));
    gw_buf_puts(&r->html, ", pseudonym ");
    put_html(&r->html, pseudonym);
    gw_buf_puts(&r->html, "</p>\n<table><tr><th>No</th><th>Happened (UTC)</th><th>What</th><th>"
                          "Reason</th><th>Weight</th><th>Facts</th><th>Private values</th></tr>\n");
}

/* "name: value; name: value" of the disclosures, without their salts. */
static gw_code put_private(gw_buf *b, gw_str disclosures, gw_arena *arena, gw_err *err)
{
    json_doc d;
    if (disclosures.n == 0)
        return GW_OK;
    gw_code rc = json_parse(disclosures, arena, &d, err);
    if (rc != GW_OK)
        return rc;
    for (uint32_t at = 1; at < d.nodes[0].next; at = json_at(&d, at)->next) {
        uint32_t name = json_at(&d, at + 1)->next;
        uint32_t value = json_at(&d, name)->next;
        if (b->n > 0)
            gw_buf_puts(b, "; ");
        gw_buf_put_str(b, json_str(&d, name));
        gw_buf_puts(b, ": ");
        gw_buf_put_str(b, json_kind_of(&d, value) == JSON_STRING ? json_str(&d, value)
                                                                 : json_raw(&d, value));
    }
    return gw_buf_code(b, "private values", err);
}

static void put_csv(report *r, const report_row *row, gw_str facts, gw_str private)
{
    char t[GW_TIME_TEXT];
    char tb[GW_TIME_TEXT];
    const record_view *v = row->record;
    csv_writer *w = &r->writer;
    gw_time_format(v->t, t);
    gw_time_format(v->tb, tb);
    csv_put_text(w, gw_str_of(t));
    csv_put_text(w, gw_str_of(tb));
    csv_put_text(w, gw_str_of(row->origin));
    csv_put_int(w, (int64_t)row->index);
    csv_put_text(w, v->kase);
    csv_put_text(w, row->source);
    csv_put_text(w, row->debtor);
    csv_put_text(w, row->case_name);
    csv_put_int(w, (int64_t)v->cseq);
    csv_put_text(w, v->event);
    csv_put_text(w, report_meaning(v->event));
    csv_put_text(w, v->why);
    csv_put_int(w, v->level);
    csv_put_int(w, v->attempt);
    csv_put_text(w, v->rid);
    csv_put_text(w, facts);
    csv_put_text(w, private);
    csv_end_row(w);
}

static void put_row(report *r, const report_row *row, gw_str facts, gw_str private)
{
    char t[GW_TIME_TEXT];
    const record_view *v = row->record;
    gw_buf *b = &r->html;
    bool known = v->level >= 0 && v->level < (int64_t)GW_COUNT(levels);
    gw_time_format(v->t, t);
    gw_buf_printf(b, "<tr><td>%llu</td>", (unsigned long long)v->cseq);
    put_cell(b, gw_str_of(t));
    put_cell(b, report_meaning(v->event));
    put_cell(b, v->why);
    put_cell(b, known ? gw_str_of(levels[v->level]) : GW_STR("?"));
    put_cell(b, facts);
    put_cell(b, private);
    gw_buf_puts(b, "</tr>\n");
}

gw_code report_add(report *r, const report_row *row, gw_arena *arena, gw_err *err)
{
    const record_view *v = row->record;
    GW_AUTO_BUF gw_buf private;
    gw_buf_init(&private, 128 << 20);
    gw_str facts = v->fact ? json_raw(&v->doc, v->fact) : GW_STR("");
    gw_code rc = put_private(&private, row->disclosures, arena, err);
    if (rc != GW_OK)
        return rc;
    put_csv(r, row, facts, gw_buf_str(&private));
    if (r->rows++ < REPORT_ROWS_MAX)
        put_row(r, row, facts, gw_buf_str(&private));
    gw_buf_wipe(&private);
    rc = gw_buf_code(&r->csv, "timeline.csv", err);
    return rc == GW_OK ? gw_buf_code(&r->html, "report.html", err) : rc;
}

gw_code report_end(report *r, gw_err *err)
{
    end_table(r);
    if (r->rows > REPORT_ROWS_MAX)
        gw_buf_printf(&r->html, "<p>%zu records; the rest is in timeline.csv.</p>\n", r->rows);
    gw_buf_puts(&r->html, "</body></html>\n");
    return gw_buf_code(&r->html, "report.html", err);
}

void report_done(report *r)
{
    gw_buf_done(&r->html);
    gw_buf_done(&r->csv);
}
