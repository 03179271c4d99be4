#include "gateway/cli/calls.h"

#include "gateway/base/file.h"
#include "gateway/base/id.h"
#include "gateway/cli/ask.h"
#include "gateway/cli/print.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <strings.h>

typedef struct {
    const char *source, *agent, *key, *channel, *locale, *lease, *limit;
} options;

/* ---- asking ---- */

static gw_code ask(const cli_common *c, const options *o, const char *verb, gw_buf *body,
                   gw_arena *arena, json_doc *ret, gw_err *err)
{
    dunlin *d = NULL;
    gw_code rc = gw_buf_code(body, "the question", err);
    if (rc == GW_OK && !arena)
        rc = gw_fail(err, GW_ENOMEM, "out of memory");
    if (rc == GW_OK)
        rc = ask_connect(c, o->key, 0, &d, err);
    if (rc == GW_OK)
        rc = ask_once(d, verb, gw_buf_str(body), arena, ret, err);
    dunlin_close(d);
    return rc;
}

static void put_if(gw_buf *b, const char *name, const char *value)
{
    if (value)
        json_put_member_str(b, name, gw_str_of(value));
}

static gw_code put_number(gw_buf *b, const char *name, const char *text, gw_err *err)
{
    char *end;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    if (errno || end == text || *end)
        return gw_fail(err, GW_EINVAL, "%s must be a whole number", name);
    return json_put_member_int(b, name, v);
}

/* ---- showing ---- */

/* Text of our own templates, and yet no byte of it may move the cursor of a terminal. */
static void print_text(gw_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        putchar(c == '\n' || (c >= 0x20 && c != 0x7f) ? c : '?');
    }
    putchar('\n');
}

static void print_line(const json_doc *d, uint32_t object, const char *name, const char *label)
{
    uint32_t at = json_member(d, object, name);
    if (!at)
        return;
    printf("%-10s ", label);
    print_text(json_kind_of(d, at) == JSON_STRING ? json_str(d, at) : json_raw(d, at));
}

static void print_list(const json_doc *d, uint32_t object, const char *list, const char *first,
                       const char *second, const char *third)
{
    uint32_t at = json_member(d, object, list);
    if (!at || json_at(d, at)->count == 0)
        return;
    printf("\n%s:\n", list);
    for (uint32_t e = json_first(at); e < json_at(d, at)->next; e = json_at(d, e)->next) {
        printf("  %-16.*s ", GW_STR_ARG(json_get_str(d, e, first)));
        print_text(json_get_str(d, e, second));
        if (!third)
            continue;
        printf("  %-16s -> ", "");
        print_text(json_get_str(d, e, third));
    }
}

static void print_codes(const json_doc *d, uint32_t object)
{
    print_list(d, object, "outcomes", "outcome", "means", NULL);
    print_list(d, object, "excuses", "code", "says", "answer");
}

static void print_task(const json_doc *d)
{
    static const struct {
        const char *name, *label;
    } lines[] = {
        {"task", "task"},   {"name", "debtor"},   {"channel", "channel"},
        {"tries", "tries"}, {"closes", "closes"},
    };
    uint32_t t = json_member(d, 0, "task");
    if (!t || json_kind_of(d, t) != JSON_OBJECT) {
        puts("no task is open now");
        return;
    }
    print_line(d, 0, "state", "state");
    print_line(d, 0, "lease", "lease");
    print_line(d, 0, "until", "until");
    for (size_t i = 0; i < GW_COUNT(lines); i++)
        print_line(d, t, lines[i].name, lines[i].label);
    uint32_t contact = json_member(d, t, "contact");
    if (contact) {
        print_line(d, contact, "name", "ask for");
        print_line(d, contact, "number", "number");
    }
    putchar('\n');
    print_text(json_get_str(d, t, json_member(d, t, "script") ? "script" : "no_script"));
    print_codes(d, t);
}

/* ---- acts ---- */

static bool has_task(const json_doc *d)
{
    uint32_t t = json_member(d, 0, "task");
    return t && json_kind_of(d, t) != JSON_STRING;
}

static int send_act(const cli_common *c, const options *o, gw_buf *b)
{
    gw_err err = {0};
    json_doc answer;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ASK_ARENA_BYTES);
    gw_buf_putc(b, '}');
    gw_code rc = ask(c, o, "call", b, arena, &answer, &err);
    if (rc != GW_OK)
        return cli_fail(c, rc, &err);
    if (c->json)
        printf("%.*s\n", GW_STR_ARG(json_raw(&answer, 0)));
    else if (has_task(&answer))
        print_task(&answer);
    else
        print_json(stdout, &answer, 0);
    return 0;
}

static gw_code open_act(const cli_common *c, const options *o, gw_buf *b, gw_err *err)
{
    const char *act = c->words[0];
    bool next = strcmp(act, "next") == 0;
    gw_buf_putc(b, '{');
    json_put_member_str(b, "do", gw_str_of(act));
    put_if(b, "agent", o->agent);
    put_if(b, "locale", o->locale);
    put_if(b, "channel", next ? o->channel : NULL);
    put_if(b, "task", next ? NULL : c->words[1]);
    put_if(b, "source", o->source ? o->source : next ? NULL : "local");
    return o->lease ? put_number(b, "lease", o->lease, err) : GW_OK;
}

/* name=value; numbers and truths by the member's name. */
static gw_code put_word(gw_buf *b, const char *word, gw_err *err)
{
    const char *equals = strchr(word, '=');
    char name[64];
    size_t n = equals ? (size_t)(equals - word) : 0;
    if (n == 0 || n >= sizeof name)
        return gw_fail(err, GW_EINVAL, "write members as name=value");
    memcpy(name, word, n);
    name[n] = '\0';
    const char *value = equals + 1;
    if (strcmp(name, "promise_amount_minor") == 0)
        return put_number(b, name, value, err);
    if (strcmp(name, "right_party") != 0)
        return json_put_member_str(b, name, gw_str_of(value));
    bool yes = strcmp(value, "yes") == 0 || strcmp(value, "true") == 0;
    if (!yes && strcmp(value, "no") != 0 && strcmp(value, "false") != 0)
        return gw_fail(err, GW_EINVAL, "right_party is yes or no");
    return json_put_member_bool(b, name, yes);
}

static int act(const cli_common *c, const options *o)
{
    bool record = strcmp(c->words[0], "record") == 0;
    bool named = false;
    gw_err err = {0};
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, ASK_BODY_BYTES);
    gw_code rc = open_act(c, o, &b, &err);
    for (size_t i = 2; i < c->word_n && rc == GW_OK; i++) {
        named |= strncmp(c->words[i], "id=", 3) == 0;
        rc = put_word(&b, c->words[i], &err);
    }
    if (rc == GW_OK && record && !named) {
        gw_id id;
        char text[GW_ID_TEXT];
        gw_id_random(&id);
        gw_id_format(&id, text);
        json_put_member_str(&b, "id", gw_str_of(text));
    }
    return rc == GW_OK ? send_act(c, o, &b) : cli_fail(c, rc, &err);
}

/* ---- attach: a page, in parts that fit a body ---- */

enum { PART_BYTES = 45000, PARTS_MAX = 64 };

static const char *media_of(const char *path)
{
    static const struct {
        const char *ending, *media;
    } known[] = {{".pdf", "application/pdf"}, {".jpg", "image/jpeg"},  {".jpeg", "image/jpeg"},
                 {".png", "image/png"},       {".tiff", "image/tiff"}, {".tif", "image/tiff"}};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < GW_COUNT(known); i++)
        if (strcasecmp(dot, known[i].ending) == 0)
            return known[i].media;
    return "application/octet-stream";
}

/* The id of a part comes from the page's bytes: the same page attached again is a duplicate. */
static void put_part_id(gw_buf *b, gw_str page, int part)
{
    static const uint8_t key[GW_ID_KEY_BYTES];
    gw_id id;
    char text[GW_ID_TEXT];
    char whole[GW_ID_TEXT + 8];
    gw_id_keyed(key, &page, 1, &id);
    gw_id_format(&id, text);
    snprintf(whole, sizeof whole, "%s.%d", text, part);
    json_put_member_str(b, "id", gw_str_of(whole));
}

static gw_code send_part(const cli_common *c, const options *o, gw_str page, int part, int parts,
                         gw_err *err)
{
    static char text[PART_BYTES / 3 * 4 + 8];
    GW_AUTO_BUF gw_buf b;
    json_doc answer;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ASK_ARENA_BYTES);
    size_t from = (size_t)(part - 1) * PART_BYTES;
    size_t n = page.n - from < PART_BYTES ? page.n - from : PART_BYTES;
    gw_buf_init(&b, 2 * ASK_BODY_BYTES);
    sodium_bin2base64(text, sizeof text, (const unsigned char *)page.p + from, n,
                      sodium_base64_VARIANT_ORIGINAL);
    gw_code rc = open_act(c, o, &b, err);
    put_part_id(&b, page, part);
    json_put_member_str(&b, "media", gw_str_of(media_of(c->words[2])));
    json_put_member_int(&b, "part", part);
    json_put_member_int(&b, "parts", parts);
    json_put_member_str(&b, "base64", gw_str_of(text));
    gw_buf_putc(&b, '}');
    return rc == GW_OK ? ask(c, o, "call", &b, arena, &answer, err) : rc;
}

static int attach(const cli_common *c, const options *o)
{
    gw_err err = {0};
    GW_AUTO_BUF gw_buf page;
    gw_buf_init(&page, (size_t)PARTS_MAX * PART_BYTES);
    gw_code rc = gw_file_read(c->words[2], &page, &err);
    if (rc == GW_OK && page.n == 0)
        rc = gw_fail(&err, GW_EINVAL, "%s is empty", c->words[2]);
    int parts = (int)((page.n + PART_BYTES - 1) / PART_BYTES);
    for (int part = 1; part <= parts && rc == GW_OK; part++)
        rc = send_part(c, o, gw_buf_str(&page), part, parts, &err);
    if (rc != GW_OK)
        return cli_fail(c, rc, &err);
    if (c->json)
        printf("{\"bytes\":%zu,\"parts\":%d}\n", page.n, parts);
    else
        printf("%zu bytes kept in %d parts\n", page.n, parts);
    return 0;
}

/* ---- questions ---- */

/* Tasks, and the statements that were promised on the phone. */
static void print_tables(const json_doc *answer)
{
    static const char *const columns[] = {"task",       "state",    "name",  "rank",
                                          "open_minor", "currency", "tries", "agent"};
    static const char *const promised[] = {"task", "state", "name", "channel", "deadline", "late"};
    uint32_t rows = json_member(answer, 0, "calls");
    if (rows && json_at(answer, rows)->count)
        print_columns(stdout, answer, rows, columns, GW_COUNT(columns));
    else
        puts("none");
    rows = json_member(answer, 0, "promised");
    if (!rows || !json_at(answer, rows)->count)
        return;
    puts("\npromised statements:");
    print_columns(stdout, answer, rows, promised, GW_COUNT(promised));
}

static int question(const cli_common *c, const options *o, bool list)
{
    gw_err err = {0};
    json_doc answer;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ASK_ARENA_BYTES);
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, ASK_BODY_BYTES);
    gw_buf_putc(&b, '{');
    put_if(&b, "what", list ? "calls" : "call-codes");
    put_if(&b, "source", list ? o->source : NULL);
    put_if(&b, "agent", list ? o->agent : NULL);
    put_if(&b, "channel", list ? o->channel : NULL);
    put_if(&b, "locale", list ? NULL : o->locale);
    gw_code rc = list && o->limit ? put_number(&b, "limit", o->limit, &err) : GW_OK;
    gw_buf_putc(&b, '}');
    if (rc == GW_OK)
        rc = ask(c, o, "query", &b, arena, &answer, &err);
    if (rc != GW_OK)
        return cli_fail(c, rc, &err);
    if (c->json)
        printf("%.*s\n", GW_STR_ARG(json_raw(&answer, 0)));
    else if (!list)
        print_codes(&answer, 0);
    else
        print_tables(&answer);
    return 0;
}

/* ---- the table ---- */

static int usage(void)
{
    fprintf(stderr,
            "dunlin calls next | take TASK | dial TASK | confirm TASK | release TASK\n"
            "             record TASK outcome=... [right_party=yes promise_date= "
            "promise_amount_minor=\n"
            "                    call_back_at= excuse= note= statement_by= statement_how=\n"
            "                    courier= courier_number= ... id=]\n"
            "             attach TASK FILE | list | codes\n"
            "  [--agent NAME] [--source S] [--channel C] [--locale L] [--lease N] [--key KEY]\n");
    return CLI_USAGE;
}

int calls_cli(int argc, char **argv)
{
    options o = {.key = CLI_OPERATOR};
    const cli_option own[] = {{"--agent", &o.agent, "who works; default: the key's name"},
                              {"--source", &o.source, "billing system"},
                              {"--key", &o.key, "key to use; default operator"},
                              {"--channel", &o.channel, "only tasks of this channel"},
                              {"--locale", &o.locale, "the agent's language"},
                              {"--lease", &o.lease, "number of the lease"},
                              {"--limit", &o.limit, "list: at most this many"}};
    static const struct {
        const char *name;
        size_t words_min, words_max;
    } acts[] = {{"next", 1, 1},    {"take", 2, 2},    {"dial", 2, 2},
                {"confirm", 2, 2}, {"release", 2, 2}, {"record", 3, CLI_WORDS_MAX}};
    cli_common c;
    gw_err err = {0};
    int rc = cli_parse(argc, argv, own, GW_COUNT(own), 1, &c, &err);
    if (rc != 0)
        return rc;
    bool list = strcmp(c.words[0], "list") == 0;
    rc = -1;
    if (list || strcmp(c.words[0], "codes") == 0)
        rc = question(&c, &o, list);
    if (strcmp(c.words[0], "attach") == 0 && c.word_n == 3)
        rc = attach(&c, &o);
    for (size_t i = 0; i < GW_COUNT(acts) && rc < 0; i++)
        if (strcmp(c.words[0], acts[i].name) == 0 && c.word_n >= acts[i].words_min &&
            c.word_n <= acts[i].words_max)
            rc = act(&c, &o);
    if (rc < 0)
        rc = usage();
    cli_done(&c);
    return rc;
}
