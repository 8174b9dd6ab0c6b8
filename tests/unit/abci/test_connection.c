/* Connections that come, go, stall, or should not be there. */
#include <stdio.h>
#include <stdlib.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/abci/driver.h"
#include "tests/unit/abci/suites.h"

START_TEST(a_peer_may_vanish_in_the_middle_of_a_frame)
{
    struct driver *d = driver_start();

    for (unsigned i = 0; i < 40; i++) { /* more than there are slots */
        int fd = driver_connect(d);
        send_hex(fd, "021200 0542030a");
        expect_hex(fd, "021a00");
        close(fd);
    }
    int fd = driver_connect(d);
    send_hex(fd, "021200");
    expect_hex(fd, "021a00");
    close(fd);
    driver_stop(d);
}
END_TEST

START_TEST(only_the_end_of_the_consensus_connection_is_reported)
{
    struct driver *d = driver_start();
    int mempool = driver_connect(d), consensus = driver_connect(d);

    send_hex(mempool, "0542030a0161");
    expect_hex(mempool, "024a00");
    send_hex(consensus, "06a201030a0161");
    expect_hex(consensus, "09aa010612002a02aabb");
    close(mempool);
    close(consensus);
    driver_wait_disconnects(d, 1);

    int again = driver_connect(d);
    send_hex(again, "021200");
    expect_hex(again, "021a00");
    ck_assert_uint_eq(d->disconnects, 1);
    close(again);
    driver_stop(d);
}
END_TEST

START_TEST(a_held_call_learns_that_nobody_waits_and_its_answer_is_dropped)
{
    struct driver *d = driver_start();
    int fd = driver_connect(d);

    send_hex(fd, "0542030a0168 0542030a0168 025a00");
    driver_wait_held(d, 2);
    ck_assert(!abci_call_gone(d->held[0]));
    ck_assert_str_eq(abci_call_method(d->held[0]), "CheckTx");
    driver_answer(d, 1, 0); /* waits behind the first */
    close(fd);
    driver_wait_disconnects(d, 1);
    ck_assert(abci_call_gone(d->held[0]));
    driver_answer(d, 0, 0);

    int again = driver_connect(d);
    send_hex(again, "021200");
    expect_hex(again, "021a00");
    expect_nothing(again, 50);
    close(again);
    driver_stop(d);
}
END_TEST

START_TEST(calls_may_be_answered_after_the_server_is_gone)
{
    struct driver *d = driver_start();
    int fd = driver_connect(d);
    struct abci_call *held[3];
    Tendermint__Abci__ResponseCheckTx out = TENDERMINT__ABCI__RESPONSE_CHECK_TX__INIT;

    send_hex(fd, "0542030a0168 0542030a0168 0542030a0168");
    driver_wait_held(d, 3);
    memcpy(held, d->held, sizeof held);
    driver_stop(d);
    expect_end(fd);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert(abci_call_gone(held[i]));
        abci_reply(held[i], &out.base);
    }
    close(fd);
}
END_TEST

START_TEST(the_seventeenth_connection_is_turned_away)
{
    struct driver *d = driver_start();
    int fds[ABCI_CONNECTIONS_MAX];
    char text[ABCI_TEXT_MAX];

    for (unsigned i = 0; i < ABCI_CONNECTIONS_MAX; i++) {
        fds[i] = driver_connect(d);
        send_hex(fds[i], "021200");
        expect_hex(fds[i], "021a00");
    }
    int more = driver_connect(d);
    expect_exception(more, text);
    ck_assert_str_eq(text, "all 16 connections are taken");
    expect_end(more);
    close(more);

    /* The others work, and a slot that becomes free is given again. */
    for (unsigned i = 0; i < ABCI_CONNECTIONS_MAX; i++) {
        send_hex(fds[i], "060a040a026869");
        expect_hex(fds[i], "0612040a026869");
        close(fds[i]);
    }
    more = driver_connect(d);
    send_hex(more, "021200");
    expect_hex(more, "021a00");
    close(more);
    driver_stop(d);
}
END_TEST

START_TEST(a_second_living_consensus_connection_is_refused)
{
    struct driver *d = driver_start();
    int first = driver_connect(d), second = driver_connect(d);
    char text[ABCI_TEXT_MAX];

    send_hex(first, "022a00");
    expect_hex(first, "023200");
    send_hex(second, "025a00");
    expect_exception(second, text);
    ck_assert_str_eq(text, "Commit: another connection carries consensus");
    ck_assert_str_eq(d->trace, "I");
    ck_assert_uint_eq(d->disconnects, 0);

    close(first);
    driver_wait_disconnects(d, 1);
    send_hex(second, "022a00");
    expect_hex(second, "023200");
    close(second);
    driver_stop(d);
}
END_TEST

/* The loop may see the new peer's request before the old one's end. */
START_TEST(a_consensus_connection_whose_peer_died_makes_room)
{
    struct driver *d = driver_start();

    for (unsigned i = 0; i < 50; i++) {
        int fd = driver_connect(d);
        send_hex(fd, "022a00");
        expect_hex(fd, "023200");
        close(fd);
    }
    driver_wait_disconnects(d, 50);
    driver_stop(d);
}
END_TEST

/* More than ABCI_PENDING_MAX, every one of them answered at once. */
START_TEST(a_client_that_writes_long_before_it_reads_gets_every_answer)
{
    enum { COUNT = 20000 };
    struct driver *d = driver_start();
    int fd = driver_connect(d);
    static uint8_t requests[COUNT * 3], answers[COUNT * 3];
    size_t got = 0;

    for (unsigned i = 0; i < COUNT; i++) {
        memcpy(requests + 3 * i, (const uint8_t[]){2, 0x12, 0}, 3);
    }
    send_all(fd, requests, sizeof requests);
    while (got < sizeof answers) {
        ssize_t n = recv(fd, answers + got, sizeof answers - got, 0);
        ck_assert_int_gt(n, 0);
        got += (size_t)n;
    }
    for (unsigned i = 0; i < COUNT; i++) {
        ck_assert_mem_eq(answers + 3 * i, ((const uint8_t[]){2, 0x1a, 0}), 3);
    }
    expect_nothing(fd, 50);
    close(fd);
    driver_stop(d);
}
END_TEST

START_TEST(no_more_than_the_limit_waits_for_answers_and_none_is_lost)
{
    enum { COUNT = ABCI_PENDING_MAX + 100 };
    struct driver *d = driver_start();
    int fd = driver_connect(d);

    for (unsigned i = 0; i < COUNT; i++) {
        send_hex(fd, "0542030a0168");
    }
    driver_wait_held(d, ABCI_PENDING_MAX);
    usleep(100000);
    ck_assert_uint_eq(d->held_count, ABCI_PENDING_MAX);
    for (unsigned i = 0; i < ABCI_PENDING_MAX; i++) {
        driver_answer(d, i, i);
    }
    driver_wait_held(d, COUNT);
    for (unsigned i = ABCI_PENDING_MAX; i < COUNT; i++) {
        driver_answer(d, i, i);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        Tendermint__Abci__Response *r = receive(fd);
        ck_assert_uint_eq(r->check_tx->code, i);
        tendermint__abci__response__free_unpacked(r, NULL);
    }
    close(fd);
    driver_stop(d);
}
END_TEST

/* The peer writes and does not read: the server goes on reading, or both would wait. */
START_TEST(the_server_reads_on_while_its_answers_wait_to_be_read)
{
    enum { COUNT = 40 };
    struct driver *d = driver_start();
    int fd = driver_connect(d);
    static uint8_t tx[1000000];
    Tendermint__Abci__Request request = TENDERMINT__ABCI__REQUEST__INIT;
    Tendermint__Abci__RequestCheckTx check = TENDERMINT__ABCI__REQUEST_CHECK_TX__INIT;

    d->query_bytes = 1000000; /* far beyond what a socket buffers */
    check.tx = (ProtobufCBinaryData){sizeof tx, tx};
    request.value_case = TENDERMINT__ABCI__REQUEST__VALUE_CHECK_TX;
    request.check_tx = &check;
    for (unsigned i = 0; i < COUNT; i++) {
        send_hex(fd, "0232 00");
        send_request(fd, &request); /* would block for ever */
    }
    for (unsigned i = 0; i < COUNT; i++) {
        Tendermint__Abci__Response *r = receive(fd);
        ck_assert_uint_eq(r->query->value.len, 1000000);
        tendermint__abci__response__free_unpacked(r, NULL);
        expect_hex(fd, "024a00");
    }
    close(fd);
    driver_stop(d);
}
END_TEST

START_TEST(tcp_works_like_unix)
{
    struct driver *d = driver_start_at("tcp://127.0.0.1:0");
    char text[ABCI_TEXT_MAX];

    ck_assert_msg(d->server != NULL, "%s", d->log);
    int fd = driver_connect_tcp(abci_server_port(d->server));
    send_hex(fd, "060a040a026869 021200");
    expect_hex(fd, "0612040a026869 021a00");
    send_hex(fd, "818080 8001 00000000");
    expect_exception(fd, text);
    ck_assert_str_eq(text, "request is larger than 256 MiB");
    expect_end(fd);
    close(fd);
    driver_stop(d);
}
END_TEST

static void expect_refusal(const char *address, const char *why)
{
    struct driver *d = driver_start_at(address);

    ck_assert_ptr_null(d->server);
    ck_assert_msg(strstr(d->log, why) != NULL, "%s: %s", address, d->log);
    driver_stop(d);
}

START_TEST(addresses_that_cannot_be_are_refused_with_the_reason)
{
    char address[256], path[160];

    expect_refusal("localhost:26658", "expected unix:///path.sock or tcp://host:port");
    expect_refusal("tcp://localhost", "expected tcp://host:port");
    expect_refusal("tcp://:1", "expected tcp://host:port");
    expect_refusal("unix://", "a socket's path has 1 to 107 bytes");
    memset(path, 'p', 108);
    path[108] = 0;
    snprintf(address, sizeof address, "unix://%s", path);
    expect_refusal(address, "a socket's path has 1 to 107 bytes");
    expect_refusal("unix:///nonexistent/x.sock", "No such file or directory");
}
END_TEST

START_TEST(a_dead_socket_is_replaced_and_anything_else_is_left_alone)
{
    char path[64], address[80];
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct stat st;

    snprintf(path, sizeof path, "/tmp/abci_stale.%d.sock", (int)getpid());
    snprintf(address, sizeof address, "unix://%s", path);
    memcpy(at.sun_path, path, sizeof path);
    int dead = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(dead, (struct sockaddr *)&at, sizeof at), 0);
    close(dead);

    struct driver *d = driver_start_at(address);
    ck_assert_msg(d->server != NULL, "%s", d->log);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    expect_refusal(address, "another process listens there");
    driver_stop(d);
    ck_assert_int_ne(stat(path, &st), 0); /* removed at the end */

    int file = open(path, O_CREAT | O_WRONLY, 0600);
    ck_assert_int_ge(file, 0);
    close(file);
    expect_refusal(address, "a file that is no socket is in the way");
    ck_assert_int_eq(stat(path, &st), 0);
    unlink(path);
}
END_TEST

TCase *connection_tests(void)
{
    TCase *t = tcase_create("connection");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_peer_may_vanish_in_the_middle_of_a_frame);
    tcase_add_test(t, only_the_end_of_the_consensus_connection_is_reported);
    tcase_add_test(t, a_held_call_learns_that_nobody_waits_and_its_answer_is_dropped);
    tcase_add_test(t, calls_may_be_answered_after_the_server_is_gone);
    tcase_add_test(t, the_seventeenth_connection_is_turned_away);
    tcase_add_test(t, a_second_living_consensus_connection_is_refused);
    tcase_add_test(t, a_consensus_connection_whose_peer_died_makes_room);
    tcase_add_test(t, a_client_that_writes_long_before_it_reads_gets_every_answer);
    tcase_add_test(t, no_more_than_the_limit_waits_for_answers_and_none_is_lost);
    tcase_add_test(t, the_server_reads_on_while_its_answers_wait_to_be_read);
    tcase_add_test(t, tcp_works_like_unix);
    tcase_add_test(t, addresses_that_cannot_be_are_refused_with_the_reason);
    tcase_add_test(t, a_dead_socket_is_replaced_and_anything_else_is_left_alone);
    return t;
}
