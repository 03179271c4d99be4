#include "gateway/base/arena.h"
#include "gateway/base/file.h"
#include "gateway/base/time.h"
#include "gateway/cli/evidence.h"
#include "gateway/evidence/bundle.h"
#include "gateway/evidence/request.h"
#include "gateway/evidence/zipfile.h"
#include "gateway/verify/verify.h"
#include "tests/gateway/evidence/place.h"

#include <pthread.h>
#include <stdio.h>
#include <zip.h>

enum { BUNDLE_MAX = 16 << 20 };

/* Run `dunlin evidence ...` on the place; words end in NULL. Output goes to ret (may be NULL). */
static int evidence_command(place *p, gw_buf *ret, const char *const *words)
{
    char *argv[24] = {(char *)(uintptr_t) "evidence"};
    int argc = 1;
    char *text = NULL;
    size_t n = 0;
    for (; words[argc - 1]; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
    argv[argc++] = (char *)(uintptr_t) "--data";
    argv[argc++] = p->root;
    FILE *out = open_memstream(&text, &n);
    int code = evidence_cli_run(argc, argv, out, out);
    fclose(out);
    if (ret)
        gw_buf_put(ret, text, n);
    free(text);
    return code;
}
#define COMMAND(p, ret, ...) evidence_command(p, ret, (const char *const[]){__VA_ARGS__, NULL})

static const char *bundle_path(place *p)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/bundle.zip", p->root);
    return path;
}

static void make(place *p)
{
    evidence *ev = place_open(p);
    place_append(p, ev, 0, 40);
    evidence_close(ev);
}

static void export_case_1(place *p)
{
    GW_AUTO_BUF gw_buf said;
    gw_buf_init(&said, 1 << 20);
    if (COMMAND(p, &said, "export", "--case", "INV-1", "--out", bundle_path(p)) != 0)
        fail_msg("export: %s", said.data);
}

static char first_fault[512];

static void keep_fault(void *ctx, bool fatal, const char *text)
{
    (void)ctx;
    if (fatal && !first_fault[0])
        snprintf(first_fault, sizeof first_fault, "%s", text);
}

static void keep_why(void *ctx, const verify_record *r)
{
    (void)ctx;
    if (r->verdict == VERIFY_INVALID && !first_fault[0])
        snprintf(first_fault, sizeof first_fault, "%s", r->why);
}

static gw_code verify(const char *path, verify_result *ret)
{
    gw_err err = {.code = GW_OK};
    first_fault[0] = '\0';
    verify_order o = {.bundle = path, .on_note = keep_fault, .on_record = keep_why};
    gw_code rc = verify_bundle(&o, ret, &err);
    if (rc != GW_OK)
        snprintf(first_fault, sizeof first_fault, "%s", err.text);
    return rc;
}

static void an_export_verifies_and_opens_everything(void **state)
{
    place *p = *state;
    verify_result r;
    make(p);
    export_case_1(p);
    assert_int_equal(verify(bundle_path(p), &r), GW_OK);
    if (!r.valid)
        fail_msg("%s", first_fault);
    assert_true(r.complete);
    assert_true(r.signed_manifest);
    assert_int_equal(r.cases, 1);
    assert_int_equal(r.records, 8);
    assert_int_equal(r.by_verdict[VERIFY_VALID], 8);
    assert_int_equal(r.contents, 2);
}

static void the_bundle_is_a_zip_that_others_open_too(void **state)
{
    place *p = *state;
    int code = 0;
    char text[128] = "";
    make(p);
    export_case_1(p);
    zip_t *z = zip_open(bundle_path(p), ZIP_RDONLY | ZIP_CHECKCONS, &code);
    assert_non_null(z);
    assert_string_equal(zip_get_name(z, 0, 0), "mimetype");
    zip_file_t *f = zip_fopen_index(z, 0, 0);
    assert_non_null(f);
    assert_int_equal(zip_fread(f, text, sizeof text), (int)strlen(BUNDLE_MIME));
    assert_string_equal(text, BUNDLE_MIME);
    zip_fclose(f);
    for (zip_int64_t i = 0; i < zip_get_num_entries(z, 0); i++) {
        zip_stat_t st;
        assert_int_equal(zip_stat_index(z, (zip_uint64_t)i, 0, &st), 0);
        assert_int_equal(st.comp_method, ZIP_CM_STORE);
    }
    zip_close(z);
}

static void any_altered_byte_of_a_bundle_fails_verification(void **state)
{
    place *p = *state;
    GW_AUTO_BUF gw_buf bytes;
    gw_err err = {.code = GW_OK};
    verify_result r;
    gw_buf_init(&bytes, BUNDLE_MAX);
    evidence *ev = place_open(p);
    place_append(p, ev, 0, 10);
    evidence_close(ev);
    export_case_1(p);
    assert_int_equal(gw_file_read(bundle_path(p), &bytes, &err), GW_OK);
    FILE *f = fopen(bundle_path(p), "r+b");
    assert_non_null(f);
    for (size_t i = 0; i < bytes.n; i++) {
        for (int bit = (int)(i % 8), turn = 0; turn < 2; turn++, bit = (bit + 3) % 8) {
            fseek(f, (long)i, SEEK_SET);
            fputc((unsigned char)bytes.data[i] ^ (1 << bit), f);
            fflush(f);
            if (verify(bundle_path(p), &r) == GW_OK && r.valid)
                fail_msg("byte %zu of %zu bit %d altered, and it verifies", i, bytes.n, bit);
        }
        fseek(f, (long)i, SEEK_SET);
        fputc((unsigned char)bytes.data[i], f);
        fflush(f);
    }
    fclose(f);
    assert_int_equal(verify(bundle_path(p), &r), GW_OK);
    assert_true(r.valid);
}

static void a_bundle_cut_anywhere_fails_verification(void **state)
{
    place *p = *state;
    GW_AUTO_BUF gw_buf bytes;
    gw_err err = {.code = GW_OK};
    verify_result r;
    gw_buf_init(&bytes, BUNDLE_MAX);
    make(p);
    export_case_1(p);
    assert_int_equal(gw_file_read(bundle_path(p), &bytes, &err), GW_OK);
    for (size_t n = 0; n < bytes.n; n += 1 + bytes.n / 300) {
        assert_int_equal(gw_file_replace(bundle_path(p), (gw_str){bytes.data, n}, 0600, &err),
                         GW_OK);
        assert_false(verify(bundle_path(p), &r) == GW_OK && r.valid);
    }
}

/* Copy the bundle member by member with a new, unsigned manifest: what a careful forger would do.
 * skip: members whose name contains it are left out; edit: that member is changed by fn. */
static void forge(place *p, const char *skip, const char *edit, const char *from, const char *to)
{
    GW_AUTO(zipfile_close) zipfile *in = NULL;
    GW_AUTO(zipfile_abandon) zipfile_writer *out = NULL;
    GW_AUTO_BUF gw_buf manifest;
    char path[160];
    gw_err err = {.code = GW_OK};
    gw_buf_init(&manifest, 1 << 20);
    snprintf(path, sizeof path, "%s/forged.zip", p->root);
    assert_int_equal(zipfile_open(bundle_path(p), &in, &err), GW_OK);
    assert_int_equal(zipfile_create(path, &out, &err), GW_OK);
    for (size_t i = 0; i < zipfile_count(in); i++) {
        const zipfile_member *m = zipfile_at(in, i);
        GW_AUTO_BUF gw_buf bytes;
        uint8_t hash[DIGEST_BYTES];
        char hex[DIGEST_HEX];
        gw_buf_init(&bytes, BUNDLE_MAX);
        if ((skip && strstr(m->name, skip)) || strcmp(m->name, BUNDLE_MANIFEST) == 0 ||
            strcmp(m->name, BUNDLE_SIGNATURE) == 0)
            continue;
        assert_int_equal(zipfile_read(in, m, &bytes, &err), GW_OK);
        if (edit && strstr(m->name, edit)) {
            char *at = memmem(bytes.data, bytes.n, from, strlen(from));
            assert_non_null(at);
            memcpy(at, to, strlen(to));
        }
        assert_int_equal(zipfile_add(out, m->name, gw_buf_str(&bytes), &err), GW_OK);
        digest_of(bytes.data ? bytes.data : "", bytes.n, hash);
        gw_hex(hash, sizeof hash, hex);
        gw_buf_printf(&manifest, "%s  %s\n", hex, m->name);
    }
    assert_int_equal(zipfile_add(out, BUNDLE_MANIFEST, gw_buf_str(&manifest), &err), GW_OK);
    assert_int_equal(zipfile_finish(out, &err), GW_OK);
}

static void forged_must_fail(place *p, const char *why)
{
    verify_result r;
    char path[160];
    snprintf(path, sizeof path, "%s/forged.zip", p->root);
    assert_int_equal(verify(path, &r), GW_OK);
    assert_false(r.valid);
    if (!strstr(first_fault, why))
        fail_msg("expected '%s', it says '%s'", why, first_fault);
}

static void an_unsigned_copy_still_verifies_but_says_so(void **state)
{
    place *p = *state;
    verify_result r;
    char path[160];
    make(p);
    export_case_1(p);
    forge(p, NULL, NULL, NULL, NULL);
    snprintf(path, sizeof path, "%s/forged.zip", p->root);
    assert_int_equal(verify(path, &r), GW_OK);
    assert_true(r.valid);
    assert_false(r.signed_manifest);
}

static void an_edited_record_is_not_in_the_signed_tree(void **state)
{
    place *p = *state;
    make(p);
    export_case_1(p);
    forge(p, NULL, "/3.json", "x-AttemptIntent", "x-AttemptIntenT");
    forged_must_fail(p, "not entry");
}

static void a_record_left_out_of_the_middle_is_missed(void **state)
{
    place *p = *state;
    make(p);
    export_case_1(p);
    forge(p, "/3.", NULL, NULL, NULL);
    forged_must_fail(p, "is missing before it");
}

static void a_record_left_off_the_end_is_missed(void **state)
{
    place *p = *state;
    make(p);
    export_case_1(p);
    forge(p, "/8.", NULL, NULL, NULL);
    forged_must_fail(p, "records 1 to 7 of 8");
}

static void a_bundle_without_the_record_of_its_export_proves_no_completeness(void **state)
{
    place *p = *state;
    make(p);
    export_case_1(p);
    forge(p, "export/", NULL, NULL, NULL);
    forged_must_fail(p, "cannot be seen");
}

static void another_private_value_does_not_open_the_commitment(void **state)
{
    place *p = *state;
    make(p);
    export_case_1(p);
    forge(p, NULL, BUNDLE_DISCLOSURE, "Erika Mustermann", "Erica Mustermann");
    forged_must_fail(p, "not the one committed to");
}

static void another_content_does_not_open_the_commitment(void **state)
{
    place *p = *state;
    make(p);
    export_case_1(p);
    forge(p, NULL, BUNDLE_CONTENT, "please pay", "pay at once");
    forged_must_fail(p, "is not the content");
}

static void leaving_disclosures_out_is_redaction_not_a_fault(void **state)
{
    place *p = *state;
    verify_result r;
    char where[PATH_MAX];
    make(p);
    assert_int_equal(
        COMMAND(p, NULL, "export", "--case", "INV-1", "--redact", "--out", bundle_path(p)), 0);
    assert_int_equal(verify(bundle_path(p), &r), GW_OK);
    assert_true(r.valid);
    assert_int_equal(r.by_verdict[VERIFY_REDACTED], 2);
    assert_false(place_holds(bundle_path(p), "Mustermann", where));
    assert_false(place_holds(bundle_path(p), "INV-1", where));
}

static void the_published_key_is_asked_for_by_name(void **state)
{
    place *p = *state;
    verify_result r;
    gw_err err = {.code = GW_OK};
    note_key keys[2];
    size_t n = 0;
    GW_AUTO_BUF gw_buf vkey;
    gw_buf_init(&vkey, 4096);
    make(p);
    export_case_1(p);
    assert_int_equal(gw_file_read(place_log_file(p, "keys/log.vkey"), &vkey, &err), GW_OK);
    assert_int_equal(verify_keys(gw_buf_str(&vkey), keys, 2, &n, &err), GW_OK);
    verify_order o = {.bundle = bundle_path(p), .keys = keys, .n = n};
    assert_int_equal(verify_bundle(&o, &r, &err), GW_OK);
    assert_true(r.valid);
    uint8_t other[32] = {7};
    note_signer signer;
    assert_int_equal(note_signer_make(gw_str_of(keys[0].name), NOTE_ED25519, other, &signer, &err),
                     GW_OK);
    keys[0] = signer.key;
    assert_int_equal(verify_bundle(&o, &r, &err), GW_OK);
    assert_false(r.valid);
}

static void a_debtor_and_a_period_export_too(void **state)
{
    place *p = *state;
    verify_result r;
    gw_wall t;
    gw_err err = {.code = GW_OK};
    evidence *ev = place_open(p);
    place_append(p, ev, 0, 15);
    assert_int_equal(gw_time_parse(GW_STR("2013-02-05T09:00:00Z"), &t, &err), GW_OK);
    gw_clock_set(p->clock, t);
    place_append(p, ev, 15, 20);
    gw_clock_set(p->clock, (gw_wall){t.ms + 86400000});
    place_append(p, ev, 20, 30);
    evidence_close(ev);
    assert_int_equal(COMMAND(p, NULL, "export", "--debtor", "D-2", "--out", bundle_path(p)), 0);
    assert_int_equal(verify(bundle_path(p), &r), GW_OK);
    assert_true(r.valid);
    assert_true(r.complete);
    assert_int_equal(COMMAND(p, NULL, "export", "--from", "2013-02-05", "--to", "2013-02-06",
                             "--out", bundle_path(p)),
                     0);
    assert_int_equal(verify(bundle_path(p), &r), GW_OK);
    if (!r.valid)
        fail_msg("%s", first_fault);
    assert_false(r.complete); /* a period shows a stretch of each case */
    assert_int_equal(r.records, 5);
    assert_int_not_equal(COMMAND(p, NULL, "export", "--debtor", "nobody", "--out", bundle_path(p)),
                         0);
}

typedef struct {
    evidence *ev;
    bool stop;
} ticker;

static void *tick(void *arg)
{
    ticker *t = arg;
    while (!__atomic_load_n(&t->stop, __ATOMIC_ACQUIRE))
        (void)!evidence_tick(t->ev, gw_mono_now(), NULL);
    return NULL;
}

static void an_export_beside_a_running_gateway_is_recorded_by_it(void **state)
{
    place *p = *state;
    verify_result r;
    char where[PATH_MAX];
    pthread_t thread;
    ticker t = {.ev = place_open(p)};
    place_append(p, t.ev, 0, 10);
    assert_int_equal(pthread_create(&thread, NULL, tick, &t), 0);
    int code = COMMAND(p, NULL, "export", "--case", "INV-1", "--out", bundle_path(p));
    __atomic_store_n(&t.stop, true, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
    evidence_close(t.ev);
    assert_int_equal(code, 0);
    assert_int_equal(verify(bundle_path(p), &r), GW_OK);
    assert_true(r.valid);
    assert_true(place_holds(place_log_file(p, "wal"), "\"kind\":\"export\"", where));
}

static void the_command_line_searches_and_proves(void **state)
{
    place *p = *state;
    GW_AUTO_BUF gw_buf said;
    gw_buf_init(&said, 1 << 20);
    char csv[128];
    make(p);
    assert_int_equal(COMMAND(p, &said, "search", "--debtor", "D-3", "--event", "x-Plan"), 0);
    assert_non_null(strstr(said.data, "INV-3"));
    assert_null(strstr(said.data, "INV-4"));
    gw_buf_clear(&said);
    assert_int_equal(COMMAND(p, &said, "search", "--case", "INV-3", "--json"), 0);
    assert_non_null(strstr(said.data, "\"record\":{\"blob\":["));
    gw_buf_clear(&said);
    assert_int_equal(COMMAND(p, &said, "proof", "--index", "5"), 0);
    assert_non_null(strstr(said.data, "c2sp.org/tlog-proof@v1\nindex 5\n"));
    gw_buf_clear(&said);
    assert_int_equal(COMMAND(p, &said, "checkpoint"), 0);
    assert_non_null(strstr(said.data, "evidence.example.test/dunlin/2013+"));
    snprintf(csv, sizeof csv, "%s/out.csv", p->root);
    assert_int_equal(COMMAND(p, NULL, "csv", "--debtor", "D-3", "--out", csv), 0);
    gw_buf_clear(&said);
    assert_int_equal(COMMAND(p, &said, "fsck"), 0);
    assert_non_null(strstr(said.data, " 0 faults"));
    assert_int_equal(COMMAND(p, NULL, "nonsense"), 2);
    assert_int_equal(COMMAND(p, NULL, "export", "--bogus"), 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, place_new, place_done)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_export_verifies_and_opens_everything),
        TEST(the_bundle_is_a_zip_that_others_open_too),
        TEST(any_altered_byte_of_a_bundle_fails_verification),
        TEST(a_bundle_cut_anywhere_fails_verification),
        TEST(an_unsigned_copy_still_verifies_but_says_so),
        TEST(an_edited_record_is_not_in_the_signed_tree),
        TEST(a_record_left_out_of_the_middle_is_missed),
        TEST(a_record_left_off_the_end_is_missed),
        TEST(a_bundle_without_the_record_of_its_export_proves_no_completeness),
        TEST(another_private_value_does_not_open_the_commitment),
        TEST(another_content_does_not_open_the_commitment),
        TEST(leaving_disclosures_out_is_redaction_not_a_fault),
        TEST(the_published_key_is_asked_for_by_name),
        TEST(a_debtor_and_a_period_export_too),
        TEST(an_export_beside_a_running_gateway_is_recorded_by_it),
        TEST(the_command_line_searches_and_proves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
