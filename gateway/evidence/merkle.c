#include "gateway/evidence/merkle.h"

void merkle_leaf(gw_str entry, merkle_hash *ret)
{
    digest_state s;
    digest_init(&s);
    digest_update(&s, "\x00", 1);
    digest_update(&s, entry.p, entry.n);
    digest_final(&s, ret->b);
}

void merkle_node(const merkle_hash *left, const merkle_hash *right, merkle_hash *ret)
{
    uint8_t both[1 + 2 * DIGEST_BYTES] = {1};
    memcpy(both + 1, left->b, DIGEST_BYTES);
    memcpy(both + 1 + DIGEST_BYTES, right->b, DIGEST_BYTES);
    digest_of(both, sizeof both, ret->b);
}

void merkle_empty(merkle_hash *ret)
{
    digest_of("", 0, ret->b);
}

void merkle_frontier_add(merkle_frontier *f, const merkle_hash *leaf)
{
    merkle_hash carry = *leaf;
    unsigned level = 0;
    for (; f->size >> level & 1; level++)
        merkle_node(&f->peak[level], &carry, &carry);
    f->peak[level] = carry;
    f->size++;
}

void merkle_frontier_root(const merkle_frontier *f, merkle_hash *ret)
{
    merkle_hash root;
    bool any = false;
    for (unsigned level = 0; level < 64; level++) {
        if (!(f->size >> level & 1))
            continue;
        if (any)
            merkle_node(&f->peak[level], &root, &root);
        else
            root = f->peak[level];
        any = true;
    }
    if (!any)
        merkle_empty(&root);
    *ret = root;
}

static unsigned floor_log2(uint64_t n)
{
    return 63U - (unsigned)__builtin_clzll(n);
}

/* Largest power of two smaller than n, n > 1. */
static uint64_t split(uint64_t n)
{
    return UINT64_C(1) << floor_log2(n - 1);
}

/* MTH of [begin, end). begin is a multiple of every complete subtree in it, as all ranges of the
 * proof definitions are. */
static gw_code range_root(const merkle_source *s, uint64_t begin, uint64_t end, merkle_hash *ret,
                          gw_err *err)
{
    merkle_hash peaks[64];
    size_t n = 0;
    while (begin < end) {
        unsigned level = floor_log2(end - begin);
        gw_code rc = s->node(s->ctx, level, begin >> level, &peaks[n++], err);
        if (rc != GW_OK)
            return rc;
        begin += UINT64_C(1) << level;
    }
    for (; n > 1; n--)
        merkle_node(&peaks[n - 2], &peaks[n - 1], &peaks[n - 2]);
    *ret = peaks[0];
    return GW_OK;
}

gw_code merkle_root(const merkle_source *s, uint64_t size, merkle_hash *ret, gw_err *err)
{
    if (size == 0) {
        merkle_empty(ret);
        return GW_OK;
    }
    return range_root(s, 0, size, ret, err);
}

static void reverse(merkle_hash *h, size_t n)
{
    for (size_t i = 0; i < n / 2; i++) {
        merkle_hash t = h[i];
        h[i] = h[n - 1 - i];
        h[n - 1 - i] = t;
    }
}

gw_code merkle_inclusion(const merkle_source *s, uint64_t index, uint64_t size,
                         merkle_hash ret[MERKLE_PROOF_MAX], size_t *ret_n, gw_err *err)
{
    if (index >= size || size > INT64_MAX)
        return gw_fail(err, GW_EINVAL, "entry %llu is not in a tree of %llu",
                       (unsigned long long)index, (unsigned long long)size);
    uint64_t begin = 0;
    uint64_t end = size;
    size_t n = 0;
    while (end - begin > 1) {
        uint64_t middle = begin + split(end - begin);
        bool left = index < middle;
        gw_code rc = left ? range_root(s, middle, end, &ret[n++], err)
                          : range_root(s, begin, middle, &ret[n++], err);
        if (rc != GW_OK)
            return rc;
        if (left)
            end = middle;
        else
            begin = middle;
    }
    reverse(ret, n);
    *ret_n = n;
    return GW_OK;
}

gw_code merkle_consistency(const merkle_source *s, uint64_t size1, uint64_t size2,
                           merkle_hash ret[MERKLE_PROOF_MAX], size_t *ret_n, gw_err *err)
{
    if (size1 == 0 || size1 > size2 || size2 > INT64_MAX)
        return gw_fail(err, GW_EINVAL, "no consistency proof from size %llu to %llu",
                       (unsigned long long)size1, (unsigned long long)size2);
    uint64_t begin = 0;
    uint64_t end = size2;
    size_t n = 0;
    bool known = true; /* the old root itself: the verifier has it */
    while (end != size1) {
        uint64_t middle = begin + split(end - begin);
        bool left = size1 <= middle;
        gw_code rc = left ? range_root(s, middle, end, &ret[n++], err)
                          : range_root(s, begin, middle, &ret[n++], err);
        if (rc != GW_OK)
            return rc;
        if (left)
            end = middle;
        else
            begin = middle;
        known = known && left;
    }
    if (!known) {
        gw_code rc = range_root(s, begin, end, &ret[n++], err);
        if (rc != GW_OK)
            return rc;
    }
    reverse(ret, n);
    *ret_n = n;
    return GW_OK;
}

bool merkle_inclusion_holds(const merkle_hash *leaf, uint64_t index, uint64_t size,
                            const merkle_hash *proof, size_t n, const merkle_hash *root)
{
    if (index >= size)
        return false;
    uint64_t fn = index;
    uint64_t sn = size - 1;
    merkle_hash r = *leaf;
    for (size_t i = 0; i < n; i++) {
        if (sn == 0)
            return false;
        if ((fn & 1) || fn == sn) {
            merkle_node(&proof[i], &r, &r);
            while (!(fn & 1) && fn != 0) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            merkle_node(&r, &proof[i], &r);
        }
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0 && merkle_equal(&r, root);
}

bool merkle_consistency_holds(uint64_t size1, uint64_t size2, const merkle_hash *proof, size_t n,
                              const merkle_hash *root1, const merkle_hash *root2)
{
    if (size1 == 0 || size1 > size2)
        return false;
    if (size1 == size2)
        return n == 0 && merkle_equal(root1, root2);
    bool whole = (size1 & (size1 - 1)) == 0; /* then the old root is the first hash, and left out */
    if (n == 0)
        return false;
    merkle_hash fr = whole ? *root1 : proof[0];
    merkle_hash sr = fr;
    uint64_t fn = size1 - 1;
    uint64_t sn = size2 - 1;
    while (fn & 1) {
        fn >>= 1;
        sn >>= 1;
    }
    for (size_t i = whole ? 0 : 1; i < n; i++) {
        if (sn == 0)
            return false;
        if ((fn & 1) || fn == sn) {
            merkle_node(&proof[i], &fr, &fr);
            merkle_node(&proof[i], &sr, &sr);
            while (!(fn & 1) && fn != 0) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            merkle_node(&sr, &proof[i], &sr);
        }
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0 && merkle_equal(&fr, root1) && merkle_equal(&sr, root2);
}
