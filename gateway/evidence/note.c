#include "gateway/evidence/note.h"

#include "gateway/base/id.h"
#include "gateway/base/utf8.h"

#include <sodium.h>

static const char dash[] = "\xE2\x80\x94 "; /* U+2014 and a space */
enum { DASH = sizeof dash - 1, SIG = crypto_sign_BYTES, COSIG = 8 + SIG };

/* Well-formed UTF-8 without control bytes other than newline, as the format asks of a text. */
static bool text_is_clean(gw_str s)
{
    for (size_t i = 0; i < s.n;) {
        size_t n = gw_utf8_length(s.p + i, s.n - i);
        if (n == 0 || ((unsigned char)s.p[i] < 0x20 && s.p[i] != '\n') || s.p[i] == 0x7F)
            return false;
        i += n;
    }
    return true;
}

static bool name_is_good(gw_str name)
{
    for (size_t i = 0; i < name.n; i++)
        if ((unsigned char)name.p[i] <= ' ' || name.p[i] == '+')
            return false;
    return name.n > 0 && name.n <= NOTE_NAME_MAX && text_is_clean(name);
}

gw_code note_key_make(gw_str name, uint8_t type, const uint8_t pub[NOTE_KEY_BYTES], note_key *ret,
                      gw_err *err)
{
    if (!name_is_good(name))
        return gw_fail(err, GW_EINVAL,
                       "key name must be 1-%d bytes of UTF-8 without white space and '+'",
                       NOTE_NAME_MAX);
    if (type != NOTE_ED25519 && type != NOTE_COSIGNATURE)
        return gw_fail(err, GW_EINVAL, "key type 0x%02x is not supported", type);
    note_key k = {.type = type};
    memcpy(k.name, name.p, name.n);
    memcpy(k.pub, pub, NOTE_KEY_BYTES);
    digest_state s;
    uint8_t all[DIGEST_BYTES];
    digest_init(&s);
    digest_update(&s, name.p, name.n);
    digest_update(&s, "\n", 1);
    digest_update(&s, &type, 1);
    digest_update(&s, pub, NOTE_KEY_BYTES);
    digest_final(&s, all);
    memcpy(k.id, all, sizeof k.id);
    *ret = k;
    return GW_OK;
}

gw_code note_key_put(gw_buf *b, const note_key *k)
{
    char hex[9];
    uint8_t typed[1 + NOTE_KEY_BYTES] = {k->type};
    memcpy(typed + 1, k->pub, NOTE_KEY_BYTES);
    gw_hex(k->id, sizeof k->id, hex);
    gw_buf_printf(b, "%s+%s+", k->name, hex);
    return digest_put_b64(b, typed, sizeof typed);
}

gw_code note_key_parse(gw_str vkey, note_key *ret, gw_err *err)
{
    static const char what[] = "a verification key is <name>+<8 hex digits>+<base64>";
    const char *plus = memchr(vkey.p, '+', vkey.n);
    size_t name = plus ? (size_t)(plus - vkey.p) : 0;
    uint8_t id[4];
    uint8_t typed[1 + NOTE_KEY_BYTES];
    size_t n = 0;
    if (!plus || vkey.n < name + 11 || vkey.p[name + 9] != '+' ||
        !digest_read_hex((gw_str){plus + 1, 8}, id, sizeof id) ||
        !digest_read_b64((gw_str){plus + 10, vkey.n - name - 10}, typed, sizeof typed, &n) ||
        n != sizeof typed)
        return gw_fail(err, GW_EINVAL, "%s", what);
    note_key k;
    gw_code rc = note_key_make((gw_str){vkey.p, name}, typed[0], typed + 1, &k, err);
    if (rc != GW_OK)
        return rc;
    if (memcmp(k.id, id, sizeof id) != 0)
        return gw_fail(err, GW_EINVAL, "the key id in the verification key does not fit the key");
    *ret = k;
    return GW_OK;
}

gw_code note_signer_make(gw_str name, uint8_t type, const uint8_t seed[32], note_signer *ret,
                         gw_err *err)
{
    uint8_t pub[NOTE_KEY_BYTES];
    note_signer s;
    crypto_sign_seed_keypair(pub, s.secret, seed);
    gw_code rc = note_key_make(name, type, pub, &s.key, err);
    if (rc == GW_OK)
        *ret = s;
    note_signer_wipe(&s);
    return rc;
}

void note_signer_wipe(note_signer *s)
{
    sodium_memzero(s->secret, sizeof s->secret);
}

bool note_ed25519_holds(const uint8_t sig[64], const void *msg, size_t n,
                        const uint8_t pub[NOTE_KEY_BYTES])
{
    return crypto_sign_verify_detached(sig, msg, n, pub) == 0;
}

/* What a key of this type signs: the text, or the text behind the cosignature's head. */
static gw_code put_message(gw_buf *b, uint8_t type, gw_str text, uint64_t time)
{
    if (type == NOTE_COSIGNATURE)
        gw_buf_printf(b, "cosignature/v1\ntime %llu\n", (unsigned long long)time);
    return gw_buf_put_str(b, text);
}

static gw_code put_signature(gw_buf *b, gw_str text, const note_signer *s, uint64_t time,
                             gw_err *err)
{
    GW_AUTO_BUF gw_buf message;
    gw_buf_init(&message, NOTE_BYTES_MAX + 64);
    put_message(&message, s->key.type, text, time);
    gw_code rc = gw_buf_code(&message, "the text to sign", err);
    if (rc != GW_OK)
        return rc;
    uint8_t out[4 + COSIG];
    uint8_t *p = out;
    memcpy(p, s->key.id, sizeof s->key.id);
    p += sizeof s->key.id;
    for (int shift = 56; s->key.type == NOTE_COSIGNATURE && shift >= 0; shift -= 8)
        *p++ = (uint8_t)(time >> shift);
    crypto_sign_detached(p, NULL, (const unsigned char *)message.data, message.n, s->secret);
    p += SIG;
    gw_buf_put(b, dash, DASH);
    gw_buf_puts(b, s->key.name);
    gw_buf_putc(b, ' ');
    digest_put_b64(b, out, (size_t)(p - out));
    gw_buf_putc(b, '\n');
    return gw_buf_code(b, "signed note", err);
}

gw_code note_sign(gw_buf *b, gw_str text, const note_signer *s, uint64_t time, gw_err *err)
{
    if (text.n < 2 || text.p[text.n - 1] != '\n' || text.p[text.n - 2] == '\n')
        return gw_fail(err, GW_EINVAL, "the text of a note ends in one newline");
    gw_buf_put_str(b, text);
    gw_buf_putc(b, '\n');
    return put_signature(b, text, s, time, err);
}

/* The last empty line divides text and signatures. */
static bool split_note(gw_str note, gw_str *ret_text, gw_str *ret_signatures)
{
    if (note.n < 3 || note.p[note.n - 1] != '\n')
        return false;
    for (size_t i = note.n - 1; i > 0; i--) {
        if (note.p[i] != '\n' || note.p[i - 1] != '\n')
            continue;
        *ret_text = (gw_str){note.p, i};
        *ret_signatures = (gw_str){note.p + i + 1, note.n - i - 1};
        return ret_signatures->n > 0;
    }
    return false;
}

gw_code note_cosign(gw_buf *note, const note_signer *s, uint64_t time, gw_err *err)
{
    gw_str text;
    gw_str signatures;
    if (!split_note(gw_buf_str(note), &text, &signatures))
        return gw_fail(err, GW_EINVAL, "not a signed note");
    GW_AUTO_BUF gw_buf copy; /* appending may move the bytes that text points into */
    gw_buf_init(&copy, NOTE_BYTES_MAX);
    gw_buf_put_str(&copy, text);
    gw_code rc = gw_buf_code(&copy, "signed note", err);
    return rc == GW_OK ? put_signature(note, gw_buf_str(&copy), s, time, err) : rc;
}

typedef struct {
    gw_str name;
    uint8_t bytes[4 + COSIG + 64]; /* longer signatures (other algorithms) are cut: not ours */
    size_t n;
    bool cut;
} signature;

static bool read_signature(gw_str line, signature *ret)
{
    if (line.n < DASH + 4 || memcmp(line.p, dash, DASH) != 0)
        return false;
    const char *name = line.p + DASH;
    const char *space = memchr(name, ' ', line.n - DASH);
    if (!space || !name_is_good((gw_str){name, (size_t)(space - name)}))
        return false;
    ret->name = (gw_str){name, (size_t)(space - name)};
    gw_str b64 = {space + 1, (size_t)(line.p + line.n - space - 1)};
    uint8_t all[4096]; /* room for post-quantum signatures, which are read and passed over */
    size_t n = 0;
    if (!digest_read_b64(b64, all, sizeof all, &n) || n < 5)
        return false;
    ret->cut = n > sizeof ret->bytes;
    ret->n = ret->cut ? sizeof ret->bytes : n;
    memcpy(ret->bytes, all, ret->n);
    return true;
}

static bool signature_holds(const signature *s, const note_key *k, gw_str text, uint64_t *ret_time)
{
    const uint8_t *sig = s->bytes + 4;
    uint64_t time = 0;
    size_t want = 4 + (k->type == NOTE_COSIGNATURE ? COSIG : SIG);
    if (s->cut || s->n != want)
        return false;
    if (k->type == NOTE_ED25519)
        return note_ed25519_holds(sig, text.p, text.n, k->pub);
    for (int i = 0; i < 8; i++)
        time = time << 8 | *sig++;
    GW_AUTO_BUF gw_buf message;
    gw_buf_init(&message, NOTE_BYTES_MAX + 64);
    if (put_message(&message, k->type, text, time) != GW_OK ||
        !note_ed25519_holds(sig, message.data, message.n, k->pub))
        return false;
    *ret_time = time;
    return true;
}

static gw_code check_signature(const signature *s, const note_key *keys, size_t n, note_opened *o,
                               gw_err *err)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t time = 0;
        if (!gw_str_is(s->name, keys[i].name) || memcmp(s->bytes, keys[i].id, 4) != 0)
            continue;
        if (!signature_holds(s, &keys[i], o->text, &time))
            return gw_fail(err, GW_ECORRUPT, "the signature of %s does not verify", keys[i].name);
        o->good |= UINT64_C(1) << i;
        if (i < GW_COUNT(o->times))
            o->times[i] = time;
    }
    return GW_OK;
}

gw_code note_open(gw_str note, const note_key *keys, size_t n, note_opened *ret, gw_err *err)
{
    note_opened o = {.signatures = 0};
    gw_str rest;
    if (note.n > NOTE_BYTES_MAX)
        return gw_fail(err, GW_ELIMIT, "a signed note is at most %d bytes", NOTE_BYTES_MAX);
    if (n > 64)
        return gw_fail(err, GW_ELIMIT, "at most 64 keys verify one note");
    if (!split_note(note, &o.text, &rest) || !text_is_clean(note))
        return gw_fail(err, GW_EINVAL, "not a signed note: text, an empty line, signatures");
    while (rest.n > 0) {
        const char *eol = memchr(rest.p, '\n', rest.n);
        gw_str line = {rest.p, (size_t)(eol - rest.p)};
        signature s;
        if (++o.signatures > NOTE_SIGNATURES_MAX)
            return gw_fail(err, GW_ELIMIT, "a note with more than %d signatures",
                           NOTE_SIGNATURES_MAX);
        if (!read_signature(line, &s))
            return gw_fail(err, GW_EINVAL, "signature line %zu of the note is malformed",
                           o.signatures);
        gw_code rc = check_signature(&s, keys, n, &o, err);
        if (rc != GW_OK)
            return rc;
        rest = (gw_str){eol + 1, rest.n - line.n - 1};
    }
    *ret = o;
    return GW_OK;
}

gw_code note_checkpoint_put(gw_buf *b, gw_str origin, uint64_t size, const merkle_hash *root)
{
    gw_buf_put_str(b, origin);
    gw_buf_printf(b, "\n%llu\n", (unsigned long long)size);
    digest_put_b64(b, root->b, sizeof root->b);
    return gw_buf_putc(b, '\n');
}

bool note_read_decimal(gw_str s, uint64_t *ret)
{
    uint64_t v = 0;
    if (s.n == 0 || s.n > 18 || (s.n > 1 && s.p[0] == '0'))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        v = v * 10 + (uint64_t)(s.p[i] - '0');
    }
    *ret = v;
    return true;
}

static bool next_line(gw_str *rest, gw_str *ret)
{
    const char *eol = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
    if (!eol)
        return false;
    *ret = (gw_str){rest->p, (size_t)(eol - rest->p)};
    *rest = (gw_str){eol + 1, rest->n - ret->n - 1};
    return true;
}

gw_code note_checkpoint_parse(gw_str text, note_checkpoint *ret, gw_err *err)
{
    note_checkpoint c;
    gw_str size;
    gw_str root;
    size_t n = 0;
    if (!next_line(&text, &c.origin) || c.origin.n == 0 || !next_line(&text, &size) ||
        !note_read_decimal(size, &c.size) || !next_line(&text, &root) ||
        !digest_read_b64(root, c.root.b, sizeof c.root.b, &n) || n != sizeof c.root.b)
        return gw_fail(err, GW_EINVAL, "not a checkpoint: origin, size and root on three lines");
    *ret = c;
    return GW_OK;
}
