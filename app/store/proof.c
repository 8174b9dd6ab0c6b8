#include "app/store/proof.h"

#include "app/base/bytes.h"
#include "app/base/hash.h"
#include "app/base/merkle.h"
#include "app/store/inside.h"

#define SIMPLE_DEPTH_MAX 63
#define STEP_BYTES_MAX 48  /* one step of a path, one aunt */
#define FIELD_BYTES_MAX 12 /* a tag and a length, or a tag and an integer */

/* A way from a leaf to a root, leaf side first. */
struct way {
    size_t depth;
    bool right[VPR_TRIE_DEPTH_MAX]; /* we are the right side, the sibling is left */
    struct vpr_hash siblings[VPR_TRIE_DEPTH_MAX];
};

/* ---- protobuf, as far as proofs need it: default values are left out ---- */

static struct vpr_writer message(struct vpr_arena *arena, size_t size)
{
    return vpr_writer(vpr_arena_alloc(arena, size), size);
}

static struct vpr_bytes done(const struct vpr_writer *w)
{
    return vpr_bytes_of(w->data, w->len);
}

static void put_varint(struct vpr_writer *w, uint64_t v)
{
    while (v >= 0x80) {
        vpr_write_u8(w, (uint8_t)(v | 0x80));
        v >>= 7;
    }
    vpr_write_u8(w, (uint8_t)v);
}

static void put_int(struct vpr_writer *w, unsigned field, uint64_t v)
{
    if (v != 0) {
        put_varint(w, field << 3);
        put_varint(w, v);
    }
}

static void put_bytes(struct vpr_writer *w, unsigned field, struct vpr_bytes v)
{
    if (v.len != 0) {
        put_varint(w, field << 3 | 2);
        put_varint(w, v.len);
        vpr_write(w, v.data, v.len);
    }
}

static struct vpr_bytes hash_bytes(const struct vpr_hash *hash)
{
    return vpr_bytes_of(hash->b, sizeof hash->b);
}

/* ---- simple:v ---- */

/* ValueOp{key, proof}; Proof{total, index, leaf_hash, aunts}. */
static struct vpr_bytes value_op(struct vpr_arena *arena, struct vpr_bytes key, uint64_t total,
                                 uint64_t index, const struct vpr_hash *leaf,
                                 const struct way *way)
{
    struct vpr_writer proof =
        message(arena, 3 * FIELD_BYTES_MAX + 32 + way->depth * STEP_BYTES_MAX);
    put_int(&proof, 1, total);
    put_int(&proof, 2, index);
    put_bytes(&proof, 3, hash_bytes(leaf));
    for (size_t i = 0; i < way->depth; i++) {
        put_bytes(&proof, 4, hash_bytes(&way->siblings[i]));
    }
    struct vpr_writer op = message(arena, 2 * FIELD_BYTES_MAX + key.len + proof.len);
    put_bytes(&op, 1, key);
    put_bytes(&op, 2, done(&proof));
    return done(&op);
}

/* A trie's leaf as CometBFT's own tree would hold it: its place among `total` leaves, whose
 * tree splits as ours does.  2^63 does not fit its int64; 2^63 - 1 has the same turns,
 * unless the way begins with 62 ones. */
static bool simple_place(const struct vpr_hash *key, size_t depth, uint64_t *ret_total,
                         uint64_t *ret_index)
{
    if (depth > SIMPLE_DEPTH_MAX) {
        return false;
    }
    uint64_t index = 0;
    for (size_t i = 0; i < depth; i++) {
        index = index << 1 | vpr_trie_bit(key, i);
    }
    if (depth == SIMPLE_DEPTH_MAX && index >> 1 == (UINT64_C(1) << 62) - 1) {
        return false;
    }
    *ret_total = depth == SIMPLE_DEPTH_MAX ? (uint64_t)INT64_MAX : UINT64_C(1) << depth;
    *ret_index = index;
    return true;
}

/* ---- ICS-23 ---- */

/* LeafOp{hash SHA256, prehash_key SHA256 or none, prehash_value SHA256, length VAR_PROTO,
 * prefix 00}. */
static const uint8_t trie_leaf_op[] = {0x08, 1, 0x10, 1, 0x18, 1, 0x20, 1, 0x2a, 1, 0x00};
static const uint8_t map_leaf_op[] = {0x08, 1, 0x18, 1, 0x20, 1, 0x2a, 1, 0x00};
const struct vpr_bytes vpr_proof_trie_leaf = {trie_leaf_op, sizeof trie_leaf_op};
const struct vpr_bytes vpr_proof_map_leaf = {map_leaf_op, sizeof map_leaf_op};

/* ExistenceProof{key, value, leaf, path}. */
static struct vpr_bytes existence(struct vpr_arena *arena, struct vpr_bytes key,
                                  struct vpr_bytes value, struct vpr_bytes leaf_op,
                                  const struct way *way)
{
    struct vpr_writer w = message(arena, 3 * FIELD_BYTES_MAX + key.len + value.len +
                                             leaf_op.len + way->depth * STEP_BYTES_MAX);
    put_bytes(&w, 1, key);
    put_bytes(&w, 2, value);
    put_bytes(&w, 3, leaf_op);
    for (size_t i = 0; i < way->depth; i++) {
        uint8_t prefix[33] = {0x01}, step[STEP_BYTES_MAX];
        struct vpr_writer s = vpr_writer(step, sizeof step);
        put_int(&s, 1, 1); /* SHA256 */
        if (way->right[i]) {
            memcpy(prefix + 1, way->siblings[i].b, 32);
            put_bytes(&s, 2, vpr_bytes_of(prefix, sizeof prefix));
        } else {
            put_bytes(&s, 2, vpr_bytes_of(prefix, 1));
            put_bytes(&s, 3, hash_bytes(&way->siblings[i]));
        }
        put_bytes(&w, 4, done(&s));
    }
    return done(&w);
}

/* CommitmentProof{exist} or {nonexist}. */
static struct vpr_bytes commitment(struct vpr_arena *arena, unsigned field,
                                   struct vpr_bytes proof)
{
    struct vpr_writer w = message(arena, FIELD_BYTES_MAX + proof.len);
    put_bytes(&w, field, proof);
    return done(&w);
}

/* ---- where the parts come from ---- */

struct query {
    struct vpr_view *view;
    struct vpr_arena *arena;
    uint8_t id;
    struct vpr_bytes name, key; /* both in the arena: the answer may outlive the view */
    struct vpr_hash hash;       /* of the key */
};

static bool trie_way(const struct query *q, const struct vpr_hash *key, struct way *ret_way,
                     struct vpr_hash *ret_leaf)
{
    struct vpr_trie_path path;
    if (!vpr_trie_find(q->view->store->heap, &q->view->tries[q->id], key, &path)) {
        return false;
    }
    ret_way->depth = path.depth;
    for (size_t i = 0; i < path.depth; i++) {
        ret_way->right[i] = vpr_trie_bit(key, path.depth - 1 - i) == 1;
        ret_way->siblings[i] = path.siblings[i];
    }
    *ret_leaf = path.leaf;
    return true;
}

static void map_way(const struct query *q, struct way *ret_way, struct vpr_hash *ret_leaf)
{
    const struct vpr_store *store = q->view->store;
    struct vpr_hash leaves[VPR_STORES_MAX];
    bool down[VPR_MERKLE_DEPTH_MAX]; /* turns root side first */
    size_t depth = 0;
    vpr_store_map_leaves(store, q->view->tries, leaves);
    ret_way->depth = vpr_merkle_aunts(ret_way->siblings, leaves, store->count, q->id);
    uint64_t count = store->count, index = q->id;
    while (count > 1) {
        uint64_t left = vpr_merkle_split(count);
        down[depth] = index >= left;
        index -= down[depth] ? left : 0;
        count = down[depth] ? count - left : left;
        depth++;
    }
    VPR_ASSERT(depth == ret_way->depth);
    for (size_t i = 0; i < depth; i++) {
        ret_way->right[i] = down[depth - 1 - i];
    }
    *ret_leaf = leaves[q->id];
}

static void prove_simple(const struct query *q, struct vpr_proof_answer *answer)
{
    struct way way;
    struct vpr_hash leaf;
    uint64_t total, index;
    if (!trie_way(q, &q->hash, &way, &leaf) ||
        !simple_place(&q->hash, way.depth, &total, &index)) {
        return;
    }
    struct vpr_bytes hash = vpr_arena_bytes(q->arena, hash_bytes(&q->hash));
    answer->ops[0] = (struct vpr_proof_op){
        VPR_PROOF_SIMPLE, hash, value_op(q->arena, hash, total, index, &leaf, &way)};
    map_way(q, &way, &leaf);
    answer->ops[1] = (struct vpr_proof_op){
        VPR_PROOF_SIMPLE, q->name,
        value_op(q->arena, q->name, q->view->store->count, q->id, &leaf, &way)};
    answer->op_count = 2;
}

/* The existence proof of the pair whose key has this hash. */
static struct vpr_bytes pair_exists(const struct query *q, const struct vpr_hash *hash)
{
    const struct vpr_state state = {NULL, q->view};
    const struct vpr_kv *kv = q->view->store->kv;
    struct vpr_bytes key, value;
    struct vpr_hash leaf;
    struct way way;
    uint8_t index_key[1 + 32] = {q->id};
    memcpy(index_key + 1, hash->b, 32);
    bool found = kv->get(kv->self, q->view->snapshot, VPR_KV_KEYINDEX, q->arena,
                         vpr_bytes_of(index_key, sizeof index_key), &key);
    found = found && vpr_state_get(&state, q->arena, q->id, key, &value);
    found = found && trie_way(q, hash, &way, &leaf);
    VPR_ASSERT(found); /* the key index, the state and the trie hold the same keys */
    return existence(q->arena, key, value, vpr_proof_trie_leaf, &way);
}

/* NonExistenceProof{key, left, right}. */
static struct vpr_bytes absence(const struct query *q)
{
    const struct vpr_trie_heap *heap = q->view->store->heap;
    const struct vpr_trie *trie = &q->view->tries[q->id];
    struct vpr_bytes left = {NULL, 0}, right = {NULL, 0};
    struct vpr_hash near;
    if (vpr_trie_left_of(heap, trie, &q->hash, &near)) {
        left = pair_exists(q, &near);
    }
    if (vpr_trie_right_of(heap, trie, &q->hash, &near)) {
        right = pair_exists(q, &near);
    }
    struct vpr_writer w =
        message(q->arena, 3 * FIELD_BYTES_MAX + q->key.len + left.len + right.len);
    put_bytes(&w, 1, q->key);
    put_bytes(&w, 2, left);
    put_bytes(&w, 3, right);
    return done(&w);
}

static void prove_ics23(const struct query *q, bool present, struct vpr_proof_answer *answer)
{
    struct vpr_arena *arena = q->arena;
    const struct vpr_trie *trie = &q->view->tries[q->id];
    if (trie->leaves == 0) {
        return; /* an empty tree has no neighbours to show */
    }
    struct vpr_bytes data = present ? commitment(arena, 1, pair_exists(q, &q->hash))
                                    : commitment(arena, 2, absence(q));
    answer->ops[0] = (struct vpr_proof_op){VPR_PROOF_ICS23, answer->key, data};

    struct way way;
    struct vpr_hash leaf;
    map_way(q, &way, &leaf);
    struct vpr_bytes map =
        existence(arena, q->name, hash_bytes(&trie->root), vpr_proof_map_leaf, &way);
    answer->ops[1] =
        (struct vpr_proof_op){VPR_PROOF_ICS23_MAP, q->name, commitment(arena, 1, map)};
    answer->op_count = 2;
}

/* ProofOps{ops}; ProofOp{type, key, data}. */
static struct vpr_bytes encode_ops(struct vpr_arena *arena, const struct vpr_proof_op *ops,
                                   size_t count)
{
    struct vpr_bytes wires[2];
    size_t size = 0;
    VPR_ASSERT(count <= VPR_COUNT(wires));
    for (size_t i = 0; i < count; i++) {
        struct vpr_bytes type = vpr_bytes_str(ops[i].type);
        struct vpr_writer w =
            message(arena, 3 * FIELD_BYTES_MAX + type.len + ops[i].key.len + ops[i].data.len);
        put_bytes(&w, 1, type);
        put_bytes(&w, 2, ops[i].key);
        put_bytes(&w, 3, ops[i].data);
        wires[i] = done(&w);
        size += FIELD_BYTES_MAX + w.len;
    }
    struct vpr_writer w = message(arena, size);
    for (size_t i = 0; i < count; i++) {
        put_bytes(&w, 1, wires[i]);
    }
    return done(&w);
}

/* ---- the two routes ---- */

static bool strip(struct vpr_bytes *path, const char *front, const char *back)
{
    struct vpr_bytes f = vpr_bytes_str(front), b = vpr_bytes_str(back);
    if (path->len < f.len + b.len || !vpr_bytes_starts(*path, f) ||
        memcmp(path->data + path->len - b.len, b.data, b.len) != 0) {
        return false;
    }
    *path = vpr_bytes_of(path->data + f.len, path->len - f.len - b.len);
    return true;
}

bool vpr_proof_path(struct vpr_bytes path)
{
    return strip(&path, "/store/", "/key") || strip(&path, "/ics23/", "/key");
}

static bool find_store(const struct vpr_store *store, struct vpr_bytes name, uint8_t *ret_id)
{
    for (size_t i = 0; i < store->count; i++) {
        if (vpr_bytes_equal(name, vpr_bytes_str(store->names[i]))) {
            *ret_id = (uint8_t)i;
            return true;
        }
    }
    return false;
}

/* `x:` and upper-case hex: the light client reads it back as the 32 bytes, whatever the
 * key is. */
static struct vpr_bytes hex_key(struct vpr_arena *arena, const struct vpr_hash *hash)
{
    char *text = vpr_arena_alloc(arena, 2 + 64 + 1);
    memcpy(text, "x:", 2);
    vpr_hex(text + 2, hash->b, 32);
    for (char *c = text + 2; *c != 0; c++) {
        *c = *c >= 'a' && *c <= 'f' ? (char)(*c - 'a' + 'A') : *c;
    }
    return vpr_bytes_of(text, 2 + 64);
}

enum vpr_code vpr_proof_query(struct vpr_view *view, struct vpr_arena *arena,
                              struct vpr_bytes path, struct vpr_bytes key, bool prove,
                              struct vpr_proof_answer *ret_answer, struct vpr_err *err)
{
    struct query q = {view, arena, 0, {NULL, 0}, vpr_arena_bytes(arena, key), {{0}}};
    struct vpr_proof_answer answer;
    memset(&answer, 0, sizeof answer);
    bool simple = strip(&path, "/store/", "/key");
    if (!simple && !strip(&path, "/ics23/", "/key")) {
        return vpr_fail(err, VPR_BAD_FIELD,
                        "path is neither /store/NAME/key nor /ics23/NAME/key");
    }
    if (!find_store(view->store, path, &q.id)) {
        return vpr_fail(err, VPR_NOT_FOUND, "no store has that name; there are %zu",
                        view->store->count);
    }
    if (key.len < 1 || key.len > VPR_STORE_KEY_BYTES_MAX) {
        return vpr_fail(err, VPR_BAD_FIELD, "a key has 1 to %d bytes, not %zu",
                        VPR_STORE_KEY_BYTES_MAX, key.len);
    }
    q.name = vpr_arena_bytes(arena, path);
    q.hash = vpr_sha256(key.data, key.len);
    answer.height = view->height;
    const struct vpr_state state = {NULL, view};
    bool present = vpr_state_get(&state, arena, q.id, key, &answer.value);
    if (simple) {
        answer.key = hex_key(arena, &q.hash);
    } else {
        answer.key = q.key;
    }
    if (prove && simple && present) {
        prove_simple(&q, &answer);
    } else if (prove && !simple) {
        prove_ics23(&q, present, &answer);
    }
    if (answer.op_count > 0) {
        answer.proof_ops = encode_ops(arena, answer.ops, answer.op_count);
    }
    *ret_answer = answer;
    return VPR_OK;
}
