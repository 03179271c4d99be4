#include "gateway/evidence/merkle.h"
#include "tests/gateway/evidence/vectors.h"

#include <dirent.h>
#include <stdio.h>

/* A tree small enough to keep every leaf: the definitions of RFC 6962 §2.1, by recursion. */
typedef struct {
    merkle_hash leaf[512];
} small_tree;

static void mth(const small_tree *t, uint64_t begin, uint64_t end, merkle_hash *ret)
{
    if (end - begin == 1) {
        *ret = t->leaf[begin];
        return;
    }
    uint64_t k = 1;
    while (k * 2 < end - begin)
        k *= 2;
    merkle_hash l;
    merkle_hash r;
    mth(t, begin, begin + k, &l);
    mth(t, begin + k, end, &r);
    merkle_node(&l, &r, ret);
}

static gw_code small_node(void *ctx, unsigned level, uint64_t index, merkle_hash *ret, gw_err *err)
{
    (void)err;
    mth(ctx, index << level, (index + 1) << level, ret);
    return GW_OK;
}

static void fill(small_tree *t)
{
    for (size_t i = 0; i < GW_COUNT(t->leaf); i++) {
        char text[16];
        snprintf(text, sizeof text, "leaf %zu", i);
        merkle_leaf(gw_str_of(text), &t->leaf[i]);
    }
}

static void read_hash(const json_doc *d, uint32_t at, merkle_hash *ret)
{
    uint8_t raw[64];
    size_t n = 0;
    memset(ret, 0, sizeof *ret);
    if (at && json_kind_of(d, at) == JSON_STRING && digest_read_b64(json_str(d, at), raw, 64, &n))
        memcpy(ret->b, raw, n < DIGEST_BYTES ? n : DIGEST_BYTES);
    static uint8_t serial;
    if (n == 0)
        ret->b[31] ^= ++serial; /* a missing hash equals nothing, not even another missing one */
}

static size_t read_proof(const json_doc *d, merkle_hash *ret, size_t cap)
{
    uint32_t list = json_member(d, 0, "proof");
    size_t n = 0;
    if (!list || json_kind_of(d, list) != JSON_ARRAY)
        return 0;
    for (uint32_t at = list + 1; at < json_at(d, list)->next; at = json_at(d, at)->next) {
        assert_true(n < cap);
        read_hash(d, at, &ret[n++]);
    }
    return n;
}

static bool inclusion_case(const json_doc *d)
{
    merkle_hash proof[80];
    merkle_hash root;
    merkle_hash leaf;
    read_hash(d, json_member(d, 0, "root"), &root);
    read_hash(d, json_member(d, 0, "leafHash"), &leaf);
    size_t n = read_proof(d, proof, GW_COUNT(proof));
    return merkle_inclusion_holds(&leaf, (uint64_t)json_get_int(d, 0, "leafIdx", -1),
                                  (uint64_t)json_get_int(d, 0, "treeSize", -1), proof, n, &root);
}

static bool consistency_case(const json_doc *d)
{
    merkle_hash proof[80];
    merkle_hash root1;
    merkle_hash root2;
    read_hash(d, json_member(d, 0, "root1"), &root1);
    read_hash(d, json_member(d, 0, "root2"), &root2);
    size_t n = read_proof(d, proof, GW_COUNT(proof));
    return merkle_consistency_holds((uint64_t)json_get_int(d, 0, "size1", -1),
                                    (uint64_t)json_get_int(d, 0, "size2", -1), proof, n, &root1,
                                    &root2);
}

static int run_folder(const char *folder, bool (*holds)(const json_doc *))
{
    char path[600];
    int seen = 0;
    DIR *dir = opendir(vectors_path(folder));
    if (!dir)
        skip();
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        size_t n = strlen(path);
        if (e->d_name[0] == '.')
            continue;
        if (n < 5 || strcmp(path + n - 5, ".json") != 0) {
            seen += run_folder(path, holds);
            continue;
        }
        GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(1 << 20);
        json_doc d;
        vectors_load(path, arena, &d);
        bool want = !json_get_bool(&d, 0, "wantErr", false);
        if (json_get_int(&d, 0, "size1", 1) == 0)
            want = false; /* our proof API refuses size 0: it proves nothing */
        if (holds(&d) != want)
            fail_msg("%s: expected %s", path, want ? "to hold" : "to fail");
        seen++;
    }
    closedir(dir);
    return seen;
}

static void public_inclusion_vectors_hold_exactly_where_they_should(void **state)
{
    (void)state;
    assert_int_equal(run_folder("merkle/testdata/inclusion", inclusion_case), 98);
}

static void public_consistency_vectors_hold_exactly_where_they_should(void **state)
{
    (void)state;
    assert_int_equal(run_folder("merkle/testdata/consistency", consistency_case), 98);
}

typedef struct {
    small_tree tree;
    merkle_source source;
} reference;

static void same_proof(const json_doc *d, uint32_t entry, const merkle_hash *proof, size_t n,
                       gw_arena *arena)
{
    uint32_t list = json_member(d, entry, "proof_hex");
    assert_int_equal(json_at(d, list)->count, n);
    uint32_t at = list + 1;
    for (size_t i = 0; i < n; i++, at = json_at(d, at)->next)
        assert_memory_equal(vectors_hex(d, at, arena).p, proof[i].b, DIGEST_BYTES);
}

static void the_reference_tree_is_reproduced_byte_for_byte(void **state)
{
    (void)state;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(4 << 20);
    json_doc d;
    static reference ref;
    merkle_frontier f = {.size = 0};
    merkle_hash root;
    merkle_hash proof[MERKLE_PROOF_MAX];
    size_t n;
    gw_err err = {0};
    vectors_load("derived/rfc6962-reference.json", arena, &d);
    ref.source = (merkle_source){small_node, &ref.tree};
    uint32_t in = json_member(&d, 0, "leaf_inputs_hex") + 1;
    uint32_t hash = json_member(&d, 0, "leaf_hashes_hex") + 1;
    uint32_t want = json_member(&d, 0, "roots_hex_by_size") + 1;
    for (uint64_t size = 0; size <= 8; size++, want = json_at(&d, want)->next) {
        merkle_frontier_root(&f, &root);
        assert_memory_equal(root.b, vectors_hex(&d, want, arena).p, DIGEST_BYTES);
        assert_int_equal(merkle_root(&ref.source, size, &root, &err), GW_OK);
        assert_memory_equal(root.b, vectors_hex(&d, want, arena).p, DIGEST_BYTES);
        if (size == 8)
            break;
        merkle_leaf(vectors_hex(&d, in, arena), &ref.tree.leaf[size]);
        assert_memory_equal(ref.tree.leaf[size].b, vectors_hex(&d, hash, arena).p, DIGEST_BYTES);
        merkle_frontier_add(&f, &ref.tree.leaf[size]);
        in = json_at(&d, in)->next;
        hash = json_at(&d, hash)->next;
    }
    uint32_t list = json_member(&d, 0, "inclusion");
    for (uint32_t at = list + 1; at < json_at(&d, list)->next; at = json_at(&d, at)->next) {
        assert_int_equal(merkle_inclusion(&ref.source, (uint64_t)json_get_int(&d, at, "index", -1),
                                          (uint64_t)json_get_int(&d, at, "size", -1), proof, &n,
                                          &err),
                         GW_OK);
        same_proof(&d, at, proof, n, arena);
    }
    list = json_member(&d, 0, "consistency");
    for (uint32_t at = list + 1; at < json_at(&d, list)->next; at = json_at(&d, at)->next) {
        assert_int_equal(
            merkle_consistency(&ref.source, (uint64_t)json_get_int(&d, at, "size1", -1),
                               (uint64_t)json_get_int(&d, at, "size2", -1), proof, &n, &err),
            GW_OK);
        same_proof(&d, at, proof, n, arena);
    }
}

static void every_proof_we_build_holds_and_no_other_leaf_fits_it(void **state)
{
    (void)state;
    static small_tree t;
    fill(&t);
    merkle_source s = {small_node, &t};
    merkle_hash proof[MERKLE_PROOF_MAX];
    merkle_hash root;
    merkle_hash old;
    size_t n;
    gw_err err = {0};
    for (uint64_t size = 1; size <= 130; size++) {
        assert_int_equal(merkle_root(&s, size, &root, &err), GW_OK);
        for (uint64_t i = 0; i < size; i++) {
            assert_int_equal(merkle_inclusion(&s, i, size, proof, &n, &err), GW_OK);
            assert_true(merkle_inclusion_holds(&t.leaf[i], i, size, proof, n, &root));
            assert_false(merkle_inclusion_holds(&t.leaf[i + 1], i, size, proof, n, &root));
            assert_false(merkle_inclusion_holds(&t.leaf[i], i + 1, size, proof, n, &root));
            assert_int_equal(merkle_root(&s, i + 1, &old, &err), GW_OK);
            assert_int_equal(merkle_consistency(&s, i + 1, size, proof, &n, &err), GW_OK);
            assert_true(merkle_consistency_holds(i + 1, size, proof, n, &old, &root));
            old.b[3] ^= 1;
            assert_false(merkle_consistency_holds(i + 1, size, proof, n, &old, &root));
        }
    }
    assert_int_equal(merkle_inclusion(&s, 3, 3, proof, &n, &err), GW_EINVAL);
    assert_int_equal(merkle_consistency(&s, 0, 3, proof, &n, &err), GW_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(public_inclusion_vectors_hold_exactly_where_they_should),
        cmocka_unit_test(public_consistency_vectors_hold_exactly_where_they_should),
        cmocka_unit_test(the_reference_tree_is_reproduced_byte_for_byte),
        cmocka_unit_test(every_proof_we_build_holds_and_no_other_leaf_fits_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
