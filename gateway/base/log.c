#include "gateway/base/log.h"

#include <stdio.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { LINE_BYTES = 1024 };

static const char *log_prog = "dunlin";
static gw_log_level log_least = GW_LOG_INFO;
static const char *const level_names[] = {"debug", "info", "warn", "error"};

void gw_log_setup(const char *prog, gw_log_level least)
{
    log_prog = prog;
    log_least = least;
}

void gw_log(gw_log_level level, const char *msg, const char *fields, ...)
{
    if (level < log_least)
        return;
    /* The operator's clock, not the movable one: logs are read beside other systems' logs. */
    struct timeval tv;
    gettimeofday(&tv, NULL);
    struct tm tm;
    gmtime_r(&tv.tv_sec, &tm);
    char line[LINE_BYTES];
    size_t n = strftime(line, sizeof line, "t=%Y-%m-%dT%H:%M:%S", &tm);
    int more = snprintf(line + n, sizeof line - n, ".%03dZ lvl=%s prog=%s msg=\"%s\"",
                        (int)(tv.tv_usec / 1000), level_names[level], log_prog, msg);
    n += more > 0 ? (size_t)more : 0;
    if (fields && n + 2 < sizeof line) {
        line[n++] = ' ';
        va_list ap;
        va_start(ap, fields);
        more = vsnprintf(line + n, sizeof line - n, fields, ap);
        va_end(ap);
        n += more > 0 ? (size_t)more : 0;
    }
    if (n > sizeof line - 2)
        n = sizeof line - 2;
    for (size_t i = 0; i < n; i++)
        if (line[i] == '\n' || line[i] == '\r')
            line[i] = ' ';
    line[n++] = '\n';
    ssize_t ignored = write(STDERR_FILENO, line, n);
    (void)ignored;
}
