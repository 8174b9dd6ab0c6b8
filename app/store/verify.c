#include "app/store/verify.h"

#include "app/base/bytes.h"
#include "app/base/hash.h"
#include "app/base/merkle.h"
#include "app/store/trie.h"

#define SIMPLE_AUNTS_MAX 100 /* as CometBFT's */

/* ---- protobuf: fields in order, minimal varints ---- */

static bool take_varint(struct vpr_bytes *in, uint64_t *ret)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < 10 && i < in->len; i++) {
        uint8_t byte = in->data[i];
        if (i == 9 && byte > 1) {
            return false;
        }
        v |= (uint64_t)(byte & 0x7F) << (7 * i);
        if (byte < 0x80) {
            if (byte == 0 && i > 0) {
                return false; /* a longer spelling */
            }
            *in = vpr_bytes_of(in->data + i + 1, in->len - i - 1);
            *ret = v;
            return true;
        }
    }
    return false;
}

static bool take_tag(struct vpr_bytes *in, uint8_t tag)
{
    if (in->len == 0 || in->data[0] != tag) {
        return false;
    }
    *in = vpr_bytes_of(in->data + 1, in->len - 1);
    return true;
}

/* A field of bytes, if it comes next; one present but empty is not ours. */
static bool take_bytes(struct vpr_bytes *in, unsigned field, struct vpr_bytes *ret)
{
    struct vpr_bytes rest = *in;
    uint64_t len;
    if (!take_tag(&rest, (uint8_t)(field << 3 | 2)) || !take_varint(&rest, &len) || len == 0 ||
        len > rest.len) {
        return false;
    }
    *ret = vpr_bytes_of(rest.data, (size_t)len);
    *in = vpr_bytes_of(rest.data + len, rest.len - (size_t)len);
    return true;
}

static bool take_int(struct vpr_bytes *in, unsigned field, uint64_t *ret)
{
    struct vpr_bytes rest = *in;
    if (!take_tag(&rest, (uint8_t)(field << 3)) || !take_varint(&rest, ret) || *ret == 0) {
        return false;
    }
    *in = rest;
    return true;
}

static bool same_hash(struct vpr_bytes bytes, const struct vpr_hash *hash)
{
    return bytes.len == 32 && memcmp(bytes.data, hash->b, 32) == 0;
}

/* ---- one existence proof ---- */

struct exist {
    struct vpr_bytes key, value, leaf_op;
    size_t depth;
    bool right[VPR_TRIE_DEPTH_MAX];               /* leaf side first */
    struct vpr_hash siblings[VPR_TRIE_DEPTH_MAX];
};

static bool decode_step(struct vpr_bytes step, bool *ret_right, struct vpr_hash *ret_sibling)
{
    uint64_t hash_op;
    struct vpr_bytes prefix, suffix;
    if (!take_int(&step, 1, &hash_op) || hash_op != 1 || !take_bytes(&step, 2, &prefix) ||
        prefix.data[0] != 0x01) {
        return false;
    }
    if (prefix.len == 33 && step.len == 0) {
        *ret_right = true;
        memcpy(ret_sibling->b, prefix.data + 1, 32);
        return true;
    }
    if (prefix.len == 1 && take_bytes(&step, 3, &suffix) && suffix.len == 32 && step.len == 0) {
        *ret_right = false;
        memcpy(ret_sibling->b, suffix.data, 32);
        return true;
    }
    return false;
}

static bool decode_exist(struct vpr_bytes in, struct exist *ret)
{
    struct vpr_bytes step;
    ret->depth = 0;
    if (!take_bytes(&in, 1, &ret->key) || !take_bytes(&in, 2, &ret->value) ||
        !take_bytes(&in, 3, &ret->leaf_op)) {
        return false;
    }
    while (take_bytes(&in, 4, &step)) {
        if (ret->depth == VPR_TRIE_DEPTH_MAX ||
            !decode_step(step, &ret->right[ret->depth], &ret->siblings[ret->depth])) {
            return false;
        }
        ret->depth++;
    }
    return in.len == 0;
}

static struct vpr_hash fold(const struct exist *e, struct vpr_hash hash)
{
    for (size_t i = 0; i < e->depth; i++) {
        hash = e->right[i] ? vpr_merkle_inner(&e->siblings[i], &hash)
                           : vpr_merkle_inner(&hash, &e->siblings[i]);
    }
    return hash;
}

/* A leaf of our trie: besides the hashes, it must stand where its key says. */
static bool holds(const struct exist *e, const struct vpr_hash *root)
{
    if (!vpr_bytes_equal(e->leaf_op, vpr_proof_trie_leaf)) {
        return false;
    }
    struct vpr_hash key = vpr_sha256(e->key.data, e->key.len);
    struct vpr_hash value = vpr_sha256(e->value.data, e->value.len);
    for (size_t i = 0; i < e->depth; i++) {
        if (e->right[i] != (vpr_trie_bit(&key, e->depth - 1 - i) == 1)) {
            return false;
        }
    }
    struct vpr_hash hash = fold(e, vpr_trie_leaf(&key, &value));
    return vpr_hash_equal(&hash, root);
}

bool vpr_verify_exists(const struct vpr_hash *root, struct vpr_bytes key,
                       struct vpr_bytes value, struct vpr_bytes proof)
{
    struct vpr_bytes inner;
    struct exist e;
    return take_bytes(&proof, 1, &inner) && proof.len == 0 && decode_exist(inner, &e) &&
           vpr_bytes_equal(e.key, key) && vpr_bytes_equal(e.value, value) && holds(&e, root);
}

/* ---- absence ---- */

static bool is_empty(const struct vpr_hash *hash)
{
    static const struct vpr_hash empty;
    return vpr_hash_equal(hash, &empty);
}

/* Below the top `skip` steps nothing lies further to the `right` (or left) than this leaf. */
static bool outermost(const struct exist *e, size_t skip, bool right)
{
    for (size_t i = 0; i < e->depth - skip; i++) {
        if (e->right[i] != right && !is_empty(&e->siblings[i])) {
            return false;
        }
    }
    return true;
}

/* Nothing lies between: below the node where their ways part, left is right-most and right
 * is left-most. */
static bool adjacent(const struct exist *left, const struct exist *right)
{
    size_t common = 0;
    while (common < left->depth && common < right->depth &&
           left->right[left->depth - 1 - common] == right->right[right->depth - 1 - common]) {
        common++;
    }
    return common < left->depth && common < right->depth &&
           !left->right[left->depth - 1 - common] &&
           outermost(left, common + 1, true) && outermost(right, common + 1, false);
}

bool vpr_verify_absent(const struct vpr_hash *root, struct vpr_bytes key,
                       struct vpr_bytes proof)
{
    struct vpr_bytes inner, shown, part;
    struct exist left, right;
    if (!take_bytes(&proof, 2, &inner) || proof.len != 0 || !take_bytes(&inner, 1, &shown) ||
        !vpr_bytes_equal(shown, key)) {
        return false;
    }
    struct vpr_hash hash = vpr_sha256(key.data, key.len);
    bool has_left = take_bytes(&inner, 2, &part);
    if (has_left) {
        if (!decode_exist(part, &left) || !holds(&left, root)) {
            return false;
        }
        struct vpr_hash near = vpr_sha256(left.key.data, left.key.len);
        if (memcmp(near.b, hash.b, 32) >= 0) {
            return false;
        }
    }
    bool has_right = take_bytes(&inner, 3, &part);
    if (has_right) {
        if (!decode_exist(part, &right) || !holds(&right, root)) {
            return false;
        }
        struct vpr_hash near = vpr_sha256(right.key.data, right.key.len);
        if (memcmp(hash.b, near.b, 32) >= 0) {
            return false;
        }
    }
    if (inner.len != 0 || (!has_left && !has_right)) {
        return false;
    }
    if (has_left && has_right) {
        return adjacent(&left, &right);
    }
    return has_left ? outermost(&left, 0, true) : outermost(&right, 0, false);
}

/* ---- the map of stores ---- */

static bool name_ok(struct vpr_bytes name)
{
    return name.len >= 1 && name.len <= VPR_TRIE_NAME_MAX;
}

bool vpr_verify_map(const struct vpr_hash *app_hash, struct vpr_bytes name,
                    const struct vpr_hash *root, struct vpr_bytes proof)
{
    struct vpr_bytes inner;
    struct exist e;
    if (!take_bytes(&proof, 1, &inner) || proof.len != 0 || !decode_exist(inner, &e) ||
        !vpr_bytes_equal(e.key, name) || !same_hash(e.value, root) ||
        !vpr_bytes_equal(e.leaf_op, vpr_proof_map_leaf) || !name_ok(name)) {
        return false;
    }
    struct vpr_hash hash = fold(&e, vpr_trie_map_leaf(name, root));
    return vpr_hash_equal(&hash, app_hash);
}

/* ---- simple:v ---- */

struct simple {
    uint64_t total, index;
    struct vpr_bytes leaf_hash;
    size_t count;
    struct vpr_bytes aunts[SIMPLE_AUNTS_MAX]; /* leaf side first */
};

static bool decode_simple(struct vpr_bytes op, struct vpr_bytes key, struct simple *ret)
{
    struct vpr_bytes shown, in;
    if (!take_bytes(&op, 1, &shown) || !vpr_bytes_equal(shown, key) ||
        !take_bytes(&op, 2, &in) || op.len != 0 || !take_int(&in, 1, &ret->total)) {
        return false;
    }
    ret->index = 0;
    ret->count = 0;
    (void)take_int(&in, 2, &ret->index); /* left out when 0 */
    if (ret->total > INT64_MAX || ret->index >= ret->total ||
        !take_bytes(&in, 3, &ret->leaf_hash)) {
        return false;
    }
    while (in.len != 0) {
        if (ret->count == SIMPLE_AUNTS_MAX || !take_bytes(&in, 4, &ret->aunts[ret->count]) ||
            ret->aunts[ret->count].len != 32) {
            return false;
        }
        ret->count++;
    }
    return true;
}

/* The turns of leaf `index` among `total`, root side first; returns how many. */
static size_t turns(uint64_t total, uint64_t index, bool *ret_right)
{
    size_t depth = 0;
    while (total > 1) {
        uint64_t left = vpr_merkle_split(total);
        VPR_ASSERT(depth < VPR_MERKLE_DEPTH_MAX);
        ret_right[depth] = index >= left;
        total = ret_right[depth] ? total - left : left;
        index -= ret_right[depth] ? left : 0;
        depth++;
    }
    return depth;
}

static bool simple_root(const struct simple *s, struct vpr_hash leaf, struct vpr_hash *ret_root)
{
    bool right[VPR_MERKLE_DEPTH_MAX];
    size_t depth = turns(s->total, s->index, right);
    if (!same_hash(s->leaf_hash, &leaf) || depth != s->count) {
        return false;
    }
    for (size_t i = 0; i < depth; i++) {
        struct vpr_hash aunt;
        memcpy(aunt.b, s->aunts[i].data, 32);
        leaf = right[depth - 1 - i] ? vpr_merkle_inner(&aunt, &leaf)
                                    : vpr_merkle_inner(&leaf, &aunt);
    }
    *ret_root = leaf;
    return true;
}

/* The turns must be the key's own bits. */
static bool on_place(const struct simple *s, const struct vpr_hash *key)
{
    bool right[VPR_MERKLE_DEPTH_MAX];
    size_t depth = turns(s->total, s->index, right);
    for (size_t i = 0; i < depth; i++) {
        if (right[i] != (vpr_trie_bit(key, i) == 1)) {
            return false;
        }
    }
    return true;
}

static bool is_op(const struct vpr_proof_op *op, const char *type, struct vpr_bytes key)
{
    return strcmp(op->type, type) == 0 && vpr_bytes_equal(op->key, key);
}

bool vpr_verify_simple(const struct vpr_hash *app_hash, struct vpr_bytes name,
                       struct vpr_bytes key, struct vpr_bytes value,
                       const struct vpr_proof_op *ops, size_t count)
{
    struct vpr_hash hash = vpr_sha256(key.data, key.len);
    struct vpr_bytes hash_key = vpr_bytes_of(hash.b, 32);
    struct simple s;
    struct vpr_hash root;
    if (count != 2 || value.len == 0 || !is_op(&ops[0], VPR_PROOF_SIMPLE, hash_key) ||
        !is_op(&ops[1], VPR_PROOF_SIMPLE, name)) {
        return false;
    }
    struct vpr_hash value_hash = vpr_sha256(value.data, value.len);
    if (!decode_simple(ops[0].data, hash_key, &s) || !on_place(&s, &hash) ||
        !simple_root(&s, vpr_trie_leaf(&hash, &value_hash), &root)) {
        return false;
    }
    struct vpr_hash map_root;
    return name_ok(name) && decode_simple(ops[1].data, name, &s) &&
           simple_root(&s, vpr_trie_map_leaf(name, &root), &map_root) &&
           vpr_hash_equal(&map_root, app_hash);
}

bool vpr_verify_ics23(const struct vpr_hash *app_hash, struct vpr_bytes name,
                      struct vpr_bytes key, struct vpr_bytes value,
                      const struct vpr_proof_op *ops, size_t count)
{
    struct vpr_bytes map, inner;
    struct exist e;
    struct vpr_hash root;
    if (count != 2 || key.len == 0 || !is_op(&ops[0], VPR_PROOF_ICS23, key) ||
        !is_op(&ops[1], VPR_PROOF_ICS23_MAP, name)) {
        return false;
    }
    map = ops[1].data; /* says which root; whether it is in the map is checked below */
    if (!take_bytes(&map, 1, &inner) || !decode_exist(inner, &e) || e.value.len != 32) {
        return false;
    }
    memcpy(root.b, e.value.data, 32);
    bool shown = value.len != 0 ? vpr_verify_exists(&root, key, value, ops[0].data)
                                : vpr_verify_absent(&root, key, ops[0].data);
    return shown && vpr_verify_map(app_hash, name, &root, ops[1].data);
}
