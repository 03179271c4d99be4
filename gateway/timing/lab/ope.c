#include "gateway/timing/lab/ope.h"

#include <math.h>

void ope_add(ope *o, const ope_contact *c)
{
    double w = (double)c->target[c->hour] / (double)c->logged[c->hour];
    double y = c->answer;
    double direct = 0;
    double value = 0; /* second moment of w y */
    for (unsigned h = 0; h < TIMING_HOURS; h++) {
        double t = (double)c->target[h];
        double m = (double)c->model[h];
        if (t <= 0 || c->logged[h] <= 0)
            continue;
        direct += t * m;
        value += t * t / (double)c->logged[h] * m;
        o->implied_dr += t * t / (double)c->logged[h] * m * (1 - m);
    }
    double dr = direct + w * (y - (double)c->model[c->hour]);
    o->implied_ips += value - direct * direct;
    o->n++;
    o->w += w;
    o->ww += w * w;
    o->wy += w * y;
    o->wwy += w * w * y;
    o->wwyy += w * w * y * y;
    o->dr += dr;
    o->drdr += dr * dr;
    o->y += y;
    o->w_most = fmax(o->w_most, w);
}

static double se_of(double sum, double squares, double implied, double n)
{
    double mean = sum / n;
    double seen = n > 1 ? (squares / n - mean * mean) / (n - 1) : 0;
    return sqrt(fmax(fmax(0, seen), implied / n / n));
}

ope_result ope_finish(const ope *o)
{
    ope_result r = {.n = (uint64_t)o->n,
                    .logged = NAN,
                    .ips = NAN,
                    .ips_se = NAN,
                    .snips = NAN,
                    .snips_se = NAN,
                    .dr = NAN,
                    .dr_se = NAN};
    if (o->n < 1)
        return r;
    r.logged = o->y / o->n;
    r.ips = o->wy / o->n;
    r.ips_se = se_of(o->wy, o->wwyy, o->implied_ips, o->n);
    r.dr = o->dr / o->n;
    r.dr_se = se_of(o->dr, o->drdr, o->implied_dr, o->n);
    r.largest_weight = o->w_most;
    if (o->w > 0) {
        r.snips = o->wy / o->w;
        /* delta method: residuals w (y - snips) over the mean weight */
        double squares = o->wwyy - 2 * r.snips * o->wwy + r.snips * r.snips * o->ww;
        r.snips_se = sqrt(fmax(fmax(0, squares), o->implied_dr)) / o->w;
        r.effective = o->w * o->w / o->ww;
    }
    return r;
}
