#include "gateway/base/crash.h"

#ifdef DUNLIN_CRASH_POINTS
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ORDER_BYTES = 96 };

/* What is asked for now, and how often its point was passed since. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char current[ORDER_BYTES];
static long passed;

/* Is order ("name:n") about this point, and is this its n-th pass? */
static int reached(const char *order, const char *name)
{
    size_t n = strlen(name);
    if (strncmp(order, name, n) != 0 || (order[n] != ':' && order[n] != '\0'))
        return 0;
    long wanted = order[n] == ':' ? strtol(order + n + 1, NULL, 10) : 1;
    pthread_mutex_lock(&lock);
    if (strncmp(current, order, sizeof current - 1) != 0) {
        strncpy(current, order, sizeof current - 1);
        passed = 0;
    }
    int now = ++passed == wanted;
    pthread_mutex_unlock(&lock);
    return now;
}

static int read_order(const char *path, char order[ORDER_BYTES])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, order, ORDER_BYTES - 1);
    close(fd);
    order[n > 0 ? n : 0] = '\0';
    order[strcspn(order, "\r\n")] = '\0';
    return n > 0;
}

void gw_crash_point(const char *name)
{
    char order[ORDER_BYTES];
    const char *at = getenv("DUNLIN_CRASH_AT");
    const char *file = getenv("DUNLIN_CRASH_FILE");
    if (at && reached(at, name))
        kill(getpid(), SIGKILL);
    /* Whoever removes the file carries the order out, so that it is carried out once. */
    if (file && read_order(file, order) && reached(order, name) && unlink(file) == 0)
        kill(getpid(), SIGKILL);
}
#else
typedef int gw_crash_unused; /* ISO C forbids an empty translation unit */
#endif
