#include "gateway/evidence/crypt.h"
#include "gateway/evidence/note.h"
#include "gateway/evidence/record.h"
#include "gateway/evidence/tlogproof.h"
#include "tests/gateway/evidence/vectors.h"

#include <sodium.h>
#include <stdio.h>

static const uint8_t seed[32] = {1, 2, 3};

static note_signer signer_of(const char *name, uint8_t type, uint8_t first)
{
    note_signer s;
    gw_err err = {.code = GW_OK};
    uint8_t own[32];
    memcpy(own, seed, sizeof own);
    own[0] = first;
    assert_int_equal(note_signer_make(gw_str_of(name), type, own, &s, &err), GW_OK);
    return s;
}

static void a_key_survives_its_text_form(void **state)
{
    (void)state;
    gw_err err = {.code = GW_OK};
    note_key back;
    note_signer s = signer_of("log.example.test/2013", NOTE_ED25519, 1);
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, 1024);
    note_key_put(&text, &s.key);
    assert_int_equal(note_key_parse(gw_buf_str(&text), &back, &err), GW_OK);
    assert_memory_equal(&back, &s.key, sizeof back);
    text.data[text.n - 3] ^= 1;
    assert_int_not_equal(note_key_parse(gw_buf_str(&text), &back, &err), GW_OK);
    assert_int_equal(note_key_make(GW_STR("a b"), NOTE_ED25519, s.key.pub, &back, &err), GW_EINVAL);
    assert_int_equal(note_key_make(GW_STR("a+b"), NOTE_ED25519, s.key.pub, &back, &err), GW_EINVAL);
}

/* The example of golang.org/x/mod/sumdb/note, an independent implementation of the format. */
static void a_note_of_another_implementation_opens(void **state)
{
    (void)state;
    static const char vkey[] = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    static const char note[] =
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n"
        "\n"
        "\xE2\x80\x94 PeterNeumann "
        "x08go/ZJkuBS9UG/"
        "SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM"
        "=\n";
    note_key key;
    note_opened o;
    gw_err err = {.code = GW_OK};
    assert_int_equal(note_key_parse(gw_str_of(vkey), &key, &err), GW_OK);
    assert_int_equal(note_open(gw_str_of(note), &key, 1, &o, &err), GW_OK);
    assert_int_equal(o.good, 1);
    char altered[sizeof note];
    memcpy(altered, note, sizeof note);
    altered[3] = 'Y';
    assert_int_equal(note_open(gw_str_of(altered), &key, 1, &o, &err), GW_ECORRUPT);
}

static void unknown_keys_are_passed_over_and_a_failing_known_one_refuses(void **state)
{
    (void)state;
    gw_err err = {.code = GW_OK};
    note_opened o;
    GW_AUTO_BUF gw_buf note;
    gw_buf_init(&note, NOTE_BYTES_MAX);
    note_signer log = signer_of("log.example.test/2013", NOTE_ED25519, 1);
    assert_int_equal(note_sign(&note, GW_STR("log.example.test/2013\n1\nx\n"), &log, 0, &err),
                     GW_OK);
    for (uint8_t i = 0; i < 20; i++) {
        char name[40];
        snprintf(name, sizeof name, "witness-%u.example.test", i);
        note_signer w = signer_of(name, NOTE_COSIGNATURE, (uint8_t)(10 + i));
        assert_int_equal(note_cosign(&note, &w, 1359000000U + i, &err), GW_OK);
    }
    assert_int_equal(note_open(gw_buf_str(&note), &log.key, 1, &o, &err), GW_OK);
    assert_int_equal(o.good, 1);
    assert_int_equal(o.signatures, 21);
    note_signer w3 = signer_of("witness-3.example.test", NOTE_COSIGNATURE, 13);
    note_key keys[2] = {log.key, w3.key};
    assert_int_equal(note_open(gw_buf_str(&note), keys, 2, &o, &err), GW_OK);
    assert_int_equal(o.good, 3);
    assert_int_equal(o.times[1], 1359000003U);
    keys[1].pub[0] ^= 1; /* same name and id, another key: its signature fails */
    assert_int_equal(note_open(gw_buf_str(&note), keys, 2, &o, &err), GW_ECORRUPT);
}

static void malformed_notes_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "text\n",
        "text\n\n",
        "text\n\n\xE2\x80\x94 name\n",
        "text\n\n\xE2\x80\x94 name AAAA\n",
        "text\n\n- name AAAAAAAAAA==\n",
        "te\txt\n\n\xE2\x80\x94 name AAAAAAAAAA==\n",
        "te\xfft\n\n\xE2\x80\x94 name AAAAAAAAAA==\n",
        "text\n\n\xE2\x80\x94 name AAAAAAAAAA==",
        "text\n\n\xE2\x80\x94 name AAAAAAAAAB==\n", /* not the canonical base64 */
    };
    gw_err err = {.code = GW_OK};
    note_opened o;
    for (size_t i = 0; i < GW_COUNT(texts); i++)
        if (note_open(gw_str_of(texts[i]), NULL, 0, &o, &err) == GW_OK)
            fail_msg("note %zu is taken", i);
    assert_int_equal(note_open(GW_STR("text\n\n\xE2\x80\x94 name AAAAAAA=\n"), NULL, 0, &o, &err),
                     GW_OK);
}

static void a_checkpoint_has_one_spelling(void **state)
{
    (void)state;
    gw_err err = {.code = GW_OK};
    note_checkpoint c;
    merkle_hash root;
    merkle_empty(&root);
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, 1024);
    note_checkpoint_put(&text, GW_STR("log.example.test/2013"), 42, &root);
    assert_string_equal(text.data, "log.example.test/2013\n42\n"
                                   "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n");
    assert_int_equal(note_checkpoint_parse(gw_buf_str(&text), &c, &err), GW_OK);
    assert_int_equal(c.size, 42);
    assert_true(merkle_equal(&c.root, &root));
    static const char *const bad[] = {
        "a\n042\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "a\n-1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "\n42\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "a\n42\n47DEQpj8HBSa\n",
        "a\n42\n47DEQpj8HBSa+\xAFTImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", /* '/' with bit 7 flipped */
        "a\n42\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    };
    for (size_t i = 0; i < GW_COUNT(bad); i++)
        assert_int_equal(note_checkpoint_parse(gw_str_of(bad[i]), &c, &err), GW_EINVAL);
}

static void a_tlog_proof_survives_its_text_form_and_needs_the_logs_own_key(void **state)
{
    (void)state;
    gw_err err = {.code = GW_OK};
    merkle_hash leaf;
    merkle_hash other;
    merkle_hash root;
    tlogproof p;
    tlogproof_verified v;
    note_signer log = signer_of("log.example.test/2013", NOTE_ED25519, 1);
    note_signer witness = signer_of("log.example.test/2013", NOTE_COSIGNATURE, 1);
    GW_AUTO_BUF gw_buf text;
    GW_AUTO_BUF gw_buf note;
    GW_AUTO_BUF gw_buf proof;
    gw_buf_init(&text, 1024);
    gw_buf_init(&note, 4096);
    gw_buf_init(&proof, 8192);
    merkle_leaf(GW_STR("zero"), &other);
    merkle_leaf(GW_STR("one"), &leaf);
    merkle_node(&other, &leaf, &root);
    note_checkpoint_put(&text, GW_STR("log.example.test/2013"), 2, &root);
    assert_int_equal(note_sign(&note, gw_buf_str(&text), &log, 0, &err), GW_OK);
    tlogproof_put(&proof, 1, &other, 1, gw_buf_str(&note));
    assert_int_equal(tlogproof_parse(gw_buf_str(&proof), &p, &err), GW_OK);
    assert_int_equal(p.index, 1);
    assert_int_equal(tlogproof_verify(&p, &leaf, &log.key, 1, &v, &err), GW_OK);
    assert_int_equal(tlogproof_verify(&p, &other, &log.key, 1, &v, &err), GW_ECORRUPT);
    assert_int_equal(tlogproof_verify(&p, &leaf, &witness.key, 1, &v, &err), GW_ECORRUPT);
    GW_AUTO_BUF gw_buf extra;
    gw_buf_init(&extra, 8192);
    gw_buf_puts(&extra, "c2sp.org/tlog-proof@v1\nextra YWJj\n");
    gw_buf_puts(&extra, proof.data + sizeof "c2sp.org/tlog-proof@v1\n" - 1);
    assert_int_equal(tlogproof_parse(gw_buf_str(&extra), &p, &err), GW_OK);
}

/* RFC 9901 §4.2: this disclosure has this digest. */
static void a_commitment_is_the_digest_of_rfc_9901(void **state)
{
    (void)state;
    char commitment[DIGEST_B64URL];
    gw_str disclosure = GW_STR("[\"_26bc4LT-ac6q2KI6cBW5es\", \"family_name\", \"M\xC3\xB6"
                               "bius\"]");
    assert_int_equal(record_commitment(disclosure, commitment), GW_OK);
    assert_string_equal(commitment, "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0");
}

/* ---- Wycheproof through our wrappers ---- */

typedef void (*run_vector)(const json_doc *d, uint32_t group, uint32_t test, gw_arena *arena,
                           bool valid);

static gw_str hex_of(const json_doc *d, uint32_t object, const char *name, gw_arena *arena)
{
    return vectors_hex(d, json_member(d, object, name), arena);
}

static void run_all(const char *file, run_vector run)
{
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(256 << 20);
    json_doc d;
    size_t n = 0;
    char name[100];
    snprintf(name, sizeof name, "wycheproof/testvectors_v1/%s", file);
    vectors_load(name, arena, &d);
    uint32_t groups = json_member(&d, 0, "testGroups");
    for (uint32_t g = groups + 1; g < json_at(&d, groups)->next; g = json_at(&d, g)->next) {
        uint32_t tests = json_member(&d, g, "tests");
        for (uint32_t t = tests + 1; t < json_at(&d, tests)->next; t = json_at(&d, t)->next, n++)
            run(&d, g, t, arena, gw_str_is(json_get_str(&d, t, "result"), "valid"));
    }
    assert_int_equal(n, json_get_int(&d, 0, "numberOfTests", -1));
}

static int64_t case_of(const json_doc *d, uint32_t t)
{
    return json_get_int(d, t, "tcId", 0);
}

static void ed25519_vector(const json_doc *d, uint32_t g, uint32_t t, gw_arena *arena, bool valid)
{
    gw_str pk = hex_of(d, json_member(d, g, "publicKey"), "pk", arena);
    gw_str msg = hex_of(d, t, "msg", arena);
    gw_str sig = hex_of(d, t, "sig", arena);
    bool holds = sig.n == 64 &&
                 note_ed25519_holds((const uint8_t *)sig.p, msg.p, msg.n, (const uint8_t *)pk.p);
    if (holds != valid)
        fail_msg("ed25519 case %lld", (long long)case_of(d, t));
}

static void xchacha_vector(const json_doc *d, uint32_t g, uint32_t t, gw_arena *arena, bool valid)
{
    (void)g;
    gw_str key = hex_of(d, t, "key", arena);
    gw_str iv = hex_of(d, t, "iv", arena);
    gw_str aad = hex_of(d, t, "aad", arena);
    gw_str msg = hex_of(d, t, "msg", arena);
    gw_str ct = hex_of(d, t, "ct", arena);
    gw_str tag = hex_of(d, t, "tag", arena);
    if (iv.n != CRYPT_NONCE || tag.n != CRYPT_TAG)
        return; /* sizes our wrapper has no place for */
    size_t n = iv.n + ct.n + tag.n;
    uint8_t *sealed = gw_arena_alloc(arena, n);
    uint8_t *plain = gw_arena_alloc(arena, ct.n + 1);
    memcpy(sealed, iv.p, iv.n);
    if (ct.n)
        memcpy(sealed + iv.n, ct.p, ct.n);
    memcpy(sealed + iv.n + ct.n, tag.p, tag.n);
    bool opened = crypt_unseal((const uint8_t *)key.p, aad, sealed, n, plain);
    if (opened != valid || (opened && msg.n && memcmp(plain, msg.p, msg.n) != 0))
        fail_msg("xchacha20-poly1305 case %lld", (long long)case_of(d, t));
}

static void hmac_vector(const json_doc *d, uint32_t g, uint32_t t, gw_arena *arena, bool valid)
{
    (void)g;
    uint8_t mac[CRYPT_MAC];
    gw_str msg = hex_of(d, t, "msg", arena);
    gw_str tag = hex_of(d, t, "tag", arena);
    gw_str parts[2] = {{msg.p, msg.n / 3}, {msg.p + msg.n / 3, msg.n - msg.n / 3}};
    crypt_hmac(hex_of(d, t, "key", arena), parts, 2, mac);
    if ((memcmp(mac, tag.p, tag.n) == 0) != valid)
        fail_msg("hmac case %lld", (long long)case_of(d, t));
}

static void signatures_follow_wycheproof(void **state)
{
    (void)state;
    run_all("ed25519_test.json", ed25519_vector);
}

static void sealed_contents_follow_wycheproof(void **state)
{
    (void)state;
    run_all("xchacha20_poly1305_test.json", xchacha_vector);
}

static void salts_follow_wycheproof(void **state)
{
    (void)state;
    run_all("hmac_sha256_test.json", hmac_vector);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_survives_its_text_form),
        cmocka_unit_test(a_note_of_another_implementation_opens),
        cmocka_unit_test(unknown_keys_are_passed_over_and_a_failing_known_one_refuses),
        cmocka_unit_test(malformed_notes_are_refused),
        cmocka_unit_test(a_checkpoint_has_one_spelling),
        cmocka_unit_test(a_tlog_proof_survives_its_text_form_and_needs_the_logs_own_key),
        cmocka_unit_test(a_commitment_is_the_digest_of_rfc_9901),
        cmocka_unit_test(signatures_follow_wycheproof),
        cmocka_unit_test(sealed_contents_follow_wycheproof),
        cmocka_unit_test(salts_follow_wycheproof),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
