#include "app/store/trie.h"

#include "app/base/bytes.h"
#include "app/base/hash.h"
#include "app/base/mem.h"
#include "app/base/merkle.h"

/* Node ids: 0 is none, the top bit tells leaves from inner nodes, the rest is the place. */
#define LEAF UINT32_C(0x80000000)
#define CHUNK_BITS 16
#define CHUNK_NODES (UINT32_C(1) << CHUNK_BITS)
#define CHUNKS_MAX (UINT32_C(1) << (31 - CHUNK_BITS))

#define WARM_MAX 32 /* as many paths are fetched from memory side by side */
#define HEAD_BITS 64
#define INSERTION_MAX 24 /* below this many, insertion beats another radix pass */

/* What an inner node hashes: the hashes of its two sides, as seen one bit below it.  A node
 * does not hold its own hash, its parent does; so hashing a path touches no sibling. */
struct line {
    struct vpr_hash side[2];
};

struct inner {
    uint32_t side[2];
    uint32_t any_leaf; /* some leaf below: spells the bits that lead here */
    uint32_t bit;      /* the first bit in which the two sides differ */
    uint64_t head;     /* the first 64 of those bits: enough for most, and nearer */
    uint64_t unused;   /* half a cache line each */
};

struct ids {
    uint32_t *items;
    size_t count, size;
};

/* Nodes of one kind come in chunks that never move, so that readers may follow ids while
 * the owner adds chunks.  Place 0 stays unused. */
struct pool {
    uint32_t next; /* first place never handed out */
    struct ids freed;
};

/* Nodes superseded when `generation` became the last one. */
struct garbage {
    struct garbage *next;
    uint64_t generation;
    struct ids ids;
};

struct vpr_trie_heap {
    struct line *lines[CHUNKS_MAX];
    struct inner *inners[CHUNKS_MAX];
    struct vpr_hash *leaves[CHUNKS_MAX]; /* the hashes of the keys */
    struct pool inner_pool, leaf_pool;
    struct ids born, dead; /* since the last accept */
    struct garbage *oldest, *newest;
};

/* A subtree with the hash it has when seen from depth `top`. */
struct sub {
    uint32_t id;
    uint32_t top;
    struct vpr_hash hash;
};

static void ids_push(struct ids *ids, uint32_t id)
{
    if (ids->count == ids->size) {
        ids->size = ids->size == 0 ? 1024 : ids->size * 2;
        ids->items = vpr_mem_resize(ids->items, ids->size * sizeof ids->items[0]);
    }
    ids->items[ids->count++] = id;
}

static uint32_t take_place(struct pool *pool)
{
    if (pool->freed.count > 0) {
        return pool->freed.items[--pool->freed.count];
    }
    VPR_ASSERT(pool->next < LEAF);
    return pool->next++;
}

static struct line *line_of(const struct vpr_trie_heap *heap, uint32_t id)
{
    return &heap->lines[id >> CHUNK_BITS][id & (CHUNK_NODES - 1)];
}

static struct inner *inner_of(const struct vpr_trie_heap *heap, uint32_t id)
{
    return &heap->inners[id >> CHUNK_BITS][id & (CHUNK_NODES - 1)];
}

static struct vpr_hash *leaf_of(const struct vpr_trie_heap *heap, uint32_t id)
{
    uint32_t place = id & ~LEAF;
    return &heap->leaves[place >> CHUNK_BITS][place & (CHUNK_NODES - 1)];
}

static const struct vpr_hash *any_key(const struct vpr_trie_heap *heap, uint32_t id)
{
    return leaf_of(heap, (id & LEAF) != 0 ? id : inner_of(heap, id)->any_leaf);
}

static uint32_t new_leaf(struct vpr_trie_heap *heap, const struct vpr_hash *key)
{
    uint32_t place = take_place(&heap->leaf_pool);
    uint32_t chunk = place >> CHUNK_BITS;
    if (heap->leaves[chunk] == NULL) {
        heap->leaves[chunk] = vpr_mem_map(CHUNK_NODES * sizeof(struct vpr_hash));
    }
    *leaf_of(heap, place) = *key;
    ids_push(&heap->born, place | LEAF);
    return place | LEAF;
}

static uint32_t new_inner(struct vpr_trie_heap *heap)
{
    uint32_t place = take_place(&heap->inner_pool);
    uint32_t chunk = place >> CHUNK_BITS;
    if (heap->inners[chunk] == NULL) {
        heap->inners[chunk] = vpr_mem_map(CHUNK_NODES * sizeof(struct inner));
        heap->lines[chunk] = vpr_mem_map(CHUNK_NODES * sizeof(struct line));
    }
    ids_push(&heap->born, place);
    return place;
}

static void free_all(struct vpr_trie_heap *heap, const struct ids *ids)
{
    for (size_t i = 0; i < ids->count; i++) {
        uint32_t id = ids->items[i];
        ids_push((id & LEAF) != 0 ? &heap->leaf_pool.freed : &heap->inner_pool.freed,
                 id & ~LEAF);
    }
}

struct vpr_trie_heap *vpr_trie_heap_open(void)
{
    struct vpr_trie_heap *heap = vpr_mem_alloc(sizeof *heap);
    heap->inner_pool.next = 1;
    heap->leaf_pool.next = 1;
    return heap;
}

void vpr_trie_heap_close(struct vpr_trie_heap *heap)
{
    vpr_trie_collect(heap, UINT64_MAX);
    for (size_t i = 0; i < CHUNKS_MAX; i++) {
        if (heap->leaves[i] != NULL) {
            vpr_mem_unmap(heap->leaves[i], CHUNK_NODES * sizeof(struct vpr_hash));
        }
        if (heap->inners[i] != NULL) {
            vpr_mem_unmap(heap->inners[i], CHUNK_NODES * sizeof(struct inner));
            vpr_mem_unmap(heap->lines[i], CHUNK_NODES * sizeof(struct line));
        }
    }
    vpr_mem_free(heap->inner_pool.freed.items);
    vpr_mem_free(heap->leaf_pool.freed.items);
    vpr_mem_free(heap->born.items);
    vpr_mem_free(heap->dead.items);
    vpr_mem_free(heap);
}

uint64_t vpr_trie_heap_used(const struct vpr_trie_heap *heap)
{
    return (uint64_t)heap->inner_pool.next - 1 - heap->inner_pool.freed.count +
           heap->leaf_pool.next - 1 - heap->leaf_pool.freed.count;
}

struct vpr_hash vpr_trie_leaf(const struct vpr_hash *key_hash,
                              const struct vpr_hash *value_hash)
{
    uint8_t image[67] = {0x00, 0x20};
    memcpy(image + 2, key_hash->b, 32);
    image[34] = 0x20;
    memcpy(image + 35, value_hash->b, 32);
    return vpr_sha256(image, sizeof image);
}

struct vpr_hash vpr_trie_map_leaf(struct vpr_bytes name, const struct vpr_hash *root)
{
    uint8_t image[2 + VPR_TRIE_NAME_MAX + 1 + 32] = {0x00};
    VPR_ASSERT(name.len >= 1 && name.len <= VPR_TRIE_NAME_MAX);
    struct vpr_hash value = vpr_sha256(root->b, 32);
    image[1] = (uint8_t)name.len;
    memcpy(image + 2, name.data, name.len);
    image[2 + name.len] = 0x20;
    memcpy(image + 2 + name.len + 1, value.b, 32);
    return vpr_sha256(image, 2 + name.len + 1 + 32);
}

static int key_cmp(const struct vpr_trie_change *a, const struct vpr_trie_change *b)
{
    return memcmp(a->key.b, b->key.b, sizeof a->key.b);
}

static void insertion_sort(struct vpr_trie_change *changes, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct vpr_trie_change item = changes[i];
        size_t at = i;
        for (; at > 0; at--) {
            int order = key_cmp(&changes[at - 1], &item);
            VPR_ASSERT(order != 0);
            if (order < 0) {
                break;
            }
            changes[at] = changes[at - 1];
        }
        changes[at] = item;
    }
}

/* Every item goes straight to the bucket of its byte, and what lay there goes on: in
 * place, one move an item. */
static void radix_sort(struct vpr_trie_change *changes, size_t count, size_t byte)
{
    size_t next[256] = {0}, end[256];
    if (count <= INSERTION_MAX) {
        insertion_sort(changes, count);
        return;
    }
    VPR_ASSERT(byte < 32); /* 25 equal keys */
    for (size_t i = 0; i < count; i++) {
        next[changes[i].key.b[byte]]++;
    }
    size_t start = 0;
    for (size_t b = 0; b < 256; b++) {
        end[b] = start + next[b];
        next[b] = start;
        start = end[b];
    }
    for (size_t b = 0; b < 256; b++) {
        while (next[b] < end[b]) {
            struct vpr_trie_change item = changes[next[b]];
            while (item.key.b[byte] != b) {
                size_t to = next[item.key.b[byte]]++;
                struct vpr_trie_change displaced = changes[to];
                changes[to] = item;
                item = displaced;
            }
            changes[next[b]++] = item;
        }
    }
    start = 0;
    for (size_t b = 0; b < 256; b++) {
        radix_sort(changes + start, end[b] - start, byte + 1);
        start = end[b];
    }
}

void vpr_trie_sort(struct vpr_trie_change *changes, size_t count)
{
    radix_sort(changes, count, 0);
}

/* How many leading bits two keys share; 256 if they are equal. */
static uint32_t shared_bits(const struct vpr_hash *a, const struct vpr_hash *b)
{
    for (uint32_t i = 0; i < 32; i++) {
        unsigned diff = (unsigned)a->b[i] ^ b->b[i];
        if (diff != 0) {
            return i * 8 + (uint32_t)__builtin_clz(diff) - 24;
        }
    }
    return VPR_TRIE_DEPTH_MAX;
}

static uint64_t head_of(const struct vpr_hash *key)
{
    return vpr_get_be64(key->b);
}

/* How many leading bits a key shares with those that lead to a subtree; at least as many as
 * lead there counts as all. */
static uint32_t shared_with(const struct vpr_trie_heap *heap, const struct vpr_hash *key,
                            uint32_t id)
{
    if ((id & LEAF) == 0) {
        const struct inner *inner = inner_of(heap, id);
        uint64_t diff = inner->head ^ head_of(key);
        if (diff != 0) {
            return (uint32_t)__builtin_clzll(diff);
        }
        if (inner->bit <= HEAD_BITS) {
            return HEAD_BITS;
        }
    }
    return shared_bits(key, any_key(heap, id));
}

/* From depth `top` up to `depth`: the chain of nodes with one empty side. */
static struct vpr_hash lengthen(struct vpr_hash hash, const struct vpr_hash *key, uint32_t top,
                                uint32_t depth)
{
    static const struct vpr_hash empty;
    while (top > depth) {
        top--;
        hash = vpr_trie_bit(key, top) == 0 ? vpr_merkle_inner(&hash, &empty)
                                           : vpr_merkle_inner(&empty, &hash);
    }
    return hash;
}

/* The hash of a subtree seen from `depth`. */
static struct vpr_hash hash_at(const struct vpr_trie_heap *heap, const struct sub *sub,
                               uint32_t depth)
{
    if (sub->id == 0 || (sub->id & LEAF) != 0 || sub->top == depth) {
        return sub->hash;
    }
    const struct vpr_hash *key = any_key(heap, sub->id);
    if (sub->top > depth) {
        return lengthen(sub->hash, key, sub->top, depth);
    }
    /* A new node came in between: the chain above this one is now shorter. */
    const struct line *line = line_of(heap, sub->id);
    return lengthen(vpr_merkle_inner(&line->side[0], &line->side[1]), key,
                    inner_of(heap, sub->id)->bit, depth);
}

static struct sub join(struct vpr_trie_heap *heap, struct sub left, struct sub right,
                       uint32_t bit)
{
    if (left.id == 0) {
        return right;
    }
    if (right.id == 0) {
        return left;
    }
    uint32_t id = new_inner(heap);
    struct line *line = line_of(heap, id);
    line->side[0] = hash_at(heap, &left, bit + 1);
    line->side[1] = hash_at(heap, &right, bit + 1);
    struct inner *inner = inner_of(heap, id);
    *inner = (struct inner){{left.id, right.id}, left.id, bit, 0, 0};
    if ((left.id & LEAF) != 0) {
        inner->head = head_of(leaf_of(heap, left.id));
    } else {
        inner->any_leaf = inner_of(heap, left.id)->any_leaf;
        inner->head = inner_of(heap, left.id)->head;
    }
    return (struct sub){id, bit, vpr_merkle_inner(&line->side[0], &line->side[1])};
}

static struct sub change_leaf(struct vpr_trie_heap *heap, struct sub old,
                              const struct vpr_trie_change *change, uint64_t *leaves)
{
    if (!change->gone) {
        uint32_t id = old.id;
        if (id == 0) {
            id = new_leaf(heap, &change->key);
            (*leaves)++;
        }
        return (struct sub){id, 0, change->leaf};
    }
    VPR_ASSERT(old.id != 0); /* deleting what is not there */
    ids_push(&heap->dead, old.id);
    (*leaves)--;
    return (struct sub){0, 0, {{0}}};
}

/* The first of the sorted changes that has `bit` set. */
static size_t split_at(const struct vpr_trie_change *changes, size_t count, uint32_t bit)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (vpr_trie_bit(&changes[mid].key, bit) == 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

/* Follows many paths at once, so that memory answers them side by side and not one after
 * the other; changes nothing. */
static void warm(const struct vpr_trie_heap *heap, uint32_t id,
                 const struct vpr_trie_change *changes, size_t count)
{
    uint32_t at[WARM_MAX];
    size_t going = count;
    VPR_ASSERT(count <= WARM_MAX);
    for (size_t i = 0; i < count; i++) {
        at[i] = id;
    }
    while (going > 0) {
        going = 0;
        for (size_t i = 0; i < count; i++) {
            if (at[i] == 0 || (at[i] & LEAF) != 0) {
                continue;
            }
            const struct inner *inner = inner_of(heap, at[i]);
            at[i] = inner->side[vpr_trie_bit(&changes[i].key, inner->bit)];
            if ((at[i] & LEAF) != 0) {
                __builtin_prefetch(leaf_of(heap, at[i]));
            } else {
                __builtin_prefetch(inner_of(heap, at[i]));
                __builtin_prefetch(line_of(heap, at[i]));
                going++;
            }
        }
    }
}

/* Every level goes one bit deeper at least, so the recursion ends at 256. */
static struct sub change(struct vpr_trie_heap *heap, struct sub old,
                         const struct vpr_trie_change *changes, size_t count, uint64_t *leaves,
                         bool warmed)
{
    if (count == 0) {
        return old;
    }
    if (!warmed && count <= WARM_MAX) {
        warm(heap, old.id, changes, count);
        warmed = true;
    }
    /* The first bit in which the changes and what is there differ. */
    bool is_inner = old.id != 0 && (old.id & LEAF) == 0;
    uint32_t bit = is_inner ? inner_of(heap, old.id)->bit : VPR_TRIE_DEPTH_MAX;
    uint32_t among = shared_bits(&changes[0].key, &changes[count - 1].key);
    uint32_t beside = old.id == 0 ? among : shared_with(heap, &changes[0].key, old.id);
    uint32_t first = among < beside ? among : beside;
    if (first >= VPR_TRIE_DEPTH_MAX && !is_inner) {
        VPR_ASSERT(count == 1); /* twice the same key */
        return change_leaf(heap, old, changes, leaves);
    }

    struct sub sides[2] = {{0, 0, {{0}}}, {0, 0, {{0}}}};
    if (is_inner && first >= bit) {
        const struct inner *inner = inner_of(heap, old.id);
        const struct line *line = line_of(heap, old.id);
        sides[0] = (struct sub){inner->side[0], bit + 1, line->side[0]};
        sides[1] = (struct sub){inner->side[1], bit + 1, line->side[1]};
        ids_push(&heap->dead, old.id);
    } else {
        bit = first;
        if (old.id != 0) {
            sides[vpr_trie_bit(any_key(heap, old.id), bit)] = old;
        }
    }
    size_t left = split_at(changes, count, bit);
    sides[0] = change(heap, sides[0], changes, left, leaves, warmed);
    sides[1] = change(heap, sides[1], changes + left, count - left, leaves, warmed);
    return join(heap, sides[0], sides[1], bit);
}

struct vpr_trie vpr_trie_apply(struct vpr_trie_heap *heap, struct vpr_trie trie,
                               const struct vpr_trie_change *changes, size_t count)
{
    struct sub root = {trie.node, 0, trie.root};
    uint64_t leaves = trie.leaves;
    root = change(heap, root, changes, count, &leaves, false);
    return (struct vpr_trie){hash_at(heap, &root, 0), leaves, root.id};
}

void vpr_trie_accept(struct vpr_trie_heap *heap, uint64_t generation)
{
    heap->born.count = 0;
    if (heap->dead.count == 0) {
        return;
    }
    struct garbage *garbage = vpr_mem_alloc(sizeof *garbage);
    garbage->generation = generation;
    garbage->ids = heap->dead;
    heap->dead = (struct ids){NULL, 0, 0};
    if (heap->newest == NULL) {
        heap->oldest = garbage;
    } else {
        VPR_ASSERT(heap->newest->generation < generation);
        heap->newest->next = garbage;
    }
    heap->newest = garbage;
}

void vpr_trie_discard(struct vpr_trie_heap *heap)
{
    free_all(heap, &heap->born);
    heap->born.count = 0;
    heap->dead.count = 0;
}

void vpr_trie_collect(struct vpr_trie_heap *heap, uint64_t oldest)
{
    while (heap->oldest != NULL && heap->oldest->generation < oldest) {
        struct garbage *garbage = heap->oldest;
        heap->oldest = garbage->next;
        if (heap->oldest == NULL) {
            heap->newest = NULL;
        }
        free_all(heap, &garbage->ids);
        vpr_mem_free(garbage->ids.items);
        vpr_mem_free(garbage);
    }
}

bool vpr_trie_find(const struct vpr_trie_heap *heap, const struct vpr_trie *trie,
                   const struct vpr_hash *key, struct vpr_trie_path *ret_path)
{
    if (trie->node == 0) {
        return false;
    }
    struct vpr_hash down[VPR_TRIE_DEPTH_MAX]; /* siblings root side first */
    struct vpr_hash hash = trie->root;
    uint32_t id = trie->node;
    size_t depth = 0;
    while ((id & LEAF) == 0) {
        const struct inner *inner = inner_of(heap, id);
        const struct line *line = line_of(heap, id);
        memset(down + depth, 0, (inner->bit - depth) * sizeof down[0]);
        unsigned side = vpr_trie_bit(key, inner->bit);
        down[inner->bit] = line->side[1 - side];
        depth = inner->bit + 1u;
        hash = line->side[side];
        id = inner->side[side];
    }
    if (!vpr_hash_equal(leaf_of(heap, id), key)) {
        return false;
    }
    ret_path->leaf = hash;
    ret_path->depth = depth;
    for (size_t i = 0; i < depth; i++) {
        ret_path->siblings[i] = down[depth - 1 - i];
    }
    return true;
}

/* The nearest leaf on one side (0 left, 1 right): at the last turning to that side open on
 * the key's way down, the outermost leaf of the other branch. */
static bool neighbour(const struct vpr_trie_heap *heap, const struct vpr_trie *trie,
                      const struct vpr_hash *key, unsigned side, struct vpr_hash *ret_key)
{
    uint32_t id = trie->node, turning = 0;
    if (id == 0) {
        return false;
    }
    for (;;) {
        const struct vpr_hash *near = any_key(heap, id);
        bool is_leaf = (id & LEAF) != 0;
        uint32_t first = shared_bits(key, near);
        if (first == VPR_TRIE_DEPTH_MAX && is_leaf) {
            break; /* the key itself */
        }
        if (is_leaf || first < inner_of(heap, id)->bit) {
            if (vpr_trie_bit(near, first) == side) {
                turning = id; /* the key leaves here, and all of this lies beside it */
            }
            break;
        }
        const struct inner *inner = inner_of(heap, id);
        unsigned way = vpr_trie_bit(key, inner->bit);
        if (way != side) {
            turning = inner->side[side];
        }
        id = inner->side[way];
    }
    if (turning == 0) {
        return false;
    }
    while ((turning & LEAF) == 0) {
        turning = inner_of(heap, turning)->side[1 - side];
    }
    *ret_key = *leaf_of(heap, turning);
    return true;
}

bool vpr_trie_left_of(const struct vpr_trie_heap *heap, const struct vpr_trie *trie,
                      const struct vpr_hash *key, struct vpr_hash *ret_key)
{
    return neighbour(heap, trie, key, 0, ret_key);
}

bool vpr_trie_right_of(const struct vpr_trie_heap *heap, const struct vpr_trie *trie,
                       const struct vpr_hash *key, struct vpr_hash *ret_key)
{
    return neighbour(heap, trie, key, 1, ret_key);
}
