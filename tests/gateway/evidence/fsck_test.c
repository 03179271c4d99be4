#include "gateway/base/arena.h"
#include "gateway/base/file.h"
#include "gateway/evidence/fsck.h"
#include "tests/gateway/evidence/place.h"

#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

static char said[4096];

static void keep(void *ctx, const char *text)
{
    (void)ctx;
    size_t n = strlen(said);
    snprintf(said + n, sizeof said - n, "%s\n", text);
}

static uint64_t faults(place *p)
{
    fsck_result f;
    gw_err err = {.code = GW_OK};
    fsck_order o = {.dir = p->dir, .on_fault = keep};
    said[0] = '\0';
    if (fsck_run(&o, &f, &err) != GW_OK)
        fail_msg("fsck: %s", err.text);
    return f.faults;
}

static void a_sound_store_has_no_faults(void **state)
{
    place *p = *state;
    evidence *ev = place_open(p);
    for (int i = 0; i < 3; i++)
        place_append(p, ev, (unsigned)i * 300, (unsigned)i * 300 + 300);
    evidence_close(ev);
    if (faults(p) != 0)
        fail_msg("%s", said);
}

static place *flipping;
static size_t flips;

/* Flip one bit in every fifth byte; each must be reported, and the report must name the file. */
static int flip_file(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    if (kind != FTW_F)
        return 0;
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    GW_AUTO_BUF gw_buf bytes;
    gw_buf_init(&bytes, 1 << 24);
    assert_int_equal(gw_file_read(path, &bytes, NULL), GW_OK);
    for (size_t i = 0; i < bytes.n; i += i < 128 ? 1 : 5) {
        fseek(f, (long)i, SEEK_SET);
        fputc((unsigned char)bytes.data[i] ^ (1 << i % 8), f);
        fflush(f);
        if (faults(flipping) == 0)
            fail_msg("%s byte %zu flipped, and fsck finds nothing", path, i);
        if (!strstr(said, path + ftw->base))
            fail_msg("%s byte %zu flipped, and fsck says: %s", path, i, said);
        fseek(f, (long)i, SEEK_SET);
        fputc((unsigned char)bytes.data[i], f);
        fflush(f);
        flips++;
    }
    fclose(f);
    return 0;
}

static void one_flipped_bit_anywhere_is_reported_with_its_file(void **state)
{
    static const char *const folders[] = {"log", "blob", "state"};
    char path[160];
    place *p = *state;
    evidence *ev = place_open(p);
    place_append(p, ev, 0, 6);
    evidence_close(ev);
    flipping = p;
    for (size_t i = 0; i < GW_COUNT(folders); i++) {
        snprintf(path, sizeof path, "%s/%s", p->dir, folders[i]);
        assert_int_equal(nftw(path, flip_file, 16, FTW_PHYS), 0);
    }
    assert_true(flips > 1000);
    assert_int_equal(faults(p), 0);
}

static void a_flipped_bit_in_the_middle_names_segment_and_byte(void **state)
{
    place *p = *state;
    evidence *ev = place_open(p);
    place_append(p, ev, 0, 20);
    evidence_close(ev);
    FILE *f = fopen(place_log_file(p, "wal/000001.seg"), "r+b");
    assert_non_null(f);
    fseek(f, 96 + 4, SEEK_SET); /* the first frame's checksum */
    int byte = fgetc(f);
    fseek(f, 96 + 4, SEEK_SET);
    fputc(byte ^ 1, f);
    fclose(f);
    assert_true(faults(p) > 0);
    assert_non_null(strstr(said, "000001.seg byte 96: the frame of entry 0"));
}

static void a_missing_content_or_segment_is_reported(void **state)
{
    place *p = *state;
    char path[200];
    evidence *ev = place_open(p);
    place_append(p, ev, 0, 6);
    evidence_close(ev);
    snprintf(path, sizeof path, "%s/blob/evidence.example.test/dunlin/2013/seg-000001.bin", p->dir);
    assert_int_equal(unlink(path), 0);
    assert_true(faults(p) > 0);
    assert_non_null(strstr(said, "seg-000001.bin byte 0: the file is missing"));
    assert_non_null(strstr(said, "(entry 1)")); /* the first that has contents */
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, place_new, place_done)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_sound_store_has_no_faults),
        TEST(one_flipped_bit_anywhere_is_reported_with_its_file),
        TEST(a_flipped_bit_in_the_middle_names_segment_and_byte),
        TEST(a_missing_content_or_segment_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
