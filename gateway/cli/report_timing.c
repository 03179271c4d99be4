/* report_timing.c - `dunlin report timing`: what predicting the best hour was worth. */
#include "gateway/cli/report_timing.h"

#include "gateway/base/time.h"
#include "gateway/cli/options.h"
#include "gateway/cli/report.h"

#include <stdio.h>

static const char about[] =
    "dunlin report timing [--source S] [--from DATE] [--to DATE] [--out DIR] [--json]\n"
    "\n"
    "From the x-Closed records of the evidence, in one pass, no gateway needed: are the predicted "
    "chances\n"
    "true (calibration), do predicted hours bring more answers than the random ones of the "
    "hold-out "
    "group\n"
    "(uplift), what would always the best or always a random hour have brought (IPS, SNIPS, doubly "
    "robust,\n"
    "with effective sample sizes), and when do people answer (curves of hours drawn at random). "
    "Intervals\n"
    "are 95 % over persons. Per billing system, channel and ladder step. With --out also as a page "
    "with\n"
    "pictures (SVG and PNG). Below 200 contacts with a propensity it says that they are too few; a "
    "lift\n"
    "below 5 %, or whose interval contains zero, is called no difference.\n";

static gw_code day_start(const char *option, const char *text, int64_t *ret, gw_err *err)
{
    int32_t day;
    if (!text)
        return GW_OK;
    if (gw_date_parse(gw_str_of(text), &day, NULL) != GW_OK)
        return gw_fail(err, GW_EINVAL, "%s takes a date like 2026-03-01", option);
    *ret = day * GW_MS_PER_DAY;
    return GW_OK;
}

static gw_code run(const cli_common *c, const char *source, int64_t from, int64_t to,
                   const char *dir, gw_err *err)
{
    enum { JSON_ROOM = 64 << 20 };
    char evidence[CONFIG_PATH_BYTES];
    uint64_t skipped = 0;
    GW_AUTO(insight_free) insight *x = insight_new();
    GW_AUTO_BUF gw_buf json;
    gw_buf_init(&json, JSON_ROOM);
    config_data_path(c->config, "evidence", evidence);
    gw_code rc = x ? report_timing_read(evidence, source, from, to, x, &skipped, err)
                   : gw_fail(err, GW_ENOMEM, "the report");
    if (rc == GW_OK && dir)
        rc = report_timing_page(x, skipped, dir, err);
    if (rc == GW_OK && c->json)
        report_timing_json(x, skipped, &json);
    if (rc == GW_OK && c->json)
        rc = gw_buf_code(&json, "the report", err);
    if (rc != GW_OK)
        return rc;
    if (c->json)
        puts(json.data);
    else
        report_timing_text(x, skipped, stdout);
    if (dir && !c->json)
        printf("%s/index.html\n", dir);
    return GW_OK;
}

int report_timing(int argc, char **argv)
{
    const char *source = NULL, *from_text = NULL, *to_text = NULL, *dir = NULL, *wants_help = NULL;
    const cli_option own[] = {{"--source", &source, "billing system"},
                              {"--from", &from_text, "first day"},
                              {"--to", &to_text, "day after the last"},
                              {"--out", &dir, "folder for the page and its pictures"},
                              {"--help!", &wants_help, "this text"}};
    cli_common c;
    gw_err err = {0};
    int64_t from = 0;
    int64_t to = 0;
    int code = cli_parse(argc, argv, own, GW_COUNT(own), 0, &c, &err);
    if (code != 0)
        return code;
    if (wants_help) {
        fputs(about, stdout);
        cli_done(&c);
        return 0;
    }
    gw_code rc = day_start("--from", from_text, &from, &err);
    if (rc == GW_OK)
        rc = day_start("--to", to_text, &to, &err);
    if (rc == GW_OK)
        rc = run(&c, source, from, to, dir, &err);
    code = rc == GW_OK ? 0 : cli_fail(&c, rc, &err);
    cli_done(&c);
    return code;
}
