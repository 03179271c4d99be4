#include "gateway/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_STEP = 64 * 1024 };

static void close_cleanup(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}
#define AUTO_CLOSE __attribute__((cleanup(close_cleanup)))

gw_code gw_file_read(const char *path, gw_buf *ret, gw_err *err)
{
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return gw_fail(err, GW_ENOTFOUND, "%s does not exist", path);
    if (fd < 0)
        return gw_fail_errno(err, errno, "opening %s", path);
    for (;;) {
        char step[READ_STEP];
        ssize_t n = read(fd, step, sizeof step);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return gw_fail_errno(err, errno, "reading %s", path);
        if (n == 0)
            return GW_OK;
        if (gw_buf_put(ret, step, (size_t)n) != GW_OK)
            return gw_buf_code(ret, path, err);
    }
}

gw_code gw_file_write_all(int fd, const void *bytes, size_t n, gw_err *err)
{
    const char *p = bytes;
    while (n > 0) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return gw_fail_errno(err, errno, "writing");
        p += done;
        n -= (size_t)done;
    }
    return GW_OK;
}

gw_code gw_dir_sync(const char *dir, gw_err *err)
{
    AUTO_CLOSE int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return gw_fail_errno(err, errno, "syncing folder %s", dir);
    return GW_OK;
}

static gw_code write_and_sync(const char *path, gw_str bytes, unsigned mode, gw_err *err)
{
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0)
        return gw_fail_errno(err, errno, "creating %s", path);
    gw_code rc = gw_file_write_all(fd, bytes.p, bytes.n, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "%s", path);
    if (fsync(fd) != 0)
        return gw_fail_errno(err, errno, "syncing %s", path);
    return GW_OK;
}

gw_code gw_file_replace(const char *path, gw_str bytes, unsigned mode, gw_err *err)
{
    char temp[PATH_MAX];
    char dir[PATH_MAX];
    if (snprintf(temp, sizeof temp, "%s.tmp.%d", path, (int)getpid()) >= (int)sizeof temp)
        return gw_fail(err, GW_ELIMIT, "path is longer than %d bytes", PATH_MAX);
    gw_code rc = write_and_sync(temp, bytes, mode, err);
    if (rc == GW_OK && rename(temp, path) != 0)
        rc = gw_fail_errno(err, errno, "renaming over %s", path);
    if (rc != GW_OK) {
        unlink(temp);
        return rc;
    }
    snprintf(dir, sizeof dir, "%s", path);
    char *slash = strrchr(dir, '/');
    if (!slash)
        return gw_dir_sync(".", err);
    slash[slash == dir] = '\0';
    return gw_dir_sync(dir, err);
}

gw_code gw_dir_make(const char *dir, unsigned mode, gw_err *err)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s", dir) >= (int)sizeof path)
        return gw_fail(err, GW_ELIMIT, "path is longer than %d bytes", PATH_MAX);
    for (char *p = path + 1;; p++) {
        if (*p != '/' && *p != '\0')
            continue;
        char was = *p;
        *p = '\0';
        if (mkdir(path, mode) != 0 && errno != EEXIST)
            return gw_fail_errno(err, errno, "creating folder %s", path);
        *p = was;
        if (was == '\0')
            return GW_OK;
    }
}
