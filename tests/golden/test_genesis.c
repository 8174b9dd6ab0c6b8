/* Readable genesis -> canonical bytes -> app hashes: what a whole network must agree on before
 * it has agreed on anything.  genesis.json and genesis.txt are the pinned files; a change of
 * either is a new chain. */
#include <check.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/app.h"
#include "app/base/bytes.h"
#include "app/base/hash.h"
#include "app/host/pbjson.h"
#include "app/rules/ids.h"
#include "viper/v1/genesis.pb-c.h"

#define ARENA_BYTES (UINT64_C(1) << 30)
#define TIME_S 1767225600 /* genesis_time of the file */
#define SEED "viper golden beacon"
#define CHAIN_LINKS 8     /* of the validator's beacon chain */
#define SILENT 2          /* the height whose proposer reveals nothing */
#define ROOM UINT64_C(8000000)

static struct vpr_arena arena;
static json_t *file;
static struct vpr_app *app;
static struct vpr_address proposer;

/* ---- the pinned lines: WORD VALUE ---- */

static void pinned(const char *word, const char *got)
{
    char line[256], name[64], want[128];
    FILE *f = fopen(VPR_GOLDEN_GENESIS "/genesis.txt", "r");
    ck_assert_ptr_nonnull(f);
    want[0] = '\0';
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "%63s %127s", name, want) == 2 && strcmp(name, word) == 0) {
            break;
        }
        want[0] = '\0';
    }
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_msg(strcmp(want, got) == 0, "%s is %s here and %s in genesis.txt", word, got,
                  want);
}

static void pinned_hash(const char *word, const struct vpr_hash *hash)
{
    char hex[65];
    vpr_hex(hex, hash->b, sizeof hash->b);
    pinned(word, hex);
}

/* ---- genesis ---- */

static struct vpr_bytes state_bytes(void)
{
    const struct vpr_pbjson_options options = {.strict = true};
    ProtobufCMessage *message;
    struct vpr_err err;
    char *text = json_dumps(json_object_get(file, "app_state"), JSON_COMPACT);
    ck_assert_ptr_nonnull(text);
    enum vpr_code code =
        vpr_pbjson_parse(&message, &arena, &viper__v1__genesis_state__descriptor,
                         vpr_bytes_str(text), &options, &err);
    ck_assert_msg(code == VPR_OK, "%s", err.text);
    free(text);
    return vpr_arena_pack(&arena, message);
}

static struct vpr_hash init(struct vpr_app *on, uint64_t first, int64_t time_s,
                            struct vpr_bytes state)
{
    const struct vpr_validator_update *validators;
    const struct vpr_app_genesis genesis = {
        .chain_id = json_string_value(json_object_get(file, "chain_id")),
        .initial_height = first,
        .time_s = time_s,
        .state = state,
    };
    struct vpr_hash hash;
    struct vpr_err err;
    size_t count;
    ck_assert_msg(vpr_app_init(on, &genesis, &validators, &count, &hash, &err) == VPR_OK, "%s",
                  err.text);
    ck_assert_uint_eq(count, 1);
    ck_assert_uint_eq(validators[0].power, 50000);
    proposer = vpr_address_ed25519(&validators[0].key);
    return hash;
}

static struct vpr_app *open_app(void)
{
    char text[256] = "";
    struct vpr_app *opened = vpr_app_open(vpr_kv_memory_open(), text, sizeof text);
    ck_assert_msg(opened != NULL, "%s", text);
    return opened;
}

/* ---- blocks ---- */

/* What hashes to the validator's end: its chain is eight links from a hash of words. */
static struct vpr_bytes reveal(struct vpr_app *on)
{
    struct vpr_hash end, x = vpr_sha256(SEED, sizeof SEED - 1);
    ck_assert(vpr_app_beacon_end(on, &proposer, &end));
    for (int i = 0; i < CHAIN_LINKS; i++) {
        struct vpr_hash next = vpr_beacon_link(&x);
        if (vpr_hash_equal(&next, &end)) {
            return vpr_bytes_of(vpr_arena_copy(&arena, x.b, sizeof x.b), sizeof x.b);
        }
        x = next;
    }
    return vpr_bytes_of(NULL, 0); /* used up: the rest is skips */
}

static struct vpr_hash run_block(struct vpr_app *on, uint64_t height)
{
    struct vpr_app_block block = {
        .height = height, .time_s = TIME_S + (int64_t)height, .proposer = proposer};
    const struct vpr_app_result *result;
    struct vpr_err err;
    struct vpr_bytes x = height == SILENT ? vpr_bytes_of(NULL, 0) : reveal(on);
    vpr_app_prepare(on, &block, ROOM, x, &block.txs, &block.count);
    ck_assert_uint_eq(block.count, 1);
    struct vpr_bytes system = vpr_arena_bytes(&arena, block.txs[0]);
    block.txs = &system;
    ck_assert_msg(vpr_app_process(on, &block, &err), "%s", err.text);
    vpr_app_finalize(on, &block, &result);
    struct vpr_hash hash = result->app_hash;
    vpr_app_commit(on);
    return hash;
}

/* ---- tests ---- */

static void set_up(void)
{
    json_error_t fault;
    vpr_arena_init(&arena, ARENA_BYTES);
    file = json_load_file(VPR_GOLDEN_GENESIS "/genesis.json", JSON_REJECT_DUPLICATES, &fault);
    ck_assert_msg(file != NULL, "%d: %s", fault.line, fault.text);
    app = open_app();
}

static void tear_down(void)
{
    vpr_app_close(app);
    json_decref(file);
    vpr_arena_finish(&arena);
}

START_TEST(readable_genesis_has_one_canonical_encoding)
{
    struct vpr_bytes state = state_bytes();
    struct vpr_hash hash = vpr_sha256(state.data, state.len);
    char digits[32];
    (void)snprintf(digits, sizeof digits, "%zu", state.len);
    pinned("bytes", digits);
    pinned_hash("sha256", &hash);
}
END_TEST

START_TEST(genesis_and_the_blocks_after_it_have_the_pinned_app_hashes)
{
    char word[32];
    struct vpr_hash hash = init(app, 1, TIME_S, state_bytes());
    pinned_hash("init", &hash);
    for (uint64_t height = 1; height <= 31; height++) {
        hash = run_block(app, height);
        if (height <= 3 || height == 11 || height == 31) {
            (void)snprintf(word, sizeof word, "%" PRIu64, height);
            pinned_hash(word, &hash);
        }
    }
}
END_TEST

/* Defect of the past: exported supply was counted twice, and claims were invalid. */
START_TEST(export_then_import_gives_the_same_app_hash_at_every_height)
{
    struct vpr_hash hash = init(app, 1, TIME_S, state_bytes());
    for (uint64_t height = 1; height <= 12; height++) {
        struct vpr_state state;
        struct vpr_err err;
        hash = run_block(app, height);
        struct vpr_view *view = vpr_app_view(app);
        struct vpr_ctx ctx = vpr_app_query_ctx(&state, view, &arena, &err, NULL);
        struct vpr_bytes exported = vpr_genesis_export(&ctx);
        vpr_view_release(view);

        struct vpr_app *other = open_app();
        struct vpr_hash again = init(other, height + 1, TIME_S + (int64_t)height, exported);
        ck_assert_mem_eq(again.b, hash.b, sizeof hash.b);
        vpr_app_close(other);
    }
    /* The last one goes on as the first does. */
    struct vpr_state state;
    struct vpr_err err;
    struct vpr_view *view = vpr_app_view(app);
    struct vpr_ctx ctx = vpr_app_query_ctx(&state, view, &arena, &err, NULL);
    struct vpr_bytes exported = vpr_genesis_export(&ctx);
    vpr_view_release(view);
    struct vpr_app *other = open_app();
    (void)init(other, 13, TIME_S + 12, exported);
    for (uint64_t height = 13; height <= 24; height++) {
        struct vpr_hash want = run_block(app, height), got = run_block(other, height);
        ck_assert_mem_eq(got.b, want.b, sizeof want.b);
    }
    vpr_app_close(other);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("golden genesis");
    TCase *t = tcase_create("genesis");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, readable_genesis_has_one_canonical_encoding);
    tcase_add_test(t, genesis_and_the_blocks_after_it_have_the_pinned_app_hashes);
    tcase_add_test(t, export_then_import_gives_the_same_app_hash_at_every_height);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
