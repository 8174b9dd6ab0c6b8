#include "fisherman/book.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/base/mem.h"
#include "app/host/file.h"
#include "tests/unit/fisherman/help.h"

#define SESSION 42

static const char *dir;
static struct bench one, two;
static struct vpr_address me;
static const struct vpr_book_session of = {SESSION, 421, 430, {{7}}};

static void start(void)
{
    vpr_sig_init();
    dir = temp_dir();
    one = bench_of(1);
    two = bench_of(2);
    me = address_of(99);
}

static struct vpr_book *opened(void)
{
    struct vpr_book *book = NULL;
    struct vpr_err err;

    ck_assert_int_eq(vpr_book_open(&book, dir, &of, &me, &err), VPR_OK);
    return book;
}

static struct vpr_book *read_again(void)
{
    struct vpr_book *book = NULL;
    struct vpr_err err;

    ck_assert_int_eq(vpr_book_read(&book, dir, SESSION, &me, &err), VPR_OK);
    return book;
}

/* `groups` comparisons over all servicers of a sid; servicer 4 differs. */
static void fill(struct vpr_book *book, struct bench *bench, uint32_t groups)
{
    const uint32_t sid = vpr_book_sid(book, &bench->terms);

    ck_assert_uint_ne(sid, VPR_BOOK_NO_SID);
    for (uint32_t g = 0; g < groups; g++) {
        for (uint32_t seat = 0; seat < SEATS; seat++) {
            const struct vpr_book_sample s =
                kept_of(bench, sid, seat, g, 1000 * g + seat,
                        value_finding(seat == 4 ? "wrong" : "right"), 10 + seat);
            ck_assert(vpr_book_add(book, &s));
        }
    }
}

static void same_samples(const struct vpr_book *a, const struct vpr_book *b)
{
    ck_assert_uint_eq(a->sample_count, b->sample_count);
    ck_assert_uint_eq(a->sid_count, b->sid_count);
    for (uint32_t i = 0; i < a->sample_count; i++) {
        uint8_t x[VPR_SAMPLE_BYTES_MAX], y[VPR_SAMPLE_BYTES_MAX];
        const struct vpr_book_sample *s = a->samples[i], *t = b->samples[i];
        const size_t len = vpr_sample_encode(x, &s->sample);
        ck_assert_uint_eq(len, vpr_sample_encode(y, &t->sample));
        ck_assert_mem_eq(x, y, len);
        ck_assert_uint_eq(s->sid, t->sid);
        ck_assert_uint_eq(s->seat, t->seat);
        ck_assert_uint_eq(s->group, t->group);
        ck_assert_uint_eq(s->gateway_key, t->gateway_key);
        ck_assert_uint_eq(s->at_ms, t->at_ms);
        ck_assert_int_eq(s->finding.compare, t->finding.compare);
        ck_assert_int_eq(s->finding.found, t->finding.found);
        ck_assert(vpr_hash_equal(&s->finding.value, &t->finding.value));
    }
}

START_TEST(a_book_is_found_again_as_it_was)
{
    struct vpr_book *book = opened();
    fill(book, &one, 3);
    fill(book, &two, 2);
    struct vpr_book *again = read_again();

    ck_assert_uint_eq(again->cut_bytes, 0);
    ck_assert_uint_eq(again->first, 421);
    ck_assert_uint_eq(again->last, 430);
    ck_assert(!again->ended);
    same_samples(book, again);
    ck_assert_uint_eq(again->sids[0]->spent_cu[2], 3);
    ck_assert(vpr_book_seen(again, 0, 2, &book->samples[2]->sample.request.part));
    ck_assert(!vpr_book_seen(again, 0, 1, &book->samples[2]->sample.request.part));
    vpr_book_close(book);
    vpr_book_close(again);
}
END_TEST

START_TEST(seals_are_those_of_the_first_run)
{
    struct vpr_book *book = opened();
    fill(book, &one, 8);
    fill(book, &two, 2);
    vpr_book_end(book);
    struct vpr_book *again = read_again();

    ck_assert(again->ended);
    for (uint32_t i = 0; i < 2; i++) {
        const struct vpr_book_sid *a = book->sids[i], *b = again->sids[i];
        ck_assert(b->sealed);
        ck_assert(vpr_hash_equal(&a->seal, &b->seal));
        ck_assert(vpr_hash_equal(&a->salt, &b->salt));
        ck_assert(vpr_hash_equal(&a->card.root, &b->card.root));
        const struct vpr_hash seal = vpr_card_seal(&b->card, &b->salt, &b->terms.sid, &me);
        ck_assert(vpr_hash_equal(&seal, &b->seal));
    }
    ck_assert(!vpr_hash_equal(&again->sids[0]->salt, &again->sids[1]->salt));
    vpr_book_end(again); /* twice is once */
    ck_assert(vpr_hash_equal(&book->sids[0]->seal, &again->sids[0]->seal));
    vpr_book_close(book);
    vpr_book_close(again);
}
END_TEST

START_TEST(the_card_says_what_was_judged)
{
    struct vpr_book *book = opened();
    fill(book, &one, 8);
    vpr_book_end(book);
    const struct vpr_card *card = &book->sids[0]->card;

    for (uint32_t seat = 0; seat < SEATS; seat++) {
        ck_assert_uint_eq(card->lines[seat].sent, 8);
        ck_assert_uint_eq(card->lines[seat].checked, 8);
        ck_assert_uint_eq(card->lines[seat].correct, seat == 4 ? 0 : 8);
        ck_assert_uint_eq(card->lines[seat].p90_ms, 10 + seat);
    }
    const struct vpr_sample **samples = vpr_book_samples(book, 0);
    ck_assert(vpr_address_equal(&samples[0]->request.part.servicer,
                                &one.terms.seats[0].servicer));
    ck_assert_int_eq(samples[39]->verdict, VPR_VERDICT_WRONG);
    vpr_mem_free(samples);
    vpr_book_close(book);
}
END_TEST

/* All five agree; the operator's own node says otherwise, also after a restart. */
START_TEST(a_trusted_word_is_kept_and_judges)
{
    struct vpr_book *book = opened();
    const struct vpr_book_word word = {.sid = 0, .group = 1, .at_ms = 5,
                                       .finding = value_finding("truth")};

    fill(book, &one, 2);
    ck_assert(vpr_book_add_word(book, &word));
    vpr_book_close(book);
    book = opened();
    ck_assert_uint_eq(book->word_count, 1);
    ck_assert_uint_eq(book->cut_bytes, 0);
    vpr_book_end(book);
    ck_assert_uint_eq(book->sids[0]->card.lines[0].correct, 1);
    ck_assert_uint_eq(book->sids[0]->card.lines[0].checked, 2);
    ck_assert(!vpr_book_add_word(book, &word));
    vpr_book_close(book);
}
END_TEST

START_TEST(nothing_is_added_once_it_is_sealed)
{
    struct vpr_book *book = opened();
    fill(book, &one, 1);
    vpr_book_end(book);
    const struct vpr_book_sample late = kept_of(&one, 0, 0, 9, 1, value_finding("x"), 1);

    ck_assert(!vpr_book_add(book, &late));
    ck_assert_uint_eq(vpr_book_sid(book, &two.terms), VPR_BOOK_NO_SID);
    vpr_book_close(book);
}
END_TEST

static void copy_file(struct vpr_buf *out, const char *path)
{
    struct vpr_err err;

    vpr_buf_init(out, 8 * 1024 * 1024);
    ck_assert_int_eq(vpr_file_read(out, path, &err), VPR_OK);
}

static void write_bytes(const char *path, const void *data, size_t len)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, data, len), (ssize_t)len);
    close(fd);
}

/* Torn at every byte of its end, as by a machine that stopped: what is whole is kept. */
START_TEST(a_torn_end_is_cut)
{
    struct vpr_book *book = opened();
    struct vpr_buf file;
    char path[VPR_BOOK_PATH_MAX];

    fill(book, &one, 2);
    vpr_book_path(path, dir, SESSION);
    copy_file(&file, path);
    vpr_book_close(book);
    for (size_t lost = 1; lost <= file.len; lost += lost < 700 ? 1 : 97) {
        struct vpr_book *again = NULL;
        struct vpr_err err;
        write_bytes(path, file.data, file.len - lost);
        const enum vpr_code code = vpr_book_read(&again, dir, SESSION, &me, &err);
        if (code != VPR_OK) {
            ck_assert_uint_gt(lost, file.len - 200); /* not even the session's frame */
            continue;
        }
        ck_assert_uint_lt(again->sample_count, 10);
        ck_assert_uint_eq(again->file_bytes + again->cut_bytes, file.len - lost);
        if (again->sid_count == 1 && again->sample_count > 0) {
            const struct vpr_book_sample s = kept_of(&one, 0, 0, 9, 1, value_finding("x"), 1);
            ck_assert(vpr_book_add(again, &s));
            const uint32_t kept = again->sample_count;
            vpr_book_close(again);
            again = read_again();
            ck_assert_uint_eq(again->sample_count, kept);
            ck_assert_uint_eq(again->cut_bytes, 0);
        }
        vpr_book_close(again);
    }
    vpr_buf_finish(&file);
}
END_TEST

START_TEST(a_flipped_bit_is_never_believed)
{
    struct vpr_book *book = opened();
    struct vpr_buf file;
    char path[VPR_BOOK_PATH_MAX];

    fill(book, &one, 2);
    vpr_book_end(book);
    vpr_book_path(path, dir, SESSION);
    copy_file(&file, path);
    for (size_t at = 0; at < file.len; at += 13) {
        struct vpr_book *again = NULL;
        struct vpr_err err;
        file.data[at] = (char)(file.data[at] ^ 0x10);
        write_bytes(path, file.data, file.len);
        file.data[at] = (char)(file.data[at] ^ 0x10);
        if (vpr_book_read(&again, dir, SESSION, &me, &err) == VPR_OK) {
            ck_assert_uint_gt(again->cut_bytes, 0);
            ck_assert(!again->ended);
            vpr_book_close(again);
        }
    }
    vpr_book_close(book);
    vpr_buf_finish(&file);
}
END_TEST

/* The process is killed while it samples and while it seals; the next one carries on. */
START_TEST(a_killed_process_loses_nothing_it_was_told)
{
    for (int round = 0; round < 4; round++) {
        int pipe_fds[2];
        ck_assert_int_eq(pipe(pipe_fds), 0);
        const pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            struct vpr_book *book = opened();
            for (uint32_t g = 0;; g++) {
                fill(book, &one, 1);
                const uint32_t kept = book->sample_count;
                if (write(pipe_fds[1], &kept, sizeof kept) != sizeof kept) {
                    _exit(1);
                }
            }
        }
        close(pipe_fds[1]);
        uint32_t told = 0;
        for (int i = 0; i < 20 + round; i++) {
            ck_assert_int_eq(read(pipe_fds[0], &told, sizeof told), sizeof told);
        }
        kill(child, SIGKILL);
        ck_assert_int_eq(waitpid(child, NULL, 0), child);
        for (uint32_t more; read(pipe_fds[0], &more, sizeof more) == sizeof more;) {
            told = more;
        }
        close(pipe_fds[0]);
        struct vpr_book *book = read_again();
        ck_assert_uint_ge(book->sample_count, told);
        vpr_book_close(book);
    }
    struct vpr_book *book = opened();
    vpr_book_end(book);
    ck_assert(book->sids[0]->sealed);
    vpr_book_close(book);
}
END_TEST

START_TEST(a_book_of_another_network_or_fisherman_begins_anew)
{
    struct vpr_book *book = opened();
    struct vpr_book_session other = of;
    struct vpr_address you = address_of(98);
    struct vpr_book *read = NULL;
    struct vpr_err err;

    fill(book, &one, 1);
    vpr_book_close(book);
    ck_assert_int_eq(vpr_book_read(&read, dir, SESSION, &you, &err), VPR_BAD_ENCODING);
    book = opened();
    ck_assert_uint_eq(book->sample_count, SEATS); /* that attempt has changed nothing */
    vpr_book_close(book);
    other.seed.b[0] = 8;
    ck_assert_int_eq(vpr_book_open(&book, dir, &other, &me, &err), VPR_OK);
    ck_assert_uint_eq(book->sample_count, 0);
    ck_assert_uint_eq(book->sid_count, 0);
    vpr_book_close(book);
}
END_TEST

START_TEST(a_sid_with_another_bench_is_not_taken)
{
    struct vpr_book *book = opened();
    struct vpr_book_terms changed = one.terms;

    ck_assert_uint_eq(vpr_book_sid(book, &one.terms), 0);
    ck_assert_uint_eq(vpr_book_sid(book, &one.terms), 0);
    changed.seats[3].servicer = address_of(60);
    ck_assert_uint_eq(vpr_book_sid(book, &changed), VPR_BOOK_NO_SID);
    ck_assert_uint_eq(book->sid_count, 1);
    vpr_book_close(book);
}
END_TEST

/* The limit of a file's size stands in for a full disk. */
static void disk_of(rlim_t bytes)
{
    const struct rlimit limit = {bytes, RLIM_INFINITY};

    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(a_full_disk_loses_only_what_did_not_fit)
{
    signal(SIGXFSZ, SIG_IGN);
    struct vpr_book *book = opened();
    fill(book, &one, 3);
    const uint32_t kept = book->sample_count;
    const struct vpr_book_sample s = kept_of(&one, 0, 0, 9, 9000, value_finding("right"), 10);
    struct vpr_book_word word = {.sid = 0, .group = 9, .finding = value_finding("right")};
    disk_of(book->file_bytes + 100); /* a part of it fits */
    ck_assert(!vpr_book_add(book, &s));
    ck_assert(!vpr_book_add(book, &s));
    ck_assert_uint_eq(book->sample_count, kept);
    disk_of(book->file_bytes);
    ck_assert(!vpr_book_add_word(book, &word));
    ck_assert_uint_eq(vpr_book_sid(book, &two.terms), VPR_BOOK_NO_SID);
    disk_of(RLIM_INFINITY);
    ck_assert(vpr_book_add(book, &s));
    ck_assert_uint_eq(vpr_book_sid(book, &two.terms), 1);
    vpr_book_close(book);
    book = read_again();
    ck_assert_uint_eq(book->cut_bytes, 0);
    ck_assert_uint_eq(book->sample_count, kept + 1);
    ck_assert_uint_eq(book->sids[0]->sent[0], 4);
    /* Without room for the seals the cards are made all the same: they can still be sent. */
    disk_of(book->file_bytes + 10);
    vpr_book_end(book);
    ck_assert(book->ended);
    ck_assert(book->sids[0]->sealed);
    disk_of(RLIM_INFINITY);
    vpr_book_close(book);
}
END_TEST

START_TEST(without_room_for_its_first_line_there_is_no_book)
{
    struct vpr_book *book = NULL;
    struct vpr_err err;

    signal(SIGXFSZ, SIG_IGN);
    disk_of(10);
    ck_assert_int_ne(vpr_book_open(&book, dir, &of, &me, &err), VPR_OK);
    ck_assert_ptr_null(book);
    disk_of(RLIM_INFINITY);
    vpr_book_close(opened());
}
END_TEST

Suite *suite_book(void)
{
    Suite *suite = suite_create("book");
    TCase *tests = tcase_create("book");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, start, NULL);
    tcase_add_test(tests, a_book_is_found_again_as_it_was);
    tcase_add_test(tests, seals_are_those_of_the_first_run);
    tcase_add_test(tests, the_card_says_what_was_judged);
    tcase_add_test(tests, a_trusted_word_is_kept_and_judges);
    tcase_add_test(tests, nothing_is_added_once_it_is_sealed);
    tcase_add_test(tests, a_torn_end_is_cut);
    tcase_add_test(tests, a_flipped_bit_is_never_believed);
    tcase_add_test(tests, a_killed_process_loses_nothing_it_was_told);
    tcase_add_test(tests, a_book_of_another_network_or_fisherman_begins_anew);
    tcase_add_test(tests, a_sid_with_another_bench_is_not_taken);
    tcase_add_test(tests, a_full_disk_loses_only_what_did_not_fit);
    tcase_add_test(tests, without_room_for_its_first_line_there_is_no_book);
    suite_add_tcase(suite, tests);
    return suite;
}
