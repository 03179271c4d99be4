/* template_check.c - `dunlin template lint` and `version`. */
#include "gateway/cli/template_internal.h"
#include "templates/engine/folders.h"
#include "templates/engine/lint.h"

enum { OUTPUT_MAX = 8 * 1024 * 1024 };

static void put_finding_line(gw_buf *b, const lint_finding *f)
{
    gw_buf_puts(b, f->file);
    if (f->line)
        gw_buf_printf(b, ":%u", f->line);
    gw_buf_printf(b, ": %s: %s [%s]\n", lint_severity_name(f->severity), f->text, f->rule);
}

static void put_finding_json(gw_buf *b, const lint_finding *f)
{
    gw_buf_putc(b, '{');
    json_put_member_str(b, "severity", gw_str_of(lint_severity_name(f->severity)));
    json_put_member_str(b, "rule", gw_str_of(f->rule));
    json_put_member_str(b, "file", gw_str_of(f->file));
    json_put_member_int(b, "line", f->line);
    json_put_member_str(b, "text", gw_str_of(f->text));
    gw_buf_putc(b, '}');
}

static void put_report_json(gw_buf *b, const lint_report *r)
{
    gw_buf_putc(b, '{');
    json_put_member_int(b, "errors", (int64_t)lint_report_count(r, LINT_ERROR));
    json_put_member_int(b, "warnings", (int64_t)lint_report_count(r, LINT_WARNING));
    json_put_name(b, "findings");
    gw_buf_putc(b, '[');
    for (size_t i = 0; i < lint_report_size(r); i++) {
        if (i)
            gw_buf_putc(b, ',');
        put_finding_json(b, lint_report_at(r, i));
    }
    gw_buf_puts(b, "]}\n");
}

static void put_report(gw_buf *b, const lint_report *r)
{
    for (size_t i = 0; i < lint_report_size(r); i++)
        put_finding_line(b, lint_report_at(r, i));
    gw_buf_printf(b, "%zu errors, %zu warnings\n", lint_report_count(r, LINT_ERROR),
                  lint_report_count(r, LINT_WARNING));
}

gw_code template_cmd_lint(const template_command *c, gw_err *err)
{
    GW_AUTO(lint_report_free) lint_report *r = lint_report_new();
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, OUTPUT_MAX);
    gw_code rc = r ? GW_OK : gw_fail(err, GW_ENOMEM, "out of memory");
    for (size_t i = 0; rc == GW_OK && i < c->dir_count; i++)
        rc = template_lint(c->dirs[i], r, err);
    if (rc != GW_OK)
        return rc;
    if (c->json)
        put_report_json(&b, r);
    else
        put_report(&b, r);
    rc = template_print(c, &b, err);
    size_t bad =
        lint_report_count(r, LINT_ERROR) + (c->strict ? lint_report_count(r, LINT_WARNING) : 0);
    return rc == GW_OK && bad ? GW_EREFUSED : rc; /* the findings are the message */
}

typedef struct {
    const template_command *c;
    gw_buf out;
} versions;

static gw_code put_version(void *arg, const char *dir, gw_err *err)
{
    versions *v = arg;
    GW_AUTO(template_bundle_free) template_bundle *b = NULL;
    gw_code rc = template_bundle_load(dir, &b, err);
    if (rc != GW_OK)
        return rc;
    if (!v->c->json)
        return gw_buf_printf(&v->out, "%s %s/%s\n", template_bundle_version(b),
                             template_bundle_locale(b), template_bundle_name(b));
    gw_buf_puts(&v->out, v->out.n ? ",{" : "{");
    json_put_member_str(&v->out, "locale", gw_str_of(template_bundle_locale(b)));
    json_put_member_str(&v->out, "name", gw_str_of(template_bundle_name(b)));
    json_put_member_str(&v->out, "version", gw_str_of(template_bundle_version(b)));
    return gw_buf_putc(&v->out, '}');
}

gw_code template_cmd_version(const template_command *c, gw_err *err)
{
    versions v = {.c = c};
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, OUTPUT_MAX);
    gw_buf_init(&v.out, OUTPUT_MAX);
    gw_code rc = GW_OK;
    for (size_t i = 0; rc == GW_OK && i < c->dir_count; i++)
        rc = template_folder_each(c->dirs[i], put_version, &v, err);
    if (rc == GW_OK && c->json)
        gw_buf_printf(&b, "[%s]\n", v.out.data);
    else if (rc == GW_OK)
        gw_buf_put_str(&b, gw_buf_str(&v.out));
    gw_buf_done(&v.out);
    return rc == GW_OK ? template_print(c, &b, err) : rc;
}
