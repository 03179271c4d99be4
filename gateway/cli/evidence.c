#include "gateway/cli/evidence.h"

#include "gateway/cli/evidence_internal.h"

#include <unistd.h>

const char evidence_cli_usage[] =
    "dunlin evidence export (--case C | --debtor D | --job J | --from T --to T) [--source S]\n"
    "                       --out FILE.zip [--redact] [--json]\n"
    "dunlin evidence search [--case C] [--debtor D] [--job J] [--event E] [--from T] [--to T]\n"
    "                       [--source S] [--limit N] [--json]\n"
    "dunlin evidence csv    (as search) --out FILE.csv [--redact]\n"
    "dunlin evidence proof  --index N [--origin O] --out FILE.tlog-proof\n"
    "dunlin evidence checkpoint [--json]      the signed head and the key that checks it\n"
    "dunlin evidence fsck [--quick] [--json]  walk everything, name every fault's place\n"
    "  T: 2013-02-01 or 2013-02-01T10:00:00Z; --job: job or reminder id; all take --data DIR\n";

enum { EXIT_USAGE = 2 };

static const struct {
    const char *name;
    gw_code (*run)(evidence_command *c, gw_err *err);
    const char *needed; /* option without which it makes no sense, or NULL */
} commands[] = {
    {"export", evidence_cmd_export, "--out"},
    {"search", evidence_cmd_search, NULL},
    {"csv", evidence_cmd_csv, "--out"},
    {"proof", evidence_cmd_proof, "--index"},
    {"checkpoint", evidence_cmd_checkpoint, NULL},
    {"fsck", evidence_cmd_fsck, NULL},
};

static const struct {
    const char *name;
    size_t offset;
    bool is_flag;
} options[] = {
    {"--data", offsetof(evidence_command, data), false},
    {"--case", offsetof(evidence_command, kase), false},
    {"--debtor", offsetof(evidence_command, debtor), false},
    {"--job", offsetof(evidence_command, job), false},
    {"--from", offsetof(evidence_command, from), false},
    {"--to", offsetof(evidence_command, to), false},
    {"--source", offsetof(evidence_command, source), false},
    {"--event", offsetof(evidence_command, event), false},
    {"--out", offsetof(evidence_command, out_file), false},
    {"--limit", offsetof(evidence_command, limit), false},
    {"--origin", offsetof(evidence_command, origin), false},
    {"--index", offsetof(evidence_command, index), false},
    {"--json", offsetof(evidence_command, json), true},
    {"--redact", offsetof(evidence_command, redact), true},
    {"--quick", offsetof(evidence_command, quick), true},
};

static const char **slot_of(evidence_command *c, const char *name, bool *ret_flag)
{
    for (size_t i = 0; i < GW_COUNT(options); i++)
        if (strcmp(options[i].name, name) == 0) {
            *ret_flag = options[i].is_flag;
            return (const char **)(void *)((char *)c + options[i].offset);
        }
    return NULL;
}

static gw_code parse(int argc, char **argv, evidence_command *c, gw_err *err)
{
    for (int i = 2; i < argc; i++) {
        bool flag = false;
        const char **slot = slot_of(c, argv[i], &flag);
        bool ignored = strcmp(argv[i], "--config") == 0; /* every subcommand of dunlin takes it */
        if (!slot && !ignored)
            return gw_fail(err, GW_EINVAL, "unknown option '%s'", argv[i]);
        if (flag) {
            *slot = "";
            continue;
        }
        if (i + 1 >= argc)
            return gw_fail(err, GW_EINVAL, "%s needs a value", argv[i]);
        i++;
        if (slot)
            *slot = argv[i];
    }
    return GW_OK;
}

static gw_code find_places(evidence_command *c, gw_err *err)
{
    if (!c->data)
        c->data = getenv("DUNLIN_DATA_DIR");
    if (!c->data)
        c->data = "dunlin-data";
    if (snprintf(c->dir, sizeof c->dir, "%s/evidence", c->data) >= PATH_MAX / 2)
        return gw_fail(err, GW_ELIMIT, "the data folder's path is too long");
    snprintf(c->log_key, sizeof c->log_key, "%s/keys/log.key", c->data);
    snprintf(c->tenant_key, sizeof c->tenant_key, "%s/keys/tenant.key", c->data);
    snprintf(c->id_key, sizeof c->id_key, "%s/keys/id.key", c->data);
    c->has_log_key = access(c->log_key, R_OK) == 0;
    c->has_tenant_key = access(c->tenant_key, R_OK) == 0;
    return GW_OK;
}

static int tell(const evidence_command *c, gw_code rc, const gw_err *err)
{
    if (c->json) {
        GW_AUTO_BUF gw_buf b;
        gw_buf_init(&b, 4096);
        gw_buf_putc(&b, '{');
        json_put_member_str(&b, "code", gw_str_of(gw_code_name(rc)));
        json_put_member_str(&b, "error", gw_str_of(err->text));
        gw_buf_putc(&b, '}');
        fprintf(c->out, "%.*s\n", GW_STR_ARG(gw_buf_str(&b)));
    }
    fprintf(c->errors, "dunlin evidence: %s\n", err->text);
    return gw_exit_code(rc);
}

int evidence_cli_run(int argc, char **argv, FILE *out, FILE *errors)
{
    evidence_command c = {.out = out, .errors = errors};
    gw_err err = {.code = GW_OK};
    size_t at = 0;
    while (at < GW_COUNT(commands) && (argc < 2 || strcmp(argv[1], commands[at].name) != 0))
        at++;
    bool known = at < GW_COUNT(commands);
    gw_code rc = known ? parse(argc, argv, &c, &err) : GW_EINVAL;
    bool flag;
    if (known && rc == GW_OK && commands[at].needed && !*slot_of(&c, commands[at].needed, &flag))
        rc = gw_fail(&err, GW_EINVAL, "%s needs %s", commands[at].name, commands[at].needed);
    if (rc != GW_OK) {
        if (err.text[0])
            fprintf(errors, "dunlin evidence: %s\n", err.text);
        fputs(evidence_cli_usage, errors);
        return EXIT_USAGE;
    }
    rc = find_places(&c, &err);
    if (rc == GW_OK)
        rc = commands[at].run(&c, &err);
    return rc == GW_OK ? 0 : tell(&c, rc, &err);
}

int evidence_cli(int argc, char **argv)
{
    return evidence_cli_run(argc, argv, stdout, stderr);
}
