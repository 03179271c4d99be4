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
