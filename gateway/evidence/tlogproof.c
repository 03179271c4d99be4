#include "gateway/evidence/tlogproof.h"

static const char header[] = "c2sp.org/tlog-proof@v1";

gw_code tlogproof_put(gw_buf *b, uint64_t index, const merkle_hash *proof, size_t n, gw_str note)
{
    gw_buf_printf(b, "%s\nindex %llu\n", header, (unsigned long long)index);
    for (size_t i = 0; i < n; i++) {
        digest_put_b64(b, proof[i].b, sizeof proof[i].b);
        gw_buf_putc(b, '\n');
    }
    gw_buf_putc(b, '\n');
    return gw_buf_put_str(b, note);
}

static gw_str take_line(gw_str *rest)
{
    const char *eol = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
    if (!eol)
        return (gw_str){NULL, 0};
    gw_str line = {rest->p, (size_t)(eol - rest->p)};
    *rest = (gw_str){eol + 1, rest->n - line.n - 1};
    return line;
}

static bool starts_with(gw_str s, const char *head)
{
    size_t n = strlen(head);
    return s.n >= n && memcmp(s.p, head, n) == 0;
}

gw_code tlogproof_parse(gw_str text, tlogproof *ret, gw_err *err)
{
    if (text.n > TLOGPROOF_BYTES_MAX)
        return gw_fail(err, GW_ELIMIT, "a proof is at most %d bytes", TLOGPROOF_BYTES_MAX);
    tlogproof p = {.n = 0};
    if (!gw_str_is(take_line(&text), header))
        return gw_fail(err, GW_EINVAL, "not a %s file", header);
    gw_str line = take_line(&text);
    if (starts_with(line, "extra "))
        line = take_line(&text);
    if (!starts_with(line, "index ") ||
        !note_read_decimal((gw_str){line.p + 6, line.n - 6}, &p.index))
        return gw_fail(err, GW_EINVAL, "the proof has no line 'index <number>'");
    for (line = take_line(&text); line.n > 0; line = take_line(&text)) {
        size_t n = 0;
        if (p.n == MERKLE_PROOF_MAX ||
            !digest_read_b64(line, p.proof[p.n].b, sizeof p.proof[p.n].b, &n) || n != DIGEST_BYTES)
            return gw_fail(err, GW_EINVAL, "hash %zu of the proof is malformed", p.n + 1);
        p.n++;
    }
    if (!line.p)
        return gw_fail(err, GW_EINVAL, "the proof ends before its checkpoint");
    p.note = text;
    *ret = p;
    return GW_OK;
}

/* The log's own key carries the origin as its name; a witness's cosignature alone is not enough. */
static bool signed_by_log(const note_opened *o, const note_key *keys, size_t n, gw_str origin)
{
    for (size_t i = 0; i < n; i++)
        if (o->good >> i & 1 && keys[i].type == NOTE_ED25519 && gw_str_is(origin, keys[i].name))
            return true;
    return false;
}

gw_code tlogproof_verify(const tlogproof *p, const merkle_hash *leaf, const note_key *keys,
                         size_t n, tlogproof_verified *ret, gw_err *err)
{
    tlogproof_verified v;
    gw_code rc = note_open(p->note, keys, n, &v.note, err);
    if (rc == GW_OK)
        rc = note_checkpoint_parse(v.note.text, &v.checkpoint, err);
    if (rc != GW_OK)
        return gw_wrap(err, GW_ECORRUPT, "checkpoint");
    if (!signed_by_log(&v.note, keys, n, v.checkpoint.origin))
        return gw_fail(err, GW_ECORRUPT, "the checkpoint is not signed by the log's known key");
    if (!merkle_inclusion_holds(leaf, p->index, v.checkpoint.size, p->proof, p->n,
                                &v.checkpoint.root))
        return gw_fail(err, GW_ECORRUPT, "the record is not entry %llu of the signed tree",
                       (unsigned long long)p->index);
    *ret = v;
    return GW_OK;
}
