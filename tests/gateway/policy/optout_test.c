/* What people write back, in the languages of config/optout. */
#include "gateway/policy/optout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static optout_words *words;

static int load(void **state)
{
    char dir[1024];
    gw_err err = {0};
    (void)state;
    snprintf(dir, sizeof dir, "%s/config/optout", getenv("DUNLIN_SOURCE"));
    if (optout_words_load(dir, &words, &err) == GW_OK)
        return 0;
    fprintf(stderr, "%s\n", err.text);
    return -1;
}

static int unload(void **state)
{
    (void)state;
    optout_words_free(words);
    return 0;
}

static optout_verdict of(const char *text)
{
    optout_verdict v;
    optout_classify(words, gw_str_of(text), &v);
    return v;
}

static void is(const char *text, optout_kind kind, const char *why)
{
    optout_verdict v = of(text);
    if (v.kind != kind || strcmp(v.why, why) != 0)
        fail_msg("\"%s\" is %s (%s, %s), not %s (%s)", text, optout_kind_name(v.kind), v.why,
                 v.language, optout_kind_name(kind), why);
}

static void stops(const char *text, optout_scope scope, const char *channel)
{
    optout_verdict v = of(text);
    if (v.kind != OPTOUT_STOP || v.scope != scope || strcmp(v.channel, channel) != 0)
        fail_msg("\"%s\" is %s scope %s channel \"%s\" (%s)", text, optout_kind_name(v.kind),
                 optout_scope_name(v.scope), v.channel, v.why);
}

static void every_keyword_of_the_rule_stops_however_it_is_written(void **state)
{
    static const char *const keywords[] = {
        "STOP",     "QUIT",  "END",  "REVOKE", "OPT OUT",  "CANCEL",    "UNSUBSCRIBE",
        "TD",       "T",     "N",    "R",      " stop. ",  "\"Stop!\"", "StOp\n",
        "opt-out",  "退订",  "回TD", "退訂",   "ＳＴＯＰ", "ｔｄ",      "s\u00adt\u200bop",
        "Abmelden", "ARRÊT", "baja", "बंद करो", "SAIR",
    };
    (void)state;
    for (size_t i = 0; i < GW_COUNT(keywords); i++)
        is(keywords[i], OPTOUT_STOP, "keyword");
}

static void a_keyword_on_the_first_line_stops_whatever_a_phone_adds(void **state)
{
    (void)state;
    is("STOP\n\nSent from my phone", OPTOUT_STOP, "keyword");
    is("\r\n  Stop \r\n-- \r\nErika", OPTOUT_STOP, "keyword");
}

static void a_plain_wish_stops_with_its_scope(void **state)
{
    (void)state;
    stops("Please stop texting me", OPTOUT_ADDRESS, "");
    stops("stop calling me at once!!", OPTOUT_CHANNEL, "voice");
    stops("Do not contact\nme again", OPTOUT_ALL, "");
    stops("Don’t contact me", OPTOUT_ALL, "");
    stops("stop calling and stop texting", OPTOUT_CHANNEL, "voice");
    stops("请不要再给我打电话，不要打电话", OPTOUT_CHANNEL, "voice");
    stops("你们不要再联系我了", OPTOUT_ALL, "");
    stops("Bitte kontaktieren Sie mich nicht mehr", OPTOUT_ALL, "");
    stops("Ne m'appelez plus", OPTOUT_CHANNEL, "voice");
    stops("No me llamen nunca", OPTOUT_CHANNEL, "voice");
    stops("कृपया मैसेज बंद कर दीजिए", OPTOUT_ADDRESS, "");
}

static void words_that_may_mean_it_ask_for_a_person(void **state)
{
    (void)state;
    is("I cannot stop the transfer any more", OPTOUT_REVIEW, "maybe-opt-out");
    is("How can I unsubscribe?", OPTOUT_REVIEW, "maybe-opt-out");
    is("I don't want to stop texting", OPTOUT_REVIEW, "maybe-opt-out");
    is("this is harassment", OPTOUT_REVIEW, "maybe-opt-out");
    is("我没有说不要再联系", OPTOUT_REVIEW, "maybe-opt-out");
    is("wann hört diese Belästigung auf", OPTOUT_REVIEW, "maybe-opt-out");
}

static void words_that_change_what_may_be_done_ask_for_a_person(void **state)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"Talk to my lawyer", "lawyer"},
        {"He passed away in May", "deceased"},
        {"We filed for bankruptcy", "insolvency"},
        {"I lost my job and can't afford it", "vulnerable"},
        {"You have the wrong number", "wrong-person"},
        {"We dispute invoice 12", "dispute"},
        {"Only after 6 pm please, I am at work", "inconvenient-time"},
        {"我父亲上个月去世了", "deceased"},
        {"公司已经破产", "insolvency"},
        {"发错了，我不认识这个公司", "wrong-person"},
        {"Mein Anwalt meldet sich", "lawyer"},
        {"Je conteste cette facture", "dispute"},
    };
    (void)state;
    for (size_t i = 0; i < GW_COUNT(rows); i++)
        is(rows[i].text, OPTOUT_REVIEW, rows[i].why);
    assert_string_equal(of("STOP\nmy lawyer will write").also, "lawyer");
}

static void promises_and_questions_are_told_from_the_rest(void **state)
{
    (void)state;
    is("We will pay on Friday", OPTOUT_PROMISE, "wording");
    is("月底付", OPTOUT_PROMISE, "wording");
    is("HELP", OPTOUT_HELP, "wording");
    is("Who is this?", OPTOUT_HELP, "wording");
    is("Thank you, received.", OPTOUT_OTHER, "");
    is("", OPTOUT_OTHER, "");
    is("The stopper of the nonstop line ends Friday", OPTOUT_OTHER, "");
}

static void our_own_words_coming_back_are_not_the_senders(void **state)
{
    (void)state;
    is("Ok, thanks\n\nOn Monday Creditor wrote:\n> Reply STOP to opt out", OPTOUT_OTHER, "");
    is("Thanks\nReply STOP to opt out.", OPTOUT_OTHER, "");
    is("好的\n回复TD退订", OPTOUT_OTHER, "");
    is("> quoted\nSTOP", OPTOUT_REVIEW, "maybe-opt-out"); /* who said it is not clear */
    is("STOP\n> Reply STOP to opt out", OPTOUT_STOP, "keyword");
}

static void what_cannot_be_read_whole_is_read_by_a_person(void **state)
{
    char *text = malloc(OPTOUT_TEXT_MAX + 100);
    (void)state;
    memset(text, 'a', OPTOUT_TEXT_MAX + 99);
    text[OPTOUT_TEXT_MAX + 99] = '\0';
    is(text, OPTOUT_REVIEW, "too-long");
    memcpy(text, "STOP\n", 5);
    is(text, OPTOUT_STOP, "keyword");
    free(text);
    is("\xff\xfeSTOP\xff", OPTOUT_STOP, "keyword");
}

static void a_broken_word_file_says_where(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"{\"format\":2,\"language\":\"x\",\"stop\":[],\"review\":[],\"negations\":[]}", "format"},
        {"{\"format\":1,\"language\":\"x\",\"stop\":[],\"review\":[],\"negations\":[],\"a\":1}",
         "/a: unknown"},
        {"{\"format\":1,\"language\":\"x\",\"stop\":[{\"scope\":\"world\"}],\"review\":[],"
         "\"negations\":[]}",
         "/stop/0/scope"},
        {"{\"format\":1,\"language\":\"x\",\"stop\":[{\"scope\":\"all\",\"whole\":[\"...\"]}],"
         "\"review\":[],\"negations\":[]}",
         "/stop/0/whole/0"},
    };
    (void)state;
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        GW_AUTO(optout_words_free) optout_words *w = optout_words_new();
        gw_err err = {0};
        assert_int_equal(optout_words_add(w, "x.jsonc", gw_str_of(rows[i].text), &err), GW_EINVAL);
        if (!strstr(err.text, rows[i].says) || !strstr(err.text, "x.jsonc"))
            fail_msg("%s", err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_keyword_of_the_rule_stops_however_it_is_written),
        cmocka_unit_test(a_keyword_on_the_first_line_stops_whatever_a_phone_adds),
        cmocka_unit_test(a_plain_wish_stops_with_its_scope),
        cmocka_unit_test(words_that_may_mean_it_ask_for_a_person),
        cmocka_unit_test(words_that_change_what_may_be_done_ask_for_a_person),
        cmocka_unit_test(promises_and_questions_are_told_from_the_rest),
        cmocka_unit_test(our_own_words_coming_back_are_not_the_senders),
        cmocka_unit_test(what_cannot_be_read_whole_is_read_by_a_person),
        cmocka_unit_test(a_broken_word_file_says_where),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
