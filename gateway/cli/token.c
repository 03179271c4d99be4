#include "gateway/cli/token.h"

#include "gateway/base/json.h"
#include "gateway/base/time.h"
#include "gateway/cli/options.h"
#include "gateway/cli/setup.h"
#include "gateway/http/bearer.h"

#include <sodium.h>
#include <stdio.h>

enum { TEXT_MAX = 1 << 20 };

static const char usage[] =
    "dunlin token make NAME [--operator | --agent] [--scopes SCOPES] | list | "
    "revoke NAME";

static gw_code make(const cli_common *c, const char *folder, zap_role role, const char *scopes,
                    gw_err *err)
{
    char text[BEARER_TEXT];
    GW_AUTO(gw_clock_free) gw_clock *clock = gw_clock_new();
    const char *name = c->words[1];
    gw_code rc = clock ? setup_data_folder(c->config, err)
                       : gw_fail(err, GW_ENOMEM, "making a token: out of memory");
    if (rc == GW_OK)
        rc = bearer_make(folder, name, role, scopes, gw_clock_now(clock), text, err);
    if (rc != GW_OK)
        return rc;
    printf(c->json ? "{\"name\":\"%s\",\"token\":\"%s\"}\n" : "token of %s, shown this once: %s\n",
           name, text);
    sodium_memzero(text, sizeof text);
    return GW_OK;
}

static gw_code list(const cli_common *c, const char *folder, gw_err *err)
{
    bearer *all;
    size_t n, bad;
    GW_AUTO_BUF gw_buf out;
    gw_buf_init(&out, TEXT_MAX);
    gw_code rc = bearer_list(folder, &all, &n, &bad, err);
    if (rc != GW_OK)
        return rc;
    for (size_t i = 0; i < n; i++) {
        char made[GW_TIME_TEXT];
        GW_AUTO_BUF gw_buf scopes;
        gw_buf_init(&scopes, TEXT_MAX);
        bearer_scopes_text(all[i].scopes, &scopes);
        gw_time_format((gw_wall){all[i].made_ms}, made);
        if (!c->json) {
            gw_buf_printf(&out, "%-24s %-8s %s  %s\n", all[i].name, zap_role_name(all[i].role),
                          made, scopes.data ? scopes.data : "");
            continue;
        }
        gw_buf_putc(&out, '{');
        json_put_member_str(&out, "name", gw_str_of(all[i].name));
        json_put_member_str(&out, "role", gw_str_of(zap_role_name(all[i].role)));
        json_put_member_str(&out, "made", gw_str_of(made));
        json_put_member_str(&out, "scopes", gw_buf_str(&scopes));
        gw_buf_puts(&out, "}\n");
    }
    free(all);
    printf("%s", out.data ? out.data : "");
    if (bad)
        fprintf(stderr, "dunlin: %zu files in %s are no tokens\n", bad, folder);
    return gw_buf_code(&out, "the list", err);
}

int token_cli(int argc, char **argv)
{
    const char *operator_ = NULL, *agent = NULL, *scopes = "all";
    const cli_option own[] = {{"--operator!", &operator_, "for an operator"},
                              {"--agent!", &agent, "for an agent of the call desk"},
                              {"--scopes", &scopes, "verbs separated by commas, or all"}};
    cli_common c;
    gw_err err = {0};
    char folder[CONFIG_PATH_BYTES];
    int code = cli_parse(argc, argv, own, GW_COUNT(own), 1, &c, &err);
    if (code != 0)
        return code;
    config_data_path(c.config, "keys/tokens", folder);
    gw_code rc = GW_OK;
    bool named = c.word_n == 2;
    if (strcmp(c.words[0], "make") == 0 && named)
        rc = make(&c, folder,
                  operator_ ? ZAP_OPERATOR
                  : agent   ? ZAP_AGENT
                            : ZAP_CLIENT,
                  scopes, &err);
    else if (strcmp(c.words[0], "list") == 0)
        rc = list(&c, folder, &err);
    else if (strcmp(c.words[0], "revoke") == 0 && named)
        rc = bearer_revoke(folder, c.words[1], &err);
    else
        code = CLI_USAGE;
    if (code == CLI_USAGE)
        fprintf(stderr, "%s\n", usage);
    else
        code = rc == GW_OK ? 0 : cli_fail(&c, rc, &err);
    cli_done(&c);
    return code;
}
