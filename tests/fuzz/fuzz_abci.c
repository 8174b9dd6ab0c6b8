/* Mutated frames against a living server: whatever comes, it answers in order or ends that
 * connection, and serves the next one.  FUZZ_SECONDS (3) and FUZZ_SEED (the clock) are taken
 * from the environment; the seed is printed, and run again with it the bytes are the same. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/abci/driver.h"

#include <check.h>

#define FRAME_MAX 4096
#define STREAM_MAX (64 * 1024)
#define PATIENCE_MS 5000

static const char *const seeds[] = {
    "1200", "0a040a026869", "5a00", "42030a0161", "42050a0168 1001", "8a0100", "2a00", "920100",
    "aa01030a0178", "b20100", "a201030a0161", "1a00", "3200", "320a0a01 61 12012f 180520 01",
    "820107 0805 12016112 00", "9a0100", "6a00", "7200",
    /* InitChain with everything */
    "2a340a04080110021 20576697072311a1c0a0608800110ff01 12080864120308e80718 051a090a0765643235"
    "353139 2a027b7d 3001",
    /* FinalizeBlock with votes, misbehaviour, time */
    "a2013e 0a0161 0a00 12160801 1208 0a04 0a0201 02 1802 1208 0a040a020304 1803 1a0e 0801"
    "12060a02010218 05 1803 2201ff 2805 3206080110ffffff07 3a010142 0109",
};

static uint64_t state;

static uint32_t luck(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 33) % below;
}

static size_t put_varint(uint8_t *out, size_t v)
{
    size_t n = 0;

    for (; v > 0x7f; v >>= 7) {
        out[n++] = (uint8_t)(v | 0x80);
    }
    out[n++] = (uint8_t)v;
    return n;
}

static size_t pick(uint8_t *out)
{
    char digits[1024];
    size_t n = 0;

    for (const char *s = seeds[luck(VPR_COUNT(seeds))]; *s != 0; s++) {
        if (*s != ' ') {
            digits[n++] = *s;
        }
    }
    digits[n - n % 2] = 0;
    return hex_bytes(out, FRAME_MAX, digits);
}

/* One change of bytes, with room for it. */
static size_t mutate(uint8_t *m, size_t n)
{
    uint8_t other[FRAME_MAX];
    size_t at = n > 0 ? luck((uint32_t)n) : 0;

    switch (luck(7)) {
    case 0:
        if (n > 0) {
            m[at] ^= (uint8_t)(1u << luck(8));
        }
        return n;
    case 1:
        if (n > 0) {
            m[at] = (uint8_t)luck(256);
        }
        return n;
    case 2: /* cut the tail */
        return at;
    case 3: /* take one out */
        if (n > 0) {
            memmove(m + at, m + at + 1, n - at - 1);
            return n - 1;
        }
        return n;
    case 4: /* put one in */
        memmove(m + at + 1, m + at, n - at);
        m[at] = (uint8_t)luck(256);
        return n + 1;
    case 5: { /* another request behind */
        size_t more = pick(other);
        if (n + more > FRAME_MAX / 2) {
            return n;
        }
        memcpy(m + n, other, more);
        return n + more;
    }
    default: { /* inside a field of some other request */
        static const uint8_t tags[] = {0x12, 0x2a, 0x32, 0x42, 0x82, 0x8a, 0xa2, 0xfa};
        size_t h = 0;
        if (n > FRAME_MAX / 4) {
            return n;
        }
        other[h] = tags[luck(VPR_COUNT(tags))];
        h++;
        if (other[0] >= 0x80) {
            other[h++] = 0x01;
        }
        h += put_varint(other + h, n);
        memmove(m + h, m, n);
        memcpy(m, other, h);
        return n + h;
    }
    }
}

static size_t invent(uint8_t *stream)
{
    size_t n = 0;

    for (uint32_t frames = 1 + luck(6); frames > 0; frames--) {
        uint8_t m[FRAME_MAX];
        size_t len = pick(m);
        for (uint32_t changes = luck(3); changes > 0; changes--) {
            len = mutate(m, len);
        }
        size_t says = luck(30) == 0 ? luck(UINT32_MAX) : len; /* a wrong length now and then */
        n += put_varint(stream + n, says);
        memcpy(stream + n, m, len);
        n += len;
    }
    return n;
}

static void answer_held(struct driver *d)
{
    for (;;) {
        pthread_mutex_lock(&d->lock);
        unsigned count = d->held_count;
        struct abci_call *call = count > 0 ? d->held[--d->held_count] : NULL;
        pthread_mutex_unlock(&d->lock);
        if (call == NULL) {
            return;
        }
        Tendermint__Abci__ResponseCheckTx out = TENDERMINT__ABCI__RESPONSE_CHECK_TX__INIT;
        abci_reply(call, &out.base);
    }
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* All that comes is whole responses; counts them.  Ends at the end of the stream, at the
 * echo "zz", or when nothing has come for a while. */
static unsigned read_answers(struct driver *d, int fd, bool *ret_echoed, bool *ret_ended)
{
    static uint8_t in[4 << 20];
    size_t have = 0, at = 0;
    unsigned count = 0;
    int64_t quiet_since = now_ms();

    *ret_echoed = *ret_ended = false;
    while (!*ret_echoed && !*ret_ended && now_ms() - quiet_since < 30) {
        struct pollfd p = {fd, POLLIN, 0};
        answer_held(d);
        if (poll(&p, 1, 2) == 1) {
            ssize_t n = recv(fd, in + have, sizeof in - have, 0);
            *ret_ended = n <= 0;
            have += n > 0 ? (size_t)n : 0;
            quiet_since = now_ms();
        }
        for (;;) {
            size_t len = 0, h = 0;
            while (at + h < have && h < 5) {
                len |= (size_t)(in[at + h] & 0x7f) << (7 * h);
                if ((in[at + h++] & 0x80) == 0) {
                    break;
                }
            }
            if (h == 0 || (in[at + h - 1] & 0x80) != 0 || at + h + len > have) {
                break;
            }
            Tendermint__Abci__Response *r =
                tendermint__abci__response__unpack(NULL, len, in + at + h);
            ck_assert_msg(r != NULL && r->value_case != 0, "an answer is no response");
            *ret_echoed |= r->value_case == TENDERMINT__ABCI__RESPONSE__VALUE_ECHO &&
                           strcmp(r->echo->message, "zz") == 0;
            tendermint__abci__response__free_unpacked(r, NULL);
            at += h + len;
            count++;
        }
    }
    return count;
}

static void probe(const struct driver *d)
{
    int fd = driver_connect(d);

    send_hex(fd, "021200");
    expect_hex(fd, "021a00"); /* within its patience, or the test fails */
    close(fd);
}

START_TEST(mutated_frames_do_no_harm)
{
    const char *seconds = getenv("FUZZ_SECONDS"), *seed = getenv("FUZZ_SEED");
    uint64_t first = seed != NULL ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL);
    int64_t until = now_ms() + 1000 * (seconds != NULL ? atoi(seconds) : 3);
    unsigned rounds = 0, echoed = 0, ended = 0, answers = 0;
    struct driver *d = driver_start();
    static uint8_t stream[STREAM_MAX];

    printf("FUZZ_SEED=%" PRIu64 "\n", first);
    fflush(stdout);
    state = first * 2654435761u + 88172645463325252u;
    while (now_ms() < until) {
        bool got_echo, got_end;
        int fd = driver_connect(d);
        size_t n = invent(stream);
        for (size_t at = 0; at < n;) {
            size_t piece = 1 + luck(luck(4) == 0 ? 3 : 2000);
            piece = piece < n - at ? piece : n - at;
            if (send(fd, stream + at, piece, MSG_NOSIGNAL) != (ssize_t)piece) {
                break; /* turned out already */
            }
            at += piece;
        }
        (void)!send(fd, "\x06\x0a\x04\x0a\x02zz", 7, MSG_NOSIGNAL);
        answers += read_answers(d, fd, &got_echo, &got_end);
        close(fd);
        answer_held(d);
        echoed += got_echo;
        ended += got_end;
        if (++rounds % 16 == 0) {
            probe(d);
        }
    }
    probe(d);
    printf("%u streams: %u read to the end, %u thrown out, %u answers\n", rounds, echoed, ended,
           answers);
    /* Or the frames are not what they are meant to be. */
    ck_assert_uint_gt(echoed, rounds / 20);
    ck_assert_uint_gt(ended, rounds / 20);
    answer_held(d);
    driver_stop(d);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("fuzz_abci");
    TCase *t = tcase_create("frames");

    tcase_set_timeout(t, 0);
    tcase_add_test(t, mutated_frames_do_no_harm);
    suite_add_tcase(s, t);

    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
