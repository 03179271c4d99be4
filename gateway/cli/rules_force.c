/* rules_force.c - `dunlin rules show`, `diff` and `apply`: the rules of a running gateway. */
#include "gateway/cli/ask.h"
#include "gateway/cli/rules_part.h"

#include <stdio.h>

enum { DIFF_MAX = 4 << 20 };

static gw_code ask_rules(const cli_common *c, gw_arena *arena, json_doc *ret, gw_err *err)
{
    return arena ? ask_operator(c, "query", GW_STR("{\"what\":\"rules\"}"), 0, arena, ret, err)
                 : gw_fail(err, GW_ENOMEM, "out of memory");
}

gw_code rules_show(const rules_command *r, gw_err *err)
{
    static const char *const members[] = {"hash", "set", "by", "since", "reason"};
    json_doc d;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ASK_ARENA_BYTES);
    gw_code rc = ask_rules(r->c, arena, &d, err);
    if (rc == GW_OK && r->c->json)
        printf("%.*s\n", GW_STR_ARG(json_raw(&d, 0)));
    for (size_t i = 0; rc == GW_OK && !r->c->json && i < GW_COUNT(members); i++) {
        gw_str value = json_get_str(&d, 0, members[i]);
        if (value.n)
            printf("%-7s %.*s\n", members[i], GW_STR_ARG(value));
    }
    return rc;
}

/* *ret NULL: none are. */
static gw_code read_in_force(const cli_common *c, policy_rules **ret, gw_err *err)
{
    json_doc d;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ASK_ARENA_BYTES);
    gw_code rc = ask_rules(c, arena, &d, err);
    uint32_t set = rc == GW_OK ? json_member(&d, 0, "rules") : 0;
    if (rc != GW_OK || !set || json_kind_of(&d, set) != JSON_OBJECT)
        return rc;
    return policy_rules_read_set(json_raw(&d, set), NULL, ret, err);
}

gw_code rules_diff_in_force(const rules_command *r, gw_err *err)
{
    GW_AUTO(policy_rules_free) policy_rules *files = NULL;
    GW_AUTO(policy_rules_free) policy_rules *now = NULL;
    GW_AUTO_BUF gw_buf lines;
    gw_buf_init(&lines, DIFF_MAX);
    gw_code rc = rules_load(r->c, &files, err);
    if (rc == GW_OK)
        rc = read_in_force(r->c, &now, err);
    if (rc == GW_OK)
        rc = policy_rules_diff(now, files, &lines, err);
    if (rc == GW_OK && r->c->json) {
        GW_AUTO_BUF gw_buf b;
        gw_buf_init(&b, 2 * DIFF_MAX);
        gw_buf_putc(&b, '{');
        json_put_member_bool(&b, "changed", lines.n > 0);
        json_put_member_str(&b, "hash", gw_str_of(policy_rules_hash(files)));
        json_put_member_str(&b, "diff", gw_buf_str(&lines));
        gw_buf_putc(&b, '}');
        rc = gw_buf_code(&b, "the differences", err);
        if (rc == GW_OK)
            printf("%s\n", b.data);
    } else if (rc == GW_OK) {
        fputs(lines.n ? lines.data : "nothing would change\n", stdout);
    }
    return rc;
}

/* The gateway reads its own files; the hash says that they are the ones looked at here. */
gw_code rules_apply_files(const rules_command *r, gw_err *err)
{
    GW_AUTO(policy_rules_free) policy_rules *files = NULL;
    GW_AUTO_BUF gw_buf b;
    json_doc answer;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ASK_ARENA_BYTES);
    gw_buf_init(&b, ASK_BODY_BYTES);
    gw_code rc = arena ? rules_load(r->c, &files, err) : gw_fail(err, GW_ENOMEM, "out of memory");
    if (rc != GW_OK)
        return rc;
    gw_buf_putc(&b, '{');
    json_put_member_str(&b, "expect", gw_str_of(policy_rules_hash(files)));
    if (r->by)
        json_put_member_str(&b, "by", gw_str_of(r->by));
    if (r->reason)
        json_put_member_str(&b, "reason", gw_str_of(r->reason));
    gw_buf_putc(&b, '}');
    rc = gw_buf_code(&b, "the order", err);
    if (rc == GW_OK)
        rc = ask_operator(r->c, "rules", gw_buf_str(&b), 0, arena, &answer, err);
    if (rc == GW_OK && r->c->json)
        printf("%.*s\n", GW_STR_ARG(json_raw(&answer, 0)));
    else if (rc == GW_OK)
        printf("%s\nhash %s\n",
               gw_str_is(json_get_str(&answer, 0, "verdict"), "duplicate")
                   ? "in force already, nothing changed"
                   : "in force",
               policy_rules_hash(files));
    return rc;
}
