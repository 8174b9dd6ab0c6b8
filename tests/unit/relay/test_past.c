/* How the work of a session becomes messages: all of it, each part once, none too large. */
#include "app/base/mem.h"
#include "app/host/loop.h"
#include "relay/past.h"
#include "tests/unit/relay/help.h"

#define KEYS_MAX 64
#define TAILS_MAX 1000    /* of a MsgProve, as the chain has it */
#define ENVELOPE_BYTES 4096 /* signature, fee and all */

static struct vpr_loop *loop;
static struct vpr_node *node;
static struct vpr_commits *commits;
static struct past *past;

/* So many sids, each with tails of so many client keys. */
static void open_past(uint16_t sids, uint32_t keys)
{
    const struct vpr_risk risk = {100, 20000, 100000};
    struct vpr_work *work = vpr_work_create(7, 71, 80, 2, &risk);
    struct vpr_err err;

    loop = vpr_loop_create();
    ck_assert_int_eq(vpr_node_create(&node, loop, "http://127.0.0.1:1", &err), VPR_OK);
    commits = vpr_mem_alloc(sizeof *commits);
    commits->config.follow = vpr_follow_create(loop, node);
    vpr_arena_init(&commits->arena, 64 << 20);
    past = vpr_mem_alloc(sizeof *past);
    past->commits = commits;
    past->session = 7;
    past->claims = vpr_mem_alloc(sizeof *past->claims);
    past->claims->work = work;
    past->claims->entry_count = sids;
    past->claims->entries = vpr_mem_alloc(sids * sizeof *past->claims->entries);
    for (uint16_t i = 0; i < sids; i++) {
        struct vpr_sid_info info = sid_info(1, UINT64_MAX);
        info.sid.b[0] = (uint8_t)(i >> 8);
        info.sid.b[1] = (uint8_t)i;
        info.chain = info.zone = UINT16_MAX;
        struct vpr_sid_work *sid = vpr_work_add(work, &info);
        ck_assert_ptr_nonnull(sid);
        for (uint8_t k = 0; k < keys; k++) {
            const struct vpr_token token = {.sid = info.sid, .client_key = {{k, 1}}};
            const struct vpr_signed_request tail = {
                .part = {.sid = info.sid, .client_key = token.client_key, .seq = 1,
                         .cum_cu = 5, .cu = 5}};
            struct vpr_lane *lane = vpr_sid_lane_add(sid, &token, 15);
            ck_assert_ptr_nonnull(lane);
            vpr_sid_restore_tail(sid, lane, &tail);
        }
        past->claims->entries[i] =
            (struct vpr_claim_entry){.sid = sid, .sum = UINT64_MAX, .count = UINT64_MAX};
    }
    past_make_entries(past);
}

static void close_past(void)
{
    vpr_mem_free(past->entries);
    vpr_mem_free(past->picked);
    vpr_mem_free(past->ranges);
    vpr_work_destroy(past->claims->work);
    vpr_mem_free(past->claims->entries);
    vpr_mem_free(past->claims);
    vpr_mem_free(past);
    vpr_follow_destroy(commits->config.follow);
    vpr_arena_finish(&commits->arena);
    vpr_mem_free(commits);
    vpr_node_destroy(node);
    vpr_loop_turn(loop);
    vpr_loop_destroy(loop);
}

static size_t bytes_of(const ProtobufCMessage *message)
{
    ck_assert_ptr_nonnull(message);
    return protobuf_c_message_get_packed_size(message) + ENVELOPE_BYTES;
}

/* Every picked entry is in one range, and in no two. */
static void ranges_cover(size_t count)
{
    size_t covered = 0;
    uint8_t *seen = vpr_mem_alloc(count);

    ck_assert_uint_eq(past->picked_count, count);
    for (size_t i = 0; i < past->range_count; i++) {
        const struct range *range = &past->ranges[i];
        for (size_t j = 0; j < range->count; j++) {
            ck_assert_uint_lt(range->first + j, count);
            ck_assert(!seen[range->first + j]);
            seen[range->first + j] = 1;
            covered++;
        }
    }
    ck_assert_uint_eq(covered, count);
    vpr_mem_free(seen);
}

START_TEST(a_commit_carries_a_thousand_entries_and_the_next_one_the_rest)
{
    open_past(2500, 1);
    for (size_t i = 0; i < 2500; i++) {
        past->entries[i].worth = i % 100 == 0 ? WORTH_A_LOSS : WORTH_IT;
    }
    commit_plan(past);
    ranges_cover(2475);
    ck_assert_uint_eq(past->range_count, 3);
    for (size_t i = 0; i < past->range_count; i++) {
        ck_assert_uint_le(past->ranges[i].count, 1000);
        ck_assert_uint_le(bytes_of(commit_message(past, &past->ranges[i])), VPR_TX_BYTES_MAX);
    }
    close_past();
}
END_TEST

static void prove_all(uint16_t sids, uint32_t keys, size_t messages_min)
{
    open_past(sids, keys);
    for (size_t i = 0; i < sids; i++) {
        past->entries[i].present = true;
    }
    prove_plan(past);
    ranges_cover(sids);
    ck_assert_uint_ge(past->range_count, messages_min);
    for (size_t i = 0; i < past->range_count; i++) {
        const size_t mark = vpr_arena_mark(&commits->arena);
        const ProtobufCMessage *message = prove_message(past, &past->ranges[i]);
        ck_assert_uint_le(past->ranges[i].count * keys, TAILS_MAX);
        ck_assert_uint_le(bytes_of(message), VPR_TX_BYTES_MAX);
        vpr_arena_release(&commits->arena, mark);
    }
    ck_assert_str_eq(past->why, "");
    close_past();
}

START_TEST(tails_go_in_as_many_proofs_as_they_need)
{
    prove_all(1, KEYS_MAX, 1);
    prove_all(1200, 1, 5);
    prove_all(400, KEYS_MAX, 100);
    prove_all(VPR_WORK_SIDS_MAX, 8, 130);
}
END_TEST

Suite *suite_past(void)
{
    Suite *suite = suite_create("past");
    TCase *tests = tcase_create("past");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_commit_carries_a_thousand_entries_and_the_next_one_the_rest);
    tcase_add_test(tests, tails_go_in_as_many_proofs_as_they_need);
    suite_add_tcase(suite, tests);
    return suite;
}
