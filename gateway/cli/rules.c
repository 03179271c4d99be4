#include "gateway/cli/rules.h"

#include "gateway/base/time.h"
#include "gateway/cli/rules_part.h"
#include "gateway/policy/calendar.h"
#include "gateway/policy/rules_diff.h"

#include <stdio.h>

enum { OUT_MAX = 4 << 20 };

static const char *const signature_names[] = {"unsigned", "signed", "bad signature"};

gw_code rules_load(const cli_common *c, policy_rules **ret, gw_err *err)
{
    char rules[CONFIG_PATH_BYTES], calendars[CONFIG_PATH_BYTES], keys[CONFIG_PATH_BYTES];
    config_dir_path(c->config, "rules", rules);
    config_dir_path(c->config, "calendars", calendars);
    config_data_path(c->config, "keys/rules", keys);
    return policy_rules_load_signed(rules, calendars, keys, ret, err);
}

static void tell(gw_buf *out)
{
    gw_buf_putc(out, '\n');
    fwrite(out->data, 1, out->n, stdout);
}

/* ---- list ---- */

static void put_roles(gw_buf *out, unsigned roles)
{
    bool first = true;
    for (unsigned bit = 1; bit <= 4; bit <<= 1)
        if (roles & bit) {
            gw_buf_printf(out, "%s%s", first ? "" : ",", policy_role_name(bit));
            first = false;
        }
}

static void put_pack(gw_buf *out, const policy_pack_info *p, bool json, bool first)
{
    if (!json) {
        char roles[64];
        gw_buf text = {.ceiling = sizeof roles};
        put_roles(&text, p->roles);
        gw_buf_printf(out, "%-16s %-12s %-27s %3zu numbers, %3zu draft  %-13s %s\n", p->id,
                      p->version, text.data ? text.data : "", p->rows, p->drafts,
                      signature_names[p->signature], p->title);
        gw_buf_done(&text);
        return;
    }
    gw_buf_puts(out, first ? "{" : ",{");
    json_put_member_str(out, "id", gw_str_of(p->id));
    json_put_member_str(out, "version", gw_str_of(p->version));
    json_put_member_str(out, "title", gw_str_of(p->title));
    json_put_name(out, "roles");
    gw_buf_putc(out, '"');
    put_roles(out, p->roles);
    gw_buf_putc(out, '"');
    json_put_member_int(out, "numbers", (int64_t)p->rows);
    json_put_member_int(out, "drafts", (int64_t)p->drafts);
    json_put_member_str(out, "signature", gw_str_of(signature_names[p->signature]));
    gw_buf_putc(out, '}');
}

static gw_code list_packs(const rules_command *cmd, gw_err *err)
{
    const cli_common *c = cmd->c;
    GW_AUTO(policy_rules_free) policy_rules *r = NULL;
    GW_AUTO_BUF gw_buf out;
    policy_pack_info p;
    gw_buf_init(&out, OUT_MAX);
    gw_code rc = rules_load(c, &r, err);
    if (rc != GW_OK)
        return rc;
    if (c->json)
        gw_buf_printf(&out, "{\"hash\":\"%s\",\"packs\":[", policy_rules_hash(r));
    for (size_t i = 0; policy_rules_pack(r, i, &p); i++)
        put_pack(&out, &p, c->json, i == 0);
    if (c->json)
        gw_buf_puts(&out, "]}");
    else
        gw_buf_printf(&out, "hash %s", policy_rules_hash(r));
    tell(&out);
    return gw_buf_code(&out, "the list of packs", err);
}

/* ---- lint and doctor ---- */

typedef struct {
    gw_buf *out;
    bool json;
    size_t n;
} finding_list;

static void find(finding_list *f, const char *file, const char *fmt, ...) GW_PRINTF(3, 4);
static void find(finding_list *f, const char *file, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (f->json) {
        gw_buf_puts(f->out, f->n ? ",{" : "{");
        json_put_member_str(f->out, "file", gw_str_of(file));
        json_put_member_str(f->out, "warning", gw_str_of(text));
        gw_buf_putc(f->out, '}');
    } else {
        gw_buf_printf(f->out, "warning  %s: %s\n", file, text);
    }
    f->n++;
}

static void find_year(finding_list *f, const policy_rules *r, const char *id, int year)
{
    int32_t day;
    int32_t first = gw_date_to_day((gw_date){year, 1, 1});
    if (*id && !policy_business_day(r, id, first, 1, &day))
        find(f, id,
             "the calendar does not know %d: what needs it is held then; add the year's holidays",
             year);
}

static int this_year(void)
{
    GW_AUTO(gw_clock_free) gw_clock *clock = gw_clock_new();
    int64_t ms = clock ? gw_clock_now(clock).ms : 0;
    return gw_date_of_day((int32_t)(ms / GW_MS_PER_DAY)).year;
}

static void find_all(finding_list *f, const policy_rules *r)
{
    policy_pack_info p;
    policy_signature s;
    int year = this_year();
    for (size_t i = 0; policy_rules_pack(r, i, &p); i++) {
        if (p.drafts)
            find(f, p.id,
                 "%zu of %zu numbers are drafts that nobody has verified; they restrict, but open "
                 "nothing. Have counsel check them, then clear the mark and sign",
                 p.drafts, p.rows);
        for (int y = year; y <= year + 1; y++) {
            find_year(f, r, p.holidays, y);
            if (strcmp(p.workdays, p.holidays) != 0)
                find_year(f, r, p.workdays, y);
        }
    }
    size_t unsigned_n = 0;
    for (size_t i = 0; policy_rules_doubtful(r, i, &s); i++) {
        unsigned_n += s == POLICY_UNSIGNED;
        if (s == POLICY_SIGNATURE_BAD)
            find(f, policy_rules_doubtful(r, i, &s),
                 "it was changed after it was signed, or its key is not in keys/rules");
    }
    if (unsigned_n)
        find(
            f, "rules",
            "%zu files are not signed; `dunlin rules verify` lists them, `dunlin rules sign` signs",
            unsigned_n);
}

static gw_code lint(const rules_command *cmd, gw_err *err)
{
    const cli_common *c = cmd->c;
    GW_AUTO(policy_rules_free) policy_rules *r = NULL;
    GW_AUTO_BUF gw_buf out;
    gw_buf_init(&out, OUT_MAX);
    gw_code rc = rules_load(c, &r, err);
    if (rc != GW_OK)
        return rc;
    if (c->json)
        gw_buf_puts(&out, "{\"warnings\":[");
    finding_list f = {&out, c->json, 0};
    find_all(&f, r);
    if (c->json)
        gw_buf_puts(&out, "]}");
    else
        gw_buf_printf(&out, "%zu warnings, no error", f.n);
    tell(&out);
    return gw_buf_code(&out, "the findings", err);
}

int rules_doctor(const cli_common *c)
{
    GW_AUTO(policy_rules_free) policy_rules *r = NULL;
    GW_AUTO_BUF gw_buf out;
    gw_err err = {0};
    gw_buf_init(&out, OUT_MAX);
    gw_code rc = rules_load(c, &r, &err);
    if (rc != GW_OK) {
        printf("FATAL    rules: %s\n         the gateway will not start before they load\n",
               err.text);
        return 1;
    }
    finding_list f = {&out, false, 0};
    find_all(&f, r);
    fputs(out.data ? out.data : "", stdout);
    return 0;
}

/* ---- verify ---- */

static gw_code verify(const rules_command *cmd, gw_err *err)
{
    const cli_common *c = cmd->c;
    GW_AUTO(policy_rules_free) policy_rules *r = NULL;
    GW_AUTO_BUF gw_buf out;
    policy_signature s;
    gw_buf_init(&out, OUT_MAX);
    gw_code rc = rules_load(c, &r, err);
    if (rc != GW_OK)
        return rc;
    size_t n = 0;
    for (; policy_rules_doubtful(r, n, &s); n++)
        if (!c->json)
            gw_buf_printf(&out, "%-14s %s\n", signature_names[s], policy_rules_doubtful(r, n, &s));
    if (c->json)
        gw_buf_printf(&out, "{\"hash\":\"%s\",\"doubtful\":%zu}", policy_rules_hash(r), n);
    else
        gw_buf_printf(&out, "hash %s, %zu files not signed by a known key", policy_rules_hash(r),
                      n);
    tell(&out);
    return n == 0 ? GW_OK
                  : gw_fail(err, GW_EREFUSED,
                            "%zu files are not signed by a key in keys/rules; look at them, then "
                            "`dunlin rules sign --key NAME`",
                            n);
}

/* ---- the command ---- */

static gw_code diff_files(const rules_command *cmd, gw_err *err)
{
    const cli_common *c = cmd->c;
    GW_AUTO_FREE char *old = NULL;
    GW_AUTO_FREE char *new = NULL;
    GW_AUTO_BUF gw_buf out;
    gw_buf_init(&out, OUT_MAX);
    gw_code rc = rules_read_canonical(c->words[1], &old, err);
    if (rc == GW_OK)
        rc = rules_read_canonical(c->words[2], &new, err);
    if (rc == GW_OK)
        rc = rules_diff(gw_str_of(old), gw_str_of(new), c->json, &out, err);
    if (rc == GW_OK)
        fwrite(out.data ? out.data : "", 1, out.n, stdout);
    return rc;
}

static int usage(void)
{
    fprintf(
        stderr,
        "dunlin rules list | lint | verify | diff [OLD NEW] | apply [--by NAME] [--reason WHY]\n"
        "             show | key NAME | sign --key NAME [FILE...]\n");
    return CLI_USAGE;
}

int rules_cli(int argc, char **argv)
{
    static const struct {
        const char *name;
        size_t least, most;
        gw_code (*run)(const rules_command *r, gw_err *err);
    } commands[] = {{"list", 1, 1, list_packs},
                    {"lint", 1, 1, lint},
                    {"verify", 1, 1, verify},
                    {"show", 1, 1, rules_show},
                    {"diff", 1, 1, rules_diff_in_force},
                    {"diff", 3, 3, diff_files},
                    {"apply", 1, 1, rules_apply_files},
                    {"key", 2, 2, rules_make_key},
                    {"sign", 1, CLI_WORDS_MAX, rules_sign}};
    rules_command r = {.key = NULL};
    const cli_option own[] = {{"--key", &r.key, "sign: name of the key"},
                              {"--by", &r.by, "apply: who ordered it"},
                              {"--reason", &r.reason, "apply: why"}};
    cli_common c;
    gw_err err = {0};
    int code = cli_parse(argc, argv, own, GW_COUNT(own), 1, &c, &err);
    if (code != 0)
        return code;
    r.c = &c;
    code = CLI_USAGE;
    for (size_t i = 0; i < GW_COUNT(commands); i++)
        if (strcmp(c.words[0], commands[i].name) == 0 && c.word_n >= commands[i].least &&
            c.word_n <= commands[i].most) {
            gw_code rc = commands[i].run(&r, &err);
            code = rc == GW_OK ? 0 : cli_fail(&c, rc, &err);
        }
    if (code == CLI_USAGE)
        usage();
    cli_done(&c);
    return code;
}
