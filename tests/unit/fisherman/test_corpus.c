#include "app/client/corpus.h"
#include <stdio.h>

#include "fisherman/lore.h"
#include "tests/unit/fisherman/help.h"

#include "app/base/hash.h"

#define HASH64 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct vpr_corpus *corpus_of(const char *text)
{
    struct vpr_corpus *corpus = NULL;
    struct vpr_err err;

    if (vpr_corpus_parse(&corpus, vpr_bytes_str(text), "test", &err) != VPR_OK) {
        ck_abort_msg("%s", err.text);
    }
    return corpus;
}

static void refuses(const char *line, const char *why)
{
    struct vpr_corpus *corpus = NULL;
    struct vpr_err err;

    ck_assert_int_eq(vpr_corpus_parse(&corpus, vpr_bytes_str(line), "c", &err), VPR_BAD_FIELD);
    ck_assert_msg(strstr(err.text, why) != NULL, "%s", err.text);
    ck_assert_ptr_null(corpus);
}

static bool a_hash(void *arg, char text[VPR_CORPUS_HASH_TEXT_MAX], uint64_t height)
{
    ck_assert_uint_eq(height, *(const uint64_t *)arg);
    memcpy(text, HASH64, sizeof HASH64);
    return true;
}

static enum vpr_cover covers(const struct vpr_corpus *corpus, const char *body, uint64_t head)
{
    return vpr_corpus_covers(corpus, vpr_bytes_str("POST"), vpr_bytes_str(""),
                             vpr_bytes_str(body), head);
}

#define BLOCK                                                                                  \
    "{\"method\":\"block\",\"path\":\"\",\"params\":[{\"height\":-3,\"as\":\"string\"}],"         \
    "\"compare\":{\"kind\":\"exact\",\"at\":\"/result\"}}\n"
#define HEADER                                                                                 \
    "{\"method\":\"getblockheader\",\"path\":\"\",\"params\":[{\"hash\":-3}],"                     \
    "\"compare\":{\"kind\":\"exact\",\"at\":\"/result/hash\"}}\n"
#define BY_HEIGHT                                                                              \
    "{\"method\":\"getblockhash\",\"path\":\"\",\"params\":[{\"height\":-3}],"                     \
    "\"compare\":{\"kind\":\"exact\",\"at\":\"/result\"}}\n"
#define COUNT                                                                                  \
    "{\"method\":\"getblockcount\",\"path\":\"\",\"params\":[],"                                   \
    "\"compare\":{\"kind\":\"head\",\"at\":\"/result\",\"within\":2}}\n"

START_TEST(shipped_files_are_read_with_their_hash)
{
    static const char *const files[] = {SOURCE_ROOT "/deploy/corpus/0001.jsonl",
                                        SOURCE_ROOT "/deploy/corpus/0002.jsonl"};
    struct vpr_err err;

    for (size_t i = 0; i < VPR_COUNT(files); i++) {
        struct vpr_corpus *corpus = NULL;
        struct vpr_buf file;
        size_t heads = 0;
        vpr_buf_init(&file, VPR_CORPUS_BYTES_MAX);
        FILE *in = fopen(files[i], "r");
        char bytes[4096];
        ck_assert_ptr_nonnull(in);
        for (size_t n = fread(bytes, 1, sizeof bytes, in); n > 0;
             n = fread(bytes, 1, sizeof bytes, in)) {
            vpr_buf_add(&file, bytes, n);
        }
        fclose(in);
        ck_assert_int_eq(vpr_corpus_load(&corpus, files[i], &err), VPR_OK);
        const struct vpr_hash hash = vpr_sha256(file.data, file.len);
        ck_assert(vpr_hash_equal(&hash, vpr_corpus_hash(corpus)));
        for (size_t t = 0; t < vpr_corpus_count(corpus); t++) {
            heads += vpr_corpus_at(corpus, t)->compare == VPR_COMPARE_HEAD ? 1 : 0;
        }
        ck_assert_uint_ge(heads, 1);
        ck_assert_uint_ge(vpr_corpus_count(corpus), 5);
        vpr_corpus_destroy(corpus);
        vpr_buf_finish(&file);
    }
}
END_TEST

START_TEST(what_is_no_template_is_refused_with_its_line)
{
    refuses("{}", "c:1: method or compare is missing");
    refuses(COUNT "[]", "c:2: not one JSON object");
    refuses("{\"method\":\"a\",\"compare\":{\"kind\":\"near\"}}", "kind is not");
    refuses("{\"method\":\"a\",\"compare\":{\"kind\":\"exact\",\"to\":1}}", "other than kind");
    refuses("{\"method\":\"a\",\"cost\":1,\"compare\":{\"kind\":\"exact\"}}", "other than method");
    refuses("{\"method\":\"a b\",\"compare\":{\"kind\":\"exact\"}}", "characters");
    refuses("{\"method\":\"a\",\"path\":\"x\",\"compare\":{\"kind\":\"exact\"}}", "begin");
    refuses("{\"method\":\"a\",\"params\":3,\"compare\":{\"kind\":\"exact\"}}", "params");
    refuses("{\"method\":\"GET\",\"params\":[],\"compare\":{\"kind\":\"exact\"}}", "REST");
}
END_TEST

START_TEST(places_are_filled_from_head_and_hash)
{
    struct vpr_corpus *corpus = corpus_of(
        BLOCK HEADER "{\"method\":\"eth\",\"params\":{\"a\":[{\"height\":-1,\"as\":\"hex\"},true],"
                     "\"b\":{\"height\":0}},\"compare\":{\"kind\":\"ignore\"}}\n" COUNT);
    uint64_t wanted = 97;
    const struct vpr_corpus_values values = {100, a_hash, &wanted};
    static const char *const filled[] = {"[\"97\"]", "[\"" HASH64 "\"]",
                                         "{\"a\":[\"0x63\",true],\"b\":100}", "[]"};
    struct vpr_buf out;

    vpr_buf_init(&out, 4096);
    for (size_t i = 0; i < VPR_COUNT(filled); i++) {
        vpr_buf_reset(&out);
        ck_assert(vpr_corpus_fill(&out, vpr_corpus_at(corpus, i), &values));
        ck_assert_str_eq(out.data, filled[i]);
    }
    vpr_buf_finish(&out);
    vpr_corpus_destroy(corpus);
}
END_TEST

START_TEST(nothing_is_filled_before_it_is_known)
{
    struct vpr_corpus *corpus = corpus_of(BLOCK HEADER COUNT);
    const struct vpr_corpus_values nothing = {0}, low = {3, NULL, NULL}, head = {9, NULL, NULL};
    struct vpr_buf out;

    vpr_buf_init(&out, 4096);
    ck_assert(!vpr_corpus_fill(&out, vpr_corpus_at(corpus, 0), &nothing));
    ck_assert(!vpr_corpus_fill(&out, vpr_corpus_at(corpus, 0), &low)); /* block 0 is none */
    ck_assert(!vpr_corpus_fill(&out, vpr_corpus_at(corpus, 1), &head));
    vpr_buf_reset(&out);
    ck_assert(vpr_corpus_fill(&out, vpr_corpus_at(corpus, 2), &nothing));
    vpr_buf_finish(&out);
    vpr_corpus_destroy(corpus);
}
END_TEST

START_TEST(what_is_filled_is_covered)
{
    struct vpr_corpus *corpus = corpus_of(BLOCK HEADER BY_HEIGHT COUNT);
    uint64_t wanted = 97;
    const struct vpr_corpus_values values = {100, a_hash, &wanted};
    struct vpr_buf params, body;

    vpr_buf_init(&params, 4096);
    vpr_buf_init(&body, 4096);
    for (size_t i = 0; i < vpr_corpus_count(corpus); i++) {
        const struct vpr_corpus_template *t = vpr_corpus_at(corpus, i);
        vpr_buf_reset(&params);
        vpr_buf_reset(&body);
        ck_assert(vpr_corpus_fill(&params, t, &values));
        ck_assert_str_eq(vpr_corpus_request(&body, t, vpr_buf_bytes(&params), 7), "POST");
        ck_assert_int_eq(covers(corpus, body.data, 100), VPR_COVER_YES);
    }
    vpr_buf_finish(&params);
    vpr_buf_finish(&body);
    vpr_corpus_destroy(corpus);
}
END_TEST

START_TEST(what_is_no_template_is_not_covered)
{
    struct vpr_corpus *corpus = corpus_of(BLOCK HEADER COUNT);
    static const char *const no[] = {
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"blocks\",\"params\":[\"97\"]}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"block\",\"params\":[97]}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"block\",\"params\":[\"97\",\"1\"]}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"block\",\"params\":[]}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"block\",\"params\":{\"height\":\"97\"}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"block\",\"params\":[\"97\"],\"x\":1}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"block\",\"params\":[\"97\"]}",
        "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"block\",\"params\":[\"97\"]}]",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"getblockheader\",\"params\":[\"97\"]}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"getblockcount\",\"params\":[1]}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"block\",\"params\":[\"1117\"]}", /* ahead */
        "not JSON",
    };

    for (size_t i = 0; i < VPR_COUNT(no); i++) {
        ck_assert_msg(covers(corpus, no[i], 1100) == VPR_COVER_NO, "%s", no[i]);
    }
    const char *old = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"block\",\"params\":[\"100\"]}";
    ck_assert_int_eq(covers(corpus, old, 1100), VPR_COVER_YES);
    ck_assert_int_eq(covers(corpus, old, 1101), VPR_COVER_NO); /* not in the last 1,000 */
    ck_assert_int_eq(covers(corpus, old, 0), VPR_COVER_NO_HEAD);
    ck_assert_int_eq(vpr_corpus_covers(corpus, vpr_bytes_str("GET"), vpr_bytes_str(""),
                                       vpr_bytes_str(old), 200),
                     VPR_COVER_NO);
    ck_assert_int_eq(vpr_corpus_covers(corpus, vpr_bytes_str("POST"), vpr_bytes_str("/x"),
                                       vpr_bytes_str(old), 200),
                     VPR_COVER_NO);
    vpr_corpus_destroy(corpus);
}
END_TEST

/* One servicer alone cannot send everybody after a height or a hash of its own. */
START_TEST(lore_is_the_word_of_most)
{
    struct vpr_corpus *corpus = corpus_of(COUNT BY_HEIGHT);
    const struct vpr_corpus_template *count = vpr_corpus_at(corpus, 0);
    const struct vpr_corpus_template *by_height = vpr_corpus_at(corpus, 1);
    struct vpr_lore lore = {0};
    char text[VPR_CORPUS_HASH_TEXT_MAX];
    char body[160];
    static const uint64_t heights[] = {100, 101, 5000};

    ck_assert_uint_eq(vpr_lore_head(&lore), 0);
    for (uint32_t seat = 0; seat < 3; seat++) {
        snprintf(body, sizeof body, "{\"result\":%u,\"error\":null,\"id\":4}",
                 (unsigned)heights[seat]);
        const struct vpr_finding f = vpr_finding_of(count, 4, 200, vpr_bytes_str(body));
        ck_assert_int_eq(f.found, VPR_FOUND_RESULT);
        vpr_lore_learn(&lore, count, vpr_bytes_str("[]"), seat, &f, vpr_bytes_str(body));
        snprintf(body, sizeof body, "{\"result\":\"%s\",\"id\":4}",
                 seat == 0 ? "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
                           : HASH64);
        const struct vpr_finding g = vpr_finding_of(by_height, 4, 200, vpr_bytes_str(body));
        vpr_lore_learn(&lore, by_height, vpr_bytes_str("[97]"), seat, &g, vpr_bytes_str(body));
    }
    ck_assert_uint_eq(vpr_lore_head(&lore), 101);
    ck_assert(vpr_lore_hash(&lore, text, 98));
    ck_assert_str_eq(text, HASH64);
    vpr_corpus_destroy(corpus);
}
END_TEST

Suite *suite_corpus(void)
{
    Suite *suite = suite_create("corpus");
    TCase *tests = tcase_create("corpus");

    tcase_add_test(tests, shipped_files_are_read_with_their_hash);
    tcase_add_test(tests, what_is_no_template_is_refused_with_its_line);
    tcase_add_test(tests, places_are_filled_from_head_and_hash);
    tcase_add_test(tests, nothing_is_filled_before_it_is_known);
    tcase_add_test(tests, what_is_filled_is_covered);
    tcase_add_test(tests, what_is_no_template_is_not_covered);
    tcase_add_test(tests, lore_is_the_word_of_most);
    suite_add_tcase(suite, tests);
    return suite;
}
