/* report_draw.c - the pictures of `dunlin report timing`, each drawn once onto SVG and PNG. */
#include "gateway/cli/report_timing.h"

#include <cairo-svg.h>
#include <cairo.h>
#include <math.h>
#include <stdio.h>

enum { WIDTH = 760, HEIGHT = 360, LEFT = 64, RIGHT = 20, TOP = 44, BOTTOM = 48, PATH_ROOM = 1200 };

typedef struct {
    cairo_t *cr;
    double x0, x1, y1; /* values at the edges; y begins at 0 */
} chart;

typedef void draw_fn(cairo_t *cr, const insight_group *g, unsigned channel);

static double at_x(const chart *c, double x)
{
    return LEFT + (x - c->x0) / (c->x1 - c->x0) * (WIDTH - LEFT - RIGHT);
}

static double at_y(const chart *c, double y)
{
    double v = y > c->y1 ? c->y1 : y;
    return HEIGHT - BOTTOM - v / c->y1 * (HEIGHT - TOP - BOTTOM);
}

static void ink(cairo_t *cr, unsigned rgb)
{
    cairo_set_source_rgb(cr, (rgb >> 16 & 255) / 255.0, (rgb >> 8 & 255) / 255.0,
                         (rgb & 255) / 255.0);
}

/* anchor 0 left, .5 middle, 1 right of x. */
static void write_text(cairo_t *cr, double x, double y, double anchor, double size,
                       const char *text)
{
    cairo_text_extents_t e;
    cairo_set_font_size(cr, size);
    cairo_text_extents(cr, text, &e);
    cairo_move_to(cr, x - e.x_advance * anchor, y);
    cairo_show_text(cr, text);
}

static void line(cairo_t *cr, double ax, double ay, double bx, double by)
{
    cairo_move_to(cr, ax, ay);
    cairo_line_to(cr, bx, by);
    cairo_stroke(cr);
}

/* A round step that gives four to eight lines. */
static double step_of(double most)
{
    double step = pow(10, floor(log10(most)));
    while (most / step < 4)
        step /= most / step < 2 ? 4 : 2;
    return step;
}

static void frame(const chart *c, const char *title, const char *x_title)
{
    cairo_t *cr = c->cr;
    double step = step_of(c->y1);
    char text[32];
    ink(cr, 0xFFFFFF);
    cairo_paint(cr);
    cairo_select_font_face(cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_line_width(cr, 1);
    for (double y = 0; y <= c->y1 + step / 100; y += step) {
        ink(cr, 0xDDDDDD);
        line(cr, LEFT, at_y(c, y), WIDTH - RIGHT, at_y(c, y));
        ink(cr, 0x444444);
        snprintf(text, sizeof text, "%.*f %%", step < .01 ? 1 : 0, y * 100);
        write_text(cr, LEFT - 8, at_y(c, y) + 4, 1, 12, text);
    }
    ink(cr, 0x222222);
    write_text(cr, LEFT, 24, 0, 15, title);
    write_text(cr, (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 10, .5, 12, x_title);
}

/* A point with its interval. */
static void dot(const chart *c, double x, double y, double low, double high, unsigned rgb)
{
    ink(c->cr, rgb);
    cairo_set_line_width(c->cr, 1.5);
    line(c->cr, at_x(c, x), at_y(c, low), at_x(c, x), at_y(c, high));
    cairo_arc(c->cr, at_x(c, x), at_y(c, y), 4, 0, 6.2831853);
    cairo_fill(c->cr);
}

/* ---- answers by hour ---- */

static const unsigned day_ink[TIMING_DAYTYPES] = {0x1B5E9B, 0xD9730D};

static void legend(const chart *c)
{
    static const char *const names[] = {"weekdays", "weekends and holidays"};
    double x = WIDTH - RIGHT - 290;
    for (unsigned d = 0; d < TIMING_DAYTYPES; d++, x += 110) {
        ink(c->cr, day_ink[d]);
        cairo_arc(c->cr, x, 20, 4, 0, 6.2831853);
        cairo_fill(c->cr);
        ink(c->cr, 0x444444);
        write_text(c->cr, x + 10, 24, 0, 12, names[d]);
    }
}

static void draw_curve(cairo_t *cr, const insight_group *g, unsigned channel)
{
    static const char *const names[] = {"E-mail", "SMS", "Calls"};
    chart c = {cr, -.5, 23.5, .02};
    char text[80];
    uint64_t n = 0;
    for (unsigned d = 0; d < TIMING_DAYTYPES; d++)
        for (unsigned h = 0; h < TIMING_HOURS; h++) {
            const insight_rate *r = &g->curve[channel][d][h];
            n += r->n;
            if (r->n && r->high * 1.05 > c.y1) /* a few wide intervals may be cut */
                c.y1 = fmin(1, fmax(c.y1, fmin(r->high * 1.05, 4 * r->rate + .1)));
        }
    snprintf(text, sizeof text, "%s: answers by hour (%llu contacts)", names[channel],
             (unsigned long long)n);
    frame(&c, text,
          "local hour of the contact; hours drawn at random only; lines are 95 % intervals");
    legend(&c);
    for (unsigned h = 0; h < TIMING_HOURS; h += 2) {
        snprintf(text, sizeof text, "%u", h);
        ink(cr, 0x444444);
        write_text(cr, at_x(&c, h), HEIGHT - BOTTOM + 16, .5, 12, text);
    }
    for (unsigned d = 0; d < TIMING_DAYTYPES; d++)
        for (unsigned h = 0; h < TIMING_HOURS; h++) {
            const insight_rate *r = &g->curve[channel][d][h];
            if (r->n)
                dot(&c, h + (d ? .12 : -.12), r->rate, r->low, r->high, day_ink[d]);
        }
    if (n < INSIGHT_LEAST) {
        ink(cr, 0x888888);
        write_text(cr, WIDTH / 2.0, HEIGHT / 2.0, .5, 18, "too few contacts to say");
    }
}

/* ---- predicted against observed ---- */

static void draw_calibration(cairo_t *cr, const insight_group *g, unsigned channel)
{
    chart c = {cr, 0, .05, .05};
    char text[96];
    (void)channel;
    for (size_t b = 0; b < INSIGHT_BINS; b++) {
        if (!g->bins[b].n)
            continue;
        double most = fmax(g->bins[b].predicted, fmin(g->bins[b].high, g->bins[b].observed + .2));
        c.y1 = fmin(1, fmax(c.y1, most * 1.05));
    }
    c.x1 = c.y1;
    snprintf(text, sizeof text, "Predicted and observed chance of an answer (%llu contacts)",
             (unsigned long long)(g->predicted + g->holdout));
    frame(&c, text,
          "predicted; on the line the prediction is true; vertical lines are 95 % intervals");
    double step = step_of(c.x1);
    for (double x = 0; x <= c.x1 + step / 100; x += step) {
        ink(cr, 0x444444);
        snprintf(text, sizeof text, "%.*f %%", step < .01 ? 1 : 0, x * 100);
        write_text(cr, at_x(&c, x), HEIGHT - BOTTOM + 16, .5, 12, text);
    }
    ink(cr, 0x999999);
    line(cr, at_x(&c, 0), at_y(&c, 0), at_x(&c, c.x1), at_y(&c, c.x1));
    for (size_t b = 0; b < INSIGHT_BINS; b++)
        if (g->bins[b].n)
            dot(&c, g->bins[b].predicted, g->bins[b].observed, g->bins[b].low, g->bins[b].high,
                day_ink[0]);
}

/* ---- files ---- */

static gw_code finish(cairo_surface_t *s, const char *path, gw_err *err)
{
    cairo_surface_finish(s);
    cairo_status_t status = cairo_surface_status(s);
    cairo_surface_destroy(s);
    return status == CAIRO_STATUS_SUCCESS
               ? GW_OK
               : gw_fail(err, GW_EIO, "drawing %s: %s", path, cairo_status_to_string(status));
}

static gw_code draw_on(cairo_surface_t *s, draw_fn *draw, const insight_group *g, unsigned channel,
                       double scale)
{
    cairo_t *cr = cairo_create(s);
    cairo_scale(cr, scale, scale);
    draw(cr, g, channel);
    bool good = cairo_status(cr) == CAIRO_STATUS_SUCCESS;
    cairo_destroy(cr);
    return good ? GW_OK : GW_EIO;
}

static gw_code draw_both(draw_fn *draw, const insight_group *g, unsigned channel, const char *dir,
                         const char *name, gw_err *err)
{
    char path[PATH_ROOM];
    snprintf(path, sizeof path, "%.1000s/%s.svg", dir, name);
    cairo_surface_t *svg = cairo_svg_surface_create(path, WIDTH, HEIGHT);
    gw_code drawn = draw_on(svg, draw, g, channel, 1);
    gw_code rc = finish(svg, path, err);
    if (rc == GW_OK && drawn != GW_OK)
        rc = gw_fail(err, drawn, "drawing %s", path);
    if (rc != GW_OK)
        return rc;
    snprintf(path, sizeof path, "%.1000s/%s.png", dir, name);
    cairo_surface_t *png = cairo_image_surface_create(CAIRO_FORMAT_RGB24, 2 * WIDTH, 2 * HEIGHT);
    drawn = draw_on(png, draw, g, channel, 2);
    cairo_status_t written = cairo_surface_write_to_png(png, path);
    rc = finish(png, path, err);
    if (rc == GW_OK && (drawn != GW_OK || written != CAIRO_STATUS_SUCCESS))
        rc = gw_fail(err, GW_EIO, "writing %s: %s", path, cairo_status_to_string(written));
    return rc;
}

gw_code report_draw_curve(const insight_group *all, unsigned channel, const char *dir, gw_err *err)
{
    static const char *const names[] = {"curve-email", "curve-sms", "curve-voice"};
    return draw_both(draw_curve, all, channel, dir, names[channel], err);
}

gw_code report_draw_calibration(const insight_group *all, const char *dir, gw_err *err)
{
    return draw_both(draw_calibration, all, 0, dir, "calibration", err);
}
