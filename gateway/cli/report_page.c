/* report_page.c - `dunlin report timing --out DIR`: one page, its pictures beside it. */
#include "gateway/base/file.h"
#include "gateway/cli/report_timing.h"

#include <math.h>
#include <stdio.h>

enum { PAGE_MAX = 8 << 20, PATH_ROOM = 1200 };

static const char top[] =
    "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n<title>Timing "
    "report</title>\n<style>\n"
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;"
    "color:#222}\n"
    "table{border-collapse:collapse;width:100%;font-size:.9rem}th,td{padding:.3rem "
    ".5rem;border-bottom:1px solid #ddd;text-align:right}\n"
    "th:first-child,td:first-child,td:last-child,th:last-child{text-align:left}"
    "td{font-variant-numeric:tabular-nums}img{max-width:100%;margin:1rem 0}\n"
    ".wide{overflow-x:auto}\n"
    "</style>\n<h1>What predicting the best hour was worth</h1>\n";

static const char notes[] =
    "<p>Answers are those in the hour of the contact, and money or a promise within seven days. "
    "Best "
    "hour and random hour are doubly robust estimates of what choosing always the one or the other "
    "would have brought on these very contacts. Intervals are 95 % over persons. Contacts whose "
    "hour a rule or a person chose are in no estimate.</p>\n";

/* Names come from configuration; they are text all the same. */
static void put_text(gw_buf *b, const char *text)
{
    for (const char *p = text; *p; p++) {
        if (*p == '<')
            gw_buf_puts(b, "&lt;");
        else if (*p == '&')
            gw_buf_puts(b, "&amp;");
        else
            gw_buf_putc(b, *p);
    }
}

static void put_cell(gw_buf *b, insight_figure f)
{
    if (!isfinite(f.value))
        gw_buf_puts(b, "<td>-");
    else
        gw_buf_printf(b, "<td>%.1f", f.value * 100);
    if (isfinite(f.low) && isfinite(f.value))
        gw_buf_printf(b, "<br><small>%.1f … %.1f</small>", f.low * 100, f.high * 100);
    gw_buf_puts(b, "</td>");
}

static void put_row(gw_buf *b, const insight_group *g)
{
    gw_buf_puts(b, "<tr><td>");
    put_text(b, g->kind);
    if (strcmp(g->kind, "all") != 0) {
        gw_buf_putc(b, ' ');
        put_text(b, g->name);
    }
    gw_buf_printf(b, "</td><td>%llu</td><td>%llu</td>", (unsigned long long)g->contacts,
                  (unsigned long long)g->holdout);
    put_cell(b, g->best.dr);
    put_cell(b, g->any.dr);
    put_cell(b, g->lift);
    put_cell(b, g->uplift);
    gw_buf_printf(b, "<td>%s</td></tr>\n", insight_verdict_text(g->verdict));
}

static gw_code draw_all(const insight_group *all, const char *dir, gw_buf *b, gw_err *err)
{
    static const char *const channels[] = {"email", "sms", "voice"};
    gw_code rc = GW_OK;
    for (unsigned c = 0; c < TIMING_CHANNELS && rc == GW_OK; c++) {
        rc = report_draw_curve(all, c, dir, err);
        gw_buf_printf(b,
                      "<img src=\"curve-%s.svg\" alt=\"Share of contacts by %s that were answered, "
                      "by local hour\">\n",
                      channels[c], channels[c]);
    }
    if (rc == GW_OK)
        rc = report_draw_calibration(all, dir, err);
    gw_buf_puts(b, "<img src=\"calibration.svg\" alt=\"Observed share of answers against the "
                   "predicted chance\">\n");
    if (isfinite(all->ece))
        gw_buf_printf(b,
                      "<p>Brier score %.4f (a constant: %.4f). Calibration error %.4f, by chance "
                      "alone about %.4f.</p>\n",
                      all->brier.value, all->brier_constant, all->ece, all->ece_by_chance);
    return rc;
}

gw_code report_timing_page(const insight *x, uint64_t skipped, const char *dir, gw_err *err)
{
    char path[PATH_ROOM];
    GW_AUTO_FREE insight_group *g = calloc(1, sizeof *g);
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, PAGE_MAX);
    gw_code rc = g ? gw_dir_make(dir, 0750, err) : gw_fail(err, GW_ENOMEM, "the page");
    if (rc != GW_OK)
        return rc;
    gw_buf_puts(&b, top);
    if (insight_groups(x) == 0)
        gw_buf_puts(&b, "<p>No contact has closed yet: too few contacts to say.</p>\n");
    gw_buf_puts(&b,
                "<div class=\"wide\"><table><tr><th>Group</th><th>Contacts</th><th>Hold-out</th>"
                "<th>Best hour, %</th><th>Random hour, %</th><th>Lift, %</th><th>Uplift against "
                "hold-out, points</th><th>Says</th></tr>\n");
    for (size_t i = 0; i < insight_groups(x); i++) {
        insight_read(x, i, g);
        put_row(&b, g);
    }
    gw_buf_puts(&b, "</table></div>\n");
    gw_buf_puts(&b, notes);
    if (insight_groups(x))
        insight_read(x, 0, g);
    rc = draw_all(g, dir, &b, err);
    if (skipped)
        gw_buf_printf(&b, "<p>%llu records could not be read as a contact.</p>\n",
                      (unsigned long long)skipped);
    if (rc == GW_OK)
        rc = gw_buf_code(&b, "the page", err);
    snprintf(path, sizeof path, "%.1000s/index.html", dir);
    return rc == GW_OK ? gw_file_replace(path, gw_buf_str(&b), 0640, err) : rc;
}
