#include "tests/unit/world_session.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/base/bytes.h"
#include "app/base/sort.h"
#include "app/rules/draw.h"
#include "app/rules/split.h"

#define ARENA_BYTES (UINT64_C(1) << 28)

static struct ws_key key_of(const char *label)
{
    struct ws_key key;
    key.key = world_ed25519(label);
    world_ed25519_secret(label, key.secret);
    return key;
}

static void
sign(struct vpr_signature *ret, const struct vpr_hash *hash, const struct ws_key *key)
{
    vpr_ed25519_sign(ret, hash->b, sizeof hash->b, key->secret);
}

static ProtobufCBinaryData data(struct ws *w, const void *bytes, size_t len)
{
    return (ProtobufCBinaryData){len, vpr_arena_copy(&w->build, bytes, len)};
}

static void *new_list(struct ws *w, size_t count)
{
    return vpr_arena_alloc(&w->build, count * sizeof(void *));
}

/* A message of that type, initialised, in w->build. */
static void *new_message(struct ws *w, const ProtobufCMessageDescriptor *descriptor)
{
    ProtobufCMessage *message = vpr_arena_alloc(&w->build, descriptor->sizeof_message);
    protobuf_c_message_init(descriptor, message);
    return message;
}

/* ---- genesis ---- */

struct change {
    struct ws *w;
    const struct ws_options *options;
};

static void fund(struct ws *w, Viper__V1__GenesisState *g, const char *label, uint64_t vipr)
{
    Viper__V1__GenesisAccount *account =
        new_message(w, &viper__v1__genesis_account__descriptor);
    account->address = world_text(label);
    account->balance = vipr * WORLD_VIPR;
    g->accounts[g->n_accounts++] = account;
}

static void change_genesis(Viper__V1__GenesisState *g, void *arg)
{
    const struct change *change = arg;
    const struct ws_options *o = change->options;
    struct ws *w = change->w;

    if (o->settle_per_block != 0) {
        g->params->settle_per_block = o->settle_per_block;
    }
    if (o->claim_min != 0) {
        g->params->claim_min = o->claim_min;
    }
    if (o->proof_samples != 0) {
        g->params->proof_samples = o->proof_samples;
    }
    if (o->partner) {
        g->chains[0]->payout = world_text("bob");
    }
    Viper__V1__MsgStakeRequestor *second =
        vpr_arena_copy(&w->build, g->requestors[0], sizeof *second);
    struct vpr_hash gateway = world_ed25519("requestor2.gateway");
    second->owner = world_text("requestor2.owner");
    second->operator_ = world_text("requestor2");
    second->gateway_keys = vpr_arena_alloc(&w->build, sizeof second->gateway_keys[0]);
    second->gateway_keys[0] = data(w, gateway.b, sizeof gateway.b);
    Viper__V1__MsgStakeRequestor **both = new_list(w, WS_REQUESTORS);
    both[0] = g->requestors[0];
    both[1] = second;
    g->requestors = both;
    g->n_requestors = WS_REQUESTORS;
    fund(w, g, "requestor2.owner", 1001000);
    fund(w, g, "requestor2", 1000);
    if (o->headroom != 0) { /* the first account takes all the rest */
        uint64_t others = 0;
        for (size_t i = 1; i < g->n_accounts; i++) {
            others += g->accounts[i]->balance;
        }
        g->accounts[0]->balance = VPR_SUPPLY_MAX - 1 - o->headroom - others;
    }
}

void ws_open(struct ws *w, const struct ws_options *options)
{
    struct change change = {w, options};

    memset(w, 0, sizeof *w);
    vpr_arena_init(&w->build, ARENA_BYTES);
    w->supply_full = options->headroom != 0;
    w->w = world_create(change_genesis, &change);
    w->ctx = &w->w->ctx;
}

void ws_close(struct ws *w)
{
    world_destroy(w->w);
    vpr_arena_finish(&w->build);
}

/* ---- blocks ---- */

void ws_end(struct ws *w)
{
    ck_assert(w->w->open);
    world_end(w->w);
}

/* As a proposer sees it: on the committed state, knowing neither itself nor the clock. */
static size_t proposed(struct ws *w, Viper__V1__VerifyEntry ***ret)
{
    struct vpr_state state = {NULL, vpr_store_view(w->w->store)};
    struct vpr_ctx ctx = *w->ctx;
    size_t count;

    ctx.state = &state;
    ctx.arena = &w->build;
    ctx.events = NULL;
    ctx.height++;
    ctx.time_s += 1000;
    memset(&ctx.proposer, 0xAA, sizeof ctx.proposer);
    vpr_settlement_due(&ctx, ret, &count);
    vpr_view_release(state.view);
    return count;
}

static const char *verdict_of(const Viper__V1__VerifyEntry *e)
{
    return e->verdict == VIPER__V1__VERDICT__VERDICT_PAID       ? "paid"
           : e->verdict == VIPER__V1__VERDICT__VERDICT_UNPROVED ? "unproved"
                                                                : "error";
}

static void begin(struct ws *w)
{
    Viper__V1__VerifyEntry **due = NULL;
    size_t count = 0;

    if (w->ctx->height > 0) {
        count = proposed(w, &due);
    }
    world_begin(w->w);
    for (size_t i = 0; i < count && !w->supply_full; i++) {
        const struct vpr_event *event = ws_event(w, "verify", i);
        char sid[65];
        vpr_hex(sid, due[i]->sid.data, due[i]->sid.len);
        ck_assert_ptr_nonnull(event);
        ck_assert_uint_eq(ws_attribute_u64(event, "session"), due[i]->session);
        ck_assert_str_eq(ws_attribute(event, "sid"), sid);
        ck_assert_str_eq(ws_attribute(event, "servicer"), due[i]->servicer);
        ck_assert_str_eq(ws_attribute(event, "verdict"), verdict_of(due[i]));
        ck_assert_uint_eq(ws_attribute_u64(event, "settled_cu"), due[i]->settled_cu);
        ck_assert_uint_eq(ws_attribute_u64(event, "score_ppm"), due[i]->score_ppm);
        ck_assert_uint_eq(ws_attribute_u64(event, "reward"), due[i]->reward_uvipr);
    }
    ck_assert_ptr_null(ws_event(w, "verify", count));
}

void ws_next(struct ws *w)
{
    if (w->w->open) {
        world_end(w->w);
    }
    begin(w);
}

void ws_to(struct ws *w, uint64_t height)
{
    ck_assert_uint_ge(height, w->ctx->height);
    while (w->ctx->height < height || !w->w->open) {
        ws_next(w);
    }
}

/* ---- messages ---- */

static const struct vpr_handler *handler_of(const ProtobufCMessage *message)
{
    for (size_t d = 0; d < vpr_domain_tables.count; d++) {
        const struct vpr_domain *domain = vpr_domain_tables.domains[d];
        for (size_t i = 0; i < domain->handler_count; i++) {
            if (domain->handlers[i].descriptor == message->descriptor) {
                return &domain->handlers[i];
            }
        }
    }
    ck_abort_msg("no handler for %s", message->descriptor->name);
}

uint64_t ws_signatures(const ProtobufCMessage *message)
{
    vpr_signatures_fn *signatures = handler_of(message)->signatures;
    return signatures == NULL ? 0 : signatures(message);
}

static struct vpr_tx_result
send(struct ws *w, const ProtobufCMessage *message, const char *label)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, "operator");
    uint8_t copy[256];

    ck_assert_ptr_nonnull(field);
    ck_assert_uint_le(message->descriptor->sizeof_message, sizeof copy);
    memcpy(copy, message, message->descriptor->sizeof_message);
    char *text = world_text(label);
    memcpy(copy + field->offset, &text, sizeof text);
    ck_assert(w->w->open);
    return world_tx(w->w, label, (const ProtobufCMessage *)(void *)copy);
}

enum vpr_code ws_send(struct ws *w, const ProtobufCMessage *message, const char *label)
{
    return send(w, message, label).code;
}

void ws_must(struct ws *w, const ProtobufCMessage *message, const char *label)
{
    struct vpr_tx_result result = send(w, message, label);
    ck_assert_msg(result.code == VPR_OK, "%s: %s: %s", message->descriptor->name,
                  vpr_code_name(result.code), result.log);
}

const ProtobufCMessage *ws_ask(struct ws *w, const char *method,
                               const ProtobufCMessage *request, enum vpr_code *ret_code)
{
    const struct vpr_query *query = vpr_domain_query(method);
    ProtobufCMessage *response = NULL;
    struct vpr_ctx ctx = *w->ctx;

    ck_assert_msg(query != NULL, "no query %s", method);
    ck_assert_ptr_eq(query->request, request->descriptor);
    ctx.arena = &w->build;
    ctx.events = NULL;
    enum vpr_code code = query->answer(&ctx, request, &response);
    if (ret_code != NULL) {
        *ret_code = code;
    } else {
        ck_assert_msg(code == VPR_OK, "%s: %s", method, w->w->err.text);
    }
    if (code == VPR_OK) {
        ck_assert_ptr_eq(response->descriptor, query->response);
    }
    return response;
}

const struct vpr_event *ws_event(const struct ws *w, const char *type, size_t n)
{
    for (size_t i = 0; i < w->w->events.count; i++) {
        if (strcmp(w->w->events.list[i]->type, type) == 0 && n-- == 0) {
            return w->w->events.list[i];
        }
    }
    return NULL;
}

const char *ws_attribute(const struct vpr_event *event, const char *key)
{
    for (uint32_t i = 0; i < event->count; i++) {
        if (strcmp(event->attributes[i].key, key) == 0) {
            return event->attributes[i].value;
        }
    }
    return NULL;
}

uint64_t ws_attribute_u64(const struct vpr_event *event, const char *key)
{
    const char *value = ws_attribute(event, key);
    ck_assert_msg(value != NULL, "event %s has no %s", event->type, key);
    return strtoull(value, NULL, 10);
}

/* ---- who is who ---- */

static const char *const labels[] = {
    "servicer1",  "servicer2",  "servicer3",  "servicer4",  "servicer5",  "servicer6",
    "fisherman1", "fisherman2", "fisherman3", "requestor1", "requestor2",
};
static const char *const owners[] = {
    "servicer1.owner",  "servicer2.owner",  "servicer3.owner",  "servicer4.owner",
    "servicer5.owner",  "servicer6.owner",  "fisherman1.owner", "fisherman2.owner",
    "fisherman3.owner", "requestor1.owner", "requestor2.owner",
};

static size_t label_index(const struct vpr_address *id)
{
    for (size_t i = 0; i < VPR_COUNT(labels); i++) {
        struct vpr_address address = world_address(labels[i]);
        if (vpr_address_equal(&address, id)) {
            return i;
        }
    }
    ck_abort_msg("nobody has this id");
}

const char *ws_label(const struct vpr_address *id)
{
    return labels[label_index(id)];
}

const char *ws_owner(const struct vpr_address *id)
{
    return owners[label_index(id)];
}

/* An actor's second key: NAME.relay, NAME.gateway. */
static struct ws_key key_for(const struct vpr_address *id, const char *what)
{
    char label[64];
    (void)snprintf(label, sizeof label, "%s.%s", ws_label(id), what);
    return key_of(label);
}

struct vpr_bench ws_bench(struct ws *w, uint64_t session, unsigned requestor, uint16_t chain)
{
    struct vpr_bench bench;
    struct vpr_session record;
    struct vpr_address id = world_address(requestor == 1 ? "requestor1" : "requestor2");

    ck_assert(vpr_session_get(w->ctx, session, &record));
    enum vpr_code code = vpr_bench_draw(w->ctx, &bench, &record, &id, chain, WS_ZONE);
    ck_assert_msg(code == VPR_OK, "draw: %s", w->w->err.text);
    return bench;
}

/* ---- served relays ---- */

void ws_sign_request(struct vpr_signed_request *request, const struct ws_key *client)
{
    struct vpr_hash hash = vpr_request_hash(&request->part);
    sign(&request->signature, &hash, client);
}

static struct vpr_token token_of(const struct vpr_bench *bench, const struct ws_key *client)
{
    struct vpr_token token = {.sid = bench->sid, .client_key = client->key};
    struct vpr_hash hash = vpr_token_hash(&token);
    struct ws_key gateway = key_for(&bench->requestor, "gateway");
    sign(&token.signature, &hash, &gateway);
    return token;
}

static struct ws_key client_of(const struct vpr_bench *bench, size_t n)
{
    char label[32] = "client ";
    vpr_hex(label + strlen(label), bench->sid.b, 8);
    label[strlen(label)] = (char)('0' + n);
    return key_of(label);
}

static struct vpr_signed_request
request_of(const struct vpr_bench *bench, const struct vpr_address *servicer,
           const struct ws_key *client, uint64_t seq, uint64_t cum_cu, uint64_t cu)
{
    struct vpr_signed_request request = {
        .part = {.sid = bench->sid,
                 .servicer = *servicer,
                 .client_key = client->key,
                 .seq = seq,
                 .cum_cu = cum_cu,
                 .cu = cu,
                 .req = vpr_req_hash(vpr_bytes_str("POST"), vpr_bytes_str(""),
                                     vpr_bytes_str("{\"method\":\"status\"}"))}};
    ws_sign_request(&request, client);
    return request;
}

void ws_work(struct ws_work *ret, const struct vpr_bench *bench,
             const struct vpr_address *servicer, size_t relays, uint64_t cu)
{
    memset(ret, 0, sizeof *ret);
    ret->bench = *bench;
    ret->servicer = *servicer;
    ck_assert_uint_le(relays * WS_CLIENTS, WS_LEAVES_MAX);
    for (size_t c = 0; c < WS_CLIENTS; c++) {
        ret->clients[c] = client_of(bench, c);
    }
    if (memcmp(ret->clients[0].key.b, ret->clients[1].key.b, 32) > 0) {
        struct ws_key swap = ret->clients[0];
        ret->clients[0] = ret->clients[1];
        ret->clients[1] = swap;
    }
    for (size_t c = 0; c < WS_CLIENTS; c++) {
        ret->tokens[c] = token_of(bench, &ret->clients[c]);
        for (size_t i = 0; i < relays; i++) {
            struct vpr_leaf *leaf = &ret->leaves[ret->count];
            leaf->request =
                request_of(bench, servicer, &ret->clients[c], i + 1, (i + 1) * cu, cu);
            leaf->res = vpr_res_hash(200, vpr_bytes_str("{}"));
            ret->nodes[ret->count] = vpr_leaf_node(leaf);
            ret->tails[c] = leaf->request;
            ret->count++;
        }
    }
    ck_assert(vpr_sumtree_root(&ret->root, ret->nodes, ret->count));
}

/* ---- report cards ---- */

static void answer(struct vpr_sample *sample, const struct ws_key *relay, bool quota)
{
    struct vpr_hash hash, part = vpr_request_part_hash(&sample->request.part);

    if (quota) {
        sample->answer = VPR_SAMPLE_REFUSED;
        sample->refusal =
            (struct vpr_refusal){.request_part = part, .reason = VPR_REFUSED_QUOTA};
        hash = vpr_refusal_hash(&sample->refusal);
        sign(&sample->refusal.signature, &hash, relay);
        return;
    }
    sample->answer = VPR_SAMPLE_ANSWERED;
    sample->receipt = (struct vpr_receipt){
        .request_part = part, .status = 200, .res = vpr_res_hash(200, vpr_bytes_str("{}"))};
    hash = vpr_receipt_hash(&sample->receipt);
    sign(&sample->receipt.signature, &hash, relay);
}

void ws_card_root(struct ws_card *card)
{
    struct vpr_sumnode root;

    for (size_t i = 0; i < card->count; i++) {
        card->nodes[i] = vpr_sample_node(&card->samples[i]);
    }
    ck_assert(vpr_sumtree_root(&root, card->nodes, card->count));
    card->card.root = root.hash;
}

void ws_card(struct ws_card *ret, const struct vpr_bench *bench,
             const struct vpr_address *fisherman, const struct vpr_card_line *lines)
{
    struct ws_key client = client_of(bench, 0);

    memset(ret, 0, sizeof *ret);
    ret->bench = *bench;
    ret->fisherman = *fisherman;
    ret->salt = vpr_tagged("salt", fisherman->b, sizeof fisherman->b);
    ret->token = token_of(bench, &client);
    ret->card.count = bench->servicer_count;
    for (uint32_t i = 0; i < bench->servicer_count; i++) {
        const struct vpr_address *servicer = &bench->servicers[i].id;
        struct ws_key relay = key_for(servicer, "relay");
        ret->card.lines[i] = lines[i];
        ret->card.lines[i].servicer = *servicer;
        for (uint64_t n = 0; n < lines[i].sent; n++) {
            ck_assert_uint_lt(ret->count, WS_SAMPLES_MAX);
            struct vpr_sample *sample = &ret->samples[ret->count++];
            sample->request =
                request_of(bench, servicer, &client, 1000 + ret->count, 1000 + ret->count, 1);
            sample->latency_ms = lines[i].p90_ms;
            if (n < lines[i].answered + lines[i].refused) {
                answer(sample, &relay, n >= lines[i].answered);
            }
            if (n < lines[i].checked) {
                sample->verdict =
                    n < lines[i].correct ? VPR_VERDICT_CORRECT : VPR_VERDICT_WRONG;
            }
        }
    }
    ws_card_root(ret);
}

/* ---- messages ---- */

static Viper__V1__SignedToken *token_message(struct ws *w, const struct vpr_token *token)
{
    Viper__V1__SignedToken *m = new_message(w, &viper__v1__signed_token__descriptor);
    uint8_t bytes[VPR_TOKEN_BYTES];
    vpr_token_encode(bytes, token);
    m->token = data(w, bytes, sizeof bytes);
    return m;
}

static Viper__V1__Sibling **siblings_of(struct ws *w, const struct vpr_sumbranch *branch)
{
    Viper__V1__Sibling **list = new_list(w, branch->depth);
    for (uint32_t i = 0; i < branch->depth; i++) {
        list[i] = new_message(w, &viper__v1__sibling__descriptor);
        list[i]->hash = data(w, branch->siblings[i].hash.b, 32);
        list[i]->sum = branch->siblings[i].sum;
    }
    return list;
}

Viper__V1__MsgCommit *
ws_msg_commit(struct ws *w, const struct ws_work *const *works, size_t count)
{
    Viper__V1__MsgCommit *m = new_message(w, &viper__v1__msg_commit__descriptor);

    m->operator_ = world_text_of(&works[0]->servicer);
    m->session = works[0]->bench.session;
    m->n_entries = count;
    m->entries = new_list(w, count);
    for (size_t i = 0; i < count; i++) {
        const struct vpr_bench *bench = &works[i]->bench;
        Viper__V1__CommitEntry *e = new_message(w, &viper__v1__commit_entry__descriptor);
        e->requestor = world_text_of(&bench->requestor);
        e->chain = bench->chain;
        e->zone = bench->zone;
        e->root = data(w, works[i]->root.hash.b, 32);
        e->sum = works[i]->root.sum;
        e->count = works[i]->count;
        m->entries[i] = e;
    }
    return m;
}

Viper__V1__MsgProve *
ws_msg_tails(struct ws *w, const struct ws_work *const *works, size_t count)
{
    Viper__V1__MsgProve *m = new_message(w, &viper__v1__msg_prove__descriptor);

    m->operator_ = world_text_of(&works[0]->servicer);
    m->session = works[0]->bench.session;
    m->n_entries = count;
    m->entries = new_list(w, count);
    for (size_t i = 0; i < count; i++) {
        Viper__V1__ProveEntry *e = new_message(w, &viper__v1__prove_entry__descriptor);
        e->sid = data(w, works[i]->bench.sid.b, 32);
        e->n_tokens = WS_CLIENTS;
        e->tokens = new_list(w, WS_CLIENTS);
        e->n_tails = WS_CLIENTS;
        e->tails = vpr_arena_alloc(&w->build, WS_CLIENTS * sizeof e->tails[0]);
        for (size_t c = 0; c < WS_CLIENTS; c++) {
            uint8_t bytes[VPR_SIGNED_REQUEST_BYTES];
            vpr_signed_request_encode(bytes, &works[i]->tails[c]);
            e->tails[c] = data(w, bytes, sizeof bytes);
            e->tokens[c] = token_message(w, &works[i]->tokens[c]);
        }
        m->entries[i] = e;
    }
    return m;
}

Viper__V1__ProveSample *
ws_sample_at(struct ws *w, const struct ws_work *work, uint32_t position, uint64_t cu)
{
    Viper__V1__ProveSample *s = new_message(w, &viper__v1__prove_sample__descriptor);
    struct vpr_sumbranch branch;
    uint8_t bytes[VPR_LEAF_BYTES];
    size_t index = 0;

    while (cu >= work->nodes[index].sum) {
        cu -= work->nodes[index++].sum;
    }
    ck_assert(vpr_sumtree_branch(&branch, work->nodes, work->count, index));
    vpr_leaf_encode(bytes, &work->leaves[index]);
    s->position = position;
    s->sid = data(w, work->bench.sid.b, 32);
    s->leaf = data(w, bytes, sizeof bytes);
    for (size_t c = 0; c < WS_CLIENTS; c++) {
        if (vpr_hash_equal(&work->tokens[c].client_key,
                           &work->leaves[index].request.part.client_key)) {
            s->token = token_message(w, &work->tokens[c]);
        }
    }
    s->index = index;
    s->n_siblings = branch.depth;
    s->siblings = siblings_of(w, &branch);
    return s;
}

static int by_sid(const void *a, const void *b)
{
    const struct ws_work *const *left = a;
    const struct ws_work *const *right = b;
    return memcmp((*left)->bench.sid.b, (*right)->bench.sid.b, 32);
}

Viper__V1__MsgProve *
ws_msg_samples(struct ws *w, const struct ws_work *const *works, size_t count)
{
    Viper__V1__MsgProve *m = new_message(w, &viper__v1__msg_prove__descriptor);
    uint64_t session = works[0]->bench.session;
    size_t n = vpr_param(w->ctx, VPR_P_proof_samples, session);
    const struct ws_work **sorted = vpr_arena_copy(&w->build, works, count * sizeof works[0]);
    struct vpr_claim *claims = vpr_arena_alloc(&w->build, count * sizeof claims[0]);
    struct vpr_session record;

    ck_assert(vpr_session_get(w->ctx, session, &record));
    ck_assert(record.has_challenge);
    vpr_sort(&w->build, sorted, count, sizeof sorted[0], by_sid);
    for (size_t i = 0; i < count; i++) {
        const struct vpr_bench *bench = &sorted[i]->bench;
        uint64_t cu =
            sorted[i]->root.sum < bench->quota_cu ? sorted[i]->root.sum : bench->quota_cu;
        claims[i].sum = sorted[i]->root.sum;
        ck_assert(vpr_gross(&claims[i].gross, cu, bench->budget, bench->allowance_cu, VPR_PPM,
                            VPR_PPM));
    }
    m->operator_ = world_text_of(&works[0]->servicer);
    m->session = session;
    m->samples = new_list(w, n);
    for (uint32_t i = 0; i < n; i++) {
        size_t entry;
        uint64_t cu;
        ck_assert(vpr_prove_position(&entry, &cu, &record.challenge, &works[0]->servicer, i,
                                     claims, count));
        m->samples[m->n_samples++] = ws_sample_at(w, sorted[entry], i, cu);
    }
    return m;
}

Viper__V1__MsgReportCard *
ws_msg_report(struct ws *w, const struct ws_card *const *cards, size_t count)
{
    Viper__V1__MsgReportCard *m = new_message(w, &viper__v1__msg_report_card__descriptor);

    m->operator_ = world_text_of(&cards[0]->fisherman);
    m->session = cards[0]->bench.session;
    m->n_entries = count;
    m->entries = new_list(w, count);
    for (size_t i = 0; i < count; i++) {
        const struct vpr_bench *bench = &cards[i]->bench;
        Viper__V1__SealEntry *e = new_message(w, &viper__v1__seal_entry__descriptor);
        struct vpr_hash seal =
            vpr_card_seal(&cards[i]->card, &cards[i]->salt, &bench->sid, &cards[i]->fisherman);
        e->requestor = world_text_of(&bench->requestor);
        e->chain = bench->chain;
        e->zone = bench->zone;
        e->seal = data(w, seal.b, sizeof seal.b);
        m->entries[i] = e;
    }
    return m;
}

Viper__V1__OpenedSample *
ws_opened_at(struct ws *w, const struct ws_card *card, uint32_t position, uint64_t index)
{
    Viper__V1__OpenedSample *o = new_message(w, &viper__v1__opened_sample__descriptor);
    struct vpr_sumbranch branch;
    uint8_t bytes[VPR_SAMPLE_BYTES_MAX];

    o->position = position;
    o->index = index;
    size_t len = vpr_sample_encode(bytes, &card->samples[index]);
    o->sample = data(w, bytes, len);
    o->token = token_message(w, &card->token);
    ck_assert(vpr_sumtree_branch(&branch, card->nodes, card->count, index));
    o->n_siblings = branch.depth;
    o->siblings = siblings_of(w, &branch);
    return o;
}

static Viper__V1__CardLine **lines_of(struct ws *w, const struct vpr_card *card)
{
    Viper__V1__CardLine **list = new_list(w, card->count);
    for (uint32_t i = 0; i < card->count; i++) {
        const struct vpr_card_line *line = &card->lines[i];
        Viper__V1__CardLine *m = new_message(w, &viper__v1__card_line__descriptor);
        m->servicer = world_text_of(&line->servicer);
        m->sent = line->sent;
        m->refused = line->refused;
        m->answered = line->answered;
        m->checked = line->checked;
        m->correct = line->correct;
        m->p90_ms = line->p90_ms;
        list[i] = m;
    }
    return list;
}

Viper__V1__MsgReveal *
ws_msg_reveal(struct ws *w, const struct ws_card *const *cards, size_t count)
{
    Viper__V1__MsgReveal *m = new_message(w, &viper__v1__msg_reveal__descriptor);
    uint64_t session = cards[0]->bench.session;
    uint64_t opened = vpr_param(w->ctx, VPR_P_card_samples, session);
    struct vpr_session record;

    ck_assert(vpr_session_get(w->ctx, session, &record));
    m->operator_ = world_text_of(&cards[0]->fisherman);
    m->session = session;
    m->n_cards = count;
    m->cards = new_list(w, count);
    for (size_t i = 0; i < count; i++) {
        const struct ws_card *card = cards[i];
        Viper__V1__RevealedCard *c = new_message(w, &viper__v1__revealed_card__descriptor);
        c->sid = data(w, card->bench.sid.b, 32);
        c->salt = data(w, card->salt.b, 32);
        c->n_lines = card->card.count;
        c->lines = lines_of(w, &card->card);
        c->samples_root = data(w, card->card.root.b, 32);
        c->opened = new_list(w, opened);
        for (uint32_t n = 0; n < opened && card->count > 0 && record.has_challenge; n++) {
            uint64_t index = vpr_card_position(&record.challenge, &card->bench.sid,
                                               &card->fisherman, n, card->count);
            c->opened[c->n_opened++] = ws_opened_at(w, card, n, index);
        }
        m->cards[i] = c;
    }
    return m;
}
