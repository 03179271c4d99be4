#include "gateway/cli/send.h"

#include "gateway/base/file.h"
#include "gateway/cli/ask.h"
#include "gateway/cli/import.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum {
    LINE_BYTES = DUNLIN_BODY_BYTES_MAX,
    BATCH = 4000,
    TABLE_BYTES = 64 << 20,
    SEND_TIMEOUT_MS = 60000,
    DRY_ARENA = 1 << 30,
};

/* Bodies gathered for one call, and what became of all of them. */
typedef struct {
    const cli_common *common;
    dunlin *d;
    const char *verb;
    gw_arena *arena;
    dunlin_body bodies[BATCH];
    dunlin_verdict verdicts[BATCH];
    size_t n;
    bool print;       /* a verdict per line on stdout */
    const char *part; /* dry run: the bodies go as this member of verb try; NULL: for real */
    uint64_t kinds[DUNLIN_ANSWER + 1];
    uint64_t done, total; /* total 0: not known */
    char first_reason[256];
} sender;

static void show_progress(const sender *s)
{
    if (!isatty(STDERR_FILENO))
        return;
    if (s->total) {
        int filled = (int)(30 * s->done / s->total);
        fprintf(stderr, "\r[%.*s%.*s] %llu of %llu", filled, "##############################",
                30 - filled, "..............................", (unsigned long long)s->done,
                (unsigned long long)s->total);
    } else {
        fprintf(stderr, "\r%llu sent", (unsigned long long)s->done);
    }
}

static gw_code flush_batch(sender *s, gw_err *err)
{
    if (s->n == 0)
        return GW_OK;
    dunlin_code rc = dunlin_send(s->d, s->verb, s->bodies, s->n, s->verdicts);
    for (size_t i = 0; i < s->n; i++) {
        const dunlin_verdict *v = &s->verdicts[i];
        s->kinds[v->kind]++;
        if (v->kind == DUNLIN_REJECTED && !s->first_reason[0])
            snprintf(s->first_reason, sizeof s->first_reason, "line or body %llu: %.*s",
                     (unsigned long long)(s->done + i + 1), (int)v->bytes, v->json);
        if (s->print)
            printf("%.*s\n", (int)v->bytes, v->kind == DUNLIN_UNKNOWN ? "" : v->json);
    }
    s->done += s->n;
    s->n = 0;
    gw_arena_reset(s->arena);
    show_progress(s);
    if (rc == DUNLIN_OK)
        return GW_OK;
    return gw_fail(err, rc == DUNLIN_ETIMEOUT ? GW_ETIMEOUT : GW_EIO,
                   "%s; run the same command again, nothing is done twice", dunlin_error(s->d));
}

static gw_code add_raw(sender *s, gw_str body, gw_err *err)
{
    char *copy = gw_arena_copy(s->arena, body);
    if (!copy)
        return gw_fail(err, GW_ENOMEM, "out of memory");
    s->bodies[s->n++] = (dunlin_body){copy, body.n};
    return s->n == BATCH ? flush_batch(s, err) : GW_OK;
}

static gw_code add_body(sender *s, gw_str body, gw_err *err)
{
    GW_AUTO_BUF gw_buf tried;
    gw_buf_init(&tried, LINE_BYTES);
    if (s->part) {
        gw_buf_printf(&tried, "{\"%s\":%.*s}", s->part, GW_STR_ARG(body));
        body = gw_buf_str(&tried);
    }
    gw_code rc = gw_buf_code(&tried, "a body in a dry run", err);
    return rc == GW_OK ? add_raw(s, body, err) : rc;
}

static sender *sender_new(const cli_common *c, const char *verb, const char *source, gw_err *err)
{
    sender *s = calloc(1, sizeof *s);
    if (s)
        s->arena = gw_arena_new((size_t)BATCH * (LINE_BYTES + 64));
    if (!s || !s->arena) {
        free(s);
        gw_fail(err, GW_ENOMEM, "out of memory");
        return NULL;
    }
    s->common = c;
    s->verb = verb;
    if (ask_connect(c, source, SEND_TIMEOUT_MS, &s->d, err) != GW_OK) {
        gw_arena_free(s->arena);
        free(s);
        return NULL;
    }
    return s;
}

static void sender_free(sender *s)
{
    if (!s)
        return;
    dunlin_close(s->d);
    gw_arena_free(s->arena);
    free(s);
}

/* The last word: counts on stderr, exit code. */
static int conclude(const sender *s)
{
    if (isatty(STDERR_FILENO))
        fputc('\n', stderr);
    if (s->part) {
        fprintf(stderr, "dry run: %llu decided, %llu rejected; nothing was stored or sent\n",
                (unsigned long long)s->kinds[DUNLIN_ANSWER],
                (unsigned long long)s->kinds[DUNLIN_REJECTED]);
        return s->kinds[DUNLIN_REJECTED] ? 1 : s->kinds[DUNLIN_BUSY] ? 75 : 0;
    }
    fprintf(stderr, "%s: %llu accepted, %llu duplicate, %llu rejected, %llu busy\n", s->verb,
            (unsigned long long)s->kinds[DUNLIN_ACCEPTED],
            (unsigned long long)s->kinds[DUNLIN_DUPLICATE],
            (unsigned long long)s->kinds[DUNLIN_REJECTED],
            (unsigned long long)s->kinds[DUNLIN_BUSY]);
    if (s->first_reason[0] && !s->print)
        fprintf(stderr, "first rejected: %s\n", s->first_reason);
    return s->kinds[DUNLIN_REJECTED] ? 1 : s->kinds[DUNLIN_BUSY] ? 75 : 0;
}

/* ---- submit ---- */

static gw_code send_lines(sender *s, FILE *in, gw_err *err)
{
    GW_AUTO_FREE char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    while ((n = getline(&line, &cap, in)) > 0) {
        while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
            n--;
        if (n > LINE_BYTES)
            return gw_fail(err, GW_ELIMIT, "line %llu has %zd bytes; a job may have %d",
                           (unsigned long long)(s->done + s->n + 1), n, LINE_BYTES);
        gw_code rc = add_body(s, (gw_str){line, (size_t)n}, err);
        if (rc != GW_OK)
            return rc;
    }
    return ferror(in) ? gw_fail_errno(err, errno, "reading the jobs") : flush_batch(s, err);
}

int submit_cli(int argc, char **argv)
{
    return submit_as("submit", argc, argv);
}

int submit_as(const char *verb, int argc, char **argv)
{
    const char *source = "local";
    const char *dry = NULL;
    const cli_option own[] = {
        {"--source", &source, "billing system"},
        {"--verb", &verb, "what the lines are: submit, item, payment, ..."},
        {"--dry-run!", &dry, "jobs only: decision and time of each for itself, nothing is sent"}};
    cli_common c;
    gw_err err = {0};
    int code = cli_parse(argc, argv, own, GW_COUNT(own), 1, &c, &err);
    if (code != 0)
        return code;
    FILE *in = strcmp(c.words[0], "-") == 0 ? stdin : fopen(c.words[0], "r");
    gw_code rc = in ? GW_OK : gw_fail_errno(&err, errno, "opening %s", c.words[0]);
    sender *s = rc == GW_OK ? sender_new(&c, verb, source, &err) : NULL;
    if (rc == GW_OK)
        rc = s ? GW_OK : err.code;
    if (rc == GW_OK) {
        s->print = true;
        if (dry) {
            s->verb = "try";
            s->part = "job";
        }
        rc = send_lines(s, in, &err);
    }
    code = rc == GW_OK ? conclude(s) : cli_fail(&c, rc, &err);
    sender_free(s);
    if (in && in != stdin)
        fclose(in);
    cli_done(&c);
    return code;
}

/* ---- import ---- */

/* The debtors of a dry run, kept until their items come. */
typedef struct {
    gw_str id, body;
} dry_debtor;

typedef struct {
    sender *s;
    gw_arena *arena;
    dry_debtor *debtors; /* IMPORT_ROWS_MAX */
    size_t n;
} dry_import;

static const dry_debtor *dry_find(const dry_import *d, gw_str id)
{
    for (size_t i = d->n; i-- > 0;) /* tables have a debtor's rows together */
        if (gw_str_eq(d->debtors[i].id, id))
            return &d->debtors[i];
    return NULL;
}

/* A debtor is kept; an item goes as {"debtor","item"} of verb try. */
static gw_code dry_emit(void *arg, const char *verb, gw_str body, gw_err *err)
{
    dry_import *d = arg;
    json_doc doc;
    char *copy = gw_arena_copy(d->arena, body);
    if (!copy)
        return gw_fail(err, GW_ENOMEM, "out of memory");
    body.p = copy;
    gw_code rc = json_parse(body, d->arena, &doc, err);
    if (rc != GW_OK)
        return rc;
    if (strcmp(verb, "debtor") == 0) {
        if (d->n == IMPORT_ROWS_MAX)
            return gw_fail(err, GW_ELIMIT, "more than %d debtors", IMPORT_ROWS_MAX);
        d->debtors[d->n++] = (dry_debtor){json_get_str(&doc, 0, "id"), body};
        return GW_OK;
    }
    const dry_debtor *of = dry_find(d, json_get_str(&doc, 0, "debtor"));
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, LINE_BYTES);
    gw_buf_putc(&b, '{');
    if (of)
        json_put_member_raw(&b, "debtor", of->body);
    json_put_member_raw(&b, "item", body);
    gw_buf_putc(&b, '}');
    rc = gw_buf_code(&b, "a body in a dry run", err);
    return rc == GW_OK ? add_raw(d->s, gw_buf_str(&b), err) : rc;
}

static gw_code emit(void *arg, const char *verb, gw_str body, gw_err *err)
{
    sender *s = arg;
    gw_code rc = GW_OK;
    if (strcmp(verb, s->verb) != 0) {
        rc = flush_batch(s, err);
        s->verb = verb;
    }
    return rc == GW_OK ? add_body(s, body, err) : rc;
}

static gw_code dry_table(sender *s, gw_str table, const import_options *o, gw_err *err)
{
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(DRY_ARENA);
    GW_AUTO_FREE dry_debtor *debtors = calloc(IMPORT_ROWS_MAX, sizeof *debtors);
    dry_import d = {s, arena, debtors, 0};
    if (!arena || !debtors)
        return gw_fail(err, GW_ENOMEM, "out of memory");
    s->print = true;
    return import_table(table, o, dry_emit, &d, err);
}

static gw_code import_file(sender *s, const char *path, const import_options *o, gw_err *err)
{
    GW_AUTO_BUF gw_buf table;
    gw_buf_init(&table, TABLE_BYTES);
    gw_code rc = gw_file_read(path, &table, err);
    if (rc == GW_OK)
        rc = s->part ? dry_table(s, gw_buf_str(&table), o, err)
                     : import_table(gw_buf_str(&table), o, emit, s, err);
    if (rc == GW_OK)
        rc = flush_batch(s, err);
    return rc == GW_OK ? GW_OK : gw_wrap(err, rc, "%s", path);
}

static int list_columns(void)
{
    const char *headers;
    const char *name;
    for (size_t i = 0; (name = import_column(i, &headers)); i++)
        printf("%-22s %s\n", name, headers);
    return 0;
}

int import_cli(int argc, char **argv)
{
    const char *source = "local";
    const char *zone = "";
    const char *currency = "";
    const char *locale = "";
    const char *role = "";
    const char *columns = NULL;
    const char *dry = NULL;
    const cli_option own[] = {{"--source", &source, "billing system"},
                              {"--zone", &zone, "time zone where the table has none"},
                              {"--currency", &currency, "currency where the table has none"},
                              {"--locale", &locale, "language where the table has none"},
                              {"--role", &role, "company, consumer or guarantor"},
                              {"--dry-run!", &dry, "decisions and times of every ladder step"},
                              {"--columns!", &columns, "list the columns it knows"}};
    cli_common c;
    gw_err err = {0};
    int code = cli_parse(argc, argv, own, GW_COUNT(own), 0, &c, &err);
    if (code != 0)
        return code;
    if (columns || c.word_n == 0) {
        cli_done(&c);
        if (columns)
            return list_columns();
        fprintf(stderr, "dunlin import TABLE.csv [--zone Z] [--currency C]; --columns lists what "
                        "it knows\n");
        return CLI_USAGE;
    }
    const import_options options = {gw_str_of(zone), gw_str_of(currency), gw_str_of(locale),
                                    gw_str_of(role)};
    sender *s = sender_new(&c, dry ? "try" : "debtor", source, &err);
    if (s && dry)
        s->part = "item";
    gw_code rc = s ? import_file(s, c.words[0], &options, &err) : err.code;
    code = rc == GW_OK ? conclude(s) : cli_fail(&c, rc, &err);
    sender_free(s);
    cli_done(&c);
    return code;
}

/* ---- one event ---- */

static gw_code put_days(gw_buf *b, const char *text)
{
    json_put_name(b, "days");
    gw_buf_putc(b, '[');
    for (const char *p = text; *p;) {
        size_t n = strcspn(p, ",");
        json_put_string(b, (gw_str){p, n});
        p += n;
        if (*p == ',' && p++)
            gw_buf_putc(b, ',');
    }
    return gw_buf_putc(b, ']');
}

/* "amount_minor=5594": members ending in _minor are whole numbers, days=mon,tue is a list,
 * confirm=true a truth; everything else is text. */
static gw_code put_word(gw_buf *b, const char *word, gw_err *err)
{
    const char *equals = strchr(word, '=');
    char name[64];
    size_t n = equals ? (size_t)(equals - word) : 0;
    if (n == 0 || n >= sizeof name)
        return gw_fail(err, GW_EINVAL, "write members as name=value, or give a JSON file or -");
    memcpy(name, word, n);
    name[n] = '\0';
    if (strcmp(name, "days") == 0)
        return put_days(b, equals + 1);
    if (strcmp(name, "confirm") == 0)
        return json_put_member_bool(b, name, strcmp(equals + 1, "true") == 0);
    if (n <= 6 || strcmp(name + n - 6, "_minor") != 0)
        return json_put_member_str(b, name, gw_str_of(equals + 1));
    char *end;
    errno = 0;
    long long v = strtoll(equals + 1, &end, 10);
    if (errno || end == equals + 1 || *end)
        return gw_fail(err, GW_EINVAL, "%s must be a whole number of minor units", name);
    return json_put_member_int(b, name, v);
}

static gw_code event_body(const cli_common *c, gw_buf *b, gw_err *err)
{
    if (c->word_n == 1 && !strchr(c->words[0], '=')) {
        const char *path = strcmp(c->words[0], "-") == 0 ? "/dev/stdin" : c->words[0];
        return gw_file_read(path, b, err);
    }
    gw_buf_putc(b, '{');
    for (size_t i = 0; i < c->word_n; i++) {
        gw_code rc = put_word(b, c->words[i], err);
        if (rc != GW_OK)
            return rc;
    }
    gw_buf_putc(b, '}');
    return gw_buf_code(b, "the body", err);
}

int verb_cli(int argc, char **argv)
{
    const char *source = "local";
    const cli_option own[] = {{"--source", &source, "whose key to use"}};
    cli_common c;
    gw_err err = {0};
    int code = cli_parse(argc, argv, own, GW_COUNT(own), 1, &c, &err);
    if (code != 0)
        return code;
    GW_AUTO_BUF gw_buf body;
    gw_buf_init(&body, ASK_BODY_BYTES);
    dunlin *d = NULL;
    json_doc answer;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ASK_ARENA_BYTES);
    gw_code rc = arena ? event_body(&c, &body, &err) : gw_fail(&err, GW_ENOMEM, "out of memory");
    if (rc == GW_OK)
        rc = ask_connect(&c, source, 0, &d, &err);
    if (rc == GW_OK)
        rc = ask_once(d, argv[0], gw_buf_str(&body), arena, &answer, &err);
    if (rc == GW_OK)
        printf("%.*s\n", GW_STR_ARG(json_raw(&answer, 0)));
    dunlin_close(d);
    code = rc == GW_OK ? 0 : cli_fail(&c, rc, &err);
    cli_done(&c);
    return code;
}
