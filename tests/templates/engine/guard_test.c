/* What a message may not say, looked for in the rendered text. */
#include "render_helper.h"

#include "gateway/base/file.h"
#include "templates/engine/bundle.h"

#include <stdlib.h>

#define DOC(purpose, tone)                                                                         \
    "{\"format\":1,\"guard\":{\"opt_out\":[\"reply stop\"],\"rules\":[{\"id\":\"threat\","         \
    "\"phrases\":[\"or else\",\"后果自负\"],\"severity\":\"error\",\"why\":\"w\"},{\"id\":"    \
    "\"legal-claim\",\"phrases\":[\"court\",\"legal action\"],\"severity\":\"error\",\"why\":"     \
    "\"w\"},{\"id\":\"pressure\",\"phrases\":[\"urgent\"],\"severity\":\"warning\",\"why\":"       \
    "\"w\"}]},\"manifest\":{\"locale\":\"en\",\"name\":\"x\",\"optional\":[],\"parts\":[\"desk\"," \
    "\"html\",\"sms\",\"subject\",\"text\"],\"purpose\":\"" purpose                                \
    "\",\"required\":[],\"tone\":" tone ",\"urls\":[]},\"partials\":{},\"parts\":{\"desk\":"       \
    "\"{{note}}\",\"html\":\"<p>{{creditor.name}} {{creditor.email}}</p><p title=\\\"court\\\">"   \
    "{{note}}</p>{{opt_out.email}}\",\"sms\":\"{{creditor.name}}: {{note}}\",\"subject\":"         \
    "\"{{note}}\",\"text\":\"{{debtor.name}}: {{note}} {{creditor.name}} {{creditor.email}} "      \
    "{{opt_out.email}}\"}}"

#define PEOPLE                                                                                     \
    "\"creditor\":{\"name\":\"Blue Harbor\",\"email\":\"a@harbor.example.test\"},\"opt_out\":{"    \
    "\"email\":\"stop@harbor.example.test\"},\"debtor\":{\"name\":\"Court & Sons\"}"

static gw_code render(const char *doc, template_part part, const char *data, gw_err *err)
{
    GW_AUTO(template_bundle_free) template_bundle *b = NULL;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(TEST_ARENA);
    GW_AUTO_BUF gw_buf out;
    json_doc d;
    gw_buf_init(&out, 65536);
    if (template_bundle_parse(gw_str_of(doc), &b, err) != GW_OK)
        fail_msg("%s", err->text);
    assert_int_equal(json_parse(gw_str_of(data), arena, &d, err), GW_OK);
    return template_bundle_render(b, part, &d, true, &out, err);
}

static void blocks(template_part part, const char *data, const char *rule)
{
    gw_err err = {0};
    gw_code rc = render(DOC("reminder", "2"), part, data, &err);
    if (rc != GW_EBLOCKED || !strstr(err.text, rule))
        fail_msg("%s: %s (%s)", data, gw_code_name(rc), err.text);
}

static void passes(template_part part, const char *data)
{
    gw_err err = {0};
    gw_code rc = render(DOC("reminder", "2"), part, data, &err);
    if (rc != GW_OK)
        fail_msg("%s: %s", data, err.text);
}

static void threats_and_false_claims_in_values_block(void **state)
{
    (void)state;
    passes(TEMPLATE_TEXT, "{\"note\":\"Please pay.\"," PEOPLE "}");
    blocks(TEMPLATE_TEXT, "{\"note\":\"Pay, OR  else.\"," PEOPLE "}", "threat");
    blocks(TEMPLATE_HTML, "{\"note\":\"否则后果自负。\"," PEOPLE "}", "threat");
    blocks(TEMPLATE_TEXT, "{\"note\":\"We take legal\\naction.\"," PEOPLE "}", "legal-claim");
    blocks(TEMPLATE_SUBJECT, "{\"note\":\"See you in court\"," PEOPLE "}", "legal-claim");
    passes(TEMPLATE_TEXT, "{\"note\":\"courteous, urgent\"," PEOPLE "}");
    passes(TEMPLATE_DESK, "{\"note\":\"or else\"," PEOPLE "}");
}

static void one_word_inside_of_a_name_is_none_but_beside_it_is(void **state)
{
    (void)state;
    passes(TEMPLATE_TEXT, "{\"note\":\"Hello Court & Sons.\"," PEOPLE "}");
    passes(TEMPLATE_HTML, "{\"note\":\"Hello Court & Sons.\"," PEOPLE "}");
    blocks(TEMPLATE_TEXT, "{\"note\":\"Hello Court & Sons, the court knows.\"," PEOPLE "}",
           "legal-claim");
    passes(TEMPLATE_TEXT, "{\"note\":\"1 x Court shoes\",\"items\":[{\"description\":\"1 x Court "
                          "shoes\"}]," PEOPLE "}");
}

static void nobody_hides_who_writes_or_how_to_stop_it(void **state)
{
    (void)state;
    static const char doc[] = DOC("reminder", "2");
    static const struct {
        const char *gone, *rule;
    } rows[] = {{" {{creditor.name}} {{creditor.email}} ", "no-identity"},
                {" {{creditor.email}} ", "no-identity"},
                {" {{opt_out.email}}", "no-opt-out"}};
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        GW_AUTO_BUF gw_buf changed;
        gw_err own = {0};
        const char *at = strstr(strstr(doc, "\"text\":\""), rows[i].gone);
        assert_non_null(at);
        gw_buf_init(&changed, 8192);
        gw_buf_printf(&changed, "%.*s%s", (int)(at - doc), doc, at + strlen(rows[i].gone));
        assert_int_equal(render(changed.data, TEMPLATE_TEXT, "{\"note\":\"x\"," PEOPLE "}", &own),
                         GW_EBLOCKED);
        assert_non_null(strstr(own.text, rows[i].rule));
    }
    blocks(TEMPLATE_SMS, "{\"note\":\"Please pay.\"," PEOPLE "}", "no-opt-out");
    passes(TEMPLATE_SMS, "{\"note\":\"Please pay. Reply STOP to end.\"," PEOPLE "}");
    gw_err err = {0};
    assert_int_equal(render(DOC("opt-out-confirmation", "1"), TEMPLATE_SMS,
                            "{\"note\":\"Done.\"," PEOPLE "}", &err),
                     GW_OK);
}

static void nothing_is_harsher_than_the_level_reached(void **state)
{
    (void)state;
    passes(TEMPLATE_TEXT, "{\"note\":\"x\",\"tone\":2," PEOPLE "}");
    blocks(TEMPLATE_TEXT, "{\"note\":\"x\",\"tone\":1," PEOPLE "}", "tone");
}

static void a_deadline_is_no_weekend_where_nobody_knows_a_calendar(void **state)
{
    (void)state;
    passes(TEMPLATE_TEXT, "{\"note\":\"x\",\"deadline\":\"2026-11-20\"," PEOPLE "}");
    blocks(TEMPLATE_TEXT, "{\"note\":\"x\",\"pay_by\":\"2026-11-22\"," PEOPLE "}", "deadline");
}

/* As the content writes it: the locale's long date, and the plain one beside it. */
#define LONG_DATE(name, text, iso)                                                                 \
    "\"note\":\"until " text "\",\"" name "\":\"" text "\",\"" name "_iso\":\"" iso                \
    "\",\"today_iso\":\"2026-11-16\","

static void a_date_the_reader_sees_is_a_business_day_of_the_debtors_calendar(void **state)
{
    (void)state;
    /* the gateway says which dates are closed: a Friday that is a holiday, a Saturday that is
     * worked */
    blocks(TEMPLATE_TEXT,
           "{" LONG_DATE("reply_until", "December 25, 2026", "2026-12-25") PEOPLE
           ",\"guard\":{\"closed\":[\"2026-12-25\"]}}",
           "deadline");
    passes(TEMPLATE_TEXT, "{" LONG_DATE("reply_until", "October 10, 2026", "2026-10-10") PEOPLE
           ",\"guard\":{\"closed\":[]}}");
    blocks(TEMPLATE_TEXT,
           "{" LONG_DATE("reply_until", "November 21, 2026", "2026-11-21") PEOPLE "}", "deadline");
    /* not shown to the reader, of the invoice, or past: none of our deadlines */
    passes(TEMPLATE_TEXT,
           "{\"note\":\"x\",\"reply_until\":\"November 21, 2026\","
           "\"reply_until_iso\":\"2026-11-21\",\"today_iso\":\"2026-11-16\"," PEOPLE "}");
    passes(TEMPLATE_TEXT, "{" LONG_DATE("due_date", "November 21, 2026", "2026-11-21") PEOPLE "}");
    passes(TEMPLATE_TEXT, "{" LONG_DATE("sent_on", "November 14, 2026", "2026-11-14") PEOPLE "}");
}

#define NEED(word) ",\"guard\":{\"needs\":[{\"need\":\"" word "\",\"pack\":\"us-x\"}]}}"

static void what_a_rule_pack_asks_for_is_there_or_nothing_leaves(void **state)
{
    (void)state;
    passes(TEMPLATE_TEXT, "{\"note\":\"x\"," PEOPLE NEED("identity"));
    passes(TEMPLATE_TEXT, "{\"note\":\"x\"," PEOPLE NEED("opt-out"));
    passes(TEMPLATE_TEXT, "{\"note\":\"x\"," PEOPLE NEED("dispute-path"));
    passes(TEMPLATE_TEXT, "{\"note\":\"x\"," PEOPLE NEED("no-legal-threat"));
    passes(TEMPLATE_TEXT, "{\"note\":\"EUR 5\",\"total_open\":\"EUR 5\"," PEOPLE NEED("balance"));
    blocks(TEMPLATE_TEXT, "{\"note\":\"x\",\"total_open\":\"EUR 5\"," PEOPLE NEED("balance"),
           "us-x/balance");
    blocks(TEMPLATE_SMS, "{\"note\":\"Reply STOP\"," PEOPLE NEED("dispute-path"),
           "us-x/dispute-path");
    blocks(TEMPLATE_TEXT, "{\"note\":\"x\"," PEOPLE NEED("poem"), "us-x/poem");
    passes(TEMPLATE_DESK, "{\"note\":\"x\"," PEOPLE NEED("poem"));
    blocks(TEMPLATE_TEXT, "{\"note\":\"x\"," PEOPLE ",\"guard\":{\"needs\":[7]}}", "needs");
}

#define WAY(wording, words)                                                                        \
    ",\"guard\":{\"opt_outs\":[{\"pack\":\"us-x\",\"words\":[" words "],\"wording\":\"" wording    \
    "\"}]}}"

static void a_short_message_offers_the_way_out_of_the_pack(void **state)
{
    (void)state;
    static const char way[] = WAY("Text QUIT to 55.", "\"QUIT\",\"END\"");
    char data[1024];
    static const struct {
        const char *note;
        bool good;
    } rows[] = {{"Reply STOP or text QUIT to 55.", true}, /* the pack's own wording */
                {"Reply STOP or END", true},              /* our phrase, a word of the pack */
                {"Reply STOP", false},                    /* a word the pack does not know */
                {"Reply STOP, the QUITTER", false}};
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        snprintf(data, sizeof data, "{\"note\":\"%s\",%s%s", rows[i].note, PEOPLE, way);
        if (rows[i].good)
            passes(TEMPLATE_SMS, data);
        else
            blocks(TEMPLATE_SMS, data, "us-x/opt-out-wording");
        passes(TEMPLATE_TEXT, data); /* a mail has its link */
    }
}

static void a_version_without_word_lists_lets_nothing_pass(void **state)
{
    (void)state;
    static const char doc[] =
        "{\"format\":1,\"manifest\":{\"locale\":\"en\",\"name\":\"x\",\"optional\":[],\"parts\":["
        "\"subject\",\"text\"],\"purpose\":\"reminder\",\"required\":[],\"tone\":1,\"urls\":[]},"
        "\"partials\":{},\"parts\":{\"subject\":\"s\",\"text\":\"{{creditor.name}} "
        "{{creditor.email}} {{opt_out.email}}\"}}";
    gw_err err = {0};
    assert_int_equal(render(doc, TEMPLATE_TEXT, "{" PEOPLE "}", &err), GW_EBLOCKED);
    assert_non_null(strstr(err.text, "no-words"));
}

static void shipped_templates_carry_their_words(void **state)
{
    static const char *const names[] = {"en/payment-reminder", "zh-CN/formal-notice",
                                        "en/opt-out-confirmation"};
    (void)state;
    for (size_t i = 0; i < GW_COUNT(names); i++) {
        char path[1024];
        gw_err err = {0};
        GW_AUTO(template_bundle_free) template_bundle *b = NULL;
        snprintf(path, sizeof path, "%s/templates/%s", getenv("DUNLIN_SOURCE"), names[i]);
        if (template_bundle_load(path, &b, &err) != GW_OK)
            fail_msg("%s", err.text);
        gw_str json = template_bundle_json(b);
        assert_non_null(memmem(json.p, json.n, "\"guard\":{\"opt_out\"", 18));
    }
}

/* The rows are those of config/rules. */
static void shipped_short_messages_offer_the_way_out_of_the_shipped_packs(void **state)
{
    (void)state;
    static const struct {
        const char *name, *guard;
    } rows[] = {
        {"zh-CN/payment-reminder",
         "{\"needs\":[{\"need\":\"opt-out\",\"pack\":\"cn-sms\"},{\"need\":\"identity\",\"pack\":"
         "\"cn-sms\"},{\"need\":\"dispute-path\",\"pack\":\"cn-gbt45251\"}],\"opt_outs\":[{"
         "\"pack\":"
         "\"cn-sms\",\"wording\":\"拒收请回复R\",\"words\":[\"TD\",\"T\",\"N\",\"R\"]}]}"},
        {"en/payment-reminder",
         "{\"needs\":[{\"need\":\"opt-out\",\"pack\":\"us-regf\"}],\"opt_outs\":[{\"pack\":"
         "\"us-regf\",\"wording\":\"Reply STOP to stop texts to this telephone number.\","
         "\"words\":[\"STOP\",\"QUIT\"]}]}"},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        char path[1024];
        gw_err err = {0};
        json_doc d;
        GW_AUTO(template_bundle_free) template_bundle *b = NULL;
        GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(TEST_ARENA);
        GW_AUTO_BUF gw_buf data;
        GW_AUTO_BUF gw_buf out;
        gw_buf_init(&data, 65536);
        gw_buf_init(&out, 65536);
        snprintf(path, sizeof path, "%s/templates/%s", getenv("DUNLIN_SOURCE"), rows[i].name);
        assert_int_equal(template_bundle_load(path, &b, &err), GW_OK);
        snprintf(path, sizeof path, "%s/tests/templates/engine/context.json",
                 getenv("DUNLIN_SOURCE"));
        assert_int_equal(gw_file_read(path, &data, &err), GW_OK);
        data.n = (size_t)(strrchr(data.data, '}') - data.data);
        gw_buf_printf(&data, ",\"guard\":%s}", rows[i].guard);
        assert_int_equal(json_parse(gw_buf_str(&data), arena, &d, &err), GW_OK);
        if (template_bundle_render(b, TEMPLATE_SMS, &d, true, &out, &err) != GW_OK)
            fail_msg("%s: %s", rows[i].name, err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threats_and_false_claims_in_values_block),
        cmocka_unit_test(one_word_inside_of_a_name_is_none_but_beside_it_is),
        cmocka_unit_test(nobody_hides_who_writes_or_how_to_stop_it),
        cmocka_unit_test(nothing_is_harsher_than_the_level_reached),
        cmocka_unit_test(a_deadline_is_no_weekend_where_nobody_knows_a_calendar),
        cmocka_unit_test(a_date_the_reader_sees_is_a_business_day_of_the_debtors_calendar),
        cmocka_unit_test(what_a_rule_pack_asks_for_is_there_or_nothing_leaves),
        cmocka_unit_test(a_short_message_offers_the_way_out_of_the_pack),
        cmocka_unit_test(a_version_without_word_lists_lets_nothing_pass),
        cmocka_unit_test(shipped_short_messages_offer_the_way_out_of_the_shipped_packs),
        cmocka_unit_test(shipped_templates_carry_their_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
