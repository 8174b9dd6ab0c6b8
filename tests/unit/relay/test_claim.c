#include <stdlib.h>

#include "app/host/loop.h"
#include "relay/claim.h"
#include "tests/unit/relay/help.h"

struct bench {
    struct vpr_loop *loop;
    struct vpr_leaves *leaves;
    struct vpr_segment *segment;
    struct vpr_address servicer;
    char dir[256], path[VPR_LEAVES_PATH_MAX];
    uint64_t until;
};

static void on_done(void *arg, uint64_t ticket, bool ok)
{
    struct bench *b = arg;

    ck_assert(ok);
    if (ticket >= b->until) {
        vpr_loop_stop(b->loop);
    }
}

static void write_leaves(struct bench *b)
{
    const struct vpr_leaves_config config = {b->dir, VPR_SYNC_GROUP, NULL};
    const struct keypair gateway = keypair_of(1);
    struct vpr_err err;

    temp_dir(b->dir);
    vpr_leaves_path(b->path, b->dir, 7);
    b->loop = vpr_loop_create();
    ck_assert_int_eq(vpr_leaves_create(&b->leaves, b->loop, &config, on_done, b, &err), VPR_OK);
    ck_assert_int_eq(vpr_leaves_open(&b->segment, b->leaves, 7, &b->servicer, NULL, NULL, &err),
                     VPR_OK);
    /* Two sids with three keys each, seqs written in another order than the tree wants. */
    for (uint8_t s = 1; s <= 2; s++) {
        const struct vpr_sid_info info = sid_info(s, 100000);
        vpr_leaves_append_sid(b->segment, &info);
        for (uint8_t k = 1; k <= 3; k++) {
            const struct keypair client = keypair_of((uint8_t)(10 * s + k));
            const struct vpr_lane lane = {.client_key = client.key,
                                          .token = token_of(&info.sid, &client, &gateway)};
            vpr_leaves_append_token(b->segment, &lane);
            for (uint64_t i = 0; i < 11; i++) {
                const struct vpr_signed_request request = request_of(
                    &info.sid, &b->servicer, &client, (i * 7) % 11 + 1, i + 5, i % 5 + 1);
                const struct vpr_leaf leaf = leaf_of(&request);
                b->until = vpr_leaves_append_leaf(b->segment, &leaf);
            }
        }
    }
    vpr_loop_run(b->loop);
    vpr_leaves_destroy(b->leaves);
    vpr_loop_turn(b->loop);
    vpr_loop_destroy(b->loop);
}

START_TEST(entries_come_in_sid_order_with_every_leaf)
{
    struct bench b = {0};
    struct vpr_claims *claims;
    struct vpr_err err;

    write_leaves(&b);
    ck_assert_int_eq(vpr_claims_load(&claims, b.path, &err), VPR_OK);
    ck_assert_uint_eq(claims->entry_count, 2);
    ck_assert_int_lt(memcmp(claims->entries[0].sid->info.sid.b,
                            claims->entries[1].sid->info.sid.b, 32), 0);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_uint_eq(claims->entries[i].count, 33);
        ck_assert_uint_eq(claims->entries[i].sum, 3 * (15 + 15 + 1));
        ck_assert_ptr_eq(vpr_claims_find(claims, &claims->entries[i].sid->info.sid),
                         &claims->entries[i]);
    }
    const struct vpr_hash nobody = {{0}};
    ck_assert_ptr_null(vpr_claims_find(claims, &nobody));
    vpr_claims_destroy(claims);
}
END_TEST

START_TEST(every_cu_leads_to_its_leaf_and_the_branch_to_the_root)
{
    struct bench b = {0};
    struct vpr_claims *claims;
    struct vpr_err err;
    struct vpr_leaf before = {0};

    write_leaves(&b);
    ck_assert_int_eq(vpr_claims_load(&claims, b.path, &err), VPR_OK);
    const struct vpr_claim_entry *entry = &claims->entries[1];
    for (uint64_t at = 0; at < entry->sum; at++) {
        struct vpr_leaf leaf;
        struct vpr_sumbranch branch;
        struct vpr_sumnode root;
        uint64_t start = 0;

        ck_assert_int_eq(vpr_claims_open(claims, entry, at, &leaf, &branch, &err), VPR_OK);
        const struct vpr_sumnode node = vpr_leaf_node(&leaf);
        ck_assert(vpr_sumtree_climb(&root, &start, &node, entry->count, &branch));
        ck_assert(vpr_hash_equal(&root.hash, &entry->root));
        ck_assert_uint_eq(root.sum, entry->sum);
        ck_assert(start <= at && at < start + node.sum);
        ck_assert(at == 0 || vpr_leaf_cmp(&before, &leaf) <= 0);
        before = leaf;
    }
    vpr_claims_destroy(claims);
}
END_TEST

START_TEST(tokens_and_tails_come_from_the_same_file)
{
    struct bench b = {0};
    struct vpr_claims *claims;
    struct vpr_err err;
    const struct vpr_lane *tails[VPR_SID_TAILS_MAX];
    const struct keypair gateway = keypair_of(1);

    write_leaves(&b);
    ck_assert_int_eq(vpr_claims_load(&claims, b.path, &err), VPR_OK);
    ck_assert_uint_eq(vpr_sid_tails(claims->entries[0].sid, tails), 3);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(tails[i]->tail.part.cum_cu, 15);
        ck_assert(vpr_request_verify(&tails[i]->tail.part, &tails[i]->tail.signature));
        ck_assert(vpr_token_verify(&tails[i]->token, &gateway.key));
    }
    vpr_claims_destroy(claims);
}
END_TEST

Suite *suite_claim(void)
{
    Suite *suite = suite_create("claim");
    TCase *tests = tcase_create("claim");

    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, entries_come_in_sid_order_with_every_leaf);
    tcase_add_test(tests, every_cu_leads_to_its_leaf_and_the_branch_to_the_root);
    tcase_add_test(tests, tokens_and_tails_come_from_the_same_file);
    suite_add_tcase(suite, tests);
    return suite;
}
