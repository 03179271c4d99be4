/* The PDF as its reader gets it: text, fonts and pages are asked of poppler's programs. Where they
 * or the fonts are missing the test reports itself skipped. */
#include "gateway/base/file.h"
#include "tests/templates/statement/document.h"

#include <fontconfig/fontconfig.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static statement_pdf *pdf;

static int open_pdf(void **state)
{
    (void)state;
    gw_err err = {0};
    if (statement_pdf_new(NULL, &pdf, &err) != GW_OK)
        print_message("%s\n", err.text);
    return 0;
}

static int close_pdf(void **state)
{
    (void)state;
    statement_pdf_free(pdf);
    FcFini(); /* Pango loads the machine's configuration as well, which would look like a leak */
    return 0;
}

static void need_fonts(void)
{
    if (!pdf)
        skip();
}

static void put_items(gw_buf *b, const char *locale, int rows)
{
    document_head(b, locale);
    for (int i = 0; i < rows; i++)
        document_item(b, i, "Delivery, 第一批交货", "2013-02-01", 123450 + i, 0,
                      i % 3 == 2 ? "JPY" : "USD");
    gw_buf_puts(b, "]}");
}

static gw_code render(statement_pdf *p, const char *json, gw_buf *ret, gw_err *err)
{
    document d;
    document_open(&d, gw_str_of(json));
    gw_code rc = statement_write_pdf(p, d.s, ret, err);
    document_close(&d);
    return rc;
}

static void render_rows(statement_pdf *p, const char *locale, int rows, gw_buf *ret)
{
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, 1 << 20);
    gw_err err = {0};
    put_items(&text, locale, rows);
    if (render(p, text.data, ret, &err) != GW_OK)
        fail_msg("%s", err.text);
}

/* Give the PDF to a poppler program and take its output. */
static void ask(const char *program, const char *tail, const gw_buf *document_bytes, gw_buf *ret)
{
    char path[] = "/tmp/dunlin-statement-XXXXXX", command[128];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(gw_file_write_all(fd, document_bytes->data, document_bytes->n, NULL), GW_OK);
    close(fd);
    snprintf(command, sizeof command, "TZ=UTC %s %s %s 2>/dev/null", program, path, tail);
    FILE *out = popen(command, "r");
    char block[4096];
    for (size_t n; out && (n = fread(block, 1, sizeof block, out)) > 0;)
        gw_buf_put(ret, block, n);
    int status = out ? pclose(out) : -1;
    unlink(path);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        skip(); /* poppler-utils is not installed */
    assert_int_equal(status, 0);
}

static void says(const gw_buf *b, const char *want)
{
    if (!b->data || !strstr(b->data, want))
        fail_msg("\"%s\" is not in:\n%s", want, b->data ? b->data : "");
}

static void text_and_amounts_can_be_taken_out_again_in_english_and_chinese(void **state)
{
    (void)state;
    need_fonts();
    static const char *const words[][4] = {
        {"en", "Account statement", "March 20, 2013", "Page 1 of 1"},
        {"zh-CN", "对账单", "2013年3月20日", "第 1 页，共 1 页"}};
    for (size_t i = 0; i < GW_COUNT(words); i++) {
        GW_AUTO_BUF gw_buf bytes, text;
        gw_buf_init(&bytes, 1 << 20);
        gw_buf_init(&text, 1 << 20);
        render_rows(pdf, words[i][0], 4, &bytes);
        ask("pdftotext -layout", "-", &bytes, &text);
        for (size_t k = 1; k < 4; k++)
            says(&text, words[i][k]);
        says(&text, "湖滨贸易有限公司");
        says(&text, "第一批交货");
        says(&text, "1,234.50");
        says(&text, "USD 3,703.54"); /* 1234.50 + 1234.51 + 1234.53 */
        says(&text, "JPY 123,452");
    }
}

static void the_faces_are_embedded_truetype_subsets(void **state)
{
    (void)state;
    need_fonts();
    GW_AUTO_BUF gw_buf bytes, out;
    gw_buf_init(&bytes, 1 << 20);
    gw_buf_init(&out, 1 << 20);
    render_rows(pdf, "en", 4, &bytes);
    ask("pdffonts", "", &bytes, &out);
    says(&out, "+DejaVuSans ");
    says(&out, "+WenQuanYiZenHei ");
    char *rest = NULL;
    size_t line = 0;
    for (char *l = strtok_r(out.data, "\n", &rest); l; l = strtok_r(NULL, "\n", &rest), line++)
        if (line >= 2 && (!strstr(l, "TrueType") || !strstr(l, "yes yes yes")))
            fail_msg("not embedded TrueType with text: %s", l);
    assert_true(line >= 4);
}

static void the_document_says_what_it_is_and_takes_its_date_from_the_statement(void **state)
{
    (void)state;
    need_fonts();
    GW_AUTO_BUF gw_buf bytes, out;
    gw_buf_init(&bytes, 1 << 20);
    gw_buf_init(&out, 1 << 20);
    render_rows(pdf, "en", 1, &bytes);
    ask("pdfinfo", "", &bytes, &out);
    says(&out, "Account statement 2013-03-20");
    says(&out, "Dunlin Works");
    says(&out, "Mar 20 00:00:00 2013");
    says(&out, "A4");
}

static void many_rows_take_several_pages_each_with_its_number_and_heading(void **state)
{
    (void)state;
    need_fonts();
    GW_AUTO_BUF gw_buf bytes, text;
    gw_buf_init(&bytes, 4 << 20);
    gw_buf_init(&text, 4 << 20);
    render_rows(pdf, "en", 120, &bytes);
    ask("pdftotext -layout", "-", &bytes, &text);
    size_t pages = 0, headings = 0;
    for (const char *p = text.data; (p = strchr(p, '\f')); p++)
        pages++;
    for (const char *p = text.data; (p = strstr(p, "Reference ")); p++)
        headings++;
    assert_in_range(pages, 4, 8);
    assert_true(headings >= pages - 1); /* the last one may hold sums only */
    char last[48];
    snprintf(last, sizeof last, "Page %zu of %zu", pages, pages);
    says(&text, last);
    says(&text, "INV-0 ");
    says(&text, "INV-119 ");
}

/* Few rows are first drawn as if they were one page. */
static void a_page_says_the_right_count_whether_one_was_enough_or_not(void **state)
{
    (void)state;
    need_fonts();
    bool one = false, two = false;
    for (int rows = 4; rows <= 24; rows += 2) {
        GW_AUTO_BUF gw_buf bytes, text;
        gw_buf_init(&bytes, 4 << 20);
        gw_buf_init(&text, 4 << 20);
        render_rows(pdf, "en", rows, &bytes);
        ask("pdftotext -layout", "-", &bytes, &text);
        size_t pages = 0;
        for (const char *p = text.data; (p = strchr(p, '\f')); p++)
            pages++;
        for (size_t i = 1; i <= pages; i++) {
            char count[48];
            snprintf(count, sizeof count, "Page %zu of %zu", i, pages);
            says(&text, count);
        }
        one = one || pages == 1;
        two = two || (pages == 2 && rows <= 12);
    }
    assert_true(one);
    assert_true(two);
}

static void the_same_statement_gives_the_same_bytes_in_any_context(void **state)
{
    (void)state;
    need_fonts();
    GW_AUTO_BUF gw_buf first, again, fresh;
    gw_buf_init(&first, 4 << 20);
    gw_buf_init(&again, 4 << 20);
    gw_buf_init(&fresh, 4 << 20);
    render_rows(pdf, "zh-CN", 40, &first);
    render_rows(pdf, "en", 7, &fresh); /* something else in between */
    gw_buf_clear(&fresh);
    render_rows(pdf, "zh-CN", 40, &again);
    statement_pdf *other = NULL;
    assert_int_equal(statement_pdf_new(NULL, &other, NULL), GW_OK);
    render_rows(other, "zh-CN", 40, &fresh);
    statement_pdf_free(other);
    assert_true(gw_str_eq(gw_buf_str(&first), gw_buf_str(&again)));
    assert_true(gw_str_eq(gw_buf_str(&first), gw_buf_str(&fresh)));
}

static void *render_in_thread(void *arg)
{
    gw_buf *b = arg;
    statement_pdf *own = NULL;
    if (statement_pdf_new(NULL, &own, NULL) == GW_OK)
        for (int i = 0; i < 5; i++) {
            gw_buf_clear(b);
            render_rows(own, "zh-CN", 5, b);
        }
    statement_pdf_free(own);
    return NULL;
}

static void threads_with_contexts_of_their_own_do_not_disturb_each_other(void **state)
{
    (void)state;
    need_fonts();
    pthread_t threads[3];
    gw_buf bytes[GW_COUNT(threads)];
    for (size_t i = 0; i < GW_COUNT(threads); i++) {
        gw_buf_init(&bytes[i], 1 << 20);
        assert_int_equal(pthread_create(&threads[i], NULL, render_in_thread, &bytes[i]), 0);
    }
    for (size_t i = 0; i < GW_COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    assert_true(bytes[0].n > 1000);
    for (size_t i = 1; i < GW_COUNT(threads); i++)
        assert_true(gw_str_eq(gw_buf_str(&bytes[0]), gw_buf_str(&bytes[i])));
    for (size_t i = 0; i < GW_COUNT(threads); i++)
        gw_buf_done(&bytes[i]);
}

static void digits_of_the_largest_amount_are_all_there(void **state)
{
    (void)state;
    need_fonts();
    GW_AUTO_BUF gw_buf json, bytes, text;
    gw_buf_init(&json, 1 << 20);
    gw_buf_init(&bytes, 1 << 20);
    gw_buf_init(&text, 1 << 20);
    document_head(&json, "en");
    for (int i = 0; i < 3; i++)
        document_item(&json, i, "x", "2013-02-01", STATEMENT_AMOUNT_MAX, 1, "USD");
    gw_buf_puts(&json, "]}");
    gw_err err = {0};
    assert_int_equal(render(pdf, json.data, &bytes, &err), GW_OK);
    ask("pdftotext -layout", "-", &bytes, &text);
    says(&text, "10,000,000,000,000.00");
    says(&text, "29,999,999,999,999.97");
}

static void refused(const char *description, gw_code code, const char *why)
{
    GW_AUTO_BUF gw_buf json, bytes;
    gw_buf_init(&json, 1 << 20);
    gw_buf_init(&bytes, 1 << 20);
    gw_buf_puts(&bytes, "before");
    document_head(&json, "en");
    document_item(&json, 1, description, "2013-02-01", 100, 0, "USD");
    gw_buf_puts(&json, "]}");
    gw_err err = {0};
    assert_int_equal(render(pdf, json.data, &bytes, &err), code);
    if (!strstr(err.text, why))
        fail_msg("\"%s\" does not say \"%s\"", err.text, why);
    assert_int_equal(bytes.n, strlen("before"));
}

static void a_character_no_face_has_is_refused_by_its_number(void **state)
{
    (void)state;
    need_fonts();
    refused("party \xF0\x9F\xA6\x86", GW_EINVAL, "U+1F986");  /* a duck */
    refused("\xE0\xB8\x81\xE0\xB8\xB2", GW_EINVAL, "U+0E01"); /* Thai */
}

static void text_that_is_not_plain_still_comes_out_right(void **state)
{
    (void)state;
    need_fonts();
    GW_AUTO_BUF gw_buf json, bytes, text;
    gw_buf_init(&json, 1 << 20);
    gw_buf_init(&bytes, 1 << 20);
    gw_buf_init(&text, 1 << 20);
    document_head(&json, "zh-CN");
    document_item(&json, 1,
                  "e\xCC\x81tude combin\xC3\xA9"
                  "e, Ελληνικά, Русский",
                  "2013-02-01", 100, 0, "USD");
    gw_buf_puts(&json, "]}");
    gw_err err = {0};
    if (render(pdf, json.data, &bytes, &err) != GW_OK)
        fail_msg("%s", err.text);
    ask("pdftotext -layout", "-", &bytes, &text);
    says(&text, "Ελληνικά");
    says(&text, "tude");
}

/* GB 2312 has none of these; the characters around them come from the reduced face. */
static void rare_hanzi_are_drawn_with_the_whole_face(void **state)
{
    (void)state;
    need_fonts();
    static const char *const locales[] = {"en", "zh-CN"};
    for (size_t i = 0; i < GW_COUNT(locales); i++) {
        GW_AUTO_BUF gw_buf json, bytes, text;
        gw_buf_init(&json, 1 << 20);
        gw_buf_init(&bytes, 1 << 20);
        gw_buf_init(&text, 1 << 20);
        document_head(&json, locales[i]);
        document_item(&json, 1, "东龘西體南", "2013-02-01", 100, 0, "USD");
        gw_buf_puts(&json, "]}");
        gw_err err = {0};
        if (render(pdf, json.data, &bytes, &err) != GW_OK)
            fail_msg("%s", err.text);
        ask("pdftotext -layout", "-", &bytes, &text);
        says(&text, "东龘西體南");
    }
}

/* The faces of a short statement are stored as they are, so their tables can be looked for. */
static void faces_are_embedded_without_their_hints(void **state)
{
    (void)state;
    need_fonts();
    GW_AUTO_BUF gw_buf bytes;
    gw_buf_init(&bytes, 1 << 20);
    render_rows(pdf, "en", 4, &bytes);
    assert_non_null(memmem(bytes.data, bytes.n, "glyf", 4));
    assert_null(memmem(bytes.data, bytes.n, "fpgm", 4));
    assert_null(memmem(bytes.data, bytes.n, "prep", 4));
}

static void a_font_file_that_is_missing_is_named(void **state)
{
    (void)state;
    statement_fonts files = {.latin = "/nowhere/missing.ttf"};
    statement_pdf *none = NULL;
    gw_err err = {0};
    assert_int_equal(statement_pdf_new(&files, &none, &err), GW_ENOTFOUND);
    assert_non_null(strstr(err.text, "/nowhere/missing.ttf"));
    assert_null(none);
}

static void a_buffer_too_small_is_an_error(void **state)
{
    (void)state;
    need_fonts();
    GW_AUTO_BUF gw_buf json, bytes;
    gw_buf_init(&json, 1 << 20);
    gw_buf_init(&bytes, 1000);
    put_items(&json, "en", 3);
    gw_err err = {0};
    assert_int_equal(render(pdf, json.data, &bytes, &err), GW_ELIMIT);
    assert_int_equal(bytes.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_and_amounts_can_be_taken_out_again_in_english_and_chinese),
        cmocka_unit_test(the_faces_are_embedded_truetype_subsets),
        cmocka_unit_test(the_document_says_what_it_is_and_takes_its_date_from_the_statement),
        cmocka_unit_test(many_rows_take_several_pages_each_with_its_number_and_heading),
        cmocka_unit_test(a_page_says_the_right_count_whether_one_was_enough_or_not),
        cmocka_unit_test(the_same_statement_gives_the_same_bytes_in_any_context),
        cmocka_unit_test(threads_with_contexts_of_their_own_do_not_disturb_each_other),
        cmocka_unit_test(digits_of_the_largest_amount_are_all_there),
        cmocka_unit_test(a_character_no_face_has_is_refused_by_its_number),
        cmocka_unit_test(text_that_is_not_plain_still_comes_out_right),
        cmocka_unit_test(rare_hanzi_are_drawn_with_the_whole_face),
        cmocka_unit_test(faces_are_embedded_without_their_hints),
        cmocka_unit_test(a_font_file_that_is_missing_is_named),
        cmocka_unit_test(a_buffer_too_small_is_an_error),
    };
    return cmocka_run_group_tests(tests, open_pdf, close_pdf);
}
