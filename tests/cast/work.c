#include "tests/cast/work.h"

#include <stdio.h>

#include "app/base/bytes.h"
#include "app/base/sort.h"
#include "app/rules/draw.h"
#include "app/rules/split.h"

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

static ProtobufCBinaryData data(struct vpr_arena *arena, const void *bytes, size_t len)
{
    return (ProtobufCBinaryData){len, vpr_arena_copy(arena, bytes, len)};
}

static void *new_list(struct vpr_arena *arena, size_t count)
{
    return vpr_arena_alloc(arena, count * sizeof(void *));
}

/* A message of that type, initialised. */
static void *new_message(struct vpr_arena *arena, const ProtobufCMessageDescriptor *descriptor)
{
    ProtobufCMessage *message = vpr_arena_alloc(arena, descriptor->sizeof_message);
    protobuf_c_message_init(descriptor, message);
    return message;
}

/* An actor's second key: NAME.relay, NAME.gateway. */
static struct ws_key key_for(const struct vpr_address *id, const char *what)
{
    char label[128];
    const char *name = world_label_of(id);
    VPR_ASSERT(name != NULL);
    (void)snprintf(label, sizeof label, "%s.%s", name, what);
    return key_of(label);
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

void work_of_clients(struct ws_work *ret, const struct vpr_bench *bench,
                     const struct vpr_address *servicer, size_t clients, size_t relays,
                     uint64_t cu)
{
    memset(ret, 0, sizeof *ret);
    ret->bench = *bench;
    ret->servicer = *servicer;
    ret->client_count = clients;
    VPR_ASSERT(clients >= 1 && clients <= WS_CLIENTS_MAX && relays * clients <= WS_LEAVES_MAX);
    for (size_t c = 0; c < clients; c++) {
        const struct ws_key client = client_of(bench, c);
        size_t at = c;
        for (; at > 0 && memcmp(ret->clients[at - 1].key.b, client.key.b, 32) > 0; at--) {
            ret->clients[at] = ret->clients[at - 1];
        }
        ret->clients[at] = client;
    }
    for (size_t c = 0; c < clients; c++) {
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
    VPR_ASSERT(vpr_sumtree_root(&ret->root, ret->nodes, ret->count));
}

void ws_work(struct ws_work *ret, const struct vpr_bench *bench,
             const struct vpr_address *servicer, size_t relays, uint64_t cu)
{
    work_of_clients(ret, bench, servicer, WS_CLIENTS, relays, cu);
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
    VPR_ASSERT(vpr_sumtree_root(&root, card->nodes, card->count));
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
            VPR_ASSERT(ret->count < WS_SAMPLES_MAX);
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

static Viper__V1__SignedToken *token_message(struct vpr_arena *arena, const struct vpr_token *token)
{
    Viper__V1__SignedToken *m = new_message(arena, &viper__v1__signed_token__descriptor);
    uint8_t bytes[VPR_TOKEN_BYTES];
    vpr_token_encode(bytes, token);
    m->token = data(arena, bytes, sizeof bytes);
    return m;
}

static Viper__V1__Sibling **siblings_of(struct vpr_arena *arena, const struct vpr_sumbranch *branch)
{
    Viper__V1__Sibling **list = new_list(arena, branch->depth);
    for (uint32_t i = 0; i < branch->depth; i++) {
        list[i] = new_message(arena, &viper__v1__sibling__descriptor);
        list[i]->hash = data(arena, branch->siblings[i].hash.b, 32);
        list[i]->sum = branch->siblings[i].sum;
    }
    return list;
}

Viper__V1__MsgCommit *
work_commit(struct vpr_arena *arena, const struct ws_work *const *works, size_t count)
{
    Viper__V1__MsgCommit *m = new_message(arena, &viper__v1__msg_commit__descriptor);

    m->operator_ = world_text_of(&works[0]->servicer);
    m->session = works[0]->bench.session;
    m->n_entries = count;
    m->entries = new_list(arena, count);
    for (size_t i = 0; i < count; i++) {
        const struct vpr_bench *bench = &works[i]->bench;
        Viper__V1__CommitEntry *e = new_message(arena, &viper__v1__commit_entry__descriptor);
        e->requestor = world_text_of(&bench->requestor);
        e->chain = bench->chain;
        e->zone = bench->zone;
        e->root = data(arena, works[i]->root.hash.b, 32);
        e->sum = works[i]->root.sum;
        e->count = works[i]->count;
        m->entries[i] = e;
    }
    return m;
}

Viper__V1__MsgProve *
work_tails(struct vpr_arena *arena, const struct ws_work *const *works, size_t count)
{
    Viper__V1__MsgProve *m = new_message(arena, &viper__v1__msg_prove__descriptor);

    m->operator_ = world_text_of(&works[0]->servicer);
    m->session = works[0]->bench.session;
    m->n_entries = count;
    m->entries = new_list(arena, count);
    for (size_t i = 0; i < count; i++) {
        Viper__V1__ProveEntry *e = new_message(arena, &viper__v1__prove_entry__descriptor);
        e->sid = data(arena, works[i]->bench.sid.b, 32);
        size_t clients = works[i]->client_count;
        e->n_tokens = e->n_tails = clients;
        e->tokens = new_list(arena, clients);
        e->tails = vpr_arena_alloc(arena, clients * sizeof e->tails[0]);
        for (size_t c = 0; c < clients; c++) {
            uint8_t bytes[VPR_SIGNED_REQUEST_BYTES];
            vpr_signed_request_encode(bytes, &works[i]->tails[c]);
            e->tails[c] = data(arena, bytes, sizeof bytes);
            e->tokens[c] = token_message(arena, &works[i]->tokens[c]);
        }
        m->entries[i] = e;
    }
    return m;
}

Viper__V1__ProveSample *
work_sample_at(struct vpr_arena *arena, const struct ws_work *work, uint32_t position, uint64_t cu)
{
    Viper__V1__ProveSample *s = new_message(arena, &viper__v1__prove_sample__descriptor);
    struct vpr_sumbranch branch;
    uint8_t bytes[VPR_LEAF_BYTES];
    size_t index = 0;

    while (cu >= work->nodes[index].sum) {
        cu -= work->nodes[index++].sum;
    }
    VPR_ASSERT(vpr_sumtree_branch(&branch, work->nodes, work->count, index));
    vpr_leaf_encode(bytes, &work->leaves[index]);
    s->position = position;
    s->sid = data(arena, work->bench.sid.b, 32);
    s->leaf = data(arena, bytes, sizeof bytes);
    for (size_t c = 0; c < work->client_count; c++) {
        if (vpr_hash_equal(&work->tokens[c].client_key,
                           &work->leaves[index].request.part.client_key)) {
            s->token = token_message(arena, &work->tokens[c]);
        }
    }
    s->index = index;
    s->n_siblings = branch.depth;
    s->siblings = siblings_of(arena, &branch);
    return s;
}

static int by_sid(const void *a, const void *b)
{
    const struct ws_work *const *left = a;
    const struct ws_work *const *right = b;
    return memcmp((*left)->bench.sid.b, (*right)->bench.sid.b, 32);
}

Viper__V1__MsgProve *
work_samples(struct vpr_arena *arena, const struct ws_work *const *works, size_t count,
             const struct work_asked *asked)
{
    Viper__V1__MsgProve *m = new_message(arena, &viper__v1__msg_prove__descriptor);
    size_t n = asked->proof_samples;
    const struct ws_work **sorted = vpr_arena_copy(arena, works, count * sizeof works[0]);
    struct vpr_claim *claims = vpr_arena_alloc(arena, count * sizeof claims[0]);

    VPR_ASSERT(asked->challenge != NULL);
    vpr_sort(arena, sorted, count, sizeof sorted[0], by_sid);
    for (size_t i = 0; i < count; i++) {
        const struct vpr_bench *bench = &sorted[i]->bench;
        uint64_t cu =
            sorted[i]->root.sum < bench->quota_cu ? sorted[i]->root.sum : bench->quota_cu;
        claims[i].sum = sorted[i]->root.sum;
        VPR_ASSERT(vpr_gross(&claims[i].gross, cu, bench->budget, bench->allowance_cu,
                             asked->chain_multiplier_ppm, asked->zone_multiplier_ppm));
    }
    m->operator_ = world_text_of(&works[0]->servicer);
    m->session = works[0]->bench.session;
    m->samples = new_list(arena, n);
    for (uint32_t i = 0; i < n; i++) {
        size_t entry;
        uint64_t cu;
        VPR_ASSERT(vpr_prove_position(&entry, &cu, asked->challenge, &works[0]->servicer, i,
                                     claims, count));
        m->samples[m->n_samples++] = work_sample_at(arena, sorted[entry], i, cu);
    }
    return m;
}

Viper__V1__MsgReportCard *
work_report(struct vpr_arena *arena, const struct ws_card *const *cards, size_t count)
{
    Viper__V1__MsgReportCard *m = new_message(arena, &viper__v1__msg_report_card__descriptor);

    m->operator_ = world_text_of(&cards[0]->fisherman);
    m->session = cards[0]->bench.session;
    m->n_entries = count;
    m->entries = new_list(arena, count);
    for (size_t i = 0; i < count; i++) {
        const struct vpr_bench *bench = &cards[i]->bench;
        Viper__V1__SealEntry *e = new_message(arena, &viper__v1__seal_entry__descriptor);
        struct vpr_hash seal =
            vpr_card_seal(&cards[i]->card, &cards[i]->salt, &bench->sid, &cards[i]->fisherman);
        e->requestor = world_text_of(&bench->requestor);
        e->chain = bench->chain;
        e->zone = bench->zone;
        e->seal = data(arena, seal.b, sizeof seal.b);
        m->entries[i] = e;
    }
    return m;
}

Viper__V1__OpenedSample *
work_opened_at(struct vpr_arena *arena, const struct ws_card *card, uint32_t position,
               uint64_t index)
{
    Viper__V1__OpenedSample *o = new_message(arena, &viper__v1__opened_sample__descriptor);
    struct vpr_sumbranch branch;
    uint8_t bytes[VPR_SAMPLE_BYTES_MAX];

    o->position = position;
    o->index = index;
    size_t len = vpr_sample_encode(bytes, &card->samples[index]);
    o->sample = data(arena, bytes, len);
    o->token = token_message(arena, &card->token);
    VPR_ASSERT(vpr_sumtree_branch(&branch, card->nodes, card->count, index));
    o->n_siblings = branch.depth;
    o->siblings = siblings_of(arena, &branch);
    return o;
}

static Viper__V1__CardLine **lines_of(struct vpr_arena *arena, const struct vpr_card *card)
{
    Viper__V1__CardLine **list = new_list(arena, card->count);
    for (uint32_t i = 0; i < card->count; i++) {
        const struct vpr_card_line *line = &card->lines[i];
        Viper__V1__CardLine *m = new_message(arena, &viper__v1__card_line__descriptor);
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
work_reveal(struct vpr_arena *arena, const struct ws_card *const *cards, size_t count,
            const struct work_asked *asked)
{
    Viper__V1__MsgReveal *m = new_message(arena, &viper__v1__msg_reveal__descriptor);
    uint64_t opened = asked->challenge != NULL ? asked->card_samples : 0;

    m->operator_ = world_text_of(&cards[0]->fisherman);
    m->session = cards[0]->bench.session;
    m->n_cards = count;
    m->cards = new_list(arena, count);
    for (size_t i = 0; i < count; i++) {
        const struct ws_card *card = cards[i];
        Viper__V1__RevealedCard *c = new_message(arena, &viper__v1__revealed_card__descriptor);
        c->sid = data(arena, card->bench.sid.b, 32);
        c->salt = data(arena, card->salt.b, 32);
        c->n_lines = card->card.count;
        c->lines = lines_of(arena, &card->card);
        c->samples_root = data(arena, card->card.root.b, 32);
        c->opened = new_list(arena, opened);
        for (uint32_t n = 0; n < opened && card->count > 0; n++) {
            uint64_t index = vpr_card_position(asked->challenge, &card->bench.sid,
                                               &card->fisherman, n, card->count);
            c->opened[c->n_opened++] = work_opened_at(arena, card, n, index);
        }
        m->cards[i] = c;
    }
    return m;
}
