#include "gateway/base/file.h"
#include "gateway/base/time.h"
#include "gateway/policy/zone.h"

#include <ftw.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static zone *open_zone(const char *name)
{
    zone *z = NULL;
    gw_err err = {0};
    if (zone_open(gw_str_of(name), &z, &err) != GW_OK)
        fail_msg("%s: %s", name, err.text);
    return z;
}

static int32_t day_of(const char *date)
{
    int32_t day = 0;
    assert_int_equal(gw_date_parse(gw_str_of(date), &day, NULL), GW_OK);
    return day;
}

/* ---- names ---- */

static void an_unknown_or_doubtful_name_is_refused(void **state)
{
    (void)state;
    const char *bad[] = {"",
                         " ",
                         "UTC+3",
                         "UTC+8",
                         "GMT+8",
                         "+08:00",
                         "XYZ-3",
                         "EST5EDT,M3.2.0,M11.1.0",
                         "Europe/Berlni",
                         "europe/berlin",
                         "Europe",
                         "Europe/",
                         "/Europe/Berlin",
                         "Europe//Berlin",
                         "../zoneinfo/Europe/Berlin",
                         "Europe/../Europe/Berlin",
                         "localtime",
                         "Factory",
                         "posixrules",
                         "right/UTC",
                         "posix/UTC",
                         "tzdata.zi",
                         "zone.tab",
                         "Beijing",
                         "Europe/Berlin\n"};
    for (size_t i = 0; i < GW_COUNT(bad); i++) {
        zone *z = NULL;
        gw_err err = {0};
        if (zone_open(gw_str_of(bad[i]), &z, &err) == GW_OK)
            fail_msg("'%s' was taken as a zone", bad[i]);
        assert_null(z);
        assert_non_null(strstr(err.text, "time zone"));
    }
    char longer[ZONE_NAME_MAX + 2];
    memset(longer, 'a', sizeof longer);
    zone *z = NULL;
    assert_int_equal(zone_open((gw_str){longer, sizeof longer}, &z, NULL), GW_EINVAL);
    assert_int_equal(zone_open((gw_str){"Europe/Berlin\0x", 15}, &z, NULL), GW_EINVAL);
}

static void a_table_opens_each_zone_once_and_forgets_unknown_ones(void **state)
{
    (void)state;
    GW_AUTO(zone_table_free) zone_table *t = zone_table_new();
    gw_err err = {0};
    const zone *berlin = zone_table_get(t, GW_STR("Europe/Berlin"), &err);
    assert_non_null(berlin);
    assert_string_equal(zone_name(berlin), "Europe/Berlin");
    assert_ptr_equal(zone_table_get(t, GW_STR("Europe/Berlin"), &err), berlin);
    assert_null(zone_table_get(t, GW_STR("Europe/Nowhere"), &err));
    assert_int_equal(err.code, GW_ENOTFOUND);
    assert_null(zone_table_get(t, GW_STR(""), &err));
}

/* ---- against the C library ---- */

static char zone_names[1024][ZONE_NAME_MAX + 1];
static size_t zone_count;
static size_t base_length;

static int note_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)ftw;
    zone *z = NULL;
    if ((type != FTW_F && type != FTW_SL) || strlen(path + base_length) > ZONE_NAME_MAX)
        return 0;
    if (zone_open(gw_str_of(path + base_length), &z, NULL) == GW_OK &&
        zone_count < GW_COUNT(zone_names))
        strcpy(zone_names[zone_count++], path + base_length);
    zone_close(z);
    return 0;
}

static void list_zones(void)
{
    const char base[] = "/usr/share/zoneinfo/";
    base_length = sizeof base - 1;
    if (zone_count == 0)
        nftw(base, note_file, 16, FTW_PHYS);
}

/* Only the C library's TZ is process-wide: it runs in a child. */
static int disagreements(int64_t from_s, int64_t to_s, int64_t step_s)
{
    int bad = 0;
    for (size_t i = 0; i < zone_count; i++) {
        zone *z = open_zone(zone_names[i]);
        setenv("TZ", zone_names[i], 1);
        tzset();
        for (int64_t s = from_s; s < to_s; s += step_s) {
            time_t t = (time_t)s;
            struct tm tm;
            localtime_r(&t, &tm);
            zone_time got = zone_local(z, (gw_wall){s * 1000});
            int64_t local = s + tm.tm_gmtoff;
            if (got.offset_s != tm.tm_gmtoff || got.isdst != (tm.tm_isdst > 0) ||
                got.day != (int32_t)(local / 86400) || got.minute != tm.tm_hour * 60 + tm.tm_min) {
                if (bad++ < 5)
                    printf("%s differs at %lld: %d instead of %ld\n", zone_names[i], (long long)s,
                           got.offset_s, tm.tm_gmtoff);
            }
        }
        zone_close(z);
    }
    return bad;
}

static void agrees(int64_t from_s, int64_t to_s, int64_t step_s)
{
    fflush(stdout);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int bad = disagreements(from_s, to_s, step_s);
        fflush(stdout);
        _exit(bad ? 1 : 0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void every_zone_of_the_system_agrees_with_the_c_library_for_two_years(void **state)
{
    (void)state;
    list_zones();
    assert_true(zone_count > 400);
    agrees(INT64_C(1704067200), INT64_C(1704067200) + 2 * 366 * INT64_C(86400), 1800);
}

static void every_zone_agrees_with_the_c_library_from_1970_to_2099(void **state)
{
    (void)state;
    list_zones();
    agrees(2 * INT64_C(86400), INT64_C(4102444800), INT64_C(86400) * 9 + 1807);
}

/* ---- published transitions ---- */

static int month_of(const char *name)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const char *at = strstr(names, name);
    return at ? (int)(at - names) / 3 + 1 : 0;
}

static int64_t seconds_of(const char *month, int d, int h, int m, int s, int y)
{
    return gw_date_to_day((gw_date){y, month_of(month), d}) * INT64_C(86400) + h * 3600 + m * 60 +
           s;
}

static void local_time_around_each_published_transition_is_right(void **state)
{
    (void)state;
    const char *vectors = getenv("DUNLIN_VECTORS");
    const char *source = getenv("DUNLIN_SOURCE");
    char path[4096];
    if (vectors)
        snprintf(path, sizeof path, "%s/derived/tz-transitions-2025b.txt", vectors);
    else
        snprintf(path, sizeof path, "%s/../shared/vectors/derived/tz-transitions-2025b.txt",
                 source ? source : ".");
    FILE *f = fopen(path, "r");
    char version[16];
    zone_data_version(version);
    if (!f) {
        skip();
        return;
    }
    GW_AUTO(zone_table_free) zone_table *t = zone_table_new();
    char line[256];
    int checked = 0;
    while (fgets(line, sizeof line, f)) {
        char name[64];
        char um[4];
        char lm[4];
        int ud, uh, umin, us, uy, ld, lh, lmin, ls, ly, isdst, gmtoff;
        if (sscanf(line,
                   "%63s %*3s %3s %d %d:%d:%d %d UT = %*3s %3s %d %d:%d:%d %d %*s isdst=%d "
                   "gmtoff=%d",
                   name, um, &ud, &uh, &umin, &us, &uy, lm, &ld, &lh, &lmin, &ls, &ly, &isdst,
                   &gmtoff) != 15)
            continue;
        gw_err err = {0};
        const zone *z = zone_table_get(t, gw_str_of(name), &err);
        if (!z)
            fail_msg("%s: %s", name, err.text);
        int64_t ut = seconds_of(um, ud, uh, umin, us, uy);
        zone_time got = zone_local(z, (gw_wall){ut * 1000});
        if (got.offset_s != gmtoff || got.isdst != (isdst != 0) ||
            got.day != gw_date_to_day((gw_date){ly, month_of(lm), ld}) ||
            got.minute != lh * 60 + lmin)
            fail_msg("zone data %s: %s", version, line);
        checked++;
    }
    fclose(f);
    assert_true(checked > 300);
}

/* ---- days on which the clock is moved ---- */

static void day_lengths_and_gaps_and_folds_follow_the_table(void **state)
{
    (void)state;
    static const struct {
        const char *zone, *date;
        int length;      /* minutes of the local day */
        int minute;      /* of the dial */
        const char *utc; /* the instant it names */
    } rows[] = {
        {"Europe/Berlin", "2013-03-30", 1440, 150, "2013-03-30T01:30:00.000Z"},
        /* gap 02:00-03:00: the first instant after it */
        {"Europe/Berlin", "2013-03-31", 1380, 119, "2013-03-31T00:59:00.000Z"},
        {"Europe/Berlin", "2013-03-31", 1380, 120, "2013-03-31T01:00:00.000Z"},
        {"Europe/Berlin", "2013-03-31", 1380, 150, "2013-03-31T01:00:00.000Z"},
        {"Europe/Berlin", "2013-03-31", 1380, 179, "2013-03-31T01:00:00.000Z"},
        {"Europe/Berlin", "2013-03-31", 1380, 180, "2013-03-31T01:00:00.000Z"},
        {"Europe/Berlin", "2013-03-31", 1380, 181, "2013-03-31T01:01:00.000Z"},
        /* fold 02:00-03:00 twice: the first occurrence */
        {"Europe/Berlin", "2013-10-27", 1500, 150, "2013-10-27T00:30:00.000Z"},
        {"Europe/Berlin", "2013-10-27", 1500, 180, "2013-10-27T02:00:00.000Z"},
        {"America/New_York", "2024-03-10", 1380, 150, "2024-03-10T07:00:00.000Z"},
        {"America/New_York", "2024-11-03", 1500, 90, "2024-11-03T05:30:00.000Z"},
        /* half an hour */
        {"Australia/Lord_Howe", "2024-10-06", 1410, 135, "2024-10-05T15:30:00.000Z"},
        {"Australia/Lord_Howe", "2024-04-07", 1470, 105, "2024-04-06T14:45:00.000Z"},
        /* the gap begins at midnight: the day begins at 01:00 */
        {"Africa/Cairo", "2024-04-26", 1380, 0, "2024-04-25T22:00:00.000Z"},
        {"America/Santiago", "2024-09-08", 1380, 0, "2024-09-08T04:00:00.000Z"},
        /* a date that never was; its minutes all name the end of the gap */
        {"Pacific/Apia", "2011-12-30", 0, 600, "2011-12-30T10:00:00.000Z"},
        {"Pacific/Apia", "2011-12-31", 1440, 0, "2011-12-30T10:00:00.000Z"},
        {"Asia/Shanghai", "2024-02-29", 1440, 480, "2024-02-29T00:00:00.000Z"},
        {"Asia/Kathmandu", "2024-02-29", 1440, 1440, "2024-02-29T18:15:00.000Z"},
        {"Pacific/Kiritimati", "2024-01-01", 1440, 0, "2023-12-31T10:00:00.000Z"},
        {"Etc/GMT+12", "2024-01-01", 1440, 0, "2024-01-01T12:00:00.000Z"},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        GW_AUTO(zone_close) zone *z = open_zone(rows[i].zone);
        int32_t day = day_of(rows[i].date);
        char text[GW_TIME_TEXT];
        gw_time_format(zone_instant(z, day, rows[i].minute), text);
        if (strcmp(text, rows[i].utc) != 0)
            fail_msg("%s %s minute %d: %s instead of %s", rows[i].zone, rows[i].date,
                     rows[i].minute, text, rows[i].utc);
        if (zone_day_length(z, day) != rows[i].length)
            fail_msg("%s %s: %d minutes", rows[i].zone, rows[i].date, zone_day_length(z, day));
    }
}

static void a_window_in_a_fold_is_two_spans_and_never_wider(void **state)
{
    (void)state;
    GW_AUTO(zone_close) zone *z = open_zone("Europe/Berlin");
    zone_span spans[ZONE_SPANS_MAX];
    size_t n = zone_window(z, day_of("2013-10-27"), 150, 240, spans);
    assert_int_equal(n, 2);
    assert_int_equal(spans[0].to_ms - spans[0].from_ms, 30 * GW_MS_PER_MINUTE);
    assert_int_equal(spans[1].to_ms - spans[1].from_ms, 90 * GW_MS_PER_MINUTE);
    assert_int_equal(zone_window(z, day_of("2013-03-31"), 130, 170, spans), 0);
    assert_int_equal(zone_window(z, day_of("2013-03-31"), 480, 480, spans), 0);
}

/* Every minute around each clock change of some zones: inside the spans exactly when the dial says
 * so, and zone_instant names the first instant at or behind that minute. */
static void windows_and_the_dial_agree_on_every_minute(void **state)
{
    (void)state;
    static const struct {
        const char *zone, *date;
    } rows[] = {{"Europe/Berlin", "2013-03-31"},       {"Europe/Berlin", "2013-10-27"},
                {"Australia/Lord_Howe", "2024-10-06"}, {"Australia/Lord_Howe", "2024-04-07"},
                {"Africa/Cairo", "2024-04-26"},        {"Africa/Cairo", "2024-11-01"},
                {"America/Santiago", "2024-04-07"},    {"Pacific/Apia", "2011-12-30"},
                {"Asia/Pyongyang", "2018-05-05"},      {"Asia/Shanghai", "2024-01-01"},
                {"Africa/Casablanca", "2025-02-23"},   {"America/Nuuk", "2024-03-31"}};
    static const struct {
        int from, to;
    } windows[] = {{0, 1440}, {150, 240}, {480, 1200}, {0, 30}, {20, 125}, {1380, 1440}};
    for (size_t i = 0; i < GW_COUNT(rows); i++)
        for (size_t w = 0; w < GW_COUNT(windows); w++) {
            GW_AUTO(zone_close) zone *z = open_zone(rows[i].zone);
            int32_t day = day_of(rows[i].date);
            zone_span spans[ZONE_SPANS_MAX];
            size_t n = zone_window(z, day, windows[w].from, windows[w].to, spans);
            int64_t from = day * GW_MS_PER_DAY - 30 * GW_MS_PER_HOUR;
            for (int64_t t = from; t < from + 84 * GW_MS_PER_HOUR; t += GW_MS_PER_MINUTE) {
                zone_time local = zone_local(z, (gw_wall){t});
                bool want = local.day == day && local.minute >= windows[w].from &&
                            local.minute < windows[w].to;
                bool got = false;
                for (size_t s = 0; s < n; s++)
                    got = got || (t >= spans[s].from_ms && t < spans[s].to_ms);
                if (want != got)
                    fail_msg("%s %s at %lld", rows[i].zone, rows[i].date, (long long)t);
                int64_t named = zone_instant(z, local.day, local.minute).ms;
                if (named != t &&
                    !(named < t && zone_local(z, (gw_wall){named}).minute == local.minute))
                    fail_msg("%s %s: instant of minute %d", rows[i].zone, rows[i].date,
                             local.minute);
            }
        }
}

static void absurd_times_get_an_answer(void **state)
{
    (void)state;
    GW_AUTO(zone_close) zone *z = open_zone("America/New_York");
    int64_t times[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX - 1, INT64_MAX};
    for (size_t i = 0; i < GW_COUNT(times); i++) {
        zone_time t = zone_local(z, (gw_wall){times[i]});
        assert_in_range(t.minute, 0, 1439);
    }
    int32_t days[] = {INT32_MIN, -1, 0, 1, INT32_MAX};
    for (size_t i = 0; i < GW_COUNT(days); i++) {
        zone_span spans[ZONE_SPANS_MAX];
        (void)zone_instant(z, days[i], 1440);
        assert_int_equal(zone_window(z, days[i], 480, 1200, spans), 1);
    }
    zone_time before = zone_local(z, (gw_wall){-1});
    assert_int_equal(before.day, -1);
    assert_int_equal(before.minute, 19 * 60 - 1);
}

static void *ask(void *arg)
{
    static const char *const names[] = {"Europe/Berlin", "Asia/Shanghai", "America/New_York",
                                        "Africa/Cairo",  "Asia/Tokyo",    "No/Where"};
    zone_table *t = arg;
    uintptr_t sum = 0;
    for (int i = 0; i < 2000; i++) {
        const zone *z = zone_table_get(t, gw_str_of(names[i % GW_COUNT(names)]), NULL);
        sum += z ? (uintptr_t)zone_local(z, (gw_wall){i * GW_MS_PER_DAY}).minute : 0;
    }
    return (void *)sum; // NOLINT(performance-no-int-to-ptr): only compared
}

static void many_threads_share_one_table(void **state)
{
    (void)state;
    GW_AUTO(zone_table_free) zone_table *t = zone_table_new();
    pthread_t threads[8];
    void *sums[8];
    for (size_t i = 0; i < GW_COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask, t), 0);
    for (size_t i = 0; i < GW_COUNT(threads); i++)
        pthread_join(threads[i], &sums[i]);
    for (size_t i = 1; i < GW_COUNT(threads); i++)
        assert_ptr_equal(sums[i], sums[0]);
}

static void the_version_of_the_zone_data_is_known(void **state)
{
    (void)state;
    char version[16];
    zone_data_version(version);
    assert_int_equal(strlen(version), 5);
    assert_int_equal(strncmp(version, "20", 2), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_or_doubtful_name_is_refused),
        cmocka_unit_test(a_table_opens_each_zone_once_and_forgets_unknown_ones),
        cmocka_unit_test(every_zone_of_the_system_agrees_with_the_c_library_for_two_years),
        cmocka_unit_test(every_zone_agrees_with_the_c_library_from_1970_to_2099),
        cmocka_unit_test(local_time_around_each_published_transition_is_right),
        cmocka_unit_test(day_lengths_and_gaps_and_folds_follow_the_table),
        cmocka_unit_test(a_window_in_a_fold_is_two_spans_and_never_wider),
        cmocka_unit_test(windows_and_the_dial_agree_on_every_minute),
        cmocka_unit_test(absurd_times_get_an_answer),
        cmocka_unit_test(many_threads_share_one_table),
        cmocka_unit_test(the_version_of_the_zone_data_is_known),
    };
    return cmocka_run_group_tests_name("zone", tests, NULL, NULL);
}
