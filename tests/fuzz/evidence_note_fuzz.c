/* A signed note, a checkpoint, a key or a tlog proof. What is taken has one spelling: written again
 * it is the same bytes. */
#include "gateway/evidence/tlogproof.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void key_round_trip(gw_str text)
{
    note_key k;
    GW_AUTO_BUF gw_buf again;
    gw_buf_init(&again, 4096);
    if (note_key_parse(text, &k, NULL) != GW_OK)
        return;
    note_key_put(&again, &k);
    assert(gw_str_eq(gw_buf_str(&again), text));
}

static void proof_round_trip(gw_str text, const note_key *key)
{
    tlogproof p;
    tlogproof_verified v;
    merkle_hash leaf = {{0}};
    GW_AUTO_BUF gw_buf again;
    gw_buf_init(&again, TLOGPROOF_BYTES_MAX + 64);
    if (tlogproof_parse(text, &p, NULL) != GW_OK)
        return;
    assert(p.n <= MERKLE_PROOF_MAX);
    tlogproof_put(&again, p.index, p.proof, p.n, p.note);
    assert(again.n <= text.n); /* `extra` is not kept */
    assert(tlogproof_verify(&p, &leaf, key, 1, &v, NULL) != GW_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const uint8_t pub[NOTE_KEY_BYTES] = {9};
    gw_str text = {(const char *)data, n};
    note_key key;
    note_opened o;
    note_checkpoint c;
    gw_err err = {0};
    if (note_key_make(GW_STR("log.example.test/2013"), NOTE_ED25519, pub, &key, &err) != GW_OK)
        return 0;
    key_round_trip(text);
    proof_round_trip(text, &key);
    gw_code rc = note_open(text, &key, 1, &o, &err);
    assert(rc == GW_OK || err.text[0]);
    if (rc == GW_OK && note_checkpoint_parse(o.text, &c, &err) == GW_OK) {
        GW_AUTO_BUF gw_buf again;
        gw_buf_init(&again, NOTE_BYTES_MAX);
        note_checkpoint_put(&again, c.origin, c.size, &c.root);
        assert(again.n <= o.text.n && memcmp(again.data, o.text.p, again.n) == 0);
    }
    return 0;
}
