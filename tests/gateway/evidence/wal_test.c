#include "gateway/base/arena.h"
#include "gateway/base/file.h"
#include "gateway/evidence/crypt.h"
#include "gateway/evidence/fsck.h"
#include "gateway/evidence/wal.h"
#include "tests/gateway/evidence/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* The linker sends write and fdatasync of the code under test here (--wrap). */
ssize_t __real_write(int fd, const void *p, size_t n);
int __real_fdatasync(int fd);
ssize_t __wrap_write(int fd, const void *p, size_t n);
int __wrap_fdatasync(int fd);

static int write_countdown, sync_countdown; /* the call that fails; 0 none */

ssize_t __wrap_write(int fd, const void *p, size_t n)
{
    if (write_countdown > 0 && --write_countdown == 0) {
        errno = ENOSPC;
        return n > 10 && __real_write(fd, p, n / 2) < 0 ? -1 : -1; /* half is written */
    }
    return __real_write(fd, p, n);
}

int __wrap_fdatasync(int fd)
{
    if (sync_countdown > 0 && --sync_countdown == 0) {
        errno = EIO;
        return -1;
    }
    return __real_fdatasync(fd);
}

static void print_fault(void *ctx, const char *text)
{
    (void)ctx;
    print_message("%s\n", text);
}

static void must_be_sound(place *p, uint64_t entries)
{
    fsck_result f;
    gw_err err = {.code = GW_OK};
    fsck_order o = {.dir = p->dir, .tenant_key = p->tenant_key, .on_fault = print_fault};
    assert_int_equal(fsck_run(&o, &f, &err), GW_OK);
    assert_int_equal(f.faults, 0);
    if (entries)
        assert_int_equal(f.entries, entries);
}

static off_t bytes_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

static void restore(place *p, const char *snapshot)
{
    place_remove(p->dir);
    place_copy(snapshot, p->dir);
}

static void extend(const char *path, const gw_buf *with, size_t from, size_t to)
{
    int fd = open(path, O_WRONLY | O_APPEND);
    assert_true(fd >= 0);
    assert_int_equal(__real_write(fd, with->data + from, to - from), (ssize_t)(to - from));
    close(fd);
}

/* Snapshot A holds ten acknowledged entries; the process dies anywhere in writing the next three.
 */
static void a_kill_at_any_byte_of_a_write_loses_no_acknowledged_entry(void **state)
{
    place *p = *state;
    char snapshot[128];
    GW_AUTO_BUF gw_buf after;
    gw_err err = {.code = GW_OK};
    gw_buf_init(&after, 1 << 20);
    snprintf(snapshot, sizeof snapshot, "%s/snapshot", p->root);
    evidence *ev = place_open(p);
    place_append(p, ev, 0, 10);
    place_copy(p->dir, snapshot);
    size_t acknowledged = (size_t)bytes_of(place_log_file(p, "wal/000001.seg"));
    evidence_draft d[3];
    for (unsigned i = 0; i < 3; i++)
        d[i] = place_draft(p, 10 + i, 5);
    assert_int_equal(evidence_append(ev, d, 3, &err), GW_OK);
    assert_int_equal(gw_file_read(place_log_file(p, "wal/000001.seg"), &after, &err), GW_OK);
    evidence_close(ev);
    for (size_t cut = acknowledged; cut <= after.n; cut += 61) {
        restore(p, snapshot);
        extend(place_log_file(p, "wal/000001.seg"), &after, acknowledged, cut);
        ev = place_open(p);
        uint64_t size = place_size(ev);
        assert_true(size >= 12); /* x-Start, ten, x-Start again, x-Recovery unless at a border */
        assert_int_equal(evidence_append(ev, d, 3, &err), GW_OK); /* the outbox still has them */
        place_append(p, ev, 0, 10);
        uint64_t grown = place_size(ev) - size;
        assert_true(grown <= 3);
        evidence_close(ev);
        must_be_sound(p, 0);
    }
}

static void a_hole_in_the_unfinished_group_is_a_torn_tail_too(void **state)
{
    place *p = *state;
    char where[PATH_MAX];
    char snapshot[128];
    GW_AUTO_BUF gw_buf after;
    gw_err err = {.code = GW_OK};
    gw_buf_init(&after, 1 << 20);
    snprintf(snapshot, sizeof snapshot, "%s/snapshot", p->root);
    evidence *ev = place_open(p);
    place_append(p, ev, 0, 5);
    place_copy(p->dir, snapshot);
    size_t acknowledged = (size_t)bytes_of(place_log_file(p, "wal/000001.seg"));
    evidence_draft d[3];
    for (unsigned i = 0; i < 3; i++)
        d[i] = place_draft(p, 5 + i, 5);
    assert_int_equal(evidence_append(ev, d, 3, &err), GW_OK);
    assert_int_equal(gw_file_read(place_log_file(p, "wal/000001.seg"), &after, &err), GW_OK);
    evidence_close(ev);
    restore(p, snapshot);
    memset(after.data + acknowledged, 0, 100); /* the first page never reached the disk */
    extend(place_log_file(p, "wal/000001.seg"), &after, acknowledged, after.n);
    ev = place_open(p);
    evidence_close(ev);
    assert_true(place_holds(place_log_file(p, "wal"), "x-Recovery", where));
    must_be_sound(p, 8); /* x-Start, five, x-Recovery, x-Start */
}

static void flip(const char *path, off_t at)
{
    char c;
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &c, 1, at), 1);
    c ^= 0x10;
    assert_int_equal(pwrite(fd, &c, 1, at), 1);
    close(fd);
}

static void damage_before_the_tail_stops_the_log_and_is_not_repaired(void **state)
{
    place *p = *state;
    char state_head[160];
    char index[160];
    gw_err err = {.code = GW_OK};
    evidence *ev = place_open(p);
    place_append(p, ev, 0, 10);
    evidence_close(ev);
    /* even without signed head and index, a later group gives the damage away */
    snprintf(state_head, sizeof state_head, "%s/state/head", p->dir);
    snprintf(index, sizeof index, "%s/index", p->dir);
    assert_int_equal(unlink(state_head), 0);
    assert_int_equal(unlink(place_log_file(p, "checkpoint")), 0);
    place_remove(index);
    const char *segment = place_log_file(p, "wal/000001.seg");
    off_t bytes = bytes_of(segment);
    flip(segment, bytes / 2);
    assert_int_equal(place_try_open(p, &ev, &err), GW_ECORRUPT);
    assert_non_null(strstr(err.text, "000001.seg byte"));
    assert_int_equal(bytes_of(place_log_file(p, "wal/000001.seg")), bytes);
}

static void a_shortened_log_disagrees_with_the_signed_head_and_the_index(void **state)
{
    place *p = *state;
    char snapshot[128];
    char state_head[160];
    gw_err err = {.code = GW_OK};
    evidence *ev = place_open(p);
    place_append(p, ev, 0, 10);
    snprintf(snapshot, sizeof snapshot, "%s/snapshot", p->root);
    place_copy(p->dir, snapshot); /* nothing but x-Start is signed here */
    evidence_close(ev);
    off_t bytes = bytes_of(place_log_file(p, "wal/000001.seg"));
    assert_int_equal(truncate(place_log_file(p, "wal/000001.seg"), bytes - 200), 0);
    assert_int_equal(place_try_open(p, &ev, &err), GW_ECORRUPT);
    restore(p, snapshot);
    assert_int_equal(truncate(place_log_file(p, "wal/000001.seg"), bytes - 200), 0);
    assert_int_equal(place_try_open(p, &ev, &err), GW_ECORRUPT); /* the index knows better */
    snprintf(state_head, sizeof state_head, "%s/state/head", p->dir);
    assert_int_equal(access(state_head, F_OK), 0);
}

static void segments_rotate_and_each_names_the_hash_of_the_one_before(void **state)
{
    place *p = *state;
    gw_err err = {.code = GW_OK};
    p->cfg.segment_bytes = 4096;
    evidence *ev = place_open(p);
    place_append(p, ev, 0, 40);
    evidence_close(ev);
    assert_int_equal(access(place_log_file(p, "wal/000004.seg"), F_OK), 0);
    must_be_sound(p, 41);
    ev = place_open(p);
    place_append(p, ev, 40, 45);
    evidence_close(ev);
    must_be_sound(p, 47);
    flip(place_log_file(p, "wal/000002.seg"), 60); /* inside the previous segment's hash */
    fsck_result f;
    fsck_order o = {.dir = p->dir};
    assert_int_equal(fsck_run(&o, &f, &err), GW_OK);
    assert_true(f.faults > 0);
}

static void a_failed_sync_ends_the_log_and_is_never_retried(void **state)
{
    place *p = *state;
    gw_err err = {.code = GW_OK};
    for (int n = 1; n < 4; n++) {
        evidence *ev = place_open(p);
        evidence_draft d = place_draft(p, (unsigned)n, 5);
        uint64_t size = place_size(ev);
        sync_countdown = n;
        gw_code rc = evidence_append(ev, &d, 1, &err);
        bool reached = sync_countdown == 0;
        sync_countdown = 0;
        if (reached) {
            assert_int_equal(rc, GW_EIO);
            assert_int_equal(place_size(ev), size);
            assert_int_equal(evidence_append(ev, &d, 1, &err), GW_EIO);
            assert_int_equal(evidence_checkpoint(ev, &err), GW_EIO);
        }
        evidence_close(ev);
        assert_true(n > 2 || reached); /* contents and log are synced by every append */
    }
    GW_AUTO(evidence_close) evidence *ev = place_open(p);
    place_append(p, ev, 0, 5);
}

static void a_full_disk_at_any_write_changes_nothing_and_may_be_retried(void **state)
{
    place *p = *state;
    gw_err err = {.code = GW_OK};
    GW_AUTO(evidence_close) evidence *ev = place_open(p);
    unsigned done = 0;
    for (int n = 1; n < 12; n++) {
        for (unsigned k = 0; k < 30; k++, done++) {
            evidence_draft d = place_draft(p, done, 5);
            write_countdown = n;
            gw_code rc = evidence_append(ev, &d, 1, &err);
            if (rc == GW_OK) /* what failed was derived, if anything */
                (void)!evidence_checkpoint(ev, &err);
            write_countdown = 0;
            if (rc == GW_OK)
                continue;
            assert_int_equal(rc, GW_ENOSPC);
            uint64_t size = place_size(ev);
            assert_int_equal(evidence_append(ev, &d, 1, &err), GW_OK);
            assert_int_equal(place_size(ev), size + 1);
        }
    }
    assert_int_equal(evidence_checkpoint(ev, &err), GW_OK);
    assert_int_equal(place_size(ev), done + 1);
    must_be_sound(p, done + 1);
}

static void crc32c_is_the_one_of_rfc_3720(void **state)
{
    (void)state;
    assert_int_equal(crypt_crc32c(0, "123456789", 9), 0xE3069283U);
    uint8_t zeros[32] = {0}; /* RFC 3720 B.4 */
    assert_int_equal(crypt_crc32c(0, zeros, 32), 0x8A9136AAU);
    assert_int_equal(crypt_crc32c_portable(0, zeros, 32), 0x8A9136AAU);
    uint8_t some[70];
    for (size_t n = 0; n < sizeof some; n++) {
        some[n] = (uint8_t)(n * 151 + 7);
        for (size_t from = 0; from <= n && from < 9; from++)
            assert_int_equal(crypt_crc32c(5, some + from, n + 1 - from),
                             crypt_crc32c_portable(5, some + from, n + 1 - from));
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, place_new, place_done)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_kill_at_any_byte_of_a_write_loses_no_acknowledged_entry),
        TEST(a_hole_in_the_unfinished_group_is_a_torn_tail_too),
        TEST(damage_before_the_tail_stops_the_log_and_is_not_repaired),
        TEST(a_shortened_log_disagrees_with_the_signed_head_and_the_index),
        TEST(segments_rotate_and_each_names_the_hash_of_the_one_before),
        TEST(a_failed_sync_ends_the_log_and_is_never_retried),
        TEST(a_full_disk_at_any_write_changes_nothing_and_may_be_retried),
        cmocka_unit_test(crc32c_is_the_one_of_rfc_3720),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
