#include "workers/runtime/outbox.h"

#include "gateway/base/file.h"
#include "gateway/base/log.h"
#include "gateway/base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

enum { TAKE_MS = 1000 };

static bool is_file_name(gw_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!ok && c != '-' && c != '_')
            return false;
    }
    return s.n > 0 && s.n <= 64;
}

static gw_code day_folder(const outbox_config *c, const channel_attempt *a, char ret_dir[PATH_MAX],
                          gw_err *err)
{
    char day[GW_DATE_TEXT];
    gw_date_format((int32_t)(a->go_wall_ms / GW_MS_PER_DAY), day);
    if (snprintf(ret_dir, PATH_MAX, "%s/%s", c->folder, day) >= PATH_MAX)
        return gw_fail(err, GW_ELIMIT, "the outbox path is longer than %d bytes", PATH_MAX);
    return GW_OK;
}

static gw_code write_temp(const char *path, gw_str bytes, bool sync, gw_err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return gw_fail_errno(err, errno, "creating a message in the outbox");
    gw_code rc = gw_file_write_all(fd, bytes.p, bytes.n, err);
    if (rc == GW_OK && sync && fsync(fd) != 0)
        rc = gw_fail_errno(err, errno, "syncing a message in the outbox");
    if (close(fd) != 0 && rc == GW_OK)
        rc = gw_fail_errno(err, errno, "closing a message in the outbox");
    return rc;
}

/* What is written but not yet reported. Folders are synced when the batch is, or moves to another.
 */
typedef struct {
    channel_attempt *attempts[OUTBOX_BATCH_MAX];
    gw_code codes[OUTBOX_BATCH_MAX];
    size_t n;
    char dir[PATH_MAX];
    gw_code synced;
} batch;

static void sync_folder(const outbox_config *c, batch *b)
{
    gw_err err = {0};
    gw_code rc = c->sync && b->dir[0] ? gw_dir_sync(b->dir, &err) : GW_OK;
    if (rc != GW_OK) {
        gw_log(GW_LOG_ERROR, "the outbox folder cannot be synced", "code=%s", gw_code_name(rc));
        b->synced = rc;
    }
}

static gw_code enter_folder(const outbox_config *c, batch *b, const channel_attempt *a, gw_err *err)
{
    char wanted[PATH_MAX];
    gw_code rc = day_folder(c, a, wanted, err);
    if (rc != GW_OK || strcmp(wanted, b->dir) == 0)
        return rc;
    sync_folder(c, b);
    b->dir[0] = '\0';
    rc = gw_dir_make(wanted, 0700, err);
    if (rc == GW_OK)
        memcpy(b->dir, wanted, sizeof wanted);
    return rc;
}

static gw_code put_file(const outbox_config *c, const batch *b, const channel_attempt *a,
                        const char *suffix, gw_str bytes, gw_err *err)
{
    char path[PATH_MAX + 80], temp[PATH_MAX + 96];
    gw_str rid = a->task->ref.rid;
    snprintf(path, sizeof path, "%s/%.*s%s", b->dir, GW_STR_ARG(rid), suffix);
    snprintf(temp, sizeof temp, "%s/.%.*s.%d.tmp", b->dir, GW_STR_ARG(rid), a->task->ref.attempt);
    gw_code rc = write_temp(temp, bytes, c->sync, err);
    if (rc == GW_OK && rename(temp, path) != 0)
        rc = gw_fail_errno(err, errno, "naming a message in the outbox");
    if (rc != GW_OK)
        unlink(temp);
    return rc;
}

static gw_code put_message(const outbox_config *c, batch *b, channel_attempt *a, gw_err *err)
{
    GW_AUTO_BUF gw_buf second;
    if (!is_file_name(a->task->ref.rid))
        return gw_fail(err, GW_EINVAL, "the reminder id is not fit for a file name");
    gw_code rc = enter_folder(c, b, a, err);
    gw_buf_init(&second, WIRE_MESSAGE_MAX);
    if (rc == GW_OK && c->also)
        rc = c->also(a, &second, err);
    if (rc == GW_OK && second.n)
        rc = put_file(c, b, a, c->also_suffix, gw_buf_str(&second), err);
    return rc == GW_OK ? put_file(c, b, a, c->suffix, gw_buf_str(&a->bytes), err) : rc;
}

static void decide(channel_attempt *a, gw_code rc)
{
    if (rc != GW_OK) {
        channel_decide(a, WIRE_LATER, 0, rc == GW_ENOSPC ? "outbox-full" : "outbox-failed");
        return;
    }
    channel_decide(a, WIRE_DELIVERED, 0, WIRE_WHY_OUTBOX);
    for (size_t i = 0; i < a->task->to_n; i++)
        a->outcome.recipients[i] = (channel_recipient){.index = (int)i};
    a->outcome.recipient_n = a->task->to_n;
}

static void report(const outbox_config *c, batch *b, channel_source *source)
{
    sync_folder(c, b);
    for (size_t i = 0; i < b->n; i++) {
        decide(b->attempts[i], b->codes[i] != GW_OK ? b->codes[i] : b->synced);
        channel_report(source, b->attempts[i]);
    }
    *b = (batch){0};
}

void outbox_serve(const outbox_config *c, channel_source *source)
{
    batch b = {0};
    while (!channel_is_closed(source)) {
        channel_attempt *a;
        while (b.n < OUTBOX_BATCH_MAX && (a = channel_take(source, b.n == 0 ? TAKE_MS : 0))) {
            gw_err err = {0};
            gw_code rc = put_message(c, &b, a, &err);
            if (rc != GW_OK)
                gw_log(GW_LOG_ERROR, "a message cannot be written to the outbox", "code=%s",
                       gw_code_name(rc));
            b.attempts[b.n] = a;
            b.codes[b.n++] = rc;
        }
        report(c, &b, source);
    }
}
