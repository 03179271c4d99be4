/* timing_explain.c - `dunlin timing explain`: why a reminder got its hour, and the same decision
 * made again from what went into it, byte by byte. */
#include "gateway/base/file.h"
#include "gateway/cli/ask.h"
#include "gateway/cli/timing.h"
#include "gateway/dispatch/model_keep.h"
#include "gateway/timing/record.h"

#include <stdio.h>

static const char about[] =
    "dunlin timing explain JOB [--source S] [--json]\n"
    "dunlin timing explain --record FILE [--json]\n"
    "\n"
    "Why a reminder got its hour. The record names the version of the model, the debtor's history "
    "as it\n"
    "was, the allowed hours and the seed; the decision is made again from them with that version "
    "(kept in\n"
    "FILE.versions beside the setting timing.model) and compared byte by byte. --record reads one "
    "record\n"
    "from a file instead of asking the gateway: the private value `timing` of an x-Plan record in "
    "an export.\n"
    "Exit code 1 when it does not come out the same.\n";

typedef struct {
    const cli_common *c;
    const char *source, *file;
    gw_arena *arena;
    gw_buf text; /* a record's file */
    gw_str record;
} explaining;

/* Trailing line breaks are an editor's. */
static gw_code from_file(explaining *x, gw_err *err)
{
    gw_code rc = gw_file_read(x->file, &x->text, err);
    x->record = gw_buf_str(&x->text);
    while (x->record.n && strchr("\r\n ", x->record.p[x->record.n - 1]))
        x->record.n--;
    return rc;
}

static gw_code from_gateway(explaining *x, gw_err *err)
{
    json_doc *d = gw_arena_alloc(x->arena, sizeof *d);
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, ASK_BODY_BYTES);
    gw_buf_putc(&b, '{');
    json_put_member_str(&b, "what", GW_STR("job"));
    json_put_member_str(&b, "job", gw_str_of(x->c->words[0]));
    json_put_member_str(&b, "source", gw_str_of(x->source));
    gw_buf_putc(&b, '}');
    gw_code rc = d ? gw_buf_code(&b, "the question", err) : gw_fail(err, GW_ENOMEM, "asking");
    if (rc == GW_OK)
        rc = ask_operator(x->c, "query", gw_buf_str(&b), 0, x->arena, d, err);
    if (rc != GW_OK)
        return rc;
    uint32_t plan = json_member(d, 0, "last_decision");
    uint32_t timing = plan ? json_member(d, plan, "timing") : 0;
    if (!timing)
        return gw_fail(err, GW_ENOTFOUND,
                       "no model chose this reminder's hour; `dunlin explain` says what did");
    x->record = json_raw(d, timing);
    return GW_OK;
}

static gw_code replay(explaining *x, gw_buf *again, gw_err *err)
{
    GW_AUTO(timing_model_free) timing_model *m = NULL;
    const char *file = x->c->config->timing_model;
    gw_str version = timing_record_version(x->record, x->arena);
    gw_code rc = *file ? GW_OK : gw_fail(err, GW_EINVAL, "set timing.model: where the models lie");
    if (rc == GW_OK)
        rc = model_keep_version(file, version, &m, err);
    return rc == GW_OK ? timing_record_replay(x->record, m, x->arena, again, err) : rc;
}

static void tell(const explaining *x, bool same)
{
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, 4 * TIMING_RECORD_MAX);
    if (x->c->json) {
        gw_buf_putc(&b, '{');
        json_put_member_bool(&b, "same", same);
        json_put_member_raw(&b, "record", x->record);
        gw_buf_putc(&b, '}');
    } else {
        timing_record_sentence(x->record, x->arena, &b);
        gw_buf_printf(&b, "\n%.*s\n%s", GW_STR_ARG(x->record),
                      same ? "made again from the same input: the same to the byte"
                           : "made again from the same input: NOT the same");
    }
    puts(b.data ? b.data : "");
}

int timing_explain_cli(int argc, char **argv)
{
    explaining x = {.source = "local"};
    const char *wants_help = NULL;
    const cli_option own[] = {{"--source", &x.source, "billing system"},
                              {"--record", &x.file, "a record in a file"},
                              {"--help!", &wants_help, "this text"}};
    cli_common c;
    gw_err err = {0};
    int code = cli_parse(argc, argv, own, GW_COUNT(own), 0, &c, &err);
    if (code != 0)
        return code;
    if (wants_help || (!x.file && c.word_n != 1)) {
        fputs(about, wants_help ? stdout : stderr);
        cli_done(&c);
        return wants_help ? 0 : CLI_USAGE;
    }
    GW_AUTO_BUF gw_buf again;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ASK_ARENA_BYTES);
    gw_buf_init(&again, TIMING_RECORD_MAX);
    gw_buf_init(&x.text, TIMING_RECORD_MAX);
    x.c = &c;
    x.arena = arena;
    gw_code rc = arena ? GW_OK : gw_fail(&err, GW_ENOMEM, "explaining");
    if (rc == GW_OK)
        rc = x.file ? from_file(&x, &err) : from_gateway(&x, &err);
    if (rc == GW_OK)
        rc = replay(&x, &again, &err);
    if (rc == GW_OK) {
        bool same = gw_str_eq(x.record, gw_buf_str(&again));
        tell(&x, same);
        code = same ? 0 : 1;
    } else {
        code = cli_fail(&c, rc, &err);
    }
    gw_buf_done(&x.text);
    cli_done(&c);
    return code;
}
