#include "relay/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/base/bytes.h"
#include "app/base/mem.h"

struct vpr_claim_leaf {
    const struct vpr_lane *lane;
    uint64_t seq;
    uint64_t offset; /* of its record in the file */
    struct vpr_sumnode node;
};

struct loading {
    struct vpr_restore restore;
    struct vpr_claims *claims;
    size_t room;
};

static void add_leaf(struct loading *to, const struct vpr_leaf *leaf, uint64_t offset)
{
    struct vpr_claims *claims = to->claims;
    const struct vpr_request *part = &leaf->request.part;
    const struct vpr_sid_work *sid = vpr_work_find(claims->work, &part->sid);
    const struct vpr_lane *lane = sid == NULL ? NULL : vpr_sid_lane(sid, &part->client_key);

    if (lane == NULL) {
        return; /* the restore counted it as skipped */
    }
    if (claims->leaf_count == to->room) {
        to->room = to->room == 0 ? 1024 : to->room * 2;
        claims->leaves = vpr_mem_resize(claims->leaves, to->room * sizeof *claims->leaves);
    }
    struct vpr_claim_leaf *item = &claims->leaves[claims->leaf_count];
    claims->leaf_count++;
    item->lane = lane;
    item->seq = part->seq;
    item->offset = offset;
    item->node = vpr_leaf_node(leaf);
}

static void load_record(void *arg, const struct vpr_record *record)
{
    struct loading *to = arg;
    struct vpr_leaf leaf;

    vpr_restore_record(&to->restore, record);
    if (vpr_record_leaf(record, &leaf)) {
        add_leaf(to, &leaf, record->offset);
    }
}

static int leaf_cmp(const void *a, const void *b)
{
    const struct vpr_claim_leaf *x = a;
    const struct vpr_claim_leaf *y = b;

    if (x->lane != y->lane) {
        int order = memcmp(x->lane->token.sid.b, y->lane->token.sid.b,
                           sizeof x->lane->token.sid.b);
        if (order == 0) {
            order = memcmp(x->lane->client_key.b, y->lane->client_key.b,
                           sizeof x->lane->client_key.b);
        }
        return order;
    }
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* A seq has one leaf; should a file hold two, the chain's order could not place them. */
static void drop_doubles(struct vpr_claims *claims)
{
    size_t kept = 0;

    for (size_t i = 0; i < claims->leaf_count; i++) {
        if (kept > 0 && leaf_cmp(&claims->leaves[kept - 1], &claims->leaves[i]) == 0) {
            claims->skipped++;
            continue;
        }
        claims->leaves[kept] = claims->leaves[i];
        kept++;
    }
    claims->leaf_count = kept;
}

static bool end_entry(struct vpr_claim_entry *entry, struct vpr_sumtree *tree)
{
    struct vpr_sumnode root;

    if (!vpr_sumtree_end(tree, &root)) {
        return false;
    }
    entry->root = root.hash;
    entry->sum = root.sum;
    return true;
}

static enum vpr_code make_entries(struct vpr_claims *claims, struct vpr_err *err)
{
    struct vpr_sumtree tree;

    claims->entries =
        vpr_mem_alloc((claims->work->sid_count + 1) * sizeof *claims->entries);
    for (size_t i = 0; i < claims->leaf_count;) {
        const struct vpr_hash *key = &claims->leaves[i].lane->token.sid;
        struct vpr_claim_entry *entry = &claims->entries[claims->entry_count];
        entry->sid = vpr_work_find(claims->work, key);
        entry->first = i;
        vpr_sumtree_start(&tree, VPR_SUMTREE_NO_BRANCH);
        while (i < claims->leaf_count &&
               vpr_hash_equal(&claims->leaves[i].lane->token.sid, key)) {
            vpr_sumtree_add(&tree, &claims->leaves[i].node);
            entry->count++;
            i++;
        }
        if (!end_entry(entry, &tree)) {
            return vpr_fail(err, VPR_OVERFLOW, "the leaves of %s add up to 2^64 or more",
                            claims->path);
        }
        claims->entry_count++;
    }
    return VPR_OK;
}

enum vpr_code vpr_claims_load(struct vpr_claims **ret, const char *path, struct vpr_err *err)
{
    static const struct vpr_risk no_risk;
    struct vpr_claims *claims = vpr_mem_alloc(sizeof *claims);
    struct loading to = {{vpr_work_create(0, 0, 0, 0, &no_risk), 0, 0}, claims, 0};
    struct vpr_address servicer;
    uint64_t session = 0;
    uint64_t end = 0;

    claims->work = to.restore.work;
    snprintf(claims->path, sizeof claims->path, "%s", path);
    enum vpr_code code = vpr_leaves_scan(path, &session, &servicer, &end, load_record, &to, err);
    if (code == VPR_OK) {
        claims->work->session = session;
        claims->skipped = to.restore.skipped;
        if (claims->leaf_count > 0) {
            qsort(claims->leaves, claims->leaf_count, sizeof *claims->leaves, leaf_cmp);
        }
        drop_doubles(claims);
        code = make_entries(claims, err);
    }
    if (code != VPR_OK) {
        vpr_claims_destroy(claims);
        return code;
    }
    *ret = claims;
    return VPR_OK;
}

void vpr_claims_destroy(struct vpr_claims *claims)
{
    if (claims == NULL) {
        return;
    }
    vpr_work_destroy(claims->work);
    vpr_mem_free(claims->entries);
    vpr_mem_free(claims->leaves);
    vpr_mem_free(claims);
}

const struct vpr_claim_entry *vpr_claims_find(const struct vpr_claims *claims,
                                              const struct vpr_hash *sid)
{
    size_t low = 0;
    size_t high = claims->entry_count;

    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        const int order = memcmp(claims->entries[mid].sid->info.sid.b, sid->b, sizeof sid->b);
        if (order == 0) {
            return &claims->entries[mid];
        }
        if (order < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return NULL;
}

static enum vpr_code read_leaf(const struct vpr_claims *claims, uint64_t offset,
                               struct vpr_leaf *ret, struct vpr_err *err)
{
    uint8_t raw[8 + 1 + VPR_LEAF_BYTES];
    const int fd = open(claims->path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return vpr_fail(err, VPR_NOT_FOUND, "cannot open %s: %s", claims->path,
                        strerror(errno));
    }
    const ssize_t n = pread(fd, raw, sizeof raw, (off_t)offset);
    close(fd);
    if (n != (ssize_t)sizeof raw ||
        vpr_crc32c(raw + 8, 1 + VPR_LEAF_BYTES) != vpr_get_be32(raw + 4) ||
        !vpr_leaf_decode(ret, vpr_bytes_of(raw + 9, VPR_LEAF_BYTES))) {
        return vpr_fail(err, VPR_BAD_LEAF, "no leaf at %" PRIu64 " in %s", offset,
                        claims->path);
    }
    return VPR_OK;
}

enum vpr_code vpr_claims_open(const struct vpr_claims *claims,
                              const struct vpr_claim_entry *entry, uint64_t position,
                              struct vpr_leaf *ret_leaf, struct vpr_sumbranch *ret_branch,
                              struct vpr_err *err)
{
    struct vpr_sumtree tree;
    struct vpr_sumnode root;
    uint64_t before = 0;
    size_t index = 0;

    VPR_ASSERT(position < entry->sum);
    while (before + claims->leaves[entry->first + index].node.sum <= position) {
        before += claims->leaves[entry->first + index].node.sum;
        index++;
        VPR_ASSERT(index < entry->count);
    }
    VPR_TRY(read_leaf(claims, claims->leaves[entry->first + index].offset, ret_leaf, err));
    vpr_sumtree_start(&tree, index);
    for (size_t i = 0; i < entry->count; i++) {
        vpr_sumtree_add(&tree, &claims->leaves[entry->first + i].node);
    }
    if (!vpr_sumtree_end(&tree, &root) || !vpr_hash_equal(&root.hash, &entry->root)) {
        return vpr_fail(err, VPR_BAD_LEAF, "%s gives another root than before", claims->path);
    }
    *ret_branch = tree.branch;
    return VPR_OK;
}
