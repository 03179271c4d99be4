/* statement_bench - statements a second on one core, as CSV and as PDF.
 *
 *   statement_bench              one page, five rows: rates and sizes, en and zh-CN
 *   statement_bench FILE.json    write FILE.json as PDF to standard output, to look at */
#include "gateway/base/clock.h"
#include "gateway/base/file.h"
#include "templates/statement/statement.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

enum { ROWS = 5, ROUNDS = 1500, JSON_BYTES = 16 << 20, ARENA_BYTES = 256 << 20 };

static const char *const names[][3] = {
    {"en", "Lakeside Trading Company", "Machine parts, delivery"},
    {"zh-CN", "湖滨贸易有限公司", "机器配件，第一批交货"},
};

static void put_document(gw_buf *b, size_t language, int64_t seed)
{
    gw_buf_printf(b,
                  "{\"creditor\":{\"name\":\"Dunlin Works\",\"address\":\"1 Shore Road\\nHarbour\","
                  "\"email\":\"ar@dunlin.example.test\",\"payment\":[\"Bank of the Shore\","
                  "\"Account 0000 0000\"]},\"debtor\":{\"name\":\"%s\",\"id\":\"C-100\"},"
                  "\"date\":\"2013-03-20\",\"locale\":\"%s\",\"items\":[",
                  names[language][1], names[language][0]);
    for (int i = 0; i < ROWS; i++)
        gw_buf_printf(b,
                      "%s{\"id\":\"INV-%d\",\"description\":\"%s\",\"issued\":\"2013-0%d-02\","
                      "\"due\":\"2013-0%d-01\",\"amount_minor\":%" PRId64 ",\"currency\":\"USD\"}",
                      i ? "," : "", 100 + i, names[language][2], 1 + i % 2, 2 + i % 3,
                      5594 + 1000 * i + seed);
    gw_buf_puts(b, "]}");
}

static int fail(const gw_err *err)
{
    fprintf(stderr, "statement_bench: %s\n", err->text);
    return 1;
}

static gw_code build(gw_str text, gw_arena *arena, const statement **ret, gw_err *err)
{
    json_doc d;
    gw_code rc = json_parse(text, arena, &d, err);
    return rc == GW_OK ? statement_from_json(&d, 0, arena, ret, err) : rc;
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static gw_code one(statement_pdf *pdf, gw_str text, gw_arena *arena, gw_buf *out, gw_err *err)
{
    const statement *s;
    gw_arena_reset(arena);
    gw_buf_clear(out);
    gw_code rc = build(text, arena, &s, err);
    if (rc != GW_OK)
        return rc;
    return pdf ? statement_write_pdf(pdf, s, out, err) : statement_write_csv(s, out, err);
}

static gw_code measure(statement_pdf *pdf, size_t language, gw_arena *arena, gw_err *err)
{
    GW_AUTO_BUF gw_buf text, out;
    gw_buf_init(&text, JSON_BYTES);
    gw_buf_init(&out, STATEMENT_OUTPUT_BYTES);
    double begin = 0.0;
    for (int i = -100; i < ROUNDS; i++) { /* a hundred to warm the caches */
        if (i == 0)
            begin = now_s();
        gw_buf_clear(&text);
        put_document(&text, language, i + 100);
        gw_code rc = one(pdf, gw_buf_str(&text), arena, &out, err);
        if (rc != GW_OK)
            return rc;
    }
    printf("%-4s %-6s %8.0f/s and core  %6zu bytes\n", pdf ? "PDF" : "CSV", names[language][0],
           ROUNDS / (now_s() - begin), out.n);
    return GW_OK;
}

static gw_code print_file(statement_pdf *pdf, const char *path, gw_arena *arena, gw_err *err)
{
    GW_AUTO_BUF gw_buf text, out;
    gw_buf_init(&text, JSON_BYTES);
    gw_buf_init(&out, STATEMENT_OUTPUT_BYTES);
    gw_code rc = gw_file_read(path, &text, err);
    if (rc == GW_OK)
        rc = one(pdf, gw_buf_str(&text), arena, &out, err);
    if (rc == GW_OK)
        rc = gw_file_write_all(1, out.data, out.n, err);
    return rc;
}

int main(int argc, char **argv)
{
    gw_err err = {0};
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ARENA_BYTES);
    GW_AUTO(statement_pdf_free) statement_pdf *pdf = NULL;
    if (statement_pdf_new(NULL, &pdf, &err) != GW_OK)
        return fail(&err);
    if (argc == 2)
        return print_file(pdf, argv[1], arena, &err) == GW_OK ? 0 : fail(&err);
    for (size_t language = 0; language < GW_COUNT(names); language++)
        if (measure(NULL, language, arena, &err) != GW_OK ||
            measure(pdf, language, arena, &err) != GW_OK)
            return fail(&err);
    return 0;
}
