#include "app/domain/commits.h"

#include "app/base/bytes.h"
#include "app/rules/draw.h"
#include "tests/unit/domain/session_tests.h"
#include "tests/unit/world_session.h"
#include "viper/v1/query.pb-c.h"

/* Sessions of 10 blocks from block 1 on: work of session 0 is committed in 11 to 20 and
 * proved in 23 to 30. */
#define FIRST_COMMIT 11
#define LAST_COMMIT 20
#define FIRST_PROVE 23
#define LAST_PROVE 30

static struct ws w;
static struct vpr_bench bench; /* of requestor1 on chain 1 */
static struct ws_work work;    /* of its first servicer: 2 clients, 4 relays of 500 CU each */
static struct ws_work other;   /* of the same servicer in another sid */

static void open_world(const struct ws_options *options)
{
    ws_open(&w, options);
    ws_to(&w, 1);
    bench = ws_bench(&w, 0, 1, 1);
    ws_work(&work, &bench, &bench.servicers[0].id, 4, 500);
}

static void setup(void)
{
    open_world(&(struct ws_options){.settle_per_block = 0});
}

static void teardown(void)
{
    ws_close(&w);
}

static const char *servicer(void)
{
    return ws_label(&work.servicer);
}

static Viper__V1__MsgCommit *commit_message(void)
{
    return ws_msg_commit(&w, (const struct ws_work *[]){&work}, 1);
}

static enum vpr_code send_commit(Viper__V1__MsgCommit *m)
{
    return ws_send(&w, &m->base, servicer());
}

static void commit_all(void)
{
    ws_to(&w, FIRST_COMMIT);
    ws_must(&w, &commit_message()->base, servicer());
}

/* The same servicer in a second sid, if it is drawn there. */
static bool find_other(void)
{
    for (unsigned r = 1; r <= WS_REQUESTORS; r++) {
        for (uint16_t chain = 1; chain <= 2; chain++) {
            struct vpr_bench found = ws_bench(&w, 0, r, chain);
            if (!vpr_hash_equal(&found.sid, &bench.sid) &&
                vpr_bench_has_servicer(&found, &work.servicer)) {
                ws_work(&other, &found, &work.servicer, 3, 700);
                return true;
            }
        }
    }
    return false;
}

static Viper__V1__MsgProve *tails_message(void)
{
    return ws_msg_tails(&w, (const struct ws_work *[]){&work}, 1);
}

static Viper__V1__MsgProve *samples_message(void)
{
    return ws_msg_samples(&w, (const struct ws_work *[]){&work}, 1);
}

static enum vpr_code send_prove(Viper__V1__MsgProve *m)
{
    return ws_send(&w, &m->base, servicer());
}

static const Viper__V1__Commit *committed(void)
{
    return vpr_commit_get(w.ctx, 0, &bench.sid, &work.servicer);
}

/* ---- MsgCommit ---- */

/* The first Commit of a sid writes the drawn lists; the claim stands with root, sum, count. */
START_TEST(commit_stores_bench_and_claim)
{
    struct vpr_bench stored;

    commit_all();
    ck_assert(vpr_bench_stored(w.ctx, 0, &bench.sid, &stored));
    ck_assert_int_eq(memcmp(&stored.servicers, &bench.servicers, sizeof bench.servicers), 0);
    ck_assert_int_eq(memcmp(&stored.fishermen, &bench.fishermen, sizeof bench.fishermen), 0);
    ck_assert_uint_eq(stored.allowance_cu, 500000);
    ck_assert_uint_eq(stored.budget, 1000 * VPR_UVIPR_PER_VIPR);
    ck_assert_uint_eq(stored.quota_cu, 50000);
    ck_assert_uint_eq(stored.share_ppm, 500000);
    struct vpr_address owner = world_address("requestor1.owner");
    ck_assert(vpr_address_equal(&stored.requestor_owner, &owner));
    ck_assert_uint_eq(vpr_bench_committed(w.ctx, 0, &bench.sid), 1);

    const Viper__V1__Commit *commit = committed();
    ck_assert_ptr_nonnull(commit);
    ck_assert_uint_eq(commit->sum, 4000);
    ck_assert_uint_eq(commit->count, 8);
    ck_assert_int_eq(memcmp(commit->root.data, work.root.hash.b, 32), 0);
    ck_assert(!commit->tails_proved);

    const struct vpr_event *event = ws_event(&w, "commit", 0);
    ck_assert_ptr_nonnull(event);
    ck_assert_uint_eq(ws_attribute_u64(event, "sum"), 4000);
    ck_assert_str_eq(ws_attribute(event, "chain"), "0001");
    ws_end(&w);
}
END_TEST

/* Only the blocks of s+1 take a Commit of s. */
START_TEST(commit_has_its_session)
{
    ws_to(&w, FIRST_COMMIT - 1);
    ck_assert_int_eq(send_commit(commit_message()), VPR_WRONG_WINDOW);
    ck_assert_ptr_null(committed());
    ws_to(&w, FIRST_COMMIT);
    ck_assert_int_eq(send_commit(commit_message()), VPR_OK);
    ws_to(&w, LAST_COMMIT);
    ck_assert_int_eq(send_commit(commit_message()), VPR_OK);
    ws_to(&w, LAST_COMMIT + 1);
    ck_assert_int_eq(send_commit(commit_message()), VPR_WRONG_WINDOW);
    Viper__V1__MsgCommit *m = commit_message();
    m->session = UINT64_MAX;
    ck_assert_int_eq(send_commit(m), VPR_WRONG_WINDOW);
}
END_TEST

/* Who is not drawn, or no servicer at all, claims nothing. */
START_TEST(commit_needs_membership)
{
    Viper__V1__MsgCommit *m = commit_message();

    ws_to(&w, FIRST_COMMIT);
    static const char *const all[] = {"servicer1", "servicer2", "servicer3",
                                      "servicer4", "servicer5", "servicer6"};
    size_t outside = 0;
    for (size_t i = 0; i < VPR_COUNT(all); i++) {
        struct vpr_address id = world_address(all[i]);
        if (!vpr_bench_has_servicer(&bench, &id)) {
            ck_assert_int_eq(ws_send(&w, &m->base, all[i]), VPR_NOT_DRAWN);
            outside++;
        }
    }
    ck_assert_uint_eq(outside, 1);
    ck_assert_int_eq(ws_send(&w, &m->base, "fisherman1"), VPR_NOT_STAKED);
    ck_assert_int_eq(ws_send(&w, &m->base, "alice"), VPR_NOT_STAKED);
    m->entries[0]->chain = 3;
    ck_assert_int_ne(send_commit(m), VPR_OK);
    m->entries[0]->chain = 1;
    m->entries[0]->requestor = m->operator_;
    ck_assert_int_ne(send_commit(m), VPR_OK);
    struct vpr_bench stored;
    ck_assert(!vpr_bench_stored(w.ctx, 0, &bench.sid, &stored));
    ws_end(&w);
}
END_TEST

/* sum >= count >= 1, 32 bytes of root, ids of 16 bits, no sid twice, 1 to 1,000 entries. */
START_TEST(commit_refuses_bad_numbers)
{
    Viper__V1__MsgCommit *m = commit_message();

    ws_to(&w, FIRST_COMMIT);
    m->entries[0]->sum = 7;
    ck_assert_int_eq(send_commit(m), VPR_BAD_FIELD);
    m->entries[0]->count = 0;
    ck_assert_int_eq(send_commit(m), VPR_BAD_FIELD);
    m = commit_message();
    m->entries[0]->root.len = 31;
    ck_assert_int_eq(send_commit(m), VPR_BAD_FIELD);
    m = commit_message();
    m->entries[0]->chain = 65537;
    ck_assert_int_eq(send_commit(m), VPR_BAD_FIELD);
    m = commit_message();
    m->n_entries = 0;
    ck_assert_int_eq(send_commit(m), VPR_BAD_FIELD);
    m = ws_msg_commit(&w, (const struct ws_work *[]){&work, &work}, 2);
    ck_assert_int_eq(send_commit(m), VPR_DUPLICATE);
    ck_assert_ptr_null(committed());
}
END_TEST

/* 1,001 entries are refused for their number, 1,000 of the same sid only for the second. */
START_TEST(commit_has_at_most_1000_entries)
{
    Viper__V1__CommitEntry *entries[1001];
    Viper__V1__MsgCommit *m = commit_message();

    ws_to(&w, FIRST_COMMIT);
    for (size_t i = 0; i < VPR_COUNT(entries); i++) {
        entries[i] = m->entries[0];
    }
    m->entries = entries;
    m->n_entries = 1001;
    ck_assert_int_eq(send_commit(m), VPR_BAD_FIELD);
    m->n_entries = 1000;
    ck_assert_int_eq(send_commit(m), VPR_DUPLICATE);
    ck_assert_ptr_null(committed());
}
END_TEST

/* A claim worth less than claim_min is not worth its bytes. */
START_TEST(commit_has_a_least_claim)
{
    ws_close(&w);
    open_world(&(struct ws_options){.claim_min = 8000000});
    ws_to(&w, FIRST_COMMIT);
    Viper__V1__MsgCommit *m = commit_message();
    ck_assert_int_eq(send_commit(m), VPR_OK); /* 4,000 CU at 2,000 uvipr */
    m->entries[0]->sum = 3999;
    ck_assert_int_eq(send_commit(m), VPR_CLAIM_TOO_SMALL);
    ck_assert_uint_eq(committed()->sum, 4000);
}
END_TEST

/* A later Commit replaces an earlier one and is not counted twice. */
START_TEST(commit_again_replaces)
{
    commit_all();
    Viper__V1__MsgCommit *m = commit_message();
    m->entries[0]->sum = 4001;
    m->entries[0]->root.data[0] ^= 1;
    ck_assert_int_eq(send_commit(m), VPR_OK);
    ck_assert_uint_eq(committed()->sum, 4001);
    ck_assert_uint_eq(vpr_bench_committed(w.ctx, 0, &bench.sid), 1);
    ws_end(&w);
}
END_TEST

/* One refused entry refuses the message. */
START_TEST(commit_is_all_or_nothing)
{
    ck_assert(find_other());
    Viper__V1__MsgCommit *m = ws_msg_commit(&w, (const struct ws_work *[]){&work, &other}, 2);
    ws_to(&w, FIRST_COMMIT);
    m->entries[1]->requestor = m->operator_;
    ck_assert_int_ne(send_commit(m), VPR_OK);
    ck_assert_ptr_null(committed());
    ck_assert_ptr_null(ws_event(&w, "commit", 0));
    m = ws_msg_commit(&w, (const struct ws_work *[]){&work, &other}, 2);
    ck_assert_int_eq(send_commit(m), VPR_OK);
    ck_assert_ptr_nonnull(ws_event(&w, "commit", 1));
    struct vpr_hash sids[3];
    ck_assert_uint_eq(vpr_committed_sids(w.ctx, 0, &work.servicer, sids, 3), 2);
    ck_assert_int_lt(memcmp(sids[0].b, sids[1].b, 32), 0);
    ws_end(&w);
}
END_TEST

/* ---- MsgProve: tails ---- */

START_TEST(prove_has_its_blocks)
{
    commit_all();
    ws_to(&w, FIRST_PROVE - 1);
    ck_assert_int_eq(send_prove(tails_message()), VPR_WRONG_WINDOW);
    ck_assert(!committed()->tails_proved);
    ws_to(&w, FIRST_PROVE);
    ck_assert_int_eq(send_prove(tails_message()), VPR_OK);
    ws_to(&w, LAST_PROVE);
    ck_assert_int_eq(send_prove(tails_message()), VPR_OK);
    Viper__V1__MsgProve *late = tails_message();
    ws_to(&w, LAST_PROVE + 1);
    ck_assert_int_eq(send_prove(late), VPR_WRONG_WINDOW);
}
END_TEST

/* Tails add up over the client keys; proving again replaces. */
START_TEST(tails_bound_the_claim)
{
    commit_all();
    ws_to(&w, FIRST_PROVE);
    Viper__V1__MsgProve *m = tails_message();
    ck_assert_uint_eq(ws_signatures(&m->base), 4);
    ck_assert_int_eq(send_prove(m), VPR_OK);
    ck_assert(committed()->tails_proved);
    ck_assert_uint_eq(committed()->tails_cu, 4000);
    ck_assert_uint_eq(committed()->sum, 4000);

    m->entries[0]->n_tails = 1;
    m->entries[0]->n_tokens = 1;
    ck_assert_int_eq(send_prove(m), VPR_OK);
    ck_assert_uint_eq(committed()->tails_cu, 2000);

    m = tails_message(); /* tokens may come in any order */
    Viper__V1__SignedToken *first = m->entries[0]->tokens[0];
    m->entries[0]->tokens[0] = m->entries[0]->tokens[1];
    m->entries[0]->tokens[1] = first;
    ck_assert_int_eq(send_prove(m), VPR_OK);
    ck_assert_uint_eq(committed()->tails_cu, 4000);
    ck_assert_uint_eq(ws_attribute_u64(ws_event(&w, "prove", 0), "tails_cu"), 4000);
    ws_end(&w);
}
END_TEST

START_TEST(tails_need_a_commit)
{
    commit_all();
    ws_to(&w, FIRST_PROVE);
    Viper__V1__MsgProve *m = tails_message();
    m->entries[0]->sid.data[5] ^= 1;
    ck_assert_int_eq(send_prove(m), VPR_NOT_COMMITTED);
    m = tails_message();
    for (size_t i = 1; i < bench.servicer_count; i++) {
        const char *label = ws_label(&bench.servicers[i].id);
        ck_assert_int_eq(ws_send(&w, &m->base, label), VPR_NOT_COMMITTED);
    }
    ck_assert_int_eq(ws_send(&w, &m->base, "fisherman1"), VPR_NOT_STAKED);
}
END_TEST

/* Every byte of a tail is signed by its client key, for this sid and this servicer. */
START_TEST(tampered_tail_is_refused)
{
    commit_all();
    ws_to(&w, FIRST_PROVE);
    for (size_t at = 0; at < VPR_SIGNED_REQUEST_BYTES; at += 7) {
        Viper__V1__MsgProve *m = tails_message();
        m->entries[0]->tails[1].data[at] ^= 1;
        bool client_key = at >= 52 && at < 84;
        ck_assert_int_eq(send_prove(m), client_key ? VPR_BAD_TOKEN : VPR_BAD_TAIL);
    }
    Viper__V1__MsgProve *m = tails_message();
    m->entries[0]->tails[0].len--;
    ck_assert_int_eq(send_prove(m), VPR_BAD_TAIL);

    struct vpr_signed_request tail = work.tails[0];
    work.tails[0].part.servicer = bench.servicers[1].id;
    ws_sign_request(&work.tails[0], &work.clients[0]);
    ck_assert_int_eq(send_prove(tails_message()), VPR_BAD_TAIL);
    work.tails[0] = tail;
    work.tails[0].part.sid = vpr_sha256("x", 1);
    ws_sign_request(&work.tails[0], &work.clients[0]);
    ck_assert_int_eq(send_prove(tails_message()), VPR_BAD_TAIL);
    ck_assert(!committed()->tails_proved);
}
END_TEST

START_TEST(tail_needs_its_token)
{
    commit_all();
    ws_to(&w, FIRST_PROVE);
    for (size_t at = 0; at < VPR_TOKEN_BYTES; at += 5) {
        Viper__V1__MsgProve *m = tails_message();
        m->entries[0]->tokens[0]->token.data[at] ^= 1;
        ck_assert_int_eq(send_prove(m), VPR_BAD_TOKEN);
    }
    Viper__V1__MsgProve *m = tails_message();
    m->entries[0]->tokens[0]->gateway_key = 1; /* there is one key, 0 */
    ck_assert_int_eq(send_prove(m), VPR_BAD_TOKEN);
    m = tails_message();
    m->entries[0]->tokens[0] = m->entries[0]->tokens[1];
    ck_assert_int_eq(send_prove(m), VPR_BAD_TOKEN);
    m = tails_message();
    m->entries[0]->n_tokens = 1;
    ck_assert_int_eq(send_prove(m), VPR_BAD_FIELD);
    ck_assert(!committed()->tails_proved);
}
END_TEST

/* A token of the same gateway and client for another sid says nothing about this one. */
START_TEST(token_of_another_sid_is_refused)
{
    uint8_t secret[64];
    struct vpr_token token = work.tokens[0];
    token.sid = ws_bench(&w, 0, 1, 2).sid;
    struct vpr_hash hash = vpr_token_hash(&token);
    world_ed25519_secret("requestor1.gateway", secret);
    vpr_ed25519_sign(&token.signature, hash.b, sizeof hash.b, secret);
    struct vpr_token good = work.tokens[0];
    work.tokens[0] = token;
    commit_all();
    ws_to(&w, FIRST_PROVE);
    ck_assert_int_eq(send_prove(tails_message()), VPR_BAD_TOKEN);
    work.tokens[0] = good;
    ck_assert_int_eq(send_prove(tails_message()), VPR_OK);
}
END_TEST

START_TEST(tails_are_distinct_and_do_not_overflow)
{
    commit_all();
    ws_to(&w, FIRST_PROVE);
    Viper__V1__MsgProve *m = tails_message();
    m->entries[0]->tails[1] = m->entries[0]->tails[0];
    m->entries[0]->tokens[1] = m->entries[0]->tokens[0];
    ck_assert_int_eq(send_prove(m), VPR_DUPLICATE);
    m = ws_msg_tails(&w, (const struct ws_work *[]){&work, &work}, 2);
    ck_assert_int_eq(send_prove(m), VPR_DUPLICATE);

    work.tails[0].part.cum_cu = UINT64_MAX - 1999;
    ws_sign_request(&work.tails[0], &work.clients[0]);
    ck_assert_int_eq(send_prove(tails_message()), VPR_OVERFLOW);
    work.tails[0].part.cum_cu = UINT64_MAX - 2000;
    ws_sign_request(&work.tails[0], &work.clients[0]);
    ck_assert_int_eq(send_prove(tails_message()), VPR_OK);
    ck_assert_uint_eq(committed()->tails_cu, UINT64_MAX);
}
END_TEST

START_TEST(proof_has_limits)
{
    Viper__V1__MsgProve *m = tails_message();
    Viper__V1__ProveEntry *e = m->entries[0];
    ProtobufCBinaryData tails[65];
    Viper__V1__SignedToken *tokens[65];
    Viper__V1__ProveEntry *entries[16];

    commit_all();
    ws_to(&w, FIRST_PROVE);
    for (size_t i = 0; i < 65; i++) {
        tails[i] = e->tails[0];
        tokens[i] = e->tokens[0];
    }
    e->tails = tails;
    e->tokens = tokens;
    e->n_tails = e->n_tokens = 65;
    ck_assert_int_eq(send_prove(m), VPR_BAD_FIELD);
    e->n_tails = e->n_tokens = 0;
    ck_assert_int_eq(send_prove(m), VPR_BAD_FIELD);
    e->n_tails = e->n_tokens = 63;
    for (size_t i = 0; i < 16; i++) {
        entries[i] = e;
    }
    m->entries = entries;
    m->n_entries = 16; /* 1,008 tails */
    ck_assert_int_eq(send_prove(m), VPR_BAD_FIELD);
    m->n_entries = 0;
    ck_assert_int_eq(send_prove(m), VPR_BAD_FIELD);
}
END_TEST

/* ---- MsgProve: sampled leaves ---- */

START_TEST(samples_are_proved_one_by_one)
{
    commit_all();
    ws_to(&w, FIRST_PROVE);
    Viper__V1__MsgProve *m = samples_message();
    ck_assert_uint_eq(m->n_samples, 2);
    ck_assert_uint_eq(ws_signatures(&m->base), 4);
    m->n_samples = 1;
    ck_assert_int_eq(send_prove(m), VPR_OK);
    ck_assert_uint_eq(vpr_samples_bits(w.ctx, 0, &work.servicer), 1);
    const struct vpr_event *event = ws_event(&w, "prove_sample", 0);
    ck_assert_uint_eq(ws_attribute_u64(event, "position"), 0);
    ck_assert_str_eq(ws_attribute(event, "servicer"), world_text(servicer()));
    ck_assert(!vpr_samples_proved(w.ctx, 0, &work.servicer, 2));
    m->n_samples = 2;
    m->samples[0] = m->samples[1];
    ck_assert_int_eq(send_prove(m), VPR_DUPLICATE);
    m->n_samples = 1;
    ck_assert_int_eq(send_prove(m), VPR_OK);
    ck_assert(vpr_samples_proved(w.ctx, 0, &work.servicer, 2));
    ck_assert_int_eq(send_prove(m), VPR_OK); /* again changes nothing */
    ck_assert_uint_eq(vpr_samples_bits(w.ctx, 0, &work.servicer), 3);
    ws_end(&w);
}
END_TEST

static void expect_bad_sample(Viper__V1__MsgProve *m, enum vpr_code code)
{
    ck_assert_int_eq(send_prove(m), code);
    ck_assert_uint_eq(vpr_samples_bits(w.ctx, 0, &work.servicer), 0);
}

START_TEST(tampered_leaf_is_refused)
{
    commit_all();
    ws_to(&w, FIRST_PROVE);
    for (size_t at = 0; at < VPR_LEAF_BYTES; at += 5) {
        Viper__V1__MsgProve *m = samples_message();
        m->samples[1]->leaf.data[at] ^= 1;
        bool client_key = at >= 52 && at < 84;
        expect_bad_sample(m, client_key ? VPR_BAD_TOKEN : VPR_BAD_LEAF);
    }
    Viper__V1__MsgProve *m = samples_message();
    m->samples[0]->leaf.len--;
    expect_bad_sample(m, VPR_BAD_LEAF);
    m = samples_message();
    m->samples[0]->token->token.data[100] ^= 1;
    expect_bad_sample(m, VPR_BAD_TOKEN);
    m = samples_message();
    m->samples[0]->token = NULL;
    expect_bad_sample(m, VPR_BAD_TOKEN);
    m = samples_message();
    m->samples[0]->sid.data[3] ^= 1;
    expect_bad_sample(m, VPR_BAD_LEAF);
}
END_TEST

START_TEST(tampered_branch_is_refused)
{
    commit_all();
    ws_to(&w, FIRST_PROVE);
    Viper__V1__MsgProve *m = samples_message();
    ck_assert_uint_eq(m->samples[0]->n_siblings, 3);
    for (size_t i = 0; i < 3; i++) {
        m = samples_message();
        m->samples[0]->siblings[i]->hash.data[9] ^= 1;
        expect_bad_sample(m, VPR_BAD_LEAF);
        m = samples_message();
        m->samples[0]->siblings[i]->sum++;
        expect_bad_sample(m, VPR_BAD_LEAF);
        m = samples_message();
        m->samples[0]->siblings[i]->sum = UINT64_MAX;
        expect_bad_sample(m, VPR_BAD_LEAF);
        m = samples_message();
        m->samples[0]->siblings[i]->hash.len = 31;
        expect_bad_sample(m, VPR_BAD_LEAF);
    }
    m = samples_message();
    m->samples[0]->n_siblings = 2;
    expect_bad_sample(m, VPR_BAD_LEAF);
    m = samples_message();
    m->samples[0]->index ^= 1;
    expect_bad_sample(m, VPR_BAD_LEAF);
    m = samples_message();
    m->samples[0]->index += 8;
    expect_bad_sample(m, VPR_BAD_LEAF);
}
END_TEST

/* A true leaf with a true branch proves only the position that lies in it. */
START_TEST(leaf_proves_its_own_position_only)
{
    struct vpr_session session;
    struct vpr_claim claim = {8000000, 4000};
    size_t entry;
    uint64_t cu[2];

    commit_all();
    ws_to(&w, FIRST_PROVE);
    ck_assert(vpr_session_get(w.ctx, 0, &session));
    for (uint32_t i = 0; i < 2; i++) {
        ck_assert(vpr_prove_position(&entry, &cu[i], &session.challenge, &work.servicer, i,
                                     &claim, 1));
    }
    Viper__V1__MsgProve *m = samples_message();
    ck_assert_uint_eq(m->samples[0]->index, cu[0] / 500);
    ck_assert_uint_eq(m->samples[1]->index, cu[1] / 500);
    if (cu[0] / 500 != cu[1] / 500) {
        m->samples[0]->position = 1;
        m->n_samples = 1;
        expect_bad_sample(m, VPR_BAD_LEAF);
    }
    m = samples_message();
    m->samples[0]->position = 2; /* of 2 */
    expect_bad_sample(m, VPR_BAD_FIELD);
    m = samples_message();
    m->samples[0]->position = 64;
    expect_bad_sample(m, VPR_BAD_FIELD);
}
END_TEST

/* Positions are drawn over all entries of the servicer, by what they are worth. */
START_TEST(samples_span_all_entries)
{
    ws_close(&w);
    open_world(&(struct ws_options){.proof_samples = 16});
    ck_assert(find_other());
    const struct ws_work *both[] = {&work, &other};
    ws_to(&w, FIRST_COMMIT);
    ws_must(&w, &ws_msg_commit(&w, both, 2)->base, servicer());
    ws_to(&w, FIRST_PROVE);
    Viper__V1__MsgProve *m = ws_msg_samples(&w, both, 2);
    size_t of_other = 0;
    for (size_t i = 0; i < 16; i++) {
        of_other += memcmp(m->samples[i]->sid.data, other.bench.sid.b, 32) == 0;
    }
    ck_assert_uint_gt(of_other, 0);
    ck_assert_uint_lt(of_other, 16);
    /* As if one entry were all: some positions lie in the other. */
    ck_assert_int_eq(send_prove(samples_message()), VPR_BAD_LEAF);
    ck_assert_int_eq(send_prove(m), VPR_OK);
    ck_assert(vpr_samples_proved(w.ctx, 0, &work.servicer, 16));
    ws_end(&w);
}
END_TEST

/* A leaf that no client signed is worth nothing, though it is in the committed tree. */
START_TEST(invented_leaf_is_refused)
{
    for (size_t i = 0; i < work.count; i++) {
        work.leaves[i].request.signature.b[i] ^= 1;
        work.nodes[i] = vpr_leaf_node(&work.leaves[i]);
    }
    ck_assert(vpr_sumtree_root(&work.root, work.nodes, work.count));
    commit_all();
    ws_to(&w, FIRST_PROVE);
    expect_bad_sample(samples_message(), VPR_BAD_LEAF);
}
END_TEST

/* A sum above that of the tree: the branch leads to the root, but not to the sum. */
START_TEST(inflated_sum_is_refused)
{
    work.root.sum++;
    commit_all();
    ws_to(&w, FIRST_PROVE);
    struct vpr_session session;
    struct vpr_claim claim = {2000 * work.root.sum, work.root.sum};
    size_t entry;
    uint64_t cu;
    ck_assert(vpr_session_get(w.ctx, 0, &session));
    ck_assert(
        vpr_prove_position(&entry, &cu, &session.challenge, &work.servicer, 0, &claim, 1));
    ck_assert_uint_lt(cu, 4000);
    Viper__V1__MsgProve *m = samples_message();
    m->n_samples = 1;
    expect_bad_sample(m, VPR_BAD_LEAF);
}
END_TEST

/* A position in one entry is not proved by a leaf of another that would contain its CU. */
START_TEST(position_names_its_entry)
{
    ws_close(&w);
    open_world(&(struct ws_options){.proof_samples = 16});
    ck_assert(find_other());
    const struct ws_work *both[] = {&work, &other};
    bool work_first = memcmp(bench.sid.b, other.bench.sid.b, 32) < 0;
    struct vpr_claim claims[2];
    struct vpr_session session;
    size_t tried = 0;

    claims[work_first ? 0 : 1] = (struct vpr_claim){2000 * work.root.sum, work.root.sum};
    claims[work_first ? 1 : 0] = (struct vpr_claim){2000 * other.root.sum, other.root.sum};
    ws_to(&w, FIRST_COMMIT);
    ws_must(&w, &ws_msg_commit(&w, both, 2)->base, servicer());
    ws_to(&w, FIRST_PROVE);
    ck_assert(vpr_session_get(w.ctx, 0, &session));
    for (uint32_t i = 0; i < 16; i++) {
        size_t entry;
        uint64_t cu;
        ck_assert(
            vpr_prove_position(&entry, &cu, &session.challenge, &work.servicer, i, claims, 2));
        const struct ws_work *wrong = (entry == 0) == work_first ? &other : &work;
        if (cu < wrong->root.sum) {
            Viper__V1__MsgProve *m = ws_msg_samples(&w, both, 2);
            m->samples[0] = ws_sample_at(&w, wrong, i, cu);
            m->n_samples = 1;
            expect_bad_sample(m, VPR_BAD_LEAF);
            tried++;
        }
    }
    ck_assert_uint_gt(tried, 0);
}
END_TEST

START_TEST(samples_need_a_commit)
{
    ws_to(&w, FIRST_PROVE);
    expect_bad_sample(samples_message(), VPR_NOT_COMMITTED);
}
END_TEST

/* ---- query ---- */

START_TEST(commits_are_listed_by_sid)
{
    Viper__V1__QuerySidRequest request = VIPER__V1__QUERY_SID_REQUEST__INIT;
    char sid[65];
    enum vpr_code code;

    vpr_hex(sid, bench.sid.b, 32);
    request.sid = sid;
    (void)ws_ask(&w, "/viper.v1.Query/Commits", &request.base, &code);
    ck_assert_int_eq(code, VPR_NOT_FOUND);
    commit_all();
    ws_to(&w, FIRST_PROVE);
    ws_must(&w, &tails_message()->base, servicer());
    ws_must(&w, &samples_message()->base, servicer());
    const Viper__V1__QueryCommitsResponse *response =
        (const Viper__V1__QueryCommitsResponse *)ws_ask(&w, "/viper.v1.Query/Commits",
                                                        &request.base, NULL);
    ck_assert_uint_eq(response->session, 0);
    ck_assert_uint_eq(response->n_commits, 1);
    ck_assert_uint_eq(response->commits[0]->sum, 4000);
    ck_assert_uint_eq(response->commits[0]->tails_cu, 4000);
    ck_assert_uint_eq(response->commits[0]->samples_proved, 3);
    sid[0] = 'x';
    (void)ws_ask(&w, "/viper.v1.Query/Commits", &request.base, &code);
    ck_assert_int_eq(code, VPR_BAD_FIELD);
}
END_TEST

Suite *suite_commits(void)
{
    Suite *suite = suite_create("commits");
    TCase *commit = tcase_create("commit");
    TCase *prove = tcase_create("prove");

    tcase_add_checked_fixture(commit, setup, teardown);
    tcase_add_test(commit, commit_stores_bench_and_claim);
    tcase_add_test(commit, commit_has_its_session);
    tcase_add_test(commit, commit_needs_membership);
    tcase_add_test(commit, commit_refuses_bad_numbers);
    tcase_add_test(commit, commit_has_at_most_1000_entries);
    tcase_add_test(commit, commit_has_a_least_claim);
    tcase_add_test(commit, commit_again_replaces);
    tcase_add_test(commit, commit_is_all_or_nothing);
    tcase_add_test(commit, commits_are_listed_by_sid);
    suite_add_tcase(suite, commit);

    tcase_add_checked_fixture(prove, setup, teardown);
    tcase_add_test(prove, prove_has_its_blocks);
    tcase_add_test(prove, tails_bound_the_claim);
    tcase_add_test(prove, tails_need_a_commit);
    tcase_add_test(prove, tampered_tail_is_refused);
    tcase_add_test(prove, tail_needs_its_token);
    tcase_add_test(prove, token_of_another_sid_is_refused);
    tcase_add_test(prove, tails_are_distinct_and_do_not_overflow);
    tcase_add_test(prove, proof_has_limits);
    tcase_add_test(prove, samples_are_proved_one_by_one);
    tcase_add_test(prove, tampered_leaf_is_refused);
    tcase_add_test(prove, tampered_branch_is_refused);
    tcase_add_test(prove, leaf_proves_its_own_position_only);
    tcase_add_test(prove, samples_span_all_entries);
    tcase_add_test(prove, invented_leaf_is_refused);
    tcase_add_test(prove, inflated_sum_is_refused);
    tcase_add_test(prove, position_names_its_entry);
    tcase_add_test(prove, samples_need_a_commit);
    suite_add_tcase(suite, prove);
    return suite;
}
