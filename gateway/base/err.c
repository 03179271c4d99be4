#include "gateway/base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int exit_code;
} codes[GW_CODE_COUNT] = {
    [GW_OK] = {"ok", 0},
    [GW_EINVAL] = {"invalid", 1},
    [GW_ENOTFOUND] = {"not-found", 1},
    [GW_EEXIST] = {"exists", 1},
    [GW_ECONFLICT] = {"conflict", 1},
    [GW_EREFUSED] = {"refused", 1},
    [GW_ELIMIT] = {"limit", 1},
    [GW_EBUSY] = {"busy", 75},
    [GW_EIO] = {"io", 1},
    [GW_ENOSPC] = {"no-space", 1},
    [GW_ENOMEM] = {"no-memory", 1},
    [GW_ETIMEOUT] = {"timeout", 75},
    [GW_ECORRUPT] = {"corrupt", 1},
    [GW_ECLOSED] = {"closed", 75},
    [GW_EBLOCKED] = {"blocked", 1},
};

const char *gw_code_name(gw_code code)
{
    return (unsigned)code < GW_CODE_COUNT ? codes[code].name : "?";
}

int gw_exit_code(gw_code code)
{
    return (unsigned)code < GW_CODE_COUNT ? codes[code].exit_code : 1;
}

GW_PRINTF(3, 0)
static void set_text(gw_err *err, gw_code code, const char *fmt, va_list ap, const char *tail)
{
    if (!err)
        return;
    char text[sizeof err->text];
    int n = vsnprintf(text, sizeof text, fmt, ap);
    if (n < 0)
        n = 0;
    if (tail && (size_t)n < sizeof text)
        snprintf(text + n, sizeof text - (size_t)n, ": %s", tail);
    memcpy(err->text, text, sizeof text);
    err->code = code;
}

gw_code gw_fail(gw_err *err, gw_code code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    set_text(err, code, fmt, ap, NULL);
    va_end(ap);
    return code;
}

gw_code gw_fail_errno(gw_err *err, int errnum, const char *fmt, ...)
{
    gw_code code = errnum == ENOSPC ? GW_ENOSPC : errnum == ENOMEM ? GW_ENOMEM : GW_EIO;
    char reason[96];
    va_list ap;
    va_start(ap, fmt);
    set_text(err, code, fmt, ap, strerror_r(errnum, reason, sizeof reason));
    va_end(ap);
    return code;
}

gw_code gw_wrap(gw_err *err, gw_code code, const char *fmt, ...)
{
    if (!err)
        return code;
    char inner[sizeof err->text];
    memcpy(inner, err->text, sizeof inner);
    va_list ap;
    va_start(ap, fmt);
    set_text(err, code, fmt, ap, inner);
    va_end(ap);
    return code;
}

_Noreturn void gw_bug_at(const char *file, int line, const char *what)
{
    fprintf(stderr, "bug at %s:%d: %s\n", file, line, what);
    abort();
}
