#include "tests/unit/world.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/base/bytes.h"
#include "app/base/hash.h"
#include "app/domain/actors.h"
#include "app/domain/beacon.h"

#define ARENA_BYTES (UINT64_C(1) << 30)
#define LABEL_MAX 96

/* ---- keys ---- */

static struct vpr_hash seed_of(const char *kind, const char *label)
{
    char text[2 * LABEL_MAX];
    int len = snprintf(text, sizeof text, "world %s %s", kind, label);
    ck_assert(len > 0 && (size_t)len < sizeof text);
    vpr_sig_init();
    return vpr_sha256(text, (size_t)len);
}

static bool is_ed25519(const char *label)
{
    return strcmp(label, "bob") == 0;
}

void world_ed25519_secret(const char *label, uint8_t ret_secret[64])
{
    struct vpr_hash seed = seed_of("ed25519", label), public;
    vpr_ed25519_keypair(&public, ret_secret, &seed);
}

struct vpr_hash world_ed25519(const char *label)
{
    struct vpr_hash seed = seed_of("ed25519", label), public;
    uint8_t secret[64];
    vpr_ed25519_keypair(&public, secret, &seed);
    return public;
}

struct vpr_public_key world_key(const char *label)
{
    struct vpr_public_key key = {VPR_KEY_TYPE_SECP256K1, {0}};
    if (is_ed25519(label)) {
        struct vpr_hash public = world_ed25519(label);
        key.type = VPR_KEY_TYPE_ED25519;
        memcpy(key.b, public.b, sizeof public.b);
        return key;
    }
    struct vpr_hash secret = seed_of("secp256k1", label);
    ck_assert(vpr_secp256k1_public(key.b, &secret));
    return key;
}

struct vpr_address world_address(const char *label)
{
    struct vpr_public_key key = world_key(label);
    return vpr_key_account(&key);
}

struct vpr_address world_consensus(const char *validator)
{
    char label[LABEL_MAX];
    (void)snprintf(label, sizeof label, "%s.consensus", validator);
    struct vpr_hash key = world_ed25519(label);
    return vpr_address_ed25519(&key);
}

/* Texts of labels last as long as the process, so that messages may point to them. */
#define TEXTS_MAX 65536
static char texts[TEXTS_MAX][VPR_ADDRESS_TEXT_MAX];
static size_t text_count;

char *world_text_of(const struct vpr_address *who)
{
    char text[VPR_ADDRESS_TEXT_MAX];
    vpr_address_text(text, VPR_PREFIX_ACCOUNT, who);
    for (size_t i = 0; i < text_count; i++) {
        if (strcmp(texts[i], text) == 0) {
            return texts[i];
        }
    }
    ck_assert_uint_lt(text_count, TEXTS_MAX);
    memcpy(texts[text_count], text, sizeof text);
    return texts[text_count++];
}

char *world_text(const char *label)
{
    struct vpr_address who = world_address(label);
    return world_text_of(&who);
}

struct vpr_hash world_beacon_end(const char *validator)
{
    struct vpr_hash x = seed_of("beacon", validator);
    for (size_t i = 0; i < WORLD_REVEALS; i++) {
        x = vpr_beacon_link(&x);
    }
    return x;
}

bool world_beacon_reveal(const char *validator, const struct vpr_hash *end,
                         struct vpr_hash *ret_x)
{
    struct vpr_hash x = seed_of("beacon", validator);
    for (size_t i = 0; i < WORLD_REVEALS; i++) {
        struct vpr_hash next = vpr_beacon_link(&x);
        if (vpr_hash_equal(&next, end)) {
            *ret_x = x;
            return true;
        }
        x = next;
    }
    return false;
}

struct vpr_bytes world_sign(struct vpr_arena *arena, const char *label,
                            const struct world_envelope *envelope,
                            const ProtobufCMessage *const *messages, size_t count)
{
    struct vpr_public_key key = world_key(label);
    struct vpr_wire_body body = {
        .messages = messages,
        .count = count,
        .memo = envelope->memo,
        .timeout_height = envelope->timeout_height,
        .unordered = envelope->unordered,
        .timeout_s = envelope->timeout_s,
    };
    struct vpr_bytes body_bytes = vpr_wire_body_pack(arena, &body);
    struct vpr_bytes auth_bytes = vpr_wire_auth_pack(
        arena, &key, envelope->sequence,
        envelope->gas_limit != 0 ? envelope->gas_limit : UINT64_C(20000000),
        envelope->fee_uvipr != 0 ? envelope->fee_uvipr : UINT64_C(500000));
    struct vpr_bytes doc = vpr_wire_sign_doc(
        arena, body_bytes, auth_bytes,
        envelope->chain_id != NULL ? envelope->chain_id : WORLD_CHAIN_ID,
        envelope->account_number);
    struct vpr_signature signature;
    if (key.type == VPR_KEY_TYPE_ED25519) {
        uint8_t secret[64];
        world_ed25519_secret(label, secret);
        vpr_ed25519_sign(&signature, doc.data, doc.len, secret);
    } else {
        struct vpr_hash secret = seed_of("secp256k1", label);
        struct vpr_hash digest = vpr_sha256(doc.data, doc.len);
        ck_assert(vpr_secp256k1_sign(&signature, &digest, &secret));
    }
    return vpr_wire_raw_pack(arena, body_bytes, auth_bytes, &signature);
}

/* ---- genesis ---- */

#define OPERATOR_FUNDS (1000 * WORLD_VIPR)

struct maker {
    struct vpr_arena *arena;
    Viper__V1__GenesisState *genesis;
};

static ProtobufCBinaryData bytes_of(struct vpr_arena *arena, const struct vpr_hash *hash)
{
    return (ProtobufCBinaryData){sizeof hash->b,
                                 vpr_arena_copy(arena, hash->b, sizeof hash->b)};
}

static ProtobufCBinaryData key_of(struct vpr_arena *arena, const char *name, const char *what)
{
    struct vpr_hash key = world_ed25519(vpr_arena_text(arena, "%s.%s", name, what));
    return bytes_of(arena, &key);
}

static char *owner_of(struct vpr_arena *arena, const char *name)
{
    return world_text(vpr_arena_text(arena, "%s.owner", name));
}

static void fund(struct maker *m, char *address, uint64_t balance)
{
    Viper__V1__GenesisAccount *account = VPR_ARENA_NEW(m->arena, Viper__V1__GenesisAccount);
    viper__v1__genesis_account__init(account);
    account->address = address;
    account->balance = balance;
    m->genesis->accounts[m->genesis->n_accounts++] = account;
}

/* Owner with the stake and operator with something for fees. */
static void fund_actor(struct maker *m, const char *name, uint64_t stake)
{
    fund(m, owner_of(m->arena, name), stake + OPERATOR_FUNDS);
    fund(m, world_text(name), OPERATOR_FUNDS);
}

static uint32_t *both_chains(struct vpr_arena *arena)
{
    static const uint32_t chains[] = {1, 2};
    return vpr_arena_copy(arena, chains, sizeof chains);
}

static void make_params(struct maker *m)
{
    m->genesis->params = VPR_ARENA_NEW(m->arena, Viper__V1__Params);
    viper__v1__params__init(m->genesis->params);
#define X(name, main, local, least, most) m->genesis->params->name = local;
    VPR_PARAMS(X)
#undef X
    m->genesis->price_micro_usd = 50000;
}

static void make_chains(struct maker *m)
{
    static const char *const names[] = {"viper", "litecoin"};
    m->genesis->chains = VPR_ARENA_ARRAY(m->arena, Viper__V1__GenesisChain *, 2);
    for (uint32_t i = 0; i < 2; i++) {
        Viper__V1__GenesisChain *chain = VPR_ARENA_NEW(m->arena, Viper__V1__GenesisChain);
        struct vpr_hash corpus = seed_of("corpus", names[i]);
        viper__v1__genesis_chain__init(chain);
        chain->id = i + 1;
        chain->name = vpr_arena_text(m->arena, "%s", names[i]);
        chain->owner = world_text("alice");
        chain->active = true;
        chain->multiplier_ppm = VPR_PPM;
        chain->latency_target_ms = 100;
        chain->latency_max_ms = 1100;
        chain->corpus_hash = bytes_of(m->arena, &corpus);
        m->genesis->chains[m->genesis->n_chains++] = chain;
    }
    Viper__V1__GenesisZone *zone = VPR_ARENA_NEW(m->arena, Viper__V1__GenesisZone);
    viper__v1__genesis_zone__init(zone);
    zone->id = 1;
    zone->name = vpr_arena_text(m->arena, "everywhere");
    zone->active = true;
    zone->multiplier_ppm = VPR_PPM;
    m->genesis->zones = VPR_ARENA_ARRAY(m->arena, Viper__V1__GenesisZone *, 1);
    m->genesis->zones[m->genesis->n_zones++] = zone;
}

static void make_validators(struct maker *m)
{
    m->genesis->validators =
        VPR_ARENA_ARRAY(m->arena, Viper__V1__MsgStakeValidator *, WORLD_VALIDATORS);
    for (int i = 1; i <= WORLD_VALIDATORS; i++) {
        Viper__V1__MsgStakeValidator *v = VPR_ARENA_NEW(m->arena, Viper__V1__MsgStakeValidator);
        const char *name = vpr_arena_text(m->arena, "validator%d", i);
        struct vpr_hash end = world_beacon_end(name);
        viper__v1__msg_stake_validator__init(v);
        v->owner = owner_of(m->arena, name);
        v->operator_ = world_text(name);
        v->amount = 50000 * WORLD_VIPR;
        v->consensus_key = key_of(m->arena, name, "consensus");
        v->beacon_end = bytes_of(m->arena, &end);
        m->genesis->validators[m->genesis->n_validators++] = v;
        fund_actor(m, name, v->amount);
    }
}

static void make_servicers(struct maker *m)
{
    m->genesis->servicers =
        VPR_ARENA_ARRAY(m->arena, Viper__V1__MsgStakeServicer *, WORLD_SERVICERS);
    for (int i = 1; i <= WORLD_SERVICERS; i++) {
        Viper__V1__MsgStakeServicer *s = VPR_ARENA_NEW(m->arena, Viper__V1__MsgStakeServicer);
        const char *name = vpr_arena_text(m->arena, "servicer%d", i);
        viper__v1__msg_stake_servicer__init(s);
        s->owner = owner_of(m->arena, name);
        s->operator_ = world_text(name);
        s->amount = 15000 * WORLD_VIPR;
        s->url = vpr_arena_text(m->arena, "http://127.0.0.1:%d", 8500 + i);
        s->relay_key = key_of(m->arena, name, "relay");
        s->zone = 1;
        s->chains = both_chains(m->arena);
        s->n_chains = 2;
        m->genesis->servicers[m->genesis->n_servicers++] = s;
        fund_actor(m, name, s->amount);
    }
}

static void make_fishermen(struct maker *m)
{
    m->genesis->fishermen =
        VPR_ARENA_ARRAY(m->arena, Viper__V1__MsgStakeFisherman *, WORLD_FISHERMEN);
    for (int i = 1; i <= WORLD_FISHERMEN; i++) {
        Viper__V1__MsgStakeFisherman *f = VPR_ARENA_NEW(m->arena, Viper__V1__MsgStakeFisherman);
        const char *name = vpr_arena_text(m->arena, "fisherman%d", i);
        viper__v1__msg_stake_fisherman__init(f);
        f->owner = owner_of(m->arena, name);
        f->operator_ = world_text(name);
        f->amount = 15000 * WORLD_VIPR;
        f->zone = 1;
        f->chains = both_chains(m->arena);
        f->n_chains = 2;
        m->genesis->fishermen[m->genesis->n_fishermen++] = f;
        fund_actor(m, name, f->amount);
    }
}

static void make_requestor(struct maker *m)
{
    Viper__V1__MsgStakeRequestor *r = VPR_ARENA_NEW(m->arena, Viper__V1__MsgStakeRequestor);
    const char *name = "requestor1";
    viper__v1__msg_stake_requestor__init(r);
    r->owner = owner_of(m->arena, name);
    r->operator_ = world_text(name);
    r->amount = 1000000 * WORLD_VIPR;
    r->num_servicers = 5;
    r->pairs = VPR_ARENA_ARRAY(m->arena, Viper__V1__Pair *, 2);
    for (uint32_t i = 0; i < 2; i++) {
        Viper__V1__Pair *pair = VPR_ARENA_NEW(m->arena, Viper__V1__Pair);
        viper__v1__pair__init(pair);
        pair->chain = i + 1;
        pair->zone = 1;
        pair->share_ppm = 500000;
        r->pairs[r->n_pairs++] = pair;
    }
    r->gateway_keys = VPR_ARENA_ARRAY(m->arena, ProtobufCBinaryData, 1);
    r->gateway_keys[r->n_gateway_keys++] = key_of(m->arena, name, "gateway");
    r->shadow_url = vpr_arena_text(m->arena, "http://127.0.0.1:8482");
    m->genesis->requestors = VPR_ARENA_ARRAY(m->arena, Viper__V1__MsgStakeRequestor *, 1);
    m->genesis->requestors[m->genesis->n_requestors++] = r;
    fund_actor(m, name, r->amount);
}

struct vpr_bytes world_genesis(struct vpr_arena *arena, world_change_fn *change, void *arg)
{
    Viper__V1__GenesisState genesis = VIPER__V1__GENESIS_STATE__INIT;
    struct maker m = {arena, &genesis};
    genesis.accounts = VPR_ARENA_ARRAY(arena, Viper__V1__GenesisAccount *, 256);
    make_params(&m);
    fund(&m, world_text("alice"), 1000000 * WORLD_VIPR);
    fund(&m, world_text("bob"), 1000000 * WORLD_VIPR);
    make_chains(&m);
    make_validators(&m);
    make_servicers(&m);
    make_fishermen(&m);
    make_requestor(&m);
    if (change != NULL) {
        change(&genesis, arg);
    }
    return vpr_arena_pack(arena, &genesis.base);
}

/* ---- the chain ---- */

struct world *world_create(world_change_fn *change, void *arg)
{
    struct world *w = calloc(1, sizeof *w);
    char text[256] = "";
    ck_assert_ptr_nonnull(w);
    vpr_arena_init(&w->scratch, ARENA_BYTES);
    vpr_arena_init(&w->block, ARENA_BYTES);
    vpr_arena_init(&w->node, ARENA_BYTES);
    w->kv = vpr_kv_memory_open();
    w->store = vpr_store_open(w->kv, vpr_domain_stores(), VPR_STORE_COUNT, text, sizeof text);
    ck_assert_msg(w->store != NULL, "%s", text);
    w->state = (struct vpr_state){w->store, NULL};
    w->proposer = "validator1";
    w->events.arena = &w->block;
    w->ctx.state = &w->state;
    w->ctx.arena = &w->scratch;
    w->ctx.err = &w->err;
    w->ctx.events = &w->events;
    w->ctx.pools = vpr_pools_create();
    w->ctx.chain_id = WORLD_CHAIN_ID;
    w->ctx.time_s = WORLD_TIME_S;

    struct vpr_bytes genesis = world_genesis(&w->node, change, arg);
    enum vpr_code code = vpr_genesis_import(&w->ctx, genesis, 1);
    ck_assert_msg(code == VPR_OK, "%s: %s", vpr_code_name(code), w->err.text);
    w->update_count = vpr_validators_update(&w->ctx, &w->updates);
    return w;
}

void world_destroy(struct world *w)
{
    vpr_pools_destroy(w->ctx.pools);
    vpr_store_close(w->store);
    vpr_arena_finish(&w->scratch);
    vpr_arena_finish(&w->block);
    vpr_arena_finish(&w->node);
    free(w);
}

static void run_steps(struct world *w, const struct vpr_step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t mark = vpr_arena_mark(&w->scratch);
        steps[i].run(&w->ctx);
        vpr_arena_release(&w->scratch, mark);
    }
}

void world_trace(const char *fmt, ...)
{
    const char *path = getenv("VPR_TRACE");
    FILE *out = path != NULL ? fopen(path, "a") : NULL;
    if (out != NULL) {
        va_list args;
        va_start(args, fmt);
        (void)vfprintf(out, fmt, args);
        va_end(args);
        fclose(out);
    }
}

void world_begin(struct world *w)
{
    struct vpr_hash end, x;
    ck_assert(!w->open);
    vpr_arena_release(&w->block, 0);
    memset(&w->events, 0, sizeof w->events);
    w->events.arena = &w->block;
    w->open = true;
    w->ctx.height++;
    w->ctx.time_s++;
    w->ctx.proposer = world_consensus(w->proposer);
    w->ctx.reveal = vpr_bytes_of(NULL, 0);
    if (!w->silent && vpr_validator_beacon_end(&w->ctx, &w->ctx.proposer, &end) &&
        world_beacon_reveal(w->proposer, &end, &x)) {
        w->ctx.reveal = vpr_bytes_of(vpr_arena_copy(&w->block, x.b, sizeof x.b), sizeof x.b);
    }
    run_steps(w, vpr_steps_before, vpr_steps_before_count);
}

void world_end(struct world *w)
{
    ck_assert(w->open);
    run_steps(w, vpr_steps_after, vpr_steps_after_count);
    struct vpr_arena *arena = w->ctx.arena;
    w->ctx.arena = &w->block;
    w->update_count = vpr_validators_update(&w->ctx, &w->updates);
    w->ctx.arena = arena;
    enum vpr_code code = vpr_domain_invariants(&w->ctx);
    ck_assert_msg(code == VPR_OK, "after block %d: %s", (int)w->ctx.height, w->err.text);
    w->app_hash = vpr_store_root(w->store);
    vpr_store_commit(w->store, w->ctx.height);
    w->open = false;
    char hash[65];
    vpr_hex(hash, w->app_hash.b, sizeof w->app_hash.b);
    world_trace("block %d %s\n", (int)w->ctx.height, hash);
}

void world_block(struct world *w)
{
    if (!w->open) {
        world_begin(w);
    }
    world_end(w);
}

void world_until(struct world *w, uint64_t height)
{
    while (w->open || w->ctx.height < height) {
        world_block(w);
    }
}

static const Viper__V1__Account *account_of(struct world *w, const char *label)
{
    struct vpr_address who = world_address(label);
    struct vpr_key_buf key = vpr_key(VPR_KEY_ACCOUNT);
    vpr_key_address(&key, &who);
    return (const Viper__V1__Account *)vpr_record_get(
        &w->ctx, VPR_STORE_ACCOUNTS, vpr_key_bytes(&key), &viper__v1__account__descriptor);
}

struct vpr_tx_result world_raw(struct world *w, struct vpr_bytes raw)
{
    struct vpr_tx_result result;
    if (!w->open) {
        world_begin(w);
    }
    vpr_tx_run(&w->ctx, &vpr_domain_tables, raw, &result);
    world_trace("tx %d gas %d\n", (int)result.code, (int)result.gas_used);
    return result;
}

struct vpr_tx_result world_tx(struct world *w, const char *label,
                              const ProtobufCMessage *message)
{
    if (!w->open) {
        world_begin(w);
    }
    const Viper__V1__Account *account = account_of(w, label);
    struct world_envelope envelope;
    memset(&envelope, 0, sizeof envelope);
    if (account != NULL) {
        envelope.account_number = account->number;
        envelope.sequence = account->sequence;
    }
    return world_raw(w, world_sign(&w->block, label, &envelope, &message, 1));
}

static uint64_t seeks;
static bool (*seek)(void *self, void *snapshot, enum vpr_kv_column column, bool backward,
                    struct vpr_arena *arena, struct vpr_bytes from, struct vpr_bytes *ret_key,
                    struct vpr_bytes *ret_value);

static bool counted_seek(void *self, void *snapshot, enum vpr_kv_column column, bool backward,
                         struct vpr_arena *arena, struct vpr_bytes from,
                         struct vpr_bytes *ret_key, struct vpr_bytes *ret_value)
{
    seeks++;
    return seek(self, snapshot, column, backward, arena, from, ret_key, ret_value);
}

uint64_t world_seeks(struct world *w)
{
    if (w->kv->seek != counted_seek) {
        seek = w->kv->seek;
        w->kv->seek = counted_seek;
    }
    uint64_t count = seeks;
    seeks = 0;
    return count;
}

uint64_t world_balance(struct world *w, const char *label)
{
    struct vpr_address who = world_address(label);
    size_t mark = vpr_arena_mark(&w->scratch);
    uint64_t balance = vpr_account_balance(&w->ctx, &who).uvipr;
    vpr_arena_release(&w->scratch, mark);
    return balance;
}

const char *world_event(struct world *w, const char *type, const char *key)
{
    for (size_t i = w->events.count; i > 0; i--) {
        const struct vpr_event *event = w->events.list[i - 1];
        if (strcmp(event->type, type) != 0) {
            continue;
        }
        for (uint32_t a = 0; a < event->count; a++) {
            if (strcmp(event->attributes[a].key, key) == 0) {
                return event->attributes[a].value;
            }
        }
        return NULL;
    }
    return NULL;
}
