/* template_render.c - `dunlin template render` and `preview`. */
#include "gateway/base/file.h"
#include "gateway/base/gsm.h"
#include "gateway/cli/template_internal.h"

#include <limits.h>

enum { OUTPUT_MAX = 8 * MUSTACHE_OUTPUT_MAX };

/* Files of the partials a template asks for, found as they are named. */
typedef struct {
    const char *dir;
    mustache_source sources[MUSTACHE_PARTIALS_MAX];
    gw_buf texts[MUSTACHE_PARTIALS_MAX];
    size_t count;
    char wanted[MUSTACHE_NAME_MAX + 1]; /* the first name met that was not tried yet */
    char *tried[MUSTACHE_PARTIALS_MAX];
    size_t tried_count;
} partial_files;

static void partial_files_done(partial_files *p)
{
    for (size_t i = 0; i < p->count; i++)
        gw_buf_done(&p->texts[i]);
    for (size_t i = 0; i < p->tried_count; i++)
        free(p->tried[i]);
}

static void note_wanted(void *arg, const mustache_event *e)
{
    partial_files *p = arg;
    if (e->tag != MUSTACHE_PARTIAL || p->wanted[0])
        return;
    for (size_t i = 0; i < p->tried_count; i++)
        if (gw_str_is(e->text, p->tried[i]))
            return;
    snprintf(p->wanted, sizeof p->wanted, "%.*s", GW_STR_ARG(e->text));
}

/* NAME.mustache, else NAME; a name that is no file stays unknown, as the specification has it. */
static gw_code read_partial(partial_files *p, const char *name, gw_err *err)
{
    static const char *const extensions[] = {".mustache", ""};
    if (name[0] == '/' || strstr(name, ".."))
        return gw_fail(err, GW_EINVAL, "the partial %s points out of the folder of partials", name);
    for (size_t i = 0; i < GW_COUNT(extensions); i++) {
        char path[PATH_MAX];
        gw_buf *text = &p->texts[p->count];
        if (snprintf(path, sizeof path, "%s/%s%s", p->dir, name, extensions[i]) >= PATH_MAX)
            return gw_fail(err, GW_ELIMIT, "a path is longer than %d bytes", PATH_MAX);
        gw_buf_init(text, MUSTACHE_TEMPLATE_MAX);
        gw_code rc = gw_file_read(path, text, err);
        if (rc == GW_ENOTFOUND)
            continue;
        p->sources[p->count] = (mustache_source){name, gw_buf_str(text)};
        p->count++; /* counted before the check, so that the text is freed */
        return rc;
    }
    return GW_OK;
}

/* Compile, look which partials are missing, read one, and again until none is. */
static gw_code compile_with_partials(const mustache_source *top, partial_files *p,
                                     mustache **ret_program, gw_err *err)
{
    for (;;) {
        GW_AUTO(mustache_free) mustache *m = NULL;
        gw_code rc = mustache_compile(top, p->sources, p->count, &m, err);
        if (rc != GW_OK)
            return rc;
        p->wanted[0] = '\0';
        if (p->dir)
            mustache_walk(m, note_wanted, p);
        if (!p->wanted[0]) {
            *ret_program = m;
            m = NULL;
            return GW_OK;
        }
        if (p->tried_count == MUSTACHE_PARTIALS_MAX)
            return gw_fail(err, GW_ELIMIT, "more than %d partials", MUSTACHE_PARTIALS_MAX);
        char *name = strdup(p->wanted);
        if (!name)
            return gw_fail(err, GW_ENOMEM, "reading partials: out of memory");
        p->tried[p->tried_count++] = name;
        rc = read_partial(p, name, err);
        if (rc != GW_OK)
            return rc;
    }
}

static gw_code parse_escape(const char *name, mustache_escape *ret, gw_err *err)
{
    static const char *const names[] = {
        [MUSTACHE_PLAIN] = "plain", [MUSTACHE_HTML] = "html", [MUSTACHE_HEADER] = "header"};
    for (size_t i = 0; i < GW_COUNT(names); i++) {
        if (strcmp(name, names[i]) != 0)
            continue;
        *ret = (mustache_escape)i;
        return GW_OK;
    }
    return gw_fail(err, GW_EINVAL, "--escape is html, plain or header, not %.40s", name);
}

static gw_code print_rendered(const template_command *c, const gw_buf *text, gw_err *err)
{
    if (!c->json)
        return template_print(c, text, err);
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, OUTPUT_MAX);
    gw_buf_putc(&b, '{');
    json_put_member_str(&b, "rendered", gw_buf_str(text));
    gw_buf_puts(&b, "}\n");
    return template_print(c, &b, err);
}

gw_code template_cmd_render(const template_command *c, gw_err *err)
{
    mustache_mode mode = {.escape = MUSTACHE_HTML, .strict = c->strict};
    GW_AUTO_BUF gw_buf text;
    GW_AUTO_BUF gw_buf data;
    GW_AUTO_BUF gw_buf out;
    GW_AUTO(mustache_free) mustache *m = NULL;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(TEMPLATE_CLI_ARENA);
    json_doc d;
    gw_buf_init(&text, MUSTACHE_TEMPLATE_MAX);
    gw_buf_init(&data, 0);
    gw_buf_init(&out, MUSTACHE_OUTPUT_MAX);
    gw_code rc = c->escape ? parse_escape(c->escape, &mode.escape, err) : GW_OK;
    if (rc == GW_OK)
        rc = gw_file_read(c->template_file, &text, err);
    if (rc == GW_OK)
        rc = template_read_data(c->data, &data, arena, &d, err);
    if (rc != GW_OK)
        return rc;
    __attribute__((cleanup(partial_files_done))) partial_files p = {.dir = c->partials};
    mustache_source top = {c->template_file, gw_buf_str(&text)};
    rc = compile_with_partials(&top, &p, &m, err);
    if (rc == GW_OK)
        rc = mustache_render(m, &d, &mode, &out, err);
    return rc == GW_OK ? print_rendered(c, &out, err) : rc;
}

/* ---- preview ---- */

typedef struct {
    const template_command *c;
    const template_bundle *b;
    const json_doc *d;
    gw_buf shown; /* what is printed at the end */
    gsm_size sms; /* as it would be billed; parts 0: there is no such part */
} preview;

static gw_code write_part(const preview *p, template_part part, const gw_buf *text, gw_err *err)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s.%s", p->c->out_dir, template_part_name(part),
                 part == TEMPLATE_HTML ? "html" : "txt") >= PATH_MAX)
        return gw_fail(err, GW_ELIMIT, "a path is longer than %d bytes", PATH_MAX);
    gw_code rc = gw_dir_make(p->c->out_dir, 0755, err);
    return rc == GW_OK ? gw_file_replace(path, gw_buf_str(text), 0644, err) : rc;
}

/* As the SMS driver measures it, on what it would send. */
static gw_code measure(preview *p, const gw_buf *text, gw_err *err)
{
    GW_AUTO_BUF gw_buf plain;
    gw_buf_init(&plain, MUSTACHE_OUTPUT_MAX);
    gw_buf_put_str(&plain, gw_buf_str(text));
    gw_code rc = gw_buf_code(&plain, "an SMS", err);
    plain.n = plain.n ? gsm_plain(plain.data, plain.n) : 0;
    return rc == GW_OK ? gsm_measure(gw_buf_str(&plain), &p->sms, err) : rc;
}

static void put_size(const gsm_size *s, gw_buf *out)
{
    json_put_name(out, "sms_size");
    gw_buf_putc(out, '{');
    json_put_member_str(out, "alphabet", gw_str_of(s->gsm ? "gsm7" : "ucs2"));
    json_put_member_int(out, "parts", s->parts);
    json_put_member_int(out, "units", s->units);
    gw_buf_putc(out, '}');
}

static void show_part(preview *p, template_part part, const gw_buf *text)
{
    if (p->c->json) {
        json_put_member_str(&p->shown, template_part_name(part), gw_buf_str(text));
        return;
    }
    gw_buf_printf(&p->shown, "--- %s ---\n", template_part_name(part));
    gw_buf_put_str(&p->shown, gw_buf_str(text));
    if (text->n && text->data[text->n - 1] != '\n')
        gw_buf_putc(&p->shown, '\n');
    if (part == TEMPLATE_SMS)
        gw_buf_printf(&p->shown, "(%u %s in %u part%s)\n", p->sms.units,
                      p->sms.gsm ? "GSM septets" : "UCS-2 units", p->sms.parts,
                      p->sms.parts == 1 ? "" : "s");
}

static gw_code preview_part(preview *p, template_part part, gw_err *err)
{
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, MUSTACHE_OUTPUT_MAX);
    gw_code rc = template_bundle_render(p->b, part, p->d, true, &text, err);
    if (rc == GW_OK && part == TEMPLATE_SMS)
        rc = measure(p, &text, err);
    if (rc == GW_OK && p->c->out_dir)
        rc = write_part(p, part, &text, err);
    if (rc == GW_OK)
        show_part(p, part, &text);
    return rc;
}

static gw_code preview_parts(preview *p, gw_err *err)
{
    template_part only = TEMPLATE_PART_COUNT;
    gw_code rc = GW_OK;
    if (p->c->part && !template_part_parse(gw_str_of(p->c->part), &only))
        return gw_fail(err, GW_EINVAL, "--part is one of " TEMPLATE_PART_NAMES ", not %.40s",
                       p->c->part);
    if (only != TEMPLATE_PART_COUNT)
        return preview_part(p, only, err);
    for (int i = 0; rc == GW_OK && i < TEMPLATE_PART_COUNT; i++)
        if (template_bundle_has(p->b, (template_part)i))
            rc = preview_part(p, (template_part)i, err);
    return rc;
}

gw_code template_cmd_preview(const template_command *c, gw_err *err)
{
    GW_AUTO_BUF gw_buf data;
    GW_AUTO_BUF gw_buf out;
    GW_AUTO(template_bundle_free) template_bundle *b = NULL;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(TEMPLATE_CLI_ARENA);
    json_doc d;
    gw_buf_init(&data, 0);
    gw_buf_init(&out, OUTPUT_MAX);
    gw_code rc = template_bundle_load(c->bundle, &b, err);
    if (rc == GW_OK)
        rc = template_read_data(c->data, &data, arena, &d, err);
    if (rc != GW_OK)
        return rc;
    preview p = {.c = c, .b = b, .d = &d};
    gw_buf_init(&p.shown, OUTPUT_MAX);
    gw_buf_puts(&p.shown, c->json ? "{" : "");
    rc = preview_parts(&p, err);
    if (c->json) {
        gw_buf_putc(&out, '{');
        json_put_member_str(&out, "locale", gw_str_of(template_bundle_locale(b)));
        json_put_member_str(&out, "name", gw_str_of(template_bundle_name(b)));
        json_put_name(&out, "parts");
        gw_buf_put_str(&out, gw_buf_str(&p.shown));
        gw_buf_putc(&out, '}');
        if (p.sms.parts)
            put_size(&p.sms, &out);
        json_put_member_str(&out, "version", gw_str_of(template_bundle_version(b)));
        gw_buf_puts(&out, "}\n");
    } else {
        gw_buf_put_str(&out, gw_buf_str(&p.shown));
    }
    gw_code shown = gw_buf_code(&p.shown, "preview", rc == GW_OK ? err : NULL);
    gw_buf_done(&p.shown);
    if (rc == GW_OK)
        rc = shown;
    return rc == GW_OK ? template_print(c, &out, err) : rc;
}
