#include "gateway/base/json.h"
#include "gateway/cli/timing_internal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

gw_code timing_number(const char *option, const char *text, long least, long most, long *ret,
                      gw_err *err)
{
    char *end;
    errno = 0;
    long v = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0' || errno || v < least || v > most)
        return gw_fail(err, GW_EINVAL, "%s must be a whole number from %ld to %ld", option, least,
                       most);
    *ret = v;
    return GW_OK;
}

void timing_put_number(gw_buf *b, const char *name, double value, int digits)
{
    json_put_name(b, name);
    if (isfinite(value))
        gw_buf_printf(b, "%.*f", digits, value);
    else
        gw_buf_puts(b, "null");
}

void timing_print_percent(double share, int width)
{
    if (isfinite(share))
        printf(" %*.1f", width, 100 * share);
    else
        printf(" %*s", width, "-");
}

void timing_progress(const char *what, const char *detail)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K%s %s", what, detail);
}

void timing_progress_end(void)
{
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}
