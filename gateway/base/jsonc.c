#include "gateway/base/jsonc.h"

static void blank(char *from, const char *end)
{
    for (; from < end; from++)
        if (*from != '\n' && *from != '\r')
            *from = ' ';
}

/* First byte behind the string that begins at p, or end. */
static char *string_end(char *p, char *end)
{
    for (p++; p < end && *p != '"' && *p != '\n'; p++)
        if (*p == '\\' && p + 1 < end)
            p++;
    return p < end ? p + 1 : end;
}

gw_code json_strip_comments(gw_buf *text, gw_err *err)
{
    if (text->n == 0)
        return GW_OK;
    char *start = text->data;
    char *end = start + text->n;
    for (char *p = start; p < end;) {
        if (*p == '"') {
            p = string_end(p, end);
        } else if (*p == '/' && end - p > 1 && p[1] == '/') {
            char *stop = memchr(p, '\n', (size_t)(end - p));
            stop = stop ? stop : end;
            blank(p, stop);
            p = stop;
        } else if (*p == '/' && end - p > 1 && p[1] == '*') {
            char *stop = memmem(p + 2, (size_t)(end - p - 2), "*/", 2);
            if (!stop)
                return gw_fail(err, GW_EINVAL, "line %zu: the comment has no end; close it with */",
                               json_line_of(gw_buf_str(text), (size_t)(p - start)));
            blank(p, stop + 2);
            p = stop + 2;
        } else {
            p++;
        }
    }
    return GW_OK;
}

size_t json_line_of(gw_str text, size_t offset)
{
    size_t line = 1;
    for (size_t i = 0; i < offset && i < text.n; i++)
        line += text.p[i] == '\n';
    return line;
}

/* A byte of text needs at most a few nodes' worth of memory; the factor is generous. */
enum { ARENA_PER_BYTE = 64 };

gw_code jsonc_open(gw_str text, size_t ceiling, jsonc_file *ret, gw_err *err)
{
    gw_buf_init(&ret->text, ceiling);
    ret->arena = gw_arena_new(ceiling * ARENA_PER_BYTE);
    if (!ret->arena)
        return gw_fail(err, GW_ENOMEM, "out of memory");
    gw_buf_put_str(&ret->text, text);
    gw_code rc = gw_buf_code(&ret->text, "the file", err);
    if (rc == GW_OK)
        rc = json_strip_comments(&ret->text, err);
    if (rc == GW_OK)
        rc = json_parse(gw_buf_str(&ret->text), ret->arena, &ret->doc, err);
    return rc;
}

void jsonc_close(jsonc_file *f)
{
    gw_buf_done(&f->text);
    gw_arena_free(f->arena);
    *f = (jsonc_file){0};
}

gw_code jsonc_canonical(const jsonc_file *f, char **ret, gw_err *err)
{
    GW_AUTO_BUF gw_buf canonical;
    gw_buf_init(&canonical, f->text.n * 6 + 64); /* an escape at most grows one byte to six */
    gw_code rc = json_canonical(&f->doc, 0, &canonical, err);
    if (rc == GW_OK)
        *ret = gw_buf_take(&canonical, NULL);
    return rc;
}
