/* The willingness to pay: predict, then learn; reasons; what overrides it. */
#include "gateway/base/csv.h"
#include "gateway/base/file.h"
#include "gateway/timing/score_run.h"
#include "gateway/timing/willing.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* after the four headers it needs */
#include <cmocka.h>

static uint64_t seed = 7;

static double uniform(void)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(seed >> 11) / 9007199254740992.0;
}

/* A table of n rows: y depends on a (down), on b in the middle only, not on c. */
static void put_table(gw_buf *b, size_t n, bool noise_only)
{
    gw_buf_puts(b, "a,b,c,age,word,y\n");
    for (size_t i = 0; i < n; i++) {
        double a = 4 * uniform() - 2;
        double m = 4 * uniform() - 2;
        double z = noise_only ? 0 : -1.5 * a + (fabs(m) < 0.7 ? 1.5 : -0.8);
        gw_buf_printf(b, "%.3f,%.3f,%.3f,%d,%s,%d\n", a, m, uniform(), (int)(20 + 50 * uniform()),
                      uniform() < 0.5 ? "red" : "blue", uniform() < 1 / (1 + exp(-z)));
    }
}

static gw_code read_text(gw_str text, const char *outcome, score_table **ret, gw_err *err)
{
    const score_options o = {.outcome = outcome, .horizon_days = 7};
    return score_table_read(text, &o, ret, err);
}

static void run_text(gw_str text, score_table **ret_t, score_run *ret_r)
{
    gw_err err = {0};
    if (read_text(text, NULL, ret_t, &err) != GW_OK ||
        score_run_table(*ret_t, ret_r, &err) != GW_OK)
        fail_msg("%s", err.text);
}

static void a_table_is_ranked_calibrated_and_its_columns_weighed(void **state)
{
    (void)state;
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, CSV_FILE_BYTES_MAX);
    put_table(&b, 6000, false);
    GW_AUTO(score_table_free) score_table *t = NULL;
    score_run r;
    run_text(gw_buf_str(&b), &t, &r);
    assert_int_equal(t->kind, SCORE_GENERIC);
    assert_int_equal(t->column_n, 4); /* a b c word; age is left out */
    assert_string_equal(t->left_out[0].name, "age");
    assert_string_equal(t->left_out[0].why, "personal");
    assert_true(r.card.auc > 0.83);
    assert_true(r.card.auc > r.baseline_auc + 0.03);
    assert_true(r.card.ece < 0.05);
    assert_true(r.card.brier < 0.8 * r.card.brier_constant);
    assert_true(additive_weight(r.model, 0) > 5 * additive_weight(r.model, 2));
    assert_true(additive_weight(r.model, 1) > 2 * additive_weight(r.model, 2));
    score_run_done(&r);
}

static void where_nothing_tells_the_figures_say_so(void **state)
{
    (void)state;
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, CSV_FILE_BYTES_MAX);
    put_table(&b, 4000, true);
    GW_AUTO(score_table_free) score_table *t = NULL;
    score_run r;
    run_text(gw_buf_str(&b), &t, &r);
    assert_true(r.card.auc_low < 0.5 && r.card.auc_high > 0.5);
    assert_true(r.card.brier < r.card.brier_constant + 0.005);
    score_run_done(&r);
}

/* Outcomes turned round from the middle on: predictions made before they were known cannot change.
 */
static void a_prediction_never_knew_its_own_outcome(void **state)
{
    (void)state;
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, CSV_FILE_BYTES_MAX);
    put_table(&b, 400, false);
    GW_AUTO(score_table_free) score_table *t = NULL;
    score_run r, other;
    gw_err err = {0};
    run_text(gw_buf_str(&b), &t, &r);
    for (size_t i = 300; i < t->n; i++)
        t->y[i] = !t->y[i];
    assert_int_equal(score_run_table(t, &other, &err), GW_OK);
    for (size_t i = 0; i <= 300; i++)
        assert_true(r.p[i] == other.p[i]);
    assert_true(r.p[399] != other.p[399]);
    score_run_done(&r);
    score_run_done(&other);
}

static void the_area_counts_ties_half_and_agrees_with_counting_pairs(void **state)
{
    (void)state;
    scorecard_pair v[200];
    double wins = 0;
    double pairs = 0;
    for (size_t i = 0; i < GW_COUNT(v); i++)
        v[i] = (scorecard_pair){floor(8 * uniform()) / 8, uniform() < 0.4};
    for (size_t i = 0; i < GW_COUNT(v); i++)
        for (size_t k = 0; k < GW_COUNT(v); k++)
            if (v[i].y && !v[k].y) {
                pairs++;
                wins += v[i].p > v[k].p ? 1 : v[i].p == v[k].p ? 0.5 : 0;
            }
    assert_true(fabs(scorecard_auc(v, GW_COUNT(v)) - wins / pairs) < 1e-12);
    scorecard_pair one[] = {{0.2, true}, {0.4, true}};
    assert_true(isnan(scorecard_auc(one, 2)));
}

static void both_writings_of_monthly_tables_give_the_same_columns(void **state)
{
    (void)state;
    GW_AUTO_BUF gw_buf old_first;
    GW_AUTO_BUF gw_buf new_first;
    gw_buf_init(&old_first, 1 << 20);
    gw_buf_init(&new_first, 1 << 20);
    gw_buf_puts(&old_first,
                "limit_k,late1,late2,late3,bill1,bill2,bill3,paid1,paid2,paid3,default_next\n");
    gw_buf_puts(&new_first, "ID,LIMIT_BAL,SEX,PAY_0,PAY_2,PAY_3,BILL_AMT1,BILL_AMT2,BILL_AMT3,"
                            "PAY_AMT1,PAY_AMT2,PAY_AMT3,default.payment.next.month\n");
    for (int i = 0; i < 40; i++) {
        int late[] = {i % 3, (i / 3) % 3 - 1, i % 5 ? 0 : 2};
        gw_buf_printf(&old_first, "100,%d,%d,%d,0.5,0.25,0.75,0.25,0,0.5,%d\n", late[0], late[1],
                      late[2], i % 4 == 0);
        gw_buf_printf(&new_first, "%d,100,1,%d,%d,%d,75,25,50,50,0,25,%d\n", i, late[2], late[1],
                      late[0], i % 4 == 0);
    }
    GW_AUTO(score_table_free) score_table *a = NULL;
    GW_AUTO(score_table_free) score_table *b = NULL;
    gw_err err = {0};
    assert_int_equal(read_text(gw_buf_str(&old_first), NULL, &a, &err), GW_OK);
    assert_int_equal(read_text(gw_buf_str(&new_first), NULL, &b, &err), GW_OK);
    assert_int_equal(a->kind, SCORE_MONTHLY);
    assert_int_equal(b->kind, SCORE_MONTHLY);
    assert_false(a->y_pays); /* 1 is default */
    assert_int_equal(a->column_n, b->column_n);
    for (size_t i = 0; i < a->n * a->column_n; i++)
        assert_true(fabs(a->x[i] - b->x[i]) < 1e-9);
}

/* One customer that pays 10 days late, one that pays early; the last invoice is still open. */
static void a_ledger_asks_only_what_is_open_and_learns_only_what_is_known(void **state)
{
    (void)state;
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, 1 << 20);
    gw_buf_puts(&b, "Customer,Invoice Date,Due Date,Settled Date,Amount\n");
    for (int month = 1; month <= 12; month++) {
        gw_buf_printf(&b, "slow,2013-%02d-01,2013-%02d-10,2013-%02d-%02d,100\n", month, month,
                      month, month % 2 ? 14 : 20);
        gw_buf_printf(&b, "prompt,2013-%02d-01,2013-%02d-10,2013-%02d-05,100\n", month, month,
                      month);
        gw_buf_printf(&b, "other,%d/1/2013,%d/10/2013,%d/12/2013,100\n", month, month, month);
    }
    gw_buf_puts(&b, "slow,2013-12-20,2013-12-21,,100\n");
    GW_AUTO(score_table_free) score_table *t = NULL;
    gw_err err = {0};
    assert_int_equal(read_text(gw_buf_str(&b), NULL, &t, &err), GW_OK);
    assert_int_equal(t->kind, SCORE_LEDGER);
    assert_int_equal(t->n, 24);
    assert_int_equal(t->settled_before, 12);
    assert_int_equal(t->censored, 1);
    for (size_t i = 0; i < t->n; i++) {
        double *x = t->x + i * t->column_n;
        assert_true(t->known[i] > t->at[i]);
        if (i < 2)
            assert_true(isnan(x[WILLING_LAST_LATE]) && x[WILLING_HISTORY] == 0);
        else
            assert_true(x[WILLING_LAST_LATE] > 0 && x[WILLING_HISTORY] > 0.5);
        assert_true(x[WILLING_DAYS_OVERDUE] == 1);
    }
}

static void what_is_wrong_with_a_table_is_said_with_line_and_column(void **state)
{
    (void)state;
    static const struct {
        const char *rows, *outcome, *said;
    } wrong[] = {
        {"a,y\n1,0\n", NULL, "1 rows"},
        {"a,b\n", "c", "rows"},
        {"a,b\n%", "c", "no column \"c\""},
        {"a,b\n%", "b", "CSV line 2, column b: the outcome must be 0 or 1"},
        {"a,b\n%", NULL, "--outcome"},
        {"a,b\n1\n%", NULL, "CSV line 2 has 1 cells"},
        {"customer,due,settled\nx,soon,2013-01-01\n%%", NULL, "CSV line 2, column due: a day"},
    };
    for (size_t i = 0; i < GW_COUNT(wrong); i++) {
        GW_AUTO_BUF gw_buf b;
        GW_AUTO(score_table_free) score_table *t = NULL;
        gw_err err = {0};
        gw_buf_init(&b, 1 << 16);
        for (const char *p = wrong[i].rows; *p; p++)
            if (*p != '%')
                gw_buf_putc(&b, *p);
            else if (p[1] == '%' || p[-1] == '%')
                for (int k = 0; k < 15; k++)
                    gw_buf_puts(&b, "c,2013-01-01,2013-01-02\n");
            else
                for (int k = 0; k < 30; k++)
                    gw_buf_puts(&b, "1,7\n");
        assert_int_equal(read_text(gw_buf_str(&b), wrong[i].outcome, &t, &err), GW_EINVAL);
        if (!strstr(err.text, wrong[i].said))
            fail_msg("\"%s\" lacks \"%s\"", err.text, wrong[i].said);
    }
}

static void a_saved_model_predicts_the_same(void **state)
{
    (void)state;
    GW_AUTO_BUF gw_buf b;
    GW_AUTO_BUF gw_buf file;
    gw_buf_init(&b, CSV_FILE_BYTES_MAX);
    gw_buf_init(&file, 1 << 20);
    put_table(&b, 500, false);
    GW_AUTO(score_table_free) score_table *t = NULL;
    score_run r;
    gw_err err = {0};
    run_text(gw_buf_str(&b), &t, &r);
    assert_int_equal(additive_save(r.model, &file), GW_OK);
    GW_AUTO(additive_free) additive *again = NULL;
    assert_int_equal(additive_load(gw_buf_str(&file), &again, &err), GW_OK);
    for (size_t i = 0; i < t->n; i++) {
        double parts[2][SCORE_COLUMNS_MAX];
        const double *x = t->x + i * t->column_n;
        assert_true(additive_predict(r.model, x, parts[0]) == additive_predict(again, x, parts[1]));
        for (size_t c = 0; c < t->column_n; c++)
            assert_true(parts[0][c] == parts[1][c]);
    }
    additive *none = NULL;
    assert_int_equal(willing_read(gw_buf_str(&file), &none, &err), GW_EINVAL); /* not a ledger's */
    assert_int_equal(additive_load(GW_STR("{\"format\":1,\"bias\":\"x\"}"), &none, &err),
                     GW_EINVAL);
    assert_null(none);
    score_run_done(&r);
}

/* ---- judging ---- */

static willing_score judge(double late_share, double broken, willing_facts facts)
{
    willing_score s;
    double x[WILLING_COLUMN_COUNT];
    GW_AUTO(additive_free) additive *m = willing_prior(30);
    for (size_t i = 0; i < WILLING_COLUMN_COUNT; i++)
        x[i] = NAN;
    x[WILLING_LATE_SHARE] = late_share;
    x[WILLING_PROMISES_BROKEN] = broken;
    x[WILLING_DAYS_OVERDUE] = broken ? 90 : 0;
    willing_judge(m, true, x, &facts, &s);
    for (size_t i = 0; i < WILLING_REASONS && s.reasons[i].column; i++) /* the model goes away */
        s.reasons[i].column = willing_column_sentence(s.reasons[i].column);
    return s;
}

static void hardship_dispute_vulnerability_and_a_stop_override_every_score(void **state)
{
    (void)state;
    static const struct {
        willing_facts facts;
        const char *override;
    } rows[] = {{{.hardship = true}, "hardship"},
                {{.dispute = true}, "dispute"},
                {{.vulnerable = true, .dispute = true}, "vulnerable"},
                {{.stop = true, .vulnerable = true, .able = ABLE_YES}, "stop"}};
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        assert_string_equal(judge(0, 0, rows[i].facts).segment, "held");
        assert_string_equal(judge(1, 3, rows[i].facts).override, rows[i].override);
    }
}

static void willing_and_able_make_the_grid_and_able_is_never_guessed(void **state)
{
    (void)state;
    willing_facts able = {.able = ABLE_YES}, unable = {.able = ABLE_NO}, unknown = {0};
    assert_string_equal(judge(0, 0, able).segment, "willing-able");
    assert_string_equal(judge(0, 0, unable).segment, "willing-unable");
    assert_string_equal(judge(0, 0, unknown).segment, "willing");
    assert_string_equal(judge(1, 3, able).segment, "unwilling-able");
    assert_string_equal(judge(1, 3, unable).segment, "unwilling-unable");
    assert_string_equal(judge(1, 3, unknown).segment, "unwilling");
    assert_string_equal(judge(0.9, 0, unknown).segment, "undecided");
}

static void the_three_strongest_reasons_come_first(void **state)
{
    (void)state;
    willing_score s = judge(1, 3, (willing_facts){0});
    assert_string_equal(s.reasons[0].column, "promises broken");
    assert_true(fabs(s.reasons[0].part) >= fabs(s.reasons[1].part));
    assert_true(fabs(s.reasons[1].part) >= fabs(s.reasons[2].part));
    assert_true(s.reasons[0].part < 0);
}

static void counters_fade_and_a_trend_shows(void **state)
{
    (void)state;
    willing_past w = {0};
    willing_now now = {.open = 100, .overdue = 50, .days_overdue = 3, .amount = 1000};
    double x[WILLING_COLUMN_COUNT];
    willing_settled(&w, 100, 2, false);
    willing_settled(&w, 130, 20, true);
    willing_promise(&w, 140, false);
    willing_columns(&w, 140, &now, x);
    assert_true(x[WILLING_TREND] > 5 && x[WILLING_LATE_SHARE] > 0.99);
    assert_true(x[WILLING_OVERDUE_SHARE] == 0.5 && x[WILLING_AMOUNT] == 3);
    assert_true(fabs(x[WILLING_PROMISES_BROKEN] - 1) < 1e-12);
    assert_true(isnan(x[WILLING_SINCE_PAYMENT]) && isnan(x[WILLING_PARTIAL_SHARE]));
    willing_columns(&w, 140 + WILLING_HALF_LIFE_DAYS, &now, x);
    assert_true(fabs(x[WILLING_PROMISES_BROKEN] - 0.5) < 1e-12);
}

/* The public ledger: 877 invoices were open after they were due. */
static void real_receivables_are_ranked_better_than_by_chance(void **state)
{
    (void)state;
    const char *dir = getenv("DUNLIN_DATA");
    char path[1024];
    GW_AUTO_BUF gw_buf b;
    gw_err err = {0};
    gw_buf_init(&b, CSV_FILE_BYTES_MAX);
    const char *source = getenv("DUNLIN_SOURCE");
    snprintf(path, sizeof path, "%s%s/receivables-2012-2013.csv",
             dir      ? dir
             : source ? source
                      : ".",
             dir ? "" : "/../shared/data");
    if (gw_file_read(path, &b, &err) != GW_OK)
        skip();
    GW_AUTO(score_table_free) score_table *t = NULL;
    score_run r;
    run_text(gw_buf_str(&b), &t, &r);
    assert_int_equal(t->n, 877);
    assert_int_equal(t->settled_before + t->n, 2466);
    assert_true(r.card.auc_low > 0.6);
    score_run_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_is_ranked_calibrated_and_its_columns_weighed),
        cmocka_unit_test(where_nothing_tells_the_figures_say_so),
        cmocka_unit_test(a_prediction_never_knew_its_own_outcome),
        cmocka_unit_test(the_area_counts_ties_half_and_agrees_with_counting_pairs),
        cmocka_unit_test(both_writings_of_monthly_tables_give_the_same_columns),
        cmocka_unit_test(a_ledger_asks_only_what_is_open_and_learns_only_what_is_known),
        cmocka_unit_test(what_is_wrong_with_a_table_is_said_with_line_and_column),
        cmocka_unit_test(a_saved_model_predicts_the_same),
        cmocka_unit_test(hardship_dispute_vulnerability_and_a_stop_override_every_score),
        cmocka_unit_test(willing_and_able_make_the_grid_and_able_is_never_guessed),
        cmocka_unit_test(the_three_strongest_reasons_come_first),
        cmocka_unit_test(counters_fade_and_a_trend_shows),
        cmocka_unit_test(real_receivables_are_ranked_better_than_by_chance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
