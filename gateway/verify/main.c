/* dunlin-verify - check an exported evidence bundle, offline.
 *
 *   dunlin-verify BUNDLE.zip [--json] [--vkey FILE]
 *
 * --vkey FILE   the log's public key, one a line (`dunlin evidence checkpoint` prints it); without
 *               it the key in the bundle is used, which shows only that the bundle agrees with
 * itself
 * --json        one JSON object a line: records, notes, and the result last
 * Exit code: 0 valid, 1 invalid or not readable, 2 usage.
 * Needs no network, no configuration and no database; writes nothing. */
#include "gateway/base/file.h"
#include "gateway/base/json.h"
#include "gateway/verify/verify.h"

#include <sodium.h>
#include <stdio.h>

typedef struct {
    const char *bundle, *vkey;
    bool json;
} order;

static const char usage[] = "usage: dunlin-verify BUNDLE.zip [--json] [--vkey FILE]\n"
                            "exit code: 0 valid, 1 invalid or not readable, 2 usage\n";

static bool parse(int argc, char **argv, order *ret)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            ret->json = true;
        else if (strcmp(argv[i], "--vkey") == 0 && i + 1 < argc)
            ret->vkey = argv[++i];
        else if (argv[i][0] != '-' && !ret->bundle)
            ret->bundle = argv[i];
        else
            return false;
    }
    return ret->bundle != NULL;
}

static void print(gw_buf *b)
{
    gw_buf_putc(b, '\n');
    fwrite(b->data, 1, b->n, stdout);
}

static void on_record(void *ctx, const verify_record *r)
{
    const order *o = ctx;
    if (!o->json && r->verdict == VERIFY_INVALID)
        printf("INVALID  case %s record %llu: %s\n", r->kase, (unsigned long long)r->cseq, r->why);
    if (!o->json)
        return;
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, 8192);
    gw_buf_putc(&b, '{');
    json_put_member_str(&b, "case", gw_str_of(r->kase));
    json_put_member_int(&b, "cseq", (int64_t)r->cseq);
    json_put_member_str(&b, "event", r->event);
    json_put_member_str(&b, "t", r->t);
    json_put_member_str(&b, "verdict", gw_str_of(verify_verdict_name(r->verdict)));
    if (r->why)
        json_put_member_str(&b, "why", gw_str_of(r->why));
    gw_buf_putc(&b, '}');
    print(&b);
}

static void on_note(void *ctx, bool fatal, const char *text)
{
    const order *o = ctx;
    if (!o->json) {
        printf("%s  %s\n", fatal ? "INVALID" : "note   ", text);
        return;
    }
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, 8192);
    gw_buf_putc(&b, '{');
    json_put_member_bool(&b, "fatal", fatal);
    json_put_member_str(&b, "note", gw_str_of(text));
    gw_buf_putc(&b, '}');
    print(&b);
}

static void print_json(const order *o, const verify_result *r)
{
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, 8192);
    gw_buf_putc(&b, '{');
    json_put_member_bool(&b, "valid", r->valid);
    json_put_member_str(&b, "key", o->vkey ? GW_STR("given") : GW_STR("bundle"));
    json_put_member_str(&b, "origin", gw_str_of(r->origin));
    json_put_member_int(&b, "tree_size", (int64_t)r->tree_size);
    json_put_member_int(&b, "cases", (int64_t)r->cases);
    json_put_member_int(&b, "records", (int64_t)r->records);
    json_put_member_int(&b, "contents", (int64_t)r->contents);
    json_put_name(&b, "verdicts");
    gw_buf_putc(&b, '{');
    for (int i = 0; i < VERIFY_VERDICTS; i++)
        json_put_member_int(&b, verify_verdict_name((verify_verdict)i), (int64_t)r->by_verdict[i]);
    gw_buf_putc(&b, '}');
    json_put_member_bool(&b, "complete", r->complete);
    json_put_member_bool(&b, "signed_manifest", r->signed_manifest);
    gw_buf_putc(&b, '}');
    print(&b);
}

static void print_text(const order *o, const verify_result *r)
{
    printf("%s: %s\n", o->bundle, r->valid ? "VALID" : "INVALID");
    printf("  %llu records of %llu cases, %llu contents; valid %llu, redacted %llu, erased %llu, "
           "invalid %llu\n",
           (unsigned long long)r->records, (unsigned long long)r->cases,
           (unsigned long long)r->contents, (unsigned long long)r->by_verdict[VERIFY_VALID],
           (unsigned long long)r->by_verdict[VERIFY_REDACTED],
           (unsigned long long)r->by_verdict[VERIFY_ERASED],
           (unsigned long long)r->by_verdict[VERIFY_INVALID]);
    if (r->tree_size > 0)
        printf("  log %s, signed tree of %llu entries, key %s\n", r->origin,
               (unsigned long long)r->tree_size,
               o->vkey ? "given by you" : "from the bundle itself");
    printf("  cases complete: %s; report and timeline signed: %s\n", r->complete ? "yes" : "no",
           r->signed_manifest ? "yes" : "no");
    printf(
        "  This shows what was recorded, when at the latest, and that it was not changed since; "
        "it does not\n  show that what was recorded was true, or that anybody read a message.\n");
}

static gw_code load_keys(const char *path, note_key *keys, size_t *ret_n, gw_err *err)
{
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, 64 * 1024);
    gw_code rc = gw_file_read(path, &text, err);
    if (rc == GW_OK)
        rc = verify_keys(gw_buf_str(&text), keys, VERIFY_KEYS_MAX, ret_n, err);
    if (rc == GW_OK && *ret_n == 0)
        rc = gw_fail(err, GW_EINVAL, "%s holds no key", path);
    return rc;
}

int main(int argc, char **argv)
{
    static note_key keys[VERIFY_KEYS_MAX];
    size_t n = 0;
    order o = {.bundle = NULL};
    verify_result r;
    gw_err err = {.code = GW_OK};
    if (!parse(argc, argv, &o)) {
        fputs(usage, stderr);
        return 2;
    }
    gw_code rc = sodium_init() < 0 ? gw_fail(&err, GW_EIO, "libsodium does not start") : GW_OK;
    if (rc == GW_OK && o.vkey)
        rc = load_keys(o.vkey, keys, &n, &err);
    verify_order v = {.bundle = o.bundle,
                      .keys = keys,
                      .n = n,
                      .on_record = on_record,
                      .on_note = on_note,
                      .ctx = &o};
    if (rc == GW_OK)
        rc = verify_bundle(&v, &r, &err);
    if (rc != GW_OK) {
        if (o.json)
            printf("{\"valid\":false,\"code\":\"%s\"}\n", gw_code_name(rc));
        fprintf(stderr, "dunlin-verify: %s\n", err.text);
        return 1;
    }
    if (o.json)
        print_json(&o, &r);
    else
        print_text(&o, &r);
    return r.valid ? 0 : 1;
}
