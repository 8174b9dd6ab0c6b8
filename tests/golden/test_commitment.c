/* Every case of commitment.json: roots, app hashes, steps and proofs byte for byte, and
 * what must be refused. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/base/bytes.h"
#include "app/base/hash.h"
#include "app/base/merkle.h"
#include "app/store/proof.h"
#include "app/store/store.h"
#include "app/store/trie.h"
#include "app/store/verify.h"

#define HEIGHT 7 /* of the responses in the vectors */
#define CASES 49
#define PROOFS 39
#define REFUSALS 44
#define STEPS 14

static json_t *vectors;
static struct vpr_arena arena;

static void setup(void)
{
    json_error_t error;
    vectors = json_load_file(VECTORS "/commitment.json", 0, &error);
    ck_assert_msg(vectors != NULL, "commitment.json: %s", error.text);
    vpr_arena_init(&arena, 256 << 20);
}

static void teardown(void)
{
    vpr_arena_finish(&arena);
    json_decref(vectors);
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    ck_assert_msg(text != NULL, "no field %s", name);
    return text;
}

static struct vpr_bytes unhex(const char *text)
{
    size_t n = strlen(text) / 2;
    uint8_t *bytes = vpr_arena_alloc(&arena, n + 1);
    ck_assert_msg(vpr_unhex(bytes, n, vpr_bytes_str(text)), "not hex: %s", text);
    return vpr_bytes_of(bytes, n);
}

static struct vpr_bytes hex_field(const json_t *object, const char *name)
{
    return unhex(text_of(object, name));
}

static struct vpr_hash hash_field(const json_t *object, const char *name)
{
    struct vpr_bytes bytes = hex_field(object, name);
    struct vpr_hash hash;
    ck_assert_uint_eq(bytes.len, 32);
    memcpy(hash.b, bytes.data, 32);
    return hash;
}

static void expect_bytes(const char *what, struct vpr_bytes have, struct vpr_bytes want)
{
    if (vpr_bytes_equal(have, want)) {
        return;
    }
    char *h = malloc(have.len * 2 + 1), *w = malloc(want.len * 2 + 1);
    vpr_hex(h, have.data, have.len);
    vpr_hex(w, want.data, want.len);
    ck_abort_msg("%s:\nhave %s\nwant %s", what, h, w);
}

static void expect_hash(const char *what, const struct vpr_hash *have, const json_t *object,
                        const char *name)
{
    struct vpr_hash want = hash_field(object, name);
    expect_bytes(what, vpr_bytes_of(have->b, 32), vpr_bytes_of(want.b, 32));
}

/* The pairs of one store of a case: listed, or made by the generator. */
static size_t pairs_of(const json_t *store, struct vpr_bytes (**ret)[2])
{
    const json_t *generator = json_object_get(store, "generator");
    const json_t *pairs = json_object_get(store, "pairs");
    size_t count = generator != NULL
                       ? (size_t)json_integer_value(json_object_get(generator, "count"))
                       : json_array_size(pairs);
    *ret = vpr_arena_alloc(&arena, (count + 1) * sizeof **ret);
    for (size_t i = 0; i < count; i++) {
        if (generator != NULL) {
            char *key = vpr_arena_text(&arena, "key-%05zu", i);
            struct vpr_hash value = vpr_sha256(key, strlen(key));
            (*ret)[i][0] = vpr_bytes_str(key);
            (*ret)[i][1] = vpr_bytes_of(vpr_arena_copy(&arena, value.b, 32), 32);
        } else {
            const json_t *pair = json_array_get(pairs, i);
            (*ret)[i][0] = unhex(json_string_value(json_array_get(pair, 0)));
            (*ret)[i][1] = unhex(json_string_value(json_array_get(pair, 1)));
        }
    }
    return count;
}

static struct vpr_trie_change set(struct vpr_bytes key, struct vpr_bytes value)
{
    struct vpr_hash value_hash = vpr_sha256(value.data, value.len);
    struct vpr_trie_change change;
    change.key = vpr_sha256(key.data, key.len);
    change.leaf = vpr_trie_leaf(&change.key, &value_hash);
    change.gone = false;
    return change;
}

static struct vpr_trie trie_of(struct vpr_trie_heap *heap, const json_t *store)
{
    struct vpr_bytes(*pairs)[2];
    size_t count = pairs_of(store, &pairs);
    struct vpr_trie_change *changes =
        vpr_arena_alloc(&arena, (count + 1) * sizeof *changes);
    for (size_t i = 0; i < count; i++) {
        changes[i] = set(pairs[i][0], pairs[i][1]);
    }
    vpr_trie_sort(changes, count);
    const struct vpr_trie empty = {{{0}}, 0, 0};
    return vpr_trie_apply(heap, empty, changes, count);
}

static int name_cmp(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const json_t *store_named(const json_t *stores, const char *name)
{
    size_t i;
    json_t *store;
    json_array_foreach(stores, i, store) {
        if (strcmp(text_of(store, "name"), name) == 0) {
            return store;
        }
    }
    return NULL;
}

static size_t names_of(const json_t *stores, const char **ret_names)
{
    size_t count = json_array_size(stores);
    ck_assert_uint_le(count, VPR_STORES_MAX);
    for (size_t i = 0; i < count; i++) {
        ret_names[i] = text_of(json_array_get(stores, i), "name");
    }
    qsort(ret_names, count, sizeof *ret_names, name_cmp);
    return count;
}

/* A committed store of this case, at HEIGHT; NULL if it has a key too long for one. */
static struct vpr_store *store_of(const json_t *stores)
{
    const char *names[VPR_STORES_MAX];
    size_t count = names_of(stores, names);
    char err[256];
    struct vpr_store *store =
        vpr_store_open(vpr_kv_memory_open(), names, count, err, sizeof err);
    ck_assert_msg(store != NULL, "%s", err);
    const struct vpr_state state = {store, NULL};
    for (size_t id = 0; id < count; id++) {
        struct vpr_bytes(*pairs)[2];
        size_t n = pairs_of(store_named(stores, names[id]), &pairs);
        for (size_t i = 0; i < n; i++) {
            if (pairs[i][0].len > VPR_STORE_KEY_BYTES_MAX) {
                vpr_store_close(store);
                return NULL;
            }
            vpr_state_put(&state, (uint8_t)id, pairs[i][0], pairs[i][1]);
        }
    }
    vpr_store_commit(store, HEIGHT);
    return store;
}

START_TEST(leaf_and_inner_are_as_spelled_out)
{
    const json_t *hashes = json_object_get(vectors, "hashes");
    const json_t *leaf = json_array_get(hashes, 0), *inner = json_array_get(hashes, 1);
    struct vpr_hash key = hash_field(leaf, "key_hash"), value = hash_field(leaf, "value_hash");
    struct vpr_hash hash = vpr_trie_leaf(&key, &value);
    expect_hash("leaf", &hash, leaf, "hash");
    struct vpr_hash left = hash_field(inner, "left"), right = hash_field(inner, "right");
    hash = vpr_merkle_inner(&left, &right);
    expect_hash("inner", &hash, inner, "hash");
}
END_TEST

/* Roots and app hashes by the trie alone, for every case. */
START_TEST(every_case_has_its_roots_and_app_hash)
{
    const json_t *cases = json_object_get(vectors, "cases");
    ck_assert_uint_eq(json_array_size(cases), CASES);
    for (size_t c = 0; c < CASES; c++) {
        const json_t *one = json_array_get(cases, c), *stores = json_object_get(one, "stores");
        const char *names[VPR_STORES_MAX];
        size_t count = names_of(stores, names);
        struct vpr_trie_heap *heap = vpr_trie_heap_open();
        struct vpr_hash leaves[VPR_STORES_MAX];
        for (size_t i = 0; i < count; i++) {
            const json_t *store = store_named(stores, names[i]);
            struct vpr_trie trie = trie_of(heap, store);
            expect_hash(text_of(one, "name"), &trie.root, store, "root");
            leaves[i] = vpr_trie_map_leaf(vpr_bytes_str(names[i]), &trie.root);
        }
        struct vpr_hash app = vpr_merkle_root(leaves, count);
        expect_hash(text_of(one, "name"), &app, one, "app_hash");
        vpr_trie_heap_close(heap);
        vpr_arena_release(&arena, 0);
    }
}
END_TEST

/* The same through the store; only the key of 300 bytes is beyond what a store takes. */
START_TEST(a_store_commits_every_case_to_its_app_hash)
{
    const json_t *cases = json_object_get(vectors, "cases");
    size_t beyond = 0;
    for (size_t c = 0; c < CASES; c++) {
        const json_t *one = json_array_get(cases, c);
        struct vpr_store *store = store_of(json_object_get(one, "stores"));
        if (store == NULL) {
            beyond++;
            continue;
        }
        struct vpr_hash app = vpr_store_app_hash(store);
        expect_hash(text_of(one, "name"), &app, one, "app_hash");
        vpr_store_close(store);
        vpr_arena_release(&arena, 0);
    }
    ck_assert_uint_eq(beyond, 1);
}
END_TEST

START_TEST(every_step_of_the_sequence_meets_its_root)
{
    const json_t *steps = json_object_get(vectors, "steps");
    struct vpr_trie_heap *heap = vpr_trie_heap_open();
    struct vpr_trie trie = {{{0}}, 0, 0};
    ck_assert_uint_eq(json_array_size(steps), STEPS);
    for (size_t i = 0; i < STEPS; i++) {
        const json_t *step = json_array_get(steps, i);
        struct vpr_trie_change change;
        if (strcmp(text_of(step, "op"), "set") == 0) {
            change = set(hex_field(step, "key"), hex_field(step, "value"));
        } else {
            ck_assert_str_eq(text_of(step, "op"), "delete");
            struct vpr_bytes key = hex_field(step, "key");
            change.key = vpr_sha256(key.data, key.len);
            change.gone = true;
        }
        trie = vpr_trie_apply(heap, trie, &change, 1);
        vpr_trie_accept(heap, i + 1);
        vpr_trie_collect(heap, UINT64_MAX);
        expect_hash("step", &trie.root, step, "root_after");
        ck_assert_uint_eq(vpr_trie_heap_used(heap),
                          trie.leaves == 0 ? 0 : 2 * trie.leaves - 1);
    }
    vpr_trie_heap_close(heap);
}
END_TEST

/* ResponseQuery{key = 6, value = 7, proof_ops = 8, height = 9}. */
static struct vpr_bytes response(const struct vpr_proof_answer *a)
{
    size_t size = a->key.len + a->value.len + a->proof_ops.len + 64;
    struct vpr_writer w = vpr_writer(vpr_arena_alloc(&arena, size), size);
    const struct vpr_bytes fields[] = {a->key, a->value, a->proof_ops};
    for (size_t i = 0; i < 3; i++) {
        if (fields[i].len == 0) {
            continue;
        }
        vpr_write_u8(&w, (uint8_t)((6 + i) << 3 | 2));
        for (size_t len = fields[i].len; ; len >>= 7) {
            vpr_write_u8(&w, (uint8_t)(len < 0x80 ? len : (len | 0x80)));
            if (len < 0x80) {
                break;
            }
        }
        vpr_write(&w, fields[i].data, fields[i].len);
    }
    vpr_write_u8(&w, 9 << 3);
    vpr_write_u8(&w, (uint8_t)a->height);
    return vpr_bytes_of(w.data, w.len);
}

static struct vpr_proof_answer ask(struct vpr_view *view, const char *route,
                                   const json_t *proof)
{
    struct vpr_proof_answer answer;
    struct vpr_err err;
    char *path = vpr_arena_text(&arena, "/%s/%s/key", route, text_of(proof, "store"));
    ck_assert_int_eq(vpr_proof_query(view, &arena, vpr_bytes_str(path),
                                     hex_field(proof, "key"), true, &answer, &err),
                     VPR_OK);
    return answer;
}

static void check_store_route(const struct vpr_proof_answer *a, const json_t *proof,
                              const struct vpr_hash *app_hash)
{
    const json_t *simple = json_object_get(proof, "simple_v");
    if (json_object_get(proof, "response_query_store") != NULL) {
        expect_bytes("response_query_store", response(a),
                     hex_field(proof, "response_query_store"));
    }
    if (simple == NULL) {
        ck_assert_uint_eq(a->op_count, 0);
        ck_assert_uint_eq(a->value.len, 0);
        return;
    }
    expect_bytes("response_key", a->key, vpr_bytes_str(text_of(simple, "response_key")));
    expect_bytes("value", a->value, hex_field(proof, "value"));
    ck_assert_uint_eq(a->op_count, 2);
    for (size_t i = 0; i < 2; i++) {
        const json_t *op = json_array_get(json_object_get(simple, "ops"), i);
        ck_assert_str_eq(a->ops[i].type, text_of(op, "type"));
        expect_bytes("op key", a->ops[i].key, hex_field(op, "key"));
        expect_bytes("op data", a->ops[i].data, hex_field(op, "data"));
    }
    struct vpr_bytes store = vpr_bytes_str(text_of(proof, "store"));
    struct vpr_bytes key = hex_field(proof, "key");
    ck_assert(vpr_verify_simple(app_hash, store, key, a->value, a->ops, 2));
    ck_assert(!vpr_verify_simple(app_hash, store, key, a->key, a->ops, 2));
}

static void check_ics23_route(const struct vpr_proof_answer *a, const json_t *proof,
                              const struct vpr_hash *app_hash)
{
    const json_t *ics23 = json_object_get(proof, "ics23");
    if (json_object_get(proof, "response_query_ics23") != NULL) {
        expect_bytes("response_query_ics23", response(a),
                     hex_field(proof, "response_query_ics23"));
    }
    ck_assert_uint_eq(a->op_count, 2);
    expect_bytes("op 0", a->ops[0].data, hex_field(ics23, "op0_data"));
    expect_bytes("op 1", a->ops[1].data, hex_field(ics23, "op1_data"));
    struct vpr_bytes store = vpr_bytes_str(text_of(proof, "store"));
    struct vpr_bytes key = hex_field(proof, "key");
    ck_assert(vpr_verify_ics23(app_hash, store, key, a->value, a->ops, 2));
    /* and it proves neither the contrary nor anything about another store */
    struct vpr_bytes other = a->value.len == 0 ? key : (struct vpr_bytes){NULL, 0};
    ck_assert(!vpr_verify_ics23(app_hash, store, key, other, a->ops, 2));
    ck_assert(!vpr_verify_ics23(app_hash, vpr_bytes_str("other"), key, a->value, a->ops, 2));
}

START_TEST(every_proof_is_made_byte_for_byte_and_verifies)
{
    const json_t *cases = json_object_get(vectors, "cases");
    const json_t *proofs = json_object_get(vectors, "proofs");
    size_t seen = 0;
    ck_assert_uint_eq(json_array_size(proofs), PROOFS);
    for (size_t c = 0; c < CASES; c++) {
        const json_t *one = json_array_get(cases, c);
        struct vpr_store *store = store_of(json_object_get(one, "stores"));
        if (store == NULL) {
            continue;
        }
        struct vpr_view *view = vpr_store_view(store);
        struct vpr_hash app_hash = vpr_view_app_hash(view);
        for (size_t p = 0; p < PROOFS; p++) {
            const json_t *proof = json_array_get(proofs, p);
            if (strcmp(text_of(proof, "case"), text_of(one, "name")) != 0) {
                continue;
            }
            struct vpr_proof_answer a = ask(view, "store", proof);
            ck_assert_int_eq(a.value.len == 0, strcmp(text_of(proof, "kind"), "absence") == 0);
            check_store_route(&a, proof, &app_hash);
            a = ask(view, "ics23", proof);
            check_ics23_route(&a, proof, &app_hash);
            seen++;
        }
        vpr_view_release(view);
        vpr_store_close(store);
        vpr_arena_release(&arena, 0);
    }
    ck_assert_uint_eq(seen, PROOFS);
}
END_TEST

static bool accepts_simple(const json_t *one)
{
    struct vpr_proof_op ops[4];
    const json_t *list = json_object_get(one, "ops");
    size_t count = json_array_size(list);
    struct vpr_hash app_hash = hash_field(one, "app_hash");
    ck_assert_uint_le(count, VPR_COUNT(ops));
    for (size_t i = 0; i < count; i++) {
        const json_t *op = json_array_get(list, i);
        ops[i] = (struct vpr_proof_op){text_of(op, "type"), hex_field(op, "key"),
                                       hex_field(op, "data")};
    }
    return vpr_verify_simple(&app_hash, vpr_bytes_str(text_of(one, "store")),
                             hex_field(one, "key"), hex_field(one, "value"), ops, count);
}

START_TEST(everything_refused_elsewhere_is_refused_here)
{
    const json_t *refused = json_object_get(vectors, "refused");
    ck_assert_uint_eq(json_array_size(refused), REFUSALS);
    for (size_t i = 0; i < REFUSALS; i++) {
        const json_t *one = json_array_get(refused, i);
        const char *kind = text_of(one, "kind"), *what = text_of(one, "what");
        if (strcmp(kind, "simple:v") == 0) {
            ck_assert_msg(!accepts_simple(one), "accepted: %s", what);
            continue;
        }
        struct vpr_hash root = hash_field(one, "root");
        struct vpr_bytes key = hex_field(one, "key"), data = hex_field(one, "data");
        if (strcmp(kind, "ics23 existence") == 0) {
            ck_assert_msg(!vpr_verify_exists(&root, key, hex_field(one, "value"), data),
                          "accepted: %s", what);
        } else {
            ck_assert_str_eq(kind, "ics23 absence");
            ck_assert_msg(!vpr_verify_absent(&root, key, data), "accepted: %s", what);
        }
    }
}
END_TEST

/* Every one-bit change of a proof is refused: existence and absence, both operations. */
START_TEST(no_flipped_bit_is_accepted)
{
    const json_t *cases = json_object_get(vectors, "cases");
    const json_t *proofs = json_object_get(vectors, "proofs");
    size_t flips = 0;
    for (size_t p = 0; p < PROOFS; p++) {
        const json_t *proof = json_array_get(proofs, p);
        const json_t *ics23 = json_object_get(proof, "ics23");
        if (strcmp(text_of(proof, "case"), "five stores") != 0) {
            continue;
        }
        const json_t *one = NULL;
        for (size_t c = 0; c < CASES; c++) {
            const json_t *at = json_array_get(cases, c);
            one = strcmp(text_of(at, "name"), "five stores") == 0 ? at : one;
        }
        struct vpr_hash app_hash = hash_field(one, "app_hash");
        struct vpr_bytes key = hex_field(proof, "key"), store, value = {NULL, 0};
        store = vpr_bytes_str(text_of(proof, "store"));
        if (json_object_get(proof, "value") != NULL) {
            value = hex_field(proof, "value");
        }
        for (size_t op = 0; op < 2; op++) {
            struct vpr_bytes datas[2] = {hex_field(ics23, "op0_data"),
                                         hex_field(ics23, "op1_data")};
            uint8_t *bytes = vpr_arena_copy(&arena, datas[op].data, datas[op].len);
            datas[op].data = bytes;
            for (size_t bit = 0; bit < datas[op].len * 8; bit++) {
                bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
                const struct vpr_proof_op ops[2] = {{VPR_PROOF_ICS23, key, datas[0]},
                                                    {VPR_PROOF_ICS23_MAP, store, datas[1]}};
                ck_assert(!vpr_verify_ics23(&app_hash, store, key, value, ops, 2));
                bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
                flips++;
            }
        }
    }
    ck_assert_uint_gt(flips, 20000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("commitment");
    TCase *tests = tcase_create("vectors");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, leaf_and_inner_are_as_spelled_out);
    tcase_add_test(tests, every_case_has_its_roots_and_app_hash);
    tcase_add_test(tests, a_store_commits_every_case_to_its_app_hash);
    tcase_add_test(tests, every_step_of_the_sequence_meets_its_root);
    tcase_add_test(tests, every_proof_is_made_byte_for_byte_and_verifies);
    tcase_add_test(tests, everything_refused_elsewhere_is_refused_here);
    tcase_add_test(tests, no_flipped_bit_is_accepted);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
