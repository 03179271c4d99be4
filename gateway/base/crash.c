#include "gateway/base/crash.h"

#ifdef DUNLIN_CRASH_POINTS
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void gw_crash_point(const char *name)
{
    static _Atomic long passed;
    const char *at = getenv("DUNLIN_CRASH_AT");
    size_t n = strlen(name);
    if (!at || strncmp(at, name, n) != 0 || (at[n] != ':' && at[n] != '\0'))
        return;
    long wanted = at[n] == ':' ? strtol(at + n + 1, NULL, 10) : 1;
    if (atomic_fetch_add(&passed, 1) + 1 == wanted)
        kill(getpid(), SIGKILL);
}
#else
typedef int gw_crash_unused; /* ISO C forbids an empty translation unit */
#endif
