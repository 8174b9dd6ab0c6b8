#include "tests/unit/client/chain.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/base/bytes.h"
#include "app/host/pbjson.h"
#include "app/rules/draw.h"
#include "app/rules/ids.h"
#include "app/rules/leaf.h"
#include "app/rules/split.h"
#include "cosmos/tx/v1beta1/query.pb-c.h"
#include "viper/v1/query.pb-c.h"

#define ALLOWANCE UINT64_C(500000)
#define SESSION_BLOCKS 10
#define CHALLENGE_DELAY 2

static uint64_t budget_of(const struct chain *chain)
{
    return ALLOWANCE * (chain->cu_uvipr == 0 ? 2000 : chain->cu_uvipr);
}

uint64_t chain_session(const struct chain *chain)
{
    return (chain->height - 1) / SESSION_BLOCKS;
}

uint64_t chain_first(uint64_t session)
{
    return session * SESSION_BLOCKS + 1;
}

struct vpr_hash chain_sid(const struct chain *chain, uint64_t session, uint16_t pair)
{
    return vpr_sid(vpr_bytes_str(CHAIN_ID), session, &chain->requestor, pair, 1);
}

struct vpr_hash chain_challenge(uint64_t session)
{
    const uint8_t n = (uint8_t)session;

    return vpr_tagged("test-challenge", &n, 1);
}

void chain_turn(struct vpr_loop *loop, uint32_t ms)
{
    const uint64_t until = vpr_mono_ms() + ms;

    while (vpr_mono_ms() < until) {
        vpr_loop_turn(loop);
        usleep(500);
    }
}

/* ---- answers ---- */

static void reply_message(const struct chain *chain, struct vpr_http_request *http,
                          const ProtobufCMessage *message)
{
    static const struct vpr_pbjson_options options;
    struct vpr_buf body;
    char height[24];
    struct vpr_err err;

    vpr_buf_init(&body, 1 << 20);
    ck_assert_int_eq(vpr_pbjson_write(&body, message, &options, &err), VPR_OK);
    snprintf(height, sizeof height, "%" PRIu64, chain->height);
    const struct vpr_http_header headers[] = {
        VPR_HTTP_TEXT("Content-Type", "application/json"),
        VPR_HTTP_TEXT("x-cosmos-block-height", height)};
    vpr_http_reply(http, 200, headers, 2, vpr_buf_bytes(&body));
    vpr_buf_finish(&body);
}

static void reply_error(struct vpr_http_request *http, uint32_t status, const char *sentence)
{
    char text[512];

    snprintf(text, sizeof text, "{\"code\":%d,\"message\":\"%s\",\"details\":[]}",
             status == 404 ? 5 : 3, sentence);
    vpr_http_reply_text(http, status, "application/json", text);
}

static void fill_params(Viper__V1__Params *p)
{
    viper__v1__params__init(p);
    p->session_blocks = SESSION_BLOCKS;
    p->grace_blocks = 2;
    p->challenge_delay = CHALLENGE_DELAY;
    p->proof_samples = 2;
    p->claim_min = 450;
    p->min_gas_price = 25;
    p->sample_share = 50000;
    p->split_servicer = 700000;
    p->split_fishermen = 100000;
    p->split_validator = 50000;
    p->split_chain = 50000;
    p->split_dao = 100000;
}

static ProtobufCBinaryData data_of(const struct vpr_hash *hash)
{
    return (ProtobufCBinaryData){sizeof hash->b, (uint8_t *)(uintptr_t)hash->b};
}

static void get_chain(struct chain *chain, struct vpr_http_request *http)
{
    Viper__V1__QueryChainResponse m = VIPER__V1__QUERY_CHAIN_RESPONSE__INIT;
    Viper__V1__Params params;
    const struct vpr_hash seed = {{1}};

    chain->polls++;
    fill_params(&params);
    m.chain_id = CHAIN_ID;
    m.height = chain->height;
    m.time_s = chain->time_s;
    m.session = chain_session(chain);
    m.first = chain_first(m.session);
    m.last = m.first + SESSION_BLOCKS - 1;
    m.seed = data_of(&seed);
    m.params = &params;
    m.oldest_unsettled = chain->oldest_unsettled;
    reply_message(chain, http, &m.base);
}

static void get_params(const struct chain *chain, struct vpr_http_request *http)
{
    Viper__V1__QueryParamsResponse m = VIPER__V1__QUERY_PARAMS_RESPONSE__INIT;
    Viper__V1__Params params;

    fill_params(&params);
    m.params = &params;
    reply_message(chain, http, &m.base);
}

static void get_session(const struct chain *chain, struct vpr_http_request *http, uint64_t number)
{
    Viper__V1__QuerySessionResponse m = VIPER__V1__QUERY_SESSION_RESPONSE__INIT;
    Viper__V1__Session session = VIPER__V1__SESSION__INIT;
    const struct vpr_hash seed = {{1}};
    const struct vpr_hash challenge = chain_challenge(number);

    session.number = number;
    session.first = chain_first(number);
    session.last = session.first + SESSION_BLOCKS - 1;
    session.seed = data_of(&seed);
    if (chain->height >= chain_first(number + 2) + CHALLENGE_DELAY - 1) {
        session.challenge = data_of(&challenge);
    }
    m.session = &session;
    reply_message(chain, http, &m.base);
}

static void get_servicer(const struct chain *chain, struct vpr_http_request *http)
{
    Viper__V1__QueryServicerResponse m = VIPER__V1__QUERY_SERVICER_RESPONSE__INIT;
    Viper__V1__ScoreInfo infos[CHAIN_PAIRS];
    Viper__V1__ScoreInfo *list[CHAIN_PAIRS];

    m.eligible = true;
    m.relay_key = data_of(&chain->relay_key);
    m.zone = 1;
    for (uint16_t i = 0; i < CHAIN_PAIRS; i++) {
        viper__v1__score_info__init(&infos[i]);
        infos[i].chain = i + 1U;
        infos[i].zone = 1;
        infos[i].score_ppm = chain->score_ppm;
        list[i] = &infos[i];
    }
    m.scores = list;
    m.n_scores = chain->scored ? CHAIN_PAIRS : 0;
    reply_message(chain, http, &m.base);
}

static void get_sids(const struct chain *chain, struct vpr_http_request *http, uint64_t session)
{
    Viper__V1__QuerySidsResponse m = VIPER__V1__QUERY_SIDS_RESPONSE__INIT;
    Viper__V1__SidInfo infos[CHAIN_PAIRS];
    Viper__V1__SidInfo *list[CHAIN_PAIRS];
    struct vpr_hash sids[CHAIN_PAIRS];
    char requestor[VPR_ADDRESS_TEXT_MAX];

    vpr_address_text(requestor, VPR_PREFIX_ACCOUNT, &chain->requestor);
    for (uint16_t i = 0; i < CHAIN_PAIRS; i++) {
        viper__v1__sid_info__init(&infos[i]);
        sids[i] = chain_sid(chain, session, (uint16_t)(i + 1));
        infos[i].sid = data_of(&sids[i]);
        infos[i].requestor = requestor;
        infos[i].chain = i + 1U;
        infos[i].zone = 1;
        infos[i].quota_cu = CHAIN_QUOTA;
        list[i] = &infos[i];
    }
    m.sids = list;
    m.n_sids = CHAIN_PAIRS;
    reply_message(chain, http, &m.base);
}

static void get_requestor(const struct chain *chain, struct vpr_http_request *http)
{
    Viper__V1__QueryRequestorResponse m = VIPER__V1__QUERY_REQUESTOR_RESPONSE__INIT;
    ProtobufCBinaryData keys[2] = {data_of(&chain->gateway_keys[0]),
                                   data_of(&chain->gateway_keys[1])};

    m.gateway_keys = keys;
    m.n_gateway_keys = 2;
    reply_message(chain, http, &m.base);
}

/* Multiplier and costs have changed: who asks for no session hears of those to come. */
static void get_chains(const struct chain *chain, struct vpr_http_request *http, bool said)
{
    Viper__V1__QueryChainsResponse m = VIPER__V1__QUERY_CHAINS_RESPONSE__INIT;
    Viper__V1__ChainInfo infos[CHAIN_PAIRS];
    Viper__V1__ChainInfo *list[CHAIN_PAIRS];
    Viper__V1__MethodCost heavy = VIPER__V1__METHOD_COST__INIT;
    Viper__V1__MethodCost *methods[] = {&heavy};
    Viper__V1__ZoneInfo zone = VIPER__V1__ZONE_INFO__INIT;
    Viper__V1__ZoneInfo *zones[] = {&zone};

    heavy.method = "heavy";
    heavy.cu = said ? 10 : 11;
    for (uint16_t i = 0; i < CHAIN_PAIRS; i++) {
        viper__v1__chain_info__init(&infos[i]);
        infos[i].id = i + 1U;
        infos[i].name = "test";
        infos[i].multiplier_ppm = said ? 1000000 : 1;
        infos[i].methods = methods;
        infos[i].n_methods = 1;
        list[i] = &infos[i];
    }
    zone.id = 1;
    zone.multiplier_ppm = 1000000;
    m.chains = list;
    m.n_chains = CHAIN_PAIRS;
    m.zones = zones;
    m.n_zones = 1;
    reply_message(chain, http, &m.base);
}

static void get_account(const struct chain *chain, struct vpr_http_request *http)
{
    Viper__V1__QueryAccountInfoResponse m = VIPER__V1__QUERY_ACCOUNT_INFO_RESPONSE__INIT;
    Viper__V1__AccountInfo account = VIPER__V1__ACCOUNT_INFO__INIT;

    account.number = CHAIN_ACCOUNT_NUMBER;
    account.balance_uvipr = chain->balance_uvipr == 0 ? 123456 : chain->balance_uvipr;
    m.account = &account;
    reply_message(chain, http, &m.base);
}

static bool find_sid(const struct chain *chain, const char *hex, uint64_t *ret_session,
                     size_t *ret_pair)
{
    struct vpr_hash sid;

    if (!vpr_unhex(sid.b, sizeof sid.b, vpr_bytes_of(hex, 64))) {
        return false;
    }
    for (uint64_t s = 0; s < CHAIN_SESSIONS; s++) {
        for (uint16_t p = 0; p < CHAIN_PAIRS; p++) {
            const struct vpr_hash one = chain_sid(chain, s, (uint16_t)(p + 1));
            if (vpr_hash_equal(&one, &sid)) {
                *ret_session = s;
                *ret_pair = p;
                return true;
            }
        }
    }
    return false;
}

static void get_bench(const struct chain *chain, struct vpr_http_request *http, const char *hex)
{
    Viper__V1__QueryBenchResponse m = VIPER__V1__QUERY_BENCH_RESPONSE__INIT;
    uint64_t session = 0;
    size_t pair = 0;

    if (!find_sid(chain, hex, &session, &pair)) {
        reply_error(http, 404, "no such sid");
        return;
    }
    m.allowance_cu = ALLOWANCE;
    m.budget_uvipr = budget_of(chain);
    m.quota_cu = CHAIN_QUOTA;
    m.chain = (uint32_t)pair + 1;
    m.zone = 1;
    reply_message(chain, http, &m.base);
}

static void get_commits(const struct chain *chain, struct vpr_http_request *http,
                        const char *hex)
{
    Viper__V1__QueryCommitsResponse m = VIPER__V1__QUERY_COMMITS_RESPONSE__INIT;
    Viper__V1__CommitInfo info = VIPER__V1__COMMIT_INFO__INIT;
    Viper__V1__CommitInfo *list[] = {&info};
    char servicer[VPR_ADDRESS_TEXT_MAX];
    uint64_t session = 0;
    size_t pair = 0;

    if (!find_sid(chain, hex, &session, &pair) || !chain->commits[session][pair].present) {
        reply_error(http, 404, "nothing was committed");
        return;
    }
    const struct chain_commit *commit = &chain->commits[session][pair];
    vpr_address_text(servicer, VPR_PREFIX_ACCOUNT, &chain->servicer);
    info.servicer = servicer;
    info.root = data_of(&commit->root);
    info.sum = commit->sum;
    info.count = commit->count;
    info.tails_proved = commit->tails_proved;
    info.tails_cu = commit->tails_cu;
    info.samples_proved = chain->samples[session];
    m.session = session;
    m.commits = list;
    m.n_commits = 1;
    reply_message(chain, http, &m.base);
}

static void get_settlements(const struct chain *chain, struct vpr_http_request *http,
                            const char *hex)
{
    Viper__V1__QuerySettlementsResponse m = VIPER__V1__QUERY_SETTLEMENTS_RESPONSE__INIT;
    Viper__V1__VerifyEntry entry = VIPER__V1__VERIFY_ENTRY__INIT;
    Viper__V1__VerifyEntry *list[] = {&entry};
    char servicer[VPR_ADDRESS_TEXT_MAX];
    uint64_t session = 0;
    size_t pair = 0;

    if (!find_sid(chain, hex, &session, &pair)) {
        reply_error(http, 404, "no such sid");
        return;
    }
    vpr_address_text(servicer, VPR_PREFIX_ACCOUNT, &chain->servicer);
    entry.servicer = servicer;
    entry.settled_cu = chain->commits[session][pair].tails_cu;
    entry.reward_uvipr = entry.settled_cu * 2;
    m.entries = list;
    m.n_entries = chain->commits[session][pair].present ? 1 : 0;
    reply_message(chain, http, &m.base);
}

/* ---- transactions ---- */

static bool refuse(char log[256], const char *why)
{
    snprintf(log, 256, "%s", why);
    return false;
}

static bool run_commit(struct chain *chain, struct vpr_bytes value, bool dry, char log[256])
{
    Viper__V1__MsgCommit *m = viper__v1__msg_commit__unpack(NULL, value.len, value.data);

    ck_assert_ptr_nonnull(m);
    bool ok = m->session + 1 == chain_session(chain) || refuse(log, "outside the window");
    for (size_t i = 0; ok && i < m->n_entries; i++) {
        ok = m->entries[i]->chain != chain->bad_pair || refuse(log, "a bad pair");
    }
    for (size_t i = 0; ok && !dry && i < m->n_entries; i++) {
        struct chain_commit *c = &chain->commits[m->session][m->entries[i]->chain - 1];
        ck_assert_uint_eq(m->entries[i]->root.len, 32);
        *c = (struct chain_commit){.present = true, .sum = m->entries[i]->sum,
                                   .count = m->entries[i]->count};
        memcpy(c->root.b, m->entries[i]->root.data, 32);
    }
    viper__v1__msg_commit__free_unpacked(m, NULL);
    return ok;
}

static bool token_ok(const struct chain *chain, const Viper__V1__SignedToken *from,
                     const struct vpr_hash *sid, const struct vpr_hash *client_key)
{
    struct vpr_token token;

    return from != NULL && from->gateway_key < 2 &&
           vpr_token_decode(&token, vpr_bytes_of(from->token.data, from->token.len)) &&
           vpr_hash_equal(&token.sid, sid) && vpr_hash_equal(&token.client_key, client_key) &&
           vpr_token_verify(&token, &chain->gateway_keys[from->gateway_key]);
}

static bool run_tails(struct chain *chain, const Viper__V1__ProveEntry *e, uint64_t session,
                      bool dry, char log[256])
{
    uint64_t of = 0;
    size_t pair = 0;
    uint64_t cu = 0;
    char hex[65];
    struct vpr_hash sid;

    vpr_hex(hex, e->sid.data, 32);
    memcpy(sid.b, e->sid.data, 32);
    if (!find_sid(chain, hex, &of, &pair) || of != session ||
        !chain->commits[session][pair].present) {
        return refuse(log, "nothing was committed");
    }
    for (size_t i = 0; i < e->n_tails; i++) {
        struct vpr_signed_request tail;
        if (!vpr_signed_request_decode(&tail,
                                       vpr_bytes_of(e->tails[i].data, e->tails[i].len)) ||
            !vpr_hash_equal(&tail.part.sid, &sid) ||
            !vpr_address_equal(&tail.part.servicer, &chain->servicer) ||
            !vpr_request_verify(&tail.part, &tail.signature) ||
            !token_ok(chain, e->tokens[i], &sid, &tail.part.client_key)) {
            return refuse(log, "a tail does not verify");
        }
        cu += tail.part.cum_cu;
    }
    if (!dry) {
        chain->commits[session][pair].tails_proved = true;
        chain->commits[session][pair].tails_cu = cu;
    }
    return true;
}

/* The entries of the servicer in sid order, as the chain sees them. */
static size_t claims_of(const struct chain *chain, uint64_t session, struct vpr_claim *claims,
                        size_t *pairs)
{
    size_t count = 0;

    for (size_t p = 0; p < CHAIN_PAIRS; p++) {
        if (!chain->commits[session][p].present) {
            continue;
        }
        size_t at = count;
        const struct vpr_hash sid = chain_sid(chain, session, (uint16_t)(p + 1));
        while (at > 0) {
            const struct vpr_hash before =
                chain_sid(chain, session, (uint16_t)(pairs[at - 1] + 1));
            if (memcmp(before.b, sid.b, 32) < 0) {
                break;
            }
            claims[at] = claims[at - 1];
            pairs[at] = pairs[at - 1];
            at--;
        }
        const uint64_t sum = chain->commits[session][p].sum;
        ck_assert(vpr_gross(&claims[at].gross, sum < CHAIN_QUOTA ? sum : CHAIN_QUOTA,
                            budget_of(chain), ALLOWANCE, 1000000, 1000000));
        claims[at].sum = sum;
        pairs[at] = p;
        count++;
    }
    return count;
}

static bool run_sample(struct chain *chain, const Viper__V1__ProveSample *s, uint64_t session,
                       bool dry, char log[256])
{
    struct vpr_claim claims[CHAIN_PAIRS];
    size_t pairs[CHAIN_PAIRS];
    const size_t count = claims_of(chain, session, claims, pairs);
    const struct vpr_hash challenge = chain_challenge(session);
    struct vpr_sumbranch branch = {.index = s->index, .depth = (uint32_t)s->n_siblings};
    struct vpr_sumnode root;
    struct vpr_leaf leaf;
    size_t entry = 0;
    uint64_t cu = 0;
    uint64_t before = 0;

    ck_assert(vpr_prove_position(&entry, &cu, &challenge, &chain->servicer, s->position, claims,
                                 count));
    const struct chain_commit *commit = &chain->commits[session][pairs[entry]];
    const struct vpr_hash sid = chain_sid(chain, session, (uint16_t)(pairs[entry] + 1));
    for (size_t i = 0; i < s->n_siblings; i++) {
        memcpy(branch.siblings[i].hash.b, s->siblings[i]->hash.data, 32);
        branch.siblings[i].sum = s->siblings[i]->sum;
    }
    if (s->sid.len != 32 || memcmp(s->sid.data, sid.b, 32) != 0 ||
        !vpr_leaf_decode(&leaf, vpr_bytes_of(s->leaf.data, s->leaf.len)) ||
        !vpr_request_verify(&leaf.request.part, &leaf.request.signature) ||
        !token_ok(chain, s->token, &sid, &leaf.request.part.client_key)) {
        return refuse(log, "a sample's leaf does not verify");
    }
    const struct vpr_sumnode node = vpr_leaf_node(&leaf);
    if (!vpr_sumtree_climb(&root, &before, &node, commit->count, &branch) ||
        !vpr_hash_equal(&root.hash, &commit->root) || root.sum != commit->sum || cu < before ||
        cu - before >= node.sum) {
        return refuse(log, "a sample's branch does not lead to the root");
    }
    if (!dry) {
        chain->samples[session] |= UINT64_C(1) << s->position;
    }
    return true;
}

static bool run_prove(struct chain *chain, struct vpr_bytes value, bool dry, char log[256])
{
    Viper__V1__MsgProve *m = viper__v1__msg_prove__unpack(NULL, value.len, value.data);

    ck_assert_ptr_nonnull(m);
    bool ok = m->session + 2 == chain_session(chain) || refuse(log, "outside the window");
    for (size_t i = 0; ok && i < m->n_entries; i++) {
        ok = run_tails(chain, m->entries[i], m->session, dry, log);
    }
    for (size_t i = 0; ok && i < m->n_samples; i++) {
        ok = run_sample(chain, m->samples[i], m->session, dry, log);
    }
    viper__v1__msg_prove__free_unpacked(m, NULL);
    return ok;
}

static bool run_tx(struct chain *chain, struct vpr_bytes raw, bool dry, char log[256])
{
    struct vpr_arena arena;
    struct vpr_wire_tx tx;
    struct vpr_err err;
    bool ok = true;

    vpr_arena_init(&arena, 16 << 20);
    if (vpr_wire_decode(&tx, &arena, raw, dry, &err) != VPR_OK) {
        ok = refuse(log, err.text);
    }
    if (ok && (!tx.unordered || tx.timeout_s <= chain->time_s)) {
        ok = refuse(log, "the timeout has passed");
    }
    if (ok && !dry) {
        const struct vpr_bytes doc =
            vpr_wire_sign_doc(&arena, tx.body, tx.auth, CHAIN_ID, CHAIN_ACCOUNT_NUMBER);
        const struct vpr_address signer = vpr_key_account(&tx.key);
        ok = (vpr_wire_verify(&tx.key, &tx.signature, doc) &&
              vpr_address_equal(&signer, &chain->account)) ||
             refuse(log, "signature does not verify");
        ok = ok && (tx.fee_uvipr * 1000 >= tx.gas_limit * 25 || refuse(log, "fee is too low"));
    }
    for (size_t i = 0; ok && i < tx.message_count; i++) {
        const char *type = tx.messages[i].type_url;
        if (strcmp(type, "/viper.v1.MsgCommit") == 0) {
            ok = run_commit(chain, tx.messages[i].value, dry, log);
        } else if (strcmp(type, "/viper.v1.MsgProve") == 0) {
            ok = run_prove(chain, tx.messages[i].value, dry, log);
        }
    }
    vpr_arena_finish(&arena);
    return ok;
}

static void post_simulate(struct chain *chain, struct vpr_http_request *http, struct vpr_bytes raw)
{
    Cosmos__Tx__V1beta1__SimulateResponse m = COSMOS__TX__V1BETA1__SIMULATE_RESPONSE__INIT;
    Cosmos__Base__Abci__V1beta1__GasInfo gas = COSMOS__BASE__ABCI__V1BETA1__GAS_INFO__INIT;
    char log[256] = "";

    chain->simulations++;
    if (!run_tx(chain, raw, true, log)) {
        reply_error(http, 400, log);
        return;
    }
    gas.gas_used = 20000 + 10 * raw.len;
    m.gas_info = &gas;
    reply_message(chain, http, &m.base);
}

static struct chain_tx *find_tx(struct chain *chain, const char *hash)
{
    for (size_t i = 0; i < chain->tx_count; i++) {
        if (strncmp(chain->txs[i].hash, hash, 64) == 0) {
            return &chain->txs[i];
        }
    }
    return NULL;
}

static void post_tx(struct chain *chain, struct vpr_http_request *http, struct vpr_bytes raw)
{
    Cosmos__Tx__V1beta1__BroadcastTxResponse m =
        COSMOS__TX__V1BETA1__BROADCAST_TX_RESPONSE__INIT;
    Cosmos__Base__Abci__V1beta1__TxResponse response =
        COSMOS__BASE__ABCI__V1BETA1__TX_RESPONSE__INIT;
    const struct vpr_hash hash = vpr_sha256(raw.data, raw.len);
    char hex[65];

    chain->broadcasts++;
    vpr_hex(hex, hash.b, 32);
    for (char *c = hex; *c != '\0'; c++) {
        *c = *c >= 'a' ? (char)(*c - 'a' + 'A') : *c;
    }
    m.tx_response = &response;
    response.txhash = hex;
    response.code = chain->check_code;
    response.raw_log = chain->check_code == 0 ? "" : "CheckTx says no";
    if (chain->check_code == 0 && find_tx(chain, hex) != NULL) {
        reply_error(http, 400, "tx already exists in cache");
        return;
    }
    if (chain->check_code == 0 && !chain->ignore_txs) {
        ck_assert_uint_lt(chain->tx_count, CHAIN_TXS_MAX);
        struct chain_tx *tx = &chain->txs[chain->tx_count];
        chain->tx_count++;
        memcpy(tx->hash, hex, sizeof tx->hash);
        tx->raw = malloc(raw.len);
        memcpy(tx->raw, raw.data, raw.len);
        tx->len = raw.len;
    }
    reply_message(chain, http, &m.base);
}

static void get_tx(struct chain *chain, struct vpr_http_request *http, const char *hash)
{
    const struct chain_tx *tx = find_tx(chain, hash);
    char text[512];

    if (tx == NULL || tx->height == 0) {
        reply_error(http, 404, "tx not found");
        return;
    }
    snprintf(text, sizeof text,
             "{\"tx\":{\"body\":{\"messages\":[{\"@type\":\"/unknown.Msg\"}]}},\"tx_response\":{"
             "\"height\":\"%" PRIu64 "\",\"txhash\":\"%s\",\"code\":%" PRIu32
             ",\"raw_log\":\"%s\"}}", tx->height, tx->hash, tx->code, tx->log);
    vpr_http_reply_text(http, 200, "application/json", text);
}

void chain_block(struct chain *chain)
{
    chain->height++;
    chain->time_s++;
    for (size_t i = 0; i < chain->tx_count && !chain->hold; i++) {
        struct chain_tx *tx = &chain->txs[i];
        if (tx->height == 0) {
            tx->height = chain->height;
            tx->code = run_tx(chain, vpr_bytes_of(tx->raw, tx->len), false, tx->log) ? 0 : 99;
        }
    }
}

/* ---- routes ---- */

static void post(struct chain *chain, struct vpr_http_request *http, const char *path)
{
    static const struct vpr_pbjson_options options = {.strict = true};
    ProtobufCMessage *message = NULL;
    struct vpr_arena arena;
    struct vpr_err err;

    vpr_arena_init(&arena, 16 << 20);
    if (strcmp(path, "/cosmos/tx/v1beta1/simulate") == 0) {
        ck_assert_int_eq(vpr_pbjson_parse(&message, &arena,
                                          &cosmos__tx__v1beta1__simulate_request__descriptor,
                                          http->body, &options, &err), VPR_OK);
        const Cosmos__Tx__V1beta1__SimulateRequest *m =
            (const Cosmos__Tx__V1beta1__SimulateRequest *)message;
        post_simulate(chain, http, vpr_bytes_of(m->tx_bytes.data, m->tx_bytes.len));
    } else {
        ck_assert_str_eq(path, "/cosmos/tx/v1beta1/txs");
        ck_assert_int_eq(vpr_pbjson_parse(&message, &arena,
                                          &cosmos__tx__v1beta1__broadcast_tx_request__descriptor,
                                          http->body, &options, &err), VPR_OK);
        const Cosmos__Tx__V1beta1__BroadcastTxRequest *m =
            (const Cosmos__Tx__V1beta1__BroadcastTxRequest *)message;
        ck_assert_int_eq(m->mode, COSMOS__TX__V1BETA1__BROADCAST_MODE__BROADCAST_MODE_SYNC);
        post_tx(chain, http, vpr_bytes_of(m->tx_bytes.data, m->tx_bytes.len));
    }
    vpr_arena_finish(&arena);
}

static bool get_work(struct chain *chain, struct vpr_http_request *http, const char *path)
{
    uint64_t n = 0;
    char hex[65];

    if (sscanf(path, "/viper/v1/sessions/%" SCNu64 "/%64s", &n, hex) == 2) {
        get_bench(chain, http, hex);
    } else if (sscanf(path, "/viper/v1/sessions/%" SCNu64, &n) == 1) {
        get_session(chain, http, n);
    } else if (sscanf(path, "/viper/v1/commits/%64s", hex) == 1) {
        get_commits(chain, http, hex);
    } else if (sscanf(path, "/viper/v1/settlements/%64s", hex) == 1) {
        get_settlements(chain, http, hex);
    } else if (sscanf(path, "/cosmos/tx/v1beta1/txs/%64s", hex) == 1) {
        get_tx(chain, http, hex);
    } else {
        return false;
    }
    return true;
}

static void on_request(void *arg, struct vpr_http_request *http)
{
    struct chain *chain = arg;
    char path[1024];
    char id[128];
    uint64_t n = 0;

    snprintf(path, sizeof path, "%.*s", (int)http->target.len, (const char *)http->target.data);
    if (chain->failing) {
        reply_error(http, 503, "failing");
    } else if (vpr_bytes_equal(http->method, vpr_bytes_str("POST"))) {
        post(chain, http, path);
    } else if (strcmp(path, "/viper/v1/chain") == 0) {
        get_chain(chain, http);
    } else if (strncmp(path, "/viper/v1/chains", 16) == 0) {
        get_chains(chain, http, strstr(path, "session=") != NULL);
    } else if (strncmp(path, "/viper/v1/params", 16) == 0) {
        get_params(chain, http);
    } else if (sscanf(path, "/viper/v1/servicers/%127[^/]/sids?session=%" SCNu64, id, &n) == 2) {
        get_sids(chain, http, n);
    } else if (strncmp(path, "/viper/v1/servicers/", 20) == 0) {
        get_servicer(chain, http);
    } else if (strncmp(path, "/viper/v1/requestors/", 21) == 0) {
        get_requestor(chain, http);
    } else if (strncmp(path, "/viper/v1/accounts/", 19) == 0) {
        get_account(chain, http);
    } else if (!get_work(chain, http, path)) {
        reply_error(http, 404, "no such path");
    }
}

void chain_open(struct chain *chain, struct vpr_loop *loop)
{
    const struct vpr_http_server_config config = {.port = chain->port};
    struct vpr_err err;

    chain->loop = loop;
    ck_assert_int_eq(vpr_http_server_create(&chain->server, loop, &config, on_request, chain,
                                            &err), VPR_OK);
    chain->port = vpr_http_server_port(chain->server);
    snprintf(chain->url, sizeof chain->url, "http://127.0.0.1:%u", chain->port);
    if (chain->time_s == 0) {
        chain->time_s = 1700000000;
    }
}

void chain_close(struct chain *chain)
{
    if (chain->server != NULL) {
        vpr_http_server_destroy(chain->server);
        chain->server = NULL;
    }
    for (size_t i = 0; i < chain->tx_count; i++) {
        free(chain->txs[i].raw);
    }
    chain->tx_count = 0;
}
