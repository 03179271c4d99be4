/* Every rule of lint can fail: a good template is broken in one place at a time. */
#include "cli_helper.h"

#include "templates/engine/lint.h"

static const char manifest[] =
    "{\n"
    "  \"name\": \"x\", \"locale\": \"en\", \"purpose\": \"reminder\", \"tone\": 2,\n"
    "  \"parts\": [\"subject\", \"text\", \"html\"],\n"
    "  \"required\": [\"creditor.name\", \"creditor.email\", \"opt_out.email\", \"total\",\n"
    "    \"items.open\"],\n"
    "  \"optional\": [\"link\"],\n"
    "  \"urls\": [\"link\"]\n"
    "}\n";
static const char subject[] = "Reminder: {{total}}\n";
static const char text[] = "Open: {{total}}\n"
                           "{{#items}}\n"
                           "- {{open}}\n"
                           "{{/items}}\n"
                           "{{#link}}\n"
                           "{{link}}\n"
                           "{{/link}}\n"
                           "{{creditor.name}} {{#creditor}}{{email}}{{/creditor}}\n"
                           "Stop: {{opt_out.email}}\n";
static const char html[] = "<p title=\"{{total}}\">Open: {{total}}</p>\n"
                           "{{#link}}\n"
                           "<a href=\"{{link}}\">pay</a>\n"
                           "{{/link}}\n"
                           "<p>{{creditor.name}} {{creditor.email}}</p>\n"
                           "<p>Stop: {{opt_out.email}}</p>\n";
static const char words[] =
    "{\"rules\":[{\"id\":\"threat\",\"severity\":\"error\",\"why\":\"no threats\","
    "\"phrases\":[\"Or else\",\"sue\",\"后果自负\"]},"
    "{\"id\":\"pressure\",\"severity\":\"warning\",\"why\":\"calm\",\"phrases\":[\"urgent\"]}]}";

typedef struct {
    const char *file;
    const char *from, *to; /* replaced in it; from NULL: the whole file; to NULL: no file */
    const char *rule;
    lint_severity severity;
    const char *where; /* file and line of the finding */
    uint32_t line;
} breakage;

static const struct {
    const char *file, *content;
} good_files[] = {
    {"en/x/template.json", manifest}, {"en/x/subject.mustache", subject},
    {"en/x/text.mustache", text},     {"en/x/html.mustache", html},
    {"en/lint.json", words},
};

static void put_broken(const char *dir, const char *file, const char *content, const breakage *b)
{
    GW_AUTO_BUF gw_buf bytes;
    gw_buf_init(&bytes, 8192);
    const char *at = b->from ? strstr(content, b->from) : NULL;
    if (b->from && !at)
        fail_msg("%s does not hold %s", file, b->from);
    if (at)
        gw_buf_printf(&bytes, "%.*s%s%s", (int)(at - content), content, b->to,
                      at + strlen(b->from));
    else
        gw_buf_puts(&bytes, b->to);
    put_file(dir, file, gw_buf_str(&bytes));
}

/* A template of good files, one of them broken (b may be NULL). */
static void put_template(const char *dir, const breakage *b)
{
    bool known = b == NULL;
    for (size_t i = 0; i < GW_COUNT(good_files); i++) {
        bool hit = b && strcmp(good_files[i].file, b->file) == 0;
        known = known || hit;
        if (!hit)
            put_file(dir, good_files[i].file, gw_str_of(good_files[i].content));
        else if (b->to)
            put_broken(dir, b->file, good_files[i].content, b);
    }
    if (!known)
        put_file(dir, b->file, gw_str_of(b->to));
}

static const lint_finding *find(const lint_report *r, const breakage *b)
{
    for (size_t i = 0; i < lint_report_size(r); i++) {
        const lint_finding *f = lint_report_at(r, i);
        if (strcmp(f->rule, b->rule) == 0 && f->severity == b->severity &&
            strstr(f->file, b->where) && f->line == b->line)
            return f;
    }
    return NULL;
}

static void print_report(const lint_report *r)
{
    for (size_t i = 0; i < lint_report_size(r); i++) {
        const lint_finding *f = lint_report_at(r, i);
        print_message("%s:%u %s [%s]\n", f->file, f->line, f->text, f->rule);
    }
}

static void assert_found(const breakage *b)
{
    char dir[32];
    char path[64];
    gw_err err = {0};
    GW_AUTO(lint_report_free) lint_report *r = lint_report_new();
    make_temp_dir(dir);
    put_template(dir, b);
    snprintf(path, sizeof path, "%s/en/x", dir);
    gw_code rc = template_lint(path, r, &err);
    remove_dir(dir);
    if (rc != GW_OK)
        fail_msg("%s: %s", b->rule, err.text);
    if (find(r, b))
        return;
    print_report(r);
    fail_msg("rule %s found nothing in %s", b->rule, b->where);
}

#define TEXT     "en/x/text.mustache"
#define HTML     "en/x/html.mustache"
#define SUBJECT  "en/x/subject.mustache"
#define MANIFEST "en/x/template.json"

static void each_rule_finds_what_it_is_for_with_file_and_line(void **state)
{
    (void)state;
    static const breakage rows[] = {
        {TEXT, "{{/items}}", "", "syntax", LINT_ERROR, "text.mustache", 2},
        {TEXT, "Open: ", "Open: {{>footer}}", "no-partial", LINT_ERROR, "text.mustache", 1},
        {TEXT, "{{email}}", "{{fax}}", "undeclared", LINT_ERROR, "text.mustache", 8},
        {TEXT, "- {{open}}", "- {{close}}", "undeclared", LINT_ERROR, "text.mustache", 3},
        {TEXT, "{{#link}}\n{{link}}\n{{/link}}", "{{link}}", "unguarded", LINT_WARNING,
         "text.mustache", 5},
        {TEXT, "Open: {{total}}", "Open: {{creditor}}", "not-printable", LINT_ERROR,
         "text.mustache", 1},
        {TEXT, "Stop: {{opt_out.email}}", "", "no-opt-out", LINT_ERROR, "text.mustache", 0},
        {TEXT, "Stop: {{opt_out.email}}", "{{#link}}{{opt_out.email}}{{/link}}", "no-opt-out",
         LINT_ERROR, "text.mustache", 0},
        {HTML, "Stop: {{opt_out.email}}", "", "no-opt-out", LINT_ERROR, "html.mustache", 0},
        {TEXT, "{{creditor.name}}", "", "no-identity", LINT_ERROR, "text.mustache", 0},
        {MANIFEST,
         "\"creditor.name\", \"creditor.email\", \"opt_out.email\", \"total\",\n    "
         "\"items.open\"],\n"
         "  \"optional\": [",
         "\"opt_out.email\", \"total\", \"items.open\"],\n"
         "  \"optional\": [\"creditor\", \"creditor.name\", \"creditor.email\", ",
         "no-identity", LINT_ERROR, "text.mustache", 0},
        {HTML, "{{creditor.email}}", "", "no-identity", LINT_ERROR, "html.mustache", 0},
        {SUBJECT, NULL, " \n", "subject-empty", LINT_ERROR, "subject.mustache", 1},
        {SUBJECT, NULL, "{{! nothing }}\n", "subject-empty", LINT_ERROR, "subject.mustache", 1},
        {SUBJECT, NULL, "a {{total}}\nb\n", "subject-lines", LINT_ERROR, "subject.mustache", 2},
        {SUBJECT, "Reminder:",
         "A very long reminder about a payment that has been open for quite some time now:",
         "subject-long", LINT_WARNING, "subject.mustache", 1},
        {TEXT, NULL, NULL, "html-without-text", LINT_ERROR, "html.mustache", 0},
        {TEXT, NULL, NULL, "parts", LINT_ERROR, "text.mustache", 0},
        {SUBJECT, NULL, NULL, "no-subject", LINT_ERROR, "template.json", 1},
        {HTML, "Open: {{total}}", "{{{total}}}", "html-unescaped", LINT_ERROR, "html.mustache", 1},
        {HTML, "title=\"{{total}}\"", "title={{total}}", "html-unquoted", LINT_ERROR,
         "html.mustache", 1},
        {HTML, "href=\"{{link}}\"", "href=\"{{total}}\"", "html-link", LINT_ERROR, "html.mustache",
         3},
        {TEXT, "Open:", "Pay, or\nelse:", "threat", LINT_ERROR, "text.mustache", 1},
        {HTML, "Open:", "or <b>else</b>", "threat", LINT_ERROR, "html.mustache", 1},
        {TEXT, "Open:", "后果\n自负", "threat", LINT_ERROR, "text.mustache", 1},
        {TEXT, "Stop:", "URGENT", "pressure", LINT_WARNING, "text.mustache", 9},
        {MANIFEST, "\"tone\": 2", "\"tone\": 9", "manifest", LINT_ERROR, "template.json", 2},
        {MANIFEST, "\"html\"]", "\"fax\"]", "manifest", LINT_ERROR, "template.json", 3},
        {MANIFEST, "\"optional\"", "\"maybe\"", "manifest", LINT_ERROR, "template.json", 6},
        {MANIFEST, "\"urls\":", "\"urls\"", "manifest", LINT_ERROR, "template.json", 7},
        {MANIFEST, "\"name\": \"x\"", "\"name\": \"y\"", "place", LINT_ERROR, "template.json", 1},
        {MANIFEST, "\"total\",", "\"total\", \"never\",", "unused", LINT_WARNING, "template.json",
         4},
        {MANIFEST, ", \"html\"", "", "parts", LINT_ERROR, "html.mustache", 0},
        {"en/x/fax.mustache", NULL, "fax\n", "unknown-part", LINT_ERROR, "fax.mustache", 0},
        {"en/x/sms.mustache", NULL, "{{total}} 付款\n", "sms-segments", LINT_NOTE, "sms.mustache",
         0},
        {"en/x/voice.mustache", NULL, "{{creditor.name}}: {{total}}\n", "voice-disclosure",
         LINT_ERROR, "voice.mustache", 1},
        {"en/x/voice.mustache", NULL, "Hello.\n", "voice-names", LINT_ERROR, "voice.mustache", 0},
        {"en/x/voice-ask.mustache", NULL, "{{creditor.name}}: is it you?\n", "voice-names",
         LINT_ERROR, "voice-ask.mustache", 0},
        {"en/x/voice-ask.mustache", NULL, "Press 1, 2 or 3.\n", "voice-keys", LINT_ERROR,
         "voice-ask.mustache", 0},
        {"en/x/voice-ask.mustache", NULL, "Press 1.\n", "voice-parts", LINT_ERROR,
         "voice-bye.mustache", 0},
        {"en/lint.json", NULL,
         "{\"rules\":[{\"id\":\"hint\",\"severity\":\"error\",\"why\":\"so\",\"parts\":[\"text\"],"
         "\"phrases\":[\"open\"]}]}",
         "hint", LINT_ERROR, "text.mustache", 1},
        {"en/lint.json", NULL,
         "{\"rules\":[{\"id\":\"hint\",\"severity\":\"error\",\"why\":\"so\",\"parts\":[\"fax\"],"
         "\"phrases\":[\"open\"]}]}",
         "word-list", LINT_ERROR, "lint.json", 0},
        {"en/lint.json", NULL, NULL, "word-list", LINT_WARNING, "lint.json", 0},
        {"en/lint.json", NULL, "{\"rules\":[{}]}", "word-list", LINT_ERROR, "lint.json", 0},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++)
        assert_found(&rows[i]);
}

static void count_findings(const breakage *b, size_t expected)
{
    char dir[32];
    gw_err err = {0};
    GW_AUTO(lint_report_free) lint_report *r = lint_report_new();
    make_temp_dir(dir);
    put_template(dir, b);
    assert_int_equal(template_lint(dir, r, &err), GW_OK);
    remove_dir(dir);
    if (lint_report_size(r) != expected)
        print_report(r);
    assert_int_equal(lint_report_size(r), expected);
}

static void a_good_template_has_no_findings(void **state)
{
    (void)state;
    count_findings(NULL, 0);
}

static void a_word_inside_another_word_is_not_found(void **state)
{
    (void)state;
    breakage b = {TEXT, "Open:", "Issue, pursuer, for elsewhere:", NULL, LINT_NOTE, NULL, 0};
    count_findings(&b, 0);
}

static void a_subject_of_two_branches_is_as_long_as_the_longer_one(void **state)
{
    (void)state;
    breakage b = {SUBJECT,
                  "Reminder:",
                  "{{#link}}A reminder about a payment, with its link:{{/link}}"
                  "{{^link}}A reminder about a payment, without link:{{/link}}",
                  NULL,
                  LINT_NOTE,
                  NULL,
                  0};
    count_findings(&b, 0);
}

static void an_sms_is_counted_in_its_alphabet(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"{{total}}", "about 12 GSM septets in 1 part"},
        {"{{total}} [é]", "about 18 GSM septets in 1 part"},
        {"{{total}}付款", "about 14 UCS-2 units in 1 part"},
        {"{{total}}😀`", "about 15 UCS-2 units in 1 part"},
        {"{{total}} 012345678901234567890123456789012345678901234567890123456789付款",
         "about 75 UCS-2 units in 2 parts"},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        char dir[32];
        gw_err err = {0};
        GW_AUTO(lint_report_free) lint_report *r = lint_report_new();
        breakage b = {"en/x/sms.mustache", NULL, rows[i].text, "sms-segments", LINT_NOTE,
                      "sms.mustache",      0};
        make_temp_dir(dir);
        put_template(dir, &b);
        assert_int_equal(template_lint(dir, r, &err), GW_OK);
        remove_dir(dir);
        const lint_finding *f = find(r, &b);
        assert_non_null(f);
        if (!strstr(f->text, rows[i].says))
            fail_msg("%s: %s", rows[i].text, f->text);
    }
}

static void a_template_missing_in_one_locale_is_reported(void **state)
{
    (void)state;
    char dir[32];
    gw_err err = {0};
    GW_AUTO(lint_report_free) lint_report *r = lint_report_new();
    breakage b = {.rule = "untranslated", .severity = LINT_WARNING, .where = "zh-CN/x"};
    make_temp_dir(dir);
    put_template(dir, NULL);
    put_file(dir, "zh-CN/lint.json", GW_STR(words));
    put_file(dir, "zh-CN/y/template.json",
             GW_STR("{\"name\":\"y\",\"locale\":\"zh-CN\",\"purpose\":\"call\",\"tone\":1,"
                    "\"parts\":[\"desk\"],\"required\":[],\"optional\":[]}"));
    put_file(dir, "zh-CN/y/desk.mustache", GW_STR("x"));
    assert_int_equal(template_lint(dir, r, &err), GW_OK);
    remove_dir(dir);
    assert_non_null(find(r, &b));
}

static void the_shipped_templates_have_no_errors_and_no_warnings(void **state)
{
    (void)state;
    char dir[600];
    gw_err err = {0};
    GW_AUTO(lint_report_free) lint_report *r = lint_report_new();
    snprintf(dir, sizeof dir, "%s/templates", getenv("DUNLIN_SOURCE"));
    assert_int_equal(template_lint(dir, r, &err), GW_OK);
    if (lint_report_count(r, LINT_ERROR) || lint_report_count(r, LINT_WARNING))
        print_report(r);
    assert_int_equal(lint_report_count(r, LINT_ERROR), 0);
    assert_int_equal(lint_report_count(r, LINT_WARNING), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_template_has_no_findings),
        cmocka_unit_test(each_rule_finds_what_it_is_for_with_file_and_line),
        cmocka_unit_test(a_word_inside_another_word_is_not_found),
        cmocka_unit_test(a_subject_of_two_branches_is_as_long_as_the_longer_one),
        cmocka_unit_test(an_sms_is_counted_in_its_alphabet),
        cmocka_unit_test(a_template_missing_in_one_locale_is_reported),
        cmocka_unit_test(the_shipped_templates_have_no_errors_and_no_warnings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
