/* Bytes in, bytes out: the frames of ABCI 2.0, order, exceptions, what is refused. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/abci/driver.h"
#include "tests/unit/abci/suites.h"

static const struct {
    const char *request, *response;
} golden[] = {
    {"021200", "021a00"},                                   /* Flush */
    {"060a040a026869", "0612040a026869"},                   /* Echo "hi" */
    {"025a00", "026200"},                                   /* Commit */
    {"0542030a0161", "024a00"},                             /* CheckTx OK */
    {"038a0100", "059201020801"},                           /* ProcessProposal ACCEPT */
    {"022a00", "023200"},                                   /* InitChain */
    {"03920100", "050a030a0178"},                           /* ExtendVote, Exception "x" */
    {"03aa0100", "03b20100"},                               /* InsertTx OK */
    {"03b20100", "03ba0100"},                               /* ReapTxs empty */
    {"06a201030a0161", "09aa010612002a02aabb"},             /* FinalizeBlock of one */
    {"021a00", "0522031201 31"},                            /* Info */
    {"0232 00", "023a00"},                                  /* Query */
    {"0a820107 0805 1201611200", "08 8a0105 0a01610a00"},   /* PrepareProposal */
};

START_TEST(golden_frames_are_exact_one_at_a_time)
{
    struct driver *d = driver_start();
    int fd = driver_connect(d);

    for (size_t i = 0; i < VPR_COUNT(golden); i++) {
        send_hex(fd, golden[i].request);
        expect_hex(fd, golden[i].response);
    }
    d->retain_height = 10;
    send_hex(fd, "025a00");
    expect_hex(fd, "046202180a");
    expect_nothing(fd, 50);
    close(fd);
    driver_stop(d);
}
END_TEST

START_TEST(golden_frames_are_exact_byte_by_byte)
{
    struct driver *d = driver_start();
    int fd = driver_connect(d);
    const struct timespec pause = {0, 200000};

    for (size_t i = 0; i < VPR_COUNT(golden); i++) {
        uint8_t bytes[64];
        size_t n = hex_bytes(bytes, sizeof bytes, golden[i].request);
        for (size_t b = 0; b < n; b++) {
            send_all(fd, bytes + b, 1);
            nanosleep(&pause, NULL);
        }
    }
    for (size_t i = 0; i < VPR_COUNT(golden); i++) {
        expect_hex(fd, golden[i].response);
    }
    close(fd);
    driver_stop(d);
}
END_TEST

START_TEST(golden_frames_are_exact_all_in_one_write)
{
    struct driver *d = driver_start();
    int fd = driver_connect(d);
    uint8_t bytes[1024];
    size_t n = 0;

    for (size_t i = 0; i < VPR_COUNT(golden); i++) {
        n += hex_bytes(bytes + n, sizeof bytes - n, golden[i].request);
    }
    send_all(fd, bytes, n);
    for (size_t i = 0; i < VPR_COUNT(golden); i++) {
        expect_hex(fd, golden[i].response);
    }
    expect_nothing(fd, 50);
    close(fd);
    driver_stop(d);
}
END_TEST

/* An answer goes out when it is there; nobody has to ask by Flush. */
START_TEST(answers_do_not_wait_for_a_flush)
{
    struct driver *d = driver_start();
    int fd = driver_connect(d);

    send_hex(fd, "0542030a0161 0542"); /* and half a request behind it */
    expect_hex(fd, "024a00");
    close(fd);
    driver_stop(d);
}
END_TEST

START_TEST(flush_is_answered_once_and_behind_what_came_before)
{
    struct driver *d = driver_start();
    int fd = driver_connect(d);

    send_hex(fd, "0542030a0168 021200 060a040a026869 0542030a0161");
    driver_wait_held(d, 1);
    expect_nothing(fd, 100);
    driver_answer(d, 0, 0);
    expect_hex(fd, "024a00 021a00 0612040a026869 024a00");
    expect_nothing(fd, 50);
    close(fd);
    driver_stop(d);
}
END_TEST

#define LATE 200

struct answerer {
    struct driver *d;
    unsigned first, step;
};

static void *answer_backwards(void *self)
{
    struct answerer *a = self;

    for (unsigned i = a->first; i < LATE; i += a->step) {
        unsigned which = LATE - 1 - i;
        driver_answer(a->d, which, which + 1);
    }
    return NULL;
}

START_TEST(late_answers_of_other_threads_leave_in_the_order_of_requests)
{
    struct driver *d = driver_start();
    int fd = driver_connect(d);
    struct answerer answerers[4];
    pthread_t threads[4];

    for (unsigned i = 0; i < LATE; i++) {
        send_hex(fd, "0542030a0168");
    }
    driver_wait_held(d, LATE);
    for (unsigned i = 0; i < 4; i++) {
        answerers[i] = (struct answerer){d, i, 4};
        pthread_create(&threads[i], NULL, answer_backwards, &answerers[i]);
    }
    for (unsigned i = 0; i < LATE; i++) {
        Tendermint__Abci__Response *r = receive(fd);
        ck_assert_int_eq((int)r->value_case, TENDERMINT__ABCI__RESPONSE__VALUE_CHECK_TX);
        ck_assert_uint_eq(r->check_tx->code, i + 1);
        tendermint__abci__response__free_unpacked(r, NULL);
    }
    for (unsigned i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    close(fd);
    driver_stop(d);
}
END_TEST

START_TEST(connections_do_not_wait_for_each_other)
{
    struct driver *d = driver_start();
    int slow = driver_connect(d), quick = driver_connect(d);

    send_hex(slow, "0542030a0168");
    driver_wait_held(d, 1);
    send_hex(quick, "0232 00 021200");
    expect_hex(quick, "023a00 021a00");
    driver_answer(d, 0, 0);
    expect_hex(slow, "024a00");
    close(slow);
    close(quick);
    driver_stop(d);
}
END_TEST

START_TEST(what_is_no_method_or_not_served_gets_an_exception_and_the_rest_goes_on)
{
    static const struct {
        const char *request, *text;
    } cases[] = {
        {"00", "request is of no method of ABCI 2.0"},
        {"022200", "request is of no method of ABCI 2.0"},   /* SetOption of old */
        {"03fa0600", "request is of no method of ABCI 2.0"}, /* of a newer CometBFT */
        {"026200", "ListSnapshots is not served"},
        {"026a00", "OfferSnapshot is not served"},
    };
    struct driver *d = driver_start();
    int fd = driver_connect(d);
    char text[ABCI_TEXT_MAX];

    for (size_t i = 0; i < VPR_COUNT(cases); i++) {
        send_hex(fd, cases[i].request);
        expect_exception(fd, text);
        ck_assert_str_eq(text, cases[i].text);
        send_hex(fd, "021200");
        expect_hex(fd, "021a00");
    }
    close(fd);
    driver_stop(d);
}
END_TEST

/* The exception comes behind the answers before it, even those still to be given. */
START_TEST(garbage_gets_an_exception_in_its_place_and_then_the_end)
{
    static const struct {
        const char *bytes, *text;
    } cases[] = {
        {"0442060a01", "request of 4 bytes, at byte 1: length goes beyond its message"},
        {"020b00", "request of 2 bytes, at byte 1: wire type does not fit the field"},
        {"060a040a02ff69", "request of 6 bytes, at byte 4: string is not UTF-8"},
        {"060a040a026800", "request of 6 bytes, at byte 5: NUL in a string"},
        {"081a00 1a00 1200 ffff", "request of 8 bytes, at byte 2: field occurs twice"},
        {"818080 8001", "request is larger than 256 MiB"},
        {"ffffffff ffffffffff7f", "the length of a request is no number"},
    };

    for (size_t i = 0; i < VPR_COUNT(cases); i++) {
        struct driver *d = driver_start();
        int fd = driver_connect(d);
        char text[ABCI_TEXT_MAX];

        send_hex(fd, "0542030a0168");
        driver_wait_held(d, 1);
        send_hex(fd, cases[i].bytes);
        send_hex(fd, "021200021200"); /* not looked at any more */
        expect_nothing(fd, 20);
        driver_answer(d, 0, 7);
        expect_hex(fd, "044a020807");
        expect_exception(fd, text);
        ck_assert_str_eq(text, cases[i].text);
        expect_end(fd);
        close(fd);

        /* The server lives. */
        fd = driver_connect(d);
        send_hex(fd, "021200");
        expect_hex(fd, "021a00");
        close(fd);
        driver_stop(d);
    }
}
END_TEST

/* CometBFT passes a user's path through as it is: he gets an error, the node lives. */
START_TEST(a_query_with_a_broken_path_costs_its_sender_an_error_only)
{
    static const char *const frames[] = {"0732050a0012 0100", "0832060a001202fffe"};
    struct driver *d = driver_start();
    int fd = driver_connect(d);

    for (size_t i = 0; i < VPR_COUNT(frames); i++) {
        send_hex(fd, frames[i]);
        Tendermint__Abci__Response *r = receive(fd);
        ck_assert_int_eq((int)r->value_case, TENDERMINT__ABCI__RESPONSE__VALUE_QUERY);
        ck_assert_uint_eq(r->query->code, 1);
        ck_assert_str_eq(r->query->codespace, "abci");
        ck_assert_ptr_nonnull(strstr(r->query->log, i == 0 ? "NUL" : "UTF-8"));
        tendermint__abci__response__free_unpacked(r, NULL);
    }
    send_hex(fd, "021200");
    expect_hex(fd, "021a00");
    close(fd);
    driver_stop(d);
}
END_TEST

/* Unknown fields are skipped, not entered: depth there costs nothing. */
START_TEST(deep_nesting_in_unknown_fields_is_skipped)
{
    static uint8_t wire[70000], frame[70010];
    struct driver *d = driver_start();
    int fd = driver_connect(d);
    size_t n = 0;

    for (unsigned i = 0; i < 10000; i++) {
        uint8_t head[8] = {0xfa, 0x01}; /* field 31 */
        size_t h = 2;
        for (size_t v = n;; v >>= 7) {
            head[h++] = (uint8_t)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
            if (v <= 0x7f) {
                break;
            }
        }
        memmove(wire + h, wire, n);
        memcpy(wire, head, h);
        n += h;
    }
    ck_assert_uint_lt(n, 65536);
    /* Info, around it: tag, two or three bytes of length */
    size_t f = 0, whole = 1 + 3 + n;
    frame[f++] = (uint8_t)(whole | 0x80);
    frame[f++] = (uint8_t)(whole >> 7 | 0x80);
    frame[f++] = (uint8_t)(whole >> 14);
    frame[f++] = 0x1a;
    frame[f++] = (uint8_t)(n | 0x80);
    frame[f++] = (uint8_t)(n >> 7 | 0x80);
    frame[f++] = (uint8_t)(n >> 14);
    memcpy(frame + f, wire, n);
    send_all(fd, frame, f + n);
    expect_hex(fd, "052203120131");
    close(fd);
    driver_stop(d);
}
END_TEST

/* ---- answers that CometBFT would die of without saying why */

START_TEST(a_proposal_may_take_max_tx_bytes_and_not_one_more)
{
    struct driver *d = driver_start();
    int fd = driver_connect(d);
    char text[ABCI_TEXT_MAX];

    /* two transactions, "a" and "": 3 + 2 encoded bytes */
    send_hex(fd, "0a820107 0805 1201611200");
    expect_hex(fd, "088a01050a01610a00");
    send_hex(fd, "0a820107 0804 1201611200");
    expect_exception(fd, text);
    ck_assert_str_eq(text, "PrepareProposal: 2 transactions take 5 encoded bytes, "
                           "max_tx_bytes is 4");
    close(fd);
    driver_stop(d);
}
END_TEST

START_TEST(a_block_needs_as_many_results_as_transactions)
{
    struct driver *d = driver_start();
    int fd = driver_connect(d);
    char text[ABCI_TEXT_MAX];

    d->results_missing = 1;
    send_hex(fd, "06a201030a0161");
    expect_exception(fd, text);
    ck_assert_str_eq(text, "FinalizeBlock: 0 results for 1 transactions");
    close(fd);
    driver_stop(d);
}
END_TEST

START_TEST(a_forgotten_status_is_an_exception)
{
    struct driver *d = driver_start();
    int fd = driver_connect(d);
    char text[ABCI_TEXT_MAX];

    send_hex(fd, "039a0100");
    expect_exception(fd, text);
    ck_assert_str_eq(text, "VerifyVoteExtension: status is UNKNOWN");
    close(fd);
    driver_stop(d);
}
END_TEST

/* ---- blocks */

START_TEST(a_block_arrives_whole_with_its_other_fields)
{
    struct driver *d = driver_start();
    int fd = driver_connect(d);
    Tendermint__Abci__Request request = TENDERMINT__ABCI__REQUEST__INIT;
    Tendermint__Abci__RequestFinalizeBlock block =
        TENDERMINT__ABCI__REQUEST_FINALIZE_BLOCK__INIT;
    Tendermint__Abci__CommitInfo info = TENDERMINT__ABCI__COMMIT_INFO__INIT;
    Tendermint__Abci__VoteInfo vote = TENDERMINT__ABCI__VOTE_INFO__INIT;
    Tendermint__Abci__VoteInfo *votes[] = {&vote, &vote, &vote};
    const size_t count = 5000, size = 4000;
    uint64_t sum = 0, bytes = 0;

    uint8_t *data = malloc(count + size);
    for (size_t i = 0; i < count + size; i++) {
        data[i] = (uint8_t)(i * 7 + i / 256);
    }
    block.txs = calloc(count, sizeof *block.txs);
    block.n_txs = count;
    for (size_t i = 0; i < count; i++) {
        block.txs[i] = (ProtobufCBinaryData){i % 3 == 0 ? 0 : i % size, data + i};
        bytes += block.txs[i].len;
        for (size_t b = 0; b < block.txs[i].len; b++) {
            sum = sum * 31 + block.txs[i].data[b];
        }
    }
    info.n_votes = 3;
    info.votes = votes;
    block.decided_last_commit = &info;
    block.height = 5;
    request.value_case = TENDERMINT__ABCI__REQUEST__VALUE_FINALIZE_BLOCK;
    request.finalize_block = &block;

    for (unsigned round = 0; round < 2; round++) {
        send_request(fd, &request);
        Tendermint__Abci__Response *r = receive(fd);
        ck_assert_int_eq((int)r->value_case, TENDERMINT__ABCI__RESPONSE__VALUE_FINALIZE_BLOCK);
        ck_assert_uint_eq(r->finalize_block->n_tx_results, count);
        tendermint__abci__response__free_unpacked(r, NULL);
        ck_assert_uint_eq(d->txs_seen, count);
        ck_assert_uint_eq(d->txs_bytes, bytes);
        ck_assert_uint_eq(d->txs_sum, sum);
        ck_assert_uint_eq(d->votes_seen, 3);
    }
    free(block.txs);
    free(data);
    close(fd);
    driver_stop(d);
}
END_TEST

/* A proposer may do this to every node: it costs memory in proportion and nothing else. */
START_TEST(a_block_full_of_empty_transactions_is_served)
{
    struct driver *d = driver_start();
    int fd = driver_connect(d);
    const size_t count = 2000000;
    const uint8_t head[] = {0x85, 0x92, 0xf4, 0x01, 0xa2, 0x01, 0x80, 0x92, 0xf4, 0x01};

    uint8_t *body = malloc(2 * count);
    for (size_t i = 0; i < count; i++) {
        body[2 * i] = 0x0a;
        body[2 * i + 1] = 0;
    }
    /* 4,000,000 = 0x80 92 f4 01; the request around it has 6 bytes more */
    uint8_t frame[sizeof head];
    memcpy(frame, head, sizeof head);
    frame[0] = 0x86;
    send_all(fd, frame, sizeof frame);
    send_all(fd, body, 2 * count);
    Tendermint__Abci__Response *r = receive(fd);
    ck_assert_int_eq((int)r->value_case, TENDERMINT__ABCI__RESPONSE__VALUE_FINALIZE_BLOCK);
    ck_assert_uint_eq(r->finalize_block->n_tx_results, count);
    tendermint__abci__response__free_unpacked(r, NULL);
    free(body);
    close(fd);
    driver_stop(d);
}
END_TEST

START_TEST(the_trace_holds_one_letter_for_each_consensus_request)
{
    struct driver *d = driver_start();
    int fd = driver_connect(d);

    send_hex(fd, "021a00 022a00 0a82010708051201611200 038a0100 06a201030a0161 025a00 021200"
                 "0542030a0161 06a201030a0161 025a00 021200");
    expect_hex(fd, "052203120131 023200 088a01050a01610a00 059201020801 09aa010612002a02aabb"
                   "026200 021a00 024a00 09aa010612002a02aabb 026200 021a00");
    ck_assert_str_eq(d->trace, "IPRFCFC");
    close(fd);
    driver_stop(d);
}
END_TEST

TCase *protocol_tests(void)
{
    TCase *t = tcase_create("protocol");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, golden_frames_are_exact_one_at_a_time);
    tcase_add_test(t, golden_frames_are_exact_byte_by_byte);
    tcase_add_test(t, golden_frames_are_exact_all_in_one_write);
    tcase_add_test(t, answers_do_not_wait_for_a_flush);
    tcase_add_test(t, flush_is_answered_once_and_behind_what_came_before);
    tcase_add_test(t, late_answers_of_other_threads_leave_in_the_order_of_requests);
    tcase_add_test(t, connections_do_not_wait_for_each_other);
    tcase_add_test(t, what_is_no_method_or_not_served_gets_an_exception_and_the_rest_goes_on);
    tcase_add_test(t, garbage_gets_an_exception_in_its_place_and_then_the_end);
    tcase_add_test(t, a_query_with_a_broken_path_costs_its_sender_an_error_only);
    tcase_add_test(t, deep_nesting_in_unknown_fields_is_skipped);
    tcase_add_test(t, a_proposal_may_take_max_tx_bytes_and_not_one_more);
    tcase_add_test(t, a_block_needs_as_many_results_as_transactions);
    tcase_add_test(t, a_forgotten_status_is_an_exception);
    tcase_add_test(t, a_block_arrives_whole_with_its_other_fields);
    tcase_add_test(t, a_block_full_of_empty_transactions_is_served);
    tcase_add_test(t, the_trace_holds_one_letter_for_each_consensus_request);
    return t;
}
