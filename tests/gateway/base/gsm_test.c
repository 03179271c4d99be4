#include "gateway/base/gsm.h"
#include "gateway/base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* Code point -> septets by Unicode's table: "0x1B65\t0x20AC\t#..." is two. */
static size_t read_table(uint8_t septets[0x10000])
{
    char path[512], line[512];
    snprintf(path, sizeof path, "%s/../shared/vectors/gsm0338/GSM0338.TXT",
             getenv("DUNLIN_SOURCE"));
    FILE *f = fopen(path, "r");
    size_t n = 0;
    if (!f)
        return 0;
    while (fgets(line, sizeof line, f)) {
        unsigned code, point;
        if (sscanf(line, "0x%x\t0x%x", &code, &point) != 2 || point > 0xFFFF || code == 0x1B)
            continue;
        septets[point] = code > 0xFF ? 2 : 1;
        n++;
    }
    fclose(f);
    return n;
}

static void every_character_agrees_with_unicodes_table(void **state)
{
    (void)state;
    static uint8_t table[0x10000];
    size_t rows = read_table(table);
    if (rows == 0)
        skip();
    assert_int_equal(rows, 137); /* 128 less the escape, and ten of the extension */
    for (uint32_t c = 0; c < 0x10000; c++)
        if (gsm_septets(c) != table[c])
            fail_msg("U+%04X: %d septets, the table says %d", c, gsm_septets(c), table[c]);
    assert_int_equal(gsm_septets(0x1F600), 0);
}

static gsm_size measure(const char *one, size_t times, const char *more)
{
    char text[4096];
    size_t n = 0;
    for (size_t i = 0; i < times; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s", one);
    n += (size_t)snprintf(text + n, sizeof text - n, "%s", more);
    gsm_size s;
    gw_err err = {0};
    assert_int_equal(gsm_measure((gw_str){text, n}, &s, &err), GW_OK);
    return s;
}

static void texts_are_counted_in_their_alphabet_and_joined_parts_are_shorter(void **state)
{
    (void)state;
    static const struct {
        const char *one;
        size_t times;
        const char *more;
        bool gsm;
        uint32_t units, parts;
    } rows[] = {
        {"a", 0, "", true, 0, 1},
        {"a", 160, "", true, 160, 1},
        {"a", 161, "", true, 161, 2},
        {"a", 306, "", true, 306, 2},
        {"a", 307, "", true, 307, 3},
        {"€", 80, "", true, 160, 1},
        {"a", 152, "€aaaaaaa", true, 161, 2},
        {"€", 152, "€", true, 306, 3}, /* 76 euros fill 152 of 153: no pair is cut */
        {"款", 70, "", false, 70, 1},
        {"款", 71, "", false, 71, 2},
        {"款", 134, "", false, 134, 2},
        {"款", 135, "", false, 135, 3},
        {"😀", 35, "", false, 70, 1},
        {"😀", 67, "", false, 134, 3}, /* 33 fill 66 of 67 */
        {"a", 69, "款", false, 70, 1},
        {"a", 70, "`", false, 71, 2},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        gsm_size s = measure(rows[i].one, rows[i].times, rows[i].more);
        if (s.gsm != rows[i].gsm || s.units != rows[i].units || s.parts != rows[i].parts)
            fail_msg("row %zu: gsm %d, %u units, %u parts", i, s.gsm, s.units, s.parts);
    }
}

static void what_is_not_utf8_is_refused(void **state)
{
    (void)state;
    gsm_size s;
    gw_err err = {0};
    assert_int_equal(gsm_measure(GW_STR("ab\xff"), &s, &err), GW_EINVAL);
    assert_non_null(strstr(err.text, "byte 2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_character_agrees_with_unicodes_table),
        cmocka_unit_test(texts_are_counted_in_their_alphabet_and_joined_parts_are_shorter),
        cmocka_unit_test(what_is_not_utf8_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
