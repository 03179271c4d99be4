#include "gateway/timing/additive_part.h"

#include <math.h>

/* Standard deviations of the prior, in log-odds: of a curve's slope over one standard deviation of
 * its knots, of each knot's own deviation from that line, of what a missing value says, of the
 * bias. */
static const double slope_sd = 0.2, knot_sd = 0.1, missing_sd = 0.3, bias_sd = 3;

additive *additive_new(const char *const *names, size_t n)
{
    if (n == 0 || n > ADDITIVE_COLUMNS_MAX)
        return NULL;
    additive *m = calloc(1, sizeof *m + n * sizeof *m->c);
    if (!m)
        return NULL;
    m->n = n;
    for (size_t i = 0; i < n; i++) {
        size_t k = strlen(names[i]);
        memcpy(m->c[i].name, names[i], k < ADDITIVE_NAME_MAX ? k : ADDITIVE_NAME_MAX - 1);
    }
    return m;
}

void additive_free(additive *m)
{
    if (!m)
        return;
    free(m->covariance);
    free(m->gain);
    free(m);
}

size_t additive_columns(const additive *m)
{
    return m->n;
}

const char *additive_name(const additive *m, size_t column)
{
    return m->c[column].name;
}

double additive_weight(const additive *m, size_t column)
{
    return m->learned ? sqrt(m->c[column].m2 / (double)m->learned) : 0;
}

/* ---- knots ---- */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Few distinct values are knots themselves; of many, quantiles, with the ends. */
static void place(additive_curve *c, double *v, size_t n, size_t most)
{
    size_t distinct = 0;
    double seen[ADDITIVE_KNOTS_MAX + 1];
    qsort(v, n, sizeof *v, ascending);
    for (size_t i = 0; i < n && distinct <= most; i++)
        if (distinct == 0 || v[i] > seen[distinct - 1])
            seen[distinct++] = v[i];
    c->n = 0;
    if (distinct <= most) {
        for (size_t i = 0; i < distinct; i++)
            c->knots[c->n++] = seen[i];
        return;
    }
    for (size_t k = 0; k < most; k++) {
        double at = v[(n - 1) * k / (most - 1)];
        if (c->n == 0 || at > c->knots[c->n - 1])
            c->knots[c->n++] = at;
    }
}

bool additive_place(additive *m, const double *rows, size_t row_n)
{
    double *v = calloc(row_n + 1, sizeof *v);
    size_t most = ADDITIVE_WEIGHTS / m->n;
    if (!v)
        return false;
    most = most < 3 ? 3 : most > ADDITIVE_KNOTS_MAX ? ADDITIVE_KNOTS_MAX : most;
    for (size_t i = 0; i < m->n; i++) {
        size_t n = 0;
        for (size_t r = 0; r < row_n; r++)
            if (isfinite(rows[r * m->n + i]))
                v[n++] = rows[r * m->n + i];
        place(&m->c[i], v, n, most);
    }
    free(v);
    return true;
}

void additive_set(additive *m, size_t column, const double *knots, const double *weights, size_t n,
                  double missing)
{
    additive_curve *c = &m->c[column];
    if (n > ADDITIVE_KNOTS_MAX)
        gw_bug("more knots than a curve holds");
    c->n = (int)n;
    memcpy(c->knots, knots, n * sizeof *knots);
    memcpy(c->w, weights, n * sizeof *weights);
    c->w[n] = missing;
}

void additive_set_bias(additive *m, double bias)
{
    m->bias = bias;
}

/* ---- one value on its curve: at most two weights, with their shares ---- */

typedef struct {
    int at;
    double share; /* of w[at]; the rest belongs to w[at + 1] */
} place_of;

static place_of find(const additive_curve *c, double x)
{
    if (c->n == 0 || !isfinite(x))
        return (place_of){c->n, 1};
    if (x <= c->knots[0])
        return (place_of){0, 1};
    for (int i = 1; i < c->n; i++)
        if (x < c->knots[i])
            return (place_of){i - 1, (c->knots[i] - x) / (c->knots[i] - c->knots[i - 1])};
    return (place_of){c->n - 1, 1};
}

static double part(const additive_curve *c, place_of p)
{
    double rest = 1 - p.share;
    return p.share * c->w[p.at] + (rest > 0 ? rest * c->w[p.at + 1] : 0);
}

static double sigmoid(double z)
{
    return 1 / (1 + exp(-fmax(-35, fmin(35, z))));
}

double additive_predict(const additive *m, const double *x, double *ret_parts)
{
    double z = m->bias;
    for (size_t i = 0; i < m->n; i++) {
        double v = part(&m->c[i], find(&m->c[i], x[i]));
        z += v;
        if (ret_parts)
            ret_parts[i] = v - m->c[i].mean;
    }
    return sigmoid(z);
}

/* ---- learning ---- */

/* A line through the knots and a deviation of each: cov = slope^2 z z' + knot^2 I. */
static void prior_of(additive *m, const additive_curve *c)
{
    double mean = 0;
    double var = 0;
    for (int i = 0; i < c->n; i++)
        mean += c->knots[i] / c->n;
    for (int i = 0; i < c->n; i++)
        var += (c->knots[i] - mean) * (c->knots[i] - mean) / c->n;
    for (int i = 0; i < c->n; i++)
        for (int k = 0; k < c->n; k++) {
            double line = var > 0 ? (c->knots[i] - mean) * (c->knots[k] - mean) / var : 0;
            m->covariance[(c->first + (size_t)i) * m->d + c->first + (size_t)k] =
                slope_sd * slope_sd * line + (i == k ? knot_sd * knot_sd : 0);
        }
    size_t missing = c->first + (size_t)c->n;
    m->covariance[missing * m->d + missing] = missing_sd * missing_sd;
}

static bool begin(additive *m)
{
    m->d = 1;
    for (size_t i = 0; i < m->n; i++) {
        m->c[i].first = m->d;
        m->d += (size_t)m->c[i].n + 1;
    }
    m->covariance = calloc(m->d * m->d, sizeof *m->covariance);
    m->gain = calloc(m->d, sizeof *m->gain);
    if (!m->covariance || !m->gain)
        return false;
    m->covariance[0] = bias_sd * bias_sd;
    for (size_t i = 0; i < m->n; i++)
        prior_of(m, &m->c[i]);
    return true;
}

/* gain = covariance x; returns x' covariance x. A row touches at most two weights a column. */
static double gain_of(additive *m, const double *x)
{
    place_of at[ADDITIVE_COLUMNS_MAX];
    double out = 0;
    memcpy(m->gain, m->covariance, m->d * sizeof *m->gain);
    for (size_t i = 0; i < m->n; i++) {
        const additive_curve *c = &m->c[i];
        at[i] = find(c, x[i]);
        double rest = 1 - at[i].share;
        const double *a = m->covariance + (c->first + (size_t)at[i].at) * m->d;
        const double *b = rest > 0 ? a + m->d : a;
        for (size_t k = 0; k < m->d; k++)
            m->gain[k] += at[i].share * a[k] + rest * b[k];
    }
    out = m->gain[0];
    for (size_t i = 0; i < m->n; i++) {
        const double *g = m->gain + m->c[i].first + at[i].at;
        double rest = 1 - at[i].share;
        out += at[i].share * g[0] + (rest > 0 ? rest * g[1] : 0);
    }
    return out;
}

static void note_part(additive_curve *c, double v, uint64_t count)
{
    double d = v - c->mean;
    c->mean += d / (double)count;
    c->m2 += d * (v - c->mean);
}

bool additive_learn(additive *m, const double *x, bool y)
{
    if (!m->covariance && !begin(m))
        return false;
    double p = additive_predict(m, x, NULL);
    double sure = p * (1 - p);
    double spread = gain_of(m, x);
    double scale = 1 / (1 + sure * spread);
    for (size_t i = 0; i < m->d; i++) {
        double f = sure * scale * m->gain[i];
        for (size_t k = 0; k < m->d; k++)
            m->covariance[i * m->d + k] -= f * m->gain[k];
    }
    double error = (y - p) * scale;
    m->bias += error * m->gain[0];
    m->learned++;
    for (size_t i = 0; i < m->n; i++) {
        additive_curve *c = &m->c[i];
        for (int k = 0; k <= c->n; k++)
            c->w[k] += error * m->gain[c->first + (size_t)k];
        note_part(c, part(c, find(c, x[i])), m->learned);
    }
    return true;
}
