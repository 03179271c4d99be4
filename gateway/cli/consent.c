#include "gateway/cli/consent.h"

#include "gateway/base/json.h"
#include "gateway/cli/ask.h"
#include "gateway/cli/print.h"
#include "gateway/cli/send.h"
#include "gateway/evidence/reader.h"
#include "gateway/evidence/record.h"
#include "gateway/wire/event.h"

#include <stdio.h>

enum { LEAF_MAX = 128 * 1024, PRIVATE_MAX = 2 << 20, EXPORT_ARENA = 64 << 20 };

/* ---- export: the ledger itself ---- */

typedef struct {
    reader *reader;
    gw_arena *arena;
    uint64_t entries, erased;
    gw_err *err;
    gw_code code;
} export_run;

/* The body of the entry as it was handed in, with the billing system it is about. */
static gw_code print_body(export_run *x, gw_str private_values, gw_str source)
{
    json_doc d;
    json_doc body;
    gw_str text = {NULL, 0};
    gw_code rc = json_parse(private_values, x->arena, &d, x->err);
    for (uint32_t at = json_first(0); rc == GW_OK && at < json_at(&d, 0)->next;
         at = json_at(&d, at)->next) {
        uint32_t name = json_at(&d, json_first(at))->next;
        if (gw_str_is(json_str(&d, name), "body"))
            text = json_str(&d, json_at(&d, name)->next);
    }
    if (rc != GW_OK || !text.n)
        return rc; /* an older version kept no bodies */
    rc = json_parse(text, x->arena, &body, x->err);
    if (rc != GW_OK)
        return rc;
    GW_AUTO_BUF gw_buf out;
    gw_buf_init(&out, PRIVATE_MAX);
    rc = json_canonical(&body, 0, &out, x->err);
    if (rc != GW_OK)
        return rc;
    bool named = json_member(&body, 0, "of") != 0;
    if (named)
        printf("%s\n", out.data);
    else
        printf("{\"of\":\"%.*s\",%s\n", GW_STR_ARG(source), out.data + 1);
    x->entries++;
    return GW_OK;
}

static gw_code export_one(export_run *x, const reader_entry *e)
{
    GW_AUTO_BUF gw_buf leaf;
    GW_AUTO_BUF gw_buf values;
    record_view v;
    gw_str source, debtor, kase;
    gw_arena_reset(x->arena);
    gw_buf_init(&leaf, LEAF_MAX);
    gw_buf_init(&values, PRIVATE_MAX);
    gw_code rc = reader_leaf(x->reader, e, &leaf, x->err);
    if (rc == GW_OK)
        rc = record_parse(gw_buf_str(&leaf), x->arena, &v, x->err);
    if (rc == GW_OK)
        rc = reader_who(x->reader, v.kase, x->arena, &source, &debtor, &kase, x->err);
    if (rc == GW_OK)
        rc = reader_disclosures(x->reader, gw_buf_str(&leaf), &values, x->err);
    if (rc == GW_ENOTFOUND) { /* its key was destroyed */
        x->erased++;
        return GW_OK;
    }
    if (rc == GW_OK)
        rc = print_body(x, gw_buf_str(&values), source);
    gw_buf_wipe(&values);
    return rc;
}

static bool visit(void *ctx, const reader_entry *e)
{
    export_run *x = ctx;
    x->code = export_one(x, e);
    return x->code == GW_OK;
}

static gw_code export_entries(const cli_common *c, const char *source, const char *debtor,
                              gw_err *err)
{
    char dir[CONFIG_PATH_BYTES], key[CONFIG_PATH_BYTES];
    GW_AUTO(reader_close) reader *r = NULL;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(EXPORT_ARENA);
    if (!arena)
        return gw_fail(err, GW_ENOMEM, "out of memory");
    config_data_path(c->config, "evidence", dir);
    config_data_path(c->config, "keys/tenant.key", key);
    const reader_config rc_reader = {dir, key};
    const reader_query q = {
        .source = gw_str_of(source), .debtor = gw_str_of(debtor), .event = GW_STR(EVENT_CONSENT)};
    gw_code rc = reader_open(&rc_reader, &r, err);
    export_run x = {.reader = r, .arena = arena, .err = err};
    if (rc == GW_OK)
        rc = reader_search(r, &q, visit, &x, err);
    if (rc == GW_OK)
        rc = x.code;
    if (rc == GW_OK)
        fprintf(stderr, "consent: %llu entries, %llu erased\n", (unsigned long long)x.entries,
                (unsigned long long)x.erased);
    return rc;
}

static int export_cli(int argc, char **argv)
{
    const char *source = NULL;
    const char *debtor = NULL;
    const cli_option own[] = {{"--source", &source, "billing system"},
                              {"--debtor", &debtor, "one debtor of it"}};
    cli_common c;
    gw_err err = {0};
    int code = cli_parse(argc, argv, own, GW_COUNT(own), 0, &c, &err);
    if (code != 0)
        return code;
    gw_code rc = debtor && !source ? gw_fail(&err, GW_EINVAL, "--debtor needs its --source")
                                   : export_entries(&c, source, debtor, &err);
    code = rc == GW_OK ? 0 : cli_fail(&c, rc, &err);
    cli_done(&c);
    return code;
}

/* ---- show ---- */

static void print_standing(const json_doc *d)
{
    static const char *const lists[] = {"consents", "suppressions", "hours", "holds"};
    for (size_t i = 0; i < GW_COUNT(lists); i++) {
        uint32_t at = json_member(d, 0, lists[i]);
        printf("%s%s\n", lists[i], at && json_at(d, at)->count ? "" : ": none");
        if (at && json_at(d, at)->count)
            print_json(stdout, d, at);
    }
}

static int show_one(int argc, char **argv)
{
    const char *source = "local";
    const cli_option own[] = {{"--source", &source, "billing system"}};
    cli_common c;
    gw_err err = {0};
    json_doc answer;
    int code = cli_parse(argc, argv, own, GW_COUNT(own), 1, &c, &err);
    if (code != 0)
        return code;
    GW_AUTO_BUF gw_buf b;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ASK_ARENA_BYTES);
    gw_buf_init(&b, ASK_BODY_BYTES);
    gw_buf_puts(&b, "{\"what\":\"debtor\"");
    json_put_member_str(&b, "source", gw_str_of(source));
    json_put_member_str(&b, "debtor", gw_str_of(c.words[0]));
    gw_buf_putc(&b, '}');
    gw_code rc = ask_operator(&c, "query", gw_buf_str(&b), 0, arena, &answer, &err);
    if (rc == GW_OK && c.json)
        printf("%.*s\n", GW_STR_ARG(json_raw(&answer, 0)));
    else if (rc == GW_OK)
        print_standing(&answer);
    code = rc == GW_OK ? 0 : cli_fail(&c, rc, &err);
    cli_done(&c);
    return code;
}

int consent_cli(int argc, char **argv)
{
    const char *act = argc > 1 ? argv[1] : "";
    if (strcmp(act, "show") == 0)
        return show_one(argc - 1, argv + 1);
    if (strcmp(act, "export") == 0)
        return export_cli(argc - 1, argv + 1);
    if (strcmp(act, "import") == 0)
        return submit_as("consent", argc - 1, argv + 1);
    return verb_cli(argc, argv);
}

/* ---- holds ---- */

/* All pages as one list. */
static gw_code print_holds(const cli_common *c, const char *source, const char *kind, gw_err *err)
{
    static const char *const columns[] = {"source", "debtor", "kind",  "since",
                                          "until",  "by",     "reason"};
    char cursor[64] = "";
    do {
        json_doc answer;
        GW_AUTO_BUF gw_buf b;
        GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ASK_ARENA_BYTES);
        gw_buf_init(&b, ASK_BODY_BYTES);
        gw_buf_puts(&b, "{\"what\":\"holds\"");
        if (source)
            json_put_member_str(&b, "source", gw_str_of(source));
        if (kind)
            json_put_member_str(&b, "kind", gw_str_of(kind));
        if (cursor[0])
            json_put_member_str(&b, "cursor", gw_str_of(cursor));
        gw_buf_putc(&b, '}');
        gw_code rc = ask_operator(c, "query", gw_buf_str(&b), 0, arena, &answer, err);
        if (rc != GW_OK)
            return rc;
        uint32_t list = json_member(&answer, 0, "holds");
        for (uint32_t at = json_first(list); c->json && at < json_at(&answer, list)->next;
             at = json_at(&answer, at)->next)
            printf("%.*s\n", GW_STR_ARG(json_raw(&answer, at)));
        if (!c->json && json_at(&answer, list)->count)
            print_columns(stdout, &answer, list, columns, GW_COUNT(columns));
        gw_str next = json_get_str(&answer, 0, "cursor");
        snprintf(cursor, sizeof cursor, "%.*s", GW_STR_ARG(next));
    } while (cursor[0]);
    return GW_OK;
}

int hold_cli(int argc, char **argv)
{
    const char *source = NULL;
    const char *kind = NULL;
    const cli_option own[] = {{"--source", &source, "billing system"},
                              {"--kind", &kind, "dispute, lawyer, review, ..."}};
    cli_common c;
    gw_err err = {0};
    if (argc < 2 || strcmp(argv[1], "list") != 0)
        return verb_cli(argc, argv);
    int code = cli_parse(argc - 1, argv + 1, own, GW_COUNT(own), 0, &c, &err);
    if (code != 0)
        return code;
    gw_code rc = print_holds(&c, source, kind, &err);
    code = rc == GW_OK ? 0 : cli_fail(&c, rc, &err);
    cli_done(&c);
    return code;
}
