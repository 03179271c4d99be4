/* `dunlin rules` as an operator uses it, on a copy of the shipped configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { TEXT_MAX = 64 * 1024, LINE_MAX_BYTES = 4096 };

static char place[64];
static char said[TEXT_MAX];

/* Runs it in the place, keeps what it said, returns the exit code. */
static int run(const char *command)
{
    char line[LINE_MAX_BYTES];
    const char *build = getenv("DUNLIN_BUILD");
    snprintf(line, sizeof line, "cd %s && export PATH=%s/bin:$PATH && ( %s ) 2>&1", place,
             build ? build : ".", command);
    FILE *p = popen(line, "r");
    assert_non_null(p);
    size_t n = fread(said, 1, sizeof said - 1, p);
    said[n] = '\0';
    int status = pclose(p);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define DUNLIN "dunlin rules --data data --config config/dunlin.jsonc "

static void expect(const char *command, int code, const char *words)
{
    int got = run(command);
    if (got != code || !strstr(said, words))
        fail_msg("%s: exit code %d, said: %s", command, got, said);
}

static int setup(void **state)
{
    (void)state;
    char copy[LINE_MAX_BYTES];
    const char *source = getenv("DUNLIN_SOURCE");
    snprintf(place, sizeof place, "/tmp/dunlin-rules-%d", getpid());
    snprintf(copy, sizeof copy, "mkdir -p %s/data && cp -r %s/config %s/config", place,
             source ? source : ".", place);
    return system(copy); // NOLINT(cert-env33-c): a test's own folder
}

static int teardown(void **state)
{
    (void)state;
    char gone[LINE_MAX_BYTES];
    snprintf(gone, sizeof gone, "rm -rf %s", place);
    return system(gone); // NOLINT(cert-env33-c)
}

static void the_packs_are_listed_with_their_drafts(void **state)
{
    (void)state;
    expect(DUNLIN "list", 0, "us-regf");
    expect(DUNLIN "list --json", 0, "\"id\":\"cn-gbt45251\"");
    expect(DUNLIN "lint", 0, "drafts that nobody has verified");
}

static void common_options_may_stand_before_the_command(void **state)
{
    (void)state;
    expect("dunlin --json --data data --config config/dunlin.jsonc rules list", 0,
           "\"id\":\"cn-gbt45251\"");
    expect("dunlin --data data --config none.jsonc rules list", 1, "none.jsonc");
    expect("dunlin --data data", 2, "Exit codes");
    expect("dunlin --colour rules list", 2, "--colour");
}

static void a_signed_file_is_known_until_a_number_changes(void **state)
{
    (void)state;
    expect(DUNLIN "verify", 1, "not signed by a key");
    expect(DUNLIN "sign --key counsel config/rules/us-ma.jsonc", 1, "dunlin rules key counsel");
    expect(DUNLIN "key counsel", 0, "public key");
    expect(DUNLIN "key counsel", 1, "exists");
    expect(DUNLIN "key ../up", 1, "a key's name");
    expect(DUNLIN "sign --key counsel config/rules/*[a-z].jsonc config/calendars/*.jsonc "
                  "config/rules/regions/*.jsonc",
           1, "vectors"); /* vectors are no rules */
    expect(DUNLIN "sign --key counsel $(ls config/rules/*.jsonc | grep -v vectors) "
                  "config/calendars/*.jsonc config/rules/regions/*.jsonc",
           0, "signed config/rules/us-ma.jsonc");
    expect(DUNLIN "verify", 0, "0 files not signed");
    expect("sed -i '1i // a comment changes nothing' config/rules/us-ma.jsonc && " DUNLIN "verify",
           0, "0 files not signed");
    expect("cp config/rules/us-ma.jsonc old && sed -i 's/\"max\": 2, \"days\": 7/\"max\": 9, "
           "\"days\": "
           "7/' config/rules/us-ma.jsonc && " DUNLIN "verify",
           1, "bad signature  us-ma.jsonc");
    expect(DUNLIN "lint", 0, "changed after it was signed");
    expect("rm data/keys/rules/counsel.vkey && " DUNLIN "verify", 1,
           "bad signature  us-regf.jsonc");
}

static void a_difference_is_shown_number_by_number(void **state)
{
    (void)state;
    expect(DUNLIN "diff old config/rules/us-ma.jsonc", 0, "- /caps/0/max 2\n+ /caps/0/max 9");
    expect(DUNLIN "diff old config/rules/us-ma.jsonc --json", 0,
           "{\"at\":\"/caps/0/max\",\"old\":2,\"new\":9}");
    expect(DUNLIN "diff old old", 0, "");
    assert_string_equal(said, "");
}

static void a_wrong_pack_is_named_with_its_place(void **state)
{
    (void)state;
    expect("sed -i 's/\"days\": 30/\"days\": 99/' config/rules/us-ma.jsonc && " DUNLIN "lint", 1,
           "/caps/1/days");
    expect(DUNLIN "nonsense", 2, "dunlin rules list");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_packs_are_listed_with_their_drafts),
        cmocka_unit_test(common_options_may_stand_before_the_command),
        cmocka_unit_test(a_signed_file_is_known_until_a_number_changes),
        cmocka_unit_test(a_difference_is_shown_number_by_number),
        cmocka_unit_test(a_wrong_pack_is_named_with_its_place),
    };
    return cmocka_run_group_tests_name("rules_cli", tests, setup, teardown);
}
