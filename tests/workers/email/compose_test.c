/* A composed message, read back by GMime; and what is refused. The whole way from facts to message
 * is read back by Python's email package in compose_golden.py. */
#include "workers/email/address.h"
#include "workers/email/compose.h"

#include <gmime/gmime.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { DATE_MS = 1358848800 }; /* seconds: 2013-01-22T10:00:00Z */

static const header_mailbox to[] = {{{"Ann Debtor", 10}, {"ann@debtor.example.test", 23}}};

static compose_mail usual(void)
{
    return (compose_mail){.id = GW_STR("rid0001"),
                          .date_ms = INT64_C(1000) * DATE_MS,
                          .from = {GW_STR("Creditor Ltd"), GW_STR("billing@creditor.example.test")},
                          .to = to,
                          .to_n = 1,
                          .subject = GW_STR("Invoice INV-1"),
                          .message_id = GW_STR("rid0001@creditor.example.test"),
                          .text = GW_STR("Dear Ann,\n\nplease pay.\n")};
}

static gw_code compose_into(const compose_mail *m, gw_buf *out, gw_err *err)
{
    gw_buf_clear(out);
    return compose(m, out, err);
}

static GMimeMessage *read_back(const gw_buf *bytes)
{
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer(bytes->data, bytes->n);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    GMimeMessage *m = g_mime_parser_construct_message(parser, NULL);
    g_object_unref(parser);
    g_object_unref(stream);
    assert_non_null(m);
    return m;
}

static void check_lines(const gw_buf *b)
{
    size_t column = 0;
    for (size_t i = 0; i < b->n; i++) {
        unsigned char c = (unsigned char)b->data[i];
        assert_true(c < 0x80 && c != 0);
        if (c == '\n')
            assert_true(i > 0 && b->data[i - 1] == '\r');
        if (c == '\r')
            assert_true(i + 1 < b->n && b->data[i + 1] == '\n');
        if (c == '\r' && i > 0) /* no header begins with an empty line */
            assert_true(b->data[i - 1] != ':');
        column = c == '\n' ? 0 : column + 1;
        assert_true(column <= 999);
    }
    assert_true(b->n > 2 && memcmp(b->data + b->n - 2, "\r\n", 2) == 0);
}

/* The decoded content of the n-th leaf. Free it. */
static char *leaf(GMimeMessage *m, int n)
{
    GMimePartIter *it = g_mime_part_iter_new(GMIME_OBJECT(m));
    GMimeObject *found = NULL;
    do {
        GMimeObject *part = g_mime_part_iter_get_current(it);
        if (part && GMIME_IS_PART(part) && n-- == 0)
            found = part;
    } while (!found && g_mime_part_iter_next(it));
    assert_non_null(found);
    GMimeStream *out = g_mime_stream_mem_new();
    g_mime_data_wrapper_write_to_stream(g_mime_part_get_content(GMIME_PART(found)), out);
    GByteArray *bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(out));
    char *z = strndup((const char *)bytes->data, bytes->len);
    g_object_unref(out);
    g_mime_part_iter_free(it);
    return z;
}

static void a_plain_message_reads_back(void **state)
{
    (void)state;
    gw_err err = {0};
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, COMPOSE_BYTES_MAX);
    compose_mail m = usual();
    assert_int_equal(compose_into(&m, &b, &err), GW_OK);
    check_lines(&b);
    assert_non_null(strstr(b.data, "Date: Tue, 22 Jan 2013 10:00:00 +0000\r\n"));
    assert_non_null(strstr(b.data, "Auto-Submitted: auto-generated\r\n"));
    assert_non_null(strstr(b.data, "X-Dunlin-Reference: rid0001\r\n"));
    GMimeMessage *got = read_back(&b);
    assert_string_equal(g_mime_message_get_subject(got), "Invoice INV-1");
    assert_string_equal(g_mime_message_get_message_id(got), "rid0001@creditor.example.test");
    assert_int_equal(g_date_time_to_unix(g_mime_message_get_date(got)), DATE_MS);
    char *text = leaf(got, 0);
    assert_string_equal(text, "Dear Ann,\r\n\r\nplease pay.\r\n");
    free(text);
    g_object_unref(got);
}

static void names_and_subjects_of_any_script_read_back(void **state)
{
    (void)state;
    static const char *const values[] = {
        "对账单 2013-02：请付款",
        "Zahlungserinnerung für Müller & Söhne – größer",
        "Плановый платёж",
        "😀 emoji and text",
        "=?utf-8?q?not_a_word?=",
        "plain, but \"quoted\" \\ and (commented) <x@example.test>",
        "一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十一二三四五"
        "六七八九十",
        "a  b   c    two spaces and more than one line of text, so that the header has to be "
        "folded  "
        "somewhere between its words  without losing a space",
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        gw_err err = {0};
        GW_AUTO_BUF gw_buf b;
        gw_buf_init(&b, COMPOSE_BYTES_MAX);
        compose_mail m = usual();
        header_mailbox boxes[] = {{gw_str_of(values[i]), to[0].address}};
        m.subject = gw_str_of(values[i]);
        m.to = boxes;
        assert_int_equal(compose_into(&m, &b, &err), GW_OK);
        check_lines(&b);
        GMimeMessage *got = read_back(&b);
        assert_string_equal(g_mime_message_get_subject(got), values[i]);
        InternetAddressList *list = g_mime_message_get_addresses(got, GMIME_ADDRESS_TYPE_TO);
        InternetAddress *who = internet_address_list_get_address(list, 0);
        if (i < 7) /* a display name's run of spaces is one space to every reader */
            assert_string_equal(internet_address_get_name(who), values[i]);
        assert_string_equal(internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(who)),
                            "ann@debtor.example.test");
        g_object_unref(got);
    }
}

/* RFC 2047 §2; GMime alone keeps neither this nor names and values on one line. */
static void encoded_words_are_short_and_begin_beside_the_headers_name(void **state)
{
    (void)state;
    gw_err err = {0};
    GW_AUTO_BUF gw_buf b, name;
    gw_buf_init(&b, COMPOSE_BYTES_MAX);
    gw_buf_init(&name, 4096);
    for (int i = 0; i < 20; i++)
        gw_buf_puts(&name, "上海样品");
    const gw_str address = GW_STR("a-very-long-name-before-the-at-sign-of-some-sixty-letters@"
                                  "department.of-accounts-payable.debtor.example.test");
    const header_mailbox boxes[] = {{{NULL, 0}, address}, {gw_buf_str(&name), address}};
    for (size_t i = 0; i < 2; i++) {
        compose_mail m = usual();
        m.to = &boxes[i];
        m.subject = gw_buf_str(&name);
        assert_int_equal(compose_into(&m, &b, &err), GW_OK);
        check_lines(&b);
        assert_null(strstr(b.data, ": \r\n"));
        for (const char *word = b.data; (word = strcasestr(word, "=?utf-8?b?")) != NULL;) {
            const char *end = strstr(word, "?=");
            assert_in_range(end + 2 - word, 12, 75);
            word = end;
        }
        GMimeMessage *got = read_back(&b);
        InternetAddressList *list = g_mime_message_get_addresses(got, GMIME_ADDRESS_TYPE_TO);
        InternetAddress *who = internet_address_list_get_address(list, 0);
        assert_string_equal(g_mime_message_get_subject(got), name.data);
        if (i > 0)
            assert_string_equal(internet_address_get_name(who), name.data);
        assert_string_equal(internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(who)),
                            address.p);
        g_object_unref(got);
    }
}

static void texts_survive_every_encoding(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "plain\r\n",
        "caf\xc3\xa9 with an = sign\r\n.leading dot\r\nFrom here on\r\ntrailing space \r\n",
        "请付款，谢谢。\r\n第二行\r\n",
        "--=_a.rid0001\r\nlooks like a boundary\r\n",
        "tab\there\r\n\r\n\r\nempty lines\r\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        gw_err err = {0};
        GW_AUTO_BUF gw_buf b;
        gw_buf_init(&b, COMPOSE_BYTES_MAX);
        compose_mail m = usual();
        m.text = gw_str_of(texts[i]);
        m.html = gw_str_of(texts[i]);
        assert_int_equal(compose_into(&m, &b, &err), GW_OK);
        check_lines(&b);
        GMimeMessage *got = read_back(&b);
        for (int n = 0; n < 2; n++) {
            char *text = leaf(got, n);
            assert_string_equal(text, texts[i]);
            free(text);
        }
        g_object_unref(got);
    }
}

static void a_very_long_line_is_broken_up_and_comes_back_whole(void **state)
{
    (void)state;
    gw_err err = {0};
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, COMPOSE_BYTES_MAX);
    char *line = malloc(5003);
    memset(line, 'x', 5000);
    memcpy(line + 5000, "\r\n", 3);
    compose_mail m = usual();
    m.text = gw_str_of(line);
    assert_int_equal(compose_into(&m, &b, &err), GW_OK);
    check_lines(&b);
    GMimeMessage *got = read_back(&b);
    char *text = leaf(got, 0);
    assert_string_equal(text, line);
    free(text);
    free(line);
    g_object_unref(got);
}

static void the_same_reminder_gives_the_same_bytes(void **state)
{
    (void)state;
    gw_err err = {0};
    GW_AUTO_BUF gw_buf a, b;
    gw_buf_init(&a, COMPOSE_BYTES_MAX);
    gw_buf_init(&b, COMPOSE_BYTES_MAX);
    compose_mail m = usual();
    m.html = GW_STR("<p>x</p>\n");
    m.attachments =
        &(compose_attachment){GW_STR("s.csv"), "text/csv; charset=utf-8", GW_STR("a,b")};
    m.attachment_n = 1;
    assert_int_equal(compose_into(&m, &a, &err), GW_OK);
    assert_int_equal(compose_into(&m, &b, &err), GW_OK);
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.data, b.data, a.n);
    m.id = GW_STR("rid0002");
    assert_int_equal(compose_into(&m, &b, &err), GW_OK);
    assert_true(a.n != b.n || memcmp(a.data, b.data, a.n) != 0);
}

static void nobody_can_add_a_header(void **state)
{
    (void)state;
    static const char evil[] = "x\r\nBcc: spy@example.test";
    static const char *const forms[] = {evil,         "x\nBcc: a", "x\rBcc: a",
                                        "x\x01",      "x\x7f",     "x\xe2\x80\xa8y",
                                        "x\xc2\x85y", "x\xff",     "a\xe2\x80\xae"};
    gw_err err = {0};
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, COMPOSE_BYTES_MAX);
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        gw_str bad = gw_str_of(forms[i]);
        header_mailbox named[] = {{bad, to[0].address}};
        header_mailbox addressed[] = {{{NULL, 0}, bad}};
        compose_mail m[10];
        size_t n = 0;
        for (size_t k = 0; k < 10; k++)
            m[k] = usual();
        m[n++].subject = bad;
        m[n++].from.name = bad;
        m[n++].from.address = bad;
        m[n++].reply_to = bad;
        m[n].to = named;
        n++;
        m[n].to = addressed;
        n++;
        m[n++].message_id = bad;
        m[n++].id = bad;
        m[n++].unsubscribe_mailto = bad;
        m[n].attachments = &(compose_attachment){bad, "text/csv", GW_STR("x")};
        m[n++].attachment_n = 1;
        for (size_t k = 0; k < n; k++) {
            gw_code rc = compose_into(&m[k], &b, &err);
            if (rc != GW_EINVAL && rc != GW_ELIMIT)
                fail_msg("form %zu was let through in place %zu", i, k);
            assert_null(strstr(err.text, "spy"));
        }
    }
}

static void unsubscribing_is_one_click_only_with_https(void **state)
{
    (void)state;
    gw_err err = {0};
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, COMPOSE_BYTES_MAX);
    compose_mail m = usual();
    m.unsubscribe_mailto = GW_STR("stop@creditor.example.test");
    assert_int_equal(compose_into(&m, &b, &err), GW_OK);
    assert_non_null(
        strstr(b.data, "<mailto:stop@creditor.example.test?subject=unsubscribe%20rid0001>\r\n"));
    assert_null(strstr(b.data, "List-Unsubscribe-Post"));
    m.unsubscribe_url = GW_STR("https://creditor.example.test/stop/rid0001");
    assert_int_equal(compose_into(&m, &b, &err), GW_OK);
    assert_non_null(strstr(b.data, "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"));
    m.unsubscribe_url = GW_STR("http://creditor.example.test/stop");
    assert_int_equal(compose_into(&m, &b, &err), GW_EINVAL);
    m.unsubscribe_url = GW_STR("https://creditor.example.test/>,<mailto:x@example.test");
    assert_int_equal(compose_into(&m, &b, &err), GW_EINVAL);
}

static void what_is_too_large_is_refused_by_name(void **state)
{
    (void)state;
    gw_err err = {0};
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, 20000);
    char *big = malloc(30000);
    memset(big, 'a', 30000);
    compose_mail m = usual();
    m.attachments = &(compose_attachment){GW_STR("a.bin"), "application/pdf", {big, 30000}};
    m.attachment_n = 1;
    assert_int_equal(compose_into(&m, &b, &err), GW_ELIMIT);
    assert_non_null(strstr(err.text, "20000"));
    m = usual();
    m.subject = (gw_str){big, 1200}; /* one word that no fold can break */
    assert_int_equal(compose_into(&m, &b, &err), GW_ELIMIT);
    assert_non_null(strstr(err.text, "Subject"));
    m = usual();
    m.to_n = 0;
    assert_int_equal(compose_into(&m, &b, &err), GW_EINVAL);
    free(big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_message_reads_back),
        cmocka_unit_test(names_and_subjects_of_any_script_read_back),
        cmocka_unit_test(encoded_words_are_short_and_begin_beside_the_headers_name),
        cmocka_unit_test(texts_survive_every_encoding),
        cmocka_unit_test(a_very_long_line_is_broken_up_and_comes_back_whole),
        cmocka_unit_test(the_same_reminder_gives_the_same_bytes),
        cmocka_unit_test(nobody_can_add_a_header),
        cmocka_unit_test(unsubscribing_is_one_click_only_with_https),
        cmocka_unit_test(what_is_too_large_is_refused_by_name),
    };
    g_mime_init();
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    g_mime_shutdown();
    return rc;
}
