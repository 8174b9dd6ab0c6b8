/* Following, asking and submitting against a chain in the same process. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/client/submit.h"
#include "tests/unit/client/chain.h"
#include "viper/v1/query.pb-c.h"
#include "viper/v1/tx.pb-c.h"

struct world {
    struct vpr_loop *loop;
    struct chain chain;
    struct vpr_node *node;
    struct vpr_follow *follow;
    struct vpr_submitter *submitter;
    struct vpr_hash secret;
    struct vpr_public_key key;
    uint32_t heights, sessions, pasts, losses, backs;
    struct vpr_submit_result result; /* texts below */
    char text[300], hash[80];
    bool done, state_has_it;
    uint32_t asks;
};

static void sign(void *arg, struct vpr_signature *ret, struct vpr_bytes sign_doc)
{
    const struct world *w = arg;
    const struct vpr_hash digest = vpr_sha256(sign_doc.data, sign_doc.len);

    ck_assert(vpr_secp256k1_sign(ret, &digest, &w->secret));
}

static void on_height(void *arg)
{
    ((struct world *)arg)->heights++;
}

static void on_session(void *arg)
{
    ((struct world *)arg)->sessions++;
}

static void on_past(void *arg)
{
    ((struct world *)arg)->pasts++;
}

static void on_lost(void *arg, const char *why)
{
    ck_assert_ptr_nonnull(why);
    ((struct world *)arg)->losses++;
}

static void on_back(void *arg)
{
    ((struct world *)arg)->backs++;
}

static void world_init(struct world *w, uint64_t height)
{
    static const struct vpr_follow_hooks hooks = {on_height, on_session, on_past, on_lost,
                                                  on_back};
    struct vpr_err err;

    memset(w, 0, sizeof *w);
    memset(w->secret.b, 5, sizeof w->secret.b);
    w->key.type = VPR_KEY_TYPE_SECP256K1;
    ck_assert(vpr_secp256k1_public(w->key.b, &w->secret));
    w->loop = vpr_loop_create();
    w->chain.height = height;
    w->chain.account = vpr_key_account(&w->key);
    chain_open(&w->chain, w->loop);
    ck_assert_int_eq(vpr_node_create(&w->node, w->loop, w->chain.url, &err), VPR_OK);
    w->follow = vpr_follow_create(w->loop, w->node);
    vpr_follow_listen(w->follow, &hooks, w);
    const struct vpr_submitter_config config = {w->loop, w->follow, w->key, sign, w};
    w->submitter = vpr_submitter_create(&config);
}

static void world_end(struct world *w)
{
    vpr_submitter_destroy(w->submitter);
    vpr_follow_destroy(w->follow);
    vpr_node_destroy(w->node);
    chain_close(&w->chain);
    vpr_loop_destroy(w->loop);
}

static void wait_height(struct world *w, uint64_t height)
{
    for (int i = 0; i < 200; i++) {
        const struct vpr_tip *tip = vpr_follow_tip(w->follow);
        if (tip != NULL && tip->height == height) {
            return;
        }
        chain_turn(w->loop, 20);
    }
    ck_abort_msg("the height was never seen");
}

START_TEST(heights_sessions_and_the_past_come_to_be_known)
{
    struct world w;

    world_init(&w, 35);
    wait_height(&w, 35);
    chain_turn(w.loop, 50);
    ck_assert_uint_eq(vpr_follow_tip(w.follow)->session, 3);
    ck_assert_str_eq(vpr_follow_tip(w.follow)->chain_id, CHAIN_ID);
    ck_assert_uint_eq(w.sessions, 1);
    ck_assert_uint_eq(w.pasts, 2);
    ck_assert_uint_eq(vpr_follow_session(w.follow, 2)->last, 30);
    ck_assert_uint_eq(vpr_follow_session(w.follow, 1)->first, 11);
    ck_assert_uint_eq(vpr_follow_session(w.follow, 1)->params.grace_blocks, 2);
    ck_assert_ptr_null(vpr_follow_session(w.follow, 0));
    ck_assert_ptr_null(vpr_follow_session(w.follow, 4));
    for (int i = 0; i < 6; i++) {
        chain_block(&w.chain);
    }
    wait_height(&w, 41);
    ck_assert_uint_eq(w.sessions, 2);
    ck_assert_uint_eq(vpr_follow_session(w.follow, 4)->first, 41);
    ck_assert_uint_eq(vpr_follow_session(w.follow, 3)->first, 31);
    ck_assert_uint_eq(vpr_follow_session(w.follow, 2)->first, 21);
    ck_assert_ptr_null(vpr_follow_session(w.follow, 1));
    world_end(&w);
}
END_TEST

START_TEST(an_outage_of_the_node_is_survived)
{
    struct world w;

    world_init(&w, 5);
    wait_height(&w, 5);
    w.chain.failing = true;
    chain_turn(w.loop, 700);
    ck_assert_uint_eq(w.losses, 1);
    ck_assert(!vpr_follow_connected(w.follow));
    vpr_http_server_destroy(w.chain.server);
    chain_turn(w.loop, 500);
    w.chain.failing = false;
    chain_open(&w.chain, w.loop);
    chain_block(&w.chain);
    wait_height(&w, 6);
    ck_assert(vpr_follow_connected(w.follow));
    ck_assert_uint_eq(w.losses, 1);
    world_end(&w);
}
END_TEST

/* The operator's first question: why does nothing happen? */
START_TEST(a_node_that_is_down_at_the_start_is_told_once)
{
    struct world w;

    world_init(&w, 5);
    w.chain.failing = true;
    chain_turn(w.loop, 1500);
    ck_assert_uint_eq(w.losses, 1);
    w.chain.failing = false;
    wait_height(&w, 5);
    ck_assert(vpr_follow_connected(w.follow));
    ck_assert_uint_eq(w.losses, 1);
    world_end(&w);
}
END_TEST

START_TEST(a_lower_height_is_not_believed_at_once)
{
    struct world w;

    world_init(&w, 25);
    wait_height(&w, 25);
    w.chain.height = 12;
    chain_turn(w.loop, 1000);
    ck_assert_uint_eq(vpr_follow_tip(w.follow)->height, 25);
    ck_assert_uint_eq(w.backs, 0);
    w.chain.height = 26;
    wait_height(&w, 26);
    world_end(&w);
}
END_TEST

static void on_answer(void *arg, const struct vpr_node_answer *answer)
{
    struct world *w = arg;

    w->done = true;
    w->result.code = answer->status;
    snprintf(w->text, sizeof w->text, "%s", answer->error == NULL ? "" : answer->error);
    if (answer->ok) {
        ck_assert_uint_eq(answer->height, w->chain.height);
    }
}

START_TEST(an_error_comes_with_its_sentence_and_an_answer_with_its_height)
{
    struct world w;

    world_init(&w, 5);
    ck_assert_ptr_nonnull(vpr_node_get(w.node, &viper__v1__query_supply_response__descriptor,
                                       on_answer, &w, "/viper/v1/nothing"));
    chain_turn(w.loop, 100);
    ck_assert(w.done);
    ck_assert_uint_eq(w.result.code, 404);
    ck_assert_str_eq(w.text, "no such path");
    w.done = false;
    ck_assert_ptr_nonnull(vpr_node_get(w.node, &viper__v1__query_chains_response__descriptor,
                                       on_answer, &w, "/viper/v1/chains"));
    chain_turn(w.loop, 100);
    ck_assert(w.done);
    ck_assert_str_eq(w.text, "");
    world_end(&w);
}
END_TEST

/* ---- submitting ---- */

static void on_done(void *arg, const struct vpr_submit_result *result)
{
    struct world *w = arg;

    ck_assert(!w->done);
    w->done = true;
    w->result = *result;
    snprintf(w->text, sizeof w->text, "%s", result->text);
    snprintf(w->hash, sizeof w->hash, "%s", result->hash);
}

static void ask(void *arg, struct vpr_submit_job *job)
{
    struct world *w = arg;

    w->asks++;
    vpr_submit_seen(job, w->state_has_it || w->chain.commits[0][0].present);
}

static void submit(struct world *w, uint64_t last_height, bool with_question)
{
    Viper__V1__MsgCommit commit = VIPER__V1__MSG_COMMIT__INIT;
    Viper__V1__CommitEntry entry = VIPER__V1__COMMIT_ENTRY__INIT;
    Viper__V1__CommitEntry *entries[] = {&entry};
    uint8_t root[32] = {9};

    commit.operator_ = "viper1operator";
    commit.session = 0;
    commit.entries = entries;
    commit.n_entries = 1;
    entry.requestor = "viper1requestor";
    entry.chain = 1;
    entry.zone = 1;
    entry.root.data = root;
    entry.root.len = 32;
    entry.sum = 10;
    entry.count = 2;
    const ProtobufCMessage *message = &commit.base;
    const struct vpr_submit_spec spec = {.messages = &message, .count = 1,
                                         .last_height = last_height,
                                         .ask = with_question ? ask : NULL, .done = on_done,
                                         .arg = w};
    ck_assert_ptr_nonnull(vpr_submit_start(w->submitter, &spec));
}

/* Blocks until the job is done, at most so many. */
static void run_blocks(struct world *w, uint32_t blocks)
{
    for (uint32_t i = 0; i < blocks && !w->done; i++) {
        for (int j = 0; j < 30 && !w->done; j++) {
            chain_turn(w->loop, 20);
        }
        if (!w->done) {
            chain_block(&w->chain);
        }
    }
    for (int j = 0; j < 35 && !w->done; j++) {
        chain_turn(w->loop, 20);
    }
}

START_TEST(a_transaction_is_signed_sent_and_seen_in_the_state)
{
    struct world w;

    world_init(&w, 12);
    submit(&w, 20, true);
    run_blocks(&w, 4);
    ck_assert(w.done);
    ck_assert_int_eq(w.result.outcome, VPR_SUBMIT_SEEN);
    ck_assert(w.chain.commits[0][0].present);
    ck_assert_uint_eq(w.chain.commits[0][0].sum, 10);
    ck_assert_uint_eq(w.chain.broadcasts, 1);
    ck_assert_str_eq(w.hash, w.chain.txs[0].hash);
    ck_assert_uint_eq(w.chain.txs[0].code, 0);
    ck_assert_uint_eq(vpr_submit_jobs(w.submitter), 0);
    world_end(&w);
}
END_TEST

START_TEST(without_a_question_the_transaction_itself_is_looked_up)
{
    struct world w;

    world_init(&w, 12);
    submit(&w, 20, false);
    run_blocks(&w, 4);
    ck_assert(w.done);
    ck_assert_int_eq(w.result.outcome, VPR_SUBMIT_SEEN);
    ck_assert_uint_eq(w.result.height, w.chain.txs[0].height);
    world_end(&w);
}
END_TEST

START_TEST(what_the_mempool_lost_is_sent_again)
{
    struct world w;

    world_init(&w, 11);
    w.chain.ignore_txs = true;
    submit(&w, 20, true);
    for (int i = 0; i < VPR_SUBMIT_RESEND_BLOCKS - 1; i++) {
        chain_turn(w.loop, 600);
        chain_block(&w.chain);
    }
    ck_assert_uint_eq(w.chain.broadcasts, 1);
    w.chain.ignore_txs = false;
    run_blocks(&w, 5);
    ck_assert(w.done);
    ck_assert_int_eq(w.result.outcome, VPR_SUBMIT_SEEN);
    ck_assert_uint_ge(w.chain.broadcasts, 2);
    ck_assert_uint_eq(w.chain.tx_count, 1);
    world_end(&w);
}
END_TEST

START_TEST(an_expired_transaction_is_signed_anew)
{
    struct world w;

    world_init(&w, 11);
    w.chain.ignore_txs = true;
    submit(&w, 20, true);
    chain_turn(w.loop, 700);
    char first[80];
    ck_assert_uint_eq(w.chain.broadcasts, 1);
    w.chain.time_s += 181;
    chain_block(&w.chain);
    chain_turn(w.loop, 600);
    w.chain.ignore_txs = false;
    snprintf(first, sizeof first, "%s", w.hash);
    run_blocks(&w, 5);
    ck_assert(w.done);
    ck_assert_int_eq(w.result.outcome, VPR_SUBMIT_SEEN);
    ck_assert_uint_ge(w.chain.simulations, 2);
    world_end(&w);
}
END_TEST

START_TEST(a_refusal_in_simulation_costs_nothing_and_is_reported)
{
    struct world w;

    world_init(&w, 12);
    w.chain.bad_pair = 1;
    submit(&w, 20, true);
    run_blocks(&w, 6);
    ck_assert(w.done);
    ck_assert_int_eq(w.result.outcome, VPR_SUBMIT_REFUSED);
    ck_assert_str_eq(w.text, "a bad pair");
    ck_assert_uint_eq(w.chain.broadcasts, 0);
    ck_assert_uint_eq(w.chain.simulations, VPR_SUBMIT_REFUSALS_MAX);
    world_end(&w);
}
END_TEST

START_TEST(a_refusal_by_check_tx_comes_with_its_code)
{
    struct world w;

    world_init(&w, 12);
    w.chain.check_code = VPR_FEE_TOO_LOW;
    submit(&w, 20, true);
    run_blocks(&w, 6);
    ck_assert(w.done);
    ck_assert_int_eq(w.result.outcome, VPR_SUBMIT_REFUSED);
    ck_assert_uint_eq(w.result.code, VPR_FEE_TOO_LOW);
    world_end(&w);
}
END_TEST

START_TEST(an_empty_account_may_be_filled_until_the_end)
{
    struct world w;

    world_init(&w, 12);
    w.chain.check_code = VPR_NO_FUNDS;
    submit(&w, 20, true);
    for (int i = 0; i < 5; i++) {
        chain_turn(w.loop, 600);
        chain_block(&w.chain);
    }
    ck_assert(!w.done);
    w.chain.check_code = 0;
    run_blocks(&w, 3);
    ck_assert(w.done);
    ck_assert_int_eq(w.result.outcome, VPR_SUBMIT_SEEN);
    world_end(&w);
}
END_TEST

START_TEST(at_its_last_height_a_job_gives_up_after_one_more_look)
{
    struct world w;

    world_init(&w, 12);
    w.chain.hold = true;
    submit(&w, 14, true);
    run_blocks(&w, 6);
    ck_assert(w.done);
    ck_assert_int_eq(w.result.outcome, VPR_SUBMIT_LATE);
    ck_assert_uint_ge(w.asks, 2);
    world_end(&w);
}
END_TEST

START_TEST(what_is_there_already_at_the_last_height_is_seen)
{
    struct world w;

    world_init(&w, 14);
    w.state_has_it = true;
    submit(&w, 14, true);
    run_blocks(&w, 1);
    ck_assert(w.done);
    ck_assert_int_eq(w.result.outcome, VPR_SUBMIT_SEEN);
    ck_assert_uint_eq(w.chain.broadcasts, 0);
    world_end(&w);
}
END_TEST

START_TEST(a_failing_node_is_waited_for)
{
    struct world w;

    world_init(&w, 12);
    wait_height(&w, 12);
    w.chain.failing = true;
    submit(&w, 20, true);
    chain_turn(w.loop, 1500);
    ck_assert(!w.done);
    w.chain.failing = false;
    chain_turn(w.loop, 2500);
    run_blocks(&w, 4);
    ck_assert(w.done);
    ck_assert_int_eq(w.result.outcome, VPR_SUBMIT_SEEN);
    world_end(&w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client");
    TCase *tests = tcase_create("client");
    SRunner *runner = srunner_create(suite);

    vpr_sig_init();
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, heights_sessions_and_the_past_come_to_be_known);
    tcase_add_test(tests, an_outage_of_the_node_is_survived);
    tcase_add_test(tests, a_node_that_is_down_at_the_start_is_told_once);
    tcase_add_test(tests, a_lower_height_is_not_believed_at_once);
    tcase_add_test(tests, an_error_comes_with_its_sentence_and_an_answer_with_its_height);
    tcase_add_test(tests, a_transaction_is_signed_sent_and_seen_in_the_state);
    tcase_add_test(tests, without_a_question_the_transaction_itself_is_looked_up);
    tcase_add_test(tests, what_the_mempool_lost_is_sent_again);
    tcase_add_test(tests, an_expired_transaction_is_signed_anew);
    tcase_add_test(tests, a_refusal_in_simulation_costs_nothing_and_is_reported);
    tcase_add_test(tests, a_refusal_by_check_tx_comes_with_its_code);
    tcase_add_test(tests, an_empty_account_may_be_filled_until_the_end);
    tcase_add_test(tests, at_its_last_height_a_job_gives_up_after_one_more_look);
    tcase_add_test(tests, what_is_there_already_at_the_last_height_is_seen);
    tcase_add_test(tests, a_failing_node_is_waited_for);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
