/* merkle.h - the hash tree of RFC 6962 §2.1 and the verification steps of RFC 9162 §2.1.3-2.1.4.
 *
 * Leaf = SHA-256(0x00 || entry), node = SHA-256(0x01 || left || right), split at the largest power
 * of two below the size. Pure: values in, values out. Thread: any. */
#ifndef EVIDENCE_MERKLE_H
#define EVIDENCE_MERKLE_H

#include "gateway/evidence/digest.h"

enum {
    MERKLE_PROOF_MAX = 64
}; /* hashes of one inclusion or consistency proof, below 2^63 leaves */

typedef struct {
    uint8_t b[DIGEST_BYTES];
} merkle_hash;

static inline bool merkle_equal(const merkle_hash *a, const merkle_hash *b)
{
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

void merkle_leaf(gw_str entry, merkle_hash *ret);
void merkle_node(const merkle_hash *left, const merkle_hash *right, merkle_hash *ret);
/* Root of the empty tree: SHA-256(""). */
void merkle_empty(merkle_hash *ret);

/* The roots of the complete subtrees of a growing tree, largest first: all that is needed to append
 * and to know the root. */
typedef struct {
    uint64_t size;
    merkle_hash peak[64]; /* peak[l] is meaningful when bit l of size is set: 2^l leaves */
} merkle_frontier;

void merkle_frontier_add(merkle_frontier *f, const merkle_hash *leaf);
void merkle_frontier_root(const merkle_frontier *f, merkle_hash *ret);

/* Where proofs get the root of the complete subtree [index << level, (index + 1) << level). */
typedef struct {
    gw_code (*node)(void *ctx, unsigned level, uint64_t index, merkle_hash *ret, gw_err *err);
    void *ctx;
} merkle_source;

gw_code merkle_root(const merkle_source *s, uint64_t size, merkle_hash *ret, gw_err *err)
    GW_NODISCARD;
/* PATH(index, D[size]); index < size or GW_EINVAL. */
gw_code merkle_inclusion(const merkle_source *s, uint64_t index, uint64_t size,
                         merkle_hash ret[MERKLE_PROOF_MAX], size_t *ret_n, gw_err *err)
    GW_NODISCARD;
/* PROOF(size1, D[size2]); 0 < size1 <= size2 or GW_EINVAL. */
gw_code merkle_consistency(const merkle_source *s, uint64_t size1, uint64_t size2,
                           merkle_hash ret[MERKLE_PROOF_MAX], size_t *ret_n, gw_err *err)
    GW_NODISCARD;

/* RFC 9162 §2.1.3.2. */
bool merkle_inclusion_holds(const merkle_hash *leaf, uint64_t index, uint64_t size,
                            const merkle_hash *proof, size_t n, const merkle_hash *root);
/* RFC 9162 §2.1.4.2; size1 0 proves nothing and never holds. */
bool merkle_consistency_holds(uint64_t size1, uint64_t size2, const merkle_hash *proof, size_t n,
                              const merkle_hash *root1, const merkle_hash *root2);

#endif
